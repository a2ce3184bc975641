/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - where a feed's bytes come from: a folder or file on disk, or a web server. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

enum { TRIES = 3, BACKOFF_MS = 500 };

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
    struct source_fd *fd_source = NULL;
    struct hash *hash = NULL;
    uint8_t sum[HASH_MAX];
    str chunk;
    enum next next = NEXT_ERR;
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (source_fd_open(&fd_source, fd, err) && hash_open(&hash, HASH_SHA256, err)) {
        struct source source = source_from_fd(fd_source);
        while ((next = source.read(source.ctx, &chunk, err)) == NEXT_ITEM &&
               !cancel_is(reader->spec->cancel, err))
            hash_add(hash, chunk);
    }
    if (next == NEXT_END) {
        size_t n = hash_done(hash, sum);
        hash_add(reader->digest, name);
        hash_add(reader->digest, str_of((const char *)sum, n));
    }
    hash_close(hash);
    source_fd_close(fd_source);
    return next == NEXT_END;
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

/* --- web
 * -------------------------------------------------------------------------------------------- */

static bool has_parent_step(str path)
{
    str step;
    while (str_next(&path, '/', &step)) {
        if (str_eq(step, STR("..")))
            return true;
    }
    return false;
}

/* What RFC 3986 lets stand in a path; names come from indexes that a stranger may have written. */
static bool is_path_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~/!$&'()*+,;=:@", c));
}

static const char *url_join(struct arena *arena, str place, str path)
{
    auto_sb url;
    struct rd in;
    sb_init(&url, LIMIT(PATH) * 4);
    while (str_ends(place, STR("/")) && path.len)
        place = str_slice(place, 0, place.len - 1);
    sb_add(&url, place);
    if (path.len)
        sb_byte(&url, '/');
    for (rd_init(&in, path); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        if (is_path_byte(c))
            sb_byte(&url, c);
        else
            sb_addf(&url, "%%%02X", c);
    }
    return url.has_failed ? NULL : arena_cstr(arena, sb_str(&url));
}

static bool client(struct feed_reader *reader, struct err *err)
{
    struct http_client_spec spec = {.user_agent = "plimsoll", .cancel = reader->spec->cancel};
    return reader->http ? true : http_client_open(&spec, &reader->http, err);
}

static bool may_pass(const struct err *err, int status)
{
    return err->kind == ERR_UNAVAILABLE || status == 408 || status == 429 || status >= 500;
}

/* Sleeps unless it is time to stop. */
static bool wait_ms(const struct cancel *cancel, int64_t ms, struct err *err)
{
    int64_t until = clock_mono_ms() + ms;
    while (clock_mono_ms() < until) {
        if (cancel_is(cancel, err))
            return false;
        poll(NULL, 0, (int)(until - clock_mono_ms() < 100 ? until - clock_mono_ms() : 100));
    }
    return true;
}

bool feed_pause(struct feed_reader *reader, int64_t ms, struct err *err)
{
    return wait_ms(reader->spec->cancel, ms, err);
}

static bool status_is_good(int status, const char *url, struct err *err)
{
    if (status == 200)
        return true;
    enum err_kind kind = status == 404 || status == 410   ? ERR_NOT_FOUND
                         : status == 401 || status == 403 ? ERR_DENIED
                                                          : ERR_UNAVAILABLE;
    return err_set(err, kind, "%s: answered %d", url, status);
}

struct fetch {
    const char *url;
    size_t max;
    struct arena *arena;
    str *out;       /* a body in memory, or */
    const char *to; /* the file that takes it */
};

static bool stream_to(struct feed_reader *reader, struct http_stream *stream,
                      const struct fetch *fetch, struct err *err)
{
    uint64_t done = 0;
    str chunk;
    enum next next;
    auto_fd fd = open(fetch->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_sys(err, ERR_IO, "%s", fetch->to);
    while ((next = http_stream_next(stream, &chunk, err)) == NEXT_ITEM) {
        done += chunk.len;
        if (done > fetch->max)
            return err_set(err, ERR_LIMIT, "%s: more than %zu bytes", fetch->url, fetch->max);
        if (!fd_write(fd, chunk, err))
            return err_wrap(err, "%s", fetch->to);
        feed_progress(reader, fetch->url, done, 0);
    }
    return next == NEXT_END;
}

static bool try_once(struct feed_reader *reader, const struct fetch *fetch, int *status,
                     struct err *err)
{
    struct http_call call = {.url = fetch->url, .follows_redirects = true};
    struct http_answer answer = {0};
    *status = 0;
    if (!fetch->to) {
        if (!http_fetch(reader->http, &call, fetch->arena, fetch->max, &answer, err))
            return false;
        *status = answer.status;
        *fetch->out = answer.body;
        return status_is_good(*status, fetch->url, err);
    }
    struct http_stream *stream = NULL;
    if (!http_stream_open(reader->http, &call, fetch->arena, &stream, &answer, err))
        return false;
    *status = answer.status;
    bool is_ok = status_is_good(*status, fetch->url, err) && stream_to(reader, stream, fetch, err);
    http_stream_close(stream);
    return is_ok;
}

static bool web_get(struct feed_reader *reader, const struct fetch *fetch, struct err *err)
{
    int64_t pause_ms = reader->backoff_ms ? reader->backoff_ms : BACKOFF_MS;
    if (!client(reader, err))
        return false;
    feed_progress(reader, fetch->url, 0, 0);
    for (int i = 1;; i++, pause_ms *= 2) {
        int status;
        *err = (struct err){0};
        if (try_once(reader, fetch, &status, err))
            return true;
        if (i == TRIES || !may_pass(err, status))
            return false;
        if (!wait_ms(reader->spec->cancel, pause_ms, err))
            return false;
    }
}

bool feed_download(struct feed_reader *reader, str url, const char *to, uint64_t max,
                   struct err *err)
{
    struct fetch fetch = {.url = url_join(reader->arena, url, STR_NONE),
                          .max = max,
                          .arena = reader->arena,
                          .to = to};
    return fetch.url ? web_get(reader, &fetch, err) : err_set(err, ERR_USAGE, "a URL too long");
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
    struct fetch fetch = {
        .url = url_join(arena, place, path), .max = max, .arena = arena, .out = out};
    return fetch.url ? web_get(reader, &fetch, err) : err_set(err, ERR_FORMAT, "a path too long");
}
