/* SPDX-License-Identifier: Apache-2.0 */
/* subject.c - from installed packages to what is judged. */
#include "match/internal.h"

#include "base/num.h"

#include <stdlib.h>

/* What is built from the kernel's source and never run as a kernel: headers, and what compiles
 * modules against them.  A star stands for any end. */
static const char *const kernel_headers[] = {
    "kernel-devel*",      /* Red Hat, SUSE */
    "kernel-headers*",    /* Red Hat, Azure Linux */
    "kernel-macros",      /* SUSE */
    "linux-api-headers*", /* Arch, Photon */
    "linux-compiler-*",   /* Debian */
    "linux-glibc-devel",  /* SUSE */
    "linux-headers*",     /* Debian, Ubuntu, Alpine */
    "linux-kbuild-*",     /* Debian */
    "linux-libc-dev*",    /* Debian, Ubuntu */
};

bool package_is_kernel_headers(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(kernel_headers); i++) {
        str pattern = str_from(kernel_headers[i]);
        bool is_open = str_ends(pattern, STR("*"));
        if (is_open ? str_starts(name, str_slice(pattern, 0, pattern.len - 1))
                    : str_eq(name, pattern))
            return true;
    }
    return false;
}

/* --- order
 * ------------------------------------------------------------------------------------------ */
static str source_name(const struct package *package)
{
    return package->is_os && package->source_name.len ? package->source_name : package->name;
}

static str source_version(const struct package *package)
{
    return package->is_os && package->source_version.len ? package->source_version
                                                         : package->version;
}

static int cmp_subjects(const struct package *a, const struct package *b)
{
    int sign = str_cmp(a->type, b->type);
    if (!sign)
        sign = str_cmp(source_name(a), source_name(b));
    if (!sign)
        sign = str_cmp(source_version(a), source_version(b));
    if (!sign)
        sign = (int)a->is_os - (int)b->is_os;
    if (!sign && !a->is_os)
        sign = str_cmp(a->path, b->path);
    return sign;
}

static int cmp_refs(const void *pa, const void *pb)
{
    const struct package *a = *(const struct package *const *)pa,
                         *b = *(const struct package *const *)pb;
    int sign = cmp_subjects(a, b);
    if (!sign)
        sign = str_cmp(a->name, b->name);
    if (!sign)
        sign = str_cmp(a->version, b->version);
    if (!sign)
        sign = str_cmp(a->arch, b->arch);
    return sign ? sign : (a->layer > b->layer) - (a->layer < b->layer);
}

/* What an OS package owns is the distribution's affair: its backported fixes do not show upstream.
 */
static bool is_judged(const struct package *package)
{
    return package->is_os || (package->owned_by.len == 0 && ecosystem_find(package->type));
}

bool subjects_sort(struct arena *arena, const packages *all, package_refs *out)
{
    for (size_t i = 0; i < all->len; i++) {
        if (!is_judged(&all->ptr[i]))
            continue;
        const struct package **ref = vec_push(arena, out);
        if (!ref)
            return false;
        *ref = &all->ptr[i];
    }
    vec_sort(out, cmp_refs);
    return true;
}

/* --- cut
 * -------------------------------------------------------------------------------------------- */
static void judge_as_os(struct subject *out, const struct distro *distro, str ecosystem)
{
    const struct distro_row *row = distro_find(distro->id);
    bool is_its_own = row && str_eq(str_from(row->purl_type), out->type);
    out->ecosystem = is_its_own ? ecosystem : STR_NONE; /* dpkg in an Alpine: match.c says so */
    out->own = distro->id;
    out->scheme_name = row ? row->scheme : "none";
    out->category = row ? row->category : "unknown";
}

static void judge_as_language(struct subject *out)
{
    const struct ecosystem_row *row = ecosystem_find(out->type);
    out->ecosystem = row ? str_from(row->ecosystem) : STR_NONE;
    out->scheme_name = row ? row->scheme : "none";
    out->category = row ? row->ecosystem : "unknown";
}

bool subject_next(const package_refs *refs, const struct distro *distro, str ecosystem, size_t *at,
                  struct subject *out)
{
    if (*at >= refs->len)
        return false;
    const struct package *first = refs->ptr[*at];
    size_t end = *at + 1;
    while (end < refs->len && cmp_subjects(first, refs->ptr[end]) == 0)
        end++;
    *out = (struct subject){.packages = refs->ptr + *at,
                            .n_packages = end - *at,
                            .type = first->type,
                            .name = source_name(first),
                            .version = source_version(first),
                            .is_os = first->is_os};
    if (first->is_os)
        judge_as_os(out, distro, ecosystem);
    else
        judge_as_language(out);
    out->scheme = version_find(str_from(out->scheme_name));
    *at = end;
    return true;
}
