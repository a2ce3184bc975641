/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - what tells one generation from another: two cursors side by side, like a merge.
 *
 * Values name their sources by number, and the numbers of two generations may differ: statements
 * are compared by source name, mark of the record's text, and bytes. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct side {
    const struct advisory_db *db;
    const struct source_state *sources;
    size_t n_sources;
    struct db_cursor *cursor;
    struct db_item item;
    bool is_at_end;
};

struct diff {
    struct side from, to;
    struct arena *arena, scratch;
    struct advisory_changes *out;
    bool has_same_sources; /* numbers mean the same: equal bytes are equal statements */
};

const char *change_kind_name(enum change_kind kind)
{
    static const char *const names[] = {[CHANGE_ADDED] = "added",
                                        [CHANGE_CHANGED] = "changed",
                                        [CHANGE_WITHDRAWN] = "withdrawn",
                                        [CHANGE_REMOVED] = "removed"};
    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "changed";
}

static bool side_open(struct side *side, const struct advisory_db *db, struct err *err)
{
    side->db = db;
    side->n_sources = advisory_db_built(db);
    (void)advisory_db_sources(db, &side->sources);
    return db_cursor_open(db, &side->cursor, err);
}

static bool side_next(struct side *side, struct err *err)
{
    enum next next = db_cursor_next(side->cursor, &side->item, err);
    side->is_at_end = next != NEXT_ITEM;
    return next != NEXT_ERR;
}

static str source_name(const struct side *side, uint32_t number)
{
    return number < side->n_sources ? side->sources[number].name : STR_NONE;
}

/* --- values
 * ---------------------------------------------------------------------------------------------- */

struct values {
    struct rd a, b;
};

static bool values_open(const str *a, const str *b, struct values *out)
{
    rd_init(&out->a, *a);
    rd_init(&out->b, *b);
    return rd_varint(&out->a, rd_left(&out->a)) == rd_varint(&out->b, rd_left(&out->b));
}

static bool is_same_statement(const struct diff *diff, const struct raw_statement *a,
                              const struct raw_statement *b)
{
    return a->mark == b->mark && str_eq(a->bytes, b->bytes) &&
           str_eq(source_name(&diff->from, a->source), source_name(&diff->to, b->source));
}

/* Statements stand in order of their sources, and sources in order of their names. */
static bool is_same_package(const struct diff *diff, const str *from, const str *to)
{
    struct values values;
    struct raw_statement a, b;
    if (diff->has_same_sources)
        return str_eq(*from, *to);
    if (!values_open(from, to, &values))
        return false;
    while (raw_statement_next(&values.a, &a)) {
        if (!raw_statement_next(&values.b, &b) || !is_same_statement(diff, &a, &b))
            return false;
    }
    return rd_is_end(&values.a) && rd_is_end(&values.b);
}

/* EPSS moves every day and for every CVE: alone it is no change. */
static bool print_without_epss(struct diff *diff, const struct side *side, str value,
                               struct sb *out, struct err *err)
{
    enrichments list;
    if (!enrichment_value_parse(value, &diff->scratch, side->sources, side->n_sources, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        struct enrichment *e = &list.ptr[i];
        bool is_epss = e->has_epss;
        e->has_epss = false;
        struct enrichment nothing = {.source = e->source};
        struct sb before = *out;
        sb_blob(out, e->source);
        size_t at = out->len;
        enrichment_print(e, out);
        auto_sb blank;
        sb_init(&blank, KIB);
        enrichment_print(&nothing, &blank);
        if (is_epss && str_eq(str_skip(sb_str(out), at), sb_str(&blank)))
            out->len = before.len;
    }
    return sb_ok(out, err);
}

static bool is_same_enrichment(struct diff *diff, const str *from, const str *to, bool *out,
                               struct err *err)
{
    auto_sb a, b;
    sb_init(&a, LIMIT(FEED_RECORD));
    sb_init(&b, LIMIT(FEED_RECORD));
    arena_reset(&diff->scratch);
    *out = diff->has_same_sources && str_eq(*from, *to);
    if (*out)
        return true;
    if (!print_without_epss(diff, &diff->from, *from, &a, err) ||
        !print_without_epss(diff, &diff->to, *to, &b, err))
        return false;
    *out = str_eq(sb_str(&a), sb_str(&b));
    return true;
}

/* Is there anything but an EPSS? */
static bool is_blank_enrichment(struct diff *diff, const struct side *side, str value, bool *out,
                                struct err *err)
{
    auto_sb text;
    sb_init(&text, LIMIT(FEED_RECORD));
    arena_reset(&diff->scratch);
    bool is_ok = print_without_epss(diff, side, value, &text, err);
    *out = text.len == 0;
    return is_ok;
}

/* Source, block, place, mark: only the mark tells. */
static bool record_mark(str value, uint32_t *mark, struct err *err)
{
    struct rd in;
    rd_init(&in, value);
    for (int i = 0; i < 3; i++)
        rd_varint(&in, UINT32_MAX);
    *mark = rd_u32le(&in);
    return rd_ok(&in, err);
}

/* --- results
 * --------------------------------------------------------------------------------------------- */

static bool copy(struct diff *diff, str from, str *to)
{
    *to = arena_dup(diff->arena, from);
    return to->ptr != NULL;
}

static bool add_package(struct diff *diff, struct db_item *item, enum change_kind kind,
                        struct err *err)
{
    str ecosystem, package;
    if (!db_item_names(item, &ecosystem, &package, err))
        return false;
    struct package_change *change = vec_push(diff->arena, &diff->out->packages);
    if (!change || !copy(diff, ecosystem, &change->ecosystem) ||
        !copy(diff, package, &change->package))
        return err_memory(err);
    change->kind = kind;
    return true;
}

static bool add_record(struct diff *diff, str source, str record, enum change_kind kind,
                       struct err *err)
{
    struct record_change *change = vec_push(diff->arena, &diff->out->records);
    if (!change || !copy(diff, source, &change->source) || !copy(diff, record, &change->record))
        return err_memory(err);
    change->kind = kind;
    return true;
}

static bool add_name(struct diff *diff, strs *list, str name, struct err *err)
{
    str *slot = vec_push(diff->arena, list);
    return slot && copy(diff, name, slot) ? true : err_memory(err);
}

/* --- one key that only one side has
 * ----------------------------------------------------------------------- */

static bool take_lone(struct diff *diff, struct side *side, enum change_kind kind, struct err *err)
{
    struct db_item *item = &side->item;
    bool is_blank;
    str a, b;
    switch (item->kind) {
    case KEY_PACKAGE:
        return add_package(diff, item, kind, err);
    case KEY_RECORD:
        return db_item_names(item, &a, &b, err) && add_record(diff, a, b, kind, err);
    case KEY_COVERAGE:
        return add_name(diff, &diff->out->ecosystems, item->key, err);
    case KEY_ENRICHMENT:
        if (!db_item_names(item, &a, &b, err) ||
            !is_blank_enrichment(diff, side, item->value, &is_blank, err))
            return false;
        return add_name(diff, is_blank ? &diff->out->epss : &diff->out->cves, a, err);
    case KEY_FILTER:
    case KEY_NAME:
    case KEY_META:
    case KEY_TEXTS:
    default:
        return true;
    }
}

/* --- one key that both have
 * -------------------------------------------------------------------------------- */

static bool is_withdrawn(struct diff *diff, const struct side *side, str source, str record,
                         bool *out, struct err *err)
{
    struct advisory advisory;
    arena_reset(&diff->scratch);
    if (!advisory_get(side->db, &diff->scratch, source, record, &advisory, err))
        return false;
    *out = advisory.withdrawn.len > 0;
    return true;
}

static bool take_record(struct diff *diff, struct err *err)
{
    struct db_item *from = &diff->from.item, *to = &diff->to.item;
    uint32_t a, b;
    bool was = false, is = false;
    str source, record, ignored_a, ignored_b;
    if (!db_item_names(from, &ignored_a, &ignored_b, err) ||
        !db_item_names(to, &source, &record, err) || !record_mark(from->value, &a, err) ||
        !record_mark(to->value, &b, err))
        return false;
    if (a == b)
        return true;
    return is_withdrawn(diff, &diff->from, source, record, &was, err) &&
           is_withdrawn(diff, &diff->to, source, record, &is, err) &&
           add_record(diff, source, record, is && !was ? CHANGE_WITHDRAWN : CHANGE_CHANGED, err);
}

static bool take_pair(struct diff *diff, struct err *err)
{
    struct db_item *from = &diff->from.item, *to = &diff->to.item;
    bool is_same;
    str ecosystem, package, cve, none;
    switch (from->kind) {
    case KEY_PACKAGE: {
        struct db_item old = *from, fresh = *to;
        return (db_item_names(&old, &ecosystem, &package, err) &&
                db_item_names(&fresh, &ecosystem, &package, err) &&
                is_same_package(diff, &old.value, &fresh.value)) ||
               (!err_is(err) && add_package(diff, to, CHANGE_CHANGED, err));
    }
    case KEY_RECORD:
        return take_record(diff, err);
    case KEY_ENRICHMENT:
        if (!db_item_names(from, &cve, &none, err) || !db_item_names(to, &cve, &none, err) ||
            !is_same_enrichment(diff, &from->value, &to->value, &is_same, err))
            return false;
        if (is_same && diff->has_same_sources && str_eq(from->value, to->value))
            return true;
        return add_name(diff, is_same ? &diff->out->epss : &diff->out->cves, cve, err);
    case KEY_COVERAGE:
    case KEY_FILTER:
    case KEY_NAME:
    case KEY_META:
    case KEY_TEXTS:
    default:
        return true;
    }
}

static int cmp_items(const struct db_item *a, const struct db_item *b)
{
    if (a->is_hashed != b->is_hashed)
        return a->is_hashed ? 1 : -1; /* lower case comes behind upper case */
    int sign = (int)a->kind - (int)b->kind;
    return sign ? sign : str_cmp(a->key, b->key);
}

static bool step(struct diff *diff, struct err *err)
{
    struct side *from = &diff->from, *to = &diff->to;
    int sign = from->is_at_end ? 1 : to->is_at_end ? -1 : cmp_items(&from->item, &to->item);
    if (sign < 0)
        return take_lone(diff, from, CHANGE_REMOVED, err) && side_next(from, err);
    if (sign > 0)
        return take_lone(diff, to, CHANGE_ADDED, err) && side_next(to, err);
    return take_pair(diff, err) && side_next(from, err) && side_next(to, err);
}

static bool run(struct diff *diff, struct err *err)
{
    if (!side_next(&diff->from, err) || !side_next(&diff->to, err))
        return false;
    while (!diff->from.is_at_end || !diff->to.is_at_end) {
        if (!step(diff, err))
            return false;
    }
    return true;
}

static bool has_same_sources(const struct side *a, const struct side *b)
{
    bool is_same = a->n_sources == b->n_sources;
    for (size_t i = 0; is_same && i < a->n_sources; i++)
        is_same = str_eq(a->sources[i].name, b->sources[i].name);
    return is_same;
}

bool advisory_diff(const struct advisory_db *from, const struct advisory_db *to,
                   struct arena *arena, struct advisory_changes *out, struct err *err)
{
    struct diff diff = {.arena = arena, .out = out};
    *out = (struct advisory_changes){0};
    arena_init(&diff.scratch, 4 * LIMIT(FEED_RECORD));
    bool is_ok = side_open(&diff.from, from, err) && side_open(&diff.to, to, err);
    diff.has_same_sources = is_ok && has_same_sources(&diff.from, &diff.to);
    is_ok = is_ok && run(&diff, err);
    db_cursor_close(diff.from.cursor);
    db_cursor_close(diff.to.cursor);
    arena_fini(&diff.scratch);
    return is_ok;
}
