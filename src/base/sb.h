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

void sb_add(struct sb *sb, str s);
void sb_addc(struct sb *sb, const char *c);
void sb_addf(struct sb *sb, const char *fmt, ...) PRINTF(2, 3);
void sb_byte(struct sb *sb, uint8_t byte);
void sb_u32le(struct sb *sb, uint32_t value);
void sb_u64le(struct sb *sb, uint64_t value);
/* LEB128; and a varint length with the bytes behind it: read back by rd_varint and rd_blob. */
void sb_varint(struct sb *sb, uint64_t value);
void sb_blob(struct sb *sb, str s);

/* Room for @n bytes behind the last, for who fills it and then says sb_filled; NULL after a
 * failure. */
bool sb_grow(struct sb *sb, size_t n);
static inline char *sb_room(struct sb *sb, size_t n)
{
    bool has_room = !sb->has_failed && n < sb->cap - sb->len && n <= sb->max_bytes - sb->len;
    return has_room || sb_grow(sb, n) ? sb->ptr + sb->len : NULL;
}
static inline void sb_filled(struct sb *sb, const char *end)
{
    sb->len = (size_t)(end - sb->ptr);
    sb->ptr[sb->len] = '\0';
}

static inline str sb_str(const struct sb *sb) { return (str){sb->ptr, sb->len}; }
/* False with ERR_LIMIT when something did not fit. */
NODISCARD bool sb_ok(const struct sb *sb, struct err *err);
