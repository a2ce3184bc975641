/* SPDX-License-Identifier: Apache-2.0 */
/* coverage.c - the layers' logs of executables to those of the flattened root, and which of them
 * belong to packages.
 *
 * The rules are tree.c's; the paths are hashes here, but for folders, because names of files that
 * are no executables were kept as such.  Nodes exist for executables, links, and folders above
 * them; where there is none, a path goes on by its letters. */
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum node_kind { NODE_FOLDER, NODE_FILE, NODE_LINK }; /* nothing is an empty folder */
struct exec_of_image {
    struct unowned_file file; /* path: of its smallest name, once asked for */
    bool is_owned, is_counted;
};
struct node {
    uint64_t key;
    struct node *parent, *first, *next, *prev; /* in the folder: files, links, and folders */
    enum node_kind kind;
    bool is_linked; /* into its folder, and so that is; what is not is gone */
    int layer;
    int cleared_layer;   /* in which its lower content was taken away */
    str target;          /* of a link */
    str folder;          /* of a file or link: real path */
    uint64_t name_hash;  /* its name there */
    str name;            /* of a file */
    folder_names *names; /* of a folder with files, once asked for */
    struct exec_of_image *file;
};
enum { DEPTH_MAX = 4096 / 2 + 2 }; /* names of a path of LIMIT_PATH bytes */
struct place {                     /* a folder's real path */
    char *text;
    size_t len, depth;
    uint64_t *keys; /* of the root and each folder below */
    str kept;       /* copy in the arena, once needed */
};
struct measure {
    struct arena *arena;
    struct node **slots; /* by key; cap is a power of two */
    size_t len, cap;
    struct node *root;
    struct place run, other;
    char *rooms[2];
    int layer;
    uint64_t n_walked; /* names of paths so far; more than walked-names: it is not measured */
};

/* --- nodes ------------------------------------------------------------------------------------ */
/* By the process's own hash: whoever chooses names could choose keys that lie side by side. */
static size_t slot_of(const struct measure *m, uint64_t key)
{
    size_t at = map_hash(str_of((const char *)&key, sizeof(key))) & (m->cap - 1);
    while (m->slots[at] && m->slots[at]->key != key)
        at = (at + 1) & (m->cap - 1);
    return at;
}

static struct node *node_get(const struct measure *m, uint64_t key)
{
    return m->slots[slot_of(m, key)];
}

static bool grow(struct measure *m)
{
    struct measure larger = {.cap = m->cap ? m->cap * 2 : 64};
    larger.slots = (struct node **)arena_alloc_array(m->arena, larger.cap, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i])
            larger.slots[slot_of(&larger, m->slots[i]->key)] = m->slots[i];
    m->slots = larger.slots;
    m->cap = larger.cap;
    return true;
}

static void link_node(struct node *node, struct node *parent, int layer)
{
    node->parent = parent;
    node->next = parent->first;
    node->prev = NULL;
    if (parent->first)
        parent->first->prev = node;
    parent->first = node;
    node->is_linked = true;
    node->cleared_layer = layer; /* there is nothing lower in it */
}

static void unlink_node(struct node *node)
{
    *(node->prev ? &node->prev->next : &node->parent->first) = node->next;
    if (node->next)
        node->next->prev = node->prev;
    node->prev = node->next = NULL;
    node->is_linked = false;
}

/* @parent is linked. */
static struct node *node_make(struct measure *m, struct node *parent, uint64_t key, struct err *err)
{
    struct node *node = node_get(m, key);
    if (!node && (m->len * 2 < m->cap || grow(m)) && (node = arena_new(m->arena, struct node))) {
        *node = (struct node){.key = key, .layer = m->layer, .cleared_layer = -1};
        m->slots[slot_of(m, key)] = node;
        m->len++;
    }
    if (!node)
        err_memory(err);
    else if (parent && !node->is_linked)
        link_node(node, parent, m->layer);
    return node;
}

/* It becomes an empty folder.  Depth: a path has at most LIMIT_PATH / 2 names.  What is taken out
 * is not looked at again, however often the folder is emptied. */
static void node_clear(struct node *node)
{
    while (node->first) {
        node_clear(node->first);
        unlink_node(node->first);
    }
    node->kind = NODE_FOLDER;
    node->file = NULL;
}

/* What lower layers put below it is gone. */
static void clear_below(struct node *node, int layer);

static void clear_lower(struct node *node, int layer)
{
    clear_below(node, layer);
    if (node->layer < layer && node->kind != NODE_FOLDER)
        node_clear(node);
}

static void clear_below(struct node *node, int layer)
{
    if (node->cleared_layer == layer)
        return; /* nothing lower has come since */
    node->cleared_layer = layer;
    for (struct node *child = node->first, *next; child; child = next) {
        next = child->next;
        clear_lower(child, layer);
        if (child->kind == NODE_FOLDER && !child->first)
            unlink_node(child);
    }
}

/* --- folders ---------------------------------------------------------------------------------- */
static bool place_init(struct measure *m, struct place *place)
{
    place->text = arena_alloc(m->arena, LIMIT(PATH));
    place->keys = arena_array(m->arena, uint64_t, DEPTH_MAX);
    return place->text && place->keys;
}

static uint64_t key_of(const struct place *place) { return place->keys[place->depth]; }

static void place_up(struct place *place)
{
    str up = path_dir((str){place->text, place->len});
    place->len = up.len;
    place->depth -= place->depth != 0;
}

static bool place_down(struct place *place, str name, uint64_t key)
{
    size_t slash = place->len != 0;
    if (place->len + slash + name.len > LIMIT(PATH) || place->depth + 1 >= DEPTH_MAX)
        return false;
    if (slash)
        place->text[place->len] = '/';
    memcpy(place->text + place->len + slash, name.ptr, name.len);
    place->len += slash + name.len;
    place->keys[++place->depth] = key;
    return true;
}

/* The link's target before the names that are still to go. */
static bool expand(struct measure *m, unsigned *room, str target, str *rest)
{
    char *to = m->rooms[ *room ^= 1];
    if (target.len + 1 + rest->len > LIMIT(PATH))
        return false;
    if (target.len)
        memcpy(to, target.ptr, target.len);
    to[target.len] = '/';
    if (rest->len)
        memcpy(to + target.len + 1, rest->ptr, rest->len);
    *rest = (str){to, target.len + 1 + rest->len};
    return true;
}

/* Another name of a path; false: there were enough. */
static bool take_name(struct measure *m)
{
    m->n_walked++;
    return m->n_walked <= LIMIT(WALKED_NAMES);
}

/* @place becomes the folder @path, through links.  With @is_made, what stands in the way gives way.
 * False: no way (too many links, too long, a file). */
static bool walk(struct measure *m, struct place *place, str path, bool is_made)
{
    unsigned room = 0, hops = 0;
    str rest = path, name;
    place->len = place->depth = 0;
    place->keys[0] = PATH_ROOT_HASH;
    place->kept = STR_NONE;
    while (str_next(&rest, '/', &name)) {
        if (!take_name(m))
            return false;
        if (name.len == 0 || str_eq(name, STR(".")))
            continue;
        if (str_eq(name, STR(".."))) {
            place_up(place);
            continue;
        }
        uint64_t key = path_join_hash(key_of(place), path_name_hash(name));
        struct node *node = node_get(m, key);
        if (node && node->kind == NODE_LINK) {
            if (++hops > LIMIT(SYMLINK_HOPS) || !expand(m, &room, node->target, &rest))
                return false;
            if (str_starts(node->target, STR("/")))
                place->len = place->depth = 0;
            continue;
        }
        if (node && node->kind == NODE_FILE && !is_made)
            return false;
        if (node && node->kind == NODE_FILE)
            node_clear(node);
        if (!place_down(place, name, key))
            return false;
    }
    return true;
}

/* The node of the name in the folder, with the folders above. */
static struct node *put(struct measure *m, const struct place *place, uint64_t name,
                        struct err *err)
{
    struct node *node = NULL;
    size_t depth = place->depth;
    for (; depth && !((node = node_get(m, place->keys[depth])) && node->is_linked); depth--)
        continue;
    if (depth == 0)
        node = m->root;
    while (node && depth++ < place->depth)
        node = node_make(m, node, place->keys[depth], err);
    return node ? node_make(m, node, path_join_hash(key_of(place), name), err) : NULL;
}

/* --- repeating a layer ------------------------------------------------------------------------ */
static struct exec_of_image *new_file(struct measure *m, uint64_t size_bytes)
{
    struct exec_of_image *file = arena_new(m->arena, struct exec_of_image);
    if (file)
        file->file = (struct unowned_file){.size_bytes = size_bytes, .layer = m->layer};
    return file;
}

static const struct node *hardlink_target(struct measure *m, str target)
{
    if (!walk(m, &m->other, path_dir(target), false))
        return NULL;
    return node_get(m, path_join_hash(key_of(&m->other), path_name_hash(path_base(target))));
}

/* The entry's node as it will be; a folder: it is no executable. */
static bool read_entry(struct measure *m, const struct exec_log *log,
                       const struct exec_entry *entry, struct node *out, struct err *err)
{
    *out = (struct node){.kind = NODE_FOLDER};
    if (entry->kind == EXEC_NOT)
        return true;
    const struct exec_detail *detail = &log->details.ptr[entry->detail];
    if (entry->kind == EXEC_SYMLINK) {
        *out = (struct node){.kind = NODE_LINK, .target = detail->target};
        return true;
    }
    if (entry->kind == EXEC_FILE) {
        *out = (struct node){.kind = NODE_FILE, .file = new_file(m, detail->size_bytes)};
        return out->file || err_memory(err);
    }
    const struct node *target = hardlink_target(m, detail->target);
    if (target && target->kind != NODE_FOLDER)
        *out = (struct node){.key = target->key,
                             .kind = target->kind,
                             .target = target->target,
                             .file = target->file};
    return true;
}

static bool apply_entry(struct measure *m, const struct exec_log *log,
                        const struct exec_entry *entry, struct err *err)
{
    struct node now;
    if (!read_entry(m, log, entry, &now, err))
        return false;
    struct node *node = node_get(m, path_join_hash(key_of(&m->run), entry->name));
    if (entry->kind == EXEC_HARDLINK && node && node->key == now.key)
        return true; /* to itself */
    if (now.kind == NODE_FOLDER) {
        if (node)
            node_clear(node);
        return true;
    }
    node = put(m, &m->run, entry->name, err);
    if (!node)
        return false;
    node_clear(node);
    if (!m->run.kept.ptr)
        m->run.kept = arena_dup(m->arena, (str){m->run.text, m->run.len});
    if (!m->run.kept.ptr)
        return err_memory(err);
    node->kind = now.kind;
    node->layer = m->layer;
    node->target = now.target;
    node->file = now.file;
    node->folder = m->run.kept;
    node->name_hash = entry->name;
    node->name = now.kind == NODE_FILE ? log->details.ptr[entry->detail].name : STR_NONE;
    return true;
}

/* The run's folder; false: there is no way to it. */
static bool enter(struct measure *m, const struct exec_run *run)
{
    if (!run->is_entry)
        return walk(m, &m->run, run->folder, true);
    if (!walk(m, &m->run, path_dir(run->folder), true))
        return false;
    str name = path_base(run->folder);
    uint64_t key = path_join_hash(key_of(&m->run), path_name_hash(name));
    struct node *node = node_get(m, key);
    if (node && node->kind != NODE_FOLDER)
        node_clear(node); /* a folder replaces what is none */
    return place_down(&m->run, name, key);
}

static void apply_whiteout(struct measure *m, const struct layer_step *step)
{
    bool is_opaque = step->kind == STEP_OPAQUE;
    if (step->kind != STEP_WHITEOUT && !is_opaque)
        return;
    if (!walk(m, &m->other, is_opaque ? step->path : path_dir(step->path), false))
        return;
    uint64_t key = key_of(&m->other);
    if (!is_opaque)
        key = path_join_hash(key, path_name_hash(path_base(step->path)));
    struct node *node = node_get(m, key);
    if (is_opaque && node)
        clear_below(node, m->layer);
    if (!is_opaque && node)
        clear_lower(node, m->layer);
}

static bool apply_layer(struct measure *m, const struct layer_inventory *layer, struct err *err)
{
    const struct exec_log *log = &layer->executables;
    size_t step = 0, at = 0;
    for (size_t r = 0; r < log->runs.len; r++) {
        const struct exec_run *run = &log->runs.ptr[r];
        for (; step < layer->steps.len && layer->steps.ptr[step].order < run->order; step++)
            apply_whiteout(m, &layer->steps.ptr[step]);
        bool is_there = enter(m, run);
        for (size_t i = 0; i < run->n_entries; i++, at++)
            if (is_there && !apply_entry(m, log, &log->entries.ptr[at], err))
                return false;
    }
    for (; step < layer->steps.len; step++)
        apply_whiteout(m, &layer->steps.ptr[step]);
    return true;
}

/* --- who owns what ---------------------------------------------------------------------------- */
/* The links of the image, and where they lead: also those to files, below which nothing is. */
static bool find_links(struct measure *m, struct ownership *out, struct err *err)
{
    for (size_t i = 0; i < m->cap; i++) {
        const struct node *node = m->slots[i];
        if (!node || node->kind != NODE_LINK)
            continue;
        bool is_absolute = str_starts(node->target, STR("/"));
        str path =
            arena_printf(m->arena, STR_FMT "/" STR_FMT,
                         STR_ARG(is_absolute ? STR_NONE : node->folder), STR_ARG(node->target));
        if (!path.ptr)
            return err_memory(err);
        if (!walk(m, &m->other, path, false))
            continue; /* nowhere, or to a file */
        struct folder_link *link = vec_push(m->arena, &out->links);
        if (!link)
            return err_memory(err);
        *link = (struct folder_link){key_of(&m->other), node->folder, node->name_hash};
    }
    return true;
}

static bool own_files(struct measure *m, struct ownership *ownership, struct err *err)
{
    for (size_t i = 0; i < m->cap; i++) {
        const struct node *node = m->slots[i];
        if (!node || node->kind != NODE_FILE)
            continue;
        struct node *folder = node->parent;
        if (!folder->names) {
            folder->names = arena_new(m->arena, folder_names);
            if (!folder->names)
                return err_memory(err);
            if (!ownership_names(ownership, node->folder, folder->names, err))
                return false;
        }
        if (ownership_find(ownership, folder->names, node->name_hash))
            node->file->is_owned = true;
    }
    return true;
}

/* --- the sum ---------------------------------------------------------------------------------- */
static uint64_t add_bytes(uint64_t a, uint64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b; /* both are at most that; JSON has no more */
}

static int cmp_unowned(const void *a, const void *b)
{
    const struct unowned_file *x = a, *y = b;
    int c = (x->size_bytes < y->size_bytes) - (x->size_bytes > y->size_bytes);
    return c ? c : str_cmp(x->path, y->path);
}

/* Each name of an unowned file: the smallest is its path. */
static bool name_file(struct measure *m, const struct node *node, struct err *err)
{
    struct unowned_file *file = &node->file->file;
    size_t len = 1 + node->folder.len + (node->folder.len != 0) + node->name.len;
    char *text = arena_alloc(m->arena, len + 1);
    if (!text)
        return err_memory(err);
    text[0] = '/';
    if (node->folder.len) {
        memcpy(text + 1, node->folder.ptr, node->folder.len);
        text[1 + node->folder.len] = '/';
    }
    memcpy(text + len - node->name.len, node->name.ptr, node->name.len);
    if (!file->path.ptr || str_cmp((str){text, len}, file->path) < 0)
        file->path = (str){text, len};
    return true;
}

static bool count(struct measure *m, struct coverage *out, struct err *err)
{
    for (size_t i = 0; i < m->cap; i++) {
        const struct node *node = m->slots[i];
        if (!node || node->kind != NODE_FILE)
            continue;
        if (!node->file->is_owned && !name_file(m, node, err))
            return false;
        if (node->file->is_counted)
            continue;
        node->file->is_counted = true;
        uint64_t size = node->file->file.size_bytes;
        out->executable_bytes = add_bytes(out->executable_bytes, size);
        if (node->file->is_owned)
            out->known_bytes = add_bytes(out->known_bytes, size);
    }
    for (size_t i = 0; i < m->cap; i++) {
        const struct node *node = m->slots[i];
        if (!node || node->kind != NODE_FILE || node->file->is_owned || !node->file->is_counted)
            continue;
        node->file->is_counted = false; /* once */
        struct unowned_file *file = vec_push(m->arena, &out->unowned);
        if (!file)
            return err_memory(err);
        *file = node->file->file;
    }
    vec_sort(&out->unowned, cmp_unowned);
    out->n_unowned = out->unowned.len;
    out->unowned.len = num_min(out->unowned.len, LIMIT(UNOWNED_FILES));
    return true;
}

static bool tell(struct measure *m, const struct ownership *ownership,
                 struct image_inventory *inventory, struct err *err)
{
    const struct coverage *coverage = &inventory->coverage;
    if (coverage->n_unowned > coverage->unowned.len) {
        str text = arena_printf(m->arena, "%zu more executable files of no package (unowned-files)",
                                coverage->n_unowned - coverage->unowned.len);
        if (!text.ptr ||
            !notice_add(m->arena, &inventory->notices, NOTICE_LIMIT, false, STR_NONE, text))
            return err_memory(err);
    }
    return !ownership->is_cut ||
           notice_add(m->arena, &inventory->notices, NOTICE_LIMIT, false, STR_NONE,
                      STR("more links to folders than are followed (folder-names, joined-names): "
                          "files there "
                          "may be of packages that list them by another path")) ||
           err_memory(err);
}

static bool measure_init(struct measure *m, struct err *err)
{
    m->rooms[0] = arena_alloc(m->arena, LIMIT(PATH));
    m->rooms[1] = arena_alloc(m->arena, LIMIT(PATH));
    return (grow(m) && m->rooms[0] && m->rooms[1] && place_init(m, &m->run) &&
            place_init(m, &m->other) && (m->root = node_make(m, NULL, PATH_ROOT_HASH, err))) ||
           err_memory(err);
}

static bool apply_layers(struct measure *m, const struct layer_inventory *const *layers, size_t n,
                         bool *is_measured, struct err *err)
{
    *is_measured = false;
    for (size_t i = 0; i < n; i++)
        if (layers[i]->executables.is_cut)
            return true;
    for (size_t i = 0; i < n; i++) {
        m->layer = (int)i;
        if (!apply_layer(m, layers[i], err))
            return false;
        if (m->n_walked > LIMIT(WALKED_NAMES))
            return true;
    }
    *is_measured = true;
    return true;
}

bool coverage_measure(struct arena *arena, const struct layer_inventory *const *layers, size_t n,
                      const owner_files *owners, struct image_inventory *inventory, struct err *err)
{
    struct measure m = {.arena = arena};
    struct ownership ownership = {0};
    struct coverage *out = &inventory->coverage;
    if (!measure_init(&m, err) || !apply_layers(&m, layers, n, &out->is_measured, err))
        return false;
    if (out->is_measured && !find_links(&m, &ownership, err))
        return false;
    if (!ownership_make(arena, owners, &inventory->packages, &ownership, err) ||
        !ownership_mark(&ownership, &inventory->packages, err))
        return false;
    if (out->is_measured && (!own_files(&m, &ownership, err) || !count(&m, out, err)))
        return false;
    return tell(&m, &ownership, inventory, err);
}
