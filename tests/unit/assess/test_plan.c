/* SPDX-License-Identifier: Apache-2.0 */
/* The plan, the order of presentation, the base image. */
#include "../match/world.h"

#include "assess/assess.h"

/* --- order
 * ---------------------------------------------------------------------------------------------- */
static void test_order__exploited_severity_epss_fix(void **state)
{
    (void)state;
    /* in their order; each differs from the next by what counts less */
    const struct finding all[] = {
        {.id = STR("9"), .is_kev = true, .severity = SEVERITY_LOW},
        {.id = STR("8"), .severity = SEVERITY_CRITICAL, .epss = 0.5},
        {.id = STR("7"), .severity = SEVERITY_CRITICAL, .epss = 0.1, .is_patchable = true},
        {.id = STR("6"), .severity = SEVERITY_CRITICAL, .epss = 0.1},
        {.id = STR("5"), .severity = SEVERITY_HIGH, .epss = 0.9},
        {.id = STR("4"), .severity = SEVERITY_UNKNOWN, .is_patchable = true},
        {.id = STR("3"), .severity = SEVERITY_MEDIUM},
        {.id = STR("2"), .severity = SEVERITY_LOW},
        {.id = STR("1"), .severity = SEVERITY_NONE},
        {.id = STR("1"), .severity = SEVERITY_NONE, .package_name = STR("a")},
        {.id = STR("1"), .severity = SEVERITY_NONE, .package_name = STR("a"), .path = STR("/b")},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (size_t j = 0; j < ARRAY_LEN(all); j++) {
            int got = assess_cmp(&all[i], &all[j]);
            assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
        }
}

static void test_order__sorting_many_is_the_same_order(void **state)
{
    (void)state;
    enum { N = 500 };
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct finding *all = arena_array(&arena, struct finding, N);
    finding_refs refs = {0};
    assert_non_null(all);
    for (size_t i = 0; i < N; i++) {
        size_t dice = i * 7919 % 1009;
        all[i] = (struct finding){.id = arena_printf(&arena, "CVE-%zu", dice % 90),
                                  .severity = (enum severity)(dice % 6),
                                  .epss = (double)(dice % 4) / 10,
                                  .is_kev = dice % 11 == 0,
                                  .is_patchable = dice % 2};
        *vec_push(&arena, &refs) = &all[i];
    }
    assert_true(assess_sort(&arena, &refs));
    for (size_t i = 1; i < N; i++)
        assert_true(assess_cmp(refs.ptr[i - 1], refs.ptr[i]) <= 0);
    arena_fini(&arena);
}

static void test_order__a_group_is_as_bad_as_its_worst(void **state)
{
    (void)state;
    struct assess_rank a = {.severity = SEVERITY_LOW, .epss = 0.9},
                       b = {.severity = SEVERITY_HIGH, .is_kev = true};
    struct assess_rank max = assess_rank_max(a, b);
    assert_true(max.is_kev && max.severity == SEVERITY_HIGH && max.epss > 0.8 && !max.is_patchable);
    max = assess_rank_max(b, (struct assess_rank){.severity = SEVERITY_MEDIUM});
    assert_int_equal(max.severity, SEVERITY_HIGH);
    max = assess_rank_max((struct assess_rank){.severity = SEVERITY_UNKNOWN},
                          (struct assess_rank){.severity = SEVERITY_MEDIUM});
    assert_int_equal(max.severity, SEVERITY_UNKNOWN); /* sorts after high */
}

/* --- base images
 * -------------------------------------------------------------------------------------- */
static void layers_of(const char *names, digest *out)
{
    for (size_t i = 0; names[i]; i++)
        out[i] = names[i] == '?' ? (digest){0} : digest_of(HASH_SHA256, str_of(&names[i], 1));
}

static size_t base_of(const char *image, const char *const *others, size_t n, size_t *which)
{
    digest layers[8], chains[4][8];
    struct layer_chain all[4];
    layers_of(image, layers);
    for (size_t i = 0; i < n; i++) {
        layers_of(others[i], chains[i]);
        all[i] = (struct layer_chain){.diff_ids = chains[i], .n = strlen(others[i])};
    }
    return assess_base(layers, strlen(image), all, n, which);
}

static void test_base__the_longest_chain_that_is_all_of_another_image(void **state)
{
    (void)state;
    size_t which = 9;
    const char *const others[] = {"a", "abc", "ab", "abx"};
    assert_int_equal(base_of("abcd", others, 4, &which), 3);
    assert_int_equal(which, 1);
    assert_int_equal(base_of("abd", others, 4, NULL), 2);
    assert_int_equal(base_of("abc", others, 4, NULL), 3);
    assert_int_equal(base_of("bcd", others, 4, NULL), 0);
    assert_int_equal(base_of("", others, 4, NULL), 0);
}

static void test_base__an_unknown_layer_is_no_layer(void **state)
{
    (void)state;
    const char *const others[] = {"a?", "", "?"};
    assert_int_equal(base_of("a?c", others, 3, NULL), 0);
    assert_int_equal(base_of("?", others, 3, NULL), 0);
}

/* The example of the OCI image-spec's text: ChainID(L0) = DiffID(L0), ChainID(L0|…|Ln) =
 * Digest(ChainID(L0|…|Ln-1) + " " + DiffID(Ln)). */
static void test_base__chain_ids_are_those_of_the_specification(void **state)
{
    (void)state;
    digest layers[3], chains[3];
    char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
    struct arena arena;
    arena_init(&arena, 1 << 16);
    layers_of("abc", layers);
    assess_chain_ids(layers, 3, chains);
    assert_true(digest_eq(&chains[0], &layers[0]));
    for (size_t i = 1; i < 3; i++) {
        digest_print(&chains[i - 1], a);
        digest_print(&layers[i], b);
        digest want = digest_of(HASH_SHA256, arena_printf(&arena, "%s %s", a, b));
        assert_true(digest_eq(&chains[i], &want));
    }
    layers_of("a?c", layers);
    assess_chain_ids(layers, 3, chains);
    assert_true(!digest_is_none(&chains[0]) && digest_is_none(&chains[1]) &&
                digest_is_none(&chains[2]));
    arena_fini(&arena);
}

/* --- the plan, as lines
 * ----------------------------------------------------------------------------------- */
static void print_ids(struct sb *out, const finding_refs *members)
{
    for (size_t i = 0; i < members->len; i++)
        sb_addf(out, "%s" STR_FMT, i ? "," : " ", STR_ARG(members->ptr[i]->id));
}

static void print_step(struct sb *out, const struct plan_step *step)
{
    sb_addf(out, "step %s%d " STR_FMT, step->is_base ? "base " : "", step->layer,
            STR_ARG(step->manager));
    if (step->folder.len)
        sb_addf(out, " in " STR_FMT, STR_ARG(step->folder));
    sb_addf(out, ": " STR_FMT "\n", STR_ARG(step->command.len ? step->command : step->how));
    for (size_t i = 0; i < step->packages.len; i++) {
        const struct plan_package *p = &step->packages.ptr[i];
        sb_addf(out, "  " STR_FMT " " STR_FMT " -> " STR_FMT ":", STR_ARG(p->first->package_name),
                STR_ARG(p->first->package_version), STR_ARG(p->best->fixed_version));
        print_ids(out, &p->members);
        sb_addc(out, "\n");
    }
}

static void print_plan(struct sb *out, const struct plan *plan)
{
    for (size_t i = 0; i < plan->steps.len; i++)
        print_step(out, &plan->steps.ptr[i]);
    for (size_t i = 0; i < plan->unhealed.len; i++) {
        const struct plan_rest *rest = &plan->unhealed.ptr[i];
        sb_addf(out, "rest " STR_FMT " " STR_FMT ":", STR_ARG(rest->first->package_name),
                STR_ARG(rest->first->package_version));
        print_ids(out, &rest->members);
        sb_addf(out, " " STR_FMT "\n", STR_ARG(rest->why));
    }
}

static void make_plan(struct world *world, struct plan *plan)
{
    struct match_result result;
    struct err err = {0};
    finding_refs listed = {0};
    strs steps = {0};
    assert_ok(run(world, &result, &err), err);
    for (size_t i = 0; i < result.findings.len; i++) {
        result.findings.ptr[i].is_from_base = result.findings.ptr[i].layer == 0;
        *vec_push(&world->arena, &listed) = &result.findings.ptr[i];
    }
    *(str *)vec_push(&world->arena, &steps) = STR(" FROM base ");
    *(str *)vec_push(&world->arena, &steps) = STR("RUN own");
    struct remedy_tools tools = assess_tools(&world->inventory.distro, &world->inventory.packages);
    assert_true(assess_plan(&world->arena, &listed, &tools, &steps, plan));
}

/* "> row", then what the plan says, up to an empty line. */
static void test_plan__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    str all = test_data(&arena, "assess/plan.txt"), line;
    size_t n = 0;
    while (str_next(&all, '\n', &line)) {
        if (!str_starts(line, STR("> ")))
            continue;
        struct world world;
        struct plan plan;
        struct sb got, want;
        str row = str_skip(line, 2), expected;
        sb_init(&got, 1 << 16);
        sb_init(&want, 1 << 16);
        parse_world(&world, &row);
        make_plan(&world, &plan);
        print_plan(&got, &plan);
        while (str_next(&all, '\n', &expected) && expected.len)
            sb_addf(&want, STR_FMT "\n", STR_ARG(expected));
        if (!str_eq(sb_str(&got), sb_str(&want)))
            fail_msg("of " STR_FMT "\nis\n" STR_FMT "expected\n" STR_FMT, STR_ARG(line),
                     STR_ARG(sb_str(&got)), STR_ARG(sb_str(&want)));
        for (size_t i = 0; i < plan.steps.len; i++)
            assert_str(plan.steps.ptr[i].build_step,
                       plan.steps.ptr[i].layer == 0 ? "FROM base" : "RUN own");
        sb_fini(&got);
        sb_fini(&want);
        arena_fini(&world.arena);
        n++;
    }
    assert_true(n >= 12);
    arena_fini(&arena);
}

static void test_plan__no_memory_is_no_plan(void **state)
{
    (void)state;
    struct finding finding = {.id = STR("CVE-1"), .type = STR("deb"), .fixed_version = STR("2")};
    const struct finding *refs[] = {&finding};
    finding_refs listed = {refs, 1, 1};
    struct distro distro = {.id = STR("debian")};
    struct remedy_tools tools = {.distro = &distro};
    strs steps = {0};
    struct plan plan;
    for (size_t budget = 0; budget < 3000; budget += 64) {
        struct arena arena;
        arena_init(&arena, budget);
        if (assess_plan(&arena, &listed, &tools, &steps, &plan))
            assert_int_equal(plan.steps.len, 1);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order__exploited_severity_epss_fix),
        cmocka_unit_test(test_order__sorting_many_is_the_same_order),
        cmocka_unit_test(test_order__a_group_is_as_bad_as_its_worst),
        cmocka_unit_test(test_base__the_longest_chain_that_is_all_of_another_image),
        cmocka_unit_test(test_base__an_unknown_layer_is_no_layer),
        cmocka_unit_test(test_base__chain_ids_are_those_of_the_specification),
        cmocka_unit_test(test_plan__rules),
        cmocka_unit_test(test_plan__no_memory_is_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
