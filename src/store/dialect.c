/* SPDX-License-Identifier: Apache-2.0 */
/* What the portable text leaves to the driver: words that it replaces by its own.  A word in braces
 * that the driver does not know is a fault of ours, and said as one. */
#include "store/internal.h"

enum { SQL_MAX = 1 << 20 };

static const struct dialect_word *word_at(const struct dialect_word *words, str rest)
{
    for (; words->token; words++)
        if (str_starts(rest, str_from(words->token)))
            return words;
    return NULL;
}

bool dialect(const struct dialect_word *words, const char *sql, struct sb *out, struct err *err)
{
    sb_init(out, SQL_MAX);
    for (str rest = str_from(sql); rest.len;) {
        const struct dialect_word *word = word_at(words, rest);
        if (!word && rest.ptr[0] == '{')
            return err_set(err, ERR_IO, "store: no driver's word: %.16s", rest.ptr);
        if (word)
            sb_addc(out, word->word);
        else
            sb_byte(out, (uint8_t)rest.ptr[0]);
        rest = str_skip(rest, word ? strlen(word->token) : 1);
    }
    return sb_ok(out, err);
}

/* --- text: UTF-8 (RFC 3629, 4) without NUL
 * -------------------------------------------------------------------- */
static bool is_tail(str s, size_t at)
{
    return at < s.len && ((unsigned char)s.ptr[at] & 0xc0) == 0x80;
}

/* The length of the sequence at @at, or 0 when there is none. */
static size_t sequence(str s, size_t at)
{
    unsigned char c = (unsigned char)s.ptr[at];
    unsigned char next = at + 1 < s.len ? (unsigned char)s.ptr[at + 1] : 0;
    if (c < 0x80)
        return c ? 1 : 0;
    if (!is_tail(s, at + 1) || c < 0xc2 || c > 0xf4)
        return 0;
    if (c < 0xe0)
        return 2;
    if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) ||
        (c == 0xf4 && next > 0x8f) || !is_tail(s, at + 2))
        return 0;
    if (c < 0xf0)
        return 3;
    return is_tail(s, at + 3) ? 4 : 0;
}

bool text_is_clean(str s)
{
    for (size_t at = 0, n; at < s.len; at += n)
        if (!(n = sequence(s, at)))
            return false;
    return true;
}

void text_clean(str s, struct sb *out)
{
    for (size_t at = 0; at < s.len;) {
        size_t n = sequence(s, at);
        sb_add(out, n ? str_slice(s, at, at + n) : STR("\xef\xbf\xbd"));
        at += n ? n : 1;
    }
}
