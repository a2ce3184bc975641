/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_row rows[] = {
#define X(kind, name, exit, http, help) {name, exit, http, help},
    ERR_KINDS(X)
#undef X
};

size_t err_row_count(void) { return sizeof(rows) / sizeof(rows[0]); }

const struct err_row *err_row(enum err_kind kind)
{
    return &rows[(size_t)kind < err_row_count() ? kind : ERR_FORMAT];
}

/* Messages quote names chosen by strangers: none may move a cursor or forge a log line. */
static void make_harmless(char *msg)
{
    for (unsigned char *c = (unsigned char *)msg; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

PRINTF(3, 0)
static void set_va(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
    err->kind = kind;
    err->sys = 0;
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    make_harmless(err->msg);
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set_va(err, kind, fmt, ap);
    va_end(ap);
    return false;
}

bool err_sys(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    int sys = errno;
    va_list ap;
    va_start(ap, fmt);
    set_va(err, kind, fmt, ap);
    va_end(ap);
    err->sys = sys;
    char text[128];
    size_t used = strlen(err->msg);
    snprintf(err->msg + used, sizeof(err->msg) - used, ": %s", strerror_r(sys, text, sizeof(text)));
    return false;
}

bool err_wrap(struct err *err, const char *fmt, ...)
{
    char noun[sizeof(err->msg)];
    char whole[2 * sizeof(err->msg) + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(noun, sizeof(noun), fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof(whole), "%s: %s", noun, err->msg);
    size_t n = strnlen(whole, sizeof(err->msg) - 1);
    memcpy(err->msg, whole, n);
    err->msg[n] = '\0';
    make_harmless(err->msg);
    return false;
}

bool err_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "the memory budget is used up");
}
