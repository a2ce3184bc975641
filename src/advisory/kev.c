/* SPDX-License-Identifier: Apache-2.0 */
/* kev.c - CISA's catalogue of known exploited vulnerabilities, as JSON or as CSV with the same
 * members as columns.  "Known" ransomware use is a flag of its own; "Unknown" says nothing.  A
 * place that holds both forms counts each CVE once. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"

/* Members of an entry and columns of the CSV; in the order of struct kev_fields. */
static const char *const NAMES[] = {"cveID",   "vulnerabilityName",          "dateAdded",
                                    "dueDate", "knownRansomwareCampaignUse", "shortDescription",
                                    "notes"};
enum { ID, TITLE, ADDED, DUE, RANSOMWARE, DESCRIPTION, NOTES, N_FIELDS };

/* Notes are URLs between words, "; " between them. */
static bool add_references(struct arena *arena, str notes, strs *out, struct err *err)
{
    str word;
    while (str_next(&notes, ' ', &word)) {
        while (str_ends(word, STR(";")) || str_ends(word, STR(",")))
            word = str_slice(word, 0, word.len - 1);
        if (place_is_url(word) && !strs_push(arena, out, word, err))
            return false;
    }
    return true;
}

static bool add_entry(struct arena *arena, const str fields[N_FIELDS], strs cwes,
                      const struct enrich_sink *sink, struct err *err)
{
    struct err why = {0};
    struct enrichment e = {.is_kev = true,
                           .is_ransomware = str_eq_nocase(fields[RANSOMWARE], STR("Known")),
                           .kev_added = fields[ADDED],
                           .kev_due = fields[DUE],
                           .title = fields[TITLE],
                           .description = fields[DESCRIPTION],
                           .cwes = cwes};
    if (!cve_is(fields[ID])) {
        err_set(&why, ERR_FORMAT, "an entry without a CVE");
        return sink->broken(sink->ctx, fields[ID], &why, err);
    }
    return add_references(arena, fields[NOTES], &e.references, err) &&
           sink->take(sink->ctx, fields[ID], &e, err);
}

static bool read_json(str text, struct arena *arena, const struct enrich_sink *sink,
                      struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(text, &root, err))
        return false;
    const json_t *list = json_arr(root, "vulnerabilities");
    if (!list)
        return err_set(err, ERR_FORMAT, "no list of vulnerabilities");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *cwes = json_arr(item, "cwes");
        str fields[N_FIELDS];
        strs names = {0};
        for (size_t f = 0; f < N_FIELDS; f++)
            fields[f] = json_str(item, NAMES[f]);
        for (size_t c = 0; c < json_array_size(cwes); c++) {
            if (!strs_push(arena, &names, json_str_of(json_array_get(cwes, c)), err))
                return false;
        }
        if (!add_entry(arena, fields, names, sink, err))
            return false;
    }
    return true;
}

static size_t column_of(const strs *header, const char *name)
{
    for (size_t i = 0; i < header->len; i++) {
        if (str_eq_nocase(str_trim(header->ptr[i]), str_from(name)))
            return i;
    }
    return SIZE_MAX;
}

static str field_at(const strs *row, size_t column)
{
    return column < row->len ? row->ptr[column] : STR_NONE;
}

static bool add_row(struct arena *arena, const strs *row, const size_t columns[N_FIELDS],
                    size_t cwe_column, const struct enrich_sink *sink, struct err *err)
{
    str fields[N_FIELDS], cwes = field_at(row, cwe_column), cwe;
    strs names = {0};
    for (size_t f = 0; f < N_FIELDS; f++)
        fields[f] = field_at(row, columns[f]);
    while (str_next(&cwes, ',', &cwe)) {
        if (!strs_push(arena, &names, str_trim(cwe), err))
            return false;
    }
    return add_entry(arena, fields, names, sink, err);
}

static bool read_csv(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err)
{
    struct rd in;
    strs header = {0}, row = {0};
    size_t columns[N_FIELDS];
    enum next next;
    rd_init(&in, text);
    if (csv_next(&in, arena, &header, err) != NEXT_ITEM)
        return err_is(err) ? false : err_set(err, ERR_FORMAT, "empty");
    for (size_t f = 0; f < N_FIELDS; f++)
        columns[f] = column_of(&header, NAMES[f]);
    if (columns[ID] == SIZE_MAX)
        return err_set(err, ERR_FORMAT, "no column is called %s", NAMES[ID]);
    while ((next = csv_next(&in, arena, &row, err)) == NEXT_ITEM) {
        bool is_blank = row.len == 1 && str_is_empty(row.ptr[0]);
        if (!is_blank && !add_row(arena, &row, columns, column_of(&header, "cwes"), sink, err))
            return false;
    }
    return next == NEXT_END;
}

bool kev_parse(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err)
{
    return str_starts(str_trim(text), STR("{")) ? read_json(text, arena, sink, err)
                                                : read_csv(text, arena, sink, err);
}

static bool kev_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", ".csv", NULL};
    struct enrich_spec spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .parse = kev_parse};
    return feed_enrichments_at_place(reader, &spec, err);
}

const struct feed feed_kev = {
    .name = "kev",
    .summary = "CISA's catalogue of vulnerabilities known to be exploited",
    .default_url =
        "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    .licence = "CC0-1.0",
    .cadence = "daily",
    .read = kev_read,
};
