/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that tokens are signed with: shared by all servers of a store, the private part sealed.
 */
#include "store/internal.h"
#include "store/principals.h"

static bool signing_key_read(struct rows *rows, struct arena *arena, const struct secret_key *key,
                             struct store_signing_key *out, struct err *err)
{
    *out = (struct store_signing_key){.kid = row_dup(rows, 0, arena),
                                      .public_pem = row_dup(rows, 2, arena),
                                      .created_at = row_int(rows, 3)};
    if (!out->kid.ptr || !out->public_pem.ptr)
        return err_memory(err);
    return secret_unseal(arena, key, 0, out->kid.ptr, row_text(rows, 1), &out->private_pem, err);
}

bool store_signing_keys_list(struct store *store, struct arena *arena, const struct secret_key *key,
                             store_signing_keys *out, struct err *err)
{
    auto_rows rows = {0};
    enum next next;
    if (!db_query(store, &rows, err,
                  "SELECT kid, sealed, public_pem, created_at FROM signing_keys"
                  " ORDER BY created_at DESC, kid"))
        return false;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        struct store_signing_key *one = vec_push(arena, out);
        if (!one)
            return err_memory(err);
        if (!signing_key_read(&rows, arena, key, one, err))
            return false;
    }
    return next == NEXT_END;
}

static bool replace(struct store *store, const struct store_signing_key *signing, str sealed,
                    int64_t unless, int64_t before, struct err *err)
{
    int64_t n = 0;
    if (!db_int(store, 0, &n, err, "SELECT COUNT(*) FROM signing_keys WHERE created_at > $1",
                vi(unless)))
        return false;
    if (n)
        return err_set(err, ERR_CONFLICT, "another server made a signing key already");
    return db_run(store, err,
                  "INSERT INTO signing_keys (kid, sealed, public_pem, created_at)"
                  " VALUES ($1, $2, $3, $4)",
                  vt(signing->kid), vb(sealed), vt(signing->public_pem), vi(signing->created_at)) &&
           db_run(store, err, "DELETE FROM signing_keys WHERE created_at < $1", vi(before));
}

bool store_signing_key_add(struct store *store, const struct secret_key *key,
                           const struct store_signing_key *signing, int64_t unless, int64_t before,
                           struct err *err)
{
    struct arena arena;
    str sealed;
    arena_init(&arena, MIB);
    const char *kid = arena_cstr(&arena, signing->kid);
    bool ok = kid ? secret_seal(&arena, key, 0, kid, signing->private_pem, &sealed, err)
                  : err_memory(err);
    ok = ok && TX_DONE_ALONE(store, err, replace(store, signing, sealed, unless, before, err));
    arena_fini(&arena);
    return ok;
}
