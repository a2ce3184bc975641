/* SPDX-License-Identifier: Apache-2.0 */
/* Writing findings: the text of an advisory once, what it says about a package version once, and
 * per image a row of ids.  Rows are known by the hash of what they hold, so they never change. */
#include <sodium.h>
#include <stdlib.h>

#include "store/internal.h"

enum { HASH_BYTES = 16, HASH_TEXT = 2 * HASH_BYTES + 1 };

/* 128 bits of sha256 over the parts, each with its length. */
static bool hash_parts(const str *parts, size_t n, char out[static HASH_TEXT], struct err *err)
{
    unsigned char raw[crypto_hash_sha256_BYTES];
    auto_sb text;
    sb_init(&text, LIMIT(FEED_RECORD));
    for (size_t i = 0; i < n; i++)
        sb_blob(&text, parts[i]);
    if (!sb_ok(&text, err))
        return false;
    crypto_hash_sha256(raw, (const unsigned char *)text.ptr, text.len);
    sodium_bin2hex(out, HASH_TEXT, raw, HASH_BYTES);
    return true;
}

/* The list columns of one finding, printed once for hash and row. */
struct packed {
    struct sb aliases, links, cvss, ratings, cwes, binaries, evidence;
};

static void packed_fini(struct packed *p)
{
    struct sb *all[] = {&p->aliases, &p->links,    &p->cvss,    &p->ratings,
                        &p->cwes,    &p->binaries, &p->evidence};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sb_fini(all[i]);
}

static bool packed_init(struct packed *p, const struct finding *f, struct err *err)
{
    struct sb *all[] = {&p->aliases, &p->links,    &p->cvss,    &p->ratings,
                        &p->cwes,    &p->binaries, &p->evidence};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        sb_init(all[i], LIMIT(FEED_RECORD));
    pack_strs(&p->aliases, &f->aliases);
    pack_strs(&p->links, &f->references);
    pack_cvss(&p->cvss, f);
    pack_ratings(&p->ratings, f);
    pack_strs(&p->cwes, &f->cwes);
    pack_strs(&p->binaries, &f->binaries);
    pack_evidence(&p->evidence, f);
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(all) && ok; i++)
        ok = sb_ok(all[i], err);
    return ok;
}

static str flag_text(bool flag) { return flag ? STR("1") : STR("0"); }

static const struct bulk advisories_insert = {
    "INSERT INTO advisories (hash, vulnerability, title, description, published, modified,"
    " category, is_kev, epss, aliases, links, cvss, ratings, cwes) VALUES ",
    " ON CONFLICT (hash) DO NOTHING RETURNING id, hash", 14};

static void advisory_values(const char *hash, const struct finding *f, const struct packed *p,
                            struct value *to)
{
    const struct value row[] = {vc(hash),
                                vt(f->id),
                                vt(f->title),
                                vt(f->description),
                                vt(f->published),
                                vt(f->modified),
                                vt(f->category),
                                vi(f->is_kev),
                                vr(f->epss),
                                vt(sb_str(&p->aliases)),
                                vt(sb_str(&p->links)),
                                vt(sb_str(&p->cvss)),
                                vt(sb_str(&p->ratings)),
                                vt(sb_str(&p->cwes))};
    memcpy(to, row, sizeof(row));
}

static bool advisory_hash(const struct finding *f, const struct packed *p,
                          char out[static HASH_TEXT], struct err *err)
{
    char epss[32];
    snprintf(epss, sizeof(epss), "%.6f", f->epss);
    const str parts[] = {f->id,
                         f->title,
                         f->description,
                         f->published,
                         f->modified,
                         f->category,
                         flag_text(f->is_kev),
                         str_from(epss),
                         sb_str(&p->aliases),
                         sb_str(&p->links),
                         sb_str(&p->cvss),
                         sb_str(&p->ratings),
                         sb_str(&p->cwes)};
    return hash_parts(parts, ARRAY_LEN(parts), out, err);
}

/* 0: not there. */
static bool advisory_row(struct store *store, const char *hash, int64_t *id, struct err *err)
{
    return db_int(store, 0, id, err, "SELECT id FROM advisories WHERE hash = $1", vc(hash));
}

static const struct bulk facts_insert = {
    "INSERT INTO facts (hash, advisory_id, class, type, purl, package_name, package_version,"
    " binaries, fix_state, fixed_version, is_patchable, severity, evidence, remediation_text,"
    " remediation_command, rated_by, rating_basis) VALUES ",
    " ON CONFLICT (hash) DO NOTHING RETURNING id, hash", 17};

static void fact_values(const char *hash, int64_t advisory, const struct finding *f,
                        const struct packed *p, struct value *to)
{
    const struct value row[] = {vc(hash),
                                vi(advisory),
                                vc(word_class(f->class)),
                                vt(f->type),
                                vt(f->purl),
                                vt(f->package_name),
                                vt(f->package_version),
                                vt(sb_str(&p->binaries)),
                                vc(word_fix(f->fix_state)),
                                vt(f->fixed_version),
                                vi(f->is_patchable),
                                vc(word_severity(f->severity)),
                                vt(sb_str(&p->evidence)),
                                vt(f->remediation_text),
                                vt(f->remediation_command),
                                vt(f->rated_by),
                                vt(f->rating_basis)};
    memcpy(to, row, sizeof(row));
}

static bool fact_hash(int64_t advisory, const struct finding *f, const struct packed *p,
                      char out[static HASH_TEXT], struct err *err)
{
    char number[32];
    snprintf(number, sizeof(number), "%lld", (long long)advisory);
    const str parts[] = {str_from(number),
                         str_from(word_class(f->class)),
                         f->type,
                         f->purl,
                         f->package_name,
                         f->package_version,
                         sb_str(&p->binaries),
                         str_from(word_fix(f->fix_state)),
                         f->fixed_version,
                         flag_text(f->is_patchable),
                         str_from(word_severity(f->severity)),
                         sb_str(&p->evidence),
                         f->remediation_text,
                         f->remediation_command,
                         f->rated_by,
                         f->rating_basis};
    return hash_parts(parts, ARRAY_LEN(parts), out, err);
}

/* 0: not there. */
static bool fact_row(struct store *store, const char *hash, int64_t *id, struct err *err)
{
    return db_int(store, 0, id, err, "SELECT id FROM facts WHERE hash = $1", vc(hash));
}

/* --- ids of what many findings say
 * ---------------------------------------------------------------------------------- */
enum { MANY = 64 };
struct wish { /* a row that is known by its hash */
    char hash[HASH_TEXT];
    int64_t id; /* 0: not found yet */
};
struct many {
    const struct finding *of[MANY];
    struct packed packed[MANY];
    struct wish advisories[MANY], facts[MANY];
    size_t n;
};

struct search {
    struct wish *wishes;
    size_t n;
};

/* The same row may be wished for more than once. */
static bool row_found(void *ctx, struct rows *rows, struct err *err)
{
    const struct search *s = ctx;
    int64_t id = row_int(rows, 0);
    str hash = row_text(rows, 1);
    (void)err;
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(hash, str_from(s->wishes[i].hash)))
            s->wishes[i].id = id;
    return true;
}

static bool find_rows(struct store *store, const struct bulk *sql, struct search *s,
                      struct err *err)
{
    struct value hashes[MANY];
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!s->wishes[i].id)
            hashes[n++] = vc(s->wishes[i].hash);
    return db_bulk(store, sql, hashes, n, row_found, s, err);
}

static bool all_found(const struct search *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (!s->wishes[i].id)
            return false;
    return true;
}

/* Another writer may be faster: then his row is found afterwards. */
static bool make_rows(struct store *store, const struct bulk *find, const struct bulk *insert,
                      const struct value *values, size_t n, struct search *s, struct err *err)
{
    if (!db_bulk(store, insert, values, n, row_found, s, err))
        return false;
    if (!all_found(s) && !find_rows(store, find, s, err))
        return false;
    return all_found(s) || err_set(err, ERR_IO, "store: a row that was written is not there");
}

static const struct bulk advisories_find = {
    "SELECT (SELECT id FROM advisories WHERE hash = v.column1), v.column1 FROM (VALUES ", ") AS v",
    1};
static const struct bulk facts_find = {
    "SELECT (SELECT id FROM facts WHERE hash = v.column1), v.column1 FROM (VALUES ", ") AS v", 1};

static bool many_advisories(struct store *store, struct many *m, struct err *err)
{
    struct search s = {m->advisories, m->n};
    struct value values[MANY * 14];
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->advisories[i].id = 0;
        if (!advisory_hash(m->of[i], &m->packed[i], m->advisories[i].hash, err))
            return false;
    }
    if (!find_rows(store, &advisories_find, &s, err))
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!m->advisories[i].id)
            advisory_values(m->advisories[i].hash, m->of[i], &m->packed[i], values + 14 * n++);
    return make_rows(store, &advisories_find, &advisories_insert, values, n, &s, err);
}

static bool many_facts(struct store *store, struct many *m, struct err *err)
{
    struct search s = {m->facts, m->n};
    struct value values[MANY * 17];
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        m->facts[i].id = 0;
        if (!fact_hash(m->advisories[i].id, m->of[i], &m->packed[i], m->facts[i].hash, err))
            return false;
    }
    if (!find_rows(store, &facts_find, &s, err))
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!m->facts[i].id)
            fact_values(m->facts[i].hash, m->advisories[i].id, m->of[i], &m->packed[i],
                        values + 17 * n++);
    return make_rows(store, &facts_find, &facts_insert, values, n, &s, err);
}

static void many_fini(struct many *m)
{
    for (size_t i = 0; i < m->n; i++)
        packed_fini(&m->packed[i]);
    m->n = 0;
}

static bool many_add(struct many *m, const struct finding *f, struct err *err)
{
    m->of[m->n] = f;
    return packed_init(&m->packed[m->n++], f, err);
}

/* --- findings of one image
 * ------------------------------------------------------------------------------------------ */
static const struct bulk findings_put = {
    "INSERT INTO findings (registry_id, image_id, name, fact_id, path, layer, is_from_base, step,"
    " disabled_by, first_seen) VALUES ",
    " ON CONFLICT (registry_id, image_id, name) DO UPDATE SET"
    " fact_id = excluded.fact_id, path = excluded.path, layer = excluded.layer,"
    " is_from_base = excluded.is_from_base, step = excluded.step,"
    " disabled_by = excluded.disabled_by",
    10};

static bool many_put(struct store *store, int64_t registry_id, int64_t image_id, struct many *m,
                     int64_t now, struct err *err)
{
    struct value values[MANY * 10];
    if (!many_advisories(store, m, err) || !many_facts(store, m, err))
        return false;
    for (size_t i = 0; i < m->n; i++) {
        const struct finding *f = m->of[i];
        const struct value row[] = {
            vi(registry_id),    vi(image_id), vt(f->name),         vi(m->facts[i].id),
            vt(f->path),        vi(f->layer), vi(f->is_from_base), vt(f->remediation_step),
            vt(f->disabled_by), vi(now)};
        memcpy(values + 10 * i, row, sizeof(row));
    }
    return db_bulk(store, &findings_put, values, m->n, NULL, NULL, err);
}

/* @kept: by name the one that counts, should a report have two. */
static bool put_all(struct store *store, int64_t registry_id, int64_t image_id,
                    const struct report *report, const struct map *kept, int64_t now,
                    struct err *err)
{
    struct many *m = calloc(1, sizeof(*m));
    bool ok = m != NULL || err_memory(err);
    for (size_t i = 0; i < report->findings.len && ok; i++) {
        const struct finding *f = &report->findings.ptr[i];
        if (!f->name.len)
            ok = err_set(err, ERR_FORMAT, "finding " STR_FMT " has no name", STR_ARG(f->id));
        else if (map_get(kept, f->name) == f)
            ok = many_add(m, f, err);
        if (ok && m->n == MANY) {
            ok = many_put(store, registry_id, image_id, m, now, err);
            many_fini(m);
        }
    }
    ok = ok && (!m->n || many_put(store, registry_id, image_id, m, now, err));
    if (m)
        many_fini(m);
    free(m);
    return ok;
}

/* --- a fact that says something else now
 * ----------------------------------------------------------------------- */
static bool seek_packed(struct store *store, const struct finding *f, const struct packed *p,
                        int64_t *id, struct err *err)
{
    int64_t advisory = 0;
    char hash[HASH_TEXT];
    *id = 0;
    return advisory_hash(f, p, hash, err) && advisory_row(store, hash, &advisory, err) &&
           (!advisory || (fact_hash(advisory, f, p, hash, err) && fact_row(store, hash, id, err)));
}

static bool fact_seek(struct store *store, const struct finding *f, int64_t *id, struct err *err)
{
    struct packed packed;
    bool ok = packed_init(&packed, f, err) && seek_packed(store, f, &packed, id, err);
    packed_fini(&packed);
    return ok;
}

static bool renew(struct store *store, struct many *m, int64_t id, struct err *err)
{
    const struct finding *f = m->of[0];
    const struct packed *p = &m->packed[0];
    int64_t advisory = m->advisories[0].id;
    char hash[HASH_TEXT];
    return fact_hash(advisory, f, p, hash, err) &&
           db_run(store, err,
                  "UPDATE facts SET hash = $1, advisory_id = $2, class = $3, type = $4, purl = $5,"
                  " package_name = $6, package_version = $7, binaries = $8, fix_state = $9,"
                  " fixed_version = $10, is_patchable = $11, severity = $12, evidence = $13,"
                  " remediation_text = $14, remediation_command = $15, rated_by = $16,"
                  " rating_basis = $17 WHERE id = $18",
                  vc(hash), vi(advisory), vc(word_class(f->class)), vt(f->type), vt(f->purl),
                  vt(f->package_name), vt(f->package_version), vt(sb_str(&p->binaries)),
                  vc(word_fix(f->fix_state)), vt(f->fixed_version), vi(f->is_patchable),
                  vc(word_severity(f->severity)), vt(sb_str(&p->evidence)), vt(f->remediation_text),
                  vt(f->remediation_command), vt(f->rated_by), vt(f->rating_basis), vi(id));
}

/* One fact, made when it is not there; or, with @renewed, that row says what @f says now. */
static bool fact_set(struct store *store, struct many *m, const struct finding *f, int64_t renewed,
                     int64_t *id, struct err *err)
{
    bool ok = many_add(m, f, err) && many_advisories(store, m, err) &&
              (renewed ? renew(store, m, renewed, err) : many_facts(store, m, err));
    *id = renewed ? renewed : m->facts[0].id;
    many_fini(m);
    return ok;
}

/* When only the new state is there, it was renewed by a run that did not end. */
static bool settle_one(struct store *store, struct many *m, struct fact_wish *wish, struct err *err)
{
    int64_t before = 0, after = 0;
    wish->is_renewed = false;
    if (wish->before && (!fact_seek(store, wish->before, &before, err) ||
                         !fact_seek(store, wish->after, &after, err)))
        return false;
    if (!wish->before || (before == 0) == (after == 0))
        return fact_set(store, m, wish->after, 0, &wish->id, err);
    wish->is_renewed = true;
    wish->id = after;
    return !before || fact_set(store, m, wish->after, before, &wish->id, err);
}

static bool settle(struct store *store, struct fact_wish *wishes, size_t n, struct err *err)
{
    struct many *m = calloc(1, sizeof(*m));
    bool ok = m != NULL || err_memory(err);
    for (size_t i = 0; ok && i < n; i++)
        ok = settle_one(store, m, &wishes[i], err);
    free(m);
    return ok;
}

enum { TRIES = 4 };

/* A scan may have written the new state between our look and our update: then look again. */
bool store_facts_settle(struct store *store, struct fact_wish *wishes, size_t n, struct err *err)
{
    for (unsigned i = 0; i < TRIES; i++) {
        *err = (struct err){0};
        if (TX_WRITTEN(store, err, settle(store, wishes, n, err)))
            return true;
        if (err->kind != ERR_CONFLICT)
            return false;
    }
    return false;
}

bool store_fact_digest(const struct finding *f, uint8_t out[static STORE_FACT_DIGEST],
                       struct err *err)
{
    struct packed packed;
    char advisory[HASH_TEXT], fact[HASH_TEXT];
    bool ok = packed_init(&packed, f, err) && advisory_hash(f, &packed, advisory, err) &&
              fact_hash(0, f, &packed, fact, err) &&
              hex_parse(str_from(advisory), out, HASH_BYTES) &&
              hex_parse(str_from(fact), out + HASH_BYTES, HASH_BYTES);
    packed_fini(&packed);
    return ok;
}

/* --- out with what is no longer so
 * ----------------------------------------------------------------------- */
static bool stale_list(struct store *store, struct arena *arena, int64_t registry_id,
                       int64_t image_id, const struct map *kept, strs *stale, struct err *err)
{
    auto_rows rows = {0};
    if (!db_query(store, &rows, err,
                  "SELECT name FROM findings WHERE registry_id = $1 AND image_id = $2",
                  vi(registry_id), vi(image_id)))
        return false;
    enum next next;
    while ((next = rows_next(&rows, err)) == NEXT_ITEM) {
        if (map_get(kept, row_text(&rows, 0)))
            continue;
        str *one = vec_push(arena, stale);
        if (!one || !(*one = row_dup(&rows, 0, arena)).ptr)
            return err_memory(err);
    }
    return next == NEXT_END;
}

/* A list is shorter than the statement: its last name stands for the rest. */
static bool drop_stale(struct store *store, struct arena *arena, int64_t registry_id,
                       int64_t image_id, const struct map *kept, struct err *err)
{
    enum { NAMES = 16 };
    static const char sql[] = "DELETE FROM findings WHERE registry_id = $1 AND image_id = $2 AND"
                              " name IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                              " $16, $17, $18)";
    strs stale = {0};
    if (!stale_list(store, arena, registry_id, image_id, kept, &stale, err))
        return false;
    for (size_t from = 0; from < stale.len; from += NAMES) {
        struct value values[2 + NAMES] = {vi(registry_id), vi(image_id)};
        for (size_t i = 0; i < NAMES; i++)
            values[2 + i] = vt(stale.ptr[num_min(from + i, stale.len - 1)]);
        if (!db_run_(store, sql, values, ARRAY_LEN(values), err))
            return false;
    }
    return true;
}

static bool kept_fill(struct map *kept, const struct report *report, struct err *err)
{
    for (size_t i = 0; i < report->findings.len; i++)
        if (!map_put(kept, report->findings.ptr[i].name, &report->findings.ptr[i]))
            return err_memory(err);
    return true;
}

/* A row that stays keeps first_seen. */
bool findings_replace(struct store *store, int64_t registry_id, int64_t image_id,
                      const struct report *report, int64_t now, struct err *err)
{
    struct arena arena;
    struct map kept;
    arena_init(&arena, 64 * MIB);
    map_init(&kept, &arena);
    bool ok = kept_fill(&kept, report, err) &&
              drop_stale(store, &arena, registry_id, image_id, &kept, err) &&
              put_all(store, registry_id, image_id, report, &kept, now, err);
    arena_fini(&arena);
    return ok;
}
