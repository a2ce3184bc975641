/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"

void rd_init(struct rd *in, str bytes)
{
    const unsigned char *ptr = (const unsigned char *)(bytes.ptr ? bytes.ptr : "");
    *in = (struct rd){.ptr = ptr, .end = ptr + bytes.len, .start_bytes = bytes.len};
}

size_t rd_offset(const struct rd *in) { return in->start_bytes - rd_left(in); }

bool rd_fail(struct rd *in, enum err_kind kind, const char *fmt, ...)
{
    if (!rd_is_ok(in))
        return false;
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (in->line)
        err_set(&in->err, kind, "line %zu: %s", in->line, why);
    else
        err_set(&in->err, kind, "at byte %zu: %s", rd_offset(in), why);
    in->ptr = in->end;
    return false;
}

bool rd_ok(const struct rd *in, struct err *err)
{
    if (rd_is_ok(in))
        return true;
    *err = in->err;
    return false;
}

str rd_short(struct rd *in, size_t n)
{
    rd_fail(in, ERR_FORMAT, "%zu bytes expected, %zu left", n, rd_left(in));
    return STR_NONE;
}

void rd_skip(struct rd *in, size_t n) { (void)rd_bytes(in, n); }
str rd_rest(struct rd *in) { return rd_bytes(in, rd_left(in)); }
uint8_t rd_peek(const struct rd *in) { return rd_is_end(in) ? 0 : *in->ptr; }

static uint64_t get_int(struct rd *in, size_t n, bool is_big)
{
    str s = rd_bytes(in, n);
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t byte = (unsigned char)s.ptr[is_big ? i : s.len - 1 - i];
        value = value << 8 | byte;
    }
    return value;
}

uint16_t rd_u16le(struct rd *in) { return (uint16_t)get_int(in, 2, false); }
uint16_t rd_u16be(struct rd *in) { return (uint16_t)get_int(in, 2, true); }
uint32_t rd_u32le(struct rd *in) { return (uint32_t)get_int(in, 4, false); }
uint32_t rd_u32be(struct rd *in) { return (uint32_t)get_int(in, 4, true); }
uint64_t rd_u64le(struct rd *in) { return get_int(in, 8, false); }
uint64_t rd_u64be(struct rd *in) { return get_int(in, 8, true); }

uint64_t rd_varint_long(struct rd *in, uint64_t max)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = rd_u8(in);
        if (shift == 63 && byte > 1)
            break;
        value |= (byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (value <= max)
            return value;
        rd_fail(in, ERR_LIMIT, "%llu is more than %llu", (unsigned long long)value,
                (unsigned long long)max);
        return 0;
    }
    rd_fail(in, ERR_FORMAT, "a number of more than 64 bits");
    return 0;
}

bool rd_take(struct rd *in, str token)
{
    if (rd_left(in) < token.len || memcmp(in->ptr, token.ptr, token.len) != 0)
        return false;
    in->ptr += token.len;
    return true;
}

struct rd rd_sub(struct rd *in, size_t n)
{
    struct rd sub;
    rd_init(&sub, rd_bytes(in, n));
    sub.cancel = in->cancel;
    sub.err = in->err;
    return sub;
}

bool rd_line(struct rd *in, size_t max, str *line)
{
    *line = STR_NONE;
    if (rd_is_end(in))
        return false;
    if (in->cancel && (in->line & 255) == 0 && cancel_is(in->cancel, &in->err)) {
        in->ptr = in->end;
        return false;
    }
    in->line++;
    size_t left = rd_left(in);
    const unsigned char *nl = memchr(in->ptr, '\n', left);
    size_t len = nl ? (size_t)(nl - in->ptr) : left;
    if (len > max)
        return rd_fail(in, ERR_LIMIT, "longer than %zu bytes", max);
    *line = (str){(const char *)in->ptr, len};
    in->ptr += len + (nl != NULL);
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return true;
}
