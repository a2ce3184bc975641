/* SPDX-License-Identifier: Apache-2.0 */
/* pacman.c - the order of Arch's pacman: vercmp(8), [epoch:]version[-release].
 *
 * A part is a row of segments, each all digits or all letters; what else it holds only separates.
 * Segments are compared in turns: digits as numbers, letters as text, digits above letters, and the
 * longer separator above the shorter.  When one part ends first, the other is the greater one, but
 * not when it goes on with a letter: 1.0 < 1.0.a, yet 1.0rc < 1.0.  A separator that begins with a
 * tilde comes before everything, the end too, as in dpkg and rpm: vercmp takes it for any
 * separator, Arch's packages have none, and who writes 1.0~rc1 means "before 1.0".  Without a
 * release on one side only the versions count. */
#include "version/internal.h"

struct parts {
    str epoch, version, release;
    bool has_release;
};

static bool is_letter(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_alnum(unsigned char c) { return version_is_digit(c) || is_letter(c); }

/* PKGBUILD(5), pkgver: no colon, slash, hyphen or white space; printable ASCII is all that is
 * used. */
static bool is_part(str part)
{
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = version_at(part, i);
        if (c <= ' ' || c > '~' || c == ':' || c == '/')
            return false;
    }
    return true;
}

static bool split(str s, struct parts *out)
{
    size_t colon = version_digits(s, 0);
    bool has_epoch = version_at(s, colon) == ':';
    size_t from = has_epoch ? colon + 1 : 0;
    size_t hyphen = str_rfind_byte(s, '-');
    out->has_release = hyphen < s.len && hyphen >= from;
    out->epoch = version_part(s, 0, has_epoch ? colon : 0);
    out->version = version_part(s, from, out->has_release ? hyphen : s.len);
    out->release = version_part(s, hyphen + 1, s.len);
    return out->version.len && is_part(out->version) && is_part(out->release) &&
           (!out->has_release || out->release.len);
}

static size_t skip_separator(str s, size_t i)
{
    while (i < s.len && !is_alnum(version_at(s, i)))
        i++;
    return i;
}

static size_t segment_end(str s, size_t i, bool is_number)
{
    while (is_number ? version_is_digit(version_at(s, i)) : is_letter(version_at(s, i)))
        i++;
    return i;
}

static int cmp_segments(str a, str b, bool is_number)
{
    if (b.len == 0) /* of the other kind */
        return is_number ? 1 : -1;
    return is_number ? version_cmp_numbers(a, b) : str_cmp(a, b);
}

/* As the tildes at @i and @j order them; 0: both or neither has one. */
static int cmp_tildes(str a, size_t i, str b, size_t j)
{
    return (version_at(b, j) == '~') - (version_at(a, i) == '~');
}

/* At least one of them is at its end at @i and @j. */
static int cmp_ends(str a, size_t i, str b, size_t j)
{
    int tildes = cmp_tildes(a, i, b, j);
    if (tildes || (i == a.len && j == b.len))
        return tildes;
    bool is_less = i == a.len ? !is_letter(version_at(b, j)) : is_letter(version_at(a, i));
    return is_less ? -1 : 1;
}

static int cmp_part(str a, str b)
{
    size_t i = 0, j = 0;
    while (i < a.len && j < b.len) {
        int tildes = cmp_tildes(a, i, b, j);
        if (tildes)
            return tildes;
        size_t start_a = skip_separator(a, i), start_b = skip_separator(b, j);
        size_t gap_a = start_a - i, gap_b = start_b - j;
        i = start_a;
        j = start_b;
        if (i == a.len || j == b.len)
            break;
        if (gap_a != gap_b)
            return gap_a < gap_b ? -1 : 1;
        bool is_number = version_is_digit(version_at(a, i));
        size_t end_a = segment_end(a, i, is_number), end_b = segment_end(b, j, is_number);
        int sign = cmp_segments(version_part(a, i, end_a), version_part(b, j, end_b), is_number);
        if (sign)
            return sign;
        i = end_a;
        j = end_b;
    }
    return cmp_ends(a, i, b, j);
}

static bool pacman_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order pacman_cmp(str a, str b)
{
    struct parts pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    int sign = version_cmp_numbers(pa.epoch, pb.epoch);
    if (!sign)
        sign = cmp_part(pa.version, pb.version);
    if (!sign && pa.has_release && pb.has_release)
        sign = cmp_part(pa.release, pb.release);
    return version_order_of(sign);
}

extern const struct version_scheme version_pacman;
const struct version_scheme version_pacman = {
    .name = "pacman",
    .spec = "vercmp(8), PKGBUILD(5)",
    .is_valid = pacman_is_valid,
    .cmp = pacman_cmp,
};
