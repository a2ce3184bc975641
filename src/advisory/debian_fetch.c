/* SPDX-License-Identifier: Apache-2.0 */
/* debian_fetch.c - the changelog of one version of a source: source files first, and where a mirror
 * does not carry them, a binary package of it.  Every file is verified by the digest that the
 * signed indexes state; the changelog must begin with the version that it was fetched for. */
#include <string.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

enum { BINARIES_TRIED = 6 };
static const uint64_t ARCHIVE_MEMORY = 2 * GIB;

/* What may be a file name; versions hold colons and tildes. */
static bool is_plain(str text)
{
    struct rd in;
    for (rd_init(&in, text); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && !(c && strchr("+-.:~", c)))
            return false;
    }
    return text.len > 0 && text.len < 120 && !str_starts(text, STR("."));
}

static bool begins_with(str text, const struct deb_source *source, struct err *err)
{
    struct arena arena;
    struct changelog changelog;
    arena_init(&arena, LIMIT(CHANGELOG) * 4);
    bool is_ok = changelog_parse(text, source->name, &arena, &changelog, err);
    if (is_ok &&
        (!changelog.entries.len || !str_eq(changelog.entries.ptr[0].version, source->version)))
        is_ok = err_set(err, ERR_FORMAT, "the changelog does not begin with " STR_FMT " " STR_FMT,
                        STR_ARG(source->name), STR_ARG(source->version));
    arena_fini(&arena);
    return is_ok;
}

static bool fetch_file(struct debian *debian, const struct debian_suite *suite, str path,
                       str sha256, struct arena *arena, str *out, struct err *err)
{
    if (!feed_get(debian->reader, suite->place, path, LIMIT(CHANGELOG_ARCHIVE), arena, out, err))
        return false;
    return digest_is(*out, sha256) ||
           err_set(err, ERR_MISMATCH, STR_FMT ": differs from its signed digest", STR_ARG(path));
}

static bool from_source(struct debian *debian, const struct debian_suite *suite,
                        const struct deb_source *source, struct arena *arena, str *out,
                        struct err *err)
{
    str name, sha256, bytes;
    bool is_diff;
    if (!deb_source_file(source, &name, &sha256, &is_diff))
        return err_set(err, ERR_NOT_FOUND, "no source file that holds a changelog");
    str path = arena_printf(arena, STR_FMT "/" STR_FMT, STR_ARG(source->directory), STR_ARG(name));
    if (!path.ptr)
        return err_memory(err);
    if (!fetch_file(debian, suite, path, sha256, arena, &bytes, err))
        return false;
    return changelog_of_source(bytes, is_diff, arena, out, err) && begins_with(*out, source, err)
               ? true
               : err_wrap(err, STR_FMT, STR_ARG(name));
}

static bool from_binary(struct debian *debian, struct debian_suite *suite,
                        const struct deb_source *source, struct arena *arena, str *out,
                        struct err *err)
{
    const deb_binaries *binaries = debian_binaries(debian, suite, source, err);
    if (!binaries)
        return err_is(err) ? false : err_set(err, ERR_NOT_FOUND, "no binary package of it");
    for (size_t i = 0; i < binaries->len && i < BINARIES_TRIED; i++) {
        const struct deb_binary *binary = &binaries->ptr[i];
        str bytes;
        *err = (struct err){0};
        if (fetch_file(debian, suite, binary->filename, binary->sha256, arena, &bytes, err) &&
            changelog_of_deb(bytes, binary->package, arena, out, err) &&
            begins_with(*out, source, err))
            return true;
        if (err->kind == ERR_CANCELLED || err->kind == ERR_UNAVAILABLE)
            return false;
        err_wrap(err, STR_FMT, STR_ARG(binary->package));
    }
    return false;
}

static const char *cache_file(struct debian *debian, const struct deb_source *source,
                              struct err *err)
{
    struct arena *arena = debian->reader->arena;
    if (!is_plain(source->name) || !is_plain(source->version)) {
        err_set(err, ERR_FORMAT, "a name or version that is none");
        return NULL;
    }
    str name =
        arena_printf(arena, STR_FMT "_" STR_FMT, STR_ARG(source->name), STR_ARG(source->version));
    str *used = vec_push(arena, &debian->used);
    const char *path = arena_cstr(
        arena, arena_printf(arena, "%s/changelogs/" STR_FMT, debian->reader->cache, STR_ARG(name)));
    if (!name.ptr || !used || !path) {
        err_memory(err);
        return NULL;
    }
    *used = name;
    return path;
}

bool debian_changelog_get(struct debian *debian, struct debian_suite *suite,
                          const struct deb_source *source, struct arena *arena, str *out,
                          struct err *err)
{
    struct arena scratch;
    struct err ignored = {0};
    const char *path = cache_file(debian, source, err);
    if (!path)
        return false;
    if (file_read(arena, path, LIMIT(CHANGELOG), out, &ignored) &&
        begins_with(*out, source, &ignored))
        return true;
    arena_init(&scratch, ARCHIVE_MEMORY);
    str text = STR_NONE;
    bool is_ok = from_source(debian, suite, source, &scratch, &text, err);
    if (!is_ok && err->kind != ERR_CANCELLED) {
        *err = (struct err){0};
        arena_reset(&scratch);
        is_ok = from_binary(debian, suite, source, &scratch, &text, err);
    }
    if (is_ok) {
        *out = arena_dup(arena, text);
        is_ok = out->ptr ? file_save(path, text, 0644, err) : err_memory(err);
    }
    arena_fini(&scratch);
    return is_ok;
}
