/* SPDX-License-Identifier: Apache-2.0 */
/* composer.c - Packagist: composer/semver's VersionParser::normalize, then PHP's version_compare.
 *
 *     [v]N[.N[.N[.N]]][-stability[N]][-dev]     1.0-RC2 is 1.0.0.0-RC2
 *     [v]YYYY[MM[DD]]…, with or without . : -   2010-01-02 is 2010.01.02
 *     N[.N|.x]…-dev, dev-NAME                   1.x-dev is 1.9999999.9999999.9999999-dev
 *
 * Left out: "as ALIAS", @stability and +build.  The order is dev < alpha < beta < RC < nothing <
 * patch, and numbers behind a stability count on: beta2 < beta2.1.  dev-NAME is a branch, which
 * comes before every release; two of different names have no order. */
#include "version/internal.h"

#include "base/num.h"

enum stability { UNHEARD = -1, DEV, ALPHA, BETA, RC, STABLE, PATCH };

enum { NUMBERS = 4 };
/* composer/semver's x */
#define X_NUMBER "9999999"

struct parts {
    str numbers[NUMBERS]; /* of a date only the first, separators and all */
    str branch;           /* dev-NAME; else empty */
    str stages;           /* the numbers behind the stability */
    enum stability stability;
    bool is_date, is_dev;
};

/* --- the text ------------------------------------------------------------------------------------
 */
static bool starts_nocase(str s, size_t i, str word)
{
    for (size_t j = 0; j < word.len; j++)
        if (version_lower(version_at(s, i + j)) != version_lower(version_at(word, j)))
            return false;
    return true;
}

static bool ends_nocase(str s, str word)
{
    return s.len >= word.len && starts_nocase(s, s.len - word.len, word);
}

/* @has_extras: one of the signs of what is left out below. */
static bool is_printable(str s, bool *has_extras)
{
    *has_extras = false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = version_at(s, i);
        if (c < ' ' || c > '~')
            return false;
        *has_extras = *has_extras || c == ' ' || c == '@' || c == '+';
    }
    return s.len > 0;
}

/* "1.0 as 2.0" → "1.0": three words. */
static str without_alias(str s)
{
    str head, tail;
    if (!str_cut_byte(s, ' ', &head, &tail))
        return s;
    tail = str_trim(tail);
    str alias = str_trim(str_skip(tail, 3));
    bool is_alias = str_starts(tail, STR("as ")) && alias.len &&
                    str_find_byte(alias, ' ') == alias.len && str_find_byte(s, ',') == s.len;
    return is_alias ? head : s;
}

static str without_flag(str s)
{
    static const str flags[] = {{"stable", 6}, {"RC", 2}, {"beta", 4}, {"alpha", 5}, {"dev", 3}};
    size_t at = str_rfind_byte(s, '@');
    for (size_t i = 0; i < ARRAY_LEN(flags) && at < s.len; i++)
        if (s.len - at - 1 == flags[i].len && starts_nocase(s, at + 1, flags[i]))
            return str_slice(s, 0, at);
    return s;
}

static str without_build(str s)
{
    size_t plus = str_find_byte(s, '+');
    return plus && plus + 1 < s.len ? str_slice(s, 0, plus) : s;
}

/* --- the modifier: [._-]?(stability([.-]?N)*)?([.-]?dev)?
 * -----------------------------------------
 */
struct word {
    str text;
    enum stability stability;
};

static const struct word *find_word(str s, size_t i)
{
    static const struct word words[] = {
        {{"stable", 6}, STABLE}, {{"beta", 4}, BETA},   {{"b", 1}, BETA},
        {{"RC", 2}, RC},         {{"alpha", 5}, ALPHA}, {{"a", 1}, ALPHA},
        {{"patch", 5}, PATCH},   {{"pl", 2}, PATCH},    {{"p", 1}, PATCH},
    };
    for (size_t w = 0; w < ARRAY_LEN(words); w++)
        if (starts_nocase(s, i, words[w].text))
            return &words[w];
    return NULL;
}

static size_t skip_stages(str s, size_t i)
{
    for (;;) {
        unsigned char c = version_at(s, i);
        size_t from = i + (c == '.' || c == '-'), end = version_digits(s, from);
        if (end == from)
            return i;
        i = end;
    }
}

/* What the version says behind its numbers; an exact "stable" hides all that follows it. */
static void take_stability(str s, size_t *i, struct parts *out, bool *is_final)
{
    const struct word *word = version_is_letter(version_at(s, *i)) ? find_word(s, *i) : NULL;
    out->stability = STABLE;
    *is_final = false;
    if (!word)
        return;
    size_t from = *i + word->text.len, end = skip_stages(s, from);
    *is_final = str_eq(version_part(s, *i, from), STR("stable"));
    *i = end;
    if (*is_final)
        return;
    out->stability = word->stability == STABLE ? UNHEARD : word->stability;
    out->stages = version_part(s, from, end);
}

/* All the rest of @s from @i on is one. */
static bool take_modifier(str s, size_t i, struct parts *out)
{
    unsigned char c = version_at(s, i);
    bool is_final;
    i += c == '.' || c == '_' || c == '-';
    take_stability(s, &i, out, &is_final);
    if (i == s.len)
        return true;
    c = version_at(s, i);
    i += c == '.' || c == '-';
    bool is_dev = s.len - i == 3 && starts_nocase(s, i, STR("dev"));
    out->is_dev = is_dev && !is_final;
    return is_dev;
}

/* --- three forms ---------------------------------------------------------------------------------
 */
enum { FIRST_DIGITS_MAX = 5 };

static bool take_classical(str s, size_t i, struct parts *out)
{
    size_t end = version_digits(s, i);
    if (end == i || end - i > FIRST_DIGITS_MAX)
        return false;
    out->numbers[0] = version_part(s, i, end);
    for (size_t n = 1; n < NUMBERS; n++) {
        size_t next = version_at(s, end) == '.' ? version_digits(s, end + 1) : end;
        bool has_number = next > end + 1;
        out->numbers[n] = has_number ? version_part(s, end + 1, next) : STR("0");
        end = has_number ? next : end;
    }
    return take_modifier(s, end, out);
}

static bool is_date_separator(unsigned char c) { return c == '.' || c == ':' || c == '-'; }

enum { DATE_PAIRS = 6, DATE_TAILS = 2, DATE_TAIL_DIGITS = 3 };

/* ([.:-]?\d{1,3}){0,n} to the end. */
static bool match_tails(str s, size_t i, size_t n)
{
    if (i == s.len)
        return true;
    i += is_date_separator(version_at(s, i));
    for (size_t k = 1; n && k <= DATE_TAIL_DIGITS && version_is_digit(version_at(s, i + k - 1));
         k++)
        if (match_tails(s, i + k, n - 1))
            return true;
    return false;
}

/* \d{4}([.:-]?\d{2}){1,6}([.:-]?\d{1,3}){0,2} */
static bool is_date(str s)
{
    size_t i = 4;
    if (version_digits(str_slice(s, 0, i), 0) != i)
        return false;
    for (size_t n = 0; n < DATE_PAIRS; n++) {
        i += is_date_separator(version_at(s, i));
        if (version_digits(str_slice(s, i, i + 2), 0) != 2)
            return false;
        i += 2;
        if (match_tails(s, i, DATE_TAILS))
            return true;
    }
    return false;
}

static bool take_date(str s, size_t i, struct parts *out)
{
    size_t end = i;
    while (version_is_digit(version_at(s, end)) || is_date_separator(version_at(s, end)))
        end++;
    if (end > i && is_date_separator(s.ptr[end - 1]))
        end--; /* the modifier's */
    out->numbers[0] = version_part(s, i, end);
    out->is_date = true;
    return is_date(out->numbers[0]) && take_modifier(s, end, out);
}

/* 1.x-dev: a branch with a place in the order. */
static bool take_numeric_branch(str s, size_t i, struct parts *out)
{
    if (!ends_nocase(s, STR("dev")))
        return false;
    size_t end = s.len - 3, n = 0;
    if (end && (s.ptr[end - 1] == '-' || s.ptr[end - 1] == '.'))
        end--;
    str rest = version_part(s, i, end), part;
    for (; n < NUMBERS && rest.len && str_next(&rest, '.', &part); n++) {
        bool is_x = n && (str_eq_nocase(part, STR("x")) || str_eq(part, STR("*")));
        if (!is_x && !version_is_number(part))
            return false;
        out->numbers[n] = is_x ? STR(X_NUMBER) : part;
    }
    if (n == 0 || rest.len || s.ptr[end - 1] == '.')
        return false;
    for (; n < NUMBERS; n++)
        out->numbers[n] = STR(X_NUMBER);
    out->stability = STABLE;
    out->is_dev = true;
    return true;
}

static bool take_branch(str s, struct parts *out)
{
    bool is_named =
        str_eq(s, STR("master")) || str_eq(s, STR("trunk")) || str_eq(s, STR("default"));
    if (is_named)
        out->branch = s;
    else if (starts_nocase(s, 0, STR("dev-")))
        out->branch = str_skip(s, 4);
    return out->branch.len && str_find_byte(out->branch, ' ') == out->branch.len;
}

static bool split(str version, struct parts *out)
{
    str s = str_trim(version);
    bool has_extras;
    *out = (struct parts){.stability = STABLE};
    if (!is_printable(s, &has_extras))
        return false;
    if (has_extras)
        s = without_flag(without_alias(s));
    if (!version_is_digit(version_at(s, 0)) && take_branch(s, out))
        return true;
    if (has_extras)
        s = without_build(s);
    size_t i = version_lower(version_at(s, 0)) == 'v' ? 1 : 0;
    if (take_classical(s, i, out))
        return true;
    *out = (struct parts){.stability = STABLE};
    if (take_date(s, i, out))
        return true;
    *out = (struct parts){.stability = STABLE};
    return take_numeric_branch(s, i, out);
}

/* --- compare -------------------------------------------------------------------------------------
 */
struct token {
    enum { TOKEN_END, TOKEN_NUMBER, TOKEN_WORD } kind;
    str number;
    enum stability stability;
};

struct cursor {
    const struct parts *parts;
    enum { AT_NUMBERS, AT_STABILITY, AT_STAGES, AT_DEV, AT_END } phase;
    size_t at;
};

/* The next run of digits; empty behind the last. */
static str take_run(str s, size_t *at)
{
    size_t from = *at;
    while (from < s.len && !version_is_digit(version_at(s, from)))
        from++;
    *at = version_digits(s, from);
    return version_part(s, from, *at);
}

static str next_number(struct cursor *c)
{
    if (c->parts->is_date)
        return take_run(c->parts->numbers[0], &c->at);
    return c->at < NUMBERS ? c->parts->numbers[c->at++] : STR_NONE;
}

static struct token next(struct cursor *c)
{
    const struct parts *parts = c->parts;
    if (c->phase == AT_NUMBERS) {
        str number = next_number(c);
        if (number.len)
            return (struct token){.kind = TOKEN_NUMBER, .number = number};
        c->phase = AT_STABILITY;
    }
    if (c->phase == AT_STABILITY) {
        c->phase = AT_STAGES;
        c->at = 0;
        if (parts->stability != STABLE)
            return (struct token){.kind = TOKEN_WORD, .stability = parts->stability};
    }
    if (c->phase == AT_STAGES) {
        str number = take_run(parts->stages, &c->at);
        if (number.len)
            return (struct token){.kind = TOKEN_NUMBER, .number = number};
        c->phase = AT_DEV;
    }
    bool is_dev = c->phase == AT_DEV && parts->is_dev;
    c->phase = AT_END;
    return is_dev ? (struct token){.kind = TOKEN_WORD, .stability = DEV}
                  : (struct token){.kind = TOKEN_END};
}

/* Beside a word a number, and the end, rank as "stable"; beside the end a number is more. */
static int cmp_tokens(const struct token *a, const struct token *b)
{
    if (a->kind == TOKEN_NUMBER && b->kind == TOKEN_NUMBER)
        return version_cmp_numbers(a->number, b->number);
    if (a->kind != TOKEN_WORD && b->kind != TOKEN_WORD)
        return (a->kind == TOKEN_NUMBER) - (b->kind == TOKEN_NUMBER);
    int x = a->kind == TOKEN_WORD ? (int)a->stability : STABLE;
    int y = b->kind == TOKEN_WORD ? (int)b->stability : STABLE;
    return x - y;
}

static enum version_order cmp_branches(const struct parts *a, const struct parts *b)
{
    if (a->branch.len && b->branch.len)
        return str_eq(a->branch, b->branch) ? VERSION_EQUAL : VERSION_UNKNOWN;
    return a->branch.len ? VERSION_LESS : VERSION_GREATER;
}

static bool composer_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order composer_cmp(str sa, str sb)
{
    struct parts pa, pb;
    if (!split(sa, &pa) || !split(sb, &pb))
        return VERSION_UNKNOWN;
    if (pa.branch.len || pb.branch.len)
        return cmp_branches(&pa, &pb);
    struct cursor a = {.parts = &pa}, b = {.parts = &pb};
    for (;;) {
        struct token x = next(&a), y = next(&b);
        int sign = cmp_tokens(&x, &y);
        if (sign || (x.kind == TOKEN_END && y.kind == TOKEN_END))
            return version_order_of(sign);
    }
}

static bool composer_is_moving(str version)
{
    struct parts parts;
    return split(version, &parts) && (parts.branch.len || parts.is_dev);
}

extern const struct version_scheme version_composer;
const struct version_scheme version_composer = {
    .name = "composer",
    .spec = "Composer, Versions and constraints; PHP, version_compare",
    .is_valid = composer_is_valid,
    .is_moving = composer_is_moving,
    .cmp = composer_cmp,
};
