/* SPDX-License-Identifier: Apache-2.0 */
/* leader.c - of several processes on one store one leads, as long as it says so again and again.
 * Who was silent too long is followed by another with a higher term, and a fenced connection writes
 * nothing under a term that is over. */
#include "store/internal.h"

static bool take(struct store *store, const char *name, str holder, int64_t now, int64_t until,
                 struct err *err)
{
    return db_run(store, err,
                  "INSERT INTO leaders (name, holder, term, until) VALUES ($1, $2, 1, $3)"
                  " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                  " until = excluded.until, term = leaders.term +"
                  " CASE WHEN leaders.holder = excluded.holder THEN 0 ELSE 1 END"
                  " WHERE leaders.holder = excluded.holder OR leaders.until < $4",
                  vc(name), vt(holder), vi(until), vi(now));
}

bool store_lead(struct store *store, const char *name, str holder, int64_t now, int64_t until,
                int64_t *term, struct err *err)
{
    *term = 0;
    return take(store, name, holder, now, until, err) &&
           db_int(store, 0, term, err, "SELECT term FROM leaders WHERE name = $1 AND holder = $2",
                  vc(name), vt(holder));
}

bool store_lead_end(struct store *store, const char *name, str holder, struct err *err)
{
    return db_run(store, err, "UPDATE leaders SET until = 0 WHERE name = $1 AND holder = $2",
                  vc(name), vt(holder));
}

bool store_leader_get(struct store *store, struct arena *arena, const char *name,
                      struct store_leader *out, struct err *err)
{
    auto_rows rows = {0};
    *out = (struct store_leader){.holder = STR("")};
    if (!db_query(store, &rows, err, "SELECT holder, term, until FROM leaders WHERE name = $1",
                  vc(name)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next == NEXT_ITEM)
        *out =
            (struct store_leader){row_dup(&rows, 0, arena), row_int(&rows, 1), row_int(&rows, 2)};
    return next != NEXT_ERR && (out->holder.ptr || err_memory(err));
}

void store_fence(struct store *store, const char *name, int64_t term)
{
    store->fence_name = name;
    store->fence = term;
}

/* The row is held until the transaction ends, so nobody begins a new term in its middle. */
bool fence_confirm(struct store *store, struct err *err)
{
    int64_t term = 0;
    if (!store->fence)
        return true;
    if (!db_int(store, 0, &term, err, "SELECT term FROM leaders WHERE name = $1{for update}",
                vc(store->fence_name)))
        return false;
    return term == store->fence
               ? true
               : err_set(err, ERR_CONFLICT, "store: another process leads since term %lld",
                         (long long)term);
}
