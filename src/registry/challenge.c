/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/rd.h"
#include "registry/registry.h"

static bool is_token_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token68_char(uint8_t c) { return is_token_char(c) || c == '/' || c == '='; }

static str take_while(struct rd *in, bool (*fits)(uint8_t c))
{
    struct rd start = *in;
    size_t n = 0;
    for (; !rd_is_end(in) && fits(rd_peek(in)); n++)
        rd_skip(in, 1);
    return rd_bytes(&start, n);
}

static bool is_space(uint8_t c) { return c == ' ' || c == '\t'; }
static bool is_separator(uint8_t c) { return is_space(c) || c == ','; }

/* quoted-string: '"', any characters with '\' before the next one as it stands, '"'. */
static bool read_quoted(struct arena *arena, struct rd *in, str *out)
{
    size_t n = 0;
    char *text = arena_alloc(arena, rd_left(in) + 1);
    if (!text || !rd_take(in, STR("\"")))
        return false;
    while (!rd_is_end(in) && rd_peek(in) != '"') {
        if (rd_peek(in) == '\\')
            rd_skip(in, 1);
        text[n++] = (char)rd_u8(in);
    }
    *out = (str){text, n};
    return rd_is_ok(in) && rd_take(in, STR("\""));
}

static bool read_value(struct arena *arena, struct rd *in, str *out)
{
    if (rd_peek(in) == '"')
        return read_quoted(arena, in, out);
    *out = arena_dup(arena, take_while(in, is_token_char));
    return out->ptr && out->len;
}

static bool set_param(struct registry_challenge *challenge, str name, str value)
{
    const struct {
        const char *name;
        str *slot;
    } known[] = {{"realm", &challenge->realm},
                 {"service", &challenge->service},
                 {"scope", &challenge->scope},
                 {"error", &challenge->error}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!str_eq_nocase(name, str_from(known[i].name)))
            continue;
        if (known[i].slot->ptr) /* said twice: two readers would take different ones */
            return false;
        *known[i].slot = value;
    }
    return true;
}

/* One name=value; *is_one is false, and nothing is taken, when what comes next is another
 * challenge. */
static bool read_param(struct arena *arena, struct rd *in, struct registry_challenge *challenge,
                       bool *is_one)
{
    struct rd start = *in;
    str value;
    take_while(in, is_separator);
    str name = take_while(in, is_token_char);
    take_while(in, is_space);
    *is_one = name.len && rd_take(in, STR("="));
    if (!*is_one) {
        *in = start;
        return true;
    }
    take_while(in, is_space);
    return read_value(arena, in, &value) && set_param(challenge, name, value);
}

/* token68: the one word of "Negotiate YWJj=="; a parameter's value is never empty. */
static void skip_token68(struct rd *in)
{
    struct rd ahead = *in;
    str word = take_while(&ahead, is_token68_char);
    size_t eq = str_find_byte(word, '=');
    bool is_padding = true;
    for (size_t i = eq; i < word.len; i++)
        is_padding = is_padding && word.ptr[i] == '=';
    take_while(&ahead, is_space);
    bool is_last = rd_is_end(&ahead) || rd_peek(&ahead) == ',';
    if (word.len && is_padding && is_last)
        *in = ahead;
}

bool registry_challenge_parse(struct arena *arena, str value, registry_challenges *out)
{
    struct rd in;
    rd_init(&in, value);
    for (;;) {
        take_while(&in, is_separator);
        if (rd_is_end(&in))
            return rd_is_ok(&in);
        struct registry_challenge *challenge = vec_push(arena, out);
        str scheme = take_while(&in, is_token_char);
        if (!challenge || scheme.len == 0)
            return false;
        challenge->scheme = arena_dup(arena, scheme);
        if (!challenge->scheme.ptr || (!rd_is_end(&in) && !is_separator(rd_peek(&in))))
            return false;
        take_while(&in, is_space);
        skip_token68(&in);
        for (bool is_one = true; is_one;)
            if (!read_param(arena, &in, challenge, &is_one))
                return false;
    }
}
