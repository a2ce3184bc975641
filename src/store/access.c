/* SPDX-License-Identifier: Apache-2.0 */
/* The revision of access: one number that rises with every change of who may do what, in the same
 * commit, so that whoever keeps an answer to that question knows when it is too old. */
#include "store/internal.h"
#include "store/principals.h"

#define REVISION "access-revision"

bool access_note(struct store *store, struct err *err)
{
    store->changes_access = true;
    return db_run(store, err,
                  "INSERT INTO meta (name, value) VALUES ('" REVISION "', '1')"
                  " ON CONFLICT (name) DO UPDATE SET"
                  " value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)");
}

bool store_access_revision(struct store *store, struct arena *arena, str *revision, struct err *err)
{
    return store_meta_get(store, arena, STR(REVISION), revision, err);
}
