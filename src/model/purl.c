/* SPDX-License-Identifier: Apache-2.0 */
/* purl.c - package-url/purl-spec: pkg:type/namespace/name@version?qualifiers, canonical form.
 * What a type lower-cases, and how its package names hold a namespace, is one row a type. */
#include "model/model.h"

#include "base/num.h"
#include "base/sb.h"

#include <stdlib.h>

enum { PURL_MAX = 64 << 10, QUALIFIERS_MAX = 16 };

enum { LOWER_NS = 1, LOWER_NAME = 2, DASHES = 4 }; /* DASHES: '_' is written '-' */
static const struct type_row {
    const char *type;
    unsigned flags;
    char separator; /* a package name is namespace and name around the last one of it; 0: name alone
                     */
} types[] = {
    {"alpm", LOWER_NS | LOWER_NAME, 0},
    {"apk", LOWER_NS | LOWER_NAME, 0},
    {"bitbucket", LOWER_NS | LOWER_NAME, '/'},
    {"bitnami", LOWER_NAME, 0},
    {"composer", LOWER_NS | LOWER_NAME, '/'},
    {"deb", LOWER_NS | LOWER_NAME, 0},
    {"github", LOWER_NS | LOWER_NAME, '/'},
    {"golang", LOWER_NS | LOWER_NAME, '/'},
    {"hex", LOWER_NS | LOWER_NAME, '/'},
    {"maven", 0, ':'},
    {"npm", LOWER_NS | LOWER_NAME, '/'},
    {"oci", LOWER_NAME, 0},
    {"pub", LOWER_NAME, 0},
    {"pypi", LOWER_NAME | DASHES, 0},
    {"qpkg", LOWER_NS, 0},
    {"rpm", LOWER_NS, 0},
    {"swift", 0, '/'},
};

static const struct type_row *type_find(str type)
{
    static const struct type_row plain = {"", 0, 0};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(str_from(types[i].type), type))
            return &types[i];
    return &plain;
}

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

/* Written as they are: ALPHA, DIGIT, ".-_~", and the colon. */
static bool is_plain(char c)
{
    char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || str_find_byte(STR(".-_~:"), c) < 5;
}

static void add_encoded(struct sb *out, str s, bool is_lower, bool is_dashes)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = is_lower ? lower(s.ptr[i]) : s.ptr[i];
        if (is_dashes && c == '_')
            c = '-';
        if (is_plain(c))
            sb_byte(out, (uint8_t)c);
        else
            sb_addf(out, "%%%02X", (unsigned char)c);
    }
}

/* Segments between slashes; empty ones are left out. */
static void add_namespace(struct sb *out, str ns, bool is_lower)
{
    str segment;
    while (str_next(&ns, '/', &segment))
        if (segment.len) {
            add_encoded(out, segment, is_lower, false);
            sb_byte(out, '/');
        }
}

struct pair {
    str key, value;
};

static int cmp_pairs(const void *a, const void *b)
{
    return str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void add_qualifiers(struct sb *out, const str *qualifiers, size_t n)
{
    struct pair pairs[QUALIFIERS_MAX];
    size_t n_pairs = 0;
    for (size_t i = 0; i < n && n_pairs < QUALIFIERS_MAX; i++)
        if (qualifiers[2 * i].len && qualifiers[2 * i + 1].len)
            pairs[n_pairs++] = (struct pair){qualifiers[2 * i], qualifiers[2 * i + 1]};
    if (n_pairs)
        qsort(pairs, n_pairs, sizeof(pairs[0]), cmp_pairs);
    for (size_t i = 0; i < n_pairs; i++) {
        sb_byte(out, i ? '&' : '?');
        add_encoded(out, pairs[i].key, true, false);
        sb_byte(out, '=');
        add_encoded(out, pairs[i].value, false, false);
    }
}

static str trim_slashes(str s)
{
    while (s.len && s.ptr[0] == '/')
        s = str_skip(s, 1);
    while (s.len && s.ptr[s.len - 1] == '/')
        s = str_slice(s, 0, s.len - 1);
    return s;
}

str purl_print(struct arena *arena, str type, str ns, str name, str version, const str *qualifiers,
               size_t n_qualifiers)
{
    const struct type_row *row = type_find(type);
    auto_sb out;
    sb_init(&out, PURL_MAX);
    sb_addc(&out, "pkg:");
    add_encoded(&out, type, true, false);
    sb_byte(&out, '/');
    add_namespace(&out, ns, row->flags & LOWER_NS);
    add_encoded(&out, trim_slashes(name), row->flags & LOWER_NAME, row->flags & DASHES);
    if (version.len) {
        sb_byte(&out, '@');
        add_encoded(&out, version, false, false);
    }
    add_qualifiers(&out, qualifiers, n_qualifiers);
    struct err err = {0};
    return sb_ok(&out, &err) ? arena_dup(arena, sb_str(&out)) : STR_NONE;
}

/* rpm's epoch is a qualifier, not part of the version. */
static str cut_epoch(str *version)
{
    str epoch, rest;
    if (!str_cut_byte(*version, ':', &epoch, &rest))
        return STR_NONE;
    *version = rest;
    return str_eq(epoch, STR("0")) ? STR_NONE : epoch;
}

/* The source package's file, which rpm's type calls upstream; empty for the others. */
static str upstream_of(struct arena *arena, const struct package *package)
{
    str version = package->source_version;
    cut_epoch(&version);
    if (!str_eq(package->type, STR("rpm")) || !package->source_name.len || !version.len)
        return STR("");
    return arena_printf(arena, STR_FMT "-" STR_FMT ".src.rpm", STR_ARG(package->source_name),
                        STR_ARG(version));
}

static str purl_of_os(struct arena *arena, const struct package *package,
                      const struct distro *distro)
{
    str version = package->version, release = STR_NONE;
    str epoch = str_eq(package->type, STR("rpm")) ? cut_epoch(&version) : STR_NONE;
    if (distro->id.len && distro->version_id.len) {
        release = arena_printf(arena, STR_FMT "-" STR_FMT, STR_ARG(distro->id),
                               STR_ARG(distro->version_id));
        if (!release.ptr)
            return STR_NONE;
    }
    str upstream = upstream_of(arena, package);
    if (!upstream.ptr)
        return STR_NONE;
    const str qualifiers[] = {STR("arch"),  package->arch, STR("distro"),   release,
                              STR("epoch"), epoch,         STR("upstream"), upstream};
    return purl_print(arena, package->type, distro->id, package->name, version, qualifiers, 4);
}

str purl_of(struct arena *arena, const struct package *package, const struct distro *distro)
{
    if (package->is_os)
        return purl_of_os(arena, package, distro);
    str ns = STR_NONE, name = package->name;
    char separator = type_find(package->type)->separator;
    size_t at = separator ? str_rfind_byte(name, separator) : name.len;
    if (at < name.len) {
        ns = str_slice(name, 0, at);
        name = str_skip(name, at + 1);
    }
    return purl_print(arena, package->type, ns, name, package->version, NULL, 0);
}
