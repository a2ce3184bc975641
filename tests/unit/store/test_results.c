/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite of the store: results, pages, layers, tokens. */
#include "fixture.h"
#include "store/internal.h"

/* --- results
 * ---------------------------------------------------------------------------------------------------------
 */
static void test_results__come_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 3, 1));
    str next;
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 1);
    const struct store_finding *s = &all.ptr[0];
    assert_str(s->registry.name, "Main");
    assert_str(s->repository, "team/app");
    assert_true(str_eq(s->digest, digest_n(f, 1)));
    assert_str(s->platform, "linux/amd64");
    assert_int_equal(s->generation, 7);
    assert_int_equal(s->scanned_at, f->now);
    assert_str(s->finding.id, "CVE-2020-3");
    assert_str(s->finding.package_name, "openssl");
    assert_str(s->finding.fixed_version, "3.0.11-2");
    assert_int_equal(s->finding.fix_state, FIX_FIXED);
    assert_int_equal(s->finding.severity, SEVERITY_HIGH);
    assert_str(s->finding.rated_by, "debian-tracker");
    assert_str(s->finding.rating_basis, "own rating");
    assert_int_equal(s->finding.cwes.len, 2);
    assert_str(s->finding.cwes.ptr[0], "CWE-79");
    assert_str(s->finding.cwes.ptr[1], "CWE-125");
    assert_true(s->finding.is_patchable);
    assert_str(s->finding.aliases.ptr[0], "DSA-3 \"quoted\"");
    assert_str(s->finding.evidence.ptr[0].range, "< 3.0.11-2");
    assert_true(s->finding.cvss.ptr[0].is_scored);
    assert_true(s->finding.cvss.ptr[0].score > 9.7 && s->finding.cvss.ptr[0].score < 9.9);
    assert_str(s->finding.remediation_text, "Upgrade openssl.");
    struct store_image image = images_all(f).ptr[0];
    assert_int_equal(image.size_bytes, 4096);
    assert_int_equal(image.counts.high, 1);
    assert_int_equal(image.counts.patchable, 1);
    assert_str(image.os_version, "12");
}

/* The same text with another rating is another row: neither takes the other's place. */
static void test_results__who_rated_and_why_tell_facts_apart(void **state)
{
    struct fixture *f = *state;
    struct report *second = report_of(f, 2, 3, 1);
    second->findings.ptr[0].rated_by = STR("nvd");
    second->findings.ptr[0].rating_basis = STR("CVSS 3.1");
    second->findings.ptr[0].cwes = (strs){0};
    scan_image(f, 1, report_of(f, 1, 3, 1));
    f->now++;
    scan_image(f, 2, second);
    str next;
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 2);
    assert_str(all.ptr[0].finding.rated_by, "debian-tracker");
    assert_int_equal(all.ptr[0].finding.cwes.len, 2);
    assert_str(all.ptr[1].finding.rated_by, "nvd");
    assert_str(all.ptr[1].finding.rating_basis, "CVSS 3.1");
    assert_int_equal(all.ptr[1].finding.cwes.len, 0);
}

static void test_results__replace_what_was_and_keep_first_seen(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 4)); /* 0 1 2 3 */
    int64_t first = f->now;
    f->now += 100;
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = f->registry.id,
                                  .repository = STR("team/app"),
                                  .digest = digest_n(f, 1)};
    assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report_of(f, 1, 2, 4), JOB_END_DONE), err); /* 2 3 4 5 */
    str next;
    store_findings all = findings_all(f, 10, &next, STR(""));
    assert_int_equal(all.len, 4);
    for (size_t i = 0; i < all.len; i++) {
        bool was_there = str_eq(all.ptr[i].finding.id, STR("CVE-2020-2")) ||
                         str_eq(all.ptr[i].finding.id, STR("CVE-2020-3"));
        assert_int_equal(all.ptr[i].first_seen, was_there ? first : f->now);
        assert_false(str_eq(all.ptr[i].finding.id, STR("CVE-2020-0")));
    }
}

static void test_results__get_by_name_only_within_scope(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 5, 1));
    str next, name = findings_all(f, 10, &next, STR("")).ptr[0].finding.name;
    struct store_finding found;
    const struct store_scope here = {.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                     .resource_group = STR("GROUP")};
    const struct store_scope away = {.subscription = STR("99999999-2222-3333-4444-555555555555")};
    assert_ok(store_finding_get(f->store, &f->arena, &here, name, &found, &err), err);
    assert_str(found.finding.id, "CVE-2020-5");
    assert_false(store_finding_get(f->store, &f->arena, &away, name, &found, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(store_finding_get(f->store, &f->arena, &here, STR("none"), &found, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void test_results__pages_are_stable_while_others_insert(void **state)
{
    struct fixture *f = *state;
    bool is_seen[3][20] = {0};
    scan_image(f, 1, report_of(f, 1, 0, 20));
    scan_image(f, 2, report_of(f, 2, 0, 20));
    str after = STR("");
    unsigned n = 0, n_pages = 0;
    do {
        str next;
        store_findings page = findings_all(f, 7, &next, after);
        assert_true(page.len <= 7);
        for (size_t i = 0; i < page.len; i++, n++) {
            unsigned image = str_eq(page.ptr[i].digest, digest_n(f, 1)) ? 1 : 2;
            uint64_t number = 0;
            str id = page.ptr[i].finding.id;
            if (!str_to_u64(str_skip(id, 9), 1000, &number) || number >= 20)
                continue;
            assert_false(is_seen[image][number]);
            is_seen[image][number] = true;
        }
        if (++n_pages == 2) { /* one more before the cursor's image is through, one image behind */
            f->now += 5;
            const struct job_spec spec = {.kind = JOB_SCAN,
                                          .registry_id = f->registry.id,
                                          .repository = STR("team/app"),
                                          .digest = digest_n(f, 1)};
            assert_ok(store_job_add(f->store, &spec, f->now, NULL, &err), err);
            struct job job = lease(f);
            assert_ok(finish(f, &job, report_of(f, 1, 0, 30), JOB_END_DONE), err);
        }
        after = next;
    } while (after.len);
    for (unsigned image = 1; image <= 2; image++)
        for (unsigned i = 0; i < 20; i++)
            assert_true(is_seen[image][i]);
}

static void test_results__foreign_continuation_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {
        "x", "1", "1.", "1.x.y", ".1.2", "-1.2.x", "99999999999999999999.1.a"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        store_findings out = {0};
        str next;
        const struct store_scope scope = {0};
        const struct store_page page = {str_from(bad[i]), 10};
        assert_false(
            store_findings_list(f->store, &f->arena, &scope, NULL, &page, &out, &next, &err));
        assert_int_equal(err.kind, ERR_FORMAT);
    }
}

static void test_results__index_rolls_its_platforms_up(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "idx", 50, "multi");
    event.is_index = true;
    add(f, &event, 1);
    struct job job = lease(f);
    struct store_result results[] = {{.report = report_of(f, 1, 0, 0)},
                                     {.report = report_of(f, 2, 0, 3)}};
    struct job_outcome outcome = {.end = JOB_END_DONE,
                                  .results = results,
                                  .n_results = 2,
                                  .is_index = true,
                                  .generation = 7,
                                  .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    store_images list = images_all(f);
    assert_int_equal(list.len, 3);
    assert_true(list.ptr[0].is_index);
    assert_int_equal(list.ptr[0].verdict, VERDICT_UNHEALTHY);
    assert_int_equal(list.ptr[0].counts.high + list.ptr[0].counts.unknown, 3);
    for (size_t i = 1; i < 3; i++) {
        assert_true(str_eq(list.ptr[i].index, digest_n(f, 50)));
        assert_str(list.ptr[i].tags.ptr[0], "multi");
    }
    struct store_assessment a = assessment(f);
    assert_int_equal(a.healthy, 1); /* the index itself is not counted */
    assert_int_equal(a.unhealthy, 1);
    assert_int_equal(a.unscanned, 0);
    assert_int_equal(add(f,
                         &(struct store_event){.id = STR("idx2"),
                                               .action = EVENT_PUSH,
                                               .repository = STR("team/app"),
                                               .digest = digest_n(f, 50),
                                               .is_index = true,
                                               .at = f->now},
                         1)
                         .n_jobs,
                     0);
}

static void test_results__index_with_an_unknown_child_is_not_healthy(void **state)
{
    struct fixture *f = *state;
    struct store_event event = push(f, "idx", 50, "multi");
    event.is_index = true;
    add(f, &event, 1);
    struct job job = lease(f);
    struct report *broken = report_of(f, 2, 0, 0);
    broken->verdict = VERDICT_FAILED;
    struct store_result results[] = {{.report = report_of(f, 1, 0, 0)}, {.report = broken}};
    struct job_outcome outcome = {
        .end = JOB_END_DEAD, .results = results, .n_results = 2, .is_index = true, .now = f->now};
    assert_ok(store_job_finish(f->store, &job, &outcome, &err), err);
    assert_int_equal(images_all(f).ptr[0].verdict, VERDICT_UNKNOWN);
    assert_false(images_all(f).ptr[0].is_complete);
}

static void test_results__kernel_headers_are_kept_but_not_listed(void **state)
{
    struct fixture *f = *state;
    struct report *r = report_of(f, 1, 0, 2);
    r->findings.ptr[0].class = CLASS_KERNEL_HEADERS;
    scan_image(f, 1, r);
    assert_int_equal(count_findings(f), 1);
    struct report_summary counts = images_all(f).ptr[0].counts;
    assert_int_equal(counts.high + counts.unknown, 1);
}

static void test_assessment__knows_since_when(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(assessment(f).first_evaluated_at, 0);
    assert_int_equal(assessment(f).verdict, VERDICT_NOT_APPLICABLE);
    int64_t first = f->now;
    scan_image(f, 1, report_of(f, 1, 0, 0));
    assert_int_equal(assessment(f).verdict, VERDICT_HEALTHY);
    f->now += 100;
    scan_image(f, 2, report_of(f, 2, 0, 2));
    struct store_assessment a = assessment(f);
    assert_int_equal(a.verdict, VERDICT_UNHEALTHY);
    assert_int_equal(a.first_evaluated_at, first);
    assert_int_equal(a.status_changed_at, f->now);
    assert_int_equal(a.findings, 2);
    f->now += 100;
    scan_image(f, 3, report_of(f, 3, 0, 2));
    assert_int_equal(assessment(f).status_changed_at, f->now - 100);
}

/* --- layers and re-match
 * ---------------------------------------------------------------------------------------------- */
static digest parsed(struct fixture *f, unsigned n)
{
    digest d;
    assert_true(digest_parse(digest_n(f, n), &d));
    return d;
}

static void test_layers__are_known_by_digest_diff_id_and_revision(void **state)
{
    struct fixture *f = *state;
    digest layer = parsed(f, 1), diff_id = parsed(f, 2), other = parsed(f, 3);
    str bytes = STR("\0inventory\0\xff"), got;
    bool is_found = true;
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_false(is_found);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, bytes, f->now, &err), err);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, bytes, f->now, &err), err);
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_true(is_found && str_eq(got, bytes));
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &other, 3, &got, &is_found, &err), err);
    assert_false(is_found);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, UINT64_MAX, bytes, f->now, &err), err);
    assert_ok(store_layer_get(f->store, &f->arena, &layer, &diff_id, 3, &got, &is_found, &err),
              err);
    assert_false(is_found); /* an older revision is of no use */
}

static void test_rematch__finds_what_is_behind_and_never_goes_back(void **state)
{
    struct fixture *f = *state;
    digest layer = parsed(f, 900), diff_id = parsed(f, 901);
    assert_ok(store_layer_put(f->store, &layer, &diff_id, 3, STR("x"), f->now, &err), err);
    scan_image(f, 1, report_of(f, 1, 0, 2)); /* generation 7 */
    stored_images behind = {0};
    assert_ok(store_images_behind(f->store, &f->arena, 7, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 0);
    assert_ok(store_images_behind(f->store, &f->arena, 8, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 1);
    assert_true(behind.ptr[0].has_inventory);
    assert_int_equal(behind.ptr[0].report.layers.len, 1);
    assert_str(behind.ptr[0].report.layers.ptr[0].created_by, "ADD rootfs");
    int64_t id = behind.ptr[0].id;
    assert_ok(store_rematch_save(f->store, id, report_of(f, 1, 0, 5), 9, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_int_equal(images_all(f).ptr[0].generation, 9);
    assert_ok(store_rematch_save(f->store, id, report_of(f, 1, 0, 1), 8, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_ok(store_rematch_save(f->store, id, NULL, 10, f->now, &err), err);
    assert_int_equal(count_findings(f), 5);
    assert_int_equal(images_all(f).ptr[0].generation, 9); /* what it was matched against */
    behind = (stored_images){0};
    assert_ok(store_images_behind(f->store, &f->arena, 10, 0, 10, &behind, &err), err);
    assert_int_equal(behind.len, 0);
}

static void test_wanted__new_ones_bring_their_job_in_the_same_commit(void **state)
{
    struct fixture *f = *state;
    const struct wanted_package list[] = {{STR("Debian:12"), STR("openssl"), STR("3.0.11-1")},
                                          {STR("Debian:12"), STR("curl"), STR("7.88.1-10")}};
    const struct job_spec then = {.kind = JOB_REFRESH, .repository = STR("debian-archive")};
    size_t n_new = 0;
    struct job_counts counts;
    assert_ok(store_wanted_add(f->store, list, 1, &then, f->now, &n_new, &err), err);
    assert_int_equal(n_new, 1);
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 1);
    assert_ok(store_wanted_add(f->store, list, 2, &then, f->now, &n_new, &err), err);
    assert_int_equal(n_new, 1);
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.queued, 1);
    store_wanted all = {0};
    assert_ok(store_wanted_list(f->store, &f->arena, &all, &err), err);
    assert_int_equal(all.len, 2);
    assert_str(all.ptr[0].source_name, "curl");
}

/* --- tokens, meta, purge
 * ------------------------------------------------------------------------------------------------
 */
static void test_tokens__only_the_right_one_opens(void **state)
{
    struct fixture *f = *state;
    str token, name;
    size_t n = 9;
    assert_ok(store_token_count(f->store, &n, &err), err);
    assert_int_equal(n, 0);
    assert_ok(store_token_create(f->store, &f->arena, STR("owner"), f->now, &token, &err), err);
    assert_true(token.len >= 48 && str_starts(token, STR("plim_")));
    assert_ok(store_token_check(f->store, &f->arena, token, &name, &err), err);
    assert_str(name, "owner");
    assert_false(
        store_token_check(f->store, &f->arena, str_slice(token, 0, token.len - 1), &name, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_false(store_token_check(f->store, &f->arena, STR(""), &name, &err));
    /* the token itself is nowhere in the store */
    reopen(f);
    assert_false(engine_holds(&f->engine, &f->arena, f->store, token));
}

static void test_meta__is_what_was_set_last(void **state)
{
    struct fixture *f = *state;
    str value;
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err);
    assert_int_equal(value.len, 0);
    assert_ok(store_meta_set(f->store, STR("k"), STR("1"), &err), err);
    assert_ok(store_meta_set(f->store, STR("k"), STR("2"), &err), err);
    assert_ok(store_meta_get(f->store, &f->arena, STR("k"), &value, &err), err);
    assert_str(value, "2");
}

static void test_purge__leaves_what_is_open_and_what_is_used(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 2));
    struct store_event event = push(f, "open", 2, "");
    add(f, &event, 1);
    assert_ok(store_purge(f->store, f->now + 1, &err), err);
    struct job_counts counts;
    assert_ok(store_jobs_count(f->store, &counts, &err), err);
    assert_int_equal(counts.done, 0);
    assert_int_equal(counts.queued, 1);
    assert_int_equal(count_findings(f), 2);
}

/* --- base images
 * -----------------------------------------------------------------------------------------------
 */
/* Layers 1, 2, … @n, of which the last is @last. */
static struct report *layered(struct fixture *f, unsigned image, unsigned n, unsigned last)
{
    struct report *r = report_of(f, image, 0, 1);
    r->layers.len = 0;
    for (unsigned i = 1; i <= n; i++) {
        struct report_layer *layer = vec_push(&f->arena, &r->layers);
        unsigned number = i == n ? last : i;
        assert_true(digest_parse(digest_n(f, 500 + number), &layer->digest));
        assert_true(digest_parse(digest_n(f, 600 + number), &layer->diff_id));
    }
    return r;
}

static size_t base_of(struct fixture *f, const struct report *report)
{
    digest ids[8];
    size_t n_base = 99;
    for (size_t i = 0; i < report->layers.len; i++)
        ids[i] = report->layers.ptr[i].diff_id;
    assert_ok(store_base_find(f->store, ids, report->layers.len, &n_base, &err), err);
    return n_base;
}

static void test_results__base_is_the_longest_chain_of_another_image(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(base_of(f, layered(f, 9, 4, 4)), 0);
    scan_image(f, 1, layered(f, 1, 1, 1));
    scan_image(f, 2, layered(f, 2, 2, 2));
    scan_image(f, 3, layered(f, 3, 3, 7)); /* begins alike, and is no beginning */
    assert_int_equal(base_of(f, layered(f, 9, 4, 4)), 2);
    assert_int_equal(base_of(f, layered(f, 9, 2, 2)), 1); /* not the image itself, nor its twin */
    assert_int_equal(base_of(f, layered(f, 9, 2, 8)), 1);
    assert_int_equal(base_of(f, layered(f, 9, 1, 1)), 0);
    scan_image(f, 4, layered(f, 4, 4, 4));
    assert_int_equal(base_of(f, layered(f, 9, 5, 5)), 4);
    struct report *unknown = layered(f, 9, 4, 4);
    unknown->layers.ptr[0].diff_id = (digest){0};
    assert_int_equal(base_of(f, unknown), 0);
}

/* --- how findings are found
 * ------------------------------------------------------------------------------------------------
 */
static bool is_of_findings(const char *sql)
{
    str text = str_from(sql ? sql : "");
    return str_starts(text, STR("SELECT")) && str_has(text, STR(" FROM findings f"));
}

static void plan_says_no(struct fixture *f, const char *sql, const char *const *words)
{
    auto_rows rows = {0};
    unsigned n_lines = 0;
    assert_ok(db_query(f->store, &rows, &err, sql), err);
    while (rows_next(&rows, &err) == NEXT_ITEM) {
        str line = row_text(&rows, f->engine.is_postgres ? 0 : 3);
        for (size_t i = 0; words[i]; i++)
            if (str_has(line, str_from(words[i])))
                fail_msg(STR_FMT "\nof %s", STR_ARG(line), sql);
        n_lines++;
    }
    assert_true(n_lines > 3);
}

/* "$4", "?4" */
static unsigned count_parameters(const char *sql)
{
    unsigned max = 0;
    for (const char *at = strchr(sql, '$'); at; at = strchr(at + 1, '$'))
        max = (unsigned)num_max(max, (unsigned)(at[1] - '0'));
    return max;
}

static void check_plan(struct fixture *f, const char *sql, unsigned number)
{
    static const char *const lite[] = {"SCAN", "TEMP B-TREE", NULL};
    static const char *const postgres[] = {"Seq Scan", "Sort Key", "Hash", NULL};
    if (!f->engine.is_postgres) {
        auto_rows rows = {0};
        const char *explain = arena_printf(&f->arena, "EXPLAIN QUERY PLAN %s", sql).ptr;
        struct value none[6] = {0};
        assert_ok(db_query_(f->store, &rows, explain, none, count_parameters(sql), &err), err);
        while (rows_next(&rows, &err) == NEXT_ITEM)
            for (size_t i = 0; lite[i]; i++)
                if (str_has(row_text(&rows, 3), str_from(lite[i])) &&
                    !(strstr(sql, "(SELECT") && str_eq(row_text(&rows, 3), STR("SCAN f"))))
                    fail_msg(STR_FMT "\nof %s", STR_ARG(row_text(&rows, 3)), sql);
        return;
    }
    auto_sb execute;
    sb_init(&execute, 4096);
    sb_addf(&execute, "EXPLAIN EXECUTE q%u(NULL", number);
    for (unsigned i = 1; i < count_parameters(sql); i++)
        sb_addc(&execute, ", NULL");
    sb_addc(&execute, ")");
    assert_ok(db_run(f->store, &err, arena_printf(&f->arena, "PREPARE q%u AS %s", number, sql).ptr),
              err);
    plan_says_no(f, arena_cstr(&f->arena, sb_str(&execute)), postgres);
}

/* An empty table is read whole whatever there is; so that is made expensive first. */
static void test_findings__are_found_by_an_index_and_come_in_its_order(void **state)
{
    struct fixture *f = *state;
    const char *seen[8];
    unsigned n = 0;
    str next;
    struct store_finding found;
    const struct store_scope all = {0};
    scan_image(f, 1, report_of(f, 1, 1, 3));
    assert_int_equal(findings_all(f, 2, &next, STR("")).len, 2);
    assert_int_equal(findings_all(f, STORE_PIECE, &next, STR("")).len, 3);
    assert_ok(store_finding_get(f->store, &f->arena, &all,
                                STR("00000001-0000-8000-8000-000000000001"), &found, &err),
              err);
    for (size_t i = 0; i < PREPARED_MAX; i++)
        if (is_of_findings(f->store->prepared[i].sql) && n < ARRAY_LEN(seen))
            seen[n++] = f->store->prepared[i].sql;
    assert_true(n >= 3);
    if (f->engine.is_postgres)
        assert_ok(db_run(f->store, &err, "SET enable_seqscan = off") &&
                      db_run(f->store, &err, "SET enable_sort = off") &&
                      db_run(f->store, &err, "SET enable_incremental_sort = off") &&
                      db_run(f->store, &err, "SET enable_bitmapscan = off") &&
                      db_run(f->store, &err, "SET plan_cache_mode = force_generic_plan"),
                  err);
    for (unsigned i = 0; i < n; i++)
        check_plan(f, seen[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_results__come_back_as_they_were),
        T(test_results__who_rated_and_why_tell_facts_apart),
        T(test_results__replace_what_was_and_keep_first_seen),
        T(test_results__get_by_name_only_within_scope),
        T(test_results__pages_are_stable_while_others_insert),
        T(test_results__foreign_continuation_is_refused),
        T(test_results__index_rolls_its_platforms_up),
        T(test_results__index_with_an_unknown_child_is_not_healthy),
        T(test_results__kernel_headers_are_kept_but_not_listed),
        T(test_results__base_is_the_longest_chain_of_another_image),
        T(test_findings__are_found_by_an_index_and_come_in_its_order),
        T(test_assessment__knows_since_when),
        T(test_layers__are_known_by_digest_diff_id_and_revision),
        T(test_rematch__finds_what_is_behind_and_never_goes_back),
        T(test_wanted__new_ones_bring_their_job_in_the_same_commit),
        T(test_tokens__only_the_right_one_opens),
        T(test_meta__is_what_was_set_last),
        T(test_purge__leaves_what_is_open_and_what_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
