/* SPDX-License-Identifier: Apache-2.0 */
/* osv_record.c - one record of the OSV schema (ossf.github.io/osv-schema, 1.0 to 1.7).
 *
 * - Events are walked in version order where the ecosystem's comparator is known, as the schema's
 *   evaluation does, else in the order written.  `limit` ends a range like a fix but is none: the
 * fix state stays "affected".
 * - GIT ranges speak of commits, not of packages: left out, which the schema foresees.
 * - `upstream` is related, not an alias; but a distribution's own name of one vulnerability
 *   ("DEBIAN-CVE-2021-1" upstream "CVE-2021-1") is the same vulnerability, hence an alias. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"
#include "version/version.h"

struct parsing {
    struct arena *arena;
    struct err *err;
    struct record *record;
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
    struct cvss *cvss = vec_push(p->arena, &p->record->advisory.cvss);
    if (!cvss)
        return memory(p);
    cvss->is_scored = cvss_score(vector, &cvss->score, &ignored);
    if (!cvss->is_scored)
        cvss->score = 0;
    cvss->source = STR("osv");
    return keep(p, vector, &cvss->vector) && keep(p, cvss_version(vector), &cvss->version);
}

/* "CVSS_V3" with a vector, or a publisher's own word, as "Ubuntu": "medium". */
static bool read_severities(struct parsing *p, const json_t *object, enum severity *own)
{
    const json_t *list = json_arr(object, "severity");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        str type = json_str(item, "type"), score = json_str(item, "score");
        enum severity severity;
        if (str_starts(type, STR("CVSS"))) {
            if (!str_is_empty(score) && !add_cvss(p, score))
                return false;
        } else if (severity_parse(score, &severity)) {
            *own = severity;
        }
    }
    return true;
}

static void word_severity(const json_t *object, const char *key, enum severity *own)
{
    enum severity severity;
    str word = json_str(object, key);
    if (*own == SEVERITY_UNKNOWN && !str_is_empty(word) && severity_parse(word, &severity))
        *own = severity;
}

/* --- affected
 * -----------------------------------------------------------------------------------------------
 */

/* Debian's urgency also says when nothing will come. */
static void read_urgency(const json_t *specific, struct affected *out)
{
    if (str_eq(json_str(specific, "urgency"), STR("end-of-life")) && out->state != FIX_FIXED)
        out->state = FIX_END_OF_LIFE;
}

/* A module's stream, as titles of rpm advisories name it: "Important: nodejs:18 security update",
 * "Moderate: httpd:2.4/mod_http2 security update".  Empty when the title names none. */
static str stream_in(str title)
{
    str word, name, stream, rest;
    while (str_next(&title, ' ', &word)) {
        (void)str_cut_byte(word, '/', &word, &rest);
        if (str_cut_byte(word, ':', &name, &stream) && name.len && stream.len &&
            name.ptr[0] >= 'a' && name.ptr[0] <= 'z' && str_find_byte(stream, ':') == stream.len)
            return word;
    }
    return STR_NONE;
}

/* AlmaLinux and Rocky say only there which stream a module's builds are of. */
static void read_module(const struct parsing *p, struct affected *out)
{
    bool is_modular = false;
    for (size_t i = 0; i < out->ranges.len; i++)
        is_modular = is_modular || str_has(out->ranges.ptr[i].fixed, STR(".module_")) ||
                     str_has(out->ranges.ptr[i].fixed, STR(".module+"));
    if (is_modular)
        out->module = stream_in(p->record->advisory.title);
}

static bool read_entry(struct parsing *p, const json_t *object)
{
    const json_t *package = json_obj(object, "package");
    str name = json_str(package, "name"), ecosystem = json_str(package, "ecosystem");
    if (!package)
        return true; /* a commit range only: no package is spoken of */
    if (str_is_empty(name) || str_is_empty(ecosystem))
        return err_set(p->err, ERR_FORMAT, "an affected package without a name or ecosystem");
    struct record_entry *entry = vec_push(p->arena, &p->record->entries);
    if (!entry)
        return memory(p);
    struct affected *affected = &entry->affected;
    if (!keep(p, name, &entry->package) || !keep(p, ecosystem, &entry->ecosystem) ||
        !read_ranges(p, object, entry) || !push_all(p, object, "versions", &affected->versions))
        return false;
    if (affected->state == FIX_UNKNOWN && (affected->ranges.len || affected->versions.len))
        affected->state = FIX_AFFECTED;
    const json_t *own = json_obj(object, "ecosystem_specific");
    if (!read_severities(p, object, &affected->severity))
        return false;
    word_severity(own, "severity", &affected->severity);
    word_severity(own, "urgency", &affected->severity);
    word_severity(json_obj(object, "database_specific"), "severity", &affected->severity);
    read_urgency(own, affected);
    read_module(p, affected);
    return true;
}

/* --- the record
 * --------------------------------------------------------------------------------------------------
 */

static bool read_names(struct parsing *p, const json_t *root)
{
    struct advisory *advisory = &p->record->advisory;
    strs upstream = {0};
    if (!push_all(p, root, "aliases", &advisory->aliases) ||
        !push_all(p, root, "related", &advisory->related) ||
        !push_all(p, root, "upstream", &upstream))
        return false;
    for (size_t i = 0; i < upstream.len; i++) {
        str id = advisory->id, name = upstream.ptr[i];
        bool is_same = id.len > name.len && str_ends(id, name) &&
                       str_ends(str_slice(id, 0, id.len - name.len), STR("-"));
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
    enum severity own = SEVERITY_UNKNOWN;
    if (!read_severities(p, root, &own))
        return false;
    word_severity(json_obj(root, "database_specific"), "severity", &own);
    if (own == SEVERITY_UNKNOWN)
        return true;
    struct rating *rating = vec_push(p->arena, &p->record->advisory.ratings);
    if (!rating)
        return memory(p);
    *rating = (struct rating){.source = STR("osv"), .severity = own};
    return true;
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
                 read_names(p, root) && read_references(p, root) && read_ratings(p, root);
    advisory->revision = advisory->modified;
    const json_t *list = json_object_get(root, "affected");
    if (is_ok && list && !json_is_null(list) && !json_is_array(list))
        return err_set(p->err, ERR_FORMAT, "affected is not a list");
    for (size_t i = 0; is_ok && i < json_array_size(list); i++)
        is_ok = read_entry(p, json_array_get(list, i)) ||
                (p->err->kind == ERR_FORMAT && err_wrap(p->err, "affected %zu", i));
    return is_ok;
}

bool osv_record_parse(str text, struct arena *arena, struct record *out, struct err *err)
{
    auto_json *root = NULL;
    *out = (struct record){0};
    struct parsing parsing = {.arena = arena, .err = err, .record = out};
    return json_read(text, &root, err) && read_record(&parsing, root);
}
