/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - for tests: the merge of a stack against the scan of its flattened root, and each
 * package's layer against the file system after each layer. */
#pragma once

#include "stack.h"

#include "inventory/internal.h"

enum stack_result { STACK_EQUAL, STACK_INCOMPLETE, STACK_DIFFERS };

/* Made once, used for any number of stacks. */
struct stack_work {
    struct arena arena, long_arena;
    struct matcher *matcher; /* in the long one */
    struct sb body, tar, bytes;
    struct fs after[STACK_LAYERS]; /* the file system after each layer */
    struct layer_inventory layers[STACK_LAYERS], flat;
    struct image_inventory merged, whole;
    char *why;
    size_t why_size;
};

static inline bool stack_says(struct stack_work *work, const char *what, str detail)
{
    snprintf(work->why, work->why_size, "%s: %.*s", what, STR_ARG(detail));
    return false;
}

static inline struct stack_work *stack_work_new(void)
{
    struct stack_work *work = calloc(1, sizeof(*work));
    if (!work)
        abort();
    arena_init(&work->arena, 64u << 20);
    arena_init(&work->long_arena, 1u << 20);
    struct err err;
    if (!matcher_open(&work->long_arena, &work->matcher, &err))
        abort();
    sb_init(&work->body, 1u << 16);
    sb_init(&work->tar, 4u << 20);
    sb_init(&work->bytes, 1u << 24);
    return work;
}

static inline void stack_work_free(struct stack_work *work)
{
    arena_fini(&work->arena);
    arena_fini(&work->long_arena);
    sb_fini(&work->body);
    sb_fini(&work->tar);
    sb_fini(&work->bytes);
    free(work);
}

/* The next @n entries as a layer, and through its bytes, as layers travel. */
static inline bool scan_some(struct stack_work *work, struct archive_reader *archive, int n,
                             struct layer_inventory *out, struct err *err)
{
    struct layer_inventory scanned;
    struct layer_scan *scan;
    struct entry entry;
    if (!layer_scan_open_with(&work->arena, work->matcher, NULL, &scan, err))
        return false;
    for (int i = 0; i < n; i++)
        if (archive_next(archive, &entry, err) != NEXT_ITEM ||
            !layer_scan_entry(scan, &entry, archive, err))
            return false;
    sb_clear(&work->bytes);
    return layer_scan_close(scan, &scanned, err) &&
           layer_inventory_encode(&scanned, &work->bytes, err) &&
           layer_inventory_decode(&work->arena, arena_dup(&work->arena, sb_str(&work->bytes)), out,
                                  err);
}

static inline bool scan_all(struct stack_work *work, const struct stack *stack, int n_flat,
                            struct err *err)
{
    struct source_mem state;
    struct archive_reader *archive;
    if (!archive_open(&archive, ARCHIVE_TAR, source_from_mem(&state, sb_str(&work->tar)), err))
        return false;
    bool ok = true;
    for (int l = 0; ok && l < stack->n_layers; l++)
        ok = scan_some(work, archive, stack->n_ops[l], &work->layers[l], err);
    ok = ok && scan_some(work, archive, n_flat, &work->flat, err);
    archive_close(archive);
    return ok;
}

/* All layers and the flattened root are one archive: opening one costs more than reading it. */
static inline bool stack_run(struct stack_work *work, const struct stack *stack, struct err *err)
{
    const struct layer_inventory *pointers[STACK_LAYERS], *flat = &work->flat;
    sb_clear(&work->tar);
    for (int l = 0; l < stack->n_layers; l++) {
        fs_copy(&work->after[l], l ? &work->after[l - 1] : NULL);
        for (int i = 0; i < stack->n_ops[l]; i++) {
            fs_apply(&work->after[l], &stack->ops[l][i], l);
            op_to_tar(&stack->ops[l][i], &work->body, &work->tar);
        }
        pointers[l] = &work->layers[l];
    }
    int n_flat = fs_to_tar(&work->after[stack->n_layers - 1], &work->body, &work->tar);
    tar_end(&work->tar);
    return scan_all(work, stack, n_flat, err) &&
           image_inventory_merge_with(&work->arena, &combiner_here, work->matcher, pointers,
                                      (size_t)stack->n_layers, &work->merged, err) &&
           image_inventory_merge_with(&work->arena, &combiner_here, work->matcher, &flat, 1,
                                      &work->whole, err);
}

static inline bool has_package(const packages *in, const struct package *package)
{
    for (size_t i = 0; i < in->len; i++) {
        const struct package *other = &in->ptr[i];
        if (str_eq(other->name, package->name) && str_eq(other->version, package->version) &&
            str_eq(other->arch, package->arch) && str_eq(other->type, package->type) &&
            str_eq(other->source_name, package->source_name))
            return true;
    }
    return false;
}

static inline bool same_packages(struct stack_work *work)
{
    const packages *merged = &work->merged.packages, *whole = &work->whole.packages;
    for (size_t i = 0; i < whole->len; i++)
        if (!has_package(merged, &whole->ptr[i]))
            return stack_says(work, "the merge lacks", whole->ptr[i].name);
    for (size_t i = 0; i < merged->len; i++)
        if (!has_package(whole, &merged->ptr[i]))
            return stack_says(work, "only the merge has", merged->ptr[i].path);
    const struct distro *a = &work->merged.distro, *b = &work->whole.distro;
    if (!str_eq(a->id, b->id) || !str_eq(a->version_id, b->version_id))
        return stack_says(work, "the merge's distribution is", a->id);
    return true;
}

/* The body of the database at the real path, and of its -wal where it has one; -1: none. */
static inline int body_at(struct fs *fs, const char *path)
{
    char side[FS_PATH];
    struct fs_node *node = fs_get(fs, path);
    if (!node || node->kind != OP_FILE || node->body < 0)
        return -1;
    if (body_kind(node->body) != BODY_SQLITE)
        return node->body;
    print_into(side, sizeof(side), "%s-wal", path);
    const struct fs_node *wal = fs_get(fs, side);
    return wal && wal->kind == OP_FILE && wal->body >= 0 ? wal->body : node->body;
}

static inline int package_number(const struct package *package)
{
    return package->name.ptr[package->name.len - 1] - '0';
}

/* Links between odd places: either may not know, when it says so. */
static inline bool is_told(const struct stack_work *work)
{
    return !work->merged.is_complete || !work->whole.is_complete;
}

/* Both have read the same databases. */
static inline bool same_paths(const struct stack_work *work)
{
    const packages *a = &work->merged.packages, *b = &work->whole.packages;
    for (size_t i = 0; i < a->len && a->len == b->len; i++)
        if (!str_eq(a->ptr[i].path, b->ptr[i].path))
            return false;
    return a->len == b->len;
}

/* Version of the "pkgN" in its file, as the plain file system has it; 0: not there. */
static inline int version_in(struct fs *fs, const struct package *package)
{
    char plain[FS_PATH];
    print_into(plain, sizeof(plain), "%.*s", STR_ARG(str_skip(package->path, 1)));
    int body = body_at(fs, plain);
    if (body < 0 || !str_eq(package->type, str_from(body_types[body_kind(body)])))
        return 0;
    return body_version(body, package_number(package));
}

static inline bool same_layers(struct stack_work *work, const struct stack *stack)
{
    for (size_t i = 0; i < work->merged.packages.len; i++) {
        const struct package *package = &work->merged.packages.ptr[i];
        int version = package->version.ptr[0] - '0';
        int lowest = stack->n_layers;
        while (lowest > 0 && version_in(&work->after[lowest - 1], package) == version)
            lowest--;
        if (lowest != package->layer) {
            snprintf(work->why, work->why_size, "wrong layer of %.*s %.*s in %.*s: %d, not %d",
                     STR_ARG(package->name), STR_ARG(package->version), STR_ARG(package->path),
                     package->layer, lowest);
            return false;
        }
    }
    return true;
}

/* Executable bytes of the plain file system, each file once. */
static inline uint64_t executable_bytes(const struct fs *fs)
{
    uint64_t sum = 0;
    for (int i = 0; i < fs->n; i++) {
        bool is_new = fs->nodes[i].kind == OP_EXEC;
        for (int j = 0; j < i; j++)
            is_new =
                is_new && !(fs->nodes[j].kind == OP_EXEC && fs->nodes[j].file == fs->nodes[i].file);
        sum += is_new ? (uint64_t)fs->nodes[i].body : 0;
    }
    return sum;
}

/* --- who owns what, by following the paths of all lists as one would on a disk -------------------
 */
struct owned_model {
    struct fs *fs;
    const packages *installed;
    bool is_owned[FS_NODES * STACK_LAYERS];
};

static inline void model_own(struct owned_model *model, const char *path)
{
    char real[FS_PATH];
    if (!fs_place(model->fs, path, false, 0, real))
        return;
    const struct fs_node *node = fs_get(model->fs, real);
    if (node && node->kind == OP_EXEC)
        model->is_owned[node->file] = true;
}

static inline bool model_has(const struct owned_model *model, const char *type, const char *name)
{
    for (size_t i = 0; i < model->installed->len; i++) {
        const struct package *package = &model->installed->ptr[i];
        if (str_eq(package->type, str_from(type)) && str_eq(package->name, str_from(name)))
            return true;
    }
    return false;
}

/* The list at @form in @folder, "%s" being the package with or without its version. */
static inline void model_list(struct owned_model *model, const char *folder, const char *form,
                              int package, int version)
{
    struct op op = {0};
    char real[FS_PATH];
    fill_name(&op, folder, form, package, version);
    if (!fs_place(model->fs, op.path, false, 0, real))
        return;
    const struct fs_node *node = fs_get(model->fs, real);
    for (size_t i = 0; node && node->kind == OP_LIST && i < N_EXEC_PATHS; i++)
        if (list_has(node->body, i))
            model_own(model, exec_paths[i]);
}

static inline void model_lists(struct owned_model *model)
{
    static const struct {
        const char *folder, *form, *type, *prefix;
    } lists[] = {
        {"var/lib/dpkg/info", "%s.list", "deb", ""},
        {"var/lib/dpkg/info", "%s.md5sums", "deb", ""},
        {"usr/lib/opkg/info", "%s.list", "opkg", ""},
        {"var/lib/opkg/info", "%s.list", "opkg", ""},
        {"var/opkg/info", "%s.list", "opkg", ""},
        {"var/lib/pacman/local", "%s-1/files", "alpm", ""},
        {"var/db/pkg/app", "%s/CONTENTS", "ebuild", "app/"},
    };
    for (size_t l = 0; l < sizeof(lists) / sizeof(*lists); l++)
        for (int package = 0; package < N_PACKAGES; package++) {
            char name[20];
            print_into(name, sizeof(name), "%spkg%d", lists[l].prefix, package);
            for (int version = 1; version < 3; version++)
                if (model_has(model, lists[l].type, name))
                    model_list(model, lists[l].folder, lists[l].form, package, version);
        }
}

static inline void model_databases(struct owned_model *model)
{
    for (size_t i = 0; i < model->installed->len; i++) {
        char plain[FS_PATH];
        int files[2], ghost;
        const struct package *package = &model->installed->ptr[i];
        print_into(plain, sizeof(plain), "%.*s", STR_ARG(str_skip(package->path, 1)));
        int body = body_at(model->fs, plain);
        if (!body_has_files(body))
            continue;
        body_files(body, package_number(package), files, &ghost);
        model_own(model, exec_paths[files[0]]);
        model_own(model, exec_paths[files[1]]);
    }
}

static inline uint64_t model_known_bytes(struct fs *fs, const packages *installed)
{
    uint64_t sum = 0;
    struct owned_model *model = calloc(1, sizeof(*model));
    *model = (struct owned_model){.fs = fs, .installed = installed};
    model_lists(model);
    model_databases(model);
    for (int i = 0; i < fs->n; i++)
        if (fs->nodes[i].kind == OP_EXEC && model->is_owned[fs->nodes[i].file]) {
            sum += (uint64_t)fs->nodes[i].body;
            model->is_owned[fs->nodes[i].file] = false; /* once */
        }
    free(model);
    return sum;
}

static inline bool same_coverage(struct stack_work *work, const struct stack *stack)
{
    const struct coverage *a = &work->merged.coverage, *b = &work->whole.coverage;
    struct fs *fs = &work->after[stack->n_layers - 1];
    if (!a->is_measured || !b->is_measured || a->executable_bytes != executable_bytes(fs))
        return stack_says(work, "wrong executable bytes", STR_NONE);
    if (a->executable_bytes != b->executable_bytes || a->known_bytes != b->known_bytes ||
        a->n_unowned != b->n_unowned) {
        snprintf(work->why, work->why_size, "another coverage: %zu of %zu, not %zu of %zu",
                 (size_t)a->known_bytes, (size_t)a->executable_bytes, (size_t)b->known_bytes,
                 (size_t)b->executable_bytes);
        return false;
    }
    if (a->known_bytes != model_known_bytes(fs, &work->merged.packages))
        return stack_says(work, "other files are owned", STR_NONE);
    uint64_t unowned = 0;
    for (size_t i = 0; i < a->unowned.len; i++) {
        const struct unowned_file *file = &a->unowned.ptr[i];
        char plain[FS_PATH];
        print_into(plain, sizeof(plain), "%.*s", STR_ARG(str_skip(file->path, 1)));
        const struct fs_node *node = fs_get(fs, plain);
        if (!node || node->kind != OP_EXEC || (uint64_t)node->body != file->size_bytes ||
            node->born != file->layer || !str_eq(file->path, b->unowned.ptr[i].path))
            return stack_says(work, "wrong unowned file", file->path);
        unowned += file->size_bytes;
    }
    return a->known_bytes + unowned == a->executable_bytes ||
           stack_says(work, "the sum is wrong", STR_NONE);
}

/* What the stacks had to compare. */
struct stack_tally {
    size_t n_packages, n_executables, n_known;
    size_t n_of[BODY_KINDS]; /* packages by the kind of their database */
};

static inline void count_stack(struct stack_work *work, const struct stack *stack,
                               struct stack_tally *tally)
{
    const packages *all = &work->merged.packages;
    tally->n_packages += all->len;
    tally->n_executables += work->merged.coverage.executable_bytes != 0;
    tally->n_known += work->merged.coverage.known_bytes != 0;
    for (size_t i = 0; i < all->len; i++) {
        char plain[FS_PATH];
        print_into(plain, sizeof(plain), "%.*s", STR_ARG(str_skip(all->ptr[i].path, 1)));
        int body = body_at(&work->after[stack->n_layers - 1], plain);
        if (body >= 0)
            tally->n_of[body_kind(body)]++;
    }
}

/* The merge says that it cannot know where a link leads that a later layer may have replaced. */
static inline bool is_uncertain(const struct stack_work *work)
{
    for (size_t i = 0; i < work->merged.notices.len; i++)
        if (str_has(work->merged.notices.ptr[i].message, STR("a link at an odd place")))
            return true;
    return false;
}

static inline enum stack_result stack_compare(struct stack_work *work, const struct stack *stack)
{
    struct err err = {0};
    if (!stack_run(work, stack, &err)) {
        stack_says(work, "error", str_from(err.msg));
        return STACK_DIFFERS;
    }
    /* links between odd places: either may not know, when it says so */
    if (!same_packages(work))
        return is_told(work) ? STACK_INCOMPLETE : STACK_DIFFERS;
    if (!same_coverage(work, stack))
        return is_told(work) && !same_paths(work) ? STACK_INCOMPLETE : STACK_DIFFERS;
    if (same_layers(work, stack))
        return STACK_EQUAL;
    return is_uncertain(work) ? STACK_INCOMPLETE : STACK_DIFFERS;
}

static inline enum stack_result stack_check(struct stack_work *work, const struct stack *stack,
                                            char *why, size_t why_size, struct stack_tally *tally)
{
    work->why = why;
    work->why_size = why_size;
    work->merged = (struct image_inventory){0};
    enum stack_result result = stack_compare(work, stack);
    count_stack(work, stack, tally);
    arena_reset(&work->arena);
    return result;
}
