/* SPDX-License-Identifier: Apache-2.0 */
/* debian_archive.c - Debian's own archive as an advisory source: signed indexes, and the changelogs
 * of what an image has in an older version.
 *
 * place: MAIN[,SECURITY], URLs or folders that hold dists/.  SECURITY defaults to the sibling
 * "debian-security" of MAIN.  No place: those of the machine's APT sources.
 * Releases: those of the wanted packages, those read before, else those of the APT sources.
 *
 * For each release:
 *     dists/<suite>/InRelease, dists/<suite>-security/InRelease   gpgv, Debian's keyring
 *     main/source/Sources of both                                 sha256 in Release
 *     debian/changelog of the newest version                      sha256 in Sources or Packages
 * and what follows from them:
 * - Both signatures good: the release is covered.
 * - A source at version S in the security suite: DEBIAN-UPDATE-<source>-<S>, affected below S.
 * - Once its changelog was read: CVE X is fixed in the newest entry that names it (at most the
 * version that the changelog belongs to); DEBIAN-UPDATE shrinks to [newest entry that names a CVE,
 * S), so a package that only misses entries without CVE has that one finding, and none besides its
 * CVEs otherwise.  S is also the newest entry that went "-security" when the suite has it by now.
 *
 * sources/debian-archive keeps <suite>.InRelease (last good), <sha256>.index,
 * changelogs/<source>_<version> and wanted: nothing that did not change is fetched twice. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "os/file.h"
#include "version/version.h"

static const struct debian_row ROWS[] = {
    {"10", "buster", "buster/updates"},      {"11", "bullseye", "bullseye-security"},
    {"12", "bookworm", "bookworm-security"}, {"13", "trixie", "trixie-security"},
    {"14", "forky", "forky-security"},
};

/* --- wanted: "Debian:12 TAB source TAB version" a line, the oldest version of each
 * ------------------------ */

static bool is_older(str a, str b)
{
    const struct version_scheme *dpkg = version_find(STR("dpkg"));
    return dpkg && dpkg->cmp(a, b) == VERSION_LESS;
}

static bool is_field(str text)
{
    return text.len > 0 && text.len < 512 && str_find_byte(text, '\t') == text.len &&
           str_find_byte(text, '\n') == text.len && str_find_byte(text, '\0') == text.len;
}

static bool want(struct debian *debian, str ecosystem, str source, str version, struct err *err)
{
    struct arena *arena = debian->reader->arena;
    if (!str_starts(ecosystem, STR("Debian:")) || !is_field(ecosystem) || !is_field(source) ||
        !is_field(version))
        return true;
    str key = arena_printf(arena, STR_FMT "\t" STR_FMT, STR_ARG(ecosystem), STR_ARG(source));
    struct wanted_package **slot =
        key.ptr ? (struct wanted_package **)map_at(&debian->wanted, key) : NULL;
    if (!slot)
        return err_memory(err);
    if (*slot && !is_older(version, (*slot)->source_version))
        return true;
    struct wanted_package *package = arena_new(arena, struct wanted_package);
    if (!package)
        return err_memory(err);
    package->ecosystem = arena_dup(arena, ecosystem);
    package->source_name = arena_dup(arena, source);
    package->source_version = arena_dup(arena, version);
    *slot = package;
    return package->ecosystem.ptr && package->source_name.ptr && package->source_version.ptr
               ? true
               : err_memory(err);
}

static const char *cache_path(struct debian *debian, const char *prefix, str name,
                              const char *suffix)
{
    struct arena *arena = debian->reader->arena;
    return arena_cstr(arena, arena_printf(arena, "%s/%s" STR_FMT "%s", debian->reader->cache,
                                          prefix, STR_ARG(name), suffix));
}

static bool wanted_load(struct debian *debian, struct err *err)
{
    struct err absent = {0};
    struct rd in;
    str text, line;
    const char *path = cache_path(debian, "wanted", STR_NONE, "");
    if (!path)
        return err_memory(err);
    if (file_read(debian->reader->arena, path, LIMIT(FEED_RECORD), &text, &absent)) {
        rd_init(&in, text);
        while (rd_line(&in, LIMIT(FIELD), &line)) {
            str ecosystem, source, version;
            (void)str_cut_byte(line, '\t', &ecosystem, &version);
            (void)str_cut_byte(version, '\t', &source, &version);
            if (!want(debian, ecosystem, source, version, err))
                return false;
        }
    }
    for (size_t i = 0; i < debian->reader->spec->n_wanted; i++) {
        const struct wanted_package *package = &debian->reader->spec->wanted[i];
        if (!want(debian, package->ecosystem, package->source_name, package->source_version, err))
            return false;
    }
    return true;
}

static int entry_order(const void *left, const void *right)
{
    const struct map_entry *a = left, *b = right;
    return str_cmp(a->key, b->key);
}

/* In order of ecosystem and name: the same wishes give the same records, whoever came first. */
static bool wanted_sort(struct debian *debian, struct err *err)
{
    struct map_entry *list =
        arena_array(debian->reader->arena, struct map_entry, debian->wanted.len + 1);
    if (!list)
        return err_memory(err);
    for (size_t i = 0; i < debian->wanted.len; i++)
        list[i] = debian->wanted.entries[i];
    if (debian->wanted.len)
        qsort(list, debian->wanted.len, sizeof *list, entry_order);
    debian->sorted = list;
    return true;
}

static bool wanted_save(struct debian *debian, struct err *err)
{
    auto_sb text;
    const char *path = cache_path(debian, "wanted", STR_NONE, "");
    sb_init(&text, LIMIT(FEED_RECORD));
    for (size_t i = 0; i < debian->wanted.len; i++) {
        const struct wanted_package *package = debian->sorted[i].value;
        sb_addf(&text, STR_FMT "\t" STR_FMT "\n", STR_ARG(debian->sorted[i].key),
                STR_ARG(package->source_version));
    }
    return path ? sb_ok(&text, err) && file_save(path, sb_str(&text), 0644, err) : err_memory(err);
}

/* --- where
 * ------------------------------------------------------------------------------------------------
 */

static bool push_place(struct debian *debian, strs *list, str place, struct err *err)
{
    while (place.len > 1 && str_ends(place, STR("/")))
        place = str_slice(place, 0, place.len - 1);
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq(list->ptr[i], place))
            return true;
    }
    str *slot = vec_push(debian->reader->arena, list);
    if (!slot)
        return err_memory(err);
    *slot = place;
    return true;
}

static bool push_sibling(struct debian *debian, str place, struct err *err)
{
    while (place.len > 1 && str_ends(place, STR("/")))
        place = str_slice(place, 0, place.len - 1);
    size_t slash = str_rfind_byte(place, '/');
    str folder = slash < place.len ? str_slice(place, 0, slash + 1) : STR_NONE;
    str sibling = arena_printf(debian->reader->arena, STR_FMT "debian-security", STR_ARG(folder));
    return sibling.ptr ? push_place(debian, &debian->places[SUITE_SECURITY], sibling, err)
                       : err_memory(err);
}

static const struct debian_row *row_of_suite(str suite)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (str_eq(suite, str_from(ROWS[i].codename)) || str_eq(suite, str_from(ROWS[i].security)))
            return &ROWS[i];
    }
    return NULL;
}

static bool add_release(struct debian *debian, const struct debian_row *row, struct err *err)
{
    for (size_t i = 0; i < debian->releases.len; i++) {
        if (debian->releases.ptr[i].row == row)
            return true;
    }
    struct debian_release *release = vec_push(debian->reader->arena, &debian->releases);
    if (!release)
        return err_memory(err);
    release->row = row;
    release->ecosystem = arena_printf(debian->reader->arena, "Debian:%s", row->number);
    return release->ecosystem.ptr ? true : err_memory(err);
}

/* Every place that offers a Debian suite by name is tried; the signature says which one is
 * Debian's. */
static bool places_from_apt(struct debian *debian, const apt_sources *sources, struct err *err)
{
    for (size_t i = 0; i < sources->len; i++) {
        str suite = sources->ptr[i].suite;
        bool is_security = str_ends(suite, STR("-security")) || str_ends(suite, STR("/updates"));
        bool is_named = row_of_suite(suite) || str_eq(suite, STR("stable")) ||
                        str_eq(suite, STR("testing")) || str_eq(suite, STR("oldstable")) ||
                        str_eq(suite, STR("stable-security"));
        if (is_named &&
            !push_place(debian, &debian->places[is_security ? SUITE_SECURITY : SUITE_MAIN],
                        sources->ptr[i].uri, err))
            return false;
    }
    if (!debian->places[SUITE_MAIN].len)
        return err_set(err, ERR_NOT_FOUND,
                       "no Debian mirror in APT's sources; give one: debian-archive=URL-or-DIR");
    return debian->places[SUITE_SECURITY].len ||
           push_sibling(debian, debian->places[SUITE_MAIN].ptr[0], err);
}

static bool find_places(struct debian *debian, const apt_sources *sources, struct err *err)
{
    str main, security;
    if (str_is_empty(debian->reader->place))
        return places_from_apt(debian, sources, err);
    bool has_both = str_cut_byte(debian->reader->place, ',', &main, &security);
    return push_place(debian, &debian->places[SUITE_MAIN], main, err) &&
           (has_both ? push_place(debian, &debian->places[SUITE_SECURITY], security, err)
                     : push_sibling(debian, main, err));
}

/* Asked for, had, or the machine's own. */
static bool find_releases(struct debian *debian, const apt_sources *sources, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        str ecosystem = arena_printf(debian->reader->arena, "Debian:%s\t", ROWS[i].number);
        const char *had = cache_path(debian, "", str_from(ROWS[i].codename), ".InRelease");
        if (!ecosystem.ptr || !had)
            return err_memory(err);
        bool is_wanted = access(had, R_OK) == 0;
        for (size_t j = 0; j < debian->wanted.len && !is_wanted; j++)
            is_wanted = str_starts(debian->wanted.entries[j].key, ecosystem);
        if (is_wanted && !add_release(debian, &ROWS[i], err))
            return false;
    }
    for (size_t i = 0; i < sources->len && !debian->releases.len; i++) {
        const struct debian_row *row = row_of_suite(sources->ptr[i].suite);
        if (row && !add_release(debian, row, err))
            return false;
    }
    return debian->releases.len ||
           err_set(err, ERR_NOT_FOUND, "no Debian release is asked for; name an image with --for");
}

/* --- the whole
 * -----------------------------------------------------------------------------------------------
 */

/* A release that cannot be read at all leaves the others; the source's error says so. */
static bool read_releases(struct debian *debian, size_t *n_good, struct err *err)
{
    struct source_state *state = debian->reader->state;
    struct err first = {0};
    *n_good = 0;
    for (size_t i = 0; i < debian->releases.len; i++) {
        struct debian_release *release = &debian->releases.ptr[i];
        struct err why = {0};
        if (debian_suites_load(debian, release, &why)) {
            ++*n_good;
            continue;
        }
        if (why.kind == ERR_CANCELLED || why.kind == ERR_MEMORY) {
            *err = why;
            return false;
        }
        err_wrap(&why, "%s", release->row->codename);
        first = err_is(&first) ? first : why;
        state->error = arena_dup(debian->reader->arena, str_from(why.msg));
    }
    if (!*n_good)
        *err = first;
    return *n_good > 0;
}

static void drop_unused_in(struct debian *debian, const char *folder, str suffix)
{
    struct err ignored = {0};
    str_vec names = {0};
    const char *path = cache_path(debian, folder, STR_NONE, "");
    if (!path || !dir_list(debian->reader->arena, path, &names, &ignored))
        return;
    for (size_t i = 0; i < names.len; i++) {
        bool is_used = !str_ends(names.ptr[i], suffix);
        for (size_t j = 0; j < debian->used.len && !is_used; j++)
            is_used = str_eq(debian->used.ptr[j], names.ptr[i]);
        const char *file = is_used ? NULL : cache_path(debian, folder, names.ptr[i], "");
        if (file && unlink(file) != 0)
            log_event(LOG_WARN, "an old index stays", LOG_STR("path", str_from(file)));
    }
}

/* Indexes and changelogs that newer ones replaced. */
static void drop_unused(struct debian *debian)
{
    drop_unused_in(debian, "", STR(".index"));
    drop_unused_in(debian, "changelogs/", STR_NONE);
}

static bool describe(struct debian *debian, struct err *err)
{
    str main = debian->places[SUITE_MAIN].ptr[0], security = debian->places[SUITE_SECURITY].ptr[0];
    debian->reader->state->url =
        arena_printf(debian->reader->arena, STR_FMT "," STR_FMT, STR_ARG(main), STR_ARG(security));
    return debian->reader->state->url.ptr ? true : err_memory(err);
}

static bool debian_archive_read(struct feed_reader *reader, struct err *err)
{
    struct debian debian = {.reader = reader};
    apt_sources sources = {0};
    size_t n_good;
    map_init(&debian.wanted, reader->arena);
    const char *apt_dir = reader->spec->apt_dir ? reader->spec->apt_dir : "/etc/apt";
    const char *changelogs = cache_path(&debian, "changelogs", STR_NONE, "");
    if (!changelogs || !dir_make(changelogs, err) ||
        !apt_sources_load(apt_dir, reader->arena, &sources, err) || !wanted_load(&debian, err) ||
        !wanted_sort(&debian, err) || !find_places(&debian, &sources, err) ||
        !find_releases(&debian, &sources, err) || !describe(&debian, err))
        return false;
    /* Wishes are kept also when the archive cannot be reached now. */
    if (!wanted_save(&debian, err) || !read_releases(&debian, &n_good, err) ||
        !debian_records_write(&debian, err))
        return false;
    if (n_good == debian.releases.len)
        drop_unused(&debian);
    return true;
}

const struct feed feed_debian_archive = {
    .name = "debian-archive",
    .summary = "Debian's signed archive: what the security suite replaced, and its changelogs",
    .licence = "facts of the Debian archive",
    .cadence = "four times a day",
    .is_by_wish = true,
    .read = debian_archive_read,
};
