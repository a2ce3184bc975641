/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - run a function of ours on hostile bytes where it can do no harm.
 *
 *     parent ──socket──> zygote (its own user, pid, mount, net, ipc, uts namespaces; warmed up)
 *        │                  └─fork─> child: no new privileges, Landlock without rights, rlimits,
 *        └──────two pipes──────────>        seccomp allow-list that kills; reads, writes, exits
 *
 * FULL: namespaces, Landlock and seccomp hold.  BASIC: seccomp and rlimits hold, and something else
 * of the kernel's is missing (sandbox_missing says what).  Below BASIC nothing runs.
 * Threads: sandbox_start before there are any; sandbox_spawn from any thread. */
#pragma once

#include "base/err.h"

enum sandbox_level { SANDBOX_NONE, SANDBOX_BASIC, SANDBOX_FULL };
const char *sandbox_level_name(enum sandbox_level level);

struct sandbox_spec {
    /* In the zygote, before any lock: let libraries open what they open at first use. */
    void (*warm_up)(void);
    /* In the child, before the last lock: start the threads it needs (they are locked with it). */
    void *(*prepare)(uint32_t request, int in_fd, int out_fd);
    /* In the child, locked: do the work, give the exit code. */
    int (*run)(void *prepared);
};
struct sandbox;
NODISCARD bool sandbox_start(const struct sandbox_spec *spec, struct sandbox **out,
                             struct err *err);
void sandbox_stop(struct sandbox *sandbox);
enum sandbox_level sandbox_level(const struct sandbox *sandbox);
/* What keeps the level below FULL, in words; empty when nothing does. */
const char *sandbox_missing(const struct sandbox *sandbox);

/* A running child.  Owned by the caller until sandbox_child_end. */
struct sandbox_child {
    int in_fd;     /* write the bytes here, then close (-1 when closed) */
    int out_fd;    /* read the answer here */
    int status_fd; /* gives one int at its end; closing it kills the child */
};
NODISCARD bool sandbox_spawn(struct sandbox *sandbox, uint32_t request, struct sandbox_child *out,
                             struct err *err);
/* Close everything, wait for the end; a child that still runs is killed.  False with ERR_SANDBOX
 * that says how it died (signal, seccomp, exit code) unless it ended well. */
NODISCARD bool sandbox_child_end(struct sandbox_child *child, struct err *err);
