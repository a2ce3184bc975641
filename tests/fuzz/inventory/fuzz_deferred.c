/* SPDX-License-Identifier: Apache-2.0 */
/* A database and its -wal through layers: their number of steps (u8), the steps (u8 each), the
 * database's length (u16, little-endian), the database, and the -wal.  What the merge has is what
 * one layer with the last of both has. */
#include "detector.h"

#include "inventory/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DB, WAL, N_FILES, LAYERS = 6, STEPS = 16 };
static const char *const paths[N_FILES] = {"var/lib/rpm/rpmdb.sqlite",
                                           "var/lib/rpm/rpmdb.sqlite-wal"};

struct work {
    struct arena arena;
    struct layer_inventory layers[LAYERS];
    int n;
    struct {
        bool is_there;
        str bytes;
        int layer;
    } now[N_FILES];
    str bytes[N_FILES];
};

static void put(struct work *work, struct layer_inventory *layer, int which, str bytes)
{
    struct file_record *file = vec_push(&work->arena, &layer->files);
    struct err err = {0};
    struct rd in;
    rd_init(&in, bytes);
    if (!file)
        abort();
    *file = (struct file_record){.path = str_from(paths[which]),
                                 .order = ++layer->n_entries,
                                 .detector = detector_find(STR("rpm_sqlite")),
                                 .has_raw = true,
                                 .raw = bytes};
    if (!file->detector->parse(&work->arena, file->path, &in, file, &err)) {
        file->is_failed = true;
        file->reason = arena_dup(&work->arena, str_from(err.msg));
    }
}

static void whiteout(struct work *work, struct layer_inventory *layer, int which)
{
    struct layer_step *step = vec_push(&work->arena, &layer->steps);
    if (!step)
        abort();
    *step = (struct layer_step){STEP_WHITEOUT, ++layer->n_entries, str_from(paths[which]), {0}};
}

/* A file is once in a layer; kinds: the whole, half of it, nothing, a whiteout. */
static void step(struct work *work, unsigned kind)
{
    int which = kind % N_FILES;
    struct layer_inventory *layer = &work->layers[work->n - 1];
    if (kind / N_FILES % 5 == 4 || layer->n_entries > 8) {
        work->n += work->n < LAYERS;
        return;
    }
    if (kind / N_FILES % 5 == 3) {
        whiteout(work, layer, which);
        if (work->now[which].layer < work->n)
            work->now[which].is_there = false;
        return;
    }
    str bytes = work->bytes[which];
    bytes = str_slice(bytes, 0,
                      kind / N_FILES % 5 == 0   ? bytes.len
                      : kind / N_FILES % 5 == 1 ? bytes.len / 2
                                                : 0);
    if (work->now[which].is_there && work->now[which].layer == work->n)
        return;
    put(work, layer, which, bytes);
    work->now[which].is_there = true;
    work->now[which].bytes = bytes;
    work->now[which].layer = work->n;
}

static void merge(struct work *work, const struct layer_inventory *layers, int n,
                  struct image_inventory *out)
{
    const struct layer_inventory *pointers[LAYERS];
    struct err err = {0};
    for (int i = 0; i < n; i++)
        pointers[i] = &layers[i];
    if (!image_inventory_merge(&work->arena, &combiner_here, pointers, (size_t)n, out, &err))
        abort();
}

static void compare(const struct image_inventory *a, const struct image_inventory *b)
{
    size_t sum = 0;
    if (a->is_complete != b->is_complete || a->packages.len != b->packages.len)
        abort();
    for (size_t i = 0; i < a->packages.len; i++) {
        if (package_cmp_key(&a->packages.ptr[i], &b->packages.ptr[i]) != 0)
            abort();
        touch_package(&a->packages.ptr[i], &sum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct work work = {.n = 1};
    struct layer_inventory flat = {0};
    struct image_inventory merged, whole;
    struct rd in;
    arena_init(&work.arena, 64u << 20);
    rd_init(&in, str_of((const char *)data, size));
    str steps = rd_bytes(&in, rd_u8(&in) % STEPS);
    size_t n = rd_u16le(&in);
    work.bytes[DB] = rd_bytes(&in, n < rd_left(&in) ? n : rd_left(&in));
    work.bytes[WAL] = rd_rest(&in);
    for (size_t i = 0; i < steps.len; i++)
        step(&work, (unsigned char)steps.ptr[i]);
    for (int i = 0; i < N_FILES; i++)
        if (work.now[i].is_there)
            put(&work, &flat, i, work.now[i].bytes);
    merge(&work, work.layers, work.n, &merged);
    merge(&work, &flat, 1, &whole);
    compare(&merged, &whole);
    arena_fini(&work.arena);
    return 0;
}
