/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - one ordering per ecosystem, one file per ordering; ranges as the ecosystems write
 * them.  Not: the ranges of an advisory (match/).
 * A version that does not parse is VERSION_UNKNOWN, never "less".
 * Owns: nothing; what a range holds is in the caller's arena.  Threads: pure. */
#pragma once

#include "base/vec.h"

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

/* --- ranges: ">= 1.0, < 2.0", "^1.2 || ~2.0", "[1.0,2.0)" (range.c)
 *
 * Versions count by their order alone: "< 2.0" holds 2.0-rc1 too, and where a range begins by a
 * prefix (1.*, ^1.2 of Composer) it begins with the prereleases.  What installers leave out by
 * default says nothing about who is affected.  A range that ends by a prefix (^1.2, ~> 1.2, 1.*)
 * ends before the prereleases of the next. */
struct version_dialect {
    const char *name;   /* "npm" */
    const char *spec;   /* the document it follows */
    const char *scheme; /* its ordering; NULL: of many, the caller says which */
    const char *lowest; /* what makes of a version the first one that begins so: "-0" */
    unsigned flags;
    size_t n_numbers; /* versions that a range makes have at least so many */
};
const struct version_dialect *version_dialect_find(str name); /* NULL: none */
const struct version_dialect *version_dialects(size_t *n);

enum version_op { OP_ANY, OP_LESS, OP_AT_MOST, OP_EQUAL, OP_NOT_EQUAL, OP_AT_LEAST, OP_GREATER };
struct version_bound {
    enum version_op op;
    bool is_alternative; /* the first of those that hold together; any alternative will do */
    bool is_prefix;      /* OP_NOT_EQUAL: from @version to before @until, "!= 1.*" */
    str version, until;
};
struct version_ranges {
    const struct version_dialect *dialect;
    const struct version_scheme *scheme;
    VEC(struct version_bound) bounds;
};
/* Adds @text's alternatives to @out, in @arena.  @scheme: NULL is the dialect's own.
 * ERR_FORMAT for what is not understood, the empty text included; ERR_LIMIT for more bounds than
 * there may be.  Then @out holds no more than before. */
NODISCARD bool version_ranges_add(const struct version_dialect *dialect,
                                  const struct version_scheme *scheme, str text,
                                  struct arena *arena, struct version_ranges *out, struct err *err);

enum version_within { WITHIN_UNKNOWN, WITHIN_NO, WITHIN_YES };
/* Unknown when @version is none, and when it moves (is_moving) and no bound names it. */
enum version_within version_within(const struct version_ranges *ranges, str version);

/* --- what ranges hold as intervals (intervals.c): for whoever keeps them, not their text */
struct version_cut {
    str version;    /* empty: before, or behind, every version */
    bool is_behind; /* just behind it; else just before it */
};
struct version_interval {
    struct version_cut from, to;
};
typedef VEC(struct version_interval) version_intervals;
/* What @ranges holds, in order; alternatives may overlap.  ERR_FORMAT where its versions cannot be
 * compared, ERR_UNSUPPORTED of a dialect whose bounds hold builds that are not named (pep440). */
NODISCARD bool version_inside(const struct version_ranges *ranges, struct arena *arena,
                              version_intervals *out, struct err *err);
/* All that it does not hold; of no bounds: everything. */
NODISCARD bool version_outside(const struct version_ranges *ranges, struct arena *arena,
                               version_intervals *out, struct err *err);
/* What both hold. */
NODISCARD bool version_common(const struct version_scheme *scheme, const version_intervals *a,
                              const version_intervals *b, struct arena *arena,
                              version_intervals *out, struct err *err);
