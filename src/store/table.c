/* SPDX-License-Identifier: Apache-2.0 */
/* Whole tables, row by row, in bytes that no engine has a say in.  Columns are asked for, never
 * listed here: a migration that adds one needs nothing but the migration.  A new table is a row. */
#include <inttypes.h>

#include "store/internal.h"

static const struct table tables[] = {
    {"meta", "name", false},
    {"tokens", "id", true},
    {"registries", "id", true},
    {"secrets", "registry_id, name", false},
    {"plans", "subscription", false},
    {"rules", "id", true},
    {"rule_log", "id", true},
    {"imports", "operation", false},
    {"repositories", "id", true},
    {"images", "id", true},
    {"index_children", "index_id, image_id", false},
    {"image_layers", "image_id, position", false},
    {"image_notices", "image_id, position", false},
    {"tags", "repository_id, name", false},
    {"tag_history", "id", true},
    {"layer_inventories", "digest, diff_id, revision", false},
    {"advisories", "id", true},
    {"facts", "id", true},
    {"findings", "registry_id, image_id, name", false},
    {"units", "id", true},
    {"unit_keys", "hash, unit_id", false},
    {"image_units", "registry_id, image_id", false},
    {"assessments", "registry_id", false},
    {"ledger", "subscription, digest", false},
    {"events", "registry_id, id", false},
    {"jobs", "id", true},
    {"turns", "registry_id", false},
    {"leaders", "name", false},
    {"subscriptions", "id", false},
    {"resource_groups", "subscription, folded", false},
    {"principals", "object_id", false},
    {"principal_secrets", "id", true},
    {"signing_keys", "kid", false},
    {"role_assignments", "name", false},
    {"role_definitions", "name", false},
    {"audit", "id", true},
    {"wanted", "ecosystem, source_name, source_version", false},
    {"changes", "id", true},
    {"outbox", "id", true},
    {"told", "name", false},
};

const struct table *table_at(size_t i) { return i < ARRAY_LEN(tables) ? &tables[i] : NULL; }

const struct table *table_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (str_eq(str_from(tables[i].name), name))
            return &tables[i];
    return NULL;
}

bool watch_tell(const struct store_watch *watch, const char *what, uint64_t done, uint64_t total,
                struct err *err)
{
    if (!watch)
        return true;
    if (watch->on)
        watch->on(watch->ctx, str_from(what), done, total);
    return !watch->cancel || !cancel_is(watch->cancel, err);
}

/* --- statements that are made of names, and used once
 * ------------------------------------------------------- */
static bool prepare(struct store *store, const struct sb *sql, void **stmt, struct err *err)
{
    return sb_ok(sql, err) && store->driver->prepare(store->conn, sql->ptr, stmt, err);
}

static void drop(struct store *store, void **stmt)
{
    if (*stmt)
        store->driver->drop(*stmt);
    *stmt = NULL;
}

bool table_count(struct store *store, const struct table *table, uint64_t *n, struct err *err)
{
    auto_sb sql;
    void *stmt = NULL;
    sb_init(&sql, 4 * KIB);
    sb_addf(&sql, "SELECT COUNT(*) FROM %s", table->name);
    bool ok = prepare(store, &sql, &stmt, err) && store->driver->bind(stmt, NULL, 0, false, err) &&
              store->driver->step(stmt, err) == NEXT_ITEM;
    *n = ok ? (uint64_t)store->driver->get_int(stmt, 0) : 0;
    drop(store, &stmt);
    return ok;
}

/* --- reading
 * -------------------------------------------------------------------------------------------------
 */
bool table_open(struct store *store, const struct table *table, const char *columns,
                struct table_reader *out, struct err *err)
{
    auto_sb sql;
    *out = (struct table_reader){.store = store, .table = table, .is_first = true};
    sb_init(&out->row, LIMIT(FRAME));
    sb_init(&sql, 4 * KIB);
    sb_addf(&sql, "SELECT %s FROM %s ORDER BY %s", columns ? columns : "*", table->name,
            table->key);
    if (!hash_open(&out->hash, HASH_SHA256, err) || !prepare(store, &sql, &out->stmt, err) ||
        !store->driver->bind(out->stmt, NULL, 0, true, err))
        return false;
    out->first = store->driver->step(out->stmt, err);
    return out->first != NEXT_ERR;
}

void table_close(struct table_reader *reader)
{
    if (!reader->store)
        return;
    drop(reader->store, &reader->stmt);
    sb_fini(&reader->row);
    hash_close(reader->hash);
    *reader = (struct table_reader){0};
}

void table_columns(struct table_reader *reader, struct sb *out)
{
    const struct driver *driver = reader->store->driver;
    for (int i = 0; i < driver->n_columns(reader->stmt); i++)
        sb_addf(out, "%s%s", i ? ", " : "", driver->column_name(reader->stmt, i));
}

static void encode_text(struct sb *out, str text)
{
    if (text_is_clean(text)) {
        sb_blob(out, text);
        return;
    }
    auto_sb clean;
    sb_init(&clean, 3 * text.len + 1);
    text_clean(text, &clean);
    sb_blob(out, sb_str(&clean));
}

static void encode(struct sb *out, const struct value *v)
{
    uint64_t bits;
    sb_byte(out, (uint8_t)v->kind);
    switch (v->kind) {
    case VALUE_INT:
        sb_u64le(out, (uint64_t)v->num);
        break;
    case VALUE_REAL:
        memcpy(&bits, &v->real, sizeof(bits));
        sb_u64le(out, bits);
        break;
    case VALUE_TEXT:
        encode_text(out, v->text);
        break;
    case VALUE_BYTES:
        sb_blob(out, v->text);
        break;
    case VALUE_NULL:
    default:
        break;
    }
}

enum next table_next(struct table_reader *reader, str *row, struct err *err)
{
    const struct driver *driver = reader->store->driver;
    enum next next = reader->is_first ? reader->first : driver->step(reader->stmt, err);
    reader->is_first = false;
    if (next != NEXT_ITEM)
        return next;
    sb_clear(&reader->row);
    for (int i = 0; i < driver->n_columns(reader->stmt); i++) {
        struct value v = driver->get_value(reader->stmt, i);
        encode(&reader->row, &v);
    }
    if (!sb_ok(&reader->row, err))
        return NEXT_ERR;
    *row = sb_str(&reader->row);
    hash_add(reader->hash, *row);
    reader->n_rows++;
    reader->n_bytes += row->len;
    return NEXT_ITEM;
}

void table_sum_of(struct table_reader *reader, struct table_sum *out)
{
    uint8_t sum_bytes[HASH_MAX];
    *out = (struct table_sum){.n_rows = reader->n_rows, .n_bytes = reader->n_bytes};
    (void)hash_done(reader->hash, sum_bytes);
    memcpy(out->digest, sum_bytes, sizeof(out->digest));
}

/* --- writing
 * -------------------------------------------------------------------------------------------------
 */
enum { ROWS_AT_ONCE = 64, COLUMNS_MAX = 128, NAME_BYTES = 64, PENDING_MAX = 4 << 20 };

static bool is_name(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= 'a' && s.ptr[i] <= 'z') && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') &&
            s.ptr[i] != '_')
            return false;
    return s.len > 0 && s.len <= NAME_BYTES;
}

/* "a, b, c": foreign, and on its way into a statement. */
static bool count_columns(str columns, size_t *n, struct err *err)
{
    str name;
    for (*n = 0; columns.len; ++*n) {
        str_cut(columns, STR(", "), &name, &columns);
        if (!is_name(name) || *n == COLUMNS_MAX)
            return err_set(err, ERR_FORMAT, "not a list of columns");
    }
    return *n > 0 || err_set(err, ERR_FORMAT, "no columns");
}

static bool prepare_insert(struct table_writer *w, size_t n_rows, void **stmt, struct err *err)
{
    auto_sb sql;
    sb_init(&sql, MIB);
    sb_addf(&sql, "INSERT INTO %s (" STR_FMT ") VALUES ", w->table->name, STR_ARG(w->columns));
    for (size_t i = 0; i < n_rows; i++) {
        sb_addc(&sql, i ? ", (" : "(");
        for (size_t j = 0; j < w->n_columns; j++)
            sb_addf(&sql, "%s$%zu", j ? ", " : "", i * w->n_columns + j + 1);
        sb_addc(&sql, ")");
    }
    return prepare(w->store, &sql, stmt, err);
}

bool writer_open(struct store *store, const struct table *table, str columns,
                 struct table_writer *out, struct err *err)
{
    *out = (struct table_writer){.store = store, .table = table, .columns = columns};
    sb_init(&out->pending, LIMIT(FRAME) + PENDING_MAX);
    return count_columns(columns, &out->n_columns, err) &&
           prepare_insert(out, ROWS_AT_ONCE, &out->many, err) &&
           prepare_insert(out, 1, &out->one, err);
}

void writer_close(struct table_writer *writer)
{
    if (!writer->store)
        return;
    drop(writer->store, &writer->many);
    drop(writer->store, &writer->one);
    sb_fini(&writer->pending);
    *writer = (struct table_writer){0};
}

static double real_of(uint64_t bits)
{
    double real;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

static struct value decode(struct rd *in)
{
    switch (rd_u8(in)) {
    case VALUE_NULL:
        return (struct value){.kind = VALUE_NULL};
    case VALUE_INT:
        return vu(rd_u64le(in));
    case VALUE_REAL:
        return vr(real_of(rd_u64le(in)));
    case VALUE_TEXT:
        return vt(rd_blob(in, LIMIT(FRAME)));
    case VALUE_BYTES:
        return vb(rd_blob(in, LIMIT(FRAME)));
    default:
        rd_fail(in, ERR_FORMAT, "no kind of value");
        return (struct value){.kind = VALUE_NULL};
    }
}

static bool insert(struct table_writer *w, struct rd *in, size_t n_rows, struct err *err)
{
    struct value values[ROWS_AT_ONCE * COLUMNS_MAX];
    const struct driver *driver = w->store->driver;
    void *stmt = n_rows == 1 ? w->one : w->many;
    size_t n = n_rows * w->n_columns;
    for (size_t i = 0; i < n; i++)
        values[i] = decode(in);
    if (!rd_ok(in, err))
        return false;
    bool ok = driver->bind(stmt, values, n, false, err) && driver->step(stmt, err) != NEXT_ERR;
    driver->reset(stmt);
    return ok;
}

static bool flush(struct table_writer *w, struct err *err)
{
    struct rd in;
    rd_init(&in, sb_str(&w->pending));
    while (w->n_pending) {
        size_t n = w->n_pending >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
        if (!insert(w, &in, n, err))
            return err_wrap(err, "%s", w->table->name);
        w->n_pending -= n;
    }
    sb_clear(&w->pending);
    return rd_is_end(&in) ||
           err_set(err, ERR_FORMAT, "%s: a row is longer than its columns", w->table->name);
}

bool writer_add(struct table_writer *w, str row, struct err *err)
{
    sb_add(&w->pending, row);
    w->n_pending++;
    if (!sb_ok(&w->pending, err))
        return false;
    return (w->n_pending < ROWS_AT_ONCE && w->pending.len < PENDING_MAX) || flush(w, err);
}

enum { TELL_ROWS = 1000 };

static bool read_back(struct table_writer *w, const struct store_watch *watch,
                      struct table_sum *sum, struct err *err)
{
    auto_reader reader = {0};
    auto_sb what;
    str row;
    enum next next;
    const char *columns = NULL;
    sb_init(&what, 4 * KIB);
    sb_add(&what, w->columns);
    columns = what.ptr;
    if (!sb_ok(&what, err) || !table_open(w->store, w->table, columns, &reader, err))
        return false;
    while ((next = table_next(&reader, &row, err)) == NEXT_ITEM)
        if (reader.n_rows % TELL_ROWS == 0 &&
            !watch_tell(watch, "reading it back", reader.n_rows, 0, err))
            return false;
    table_sum_of(&reader, sum);
    return next == NEXT_END;
}

bool writer_end(struct table_writer *w, const struct table_sum *expected,
                const struct store_watch *watch, struct err *err)
{
    struct table_sum got;
    const struct driver *driver = w->store->driver;
    if (!flush(w, err) || !read_back(w, watch, &got, err))
        return false;
    if (got.n_rows != expected->n_rows)
        return err_set(err, ERR_MISMATCH, "%s: %" PRIu64 " rows came, %" PRIu64 " are there",
                       w->table->name, expected->n_rows, got.n_rows);
    if (memcmp(got.digest, expected->digest, sizeof(got.digest)) != 0)
        return err_set(err, ERR_MISMATCH, "%s: what is read back is not what came", w->table->name);
    return !driver->settle || driver->settle(w->store->conn, w->table->name, w->table->has_id, err);
}
