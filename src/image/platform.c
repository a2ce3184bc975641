/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

#include <sys/utsname.h>

#include "base/num.h"

/* Names that people and uname(2) use, and what OCI (GOARCH) calls them. */
static const struct arch_row {
    const char *alias, *arch, *variant;
} arch_rows[] = {
    {"x86_64", "amd64", ""},    {"x86-64", "amd64", ""},
    {"aarch64", "arm64", ""},   {"armhf", "arm", "v7"},
    {"armv7l", "arm", "v7"},    {"armel", "arm", "v6"},
    {"armv6l", "arm", "v6"},    {"i386", "386", ""},
    {"i686", "386", ""},        {"riscv64", "riscv64", ""},
    {"ppc64le", "ppc64le", ""}, {"s390x", "s390x", ""},
    {"mips64", "mips64le", ""}, {"loongarch64", "loong64", ""},
};

static void normalise(struct platform *platform)
{
    for (size_t i = 0; i < ARRAY_LEN(arch_rows); i++) {
        if (!str_eq(platform->arch, str_from(arch_rows[i].alias)))
            continue;
        platform->arch = str_from(arch_rows[i].arch);
        if (str_is_empty(platform->variant))
            platform->variant = str_from(arch_rows[i].variant);
        return;
    }
}

static bool is_word(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool ok =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!ok)
            return false;
    }
    return text.len > 0;
}

bool platform_parse(str text, struct platform *out)
{
    *out = (struct platform){0};
    str rest = text, extra = STR_NONE;
    bool has_version = str_cut_byte(text, ':', &rest, &out->os_version);
    if (has_version && !is_word(out->os_version))
        return false;
    if (!str_cut_byte(rest, '/', &out->os, &rest) || !is_word(out->os))
        return false;
    bool has_variant = str_cut_byte(rest, '/', &out->arch, &out->variant);
    if (!is_word(out->arch) || (has_variant && !is_word(out->variant)) ||
        str_cut_byte(out->variant, '/', &out->variant, &extra))
        return false;
    normalise(out);
    return true;
}

str platform_print(struct arena *arena, const struct platform *p)
{
    str os = str_is_empty(p->os) ? STR("unknown") : p->os;
    str arch = str_is_empty(p->arch) ? STR("unknown") : p->arch;
    return arena_printf(arena, "%.*s/%.*s%s%.*s%s%.*s", STR_ARG(os), STR_ARG(arch),
                        p->variant.len ? "/" : "", STR_ARG(p->variant),
                        p->os_version.len ? ":" : "", STR_ARG(p->os_version));
}

struct platform platform_own(void)
{
    struct platform own = {.os = STR("linux"), .arch = STR("amd64")};
    struct utsname name;
    if (uname(&name) != 0)
        return own;
    for (size_t i = 0; i < ARRAY_LEN(arch_rows); i++) {
        if (!str_eq(str_from(name.machine), str_from(arch_rows[i].alias)))
            continue;
        own.arch = str_from(arch_rows[i].arch);
        own.variant = str_from(arch_rows[i].variant);
    }
    return own;
}

/* The level of a variant, where levels are ordered and none stated means a default (containerd's
 * platforms package: arm is v7, arm64 is v8, amd64 is v1); 0: not such a variant. */
static uint64_t level_of(const struct platform *p)
{
    static const struct {
        const char *arch;
        uint64_t level;
    } defaults[] = {{"amd64", 1}, {"arm", 7}, {"arm64", 8}};
    uint64_t level = 0;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (!str_eq(p->arch, str_from(defaults[i].arch)))
            continue;
        str digits = str_starts(p->variant, STR("v")) ? str_skip(p->variant, 1) : p->variant;
        if (str_is_empty(digits))
            return defaults[i].level;
        return str_to_u64(digits, 99, &level) ? level : 0;
    }
    return 0;
}

enum { FIT_EXACT = 1000, FIT_LOWER = 100 };

int platform_fit(const struct platform *wanted, const struct platform *have)
{
    struct platform w = *wanted, h = *have;
    normalise(&w);
    normalise(&h);
    if (!str_eq(w.os, h.os) || !str_eq(w.arch, h.arch))
        return 0;
    if (!str_is_empty(w.os_version) && !str_starts(h.os_version, w.os_version))
        return 0;
    if (str_eq(w.variant, h.variant))
        return FIT_EXACT + 1;
    uint64_t w_level = level_of(&w), h_level = level_of(&h);
    if (w_level == 0 || h_level == 0)
        return 0;
    if (w_level == h_level)
        return FIT_EXACT;
    /* a machine of v7 runs v6 too */
    return h_level < w_level ? FIT_LOWER + (int)h_level : 0;
}
