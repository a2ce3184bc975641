/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - read the feeds, build aside, publish.
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
#include <sys/stat.h>
#include <unistd.h>

#include "advisory/internal.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/num.h"
#include "os/file.h"

enum { GENERATIONS_KEPT = 5 };

struct update {
    const struct update_spec *spec;
    struct arena arena;
    known_sources known;
    size_t n_failed;
    struct err first; /* the first source's failure */
    bool is_held;     /* the source just read was, by the firewall */
};

static const char *path_of(struct update *update, const char *fmt, str a, str b, struct err *err)
{
    const char *path =
        arena_cstr(&update->arena,
                   arena_printf(&update->arena, "%s/" STR_FMT STR_FMT STR_FMT, update->spec->dir,
                                STR_ARG(str_from(fmt)), STR_ARG(a), STR_ARG(b)));
    if (!path)
        err_memory(err);
    return path;
}

static bool sync_folder(const char *path, struct err *err)
{
    auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_sys(err, ERR_IO, "%s", path);
    return true;
}

/* --- choosing
 * ------------------------------------------------------------------------------------- */

static const struct feed *feed_find(str name)
{
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(name, str_from(feeds[i]->name)))
            return feeds[i];
    }
    return NULL;
}

static struct known_source *known_make(struct update *update, const struct feed *feed)
{
    struct known_source *known = known_find(&update->known, str_from(feed->name));
    if (!known && (known = vec_push(&update->arena, &update->known))) {
        known->state.name = str_from(feed->name);
        known->state.licence = str_from(feed->licence);
    }
    return known;
}

typedef VEC(struct feed_choice) choices;

/* It was read once, and its records are of no use any more. */
static bool is_lost(const struct known_source *known)
{
    return known && str_is_empty(known->compiled) && known->state.n_records;
}

static bool is_chosen(const choices *list, const struct feed *feed)
{
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq(list->ptr[i].name, str_from(feed->name)))
            return true;
    }
    return false;
}

static bool choose(struct update *update, choices *out, struct err *err)
{
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    for (size_t i = 0; i < update->spec->n_feeds; i++) {
        struct feed_choice *choice = vec_push(&update->arena, out);
        if (!choice)
            return err_memory(err);
        *choice = update->spec->feeds[i];
        if (!feed_find(choice->name))
            return err_set(err, ERR_USAGE, "no feed is called " STR_FMT, STR_ARG(choice->name));
    }
    for (size_t i = 0; i < n; i++) {
        const struct known_source *known = known_find(&update->known, str_from(feeds[i]->name));
        bool is_due = update->spec->n_feeds ? is_lost(known) && !is_chosen(out, feeds[i])
                                            : known || !update->known.len;
        if (!is_due)
            continue;
        struct feed_choice *choice = vec_push(&update->arena, out);
        if (!choice)
            return err_memory(err);
        *choice = (struct feed_choice){.name = str_from(feeds[i]->name),
                                       .place = known ? known->place : STR_NONE};
    }
    return true;
}

/* --- one source
 * ----------------------------------------------------------------------------------- */

static str hex_of(str digest) { return str_skip(digest, STR("sha256:").len); }

static const char *records_path(struct update *update, const struct known_source *known,
                                struct err *err)
{
    str name = arena_printf(&update->arena, STR_FMT "/" STR_FMT, STR_ARG(known->state.name),
                            STR_ARG(hex_of(known->compiled)));
    return path_of(update, "sources/", name, STR(".records"), err);
}

/* Copies what the reader left in its own arena. */
static bool keep_state(struct arena *arena, const struct source_state *from,
                       struct source_state *to)
{
    *to = *from;
    to->notices = (notices){0};
    to->url = arena_dup(arena, from->url);
    to->digest = arena_dup(arena, from->digest);
    to->error = arena_dup(arena, from->error);
    for (size_t i = 0; i < from->notices.len; i++) {
        const struct notice *notice = &from->notices.ptr[i];
        if (!notice_add(arena, &to->notices, notice->kind, notice->is_incomplete, notice->path,
                        notice->message))
            return false;
    }
    return to->url.ptr && to->digest.ptr && to->error.ptr;
}

static bool digest_finish(struct feed_reader *reader, struct err *err)
{
    uint8_t sum[HASH_MAX];
    char hex[2 * HASH_MAX + 1];
    hex_print(sum, hash_done(reader->digest, sum), hex);
    reader->state->digest = arena_printf(reader->arena, "sha256:%s", hex);
    return reader->state->digest.ptr ? true : err_memory(err);
}

/* Reads into @path, which is left only when all went well. */
static bool read_into(struct feed_reader *reader, const char *path, str *compiled, struct err *err)
{
    if (!dir_make(reader->cache, err) || !records_create(&reader->records, path, err))
        return false;
    if (!hash_open(&reader->digest, HASH_SHA256, err)) {
        records_abort(reader->records);
        return false;
    }
    bool is_ok = reader->feed->read(reader, err) && digest_finish(reader, err);
    if (is_ok)
        is_ok = records_finish(reader->records, &reader->state->n_records, compiled, reader->arena,
                               err);
    if (is_ok)
        feed_forget_others(reader);
    else
        records_abort(reader->records);
    hash_close(reader->digest);
    http_client_close(reader->http);
    if (!is_ok)
        (void)unlink(path);
    return is_ok;
}

static bool is_accepted(const struct update *update, str name)
{
    const strs *accepted = &update->spec->accepted;
    for (size_t i = 0; i < accepted->len; i++) {
        if (str_eq(accepted->ptr[i], name))
            return true;
    }
    return false;
}

/* The firewall; a first state, or one from elsewhere, has nothing to be compared with. */
static bool is_believed(struct update *update, const struct known_source *known, str place,
                        const char *fresh, struct err *err)
{
    double most = update->spec->max_change;
    const struct feed *feed = feed_find(known->state.name);
    if (most < 0 || feed->is_by_wish || str_is_empty(known->compiled) ||
        !str_eq(place, known->place) || is_accepted(update, known->state.name))
        return true;
    const char *before = records_path(update, known, err);
    return before && firewall_check(before, fresh, most > 0 ? most : ADVISORY_MAX_CHANGE,
                                    &update->is_held, err);
}

static bool read_feed(struct update *update, struct known_source *known, str place,
                      struct arena *arena, struct err *err)
{
    struct source_state state = {.name = known->state.name, .licence = known->state.licence};
    struct feed_reader reader = {
        .feed = feed_find(known->state.name),
        .spec = update->spec,
        .place = place,
        .arena = arena,
        .state = &state,
        .now_s = clock_now_s(),
    };
    str compiled;
    state.fetched_at = reader.now_s;
    reader.cache = path_of(update, "sources/", known->state.name, STR_NONE, err);
    const char *fresh = path_of(update, "sources/", known->state.name, STR("/records.new"), err);
    if (!reader.cache || !fresh || !read_into(&reader, fresh, &compiled, err))
        return false;
    if (!is_believed(update, known, place, fresh, err)) {
        (void)unlink(fresh);
        return false;
    }
    known->compiled = arena_dup(&update->arena, compiled);
    if (!known->compiled.ptr || !keep_state(&update->arena, &state, &known->state))
        return err_memory(err);
    const char *path = records_path(update, known, err);
    if (!path)
        return false;
    if (rename(fresh, path) != 0)
        return err_sys(err, ERR_IO, "%s", path);
    return sync_folder(reader.cache, err);
}

/* A failure stays with its source, except the wish to stop. */
static bool update_source(struct update *update, const struct feed_choice *choice, struct err *err)
{
    struct arena arena;
    struct err why = {0};
    struct known_source *known = known_make(update, feed_find(choice->name));
    if (!known)
        return err_memory(err);
    arena_init(&arena, 4 * GIB);
    struct known_source before = *known;
    update->is_held = false;
    bool is_ok = read_feed(update, known, choice->place, &arena, &why);
    arena_fini(&arena);
    if (!is_ok)
        *known = before;
    known->place = arena_dup(&update->arena, choice->place);
    if (!known->place.ptr)
        return err_memory(err);
    if (!is_ok) {
        known->state.is_held = update->is_held;
        known->state.error = arena_dup(&update->arena, str_from(why.msg));
        if (!known->state.error.ptr)
            return err_memory(err);
        log_event(LOG_WARN, "advisory source keeps its last good state",
                  LOG_STR("feed", choice->name), LOG_ERR(&why));
    }
    if (!str_is_empty(known->state.error)) {
        update->n_failed++;
        if (!err_is(&update->first))
            update->first = is_ok ? (struct err){.kind = ERR_UNAVAILABLE} : why;
    }
    if (why.kind == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    return true;
}

/* --- publishing
 * ------------------------------------------------------------------------------------ */

static bool is_current(struct update *update, uint64_t *generation)
{
    struct advisory_db *db = NULL;
    struct err ignored = {0};
    size_t n = 0;
    if (!advisory_db_open(update->spec->dir, &db, &ignored))
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

static bool list_generations(struct update *update, str_vec *names, struct err *err)
{
    const char *path = path_of(update, "generations", STR_NONE, STR_NONE, err);
    return path && dir_make(path, err) && dir_list(&update->arena, path, names, err);
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
    const char *fresh = path_of(update, "current.new", STR_NONE, STR_NONE, err);
    const char *current = path_of(update, "current", STR_NONE, STR_NONE, err);
    if (!to || !fresh || !current)
        return err_memory(err);
    if (unlink(fresh) != 0 && errno != ENOENT)
        return err_sys(err, ERR_IO, "%s", fresh);
    if (symlink(to, fresh) != 0 || rename(fresh, current) != 0)
        return err_sys(err, ERR_IO, "%s", current);
    return sync_folder(update->spec->dir, err);
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
                                         .path = records_path(update, known, err)};
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
    const char *aside = path_of(update, "building-", pid, STR_NONE, err);
    if (!aside || !sources_of(update, &sources, &n_sources, err) ||
        !next_number(update, &number, err) || !dir_make(aside, err))
        return false;
    str name = arena_printf(&update->arena, "%06llu", (unsigned long long)number);
    const char *home = path_of(update, "generations/", name, STR_NONE, err);
    const char *homes = path_of(update, "generations", STR_NONE, STR_NONE, err);
    if (!home || !homes)
        return false;
    bool is_ok = build_generation(aside, number, sources, n_sources, update->spec->cancel, err) &&
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

/* --- tidying: nothing here can spoil what was published, so failures are only logged
 * ----------------- */

static void drop(struct update *update, const char *folder, str name)
{
    struct err err = {0};
    const char *path = path_of(update, folder, name, STR_NONE, &err);
    if (!path || !dir_remove(path, &err))
        log_event(LOG_WARN, "an old file stays", LOG_ERR(&err));
}

static void drop_leftovers(struct update *update)
{
    struct err err = {0};
    str_vec names = {0};
    if (!dir_list(&update->arena, update->spec->dir, &names, &err))
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
        const char *folder = path_of(update, "sources/", known->state.name, STR_NONE, &err);
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

/* --- the whole
 * ---------------------------------------------------------------------------------------- */

static bool hold(struct update *update, int *fd, struct err *err)
{
    if (!dir_make(update->spec->dir, err))
        return false;
    const char *path = path_of(update, "lock", STR_NONE, STR_NONE, err);
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

static bool has_any(const struct update *update)
{
    for (size_t i = 0; i < update->known.len; i++) {
        if (!str_is_empty(update->known.ptr[i].compiled))
            return true;
    }
    return false;
}

/* Records of an older version of this program, or gone: the source is read anew, whether it was
 * asked for or not, and says so until it was. */
static bool forget_unreadable(struct update *update, struct err *err)
{
    for (size_t i = 0; i < update->known.len; i++) {
        struct known_source *known = &update->known.ptr[i];
        struct records_file file;
        struct err why = {0};
        const char *path = str_is_empty(known->compiled) ? NULL : records_path(update, known, err);
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

static int known_order(const void *left, const void *right)
{
    const struct known_source *a = left, *b = right;
    return str_cmp(a->state.name, b->state.name);
}

static bool run(struct update *update, struct update_result *out, struct err *err)
{
    choices list = {0};
    drop_leftovers(update);
    if (!known_load(update->spec->dir, &update->arena, &update->known, err) ||
        !forget_unreadable(update, err) || !choose(update, &list, err))
        return false;
    for (size_t i = 0; i < list.len; i++) {
        if (!update_source(update, &list.ptr[i], err))
            return false;
    }
    vec_sort(&update->known, known_order);
    out->n_failed = update->n_failed;
    if (!known_save(update->spec->dir, &update->known, err))
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

bool advisory_update(const struct update_spec *spec, struct update_result *out, struct err *err)
{
    struct update update = {.spec = spec};
    int lock = -1;
    *out = (struct update_result){0};
    arena_init(&update.arena, 256 * MIB);
    bool is_ok = hold(&update, &lock, err) && run(&update, out, err);
    if (lock >= 0)
        close(lock);
    arena_fini(&update.arena);
    return is_ok;
}
