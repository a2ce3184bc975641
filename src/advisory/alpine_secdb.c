/* SPDX-License-Identifier: Apache-2.0 */
/* alpine_secdb.c - Alpine's security database: vX.Y/{main,community}.{json,yaml}.
 *
 * What a secfix says, and how we read it: secdb_set.c.  Package names are origins (source
 * packages).
 *
 * The folder's name is the branch when it looks like one; the file's own distroversion is asked
 * otherwise. A branch is covered when `main` was read whole; a notice says so when there is no
 * `community`. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/file.h"

enum { BRANCH_FIRST = 10, BRANCH_LAST = 60, BRANCHES_MISSING = 3 };
static const uint64_t FILE_MEMORY = 2 * GIB;

struct secdb_read {
    struct feed_reader *reader;
    struct arena *arena;
    struct secdb_set set;
    uint64_t n_files;
};

static bool is_branch(str name)
{
    str major, minor;
    uint64_t number;
    return str_starts(name, STR("v")) && str_cut_byte(str_skip(name, 1), '.', &major, &minor) &&
           str_to_u64(major, 999, &number) && str_to_u64(minor, 9999, &number);
}

/* --- files
 * -------------------------------------------------------------------------------------------- */

static bool branch_of(struct secdb_read *read, const struct secdb *secdb, str folder, str path,
                      str *out, struct err *err)
{
    bool has_own = is_branch(secdb->branch);
    if (is_branch(folder)) {
        *out = folder;
        if (!str_is_empty(secdb->branch) && !str_eq(secdb->branch, folder))
            return feed_notice(read->reader, NOTICE_ADVISORY, path, err,
                               "says it is of " STR_FMT "; taken as " STR_FMT ", the folder's name",
                               STR_ARG(secdb->branch), STR_ARG(folder));
        return true;
    }
    *out = secdb->branch;
    return has_own ||
           err_set(err, ERR_FORMAT, STR_FMT ": neither its folder nor the file names a branch",
                   STR_ARG(path));
}

static bool add_text(struct secdb_read *read, str folder, str path, str text, str *ecosystem,
                     struct err *err)
{
    struct secdb secdb;
    str branch;
    bool is_yaml = !str_ends(path, STR(".json"));
    feed_seen(read->reader, path, text);
    if (!secdb_parse(text, is_yaml, read->arena, &secdb, err) ||
        !branch_of(read, &secdb, folder, path, &branch, err))
        return err_wrap(err, STR_FMT, STR_ARG(path));
    *ecosystem = arena_printf(read->arena, "Alpine:" STR_FMT, STR_ARG(branch));
    if (!ecosystem->ptr)
        return err_memory(err);
    for (size_t i = 0; i < secdb.broken.len; i++) {
        if (!feed_notice(read->reader, NOTICE_ADVISORY, path, err, "not read: " STR_FMT,
                         STR_ARG(secdb.broken.ptr[i])))
            return false;
    }
    for (size_t i = 0; i < secdb.fixes.len; i++) {
        if (!secdb_set_add(&read->set, *ecosystem, &secdb.fixes.ptr[i], err))
            return false;
    }
    read->n_files++;
    return true;
}

/* One repository of a branch; JSON first.  *is_there is false when it has neither. */
static bool add_repo(struct secdb_read *read, str place, str folder, const char *repo,
                     str *ecosystem, bool *is_there, struct err *err)
{
    static const char *const suffixes[] = {"json", "yaml"};
    *is_there = false;
    for (size_t i = 0; i < ARRAY_LEN(suffixes) && !*is_there; i++) {
        str text, path = arena_printf(read->arena, STR_FMT "%s%s.%s", STR_ARG(folder),
                                      folder.len ? "/" : "", repo, suffixes[i]);
        if (!path.ptr)
            return err_memory(err);
        if (feed_get(read->reader, place, path, LIMIT(FEED_RECORD), read->arena, &text, err)) {
            *is_there = true;
            /* "." stands for the place itself, whose own name may be the branch */
            size_t slash = str_rfind_byte(place, '/');
            str name = folder.len ? folder : slash < place.len ? str_skip(place, slash + 1) : place;
            return add_text(read, name, path, text, ecosystem, err);
        }
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
    }
    return true;
}

static bool add_branch(struct secdb_read *read, str place, str folder, bool *is_there,
                       struct err *err)
{
    str ecosystem = STR_NONE, other = STR_NONE;
    bool has_main, has_community;
    if (!add_repo(read, place, folder, "main", &ecosystem, &has_main, err) ||
        !add_repo(read, place, folder, "community", &other, &has_community, err))
        return false;
    *is_there = has_main || has_community;
    if (!*is_there)
        return true;
    const char *missing = has_main ? "community" : "main";
    if ((!has_main || !has_community) &&
        !feed_notice(read->reader, NOTICE_ADVISORY, folder, err, "%s is missing%s", missing,
                     has_main ? "" : ": the branch is not covered"))
        return false;
    return !has_main || feed_covers(read->reader, ecosystem, err);
}

static bool add_folder(struct secdb_read *read, str place, struct err *err)
{
    str_vec names = {0};
    bool is_there;
    const char *path = arena_cstr(read->arena, place);
    if (!path)
        return err_memory(err);
    if (!dir_list(read->arena, path, &names, err))
        return false;
    for (size_t i = 0; i < names.len; i++) {
        if (is_branch(names.ptr[i]) && !add_branch(read, place, names.ptr[i], &is_there, err))
            return false;
    }
    return add_branch(read, place, STR_NONE, &is_there, err);
}

/* A server lists nothing: branches are tried upwards until several in a row are missing. */
static bool add_server(struct secdb_read *read, str place, struct err *err)
{
    int n_missing = 0;
    for (int minor = BRANCH_FIRST; minor < BRANCH_LAST && n_missing < BRANCHES_MISSING; minor++) {
        bool is_there;
        str folder = arena_printf(read->arena, "v3.%d", minor);
        if (!folder.ptr)
            return err_memory(err);
        if (!add_branch(read, place, folder, &is_there, err))
            return false;
        n_missing = is_there ? 0 : n_missing + 1;
    }
    return true;
}

static bool alpine_secdb_read(struct feed_reader *reader, struct err *err)
{
    struct arena arena;
    str place = str_is_empty(reader->place) ? str_from(reader->feed->default_url) : reader->place;
    while (place.len > 1 && str_ends(place, STR("/")))
        place = str_slice(place, 0, place.len - 1);
    arena_init(&arena, FILE_MEMORY);
    struct secdb_read read = {.reader = reader, .arena = &arena};
    secdb_set_init(&read.set, reader, &arena);
    reader->state->url = place;
    bool is_ok =
        place_is_url(place) ? add_server(&read, place, err) : add_folder(&read, place, err);
    if (is_ok && !read.n_files)
        is_ok = err_set(err, ERR_NOT_FOUND, STR_FMT ": no vX.Y/main.json or .yaml there",
                        STR_ARG(place));
    is_ok = is_ok && secdb_set_write(&read.set, err);
    arena_fini(&arena);
    return is_ok;
}

const struct feed feed_alpine_secdb = {
    .name = "alpine-secdb",
    .summary = "Alpine Linux: which version of a package fixed what",
    .default_url = "https://secdb.alpinelinux.org",
    .licence = "none stated (published by Alpine Linux for public use)",
    .cadence = "hourly",
    .read = alpine_secdb_read,
};
