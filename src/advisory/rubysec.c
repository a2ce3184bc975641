/* SPDX-License-Identifier: Apache-2.0 */
/* rubysec.c - the Ruby Advisory Database: gems/GEM/ID.yml and rubies/ENGINE/ID.yml, loose or in a
 * tar:
 *
 *     gem: resque            (or engine: jruby)
 *     cve: 2023-50725        ghsa: …        osvdb: …
 *     patched_versions: [">= 2.2.1"]        unaffected_versions: ["< 1.0"]
 *
 * - A record is a file, "resque/CVE-2023-50725" (an id stands once for each of its gems).
 * - Affected is what neither list holds (version/range.c reads them).  Requirements that cannot be
 * read are a notice, and the statement is one whose state and versions are unknown.
 * - Scores come without vectors: the newest is kept as a rating.
 * - An engine is no gem: its ecosystem is "Ruby", which no package of ours is of. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct rubysec {
    struct feed_reader *reader;
    uint64_t n;
};

/* --- a file's fields
 * ------------------------------------------------------------------------------------ */

static bool collect(struct arena *arena, const struct yaml *list, strs *out, struct err *err)
{
    if (!list || list->kind == YAML_NULL)
        return true;
    if (list->kind == YAML_SCALAR)
        return strs_push(arena, out, list->text, err);
    if (list->kind != YAML_LIST)
        return err_set(err, ERR_FORMAT, "line %zu: not a list", list->line);
    for (size_t i = 0; i < list->items.len; i++) {
        if (list->items.ptr[i]->kind != YAML_SCALAR)
            return err_set(err, ERR_FORMAT, "line %zu: not a requirement",
                           list->items.ptr[i]->line);
        if (!strs_push(arena, out, list->items.ptr[i]->text, err))
            return false;
    }
    return true;
}

static bool add_name(struct arena *arena, const char *prefix, str name, strs *out, struct err *err)
{
    if (str_is_empty(name))
        return true;
    str full = str_starts(name, str_from(prefix))
                   ? name
                   : arena_printf(arena, "%s" STR_FMT, prefix, STR_ARG(name));
    return full.ptr ? strs_push(arena, out, full, err) : err_memory(err);
}

static bool add_names(struct arena *arena, const struct yaml *root, struct advisory *advisory,
                      struct err *err)
{
    const struct yaml *related = yaml_get(root, STR("related"));
    strs cves = {0}, ghsas = {0};
    if (!add_name(arena, "CVE-", yaml_str(root, STR("cve")), &advisory->aliases, err) ||
        !add_name(arena, "GHSA-", yaml_str(root, STR("ghsa")), &advisory->aliases, err) ||
        !add_name(arena, "OSVDB-", yaml_str(root, STR("osvdb")), &advisory->aliases, err) ||
        !strs_push(arena, &advisory->references, yaml_str(root, STR("url")), err))
        return false;
    if (!related || related->kind != YAML_MAP)
        return true;
    bool is_ok = collect(arena, yaml_get(related, STR("cve")), &cves, err) &&
                 collect(arena, yaml_get(related, STR("ghsa")), &ghsas, err) &&
                 collect(arena, yaml_get(related, STR("url")), &advisory->references, err);
    for (size_t i = 0; is_ok && i < cves.len; i++)
        is_ok = add_name(arena, "CVE-", cves.ptr[i], &advisory->related, err);
    for (size_t i = 0; is_ok && i < ghsas.len; i++)
        is_ok = add_name(arena, "GHSA-", ghsas.ptr[i], &advisory->related, err);
    return is_ok;
}

/* "9.8" → 98; 0 when it is no score. */
static unsigned tenths(str text)
{
    str whole, part;
    uint64_t a = 0, b = 0;
    (void)str_cut_byte(str_trim(text), '.', &whole, &part);
    if (!str_to_u64(whole, 10, &a) || (part.len && !str_to_u64(str_slice(part, 0, 1), 9, &b)))
        return 0;
    return (unsigned)(a * 10 + b);
}

static bool add_rating(struct arena *arena, const struct yaml *root, struct advisory *advisory,
                       struct err *err)
{
    static const char *const keys[] = {"cvss_v4", "cvss_v3", "cvss_v2"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        unsigned score = tenths(yaml_str(root, str_from(keys[i])));
        if (!score)
            continue;
        struct rating *rating = vec_push(arena, &advisory->ratings);
        if (!rating)
            return err_memory(err);
        *rating =
            (struct rating){.source = STR("rubysec"), .severity = cvss_severity(score / 10.0)};
        return true;
    }
    return true;
}

bool gem_affected(const strs *healthy, struct arena *arena, struct affected *out, struct err *err)
{
    const struct version_dialect *gem = version_dialect_find(STR("gem"));
    struct version_ranges ranges = {0};
    version_intervals left;
    if (!gem)
        return err_set(err, ERR_FORMAT, "the requirements of gems are not known");
    for (size_t i = 0; i < healthy->len; i++)
        if (!version_ranges_add(gem, NULL, healthy->ptr[i], arena, &ranges, err))
            return false;
    return version_outside(&ranges, arena, &left, err) && intervals_add(&left, arena, out, err);
}

/* *is_clear is false when the requirements could not be read: *err says why, and the statement
 * stands as unknown. */
static bool add_versions(struct arena *arena, const struct yaml *root, struct affected *affected,
                         bool *is_clear, struct err *err)
{
    strs healthy = {0};
    const struct yaml *patched = yaml_get(root, STR("patched_versions"));
    *is_clear = collect(arena, patched, &healthy, err);
    size_t n_patched = healthy.len;
    *is_clear = *is_clear &&
                collect(arena, yaml_get(root, STR("unaffected_versions")), &healthy, err) &&
                gem_affected(&healthy, arena, affected, err);
    if (!*is_clear) {
        affected->ranges.len = 0;
        affected->state = FIX_UNKNOWN;
        return err->kind == ERR_FORMAT || err->kind == ERR_LIMIT;
    }
    affected->state = !affected->ranges.len ? FIX_NOT_AFFECTED
                      : n_patched           ? FIX_FIXED
                                            : FIX_AFFECTED;
    return true;
}

bool rubysec_parse(str text, str stem, struct arena *arena, struct record *out, bool *is_clear,
                   struct err *err)
{
    struct yaml *root;
    *out = (struct record){0};
    *is_clear = true;
    if (!yaml_read(arena, text, &root, err))
        return false;
    str gem = yaml_str(root, STR("gem")), engine = yaml_str(root, STR("engine"));
    str date = yaml_str(root, STR("date")), platform = yaml_str(root, STR("platform"));
    if (str_is_empty(gem) && str_is_empty(engine))
        return err_set(err, ERR_FORMAT, "neither a gem nor an engine");
    struct record_entry *entry = vec_push(arena, &out->entries);
    struct advisory *advisory = &out->advisory;
    advisory->id = arena_printf(arena, "%s" STR_FMT "/" STR_FMT, gem.len ? "" : "rubies/",
                                STR_ARG(gem.len ? gem : engine), STR_ARG(stem));
    advisory->published =
        date.len ? arena_printf(arena, STR_FMT "T00:00:00Z", STR_ARG(date)) : STR_NONE;
    if (!entry || !advisory->id.ptr || (date.len && !advisory->published.ptr))
        return err_memory(err);
    advisory->title = yaml_str(root, STR("title"));
    advisory->description = yaml_str(root, STR("description"));
    entry->ecosystem = gem.len ? STR("RubyGems") : STR("Ruby");
    entry->package = gem.len ? gem : engine;
    if (platform.len) {
        entry->affected.note = arena_printf(arena, "platform: " STR_FMT, STR_ARG(platform));
        if (!entry->affected.note.ptr)
            return err_memory(err);
    }
    return add_names(arena, root, advisory, err) && add_rating(arena, root, advisory, err) &&
           add_versions(arena, root, &entry->affected, is_clear, err);
}

/* --- files
 * -------------------------------------------------------------------------------------------- */

/* ".../gems/GEM/ID.yml" and ".../rubies/ENGINE/ID.yml"; *stem is ID.  The repository has other YAML
 * (its tests, its workflows). */
static bool is_ours(str name, str *stem)
{
    str folder, own, step;
    size_t slash = str_rfind_byte(name, '/');
    if (slash == name.len)
        return false;
    *stem = str_skip(name, slash + 1);
    *stem = str_slice(*stem, 0, stem->len - STR(".yml").len);
    own = str_slice(name, 0, slash);
    slash = str_rfind_byte(own, '/');
    folder = str_slice(own, 0, slash == own.len ? 0 : slash);
    slash = str_rfind_byte(folder, '/');
    step = slash == folder.len ? folder : str_skip(folder, slash + 1);
    return (str_eq(step, STR("gems")) || str_eq(step, STR("rubies"))) &&
           !str_has(folder, STR("spec/"));
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct rubysec *rubysec = ctx;
    struct record record;
    struct err why = {0};
    bool is_clear;
    str stem;
    if (!is_ours(name, &stem))
        return true;
    if (!rubysec_parse(text, stem, arena, &record, &is_clear, &why))
        return feed_broken(rubysec->reader, name, record.advisory.id, &why, err);
    if (!is_clear && !feed_notice(rubysec->reader, NOTICE_VERSION, name, err,
                                  STR_FMT ": its versions are taken as unknown: %s",
                                  STR_ARG(record.advisory.id), why.msg))
        return false;
    rubysec->n++;
    return feed_record(rubysec->reader, &record, err);
}

static bool rubysec_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".yml", NULL};
    struct rubysec rubysec = {.reader = reader};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = &rubysec};
    if (!feed_documents(reader, feed_place(reader), &spec, err))
        return false;
    return rubysec.n ? feed_covers(reader, STR("RubyGems"), err)
                     : err_set(err, ERR_NOT_FOUND, STR_FMT ": no gems/*/*.yml there",
                               STR_ARG(reader->state->url));
}

const struct feed feed_rubysec = {
    .name = "rubysec",
    .summary = "Ruby Advisory Database: gems, and the Ruby engines",
    .default_url = "https://github.com/rubysec/ruby-advisory-db/archive/refs/heads/master.tar.gz",
    .licence = "public domain",
    .cadence = "daily",
    .read = rubysec_read,
};
