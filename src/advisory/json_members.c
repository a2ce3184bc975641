/* SPDX-License-Identifier: Apache-2.0 */
/* json_members.c - the members of a large JSON object one by one, so that never more than one of
 * them is a tree.  It only finds where a value ends: json_read then judges it. */
#include "advisory/internal.h"
#include "syntax/syntax.h"

void json_members_init(struct json_members *members, str text)
{
    *members = (struct json_members){0};
    if (str_starts(text, STR("\xef\xbb\xbf"))) /* RFC 8259, 8.1: may be ignored */
        text = str_skip(text, 3);
    rd_init(&members->in, text);
}

static void skip_space(struct rd *in)
{
    while (rd_take(in, STR(" ")) || rd_take(in, STR("\n")) || rd_take(in, STR("\r")) ||
           rd_take(in, STR("\t"))) {
    }
}

/* Behind the first quote. */
static bool skip_string(struct rd *in)
{
    for (;;) {
        if (rd_is_end(in))
            return rd_fail(in, ERR_FORMAT, "a string that does not end");
        uint8_t c = rd_u8(in);
        if (c == '"')
            return true;
        if (c == '\\')
            (void)rd_u8(in);
    }
}

/* Up to the comma or bracket that ends the value; brackets of both kinds count alike. */
static bool skip_value(struct rd *in)
{
    for (size_t depth = 0;;) {
        uint8_t c = rd_peek(in);
        if (rd_is_end(in))
            return rd_fail(in, ERR_FORMAT, "a value that does not end");
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return true;
        (void)rd_u8(in);
        if (c == '"' && !skip_string(in))
            return false;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
    }
}

static str since(struct rd from, const struct rd *to)
{
    return rd_bytes(&from, rd_left(&from) - rd_left(to));
}

static bool enter(struct json_members *members)
{
    struct rd *in = &members->in;
    skip_space(in);
    if (members->has_begun)
        return rd_take(in, STR(",")) || rd_peek(in) == '}' ||
               rd_fail(in, ERR_FORMAT, "neither ',' nor '}' behind a member");
    members->has_begun = true;
    return rd_take(in, STR("{")) || rd_fail(in, ERR_FORMAT, "not an object");
}

static enum next end(struct json_members *members, struct err *err)
{
    struct rd *in = &members->in;
    skip_space(in);
    if (!rd_is_end(in))
        rd_fail(in, ERR_FORMAT, "text behind the object");
    return rd_ok(in, err) ? NEXT_END : NEXT_ERR;
}

enum next json_members_next(struct json_members *members, str *name, str *value, struct err *err)
{
    struct rd *in = &members->in, from;
    if (!enter(members))
        return rd_ok(in, err) ? NEXT_END : NEXT_ERR;
    skip_space(in);
    if (rd_take(in, STR("}")))
        return end(members, err);
    from = *in;
    if (!rd_take(in, STR("\"")))
        rd_fail(in, ERR_FORMAT, "a member without a name");
    if (rd_is_ok(in) && skip_string(in))
        *name = since(from, in);
    skip_space(in);
    if (!rd_take(in, STR(":")))
        rd_fail(in, ERR_FORMAT, "a name without ':' behind it");
    skip_space(in);
    from = *in;
    if (rd_is_ok(in) && skip_value(in))
        *value = str_trim(since(from, in));
    return rd_ok(in, err) ? NEXT_ITEM : NEXT_ERR;
}

bool json_member_name(struct arena *arena, str quoted, str *out, struct err *err)
{
    auto_json *root = NULL;
    auto_sb text;
    sb_init(&text, quoted.len + 2);
    sb_byte(&text, '[');
    sb_add(&text, quoted);
    sb_byte(&text, ']');
    if (!sb_ok(&text, err) || !json_read(sb_str(&text), &root, err))
        return false;
    *out = arena_dup(arena, json_str_of(json_array_get(root, 0)));
    return out->ptr ? true : err_memory(err);
}
