/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"

static struct record parse(struct arena *arena, str text)
{
    struct record record;
    struct err err = {0};
    assert_ok(osv_record_parse(text, arena, &record, &err), err);
    return record;
}

static void test_osv_record__every_field_is_kept(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(&arena, test_data(&arena, "advisory/record.json"));
    const struct advisory *advisory = &record.advisory;
    assert_str(advisory->id, "DEBIAN-CVE-2021-1000");
    assert_str(advisory->title, "short");
    assert_str(advisory->description, "long");
    assert_str(advisory->revision, "2024-02-03T00:00:00Z");
    assert_int_equal(advisory->aliases.len, 2);
    assert_str(advisory->aliases.ptr[1], "CVE-2021-1000"); /* its own name for the upstream one */
    assert_int_equal(advisory->related.len, 2);
    assert_str(advisory->related.ptr[1], "CVE-2021-77");
    assert_int_equal(advisory->cvss.len, 1);
    assert_str(advisory->cvss.ptr[0].version, "3.1");
    assert_true(advisory->cvss.ptr[0].is_scored && advisory->cvss.ptr[0].score > 9.7);
    assert_int_equal(advisory->ratings.len, 1);
    assert_int_equal(advisory->ratings.ptr[0].severity, SEVERITY_MEDIUM);
    assert_int_equal(advisory->references.len, 1);
    assert_int_equal(record.entries.len, 3); /* the commit range speaks of no package */
    arena_fini(&arena);
}

static void test_osv_record__events_are_walked_in_version_order(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(&arena, test_data(&arena, "advisory/record.json"));
    const struct affected *debian = &record.entries.ptr[0].affected;
    assert_int_equal(debian->ranges.len, 2);
    assert_str(debian->ranges.ptr[0].introduced, "0");
    assert_str(debian->ranges.ptr[0].fixed, "1:1.0-1");
    assert_str(debian->ranges.ptr[1].introduced, "2:0");
    assert_str(debian->ranges.ptr[1].fixed, "2:1");
    assert_int_equal(debian->state, FIX_FIXED);
    assert_int_equal(debian->severity, SEVERITY_LOW);
    const struct affected *pypi = &record.entries.ptr[1].affected;
    assert_int_equal(pypi->ranges.len, 2);
    assert_str(pypi->ranges.ptr[0].last_affected, "1.1");
    assert_str(pypi->ranges.ptr[1].introduced, "3");
    assert_str(pypi->ranges.ptr[1].fixed, "");
    assert_int_equal(pypi->versions.len, 2);
    assert_int_equal(pypi->state, FIX_AFFECTED);
    const struct affected *odd = &record.entries.ptr[2].affected;
    assert_str(odd->ranges.ptr[0].fixed, "2.0"); /* a limit ends the range … */
    assert_int_equal(odd->state, FIX_AFFECTED);  /* … and fixes nothing */
    arena_fini(&arena);
}

/* Title, fixed version | module */
static void test_osv_record__a_module_is_read_from_the_title(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"Important: nodejs:18 security update", "1:18.9-1.module_el8.9.0+3765+a", "nodejs:18"},
        {"ALSA-2022:5468: php:8.0 security update (Important)", "8.0-1.module_el8.6.0+1+a",
         "php:8.0"},
        {"Moderate: httpd:2.4/mod_http2 security update", "2-1.module+el8.9.0+1+a", "httpd:2.4"},
        {"Moderate: go-toolset security update", "1-1.module_el8.9.0+3765+a", ""},
        {"Moderate: unbound:1.16.2 security update", "1.16.2-6.el9", ""}, /* no module's build */
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record =
            parse(&arena, arena_printf(&arena,
                                       "{\"id\":\"ALSA-1\",\"summary\":\"%s\",\"affected\":[{"
                                       "\"package\":{\"ecosystem\":\"AlmaLinux:8\",\"name\":\"a\"},"
                                       "\"ranges\":[{\"type\":\"ECOSYSTEM\",\"events\":[{"
                                       "\"introduced\":\"0\"},{\"fixed\":\"%s\"}]}]}]}",
                                       rows[i][0], rows[i][1]));
        assert_str(record.entries.ptr[0].affected.module, rows[i][2]);
    }
    arena_fini(&arena);
}

static void test_osv_record__broken_ones_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "[]",
        "{",
        "{\"id\": 7}",
        "{\"id\": \"\"}",
        "{\"id\": \"a\", \"affected\": {}}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\"}}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"WEIRD\", \"events\": []}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": []}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": [{\"fixed\": 1}]}]}]}",
        "{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": \"npm\"}, "
        "\"ranges\": [{\"type\": \"SEMVER\", \"events\": [{\"repaired\": \"1\"}]}]}]}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct arena arena;
        struct record record;
        struct err err = {0};
        arena_init(&arena, 1 << 20);
        if (osv_record_parse(str_from(broken[i]), &arena, &record, &err))
            fail_msg("taken: %s", broken[i]);
        assert_int_equal(err.kind, ERR_FORMAT);
        arena_fini(&arena);
    }
}

static void test_osv_record__an_end_without_a_beginning_holds_from_the_first_version(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record =
        parse(&arena,
              STR("{\"id\": \"a\", \"affected\": [{\"package\": {\"name\": \"x\", \"ecosystem\": "
                  "\"Odd\"},"
                  "\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"fixed\": \"2\"}]}]}]}"));
    assert_int_equal(record.entries.ptr[0].affected.ranges.len, 1);
    assert_str(record.entries.ptr[0].affected.ranges.ptr[0].introduced, "0");
    assert_str(record.entries.ptr[0].affected.ranges.ptr[0].fixed, "2");
    arena_fini(&arena);
}

/* --- what publishers add
 * ----------------------------------------------------------------------------------- */

#define RECORD(id, more, affected)                                                                 \
    STR("{\"id\": \"" id "\", \"modified\": \"2024-01-01T00:00:00Z\", " more                       \
        "\"affected\": [" affected "]}")
#define PACKAGE(ecosystem, name, more)                                                             \
    "{\"package\": {\"ecosystem\": \"" ecosystem "\", \"name\": \"" name "\"}, \"ranges\": "       \
    "[{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}" more
#define FIXED(version) ", {\"fixed\": \"" version "\"}]}]}"
#define OPEN "]}]"

static void test_osv_record__an_ecosystem_is_called_as_it_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *theirs, *ours;
    } rows[] = {
        {"Debian:12", "Debian:12"},
        {"Alpine:v3.20", "Alpine:v3.20"},
        {"Rocky Linux:8", "Rocky Linux:8"},
        {"AlmaLinux:9", "AlmaLinux:9"},
        {"Red Hat:enterprise_linux:9::baseos", "Red Hat:enterprise_linux:9"},
        {"Red Hat:enterprise_linux:10.0", "Red Hat:enterprise_linux:10"},
        {"Red Hat:rhel_eus:9.2::appstream", "Red Hat:rhel_eus:9.2"},
        {"Red Hat:openshift:4.12::el8", "Red Hat:openshift:4.12::el8"},
        {"openSUSE:Leap 15.5", "openSUSE:Leap 15.5"},
        {"openSUSE:Tumbleweed", "openSUSE:Tumbleweed"},
        {"SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"},
        {"SUSE:Linux Enterprise Server 15 SP3-LTSS",
         "SUSE:Linux Enterprise Server 15 SP3-LTSS|SUSE:Linux Enterprise Server 15 SP3"},
        {"SUSE:Linux Enterprise Module for Basesystem 15 SP5",
         "SUSE:Linux Enterprise Module for Basesystem 15 SP5|SUSE:Linux Enterprise Server 15 SP5|"
         "SUSE:Linux Enterprise Server for SAP Applications 15 SP5|"
         "SUSE:Linux Enterprise Desktop 15 SP5"},
        {"SUSE:Linux Enterprise Micro 5.5", "SUSE:Linux Enterprise Micro 5.5"},
        {"Azure Linux:3", "Azure Linux:3.0"},
        {"Azure Linux:2.0", "Azure Linux:2.0"},
        {"Photon OS:3.0", "Photon OS:3.0"},
        {"Maven", "Maven"},
        {"Maven:https://repo.example.org/releases/", "Maven"},
        {"npm", "npm"},
        {"Ubuntu:22.04:LTS", "Ubuntu:22.04:LTS"},
    };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = {0};
        strs names = {0};
        str have = STR("");
        assert_ok(osv_ecosystems(str_from(rows[i].theirs), &arena, &names, &err), err);
        for (size_t j = 0; j < names.len; j++)
            have = arena_printf(&arena, STR_FMT "%s" STR_FMT, STR_ARG(have), j ? "|" : "",
                                STR_ARG(names.ptr[j]));
        assert_str(have, rows[i].ours);
    }
    arena_fini(&arena);
}

/* Every name that a distribution of ours asks for is left as it is. */
static void test_osv_record__names_that_are_asked_for_stay(void **state)
{
    (void)state;
    struct arena arena;
    size_t n;
    const struct distro_row *rows = distro_rows(&n);
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        strs names = {0};
        struct distro distro = {.id = str_from(rows[i].id), .version_id = STR("15.5")};
        str name = distro_ecosystem(&distro, &arena);
        assert_ok(osv_ecosystems(name, &arena, &names, &err), err);
        assert_true(names.len > 0 && str_eq(names.ptr[0], name));
        assert_true(osv_is_distribution(name));
    }
    assert_false(osv_is_distribution(STR("PyPI")) || osv_is_distribution(STR("Go")) ||
                 osv_is_distribution(STR("")) || osv_is_distribution(STR("Deb")));
    arena_fini(&arena);
}

static void test_osv_record__an_erratum_is_about_the_cves_it_names(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(
        &arena,
        RECORD("ALSA-2099:1",
               "\"summary\": \"Important: nodejs:18 security update\", "
               "\"related\": [\"CVE-2099-0001\", \"CVE-2099-0002\"], ",
               PACKAGE("AlmaLinux:8", "nodejs", FIXED("1:18.1-1.module_el8.9.0+3+abc")) "," PACKAGE(
                   "AlmaLinux:8", "plain", FIXED("2-1.el8"))));
    assert_int_equal(record.advisory.aliases.len, 2);
    assert_str(record.advisory.aliases.ptr[0], "CVE-2099-0001");
    assert_int_equal(record.entries.len, 2);
    assert_str(record.entries.ptr[0].affected.module, "nodejs:18");
    assert_str(record.entries.ptr[1].affected.module, ""); /* no build of a module */
    assert_int_equal(record.entries.ptr[0].affected.severity, SEVERITY_HIGH);
    record = parse(&arena, RECORD("USN-9-1", "\"upstream\": [\"UBUNTU-CVE-2099-0003\"], ",
                                  PACKAGE("Ubuntu:22.04:LTS", "demo", FIXED("2"))));
    assert_str(record.advisory.aliases.ptr ? record.advisory.aliases.ptr[0] : STR_NONE,
               "CVE-2099-0003");
    record = parse(&arena, RECORD("GHSA-aaaa-aaaa-aaaa", "\"related\": [\"CVE-2099-0004\"], ",
                                  PACKAGE("npm", "demo", FIXED("2"))));
    assert_int_equal(record.advisory.aliases.len, 0); /* of a language it is another's */
    assert_int_equal(record.advisory.related.len, 1);
    arena_fini(&arena);
}

static void test_osv_record__a_bug_fix_states_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record =
        parse(&arena, RECORD("ALBA-2099:1", "", PACKAGE("AlmaLinux:8", "demo", FIXED("2"))));
    assert_int_equal(record.entries.len, 0);
    record = parse(&arena, RECORD("ALBA-2099:2", "\"related\": [\"CVE-2099-0001\"], ",
                                  PACKAGE("AlmaLinux:8", "demo", FIXED("2"))));
    assert_int_equal(record.entries.len, 1);
    arena_fini(&arena);
}

static void test_osv_record__modules_are_in_the_title(void **state)
{
    (void)state;
    assert_str(osv_module(STR("Important: nodejs:18 security update")), "nodejs:18");
    assert_str(osv_module(STR("container-tools:rhel8 bug fix")), "container-tools:rhel8");
    assert_str(osv_module(STR("Important: virt:rhel and virt-devel:rhel security update")), "");
    assert_str(osv_module(STR("Moderate: openssl security update")), "");
    assert_str(osv_module(STR("see https://example.org (maven:3.6)")), "maven:3.6");
}

static void test_osv_record__what_ubuntu_fixed_for_subscribers_the_release_lacks(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
#define PRO ", \"ecosystem_specific\": {\"availability\": \"Available with Ubuntu Pro\"}}"
    struct record record = parse(
        &arena,
        RECORD("UBUNTU-CVE-2099-0001",
               "\"severity\": [{\"type\": \"Ubuntu\", \"score\": \"negligible\"}], ",
               PACKAGE("Ubuntu:Pro:16.04:LTS", "one", ", {\"fixed\": \"2\"}" OPEN PRO) "," PACKAGE(
                   "Ubuntu:Pro:16.04:LTS", "two",
                   OPEN PRO) "," PACKAGE("Ubuntu:16.04:LTS", "two",
                                         FIXED("3")) "," PACKAGE("Ubuntu:Pro:FIPS:20.04:LTS", "one",
                                                                 FIXED("4"))));
    assert_int_equal(record.entries.len, 4);
    assert_str(record.entries.ptr[0].ecosystem, "Ubuntu:16.04:LTS");
    assert_str(record.entries.ptr[0].affected.note, "Available with Ubuntu Pro");
    assert_int_equal(record.entries.ptr[0].affected.severity, SEVERITY_LOW);
    assert_str(record.entries.ptr[1].ecosystem, "Ubuntu:Pro:16.04:LTS"); /* the next says it */
    assert_str(record.entries.ptr[2].ecosystem, "Ubuntu:16.04:LTS");
    assert_str(record.entries.ptr[3].ecosystem, "Ubuntu:Pro:FIPS:20.04:LTS");
    arena_fini(&arena);
}

static void test_osv_record__symbols_and_platforms_of_go(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record = parse(
        &arena,
        RECORD("GO-2099-1", "",
               PACKAGE("Go", "example.org/m",
                       ", {\"fixed\": \"1.2.0\"}" OPEN ", \"ecosystem_specific\": {\"imports\": ["
                       "{\"path\": \"example.org/m/a\", \"symbols\": [\"Dial\", \"T.Read\"], "
                       "\"goos\": [\"windows\"]}, "
                       "{\"path\": \"example.org/m/b\", \"goos\": [\"windows\"]}]}}")));
    const struct affected *affected = &record.entries.ptr[0].affected;
    assert_int_equal(affected->symbols.len, 3);
    assert_str(affected->symbols.ptr[0], "example.org/m/a.Dial");
    assert_str(affected->symbols.ptr[1], "example.org/m/a.T.Read");
    assert_str(affected->symbols.ptr[2], "example.org/m/b"); /* all of it */
    assert_str(affected->note, "only on windows");
    arena_fini(&arena);
}

static void test_osv_record__the_last_known_affected_version_ends_an_open_range(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
#define KNOWN(words)                                                                               \
    OPEN ", \"database_specific\": {\"last_known_affected_version_range\": \"" words "\"}}"
    struct record record =
        parse(&arena,
              RECORD("GHSA-aaaa-aaaa-aaaa",
                     "\"database_specific\": {\"cwe_ids\": [\"CWE-79\"], \"severity\": \"HIGH\"}, ",
                     PACKAGE("npm", "a", KNOWN("<= 1.2")) "," PACKAGE(
                         "npm", "b", KNOWN("< 1.3")) "," PACKAGE("npm", "c", KNOWN("odd"))));
    assert_str(record.entries.ptr[0].affected.ranges.ptr[0].last_affected, "1.2");
    assert_int_equal(record.entries.ptr[0].affected.state, FIX_AFFECTED);
    assert_str(record.entries.ptr[1].affected.ranges.ptr[0].fixed, "1.3");
    assert_int_equal(record.entries.ptr[1].affected.state, FIX_AFFECTED);
    assert_str(record.entries.ptr[2].affected.ranges.ptr[0].fixed, "");
    assert_str(record.advisory.cwes.ptr ? record.advisory.cwes.ptr[0] : STR_NONE, "CWE-79");
    assert_int_equal(record.entries.ptr[0].affected.severity, SEVERITY_UNKNOWN); /* not its own */
    arena_fini(&arena);
}

static void test_osv_record__versions_count_beside_commits(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct record record =
        parse(&arena, RECORD("PYSEC-2099-1", "",
                             "{\"package\": {\"ecosystem\": \"PyPI\", \"name\": \"demo\"}, "
                             "\"ranges\": [{\"type\": \"GIT\", \"repo\": \"x\", \"events\": "
                             "[{\"introduced\": \"0\"}]}], \"versions\": [\"1.0\", \"1.1\"]}"));
    const struct affected *affected = &record.entries.ptr[0].affected;
    assert_int_equal(affected->ranges.len, 0);
    assert_int_equal(affected->versions.len, 2);
    assert_int_equal(affected->state, FIX_AFFECTED);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_osv_record__every_field_is_kept),
        cmocka_unit_test(test_osv_record__events_are_walked_in_version_order),
        cmocka_unit_test(test_osv_record__a_module_is_read_from_the_title),
        cmocka_unit_test(test_osv_record__broken_ones_are_refused),
        cmocka_unit_test(test_osv_record__an_end_without_a_beginning_holds_from_the_first_version),
        cmocka_unit_test(test_osv_record__an_ecosystem_is_called_as_it_is_asked_for),
        cmocka_unit_test(test_osv_record__names_that_are_asked_for_stay),
        cmocka_unit_test(test_osv_record__an_erratum_is_about_the_cves_it_names),
        cmocka_unit_test(test_osv_record__a_bug_fix_states_nothing),
        cmocka_unit_test(test_osv_record__modules_are_in_the_title),
        cmocka_unit_test(test_osv_record__what_ubuntu_fixed_for_subscribers_the_release_lacks),
        cmocka_unit_test(test_osv_record__symbols_and_platforms_of_go),
        cmocka_unit_test(test_osv_record__the_last_known_affected_version_ends_an_open_range),
        cmocka_unit_test(test_osv_record__versions_count_beside_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
