/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: scans what the servers of a shared store queue, on any number of machines. */
#include "cmd/internal.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "guard/guard.h"
#include "http/http.h"
#include "os/signal.h"

enum { GRACE_MS = 10000 };

struct worker {
    const struct cmd_call *call;
    struct config config;
    int signal_fd;
    struct scanner *scanner;
    struct guard *guard;
    struct api *api;
    struct http_server *http;
};

static bool load_config(struct worker *w, struct err *err)
{
    const char *path = cmd_cstr(w->call, "config");
    if (!path)
        return err_memory(err);
    if (!config_load(w->call->arena, path, &w->config, err))
        return false;
    log_configure(w->config.log_level, w->config.is_log_json);
    limits_set(&w->config.limits);
    enum sandbox_level level = scanner_level(w->scanner);
    if (level >= w->config.sandbox)
        return true;
    return err_set(err, ERR_SANDBOX, "the sandbox is %s, without %s; sandbox: %s is configured",
                   sandbox_level_name(level), scanner_missing(w->scanner),
                   sandbox_level_name(w->config.sandbox));
}

/* For a probe and a scraper: nothing in it is a secret, and nothing is taken. */
static bool open_http(struct worker *w, struct err *err)
{
    if (!w->config.worker_address.len)
        return true;
    const struct api_spec api = {.config = &w->config,
                                 .guard = w->guard,
                                 .store_path = guard_store_path(w->guard),
                                 .key = guard_secret_key(w->guard),
                                 .is_probe = true};
    if (!api_open(&api, &w->api, err))
        return false;
    const struct http_server_spec spec = {
        .address = w->config.worker_address,
        .port = w->config.worker_port,
        .n_workers = 1,
        .handler = api_handle,
        .user = w->api,
        .max_body_of = api_max_body,
        .refusal = api_refusal,
    };
    return http_server_open(&spec, &w->http, err);
}

/* The zygote is forked first: it must not inherit secrets, connections or threads. */
static bool start(struct worker *w, struct err *err)
{
    const struct scanner_spec scanner = {.required = SANDBOX_BASIC};
    if (!signal_open(&w->signal_fd, err) || !scanner_open(&scanner, &w->scanner, err) ||
        !load_config(w, err))
        return false;
    const struct guard_spec guard = {
        .role = GUARD_WORKER, .config = &w->config, .scanner = w->scanner};
    umask(0077);
    return guard_open(&guard, &w->guard, err) && open_http(w, err) && guard_start(w->guard, err);
}

static void announce(const struct worker *w)
{
    str store = store_describe(w->call->arena, guard_store_path(w->guard));
    printf("working for " STR_FMT, STR_ARG(store));
    if (w->http)
        printf(", http://" STR_FMT ":%u", STR_ARG(w->config.worker_address),
               http_server_port(w->http));
    printf("\n");
    fflush(stdout);
}

static void wait_for_end(const struct worker *w)
{
    for (;;) {
        int signo = signal_wait(w->signal_fd, -1);
        if (signo == SIGTERM || signo == SIGINT) {
            log_event(LOG_INFO, "stopping", LOG_NUM("signal", signo));
            return;
        }
        if (signo == SIGHUP)
            log_event(LOG_WARN, "the configuration is read at start only; restart to change it");
    }
}

static void stop(struct worker *w)
{
    if (w->http)
        http_server_close(w->http, GRACE_MS);
    if (w->guard)
        guard_stop(w->guard, GRACE_MS);
    api_close(w->api);
    guard_close(w->guard);
    scanner_close(w->scanner);
    if (w->signal_fd >= 0)
        close(w->signal_fd);
}

static int worker_run(const struct cmd_call *call)
{
    struct worker worker = {.call = call, .signal_fd = -1};
    struct err err = {0};
    bool ok = start(&worker, &err);
    if (ok) {
        announce(&worker);
        wait_for_end(&worker);
    }
    stop(&worker);
    return ok ? EXIT_DONE : cmd_fail(call, &err);
}

static bool worker_check(const struct cmd_call *call, struct err *err)
{
    return cmd_has(call, "config") ? true
                                   : err_set(err, ERR_USAGE, "worker: --config FILE is missing");
}

static const struct cmd_option options[] = {
    {.name = "config",
     .argument = "FILE",
     .help = "the configuration, YAML; every key is explained in plimsoll.yaml"},
    {0},
};
static const struct cmd_example examples[] = {
    {"plimsoll worker --config /etc/plimsoll.yaml", "scan what the servers of that store queue"},
    {0},
};

const struct command command_worker = {
    .name = "worker",
    .summary = "scan for the servers of a shared store, on another machine",
    .about =
        "Leases scan jobs of a store in PostgreSQL, as many at once as `workers` says, and "
        "stores their results. Any number of them may run; whose lease runs out (it was "
        "killed, or frozen) loses its job to another, and its late answer is refused. It takes "
        "no notifications and schedules nothing: that is done by plimsoll serve.\n\n"
        "It needs a data directory of its own, the servers' secret-key-file, and their "
        "database-directory, shared or copied. SIGTERM and SIGINT end it in order: running "
        "scans that do not end within ten seconds are given back to the queue.",
    .options = options,
    .examples = examples,
    .check = worker_check,
    .run = worker_run,
};
