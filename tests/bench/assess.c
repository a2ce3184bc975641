/* SPDX-License-Identifier: Apache-2.0 */
/* assess.c - from findings to decisions: rules, order, remediation and plan of many findings, in
 * milliseconds of processor time, so that a busy machine does not count.  The findings are made
 * here, the same at every run: 20 of each package, a fifth of them without a fix, a fifth of
 * language packages.  Of the rules 1,000 name ids and 20 do not. usage: assess [FINDINGS] [RUNS]
 * prints the median */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "assess/assess.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/sb.h"

enum { PER_PACKAGE = 20, LAYERS = 12, RULES_BY_ID = 1000, RULES_OTHER = 20, RUNS_MAX = 1001 };

static void die(const char *what)
{
    fprintf(stderr, "assess: %s\n", what);
    exit(1);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct finding make_finding(struct arena *arena, size_t i)
{
    static const enum severity severities[] = {SEVERITY_UNKNOWN, SEVERITY_LOW, SEVERITY_MEDIUM,
                                               SEVERITY_HIGH, SEVERITY_CRITICAL};
    size_t package = i / PER_PACKAGE;
    bool is_language = package % 5 == 0;
    struct finding f = {
        .id = arena_printf(arena, "CVE-%zu-%zu", 2005 + i % 20, 1000 + i),
        .type = is_language ? STR("npm") : STR("deb"),
        .package_name = arena_printf(arena, "package-%zu", package),
        .package_version = STR("1.2.3"),
        .path = is_language ? arena_printf(arena, "/app/node_modules/package-%zu", package)
                            : STR("/var/lib/dpkg/status"),
        .layer = (int)(package % LAYERS),
        .class = is_language ? CLASS_LANGUAGE : CLASS_OS,
        .severity = severities[i % ARRAY_LEN(severities)],
        .epss = (double)(i % 97) / 100.0,
        .is_kev = i % 1009 == 0,
        .category = is_language ? STR("npm") : STR("Debian"),
        .title = STR("a heap buffer overflow in the parser"),
    };
    if (i % 5) {
        f.is_patchable = true;
        f.fix_state = FIX_FIXED;
        f.fixed_version = arena_printf(arena, "1.2.%zu", 4 + i % PER_PACKAGE);
    }
    str *slot = is_language ? NULL : vec_push(arena, &f.binaries);
    if (slot)
        *slot = f.package_name;
    return f;
}

static void make_rules(struct arena *arena, size_t n, struct rules *out)
{
    struct sb text;
    struct err err = {0};
    sb_init(&text, 1 << 20);
    sb_addc(&text, "rules:\n");
    for (size_t i = 0; i < RULES_BY_ID; i++)
        sb_addf(&text, "- {name: id-%zu, justification: b, criteria: {id: CVE-%zu-%zu}}\n", i,
                2005 + (i * 37 % n) % 20, 1000 + i * 37 % n);
    for (size_t i = 0; i < RULES_OTHER; i++)
        sb_addf(&text,
                "- {name: other-%zu, justification: b, scope: {repository: 'shop/**'}, criteria: "
                "{category: [Debian, npm], severity-below: high, security-check: race%zu}}\n",
                i, i);
    if (!rules_parse(arena, STR("rules"), sb_str(&text), out, &err))
        die(err.msg);
    sb_fini(&text);
}

static void decide(struct arena *arena, const struct rules *rules, findings *all)
{
    const struct distro distro = {.id = STR("debian"), .version_id = STR("12")};
    struct package apt = {.type = STR("deb"), .name = STR("apt"), .is_os = true};
    const packages installed = {&apt, 1, 1};
    const struct rule_image image = {.repository = STR("shop/cart"), .distro = &distro};
    struct remedy_tools tools = assess_tools(&distro, &installed);
    struct rule_outcome *outcomes = arena_array(arena, struct rule_outcome, rules->all.len);
    finding_refs listed = {0};
    strs steps = {0};
    struct plan plan;
    if (!outcomes || !rules_apply(arena, rules, &image, 1795506277, all, outcomes))
        die("rules");
    for (size_t i = 0; i < all->len; i++) {
        struct finding *f = &all->ptr[i];
        const struct finding **slot = vec_push(arena, &listed);
        if (!slot || !assess_remediate(arena, f, &tools, STR("RUN x")))
            die("remediation");
        *slot = f;
    }
    if (!assess_plan(arena, &listed, &tools, &steps, &plan) ||
        plan.n_healed + plan.n_unhealed != all->len || plan.steps.len < LAYERS)
        die("plan");
    if (!assess_sort(arena, &listed) || assess_cmp(listed.ptr[0], listed.ptr[all->len - 1]) > 0)
        die("order");
}

static int cmp_times(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
    static int64_t times[RUNS_MAX]; /* lint: mutable static, one run of one thread */
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    size_t n_runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 11;
    struct arena arena;
    struct rules rules = {0};
    findings all = {0};
    if (n < RULES_BY_ID || n_runs == 0 || n_runs > RUNS_MAX)
        die("usage: assess [FINDINGS] [RUNS]");
    arena_init(&arena, (size_t)1 << 30);
    for (size_t i = 0; i < n; i++) {
        struct finding *slot = vec_push(&arena, &all);
        if (!slot)
            die("memory");
        *slot = make_finding(&arena, i);
    }
    make_rules(&arena, n, &rules);
    for (size_t run = 0; run < n_runs; run++) {
        struct arena work;
        arena_init(&work, (size_t)1 << 30);
        for (size_t i = 0; i < n; i++)
            all.ptr[i].disabled_by = STR_NONE;
        int64_t start = now_us();
        decide(&work, &rules, &all);
        times[run] = now_us() - start;
        arena_fini(&work);
    }
    qsort(times, n_runs, sizeof(times[0]), cmp_times);
    printf("%.1f\n", (double)times[n_runs / 2] / 1000.0);
    arena_fini(&arena);
    return 0;
}
