/* SPDX-License-Identifier: Apache-2.0 */
/* osv.c - bulk zips of the OSV schema: "<ecosystem>/all.zip" of the public bucket, or a folder that
 * holds such zips, sub-folders with them, or loose records (*.json); a single zip or record too.
 *
 * Coverage: an ecosystem (with its release, "Debian:12") is covered when at least one affected
 * entry of a record that was read names it.  OSV says nothing of releases that it does not know. A
 * broken record is a notice with its id or file name; the others go in. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "os/file.h"

enum { FOLDER_DEPTH = 4 };
static const uint64_t RECORD_MEMORY = 512 * MIB; /* tree and copies of one record */

struct osv {
    struct feed_reader *reader;
    struct arena record_arena;
    struct map seen;       /* ids: a record stands in the zip of each of its ecosystems */
    struct map ecosystems; /* named by some affected entry */
    uint64_t n_files, n_records;
};

static bool note_ecosystems(struct osv *osv, const struct record *record, struct err *err)
{
    for (size_t i = 0; i < record->entries.len; i++) {
        str ecosystem = record->entries.ptr[i].ecosystem;
        if (map_get(&osv->ecosystems, ecosystem))
            continue;
        str copy = arena_dup(osv->reader->arena, ecosystem);
        if (!copy.ptr || !map_put(&osv->ecosystems, copy, osv))
            return err_memory(err);
    }
    return true;
}

static bool is_new(struct osv *osv, str id, bool *out, struct err *err)
{
    *out = !map_get(&osv->seen, id);
    if (!*out)
        return true;
    str copy = arena_dup(osv->reader->arena, id);
    return copy.ptr && map_put(&osv->seen, copy, osv) ? true : err_memory(err);
}

static bool add_record(struct osv *osv, str name, str text, struct err *err)
{
    struct record record;
    struct err why = {0};
    bool is_first;
    bool is_ok = osv_record_parse(text, &osv->record_arena, &record, &why);
    if (is_ok) {
        if (!is_new(osv, record.advisory.id, &is_first, err))
            return false;
        if (!is_first)
            return true;
        is_ok = feed_record(osv->reader, &record, &why);
    }
    if (!is_ok && why.kind != ERR_FORMAT && why.kind != ERR_LIMIT && why.kind != ERR_UNSUPPORTED) {
        *err = why;
        return err_wrap(err, STR_FMT, STR_ARG(name));
    }
    if (!is_ok) {
        str id = str_is_empty(record.advisory.id) ? name : record.advisory.id;
        return feed_notice(osv->reader, NOTICE_ADVISORY, name, err, STR_FMT ": not read: %s",
                           STR_ARG(id), why.msg);
    }
    osv->n_records++;
    return note_ecosystems(osv, &record, err);
}

static bool add_zip(struct osv *osv, const char *path, str name, struct err *err)
{
    struct archive_reader *zip = NULL;
    struct entry entry;
    enum next next;
    if (!feed_seen_file(osv->reader, name, path, err) || !archive_open_zip_file(&zip, path, err))
        return false;
    osv->n_files++;
    bool is_ok = true;
    while (is_ok && (next = archive_next(zip, &entry, err)) == NEXT_ITEM) {
        str body, entry_name = STR_NONE;
        arena_reset(&osv->record_arena);
        if (entry.type != ENTRY_FILE || !str_ends(entry.path, STR(".json")))
            continue;
        entry_name = arena_dup(&osv->record_arena, entry.path);
        if (cancel_is(osv->reader->spec->cancel, err) || !entry_name.ptr)
            is_ok = false;
        else
            is_ok = archive_body(zip, &osv->record_arena, LIMIT(FEED_RECORD), &body, err) &&
                    add_record(osv, entry_name, body, err);
        if (is_ok && osv->n_records % 1000 == 0)
            feed_progress(osv->reader, "records", osv->n_records, 0);
    }
    if (is_ok)
        is_ok = next == NEXT_END;
    archive_close(zip);
    return is_ok ? true : err_wrap(err, "%s", path);
}

static bool add_file(struct osv *osv, const char *path, str name, struct err *err)
{
    str text;
    if (str_ends(name, STR(".zip")))
        return add_zip(osv, path, name, err);
    if (!str_ends(name, STR(".json")))
        return true;
    arena_reset(&osv->record_arena);
    if (!file_read(&osv->record_arena, path, LIMIT(FEED_RECORD), &text, err))
        return false;
    feed_seen(osv->reader, name, text);
    osv->n_files++;
    return add_record(osv, name, text, err);
}

/* A folder that has all.zip means it: what else lies there (modified_id.csv, the same unpacked) is
 * not read a second time. */
static bool only_all_zip(const str_vec *names)
{
    for (size_t i = 0; i < names->len; i++) {
        if (str_eq(names->ptr[i], STR("all.zip")))
            return true;
    }
    return false;
}

static bool add_path(struct osv *osv, const char *path, str name, int depth, struct err *err)
{
    struct stat st;
    struct arena *arena = osv->reader->arena;
    str_vec names = {0};
    if (stat(path, &st) != 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (S_ISREG(st.st_mode))
        return add_file(osv, path, name, err);
    if (!S_ISDIR(st.st_mode))
        return true;
    if (depth > FOLDER_DEPTH)
        return feed_notice(osv->reader, NOTICE_LIMIT, name, err, "folders nest deeper than %d",
                           FOLDER_DEPTH);
    if (!dir_list(arena, path, &names, err))
        return false;
    bool has_zip = only_all_zip(&names);
    for (size_t i = 0; i < names.len; i++) {
        str below = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(name), name.len ? "/" : "",
                                 STR_ARG(names.ptr[i]));
        const char *full =
            arena_cstr(arena, arena_printf(arena, "%s/" STR_FMT, path, STR_ARG(names.ptr[i])));
        if (!full || !below.ptr)
            return err_memory(err);
        if (has_zip && str_ends(below, STR(".json")))
            continue;
        if (!add_path(osv, full, below, depth + 1, err))
            return false;
    }
    return true;
}

/* --- the web
 * ------------------------------------------------------------------------------------------ */

static bool add_url(struct osv *osv, str url, str name, struct err *err)
{
    struct arena *arena = osv->reader->arena;
    const char *to = arena_cstr(arena, arena_printf(arena, "%s/download.new", osv->reader->cache));
    if (!to)
        return err_memory(err);
    bool is_ok =
        feed_download(osv->reader, url, to, LIMIT(FEED_FILE), err) && add_file(osv, to, name, err);
    (void)unlink(to);
    return is_ok;
}

/* What images hold most; releases are in the zip of their distribution. */
static const char *const ECOSYSTEMS[] = {
    "Alpine", "Chainguard", "Debian",    "Ubuntu", "Wolfi",    "AlmaLinux", "Rocky%20Linux", "Go",
    "Maven",  "NuGet",      "Packagist", "PyPI",   "RubyGems", "crates.io", "npm",
};

static bool add_bucket(struct osv *osv, str base, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ECOSYSTEMS); i++) {
        str url =
            arena_printf(osv->reader->arena, STR_FMT "/%s/all.zip", STR_ARG(base), ECOSYSTEMS[i]);
        str name = arena_printf(osv->reader->arena, "%s/all.zip", ECOSYSTEMS[i]);
        if (!url.ptr || !name.ptr)
            return err_memory(err);
        feed_progress(osv->reader, ECOSYSTEMS[i], i, ARRAY_LEN(ECOSYSTEMS));
        if (!add_url(osv, url, name, err))
            return false;
    }
    return true;
}

/* A URL of a zip or record is one file; any other is a bucket. */
static bool add_place(struct osv *osv, str place, struct err *err)
{
    if (!place_is_url(place)) {
        const char *path = arena_cstr(osv->reader->arena, place);
        struct stat st;
        if (!path)
            return err_memory(err);
        bool is_file = stat(path, &st) == 0 && S_ISREG(st.st_mode);
        size_t slash = str_rfind_byte(place, '/');
        str name = slash < place.len ? str_skip(place, slash + 1) : place;
        return add_path(osv, path, is_file ? name : STR_NONE, 0, err);
    }
    size_t slash = str_rfind_byte(place, '/');
    if (str_ends(place, STR(".zip")) || str_ends(place, STR(".json")))
        return add_url(osv, place, str_skip(place, slash + 1), err);
    while (str_ends(place, STR("/")))
        place = str_slice(place, 0, place.len - 1);
    return add_bucket(osv, place, err);
}

static bool osv_read(struct feed_reader *reader, struct err *err)
{
    struct osv osv = {.reader = reader};
    str place = str_is_empty(reader->place) ? str_from(reader->feed->default_url) : reader->place;
    arena_init(&osv.record_arena, RECORD_MEMORY);
    map_init(&osv.seen, reader->arena);
    map_init(&osv.ecosystems, reader->arena);
    reader->state->url = place;
    bool is_ok = add_place(&osv, place, err);
    if (is_ok && !osv.n_files)
        is_ok = err_set(err, ERR_NOT_FOUND, STR_FMT ": no all.zip and no record (*.json) there",
                        STR_ARG(place));
    if (is_ok && !osv.n_records)
        is_ok = err_set(err, ERR_FORMAT, STR_FMT ": not one record could be read", STR_ARG(place));
    for (size_t i = 0; is_ok && i < osv.ecosystems.len; i++)
        is_ok = feed_covers(reader, osv.ecosystems.entries[i].key, err);
    arena_fini(&osv.record_arena);
    return is_ok;
}

const struct feed feed_osv = {
    .name = "osv",
    .summary = "OSV records of many ecosystems, as bulk zips",
    .default_url = "https://osv-vulnerabilities.storage.googleapis.com",
    .licence = "as each record's publisher states (CC-BY-4.0, CC0-1.0, MIT and others)",
    .read = osv_read,
};
