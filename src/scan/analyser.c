/* SPDX-License-Identifier: Apache-2.0 */
/* analyser.c - the sandboxed side: inflate ‖ (diff-id + tar + detectors).
 *
 *     pipe ──> inflater thread ──ring of buffers──> main thread ──> one answer
 *
 * The ring's buffers are filled by the decoder itself, so an inflated byte is written once and read
 * in place by the hash, the archive reader and the detectors. */
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "os/file.h"
#include "scan/internal.h"
#include "syntax/syntax.h"

enum { N_BUFFERS = 8, BUFFER_BYTES = 256 << 10 };

struct buffer {
    char *bytes;
    str chunk; /* what the decoder put there */
};

/* The inflater fills slot head % N, the reader empties slot tail % N. */
struct ring {
    pthread_mutex_t lock; /* guards head, tail, is_ended, is_abandoned, err */
    pthread_cond_t moved;
    struct buffer buffers[N_BUFFERS];
    size_t head, tail;
    bool is_ended, is_abandoned;
    struct err err;
};

struct analyser {
    uint32_t request;
    int in_fd, out_fd;
    struct source_fd *in;
    struct decoder *decoder;
    struct ring ring;
    pthread_t inflater;
    struct hash *hash;
    bool holds_slot; /* the reader still uses the slot at tail */
    struct err err;
};

/* --- the ring
 * ------------------------------------------------------------------------------------- */

/* The slot to fill next; false when the reader has gone. */
static bool ring_wait_free(struct ring *ring, struct buffer **out)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->head - ring->tail == N_BUFFERS && !ring->is_abandoned)
        pthread_cond_wait(&ring->moved, &ring->lock);
    bool is_wanted = !ring->is_abandoned;
    *out = &ring->buffers[ring->head % N_BUFFERS];
    pthread_mutex_unlock(&ring->lock);
    return is_wanted;
}

static void ring_publish(struct ring *ring, bool is_ended, const struct err *err)
{
    pthread_mutex_lock(&ring->lock);
    if (is_ended) {
        ring->is_ended = true;
        ring->err = *err;
    } else {
        ring->head++;
    }
    pthread_cond_signal(&ring->moved);
    pthread_mutex_unlock(&ring->lock);
}

static void ring_release(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->tail++;
    pthread_cond_signal(&ring->moved);
    pthread_mutex_unlock(&ring->lock);
}

static enum next ring_wait_full(struct ring *ring, str *chunk, struct err *err)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->head == ring->tail && !ring->is_ended)
        pthread_cond_wait(&ring->moved, &ring->lock);
    enum next step = NEXT_ITEM;
    if (ring->head != ring->tail)
        *chunk = ring->buffers[ring->tail % N_BUFFERS].chunk;
    else if (err_is(&ring->err))
        *err = ring->err, step = NEXT_ERR;
    else
        step = NEXT_END;
    pthread_mutex_unlock(&ring->lock);
    return step;
}

static void ring_abandon(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->is_abandoned = true;
    pthread_cond_signal(&ring->moved);
    pthread_mutex_unlock(&ring->lock);
}

static void *inflate_all(void *arg)
{
    struct analyser *a = arg;
    struct err err = {0};
    struct buffer *buffer;
    enum next step = NEXT_ITEM;
    while (step == NEXT_ITEM && ring_wait_free(&a->ring, &buffer)) {
        decoder_set_buffer(a->decoder, buffer->bytes, BUFFER_BYTES);
        step = decoder_next(a->decoder, &buffer->chunk, &err);
        ring_publish(&a->ring, step != NEXT_ITEM, &err);
    }
    return NULL;
}

/* The archive reader's source: hash each chunk once, in order, as it passes. */
static enum next read_inflated(void *ctx, str *chunk, struct err *err)
{
    struct analyser *a = ctx;
    if (a->holds_slot)
        ring_release(&a->ring);
    a->holds_slot = false;
    enum next step = ring_wait_full(&a->ring, chunk, err);
    a->holds_slot = step == NEXT_ITEM;
    if (step == NEXT_ITEM)
        hash_add(a->hash, *chunk);
    return step;
}

/* --- a layer
 * -------------------------------------------------------------------------------------- */

static bool walk_entries(struct archive_reader *archive, struct layer_scan *scan, struct err *err)
{
    struct entry entry;
    enum next step;
    while ((step = archive_next(archive, &entry, err)) == NEXT_ITEM)
        if (!layer_scan_entry(scan, &entry, archive, err))
            return false;
    return step == NEXT_END;
}

/* What lies behind the tar's end marker still counts for the diff-id. */
static bool drain(struct analyser *a, struct err *err)
{
    str rest;
    enum next step;
    while ((step = read_inflated(a, &rest, err)) == NEXT_ITEM)
        continue;
    return step == NEXT_END;
}

static bool scan_layer(struct analyser *a, struct arena *arena, struct layer_inventory *layer,
                       struct err *err)
{
    struct archive_reader *archive = NULL;
    struct layer_scan *scan = NULL;
    bool is_done = layer_scan_open(arena, NULL, &scan, err) &&
                   archive_open(&archive, ARCHIVE_TAR, (struct source){read_inflated, a}, err) &&
                   walk_entries(archive, scan, err) && drain(a, err) &&
                   layer_scan_close(scan, layer, err);
    archive_close(archive);
    return is_done;
}

static void answer_layer(struct analyser *a, struct sb *out, struct err *err)
{
    struct arena arena;
    struct layer_inventory layer = {0};
    uint8_t diff_id[HASH_MAX];
    auto_sb encoded;
    arena_init(&arena, LIMIT(ANALYSER_MEMORY) / 2);
    sb_init(&encoded, LIMIT(FRAME));
    bool is_done = scan_layer(a, &arena, &layer, err);
    ring_abandon(&a->ring);
    pthread_join(a->inflater, NULL);
    if (is_done && layer_inventory_encode(&layer, &encoded, err)) {
        size_t n = hash_done(a->hash, diff_id);
        sb_byte(out, ERR_NONE);
        sb_blob(out, str_of((const char *)diff_id, n));
        sb_varint(out, decoder_bytes_out(a->decoder));
        sb_byte(out, (uint8_t)decoder_kind(a->decoder));
        sb_blob(out, sb_str(&encoded));
    }
    arena_fini(&arena);
}

/* --- a list
 * --------------------------------------------------------------------------------------- */

static void add_entry(struct sb *out, const struct entry *entry)
{
    sb_blob(out, entry->path);
    sb_blob(out, entry->link);
    sb_byte(out, (uint8_t)entry->type);
    sb_varint(out, entry->data_offset);
    sb_varint(out, entry->size_bytes);
}

static void answer_list(struct analyser *a, struct sb *out, struct err *err)
{
    struct archive_reader *archive = NULL;
    struct entry entry;
    uint64_t n = 0;
    enum next step = NEXT_ERR;
    auto_sb list;
    sb_init(&list, LIMIT(MANIFEST));
    if (archive_open(&archive, ARCHIVE_TAR, source_from_fd(a->in), err))
        while ((step = archive_next(archive, &entry, err)) == NEXT_ITEM && !list.has_failed) {
            add_entry(&list, &entry);
            n++;
        }
    archive_close(archive);
    if (step == NEXT_ERR || !sb_ok(&list, err))
        return;
    sb_byte(out, ERR_NONE);
    sb_varint(out, n);
    sb_add(out, sb_str(&list));
}

/* --- an archive's bytes
 * ---------------------------------------------------------------------------- */

static bool send_frame(const struct analyser *a, str bytes, struct err *err)
{
    auto_sb head;
    sb_init(&head, 4);
    sb_u32le(&head, (uint32_t)bytes.len);
    return sb_ok(&head, err) && fd_write(a->out_fd, sb_str(&head), err) &&
           fd_write(a->out_fd, bytes, err);
}

/* Whatever went wrong is in the answer behind the last, empty frame. */
static void answer_inflate(struct analyser *a, struct sb *out, struct err *err)
{
    str chunk;
    enum next step;
    struct err broken = {0};
    while ((step = decoder_next(a->decoder, &chunk, err)) == NEXT_ITEM)
        if (chunk.len && !send_frame(a, chunk, err))
            break;
    if (send_frame(a, STR_NONE, &broken) && step == NEXT_END)
        sb_byte(out, ERR_NONE);
}

/* --- a database with the file beside it
 * ------------------------------------------------------------ */

static bool read_question(struct analyser *a, struct sb *question, struct err *err)
{
    struct source from = source_from_fd(a->in);
    str chunk;
    enum next step;
    while ((step = from.read(from.ctx, &chunk, err)) == NEXT_ITEM)
        sb_add(question, chunk);
    return step == NEXT_END && sb_ok(question, err);
}

static bool combine(struct arena *arena, str question, struct layer_inventory *layer,
                    struct err *err)
{
    struct rd in;
    rd_init(&in, question);
    const struct detector *detector = detector_find(rd_blob(&in, LIMIT(FIELD)));
    str path = rd_blob(&in, LIMIT(PATH));
    str bytes = rd_blob(&in, LIMIT(DEFERRED)), side = rd_blob(&in, LIMIT(DEFERRED));
    struct file_record *file = vec_push(arena, &layer->files);
    if (!rd_ok(&in, err))
        return false;
    if (!file)
        return err_memory(err);
    if (!detector)
        return err_set(err, ERR_FORMAT, "no such detector");
    if (!inventory_combine(arena, detector, bytes, side, file, err))
        return false;
    file->path = path;
    return true;
}

static void answer_combine(struct analyser *a, struct sb *out, struct err *err)
{
    struct arena arena;
    struct layer_inventory layer = {0};
    auto_sb question, encoded;
    arena_init(&arena, LIMIT(ANALYSER_MEMORY) / 2);
    sb_init(&question, 2 * LIMIT(DEFERRED) + LIMIT(PATH) + LIMIT(FIELD));
    sb_init(&encoded, LIMIT(FRAME));
    if (read_question(a, &question, err) && combine(&arena, sb_str(&question), &layer, err) &&
        layer_inventory_encode(&layer, &encoded, err)) {
        sb_byte(out, ERR_NONE);
        sb_add(out, sb_str(&encoded));
    }
    arena_fini(&arena);
}

/* --- the child
 * ------------------------------------------------------------------------------------ */

static bool start_inflater(struct analyser *a)
{
    pthread_mutex_init(&a->ring.lock, NULL);
    pthread_cond_init(&a->ring.moved, NULL);
    for (size_t i = 0; i < N_BUFFERS; i++)
        if (!(a->ring.buffers[i].bytes = malloc(BUFFER_BYTES)))
            return false;
    enum hash_kind kind = (enum hash_kind)(a->request >> 8 & 0xff);
    return hash_open(&a->hash, kind, &a->err) &&
           decoder_open(&a->decoder, source_from_fd(a->in), LIMIT(LAYER_INFLATED), &a->err) &&
           pthread_create(&a->inflater, NULL, inflate_all, a) == 0;
}

static void *prepare(uint32_t request, int in_fd, int out_fd)
{
    struct analyser *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->request = request;
    a->in_fd = in_fd;
    a->out_fd = out_fd;
    if (!source_fd_open(&a->in, in_fd, &a->err))
        return NULL;
    bool is_ready = true;
    if ((request & 0xff) == REQUEST_LAYER)
        is_ready = start_inflater(a);
    else if ((request & 0xff) == REQUEST_INFLATE)
        is_ready = decoder_open(&a->decoder, source_from_fd(a->in), LIMIT(LAYER_INFLATED), &a->err);
    return is_ready ? a : NULL;
}

static void answer_error(struct sb *out, const struct err *err)
{
    sb_byte(out, (uint8_t)err->kind);
    sb_blob(out, str_from(err->msg));
}

static int run(void *prepared)
{
    struct analyser *a = prepared;
    struct err err = {0};
    struct sb out, body;
    sb_init(&out, LIMIT(FRAME));
    sb_init(&body, LIMIT(FRAME));
    if ((a->request & 0xff) == REQUEST_LAYER)
        answer_layer(a, &body, &err);
    else if ((a->request & 0xff) == REQUEST_INFLATE)
        answer_inflate(a, &body, &err);
    else if ((a->request & 0xff) == REQUEST_COMBINE)
        answer_combine(a, &body, &err);
    else
        answer_list(a, &body, &err);
    if (!err_is(&err) && !sb_ok(&body, &err))
        sb_clear(&body);
    sb_byte(&out, ANSWER_VERSION);
    if (err_is(&err))
        answer_error(&out, &err);
    else
        sb_add(&out, sb_str(&body));
    bool is_sent = fd_write(a->out_fd, sb_str(&out), &err);
    return is_sent ? 0 : 1;
}

/* --- the zygote
 * ----------------------------------------------------------------------------------- */

static void *do_nothing(void *arg) { return arg; }

static int cmp_bytes(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

/* glibc's qsort asks once, at its first large array, how much memory there is. */
static void warm_up_sort(void)
{
    char many[4096] = {1};
    qsort(many, sizeof(many), 1, cmp_bytes);
}

static void warm_up(void)
{
    struct err err = {0};
    pthread_t thread;
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC0", 1); /* or every time stamp of a zip stats /etc/localtime */
    tzset();
    map_hash(STR("warm"));
    json_warm_up();
    warm_up_sort();
    if (!codec_warm_up(&err))
        abort(); /* the readers that every layer needs do not work */
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
}

const struct sandbox_spec analyser_spec = {.warm_up = warm_up, .prepare = prepare, .run = run};
