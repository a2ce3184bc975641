/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg.c - deb-version(7), Debian Policy 5.6.12: [epoch:]upstream[-revision].
 *
 *     1:2.36-9+deb12u4
 *     | |    '- revision: behind the last hyphen, absent is the same as "0"
 *     | '- upstream: may hold hyphens and colons when revision and epoch are there
 *     '- epoch: a number, absent is 0
 *
 * Parts are compared in turns: a run of non-digits, a run of digits, and so on.  In the former a
 * tilde sorts before the end of the part, the end before letters, letters before the rest.
 * Invalid is what dpkg refuses, and characters that the manual does not allow; that a version
 * should begin with a digit is a recommendation only. */
#include "version/internal.h"

struct parts {
    str epoch, upstream, revision;
};

/* INT_MAX, as dpkg has it. */
#define EPOCH_MAX 2147483647

/* Weight in a run of non-digits, above zero: tilde, then digit and end alike, letters, the rest.
 * 0: a character that no version may hold. */
enum { TILDE = 1, END = 2, LETTER = 3, REST = 256 };
#define LETTERS(first, last) [first... last] = LETTER
static const uint16_t kinds[256] = {
    ['~'] = TILDE,      ['0' ... '9'] = END, LETTERS('A', 'Z'),  LETTERS('a', 'z'),
    ['+'] = REST + '+', ['-'] = REST + '-',  ['.'] = REST + '.', [':'] = REST + ':',
};

static unsigned weight(unsigned char c)
{
    unsigned kind = kinds[c];
    return c == 0 ? (unsigned)END : kind == LETTER ? (unsigned)LETTER + c : kind;
}

/* Where the parts meet; false when a character is not allowed.  Absent is the length. */
struct marks {
    size_t first_colon, last_colon, last_hyphen;
};

/* What a character is to the one pass over every version: nearly all of them nothing. */
enum { MARK_NONE, MARK_HYPHEN, MARK_COLON, MARK_BAD };
static const uint8_t marks[256] = {
    [0 ... '*'] = MARK_BAD,   [','] = MARK_BAD,         ['-'] = MARK_HYPHEN,
    ['/'] = MARK_BAD,         [':'] = MARK_COLON,       [';' ... '@'] = MARK_BAD,
    ['[' ... '`'] = MARK_BAD, ['{' ... '}'] = MARK_BAD, [0x7f ... 0xff] = MARK_BAD,
};

static bool mark(str version, struct marks *out)
{
    *out = (struct marks){version.len, version.len, version.len};
    for (size_t i = 0; i < version.len; i++) {
        unsigned what = marks[version_at(version, i)];
        if (what == MARK_NONE)
            continue;
        if (what == MARK_BAD)
            return false;
        if (what == MARK_HYPHEN) {
            out->last_hyphen = i;
            continue;
        }
        out->last_colon = i;
        if (out->first_colon == version.len)
            out->first_colon = i;
    }
    return true;
}

static bool split(str version, struct parts *out)
{
    struct marks at;
    if (!mark(version, &at))
        return false;
    bool has_epoch = at.first_colon < version.len, has_revision = at.last_hyphen < version.len;
    size_t start = has_epoch ? at.first_colon + 1 : 0;
    out->epoch = version_part(version, 0, has_epoch ? at.first_colon : 0);
    out->upstream = version_part(version, start, at.last_hyphen);
    out->revision = version_part(version, at.last_hyphen + 1, version.len);
    uint64_t epoch;
    if (has_epoch && !str_to_u64(out->epoch, EPOCH_MAX, &epoch))
        return false;
    if (out->upstream.len == 0 || (has_revision && out->revision.len == 0))
        return false;
    return !has_revision || !has_epoch || at.last_colon < at.last_hyphen;
}

/* Two runs of digits that begin at @i and @j, whose ends they become. */
static int cmp_digits(str a, size_t *i, str b, size_t *j)
{
    while (version_at(a, *i) == '0')
        (*i)++;
    while (version_at(b, *j) == '0')
        (*j)++;
    int first = 0; /* decides where both are as long */
    for (;; (*i)++, (*j)++) {
        unsigned char ca = version_at(a, *i), cb = version_at(b, *j);
        bool is_a = version_is_digit(ca), is_b = version_is_digit(cb);
        if (!is_a || !is_b)
            return is_a ? 1 : is_b ? -1 : first;
        if (!first && ca != cb)
            first = ca < cb ? -1 : 1;
    }
}

static int cmp_part(str a, str b)
{
    size_t i = 0, j = 0;
    while (i < a.len || j < b.len) {
        for (;;) {
            unsigned wa = weight(version_at(a, i)), wb = weight(version_at(b, j));
            if (wa != wb)
                return wa < wb ? -1 : 1;
            if (wa == END)
                break;
            i++;
            j++;
        }
        int sign = cmp_digits(a, &i, b, &j);
        if (sign)
            return sign;
    }
    return 0;
}

static bool dpkg_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order cmp_parts(const struct parts *a, const struct parts *b)
{
    int sign = a->epoch.len || b->epoch.len ? version_cmp_numbers(a->epoch, b->epoch) : 0;
    if (!sign)
        sign = cmp_part(a->upstream, b->upstream);
    if (!sign)
        sign = cmp_part(a->revision, b->revision);
    return version_order_of(sign);
}

static enum version_order dpkg_cmp(str a, str b)
{
    struct parts pa, pb;
    return split(a, &pa) && split(b, &pb) ? cmp_parts(&pa, &pb) : VERSION_UNKNOWN;
}

static void dpkg_read(str version, struct version_read *out)
{
    struct parts parts = {0};
    out->is_valid = split(version, &parts);
    out->parts[0] = parts.epoch;
    out->parts[1] = parts.upstream;
    out->parts[2] = parts.revision;
}

static enum version_order dpkg_cmp_read(const struct version_read *a, str b)
{
    const struct parts pa = {a->parts[0], a->parts[1], a->parts[2]};
    struct parts pb;
    return a->is_valid && split(b, &pb) ? cmp_parts(&pa, &pb) : VERSION_UNKNOWN;
}

extern const struct version_scheme version_dpkg;
const struct version_scheme version_dpkg = {
    .name = "dpkg",
    .spec = "deb-version(7), Debian Policy 5.6.12",
    .is_valid = dpkg_is_valid,
    .cmp = dpkg_cmp,
    .read = dpkg_read,
    .cmp_read = dpkg_cmp_read,
};
