/* SPDX-License-Identifier: Apache-2.0 */
/* debian_records.c - from what the archive has to records (the rules stand in debian_archive.c). */
#include <string.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "version/version.h"

enum { DESCRIPTION_MAX = 16 << 10 };

struct writer {
    struct debian *debian;
    struct arena *arena;
    struct map by_id; /* id → struct record */
    size_t n_done, n_due;
};

/* What was read of one source of one release. */
struct history {
    const struct debian_release *release;
    str source, version; /* of the changelog's head */
    str digest;
    struct changelog changelog;
};

static bool is_less(str a, str b)
{
    const struct version_scheme *dpkg = version_find(STR("dpkg"));
    return dpkg && dpkg->cmp(a, b) == VERSION_LESS;
}

static struct deb_source *source_in(const struct debian_release *release,
                                    enum debian_suite_kind kind, str name)
{
    return map_get(&release->suites[kind].sources, name);
}

/* --- records
 * ------------------------------------------------------------------------------------------------
 */

static struct record *record_of(struct writer *writer, str id, struct err *err)
{
    struct record *record = map_get(&writer->by_id, id);
    if (record)
        return record;
    record = arena_new(writer->arena, struct record);
    if (record)
        record->advisory.id = arena_dup(writer->arena, id);
    if (!record || !record->advisory.id.ptr ||
        !map_put(&writer->by_id, record->advisory.id, record)) {
        err_memory(err);
        return NULL;
    }
    return record;
}

static bool keep(struct writer *writer, str from, str *to, struct err *err)
{
    *to = arena_dup(writer->arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool add_entry(struct writer *writer, struct record *record,
                      const struct debian_release *release, str source, str introduced, str fixed,
                      struct err *err)
{
    struct record_entry *entry = vec_push(writer->arena, &record->entries);
    struct version_range *range = entry ? vec_push(writer->arena, &entry->affected.ranges) : NULL;
    if (!range)
        return err_memory(err);
    entry->ecosystem = release->ecosystem;
    entry->affected.state = FIX_FIXED;
    return keep(writer, source, &entry->package, err) &&
           keep(writer, introduced, &range->introduced, err) &&
           keep(writer, fixed, &range->fixed, err);
}

static bool set_date(struct writer *writer, int64_t date, str *out, struct err *err)
{
    char text[CLOCK_TEXT_SIZE];
    return date <= 0 || out->len || keep(writer, clock_print(date, text), out, err);
}

/* Two changelogs that name one CVE: both lines stand in the description, both digests in the
 * revision. */
static bool describe(struct writer *writer, struct record *record, const struct history *history,
                     const struct changelog_entry *entry, str line, struct err *err)
{
    struct advisory *advisory = &record->advisory;
    if (str_is_empty(advisory->title) && !keep(writer, line, &advisory->title, err))
        return false;
    if (!set_date(writer, entry->date, &advisory->published, err))
        return false;
    if (advisory->description.len < DESCRIPTION_MAX)
        advisory->description =
            arena_printf(writer->arena, STR_FMT "%s" STR_FMT " " STR_FMT " (" STR_FMT "): " STR_FMT,
                         STR_ARG(advisory->description), advisory->description.len ? "\n" : "",
                         STR_ARG(history->source), STR_ARG(entry->version),
                         STR_ARG(history->release->ecosystem), STR_ARG(line));
    if (str_is_empty(advisory->revision)) {
        advisory->revision = history->digest;
    } else if (!str_eq(advisory->revision, history->digest)) {
        str both = arena_printf(writer->arena, STR_FMT STR_FMT, STR_ARG(advisory->revision),
                                STR_ARG(history->digest));
        advisory->revision = sha256_print(writer->arena, both);
    }
    return advisory->description.ptr && advisory->revision.ptr ? true : err_memory(err);
}

/* --- CVEs: fixed in the newest entry that names them
 * ------------------------------------------------------------ */

struct newest {
    const struct changelog_entry *entry;
    str line;
};

static bool add_cves(struct writer *writer, const struct history *history, struct err *err)
{
    struct arena arena;
    struct map map;
    bool is_ok = true;
    arena_init(&arena, 8 * LIMIT(CHANGELOG));
    map_init(&map, &arena);
    for (size_t i = 0; i < history->changelog.entries.len && is_ok; i++) {
        const struct changelog_entry *entry = &history->changelog.entries.ptr[i];
        for (size_t j = 0; j < entry->cves.len && is_ok; j++) {
            struct newest **slot = (struct newest **)map_at(&map, entry->cves.ptr[j].id);
            if (slot && !*slot && (*slot = arena_new(&arena, struct newest)))
                **slot = (struct newest){entry, entry->cves.ptr[j].line};
            else if (slot && *slot && is_less((*slot)->entry->version, entry->version))
                **slot = (struct newest){entry, entry->cves.ptr[j].line};
            is_ok = slot && *slot ? true : err_memory(err);
        }
    }
    for (size_t i = 0; i < map.len && is_ok; i++) {
        const struct newest *newest = map.entries[i].value;
        /* a head that sorts below an older entry still contains that entry's fix */
        str fixed = is_less(history->version, newest->entry->version) ? history->version
                                                                      : newest->entry->version;
        struct record *record = record_of(writer, map.entries[i].key, err);
        is_ok = record && describe(writer, record, history, newest->entry, newest->line, err) &&
                add_entry(writer, record, history->release, history->source, STR("0"), fixed, err);
    }
    arena_fini(&arena);
    return is_ok;
}

/* --- the update as such
 * -------------------------------------------------------------------------------------------- */

static bool add_update(struct writer *writer, const struct debian_release *release, str source,
                       str version, str introduced, str revision, int64_t date, struct err *err)
{
    str id = arena_printf(writer->arena, "DEBIAN-UPDATE-" STR_FMT "-" STR_FMT, STR_ARG(source),
                          STR_ARG(version));
    struct record *record = id.ptr ? record_of(writer, id, err) : NULL;
    if (!record)
        return id.ptr ? false : err_memory(err);
    struct advisory *advisory = &record->advisory;
    advisory->title = arena_printf(writer->arena, STR_FMT " " STR_FMT " is a security update of %s",
                                   STR_ARG(source), STR_ARG(version), release->row->codename);
    advisory->revision = revision;
    return advisory->title.ptr && set_date(writer, date, &advisory->published, err) &&
           add_entry(writer, record, release, source, introduced, version, err);
}

static bool add_unread_update(struct writer *writer, const struct debian_release *release,
                              const struct deb_source *source, struct err *err)
{
    str revision =
        arena_printf(writer->arena, "sha256:" STR_FMT, STR_ARG(deb_source_digest(source)));
    return revision.ptr ? add_update(writer, release, source->name, source->version, STR("0"),
                                     revision, 0, err)
                        : err_memory(err);
}

/* The version that went through the security archive: what is there now, or what the changelog says
 * went there, when the suite has it by now. */
static str security_version(const struct history *history, int64_t *date)
{
    const struct deb_source *now = source_in(history->release, SUITE_SECURITY, history->source);
    str version = now ? now->version : STR_NONE;
    *date = 0;
    for (size_t i = 0; i < history->changelog.entries.len; i++) {
        const struct changelog_entry *entry = &history->changelog.entries.ptr[i];
        if (str_eq(entry->version, version))
            *date = entry->date;
        if (!str_has(entry->distribution, STR("-security")) ||
            is_less(history->version, entry->version) ||
            (version.len && !is_less(version, entry->version)))
            continue;
        version = entry->version;
        *date = entry->date;
    }
    return version;
}

static bool add_read_update(struct writer *writer, const struct history *history, struct err *err)
{
    int64_t date;
    str introduced = STR("0"), version = security_version(history, &date);
    if (str_is_empty(version))
        return true;
    for (size_t i = 0; i < history->changelog.entries.len; i++) {
        const struct changelog_entry *entry = &history->changelog.entries.ptr[i];
        if (entry->cves.len && !is_less(version, entry->version) &&
            (str_eq(introduced, STR("0")) || is_less(introduced, entry->version)))
            introduced = entry->version;
    }
    if (!is_less(introduced, version) && !str_eq(introduced, STR("0")))
        return true; /* the update names CVEs itself: they are its findings */
    return add_update(writer, history->release, history->source, version, introduced,
                      history->digest, date, err);
}

/* --- reading
 * --------------------------------------------------------------------------------------------------------
 */

static bool note_trim(struct writer *writer, const struct history *history, str installed,
                      struct err *err)
{
    size_t n = history->changelog.entries.len;
    str oldest = n ? history->changelog.entries.ptr[n - 1].version : STR_NONE;
    if (!n || !is_less(installed, oldest))
        return true;
    return feed_notice(writer->debian->reader, NOTICE_ADVISORY, history->source, err,
                       STR_FMT ": its changelog goes back to " STR_FMT
                               "; what was fixed between " STR_FMT " and that is not known by CVE",
                       STR_ARG(history->release->ecosystem), STR_ARG(oldest), STR_ARG(installed));
}

static bool add_history(struct writer *writer, struct history *history, str text, str installed,
                        struct err *err)
{
    struct arena arena;
    arena_init(&arena, 8 * LIMIT(CHANGELOG));
    history->digest = sha256_print(writer->arena, text);
    bool is_ok = history->digest.ptr &&
                 changelog_parse(text, history->source, &arena, &history->changelog, err) &&
                 note_trim(writer, history, installed, err) &&
                 add_read_update(writer, history, err) && add_cves(writer, history, err);
    arena_fini(&arena);
    return is_ok;
}

static bool read_wanted(struct writer *writer, struct debian_release *release,
                        const struct wanted_package *wanted, const struct deb_source *source,
                        bool is_security, bool *is_read, struct err *err)
{
    struct arena arena;
    struct err why = {0};
    struct history history = {
        .release = release, .source = source->name, .version = source->version};
    str text;
    arena_init(&arena, 4 * LIMIT(CHANGELOG));
    feed_progress(writer->debian->reader, "changelogs", writer->n_done, writer->n_due);
    *is_read = debian_changelog_get(writer->debian,
                                    &release->suites[is_security ? SUITE_SECURITY : SUITE_MAIN],
                                    source, &arena, &text, &why);
    bool is_ok;
    if (*is_read) {
        feed_seen(writer->debian->reader, source->name, text);
        is_ok = add_history(writer, &history, text, wanted->source_version, err);
    } else if (why.kind == ERR_CANCELLED) {
        *err = why;
        is_ok = false;
    } else {
        is_ok = feed_notice(writer->debian->reader, NOTICE_ADVISORY, source->name, err,
                            STR_FMT ": no changelog of " STR_FMT ", so its CVEs are not known: %s",
                            STR_ARG(release->ecosystem), STR_ARG(source->version), why.msg);
    }
    arena_fini(&arena);
    return is_ok;
}

/* The newest version that the release has, when it is newer than what is installed. */
static const struct deb_source *newer_than(const struct debian_release *release,
                                           const struct wanted_package *wanted, bool *is_security)
{
    const struct deb_source *main = source_in(release, SUITE_MAIN, wanted->source_name);
    const struct deb_source *security = source_in(release, SUITE_SECURITY, wanted->source_name);
    *is_security = security && (!main || !is_less(security->version, main->version));
    const struct deb_source *newest = *is_security ? security : main;
    return newest && is_less(wanted->source_version, newest->version) ? newest : NULL;
}

static bool write_release(struct writer *writer, struct debian_release *release, struct err *err)
{
    struct map read; /* sources whose history is known */
    map_init(&read, writer->arena);
    for (size_t i = 0; i < writer->debian->wanted.len; i++) {
        const struct wanted_package *wanted = writer->debian->sorted[i].value;
        bool is_security, is_read;
        const struct deb_source *source = str_eq(wanted->ecosystem, release->ecosystem)
                                              ? newer_than(release, wanted, &is_security)
                                              : NULL;
        if (!source)
            continue;
        if (cancel_is(writer->debian->reader->spec->cancel, err) ||
            !read_wanted(writer, release, wanted, source, is_security, &is_read, err))
            return false;
        writer->n_done++;
        if (is_read && !map_put(&read, source->name, release))
            return err_memory(err);
    }
    const struct map *security = &release->suites[SUITE_SECURITY].sources;
    for (size_t i = 0; i < security->len; i++) {
        if (!map_get(&read, security->entries[i].key) &&
            !add_unread_update(writer, release, security->entries[i].value, err))
            return false;
    }
    return feed_covers(writer->debian->reader, release->ecosystem, err);
}

static size_t count_due(const struct debian *debian)
{
    size_t n = 0;
    bool is_security;
    for (size_t i = 0; i < debian->releases.len; i++) {
        for (size_t j = 0; debian->releases.ptr[i].is_good && j < debian->wanted.len; j++) {
            const struct wanted_package *wanted = debian->sorted[j].value;
            n += str_eq(wanted->ecosystem, debian->releases.ptr[i].ecosystem) &&
                 newer_than(&debian->releases.ptr[i], wanted, &is_security);
        }
    }
    return n;
}

bool debian_records_write(struct debian *debian, struct err *err)
{
    struct writer writer = {
        .debian = debian, .arena = debian->reader->arena, .n_due = count_due(debian)};
    map_init(&writer.by_id, writer.arena);
    for (size_t i = 0; i < debian->releases.len; i++) {
        if (debian->releases.ptr[i].is_good &&
            !write_release(&writer, &debian->releases.ptr[i], err))
            return false;
    }
    for (size_t i = 0; i < writer.by_id.len; i++) {
        if (!feed_record(debian->reader, writer.by_id.entries[i].value, err))
            return false;
    }
    return true;
}
