/* SPDX-License-Identifier: Apache-2.0 */
/* friendsofphp.c - the PHP Security Advisories Database: VENDOR/PACKAGE/ID.yaml, loose or in a tar:
 *
 *     title: …        link: …        cve: CVE-2023-46735 (or ~)
 *     branches:
 *         6.3.x: { time: …, versions: ['>=6.3.0', '<6.3.8'] }
 *     reference: composer://symfony/webhook
 *
 * - A record is a file: "symfony/webhook/CVE-2023-46735".
 * - A branch is what all its constraints hold together, in Composer's dialect (version/range.c):
 *   ">=6.3.0" lets 6.3.0-beta1 in, so a range begins at "6.3.0-dev" where its version names no
 *   stability of its own.  Where it ends, prereleases of the fix stay in it: nobody says that they
 *   have it.
 * - A branch that cannot be read is a notice, and a statement of its own whose state and versions
 *   are unknown. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct php {
    struct feed_reader *reader;
    uint64_t n;
};

/* --- constraints
 * --------------------------------------------------------------------------------------- */

/* What all constraints of a branch hold together. */
static bool branch_intervals(struct arena *arena, const struct yaml *branch, version_intervals *out,
                             struct err *err)
{
    const struct version_dialect *composer = version_dialect_find(STR("composer"));
    const struct yaml *versions = yaml_get(branch, STR("versions"));
    if (!versions || versions->kind != YAML_LIST || !versions->items.len || !composer)
        return err_set(err, ERR_FORMAT, "no list of versions");
    for (size_t i = 0; i < versions->items.len; i++) {
        struct version_ranges ranges = {0};
        version_intervals one, both;
        if (!version_ranges_add(composer, NULL, versions->items.ptr[i]->text, arena, &ranges,
                                err) ||
            !version_inside(&ranges, arena, &one, err))
            return false;
        if (i && !version_common(ranges.scheme, out, &one, arena, &both, err))
            return false;
        *out = i ? both : one;
    }
    return out->len ? true : err_set(err, ERR_FORMAT, "its constraints leave no version");
}

/* --- a file
 * -----------------------------------------------------------------------------------------------
 */

struct php_reading {
    struct arena *arena;
    struct record *out;
    strs *unclear;
    str package;
};

static struct affected *entry(struct php_reading *r, struct err *err)
{
    struct record_entry *entry = vec_push(r->arena, &r->out->entries);
    if (!entry) {
        err_memory(err);
        return NULL;
    }
    *entry = (struct record_entry){.ecosystem = STR("Packagist"), .package = r->package};
    return &entry->affected;
}

static bool add_unclear(struct php_reading *r, str branch, const struct err *why, struct err *err)
{
    struct affected *affected = entry(r, err);
    str words = arena_printf(r->arena, STR_FMT ": %s", STR_ARG(branch), why->msg);
    if (!affected || !words.ptr)
        return err_memory(err);
    affected->note = words;
    return strs_push(r->arena, r->unclear, words, err);
}

static bool add_branches(struct php_reading *r, const struct yaml *branches, struct err *err)
{
    struct affected whole = {.state = FIX_AFFECTED};
    for (size_t i = 0; i < branches->pairs.len; i++) {
        const struct yaml_pair *pair = &branches->pairs.ptr[i];
        version_intervals held = {0};
        struct err why = {0};
        if (!branch_intervals(r->arena, pair->value, &held, &why)) {
            if (!add_unclear(r, pair->key->text, &why, err))
                return false;
            continue;
        }
        if (!intervals_add(&held, r->arena, &whole, err))
            return false;
    }
    for (size_t i = 0; i < whole.ranges.len; i++)
        if (whole.ranges.ptr[i].fixed.len)
            whole.state = FIX_FIXED;
    struct affected *affected = whole.ranges.len ? entry(r, err) : NULL;
    if (affected)
        *affected = whole;
    return affected || !whole.ranges.len;
}

/* ".../symfony/webhook/CVE-2023-46735.yaml" → "CVE-2023-46735" */
static str stem_of(str name)
{
    size_t slash = str_rfind_byte(name, '/');
    str last = slash < name.len ? str_skip(name, slash + 1) : name;
    return str_slice(last, 0, str_rfind_byte(last, '.'));
}

bool friendsofphp_parse(str text, str name, struct arena *arena, struct record *out, strs *unclear,
                        struct err *err)
{
    struct yaml *root;
    *out = (struct record){0};
    *unclear = (strs){0};
    if (!yaml_read(arena, text, &root, err))
        return false;
    str reference = yaml_str(root, STR("reference")), scheme = STR("composer://");
    const struct yaml *branches = yaml_get(root, STR("branches"));
    if (!str_starts(reference, scheme) || reference.len == scheme.len)
        return err_set(err, ERR_FORMAT, "no reference to a package of Composer's");
    struct php_reading reading = {
        .arena = arena, .out = out, .unclear = unclear, .package = str_skip(reference, scheme.len)};
    struct advisory *advisory = &out->advisory;
    advisory->id =
        arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(reading.package), STR_ARG(stem_of(name)));
    if (!advisory->id.ptr)
        return err_memory(err);
    if (!branches || branches->kind != YAML_MAP || !branches->pairs.len)
        return err_set(err, ERR_FORMAT, "no branches");
    advisory->title = yaml_str(root, STR("title"));
    return strs_push(arena, &advisory->references, yaml_str(root, STR("link")), err) &&
           strs_push(arena, &advisory->aliases, yaml_str(root, STR("cve")), err) &&
           add_branches(&reading, branches, err);
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct php *php = ctx;
    struct record record;
    struct err why = {0};
    strs unclear;
    if (str_starts(name, STR(".")) || str_has(name, STR("/.")))
        return true; /* the repository's own workflows */
    if (!friendsofphp_parse(text, name, arena, &record, &unclear, &why))
        return feed_broken(php->reader, name, record.advisory.id, &why, err);
    for (size_t i = 0; i < unclear.len; i++) {
        if (!feed_notice(php->reader, NOTICE_VERSION, name, err,
                         STR_FMT ": a branch is taken as unknown: " STR_FMT,
                         STR_ARG(record.advisory.id), STR_ARG(unclear.ptr[i])))
            return false;
    }
    php->n++;
    return feed_record(php->reader, &record, err);
}

static bool friendsofphp_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".yaml", NULL};
    struct php php = {.reader = reader};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = &php};
    if (!feed_documents(reader, feed_place(reader), &spec, err))
        return false;
    return php.n ? feed_covers(reader, STR("Packagist"), err)
                 : err_set(err, ERR_FORMAT, STR_FMT ": not one advisory could be read",
                           STR_ARG(reader->state->url));
}

const struct feed feed_friendsofphp = {
    .name = "friendsofphp",
    .summary = "PHP Security Advisories Database: packages of Composer",
    .default_url =
        "https://github.com/FriendsOfPHP/security-advisories/archive/refs/heads/master.tar.gz",
    .licence = "Unlicense",
    .cadence = "daily",
    .read = friendsofphp_read,
};
