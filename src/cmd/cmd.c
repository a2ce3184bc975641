/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "os/signal.h"

#define ROW(name) extern const struct command command_##name;
#include "cmd/commands.inc"
#undef ROW

static const struct command *const rows[] = {
#define ROW(name) &command_##name,
#include "cmd/commands.inc"
#undef ROW
};

const struct command *const *commands(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

/* --- signals
 * -------------------------------------------------------------------------------------- */
static struct cancel wish; /* lint: mutable static, a signal handler knows nothing else */

struct cancel *cmd_cancel(void) { return &wish; }

static void on_stop(int signal_number)
{
    (void)signal_number;
    cancel_want(&wish);
}

/* The first Ctrl-C asks, the second ends.  A closed pipe is an error of write(), so that a dead
 * analyser does not take us with it; end_by_sigpipe makes it the quiet death that shells expect. */
static void listen_to_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    signal_ignore_pipe();
}

static void end_by_sigpipe(void)
{
    struct sigaction die = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &die, NULL);
    raise(SIGPIPE);
}

/* --- errors
 * --------------------------------------------------------------------------------------- */
int cmd_fail_with(const struct cmd_call *call, const struct err *err, const char *remedy)
{
    (void)call;
    auto_sb text;
    sb_init(&text, 16 << 10);
    sb_addc(&text, "plimsoll: ");
    report_text(&text, str_from(err->msg), 0);
    sb_byte(&text, '\n');
    if (*remedy) {
        sb_addc(&text, "  ");
        report_text(&text, str_from(remedy), 0);
        sb_byte(&text, '\n');
    }
    if (text.ptr)
        fwrite(text.ptr, 1, text.len, stderr);
    return err_row(err->kind)->exit_code;
}

int cmd_fail(const struct cmd_call *call, const struct err *err)
{
    if (err->sys == EPIPE)
        end_by_sigpipe();
    if (err->kind != ERR_USAGE)
        return cmd_fail_with(call, err, err_row(err->kind)->help);
    char remedy[128];
    if (call->path.len)
        snprintf(remedy, sizeof(remedy), "see `plimsoll " STR_FMT " --help`", STR_ARG(call->path));
    else
        snprintf(remedy, sizeof(remedy), "see `plimsoll --help`");
    return cmd_fail_with(call, err, remedy);
}

/* --- dispatch
 * ------------------------------------------------------------------------------------- */
static int flush_stdout(const struct cmd_call *call, int code)
{
    struct err err = {0};
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    err_sys(&err, ERR_IO, "standard output");
    return cmd_fail(call, &err);
}

static int dispatch(const struct cmd_call *call)
{
    if (!call->wants_help)
        return call->command->run(call);
    if (call->command)
        cmd_help(stdout, call->path, call->command);
    else
        cmd_help_all(stdout, rows, ARRAY_LEN(rows));
    return EXIT_DONE;
}

int cmd_main(int argc, const char *const *argv)
{
    struct arena arena;
    struct cmd_call call;
    struct err err = {0};
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    listen_to_signals();
    size_t n = argc > 0 ? (size_t)argc - 1 : 0;
    str *args = arena_array(&arena, str, n + 1);
    for (size_t i = 0; args && i < n; i++)
        args[i] = str_from(argv[i + 1]);
    int code;
    if (!args || !cmd_parse(rows, ARRAY_LEN(rows), args, n, &arena, &call, &err))
        code = cmd_fail(args ? &call : &(struct cmd_call){0}, &err);
    else
        code = flush_stdout(&call, dispatch(&call));
    arena_fini(&arena);
    return code;
}
