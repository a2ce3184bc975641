/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - what the tests of all orderings do with their rules, vectors and properties. */
#pragma once

#include "support.h"

#include "base/num.h"
#include "version/version.h"

#include <string.h>

enum { CHECK_ARENA = 64 << 20 };

static inline char order_sign(enum version_order order) { return "?<=>"[order]; }

static inline enum version_order order_flip(enum version_order order)
{
    return order == VERSION_LESS      ? VERSION_GREATER
           : order == VERSION_GREATER ? VERSION_LESS
                                      : order;
}

static inline void check_order(const struct version_scheme *scheme, str a, char sign, str b)
{
    enum version_order order = scheme->cmp(a, b);
    if (order_sign(order) != sign || scheme->cmp(b, a) != order_flip(order))
        fail_msg("%s: %.*s %c %.*s, expected %c", scheme->name, STR_ARG(a), order_sign(order),
                 STR_ARG(b), sign);
}

static inline void check_invalid(const struct version_scheme *scheme, str v)
{
    if (scheme->is_valid(v) || scheme->cmp(v, v) != VERSION_UNKNOWN ||
        scheme->cmp(v, STR("1")) != VERSION_UNKNOWN || scheme->cmp(STR("1"), v) != VERSION_UNKNOWN)
        fail_msg("%s: '%.*s' is taken for a version", scheme->name, STR_ARG(v));
}

/* The operator is the last that stands between blanks: versions may hold some. */
static inline void cut_rule(str row, str *a, str *op, str *b)
{
    size_t at = 0;
    for (size_t i = 1; i + 2 < row.len; i++)
        if (row.ptr[i - 1] == ' ' && row.ptr[i + 1] == ' ' &&
            str_find_byte(STR("<=>?"), row.ptr[i]) < 4)
            at = i;
    if (at == 0)
        fail_msg("no rule: " STR_FMT, STR_ARG(row));
    *a = str_slice(row, 0, at - 1);
    *op = str_slice(row, at, at + 1);
    *b = str_skip(row, at + 2);
}

/* "A OP B" or "A invalid"; an empty A is the empty version.  OP "?": both are, without order. */
static inline void check_rules(const struct version_scheme *scheme, const char *path)
{
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct rd in;
    rd_init(&in, test_data(&arena, path));
    str row;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        str a, op, b;
        if (str_eq(row, STR("invalid"))) {
            check_invalid(scheme, STR_NONE);
        } else if (str_ends(row, STR(" invalid"))) {
            check_invalid(scheme, str_slice(row, 0, row.len - 8));
        } else {
            cut_rule(row, &a, &op, &b);
            if (!scheme->is_valid(a) || !scheme->is_valid(b))
                fail_msg("%s: one is refused: %.*s", scheme->name, STR_ARG(row));
            check_order(scheme, a, op.ptr[0], b);
        }
    }
    assert_true(n > 20);
    arena_fini(&arena);
}

/* Columns a, op, b, …; @is_strict: the answer must be op, otherwise any answer will do. */
static inline size_t check_vectors(const struct version_scheme *scheme, const char *path,
                                   bool is_strict)
{
    test_need_shared(path);
    struct arena arena;
    arena_init(&arena, CHECK_ARENA);
    struct rd in;
    rd_init(&in, test_shared(&arena, path));
    str line;
    size_t n = 0;
    assert_true(rd_line(&in, 4096, &line)); /* the head */
    for (; rd_line(&in, 4096, &line); n++) {
        str a, op, b;
        assert_true(str_next(&line, '\t', &a) && str_next(&line, '\t', &op) &&
                    str_next(&line, '\t', &b));
        if (is_strict)
            check_order(scheme, a, op.ptr[0], b);
        else
            assert_true(scheme->cmp(a, b) == order_flip(scheme->cmp(b, a)));
    }
    arena_fini(&arena);
    return n;
}

/* A deterministic stream of versions made of @pieces: up to six in any order, or one of every four
 * in turn. */
struct maker {
    uint64_t state;
    bool is_slotted;
    const char *const *pieces;
    size_t n_pieces;
};
static inline uint32_t maker_random(struct maker *maker, uint32_t below)
{
    maker->state = maker->state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(maker->state >> 33) % below;
}
enum { MADE_SIZE = 128, MAKER_SLOT = 4 };
static inline str maker_next(struct maker *maker, char out[static MADE_SIZE])
{
    size_t len = 0;
    size_t n_turns = maker->is_slotted ? maker->n_pieces / MAKER_SLOT : 1 + maker_random(maker, 6);
    for (size_t i = 0; i < n_turns; i++) {
        size_t from = maker->is_slotted ? i * MAKER_SLOT : 0;
        size_t n = maker->is_slotted ? MAKER_SLOT : maker->n_pieces;
        str piece = str_from(maker->pieces[from + maker_random(maker, (uint32_t)n)]);
        memcpy(out + len, piece.ptr, piece.len);
        len += piece.len;
    }
    out[len] = 0;
    return (str){out, len};
}

/* On generated triples: reflexive, antisymmetric, transitive. */
static inline void check_properties(const struct version_scheme *scheme, struct maker maker)
{
    size_t n_valid = 0;
    for (size_t i = 0; i < 200000; i++) {
        char bytes[3][MADE_SIZE];
        str v[3];
        for (size_t j = 0; j < 3; j++)
            v[j] = maker_next(&maker, bytes[j]);
        enum version_order ab = scheme->cmp(v[0], v[1]), bc = scheme->cmp(v[1], v[2]),
                           ac = scheme->cmp(v[0], v[2]);
        bool both = scheme->is_valid(v[0]) && scheme->is_valid(v[1]);
        bool is_free = scheme->is_moving && scheme->is_moving(v[0]) && scheme->is_moving(v[1]);
        if (ab != VERSION_UNKNOWN && !both)
            fail_msg("%s: one of %s and %s is no version", scheme->name, bytes[0], bytes[1]);
        if ((ab == VERSION_UNKNOWN && both && !is_free) ||
            scheme->cmp(v[1], v[0]) != order_flip(ab))
            fail_msg("%s: %s and %s", scheme->name, bytes[0], bytes[1]);
        if (both && scheme->is_valid(v[2])) {
            n_valid++;
            bool is_broken =
                (ab != VERSION_GREATER && bc != VERSION_GREATER && ac == VERSION_GREATER) ||
                (ab == VERSION_EQUAL && bc != ac);
            if (is_broken)
                fail_msg("%s: not transitive: %s, %s, %s", scheme->name, bytes[0], bytes[1],
                         bytes[2]);
        }
    }
    assert_true(n_valid > 1000);
}
