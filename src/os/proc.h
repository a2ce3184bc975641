/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - run another program to its end: no shell, a closed environment but PATH and LC_ALL=C.
 * Threads: any. */
#pragma once

#include "base/arena.h"

struct proc_result {
    int exit_code; /* 128 + signal when one ended it */
    str out;       /* stdout, in the arena given */
    str errors;    /* stderr, at most 16 KiB of it */
};
/* @argv[0] is looked up in PATH; the last is NULL.  @input goes to its stdin.  Output of more than
 * @max bytes, or no end after @timeout_s, kills it: ERR_LIMIT, ERR_CANCELLED.  ERR_NOT_FOUND when
 * there is no such program. */
NODISCARD bool proc_run(const char *const *argv, str input, size_t max, unsigned timeout_s,
                        struct arena *arena, struct proc_result *out, struct err *err);
