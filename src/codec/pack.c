/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - zstd frames of our own making, whole in memory. */
#include <stdatomic.h>
#include <stdlib.h>
#include <zstd.h>

#include "codec/codec.h"

struct packer {
    ZSTD_CCtx *context;
    int level;
};

bool packer_open(struct packer **out, int level, struct err *err)
{
    struct packer *packer = calloc(1, sizeof *packer);
    if (packer)
        *packer = (struct packer){.context = ZSTD_createCCtx(), .level = level};
    if (!packer || !packer->context) {
        free(packer);
        return err_memory(err);
    }
    *out = packer;
    return true;
}

bool packer_add(struct packer *packer, str bytes, struct sb *out, struct err *err)
{
    size_t bound = ZSTD_compressBound(bytes.len);
    char *to = malloc(bound ? bound : 1);
    if (!to)
        return err_memory(err);
    size_t n = ZSTD_compressCCtx(packer->context, to, bound, bytes.ptr ? bytes.ptr : "", bytes.len,
                                 packer->level);
    bool is_ok = !ZSTD_isError(n);
    if (is_ok)
        sb_add(out, str_of(to, n));
    else
        err_set(err, ERR_IO, "zstd: %s", ZSTD_getErrorName(n));
    free(to);
    return is_ok && sb_ok(out, err);
}

void packer_close(struct packer *packer)
{
    if (!packer)
        return;
    ZSTD_freeCCtx(packer->context);
    free(packer);
}

/* One context waits here between calls; who finds none makes one of its own. */
struct unpacker {
    _Atomic(ZSTD_DCtx *) spare;
};

bool unpacker_open(struct unpacker **out, struct err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? true : err_memory(err);
}

bool unpacker_take(struct unpacker *unpacker, str frame, char *to, size_t n, struct err *err)
{
    ZSTD_DCtx *context = atomic_exchange(&unpacker->spare, NULL);
    if (!context && !(context = ZSTD_createDCtx()))
        return err_memory(err);
    size_t got = ZSTD_decompressDCtx(context, to, n, frame.ptr ? frame.ptr : "", frame.len);
    ZSTD_freeDCtx(atomic_exchange(&unpacker->spare, context));
    if (ZSTD_isError(got))
        return err_set(err, ERR_FORMAT, "zstd: %s", ZSTD_getErrorName(got));
    return got == n ? true : err_set(err, ERR_FORMAT, "%zu bytes instead of %zu", got, n);
}

void unpacker_close(struct unpacker *unpacker)
{
    if (!unpacker)
        return;
    ZSTD_freeDCtx(atomic_load(&unpacker->spare));
    free(unpacker);
}
