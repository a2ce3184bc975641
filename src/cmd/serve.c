/* SPDX-License-Identifier: Apache-2.0 */
/* The server: scanner, store, guard and API put together, until a signal ends it. */
#include "cmd/internal.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/auto.h"
#include "base/clock.h"
#include "guard/guard.h"
#include "http/http.h"
#include "os/file.h"
#include "os/signal.h"

enum { GRACE_MS = 10000, CERTIFICATE_DAYS = 3650 };

struct server {
    const struct cmd_call *call;
    struct config config;
    int signal_fd;
    struct scanner *scanner;
    struct guard *guard;
    struct api *api;
    struct http_server *http;
    const char *path; /* of the configuration */
};

/* --- configuration -------------------------------------------------------------------------------
 */
static bool load_config(struct server *s, struct err *err)
{
    if (!(s->path = cmd_cstr(s->call, "config")))
        return err_memory(err);
    if (!config_load(s->call->arena, s->path, &s->config, err))
        return false;
    log_configure(s->config.log_level, s->config.is_log_json);
    limits_set(&s->config.limits);
    enum sandbox_level level = scanner_level(s->scanner);
    if (level >= s->config.sandbox)
        return true;
    return err_set(err, ERR_SANDBOX, "the sandbox is %s, without %s; sandbox: %s is configured",
                   sandbox_level_name(level), scanner_missing(s->scanner),
                   sandbox_level_name(s->config.sandbox));
}

/* --- certificate ---------------------------------------------------------------------------------
 */
struct pair {
    str cert_pem, key_pem;
};

static bool read_pem(struct arena *arena, str path, str *pem, struct err *err)
{
    const char *file = arena_cstr(arena, path);
    return file ? file_read(arena, file, LIMIT(CONFIG_FILE), pem, err) : err_memory(err);
}

static void add_name(str *names, size_t *n, str name)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(names[i], name))
            return;
    if (name.len)
        names[(*n)++] = name;
}

static str without_port(str host)
{
    size_t colon = str_rfind_byte(host, ':');
    bool is_v6 = str_starts(host, STR("["));
    size_t end = str_find_byte(host, ']');
    return is_v6 ? str_slice(host, 1, end) : str_slice(host, 0, colon);
}

/* Every name by which clients may reach us. */
static bool make_certificate(struct arena *arena, const struct config *config, struct pair *out,
                             struct err *err)
{
    char host[256] = "";
    str names[6] = {0}, scheme, public_host, rest;
    size_t n = 0;
    add_name(names, &n, STR("localhost"));
    add_name(names, &n, STR("127.0.0.1"));
    add_name(names, &n, STR("::1"));
    if (gethostname(host, sizeof(host) - 1) == 0)
        add_name(names, &n, str_from(host));
    if (!str_eq(config->listen_address, STR("::")) &&
        !str_eq(config->listen_address, STR("0.0.0.0")))
        add_name(names, &n, config->listen_address);
    if (http_url_split(config->public_url, &scheme, &public_host, &rest))
        add_name(names, &n, without_port(public_host));
    return http_self_signed(arena, names, n, CERTIFICATE_DAYS, &out->cert_pem, &out->key_pem, err);
}

/* Made on first start, kept after: clients that pinned it go on. */
static bool own_certificate(struct arena *arena, const struct config *config, struct pair *out,
                            struct err *err)
{
    str cert = arena_printf(arena, STR_FMT "/tls-certificate.pem", STR_ARG(config->data_dir));
    str key = arena_printf(arena, STR_FMT "/tls-key.pem", STR_ARG(config->data_dir));
    if (!cert.ptr || !key.ptr)
        return err_memory(err);
    if (access(cert.ptr, F_OK) == 0 && access(key.ptr, F_OK) == 0)
        return read_pem(arena, cert, &out->cert_pem, err) &&
               read_pem(arena, key, &out->key_pem, err);
    return make_certificate(arena, config, out, err) &&
           file_save(key.ptr, out->key_pem, 0600, err) &&
           file_save(cert.ptr, out->cert_pem, 0644, err);
}

static bool load_certificate(struct arena *arena, const struct config *config, struct pair *out,
                             struct err *err)
{
    if (!config->tls_cert_file.len)
        return own_certificate(arena, config, out, err);
    return read_pem(arena, config->tls_cert_file, &out->cert_pem, err) &&
           read_pem(arena, config->tls_key_file, &out->key_pem, err);
}

/* --- token ---------------------------------------------------------------------------------------
 */
static bool first_token(struct server *s, struct err *err)
{
    struct store *store;
    size_t n = 0;
    str token = STR("");
    if (!store_open(guard_store_path(s->guard), STORE_DURABLE, &store, err))
        return false;
    bool ok = store_token_count(store, &n, err) &&
              (n > 0 ||
               store_token_create(store, s->call->arena, STR("owner"), clock_now_s(), &token, err));
    store_close(store);
    if (ok && token.len) {
        printf("token (shown once, only its hash is kept): " STR_FMT "\n", STR_ARG(token));
        fflush(stdout);
    }
    return ok;
}

/* For Azure's clients: the secret is shown once too. */
static bool first_owner(struct server *s, struct err *err)
{
    struct api_owner owner;
    if (!api_first_owner(s->api, s->call->arena, &owner, err))
        return false;
    if (owner.secret.len) {
        printf("tenant: " STR_FMT "\nclient id: " STR_FMT
               "\nclient secret (shown once, only its hash is kept): " STR_FMT "\n",
               STR_ARG(owner.tenant), STR_ARG(owner.client_id), STR_ARG(owner.secret));
        fflush(stdout);
    }
    return true;
}

/* --- up and down ---------------------------------------------------------------------------------
 */
static bool open_http(struct server *s, struct err *err)
{
    struct pair pair = {0};
    const struct api_spec api = {.config = &s->config,
                                 .guard = s->guard,
                                 .store_path = guard_store_path(s->guard),
                                 .key = guard_secret_key(s->guard)};
    if (!load_certificate(s->call->arena, &s->config, &pair, err) ||
        !api_open(&api, &s->api, err) || !first_owner(s, err))
        return false;
    const struct http_server_spec spec = {
        .address = s->config.listen_address,
        .port = s->config.listen_port,
        .cert_pem = pair.cert_pem,
        .key_pem = pair.key_pem,
        .n_workers = s->config.http_workers,
        .handler = api_handle,
        .lane_of = api_lane,
        .user = s->api,
        .max_body_of = api_max_body,
        .refusal = api_refusal,
    };
    return http_server_open(&spec, &s->http, err);
}

/* The zygote is forked first: it must not inherit secrets, connections or threads. */
static bool start(struct server *s, struct err *err)
{
    const struct scanner_spec scanner = {.required = SANDBOX_BASIC};
    if (!signal_open(&s->signal_fd, err) || !scanner_open(&scanner, &s->scanner, err) ||
        !load_config(s, err))
        return false;
    const struct guard_spec guard = {.config = &s->config, .scanner = s->scanner};
    umask(0077);
    return guard_open(&guard, &s->guard, err) && first_token(s, err) && open_http(s, err) &&
           guard_start(s->guard, err);
}

static void announce(const struct server *s)
{
    bool is_v6 = str_find_byte(s->config.listen_address, ':') < s->config.listen_address.len;
    printf("listening on https://%s" STR_FMT "%s:%u\n", is_v6 ? "[" : "",
           STR_ARG(s->config.listen_address), is_v6 ? "]" : "", http_server_port(s->http));
    fflush(stdout);
}

/* --- reload
 * -------------------------------------------------------------------------------------- */
/* Everything is read and checked before anything of it holds. */
static bool reload_from(struct server *s, struct arena *arena, struct settings *fresh,
                        struct err *err)
{
    const struct config *config = guard_settings_config(fresh);
    struct pair pair = {0};
    return load_certificate(arena, config, &pair, err) &&
           http_server_certificate(s->http, pair.cert_pem, pair.key_pem, err) &&
           guard_reload(s->guard, fresh, err);
}

static bool reload(struct server *s, struct err *err)
{
    struct settings *fresh = NULL;
    struct arena arena;
    if (!guard_settings_read(s->guard, s->path, &fresh, err))
        return false;
    arena_init(&arena, 2 * LIMIT(CONFIG_FILE) + MIB);
    struct settings *former = guard_pin(s->guard); /* until the API has the new one too */
    bool ok = reload_from(s, &arena, fresh, err);
    arena_fini(&arena);
    if (ok) {
        const struct config *config = guard_settings_config(fresh);
        api_configure(s->api, config);
        log_configure(config->log_level, config->is_log_json);
        limits_set(&config->limits);
    } else {
        guard_settings_drop(fresh);
    }
    guard_unpin(s->guard, former);
    return ok;
}

static void reload_and_say(struct server *s)
{
    struct err err = {0};
    bool ok = reload(s, &err);
    guard_reload_note(s->guard, ok);
    if (ok)
        log_event(LOG_INFO, "configuration and certificate were read again");
    else
        log_event(LOG_ERROR, "reload refused: the former configuration stays", LOG_ERR(&err));
}

enum { REAP_MS = 5000 };

static void wait_for_end(struct server *s)
{
    bool has_former = false;
    for (;;) {
        int signo = signal_wait(s->signal_fd, has_former ? REAP_MS : -1);
        if (signo == SIGTERM || signo == SIGINT) {
            log_event(LOG_INFO, "stopping", LOG_NUM("signal", signo));
            return;
        }
        if (signo == SIGHUP)
            reload_and_say(s);
        has_former = http_server_reap(s->http);
    }
}

/* No new request, no new job; what runs may end; the rest is given back. */
static void stop(struct server *s)
{
    if (s->http)
        http_server_close(s->http, GRACE_MS);
    if (s->guard)
        guard_stop(s->guard, GRACE_MS);
    api_close(s->api);
    guard_close(s->guard);
    scanner_close(s->scanner);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
}

static int serve_run(const struct cmd_call *call)
{
    struct server server = {.call = call, .signal_fd = -1};
    struct err err = {0};
    bool ok = start(&server, &err);
    if (ok) {
        announce(&server);
        wait_for_end(&server);
    }
    stop(&server);
    return ok ? EXIT_DONE : cmd_fail(call, &err);
}

static bool serve_check(const struct cmd_call *call, struct err *err)
{
    return cmd_has(call, "config") ? true
                                   : err_set(err, ERR_USAGE, "serve: --config FILE is missing");
}

static const struct cmd_option options[] = {
    {.name = "config",
     .argument = "FILE",
     .help = "the configuration, YAML; every key is explained in plimsoll.yaml"},
    {0},
};
static const struct cmd_example examples[] = {
    {"plimsoll serve --config /etc/plimsoll.yaml", "guard the registries named in the file"},
    {0},
};

const struct command command_serve = {
    .name = "serve",
    .summary = "guard registries: scan what is pushed, answer over REST",
    .about = "Receives the notifications of registries, scans every image once, matches it again "
             "when advisories change, and answers over an Azure-compatible REST API.\n\n"
             "On first start a certificate is made below the data directory, and a bearer token is "
             "printed once. SIGTERM and SIGINT end it in order: running scans that do not end "
             "within ten seconds are given back to the queue. SIGHUP reads configuration and "
             "certificate again; what is wrong in them leaves the former ones in force.",
    .options = options,
    .examples = examples,
    .check = serve_check,
    .run = serve_run,
};
