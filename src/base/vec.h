/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h - a growing array in an arena.  VEC(struct package) declares one; zeroed is empty.
 * Growth leaves the old copy in the arena (at most as much again), so pointers into a vec die at
 * the next push.  Owns: nothing; the arena does.  Threads: one at a time. */
#pragma once

#include "base/arena.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *ptr;                                                                                 \
        size_t len, cap;                                                                           \
    }

/* A pointer to a new zeroed last element, or NULL when the arena is used up. */
#define vec_push(arena, vec)                                                                       \
    ((__typeof__((vec)->ptr))vec_push_((arena), (void **)&(vec)->ptr, &(vec)->len, &(vec)->cap,    \
                                       sizeof(*(vec)->ptr)))
void *vec_push_(struct arena *arena, void **ptr, size_t *len, size_t *cap, size_t size);

#define vec_sort(vec, cmp)                                                                         \
    ((vec)->len ? qsort((vec)->ptr, (vec)->len, sizeof(*(vec)->ptr), (cmp)) : (void)0)
