/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "base/num.h"
#include "model/model.h"

static void check_scheme(const struct version_scheme *scheme, const char *expected, const char *of)
{
    if (!scheme != !expected || (scheme && !str_eq(str_from(scheme->name), str_from(expected))))
        fail_msg("%s has %s, expected %s", of, scheme ? scheme->name : "none",
                 expected ? expected : "none");
}

static void test_ecosystem__names_of_osv_have_an_ordering(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"AlmaLinux:9", "rpm"},
        {"Alpaquita:23", "apk"},
        {"Alpine:v3.20", "apk"},
        {"Bitnami", "bitnami"},
        {"CRAN", "cran"},
        {"Chainguard", "apk"},
        {"ConanCenter", "conan"},
        {"Debian:12", "dpkg"},
        {"Debian", "dpkg"},
        {"GitHub Actions", "semver"},
        {"Go", "golang"},
        {"Hackage", "hackage"},
        {"Hex", "hex"},
        {"Julia", "julia"},
        {"Linux", "generic"},
        {"Maven", "maven"},
        {"NuGet", "nuget"},
        {"Packagist", "composer"},
        {"Photon OS:5.0", "rpm"},
        {"Pub", "pub"},
        {"PyPI", "pep440"},
        {"Red Hat:enterprise_linux:9::baseos", "rpm"},
        {"Rocky Linux:9", "rpm"},
        {"RubyGems", "gem"},
        {"SUSE:Linux Enterprise Server 15 SP5", "rpm"},
        {"SwiftURL", "semver"},
        {"Ubuntu:22.04:LTS", "dpkg"},
        {"Ubuntu:Pro:18.04:LTS", "dpkg"},
        {"Wolfi", "apk"},
        {"crates.io", "cargo"},
        {"npm", "npm"},
        {"openSUSE:Tumbleweed", "rpm"},
        {"Arch Linux", "pacman"},
        {"Gentoo", "portage"},
        {"Mageia:9", "rpm"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_scheme(ecosystem_scheme(str_from(rows[i][0])), rows[i][1], rows[i][0]);
}

/* No guess: their orders are their own. */
static void test_ecosystem__what_is_not_known_has_none(void **state)
{
    (void)state;
    static const char *const names[] = {"",     ":",      ":12", "Android",   "FreeBSD", "OSS-Fuzz",
                                        "opam", "debian", "NPM", "Debian 12", "PyPI "};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        check_scheme(ecosystem_scheme(str_from(names[i])), NULL, names[i]);
        check_scheme(purl_type_scheme(str_from(names[i])), NULL, names[i]);
    }
    assert_null(ecosystem_find(STR("deb")));
    assert_null(ecosystem_find(STR_NONE));
}

static void test_ecosystem__types_of_purls_have_the_same(void **state)
{
    (void)state;
    size_t n;
    const struct ecosystem_row *rows = ecosystem_rows(&n);
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        check_scheme(purl_type_scheme(str_from(rows[i].type)), rows[i].scheme, rows[i].type);
        check_scheme(ecosystem_scheme(str_from(rows[i].ecosystem)), rows[i].scheme,
                     rows[i].ecosystem);
        assert_ptr_equal(ecosystem_find(str_from(rows[i].type)), &rows[i]);
    }
    static const char *const types[][2] = {
        {"alpm", "pacman"},     {"apk", "apk"},   {"deb", "dpkg"}, {"ebuild", "portage"},
        {"generic", "generic"}, {"opkg", "dpkg"}, {"rpm", "rpm"}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        check_scheme(purl_type_scheme(str_from(types[i][0])), types[i][1], types[i][0]);
}

/* A distribution's name of its ordering is one that there is. */
static void test_ecosystem__every_distribution_has_an_ordering(void **state)
{
    (void)state;
    size_t n;
    const struct distro_row *rows = distro_rows(&n);
    for (size_t i = 0; i < n; i++) {
        check_scheme(ecosystem_scheme(str_from(rows[i].ecosystem)), rows[i].scheme, rows[i].id);
        check_scheme(purl_type_scheme(str_from(rows[i].purl_type)), rows[i].scheme, rows[i].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ecosystem__names_of_osv_have_an_ordering),
        cmocka_unit_test(test_ecosystem__what_is_not_known_has_none),
        cmocka_unit_test(test_ecosystem__types_of_purls_have_the_same),
        cmocka_unit_test(test_ecosystem__every_distribution_has_an_ordering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
