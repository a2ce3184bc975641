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

static bool by_id(void *ctx, struct arena *arena, str id, named_records *out, struct err *err)
{
    return advisory_by_id(db_of(ctx), arena, id, out, err);
}

static bool has_vex(void *ctx) { return advisory_db_has_vex(db_of(ctx)); }

static struct match_lookup lookup_of(struct database *database)
{
    return (struct match_lookup){.covers = covers,
                                 .find = find,
                                 .get = get,
                                 .enrich = enrich,
                                 .by_id = by_id,
                                 .has_vex = has_vex,
                                 .ctx = database};
}

bool match_image(const struct advisory_db *db, const struct image_inventory *inventory,
                 struct arena *arena, struct match_result *out, struct err *err)
{
    struct database database = {.db = db};
    const struct match_lookup lookup = lookup_of(&database);
    return match_inventory(&lookup, inventory, arena, out, err);
}

bool match_explain_image(const struct advisory_db *db, const struct image_inventory *inventory,
                         const findings *found, str id, struct arena *arena,
                         struct explain_result *out, struct err *err)
{
    struct database database = {.db = db};
    const struct match_lookup lookup = lookup_of(&database);
    return match_explain(&lookup, inventory, found, id, arena, out, err);
}

bool match_vex_image(const struct advisory_db *db, const struct vex_image *image,
                     const struct image_inventory *inventory, struct arena *arena, findings *all,
                     notices *told, struct err *err)
{
    struct database database = {.db = db};
    const struct match_lookup lookup = lookup_of(&database);
    return match_vex(&lookup, image, inventory, arena, all, told, err);
}
