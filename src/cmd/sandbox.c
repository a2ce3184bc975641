/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

static int idle(void *prepared)
{
    free(prepared);
    return 0;
}

static void warm_nothing(void) {}

static void *prepare_idle(uint32_t request, int in_fd, int out_fd)
{
    (void)request, (void)in_fd, (void)out_fd;
    return malloc(1); /* NULL would say that it could not */
}

static const char *level_words(enum sandbox_level level)
{
    switch (level) {
    case SANDBOX_FULL:
        return "namespaces, Landlock, seccomp, rlimits and no-new-privileges hold";
    case SANDBOX_BASIC:
        return "seccomp, rlimits and no-new-privileges hold";
    case SANDBOX_NONE:
        break;
    }
    return "nothing holds: no image is read here";
}

/* Not only asked for: a child is locked and run. */
static int sandbox_check_run(const struct cmd_call *call)
{
    const struct sandbox_spec spec = {
        .warm_up = warm_nothing, .prepare = prepare_idle, .run = idle};
    struct sandbox *sandbox = NULL;
    struct sandbox_child child;
    struct err err = {0};
    if (!sandbox_start(&spec, &sandbox, &err))
        return cmd_fail_with(call, &err,
                             "Plimsoll needs seccomp; a container runtime that forbids "
                             "it must be told to allow it");
    bool is_done = sandbox_spawn(sandbox, 0, &child, &err) && sandbox_child_end(&child, &err);
    if (is_done) {
        enum sandbox_level level = sandbox_level(sandbox);
        const char *missing = sandbox_missing(sandbox);
        printf("level    %s\nholds    %s\nmissing  %s\n", sandbox_level_name(level),
               level_words(level), missing && *missing ? missing : "nothing");
    }
    sandbox_stop(sandbox);
    return is_done ? EXIT_DONE : cmd_fail_with(call, &err, "the kernel refused what it was asked");
}

static const struct cmd_example check_examples[] = {
    {"plimsoll sandbox check", "what isolates the analyser on this machine"},
    {0},
};
static const struct command command_check = {
    .name = "check",
    .summary = "say what isolates the analyser here",
    .about =
        "Locks a child as a scan does, runs it, and prints the level (full or basic), what holds "
        "and what is missing. Below basic nothing is scanned, and the exit code is 3.",
    .examples = check_examples,
    .run = sandbox_check_run,
};
static const struct command *const subs[] = {&command_check, NULL};

const struct command command_sandbox = {
    .name = "sandbox",
    .summary = "check the isolation of the analyser",
    .about = "Images are parsed only by a sandboxed child process.",
    .subs = subs,
};
