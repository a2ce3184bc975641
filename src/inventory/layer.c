/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - one layer's stream to its inventory: which entries are kept, and how files are read. */
#include "inventory/inventory.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

/* The folders seen, as hashes: whether one of them stood in this layer is asked at the end. */
struct folder_set {
    struct seen_folder {
        uint64_t hash, order; /* order 0: free */
    } * slots;
    size_t len, cap;
};

struct layer_scan {
    struct arena *arena;
    const struct cancel *cancel;
    const struct matcher *matcher;
    struct layer_inventory out;
    struct folder_set folders;
    struct exec_scan executables;
    struct map odd_links; /* kept for where they lead: what replaces them is kept too */
    size_t n_strays, n_packages, n_raw_bytes;
    size_t n_odd, n_incomplete; /* notices that change nothing, and those that do */
    char *room, *room2;         /* LIMIT_PATH bytes each */
};

enum { LARGE_FILE = 1 << 20 }; /* of the smaller ones none can use the memory up */
enum { ODD_TOLD = 20 };        /* harmless oddities of one layer that are told one by one */

bool layer_scan_open(struct arena *arena, const struct cancel *cancel, struct layer_scan **out,
                     struct err *err)
{
    struct matcher *matcher;
    return matcher_open(arena, &matcher, err) &&
           layer_scan_open_with(arena, matcher, cancel, out, err);
}

bool layer_scan_open_with(struct arena *arena, const struct matcher *matcher,
                          const struct cancel *cancel, struct layer_scan **out, struct err *err)
{
    struct layer_scan *scan = arena_new(arena, struct layer_scan);
    if (!scan)
        return err_memory(err);
    *scan = (struct layer_scan){.arena = arena, .cancel = cancel, .matcher = matcher};
    scan->room = arena_alloc(arena, LIMIT(PATH));
    scan->room2 = arena_alloc(arena, LIMIT(PATH));
    if (!scan->room || !scan->room2)
        return err_memory(err);
    map_init(&scan->odd_links, arena);
    *out = scan;
    return true;
}

/* --- folders ---------------------------------------------------------------------------------- */
static struct seen_folder *folder_slot(const struct folder_set *set, uint64_t hash)
{
    size_t at = hash & (set->cap - 1);
    while (set->slots[at].order && set->slots[at].hash != hash)
        at = (at + 1) & (set->cap - 1);
    return &set->slots[at];
}

static bool folders_add(struct arena *arena, struct folder_set *set, str path, uint64_t order)
{
    if (set->len * 2 >= set->cap) {
        struct folder_set grown = {.cap = set->cap ? set->cap * 2 : 256, .len = set->len};
        grown.slots = arena_array(arena, struct seen_folder, grown.cap);
        if (!grown.slots)
            return false;
        for (size_t i = 0; i < set->cap; i++)
            if (set->slots[i].order)
                *folder_slot(&grown, set->slots[i].hash) = set->slots[i];
        *set = grown;
    }
    uint64_t hash = map_hash(path);
    struct seen_folder *slot = folder_slot(set, hash);
    if (!slot->order) {
        *slot = (struct seen_folder){.hash = hash, .order = order};
        set->len++;
    }
    return true;
}

static bool is_kept(const struct layer_scan *scan, str path)
{
    return matcher_is_kept(scan->matcher, path) || map_get(&scan->odd_links, path);
}

/* --- what is kept ----------------------------------------------------------------------------- */
static bool add_step(struct layer_scan *scan, enum step_kind kind, uint64_t order, str path,
                     str target, struct err *err)
{
    if (scan->out.steps.len >= LIMIT(LAYER_STEPS))
        return err_set(err, ERR_LIMIT, "more than %zu whiteouts, links and folders (layer-steps)",
                       (size_t)LIMIT(LAYER_STEPS));
    struct layer_step *step = vec_push(scan->arena, &scan->out.steps);
    if (!step)
        return err_memory(err);
    *step = (struct layer_step){.kind = kind,
                                .order = order,
                                .path = arena_dup(scan->arena, path),
                                .target = arena_dup(scan->arena, target)};
    return (step->path.ptr && step->target.ptr) || err_memory(err);
}

static bool add_notice(struct layer_scan *scan, enum notice_kind kind, bool is_incomplete, str path,
                       const char *message, struct err *err)
{
    if (is_incomplete && ++scan->n_incomplete > LIMIT(STRAY_FILES))
        return true; /* by now it is incomplete for thousands of reasons that are told */
    if (!is_incomplete && ++scan->n_odd > ODD_TOLD)
        return true; /* their number is told at the end */
    return notice_add(scan->arena, &scan->out.notices, kind, is_incomplete,
                      str_slice(path, 0, LIMIT(PATH)), str_from(message)) ||
           err_memory(err);
}

static bool fail_file(struct layer_scan *scan, struct file_record *file, const struct err *why,
                      struct err *err)
{
    file->is_failed = true;
    file->reason = arena_dup(scan->arena, str_from(why->msg));
    return file->reason.ptr || err_memory(err);
}

static int cmp_packages(const void *a, const void *b) { return package_cmp_key(a, b); }

/* The detector's work is done: what is the same for every file of every detector. */
static bool finish_file(struct layer_scan *scan, struct file_record *file, struct err *err)
{
    str path = arena_printf(scan->arena, "/%.*s", STR_ARG(file->path));
    if (!path.ptr)
        return err_memory(err);
    for (size_t i = 0; i < file->packages.len; i++)
        file->packages.ptr[i].path = path;
    vec_sort(&file->packages, cmp_packages);
    owners_seal(file);
    file->distro.layer = -1;
    if (file->distro.id.len)
        file->distro.path = path;
    if (file->packages.len < LIMIT(INVENTORY) - scan->n_packages) {
        scan->n_packages += file->packages.len;
        return true;
    }
    struct err why; /* those of the others still have a place */
    file->packages.len = 0;
    err_set(&why, ERR_LIMIT, "more than %zu packages in a layer (inventory)",
            (size_t)LIMIT(INVENTORY));
    return fail_file(scan, file, &why, err);
}

/* What may have to wait for a file of another layer is kept as it is, as long as there is room. */
static bool keep_raw(struct layer_scan *scan, struct file_record *file, str body, struct err *err)
{
    if (!file->detector->side_suffix || body.len > LIMIT(DEFERRED) - scan->n_raw_bytes)
        return true;
    file->raw = arena_dup(scan->arena, body);
    file->has_raw = true;
    scan->n_raw_bytes += body.len;
    return file->raw.ptr || err_memory(err);
}

/* What is wrong with the file stays with its record; what is wrong with the budget or the time ends
 * the layer. */
static bool parse_into(struct layer_scan *scan, struct arena *arena, struct file_record *file,
                       struct rd *in, struct err *err)
{
    struct err why = {0};
    if (file->detector->parse(arena, file->path, in, file, &why))
        return true;
    if (why.kind != ERR_MEMORY && why.kind != ERR_CANCELLED)
        return fail_file(scan, file, &why, err);
    *err = why;
    return false;
}

/* A large file has an arena of its own: where it needs more than is left, it goes with that, and
 * the other files have theirs. */
static bool parse_large(struct layer_scan *scan, struct file_record *file, struct rd *in,
                        struct err *err)
{
    struct arena own;
    struct file_record empty = *file;
    arena_init(&own, scan->arena->budget_bytes - scan->arena->used_bytes);
    bool ok = parse_into(scan, &own, file, in, err);
    if (ok || err->kind != ERR_MEMORY) {
        arena_absorb(scan->arena, &own);
        return ok;
    }
    arena_fini(&own);
    *file = empty;
    *err = (struct err){0};
    struct err why;
    err_set(&why, ERR_LIMIT, "its packages need more memory than there is (analyser-memory)");
    return fail_file(scan, file, &why, err);
}

static bool parse_body(struct layer_scan *scan, struct file_record *file, str body, struct err *err)
{
    struct rd in;
    rd_init(&in, body);
    in.cancel = scan->cancel;
    exec_see(&scan->executables, body);
    if (body.len >= LARGE_FILE ? !parse_large(scan, file, &in, err)
                               : !parse_into(scan, scan->arena, file, &in, err))
        return false;
    return keep_raw(scan, file, body, err);
}

/* Read the body and let the detector have it. */
static bool parse_file(struct layer_scan *scan, struct file_record *file, const struct entry *entry,
                       struct archive_reader *archive, struct err *err)
{
    size_t max = (size_t)limits_now()->of[file->detector->limit];
    if (entry->size_bytes > max) {
        struct err why;
        err_set(&why, ERR_LIMIT, "larger than %zu bytes", max);
        return fail_file(scan, file, &why, err);
    }
    struct arena scratch;
    arena_init(&scratch, 4 * (size_t)entry->size_bytes + MIB);
    str body;
    bool ok = archive_body(archive, &scratch, max, &body, err) && parse_body(scan, file, body, err);
    arena_fini(&scratch);
    return ok && finish_file(scan, file, err);
}

static bool on_file(struct layer_scan *scan, const struct entry *entry, str path,
                    struct archive_reader *archive, struct err *err)
{
    bool is_stray;
    uint64_t order = scan->out.n_entries;
    const struct detector *detector = matcher_find(scan->matcher, path, &is_stray);
    if (!detector)
        return !(matcher_is_folder(scan->matcher, path) || map_get(&scan->odd_links, path)) ||
               add_step(scan, STEP_OTHER, order, path, STR_NONE, err);
    if (is_stray && matcher_is_folder(scan->matcher, path)) /* a file where others have a folder */
        return add_step(scan, STEP_OTHER, order, path, STR_NONE, err);
    if (is_stray && ++scan->n_strays > LIMIT(STRAY_FILES))
        return scan->n_strays > LIMIT(STRAY_FILES) + 1 ||
               add_notice(scan, NOTICE_LIMIT, true, path,
                          "too many files with the name of a package database (stray-files); "
                          "the others were not read",
                          err);
    struct file_record *file = vec_push(scan->arena, &scan->out.files);
    if (!file)
        return err_memory(err);
    *file = (struct file_record){
        .path = arena_dup(scan->arena, path), .order = order, .detector = detector};
    if (!file->path.ptr)
        return err_memory(err);
    return parse_file(scan, file, entry, archive, err) || err_wrap(err, "%.*s", STR_ARG(path));
}

static bool on_symlink(struct layer_scan *scan, str path, str target, struct err *err)
{
    str leads_to;
    enum clean clean = path_target(path, target, scan->room2, &leads_to);
    bool is_odd = !is_kept(scan, path);
    if (is_odd && (clean == CLEAN_LONG || !matcher_is_kept(scan->matcher, leads_to)))
        return true;
    if (target.len > LIMIT(PATH))
        return add_notice(scan, NOTICE_LIMIT, true, path, "its target is longer than a path can be",
                          err);
    if (!add_step(scan, STEP_SYMLINK, scan->out.n_entries, path, target, err))
        return false;
    str kept = scan->out.steps.ptr[scan->out.steps.len - 1].path;
    return !is_odd || map_put(&scan->odd_links, kept, scan) || err_memory(err);
}

static bool on_hardlink(struct layer_scan *scan, str path, str target, struct err *err)
{
    str cleaned;
    enum clean clean = path_clean(target, scan->room2, &cleaned);
    bool is_path = clean == CLEAN_OK && cleaned.len;
    if (!exec_entry(&scan->executables, scan->arena, is_path ? EXEC_HARDLINK : EXEC_NOT, path,
                    is_path ? cleaned : STR_NONE, scan->out.n_entries, err))
        return false;
    if (!is_kept(scan, path) && (clean == CLEAN_LONG || !matcher_is_kept(scan->matcher, cleaned)))
        return true;
    if (!is_path)
        return add_notice(scan, NOTICE_UNREADABLE, true, path, "a hard link to no valid path", err);
    return add_step(scan, STEP_HARDLINK, scan->out.n_entries, path, cleaned, err);
}

/* OCI image specification, layer.md, "Whiteouts"; other names below ".wh..wh." are AUFS's own. */
static bool on_whiteout(struct layer_scan *scan, str path, struct err *err)
{
    str dir = path_dir(path);
    str name = str_skip(path_base(path), STR(".wh.").len);
    scan->executables.is_broken_off = true;
    if (str_eq(name, STR(".wh..opq")))
        return add_step(scan, STEP_OPAQUE, scan->out.n_entries, dir, STR_NONE, err);
    if (str_starts(name, STR(".wh.")))
        return true;
    if (name.len == 0 || str_eq(name, STR(".")) || str_eq(name, STR("..")))
        return add_notice(scan, NOTICE_UNREADABLE, false, path, "a whiteout of nothing", err);
    size_t len = dir.len + (dir.len != 0);
    memcpy(scan->room2, path.ptr, len);
    memcpy(scan->room2 + len, name.ptr, name.len);
    return add_step(scan, STEP_WHITEOUT, scan->out.n_entries, (str){scan->room2, len + name.len},
                    STR_NONE, err);
}

static bool on_clean_path(struct layer_scan *scan, const struct entry *entry, str path,
                          struct archive_reader *archive, struct err *err)
{
    uint64_t order = scan->out.n_entries;
    if (str_starts(path_base(path), STR(".wh.")))
        return on_whiteout(scan, path, err);
    switch (entry->type) {
    case ENTRY_FILE:
        return on_file(scan, entry, path, archive, err) &&
               (exec_file(&scan->executables, scan->arena, entry, path, order, archive, err) ||
                err_wrap(err, "%.*s", STR_ARG(path)));
    case ENTRY_DIR:
        if (!exec_folder(&scan->executables, scan->arena, path, order, err))
            return false;
        if (!folders_add(scan->arena, &scan->folders, path, order))
            return err_memory(err);
        return !is_kept(scan, path) || add_step(scan, STEP_FOLDER, order, path, STR_NONE, err);
    case ENTRY_SYMLINK:
        return exec_entry(&scan->executables, scan->arena,
                          entry->link.len > LIMIT(PATH) ? EXEC_NOT : EXEC_SYMLINK, path,
                          entry->link, order, err) &&
               on_symlink(scan, path, entry->link, err);
    case ENTRY_HARDLINK:
        return on_hardlink(scan, path, entry->link, err);
    case ENTRY_OTHER:
        break;
    }
    if (!exec_entry(&scan->executables, scan->arena, EXEC_NOT, path, STR_NONE, order, err))
        return false;
    return !is_kept(scan, path) || add_step(scan, STEP_OTHER, order, path, STR_NONE, err);
}

bool layer_scan_entry(struct layer_scan *scan, const struct entry *entry,
                      struct archive_reader *archive, struct err *err)
{
    if (++scan->out.n_entries > LIMIT(LAYER_FILES))
        return err_set(err, ERR_LIMIT, "more than %zu entries in a layer",
                       (size_t)LIMIT(LAYER_FILES));
    if ((scan->out.n_entries & 255) == 1 && cancel_is(scan->cancel, err))
        return false;
    if (__builtin_add_overflow(scan->out.size_bytes, entry->size_bytes, &scan->out.size_bytes))
        return err_set(err, ERR_LIMIT, "bodies of more than 2^64 bytes");
    str path;
    switch (path_clean(entry->path, scan->room, &path)) {
    case CLEAN_OK:
        break;
    case CLEAN_LONG:
        return add_notice(scan, NOTICE_LIMIT, true, entry->path, "longer than a path can be", err);
    case CLEAN_CLIMBS:
        /* Extractors differ in what they make of it.  Where it might be a database it counts. */
        return add_notice(scan, NOTICE_UNREADABLE,
                          path.len && (matcher_is_kept(scan->matcher, path) ||
                                       str_starts(path_base(path), STR(".wh."))),
                          entry->path, "a path with \"..\" in it is not followed", err);
    }
    if (path.len == 0)
        return true; /* the root itself */
    return on_clean_path(scan, entry, path, archive, err);
}

/* --- the end ---------------------------------------------------------------------------------- */
/* A folder of this layer above something kept replaces a link of a lower one, so that what is kept
 * stays where it is. */
static bool add_folders_above(struct layer_scan *scan, struct map *done, str path, struct err *err)
{
    for (str dir = path_dir(path); dir.len; dir = path_dir(dir)) {
        void **slot = map_at(done, dir);
        if (!slot)
            return err_memory(err);
        if (*slot)
            return true; /* and so are those above */
        *slot = scan;
        if (!scan->folders.len || is_kept(scan, dir))
            continue;
        struct seen_folder *seen = folder_slot(&scan->folders, map_hash(dir));
        if (seen->order && !add_step(scan, STEP_FOLDER, seen->order, dir, STR_NONE, err))
            return false;
    }
    return true;
}

static int cmp_steps(const void *a, const void *b)
{
    const struct layer_step *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static int cmp_files(const void *a, const void *b)
{
    const struct file_record *x = a, *y = b;
    int c = str_cmp(x->path, y->path);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool tell_number(struct layer_scan *scan, struct err *err)
{
    if (scan->n_odd <= ODD_TOLD)
        return true;
    str text = arena_printf(scan->arena, "and %zu more odd paths", scan->n_odd - ODD_TOLD);
    return (text.ptr && notice_add(scan->arena, &scan->out.notices, NOTICE_UNREADABLE, false,
                                   STR_NONE, text)) ||
           err_memory(err);
}

bool layer_scan_close(struct layer_scan *scan, struct layer_inventory *out, struct err *err)
{
    if (cancel_is(scan->cancel, err) || !tell_number(scan, err))
        return false;
    struct map done;
    map_init(&done, scan->arena);
    for (size_t i = 0; i < scan->out.files.len; i++)
        if (!add_folders_above(scan, &done, scan->out.files.ptr[i].path, err))
            return false;
    size_t n_steps = scan->out.steps.len;
    for (size_t i = 0; i < n_steps; i++)
        if (!add_folders_above(scan, &done, scan->out.steps.ptr[i].path, err))
            return false;
    vec_sort(&scan->out.steps, cmp_steps);
    vec_sort(&scan->out.files, cmp_files);
    scan->out.executables = scan->executables.log;
    *out = scan->out;
    return true;
}
