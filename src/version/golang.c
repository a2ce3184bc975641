/* SPDX-License-Identifier: Apache-2.0 */
/* golang.c - golang.org/x/mod/semver, and the releases of Go itself.
 *
 *     v1.2.3-0.20180116102854-5a71ef0e047d+incompatible
 *     go1.21rc2
 *
 * SemVer with a "v", which advisories leave out; v1 and v1.2 are v1.0.0 and v1.2.0, alone.  A
 * pseudo-version is a prerelease, and +incompatible is build metadata, which says nothing.  Go's
 * own tags are read as the Go vulnerability database does: go1.21rc2 is 1.21.0-rc.2; what follows a
 * blank or a hyphen is the vendor's. */
#include "version/internal.h"

#include "base/num.h"

static const struct version_grammar grammar = {.flags = GRAMMAR_WHOLE, .least = 1, .most = 3};

enum { TAG_DIGITS = 20 };
struct golang {
    struct version_precedence parts;
    char made[8 + TAG_DIGITS]; /* "rc.2" of a tag */
};

/* "rc2" and "beta1", as the identifiers "rc.2" and "beta.1". */
static bool take_stage(str s, size_t *i, struct golang *out)
{
    static const str words[] = {{"beta", 4}, {"rc", 2}, {"-pre", 4}};
    str rest = str_skip(s, *i);
    out->parts.prerelease = STR_NONE;
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        size_t end = version_digits(rest, words[w].len), n = end - words[w].len;
        if (!str_starts(rest, words[w]) || end <= words[w].len)
            continue;
        bool has_hyphen = words[w].ptr[0] == '-';
        str word = str_skip(words[w], has_hyphen);
        if (n > TAG_DIGITS)
            return false;
        memcpy(out->made, word.ptr, word.len);
        out->made[word.len] = '.';
        memcpy(out->made + word.len + 1, rest.ptr + words[w].len, n);
        out->parts.prerelease = str_of(out->made, word.len + 1 + n);
        *i += end;
        return true;
    }
    return true;
}

static bool split_tag(str s, struct golang *out)
{
    size_t i = 2, n = 0;
    for (;; i++, n++) {
        size_t end = version_digits(s, i);
        if (end == i || n == 3)
            return false;
        i = end;
        if (version_at(s, i) != '.')
            break;
    }
    out->parts.numbers = version_part(s, 2, i);
    out->parts.build = STR_NONE;
    return take_stage(s, &i, out) &&
           (i == s.len || version_at(s, i) == ' ' || version_at(s, i) == '-');
}

/* A tag's vendor part may hold anything but control characters. */
static bool is_printable(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (version_at(s, i) < ' ' || version_at(s, i) > '~')
            return false;
    return true;
}

static bool split(str s, struct golang *out)
{
    if (str_starts(s, STR("go")))
        return is_printable(s) && split_tag(s, out);
    return precedence_split(s, grammar, &out->parts);
}

static bool golang_is_valid(str version)
{
    struct golang parts;
    return split(version, &parts);
}

static enum version_order golang_cmp(str a, str b)
{
    struct golang pa, pb;
    if (!split(a, &pa) || !split(b, &pb))
        return VERSION_UNKNOWN;
    return version_order_of(precedence_sign(&pa.parts, &pb.parts, grammar.flags));
}

extern const struct version_scheme version_golang;
const struct version_scheme version_golang = {
    .name = "golang",
    .spec = "golang.org/x/mod/semver, Go modules reference: Versions",
    .is_valid = golang_is_valid,
    .cmp = golang_cmp,
};
