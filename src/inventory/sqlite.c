/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite.c - tables of an SQLite database, with the committed pages of its -wal.
 * https://sqlite.org/fileformat2.html; section numbers are that document's.  Numbers are
 * big-endian.
 *
 *   database  pages, from number 1; the first begins with the header of 100 bytes (1.3)
 *   b-tree    @0 type (13 leaf, 5 interior), @3 cells u16, @8 right-most child of an interior page;
 *             then u16 the position of each cell (1.6)
 *   -wal      head of 32 bytes, then frames: head of 24 bytes and a page (4.1) */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum {
    DB_HEAD = 100,
    PAGE_MIN = 512,
    PAGE_MAX = 65536,
    USABLE_MIN = 480,
    WAL_HEAD = 32,
    FRAME_HEAD = 24,
    WAL_FORMAT = 3007000,
    ENCODING_UTF8 = 1,
    LEAF = 13,
    INTERIOR = 5,
    ROOT_OF_SCHEMA = 1,
};

static bool is_page_size(uint32_t n)
{
    return n >= PAGE_MIN && n <= PAGE_MAX && (n & (n - 1)) == 0;
}

/* --- pages ------------------------------------------------------------------------------------ */
/* Empty when neither file has it whole. */
static str page_bytes(const struct sqlite *db, uint32_t number)
{
    if (number == 0 || number > db->n_pages)
        return STR_NONE;
    size_t start = (size_t)(number - 1) * db->page_bytes;
    str from = db->db;
    if (db->frames && db->frames[number]) {
        from = db->wal;
        start = WAL_HEAD + (size_t)(db->frames[number] - 1) * (FRAME_HEAD + db->page_bytes) +
                FRAME_HEAD;
    }
    str page = str_slice(from, start, start + db->page_bytes);
    return page.len == db->page_bytes ? page : STR_NONE;
}

/* A page that nothing else led to yet; empty, with a flaw, otherwise. */
static str take_page(struct sqlite *db, uint32_t number)
{
    str page = page_bytes(db, number);
    if (page.len == 0)
        flaws_add(db->flaws, 0, "page %u is not there", number);
    else if (db->seen[number]++)
        flaws_add(db->flaws, 0, "page %u is in use already", number);
    else
        return page;
    return STR_NONE;
}

/* --- the -wal, section 4 ---------------------------------------------------------------------- */
struct wal {
    struct rd in;
    bool is_big;       /* how its checksums take words */
    uint32_t sum[2];   /* of all up to here */
    uint32_t salt[2];  /* of the frames that count */
    uint32_t n_frames; /* up to the last commit */
    uint32_t n_pages;  /* of the database after that */
};

/* 4.2 */
static void wal_sum(struct wal *wal, str bytes)
{
    struct rd in;
    rd_init(&in, bytes);
    while (rd_left(&in) >= 8) {
        uint32_t x = wal->is_big ? rd_u32be(&in) : rd_u32le(&in);
        uint32_t y = wal->is_big ? rd_u32be(&in) : rd_u32le(&in);
        wal->sum[0] += x + wal->sum[1];
        wal->sum[1] += y + wal->sum[0];
    }
}

static bool wal_open(const struct sqlite *db, struct wal *wal, struct err *err)
{
    struct rd *in = &wal->in;
    rd_init(in, db->wal);
    str head = str_slice(db->wal, 0, 24);
    uint32_t magic = rd_u32be(in), format = rd_u32be(in), page = rd_u32be(in);
    if ((magic | 1) != 0x377f0683)
        return err_set(err, ERR_FORMAT, "not a write-ahead log");
    if (format != WAL_FORMAT)
        return err_set(err, ERR_UNSUPPORTED, "a write-ahead log of format %u", format);
    rd_skip(in, 4); /* checkpoints so far */
    wal->salt[0] = rd_u32be(in);
    wal->salt[1] = rd_u32be(in);
    wal->is_big = magic & 1;
    wal_sum(wal, head);
    if (rd_u32be(in) != wal->sum[0] || rd_u32be(in) != wal->sum[1] || !rd_is_ok(in))
        return err_set(err, ERR_FORMAT, "a write-ahead log whose head has a wrong checksum");
    if (page != db->page_bytes)
        return err_set(err, ERR_FORMAT, "a write-ahead log of another database: pages of %u bytes",
                       page);
    return true;
}

/* The next frame; false: there is none that counts (4.1: salts of the head, checksum right). */
static bool wal_next(const struct sqlite *db, struct wal *wal, uint32_t *page, uint32_t *n_pages)
{
    struct rd *in = &wal->in;
    if (rd_left(in) < FRAME_HEAD + (size_t)db->page_bytes)
        return false;
    struct rd head = rd_sub(in, FRAME_HEAD);
    str start = str_of((const char *)head.ptr, 8);
    *page = rd_u32be(&head);
    *n_pages = rd_u32be(&head);
    bool is_of_it = rd_u32be(&head) == wal->salt[0];
    is_of_it &= rd_u32be(&head) == wal->salt[1];
    if (!is_of_it || *page == 0)
        return false;
    wal_sum(wal, start);
    wal_sum(wal, rd_bytes(in, db->page_bytes));
    bool is_right = rd_u32be(&head) == wal->sum[0];
    return (rd_u32be(&head) == wal->sum[1]) && is_right;
}

/* Count the frames up to the last commit. */
static bool wal_count(const struct sqlite *db, struct wal *wal, struct err *err)
{
    uint32_t page, n_pages;
    for (uint32_t i = 1; wal_next(db, wal, &page, &n_pages); i++) {
        if (cancel_is(db->cancel, err))
            return false;
        if (n_pages) {
            wal->n_frames = i;
            wal->n_pages = n_pages;
        }
    }
    return true;
}

static bool read_wal(struct arena *arena, struct sqlite *db, struct err *err)
{
    struct wal wal = {0};
    if (!wal_open(db, &wal, err) || !wal_count(db, &wal, err))
        return false;
    if (wal.n_frames == 0)
        return true; /* nothing was committed since the database was written */
    if (wal.n_pages > LIMIT(PACKAGE_DB) / db->page_bytes)
        return err_set(err, ERR_LIMIT, "a database of %u pages (package-db)", wal.n_pages);
    db->n_pages = wal.n_pages;
    db->frames = arena_array(arena, uint32_t, (size_t)db->n_pages + 1);
    if (!db->frames)
        return err_memory(err);
    struct rd in;
    rd_init(&in, str_skip(db->wal, WAL_HEAD));
    for (uint32_t i = 1; i <= wal.n_frames; i++) {
        uint32_t page = rd_u32be(&in);
        rd_skip(&in, FRAME_HEAD - 4 + (size_t)db->page_bytes);
        if (page <= db->n_pages)
            db->frames[page] = i;
    }
    return true;
}

/* --- the header, 1.3 -------------------------------------------------------------------------- */
static bool read_size(struct sqlite *db, struct rd in, uint32_t changes, struct err *err)
{
    uint64_t n_told = rd_u32be(&in);
    rd_skip(&in, 60); /* from 32 to 92 */
    uint64_t n_there = db->db.len / db->page_bytes;
    bool is_told = rd_u32be(&in) == changes && n_told; /* 1.3.7: otherwise an old writer's */
    if (!rd_is_ok(&in))
        return err_set(err, ERR_FORMAT, "its header is cut short");
    db->n_pages = (uint32_t)(is_told ? n_told : n_there);
    if (n_told > LIMIT(PACKAGE_DB) / db->page_bytes)
        return err_set(err, ERR_FORMAT, "a header that tells of %llu pages",
                       (unsigned long long)n_told);
    return true;
}

static bool read_head(struct sqlite *db, struct err *err)
{
    struct rd in;
    rd_init(&in, db->db);
    if (!rd_take(&in, STR("SQLite format 3\0")))
        return err_set(err, ERR_FORMAT, "not an SQLite database");
    uint32_t size = rd_u16be(&in);
    db->page_bytes = size == 1 ? PAGE_MAX : size;
    rd_skip(&in, 2); /* versions: whoever reads pages needs no journal */
    uint32_t reserved = rd_u8(&in);
    rd_skip(&in, 3);
    if (!is_page_size(db->page_bytes) || db->page_bytes - reserved < USABLE_MIN)
        return err_set(err, ERR_FORMAT, "pages of %u bytes, %u of them reserved", db->page_bytes,
                       reserved);
    db->usable_bytes = db->page_bytes - reserved;
    uint32_t changes = rd_u32be(&in);
    return read_size(db, in, changes, err);
}

static bool check_encoding(const struct sqlite *db, struct err *err)
{
    struct rd in;
    rd_init(&in, page_bytes(db, 1));
    rd_skip(&in, 56);
    uint32_t encoding = rd_u32be(&in);
    if (!rd_is_ok(&in))
        return err_set(err, ERR_FORMAT, "its first page is cut short");
    return encoding <= ENCODING_UTF8 ||
           err_set(err, ERR_UNSUPPORTED, "an SQLite database of text encoding %u", encoding);
}

bool sqlite_open(struct arena *arena, str db, str wal, struct sqlite *out, struct err *err)
{
    out->db = db;
    out->wal = wal;
    if (!read_head(out, err) || (wal.len > WAL_HEAD && !read_wal(arena, out, err)))
        return false;
    if (!out->frames && db.len / out->page_bytes < out->n_pages)
        flaws_add(out->flaws, 0, "cut short: %zu of %u pages", db.len / out->page_bytes,
                  out->n_pages);
    out->seen = arena_array(arena, uint8_t, (size_t)out->n_pages + 1);
    return out->seen ? check_encoding(out, err) : err_memory(err);
}

/* --- varints and records, 1.6 and 2.1 --------------------------------------------------------- */
static uint64_t get_varint(struct rd *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        uint8_t byte = rd_u8(in);
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80)
            return value;
    }
    return value << 8 | rd_u8(in);
}

/* Bytes that a serial type takes. */
static uint64_t serial_size(uint64_t type)
{
    static const uint8_t sizes[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    return type < 12 ? sizes[type] : (type - 12) / 2;
}

static struct sqlite_value serial_value(uint64_t type, str bytes)
{
    struct sqlite_value value = {.bytes = bytes};
    if (type >= 12) {
        value.type = type % 2 ? SQLITE_WORDS : SQLITE_BYTES;
    } else if ((type >= 1 && type <= 6) || type == 8 || type == 9) {
        struct rd in;
        rd_init(&in, bytes);
        value.type = SQLITE_NUMBER;
        value.number = type == 9;
        while (!rd_is_end(&in))
            value.number = value.number << 8 | rd_u8(&in);
    }
    return value;
}

bool sqlite_column(str record, unsigned i, struct sqlite_value *out)
{
    struct rd in, head;
    rd_init(&in, record);
    head = in;
    uint64_t head_bytes = get_varint(&head);
    size_t taken = record.len - rd_left(&head);
    if (!rd_is_ok(&head) || head_bytes < taken || head_bytes > record.len)
        return false;
    head = rd_sub(&head, (size_t)head_bytes - taken);
    rd_skip(&in, (size_t)head_bytes);
    for (;; i--) {
        if (rd_is_end(&head))
            return false;
        uint64_t type = get_varint(&head), size = serial_size(type);
        if (!rd_is_ok(&head) || size > rd_left(&in))
            return false;
        str bytes = rd_bytes(&in, (size_t)size);
        if (i == 0) {
            *out = serial_value(type, bytes);
            return true;
        }
    }
}

/* --- b-trees, 1.6 ----------------------------------------------------------------------------- */
struct rows {
    struct sqlite *db;
    sqlite_row row;
    void *context;
    struct sb payload;
    int64_t last; /* number of the row before */
    bool has_last;
    size_t left; /* bytes of the page in hand that no cell has taken: cells that overlap would be
                  * as much work as the square of a page */
};

/* 1.6: how much of a payload of @size bytes is in the cell of a table's leaf. */
static uint64_t local_bytes(const struct sqlite *db, uint64_t size)
{
    uint32_t usable = db->usable_bytes;
    uint64_t most = usable - 35, least = (uint64_t)(usable - 12) * 32 / 255 - 23;
    if (size <= most)
        return size;
    uint64_t some = least + (size - least) % (usable - 4);
    return some <= most ? some : least;
}

/* Add @left bytes of the overflow pages from @page on.  False: a flaw was noted. */
static bool read_overflow(struct rows *rows, uint32_t page, uint64_t left)
{
    while (left) {
        struct rd in;
        str bytes = take_page(rows->db, page);
        if (bytes.len == 0)
            return false;
        rd_init(&in, str_slice(bytes, 0, rows->db->usable_bytes));
        page = rd_u32be(&in);
        size_t n = (size_t)(left < rd_left(&in) ? left : rd_left(&in));
        sb_add(&rows->payload, rd_bytes(&in, n));
        left -= n;
    }
    return true;
}

static bool take_bytes(struct rows *rows, size_t n)
{
    if (n > rows->left)
        return false;
    rows->left -= n;
    return true;
}

/* 1.6: rows ascend. */
static bool take_number(struct rows *rows, int64_t number)
{
    bool is_next = !rows->has_last || number > rows->last;
    rows->has_last = true;
    rows->last = number;
    return is_next;
}

static bool read_leaf_cell(struct rows *rows, struct rd *in, struct err *err)
{
    uint64_t size = get_varint(in);
    int64_t number = (int64_t)get_varint(in);
    if (!rd_is_ok(in) || size > LIMIT(RPM_HEADER)) {
        flaws_add(rows->db->flaws, 0, "a row that is broken or too long (rpm-header)");
        return true;
    }
    uint64_t local = local_bytes(rows->db, size);
    str record = rd_bytes(in, (size_t)local);
    if (rd_is_ok(in) && !take_number(rows, number))
        flaws_add(rows->db->flaws, 0, "row %lld is out of order", (long long)number);
    if (!take_bytes(rows, (size_t)local)) {
        flaws_add(rows->db->flaws, 0, "row %lld overlaps others", (long long)number);
        return true;
    }
    if (local < size) {
        sb_clear(&rows->payload);
        sb_add(&rows->payload, record);
        uint32_t page = rd_u32be(in);
        if (rd_is_ok(in) && !read_overflow(rows, page, size - local))
            return true;
        record = sb_str(&rows->payload);
    }
    if (!rd_is_ok(in) || record.len != size) {
        flaws_add(rows->db->flaws, 0, "row %lld is broken", (long long)number);
        return true;
    }
    return rows->row(rows->context, number, record, err);
}

/* --- the bytes of a page: what is behind the start of its cells is all of a cell, of a freeblock,
 * or a fragment (1.6).  Where it is not, a cell is missing or is another. --- */
static uint64_t cell_bytes(const struct sqlite *db, str page, size_t at, bool is_leaf)
{
    struct rd in;
    rd_init(&in, str_slice(page, at, db->usable_bytes));
    size_t whole = rd_left(&in);
    if (!is_leaf)
        rd_skip(&in, 4);
    uint64_t first = get_varint(&in), local = 0;
    if (is_leaf) {
        get_varint(&in);
        local = local_bytes(db, first);
        local += local < first ? 4 : 0;
    }
    return num_max(whole - rd_left(&in) + (size_t)local, 4);
}

/* Ascending, so that they end. */
static uint64_t freeblock_bytes(const struct sqlite *db, str page, size_t at)
{
    uint64_t sum = 0;
    for (size_t last = 0; at;) {
        struct rd in;
        rd_init(&in, str_slice(page, at, db->usable_bytes));
        size_t next = rd_u16be(&in), size = rd_u16be(&in);
        if (!rd_is_ok(&in) || at <= last)
            return UINT32_MAX; /* that is no page */
        sum += size;
        last = at;
        at = next;
    }
    return sum;
}

static bool is_accounted_for(const struct sqlite *db, str page, size_t head)
{
    struct rd in;
    rd_init(&in, str_slice(page, head, db->usable_bytes));
    bool is_leaf = rd_u8(&in) == LEAF;
    size_t freeblock = rd_u16be(&in);
    unsigned n_cells = rd_u16be(&in);
    uint64_t sum = rd_u16be(&in);
    sum = (sum ? sum : PAGE_MAX) + rd_u8(&in) + freeblock_bytes(db, page, freeblock);
    rd_skip(&in, is_leaf ? 0 : 4);
    for (unsigned i = 0; i < n_cells; i++)
        sum += cell_bytes(db, page, rd_u16be(&in), is_leaf);
    return rd_is_ok(&in) && sum == db->usable_bytes;
}

/* --- the tree --- */
static bool walk_page(struct rows *rows, uint32_t number, unsigned depth, struct err *err);

static bool walk_cell(struct rows *rows, str page, size_t at, bool is_leaf, unsigned depth,
                      struct err *err)
{
    struct rd in;
    rd_init(&in, str_slice(page, at, rows->db->usable_bytes));
    if (is_leaf)
        return read_leaf_cell(rows, &in, err);
    uint32_t child = rd_u32be(&in);
    return walk_page(rows, rd_is_ok(&in) ? child : 0, depth + 1, err);
}

static bool walk_page(struct rows *rows, uint32_t number, unsigned depth, struct err *err)
{
    if (cancel_is(rows->db->cancel, err))
        return false;
    if (depth >= LIMIT(BTREE_DEPTH))
        return err_set(err, ERR_LIMIT, "a table of more than %u levels (btree-depth)", depth);
    str page = take_page(rows->db, number);
    if (page.len == 0)
        return true;
    struct rd in;
    rd_init(&in, str_slice(page, 0, rows->db->usable_bytes));
    rd_skip(&in, number == 1 ? DB_HEAD : 0);
    uint8_t type = rd_u8(&in);
    rd_skip(&in, 2);
    unsigned n_cells = rd_u16be(&in);
    rd_skip(&in, 3);
    uint32_t last = type == INTERIOR ? rd_u32be(&in) : 0;
    if ((type != LEAF && type != INTERIOR) || rd_left(&in) < 2 * (size_t)n_cells) {
        flaws_add(rows->db->flaws, 0, "page %u is none of a table", number);
        return true;
    }
    if (!is_accounted_for(rows->db, page, number == 1 ? DB_HEAD : 0) ||
        (depth && type == LEAF && n_cells == 0))
        flaws_add(rows->db->flaws, 0, "page %u: its rows are not all that were in it", number);
    rows->left =
        rows->db->usable_bytes; /* only a leaf's cells take of it, and it has no children */
    for (unsigned i = 0; i < n_cells; i++)
        if (!walk_cell(rows, page, rd_u16be(&in), type == LEAF, depth, err))
            return false;
    return type == LEAF || walk_page(rows, last, depth + 1, err);
}

bool sqlite_each_row(struct sqlite *db, uint32_t root, sqlite_row row, void *context,
                     struct err *err)
{
    struct rows rows = {.db = db, .row = row, .context = context};
    sb_init(&rows.payload, LIMIT(RPM_HEADER));
    bool ok = walk_page(&rows, root, 0, err);
    sb_fini(&rows.payload);
    return ok;
}

/* --- the schema, 2.6 -------------------------------------------------------------------------- */
struct table {
    str name;
    uint32_t root;
    struct flaws *flaws;
};

static bool on_schema_row(void *context, int64_t number, str record, struct err *err)
{
    (void)err;
    enum { TYPE, NAME, TABLE, ROOT };
    struct table *table = context;
    struct sqlite_value type, name, root;
    if (!sqlite_column(record, TYPE, &type) || !sqlite_column(record, NAME, &name) ||
        !sqlite_column(record, ROOT, &root)) {
        flaws_add(table->flaws, 0, "row %lld of the schema is broken", (long long)number);
        return true;
    }
    if (!str_eq(type.bytes, STR("table")) || !str_eq_nocase(name.bytes, table->name))
        return true;
    if (root.type == SQLITE_NUMBER && root.number && root.number <= UINT32_MAX)
        table->root = (uint32_t)root.number;
    else
        flaws_add(table->flaws, 0, "a table that is nowhere");
    return true;
}

bool sqlite_find_table(struct sqlite *db, str name, uint32_t *root, struct err *err)
{
    struct table table = {.name = name, .flaws = db->flaws};
    bool ok = sqlite_each_row(db, ROOT_OF_SCHEMA, on_schema_row, &table, err);
    *root = table.root;
    return ok;
}
