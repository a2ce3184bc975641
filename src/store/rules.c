/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - disable rules that somebody stored, and what they do to what is stored.  Every change
 * raises the revision; an image remembers the one that it was held against, so that nothing is left
 * out, whoever is killed when. */
#include <stdlib.h>

#include "store/internal.h"

#define REVISION_KEY "rules-revision"

/* --- the revision
 * ------------------------------------------------------------------------------------------------
 */
bool store_rules_revision(struct store *store, uint64_t *revision, struct err *err)
{
    int64_t n = 0;
    bool ok = db_int(store, 0, &n, err,
                     "SELECT CAST(value AS BIGINT) FROM meta WHERE name = '" REVISION_KEY "'");
    *revision = (uint64_t)n;
    return ok;
}

static bool revision_raise(struct store *store, int64_t now, struct err *err)
{
    const struct job_spec spec = {.kind = JOB_RULES, .priority = PRIORITY_PUSH, .not_before = now};
    return db_run(store, err,
                  "INSERT INTO meta (name, value) VALUES ('" REVISION_KEY "', '1')"
                  " ON CONFLICT (name) DO UPDATE SET"
                  " value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)") &&
           job_add(store, &spec, now, NULL, err);
}

/* --- reading
 * ------------------------------------------------------------------------------------------------
 */
static bool rule_read(struct rows *rows, struct arena *arena, struct store_rule *out,
                      struct err *err)
{
    *out = (struct store_rule){
        .id = row_int(rows, 0),
        .uuid = row_dup(rows, 1, arena),
        .name = row_dup(rows, 2, arena),
        .text = row_dup(rows, 3, arena),
        .expires_at = row_int(rows, 4),
        .is_expired = row_int(rows, 5) != 0,
        .created_at = row_int(rows, 6),
        .created_by = row_dup(rows, 7, arena),
        .changed_at = row_int(rows, 8),
        .changed_by = row_dup(rows, 9, arena),
    };
    return out->uuid.ptr && out->name.ptr && out->text.ptr && out->created_by.ptr &&
                   out->changed_by.ptr
               ? true
               : err_memory(err);
}

static bool list(struct store *store, struct arena *arena, store_rules *out, uint64_t *revision,
                 struct err *err)
{
    auto_rows rows = {0};
    if (!store_rules_revision(store, revision, err) ||
        !db_query(store, &rows, err,
                  "SELECT id, uuid, name, text, expires_at, is_expired, created_at, created_by,"
                  " changed_at, changed_by FROM rules ORDER BY id"))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_rule *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!rule_read(&rows, arena, one, err))
            return false;
    }
    return next == NEXT_END;
}

bool store_rules_list(struct store *store, struct arena *arena, store_rules *out,
                      uint64_t *revision, struct err *err)
{
    return tx_begin_read(store, err) && tx_end(store, list(store, arena, out, revision, err), err);
}

bool store_rule_log(struct store *store, struct arena *arena, str uuid, rule_logs *out,
                    struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT uuid, action, name, text, actor, at FROM rule_log"
                  " WHERE $1 = '' OR uuid = $1 ORDER BY id",
                  vt(uuid)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct rule_entry_log *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        str *const texts[] = {&one->uuid, &one->action, &one->name, &one->text, &one->actor};
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            if (!(*texts[i] = row_dup(&rows, (int)i, arena)).ptr)
                return err_memory(err);
        one->at = row_int(&rows, 5);
    }
    return next == NEXT_END;
}

/* --- changing
 * ------------------------------------------------------------------------------------------------
 */
static bool note(struct store *store, str uuid, const char *action, str actor, int64_t now,
                 struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO rule_log (uuid, action, name, text, at, actor)"
                  " SELECT uuid, $2, name, text, $3, $4 FROM rules WHERE uuid = $1",
                  vt(uuid), vc(action), vi(now), vt(actor));
}

static bool name_is_free(struct store *store, const struct store_rule *rule, struct err *err)
{
    int64_t other = 0;
    if (!db_int(store, 0, &other, err, "SELECT id FROM rules WHERE name = $1 AND uuid <> $2",
                vt(rule->name), vt(rule->uuid)))
        return false;
    return !other || err_set(err, ERR_CONFLICT, "there is a rule of that name already: " STR_FMT,
                             STR_ARG(rule->name));
}

static bool rule_put(struct store *store, struct store_rule *rule, str actor, int64_t now,
                     bool *is_new, struct err *err)
{
    bool is_past = rule->expires_at && rule->expires_at <= now;
    if (!name_is_free(store, rule, err) ||
        !db_run(store, err,
                "UPDATE rules SET name = $2, text = $3, expires_at = $4, is_expired = $5,"
                " changed_at = $6, changed_by = $7 WHERE uuid = $1",
                vt(rule->uuid), vt(rule->name), vt(rule->text), vi(rule->expires_at), vi(is_past),
                vi(now), vt(actor)))
        return false;
    *is_new = db_changes(store) == 0;
    return (!*is_new ||
            db_run(store, err,
                   "INSERT INTO rules (uuid, name, text, expires_at, is_expired, created_at,"
                   " created_by, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $6,"
                   " $7)",
                   vt(rule->uuid), vt(rule->name), vt(rule->text), vi(rule->expires_at),
                   vi(is_past), vi(now), vt(actor))) &&
           note(store, rule->uuid, *is_new ? "create" : "change", actor, now, err) &&
           revision_raise(store, now, err);
}

bool store_rule_put(struct store *store, struct store_rule *rule, str actor, int64_t now,
                    bool *is_new, struct err *err)
{
    return TX_DONE_ALONE(store, err, rule_put(store, rule, actor, now, is_new, err));
}

static bool rule_remove(struct store *store, str uuid, str actor, int64_t now, struct err *err)
{
    if (!note(store, uuid, "delete", actor, now, err) ||
        !db_run(store, err, "DELETE FROM rules WHERE uuid = $1", vt(uuid)))
        return false;
    return db_changes(store)
               ? revision_raise(store, now, err)
               : err_set(err, ERR_NOT_FOUND, "rule " STR_FMT ": not known", STR_ARG(uuid));
}

bool store_rule_remove(struct store *store, str uuid, str actor, int64_t now, struct err *err)
{
    return TX_DONE_ALONE(store, err, rule_remove(store, uuid, actor, now, err));
}

static bool any_to_expire(struct store *store, int64_t now, bool *is_any, struct err *err)
{
    int64_t found = 0;
    bool ok = db_int(store, 0, &found, err,
                     "SELECT 1 FROM rules WHERE expires_at > 0 AND expires_at <= $1"
                     " AND is_expired = 0 LIMIT 1",
                     vi(now));
    *is_any = found != 0;
    return ok;
}

static bool expire(struct store *store, int64_t now, size_t *n, struct err *err)
{
    if (!db_run(store, err,
                "INSERT INTO rule_log (uuid, action, name, text, at, actor)"
                " SELECT uuid, 'expire', name, text, $1, '' FROM rules"
                " WHERE expires_at > 0 AND expires_at <= $1 AND is_expired = 0",
                vi(now)) ||
        !db_run(store, err,
                "UPDATE rules SET is_expired = 1 WHERE expires_at > 0 AND expires_at <= $1"
                " AND is_expired = 0",
                vi(now)))
        return false;
    *n = (size_t)db_changes(store);
    return !*n || revision_raise(store, now, err);
}

bool store_rules_expire(struct store *store, int64_t now, size_t *n, struct err *err)
{
    bool is_any = false;
    *n = 0;
    return any_to_expire(store, now, &is_any, err) &&
           (!is_any || TX_DONE_ALONE(store, err, expire(store, now, n, err)));
}

/* --- holding an image against them
 * ------------------------------------------------------------------------------------------------
 */
static bool push_text(struct arena *arena, strs *list, str text)
{
    str *slot = vec_push(arena, list);
    if (slot)
        *slot = text;
    return slot && text.ptr;
}

static bool place_of(struct arena *arena, const struct store_registry *registry, str repository,
                     const struct distro *distro, struct rule_image *out)
{
    *out = (struct rule_image){.subscription = registry->subscription,
                               .resource_group = registry->resource_group,
                               .repository = repository,
                               .distro = distro};
    return push_text(arena, &out->registries, registry->host) &&
           push_text(arena, &out->registries, registry->name) &&
           push_text(arena, &out->registries, store_registry_arm_id(arena, registry));
}

static bool hold(struct arena *arena, const struct rules *rules, const struct rule_image *image,
                 int64_t now, findings *all, struct err *err)
{
    struct rule_outcome *outcomes = arena_array(arena, struct rule_outcome, rules->all.len + 1);
    return (outcomes && rules_apply(arena, rules, image, now, all, outcomes)) || err_memory(err);
}

static size_t count_left(const findings *all)
{
    size_t n = 0;
    for (size_t i = 0; i < all->len; i++)
        n += !all->ptr[i].disabled_by.len && all->ptr[i].class != CLASS_KERNEL_HEADERS;
    return n;
}

static bool push_digest(struct arena *arena, strs *list, const digest *d)
{
    char text[DIGEST_TEXT_SIZE];
    return digest_is_none(d) || push_text(arena, list, arena_dup(arena, digest_print(d, text)));
}

bool store_rules_hold(struct arena *arena, const struct rule_set *set,
                      const struct store_registry *registry, str repository, struct report *report,
                      struct err *err)
{
    struct rule_image image;
    report->rules_revision = set->revision;
    if (!set->rules->all.len || !report->findings.len)
        return true;
    if (!place_of(arena, registry, repository, &report->distro, &image) ||
        !push_digest(arena, &image.digests, &report->digest) ||
        !push_digest(arena, &image.digests, &report->index))
        return err_memory(err);
    if (!hold(arena, set->rules, &image, report->scanned_at, &report->findings, err))
        return false;
    if (report->verdict == VERDICT_UNHEALTHY && count_left(&report->findings) == 0) {
        report->verdict = report->clear_verdict;
        report->reason = report->clear_reason;
    }
    return true;
}

/* --- what is stored already
 * ------------------------------------------------------------------------------------------------
 */
enum { FACTS_BYTES = 64 << 20 };

struct rules_run {
    struct store *store;
    const struct rule_set *set; /* borrowed */
    bool asks_digests;          /* a rule does */
    struct arena facts_arena;   /* facts that were seen, each read once */
    struct map facts;
    struct arena arena; /* of one image */
    store_registries registries;
    struct arena registries_arena;
    size_t at;     /* registry */
    int64_t after; /* image of it */
};

struct ruled {
    int64_t id;
    str repository, digest;
    struct distro distro;
    enum verdict verdict, clear_verdict;
    findings findings;
    strs before; /* disabled_by of each */
};

static bool image_read(struct rules_run *run, int64_t id, struct ruled *out, struct err *err)
{
    auto_rows rows = {0};
    struct arena *arena = &run->arena;
    if (!db_query(run->store, &rows, err,
                  "SELECT p.name, i.digest, i.os_id, i.os_version, i.os_name, i.verdict,"
                  " i.clear_verdict FROM images i"
                  " JOIN repositories p ON p.id = i.repository_id WHERE i.id = $1",
                  vi(id)) ||
        rows_next(&rows, err) != NEXT_ITEM)
        return err_is(err) ? false : err_set(err, ERR_NOT_FOUND, "image %lld", (long long)id);
    *out = (struct ruled){
        .id = id,
        .repository = row_dup(&rows, 0, arena),
        .digest = row_dup(&rows, 1, arena),
        .distro = {.id = row_dup(&rows, 2, arena),
                   .version_id = row_dup(&rows, 3, arena),
                   .name = row_dup(&rows, 4, arena)},
        .verdict = word_verdict_parse(row_text(&rows, 5)),
        .clear_verdict = word_verdict_parse(row_text(&rows, 6)),
    };
    return out->repository.ptr && out->digest.ptr && out->distro.id.ptr &&
                   out->distro.version_id.ptr && out->distro.name.ptr
               ? true
               : err_memory(err);
}

static bool digests_read(struct rules_run *run, const struct ruled *image, strs *out,
                         struct err *err)
{
    auto_rows rows = {0};
    if (!push_text(&run->arena, out, image->digest))
        return err_memory(err);
    if (!db_query(run->store, &rows, err,
                  "SELECT x.digest FROM index_children c JOIN images x ON x.id = c.index_id"
                  " WHERE c.image_id = $1 AND x.deleted_at = 0",
                  vi(image->id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!push_text(&run->arena, out, row_dup(&rows, 0, &run->arena)))
            return err_memory(err);
    return next == NEXT_END;
}

/* --- facts: what a rule asks about, parsed once for all the images that have it
 * ------------------------------------------------------------------------------------------------
 */
static bool fact_read(struct rules_run *run, int64_t id, struct finding *f, struct err *err)
{
    auto_rows rows = {0};
    struct arena *arena = &run->facts_arena;
    if (!db_query(run->store, &rows, err,
                  "SELECT x.class, x.is_patchable, x.severity, a.vulnerability, a.title,"
                  " a.category, a.aliases, a.cvss FROM facts x JOIN advisories a"
                  " ON a.id = x.advisory_id WHERE x.id = $1",
                  vi(id)) ||
        rows_next(&rows, err) != NEXT_ITEM)
        return err_is(err) ? false : err_set(err, ERR_FORMAT, "fact %lld is gone", (long long)id);
    *f = (struct finding){
        .class = word_class_parse(row_text(&rows, 0)),
        .is_patchable = row_int(&rows, 1) != 0,
        .severity = word_severity_parse(row_text(&rows, 2)),
        .id = row_dup(&rows, 3, arena),
        .title = row_dup(&rows, 4, arena),
        .category = row_dup(&rows, 5, arena),
    };
    if (!f->id.ptr || !f->title.ptr || !f->category.ptr)
        return err_memory(err);
    return unpack_strs(arena, row_text(&rows, 6), &f->aliases, err) &&
           unpack_cvss(arena, row_text(&rows, 7), f, err);
}

static bool fact_of(struct rules_run *run, int64_t id, const struct finding **out, struct err *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)id);
    if ((*out = map_get(&run->facts, str_from(text))))
        return true;
    struct finding *f = arena_new(&run->facts_arena, struct finding);
    str key = arena_dup(&run->facts_arena, str_from(text));
    if (!f || !key.ptr)
        return err_memory(err);
    if (!fact_read(run, id, f, err))
        return false;
    *out = f;
    return map_put(&run->facts, key, f) || err_memory(err);
}

static void facts_forget(struct rules_run *run)
{
    arena_fini(&run->facts_arena);
    arena_init(&run->facts_arena, FACTS_BYTES);
    map_init(&run->facts, &run->facts_arena);
}

/* What a VEX document took away stays its. */
static bool finding_add(struct rules_run *run, str name, str before, const struct finding *fact,
                        struct ruled *image, struct err *err)
{
    struct finding *f = vec_push(&run->arena, &image->findings);
    if (!f || !name.ptr || !push_text(&run->arena, &image->before, before))
        return err_memory(err);
    *f = *fact;
    f->name = name;
    f->disabled_by = str_starts(before, STR("vex:")) ? before : STR("");
    return true;
}

/* Ids first: the statement that reads facts runs between. */
static bool findings_read(struct rules_run *run, int64_t registry_id, struct ruled *image,
                          struct err *err)
{
    auto_rows rows = {0};
    struct arena *arena = &run->arena;
    if (!db_query(run->store, &rows, err,
                  "SELECT name, disabled_by, fact_id FROM findings WHERE registry_id = $1"
                  " AND image_id = $2 ORDER BY name",
                  vi(registry_id), vi(image->id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        const struct finding *fact = NULL;
        str name = row_dup(&rows, 0, arena), before = row_dup(&rows, 1, arena);
        if (!fact_of(run, row_int(&rows, 2), &fact, err) ||
            !finding_add(run, name, before, fact, image, err))
            return false;
    }
    return next == NEXT_END;
}

/* --- one image
 * ------------------------------------------------------------------------------------------------
 */
static bool findings_mark(struct store *store, int64_t registry_id, const struct ruled *image,
                          size_t *n, struct err *err)
{
    *n = 0;
    for (size_t i = 0; i < image->findings.len; i++) {
        const struct finding *f = &image->findings.ptr[i];
        if (str_eq(f->disabled_by, image->before.ptr[i]))
            continue;
        ++*n;
        if (!db_run(store, err,
                    "UPDATE findings SET disabled_by = $1 WHERE registry_id = $2"
                    " AND image_id = $3 AND name = $4",
                    vt(f->disabled_by), vi(registry_id), vi(image->id), vt(f->name)))
            return false;
    }
    return true;
}

static bool verdict_mark(struct store *store, const struct ruled *image, enum verdict verdict,
                         struct err *err)
{
    const struct report report = {
        .findings = {image->findings.ptr, image->findings.len, image->findings.cap}};
    struct report_summary s = report_summarize(&report);
    bool is_clear = verdict != VERDICT_UNHEALTHY;
    return db_run(store, err,
                  "UPDATE images SET verdict = $1, reason = CASE WHEN verdict = $1 THEN reason"
                  " WHEN $2 = 1 THEN clear_reason ELSE '' END, n_critical = $3, n_high = $4,"
                  " n_medium = $5, n_low = $6, n_unknown = $7, n_patchable = $8, n_disabled = $9"
                  " WHERE id = $10",
                  vc(word_verdict(verdict)), vi(is_clear), vi(s.critical), vi(s.high), vi(s.medium),
                  vi(s.low), vi(s.unknown), vi(s.patchable), vi(s.disabled), vi(image->id));
}

/* What an image is without findings nobody wrote down before version 7 of the schema, and an
 * incomplete scan does not know: it is scanned again, and is what it was until then. */
static bool scan_again(struct store *store, int64_t registry_id, const struct ruled *image,
                       int64_t now, struct err *err)
{
    bool is_off = false;
    const struct job_spec spec = {.kind = JOB_SCAN,
                                  .registry_id = registry_id,
                                  .repository = image->repository,
                                  .digest = image->digest,
                                  .priority = PRIORITY_MANUAL,
                                  .not_before = now};
    return store_plan_is_off(store, registry_id, &is_off, err) &&
           (is_off || job_add(store, &spec, now, NULL, err));
}

static bool image_conclude(struct rules_run *run, int64_t registry_id, const struct ruled *image,
                           int64_t now, struct err *err)
{
    enum verdict verdict = image->verdict;
    if (count_left(&image->findings))
        verdict = VERDICT_UNHEALTHY;
    else if (verdict == VERDICT_UNHEALTHY && image->clear_verdict != VERDICT_UNKNOWN)
        verdict = image->clear_verdict;
    else if (verdict == VERDICT_UNHEALTHY && !scan_again(run->store, registry_id, image, now, err))
        return false;
    return verdict_mark(run->store, image, verdict, err);
}

static bool image_rule(struct rules_run *run, const struct store_registry *registry, int64_t id,
                       int64_t now, bool *is_changed, struct err *err)
{
    struct ruled image;
    struct rule_image place;
    size_t n = 0;
    if (!image_read(run, id, &image, err) || !findings_read(run, registry->id, &image, err))
        return false;
    if (!image.findings.len)
        return true;
    if (!place_of(&run->arena, registry, image.repository, &image.distro, &place))
        return err_memory(err);
    if ((run->asks_digests && !digests_read(run, &image, &place.digests, err)) ||
        !hold(&run->arena, run->set->rules, &place, now, &image.findings, err) ||
        !findings_mark(run->store, registry->id, &image, &n, err))
        return false;
    *is_changed = *is_changed || n > 0;
    return !n || image_conclude(run, registry->id, &image, now, err);
}

/* A cache that is full is emptied; an image that still does not fit is too large. */
static bool image_try(struct rules_run *run, const struct store_registry *registry, int64_t id,
                      int64_t now, bool *is_changed, struct err *err)
{
    struct err first = {0};
    arena_reset(&run->arena);
    if (image_rule(run, registry, id, now, is_changed, &first))
        return true;
    if (first.kind != ERR_MEMORY) {
        *err = first;
        return false;
    }
    facts_forget(run);
    arena_reset(&run->arena);
    return image_rule(run, registry, id, now, is_changed, err);
}

/* --- a few at a time, of one registry
 * ------------------------------------------------------------------------------------------------
 */
enum { BATCH = 100 };

/* Where no rule is, only what one had disabled before matters. */
static bool due_list(struct rules_run *run, int64_t registry_id, int64_t out[static BATCH],
                     size_t *n, struct err *err)
{
    auto_rows rows = {0};
    *n = 0;
    if (!db_query(run->store, &rows, err,
                  "SELECT id FROM images WHERE registry_id = $1 AND id > $2 AND verdict <> ''"
                  " AND rules_revision <> $3 AND ($4 = 1 OR n_disabled > 0) ORDER BY id LIMIT $5",
                  vi(registry_id), vi(run->after), vu(run->set->revision),
                  vi(run->set->rules->all.len > 0), vi(BATCH)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        out[(*n)++] = row_int(&rows, 0);
    return next == NEXT_END;
}

/* All up to @last; with the last batch all that are left. */
static bool revision_mark(struct rules_run *run, int64_t registry_id, int64_t last, struct err *err)
{
    return db_run(run->store, err,
                  "UPDATE images SET rules_revision = $1 WHERE registry_id = $2 AND id > $3"
                  " AND id <= $4 AND rules_revision <> $1",
                  vu(run->set->revision), vi(registry_id), vi(run->after), vi(last));
}

static bool rule_batch(struct rules_run *run, const struct store_registry *registry, int64_t now,
                       int64_t *last, size_t *n, struct err *err)
{
    int64_t ids[BATCH];
    bool is_changed = false;
    if (!registry_lock(run->store, registry->id, err) || !due_list(run, registry->id, ids, n, err))
        return false;
    for (size_t i = 0; i < *n; i++)
        if (!image_try(run, registry, ids[i], now, &is_changed, err))
            return false;
    *last = *n == BATCH ? ids[BATCH - 1] : INT64_MAX;
    return revision_mark(run, registry->id, *last, err) &&
           (!is_changed || assessment_touch(run->store, registry->id, now, err));
}

static bool any_digest(const struct rules *rules)
{
    for (size_t i = 0; i < rules->all.len; i++)
        if (rules->all.ptr[i].digests.len)
            return true;
    return false;
}

bool rules_run_open(struct store *store, const struct rule_set *set, struct rules_run **out,
                    struct err *err)
{
    struct rules_run *run = calloc(1, sizeof(*run));
    if (!run)
        return err_memory(err);
    run->store = store;
    run->set = set;
    run->asks_digests = any_digest(set->rules);
    arena_init(&run->arena, 256 * MIB);
    arena_init(&run->registries_arena, 16 * MIB);
    arena_init(&run->facts_arena, FACTS_BYTES);
    map_init(&run->facts, &run->facts_arena);
    if (!scope_registries(store, &run->registries_arena, NULL, &run->registries, err)) {
        rules_run_close(run);
        return false;
    }
    *out = run;
    return true;
}

void rules_run_close(struct rules_run *run)
{
    if (!run)
        return;
    arena_fini(&run->facts_arena);
    arena_fini(&run->registries_arena);
    arena_fini(&run->arena);
    free(run);
}

bool rules_run_step(struct rules_run *run, int64_t now, size_t *n, struct err *err)
{
    *n = 0;
    while (run->at < run->registries.len && *n == 0) {
        const struct store_registry *registry = &run->registries.ptr[run->at];
        int64_t last = INT64_MAX;
        if (!TX_WRITTEN(run->store, err, rule_batch(run, registry, now, &last, n, err)))
            return false;
        run->after = last == INT64_MAX ? 0 : last;
        run->at += last == INT64_MAX;
    }
    return true;
}

bool store_rules_pending(struct store *store, uint64_t revision, bool *is_pending, struct err *err)
{
    int64_t found = 0;
    bool ok = db_int(store, 0, &found, err,
                     "SELECT 1 FROM images WHERE verdict <> '' AND rules_revision <> $1 LIMIT 1",
                     vu(revision));
    *is_pending = found != 0;
    return ok;
}
