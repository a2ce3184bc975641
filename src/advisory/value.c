/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - records and statements as bytes: varints and blobs (sb.h), read back with checks,
 * because a database may be damaged or somebody else's. */
#include "advisory/internal.h"
#include "base/limits.h"

enum { FLAG_BINARY = 1, FLAG_WITHDRAWN = 2, FLAG_ALL = 3 };

static str blob(struct rd *in) { return rd_blob(in, LIMIT(FEED_RECORD)); }

/* A count of things that take at least @least bytes each: a lying one fails here, before memory is
 * asked for. */
static inline size_t count(struct rd *in, size_t least)
{
    return (size_t)rd_varint(in, rd_left(in) / least);
}

static void strs_print(const strs *list, struct sb *out)
{
    sb_varint(out, list->len);
    for (size_t i = 0; i < list->len; i++)
        sb_blob(out, list->ptr[i]);
}

static bool strs_parse(struct rd *in, struct arena *arena, strs *out)
{
    size_t n = count(in, 1);
    if (n && !(out->ptr = arena_array(arena, str, n)))
        return rd_fail(in, ERR_MEMORY, "a list does not fit");
    out->len = out->cap = n;
    for (size_t i = 0; i < n; i++)
        out->ptr[i] = blob(in);
    return rd_is_ok(in);
}

void affected_print(const struct affected *affected, struct sb *out)
{
    sb_blob(out, affected->record);
    sb_byte(out, (uint8_t)affected->state);
    sb_byte(out, (uint8_t)affected->severity);
    sb_byte(out, (uint8_t)((affected->is_binary ? FLAG_BINARY : 0) |
                           (affected->is_withdrawn ? FLAG_WITHDRAWN : 0)));
    sb_varint(out, affected->ranges.len);
    for (size_t i = 0; i < affected->ranges.len; i++) {
        sb_blob(out, affected->ranges.ptr[i].introduced);
        sb_blob(out, affected->ranges.ptr[i].fixed);
        sb_blob(out, affected->ranges.ptr[i].last_affected);
        sb_byte(out, affected->ranges.ptr[i].is_after);
    }
    strs_print(&affected->versions, out);
    strs_print(&affected->arches, out);
    sb_blob(out, affected->module);
    sb_blob(out, affected->note);
    strs_print(&affected->symbols, out);
}

static enum severity severity_of(struct rd *in)
{
    uint8_t value = rd_u8(in);
    if (value > SEVERITY_CRITICAL)
        rd_fail(in, ERR_FORMAT, "severity %u is none", value);
    return rd_is_ok(in) ? (enum severity)value : SEVERITY_UNKNOWN;
}

static bool ranges_parse(struct rd *in, struct arena *arena, struct affected *out)
{
    size_t n = count(in, 4);
    if (n && !(out->ranges.ptr = arena_array(arena, struct version_range, n)))
        return rd_fail(in, ERR_MEMORY, "ranges do not fit");
    out->ranges.len = out->ranges.cap = n;
    for (size_t i = 0; i < n; i++) {
        out->ranges.ptr[i].introduced = blob(in);
        out->ranges.ptr[i].fixed = blob(in);
        out->ranges.ptr[i].last_affected = blob(in);
        out->ranges.ptr[i].is_after = rd_u8(in) != 0;
    }
    return rd_is_ok(in);
}

bool affected_parse(struct rd *in, struct arena *arena, struct affected *out)
{
    *out = (struct affected){.record = blob(in)};
    uint8_t state = rd_u8(in);
    if (state > FIX_NOT_AFFECTED)
        return rd_fail(in, ERR_FORMAT, "fix state %u is none", state);
    out->state = (enum fix_state)state;
    out->severity = severity_of(in);
    uint8_t flags = rd_u8(in);
    if (flags & ~FLAG_ALL)
        return rd_fail(in, ERR_FORMAT, "flags %u are none", flags);
    out->is_binary = flags & FLAG_BINARY;
    out->is_withdrawn = flags & FLAG_WITHDRAWN;
    if (!ranges_parse(in, arena, out) || !strs_parse(in, arena, &out->versions) ||
        !strs_parse(in, arena, &out->arches))
        return false;
    out->module = blob(in);
    out->note = blob(in);
    return strs_parse(in, arena, &out->symbols);
}

static void cvss_print(const struct cvss *list, size_t n, struct sb *out)
{
    sb_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        const struct cvss *cvss = &list[i];
        sb_blob(out, cvss->version);
        sb_blob(out, cvss->vector);
        sb_blob(out, cvss->source);
        sb_byte(out, cvss->is_scored);
        sb_byte(out, (uint8_t)(cvss->score * 10 + 0.5));
    }
}

static void ratings_print(const struct rating *list, size_t n, struct sb *out)
{
    sb_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        sb_blob(out, list[i].source);
        sb_byte(out, (uint8_t)list[i].severity);
    }
}

static bool cvss_parse(struct rd *in, struct arena *arena, struct cvss **out, size_t *len)
{
    size_t n = count(in, 5);
    struct cvss *list = n ? arena_array(arena, struct cvss, n) : NULL;
    if (n && !list)
        return rd_fail(in, ERR_MEMORY, "scores do not fit");
    for (size_t i = 0; i < n; i++) {
        struct cvss *cvss = &list[i];
        *cvss = (struct cvss){.version = blob(in), .vector = {0}};
        cvss->vector = blob(in);
        cvss->source = blob(in);
        cvss->is_scored = rd_u8(in) != 0;
        cvss->score = rd_u8(in) / 10.0;
        if (cvss->score > 10)
            return rd_fail(in, ERR_FORMAT, "a score above 10");
    }
    *out = list;
    *len = n;
    return rd_is_ok(in);
}

static bool ratings_parse(struct rd *in, struct arena *arena, struct rating **out, size_t *len)
{
    size_t n = count(in, 2);
    struct rating *list = n ? arena_array(arena, struct rating, n) : NULL;
    if (n && !list)
        return rd_fail(in, ERR_MEMORY, "ratings do not fit");
    for (size_t i = 0; i < n; i++) {
        list[i].source = blob(in);
        list[i].severity = severity_of(in);
    }
    *out = list;
    *len = n;
    return rd_is_ok(in);
}

/* Both lists into vectors that are as long as they are. */
#define SCORES_PARSE(in, arena, out)                                                               \
    (cvss_parse(in, arena, &(out)->cvss.ptr, &(out)->cvss.len) &&                                  \
     ratings_parse(in, arena, &(out)->ratings.ptr, &(out)->ratings.len) &&                         \
     ((out)->cvss.cap = (out)->cvss.len, (out)->ratings.cap = (out)->ratings.len, true))

void record_text_print(const struct advisory *advisory, struct sb *out)
{
    sb_blob(out, advisory->id);
    strs_print(&advisory->aliases, out);
    strs_print(&advisory->related, out);
    sb_blob(out, advisory->title);
    sb_blob(out, advisory->description);
    sb_blob(out, advisory->published);
    sb_blob(out, advisory->modified);
    sb_blob(out, advisory->withdrawn);
    cvss_print(advisory->cvss.ptr, advisory->cvss.len, out);
    ratings_print(advisory->ratings.ptr, advisory->ratings.len, out);
    strs_print(&advisory->cwes, out);
    strs_print(&advisory->references, out);
    sb_blob(out, advisory->revision);
}

bool record_text_parse(struct rd *in, struct arena *arena, struct advisory *out)
{
    *out = (struct advisory){.id = blob(in)};
    if (!strs_parse(in, arena, &out->aliases) || !strs_parse(in, arena, &out->related))
        return false;
    out->title = blob(in);
    out->description = blob(in);
    out->published = blob(in);
    out->modified = blob(in);
    out->withdrawn = blob(in);
    if (!SCORES_PARSE(in, arena, out) || !strs_parse(in, arena, &out->cwes) ||
        !strs_parse(in, arena, &out->references))
        return false;
    out->revision = blob(in);
    return rd_is_ok(in);
}

bool record_places_parse(struct rd *in, struct arena *arena, advisory_places *out)
{
    size_t n = count(in, 2);
    if (n && !(out->ptr = arena_array(arena, struct advisory_place, n)))
        return rd_fail(in, ERR_MEMORY, "a list does not fit");
    out->len = out->cap = n;
    for (size_t i = 0; i < n; i++) {
        out->ptr[i].ecosystem = blob(in);
        out->ptr[i].package = blob(in);
    }
    return rd_is_ok(in);
}

/* --- enrichment
 * ----------------------------------------------------------------------------------- */

enum {
    ENRICH_KEV = 1,
    ENRICH_RANSOMWARE = 2,
    ENRICH_EPSS = 4,
    ENRICH_REJECTED = 8,
    ENRICH_ALL = 15
};
static const double EPSS_STEPS = 1e6; /* EPSS publishes at most five decimals */

static uint64_t share_print(double share)
{
    return share > 0 ? (uint64_t)((share < 1 ? share : 1) * EPSS_STEPS + 0.5) : 0;
}

static double share_parse(struct rd *in)
{
    return (double)rd_varint(in, (uint64_t)EPSS_STEPS) / EPSS_STEPS;
}

void enrichment_print(const struct enrichment *e, struct sb *out)
{
    sb_byte(out,
            (uint8_t)((e->is_kev ? ENRICH_KEV : 0) | (e->is_ransomware ? ENRICH_RANSOMWARE : 0) |
                      (e->has_epss ? ENRICH_EPSS : 0) | (e->is_rejected ? ENRICH_REJECTED : 0)));
    if (e->is_kev) {
        sb_blob(out, e->kev_added);
        sb_blob(out, e->kev_due);
    }
    if (e->has_epss) {
        sb_varint(out, share_print(e->epss));
        sb_varint(out, share_print(e->epss_percentile));
    }
    cvss_print(e->cvss.ptr, e->cvss.len, out);
    ratings_print(e->ratings.ptr, e->ratings.len, out);
    strs_print(&e->cwes, out);
    sb_blob(out, e->title);
    sb_blob(out, e->description);
    sb_blob(out, e->published);
    sb_blob(out, e->modified);
    strs_print(&e->references, out);
}

bool enrichment_parse(struct rd *in, struct arena *arena, struct enrichment *out)
{
    *out = (struct enrichment){0};
    uint8_t flags = rd_u8(in);
    if (flags & ~ENRICH_ALL)
        return rd_fail(in, ERR_FORMAT, "flags %u are none", flags);
    out->is_kev = flags & ENRICH_KEV;
    out->is_ransomware = flags & ENRICH_RANSOMWARE;
    out->has_epss = flags & ENRICH_EPSS;
    out->is_rejected = flags & ENRICH_REJECTED;
    out->kev_added = out->is_kev ? blob(in) : STR_NONE;
    out->kev_due = out->is_kev ? blob(in) : STR_NONE;
    out->epss = out->has_epss ? share_parse(in) : 0;
    out->epss_percentile = out->has_epss ? share_parse(in) : 0;
    if (!SCORES_PARSE(in, arena, out) || !strs_parse(in, arena, &out->cwes))
        return false;
    out->title = blob(in);
    out->description = blob(in);
    out->published = blob(in);
    out->modified = blob(in);
    return strs_parse(in, arena, &out->references);
}

bool enrichment_value_parse(str value, struct arena *arena, const struct source_state *sources,
                            size_t n_sources, enrichments *out, struct err *err)
{
    struct rd in;
    rd_init(&in, value);
    size_t n = count(&in, 15), i = 0;
    enrichments list = {0};
    struct raw_statement raw;
    if (n && !(list.ptr = arena_array(arena, struct enrichment, n)))
        return err_memory(err);
    list.len = list.cap = n;
    for (; i < n && raw_statement_next(&in, &raw); i++) {
        struct rd own;
        rd_init(&own, raw.bytes);
        if (raw.source >= n_sources)
            rd_fail(&own, ERR_FORMAT, "source %u of %zu", raw.source, n_sources);
        if (enrichment_parse(&own, arena, &list.ptr[i]) && !rd_is_end(&own))
            rd_fail(&own, ERR_FORMAT, "%zu bytes too many", rd_left(&own));
        if (!rd_ok(&own, err))
            return err_wrap(err, "enrichment of a CVE");
        list.ptr[i].source = sources[raw.source].name;
    }
    if (rd_is_ok(&in) && (i < n || !rd_is_end(&in)))
        rd_fail(&in, ERR_FORMAT, "%zu of %zu sources, %zu bytes behind them", i, n, rd_left(&in));
    if (!rd_ok(&in, err))
        return err_wrap(err, "enrichment of a CVE");
    *out = list;
    return true;
}

/* --- sources
 * -------------------------------------------------------------------------------------- */

void source_state_print(const struct source_state *state, struct sb *out)
{
    sb_blob(out, state->name);
    sb_blob(out, state->url);
    sb_u64le(out, (uint64_t)state->fetched_at);
    sb_u64le(out, (uint64_t)state->valid_until);
    sb_varint(out, state->n_records);
    sb_blob(out, state->digest);
    sb_blob(out, state->error);
    sb_byte(out, state->is_held);
    sb_blob(out, state->licence);
    sb_varint(out, state->notices.len);
    for (size_t i = 0; i < state->notices.len; i++) {
        const struct notice *notice = &state->notices.ptr[i];
        sb_byte(out, (uint8_t)notice->kind);
        sb_byte(out, notice->is_incomplete);
        sb_blob(out, notice->path);
        sb_blob(out, notice->message);
    }
}

static bool notices_parse(struct rd *in, struct arena *arena, notices *out)
{
    size_t n = count(in, 4);
    for (size_t i = 0; i < n && rd_is_ok(in); i++) {
        uint8_t kind = rd_u8(in);
        bool is_incomplete = rd_u8(in) != 0;
        str path = blob(in), message = blob(in);
        if (kind > NOTICE_UNSUPPORTED)
            return rd_fail(in, ERR_FORMAT, "notice kind %u is none", kind);
        if (!notice_add(arena, out, (enum notice_kind)kind, is_incomplete, path, message))
            return rd_fail(in, ERR_MEMORY, "notices do not fit");
    }
    return rd_is_ok(in);
}

bool source_state_parse(struct rd *in, struct arena *arena, struct source_state *out)
{
    *out = (struct source_state){.name = blob(in)};
    out->url = blob(in);
    out->fetched_at = (int64_t)rd_u64le(in);
    out->valid_until = (int64_t)rd_u64le(in);
    out->n_records = rd_varint(in, LIMIT(FEED_RECORDS));
    out->digest = blob(in);
    out->error = blob(in);
    out->is_held = rd_u8(in) != 0;
    out->licence = blob(in);
    return notices_parse(in, arena, &out->notices);
}

uint32_t text_mark(str text)
{
    uint8_t sum[HASH_MAX];
    struct rd in;
    rd_init(&in, str_of((const char *)sum, hash_of(HASH_SHA256, text, sum)));
    return rd_u32le(&in);
}

bool raw_statement_next(struct rd *in, struct raw_statement *out)
{
    if (!rd_is_ok(in) || rd_is_end(in))
        return false;
    out->source = (uint32_t)rd_varint(in, UINT32_MAX);
    out->mark = rd_u32le(in);
    out->bytes = blob(in);
    return rd_is_ok(in);
}

/* One statement of a source that there is, whole and nothing behind it. */
static bool statement_parse(const struct raw_statement *raw, struct arena *arena,
                            const struct source_state *sources, size_t n_sources,
                            struct affected *out, struct err *err)
{
    struct rd in;
    if (raw->source >= n_sources)
        return err_set(err, ERR_FORMAT, "source %u of %zu", raw->source, n_sources);
    rd_init(&in, raw->bytes);
    if (affected_parse(&in, arena, out) && !rd_is_end(&in))
        rd_fail(&in, ERR_FORMAT, "%zu bytes too many", rd_left(&in));
    out->source = sources[raw->source].name;
    return rd_ok(&in, err);
}

/* --- the statements of a package, looked at one by one
 * ----------------------------------------------------- */

/* Room for the lists of one statement that is only looked at. */
enum { GLANCE_RANGES = 16, GLANCE_VERSIONS = 64 };
struct glance {
    struct version_range ranges[GLANCE_RANGES];
    str versions[GLANCE_VERSIONS];
};

/* Within a statement's own bytes: they are the limit. */
static inline str near_blob(struct rd *in) { return rd_blob(in, rd_left(in)); }

static bool glance_ranges(struct rd *in, struct glance *glance, struct affected *out)
{
    size_t n = count(in, 4);
    if (n > GLANCE_RANGES)
        return false;
    for (size_t i = 0; i < n; i++) {
        glance->ranges[i].introduced = near_blob(in);
        glance->ranges[i].fixed = near_blob(in);
        glance->ranges[i].last_affected = near_blob(in);
        glance->ranges[i].is_after = rd_u8(in) != 0;
    }
    out->ranges.ptr = glance->ranges;
    out->ranges.len = out->ranges.cap = n;
    return true;
}

/* As affected_parse up to the versions, into @glance and the fields of *out that it fills; false
 * when it does not fit there, or is none of ours: then it is parsed in full, which says what is
 * wrong. */
static bool glance_parse(struct rd *in, struct glance *glance, struct affected *out)
{
    out->record = near_blob(in);
    uint8_t state = rd_u8(in), severity = rd_u8(in), flags = rd_u8(in);
    if (!rd_is_ok(in) || state > FIX_NOT_AFFECTED || severity > SEVERITY_CRITICAL ||
        (flags & ~FLAG_ALL) || !glance_ranges(in, glance, out))
        return false;
    out->state = (enum fix_state)state;
    out->severity = (enum severity)severity;
    out->is_binary = flags & FLAG_BINARY;
    out->is_withdrawn = flags & FLAG_WITHDRAWN;
    size_t n = count(in, 1);
    if (n > GLANCE_VERSIONS)
        return false;
    for (size_t i = 0; i < n; i++)
        glance->versions[i] = near_blob(in);
    out->versions.ptr = glance->versions;
    out->versions.len = out->versions.cap = n;
    return rd_is_ok(in);
}

/* Looks at the statements of one package, each in turn. */
struct sieve {
    struct rd in; /* of the statement looked at; never fails for long: see glance_parse */
    struct glance glance;
    struct affected affected; /* what the filter is shown: the fields that decide, anew each time */
    const struct source_state *sources;
    size_t n_sources;
    const struct affected_filter *filter;
};

static bool is_unwanted(struct sieve *sieve, const struct raw_statement *raw)
{
    rd_over(&sieve->in, raw->bytes);
    if (raw->source >= sieve->n_sources)
        return false;
    if (!glance_parse(&sieve->in, &sieve->glance, &sieve->affected)) {
        if (!rd_is_ok(&sieve->in))
            rd_init(&sieve->in, STR_NONE);
        return false;
    }
    sieve->affected.source = sieve->sources[raw->source].name;
    return !sieve->filter->wants(sieve->filter->ctx, &sieve->affected);
}

static bool take_wanted(struct sieve *sieve, const struct raw_statement *raw, struct arena *arena,
                        affecteds *out, struct err *err)
{
    struct affected *slot = vec_push(arena, out);
    if (!slot)
        return err_memory(err);
    if (!statement_parse(raw, arena, sieve->sources, sieve->n_sources, slot, err))
        return false;
    if (!sieve->filter->wants(sieve->filter->ctx, slot)) /* what was too large to be looked at */
        out->len--;
    return true;
}

/* raw_statement_next without the mark. */
static inline bool glance_next(struct rd *in, struct raw_statement *out)
{
    out->source = (uint32_t)rd_varint(in, UINT32_MAX);
    (void)rd_bytes(in, sizeof out->mark);
    out->bytes = near_blob(in);
    return rd_is_ok(in);
}

bool package_value_filter(str value, struct arena *arena, const struct source_state *sources,
                          size_t n_sources, const struct affected_filter *filter, affecteds *out,
                          struct err *err)
{
    struct rd in;
    struct raw_statement raw = {0};
    struct sieve sieve;
    sieve.sources = sources;
    sieve.n_sources = n_sources;
    sieve.filter = filter;
    sieve.affected = (struct affected){0};
    rd_init(&sieve.in, STR_NONE);
    rd_init(&in, value);
    size_t n = count(&in, 16), i = 0;
    for (; i < n && glance_next(&in, &raw); i++)
        if (!is_unwanted(&sieve, &raw) && !take_wanted(&sieve, &raw, arena, out, err))
            return err_wrap(err, "statements of a package");
    if (rd_is_ok(&in) && (i < n || !rd_is_end(&in)))
        rd_fail(&in, ERR_FORMAT, "%zu of %zu statements, %zu bytes behind them", i, n,
                rd_left(&in));
    return rd_ok(&in, err) || err_wrap(err, "statements of a package");
}

bool package_value_parse(str value, struct arena *arena, const struct source_state *sources,
                         size_t n_sources, affecteds *out, struct err *err)
{
    struct rd in;
    rd_init(&in, value);
    size_t n = count(&in, 16), i = 0;
    affecteds list = {0};
    struct raw_statement raw;
    if (n && !(list.ptr = arena_array(arena, struct affected, n)))
        return err_memory(err);
    list.len = list.cap = n;
    for (; i < n && raw_statement_next(&in, &raw); i++) {
        if (!statement_parse(&raw, arena, sources, n_sources, &list.ptr[i], err))
            return err_wrap(err, "statements of a package");
    }
    if (rd_is_ok(&in) && (i < n || !rd_is_end(&in)))
        rd_fail(&in, ERR_FORMAT, "%zu of %zu statements, %zu bytes behind them", i, n,
                rd_left(&in));
    if (!rd_ok(&in, err))
        return err_wrap(err, "statements of a package");
    *out = list;
    return true;
}
