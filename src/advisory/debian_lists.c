/* SPDX-License-Identifier: Apache-2.0 */
/* debian_lists.c - the lists of Debian's advisories (DSA) and of its long-term support (DLA):
 * DSA/list and DLA/list below the place, or the place is one of them.
 *
 * A record is an advisory, by its id; the CVEs that it names are its aliases.  Several CVEs of one
 * DSA do not become one finding: the match gives one claim to each (match/identity.c).  What a line
 * says:
 *     a version          fixed: affected below it
 *     <not-affected>     not affected
 *     <unfixed>          affected, no fix yet
 *     <no-dsa>           the same: a minor issue
 *     <ignored>          will not be fixed     <postponed>     deferred
 *     <end-of-life>      no fix will come      <undetermined>  unknown, of every version
 * A regression update that names no CVE mends what an earlier advisory broke: no vulnerability, so
 * its record makes no statement; one that is called anything else stands under its own id.
 * A release is covered when some advisory speaks of it: the security team writes one for whatever
 * it fixes there.  sid is left out: debian_codenames.c. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

static const uint64_t FILE_MEMORY = 2 * GIB;

struct lists {
    struct feed_reader *reader;
    struct arena *arena;
    struct record_set records;
    struct map releases;
    str document;
};

static const struct {
    const char *word;
    enum fix_state state;
} STATES[] = {
    {"<not-affected>", FIX_NOT_AFFECTED}, {"<unfixed>", FIX_AFFECTED},
    {"<no-dsa>", FIX_AFFECTED},           {"<ignored>", FIX_WILL_NOT_FIX},
    {"<postponed>", FIX_DEFERRED},        {"<end-of-life>", FIX_END_OF_LIFE},
    {"<undetermined>", FIX_UNKNOWN},
};

static bool note(struct lists *lists, const struct debian_fix *fix, struct affected *affected,
                 struct err *err)
{
    str word = str_slice(fix->version, 1, fix->version.len - 1);
    affected->note = arena_printf(lists->arena, STR_FMT "%s" STR_FMT, STR_ARG(word),
                                  fix->words.len ? ": " : "", STR_ARG(fix->words));
    return affected->note.ptr ? true : err_memory(err);
}

/* A word that we do not know is unknown, of every version. */
static bool add_word(struct lists *lists, const struct debian_notice *notice,
                     const struct debian_fix *fix, struct affected *affected, struct err *err)
{
    size_t i = 0;
    while (i < ARRAY_LEN(STATES) && !str_eq(fix->version, str_from(STATES[i].word)))
        i++;
    affected->state = i < ARRAY_LEN(STATES) ? STATES[i].state : FIX_UNKNOWN;
    if (!note(lists, fix, affected, err))
        return false;
    if (i == ARRAY_LEN(STATES) && !feed_notice(lists->reader, NOTICE_ADVISORY, lists->document, err,
                                               STR_FMT ": " STR_FMT " is taken as unknown",
                                               STR_ARG(notice->id), STR_ARG(fix->version)))
        return false;
    return affected->state == FIX_NOT_AFFECTED ||
           range_add(lists->arena, affected, (struct version_range){.introduced = STR("0")}, err);
}

static bool add_fix(struct lists *lists, struct set_record *record,
                    const struct debian_notice *notice, const struct debian_fix *fix,
                    struct err *err)
{
    str ecosystem = debian_ecosystem(fix->codename);
    if (!debian_codename_is_known(fix->codename) && !map_get(&lists->releases, fix->codename) &&
        !feed_notice(lists->reader, NOTICE_ADVISORY, lists->document, err,
                     STR_FMT ": a release called " STR_FMT " is not known: left out",
                     STR_ARG(notice->id), STR_ARG(fix->codename)))
        return false;
    if (!map_put(&lists->releases, fix->codename, lists))
        return err_memory(err);
    if (str_is_empty(ecosystem))
        return true;
    struct affected *affected =
        record_set_entry(&lists->records, record, ecosystem, fix->package, err);
    if (!affected)
        return false;
    if (str_starts(fix->version, STR("<")))
        return add_word(lists, notice, fix, affected, err);
    affected->state = FIX_FIXED;
    struct version_range range = {.introduced = STR("0"), .fixed = fix->version};
    return range_add(lists->arena, affected, range, err);
}

static bool add_notice(struct lists *lists, const struct debian_notice *notice, struct err *err)
{
    struct set_record *record = record_set_at(&lists->records, notice->id, err);
    if (!record)
        return false;
    struct advisory *advisory = &record->record.advisory;
    str url = arena_printf(lists->arena, "https://security-tracker.debian.org/tracker/" STR_FMT,
                           STR_ARG(notice->id));
    if (!url.ptr)
        return err_memory(err);
    advisory->title = notice->title;
    advisory->published = notice->published;
    bool is_ok = strs_push(lists->arena, &advisory->references, url, err);
    for (size_t i = 0; is_ok && i < notice->ids.len; i++)
        is_ok = strs_push(lists->arena, &advisory->aliases, notice->ids.ptr[i], err);
    bool is_regression = !notice->ids.len && str_has(notice->title, STR("regression"));
    for (size_t i = 0; is_ok && !is_regression && i < notice->fixes.len; i++)
        is_ok = add_fix(lists, record, notice, &notice->fixes.ptr[i], err);
    return is_ok;
}

/* Other lists lie beside them (CVE/list, in a form of its own). */
static bool is_ours(str name)
{
    return str_eq(name, STR("list")) || str_ends(name, STR("DSA/list")) ||
           str_ends(name, STR("DLA/list"));
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct lists *lists = ctx;
    struct debian_list list;
    (void)arena; /* the records outlive it */
    if (!is_ours(name))
        return true;
    lists->document = arena_dup(lists->arena, name);
    str copy = arena_dup(lists->arena, text);
    if (!copy.ptr || !lists->document.ptr)
        return err_memory(err);
    if (!debian_list_parse(copy, lists->arena, &list, err))
        return err_wrap(err, STR_FMT, STR_ARG(name));
    for (size_t i = 0; i < list.broken.len; i++) {
        if (!feed_notice(lists->reader, NOTICE_ADVISORY, lists->document, err, "not read: " STR_FMT,
                         STR_ARG(list.broken.ptr[i])))
            return false;
    }
    for (size_t i = 0; i < list.notices.len; i++) {
        if (!add_notice(lists, &list.notices.ptr[i], err))
            return false;
    }
    return true;
}

static bool read_place(struct lists *lists, str place, struct err *err)
{
    static const char *const suffixes[] = {"list", NULL};
    static const char *const parts[] = {"DSA", "DLA"};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = lists};
    if (!place_is_url(place) || str_ends(place, STR("/list")))
        return feed_documents(lists->reader, place, &spec, err);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        str url = arena_printf(lists->arena, STR_FMT "/%s/list", STR_ARG(place), parts[i]);
        if (!url.ptr)
            return err_memory(err);
        if (!feed_documents(lists->reader, url, &spec, err))
            return false;
    }
    return true;
}

static bool write_all(struct lists *lists, struct err *err)
{
    if (!lists->records.by_id.len)
        return err_set(err, ERR_NOT_FOUND, STR_FMT ": neither DSA/list nor DLA/list there",
                       STR_ARG(lists->reader->state->url));
    for (size_t i = 0; i < lists->releases.len; i++) {
        str ecosystem = debian_ecosystem(lists->releases.entries[i].key);
        if (!str_is_empty(ecosystem) && !feed_covers(lists->reader, ecosystem, err))
            return false;
    }
    return record_set_write(&lists->records, err);
}

static bool debian_lists_read(struct feed_reader *reader, struct err *err)
{
    struct arena arena;
    arena_init(&arena, FILE_MEMORY);
    struct lists lists = {.reader = reader, .arena = &arena};
    record_set_init(&lists.records, reader, &arena);
    map_init(&lists.releases, &arena);
    bool is_ok = read_place(&lists, feed_place(reader), err) && write_all(&lists, err);
    arena_fini(&arena);
    return is_ok;
}

const struct feed feed_debian_lists = {
    .name = "debian-lists",
    .summary = "Debian's advisories (DSA) and those of its long-term support (DLA)",
    .default_url =
        "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data",
    .licence = "none stated (published by Debian for public use)",
    .cadence = "daily",
    .read = debian_lists_read,
};
