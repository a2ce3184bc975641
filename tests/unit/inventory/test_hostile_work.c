/* SPDX-License-Identifier: Apache-2.0 */
/* Small inputs that are much work for code which does not count it. */
#include "detect.h"

#include <time.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum { SECONDS_MAX = 30 }; /* with sanitizers, on a busy machine; without the care it is minutes */

struct work {
    struct arena arena;
    struct limits limits;
    clock_t began;
    struct err err;
};

static void work_begin(struct work *work)
{
    *work = (struct work){.limits = *limits_now()};
    arena_init(&work->arena, 1u << 30);
    work->began = clock();
}

static void work_end(struct work *work)
{
    double seconds = (double)(clock() - work->began) / CLOCKS_PER_SEC;
    arena_fini(&work->arena);
    limits_set(&work->limits);
    if (seconds > SECONDS_MAX)
        fail_msg("%.0f seconds", seconds);
}

static void set_limit(enum limit_id id, uint64_t value)
{
    struct limits limits = *limits_now();
    limits.of[id] = value;
    limits_set(&limits);
}

/* --- files ------------------------------------------------------------------------------------ */
static str repeated(struct arena *arena, str head, str piece, size_t n)
{
    char *text = arena_alloc(arena, head.len + n * piece.len);
    assert_non_null(text);
    if (head.len)
        memcpy(text, head.ptr, head.len);
    for (size_t i = 0; i < n; i++)
        memcpy(text + head.len + i * piece.len, piece.ptr, piece.len);
    return str_of(text, head.len + n * piece.len);
}

static void test_stanzas__empty_lines_of_dos(void **state)
{
    (void)state;
    static const char *const names[] = {"dpkg", "opkg", "opkg_control"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct work work;
        struct file_record file;
        work_begin(&work);
        str text = repeated(&work.arena, STR_NONE, STR("Package: a\r\n\r\n"), 400000);
        assert_true(detect(&work.arena, names[i], STR("x"), text, &file, &work.err) ||
                    err_is(&work.err));
        work_end(&work);
    }
}

static void test_stanzas__one_of_too_many_fields_is_told_and_the_others_are_read(void **state)
{
    (void)state;
    static const char *const names[] = {"dpkg", "opkg", "opkg_control"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct work work;
        struct file_record file;
        work_begin(&work);
        str one = STR("Package: good\nStatus: install ok installed\nVersion: 1\n\n");
        str bad = repeated(&work.arena, one, STR("Field: value\n"), 400000);
        auto_sb text;
        sb_init(&text, 16 << 20);
        sb_add(&text, bad);
        sb_byte(&text, '\n');
        sb_add(&text, one);
        if (detect(&work.arena, names[i], STR("x"), sb_str(&text), &file, &work.err))
            fail_msg("%s took it", names[i]);
        assert_int_equal(work.err.kind, ERR_FORMAT);
        assert_int_equal(file.packages.len, 2);
        work_end(&work);
    }
}

static void test_license__with_exceptions_without_end(void **state)
{
    (void)state;
    struct work work;
    struct file_record file;
    work_begin(&work);
    str text = repeated(&work.arena, STR("P:a\nV:1\nL:a"), STR(" WITH b"), 9000);
    size_t before = work.arena.used_bytes;
    assert_ok(detect(&work.arena, "apk", STR("x"), text, &file, &work.err), work.err);
    assert_true(work.arena.used_bytes - before < 4 << 20);
    work_end(&work);
}

static void put_u16be(unsigned char *to, size_t value)
{
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

/* The largest page, and all its cells are the same one, which fills half of it. */
static void test_sqlite__cells_that_overlap(void **state)
{
    (void)state;
    enum { PAGE = 65536, HALF = 32000, CELLS = 16000, CELL = PAGE - HALF };
    struct work work;
    struct file_record file;
    work_begin(&work);
    unsigned char *db = arena_alloc(&work.arena, 2 * PAGE);
    assert_non_null(db);
    memcpy(db, "SQLite format 3", 16);
    put_u16be(db + 16, 1); /* 65,536 */
    static const unsigned char schema[] = {
        20,  1,   6,   23,  29,  13,  1,   13, /* bytes, row; the record's head: texts, a number, a
                                                  text */
        't', 'a', 'b', 'l', 'e', 'P', 'a', 'c', 'k', 'a', 'g', 'e', 's', 2};
    db[100] = 13;
    put_u16be(db + 103, 1);
    put_u16be(db + 108, 200);
    memcpy(db + 200, schema, sizeof(schema));
    unsigned char *page = db + PAGE, *cell = page + CELL;
    page[0] = 13;
    put_u16be(page + 3, CELLS);
    for (size_t i = 0; i < CELLS; i++)
        put_u16be(page + 8 + 2 * i, CELL);
    size_t size = HALF - 8, blob = size - 5; /* a head of 5: NULL, a blob */
    cell[0] = (unsigned char)(0x80 | size >> 14);
    cell[1] = (unsigned char)(0x80 | (size >> 7 & 0x7f));
    cell[2] = (unsigned char)(size & 0x7f);
    cell[3] = 1;
    size_t type = 12 + 2 * blob;
    cell[4] = 5;
    cell[6] = (unsigned char)(0x80 | type >> 14);
    cell[7] = (unsigned char)(0x80 | (type >> 7 & 0x7f));
    cell[8] = (unsigned char)(type & 0x7f);
    unsigned char *header = cell + 9; /* an index of as many entries as fit, and "1" */
    size_t n = (blob - 10) / 16, store = blob - 8 - 16 * n;
    put_u16be(header + 2, n);
    put_u16be(header + 6, store);
    for (size_t i = 0; i < 3; i++) { /* name, version, release */
        put_u16be(header + 8 + 16 * i + 2, 1000 + i);
        put_u16be(header + 8 + 16 * i + 6, 6);
        put_u16be(header + 8 + 16 * i + 14, 1);
    }
    header[8 + 16 * n] = '1';
    assert_false(detect(&work.arena, "rpm_sqlite", STR("x"), str_of((char *)db, 2 * PAGE), &file,
                        &work.err));
    assert_true(str_has(str_from(work.err.msg), STR("not all that were in it")));
    assert_int_equal(file.packages.len, 2); /* as many as there is room for */
    work_end(&work);
}

/* --- layers ----------------------------------------------------------------------------------- */
static void add_step(struct work *work, struct layer_inventory *layer, enum step_kind kind,
                     str path, str target)
{
    struct layer_step *step = vec_push(&work->arena, &layer->steps);
    assert_non_null(step);
    *step = (struct layer_step){kind, ++layer->n_entries, path, target};
}

static void merge(struct work *work, const struct layer_inventory *layers, size_t n,
                  struct image_inventory *out)
{
    const struct layer_inventory *pointers[3];
    for (size_t i = 0; i < n; i++)
        pointers[i] = &layers[i];
    assert_ok(image_inventory_merge(&work->arena, &combiner_here, pointers, n, out, &work->err),
              work->err);
}

static bool is_told(const struct image_inventory *image, str words)
{
    for (size_t i = 0; i < image->notices.len; i++)
        if (str_has(image->notices.ptr[i].message, words))
            return image->notices.ptr[i].is_incomplete;
    return false;
}

static void test_merge__links_that_lead_into_the_unknown(void **state)
{
    (void)state;
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    for (int i = 0; i < 200000; i++)
        add_step(&work, &layer, STEP_SYMLINK,
                 arena_printf(&work.arena, "var/lib/dpkg/status.d/a%d", i),
                 arena_printf(&work.arena, "/opt/status.d/b%d", i));
    merge(&work, &layer, 1, &image);
    assert_true(image.is_complete); /* no file of such a name is anywhere */
    work_end(&work);
}

static void test_merge__links_to_their_own_folder(void **state)
{
    (void)state;
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    set_limit(LIMIT_ID_WALKED_NAMES, 2000000);
    for (int i = 0; i < 20000; i++)
        add_step(&work, &layer, STEP_SYMLINK, arena_printf(&work.arena, "var/db/pkg/a%d", i),
                 STR("."));
    merge(&work, &layer, 1, &image);
    assert_true(is_told(&image, STR("walked-names")));
    assert_false(image.is_complete);
    work_end(&work);
}

/* 39 links, each of which goes to and fro as often as a path can before it leads to the next. */
static void add_chain(struct work *work, struct layer_inventory *layer)
{
    add_step(work, layer, STEP_FOLDER, STR("var/lib/dpkg"), STR_NONE);
    for (int i = 0; i < 39; i++) {
        str to_and_fro = repeated(&work->arena, STR_NONE, STR("dpkg/../"), 400);
        add_step(work, layer, STEP_SYMLINK, arena_printf(&work->arena, "var/lib/apk%d", i),
                 i < 38 ? arena_printf(&work->arena, STR_FMT "apk%d", STR_ARG(to_and_fro), i + 1)
                        : STR("dpkg"));
    }
}

static void test_merge__links_that_go_to_and_fro(void **state)
{
    (void)state;
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    set_limit(LIMIT_ID_WALKED_NAMES, 2000000);
    add_chain(&work, &layer);
    for (int i = 0; i < 300000; i++)
        add_step(&work, &layer, i % 2 ? STEP_WHITEOUT : STEP_OTHER, STR("var/lib/apk0/status"),
                 STR_NONE);
    merge(&work, &layer, 1, &image);
    assert_true(is_told(&image, STR("walked-names")));
    work_end(&work);
}

/* --- executables ------------------------------------------------------------------------------ */
static struct exec_run *add_run(struct work *work, struct layer_inventory *layer,
                                const char *folder)
{
    struct exec_run *run = vec_push(&work->arena, &layer->executables.runs);
    assert_non_null(run);
    *run = (struct exec_run){.folder = str_from(folder), .order = ++layer->n_entries};
    return run;
}

static void add_exec(struct work *work, struct layer_inventory *layer, enum exec_kind kind,
                     str name, str target)
{
    struct exec_log *log = &layer->executables;
    struct exec_entry *entry = vec_push(&work->arena, &log->entries);
    struct exec_detail *detail = vec_push(&work->arena, &log->details);
    assert_true(entry && detail);
    *entry = (struct exec_entry){path_name_hash(name), kind, (uint32_t)log->details.len - 1};
    *detail = (struct exec_detail){.name = name, .target = target, .size_bytes = 10};
    log->runs.ptr[log->runs.len - 1].n_entries++;
}

static void add_executables(struct work *work, struct layer_inventory *layer, int n)
{
    for (int i = 0; i < n; i++)
        add_exec(work, layer, EXEC_FILE, arena_printf(&work->arena, "f%d", i), STR_NONE);
}

static void test_coverage__names_whose_hashes_lie_side_by_side(void **state)
{
    (void)state;
    enum { NAMES = 130000, SLOTS = 1 << 18 };
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    add_run(&work, &layer, "a");
    uint64_t folder = path_join_hash(PATH_ROOT_HASH, path_name_hash(STR("a")));
    for (unsigned i = 0, n = 0; n < NAMES; i++) {
        char name[20];
        int len = snprintf(name, sizeof(name), "f%u", i);
        uint64_t key = path_join_hash(folder, path_name_hash(str_of(name, (size_t)len)));
        if ((key ^ key >> 32) % SLOTS >= SLOTS / 32)
            continue;
        add_exec(&work, &layer, EXEC_FILE, arena_dup(&work.arena, str_of(name, (size_t)len)),
                 STR_NONE);
        n++;
    }
    merge(&work, &layer, 1, &image);
    assert_int_equal(image.coverage.n_unowned, NAMES);
    work_end(&work);
}

static void test_coverage__a_folder_that_is_emptied_again_and_again(void **state)
{
    (void)state;
    enum { TIMES = 100000 };
    struct work work;
    struct layer_inventory layers[2] = {{.n_entries = 0}};
    struct image_inventory image;
    work_begin(&work);
    add_run(&work, &layers[0], "a/b");
    add_executables(&work, &layers[0], TIMES);
    add_run(&work, &layers[1], "a/c");
    add_executables(&work, &layers[1], TIMES); /* stay: they are of the layer that empties */
    for (int i = 0; i < TIMES; i++)
        add_step(&work, &layers[1], i % 2 ? STEP_OPAQUE : STEP_WHITEOUT, STR("a"), STR_NONE);
    merge(&work, layers, 2, &image);
    assert_int_equal(image.coverage.executable_bytes, 10 * TIMES);
    work_end(&work);
}

static void test_coverage__a_folder_that_is_replaced_again_and_again(void **state)
{
    (void)state;
    enum { TIMES = 100000 };
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    add_run(&work, &layer, "a/b");
    add_executables(&work, &layer, TIMES);
    add_run(&work, &layer, "");
    for (int i = 0; i < TIMES; i++)
        add_exec(&work, &layer, EXEC_NOT, STR("a"), STR_NONE);
    merge(&work, &layer, 1, &image);
    assert_true(image.coverage.is_measured);
    assert_int_equal(image.coverage.executable_bytes, 0);
    work_end(&work);
}

static void test_coverage__links_that_go_to_and_fro(void **state)
{
    (void)state;
    struct work work;
    struct layer_inventory layer = {0};
    struct image_inventory image;
    work_begin(&work);
    set_limit(LIMIT_ID_WALKED_NAMES, 2000000);
    add_run(&work, &layer, "");
    for (int i = 0; i < 39; i++)
        add_exec(&work, &layer, EXEC_SYMLINK, arena_printf(&work.arena, "l%d", i),
                 arena_printf(&work.arena, STR_FMT "l%d",
                              STR_ARG(repeated(&work.arena, STR_NONE, STR("a/../"), 800)), i + 1));
    for (int i = 0; i < 100000; i++) {
        add_run(&work, &layer, "l0");
        add_exec(&work, &layer, EXEC_FILE, STR("f"), STR_NONE);
    }
    merge(&work, &layer, 1, &image);
    assert_false(image.coverage.is_measured);
    work_end(&work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stanzas__empty_lines_of_dos),
        cmocka_unit_test(test_stanzas__one_of_too_many_fields_is_told_and_the_others_are_read),
        cmocka_unit_test(test_license__with_exceptions_without_end),
        cmocka_unit_test(test_sqlite__cells_that_overlap),
        cmocka_unit_test(test_merge__links_that_lead_into_the_unknown),
        cmocka_unit_test(test_merge__links_to_their_own_folder),
        cmocka_unit_test(test_merge__links_that_go_to_and_fro),
        cmocka_unit_test(test_coverage__names_whose_hashes_lie_side_by_side),
        cmocka_unit_test(test_coverage__a_folder_that_is_emptied_again_and_again),
        cmocka_unit_test(test_coverage__a_folder_that_is_replaced_again_and_again),
        cmocka_unit_test(test_coverage__links_that_go_to_and_fro),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
