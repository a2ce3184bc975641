/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - the locks a sandboxed child puts on itself, one by one.  Not: who needs them
 * (sandbox.h). Each is irrevocable for the process, or for the calling thread and those it starts
 * later. */
#pragma once

#include "base/err.h"

/* Kernel's Landlock ABI, 0 when it has none. */
int lock_landlock_abi(void);
/* No file, no network beyond what is open already, no signals or sockets out of the domain. */
NODISCARD bool lock_landlock(struct err *err);
/* Address space, processor time, no new file contents, no core. */
NODISCARD bool lock_limits(uint64_t memory_bytes, uint64_t cpu_s, struct err *err);
/* No new privileges, no capabilities, not dumpable. */
NODISCARD bool lock_privileges(struct err *err);
/* On every thread: reading, writing, memory, waiting, ending.  Anything else kills the process. */
NODISCARD bool lock_syscalls(struct err *err);
/* An empty root file system of our own; needs a mount namespace. */
NODISCARD bool lock_root(struct err *err);
