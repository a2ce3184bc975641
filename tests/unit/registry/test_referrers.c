/* SPDX-License-Identifier: Apache-2.0 */
/* Against a protocol fake: what is asked, and what follows from its answers. */
#include "support.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/sb.h"
#include "registry/registry.h"

#include "../rows.h"
#include "fake.h"

struct scene {
    struct arena arena;
    struct err err;
    struct fake *registry;
    struct image_source *source;
    digest subject;
    char path[160]; /* of its referrers */
    char tag[REFERRERS_TAG_SIZE];
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct registry_config config = {.is_plain_http = true, .timeout_s = 10};
    struct reference ref = {
        .kind = SOURCE_REGISTRY, .repository = STR("team/app"), .tag = STR("v1")};
    char text[DIGEST_TEXT_SIZE];
    arena_init(&s->arena, 32 << 20);
    s->registry = fake_open();
    ref.host = arena_printf(&s->arena, "127.0.0.1:%u", s->registry->port);
    setenv("DOCKER_CONFIG", "/no/such/folder", 1);
    s->subject = digest_of(HASH_SHA256, STR("an image"));
    referrers_tag(&s->subject, s->tag);
    snprintf(s->path, sizeof(s->path), "/v2/team/app/referrers/%s",
             digest_print(&s->subject, text).ptr);
    assert_ok(registry_open(&ref, &config, &s->source, &s->err), s->err);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    image_source_close(s->source);
    fake_close(s->registry);
    arena_fini(&s->arena);
    free(s);
    return 0;
}

static void say(struct scene *s, const char *status, const char *headers, str body)
{
    struct fake *fake = s->registry;
    assert_true(fake->n_replies < FAKE_MAX);
    fake->replies[fake->n_replies++] = arena_printf(
        &s->arena, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n" STR_FMT,
        status, body.len, headers, STR_ARG(body));
}

/* An index of the types given, each of another digest. */
static str index_of(struct scene *s, const char *const *types)
{
    str list = STR("");
    char text[DIGEST_TEXT_SIZE];
    for (size_t i = 0; types[i]; i++) {
        digest d = digest_of(HASH_SHA256, str_from(types[i]));
        list =
            arena_printf(&s->arena,
                         STR_FMT "%s{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                                 "\"digest\":\"%s\",\"size\":3,\"artifactType\":\"%s\"}",
                         STR_ARG(list), i ? "," : "", digest_print(&d, text).ptr, types[i]);
    }
    return arena_printf(&s->arena, "{\"schemaVersion\":2,\"manifests\":[" STR_FMT "]}",
                        STR_ARG(list));
}
#define INDEX(s, ...) index_of((s), (const char *const[]){__VA_ARGS__, NULL})

static bool list(struct scene *s, const char *type, descriptors *out)
{
    *out = (descriptors){0};
    s->err = (struct err){0};
    return s->source->ops->referrers(s->source, &s->arena, &s->subject, str_from(type), out,
                                     &s->err);
}

static void expect_request(const struct scene *s, size_t i, const char *path)
{
    char line[512];
    snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", path);
    if (strncmp(s->registry->heads[i], line, strlen(line)) != 0)
        fail_msg("request %zu is not %s:\n%s", i, line, s->registry->heads[i]);
}

static void test_referrers__are_listed_in_pages(void **state)
{
    struct scene *s = *state;
    descriptors found;
    char link[300], next[200];
    snprintf(next, sizeof(next), "%s?last=x&n=1", s->path);
    snprintf(link, sizeof(link), "Link: <%s>; rel=\"next\"\r\n", next);
    say(s, "200 OK", link, INDEX(s, "a/vex"));
    say(s, "200 OK", "", INDEX(s, "a/sbom", "a/vex2"));
    assert_ok(list(s, "", &found), s->err);
    assert_int_equal(found.len, 3);
    assert_str(found.ptr[2].artifact_type, "a/vex2");
    expect_request(s, 0, s->path);
    expect_request(s, 1, next);
}

static void test_referrers__a_filter_that_was_not_applied_is_ours(void **state)
{
    struct scene *s = *state;
    descriptors found;
    char path[300];
    say(s, "200 OK", "", INDEX(s, "a/vex+json", "a/sbom"));
    say(s, "200 OK", "OCI-Filters-Applied: artifactType\r\n", INDEX(s, "a/other"));
    assert_ok(list(s, "a/vex+json", &found), s->err);
    assert_int_equal(found.len, 1);
    assert_str(found.ptr[0].artifact_type, "a/vex+json");
    snprintf(path, sizeof(path), "%s?artifactType=a%%2Fvex%%2Bjson", s->path);
    expect_request(s, 0, path);
    assert_ok(list(s, "a/vex+json", &found), s->err); /* the registry answers for its filter */
    assert_int_equal(found.len, 1);
}

static void test_referrers__without_the_api_lie_under_a_tag(void **state)
{
    struct scene *s = *state;
    descriptors found;
    char path[300];
    say(s, "404 Not Found", "", STR("{}"));
    say(s, "200 OK", "", INDEX(s, "a/vex", "a/sbom"));
    assert_ok(list(s, "a/vex", &found), s->err);
    assert_int_equal(found.len, 1);
    snprintf(path, sizeof(path), "/v2/team/app/manifests/%s", s->tag);
    expect_request(s, 1, path);
}

static void test_referrers__none_is_an_answer(void **state)
{
    struct scene *s = *state;
    descriptors found;
    say(s, "404 Not Found", "", STR("{}"));
    say(s, "404 Not Found", "", STR("{}"));
    assert_ok(list(s, "", &found), s->err);
    assert_int_equal(found.len, 0);
    assert_int_equal(s->err.kind, ERR_NONE);
}

static void expect_failure(struct scene *s, enum err_kind kind, const char *words)
{
    descriptors found;
    assert_false(list(s, "", &found));
    if (s->err.kind != kind || !strstr(s->err.msg, words))
        fail_msg("%s: %s", err_row(s->err.kind)->name, s->err.msg);
}

static void test_referrers__other_answers_are_errors(void **state)
{
    struct scene *s = *state;
    char link[300];
    say(s, "403 Forbidden", "", STR("{}"));
    expect_failure(s, ERR_DENIED, "referrers of");
    say(s, "200 OK", "", STR("<html>"));
    expect_failure(s, ERR_FORMAT, "referrers of team/app");
    say(s, "200 OK", "", STR("{\"config\":{},\"layers\":[]}"));
    expect_failure(s, ERR_FORMAT, "referrers of team/app");
    snprintf(link, sizeof(link), "Link: <%s?again>; rel=\"next\"\r\n", s->path);
    say(s, "200 OK", link, STR("{\"manifests\":[]}"));
    expect_failure(s, ERR_FORMAT, "a page without referrers");
    say(s, "404 Not Found", "", STR("{}"));
    say(s, "200 OK", "", STR("{}"));
    expect_failure(s, ERR_FORMAT, s->tag);
}

static void test_referrers__have_a_limit(void **state)
{
    struct scene *s = *state;
    struct limits limits = limits_default();
    char link[300];
    limits.of[LIMIT_ID_REFERRERS] = 2;
    limits_set(&limits);
    say(s, "200 OK", "", INDEX(s, "a", "b", "c"));
    expect_failure(s, ERR_LIMIT, "more than 2 manifests");
    snprintf(link, sizeof(link), "Link: <%s?again>; rel=\"next\"\r\n", s->path);
    for (int i = 0; i < 3; i++) /* pages that hold nothing wanted, without end */
        say(s, "200 OK", link, INDEX(s, "b"));
    descriptors found;
    assert_false(list(s, "a", &found));
    assert_int_equal(s->err.kind, ERR_LIMIT);
    limits = limits_default();
    limits_set(&limits);
}

static void test_referrers__links(void **state)
{
    struct scene *s = *state;
    struct rd in;
    size_t n = 0;
    rd_init(&in, test_data(&s->arena, "registry/links.txt"));
    for (str row; test_next_row(&in, &row); n++) {
        str value = column(&row), wanted = column(&row), target;
        bool has_next = registry_link_next(value, &target);
        if (has_next == str_eq(wanted, STR("-")) || (has_next && !str_eq(target, wanted)))
            fail_msg(STR_FMT ": is " STR_FMT, STR_ARG(value), STR_ARG(target));
    }
    assert_true(n >= 14);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_referrers__are_listed_in_pages),
        TEST(test_referrers__a_filter_that_was_not_applied_is_ours),
        TEST(test_referrers__without_the_api_lie_under_a_tag),
        TEST(test_referrers__none_is_an_answer),
        TEST(test_referrers__other_answers_are_errors),
        TEST(test_referrers__have_a_limit),
        TEST(test_referrers__links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
