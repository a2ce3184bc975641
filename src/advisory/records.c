/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - the last good state of one source: magic, then frames of a varint length and a body.
 *
 *     "plimrec" version | R … | R … | T … | C … | … | E n_records
 *
 * R: id, other names, block and place of its text in it, mark, statements.  T: the next block of
 * texts, behind the records that have theirs there. The end frame tells a whole file from a cut
 * one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "os/file.h"

enum { FLUSH_AT = 1 << 20, TEXTS_LEVEL = 3 };

struct records_writer {
    int fd;
    struct hash *hash;
    struct sb pending; /* whole frames not yet written */
    struct sb body, part;
    struct sb texts; /* of the block that is not yet full */
    struct packer *packer;
    struct arena ids_arena;
    struct map ids;     /* of records so far: two of one name would hide each other */
    struct arena names; /* of the record, folded */
    uint64_t n_records, n_blocks, n_texts; /* texts: in the block */
};

static str magic(void) { return STR("plimrec\x03"); }

void records_abort(struct records_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    hash_close(writer->hash);
    sb_fini(&writer->pending);
    sb_fini(&writer->body);
    sb_fini(&writer->part);
    sb_fini(&writer->texts);
    packer_close(writer->packer);
    arena_fini(&writer->ids_arena);
    arena_fini(&writer->names);
    free(writer);
}

bool records_create(struct records_writer **out, const char *path, struct err *err)
{
    struct records_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return err_memory(err);
    writer->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (writer->fd < 0) {
        err_sys(err, ERR_IO, "%s", path);
        records_abort(writer);
        return false;
    }
    arena_init(&writer->names, LIMIT(FEED_RECORD));
    arena_init(&writer->ids_arena, 4 * GIB);
    map_init(&writer->ids, &writer->ids_arena);
    sb_init(&writer->pending, 2 * LIMIT(FEED_RECORD));
    sb_init(&writer->body, LIMIT(FEED_RECORD));
    sb_init(&writer->part, LIMIT(FEED_RECORD));
    sb_init(&writer->texts, 2 * LIMIT(FEED_RECORD));
    if (!hash_open(&writer->hash, HASH_SHA256, err) ||
        !packer_open(&writer->packer, TEXTS_LEVEL, err)) {
        records_abort(writer);
        return false;
    }
    sb_add(&writer->pending, magic());
    *out = writer;
    return true;
}

static bool flush(struct records_writer *writer, struct err *err)
{
    if (!sb_ok(&writer->pending, err))
        return false;
    hash_add(writer->hash, sb_str(&writer->pending));
    if (!fd_write(writer->fd, sb_str(&writer->pending), err))
        return err_wrap(err, "records");
    sb_clear(&writer->pending);
    return true;
}

static bool add_frame(struct records_writer *writer, struct err *err)
{
    if (!sb_ok(&writer->body, err) || !sb_ok(&writer->part, err))
        return err_wrap(err, "a record");
    sb_blob(&writer->pending, sb_str(&writer->body));
    return writer->pending.len < FLUSH_AT || flush(writer, err);
}

static bool may_add(const struct records_writer *writer, struct err *err)
{
    return writer->n_records < LIMIT(FEED_RECORDS)
               ? true
               : err_set(err, ERR_LIMIT, "feed-records: more than %llu",
                         (unsigned long long)LIMIT(FEED_RECORDS));
}

static bool add_texts(struct records_writer *writer, struct err *err)
{
    sb_clear(&writer->body);
    sb_clear(&writer->part);
    if (!sb_ok(&writer->texts, err) ||
        !packer_add(writer->packer, sb_str(&writer->texts), &writer->part, err))
        return err_wrap(err, "texts of records");
    sb_byte(&writer->body, FRAME_TEXTS);
    sb_varint(&writer->body, writer->texts.len);
    sb_add(&writer->body, sb_str(&writer->part));
    sb_clear(&writer->texts);
    writer->n_blocks++;
    writer->n_texts = 0;
    return add_frame(writer, err);
}

/* Names become parts of keys, which NUL divides. */
static bool is_name(str name) { return name.len > 0 && str_find_byte(name, '\0') == name.len; }

static str folded(struct records_writer *writer, const struct record_entry *entry)
{
    str name = advisory_fold_name(&writer->names, entry->ecosystem, entry->package);
    writer->body.has_failed |= !name.ptr; /* said when the frame is added */
    return name;
}

static void places_print(struct records_writer *writer, const struct record *record)
{
    sb_varint(&writer->part, record->entries.len);
    for (size_t i = 0; i < record->entries.len; i++) {
        sb_blob(&writer->part, record->entries.ptr[i].ecosystem);
        sb_blob(&writer->part, folded(writer, &record->entries.ptr[i]));
    }
}

/* Publishers repeat an id in the file of each release.  Two records of one name would hide each
 * other: a later one is called "<id>~2", and the id is one of its aliases. */
static bool own_id(struct records_writer *writer, struct advisory *advisory, struct err *err)
{
    str id = advisory->id, own = id;
    for (unsigned n = 2; own.ptr && map_get(&writer->ids, own); n++)
        own = arena_printf(&writer->names, STR_FMT "~%u", STR_ARG(id), n);
    own = arena_dup(&writer->ids_arena, own);
    if (!own.ptr || !map_put(&writer->ids, own, writer))
        return err_memory(err);
    if (own.len == id.len)
        return true;
    strs aliases = {0};
    for (size_t i = 0; i < advisory->aliases.len; i++)
        if (!strs_push(&writer->names, &aliases, advisory->aliases.ptr[i], err))
            return false;
    advisory->id = own;
    advisory->aliases = aliases;
    return strs_push(&writer->names, &advisory->aliases, id, err);
}

bool records_add(struct records_writer *writer, const struct record *record, struct err *err)
{
    struct advisory own = record->advisory;
    const struct advisory *advisory = &own;
    if (!is_name(own.id))
        return err_set(err, ERR_FORMAT, "a record without an id");
    for (size_t i = 0; i < record->entries.len; i++) {
        if (!is_name(record->entries.ptr[i].ecosystem) || !is_name(record->entries.ptr[i].package))
            return err_set(err, ERR_FORMAT, "an affected package without a name or ecosystem");
    }
    if (!may_add(writer, err) || !own_id(writer, &own, err))
        return false;
    sb_clear(&writer->body);
    sb_byte(&writer->body, FRAME_RECORD);
    sb_clear(&writer->part);
    record_text_print(advisory, &writer->part);
    uint32_t mark = text_mark(sb_str(&writer->part)); /* of the words: not where they apply */
    places_print(writer, record);
    sb_blob(&writer->texts, sb_str(&writer->part));
    sb_blob(&writer->body, advisory->id);
    sb_varint(&writer->body, advisory->aliases.len);
    for (size_t i = 0; i < advisory->aliases.len; i++)
        sb_blob(&writer->body, advisory->aliases.ptr[i]);
    sb_varint(&writer->body, writer->n_blocks);
    sb_varint(&writer->body, writer->n_texts++);
    sb_u32le(&writer->body, mark);
    sb_varint(&writer->body, record->entries.len);
    for (size_t i = 0; i < record->entries.len; i++) {
        const struct record_entry *entry = &record->entries.ptr[i];
        struct affected affected = entry->affected;
        affected.record = advisory->id;
        affected.is_withdrawn = !str_is_empty(advisory->withdrawn);
        sb_clear(&writer->part);
        affected_print(&affected, &writer->part);
        sb_blob(&writer->body, entry->ecosystem);
        sb_blob(&writer->body, folded(writer, entry));
        sb_blob(&writer->body, sb_str(&writer->part));
    }
    arena_reset(&writer->names);
    writer->n_records++;
    return add_frame(writer, err) && (writer->texts.len < TEXTS_BLOCK || add_texts(writer, err));
}

bool records_enrich(struct records_writer *writer, str cve, const struct enrichment *enrichment,
                    struct err *err)
{
    if (!is_name(cve))
        return err_set(err, ERR_FORMAT, "a CVE without an id");
    if (!may_add(writer, err))
        return false;
    sb_clear(&writer->part);
    enrichment_print(enrichment, &writer->part);
    sb_clear(&writer->body);
    sb_byte(&writer->body, FRAME_ENRICHMENT);
    sb_blob(&writer->body, cve);
    sb_blob(&writer->body, sb_str(&writer->part));
    writer->n_records++;
    return add_frame(writer, err);
}

bool records_cover(struct records_writer *writer, str ecosystem, struct err *err)
{
    if (!is_name(ecosystem))
        return err_set(err, ERR_FORMAT, "an ecosystem without a name");
    sb_clear(&writer->body);
    sb_byte(&writer->body, FRAME_COVERAGE);
    sb_blob(&writer->body, ecosystem);
    return add_frame(writer, err);
}

bool records_finish(struct records_writer *writer, uint64_t *n_records, str *digest,
                    struct arena *arena, struct err *err)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    bool is_ok = !writer->n_texts || add_texts(writer, err);
    sb_clear(&writer->body);
    sb_byte(&writer->body, FRAME_END);
    sb_varint(&writer->body, writer->n_records);
    is_ok = is_ok && add_frame(writer, err) && flush(writer, err);
    if (is_ok && fsync(writer->fd) != 0)
        is_ok = err_sys(err, ERR_IO, "records");
    if (is_ok) {
        hex_print(sum, hash_done(writer->hash, sum), hex);
        *n_records = writer->n_records;
        *digest = arena_printf(arena, "sha256:%s", hex);
        is_ok = digest->ptr ? true : err_memory(err);
    }
    records_abort(writer);
    return is_ok;
}

bool record_frame_read(struct rd *body, struct record_frame *out)
{
    *out = (struct record_frame){.id = rd_blob(body, LIMIT(FEED_RECORD))};
    struct rd names = *body;
    size_t n_names = (size_t)rd_varint(body, rd_left(body));
    for (size_t i = 0; i < n_names && rd_is_ok(body); i++)
        rd_blob(body, LIMIT(FEED_RECORD));
    rd_varint(&names, SIZE_MAX);
    out->names = rd_bytes(&names, rd_left(&names) - rd_left(body));
    struct rd before = *body;
    rd_varint(body, UINT32_MAX);
    rd_varint(body, UINT32_MAX);
    out->mark = rd_u32le(body);
    out->place = rd_bytes(&before, rd_left(&before) - rd_left(body));
    out->n_entries = (size_t)rd_varint(body, rd_left(body));
    return rd_is_ok(body);
}

bool record_frame_name(struct rd *names, str *out)
{
    if (rd_is_end(names))
        return false;
    *out = rd_blob(names, LIMIT(FEED_RECORD));
    return rd_is_ok(names);
}

bool record_frame_entry(struct rd *body, str *ecosystem, str *package, str *statement)
{
    *ecosystem = rd_blob(body, LIMIT(FEED_RECORD));
    *package = rd_blob(body, LIMIT(FEED_RECORD));
    *statement = rd_blob(body, LIMIT(FEED_RECORD));
    return rd_is_ok(body);
}

bool records_open(struct records_file *file, const char *path, struct err *err)
{
    *file = (struct records_file){0};
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    if (st.st_size <= 0)
        return err_set(err, ERR_FORMAT, "%s: empty", path);
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_sys(err, ERR_IO, "%s", path);
    file->bytes = str_of(map, (size_t)st.st_size);
    rd_init(&file->in, file->bytes);
    if (!rd_take(&file->in, magic())) {
        records_close(file);
        return err_set(err, ERR_FORMAT, "%s: not a records file of this version", path);
    }
    return true;
}

void records_close(struct records_file *file)
{
    if (file->bytes.ptr) {
        union {
            const char *borrowed;
            void *owned;
        } map = {.borrowed = file->bytes.ptr};
        munmap(map.owned, file->bytes.len);
    }
    *file = (struct records_file){0};
}

static const uint8_t FRAMES[] = {FRAME_RECORD, FRAME_ENRICHMENT, FRAME_TEXTS, FRAME_COVERAGE};

enum next records_next(struct records_file *file, enum frame_kind *kind, struct rd *body,
                       struct err *err)
{
    size_t len = (size_t)rd_varint(&file->in, LIMIT(FEED_RECORD));
    *body = rd_sub(&file->in, len);
    uint8_t tag = rd_u8(body);
    if (!rd_ok(&file->in, err) || !rd_ok(body, err))
        return NEXT_ERR;
    if (tag == FRAME_END) {
        if (rd_is_end(&file->in))
            return NEXT_END;
        err_set(err, ERR_FORMAT, "bytes behind the end of a records file");
        return NEXT_ERR;
    }
    if (!memchr(FRAMES, tag, sizeof FRAMES)) {
        err_set(err, ERR_FORMAT, "a frame of kind %u in a records file", tag);
        return NEXT_ERR;
    }
    *kind = (enum frame_kind)tag;
    return NEXT_ITEM;
}
