/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - bodies from web servers: into memory, or into files that are kept for the next time.
 *
 * A kept file is named by its URL's digest, and beside it lies what is known of it:
 *     <name>        the body, whole
 *     <name>.part   what came of a broken transfer
 *     <name>.json   url, etag, lastModified, sha256 of the body; partEtag of the part
 * A file that is not what its .json says is fetched anew. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "syntax/syntax.h"

enum { TRIES = 4, BACKOFF_MS = 500 };

/* What RFC 3986 lets stand in a path; names come from indexes that a stranger may have written. */
static bool is_path_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~/!$&'()*+,;=:@", c));
}

const char *url_join(struct arena *arena, str place, str path)
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

/* --- trying again
 * ------------------------------------------------------------------------------------ */

static bool client(struct feed_reader *reader, struct err *err)
{
    struct http_client_spec spec = {.user_agent = "plimsoll", .cancel = reader->spec->cancel};
    return reader->http ? true : http_client_open(&spec, &reader->http, err);
}

static bool may_pass(const struct err *err, int status)
{
    return err->kind == ERR_UNAVAILABLE || err->kind == ERR_MISMATCH || status == 408 ||
           status == 429 || status >= 500;
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

static bool fail_status(int status, const char *url, struct err *err)
{
    enum err_kind kind = status == 404 || status == 410   ? ERR_NOT_FOUND
                         : status == 401 || status == 403 ? ERR_DENIED
                                                          : ERR_UNAVAILABLE;
    return err_set(err, kind, "%s: answered %d", url, status);
}

/* One attempt; *status is 0 when there was no answer. */
typedef bool attempt_fn(struct feed_reader *reader, void *ctx, int *status, struct err *err);

static bool try_until_it_works(struct feed_reader *reader, attempt_fn *attempt, void *ctx,
                               struct err *err)
{
    int64_t pause_ms = reader->backoff_ms ? reader->backoff_ms : BACKOFF_MS;
    if (!client(reader, err))
        return false;
    for (int i = 1;; i++, pause_ms *= 2) {
        int status = 0;
        *err = (struct err){0};
        if (attempt(reader, ctx, &status, err))
            return true;
        if (i == TRIES || !may_pass(err, status))
            return false;
        if (!wait_ms(reader->spec->cancel, pause_ms, err))
            return false;
    }
}

/* --- into memory
 * ------------------------------------------------------------------------------------- */

struct get {
    const char *url;
    size_t max;
    struct arena *arena;
    str *out;
};

static bool try_get(struct feed_reader *reader, void *ctx, int *status, struct err *err)
{
    struct get *get = ctx;
    struct http_call call = {.url = get->url, .follows_redirects = true};
    struct http_answer answer = {0};
    if (!http_fetch(reader->http, &call, get->arena, get->max, &answer, err))
        return false;
    *status = answer.status;
    *get->out = answer.body;
    return *status == 200 ? true : fail_status(*status, get->url, err);
}

bool web_get(struct feed_reader *reader, str url, size_t max, struct arena *arena, str *out,
             struct err *err)
{
    struct get get = {.url = arena_cstr(arena, url), .max = max, .arena = arena, .out = out};
    if (!get.url)
        return err_memory(err);
    feed_progress(reader, get.url, 0, 0);
    return try_until_it_works(reader, try_get, &get, err);
}

/* --- into a file: what is known of it
 * ---------------------------------------------------------------- */

struct kept {
    str etag, modified, sha256; /* of the whole body; empty: there is none */
    str part_etag;              /* strong; empty: a part is of no use */
};

struct download {
    const char *url, *file, *part, *notes;
    uint64_t max;
    struct kept kept;
};

static bool kept_load(struct feed_reader *reader, struct download *d, struct err *err)
{
    auto_json *root = NULL;
    str text;
    d->kept = (struct kept){0};
    struct err why = {0};
    if (!file_read(reader->arena, d->notes, LIMIT(CONFIG), &text, &why))
        return why.kind == ERR_NOT_FOUND ? true : (*err = why, false);
    if (!json_read(text, &root, &why)) {
        log_event(LOG_WARN, "a cached file is fetched anew", LOG_ERR(&why));
        return true;
    }
    struct kept *kept = &d->kept;
    kept->etag = arena_dup(reader->arena, json_str(root, "etag"));
    kept->modified = arena_dup(reader->arena, json_str(root, "lastModified"));
    kept->sha256 = arena_dup(reader->arena, json_str(root, "sha256"));
    kept->part_etag = arena_dup(reader->arena, json_str(root, "partEtag"));
    return kept->etag.ptr && kept->modified.ptr && kept->sha256.ptr && kept->part_etag.ptr
               ? true
               : err_memory(err);
}

static bool kept_save(const struct download *d, struct err *err)
{
    struct jw jw;
    auto_sb text;
    sb_init(&text, LIMIT(CONFIG));
    jw_init(&jw, &text, true);
    jw_obj(&jw);
    jw_kstr(&jw, "url", str_from(d->url));
    jw_kstr_if(&jw, "etag", d->kept.etag);
    jw_kstr_if(&jw, "lastModified", d->kept.modified);
    jw_kstr_if(&jw, "sha256", d->kept.sha256);
    jw_kstr_if(&jw, "partEtag", d->kept.part_etag);
    jw_obj_end(&jw);
    return sb_ok(&text, err) && file_save(d->notes, sb_str(&text), 0644, err);
}

static bool is_whole(const struct download *d)
{
    struct err ignored = {0};
    uint8_t have[HASH_MAX], want[HASH_MAX];
    size_t n;
    return d->kept.sha256.len && hash_file(d->file, HASH_SHA256, NULL, have, &n, &ignored) &&
           hex_parse(d->kept.sha256, want, n) && memcmp(have, want, n) == 0;
}

static uint64_t part_size(const struct download *d)
{
    struct stat st;
    return d->kept.part_etag.len && stat(d->part, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size
                                                                              : 0;
}

/* --- digests that servers state
 * ----------------------------------------------------------------------- */

/* Behind "@name=" in a list of such, up to a comma; colons of a structured field taken off. */
static str member(str list, str name)
{
    str item;
    while (str_next(&list, ',', &item)) {
        item = str_trim(item);
        if (item.len > name.len && str_eq_nocase(str_slice(item, 0, name.len), name) &&
            item.ptr[name.len] == '=') {
            str value = str_skip(item, name.len + 1);
            bool is_field = value.len > 1 && value.ptr[0] == ':' && str_ends(value, STR(":"));
            return is_field ? str_slice(value, 1, value.len - 1) : value;
        }
    }
    return STR_NONE;
}

struct stated {
    enum hash_kind kind;
    str base64;
};

static struct stated stated_digest(const http_headers *headers)
{
    str value = member(http_header_get(headers, STR("repr-digest")), STR("sha-256"));
    if (!value.len)
        value = member(http_header_get(headers, STR("digest")), STR("sha-256"));
    if (value.len)
        return (struct stated){HASH_SHA256, value};
    value = http_header_get(headers, STR("content-md5"));
    if (!value.len)
        value = member(http_header_get(headers, STR("x-goog-hash")), STR("md5"));
    return (struct stated){HASH_MD5, value};
}

static bool check_stated(struct feed_reader *reader, const struct download *d,
                         const http_headers *headers, struct err *err)
{
    struct stated stated = stated_digest(headers);
    uint8_t sum[HASH_MAX];
    size_t n;
    str want;
    if (!stated.base64.len || http_header_get(headers, STR("content-encoding")).len)
        return true;
    if (!base64_decode(reader->arena, stated.base64, &want))
        return err_set(err, ERR_FORMAT, "%s: states a digest that is none", d->url);
    if (!hash_file(d->part, stated.kind, NULL, sum, &n, err))
        return false;
    return str_eq(want, str_of((const char *)sum, n))
               ? true
               : err_set(err, ERR_MISMATCH, "%s: not the bytes whose digest the server states",
                         d->url);
}

/* --- into a file
 * ------------------------------------------------------------------------------------- */

static bool stream_to(struct feed_reader *reader, struct http_stream *stream,
                      const struct download *d, uint64_t from, struct err *err)
{
    uint64_t done = from;
    str chunk;
    enum next next;
    auto_fd fd = open(d->part, O_WRONLY | O_CREAT | O_CLOEXEC | (from ? O_APPEND : O_TRUNC), 0644);
    if (fd < 0)
        return err_sys(err, ERR_IO, "%s", d->part);
    while ((next = http_stream_next(stream, &chunk, err)) == NEXT_ITEM) {
        done += chunk.len;
        if (done > d->max)
            return err_set(err, ERR_LIMIT, "%s: more than %llu bytes", d->url,
                           (unsigned long long)d->max);
        if (!fd_write(fd, chunk, err))
            return err_wrap(err, "%s", d->part);
        feed_progress(reader, d->url, done, 0);
    }
    return next == NEXT_END;
}

static size_t conditions(const struct download *d, bool has_file, uint64_t from,
                         struct http_header headers[static 2])
{
    size_t n = 0;
    if (from)
        headers[n++] = (struct http_header){STR("If-Range"), d->kept.part_etag};
    else if (has_file && d->kept.etag.len)
        headers[n++] = (struct http_header){STR("If-None-Match"), d->kept.etag};
    else if (has_file && d->kept.modified.len)
        headers[n++] = (struct http_header){STR("If-Modified-Since"), d->kept.modified};
    return n;
}

/* A weak validator does not tell one body from another byte by byte. */
static str strong_etag(const http_headers *headers)
{
    str etag = http_header_get(headers, STR("etag"));
    return str_starts(etag, STR("W/")) ? STR_NONE : etag;
}

static bool finish(struct feed_reader *reader, struct download *d, const struct http_answer *answer,
                   struct err *err)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    size_t n;
    if (!check_stated(reader, d, &answer->headers, err) ||
        !hash_file(d->part, HASH_SHA256, NULL, sum, &n, err)) {
        (void)unlink(d->part);
        return false;
    }
    hex_print(sum, n, hex);
    if (rename(d->part, d->file) != 0)
        return err_sys(err, ERR_IO, "%s", d->file);
    d->kept = (struct kept){.etag = http_header_get(&answer->headers, STR("etag")),
                            .modified = http_header_get(&answer->headers, STR("last-modified")),
                            .sha256 = str_from(hex)};
    bool is_ok = kept_save(d, err);
    d->kept.sha256 = arena_dup(reader->arena, d->kept.sha256);
    return is_ok && (d->kept.sha256.ptr || err_memory(err));
}

/* What came stays for the next attempt when the server can go on from there. */
static bool keep_part(struct download *d, const struct http_answer *answer, struct err *err)
{
    struct err ignored = {0};
    d->kept.part_etag = strong_etag(&answer->headers);
    if (!d->kept.part_etag.len)
        (void)unlink(d->part);
    else if (!kept_save(d, &ignored))
        log_event(LOG_WARN, "a broken transfer cannot be continued", LOG_ERR(&ignored));
    return err_is(err) ? false : err_set(err, ERR_UNAVAILABLE, "%s: broken transfer", d->url);
}

static bool take_answer(struct feed_reader *reader, struct download *d, struct http_stream *stream,
                        const struct http_answer *answer, uint64_t from, struct err *err)
{
    if (answer->status == 416)
        (void)unlink(d->part); /* the part is no part of what is there now: from the start */
    if (answer->status != 200 && answer->status != 206)
        return fail_status(answer->status == 416 ? 503 : answer->status, d->url, err);
    from = answer->status == 206 ? from : 0;
    return stream_to(reader, stream, d, from, err) ? finish(reader, d, answer, err)
                                                   : keep_part(d, answer, err);
}

static bool try_download(struct feed_reader *reader, void *ctx, int *status, struct err *err)
{
    struct download *d = ctx;
    struct http_header headers[2];
    struct http_answer answer = {0};
    struct http_stream *stream = NULL;
    if (!kept_load(reader, d, err))
        return false;
    bool has_file = is_whole(d);
    uint64_t from = part_size(d);
    struct http_call call = {.url = d->url,
                             .follows_redirects = true,
                             .headers = headers,
                             .n_headers = conditions(d, has_file, from, headers),
                             .range_from = from};
    if (!http_stream_open(reader->http, &call, reader->arena, &stream, &answer, err))
        return false;
    *status = answer.status;
    bool is_ok =
        (answer.status == 304 && has_file) || take_answer(reader, d, stream, &answer, from, err);
    http_stream_close(stream);
    return is_ok;
}

bool feed_download(struct feed_reader *reader, str url, uint64_t max, const char **path,
                   struct err *err)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    enum { NAME_BYTES = 12 };
    struct arena *arena = reader->arena;
    hash_of(HASH_SHA256, url, sum);
    hex_print(sum, NAME_BYTES, hex);
    struct download d = {
        .url = url_join(arena, url, STR_NONE),
        .file = arena_cstr(arena, arena_printf(arena, "%s/web/%s", reader->cache, hex)),
        .part = arena_cstr(arena, arena_printf(arena, "%s/web/%s.part", reader->cache, hex)),
        .notes = arena_cstr(arena, arena_printf(arena, "%s/web/%s.json", reader->cache, hex)),
        .max = max};
    const char *folder = arena_cstr(arena, arena_printf(arena, "%s/web", reader->cache));
    str *name = vec_push(arena, &reader->fetched);
    if (!d.url)
        return err_set(err, ERR_USAGE, "a URL too long");
    if (!d.file || !d.part || !d.notes || !folder || !name)
        return err_memory(err);
    *name = arena_dup(arena, str_from(hex));
    if (!dir_make(folder, err))
        return false;
    feed_progress(reader, d.url, 0, 0);
    *path = d.file;
    return try_until_it_works(reader, try_download, &d, err);
}

void feed_forget_others(struct feed_reader *reader)
{
    struct err err = {0};
    str_vec names = {0};
    struct arena *arena = reader->arena;
    const char *folder = arena_cstr(arena, arena_printf(arena, "%s/web", reader->cache));
    if (!folder || !dir_list(arena, folder, &names, &err))
        return;
    for (size_t i = 0; i < names.len; i++) {
        bool is_used = false;
        for (size_t j = 0; j < reader->fetched.len; j++)
            is_used |= str_starts(names.ptr[i], reader->fetched.ptr[j]);
        const char *path =
            arena_cstr(arena, arena_printf(arena, "%s/" STR_FMT, folder, STR_ARG(names.ptr[i])));
        if (!is_used && path)
            (void)unlink(path);
    }
}
