/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - the seal of a generation, and a walk over everything that it holds. */
#include <sys/stat.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

/* --- the seal: "sha256:<hex>\n"
 * ------------------------------------------------------------------------- */

static bool hex_of_file(const char *path, const struct cancel *cancel, char hex[2 * HASH_MAX + 1],
                        struct err *err)
{
    uint8_t sum[HASH_MAX];
    size_t n;
    if (!hash_file(path, HASH_SHA256, cancel, sum, &n, err))
        return false;
    hex_print(sum, n, hex);
    return true;
}

static const char *in_folder(struct arena *arena, const char *folder, const char *name)
{
    return arena_cstr(arena, arena_printf(arena, "%s/%s", folder, name));
}

bool seal_write(const char *folder, struct err *err)
{
    struct arena arena;
    char hex[2 * HASH_MAX + 1];
    arena_init(&arena, 64 * KIB);
    const char *data = in_folder(&arena, folder, "data.mdb"),
               *seal = in_folder(&arena, folder, "seal");
    bool is_ok = data && seal ? hex_of_file(data, NULL, hex, err) : err_memory(err);
    str text = is_ok ? arena_printf(&arena, "sha256:%s\n", hex) : STR_NONE;
    is_ok = is_ok && (text.ptr ? file_save(seal, text, 0644, err) : err_memory(err));
    arena_fini(&arena);
    return is_ok;
}

static bool check_seal(struct arena *arena, const char *folder, const struct cancel *cancel,
                       struct err *err)
{
    char hex[2 * HASH_MAX + 1];
    str want;
    const char *data = in_folder(arena, folder, "data.mdb"),
               *seal = in_folder(arena, folder, "seal");
    if (!data || !seal)
        return err_memory(err);
    if (!file_read(arena, seal, KIB, &want, err) || !hex_of_file(data, cancel, hex, err))
        return false;
    str have = arena_printf(arena, "sha256:%s\n", hex);
    return str_eq(want, have)
               ? true
               : err_set(err, ERR_MISMATCH,
                         "%s: not the bytes that were sealed (sha256:%s); restore it "
                         "or run `plimsoll db update`",
                         data, hex);
}

/* --- the walk
 * --------------------------------------------------------------------------------------------- */

struct walk {
    const struct advisory_db *db;
    const struct source_state *sources;
    size_t n_sources;
    struct arena arena; /* of one item */
    struct advisory_size *size;
    uint64_t n_texts;
};

static bool walk_package(struct walk *walk, struct db_item *item, struct err *err)
{
    affecteds list;
    str ecosystem, package;
    if (!db_item_names(item, &ecosystem, &package, err) ||
        !package_value_parse(item->value, &walk->arena, walk->sources, walk->n_sources, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        if (!db_has_record(walk->db, list.ptr[i].source, list.ptr[i].record, err))
            return err_wrap(err, "package " STR_FMT, STR_ARG(package));
    }
    if (!db_may_have(walk->db, ecosystem, package))
        return err_set(err, ERR_FORMAT, "package " STR_FMT ": not in the filter", STR_ARG(package));
    walk->size->n_packages++;
    walk->size->n_statements += list.len;
    return true;
}

static bool walk_enrichment(struct walk *walk, struct db_item *item, struct err *err)
{
    enrichments list;
    str cve, none;
    if (!db_item_names(item, &cve, &none, err) ||
        !enrichment_value_parse(item->value, &walk->arena, walk->sources, walk->n_sources, &list,
                                err))
        return false;
    walk->size->n_enrichments += list.len;
    return true;
}

/* What LMDB lays aside for a large value: whole pages of their own. */
static uint64_t pages_of(size_t len)
{
    enum { PAGE = 4096, PAGE_HEAD = 16 };
    return (len + PAGE_HEAD + PAGE - 1) / PAGE * PAGE;
}

static bool walk_texts(struct walk *walk, const struct db_item *item, struct err *err)
{
    struct rd in;
    str texts;
    if (!db_unpack(walk->db, item->value, &walk->arena, &texts, err))
        return false;
    rd_init(&in, texts);
    while (rd_is_ok(&in) && !rd_is_end(&in)) {
        struct advisory advisory;
        advisory_places places = {0};
        struct rd own;
        rd_init(&own, rd_blob(&in, LIMIT(FEED_RECORD)));
        if (rd_is_ok(&in) && record_text_parse(&own, &walk->arena, &advisory) &&
            record_places_parse(&own, &walk->arena, &places) && !rd_is_end(&own))
            rd_fail(&own, ERR_FORMAT, "%zu bytes too many", rd_left(&own));
        if (!rd_ok(&own, err))
            return err_wrap(err, "a record");
        walk->n_texts++;
    }
    walk->size->text_bytes += pages_of(item->value.len);
    return rd_ok(&in, err);
}

/* What bears a name must be there. */
static bool walk_name(struct walk *walk, struct db_item *item, struct err *err)
{
    str name, none;
    named_records list;
    return db_item_names(item, &name, &none, err) &&
           advisory_by_id(walk->db, &walk->arena, name, &list, err);
}

static bool walk_item(struct walk *walk, struct db_item *item, struct err *err)
{
    switch (item->kind) {
    case KEY_PACKAGE:
        return walk_package(walk, item, err);
    case KEY_ENRICHMENT:
        return walk_enrichment(walk, item, err);
    case KEY_TEXTS:
        return walk_texts(walk, item, err);
    case KEY_NAME:
        return walk_name(walk, item, err);
    case KEY_RECORD:
        walk->size->n_records++;
        return true;
    case KEY_COVERAGE:
        walk->size->n_ecosystems++;
        return true;
    case KEY_FILTER:
    case KEY_META: /* read when it was opened */
        return true;
    default:
        return err_set(err, ERR_FORMAT, "a key of no known kind");
    }
}

static bool walk_all(struct walk *walk, const struct cancel *cancel, struct err *err)
{
    struct db_cursor *cursor = NULL;
    struct db_item item;
    enum next next = NEXT_ERR;
    if (!db_cursor_open(walk->db, &cursor, err))
        return false;
    while ((next = db_cursor_next(cursor, &item, err)) == NEXT_ITEM) {
        arena_reset(&walk->arena);
        if (!walk_item(walk, &item, err) || cancel_is(cancel, err))
            break;
    }
    db_cursor_close(cursor);
    if (next == NEXT_END && walk->n_texts != walk->size->n_records)
        return err_set(err, ERR_FORMAT, "%llu records, and texts of %llu",
                       (unsigned long long)walk->size->n_records,
                       (unsigned long long)walk->n_texts);
    return next == NEXT_END;
}

static bool check_folder(const char *folder, const struct advisory_db *db,
                         const struct cancel *cancel, struct advisory_size *out, struct err *err)
{
    struct walk walk = {.db = db, .size = out, .n_sources = advisory_db_built(db)};
    struct stat st;
    (void)advisory_db_sources(db, &walk.sources);
    arena_init(&walk.arena, 8 * LIMIT(FEED_RECORD));
    const char *data = in_folder(&walk.arena, folder, "data.mdb");
    bool is_ok = data && stat(data, &st) == 0 ? true : err_sys(err, ERR_IO, "%s", folder);
    out->bytes = is_ok ? (uint64_t)st.st_size : 0;
    is_ok = is_ok && check_seal(&walk.arena, folder, cancel, err) && walk_all(&walk, cancel, err);
    out->index_bytes = out->bytes > out->text_bytes ? out->bytes - out->text_bytes : 0;
    arena_fini(&walk.arena);
    return is_ok;
}

bool advisory_verify(const char *dir, uint64_t generation, const struct cancel *cancel,
                     struct advisory_size *out, struct err *err)
{
    struct advisory_db *db = NULL;
    struct arena arena;
    *out = (struct advisory_size){0};
    if (!advisory_db_open_at(dir, generation, &db, err))
        return false;
    arena_init(&arena, 64 * KIB);
    const char *folder =
        arena_cstr(&arena, arena_printf(&arena, "%s/" GENERATION_FMT, dir,
                                        (unsigned long long)advisory_db_generation(db)));
    bool is_ok = folder ? check_folder(folder, db, cancel, out, err) : err_memory(err);
    arena_fini(&arena);
    advisory_db_close(db);
    return is_ok ? true : err_wrap(err, "generation %llu", (unsigned long long)generation);
}
