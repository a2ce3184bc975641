/* SPDX-License-Identifier: Apache-2.0 */
/* redhat_csaf.c - Red Hat's CSAF documents: VEX of every CVE, or errata.
 *
 * The server publishes one archive and what was changed or deleted since:
 *     archive_latest.txt   csaf_vex_2025-02-15.tar.zst
 *     changes.csv          "2024/cve-2024-0010.json","2025-02-18T14:28:08+00:00"
 *     deletions.csv        the same form
 * The archive and the changed documents are kept in the cache, each fetched once.  A folder or an
 * archive of documents stands in; its deletions.csv counts too.  A document that stands in several
 * places is read once, the changed one first. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "os/file.h"
#include "syntax/syntax.h"

struct csaf_feed {
    struct feed_reader *reader;
    struct map seen;    /* names of documents, without folders; deleted ones from the start */
    struct map covered; /* ecosystems */
    uint64_t n_records;
};

static str last_step(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.len ? str_skip(path, slash + 1) : path;
}

/* True once for each name. */
static bool note_once(struct csaf_feed *feed, struct map *map, str name, bool *is_new,
                      struct err *err)
{
    *is_new = !map_get(map, name);
    if (!*is_new)
        return true;
    str copy = arena_dup(feed->reader->arena, name);
    return copy.ptr && map_put(map, copy, feed) ? true : err_memory(err);
}

static bool take_record(void *ctx, const struct record *record, struct err *err)
{
    struct csaf_feed *feed = ctx;
    bool is_new;
    for (size_t i = 0; i < record->entries.len; i++) {
        if (!note_once(feed, &feed->covered, record->entries.ptr[i].ecosystem, &is_new, err))
            return false;
    }
    feed->n_records++;
    return feed_record(feed->reader, record, err);
}

/* Lists that lie beside the documents. */
static bool is_list(str name)
{
    return str_eq(name, STR("index.json")) || str_eq(name, STR("changes.json")) ||
           str_eq(name, STR("provider-metadata.json"));
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct csaf_feed *feed = ctx;
    struct err why = {0};
    auto_json *root = NULL;
    bool is_new;
    str own = last_step(name);
    if (is_list(own))
        return true;
    if (!note_once(feed, &feed->seen, own, &is_new, err))
        return false;
    if (!is_new)
        return true;
    return json_read(text, &root, &why) && redhat_vex_parse(root, arena, take_record, feed, &why)
               ? true
               : feed_broken(feed->reader, name, STR_NONE, &why, err);
}

static bool add_documents(struct csaf_feed *feed, str place, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = feed};
    return feed_documents(feed->reader, place, &spec, err);
}

/* --- what the server changed since
 * ---------------------------------------------------------------------------- */

static bool add_deletions(struct csaf_feed *feed, str place, struct err *err)
{
    struct arena *arena = feed->reader->arena;
    struct rd in;
    strs row = {0};
    str text;
    enum next next;
    bool is_new;
    if (!feed_get(feed->reader, place, STR("deletions.csv"), LIMIT(FEED_RECORD), arena, &text,
                  err)) {
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
        return true;
    }
    feed_seen(feed->reader, STR("deletions.csv"), text);
    rd_init(&in, text);
    while ((next = csv_next(&in, arena, &row, err)) == NEXT_ITEM) {
        if (row.len && row.ptr[0].len &&
            !note_once(feed, &feed->seen, last_step(row.ptr[0]), &is_new, err))
            return false;
    }
    return next == NEXT_END ? true : err_wrap(err, "deletions.csv");
}

static const char *cached(struct csaf_feed *feed, str name, struct err *err)
{
    struct arena *arena = feed->reader->arena;
    const char *path =
        arena_cstr(arena, arena_printf(arena, "%s/" STR_FMT, feed->reader->cache, STR_ARG(name)));
    if (!path)
        err_memory(err);
    return path;
}

static bool has_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* One changed document, under the second it was changed at: fetched when it is not there. */
static bool fetch_change(struct csaf_feed *feed, str place, str path, int64_t changed_at,
                         struct err *err)
{
    struct arena arena;
    str text;
    str name = arena_printf(feed->reader->arena, "changed/%lld-" STR_FMT, (long long)changed_at,
                            STR_ARG(last_step(path)));
    const char *to = name.ptr ? cached(feed, name, err) : NULL;
    if (!to)
        return err_memory(err);
    if (!has_file(to)) {
        arena_init(&arena, 2 * LIMIT(FEED_RECORD));
        bool is_ok = feed_get(feed->reader, place, path, LIMIT(FEED_RECORD), &arena, &text, err) &&
                     file_save(to, text, 0644, err);
        arena_fini(&arena);
        if (!is_ok)
            return false;
    }
    return true;
}

/* "1739888888-cve-2024-0010.json" was fetched as "2024/cve-2024-0010.json". */
static bool read_change(struct csaf_feed *feed, str name, struct err *err)
{
    struct arena arena;
    str number, own, text;
    const char *path =
        cached(feed, arena_printf(feed->reader->arena, "changed/" STR_FMT, STR_ARG(name)), err);
    if (!path || !str_cut_byte(name, '-', &number, &own))
        return path != NULL;
    arena_init(&arena, 4 * GIB);
    bool is_ok = feed_seen_file(feed->reader, name, path, err) &&
                 file_read(&arena, path, LIMIT(FEED_RECORD), &text, err) &&
                 take(feed, &arena, own, text, err);
    arena_fini(&arena);
    return is_ok;
}

/* Newest first: a document that changed twice is read in its last form. */
static bool read_changes(struct csaf_feed *feed, int64_t since, struct err *err)
{
    str_vec names = {0};
    str number, own;
    uint64_t at;
    const char *folder = cached(feed, STR("changed"), err);
    if (!folder || !dir_list(feed->reader->arena, folder, &names, err))
        return false;
    for (size_t i = names.len; i > 0; i--) {
        str name = names.ptr[i - 1];
        bool is_ours = str_cut_byte(name, '-', &number, &own) &&
                       str_to_u64(number, INT64_MAX / 2, &at) && (int64_t)at >= since;
        if (is_ours && !read_change(feed, name, err))
            return false;
        const char *path =
            cached(feed, arena_printf(feed->reader->arena, "changed/" STR_FMT, STR_ARG(name)), err);
        if (!path)
            return false;
        if (!is_ours)
            (void)unlink(path); /* the archive has it by now */
    }
    return true;
}

static bool fetch_changes(struct csaf_feed *feed, str place, int64_t since, struct err *err)
{
    struct arena *arena = feed->reader->arena;
    struct rd in;
    strs row = {0};
    str text;
    int64_t at;
    enum next next;
    const char *folder = cached(feed, STR("changed"), err);
    if (!folder || !dir_make(folder, err) ||
        !feed_get(feed->reader, place, STR("changes.csv"), LIMIT(FEED_RECORD), arena, &text, err))
        return false;
    feed_seen(feed->reader, STR("changes.csv"), text);
    rd_init(&in, text);
    while ((next = csv_next(&in, arena, &row, err)) == NEXT_ITEM) {
        if (row.len < 2)
            continue; /* an empty line */
        if (!clock_parse(row.ptr[1], &at))
            return err_set(err, ERR_FORMAT, "changes.csv: " STR_FMT " is no time",
                           STR_ARG(row.ptr[1]));
        if (at >= since && !map_get(&feed->seen, last_step(row.ptr[0])) &&
            !fetch_change(feed, place, row.ptr[0], at, err))
            return err_wrap(err, "a changed document");
    }
    return next == NEXT_END ? true : err_wrap(err, "changes.csv");
}

/* "csaf_vex_2025-02-15.tar.zst" holds what was there when that day began. */
static bool archive_day(str name, int64_t *day)
{
    size_t under = str_rfind_byte(name, '_');
    return under < name.len && clock_parse(str_slice(name, under + 1, under + 11), day);
}

static bool read_server(struct csaf_feed *feed, str place, struct err *err)
{
    struct arena *arena = feed->reader->arena;
    str latest;
    int64_t since;
    if (!feed_get(feed->reader, place, STR("archive_latest.txt"), LIMIT(FIELD), arena, &latest,
                  err))
        return false;
    str name = str_trim(latest);
    if (!archive_day(name, &since) || str_find_byte(name, '/') < name.len)
        return err_set(err, ERR_FORMAT, "archive_latest.txt names no archive: " STR_FMT,
                       STR_ARG(name));
    str archive = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(place), STR_ARG(name));
    if (!archive.ptr)
        return err_memory(err);
    return add_deletions(feed, place, err) && fetch_changes(feed, place, since, err) &&
           read_changes(feed, since, err) && add_documents(feed, archive, err);
}

static bool is_server(str place)
{
    return place_is_url(place) && !str_ends(place, STR(".json")) && !str_ends(place, STR(".zst")) &&
           !str_ends(place, STR(".zip")) && !str_ends(place, STR(".gz"));
}

static bool is_folder(struct csaf_feed *feed, str place)
{
    struct stat st;
    const char *path = place_is_url(place) ? NULL : arena_cstr(feed->reader->arena, place);
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool redhat_csaf_read(struct feed_reader *reader, struct err *err)
{
    struct csaf_feed feed = {.reader = reader};
    str place = feed_place(reader);
    map_init(&feed.seen, reader->arena);
    map_init(&feed.covered, reader->arena);
    bool is_ok = is_server(place)
                     ? read_server(&feed, place, err)
                     : (!is_folder(&feed, place) || add_deletions(&feed, place, err)) &&
                           add_documents(&feed, place, err);
    if (is_ok && !feed.n_records)
        is_ok =
            err_set(err, ERR_FORMAT, STR_FMT ": not one document could be read", STR_ARG(place));
    for (size_t i = 0; is_ok && i < feed.covered.len; i++)
        is_ok = feed_covers(reader, feed.covered.entries[i].key, err);
    return is_ok;
}

const struct feed feed_redhat_csaf = {
    .name = "redhat-csaf",
    .summary = "Red Hat: fixed, affected, not affected, will not fix, per product (CSAF VEX)",
    .default_url = "https://security.access.redhat.com/data/csaf/v2/vex",
    .licence = "CC-BY-4.0",
    .cadence = "hourly",
    .read = redhat_csaf_read,
};
