/* SPDX-License-Identifier: Apache-2.0 */
/* An rpm database and its -wal in the same layer, in different ones, replaced, removed. */
#include "../support.h"

#include "base/limits.h"
#include "inventory/inventory.h"

#include "tar.h"

enum { LAYERS_MAX = 4 };
#define DB "var/lib/rpm/rpmdb.sqlite"

struct stack {
    struct arena arena;
    struct layer_inventory layers[LAYERS_MAX];
    const struct layer_inventory *pointers[LAYERS_MAX];
    size_t n;
    struct sb tar;
    struct image_inventory image;
};

static void stack_open(struct stack *stack)
{
    *stack = (struct stack){0};
    arena_init(&stack->arena, 256u << 20);
    sb_init(&stack->tar, 64u << 20);
}

static void stack_close(struct stack *stack)
{
    sb_fini(&stack->tar);
    arena_fini(&stack->arena);
}

static str fixture(struct stack *stack, const char *name)
{
    char path[100];
    snprintf(path, sizeof(path), "rpm/%s", name);
    return test_data(&stack->arena, path);
}

static void add(struct stack *stack, const char *path, str body)
{
    tar_add(&stack->tar, '0', str_from(path), STR_NONE, body);
}

/* The layer goes through its bytes, as layers travel. */
static void end_layer(struct stack *stack)
{
    struct err err = {0};
    struct layer_inventory scanned;
    auto_sb bytes;
    sb_init(&bytes, 64u << 20);
    tar_end(&stack->tar);
    assert_ok(scan_tar(&stack->arena, sb_str(&stack->tar), &scanned, &err), err);
    assert_ok(layer_inventory_encode(&scanned, &bytes, &err), err);
    assert_ok(layer_inventory_decode(&stack->arena, sb_str(&bytes), &stack->layers[stack->n], &err),
              err);
    stack->pointers[stack->n] = &stack->layers[stack->n];
    stack->n++;
    sb_clear(&stack->tar);
}

static void add_layer(struct stack *stack, const char *path, const char *name)
{
    add(stack, path, fixture(stack, name));
    end_layer(stack);
}

static void merge(struct stack *stack)
{
    struct err err = {0};
    assert_ok(image_inventory_merge(&stack->arena, &combiner_here, stack->pointers, stack->n,
                                    &stack->image, &err),
              err);
}

/* "bash 5.1.8-9.el9 0, …": name, version, layer. */
static void assert_packages(struct stack *stack, const char *want)
{
    auto_sb out;
    sb_init(&out, 4096);
    for (size_t i = 0; i < stack->image.packages.len; i++) {
        const struct package *p = &stack->image.packages.ptr[i];
        sb_addf(&out, "%s" STR_FMT " " STR_FMT " %d", i ? ", " : "", STR_ARG(p->name),
                STR_ARG(p->version), p->layer);
    }
    assert_str(sb_str(&out), want);
}

static const char both_in_0[] = "bash 5.1.8-9.el9 0, nodejs 1:18.19.0-1.module+el8 0, "
                                "openssl-libs 1:3.0.8-27.el9 0, tzdata-java 2:2024a-1.el9 0";
static const char wal_in_1[] = "bash 5.1.8-9.el9 0, nodejs 1:18.19.0-1.module+el8 1, "
                               "openssl-libs 1:3.0.8-27.el9 1, tzdata-java 2:2024a-1.el9 1";
static const char base_in_0[] = "bash 5.1.8-9.el9 0, openssl-libs 1:3.0.7-27.el9 0";

static void test_wal__in_the_same_layer(void **state)
{
    (void)state;
    for (int is_first = 0; is_first < 2; is_first++) {
        struct stack stack;
        stack_open(&stack);
        if (is_first)
            add(&stack, DB "-wal", fixture(&stack, "base.sqlite-wal"));
        add(&stack, DB, fixture(&stack, "base.sqlite"));
        if (!is_first)
            add(&stack, DB "-wal", fixture(&stack, "base.sqlite-wal"));
        end_layer(&stack);
        merge(&stack);
        assert_packages(&stack, both_in_0);
        assert_true(stack.image.is_complete && stack.image.notices.len == 0);
        stack_close(&stack);
    }
}

static void test_wal__of_a_higher_layer(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add_layer(&stack, DB, "base.sqlite");
    add_layer(&stack, DB "-wal", "base.sqlite-wal");
    merge(&stack);
    assert_packages(&stack, wal_in_1);
    assert_true(stack.image.is_complete);
    stack_close(&stack);
}

static void test_wal__of_a_lower_layer(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add_layer(&stack, DB "-wal", "base.sqlite-wal");
    add_layer(&stack, DB, "base.sqlite");
    merge(&stack);
    assert_int_equal(stack.image.packages.len, 4);
    assert_true(stack.image.is_complete);
    stack_close(&stack);
}

static void test_wal__alone_is_told(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add_layer(&stack, DB "-wal", "base.sqlite-wal");
    merge(&stack);
    assert_int_equal(stack.image.packages.len, 0);
    assert_int_equal(stack.image.notices.len, 1);
    assert_false(stack.image.notices.ptr[0].is_incomplete);
    stack_close(&stack);
}

static void test_wal__taken_away(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add_layer(&stack, DB, "base.sqlite");
    add_layer(&stack, DB "-wal", "base.sqlite-wal");
    add(&stack, "var/lib/rpm/.wh.rpmdb.sqlite-wal", STR_NONE);
    end_layer(&stack);
    merge(&stack);
    /* openssl-libs 3.0.7 is back, by the third layer */
    assert_packages(&stack, "bash 5.1.8-9.el9 0, openssl-libs 1:3.0.7-27.el9 2");
    stack_close(&stack);
}

static void test_wal__emptied_by_a_checkpoint(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add(&stack, DB, fixture(&stack, "base.sqlite"));
    add(&stack, DB "-wal", fixture(&stack, "base.sqlite-wal"));
    end_layer(&stack);
    add(&stack, DB "-wal", STR_NONE);
    add(&stack, DB, fixture(&stack, "five.sqlite"));
    end_layer(&stack);
    merge(&stack);
    /* those that only the first layer's -wal held date from there; 3.0.8 was undone */
    assert_packages(&stack, "bash 5.1.8-9.el9 0, nodejs 1:18.19.0-1.module+el8 0, "
                            "openssl-libs 1:3.0.7-27.el9 1, tzdata-java 2:2024a-1.el9 0");
    assert_true(stack.image.is_complete);
    stack_close(&stack);
}

static void test_wal__behind_a_link(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    tar_add(&stack.tar, '2', STR("var/lib/rpm"), STR("../../usr/lib/sysimage/rpm"), STR_NONE);
    add(&stack, "usr/lib/sysimage/rpm/rpmdb.sqlite", fixture(&stack, "base.sqlite"));
    end_layer(&stack);
    add_layer(&stack, DB "-wal", "base.sqlite-wal"); /* lands in usr/lib/sysimage/rpm */
    merge(&stack);
    assert_packages(&stack, wal_in_1);
    assert_str(stack.image.packages.ptr[0].path, "/usr/lib/sysimage/rpm/rpmdb.sqlite");
    assert_true(stack.image.is_complete);
    stack_close(&stack);
}

static void check_broken(size_t at, const char *want, bool is_complete)
{
    struct stack stack;
    stack_open(&stack);
    str wal = fixture(&stack, "base.sqlite-wal");
    char *copy = malloc(wal.len);
    memcpy(copy, wal.ptr, wal.len);
    copy[at] = (char)(copy[at] ^ 1);
    add(&stack, DB, fixture(&stack, "base.sqlite"));
    add(&stack, DB "-wal", str_of(copy, wal.len));
    end_layer(&stack);
    free(copy);
    merge(&stack);
    assert_packages(&stack, want);
    assert_true(stack.image.is_complete == is_complete);
    stack_close(&stack);
}

static void test_wal__damage(void **state)
{
    (void)state;
    check_broken(8, base_in_0, false); /* its page size: its head's checksum is wrong */
    check_broken(32 + 8, base_in_0,
                 true); /* the first frame's salt: none counts, as SQLite has it */
    check_broken(32 + 100, base_in_0, true); /* a byte of its page: a torn write, never committed */
}

static void test_wal__of_another_page_size(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    str wal = fixture(&stack, "base.sqlite-wal");
    add(&stack, DB "-wal", wal);
    str db = fixture(&stack, "base.sqlite");
    char *copy = malloc(db.len);
    memcpy(copy, db.ptr, db.len);
    copy[16] = 4; /* 1,024 */
    add(&stack, DB, str_of(copy, db.len));
    free(copy);
    end_layer(&stack);
    merge(&stack);
    assert_false(stack.image.is_complete);
    stack_close(&stack);
}

/* A database of more than LIMIT_DEFERRED is read, but not kept. */
static void test_wal__of_a_database_too_large_to_keep(void **state)
{
    (void)state;
    for (int has_wal = 0; has_wal < 2; has_wal++) {
        struct stack stack;
        stack_open(&stack);
        str db = fixture(&stack, "base.sqlite");
        char *large = calloc(1, LIMIT(DEFERRED) + 512);
        memcpy(large, db.ptr, db.len);
        add(&stack, DB, str_of(large, LIMIT(DEFERRED) + 512));
        free(large);
        end_layer(&stack);
        if (has_wal)
            add_layer(&stack, DB "-wal", "base.sqlite-wal");
        else
            add(&stack, DB "-wal", STR_NONE), end_layer(&stack);
        merge(&stack);
        assert_packages(&stack, base_in_0);
        assert_true(stack.image.is_complete == !has_wal);
        stack_close(&stack);
    }
}

static void test_wal__is_a_link(void **state)
{
    (void)state;
    struct stack stack;
    stack_open(&stack);
    add(&stack, DB, fixture(&stack, "base.sqlite"));
    tar_add(&stack.tar, '2', STR(DB "-wal"), STR("/tmp/x"), STR_NONE);
    end_layer(&stack);
    merge(&stack);
    assert_packages(&stack, base_in_0);
    assert_false(stack.image.is_complete);
    stack_close(&stack);
}

static void check_limit(enum limit_id id, uint64_t value, const char *path, const char *name,
                        const char *why)
{
    struct stack stack;
    struct limits limits = limits_default();
    stack_open(&stack);
    limits.of[id] = value;
    limits_set(&limits);
    add_layer(&stack, path, name);
    merge(&stack);
    limits = limits_default();
    limits_set(&limits);
    assert_false(stack.image.is_complete);
    assert_true(str_has(stack.image.notices.ptr[0].message, str_from(why)));
    stack_close(&stack);
}

static void test_rpm__limits(void **state)
{
    (void)state;
    check_limit(LIMIT_ID_RPM_HEADER, 600, "var/lib/rpm/Packages", "five.bdb", "rpm-header");
    check_limit(LIMIT_ID_RPM_HEADER, 600, "var/lib/rpm/Packages.db", "five.ndb", "rpm-header");
    check_limit(LIMIT_ID_RPM_HEADER, 600, DB, "five.sqlite", "rpm-header");
    check_limit(LIMIT_ID_BTREE_DEPTH, 1, DB, "many.sqlite", "btree-depth");
}

static void test_wal__of_the_shared_corpus(void **state)
{
    (void)state;
    test_need_shared("corpus/rpm/derived-sqlite-wal/rpmdb.sqlite-wal");
    struct stack stack;
    stack_open(&stack);
    add(&stack, DB, test_shared(&stack.arena, "corpus/rpm/derived-sqlite-wal/rpmdb.sqlite"));
    end_layer(&stack);
    merge(&stack);
    assert_int_equal(stack.image.packages.len, 1);
    add(&stack, DB "-wal",
        test_shared(&stack.arena, "corpus/rpm/derived-sqlite-wal/rpmdb.sqlite-wal"));
    end_layer(&stack);
    merge(&stack);
    assert_int_equal(stack.image.packages.len, 7);
    assert_true(stack.image.is_complete);
    stack_close(&stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wal__in_the_same_layer),
        cmocka_unit_test(test_wal__of_a_higher_layer),
        cmocka_unit_test(test_wal__of_a_lower_layer),
        cmocka_unit_test(test_wal__alone_is_told),
        cmocka_unit_test(test_wal__taken_away),
        cmocka_unit_test(test_wal__emptied_by_a_checkpoint),
        cmocka_unit_test(test_wal__behind_a_link),
        cmocka_unit_test(test_wal__damage),
        cmocka_unit_test(test_wal__of_another_page_size),
        cmocka_unit_test(test_wal__of_a_database_too_large_to_keep),
        cmocka_unit_test(test_wal__is_a_link),
        cmocka_unit_test(test_rpm__limits),
        cmocka_unit_test(test_wal__of_the_shared_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
