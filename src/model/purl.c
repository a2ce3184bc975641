/* SPDX-License-Identifier: Apache-2.0 */
/* purl.c - package-url/purl-spec: pkg:type/namespace/name@version?qualifiers#subpath, canonical
 * form.  What a type lower-cases, and how its package names hold a namespace, is one row a type. */
#include "model/internal.h"

#include "base/num.h"
#include "base/sb.h"

#include <stdlib.h>

enum { PURL_MAX = 64 << 10, QUALIFIERS_MAX = 16 };

static const struct purl_type types[] = {
    {"alpm", PURL_LOWER_NS | PURL_LOWER_NAME, 0},
    {"apk", PURL_LOWER_NS | PURL_LOWER_NAME, 0},
    {"bitbucket", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"bitnami", PURL_LOWER_NAME, 0},
    {"composer", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"deb", PURL_LOWER_NS | PURL_LOWER_NAME, 0},
    {"ebuild", 0, '/'},
    {"github", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"golang", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"hex", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"maven", PURL_ANY_KEYS, ':'},
    {"npm", PURL_LOWER_NS | PURL_LOWER_NAME, '/'},
    {"oci", PURL_LOWER_NAME, 0},
    {"pub", PURL_LOWER_NAME, 0},
    {"pypi", PURL_LOWER_NAME | PURL_DASHES, 0},
    {"qpkg", PURL_LOWER_NS, 0},
    {"rpm", PURL_LOWER_NS, 0},
    {"swift", PURL_NEEDS_NS, '/'},
};

const struct purl_type *purl_type_find(str type)
{
    static const struct purl_type plain = {"", 0, 0};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(str_from(types[i].type), type))
            return &types[i];
    return &plain;
}

static char lower(char c) { return purl_lower(c); }

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

static void add_purl(struct sb *out, str type, str ns, str name, str version)
{
    const struct purl_type *row = purl_type_find(type);
    sb_addc(out, "pkg:");
    add_encoded(out, type, true, false);
    sb_byte(out, '/');
    add_namespace(out, ns, row->flags & PURL_LOWER_NS);
    add_encoded(out, trim_slashes(name), row->flags & PURL_LOWER_NAME, row->flags & PURL_DASHES);
    if (version.len) {
        sb_byte(out, '@');
        add_encoded(out, version, false, false);
    }
}

str purl_print(struct arena *arena, str type, str ns, str name, str version, const str *qualifiers,
               size_t n_qualifiers)
{
    auto_sb out;
    sb_init(&out, PURL_MAX);
    add_purl(&out, type, ns, name, version);
    add_qualifiers(&out, qualifiers, n_qualifiers);
    struct err err = {0};
    return sb_ok(&out, &err) ? arena_dup(arena, sb_str(&out)) : STR_NONE;
}

/* Segments; empty ones, "." and ".." are left out. */
static void add_subpath(struct sb *out, str subpath)
{
    str segment;
    char before = '#';
    while (str_next(&subpath, '/', &segment)) {
        if (segment.len == 0 || str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            continue;
        sb_byte(out, (uint8_t)before);
        add_encoded(out, segment, false, false);
        before = '/';
    }
}

bool purl_build(struct arena *arena, const struct purl *purl, str *out, struct err *err)
{
    if (!purl_check(purl, err))
        return false;
    str pairs[2 * QUALIFIERS_MAX];
    size_t n = purl->qualifiers.len;
    if (n > QUALIFIERS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d qualifiers", (int)QUALIFIERS_MAX);
    for (size_t i = 0; i < n; i++) {
        pairs[2 * i] = purl->qualifiers.ptr[i].key;
        pairs[2 * i + 1] = purl->qualifiers.ptr[i].value;
    }
    auto_sb text;
    sb_init(&text, PURL_MAX);
    add_purl(&text, purl->type, purl->ns, purl->name, purl->version);
    add_qualifiers(&text, pairs, n);
    add_subpath(&text, purl->subpath);
    if (!sb_ok(&text, err))
        return false;
    *out = arena_dup(arena, sb_str(&text));
    return out->ptr || err_memory(err);
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

static void split_name(const struct package *package, str *ns, str *name)
{
    *ns = STR_NONE;
    *name = package->name;
    char separator = purl_type_find(package->type)->separator;
    size_t at = separator ? str_rfind_byte(*name, separator) : name->len;
    if (at >= name->len)
        return;
    *ns = str_slice(*name, 0, at);
    *name = str_skip(*name, at + 1);
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
    str ns = distro->id, name = package->name;
    if (str_find_byte(name, '/') < name.len && purl_type_find(package->type)->separator)
        split_name(package, &ns, &name); /* Gentoo's category */
    return purl_print(arena, package->type, ns, name, version, qualifiers, 4);
}

str purl_of(struct arena *arena, const struct package *package, const struct distro *distro)
{
    if (package->is_os)
        return purl_of_os(arena, package, distro);
    str ns, name;
    split_name(package, &ns, &name);
    return purl_print(arena, package->type, ns, name, package->version, NULL, 0);
}
