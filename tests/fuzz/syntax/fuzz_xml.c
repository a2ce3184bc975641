/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_open(void *ctx, str name, const char **attributes, struct err *err)
{
    size_t *n = ctx;
    for (size_t i = 0; attributes[i]; i++)
        *n += str_from(attributes[i]).len;
    for (size_t i = 0; i < name.len; i++)
        *n += (unsigned char)name.ptr[i];
    return *n < 1 << 24 || err_set(err, ERR_LIMIT, "enough");
}

static bool on_text(void *ctx, str text, struct err *err)
{
    (void)err;
    size_t *n = ctx;
    for (size_t i = 0; i < text.len; i++)
        *n += (unsigned char)text.ptr[i];
    return true;
}

static bool on_close(void *ctx, str name, struct err *err) { return on_text(ctx, name, err); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0;
    struct xml_handler handler = {on_open, on_text, on_close, &n};
    struct err err = {0};
    if (!xml_read((str){(const char *)data, size}, &handler, &err) && !err_is(&err))
        __builtin_trap();
    return 0;
}
