/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

/* What is asked of every format: hostile text stays text and the result readable, memory does not
 * grow with the output, a full disk is an error. */
#include <sys/resource.h>

enum { ROUNDS = 150 };

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

/* Pieces that mean something to somebody, and bytes that mean nothing. */
static str hostile(struct arena *arena, struct dice *dice)
{
    static const char *const pieces[] = {
        "\033]0;x\007",
        "\302\23331m",
        "\xe2\x80\xae",
        "\xff",
        "\xc0\x80",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xef\xbf\xbe",
        "]]>",
        "<!--",
        "<b>",
        "&amp;",
        "\"",
        "'",
        "=1+1",
        "\r\n",
        "\t",
        "\\",
        "{0}",
        "[a](b)",
        "%00",
        "%zz",
        "../..",
        "javascript:x",
        "https://",
        "@",
        "|",
        ",",
        "```",
        "\x01",
        "\x7f",
        "é",
        "日本",
        "CVE-2024-1",
        "pkg:deb/debian/a@1",
        "MIT OR",
        "(",
        ": ",
        "not_affected",
        "vulnerable_code_not_present",
        "2024-01-01",
        "3.1",
    };
    auto_sb text;
    sb_init(&text, 4096);
    for (uint32_t n = below(dice, 6); n; n--) {
        if (below(dice, 4))
            sb_addc(&text, pieces[below(dice, ARRAY_LEN(pieces))]);
        else
            sb_byte(&text, (uint8_t)below(dice, 256));
    }
    return arena_dup(arena, sb_str(&text));
}

static void hostile_list(struct arena *arena, struct dice *dice, strs *to)
{
    for (uint32_t n = below(dice, 3); n; n--)
        *(str *)vec_push(arena, to) = hostile(arena, dice);
}

static void hostile_finding(struct arena *arena, struct dice *dice, struct report *report)
{
    struct finding *f = vec_push(arena, &report->findings);
    str *const texts[] = {&f->id,
                          &f->package_name,
                          &f->package_version,
                          &f->type,
                          &f->purl,
                          &f->path,
                          &f->fixed_version,
                          &f->rated_by,
                          &f->rating_basis,
                          &f->category,
                          &f->title,
                          &f->description,
                          &f->published,
                          &f->modified,
                          &f->remediation_text,
                          &f->remediation_command};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = hostile(arena, dice);
    hostile_list(arena, dice, &f->aliases);
    hostile_list(arena, dice, &f->binaries);
    hostile_list(arena, dice, &f->cwes);
    hostile_list(arena, dice, &f->references);
    f->severity = (enum severity)below(dice, 6);
    f->class = (enum finding_class)below(dice, 3);
    f->is_patchable = below(dice, 2);
    f->layer = (int)below(dice, 4) - 1;
    *(struct cvss *)vec_push(arena, &f->cvss) = (struct cvss){
        hostile(arena, dice), hostile(arena, dice), 5.5, below(dice, 2), hostile(arena, dice)};
    *(struct finding_evidence *)vec_push(arena, &f->evidence) = (struct finding_evidence){
        .source = below(dice, 2) ? STR("vex") : hostile(arena, dice), .note = hostile(arena, dice)};
    if (below(dice, 3) == 0)
        f->disabled_by = below(dice, 2) ? STR("vex:x") : hostile(arena, dice);
}

static struct report *hostile_report(struct arena *arena, struct dice *dice)
{
    struct report *report = arena_new(arena, struct report);
    report->source = hostile(arena, dice);
    report->platform = hostile(arena, dice);
    report->reason = hostile(arena, dice);
    report->distro.id = hostile(arena, dice);
    report->distro.version_id = hostile(arena, dice);
    report->verdict = (enum verdict)below(dice, 5);
    report->is_complete = below(dice, 2);
    if (below(dice, 2))
        report->digest = digest_of(HASH_SHA256, report->source);
    for (int i = 0; i < 4; i++) {
        struct package *p = vec_push(arena, &report->packages);
        *p = (struct package){.type = hostile(arena, dice),
                              .name = hostile(arena, dice),
                              .version = hostile(arena, dice),
                              .path = hostile(arena, dice),
                              .source_name = hostile(arena, dice),
                              .is_os = below(dice, 2),
                              .maintainer = hostile(arena, dice),
                              .layer = (int)below(dice, 3) - 1};
        hostile_list(arena, dice, &p->licenses);
        *(str *)vec_push(arena, &report->purls) = hostile(arena, dice);
        hostile_finding(arena, dice, report);
    }
    *(struct label *)vec_push(arena, &report->labels) =
        (struct label){hostile(arena, dice), hostile(arena, dice)};
    assert_true(notice_add(arena, &report->notices, NOTICE_UNREADABLE, below(dice, 2),
                           hostile(arena, dice), hostile(arena, dice)));
    return report;
}

static bool ignore(void *ctx, str name, const char **attributes, struct err *err)
{
    (void)ctx, (void)name, (void)attributes, (void)err;
    return true;
}

/* Nothing that a terminal obeys, in any format but for line breaks and tabs. */
static void check_bytes(const char *format, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_c1 = c == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0;
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f || is_c1)
            fail_msg("%s: byte %02x at %zu", format, c, i);
    }
    assert_false(str_has(text, STR("\xe2\x80\xae")));
}

static void check_one(struct arena *arena, const struct report_format *format,
                      const struct report *report, const struct report_options *options)
{
    struct err err = {0};
    str text = sample_write(arena, format->name, &report, 1, options);
    check_bytes(format->name, text);
    if (text.len && text.ptr[0] == '{') {
        json_t *root = NULL;
        if (!json_read(text, &root, &err))
            fail_msg("%s: %s\n%.*s", format->name, err.msg, STR_ARG(text));
        json_decref(root);
    } else if (str_starts(text, STR("<?xml"))) {
        const struct xml_handler handler = {.open = ignore};
        if (!xml_read(text, &handler, &err))
            fail_msg("%s: %s\n%.*s", format->name, err.msg, STR_ARG(text));
    }
}

static void test_every__hostile_reports_stay_readable(void **state)
{
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    struct dice dice = {2463534242U};
    for (int round = 0; round < ROUNDS; round++) {
        const struct report *report = hostile_report(*state, &dice);
        const struct report_options options = {.filter = {.hides_unfixed = below(&dice, 3) == 0,
                                                          .hides_unknown = below(&dice, 3) == 0}};
        const struct report_options sbom = {.is_sbom = true};
        for (size_t i = 0; i < n; i++) {
            check_one(*state, formats[i], report, &options);
            if (formats[i]->is_sbom_too)
                check_one(*state, formats[i], report, &sbom);
        }
        arena_reset(*state);
    }
}

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* The order of findings and what they are about take some bytes for each; what is written takes
 * none.  (A table lists groups of findings, and has those in memory.) */
static void test_every__memory_does_not_grow_with_the_output(void **state)
{
    if (PLIMSOLL_SANITIZED) /* what is freed stays for a while */
        skip();
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    struct report *report = sample_full(*state);
    const struct report *reports[] = {report};
    const struct report_options options = {0};
    findings once = report->findings;
    while (report->findings.len < 50000) {
        struct finding *slot = vec_push(*state, &report->findings);
        assert_non_null(slot);
        *slot = once.ptr[report->findings.len % once.len];
    }
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        long before_kib = peak_kib();
        assert_ok(formats[i]->write(fd, reports, 1, &options, &err), err);
        if (peak_kib() - before_kib > 8 << 10)
            fail_msg("%s: grows by %ld KiB", formats[i]->name, peak_kib() - before_kib);
    }
    close(fd);
}

static void test_every__a_full_disk_is_an_error(void **state)
{
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        assert_false(formats[i]->write(fd, &report, 1, &options, &err));
        assert_int_equal(err.kind, ERR_IO);
    }
    close(fd);
}

/* No format says less of a scan that is not whole. */
static void test_every__a_failed_scan_is_visible(void **state)
{
    size_t n;
    const struct report_format *const *formats = report_formats(&n);
    const struct report *report = sample_failed(*state);
    const struct report_options options = {.width = 100};
    for (size_t i = 0; i < n; i++)
        if (!str_has(sample_write(*state, formats[i]->name, &report, 1, &options), STR("Failed")))
            fail_msg("%s does not say that it failed", formats[i]->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_every__hostile_reports_stay_readable),
        SAMPLE_TEST(test_every__memory_does_not_grow_with_the_output),
        SAMPLE_TEST(test_every__a_full_disk_is_an_error),
        SAMPLE_TEST(test_every__a_failed_scan_is_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
