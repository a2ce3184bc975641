/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - the database paths of an image as its layers make them, one after the other.
 *
 * As container runtimes extract: the folders of an entry are followed through links, within the
 * root; its last name is not.  A folder on a folder is the same folder; anything else replaces what
 * stood there with all that was in it.  A missing folder comes into being.  Whiteouts and opaque
 * folders take away only what lower layers put (OCI image specification, layer.md). */
#include "inventory/internal.h"

#include <string.h>

#include "base/limits.h"

bool tree_init(struct tree *tree, struct arena *arena, const struct matcher *matcher, notices *told,
               struct err *err)
{
    *tree = (struct tree){.arena = arena, .told = told, .matcher = matcher};
    map_init(&tree->spots, arena);
    tree->root = arena_new(arena, struct spot);
    tree->room[0] = arena_alloc(arena, LIMIT(PATH));
    tree->room[1] = arena_alloc(arena, LIMIT(PATH));
    tree->missing = arena_alloc(arena, LIMIT(PATH));
    if (!tree->root || !tree->room[0] || !tree->room[1] || !tree->missing)
        return err_memory(err);
    *tree->root = (struct spot){.kind = SPOT_DIR, .layer = -1, .cleared_layer = -1};
    return true;
}

/* --- spots ------------------------------------------------------------------------------------ */
/* "dir/name" in tree->missing; false when it is too long. */
static bool join(struct tree *tree, str dir, str name, str *out)
{
    size_t len = dir.len + (dir.len != 0);
    if (len + name.len > LIMIT(PATH))
        return false;
    if (dir.len) {
        memmove(tree->missing, dir.ptr, dir.len);
        tree->missing[dir.len] = '/';
    }
    memcpy(tree->missing + len, name.ptr, name.len);
    *out = (str){tree->missing, len + name.len};
    return true;
}

/* The spot below @dir, also one that is gone; NULL: there never was one. */
static struct spot *spot_get(struct tree *tree, struct spot *dir, str name)
{
    str path;
    return join(tree, dir->path, name, &path) ? map_get(&tree->spots, path) : NULL;
}

static struct spot *spot_make(struct tree *tree, struct spot *dir, str name, struct err *err)
{
    str path;
    if (!join(tree, dir->path, name, &path)) {
        err_set(err, ERR_LIMIT, "a path longer than %zu bytes", (size_t)LIMIT(PATH));
        return NULL;
    }
    struct spot *spot = map_get(&tree->spots, path);
    if (spot)
        return spot;
    spot = arena_new(tree->arena, struct spot);
    path = arena_dup(tree->arena, path);
    if (!spot || !path.ptr || !map_put(&tree->spots, path, spot)) {
        err_memory(err);
        return NULL;
    }
    *spot = (struct spot){.path = path, .parent = dir, .layer = -1, .cleared_layer = -1};
    return spot;
}

static void link_spot(struct spot *spot)
{
    struct spot *dir = spot->parent;
    spot->prev = dir->last;
    *(dir->last ? &dir->last->next : &dir->first) = spot;
    dir->last = spot;
}

static void unlink_spot(struct spot *spot)
{
    struct spot *dir = spot->parent;
    *(spot->prev ? &spot->prev->next : &dir->first) = spot->next;
    *(spot->next ? &spot->next->prev : &dir->last) = spot->prev;
    spot->prev = spot->next = NULL;
}

static bool add_state(struct tree *tree, struct spot *spot, int layer,
                      const struct file_record *record, struct err *err)
{
    struct spot_state *last = spot->states.len ? &spot->states.ptr[spot->states.len - 1] : NULL;
    if (!last && !record)
        return true;
    if (!last || last->layer != layer)
        last = vec_push(tree->arena, &spot->states);
    if (!last)
        return err_memory(err);
    *last = (struct spot_state){layer, record};
    return true;
}

/* The spot and all below it is gone.  Depth: a path has at most LIMIT_PATH / 2 names. */
static bool spot_remove(struct tree *tree, struct spot *spot, int layer, struct err *err)
{
    while (spot->first)
        if (!spot_remove(tree, spot->first, layer, err))
            return false;
    unlink_spot(spot);
    spot->kind = SPOT_ABSENT;
    spot->record = NULL;
    spot->reason = NULL;
    spot->target = STR_NONE;
    return add_state(tree, spot, layer, NULL, err);
}

static bool spot_set(struct tree *tree, struct spot *spot, enum spot_kind kind, int layer,
                     struct err *err)
{
    bool stays = kind == SPOT_DIR && spot->kind == SPOT_DIR;
    if (!stays && spot->kind != SPOT_ABSENT && !spot_remove(tree, spot, layer, err))
        return false;
    if (!stays) {
        link_spot(spot);
        spot->cleared_layer = layer; /* there is nothing lower in it */
    }
    spot->kind = kind;
    spot->layer = layer;
    return true;
}

/* What lower layers put below @dir is gone. */
static bool clear_lower(struct tree *tree, struct spot *dir, int layer, struct err *err);

static bool remove_lower(struct tree *tree, struct spot *spot, int layer, struct err *err)
{
    if (spot->kind == SPOT_DIR && !clear_lower(tree, spot, layer, err))
        return false;
    bool stays = spot->layer == layer || spot->first;
    return stays || spot_remove(tree, spot, layer, err);
}

static bool clear_lower(struct tree *tree, struct spot *dir, int layer, struct err *err)
{
    if (dir->cleared_layer == layer)
        return true;
    dir->cleared_layer = layer;
    for (struct spot *spot = dir->first, *next; spot; spot = next) {
        next = spot->next;
        if (!remove_lower(tree, spot, layer, err))
            return false;
    }
    return true;
}

/* --- walking ---------------------------------------------------------------------------------- */
bool tree_is_spent(const struct tree *tree) { return tree->n_walked > LIMIT(WALKED_NAMES); }

bool tree_take_name(struct tree *tree)
{
    tree->n_walked++;
    return !tree_is_spent(tree);
}

/* The target of a link before the names that are still to go: @rest may lie in the other room. */
static bool expand(struct tree *tree, unsigned *room, str target, str *rest)
{
    char *to = tree->room[ *room ^= 1];
    size_t len = target.len + 1 + rest->len;
    if (len > LIMIT(PATH))
        return false;
    memcpy(to, target.ptr, target.len);
    to[target.len] = '/';
    if (rest->len)
        memcpy(to + target.len + 1, rest->ptr, rest->len);
    *rest = (str){to, len};
    return true;
}

/* A link at an odd place is kept for where it leads.  What a later layer puts in its stead, also
 * the one in hand, need not be kept, so it may be gone. */
static void note_odd(struct tree *tree, const struct spot *link)
{
    if (link->layer + 1 < tree->n_layers && !matcher_is_kept(tree->matcher, link->path))
        tree->is_odd = true;
}

/* Nothing is known of @name below @at: the path goes on by its letters.  Back in a folder that is
 * there ("gone/../x") the walk may go on. */
static enum walk walk_blind(struct tree *tree, struct spot *at, str name, str *rest, str *missing)
{
    size_t depth = 1;
    if (!join(tree, at->path, name, missing))
        return WALK_LOOP;
    while (depth && str_next(rest, '/', &name)) {
        if (name.len == 0 || str_eq(name, STR(".")))
            continue;
        if (str_eq(name, STR(".."))) {
            *missing = path_dir(*missing);
            depth--;
            continue;
        }
        depth++;
        if (!join(tree, *missing, name, missing))
            return WALK_LOOP;
    }
    return depth ? WALK_ABSENT : WALK_FOUND;
}

enum walk tree_find(struct tree *tree, struct spot *from, str path, struct spot **out, str *missing)
{
    struct spot *at = from;
    unsigned room = 0, hops = 0;
    str rest = path, name;
    tree->is_odd = false;
    while (str_next(&rest, '/', &name)) {
        if (!tree_take_name(tree))
            return WALK_SPENT;
        if (name.len == 0 || str_eq(name, STR(".")))
            continue;
        if (at->kind != SPOT_DIR)
            return WALK_BLOCKED;
        if (str_eq(name, STR(".."))) {
            at = at->parent ? at->parent : at;
            continue;
        }
        struct spot *spot = spot_get(tree, at, name);
        if (!spot || spot->kind == SPOT_ABSENT) {
            enum walk walk = walk_blind(tree, at, name, &rest, missing);
            if (walk != WALK_FOUND)
                return walk;
            continue;
        }
        if (spot->kind != SPOT_SYMLINK) {
            at = spot;
            continue;
        }
        note_odd(tree, spot);
        if (++hops > LIMIT(SYMLINK_HOPS) || !expand(tree, &room, spot->target, &rest))
            return WALK_LOOP;
        if (str_starts(spot->target, STR("/")))
            at = tree->root;
    }
    *out = at;
    return WALK_FOUND;
}

/* The folder @dir, through links, made where it is missing.  *out NULL: no way (too many links, or
 * the tree is spent). */
static bool make_folder(struct tree *tree, str dir, int layer, struct spot **out, struct err *err)
{
    struct spot *at = tree->root;
    unsigned room = 0, hops = 0;
    str name;
    *out = NULL;
    tree->is_odd = false;
    while (str_next(&dir, '/', &name)) {
        if (!tree_take_name(tree))
            return true;
        if (name.len == 0 || str_eq(name, STR(".")))
            continue;
        if (str_eq(name, STR(".."))) {
            at = at->parent ? at->parent : at;
            continue;
        }
        struct spot *spot = spot_make(tree, at, name, err);
        if (!spot)
            return err->kind == ERR_LIMIT;
        if (spot->kind == SPOT_SYMLINK) {
            note_odd(tree, spot);
            if (++hops > LIMIT(SYMLINK_HOPS) || !expand(tree, &room, spot->target, &dir))
                return true;
            if (str_starts(spot->target, STR("/")))
                at = tree->root;
            continue;
        }
        if (spot->kind != SPOT_DIR && !spot_set(tree, spot, SPOT_DIR, layer, err))
            return false;
        at = spot;
    }
    *out = at;
    return true;
}

/* --- repeating a layer ------------------------------------------------------------------------ */
static bool no_way(struct tree *tree, str path, int layer, struct err *err)
{
    if (tree_is_spent(tree) || ++tree->n_lost > LIMIT(STRAY_FILES))
        return true; /* told at the end; incomplete for thousands of reasons that are told */
    if (!notice_add(tree->arena, tree->told, NOTICE_UNREADABLE, true, path,
                    STR("its folders are links without an end, or too long a path")))
        return err_memory(err);
    tree->told->ptr[tree->told->len - 1].layer = layer;
    return true;
}

/* The spot of an entry; *out NULL: noticed that there is none. */
static bool place(struct tree *tree, str path, int layer, struct spot **out, struct err *err)
{
    struct spot *dir;
    *out = NULL;
    if (!make_folder(tree, path_dir(path), layer, &dir, err))
        return false;
    tree->is_uncertain |= tree->is_odd;
    if (dir)
        *out = spot_make(tree, dir, path_base(path), err);
    if (!*out && err->kind != ERR_MEMORY) {
        *err = (struct err){0};
        return no_way(tree, path, layer, err);
    }
    return *out != NULL;
}

static bool apply_file(struct tree *tree, const struct file_record *file, int layer,
                       struct err *err)
{
    struct spot *spot;
    if (!place(tree, file->path, layer, &spot, err))
        return false;
    if (!spot)
        return true;
    if (!spot_set(tree, spot, SPOT_FILE, layer, err))
        return false;
    spot->record = file;
    return add_state(tree, spot, layer, file, err);
}

/* The folders of the target are followed through links, its last name is not (link(2)). */
static struct spot *hardlink_target(struct tree *tree, str target)
{
    struct spot *dir;
    str missing;
    enum walk walk = tree_find(tree, tree->root, path_dir(target), &dir, &missing);
    tree->is_uncertain |= tree->is_odd;
    if (walk != WALK_FOUND || dir->kind != SPOT_DIR)
        return NULL;
    struct spot *spot = spot_get(tree, dir, path_base(target));
    return spot && (spot->kind == SPOT_FILE || spot->kind == SPOT_SYMLINK) ? spot : NULL;
}

static bool apply_hardlink(struct tree *tree, const struct layer_step *step, int layer,
                           struct err *err)
{
    struct spot *spot, *target = hardlink_target(tree, step->target);
    struct spot found = target ? *target : (struct spot){.kind = SPOT_FILE};
    if (!place(tree, step->path, layer, &spot, err))
        return false;
    if (!spot || (spot == target && target))
        return true;
    if (!spot_set(tree, spot, found.kind, layer, err))
        return false;
    spot->target = found.target;
    spot->record = found.record;
    spot->reason = target ? found.reason : "a hard link to a file that was not kept";
    return !found.record || add_state(tree, spot, layer, found.record, err);
}

static bool apply_whiteout(struct tree *tree, const struct layer_step *step, int layer,
                           struct err *err)
{
    struct spot *dir, *spot = NULL;
    str missing;
    bool is_opaque = step->kind == STEP_OPAQUE;
    str path = is_opaque ? step->path : path_dir(step->path);
    if (tree_find(tree, tree->root, path, &dir, &missing) != WALK_FOUND || dir->kind != SPOT_DIR)
        return true; /* nothing of ours is there */
    tree->is_uncertain |= tree->is_odd && dir->first;
    if (is_opaque)
        return clear_lower(tree, dir, layer, err);
    spot = spot_get(tree, dir, path_base(step->path));
    return !spot || spot->kind == SPOT_ABSENT || remove_lower(tree, spot, layer, err);
}

static bool apply_step(struct tree *tree, const struct layer_step *step, int layer, struct err *err)
{
    if (step->kind == STEP_WHITEOUT || step->kind == STEP_OPAQUE)
        return apply_whiteout(tree, step, layer, err);
    if (step->kind == STEP_HARDLINK)
        return apply_hardlink(tree, step, layer, err);
    struct spot *spot;
    if (!place(tree, step->path, layer, &spot, err))
        return false;
    if (!spot)
        return true;
    if (step->kind == STEP_FOLDER)
        return spot_set(tree, spot, SPOT_DIR, layer, err);
    if (step->kind == STEP_SYMLINK) {
        if (!spot_set(tree, spot, SPOT_SYMLINK, layer, err))
            return false;
        spot->target = step->target;
        return true;
    }
    if (!spot_set(tree, spot, SPOT_FILE, layer, err))
        return false;
    spot->reason = "not a regular file";
    return true;
}

static int cmp_order(const void *a, const void *b)
{
    const struct file_record *x = *(const struct file_record *const *)a;
    const struct file_record *y = *(const struct file_record *const *)b;
    return (x->order > y->order) - (x->order < y->order);
}

bool tree_apply(struct tree *tree, const struct layer_inventory *layer, int index, struct err *err)
{
    size_t n_files = layer->files.len;
    tree->n_layers = index + 1;
    const struct file_record **files =
        (const struct file_record **)arena_alloc_array(tree->arena, n_files + 1, sizeof(*files));
    if (!files)
        return err_memory(err);
    for (size_t i = 0; i < n_files; i++)
        files[i] = &layer->files.ptr[i];
    qsort(files, n_files, sizeof(*files), cmp_order);
    size_t file = 0;
    for (size_t i = 0; i <= layer->steps.len; i++) {
        const struct layer_step *step = i < layer->steps.len ? &layer->steps.ptr[i] : NULL;
        for (; file < n_files && (!step || files[file]->order < step->order); file++)
            if (!apply_file(tree, files[file], index, err))
                return false;
        if (step && !apply_step(tree, step, index, err))
            return false;
    }
    return true;
}
