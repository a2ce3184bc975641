/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - one ordering per ecosystem, one file per ordering.  Not: ranges (match/).
 * A version that does not parse is VERSION_UNKNOWN, never "less".
 * Owns: nothing.  Threads: pure. */
#pragma once

#include "base/err.h"

enum version_order {
    VERSION_UNKNOWN = 0, /* the safe value: nobody can say */
    VERSION_LESS,
    VERSION_EQUAL,
    VERSION_GREATER,
};

/* A version that was read, in the parts that its ordering compares; borrows from it. */
struct version_read {
    str parts[3];
    bool is_valid;
};

struct version_scheme {
    const char *name; /* "dpkg", "apk" */
    const char *spec; /* the document it follows */
    bool (*is_valid)(str version);
    /* A branch or snapshot whose code changes under one name (dev-main): it has a place in the
     * order, yet that says nothing about what it holds.  NULL: there are none. */
    bool (*is_moving)(str version);
    enum version_order (*cmp)(str a, str b);
    /* The same for a version that is compared with very many: it is read once.  NULL: only cmp. */
    void (*read)(str version, struct version_read *out);
    enum version_order (*cmp_read)(const struct version_read *a, str b);
};

/* By name; NULL when there is none. */
const struct version_scheme *version_find(str name);
const struct version_scheme *const *version_schemes(size_t *n);
