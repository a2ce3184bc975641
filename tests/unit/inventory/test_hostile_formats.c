/* SPDX-License-Identifier: Apache-2.0 */
/* Lies at the places where rpm's databases keep lengths, counts and ways: what is said about each,
 * and how many packages are still read. */
#include "detect.h"

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum { LE, BE };

struct lie {
    size_t at;
    unsigned width;
    uint64_t value;
    const char *reason; /* part of it; NULL: it is no harm */
    size_t n_packages;  /* at least */
};

static void put(char *to, uint64_t value, unsigned width, int order)
{
    for (unsigned i = 0; i < width; i++)
        to[order == BE ? width - 1 - i : i] = (char)(value >> (8 * i));
}

static uint32_t get(const char *from, unsigned width, int order)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | (unsigned char)from[order == BE ? i : width - 1 - i];
    return value;
}

struct book {
    struct arena arena;
    const char *detector;
    int order;
    char *bytes;
    size_t len;
};

static void book_open(struct book *book, const char *detector, const char *name, int order)
{
    char path[100];
    *book = (struct book){.detector = detector, .order = order};
    arena_init(&book->arena, 64u << 20);
    snprintf(path, sizeof(path), "rpm/%s", name);
    str text = test_data(&book->arena, path);
    book->bytes = arena_alloc(&book->arena, text.len);
    assert_non_null(book->bytes);
    memcpy(book->bytes, text.ptr, text.len);
    book->len = text.len;
}

static void book_close(struct book *book) { arena_fini(&book->arena); }

static void check_reason(const struct lie *lie, bool ok, const struct err *err, size_t n)
{
    bool is_it = lie->reason ? !ok && str_has(str_from(err->msg), str_from(lie->reason)) : ok;
    if (!is_it || n < lie->n_packages)
        fail_msg("%llu at %zu: \"%s\", %zu packages; expected \"%s\", %zu",
                 (unsigned long long)lie->value, lie->at, ok ? "" : err->msg, n,
                 lie->reason ? lie->reason : "", lie->n_packages);
}

static void check(struct book *book, const struct lie *lie)
{
    struct file_record file;
    struct err err = {0};
    bool ok = detect(&book->arena, book->detector, STR("var/lib/rpm/x"),
                     str_of(book->bytes, book->len), &file, &err);
    check_reason(lie, ok, &err, file.packages.len);
}

/* One lie at a time. */
static void tell(struct book *book, const struct lie *lies, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char before[8];
        assert_true(lies[i].at + lies[i].width <= book->len);
        memcpy(before, book->bytes + lies[i].at, lies[i].width);
        put(book->bytes + lies[i].at, lies[i].value, lies[i].width, book->order);
        check(book, &lies[i]);
        memcpy(book->bytes + lies[i].at, before, lies[i].width);
    }
    check(book, &(struct lie){.n_packages = 1}); /* it is as it was */
}
#define TELL(book, ...)                                                                            \
    do {                                                                                           \
        const struct lie lies_[] = {__VA_ARGS__};                                                  \
        tell((book), lies_, ARRAY_LEN(lies_));                                                     \
    } while (0)

/* --- Berkeley DB ------------------------------------------------------------------------------ */
enum { BDB_PAGE = 512, BDB_NEXT = 16, BDB_ITEMS = 20, BDB_USED = 22, BDB_TYPE = 25 };

/* The n-th page of the type, from 0. */
static size_t bdb_page(const struct book *book, char type, int n)
{
    for (size_t at = BDB_PAGE; at < book->len; at += BDB_PAGE)
        if (book->bytes[at + BDB_TYPE] == type && n-- == 0)
            return at;
    fail_msg("no such page");
    abort();
}

static void test_bdb__lies(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_bdb", "five.bdb", LE);
    TELL(&book, {20, 4, 0, "pages of 0 bytes", 0}, {20, 4, 1536, "pages of 1536", 0},
         {20, 4, 1u << 17, "pages of", 0}, {20, 4, UINT32_MAX, "pages of", 0},
         {20, 4, 65536, "cut short", 0}, {32, 4, UINT32_MAX, "cut short", 4},
         {32, 4, 0, "0 entries, but", 0}, {88, 4, UINT32_MAX, "but there should be", 4},
         {88, 4, 0, NULL, 4}, /* rpm makes none smaller; Berkeley DB calls it an estimate */
         {24, 1, 1, "encryption", 0}, {25, 1, 9, "not the first page", 0},
         {26, 1, 1, "checksums", 0});
    size_t hash = bdb_page(&book, 13, 0), n_items = get(book.bytes + hash + BDB_ITEMS, 2, LE);
    assert_true(n_items >= 4);
    TELL(&book, {hash + BDB_ITEMS, 2, UINT16_MAX, "is broken", 0},
         {hash + BDB_ITEMS, 2, 3, "is broken", 0},
         {hash + BDB_ITEMS, 2, n_items + 2, "is broken", 0},
         {hash + BDB_ITEMS, 2, 2, "entries, but", 0}, {hash + BDB_ITEMS, 2, 0, "entries, but", 0},
         {hash + 26, 2, UINT16_MAX, "is broken", 0}, {hash + 26, 2, 0, "is broken", 0},
         {hash + 28, 2, 0, "is broken", 0}, {hash + 8, 4, 77, "is broken", 0},
         {hash + BDB_TYPE, 1, 0, "entries, but", 0}, {hash + BDB_TYPE, 1, 99, "of type 99", 0});
    book_close(&book);
}

static void test_bdb__overflow_pages_that_lead_astray(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_bdb", "five.bdb", LE);
    size_t first = bdb_page(&book, 7, 0);
    size_t long_one = first; /* a page that has a next one */
    for (int i = 0; get(book.bytes + long_one + BDB_NEXT, 4, LE) == 0; i++)
        long_one = bdb_page(&book, 7, i);
    uint64_t own = long_one / BDB_PAGE, next = get(book.bytes + long_one + BDB_NEXT, 4, LE);
    TELL(&book, {long_one + BDB_NEXT, 4, own, "in use already", 3},
         {long_one + BDB_NEXT, 4, 0, "another length", 3},
         {long_one + BDB_NEXT, 4, 1, "not what it should be", 3},
         {long_one + BDB_NEXT, 4, UINT32_MAX, "not there", 3},
         {long_one + BDB_USED, 2, UINT16_MAX, "not what it should be", 3},
         {long_one + BDB_USED, 2, 10, "another length", 3},
         {long_one + 8, 4, 0, "not what it should be", 3});
    /* a circle of two */
    TELL(&book, {next * BDB_PAGE + BDB_NEXT, 4, own, "in use already", 3});
    book_close(&book);
}

/* --- ndb -------------------------------------------------------------------------------------- */
static void test_ndb__lies(void **state)
{
    (void)state;
    enum { SLOT1 = 32, SLOT2 = 48, BLOCK = 16 };
    struct book book;
    book_open(&book, "rpm_ndb", "two.ndb", LE);
    size_t blob1 = get(book.bytes + SLOT1 + 8, 4, LE) * (size_t)BLOCK;
    uint64_t block1 = get(book.bytes + SLOT1 + 8, 4, LE);
    uint64_t block2 = get(book.bytes + SLOT2 + 8, 4, LE);
    TELL(&book, {12, 4, 0, "head is broken", 0}, {12, 4, UINT32_MAX, "cut short", 0},
         {4, 4, 1, "version 1", 0}, {SLOT1, 4, 0, "a slot that is none", 1},
         {SLOT1 + 4, 4, 0, "a free slot that leads somewhere", 1},
         {SLOT1 + 4, 4, 2, "not what should be there", 1}, {SLOT1 + 8, 4, 0, "out of the file", 1},
         {SLOT1 + 8, 4, UINT32_MAX, "out of the file", 1},
         {SLOT1 + 8, 4, block2, "not what should be there", 1}, /* each other's */
         {SLOT2 + 8, 4, block1, "not what should be there", 1},
         {SLOT1 + 12, 4, UINT32_MAX, "overlap", 0}, {SLOT1 + 12, 4, 0, "out of the file", 1},
         {SLOT1 + 12, 4, 1, "out of the file", 1}, {blob1, 4, 0, "not what should be there", 1},
         {blob1 + 12, 4, UINT32_MAX, "impossible length", 1}, {blob1 + 12, 4, 0, "impossible", 1},
         {blob1 + 16, 1, 0xee, "checksum", 1});
    book_close(&book);
}

/* --- SQLite ----------------------------------------------------------------------------------- */
enum { SQLITE_PAGE = 512 };

static size_t sqlite_at(uint32_t page) { return (size_t)(page - 1) * SQLITE_PAGE; }

/* A cell of the leaf that goes on in overflow pages: *way is where their first one's number stands;
 * 0: it does not. */
static size_t overflow_of(const struct book *book, size_t cell)
{
    size_t at = cell;
    uint64_t size = 0;
    do
        size = size << 7 | (book->bytes[at] & 0x7f);
    while ((unsigned char)book->bytes[at++] >= 0x80);
    uint64_t least = (SQLITE_PAGE - 12) * 32 / 255 - 23;
    uint64_t local = least + (size - least) % (SQLITE_PAGE - 4);
    if (size <= SQLITE_PAGE - 35)
        return 0;
    return at + 1 + (local <= SQLITE_PAGE - 35 ? local : least);
}

static size_t overflow_at(const struct book *book, size_t *pointer)
{
    for (size_t page = SQLITE_PAGE; page < book->len; page += SQLITE_PAGE) {
        size_t n = book->bytes[page] == 13 ? get(book->bytes + page + 3, 2, BE) : 0;
        for (*pointer = page + 8; n--; *pointer += 2) {
            size_t way = overflow_of(book, page + get(book->bytes + *pointer, 2, BE));
            if (way)
                return way;
        }
    }
    fail_msg("no overflow page");
    abort();
}

static void test_sqlite__lies(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_sqlite", "five.sqlite", BE);
    size_t root = sqlite_at(2), left = root + get(book.bytes + root + 12, 2, BE);
    uint64_t child = get(book.bytes + left, 4, BE);
    assert_int_equal(book.bytes[root], 5);
    TELL(&book, {16, 2, 0, "pages of 0 bytes", 0}, {16, 2, 513, "pages of 513", 0},
         {16, 2, 256, "pages of 256", 0}, {16, 2, 1, "first page is cut short", 0},
         {20, 1, 255, "255 of them reserved", 0}, {28, 4, UINT32_MAX, "tells of 4294967295", 0},
         {28, 4, 13, "cut short: 12 of 13", 4}, {28, 4, 2, "not there", 0}, {32, 4, 2, NULL, 4},
         {36, 4, UINT32_MAX, NULL, 4}, /* the list of free pages is not read */
         {56, 4, 2, "encoding 2", 0}, {root, 1, 10, "none of a table", 0},
         {root, 1, 0, "none of a table", 0}, {root + 3, 2, UINT16_MAX, "none of a table", 0},
         {root + 3, 2, 0, "not all", 0}, {root + 5, 2, 0, "not all", 4},
         {root + 7, 1, 9, "not all", 4}, {root + 12, 2, UINT16_MAX, "not all", 1},
         {left, 4, 2, "in use already", 1}, {left, 4, 1, "in use already", 1},
         {left, 4, 0, "not there", 1}, {left, 4, UINT32_MAX, "not there", 1},
         {root + 8, 4, 2, "in use already", 1}, {root + 8, 4, child, "in use already", 1});
    book_close(&book);
}

static void test_sqlite__overflow_pages_and_rows_that_lead_astray(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_sqlite", "five.sqlite", BE);
    size_t pointer, way = overflow_at(&book, &pointer);
    size_t leaf = way / SQLITE_PAGE * SQLITE_PAGE;
    size_t cell = leaf + get(book.bytes + pointer, 2, BE);
    TELL(&book, {way, 4, 0, "not there", 3}, {way, 4, UINT32_MAX, "not there", 3},
         {way, 4, 2, "in use already", 3}, {way, 4, leaf / SQLITE_PAGE + 1, "in use already", 3},
         {cell, 8, UINT64_MAX, "not all", 3}, {cell, 1, 0, "not all", 3},
         {cell, 1, 0x7f, "not all", 3}, {pointer, 2, 0, "not all", 3},
         {pointer, 2, UINT16_MAX, "not all", 3}, {leaf + 1, 2, 8, "not all", 4},
         {leaf + 1, 2, UINT16_MAX, "not all", 4}, {leaf + 5, 2, UINT16_MAX, "not all", 4});
    book_close(&book);
}

/* The longest of the five takes several pages: each may lead to the one before. */
static void test_sqlite__overflow_pages_in_a_circle(void **state)
{
    (void)state;
    struct book book;
    size_t n = 0;
    book_open(&book, "rpm_sqlite", "five.sqlite", BE);
    for (size_t at = SQLITE_PAGE; at < book.len; at += SQLITE_PAGE) {
        uint32_t next = get(book.bytes + at, 4, BE);
        bool is_overflow = next > 0 && next <= book.len / SQLITE_PAGE;
        if (!is_overflow)
            continue;
        n++;
        TELL(&book, {at, 4, at / SQLITE_PAGE + 1, "in use already", 3});
        if (get(book.bytes + sqlite_at(next), 4, BE))
            TELL(&book, {sqlite_at(next), 4, at / SQLITE_PAGE + 1, "in use already", 3});
    }
    assert_true(n >= 2);
    book_close(&book);
}

/* Interior pages of no cells, each the parent of the next. */
static void test_sqlite__more_levels_than_are_followed(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_sqlite", "five.sqlite", BE);
    enum { LEVELS = 30 };
    size_t old = book.len;
    char *longer = arena_alloc(&book.arena, old + LEVELS * SQLITE_PAGE);
    assert_non_null(longer);
    memcpy(longer, book.bytes, old);
    book.bytes = longer;
    book.len = old + LEVELS * SQLITE_PAGE;
    put(book.bytes + 28, book.len / SQLITE_PAGE, 4, BE);
    for (size_t i = 0; i < LEVELS; i++) {
        char *page = book.bytes + old + i * SQLITE_PAGE;
        page[0] = 5;
        put(page + 5, SQLITE_PAGE, 2, BE);
        put(page + 8, old / SQLITE_PAGE + i + 2, 4, BE);
    }
    put(book.bytes + sqlite_at(2) + 8, old / SQLITE_PAGE + 1, 4, BE);
    check(&book, &(struct lie){.reason = "btree-depth", .n_packages = 1});
    book_close(&book);
}

/* --- its -wal --------------------------------------------------------------------------------- */
enum { WAL_HEAD = 32, FRAME_HEAD = 24 };

/* Make the checksums right again, fileformat2 4.2. */
static void wal_seal(char *wal, size_t len)
{
    uint32_t sum[2] = {0, 0};
    bool is_big = wal[3] & 1;
    int order = is_big ? BE : LE;
#define ADD(from, n)                                                                               \
    for (size_t i_ = 0; i_ < (n); i_ += 8) {                                                       \
        sum[0] += get((from) + i_, 4, order) + sum[1];                                             \
        sum[1] += get((from) + i_ + 4, 4, order) + sum[0];                                         \
    }
    ADD(wal, 24)
    put(wal + 24, sum[0], 4, BE);
    put(wal + 28, sum[1], 4, BE);
    for (size_t at = WAL_HEAD; at + FRAME_HEAD + SQLITE_PAGE <= len;
         at += FRAME_HEAD + SQLITE_PAGE) {
        ADD(wal + at, 8)
        ADD(wal + at + FRAME_HEAD, SQLITE_PAGE)
        put(wal + at + 16, sum[0], 4, BE);
        put(wal + at + 20, sum[1], 4, BE);
    }
#undef ADD
}

static void check_wal(struct book *book, str db, const struct lie *lie)
{
    struct file_record file = {.path = STR("x"), .detector = detector_named("rpm_sqlite")};
    struct err err = {0};
    bool ok = file.detector->combine(&book->arena, db, str_of(book->bytes, book->len), &file, &err);
    check_reason(lie, ok, &err, file.packages.len);
}

static void test_wal__lies_with_right_checksums(void **state)
{
    (void)state;
    struct book book;
    book_open(&book, "rpm_sqlite", "base.sqlite-wal", BE);
    str db = test_data(&book.arena, "rpm/base.sqlite");
    size_t last = WAL_HEAD, size = FRAME_HEAD + SQLITE_PAGE;
    while (last + 2 * size <= book.len)
        last += size;
    const struct lie lies[] = {
        {0, 4, 0, "not a write-ahead log", 0},
        {4, 4, 1, "of format 1", 0},
        {8, 4, 0, "another database", 0},
        {8, 4, UINT32_MAX, "another database", 0},
        {last + 4, 4, UINT32_MAX, "package-db", 0}, /* pages after the commit */
        {last + 4, 4, 1, "not there", 0},
        {last, 4, UINT32_MAX, "not there", 0}, /* the page that it should have been */
        {last, 4, 1, "none of a table", 0},
        {last, 4, 2, NULL, 1},     /* a leaf as the root: a whole table of fewer rows */
        {last + 4, 4, 0, NULL, 2}, /* not committed: what was before */
        {last, 4, 0, NULL, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        char *before = arena_alloc(&book.arena, book.len);
        assert_non_null(before);
        memcpy(before, book.bytes, book.len);
        put(book.bytes + lies[i].at, lies[i].value, lies[i].width, BE);
        wal_seal(book.bytes, book.len);
        check_wal(&book, db, &lies[i]);
        memcpy(book.bytes, before, book.len);
    }
    wal_seal(book.bytes, book.len);
    check_wal(&book, db, &(struct lie){.n_packages = 4});
    book_close(&book);
}

/* --- headers ---------------------------------------------------------------------------------- */
static void check_header(struct book *book, const struct lie *lie)
{
    struct file_record file = {.path = STR("x"), .detector = detector_named("rpm_bdb")};
    struct rpm_reader rpm = {.arena = &book->arena, .file = &file};
    struct err err = {0};
    assert_ok(rpm_add_header(&rpm, 1, str_of(book->bytes, book->len), &err), err);
    bool ok = flaws_ok(&rpm.flaws, &err);
    check_reason(lie, ok, &err, file.packages.len);
}

/* The entry of @tag: four u32. */
static size_t entry_at(const struct book *book, uint32_t tag)
{
    for (uint32_t i = 0; i < get(book->bytes, 4, BE); i++)
        if (get(book->bytes + 8 + 16 * (size_t)i, 4, BE) == tag)
            return 8 + 16 * (size_t)i;
    fail_msg("no tag %u", tag);
    abort();
}

static void test_header__lies(void **state)
{
    (void)state;
    enum { TYPE = 4, OFFSET = 8, COUNT = 12 };
    struct book book;
    book_open(&book, "rpm_bdb", "../inventory/rpm_header.nodejs", BE);
    size_t name = entry_at(&book, 1000), epoch = entry_at(&book, 1003),
           bases = entry_at(&book, 1117), dirs = entry_at(&book, 1118),
           indexes = entry_at(&book, 1116);
    const struct lie lies[] = {
        {0, 4, 0, "its lengths are others", 0},
        {0, 4, UINT32_MAX, "its lengths are others", 0},
        {4, 4, UINT32_MAX, "its lengths are others", 0},
        {0, 4, get(book.bytes, 4, BE) + 1, "its lengths are others", 0},
        {name, 4, 9999, "NAME is missing", 0},
        {name + TYPE, 4, 4, "NAME is no string", 0},
        {name + TYPE, 4, UINT32_MAX, "NAME is no string", 0},
        {name + OFFSET, 4, UINT32_MAX, "leads out", 0},
        {name + OFFSET, 4, book.len, "leads out", 0},
        {name + COUNT, 4, 0, "not one string", 0},
        {name + COUNT, 4, UINT32_MAX, "not one string", 0},
        {epoch + TYPE, 4, 6, "EPOCH is not one number", 0},
        {epoch + OFFSET, 4, UINT32_MAX - 2, "EPOCH leads out", 0},
        {epoch + COUNT, 4, UINT32_MAX, "EPOCH is not one number", 0},
        {bases + COUNT, 4, UINT32_MAX, "another length", 1},
        {bases + COUNT, 4, 1, "another length", 1},
        {bases + OFFSET, 4, UINT32_MAX, "BASENAMES leads out", 1},
        {bases + TYPE, 4, 4, "BASENAMES is no list", 1},
        {dirs + COUNT, 4, UINT32_MAX, "DIRNAMES leads out", 1},
        {dirs + COUNT, 4, 0, "a folder that is not there", 1},
        {indexes + COUNT, 4, UINT32_MAX, "another length", 1},
        {indexes + OFFSET, 4, UINT32_MAX, "DIRINDEXES leads out", 1},
        {indexes + TYPE, 4, 8, "no list of its numbers", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        uint32_t before = get(book.bytes + lies[i].at, 4, BE);
        put(book.bytes + lies[i].at, lies[i].value, 4, BE);
        check_header(&book, &lies[i]);
        put(book.bytes + lies[i].at, before, 4, BE);
    }
    check_header(&book, &(struct lie){.n_packages = 1});
    book_close(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bdb__lies),
        cmocka_unit_test(test_bdb__overflow_pages_that_lead_astray),
        cmocka_unit_test(test_ndb__lies),
        cmocka_unit_test(test_sqlite__lies),
        cmocka_unit_test(test_sqlite__overflow_pages_and_rows_that_lead_astray),
        cmocka_unit_test(test_sqlite__overflow_pages_in_a_circle),
        cmocka_unit_test(test_sqlite__more_levels_than_are_followed),
        cmocka_unit_test(test_wal__lies_with_right_checksums),
        cmocka_unit_test(test_header__lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
