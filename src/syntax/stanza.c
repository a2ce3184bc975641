/* SPDX-License-Identifier: Apache-2.0 */
/* deb-control(5), Debian Policy 5.1.  One pass and no copies, except of a folded value that is not
 * one slice of the input: a comment stands inside it, or blanks end a line that is cut off. */
#include "syntax/syntax.h"

#include <string.h>

#include "base/limits.h"
#include "base/num.h"

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/* Printable ASCII; not a comment or the dashes of a signature. */
static bool is_name(str name)
{
    if (name.len == 0 || name.ptr[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= 0x20 || name.ptr[i] > 0x7e)
            return false;
    return true;
}

static bool no_room(struct rd *in)
{
    return rd_fail(in, ERR_MEMORY, "the memory budget is used up");
}

static bool add_field(struct rd *in, struct arena *arena, struct stanza *stanza, str line)
{
    str name, value;
    bool is_field = str_cut_byte(line, ':', &name, &value);
    name = str_trim(name); /* dpkg takes blanks before the colon */
    if (!is_field || !is_name(name))
        return rd_fail(in, ERR_FORMAT, "expected 'Field: value'");
    struct stanza_field *field = vec_push(arena, &stanza->fields);
    if (!field)
        return no_room(in);
    if (stanza->fields.len == 1)
        stanza->line = in->line;
    str trimmed = str_trim(value);
    /* an empty value still has its place, where a folded one begins */
    *field = (struct stanza_field){name, trimmed.len ? trimmed : str_of(line.ptr + line.len, 0)};
    return true;
}

/* A value that had to be copied: room to grow, so that a long one is copied few times. */
struct copy {
    char *ptr; /* NULL: the value is still a slice of the input */
    size_t cap;
};

static bool add_copied(struct rd *in, struct arena *arena, struct copy *copy, str *value, str line)
{
    size_t need = value->len + 1 + line.len;
    if (!copy->ptr || need > copy->cap) {
        copy->cap = num_max(2 * copy->cap, need);
        copy->ptr = arena_alloc(arena, copy->cap);
        if (!copy->ptr)
            return no_room(in);
        if (value->len)
            memcpy(copy->ptr, value->ptr, value->len);
    }
    copy->ptr[value->len] = '\n';
    memcpy(copy->ptr + value->len + 1, line.ptr, line.len);
    *value = (str){copy->ptr, need};
    return true;
}

static bool add_line(struct rd *in, struct arena *arena, struct copy *copy, struct stanza *stanza,
                     str line)
{
    if (stanza->fields.len == 0)
        return rd_fail(in, ERR_FORMAT, "a continuation line without a field");
    str *value = &stanza->fields.ptr[stanza->fields.len - 1].value;
    if (copy->ptr || value->ptr + value->len + 1 != line.ptr)
        return add_copied(in, arena, copy, value, line);
    value->len += 1 + line.len;
    return true;
}

static bool take_line(struct rd *in, struct arena *arena, struct copy *copy, struct stanza *stanza,
                      str line)
{
    if (is_blank(line.ptr[0]))
        return add_line(in, arena, copy, stanza, line);
    *copy = (struct copy){0};
    return add_field(in, arena, stanza, line);
}

enum next stanza_read(struct rd *in, struct arena *arena, struct stanza *stanza)
{
    *stanza = (struct stanza){0};
    struct copy copy = {0};
    str line;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        if (str_is_empty(str_trim(line))) {
            if (stanza->fields.len)
                break;
            continue;
        }
        if (line.ptr[0] == '#')
            continue;
        if (!take_line(in, arena, &copy, stanza, line))
            break;
    }
    if (!rd_is_ok(in))
        return NEXT_ERR;
    return stanza->fields.len ? NEXT_ITEM : NEXT_END;
}

str stanza_get(const struct stanza *stanza, str name)
{
    for (size_t i = 0; i < stanza->fields.len; i++)
        if (str_eq_nocase(stanza->fields.ptr[i].name, name))
            return stanza->fields.ptr[i].value;
    return STR_NONE;
}
