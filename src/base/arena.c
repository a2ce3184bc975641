/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

enum { ALIGN = 16, FIRST_BLOCK = 16 << 10, LAST_BLOCK = 1 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of data[] */
    _Alignas(ALIGN) unsigned char data[];
};

void arena_init(struct arena *arena, size_t budget_bytes)
{
    *arena = (struct arena){.budget_bytes = budget_bytes};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_fini(struct arena *arena)
{
    free_blocks(arena->head);
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    size_t budget_bytes = arena->budget_bytes;
    arena_fini(arena);
    arena->budget_bytes = budget_bytes;
}

/* Behind the head, whose rest stays in use. */
void arena_absorb(struct arena *to, struct arena *from)
{
    struct arena_block **end = &to->head;
    if (*end)
        end = &(*end)->next;
    struct arena_block *rest = *end;
    *end = from->head;
    while (*end)
        end = &(*end)->next;
    *end = rest;
    to->used_bytes += from->used_bytes;
    *from = (struct arena){.budget_bytes = from->budget_bytes};
}

/* Blocks double up to 1 MiB, so a small arena stays small and a large one has few blocks.
 * calloc: fresh blocks are zeroed by the kernel, and nothing is handed out twice. */
static struct arena_block *add_block(struct arena *arena, size_t need)
{
    size_t size = arena->head ? num_min(arena->head->size * 2, LAST_BLOCK) : FIRST_BLOCK;
    size = num_max(size, need);
    size_t total;
    if (!num_add(size, sizeof(struct arena_block), &total))
        return NULL;
    struct arena_block *block = calloc(1, total);
    if (!block)
        return NULL;
    block->size = size;
    /* A large object gets a block of its own behind the head, whose rest stays in use. */
    if (arena->head && need > LAST_BLOCK / 4) {
        block->next = arena->head->next;
        arena->head->next = block;
    } else {
        block->next = arena->head;
        arena->head = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t padded, used;
    if (!num_add(size ? size : 1, ALIGN - 1, &padded))
        return NULL;
    padded &= ~(size_t)(ALIGN - 1);
    if (!num_add(arena->used_bytes, padded, &used) || used > arena->budget_bytes)
        return NULL;
    struct arena_block *block = arena->head;
    if (!block || block->size - block->used < padded)
        block = add_block(arena, padded);
    if (!block)
        return NULL;
    void *out = block->data + block->used;
    block->used += padded;
    arena->used_bytes = used;
    return out;
}

void *arena_alloc_array(struct arena *arena, size_t n, size_t size)
{
    size_t total;
    return num_mul(n, size, &total) ? arena_alloc(arena, total) : NULL;
}

str arena_dup(struct arena *arena, str s)
{
    size_t with_nul;
    char *copy = num_add(s.len, 1, &with_nul) ? arena_alloc(arena, with_nul) : NULL;
    if (!copy)
        return STR_NONE;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return (str){copy, s.len};
}

str arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;
    struct arena_block *block = arena->head;
    size_t room = block ? block->size - block->used : 0;
    va_start(ap, fmt);
    int n = vsnprintf(room ? (char *)block->data + block->used : NULL, room, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < room) { /* as mostly: it stands where it will stay */
        char *here = arena_alloc(arena, (size_t)n + 1);
        return here ? (str){here, (size_t)n} : STR_NONE;
    }
    char *text = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (!text)
        return STR_NONE;
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (str){text, (size_t)n};
}

str arena_join(struct arena *arena, const str *parts, size_t n)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        if (!num_add(len, parts[i].len, &len))
            return STR_NONE;
    size_t with_nul;
    char *text = num_add(len, 1, &with_nul) ? arena_alloc(arena, with_nul) : NULL;
    if (!text)
        return STR_NONE;
    for (size_t i = 0; i < n; at += parts[i++].len)
        if (parts[i].len)
            memcpy(text + at, parts[i].ptr, parts[i].len);
    return (str){text, len};
}

const char *arena_cstr(struct arena *arena, str s) { return arena_dup(arena, s).ptr; }
