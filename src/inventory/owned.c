/* SPDX-License-Identifier: Apache-2.0 */
/* owned.c - whose a file is: the lists of all package databases in one table, from the hash of a
 * path to the package that lists it.
 *
 * A list names files as its package was built, and links may have moved them since: Debian 12 lists
 * /bin/ls, which is usr/bin/ls behind the link /bin; rpm packages list /usr/lib64/x, which is
 * usr/lib/x behind usr/lib64 -> lib.  Hashes cannot be taken apart, so it is the file that is asked
 * for by all its names: the real one, and those through links to a folder above it. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* --- the table, by the process's own hash: strangers choose what is in it ------------------------
 */
static size_t slot_of(const struct ownership *o, uint64_t hash)
{
    size_t at = map_hash(str_of((const char *)&hash, sizeof(hash))) & (o->cap - 1);
    while (o->hashes[at] && o->hashes[at] != hash)
        at = (at + 1) & (o->cap - 1);
    return at;
}

/* Of two that list a file the first by letters has it: the order of the lists means nothing. */
static void put(struct ownership *o, uint64_t hash, uint32_t owner)
{
    if (hash == PATH_ROOT_HASH)
        return;
    size_t at = slot_of(o, hash);
    bool is_new = !o->hashes[at];
    if (!is_new && str_cmp(o->owners.ptr[o->whose[at]].package, o->owners.ptr[owner].package) <= 0)
        return;
    o->hashes[at] = hash;
    o->whose[at] = owner;
}

static bool make_table(struct ownership *o, const owner_files *files, struct err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < files->len; i++)
        n += files->ptr[i].record->n_owned; /* each has at most OWNED_PATHS */
    for (o->cap = 1024; o->cap < 2 * n;)
        o->cap *= 2;
    o->hashes = arena_array(o->arena, uint64_t, o->cap);
    o->whose = arena_array(o->arena, uint32_t, o->cap);
    return (o->hashes && o->whose) || err_memory(err);
}

/* "deb:openssl", and the index of the owner. */
static str key_of(struct arena *arena, str type, str name)
{
    return arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(type), STR_ARG(name));
}

static bool add_owners(struct ownership *o, const packages *all, struct map *known, struct err *err)
{
    for (size_t i = 0; i < all->len; i++) {
        const struct package *package = &all->ptr[i];
        if (!package->is_os)
            continue;
        str key = key_of(o->arena, package->type, package->name);
        void **index = key.ptr ? map_at(known, key) : NULL; /* from 1 */
        if (!index)
            return err_memory(err);
        if (!*index) {
            struct owner *owner = vec_push(o->arena, &o->owners);
            if (!owner)
                return err_memory(err);
            *owner = (struct owner){.package = key, .layer = package->layer};
            *index = (void *)(uintptr_t)o->owners.len;
        }
        struct owner *owner = &o->owners.ptr[(uintptr_t)*index - 1];
        owner->layer = owner->layer < package->layer ? package->layer : owner->layer;
    }
    return true;
}

/* --- diversions ------------------------------------------------------------------------------- */
static int cmp_diversions(const void *a, const void *b)
{
    const struct diversion *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static bool add_diversions(struct ownership *o, const owner_files *files, struct err *err)
{
    for (size_t f = 0; f < files->len; f++) {
        const struct file_record *record = files->ptr[f].record;
        for (size_t i = 0; record->detector->owner_type && i < record->diversions.len; i++) {
            const struct file_diversion *from = &record->diversions.ptr[i];
            struct diversion *to = vec_push(o->arena, &o->diversions);
            if (!to)
                return err_memory(err);
            *to = (struct diversion){from->from, from->to, STR_NONE};
            to->by = key_of(o->arena, str_from(record->detector->owner_type), from->by);
            if (!to->by.ptr)
                return err_memory(err);
        }
    }
    vec_sort(&o->diversions, cmp_diversions);
    return true;
}

/* Where the package's file is that it lists at @path. */
static uint64_t divert(const struct ownership *o, uint64_t path, str package)
{
    const struct diversion key = {.from = path};
    const struct diversion *at =
        o->diversions.len
            ? bsearch(&key, o->diversions.ptr, o->diversions.len, sizeof(key), cmp_diversions)
            : NULL;
    return at && !str_eq(at->by, package) ? at->to : path;
}

/* --- lists ------------------------------------------------------------------------------------ */
/* A list may outlive its package (removed, but not purged): only installed ones own. */
static bool add_files(struct ownership *o, const struct owner_file *file, const struct map *known,
                      struct err *err)
{
    const struct file_record *record = file->record;
    for (size_t i = 0; record->detector->owner_type && i < record->owners.len; i++) {
        const struct file_owner *owner = &record->owners.ptr[i];
        str key = key_of(o->arena, str_from(record->detector->owner_type),
                         file->package.len ? file->package : owner->name);
        if (!key.ptr)
            return err_memory(err);
        uintptr_t index = (uintptr_t)map_get(known, key);
        for (size_t p = 0; index && p < owner->paths.len; p++)
            put(o, divert(o, owner->paths.ptr[p], key), (uint32_t)(index - 1));
    }
    return true;
}

static int cmp_links(const void *a, const void *b)
{
    const struct folder_link *x = a, *y = b;
    int c = (x->target > y->target) - (x->target < y->target);
    c = c ? c : str_cmp(x->folder, y->folder);
    return c ? c : (x->name > y->name) - (x->name < y->name);
}

bool ownership_make(struct arena *arena, const owner_files *files, const packages *all,
                    struct ownership *out, struct err *err)
{
    struct map known;
    out->arena = arena;
    map_init(&known, arena);
    vec_sort(&out->links, cmp_links);
    if (!make_table(out, files, err) || !add_owners(out, all, &known, err) ||
        !add_diversions(out, files, err))
        return false;
    for (size_t i = 0; i < files->len; i++)
        if (!add_files(out, &files->ptr[i], &known, err))
            return false;
    return true;
}

/* --- the names of a folder -------------------------------------------------------------------- */
enum { LINK_LEVELS = 2 }; /* links in folders that have names through links themselves */

static bool add_names(struct ownership *o, str folder, unsigned level, folder_names *out,
                      struct err *err);

/* The first link to it. */
static size_t first_link(const struct ownership *o, uint64_t target)
{
    size_t low = 0, high = o->links.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->links.ptr[middle].target < target)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The links that lead to the folder of hash @target. */
static bool add_links(struct ownership *o, uint64_t target, unsigned level, folder_names *out,
                      struct err *err)
{
    for (size_t i = first_link(o, target); i < o->links.len && o->links.ptr[i].target == target;
         i++) {
        const struct folder_link *link = &o->links.ptr[i];
        folder_names above = {0};
        if (!add_names(o, link->folder, level - 1, &above, err))
            return false;
        for (size_t n = 0; n < above.len; n++) {
            if (out->len >= LIMIT(FOLDER_NAMES) || o->n_joined > LIMIT(JOINED_NAMES)) {
                o->is_cut = true;
                return true;
            }
            uint64_t *name = vec_push(o->arena, out);
            if (!name)
                return err_memory(err);
            *name = path_join_hash(above.ptr[n], link->name);
        }
    }
    return true;
}

/* Depth: LINK_LEVELS. */
static bool add_names(struct ownership *o, str folder, unsigned level, folder_names *out,
                      struct err *err)
{
    uint64_t real = PATH_ROOT_HASH;
    uint64_t *first = vec_push(o->arena, out);
    str name;
    if (!first)
        return err_memory(err);
    *first = real;
    if (level && !add_links(o, real, level, out, err))
        return false;
    while (folder.len && str_next(&folder, '/', &name)) {
        uint64_t hash = path_name_hash(name);
        o->n_joined += level < LINK_LEVELS;
        real = path_join_hash(real, hash);
        for (size_t i = 0; i < out->len; i++)
            out->ptr[i] = path_join_hash(out->ptr[i], hash);
        if (level && !add_links(o, real, level, out, err))
            return false;
    }
    return true;
}

bool ownership_names(struct ownership *o, str folder, folder_names *out, struct err *err)
{
    return add_names(o, folder, LINK_LEVELS, out, err);
}

const struct owner *ownership_find(const struct ownership *o, const folder_names *folder,
                                   uint64_t name)
{
    for (size_t i = 0; i < folder->len; i++) {
        size_t at = slot_of(o, path_join_hash(folder->ptr[i], name));
        if (o->hashes[at])
            return &o->owners.ptr[o->whose[at]];
    }
    return NULL;
}

/* --- packages of other managers --------------------------------------------------------------- */
bool ownership_mark(struct ownership *o, packages *all, struct err *err)
{
    for (size_t i = 0; i < all->len; i++) {
        struct package *package = &all->ptr[i];
        str path = str_skip(package->path, 1);
        folder_names names = {0};
        if (package->is_os || path.len == 0)
            continue;
        if (!ownership_names(o, path_dir(path), &names, err))
            return false;
        const struct owner *owner = ownership_find(o, &names, path_name_hash(path_base(path)));
        if (owner && package->layer <= owner->layer)
            package->owned_by = owner->package;
    }
    return true;
}
