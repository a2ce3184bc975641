/* SPDX-License-Identifier: Apache-2.0 */
/* JUnit XML, in the shape that CI systems share: a suite an image, a case a package, a failure a
 * finding that is listed.  The first case is the scan itself. */
#include "report/internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"

struct junit {
    struct out out;
    struct arena arena;
    const struct report *report;
    const struct report_options *options;
    const struct finding **sorted; /* by package, then as the report has them */
    const struct package **clean;  /* source packages, each once, sorted as @sorted is */
    size_t n_clean;
};

static void text(struct junit *j, const char *literal) { sb_addc(&j->out.sb, literal); }
static void foreign(struct junit *j, str value) { xml_add(&j->out.sb, value); }

static void attribute(struct junit *j, const char *name, str value)
{
    sb_addf(&j->out.sb, " %s=\"", name);
    foreign(j, value);
    text(j, "\"");
}

/* --- packages ------------------------------------------------------------------------------------
 */
static str source_of(const struct package *package)
{
    return package->is_os && package->source_name.len ? package->source_name : package->name;
}

static str version_of(const struct package *package)
{
    return package->is_os && package->source_version.len ? package->source_version
                                                         : package->version;
}

static int cmp_keys(const str *a, const str *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int sign = str_cmp(a[i], b[i]);
        if (sign)
            return sign;
    }
    return 0;
}

enum { N_KEYS = 4 };
static void finding_keys(const struct finding *f, str keys[static N_KEYS])
{
    keys[0] = f->package_name;
    keys[1] = f->package_version;
    keys[2] = f->type;
    keys[3] = f->class == CLASS_LANGUAGE ? f->path : STR_NONE;
}

static void package_keys(const struct package *p, str keys[static N_KEYS])
{
    keys[0] = source_of(p);
    keys[1] = version_of(p);
    keys[2] = p->type;
    keys[3] = p->is_os ? STR_NONE : p->path;
}

static str name_of(const struct finding *f) { return f->package_name; }

static int cmp_findings(const struct finding *a, const struct finding *b)
{
    str x[N_KEYS], y[N_KEYS];
    finding_keys(a, x);
    finding_keys(b, y);
    return cmp_keys(x, y, N_KEYS);
}

static int cmp_packages(const void *left, const void *right)
{
    const struct package *a = *(const struct package *const *)left;
    const struct package *b = *(const struct package *const *)right;
    str x[N_KEYS], y[N_KEYS];
    package_keys(a, x);
    package_keys(b, y);
    int sign = cmp_keys(x, y, N_KEYS);
    return sign ? sign : (a > b) - (a < b);
}

static int cmp_across(const struct finding *f, const struct package *p)
{
    str x[N_KEYS], y[N_KEYS];
    finding_keys(f, x);
    package_keys(p, y);
    return cmp_keys(x, y, N_KEYS);
}

/* Packages without any finding, one a source: what passes. */
static bool find_clean(struct junit *j)
{
    size_t n = j->report->packages.len, at = 0;
    j->clean = arena_array(&j->arena, const struct package *, n + 1);
    j->n_clean = 0;
    if (!j->clean)
        return false;
    for (size_t i = 0; i < n; i++)
        j->clean[i] = &j->report->packages.ptr[i];
    qsort(j->clean, n, sizeof(*j->clean), cmp_packages);
    for (size_t i = 0; i < n; i++) {
        const struct package *package = j->clean[i];
        str x[N_KEYS], y[N_KEYS];
        while (at < j->report->findings.len && cmp_across(j->sorted[at], package) < 0)
            at++;
        bool has_finding = at < j->report->findings.len && cmp_across(j->sorted[at], package) == 0;
        package_keys(package, x);
        if (j->n_clean)
            package_keys(j->clean[j->n_clean - 1], y);
        if (!has_finding && (!j->n_clean || cmp_keys(x, y, N_KEYS) != 0))
            j->clean[j->n_clean++] = package;
    }
    return true;
}

/* --- counts: they stand before what they count ---------------------------------------------------
 */
struct counts {
    size_t cases, failed, skipped, errors;
};

static size_t end_of_case(const struct junit *j, size_t from)
{
    size_t to = from + 1;
    while (to < j->report->findings.len && cmp_findings(j->sorted[from], j->sorted[to]) == 0)
        to++;
    return to;
}

static size_t count_listed(const struct junit *j, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += report_place_of(j->sorted[i], &j->options->filter) == PLACE_LISTED;
    return n;
}

static bool is_error(const struct report *report)
{
    return !report->is_complete || report->verdict == VERDICT_FAILED ||
           report->verdict == VERDICT_UNKNOWN;
}

static struct counts count(const struct junit *j)
{
    struct counts counts = {.cases = 1 + j->n_clean,
                            .errors = is_error(j->report),
                            .skipped = !is_error(j->report) &&
                                       j->report->verdict == VERDICT_NOT_APPLICABLE};
    for (size_t i = 0, to; i < j->report->findings.len; i = to) {
        to = end_of_case(j, i);
        bool has_failed = count_listed(j, i, to) > 0;
        counts.cases++;
        counts.failed += has_failed;
        counts.skipped += !has_failed;
    }
    return counts;
}

/* --- cases ---------------------------------------------------------------------------------------
 */
static void open_case(struct junit *j, str name, str version, str type, str place)
{
    text(j, "    <testcase name=\"");
    foreign(j, name);
    text(j, " ");
    foreign(j, version);
    text(j, place.len ? " in " : "");
    foreign(j, place);
    text(j, "\"");
    text(j, " classname=\"");
    foreign(j, type);
    text(j, "\" time=\"0\"");
}

static void write_failure(struct junit *j, const struct finding *f)
{
    struct sb *out = &j->out.sb;
    auto_sb advice;
    sb_init(&advice, out->max_bytes);
    text(j, "      <failure");
    attribute(j, "type", str_from(severity_name(f->severity)));
    text(j, " message=\"");
    foreign(j, f->id);
    text(j, ": ");
    foreign(j, finding_title(f));
    text(j, "\">");
    say_advice(&advice, f);
    foreign(j, sb_str(&advice));
    text(j, f->remediation_command.len ? "\n$ " : "");
    foreign(j, f->remediation_command);
    text(j, "\nseverity: ");
    text(j, severity_name(f->severity));
    text(j, f->rated_by.len ? ", by " : "");
    foreign(j, f->rated_by);
    text(j, f->is_kev ? "\nknown to be exploited" : "");
    text(j, "\npackage: ");
    foreign(j, f->purl);
    text(j, "\nfound in: ");
    foreign(j, f->path);
    text(j, "</failure>\n");
    out->has_failed |= advice.has_failed;
    out_piece(&j->out);
}

static void say_apart(struct junit *j, const struct finding *f)
{
    switch (report_place_of(f, &j->options->filter)) {
    case PLACE_DISABLED:
        foreign(j, f->id);
        text(j, " disabled by ");
        foreign(j, f->disabled_by);
        break;
    case PLACE_HEADERS:
        foreign(j, f->id);
        text(j, " of kernel headers");
        break;
    case PLACE_HIDDEN:
        foreign(j, f->id);
        text(j, " hidden by --severity or --ignore-*");
        break;
    case PLACE_LISTED:
        return;
    }
    text(j, "&#10;");
    out_piece(&j->out);
}

static void write_case(struct junit *j, size_t from, size_t to)
{
    const struct finding *f = j->sorted[from];
    size_t n_listed = count_listed(j, from, to);
    open_case(j, f->package_name, f->package_version, f->type,
              f->class == CLASS_LANGUAGE ? f->path : STR_NONE);
    text(j, ">\n");
    for (size_t i = from; i < to; i++)
        if (report_place_of(j->sorted[i], &j->options->filter) == PLACE_LISTED)
            write_failure(j, j->sorted[i]);
    if (n_listed < to - from) { /* what is not listed is said, not failed */
        text(j, n_listed ? "      <system-out>" : "      <skipped message=\"");
        for (size_t i = from; i < to; i++)
            say_apart(j, j->sorted[i]);
        text(j, n_listed ? "</system-out>\n" : "\"/>\n");
    }
    text(j, "    </testcase>\n");
    out_piece(&j->out);
}

static void write_scan_case(struct junit *j)
{
    const struct report *report = j->report;
    auto_sb why;
    sb_init(&why, 8 * LIMIT(FIELD));
    text(j, "    <testcase name=\"the scan is complete\" classname=\"plimsoll\" time=\"0\"");
    if (!say_shortfall(&why, report)) {
        text(j, "/>\n");
        return;
    }
    text(j, is_error(report) ? ">\n      <error type=\"incomplete\"" : ">\n      <skipped");
    attribute(j, "message", sb_str(&why));
    text(j, "/>\n    </testcase>\n");
}

static void write_properties(struct junit *j)
{
    char hex[DIGEST_TEXT_SIZE];
    const struct report *report = j->report;
    const struct {
        const char *name;
        str value;
    } rows[] = {{"digest", digest_print(&report->digest, hex)},
                {"platform", report->platform},
                {"operatingSystem", report->distro.name},
                {"status", str_from(verdict_name(report->verdict))},
                {"complete", report->is_complete ? STR("true") : STR("false")},
                {"reason", report->reason},
                {"engine", str_from(report_engine_version())}};
    text(j, "    <properties>\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].value.len)
            continue;
        text(j, "      <property");
        attribute(j, "name", str_from(rows[i].name));
        attribute(j, "value", rows[i].value);
        text(j, "/>\n");
    }
    text(j, "    </properties>\n");
}

static void write_out(struct junit *j)
{
    auto_sb hidden;
    sb_init(&hidden, 256);
    text(j, "    <system-out>");
    if (say_hidden(&hidden, j->report, &j->options->filter)) {
        foreign(j, sb_str(&hidden));
        text(j, "\n");
    }
    for (size_t i = 0; i < j->report->notices.len; i++) {
        const struct notice *notice = &j->report->notices.ptr[i];
        text(j, notice->is_incomplete ? "incomplete: " : "");
        text(j, notice_kind_name(notice->kind));
        text(j, ": ");
        foreign(j, notice->path);
        text(j, notice->path.len ? ": " : "");
        foreign(j, notice->message);
        text(j, "\n");
        out_piece(&j->out);
    }
    text(j, "</system-out>\n");
}

static void write_suite(struct junit *j)
{
    char when[CLOCK_TEXT_SIZE];
    struct counts counts = count(j);
    text(j, "  <testsuite name=\"");
    foreign(j, j->report->source);
    text(j, j->report->platform.len ? " " : "");
    foreign(j, j->report->platform);
    sb_addf(&j->out.sb,
            "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\"",
            counts.cases, counts.failed, counts.errors, counts.skipped);
    attribute(j, "timestamp", str_slice(clock_print(j->report->scanned_at, when), 0, 19));
    text(j, ">\n");
    write_properties(j);
    write_scan_case(j);
    for (size_t i = 0, to; i < j->report->findings.len; i = to) {
        to = end_of_case(j, i);
        write_case(j, i, to);
    }
    for (size_t i = 0; i < j->n_clean; i++) {
        const struct package *p = j->clean[i];
        open_case(j, source_of(p), version_of(p), p->type, p->is_os ? STR_NONE : p->path);
        text(j, "/>\n");
        out_piece(&j->out);
    }
    write_out(j);
    text(j, "  </testsuite>\n");
}

static bool junit_write(int fd, const struct report *const *reports, size_t n,
                        const struct report_options *options, struct err *err)
{
    struct junit j = {.options = options};
    bool is_done = true;
    out_open(&j.out, fd, err);
    arena_init(&j.arena, LIMIT(SCAN_MEMORY));
    text(&j, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"plimsoll\">\n");
    for (size_t i = 0; i < n && is_done; i++) {
        j.report = reports[i];
        is_done =
            findings_sorted(&j.arena, j.report, name_of, cmp_findings, &j.sorted) && find_clean(&j);
        if (is_done)
            write_suite(&j);
        arena_reset(&j.arena);
    }
    arena_fini(&j.arena);
    text(&j, "</testsuites>\n");
    return out_close(&j.out) && (is_done || err_memory(err));
}

const struct report_format report_format_junit = {
    .name = "junit",
    .summary = "JUnit XML, for CI: a case a package, a failure a finding",
    .write = junit_write,
};
