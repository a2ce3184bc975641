/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c - the little of OData's $filter that ARM's lists take:
 *
 *   filter = term { " and " term }      term = NAME " eq '" TEXT "'" | NAME "(" [ "'" TEXT "'" ]
 * ")"
 *
 * A quote in a text is written twice.  An empty filter asks for everything. */
#include "api/internal.h"

enum { TERMS_MAX = 16 };

static str skip_blanks(str text)
{
    size_t n = 0;
    while (n < text.len && text.ptr[n] == ' ')
        n++;
    return str_skip(text, n);
}

static str take_name(str *text)
{
    size_t n = 0;
    for (; n < text->len; n++) {
        char c = text->ptr[n];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '_';
        if (!is_word)
            break;
    }
    str name = str_slice(*text, 0, n);
    *text = str_skip(*text, n);
    return name;
}

static bool take_quoted(struct arena *arena, str *text, str *out)
{
    char *plain = arena_alloc(arena, text->len + 1);
    size_t n = 0, i = 1;
    if (!plain || !str_starts(*text, STR("'")))
        return false;
    for (; i < text->len; i++) {
        bool is_quote = text->ptr[i] == '\'';
        if (is_quote && (i + 1 == text->len || text->ptr[i + 1] != '\''))
            break;
        i += is_quote;
        plain[n++] = text->ptr[i];
    }
    if (i >= text->len)
        return false;
    *text = str_skip(*text, i + 1);
    *out = str_of(plain, n);
    return true;
}

static bool take_word(str *text, str word)
{
    str rest = skip_blanks(*text);
    if (!str_eq_nocase(str_slice(rest, 0, word.len), word))
        return false;
    *text = skip_blanks(str_skip(rest, word.len));
    return true;
}

static bool take_term(struct arena *arena, str *text, struct filter_term *out)
{
    *text = skip_blanks(*text);
    *out = (struct filter_term){.name = take_name(text), .value = STR("")};
    if (!out->name.len)
        return false;
    if (take_word(text, STR("("))) {
        out->is_call = true;
        return take_word(text, STR(")")) ||
               (take_quoted(arena, text, &out->value) && take_word(text, STR(")")));
    }
    return take_word(text, STR("eq ")) && take_quoted(arena, text, &out->value);
}

static bool parse(struct arena *arena, str text, filter_terms *out)
{
    for (;;) {
        struct filter_term term, *kept;
        if (!take_term(arena, &text, &term) || out->len == TERMS_MAX ||
            !(kept = vec_push(arena, out)))
            return false;
        *kept = term;
        text = skip_blanks(text);
        if (!text.len)
            return true;
        if (!take_word(&text, STR("and ")))
            return false;
    }
}

static bool is_known(const struct filter_term *term, const char *const *names)
{
    for (; *names; names++) {
        str name = str_from(*names);
        bool is_call = str_ends(name, STR("()"));
        if (is_call)
            name.len -= 2;
        if (is_call == term->is_call && str_eq_nocase(name, term->name))
            return true;
    }
    return false;
}

bool api_filter(struct api_call *call, const char *const *names, filter_terms *out, struct err *err)
{
    str text = str_trim(http_request_query(call->req, STR("$filter")));
    bool ok = !text.len || parse(call->arena, text, out);
    for (size_t i = 0; ok && i < out->len; i++)
        ok = is_known(&out->ptr[i], names);
    return ok || api_refuse(call, err, 400, "InvalidFilterInQueryString",
                            "The filter '" STR_FMT "' is not understood here.", STR_ARG(text));
}

str filter_get(const filter_terms *terms, str name)
{
    for (size_t i = 0; i < terms->len; i++)
        if (str_eq_nocase(terms->ptr[i].name, name))
            return terms->ptr[i].value;
    return STR_NONE;
}

bool api_has_tag(str tags, const filter_terms *terms)
{
    str name = filter_get(terms, STR("tagName")), value = filter_get(terms, STR("tagValue"));
    json_t *object = NULL, *one;
    struct err none = {0};
    const char *key;
    bool has = false;
    if (!name.ptr)
        return true;
    if (tags.len && json_read(tags, &object, &none))
        json_object_foreach(object, key, one) has |=
            str_eq_nocase(str_from(key), name) && (!value.ptr || str_eq(json_str_of(one), value));
    json_decref(object);
    return has;
}
