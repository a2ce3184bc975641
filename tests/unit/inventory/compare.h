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
    size_t n_packages, n_executables, n_known; /* of all stacks */
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
           image_inventory_merge_with(&work->arena, work->matcher, pointers,
                                      (size_t)stack->n_layers, &work->merged, err) &&
           image_inventory_merge_with(&work->arena, work->matcher, &flat, 1, &work->whole, err);
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

/* Version of the "pkgN" in its file, as the plain file system has it; 0: not there. */
static inline int version_in(struct fs *fs, const struct package *package)
{
    char plain[FS_PATH];
    print_into(plain, sizeof(plain), "%.*s", STR_ARG(str_skip(package->path, 1)));
    struct fs_node *node = fs_get(fs, plain);
    bool is_apk = str_eq(package->type, STR("apk"));
    if (!node || node->kind != OP_FILE || node->body < 0 ||
        (node->body % BODY_KINDS == BODY_APK) != is_apk)
        return 0;
    return body_version(node->body, package->name.ptr[3] - '0');
}

static inline bool same_layers(struct stack_work *work, const struct stack *stack)
{
    for (size_t i = 0; i < work->merged.packages.len; i++) {
        const struct package *package = &work->merged.packages.ptr[i];
        int version = package->version.ptr[0] - '0';
        int lowest = stack->n_layers;
        while (lowest > 0 && version_in(&work->after[lowest - 1], package) == version)
            lowest--;
        if (lowest != package->layer)
            return stack_says(work, "wrong layer of", package->path);
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

static inline bool same_coverage(struct stack_work *work, const struct stack *stack)
{
    const struct coverage *a = &work->merged.coverage, *b = &work->whole.coverage;
    struct fs *fs = &work->after[stack->n_layers - 1];
    if (!a->is_measured || !b->is_measured || a->executable_bytes != executable_bytes(fs))
        return stack_says(work, "wrong executable bytes", STR_NONE);
    if (a->executable_bytes != b->executable_bytes || a->known_bytes != b->known_bytes ||
        a->n_unowned != b->n_unowned)
        return stack_says(work, "another coverage", STR_NONE);
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
    if (!same_packages(work) || !same_coverage(work, stack)) {
        /* links between odd places: either may not know, when it says so */
        bool is_told = !work->merged.is_complete || !work->whole.is_complete;
        return is_told ? STACK_INCOMPLETE : STACK_DIFFERS;
    }
    if (same_layers(work, stack))
        return STACK_EQUAL;
    return is_uncertain(work) ? STACK_INCOMPLETE : STACK_DIFFERS;
}

static inline enum stack_result stack_check(struct stack_work *work, const struct stack *stack,
                                            char *why, size_t why_size)
{
    work->why = why;
    work->why_size = why_size;
    work->merged = (struct image_inventory){0};
    enum stack_result result = stack_compare(work, stack);
    work->n_packages += work->merged.packages.len;
    work->n_executables += work->merged.coverage.executable_bytes != 0;
    work->n_known += work->merged.coverage.known_bytes != 0;
    arena_reset(&work->arena);
    return result;
}
