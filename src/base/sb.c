/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

void sb_init(struct sb *sb, size_t max_bytes) { *sb = (struct sb){.max_bytes = max_bytes}; }

void sb_fini(struct sb *sb)
{
    free(sb->ptr);
    *sb = (struct sb){0};
}

void sb_clear(struct sb *sb)
{
    sb->len = 0;
    sb->has_failed = false;
}

bool sb_grow(struct sb *sb, size_t n)
{
    size_t need;
    if (sb->has_failed || !num_add(sb->len, n, &need) || need > sb->max_bytes) {
        sb->has_failed = true;
        return false;
    }
    if (need + 1 <= sb->cap)
        return true;
    size_t cap = num_max(num_max(64, need + 1), num_min(sb->cap * 2, sb->max_bytes + 1));
    char *ptr = realloc(sb->ptr, cap);
    if (!ptr) {
        sb->has_failed = true;
        return false;
    }
    sb->ptr = ptr;
    sb->cap = cap;
    return true;
}

void sb_addf(struct sb *sb, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !sb_room(sb, (size_t)n)) {
        sb->has_failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(sb->ptr + sb->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    sb->len += (size_t)n;
}

void sb_number(struct sb *sb, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    sb_add(sb, str_of(digits + at, sizeof(digits) - at));
}

static void add_le(struct sb *sb, uint64_t value, size_t n)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(value >> (8 * i) & 0xff);
    sb_add(sb, (str){bytes, n});
}

void sb_u32le(struct sb *sb, uint32_t value) { add_le(sb, value, 4); }
void sb_u64le(struct sb *sb, uint64_t value) { add_le(sb, value, 8); }

void sb_varint(struct sb *sb, uint64_t value)
{
    while (value >= 0x80) {
        sb_byte(sb, (uint8_t)(value & 0x7f) | 0x80);
        value >>= 7;
    }
    sb_byte(sb, (uint8_t)value);
}

void sb_blob(struct sb *sb, str s)
{
    sb_varint(sb, s.len);
    sb_add(sb, s);
}

bool sb_ok(const struct sb *sb, struct err *err)
{
    return !sb->has_failed ||
           err_set(err, ERR_LIMIT, "more than %zu bytes in one buffer", sb->max_bytes);
}
