/* SPDX-License-Identifier: Apache-2.0 */
/* feed.h - the bytes as a document of a feed, through its reader to the end: every record is
 * printed, which reads all of it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "advisory/internal.h"

static inline const struct feed *fuzz_find(const char *name)
{
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(str_from(feeds[i]->name), str_from(name)))
            return feeds[i];
    }
    abort();
}

static inline void fuzz_write(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* @folder below the place, @file in it. */
static inline int fuzz_feed(const char *name, const char *folder, const char *file,
                            const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = {0};
    struct source_state state = {0};
    struct update_spec spec = {0};
    arena_init(&arena, 256 << 20);
    str dir = arena_printf(&arena, "/tmp/plimsoll-fuzz-%s-%ld", name, (long)getpid());
    const char *below =
        arena_cstr(&arena, arena_printf(&arena, STR_FMT "/%s", STR_ARG(dir), folder));
    const char *path = arena_cstr(&arena, arena_printf(&arena, "%s/%s", below, file));
    struct feed_reader reader = {.feed = fuzz_find(name),
                                 .spec = &spec,
                                 .place = dir,
                                 .arena = &arena,
                                 .state = &state,
                                 .cache = below};
    if (!dir_make(below, &err) || !hash_open(&reader.digest, HASH_SHA256, &err) ||
        !records_create(&reader.records, "/dev/null", &err))
        abort();
    fuzz_write(path, data, size);
    bool is_ok = reader.feed->read(&reader, &err);
    if (is_ok == err_is(&err))
        abort(); /* an error without words, or words without an error */
    records_abort(reader.records);
    hash_close(reader.digest);
    if (!dir_remove(arena_cstr(&arena, dir), &err))
        abort();
    arena_fini(&arena);
    return 0;
}

#define FUZZ_FEED(name, folder, file)                                                              \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);                                  \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        return fuzz_feed(name, folder, file, data, size);                                          \
    }
