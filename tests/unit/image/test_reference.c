/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/image.h"
#include "os/file.h"

static const char *const kinds[] = {"none",           "registry", "oci", "oci-archive",
                                    "docker-archive", "dir",      "sbom"};

static str field(str *rest)
{
    str out = STR_NONE;
    assert_true(str_cut(*rest, STR(" | "), &out, rest) || out.len);
    out = str_trim(out);
    return str_eq(out, STR("-")) ? STR_NONE : out;
}

static void check_error(str source, str words, const struct err *err, bool is_ok)
{
    if (is_ok || !str_has(str_from(err->msg), words))
        fail_msg("%.*s: \"%s\", expected \"%.*s\"", STR_ARG(source), is_ok ? "ok" : err->msg,
                 STR_ARG(words));
}

static void check_row(struct arena *arena, str row)
{
    struct reference ref;
    struct err err = {0};
    char text[DIGEST_TEXT_SIZE];
    str source = field(&row), kind = field(&row);
    bool is_ok = reference_parse(arena, source, &ref, &err);
    if (str_eq(kind, STR("error"))) {
        check_error(source, field(&row), &err, is_ok);
        return;
    }
    if (!is_ok)
        fail_msg("%.*s: %s", STR_ARG(source), err.msg);
    assert_str(kind, kinds[ref.kind]);
    const str got[] = {ref.host, ref.repository, ref.path, ref.tag,
                       digest_print(&ref.digest, text)};
    for (size_t i = 0; i < 5; i++) {
        str want = field(&row);
        if (!str_eq(got[i], want))
            fail_msg("%.*s: field %zu is \"%.*s\", expected \"%.*s\"", STR_ARG(source), i,
                     STR_ARG(got[i]), STR_ARG(want));
    }
    assert_true(str_eq(ref.text, source));
}

static void test_reference__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct rd in;
    str row;
    size_t n = 0;
    rd_init(&in, test_data(&arena, "image/references.txt"));
    for (; test_next_row(&in, &row); n++)
        check_row(&arena, row);
    assert_true(n > 40);
    arena_fini(&arena);
}

static void expect_kind(struct arena *arena, str text, enum source_kind kind, const char *tag)
{
    struct reference ref;
    struct err err = {0};
    if (!reference_parse(arena, text, &ref, &err))
        fail_msg("%.*s: %s", STR_ARG(text), err.msg);
    if (ref.kind != kind)
        fail_msg("%.*s is %s, expected %s", STR_ARG(text), kinds[ref.kind], kinds[kind]);
    assert_str(ref.tag, tag);
}

static void put(struct arena *arena, const char *dir, const char *name, str bytes)
{
    struct err err = {0};
    assert_ok(file_save(arena_printf(arena, "%s/%s", dir, name).ptr, bytes, 0644, &err), err);
}

static void test_reference__bare_path_is_what_it_is(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct reference ref;
    arena_init(&arena, 8 << 20);
    const char *dir = test_mkdir(&arena);
    str layout = arena_printf(&arena, "%s/with:colon", dir);
    expect_kind(&arena, str_from(dir), SOURCE_DIR, "");
    assert_ok(dir_make(layout.ptr, &err), err);
    put(&arena, layout.ptr, "oci-layout", STR("{}"));
    expect_kind(&arena, layout, SOURCE_OCI_DIR, "");
    expect_kind(&arena, arena_printf(&arena, "%s:v1", layout.ptr), SOURCE_OCI_DIR, "v1");
    expect_kind(&arena, arena_printf(&arena, "oci:%s:v1", layout.ptr), SOURCE_OCI_DIR, "v1");
    put(&arena, dir, "sbom.json", STR("{\"bomFormat\": \"CycloneDX\"}"));
    expect_kind(&arena, arena_printf(&arena, "%s/sbom.json", dir), SOURCE_SBOM, "");
    put(&arena, dir, "rubbish", STR("what is this?"));
    assert_false(reference_parse(&arena, arena_printf(&arena, "%s/rubbish", dir), &ref, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_int_equal(mkfifo(arena_printf(&arena, "%s/pipe", dir).ptr, 0600), 0);
    assert_false(reference_parse(&arena, arena_printf(&arena, "%s/pipe", dir), &ref, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_false(reference_parse(&arena, arena_printf(&arena, "%s:v1", dir), &ref, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_reference__archives_of_the_corpus_are_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum source_kind kind;
    } rows[] = {
        {"harbor-busybox.tar", SOURCE_DOCKER_ARCHIVE},
        {"osv-scalibr-basic.tar", SOURCE_DOCKER_ARCHIVE},
        {"derived-debian-12-plain.docker.tar", SOURCE_DOCKER_ARCHIVE},
        {"trivy-image3_gz_layers.tar", SOURCE_DOCKER_ARCHIVE},
        {"trivy-alpine-310.tar.gz", SOURCE_DOCKER_ARCHIVE},
        {"stereoscope-valid-oci.tar", SOURCE_OCI_ARCHIVE},
        {"derived-debian-12-upgraded.oci.tar", SOURCE_OCI_ARCHIVE},
        {"oci/harbor-hello-world", SOURCE_OCI_DIR},
    };
    test_need_shared("corpus/images");
    struct arena arena;
    arena_init(&arena, 8 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        str path = arena_printf(&arena, "%s/%s", test_shared_path("corpus/images"), rows[i].name);
        expect_kind(&arena, path, rows[i].kind, "");
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference__rules),
        cmocka_unit_test(test_reference__bare_path_is_what_it_is),
        cmocka_unit_test(test_reference__archives_of_the_corpus_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
