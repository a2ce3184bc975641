/* SPDX-License-Identifier: Apache-2.0 */
/* rpm_bdb.c - var/lib/rpm/Packages: headers in a Berkeley DB hash file.
 * Berkeley DB's dbinc/db_page.h, of hash versions 7 to 10; numbers are in the order of the machine
 * that made the file.
 *
 *   page 0           @12 magic, version, page size, u8 encryption, u8 type 8, u8 flags; @32 last
 *                    page; @88 number of entries
 *   any other page   @8 its number, before, next: u32; @20 items, bytes in use: u16; @25 type
 *   hash (2, 13)     @26 u16 a position each; the items lie from the end of the page down: key,
 *                    value, key, value …; u8 kind (1: the bytes; 3: u8[3], first page, length)
 *   overflow (7)     @26 the bytes; the next page goes on
 *
 * A key is the header's number; 0 is where rpm counts, in a u32.  All pages are looked at in their
 * order: those that are free have type 0. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum {
    MAGIC = 0x061561,
    VERSION_MIN = 7,
    VERSION_MAX = 10,
    PAGE_MIN = 512,
    PAGE_MAX = 65536,
    PAGE_HEADER = 26,
    META_CHECKSUM = 1,
};
enum page_type {
    PAGE_FREE = 0,
    PAGE_UNSORTED = 2,
    PAGE_OVERFLOW = 7,
    PAGE_META = 8,
    PAGE_HASH = 13
};
enum item_kind { ITEM_BYTES = 1, ITEM_OFFPAGE = 3 };

struct bdb {
    struct rpm_reader rpm;
    str bytes;
    bool is_big; /* endian */
    uint32_t page_bytes, n_pages;
    uint32_t n_told; /* entries, as the first page has it */
    uint32_t n_found;
    uint8_t *seen; /* by page: an overflow page belongs to one item */
    struct sb blob;
};

struct page {
    uint32_t number, next;
    unsigned n_items, n_used, type;
    str bytes;
};

static uint32_t get_u32(const struct bdb *bdb, struct rd *in)
{
    return bdb->is_big ? rd_u32be(in) : rd_u32le(in);
}
static uint16_t get_u16(const struct bdb *bdb, struct rd *in)
{
    return bdb->is_big ? rd_u16be(in) : rd_u16le(in);
}

/* --- the first page --------------------------------------------------------------------------- */
static bool read_magic(struct bdb *bdb, struct rd *in, struct err *err)
{
    rd_skip(in, 12);
    str magic = rd_bytes(in, 4);
    if (str_eq(magic, STR("\0\x06\x15\x61")))
        bdb->is_big = true;
    else if (!str_eq(magic, STR("\x61\x15\x06\0")))
        return err_set(err, ERR_FORMAT, "not a hash file of Berkeley DB");
    uint32_t version = get_u32(bdb, in);
    if (version < VERSION_MIN || version > VERSION_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a hash file of version %u", version);
    return true;
}

static bool read_meta(struct bdb *bdb, struct err *err)
{
    struct rd in;
    rd_init(&in, bdb->bytes);
    if (!read_magic(bdb, &in, err))
        return false;
    bdb->page_bytes = get_u32(bdb, &in);
    bool is_encrypted = rd_u8(&in) != 0;
    uint8_t type = rd_u8(&in), flags = rd_u8(&in);
    rd_skip(&in, 5); /* to 32 */
    uint64_t n_pages = (uint64_t)get_u32(bdb, &in) + 1;
    rd_skip(&in, 52); /* to 88 */
    bdb->n_told = get_u32(bdb, &in);
    if (!rd_is_ok(&in) || type != PAGE_META)
        return err_set(err, ERR_FORMAT, "not the first page of a hash file");
    if (bdb->page_bytes < PAGE_MIN || bdb->page_bytes > PAGE_MAX ||
        (bdb->page_bytes & (bdb->page_bytes - 1)))
        return err_set(err, ERR_FORMAT, "pages of %u bytes", bdb->page_bytes);
    if (is_encrypted || (flags & META_CHECKSUM))
        return err_set(err, ERR_UNSUPPORTED, "pages with checksums or encryption");
    uint64_t n_there = bdb->bytes.len / bdb->page_bytes;
    if (n_there < n_pages)
        flaws_add(&bdb->rpm.flaws, 0, "cut short: %u of %u pages", (unsigned)n_there,
                  (unsigned)n_pages);
    bdb->n_pages = (uint32_t)(n_there < n_pages ? n_there : n_pages);
    return true;
}

/* --- pages ------------------------------------------------------------------------------------ */
static struct page read_page(const struct bdb *bdb, uint32_t number)
{
    struct page page = {0};
    size_t start = (size_t)number * bdb->page_bytes;
    page.bytes = str_slice(bdb->bytes, start, start + bdb->page_bytes);
    struct rd in;
    rd_init(&in, page.bytes);
    rd_skip(&in, 8);
    page.number = get_u32(bdb, &in);
    rd_skip(&in, 4);
    page.next = get_u32(bdb, &in);
    page.n_items = get_u16(bdb, &in);
    page.n_used = get_u16(bdb, &in);
    rd_skip(&in, 1);
    page.type = rd_u8(&in);
    return page;
}

/* The @length bytes in the pages from @first on; what is wrong with them, or NULL. */
static const char *read_chain(struct bdb *bdb, uint32_t first, uint32_t length)
{
    sb_clear(&bdb->blob);
    if (length > LIMIT(RPM_HEADER))
        return "a longer value than a header can be (rpm-header)";
    for (uint32_t at = first; at;) {
        if (at >= bdb->n_pages)
            return "a page that is not there";
        if (bdb->seen[at]++)
            return "a page that is in use already";
        struct page page = read_page(bdb, at);
        if (page.type != PAGE_OVERFLOW || page.number != at ||
            page.n_used > page.bytes.len - PAGE_HEADER)
            return "a page that is not what it should be";
        sb_add(&bdb->blob, str_slice(page.bytes, PAGE_HEADER, PAGE_HEADER + page.n_used));
        at = page.next;
    }
    struct err err;
    if (!sb_ok(&bdb->blob, &err) || bdb->blob.len != length)
        return "another length than it should have";
    return NULL;
}

/* --- items ------------------------------------------------------------------------------------ */
/* Item @i of the page; empty when its position cannot be. */
static str item(const struct bdb *bdb, const struct page *page, unsigned i)
{
    struct rd in;
    rd_init(&in, page->bytes);
    rd_skip(&in, PAGE_HEADER + 2 * (size_t)(i ? i - 1 : 0));
    size_t end = i ? get_u16(bdb, &in) : page->bytes.len;
    size_t start = get_u16(bdb, &in);
    size_t least = PAGE_HEADER + 2 * (size_t)page->n_items;
    if (!rd_is_ok(&in) || start < least || start >= end)
        return STR_NONE;
    return str_slice(page->bytes, start, end);
}

static bool read_key(const struct bdb *bdb, str key, uint32_t *number)
{
    struct rd in;
    rd_init(&in, key);
    uint8_t kind = rd_u8(&in);
    *number = get_u32(bdb, &in);
    return rd_is_ok(&in) && rd_is_end(&in) && kind == ITEM_BYTES;
}

/* The value's bytes; what is wrong with it, or NULL. */
static const char *read_value(struct bdb *bdb, str value, str *out)
{
    struct rd in;
    rd_init(&in, value);
    uint8_t kind = rd_u8(&in);
    if (kind == ITEM_BYTES) {
        *out = rd_rest(&in);
        return NULL;
    }
    rd_skip(&in, 3);
    uint32_t first = get_u32(bdb, &in), length = get_u32(bdb, &in);
    if (kind != ITEM_OFFPAGE || !rd_is_ok(&in))
        return "a value of another kind";
    const char *why = read_chain(bdb, first, length);
    *out = sb_str(&bdb->blob);
    return why;
}

static bool read_entry(struct bdb *bdb, str key, str value, struct err *err)
{
    uint32_t number;
    str blob;
    bdb->n_found++;
    if (!read_key(bdb, key, &number)) {
        flaws_add(&bdb->rpm.flaws, 0, "a key that is no number");
        return true;
    }
    const char *why = read_value(bdb, value, &blob);
    if (number == 0 && !why && blob.len != sizeof(uint32_t))
        why = "in the place of rpm's counter";
    if (number == 0 && !why)
        return true;
    if (why) {
        flaws_add(&bdb->rpm.flaws, 0, "header %u: %s", number, why);
        return true;
    }
    return rpm_add_header(&bdb->rpm, number, blob, err);
}

static bool read_items(struct bdb *bdb, const struct page *page, uint32_t number, struct err *err)
{
    if (page->number != number || page->n_items % 2 ||
        PAGE_HEADER + 2 * (size_t)page->n_items > page->bytes.len) {
        flaws_add(&bdb->rpm.flaws, 0, "page %u is broken", number);
        return true;
    }
    for (unsigned i = 0; i < page->n_items; i += 2) {
        str key = item(bdb, page, i), value = item(bdb, page, i + 1);
        if (!key.len || !value.len)
            flaws_add(&bdb->rpm.flaws, 0, "page %u: item %u is broken", number, i);
        else if (!read_entry(bdb, key, value, err))
            return false;
    }
    return true;
}

static bool read_pages(struct bdb *bdb, struct err *err)
{
    for (uint32_t i = 1; i < bdb->n_pages; i++) {
        if (cancel_is(bdb->rpm.cancel, err))
            return false;
        struct page page = read_page(bdb, i);
        switch (page.type) {
        case PAGE_FREE:
        case PAGE_OVERFLOW:
            break;
        case PAGE_UNSORTED:
        case PAGE_HASH:
            if (!read_items(bdb, &page, i, err))
                return false;
            break;
        default:
            flaws_add(&bdb->rpm.flaws, 0, "page %u is of type %u", i, page.type);
        }
    }
    if (bdb->n_found < bdb->n_told)
        flaws_add(&bdb->rpm.flaws, 0, "%u entries, but there should be %u", bdb->n_found,
                  bdb->n_told);
    return true;
}

static bool rpm_bdb_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                          struct err *err)
{
    (void)path;
    struct bdb bdb = {.rpm = {.arena = arena, .file = file, .cancel = in->cancel}};
    bdb.bytes = rd_rest(in);
    if (bdb.bytes.len == 0)
        return true; /* made, and nothing written yet */
    if (cancel_is(in->cancel, err) || !read_meta(&bdb, err))
        return false;
    struct arena scratch;
    arena_init(&scratch, LIMIT(PACKAGE_DB) / PAGE_MIN + KIB);
    bdb.seen = arena_array(&scratch, uint8_t, (size_t)bdb.n_pages + 1);
    sb_init(&bdb.blob, LIMIT(RPM_HEADER));
    bool ok = bdb.seen ? read_pages(&bdb, err) : err_memory(err);
    sb_fini(&bdb.blob);
    arena_fini(&scratch);
    return ok && flaws_ok(&bdb.rpm.flaws, err);
}

const struct detector detector_rpm_bdb = {
    .name = "rpm_bdb",
    .revision = 2,
    .summary = "installed RPM packages in a Berkeley DB hash file, versions 7 to 10, both byte "
               "orders: name, epoch, version, release, arch, source RPM, vendor, licence, "
               "modularity label, and the files that they own",
    .spec = "Berkeley DB dbinc/db_page.h, RPM package format (header)",
    .paths = PATHS(RPM_PATHS("Packages")),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .owner_type = "rpm",
    .parse = rpm_bdb_parse,
};
