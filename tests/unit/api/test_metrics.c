/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus, read by its grammar: comments and samples, in the table's order.
 */
#include "support.h"

#include <stdlib.h>

#include "scene.h"

static bool is_name_char(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

static str take_name(str *line)
{
    size_t n = 0;
    while (n < line->len && is_name_char(line->ptr[n], n == 0))
        n++;
    str name = str_slice(*line, 0, n);
    *line = str_skip(*line, n);
    return name;
}

/* name="value", with \\, \" and \n in it; gives what is behind. */
static void skip_label(str *line)
{
    assert_true(take_name(line).len > 0);
    assert_true(str_starts(*line, STR("=\"")));
    size_t i = 2;
    for (; i < line->len && line->ptr[i] != '"'; i++) {
        if (line->ptr[i] != '\\')
            continue;
        i++;
        assert_true(i < line->len && strchr("\\\"n", line->ptr[i]));
    }
    assert_true(i < line->len);
    *line = str_skip(*line, i + 1);
}

struct sample {
    str name;
    double value;
};

static struct sample read_sample(str line)
{
    struct sample out = {.name = take_name(&line)};
    char *end, number[64];
    if (str_starts(line, STR("{"))) {
        line = str_skip(line, 1);
        skip_label(&line);
        assert_true(str_starts(line, STR("}")));
        line = str_skip(line, 1);
    }
    assert_true(out.name.len && str_starts(line, STR(" ")));
    snprintf(number, sizeof(number), STR_FMT, STR_ARG(str_skip(line, 1)));
    out.value = strtod(number, &end);
    assert_int_equal(*end, 0);
    return out;
}

static bool is_of(str name, const struct api_metric *metric)
{
    static const char *const suffixes[] = {"", "_bucket", "_sum", "_count"};
    bool is_histogram = str_eq(str_from(metric->type), STR("histogram"));
    str base = str_from(metric->name);
    for (size_t i = 0; i < (is_histogram ? 4u : 1u); i++)
        if (str_starts(name, base) && str_eq(str_skip(name, base.len), str_from(suffixes[i])))
            return true;
    return false;
}

static str fetch(struct scene *s)
{
    assert_int_equal(scene_get(s, "/metrics"), 200);
    assert_true(str_starts(http_header_get(&s->answer.headers, STR("Content-Type")),
                           STR("text/plain; version=0.0.4")));
    return s->answer.body;
}

static void test_metrics__are_well_formed(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    str rest = fetch(s), line, head;
    size_t at = 0;
    const struct api_metric *metric = NULL;
    while (rest.len && str_cut_byte(rest, '\n', &line, &rest)) {
        if (str_starts(line, STR("# HELP "))) {
            metric = api_metric_at(at++);
            assert_non_null(metric);
            head = arena_printf(&s->arena, "# HELP %s %s", metric->name, metric->help);
            assert_true(str_eq(line, head));
            str_cut_byte(rest, '\n', &line, &rest);
            assert_true(
                str_eq(line, arena_printf(&s->arena, "# TYPE %s %s", metric->name, metric->type)));
            assert_true(str_starts(str_from(metric->name), STR("plimsoll_")));
            continue;
        }
        assert_non_null(metric);
        assert_true(is_of(read_sample(line).name, metric));
    }
    assert_null(api_metric_at(at));
    scene_close(s);
}

static double value_of(str body, const char *sample)
{
    str rest = body, line;
    while (rest.len && str_cut_byte(rest, '\n', &line, &rest))
        if (str_starts(line, str_from(sample)) && line.ptr[str_from(sample).len] == ' ')
            return read_sample(line).value;
    fail_msg("no sample %s", sample);
    return -1;
}

static void test_metrics__count_what_there_is(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    add_image(s, 1, "v1", 2, NULL);
    add_image(s, 2, "v2", 0, NULL);
    add_image(s, 3, "v3", 0, "layer 3: digest mismatch");
    add_push(s, 4, "v4");
    str body = fetch(s);
    assert_true(value_of(body, "plimsoll_images{state=\"unhealthy\"}") == 1);
    assert_true(value_of(body, "plimsoll_images{state=\"healthy\"}") == 1);
    assert_true(value_of(body, "plimsoll_images{state=\"failed\"}") == 1);
    assert_true(value_of(body, "plimsoll_images{state=\"pending\"}") == 1);
    assert_true(value_of(body, "plimsoll_queue_depth{state=\"queued\"}") == 1);
    assert_true(value_of(body, "plimsoll_queue_depth{state=\"failed\"}") == 1);
    assert_true(value_of(body, "plimsoll_scanning") == 0);
    assert_true(value_of(body, "plimsoll_scan_duration_seconds_bucket{le=\"+Inf\"}") ==
                value_of(body, "plimsoll_scan_duration_seconds_count"));
    scene_close(s);
}

static void test_metrics__want_a_token(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_error(s, scene_call(s, "GET", "/metrics", STR_NONE, NULL, ""), 401,
                 "AuthenticationFailed");
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metrics__are_well_formed),
        cmocka_unit_test(test_metrics__count_what_there_is),
        cmocka_unit_test(test_metrics__want_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
