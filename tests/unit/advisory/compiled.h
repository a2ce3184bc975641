/* SPDX-License-Identifier: Apache-2.0 */
/* compiled.h - one feed compiled into a fresh database, and questions to it. */
#pragma once

#include "../support.h"

#include "advisory/advisory.h"
#include "os/file.h"

struct compiled {
    struct arena arena;
    const char *dir;
    struct advisory_db *db;
    const struct source_state *source;
};

static inline const char *compiled_path(struct compiled *c, const char *name)
{
    return arena_cstr(&c->arena, arena_printf(&c->arena, "%s/%s", c->dir, name));
}

/* A folder for the feed's files: "feed/<name>" gets @text. */
static inline void compiled_put(struct compiled *c, const char *name, str text)
{
    struct err err = {0};
    str path = arena_printf(&c->arena, "%s/feed/%s", c->dir, name);
    size_t slash = str_rfind_byte(path, '/');
    assert_ok(dir_make(arena_cstr(&c->arena, str_slice(path, 0, slash)), &err), err);
    assert_ok(file_save(arena_cstr(&c->arena, path), text, 0644, &err), err);
}

static inline void compiled_copy(struct compiled *c, const char *data, const char *name)
{
    compiled_put(c, name, test_data(&c->arena, data));
}

static inline void compiled_init(struct compiled *c)
{
    *c = (struct compiled){0};
    arena_init(&c->arena, 64 << 20);
    c->dir = test_mkdir(&c->arena);
}

/* @place NULL: what compiled_put made. */
static inline void compiled_run(struct compiled *c, const char *feed, const char *place)
{
    struct err err = {0};
    struct update_result result;
    struct feed_choice choice = {str_from(feed),
                                 str_from(place ? place : compiled_path(c, "feed"))};
    const char *db = compiled_path(c, "db");
    struct update_spec spec = {.dir = db, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_int_equal(result.n_failed, 0);
    assert_ok(advisory_db_open(db, &c->db, &err), err);
    assert_int_equal(advisory_db_sources(c->db, &c->source), 1);
}

static inline void compiled_fini(struct compiled *c)
{
    advisory_db_close(c->db);
    test_rmdir(c->dir);
    arena_fini(&c->arena);
}

static inline affecteds compiled_list(struct compiled *c, const char *ecosystem,
                                      const char *package)
{
    struct err err = {0};
    affecteds list;
    assert_ok(advisory_find(c->db, &c->arena, str_from(ecosystem), str_from(package), &list, &err),
              err);
    return list;
}

/* The statement of that record, which must be there. */
static inline struct affected compiled_find(struct compiled *c, const char *ecosystem,
                                            const char *package, const char *record)
{
    affecteds list = compiled_list(c, ecosystem, package);
    for (size_t i = 0; i < list.len; i++) {
        if (str_eq(list.ptr[i].record, str_from(record)))
            return list.ptr[i];
    }
    fail_msg("%s says nothing of %s in %s", record, package, ecosystem);
    return (struct affected){0};
}

/* Its ranges in words: ">=0 <1.2, >=2 <=2.1, >3". */
static inline str compiled_ranges(struct compiled *c, const char *ecosystem, const char *package,
                                  const char *record)
{
    struct affected found = compiled_find(c, ecosystem, package, record);
    str out = STR("");
    for (size_t i = 0; i < found.ranges.len; i++) {
        const struct version_range *r = &found.ranges.ptr[i];
        out =
            arena_printf(&c->arena, STR_FMT "%s%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(out),
                         i ? ", " : "", r->is_after ? ">" : ">=", STR_ARG(r->introduced),
                         r->fixed.len ? " <" : "", STR_ARG(r->fixed),
                         r->last_affected.len ? " <=" : "", STR_ARG(r->last_affected));
    }
    return out;
}

static inline bool compiled_has(struct compiled *c, const char *ecosystem, const char *package,
                                const char *record)
{
    affecteds list = compiled_list(c, ecosystem, package);
    for (size_t i = 0; i < list.len; i++) {
        if (str_eq(list.ptr[i].record, str_from(record)))
            return true;
    }
    return false;
}

static inline struct advisory compiled_record(struct compiled *c, const char *record)
{
    struct err err = {0};
    struct advisory advisory;
    assert_ok(advisory_get(c->db, &c->arena, c->source->name, str_from(record), &advisory, &err),
              err);
    return advisory;
}

static inline bool compiled_says(const struct compiled *c, const char *words)
{
    for (size_t i = 0; i < c->source->notices.len; i++) {
        if (str_has(c->source->notices.ptr[i].message, str_from(words)))
            return true;
    }
    return false;
}

static inline bool strs_hold(const strs *list, const char *value)
{
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq(list->ptr[i], str_from(value)))
            return true;
    }
    return false;
}
