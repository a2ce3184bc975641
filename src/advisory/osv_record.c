/* SPDX-License-Identifier: Apache-2.0 */
/* osv_record.c - one record of the OSV schema (ossf.github.io/osv-schema, 1.0 to 1.7).
 *
 * - Events are walked in version order where the ecosystem's comparator is known, as the schema's
 *   evaluation does, else in the order written.  `limit` ends a range like a fix but is none: the
 * fix state stays "affected".
 * - GIT ranges speak of commits, not of packages: left out, which the schema foresees; the
 *   `versions` beside them count.
 * - `upstream` is related, not an alias; but a distribution's own name of one vulnerability
 *   ("DEBIAN-CVE-2021-1" upstream "CVE-2021-1") is the same vulnerability, hence an alias.  So are
 *   the CVEs that a distribution's advisory (ALSA, RLSA, USN, CGA) names as upstream or related:
 *   it is what fixes them, and each gets a claim of its own (match/identity.c).
 * - An erratum that is no security update (ALBA, RLEA …) and names no CVE makes no statement.
 * - A publisher's ecosystem may be asked for by other names: osv_names.c.  What Ubuntu fixed for
 *   subscribers only ("Ubuntu:Pro:14.04:LTS") is said of the release itself, whose packages lack
 *   it, unless the record speaks of that too. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"
#include "syntax/syntax.h"
#include "version/version.h"

struct parsing {
    struct arena *arena;
    struct err *err;
    struct record *record;
    enum severity own; /* the publisher's own word on the record as a whole */
};

static bool memory(struct parsing *p) { return err_memory(p->err); }

static bool keep(struct parsing *p, str from, str *to)
{
    *to = arena_dup(p->arena, from);
    return to->ptr ? true : memory(p);
}

static bool push(struct parsing *p, strs *list, str value)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->len < 64 && str_eq(list->ptr[i], value))
            return true;
    }
    str *slot = vec_push(p->arena, list);
    return slot ? keep(p, value, slot) : memory(p);
}

static bool push_all(struct parsing *p, const json_t *object, const char *key, strs *list)
{
    const json_t *array = json_arr(object, key);
    for (size_t i = 0; i < json_array_size(array); i++) {
        str value = json_str_of(json_array_get(array, i));
        if (!str_is_empty(value) && !push(p, list, value))
            return false;
    }
    return true;
}

/* By the ecosystem; where that is not known, a range that says so is SemVer. */
static const struct version_scheme *scheme_of(str ecosystem, str type)
{
    const struct version_scheme *scheme = ecosystem_scheme(ecosystem);
    return scheme || !str_eq(type, STR("SEMVER")) ? scheme : version_find(STR("semver"));
}

/* --- ranges
 * ------------------------------------------------------------------------------------------ */

enum event_kind { EVENT_FIXED, EVENT_LAST_AFFECTED, EVENT_LIMIT, EVENT_INTRODUCED };
struct event {
    enum event_kind kind;
    str version;
};
typedef VEC(struct event) events;

static bool event_add(struct parsing *p, const json_t *object, events *list)
{
    static const char *const names[] = {[EVENT_FIXED] = "fixed",
                                        [EVENT_LAST_AFFECTED] = "last_affected",
                                        [EVENT_LIMIT] = "limit",
                                        [EVENT_INTRODUCED] = "introduced"};
    size_t before = list->len;
    for (size_t kind = 0; kind < ARRAY_LEN(names); kind++) {
        const json_t *value = json_object_get(object, names[kind]);
        if (!value)
            continue;
        if (!json_is_string(value) || str_is_empty(json_str_of(value)))
            return err_set(p->err, ERR_FORMAT, "event %s without a version", names[kind]);
        struct event *event = vec_push(p->arena, list);
        if (!event)
            return memory(p);
        event->kind = (enum event_kind)kind;
        if (!keep(p, json_str_of(value), &event->version))
            return false;
    }
    return list->len > before ? true : err_set(p->err, ERR_FORMAT, "an event of no known kind");
}

/* "0" comes before every version; a `limit` of "*" behind every. */
static bool is_after(const struct version_scheme *scheme, const struct event *a,
                     const struct event *b)
{
    bool a_is_first = a->kind == EVENT_INTRODUCED && str_eq(a->version, STR("0"));
    bool b_is_first = b->kind == EVENT_INTRODUCED && str_eq(b->version, STR("0"));
    if (a_is_first || b_is_first)
        return !a_is_first;
    if (!scheme)
        return false;
    enum version_order order = scheme->cmp(a->version, b->version);
    /* What ends at a version comes before what begins there, but last_affected includes it. */
    if (order == VERSION_EQUAL)
        return (b->kind != EVENT_INTRODUCED && a->kind == EVENT_INTRODUCED &&
                b->kind != EVENT_LAST_AFFECTED) ||
               (a->kind == EVENT_LAST_AFFECTED && b->kind == EVENT_INTRODUCED);
    return order == VERSION_GREATER;
}

/* Insertion sort: stable, and lists are short; a long one that is unsorted is not worth a day. */
enum { SORT_MAX = 2048 };

static void sort_events(const struct version_scheme *scheme, events *list)
{
    if (list->len > SORT_MAX)
        return;
    for (size_t i = 1; i < list->len; i++) {
        struct event event = list->ptr[i];
        size_t at = i;
        for (; at > 0 && is_after(scheme, &list->ptr[at - 1], &event); at--)
            list->ptr[at] = list->ptr[at - 1];
        list->ptr[at] = event;
    }
}

/* Introduced opens, fixed, last_affected and limit close.  An end without a beginning is taken to
 * hold from the first version, a second beginning changes nothing: when in doubt, affected. */
static bool intervals(struct parsing *p, const events *list, struct affected *out)
{
    struct version_range range = {0};
    bool is_open = false, has_any = false;
    for (size_t i = 0; i < list->len; i++) {
        const struct event *event = &list->ptr[i];
        if (event->kind == EVENT_INTRODUCED) {
            if (!is_open)
                range = (struct version_range){.introduced = event->version};
            is_open = true;
            continue;
        }
        if (event->kind == EVENT_LIMIT && str_eq(event->version, STR("*")))
            continue;
        if (event->kind == EVENT_FIXED)
            out->state = FIX_FIXED;
        if (!is_open && has_any)
            continue; /* a fix behind another fix adds nothing */
        if (!is_open)
            range = (struct version_range){.introduced = STR("0")};
        *(event->kind == EVENT_LAST_AFFECTED ? &range.last_affected : &range.fixed) =
            event->version;
        struct version_range *slot = vec_push(p->arena, &out->ranges);
        if (!slot)
            return memory(p);
        *slot = range;
        is_open = false;
        has_any = true;
    }
    struct version_range *slot = is_open ? vec_push(p->arena, &out->ranges) : NULL;
    if (is_open && !slot)
        return memory(p);
    if (is_open)
        *slot = range;
    return true;
}

static bool read_ranges(struct parsing *p, const json_t *object, struct record_entry *entry)
{
    const json_t *ranges = json_object_get(object, "ranges");
    if (ranges && !json_is_null(ranges) && !json_is_array(ranges))
        return err_set(p->err, ERR_FORMAT, "ranges are not a list");
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        const json_t *range = json_array_get(ranges, i);
        str type = json_str(range, "type");
        events list = {0};
        if (str_eq(type, STR("GIT")))
            continue;
        if (!str_eq(type, STR("ECOSYSTEM")) && !str_eq(type, STR("SEMVER")))
            return err_set(p->err, ERR_FORMAT, "a range of type " STR_FMT, STR_ARG(type));
        const json_t *items = json_arr(range, "events");
        for (size_t j = 0; j < json_array_size(items); j++) {
            if (!event_add(p, json_array_get(items, j), &list))
                return false;
        }
        if (!list.len)
            return err_set(p->err, ERR_FORMAT, "a range without events");
        sort_events(scheme_of(entry->ecosystem, type), &list);
        if (!intervals(p, &list, &entry->affected))
            return false;
    }
    return true;
}

/* --- severities
 * ------------------------------------------------------------------------------------------ */

static str cvss_version(str vector)
{
    str head, rest;
    if (str_starts(vector, STR("CVSS:")) && str_cut_byte(str_skip(vector, 5), '/', &head, &rest))
        return head;
    return STR("2.0");
}

static bool add_cvss(struct parsing *p, str vector)
{
    struct err ignored = {0};
    for (size_t i = 0; i < p->record->advisory.cvss.len; i++) {
        if (str_eq(p->record->advisory.cvss.ptr[i].vector, vector))
            return true;
    }
    struct cvss *cvss = vec_push(p->arena, &p->record->advisory.cvss);
    if (!cvss)
        return memory(p);
    cvss->is_scored = cvss_score(vector, &cvss->score, &ignored);
    if (!cvss->is_scored)
        cvss->score = 0;
    cvss->source = STR("osv");
    return keep(p, vector, &cvss->vector) && keep(p, cvss_version(vector), &cvss->version);
}

/* "CVSS_V3" with a vector; a publisher's own words are osv_own_severity's. */
static bool read_scores(struct parsing *p, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        str score = json_str(item, "score");
        if (str_starts(json_str(item, "type"), STR("CVSS")) && score.len && !add_cvss(p, score))
            return false;
    }
    return true;
}

/* --- affected
 * -----------------------------------------------------------------------------------------------
 */

/* One entry for each name that the ecosystem is asked for by; lists are shared. */
static bool push_entry(struct parsing *p, str ecosystem, const struct record_entry *entry)
{
    strs names = {0};
    if (!osv_ecosystems(ecosystem, p->arena, &names, p->err))
        return false;
    for (size_t i = 0; i < names.len; i++) {
        struct record_entry *slot = vec_push(p->arena, &p->record->entries);
        if (!slot)
            return memory(p);
        *slot = *entry;
        slot->ecosystem = names.ptr[i];
    }
    return true;
}

static bool read_entry(struct parsing *p, const json_t *object)
{
    const json_t *package = json_obj(object, "package");
    str name = json_str(package, "name"), ecosystem = json_str(package, "ecosystem");
    struct record_entry entry = {.ecosystem = ecosystem};
    struct affected *affected = &entry.affected;
    if (!package)
        return true; /* a commit range only: no package is spoken of */
    if (str_is_empty(name) || str_is_empty(ecosystem))
        return err_set(p->err, ERR_FORMAT, "an affected package without a name or ecosystem");
    if (!keep(p, name, &entry.package) || !read_ranges(p, object, &entry) ||
        !push_all(p, object, "versions", &affected->versions))
        return false;
    if (affected->state == FIX_UNKNOWN && (affected->ranges.len || affected->versions.len))
        affected->state = FIX_AFFECTED;
    affected->severity = osv_own_severity(json_arr(object, "severity"));
    return read_scores(p, json_arr(object, "severity")) &&
           osv_specifics(object, p->arena, &entry, p->err) && push_entry(p, ecosystem, &entry);
}

/* --- what the record as a whole says of its packages
 * ------------------------------------------------------ */

static bool has_module_build(const struct affected *affected)
{
    for (size_t i = 0; i < affected->ranges.len; i++) {
        if (str_has(affected->ranges.ptr[i].fixed, STR(".module")))
            return true;
    }
    return false;
}

static bool is_rpm_erratum(str ecosystem)
{
    return str_starts(ecosystem, STR("AlmaLinux:")) || str_starts(ecosystem, STR("Rocky Linux:")) ||
           str_starts(ecosystem, STR("Red Hat:"));
}

/* Own rating and module stream of an erratum are in its title; Ubuntu's rating in the record's. */
static void describe_entries(struct parsing *p)
{
    str title = p->record->advisory.title, module = osv_module(title);
    for (size_t i = 0; i < p->record->entries.len; i++) {
        struct record_entry *entry = &p->record->entries.ptr[i];
        struct affected *affected = &entry->affected;
        bool is_erratum = is_rpm_erratum(entry->ecosystem);
        if (affected->severity == SEVERITY_UNKNOWN && osv_is_distribution(entry->ecosystem))
            affected->severity = p->own;
        if (affected->severity == SEVERITY_UNKNOWN && is_erratum)
            affected->severity = osv_title_severity(title);
        if (is_erratum && has_module_build(affected))
            affected->module = module;
    }
}

static str entry_key(struct parsing *p, str ecosystem, str package)
{
    return arena_printf(p->arena, STR_FMT "/" STR_FMT, STR_ARG(ecosystem), STR_ARG(package));
}

/* "Ubuntu:Pro:14.04:LTS" → "Ubuntu:14.04:LTS"; empty for products of their own behind Pro
 * ("Ubuntu:Pro:FIPS:20.04:LTS") and for all others. */
static bool unsubscribed(struct parsing *p, str ecosystem, str *out)
{
    str pro = STR("Ubuntu:Pro:"), year, rest;
    uint64_t number;
    *out = STR_NONE;
    (void)str_cut_byte(str_skip(ecosystem, pro.len), '.', &year, &rest);
    if (!str_starts(ecosystem, pro) || !str_to_u64(year, 99, &number))
        return true;
    *out = arena_printf(p->arena, "Ubuntu:" STR_FMT, STR_ARG(str_skip(ecosystem, pro.len)));
    return out->ptr ? true : memory(p);
}

static bool move_subscribed(struct parsing *p)
{
    struct map said;
    struct record *record = p->record;
    map_init(&said, p->arena);
    for (size_t i = 0; i < record->entries.len; i++) {
        const struct record_entry *entry = &record->entries.ptr[i];
        if (!str_starts(entry->ecosystem, STR("Ubuntu:")))
            continue;
        str key = entry_key(p, entry->ecosystem, entry->package);
        if (!key.ptr || !map_put(&said, key, record))
            return memory(p);
    }
    for (size_t i = 0; said.len && i < record->entries.len; i++) {
        struct record_entry *entry = &record->entries.ptr[i];
        str base;
        if (!unsubscribed(p, entry->ecosystem, &base))
            return false;
        str key = entry_key(p, base, entry->package);
        if (!key.ptr)
            return memory(p);
        if (base.len && !map_get(&said, key))
            entry->ecosystem = base;
    }
    return true;
}

/* --- the record
 * --------------------------------------------------------------------------------------------------
 */

static bool is_of_distribution(const struct record *record)
{
    for (size_t i = 0; i < record->entries.len; i++) {
        if (!osv_is_distribution(record->entries.ptr[i].ecosystem))
            return false;
    }
    return record->entries.len > 0;
}

/* A distribution's advisory: the CVEs of @list are what it fixes. */
static bool name_fixed(struct parsing *p, const strs *list)
{
    for (size_t i = 0; i < list->len; i++) {
        str cve = cve_first(list->ptr[i]);
        if (cve.len && !push(p, &p->record->advisory.aliases, cve))
            return false;
    }
    return true;
}

static bool read_names(struct parsing *p, const json_t *root)
{
    struct advisory *advisory = &p->record->advisory;
    strs upstream = {0};
    if (!push_all(p, root, "aliases", &advisory->aliases) ||
        !push_all(p, root, "related", &advisory->related) ||
        !push_all(p, root, "upstream", &upstream))
        return false;
    bool is_fix = !cve_first(advisory->id).len && is_of_distribution(p->record);
    if (is_fix && (!name_fixed(p, &upstream) || !name_fixed(p, &advisory->related)))
        return false;
    for (size_t i = 0; i < upstream.len; i++) {
        str id = advisory->id, name = upstream.ptr[i];
        bool is_same = id.len > name.len && str_ends(id, name) &&
                       str_ends(str_slice(id, 0, id.len - name.len), STR("-"));
        /* a CGA is of one vulnerability, whatever that is called */
        is_same = is_same || str_starts(id, STR("CGA-"));
        if (!push(p, is_same ? &advisory->aliases : &advisory->related, name))
            return false;
    }
    return true;
}

static bool read_references(struct parsing *p, const json_t *root)
{
    const json_t *list = json_arr(root, "references");
    for (size_t i = 0; i < json_array_size(list); i++) {
        str url = json_str(json_array_get(list, i), "url");
        if (!str_is_empty(url) && !push(p, &p->record->advisory.references, url))
            return false;
    }
    return true;
}

static bool read_ratings(struct parsing *p, const json_t *root)
{
    const json_t *list = json_arr(root, "severity");
    enum severity word = p->own = osv_own_severity(list);
    str severity = json_str(json_obj(root, "database_specific"), "severity");
    if (!read_scores(p, list))
        return false;
    if (word == SEVERITY_UNKNOWN && !severity_parse(severity, &word))
        return true;
    struct rating *rating =
        word == SEVERITY_UNKNOWN ? NULL : vec_push(p->arena, &p->record->advisory.ratings);
    if (rating)
        *rating = (struct rating){.source = STR("osv"), .severity = word};
    return rating || word == SEVERITY_UNKNOWN || memory(p);
}

static bool has_cve(const strs *names)
{
    for (size_t i = 0; i < names->len; i++) {
        if (cve_first(names->ptr[i]).len)
            return true;
    }
    return false;
}

static bool read_entries(struct parsing *p, const json_t *root)
{
    const json_t *list = json_object_get(root, "affected");
    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(p->err, ERR_FORMAT, "affected is not a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_entry(p, json_array_get(list, i)))
            return p->err->kind == ERR_FORMAT && err_wrap(p->err, "affected %zu", i);
    }
    describe_entries(p);
    return move_subscribed(p);
}

static bool read_record(struct parsing *p, const json_t *root)
{
    struct advisory *advisory = &p->record->advisory;
    str id = json_str(root, "id");
    if (str_is_empty(id))
        return err_set(p->err, ERR_FORMAT, "a record without an id");
    bool is_ok = keep(p, id, &advisory->id) &&
                 keep(p, json_str(root, "summary"), &advisory->title) &&
                 keep(p, json_str(root, "details"), &advisory->description) &&
                 keep(p, json_str(root, "published"), &advisory->published) &&
                 keep(p, json_str(root, "modified"), &advisory->modified) &&
                 keep(p, json_str(root, "withdrawn"), &advisory->withdrawn) &&
                 read_references(p, root) && read_ratings(p, root) &&
                 push_all(p, json_obj(root, "database_specific"), "cwe_ids", &advisory->cwes) &&
                 read_entries(p, root) && read_names(p, root);
    advisory->revision = advisory->modified;
    if (is_ok && osv_is_bug_fix(id) && !has_cve(&advisory->aliases))
        p->record->entries.len = 0;
    return is_ok;
}

bool osv_record_parse(str text, struct arena *arena, struct record *out, struct err *err)
{
    auto_json *root = NULL;
    *out = (struct record){0};
    struct parsing parsing = {.arena = arena, .err = err, .record = out};
    return json_read(text, &root, err) && read_record(&parsing, root);
}
