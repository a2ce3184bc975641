/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory with one lifetime and a budget.  Nobody frees a single object.
 * Owns: every block it handed out, until arena_fini or arena_reset.
 * Threads: one at a time. */
#pragma once

#include "base/err.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_bytes;   /* what was handed out, with padding */
    size_t budget_bytes; /* 0: a zeroed arena hands out nothing */
};

void arena_init(struct arena *arena, size_t budget_bytes);
void arena_fini(struct arena *arena);  /* harmless on a zeroed one, and twice */
void arena_reset(struct arena *arena); /* everything handed out is gone; the budget stays */

/* @to owns what @from did, which is empty then.  The budget is not asked: whoever gave @from its
 * own took it from what @to had left. */
void arena_absorb(struct arena *to, struct arena *from);

/* Zeroed and aligned for any type; NULL when the budget or the machine has no more. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t n, size_t size);
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_alloc_array((arena), (n), sizeof(type)))

/* Copies, each with a NUL behind it that the length does not count.  A copy that does not fit has
 * ptr NULL: check it, also for empty input (an empty copy has a pointer). */
str arena_dup(struct arena *arena, str s);
str arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3);
/* One after the other; ptr NULL: the arena is used up. */
str arena_join(struct arena *arena, const str *parts, size_t n);
#define ARENA_JOIN(arena, ...)                                                                     \
    arena_join((arena), (const str[]){__VA_ARGS__},                                                \
               sizeof((const str[]){__VA_ARGS__}) / sizeof(str))
/* For libc's door: NULL when it does not fit. */
const char *arena_cstr(struct arena *arena, str s);
