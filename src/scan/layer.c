/* SPDX-License-Identifier: Apache-2.0 */
/* layer.c - the parent's side of one layer: stream, hash, feed the analyser, validate its answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/num.h"
#include "os/file.h"
#include "scan/internal.h"

enum { POLL_MS = 250 };

struct channel {
    struct sandbox_child child;
    const struct cancel *cancel;
    bool is_deaf; /* the child reads no more: it has failed, and its answer says why */
};

/* Wait until the child takes bytes, or the work is cancelled. */
static bool wait_writable(struct channel *to, struct err *err)
{
    for (;;) {
        struct pollfd poller = {to->child.in_fd, POLLOUT, 0};
        int n = poll(&poller, 1, POLL_MS);
        if (cancel_is(to->cancel, err))
            return false;
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return err_sys(err, ERR_IO, "poll");
    }
}

static bool feed_chunk(struct channel *to, str chunk, struct err *err)
{
    while (chunk.len && !to->is_deaf) {
        ssize_t n = write(to->child.in_fd, chunk.ptr, chunk.len);
        if (n > 0)
            chunk = str_skip(chunk, (size_t)n);
        else if (errno == EPIPE)
            to->is_deaf = true;
        else if (errno == EAGAIN && !wait_writable(to, err))
            return false;
        else if (errno != EAGAIN && errno != EINTR)
            return err_sys(err, ERR_IO, "writing to the analyser");
    }
    return true;
}

/* The whole answer; the child writes it at its end. */
static bool hear_answer(struct channel *to, struct sb *answer, struct err *err)
{
    char chunk[64 << 10];
    for (;;) {
        struct pollfd poller = {to->child.out_fd, POLLIN, 0};
        int ready = poll(&poller, 1, POLL_MS);
        if (cancel_is(to->cancel, err))
            return false;
        if (ready <= 0)
            continue;
        size_t n;
        if (!fd_read(to->child.out_fd, chunk, sizeof(chunk), &n, err))
            return false;
        if (n == 0)
            return sb_ok(answer, err);
        sb_add(answer, str_of(chunk, n));
    }
}

static bool stream(struct channel *to, const struct layer_work *work, struct source from,
                   struct hash *hash, uint64_t *size, struct err *err)
{
    str chunk;
    enum next step;
    *size = 0;
    while ((step = from.read(from.ctx, &chunk, err)) == NEXT_ITEM) {
        if (hash)
            hash_add(hash, chunk);
        *size += chunk.len;
        if (!feed_chunk(to, chunk, err))
            return false;
        if (work->progress)
            work->progress(work->progress_ctx, *size);
        if (cancel_is(work->cancel, err))
            return false;
    }
    return step == NEXT_END;
}

/* A wrong digest explains every other failure, so it is looked at first. */
static bool check_digest(const struct layer_work *work, const digest *got, uint64_t size,
                         struct err *err)
{
    char want_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
    const struct descriptor *what = work->what;
    if (digest_is_none(&what->digest))
        return true;
    if (!digest_eq(&what->digest, got)) {
        digest_print(&what->digest, want_text);
        digest_print(got, got_text);
        return err_set(err, ERR_MISMATCH, "its bytes have the digest %.23s…, not %.23s…", got_text,
                       want_text);
    }
    return what->size_bytes == UINT64_MAX || what->size_bytes == size ||
           err_set(err, ERR_MISMATCH, "it has %llu bytes, and its manifest says %llu",
                   (unsigned long long)size, (unsigned long long)what->size_bytes);
}

static bool run_child(struct channel *to, const struct layer_work *work, struct source from,
                      struct hash *hash, uint64_t *size, struct err *err)
{
    if (!stream(to, work, from, hash, size, err))
        return false;
    close(to->child.in_fd);
    to->child.in_fd = -1;
    return true;
}

bool layer_analyse(struct scanner *scanner, const struct layer_work *work, struct source from,
                   struct sb *answer, digest *got, struct err *err)
{
    struct channel to = {.cancel = work->cancel};
    struct hash *hash = NULL;
    struct err end = {0};
    uint64_t size = 0;
    enum hash_kind kind =
        digest_is_none(&work->what->digest) ? HASH_SHA256 : work->what->digest.kind;
    uint32_t request = REQUEST_LAYER | (uint32_t)work->diff_kind << 8;
    if (!hash_open(&hash, kind, err))
        return false;
    if (!sandbox_spawn(scanner->sandbox, request, &to.child, err)) {
        hash_close(hash);
        return false;
    }
    fcntl(to.child.in_fd, F_SETFL, O_NONBLOCK);
    bool is_done = run_child(&to, work, from, hash, &size, err);
    if (is_done) {
        *got = (digest){.kind = kind};
        got->n = (uint8_t)hash_done(hash, got->bytes);
        is_done = check_digest(work, got, size, err) && hear_answer(&to, answer, err);
    }
    hash_close(hash);
    bool has_ended_well = sandbox_child_end(&to.child, &end);
    if (is_done && !has_ended_well) {
        *err = end;
        is_done = false;
    }
    return is_done;
}

/* --- what the child said: as little to be trusted as the layer itself
 * ----------------------------- */

bool answer_begin(struct rd *in, struct err *err)
{
    if (rd_u8(in) != ANSWER_VERSION)
        return err_set(err, ERR_SANDBOX, "the analyser gave no answer");
    unsigned kind = rd_u8(in);
    if (kind == ERR_NONE)
        return true;
    str msg = rd_blob(in, sizeof(err->msg));
    return err_set(err, kind < err_row_count() ? (enum err_kind)kind : ERR_FORMAT, STR_FMT,
                   STR_ARG(msg));
}

bool layer_answer_parse(str bytes, enum hash_kind diff_kind, struct layer_answer *out,
                        struct err *err)
{
    struct rd in;
    rd_init(&in, bytes);
    *out = (struct layer_answer){.diff_id = {.kind = diff_kind}};
    if (!answer_begin(&in, err))
        return false;
    str diff_id = rd_blob(&in, HASH_MAX);
    for (size_t i = 0; i < diff_id.len; i++)
        out->diff_id.bytes[i] = (uint8_t)diff_id.ptr[i];
    out->diff_id.n = (uint8_t)diff_id.len;
    out->inflated_bytes = rd_varint(&in, UINT64_MAX);
    (void)rd_u8(&in);
    out->inventory = rd_blob(&in, LIMIT(FRAME));
    if (rd_is_ok(&in) && !rd_is_end(&in))
        rd_fail(&in, ERR_FORMAT, "more than one answer");
    return rd_ok(&in, err) || err_wrap(err, "the analyser's answer");
}

/* "./a/b" and "/a/b" are a/b; nothing may climb. */
static bool clean_path(str path, str *out)
{
    str rest, part;
    while (str_starts(path, STR("./")) || str_starts(path, STR("/")))
        path = str_skip(path, path.ptr[0] == '/' ? 1 : 2);
    for (rest = path; str_next(&rest, '/', &part);)
        if (str_eq(part, STR("..")))
            return false;
    *out = path;
    return path.len <= LIMIT(PATH);
}

/* Links of docker archives look like "../<id>/layer.tar": resolve them against the folder they are
 * in. */
static bool clean_link(struct arena *arena, str path, str link, str *out)
{
    size_t slash = str_rfind_byte(path, '/');
    str folder = slash < path.len ? str_slice(path, 0, slash) : STR_NONE;
    while (str_starts(link, STR("../"))) {
        size_t up = str_rfind_byte(folder, '/');
        if (folder.len == 0)
            return false;
        folder = up < folder.len ? str_slice(folder, 0, up) : STR_NONE;
        link = str_skip(link, 3);
    }
    if (!clean_path(link, &link))
        return false;
    *out = folder.len ? arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(link))
                      : arena_dup(arena, link);
    return out->ptr != NULL;
}

static bool take_entry(struct rd *in, struct arena *arena, uint64_t file_size, archive_entries *out,
                       struct err *err)
{
    struct archive_entry entry = {0};
    str path = rd_blob(in, LIMIT(PATH)), link = rd_blob(in, LIMIT(PATH));
    unsigned type = rd_u8(in);
    entry.type = type <= ENTRY_HARDLINK ? (enum entry_type)type : ENTRY_OTHER;
    entry.offset = rd_varint(in, file_size);
    entry.size_bytes = rd_varint(in, file_size);
    if (!rd_ok(in, err))
        return false;
    if (entry.size_bytes > file_size - entry.offset)
        return err_set(err, ERR_FORMAT, "an entry that reaches beyond the archive");
    if (!clean_path(path, &entry.path))
        return err_set(err, ERR_FORMAT, "an entry that climbs out: " STR_FMT, STR_ARG(path));
    bool has_link = entry.type == ENTRY_SYMLINK || entry.type == ENTRY_HARDLINK;
    bool is_kept = (entry.path = arena_dup(arena, entry.path)).ptr != NULL;
    if (entry.type == ENTRY_SYMLINK && !clean_link(arena, entry.path, link, &entry.link))
        return err_set(err, ERR_FORMAT, "a link that climbs out: " STR_FMT, STR_ARG(path));
    if (entry.type == ENTRY_HARDLINK &&
        (!clean_path(link, &link) || !(entry.link = arena_dup(arena, link)).ptr))
        return err_set(err, ERR_FORMAT, "a link that climbs out: " STR_FMT, STR_ARG(path));
    struct archive_entry *slot = is_kept || has_link ? vec_push(arena, out) : NULL;
    if (!slot)
        return err_memory(err);
    *slot = entry;
    return true;
}

static bool parse_list(str bytes, uint64_t file_size, struct arena *arena, archive_entries *out,
                       struct err *err)
{
    struct rd in;
    rd_init(&in, bytes);
    if (!answer_begin(&in, err))
        return false;
    uint64_t n = rd_varint(&in, LIMIT(LAYER_FILES));
    for (uint64_t i = 0; i < n; i++)
        if (!take_entry(&in, arena, file_size, out, err))
            return false;
    return rd_ok(&in, err);
}

bool archive_list(struct scanner *scanner, const char *path, const struct cancel *cancel,
                  struct arena *arena, archive_entries *out, struct err *err)
{
    struct channel to = {.cancel = cancel};
    struct layer_work work = {.what = &(struct descriptor){.media_type = STR_NONE},
                              .cancel = cancel};
    struct source_fd *file = NULL;
    struct err end = {0};
    uint64_t size = 0;
    auto_sb answer;
    sb_init(&answer, LIMIT(FRAME));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_done = fd >= 0 || err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    is_done = is_done && source_fd_open(&file, fd, err) &&
              sandbox_spawn(scanner->sandbox, REQUEST_LIST, &to.child, err);
    if (is_done) {
        fcntl(to.child.in_fd, F_SETFL, O_NONBLOCK);
        is_done = run_child(&to, &work, source_from_fd(file), NULL, &size, err) &&
                  hear_answer(&to, &answer, err);
        if (!sandbox_child_end(&to.child, &end) && is_done)
            is_done = err_set(err, end.kind, "%s", end.msg);
    }
    source_fd_close(file);
    if (fd >= 0)
        close(fd);
    return is_done && parse_list(sb_str(&answer), size, arena, out, err);
}
