/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c - a store with a million sub-assessments in one subscription, and a few in another:
 * images of 50 packages, popular ones in most of them (Zipf), four findings a package, in 16
 * registries of unequal size below two subscriptions. Everything is written as the server does:
 * notification, job, result.  The SQLite file is kept in DIR for the next run, and copied into
 * STORE when one is given. usage: findings DIR STORE [IMAGES] prints names of findings, each with
 * the number of its registry: what to ask for */
#include <libpq-fe.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assess/assess.h"
#include "base/num.h"
#include "os/file.h"
#include "store/store.h"

enum {
    N_PACKAGES = 2000,
    N_VERSIONS = 3,
    PER_PACKAGE = 4, /* findings */
    PER_IMAGE = 50,  /* packages */
    N_IMAGES = 5300, /* 1,060,000 findings, a million of them in the first subscription */
    N_REGISTRIES = 16,
    N_REPOSITORIES = 20,
    N_LAYERS = 8,
    N_ASKED = 20000,
    AT = 1700000000
};

extern char **environ;
static struct err err;

static void die(const char *what)
{
    fprintf(stderr, "findings: %s: %s\n", what, err.msg);
    exit(1);
}

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr))                                                                               \
            die(#expr);                                                                            \
    } while (0)

/* --- what is popular
 * ---------------------------------------------------------------------------------------------------
 */
struct zipf {
    double sums[N_PACKAGES];
    size_t n;
};
struct maker {
    uint64_t seed;
    struct zipf packages, registries, repositories;
    unsigned marks[N_PACKAGES];
    struct arena arena;
};

static uint64_t rnd(struct maker *m)
{
    m->seed ^= m->seed << 13;
    m->seed ^= m->seed >> 7;
    m->seed ^= m->seed << 17;
    return m->seed;
}

static void zipf_init(struct zipf *z, size_t n)
{
    double sum = 0;
    z->n = n;
    for (size_t i = 0; i < n; i++)
        z->sums[i] = sum += 1.0 / (double)(i + 1);
}

static unsigned zipf_pick(struct maker *m, const struct zipf *z)
{
    double at = (double)(rnd(m) >> 11) / 9007199254740992.0 * z->sums[z->n - 1];
    size_t low = 0, high = z->n - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (z->sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return (unsigned)low;
}

/* --- what there is
 * -----------------------------------------------------------------------------------------------------
 */
static struct store_registry registry_at(struct arena *arena, unsigned i)
{
    static const char *const subscriptions[] = {"11111111-2222-3333-4444-555555555555",
                                                "22222222-2222-3333-4444-555555555555"};
    return (struct store_registry){.subscription = str_from(subscriptions[i % 8 == 7]),
                                   .resource_group = arena_printf(arena, "group%u", i % 4),
                                   .name = arena_printf(arena, "registry%u", i),
                                   .host = STR("127.0.0.1:1"),
                                   .is_plain_http = true,
                                   .is_made = true};
}

static const char text_of_all[] =
    "A flaw was found in the way that the parser handles input of an unusual length. A remote "
    "attacker could send a crafted message that makes the library write behind the end of a buffer "
    "on the heap, which may end the process or let code of the attacker's choice run with the "
    "rights of the user who opened it. Applications that read only what they wrote themselves are "
    "not affected; those that read from a network are. There is no mitigation besides the update.";

static void add_texts(struct arena *arena, struct finding *f, unsigned package, unsigned i)
{
    unsigned number = package * PER_PACKAGE + i;
    f->title = arena_printf(arena, "heap buffer overflow in parser %u", number);
    f->description = arena_printf(arena, "%s (%u)", text_of_all, number);
    f->published = STR("2023-02-03T10:15:00Z");
    f->modified = STR("2024-02-03T10:15:00Z");
    *vec_push(arena, &f->aliases) = arena_printf(arena, "DSA-%u-1", 1000 + number);
    *vec_push(arena, &f->aliases) = f->id;
    for (unsigned k = 0; k < 4; k++)
        *vec_push(arena, &f->references) =
            arena_printf(arena, "https://lists.example.org/security/2023/%u/msg%u.html", k, number);
    *vec_push(arena, &f->cvss) =
        (struct cvss){.version = STR("3.1"),
                      .vector = STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
                      .score = 9.8,
                      .source = STR("nvd"),
                      .is_scored = true};
    *vec_push(arena, &f->cvss) = (struct cvss){.version = STR("2.0"),
                                               .vector = STR("AV:N/AC:L/Au:N/C:P/I:P/A:P"),
                                               .score = 7.5,
                                               .source = STR("nvd"),
                                               .is_scored = true};
    *vec_push(arena, &f->ratings) = (struct rating){STR("debian"), SEVERITY_HIGH};
    *vec_push(arena, &f->ratings) = (struct rating){STR("nvd"), SEVERITY_CRITICAL};
    *vec_push(arena, &f->cwes) = STR("CWE-787");
}

static void add_finding(struct arena *arena, struct report *report, unsigned package,
                        unsigned version, unsigned i)
{
    struct finding *f = vec_push(arena, &report->findings);
    MUST(f);
    *f = (struct finding){0};
    f->id = arena_printf(arena, "CVE-2023-%u", 10000 + package * PER_PACKAGE + i);
    f->type = STR("deb");
    f->category = STR("Debian");
    f->package_name = arena_printf(arena, "package%u", package);
    f->package_version = arena_printf(arena, "1.%u.0-1", version);
    f->purl = arena_printf(arena, "pkg:deb/debian/package%u@1.%u.0-1", package, version);
    *vec_push(arena, &f->binaries) = arena_printf(arena, "libpackage%u-2", package);
    *vec_push(arena, &f->binaries) = arena_printf(arena, "package%u-bin", package);
    f->path = STR("/var/lib/dpkg/status");
    f->layer = (int)(package % N_LAYERS);
    f->severity = (enum severity)(SEVERITY_LOW + package % 4);
    f->fix_state = FIX_FIXED;
    f->fixed_version = arena_printf(arena, "1.%u.0-2", version);
    f->is_patchable = true;
    f->epss = (double)(package % 97) / 100.0;
    f->remediation_text = arena_printf(arena, "Upgrade package%u to 1.%u.0-2.", package, version);
    f->remediation_command =
        arena_printf(arena, "apt-get install --only-upgrade package%u=1.%u.0-2", package, version);
    f->remediation_step = STR("RUN apt-get update && apt-get install -y things");
    *vec_push(arena, &f->evidence) =
        (struct finding_evidence){.source = STR("debian-tracker"),
                                  .record = f->id,
                                  .revision = STR("2024-02-03"),
                                  .range = arena_printf(arena, "< 1.%u.0-2", version),
                                  .comparator = STR("dpkg"),
                                  .installed = f->package_version,
                                  .state = FIX_FIXED};
    add_texts(arena, f, package, i);
}

static void fill_report(struct maker *m, unsigned image, str named, struct report *report)
{
    struct arena *arena = &m->arena;
    *report = (struct report){.is_complete = true,
                              .verdict = VERDICT_UNHEALTHY,
                              .platform = STR("linux/amd64"),
                              .scanned_at = AT + image};
    report->distro = (struct distro){
        .id = STR("debian"), .version_id = STR("12"), .name = STR("Debian GNU/Linux 12")};
    MUST(digest_parse(named, &report->digest));
    for (unsigned i = 0; i < PER_IMAGE;) {
        unsigned package = zipf_pick(m, &m->packages);
        if (m->marks[package] == image + 1)
            continue;
        m->marks[package] = image + 1;
        unsigned version = (unsigned)(rnd(m) % N_VERSIONS);
        for (unsigned k = 0; k < PER_PACKAGE; k++)
            add_finding(arena, report, package, version, k);
        i++;
    }
}

/* --- written as a server does
 * ------------------------------------------------------------------------------------------
 */
static void store_image(struct maker *m, struct store *store, unsigned image)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    struct arena *arena = &m->arena;
    unsigned number = zipf_pick(m, &m->registries);
    struct store_registry registry = registry_at(arena, number);
    MUST(store_registry_get(store, arena, registry.name, &registry, &err));
    str named = arena_printf(arena, "sha256:%064x", image + 1);
    str repository = arena_printf(arena, "team/app%u", zipf_pick(m, &m->repositories));
    const struct store_event event = {.id = named,
                                      .action = EVENT_PUSH,
                                      .repository = repository,
                                      .digest = named,
                                      .tag = arena_printf(arena, "v%u", image),
                                      .at = AT};
    const struct lease_spec lease = {.kinds = kinds, .n_kinds = 1, .now = AT, .lease_s = 600};
    struct event_counts counts;
    struct report report;
    struct job job;
    MUST(store_events_add(store, registry.id, &event, 1, AT, &counts, &err));
    MUST(store_job_lease(store, arena, &lease, &job, &err) == NEXT_ITEM);
    fill_report(m, image, named, &report);
    for (size_t i = 0; i < report.findings.len; i++)
        report.findings.ptr[i].name =
            assess_finding_name(arena, store_registry_arm_id(arena, &registry),
                                STR("dbd0cb49-b563-45e7-9724-889e799fa648"), repository, named,
                                &report.findings.ptr[i]);
    const struct store_result result = {
        .report = &report, .media_type = STR("application/vnd.oci.image.manifest.v1+json")};
    const struct job_outcome outcome = {.end = JOB_END_DONE,
                                        .results = &result,
                                        .n_results = 1,
                                        .generation = 1,
                                        .revision = 1,
                                        .now = AT + image};
    MUST(store_job_finish(store, &job, &outcome, &err));
}

static void make_store(const char *path, unsigned n_images)
{
    struct maker *m = calloc(1, sizeof(*m));
    struct store *store;
    MUST(m);
    m->seed = 88172645463325252ULL;
    zipf_init(&m->packages, N_PACKAGES);
    zipf_init(&m->registries, N_REGISTRIES);
    zipf_init(&m->repositories, N_REPOSITORIES);
    arena_init(&m->arena, 256 * MIB);
    MUST(store_open(path, STORE_RELAXED, &store, &err));
    for (unsigned i = 0; i < N_REGISTRIES; i++) {
        struct store_registry registry = registry_at(&m->arena, i);
        MUST(store_registry_put(store, &registry, AT, &err));
    }
    for (unsigned i = 0; i < n_images; i++) {
        arena_reset(&m->arena);
        store_image(m, store, i);
    }
    store_close(store);
    arena_fini(&m->arena);
    free(m);
}

/* --- into the store that is measured
 * ------------------------------------------------------------------------------------
 */
static void copy_file(const char *from, const char *to)
{
    const char *const argv[] = {"cp", "--", from, to, NULL};
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, "cp", NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        die("copy");
    sync();
}

static void copy_store(const char *from, const char *to)
{
    struct store *a = NULL, *b = NULL;
    struct store_counts counts;
    MUST(store_open_kept(from, STORE_RELAXED, &a, &err) && store_open(to, STORE_RELAXED, &b, &err));
    MUST(store_copy(a, b, true, NULL, &counts, &err));
    store_close(a);
    store_close(b);
    /* what the server does by itself within minutes, and not while we measure */
    PGconn *db = PQconnectdb(to + sizeof("postgres:") - 1);
    PQclear(PQexec(db, "VACUUM ANALYZE"));
    PQclear(PQexec(db, "CHECKPOINT"));
    PQfinish(db);
}

/* Of every part of the store the same share. */
static void print_names(const char *path)
{
    struct store *store;
    struct arena arena;
    str next = STR("");
    size_t n = 0, each = (size_t)N_IMAGES * PER_IMAGE * PER_PACKAGE / N_ASKED;
    const struct store_scope all = {0};
    arena_init(&arena, 256 * MIB);
    MUST(store_open_kept(path, STORE_RELAXED, &store, &err));
    do {
        char after[256];
        store_findings found = {0};
        snprintf(after, sizeof(after), STR_FMT, STR_ARG(next));
        arena_reset(&arena);
        const struct store_page page = {.limit = STORE_PAGE_MAX, .after = str_from(after)};
        MUST(store_findings_list(store, &arena, &all, NULL, &page, &found, &next, &err));
        for (size_t i = 0; i < found.len; i++)
            if (n++ % each == 0)
                printf(STR_FMT " " STR_FMT "\n",
                       STR_ARG(store_registry_arm_id(&arena, &found.ptr[i].registry)),
                       STR_ARG(found.ptr[i].finding.name));
    } while (next.len);
    fprintf(stderr, "findings: %zu\n", n);
    store_close(store);
    arena_fini(&arena);
}

int main(int argc, char **argv)
{
    uint64_t n_images = N_IMAGES;
    char kept[4200], made[4300];
    if (argc < 3 || (argc > 3 && !str_to_u64(str_from(argv[3]), 1000000, &n_images))) {
        fprintf(stderr, "usage: findings DIR STORE [IMAGES]\n");
        return 2;
    }
    snprintf(kept, sizeof(kept), "%s/findings-%u-schema-%d.db", argv[1], (unsigned)n_images,
             store_schema_version());
    MUST(dir_make(argv[1], &err));
    if (access(kept, R_OK) != 0) {
        snprintf(made, sizeof(made), "%s.new", kept);
        unlink(made);
        make_store(made, (unsigned)n_images);
        if (rename(made, kept) != 0)
            die("rename");
    }
    if (strncmp(argv[2], "postgres", 8) == 0)
        copy_store(kept, argv[2]);
    else
        copy_file(kept, argv[2]);
    print_names(kept);
    return 0;
}
