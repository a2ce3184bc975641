/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include "base/limits.h"

void json_warm_up(void) { json_object_seed(0); }

struct place {
    size_t line, column; /* from 1; columns count bytes */
};

static struct place place_of(str text, size_t at)
{
    struct place place = {1, 1};
    for (size_t i = 0; i < at; i++)
        place = text.ptr[i] == '\n' ? (struct place){place.line + 1, 1}
                                    : (struct place){place.line, place.column + 1};
    return place;
}

/* The byte behind the string that begins at @i. */
static size_t skip_string(str text, size_t i)
{
    for (i++; i < text.len && text.ptr[i] != '"'; i++)
        i += text.ptr[i] == '\\';
    return i + 1;
}

/* The first bracket nested deeper than the limit.  Before the parse, because jansson's own limit is
 * far higher, and building what is thrown away is what a bomb wants. */
static bool is_too_deep(str text, struct place *place)
{
    size_t depth = 0, most = LIMIT(JSON_DEPTH);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"') {
            i = skip_string(text, i) - 1;
        } else if (c == '[' || c == '{') {
            if (++depth > most) {
                *place = place_of(text, i);
                return true;
            }
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return false;
}

bool json_read(str text, json_t **out, struct err *err)
{
    struct place place;
    *out = NULL;
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* RFC 8259, 8.1: may be ignored */
        text = str_skip(text, 3);
    if (is_too_deep(text, &place))
        return err_set(err, ERR_LIMIT,
                       "line %zu column %zu: over the limit json-depth of %llu levels", place.line,
                       place.column, (unsigned long long)LIMIT(JSON_DEPTH));
    json_error_t why;
    *out = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                      &why);
    if (*out)
        return true;
    if (json_error_code(&why) == json_error_out_of_memory)
        return err_memory(err);
    return err_set(err, ERR_FORMAT, "line %d column %d: %s", why.line, why.column, why.text);
}

str json_str_of(const json_t *value)
{
    return json_is_string(value) ? (str){json_string_value(value), json_string_length(value)}
                                 : STR_NONE;
}

str json_str(const json_t *object, const char *key)
{
    return json_str_of(json_object_get(object, key));
}

json_t *json_obj(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

json_t *json_arr(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_array(value) ? value : NULL;
}

int64_t json_int(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool json_flag(const json_t *object, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

void json_drop(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
