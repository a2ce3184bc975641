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

/* The text up to the next empty line, which is taken too.  Line by line: to look for the one kind
 * of empty line in a file that has only the other would read it to its end for each stanza. */
static str next_block(struct rd *in, size_t *n_lines)
{
    str rest = {(const char *)in->ptr, rd_left(in)};
    size_t len = 0;
    for (*n_lines = 0; len < rest.len;) {
        size_t end = len + str_find_byte(str_skip(rest, len), '\n');
        str line = str_slice(rest, len, end);
        if (len && (line.len == 0 || str_eq(line, STR("\r"))) && end < rest.len)
            break;
        len = end + (end < rest.len);
        ++*n_lines;
    }
    str block = rd_bytes(in, len);
    rd_take(in, STR("\r"));
    rd_take(in, STR("\n"));
    return block;
}

static bool read_block(struct reading *reading, struct rd *in, struct err *err)
{
    struct rd sub;
    size_t n_lines;
    rd_init(&sub, next_block(in, &n_lines));
    sub.cancel = in->cancel;
    sub.line = reading->n_lines;
    reading->n_lines += n_lines + 1;
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
            if (sub.err.kind == ERR_CANCELLED) {
                *err = sub.err;
                return false;
            }
            if (sub.err.kind == ERR_MEMORY) /* of the scratch arena, which is for one stanza */
                flaws_add(reading->flaws, sub.line, "a stanza of more fields than are read");
            else
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
        ok = !cancel_is(in->cancel, err) && read_block(&reading, in, err);
    arena_fini(&reading.scratch);
    return ok;
}
