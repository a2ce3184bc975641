/* SPDX-License-Identifier: Apache-2.0 */
/* A source on the command line: where the database is, how to log in, one scan. */
#include "cmd/internal.h"

#include <unistd.h>

#include "os/file.h"

str cmd_db_dir_of(struct arena *arena, const struct db_dir_input *in)
{
    if (in->option && *in->option)
        return str_from(in->option);
    if (in->env && *in->env)
        return str_from(in->env);
    if (in->is_root)
        return STR("/var/lib/plimsoll/db");
    if (in->xdg_cache_home && *in->xdg_cache_home == '/') /* XDG: relative ones do not count */
        return arena_printf(arena, "%s/plimsoll/db", in->xdg_cache_home);
    if (in->home && *in->home)
        return arena_printf(arena, "%s/.cache/plimsoll/db", in->home);
    return STR_NONE;
}

const char *cmd_db_dir(const struct cmd_call *call, struct err *err)
{
    const struct db_dir_input in = {
        .option = cmd_cstr(call, "db"),
        .env = getenv("PLIMSOLL_DB"),
        .xdg_cache_home = getenv("XDG_CACHE_HOME"),
        .home = getenv("HOME"),
        .is_root = geteuid() == 0,
    };
    str dir = cmd_db_dir_of(call->arena, &in);
    if (!dir.len)
        err_set(err, ERR_USAGE, "--db is missing, and neither PLIMSOLL_DB nor HOME is set");
    return dir.len ? dir.ptr : NULL;
}

bool cmd_check_registry(const struct cmd_call *call, struct err *err)
{
    bool has_name = cmd_has(call, "username"), has_password = cmd_has(call, "password-stdin");
    if (has_name && !has_password)
        return err_set(err, ERR_USAGE, "--username: needs --password-stdin");
    if (has_password && !has_name)
        return err_set(err, ERR_USAGE, "--password-stdin: needs --username");
    return true;
}

bool cmd_registry_config(const struct cmd_call *call, const struct reference *ref,
                         struct registry_config *out, struct err *err)
{
    *out = (struct registry_config){
        .host = ref->host,
        .is_plain_http = cmd_has(call, "plain-http"),
        .username = cmd_value(call, "username"),
        .ca_file = cmd_value(call, "ca-file"),
    };
    if (!cmd_has(call, "password-stdin"))
        return true;
    str password;
    if (!file_read_fd(call->arena, STDIN_FILENO, LIMIT(FIELD), &password, err))
        return err_wrap(err, "--password-stdin");
    if (str_ends(password, STR("\n"))) /* of echo */
        password.len--;
    if (str_ends(password, STR("\r")))
        password.len--;
    if (!password.len)
        return err_set(err, ERR_USAGE, "--password-stdin: standard input is empty");
    out->password = password;
    return true;
}

static bool has_registry_options(const struct cmd_call *call)
{
    return cmd_has(call, "username") || cmd_has(call, "ca-file") || cmd_has(call, "plain-http");
}

static bool open_db(struct source_scan *scan, struct err *err)
{
    if (!scan->db_dir || advisory_db_open(scan->db_dir, &scan->db, err))
        return true;
    scan->remedy = err->kind == ERR_NOT_FOUND
                       ? "make one with `plimsoll db update`; without it nothing can be judged"
                       : "make it again with `plimsoll db update`";
    return false;
}

static bool add_vex(const struct cmd_call *call, str path, vex_statements *out, struct err *err)
{
    vex_statements list;
    str text;
    const char *file = arena_cstr(call->arena, path);
    if (!file)
        return err_memory(err);
    if (!file_read(call->arena, file, LIMIT(FEED_RECORD), &text, err) ||
        !vex_parse(text, call->arena, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        struct vex_statement *slot = vec_push(call->arena, out);
        if (!slot)
            return err_memory(err);
        *slot = list.ptr[i];
        if (!slot->document.len)
            slot->document = path;
    }
    return true;
}

/* Every --vex.  What cannot be read ends the scan: what was asked for was not done.  "oci" is no
 * file (which is written ./oci): the scan reads what is attached to the image. */
static bool read_vex(const struct cmd_call *call, vex_statements *out, bool *takes_attached,
                     struct err *err)
{
    str path;
    for (size_t i = 0; cmd_value_at(call, "vex", i, &path); i++) {
        if (str_eq(path, STR("oci")))
            *takes_attached = true;
        else if (!add_vex(call, path, out, err))
            return err_wrap(err, "--vex " STR_FMT, STR_ARG(path));
    }
    return true;
}

static bool run_scan(const struct cmd_call *call, struct source_scan *scan, struct scanner *scanner,
                     const struct reference *ref, struct err *err)
{
    struct registry_config registry;
    struct progress progress;
    vex_statements vex = {0};
    bool takes_attached = false;
    if (!read_vex(call, &vex, &takes_attached, err) || !open_db(scan, err) ||
        !cmd_registry_config(call, ref, &registry, err))
        return false;
    progress_open(&progress, scan->is_quiet);
    const struct scan_spec spec = {
        .reference = *ref,
        .choice = scan->choice,
        .registry = has_registry_options(call) ? &registry : NULL,
        .db = scan->db,
        .vex = &vex,
        .takes_attached_vex = takes_attached,
        .progress = {.layer = progress_layer, .ctx = &progress},
        .cancel = cmd_cancel(),
    };
    bool is_done = scan_run(scanner, &spec, call->arena, &scan->reports, err);
    progress_close(&progress);
    return is_done;
}

bool source_scan_run(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    struct reference ref;
    struct scanner *scanner = NULL;
    if (!reference_parse(call->arena, scan->source, &ref, err))
        return false;
    /* First of all: the zygote must see no threads, no database, no password. */
    if (!scanner_open(&(struct scanner_spec){.required = scan->required}, &scanner, err))
        return false;
    bool is_done = run_scan(call, scan, scanner, &ref, err);
    scanner_close(scanner);
    return is_done;
}

void source_scan_close(struct source_scan *scan)
{
    advisory_db_close(scan->db);
    scan->db = NULL;
}

static const struct notice *first_gap(const struct report *report)
{
    for (size_t i = 0; i < report->notices.len; i++)
        if (report->notices.ptr[i].is_incomplete)
            return &report->notices.ptr[i];
    return NULL;
}

void source_scan_complain(const struct cmd_call *call, const struct source_scan *scan)
{
    for (size_t i = 0; i < scan->reports.len; i++) {
        const struct report *report = scan->reports.ptr[i];
        const struct notice *gap = first_gap(report);
        struct err err = {0};
        if (report->is_complete || report->verdict == VERDICT_NOT_APPLICABLE)
            continue;
        err_set(&err, ERR_FORMAT, STR_FMT ": incomplete: " STR_FMT, STR_ARG(report->source),
                STR_ARG(gap ? gap->message : report->reason));
        cmd_fail_with(call, &err, "the notices of the report say what was not read");
    }
}
