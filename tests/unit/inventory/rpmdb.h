/* SPDX-License-Identifier: Apache-2.0 */
/* rpmdb.h - for tests: rpm databases of a few small headers, in all three forms, from the formats'
 * documents (src/inventory/rpm_*.c, sqlite.c, which read them). */
#pragma once

#include <string.h>

#include "base/rd.h"
#include "base/sb.h"

enum { RPM_HEADERS_MAX = 8 };
struct rpm_files {
    const char *path; /* absolute */
    bool is_ghost;
};
struct rpm_headers {
    struct sb of[RPM_HEADERS_MAX];
    size_t n;
};

static inline void put_be(struct sb *out, uint32_t value, unsigned bytes)
{
    while (bytes--)
        sb_byte(out, (uint8_t)(value >> (8 * bytes)));
}

static inline void put_zeros(struct sb *out, size_t to_len)
{
    while (out->len < to_len)
        sb_byte(out, 0);
}

static inline void put_tag(struct sb *index, const struct sb *store, uint32_t tag, uint32_t type,
                           size_t count)
{
    put_be(index, tag, 4);
    put_be(index, type, 4);
    put_be(index, (uint32_t)store->len, 4);
    put_be(index, (uint32_t)count, 4);
}

static inline void put_text(struct sb *store, str text)
{
    sb_add(store, text);
    sb_byte(store, 0);
}

static inline void put_file_tags(struct sb *index, struct sb *store, const struct rpm_files *files,
                                 size_t n)
{
    put_tag(index, store, 1029, 1, n); /* FILESTATES */
    for (size_t i = 0; i < n; i++)
        sb_byte(store, 0);
    put_zeros(store, (store->len + 3) / 4 * 4);
    put_tag(index, store, 1037, 4, n); /* FILEFLAGS */
    for (size_t i = 0; i < n; i++)
        put_be(store, files[i].is_ghost ? 64 : 0, 4);
    put_tag(index, store, 1116, 4, n); /* DIRINDEXES */
    for (size_t i = 0; i < n; i++)
        put_be(store, (uint32_t)i, 4);
    put_tag(index, store, 1117, 8, n); /* BASENAMES */
    for (size_t i = 0; i < n; i++)
        put_text(store, str_from(strrchr(files[i].path, '/') + 1));
    put_tag(index, store, 1118, 8, n); /* DIRNAMES */
    for (size_t i = 0; i < n; i++)
        put_text(store, str_slice(str_from(files[i].path), 0,
                                  str_rfind_byte(str_from(files[i].path), '/') + 1));
}

static inline void rpm_headers_add(struct rpm_headers *headers, str name, str version,
                                   const struct rpm_files *files, size_t n)
{
    auto_sb index, store;
    sb_init(&index, 1 << 16);
    sb_init(&store, 1 << 16);
    put_tag(&index, &store, 1000, 6, 1);
    put_text(&store, name);
    put_tag(&index, &store, 1001, 6, 1);
    put_text(&store, version);
    put_tag(&index, &store, 1002, 6, 1);
    put_text(&store, STR("1"));
    if (n)
        put_file_tags(&index, &store, files, n);
    struct sb *out = &headers->of[headers->n++];
    sb_init(out, 1 << 16);
    put_be(out, (uint32_t)(index.len / 16), 4);
    put_be(out, (uint32_t)store.len, 4);
    sb_add(out, sb_str(&index));
    sb_add(out, sb_str(&store));
}

static inline void rpm_headers_free(struct rpm_headers *headers)
{
    for (size_t i = 0; i < headers->n; i++)
        sb_fini(&headers->of[i]);
    headers->n = 0;
}

/* --- ndb ---------------------------------------------------------------------------------------
 */
static inline uint32_t rpm_adler32(str s)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < s.len; i++) {
        a = (a + (unsigned char)s.ptr[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static inline void rpm_to_ndb(const struct rpm_headers *headers, struct sb *out)
{
    auto_sb blobs;
    sb_init(&blobs, 1 << 18);
    sb_clear(out);
    sb_add(out, STR("RpmP\0\0\0\0\5\0\0\0\1\0\0\0"));
    put_zeros(out, 32);
    for (size_t i = 0; i < headers->n; i++) {
        size_t start = blobs.len, len = headers->of[i].len;
        sb_add(&blobs, STR("BlbS"));
        sb_u32le(&blobs, (uint32_t)i + 1);
        sb_u32le(&blobs, 7);
        sb_u32le(&blobs, (uint32_t)len);
        sb_add(&blobs, sb_str(&headers->of[i]));
        while ((blobs.len + 12) % 16)
            sb_byte(&blobs, 0);
        sb_u32le(&blobs, rpm_adler32(str_skip(sb_str(&blobs), start)));
        sb_u32le(&blobs, (uint32_t)len);
        sb_add(&blobs, STR("BlbE"));
        sb_add(out, STR("Slot"));
        sb_u32le(out, (uint32_t)i + 1);
        sb_u32le(out, (uint32_t)(4096 + start) / 16);
        sb_u32le(out, (uint32_t)(blobs.len - start) / 16);
    }
    while (out->len < 4096)
        sb_add(out, STR("Slot\0\0\0\0\0\0\0\0\0\0\0\0"));
    sb_add(out, sb_str(&blobs));
}

/* --- Berkeley DB: a first page and a hash page with all headers in it ---------------------------
 */
enum { BDB_PAGE = 8192 };
static inline void put_u16le(struct sb *out, size_t value)
{
    sb_byte(out, (uint8_t)value);
    sb_byte(out, (uint8_t)(value >> 8));
}

static inline void rpm_to_bdb(const struct rpm_headers *headers, struct sb *out)
{
    sb_clear(out);
    put_zeros(out, 12);
    sb_u32le(out, 0x061561);
    sb_u32le(out, 9);
    sb_u32le(out, BDB_PAGE);
    sb_add(out, STR("\0\10\0\0"));
    put_zeros(out, 32);
    sb_u32le(out, 1); /* last page */
    put_zeros(out, 88);
    sb_u32le(out, (uint32_t)headers->n);
    put_zeros(out, BDB_PAGE);
    auto_sb items; /* from the end of the page down: the last one lies first */
    sb_init(&items, 1 << 16);
    size_t sizes = 0, n = headers->n;
    for (size_t i = n; i-- > 0;) {
        sb_byte(&items, 1);
        sb_add(&items, sb_str(&headers->of[i]));
        sb_byte(&items, 1);
        sb_u32le(&items, (uint32_t)i + 1);
    }
    put_zeros(out, BDB_PAGE + 8);
    sb_u32le(out, 1);
    put_zeros(out, BDB_PAGE + 20);
    put_u16le(out, 2 * n);
    put_u16le(out, BDB_PAGE - items.len);
    sb_add(out, STR("\0\15"));
    for (size_t i = 0; i < n; i++) {
        put_u16le(out, BDB_PAGE - (sizes += 5));
        put_u16le(out, BDB_PAGE - (sizes += 1 + headers->of[i].len));
    }
    put_zeros(out, 2 * BDB_PAGE - items.len);
    sb_add(out, sb_str(&items));
}

/* --- SQLite: a page of the schema and a leaf with all headers -----------------------------------
 */
enum { SQLITE_PAGE = 4096 };
static inline void put_varint(struct sb *out, size_t value) /* below 1 << 14 */
{
    if (value >= 128)
        sb_byte(out, (uint8_t)(value >> 7 | 128));
    sb_byte(out, value & 127);
}

/* A leaf of the cells, which lie behind the positions from the end down. */
static inline void put_leaf(struct sb *out, size_t head, const struct sb *cells, size_t n)
{
    size_t page = out->len - head, size = 0;
    for (size_t i = 0; i < n; i++)
        size += cells[i].len;
    sb_byte(out, 13);
    put_be(out, 0, 2);
    put_be(out, (uint32_t)n, 2);
    put_be(out, (uint32_t)(SQLITE_PAGE - size), 2);
    sb_byte(out, 0);
    size_t at = SQLITE_PAGE - size;
    for (size_t i = 0; i < n; i++) {
        put_be(out, (uint32_t)at, 2);
        at += cells[i].len;
    }
    put_zeros(out, page + SQLITE_PAGE - size);
    for (size_t i = 0; i < n; i++)
        sb_add(out, sb_str(&cells[i]));
}

static inline void put_packages_page(const struct rpm_headers *headers, struct sb *out)
{
    struct sb cells[RPM_HEADERS_MAX];
    for (size_t i = 0; i < headers->n; i++) {
        auto_sb record;
        sb_init(&record, 1 << 16);
        size_t type = 12 + 2 * headers->of[i].len;
        sb_byte(&record, type < 128 ? 3 : 4); /* bytes of the record's head */
        sb_byte(&record, 0);                  /* hnum: the row's number */
        put_varint(&record, type);
        sb_add(&record, sb_str(&headers->of[i]));
        sb_init(&cells[i], 1 << 16);
        put_varint(&cells[i], record.len);
        put_varint(&cells[i], i + 1);
        sb_add(&cells[i], sb_str(&record));
    }
    put_leaf(out, 0, cells, headers->n);
    for (size_t i = 0; i < headers->n; i++)
        sb_fini(&cells[i]);
}

static inline void rpm_to_sqlite(const struct rpm_headers *headers, struct sb *out)
{
    static const char sql[] = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)";
    struct sb cell;
    sb_init(&cell, 1 << 12);
    put_varint(&cell, 7 + 5 + 8 + 8 + 1 + sizeof(sql) - 1);
    sb_byte(&cell, 1);
    sb_byte(&cell, 7); /* bytes of the record's head: this, four types, one of two bytes */
    sb_byte(&cell, 13 + 2 * 5);
    sb_byte(&cell, 13 + 2 * 8);
    sb_byte(&cell, 13 + 2 * 8);
    sb_byte(&cell, 1);
    put_varint(&cell, 13 + 2 * (sizeof(sql) - 1));
    sb_add(&cell, STR("tablePackagesPackages\2"));
    sb_add(&cell, str_of(sql, sizeof(sql) - 1));
    sb_clear(out);
    sb_add(out, STR("SQLite format 3\0\20\0\2\2\0\100\40\40\0\0\0\1\0\0\0\2"));
    put_zeros(out, 56);
    put_be(out, 1, 4); /* UTF-8 */
    put_zeros(out, 92);
    put_be(out, 1, 4);
    put_zeros(out, 100);
    put_leaf(out, 100, &cell, 1);
    put_packages_page(headers, out);
    sb_fini(&cell);
}

static inline void wal_sum(uint32_t sum[2], str bytes)
{
    struct rd in;
    for (rd_init(&in, bytes); rd_left(&in) >= 8;) {
        sum[0] += rd_u32be(&in) + sum[1];
        sum[1] += rd_u32be(&in) + sum[0];
    }
}

/* In which the page of the packages is another one. */
static inline void rpm_to_wal(const struct rpm_headers *headers, struct sb *out)
{
    uint32_t sum[2] = {0};
    auto_sb page;
    sb_init(&page, 1 << 16);
    put_packages_page(headers, &page);
    sb_clear(out);
    put_be(out, 0x377f0683, 4);
    put_be(out, 3007000, 4);
    put_be(out, SQLITE_PAGE, 4);
    put_be(out, 0, 4);
    sb_add(out, STR("saltmore"));
    wal_sum(sum, sb_str(out));
    put_be(out, sum[0], 4);
    put_be(out, sum[1], 4);
    size_t frame = out->len;
    put_be(out, 2, 4);
    put_be(out, 2, 4); /* pages after the commit */
    wal_sum(sum, str_skip(sb_str(out), frame));
    wal_sum(sum, sb_str(&page));
    sb_add(out, STR("saltmore"));
    put_be(out, sum[0], 4);
    put_be(out, sum[1], 4);
    sb_add(out, sb_str(&page));
}
