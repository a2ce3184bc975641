/* SPDX-License-Identifier: Apache-2.0 */
/* Is the store whole?  The engine's own check, every row read, and what rows say against each
 * other: each rule counts the rows that break it. */
#include "store/internal.h"

struct contradiction {
    const char *broken; /* "N …" */
    const char *sql;    /* counts them */
};

#define ORPHANS(child, column, parent)                                                             \
    "SELECT COUNT(*) FROM " child " c WHERE NOT EXISTS (SELECT 1 FROM " parent                     \
    " p WHERE p.id = c." column ")"

static const struct contradiction rules[] = {
    /* --- what refers to what is not there */
    {"findings of unknown images", ORPHANS("findings", "image_id", "images")},
    {"findings without their facts", ORPHANS("findings", "fact_id", "facts")},
    {"facts without their advisory", ORPHANS("facts", "advisory_id", "advisories")},
    {"repositories of unknown registries", ORPHANS("repositories", "registry_id", "registries")},
    {"images of unknown repositories", ORPHANS("images", "repository_id", "repositories")},
    {"tags of unknown images", ORPHANS("tags", "image_id", "images")},
    {"layers of unknown images", ORPHANS("image_layers", "image_id", "images")},
    {"notices of unknown images", ORPHANS("image_notices", "image_id", "images")},
    {"children of unknown indexes", ORPHANS("index_children", "index_id", "images")},
    {"unknown children of indexes", ORPHANS("index_children", "image_id", "images")},
    {"assessments of unknown registries", ORPHANS("assessments", "registry_id", "registries")},
    {"secrets of unknown registries", ORPHANS("secrets", "registry_id", "registries")},
    {"jobs of unknown registries",
     ORPHANS("jobs", "registry_id", "registries") " AND c.registry_id <> 0"},
    /* --- what is said twice, and differs */
    {"images in the registry of another repository",
     "SELECT COUNT(*) FROM images i JOIN repositories p ON p.id = i.repository_id"
     " WHERE p.registry_id <> i.registry_id"},
    {"findings in the registry of another image",
     "SELECT COUNT(*) FROM findings f JOIN images i ON i.id = f.image_id"
     " WHERE f.registry_id <> i.registry_id"},
    {"tags that name an image of another repository",
     "SELECT COUNT(*) FROM tags t JOIN images i ON i.id = t.image_id"
     " WHERE t.repository_id <> i.repository_id"},
    {"images that are healthy and have findings",
     "SELECT COUNT(*) FROM images i WHERE i.verdict = 'healthy' AND EXISTS (SELECT 1 FROM findings "
     "f"
     " JOIN facts x ON x.id = f.fact_id WHERE f.registry_id = i.registry_id AND f.image_id = i.id"
     " AND f.disabled_by = '' AND x.class <> 'kernel-headers')"},
    {"images whose counts are not those of their findings",
     "SELECT COUNT(*) FROM images i WHERE i.n_critical + i.n_high + i.n_medium + i.n_low"
     " + i.n_unknown <> (SELECT COUNT(*) FROM findings f JOIN facts x ON x.id = f.fact_id"
     " WHERE f.registry_id = i.registry_id AND f.image_id = i.id AND f.disabled_by = ''"
     " AND x.class <> 'kernel-headers')"},
    {"deleted images that still have a verdict or findings",
     "SELECT COUNT(*) FROM images i WHERE i.deleted_at <> 0 AND (i.verdict <> '' OR EXISTS (SELECT "
     "1"
     " FROM findings f WHERE f.registry_id = i.registry_id AND f.image_id = i.id))"},
    {"recommendations that say less than their images",
     "SELECT COUNT(*) FROM assessments a WHERE a.verdict <> 'unhealthy' AND EXISTS (SELECT 1 FROM"
     " images i WHERE i.registry_id = a.registry_id AND i.verdict = 'unhealthy')"},
    {"digests that are billed twice",
     "SELECT COUNT(*) FROM (SELECT 1 AS one FROM ledger GROUP BY LOWER(subscription), digest"
     " HAVING COUNT(*) > 1) twice"},
    {"jobs that are queued twice",
     "SELECT COUNT(*) FROM (SELECT 1 AS one FROM jobs WHERE state IN ('queued', 'running')"
     " GROUP BY kind, registry_id, repository, digest HAVING COUNT(*) > 1) twice"},
    {"jobs that run without a lease",
     "SELECT COUNT(*) FROM jobs WHERE state = 'running' AND (leased_until = 0 OR lease = 0)"},
    {"jobs in no known state",
     "SELECT COUNT(*) FROM jobs WHERE state NOT IN ('queued', 'running', 'done', 'failed', 'dead',"
     " 'cancelled')"},
};

struct check {
    struct store *store;
    const struct store_watch *watch;
    store_complain *complain;
    void *ctx;
    unsigned n_complaints;
    struct store_counts *counts;
};

static void say(struct check *c, const char *what, uint64_t n)
{
    c->n_complaints++;
    if (c->complain)
        c->complain(c->ctx, what, n);
}

/* What the engine finds broken is a complaint; that it could not look is an error. */
static bool check_engine(struct check *c, struct err *err)
{
    struct err found = {0};
    if (store_check(c->store, &found))
        return true;
    if (found.kind != ERR_FORMAT) {
        *err = found;
        return false;
    }
    say(c, found.msg, 1);
    return true;
}

enum { TELL_ROWS = 1000 };

static bool read_table(struct check *c, const struct table *table, struct err *err)
{
    auto_reader reader = {0};
    uint64_t total = 0;
    str row;
    enum next next;
    if (!watch_tell(c->watch, table->name, 0, 0, err) ||
        !table_count(c->store, table, &total, err) ||
        !table_open(c->store, table, NULL, &reader, err))
        return false;
    while ((next = table_next(&reader, &row, err)) == NEXT_ITEM)
        if (reader.n_rows % TELL_ROWS == 0 &&
            !watch_tell(c->watch, table->name, reader.n_rows, total, err))
            return false;
    c->counts->n_tables++;
    c->counts->n_rows += reader.n_rows;
    c->counts->n_bytes += reader.n_bytes;
    if (next == NEXT_END && reader.n_rows != total)
        say(c, "rows that are counted and not there, or the reverse", 1);
    return next == NEXT_END;
}

static bool read_tables(struct check *c, struct err *err)
{
    for (size_t i = 0; table_at(i); i++) {
        struct err broken = {0};
        if (read_table(c, table_at(i), &broken))
            continue;
        if (broken.kind != ERR_FORMAT) {
            *err = broken;
            return err_wrap(err, "%s", table_at(i)->name);
        }
        say(c, broken.msg, 1);
    }
    return true;
}

static bool check_rules(struct check *c, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        int64_t n = 0;
        if (!watch_tell(c->watch, "contradictions", i, ARRAY_LEN(rules), err) ||
            !db_int(c->store, 0, &n, err, rules[i].sql))
            return err_wrap(err, "%s", rules[i].broken);
        if (n)
            say(c, rules[i].broken, (uint64_t)n);
    }
    return true;
}

bool store_check(struct store *store, struct err *err)
{
    return store->driver->check(store->conn, err);
}

bool store_check_whole(struct store *store, const struct store_watch *watch,
                       store_complain *complain, void *ctx, unsigned *n_complaints,
                       struct store_counts *counts, struct err *err)
{
    struct check c = {store, watch, complain, ctx, 0, counts};
    *counts = (struct store_counts){0};
    bool ok = watch_tell(watch, "integrity", 0, 0, err) && check_engine(&c, err) &&
              tx_begin_read(store, err);
    if (ok)
        ok = tx_end(store, read_tables(&c, err) && check_rules(&c, err), err);
    *n_complaints = c.n_complaints;
    return ok;
}
