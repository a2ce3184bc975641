/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - from strings to pointers, in the order of insertion.
 * The hash is keyed by a random number a process, so a stranger cannot choose collisions; the order
 * of iteration does not depend on it.
 * Owns: nothing; keys and values are borrowed and must outlive the map.  Threads: one writer, or
 * many readers. */
#pragma once

#include "base/arena.h"

struct map_entry {
    str key;
    void *value;
    uint64_t hash;
};

struct map {
    struct arena *arena; /* borrowed */
    struct map_entry *entries;
    uint32_t *slots; /* index + 1 into entries; 0 is free */
    size_t len, cap; /* cap is a power of two, twice the room for entries */
};

void map_init(struct map *map, struct arena *arena);
/* The value, or NULL. */
void *map_get(const struct map *map, str key);
/* Put or replace.  False when the arena is used up. */
NODISCARD bool map_put(struct map *map, str key, void *value);
/* The address of the value of @key, which is NULL when new; NULL when the arena is used up. */
void **map_at(struct map *map, str key);

/* 64 bits of a string: keyed, differs between processes. */
uint64_t map_hash(str key);
