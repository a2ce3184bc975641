/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <sys/resource.h>

#include "syntax/syntax.h"

static int set_up(void **state)
{
    static struct arena arena;
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 512 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    arena_fini(*state);
    return 0;
}

/* The digest of the engine changes with every detector: the golden file has zeros there. */
static str without_engine(struct arena *arena, str text)
{
    char hex[DIGEST_TEXT_SIZE];
    digest rules = report_engine_digest();
    str print = digest_print(&rules, hex);
    char *copy = arena_alloc(arena, text.len + 1);
    size_t at = str_find(text, print);
    assert_non_null(copy);
    assert_true(at < text.len);
    memcpy(copy, text.ptr, text.len);
    memset(copy + at + 7, '0', print.len - 7);
    return str_of(copy, text.len);
}

static void test_json__golden(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {0};
    str text = sample_write(*state, "json", &report, 1, &options);
    sample_golden(*state, "report/report.json", without_engine(*state, text));
}

static void test_json__sbom_judges_nothing(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.is_sbom = true};
    str text = sample_write(*state, "json", &report, 1, &options);
    sample_golden(*state, "report/sbom.json", without_engine(*state, text));
}

static void test_json__several_reports_are_one_document(void **state)
{
    const struct report *reports[] = {sample_healthy(*state), sample_failed(*state)};
    const struct report_options options = {0};
    struct err err = {0};
    json_t *root = NULL;
    assert_ok(json_read(sample_write(*state, "json", reports, 2, &options), &root, &err), err);
    assert_string_equal(json_string_value(json_object_get(root, "schema")), "plimsoll.reports/1");
    const json_t *all = json_object_get(root, "reports");
    assert_int_equal(json_array_size(all), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "status")),
                        "Failed");
    json_decref(root);
}

static void test_json__same_input_same_bytes(void **state)
{
    const struct report_options options = {0};
    const struct report *first = sample_unhealthy(*state), *second = sample_unhealthy(*state);
    str a = sample_write(*state, "json", &first, 1, &options);
    str b = sample_write(*state, "json", &second, 1, &options);
    assert_true(str_eq(a, b));
}

static void test_json__filter_leaves_a_notice(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {.filter = {.severities = 1U << SEVERITY_CRITICAL}};
    struct err err = {0};
    json_t *root = NULL;
    assert_ok(json_read(sample_write(*state, "json", &report, 1, &options), &root, &err), err);
    const json_t *said = json_object_get(root, "notices");
    const json_t *last = json_array_get(said, json_array_size(said) - 1);
    assert_non_null(strstr(json_string_value(json_object_get(last, "message")), "hidden: 58"));
    /* two critical, one of the kernel headers, one disabled: those are said to be so */
    assert_int_equal(json_array_size(json_object_get(root, "findings")), 4);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(root, "summary"), "medium")), 30);
    json_decref(root);
}

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* 100,000 findings, more than 100 MiB of text. */
static void test_json__memory_does_not_grow(void **state)
{
    if (PLIMSOLL_SANITIZED) /* what is freed stays for a while */
        skip();
    struct report *report = sample_unhealthy(*state);
    const struct report *reports[] = {report};
    const struct report_options options = {0};
    struct err err = {0};
    findings once = report->findings;
    while (report->findings.len < 100000) {
        struct finding *slot = vec_push(*state, &report->findings);
        assert_non_null(slot);
        *slot = once.ptr[report->findings.len % once.len];
    }
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    long before_kib = peak_kib();
    assert_ok(report_format_find(STR("json"))->write(fd, reports, 1, &options, &err), err);
    assert_true(peak_kib() - before_kib < 8 << 10);
    close(fd);
}

static void test_json__a_full_disk_is_an_error(void **state)
{
    const struct report *report = sample_unhealthy(*state);
    const struct report_options options = {0};
    struct err err = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    assert_false(report_format_find(STR("json"))->write(fd, &report, 1, &options, &err));
    assert_int_equal(err.kind, ERR_IO);
    close(fd);
}

/* --- the schema: a small reader of the keywords that it uses
 * ---------------------------------------- */
static const json_t *resolve(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref)
        return schema;
    assert_memory_equal(ref, "#/$defs/", 8);
    const json_t *found = json_object_get(json_object_get(root, "$defs"), ref + 8);
    if (!found)
        fail_msg("%s: not in the schema", ref);
    return found;
}

static bool is_type(const json_t *value, const char *type)
{
    const struct {
        const char *name;
        bool is_it;
    } types[] = {
        {"object", json_is_object(value)}, {"array", json_is_array(value)},
        {"string", json_is_string(value)}, {"integer", json_is_integer(value)},
        {"number", json_is_number(value)}, {"boolean", json_is_boolean(value)},
        {"null", json_is_null(value)},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].is_it;
    return false;
}

static void check_type(const json_t *schema, const json_t *value, const char *where)
{
    const json_t *type = json_object_get(schema, "type"), *one;
    bool fits = !type || (json_is_string(type) && is_type(value, json_string_value(type)));
    size_t i;
    json_array_foreach(type, i, one) fits |= is_type(value, json_string_value(one));
    if (!fits)
        fail_msg("%s: wrong type", where);
}

static void check_values(const json_t *schema, const json_t *value, const char *where)
{
    const json_t *allowed = json_object_get(schema, "enum"), *one;
    const json_t *constant = json_object_get(schema, "const");
    bool fits = !allowed;
    size_t i;
    json_array_foreach(allowed, i, one) fits |= json_equal(one, value);
    if (!fits || (constant && !json_equal(constant, value)))
        fail_msg("%s: not an allowed value", where);
}

/* Keys in the schema's order, all required ones there, none unknown. */
static void check(const json_t *root, const json_t *schema, const json_t *value, const char *where,
                  unsigned depth)
{
    char below[256];
    const char *key;
    json_t *child;
    size_t i;
    assert_true(depth < 16);
    schema = resolve(root, schema);
    check_type(schema, value, where);
    check_values(schema, value, where);
    json_array_foreach(value, i, child)
    {
        snprintf(below, sizeof(below), "%s[%zu]", where, i);
        check(root, json_object_get(schema, "items"), child, below, depth + 1);
    }
    json_t *properties = json_object_get(schema, "properties");
    if (!json_is_object(value) || !properties)
        return;
    void *in_order = json_object_iter(properties);
    const json_t *required = json_object_get(schema, "required");
    json_array_foreach(required, i, child) if (!json_object_get(value, json_string_value(child)))
        fail_msg("%s: %s is missing", where, json_string_value(child));
    json_object_foreach((json_t *)(uintptr_t)value, key, child)
    {
        snprintf(below, sizeof(below), "%s.%s", where, key);
        if (!in_order || strcmp(json_object_iter_key(in_order), key) != 0)
            fail_msg("%s: not here in the schema's order", below);
        check(root, json_object_get(properties, key), child, below, depth + 1);
        in_order = json_object_iter_next(properties, in_order);
    }
}

static json_t *load_schema(struct arena *arena)
{
    json_t *schema = NULL;
    struct err err = {0};
    assert_ok(json_read(test_data(arena, "../../docs/report.schema.json"), &schema, &err), err);
    return schema;
}

static void test_json__follows_its_schema(void **state)
{
    const struct report *reports[] = {sample_unhealthy(*state), sample_healthy(*state),
                                      sample_failed(*state)};
    const struct report_options options[] = {{0}, {.is_sbom = true}};
    json_t *schema = load_schema(*state);
    for (size_t i = 0; i < ARRAY_LEN(reports) * ARRAY_LEN(options); i++) {
        json_t *value = NULL;
        struct err err = {0};
        str text = sample_write(*state, "json", &reports[i / 2], 1, &options[i % 2]);
        assert_ok(json_read(text, &value, &err), err);
        check(schema, schema, value, "report", 0);
        json_decref(value);
    }
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json__golden, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__sbom_judges_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__several_reports_are_one_document, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_json__same_input_same_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__filter_leaves_a_notice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__memory_does_not_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__a_full_disk_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json__follows_its_schema, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
