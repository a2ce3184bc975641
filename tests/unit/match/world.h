/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - an image and what is said of its packages, written as one row: the look-ups of a match
 * without a database.  The rows' language is described in tests/data/match/rules.txt. */
#pragma once

#include "../rows.h"

#include "base/num.h"
#include "match/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- statements of one row, as a look-up
 * -------------------------------------------------------------- */
struct statement {
    str ecosystem, package;
    struct affected affected;
    struct advisory advisory;
};
struct said_of_cve {
    str cve;
    struct enrichment enrichment;
};
struct world {
    struct arena arena;
    VEC(struct statement) statements;
    VEC(struct said_of_cve) enrichments;
    vex_statements vex;
    struct image_inventory inventory;
    str ecosystem; /* of the distribution */
    bool is_uncovered;
    bool is_failing; /* a look-up gives an error */
};

static inline bool covers(void *ctx, str ecosystem)
{
    (void)ecosystem;
    return !((struct world *)ctx)->is_uncovered;
}

static inline bool find(void *ctx, struct arena *arena, str ecosystem, str package,
                        const struct affected_filter *filter, affecteds *out, struct err *err)
{
    struct world *world = ctx;
    if (world->is_failing)
        return err_set(err, ERR_FORMAT, "broken");
    for (size_t i = 0; i < world->statements.len; i++) {
        struct statement *s = &world->statements.ptr[i];
        if (!str_eq(s->ecosystem, ecosystem) || !str_eq(s->package, package))
            continue;
        if (filter && !filter->wants(filter->ctx, &s->affected))
            continue;
        struct affected *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = s->affected;
    }
    return true;
}

/* Records of the same name are told apart by nothing: their statements come with the first. */
static inline bool get(void *ctx, struct arena *arena, str source, str record, struct advisory *out,
                       struct err *err)
{
    (void)arena;
    struct world *world = ctx;
    for (size_t i = 0; i < world->statements.len; i++) {
        struct statement *s = &world->statements.ptr[i];
        if (str_eq(s->affected.source, source) && str_eq(s->affected.record, record)) {
            *out = s->advisory;
            return true;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no such record");
}

static inline bool enrich(void *ctx, struct arena *arena, str cve, enrichments *out,
                          struct err *err)
{
    struct world *world = ctx;
    *out = (enrichments){0};
    for (size_t i = 0; i < world->enrichments.len; i++) {
        if (!str_eq(world->enrichments.ptr[i].cve, cve))
            continue;
        struct enrichment *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = world->enrichments.ptr[i].enrichment;
    }
    return true;
}

static inline bool bears(const struct statement *s, str id)
{
    bool does = str_eq(s->advisory.id, id);
    for (size_t i = 0; i < s->advisory.aliases.len && !does; i++)
        does = str_eq(s->advisory.aliases.ptr[i], id);
    return does;
}

static inline bool is_listed(const named_records *list, const struct statement *s)
{
    for (size_t i = 0; i < list->len; i++)
        if (str_eq(list->ptr[i].source, s->affected.source) &&
            str_eq(list->ptr[i].record, s->affected.record))
            return true;
    return false;
}

static inline bool by_id(void *ctx, struct arena *arena, str id, named_records *out,
                         struct err *err)
{
    struct world *world = ctx;
    *out = (named_records){0};
    for (size_t i = 0; i < world->statements.len; i++) {
        const struct statement *s = &world->statements.ptr[i];
        if (!bears(s, id) || is_listed(out, s))
            continue;
        struct named_record *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = (struct named_record){.source = s->affected.source, .record = s->affected.record};
        for (size_t j = 0; j < world->statements.len; j++) {
            const struct statement *other = &world->statements.ptr[j];
            if (!str_eq(other->affected.source, slot->source) ||
                !str_eq(other->affected.record, slot->record))
                continue;
            struct advisory_place *place = vec_push(arena, &slot->places);
            if (!place)
                return err_memory(err);
            *place = (struct advisory_place){other->ecosystem, other->package};
        }
    }
    return true;
}

static inline bool has_vex(void *ctx)
{
    const struct world *world = ctx;
    for (size_t i = 0; i < world->statements.len; i++)
        if (str_starts(world->statements.ptr[i].ecosystem, STR("VEX:")))
            return true;
    return false;
}

/* --- the rows' language
 * -------------------------------------------------------------------------------- */
static const char *const states[] = {"unknown",  "fixed",       "affected",    "will-not-fix",
                                     "deferred", "end-of-life", "not-affected"};

static inline str next_word(str *text)
{
    *text = str_trim(*text);
    str word = STR_NONE;
    str_cut_byte(*text, ' ', &word, text);
    return word;
}

/* "key=value" → true and the value. */
static inline bool value_of(str word, const char *key, str *value)
{
    str name;
    return str_cut_byte(word, '=', &name, value) && str_eq(name, str_from(key));
}

static inline bool parse_number(str text, int *out)
{
    uint64_t n;
    if (!str_to_u64(text, 1000, &n))
        return false;
    *out = (int)n;
    return true;
}

static inline void parse_package(struct world *world, str text)
{
    struct package *p = vec_push(&world->arena, &world->inventory.packages);
    p->type = next_word(&text);
    p->name = p->source_name = next_word(&text);
    p->version = p->source_version = next_word(&text);
    p->is_os = str_eq(p->type, STR("deb")) || str_eq(p->type, STR("apk")) ||
               str_eq(p->type, STR("rpm")) || str_eq(p->type, STR("alpm")) ||
               str_eq(p->type, STR("ebuild")) || str_eq(p->type, STR("opkg"));
    p->path = STR("/db");
    for (str word, value; (word = next_word(&text)).len;) {
        if (value_of(word, "src", &value))
            str_cut_byte(value, '/', &p->source_name, &p->source_version);
        else if (value_of(word, "owned", &value))
            p->owned_by = value;
        else if (value_of(word, "path", &value))
            p->path = value;
        else if (value_of(word, "arch", &value))
            p->arch = value;
        else if (value_of(word, "mod", &value))
            p->modularity = value;
        else if (!value_of(word, "layer", &value) || !parse_number(value, &p->layer))
            fail_msg("word " STR_FMT, STR_ARG(word));
    }
}

static inline void parse_list(struct world *world, strs *to, str value)
{
    str item;
    while (str_next(&value, ',', &item))
        *(str *)vec_push(&world->arena, to) = item;
}

/* "SOURCE@VECTOR" */
static inline void parse_cvss(struct cvss *cvss, str value)
{
    struct err ignored = {0};
    str_cut_byte(value, '@', &cvss->source, &cvss->vector);
    cvss->version =
        str_starts(cvss->vector, STR("CVSS:")) ? str_slice(cvss->vector, 5, 8) : STR("2.0");
    cvss->is_scored = cvss_score(cvss->vector, &cvss->score, &ignored);
}

static inline bool parse_range(struct world *world, struct affected *a, str word)
{
    size_t at = str_find(word, STR(".."));
    if (str_starts(word, STR("=="))) {
        *vec_push(&world->arena, &a->versions) = str_skip(word, 2);
        return true;
    }
    if (at == word.len)
        return false;
    struct version_range *range = vec_push(&world->arena, &a->ranges);
    range->introduced = str_slice(word, 0, at);
    str end = str_skip(word, at + 2);
    if (str_starts(end, STR("=")))
        range->last_affected = str_skip(end, 1);
    else
        range->fixed = end;
    return true;
}

static inline bool parse_state(str value, enum fix_state *out)
{
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_eq(str_from(states[i]), value)) {
            *out = (enum fix_state)i;
            return true;
        }
    return false;
}

static inline void parse_statement_word(struct world *world, struct statement *s, str word)
{
    str value;
    if (value_of(word, "aka", &value)) {
        parse_list(world, &s->advisory.aliases, value);
    } else if (value_of(word, "arches", &value)) {
        parse_list(world, &s->affected.arches, value);
    } else if (value_of(word, "cwe", &value)) {
        parse_list(world, &s->advisory.cwes, value);
    } else if (value_of(word, "module", &value)) {
        s->affected.module = value;
    } else if (value_of(word, "note", &value)) {
        s->affected.note = value;
    } else if (value_of(word, "title", &value)) {
        s->advisory.title = value;
    } else if (value_of(word, "state", &value)) {
        assert_true(parse_state(value, &s->affected.state));
    } else if (value_of(word, "sev", &value)) {
        assert_true(severity_parse(value, &s->affected.severity));
    } else if (value_of(word, "word", &value)) {
        struct rating *rating = vec_push(&world->arena, &s->advisory.ratings);
        rating->source = s->affected.source;
        assert_true(severity_parse(value, &rating->severity));
    } else if (value_of(word, "cvss", &value)) {
        parse_cvss(vec_push(&world->arena, &s->advisory.cvss), value);
    } else if (value_of(word, "eco", &value)) {
        s->ecosystem = value;
    } else if (str_eq(word, STR("binary"))) {
        s->affected.is_binary = true;
    } else if (str_eq(word, STR("withdrawn"))) {
        s->advisory.withdrawn = STR("2024-01-01T00:00:00Z");
    } else if (str_eq(word, STR("gone"))) { /* as the database marks it */
        s->advisory.withdrawn = STR("2024-01-01T00:00:00Z");
        s->affected.is_withdrawn = true;
    } else if (!parse_range(world, &s->affected, word)) {
        fail_msg("word " STR_FMT, STR_ARG(word));
    }
}

/* "nvd CVE-2024-1 [kev] [epss=P] [cvss=SOURCE@VECTOR] [word=S] [rejected] [title=T] [cwe=…]" */
static inline void parse_enrichment(struct world *world, str text)
{
    struct said_of_cve *said = vec_push(&world->arena, &world->enrichments);
    struct enrichment *e = &said->enrichment;
    e->source = next_word(&text);
    said->cve = next_word(&text);
    for (str word, value; (word = next_word(&text)).len;) {
        if (str_eq(word, STR("kev"))) {
            e->is_kev = true;
        } else if (str_eq(word, STR("rejected"))) {
            e->is_rejected = true;
        } else if (value_of(word, "epss", &value)) {
            e->has_epss = true;
            e->epss = strtod(arena_cstr(&world->arena, value), NULL);
        } else if (value_of(word, "cvss", &value)) {
            parse_cvss(vec_push(&world->arena, &e->cvss), value);
        } else if (value_of(word, "title", &value)) {
            e->title = value;
        } else if (value_of(word, "text", &value)) {
            e->description = value;
        } else if (value_of(word, "cwe", &value)) {
            parse_list(world, &e->cwes, value);
        } else if (value_of(word, "word", &value)) {
            struct rating *rating = vec_push(&world->arena, &e->ratings);
            rating->source = e->source;
            assert_true(severity_parse(value, &rating->severity));
        } else {
            fail_msg("word " STR_FMT, STR_ARG(word));
        }
    }
}

/* "DOCUMENT STATUS IDS [for=PRODUCTS] [sub=PURLS] [why=JUSTIFICATION] [at=TIME]" */
static inline enum vex_status parse_vex_status(str word)
{
    for (int i = VEX_UNDER_INVESTIGATION; i <= VEX_FIXED; i++)
        if (str_eq(word, str_from(vex_status_name((enum vex_status)i))))
            return (enum vex_status)i;
    fail_msg("status " STR_FMT, STR_ARG(word));
    return VEX_UNDER_INVESTIGATION;
}

static inline void parse_products(struct world *world, struct vex_statement *statement, str ids,
                                  str parts)
{
    str id;
    while (str_next(&ids, ',', &id)) {
        struct vex_product *product = vec_push(&world->arena, &statement->products);
        bool is_digest = str_starts(id, STR("sha256:"));
        *(is_digest ? &product->digest : &product->id) = id;
        if (parts.len)
            parse_list(world, &product->subcomponents, parts);
    }
}

static inline void parse_vex(struct world *world, str text)
{
    struct vex_statement *statement = vec_push(&world->arena, &world->vex);
    statement->document = next_word(&text);
    statement->status = parse_vex_status(next_word(&text));
    parse_list(world, &statement->aliases, next_word(&text));
    statement->vulnerability = statement->aliases.ptr[0];
    str products = STR_NONE, parts = STR_NONE;
    for (str word, value; (word = next_word(&text)).len;) {
        if (value_of(word, "for", &value))
            products = value;
        else if (value_of(word, "sub", &value))
            parts = value;
        else if (value_of(word, "why", &value))
            statement->justification = value;
        else if (value_of(word, "at", &value))
            statement->timestamp = value;
        else
            fail_msg("word " STR_FMT, STR_ARG(word));
    }
    parse_products(world, statement, products, parts);
}

/* "hub FEED/DOCUMENT STATUS IDS …", the words of a vex statement: as vex_to_records keeps one. */
static inline void keep_hub_product(struct world *world, const struct vex_statement *said,
                                    const struct vex_product *product, str feed)
{
    static const enum fix_state kept[] = {[VEX_NOT_AFFECTED] = FIX_NOT_AFFECTED,
                                          [VEX_AFFECTED] = FIX_AFFECTED,
                                          [VEX_FIXED] = FIX_NOT_AFFECTED};
    struct err err = {0};
    struct statement *s = vec_push(&world->arena, &world->statements);
    s->affected.source = s->advisory.source = feed;
    s->affected.record = s->advisory.id = arena_printf(
        &world->arena, STR_FMT "#" STR_FMT, STR_ARG(said->document), STR_ARG(said->vulnerability));
    s->affected.state = kept[said->status];
    s->affected.note = said->status == VEX_FIXED ? STR("fixed") : said->justification;
    s->affected.symbols = product->subcomponents;
    str name = product->id.len ? product->id : product->digest;
    *(str *)vec_push(&world->arena, &s->affected.versions) = name;
    s->advisory.aliases = said->aliases;
    s->advisory.modified = s->advisory.revision = said->timestamp;
    assert_ok(vex_product_key(name, &world->arena, &s->ecosystem, &s->package, &err), err);
}

static inline void parse_hub(struct world *world, str text)
{
    str feed, rest;
    str_cut_byte(text, '/', &feed, &rest);
    parse_vex(world, rest);
    const struct vex_statement said = world->vex.ptr[--world->vex.len];
    for (size_t i = 0; i < said.products.len; i++)
        keep_hub_product(world, &said, &said.products.ptr[i], feed);
}

static inline void parse_statement(struct world *world, str text)
{
    str rest = text, first = next_word(&rest);
    if (str_eq(first, STR("hub")))
        return parse_hub(world, str_trim(rest));
    if (str_eq(first, STR("enrich")))
        return parse_enrichment(world, rest);
    if (str_eq(first, STR("vex")))
        return parse_vex(world, rest);
    struct statement *s = vec_push(&world->arena, &world->statements);
    str_cut_byte(next_word(&text), '/', &s->affected.source, &s->affected.record);
    s->advisory.id = s->affected.record;
    s->advisory.source = s->affected.source;
    s->ecosystem = world->ecosystem;
    s->package = next_word(&text);
    for (str word; (word = next_word(&text)).len;)
        parse_statement_word(world, s, word);
}

static inline void parse_world(struct world *world, str *row)
{
    *world = (struct world){0};
    arena_init(&world->arena, 4 << 20);
    str release = column(row), installed = column(row), said = column(row), part;
    str id = next_word(&release), version = next_word(&release);
    world->inventory.distro.id = str_eq(id, STR("-")) ? STR_NONE : id;
    world->inventory.distro.version_id = str_eq(version, STR("-")) ? STR_NONE : version;
    world->is_uncovered = str_eq(next_word(&release), STR("uncovered"));
    world->ecosystem = distro_ecosystem(&world->inventory.distro, &world->arena);
    while (str_next(&installed, ';', &part) && str_trim(part).len)
        parse_package(world, part);
    while (str_next(&said, ';', &part) && str_trim(part).len)
        parse_statement(world, part);
}

static inline struct match_lookup lookup_of(struct world *world)
{
    return (struct match_lookup){.covers = covers,
                                 .find = find,
                                 .get = get,
                                 .enrich = enrich,
                                 .by_id = by_id,
                                 .has_vex = has_vex,
                                 .ctx = world};
}

/* The image that VEX statements may name; feeds first, as a scan does. */
static inline bool apply_vex(struct world *world, const struct match_lookup *lookup,
                             struct match_result *result, struct err *err)
{
    str digests[] = {STR("sha256:aaaa"), STR("sha256:bbbb")};
    struct vex_image image = {.digests = {digests, 2, 2},
                              .name = STR("shop"),
                              .repository = STR("registry.example/team/shop"),
                              .tag = STR("1.4"),
                              .arch = STR("amd64")};
    size_t n;
    return match_vex(lookup, &image, &world->inventory, &world->arena, &result->findings,
                     &result->notices, err) &&
           (!world->vex.len || vex_apply(&world->arena, &world->vex, &image, &world->inventory,
                                         &result->findings, &n, err));
}

static inline bool run(struct world *world, struct match_result *out, struct err *err)
{
    const struct match_lookup lookup = lookup_of(world);
    return match_inventory(&lookup, &world->inventory, &world->arena, out, err) &&
           apply_vex(world, &lookup, out, err);
}
