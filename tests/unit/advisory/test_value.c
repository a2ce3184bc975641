/* SPDX-License-Identifier: Apache-2.0 */
#include "../support.h"

#include "advisory/internal.h"

static struct affected sample(struct arena *arena)
{
    struct affected affected = {.record = STR("CVE-2024-1"),
                                .state = FIX_FIXED,
                                .severity = SEVERITY_HIGH,
                                .is_withdrawn = true};
    struct version_range *range = vec_push(arena, &affected.ranges);
    *range = (struct version_range){STR("0"), STR("1.2-3"), STR_NONE, false};
    range = vec_push(arena, &affected.ranges);
    *range = (struct version_range){STR("2"), STR_NONE, STR("2.5"), true};
    *(str *)vec_push(arena, &affected.versions) = STR("9");
    *(str *)vec_push(arena, &affected.arches) = STR("x86_64");
    *(str *)vec_push(arena, &affected.symbols) = STR("crypto/tls.Dial");
    affected.module = STR("nodejs:18");
    affected.note = STR("no-dsa: minor issue");
    return affected;
}

/* An item of a value: source, mark, bytes. */
static void print_item(struct sb *out, uint32_t source, const struct sb *item)
{
    sb_varint(out, source);
    sb_u32le(out, 7);
    sb_blob(out, sb_str(item));
}

/* One package's value: two statements of the two sources. */
static void print_value(struct arena *arena, struct sb *out)
{
    struct affected affected = sample(arena);
    auto_sb item;
    sb_init(&item, 1 << 20);
    affected_print(&affected, &item);
    sb_varint(out, 2);
    print_item(out, 0, &item);
    print_item(out, 1, &item);
}

static const struct source_state SOURCES[] = {{.name = {"a", 1}}, {.name = {"b", 1}}};

static void test_value__statements_come_back(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    affecteds list;
    auto_sb value;
    arena_init(&arena, 1 << 20);
    sb_init(&value, 1 << 20);
    print_value(&arena, &value);
    assert_ok(package_value_parse(sb_str(&value), &arena, SOURCES, 2, &list, &err), err);
    assert_int_equal(list.len, 2);
    assert_str(list.ptr[1].source, "b");
    assert_str(list.ptr[1].record, "CVE-2024-1");
    assert_int_equal(list.ptr[1].state, FIX_FIXED);
    assert_int_equal(list.ptr[1].severity, SEVERITY_HIGH);
    assert_true(list.ptr[1].is_withdrawn);
    assert_false(list.ptr[1].is_binary);
    assert_int_equal(list.ptr[1].ranges.len, 2);
    assert_str(list.ptr[1].ranges.ptr[0].fixed, "1.2-3");
    assert_str(list.ptr[1].ranges.ptr[1].last_affected, "2.5");
    assert_true(list.ptr[1].ranges.ptr[1].is_after && !list.ptr[1].ranges.ptr[0].is_after);
    assert_str(list.ptr[1].versions.ptr[0], "9");
    assert_str(list.ptr[1].arches.ptr[0], "x86_64");
    assert_str(list.ptr[1].symbols.ptr[0], "crypto/tls.Dial");
    assert_str(list.ptr[1].module, "nodejs:18");
    assert_str(list.ptr[1].note, "no-dsa: minor issue");
    arena_fini(&arena);
}

static void print_enrichments(struct arena *arena, struct sb *out)
{
    struct enrichment kev = {.is_kev = true,
                             .is_ransomware = true,
                             .kev_added = STR("2021-12-10"),
                             .kev_due = STR("2021-12-24")};
    struct enrichment epss = {.has_epss = true, .epss = 0.97565, .epss_percentile = 1};
    *(str *)vec_push(arena, &epss.cwes) = STR("CWE-502");
    struct cvss *cvss = vec_push(arena, &epss.cvss);
    *cvss = (struct cvss){.version = STR("3.1"), .vector = STR("CVSS:3.1/AV:N"), .score = 9.8};
    struct rating *rating = vec_push(arena, &epss.ratings);
    *rating = (struct rating){.source = STR("nvd"), .severity = SEVERITY_CRITICAL};
    auto_sb item;
    sb_init(&item, 1 << 20);
    sb_varint(out, 2);
    enrichment_print(&kev, &item);
    print_item(out, 0, &item);
    sb_clear(&item);
    enrichment_print(&epss, &item);
    print_item(out, 1, &item);
}

static void test_value__enrichments_come_back(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    enrichments list;
    auto_sb value;
    arena_init(&arena, 1 << 20);
    sb_init(&value, 1 << 20);
    print_enrichments(&arena, &value);
    assert_ok(enrichment_value_parse(sb_str(&value), &arena, SOURCES, 2, &list, &err), err);
    assert_int_equal(list.len, 2);
    assert_true(list.ptr[0].is_kev && list.ptr[0].is_ransomware && !list.ptr[0].has_epss);
    assert_str(list.ptr[0].kev_due, "2021-12-24");
    assert_str(list.ptr[1].source, "b");
    assert_true(list.ptr[1].has_epss && list.ptr[1].epss > 0.975649 && list.ptr[1].epss < 0.975651);
    assert_true(list.ptr[1].epss_percentile > 0.9999999);
    assert_str(list.ptr[1].cwes.ptr[0], "CWE-502");
    assert_str(list.ptr[1].cvss.ptr[0].vector, "CVSS:3.1/AV:N");
    assert_int_equal(list.ptr[1].ratings.ptr[0].severity, SEVERITY_CRITICAL);
    for (size_t len = 0; len < value.len; len++)
        assert_false(
            enrichment_value_parse(str_of(value.ptr, len), &arena, SOURCES, 2, &list, &err));
    arena_fini(&arena);
}

static void test_value__every_prefix_and_flip_is_an_answer_or_an_error(void **state)
{
    (void)state;
    struct arena arena, scratch;
    auto_sb value;
    arena_init(&arena, 1 << 20);
    sb_init(&value, 1 << 20);
    print_value(&arena, &value);
    for (size_t len = 0; len < value.len; len++) {
        struct err err = {0};
        affecteds list;
        arena_init(&scratch, 1 << 16);
        assert_false(
            package_value_parse(str_of(value.ptr, len), &scratch, SOURCES, 2, &list, &err));
        assert_true(err_is(&err));
        arena_fini(&scratch);
    }
    for (size_t bit = 0; bit < value.len * 8; bit++) {
        struct err err = {0};
        affecteds list;
        arena_init(&scratch, 1 << 16);
        value.ptr[bit / 8] = (char)(value.ptr[bit / 8] ^ (1 << bit % 8));
        if (!package_value_parse(sb_str(&value), &scratch, SOURCES, 2, &list, &err))
            assert_true(err_is(&err));
        value.ptr[bit / 8] = (char)(value.ptr[bit / 8] ^ (1 << bit % 8));
        arena_fini(&scratch);
    }
    arena_fini(&arena);
}

static void test_value__a_lying_count_asks_for_no_memory(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = {0};
    affecteds list;
    auto_sb value;
    arena_init(&arena, 1 << 10);
    sb_init(&value, 1 << 10);
    sb_varint(&value, 1ULL << 40);
    assert_false(package_value_parse(sb_str(&value), &arena, SOURCES, 2, &list, &err));
    assert_int_not_equal(err.kind, ERR_MEMORY);
    arena_fini(&arena);
}

static void test_value__a_long_key_is_hashed_and_divided(void **state)
{
    (void)state;
    struct db_key a, b;
    char text[600];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = 'x';
    db_key_make(&a, KEY_PACKAGE, STR("Debian:12"), str_of(text, sizeof text));
    db_key_make(&b, KEY_PACKAGE, STR("Debian:12x"), str_of(text, sizeof text - 1));
    assert_int_equal(a.len, 1 + KEY_DIGEST);
    assert_true(a.bytes[0] == 'p');
    assert_false(str_eq(str_of(a.bytes, a.len), str_of(b.bytes, b.len)));
    db_key_make(&a, KEY_PACKAGE, STR("e"), STR("p"));
    assert_true(str_eq(str_of(a.bytes, a.len), STR("Pe\0p")));
    db_key_make(&a, KEY_PACKAGE, STR("e"), str_of(text, KEY_MAX - 3));
    assert_int_equal(a.len, KEY_MAX);
    db_key_make(&a, KEY_PACKAGE, STR("e"), str_of(text, KEY_MAX - 2));
    assert_int_equal(a.len, 1 + KEY_DIGEST);
}

static void test_value__record_texts_come_back(void **state)
{
    (void)state;
    struct arena arena;
    struct rd in;
    struct advisory back, advisory = {.id = STR("X-1"),
                                      .title = STR("t"),
                                      .description = STR("d"),
                                      .published = STR("p"),
                                      .modified = STR("m"),
                                      .withdrawn = STR("w"),
                                      .revision = STR("r")};
    auto_sb out;
    arena_init(&arena, 1 << 16);
    sb_init(&out, 1 << 16);
    *(str *)vec_push(&arena, &advisory.aliases) = STR("CVE-1");
    *(str *)vec_push(&arena, &advisory.references) = STR("https://example.org");
    struct cvss *cvss = vec_push(&arena, &advisory.cvss);
    *cvss = (struct cvss){.version = STR("3.1"),
                          .vector = STR("V"),
                          .source = STR("osv"),
                          .score = 9.8,
                          .is_scored = true};
    *(struct rating *)vec_push(&arena, &advisory.ratings) =
        (struct rating){STR("osv"), SEVERITY_LOW};
    record_text_print(&advisory, &out);
    rd_init(&in, sb_str(&out));
    assert_true(record_text_parse(&in, &arena, &back) && rd_is_end(&in));
    assert_str(back.aliases.ptr[0], "CVE-1");
    assert_str(back.withdrawn, "w");
    assert_true(back.cvss.ptr[0].score > 9.79 && back.cvss.ptr[0].score < 9.81);
    assert_int_equal(back.ratings.ptr[0].severity, SEVERITY_LOW);
    assert_str(back.revision, "r");
    for (size_t len = 0; len < out.len; len++) {
        rd_init(&in, str_of(out.ptr, len));
        assert_false(record_text_parse(&in, &arena, &back));
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_value__statements_come_back),
        cmocka_unit_test(test_value__enrichments_come_back),
        cmocka_unit_test(test_value__every_prefix_and_flip_is_an_answer_or_an_error),
        cmocka_unit_test(test_value__a_lying_count_asks_for_no_memory),
        cmocka_unit_test(test_value__a_long_key_is_hashed_and_divided),
        cmocka_unit_test(test_value__record_texts_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
