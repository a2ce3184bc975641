/* SPDX-License-Identifier: Apache-2.0 */
/* debian_suites.c - the signed indexes of a release, from the archive or, when it cannot give them,
 * the last good ones. */
#include <string.h>

#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"
#include "os/proc.h"

enum { GPGV_S = 60 };
#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* --- signature
 * --------------------------------------------------------------------------------------------- */

static size_t count_of(str text, str needle)
{
    size_t n = 0;
    for (size_t at; (at = str_find(text, needle)) < text.len; n++)
        text = str_skip(text, at + needle.len);
    return n;
}

/* gpgv gives back the text that was signed; nothing else of the file is read.  One message only:
 * what stands before or behind it is refused, so that the text given back has one origin.  A
 * signature by a key that we do not have beside a good one is no harm (archives are signed by old
 * and new keys). */
static bool is_verified(const struct proc_result *result)
{
    str status = result->errors;
    if (count_of(status, STR("[GNUPG:] VALIDSIG ")) == 0 ||
        str_has(status, STR("[GNUPG:] BADSIG ")))
        return false;
    return result->exit_code == 0 || (str_has(status, STR("[GNUPG:] NO_PUBKEY ")) &&
                                      !str_has(status, STR("[GNUPG:] EXPKEYSIG ")) &&
                                      !str_has(status, STR("[GNUPG:] REVKEYSIG ")));
}

static bool verify(struct debian *debian, str signed_text, str *text, struct err *err)
{
    const char *keyring = debian->reader->spec->keyring ? debian->reader->spec->keyring : KEYRING;
    const char *const argv[] = {"gpgv", "--status-fd", "2", "--keyring", keyring,
                                "-o",   "-",           "-", NULL};
    struct proc_result result;
    if (!str_starts(signed_text, STR("-----BEGIN PGP SIGNED MESSAGE-----\n")) ||
        count_of(signed_text, STR("-----BEGIN PGP SIGNED MESSAGE-----")) != 1 ||
        count_of(signed_text, STR("-----BEGIN PGP SIGNATURE-----")) != 1)
        return err_set(err, ERR_FORMAT, "not one signed message");
    if (!proc_run(argv, signed_text, LIMIT(FEED_RECORD), GPGV_S, debian->reader->arena, &result,
                  err))
        return err_wrap(err, "gpgv");
    if (!is_verified(&result))
        return err_set(err, ERR_MISMATCH, "the signature is not one of %s (gpgv %d)", keyring,
                       result.exit_code);
    *text = result.out;
    return true;
}

/* --- indexes, kept by their digest
 * -------------------------------------------------------------------------- */

static const char *cache_file(struct debian *debian, str name, const char *suffix)
{
    struct arena *arena = debian->reader->arena;
    struct sb safe;
    sb_init(&safe, LIMIT(PATH));
    sb_addf(&safe, "%s/", debian->reader->cache);
    struct rd in;
    for (rd_init(&in, name); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        sb_byte(&safe, c == '/' ? '_' : c);
    }
    sb_addc(&safe, suffix);
    const char *path = safe.has_failed ? NULL : arena_cstr(arena, sb_str(&safe));
    sb_fini(&safe);
    return path;
}

/* By its hash where the archive keeps such names: then no update of the mirror comes between. */
static bool fetch_index(struct debian *debian, struct debian_suite *suite, str path, str sha256,
                        struct arena *arena, str *out, struct err *err)
{
    struct feed_reader *reader = debian->reader;
    size_t slash = str_rfind_byte(path, '/');
    str folder = str_slice(path, 0, slash);
    str by_hash = arena_printf(arena, "dists/" STR_FMT "/" STR_FMT "/by-hash/SHA256/" STR_FMT,
                               STR_ARG(suite->name), STR_ARG(folder), STR_ARG(sha256));
    str by_name =
        arena_printf(arena, "dists/" STR_FMT "/" STR_FMT, STR_ARG(suite->name), STR_ARG(path));
    if (!by_hash.ptr || !by_name.ptr)
        return err_memory(err);
    if (suite->release.has_by_hash) {
        if (feed_get(reader, suite->place, by_hash, LIMIT(FEED_FILE), arena, out, err) &&
            digest_is(*out, sha256))
            return true;
        if (err_is(err) && err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
    }
    if (!feed_get(reader, suite->place, by_name, LIMIT(FEED_FILE), arena, out, err))
        return false;
    return digest_is(*out, sha256) ||
           err_set(err, ERR_MISMATCH, STR_FMT ": differs from the signed Release",
                   STR_ARG(by_name));
}

static bool load_index(struct debian *debian, struct debian_suite *suite, str path, str sha256,
                       struct arena *arena, str *out, struct err *err)
{
    struct err absent = {0};
    struct arena packed;
    str bytes;
    const char *cached = cache_file(debian, sha256, ".index");
    if (!cached)
        return err_memory(err);
    arena_init(&packed, 4 * GIB);
    bool is_ok =
        file_read(&packed, cached, LIMIT(FEED_FILE), &bytes, &absent) && digest_is(bytes, sha256);
    if (!is_ok)
        is_ok = fetch_index(debian, suite, path, sha256, &packed, &bytes, err) &&
                file_save(cached, bytes, 0644, err);
    is_ok = is_ok && decode_whole(arena, bytes, LIMIT(FEED_FILE), out, err);
    arena_fini(&packed);
    str *used = is_ok ? vec_push(debian->reader->arena, &debian->used) : NULL;
    if (is_ok && !used)
        return err_memory(err);
    if (is_ok) {
        *used = arena_printf(debian->reader->arena, STR_FMT ".index", STR_ARG(sha256));
        feed_seen(debian->reader, path, sha256);
    }
    return is_ok ? true : err_wrap(err, STR_FMT, STR_ARG(path));
}

/* The smallest form that Release lists of "<stem>", ".xz", ".gz" or plain. */
static bool index_named(const struct deb_release *release, struct arena *arena, str stem, str *path,
                        str *sha256, struct err *err)
{
    static const char *const forms[] = {".xz", ".gz", ""};
    uint8_t sum[32];
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        *path = arena_printf(arena, STR_FMT "%s", STR_ARG(stem), forms[i]);
        if (!path->ptr)
            return err_memory(err);
        *sha256 = deb_release_hash(release, *path);
        if (hex_parse(*sha256, sum, sizeof sum))
            return true;
    }
    return err_set(err, ERR_NOT_FOUND, "Release lists no " STR_FMT, STR_ARG(stem));
}

static bool load_sources(struct debian *debian, struct debian_suite *suite, struct err *err)
{
    struct arena text_arena;
    str path, sha256, text;
    map_init(&suite->sources, debian->reader->arena);
    arena_init(&text_arena, 4 * GIB);
    bool is_ok = index_named(&suite->release, debian->reader->arena, STR("main/source/Sources"),
                             &path, &sha256, err) &&
                 load_index(debian, suite, path, sha256, &text_arena, &text, err) &&
                 deb_sources_parse(text, debian->reader->arena, &suite->sources, err);
    arena_fini(&text_arena);
    return is_ok;
}

/* --- one suite
 * ------------------------------------------------------------------------------------------------
 */

/* A Release signed for another suite must not stand in for this one: "bookworm" has no security
 * updates. The old security suites were called "buster/updates", their Codename "buster/updates" or
 * "buster". */
static bool is_of(const struct deb_release *release, str name)
{
    str head, updates;
    if (str_eq(release->codename, name))
        return true;
    return str_cut_byte(name, '/', &head, &updates) && str_eq(release->codename, head) &&
           str_eq(release->label, STR("Debian-Security"));
}

/* Reads what @in_release leads to.  @not_before guards against an older, once good, answer. */
static bool open_suite(struct debian *debian, struct debian_suite *suite, str in_release,
                       int64_t not_before, struct err *err)
{
    str text;
    if (!verify(debian, in_release, &text, err) ||
        !deb_release_parse(text, debian->reader->arena, &suite->release, err))
        return false;
    if (!is_of(&suite->release, suite->name))
        return err_set(err, ERR_MISMATCH, "it is of " STR_FMT, STR_ARG(suite->release.codename));
    if (suite->release.date < not_before)
        return err_set(err, ERR_MISMATCH,
                       "it is older than what was read before: a replay or a stale mirror");
    return load_sources(debian, suite, err);
}

static int64_t date_of(struct debian *debian, str in_release)
{
    struct deb_release release;
    struct err ignored = {0};
    str text;
    return verify(debian, in_release, &text, &ignored) &&
                   deb_release_parse(text, debian->reader->arena, &release, &ignored)
               ? release.date
               : 0;
}

static bool try_place(struct debian *debian, struct debian_suite *suite, str place,
                      int64_t not_before, const char *last_good, struct err *err)
{
    struct arena *arena = debian->reader->arena;
    str path = arena_printf(arena, "dists/" STR_FMT "/InRelease", STR_ARG(suite->name)), text;
    suite->place = place;
    if (!path.ptr)
        return err_memory(err);
    if (!feed_get(debian->reader, place, path, LIMIT(FEED_RECORD), arena, &text, err))
        return false;
    if (!open_suite(debian, suite, text, not_before, err))
        return err_wrap(err, STR_FMT "/" STR_FMT, STR_ARG(place), STR_ARG(path));
    return file_save(last_good, text, 0644, err);
}

static bool note_staleness(struct debian *debian, const struct debian_suite *suite, struct err *err)
{
    struct source_state *state = debian->reader->state;
    char when[CLOCK_TEXT_SIZE];
    int64_t until = suite->release.valid_until;
    if (until && (!state->valid_until || until < state->valid_until))
        state->valid_until = until;
    if (!until || until >= debian->reader->now_s)
        return true;
    return feed_notice(debian->reader, NOTICE_ADVISORY, suite->name, err,
                       "stale: its Release was valid until " STR_FMT,
                       STR_ARG(clock_print(until, when)));
}

/* From the first place that gives a good one; else the last good one, with the failure told. */
static bool load_suite(struct debian *debian, struct debian_suite *suite, const strs *places,
                       struct err *err)
{
    struct source_state *state = debian->reader->state;
    struct err why = {0}, absent = {0};
    str old = STR_NONE;
    const char *last_good = cache_file(debian, suite->name, ".InRelease");
    if (!last_good)
        return err_memory(err);
    bool has_old = file_read(debian->reader->arena, last_good, LIMIT(FEED_RECORD), &old, &absent);
    int64_t not_before = has_old ? date_of(debian, old) : 0;
    for (size_t i = 0; i < places->len; i++) {
        why = (struct err){0};
        if (try_place(debian, suite, places->ptr[i], not_before, last_good, &why))
            return note_staleness(debian, suite, err);
        if (why.kind == ERR_CANCELLED || why.kind == ERR_MEMORY)
            break;
    }
    if (!has_old || why.kind == ERR_CANCELLED || why.kind == ERR_MEMORY) {
        *err = why;
        return false;
    }
    suite->place = places->ptr[0];
    if (!open_suite(debian, suite, old, 0, err))
        return err_wrap(err, "the last good " STR_FMT, STR_ARG(suite->name));
    state->error = arena_dup(debian->reader->arena, str_from(why.msg));
    return state->error.ptr ? note_staleness(debian, suite, err) : err_memory(err);
}

bool debian_suites_load(struct debian *debian, struct debian_release *release, struct err *err)
{
    release->suites[SUITE_MAIN].name = str_from(release->row->codename);
    release->suites[SUITE_SECURITY].name = str_from(release->row->security);
    for (int kind = SUITE_MAIN; kind < SUITE_KINDS; kind++) {
        struct debian_suite *suite = &release->suites[kind];
        if (!load_suite(debian, suite, &debian->places[kind], err))
            return false;
    }
    release->is_good = true;
    return true;
}

/* --- binary packages
 * --------------------------------------------------------------------------------------------- */

static bool load_packages(struct debian *debian, struct debian_suite *suite, str architecture,
                          struct err *err)
{
    struct arena *arena = debian->reader->arena, text_arena;
    str path, sha256, text;
    str stem = arena_printf(arena, "main/binary-" STR_FMT "/Packages", STR_ARG(architecture));
    if (!stem.ptr)
        return err_memory(err);
    arena_init(&text_arena, 4 * GIB);
    bool is_ok = index_named(&suite->release, arena, stem, &path, &sha256, err) &&
                 load_index(debian, suite, path, sha256, &text_arena, &text, err) &&
                 deb_packages_parse(text, arena, &suite->binaries, err);
    arena_fini(&text_arena);
    return is_ok;
}

/* amd64 first, which has nearly every source; then the others as they are listed, "all" last. */
static bool nth_architecture(const struct deb_release *release, size_t n, str *out)
{
    size_t at = 0;
    for (size_t pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < release->architectures.len; i++) {
            str name = release->architectures.ptr[i];
            size_t turn = str_eq(name, STR("amd64")) ? 0 : str_eq(name, STR("all")) ? 2 : 1;
            if (turn != pass || at++ != n)
                continue;
            *out = name;
            return true;
        }
    }
    return false;
}

const deb_binaries *debian_binaries(struct debian *debian, struct debian_suite *suite,
                                    const struct deb_source *source, struct err *err)
{
    str architecture;
    str key = arena_printf(debian->reader->arena, STR_FMT " " STR_FMT, STR_ARG(source->name),
                           STR_ARG(source->version));
    if (!key.ptr) {
        err_memory(err);
        return NULL;
    }
    if (!suite->n_architectures)
        map_init(&suite->binaries, debian->reader->arena);
    for (;;) {
        const deb_binaries *found = suite->n_architectures ? map_get(&suite->binaries, key) : NULL;
        if (found || !nth_architecture(&suite->release, suite->n_architectures, &architecture))
            return found;
        if (!load_packages(debian, suite, architecture, err) && err->kind != ERR_NOT_FOUND)
            return NULL;
        *err = (struct err){0};
        suite->n_architectures++;
    }
}
