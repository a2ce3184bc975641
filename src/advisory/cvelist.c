/* SPDX-License-Identifier: Apache-2.0 */
/* cvelist.c - CVE records (cve-schema 5.0 to 5.2): texts, scores, weaknesses of whoever assigned
 * the number (the CNA container) and of those who added to it (ADP containers).  Their lists of
 * affected products name no packages of ours and are not read. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"

struct cve_parsing {
    struct arena *arena;
    struct enrichment *out;
    struct err *err;
};

/* The English text, else the first. */
static str text_of(const json_t *list)
{
    str first = STR_NONE;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        str value = json_str(item, "value");
        if (str_starts(json_str(item, "lang"), STR("en")))
            return value;
        if (str_is_empty(first))
            first = value;
    }
    return first;
}

static bool add_metric(struct cve_parsing *p, const json_t *metric, str source)
{
    static const char *const keys[] = {"cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        str vector = json_str(json_obj(metric, keys[i]), "vectorString");
        if (!str_is_empty(vector) &&
            !cvss_set(vec_push(p->arena, &p->out->cvss), vector, source, p->err))
            return false;
    }
    /* "Red Hat severity rating": a word, not a score */
    const json_t *content = json_obj(json_obj(metric, "other"), "content");
    enum severity severity = severity_word(json_str(content, "value"));
    return severity == SEVERITY_UNKNOWN ||
           rating_set(vec_push(p->arena, &p->out->ratings), source, severity, p->err);
}

static bool add_weaknesses(struct cve_parsing *p, const json_t *types)
{
    for (size_t i = 0; i < json_array_size(types); i++) {
        const json_t *list = json_arr(json_array_get(types, i), "descriptions");
        for (size_t j = 0; j < json_array_size(list); j++) {
            if (!strs_push(p->arena, &p->out->cwes, json_str(json_array_get(list, j), "cweId"),
                           p->err))
                return false;
        }
    }
    return true;
}

static bool add_container(struct cve_parsing *p, const json_t *container)
{
    str source = json_str(json_obj(container, "providerMetadata"), "shortName");
    const json_t *metrics = json_arr(container, "metrics"),
                 *urls = json_arr(container, "references");
    str text = text_of(json_arr(container, "descriptions"));
    if (str_is_empty(text))
        text = text_of(json_arr(container, "rejectedReasons"));
    if (str_is_empty(p->out->description))
        p->out->description = text;
    for (size_t i = 0; i < json_array_size(metrics); i++) {
        if (!add_metric(p, json_array_get(metrics, i), source))
            return false;
    }
    for (size_t i = 0; i < json_array_size(urls); i++) {
        if (!strs_push(p->arena, &p->out->references, json_str(json_array_get(urls, i), "url"),
                       p->err))
            return false;
    }
    return add_weaknesses(p, json_arr(container, "problemTypes"));
}

bool cvelist_parse(str text, struct arena *arena, const struct enrich_sink *sink, struct err *err)
{
    auto_json *root = NULL;
    struct enrichment e = {0};
    struct cve_parsing parsing = {.arena = arena, .out = &e, .err = err};
    if (!json_read(text, &root, err))
        return false;
    const json_t *meta = json_obj(root, "cveMetadata"), *containers = json_obj(root, "containers"),
                 *cna = json_obj(containers, "cna"), *adp = json_arr(containers, "adp");
    str id = json_str(meta, "cveId");
    if (!cve_is(id) || !cna)
        return err_set(err, ERR_FORMAT, "not a CVE record of version 5");
    e.published = json_str(meta, "datePublished");
    e.modified = json_str(meta, "dateUpdated");
    e.is_rejected = str_eq(json_str(meta, "state"), STR("REJECTED"));
    e.title = json_str(cna, "title");
    if (!add_container(&parsing, cna))
        return false;
    for (size_t i = 0; i < json_array_size(adp); i++) {
        if (!add_container(&parsing, json_array_get(adp, i)))
            return false;
    }
    return sink->take(sink->ctx, id, &e, err);
}

static bool cvelist_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct enrich_spec spec = {.suffixes = suffixes,
                               .max_bytes = LIMIT(FEED_RECORD),
                               .prefix = "CVE-", /* beside them lie delta.json and recent_*.json */
                               .parse = cvelist_parse};
    return feed_enrichments_at_place(reader, &spec, err);
}

const struct feed feed_cvelist = {
    .name = "cvelist",
    .summary = "CVE records: texts, scores and weaknesses by who assigned the number",
    .default_url = "https://github.com/CVEProject/cvelistV5/archive/refs/heads/main.zip",
    .licence = "CVE terms of use (free to use with attribution)",
    .cadence = "hourly",
    .is_named_only = true,
    .read = cvelist_read,
};
