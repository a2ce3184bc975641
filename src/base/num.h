/* SPDX-License-Identifier: Apache-2.0 */
/* num.h - arithmetic on sizes that strangers chose.  False means it does not fit; *out is untouched
 * by nobody who checks. */
#pragma once

#include "base/str.h"

NODISCARD static inline bool num_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

NODISCARD static inline bool num_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline size_t num_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t num_max(size_t a, size_t b) { return a > b ? a : b; }
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
