/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - the layers' inventories to the image's: the tree they make, read as a scanner of the
 * flattened root would read it. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* A path that leads into what no layer keeps: harmless unless a file of the name lies there. */
struct doubt {
    const struct detector *detector;
    str pattern;
};
struct merge {
    struct arena *arena;
    struct image_inventory *out;
    const struct matcher *matcher;
    const struct combiner *combiner;
    struct tree tree;
    struct map records; /* whose packages are in: hard links are one file */
    VEC(struct doubt) doubts;
    owner_files owners;
    size_t n_notices[2]; /* harmless, and not */
};

static bool notice(struct merge *merge, bool is_incomplete, int layer, str path, str why,
                   struct err *err)
{
    if (++merge->n_notices[is_incomplete] > LIMIT(STRAY_FILES))
        return true; /* their number is told at the end */
    str full = arena_printf(merge->arena, "/%.*s", STR_ARG(path));
    if (!full.ptr || !notice_add(merge->arena, &merge->out->notices, NOTICE_UNREADABLE,
                                 is_incomplete, full, why))
        return err_memory(err);
    merge->out->notices.ptr[merge->out->notices.len - 1].layer = layer;
    return true;
}

/* The name of the file as the pattern has it; and of its folder, where the name is a '*'. */
static bool is_named_like(str pattern, str path)
{
    str base = path_base(pattern);
    return path_glob(base, path_base(path)) &&
           (str_find_byte(base, '*') == base.len ||
            path_glob(path_base(path_dir(pattern)), path_base(path_dir(path))));
}

/* --- looking a pattern up --------------------------------------------------------------------- */
struct look {
    const struct detector *detector;
    str pattern;
    /* for each file found; false ends the merge */
    bool (*found)(struct merge *merge, const struct look *look, struct spot *spot, struct err *err);
    /* the path cannot be read, and why */
    bool (*lost)(struct merge *merge, const struct look *look, str path, const char *why,
                 struct err *err);
};

/* @is_folder: not the file itself is missing, but the folder in which the pattern's last '*' is. */
static bool look_missing(struct merge *merge, const struct look *look, str missing, bool is_folder,
                         struct err *err)
{
    str rest = str_skip(look->pattern, missing.len);
    bool is_of_pattern = str_starts(look->pattern, missing) && (!rest.len || rest.ptr[0] == '/');
    if (is_of_pattern || matcher_is_known(merge->matcher, missing))
        return true; /* a layer that had it would have told */
    bool is_kept = is_folder ? path_glob(path_base(path_dir(look->pattern)), path_base(missing))
                             : matcher_is_kept(merge->matcher, missing);
    if (!is_kept)
        return look->lost(merge, look, missing, "a link leads there, and no layer tells what it is",
                          err);
    if (look->detector->release_rank && merge->out->distro.id.len)
        return true; /* a file of higher rank has said it */
    for (size_t i = 0; i < merge->doubts.len; i++)
        if (merge->doubts.ptr[i].pattern.ptr == look->pattern.ptr)
            return true; /* once a pattern */
    struct doubt *doubt = vec_push(merge->arena, &merge->doubts);
    if (!doubt)
        return err_memory(err);
    *doubt = (struct doubt){look->detector, look->pattern};
    return true;
}

/* Follow @path from @from; *spot NULL: it leads nowhere, which is dealt with. */
static bool follow(struct merge *merge, const struct look *look, struct spot *from, str path,
                   bool is_folder, struct spot **spot, struct err *err)
{
    str missing = STR_NONE;
    enum walk walk = tree_find(&merge->tree, from, path, spot, &missing);
    merge->tree.is_uncertain |= merge->tree.is_odd;
    if (walk == WALK_FOUND)
        return true;
    *spot = NULL;
    if (walk == WALK_ABSENT)
        return look_missing(merge, look, missing, is_folder, err);
    return walk == WALK_BLOCKED || walk == WALK_SPENT ||
           look->lost(merge, look, look->pattern, "links without an end", err);
}

/* @rest of the pattern from @from on; empty: it is the file.  Depth: the '*' in our own patterns.
 */
static bool look_from(struct merge *merge, const struct look *look, struct spot *from, str rest,
                      struct err *err)
{
    if (rest.len == 0)
        return from->kind != SPOT_FILE || look->found(merge, look, from, err);
    size_t star = str_find_byte(rest, '*');
    str head = rest, name = STR_NONE, tail = STR_NONE;
    if (star < rest.len) {
        head = path_dir(str_slice(rest, 0, star));
        str_cut_byte(str_skip(rest, head.len + (head.len != 0)), '/', &name, &tail);
    }
    struct spot *dir = from;
    if (head.len && !follow(merge, look, from, head, name.len && !tail.len, &dir, err))
        return false;
    if (!dir || name.len == 0)
        return !dir || look_from(merge, look, dir, STR_NONE, err);
    /* a folder of another name than the pattern's: what lies in it was not kept */
    if (dir->kind == SPOT_DIR && tail.len == 0 &&
        !path_glob(path_base(path_dir(look->pattern)), path_base(dir->path)) &&
        !look->lost(merge, look, dir->path, "a link leads there, and no layer tells what is in it",
                    err))
        return false;
    for (struct spot *child = dir->first; dir->kind == SPOT_DIR && child; child = child->next) {
        struct spot *spot;
        if (!tree_take_name(&merge->tree))
            break; /* told at the end */
        if (!path_glob(name, path_base(child->path)))
            continue;
        if (!follow(merge, look, dir, path_base(child->path), false, &spot, err) ||
            (spot && !look_from(merge, look, spot, tail, err)))
            return false;
    }
    return true;
}

static bool look_up(struct merge *merge, struct look *look, const char *pattern, struct err *err)
{
    look->pattern = str_from(pattern);
    return look_from(merge, look, merge->tree.root, look->pattern, err);
}

/* --- packages --------------------------------------------------------------------------------- */
/* layers[i] becomes the lowest layer from which on package i of the present file stood in it. */
static void date_packages(const struct spot *spot, int *layers, bool *is_older)
{
    const struct file_record *now = spot->record;
    size_t n = now->packages.len;
    int present = spot->states.ptr[spot->states.len - 1].layer;
    for (size_t i = 0; i < n; i++) {
        layers[i] = present;
        is_older[i] = true;
    }
    size_t n_older = n;
    for (size_t v = spot->states.len - 1; v-- > 0 && n_older;) {
        const struct file_record *then = spot->states.ptr[v].record;
        if (!then)
            return;
        n_older = 0;
        for (size_t i = 0, j = 0; i < n; i++) {
            if (!is_older[i])
                continue;
            int c = 1;
            while (j < then->packages.len &&
                   (c = package_cmp_key(&then->packages.ptr[j], &now->packages.ptr[i])) < 0)
                j++;
            is_older[i] = j < then->packages.len && c == 0;
            if (is_older[i])
                layers[i] = spot->states.ptr[v].layer;
            n_older += is_older[i];
        }
    }
}

static bool add_packages(struct merge *merge, const struct spot *spot, struct err *err)
{
    const struct file_record *file = spot->record;
    size_t n = file->packages.len;
    if (n > LIMIT(INVENTORY) - merge->out->packages.len)
        return notice(merge, true, spot->layer, spot->path,
                      STR("with its packages the image would have too many (inventory)"), err);
    int *layers = arena_array(merge->arena, int, n + 1);
    bool *is_older = arena_array(merge->arena, bool, n + 1);
    str path = arena_printf(merge->arena, "/%.*s", STR_ARG(spot->path));
    if (!layers || !is_older || !path.ptr)
        return err_memory(err);
    date_packages(spot, layers, is_older);
    for (size_t i = 0; i < n; i++) {
        struct package *package = vec_push(merge->arena, &merge->out->packages);
        if (!package)
            return err_memory(err);
        *package = file->packages.ptr[i];
        package->layer = layers[i];
        package->is_spare = file->detector->is_spare;
        package->path = path;
    }
    return true;
}

/* Another path to a file that is in already; *is_new false. */
static bool is_first(struct merge *merge, struct spot *spot, bool *is_new, struct err *err)
{
    *is_new = !spot->is_read;
    spot->is_reached = spot->is_read = true;
    if (!spot->record || !*is_new)
        return true;
    const struct file_record **key =
        (const struct file_record **)arena_alloc(merge->arena, sizeof(*key));
    if (!key)
        return err_memory(err);
    *key = spot->record;
    void **slot = map_at(&merge->records, (str){(const char *)key, sizeof(*key)});
    if (!slot)
        return err_memory(err);
    *is_new = !*slot;
    *slot = spot;
    return true;
}

/* A checksum list of status.d is named like the file of its package beside it, whose name may be
 * another: "libssl1" of libssl1.1. */
static str package_beside(const struct merge *merge, const struct spot *spot)
{
    str end = STR(".md5sums");
    if (!str_ends(spot->path, end))
        return STR_NONE;
    const struct spot *beside =
        map_get(&merge->tree.spots, str_slice(spot->path, 0, spot->path.len - end.len));
    const struct file_record *file = beside ? beside->record : NULL;
    bool is_one = file && file->detector == spot->record->detector && file->packages.len == 1;
    return is_one ? file->packages.ptr[0].name : STR_NONE;
}

static bool add_owner(struct merge *merge, const struct spot *spot, struct err *err)
{
    if (spot->record->owners.len == 0 && spot->record->diversions.len == 0)
        return true;
    struct owner_file *owner = vec_push(merge->arena, &merge->owners);
    if (!owner)
        return err_memory(err);
    *owner = (struct owner_file){spot->record, package_beside(merge, spot)};
    return true;
}

static bool found_database(struct merge *merge, const struct look *look, struct spot *spot,
                           struct err *err)
{
    bool is_new;
    if (!is_first(merge, spot, &is_new, err))
        return false;
    if (!is_new)
        return true;
    const struct file_record *file = spot->record;
    if (!file)
        return notice(merge, look->detector->is_os_database, spot->layer, spot->path,
                      str_from(spot->reason), err);
    if (file->detector != look->detector)
        return notice(merge, look->detector->is_os_database, spot->layer, spot->path,
                      STR("a database of another kind is linked there"), err);
    /* a detector goes by the path in what it expects of a file */
    if (!is_named_like(look->pattern, file->path) &&
        !notice(merge, true, spot->layer, spot->path,
                STR("a link to a file of another kind: read by that one's rules"), err))
        return false;
    if (deferred_is_alone(&merge->tree, spot) &&
        !notice(merge, false, spot->layer, spot->path,
                STR("without the database that it belongs to: not read"), err))
        return false;
    if (file->is_failed &&
        !notice(merge, file->detector->is_os_database, spot->layer, spot->path, file->reason, err))
        return false;
    return add_owner(merge, spot, err) && add_packages(merge, spot, err);
}

static bool lost_database(struct merge *merge, const struct look *look, str path, const char *why,
                          struct err *err)
{
    return notice(merge, look->detector->is_os_database, -1, path, str_from(why), err);
}

static bool read_databases(struct merge *merge, struct err *err)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        struct look look = {.detector = all[i], .found = found_database, .lost = lost_database};
        if (all[i]->release_rank)
            continue;
        for (const char *const *path = all[i]->paths; *path; path++)
            if (!look_up(merge, &look, *path, err))
                return false;
    }
    return true;
}

/* --- the distribution ------------------------------------------------------------------------- */
/* Take from a file of lower rank only the release, and only of the same distribution. */
static void fill_distro(struct distro *distro, const struct distro *from)
{
    if (!str_eq(distro->id, from->id))
        return;
    if (distro->version_id.len == 0)
        distro->version_id = from->version_id;
    if (distro->codename.len == 0 && str_eq(distro->version_id, from->version_id))
        distro->codename = from->codename;
}

static bool found_release(struct merge *merge, const struct look *look, struct spot *spot,
                          struct err *err)
{
    struct distro *distro = &merge->out->distro;
    const struct file_record *file = spot->record;
    bool is_reached = spot->is_reached;
    spot->is_reached = true;
    if (file && file->detector != look->detector)
        return true; /* another release file, which has its own rank */
    if (!file || file->is_failed)
        return distro->id.len || is_reached ||
               notice(merge, true, spot->layer, spot->path,
                      file ? file->reason : str_from(spot->reason), err);
    if (distro->id.len) {
        fill_distro(distro, &file->distro);
        return true;
    }
    if (file->distro.id.len == 0)
        return true;
    *distro = file->distro;
    distro->layer = spot->layer;
    distro->path = arena_printf(merge->arena, "/%.*s", STR_ARG(spot->path));
    return distro->path.ptr || err_memory(err);
}

static bool lost_release(struct merge *merge, const struct look *look, str path, const char *why,
                         struct err *err)
{
    (void)look;
    return merge->out->distro.id.len || notice(merge, true, -1, path, str_from(why), err);
}

static bool read_releases(struct merge *merge, struct err *err)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    unsigned rank = 0;
    for (;;) {
        const struct detector *next = NULL; /* the lowest rank above @rank */
        for (size_t i = 0; i < n; i++)
            if (all[i]->release_rank > rank && (!next || all[i]->release_rank < next->release_rank))
                next = all[i];
        if (!next)
            return true;
        rank = next->release_rank;
        struct look look = {.detector = next, .found = found_release, .lost = lost_release};
        for (const char *const *path = next->paths; *path; path++)
            if (!look_up(merge, &look, *path, err))
                return false;
    }
}

/* --- doubts ----------------------------------------------------------------------------------- */
static bool has_unreached(const struct merge *merge, const struct doubt *doubt)
{
    for (size_t i = 0; i < merge->tree.spots.len; i++) {
        const struct spot *spot = merge->tree.spots.entries[i].value;
        if (spot->kind == SPOT_FILE && spot->record && !spot->is_reached &&
            spot->record->detector == doubt->detector && is_named_like(doubt->pattern, spot->path))
            return true;
    }
    return false;
}

/* A database path led through a link into the unknown.  If a file of its name lies somewhere and
 * was not reached, it may be the one. */
static bool settle_doubts(struct merge *merge, struct err *err)
{
    for (size_t i = 0; i < merge->doubts.len; i++) {
        const struct doubt *doubt = &merge->doubts.ptr[i];
        if (has_unreached(merge, doubt) &&
            !notice(merge, true, -1, doubt->pattern,
                    STR("links lead to a place that no layer tells about"), err))
            return false;
    }
    return true;
}

/* What was not told one by one. */
static bool tell_rest(struct merge *merge, struct err *err)
{
    if (tree_is_spent(&merge->tree) &&
        !notice_add(merge->arena, &merge->out->notices, NOTICE_LIMIT, true, STR_NONE,
                    STR("its links lead to and fro too often to follow them all (walked-names)")))
        return err_memory(err);
    for (int is_incomplete = 0; is_incomplete < 2; is_incomplete++) {
        size_t n = merge->n_notices[is_incomplete];
        if (n <= LIMIT(STRAY_FILES))
            continue;
        str text = arena_printf(merge->arena, "and %zu more", n - (size_t)LIMIT(STRAY_FILES));
        if (!text.ptr || !notice_add(merge->arena, &merge->out->notices, NOTICE_LIMIT,
                                     is_incomplete, STR_NONE, text))
            return err_memory(err);
    }
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */
static int cmp_packages(const void *a, const void *b)
{
    const struct package *x = a, *y = b;
    int c = package_cmp_key(x, y);
    return c ? c : str_cmp(x->path, y->path);
}

static bool add_layer_notices(struct merge *merge, const struct layer_inventory *layer, int index,
                              struct err *err)
{
    for (size_t i = 0; i < layer->notices.len; i++) {
        struct notice *to = vec_push(merge->arena, &merge->out->notices);
        if (!to)
            return err_memory(err);
        *to = layer->notices.ptr[i];
        to->layer = index;
    }
    return true;
}

static bool merge_layers(struct merge *merge, const struct layer_inventory *const *layers, size_t n,
                         struct err *err)
{
    if (!tree_init(&merge->tree, merge->arena, merge->matcher, &merge->out->notices, err))
        return false;
    map_init(&merge->records, merge->arena);
    for (size_t i = 0; i < n; i++)
        if (!add_layer_notices(merge, layers[i], (int)i, err) ||
            !tree_apply(&merge->tree, layers[i], (int)i, err))
            return err_wrap(err, "layer %zu", i);
    if (!deferred_combine(&merge->tree, merge->combiner, err) || !read_releases(merge, err) ||
        !read_databases(merge, err) || !settle_doubts(merge, err) || !tell_rest(merge, err))
        return false;
    return !merge->tree.is_uncertain ||
           notice(merge, true, -1, STR_NONE,
                  STR("a database lies behind a link at an odd place, and a later layer may have "
                      "replaced that"),
                  err);
}

bool image_inventory_merge(struct arena *arena, const struct combiner *combiner,
                           const struct layer_inventory *const *layers, size_t n,
                           struct image_inventory *out, struct err *err)
{
    struct matcher *matcher;
    *out = (struct image_inventory){.distro.layer = -1};
    return matcher_open(arena, &matcher, err) &&
           image_inventory_merge_with(arena, combiner, matcher, layers, n, out, err);
}

bool image_inventory_merge_with(struct arena *arena, const struct combiner *combiner,
                                const struct matcher *matcher,
                                const struct layer_inventory *const *layers, size_t n,
                                struct image_inventory *out, struct err *err)
{
    *out = (struct image_inventory){.distro.layer = -1};
    if (n > LIMIT(LAYERS))
        return err_set(err, ERR_LIMIT, "more than %zu layers", (size_t)LIMIT(LAYERS));
    struct merge merge = {.arena = arena, .out = out, .matcher = matcher, .combiner = combiner};
    if (!merge_layers(&merge, layers, n, err) || !spare_drop(arena, &out->packages, err))
        return false;
    vec_sort(&out->packages, cmp_packages);
    if (!coverage_measure(arena, layers, n, &merge.owners, out, err))
        return err_wrap(err, "coverage");
    out->is_complete = true;
    for (size_t i = 0; i < out->notices.len; i++)
        if (out->notices.ptr[i].is_incomplete)
            out->is_complete = false;
    out->is_identified = out->distro.id.len || out->packages.len;
    return true;
}
