/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled patterns say of any path what the patterns say one by one. */
#include "detector.h"

#include "base/limits.h"
#include "inventory/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The number of last components that match; all of both: UINT_MAX. */
static unsigned agreement(str pattern, str path)
{
    for (unsigned n = 0;; n++) {
        if (pattern.len == 0 && path.len == 0)
            return UINT32_MAX;
        if (pattern.len == 0 || path.len == 0 || !path_glob(path_base(pattern), path_base(path)))
            return n;
        pattern = path_dir(pattern);
        path = path_dir(path);
    }
}

static unsigned n_stars_at_end(str pattern)
{
    unsigned n = 0;
    for (; pattern.len && str_find_byte(path_base(pattern), '*') < path_base(pattern).len; n++)
        pattern = path_dir(pattern);
    return n;
}

static const struct detector *find(str path, bool *is_stray)
{
    size_t n;
    unsigned best = 0;
    const struct detector *const *all = inventory_detectors(&n), *found = NULL;
    for (size_t i = 0; i < n; i++) {
        for (const char *const *p = all[i]->paths; *p; p++) {
            unsigned agree = agreement(str_from(*p), path);
            if (agree <= n_stars_at_end(str_from(*p)) || agree < best)
                continue; /* only names that a pattern spells say something */
            if (agree == best && found &&
                str_cmp(str_from(found->name), str_from(all[i]->name)) <= 0)
                continue;
            best = agree;
            found = all[i];
        }
    }
    *is_stray = best != UINT32_MAX;
    return found;
}

static bool is_folder(str path)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++)
        for (const char *const *p = all[i]->paths; *p; p++)
            for (str dir = path_dir(str_from(*p)); dir.len; dir = path_dir(dir))
                if (agreement(dir, path) == UINT32_MAX)
                    return true;
    return path.len == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;      /* lint: mutable static, made once */
    static struct matcher *matcher; /* lint: mutable static, made once */
    static char room[4096];         /* lint: mutable static, a path's longest */
    struct err err = {0};
    str path;
    if (!matcher) {
        arena_init(&arena, 1u << 20);
        if (!matcher_open(&arena, &matcher, &err) || sizeof(room) < LIMIT(PATH))
            abort();
    }
    enum clean clean = path_clean(str_of((const char *)data, size), room, &path);
    if (clean == CLEAN_LONG)
        return 0;
    bool is_stray = false, should_be = false;
    const struct detector *got = matcher_find(matcher, path, &is_stray);
    const struct detector *want = find(path, &should_be);
    if (got != want || (got && is_stray != should_be))
        abort();
    if (matcher_is_folder(matcher, path) != is_folder(path) ||
        matcher_is_known(matcher, path) != (is_folder(path) || (want && !should_be)) ||
        matcher_is_kept(matcher, path) != (is_folder(path) || want))
        abort();
    return 0;
}
