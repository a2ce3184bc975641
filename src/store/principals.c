/* SPDX-License-Identifier: Apache-2.0 */
/* Principals: who may log in, and with which secrets.  A secret is kept as argon2id's text. */
#include <sodium.h>

#include "store/internal.h"
#include "store/principals.h"

/* --- whose
 * -------------------------------------------------------------------------------------------------
 */
static str uuid(struct arena *arena)
{
    uint8_t b[16];
    randombytes_buf(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    return arena_printf(
        arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool store_claim(struct store *store, str key, bool *is_first, struct err *err)
{
    bool ok = db_run(store, err,
                     "INSERT INTO meta (name, value) VALUES ($1, 'yes')"
                     " ON CONFLICT (name) DO NOTHING",
                     vt(key));
    *is_first = ok && db_changes(store) > 0;
    return ok;
}

bool store_tenant(struct store *store, struct arena *arena, str *tenant, struct err *err)
{
    str key = STR("tenant"), made = uuid(arena);
    if (!made.ptr)
        return err_memory(err);
    return db_run(store, err,
                  "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                  vt(key), vt(made)) &&
           store_meta_get(store, arena, key, tenant, err);
}

/* --- principals
 * ------------------------------------------------------------------------------------------------
 */
#define PRINCIPAL_COLUMNS "object_id, app_id, name, is_disabled, created_at, created_by"

static bool principal_read(struct rows *rows, struct arena *arena, struct store_principal *out,
                           struct err *err)
{
    *out = (struct store_principal){.object_id = row_dup(rows, 0, arena),
                                    .app_id = row_dup(rows, 1, arena),
                                    .name = row_dup(rows, 2, arena),
                                    .is_disabled = row_int(rows, 3) != 0,
                                    .created_at = row_int(rows, 4),
                                    .created_by = row_dup(rows, 5, arena)};
    return out->object_id.ptr && out->app_id.ptr && out->name.ptr && out->created_by.ptr
               ? true
               : err_memory(err);
}

bool store_principal_add(struct store *store, const struct store_principal *p, int64_t now,
                         struct err *err)
{
    if (!db_run(store, err,
                "INSERT INTO principals (object_id, app_id, name, is_disabled, created_at,"
                " created_by) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                vt(p->object_id), vt(p->app_id), vt(p->name), vi(p->is_disabled), vi(now),
                vt(p->created_by)))
        return false;
    return db_changes(store) > 0
               ? true
               : err_set(err, ERR_CONFLICT, "a principal with that id is there already");
}

bool store_principal_get(struct store *store, struct arena *arena, str id,
                         struct store_principal *out, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT " PRINCIPAL_COLUMNS
                  " FROM principals WHERE object_id = $1 OR app_id = $1",
                  vt(id)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_END)
        return err_set(err, ERR_NOT_FOUND, "principal " STR_FMT ": not known", STR_ARG(id));
    return next == NEXT_ITEM && principal_read(&rows, arena, out, err);
}

bool store_principals_list(struct store *store, struct arena *arena, store_principals *out,
                           struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT " PRINCIPAL_COLUMNS " FROM principals ORDER BY name, object_id"))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_principal *one = vec_push(arena, out);
        if (!one || !principal_read(&rows, arena, one, err))
            return err_memory(err);
    }
    return next == NEXT_END;
}

static bool set_disabled(struct store *store, str object_id, bool is_disabled, struct err *err)
{
    return access_note(store, err) &&
           db_run(store, err, "UPDATE principals SET is_disabled = $1 WHERE object_id = $2",
                  vi(is_disabled), vt(object_id));
}

bool store_principal_set_disabled(struct store *store, str object_id, bool is_disabled,
                                  struct err *err)
{
    return TX_WRITTEN(store, err, set_disabled(store, object_id, is_disabled, err));
}

static bool forget(struct store *store, str object_id, struct err *err)
{
    return access_note(store, err) &&
           db_run(store, err, "DELETE FROM principal_secrets WHERE object_id = $1",
                  vt(object_id)) &&
           db_run(store, err, "DELETE FROM role_assignments WHERE principal = $1", vt(object_id)) &&
           db_run(store, err, "DELETE FROM principals WHERE object_id = $1", vt(object_id));
}

bool store_principal_delete(struct store *store, str object_id, struct err *err)
{
    return TX_WRITTEN(store, err, forget(store, object_id, err));
}

/* --- their secrets
 * ---------------------------------------------------------------------------------------------- */
bool store_principal_secret_add(struct store *store, str object_id,
                                struct store_principal_secret *secret, int64_t now, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "INSERT INTO principal_secrets (object_id, hint, hash, created_at, expires_at)"
                  " VALUES ($1, $2, $3, $4, $5) RETURNING id",
                  vt(object_id), vt(secret->hint), vt(secret->hash), vi(now),
                  vi(secret->expires_at)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next != NEXT_ITEM)
        return false;
    secret->id = row_int(&rows, 0);
    secret->created_at = now;
    return rows_next(&rows, err) == NEXT_END;
}

bool store_principal_secrets_list(struct store *store, struct arena *arena, str object_id,
                                  store_principal_secrets *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT id, hint, hash, created_at, expires_at FROM principal_secrets"
                  " WHERE object_id = $1 ORDER BY id",
                  vt(object_id)))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_principal_secret *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        *one = (struct store_principal_secret){.id = row_int(&rows, 0),
                                               .hint = row_dup(&rows, 1, arena),
                                               .hash = row_dup(&rows, 2, arena),
                                               .created_at = row_int(&rows, 3),
                                               .expires_at = row_int(&rows, 4)};
        if (!one->hint.ptr || !one->hash.ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

static bool secret_forget(struct store *store, str object_id, int64_t id, bool *was_there,
                          struct err *err)
{
    bool ok = access_note(store, err) &&
              db_run(store, err, "DELETE FROM principal_secrets WHERE object_id = $1 AND id = $2",
                     vt(object_id), vi(id));
    *was_there = ok && db_changes(store) > 0;
    return ok;
}

bool store_principal_secret_delete(struct store *store, str object_id, int64_t id, bool *was_there,
                                   struct err *err)
{
    return TX_WRITTEN(store, err, secret_forget(store, object_id, id, was_there, err));
}
