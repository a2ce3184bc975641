/* SPDX-License-Identifier: Apache-2.0 */
/* osv.c - bulk zips of the OSV schema: "<ecosystem>/all.zip" of the public bucket, or a folder that
 * holds such zips, sub-folders with them, or loose records (*.json); a single zip or record too.
 *
 * Coverage: an ecosystem (with its release, "Debian:12") is covered when at least one affected
 * entry of a record that was read names it.  OSV says nothing of releases that it does not know. A
 * broken record is a notice with its id or file name; the others go in. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"

struct osv {
    struct feed_reader *reader;
    struct map seen;       /* ids: a record stands in the zip of each of its ecosystems */
    struct map ecosystems; /* named by some affected entry */
    uint64_t n_records;
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

static bool add_record(struct osv *osv, struct arena *arena, str name, str text, struct err *err)
{
    struct record record = {0};
    struct err why = {0};
    bool is_first;
    bool is_ok = osv_record_parse(text, arena, &record, &why);
    if (is_ok) {
        if (!is_new(osv, record.advisory.id, &is_first, err))
            return false;
        if (!is_first)
            return true;
        is_ok = feed_record(osv->reader, &record, &why);
    }
    if (!is_ok)
        return feed_broken(osv->reader, name, record.advisory.id, &why, err);
    osv->n_records++;
    return note_ecosystems(osv, &record, err);
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    return add_record(ctx, arena, name, text, err);
}

static bool add_documents(struct osv *osv, str place, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = osv};
    return feed_documents(osv->reader, place, &spec, err);
}

/* --- the web
 * ------------------------------------------------------------------------------------------ */

/* What osv.dev exports of the ecosystems that we know (distro_rows, ecosystem_rows); releases are
 * in the zip of their distribution.  One that is not there (any more) is a notice: the others go
 * in, and what it covered is covered no more. */
static const char *const ECOSYSTEMS[] = {
    "AlmaLinux", "Alpine",  "Azure%20Linux", "Bitnami",   "CRAN",          "Chainguard", "Debian",
    "Go",        "Hackage", "Hex",           "Julia",     "Maven",         "MinimOS",    "NuGet",
    "Packagist", "Pub",     "PyPI",          "Red%20Hat", "Rocky%20Linux", "RubyGems",   "SUSE",
    "SwiftURL",  "Ubuntu",  "Wolfi",         "crates.io", "npm",           "openSUSE",
};

const char *const *osv_exports(size_t *n)
{
    *n = ARRAY_LEN(ECOSYSTEMS);
    return ECOSYSTEMS;
}

static bool add_bucket(struct osv *osv, str base, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ECOSYSTEMS); i++) {
        struct err why = {0};
        str url =
            arena_printf(osv->reader->arena, STR_FMT "/%s/all.zip", STR_ARG(base), ECOSYSTEMS[i]);
        if (!url.ptr)
            return err_memory(err);
        feed_progress(osv->reader, ECOSYSTEMS[i], i, ARRAY_LEN(ECOSYSTEMS));
        if (add_documents(osv, url, &why))
            continue;
        if (why.kind != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        if (!feed_notice(osv->reader, NOTICE_ADVISORY, url, err, "nothing there: %s", why.msg))
            return false;
    }
    return true;
}

/* A URL of a zip or record is one file; any other is a bucket. */
static bool add_place(struct osv *osv, str place, struct err *err)
{
    bool is_bucket =
        place_is_url(place) && !str_ends(place, STR(".zip")) && !str_ends(place, STR(".json"));
    return is_bucket ? add_bucket(osv, place, err) : add_documents(osv, place, err);
}

static bool osv_read(struct feed_reader *reader, struct err *err)
{
    struct osv osv = {.reader = reader};
    str place = feed_place(reader);
    map_init(&osv.seen, reader->arena);
    map_init(&osv.ecosystems, reader->arena);
    bool is_ok = add_place(&osv, place, err);
    if (is_ok && !osv.n_records)
        is_ok = err_set(err, ERR_FORMAT, STR_FMT ": not one record could be read", STR_ARG(place));
    for (size_t i = 0; is_ok && i < osv.ecosystems.len; i++)
        is_ok = feed_covers(reader, osv.ecosystems.entries[i].key, err);
    return is_ok;
}

const struct feed feed_osv = {
    .name = "osv",
    .summary = "OSV records of many ecosystems, as bulk zips",
    .default_url = "https://osv-vulnerabilities.storage.googleapis.com",
    .licence = "as each record's publisher states (CC-BY-4.0, CC0-1.0, MIT and others)",
    .cadence = "hourly",
    .read = osv_read,
};
