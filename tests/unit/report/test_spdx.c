/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

static void test_spdx__golden(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    sample_golden_json(*state, "report/spdx.json", "spdx", &report, 1, &options);
}

static void test_spdx__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_full(*state), *second = sample_full(*state);
    str a = sample_write(*state, "spdx", &first, 1, &options);
    str b = sample_write(*state, "spdx", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_spdx__describes_every_platform(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    json_t *root = sample_json(*state, "spdx", reports, 2, &options);
    const json_t *all = sample_at(root, "relationships"), *one;
    size_t i, n = 0;
    json_array_foreach(all, i, one) n +=
        strcmp(sample_text_at(one, "relationshipType"), "DESCRIBES") == 0;
    assert_int_equal(n, 2);
    assert_int_equal(json_array_size(sample_at(root, "packages")), 10);
    json_decref(root);
}

static void licences(struct arena *arena, struct report *report, size_t package,
                     const char *const *names)
{
    report->packages.ptr[package].licenses = (strs){0};
    sample_list(arena, &report->packages.ptr[package].licenses, names);
}

static void test_spdx__licences_are_expressions_or_references(void **state)
{
    static const char odd[] = "GPL v2 or later, \"as is\"\n";
    struct report *report = sample_healthy(*state);
    licences(*state, report, 0, SAMPLE_LIST("mit OR apache-2.0"));
    licences(*state, report, 1, SAMPLE_LIST(odd));
    licences(*state, report, 2, SAMPLE_LIST("MIT", "Zlib"));
    const struct report_options options = {.is_sbom = true};
    const struct report *const reports[] = {report};
    json_t *root = sample_json(*state, "spdx", reports, 1, &options);
    assert_string_equal(sample_text_at(root, "packages.1.licenseDeclared"), "MIT OR Apache-2.0");
    const char *ref = sample_text_at(root, "packages.2.licenseDeclared");
    assert_memory_equal(ref, "LicenseRef-GPL-v2-or-later---as-is---", 37);
    assert_string_equal(sample_text_at(root, "packages.3.licenseDeclared"), "NOASSERTION");
    assert_string_equal(sample_text_at(root, "packages.3.licenseComments"),
                        "all or any of: MIT, Zlib");
    assert_string_equal(sample_text_at(root, "packages.4.licenseDeclared"), "NOASSERTION");
    assert_string_equal(sample_text_at(root, "hasExtractedLicensingInfos.0.licenseId"), ref);
    assert_string_equal(sample_text_at(root, "hasExtractedLicensingInfos.0.extractedText"), odd);
    json_decref(root);
}

/* A finding about a package that the inventory does not name stands at the image: none is lost. */
static void test_spdx__no_finding_is_lost(void **state)
{
    const struct report *report = sample_full(*state);
    const struct report_options options = {0};
    str text = sample_write(*state, "spdx", &report, 1, &options), rest = text, head;
    size_t n = 0;
    while (str_cut(rest, STR("\"SECURITY\""), &head, &rest))
        n++;
    assert_true(n >= report->findings.len);
}

static void test_spdx__a_finding_stands_at_its_packages(void **state)
{
    struct report *report = sample_healthy(*state);
    struct finding *f =
        sample_finding(*state, report, "CVE-1", SEVERITY_LOW, "openssl", "3.0.11-1", "");
    sample_list(*state, &f->binaries, SAMPLE_LIST("libssl0", "libssl2"));
    const struct report_options options = {0};
    const struct report *const reports[] = {report};
    json_t *root = sample_json(*state, "spdx", reports, 1, &options);
    assert_int_equal(json_array_size(sample_at(root, "packages.0.externalRefs")), 1);
    assert_int_equal(json_array_size(sample_at(root, "packages.1.externalRefs")), 2);
    assert_int_equal(json_array_size(sample_at(root, "packages.2.externalRefs")), 1);
    assert_string_equal(sample_text_at(root, "packages.3.externalRefs.1.referenceLocator"),
                        "https://www.cve.org/CVERecord?id=CVE-1");
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SAMPLE_TEST(test_spdx__golden),
        SAMPLE_TEST(test_spdx__same_input_same_bytes),
        SAMPLE_TEST(test_spdx__describes_every_platform),
        SAMPLE_TEST(test_spdx__licences_are_expressions_or_references),
        SAMPLE_TEST(test_spdx__no_finding_is_lost),
        SAMPLE_TEST(test_spdx__a_finding_stands_at_its_packages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
