/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - what every unit test includes: cmocka in the order it wants, and access to data. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/rd.h"

/* The named file of tests/data, or of the shared data beside the project, read whole into @arena;
 * fails the test when it cannot be read. */
str test_data(struct arena *arena, const char *path);
str test_shared(struct arena *arena, const char *path);
/* Skip the running test, with one clear line, when the shared data is absent. */
void test_need_shared(const char *path);
/* Full path in the shared data; valid until the next call. */
const char *test_shared_path(const char *path);
const char *test_data_path(const char *path);
/* A fresh directory, removed by test_rmdir. */
const char *test_mkdir(struct arena *arena);
void test_rmdir(const char *path);

/* The next data line of a rules file: no comment, not empty. */
bool test_next_row(struct rd *in, str *row);

#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        str a_ = (actual), e_ = str_from(expected);                                                \
        if (!str_eq(a_, e_))                                                                       \
            fail_msg("is \"%.*s\", expected \"%.*s\"", STR_ARG(a_), STR_ARG(e_));                  \
    } while (0)
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s", #call, (err).msg);                                                  \
    } while (0)
