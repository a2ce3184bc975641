/* SPDX-License-Identifier: Apache-2.0 */
/* reports.c - what every report format takes for 100,000 findings, written to /dev/null.
 *
 * The report is made here, the same at every run: a Debian image of 20,000 binary packages from
 * 10,000 sources, two findings an id, with what databases really give: a title, 400 bytes of
 * description, two CVSS vectors, four references, a weakness, two pieces of evidence.  One line a
 * format: NAME CPU_MS WALL_MS MIB_WRITTEN KIB_GROWTH the times the median of five runs, the growth
 * that of the peak of resident memory from 10,000 to 100,000 findings, in a process of its own.
 * usage: reports [FINDINGS] */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "report/report.h"

enum {
    RUNS = 5,
    SOURCES = 10000,
    BINARIES = 2,
    DEFAULT_FINDINGS = 100000,
    SMALL = 10,
    IDS_SHARED = 2
};

static void die(const char *what)
{
    fprintf(stderr, "reports: %s\n", what);
    exit(1);
}

static str made(str s)
{
    if (!s.ptr)
        die("memory");
    return s;
}

static void add(struct arena *arena, strs *to, str s)
{
    str *slot = vec_push(arena, to);
    if (!slot)
        die("memory");
    *slot = s;
}

static const char text[] =
    "A heap-based buffer overflow was found in the function that parses \"extended\" headers of an "
    "archive: a length field is trusted before it is compared with what is left of the input.\n"
    "An attacker who can make a victim open a crafted file may write up to 64 KiB behind the end "
    "of "
    "a buffer, which can lead to a crash or, where the allocator's data can be foreseen, to the "
    "execution of code with the rights of the process.";

static void make_packages(struct arena *arena, struct report *report)
{
    for (unsigned i = 0; i < SOURCES * BINARIES; i++) {
        struct package *p = vec_push(arena, &report->packages);
        unsigned source = i / BINARIES;
        if (!p)
            die("memory");
        *p = (struct package){
            .type = STR("deb"),
            .name = made(arena_printf(arena, "libexample%u-%u", source, i % BINARIES)),
            .version = STR("2.36.1-9+deb12u4"),
            .arch = STR("amd64"),
            .source_name = made(arena_printf(arena, "example%u", source)),
            .source_version = STR("2.36.1-9+deb12u4"),
            .path = STR("/var/lib/dpkg/status"),
            .is_os = true};
        add(arena, &p->licenses, STR("GPL-2.0-or-later AND MIT"));
        add(arena, &report->purls,
            made(arena_printf(arena,
                              "pkg:deb/debian/libexample%u-%u@2.36.1-9%%2Bdeb12u4?arch=amd64&"
                              "distro=debian-12&upstream=example%u",
                              source, i % BINARIES, source)));
    }
}

static void make_cvss(struct arena *arena, struct finding *f)
{
    const struct cvss both[] = {
        {STR("3.1"), STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H"), 9.1, true, STR("nvd")},
        {STR("4.0"), STR("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:H/SC:N/SI:N/SA:N"), 8.8,
         true, STR("osv")}};
    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        struct cvss *slot = vec_push(arena, &f->cvss);
        if (!slot)
            die("memory");
        *slot = both[i];
    }
}

static void make_finding(struct arena *arena, struct report *report, unsigned i)
{
    static const enum severity severities[] = {SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_UNKNOWN,
                                               SEVERITY_MEDIUM, SEVERITY_LOW};
    struct finding *f = vec_push(arena, &report->findings);
    unsigned source = i * 7 % SOURCES;
    if (!f)
        die("memory");
    *f = (struct finding){.id = made(arena_printf(arena, "CVE-%u-%u", 2005 + i / IDS_SHARED % 20,
                                                  1000 + i / IDS_SHARED)),
                          .package_name = report->packages.ptr[source * BINARIES].source_name,
                          .package_version = STR("2.36.1-9+deb12u4"),
                          .type = STR("deb"),
                          .path = STR("/var/lib/dpkg/status"),
                          .fix_state = i % 3 ? FIX_FIXED : FIX_AFFECTED,
                          .is_patchable = i % 3 != 0,
                          .severity = severities[i / 20000 % ARRAY_LEN(severities)],
                          .rated_by = STR("nvd"),
                          .rating_basis = STR("CVSS 3.1"),
                          .is_kev = i % 1000 == 0,
                          .epss = 0.00043,
                          .category = STR("Debian"),
                          .title =
                              STR("heap-based buffer overflow in the parser of extended headers"),
                          .description = str_of(text, sizeof(text) - 1),
                          .published = STR("2024-06-27T11:15:00Z"),
                          .modified = STR("2026-10-02T00:00:00Z"),
                          .is_from_base = true};
    f->purl = made(arena_printf(arena,
                                "pkg:deb/debian/example%u@2.36.1-9%%2Bdeb12u4?arch=source&"
                                "distro=debian-12",
                                source));
    for (unsigned k = 0; k < BINARIES; k++)
        add(arena, &f->binaries, report->packages.ptr[source * BINARIES + k].name);
    add(arena, &f->aliases, made(arena_printf(arena, "GHSA-%04u-xxxx-%04u", i % 10000, i / 10)));
    add(arena, &f->cwes, STR("CWE-787"));
    for (unsigned k = 0; k < 4; k++)
        add(arena, &f->references,
            made(arena_printf(arena, "https://lists.example.org/archives/%u/%u.html", k, i)));
    make_cvss(arena, f);
    if (f->is_patchable) {
        f->fixed_version = made(arena_printf(arena, "2.36.1-9+deb12u%u", 5 + i / SOURCES));
        f->remediation_text = made(
            arena_printf(arena, "Upgrade example%u from 2.36.1-9+deb12u4 to " STR_FMT " or later.",
                         source, STR_ARG(f->fixed_version)));
        f->remediation_command = made(arena_printf(
            arena, "apt-get update && apt-get install --only-upgrade libexample%u-0=" STR_FMT,
            source, STR_ARG(f->fixed_version)));
    }
    for (unsigned k = 0; k < 2; k++) {
        struct finding_evidence *e = vec_push(arena, &f->evidence);
        if (!e)
            die("memory");
        *e = (struct finding_evidence){.source = k ? STR("osv") : STR("debian-tracker"),
                                       .record = f->id,
                                       .revision = STR("2026-11-01T00:00:00Z"),
                                       .range = STR(">= 0, < 2.36.1-9+deb12u9"),
                                       .comparator = STR("dpkg"),
                                       .installed = f->package_version,
                                       .state = f->fix_state};
    }
}

static struct report *make(struct arena *arena, unsigned n)
{
    struct report *report = arena_new(arena, struct report);
    if (!report)
        die("memory");
    *report = (struct report){.source = STR("registry.example/shop/cart:1.4"),
                              .scanned_at = 1795506277,
                              .digest = digest_of(HASH_SHA256, STR("manifest")),
                              .platform = STR("linux/amd64"),
                              .distro = {.id = STR("debian"),
                                         .version_id = STR("12"),
                                         .name = STR("Debian GNU/Linux 12 (bookworm)")},
                              .verdict = VERDICT_UNHEALTHY,
                              .is_complete = true,
                              .has_database = true,
                              .generation = 42};
    make_packages(arena, report);
    for (unsigned i = 0; i < n; i++)
        make_finding(arena, report, i);
    return report;
}

static double now_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int cmp_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void write_to(int fd, const struct report_format *format, const struct report *report)
{
    const struct report_options options = {.width = 120};
    struct err err = {0};
    if (!format->write(fd, &report, 1, &options, &err))
        die(err.msg);
}

/* Bytes that it writes, counted by the reader of a pipe. */
static double mib_of(const struct report_format *format, const struct report *report)
{
    int ends[2];
    if (pipe(ends) != 0)
        die("pipe");
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        write_to(ends[1], format, report);
        _exit(0);
    }
    close(ends[1]);
    static char bytes[1 << 16];
    double total = 0;
    for (ssize_t n; (n = read(ends[0], bytes, sizeof(bytes))) > 0;)
        total += (double)n;
    close(ends[0]);
    waitpid(child, NULL, 0);
    return total / (1 << 20);
}

/* By how much the peak rises while it is written. */
static long growth_kib(const struct report_format *format, const struct report *report)
{
    struct rusage before, after;
    int ends[2];
    long kib = 0;
    if (pipe(ends) != 0)
        die("pipe");
    pid_t child = fork();
    if (child == 0) {
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        getrusage(RUSAGE_SELF, &before);
        write_to(fd, format, report);
        getrusage(RUSAGE_SELF, &after);
        kib = after.ru_maxrss - before.ru_maxrss;
        _exit(write(ends[1], &kib, sizeof(kib)) != sizeof(kib));
    }
    close(ends[1]);
    if (read(ends[0], &kib, sizeof(kib)) != sizeof(kib))
        die("no answer of the child");
    close(ends[0]);
    waitpid(child, NULL, 0);
    return kib;
}

static void measure(int fd, const struct report_format *format, const struct report *report,
                    struct report *few)
{
    double cpu[RUNS], wall[RUNS];
    for (int i = 0; i < RUNS; i++) {
        double cpu_from = now_ms(CLOCK_PROCESS_CPUTIME_ID), from = now_ms(CLOCK_MONOTONIC);
        write_to(fd, format, report);
        cpu[i] = now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu_from;
        wall[i] = now_ms(CLOCK_MONOTONIC) - from;
    }
    qsort(cpu, RUNS, sizeof(*cpu), cmp_doubles);
    qsort(wall, RUNS, sizeof(*wall), cmp_doubles);
    long growth = growth_kib(format, report) - growth_kib(format, few);
    printf("%s %.0f %.0f %.1f %ld\n", format->name, cpu[RUNS / 2], wall[RUNS / 2],
           mib_of(format, report), growth);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : DEFAULT_FINDINGS;
    const char *only = argc > 2 ? argv[2] : NULL;
    struct arena arena;
    size_t n_formats;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, (size_t)4 << 30);
    struct report *report = make(&arena, n), few = *report;
    few.findings.len = n / SMALL;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        die("/dev/null");
    const struct report_format *const *formats = report_formats(&n_formats);
    for (size_t i = 0; i < n_formats; i++)
        if (!only || strcmp(only, formats[i]->name) == 0)
            measure(fd, formats[i], report, &few);
    arena_fini(&arena);
    return 0;
}
