/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <sys/stat.h>

static const char *key_path(struct fixture *f)
{
    return arena_printf(&f->arena, "%s/secret.key", f->engine.dir).ptr;
}

static struct secret_key key_of(struct fixture *f)
{
    struct secret_key key;
    assert_ok(secret_key_load(key_path(f), &key, &err), err);
    return key;
}

static void test_key__is_made_once_and_for_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    struct secret_key first = key_of(f), second = key_of(f);
    struct stat st;
    assert_memory_equal(first.bytes, second.bytes, sizeof(first.bytes));
    assert_int_equal(stat(key_path(f), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(key_path(f), 0640), 0);
    assert_false(secret_key_load(key_path(f), &first, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_non_null(strstr(err.msg, "chmod 600"));
}

static void test_key__rubbish_is_none(void **state)
{
    struct fixture *f = *state;
    struct secret_key key;
    FILE *file = fopen(key_path(f), "w");
    fputs("not a key\n", file);
    fclose(file);
    chmod(key_path(f), 0600);
    assert_false(secret_key_load(key_path(f), &key, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_null(strstr(err.msg, "not a key\n"));
}

static void test_secret__comes_back_and_lies_nowhere_in_the_clear(void **state)
{
    struct fixture *f = *state;
    struct secret_key key = key_of(f);
    str out, secret = STR("correct horse battery staple");
    assert_ok(store_secret_get(f->store, &f->arena, &key, f->registry.id, "password", &out, &err),
              err);
    assert_int_equal(out.len, 0);
    assert_ok(store_secret_set(f->store, &key, f->registry.id, "password", secret, f->now, &err),
              err);
    assert_ok(store_secret_get(f->store, &f->arena, &key, f->registry.id, "password", &out, &err),
              err);
    assert_true(str_eq(out, secret));
    reopen(f);
    assert_false(engine_holds(&f->engine, &f->arena, f->store, secret));
    assert_ok(store_secret_set(f->store, &key, f->registry.id, "password", STR(""), f->now, &err),
              err);
    assert_int_equal(engine_number(&f->engine, "SELECT COUNT(*) FROM secrets"), 0);
}

static void test_secret__does_not_open_elsewhere_or_with_another_key(void **state)
{
    struct fixture *f = *state;
    struct secret_key key = key_of(f), other = key;
    struct store_registry second = registry_named("second");
    str out, secret = STR("hush");
    char sql[128];
    other.bytes[0] ^= 1;
    assert_ok(store_registry_put(f->store, &second, f->now, &err), err);
    assert_ok(store_secret_set(f->store, &key, f->registry.id, "password", secret, f->now, &err),
              err);
    assert_false(
        store_secret_get(f->store, &f->arena, &other, f->registry.id, "password", &out, &err));
    assert_int_equal(err.kind, ERR_MISMATCH);
    assert_null(strstr(err.msg, "hush"));
    /* moved by hand to another registry */
    snprintf(sql, sizeof(sql), "UPDATE secrets SET registry_id = %lld", (long long)second.id);
    engine_run(&f->engine, sql);
    assert_false(store_secret_get(f->store, &f->arena, &key, second.id, "password", &out, &err));
    assert_int_equal(err.kind, ERR_MISMATCH);
    /* and one that is damaged */
    engine_run(&f->engine, f->engine.is_postgres ? "UPDATE secrets SET sealed = '\\x0102'"
                                                 : "UPDATE secrets SET sealed = x'0102'");
    assert_false(store_secret_get(f->store, &f->arena, &key, second.id, "password", &out, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_key__is_made_once_and_for_its_owner_alone),
        T(test_key__rubbish_is_none),
        T(test_secret__comes_back_and_lies_nowhere_in_the_clear),
        T(test_secret__does_not_open_elsewhere_or_with_another_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
