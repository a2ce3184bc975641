/* SPDX-License-Identifier: Apache-2.0 */
/* signal.h - signals arrive in one place: a descriptor.
 * Threads: signal_open before there are any, so that all of them have the signals blocked. */
#pragma once

#include "base/err.h"

/* Block SIGINT, SIGTERM, SIGHUP, ignore SIGPIPE; *fd becomes readable when one came. */
NODISCARD bool signal_open(int *fd, struct err *err);
/* Wait at most @timeout_ms (-1: for ever): the signal's number, or 0. */
int signal_wait(int fd, int timeout_ms);
/* Writes to closed pipes give EPIPE and not death. */
void signal_ignore_pipe(void);
