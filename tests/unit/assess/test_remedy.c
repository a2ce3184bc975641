/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "assess/assess.h"

static enum fix_state state_of(str word)
{
    static const struct {
        const char *word;
        enum fix_state state;
    } words[] = {{"unknown", FIX_UNKNOWN},   {"fixed", FIX_FIXED},
                 {"affected", FIX_AFFECTED}, {"will-not-fix", FIX_WILL_NOT_FIX},
                 {"deferred", FIX_DEFERRED}, {"end-of-life", FIX_END_OF_LIFE}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_eq(str_from(words[i].word), word))
            return words[i].state;
    fail_msg("unknown state " STR_FMT, STR_ARG(word));
    return FIX_UNKNOWN;
}

/* An image that has every package manager of a package type. */
static struct remedy_tools tools_of(struct arena *arena, const struct distro *distro, str type)
{
    static const char *const providers[] = {
        "apt", "apk-tools", "dnf", "yum", "zypper", "tdnf", "pacman", "opkg", "sys-apps/portage"};
    packages installed = {0};
    for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
        *vec_push(arena, &installed) =
            (struct package){.type = type, .name = str_from(providers[i]), .is_os = true};
    return assess_tools(distro, &installed);
}

static void test_remedy__rules(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct rd in;
    rd_init(&in, test_data(&arena, "assess/remedy.txt"));
    str row, name;
    size_t n = 0;
    for (; test_next_row(&in, &row); n++) {
        struct distro distro = {.id = column(&row)};
        struct finding finding = {.id = STR("CVE-2024-1")};
        finding.type = column(&row);
        finding.package_name = column(&row);
        finding.package_version = column(&row);
        finding.class = str_eq(distro.id, STR("-")) ? CLASS_LANGUAGE : CLASS_OS;
        str binaries = column(&row);
        while (str_next(&binaries, ' ', &name))
            *vec_push(&arena, &finding.binaries) = name;
        finding.fixed_version = column(&row);
        finding.fix_state = state_of(column(&row));
        str command = column(&row), words = column(&row);
        struct remedy_tools tools = tools_of(&arena, &distro, finding.type);
        assert_true(assess_remediate(&arena, &finding, &tools, STR(" RUN apt-get install x ")));
        if (!str_eq(finding.remediation_command, command) ||
            !str_has(finding.remediation_text, words))
            fail_msg("is '" STR_FMT "', '" STR_FMT "'; expected '" STR_FMT "'",
                     STR_ARG(finding.remediation_command), STR_ARG(finding.remediation_text),
                     STR_ARG(command));
        assert_str(finding.remediation_step, "RUN apt-get install x");
    }
    assert_true(n > 20);
    arena_fini(&arena);
}

static void test_remedy__base_image_is_named(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct distro distro = {.id = STR("debian"), .name = STR("Debian GNU/Linux 12")};
    struct finding finding = {.id = STR("CVE-1"), .package_name = STR("a"), .is_from_base = true};
    struct remedy_tools tools = tools_of(&arena, &distro, STR("deb"));
    assert_true(assess_remediate(&arena, &finding, &tools, STR_NONE));
    assert_true(str_has(finding.remediation_text, STR("base image")));
    assert_true(str_has(finding.remediation_text, STR("update of Debian GNU/Linux 12")));
    finding.is_from_base = false;
    assert_true(assess_remediate(&arena, &finding, &tools, STR_NONE));
    assert_false(str_has(finding.remediation_text, STR("base image")));
    arena_fini(&arena);
}

static void test_remedy__many_binaries_are_cut_in_words_only(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct distro distro = {.id = STR("debian")};
    struct remedy_tools tools = tools_of(&arena, &distro, STR("deb"));
    struct finding finding = {.id = STR("CVE-1"),
                              .type = STR("deb"),
                              .package_name = STR("a"),
                              .fixed_version = STR("2")};
    for (int i = 0; i < 20; i++)
        *vec_push(&arena, &finding.binaries) = arena_printf(&arena, "bin%02d", i);
    assert_true(assess_remediate(&arena, &finding, &tools, STR_NONE));
    assert_true(str_has(finding.remediation_text, STR("bin07 and 12 more)")));
    assert_true(str_has(finding.remediation_command, STR(" bin19")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remedy__rules),
        cmocka_unit_test(test_remedy__base_image_is_named),
        cmocka_unit_test(test_remedy__many_binaries_are_cut_in_words_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
