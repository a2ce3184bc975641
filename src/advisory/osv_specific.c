/* SPDX-License-Identifier: Apache-2.0 */
/* osv_specific.c - ecosystem_specific and database_specific of an affected package, by publisher:
 *
 *     Go          imports[]: path, symbols[] → symbols "path.Symbol"; goos, goarch → note
 *     crates.io   affects.functions[] → symbols; database_specific.informational → note
 *     Ubuntu      availability → note, when it asks for a subscription; cves_map → severity
 *     Debian      urgency → severity; "end-of-life" → state
 *     GHSA        database_specific.last_known_affected_version_range → where an open range ends
 *     others      severity, in words
 *
 * What is not named here adds nothing to a verdict (binaries, cpes, custom ranges, sources). */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct reading {
    struct arena *arena;
    struct affected *out;
    struct err *err;
};

/* --- severity
 * ----------------------------------------------------------------------------------------- */

enum severity osv_own_severity(const json_t *severities)
{
    enum severity highest = SEVERITY_UNKNOWN, severity;
    for (size_t i = 0; i < json_array_size(severities); i++) {
        const json_t *item = json_array_get(severities, i);
        if (!str_starts(json_str(item, "type"), STR("CVSS")) &&
            severity_parse(json_str(item, "score"), &severity) && severity > highest)
            highest = severity;
    }
    return highest;
}

enum severity osv_title_severity(str title)
{
    enum severity severity;
    str word, rest;
    return str_cut(title, STR(": "), &word, &rest) && severity_parse(word, &severity)
               ? severity
               : SEVERITY_UNKNOWN;
}

static void word_severity(struct reading *r, str word)
{
    enum severity severity;
    if (r->out->severity == SEVERITY_UNKNOWN && severity_parse(word, &severity))
        r->out->severity = severity;
}

/* A notice (USN) rates each of its CVEs: the package as a whole is as bad as the worst. */
static void cves_severity(struct reading *r, const json_t *map)
{
    const json_t *cves = json_arr(map, "cves");
    for (size_t i = 0; i < json_array_size(cves); i++) {
        enum severity severity = osv_own_severity(json_arr(json_array_get(cves, i), "severity"));
        if (severity > r->out->severity)
            r->out->severity = severity;
    }
}

/* --- symbols
 * ------------------------------------------------------------------------------------------ */

static bool add_symbol(struct reading *r, str path, str symbol)
{
    str *slot = vec_push(r->arena, &r->out->symbols);
    if (!slot)
        return err_memory(r->err);
    *slot = arena_printf(r->arena, STR_FMT "%s" STR_FMT, STR_ARG(path),
                         path.len && symbol.len ? "." : "", STR_ARG(symbol));
    return slot->ptr ? true : err_memory(r->err);
}

static bool add_imports(struct reading *r, const json_t *imports)
{
    for (size_t i = 0; i < json_array_size(imports); i++) {
        const json_t *import = json_array_get(imports, i);
        const json_t *symbols = json_arr(import, "symbols");
        str path = json_str(import, "path");
        if (!json_array_size(symbols) && path.len && !add_symbol(r, path, STR_NONE))
            return false; /* all of the package */
        for (size_t j = 0; j < json_array_size(symbols); j++) {
            if (!add_symbol(r, path, json_str_of(json_array_get(symbols, j))))
                return false;
        }
    }
    return true;
}

static bool add_functions(struct reading *r, const json_t *functions)
{
    for (size_t i = 0; i < json_array_size(functions); i++) {
        str name = json_str_of(json_array_get(functions, i));
        if (name.len && !add_symbol(r, STR_NONE, name))
            return false;
    }
    return true;
}

/* --- note
 * --------------------------------------------------------------------------------------------- */

static bool add_note(struct reading *r, const char *key, str words)
{
    if (str_is_empty(words))
        return true;
    r->out->note =
        arena_printf(r->arena, STR_FMT "%s%s" STR_FMT, STR_ARG(r->out->note),
                     r->out->note.len ? "; " : "", key, STR_ARG(str_slice(words, 0, 256)));
    return r->out->note.ptr ? true : err_memory(r->err);
}

static bool add_list_note(struct reading *r, const char *key, const json_t *list)
{
    auto_sb words;
    sb_init(&words, LIMIT(FIELD));
    for (size_t i = 0; i < json_array_size(list); i++)
        sb_addf(&words, "%s" STR_FMT, i ? ", " : "", STR_ARG(json_str_of(json_array_get(list, i))));
    return sb_ok(&words, r->err) && add_note(r, key, sb_str(&words));
}

/* Only when every import is bound to the same platforms: one that is not concerns all of them. */
static bool add_platforms(struct reading *r, const json_t *imports, const char *key,
                          const char *words)
{
    const json_t *first = json_arr(json_array_get(imports, 0), key);
    for (size_t i = 1; first && i < json_array_size(imports); i++) {
        if (!json_equal(first, json_arr(json_array_get(imports, i), key)))
            return true;
    }
    return add_list_note(r, words, first);
}

/* --- ranges
 * ------------------------------------------------------------------------------------------- */

/* GHSA: "<= 9.0.5", "< 1.2" where no fix is known; both end the range without being a fix. */
static bool end_range(struct reading *r, str words)
{
    struct version_range *last =
        r->out->ranges.len ? &r->out->ranges.ptr[r->out->ranges.len - 1] : NULL;
    bool is_inclusive = str_starts(words, STR("<="));
    if (!last || last->fixed.len || last->last_affected.len || !str_starts(words, STR("<")))
        return true;
    str version = arena_dup(r->arena, str_trim(str_skip(words, is_inclusive ? 2 : 1)));
    if (!version.ptr)
        return err_memory(r->err);
    if (version.len)
        *(is_inclusive ? &last->last_affected : &last->fixed) = version;
    return true;
}

bool osv_specifics(const json_t *affected, struct arena *arena, struct record_entry *entry,
                   struct err *err)
{
    struct reading r = {.arena = arena, .out = &entry->affected, .err = err};
    const json_t *own = json_obj(affected, "ecosystem_specific");
    const json_t *database = json_obj(affected, "database_specific");
    const json_t *imports = json_arr(own, "imports"), *affects = json_obj(own, "affects");
    str availability = json_str(own, "availability"), urgency = json_str(own, "urgency");
    word_severity(&r, json_str(own, "severity"));
    word_severity(&r, urgency);
    word_severity(&r, json_str(database, "severity"));
    cves_severity(&r, json_obj(database, "cves_map"));
    if (str_eq(urgency, STR("end-of-life")) && r.out->state != FIX_FIXED)
        r.out->state = FIX_END_OF_LIFE;
    if (str_has(availability, STR("Pro")) && !add_note(&r, "", availability))
        return false;
    return add_imports(&r, imports) && add_platforms(&r, imports, "goos", "only on ") &&
           add_platforms(&r, imports, "goarch", "only on ") &&
           add_functions(&r, json_arr(affects, "functions")) &&
           add_list_note(&r, "only on ", json_arr(affects, "os")) &&
           add_list_note(&r, "only on ", json_arr(affects, "arch")) &&
           add_note(&r, "informational: ", json_str(database, "informational")) &&
           end_range(&r, json_str(database, "last_known_affected_version_range"));
}
