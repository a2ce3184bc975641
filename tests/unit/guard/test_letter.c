/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a message: bounded, in order, and hostile names stay text. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "guard/internal.h"
#include "syntax/syntax.h"

struct scene {
    struct arena arena;
    struct err err;
    struct config config;
    struct config_channel channel;
    struct store_registry registry;
    struct telling telling;
    struct outbox_message message;
};

static struct scene *scene_open(enum told what)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    arena_init(&s->arena, 64 << 20);
    s->config = (struct config){.public_url = STR("https://plimsoll.example/")};
    s->channel =
        (struct config_channel){.name = STR("hook"), .events = ~0U, .from = STR("a@ships.example")};
    *vec_push(&s->arena, &s->channel.to) = STR("b@ships.example");
    *vec_push(&s->arena, &s->channel.to) = STR("c@ships.example");
    s->registry = (struct store_registry){.name = STR("lab"),
                                          .host = STR("reg.example:5000"),
                                          .subscription = STR("sub"),
                                          .resource_group = STR("group")};
    s->telling = (struct telling){.what = what,
                                  .at = 1700000000,
                                  .registry = &s->registry,
                                  .repository = STR("team/app"),
                                  .tag = STR("1")};
    return s;
}

static void scene_close(struct scene *s)
{
    arena_fini(&s->arena);
    free(s);
}

static struct told_image *add_image(struct scene *s, const char *id)
{
    struct told_image *image = vec_push(&s->arena, &s->telling.images);
    image->image = (struct store_image){.digest = str_from(id),
                                        .repository = STR("team/app"),
                                        .platform = STR("linux/amd64"),
                                        .os_id = STR("alpine"),
                                        .os_version = STR("3.22"),
                                        .verdict = VERDICT_UNHEALTHY};
    return image;
}

static struct finding *add_finding(struct scene *s, struct told_image *image, const char *id,
                                   enum severity severity)
{
    struct finding *f = vec_push(&s->arena, &image->news);
    *f = (struct finding){.id = str_from(id),
                          .name = str_from(id),
                          .type = STR("apk"),
                          .package_name = STR("openssl"),
                          .package_version = STR("1"),
                          .fixed_version = STR("2"),
                          .fix_state = FIX_FIXED,
                          .is_patchable = true,
                          .severity = severity};
    return f;
}

static void write(struct scene *s)
{
    assert_ok(message_write(&s->arena, &s->config, &s->channel, &s->telling, &s->message, &s->err),
              s->err);
}

static void test_letter__lists_the_worst_once_and_counts_the_rest(void **state)
{
    (void)state;
    struct scene *s = scene_open(TOLD_NEW_FINDINGS);
    json_t *json = NULL;
    for (unsigned i = 0; i < 30; i++) {
        char id[32];
        snprintf(id, sizeof(id), "sha256:%u", i);
        struct told_image *image = add_image(s, arena_cstr(&s->arena, str_from(id)));
        for (unsigned k = 0; k < 40; k++)
            add_finding(s, image, arena_printf(&s->arena, "CVE-%02u", k).ptr,
                        k == 39 ? SEVERITY_CRITICAL : SEVERITY_LOW);
    }
    write(s);
    assert_str(s->message.subject,
               "40 new findings in lab/team/app:1 (1 critical, 39 low), 30 images");
    assert_ok(json_read(s->message.body, &json, &s->err), s->err);
    assert_str(json_str(json, "id"), arena_cstr(&s->arena, s->message.message));
    assert_str(json_str(json, "type"), "plimsoll.new-findings");
    assert_str(json_str(json, "time"), "2023-11-14T22:13:20Z");
    const json_t *data = json_obj(json, "data"), *list = json_arr(data, "findings");
    assert_int_equal(json_array_size(list), LETTER_FINDINGS);
    assert_str(json_str(json_array_get(list, 0), "id"), "CVE-39");
    assert_int_equal(json_int(json_array_get(list, 0), "images", 0), 30);
    assert_int_equal(json_int(data, "findingsOmitted", 0), 40 - LETTER_FINDINGS);
    assert_int_equal(json_array_size(json_arr(data, "images")), LETTER_IMAGES);
    assert_int_equal(json_int(data, "imagesOmitted", 0), 30 - LETTER_IMAGES);
    json_decref(json);
    scene_close(s);
}

static void test_letter__the_channel_decides_what_is_worth_it(void **state)
{
    (void)state;
    struct scene *s = scene_open(TOLD_NEW_FINDINGS);
    struct told_image *image = add_image(s, "sha256:1");
    add_finding(s, image, "CVE-1", SEVERITY_MEDIUM);
    s->channel.severity = SEVERITY_HIGH;
    assert_false(channel_wants(&s->channel, &s->telling));
    add_finding(s, image, "CVE-2", SEVERITY_UNKNOWN); /* not rated: nobody may say it is less */
    assert_true(channel_wants(&s->channel, &s->telling));
    write(s);
    assert_str(s->message.subject, "1 new finding in lab/team/app:1 (1 not rated)");
    *vec_push(&s->arena, &s->channel.repositories) = STR("team/*");
    assert_true(channel_wants(&s->channel, &s->telling));
    s->channel.repositories.ptr[0] = STR("other/**");
    assert_false(channel_wants(&s->channel, &s->telling));
    s->channel.repositories.len = 0;
    *vec_push(&s->arena, &s->channel.registries) = STR("prod-*");
    assert_false(channel_wants(&s->channel, &s->telling));
    s->telling.what = TOLD_SOURCE_HELD;
    s->telling.registry = NULL;
    assert_true(channel_wants(&s->channel, &s->telling));
    s->channel.events = 1U << TOLD_NEW_FINDINGS;
    assert_false(channel_wants(&s->channel, &s->telling));
    scene_close(s);
}

static str mail_of(struct scene *s)
{
    str out;
    write(s);
    s->message.created_at = 1700000000;
    assert_ok(letter_envelope(&s->channel, &s->message, &s->arena, &out, &s->err), s->err);
    return out;
}

static void test_mail__no_foreign_line_becomes_a_header(void **state)
{
    (void)state;
    struct scene *s = scene_open(TOLD_NEW_FINDINGS);
    s->channel.kind = CHANNEL_SMTP;
    s->telling.tag = STR("1\r\nBcc: evil@x\r\n\r\n<script>\xf0\x9f\x92\xa3\xff");
    struct finding *f = add_finding(s, add_image(s, "sha256:1"), "CVE-1", SEVERITY_HIGH);
    f->package_name = STR("a\r\n.\r\nQUIT <img src=x>\x1b[2J");
    str mail = mail_of(s), line, rest = mail;
    assert_false(str_has(mail, STR("Bcc")));
    assert_false(str_has(mail, STR("<img")));
    assert_true(str_starts(mail, STR("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
                                     "From: Plimsoll <a@ships.example>\r\n"
                                     "To: <b@ships.example>,\r\n <c@ships.example>\r\n"
                                     "Subject: =?utf-8?B?")));
    assert_true(str_has(mail, STR("\r\nMessage-ID: <")));
    while (str_next(&rest, '\n', &line)) {
        assert_true(!line.len || line.ptr[line.len - 1] == '\r');
        assert_true(line.len <= 100);
        for (size_t i = 0; i + 1 < line.len; i++)
            assert_true(line.ptr[i] >= 0x20 && line.ptr[i] < 0x7f);
    }
    scene_close(s);
}

static void test_letter__every_kind_has_words(void **state)
{
    (void)state;
    static const char *const words[TOLD_COUNT] = {
        [TOLD_NEW_FINDINGS] = "0 new findings in lab/team/app:1",
        [TOLD_IMAGE_HEALTHY] = "lab/team/app:1 is healthy",
        [TOLD_SCAN_FAILED] = "lab/team/app:1 could not be scanned",
        [TOLD_PULLED_VULNERABLE] = "lab/team/app:1 was pulled lately and has 0 findings",
        [TOLD_SOURCE_HELD] = "advisory source lab/team/app:1 is held back",
        [TOLD_TEST] = "test message of channel lab/team/app:1"};
    for (unsigned t = 0; t < TOLD_COUNT; t++) {
        struct scene *s = scene_open((enum told)t);
        write(s);
        assert_str(s->message.subject, words[t]);
        assert_str(s->message.kind, told_name((enum told)t));
        scene_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letter__lists_the_worst_once_and_counts_the_rest),
        cmocka_unit_test(test_letter__the_channel_decides_what_is_worth_it),
        cmocka_unit_test(test_mail__no_foreign_line_becomes_a_header),
        cmocka_unit_test(test_letter__every_kind_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
