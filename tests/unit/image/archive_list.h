/* SPDX-License-Identifier: Apache-2.0 */
/* archive_list.h - list an archive file as the sandboxed lister does, for tests. */
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "image/image.h"

static inline str list_clean(str path)
{
    while (str_starts(path, STR("./")) || str_starts(path, STR("/")))
        path = str_skip(path, str_starts(path, STR("/")) ? 1 : 2);
    while (str_ends(path, STR("/")))
        path.len--;
    return path;
}

static inline archive_entries list_archive(struct arena *arena, const char *path)
{
    archive_entries out = {0};
    struct err err = {0};
    struct source_fd *bytes = NULL;
    struct archive_reader *reader = NULL;
    struct entry entry;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(source_fd_open(&bytes, fd, &err), err);
    assert_ok(archive_open(&reader, ARCHIVE_TAR, source_from_fd(bytes), &err), err);
    while (archive_next(reader, &entry, &err) == NEXT_ITEM) {
        struct archive_entry *slot = vec_push(arena, &out);
        assert_non_null(slot);
        *slot = (struct archive_entry){.path = arena_dup(arena, list_clean(entry.path)),
                                       .link = arena_dup(arena, list_clean(entry.link)),
                                       .type = entry.type,
                                       .offset = entry.data_offset,
                                       .size_bytes = entry.size_bytes};
    }
    assert_false(err_is(&err));
    archive_close(reader);
    source_fd_close(bytes);
    close(fd);
    return out;
}

static inline str drain_blob(struct arena *arena, struct blob *blob)
{
    struct sb sb;
    struct err err = {0};
    str chunk;
    enum next next;
    sb_init(&sb, 64 << 20);
    while ((next = blob->from.read(blob->from.ctx, &chunk, &err)) == NEXT_ITEM) {
        assert_true(chunk.len > 0);
        sb_add(&sb, chunk);
    }
    if (next == NEXT_ERR)
        fail_msg("%s", err.msg);
    str out = arena_dup(arena, sb_str(&sb));
    sb_fini(&sb);
    return out;
}

/* Every layer of @image has the digest and size that its manifest promises. */
static inline void check_layers(struct image_source *source, struct arena *arena,
                                const struct image *image)
{
    struct err err = {0};
    for (size_t i = 0; i < image->manifest.layers.len; i++) {
        const struct descriptor *layer = &image->manifest.layers.ptr[i];
        struct blob blob = {0};
        assert_ok(source->ops->blob(source, layer, &blob, &err), err);
        str bytes = drain_blob(arena, &blob);
        assert_int_equal(bytes.len, layer->size_bytes);
        assert_ok(digest_check(&layer->digest, bytes, &err), err);
        blob_close(&blob);
    }
}
