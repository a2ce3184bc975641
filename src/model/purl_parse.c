/* SPDX-License-Identifier: Apache-2.0 */
/* purl_parse.c - package-url/purl-spec, "How to parse a purl string in its components": cut from
 * the ends inwards, then percent-decoded, then checked.
 *
 *     pkg:type/namespace/name@version?key=value&key=value#subpath
 */
#include "model/internal.h"

#include "base/num.h"

#include <stdlib.h>

enum { PURL_TEXT_MAX = 64 << 10, PURL_QUALIFIERS_MAX = 16 };

static bool is_letter(char c) { return purl_lower(c) >= 'a' && purl_lower(c) <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* --- the rules
 * ------------------------------------------------------------------------------------ */
/* Letters, digits and @also, not a digit first. */
static bool is_word(str s, str also)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter(s.ptr[i]) && !is_digit(s.ptr[i]) &&
            str_find_byte(also, s.ptr[i]) == also.len)
            return false;
    return s.len && !is_digit(s.ptr[0]);
}

static bool check_qualifiers(const struct purl *purl, struct err *err)
{
    for (size_t i = 0; i < purl->qualifiers.len; i++) {
        str key = purl->qualifiers.ptr[i].key;
        if (!is_word(key, STR(".-_")))
            return err_set(err, ERR_FORMAT, "\"" STR_FMT "\" is no key of a qualifier",
                           STR_ARG(str_slice(key, 0, 80)));
        if (i && str_eq_nocase(purl->qualifiers.ptr[i - 1].key, key))
            return err_set(err, ERR_FORMAT, "the qualifier \"" STR_FMT "\" is there twice",
                           STR_ARG(str_slice(key, 0, 80)));
    }
    return true;
}

bool purl_check(const struct purl *purl, struct err *err)
{
    if (!is_word(purl->type, STR(".-")))
        return err_set(err, ERR_FORMAT, "a purl without a valid type");
    if (purl->name.len == 0)
        return err_set(err, ERR_FORMAT, "a purl without a name");
    if ((purl_type_find(purl->type)->flags & PURL_NEEDS_NS) && purl->ns.len == 0)
        return err_set(err, ERR_FORMAT, "a purl of this type has a namespace");
    return check_qualifiers(purl, err);
}

/* --- decoding
 * ------------------------------------------------------------------------------------- */
static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = purl_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool lower_all(struct arena *arena, str *s, struct err *err)
{
    char *out = arena_alloc(arena, s->len + 1);
    if (!out)
        return err_memory(err);
    for (size_t i = 0; i < s->len; i++)
        out[i] = purl_lower(s->ptr[i]);
    *s = str_of(out, s->len);
    return true;
}

static bool decode(struct arena *arena, str in, str *out, struct err *err)
{
    char *to = arena_alloc(arena, in.len + 1);
    size_t n = 0;
    if (!to)
        return err_memory(err);
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '%') {
            int high = i + 2 < in.len ? hex_value(in.ptr[i + 1]) : -1;
            int low = i + 2 < in.len ? hex_value(in.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(err, ERR_FORMAT, "a '%%' that encodes nothing");
            c = (char)(high * 16 + low);
            i += 2;
        }
        to[n++] = c;
    }
    *out = str_of(to, n);
    return true;
}

/* Every segment decoded; empty ones are left out, and of a subpath "." and "..".  A slash must not
 * come out of the decoding. */
static bool decode_path(struct arena *arena, str in, bool is_subpath, str *out, struct err *err)
{
    char *to = arena_alloc(arena, in.len + 1);
    size_t n = 0;
    str segment, plain;
    if (!to)
        return err_memory(err);
    while (str_next(&in, '/', &segment)) {
        if (!decode(arena, segment, &plain, err))
            return false;
        if (str_find_byte(plain, '/') < plain.len)
            return err_set(err, ERR_FORMAT, "an encoded slash in a %s",
                           is_subpath ? "subpath" : "namespace");
        if (plain.len == 0 || (is_subpath && (str_eq(plain, STR(".")) || str_eq(plain, STR("..")))))
            continue;
        if (n)
            to[n++] = '/';
        for (size_t i = 0; i < plain.len; i++)
            to[n++] = plain.ptr[i];
    }
    *out = str_of(to, n);
    return true;
}

/* --- the components
 * ------------------------------------------------------------------------------- */
static int cmp_qualifiers(const void *a, const void *b)
{
    return str_cmp(((const struct purl_qualifier *)a)->key,
                   ((const struct purl_qualifier *)b)->key);
}

static bool has_upper(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != purl_lower(s.ptr[i]))
            return true;
    return false;
}

/* "key=value"; without a value it is left out. */
static bool add_qualifier(struct arena *arena, str pair, unsigned flags, struct purl *out,
                          struct err *err)
{
    str key, value;
    str_cut_byte(pair, '=', &key, &value);
    bool is_any = (flags & PURL_ANY_CASE) || (purl_type_find(out->type)->flags & PURL_ANY_KEYS);
    if (has_upper(key) && !is_any)
        return err_set(err, ERR_FORMAT, "the key of a qualifier in upper case");
    if (out->qualifiers.len >= PURL_QUALIFIERS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d qualifiers", (int)PURL_QUALIFIERS_MAX);
    if (!decode(arena, value, &value, err) || !lower_all(arena, &key, err))
        return false;
    if (value.len == 0 && is_word(key, STR(".-_")))
        return true;
    struct purl_qualifier *to = vec_push(arena, &out->qualifiers);
    if (!to)
        return err_memory(err);
    *to = (struct purl_qualifier){key, value};
    return true;
}

static bool parse_qualifiers(struct arena *arena, str text, unsigned flags, struct purl *out,
                             struct err *err)
{
    str pair;
    while (str_next(&text, '&', &pair))
        if (pair.len && !add_qualifier(arena, pair, flags, out, err))
            return false;
    vec_sort(&out->qualifiers, cmp_qualifiers);
    return true;
}

/* Split at the last @sep; false when there is none. */
static bool cut_last(str *s, char sep, str *tail)
{
    size_t at = str_rfind_byte(*s, sep);
    *tail = STR_NONE;
    if (at >= s->len)
        return false;
    *tail = str_skip(*s, at + 1);
    *s = str_slice(*s, 0, at);
    return true;
}

static str trim_slashes(str s)
{
    while (s.len && s.ptr[0] == '/')
        s = str_skip(s, 1);
    while (s.len && s.ptr[s.len - 1] == '/')
        s = str_slice(s, 0, s.len - 1);
    return s;
}

/* "type/namespace/name@version". */
static bool parse_path(struct arena *arena, str rest, struct purl *out, struct err *err)
{
    str version = STR_NONE, name;
    if (!str_cut_byte(trim_slashes(rest), '/', &out->type, &rest))
        return err_set(err, ERR_FORMAT, "a purl without a type");
    /* an '@' before the last slash is a scope's that should have been encoded */
    size_t at = str_rfind_byte(rest, '@'), slash = str_rfind_byte(rest, '/');
    bool has_version = at < rest.len && (slash == rest.len || at > slash);
    if (has_version)
        cut_last(&rest, '@', &version);
    else if (at < rest.len && slash < rest.len && at < slash && at > 0 && rest.ptr[at - 1] != '/')
        cut_last(&rest, '@', &version); /* "name@feature/x": a version with a bare slash */
    bool ends_in_slash = rest.len && rest.ptr[rest.len - 1] == '/';
    if (ends_in_slash && has_version)
        return err_set(err, ERR_FORMAT, "a purl without a name");
    rest = trim_slashes(rest);
    if (!cut_last(&rest, '/', &name)) {
        name = rest;
        rest = STR_NONE;
    }
    return lower_all(arena, &out->type, err) && decode(arena, name, &out->name, err) &&
           decode(arena, version, &out->version, err) &&
           decode_path(arena, rest, false, &out->ns, err);
}

/* What the type wants in lower case, or with dashes. */
static bool normalise(struct arena *arena, struct purl *out, struct err *err)
{
    unsigned flags = purl_type_find(out->type)->flags;
    if ((flags & PURL_LOWER_NS) && !lower_all(arena, &out->ns, err))
        return false;
    if (!(flags & PURL_LOWER_NAME))
        return true;
    if (!lower_all(arena, &out->name, err))
        return false;
    char *name = arena_alloc(arena, out->name.len + 1);
    if (!name)
        return err_memory(err);
    for (size_t i = 0; i < out->name.len; i++)
        name[i] = (flags & PURL_DASHES) && out->name.ptr[i] == '_' ? '-' : out->name.ptr[i];
    out->name = str_of(name, out->name.len);
    return true;
}

bool purl_parse(struct arena *arena, str text, unsigned flags, struct purl *out, struct err *err)
{
    str subpath = STR_NONE, qualifiers = STR_NONE, scheme;
    *out = (struct purl){0};
    if (text.len > PURL_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "a purl of more than %d bytes", (int)PURL_TEXT_MAX);
    cut_last(&text, '#', &subpath);
    cut_last(&text, '?', &qualifiers);
    if (!str_cut_byte(text, ':', &scheme, &text) || !str_eq_nocase(scheme, STR("pkg")))
        return err_set(err, ERR_FORMAT, "a purl begins with \"pkg:\"");
    return parse_path(arena, text, out, err) &&
           decode_path(arena, subpath, true, &out->subpath, err) &&
           parse_qualifiers(arena, qualifiers, flags, out, err) && normalise(arena, out, err) &&
           purl_check(out, err);
}

/* --- patterns
 * ------------------------------------------------------------------------------------------ */
static bool has_qualifier(const struct purl *purl, const struct purl_qualifier *wanted)
{
    for (size_t i = 0; i < purl->qualifiers.len; i++)
        if (str_eq(purl->qualifiers.ptr[i].key, wanted->key))
            return str_eq(purl->qualifiers.ptr[i].value, wanted->value);
    return false;
}

/* "1.0" is "1.0.0" where the order says so; 1.0+a and 1.0+b are two builds, which no order tells
 * apart. */
static bool is_same_version(str type, str a, str b)
{
    const struct version_scheme *scheme = purl_type_scheme(type);
    str build_a = str_skip(a, str_find_byte(a, '+')), build_b = str_skip(b, str_find_byte(b, '+'));
    return str_eq(a, b) ||
           (scheme && b.len && str_eq(build_a, build_b) && scheme->cmp(a, b) == VERSION_EQUAL);
}

bool purl_matches(const struct purl *pattern, const struct purl *purl)
{
    if (!str_eq(pattern->type, purl->type) || !str_eq(pattern->ns, purl->ns) ||
        !str_eq(pattern->name, purl->name) ||
        (pattern->version.len && !is_same_version(purl->type, pattern->version, purl->version)) ||
        (pattern->subpath.len && !str_eq(pattern->subpath, purl->subpath)))
        return false;
    for (size_t i = 0; i < pattern->qualifiers.len; i++)
        if (!has_qualifier(purl, &pattern->qualifiers.ptr[i]))
            return false;
    return true;
}
