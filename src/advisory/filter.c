/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - a blocked Bloom filter over the keys of packages.  Of 400 packages of an image most
 * have no statement at all; asking the tree for each of them is most of the work of a match.
 *
 * A block is a cache line of 512 bits.  The upper half of a hash picks the block, its lower 54 bits
 * six bits of it.  At 12 bits a key some 1 % of what is not there passes, and is then looked up.
 * The hash is stable: it is on disk.  A stranger who chooses names gains nothing but look-ups. */
#include <string.h>

#include "advisory/internal.h"

enum { BLOCK = 64, BITS_A_KEY = 12, N_BITS = 6, BIT_INDEX = 9 };

size_t filter_size(size_t n)
{
    size_t blocks = (n * BITS_A_KEY + BLOCK * 8 - 1) / (BLOCK * 8);
    return (blocks ? blocks : 1) * BLOCK;
}

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93ULL;
    h ^= h >> 29;
    h *= 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 32;
}

static uint64_t word_of(const char *bytes, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, bytes, n);
    return word;
}

static uint64_t hash_str(uint64_t h, str s)
{
    size_t i = 0;
    for (; s.len - i >= 8; i += 8)
        h = (h ^ word_of(s.ptr + i, 8)) * 0x9fb21c651e98df25ULL + (h >> 47);
    if (i < s.len)
        h = (h ^ word_of(s.ptr + i, s.len - i)) * 0x9fb21c651e98df25ULL + (h >> 47);
    return mix(h + s.len);
}

uint64_t filter_hash(str a, str b) { return hash_str(hash_str(0x504c494d534f4c4cULL, a), b); }

static size_t block_of(size_t size, uint64_t hash)
{
    return (size_t)(((hash >> 32) * (uint64_t)(size / BLOCK)) >> 32) * BLOCK;
}

void filter_add(unsigned char *filter, size_t size, uint64_t hash)
{
    unsigned char *block = filter + block_of(size, hash);
    uint64_t bits = mix(hash);
    for (int i = 0; i < N_BITS; i++, bits >>= BIT_INDEX)
        block[(bits & 511) >> 3] |= (unsigned char)(1U << (bits & 7));
}

bool filter_has(str filter, uint64_t hash)
{
    str block = str_slice(filter, block_of(filter.len, hash), filter.len);
    uint64_t bits = mix(hash);
    if (block.len < BLOCK)
        return true; /* none, or cut: it says nothing */
    for (int i = 0; i < N_BITS; i++, bits >>= BIT_INDEX)
        if (!((unsigned char)block.ptr[(bits & 511) >> 3] & (1U << (bits & 7))))
            return false;
    return true;
}
