/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assess/assess.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is applied: to a finding that has everything, and to one that has nothing. */
static void apply(struct arena *arena, const struct rules *rules)
{
    struct cvss cvss = {.version = STR("3.1"), .score = 7.5, .is_scored = true};
    str alias = STR("GHSA-aaaa-bbbb-cccc"), registry = STR("reg.example");
    struct finding two[] = {{.id = STR("CVE-2024-1000"),
                             .aliases = {&alias, 1, 1},
                             .category = STR("Debian"),
                             .title = STR("heap overflow"),
                             .cvss = {&cvss, 1, 1},
                             .severity = SEVERITY_LOW,
                             .is_patchable = true},
                            {.id = STR("CVE-2024-1001")}};
    findings all = {two, 2, 2};
    struct distro distro = {
        .id = STR("debian"), .version_id = STR("12"), .name = STR("Debian GNU/Linux 12")};
    struct rule_image image = {.registries = {&registry, 1, 1},
                               .repository = STR("a/b/c/d/e/f/g/h/i/j"),
                               .distro = &distro};
    notices told = {0};
    struct rule_outcome *outcomes = arena_array(arena, struct rule_outcome, rules->all.len + 1);
    if (!outcomes || !rules_apply(arena, rules, &image, 1795506277, &all, outcomes))
        return;
    size_t n_disabled = 0, n_said = 0;
    for (size_t i = 0; i < rules->all.len; i++)
        n_said += outcomes[i].n_disabled;
    for (size_t i = 0; i < 2; i++)
        n_disabled += two[i].disabled_by.len > 0;
    if (n_disabled != n_said ||
        (n_disabled && !two[0].disabled_reason.len && !two[1].disabled_reason.len))
        abort();
    (void)!rules_tell(arena, rules, outcomes, &told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct rules rules = {0};
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    bool is_ok = rules_parse(&arena, STR("fuzz"), str_of((const char *)data, size), &rules, &err);
    if (is_ok == (err.kind != ERR_NONE))
        abort();
    for (size_t i = 0; i < rules.all.len; i++)
        if (!rules.all.ptr[i].name.len || !rules.all.ptr[i].justification.len)
            abort();
    if (is_ok)
        apply(&arena, &rules);
    arena_fini(&arena);
    return 0;
}
