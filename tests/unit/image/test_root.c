/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/num.h"
#include "base/sb.h"
#include "image/image.h"
#include "os/file.h"

#include "archive_list.h"

static struct arena arena; /* lint: mutable static, one test at a time */
static struct err err;     /* lint: mutable static, one test at a time */

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 128 << 20);
    err = (struct err){0};
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void save(const char *dir, const char *name, const char *bytes, unsigned mode)
{
    str path = arena_printf(&arena, "%s/%s", dir, name);
    assert_ok(file_save(path.ptr, str_from(bytes), mode, &err), err);
    assert_int_equal(chmod(path.ptr, mode), 0);
}

static void make_dir(const char *dir, const char *name)
{
    assert_ok(dir_make(arena_printf(&arena, "%s/%s", dir, name).ptr, &err), err);
}

static bool wants_conf(void *ctx, const struct entry *entry)
{
    (void)ctx;
    assert_false(str_starts(entry->path, STR("/")) || str_starts(entry->path, STR("./")));
    return str_ends(entry->path, STR(".conf"));
}

static bool open_root(const char *dir, struct image_source **out)
{
    struct reference ref = {.kind = SOURCE_DIR, .path = str_from(dir)};
    err = (struct err){0};
    return image_source_open_root(&ref, wants_conf, NULL, out, &err);
}

static struct image only_image(struct image_source *source)
{
    images out;
    struct image_choice choice = {0};
    assert_ok(image_resolve(source, &arena, STR_NONE, NULL, &choice, &out, &err), err);
    assert_int_equal(out.len, 1);
    return out.ptr[0];
}

static bool open_layer(struct image_source *source, struct blob *blob)
{
    struct image image = only_image(source);
    return source->ops->blob(source, &image.manifest.layers.ptr[0], blob, &err);
}

static str layer_of(const char *dir)
{
    struct image_source *source = NULL;
    struct blob blob = {0};
    assert_ok(open_root(dir, &source), err);
    assert_ok(open_layer(source, &blob), err);
    str bytes = drain_blob(&arena, &blob);
    blob_close(&blob);
    image_source_close(source);
    return bytes;
}

/* One line an entry: type, mode, path, link, body. */
static str listing_of(str tar)
{
    static const char *const types[] = {"other", "file", "dir", "symlink", "hardlink"};
    struct source_mem state;
    struct archive_reader *reader = NULL;
    struct entry entry;
    struct sb sb;
    sb_init(&sb, 1 << 20);
    assert_ok(archive_open(&reader, ARCHIVE_TAR, source_from_mem(&state, tar), &err), err);
    while (archive_next(reader, &entry, &err) == NEXT_ITEM) {
        str body, path = list_clean(entry.path);
        sb_addf(&sb, "%s %o %.*s", types[entry.type], entry.mode, STR_ARG(path));
        if (entry.link.len)
            sb_addf(&sb, " -> %.*s", STR_ARG(entry.link));
        assert_ok(archive_body(reader, &arena, 1 << 20, &body, &err), err);
        if (body.len)
            sb_addf(&sb, " = %.*s", STR_ARG(str_slice(body, 0, 20)));
        sb_addc(&sb, "\n");
    }
    if (err_is(&err))
        fail_msg("%s", err.msg);
    archive_close(reader);
    str out = arena_dup(&arena, sb_str(&sb));
    sb_fini(&sb);
    return out;
}

static const char *make_tree(void)
{
    const char *dir = test_mkdir(&arena);
    assert_int_equal(chmod(dir, 0755), 0);
    make_dir(dir, "a/deep/er");
    make_dir(dir, "empty");
    save(dir, "a/x.conf", "wanted", 0600);
    save(dir, "a/large", "not wanted", 0755);
    save(dir, "a/deep/er/y.conf", "deep", 0644);
    save(dir, "a-b.conf", "sorts between a and a/", 0644);
    save(dir, "b\xff.conf", "no UTF-8", 0644);
    save(dir, "s\xc3\xa4.conf", "UTF-8", 04755);
    assert_int_equal(symlink("/etc/passwd", arena_printf(&arena, "%s/link.conf", dir).ptr), 0);
    assert_int_equal(symlink("a", arena_printf(&arena, "%s/to-a", dir).ptr), 0);
    assert_int_equal(mkfifo(arena_printf(&arena, "%s/pipe", dir).ptr, 0600), 0);
    return dir;
}

static const char tree[] = "dir 755 a\n"
                           "file 644 a-b.conf = sorts between a and \n"
                           "dir 755 a/deep\n"
                           "dir 755 a/deep/er\n"
                           "file 644 a/deep/er/y.conf = deep\n"
                           "file 755 a/large\n"
                           "file 600 a/x.conf = wanted\n"
                           "file 644 b\xff.conf = no UTF-8\n"
                           "dir 755 empty\n"
                           "symlink 777 link.conf -> /etc/passwd\n"
                           "other 600 pipe\n"
                           "file 4755 s\xc3\xa4.conf = UTF-8\n"
                           "symlink 777 to-a -> a\n";

static void test_root__lists_all_and_gives_the_bodies_asked_for(void **state)
{
    (void)state;
    const char *dir = make_tree();
    assert_str(listing_of(layer_of(dir)), tree);
    test_rmdir(dir);
}

/* As in an image: the body comes once, under the first name that asks for it. */
static void test_root__other_names_of_a_file_are_hard_links(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "c.conf", "d", "sub/e.conf"};
    const char *dir = test_mkdir(&arena);
    make_dir(dir, "sub");
    save(dir, "b.conf", "once", 0644);
    save(dir, "empty.conf", "", 0644);
    str from = arena_printf(&arena, "%s/b.conf", dir),
        empty = arena_printf(&arena, "%s/empty.conf", dir);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(link(from.ptr, arena_printf(&arena, "%s/%s", dir, names[i]).ptr), 0);
    assert_int_equal(link(empty.ptr, arena_printf(&arena, "%s/empty2.conf", dir).ptr), 0);
    assert_str(listing_of(layer_of(dir)), "file 644 a\n"
                                          "file 644 b.conf = once\n"
                                          "hardlink 644 c.conf -> b.conf\n"
                                          "hardlink 644 d -> b.conf\n"
                                          "file 644 empty.conf\n"
                                          "file 644 empty2.conf\n"
                                          "dir 755 sub\n"
                                          "hardlink 644 sub/e.conf -> b.conf\n");
    test_rmdir(dir);
}

static void test_root__same_tree_gives_the_same_bytes(void **state)
{
    (void)state;
    const char *one = make_tree(), *two = make_tree();
    str a = layer_of(one), b = layer_of(two);
    assert_true(a.len > 1024 && str_eq(a, b));
    test_rmdir(one);
    test_rmdir(two);
}

static void test_root__image_has_no_digests_to_verify(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    const char *dir = test_mkdir(&arena);
    assert_ok(open_root(dir, &source), err);
    struct image image = only_image(source);
    assert_true(digest_is_none(&image.digest));
    assert_true(image.is_assessable);
    assert_str(image.platform.os, "linux");
    assert_int_equal(image.manifest.layers.len, 1);
    assert_true(digest_is_none(&image.manifest.layers.ptr[0].digest));
    assert_true(image.manifest.layers.ptr[0].size_bytes == UINT64_MAX);
    assert_int_equal(image.config.diff_ids.len, 1);
    assert_true(digest_is_none(&image.config.diff_ids.ptr[0]));
    image_source_close(source);
    assert_str(listing_of(layer_of(dir)), "");
    test_rmdir(dir);
}

static void test_root__long_names_and_large_bodies_survive(void **state)
{
    (void)state;
    const char *dir = test_mkdir(&arena);
    char name[201] = {0}, *body = arena_alloc(&arena, 1 << 20);
    memset(name, 'n', 200);
    memset(body, 'b', (1 << 20) - 1);
    str folder = arena_printf(&arena, "%s/%s/%s", dir, name, name);
    assert_ok(dir_make(folder.ptr, &err), err);
    save(folder.ptr, "big.conf", body, 0644);
    assert_int_equal(symlink(name, arena_printf(&arena, "%s/link", folder.ptr).ptr), 0);
    str listing = listing_of(layer_of(dir));
    assert_true(
        str_has(listing, arena_printf(&arena, "file 644 %s/%s/big.conf = bbbb", name, name)));
    assert_true(str_has(listing, arena_printf(&arena, "link -> %s\n", name)));
    assert_true(layer_of(dir).len > 1 << 20);
    test_rmdir(dir);
}

static bool fails(const char *dir)
{
    struct image_source *source = NULL;
    struct blob blob = {0};
    str chunk;
    enum next next = NEXT_ERR;
    assert_ok(open_root(dir, &source), err);
    if (open_layer(source, &blob))
        while ((next = blob.from.read(blob.from.ctx, &chunk, &err)) == NEXT_ITEM)
            continue;
    blob_close(&blob);
    image_source_close(source);
    return next == NEXT_ERR;
}

/* Root reads everything, so the test gives its rights up in a child. */
static void test_root__unreadable_folder_is_an_error(void **state)
{
    (void)state;
    const char *dir = test_mkdir(&arena);
    str closed = arena_printf(&arena, "%s/shut", dir);
    make_dir(dir, "shut");
    save(dir, "secret", "nobody wants it", 0600); /* and so nobody needs to read it */
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(chmod(closed.ptr, 0), 0);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(3);
        if (chdir("/") != 0 || access(dir, X_OK) != 0)
            _exit(4);
        bool is_right = fails(dir) && err.kind == ERR_IO && strstr(err.msg, "shut");
        if (!is_right)
            fprintf(stderr, "%s\n", err.msg);
        _exit(is_right ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(closed.ptr, 0755), 0);
    test_rmdir(dir);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a namespace of its own, with this machine's /proc and /sys mounted into the tree. */
static int list_with_kernel_views(const char *dir)
{
    static const char *const views[] = {"proc", "sys"};
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0)
        return 77;
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        str from = arena_printf(&arena, "/%s", views[i]);
        str to = arena_printf(&arena, "%s/%s", dir, views[i]);
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount(from.ptr, to.ptr, NULL, MS_BIND | MS_REC, NULL) != 0)
            return 77;
    }
    str listing = listing_of(layer_of(dir));
    bool is_right = str_has(listing, STR(" proc\n")) && str_has(listing, STR(" sys\n")) &&
                    str_has(listing, STR("= kept")) && !str_has(listing, STR(" proc/")) &&
                    !str_has(listing, STR(" sys/"));
    return is_right ? 0 : 1;
}

static void test_root__views_of_the_kernel_are_empty_folders(void **state)
{
    (void)state;
    const char *dir = test_mkdir(&arena);
    make_dir(dir, "proc");
    make_dir(dir, "sys");
    save(dir, "z.conf", "kept", 0644);
    pid_t child = fork();
    if (child == 0)
        _exit(list_with_kernel_views(dir));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    test_rmdir(dir);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void test_root__missing_root_and_tags_are_refused(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    images out;
    struct image_choice choice = {0};
    assert_false(open_root("/no/such/root", &source));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_ok(open_root("/etc", &source), err);
    assert_false(image_resolve(source, &arena, STR("v1"), NULL, &choice, &out, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    image_source_close(source);
}

static void test_root__stream_may_be_left_early(void **state)
{
    (void)state;
    struct image_source *source = NULL;
    struct blob blob = {0};
    str chunk;
    const char *dir = make_tree();
    assert_ok(open_root(dir, &source), err);
    assert_ok(open_layer(source, &blob), err);
    assert_int_equal(blob.from.read(blob.from.ctx, &chunk, &err), NEXT_ITEM);
    blob_close(&blob);
    image_source_close(source);
    test_rmdir(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_root__lists_all_and_gives_the_bodies_asked_for),
        TEST(test_root__other_names_of_a_file_are_hard_links),
        TEST(test_root__same_tree_gives_the_same_bytes),
        TEST(test_root__image_has_no_digests_to_verify),
        TEST(test_root__long_names_and_large_bodies_survive),
        TEST(test_root__unreadable_folder_is_an_error),
        TEST(test_root__views_of_the_kernel_are_empty_folders),
        TEST(test_root__missing_root_and_tags_are_refused),
        TEST(test_root__stream_may_be_left_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
