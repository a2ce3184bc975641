/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <threads.h>

#include "base/num.h"

static once_flag seed_once = ONCE_FLAG_INIT; /* lint: mutable static, the process's hash key */
static uint64_t seed[2]; /* lint: mutable static, written once under seed_once */

static void draw_seed(void)
{
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        abort(); /* without it a stranger could choose collisions */
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 wide = (unsigned __int128)(a ^ seed[0]) * (b ^ seed[1]);
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

static uint64_t seeded_hash(str key)
{
    uint64_t h = key.len ^ seed[1];
    while (key.len) {
        uint64_t word[2] = {0, 0};
        size_t n = num_min(key.len, sizeof(word));
        memcpy(word, key.ptr, n);
        h = mix(word[0] ^ h, word[1] + 0x9e3779b97f4a7c15u);
        key = str_skip(key, n);
    }
    return mix(h, 0xd6e8feb86659fd93u);
}

uint64_t map_hash(str key)
{
    call_once(&seed_once, draw_seed);
    return seeded_hash(key);
}

void map_init(struct map *map, struct arena *arena) { *map = (struct map){.arena = arena}; }

/* The slot that holds @key, or the free one where it belongs. */
static size_t probe(const struct map *map, str key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    size_t at = hash & mask;
    for (; map->slots[at]; at = (at + 1) & mask) {
        const struct map_entry *entry = &map->entries[map->slots[at] - 1];
        if (entry->hash == hash && str_eq(entry->key, key))
            break;
    }
    return at;
}

void *map_get(const struct map *map, str key)
{
    if (map->len == 0)
        return NULL;
    size_t at = probe(map, key, seeded_hash(key)); /* whoever put something drew the seed */
    return map->slots[at] ? map->entries[map->slots[at] - 1].value : NULL;
}

static bool grow(struct map *map)
{
    size_t cap = map->cap ? map->cap * 2 : 16;
    if (cap > UINT32_MAX)
        return false;
    struct map_entry *entries = arena_array(map->arena, struct map_entry, cap / 2);
    uint32_t *slots = arena_array(map->arena, uint32_t, cap);
    if (!entries || !slots)
        return false;
    if (map->len)
        memcpy(entries, map->entries, map->len * sizeof(*entries));
    map->entries = entries;
    map->slots = slots;
    map->cap = cap;
    for (size_t i = 0; i < map->len; i++) {
        size_t at = entries[i].hash & (cap - 1);
        while (slots[at])
            at = (at + 1) & (cap - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return true;
}

void **map_at(struct map *map, str key)
{
    uint64_t hash = map_hash(key);
    if (map->len == map->cap / 2 && !(map->len && map->slots[probe(map, key, hash)]) && !grow(map))
        return NULL;
    size_t at = probe(map, key, hash);
    if (!map->slots[at]) {
        map->entries[map->len] = (struct map_entry){.key = key, .hash = hash};
        map->slots[at] = (uint32_t)++map->len;
    }
    return &map->entries[map->slots[at] - 1].value;
}

bool map_put(struct map *map, str key, void *value)
{
    void **at = map_at(map, key);
    if (!at)
        return false;
    *at = value;
    return true;
}
