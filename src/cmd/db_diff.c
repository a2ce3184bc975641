/* SPDX-License-Identifier: Apache-2.0 */
/* What tells one generation of the advisory database from another. */
#include "cmd/internal.h"

#include <unistd.h>

#include "base/num.h"
#include "syntax/syntax.h"

struct pair {
    struct advisory_db *from, *to;
    struct advisory_changes changes;
};

/* --- table
 * -------------------------------------------------------------------------------------------- */

static const char *sign_of(enum change_kind kind)
{
    static const char *const signs[] = {[CHANGE_ADDED] = "+",
                                        [CHANGE_CHANGED] = "~",
                                        [CHANGE_WITHDRAWN] = "!",
                                        [CHANGE_REMOVED] = "-"};
    return (size_t)kind < ARRAY_LEN(signs) ? signs[kind] : "?";
}

static void counts(struct sb *out, const char *what, const size_t n[static 4])
{
    sb_addf(out, "%-11s", what);
    for (int kind = CHANGE_ADDED; kind <= CHANGE_REMOVED; kind++)
        sb_addf(out, "  %zu %s", n[kind], change_kind_name((enum change_kind)kind));
    sb_byte(out, '\n');
}

static void summary(struct sb *out, const struct advisory_changes *changes)
{
    size_t of_packages[4] = {0}, of_records[4] = {0};
    for (size_t i = 0; i < changes->packages.len; i++)
        of_packages[changes->packages.ptr[i].kind]++;
    for (size_t i = 0; i < changes->records.len; i++)
        of_records[changes->records.ptr[i].kind]++;
    counts(out, "advisories", of_records);
    counts(out, "packages", of_packages);
    sb_addf(out, "releases     %zu covered in one of the two only\n", changes->ecosystems.len);
    sb_addf(out, "CVEs         %zu with other scores, texts or exploitation\n", changes->cves.len);
}

static void names(struct sb *out, const char *sign, str a, str b)
{
    sb_addf(out, "  %s ", sign);
    report_text(out, a, 0);
    if (b.len) {
        sb_addc(out, "  ");
        report_text(out, b, 0);
    }
    sb_byte(out, '\n');
}

void db_diff_table(struct sb *out, uint64_t from, uint64_t to,
                   const struct advisory_changes *changes)
{
    sb_addf(out, "generation %llu -> %llu\n\n", (unsigned long long)from, (unsigned long long)to);
    summary(out, changes);
    if (changes->records.len)
        sb_addc(out, "\nADVISORIES   + added, ~ changed, ! withdrawn, - removed\n");
    for (size_t i = 0; i < changes->records.len; i++)
        names(out, sign_of(changes->records.ptr[i].kind), changes->records.ptr[i].source,
              changes->records.ptr[i].record);
    if (changes->packages.len)
        sb_addc(out, "\nPACKAGES     whose verdict may differ\n");
    for (size_t i = 0; i < changes->packages.len; i++)
        names(out, sign_of(changes->packages.ptr[i].kind), changes->packages.ptr[i].ecosystem,
              changes->packages.ptr[i].package);
    if (changes->ecosystems.len)
        sb_addc(out, "\nRELEASES\n");
    for (size_t i = 0; i < changes->ecosystems.len; i++)
        names(out, "~", changes->ecosystems.ptr[i], STR_NONE);
    if (changes->cves.len)
        sb_addc(out, "\nCVES\n");
    for (size_t i = 0; i < changes->cves.len; i++)
        names(out, "~", changes->cves.ptr[i], STR_NONE);
}

/* --- JSON
 * --------------------------------------------------------------------------------------------- */

static void json_names(struct jw *jw, const char *key, const strs *list)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (size_t i = 0; i < list->len; i++)
        jw_str(jw, list->ptr[i]);
    jw_arr_end(jw);
}

static void json_pair(struct jw *jw, const char *a_key, str a, const char *b_key, str b,
                      enum change_kind kind)
{
    jw_obj(jw);
    jw_kstr(jw, a_key, a);
    jw_kstr(jw, b_key, b);
    jw_kstr(jw, "change", str_from(change_kind_name(kind)));
    jw_obj_end(jw);
}

void db_diff_json(struct sb *out, uint64_t from, uint64_t to,
                  const struct advisory_changes *changes)
{
    struct jw jw;
    jw_init(&jw, out, true);
    jw_obj(&jw);
    jw_kstr(&jw, "schema", STR("plimsoll.db-diff/1"));
    jw_kint(&jw, "from", (int64_t)from);
    jw_kint(&jw, "to", (int64_t)to);
    jw_key(&jw, "advisories");
    jw_arr(&jw);
    for (size_t i = 0; i < changes->records.len; i++)
        json_pair(&jw, "source", changes->records.ptr[i].source, "id",
                  changes->records.ptr[i].record, changes->records.ptr[i].kind);
    jw_arr_end(&jw);
    jw_key(&jw, "packages");
    jw_arr(&jw);
    for (size_t i = 0; i < changes->packages.len; i++)
        json_pair(&jw, "ecosystem", changes->packages.ptr[i].ecosystem, "name",
                  changes->packages.ptr[i].package, changes->packages.ptr[i].kind);
    jw_arr_end(&jw);
    json_names(&jw, "releases", &changes->ecosystems);
    json_names(&jw, "cves", &changes->cves);
    jw_obj_end(&jw);
    sb_byte(out, '\n');
}

/* --- the command
 * -------------------------------------------------------------------------------------- */

static bool operand_number(const struct cmd_call *call, size_t i, uint64_t *out, struct err *err)
{
    str text = call->operands.ptr[i];
    return str_to_u64(text, UINT32_MAX, out) && *out
               ? true
               : err_set(err, ERR_USAGE, STR_FMT ": not the number of a generation", STR_ARG(text));
}

static bool diff_check(const struct cmd_call *call, struct err *err)
{
    uint64_t ignored;
    for (size_t i = 0; i < call->operands.len; i++)
        if (!operand_number(call, i, &ignored, err))
            return false;
    if (call->operands.len == 1)
        return err_set(err, ERR_USAGE, "one generation alone: name two, or none");
    return cmd_check_table_or_json(call, err);
}

/* The two named, or the last two. */
static bool choose(const struct cmd_call *call, const char *dir, uint64_t *from, uint64_t *to,
                   struct err *err)
{
    generation_list kept = {0};
    if (call->operands.len == 2)
        return operand_number(call, 0, from, err) && operand_number(call, 1, to, err);
    if (!advisory_generations(dir, call->arena, &kept, err))
        return false;
    if (kept.len < 2)
        return err_set(err, ERR_NOT_FOUND, "%s: only %zu generation%s, nothing to compare", dir,
                       kept.len, kept.len == 1 ? "" : "s");
    *from = kept.ptr[kept.len - 2];
    *to = kept.ptr[kept.len - 1];
    return true;
}

static bool print(const struct cmd_call *call, const struct pair *pair, struct err *err)
{
    auto_sb out;
    sb_init(&out, 4 * LIMIT(HTTP_ANSWER));
    (cmd_is_json(call) ? db_diff_json : db_diff_table)(
        &out, advisory_db_generation(pair->from), advisory_db_generation(pair->to), &pair->changes);
    if (!sb_ok(&out, err))
        return false;
    fwrite(out.ptr, 1, out.len, stdout);
    return true;
}

static int diff_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct pair pair = {0};
    uint64_t from = 0, to = 0;
    const char *dir = cmd_db_dir(call, &err);
    bool is_ok = dir && choose(call, dir, &from, &to, &err) &&
                 advisory_db_open_at(dir, from, &pair.from, &err) &&
                 advisory_db_open_at(dir, to, &pair.to, &err) &&
                 advisory_diff(pair.from, pair.to, call->arena, &pair.changes, &err) &&
                 print(call, &pair, &err);
    advisory_db_close(pair.from);
    advisory_db_close(pair.to);
    return is_ok ? EXIT_DONE : cmd_fail(call, &err);
}

static const struct cmd_option options[] = {
    CMD_OPTION_DB,
    {.name = "format",
     .argument = "FORMAT",
     .choice = choice_table_or_json,
     .help = "table (default) or json"},
    {0},
};
static const struct cmd_example examples[] = {
    {"plimsoll db diff", "what the last update changed"},
    {"plimsoll db diff 41 44 --format json", "between two generations that are kept"},
    {0},
};
const struct command command_db_diff = {
    .name = "diff",
    .summary = "say what tells two generations apart",
    .operands = "[A B]",
    .max_operands = 2,
    .about =
        "Advisories and packages that were added, changed, withdrawn or removed, releases that "
        "are covered in one only, and CVEs of which something but the EPSS differs. Without "
        "numbers: the last two generations. What is named a package here is what a server "
        "matches again; everything else has the verdict that it had.",
    .options = options,
    .examples = examples,
    .check = diff_check,
    .run = diff_run,
};
