/* SPDX-License-Identifier: Apache-2.0 */
/* Images as they are listed: an index is what its platforms are; what filters find. */
#include "fixture.h"

static unsigned n_pushed;

static struct job push_index(struct fixture *f, unsigned image)
{
    char id[32];
    snprintf(id, sizeof(id), "index-%u", n_pushed++);
    struct store_event event = push(f, id, image, "multi");
    event.is_index = true;
    add(f, &event, 1);
    return lease(f);
}

struct child {
    unsigned image;
    enum verdict verdict;
    const char *name, *reason;
};

static void finish_index(struct fixture *f, const struct job *job, const struct child *platforms,
                         size_t n)
{
    struct store_result results[4];
    for (size_t i = 0; i < n; i++) {
        const struct child *p = &platforms[i];
        struct report *r = report_of(f, p->image, 0, p->verdict == VERDICT_UNHEALTHY ? 3 : 0);
        r->verdict = p->verdict;
        r->is_complete = p->verdict != VERDICT_FAILED;
        r->platform = str_from(p->name);
        r->reason = str_from(p->reason);
        results[i] = (struct store_result){.report = r};
    }
    const struct job_outcome outcome = {.end = JOB_END_DONE,
                                        .results = results,
                                        .n_results = n,
                                        .is_index = true,
                                        .generation = 7,
                                        .revision = 3,
                                        .now = f->now};
    assert_ok(store_job_finish(f->store, job, &outcome, &err), err);
}

static struct store_image index_of(struct fixture *f)
{
    store_images all = images_all(f);
    for (size_t i = 0; i < all.len; i++)
        if (all.ptr[i].is_index)
            return all.ptr[i];
    fail_msg("no index");
    return (struct store_image){0};
}

static void test_index__is_the_worst_of_its_platforms(void **state)
{
    static const struct {
        struct child of[3];
        size_t n;
        enum image_status expected;
        size_t n_assessed;
        const char *text;
    } rows[] = {
        {{{1, VERDICT_HEALTHY, "linux/amd64", ""}, {2, VERDICT_UNHEALTHY, "linux/arm64", ""}},
         2,
         IMAGE_UNHEALTHY,
         2,
         ""},
        {{{1, VERDICT_HEALTHY, "linux/amd64", ""}, {2, VERDICT_HEALTHY, "linux/arm64", ""}},
         2,
         IMAGE_HEALTHY,
         2,
         ""},
        {{{1, VERDICT_HEALTHY, "linux/amd64", ""},
          {2, VERDICT_NOT_APPLICABLE, "windows/amd64", "a Windows image"}},
         2,
         IMAGE_HEALTHY,
         2,
         ""},
        {{{1, VERDICT_NOT_APPLICABLE, "windows/amd64", "a Windows image"}},
         1,
         IMAGE_NOT_APPLICABLE,
         1,
         "windows/amd64: a Windows image"},
        {{{1, VERDICT_HEALTHY, "linux/amd64", ""},
          {2, VERDICT_FAILED, "linux/arm64", "layer 0: digest mismatch"}},
         2,
         IMAGE_FAILED,
         1,
         "layer 0: digest mismatch"},
        {{{1, VERDICT_UNHEALTHY, "linux/amd64", ""},
          {2, VERDICT_FAILED, "linux/arm64", "layer 0: digest mismatch"}},
         2,
         IMAGE_UNHEALTHY,
         1,
         ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(state);
        struct fixture *f = *state;
        struct job job = push_index(f, 9);
        assert_int_equal(store_image_status(&(struct store_image){.is_index = true}),
                         IMAGE_PENDING);
        finish_index(f, &job, rows[i].of, rows[i].n);
        struct store_image index = index_of(f);
        if (store_image_status(&index) != rows[i].expected)
            fail_msg("row %zu: %s", i, image_status_name(store_image_status(&index)));
        assert_int_equal(index.n_platforms, rows[i].n);
        assert_int_equal(index.n_assessed, rows[i].n_assessed);
        str text = index.reason.len ? index.reason : index.failure;
        if (rows[i].text[0])
            assert_true(str_has(text, str_from(rows[i].text)));
        teardown(state);
    }
}

static void test_index__is_pending_until_it_was_scanned(void **state)
{
    struct fixture *f = *state;
    (void)push_index(f, 9);
    struct store_image index = index_of(f);
    assert_int_equal(store_image_status(&index), IMAGE_PENDING);
    assert_int_equal(index.n_platforms, 0);
}

static size_t count(struct fixture *f, const struct image_filter *filter, size_t limit)
{
    const struct store_scope scope = {0};
    struct store_page page = {.limit = limit};
    size_t n = 0;
    do {
        store_images out = {0};
        assert_ok(
            store_images_list(f->store, &f->arena, &scope, filter, &page, &out, &page.after, &err),
            err);
        assert_true(out.len <= limit);
        n += out.len;
    } while (page.after.len);
    return n;
}

/* A filter that the rows cannot answer, as the status of an index, leaves pages whole. */
static void test_images__are_filtered_over_pages(void **state)
{
    struct fixture *f = *state;
    static const struct child of[] = {{901, VERDICT_UNHEALTHY, "linux/amd64", ""}};
    struct job job = push_index(f, 900);
    finish_index(f, &job, of, 1);
    for (unsigned i = 0; i < 230; i++)
        scan_image(f, i, report_of(f, i, 0, i % 10 == 0 ? 1 : 0));
    static const struct {
        struct image_filter filter;
        size_t n;
    } rows[] = {
        {{.status = IMAGE_UNHEALTHY}, 23 + 2},
        {{.status = IMAGE_HEALTHY}, 207},
        {{.status = IMAGE_PENDING}, 0},
        {{.is_untagged = true}, 230},
        {{.tag = STR("multi")}, 2}, /* the index and what it holds */
        {{.tag = STR("multi"), .status = IMAGE_HEALTHY}, 0},
        {{.pulled_since = 1}, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t limit = 7; limit <= 1000; limit = limit * 12 - 10)
            if (count(f, &rows[i].filter, limit) != rows[i].n)
                fail_msg("row %zu, pages of %zu: %zu", i, limit, count(f, &rows[i].filter, limit));
}

/* Tags, pulls and the schedule are kept by a purge; ended jobs and old events go. */
static void test_purge__keeps_what_images_are_known_by(void **state)
{
    struct fixture *f = *state;
    scan_image(f, 1, report_of(f, 1, 0, 1));
    struct store_event events[] = {push(f, "tag", 1, "v1"), push(f, "pull", 1, "")};
    events[1].action = EVENT_PULL;
    add(f, events, 2);
    assert_ok(store_purge(f->store, f->now + 1, &err), err);
    store_images all = images_all(f);
    assert_int_equal(all.len, 1);
    assert_int_equal(all.ptr[0].last_pulled, f->now);
    assert_int_equal(all.ptr[0].tags.len, 1);
    store_tag_changes changes = {0};
    str next;
    assert_ok(store_tag_history(f->store, &f->arena, f->registry.id, STR("team/app"), STR("v1"),
                                NULL, &changes, &next, &err),
              err);
    assert_int_equal(changes.len, 1);
    assert_int_equal(engine_number(&f->engine, "SELECT COUNT(*) FROM jobs"), 0);
    assert_int_equal(engine_number(&f->engine, "SELECT COUNT(*) FROM events"), 0);
    /* told once more, after all traces of the first time are gone: nothing changes */
    add(f, events, 2);
    struct job job;
    assert_false(try_lease(f, &job));
    assert_int_equal(images_all(f).ptr[0].counts.low + images_all(f).ptr[0].counts.unknown, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index__is_the_worst_of_its_platforms),
        T(test_index__is_pending_until_it_was_scanned),
        T(test_images__are_filtered_over_pages),
        T(test_purge__keeps_what_images_are_known_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
