/* SPDX-License-Identifier: Apache-2.0 */
/* The same two documents, however they are packed. */
#include "../support.h"

#include <stdlib.h>

#include "advisory/internal.h"
#include "os/file.h"

struct seen {
    struct sb names;
};

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct seen *seen = ctx;
    (void)arena, (void)err;
    sb_addf(&seen->names, STR_FMT "=" STR_FMT " ", STR_ARG(name), STR_ARG(text));
    return true;
}

static void shell(const char *dir, const char *line)
{
    char command[1024];
    snprintf(command, sizeof command, "cd '%s' && { %s; } >/dev/null 2>&1", dir, line);
    assert_int_equal(system(command), 0);
}

/* What is seen of @place below @dir after @line made it. */
static void check(const char *dir, const char *line, const char *place, const char *want)
{
    static const char *const suffixes[] = {".json", NULL};
    struct arena arena;
    struct err err = {0};
    struct source_state state_out = {0};
    struct update_spec update = {0};
    struct seen seen;
    struct hash *hash = NULL;
    struct documents spec = {.suffixes = suffixes, .max_bytes = 1000, .take = take, .ctx = &seen};
    arena_init(&arena, 1 << 24);
    sb_init(&seen.names, 1 << 16);
    shell(dir, line);
    assert_ok(hash_open(&hash, HASH_SHA256, &err), err);
    struct feed_reader reader = {
        .spec = &update, .arena = &arena, .state = &state_out, .cache = dir, .digest = hash};
    str full = arena_printf(&arena, "%s/%s", dir, place);
    bool is_ok = feed_documents(&reader, full, &spec, &err);
    for (size_t i = 0; i < state_out.notices.len; i++)
        sb_addf(&seen.names, "notice:" STR_FMT " ", STR_ARG(state_out.notices.ptr[i].path));
    if (!is_ok)
        sb_addf(&seen.names, "error:%s",
                err.kind == ERR_NOT_FOUND ? "not-found"
                : err.kind == ERR_FORMAT  ? "format"
                                          : err.msg);
    if (!str_eq(sb_str(&seen.names), str_from(want)))
        fail_msg("%s: %.*s, not %s", line, STR_ARG(sb_str(&seen.names)), want);
    sb_fini(&seen.names);
    hash_close(hash);
    arena_fini(&arena);
}

static void test_documents__packing_makes_no_difference(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    shell(dir, "mkdir in && printf 1 >in/a.json && printf 2 >in/b.json && printf x >in/c.txt && "
               "printf x >in/.hidden.json");
    check(dir, "true", "in", "a.json=1 b.json=2 ");
    check(dir, "true", "in/a.json", "a.json=1 ");
    check(dir, "tar -C in -cf t.tar a.json b.json c.txt", "t.tar", "a.json=1 b.json=2 ");
    check(dir, "gzip -k t.tar", "t.tar.gz", "a.json=1 b.json=2 ");
    check(dir, "cp t.tar.gz t.tgz", "t.tgz", "a.json=1 b.json=2 ");
    check(dir, "xz -k t.tar", "t.tar.xz", "a.json=1 b.json=2 ");
    check(dir, "zstd -k t.tar", "t.tar.zst", "a.json=1 b.json=2 ");
    check(dir, "gzip -c in/b.json >b.json.gz", "b.json.gz", "b.json.gz=2 ");
    check(dir, "mkdir sub && mv in sub/in && cp t.tar sub/x.tar", "sub",
          "in/a.json=1 in/b.json=2 a.json=1 b.json=2 ");
    check(dir, "mkdir none && printf x >none/c.txt", "none", "error:not-found");
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_documents__one_too_large_leaves_the_others(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    shell(dir, "mkdir in && printf 1 >in/a.json && head -c 2000 /dev/zero >in/b.json && "
               "printf 3 >in/c.json");
    check(dir, "true", "in", "a.json=1 c.json=3 notice:b.json ");
    check(dir, "tar -C in -cf t.tar a.json b.json c.json", "t.tar",
          "a.json=1 c.json=3 notice:b.json ");
    test_rmdir(dir);
    arena_fini(&arena);
}

/* A cut archive is not "fewer documents". */
static void test_documents__a_cut_archive_is_an_error(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    shell(dir, "mkdir in && printf 1 >in/a.json && printf 2 >in/b.json");
    check(dir, "tar -C in -cf t.tar a.json b.json && gzip t.tar && head -c 100 t.tar.gz >u.tar.gz",
          "u.tar.gz", "error:format");
    test_rmdir(dir);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents__packing_makes_no_difference),
        cmocka_unit_test(test_documents__one_too_large_leaves_the_others),
        cmocka_unit_test(test_documents__a_cut_archive_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
