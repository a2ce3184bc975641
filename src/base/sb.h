/* SPDX-License-Identifier: Apache-2.0 */
/* sb.h - a growing buffer that is born with a maximum.
 * Failure is sticky: after one add that did not fit, every add does nothing, and one check of
 * sb_ok at the end suffices.  Owns: its bytes, until sb_fini.  Threads: one at a time. */
#pragma once

#include "base/err.h"

struct sb {
    char *ptr; /* NUL-terminated when not NULL */
    size_t len;
    size_t cap;
    size_t max_bytes;
    bool has_failed;
};

void sb_init(struct sb *sb, size_t max_bytes);
void sb_fini(struct sb *sb); /* harmless on a zeroed one */
void sb_clear(struct sb *sb);
#define auto_sb __attribute__((cleanup(sb_fini))) struct sb

void sb_addf(struct sb *sb, const char *fmt, ...) PRINTF(2, 3);
void sb_u32le(struct sb *sb, uint32_t value);
void sb_u64le(struct sb *sb, uint64_t value);
/* LEB128; and a varint length with the bytes behind it: read back by rd_varint and rd_blob. */
void sb_varint(struct sb *sb, uint64_t value);
void sb_blob(struct sb *sb, str s);

/* In decimal, as %llu has it. */
void sb_number(struct sb *sb, uint64_t value);

/* Room for @n bytes behind the last, for who fills it and then says sb_filled; NULL after a
 * failure. */
bool sb_grow(struct sb *sb, size_t n);
static inline char *sb_room(struct sb *sb, size_t n)
{
    bool has_room = !sb->has_failed && n < sb->cap - sb->len && n <= sb->max_bytes - sb->len;
    return __builtin_expect(has_room, true) || sb_grow(sb, n) ? sb->ptr + sb->len : NULL;
}
static inline void sb_filled(struct sb *sb, const char *end)
{
    sb->len = (size_t)(end - sb->ptr);
    sb->ptr[sb->len] = '\0';
}
/* Here, so that a literal's length is known where it is added. */
static inline void sb_add(struct sb *sb, str s)
{
    char *to = sb_room(sb, s.len);
    if (!to)
        return;
    if (s.len)
        __builtin_memcpy(to, s.ptr, s.len);
    sb_filled(sb, to + s.len);
}
static inline void sb_addc(struct sb *sb, const char *c) { sb_add(sb, str_from(c)); }
static inline void sb_byte(struct sb *sb, uint8_t byte)
{
    char *to = sb_room(sb, 1);
    if (!to)
        return;
    *to = (char)byte;
    sb_filled(sb, to + 1);
}

static inline str sb_str(const struct sb *sb) { return (str){sb->ptr, sb->len}; }
/* False with ERR_LIMIT when something did not fit. */
NODISCARD bool sb_ok(const struct sb *sb, struct err *err);
