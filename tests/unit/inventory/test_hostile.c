/* SPDX-License-Identifier: Apache-2.0 */
/* Damage, for every detector of the table: a cut, a byte, a number that lies, gibibytes of garbage.
 * Each time the image's other packages are there, and what was not read whole is told and makes the
 * image incomplete. */
#include "fixtures.h"

#include <sys/resource.h>

#include "base/limits.h"
#include "base/num.h"

/* The sanitizers take five times as long. */
enum { ARENA = 64 << 20, EACH_BYTE = PLIMSOLL_SANITIZED ? 700 : 4096, STRIDE = 61 };

/* --- one file, parsed ------------------------------------------------------------------------- */
static void check_packages(const packages *all)
{
    for (size_t i = 0; i < all->len; i++)
        assert_true(all->ptr[i].type.len && all->ptr[i].name.len && all->ptr[i].version.len);
}

/* @text: of an exact size, so that the sanitizer sees a read behind its end. */
static bool parse(const struct fixture *fixture, str text, size_t *n_packages)
{
    struct arena arena;
    struct rd in;
    struct err err = {0};
    struct file_record file = {.path = fixture->path, .detector = fixture->detector};
    arena_init(&arena, ARENA);
    rd_init(&in, text);
    bool ok = fixture->detector->parse(&arena, fixture->path, &in, &file, &err);
    if (ok == err_is(&err) ||
        (!ok && err.kind != ERR_FORMAT && err.kind != ERR_LIMIT && err.kind != ERR_UNSUPPORTED))
        fail_msg("%s: \"%.*s\": %d, \"%s\"", fixture->detector->name, STR_ARG(fixture->title), ok,
                 err.msg);
    check_packages(&file.packages);
    *n_packages = file.packages.len;
    arena_fini(&arena);
    return ok;
}

/* --- the same in an image --------------------------------------------------------------------- */
struct image {
    struct arena arena;
    struct layer_inventory layer;
    struct image_inventory merged;
};

/* The file of the fixture with @text as body, before or behind another database; the layer travels
 * as bytes. */
static void image_make(struct image *image, const struct fixture *fixture, str text, bool is_first)
{
    struct err err = {0};
    struct layer_inventory scanned;
    const struct layer_inventory *layer = &image->layer;
    struct witness witness = witness_for(fixture->detector);
    auto_sb tar, bytes;
    sb_init(&tar, 32 << 20);
    sb_init(&bytes, 32 << 20);
    arena_init(&image->arena, ARENA);
    if (is_first)
        tar_add(&tar, '0', fixture->path, STR_NONE, text);
    tar_add(&tar, '0', witness.path, STR_NONE, witness.text);
    if (!is_first)
        tar_add(&tar, '0', fixture->path, STR_NONE, text);
    tar_end(&tar);
    assert_ok(scan_tar(&image->arena, sb_str(&tar), &scanned, &err), err);
    assert_ok(layer_inventory_encode(&scanned, &bytes, &err), err);
    assert_ok(layer_inventory_decode(&image->arena, sb_str(&bytes), &image->layer, &err), err);
    assert_ok(image_inventory_merge(&image->arena, &combiner_here, &layer, 1, &image->merged, &err),
              err);
}

static const struct file_record *record_of(const struct image *image, str path)
{
    for (size_t i = 0; i < image->layer.files.len; i++)
        if (str_eq(image->layer.files.ptr[i].path, path))
            return &image->layer.files.ptr[i];
    fail_msg("%.*s is not in the layer", STR_ARG(path));
    abort();
}

static const struct notice *notice_of(const struct image *image, str path)
{
    for (size_t i = 0; i < image->merged.notices.len; i++)
        if (str_eq(str_skip(image->merged.notices.ptr[i].path, 1), path))
            return &image->merged.notices.ptr[i];
    return NULL;
}

static bool has_witness(const struct image *image, const struct detector *detector)
{
    struct witness witness = witness_for(detector);
    for (size_t i = 0; i < image->merged.packages.len; i++) {
        const struct package *package = &image->merged.packages.ptr[i];
        if (str_eq(package->name, STR("witness")) && str_eq(package->type, witness.type))
            return true;
    }
    return false;
}

/* What must be incomplete when it is unreadable; lists of files only cost coverage. */
static bool counts(const struct detector *detector)
{
    return detector->is_os_database || detector->release_rank;
}

static void check_image(const struct image *image, const struct fixture *fixture)
{
    const struct detector *detector = fixture->detector;
    const struct file_record *file = record_of(image, fixture->path);
    const struct notice *notice = notice_of(image, fixture->path);
    check_packages(&image->merged.packages);
    if (!has_witness(image, detector))
        fail_msg("%s: \"%.*s\": the other database's package is gone", detector->name,
                 STR_ARG(fixture->title));
    assert_true(file->detector == detector);
    if (!file->is_failed)
        return;
    if (!notice || !notice->message.len || notice->is_incomplete != counts(detector))
        fail_msg("%s: \"%.*s\": no notice, or another", detector->name, STR_ARG(fixture->title));
    assert_true(!counts(detector) || !image->merged.is_complete);
}

/* Whether it was read whole. */
static bool in_image(const struct fixture *fixture, str text, bool is_first)
{
    struct image image = {0};
    image_make(&image, fixture, text, is_first);
    check_image(&image, fixture);
    bool is_whole = !record_of(&image, fixture->path)->is_failed;
    arena_fini(&image.arena);
    return is_whole;
}

/* --- for each detector ------------------------------------------------------------------------ */
static void each_fixture(void (*visit)(const struct fixture *fixture))
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++) {
        struct arena arena;
        arena_init(&arena, ARENA);
        fixtures of_it = fixtures_of(&arena, all[i]);
        for (size_t f = 0; f < of_it.len; f++)
            visit(&of_it.ptr[f]);
        arena_fini(&arena);
    }
}

static bool is_binary(const struct detector *detector)
{
    return str_starts(str_from(detector->name), STR("rpm_"));
}

static char *copy_of(str text)
{
    char *copy = malloc(text.len ? text.len : 1);
    assert_non_null(copy);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

/* A database of binary records that is cut says so, or has all that it had. */
static void visit_prefixes(const struct fixture *fixture)
{
    size_t n_whole, n_packages;
    bool is_whole = parse(fixture, fixture->text, &n_whole);
    for (size_t len = 0; len < fixture->text.len; len += len < EACH_BYTE ? 1 : STRIDE) {
        char *copy = copy_of(str_slice(fixture->text, 0, len));
        bool ok = parse(fixture, str_of(copy, len), &n_packages);
        if (ok && len && is_whole && is_binary(fixture->detector) && n_packages < n_whole)
            fail_msg("%s: \"%.*s\" cut to %zu bytes has %zu of %zu packages and nothing to say",
                     fixture->detector->name, STR_ARG(fixture->title), len, n_packages, n_whole);
        if (fixture->is_placed && len % (STRIDE * 8) == 0)
            (void)in_image(fixture, str_of(copy, len), len % 2);
        free(copy);
    }
}

static void test_hostile__every_prefix(void **state)
{
    (void)state;
    each_fixture(visit_prefixes);
}

/* Which page is a table's first is in its row of the schema only. */
static bool may_lose(const struct fixture *fixture, size_t at)
{
    return !is_binary(fixture->detector) ||
           (str_starts(fixture->text, STR("SQLite")) && at >= 100 && at < 512);
}

static void visit_flips(const struct fixture *fixture)
{
    static const unsigned char masks[] = {0x01, 0x20, 0x80, 0xff};
    str text = fixture->text;
    size_t n_packages, n_whole, n_images = 0;
    char *copy = copy_of(text);
    bool is_whole = parse(fixture, text, &n_whole);
    for (size_t at = 0; at < text.len; at += at < EACH_BYTE ? 1 : STRIDE) {
        for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
            copy[at] = (char)(text.ptr[at] ^ masks[m]);
            bool ok = parse(fixture, str_of(copy, text.len), &n_packages);
            if (ok && is_whole && n_packages < n_whole && !may_lose(fixture, at))
                fail_msg("%s: \"%.*s\" lost a package without a word at byte %zu",
                         fixture->detector->name, STR_ARG(fixture->title), at);
            if (fixture->is_placed && ++n_images % (8 * STRIDE) == 0)
                assert_int_equal(in_image(fixture, str_of(copy, text.len), at % 2), ok);
        }
        copy[at] = text.ptr[at];
    }
    free(copy);
}

static void test_hostile__every_byte_another(void **state)
{
    (void)state;
    each_fixture(visit_flips);
}

static void put_number(char *to, uint64_t value, unsigned width, bool is_big)
{
    for (unsigned i = 0; i < width; i++)
        to[is_big ? width - 1 - i : i] = (char)(value >> (8 * i));
}

/* Wherever a binary format may have a length or a count: those that such code gets wrong. */
static void visit_numbers(const struct fixture *fixture)
{
    str text = fixture->text;
    if (!is_binary(fixture->detector))
        return;
    const uint64_t lies[] = {0,         1,        text.len,   text.len - 1,   UINT16_MAX,
                             INT32_MAX, 1u << 31, UINT32_MAX, UINT32_MAX - 15};
    size_t n_packages;
    char *copy = copy_of(text);
    for (size_t at = 0; at + 4 <= text.len; at += at < 128 ? 1 : at < EACH_BYTE ? 4 : STRIDE) {
        for (size_t i = 0; i < 2 * ARRAY_LEN(lies); i++) {
            put_number(copy + at, lies[i / 2], 4, i % 2);
            (void)parse(fixture, str_of(copy, text.len), &n_packages);
            memcpy(copy + at, text.ptr + at, 4);
            put_number(copy + at, lies[i / 2], 2, i % 2);
            (void)parse(fixture, str_of(copy, text.len), &n_packages);
            memcpy(copy + at, text.ptr + at, 4);
        }
    }
    free(copy);
}

static void test_hostile__numbers_that_lie(void **state)
{
    (void)state;
    each_fixture(visit_numbers);
}

/* The cases that expect a reason. */
static void visit_broken(const struct fixture *fixture)
{
    if (!fixture->is_failing || !fixture->is_placed)
        return;
    assert_false(in_image(fixture, fixture->text, true));
    assert_false(in_image(fixture, fixture->text, false));
}

static void test_hostile__a_broken_one_is_told_and_the_others_are_there(void **state)
{
    (void)state;
    each_fixture(visit_broken);
}

/* --- much of it ------------------------------------------------------------------------------- */
enum { CHUNK = 1 << 20 };
enum flood { FLOOD_GARBAGE, FLOOD_LINE, FLOOD_LINES, FLOOD_ZEROS, FLOOD_KINDS };

/* An archive whose files are never in memory: each detector's first path, and a witness behind. */
struct giant {
    const struct detector *const *all;
    size_t n, at;
    uint64_t size, left;
    struct sb head;
    char *chunk;
    bool is_done;
};

static void fill(char *chunk, enum flood flood)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < CHUNK; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        chunk[i] = flood == FLOOD_GARBAGE ? (char)x
                   : flood == FLOOD_LINE  ? 'x'
                   : flood == FLOOD_LINES ? "Field: value\n"[i % 13]
                                          : '\0';
    }
}

static enum next giant_read(void *ctx, str *chunk, struct err *err)
{
    (void)err;
    struct giant *giant = ctx;
    if (giant->left) {
        size_t n = num_min((size_t)giant->left, CHUNK);
        *chunk = str_of(giant->chunk, n);
        giant->left -= n;
        return NEXT_ITEM;
    }
    sb_clear(&giant->head);
    if (giant->at < giant->n) {
        const struct detector *detector = giant->all[giant->at++];
        tar_header(&giant->head, '0', str_from(detector->paths[0]), STR_NONE, (size_t)giant->size);
        giant->left = giant->size;
    } else if (!giant->is_done) {
        tar_add(&giant->head, '0', STR("var/lib/dpkg/status.d/witness"), STR_NONE,
                STR("Package: witness\nVersion: 1.0\n"));
        tar_end(&giant->head);
        giant->is_done = true;
    } else {
        return NEXT_END;
    }
    *chunk = sb_str(&giant->head);
    return NEXT_ITEM;
}

static long peak_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/* Each detector's file of @size bytes; @max_kib of memory more than before. */
static void check_giants(enum flood flood, uint64_t size, long max_kib, bool all_fail)
{
    struct image image = {0};
    struct err err = {0};
    const struct layer_inventory *layer = &image.layer;
    struct giant giant = {.size = size, .chunk = malloc(CHUNK)};
    long before = peak_kib();
    giant.all = inventory_detectors(&giant.n);
    sb_init(&giant.head, 1 << 20);
    fill(giant.chunk, flood);
    arena_init(&image.arena, ARENA);
    assert_ok(
        scan_source(&image.arena, NULL, (struct source){giant_read, &giant}, &image.layer, &err),
        err);
    assert_ok(image_inventory_merge(&image.arena, &combiner_here, &layer, 1, &image.merged, &err),
              err);
    assert_false(image.merged.is_complete);
    assert_int_equal(image.merged.packages.len, 1);
    assert_str(image.merged.packages.ptr[0].name, "witness");
    for (size_t i = 0; i < giant.n; i++) {
        str path = str_from(giant.all[i]->paths[0]);
        const struct file_record *file = record_of(&image, path);
        bool is_told = file->is_failed && file->reason.len;
        if (!is_told && (all_fail || giant.all[i]->is_os_database))
            fail_msg("%s: %llu bytes of kind %d are no failure", giant.all[i]->name,
                     (unsigned long long)size, flood);
        if (giant.all[i]->is_os_database)
            assert_true(notice_of(&image, path) && notice_of(&image, path)->is_incomplete);
    }
    arena_fini(&image.arena);
    sb_fini(&giant.head);
    free(giant.chunk);
    if (!PLIMSOLL_SANITIZED && peak_kib() - before > max_kib)
        fail_msg("%ld KiB for it", peak_kib() - before);
}

static void test_hostile__a_gibibyte_each(void **state)
{
    (void)state;
    for (enum flood flood = 0; flood < FLOOD_KINDS; flood++)
        check_giants(flood, 1u << 30, 16 << 10, true);
}

/* Below the limit it is read, in memory of the order of its size. */
static void test_hostile__as_much_as_is_read(void **state)
{
    (void)state;
    uint64_t size = PLIMSOLL_SANITIZED ? 4 << 20 : 16 << 20;
    for (enum flood flood = 0; flood < FLOOD_ZEROS; flood++)
        check_giants(flood, size, 80 << 10, false);
}

/* --- records without end ---------------------------------------------------------------------- */
static const struct {
    const char *name, *head, *tail; /* of a record, around its number */
} endless[] = {
    {"dpkg", "Package: p", "\nStatus: install ok installed\nVersion: 1\n\n"},
    {"apk", "P:p", "\nV:1\n\n"},
    {"opkg", "Package: p", "\nStatus: install ok installed\nVersion: 1\n\n"},
};

static str many_records(struct sb *text, size_t which, int n)
{
    for (int i = 0; i < n; i++)
        sb_addf(text, "%s%d%s", endless[which].head, i, endless[which].tail);
    return sb_str(text);
}

static void test_hostile__packages_for_more_memory_than_there_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        auto_sb text;
        struct fixture fixture = {.detector = detector_named(endless[i].name),
                                  .title = STR("endless")};
        sb_init(&text, 32 << 20);
        fixture.path = str_from(fixture.detector->paths[0]);
        fixture.text = many_records(&text, i, 300000);
        struct image image = {0};
        image_make(&image, &fixture, fixture.text, true);
        check_image(&image, &fixture);
        const struct file_record *file = record_of(&image, fixture.path);
        assert_true(file->is_failed && str_has(file->reason, STR("memory")));
        arena_fini(&image.arena);
    }
}

static void test_hostile__more_packages_than_a_layer_can_have(void **state)
{
    (void)state;
    struct limits before = *limits_now(), limits = before;
    limits.of[LIMIT_ID_INVENTORY] = 1000;
    limits_set(&limits);
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        auto_sb text;
        struct fixture fixture = {.detector = detector_named(endless[i].name),
                                  .title = STR("many")};
        sb_init(&text, 1 << 20);
        fixture.path = str_from(fixture.detector->paths[0]);
        fixture.text = many_records(&text, i, 1200);
        for (int is_first = 0; is_first < 2; is_first++)
            assert_false(in_image(&fixture, fixture.text, is_first));
    }
    limits_set(&before);
}

/* --- many of them ----------------------------------------------------------------------------- */
/* A layer of @n files of status.d, each as given. */
static void status_d(struct image *image, int n, const char *head, const char *tail)
{
    struct err err = {0};
    const struct layer_inventory *layer = &image->layer;
    auto_sb tar;
    sb_init(&tar, 32 << 20);
    arena_init(&image->arena, ARENA);
    for (int i = 0; i < n; i++) {
        str path = arena_printf(&image->arena, "var/lib/dpkg/status.d/p%d", i);
        str body = arena_printf(&image->arena, "%s%d%s", head, i, tail);
        tar_add(&tar, '0', path, STR_NONE, body);
    }
    tar_end(&tar);
    assert_ok(scan_tar(&image->arena, sb_str(&tar), &image->layer, &err), err);
    assert_ok(image_inventory_merge(&image->arena, &combiner_here, &layer, 1, &image->merged, &err),
              err);
}

static void test_hostile__notices_are_counted_from_some_number_on(void **state)
{
    (void)state;
    struct limits before = *limits_now(), limits = before;
    struct image image = {0};
    limits.of[LIMIT_ID_STRAY_FILES] = 5;
    limits_set(&limits);
    status_d(&image, 12, "Package: p", "\n");
    assert_int_equal(image.merged.notices.len, 6);
    const struct notice *last = &image.merged.notices.ptr[5];
    assert_str(last->message, "and 7 more");
    assert_true(last->is_incomplete && last->kind == NOTICE_LIMIT);
    assert_false(image.merged.is_complete);
    arena_fini(&image.arena);
    limits_set(&before);
}

static void test_hostile__a_database_for_which_the_image_has_no_place(void **state)
{
    (void)state;
    struct limits before = *limits_now(), limits = before;
    struct image image = {0};
    status_d(&image, 12, "Version: 1\nPackage: p", "\n");
    limits.of[LIMIT_ID_INVENTORY] = 10;
    limits_set(&limits);
    struct image_inventory merged;
    struct err err = {0};
    const struct layer_inventory *layer = &image.layer;
    assert_ok(image_inventory_merge(&image.arena, &combiner_here, &layer, 1, &merged, &err), err);
    assert_int_equal(merged.packages.len, 10);
    assert_int_equal(merged.notices.len, 2);
    assert_false(merged.is_complete);
    arena_fini(&image.arena);
    limits_set(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__a_gibibyte_each), /* first: it looks at the peak */
        cmocka_unit_test(test_hostile__as_much_as_is_read),
        cmocka_unit_test(test_hostile__every_prefix),
        cmocka_unit_test(test_hostile__every_byte_another),
        cmocka_unit_test(test_hostile__numbers_that_lie),
        cmocka_unit_test(test_hostile__a_broken_one_is_told_and_the_others_are_there),
        cmocka_unit_test(test_hostile__packages_for_more_memory_than_there_is),
        cmocka_unit_test(test_hostile__more_packages_than_a_layer_can_have),
        cmocka_unit_test(test_hostile__notices_are_counted_from_some_number_on),
        cmocka_unit_test(test_hostile__a_database_for_which_the_image_has_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
