/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - how names are spelt, and from a name to the records that bear it. */
#include <stdlib.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

/* --- spellings
 * ----------------------------------------------------------------------------------------------
 */

/* PyPI: PEP 503; the others take any case for the same. */
enum fold { FOLD_NONE, FOLD_CASE, FOLD_PEP503 };

static enum fold fold_of(str ecosystem)
{
    static const struct {
        const char *ecosystem;
        enum fold fold;
    } rows[] = {
        {"GitHub Actions", FOLD_CASE},
        {"NuGet", FOLD_CASE},
        {"Packagist", FOLD_CASE},
        {"PyPI", FOLD_PEP503},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(str_from(rows[i].ecosystem), ecosystem))
            return rows[i].fold;
    return FOLD_NONE;
}

static bool is_separator(char c) { return c == '-' || c == '_' || c == '.'; }
static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

str advisory_fold_name(struct arena *arena, str ecosystem, str name)
{
    enum fold fold = fold_of(ecosystem);
    if (fold == FOLD_NONE || name.len == 0)
        return name.len ? name : STR("");
    char *to = arena_alloc(arena, name.len);
    size_t n = 0;
    if (!to)
        return STR_NONE;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (fold == FOLD_PEP503 && is_separator(c)) {
            if (n == 0 || to[n - 1] != '-' || !is_separator(name.ptr[i - 1]))
                to[n++] = '-';
        } else {
            to[n++] = is_upper(c) ? (char)(c | 0x20) : c;
        }
    }
    return str_of(to, n);
}

/* --- records by name
 * ----------------------------------------------------------------------------------------
 */

static str source_name(const struct advisory_db *db, size_t i)
{
    const struct source_state *sources;
    return i < advisory_db_sources(db, &sources) ? sources[i].name : STR_NONE;
}

static bool add_named(const struct advisory_db *db, struct arena *arena, size_t source, str record,
                      named_records *out, struct err *err)
{
    struct advisory ignored;
    struct rd in;
    str text;
    struct named_record *slot = vec_push(arena, out);
    if (!slot)
        return err_memory(err);
    *slot = (struct named_record){.source = source_name(db, source), .record = record};
    if (!db_get_text(db, slot->source, record, arena, &text, err))
        return err_wrap(err, "record " STR_FMT " of " STR_FMT, STR_ARG(record),
                        STR_ARG(slot->source));
    rd_init(&in, text);
    if (record_text_parse(&in, arena, &ignored))
        record_places_parse(&in, arena, &slot->places);
    return rd_ok(&in, err) || err_wrap(err, "record " STR_FMT, STR_ARG(record));
}

/* Those that have it as their own id: one look-up a source. */
static bool add_by_own_id(const struct advisory_db *db, struct arena *arena, str id,
                          named_records *out, struct err *err)
{
    for (size_t i = 0; i < advisory_db_built(db); i++) {
        struct err missing = {0};
        str value;
        if (db_get_named(db, KEY_RECORD, source_name(db, i), id, &value, &missing)) {
            if (!add_named(db, arena, i, id, out, err))
                return false;
        } else if (missing.kind != ERR_NOT_FOUND) {
            *err = missing;
            return false;
        }
    }
    return true;
}

static bool add_by_alias(const struct advisory_db *db, struct arena *arena, str id,
                         named_records *out, struct err *err)
{
    struct err missing = {0};
    struct rd in;
    str value;
    if (!db_get_named(db, KEY_NAME, id, STR_NONE, &value, &missing)) {
        if (missing.kind != ERR_NOT_FOUND)
            *err = missing;
        return missing.kind == ERR_NOT_FOUND;
    }
    rd_init(&in, value);
    while (rd_is_ok(&in) && !rd_is_end(&in)) {
        size_t source = (size_t)rd_varint(&in, UINT32_MAX);
        str record = rd_blob(&in, LIMIT(FEED_RECORD));
        if (rd_is_ok(&in) && source >= advisory_db_built(db))
            rd_fail(&in, ERR_FORMAT, "source %zu of %zu", source, advisory_db_built(db));
        if (rd_is_ok(&in) && !add_named(db, arena, source, record, out, err))
            return false;
    }
    return rd_ok(&in, err);
}

static int cmp_named(const void *pa, const void *pb)
{
    const struct named_record *a = pa, *b = pb;
    int sign = str_cmp(a->source, b->source);
    return sign ? sign : str_cmp(a->record, b->record);
}

bool advisory_by_id(const struct advisory_db *db, struct arena *arena, str id, named_records *out,
                    struct err *err)
{
    *out = (named_records){0};
    if (id.len == 0)
        return true;
    str own = arena_dup(arena, id);
    if (!own.ptr)
        return err_memory(err);
    if (!add_by_own_id(db, arena, own, out, err) || !add_by_alias(db, arena, own, out, err))
        return err_wrap(err, "records named " STR_FMT, STR_ARG(id));
    vec_sort(out, cmp_named);
    size_t n = 0;
    for (size_t i = 0; i < out->len; i++)
        if (n == 0 || cmp_named(&out->ptr[n - 1], &out->ptr[i]) != 0)
            out->ptr[n++] = out->ptr[i];
    out->len = n;
    return true;
}

/* --- packages by names
 * -------------------------------------------------------------------------------------- */
struct placing {
    const struct advisory_db *db;
    struct arena scratch;
    const struct advisory_names *names;
};

static bool tell_places(struct placing *p, str source, str record, struct err *err)
{
    struct advisory ignored;
    advisory_places places = {0};
    struct rd in;
    str text;
    arena_reset(&p->scratch);
    if (!db_get_text(p->db, source, record, &p->scratch, &text, err))
        return err_wrap(err, "record " STR_FMT " of " STR_FMT, STR_ARG(record), STR_ARG(source));
    rd_init(&in, text);
    if (record_text_parse(&in, &p->scratch, &ignored))
        record_places_parse(&in, &p->scratch, &places);
    for (size_t i = 0; i < places.len; i++)
        if (!p->names->take(p->names->ctx, &places.ptr[i]))
            return err_memory(err);
    return rd_ok(&in, err) || err_wrap(err, "record " STR_FMT, STR_ARG(record));
}

static bool tell_alias(struct placing *p, str value, struct err *err)
{
    struct rd in;
    rd_init(&in, value);
    while (rd_is_ok(&in) && !rd_is_end(&in)) {
        size_t source = (size_t)rd_varint(&in, UINT32_MAX);
        str record = rd_blob(&in, LIMIT(FEED_RECORD));
        if (rd_is_ok(&in) && !tell_places(p, source_name(p->db, source), record, err))
            return false;
    }
    return rd_ok(&in, err);
}

static bool tell_item(struct placing *p, struct db_item *item, struct err *err)
{
    str a, b;
    if (item->kind != KEY_RECORD && item->kind != KEY_NAME)
        return true;
    if (!db_item_names(item, &a, &b, err))
        return false;
    if (!p->names->wants(p->names->ctx, item->kind == KEY_NAME ? a : b))
        return true;
    return item->kind == KEY_NAME ? tell_alias(p, item->value, err) : tell_places(p, a, b, err);
}

bool advisory_places_of(const struct advisory_db *db, const struct advisory_names *names,
                        struct err *err)
{
    struct placing p = {.db = db, .names = names};
    struct db_cursor *cursor = NULL;
    struct db_item item;
    if (!db_cursor_open(db, &cursor, err))
        return false;
    arena_init(&p.scratch, 4 * LIMIT(FEED_RECORD));
    enum next next;
    bool ok = true;
    while (ok && (next = db_cursor_next(cursor, &item, err)) != NEXT_END)
        ok = next == NEXT_ITEM && tell_item(&p, &item, err);
    arena_fini(&p.scratch);
    db_cursor_close(cursor);
    return ok;
}
