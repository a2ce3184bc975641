/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration is read again: what holds, what stays, and who may still read the former one.
 */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard/guard.h"

struct scene {
    struct arena arena;
    struct err err;
    const char *dir, *path;
    struct config config;
    struct guard *guard;
};

static str text_of(struct scene *s, const char *more)
{
    return arena_printf(&s->arena,
                        "data-directory: %s\nnotification: {secret: first}\n"
                        "registries: [{name: lab, host: h}]\n%s",
                        s->dir, more);
}

static struct scene *scene_open(void)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    arena_init(&s->arena, 64 << 20);
    log_configure(LOG_OFF, false);
    s->dir = test_mkdir(&s->arena);
    s->path = arena_printf(&s->arena, "%s/plimsoll.yaml", s->dir).ptr;
    assert_ok(config_parse(&s->arena, STR("FILE"), text_of(s, ""), &s->config, &s->err), s->err);
    const struct guard_spec spec = {.config = &s->config};
    assert_ok(guard_open(&spec, &s->guard, &s->err), s->err);
    return s;
}

static void scene_close(struct scene *s)
{
    guard_close(s->guard);
    test_rmdir(s->dir);
    arena_fini(&s->arena);
    free(s);
}

static bool reload(struct scene *s, str text)
{
    struct settings *fresh = NULL;
    FILE *file = fopen(s->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    fclose(file);
    if (!guard_settings_read(s->guard, s->path, &fresh, &s->err))
        return false;
    assert_ok(guard_reload(s->guard, fresh, &s->err), s->err);
    return true;
}

static void test_reload__takes_what_is_new(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_ok(reload(s, text_of(s, "attempts: 3\nnotify: [{name: hook, url: \"https://h\"}]\n")),
              s->err);
    const struct config *config = guard_config(s->guard);
    assert_int_equal(config->max_attempts, 3);
    assert_int_equal(config->channels.len, 1);
    assert_ok(reload(s, text_of(s, "")), s->err);
    assert_int_equal(guard_config(s->guard)->channels.len, 0);
    scene_close(s);
}

static void test_reload__what_is_broken_changes_nothing(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    const struct config *before = guard_config(s->guard);
    assert_false(reload(s, text_of(s, "nonsense: 1\n")));
    assert_int_equal(s->err.kind, ERR_USAGE);
    assert_true(str_has(str_from(s->err.msg), STR("plimsoll.yaml:4:1: unknown key nonsense")));
    assert_ptr_equal(guard_config(s->guard), before);
    scene_close(s);
}

static void test_reload__keys_of_the_start_stay(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_ok(reload(s, STR("data-directory: /elsewhere\nworkers: 9\nlisten: {port: 1}\n"
                            "sandbox: basic\nassessment-key: other\n")),
              s->err);
    const struct config *config = guard_config(s->guard);
    assert_true(str_eq(config->data_dir, s->config.data_dir));
    assert_true(str_eq(config->assessment_key, s->config.assessment_key));
    assert_int_equal(config->workers, s->config.workers);
    assert_int_equal(config->listen_port, s->config.listen_port);
    assert_int_equal(config->sandbox, s->config.sandbox);
    assert_int_equal(config->registries.len, 0);
    scene_close(s);
}

static void test_reload__who_pinned_reads_on(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    assert_ok(reload(s, text_of(s, "public-url: https://one.example\n")), s->err);
    struct settings *early = guard_pin(s->guard);
    assert_ok(reload(s, text_of(s, "public-url: https://two.example\n")), s->err);
    const struct config *seen = guard_config(s->guard); /* of the second, under the first's pin */
    struct settings *late = guard_pin(s->guard);
    assert_ok(reload(s, text_of(s, "public-url: https://three.example\n")), s->err);
    guard_unpin(s->guard, late);
    assert_str(seen->public_url, "https://two.example");
    guard_unpin(s->guard, early);
    assert_str(guard_config(s->guard)->public_url, "https://three.example");
    scene_close(s);
}

struct reader {
    struct scene *scene;
    atomic_bool is_over;
    atomic_uint n;
};

static void *read_on(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(&r->is_over)) {
        struct settings *settings = guard_pin(r->scene->guard);
        str url = guard_config(r->scene->guard)->public_url;
        if (!str_starts(url, STR("https://")) && url.len)
            abort();
        guard_unpin(r->scene->guard, settings);
        atomic_fetch_add(&r->n, 1);
    }
    return NULL;
}

static void test_reload__under_readers(void **state)
{
    (void)state;
    struct scene *s = scene_open();
    struct reader reader = {.scene = s};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &reader), 0);
    for (unsigned i = 0; i < 50 || atomic_load(&reader.n) < 50; i++) {
        char more[64];
        snprintf(more, sizeof(more), "public-url: https://%u.example\n", i);
        assert_ok(reload(s, text_of(s, more)), s->err);
    }
    atomic_store(&reader.is_over, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    scene_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload__takes_what_is_new),
        cmocka_unit_test(test_reload__what_is_broken_changes_nothing),
        cmocka_unit_test(test_reload__keys_of_the_start_stay),
        cmocka_unit_test(test_reload__who_pinned_reads_on),
        cmocka_unit_test(test_reload__under_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
