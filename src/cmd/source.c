/* SPDX-License-Identifier: Apache-2.0 */
/* Sources on the command line: where the database is, how to log in, what decides; what is said of
 * them.  Their scans: sources.c. */
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
    if (cmd_has(call, "client-certificate") != cmd_has(call, "client-key"))
        return err_set(err, ERR_USAGE, "--client-certificate and --client-key go together");
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
        .client_cert_file = cmd_value(call, "client-certificate"),
        .client_key_file = cmd_value(call, "client-key"),
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

bool cmd_has_registry_options(const struct cmd_call *call)
{
    return cmd_has(call, "username") || cmd_has(call, "ca-file") || cmd_has(call, "plain-http") ||
           cmd_has(call, "client-certificate");
}

bool source_open_db(struct source_scan *scan, struct err *err)
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

static bool add_rules(const struct cmd_call *call, str path, struct rules *out, struct err *err)
{
    str text;
    const char *file = arena_cstr(call->arena, path);
    if (!file)
        return err_memory(err);
    if (!file_read(call->arena, file, LIMIT(CONFIG_FILE), &text, err))
        return err_wrap(err, "--rules " STR_FMT, STR_ARG(path));
    return rules_parse(call->arena, path, text, out, err) || err_wrap(err, "--rules");
}

/* What the command line asks for and does not say itself: an error in it is one of usage. */
static bool must_be_usage(struct err *err)
{
    if (err->kind == ERR_FORMAT)
        err->kind = ERR_USAGE;
    return false;
}

/* Every --rules and --vex.  What cannot be read ends the scan before it begins: what was asked for
 * would not be done.  --vex "oci" is no file (which is written ./oci): the scan reads what is
 * attached to the image. */
bool source_read_decisions(const struct cmd_call *call, struct source_scan *scan, struct err *err)
{
    str path;
    for (size_t i = 0; cmd_value_at(call, "rules", i, &path); i++)
        if (!add_rules(call, path, &scan->rules, err))
            return must_be_usage(err);
    for (size_t i = 0; cmd_value_at(call, "vex", i, &path); i++) {
        if (str_eq(path, STR("oci"))) {
            scan->takes_attached_vex = true;
        } else if (!add_vex(call, path, &scan->vex, err)) {
            err_wrap(err, "--vex " STR_FMT, STR_ARG(path));
            return must_be_usage(err);
        }
    }
    return true;
}

void source_scan_close(struct source_scan *scan)
{
    for (size_t i = 0; scan->runs && i < scan->n_sources; i++)
        arena_fini(&scan->runs[i].arena);
    scan->runs = NULL;
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

static void complain_of_failures(const struct cmd_call *call, const struct source_scan *scan)
{
    for (size_t i = 0; scan->n_sources > 1 && i < scan->n_sources; i++)
        if (!scan->runs[i].is_done)
            cmd_fail(call, &scan->runs[i].err);
}

void source_scan_complain(const struct cmd_call *call, const struct source_scan *scan)
{
    complain_of_failures(call, scan);
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
