/* SPDX-License-Identifier: Apache-2.0 */
/* rematch.c - 100,000 stored images of 200 packages each, popular ones in most of them (Zipf); then
 * a generation in which 1,000 package keys changed, that most images hold.  Meanwhile images are
 * pushed and their results stored.
 *
 * The units and facts of all packages come from real results; the images that hold them are written
 * by plain SQL into a SQLite file, which is kept in DIR for the next run, and copied into another
 * store when one is given.
 *     usage: rematch DIR [STORE]
 * prints: seconds, its own processor seconds, images told by units, images whole, finding rows,
 * share of the images that changed (%), pushes meanwhile, their median and the slowest (ms), the
 * median of pushes when nothing else runs (ms) */
#include <pthread.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sb.h"
#include "guard/internal.h"
#include "os/file.h"

enum {
    N_NAMES = 20000,
    N_VERSIONS = 3,
    N_UNITS = N_NAMES * N_VERSIONS,
    PER_IMAGE = 200,
    N_SEEDS = N_UNITS / PER_IMAGE,
    N_REGISTRIES = 10,
    N_REPOSITORIES = 20,
    N_LAYERS = 4,
    N_CHANGED = 1000,
    FIRST_CHANGED = 8000, /* by popularity */
    STEP_CHANGED = 12,
    N_ALONE = 40, /* pushes before the re-match */
    PUSH_PAUSE_US = 40000
};

static struct err err;

static void die(const char *what)
{
    fprintf(stderr, "rematch: %s: %s\n", what, err.msg);
    exit(1);
}

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if (!(expr))                                                                               \
            die(#expr);                                                                            \
    } while (0)

static uint64_t rnd(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --- advisories
 * -------------------------------------------------------------------------------------------------
 */
static bool is_changed(unsigned name)
{
    return name >= FIRST_CHANGED && (name - FIRST_CHANGED) % STEP_CHANGED == 0 &&
           (name - FIRST_CHANGED) / STEP_CHANGED < N_CHANGED;
}

/* Six of ten keys gain an advisory, two lose theirs, two say something else. */
static unsigned kind_of(unsigned name)
{
    return is_changed(name) ? (name - FIRST_CHANGED) / STEP_CHANGED % 5 : 9;
}

static void add_package(struct sb *out, unsigned name, unsigned generation)
{
    unsigned kind = kind_of(name);
    bool has_old = kind < 2 ? generation == 1 || kind == 1 : name % 50 == 7 || name == 0;
    const char *fixed = kind == 1 && generation == 2 ? "10.0-r0" : "9.0-r0";
    if (has_old)
        sb_addf(out,
                "%s{\"pkg\": {\"name\": \"pkg%u\", \"secfixes\": {\"%s\": [\"CVE-2023-%u\"]}}}",
                out->ptr[out->len - 1] == '[' ? "" : ",", name, fixed, 10000 + name);
    if (generation == 2 && kind >= 2 && kind < 5)
        sb_addf(out,
                "%s{\"pkg\": {\"name\": \"pkg%u\", \"secfixes\": {\"9.0-r1\": [\"CVE-2024-%u\"]}}}",
                out->ptr[out->len - 1] == '[' ? "" : ",", name, 10000 + name);
}

static void write_feed(const char *dir, unsigned generation)
{
    static const char *const repositories[] = {"main", "community"};
    for (unsigned i = 0; i < 2; i++) {
        char path[4200];
        auto_sb out;
        sb_init(&out, 64 * MIB);
        sb_addf(&out,
                "{\"apkurl\": \"{{urlprefix}}\", \"archs\": [\"x86_64\"], \"reponame\": \"%s\", "
                "\"urlprefix\": \"https://mirror.example\", \"distroversion\": \"v3.20\", "
                "\"packages\": [",
                repositories[i]);
        for (unsigned name = 0; i == 0 && name < N_NAMES; name++)
            add_package(&out, name, generation);
        sb_addc(&out, "]}");
        snprintf(path, sizeof(path), "%s/feed/v3.20", dir);
        MUST(dir_make(path, &err));
        snprintf(path, sizeof(path), "%s/feed/v3.20/%s.json", dir, repositories[i]);
        MUST(file_save(path, sb_str(&out), 0644, &err));
    }
}

static void publish(const char *dir, const char *db, unsigned generation)
{
    char feed[4200];
    snprintf(feed, sizeof(feed), "%s/feed", dir);
    struct feed_choice choice = {STR("alpine-secdb"), str_from(feed)};
    struct update_result result;
    const struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1, .max_change = -1};
    write_feed(dir, generation);
    MUST(advisory_update(&spec, &result, &err) && result.n_failed == 0);
}

/* --- results of the seeds: every unit and fact that there is
 * -----------------------------------------------------------------------------------------------
 */
static const struct config config_of_bench = {.assessment_key = {"key", 3}};

static struct store_registry registry_at(unsigned i)
{
    static const char *const names[N_REGISTRIES] = {
        "registry0", "registry1", "registry2", "registry3", "registry4",
        "registry5", "registry6", "registry7", "registry8", "registry9"};
    return (struct store_registry){.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                   .resource_group = STR("bench"),
                                   .name = str_from(names[i]),
                                   .host = STR("reg.example:5000")};
}

static void digest_at(uint64_t n, char out[static 80])
{
    snprintf(out, 80, "sha256:%064llx", (unsigned long long)n);
}

static void fill_inventory(struct arena *arena, unsigned first, unsigned step,
                           struct image_inventory *out)
{
    *out = (struct image_inventory){.is_complete = true, .is_identified = true};
    out->distro = (struct distro){
        .id = STR("alpine"), .version_id = STR("3.20.3"), .name = STR("Alpine Linux v3.20")};
    for (unsigned i = 0; i < PER_IMAGE; i++) {
        unsigned unit = (first + i * step) % N_UNITS;
        str name = arena_printf(arena, "pkg%u", unit / N_VERSIONS);
        str version = arena_printf(arena, "%u.0-r0", 1 + unit % N_VERSIONS);
        *vec_push(arena, &out->packages) = (struct package){.type = STR("apk"),
                                                            .name = name,
                                                            .version = version,
                                                            .arch = STR("x86_64"),
                                                            .source_name = name,
                                                            .source_version = version,
                                                            .path = STR("/lib/apk/db/installed"),
                                                            .layer = (int)(unit % N_LAYERS),
                                                            .is_os = true};
    }
}

static void fill_report(struct arena *arena, const struct advisory_db *db, unsigned first,
                        unsigned step, uint64_t number, struct report *report)
{
    struct image_inventory *inventory = arena_new(arena, struct image_inventory);
    char text[80];
    fill_inventory(arena, first, step, inventory);
    digest_at(number, text);
    *report = (struct report){.is_complete = true,
                              .platform = STR("linux/amd64"),
                              .source = STR("reg.example:5000/team/app"),
                              .scanned_at = clock_now_s()};
    MUST(digest_parse(str_from(text), &report->digest));
    for (unsigned i = 0; i < N_LAYERS; i++) {
        struct report_layer *layer = vec_push(arena, &report->layers);
        digest_at(0x5000 + i, text);
        MUST(digest_parse(str_from(text), &layer->digest));
        digest_at(0x6000 + i, text);
        MUST(digest_parse(str_from(text), &layer->diff_id));
        layer->created_by = STR("RUN apk add --no-cache things");
    }
    MUST(scan_rematch(db, inventory, NULL, arena, report, &err));
}

/* From the notification to the result: what the store does for one push. */
static void push(struct store *durable, struct store *relaxed, struct store_registry *registry,
                 struct arena *arena, struct report *report, uint64_t generation)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    char text[DIGEST_TEXT_SIZE];
    struct event_counts counts;
    struct job job;
    int64_t now = clock_now_s();
    str named = digest_print(&report->digest, text);
    const struct store_event event = {.id = named,
                                      .action = EVENT_PUSH,
                                      .repository = STR("team/app"),
                                      .digest = named,
                                      .at = now};
    const struct lease_spec lease = {.kinds = kinds, .n_kinds = 1, .now = now, .lease_s = 600};
    MUST(store_events_add(durable, registry->id, &event, 1, now, &counts, &err));
    MUST(store_job_lease(relaxed, arena, &lease, &job, &err) == NEXT_ITEM);
    MUST(findings_name(arena, &config_of_bench, registry, STR("team/app"), report, &err));
    const struct store_result result = {.report = report};
    const struct job_outcome outcome = {.end = JOB_END_DONE,
                                        .results = &result,
                                        .n_results = 1,
                                        .generation = generation,
                                        .revision = 1,
                                        .now = now};
    MUST(store_job_finish(relaxed, &job, &outcome, &err));
}

static void make_seeds(const char *path, const struct advisory_db *db)
{
    struct store *store;
    struct arena arena;
    arena_init(&arena, 256 * MIB);
    MUST(store_open(path, STORE_RELAXED, &store, &err));
    for (unsigned i = 0; i < N_REGISTRIES; i++) {
        struct store_registry registry = registry_at(i);
        MUST(store_registry_put(store, &registry, 1, &err));
    }
    struct store_registry registry = registry_at(0);
    MUST(store_registry_put(store, &registry, 1, &err));
    for (unsigned i = 0; i < N_SEEDS; i++) {
        struct report report;
        arena_reset(&arena);
        fill_report(&arena, db, i / N_VERSIONS * PER_IMAGE * N_VERSIONS + i % N_VERSIONS,
                    N_VERSIONS, 0x10000000 + i, &report);
        push(store, store, &registry, &arena, &report, 1);
    }
    store_close(store);
    arena_fini(&arena);
}

/* --- the images, by plain SQL
 * ---------------------------------------------------------------------------------------------- */
struct seen_fact {
    int64_t id;
    int layer;
    char vulnerability[24];
};
struct seen_unit {
    int64_t id;
    struct seen_fact facts[2];
    unsigned n_facts;
};
struct fill {
    sqlite3 *sql;
    struct seen_unit units[N_UNITS]; /* by name and version */
    double sums[N_NAMES];
    uint64_t seed;
    char engine[64];
    struct arena arena;
    unsigned marks[N_NAMES];
};

static void sql_must(struct fill *f, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) {
        fprintf(stderr, "rematch: %s\n", sqlite3_errmsg(f->sql));
        exit(1);
    }
}

static sqlite3_stmt *prepare(struct fill *f, const char *text)
{
    sqlite3_stmt *stmt = NULL;
    sql_must(f, sqlite3_prepare_v2(f->sql, text, -1, &stmt, NULL));
    return stmt;
}

static unsigned unit_number(str name, str version)
{
    return (unsigned)strtoul(name.ptr + 3, NULL, 10) * N_VERSIONS +
           (unsigned)strtoul(version.ptr, NULL, 10) - 1;
}

static void read_units(struct fill *f)
{
    sqlite3_stmt *stmt = prepare(f, "SELECT id, bytes FROM units");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct unit unit;
        str bytes = str_of(sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1));
        arena_reset(&f->arena);
        MUST(unit_parse(&f->arena, bytes, &unit, &err));
        if (unit.is_whole)
            continue;
        const struct package *p = &unit.part.packages.ptr[0];
        f->units[unit_number(arena_dup(&f->arena, p->name), arena_dup(&f->arena, p->version))].id =
            sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    stmt =
        prepare(f, "SELECT x.id, x.package_name, x.package_version, a.vulnerability, f.layer FROM"
                   " findings f JOIN facts x ON x.id = f.fact_id JOIN advisories a ON a.id ="
                   " x.advisory_id");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct seen_unit *unit =
            &f->units[unit_number(str_from((const char *)sqlite3_column_text(stmt, 1)),
                                  str_from((const char *)sqlite3_column_text(stmt, 2)))];
        struct seen_fact *fact = &unit->facts[unit->n_facts++];
        fact->id = sqlite3_column_int64(stmt, 0);
        fact->layer = sqlite3_column_int(stmt, 4);
        snprintf(fact->vulnerability, sizeof(fact->vulnerability), "%s",
                 (const char *)sqlite3_column_text(stmt, 3));
    }
    sqlite3_finalize(stmt);
    stmt = prepare(f, "SELECT engine FROM image_units LIMIT 1");
    sql_must(f, sqlite3_step(stmt));
    snprintf(f->engine, sizeof(f->engine), "%s", (const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
}

static void set_zipf(struct fill *f)
{
    double sum = 0;
    for (unsigned i = 0; i < N_NAMES; i++)
        f->sums[i] = sum += 1.0 / (i + 1);
    f->seed = 88172645463325252ULL;
}

/* A name by its popularity that this image does not have yet. */
static unsigned pick_name(struct fill *f, unsigned image)
{
    for (;;) {
        double at = (double)(rnd(&f->seed) >> 11) / 9007199254740992.0 * f->sums[N_NAMES - 1];
        unsigned low = 0, high = N_NAMES - 1;
        while (low < high) {
            unsigned middle = (low + high) / 2;
            if (f->sums[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        if (f->marks[low] != image + 1) {
            f->marks[low] = image + 1;
            return low;
        }
    }
}

static int cmp_ids(const void *pa, const void *pb)
{
    int64_t a = *(const int64_t *)pa, b = *(const int64_t *)pb;
    return (a > b) - (a < b);
}

struct statements {
    sqlite3_stmt *image, *layer, *units, *finding;
};

static void run(struct fill *f, sqlite3_stmt *stmt)
{
    sql_must(f, sqlite3_step(stmt));
    sqlite3_reset(stmt);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
    sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

static void add_layers(struct fill *f, struct statements *to, int64_t image)
{
    char text[80];
    for (unsigned i = 0; i < N_LAYERS; i++) {
        sqlite3_bind_int64(to->layer, 1, image);
        sqlite3_bind_int(to->layer, 2, (int)i);
        digest_at(0x5000 + i, text);
        bind_text(to->layer, 3, text);
        digest_at(0x6000 + i, text);
        bind_text(to->layer, 4, text);
        run(f, to->layer);
    }
}

static void add_finding(struct fill *f, struct statements *to, int64_t image, unsigned registry,
                        const char *arm_id, const char *repository, const char *image_digest,
                        unsigned number, const struct seen_fact *fact)
{
    char name[32], version[32];
    snprintf(name, sizeof(name), "pkg%u", number / N_VERSIONS);
    snprintf(version, sizeof(version), "%u.0-r0", 1 + number % N_VERSIONS);
    const struct finding finding = {.id = str_from(fact->vulnerability),
                                    .type = STR("apk"),
                                    .package_name = str_from(name),
                                    .package_version = str_from(version)};
    arena_reset(&f->arena);
    str uuid = assess_finding_name(&f->arena, str_from(arm_id), STR("key"), str_from(repository),
                                   str_from(image_digest), &finding);
    sqlite3_bind_int64(to->finding, 1, registry + 1);
    sqlite3_bind_int64(to->finding, 2, image);
    bind_text(to->finding, 3, uuid.ptr);
    sqlite3_bind_int64(to->finding, 4, fact->id);
    sqlite3_bind_int(to->finding, 5, fact->layer);
    run(f, to->finding);
}

static void add_image(struct fill *f, struct statements *to, unsigned n, unsigned registry,
                      const char *arm_id)
{
    int64_t image = 1000 + n, ids[PER_IMAGE], before = 0;
    char named[80], repository[32];
    unsigned n_findings = 0, which = (unsigned)(rnd(&f->seed) % N_REPOSITORIES);
    auto_sb bytes;
    sb_init(&bytes, MIB);
    digest_at(0x20000000 + n, named);
    snprintf(repository, sizeof(repository), "team/app%u", which);
    for (unsigned i = 0; i < PER_IMAGE; i++) {
        unsigned number = pick_name(f, n) * N_VERSIONS + (unsigned)(rnd(&f->seed) % N_VERSIONS);
        const struct seen_unit *unit = &f->units[number];
        ids[i] = unit->id;
        for (unsigned j = 0; j < unit->n_facts; j++, n_findings++)
            add_finding(f, to, image, registry, arm_id, repository, named, number, &unit->facts[j]);
    }
    qsort(ids, PER_IMAGE, sizeof(ids[0]), cmp_ids);
    for (unsigned i = 0; i < PER_IMAGE; before = ids[i++])
        sb_varint(&bytes, (uint64_t)(ids[i] - before));
    sqlite3_bind_int64(to->image, 1, image);
    sqlite3_bind_int64(to->image, 2, registry + 1);
    sqlite3_bind_int64(to->image, 3, 100 + registry * N_REPOSITORIES + which);
    bind_text(to->image, 4, named);
    bind_text(to->image, 5, n_findings ? "unhealthy" : "healthy");
    sqlite3_bind_int64(to->image, 6, n_findings);
    run(f, to->image);
    sqlite3_bind_int64(to->units, 1, registry + 1);
    sqlite3_bind_int64(to->units, 2, image);
    bind_text(to->units, 3, f->engine);
    sqlite3_bind_blob(to->units, 4, bytes.ptr, (int)bytes.len, SQLITE_TRANSIENT);
    run(f, to->units);
    add_layers(f, to, image);
}

static void fill(const char *path, unsigned n_images)
{
    struct fill *f = calloc(1, sizeof(*f));
    struct arena arena;
    if (!f || sqlite3_open(path, &f->sql) != SQLITE_OK)
        die("open");
    arena_init(&f->arena, 16 * MIB);
    arena_init(&arena, MIB);
    read_units(f);
    set_zipf(f);
    /* the seeds have done their work */
    sql_must(f, sqlite3_exec(f->sql,
                             "PRAGMA synchronous = OFF; BEGIN; DELETE FROM findings; DELETE FROM"
                             " image_units; DELETE FROM image_layers; DELETE FROM image_notices;"
                             " DELETE FROM tags; DELETE FROM tag_history; DELETE FROM ledger;"
                             " DELETE FROM jobs; DELETE FROM events; DELETE FROM images",
                             NULL, NULL, NULL));
    for (unsigned i = 0; i < N_REGISTRIES * N_REPOSITORIES; i++) {
        char text[200];
        snprintf(text, sizeof(text), "INSERT INTO repositories VALUES (%u, %u, 'team/app%u', 1)",
                 100 + i, 1 + i / N_REPOSITORIES, i % N_REPOSITORIES);
        if (i / N_REPOSITORIES || i % N_REPOSITORIES < N_REPOSITORIES)
            sql_must(f, sqlite3_exec(f->sql, text, NULL, NULL, NULL));
    }
    struct statements to = {
        prepare(f,
                "INSERT INTO images (id, registry_id, repository_id, digest, verdict, n_unknown,"
                " n_patchable, is_complete, has_inventory, generation, tried_generation,"
                " first_seen, last_pushed, scanned_at, platform, os_id, os_version, os_name,"
                " source, media_type, size_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, 1, 1, 1,"
                " 1, 1, 1, 'linux/amd64', 'alpine', '3.20.3', 'Alpine Linux v3.20',"
                " 'reg.example:5000/team/app@' || ?4,"
                " 'application/vnd.oci.image.manifest.v1+json', 12345678)"),
        prepare(f, "INSERT INTO image_layers VALUES (?1, ?2, ?3, ?4, 1234567,"
                   " 'RUN apk add --no-cache things', 0)"),
        prepare(f, "INSERT INTO image_units VALUES (?1, ?2, ?3, ?4)"),
        prepare(f, "INSERT INTO findings VALUES (?1, ?2, ?3, ?4, '/lib/apk/db/installed', ?5, 0,"
                   " 'RUN apk add --no-cache things', '', 1)"),
    };
    for (unsigned n = 0; n < n_images; n++) {
        unsigned registry = n / (n_images / N_REGISTRIES) % N_REGISTRIES;
        struct store_registry of = registry_at(registry);
        arena_reset(&arena);
        add_image(f, &to, n, registry, arena_cstr(&arena, store_registry_arm_id(&arena, &of)));
    }
    sqlite3_finalize(to.image);
    sqlite3_finalize(to.layer);
    sqlite3_finalize(to.units);
    sqlite3_finalize(to.finding);
    sql_must(f, sqlite3_exec(f->sql, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL));
    sqlite3_close(f->sql);
    arena_fini(&arena);
    arena_fini(&f->arena);
    free(f);
}

/* --- pushes meanwhile
 * -------------------------------------------------------------------------------------------------
 */
enum { TIMES_MAX = 4096 };
struct pushing {
    const char *name;
    const struct advisory_db *db;
    atomic_bool is_over;
    double times[TIMES_MAX];
    size_t n, n_alone;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void push_once(struct pushing *p, struct store *durable, struct store *relaxed,
                      struct store_registry *registry, struct arena *arena)
{
    static const struct timespec pause = {.tv_nsec = PUSH_PAUSE_US * 1000L};
    struct report report;
    arena_reset(arena);
    fill_report(arena, p->db, (unsigned)p->n * 977, 31, 0x30000000 + p->n, &report);
    double began = now_s();
    push(durable, relaxed, registry, arena, &report, 2);
    p->times[p->n++] = now_s() - began;
    nanosleep(&pause, NULL);
}

static void *push_main(void *arg)
{
    struct pushing *p = arg;
    struct store *durable = NULL, *relaxed = NULL;
    struct arena arena;
    arena_init(&arena, 256 * MIB);
    MUST(store_open(p->name, STORE_DURABLE, &durable, &err) &&
         store_open(p->name, STORE_RELAXED, &relaxed, &err));
    struct store_registry registry = registry_at(3);
    MUST(store_registry_put(relaxed, &registry, 1, &err));
    size_t until = p->n_alone;
    while (p->n < TIMES_MAX && (until ? p->n < until : !atomic_load(&p->is_over)))
        push_once(p, durable, relaxed, &registry, &arena);
    store_close(durable);
    store_close(relaxed);
    arena_fini(&arena);
    return NULL;
}

static int cmp_times(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* --- all of it
 * --------------------------------------------------------------------------------------------------
 */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void copy_store(const char *from, const char *to)
{
    struct store *a = NULL, *b = NULL;
    struct store_counts counts;
    MUST(store_open_kept(from, STORE_RELAXED, &a, &err) && store_open(to, STORE_RELAXED, &b, &err));
    MUST(store_copy(a, b, true, NULL, &counts, &err));
    store_close(a);
    store_close(b);
}

static void copy_file(const char *from, const char *to)
{
    char other[4300];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(other, sizeof(other), "%s%s", to, i ? "-wal" : "-shm");
        unlink(other);
    }
    unlink(to);
    const char *const argv[] = {"cp", "--", from, to, NULL};
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, "cp", NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        die("copy");
    sync();
}

static void prepare_all(const char *dir, const char *kept, const char *db, unsigned n_images)
{
    struct advisory_db *first;
    char made[4300];
    generation_list kept_generations = {0};
    struct arena arena;
    arena_init(&arena, MIB);
    if (!advisory_generations(db, &arena, &kept_generations, &err) || kept_generations.len != 2) {
        publish(dir, db, 1);
        publish(dir, db, 2);
    }
    arena_fini(&arena);
    if (access(kept, R_OK) == 0)
        return;
    snprintf(made, sizeof(made), "%s.new", kept);
    unlink(made);
    MUST(advisory_db_open_at(db, 1, &first, &err));
    make_seeds(made, first);
    advisory_db_close(first);
    fill(made, n_images);
    if (rename(made, kept) != 0)
        die("rename");
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : NULL, *store = argc > 2 ? argv[2] : NULL;
    unsigned n_images = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 100000;
    char kept[4200], work[4200], db[4200];
    struct pushing alone = {.n_alone = N_ALONE}, meanwhile = {.n = N_ALONE};
    struct config config = {.assessment_key = STR("key"), .limits = limits_default()};
    struct guard guard = {.config = &config};
    struct slot slot = {0};
    struct loop loop = {.guard = &guard, .slot = &slot};
    struct snapshot *snapshot = NULL;
    pthread_t thread;
    bool is_all = false;
    if (!dir) {
        fprintf(stderr, "usage: rematch DIR [STORE] [IMAGES]\n");
        return 2;
    }
    log_configure(getenv("VERBOSE") ? LOG_INFO : LOG_WARN, false);
    snprintf(kept, sizeof(kept), "%s/images-%u-schema-%d.db", dir, n_images,
             store_schema_version());
    snprintf(work, sizeof(work), "%s/work.db", dir);
    snprintf(db, sizeof(db), "%s/db", dir);
    MUST(dir_make(dir, &err));
    prepare_all(dir, kept, db, n_images);
    if (store && strncmp(store, "postgres", 8) == 0)
        copy_store(kept, store);
    else
        copy_file(kept, work);
    const char *name = store && strncmp(store, "postgres", 8) == 0 ? store : work;
    pthread_mutex_init(&guard.lock, NULL);
    pthread_cond_init(&guard.changed, NULL);
    MUST(advisories_init(&guard.advisories, str_from(db), &err) &&
         snapshot_take(&guard.advisories, &snapshot, &err) &&
         store_open(name, STORE_RELAXED, &loop.store, &err));
    arena_init(&loop.arena, GIB);
    alone.name = meanwhile.name = name;
    alone.db = meanwhile.db = snapshot->db;
    push_main(&alone);
    pthread_create(&thread, NULL, push_main, &meanwhile);
    double began = now_s(), cpu = cpu_s();
    MUST(rematch_all(&loop, snapshot, &is_all, &err) && is_all);
    double took = now_s() - began, used = cpu_s() - cpu;
    atomic_store(&meanwhile.is_over, true);
    pthread_join(thread, NULL);
    size_t n = meanwhile.n - N_ALONE;
    double *times = meanwhile.times + N_ALONE;
    qsort(times, n, sizeof(*times), cmp_times);
    qsort(alone.times, alone.n, sizeof(*alone.times), cmp_times);
    printf("%.3f %.3f %llu %llu %llu %.1f %zu %.1f %.1f %.1f\n", took, used,
           (unsigned long long)atomic_load(&guard.counters.told),
           (unsigned long long)atomic_load(&guard.counters.matched),
           (unsigned long long)atomic_load(&guard.counters.rows),
           100.0 * (double)atomic_load(&guard.counters.changed) / n_images, n,
           n ? times[n / 2] * 1000 : 0, n ? times[n - 1] * 1000 : 0,
           alone.times[alone.n / 2] * 1000);
    store_close(loop.store);
    snapshot_give(snapshot);
    return 0;
}
