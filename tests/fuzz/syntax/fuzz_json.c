/* SPDX-License-Identifier: Apache-2.0 */
/* The input as JSON; and as a string that is written and must be read back. */
#include "syntax/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Write the tree again, reading every byte of it. */
static void write_value(struct jw *jw, json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (jw->depth > 60 || json_is_null(value)) {
        jw_null(jw);
    } else if (json_is_object(value)) {
        jw_obj(jw);
        json_object_foreach(value, key, item)
        {
            jw_key(jw, key);
            write_value(jw, item);
        }
        jw_obj_end(jw);
    } else if (json_is_array(value)) {
        jw_arr(jw);
        json_array_foreach(value, i, item) write_value(jw, item);
        jw_arr_end(jw);
    } else if (json_is_string(value)) {
        jw_str(jw, json_str_of(value));
    } else if (json_is_integer(value)) {
        jw_int(jw, json_integer_value(value));
    } else if (json_is_real(value)) {
        jw_num(jw, json_real_value(value));
    } else {
        jw_bool(jw, json_is_true(value));
    }
}

static void must_read(const struct sb *out)
{
    json_t *json;
    struct err err = {0};
    if (out->has_failed)
        return;
    if (!json_read(sb_str(out), &json, &err))
        __builtin_trap();
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = {(const char *)data, size};
    json_t *json;
    struct err err = {0};
    auto_sb out;
    struct jw jw;
    sb_init(&out, 1 << 20);
    if (json_read(text, &json, &err)) {
        jw_init(&jw, &out, size % 2);
        write_value(&jw, json);
        must_read(&out);
    }
    json_decref(json);
    sb_clear(&out);
    jw_init(&jw, &out, false);
    jw_arr(&jw);
    jw_str(&jw, text);
    jw_arr_end(&jw);
    must_read(&out);
    return 0;
}
