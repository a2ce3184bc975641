/* SPDX-License-Identifier: Apache-2.0 */
/* The server's store, looked after by hand: is it whole, a copy aside, back again, elsewhere. */
#include "cmd/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "guard/guard.h"
#include "store/store.h"

/* --- which store
 * --------------------------------------------------------------------------------------------- */
struct subject {
    const struct cmd_call *call;
    const char *name;     /* of the store */
    const char *data_dir; /* of a server that may run on it; NULL: not known */
    struct progress progress;
    struct store_watch watch;
};

/* The folder of a file of SQLite; NULL when it is none. */
static const char *folder_of(struct arena *arena, str store)
{
    str path = str_starts(store, STR("sqlite:")) ? str_skip(store, 7) : store;
    size_t slash = str_rfind_byte(path, '/');
    if (str_starts(store, STR("postgres")))
        return NULL;
    return slash == path.len ? "." : arena_cstr(arena, str_slice(path, 0, slash ? slash : 1));
}

static bool name_from_config(const struct cmd_call *call, struct subject *s, struct err *err)
{
    struct config config;
    const char *path = cmd_cstr(call, "config");
    if (!path || !config_load(call->arena, path, &config, err))
        return path ? false : err_memory(err);
    s->name = arena_cstr(call->arena, config.store);
    s->data_dir = arena_cstr(call->arena, config.data_dir);
    return s->name && s->data_dir ? true : err_memory(err);
}

static bool subject_find(const struct cmd_call *call, struct subject *s, struct err *err)
{
    *s = (struct subject){.call = call};
    if (cmd_has(call, "config"))
        return name_from_config(call, s, err);
    s->name = cmd_cstr(call, "store");
    s->data_dir = folder_of(call->arena, cmd_value(call, "store"));
    return s->name ? true : err_memory(err);
}

static void tell(void *ctx, str what, uint64_t done, uint64_t total)
{
    progress_feed(ctx, what, STR("rows"), done, total);
}

static void watch_open(struct subject *s)
{
    progress_open(&s->progress, cmd_has(s->call, "quiet"));
    s->watch = (struct store_watch){.on = tell, .ctx = &s->progress, .cancel = cmd_cancel()};
}

static str shown(const struct cmd_call *call, const char *name)
{
    return store_describe(call->arena, name);
}

/* A server that runs would write into what is replaced, or go on writing into what was left. */
static bool refuse_running(const char *dir, struct err *err)
{
    char path[4096];
    if (!dir || snprintf(path, sizeof(path), "%s/lock", dir) >= (int)sizeof(path))
        return true;
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0)
        return true;
    return err_set(err, ERR_CONFLICT, "%s: a server runs on it; stop it first", path);
}

static bool check_store(const struct cmd_call *call, struct err *err)
{
    if (cmd_has(call, "config") == cmd_has(call, "store"))
        return err_set(err, ERR_USAGE, "name the store: --config FILE of its server, or --store");
    if (cmd_has(call, "store") && !store_name_check(cmd_value(call, "store"), err))
        return err_wrap(err, "--store");
    return true;
}

#define OPTIONS_STORE                                                                              \
    {.name = "config",                                                                             \
     .argument = "FILE",                                                                           \
     .help = "the store of the server with this configuration"},                                   \
        {.name = "store",                                                                          \
         .argument = "STORE",                                                                      \
         .help = "sqlite:PATH, postgres:CONNINFO or postgresql://…; a password belongs into "    \
                 "$PGPASSFILE, not here"},                                                         \
        CMD_OPTION_QUIET

/* --- check
 * -----------------------------------------------------------------------------------------------
 */
static void complain(void *ctx, const char *what, uint64_t n)
{
    struct subject *s = ctx;
    progress_close(&s->progress);
    printf("broken: %" PRIu64 " %s\n", n, what);
    progress_open(&s->progress, cmd_has(s->call, "quiet"));
}

static bool check(struct subject *s, struct store_counts *counts, unsigned *n, struct err *err)
{
    struct store *store = NULL;
    watch_open(s);
    bool ok = store_open_kept(s->name, STORE_DURABLE, &store, err) &&
              store_check_whole(store, &s->watch, complain, s, n, counts, err);
    progress_close(&s->progress);
    store_close(store);
    return ok;
}

static int check_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct subject s;
    struct store_counts counts;
    unsigned n = 0;
    if (!subject_find(call, &s, &err) || !check(&s, &counts, &n, &err))
        return cmd_fail(call, &err);
    printf("%s: %" PRIu64 " rows in %u tables, schema version %d: " STR_FMT "\n",
           n ? "not whole" : "whole", counts.n_rows, counts.n_tables, store_schema_version(),
           STR_ARG(shown(call, s.name)));
    return n ? EXIT_GATE : EXIT_DONE;
}

static const struct cmd_option check_options[] = {OPTIONS_STORE, {0}};
static const struct cmd_example check_examples[] = {
    {"plimsoll store check --config /etc/plimsoll.yaml", "while the server runs"},
    {0},
};
static const struct command command_store_check = {
    .name = "check",
    .summary = "read all of it, and see whether it contradicts itself",
    .about = "The engine's own check, every row, and what rows say against each other: findings of "
             "unknown images, counts that are not those of the findings, a digest that is billed "
             "twice. It changes nothing. Exit code 0 when it is whole, 1 when something is broken, "
             "3 when it could not be looked at.",
    .options = check_options,
    .examples = check_examples,
    .check = check_store,
    .run = check_run,
};

/* --- backup
 * ------------------------------------------------------------------------------------------------
 */
static bool backup(struct subject *s, struct store_counts *counts, struct err *err)
{
    struct store *store = NULL;
    struct output output;
    const char *path = arena_cstr(s->call->arena, s->call->operands.ptr[0]);
    if (!path)
        return err_memory(err);
    umask(0077); /* hashes of tokens, names of everything */
    if (!store_open_kept(s->name, STORE_DURABLE, &store, err))
        return false;
    bool ok = output_open_path(s->call->arena, path, &output, err);
    if (ok) {
        watch_open(s);
        ok = store_backup(store, output.fd, &s->watch, counts, err);
        progress_close(&s->progress);
        ok = output_close(&output, ok, err);
    }
    store_close(store);
    return ok;
}

static int backup_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct subject s;
    struct store_counts counts;
    if (!subject_find(call, &s, &err) || !backup(&s, &counts, &err))
        return cmd_fail(call, &err);
    if (!str_eq(call->operands.ptr[0], STR("-")))
        printf("%" PRIu64 " rows of %u tables in " STR_FMT "\n", counts.n_rows, counts.n_tables,
               STR_ARG(call->operands.ptr[0]));
    return EXIT_DONE;
}

static const struct cmd_option backup_options[] = {OPTIONS_STORE, {0}};
static const struct cmd_example backup_examples[] = {
    {"plimsoll store backup /backup/plimsoll.store --config /etc/plimsoll.yaml",
     "while the server runs"},
    {0},
};
static const struct command command_store_backup = {
    .name = "backup",
    .summary = "one state of all of it into a file, while the server runs",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .about =
        "The same file whatever the engine is, compressed with zstd, with digests. Credentials "
        "of registries are in it as they are in the store: sealed; keep the key (secret.key) "
        "elsewhere. `-` is standard output.",
    .options = backup_options,
    .examples = backup_examples,
    .check = check_store,
    .run = backup_run,
};

/* --- restore
 * -----------------------------------------------------------------------------------------------
 */
static int open_backup(const struct cmd_call *call, struct err *err)
{
    const char *path = arena_cstr(call->arena, call->operands.ptr[0]);
    if (path && strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path ? path : "FILE");
    return fd;
}

static bool restore(struct subject *s, struct store_counts *counts, struct err *err)
{
    struct store *store = NULL;
    auto_fd fd = open_backup(s->call, err);
    if (fd < 0 || !refuse_running(s->data_dir, err))
        return false;
    umask(0077);
    if (!store_open(s->name, STORE_DURABLE, &store, err))
        return false;
    watch_open(s);
    bool ok = store_restore(store, fd, cmd_has(s->call, "force"), &s->watch, counts, err);
    progress_close(&s->progress);
    store_close(store);
    return ok || err_wrap(err, STR_FMT, STR_ARG(s->call->operands.ptr[0]));
}

static int restore_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct subject s;
    struct store_counts counts;
    if (!subject_find(call, &s, &err) || !restore(&s, &counts, &err))
        return cmd_fail(call, &err);
    printf("%" PRIu64 " rows of %u tables restored into " STR_FMT "\n", counts.n_rows,
           counts.n_tables, STR_ARG(shown(call, s.name)));
    return EXIT_DONE;
}

static const struct cmd_option restore_options[] = {
    OPTIONS_STORE,
    {.name = "force", .help = "replace what the store has"},
    {0},
};
static const struct cmd_example restore_examples[] = {
    {"plimsoll store restore /backup/plimsoll.store --config /etc/plimsoll.yaml",
     "with the server stopped"},
    {0},
};
static const struct command command_store_restore = {
    .name = "restore",
    .summary = "what `store backup` wrote, into a store of any engine",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .about = "In one commit, after everything was read back and compared: a backup that is cut "
             "short or changed leaves the store as it was. A store that has content is refused "
             "without --force. Stop the servers that use it first.",
    .options = restore_options,
    .examples = restore_examples,
    .check = check_store,
    .run = restore_run,
};

/* --- migrate
 * ---------------------------------------------------------------------------------------------- */
static bool copy(struct subject *s, const char *to_name, struct store_counts *counts,
                 struct err *err)
{
    struct store *from = NULL, *to = NULL;
    umask(0077);
    if (!refuse_running(s->data_dir, err) ||
        !refuse_running(folder_of(s->call->arena, str_from(to_name)), err))
        return false;
    bool ok = store_open_kept(s->name, STORE_DURABLE, &from, err) &&
              store_open(to_name, STORE_DURABLE, &to, err);
    if (ok) {
        watch_open(s);
        ok = store_copy(from, to, cmd_has(s->call, "force"), &s->watch, counts, err);
        progress_close(&s->progress);
    }
    store_close(to);
    store_close(from);
    return ok;
}

static int migrate_to(struct subject *s, const char *to)
{
    struct err err = {0};
    struct store_counts counts;
    if (!copy(s, to, &counts, &err))
        return cmd_fail(s->call, &err);
    printf("%" PRIu64 " rows of %u tables copied and compared: " STR_FMT "\n", counts.n_rows,
           counts.n_tables, STR_ARG(shown(s->call, to)));
    return EXIT_DONE;
}

static int migrate_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct subject s;
    int from = 0, now = store_schema_version();
    if (!subject_find(call, &s, &err))
        return cmd_fail(call, &err);
    if (cmd_has(call, "to"))
        return migrate_to(&s, cmd_cstr(call, "to"));
    umask(0077);
    if (!store_migrate(s.name, &from, &err))
        return cmd_fail(call, &err);
    if (from == now)
        printf("schema version %d already: ", now);
    else if (from)
        printf("schema version %d, was %d: ", now, from);
    else
        printf("a new store, schema version %d: ", now);
    printf(STR_FMT "\n", STR_ARG(shown(call, s.name)));
    return EXIT_DONE;
}

static bool migrate_check(const struct cmd_call *call, struct err *err)
{
    if (cmd_has(call, "force") && !cmd_has(call, "to"))
        return err_set(err, ERR_USAGE, "--force goes with --to");
    if (cmd_has(call, "to") && !store_name_check(cmd_value(call, "to"), err))
        return err_wrap(err, "--to");
    return check_store(call, err);
}

static const struct cmd_option migrate_options[] = {
    OPTIONS_STORE,
    {.name = "to",
     .argument = "STORE",
     .help = "copy everything into this one, of either engine, read it back and compare"},
    {.name = "force", .help = "with --to: replace what that store has"},
    {0},
};
static const struct cmd_example migrate_examples[] = {
    {"plimsoll store migrate --config /etc/plimsoll.yaml",
     "bring the schema forward (a server does so when it starts)"},
    {"plimsoll store migrate --config /etc/plimsoll.yaml --to postgresql://db.example/plimsoll",
     "from SQLite to PostgreSQL, with the server stopped"},
    {0},
};
static const struct command command_store_migrate = {
    .name = "migrate",
    .summary = "bring the schema forward, or everything to another store",
    .about = "Schemas go forward only; a store of a newer program is refused. With --to the store "
             "itself stays as it is, and the other one gets all of it in one commit.",
    .options = migrate_options,
    .examples = migrate_examples,
    .check = migrate_check,
    .run = migrate_run,
};

static const struct command *const subs[] = {&command_store_backup, &command_store_check,
                                             &command_store_migrate, &command_store_restore, NULL};
const struct command command_store = {
    .name = "store",
    .summary = "check, back up, restore and move what the server keeps",
    .about = "The store of `plimsoll serve`: a file of SQLite in its data directory, or a database "
             "of PostgreSQL. Backups and copies go between the two.",
    .subs = subs,
};
