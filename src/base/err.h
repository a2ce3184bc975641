/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - an error is a value on the caller's stack.
 * The layer that knows the cause writes the message; each layer above adds one noun by err_wrap.
 * Lower case, one line, no "failed to".  Owns: nothing.  Threads: plain values. */
#pragma once

#include "base/str.h"

/* One row of this table per kind: name, exit code, HTTP status, what the user can do. */
#define ERR_KINDS(X)                                                                               \
    X(NONE, "none", 0, 200, "")                                                                    \
    X(USAGE, "usage", 2, 400, "see `plimsoll COMMAND --help`")                                     \
    X(IO, "io", 3, 500, "check that the path exists and may be read or written")                   \
    X(FORMAT, "format", 3, 400, "the data is not what it claims to be; get it again")              \
    X(LIMIT, "limit", 3, 413, "a limit on hostile input was crossed; limits can be configured")    \
    X(NOT_FOUND, "not-found", 3, 404, "check the name")                                            \
    X(DENIED, "denied", 3, 401, "check the credentials and what they may do")                      \
    X(UNAVAILABLE, "unavailable", 3, 503, "check the address and the network, then try again")     \
    X(MISMATCH, "mismatch", 3, 502, "the bytes differ from their digest; pull or push them again") \
    X(UNSUPPORTED, "unsupported", 3, 400, "this kind of thing is not supported")                   \
    X(CONFLICT, "conflict", 3, 409, "somebody else holds it; try again")                           \
    X(MEMORY, "memory", 3, 500, "the work did not fit its memory budget")                          \
    X(SANDBOX, "sandbox", 3, 500, "see `plimsoll sandbox check`")                                  \
    X(CANCELLED, "cancelled", 3, 503, "the work was stopped or took longer than its deadline")

/* One step of an iterator. */
enum next { NEXT_ITEM, NEXT_END, NEXT_ERR };

enum err_kind {
#define X(kind, name, exit, http, help) ERR_##kind,
    ERR_KINDS(X)
#undef X
};

struct err {
    enum err_kind kind; /* ERR_NONE: no error */
    int sys;            /* errno, where one was the cause */
    char msg[240];
};

struct err_row {
    const char *name;
    int exit_code;
    int http_status;
    const char *help;
};

const struct err_row *err_row(enum err_kind kind);
size_t err_row_count(void);

/* All return false, so a failure path is `return err_set(…);`.  A message that does not fit is cut.
 * Foreign bytes in it are made harmless: control characters become '?'. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* As err_set, with ": " and what errno says. */
bool err_sys(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* Put "<noun>: " before the message; kind and errno stay. */
bool err_wrap(struct err *err, const char *fmt, ...) PRINTF(2, 3);
/* The two words a parser says when arena_new() gave NULL. */
bool err_memory(struct err *err);
static inline bool err_is(const struct err *err) { return err->kind != ERR_NONE; }
