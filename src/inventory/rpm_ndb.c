/* SPDX-License-Identifier: Apache-2.0 */
/* rpm_ndb.c - Packages.db: headers in rpm's own "ndb" file, lib/backend/ndb/rpmpkg.c.  Numbers are
 * little-endian.
 *
 *   head    magic "RpmP", version 0, generation, pages of slots, next number; 32 bytes
 *   slots   to the end of those pages (4 KiB): magic "Slot", number, block, blocks; 16 bytes;
 *           number 0: free
 *   blob    at block × 16: magic "BlbS", number, generation, length; the header; zeroes;
 *           tail: adler-32 of all before, length, magic "BlbE" */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum { HEAD = 32, SLOT = 16, PAGE = 4096, BLOCK = 16, BLOB_HEAD = 16, BLOB_TAIL = 12 };

struct ndb {
    struct rpm_reader rpm;
    str bytes;
    size_t slots_end, n_blob_bytes;
};
struct slot {
    uint32_t number, block, n_blocks;
};

/* RFC 1950, in runs that fit 32 bits. */
static uint32_t adler32(str s)
{
    enum { BASE = 65521, RUN = 5552 };
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < s.len;) {
        for (size_t end = num_min(s.len, i + RUN); i < end; i++) {
            a += (unsigned char)s.ptr[i];
            b += a;
        }
        a %= BASE;
        b %= BASE;
    }
    return b << 16 | a;
}

/* The header in a blob; what is wrong with it, or NULL. */
static const char *read_blob(const struct ndb *ndb, const struct slot *slot, str *out)
{
    size_t start = (size_t)slot->block * BLOCK, size = (size_t)slot->n_blocks * BLOCK;
    if (start < ndb->slots_end || start > ndb->bytes.len || size > ndb->bytes.len - start ||
        size < BLOB_HEAD + BLOB_TAIL)
        return "out of the file";
    str whole = str_slice(ndb->bytes, start, start + size);
    struct rd in, tail;
    rd_init(&in, whole);
    rd_init(&tail, str_skip(whole, size - BLOB_TAIL));
    bool is_blob = rd_take(&in, STR("BlbS")) && rd_u32le(&in) == slot->number;
    rd_skip(&in, 4); /* generation */
    uint32_t length = rd_u32le(&in);
    uint32_t sum = rd_u32le(&tail), again = rd_u32le(&tail);
    if (!is_blob || !rd_take(&tail, STR("BlbE")))
        return "not what should be there";
    if (length != again || length > size - BLOB_HEAD - BLOB_TAIL)
        return "of an impossible length";
    if (sum != adler32(str_slice(whole, 0, size - BLOB_TAIL)))
        return "wrong by its checksum";
    if (length > LIMIT(RPM_HEADER))
        return "too long (rpm-header)";
    *out = rd_bytes(&in, length);
    return NULL;
}

/* False ends it. */
static bool read_slot(struct ndb *ndb, struct rd *in, struct err *err)
{
    struct slot slot;
    bool is_slot = rd_take(in, STR("Slot"));
    if (!is_slot)
        rd_skip(in, 4);
    slot.number = rd_u32le(in);
    slot.block = rd_u32le(in);
    slot.n_blocks = rd_u32le(in);
    if (!is_slot) {
        flaws_add(&ndb->rpm.flaws, 0, "a slot that is none");
        return true;
    }
    if (slot.number == 0 && (slot.block || slot.n_blocks))
        flaws_add(&ndb->rpm.flaws, 0, "a free slot that leads somewhere");
    if (slot.number == 0)
        return true;
    ndb->n_blob_bytes += (size_t)slot.n_blocks * BLOCK;
    if (ndb->n_blob_bytes > ndb->bytes.len)
        return err_set(err, ERR_FORMAT, "its headers overlap, or lie behind its end");
    str blob;
    const char *why = read_blob(ndb, &slot, &blob);
    if (why) {
        flaws_add(&ndb->rpm.flaws, 0, "header %u is %s", slot.number, why);
        return true;
    }
    return rpm_add_header(&ndb->rpm, slot.number, blob, err);
}

static bool read_head(struct ndb *ndb, struct rd *in, struct err *err)
{
    if (!rd_take(in, STR("RpmP")))
        return err_set(err, ERR_FORMAT, "not an ndb file of rpm");
    uint32_t version = rd_u32le(in);
    rd_skip(in, 4); /* generation */
    uint64_t n_pages = rd_u32le(in);
    rd_skip(in, HEAD - 16);
    if (!rd_is_ok(in) || n_pages == 0)
        return err_set(err, ERR_FORMAT, "its head is broken");
    if (version != 0)
        return err_set(err, ERR_UNSUPPORTED, "an ndb file of version %u", version);
    if (n_pages * PAGE > ndb->bytes.len)
        flaws_add(&ndb->rpm.flaws, 0, "cut short: it should have %u pages of slots",
                  (unsigned)n_pages);
    ndb->slots_end = num_min((size_t)n_pages * PAGE, ndb->bytes.len);
    return true;
}

static bool rpm_ndb_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                          struct err *err)
{
    (void)path;
    struct ndb ndb = {.rpm = {.arena = arena, .file = file, .cancel = in->cancel}};
    ndb.bytes = rd_rest(in);
    if (ndb.bytes.len == 0)
        return true; /* made, and nothing written yet */
    struct rd head;
    rd_init(&head, ndb.bytes);
    if (cancel_is(in->cancel, err) || !read_head(&ndb, &head, err))
        return false;
    struct rd slots;
    rd_init(&slots, str_slice(ndb.bytes, HEAD, ndb.slots_end));
    while (rd_left(&slots) >= SLOT)
        if (cancel_is(in->cancel, err) || !read_slot(&ndb, &slots, err))
            return false;
    return flaws_ok(&ndb.rpm.flaws, err);
}

const struct detector detector_rpm_ndb = {
    .name = "rpm_ndb",
    .revision = 2,
    .summary =
        "installed RPM packages in an ndb file, checksums verified: name, epoch, version, "
        "release, arch, source RPM, vendor, licence, modularity label, and the files that they own",
    .spec = "rpm lib/backend/ndb/rpmpkg.c, RPM package format (header)",
    .paths = PATHS(RPM_PATHS("Packages.db")),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .owner_type = "rpm",
    .parse = rpm_ndb_parse,
};
