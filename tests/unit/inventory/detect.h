/* SPDX-License-Identifier: Apache-2.0 */
/* detect.h - for the detectors' tests: run the cases of a data file.
 *
 *   === name of the case: path of the file
 *   input
 *   --- what comes out, a line each
 *   package name version arch source source-version maintainer|licence,licence      (- for none)
 *   owns package number files: /some/of%20them
 *   diverts /from to /to by package
 *   distro id version codename name
 *   ! reason of the failure
 *
 * An input of one line "@file" stands for that file of tests/data.  Vendor and module label
 * follow in brackets where there is one of them: [vendor|label].
 */
#pragma once

#include "../support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sb.h"
#include "inventory/internal.h"

static inline const struct detector *detector_named(const char *name)
{
    size_t n;
    const struct detector *const *all = inventory_detectors(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    fail_msg("no detector %s", name);
    abort();
}

static inline bool detect(struct arena *arena, const char *detector, str path, str text,
                          struct file_record *file, struct err *err)
{
    struct rd in;
    rd_init(&in, text);
    *file = (struct file_record){.path = path, .detector = detector_named(detector)};
    return file->detector->parse(arena, path, &in, file, err);
}

static inline void print_word(struct sb *out, str s)
{
    sb_addc(out, " ");
    sb_add(out, s.len ? s : STR("-"));
}

/* Those of the case's paths ("owns package …: /path /path") that the owner has: only hashes are
 * kept.  %20 stands for a blank. */
static inline void print_owned(struct sb *out, const struct file_owner *owner, str want)
{
    str line = STR_NONE, path;
    auto_sb plain;
    sb_init(&plain, 4096);
    while (str_next(&want, '\n', &line)) {
        str name, rest;
        if (!str_cut(line, STR("owns "), &rest, &line) || !str_cut_byte(line, ' ', &name, &line) ||
            !str_eq(name, owner->name))
            continue;
        str_cut(line, STR(":"), &rest, &line);
        while (str_next(&line, ' ', &path)) {
            uint64_t hash = 0;
            sb_clear(&plain);
            for (str left = path; left.len;) {
                bool is_blank = str_starts(left, STR("%20"));
                sb_add(&plain, is_blank ? STR(" ") : str_slice(left, 0, 1));
                left = str_skip(left, is_blank ? 3 : 1);
            }
            hash = path_hash_from(PATH_ROOT_HASH, sb_str(&plain));
            for (size_t i = 0; i < owner->paths.len && path.len; i++)
                if (owner->paths.ptr[i] == hash)
                    sb_addf(out, " " STR_FMT, STR_ARG(path));
        }
        return;
    }
}

/* Those that the case names: only hashes are kept. */
static inline void print_diversions(struct sb *out, const struct file_record *file, str want)
{
    str line, word[5];
    size_t i = 0;
    while (str_next(&want, '\n', &line)) {
        str rest = line;
        if (!str_starts(line, STR("diverts ")) || i >= file->diversions.len)
            continue;
        for (size_t w = 0; w < 5; w++)
            str_cut_byte(rest, ' ', &word[w], &rest);
        const struct file_diversion *diversion = &file->diversions.ptr[i++];
        bool is_same = path_hash_from(PATH_ROOT_HASH, word[1]) == diversion->from &&
                       path_hash_from(PATH_ROOT_HASH, word[3]) == diversion->to;
        sb_addf(out, "diverts " STR_FMT " to " STR_FMT " by", STR_ARG(is_same ? word[1] : STR("?")),
                STR_ARG(is_same ? word[3] : STR("?")));
        print_word(out, diversion->by);
        sb_addc(out, "\n");
    }
    if (i < file->diversions.len)
        sb_addf(out, "and %zu more diversions\n", file->diversions.len - i);
}

static inline void print_record(struct sb *out, const struct file_record *file, str want)
{
    for (size_t i = 0; i < file->packages.len; i++) {
        const struct package *p = &file->packages.ptr[i];
        sb_addc(out, "package");
        print_word(out, p->name);
        print_word(out, p->version);
        print_word(out, p->arch);
        print_word(out, p->source_name);
        print_word(out, p->source_version);
        print_word(out, p->maintainer);
        for (size_t l = 0; l < p->licenses.len; l++) {
            sb_addc(out, l ? "," : "|");
            sb_add(out, p->licenses.ptr[l]);
        }
        if (p->vendor.len || p->modularity.len)
            sb_addf(out, " [" STR_FMT "|" STR_FMT "]", STR_ARG(p->vendor), STR_ARG(p->modularity));
        sb_addc(out, "\n");
    }
    for (size_t i = 0; i < file->owners.len; i++) {
        const struct file_owner *owner = &file->owners.ptr[i];
        sb_addf(out, "owns " STR_FMT " %zu files:", STR_ARG(owner->name), owner->paths.len);
        print_owned(out, owner, want);
        sb_addc(out, "\n");
    }
    print_diversions(out, file, want);
    if (file->distro.id.len == 0)
        return;
    sb_addc(out, "distro");
    print_word(out, file->distro.id);
    print_word(out, file->distro.version_id);
    print_word(out, file->distro.codename);
    print_word(out, file->distro.name);
    sb_addc(out, "\n");
}

/* What a case's input stands for. */
static inline str case_input(struct arena *arena, str input)
{
    if (!str_starts(input, STR("@")))
        return input;
    char name[200];
    str file = str_trim(str_skip(input, 1));
    snprintf(name, sizeof(name), "%.*s", STR_ARG(file));
    return test_data(arena, name);
}

/* All cases of tests/data/inventory/<detector>.cases. */
static inline void detect_cases(const char *detector)
{
    struct arena arena;
    arena_init(&arena, 16u << 20);
    char name[100];
    snprintf(name, sizeof(name), "inventory/%s.cases", detector);
    str rest = test_data(&arena, name), one;
    size_t n = 0, n_bad = 0;
    str_cut(rest, STR("=== "), &one, &rest); /* the heading */
    while (rest.len) {
        str_cut(rest, STR("\n=== "), &one, &rest);
        str title, path, body;
        assert_true(str_cut_byte(one, '\n', &title, &body));
        assert_true(str_cut(title, STR(": "), &title, &path));
        size_t end = str_find(body, STR("\n---"));
        assert_true(end < body.len);
        str input = str_slice(body, 0, end + 1); /* with its newline */
        str want = str_skip(body, end + STR("\n---").len);
        struct file_record file;
        struct err err = {0};
        auto_sb got;
        sb_init(&got, 1 << 20);
        input = case_input(&arena, input);
        if (!detect(&arena, detector, path, input, &file, &err)) {
            print_record(&got, &file, want);
            sb_addf(&got, "! %s\n", err.msg);
        } else {
            print_record(&got, &file, want);
        }
        if (!str_eq(str_trim(sb_str(&got)), str_trim(want))) {
            print_message("%s: \"%.*s\" is\n%.*s\n  expected\n%.*s\n", detector, STR_ARG(title),
                          STR_ARG(sb_str(&got)), STR_ARG(want));
            n_bad++;
        }
        n++;
    }
    arena_fini(&arena);
    assert_true(n > 1);
    assert_int_equal(n_bad, 0);
}

#define DETECTOR_TEST(name)                                                                        \
    static void test_##name##__cases_of_its_file(void **state)                                     \
    {                                                                                              \
        (void)state;                                                                               \
        detect_cases(#name);                                                                       \
    }                                                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_##name##__cases_of_its_file)};    \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }
