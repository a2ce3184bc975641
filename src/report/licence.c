/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX 2.3, annex D: idstring, LicenseRef-, "+", WITH, AND, OR, parentheses.  Operators in upper
 * case as the annex has them; ids of the list in any case. */
#include "report/internal.h"

static int cmp_nocase(str a, str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
        if (x == y)
            continue;
        x += x >= 'A' && x <= 'Z' ? 32 : 0;
        y += y >= 'A' && y <= 'Z' ? 32 : 0;
        if (x != y)
            return x - y;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static const char *find(const char *const *list, size_t n, str id)
{
    size_t from = 0;
    while (from < n) {
        size_t middle = from + (n - from) / 2;
        int sign = cmp_nocase(id, str_from(list[middle]));
        if (sign == 0)
            return list[middle];
        if (sign < 0)
            n = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

const char *licence_find(str id) { return find(licence_ids, n_licence_ids, id); }

struct expression {
    str left;
    struct sb *out;
    unsigned depth;
};

static str next_token(struct expression *e)
{
    e->left = str_trim(e->left);
    size_t n = 0;
    bool is_bracket = e->left.len && (e->left.ptr[0] == '(' || e->left.ptr[0] == ')');
    while (!is_bracket && n < e->left.len && e->left.ptr[n] != ' ' && e->left.ptr[n] != '(' &&
           e->left.ptr[n] != ')')
        n++;
    str token = str_slice(e->left, 0, is_bracket ? 1 : n);
    e->left = str_skip(e->left, token.len);
    return token;
}

static str peek_token(const struct expression *e)
{
    struct expression ahead = *e;
    return next_token(&ahead);
}

/* A LicenseRef is of a document, and nobody gave us the one that this is of: not a valid id here.
 */
static bool read_simple(struct expression *e)
{
    str token = next_token(e);
    const char *id = licence_find(token);
    bool has_plus = false;
    if (!id && str_ends(token, STR("+"))) {
        id = licence_find(str_slice(token, 0, token.len - 1));
        has_plus = true;
    }
    if (!id)
        return false;
    sb_addc(e->out, id);
    sb_addc(e->out, has_plus ? "+" : "");
    if (!str_eq(peek_token(e), STR("WITH")))
        return true;
    (void)next_token(e);
    const char *exception = find(licence_exceptions, n_licence_exceptions, next_token(e));
    if (!exception)
        return false;
    sb_addc(e->out, " WITH ");
    sb_addc(e->out, exception);
    return true;
}

static bool read_operator(struct expression *e)
{
    str token = peek_token(e);
    bool is_and = str_eq(token, STR("AND")), is_or = str_eq(token, STR("OR"));
    if (!is_and && !is_or)
        return false;
    (void)next_token(e);
    sb_addc(e->out, is_and ? " AND " : " OR ");
    return true;
}

/* Iterative: an opening bracket is a level, not a call. */
static bool read_expression(struct expression *e)
{
    for (;;) {
        while (str_eq(peek_token(e), STR("("))) {
            (void)next_token(e);
            sb_byte(e->out, '(');
            e->depth++;
        }
        if (!read_simple(e))
            return false;
        while (str_eq(peek_token(e), STR(")"))) {
            (void)next_token(e);
            sb_byte(e->out, ')');
            if (e->depth-- == 0)
                return false;
        }
        if (!read_operator(e))
            break;
    }
    return e->depth == 0 && str_trim(e->left).len == 0;
}

enum licence_kind licence_read(str text, struct sb *out)
{
    size_t before = out->len;
    struct expression e = {.left = text, .out = out};
    if (text.len <= LIMIT(FIELD) && read_expression(&e) && !out->has_failed)
        return licence_find(str_skip(sb_str(out), before)) ? LICENCE_ID : LICENCE_EXPRESSION;
    if (!out->has_failed)
        out->len = before; /* only ever shorter */
    return LICENCE_OTHER;
}

const struct licence *licence_known(struct map *known, str text)
{
    struct licence *licence = map_get(known, text);
    if (licence)
        return licence;
    auto_sb canonical;
    sb_init(&canonical, 2 * LIMIT(FIELD));
    licence = arena_new(known->arena, struct licence);
    if (!licence)
        return NULL;
    licence->kind = licence_read(text, &canonical);
    licence->text = arena_dup(known->arena, sb_str(&canonical));
    return licence->text.ptr && map_put(known, text, licence) ? licence : NULL;
}
