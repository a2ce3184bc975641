/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - where a feed's bytes come from: a folder or file on disk, or a web server (fetch.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

bool place_is_url(str place)
{
    return str_starts(place, STR("http://")) || str_starts(place, STR("https://"));
}

str sha256_print(struct arena *arena, str bytes)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    hex_print(sum, hash_of(HASH_SHA256, bytes, sum), hex);
    return arena_printf(arena, "sha256:%s", hex);
}

bool digest_is(str bytes, str sha256_hex)
{
    uint8_t have[HASH_MAX], want[HASH_MAX];
    size_t n = hash_of(HASH_SHA256, bytes, have);
    return hex_parse(sha256_hex, want, n) && memcmp(have, want, n) == 0;
}

void feed_seen(struct feed_reader *reader, str name, str bytes)
{
    uint8_t sum[HASH_MAX];
    size_t n = hash_of(HASH_SHA256, bytes, sum);
    hash_add(reader->digest, name);
    hash_add(reader->digest, str_of((const char *)sum, n));
}

bool feed_seen_file(struct feed_reader *reader, str name, const char *path, struct err *err)
{
    uint8_t sum[HASH_MAX];
    size_t n;
    if (!hash_file(path, HASH_SHA256, reader->spec->cancel, sum, &n, err))
        return false;
    hash_add(reader->digest, name);
    hash_add(reader->digest, str_of((const char *)sum, n));
    return true;
}

bool feed_record(struct feed_reader *reader, const struct record *record, struct err *err)
{
    return records_add(reader->records, record, err);
}

bool feed_enrich(struct feed_reader *reader, str cve, const struct enrichment *enrichment,
                 struct err *err)
{
    return records_enrich(reader->records, cve, enrichment, err);
}

bool feed_covers(struct feed_reader *reader, str ecosystem, struct err *err)
{
    return records_cover(reader->records, ecosystem, err);
}

/* A feed of broken records must not become a book of notices: the last one says how many are
 * missing. */
enum { NOTICES_MAX = 1000 };

bool feed_notice(struct feed_reader *reader, enum notice_kind kind, str path, struct err *err,
                 const char *fmt, ...)
{
    char text[512];
    va_list args;
    notices *list = &reader->state->notices;
    if (list->len > NOTICES_MAX)
        return true;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    str message = str_of(text, n < 0 ? 0 : num_min((size_t)n, sizeof text - 1));
    if (list->len == NOTICES_MAX)
        message = STR("more notices than are kept");
    return notice_add(reader->arena, list, kind, false, path, message) ? true : err_memory(err);
}

bool feed_broken(struct feed_reader *reader, str name, str id, const struct err *why,
                 struct err *err)
{
    if (why->kind == ERR_FORMAT || why->kind == ERR_LIMIT || why->kind == ERR_UNSUPPORTED)
        return feed_notice(reader, NOTICE_ADVISORY, name, err, STR_FMT ": not read: %s",
                           STR_ARG(str_is_empty(id) ? name : id), why->msg);
    *err = *why;
    return err_wrap(err, STR_FMT, STR_ARG(name));
}

str feed_place(struct feed_reader *reader)
{
    str place = str_is_empty(reader->place) ? str_from(reader->feed->default_url) : reader->place;
    while (place.len > 1 && str_ends(place, STR("/")))
        place = str_slice(place, 0, place.len - 1);
    return reader->state->url = place;
}

void feed_progress(struct feed_reader *reader, const char *what, uint64_t done, uint64_t total)
{
    if (reader->spec->progress)
        reader->spec->progress(reader->spec->progress_ctx, str_from(reader->feed->name),
                               str_from(what), done, total);
}

static bool has_parent_step(str path)
{
    str step;
    while (str_next(&path, '/', &step)) {
        if (str_eq(step, STR("..")))
            return true;
    }
    return false;
}

static bool disk_get(str place, str path, size_t max, struct arena *arena, str *out,
                     struct err *err)
{
    const char *root_path = arena_cstr(arena, place), *sub = arena_cstr(arena, path);
    if (!root_path || !sub)
        return err_memory(err);
    if (str_is_empty(path))
        return file_read(arena, root_path, max, out, err);
    auto_fd root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", root_path);
    int opened = -1;
    if (!root_open(root, sub, O_RDONLY, &opened, err))
        return err_wrap(err, "%s", root_path);
    auto_fd fd = opened;
    return file_read_fd(arena, fd, max, out, err) ? true : err_wrap(err, "%s/%s", root_path, sub);
}

bool feed_get(struct feed_reader *reader, str place, str path, size_t max, struct arena *arena,
              str *out, struct err *err)
{
    if (cancel_is(reader->spec->cancel, err))
        return false;
    if (has_parent_step(path) || str_find_byte(path, '\0') != path.len)
        return err_set(err, ERR_FORMAT, "a path that leads elsewhere: " STR_FMT, STR_ARG(path));
    if (!place_is_url(place))
        return disk_get(place, path, max, arena, out, err);
    const char *url = url_join(arena, place, path);
    return url ? web_get(reader, str_from(url), max, arena, out, err)
               : err_set(err, ERR_FORMAT, "a path too long");
}
