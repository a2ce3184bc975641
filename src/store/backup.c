/* SPDX-License-Identifier: Apache-2.0 */
/* The whole store as a stream, from a store or a file into a store or a file.
 *
 * "plimsoll.store/1" is zstd (RFC 8878, any number of frames) over records, each a u32le length and
 * that many bytes, the first of which says what it is:
 *
 *   H  blob "plimsoll.store/1", varint schema version                      first
 *   T  blob table, blob "column, column"                                   a table begins
 *   R  a row: of each column a kind (0 null, 1 int, 2 real, 3 text, 4 bytes), then u64le or blob
 *   E  varint rows, 32 bytes: sha256 of its rows                           the table ends
 *   Z  32 bytes: sha256 of all before this record                          last
 *
 * blob: a varint length and the bytes.  Secrets of registries are in it as they are in the store:
 * sealed.  Everything is compared before the commit: the file's digest, and what each table reads
 * back. */
#include <fcntl.h>

#include "os/file.h"
#include "store/internal.h"

#define FORMAT STR("plimsoll.store/1")
enum { CHUNK = 1 << 20, LEVEL = 3, TELL_ROWS = 1000, LENGTH_BYTES = 4 };

/* Where rows go: a file, or another store. */
struct sink {
    int fd; /* -1: a store */
    struct packer *packer;
    struct sb chunk, packed;
    struct hash *hash;
    struct store *to;
    struct table_writer writer;
    struct sb columns; /* the writer borrows them */
};

/* --- writing the file
 * ------------------------------------------------------------------------------------ */
static bool write_chunk(struct sink *sink, struct err *err)
{
    if (!sink->chunk.len)
        return true;
    hash_add(sink->hash, sb_str(&sink->chunk));
    sb_clear(&sink->packed);
    bool ok = packer_add(sink->packer, sb_str(&sink->chunk), &sink->packed, err) &&
              fd_write(sink->fd, sb_str(&sink->packed), err);
    sb_clear(&sink->chunk);
    return ok;
}

static bool put_record(struct sink *sink, char kind, str bytes, struct err *err)
{
    sb_u32le(&sink->chunk, (uint32_t)(bytes.len + 1));
    sb_byte(&sink->chunk, (uint8_t)kind);
    sb_add(&sink->chunk, bytes);
    return sb_ok(&sink->chunk, err) && (sink->chunk.len < CHUNK || write_chunk(sink, err));
}

static bool put_head(struct sink *sink, struct err *err)
{
    auto_sb head;
    sb_init(&head, KIB);
    sb_blob(&head, FORMAT);
    sb_varint(&head, (uint64_t)store_schema_version());
    return sb_ok(&head, err) && put_record(sink, 'H', sb_str(&head), err);
}

static bool put_table(struct sink *sink, const struct table *table, str columns, struct err *err)
{
    auto_sb head;
    sb_init(&head, 16 * KIB);
    sb_blob(&head, str_from(table->name));
    sb_blob(&head, columns);
    return sb_ok(&head, err) && put_record(sink, 'T', sb_str(&head), err);
}

static bool put_sum(struct sink *sink, const struct table_sum *sum, struct err *err)
{
    auto_sb end;
    sb_init(&end, KIB);
    sb_varint(&end, sum->n_rows);
    sb_add(&end, str_of((const char *)sum->digest, sizeof(sum->digest)));
    return sb_ok(&end, err) && put_record(sink, 'E', sb_str(&end), err);
}

static bool put_tail(struct sink *sink, struct err *err)
{
    uint8_t sum_bytes[HASH_MAX];
    if (!write_chunk(sink, err))
        return false;
    size_t n = hash_done(sink->hash, sum_bytes);
    return put_record(sink, 'Z', str_of((const char *)sum_bytes, n), err) && write_chunk(sink, err);
}

/* --- one table, whatever the sink is
 * ---------------------------------------------------------------------------------- */
static bool sink_begin(struct sink *sink, const struct table *table, str columns, struct err *err)
{
    if (sink->fd >= 0)
        return put_table(sink, table, columns, err);
    sb_clear(&sink->columns);
    sb_add(&sink->columns, columns);
    return sb_ok(&sink->columns, err) &&
           writer_open(sink->to, table, sb_str(&sink->columns), &sink->writer, err);
}

static bool sink_row(struct sink *sink, str row, struct err *err)
{
    return sink->fd >= 0 ? put_record(sink, 'R', row, err) : writer_add(&sink->writer, row, err);
}

static bool sink_end(struct sink *sink, const struct table_sum *sum,
                     const struct store_watch *watch, struct err *err)
{
    if (sink->fd >= 0)
        return put_sum(sink, sum, err);
    bool ok = writer_end(&sink->writer, sum, watch, err);
    writer_close(&sink->writer);
    return ok;
}

static bool sink_open(struct sink *sink, int fd, struct store *to, struct err *err)
{
    *sink = (struct sink){.fd = fd, .to = to};
    sb_init(&sink->chunk, LIMIT(FRAME) + 2 * CHUNK);
    sb_init(&sink->packed, LIMIT(FRAME) * 2);
    sb_init(&sink->columns, 16 * KIB);
    return hash_open(&sink->hash, HASH_SHA256, err) && packer_open(&sink->packer, LEVEL, err);
}

static void sink_close(struct sink *sink)
{
    writer_close(&sink->writer);
    sb_fini(&sink->chunk);
    sb_fini(&sink->packed);
    sb_fini(&sink->columns);
    hash_close(sink->hash);
    packer_close(sink->packer);
}

static void count(struct store_counts *counts, const struct table_sum *sum)
{
    counts->n_tables++;
    counts->n_rows += sum->n_rows;
    counts->n_bytes += sum->n_bytes;
}

/* --- from a store
 * ---------------------------------------------------------------------------------------------- */
static bool stream_table(struct store *from, const struct table *table, struct sink *sink,
                         const struct store_watch *watch, struct store_counts *counts,
                         struct err *err)
{
    auto_reader reader = {0};
    auto_sb columns;
    struct table_sum sum;
    uint64_t total = 0;
    str row;
    enum next next;
    sb_init(&columns, 16 * KIB);
    if (!table_count(from, table, &total, err) || !table_open(from, table, NULL, &reader, err))
        return false;
    table_columns(&reader, &columns);
    if (!sb_ok(&columns, err) || !sink_begin(sink, table, sb_str(&columns), err))
        return false;
    while ((next = table_next(&reader, &row, err)) == NEXT_ITEM)
        if (!sink_row(sink, row, err) ||
            (reader.n_rows % TELL_ROWS == 0 &&
             !watch_tell(watch, table->name, reader.n_rows, total, err)))
            return false;
    if (next != NEXT_END)
        return false;
    table_sum_of(&reader, &sum);
    count(counts, &sum);
    return sink_end(sink, &sum, watch, err);
}

static bool stream_all(struct store *from, struct sink *sink, const struct store_watch *watch,
                       struct store_counts *counts, struct err *err)
{
    for (size_t i = 0; table_at(i); i++)
        if (!watch_tell(watch, table_at(i)->name, 0, 0, err) ||
            !stream_table(from, table_at(i), sink, watch, counts, err))
            return false;
    return true;
}

bool store_backup(struct store *store, int fd, const struct store_watch *watch,
                  struct store_counts *counts, struct err *err)
{
    struct sink sink;
    *counts = (struct store_counts){0};
    bool ok = sink_open(&sink, fd, NULL, err) && tx_begin_read(store, err);
    if (ok)
        ok = tx_end(store,
                    put_head(&sink, err) && stream_all(store, &sink, watch, counts, err) &&
                        put_tail(&sink, err),
                    err);
    sink_close(&sink);
    return ok;
}

/* --- room for what comes
 * -------------------------------------------------------------------------------------------------
 */
static bool has_content(struct store *store, const struct table **where, struct err *err)
{
    uint64_t n = 0;
    *where = NULL;
    for (size_t i = 0; table_at(i) && !n; i++) {
        if (!table_count(store, table_at(i), &n, err))
            return false;
        *where = n ? table_at(i) : NULL;
    }
    return true;
}

static bool empty(struct store *store, struct err *err)
{
    size_t n = 0;
    while (table_at(n))
        n++;
    for (size_t i = n; i-- > 0;) {
        char sql[128];
        snprintf(sql, sizeof(sql), "DELETE FROM %s", table_at(i)->name);
        if (!store->driver->script(store->conn, sql, err))
            return err_wrap(err, "%s", table_at(i)->name);
    }
    return true;
}

static bool make_room(struct store *store, bool is_forced, struct err *err)
{
    const struct table *where;
    if (!has_content(store, &where, err))
        return false;
    if (where && !is_forced)
        return err_set(err, ERR_CONFLICT, "the store has content (%s): --force replaces all of it",
                       where->name);
    return !where || empty(store, err);
}

/* --- store to store
 * ------------------------------------------------------------------------------------------------------
 */
static bool copy_into(struct store *from, struct sink *sink, bool is_forced,
                      const struct store_watch *watch, struct store_counts *counts, struct err *err)
{
    return make_room(sink->to, is_forced, err) && stream_all(from, sink, watch, counts, err);
}

bool store_copy(struct store *from, struct store *to, bool is_forced,
                const struct store_watch *watch, struct store_counts *counts, struct err *err)
{
    struct sink sink;
    *counts = (struct store_counts){0};
    bool ok = sink_open(&sink, -1, to, err) && tx_begin_read(from, err);
    if (ok) {
        ok = tx_begin_alone(to, err);
        if (ok) {
            ok = copy_into(from, &sink, is_forced, watch, counts, err);
            writer_close(&sink.writer);
            ok = tx_end(to, ok, err);
        }
        ok = tx_end(from, ok, err);
    }
    sink_close(&sink);
    return ok;
}

/* --- reading the file
 * ------------------------------------------------------------------------------------------------------
 */
struct file {
    struct decoder *decoder;
    str chunk;
    struct hash *hash;
    struct sb record; /* the length too: it is hashed with the rest */
    uint64_t n_in, size;
};

static bool fill(struct file *f, size_t n, bool *is_end, struct err *err)
{
    *is_end = false;
    while (f->record.len < n) {
        if (!f->chunk.len) {
            enum next next = decoder_next(f->decoder, &f->chunk, err);
            *is_end = next == NEXT_END && f->record.len == 0;
            if (next == NEXT_END && !*is_end)
                return err_set(err, ERR_FORMAT, "the backup is cut short");
            if (next != NEXT_ITEM)
                return *is_end;
        }
        str part = str_slice(f->chunk, 0, n - f->record.len);
        sb_add(&f->record, part);
        f->chunk = str_skip(f->chunk, part.len);
        if (!sb_ok(&f->record, err))
            return false;
    }
    return true;
}

/* @bytes without the length; the first one is its kind. */
static enum next next_record(struct file *f, str *bytes, struct err *err)
{
    bool is_end = false;
    struct rd in;
    sb_clear(&f->record);
    if (!fill(f, LENGTH_BYTES, &is_end, err))
        return NEXT_ERR;
    if (is_end)
        return NEXT_END;
    rd_init(&in, sb_str(&f->record));
    size_t n = rd_u32le(&in);
    if (n == 0 || n > LIMIT(FRAME)) {
        err_set(err, ERR_FORMAT, "the backup has a record of %zu bytes", n);
        return NEXT_ERR;
    }
    if (!fill(f, LENGTH_BYTES + n, &is_end, err))
        return NEXT_ERR;
    *bytes = str_skip(sb_str(&f->record), LENGTH_BYTES);
    if (!str_starts(*bytes, STR("Z")))
        hash_add(f->hash, sb_str(&f->record));
    return NEXT_ITEM;
}

static bool expect(struct file *f, struct rd *in, char *kind, struct err *err)
{
    str bytes;
    enum next next = next_record(f, &bytes, err);
    if (next == NEXT_END)
        return err_set(err, ERR_FORMAT, "the backup is cut short");
    if (next != NEXT_ITEM)
        return false;
    rd_init(in, bytes);
    *kind = (char)rd_u8(in);
    return true;
}

static bool read_head(struct file *f, struct err *err)
{
    struct rd in;
    char kind = 0;
    if (!expect(f, &in, &kind, err))
        return err_wrap(err, "not a backup of a store");
    str format = kind == 'H' ? rd_blob(&in, KIB) : STR("");
    uint64_t version = rd_varint(&in, INT32_MAX);
    if (!rd_is_ok(&in) || !str_eq(format, FORMAT))
        return err_set(err, ERR_FORMAT, "not a backup of a store");
    if (version > (uint64_t)store_schema_version())
        return err_set(err, ERR_UNSUPPORTED,
                       "the backup has schema version %llu, newer than this program's %d; upgrade "
                       "plimsoll",
                       (unsigned long long)version, store_schema_version());
    return true;
}

static bool read_sum(struct rd *in, struct table_sum *sum, struct err *err)
{
    sum->n_rows = rd_varint(in, INT64_MAX);
    str bytes = rd_bytes(in, sizeof(sum->digest));
    if (!rd_ok(in, err))
        return false;
    memcpy(sum->digest, bytes.ptr, bytes.len);
    return true;
}

static bool load_rows(struct file *f, const struct table *table, struct sink *sink,
                      const struct store_watch *watch, struct store_counts *counts, struct err *err)
{
    struct table_sum sum = {0};
    struct rd in;
    char kind;
    for (uint64_t n = 1;; n++) {
        if (!expect(f, &in, &kind, err))
            return false;
        if (kind != 'R')
            break;
        str row = rd_rest(&in);
        sum.n_bytes += row.len;
        if (!sink_row(sink, row, err) ||
            (n % TELL_ROWS == 0 && !watch_tell(watch, table->name, n, 0, err)))
            return false;
    }
    if (kind != 'E' || !read_sum(&in, &sum, err))
        return err_is(err) ? false : err_set(err, ERR_FORMAT, "the backup is out of order");
    count(counts, &sum);
    return sink_end(sink, &sum, watch, err);
}

static bool load_table(struct file *f, struct rd *in, struct sink *sink,
                       const struct store_watch *watch, struct store_counts *counts,
                       struct err *err)
{
    str name = rd_blob(in, KIB), columns = rd_blob(in, 16 * KIB);
    const struct table *table = table_find(name);
    if (!rd_ok(in, err))
        return false;
    if (!table)
        return err_set(err, ERR_FORMAT, "the backup has a table that no store has: " STR_FMT,
                       STR_ARG(name));
    return watch_tell(watch, table->name, 0, 0, err) && sink_begin(sink, table, columns, err) &&
           load_rows(f, table, sink, watch, counts, err);
}

static bool read_tail(struct file *f, struct rd *in, struct err *err)
{
    uint8_t sum_bytes[HASH_MAX];
    str rest, said = rd_rest(in);
    size_t n = hash_done(f->hash, sum_bytes);
    if (!str_eq(said, str_of((const char *)sum_bytes, n)))
        return err_set(err, ERR_MISMATCH, "the backup is not what was written: its digest differs");
    enum next next = next_record(f, &rest, err);
    if (next == NEXT_ITEM)
        return err_set(err, ERR_FORMAT, "the backup goes on behind its end");
    return next == NEXT_END;
}

static bool load_all(struct file *f, struct sink *sink, const struct store_watch *watch,
                     struct store_counts *counts, struct err *err)
{
    struct rd in;
    char kind;
    for (;;) {
        if (!expect(f, &in, &kind, err))
            return false;
        if (kind == 'Z')
            return read_tail(f, &in, err);
        if (kind != 'T')
            return err_set(err, ERR_FORMAT, "the backup is out of order");
        if (!load_table(f, &in, sink, watch, counts, err))
            return false;
    }
}

static bool restore_from(struct file *f, struct store *store, bool is_forced,
                         const struct store_watch *watch, struct store_counts *counts,
                         struct err *err)
{
    struct sink sink;
    bool ok = sink_open(&sink, -1, store, err) && read_head(f, err) && tx_begin_alone(store, err);
    if (ok) {
        ok = make_room(store, is_forced, err) && load_all(f, &sink, watch, counts, err);
        writer_close(&sink.writer);
        ok = tx_end(store, ok, err);
    }
    sink_close(&sink);
    return ok;
}

bool store_restore(struct store *store, int fd, bool is_forced, const struct store_watch *watch,
                   struct store_counts *counts, struct err *err)
{
    struct file f = {0};
    struct source_fd *from = NULL;
    *counts = (struct store_counts){0};
    sb_init(&f.record, LIMIT(FRAME) + 2 * KIB);
    bool ok = source_fd_open(&from, fd, err) &&
              decoder_open(&f.decoder, source_from_fd(from), UINT64_MAX, err) &&
              hash_open(&f.hash, HASH_SHA256, err) &&
              restore_from(&f, store, is_forced, watch, counts, err);
    decoder_close(f.decoder);
    source_fd_close(from);
    hash_close(f.hash);
    sb_fini(&f.record);
    return ok;
}
