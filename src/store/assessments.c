/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

/* --- the state that has a history
 * ------------------------------------------------------------------------- */
static bool any_image(struct store *store, int64_t registry_id, enum verdict verdict, bool *is_any,
                      struct err *err)
{
    int64_t found = 0;
    bool ok = db_int(store, 0, &found, err,
                     "SELECT 1 FROM images WHERE registry_id = $1 AND verdict = $2 LIMIT 1",
                     vi(registry_id), vc(word_verdict(verdict)));
    *is_any = found != 0;
    return ok;
}

static bool verdict_of(struct store *store, int64_t registry_id, enum verdict *out,
                       bool *is_evaluated, struct err *err)
{
    static const enum verdict order[] = {VERDICT_UNHEALTHY, VERDICT_HEALTHY,
                                         VERDICT_NOT_APPLICABLE};
    *out = VERDICT_NOT_APPLICABLE;
    *is_evaluated = false;
    for (size_t i = 0; i < ARRAY_LEN(order) && !*is_evaluated; i++) {
        if (!any_image(store, registry_id, order[i], is_evaluated, err))
            return false;
        if (*is_evaluated)
            *out = order[i];
    }
    return true;
}

/* Nothing is written before the first image has a verdict. */
bool assessment_touch(struct store *store, int64_t registry_id, int64_t now, struct err *err)
{
    enum verdict verdict;
    bool is_evaluated;
    if (!verdict_of(store, registry_id, &verdict, &is_evaluated, err))
        return false;
    if (!db_run(store, err,
                "UPDATE assessments SET changed_at = $1, verdict = $2"
                " WHERE registry_id = $3 AND verdict <> $2",
                vi(now), vc(word_verdict(verdict)), vi(registry_id)))
        return false;
    return !is_evaluated ||
           db_run(store, err,
                  "INSERT INTO assessments (registry_id, verdict, first_evaluated_at, changed_at)"
                  " VALUES ($1, $2, $3, $3) ON CONFLICT (registry_id) DO NOTHING",
                  vi(registry_id), vc(word_verdict(verdict)), vi(now));
}

/* --- reading
 * ----------------------------------------------------------------------------------------------------
 */
static bool counts_read(struct store *store, struct store_assessment *out, struct err *err)
{
    auto_rows rows = {0};
    uint64_t failed = 0;
    uint64_t *const of[] = {[VERDICT_UNKNOWN] = &out->unscanned,
                            [VERDICT_HEALTHY] = &out->healthy,
                            [VERDICT_UNHEALTHY] = &out->unhealthy,
                            [VERDICT_NOT_APPLICABLE] = &out->not_applicable,
                            [VERDICT_FAILED] = &failed};
    if (!db_query(
            store, &rows, err,
            "SELECT verdict, COUNT(*), SUM(n_critical + n_high + n_medium + n_low + n_unknown)"
            " FROM images WHERE registry_id = $1 AND deleted_at = 0 AND is_index = 0"
            " GROUP BY verdict",
            vi(out->registry.id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        *of[word_verdict_parse(row_text(&rows, 0))] += (uint64_t)row_int(&rows, 1);
        out->findings += (uint64_t)row_int(&rows, 2);
    }
    return next == NEXT_END;
}

static bool state_read(struct store *store, struct store_assessment *out, struct err *err)
{
    auto_rows rows = {0};
    out->verdict = VERDICT_NOT_APPLICABLE;
    if (!db_query(store, &rows, err,
                  "SELECT verdict, first_evaluated_at, changed_at FROM assessments"
                  " WHERE registry_id = $1",
                  vi(out->registry.id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM) {
        out->verdict = word_verdict_parse(row_text(&rows, 0));
        out->first_evaluated_at = row_int(&rows, 1);
        out->status_changed_at = row_int(&rows, 2);
    }
    return next != NEXT_ERR;
}

static bool list(struct store *store, struct arena *arena, const struct store_scope *scope,
                 store_assessments *out, struct err *err)
{
    store_registries registries = {0};
    if (!scope_registries(store, arena, scope, &registries, err))
        return false;
    for (size_t i = 0; i < registries.len; i++) {
        struct store_assessment *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        one->registry = registries.ptr[i];
        if (!counts_read(store, one, err) || !state_read(store, one, err))
            return false;
    }
    return true;
}

bool store_assessments_list(struct store *store, struct arena *arena,
                            const struct store_scope *scope, store_assessments *out,
                            struct err *err)
{
    return tx_begin_read(store, err) && tx_end(store, list(store, arena, scope, out, err), err);
}
