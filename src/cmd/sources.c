/* SPDX-License-Identifier: Apache-2.0 */
/* sources.c - the scans of a command's sources, a few at a time.  Each has an arena of its own, in
 * which its reports stay. */
#include "base/num.h"
#include "cmd/internal.h"

#include <unistd.h>

enum { AT_ONCE_MAX = 8 };

struct run {
    const struct cmd_call *call;
    struct source_scan *scan;
    struct scanner *scanner;
    struct progress progress;
    pthread_mutex_t lock; /* guards next */
    size_t next;
};

/* --- one source
 * ----------------------------------------------------------------------------------- */
/* Credentials are bound to the host of SOURCE; a base on another one is asked for as a stranger. */
static bool add_base(struct run *run, struct source_run *one, str text, const struct scan_spec *of,
                     struct scan_bases *out, struct err *err)
{
    struct scan_spec spec = {.choice = of->choice, .cancel = of->cancel};
    if (!reference_parse(&one->arena, text, &spec.reference, err))
        return err_wrap(err, "--base");
    if (str_eq_nocase(spec.reference.host, of->reference.host))
        spec.registry = of->registry;
    return scan_chains(run->scanner, &spec, &one->arena, &out->chains, err) ||
           err_wrap(err, "--base");
}

static bool add_bases(struct run *run, struct source_run *one, struct scan_spec *spec,
                      struct err *err)
{
    str text;
    for (size_t i = 0; cmd_value_at(run->call, "base", i, &text); i++)
        if (!add_base(run, one, text, spec, &spec->bases, err))
            return false;
    return true;
}

static bool scan_one(struct run *run, size_t i, struct err *err)
{
    struct source_scan *scan = run->scan;
    struct source_run *one = &scan->runs[i];
    bool is_alone = scan->n_sources == 1;
    struct progress_of of = {.progress = &run->progress, .row = i};
    struct scan_spec spec = {
        .reference = one->reference,
        .choice = scan->choice,
        .registry = cmd_has_registry_options(run->call) ? &one->registry : NULL,
        .db = scan->db,
        .vex = &scan->vex,
        .takes_attached_vex = scan->takes_attached_vex,
        .rules = &scan->rules,
        .progress = {.layer = is_alone ? progress_layer : progress_layer_of,
                     .ctx = is_alone ? (void *)&run->progress : (void *)&of},
        .cancel = cmd_cancel(),
    };
    bool ok = add_bases(run, one, &spec, err) &&
              scan_run(run->scanner, &spec, &one->arena, &one->reports, err);
    if (!is_alone)
        progress_row_ends(&run->progress, i);
    return ok;
}

/* --- all of them
 * ---------------------------------------------------------------------------------- */
static void *work_on(void *arg)
{
    struct run *run = arg;
    for (;;) {
        pthread_mutex_lock(&run->lock);
        size_t i = run->next++;
        pthread_mutex_unlock(&run->lock);
        if (i >= run->scan->n_sources)
            return NULL;
        struct source_run *one = &run->scan->runs[i];
        one->is_done = scan_one(run, i, &one->err);
    }
}

/* A scan keeps two cores busy where its image is large, and waits where the registry is slow. */
static size_t count_threads(size_t n_sources)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return num_min(num_min(n_sources, AT_ONCE_MAX), cores > 1 ? (size_t)cores : 1);
}

static void run_all(struct run *run)
{
    pthread_t threads[AT_ONCE_MAX];
    size_t n = count_threads(run->scan->n_sources), n_started = 0;
    pthread_mutex_init(&run->lock, NULL);
    while (n_started + 1 < n && pthread_create(&threads[n_started], NULL, work_on, run) == 0)
        n_started++;
    work_on(run);
    for (size_t i = 0; i < n_started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&run->lock);
}

/* In the order of the command line. */
static bool collect(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    for (size_t i = 0; i < scan->n_sources; i++) {
        const struct source_run *one = &scan->runs[i];
        scan->n_failed += !one->is_done;
        for (size_t k = 0; one->is_done && k < one->reports.len; k++) {
            struct report **slot = vec_push(call->arena, &scan->reports);
            if (!slot)
                return err_memory(err);
            *slot = one->reports.ptr[k];
        }
    }
    if (scan->n_sources > 1 || !scan->n_failed)
        return true;
    *err = scan->runs[0].err;
    return false;
}

/* --- before the first
 * ----------------------------------------------------------------------------- */
/* A name and password are for one registry: they are not shown to others. */
static bool check_hosts(const struct cmd_call *call, const struct source_scan *scan,
                        struct err *err)
{
    for (size_t i = 1; cmd_has(call, "username") && i < scan->n_sources; i++)
        if (!str_eq_nocase(scan->runs[i].reference.host, scan->runs[0].reference.host))
            return err_set(err, ERR_USAGE,
                           "--username: the sources are not all on one registry: scan them one by "
                           "one, or log in with docker login or skopeo login");
    return true;
}

static bool prepare(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    scan->runs = arena_array(call->arena, struct source_run, scan->n_sources);
    if (!scan->runs)
        return err_memory(err);
    for (size_t i = 0; i < scan->n_sources; i++)
        arena_init(&scan->runs[i].arena, LIMIT(SCAN_MEMORY));
    for (size_t i = 0; i < scan->n_sources; i++)
        if (!reference_parse(call->arena, scan->sources[i], &scan->runs[i].reference, err))
            return false;
    return check_hosts(call, scan, err);
}

/* The password is read once, from standard input. */
static bool read_registry(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    if (!cmd_registry_config(call, &scan->runs[0].reference, &scan->runs[0].registry, err))
        return false;
    for (size_t i = 1; i < scan->n_sources; i++) {
        scan->runs[i].registry = scan->runs[0].registry;
        scan->runs[i].registry.host = scan->runs[i].reference.host;
    }
    return true;
}

static bool run_with(const struct cmd_call *call, struct source_scan *scan, struct scanner *scanner,
                     struct err *err)
{
    struct run run = {.call = call, .scan = scan, .scanner = scanner};
    if (!source_open_db(scan, err) || !read_registry(call, scan, err))
        return false;
    progress_open(&run.progress, scan->is_quiet);
    if (scan->n_sources > 1)
        progress_name(&run.progress, scan->sources, scan->n_sources);
    run_all(&run);
    progress_close(&run.progress);
    return collect(call, scan, err);
}

bool source_scan_run(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    struct scanner *scanner = NULL;
    if (!source_read_decisions(call, scan, err) || !prepare(call, scan, err))
        return false;
    /* First of all: the zygote must see no threads, no database, no password. */
    if (!scanner_open(&(struct scanner_spec){.required = scan->required}, &scanner, err))
        return false;
    bool is_done = run_with(call, scan, scanner, err);
    scanner_close(scanner);
    return is_done;
}
