/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h - reports that show everything a writer must cope with, hostile names included, and
 * golden files.  TEST_UPDATE=1 writes them anew: look at the difference before you keep it. */
#pragma once

#include "../support.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "report/report.h"
#include "syntax/syntax.h"

/* ESC, a title-setting sequence, C1 CSI, right-to-left override, zero width, not UTF-8, newline. */
#define SAMPLE_HOSTILE                                                                             \
    "evil\033]0;pwned\007\xc2\x9b"                                                                 \
    "31m\xe2\x80\xae"                                                                              \
    "txt.exe\xe2\x80\x8b\xff\nok"

static inline void sample_list(struct arena *arena, strs *to, const char *const *values)
{
    for (; *values; values++)
        *(str *)vec_push(arena, to) = str_from(*values);
}
#define SAMPLE_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static inline struct finding *sample_finding(struct arena *arena, struct report *report,
                                             const char *id, enum severity severity,
                                             const char *name, const char *version,
                                             const char *fixed)
{
    struct finding *f = vec_push(arena, &report->findings);
    *f = (struct finding){
        .id = str_from(id),
        .package_name = str_from(name),
        .package_version = str_from(version),
        .type = STR("deb"),
        .purl = arena_printf(arena, "pkg:deb/debian/%s@%s", name, version),
        .path = STR("/var/lib/dpkg/status"),
        .severity = severity,
        .fixed_version = str_from(fixed),
        .is_patchable = *fixed != '\0',
        .fix_state = *fixed ? FIX_FIXED : FIX_AFFECTED,
        .class = CLASS_OS,
        .category = STR("Debian"),
        .is_from_base = true,
    };
    if (*fixed) {
        f->remediation_text =
            arena_printf(arena, "Upgrade %s from %s to %s or later.", name, version, fixed);
        f->remediation_command = arena_printf(
            arena, "apt-get update && apt-get install --only-upgrade %s=%s", name, fixed);
    }
    struct finding_evidence *evidence = vec_push(arena, &f->evidence);
    *evidence = (struct finding_evidence){
        .source = STR("osv"),
        .record = arena_printf(arena, "DEBIAN-%s", id),
        .revision = STR("2026-11-01T00:00:00Z"),
        .range = *fixed ? arena_printf(arena, ">= 0, < %s", fixed) : STR(">= 0"),
        .comparator = STR("dpkg"),
        .installed = str_from(version),
    };
    return f;
}

static inline void sample_openssl(struct arena *arena, struct report *report)
{
    static const char fix[] = "3.0.15-1~deb12u1", was[] = "3.0.11-1~deb12u2";
    struct finding *f = sample_finding(arena, report, "CVE-2024-5535", SEVERITY_CRITICAL, "openssl",
                                       was, "3.0.14-1~deb12u1");
    f->is_kev = true;
    f->epss = 0.91234;
    f->title = STR("SSL_select_next_proto buffer overread");
    f->description =
        STR("Issue summary: calling the function with an empty list …\nMay leak memory.");
    f->published = STR("2024-06-27T11:15:00Z");
    f->modified = STR("2026-10-02T00:00:00Z");
    sample_list(arena, &f->aliases, SAMPLE_LIST("GHSA-4fc7-mvrr-wv2c"));
    sample_list(arena, &f->binaries, SAMPLE_LIST("libssl3", "openssl"));
    sample_list(arena, &f->references, SAMPLE_LIST("https://openssl.example/secadv"));
    *(struct cvss *)vec_push(arena, &f->cvss) =
        (struct cvss){.version = STR("3.1"),
                      .vector = STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H"),
                      .score = 9.1,
                      .is_scored = true,
                      .source = STR("nvd")};
    *(struct cvss *)vec_push(arena, &f->cvss) = (struct cvss){
        .version = STR("4.0"), .vector = STR("CVSS:4.0/rubbish"), .source = STR("osv")};
    *(struct rating *)vec_push(arena, &f->ratings) = (struct rating){STR("nvd"), SEVERITY_CRITICAL};
    f->rated_by = STR("nvd");
    f->rating_basis = STR("CVSS 3.1");
    *(str *)vec_push(arena, &f->cwes) = STR("CWE-125");
    sample_finding(arena, report, "CVE-2024-4741", SEVERITY_HIGH, "openssl", was, fix);
    sample_finding(arena, report, "CVE-2023-5363", SEVERITY_HIGH, "openssl", was, fix);
    for (int i = 0; i < 30; i++) {
        const char *id = arena_printf(arena, "CVE-2025-%d", 11000 + 37 * i).ptr;
        sample_finding(arena, report, id, SEVERITY_MEDIUM, "openssl", was, fix);
    }
}

static inline void sample_hostile(struct arena *arena, struct report *report)
{
    struct finding *f = sample_finding(arena, report, SAMPLE_HOSTILE, SEVERITY_HIGH, SAMPLE_HOSTILE,
                                       SAMPLE_HOSTILE, SAMPLE_HOSTILE);
    f->type = STR("npm");
    f->class = CLASS_LANGUAGE;
    f->is_from_base = false;
    f->layer = 2;
    f->path = STR("/app/node_modules/" SAMPLE_HOSTILE "/package.json");
    f->evidence.ptr[0].comparator = STR("npm");
    for (int i = 0; i < 3; i++) {
        f = sample_finding(arena, report, "CVE-2021-23337", SEVERITY_HIGH, "lodash", "4.17.20",
                           "4.17.21");
        f->type = STR("npm");
        f->class = CLASS_LANGUAGE;
        f->is_from_base = false;
        f->layer = 2;
        f->path =
            arena_printf(arena, "/app/node_modules/package-%d/node_modules/lodash/package.json", i);
        f->remediation_command = STR("npm install lodash@4.17.21");
        f->evidence.ptr[0].comparator = STR("npm");
    }
}

static inline void sample_unfixed(struct arena *arena, struct report *report)
{
    sample_finding(arena, report, "CVE-2023-31484", SEVERITY_HIGH, "perl", "5.36.0-7+deb12u1", "");
    struct finding *f = sample_finding(arena, report, "CVE-2023-45853", SEVERITY_CRITICAL, "zlib",
                                       "1:1.2.13.dfsg-1", "");
    f->fix_state = FIX_WILL_NOT_FIX;
    for (int i = 0; i < 20; i++) {
        const char *name = arena_printf(arena, "libexample%d", i).ptr;
        const char *id = arena_printf(arena, "CVE-2022-%d", 3000 + i).ptr;
        sample_finding(arena, report, id, SEVERITY_LOW, name, "1.0-1", "");
    }
    f = sample_finding(arena, report, "CVE-2026-1", SEVERITY_HIGH, "linux", "6.1.90-1",
                       "6.1.112-1");
    f->class = CLASS_KERNEL_HEADERS;
    f = sample_finding(arena, report, "CVE-2026-2", SEVERITY_HIGH, "gnutls28", "3.7.9-2",
                       "3.7.9-3");
    f->disabled_by = STR("rule: accepted until spring");
}

static inline void sample_layers(struct arena *arena, struct report *report)
{
    static const char *const steps[] = {
        "/bin/sh -c #(nop) ADD "
        "file:4b1be1de1a1e5aa608c688cad2824587262081866180d7368feb79d33ca05953 "
        "in / ",
        "RUN apt-get update && apt-get install -y --no-install-recommends openssl curl perl "
        "&& rm -rf /var/lib/apt/lists/* # buildkit",
        "RUN npm ci " SAMPLE_HOSTILE};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct report_layer *layer = vec_push(arena, &report->layers);
        layer->digest = digest_of(HASH_SHA256, str_from(steps[i]));
        layer->diff_id = digest_of(HASH_SHA256, STR("diff"));
        layer->size_bytes = 1000000 * (i + 1);
        layer->created_by = str_from(steps[i]);
        layer->is_base = i < 2;
    }
}

static inline void sample_packages(struct arena *arena, struct report *report)
{
    for (int i = 0; i < 3; i++) {
        struct package *package = vec_push(arena, &report->packages);
        *package = (struct package){.type = STR("deb"),
                                    .name = arena_printf(arena, "libssl%d", i),
                                    .version = STR("3.0.11-1"),
                                    .arch = STR("amd64"),
                                    .source_name = STR("openssl"),
                                    .source_version = STR("3.0.11-1"),
                                    .path = STR("/var/lib/dpkg/status"),
                                    .is_os = true};
        sample_list(arena, &package->licenses, SAMPLE_LIST("Apache-2.0"));
        *(str *)vec_push(arena, &report->purls) =
            arena_printf(arena, "pkg:deb/debian/libssl%d@3.0.11-1?arch=amd64&distro=debian-12", i);
    }
    struct package *package = vec_push(arena, &report->packages);
    *package = (struct package){.type = STR("npm"),
                                .name = STR(SAMPLE_HOSTILE),
                                .version = STR("1.0"),
                                .evidence = EVIDENCE_DECLARED,
                                .owned_by = STR("deb:node-evil"),
                                .layer = 2};
    *(str *)vec_push(arena, &report->purls) = STR("pkg:npm/evil@1.0");
}

static const struct source_state sample_sources[] = {
    {.name = STR("debian-archive"),
     .fetched_at = 1795500000,
     .valid_until = 1795400000,
     .n_records = 1234,
     .digest = STR("sha256:00")},
    {.name = STR("osv"), .fetched_at = 1795500000, .n_records = 345678, .digest = STR("sha256:01")},
};

static inline void sample_coverage(struct arena *arena, struct report *report)
{
    struct coverage *coverage = &report->coverage;
    const struct unowned_file files[] = {
        {.path = STR("/app/tool"), .size_bytes = 700000, .layer = 2},
        {.path = STR("/app/" SAMPLE_HOSTILE), .size_bytes = 300, .layer = 2},
        {.path = STR("/app/a.sh"), .size_bytes = 30, .layer = 1},
        {.path = STR("/app/b.sh"), .size_bytes = 30, .layer = -1},
    };
    *coverage = (struct coverage){.is_measured = true,
                                  .executable_bytes = 123456789,
                                  .known_bytes = 122756429,
                                  .n_unowned = 1004};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        *(struct unowned_file *)vec_push(arena, &coverage->unowned) = files[i];
}

/* Debian 12, full of everything. */
static inline struct report *sample_unhealthy(struct arena *arena)
{
    struct report *report = arena_new(arena, struct report);
    *report = (struct report){
        .source = STR("registry.example/shop/cart:1.4"),
        .scanned_at = 1795506277,
        .digest = digest_of(HASH_SHA256, STR("manifest")),
        .platform = STR("linux/amd64"),
        .distro = {.id = STR("debian"),
                   .version_id = STR("12"),
                   .codename = STR("bookworm"),
                   .name = STR("Debian GNU/Linux 12 (bookworm)")},
        .has_end_of_life = true,
        .end_of_life = 1845936000,
        .verdict = VERDICT_UNHEALTHY,
        .is_complete = true,
        .has_database = true,
        .generation = 42,
        .sources = sample_sources,
        .n_sources = ARRAY_LEN(sample_sources),
        .sandbox = STR("full"),
    };
    *(struct label *)vec_push(arena, &report->labels) = (struct label){STR("maintainer"), STR("x")};
    sample_layers(arena, report);
    sample_coverage(arena, report);
    sample_packages(arena, report);
    sample_openssl(arena, report);
    sample_hostile(arena, report);
    struct finding *f =
        sample_finding(arena, report, "DEBIAN-UPDATE-curl-7.88.1-10+deb12u8", SEVERITY_UNKNOWN,
                       "curl", "7.88.1-10+deb12u7", "7.88.1-10+deb12u8");
    f->layer = 1;
    sample_unfixed(arena, report);
    bool is_done = notice_add(arena, &report->notices, NOTICE_ADVISORY, false, STR_NONE,
                              STR("debian-archive: the index is past its Valid-Until")) &&
                   notice_add(arena, &report->notices, NOTICE_UNREADABLE, false,
                              STR("/app/" SAMPLE_HOSTILE ".jar"), STR("no central directory"));
    assert_true(is_done);
    return report;
}

static inline struct report *sample_healthy(struct arena *arena)
{
    struct report *report = arena_new(arena, struct report);
    *report = (struct report){
        .source = STR("oci:build/alpine"),
        .scanned_at = 1795506277,
        .digest = digest_of(HASH_SHA256, STR("alpine")),
        .platform = STR("linux/arm64"),
        .distro = {.id = STR("alpine"),
                   .version_id = STR("3.20.3"),
                   .name = STR("Alpine Linux v3.20")},
        .verdict = VERDICT_HEALTHY,
        .is_complete = true,
        .has_database = true,
        .generation = 42,
    };
    sample_packages(arena, report);
    return report;
}

static inline struct report *sample_failed(struct arena *arena)
{
    struct report *report = sample_healthy(arena);
    report->verdict = VERDICT_FAILED;
    report->is_complete = false;
    report->source = STR("dir:/srv/" SAMPLE_HOSTILE);
    report->digest = (digest){0};
    report->reason = STR("a package database could not be read whole");
    assert_true(notice_add(arena, &report->notices, NOTICE_UNREADABLE, true,
                           STR("/lib/apk/db/installed"), STR("line 12: expected 'X:value'")));
    return report;
}

/* What a format writes, in @arena. */
static inline str sample_write(struct arena *arena, const char *format,
                               const struct report *const *reports, size_t n,
                               const struct report_options *options)
{
    struct err err = {0};
    int fd = memfd_create("report", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(report_format_find(str_from(format))->write(fd, reports, n, options, &err), err);
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = arena_alloc(arena, (size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    close(fd);
    return str_of(bytes, (size_t)size);
}

static inline void sample_golden(struct arena *arena, const char *path, str got)
{
    if (getenv("TEST_UPDATE")) {
        int fd = open(test_data_path(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_int_equal(write(fd, got.ptr, got.len), got.len);
        close(fd);
    }
    str want = test_data(arena, path), got_line, want_line;
    for (size_t line = 1; got.len || want.len; line++) {
        str_cut_byte(got, '\n', &got_line, &got);
        str_cut_byte(want, '\n', &want_line, &want);
        if (!str_eq(got_line, want_line))
            fail_msg("%s:%zu: is\n  \"" STR_FMT "\"\nexpected\n  \"" STR_FMT "\"", path, line,
                     STR_ARG(got_line), STR_ARG(want_line));
    }
}

/* A result is made in an arena of its own, with foreign text in LC_CTYPE=C.UTF-8. */
static inline int sample_set_up(void **state)
{
    static struct arena arena;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 512 << 20);
    *state = &arena;
    return 0;
}

static inline int sample_tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

#define SAMPLE_TEST(test) cmocka_unit_test_setup_teardown(test, sample_set_up, sample_tear_down)

/* A finding that VEX took away, with the statement among its evidence as match/vex.c leaves it. */
static inline void sample_vex(struct arena *arena, struct report *report, const char *id,
                              const char *note)
{
    struct finding *f =
        sample_finding(arena, report, id, SEVERITY_HIGH, "expat", "2.5.0-1", "2.5.0-1+deb12u1");
    f->disabled_by = STR("vex:https://vendor.example/vex/1");
    struct finding_evidence *e = vec_push(arena, &f->evidence);
    *e = (struct finding_evidence){.source = STR("vex"),
                                   .record = STR("https://vendor.example/vex/1"),
                                   .revision = STR("2026-11-02T00:00:00Z"),
                                   .state = FIX_NOT_AFFECTED,
                                   .note = str_from(note)};
}

/* sample_unhealthy, and what VEX says of two more. */
static inline struct report *sample_full(struct arena *arena)
{
    struct report *report = sample_unhealthy(arena);
    sample_vex(arena, report, "CVE-2024-45490",
               "not_affected: vulnerable_code_not_in_execute_path: never parses "
               "attachments" SAMPLE_HOSTILE);
    sample_vex(arena, report, "CVE-2024-45491", "fixed: in our build");
    return report;
}

/* Documents are written close, for programs: golden files have them indented. */
static inline json_t *sample_json(struct arena *arena, const char *format,
                                  const struct report *const *reports, size_t n,
                                  const struct report_options *options)
{
    struct err err = {0};
    json_t *root = NULL;
    assert_ok(json_read(sample_write(arena, format, reports, n, options), &root, &err), err);
    return root;
}

/* The engine's digest is in derived names: those are zeros in golden files. */
static inline void sample_blank(char *text, size_t len, const char *before)
{
    static const char shape[] = "00000000-0000-8000-8000-000000000000";
    for (size_t at = 0; at + strlen(before) + sizeof(shape) < len; at++)
        if (memcmp(text + at, before, strlen(before)) == 0)
            memcpy(text + at + strlen(before), shape, sizeof(shape) - 1);
}

static inline void sample_golden_json(struct arena *arena, const char *path, const char *format,
                                      const struct report *const *reports, size_t n,
                                      const struct report_options *options)
{
    json_t *root = sample_json(arena, format, reports, n, options);
    char *dump = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    assert_non_null(dump);
    sample_blank(dump, strlen(dump), "urn:uuid:");
    sample_blank(dump, strlen(dump), "\"serial\": \"");
    sample_blank(dump, strlen(dump), "plimsoll-cart-");
    str text = arena_dup(arena, str_from(dump));
    assert_non_null(text.ptr);
    sample_golden(arena, path, text);
    free(dump);
    json_decref(root);
}

/* @path is names and array indexes, "runs.0.results.3"; fails when it leads nowhere. */
static inline const json_t *sample_at(const json_t *root, const char *path)
{
    str left = str_from(path), name;
    while (str_next(&left, '.', &name)) {
        char key[64];
        uint64_t index;
        snprintf(key, sizeof(key), STR_FMT, STR_ARG(name));
        root = json_is_array(root) && str_to_u64(name, 1000000, &index)
                   ? json_array_get(root, index)
                   : json_object_get(root, key);
        if (!root)
            fail_msg("%s: %s is not there", path, key);
    }
    return root;
}

static inline const char *sample_text_at(const json_t *root, const char *path)
{
    return json_string_value(sample_at(root, path));
}

/* The first member of @array whose @key is @value. */
static inline const json_t *sample_find(const json_t *array, const char *key, const char *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach(array, i, one)
    {
        const char *text = json_string_value(json_object_get(one, key));
        if (text && strcmp(text, value) == 0)
            return one;
    }
    fail_msg("no member with %s %s", key, value);
    return NULL;
}
