/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/codec.h"

#include <stdio.h>
#include <string.h>

/* A tar of one entry whose name is not ASCII: libarchive opens iconv for it, iconv its tables. */
enum { BLOCK = 512, BLOCKS = 5 };

static void put_header(char block[static BLOCK], const char *name, char type, unsigned size)
{
    unsigned sum = 0;
    snprintf(block, 100, "%s", name);
    snprintf(block + 124, 12, "%011o", size);
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
}

static bool warm_tar(struct err *err)
{
    static const char record[] = "11 path=\xc3\xa4\n"; /* its own length first */
    char tar[BLOCKS * BLOCK] = {0};
    struct source_mem mem;
    struct archive_reader *reader = NULL;
    struct entry entry;
    put_header(tar, "PaxHeader", 'x', sizeof(record) - 1);
    memcpy(tar + BLOCK, record, sizeof(record) - 1);
    put_header(tar + 2 * BLOCK, "plain", '0', 0);
    str bytes = {tar, sizeof(tar)};
    bool is_read = archive_open(&reader, ARCHIVE_TAR, source_from_mem(&mem, bytes), err) &&
                   archive_next(reader, &entry, err) == NEXT_ITEM &&
                   (str_eq(entry.path, STR("\xc3\xa4")) ||
                    err_set(err, ERR_UNSUPPORTED, "libarchive changes names that are not ASCII"));
    archive_close(reader);
    return is_read;
}

static bool warm_zip(struct err *err)
{
    /* one stored entry "a", empty, and its central directory */
    static const char zip[] = "PK\3\4\12\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0a"
                              "PK\1\2\12\0\12\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\0\0a"
                              "PK\5\6\0\0\0\0\1\0\1\0/\0\0\0\37\0\0\0\0\0";
    struct archive_reader *reader = NULL;
    struct entry entry;
    bool is_read = archive_open_zip_mem(&reader, (str){zip, sizeof(zip) - 1}, err) &&
                   archive_next(reader, &entry, err) == NEXT_ITEM;
    archive_close(reader);
    return is_read;
}

bool codec_warm_up(struct err *err)
{
    for (int kind = HASH_SHA256; kind <= HASH_MD5; kind++) {
        uint8_t digest[HASH_MAX];
        struct hash *hash = NULL;
        if (!hash_open(&hash, (enum hash_kind)kind, err))
            return err_wrap(err, "warm-up");
        hash_close(hash);
        hash_of((enum hash_kind)kind, STR("warm"), digest);
    }
    return (warm_tar(err) && warm_zip(err)) || err_wrap(err, "warm-up");
}
