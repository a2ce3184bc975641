/* SPDX-License-Identifier: Apache-2.0 */
/* The input as a stream of any kind, in pieces whose length its last byte chooses. */
#include <string.h>

#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pieces {
    str rest;
    size_t step;
};

static enum next pieces_read(void *ctx, str *chunk, struct err *err)
{
    (void)err;
    struct pieces *pieces = ctx;
    *chunk = str_slice(pieces->rest, 0, pieces->step);
    pieces->rest = str_skip(pieces->rest, pieces->step);
    return chunk->len ? NEXT_ITEM : NEXT_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char buf[3000];
    size_t step = size && data[size - 1] % 4 ? (size_t)data[size - 1] * 7 : SIZE_MAX;
    struct pieces pieces = {{(const char *)data, size}, step};
    struct decoder *decoder = NULL;
    struct err err = {0};
    if (!decoder_open(&decoder, (struct source){pieces_read, &pieces}, 1 * MIB, &err))
        return 0;
    unsigned sum = 0;
    str chunk;
    do {
        if (step % 2)
            decoder_set_buffer(decoder, buf, step % sizeof(buf) + 1);
        enum next code = decoder_next(decoder, &chunk, &err);
        if (code == NEXT_END && decoder_bytes_in(decoder) != size)
            __builtin_trap(); /* an end before the end */
        if (code == NEXT_ERR && !err_is(&err))
            __builtin_trap();
        for (size_t i = 0; i < chunk.len; i++)
            sum += (unsigned char)chunk.ptr[i];
    } while (chunk.len);
    decoder_close(decoder);
    return sum == 0x7fffffff ? 1 : 0;
}
