/* SPDX-License-Identifier: Apache-2.0 */
/* database.c - the look-ups of a compiled database. */
#include "match/match.h"

struct database {
    const struct advisory_db *db;
};

static const struct advisory_db *db_of(void *ctx) { return ((const struct database *)ctx)->db; }

static bool covers(void *ctx, str ecosystem) { return advisory_db_covers(db_of(ctx), ecosystem); }

static bool find(void *ctx, struct arena *arena, str ecosystem, str package,
                 const struct affected_filter *filter, affecteds *out, struct err *err)
{
    return advisory_find_if(db_of(ctx), arena, ecosystem, package, filter, out, err);
}

static bool get(void *ctx, struct arena *arena, str source, str record, struct advisory *out,
                struct err *err)
{
    return advisory_get(db_of(ctx), arena, source, record, out, err);
}

static bool enrich(void *ctx, struct arena *arena, str cve, enrichments *out, struct err *err)
{
    return advisory_enrich(db_of(ctx), arena, cve, out, err);
}

bool match_image(const struct advisory_db *db, const struct image_inventory *inventory,
                 struct arena *arena, struct match_result *out, struct err *err)
{
    struct database database = {.db = db};
    struct match_lookup lookup = {
        .covers = covers, .find = find, .get = get, .enrich = enrich, .ctx = &database};
    return match_inventory(&lookup, inventory, arena, out, err);
}
