/* SPDX-License-Identifier: Apache-2.0 */
/* rd.h - the checked reader: the only code that moves a pointer through foreign bytes.
 * Failure is sticky: after a bad read every read is zero, empty or false, so loops end and one
 * check at the end suffices.  Owns: nothing; slices are borrowed from the input.
 * Threads: one at a time. */
#pragma once

#include "base/err.h"

struct cancel;

struct rd {
    const unsigned char *ptr, *end;
    size_t start_bytes;          /* length at rd_init, for offsets in messages */
    size_t line;                 /* lines read so far by rd_line */
    const struct cancel *cancel; /* borrowed, may be NULL; asked now and then */
    struct err err;
};

void rd_init(struct rd *in, str bytes);

/* Go on with other bytes: a cheap rd_init for a reader that has not failed. */
static inline void rd_over(struct rd *in, str bytes)
{
    in->ptr = (const unsigned char *)(bytes.ptr ? bytes.ptr : "");
    in->end = in->ptr + bytes.len;
    in->start_bytes = bytes.len;
    in->line = 0;
}

static inline size_t rd_left(const struct rd *in) { return (size_t)(in->end - in->ptr); }
static inline bool rd_is_ok(const struct rd *in) { return in->err.kind == ERR_NONE; }
/* Nothing left, or failed. */
static inline bool rd_is_end(const struct rd *in) { return in->ptr == in->end; }
size_t rd_offset(const struct rd *in);

/* Fail with the line number (when rd_line was used) or the offset in front.  The first failure
 * stays.  Returns false. */
bool rd_fail(struct rd *in, enum err_kind kind, const char *fmt, ...) PRINTF(3, 4);
/* True when nothing failed; otherwise false and *err says what. */
NODISCARD bool rd_ok(const struct rd *in, struct err *err);

/* Says that @n bytes are not there; for the inline ones. */
str rd_short(struct rd *in, size_t n);

static inline uint8_t rd_u8(struct rd *in)
{
    if (in->ptr < in->end)
        return *in->ptr++;
    (void)rd_short(in, 1);
    return 0;
}
uint16_t rd_u16le(struct rd *in);
uint16_t rd_u16be(struct rd *in);
uint32_t rd_u32le(struct rd *in);
uint32_t rd_u32be(struct rd *in);
uint64_t rd_u64le(struct rd *in);
uint64_t rd_u64be(struct rd *in);
/* LEB128 of at most ten bytes; more than @max is ERR_LIMIT. */
uint64_t rd_varint_long(struct rd *in, uint64_t max);
static inline uint64_t rd_varint(struct rd *in, uint64_t max)
{
    if (in->ptr < in->end && *in->ptr < 0x80 && *in->ptr <= max)
        return *in->ptr++;
    return rd_varint_long(in, max);
}

/* Exactly @n bytes, borrowed; empty after a failure. */
static inline str rd_bytes(struct rd *in, size_t n)
{
    if (n > rd_left(in))
        return rd_short(in, n);
    str out = {(const char *)in->ptr, n};
    in->ptr += n;
    return out;
}
/* A varint length of at most @max and that many bytes: what sb_blob wrote. */
static inline str rd_blob(struct rd *in, size_t max)
{
    size_t n = (size_t)rd_varint(in, max);
    return rd_bytes(in, n);
}
str rd_rest(struct rd *in);
void rd_skip(struct rd *in, size_t n);
/* The next byte without taking it; 0 at the end. */
uint8_t rd_peek(const struct rd *in);
/* Take @token if it is next. */
bool rd_take(struct rd *in, str token);

/* A reader of the next @n bytes, which are taken: a lying length cannot leave its box.  It fails
 * with the parent when there are not that many. */
struct rd rd_sub(struct rd *in, size_t n);

/* The next line without its end (\n or \r\n); false at the end of input or after a failure.  A
 * line longer than @max is ERR_LIMIT.  The last line needs no newline. */
NODISCARD bool rd_line(struct rd *in, size_t max, str *line);
