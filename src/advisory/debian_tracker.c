/* SPDX-License-Identifier: Apache-2.0 */
/* debian_tracker.c - the data of Debian's security tracker, one JSON document of some 70 MB:
 *
 *     { SOURCE: { CVE: { description, debianbug, scope, releases: {
 *         CODENAME: { status, fixed_version, urgency, nodsa, nodsa_reason, repositories } } } } }
 *
 * The text is cut into its packages (json_members.c); only one of them is a tree at a time.  What a
 * release says:
 *     resolved, version V       fixed: affected below V
 *     resolved, version "0"     not affected
 *     open                      affected, no fix yet; by nodsa_reason: "ignored" will not be fixed,
 *                               "postponed" is deferred, none (a minor issue) stays affected
 *     open, urgency end-of-life no fix will come
 *     undetermined              unknown, and of every version: nobody has looked, so it is shown.
 *                               It is not "not affected", and nothing that could not be compared
 *     anything else             unknown, with a notice
 * The urgency is Debian's own rating ("high**" is the machine's guess; the stars say so and go);
 * nodsa's words and an urgency that is no rating are the statement's note.
 * A release is covered when the tracker speaks of it at all.  sid is left out: debian_codenames.c.
 */
#include "advisory/internal.h"
#include "base/limits.h"
#include "syntax/syntax.h"

static const uint64_t FILE_MEMORY = 4 * GIB;

struct tracker {
    struct feed_reader *reader;
    struct arena *arena;
    struct record_set records;
    struct map releases; /* codename → itself: those it speaks of */
    str document;
};

/* The pieces of one statement, borrowed from the tree. */
struct claim {
    str id, package, codename;
    const json_t *release;
};

/* --- one release
 * ---------------------------------------------------------------------------------------- */

static bool every_version(struct tracker *tracker, struct affected *affected, struct err *err)
{
    return range_add(tracker->arena, affected, (struct version_range){.introduced = STR("0")}, err);
}

static str without_stars(str urgency)
{
    while (str_ends(urgency, STR("*")))
        urgency = str_slice(urgency, 0, urgency.len - 1);
    return urgency;
}

static bool note(struct tracker *tracker, const struct claim *claim, struct affected *affected,
                 struct err *err)
{
    str nodsa = json_str(claim->release, "nodsa");
    str reason = json_str(claim->release, "nodsa_reason");
    str urgency = without_stars(json_str(claim->release, "urgency"));
    bool has_nodsa = json_object_get(claim->release, "nodsa") != NULL;
    if (has_nodsa)
        affected->note = arena_printf(tracker->arena, STR_FMT "%s" STR_FMT,
                                      STR_ARG(str_is_empty(reason) ? STR("no-dsa") : reason),
                                      str_is_empty(nodsa) ? "" : ": ", STR_ARG(nodsa));
    else if (str_eq(urgency, STR("unimportant")) || str_eq(urgency, STR("end-of-life")))
        affected->note = arena_dup(tracker->arena, urgency);
    return (!has_nodsa && affected->note.len == 0) || affected->note.ptr || err_memory(err);
}

static enum fix_state open_state(const json_t *release)
{
    str reason = json_str(release, "nodsa_reason");
    if (str_eq(json_str(release, "urgency"), STR("end-of-life")))
        return FIX_END_OF_LIFE;
    if (str_eq(reason, STR("ignored")))
        return FIX_WILL_NOT_FIX;
    return str_eq(reason, STR("postponed")) ? FIX_DEFERRED : FIX_AFFECTED;
}

static bool add_resolved(struct tracker *tracker, str fixed, struct affected *affected,
                         struct err *err)
{
    if (str_eq(fixed, STR("0"))) {
        affected->state = FIX_NOT_AFFECTED;
        return true;
    }
    struct version_range range = {.introduced = STR("0"),
                                  .fixed = arena_dup(tracker->arena, fixed)};
    affected->state = FIX_FIXED;
    return range.fixed.ptr ? range_add(tracker->arena, affected, range, err) : err_memory(err);
}

static bool add_state(struct tracker *tracker, const struct claim *claim, struct affected *affected,
                      struct err *err)
{
    str status = json_str(claim->release, "status");
    str fixed = json_str(claim->release, "fixed_version");
    if (str_eq(status, STR("resolved")) && !str_is_empty(fixed))
        return add_resolved(tracker, fixed, affected, err);
    if (str_eq(status, STR("open"))) {
        affected->state = open_state(claim->release);
        return every_version(tracker, affected, err);
    }
    affected->state = FIX_UNKNOWN;
    if (str_is_empty(affected->note))
        affected->note = arena_dup(tracker->arena, status);
    if (!affected->note.ptr)
        return err_memory(err);
    if (!every_version(tracker, affected, err))
        return false;
    return str_eq(status, STR("undetermined")) ||
           feed_notice(tracker->reader, NOTICE_ADVISORY, tracker->document, err,
                       STR_FMT " in " STR_FMT " of " STR_FMT ": status \"" STR_FMT
                               "\" without a version is taken as unknown",
                       STR_ARG(claim->id), STR_ARG(claim->package), STR_ARG(claim->codename),
                       STR_ARG(status));
}

/* True also for a release that is left out: *ecosystem is empty then. */
static bool release_of(struct tracker *tracker, str codename, str *ecosystem, struct err *err)
{
    *ecosystem = debian_ecosystem(codename);
    if (map_get(&tracker->releases, codename))
        return true;
    str copy = arena_dup(tracker->arena, codename);
    if (!copy.ptr || !map_put(&tracker->releases, copy, tracker))
        return err_memory(err);
    return debian_codename_is_known(codename) ||
           feed_notice(tracker->reader, NOTICE_ADVISORY, tracker->document, err,
                       "a release called " STR_FMT " is not known: left out", STR_ARG(codename));
}

static bool add_release(struct tracker *tracker, struct set_record *record,
                        const struct claim *claim, struct err *err)
{
    enum severity severity;
    str ecosystem;
    if (!release_of(tracker, claim->codename, &ecosystem, err))
        return false;
    if (str_is_empty(ecosystem))
        return true;
    struct affected *affected =
        record_set_entry(&tracker->records, record, ecosystem, claim->package, err);
    if (!affected)
        return false;
    if (severity_parse(without_stars(json_str(claim->release, "urgency")), &severity))
        affected->severity = severity;
    return note(tracker, claim, affected, err) && add_state(tracker, claim, affected, err);
}

/* --- one vulnerability of one package
 * ------------------------------------------------------------------- */

static bool describe(struct tracker *tracker, const json_t *issue, struct advisory *advisory,
                     struct err *err)
{
    str words = json_str(issue, "description");
    int64_t bug = json_int(issue, "debianbug", 0);
    if (str_is_empty(advisory->description) && !str_is_empty(words)) {
        advisory->description = arena_dup(tracker->arena, words);
        if (!advisory->description.ptr)
            return err_memory(err);
    }
    if (bug <= 0)
        return true;
    str url = arena_printf(tracker->arena, "https://bugs.debian.org/%lld", (long long)bug);
    return url.ptr ? strs_push(tracker->arena, &advisory->references, url, err) : err_memory(err);
}

static bool add_issue(struct tracker *tracker, str package, const char *name, const json_t *issue,
                      struct err *err)
{
    const char *codename;
    json_t *release, *releases = json_object_get(issue, "releases");
    str id = arena_dup(tracker->arena, str_from(name));
    if (!id.ptr)
        return err_memory(err);
    if (!json_is_object(releases) && json_array_size(releases) > 0)
        return feed_notice(tracker->reader, NOTICE_ADVISORY, tracker->document, err,
                           STR_FMT " in " STR_FMT ": not read: releases are no map", STR_ARG(id),
                           STR_ARG(package));
    struct set_record *record = record_set_at(&tracker->records, id, err);
    if (!record || !describe(tracker, issue, &record->record.advisory, err))
        return false;
    json_object_foreach(releases, codename, release)
    {
        struct claim claim = {
            .id = id, .package = package, .codename = str_from(codename), .release = release};
        if (!add_release(tracker, record, &claim, err))
            return false;
    }
    return true;
}

/* --- the document
 * -------------------------------------------------------------------------------------- */

static bool add_issues(struct tracker *tracker, str package, const json_t *root, struct err *err)
{
    const char *id;
    json_t *issue, *issues = json_incref((json_t *)(uintptr_t)root);
    bool is_ok = true;
    json_object_foreach(issues, id, issue)
    {
        is_ok = is_ok && add_issue(tracker, package, id, issue, err);
    }
    json_decref(issues);
    return is_ok;
}

static bool add_package(struct tracker *tracker, str name, str value, struct err *err)
{
    struct err why = {0};
    auto_json *issues = NULL;
    str package;
    if (cancel_is(tracker->reader->spec->cancel, err))
        return false;
    if (!json_member_name(tracker->arena, name, &package, &why))
        return feed_broken(tracker->reader, tracker->document, name, &why, err);
    if (!json_read(value, &issues, &why))
        return feed_broken(tracker->reader, tracker->document, package, &why, err);
    if (!json_is_object(issues))
        return feed_notice(tracker->reader, NOTICE_ADVISORY, tracker->document, err,
                           STR_FMT ": not read: not a map", STR_ARG(package));
    return add_issues(tracker, package, issues, err);
}

/* A document that is cut off fails the source: half of it would hide the rest. */
static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct tracker *tracker = ctx;
    struct json_members members;
    enum next next;
    str key, value;
    (void)arena;
    tracker->document = arena_dup(tracker->arena, name);
    if (!tracker->document.ptr)
        return err_memory(err);
    json_members_init(&members, text);
    while ((next = json_members_next(&members, &key, &value, err)) == NEXT_ITEM) {
        if (!add_package(tracker, key, value, err))
            return false;
    }
    return next == NEXT_END || err_wrap(err, STR_FMT, STR_ARG(name));
}

static bool write_all(struct tracker *tracker, struct err *err)
{
    if (!tracker->records.by_id.len)
        return err_set(err, ERR_FORMAT, STR_FMT ": says nothing of any package",
                       STR_ARG(tracker->reader->state->url));
    for (size_t i = 0; i < tracker->releases.len; i++) {
        str ecosystem = debian_ecosystem(tracker->releases.entries[i].key);
        if (!str_is_empty(ecosystem) && !feed_covers(tracker->reader, ecosystem, err))
            return false;
    }
    return record_set_write(&tracker->records, err);
}

static bool debian_tracker_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {"json", NULL};
    struct arena arena;
    arena_init(&arena, FILE_MEMORY);
    struct tracker tracker = {.reader = reader, .arena = &arena};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_DOCUMENT), .take = take, .ctx = &tracker};
    record_set_init(&tracker.records, reader, &arena);
    map_init(&tracker.releases, &arena);
    bool is_ok = feed_documents(reader, feed_place(reader), &spec, err) && write_all(&tracker, err);
    arena_fini(&arena);
    return is_ok;
}

const struct feed feed_debian_tracker = {
    .name = "debian-tracker",
    .summary = "Debian's security tracker: the state of every CVE in every release",
    .default_url = "https://security-tracker.debian.org/tracker/data/json",
    .licence = "none stated (published by Debian for public use)",
    .cadence = "hourly",
    .read = debian_tracker_read,
};
