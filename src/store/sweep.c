/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.c - what is known of a registry's content, for the comparison with what is there. */
#include "store/internal.h"

static bool push_text(struct rows *rows, int column, struct arena *arena, strs *out,
                      struct err *err)
{
    str *slot = vec_push(arena, out);
    if (!slot)
        return err_memory(err);
    *slot = row_dup(rows, column, arena);
    return slot->ptr ? true : err_memory(err);
}

bool store_repositories_list(struct store *store, struct arena *arena, int64_t registry_id,
                             strs *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT name FROM repositories WHERE registry_id = $1 ORDER BY name",
                  vi(registry_id)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!push_text(&rows, 0, arena, out, err))
            return false;
    return next == NEXT_END;
}

bool store_tags_list(struct store *store, struct arena *arena, int64_t registry_id, str repository,
                     store_tags *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(
            store, &rows, err,
            "SELECT t.name, i.digest FROM repositories r JOIN tags t ON t.repository_id = r.id"
            " JOIN images i ON i.id = t.image_id"
            " WHERE r.registry_id = $1 AND r.name = $2 ORDER BY t.name",
            vi(registry_id), vt(repository)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_tag *tag = vec_push(arena, out);
        if (!tag)
            return err_memory(err);
        *tag = (struct store_tag){row_dup(&rows, 0, arena), row_dup(&rows, 1, arena)};
        if (!tag->name.ptr || !tag->digest.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

bool store_untagged_list(struct store *store, struct arena *arena, int64_t registry_id,
                         str repository, strs *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(
            store, &rows, err,
            "SELECT i.digest FROM repositories r JOIN images i ON i.repository_id = r.id"
            " WHERE r.registry_id = $1 AND r.name = $2 AND i.deleted_at = 0"
            " AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.image_id = i.id)"
            " AND NOT EXISTS (SELECT 1 FROM index_children c JOIN images x ON x.id = c.index_id"
            " WHERE c.image_id = i.id AND x.deleted_at = 0) ORDER BY i.id",
            vi(registry_id), vt(repository)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!push_text(&rows, 0, arena, out, err))
            return false;
    return next == NEXT_END;
}

/* An index's failures lie with its children. */
bool store_given_up_list(struct store *store, struct arena *arena, int64_t registry_id,
                         str repository, strs *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT DISTINCT i.digest FROM jobs j"
                  " JOIN repositories r ON r.registry_id = j.registry_id AND r.name = j.repository"
                  " JOIN images i ON i.repository_id = r.id AND i.digest = j.digest"
                  " WHERE j.state = 'dead' AND j.kind = 'scan' AND j.registry_id = $1"
                  " AND j.repository = $2 AND i.deleted_at = 0"
                  " AND (i.failure <> '' OR EXISTS (SELECT 1 FROM index_children c"
                  " JOIN images x ON x.id = c.image_id WHERE c.index_id = i.id AND x.deleted_at = 0"
                  " AND x.failure <> '')) ORDER BY i.digest",
                  vi(registry_id), vt(repository)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM)
        if (!push_text(&rows, 0, arena, out, err))
            return false;
    return next == NEXT_END;
}
