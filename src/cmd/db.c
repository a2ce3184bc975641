/* SPDX-License-Identifier: Apache-2.0 */
/* The advisory database from the command line: fetch, and say what is there. */
#include "cmd/internal.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "syntax/syntax.h"

/* --- status --------------------------------------------------------------------------------------
 */
static bool is_stale(const struct source_state *source, int64_t now_s)
{
    return source->valid_until && source->valid_until < now_s;
}

static void age_print(int64_t seconds, char out[static 32])
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (seconds >= units[i].seconds) {
            snprintf(out, 32, "%lld %s", (long long)(seconds / units[i].seconds), units[i].unit);
            return;
        }
    }
    snprintf(out, 32, "%lld s", (long long)(seconds < 0 ? 0 : seconds));
}

static void cell(struct sb *out, str text, size_t columns)
{
    size_t used = report_text(out, text, columns);
    sb_addf(out, "%*s", (int)(columns - used) + 2, "");
}

static void source_state_words(struct sb *out, const struct source_state *source, int64_t now_s)
{
    if (source->error.len) {
        sb_addc(out, source->is_held ? "" : "error: ");
        report_text(out, source->error, 0);
    } else if (is_stale(source, now_s)) {
        sb_addc(out, "stale: valid until ");
        char when[CLOCK_TEXT_SIZE];
        sb_add(out, clock_print(source->valid_until, when));
    } else {
        sb_addc(out, "ok");
    }
    for (size_t i = 0; i < source->notices.len; i++) {
        sb_addc(out, "\n    ");
        const struct notice *notice = &source->notices.ptr[i];
        sb_addf(out, "%s: ", notice_kind_name(notice->kind));
        if (notice->path.len) {
            report_text(out, notice->path, 0);
            sb_addc(out, ": ");
        }
        report_text(out, notice->message, 0);
    }
    sb_byte(out, '\n');
}

static void source_row(struct sb *out, const struct source_state *source, int64_t now_s)
{
    char when[CLOCK_TEXT_SIZE], age[32] = "-", records[32];
    str fetched = source->fetched_at ? clock_print(source->fetched_at, when) : STR("never");
    if (source->fetched_at)
        age_print(now_s - source->fetched_at, age);
    snprintf(records, sizeof(records), "%llu", (unsigned long long)source->n_records);
    cell(out, source->name, 20);
    cell(out, fetched, 20);
    cell(out, str_from(age), 7);
    cell(out, str_from(records), 9);
    cell(out, source->digest.len ? source->digest : STR("-"), 19);
    cell(out, source->licence.len ? source->licence : STR("-"), 16);
    source_state_words(out, source, now_s);
}

void db_status_table(struct sb *out, uint64_t generation, const struct source_state *sources,
                     size_t n, int64_t now_s)
{
    sb_addf(out, "generation %llu, %zu source%s\n\n", (unsigned long long)generation, n,
            n == 1 ? "" : "s");
    cell(out, STR("SOURCE"), 20);
    cell(out, STR("FETCHED"), 20);
    cell(out, STR("AGE"), 7);
    cell(out, STR("RECORDS"), 9);
    cell(out, STR("DIGEST"), 19);
    cell(out, STR("LICENCE"), 16);
    sb_addc(out, "STATE\n");
    for (size_t i = 0; i < n; i++)
        source_row(out, &sources[i], now_s);
}

static void json_text(struct jw *jw, const char *key, str text)
{
    jw_key(jw, key);
    if (text.len)
        jw_str(jw, text);
    else
        jw_null(jw);
}

static void json_instant(struct jw *jw, const char *key, int64_t utc_s)
{
    char when[CLOCK_TEXT_SIZE];
    json_text(jw, key, utc_s ? clock_print(utc_s, when) : STR_NONE);
}

static void json_source(struct jw *jw, const struct source_state *source, int64_t now_s)
{
    jw_obj(jw);
    json_text(jw, "name", source->name);
    json_text(jw, "url", source->url);
    json_instant(jw, "fetchedAt", source->fetched_at);
    json_instant(jw, "validUntil", source->valid_until);
    jw_kbool(jw, "stale", is_stale(source, now_s));
    jw_kint(jw, "recordCount", (int64_t)source->n_records);
    json_text(jw, "digest", source->digest);
    json_text(jw, "licence", source->licence);
    json_text(jw, "error", source->error);
    jw_kbool(jw, "held", source->is_held);
    jw_key(jw, "notices");
    jw_arr(jw);
    for (size_t i = 0; i < source->notices.len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "kind", str_from(notice_kind_name(source->notices.ptr[i].kind)));
        json_text(jw, "path", source->notices.ptr[i].path);
        jw_kstr(jw, "message", source->notices.ptr[i].message);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    jw_obj_end(jw);
}

void db_status_json(struct sb *out, uint64_t generation, const struct source_state *sources,
                    size_t n, int64_t now_s)
{
    struct jw jw;
    jw_init(&jw, out, true);
    jw_obj(&jw);
    jw_kstr(&jw, "schema", STR("plimsoll.db-status/1"));
    jw_kint(&jw, "generation", (int64_t)generation);
    jw_key(&jw, "sources");
    jw_arr(&jw);
    for (size_t i = 0; i < n; i++)
        json_source(&jw, &sources[i], now_s);
    jw_arr_end(&jw);
    jw_obj_end(&jw);
    sb_byte(out, '\n');
}

bool cmd_is_json(const struct cmd_call *call)
{
    return str_eq(cmd_value(call, "format"), STR("json"));
}

bool cmd_check_table_or_json(const struct cmd_call *call, struct err *err)
{
    str format = cmd_value(call, "format");
    if (!cmd_has(call, "format") || cmd_is_json(call) || str_eq(format, STR("table")))
        return true;
    return err_set(err, ERR_USAGE, "--format " STR_FMT ": unknown format, one of: json, table",
                   STR_ARG(format));
}

static bool print_status(const struct cmd_call *call, const char *dir, struct err *err)
{
    struct advisory_db *db = NULL;
    const struct source_state *sources;
    if (!advisory_db_open(dir, &db, err))
        return false;
    size_t n = advisory_db_sources(db, &sources);
    auto_sb out;
    sb_init(&out, LIMIT(HTTP_ANSWER));
    (cmd_is_json(call) ? db_status_json : db_status_table)(&out, advisory_db_generation(db),
                                                           sources, n, clock_stamp_s());
    bool is_done = sb_ok(&out, err);
    if (is_done)
        fwrite(out.ptr, 1, out.len, stdout);
    advisory_db_close(db);
    return is_done;
}

static int status_run(const struct cmd_call *call)
{
    struct err err = {0};
    const char *dir = cmd_db_dir(call, &err);
    if (dir && print_status(call, dir, &err))
        return EXIT_DONE;
    return err.kind == ERR_NOT_FOUND
               ? cmd_fail_with(call, &err, "make one with `plimsoll db update`")
               : cmd_fail(call, &err);
}

static const struct cmd_option status_options[] = {
    CMD_OPTION_DB,
    {.name = "format",
     .argument = "FORMAT",
     .choice = choice_table_or_json,
     .help = "table (default) or json"},
    {0},
};
static const struct cmd_example status_examples[] = {
    {"plimsoll db status", "how old each source is, and whether it could be read"},
    {0},
};
static const struct command command_status = {
    .name = "status",
    .summary = "say what the database was made of",
    .about =
        "One line a source: when it was fetched and how long ago, how many records it gave, the "
        "digest of what was read, its licence, and what went wrong last time. A source is stale "
        "when it is past the date its publisher calls valid.",
    .options = status_options,
    .examples = status_examples,
    .check = cmd_check_table_or_json,
    .run = status_run,
};

/* --- update --------------------------------------------------------------------------------------
 */
typedef VEC(struct feed_choice) feed_choices;

static bool fail_feed(const char *option, str name, struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "%s " STR_FMT ": no such feed; `plimsoll help --support` lists them", option,
                   STR_ARG(name));
}

static bool read_feeds(const struct cmd_call *call, feed_choices *out, struct err *err)
{
    str text;
    for (size_t i = 0; cmd_value_at(call, "feed", i, &text); i++) {
        struct feed_choice *choice = vec_push(call->arena, out);
        if (!choice)
            return err_memory(err);
        bool has_place = str_cut_byte(text, '=', &choice->name, &choice->place);
        if (!advisory_feed_find(choice->name))
            return fail_feed("--feed", choice->name, err);
        if (has_place && !choice->place.len)
            return err_set(
                err, ERR_USAGE,
                "--feed " STR_FMT ": a URL or folder is missing behind =", STR_ARG(text));
    }
    return true;
}

static bool read_accepted(const struct cmd_call *call, strs *out, struct err *err)
{
    str name;
    for (size_t i = 0; cmd_value_at(call, "accept", i, &name); i++) {
        str *slot = vec_push(call->arena, out);
        if (!slot)
            return err_memory(err);
        if (!advisory_feed_find(name))
            return fail_feed("--accept", name, err);
        *slot = name;
    }
    return true;
}

/* "25" or "25%"; "off" is negative. */
static bool read_max_change(const struct cmd_call *call, double *out, struct err *err)
{
    str text = cmd_value(call, "max-change"), number = text;
    uint64_t percent;
    *out = 0;
    if (!cmd_has(call, "max-change"))
        return true;
    if (str_eq(text, STR("off"))) {
        *out = -1;
        return true;
    }
    if (str_ends(text, STR("%")))
        number = str_slice(text, 0, text.len - 1);
    if (!str_to_u64(number, 1000, &percent) || !percent)
        return err_set(err, ERR_USAGE,
                       "--max-change " STR_FMT ": not a percentage from 1 to 1000, nor off",
                       STR_ARG(text));
    *out = (double)percent / 100;
    return true;
}

static bool update_check(const struct cmd_call *call, struct err *err)
{
    feed_choices feeds = {0};
    strs accepted = {0};
    double max_change;
    return read_feeds(call, &feeds, err) && read_accepted(call, &accepted, err) &&
           read_max_change(call, &max_change, err) && cmd_check_registry(call, err);
}

static bool add_wanted(struct arena *arena, struct map *seen, str ecosystem,
                       const struct package *package, wanted_packages *out)
{
    str key = arena_printf(arena, STR_FMT "\n" STR_FMT, STR_ARG(package->source_name),
                           STR_ARG(package->source_version));
    void **slot = key.ptr ? map_at(seen, key) : NULL;
    if (!slot || *slot)
        return slot != NULL;
    struct wanted_package *wanted = vec_push(arena, out);
    if (!wanted)
        return false;
    *wanted = (struct wanted_package){ecosystem, package->source_name, package->source_version};
    *slot = seen; /* anything: only its presence counts */
    return true;
}

bool db_wanted_of(struct arena *arena, const struct report *report, wanted_packages *out)
{
    struct map seen;
    map_init(&seen, arena);
    str ecosystem = distro_ecosystem(&report->distro, arena);
    if (!ecosystem.ptr)
        return false;
    for (size_t i = 0; i < report->packages.len && ecosystem.len; i++)
        if (report->packages.ptr[i].is_os &&
            !add_wanted(arena, &seen, ecosystem, &report->packages.ptr[i], out))
            return false;
    return true;
}

/* --for: the source's inventory, no database needed.  Half an inventory would leave out advisories
 * without a word. */
static bool read_wanted(const struct cmd_call *call, wanted_packages *out, struct err *err)
{
    if (!cmd_has(call, "for"))
        return true;
    str source = cmd_value(call, "for");
    struct source_scan scan = {.sources = &source,
                               .n_sources = 1,
                               .required = SANDBOX_BASIC,
                               .is_quiet = cmd_has(call, "quiet")};
    bool is_done = source_scan_run(call, &scan, err);
    for (size_t i = 0; is_done && i < scan.reports.len; i++) {
        const struct report *report = scan.reports.ptr[i];
        if (!report->is_complete)
            is_done = err_set(err, ERR_FORMAT, "its inventory is incomplete: " STR_FMT,
                              STR_ARG(report->reason));
        else if (!db_wanted_of(call->arena, report, out))
            is_done = err_memory(err);
    }
    if (is_done && !out->len)
        is_done = err_set(err, ERR_UNSUPPORTED, "no packages of a known distribution in it");
    source_scan_close(&scan);
    return is_done || err_wrap(err, "--for " STR_FMT, STR_ARG(cmd_value(call, "for")));
}

static bool update(const struct cmd_call *call, struct update_result *result, struct err *err)
{
    feed_choices feeds = {0};
    wanted_packages wanted = {0};
    struct progress progress;
    const char *dir = cmd_db_dir(call, err);
    strs accepted = {0};
    double max_change;
    if (!dir || !read_feeds(call, &feeds, err) || !read_accepted(call, &accepted, err) ||
        !read_max_change(call, &max_change, err) || !read_wanted(call, &wanted, err))
        return false;
    progress_open(&progress, cmd_has(call, "quiet"));
    const struct update_spec spec = {
        .dir = dir,
        .feeds = feeds.ptr,
        .n_feeds = feeds.len,
        .wanted = wanted.ptr,
        .n_wanted = wanted.len,
        .accepted = accepted,
        .max_change = max_change,
        .cancel = cmd_cancel(),
        .progress = progress_feed,
        .progress_ctx = &progress,
    };
    bool is_done = advisory_update(&spec, result, err);
    progress_close(&progress);
    if (is_done)
        printf("%s generation %llu in %s\n",
               result->is_new ? "published" : "unchanged:", (unsigned long long)result->generation,
               dir);
    return is_done;
}

static int update_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct update_result result = {0};
    if (!update(call, &result, &err))
        return cmd_fail(call, &err);
    if (!result.n_failed)
        return EXIT_DONE;
    fflush(stdout);
    err_set(&err, ERR_UNAVAILABLE, "db update: %zu source%s kept the last good state",
            result.n_failed, result.n_failed == 1 ? "" : "s");
    return cmd_fail_with(call, &err, "see why with `plimsoll db status`");
}

static const struct cmd_option update_options[] = {
    CMD_OPTION_DB,
    {.name = "feed",
     .argument = "NAME[=URL-or-DIR]",
     .choice = choice_feed,
     .help =
         "read this feed (see `plimsoll help --support`), from a mirror or a folder when one is "
         "given; default: the feeds the database has, or all of them",
     .is_repeatable = true},
    {.name = "for",
     .argument = "SOURCE",
     .help = "an image whose packages debian-archive shall read the changelogs of"},
    {.name = "max-change",
     .argument = "PERCENT",
     .help = "hold a source at its last good state when its records, or what they are about, move "
             "by more at once; default 25, off: never"},
    {.name = "accept",
     .argument = "NAME",
     .choice = choice_feed,
     .help = "believe this feed this time, however much it moved",
     .is_repeatable = true},
    CMD_OPTIONS_REGISTRY,
    CMD_OPTION_QUIET,
    {0},
};
static const struct cmd_example update_examples[] = {
    {"plimsoll db update", "every feed, from its publisher"},
    {"plimsoll db update --feed debian-archive --for oci:./build/image",
     "what a Debian mirror alone knows about an image"},
    {"plimsoll db update --feed osv=/mnt/osv --feed alpine-secdb=https://mirror.example/secdb",
     "from a folder and a mirror"},
    {0},
};
static const struct command command_update = {
    .name = "update",
    .summary = "fetch the feeds and publish a generation",
    .about =
        "Reads the feeds, keeps the last good state of what cannot be read, compiles a new "
        "generation aside and publishes it with one rename: a scan sees the old one or the new "
        "one. Exit code 3 when a source failed.",
    .options = update_options,
    .examples = update_examples,
    .check = update_check,
    .run = update_run,
};

static const struct command *const subs[] = {&command_db_diff,
                                             &command_db_export,
                                             &command_db_import,
                                             &command_status,
                                             &command_update,
                                             &command_db_verify,
                                             NULL};

const struct command command_db = {
    .name = "db",
    .summary = "make and inspect the advisory database",
    .about =
        "The advisory database says which versions of a package are vulnerable. Nothing is ever "
        "fetched while an image is scanned: only `db update` reaches out.",
    .subs = subs,
};
