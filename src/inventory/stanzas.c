/* SPDX-License-Identifier: Apache-2.0 */
/* stanzas.c - a database of deb822 stanzas, one by one: what is broken is told and passed over up
 * to its empty line, and the others are read. */
#include "base/limits.h"
#include "inventory/internal.h"

struct reading {
    struct arena scratch; /* for a stanza's fields */
    size_t n_lines;       /* before the block in hand */
    struct flaws *flaws;
    stanza_reader read;
    void *ctx;
};

/* The text up to the next empty line, which is taken too. */
static str next_block(struct rd *in)
{
    str rest = {(const char *)in->ptr, rd_left(in)};
    size_t unix_end = str_find(rest, STR("\n\n"));
    size_t dos_end = str_find(str_slice(rest, 0, unix_end), STR("\n\r\n"));
    size_t end = dos_end < unix_end ? dos_end : unix_end;
    str block = rd_bytes(in, end < rest.len ? end + 1 : rest.len);
    rd_take(in, STR("\r"));
    rd_take(in, STR("\n"));
    return block;
}

static size_t count_lines(str s)
{
    size_t n = 0;
    for (; s.len; n++)
        s = str_skip(s, str_find_byte(s, '\n') + 1);
    return n;
}

static bool read_block(struct reading *reading, const struct rd *in, str block, struct err *err)
{
    struct rd sub;
    rd_init(&sub, block);
    sub.cancel = in->cancel;
    sub.line = reading->n_lines;
    reading->n_lines += count_lines(block) + 1;
    for (;;) {
        struct stanza stanza = {0};
        arena_reset(&reading->scratch);
        switch (stanza_read(&sub, &reading->scratch, &stanza)) {
        case NEXT_END:
            return true;
        case NEXT_ITEM:
            if (!reading->read(reading->ctx, &stanza, err))
                return false;
            break;
        case NEXT_ERR:
            if (sub.err.kind == ERR_CANCELLED || sub.err.kind == ERR_MEMORY) {
                *err = sub.err;
                return false;
            }
            flaws_add(reading->flaws, 0, "%s", sub.err.msg);
            return true;
        }
    }
}

bool stanzas_read(struct rd *in, struct flaws *flaws, stanza_reader read, void *ctx,
                  struct err *err)
{
    struct reading reading = {.flaws = flaws, .read = read, .ctx = ctx};
    arena_init(&reading.scratch, 4 * LIMIT(STANZA_LINE));
    bool ok = true;
    while (ok && !rd_is_end(in))
        ok = !cancel_is(in->cancel, err) && read_block(&reading, in, next_block(in), err);
    arena_fini(&reading.scratch);
    return ok;
}
