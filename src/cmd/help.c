/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

static const struct command *find(const struct command *const *table, size_t n, str name)
{
    for (size_t i = 0; i < n && table[i]; i++)
        if (str_eq(str_from(table[i]->name), name))
            return table[i];
    return NULL;
}

/* `plimsoll help db update` */
static int help_of(const struct cmd_call *call, const struct command *const *table, size_t n)
{
    const struct command *found = NULL;
    str path = STR_NONE;
    for (size_t i = 0; i < call->operands.len; i++) {
        struct err err = {0};
        found = find(table, n, call->operands.ptr[i]);
        if (!found) {
            err_set(&err, ERR_USAGE, "help: " STR_FMT ": no such command",
                    STR_ARG(call->operands.ptr[i]));
            return cmd_fail(&(struct cmd_call){0}, &err);
        }
        path = i ? arena_printf(call->arena, STR_FMT " %s", STR_ARG(path), found->name)
                 : str_from(found->name);
        table = found->subs;
        n = table ? SIZE_MAX : 0; /* ends with NULL */
    }
    cmd_help(stdout, path, found);
    return EXIT_DONE;
}

static int write_man(const struct cmd_call *call, const struct command *const *table, size_t n)
{
    struct err err = {0};
    return cmd_man_pages(cmd_cstr(call, "man"), table, n, &err) ? EXIT_DONE : cmd_fail(call, &err);
}

static int help_run(const struct cmd_call *call)
{
    size_t n;
    const struct command *const *table = commands(&n);
    if (cmd_has(call, "markdown"))
        cmd_help_markdown(stdout, table, n);
    else if (cmd_has(call, "support"))
        cmd_help_support(stdout);
    else if (cmd_has(call, "limits"))
        cmd_help_limits(stdout);
    else if (cmd_has(call, "errors"))
        cmd_help_errors(stdout);
    else if (cmd_has(call, "metrics"))
        cmd_help_metrics(stdout);
    else if (cmd_has(call, "routes"))
        cmd_help_routes(stdout);
    else if (cmd_has(call, "man"))
        return write_man(call, table, n);
    else if (call->operands.len)
        return help_of(call, table, n);
    else
        cmd_help_all(stdout, table, n);
    return EXIT_DONE;
}

static const struct cmd_option help_options[] = {
    {.name = "markdown", .help = "all commands, as docs/CLI.md"},
    {.name = "support",
     .help = "package formats, distributions, feeds, report formats, as docs/support.md"},
    {.name = "limits", .help = "every limit on hostile input, as docs/limits.md"},
    {.name = "errors", .help = "kinds of errors with their exit codes, as docs/errors.md"},
    {.name = "metrics", .help = "what GET /metrics of a server has, as docs/metrics.md"},
    {.name = "routes", .help = "what a server answers, and to which roles, as docs/routes.md"},
    {.name = "man", .argument = "DIR", .help = "write a page for man(1) of every command into DIR"},
    {0},
};
static const struct cmd_example help_examples[] = {
    {"plimsoll help db update", "what `db update` takes"},
    {0},
};

const struct command command_help = {
    .name = "help",
    .summary = "explain a command",
    .operands = "COMMAND",
    .max_operands = 2,
    .about = "Says what a command does and takes.",
    .options = help_options,
    .examples = help_examples,
    .run = help_run,
};
