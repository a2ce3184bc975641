/* SPDX-License-Identifier: Apache-2.0 */
/* maven.c - Maven's ComparableVersion, as of Maven 3.8.
 *
 * A version is a list of items, numbers and words, between dots.  A hyphen, and each change between
 * digits and letters, opens a list within the list, which is always the last thing in it:
 *
 *     1.0-rc-2  is  [1 [rc [2]]]        1.2.Final.3  is  [1 2 "" 3]
 *
 * A word in front of digits or at the end opens a list of its own.  What means nothing (zero, "ga",
 * "final", "release") is dropped at the end of each list.  Then item by item:
 *
 *     alpha < beta < milestone < rc < snapshot < nothing < sp < other words by text
 *     word < list < number; where one list ended, what the other goes on with against nothing
 *
 * Every text is a version to Maven; here none with blanks, brackets, commas, or ${…}: those are
 * ranges and what no build filled in. */
#include "version/internal.h"

#include "base/num.h"

enum { RANK_NOTHING = 5, RANK_OTHER = 7, LONGEST_WORD = 9 };

struct token {
    str text;
    int rank; /* of a word */
    bool is_number;
    bool opens; /* the first of a new list */
};

struct cursor {
    str s;
    size_t at;
    bool opens;      /* a hyphen or a change of kind stands before @at */
    bool is_empty;   /* no item since the list was opened */
    bool is_head;    /* the token at @at is the first of the list that we are in */
    size_t list_end; /* behind the last token of this list that means something */
    size_t end;      /* and of the version */
};

/* --- tokens --------------------------------------------------------------------------------------
 */
static bool is_word(unsigned char c) { return c && c != '.' && c != '-' && !version_is_digit(c); }

static int rank_of(str word, bool is_before_digit)
{
    static const struct {
        str word;
        int rank;
    } words[] = {
        {{"alpha", 5}, 0},
        {{"beta", 4}, 1},
        {{"milestone", 9}, 2},
        {{"rc", 2}, 3},
        {{"cr", 2}, 3},
        {{"sp", 2}, 6},
        {{"ga", 2}, RANK_NOTHING},
        {{"final", 5}, RANK_NOTHING},
        {{"snapshot", 8}, 4},
        {{"release", 7}, RANK_NOTHING},
    };
    if (is_before_digit && word.len == 1) {
        unsigned char c = version_lower(version_at(word, 0));
        if (c == 'a' || c == 'b' || c == 'm')
            return c == 'a' ? 0 : c == 'b' ? 1 : 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(words) && word.len <= LONGEST_WORD; i++)
        if (words[i].word.len == word.len && version_cmp_nocase(words[i].word, word) == 0)
            return words[i].rank;
    return RANK_OTHER;
}

static bool is_nothing(const struct token *token)
{
    return token->is_number ? version_cmp_numbers(token->text, STR_NONE) == 0
                            : token->rank == RANK_NOTHING;
}

/* The token at the cursor, which goes behind it and the separator. */
static struct token take(struct cursor *c)
{
    size_t from = c->at, i = from;
    struct token token = {.is_number = true, .opens = c->opens};
    if (is_word(version_at(c->s, i))) {
        while (is_word(version_at(c->s, i)))
            i++;
        bool is_before_digit = version_is_digit(version_at(c->s, i));
        token.is_number = false;
        token.opens = c->opens || (!c->is_empty && (is_before_digit || i == c->s.len));
        token.rank = rank_of(version_part(c->s, from, i), is_before_digit);
    } else {
        i = version_digits(c->s, i);
    }
    token.text = version_part(c->s, from, i);
    unsigned char separator = version_at(c->s, i);
    c->opens = separator != '.' && i < c->s.len;
    c->is_empty = c->opens;
    c->is_head = false;
    c->at = i + (separator == '.' || separator == '-');
    return token;
}

/* The cursor goes over the rest of its list; true when there is a list within. */
static bool skip_list(struct cursor *c, size_t *meaning_end)
{
    while (c->at < c->end) {
        struct cursor before = *c;
        struct token token = take(c);
        if (token.opens && !before.is_head) {
            *c = before;
            c->is_head = true;
            return true;
        }
        if (!is_nothing(&token))
            *meaning_end = c->at;
    }
    return false;
}

/* At the head of a list: where in it what means something ends. */
static void find_list_end(struct cursor *c)
{
    struct cursor rest = *c;
    c->list_end = c->at;
    (void)skip_list(&rest, &c->list_end);
}

static bool is_foreign(unsigned char c)
{
    switch (c) {
    case '[':
    case ']':
    case '(':
    case ')':
    case ',':
    case '$':
    case '{':
    case '}':
        return true;
    default:
        return c <= ' ' || c > '~';
    }
}

static bool maven_is_valid(str version)
{
    for (size_t i = 0; i < version.len; i++)
        if (is_foreign(version_at(version, i)))
            return false;
    return version.len > 0;
}

static bool open(str s, struct cursor *out)
{
    if (!maven_is_valid(s))
        return false;
    *out = (struct cursor){.s = s, .is_empty = true, .is_head = true, .end = s.len};
    struct cursor rest = *out;
    size_t end = 0;
    bool is_inner = skip_list(&rest, &end);
    out->list_end = end;
    while (is_inner)
        is_inner = skip_list(&rest, &end);
    out->end = end;
    return true;
}

/* --- compare -------------------------------------------------------------------------------------
 */
enum place { PLACE_NOTHING, PLACE_ITEM, PLACE_LIST };

static enum place peek(const struct cursor *c)
{
    return c->at < c->list_end ? PLACE_ITEM : c->at < c->end ? PLACE_LIST : PLACE_NOTHING;
}

/* Into the list within, over what means nothing in front of it. */
static void enter(struct cursor *c)
{
    size_t ignored;
    if (skip_list(c, &ignored))
        find_list_end(c);
}

static int cmp_words(const struct token *a, const struct token *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->rank == RANK_OTHER ? version_cmp_nocase(a->text, b->text) : 0;
}

static int cmp_tokens(const struct token *a, const struct token *b)
{
    if (a->is_number != b->is_number)
        return a->is_number ? 1 : -1;
    return a->is_number ? version_cmp_numbers(a->text, b->text) : cmp_words(a, b);
}

/* All that is left against nothing. */
static int cmp_with_nothing(struct cursor *c)
{
    while (c->at < c->end) {
        struct token token = take(c);
        if (!is_nothing(&token))
            return token.is_number || token.rank > RANK_NOTHING ? 1 : -1;
    }
    return 0;
}

/* An item against a list. */
static int cmp_with_list(struct cursor *c)
{
    struct token token = take(c);
    return token.is_number ? 1 : -1;
}

static int cmp_lists(struct cursor *a, struct cursor *b)
{
    for (;;) {
        enum place x = peek(a), y = peek(b);
        if (x == PLACE_NOTHING || y == PLACE_NOTHING)
            return x == y ? 0 : x == PLACE_NOTHING ? -cmp_with_nothing(b) : cmp_with_nothing(a);
        if (x != y)
            return x == PLACE_ITEM ? cmp_with_list(a) : -cmp_with_list(b);
        if (x == PLACE_LIST) {
            enter(a);
            enter(b);
            continue;
        }
        struct token ta = take(a), tb = take(b);
        int sign = cmp_tokens(&ta, &tb);
        if (sign)
            return sign;
    }
}

/* One list of numbers: most versions. */
static bool is_plain(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!version_is_digit(version_at(s, i)) && s.ptr[i] != '.')
            return false;
    return s.len > 0;
}

static enum version_order maven_cmp(str sa, str sb)
{
    struct cursor a, b;
    if (is_plain(sa) && is_plain(sb))
        return version_order_of(version_cmp_number_lists(sa, sb));
    if (!open(sa, &a) || !open(sb, &b))
        return VERSION_UNKNOWN;
    return version_order_of(cmp_lists(&a, &b));
}

extern const struct version_scheme version_maven;
const struct version_scheme version_maven = {
    .name = "maven",
    .spec = "Maven 3.8, ComparableVersion; POM reference: Version order",
    .is_valid = maven_is_valid,
    .cmp = maven_cmp,
};
