/* SPDX-License-Identifier: Apache-2.0 */
/* rpm.c - rpm-version(7): [epoch:]version[-release].
 *
 *     1:2.36-9.el9_4
 *     | |    '- release: behind the last hyphen; absent sorts first
 *     | '- version
 *     '- epoch: a number, absent is 0
 *
 * Parts are compared by their segments: runs of digits or of ASCII letters; everything else
 * separates.  Digits are newer than letters, more segments newer than fewer.  A tilde sorts before
 * the end of the part, a caret behind the end and before any segment.
 * Invalid is an empty version, an epoch of more than 32 bits, white space, control
 * characters, and bytes that are in no UTF-8. */
#include "version/internal.h"

struct parts {
    str epoch, version, release;
    bool has_release;
};

/* INT_MAX would do for rpm; its tag is an unsigned 32 bit number. */
#define EPOCH_MAX 4294967295u

static bool is_letter(unsigned char c) { return version_is_lower(c | 0x20) && c < 0x80; }
static bool is_special(unsigned char c) { return c == '~' || c == '^'; }
static bool is_separator(unsigned char c)
{
    return c && !version_is_digit(c) && !is_letter(c) && !is_special(c);
}

/* rpm takes UTF-8, where these bytes never are. */
static bool is_allowed(unsigned char c)
{
    return (c > ' ' && c < 0x7f) || (c > 0x7f && c != 0xc0 && c != 0xc1 && c < 0xf5);
}

static bool split(str evr, struct parts *out)
{
    for (size_t i = 0; i < evr.len; i++)
        if (!is_allowed(version_at(evr, i)))
            return false;
    size_t colon = version_digits(evr, 0);
    bool has_epoch = version_at(evr, colon) == ':'; /* otherwise a colon is a separator */
    out->epoch = version_part(evr, 0, has_epoch ? colon : 0);
    str rest = version_part(evr, has_epoch ? colon + 1 : 0, evr.len);
    size_t hyphen = str_rfind_byte(rest, '-');
    out->version = version_part(rest, 0, hyphen);
    out->has_release = hyphen < rest.len;
    out->release = version_part(rest, hyphen + 1, rest.len);
    uint64_t epoch;
    return out->version.len && (out->epoch.len == 0 || str_to_u64(out->epoch, EPOCH_MAX, &epoch));
}

static size_t letters(str s, size_t i)
{
    while (is_letter(version_at(s, i)))
        i++;
    return i;
}

/* One segment of each, both there: *i and *j go behind them. */
static int cmp_segment(str a, size_t *i, str b, size_t *j)
{
    bool is_number = version_is_digit(version_at(a, *i));
    if (is_number != version_is_digit(version_at(b, *j)))
        return is_number ? 1 : -1;
    size_t end_a = is_number ? version_digits(a, *i) : letters(a, *i);
    size_t end_b = is_number ? version_digits(b, *j) : letters(b, *j);
    str x = version_part(a, *i, end_a), y = version_part(b, *j, end_b);
    *i = end_a;
    *j = end_b;
    return is_number ? version_cmp_numbers(x, y) : str_cmp(x, y);
}

/* As the tilde and the caret order them; 2: neither is in the way. */
static int cmp_special(unsigned char c, unsigned char d)
{
    if (c == '~' || d == '~')
        return c == d ? 0 : c == '~' ? -1 : 1;
    if (c != '^' && d != '^')
        return 2;
    if (c == d)
        return 0;
    if (c == '^')
        return d == 0 ? 1 : -1;
    return c == 0 ? -1 : 1;
}

static int cmp_part(str a, str b)
{
    size_t i = 0, j = 0;
    while (i < a.len || j < b.len) {
        while (is_separator(version_at(a, i)))
            i++;
        while (is_separator(version_at(b, j)))
            j++;
        unsigned char c = version_at(a, i), d = version_at(b, j);
        int sign = cmp_special(c, d);
        if (sign == 0) {
            i++;
            j++;
            continue;
        }
        if (sign != 2)
            return sign;
        if (c == 0 || d == 0)
            return (c != 0) - (d != 0);
        sign = cmp_segment(a, &i, b, &j);
        if (sign)
            return sign;
    }
    return 0;
}

static bool rpm_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order rpm_cmp(str a, str b)
{
    struct parts pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    int sign = version_cmp_numbers(pa.epoch, pb.epoch);
    if (!sign)
        sign = cmp_part(pa.version, pb.version);
    if (!sign)
        sign = pa.has_release - pb.has_release;
    if (!sign)
        sign = cmp_part(pa.release, pb.release);
    return version_order_of(sign);
}

extern const struct version_scheme version_rpm;
const struct version_scheme version_rpm = {
    .name = "rpm",
    .spec = "rpm-version(7)",
    .is_valid = rpm_is_valid,
    .cmp = rpm_cmp,
};
