/* SPDX-License-Identifier: Apache-2.0 */
/* A re-match by units = a whole re-match = a fresh scan, row by row: for random generations of the
 * advisory database and random images. */
#include "../store/engine.h"

#include "../inventory/tar.h"
#include "base/clock.h"
#include "base/sb.h"
#include "guard/internal.h"

enum { N_CVES = 40, N_SOURCES = 14, N_MODULES = 8, N_IMAGES = 14, N_GENERATIONS = 4 };

struct sample {
    str digest;
    size_t n_layers;
    digest layers[3], diff_ids[3];
    const struct layer_inventory *inventories[3];
};
struct world {
    struct arena arena, job;
    uint64_t seed;
    const char *dir;
    struct config config;
    struct guard guard;
    struct slot slot;
    struct sample images[N_IMAGES];
};

static struct err err; /* of the call before */

static uint64_t pick(struct world *w, uint64_t n)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % n;
}

static bool chance(struct world *w, unsigned percent) { return pick(w, 100) < percent; }

static const char *in(struct world *w, const char *name)
{
    return arena_cstr(&w->arena, arena_printf(&w->arena, "%s/%s", w->dir, name));
}

static void save(struct world *w, const char *name, str text)
{
    const char *path = in(w, name);
    str whole = str_from(path);
    assert_ok(
        dir_make(arena_cstr(&w->arena, str_slice(whole, 0, str_rfind_byte(whole, '/'))), &err),
        err);
    assert_ok(file_save(path, text, 0644, &err), err);
}

/* --- advisories
 * -------------------------------------------------------------------------------------------------
 */
static void add_affected(struct world *w, struct sb *out, unsigned of)
{
    unsigned fixed = 1 + (unsigned)pick(w, 9);
    const char *bound = chance(w, 15) ? "last_affected" : "fixed";
    if (of < N_SOURCES)
        sb_addf(out,
                "{\"package\": {\"ecosystem\": \"Debian:%s\", \"name\": \"s%u\"}, \"ranges\": "
                "[{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}, {\"%s\": "
                "\"%u.0\"}]}]}",
                chance(w, 90) ? "12" : "11", of, bound, fixed);
    else
        sb_addf(out,
                "{\"package\": {\"ecosystem\": \"npm\", \"name\": \"m%u\"}, \"ranges\": "
                "[{\"type\": \"SEMVER\", \"events\": [{\"introduced\": \"0\"}, {\"%s\": "
                "\"%u.0.0\"}]}]}",
                of - N_SOURCES, bound, fixed);
}

static str record(struct world *w, unsigned n)
{
    static const char *const vectors[] = {"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                                          "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N",
                                          "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"};
    auto_sb out;
    sb_init(&out, 1 << 16);
    const char *prefix = n % 5 == 0   ? "GHSA-aaaa-bbbb-"
                         : n % 5 == 1 ? "DEBIAN-CVE-2024-"
                                      : "CVE-2024-";
    sb_addf(&out,
            "{\"id\": \"%s%u\", \"summary\": \"words %u\", \"modified\": \"2024-01-0%uT00:00:00Z\"",
            prefix, 1000 + n, (unsigned)pick(w, 2), 1 + (unsigned)pick(w, 2));
    if (n % 5 == 0)
        sb_addf(&out, ", \"aliases\": [\"CVE-2024-%u\"]", 1000 + n - (unsigned)pick(w, 2));
    if (chance(w, 60))
        sb_addf(&out, ", \"severity\": [{\"type\": \"CVSS_V3\", \"score\": \"%s\"}]",
                vectors[pick(w, 3)]);
    if (chance(w, 8))
        sb_addc(&out, ", \"withdrawn\": \"2024-01-03T00:00:00Z\"");
    sb_addc(&out, ", \"affected\": [");
    add_affected(w, &out, (unsigned)pick(w, N_SOURCES + N_MODULES));
    if (chance(w, 30)) {
        sb_addc(&out, ", ");
        add_affected(w, &out, (unsigned)pick(w, N_SOURCES + N_MODULES));
    }
    sb_addc(&out, "]}");
    return arena_dup(&w->arena, sb_str(&out));
}

/* Records of before that nobody touches stay as they are. */
static void write_osv(struct world *w, unsigned percent)
{
    for (unsigned n = 0; n < N_CVES; n++) {
        char name[64];
        snprintf(name, sizeof(name), "osv/%u.json", n);
        if (!chance(w, percent))
            continue;
        if (chance(w, 20))
            unlink(in(w, name));
        else
            save(w, name, record(w, n));
    }
    save(w, "osv/always.json",
         STR("{\"id\": \"CVE-2020-1\", \"affected\": [{\"package\": {\"ecosystem\": \"Debian:12\", "
             "\"name\": \"nobody\"}, \"versions\": [\"1\"]}]}"));
}

static void write_cves(struct world *w)
{
    auto_sb kev, epss;
    sb_init(&kev, 1 << 16);
    sb_init(&epss, 1 << 16);
    sb_addc(&kev, "cveID,vulnerabilityName,dateAdded,shortDescription,dueDate\n");
    sb_addc(&epss, "#model_version:v1,score_date:2025-04-01T00:00:00+0000\ncve,epss,percentile\n");
    for (unsigned n = 0; n < N_CVES; n++) {
        if (chance(w, 10) || n == 0)
            sb_addf(&kev, "CVE-2024-%u,Flaw,2024-01-02,x,2024-02-02\n", 1000 + n);
        if (chance(w, 50) || n == 0)
            sb_addf(&epss, "CVE-2024-%u,0.%u,0.5\n", 1000 + n, 1 + (unsigned)pick(w, 3));
    }
    save(w, "kev/kev.csv", sb_str(&kev));
    save(w, "epss/epss.csv", sb_str(&epss));
}

static void write_vex(struct world *w)
{
    auto_sb out;
    sb_init(&out, 1 << 16);
    sb_addc(&out,
            "{\"@context\": \"https://openvex.dev/ns/v0.2.0\", \"@id\": \"doc\", \"author\": "
            "\"us\", \"timestamp\": \"2024-01-01T00:00:00Z\", \"version\": 1, \"statements\": [");
    for (unsigned i = 0, n = 2 + (unsigned)pick(w, 3); i < n; i++) {
        sb_addf(&out,
                "%s{\"vulnerability\": {\"name\": \"CVE-2024-%u\"}, \"products\": [{\"@id\": ",
                i ? ", " : "", 1000 + (unsigned)pick(w, N_CVES));
        if (chance(w, 30))
            sb_addf(&out, "\"pkg:oci/app%u?repository_url=reg.example%%3A5000%%2Fteam%%2Fapp%u\"",
                    (unsigned)pick(w, 4), (unsigned)pick(w, 4));
        else
            sb_addf(&out, "\"pkg:npm/m%u\"", (unsigned)pick(w, N_MODULES));
        sb_addf(&out, "}], \"status\": \"%s\"}",
                chance(w, 60) ? "not_affected\", \"justification\": \"component_not_present"
                              : "under_investigation");
    }
    sb_addc(&out, "]}");
    save(w, "vexhub/a.json", sb_str(&out));
}

static void publish(struct world *w, bool has_vex)
{
    const char *const names[] = {"osv", "kev", "epss", "vexhub"};
    struct feed_choice feeds[4];
    struct update_result result;
    for (size_t i = 0; i < 4; i++)
        feeds[i] = (struct feed_choice){str_from(names[i]), str_from(in(w, names[i]))};
    const struct update_spec spec = {.dir = w->guard.advisories.dir,
                                     .feeds = feeds,
                                     .n_feeds = has_vex ? 4 : 3,
                                     .max_change = -1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_int_equal(result.n_failed, 0);
}

/* --- images
 * -----------------------------------------------------------------------------------------------------
 */
static void add_status(struct world *w, struct sb *tar, unsigned percent)
{
    auto_sb status;
    sb_init(&status, 1 << 18);
    for (unsigned s = 0; s < N_SOURCES; s++) {
        unsigned version = 1 + (unsigned)pick(w, 9);
        for (unsigned b = 0; b < 1 + s % 3; b++)
            if (chance(w, percent))
                sb_addf(&status,
                        "Package: %s%u%s\nStatus: install ok installed\nArchitecture: amd64\n"
                        "Source: s%u\nVersion: %s%u.0\n\n",
                        b ? "lib" : "s", s, b == 2 ? "-bin" : "", s, chance(w, 3) ? "_!" : "",
                        version);
    }
    if (chance(w, 70))
        sb_addc(&status, "Package: apt\nStatus: install ok installed\nArchitecture: amd64\n"
                         "Version: 2.6\n\n");
    tar_add(tar, '0', STR("var/lib/dpkg/status"), STR_NONE, sb_str(&status));
}

static void add_modules(struct world *w, struct sb *tar)
{
    for (unsigned m = 0; m < N_MODULES; m++) {
        if (!chance(w, 40))
            continue;
        str path = arena_printf(&w->arena, "app/node_modules/m%u/package.json", m);
        str text = arena_printf(&w->arena, "{\"name\": \"m%u\", \"version\": \"%u.0.0\"}", m,
                                1 + (unsigned)pick(w, 9));
        tar_add(tar, '0', path, STR_NONE, text);
    }
}

/* 0: a base; 1: a base of another release; then what adds to a base, or to nothing. */
static const struct layer_inventory *layer(struct world *w, unsigned kind)
{
    struct layer_inventory *out = arena_new(&w->arena, struct layer_inventory);
    auto_sb tar;
    sb_init(&tar, 1 << 20);
    if (kind < 2) {
        str release = arena_printf(
            &w->arena, "ID=debian\nVERSION_ID=\"%u\"\nPRETTY_NAME=\"Debian\"\n", kind ? 11U : 12U);
        tar_add(&tar, '0', STR("etc/os-release"), STR_NONE, release);
        add_status(w, &tar, 60);
    } else if (chance(w, 40)) {
        add_status(w, &tar, 80);
    }
    if (kind >= 2)
        add_modules(w, &tar);
    tar_end(&tar);
    assert_ok(scan_tar(&w->arena, sb_str(&tar), out, &err), err);
    return out;
}

static void name_layer(struct sample *image, size_t i, unsigned number)
{
    char text[80];
    snprintf(text, sizeof(text), "sha256:%064x", 0x1000 + number);
    assert_true(digest_parse(str_from(text), &image->layers[i]));
    snprintf(text, sizeof(text), "sha256:%064x", 0x2000 + number);
    assert_true(digest_parse(str_from(text), &image->diff_ids[i]));
}

/* The first three are bases of what comes later; the last has no distribution. */
static void make_images(struct world *w)
{
    for (unsigned i = 0; i < N_IMAGES; i++) {
        struct sample *image = &w->images[i];
        image->digest = arena_printf(&w->arena, "sha256:%064x", 0x3000 + i);
        unsigned base = i < 3 ? i : (unsigned)pick(w, 3);
        if (i + 1 < N_IMAGES) {
            image->inventories[image->n_layers] =
                i < 3 ? layer(w, i == 2 ? 1 : 0) : w->images[base].inventories[0];
            name_layer(image, image->n_layers++, base);
        }
        for (unsigned n = i < 3 ? 0 : 1 + (unsigned)pick(w, 2); n > 0; n--) {
            image->inventories[image->n_layers] = layer(w, 2);
            name_layer(image, image->n_layers, 0x100 + 4 * i + (unsigned)image->n_layers);
            image->n_layers++;
        }
    }
}

/* --- a store of them
 * ------------------------------------------------------------------------------------------- */
struct side {
    struct world *w;
    struct engine engine;
    struct store *store;
    struct store_registry registry;
    uint64_t n_told, n_matched, n_ended;
};

static void side_open(struct side *s, struct world *w)
{
    *s = (struct side){.w = w};
    engine_open(&s->engine, &w->arena);
    assert_ok(store_open(s->engine.name, STORE_RELAXED, &s->store, &err), err);
    s->registry = (struct store_registry){.subscription = STR("s"),
                                          .resource_group = STR("g"),
                                          .name = STR("Main"),
                                          .host = STR("reg.example:5000")};
    assert_ok(store_registry_put(s->store, &s->registry, 1, &err), err);
}

static void side_close(struct side *s)
{
    store_close(s->store);
    engine_close(&s->engine);
}

static void keep_layers(struct side *s, const struct sample *image)
{
    for (size_t i = 0; i < image->n_layers; i++) {
        auto_sb bytes;
        sb_init(&bytes, 1 << 22);
        assert_ok(layer_inventory_encode(image->inventories[i], &bytes, &err), err);
        assert_ok(store_layer_put(s->store, &image->layers[i], &image->diff_ids[i],
                                  inventory_revision(), sb_str(&bytes), 1, &err),
                  err);
    }
}

static void fill_report(struct side *s, const struct sample *image, str repository,
                        struct report *report)
{
    struct arena *arena = &s->w->job;
    *report = (struct report){
        .is_complete = true, .platform = STR("linux/amd64"), .scanned_at = clock_now_s()};
    report->source = arena_printf(arena, "reg.example:5000/" STR_FMT "@" STR_FMT,
                                  STR_ARG(repository), STR_ARG(image->digest));
    assert_true(digest_parse(image->digest, &report->digest));
    for (size_t i = 0; i < image->n_layers; i++)
        *vec_push(arena, &report->layers) =
            (struct report_layer){.digest = image->layers[i],
                                  .diff_id = image->diff_ids[i],
                                  .size_bytes = 10,
                                  .created_by = arena_printf(arena, " RUN step %zu\n", i)};
}

static void scan(struct side *s, unsigned n, const struct snapshot *snapshot)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    struct world *w = s->w;
    const struct sample *image = &w->images[n];
    struct image_inventory inventory;
    struct event_counts counts;
    struct report report;
    struct job job;
    arena_reset(&w->job);
    str repository = arena_printf(&w->job, "team/app%u", n % 5);
    const struct store_event event = {.id = image->digest,
                                      .action = EVENT_PUSH,
                                      .repository = repository,
                                      .digest = image->digest,
                                      .at = 1};
    const struct lease_spec lease = {.kinds = kinds, .n_kinds = 1, .now = 10, .lease_s = 60};
    const struct scan_bases bases = {.find = base_find, .ctx = s->store};
    keep_layers(s, image);
    fill_report(s, image, repository, &report);
    assert_ok(store_events_add(s->store, s->registry.id, &event, 1, 10, &counts, &err), err);
    const struct job_spec again = {.kind = JOB_SCAN,
                                   .registry_id = s->registry.id,
                                   .repository = repository,
                                   .digest = image->digest,
                                   .priority = PRIORITY_MANUAL,
                                   .not_before = 1};
    assert_ok(store_job_add(s->store, &again, 10, NULL, &err), err); /* also of a known image */
    assert_int_equal(store_job_lease(s->store, &w->job, &lease, &job, &err), NEXT_ITEM);
    assert_ok(
        scan_merge(NULL, NULL, &w->job, image->inventories, image->n_layers, &inventory, &err),
        err);
    report.notices = inventory.notices;
    assert_ok(scan_rematch(snapshot->db, &inventory, &bases, &w->job, &report, &err), err);
    assert_ok(findings_name(&w->job, &w->config, &s->registry, repository, &report, &err), err);
    const struct store_result result = {.report = &report};
    const struct job_outcome outcome = {.end = JOB_END_DONE,
                                        .results = &result,
                                        .n_results = 1,
                                        .generation = snapshot->generation,
                                        .revision = inventory_revision(),
                                        .now = 10};
    assert_ok(store_job_finish(s->store, &job, &outcome, &err), err);
}

static void scan_all(struct side *s, const struct snapshot *snapshot)
{
    for (unsigned n = 0; n < N_IMAGES; n++)
        scan(s, n, snapshot);
}

/* Ends somewhere: a killed server that starts again. */
static void rematch_in_vain(struct side *s, const struct snapshot *snapshot)
{
    struct loop loop = {.guard = &s->w->guard, .slot = &s->w->slot, .store = s->store};
    struct err ignored = {0};
    bool is_all = false;
    arena_init(&loop.arena, 1 << 28);
    s->w->slot.cancel.deadline_mono_ms = clock_mono_ms() + 1 + (int64_t)pick(s->w, 40);
    if (rematch_all(&loop, snapshot, &is_all, &ignored) && is_all)
        s->n_ended++;
    s->w->slot.cancel.deadline_mono_ms = 0;
    arena_fini(&loop.arena);
}

static void rematch(struct side *s, const struct snapshot *snapshot)
{
    struct loop loop = {.guard = &s->w->guard, .slot = &s->w->slot, .store = s->store};
    uint64_t told = atomic_load(&s->w->guard.counters.told),
             matched = atomic_load(&s->w->guard.counters.matched);
    bool is_all = false;
    arena_init(&loop.arena, 1 << 28);
    assert_ok(rematch_all(&loop, snapshot, &is_all, &err), err);
    assert_true(is_all);
    arena_fini(&loop.arena);
    s->n_told += atomic_load(&s->w->guard.counters.told) - told;
    s->n_matched += atomic_load(&s->w->guard.counters.matched) - matched;
}

/* --- its rows, in words
 * ---------------------------------------------------------------------------------------------- */
#define COLUMN(c) " || '|' || " c
#define IMAGE_ROWS                                                                                 \
    "SELECT i.digest" COLUMN("i.verdict") COLUMN("i.is_complete") COLUMN("i.reason")               \
        COLUMN("i.generation") COLUMN("i.tried_generation") COLUMN("i.n_critical")                 \
            COLUMN("i.n_high") COLUMN("i.n_medium") COLUMN("i.n_low") COLUMN("i.n_unknown")        \
                COLUMN("i.n_patchable") COLUMN("i.n_disabled") " FROM images i ORDER BY 1"
#define FINDING_ROWS                                                                               \
    "SELECT i.digest" COLUMN("f.name") COLUMN("f.path") COLUMN("f.layer") COLUMN("f.is_from_base") \
        COLUMN("f.step") COLUMN("f.disabled_by") COLUMN("a.vulnerability") COLUMN("x.class")       \
            COLUMN("x.type") COLUMN("x.purl") COLUMN("x.package_name") COLUMN("x.package_version") \
                COLUMN("x.binaries") COLUMN("x.fix_state") COLUMN("x.fixed_version")               \
                    COLUMN("x.is_patchable") COLUMN("x.severity") COLUMN("x.evidence") COLUMN(     \
                        "x.remediation_text") COLUMN("x.remediation_command") COLUMN("x.rated_by") \
                        COLUMN("x.rating_basis") COLUMN("a.title") COLUMN("a.description") COLUMN( \
                            "a.published") COLUMN("a.modified") COLUMN("a.category")               \
                            COLUMN("a.is_kev") COLUMN("a.epss") COLUMN("a.aliases")                \
                                COLUMN("a.links") COLUMN("a.cvss") COLUMN("a.ratings") COLUMN(     \
                                    "a.cwes") " FROM findings f JOIN facts x ON x.id = f.fact_id " \
                                              "JOIN advisories a ON a.id = x.advisory_id"          \
                                              " JOIN images i ON i.id = f.image_id ORDER BY 1"
#define NOTICE_ROWS                                                                                \
    "SELECT i.digest" COLUMN("n.position") COLUMN("n.kind") COLUMN("n.is_incomplete")              \
        COLUMN("n.message") " FROM image_notices n JOIN images i ON i.id = n.image_id"             \
                            " ORDER BY 1"
#define SEEN_ROWS                                                                                  \
    "SELECT i.digest" COLUMN("f.name") COLUMN("f.first_seen") " FROM findings f"                   \
                                                              " JOIN images i ON i.id ="           \
                                                              " f.image_id ORDER BY 1"
#define LAYER_ROWS                                                                                 \
    "SELECT i.digest" COLUMN("l.position") COLUMN("l.is_base") " FROM image_layers l JOIN images"  \
                                                               " i ON i.id = l.image_id"           \
                                                               " ORDER BY 1"

static strs rows_of(struct side *s, const char *sql)
{
    strs out = {0};
    struct arena *arena = &s->w->arena;
    if (s->engine.is_postgres) {
        PGconn *db = PQconnectdb(s->engine.name + strlen("postgres:"));
        PGresult *result = PQexec(db, sql);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            fail_msg("%s: %s", sql, PQerrorMessage(db));
        for (int i = 0; i < PQntuples(result); i++)
            *vec_push(arena, &out) = arena_dup(arena, str_from(PQgetvalue(result, i, 0)));
        PQclear(result);
        PQfinish(db);
        return out;
    }
    sqlite3 *db;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(s->engine.name, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW)
        *vec_push(arena, &out) =
            arena_dup(arena, str_from((const char *)sqlite3_column_text(stmt, 0)));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return out;
}

static int cmp_rows(const void *pa, const void *pb)
{
    return str_cmp(*(const str *)pa, *(const str *)pb);
}

static size_t assert_same(struct side *a, struct side *b, const char *sql, const char *what)
{
    strs x = rows_of(a, sql), y = rows_of(b, sql);
    vec_sort(&x, cmp_rows);
    vec_sort(&y, cmp_rows);
    for (size_t i = 0; i < x.len || i < y.len; i++)
        if (i >= x.len || i >= y.len || !str_eq(x.ptr[i], y.ptr[i]))
            fail_msg("%s, row %zu of %zu and %zu:\n" STR_FMT "\n" STR_FMT, what, i, x.len, y.len,
                     STR_ARG(i < x.len ? x.ptr[i] : STR("-")),
                     STR_ARG(i < y.len ? y.ptr[i] : STR("-")));
    return x.len;
}

static size_t assert_alike(struct side *a, struct side *b, const char *what)
{
    assert_same(a, b, IMAGE_ROWS, what);
    assert_same(a, b, NOTICE_ROWS, what);
    assert_same(a, b, LAYER_ROWS, what);
    return assert_same(a, b, FINDING_ROWS, what);
}

/* --- the world
 * ---------------------------------------------------------------------------------------------------
 */
static void world_open(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed};
    arena_init(&w->arena, 1UL << 30);
    arena_init(&w->job, 1 << 28);
    w->dir = test_mkdir(&w->arena);
    w->config = (struct config){.assessment_key = STR("key"), .limits = limits_default()};
    w->guard.config = &w->config;
    pthread_mutex_init(&w->guard.lock, NULL);
    pthread_cond_init(&w->guard.changed, NULL);
    assert_ok(advisories_init(&w->guard.advisories, str_from(in(w, "db")), &err), err);
    make_images(w);
}

static void world_close(struct world *w)
{
    advisories_fini(&w->guard.advisories);
    rules_give(w->guard.rules);
    pthread_cond_destroy(&w->guard.changed);
    pthread_mutex_destroy(&w->guard.lock);
    test_rmdir(w->dir);
    arena_fini(&w->job);
    arena_fini(&w->arena);
}

static struct snapshot *next_generation(struct world *w, unsigned percent, bool has_vex)
{
    struct snapshot *snapshot;
    write_osv(w, percent);
    write_cves(w);
    if (has_vex)
        write_vex(w);
    publish(w, has_vex);
    assert_ok(snapshot_take(&w->guard.advisories, &snapshot, &err), err);
    return snapshot;
}

/* When a finding was seen first: by which generation. */
static void stamp(struct side *s, unsigned n)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "UPDATE findings SET first_seen = %u WHERE first_seen > 1000",
             20 + n);
    engine_run(&s->engine, sql);
}

struct totals {
    uint64_t n_told, n_matched;
    size_t n_findings;
};

static void live_through(uint64_t seed, bool has_vex, struct totals *totals)
{
    struct world *w = test_calloc(1, sizeof(*w));
    struct side by_units, whole;
    world_open(w, seed);
    side_open(&by_units, w);
    side_open(&whole, w);
    struct snapshot *snapshot = next_generation(w, 100, has_vex);
    scan_all(&by_units, snapshot);
    scan_all(&whole, snapshot);
    for (unsigned n = 0; n < N_GENERATIONS; n++) {
        char what[100];
        struct side fresh;
        struct snapshot *old = snapshot;
        snapshot = next_generation(w, n == 2 ? 0 : 15, has_vex);
        snprintf(what, sizeof(what), "seed %llu, generation %u", (unsigned long long)seed, n + 2);
        engine_run(&whole.engine, "DELETE FROM image_units");
        if (seed % 2)
            rematch_in_vain(&by_units, snapshot);
        rematch(&by_units, snapshot);
        rematch(&whole, snapshot);
        assert_int_equal(whole.n_told, 0);
        /* Results that come late, of a scan that began before. */
        for (unsigned i = 0; i < 3; i++) {
            scan(&by_units, 4 * i + n, old);
            scan(&whole, 4 * i + n, old);
        }
        engine_run(&whole.engine, "DELETE FROM image_units");
        snapshot_give(old);
        rematch(&by_units, snapshot);
        rematch(&whole, snapshot);
        side_open(&fresh, w);
        scan_all(&fresh, snapshot);
        totals->n_findings += assert_alike(&by_units, &fresh, what);
        (void)assert_alike(&whole, &fresh, what);
        stamp(&by_units, n);
        stamp(&whole, n);
        assert_same(&by_units, &whole, SEEN_ROWS, what);
        side_close(&fresh);
    }
    totals->n_told += by_units.n_told;
    totals->n_matched += by_units.n_matched;
    snapshot_give(snapshot);
    side_close(&whole);
    side_close(&by_units);
    world_close(w);
    test_free(w);
}

static void test_rematch__by_units_is_whole_is_a_fresh_scan(void **state)
{
    (void)state;
    struct totals totals = {0};
    for (uint64_t seed = 1; seed <= (engine_has_postgres() ? 2 : 6); seed++)
        live_through(seed * 7919, false, &totals);
    printf("# %llu images by units, %llu whole, %zu findings compared\n",
           (unsigned long long)totals.n_told, (unsigned long long)totals.n_matched,
           totals.n_findings);
    assert_true(totals.n_told > 2 * totals.n_matched);
    assert_true(totals.n_findings > 400);
}

static void test_rematch__with_vex_too(void **state)
{
    (void)state;
    struct totals totals = {0};
    for (uint64_t seed = 1; seed <= (engine_has_postgres() ? 1 : 4); seed++)
        live_through(seed * 104729, true, &totals);
    printf("# %llu images by units, %llu whole, %zu findings compared\n",
           (unsigned long long)totals.n_told, (unsigned long long)totals.n_matched,
           totals.n_findings);
    assert_true(totals.n_told > 0 && totals.n_findings > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rematch__by_units_is_whole_is_a_fresh_scan),
        cmocka_unit_test(test_rematch__with_vex_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
