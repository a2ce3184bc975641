/* SPDX-License-Identifier: Apache-2.0 */
/* friendsofphp.c - the PHP Security Advisories Database: VENDOR/PACKAGE/ID.yaml, loose or in a tar:
 *
 *     title: …        link: …        cve: CVE-2023-46735 (or ~)
 *     branches:
 *         6.3.x: { time: …, versions: ['>=6.3.0', '<6.3.8'] }
 *     reference: composer://symfony/webhook
 *
 * - A record is a file: "symfony/webhook/CVE-2023-46735".
 * - A branch is one range: all its constraints together.  In Composer ">=6.3.0" lets 6.3.0-beta1
 *   in, so a range begins at "6.3.0-dev" where its version names no stability of its own.  Where it
 *   ends, prereleases of the fix stay in it: nobody says that they have it.
 * - A branch that cannot be read as one range is a notice, and a statement of its own whose state
 *   and versions are unknown. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct php {
    struct feed_reader *reader;
    uint64_t n;
};

/* --- constraints
 * --------------------------------------------------------------------------------------- */

enum { BEGINS = 1, ENDS = 2 };

static bool is_version(str text)
{
    struct rd in;
    rd_init(&in, text);
    uint8_t c = rd_peek(&in);
    if (!(c >= '0' && c <= '9') && !(rd_take(&in, STR("v")) && rd_peek(&in) >= '0'))
        return false;
    while (!rd_is_end(&in)) {
        c = rd_u8(&in);
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && c != '.' && c != '-' && c != '+' && c != '_')
            return false; /* "1.*", "1.0 || 2.0" */
    }
    return true;
}

static bool has_letter(str text)
{
    struct rd in;
    for (rd_init(&in, text); !rd_is_end(&in);) {
        if (rd_u8(&in) >= 'A')
            return true;
    }
    return false;
}

static bool begin(struct arena *arena, str version, bool is_after, struct version_range *out,
                  struct err *err)
{
    out->introduced = version;
    out->is_after = is_after;
    if (!is_after && !has_letter(version))
        out->introduced = arena_printf(arena, STR_FMT "-dev", STR_ARG(version));
    return out->introduced.ptr ? true : err_memory(err);
}

static bool add_constraint(struct arena *arena, str text, unsigned *seen, struct version_range *out,
                           struct err *err)
{
    static const char *const operators[] = {">=", "<=", "==", ">", "<", "="};
    str op = STR("="), version = str_trim(text);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (str_starts(version, str_from(operators[i]))) {
            op = str_from(operators[i]);
            version = str_trim(str_skip(version, op.len));
            break;
        }
    }
    bool is_equal = str_eq(op, STR("=")) || str_eq(op, STR("=="));
    unsigned sides = is_equal ? BEGINS | ENDS : str_starts(op, STR(">")) ? BEGINS : ENDS;
    if (!is_version(version) || (*seen & sides))
        return err_set(err, ERR_FORMAT, "\"" STR_FMT "\" is not understood%s", STR_ARG(text),
                       *seen & sides ? " beside the others" : "");
    *seen |= sides;
    if (is_equal)
        out->introduced = out->last_affected = version;
    else if (sides == BEGINS)
        return begin(arena, version, str_eq(op, STR(">")), out, err);
    else
        *(str_eq(op, STR("<")) ? &out->fixed : &out->last_affected) = version;
    return true;
}

static bool branch_range(struct arena *arena, const struct yaml *branch, struct version_range *out,
                         struct err *err)
{
    const struct yaml *versions = yaml_get(branch, STR("versions"));
    unsigned seen = 0;
    *out = (struct version_range){.introduced = STR("0")};
    if (!versions || versions->kind != YAML_LIST || !versions->items.len)
        return err_set(err, ERR_FORMAT, "no list of versions");
    for (size_t i = 0; i < versions->items.len; i++) {
        str text = versions->items.ptr[i]->text, part;
        while (str_next(&text, ',', &part)) {
            if (!add_constraint(arena, part, &seen, out, err))
                return false;
        }
    }
    return seen ? true : err_set(err, ERR_FORMAT, "no versions");
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
        struct version_range range;
        struct err why = {0};
        if (!branch_range(r->arena, pair->value, &range, &why)) {
            if (!add_unclear(r, pair->key->text, &why, err))
                return false;
            continue;
        }
        if (range.fixed.len)
            whole.state = FIX_FIXED;
        if (!range_add(r->arena, &whole, range, err))
            return false;
    }
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
