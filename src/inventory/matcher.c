/* SPDX-License-Identifier: Apache-2.0 */
/* matcher.c - all detectors' patterns at once.  An entry costs a look at its last name (and its
 * folder's, for patterns that end in a '*'); only names that some pattern ends in cost more. */
#include "base/num.h"
#include "inventory/internal.h"

struct pattern {
    str text, base, dir_base;
    const struct detector *detector;
    struct pattern *next; /* of those with the same key */
};
/* A folder's pattern; what stands before its first '*' rules most paths out. */
struct glob {
    str text, head;
};
struct matcher {
    struct map by_base;     /* last names without '*' */
    struct map by_dir_base; /* for last names with '*': the name of the folder */
    struct map folders;     /* above a database path, those without '*' */
    VEC(struct glob) glob_folders;
    size_t longest_folder; /* of those without '*' */
    struct pattern *loose; /* '*' in both of the last names */
    /* by last byte, the lengths (a bit each) of the names in the first two: most names of an image
     * fall through before they are hashed */
    uint64_t lengths[2][256];
};

static uint64_t length_bit(str name) { return 1ull << (name.len & 63); }
static unsigned char last_byte(str name)
{
    return name.len ? (unsigned char)name.ptr[name.len - 1] : 0;
}

static bool may_be(const uint64_t *lengths, str name)
{
    return lengths[last_byte(name)] & length_bit(name);
}

static bool has_star(str s) { return str_find_byte(s, '*') < s.len; }

/* The number of last components that match. */
static unsigned n_matching(str pattern, str path)
{
    unsigned n = 0;
    while (pattern.len && path.len && path_glob(path_base(pattern), path_base(path))) {
        n++;
        pattern = path_dir(pattern);
        path = path_dir(path);
    }
    return pattern.len == 0 && path.len == 0 ? UINT32_MAX : n;
}

static bool add_folders(struct arena *arena, struct matcher *matcher, str dir)
{
    for (; dir.len; dir = path_dir(dir)) {
        if (!has_star(dir)) {
            matcher->longest_folder = num_max(matcher->longest_folder, dir.len);
            void **slot = map_at(&matcher->folders, dir);
            if (!slot)
                return false;
            if (*slot)
                return true; /* and so are those above */
            *slot = matcher;
            continue;
        }
        struct glob *glob = vec_push(arena, &matcher->glob_folders);
        if (!glob)
            return false;
        *glob = (struct glob){dir, str_slice(dir, 0, str_find_byte(dir, '*'))};
    }
    return true;
}

static bool add_pattern(struct arena *arena, struct matcher *matcher,
                        const struct detector *detector, str text)
{
    struct pattern *pattern = arena_new(arena, struct pattern);
    if (!pattern)
        return false;
    *pattern = (struct pattern){.text = text,
                                .base = path_base(text),
                                .dir_base = path_base(path_dir(text)),
                                .detector = detector};
    void **slot;
    if (!has_star(pattern->base)) {
        matcher->lengths[0][last_byte(pattern->base)] |= length_bit(pattern->base);
        slot = map_at(&matcher->by_base, pattern->base);
    } else if (!has_star(pattern->dir_base)) {
        matcher->lengths[1][last_byte(pattern->dir_base)] |= length_bit(pattern->dir_base);
        slot = map_at(&matcher->by_dir_base, pattern->dir_base);
    } else {
        pattern->next = matcher->loose;
        matcher->loose = pattern;
        return add_folders(arena, matcher, path_dir(text));
    }
    if (!slot)
        return false;
    pattern->next = *slot;
    *slot = pattern;
    return add_folders(arena, matcher, path_dir(text));
}

bool matcher_open(struct arena *arena, struct matcher **out, struct err *err)
{
    struct matcher *matcher = arena_new(arena, struct matcher);
    if (!matcher)
        return err_memory(err);
    map_init(&matcher->by_base, arena);
    map_init(&matcher->by_dir_base, arena);
    map_init(&matcher->folders, arena);
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++)
        for (const char *const *path = all[i]->paths; *path; path++)
            if (!add_pattern(arena, matcher, all[i], str_from(*path)))
                return err_memory(err);
    *out = matcher;
    return true;
}

/* The pattern of the list that agrees with @path in the most components, if better than *best. */
static void pick(const struct pattern *list, str path, unsigned least, const struct pattern **out,
                 unsigned *best)
{
    for (; list; list = list->next) {
        unsigned n = n_matching(list->text, path);
        /* of equals the name decides, so that the table's order means nothing */
        bool is_better = n > *best || (n == *best && *out &&
                                       str_cmp(str_from(list->detector->name),
                                               str_from((*out)->detector->name)) < 0);
        if (n >= least && is_better) {
            *best = n;
            *out = list;
        }
    }
}

const struct detector *matcher_find(const struct matcher *matcher, str path, bool *is_stray)
{
    const struct pattern *found = NULL;
    unsigned best = 0;
    str base = path_base(path);
    if (may_be(matcher->lengths[0], base))
        pick(map_get(&matcher->by_base, base), path, 1, &found, &best);
    str dir = str_slice(path, 0, path.len - base.len - (base.len < path.len));
    str dir_base = matcher->lengths[1][last_byte(dir)] ? path_base(dir) : STR_NONE;
    if (dir_base.len && may_be(matcher->lengths[1], dir_base))
        pick(map_get(&matcher->by_dir_base, dir_base), path, 2, &found, &best);
    if (matcher->loose)
        pick(matcher->loose, path, 3, &found, &best);
    *is_stray = best != UINT32_MAX;
    return found ? found->detector : NULL;
}

bool matcher_is_folder(const struct matcher *matcher, str path)
{
    if (path.len == 0 || (path.len <= matcher->longest_folder && map_get(&matcher->folders, path)))
        return true;
    for (size_t i = 0; i < matcher->glob_folders.len; i++) {
        const struct glob *glob = &matcher->glob_folders.ptr[i];
        if (str_starts(path, glob->head) && n_matching(glob->text, path) == UINT32_MAX)
            return true;
    }
    return false;
}

bool matcher_is_known(const struct matcher *matcher, str path)
{
    bool is_stray;
    return matcher_is_folder(matcher, path) ||
           (matcher_find(matcher, path, &is_stray) && !is_stray);
}

bool matcher_is_kept(const struct matcher *matcher, str path)
{
    bool is_stray;
    return matcher_is_folder(matcher, path) || matcher_find(matcher, path, &is_stray);
}
