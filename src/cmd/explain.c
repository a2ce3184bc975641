/* SPDX-License-Identifier: Apache-2.0 */
/* Why an image is affected by a vulnerability, or why it is not: every statement of the database
 * that bears the id, and what became of it. */
#include "cmd/internal.h"

#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "os/file.h"
#include "syntax/syntax.h"

/* --- in words
 * ---------------------------------------------------------------------------------------- */
/* What the whole comes to.  Zero is the safe value. */
enum answer {
    ANSWER_UNKNOWN,
    ANSWER_AFFECTED,
    ANSWER_DISABLED, /* affected, and a rule says that it does not count */
    ANSWER_NOT_AFFECTED,
    ANSWER_NO_RECORD
};

static const char *answer_name(enum answer answer)
{
    static const char *const names[] = {[ANSWER_UNKNOWN] = "unknown",
                                        [ANSWER_AFFECTED] = "affected",
                                        [ANSWER_DISABLED] = "disabled",
                                        [ANSWER_NOT_AFFECTED] = "not-affected",
                                        [ANSWER_NO_RECORD] = "no-record"};
    return names[answer];
}

/* "Not affected" only when the image was read whole and its distribution is covered. */
static enum answer answer_of(const struct report *report, const struct explain_result *result)
{
    bool is_unknown = false, is_disabled = false;
    for (size_t i = 0; i < result->all.len; i++) {
        if (result->all.ptr[i].kind == EXPLAIN_AFFECTED)
            return ANSWER_AFFECTED;
        is_disabled = is_disabled || result->all.ptr[i].kind == EXPLAIN_RULE;
        is_unknown = is_unknown || result->all.ptr[i].kind == EXPLAIN_UNKNOWN;
    }
    if (result->records.len == 0 && result->enrichments.len == 0)
        return ANSWER_NO_RECORD;
    bool is_judged = report->is_complete && (!report->distro.id.len || result->is_covered);
    if (is_unknown || !is_judged)
        return ANSWER_UNKNOWN;
    return is_disabled ? ANSWER_DISABLED : ANSWER_NOT_AFFECTED;
}

/* Foreign text, made harmless for a terminal. */
static void add(struct sb *out, str text) { report_text(out, text, 0); }

static void say(struct sb *out, const char *before, str text, const char *after)
{
    sb_addc(out, before);
    add(out, text);
    sb_addc(out, after);
}

static void say_trace(struct sb *out, const struct explanation *e)
{
    say(out, "", e->comparator, ": ");
    add(out, e->trace);
}

static void say_affected(struct sb *out, const struct explanation *e)
{
    const struct finding *f = e->finding;
    say_trace(out, e);
    if (f && f->fixed_version.len)
        say(out, ", fixed in ", f->fixed_version, "");
    else
        sb_addf(out, ", no fix (%s)", fix_state_name(f ? f->fix_state : e->state));
}

/* The words of the evidence row that the VEX document left which took it away. */
static void say_vex(struct sb *out, const struct explanation *e)
{
    say_trace(out, e);
    str by = e->finding ? str_skip(e->finding->disabled_by, STR("vex:").len) : STR_NONE;
    for (size_t i = 0; e->finding && i < e->finding->evidence.len; i++) {
        const struct finding_evidence *row = &e->finding->evidence.ptr[i];
        if (row->range.len || !str_eq(row->record, by))
            continue;
        say(out, "; but ", row->record, " says ");
        add(out, row->note);
    }
}

static void say_rule(struct sb *out, const struct explanation *e)
{
    say_trace(out, e);
    say(out, "; a rule disables it: ", e->finding->disabled_by, "");
    if (e->finding->disabled_reason.len)
        say(out, " (", e->finding->disabled_reason, ")");
}

static void say_other_source(struct sb *out, const struct explain_result *result,
                             const struct explanation *e)
{
    say(out, "it speaks of ", e->ecosystem,
        "; the image's package manager installed this package, so ");
    if (result->ecosystem.len)
        say(out, "the advisories of ", result->ecosystem, " judge it");
    else
        sb_addc(out, "only its distribution could judge it");
}

static void say_why(struct sb *out, const struct explain_result *result,
                    const struct explanation *e)
{
    if (str_starts(e->ecosystem, STR("VEX:"))) { /* no version was compared */
        add(out, e->note);
        return;
    }
    switch (e->kind) {
    case EXPLAIN_AFFECTED:
        say_affected(out, e);
        break;
    case EXPLAIN_VEX:
        say_vex(out, e);
        break;
    case EXPLAIN_RULE:
        say_rule(out, e);
        break;
    case EXPLAIN_REJECTED:
        say_trace(out, e);
        sb_addc(out, "; but the CVE was rejected by who gave it, and no other source stands behind "
                     "it");
        break;
    case EXPLAIN_OVERRULED:
        say_trace(out, e);
        sb_addc(out, "; but a source that counts more says that it is not affected");
        break;
    case EXPLAIN_FIXED:
    case EXPLAIN_NOT_YET:
    case EXPLAIN_OUTSIDE:
        say_trace(out, e);
        sb_addc(out, e->kind == EXPLAIN_FIXED     ? ", the fixed version"
                     : e->kind == EXPLAIN_NOT_YET ? ", the first affected version"
                                                  : ", outside of what is affected");
        break;
    case EXPLAIN_DENIED:
        say_trace(out, e);
        sb_addc(out, ": the source says that it is not affected");
        break;
    case EXPLAIN_WITHDRAWN:
        say(out, "the record was withdrawn", e->note.len ? STR(" ") : STR(""), "");
        break;
    case EXPLAIN_OWNED:
        say(out, "its files are of ", e->owned_by, ": the distribution's advisories judge it");
        break;
    case EXPLAIN_OTHER_SOURCE:
        say_other_source(out, result, e);
        break;
    case EXPLAIN_RELEASE:
        say(out, "it speaks of ", e->ecosystem, "; the image is ");
        add(out, result->ecosystem);
        break;
    case EXPLAIN_UNKNOWN:
        say(out, "", e->comparator, ": cannot be compared");
        break;
    case EXPLAIN_ARCH:
    case EXPLAIN_MODULE:
    default:
        break;
    }
    if (e->note.len)
        say(out, out->len && out->ptr[out->len - 1] != ' ' ? ": " : "", e->note, "");
}

static void say_sources(struct sb *out, const struct explanation *e)
{
    say(out, "      by ", e->source, " ");
    add(out, e->record);
    if (e->revision.len)
        say(out, ", revision ", e->revision, "");
    sb_byte(out, '\n');
}

static void say_severity(struct sb *out, const struct finding *f)
{
    sb_addf(out, "      severity %s", severity_name(f->severity));
    if (f->rated_by.len) {
        say(out, ": ", f->rating_basis, " of ");
        add(out, f->rated_by);
    } else {
        sb_addc(out, ": nobody rated it");
    }
    if (f->is_kev)
        sb_addc(out, "; known to be exploited");
    sb_byte(out, '\n');
}

static const struct report_layer *layer_of(const struct report *report, int layer)
{
    return layer >= 0 && (size_t)layer < report->layers.len ? &report->layers.ptr[layer] : NULL;
}

static void say_package(struct sb *out, const struct report *report, const struct explanation *e)
{
    char hex[DIGEST_TEXT_SIZE];
    const struct report_layer *layer = layer_of(report, e->layer);
    say(out, "\n  ", e->name, " ");
    add(out, e->version);
    say(out, " (", e->type, "");
    for (size_t i = 0; i < e->binaries.len; i++)
        say(out, i ? ", " : ": ", e->binaries.ptr[i], "");
    say(out, ")\n      ", e->path, "");
    if (layer)
        say(out, ", layer ", digest_print(&layer->digest, hex), "");
    sb_byte(out, '\n');
}

static bool is_same_package(const struct explanation *a, const struct explanation *b)
{
    return str_eq(a->type, b->type) && str_eq(a->name, b->name) && str_eq(a->version, b->version) &&
           str_eq(a->path, b->path);
}

static bool was_told(const struct explain_result *result, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (is_same_package(&result->all.ptr[j], &result->all.ptr[i]))
            return true;
    return false;
}

/* All that is said of the package of row @first. */
static void table_package(struct sb *out, const struct report *report,
                          const struct explain_result *result, size_t first)
{
    const struct finding *rated = NULL;
    auto_sb why;
    sb_init(&why, 64 << 10);
    say_package(out, report, &result->all.ptr[first]);
    for (size_t i = first; i < result->all.len; i++) {
        const struct explanation *e = &result->all.ptr[i];
        if (!is_same_package(e, &result->all.ptr[first]))
            continue;
        if (e->finding && e->finding != rated)
            say_severity(out, rated = e->finding);
        sb_clear(&why);
        say_why(&why, result, e);
        sb_addf(out, "    %s: ", explain_kind_name(e->kind));
        sb_add(out, sb_str(&why));
        sb_byte(out, '\n');
        say_sources(out, e);
    }
}

enum { ABSENT_SHOWN = 20 };

static void table_absent(struct sb *out, const struct explain_result *result)
{
    size_t n = result->not_installed.len;
    if (n)
        sb_addc(out, "\n  not installed: the records speak also of\n");
    for (size_t i = 0; i < n && i < ABSENT_SHOWN; i++) {
        say(out, "    ", result->not_installed.ptr[i].package, " (");
        say(out, "", result->not_installed.ptr[i].ecosystem, ")\n");
    }
    if (n > ABSENT_SHOWN)
        sb_addf(out, "    and %zu more\n", n - ABSENT_SHOWN);
    if (result->n_elsewhere)
        sb_addf(out, "\n  %zu packages of other ecosystems are named, and none of them is here\n",
                result->n_elsewhere);
}

static void table_ground(struct sb *out, const struct report *report,
                         const struct explain_result *result, enum answer answer)
{
    if (answer == ANSWER_NO_RECORD)
        sb_addc(out, "\n  no source of the database speaks of it: `plimsoll db status` says which "
                     "there are\n");
    else if (result->records.len == 0)
        sb_addc(out, "\n  it is known as a CVE, but no source says of which packages\n");
    if (result->is_rejected)
        sb_addc(out, "\n  the CVE was rejected by who gave it\n");
    if (report->distro.id.len && !result->is_covered)
        say(out, "\n  release not covered: the database has no source for ",
            result->ecosystem.len ? result->ecosystem : report->distro.id, "\n");
    if (!report->is_complete)
        sb_addc(out, "\n  the image was not read or judged completely: see the notices of "
                     "`plimsoll scan`\n");
}

void explain_table(struct sb *out, const struct report *report, const struct explain_result *result)
{
    enum answer answer = answer_of(report, result);
    add(out, result->id);
    say(out, " in ", report->source, ": ");
    sb_addf(out, "%s\n", answer_name(answer));
    table_ground(out, report, result, answer);
    for (size_t i = 0; i < result->all.len; i++)
        if (!was_told(result, i))
            table_package(out, report, result, i);
    table_absent(out, result);
}

/* --- JSON: plimsoll.explain/1
 * ---------------------------------------------------------------------------------------- */
static void json_text(struct jw *jw, const char *key, str value)
{
    jw_key(jw, key);
    if (value.len)
        jw_str(jw, value);
    else
        jw_null(jw);
}

static void json_package(struct jw *jw, const struct report *report, const struct explanation *e)
{
    char hex[DIGEST_TEXT_SIZE];
    const struct report_layer *layer = layer_of(report, e->layer);
    jw_key(jw, "package");
    jw_obj(jw);
    json_text(jw, "type", e->type);
    json_text(jw, "name", e->name);
    json_text(jw, "version", e->version);
    jw_key(jw, "binaries");
    jw_arr(jw);
    for (size_t i = 0; i < e->binaries.len; i++)
        jw_str(jw, e->binaries.ptr[i]);
    jw_arr_end(jw);
    json_text(jw, "path", e->path);
    json_text(jw, "layer", layer ? digest_print(&layer->digest, hex) : STR_NONE);
    json_text(jw, "ownedBy", e->owned_by);
    jw_obj_end(jw);
}

static void json_explanation(struct jw *jw, const struct report *report,
                             const struct explain_result *result, const struct explanation *e)
{
    const struct finding *f = e->finding;
    auto_sb why;
    sb_init(&why, 64 << 10);
    say_why(&why, result, e);
    jw_obj(jw);
    jw_kstr(jw, "kind", str_from(explain_kind_name(e->kind)));
    json_text(jw, "text", sb_str(&why));
    json_package(jw, report, e);
    jw_kstr(jw, "source", e->source);
    jw_kstr(jw, "record", e->record);
    json_text(jw, "revision", e->revision);
    json_text(jw, "ecosystem", e->ecosystem);
    json_text(jw, "about", e->package);
    json_text(jw, "comparator", e->trace.len ? e->comparator : STR_NONE);
    json_text(jw, "trace", e->trace);
    jw_kstr(jw, "fixState", str_from(fix_state_name(e->state)));
    json_text(jw, "fixedVersion", f ? f->fixed_version : STR_NONE);
    json_text(jw, "severity", f ? str_from(severity_name(f->severity)) : STR_NONE);
    json_text(jw, "ratedBy", f ? f->rated_by : STR_NONE);
    json_text(jw, "ratingBasis", f ? f->rating_basis : STR_NONE);
    json_text(jw, "disabledBy", f ? f->disabled_by : STR_NONE);
    json_text(jw, "note", e->note);
    jw_obj_end(jw);
}

static void json_absent(struct jw *jw, const struct explain_result *result)
{
    jw_key(jw, "notInstalled");
    jw_arr(jw);
    for (size_t i = 0; i < result->not_installed.len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "ecosystem", result->not_installed.ptr[i].ecosystem);
        jw_kstr(jw, "name", result->not_installed.ptr[i].package);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    jw_kint(jw, "elsewhere", (int64_t)result->n_elsewhere);
}

void explain_json(struct sb *out, const struct report *report, const struct explain_result *result)
{
    struct jw jw;
    jw_init(&jw, out, true);
    jw_obj(&jw);
    jw_kstr(&jw, "schema", STR("plimsoll.explain/1"));
    jw_kstr(&jw, "source", report->source);
    jw_kstr(&jw, "id", result->id);
    jw_kstr(&jw, "answer", str_from(answer_name(answer_of(report, result))));
    jw_kbool(&jw, "complete", report->is_complete);
    json_text(&jw, "ecosystem", result->ecosystem);
    jw_kbool(&jw, "covered", result->is_covered);
    jw_kbool(&jw, "rejected", result->is_rejected);
    jw_kint(&jw, "records", (int64_t)result->records.len);
    jw_key(&jw, "explanations");
    jw_arr(&jw);
    for (size_t i = 0; i < result->all.len; i++)
        json_explanation(&jw, report, result, &result->all.ptr[i]);
    jw_arr_end(&jw);
    json_absent(&jw, result);
    jw_obj_end(&jw);
    sb_byte(out, '\n');
}

/* --- the command
 * ------------------------------------------------------------------------------------------- */
enum { EXPLAIN_MAX = 256 << 20 };

static bool is_json(const struct cmd_call *call)
{
    return str_eq(cmd_value(call, "format"), STR("json"));
}

static bool explain_check(const struct cmd_call *call, struct err *err)
{
    struct image_choice ignored = {0};
    str format = cmd_value(call, "format"), platform = cmd_value(call, "platform");
    if (format.len && !str_eq(format, STR("table")) && !str_eq(format, STR("json")))
        return err_set(err, ERR_USAGE, "--format " STR_FMT ": unknown format, one of: json, table",
                       STR_ARG(format));
    if (cmd_has(call, "platform") && !platform_parse(platform, &ignored.platform))
        return err_set(err, ERR_USAGE, "--platform " STR_FMT ": no platform, such as linux/arm64",
                       STR_ARG(platform));
    if (call->operands.ptr[1].len == 0)
        return err_set(err, ERR_USAGE, "ID: empty; give a CVE, a GHSA, or an id of another source");
    return cmd_check_registry(call, err);
}

/* Letters of the ids that are upper case by their rules, whatever was typed. */
static str id_of(const struct cmd_call *call)
{
    str id = call->operands.ptr[1];
    static const char *const prefixes[] = {"CVE-", "DSA-", "DLA-", "USN-", "RHSA-"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        str prefix = str_from(prefixes[i]);
        if (id.len > prefix.len && str_eq_nocase(str_slice(id, 0, prefix.len), prefix))
            return arena_printf(call->arena, "%s" STR_FMT, prefixes[i],
                                STR_ARG(str_skip(id, prefix.len)));
    }
    if (id.len > 5 && str_eq_nocase(str_slice(id, 0, 5), STR("GHSA-")))
        return arena_printf(call->arena, "GHSA-" STR_FMT, STR_ARG(str_skip(id, 5)));
    return id;
}

static bool write_one(const struct cmd_call *call, const struct source_scan *scan,
                      const struct report *report, struct sb *out, struct err *err)
{
    const struct image_inventory inventory = {.distro = report->distro,
                                              .packages = report->packages};
    struct explain_result result;
    if (!match_explain_image(scan->db, &inventory, &report->findings, id_of(call), call->arena,
                             &result, err))
        return false;
    if (is_json(call))
        explain_json(out, report, &result);
    else
        explain_table(out, report, &result);
    return sb_ok(out, err);
}

static bool explain(const struct cmd_call *call, const struct source_scan *scan, struct err *err)
{
    struct output output;
    auto_sb out;
    sb_init(&out, EXPLAIN_MAX);
    for (size_t i = 0; i < scan->reports.len; i++)
        if (!write_one(call, scan, scan->reports.ptr[i], &out, err))
            return false;
    if (!output_open(call, &output, err))
        return false;
    bool is_done = fd_write(output.fd, sb_str(&out), err);
    return output_close(&output, is_done, err);
}

/* What was asked is answered unless the image was not read or judged whole. */
static int exit_code(const struct source_scan *scan)
{
    for (size_t i = 0; i < scan->reports.len; i++)
        if (!scan->reports.ptr[i]->is_complete)
            return EXIT_INCOMPLETE;
    return EXIT_DONE;
}

static int explain_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct source_scan scan = {.sources = call->operands.ptr,
                               .n_sources = 1,
                               .required = SANDBOX_BASIC,
                               .is_quiet = cmd_has(call, "quiet")};
    if (!cmd_has(call, "platform") ||
        platform_parse(cmd_value(call, "platform"), &scan.choice.platform)) /* checked before */
        scan.db_dir = cmd_db_dir(call, &err);
    bool is_done = scan.db_dir && output_check(call, &err) && source_scan_run(call, &scan, &err) &&
                   explain(call, &scan, &err);
    int code;
    if (is_done) {
        code = exit_code(&scan);
        source_scan_complain(call, &scan);
    } else {
        code = scan.remedy ? cmd_fail_with(call, &err, scan.remedy) : cmd_fail(call, &err);
    }
    source_scan_close(&scan);
    return code;
}

static const struct cmd_option explain_options[] = {
    {.name = "format",
     .argument = "FORMAT",
     .choice = choice_table_or_json,
     .help = "table (default; for people) or json (plimsoll.explain/1, for programs)"},
    CMD_OPTION_OUTPUT,
    CMD_OPTION_DB,
    CMD_OPTION_RULES,
    CMD_OPTION_VEX,
    {.name = "platform",
     .argument = "OS/ARCH",
     .choice = choice_platform,
     .help = "this platform of an index, such as linux/arm64; default: this machine's"},
    CMD_OPTIONS_REGISTRY,
    CMD_OPTION_QUIET,
    {0},
};
static const struct cmd_example explain_examples[] = {
    {"plimsoll explain oci:./build/image CVE-2024-5535", "why, or why not"},
    {"plimsoll explain dir:/srv/root GHSA-jfh8-c2jp-5v3q --format json", "the same for programs"},
    {0},
};

const struct command command_explain = {
    .name = "explain",
    .summary = "say why an image is affected by a vulnerability, or why not",
    .operands = "SOURCE ID",
    .min_operands = 2,
    .max_operands = 2,
    .about =
        "Scans SOURCE as `plimsoll scan` does, and holds every statement of the advisory database "
        "that bears ID (a CVE, a GHSA, or any source's own id; other names of the same "
        "vulnerability count) against what is installed. Each answer names the package, its layer "
        "and file, the comparison that decided, and the source, record and revision that it "
        "follows from.\n\n"
        "Answers: affected; fixed, not-yet-affected, version-not-affected (by comparison); "
        "not-affected (the source says so), overruled (a source that counts more says so); "
        "withdrawn, rejected, vex, rule; owned and other-source (the distribution judges what its "
        "package manager installed); other-release, other-architecture, other-module; unknown "
        "(could not be compared). Packages that the records speak of and that are not installed "
        "are listed.\n\n"
        "Exit code: 0 when it is answered, either way; 2 for usage; 3 when the image could not be "
        "read or judged completely.",
    .options = explain_options,
    .examples = explain_examples,
    .check = explain_check,
    .run = explain_run,
};
