/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <sys/stat.h>

#include "os/file.h"
#include "syntax/syntax.h"

/* A root with one dpkg package: listed, and nothing judged. */
static void test_sbom__lists_and_judges_nothing(void **state)
{
    static const char status[] = "Package: hello\nStatus: install ok installed\nVersion: 2.10-3\n"
                                 "Architecture: amd64\n\n";
    struct arena arena;
    struct err err = {0};
    (void)state;
    arena_init(&arena, 4 << 20);
    const char *dir = test_mkdir(&arena);
    assert_ok(dir_make(arena_printf(&arena, "%s/var/lib/dpkg", dir).ptr, &err), err);
    assert_ok(dir_make(arena_printf(&arena, "%s/etc", dir).ptr, &err), err);
    assert_ok(file_save(arena_printf(&arena, "%s/var/lib/dpkg/status", dir).ptr, str_from(status),
                        0644, &err),
              err);
    assert_ok(file_save(arena_printf(&arena, "%s/etc/os-release", dir).ptr,
                        STR("ID=debian\nVERSION_ID=12\n"), 0644, &err),
              err);
    struct run run = RUN(&arena, "sbom", arena_printf(&arena, "dir:%s", dir).ptr);
    if (run.code != EXIT_DONE)
        fail_msg("exit %d: " STR_FMT, run.code, STR_ARG(run.errors));
    json_t *root = NULL;
    assert_ok(json_read(run.out, &root, &err), err);
    assert_true(json_is_null(json_object_get(root, "status")));
    assert_true(json_is_null(json_object_get(root, "reason")));
    assert_true(json_is_null(json_object_get(root, "findings")));
    assert_true(json_is_null(json_object_get(root, "summary")));
    const json_t *listed = json_object_get(root, "packages");
    assert_int_equal(json_array_size(listed), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(listed, 0), "purl")),
                        "pkg:deb/debian/hello@2.10-3?arch=amd64&distro=debian-12");
    json_decref(root);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_sbom__missing_source_exits_3(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    struct run run = RUN(&arena, "sbom", "oci:/no/such/layout");
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_str(run.out, "");
    assert_true(str_has(run.errors, STR("/no/such/layout")));
    arena_fini(&arena);
}

static size_t count_packages(str json)
{
    json_t *root = NULL;
    struct err err = {0};
    assert_ok(json_read(json, &root, &err), err);
    size_t n = json_array_size(json_object_get(root, "packages"));
    json_decref(root);
    return n;
}

/* Inflated in the sandbox, whole or with an error, never in part. */
static void test_sbom__compressed_archive_is_inflated(void **state)
{
    static const char path[] = "corpus/images/trivy-alpine-310.tar.gz";
    struct arena arena;
    struct err err = {0};
    (void)state;
    test_need_shared(path);
    arena_init(&arena, 64 << 20);
    struct run run = RUN(&arena, "sbom", test_shared_path(path));
    if (run.code != EXIT_DONE)
        fail_msg("exit %d: " STR_FMT, run.code, STR_ARG(run.errors));
    assert_int_equal(count_packages(run.out), 14);
    str whole = test_shared(&arena, path);
    const char *dir = test_mkdir(&arena);
    const char *cut = arena_printf(&arena, "%s/cut.tar.gz", dir).ptr;
    assert_ok(file_save(cut, str_slice(whole, 0, whole.len - 9), 0644, &err), err);
    run = RUN(&arena, "sbom", arena_printf(&arena, "docker-archive:%s", cut).ptr);
    assert_int_equal(run.code, EXIT_INCOMPLETE);
    assert_str(run.out, "");
    assert_true(str_has(run.errors, STR("cut.tar.gz")));
    test_rmdir(dir);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sbom__lists_and_judges_nothing),
        cmocka_unit_test(test_sbom__compressed_archive_is_inflated),
        cmocka_unit_test(test_sbom__missing_source_exits_3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
