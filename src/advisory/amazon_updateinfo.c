/* SPDX-License-Identifier: Apache-2.0 */
/* amazon_updateinfo.c - Amazon Linux's bulletins (ALAS) from its repositories:
 *
 *     <repository>/mirror.list -> a base -> repodata/repomd.xml -> repodata/updateinfo.xml.gz
 *
 * of Amazon Linux 2 (core and every topic of its extras) and 2023, for both architectures.  Amazon
 * Linux 1 is read from files only: its repositories speak no TLS.  Packages are binaries; the
 * release stands in their versions (".amzn2"), else in the collection's name.  A bulletin that both
 * architectures have is one record.  The RSS says titles and CVEs of bulletins, no versions: a
 * record without packages, unless the bulletin itself is here. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct alas_record {
    struct record record;
    struct map entries; /* ecosystem, package, version → index + 1 */
};

struct alas {
    struct feed_reader *reader;
    struct arena *arena; /* of all records: they are written at the end */
    struct map by_id;
    struct map covered;
};

/* --- records
 * ---------------------------------------------------------------------------------------- */

/* Amazon Linux 1 calls itself 2018.03, of which its system's release is the year. */
static str release_of(const struct update_notice *notice, str version)
{
    static const struct {
        const char *tag, *collection, *release;
    } rows[] = {
        {".amzn2023", "Amazon Linux 2023", "2023"}, {".amzn2022", "Amazon Linux 2022", "2022"},
        {".amzn2", "Amazon Linux 2", "2"},          {".amzn1", "Amazon Linux", "2018"},
        {".amzn1", "Amazon Linux AMI", "2018"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str head, tail;
        if (str_cut(version, str_from(rows[i].tag), &head, &tail) &&
            !(tail.len && tail.ptr[0] >= '0' && tail.ptr[0] <= '9'))
            return str_from(rows[i].release);
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(notice->collection, str_from(rows[i].collection)))
            return str_from(rows[i].release);
    }
    return STR_NONE;
}

static bool copy(struct alas *alas, str from, str *to, struct err *err)
{
    *to = arena_dup(alas->arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool copy_all(struct alas *alas, const strs *from, strs *to, struct err *err)
{
    for (size_t i = 0; i < from->len; i++) {
        str one;
        if (!copy(alas, from->ptr[i], &one, err) || !strs_push(alas->arena, to, one, err))
            return false;
    }
    return true;
}

static struct alas_record *record_at(struct alas *alas, str id, struct err *err)
{
    struct alas_record *record = map_get(&alas->by_id, id);
    if (record)
        return record;
    record = arena_new(alas->arena, struct alas_record);
    if (!record || !copy(alas, id, &record->record.advisory.id, err) ||
        !map_put(&alas->by_id, record->record.advisory.id, record)) {
        err_memory(err);
        return NULL;
    }
    map_init(&record->entries, alas->arena);
    return record;
}

static bool add_text(struct alas *alas, struct alas_record *record,
                     const struct update_notice *notice, struct err *err)
{
    struct advisory *a = &record->record.advisory;
    enum severity severity = severity_word(notice->severity);
    if (a->modified.len && !notice->packages.len)
        return true; /* the RSS of what is here */
    a->aliases.len = a->references.len = a->related.len = a->ratings.len = 0;
    if (!copy(alas, notice->title, &a->title, err) ||
        !copy(alas, notice->packages.len ? notice->description : STR_NONE, &a->description, err) ||
        !copy(alas, notice->issued, &a->published, err) ||
        !copy(alas, notice->updated.len ? notice->updated : notice->issued, &a->modified, err) ||
        !copy_all(alas, &notice->cves, &a->aliases, err) ||
        !copy_all(alas, &notice->related, &a->related, err) ||
        !copy_all(alas, &notice->urls, &a->references, err))
        return false;
    a->revision = a->modified;
    return severity == SEVERITY_UNKNOWN ||
           rating_set(vec_push(alas->arena, &a->ratings), str_from(alas->reader->feed->name),
                      severity, err);
}

static bool is_all_or_source(str arch)
{
    return !arch.len || str_eq(arch, STR("noarch")) || str_eq(arch, STR("src"));
}

static bool add_package(struct alas *alas, struct alas_record *record,
                        const struct update_notice *notice, const struct update_package *package,
                        struct err *err)
{
    str release = release_of(notice, package->version);
    if (str_eq(package->arch, STR("src")))
        return true;
    if (!release.len || !package->name.len)
        return err_set(err, ERR_FORMAT, STR_FMT ": no release of Amazon Linux",
                       STR_ARG(package->version));
    str ecosystem = arena_printf(alas->arena, "Amazon Linux:" STR_FMT, STR_ARG(release));
    str key = arena_printf(alas->arena, STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(ecosystem),
                           STR_ARG(package->name), STR_ARG(package->version));
    void **slot = ecosystem.ptr && key.ptr ? map_at(&record->entries, key) : NULL;
    if (!slot || !map_put(&alas->covered, ecosystem, alas))
        return err_memory(err);
    if (!*slot) {
        struct record_entry *entry = vec_push(alas->arena, &record->record.entries);
        struct version_range *range = entry ? vec_push(alas->arena, &entry->affected.ranges) : NULL;
        if (!range)
            return err_memory(err);
        *slot = (void *)(uintptr_t)record->record.entries.len;
        entry->ecosystem = ecosystem;
        entry->affected.state = FIX_FIXED;
        entry->affected.is_binary = true;
        entry->affected.severity = severity_word(notice->severity);
        range->introduced = STR("0");
        if (!copy(alas, package->name, &entry->package, err) ||
            !copy(alas, package->version, &range->fixed, err))
            return false;
    }
    struct affected *affected = &record->record.entries.ptr[(uintptr_t)*slot - 1].affected;
    str arch;
    return is_all_or_source(package->arch) ||
           (copy(alas, package->arch, &arch, err) &&
            strs_push(alas->arena, &affected->arches, arch, err));
}

/* "ALAS-2018-1106 (medium): 389-ds-base", which Amazon Linux 2's own list calls ALAS2-2018-1106. */
static bool name_bulletin(struct alas *alas, struct update_notice *notice, struct err *err)
{
    static const struct {
        const char *folder, *name;
    } rows[] = {{"/AL2023/", "ALAS2023"}, {"/AL2/", "ALAS2"}};
    str id, rest, word;
    (void)str_cut_byte(notice->title, ' ', &id, &rest);
    notice->id = id;
    (void)str_cut_byte(rest, ')', &word, &rest);
    notice->severity = str_starts(word, STR("(")) ? str_skip(word, 1) : STR_NONE;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_has(notice->link, str_from(rows[i].folder)) || !str_starts(id, STR("ALAS-")))
            continue;
        notice->id = arena_printf(alas->arena, "%s" STR_FMT, rows[i].name,
                                  STR_ARG(str_skip(id, STR("ALAS").len)));
        if (!notice->id.ptr)
            return err_memory(err);
        break;
    }
    str text = notice->description, cve;
    while ((cve = cve_next(&text)).len) {
        if (!strs_push(alas->arena, &notice->cves, cve, err))
            return false;
    }
    return strs_push(alas->arena, &notice->urls, notice->link, err);
}

static bool add_notice(struct alas *alas, struct update_notice *notice, bool is_rss,
                       struct err *err)
{
    if (is_rss && !name_bulletin(alas, notice, err))
        return false;
    if (!notice->id.len)
        return err_set(err, ERR_FORMAT, "a bulletin without an id");
    struct alas_record *record = record_at(alas, notice->id, err);
    if (!record || !add_text(alas, record, notice, err))
        return false;
    for (size_t i = 0; i < notice->packages.len; i++) {
        if (!add_package(alas, record, notice, &notice->packages.ptr[i], err))
            return false;
    }
    return true;
}

/* Only what is about security, or does not say what it is about. */
static bool is_security(const struct update_notice *notice)
{
    return !notice->type.len || str_eq(notice->type, STR("security"));
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct alas *alas = ctx;
    struct updateinfo info;
    struct err why = {0};
    if (!updateinfo_parse(text, arena, &info, &why))
        return feed_broken(alas->reader, name, STR_NONE, &why, err);
    for (size_t i = 0; i < info.notices.len; i++) {
        struct update_notice *notice = &info.notices.ptr[i];
        why = (struct err){0};
        if (is_security(notice) && !add_notice(alas, notice, info.kind == UPDATEINFO_RSS, &why) &&
            !feed_broken(alas->reader, name, notice->id, &why, err))
            return false;
    }
    return true;
}

/* --- repositories
 * ----------------------------------------------------------------------------------- */

static bool add_documents(struct alas *alas, str place, struct err *err)
{
    static const char *const suffixes[] = {".xml", NULL};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_FILE), .take = take, .ctx = alas};
    return feed_documents(alas->reader, place, &spec, err);
}

/* The first of the bases that a mirror.list names; a repository without one is its own base. */
static bool base_of(struct alas *alas, str repository, str *base, struct err *err)
{
    str text, line, rest;
    if (!feed_get(alas->reader, repository, STR("mirror.list"), LIMIT(FIELD), alas->reader->arena,
                  &text, err)) {
        *base = repository;
        if (err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED)
            return false;
        *err = (struct err){0};
        return true;
    }
    (void)str_cut_byte(str_trim(text), '\n', &line, &rest);
    *base = str_trim(line);
    while (str_ends(*base, STR("/")))
        *base = str_slice(*base, 0, base->len - 1);
    return place_is_url(*base)
               ? true
               : err_set(err, ERR_FORMAT, STR_FMT "/mirror.list names no URL", STR_ARG(repository));
}

/* *is_there is false when there is no repository, or one without bulletins. */
static bool add_repository(struct alas *alas, str base, str path, bool *is_there, struct err *err)
{
    struct arena *arena = alas->reader->arena;
    struct updateinfo index;
    str text, own = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(base), STR_ARG(path)), mirror;
    *is_there = false;
    if (!own.ptr)
        return err_memory(err);
    if (!base_of(alas, own, &mirror, err))
        return false;
    if (!feed_get(alas->reader, mirror, STR("repodata/repomd.xml"), LIMIT(FEED_RECORD), arena,
                  &text, err)) {
        if (err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED)
            return false;
        *err = (struct err){0};
        return true;
    }
    if (!updateinfo_parse(text, arena, &index, err))
        return err_wrap(err, STR_FMT "/repodata/repomd.xml", STR_ARG(mirror));
    if (!index.location.len)
        return true;
    str url = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(mirror), STR_ARG(index.location));
    if (!url.ptr)
        return err_memory(err);
    *is_there = true;
    return add_documents(alas, url, err);
}

/* Topics of Amazon Linux 2's extras: {"topics": [{"n": "nginx1"}, …]}. */
static bool list_topics(struct alas *alas, str base, strs *paths, struct err *err)
{
    struct arena *arena = alas->reader->arena;
    auto_json *root = NULL;
    str text;
    if (!feed_get(alas->reader, base, STR("2/extras-catalog.json"), LIMIT(FEED_RECORD), arena,
                  &text, err)) {
        if (err->kind != ERR_NOT_FOUND && err->kind != ERR_DENIED)
            return false;
        *err = (struct err){0};
        return feed_notice(alas->reader, NOTICE_ADVISORY, STR("2/extras-catalog.json"), err,
                           "not there: the extras of Amazon Linux 2 are not read");
    }
    if (!json_read(text, &root, err))
        return err_wrap(err, "2/extras-catalog.json");
    const json_t *topics = json_arr(root, "topics");
    for (size_t i = 0; i < json_array_size(topics); i++) {
        str name = json_str(json_array_get(topics, i), "n");
        str x86 = arena_printf(arena, "2/extras/" STR_FMT "/latest/x86_64", STR_ARG(name));
        str arm = arena_printf(arena, "2/extras/" STR_FMT "/latest/aarch64", STR_ARG(name));
        if (!x86.ptr || !arm.ptr)
            return err_memory(err);
        if (name.len && (!strs_push(arena, paths, x86, err) || !strs_push(arena, paths, arm, err)))
            return false;
    }
    return true;
}

static bool add_server(struct alas *alas, str base, struct err *err)
{
    static const char *const core[] = {"2/core/latest/x86_64", "2/core/latest/aarch64",
                                       "al2023/core/mirrors/latest/x86_64",
                                       "al2023/core/mirrors/latest/aarch64"};
    strs paths = {0};
    size_t n_read = 0;
    for (size_t i = 0; i < ARRAY_LEN(core); i++) {
        if (!strs_push(alas->reader->arena, &paths, str_from(core[i]), err))
            return false;
    }
    if (!list_topics(alas, base, &paths, err))
        return false;
    for (size_t i = 0; i < paths.len; i++) {
        bool is_there;
        if (!add_repository(alas, base, paths.ptr[i], &is_there, err))
            return false;
        n_read += is_there;
        if (!is_there && i < ARRAY_LEN(core) &&
            !feed_notice(alas->reader, NOTICE_ADVISORY, paths.ptr[i], err, "no bulletins there"))
            return false;
    }
    return n_read ? true
                  : err_set(err, ERR_NOT_FOUND, STR_FMT ": no repository with bulletins",
                            STR_ARG(base));
}

static bool write_records(struct alas *alas, struct err *err)
{
    for (size_t i = 0; i < alas->by_id.len; i++) {
        const struct alas_record *record = alas->by_id.entries[i].value;
        if (!feed_record(alas->reader, &record->record, err))
            return err_wrap(err, STR_FMT, STR_ARG(record->record.advisory.id));
    }
    for (size_t i = 0; i < alas->covered.len; i++) {
        if (!feed_covers(alas->reader, alas->covered.entries[i].key, err))
            return false;
    }
    return true;
}

static bool amazon_updateinfo_read(struct feed_reader *reader, struct err *err)
{
    struct alas alas = {.reader = reader, .arena = reader->arena};
    str place = feed_place(reader);
    bool is_file =
        str_ends(place, STR(".xml")) || str_ends(place, STR(".gz")) || str_ends(place, STR(".zst"));
    map_init(&alas.by_id, alas.arena);
    map_init(&alas.covered, alas.arena);
    bool is_ok = place_is_url(place) && !is_file ? add_server(&alas, place, err)
                                                 : add_documents(&alas, place, err);
    if (is_ok && !alas.by_id.len)
        is_ok =
            err_set(err, ERR_FORMAT, STR_FMT ": not one bulletin could be read", STR_ARG(place));
    return is_ok && write_records(&alas, err);
}

const struct feed feed_amazon_updateinfo = {
    .name = "amazon-updateinfo",
    .summary = "Amazon Linux 1, 2 (with extras) and 2023: bulletins of its repositories",
    .default_url = "https://cdn.amazonlinux.com",
    .licence = "none stated (published by Amazon for public use)",
    .cadence = "daily",
    .read = amazon_updateinfo_read,
};
