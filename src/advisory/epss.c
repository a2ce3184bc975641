/* SPDX-License-Identifier: Apache-2.0 */
/* epss.c - FIRST's Exploit Prediction Scoring System: a CSV of cve, epss, percentile.
 *
 *     #model_version:v2023.03.01,score_date:2024-10-25T00:00:00+0000
 *     cve,epss,percentile
 *     CVE-1999-0005,0.91963,0.99030
 *
 * The day of the scores is kept as what the enrichment was modified at.  Scores lie in 0 to 1. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

/* "0.00043", "1", "5e-05". */
static bool read_share(str text, double *out)
{
    static const double tenth[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    str mantissa, exponent, whole, fraction;
    uint64_t high, low = 0, shift = 0;
    bool has_exponent = str_cut_byte(text, 'e', &mantissa, &exponent);
    bool has_fraction = str_cut_byte(mantissa, '.', &whole, &fraction);
    if (fraction.len > 9)
        fraction = str_slice(fraction, 0, 9);
    if (!str_to_u64(whole, 9, &high) || (has_fraction && !str_to_u64(fraction, 999999999, &low)))
        return false;
    if (has_exponent &&
        !(str_starts(exponent, STR("-")) && str_to_u64(str_skip(exponent, 1), 9, &shift)))
        return false;
    *out = ((double)high + (double)low / tenth[fraction.len]) / tenth[shift];
    return *out <= 1;
}

static str score_date(str comment)
{
    str field;
    while (str_next(&comment, ',', &field)) {
        if (str_starts(field, STR("score_date:")))
            return str_skip(field, STR("score_date:").len);
    }
    return STR_NONE;
}

static bool add_row(const strs *row, str date, const struct enrich_sink *sink, struct err *err)
{
    struct err why = {0};
    struct enrichment e = {.has_epss = true, .modified = date};
    if (row->len >= 3 && cve_is(row->ptr[0]) && read_share(row->ptr[1], &e.epss) &&
        read_share(row->ptr[2], &e.epss_percentile))
        return sink->take(sink->ctx, row->ptr[0], &e, err);
    err_set(&why, ERR_FORMAT, "a row that is not a CVE and two shares");
    return sink->broken(sink->ctx, row->len ? row->ptr[0] : STR_NONE, &why, err);
}

bool epss_parse(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err)
{
    struct rd in;
    strs row = {0};
    str date = STR_NONE;
    enum next next;
    bool has_header = false;
    rd_init(&in, text);
    while ((next = csv_next(&in, arena, &row, err)) == NEXT_ITEM) {
        str first = row.len ? row.ptr[0] : STR_NONE;
        if (str_starts(first, STR("#")))
            for (size_t i = 0; i < row.len && str_is_empty(date); i++)
                date = score_date(row.ptr[i]);
        else if (str_eq(first, STR("cve")))
            has_header = true;
        else if (!has_header)
            return err_set(err, ERR_FORMAT, "no header that begins with cve");
        else if (first.len && !add_row(&row, date, sink, err))
            return false;
    }
    return next == NEXT_END;
}

static bool epss_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".csv", NULL};
    struct enrich_spec spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .parse = epss_parse};
    return feed_enrichments_at_place(reader, &spec, err);
}

const struct feed feed_epss = {
    .name = "epss",
    .summary = "FIRST's probability that a vulnerability is exploited in the next 30 days",
    .default_url = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
    .licence = "free to use with attribution (FIRST.org)",
    .cadence = "daily",
    .read = epss_read,
};
