/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

#define LIST REG SEC "subAssessments" V

/* --- the protocol
 * --------------------------------------------------------------------------------- */

static void test_arm__headers_are_on_every_answer(void **state)
{
    (void)state;
    static const char *const names[] = {
        "x-ms-request-id", "x-ms-correlation-request-id", "x-ms-client-request-id", "Cache-Control",
        "Pragma",          "Strict-Transport-Security",   "X-Content-Type-Options", "Expires"};
    static const char *const targets[] = {LIST, "/nothing", REG SEC "assessments"};
    struct scene *s = scene_open();
    for (size_t t = 0; t < 3; t++) {
        scene_get(s, targets[t]);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (http_header_get(&s->answer.headers, str_from(names[i])).len == 0)
                fail_msg("%s lacks %s", targets[t], names[i]);
        assert_str(http_header_get(&s->answer.headers, STR("x-ms-client-request-id")), "client-1");
        assert_str(http_header_get(&s->answer.headers, STR("Content-Type")),
                   "application/json; charset=utf-8");
    }
    scene_close(s);
}

static void test_arm__a_token_is_asked_before_anything_else(void **state)
{
    (void)state;
    static const struct {
        const char *target, *authorization, *code;
    } rows[] = {
        {LIST, NULL, "AuthenticationFailed"},
        {LIST, "Basic abc", "AuthenticationFailed"},
        {LIST, "Bearer", "AuthenticationFailed"},
        {LIST, "Bearer plim_wrong", "InvalidAuthenticationToken"},
        {"/subscriptions/none", NULL, "AuthenticationFailed"},
        {"/nothing", NULL, "AuthenticationFailed"},
        {"/plimsoll/v1/jobs", "Bearer x", "InvalidAuthenticationToken"},
    };
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = scene_call(s, "GET", rows[i].target, STR_NONE, rows[i].authorization, "");
        assert_error(s, status, 401, rows[i].code);
        str challenge = http_header_get(&s->answer.headers, STR("WWW-Authenticate"));
        assert_true(str_starts(challenge, STR("Bearer authorization_uri=\"http://127.0.0.1:")));
        assert_true(str_has(challenge, STR("error=\"invalid_token\"")));
        assert_false(str_has(challenge, STR("claims")));
    }
    scene_close(s);
}

static void test_arm__errors_have_their_codes(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        int status;
        const char *code;
    } rows[] = {
        {REG SEC "subAssessments", 400, "MissingApiVersionParameter"},
        {REG SEC "subAssessments?api-version=", 400, "MissingApiVersionParameter"},
        {REG SEC "subAssessments?api-version=2021", 400, "InvalidApiVersionParameter"},
        {REG SEC "subAssessments?api-version=2021-06-01-beta", 400, "InvalidApiVersionParameter"},
        {REG SEC "subAssessments?api-version=2021/06/01", 400, "InvalidApiVersionParameter"},
        {"/subscriptions/abc" SEC "subAssessments" V, 400, "InvalidSubscriptionId"},
        {"/subscriptions/99999999-2222-3333-4444-555555555555" SEC "subAssessments" V, 404,
         "SubscriptionNotFound"},
        {"/subscriptions/" SUB "/resourceGroups/no" SEC "subAssessments" V, 404,
         "ResourceGroupNotFound"},
        {REG "x" SEC "assessments" V, 404, "ResourceNotFound"},
        {"/subscriptions/" SUB "/resourceGroups/MyGroup/providers/Microsoft.Web/sites/x" SEC
         "assessments" V,
         404, "ResourceNotFound"},
        {REG SEC "assessments/41503391-efa5-47ee-9282-4eff6131462c" V, 404, "NotFound"},
        {REG SEC "assessments/" KEY "/subAssessments/nothing" V, 404, "NotFound"},
        {"/subscriptions/" SUB SEC "assessments/" KEY V, 404, "NotFound"},
        {"/nothing", 404, "NotFound"},
        {LIST "&$top=0", 400, "InvalidParameter"},
        {LIST "&$top=-1", 400, "InvalidParameter"},
        {LIST "&$top=x", 400, "InvalidParameter"},
        {LIST "&$skipToken=!", 400, "InvalidSkipToken"},
        {LIST "&$skipToken=AAAA", 400, "InvalidSkipToken"},
        {LIST "&$skipToken=YWJjZGVm", 400, "InvalidSkipToken"},
    };
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = scene_get(s, rows[i].target);
        if (status != rows[i].status)
            print_message("%s\n", rows[i].target);
        assert_error(s, status, rows[i].status, rows[i].code);
    }
    assert_error(s, scene_post(s, LIST, ""), 405, "HttpMethodNotAllowed");
    scene_close(s);
}

static void test_arm__any_date_is_an_api_version(void **state)
{
    (void)state;
    static const char *const versions[] = {"2019-01-01-preview", "2020-01-01", "2099-12-31",
                                           "2018-09-01-privatepreview", "2019-01-01-PREVIEW"};
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char target[256];
        snprintf(target, sizeof(target), REG SEC "subAssessments?API-Version=%s", versions[i]);
        assert_int_equal(scene_get(s, target), 200);
    }
    scene_close(s);
}

static void test_arm__a_refused_body_is_json_too(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    static char body[(1 << 20) + 1];
    memset(body, ' ', sizeof(body) - 1);
    body[sizeof(body) - 1] = ' ';
    int status = scene_call(s, "POST", "/plimsoll/v1/registries/main/scan",
                            str_of(body, sizeof(body)), "Bearer x", "application/json");
    assert_error(s, status, 413, "RequestEntityTooLarge");
    scene_close(s);
}

/* --- findings
 * ------------------------------------------------------------------------------------- */

static void test_findings__have_the_shape_of_the_contract(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    assert_int_equal(scene_get(s, LIST), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_null(scene_at(s, "nextLink"));
    static const char *const rows[][2] = {
        {"type", "Microsoft.Security/assessments/subAssessments"},
        {"id", REG SEC "assessments/" KEY "/subAssessments/00000001-0000-8000-8000-000000000001"},
        {"name", "00000001-0000-8000-8000-000000000001"},
        {"properties.id", "CVE-2020-1"},
        {"properties.displayName", "A title"},
        {"properties.category", "Debian"},
        {"properties.description", "A long text \"about\" it."},
        {"properties.remediation",
         "Upgrade openssl to 3.0.11-2.\napt-get install openssl=3.0.11-2"},
        {"properties.timeGenerated", "2023-11-14T22:14:20Z"},
        {"properties.status.code", "Unhealthy"},
        {"properties.status.severity", "High"},
        {"properties.status.cause", ""},
        {"properties.resourceDetails.source", "Azure"},
        {"properties.additionalData.assessedResourceType", "ContainerRegistryVulnerability"},
        {"properties.additionalData.type", "Vulnerability"},
        {"properties.additionalData.cve.0.title", "CVE-2020-1"},
        {"properties.additionalData.publishedTime", "2020-02-03T00:00:00Z"},
        {"properties.additionalData.vendorReferences.0.title", "dsa-4963"},
        {"properties.additionalData.repositoryName", "team/app"},
        {"properties.additionalData.plimsoll.severity", "critical"},
        {"properties.additionalData.plimsoll.tags.0", "v1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "value.0.%s", rows[i][0]);
        if (!json_is_string(scene_at(s, path)))
            fail_msg("%s is no string", path);
        assert_str(scene_str(s, path), rows[i][1]);
    }
    assert_true(json_is_string(scene_at(s, "value.0.properties.impact")));
    assert_true(json_is_true(scene_at(s, "value.0.properties.additionalData.patchable")));
    assert_true(str_starts(scene_str(s, "value.0.properties.resourceDetails.id"), STR(REG "/")));
    assert_true(
        str_eq(scene_str(s, "value.0.properties.additionalData.imageDigest"), digest_n(s, 1)));
    scene_close(s);
}

static void test_findings__scores_are_numbers_under_their_keys(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 1, NULL);
    assert_int_equal(scene_get(s, LIST), 200);
    const json_t *cvss = scene_at(s, "value.0.properties.additionalData.cvss");
    const json_t *base = json_object_get(json_object_get(cvss, "3.0"), "base");
    assert_true(json_is_number(base));
    assert_true(json_number_value(base) > 9.7 && json_number_value(base) < 9.9);
    assert_null(json_object_get(cvss, "2.0"));
    scene_close(s);
}

static void test_findings__unknown_severity_reads_medium_and_says_so(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    assert_int_equal(scene_get(s, LIST), 200);
    assert_str(scene_str(s, "value.1.properties.id"), "CVE-2020-2");
    assert_str(scene_str(s, "value.1.properties.status.severity"), "Medium");
    assert_true(str_has(scene_str(s, "value.1.properties.description"), STR("severity not rated")));
    assert_false(
        str_has(scene_str(s, "value.0.properties.description"), STR("severity not rated")));
    scene_close(s);
}

static void test_findings__one_by_name_in_any_case(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 171, "v1", 1, NULL);
    assert_int_equal(scene_get(s, REG SEC "assessments/" KEY "/subAssessments/"
                                          "00000001-0000-8000-8000-0000000000AB" V),
                     200);
    assert_str(scene_str(s, "name"), "00000001-0000-8000-8000-0000000000ab");
    assert_int_equal(scene_get(s, "//SUBSCRIPTIONS/" SUB "/resourcegroups/mygroup/providers/"
                                  "microsoft.containerregistry/registries/MAIN/providers/"
                                  "microsoft.security/Assessments/DBD0CB49-b563-45e7-9724-"
                                  "889e799fa648/subassessments/"
                                  "00000001-0000-8000-8000-0000000000ab/" V),
                     200);
    assert_true(str_starts(scene_str(s, "id"), STR(REG "/")));
    assert_error(s,
                 scene_get(s, "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/"
                              "Microsoft.ContainerRegistry/registries/other" SEC "assessments/" KEY
                              "/subAssessments/00000001-0000-8000-8000-0000000000ab" V),
                 404, "NotFound");
    scene_close(s);
}

static void test_findings__lie_below_their_scopes(void **state)
{
    (void)state;
    static const char *const with[] = {
        "/subscriptions/" SUB SEC "subAssessments" V,
        "/subscriptions/" SUB SEC "assessments/" KEY "/subAssessments" V,
        "/subscriptions/" SUB "/resourceGroups/MYGROUP" SEC "subAssessments" V,
        LIST,
        "/" LIST,
        REG SEC "assessments/" KEY "/subAssessments" V,
    };
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 3, NULL);
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
        assert_int_equal(scene_get(s, with[i]), 200);
        assert_int_equal(json_array_size(scene_at(s, "value")), 3);
    }
    assert_int_equal(scene_get(s, "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/"
                                  "Microsoft.ContainerRegistry/registries/other" SEC
                                  "subAssessments" V),
                     200);
    assert_true(json_is_array(scene_at(s, "value")));
    assert_int_equal(json_array_size(scene_at(s, "value")), 0);
    scene_close(s);
}

static void test_findings__pages_give_each_once(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 7, NULL);
    add_image(s, 2, "v2", 4, NULL);
    bool has_seen[12][3] = {{false}};
    unsigned n_pages = 0, n_items = 0;
    str url = STR("/" LIST "&%24top=3&$filter=");
    while (url.len) {
        assert_int_equal(scene_get(s, arena_cstr(&s->arena, url)), 200);
        const json_t *value = scene_at(s, "value"), *item;
        size_t i;
        json_array_foreach(value, i, item)
        {
            unsigned finding, image;
            assert_int_equal(
                sscanf(json_str(item, "name").ptr, "%x-0000-8000-8000-%x", &finding, &image), 2);
            assert_false(has_seen[finding][image]);
            has_seen[finding][image] = true;
            n_items++;
        }
        n_pages++;
        url = arena_dup(&s->arena, scene_str(s, "nextLink"));
        if (url.len == 0)
            break;
        assert_int_equal(json_array_size(value), 3);
        assert_true(str_starts(url, s->answer.final_url.ptr ? STR("http://127.0.0.1:") : STR("")));
        assert_true(str_has(url, STR("api-version=2021-06-01&")));
        assert_true(str_has(url, STR("$skipToken=")));
        assert_false(str_ends(url, STR("=")));
        assert_false(str_has(str_skip(url, 8), STR("//")));
    }
    assert_int_equal(n_items, 11);
    assert_int_equal(n_pages, 4);
    scene_close(s);
}

static void test_findings__the_later_key_has_the_later_shape(void **state)
{
    (void)state;
    struct scene *s = scene_open_key("c0b7cfc6-3172-465a-b378-53c7ff2cc0d5");
    add_image(s, 1, "v1", 2, NULL);
    assert_int_equal(scene_get(s, LIST), 200);
    static const char *const rows[][2] = {
        {"displayName", "CVE-2020-1"},
        {"status.severity", "Critical"},
        {"additionalData.assessedResourceType", "AzureContainerRegistryVulnerability"},
        {"additionalData.vulnerabilityDetails.cveId", "CVE-2020-1"},
        {"additionalData.vulnerabilityDetails.severity", "Critical"},
        {"additionalData.artifactDetails.repositoryName", "team/app"},
        {"additionalData.artifactDetails.tags.0", "v1"},
        {"additionalData.softwareDetails.packageName", "openssl"},
        {"additionalData.softwareDetails.fixedVersion", "3.0.11-2"},
        {"additionalData.softwareDetails.fixStatus", "FixAvailable"},
        {"additionalData.softwareDetails.osDetails.osVersion", "debian_linux_12"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "value.0.properties.%s", rows[i][0]);
        assert_str(scene_str(s, path), rows[i][1]);
    }
    assert_str(scene_str(s, "value.1.properties.status.severity"), "Unknown");
    assert_error(s, scene_get(s, REG SEC "assessments/" KEY V), 404, "NotFound");
    scene_close(s);
}

/* --- recommendations
 * ------------------------------------------------------------------------------ */

static void test_assessment__follows_the_images(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const char *one = REG SEC "assessments/" KEY V;
    assert_int_equal(scene_get(s, one), 200);
    assert_str(scene_str(s, "properties.status.code"), "NotApplicable");
    assert_null(scene_at(s, "properties.status.firstEvaluationDate"));
    add_image(s, 1, "v1", 0, NULL);
    assert_int_equal(scene_get(s, one), 200);
    assert_str(scene_str(s, "properties.status.code"), "Healthy");
    add_image(s, 2, "v2", 2, NULL);
    assert_int_equal(scene_get(s, one), 200);
    assert_str(scene_str(s, "properties.status.code"), "Unhealthy");
    assert_str(scene_str(s, "type"), "Microsoft.Security/assessments");
    assert_str(scene_str(s, "id"), REG SEC "assessments/" KEY);
    assert_str(scene_str(s, "name"), KEY);
    assert_str(scene_str(s, "properties.resourceDetails.source"), "Azure");
    assert_str(scene_str(s, "properties.resourceDetails.id"), REG);
    assert_str(scene_str(s, "properties.displayName"),
               "Container registry images should have vulnerability findings resolved");
    assert_str(scene_str(s, "properties.additionalData.subAssessmentsLink"),
               REG SEC "assessments/" KEY "/subAssessments");
    assert_true(scene_str(s, "properties.status.firstEvaluationDate").len > 0);
    assert_true(scene_str(s, "properties.status.statusChangeDate").len > 0);
    scene_close(s);
}

static void test_assessment__an_image_that_only_failed_is_not_healthy(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 0, "layer 0: digest mismatch");
    assert_int_equal(scene_get(s, REG SEC "assessments/" KEY V), 200);
    assert_str(scene_str(s, "properties.status.code"), "NotApplicable");
    scene_close(s);
}

static void test_assessment__expands_what_is_asked(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        bool metadata, links;
    } rows[] = {
        {"", false, false},
        {"&$expand=", false, false},
        {"&$expand=metadata", true, false},
        {"&%24Expand=links", false, true},
        {"&$expand=metadata,links", true, true},
        {"&$expand=links%2CMetadata", true, true},
    };
    struct scene *s = scene_open();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char target[512];
        snprintf(target, sizeof(target), REG SEC "assessments/" KEY V "%s", rows[i].query);
        assert_int_equal(scene_get(s, target), 200);
        assert_true((scene_at(s, "properties.metadata") != NULL) == rows[i].metadata);
        assert_true((scene_at(s, "properties.links") != NULL) == rows[i].links);
    }
    assert_str(scene_str(s, "properties.metadata.severity"), "High");
    scene_close(s);
}

static void test_assessments__list_every_registry_below(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 1, NULL);
    assert_int_equal(scene_get(s, "/subscriptions/" SUB SEC "assessments" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 2);
    assert_int_equal(scene_get(s, REG SEC "assessments" V), 200);
    assert_int_equal(json_array_size(scene_at(s, "value")), 1);
    assert_str(scene_str(s, "value.0.properties.status.code"), "Unhealthy");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arm__headers_are_on_every_answer),
        cmocka_unit_test(test_arm__a_token_is_asked_before_anything_else),
        cmocka_unit_test(test_arm__errors_have_their_codes),
        cmocka_unit_test(test_arm__any_date_is_an_api_version),
        cmocka_unit_test(test_arm__a_refused_body_is_json_too),
        cmocka_unit_test(test_findings__have_the_shape_of_the_contract),
        cmocka_unit_test(test_findings__scores_are_numbers_under_their_keys),
        cmocka_unit_test(test_findings__unknown_severity_reads_medium_and_says_so),
        cmocka_unit_test(test_findings__one_by_name_in_any_case),
        cmocka_unit_test(test_findings__lie_below_their_scopes),
        cmocka_unit_test(test_findings__pages_give_each_once),
        cmocka_unit_test(test_findings__the_later_key_has_the_later_shape),
        cmocka_unit_test(test_assessment__follows_the_images),
        cmocka_unit_test(test_assessment__an_image_that_only_failed_is_not_healthy),
        cmocka_unit_test(test_assessment__expands_what_is_asked),
        cmocka_unit_test(test_assessments__list_every_registry_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
