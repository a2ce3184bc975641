/* SPDX-License-Identifier: Apache-2.0 */
/* The shared vectors, all files: every row holds, both ways round. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 64, NAME_MAX_BYTES = 64, LINE_MAX_BYTES = 4096, MISSES_SHOWN = 10 };

static int cmp_names(const void *a, const void *b) { return strcmp(a, b); }

/* The names of @path's *.tsv that are an ordering's, sorted. */
static size_t list_schemes(const char *path, char (*names)[NAME_MAX_BYTES])
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        str name = str_from(entry->d_name);
        if (!str_ends(name, STR(".tsv")))
            continue;
        name = str_slice(name, 0, name.len - 4);
        if (str_eq(name, STR("apk-validity")) || str_eq(name, STR("cvss-scores")))
            continue; /* test_apk, test_cvss */
        assert_true(n < FILES_MAX && name.len < NAME_MAX_BYTES);
        memcpy(names[n], name.ptr, name.len);
        names[n++][name.len] = 0;
    }
    closedir(dir);
    qsort(names, n, sizeof(*names), cmp_names);
    return n;
}

static bool next_vector(struct rd *in, str *a, char *op, str *b)
{
    str line, sign;
    if (!rd_line(in, LINE_MAX_BYTES, &line))
        return false;
    assert_true(str_next(&line, '\t', a) && str_next(&line, '\t', &sign) &&
                str_next(&line, '\t', b) && sign.len == 1);
    *op = sign.ptr[0];
    return true;
}

struct count {
    size_t exact, total;
};

static struct count count_file(const char *name, struct arena *arena)
{
    const struct version_scheme *scheme = version_find(str_from(name));
    if (!scheme)
        fail_msg("no ordering is called %s", name);
    char path[128];
    snprintf(path, sizeof(path), "versions/%s.tsv", name);
    struct rd in;
    rd_init(&in, test_shared(arena, path));
    str a, b;
    char op;
    struct count count = {0, 0};
    assert_true(rd_line(&in, LINE_MAX_BYTES, &a)); /* the head */
    for (; next_vector(&in, &a, &op, &b); count.total++) {
        enum version_order ab = scheme->cmp(a, b), ba = scheme->cmp(b, a);
        bool holds = order_sign(ab) == op && ba == order_flip(ab);
        count.exact += holds;
        if (!holds && count.total - count.exact < MISSES_SHOWN)
            print_message("%s: " STR_FMT " %c " STR_FMT ", is %c and %c\n", name, STR_ARG(a), op,
                          STR_ARG(b), order_sign(ab), order_sign(ba));
    }
    return count;
}

static void test_vectors__all_hold(void **state)
{
    (void)state;
    test_need_shared("versions/semver.tsv");
    static char names[FILES_MAX][NAME_MAX_BYTES];
    size_t n = list_schemes(test_shared_path("versions"), names);
    struct count all = {0, 0};
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        arena_init(&arena, CHECK_ARENA);
        struct count count = count_file(names[i], &arena);
        print_message("%s: %zu/%zu\n", names[i], count.exact, count.total);
        all.exact += count.exact;
        all.total += count.total;
        arena_fini(&arena);
    }
    print_message("all: %zu/%zu in %zu files\n", all.exact, all.total, n);
    assert_true(n > 0 && all.total > 0);
    assert_int_equal(all.exact, all.total);
}

/* Where the references differ any answer will do, as long as it is one. */
static void test_vectors__disputed_rows_only_mirror(void **state)
{
    (void)state;
    test_need_shared("versions/disputed");
    static char names[FILES_MAX][NAME_MAX_BYTES];
    size_t n = list_schemes(test_shared_path("versions/disputed"), names);
    for (size_t i = 0; i < n; i++) {
        char path[128];
        snprintf(path, sizeof(path), "versions/disputed/%s.tsv", names[i]);
        const struct version_scheme *scheme = version_find(str_from(names[i]));
        assert_non_null(scheme);
        assert_true(check_vectors(scheme, path, false) > 0);
    }
    assert_true(n > 0);
}

/* --- properties, on versions that are really used ------------------------------------------------
 */
enum { VERSIONS_MAX = 40000, TRIPLES = 60000 };

static size_t read_versions(const char *name, struct arena *arena, str *out)
{
    char path[128];
    snprintf(path, sizeof(path), "versions/%s.tsv", name);
    struct rd in;
    rd_init(&in, test_shared(arena, path));
    str a, b;
    char op;
    size_t n = 0;
    assert_true(rd_line(&in, LINE_MAX_BYTES, &a));
    while (n + 2 <= VERSIONS_MAX && next_vector(&in, &a, &op, &b)) {
        out[n++] = a;
        out[n++] = b;
    }
    return n;
}

/* Two schemes are no orders, and versions that are really used show it: Maven's lists have circles
 * (1-0.alpha < 1 < 1a < 1-0.alpha), and to pacman 1-1 = 1 = 1-2. */
static bool promises_order(const struct version_scheme *scheme)
{
    return strcmp(scheme->name, "maven") != 0 && strcmp(scheme->name, "pacman") != 0;
}

static bool is_broken(enum version_order ab, enum version_order bc, enum version_order ac)
{
    return (ab != VERSION_GREATER && bc != VERSION_GREATER && ac == VERSION_GREATER) ||
           (ab == VERSION_EQUAL && bc != ac);
}

static void check_triples(const struct version_scheme *scheme, const str *versions, size_t n)
{
    struct maker maker = {.state = 7};
    for (size_t i = 0; i < n; i++)
        if (scheme->cmp(versions[i], versions[i]) != VERSION_EQUAL)
            fail_msg("%s: " STR_FMT " does not equal itself", scheme->name, STR_ARG(versions[i]));
    for (size_t i = 0; i < TRIPLES; i++) {
        uint32_t near = maker_random(&maker, (uint32_t)n); /* neighbours are of one package */
        str a = versions[near], b = versions[(near + maker_random(&maker, 40)) % n],
            c = versions[maker_random(&maker, 2) ? (near + maker_random(&maker, 40)) % n
                                                 : maker_random(&maker, (uint32_t)n)];
        enum version_order ab = scheme->cmp(a, b), bc = scheme->cmp(b, c), ac = scheme->cmp(a, c);
        if (scheme->cmp(b, a) != order_flip(ab))
            fail_msg("%s: " STR_FMT " and " STR_FMT, scheme->name, STR_ARG(a), STR_ARG(b));
        if (promises_order(scheme) && ab && bc && ac && is_broken(ab, bc, ac))
            fail_msg("%s: not transitive: " STR_FMT ", " STR_FMT ", " STR_FMT, scheme->name,
                     STR_ARG(a), STR_ARG(b), STR_ARG(c));
    }
}

static void test_vectors__are_in_an_order(void **state)
{
    (void)state;
    test_need_shared("versions/semver.tsv");
    static char names[FILES_MAX][NAME_MAX_BYTES];
    static str versions[VERSIONS_MAX];
    size_t n = list_schemes(test_shared_path("versions"), names);
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        arena_init(&arena, CHECK_ARENA);
        size_t n_versions = read_versions(names[i], &arena, versions);
        check_triples(version_find(str_from(names[i])), versions, n_versions);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors__all_hold),
        cmocka_unit_test(test_vectors__disputed_rows_only_mirror),
        cmocka_unit_test(test_vectors__are_in_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
