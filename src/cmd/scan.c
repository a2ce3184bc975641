/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

struct settings {
    const struct report_format *format;
    struct report_filter filter;
    struct gate gate;
    struct image_choice choice;
    enum sandbox_level required;
};

static bool read_severities(const struct cmd_call *call, struct settings *out, struct err *err)
{
    if (cmd_has(call, "severity") &&
        !severities_parse(cmd_value(call, "severity"), &out->filter.severities, err))
        return err_wrap(err, "--severity");
    if (cmd_has(call, "fail-on")) {
        unsigned bits;
        if (!severities_parse(cmd_value(call, "fail-on"), &bits, err))
            return err_wrap(err, "--fail-on");
        if (bits & (bits - 1))
            return err_set(err, ERR_USAGE,
                           "--fail-on: takes one severity, the least that trips it");
        out->gate = (struct gate){.is_set = true, .severity = (enum severity)__builtin_ctz(bits)};
    }
    out->filter.hides_unfixed = cmd_has(call, "ignore-unfixed");
    out->filter.hides_unknown = cmd_has(call, "ignore-unknown");
    return true;
}

static bool read_platform(const struct cmd_call *call, struct settings *out, struct err *err)
{
    out->choice.is_all = cmd_has(call, "all-platforms");
    if (!cmd_has(call, "platform"))
        return true;
    if (out->choice.is_all)
        return err_set(err, ERR_USAGE, "--platform and --all-platforms: only one of them");
    str platform = cmd_value(call, "platform");
    if (!platform_parse(platform, &out->choice.platform))
        return err_set(err, ERR_USAGE, "--platform " STR_FMT ": no platform, such as linux/arm64",
                       STR_ARG(platform));
    return true;
}

static bool read_sandbox(const struct cmd_call *call, struct settings *out, struct err *err)
{
    str level = cmd_value(call, "require-sandbox");
    out->required = SANDBOX_BASIC;
    if (str_eq(level, STR("full")))
        out->required = SANDBOX_FULL;
    else if (cmd_has(call, "require-sandbox") && !str_eq(level, STR("basic")))
        return err_set(err, ERR_USAGE,
                       "--require-sandbox " STR_FMT ": no level, one of: full, basic",
                       STR_ARG(level));
    return true;
}

static bool settings_read(const struct cmd_call *call, struct settings *out, struct err *err)
{
    bool is_several = call->operands.len > 1 || cmd_has(call, "all-platforms");
    *out = (struct settings){0};
    str format = cmd_has(call, "format") ? cmd_value(call, "format") : STR("table");
    out->format = cmd_format(format, false, err);
    if (out->format && out->format->is_single && is_several)
        return err_set(err, ERR_USAGE,
                       "--format %s describes one image: scan the others apart, or take --platform",
                       out->format->name);
    return out->format && read_severities(call, out, err) && read_platform(call, out, err) &&
           read_sandbox(call, out, err) && cmd_check_registry(call, err);
}

static bool scan_check(const struct cmd_call *call, struct err *err)
{
    struct settings settings;
    return settings_read(call, &settings, err);
}

static bool print(const struct cmd_call *call, const struct source_scan *scan,
                  const struct settings *settings, struct err *err)
{
    struct output output;
    if (!output_open(call, &output, err))
        return false;
    struct terminal terminal = terminal_of(output.fd);
    const struct report_options options = {.is_colour = terminal.is_colour,
                                           .width = terminal.width,
                                           .shows_disabled = cmd_has(call, "show-disabled"),
                                           .is_detailed = cmd_has(call, "details"),
                                           .filter = settings->filter};
    const struct report *const *all = (const struct report *const *)scan->reports.ptr;
    bool is_done = settings->format->write(output.fd, all, scan->reports.len, &options, err);
    return output_close(&output, is_done, err);
}

/* On standard error, unless --quiet: the verdict, which a table on standard output ends with
 * itself; and why the exit code is 1. */
static void print_verdict(const struct cmd_call *call, const struct source_scan *scan,
                          const struct settings *settings)
{
    const struct report *const *all = (const struct report *const *)scan->reports.ptr;
    auto_sb lines;
    sb_init(&lines, LIMIT(CONFIG));
    bool is_shown =
        settings->format == report_format_find(STR("table")) && !cmd_has(call, "output");
    if (scan->is_quiet)
        return;
    if (!is_shown)
        verdict_lines(&lines, all, scan->reports.len);
    gate_line(&lines, all, scan->reports.len, &settings->filter, &settings->gate);
    if (!lines.has_failed)
        (void)fwrite(lines.ptr ? lines.ptr : "", 1, lines.len, stderr);
}

static int scan_run_command(const struct cmd_call *call)
{
    struct settings settings;
    struct err err = {0};
    struct source_scan scan = {.sources = call->operands.ptr,
                               .n_sources = call->operands.len,
                               .is_quiet = cmd_has(call, "quiet")};
    if (!settings_read(call, &settings, &err))
        return cmd_fail(call, &err);
    scan.required = settings.required;
    scan.choice = settings.choice;
    scan.db_dir = cmd_db_dir(call, &err);
    bool is_done = scan.db_dir && output_check(call, &err) && source_scan_run(call, &scan, &err) &&
                   (!scan.reports.len || print(call, &scan, &settings, &err));
    int code;
    if (is_done) {
        code = scan_exit_code((const struct report *const *)scan.reports.ptr, scan.reports.len,
                              &settings.filter, &settings.gate);
        if (scan.n_failed && code == EXIT_DONE)
            code = EXIT_INCOMPLETE;
        source_scan_complain(call, &scan);
        print_verdict(call, &scan, &settings);
    } else {
        code = scan.remedy ? cmd_fail_with(call, &err, scan.remedy) : cmd_fail(call, &err);
    }
    source_scan_close(&scan);
    return code;
}

static const struct cmd_option scan_options[] = {
    {.name = "format",
     .argument = "FORMAT",
     .choice = choice_report_format,
     .help = "of the report; default table",
     .say = cmd_say_formats},
    CMD_OPTION_OUTPUT,
    CMD_OPTION_DB,
    CMD_OPTION_RULES,
    CMD_OPTION_VEX,
    CMD_OPTION_BASE,
    {.name = "details",
     .help = "in the table: each finding with its title, ratings, evidence and address, and no "
             "limit on rows"},
    {.name = "severity",
     .argument = "LIST",
     .choice = choice_severity,
     .is_list = true,
     .help = "list and gate only these, separated by commas: critical, high, medium, low, none, "
             "unknown; the verdict stays"},
    {.name = "ignore-unfixed", .help = "list and gate only what has a fix; the verdict stays"},
    {.name = "ignore-unknown",
     .help = "neither list nor gate what nobody has rated; the verdict stays"},
    {.name = "fail-on",
     .argument = "SEVERITY",
     .choice = choice_severity,
     .help = "exit 1 when a listed finding is this severe or worse; unknown counts unless "
             "--ignore-unknown"},
    {.name = "platform",
     .argument = "OS/ARCH",
     .choice = choice_platform,
     .help = "this platform of an index, such as linux/arm64; default: this machine's"},
    {.name = "all-platforms", .help = "every platform of an index, one report each"},
    {.name = "show-disabled",
     .help = "in the table: list what rules and VEX documents have disabled too"},
    {.name = "require-sandbox",
     .argument = "LEVEL",
     .choice = choice_sandbox,
     .help =
         "full or basic (default): refuse to scan when the analyser would be isolated less; see "
         "`plimsoll sandbox check`"},
    CMD_OPTIONS_REGISTRY,
    CMD_OPTION_QUIET,
    {0},
};

static const struct cmd_example scan_examples[] = {
    {"plimsoll scan registry.example/shop/cart:1.4", "an image in a registry"},
    {"plimsoll scan oci:./build/image --format json -o report.json", "an OCI layout, for programs"},
    {"plimsoll scan docker-archive:image.tar --fail-on high --ignore-unfixed",
     "in CI: stop at what is high or worse and can be fixed"},
    {"plimsoll scan registry.example/shop/cart:1.4 --rules accepted.yaml --fail-on medium",
     "what somebody has decided about does not count"},
    {"plimsoll scan registry.example/shop/cart:1.4 registry.example/shop/pay:2 --fail-on critical",
     "several at once"},
    {"plimsoll scan dir:/srv/root --severity critical,high", "an unpacked root file system"},
    {0},
};

const struct command command_scan = {
    .name = "scan",
    .summary = "scan an image and say what to fix",
    .operands = "SOURCE...",
    .min_operands = 1,
    .max_operands = 1000,
    .about =
        "Reads the image's packages in a sandbox, matches them with the advisory database (made by "
        "`plimsoll db update`), and prints the verdict, the findings, and what heals them.\n\n"
        "Several sources are scanned a few at a time, and reported in their order; one that cannot "
        "be "
        "scanned does not keep the others from it.\n\n"
        "SOURCE is [docker://]HOST/REPO[:TAG|@DIGEST], oci:DIR[:TAG], oci-archive:FILE, "
        "docker-archive:FILE or dir:ROOT; a bare path is recognised. Of a live root, "
        "/proc, /sys and their kind are left out.\n\n"
        "Exit code: 0 when done, also for an image that cannot be judged (NotApplicable, with its "
        "reason); 1 when --fail-on tripped; 2 for usage; 3 when the image was not scanned, or not "
        "completely.",
    .options = scan_options,
    .examples = scan_examples,
    .check = scan_check,
    .run = scan_run_command,
};
