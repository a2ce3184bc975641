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

/* Much of what is compared is the same text at the same place. */
static int cmp_text(str a, str b) { return a.ptr == b.ptr && a.len == b.len ? 0 : str_cmp(a, b); }

static int cmp_subjects(const struct package *a, const struct package *b)
{
    int sign = cmp_text(a->type, b->type);
    if (!sign)
        sign = cmp_text(source_name(a), source_name(b));
    if (!sign)
        sign = cmp_text(source_version(a), source_version(b));
    if (!sign)
        sign = (int)a->is_os - (int)b->is_os;
    if (!sign && !a->is_os)
        sign = str_cmp(a->path, b->path);
    return sign;
}

/* What is sorted: the beginnings of two names as numbers, so that most pairs need no look at either
 * package. */
struct sort_row {
    uint64_t head[2]; /* of the source's name, big-endian */
    const struct package *package;
};

static uint64_t head_of(str name, size_t from)
{
    uint64_t head = 0;
    for (size_t i = from; i < from + 8; i++)
        head = head << 8 | (i < name.len ? (unsigned char)name.ptr[i] : 0);
    return head;
}

static int cmp_packages(const struct package *a, const struct package *b)
{
    int sign = cmp_subjects(a, b);
    if (!sign)
        sign = str_cmp(a->name, b->name);
    if (!sign)
        sign = str_cmp(a->version, b->version);
    if (!sign)
        sign = str_cmp(a->arch, b->arch);
    return sign ? sign : (a->layer > b->layer) - (a->layer < b->layer);
}

static int cmp_rows(const void *pa, const void *pb)
{
    const struct sort_row *a = pa, *b = pb;
    for (size_t i = 0; i < ARRAY_LEN(a->head); i++)
        if (a->head[i] != b->head[i])
            return a->head[i] < b->head[i] ? -1 : 1;
    return cmp_packages(a->package, b->package);
}

/* What an OS package owns is the distribution's affair: its backported fixes do not show upstream.
 */
static bool is_judged(const struct package *package)
{
    return package->is_os || (package->owned_by.len == 0 && ecosystem_find(package->type));
}

bool subjects_open(struct arena *arena, const struct image_inventory *inventory, str ecosystem,
                   struct subjects *out)
{
    const packages *all = &inventory->packages;
    struct sort_row *rows = arena_array(arena, struct sort_row, all->len);
    size_t n = 0;
    *out = (struct subjects){.arena = arena,
                             .distro = &inventory->distro,
                             .ecosystem = ecosystem,
                             .row = distro_find(inventory->distro.id)};
    if (all->len && !rows)
        return false;
    for (size_t i = 0; i < all->len; i++) {
        if (!is_judged(&all->ptr[i]))
            continue;
        str name = source_name(&all->ptr[i]);
        rows[n++] = (struct sort_row){{head_of(name, 0), head_of(name, 8)}, &all->ptr[i]};
    }
    if (n)
        qsort(rows, n, sizeof *rows, cmp_rows);
    out->ptr = arena_array(arena, const struct package *, n);
    if (n && !out->ptr)
        return false;
    for (size_t i = 0; i < n; i++)
        out->ptr[i] = rows[i].package;
    out->len = n;
    return true;
}

/* --- cut
 * -------------------------------------------------------------------------------------------- */
/* How the names of a distribution's own sources begin, where that is not its ID. */
static str own_sources(str id)
{
    static const struct {
        const char *id, *sources;
    } rows[] = {
        {"amzn", "amazon"},
        {"mariner", "azurelinux"},
        {"ol", "oracle"},
        {"opensuse", "suse"},
        {"opensuse-leap", "suse"},
        {"opensuse-leap-micro", "suse"},
        {"opensuse-microos", "suse"},
        {"opensuse-tumbleweed", "suse"},
        {"rhel", "redhat"},
        {"sl-micro", "suse"},
        {"sle-micro", "suse"},
        {"sled", "suse"},
        {"sles", "suse"},
        {"sles_sap", "suse"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].id), id))
            return str_from(rows[i].sources);
    return id;
}

static void judge_as_os(struct subjects *all, str type)
{
    bool is_its_own = all->row && str_eq(str_from(all->row->purl_type), type);
    all->judge = (struct subject_judge){
        /* dpkg in an Alpine: match.c says so */
        .ecosystem = is_its_own ? all->ecosystem : STR_NONE,
        .own = own_sources(all->distro->id),
        .scheme_name = all->row ? all->row->scheme : "none",
        .category = all->row ? all->row->category : "unknown",
        .is_os = true,
    };
}

static void judge_as_language(struct subjects *all, str type)
{
    const struct ecosystem_row *row = ecosystem_find(type);
    all->judge = (struct subject_judge){
        .ecosystem = row ? str_from(row->ecosystem) : STR_NONE,
        .scheme_name = row ? row->scheme : "none",
        .category = row ? row->ecosystem : "unknown",
    };
}

/* Who judges packages of a type: asked again only where the type changes. */
static void find_judge(struct subjects *all, const struct package *package)
{
    if (all->judge_type.ptr && all->judge.is_os == package->is_os &&
        str_eq(all->judge_type, package->type))
        return;
    if (package->is_os)
        judge_as_os(all, package->type);
    else
        judge_as_language(all, package->type);
    all->judge.scheme = version_find(str_from(all->judge.scheme_name));
    all->judge_type = package->type;
}

bool subject_next(struct subjects *all, struct subject *out)
{
    if (all->at >= all->len)
        return false;
    const struct package *first = all->ptr[all->at];
    size_t end = all->at + 1;
    while (end < all->len && cmp_subjects(first, all->ptr[end]) == 0)
        end++;
    find_judge(all, first);
    *out = (struct subject){.packages = all->ptr + all->at,
                            .n_packages = end - all->at,
                            .type = first->type,
                            .name = source_name(first),
                            .version = source_version(first),
                            .ecosystem = all->judge.ecosystem,
                            .scheme = all->judge.scheme,
                            .scheme_name = all->judge.scheme_name,
                            .category = all->judge.category,
                            .own = all->judge.own,
                            .is_os = first->is_os};
    out->lookup_name =
        out->is_os ? out->name : advisory_fold_name(all->arena, out->ecosystem, out->name);
    all->at = end;
    return true;
}
