/* SPDX-License-Identifier: Apache-2.0 */
/* publish.c - the folder of a database while it is changed: the lock, the sources that are known, a
 * generation built from them and made the current one.
 *
 * Order, so that an end at any point leaves the last good generation and the next update whole:
 *     1. sources/<feed>/<digest>.records   complete, synced, named by its content
 *     2. sources.json                      replaced: says which records file is each source's last
 * good
 *     3. building-<pid>/data.mdb           from those; synced; renamed to generations/<n>
 *     4. current                           a new link renamed over the old one
 * What nothing names any more is removed at the end, and by the next update. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/limits.h"
#include "base/log.h"
#include "os/file.h"

enum { GENERATIONS_KEPT = 5 };

const char *update_path(struct update *update, const char *fmt, str a, str b, struct err *err)
{
    const char *path = arena_cstr(
        &update->arena, arena_printf(&update->arena, "%s/" STR_FMT STR_FMT STR_FMT, update->dir,
                                     STR_ARG(str_from(fmt)), STR_ARG(a), STR_ARG(b)));
    if (!path)
        err_memory(err);
    return path;
}

bool sync_folder(const char *path, struct err *err)
{
    auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_sys(err, ERR_IO, "%s", path);
    return true;
}

static str hex_of(str digest) { return str_skip(digest, STR("sha256:").len); }

const char *update_records_path(struct update *update, const struct known_source *known,
                                struct err *err)
{
    str name = arena_printf(&update->arena, STR_FMT "/" STR_FMT, STR_ARG(known->state.name),
                            STR_ARG(hex_of(known->compiled)));
    return update_path(update, "sources/", name, STR(".records"), err);
}

static bool list_generations(struct update *update, str_vec *names, struct err *err)
{
    const char *path = update_path(update, "generations", STR_NONE, STR_NONE, err);
    return path && dir_make(path, err) && dir_list(&update->arena, path, names, err);
}

/* --- tidying: nothing here can spoil what was published, so failures are only logged
 * ----------------- */

static void drop(struct update *update, const char *folder, str name)
{
    struct err err = {0};
    const char *path = update_path(update, folder, name, STR_NONE, &err);
    if (!path || !dir_remove(path, &err))
        log_event(LOG_WARN, "an old file stays", LOG_ERR(&err));
}

static void drop_leftovers(struct update *update)
{
    struct err err = {0};
    str_vec names = {0};
    if (!dir_list(&update->arena, update->dir, &names, &err))
        return;
    for (size_t i = 0; i < names.len; i++) {
        if (str_starts(names.ptr[i], STR("building-")))
            drop(update, "", names.ptr[i]);
    }
}

static void drop_generations(struct update *update, uint64_t current)
{
    struct err err = {0};
    str_vec names = {0};
    uint64_t number;
    if (!list_generations(update, &names, &err))
        return;
    for (size_t i = 0; i + GENERATIONS_KEPT < names.len; i++) {
        if (str_to_u64(names.ptr[i], UINT32_MAX, &number) && number != current)
            drop(update, "generations/", names.ptr[i]);
    }
}

static void drop_records(struct update *update)
{
    for (size_t i = 0; i < update->known.len; i++) {
        struct err err = {0};
        str_vec names = {0};
        const struct known_source *known = &update->known.ptr[i];
        const char *folder = update_path(update, "sources/", known->state.name, STR_NONE, &err);
        str keep =
            arena_printf(&update->arena, STR_FMT ".records", STR_ARG(hex_of(known->compiled)));
        str sub = arena_printf(&update->arena, "sources/" STR_FMT "/", STR_ARG(known->state.name));
        const char *prefix = arena_cstr(&update->arena, sub);
        if (!folder || !keep.ptr || !prefix || !dir_list(&update->arena, folder, &names, &err))
            continue;
        for (size_t j = 0; j < names.len; j++) {
            str name = names.ptr[j];
            bool is_old = str_ends(name, STR(".records")) && !str_eq(name, keep);
            if (is_old || str_ends(name, STR(".new")))
                drop(update, prefix, name);
        }
    }
}

/* --- opening
 * ---------------------------------------------------------------------------------------- */

static bool hold(struct update *update, int *fd, struct err *err)
{
    if (!dir_make(update->dir, err))
        return false;
    const char *path = update_path(update, "lock", STR_NONE, STR_NONE, err);
    if (!path)
        return false;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0)
        return err_sys(err, ERR_IO, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
        return err_set(err, errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_IO,
                       "%s: another update is running", path);
    return true;
}

/* Records of an older version of this program, or gone: the source is read anew, whether it was
 * asked for or not, and says so until it was. */
static bool forget_unreadable(struct update *update, struct err *err)
{
    for (size_t i = 0; i < update->known.len; i++) {
        struct known_source *known = &update->known.ptr[i];
        struct records_file file;
        struct err why = {0};
        const char *path =
            str_is_empty(known->compiled) ? NULL : update_records_path(update, known, err);
        if (!path || records_open(&file, path, &why)) {
            if (path)
                records_close(&file);
            continue;
        }
        if (why.kind != ERR_FORMAT && why.kind != ERR_NOT_FOUND) {
            *err = why;
            return false;
        }
        known->compiled = STR_NONE;
        known->state.error = arena_printf(&update->arena, "must be read anew: %s", why.msg);
        if (!known->state.error.ptr)
            return err_memory(err);
    }
    return !err_is(err);
}

/* --- publishing
 * ------------------------------------------------------------------------------------ */

static bool is_current(struct update *update, uint64_t *generation)
{
    struct advisory_db *db = NULL;
    struct err ignored = {0};
    size_t n = 0;
    if (!advisory_db_open(update->dir, &db, &ignored))
        return false;
    bool is_same = true;
    for (size_t i = 0; i < update->known.len; i++) {
        const struct known_source *known = &update->known.ptr[i];
        n += !str_is_empty(known->compiled);
        if (!str_eq(known->compiled, advisory_db_compiled(db, known->state.name)))
            is_same = false;
    }
    is_same = is_same && n == advisory_db_built(db);
    *generation = advisory_db_generation(db);
    advisory_db_close(db);
    return is_same;
}

static bool next_number(struct update *update, uint64_t *out, struct err *err)
{
    str_vec names = {0};
    uint64_t number;
    *out = 1;
    if (!list_generations(update, &names, err))
        return false;
    for (size_t i = 0; i < names.len; i++) {
        if (str_to_u64(names.ptr[i], UINT32_MAX, &number) && number >= *out)
            *out = number + 1;
    }
    return true;
}

static bool switch_current(struct update *update, str name, struct err *err)
{
    str target = arena_printf(&update->arena, "generations/" STR_FMT, STR_ARG(name));
    const char *to = arena_cstr(&update->arena, target);
    const char *fresh = update_path(update, "current.new", STR_NONE, STR_NONE, err);
    const char *current = update_path(update, "current", STR_NONE, STR_NONE, err);
    if (!to || !fresh || !current)
        return err_memory(err);
    if (unlink(fresh) != 0 && errno != ENOENT)
        return err_sys(err, ERR_IO, "%s", fresh);
    if (symlink(to, fresh) != 0 || rename(fresh, current) != 0)
        return err_sys(err, ERR_IO, "%s", current);
    return sync_folder(update->dir, err);
}

static bool sources_of(struct update *update, struct build_source **out, size_t *n, struct err *err)
{
    struct build_source *list =
        arena_array(&update->arena, struct build_source, update->known.len + 1);
    if (!list)
        return err_memory(err);
    *n = 0;
    for (size_t i = 0; i < update->known.len; i++) {
        const struct known_source *known = &update->known.ptr[i];
        if (str_is_empty(known->compiled))
            continue;
        list[*n] = (struct build_source){.state = known->state,
                                         .compiled = known->compiled,
                                         .path = update_records_path(update, known, err)};
        if (!list[(*n)++].path)
            return false;
    }
    *out = list;
    return true;
}

static bool publish(struct update *update, uint64_t *generation, struct err *err)
{
    struct build_source *sources = NULL;
    size_t n_sources = 0;
    uint64_t number = 0;
    str pid = arena_printf(&update->arena, "%ld", (long)getpid());
    const char *aside = update_path(update, "building-", pid, STR_NONE, err);
    if (!aside || !sources_of(update, &sources, &n_sources, err) ||
        !next_number(update, &number, err) || !dir_make(aside, err))
        return false;
    str name = arena_printf(&update->arena, "%06llu", (unsigned long long)number);
    const char *home = update_path(update, "generations/", name, STR_NONE, err);
    const char *homes = update_path(update, "generations", STR_NONE, STR_NONE, err);
    if (!home || !homes)
        return false;
    bool is_ok = build_generation(aside, number, sources, n_sources, update->cancel, err) &&
                 seal_write(aside, err) && sync_folder(aside, err);
    if (is_ok && rename(aside, home) != 0)
        is_ok = err_sys(err, ERR_IO, "%s", home);
    is_ok = is_ok && sync_folder(homes, err) && switch_current(update, name, err);
    if (!is_ok) {
        struct err ignored = {0};
        if (!dir_remove(aside, &ignored))
            log_event(LOG_WARN, "an unfinished generation stays", LOG_ERR(&ignored));
    }
    *generation = number;
    return is_ok;
}

static int known_order(const void *left, const void *right)
{
    const struct known_source *a = left, *b = right;
    return str_cmp(a->state.name, b->state.name);
}

static bool has_any(const struct update *update)
{
    for (size_t i = 0; i < update->known.len; i++) {
        if (!str_is_empty(update->known.ptr[i].compiled))
            return true;
    }
    return false;
}

bool update_open(struct update *update, struct err *err)
{
    update->lock = -1;
    arena_init(&update->arena, 256 * MIB);
    if (!hold(update, &update->lock, err))
        return false;
    drop_leftovers(update);
    return known_load(update->dir, &update->arena, &update->known, err) &&
           forget_unreadable(update, err);
}

bool update_finish(struct update *update, struct update_result *out, struct err *err)
{
    vec_sort(&update->known, known_order);
    if (!known_save(update->dir, &update->known, err))
        return false;
    if (!has_any(update)) {
        *err = update->first;
        return err_is(err) ? err_wrap(err, "no source could be read")
                           : err_set(err, ERR_NOT_FOUND, "no source could be read");
    }
    out->is_new = !is_current(update, &out->generation);
    if (out->is_new && !publish(update, &out->generation, err))
        return false;
    drop_generations(update, out->generation);
    drop_records(update);
    return true;
}

void update_close(struct update *update)
{
    if (update->lock >= 0)
        close(update->lock);
    arena_fini(&update->arena);
}
