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
 * Invalid is what dpkg refuses, and characters that the manual does not allow; that a version should
 * begin with a digit is a recommendation only. */
#include "version/internal.h"

struct parts {
    str epoch, upstream, revision;
};

/* INT_MAX, as dpkg has it. */
#define EPOCH_MAX 2147483647

enum { IN_UPSTREAM = 1, IN_REVISION = 2 };

/* What a character may be part of. */
static unsigned allowed(unsigned char c)
{
    if (version_is_digit(c) || version_is_lower(c) || (c >= 'A' && c <= 'Z'))
        return IN_UPSTREAM | IN_REVISION;
    switch (c) {
    case '.':
    case '+':
    case '~':
        return IN_UPSTREAM | IN_REVISION;
    case '-':
    case ':':
        return IN_UPSTREAM;
    default:
        return 0;
    }
}

static bool all_allowed(str part, unsigned where)
{
    for (size_t i = 0; i < part.len; i++)
        if (!(allowed(version_at(part, i)) & where))
            return false;
    return true;
}

static bool split(str version, struct parts *out)
{
    size_t colon = 0, hyphen = version.len;
    while (colon < version.len && version_at(version, colon) != ':')
        colon++;
    size_t start = colon < version.len ? colon + 1 : 0;
    while (hyphen > start && version_at(version, hyphen - 1) != '-')
        hyphen--;
    bool has_revision = hyphen > start;
    out->epoch = version_part(version, 0, start ? colon : 0);
    out->upstream = version_part(version, start, has_revision ? hyphen - 1 : version.len);
    out->revision = has_revision ? version_part(version, hyphen, version.len) : STR_NONE;
    uint64_t epoch;
    if (start && !str_to_u64(out->epoch, EPOCH_MAX, &epoch))
        return false;
    if (out->upstream.len == 0 || (has_revision && out->revision.len == 0))
        return false;
    return all_allowed(out->upstream, IN_UPSTREAM) && all_allowed(out->revision, IN_REVISION);
}

/* Weight of a character in a run of non-digits; a digit and the end weigh the same. */
static int weight(unsigned char c)
{
    if (c == 0 || version_is_digit(c))
        return 0;
    if (c == '~')
        return -1;
    if (version_is_lower(c) || (c >= 'A' && c <= 'Z'))
        return c;
    return c + 256;
}

static int cmp_part(str a, str b)
{
    size_t i = 0, j = 0;
    while (i < a.len || j < b.len) {
        for (;;) {
            int wa = weight(version_at(a, i)), wb = weight(version_at(b, j));
            if (wa != wb)
                return wa < wb ? -1 : 1;
            if (wa == 0)
                break;
            i++;
            j++;
        }
        size_t end_a = version_digits(a, i), end_b = version_digits(b, j);
        int sign = version_cmp_numbers(version_part(a, i, end_a), version_part(b, j, end_b));
        if (sign)
            return sign;
        i = end_a;
        j = end_b;
    }
    return 0;
}

static bool dpkg_is_valid(str version)
{
    struct parts parts;
    return split(version, &parts);
}

static enum version_order dpkg_cmp(str a, str b)
{
    struct parts pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    int sign = version_cmp_numbers(pa.epoch, pb.epoch);
    if (!sign)
        sign = cmp_part(pa.upstream, pb.upstream);
    if (!sign)
        sign = cmp_part(pa.revision, pb.revision);
    return version_order_of(sign);
}

extern const struct version_scheme version_dpkg;
const struct version_scheme version_dpkg = {
    .name = "dpkg",
    .spec = "deb-version(7), Debian Policy 5.6.12",
    .is_valid = dpkg_is_valid,
    .cmp = dpkg_cmp,
};
