/* SPDX-License-Identifier: Apache-2.0 */
/* tar.h - for tests: make the bytes of a tar archive, and take a layer's inventory of them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sb.h"
#include "inventory/inventory.h"

/* POSIX.1-1988 ustar header; names over 100 bytes by GNU's "././@LongLink" entries. */
static inline void tar_header(struct sb *out, char type, str path, str link, size_t size)
{
    char header[512] = {0};
    memcpy(header, path.ptr, path.len < 100 ? path.len : 100);
    snprintf(header + 100, 8, "%07o", 0644u);
    snprintf(header + 108, 8, "%07o", 0u);
    snprintf(header + 116, 8, "%07o", 0u);
    snprintf(header + 124, 12, "%011o", (unsigned)size); /* a test's file is small */
    snprintf(header + 136, 12, "%011o", 0u);
    header[156] = type;
    if (link.len)
        memcpy(header + 157, link.ptr, link.len < 100 ? link.len : 100);
    memcpy(header + 257, "ustar  ", 8);
    memset(header + 148, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(header); i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    sb_add(out, str_of(header, sizeof(header)));
}

static inline void tar_body(struct sb *out, str body)
{
    static const char zeros[512];
    sb_add(out, body);
    if (body.len % 512)
        sb_add(out, str_of(zeros, 512 - body.len % 512));
}

static inline void tar_long(struct sb *out, char type, str name)
{
    if (name.len < 100)
        return;
    tar_header(out, type, STR("././@LongLink"), STR_NONE, name.len + 1);
    char *copy = malloc(name.len + 1);
    memcpy(copy, name.ptr, name.len);
    copy[name.len] = '\0';
    tar_body(out, str_of(copy, name.len + 1));
    free(copy);
}

/* @type: '0' file, '5' folder, '2' symbolic link, '1' hard link, '3' device. */
static inline void tar_add(struct sb *out, char type, str path, str link, str body)
{
    tar_long(out, 'L', path);
    tar_long(out, 'K', link);
    tar_header(out, type, path, link, body.len);
    tar_body(out, body);
}

static inline void tar_end(struct sb *out)
{
    static const char zeros[1024];
    sb_add(out, str_of(zeros, sizeof(zeros)));
}

static inline bool scan_entries(struct layer_scan *scan, struct archive_reader *archive,
                                struct err *err)
{
    struct entry entry;
    for (;;) {
        switch (archive_next(archive, &entry, err)) {
        case NEXT_ITEM:
            if (!layer_scan_entry(scan, &entry, archive, err))
                return false;
            break;
        case NEXT_END:
            return true;
        case NEXT_ERR:
            return false;
        }
    }
}

static inline bool scan_source(struct arena *arena, const struct cancel *cancel, struct source from,
                               struct layer_inventory *out, struct err *err)
{
    struct archive_reader *archive;
    struct layer_scan *scan;
    if (!archive_open(&archive, ARCHIVE_TAR, from, err))
        return false;
    bool ok = layer_scan_open(arena, cancel, &scan, err) && scan_entries(scan, archive, err) &&
              layer_scan_close(scan, out, err);
    archive_close(archive);
    return ok;
}

static inline bool scan_tar(struct arena *arena, str tar, struct layer_inventory *out,
                            struct err *err)
{
    struct source_mem state;
    return scan_source(arena, NULL, source_from_mem(&state, tar), out, err);
}
