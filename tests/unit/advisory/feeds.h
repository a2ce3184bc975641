/* SPDX-License-Identifier: Apache-2.0 */
/* feeds.h - what tests of feeds share: a database made from one place, and what it then says. */
#pragma once

#include "../support.h"

#include "advisory/internal.h"
#include "os/file.h"

struct fed {
    struct arena arena;
    const char *dir;
    struct advisory_db *db;
    const struct source_state *source;
};

/* @place as a feed reads it. */
static inline void fed_open(struct fed *fed, const char *feed, const char *place)
{
    struct err err = {0};
    struct update_result result;
    struct feed_choice choice = {str_from(feed), str_from(place)};
    arena_init(&fed->arena, 256 << 20);
    fed->dir = test_mkdir(&fed->arena);
    struct update_spec spec = {.dir = fed->dir, .feeds = &choice, .n_feeds = 1};
    assert_ok(advisory_update(&spec, &result, &err), err);
    assert_int_equal(result.n_failed, 0);
    assert_ok(advisory_db_open(fed->dir, &fed->db, &err), err);
    assert_int_equal(advisory_db_sources(fed->db, &fed->source), 1);
}

/* A folder with one document of that name. */
static inline void fed_open_text(struct fed *fed, const char *feed, const char *name,
                                 const char *text)
{
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    assert_ok(file_save(arena_cstr(&arena, arena_printf(&arena, "%s/%s", dir, name)),
                        str_from(text), 0644, &err),
              err);
    fed_open(fed, feed, dir);
    test_rmdir(dir);
    arena_fini(&arena);
}

static inline void fed_close(struct fed *fed)
{
    advisory_db_close(fed->db);
    test_rmdir(fed->dir);
    arena_fini(&fed->arena);
}

static inline const struct enrichment *fed_enrichment(struct fed *fed, const char *cve)
{
    struct err err = {0};
    enrichments *list = arena_new(&fed->arena, enrichments);
    assert_non_null(list);
    assert_ok(advisory_enrich(fed->db, &fed->arena, str_from(cve), list, &err), err);
    assert_int_equal(list->len, 1);
    return &list->ptr[0];
}

static inline size_t fed_find(struct fed *fed, const char *ecosystem, const char *package,
                              affecteds *list)
{
    struct err err = {0};
    assert_ok(
        advisory_find(fed->db, &fed->arena, str_from(ecosystem), str_from(package), list, &err),
        err);
    return list->len;
}

/* The one statement of a record on a package. */
static inline const struct affected *fed_statement(struct fed *fed, const char *ecosystem,
                                                   const char *package, const char *record)
{
    const struct affected *found = NULL;
    affecteds *list = arena_new(&fed->arena, affecteds);
    assert_non_null(list);
    fed_find(fed, ecosystem, package, list);
    for (size_t i = 0; i < list->len; i++) {
        if (!str_eq(list->ptr[i].record, str_from(record)))
            continue;
        if (found)
            fail_msg("%s of %s in %s: more than one statement", record, package, ecosystem);
        found = &list->ptr[i];
    }
    if (!found)
        fail_msg("%s of %s in %s: no statement", record, package, ecosystem);
    return found;
}

static inline struct advisory fed_record(struct fed *fed, const char *record)
{
    struct err err = {0};
    struct advisory advisory;
    assert_ok(
        advisory_get(fed->db, &fed->arena, fed->source->name, str_from(record), &advisory, &err),
        err);
    return advisory;
}

/* How many records FEEDS.json counts in a file of the shared feeds; skips when it is absent. */
static inline uint64_t fed_counted(const char *file)
{
    struct arena arena;
    struct err err = {0};
    json_t *root = NULL;
    int64_t n = -1;
    test_need_shared("feeds/FEEDS.json");
    arena_init(&arena, 16 << 20);
    assert_ok(json_read(test_shared(&arena, "feeds/FEEDS.json"), &root, &err), err);
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *item = json_array_get(root, i);
        if (str_eq(json_str(item, "file"), str_from(file)))
            n = json_int(item, "records", -1);
    }
    json_decref(root);
    arena_fini(&arena);
    if (n < 0)
        fail_msg("FEEDS.json counts no records of %s", file);
    return (uint64_t)n;
}
