/* SPDX-License-Identifier: Apache-2.0 */
/* layers.c - all layers of one image: known ones from the cache, the others analysed, a few at a
 * time. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "base/vec.h"
#include "scan/internal.h"

struct task {
    const struct descriptor *what;
    const digest *diff_id; /* that the configuration promises */
    digest got;
    struct sb answer; /* of the analyser */
    str cached;       /* inventory from the cache, in the run's arena */
    struct err err;
};

struct run {
    struct scanner *scanner;
    const struct scan_spec *spec;
    struct image_source *source;
    struct task *tasks;
    size_t n_tasks;
    uint64_t total_bytes;
    pthread_mutex_t lock; /* guards next, and progress calls */
    size_t next;
    bool is_stopping;
    uint64_t *done_bytes; /* per task */
};

struct worker_progress {
    struct run *run;
    size_t task;
};

static void report_progress(void *ctx, uint64_t done_bytes)
{
    struct worker_progress *at = ctx;
    struct run *run = at->run;
    const struct scan_progress *progress = &run->spec->progress;
    if (!progress->layer)
        return;
    pthread_mutex_lock(&run->lock);
    progress->layer(progress->ctx, at->task, run->n_tasks, done_bytes,
                    run->tasks[at->task].what->size_bytes);
    pthread_mutex_unlock(&run->lock);
}

static void analyse(struct run *run, size_t i)
{
    struct task *task = &run->tasks[i];
    struct worker_progress at = {run, i};
    struct blob blob = {0};
    struct layer_work work = {
        .what = task->what,
        .diff_kind = task->diff_id->n ? task->diff_id->kind : HASH_SHA256,
        .cancel = run->spec->cancel,
        .progress = report_progress,
        .progress_ctx = &at,
    };
    if (!run->source->ops->blob(run->source, task->what, &blob, &task->err))
        return;
    if (!layer_analyse(run->scanner, &work, blob.from, &task->answer, &task->got, &task->err))
        sb_clear(&task->answer);
    blob_close(&blob);
}

static void *work_on(void *arg)
{
    struct run *run = arg;
    for (;;) {
        pthread_mutex_lock(&run->lock);
        size_t i = run->next;
        while (i < run->n_tasks && run->tasks[i].cached.ptr)
            i++;
        run->next = i + 1;
        pthread_mutex_unlock(&run->lock);
        if (i >= run->n_tasks)
            return NULL;
        analyse(run, i);
    }
}

/* One layer keeps two cores busy (parent and analyser), so half the cores of layers, and one more
 * for the waiting that small layers do. */
static size_t count_workers(const struct run *run)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = cores > 2 ? (size_t)cores / 2 + 1 : 2;
    size_t n_due = 0;
    for (size_t i = 0; i < run->n_tasks; i++)
        n_due += run->tasks[i].cached.ptr == NULL;
    return num_min(num_min(most, 16), n_due);
}

static void analyse_all(struct run *run)
{
    pthread_t threads[16];
    size_t n = count_workers(run), n_started = 0;
    pthread_mutex_init(&run->lock, NULL);
    while (n_started + 1 < n && pthread_create(&threads[n_started], NULL, work_on, run) == 0)
        n_started++;
    if (n)
        work_on(run);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&run->lock);
}

/* --- what became of each
 * --------------------------------------------------------------------------- */

static bool check_diff_id(const struct task *task, const struct layer_answer *answer,
                          struct err *err)
{
    return digest_is_none(task->diff_id) || digest_eq(task->diff_id, &answer->diff_id) ||
           err_set(err, ERR_MISMATCH,
                   "its uncompressed bytes have another digest than the configuration says");
}

static bool take_answer(struct run *run, struct task *task, struct arena *arena,
                        struct layer_inventory *layer, struct err *err)
{
    struct layer_answer answer;
    if (task->cached.ptr)
        return layer_inventory_decode(arena, task->cached, layer, err);
    if (err_is(&task->err)) {
        *err = task->err;
        return false;
    }
    if (!layer_answer_parse(sb_str(&task->answer),
                            task->diff_id->n ? task->diff_id->kind : HASH_SHA256, &answer, err) ||
        !check_diff_id(task, &answer, err))
        return false;
    if (!layer_inventory_decode(arena, answer.inventory, layer, err))
        return err_wrap(err, "the analyser's answer");
    if (run->spec->cache.put)
        run->spec->cache.put(run->spec->cache.ctx, &task->got, &answer.diff_id, answer.inventory);
    return true;
}

static bool note_failure(struct arena *arena, struct report *report, const struct task *task,
                         size_t i, const struct err *err)
{
    char text[DIGEST_TEXT_SIZE];
    str name =
        digest_is_none(&task->what->digest) ? STR("") : digest_print(&task->what->digest, text);
    str message = arena_printf(arena, "layer %zu: %s", i + 1, err->msg);
    enum notice_kind kind = err->kind == ERR_LIMIT ? NOTICE_LIMIT : NOTICE_UNREADABLE;
    return message.ptr && notice_add(arena, &report->notices, kind, true, name, message);
}

static void look_up(struct run *run, struct arena *arena)
{
    const struct layer_cache *cache = &run->spec->cache;
    for (size_t i = 0; cache->get && i < run->n_tasks; i++) {
        struct task *task = &run->tasks[i];
        if (digest_is_none(&task->what->digest) ||
            !cache->get(cache->ctx, arena, &task->what->digest, task->diff_id, &task->cached))
            task->cached = STR_NONE;
    }
}

static bool collect(struct run *run, struct arena *arena, struct report *report,
                    struct layers_result *out, struct err *err)
{
    out->is_complete = true;
    for (size_t i = 0; i < run->n_tasks; i++) {
        struct layer_inventory *layer = arena_new(arena, struct layer_inventory);
        struct err why = {0};
        if (!layer)
            return err_memory(err);
        bool is_taken = take_answer(run, &run->tasks[i], arena, layer, &why);
        sb_fini(&run->tasks[i].answer); /* what is wanted of it is in the arena */
        if (is_taken) {
            out->inventories[i] = layer;
            continue;
        }
        if (why.kind == ERR_CANCELLED || why.kind == ERR_SANDBOX || why.kind == ERR_MEMORY) {
            *err = why;
            return err_wrap(err, "layer %zu", i + 1);
        }
        out->is_complete = false;
        if (!note_failure(arena, report, &run->tasks[i], i, &why))
            return err_memory(err);
    }
    return true;
}

bool layers_run(struct scanner *scanner, const struct scan_spec *spec, struct image_source *source,
                const struct image *image, struct arena *arena, struct report *report,
                struct layers_result *out, struct err *err)
{
    size_t n = image->manifest.layers.len;
    struct run run = {.scanner = scanner, .spec = spec, .source = source, .n_tasks = n};
    static const digest none;
    run.tasks = arena_array(arena, struct task, n);
    out->inventories = arena_array(arena, const struct layer_inventory *, n);
    if (!run.tasks || !out->inventories)
        return err_memory(err);
    for (size_t i = 0; i < n; i++) {
        struct task *task = &run.tasks[i];
        task->what = &image->manifest.layers.ptr[i];
        task->diff_id = i < image->config.diff_ids.len ? &image->config.diff_ids.ptr[i] : &none;
        task->got = task->what->digest;
        sb_init(&task->answer, LIMIT(FRAME));
    }
    look_up(&run, arena);
    analyse_all(&run);
    bool is_done = collect(&run, arena, report, out, err);
    for (size_t i = 0; i < n; i++)
        sb_fini(&run.tasks[i].answer);
    return is_done;
}
