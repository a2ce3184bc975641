/* SPDX-License-Identifier: Apache-2.0 */
/* How a registry is reached: as configured, and by a server whose configuration does not name it.
 */
#include "support.h"

#include "guard/internal.h"

struct fixture {
    struct arena arena;
    const char *dir;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    f->dir = test_mkdir(&f->arena);
    log_configure(LOG_OFF, false);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    test_rmdir(f->dir);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

static struct config *config_of(struct fixture *f, const char *more)
{
    struct config *config = arena_alloc(&f->arena, sizeof(*config));
    str text = arena_printf(&f->arena, "data-directory: %s\n%s", f->dir, more);
    assert_ok(config_parse(&f->arena, STR("FILE"), text, config, &f->err), f->err);
    return config;
}

static struct registry_config reach(struct fixture *f, const char *server, const char *registry)
{
    struct registry_config out;
    const struct config *config = config_of(
        f, arena_printf(&f->arena, "%s\nregistries: [{name: lab, host: h%s}]\n", server, registry)
               .ptr);
    config_registry_reach(config, &config->registries.ptr[0], &out);
    return out;
}

static void test_reach__the_proxy_is_the_registrys_else_the_servers(void **state)
{
    struct fixture *f = *state;
    assert_str(reach(f, "", "").proxy, "none");
    assert_int_equal(reach(f, "proxy: environment", "").proxy.len,
                     0); /* as the registry client has it */
    struct registry_config r = reach(f, "proxy: http://p:3128\nno-proxy: a,b", "");
    assert_str(r.proxy, "http://p:3128");
    assert_str(r.no_proxy, "a,b");
    r = reach(f, "proxy: http://p:3128\nno-proxy: a,b", ", proxy: 'http://q:1', no-proxy: c");
    assert_str(r.proxy, "http://q:1");
    assert_str(r.no_proxy, "c");
    assert_str(reach(f, "proxy: http://p:3128", ", proxy: none").proxy, "none");
    assert_int_equal(r.timeout_s, 60);
    assert_int_equal(r.concurrency, 8);
}

static void open_and_close(struct fixture *f, const struct config *config)
{
    struct guard *guard = NULL;
    const struct guard_spec spec = {.config = config};
    assert_ok(guard_open(&spec, &guard, &f->err), f->err);
    guard_close(guard);
}

/* All of it but the files' contents comes back from the store. */
static void test_reach__the_store_knows_what_another_server_was_told(void **state)
{
    struct fixture *f = *state;
    struct guard *guard = NULL;
    struct registry_config out;
    struct store_registry registry;
    open_and_close(
        f, config_of(f, "registries: [{name: lab, host: h, tenant: t1, client-id: c1, "
                        "client-secret: hush, authority: 'https://login.example', audience: a1, "
                        "ca-file: /ca.pem, client-certificate-file: /c.pem, client-key-file: "
                        "/k.pem, proxy: 'http://q:1', no-proxy: n1}]\n"));
    const struct config *other = config_of(f, "");
    const struct guard_spec spec = {.config = other};
    assert_ok(guard_open(&spec, &guard, &f->err), f->err);
    struct loop loop = {.guard = guard};
    arena_init(&loop.arena, 1 << 20);
    assert_ok(store_pool_take(guard->relaxed, &loop.store, &f->err), f->err);
    assert_ok(store_registry_get(loop.store, &loop.arena, STR("lab"), &registry, &f->err), f->err);
    assert_ok(registry_config_of(&loop, &registry, &out, &f->err), f->err);
    assert_str(out.host, "h");
    assert_str(out.azure.tenant, "t1");
    assert_str(out.azure.client_id, "c1");
    assert_str(out.azure.client_secret, "hush");
    assert_str(out.azure.authority, "https://login.example");
    assert_str(out.azure.audience, "a1");
    assert_str(out.ca_file, "/ca.pem");
    assert_str(out.client_cert_file, "/c.pem");
    assert_str(out.client_key_file, "/k.pem");
    assert_str(out.proxy, "http://q:1");
    assert_str(out.no_proxy, "n1");
    assert_ptr_equal(out.hub, guard->hub);
    store_pool_give(guard->relaxed, loop.store);
    arena_fini(&loop.arena);
    guard_close(guard);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reach__the_proxy_is_the_registrys_else_the_servers),
        TEST(test_reach__the_store_knows_what_another_server_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
