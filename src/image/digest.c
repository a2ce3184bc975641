/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

#include <string.h>

#include "base/num.h"

/* OCI image-spec descriptor.md, "Registered algorithms". */
static const struct algorithm {
    const char *prefix;
    enum hash_kind kind;
    uint8_t n;
} algorithms[] = {
    {.prefix = "sha256:", .kind = HASH_SHA256, .n = 32},
    {.prefix = "sha512:", .kind = HASH_SHA512, .n = 64},
};

static bool is_lower_hex(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

bool digest_parse(str text, digest *out)
{
    *out = (digest){0};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        const struct algorithm *row = &algorithms[i];
        str prefix = str_from(row->prefix);
        if (!str_starts(text, prefix))
            continue;
        str hex = str_skip(text, prefix.len);
        if (hex.len != 2 * (size_t)row->n || !is_lower_hex(hex) ||
            !hex_parse(hex, out->bytes, row->n))
            return false;
        out->kind = row->kind;
        out->n = row->n;
        return true;
    }
    return false;
}

str digest_print(const digest *d, char out[static DIGEST_TEXT_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(algorithms) && d->n; i++) {
        if (algorithms[i].kind != d->kind || algorithms[i].n != d->n)
            continue;
        size_t prefix = strlen(algorithms[i].prefix);
        memcpy(out, algorithms[i].prefix, prefix);
        char hex[2 * HASH_MAX + 1];
        hex_print(d->bytes, d->n, hex);
        memcpy(out + prefix, hex, 2 * (size_t)d->n + 1);
        return (str){out, prefix + 2 * (size_t)d->n};
    }
    return (str){out, 0};
}

bool digest_eq(const digest *a, const digest *b)
{
    return a->kind == b->kind && a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

digest digest_of(enum hash_kind kind, str bytes)
{
    digest out = {.kind = kind};
    out.n = (uint8_t)hash_of(kind, bytes, out.bytes);
    return out;
}

bool digest_check(const digest *want, str bytes, struct err *err)
{
    digest got = digest_of(want->kind, bytes);
    if (digest_eq(&got, want))
        return true;
    char want_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
    str w = digest_print(want, want_text), g = digest_print(&got, got_text);
    return err_set(err, ERR_MISMATCH, "digest mismatch: %.19s… expected, the bytes are %.19s…",
                   w.ptr, g.ptr);
}
