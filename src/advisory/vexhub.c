/* SPDX-License-Identifier: Apache-2.0 */
/* vexhub.c - VEX repositories (github.com/aquasecurity/vex-repo-spec, 0.1): vex-repository.json
 * says where the archive lies, index.json which of its documents count for which package.
 *
 * A folder or archive without an index is a heap of documents: all count.  With one, only those
 * that it names; how many it names that are not there is a notice. */
#include <unistd.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct vex_feed {
    struct feed_reader *reader;
    struct map named; /* paths of documents, by some index */
    struct map taken; /* names of those read: two hubs may call theirs the same */
    bool has_index;
    uint64_t n_documents, n_records;
};

static str folder_of(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.len ? str_slice(path, 0, slash + 1) : STR_NONE;
}

static str last_step(str path) { return str_skip(path, folder_of(path).len); }

static str bare(str path) { return str_starts(path, STR("./")) ? str_skip(path, 2) : path; }

/* --- the index
 * --------------------------------------------------------------------------------------- */

static bool take_index(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct vex_feed *feed = ctx;
    struct err why = {0};
    auto_json *root = NULL;
    (void)arena;
    if (!str_eq(last_step(name), STR("index.json")))
        return true;
    if (!json_read(text, &root, &why))
        return feed_broken(feed->reader, name, STR_NONE, &why, err);
    const json_t *list = json_arr(root, "packages");
    feed->has_index = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        str location = json_str(json_array_get(list, i), "location");
        str path = arena_printf(feed->reader->arena, STR_FMT STR_FMT,
                                STR_ARG(folder_of(bare(name))), STR_ARG(bare(location)));
        if (!path.ptr || !map_put(&feed->named, path, &feed->named))
            return err_memory(err);
    }
    return true;
}

/* --- documents
 * --------------------------------------------------------------------------------------- */

static bool take_record(void *ctx, const struct record *record, struct err *err)
{
    struct vex_feed *feed = ctx;
    feed->n_records++;
    return feed_record(feed->reader, record, err);
}

static bool is_list(str name)
{
    return str_eq(name, STR("index.json")) || str_eq(name, STR("manifest.json")) ||
           str_eq(name, STR("vex-repository.json"));
}

/* @name, or with a number behind it when a document of another hub was called so. */
static bool own_name(struct vex_feed *feed, str name, str *out, struct err *err)
{
    *out = arena_dup(feed->reader->arena, name);
    for (unsigned n = 2; out->ptr && map_get(&feed->taken, *out); n++)
        *out = arena_printf(feed->reader->arena, STR_FMT "~%u", STR_ARG(name), n);
    return out->ptr && map_put(&feed->taken, *out, feed) ? true : err_memory(err);
}

static bool take_document(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct vex_feed *feed = ctx;
    vex_statements statements;
    struct err why = {0};
    if (is_list(last_step(name)))
        return true;
    if (feed->has_index) {
        if (!map_get(&feed->named, bare(name)))
            return true; /* the index does not count it */
        void **slot = map_at(&feed->named, bare(name));
        if (!slot)
            return err_memory(err);
        *slot = &feed->n_documents; /* it is there */
    }
    str own;
    if (!own_name(feed, bare(name), &own, err))
        return false;
    if (!vex_parse(text, arena, &statements, &why) ||
        !vex_to_records(&statements, own, arena, take_record, feed, &why))
        return feed_broken(feed->reader, name, STR_NONE, &why, err);
    feed->n_documents++;
    return true;
}

static bool tell_missing(struct vex_feed *feed, struct err *err)
{
    size_t n_missing = 0;
    for (size_t i = 0; i < feed->named.len; i++)
        n_missing += feed->named.entries[i].value == &feed->named;
    return !n_missing || feed_notice(feed->reader, NOTICE_ADVISORY, STR("index.json"), err,
                                     "%zu documents that it names are not there", n_missing);
}

static bool read_place(struct vex_feed *feed, str place, struct err *err)
{
    static const char *const indexes[] = {"index.json", NULL}, *const all[] = {".json", NULL};
    struct documents spec = {
        .suffixes = indexes, .max_bytes = LIMIT(FEED_RECORD), .take = take_index, .ctx = feed};
    if (!feed_documents(feed->reader, place, &spec, err)) {
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
    }
    spec.suffixes = all;
    spec.take = take_document;
    return feed_documents(feed->reader, place, &spec, err) &&
           (!feed->has_index || tell_missing(feed, err));
}

/* --- the web
 * ----------------------------------------------------------------------------------------- */

static bool is_archive(str url)
{
    return str_ends(url, STR(".gz")) || str_ends(url, STR(".zip")) || str_ends(url, STR(".xz")) ||
           str_ends(url, STR(".zst")) || str_ends(url, STR(".json"));
}

/* "https://…/main.tar.gz//vexhub-main": the part behind // is a folder in the archive. */
static str archive_of(str location)
{
    str scheme, rest, head, tail;
    if (!str_cut(location, STR("://"), &scheme, &rest))
        return STR_NONE;
    return str_cut(rest, STR("//"), &head, &tail)
               ? str_slice(location, 0, scheme.len + 3 + head.len)
               : location;
}

static bool find_archive(struct vex_feed *feed, str base, str *url, struct err *err)
{
    struct arena *arena = feed->reader->arena;
    auto_json *root = NULL;
    str text;
    if (!feed_get(feed->reader, base, STR("vex-repository.json"), LIMIT(FEED_RECORD), arena, &text,
                  err)) {
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
        if (!feed_get(feed->reader, base, STR(".well-known/vex-repository.json"),
                      LIMIT(FEED_RECORD), arena, &text, err))
            return false;
    }
    if (!json_read(text, &root, err))
        return err_wrap(err, "vex-repository.json");
    const json_t *versions = json_arr(root, "versions");
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        if (!str_eq(json_str(version, "spec_version"), STR("0.1")))
            continue;
        str found = archive_of(json_str(json_array_get(json_arr(version, "locations"), 0), "url"));
        *url = arena_dup(arena, found);
        if (!url->ptr)
            return err_memory(err);
        if (found.len)
            return true;
    }
    return err_set(err, ERR_UNSUPPORTED, "vex-repository.json: no location of version 0.1");
}

/* Asked for twice, since the index may stand behind what it names; the second time it is kept. */
static bool read_web(struct vex_feed *feed, str url, struct err *err)
{
    if (!is_archive(url) && !find_archive(feed, url, &url, err))
        return false;
    return read_place(feed, url, err);
}

bool vex_feed_read(struct feed_reader *reader, struct err *err)
{
    struct vex_feed feed = {.reader = reader};
    str place = feed_place(reader);
    map_init(&feed.named, reader->arena);
    map_init(&feed.taken, reader->arena);
    bool is_ok = place_is_url(place) ? read_web(&feed, place, err) : read_place(&feed, place, err);
    if (is_ok && !feed.n_documents)
        return err_set(err, ERR_FORMAT, STR_FMT ": not one VEX document could be read",
                       STR_ARG(place));
    return is_ok;
}

const struct feed feed_vexhub = {
    .name = "vexhub",
    .summary = "VEX repository: what suppliers say of vulnerabilities in their products",
    .default_url = "https://github.com/aquasecurity/vexhub/archive/refs/heads/main.tar.gz",
    .licence = "as each document's supplier states (the hub: Apache-2.0)",
    .cadence = "daily",
    .is_named_only = true, /* what a hub denies takes findings away: a choice, not a default */
    .read = vex_feed_read,
};
