/* SPDX-License-Identifier: Apache-2.0 */
/* The billing ledger of one month: totals, or every entry. */
#include "cmd/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "guard/guard.h"
#include "os/file.h"
#include "syntax/syntax.h"

enum billing_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };
struct billing {
    const struct cmd_call *call;
    str month;
    struct ledger_span span;
    struct store *store;
    int fd;
    store_ledger_totals totals;
    struct sb text; /* not yet written */
    struct jw jw;
};

static bool flush(struct billing *b, struct err *err)
{
    if (!sb_ok(&b->text, err) || !fd_write(b->fd, sb_str(&b->text), err))
        return false;
    sb_clear(&b->text);
    return true;
}

static uint64_t sum(const store_ledger_totals *totals)
{
    uint64_t n = 0;
    for (size_t i = 0; i < totals->len; i++)
        n += totals->ptr[i].n;
    return n;
}

/* --- every entry, page by page: a ledger may have millions
 * -------------------------------------------------------------------- */
typedef void write_entry(struct billing *b, const struct ledger_entry *entry);

static bool write_page(struct billing *b, write_entry *write, const store_ledger *entries,
                       struct err *err)
{
    for (size_t i = 0; i < entries->len; i++)
        write(b, &entries->ptr[i]);
    return flush(b, err);
}

static bool each_entry(struct billing *b, write_entry *write, struct err *err)
{
    struct arena arenas[2]; /* the cursor of a page lives while the next is read */
    struct store_page page = {.limit = STORE_PAGE_MAX};
    bool ok = true, is_more = true;
    arena_init(&arenas[0], 64 * MIB);
    arena_init(&arenas[1], 64 * MIB);
    for (size_t i = 0; ok && is_more; i = 1 - i) {
        store_ledger entries = {0};
        str next = STR_NONE;
        arena_reset(&arenas[i]);
        ok = store_ledger_list(b->store, &arenas[i], &b->span, &page, &entries, &next, err) &&
             write_page(b, write, &entries, err) && !cancel_is(cmd_cancel(), err);
        page.after = next;
        is_more = next.len > 0;
    }
    arena_fini(&arenas[0]);
    arena_fini(&arenas[1]);
    return ok;
}

/* --- formats
 * ---------------------------------------------------------------------------------------------- */
static void cell(struct sb *out, str text, size_t columns)
{
    size_t n = report_text(out, text, columns);
    for (; n < columns + 2; n++)
        sb_byte(out, ' ');
}

static bool write_table(struct billing *b, struct err *err)
{
    sb_addf(&b->text, "%-36s  %-24s  %10s\n", "SUBSCRIPTION", "REGISTRY", "IMAGES");
    for (size_t i = 0; i < b->totals.len; i++) {
        const struct ledger_total *total = &b->totals.ptr[i];
        cell(&b->text, total->subscription, 36);
        cell(&b->text, total->registry, 24);
        sb_addf(&b->text, "%10" PRIu64 "\n", total->n);
    }
    sb_addf(&b->text, "%-36s  %-24s  %10" PRIu64 "\n", "", "all", sum(&b->totals));
    return flush(b, err);
}

static void json_entry(struct billing *b, const struct ledger_entry *entry)
{
    char at[CLOCK_TEXT_SIZE];
    jw_obj(&b->jw);
    jw_kstr(&b->jw, "subscription", entry->subscription);
    jw_kstr(&b->jw, "registry", entry->registry);
    jw_kstr(&b->jw, "repository", entry->repository);
    jw_kstr(&b->jw, "digest", entry->digest);
    jw_kstr(&b->jw, "at", clock_print(entry->at, at));
    jw_obj_end(&b->jw);
}

/* The same as the server's GET /plimsoll/v1/billing, in one piece. */
static bool write_json(struct billing *b, struct err *err)
{
    struct jw *jw = &b->jw;
    jw_init(jw, &b->text, true);
    jw_obj(jw);
    jw_kstr(jw, "month", b->month);
    jw_kint(jw, "images", (int64_t)sum(&b->totals));
    jw_key(jw, "totals");
    jw_arr(jw);
    for (size_t i = 0; i < b->totals.len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "subscription", b->totals.ptr[i].subscription);
        jw_kstr(jw, "registry", b->totals.ptr[i].registry);
        jw_kint(jw, "images", (int64_t)b->totals.ptr[i].n);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    jw_key(jw, "value");
    jw_arr(jw);
    if (!each_entry(b, json_entry, err))
        return false;
    jw_arr_end(jw);
    jw_obj_end(jw);
    sb_byte(&b->text, '\n');
    return flush(b, err);
}

/* RFC 4180; what a spreadsheet would take for a formula has an apostrophe before it, and a control
 * is said in words. */
static void csv_field(struct sb *out, str text, char end)
{
    bool is_formula = text.len && str_find_byte(STR("=+-@"), text.ptr[0]) < 4;
    sb_addc(out, is_formula ? "\"'" : "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            sb_addf(out, "\\x%02x", c);
        else if (c == '"')
            sb_addc(out, "\"\"");
        else
            sb_byte(out, c);
    }
    sb_byte(out, '"');
    if (end == '\n')
        sb_byte(out, '\r');
    sb_byte(out, (uint8_t)end);
}

static void csv_entry(struct billing *b, const struct ledger_entry *entry)
{
    char at[CLOCK_TEXT_SIZE];
    csv_field(&b->text, b->month, ',');
    csv_field(&b->text, entry->subscription, ',');
    csv_field(&b->text, entry->registry, ',');
    csv_field(&b->text, entry->repository, ',');
    csv_field(&b->text, entry->digest, ',');
    csv_field(&b->text, clock_print(entry->at, at), '\n');
}

static bool write_csv(struct billing *b, struct err *err)
{
    sb_addc(&b->text, "month,subscription,registry,repository,digest,at\r\n");
    return each_entry(b, csv_entry, err);
}

/* --- the command
 * ------------------------------------------------------------------------------------------ */
static bool format_of(const struct cmd_call *call, enum billing_format *out)
{
    str text = cmd_value(call, "format");
    *out = FORMAT_TABLE;
    for (size_t i = 0; text.len && choice_table_json_or_csv(i); i++)
        if (str_eq(text, str_from(choice_table_json_or_csv(i)))) {
            *out = (enum billing_format)i;
            return true;
        }
    return !text.len;
}

static bool check(const struct cmd_call *call, struct err *err)
{
    enum billing_format format;
    struct ledger_span span;
    if (!cmd_has(call, "month") || !ledger_month_parse(cmd_value(call, "month"), &span))
        return err_set(err, ERR_USAGE, "--month: expected a month as 2026-11");
    if (!format_of(call, &format))
        return err_set(err, ERR_USAGE, "--format: expected table, json or csv");
    if (cmd_has(call, "config") == cmd_has(call, "store"))
        return err_set(err, ERR_USAGE, "name the store: --config FILE of its server, or --store");
    if (cmd_has(call, "store") && !store_name_check(cmd_value(call, "store"), err))
        return err_wrap(err, "--store");
    return output_check(call, err);
}

static bool open_store(struct billing *b, struct err *err)
{
    struct config config;
    const char *file = cmd_cstr(b->call, "config"), *name = cmd_cstr(b->call, "store");
    if (file) {
        if (!config_load(b->call->arena, file, &config, err))
            return false;
        name = arena_cstr(b->call->arena, config.store);
    }
    if (!name)
        return err_memory(err);
    return store_open_kept(name, STORE_DURABLE, &b->store, err);
}

static bool write_all(struct billing *b, struct err *err)
{
    static bool (*const writers[])(struct billing *, struct err *) = {
        [FORMAT_TABLE] = write_table, [FORMAT_JSON] = write_json, [FORMAT_CSV] = write_csv};
    struct output output;
    enum billing_format format;
    if (!format_of(b->call, &format) || !output_open(b->call, &output, err))
        return false;
    b->fd = output.fd;
    sb_init(&b->text, 64 * MIB);
    bool ok = store_ledger_sum(b->store, b->call->arena, &b->span, &b->totals, err) &&
              writers[format](b, err);
    sb_fini(&b->text);
    return output_close(&output, ok, err);
}

static int run(const struct cmd_call *call)
{
    struct err err = {0};
    struct billing b = {.call = call, .month = cmd_value(call, "month")};
    bool ok = ledger_month_parse(b.month, &b.span) && open_store(&b, &err) && write_all(&b, &err);
    store_close(b.store);
    return ok ? EXIT_DONE : cmd_fail(call, &err);
}

static const struct cmd_option options[] = {
    {.name = "month", .argument = "YYYY-MM", .help = "which month, in UTC"},
    {.name = "format",
     .argument = "FORMAT",
     .help = "table: a line a registry; json: that and every entry; csv: every entry",
     .choice = choice_table_json_or_csv},
    {.name = "config",
     .argument = "FILE",
     .help = "the store of the server with this configuration"},
    {.name = "store",
     .argument = "STORE",
     .help = "sqlite:PATH, postgres:CONNINFO or postgresql://…; a password belongs into "
             "$PGPASSFILE, not here"},
    CMD_OPTION_OUTPUT,
    {0},
};
static const struct cmd_example examples[] = {
    {"plimsoll billing --month 2026-11 --config /etc/plimsoll.yaml", "how many images a registry"},
    {"plimsoll billing --month 2026-11 --format csv -o 2026-11.csv --config /etc/plimsoll.yaml",
     "which ones, for a spreadsheet"},
    {0},
};
const struct command command_billing = {
    .name = "billing",
    .summary = "what was billed in a month",
    .about = "The ledger has one entry per subscription and image digest, made when its first scan "
             "completed with a verdict: rescans, retries, a second tag or registry of the same "
             "subscription add none, and what is not applicable (Windows, no image, nothing that "
             "can be identified) is not billed. Entries are never changed, also not when an image "
             "is deleted. It may be asked for while the server runs.",
    .options = options,
    .examples = examples,
    .check = check,
    .run = run,
};
