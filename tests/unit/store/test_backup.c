/* SPDX-License-Identifier: Apache-2.0 */
/* Check, backup, restore and copy: the same on every engine, and between them. */
#include "fixture.h"

/* Something of everything: findings, tags, an index, a layer, texts that are no UTF-8, jobs. */
static void fill(struct fixture *f)
{
    digest a, b;
    struct wanted_package wanted = {STR("Debian:12"), STR("bad \xff name"), STR("1.0")};
    size_t n_new;
    scan_image(f, 1, report_of(f, 1, 0, 3));
    scan_image(f, 2, report_of(f, 2, 1, 150));
    struct store_event more[] = {push(f, "t", 1, "v1"), push(f, "q", 5, "queued")};
    add(f, more, 2);
    assert_true(digest_parse(digest_n(f, 900), &a) && digest_parse(digest_n(f, 901), &b));
    assert_ok(store_layer_put(f->store, &a, &b, 3, str_of("\0\1\2\xff{}$1", 8), f->now, &err), err);
    assert_ok(store_meta_set(f->store, STR("k"), STR("v"), &err), err);
    assert_ok(store_wanted_add(f->store, &wanted, 1, NULL, f->now, &n_new, &err), err);
}

static str backup_of(struct fixture *f, struct store *store, struct store_counts *counts)
{
    int fd = memfd_create("backup", MFD_CLOEXEC);
    str out;
    assert_ok(store_backup(store, fd, NULL, counts, &err), err);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(file_read_fd(&f->arena, fd, 64 << 20, &out, &err), err);
    close(fd);
    return out;
}

static bool restore_of(struct store *store, str bytes, bool is_forced)
{
    struct store_counts counts;
    int fd = memfd_create("backup", MFD_CLOEXEC);
    err = (struct err){0};
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    bool ok = store_restore(store, fd, is_forced, NULL, &counts, &err);
    close(fd);
    return ok;
}

static struct store *another(struct fixture *f, struct engine *engine, bool is_postgres)
{
    struct store *store;
    engine_open_as(engine, &f->arena, is_postgres);
    assert_ok(store_open(engine->name, STORE_RELAXED, &store, &err), err);
    return store;
}

struct said {
    char text[4000];
    size_t len;
};

static void note(void *ctx, const char *what, uint64_t n)
{
    struct said *said = ctx;
    said->len += (size_t)snprintf(said->text + said->len, sizeof(said->text) - said->len,
                                  "%llu %s\n", (unsigned long long)n, what);
    assert_true(said->len < sizeof(said->text));
}

static struct said complaints(struct store *store)
{
    struct store_counts counts;
    struct said said = {0};
    unsigned n = 0, n_lines = 0;
    assert_ok(store_check_whole(store, NULL, note, &said, &n, &counts, &err), err);
    for (size_t i = 0; i < said.len; i++)
        n_lines += said.text[i] == '\n';
    assert_int_equal(n, n_lines);
    return said;
}

static void assert_whole(struct store *store)
{
    struct said said = complaints(store);
    if (said.len)
        fail_msg("%s", said.text);
}

/* --- backup and restore
 * --------------------------------------------------------------------------------------------- */
static void restore_into(struct fixture *f, bool is_postgres)
{
    struct engine engine;
    struct store_counts counts, again;
    fill(f);
    str first = backup_of(f, f->store, &counts);
    assert_true(counts.n_rows > 150);
    struct store *store = another(f, &engine, is_postgres);
    assert_true(restore_of(store, first, false));
    str second = backup_of(f, store, &again);
    assert_true(str_eq(first, second)); /* byte by byte, whatever the engines are */
    assert_whole(store);
    /* new rows come behind those that came */
    struct store *own = f->store;
    f->store = store;
    struct store_event event = push(f, "new", 77, "");
    assert_int_equal(add(f, &event, 1).n_jobs, 1);
    scan_image(f, 78, report_of(f, 78, 500, 2));
    assert_whole(store);
    f->store = own;
    store_close(store);
    engine_close(&engine);
}

static void test_restore__gives_the_same_store_in_sqlite(void **state)
{
    restore_into(*state, false);
}

static void test_restore__gives_the_same_store_in_postgresql(void **state)
{
    restore_into(*state, true);
}

static void test_restore__refuses_what_has_content_unless_forced(void **state)
{
    struct fixture *f = *state;
    struct store_counts counts;
    fill(f);
    str bytes = backup_of(f, f->store, &counts);
    scan_image(f, 9, report_of(f, 9, 0, 7));
    assert_false(restore_of(f->store, bytes, false));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "--force"));
    assert_int_equal(count_findings(f), 160);
    assert_ok(restore_of(f->store, bytes, true), err);
    assert_int_equal(count_findings(f), 153);
}

static void test_restore__damaged_backup_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct engine engine;
    struct store_counts counts;
    fill(f);
    str bytes = backup_of(f, f->store, &counts);
    struct store *store = another(f, &engine, engine_has_postgres());
    unsigned n_cuts = 0;
    for (size_t at = 0; at < bytes.len; at += bytes.len / 37 + 1, n_cuts++) {
        assert_false(restore_of(store, str_slice(bytes, 0, at), false));
        assert_true(err.kind == ERR_FORMAT || err.kind == ERR_MISMATCH);
        str flipped = arena_dup(&f->arena, bytes);
        ((char *)(uintptr_t)flipped.ptr)[at] ^= 0x10;
        if (restore_of(store, flipped, false)) /* a bit that zstd does not read */
            assert_ok(restore_of(store, bytes, true), err);
        assert_ok(store_check(store, &err), err);
    }
    assert_true(n_cuts > 30);
    assert_false(restore_of(store, STR("SQLite format 3"), false));
    assert_non_null(strstr(err.msg, "not a backup"));
    auto_sb both;
    sb_init(&both, 64 << 20);
    sb_add(&both, bytes);
    sb_add(&both, bytes);
    assert_false(restore_of(store, sb_str(&both), true)); /* something behind the end */
    assert_whole(store);
    store_close(store);
    engine_close(&engine);
}

/* A row that claims to be of another shape, a table and a column that are none: digests are right,
 * so only the reader stands between them and the store. */
static void record(struct sb *out, struct hash *hash, str bytes)
{
    auto_sb one;
    sb_init(&one, 1 << 20);
    sb_u32le(&one, (uint32_t)bytes.len);
    sb_add(&one, bytes);
    hash_add(hash, sb_str(&one));
    sb_add(out, sb_str(&one));
}

static void test_restore__hostile_records_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *table, *columns;
        str row;
    } cases[] = {
        {"sqlite_master", "name", {"\0", 1}},
        {"meta", "name, value) VALUES ('a', 'b'); --", {"\0", 1}},
        {"meta", "", {"\0", 1}},
        {"meta", "name, value", {"\3\1a", 3}},                 /* too few */
        {"meta", "name, value", {"\3\1a\3\1b\3\1c", 9}},       /* too many */
        {"meta", "name, value", {"\3\377\377\377\377\17", 6}}, /* longer than it is */
        {"meta", "name, value", {"\11\1a\3\1b", 6}},           /* no kind */
        {"meta", "name, nothing", {"\3\1a\3\1b", 6}},
        {"tags",
         "repository_id, name, image_id, set_at",
         {"\1\1\0\0\0\0\0\0\0\3\1a\1\1\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0", 30}}, /* of no image */
    };
    struct engine engine;
    struct store *store = another(f, &engine, engine_has_postgres());
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_sb file, part;
        struct hash *hash, *rows;
        uint8_t sum[HASH_MAX];
        sb_init(&file, 1 << 20);
        sb_init(&part, 1 << 20);
        assert_ok(hash_open(&hash, HASH_SHA256, &err), err);
        assert_ok(hash_open(&rows, HASH_SHA256, &err), err);
        sb_byte(&part, 'H');
        sb_blob(&part, STR("plimsoll.store/1"));
        sb_varint(&part, 1);
        record(&file, hash, sb_str(&part));
        sb_clear(&part);
        sb_byte(&part, 'T');
        sb_blob(&part, str_from(cases[i].table));
        sb_blob(&part, str_from(cases[i].columns));
        record(&file, hash, sb_str(&part));
        sb_clear(&part);
        sb_byte(&part, 'R');
        sb_add(&part, cases[i].row);
        hash_add(rows, cases[i].row);
        record(&file, hash, sb_str(&part));
        sb_clear(&part);
        sb_byte(&part, 'E');
        sb_varint(&part, 1);
        hash_done(rows, sum);
        sb_add(&part, str_of((const char *)sum, 32));
        record(&file, hash, sb_str(&part));
        sb_clear(&part);
        sb_byte(&part, 'Z');
        hash_done(hash, sum);
        sb_add(&part, str_of((const char *)sum, 32));
        record(&file, hash, sb_str(&part));
        assert_false(restore_of(store, sb_str(&file), false));
        hash_close(hash);
        hash_close(rows);
    }
    assert_whole(store);
    assert_int_equal(engine_number(&engine, "SELECT COUNT(*) FROM meta"), 0);
    store_close(store);
    engine_close(&engine);
}

/* --- copy
 * -------------------------------------------------------------------------------------------------
 */
static void test_copy__there_and_back_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct engine there, back;
    struct store_counts counts;
    fill(f);
    str first = backup_of(f, f->store, &counts);
    /* on PostgreSQL: by way of SQLite, and the reverse is the store's own engine */
    struct store *a = another(f, &there, false), *b = another(f, &back, engine_has_postgres());
    assert_ok(store_copy(f->store, a, false, NULL, &counts, &err), err);
    assert_ok(store_copy(a, b, false, NULL, &counts, &err), err);
    assert_true(str_eq(backup_of(f, b, &counts), first));
    assert_false(store_copy(a, b, false, NULL, &counts, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_ok(store_copy(a, b, true, NULL, &counts, &err), err);
    store_close(a);
    store_close(b);
    engine_close(&there);
    engine_close(&back);
}

static void test_copy__cancelled_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct engine engine;
    struct store_counts counts;
    struct cancel cancel = {0};
    const struct store_watch watch = {.cancel = &cancel};
    fill(f);
    struct store *store = another(f, &engine, engine_has_postgres());
    cancel_want(&cancel);
    assert_false(store_copy(f->store, store, false, &watch, &counts, &err));
    assert_int_equal(err.kind, ERR_CANCELLED);
    assert_ok(store_copy(f->store, store, false, NULL, &counts, &err), err);
    store_close(store);
    engine_close(&engine);
}

/* --- check
 * -------------------------------------------------------------------------------------------------
 */
static void test_backup__knows_every_table(void **state)
{
    struct fixture *f = *state;
    struct store_counts counts;
    (void)backup_of(f, f->store, &counts);
    long long n = engine_number(
        &f->engine,
        f->engine.is_postgres
            ? "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()"
            : "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE"
              " 'sqlite_%'");
    assert_int_equal(counts.n_tables, n - 1); /* all but the list of migrations */
}

static void test_check__names_each_contradiction(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"UPDATE findings SET image_id = 4711 WHERE path = '' AND image_id ="
         " (SELECT MIN(id) FROM images)",
         "findings of unknown images"},
        {"DELETE FROM facts", "findings without their facts"},
        {"DELETE FROM advisories", "facts without their advisory"},
        {"UPDATE images SET n_high = n_high + 1", "images whose counts"},
        {"UPDATE images SET verdict = 'healthy', n_high = 0, n_unknown = 0",
         "images that are healthy and have findings"},
        {"UPDATE assessments SET verdict = 'healthy'", "recommendations that say less"},
        {"UPDATE jobs SET state = 'running', lease = 0 WHERE state = 'queued'",
         "jobs that run without a lease"},
        {"UPDATE jobs SET state = 'sleeping'", "jobs in no known state"},
        {"INSERT INTO ledger SELECT UPPER(subscription), digest, registry, repository, at FROM"
         " ledger",
         "digests that are billed twice"},
        {"UPDATE jobs SET registry_id = 99 WHERE state = 'queued'", "jobs of unknown registries"},
    };
    struct store_counts counts;
    f->registry.subscription = STR("abc");
    fill(f);
    engine_run(&f->engine, "UPDATE ledger SET subscription = 'abc'");
    str good = backup_of(f, f->store, &counts);
    assert_whole(f->store);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        engine_run(&f->engine, cases[i].sql);
        struct said said = complaints(f->store);
        if (!strstr(said.text, cases[i].says))
            fail_msg("%s: says only: %s", cases[i].sql, said.text);
        assert_ok(restore_of(f->store, good, true), err);
    }
    assert_whole(f->store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_restore__gives_the_same_store_in_sqlite),
        T(test_restore__refuses_what_has_content_unless_forced),
        T(test_restore__damaged_backup_changes_nothing),
        T(test_restore__hostile_records_are_refused),
        T(test_copy__there_and_back_is_the_same),
        T(test_copy__cancelled_leaves_nothing),
        T(test_backup__knows_every_table),
        T(test_check__names_each_contradiction),
    };
    const struct CMUnitTest on_postgres[] = {T(test_restore__gives_the_same_store_in_postgresql)};
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    return engine_has_postgres() ? bad + cmocka_run_group_tests(on_postgres, NULL, NULL) : bad;
}
