/* SPDX-License-Identifier: Apache-2.0 */
/* match_rate.c - package instances matched a second, on one core, against 500,000 records.
 *
 * The records are made here, the same at every run: most of them about packages that no inventory
 * has, some about those that every image has.  An inventory is a Debian image of 400 binary
 * packages from some 260 sources: two thirds of those without a statement, most of the rest with
 * one to twenty, a dozen with twenty to a hundred, four with 150 to 2,000 (a kernel, a browser),
 * nearly all of them fixed in what is installed.     usage: match_rate [SECONDS] [RECORDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "advisory/internal.h"
#include "match/match.h"

enum { INVENTORIES = 64, PACKAGES = 400, KNOWN = 900, ARENA = 64 << 20 };

struct dice {
    uint32_t x;
};
static uint32_t below(struct dice *dice, uint32_t n)
{
    dice->x ^= dice->x << 13;
    dice->x ^= dice->x >> 17;
    dice->x ^= dice->x << 5;
    return dice->x % n;
}

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "match_rate: %s: %s\n", what, err->msg);
    exit(1);
}

/* --- records
 * ----------------------------------------------------------------------------------------- */
static const char *const ecosystems[] = {"Debian:12", "Debian:11", "Alpine:v3.20", "npm", "PyPI"};

/* Statements on known source @i: the first few have very many. */
static uint32_t weight_of(uint32_t i)
{
    if (i < 4)
        return (uint32_t[]){2000, 900, 300, 150}[i];
    return i < 16 ? 20 + i * 5 : 1 + i % 20;
}

static void add_record(struct records_writer *writer, struct arena *arena, uint32_t number,
                       const char *ecosystem, str package, str fixed)
{
    struct err err = {0};
    struct record record = {0};
    record.advisory.id = arena_printf(arena, "DEBIAN-CVE-%u-%u", 2005 + number % 20, number);
    *(str *)vec_push(arena, &record.advisory.aliases) =
        arena_printf(arena, "CVE-%u-%u", 2005 + number % 20, number);
    record.advisory.title = STR("a buffer overflow");
    record.advisory.description = STR("A crafted file makes it write behind the end of a buffer.");
    record.advisory.modified = record.advisory.revision = STR("2026-11-01T00:00:00Z");
    struct record_entry *entry = vec_push(arena, &record.entries);
    entry->ecosystem = str_from(ecosystem);
    entry->package = package;
    entry->affected.state = FIX_FIXED;
    *(struct version_range *)vec_push(arena, &entry->affected.ranges) =
        (struct version_range){.introduced = STR("0"), .fixed = fixed};
    if (!records_add(writer, &record, &err))
        die("record", &err);
    arena_reset(arena);
}

static void make_records(const char *path, uint32_t n_records, str *digest, struct arena *keep)
{
    struct err err = {0};
    struct records_writer *writer;
    struct arena arena;
    struct dice dice = {20261124};
    uint64_t n;
    uint32_t number = 1;
    arena_init(&arena, 1 << 20);
    if (!records_create(&writer, path, &err))
        die("records", &err);
    for (uint32_t i = 0; i < KNOWN / 3; i++)
        for (uint32_t j = weight_of(i); j; j--)
            add_record(writer, &arena, number++, "Debian:12", arena_printf(&arena, "source-%u", i),
                       arena_printf(&arena, "%u.%u.%u-%u+deb12u%u", 1 + below(&dice, 5),
                                    below(&dice, 30), below(&dice, 40), 1 + below(&dice, 5),
                                    1 + below(&dice, 9)));
    while (number <= n_records)
        add_record(writer, &arena, number++, ecosystems[below(&dice, 5)],
                   arena_printf(&arena, "other-%u-%u", below(&dice, 300), below(&dice, 1000)),
                   arena_printf(&arena, "%u.%u.%u-%u", 1 + below(&dice, 9), below(&dice, 30),
                                below(&dice, 40), 1 + below(&dice, 5)));
    if (!records_cover(writer, STR("Debian:12"), &err) ||
        !records_finish(writer, &n, digest, keep, &err))
        die("records", &err);
    arena_fini(&arena);
}

static struct advisory_db *make_database(struct arena *arena, const char *dir, uint32_t n_records)
{
    struct err err = {0};
    struct advisory_db *db = NULL;
    struct build_source source = {.state = {.name = STR("osv")}};
    const char *records = arena_printf(arena, "%s/records", dir).ptr;
    const char *folder = arena_printf(arena, "%s/current", dir).ptr;
    make_records(records, n_records, &source.compiled, arena);
    source.path = records;
    if (!dir_make(folder, &err) || !build_generation(folder, 1, &source, 1, NULL, &err) ||
        !advisory_db_open(dir, &db, &err))
        die("database", &err);
    return db;
}

/* --- inventories
 * ------------------------------------------------------------------------------------- */
static int cmp_packages(const void *pa, const void *pb)
{
    const struct package *a = pa, *b = pb;
    int sign = str_cmp(a->name, b->name);
    return sign ? sign : str_cmp(a->version, b->version);
}

/* One to three binary packages of each source; the known ones first, heavier ones more often. */
static void make_inventory(struct arena *arena, struct dice *dice, struct image_inventory *out)
{
    *out = (struct image_inventory){.distro = {.id = STR("debian"), .version_id = STR("12")},
                                    .is_complete = true,
                                    .is_identified = true};
    bool taken[KNOWN] = {0};
    while (out->packages.len < PACKAGES) {
        uint32_t source = out->packages.len < 12 ? below(dice, 24) : below(dice, KNOWN);
        if (taken[source])
            continue;
        taken[source] = true;
        bool is_old = below(dice, 200) == 0; /* what was not upgraded */
        str name = arena_printf(arena, "source-%u", source);
        str version = is_old ? arena_printf(arena, "%u.%u-1", 1 + below(dice, 5), below(dice, 30))
                             : arena_printf(arena, "%u.%u.%u-%u+deb12u%u", 7 + below(dice, 2),
                                            below(dice, 30), below(dice, 40), 1 + below(dice, 5),
                                            1 + below(dice, 9));
        for (uint32_t i = below(dice, 2) + 1; i; i--) {
            struct package *p = vec_push(arena, &out->packages);
            *p =
                (struct package){.type = STR("deb"),
                                 .name = i == 1 ? name : arena_printf(arena, "lib%u-%u", source, i),
                                 .version = version,
                                 .arch = STR("amd64"),
                                 .source_name = name,
                                 .source_version = version,
                                 .path = STR("/var/lib/dpkg/status"),
                                 .is_os = true};
        }
    }
    vec_sort(&out->packages, cmp_packages);
}

/* Of this thread: others on the machine do not count. */
static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 3;
    uint32_t n_records = argc > 2 ? (uint32_t)atoi(argv[2]) : 500000;
    char dir[] = "/tmp/plimsoll-match-XXXXXX";
    struct arena arena, work;
    struct err err = {0};
    struct dice dice = {7};
    struct image_inventory inventories[INVENTORIES];
    arena_init(&arena, ARENA);
    if (!mkdtemp(dir))
        die(dir, &err);
    struct advisory_db *db = make_database(&arena, dir, n_records);
    for (int i = 0; i < INVENTORIES; i++)
        make_inventory(&arena, &dice, &inventories[i]);
    uint64_t n_packages = 0, n_findings = 0;
    arena_init(&work, ARENA);
    double begin = cpu_s(), end = begin;
    for (size_t i = 0; end - begin < seconds; i++) {
        struct match_result result;
        const struct image_inventory *inventory = &inventories[i % INVENTORIES];
        if (!match_image(db, inventory, &work, &result, &err))
            die("match", &err);
        n_packages += inventory->packages.len;
        n_findings += result.findings.len;
        arena_reset(&work);
        end = cpu_s();
    }
    printf("%.0f packages/s, %.3f findings a package\n", (double)n_packages / (end - begin),
           (double)n_findings / (double)n_packages);
    advisory_db_close(db);
    if (!dir_remove(dir, &err))
        die(dir, &err);
    arena_fini(&work);
    arena_fini(&arena);
    return 0;
}
