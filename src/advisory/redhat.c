/* SPDX-License-Identifier: Apache-2.0 */
/* redhat.c - Red Hat's names in ours: CPEs of products, NEVRAs and purls of packages.
 *
 *     cpe:/o:redhat:enterprise_linux:9::baseos      Red Hat:enterprise_linux:9
 *     cpe:/a:redhat:enterprise_linux:9::appstream   the same
 *     cpe:/o:redhat:enterprise_linux:10.1           Red Hat:enterprise_linux:10
 *     cpe:/a:redhat:rhel_eus:9.2::appstream         Red Hat:rhel_eus:9.2
 *     cpe:/a:redhat:satellite:6.13::el8             Red Hat:satellite:6.13::el8
 *
 * The parts of a plain release are one ecosystem, since an installed package does not say which it
 * came from.  Extended streams (EUS, AUS, TUS, E4S, ELS) and layered products keep theirs: an image
 * of a plain release is not judged by them, and what they say is not lost. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "version/version.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static str next_field(str *rest)
{
    str field;
    return str_next(rest, ':', &field) && !str_eq(field, STR("*")) ? field : STR_NONE;
}

/* Empty with no error: not a product of Red Hat. */
bool redhat_ecosystem(struct arena *arena, str cpe, str *out, struct err *err)
{
    str rest = cpe;
    *out = STR_NONE;
    bool is_23 = str_starts(cpe, STR("cpe:2.3:"));
    if (!is_23 && !str_starts(cpe, STR("cpe:/")))
        return true;
    rest = str_skip(rest, is_23 ? STR("cpe:2.3:").len : STR("cpe:/").len);
    (void)next_field(&rest);
    if (!str_eq(next_field(&rest), STR("redhat")))
        return true;
    str product = next_field(&rest), version = next_field(&rest);
    (void)next_field(&rest);
    str edition = next_field(&rest);
    if (str_is_empty(product))
        return true;
    if (str_eq(product, STR("enterprise_linux"))) {
        (void)str_cut_byte(version, '.', &version, &rest);
        edition = STR_NONE;
    }
    bool is_built_on =
        edition.len > 2 && str_starts(edition, STR("el")) && is_digit(edition.ptr[2]);
    *out = arena_printf(arena, "Red Hat:" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(product),
                        version.len ? ":" : "", STR_ARG(version), is_built_on ? "::" : "",
                        STR_ARG(is_built_on ? edition : STR_NONE));
    return out->ptr ? true : err_memory(err);
}

/* --- packages
 * ---------------------------------------------------------------------------------------- */

static bool is_arch(str name)
{
    static const char *const names[] = {"aarch64", "i386",   "i486", "i586",  "i686",    "ia64",
                                        "noarch",  "nosrc",  "ppc",  "ppc64", "ppc64le", "s390",
                                        "s390x",   "source", "src",  "x86_64"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}

static void set_arch(struct redhat_package *out, str arch)
{
    out->is_source =
        str_eq(arch, STR("src")) || str_eq(arch, STR("source")) || str_eq(arch, STR("nosrc"));
    if (!out->is_source)
        out->arch = arch;
}

/* "nodejs:18:8090020230825141447:a75119d5" is of the stream "nodejs:18". */
static str stream_of(str module)
{
    str name, stream, rest;
    if (!str_cut_byte(module, ':', &name, &rest))
        return module;
    (void)str_cut_byte(rest, ':', &stream, &rest);
    return str_slice(module, 0, name.len + 1 + stream.len);
}

static str without_zero_epoch(str version)
{
    return str_starts(version, STR("0:")) ? str_skip(version, 2) : version;
}

/* "perl-FCGI-1:0.78-11.module+el8.6.0+1.src::perl-FCGI:0.78",
 * "ruby-2.7.8-1.el8.x86_64.rpm-ruby:2.7", "samba.src", "satellite:el8/python-brotli.src" or a bare
 * name. */
void redhat_nevra(str text, struct redhat_package *out)
{
    str stem, module = STR_NONE, path;
    *out = (struct redhat_package){0};
    if (str_cut(text, STR(".rpm-"), &stem, &module) || str_cut(text, STR("::"), &stem, &module))
        text = stem;
    else if (str_cut_byte(text, '/', &path, &stem)) {
        text = stem;
        module = path;
    }
    if (str_ends(text, STR(".rpm")))
        text = str_slice(text, 0, text.len - 4);
    out->module = stream_of(module);
    size_t dot = str_rfind_byte(text, '.');
    if (dot < text.len && is_arch(str_skip(text, dot + 1))) {
        set_arch(out, str_skip(text, dot + 1));
        text = str_slice(text, 0, dot);
    }
    out->name = text;
    size_t release = str_rfind_byte(text, '-');
    size_t version = str_rfind_byte(str_slice(text, 0, release), '-');
    if (release + 1 >= text.len || version >= release || version == 0)
        return;
    if (is_digit(text.ptr[version + 1]) && is_digit(text.ptr[release + 1])) {
        out->name = str_slice(text, 0, version);
        out->version = without_zero_epoch(str_skip(text, version + 1));
    }
}

bool redhat_purl(struct arena *arena, str text, struct redhat_package *out, struct err *err)
{
    struct purl purl;
    struct err why = {0};
    str epoch = STR_NONE;
    *out = (struct redhat_package){0};
    if (!purl_parse(arena, text, PURL_ANY_CASE, &purl, &why)) {
        if (why.kind == ERR_MEMORY)
            *err = why;
        return why.kind != ERR_MEMORY;
    }
    if (!str_eq(purl.type, STR("rpm")))
        return true;
    out->name = purl.name;
    for (size_t i = 0; i < purl.qualifiers.len; i++) {
        const struct purl_qualifier *q = &purl.qualifiers.ptr[i];
        if (str_eq(q->key, STR("arch")))
            set_arch(out, q->value);
        else if (str_eq(q->key, STR("epoch")) && !str_eq(q->value, STR("0")))
            epoch = q->value;
        else if (str_eq(q->key, STR("rpmmod")))
            out->module = stream_of(q->value);
    }
    out->version = without_zero_epoch(purl.version);
    if (epoch.len && purl.version.len)
        out->version =
            arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(epoch), STR_ARG(purl.version));
    return out->version.ptr || !purl.version.len ? true : err_memory(err);
}

/* One stream of a module is built several times from the same sources, "…+23193+83e23a7a" and
 * "…+23193+53aa8c2a": each is a fix, and the hash has no order. */
static bool is_same_build(str a, str b)
{
    size_t plus = str_rfind_byte(a, '+');
    return str_has(a, STR(".module+")) && plus < a.len && plus == str_rfind_byte(b, '+') &&
           str_eq(str_slice(a, 0, plus), str_slice(b, 0, plus));
}

/* The end of what is affected: the highest of the fixes. */
bool redhat_add_fix(struct arena *arena, struct affected *affected, str version, struct err *err)
{
    const struct version_scheme *rpm = version_find(STR("rpm"));
    for (size_t i = 0; i < affected->ranges.len; i++) {
        struct version_range *range = &affected->ranges.ptr[i];
        enum version_order order = rpm ? rpm->cmp(range->fixed, version) : VERSION_UNKNOWN;
        if (order == VERSION_UNKNOWN)
            continue;
        if (order == (is_same_build(range->fixed, version) ? VERSION_GREATER : VERSION_LESS))
            range->fixed = version;
        return true;
    }
    struct version_range *range = vec_push(arena, &affected->ranges);
    if (!range)
        return err_memory(err);
    *range = (struct version_range){.introduced = STR("0"), .fixed = version};
    return true;
}

enum fix_state redhat_fix_state(str words)
{
    static const struct {
        const char *words;
        enum fix_state state;
    } rows[] = {
        {"Will not fix", FIX_WILL_NOT_FIX},   {"Out of support scope", FIX_END_OF_LIFE},
        {"Fix deferred", FIX_DEFERRED},       {"Affected", FIX_AFFECTED},
        {"Not affected", FIX_NOT_AFFECTED},   {"New", FIX_UNKNOWN},
        {"Under investigation", FIX_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq_nocase(str_trim(words), str_from(rows[i].words)))
            return rows[i].state;
    }
    return FIX_AFFECTED;
}
