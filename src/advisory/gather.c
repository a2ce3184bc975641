/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c - the small steps that readers share: lists, scores, ids in texts, CSV, enrichments. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

/* --- lists and scores
 * ---------------------------------------------------------------------------------- */

enum { UNIQUE_MAX = 512 }; /* longer lists are kept with their repetitions: no quadratic work */

bool strs_push(struct arena *arena, strs *list, str value, struct err *err)
{
    if (str_is_empty(value))
        return true;
    for (size_t i = 0; i < list->len && list->len < UNIQUE_MAX; i++) {
        if (str_eq(list->ptr[i], value))
            return true;
    }
    str *slot = vec_push(arena, list);
    if (!slot)
        return err_memory(err);
    *slot = value;
    return true;
}

bool cvss_set(struct cvss *slot, str vector, str source, struct err *err)
{
    struct err ignored = {0};
    str head, rest;
    if (!slot)
        return err_memory(err);
    *slot = (struct cvss){.version = STR("2.0"), .vector = vector, .source = source};
    if (str_starts(vector, STR("CVSS:")) && str_cut_byte(str_skip(vector, 5), '/', &head, &rest))
        slot->version = head;
    slot->is_scored = cvss_score(vector, &slot->score, &ignored);
    if (!slot->is_scored)
        slot->score = 0;
    return true;
}

bool rating_set(struct rating *slot, str source, enum severity severity, struct err *err)
{
    if (!slot)
        return err_memory(err);
    *slot = (struct rating){.source = source, .severity = severity};
    return true;
}

enum severity severity_word(str word)
{
    enum severity severity;
    return severity_parse(str_trim(word), &severity) ? severity : SEVERITY_UNKNOWN;
}

/* --- ids in texts
 * ---------------------------------------------------------------------------------------- */

static size_t n_digits(struct rd *in)
{
    size_t n = 0;
    for (; rd_peek(in) >= '0' && rd_peek(in) <= '9'; n++)
        (void)rd_u8(in);
    return n;
}

str cve_next(str *rest)
{
    for (;;) {
        struct rd in;
        size_t at = str_find(*rest, STR("CVE-"));
        if (at == rest->len)
            return *rest = STR_NONE;
        str from = str_skip(*rest, at);
        rd_init(&in, str_skip(from, 4));
        size_t year = n_digits(&in);
        bool has_dash = rd_take(&in, STR("-"));
        size_t number = has_dash ? n_digits(&in) : 0;
        *rest = str_skip(from, 4);
        if (year != 4 || number < 4)
            continue;
        *rest = str_skip(from, 4 + year + 1 + number);
        return str_slice(from, 0, 4 + year + 1 + number);
    }
}

str cve_first(str text) { return cve_next(&text); }

bool cve_is(str id)
{
    str rest = id;
    return id.len && str_eq(cve_next(&rest), id);
}

str ubuntu_release(str codename)
{
    static const struct {
        const char *codename, *version;
    } rows[] = {
        {"hardy", "8.04"},     {"lucid", "10.04"},    {"maverick", "10.10"}, {"natty", "11.04"},
        {"oneiric", "11.10"},  {"precise", "12.04"},  {"quantal", "12.10"},  {"raring", "13.04"},
        {"saucy", "13.10"},    {"trusty", "14.04"},   {"utopic", "14.10"},   {"vivid", "15.04"},
        {"wily", "15.10"},     {"xenial", "16.04"},   {"yakkety", "16.10"},  {"zesty", "17.04"},
        {"artful", "17.10"},   {"bionic", "18.04"},   {"cosmic", "18.10"},   {"disco", "19.04"},
        {"eoan", "19.10"},     {"focal", "20.04"},    {"groovy", "20.10"},   {"hirsute", "21.04"},
        {"impish", "21.10"},   {"jammy", "22.04"},    {"kinetic", "22.10"},  {"lunar", "23.04"},
        {"mantic", "23.10"},   {"noble", "24.04"},    {"oracular", "24.10"}, {"plucky", "25.04"},
        {"questing", "25.10"}, {"resolute", "26.04"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(codename, str_from(rows[i].codename)))
            return str_from(rows[i].version);
    }
    return STR_NONE;
}

/* --- RFC 4180
 * -------------------------------------------------------------------------------------------- */

static bool has_odd_quotes(str line)
{
    bool is_odd = false;
    str part;
    while (str_cut_byte(line, '"', &part, &line))
        is_odd = !is_odd;
    return is_odd;
}

/* A quoted field may hold line ends: the record goes on until its quotes are even. */
static bool csv_record(struct rd *in, struct arena *arena, str *record, struct err *err)
{
    auto_sb joined;
    str line;
    sb_init(&joined, LIMIT(FIELD));
    if (!rd_line(in, LIMIT(FIELD), record))
        return false;
    if (!has_odd_quotes(*record))
        return true;
    sb_add(&joined, *record);
    for (bool is_open = true; is_open;) {
        if (!rd_line(in, LIMIT(FIELD), &line))
            return rd_fail(in, ERR_FORMAT, "a quote that does not end");
        sb_byte(&joined, '\n');
        sb_add(&joined, line);
        is_open = !has_odd_quotes(line);
    }
    if (!sb_ok(&joined, err))
        return rd_fail(in, ERR_LIMIT, "field: a record is too long");
    *record = arena_dup(arena, sb_str(&joined));
    return record->ptr ? true : rd_fail(in, ERR_MEMORY, "a record does not fit");
}

static bool csv_quoted(struct rd *in, struct sb *field)
{
    for (;;) {
        if (rd_is_end(in))
            return rd_fail(in, ERR_FORMAT, "a quote that does not end");
        uint8_t c = rd_u8(in);
        if (c != '"')
            sb_byte(field, c);
        else if (rd_take(in, STR("\"")))
            sb_byte(field, '"');
        else
            return true;
    }
}

static bool csv_split(str record, struct arena *arena, strs *fields, struct err *err)
{
    struct rd in;
    auto_sb field;
    sb_init(&field, LIMIT(FIELD) * 2);
    rd_init(&in, record);
    for (bool has_more = true; has_more;) {
        sb_clear(&field);
        if (rd_take(&in, STR("\"")))
            csv_quoted(&in, &field);
        else
            while (!rd_is_end(&in) && rd_peek(&in) != ',')
                sb_byte(&field, rd_u8(&in));
        has_more = rd_take(&in, STR(","));
        if (!has_more && !rd_is_end(&in))
            rd_fail(&in, ERR_FORMAT, "text behind a quoted field");
        str *slot = vec_push(arena, fields);
        if (!slot || !(*slot = arena_dup(arena, sb_str(&field))).ptr)
            return err_memory(err);
    }
    return rd_ok(&in, err) && sb_ok(&field, err);
}

enum next csv_next(struct rd *in, struct arena *arena, strs *fields, struct err *err)
{
    str record;
    fields->len = 0;
    if (!csv_record(in, arena, &record, err))
        return rd_ok(in, err) ? NEXT_END : NEXT_ERR;
    if (str_find_byte(record, '"') < record.len)
        return csv_split(record, arena, fields, err) ? NEXT_ITEM : NEXT_ERR;
    str field;
    while (str_next(&record, ',', &field)) {
        str *slot = vec_push(arena, fields);
        if (!slot) {
            err_memory(err);
            return NEXT_ERR;
        }
        *slot = field;
    }
    return NEXT_ITEM;
}

/* --- feeds of CVEs whatever the package
 * --------------------------------------------------------------------- */

struct enriching {
    struct feed_reader *reader;
    const struct enrich_spec *spec;
    struct map seen; /* what was said already: the first document that speaks of a CVE counts */
    uint64_t n;
    str name; /* of the document at hand */
};

static bool enrich_one(void *ctx, str cve, const struct enrichment *enrichment, struct err *err)
{
    struct enriching *e = ctx;
    if (map_get(&e->seen, cve))
        return true;
    str copy = arena_dup(e->reader->arena, cve);
    if (!copy.ptr || !map_put(&e->seen, copy, e))
        return err_memory(err);
    e->n++;
    return feed_enrich(e->reader, cve, enrichment, err);
}

static bool enrich_broken(void *ctx, str id, const struct err *why, struct err *err)
{
    struct enriching *e = ctx;
    return feed_broken(e->reader, e->name, id, why, err);
}

static bool enrich_take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct enriching *e = ctx;
    struct err why = {0};
    struct enrich_sink sink = {.take = enrich_one, .broken = enrich_broken, .ctx = ctx};
    size_t slash = str_rfind_byte(name, '/');
    str last = slash < name.len ? str_skip(name, slash + 1) : name;
    if (e->spec->prefix && !str_starts(last, str_from(e->spec->prefix)))
        return true;
    e->name = name;
    return e->spec->parse(text, arena, &sink, &why)
               ? true
               : feed_broken(e->reader, name, STR_NONE, &why, err);
}

bool feed_enrichments(struct feed_reader *reader, const str *places, size_t n_places,
                      const struct enrich_spec *spec, struct err *err)
{
    struct enriching e = {.reader = reader, .spec = spec};
    struct documents documents = {
        .suffixes = spec->suffixes, .max_bytes = spec->max_bytes, .take = enrich_take, .ctx = &e};
    map_init(&e.seen, reader->arena);
    for (size_t i = 0; i < n_places; i++) {
        if (!feed_documents(reader, places[i], &documents, err))
            return false;
    }
    return e.n ? true
               : err_set(err, ERR_FORMAT, STR_FMT ": says nothing of any CVE",
                         STR_ARG(reader->state->url));
}

/* --- feeds of records, one a document
 * ---------------------------------------------------------------------------------- */

static bool record_take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct recording *r = ctx;
    struct record record = {0};
    struct err why = {0};
    auto_json *root = NULL;
    size_t slash = str_rfind_byte(name, '/');
    str last = slash < name.len ? str_skip(name, slash + 1) : name;
    if (r->prefix && !str_starts(last, str_from(r->prefix)))
        return true;
    bool is_ok = r->parse_json
                     ? json_read(text, &root, &why) && r->parse_json(root, arena, &record, &why)
                     : r->parse_text(text, arena, &record, &why);
    if (!is_ok)
        return feed_broken(r->reader, name, STR_NONE, &why, err);
    for (size_t i = 0; i < record.entries.len; i++) {
        str ecosystem = record.entries.ptr[i].ecosystem;
        str copy =
            map_get(&r->covered, ecosystem) ? ecosystem : arena_dup(r->reader->arena, ecosystem);
        if (!copy.ptr || (copy.ptr != ecosystem.ptr && !map_put(&r->covered, copy, r)))
            return err_memory(err);
    }
    r->n_records++;
    return feed_record(r->reader, &record, err);
}

bool feed_record_documents(struct recording *r, const char *const *suffixes, struct err *err)
{
    str place = feed_place(r->reader);
    struct documents documents = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = record_take, .ctx = r};
    map_init(&r->covered, r->reader->arena);
    if (!feed_documents(r->reader, place, &documents, err))
        return false;
    if (!r->n_records)
        return err_set(err, ERR_FORMAT, STR_FMT ": not one document could be read", STR_ARG(place));
    for (size_t i = 0; i < r->covered.len; i++) {
        if (!feed_covers(r->reader, r->covered.entries[i].key, err))
            return false;
    }
    return true;
}

bool feed_enrichments_at_place(struct feed_reader *reader, const struct enrich_spec *spec,
                               struct err *err)
{
    str place = feed_place(reader);
    return feed_enrichments(reader, &place, 1, spec, err);
}
