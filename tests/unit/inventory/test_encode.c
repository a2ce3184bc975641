/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include <stdlib.h>
#include <string.h>

#include "inventory/inventory.h"

#include "tar.h"

/* A layer with every kind of step, file and notice. */
static void make_layer(struct arena *arena, struct layer_inventory *layer)
{
    struct err err = {0};
    auto_sb tar;
    sb_init(&tar, 1u << 20);
    tar_add(&tar, '2', STR("lib"), STR("usr/lib"), STR_NONE);
    tar_add(&tar, '0', STR("var/.wh.x"), STR_NONE, STR_NONE);
    tar_add(&tar, '0', STR(".wh..wh..opq"), STR_NONE, STR_NONE);
    tar_add(&tar, '5', STR("var/lib"), STR_NONE, STR_NONE);
    tar_add(&tar, '0', STR("usr"), STR_NONE, STR("file"));
    tar_add(&tar, '0', STR("opt/bin/tool"), STR_NONE, STR("#!/bin/sh\n"));
    tar_add(&tar, '1', STR("opt/bin/twin"), STR("opt/bin/tool"), STR_NONE);
    tar_add(&tar, '2', STR("opt/lib"), STR("/var/lib"), STR_NONE);
    tar_add(&tar, '0', STR("lib/dpkg/info/b.list"), STR_NONE, STR("/bin/a\n/opt/bin/tool\n"));
    tar_add(&tar, '0', STR("lib/dpkg/diversions"), STR_NONE, STR("/a\n/a.b\nc\n/d\n/e\n:\n"));
    tar_add(&tar, '1', STR("etc/os-release"), STR("usr/lib/os-release"), STR_NONE);
    tar_add(&tar, '0', STR("../etc/os-release"), STR_NONE, STR_NONE);
    tar_add(&tar, '0', STR("lib/apk/db/installed"), STR_NONE,
            STR("P:a\nV:1\nA:x\nL:MIT AND ISC\no:src\nm:me\n\nP:b\nV:1\nA:x\nL:MIT AND ISC\no:src\n"
                "m:me\n\nP:c\nV:2\nF:lib\nR:x\nR:y\n\nbroken\n"));
    tar_add(&tar, '0', STR("usr/lib/os-release"), STR_NONE,
            STR("ID=debian\nVERSION_ID=12\nID_LIKE=x\nVERSION_CODENAME=bookworm\nPRETTY_NAME=D\n"));
    tar_add(&tar, '0', STR("usr/lib/os-release"), STR_NONE, STR("ID=later\n"));
    tar_add(&tar, '0', STR("var/lib/rpm/rpmdb.sqlite"), STR_NONE,
            test_data(arena, "rpm/utf16.sqlite"));
    tar_add(&tar, '0', STR("var/lib/rpm/Packages"), STR_NONE, test_data(arena, "rpm/five.bdb"));
    tar_end(&tar);
    assert_ok(scan_tar(arena, sb_str(&tar), layer, &err), err);
}

static str encode(struct arena *arena, const struct layer_inventory *layer)
{
    struct err err = {0};
    auto_sb out;
    sb_init(&out, 1u << 20);
    assert_ok(layer_inventory_encode(layer, &out, &err), err);
    return arena_dup(arena, sb_str(&out));
}

static void assert_same_str(str a, str b) { assert_true(str_eq(a, b)); }

static void assert_same_hashes(const uint64_t *a, size_t n, const uint64_t *b, size_t m)
{
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_true(a[i] == b[i]);
}

static void assert_same_owners(const struct file_record *a, const struct file_record *b)
{
    assert_int_equal(a->owners.len, b->owners.len);
    for (size_t i = 0; i < a->owners.len; i++) {
        const struct file_owner *p = &a->owners.ptr[i], *q = &b->owners.ptr[i];
        assert_same_str(p->name, q->name);
        assert_same_hashes(p->paths.ptr, p->paths.len, q->paths.ptr, q->paths.len);
    }
    assert_int_equal(a->diversions.len, b->diversions.len);
    for (size_t i = 0; i < a->diversions.len; i++) {
        const struct file_diversion *p = &a->diversions.ptr[i], *q = &b->diversions.ptr[i];
        assert_same_str(p->by, q->by);
        assert_true(p->from == q->from && p->to == q->to);
    }
}

static void assert_same_log(const struct exec_log *a, const struct exec_log *b)
{
    assert_true(a->is_cut == b->is_cut);
    assert_int_equal(a->runs.len, b->runs.len);
    for (size_t i = 0; i < a->runs.len; i++) {
        const struct exec_run *p = &a->runs.ptr[i], *q = &b->runs.ptr[i];
        assert_same_str(p->folder, q->folder);
        assert_true(p->order == q->order && p->n_entries == q->n_entries &&
                    p->is_entry == q->is_entry);
    }
    assert_int_equal(a->entries.len, b->entries.len);
    for (size_t i = 0; i < a->entries.len; i++)
        assert_true(a->entries.ptr[i].name == b->entries.ptr[i].name &&
                    a->entries.ptr[i].kind == b->entries.ptr[i].kind &&
                    a->entries.ptr[i].detail == b->entries.ptr[i].detail);
    assert_int_equal(a->details.len, b->details.len);
    for (size_t i = 0; i < a->details.len; i++) {
        const struct exec_detail *p = &a->details.ptr[i], *q = &b->details.ptr[i];
        assert_same_str(p->target, q->target);
        assert_true(p->size_bytes == q->size_bytes);
        assert_true(str_eq(p->name, q->name) || q->name.len == 0); /* of symlinks not kept */
    }
}

static void assert_same_file(const struct file_record *a, const struct file_record *b)
{
    assert_same_str(a->path, b->path);
    assert_same_str(a->reason, b->reason);
    assert_same_str(a->raw, b->raw);
    assert_true(a->has_raw == b->has_raw);
    assert_same_str(a->distro.id, b->distro.id);
    assert_same_str(a->distro.id_like, b->distro.id_like);
    assert_same_str(a->distro.version_id, b->distro.version_id);
    assert_same_str(a->distro.codename, b->distro.codename);
    assert_same_str(a->distro.name, b->distro.name);
    assert_same_str(a->distro.path, b->distro.path);
    assert_true(a->detector == b->detector && a->order == b->order && a->is_failed == b->is_failed);
    assert_same_owners(a, b);
    assert_int_equal(a->packages.len, b->packages.len);
    for (size_t i = 0; i < a->packages.len; i++) {
        const struct package *p = &a->packages.ptr[i], *q = &b->packages.ptr[i];
        assert_same_str(p->type, q->type);
        assert_same_str(p->name, q->name);
        assert_same_str(p->version, q->version);
        assert_same_str(p->arch, q->arch);
        assert_same_str(p->source_name, q->source_name);
        assert_same_str(p->source_version, q->source_version);
        assert_same_str(p->maintainer, q->maintainer);
        assert_same_str(p->vendor, q->vendor);
        assert_same_str(p->modularity, q->modularity);
        assert_same_str(p->path, q->path);
        assert_true(p->layer == q->layer && p->is_os == q->is_os && p->evidence == q->evidence);
        assert_int_equal(p->licenses.len, q->licenses.len);
        for (size_t l = 0; l < p->licenses.len; l++)
            assert_same_str(p->licenses.ptr[l], q->licenses.ptr[l]);
    }
}

static void test_encode__comes_back_the_same(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16u << 20);
    struct err err = {0};
    struct layer_inventory layer, back;
    make_layer(&arena, &layer);
    for (size_t i = 0; i < layer.files.ptr[0].packages.len; i++) { /* as of a language */
        layer.files.ptr[0].packages.ptr[i].is_os = i != 1;
        layer.files.ptr[0].packages.ptr[i].evidence = i ? EVIDENCE_DECLARED : EVIDENCE_INSTALLED;
    }
    assert_true(layer.files.ptr[0].packages.len > 1);
    assert_true(layer.files.len == 7 && layer.steps.len == 7 && layer.notices.len == 1);
    str bytes = encode(&arena, &layer);
    assert_ok(layer_inventory_decode(&arena, bytes, &back, &err), err);
    assert_int_equal(back.n_entries, layer.n_entries);
    assert_int_equal(back.size_bytes, layer.size_bytes);
    assert_int_equal(back.files.len, layer.files.len);
    for (size_t i = 0; i < back.files.len; i++)
        assert_same_file(&back.files.ptr[i], &layer.files.ptr[i]);
    assert_int_equal(layer.executables.details.len, 5);
    assert_same_log(&layer.executables, &back.executables);
    assert_int_equal(back.steps.len, layer.steps.len);
    for (size_t i = 0; i < back.steps.len; i++) {
        assert_true(back.steps.ptr[i].kind == layer.steps.ptr[i].kind);
        assert_true(back.steps.ptr[i].order == layer.steps.ptr[i].order);
        assert_same_str(back.steps.ptr[i].path, layer.steps.ptr[i].path);
        assert_same_str(back.steps.ptr[i].target, layer.steps.ptr[i].target);
    }
    assert_int_equal(back.notices.len, layer.notices.len);
    assert_same_str(back.notices.ptr[0].message, layer.notices.ptr[0].message);
    assert_true(str_eq(bytes, encode(&arena, &back)));
    arena_fini(&arena);
}

static void test_decode__refuses_every_prefix(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64u << 20);
    struct layer_inventory layer, back;
    make_layer(&arena, &layer);
    str bytes = encode(&arena, &layer);
    for (size_t n = 0; n < bytes.len; n++) {
        struct err err = {0};
        assert_false(layer_inventory_decode(&arena, str_slice(bytes, 0, n), &back, &err));
        assert_true(err_is(&err));
    }
    arena_fini(&arena);
}

/* Flipped bytes are refused, or mean a layer that encodes again. */
static void test_decode__survives_flipped_bytes(void **state)
{
    (void)state;
    struct arena arena, own;
    arena_init(&arena, 16u << 20);
    struct layer_inventory layer, back;
    make_layer(&arena, &layer);
    str bytes = encode(&arena, &layer);
    char *copy = malloc(bytes.len);
    for (size_t i = 0; i < bytes.len * 8; i++) {
        struct err err = {0};
        memcpy(copy, bytes.ptr, bytes.len);
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << (i % 8)));
        arena_init(&own, 16u << 20);
        if (layer_inventory_decode(&own, str_of(copy, bytes.len), &back, &err))
            (void)encode(&own, &back);
        else
            assert_true(err_is(&err));
        arena_fini(&own);
    }
    free(copy);
    arena_fini(&arena);
}

static void refuse(struct arena *arena, const void *bytes, size_t n, enum err_kind kind,
                   const char *why)
{
    struct layer_inventory layer;
    struct err err = {0};
    assert_false(layer_inventory_decode(arena, str_of(bytes, n), &layer, &err));
    assert_int_equal(err.kind, kind);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}
#define REFUSE(kind, why, ...)                                                                     \
    refuse(&arena, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), kind,   \
           why)

static void test_decode__trusts_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1u << 20);
    /*                version, entries, size, steps … files … executables (is cut, runs) … notices
     */
    REFUSE(ERR_UNSUPPORTED, "format 9", 9, 0, 0, 0, 0, 0, 0, 0);
    REFUSE(ERR_FORMAT, "too many", 3, 0, 0, 0, 0, 0, 0, 0, 0);
    REFUSE(ERR_FORMAT, "step of kind 6", 3, 0, 0, 1, 6, 1, 1, 'a', 0, 0);
    REFUSE(ERR_FORMAT, "two steps of one entry", 3, 0, 0, 1, 0, 0, 1, 'a', 0, 0);
    REFUSE(ERR_FORMAT, "not clean", 3, 0, 0, 1, 0, 1, 2, '/', 'a', 0, 0);
    REFUSE(ERR_FORMAT, "not clean", 3, 0, 0, 1, 0, 1, 2, '.', '.', 0, 0);
    REFUSE(ERR_FORMAT, "not clean", 3, 0, 0, 1, 0, 1, 0, 0, 0);
    REFUSE(ERR_LIMIT, "more than", 3, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f);
    REFUSE(ERR_FORMAT, "detector \"np\" is not known", 3, 0, 0, 0, 1, 1, 'a', 1, 2, 'n', 'p', 0, 0,
           0);
    REFUSE(ERR_FORMAT, "flags 8", 3, 0, 0, 0, 1, 1, 'a', 1, 3, 'a', 'p', 'k', 8, 0, 0);
    REFUSE(ERR_FORMAT, "needs none", 3, 0, 0, 0, 1, 1, 'a', 1, 3, 'a', 'p', 'k', 4, 1, 'x', 0, 0);
    REFUSE(ERR_FORMAT, "unknown fields", 3, 0, 0, 0, 1, 1, 'a', 1, 3, 'a', 'p', 'k', 0, 0, 0, 1, 0,
           0xff);
    REFUSE(ERR_FORMAT, "out of order", 3, 0, 0, 0, 2, 1, 'b', 1, 3, 'a', 'p', 'k', 0, 0, 0, 0, 1,
           'a', 2, 3, 'a', 'p', 'k', 0, 0, 0, 0, 0);
    REFUSE(ERR_FORMAT, "listed twice", 3, 0, 0, 0, 1, 1, 'a', 1, 3, 'a', 'p', 'k', 0, 1, 1, 'p', 2,
           5, 0, 0, 0, 0, 0, 0);
    REFUSE(ERR_FORMAT, "notice of kind", 3, 0, 0, 0, 0, 0, 0, 1, 9, 0, 0, 0);
    REFUSE(ERR_FORMAT, "with flag 2", 3, 0, 0, 0, 0, 2, 0, 0);
    REFUSE(ERR_FORMAT, "run of executables", 3, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0);
    REFUSE(ERR_FORMAT, "root as an entry", 3, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0);
    REFUSE(ERR_LIMIT, "more than", 3, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0);
    REFUSE(ERR_FORMAT, "not clean", 3, 0, 0, 0, 0, 0, 1, 0, 1, 0, 3, 'a', '/', '/', 0, 0);
    REFUSE(ERR_FORMAT, "of kind 4", 3, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 'a', 1, 4, 0);
    REFUSE(ERR_FORMAT, "name that is none", 3, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 'a', 1, 1, 3, 'b', '/',
           'c', 9, 0);
    struct layer_inventory layer;
    struct err err = {0};
    assert_ok(layer_inventory_decode(&arena, STR("\3\0\0\0\0\0\0\0"), &layer, &err), err);
    arena_fini(&arena);
}

static void test_encode__does_not_fit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16u << 20);
    struct err err = {0};
    struct layer_inventory layer;
    make_layer(&arena, &layer);
    auto_sb out;
    sb_init(&out, 50);
    assert_false(layer_inventory_encode(&layer, &out, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode__comes_back_the_same),
        cmocka_unit_test(test_decode__refuses_every_prefix),
        cmocka_unit_test(test_decode__survives_flipped_bytes),
        cmocka_unit_test(test_decode__trusts_nothing),
        cmocka_unit_test(test_encode__does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
