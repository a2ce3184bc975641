/* SPDX-License-Identifier: Apache-2.0 */
/* Dialect, range and version a line each.  What is read has bounds that are versions and answers
 * the same twice; what is no version is unknown.  Its intervals do not say the opposite. */
#include "version/version.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_bounds(const struct version_ranges *ranges)
{
    for (size_t i = 0; i < ranges->bounds.len; i++) {
        const struct version_bound *bound = &ranges->bounds.ptr[i];
        if (bound->op != OP_ANY && !ranges->scheme->is_valid(bound->version))
            abort();
        if (bound->is_prefix && !ranges->scheme->is_valid(bound->until))
            abort();
    }
}

/* Surely: every comparison that it takes has an answer. */
static bool is_in(const struct version_scheme *scheme, const version_intervals *list, str version)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct version_cut *from = &list->ptr[i].from, *to = &list->ptr[i].to;
        enum version_order a =
            from->version.len ? scheme->cmp(version, from->version) : VERSION_GREATER;
        enum version_order b = to->version.len ? scheme->cmp(version, to->version) : VERSION_LESS;
        if ((a == VERSION_GREATER || (a == VERSION_EQUAL && !from->is_behind)) &&
            (b == VERSION_LESS || (b == VERSION_EQUAL && to->is_behind)))
            return true;
    }
    return false;
}

static void check_intervals(const struct version_ranges *ranges, str version,
                            enum version_within within, struct arena *arena)
{
    version_intervals inside, outside;
    struct err err = {0};
    if (!version_inside(ranges, arena, &inside, &err) ||
        !version_outside(ranges, arena, &outside, &err)) {
        if (err.kind == ERR_NONE)
            abort();
        return;
    }
    if ((within == WITHIN_YES && is_in(ranges->scheme, &outside, version)) ||
        (within == WITHIN_NO && is_in(ranges->scheme, &inside, version)))
        abort();
}

static void try_dialect(const struct version_dialect *dialect, str text, str version)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct version_ranges ranges = {0};
    struct err err = {0};
    const struct version_scheme *scheme = dialect->scheme ? NULL : version_find(STR("npm"));
    if (version_ranges_add(dialect, scheme, text, &arena, &ranges, &err)) {
        check_bounds(&ranges);
        enum version_within within = version_within(&ranges, version);
        if (!ranges.bounds.len || within != version_within(&ranges, version))
            abort();
        if (!ranges.scheme->is_valid(version) && within != WITHIN_UNKNOWN)
            abort();
        check_intervals(&ranges, version, within, &arena);
    } else if (err.kind == ERR_NONE || ranges.bounds.len) {
        abort();
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str name, text, version;
    str_cut_byte(str_of((const char *)data, size), '\n', &name, &text);
    str_cut_byte(text, '\n', &text, &version);
    const struct version_dialect *dialect = version_dialect_find(name);
    size_t n;
    const struct version_dialect *all = version_dialects(&n);
    if (dialect)
        try_dialect(dialect, text, version);
    for (size_t i = 0; !dialect && i < n; i++)
        try_dialect(&all[i], name, text);
    return 0;
}
