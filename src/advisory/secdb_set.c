/* SPDX-License-Identifier: Apache-2.0 */
/* secdb_set.c - from the secfixes of security database files to records.
 *
 * - Version V with id I: I is fixed in V, so what is older than V is affected by I.
 * - An id may stand again under a later version when the first fix was incomplete or its branch
 *   was rebased; the tools that read the file (Clair, Grype) take each line by itself, so a package
 *   is affected while any of them is newer than it.  That equals: affected below the highest
 * version.
 * - Version "0": the package never was affected.  A state of its own, unless a real version is
 * named too.
 * - A further id (XSA-297) is an alias when no second CVE shares it, else related: one XSA often
 * covers several CVEs, which must not become one finding. */
#include "advisory/internal.h"
#include "version/version.h"

void secdb_set_init(struct secdb_set *set, struct feed_reader *reader, struct arena *arena)
{
    record_set_init(&set->records, reader, arena);
    map_init(&set->owners, arena);
}

static bool note_others(struct secdb_set *set, struct set_record *to, const struct secdb_fix *fix,
                        struct err *err)
{
    for (size_t i = 0; i < fix->others.len; i++) {
        str other = fix->others.ptr[i];
        struct set_record *owner = map_get(&set->owners, other);
        if (!strs_push(set->records.arena, &to->others, other, err))
            return false;
        /* the map itself stands for "several" */
        void *now = !owner || owner == to ? (void *)to : (void *)&set->owners;
        if (!map_put(&set->owners, other, now))
            return err_memory(err);
    }
    return true;
}

/* Keep the highest version; one that cannot be compared stands beside it, so that nothing is lost.
 */
static bool add_range(struct secdb_set *set, struct affected *affected, str version,
                      struct err *err)
{
    const struct version_scheme *apk = version_find(STR("apk"));
    for (size_t i = 0; i < affected->ranges.len; i++) {
        struct version_range *range = &affected->ranges.ptr[i];
        if (str_eq(range->fixed, version))
            return true;
        enum version_order order = apk ? apk->cmp(range->fixed, version) : VERSION_UNKNOWN;
        if (order == VERSION_UNKNOWN)
            continue;
        if (order == VERSION_LESS)
            range->fixed = version;
        return true;
    }
    struct version_range range = {.introduced = STR("0"), .fixed = version};
    return range_add(set->records.arena, affected, range, err);
}

bool secdb_set_add(struct secdb_set *set, str ecosystem, const struct secdb_fix *fix,
                   struct err *err)
{
    struct set_record *record = record_set_at(&set->records, fix->id, err);
    if (!record || !note_others(set, record, fix, err))
        return false;
    for (size_t i = 0; i < fix->aliases.len; i++) {
        if (!strs_push(set->records.arena, &record->record.advisory.aliases, fix->aliases.ptr[i],
                       err))
            return false;
    }
    if (str_is_empty(record->record.advisory.title))
        record->record.advisory.title = fix->text;
    struct affected *affected =
        record_set_entry(&set->records, record, ecosystem, fix->package, err);
    if (!affected)
        return false;
    if (str_is_empty(affected->note))
        affected->note = fix->note;
    if (!str_eq(fix->version, STR("0"))) {
        affected->state = FIX_FIXED;
        return add_range(set, affected, fix->version, err);
    }
    if (affected->state == FIX_UNKNOWN)
        affected->state = FIX_NOT_AFFECTED;
    return true;
}

bool secdb_set_write(struct secdb_set *set, struct err *err)
{
    for (size_t i = 0; i < set->records.by_id.len; i++) {
        struct set_record *record = set->records.by_id.entries[i].value;
        struct advisory *advisory = &record->record.advisory;
        for (size_t j = 0; j < record->others.len; j++) {
            str other = record->others.ptr[j];
            bool is_alias = map_get(&set->owners, other) == record;
            str *slot =
                vec_push(set->records.arena, is_alias ? &advisory->aliases : &advisory->related);
            if (!slot)
                return err_memory(err);
            *slot = other;
        }
    }
    return record_set_write(&set->records, err);
}
