/* SPDX-License-Identifier: Apache-2.0 */
/* nvd.c - the National Vulnerability Database, API 2.0: scores, weaknesses, texts and the state of
 * a CVE.  Its product names (CPE) are not matched: they guess.
 *
 * A folder, zip or tar of pages, or of the yearly files with the same form, is read as it is.  The
 * API is listed whole once, page after page, then by what was modified since.  Pages are kept in
 * the cache, so that a listing that broke off goes on where it was:
 *     started-<s>           a listing is under way that began at <s>
 *     complete-<s>          everything up to <s> is here
 *     pages/0page-000002000.json
 *     pages/1delta-<s>-000000000.json    read first: what is newer counts */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"
#include "syntax/syntax.h"

/* The API asks for six seconds between calls without a key, and for at most 120 days in one span.
 */
enum {
    PAGE = 2000,
    PAGES_MAX = 2000,
    PAUSE_MS = 6000,
    SPAN_S = 110 * 86400,
    LISTING_S = 5 * 86400,
    OVERLAP_S = 3600
};

/* --- pages
 * --------------------------------------------------------------------------------------------- */

static bool add_scores(struct arena *arena, const json_t *metrics, struct enrichment *out,
                       struct err *err)
{
    static const char *const keys[] = {"cvssMetricV40", "cvssMetricV31", "cvssMetricV30",
                                       "cvssMetricV2"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const json_t *list = json_arr(metrics, keys[i]);
        for (size_t j = 0; j < json_array_size(list); j++) {
            const json_t *metric = json_array_get(list, j);
            str vector = json_str(json_obj(metric, "cvssData"), "vectorString");
            if (!str_is_empty(vector) &&
                !cvss_set(vec_push(arena, &out->cvss), vector, json_str(metric, "source"), err))
                return false;
        }
    }
    return true;
}

/* NVD-CWE-noinfo and NVD-CWE-Other say that there is none. */
static bool add_weaknesses(struct arena *arena, const json_t *list, strs *out, struct err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *texts = json_arr(json_array_get(list, i), "description");
        for (size_t j = 0; j < json_array_size(texts); j++) {
            str value = json_str(json_array_get(texts, j), "value");
            if (str_starts(value, STR("CWE-")) && !strs_push(arena, out, value, err))
                return false;
        }
    }
    return true;
}

static str english(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_str(json_array_get(list, i), "lang"), STR("en")))
            return json_str(json_array_get(list, i), "value");
    }
    return STR_NONE;
}

static bool add_cve(struct arena *arena, const json_t *cve, const struct enrich_sink *sink,
                    struct err *err)
{
    struct err why = {0};
    struct enrichment e = {.description = english(json_arr(cve, "descriptions")),
                           .published = json_str(cve, "published"),
                           .modified = json_str(cve, "lastModified")};
    const json_t *urls = json_arr(cve, "references");
    str id = json_str(cve, "id");
    if (!cve_is(id)) {
        err_set(&why, ERR_FORMAT, "an entry without a CVE");
        return sink->broken(sink->ctx, id, &why, err);
    }
    e.is_rejected = str_eq_nocase(json_str(cve, "vulnStatus"), STR("Rejected"));
    for (size_t i = 0; i < json_array_size(urls); i++) {
        if (!strs_push(arena, &e.references, json_str(json_array_get(urls, i), "url"), err))
            return false;
    }
    return add_scores(arena, json_obj(cve, "metrics"), &e, err) &&
           add_weaknesses(arena, json_arr(cve, "weaknesses"), &e.cwes, err) &&
           sink->take(sink->ctx, id, &e, err);
}

bool nvd_parse(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(text, &root, err))
        return false;
    const json_t *list = json_arr(root, "vulnerabilities");
    if (!list) /* one CVE, bare or in its wrapping */
        return json_obj(root, "cve") || json_object_get(root, "id")
                   ? add_cve(arena, json_obj(root, "cve") ? json_obj(root, "cve") : root, sink, err)
                   : err_set(err, ERR_FORMAT, "no list of vulnerabilities");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!add_cve(arena, json_obj(json_array_get(list, i), "cve"), sink, err))
            return false;
    }
    return true;
}

/* --- the API
 * -------------------------------------------------------------------------------------------- */

struct listing {
    struct feed_reader *reader;
    str base;
    const char *pages;
    int64_t started, complete; /* 0: none */
    bool is_polite;            /* the public server wants pauses */
};

static const char *join(struct listing *l, const char *folder, str name, struct err *err)
{
    const char *path = arena_cstr(
        l->reader->arena, arena_printf(l->reader->arena, "%s/" STR_FMT, folder, STR_ARG(name)));
    if (!path)
        err_memory(err);
    return path;
}

static bool mark(struct listing *l, const char *what, int64_t at, bool is_there, struct err *err)
{
    str name = arena_printf(l->reader->arena, "%s-%lld", what, (long long)at);
    const char *path = join(l, l->reader->cache, name, err);
    if (!path)
        return false;
    if (is_there)
        return file_save(path, STR_NONE, 0644, err);
    return unlink(path) == 0 || errno == ENOENT ? true : err_sys(err, ERR_IO, "%s", path);
}

static bool load_marks(struct listing *l, struct err *err)
{
    str_vec names = {0};
    str what, number;
    uint64_t at;
    if (!dir_make(l->pages, err) || !dir_list(l->reader->arena, l->reader->cache, &names, err))
        return false;
    for (size_t i = 0; i < names.len; i++) {
        if (!str_cut_byte(names.ptr[i], '-', &what, &number) ||
            !str_to_u64(number, INT64_MAX / 2, &at))
            continue;
        if (str_eq(what, STR("started")))
            l->started = (int64_t)at;
        else if (str_eq(what, STR("complete")))
            l->complete = (int64_t)at;
    }
    return true;
}

/* How many results the listing has that a page belongs to; false when it is none. */
static bool page_total(const char *path, uint64_t start, uint64_t *total, struct err *err)
{
    struct arena arena;
    auto_json *root = NULL;
    str text;
    arena_init(&arena, 2 * LIMIT(FEED_RECORD));
    bool is_ok =
        file_read(&arena, path, LIMIT(FEED_RECORD), &text, err) && json_read(text, &root, err);
    arena_fini(&arena);
    if (!is_ok)
        return false;
    int64_t n = json_int(root, "totalResults", -1);
    if (n < 0 || json_int(root, "startIndex", -1) != (int64_t)start ||
        !json_arr(root, "vulnerabilities"))
        return err_set(err, ERR_FORMAT, "%s: not the page that was asked for", path);
    *total = (uint64_t)n;
    return true;
}

static bool fetch_page(struct listing *l, str query, uint64_t start, const char *path,
                       uint64_t *total, struct err *err)
{
    struct arena *arena = l->reader->arena;
    char step = str_find_byte(l->base, '?') < l->base.len ? '&' : '?';
    str url = arena_printf(arena, STR_FMT "%cresultsPerPage=%d&startIndex=%llu" STR_FMT,
                           STR_ARG(l->base), step, PAGE, (unsigned long long)start, STR_ARG(query));
    const char *fresh;
    if (!url.ptr)
        return err_memory(err);
    if (l->is_polite && !feed_pause(l->reader, PAUSE_MS, err))
        return false;
    if (!feed_download(l->reader, url, LIMIT(FEED_RECORD), &fresh, err) ||
        !page_total(fresh, start, total, err))
        return false;
    return rename(fresh, path) == 0 ? true : err_sys(err, ERR_IO, "%s", path);
}

static bool fetch_pages(struct listing *l, str prefix, str query, struct err *err)
{
    uint64_t total = 1;
    for (uint64_t start = 0; start < total; start += PAGE) {
        str name = arena_printf(l->reader->arena, STR_FMT "-%09llu.json", STR_ARG(prefix),
                                (unsigned long long)start);
        const char *path = join(l, l->pages, name, err);
        struct err ignored = {0};
        if (!path)
            return false;
        if (start / PAGE >= PAGES_MAX)
            return err_set(err, ERR_LIMIT, STR_FMT ": more than %d pages", STR_ARG(l->base),
                           PAGES_MAX);
        bool has_it = page_total(path, start, &total, &ignored);
        if (!has_it && !fetch_page(l, query, start, path, &total, err))
            return false;
        feed_progress(l->reader, "CVEs", start, total);
    }
    return true;
}

static bool fetch_all(struct listing *l, struct err *err)
{
    if (l->started && l->reader->now_s - l->started > LISTING_S) {
        if (!mark(l, "started", l->started, false, err))
            return false;
        l->started = 0;
    }
    if (!l->started) {
        if (!dir_remove(l->pages, err) || !dir_make(l->pages, err) ||
            !mark(l, "started", l->reader->now_s, true, err))
            return false;
        l->started = l->reader->now_s;
    }
    if (!fetch_pages(l, STR("0page"), STR_NONE, err))
        return false;
    return (!l->complete || mark(l, "complete", l->complete, false, err)) &&
           mark(l, "complete", l->started, true, err) && mark(l, "started", l->started, false, err);
}

static bool fetch_changes(struct listing *l, struct err *err)
{
    struct arena *arena = l->reader->arena;
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    str query = arena_printf(arena, "&lastModStartDate=" STR_FMT "&lastModEndDate=" STR_FMT,
                             STR_ARG(clock_print(l->complete - OVERLAP_S, from)),
                             STR_ARG(clock_print(l->reader->now_s, to)));
    str prefix = arena_printf(arena, "1delta-%lld", (long long)l->reader->now_s);
    if (!query.ptr || !prefix.ptr)
        return err_memory(err);
    return fetch_pages(l, prefix, query, err) && mark(l, "complete", l->reader->now_s, true, err) &&
           (l->complete == l->reader->now_s || mark(l, "complete", l->complete, false, err));
}

static bool list_newest_first(struct listing *l, strs *out, struct err *err)
{
    str_vec names = {0};
    if (!dir_list(l->reader->arena, l->pages, &names, err))
        return false;
    for (size_t i = names.len; i > 0; i--) {
        const char *path = join(l, l->pages, names.ptr[i - 1], err);
        str *slot = path ? vec_push(l->reader->arena, out) : NULL;
        if (!slot)
            return err_memory(err);
        *slot = str_from(path);
    }
    return true;
}

static bool read_api(struct feed_reader *reader, const struct enrich_spec *spec, struct err *err)
{
    struct listing l = {.reader = reader, .base = reader->state->url};
    strs files = {0};
    l.is_polite = str_eq(l.base, str_from(reader->feed->default_url));
    l.pages = arena_cstr(reader->arena, arena_printf(reader->arena, "%s/pages", reader->cache));
    if (!l.pages)
        return err_memory(err);
    if (!load_marks(&l, err))
        return false;
    bool has_all = l.complete && reader->now_s - l.complete < SPAN_S;
    if (!(has_all ? fetch_changes(&l, err) : fetch_all(&l, err)))
        return false;
    return list_newest_first(&l, &files, err) &&
           feed_enrichments(reader, files.ptr, files.len, spec, err);
}

static bool nvd_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct enrich_spec spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .parse = nvd_parse};
    str place = feed_place(reader);
    bool is_file = str_ends(place, STR(".gz")) || str_ends(place, STR(".zip")) ||
                   str_ends(place, STR(".json")) || str_ends(place, STR(".xz")) ||
                   str_ends(place, STR(".zst"));
    return place_is_url(place) && !is_file ? read_api(reader, &spec, err)
                                           : feed_enrichments(reader, &place, 1, &spec, err);
}

const struct feed feed_nvd = {
    .name = "nvd",
    .summary = "NVD: scores, weaknesses and texts of CVEs (no product matching)",
    .default_url = "https://services.nvd.nist.gov/rest/json/cves/2.0",
    .licence = "public domain (NIST)",
    .cadence = "hourly",
    .is_named_only = true,
    .read = nvd_read,
};
