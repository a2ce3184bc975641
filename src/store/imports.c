/* SPDX-License-Identifier: Apache-2.0 */
/* imports.c - what a JOB_IMPORT is to do.  The operation's UUID is the job's digest, so the job is
 * found by it, and is one of its kind. */
#include "store/internal.h"

#define SECRET_PREFIX "import:"
enum { NAME_BYTES = 64 };

static bool secret_name(str operation, char out[static NAME_BYTES], struct err *err)
{
    if (operation.len > 40)
        return err_set(err, ERR_FORMAT, "not the name of an operation");
    snprintf(out, NAME_BYTES, SECRET_PREFIX STR_FMT, STR_ARG(operation));
    return true;
}

static bool import_add(struct store *store, const struct secret_key *key,
                       const struct store_import *import, str repository, str password, int64_t now,
                       struct err *err)
{
    char name[NAME_BYTES];
    int64_t job_id = 0;
    const struct job_spec job = {.kind = JOB_IMPORT,
                                 .registry_id = import->registry_id,
                                 .repository = repository,
                                 .digest = import->operation,
                                 .priority = PRIORITY_IMPORT,
                                 .not_before = now};
    return secret_name(import->operation, name, err) &&
           registry_lock(store, import->registry_id, err) && job_add(store, &job, now, NULL, err) &&
           db_int(store, 0, &job_id, err,
                  "SELECT id FROM jobs WHERE kind = 'import' AND registry_id = $1"
                  " AND repository = $2 AND digest = $3",
                  vi(import->registry_id), vt(repository), vt(import->operation)) &&
           db_run(store, err,
                  "INSERT INTO imports (operation, job_id, registry_id, spec, created_at)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  vt(import->operation), vi(job_id), vi(import->registry_id), vt(import->spec),
                  vi(now)) &&
           (!password.len ||
            store_secret_set(store, key, import->registry_id, name, password, now, err));
}

bool store_import_add(struct store *store, const struct secret_key *key,
                      const struct store_import *import, str repository, str password, int64_t now,
                      struct err *err)
{
    return TX_WRITTEN(store, err, import_add(store, key, import, repository, password, now, err));
}

static bool import_read(struct store *store, struct arena *arena, str operation,
                        struct store_import *out, int64_t *job_id, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT m.operation, m.job_id, m.registry_id, m.spec, m.code, r.subscription,"
                  " r.resource_group, r.name"
                  " FROM imports m JOIN registries r ON r.id = m.registry_id"
                  " WHERE m.operation = $1",
                  vt(operation)))
        return false;
    enum next next = rows_next(&rows, err);
    if (next != NEXT_ITEM)
        return next == NEXT_END &&
               err_set(err, ERR_NOT_FOUND, "operation " STR_FMT ": not known", STR_ARG(operation));
    *job_id = row_int(&rows, 1);
    *out = (struct store_import){.operation = row_dup(&rows, 0, arena),
                                 .registry_id = row_int(&rows, 2),
                                 .spec = row_dup(&rows, 3, arena),
                                 .code = row_dup(&rows, 4, arena),
                                 .subscription = row_dup(&rows, 5, arena),
                                 .resource_group = row_dup(&rows, 6, arena),
                                 .registry = row_dup(&rows, 7, arena)};
    return out->operation.ptr && out->spec.ptr && out->code.ptr && out->subscription.ptr &&
                   out->resource_group.ptr && out->registry.ptr
               ? true
               : err_memory(err);
}

bool store_import_get(struct store *store, struct arena *arena, str operation,
                      struct store_import *out, struct err *err)
{
    int64_t job_id = 0;
    return import_read(store, arena, operation, out, &job_id, err) &&
           store_job_get(store, arena, job_id, &out->job, err);
}

bool store_import_password(struct store *store, struct arena *arena, const struct secret_key *key,
                           const struct store_import *import, str *password, struct err *err)
{
    char name[NAME_BYTES];
    return secret_name(import->operation, name, err) &&
           store_secret_get(store, arena, key, import->registry_id, name, password, err);
}

bool store_import_fail(struct store *store, str operation, str code, struct err *err)
{
    return db_run(store, err, "UPDATE imports SET code = $1 WHERE operation = $2", vt(code),
                  vt(operation));
}

static bool tidy(struct store *store, struct err *err)
{
    return db_run(store, err,
                  "DELETE FROM imports WHERE NOT EXISTS"
                  " (SELECT 1 FROM jobs j WHERE j.id = imports.job_id)") &&
           db_run(store, err,
                  "DELETE FROM secrets WHERE name LIKE '" SECRET_PREFIX "%' AND NOT EXISTS"
                  " (SELECT 1 FROM imports m JOIN jobs j ON j.id = m.job_id"
                  " WHERE '" SECRET_PREFIX "' || m.operation = secrets.name"
                  " AND j.state IN ('queued', 'running'))");
}

bool store_imports_tidy(struct store *store, struct err *err)
{
    return TX_WRITTEN(store, err, tidy(store, err));
}
