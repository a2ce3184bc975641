/* SPDX-License-Identifier: Apache-2.0 */
/* record_set.c - records that are gathered from several places before they are written: a
 * publisher who lists by package says of one vulnerability in many of them.  Strings are borrowed
 * and must live as long as the set. */
#include "advisory/internal.h"

bool range_add(struct arena *arena, struct affected *affected, struct version_range range,
               struct err *err)
{
    struct version_range *slot = vec_push(arena, &affected->ranges);
    if (!slot)
        return err_memory(err);
    *slot = range;
    return true;
}

void record_set_init(struct record_set *set, struct feed_reader *reader, struct arena *arena)
{
    *set = (struct record_set){.reader = reader, .arena = arena};
    map_init(&set->by_id, arena);
}

struct set_record *record_set_at(struct record_set *set, str id, struct err *err)
{
    void **slot = map_at(&set->by_id, id);
    if (slot && !*slot) {
        struct set_record *fresh = arena_new(set->arena, struct set_record);
        if (fresh) {
            map_init(&fresh->entries, set->arena);
            fresh->record.advisory.id = id;
        }
        *slot = fresh;
    }
    if (!slot || !*slot)
        err_memory(err);
    return slot ? *slot : NULL;
}

struct affected *record_set_entry(struct record_set *set, struct set_record *record, str ecosystem,
                                  str package, struct err *err)
{
    str key = arena_printf(set->arena, STR_FMT "/" STR_FMT, STR_ARG(ecosystem), STR_ARG(package));
    void **slot = key.ptr ? map_at(&record->entries, key) : NULL;
    if (!slot) {
        err_memory(err);
        return NULL;
    }
    uintptr_t at = (uintptr_t)*slot;
    if (at)
        return &record->record.entries.ptr[at - 1].affected;
    struct record_entry *entry = vec_push(set->arena, &record->record.entries);
    if (!entry) {
        err_memory(err);
        return NULL;
    }
    *entry = (struct record_entry){.ecosystem = ecosystem, .package = package};
    *slot = (void *)(uintptr_t)record->record.entries.len;
    return &entry->affected;
}

bool record_set_write(struct record_set *set, struct err *err)
{
    for (size_t i = 0; i < set->by_id.len; i++) {
        const struct set_record *record = set->by_id.entries[i].value;
        if (!feed_record(set->reader, &record->record, err))
            return err_wrap(err, STR_FMT, STR_ARG(record->record.advisory.id));
    }
    return true;
}
