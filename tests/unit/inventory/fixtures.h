/* SPDX-License-Identifier: Apache-2.0 */
/* fixtures.h - for tests: the cases of a detector's data file as inputs, and an image of one layer
 * that holds one of them beside the database of another package manager. */
#pragma once

#include "detect.h"
#include "tar.h"

#include "inventory/internal.h"

struct fixture {
    const struct detector *detector;
    str title, path, text;
    bool is_failing; /* the case expects a reason */
    bool is_placed;  /* a file of that path is read by the detector */
};
typedef VEC(struct fixture) fixtures;

static inline fixtures fixtures_of(struct arena *arena, const struct detector *detector)
{
    fixtures out = {0};
    struct matcher *matcher;
    struct err err;
    size_t n_placed = 0;
    char name[100];
    assert_ok(matcher_open(arena, &matcher, &err), err);
    snprintf(name, sizeof(name), "inventory/%s.cases", detector->name);
    str rest = test_data(arena, name), one;
    str_cut(rest, STR("=== "), &one, &rest); /* the heading */
    while (rest.len) {
        str body;
        struct fixture *fixture = vec_push(arena, &out);
        assert_non_null(fixture);
        str_cut(rest, STR("\n=== "), &one, &rest);
        assert_true(str_cut_byte(one, '\n', &one, &body));
        for (str rest_of_title = one;
             str_cut(rest_of_title, STR(": "), &fixture->title, &rest_of_title);)
            fixture->path = rest_of_title; /* a title may have a colon, too */
        fixture->title = one;
        size_t end = str_find(body, STR("\n---"));
        bool is_stray;
        fixture->detector = detector;
        fixture->is_placed =
            matcher_find(matcher, fixture->path, &is_stray) == detector && !is_stray;
        n_placed += fixture->is_placed;
        fixture->text = case_input(arena, str_slice(body, 0, end + 1));
        fixture->is_failing = str_has(str_skip(body, end), STR("\n! "));
    }
    if (n_placed == 0)
        fail_msg("%s has no fixture at one of its paths", detector->name);
    return out;
}

/* Another package manager's database, which is to be read whatever is beside it. */
struct witness {
    str path, text, type;
};
static inline struct witness witness_for(const struct detector *detector)
{
    const struct witness dpkg = {
        STR("var/lib/dpkg/status"),
        STR("Package: witness\nStatus: install ok installed\nVersion: 1.0\n\n"), STR("deb")};
    const struct witness apk = {STR("lib/apk/db/installed"), STR("P:witness\nV:1.0\n\n"),
                                STR("apk")};
    return strcmp(detector->name, "dpkg") == 0 ? apk : dpkg;
}
