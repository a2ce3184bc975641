/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

static const struct report_format *format_of(const struct cmd_call *call, struct err *err)
{
    return cmd_format(cmd_has(call, "format") ? cmd_value(call, "format") : STR("json"), true, err);
}

static bool sbom_check(const struct cmd_call *call, struct err *err)
{
    return format_of(call, err) && cmd_check_registry(call, err);
}

static bool print(const struct cmd_call *call, const struct source_scan *scan, struct err *err)
{
    const struct report_format *format = format_of(call, err);
    struct output output;
    if (!format || !output_open(call, &output, err))
        return false;
    const struct report_options options = {.is_sbom = true};
    bool is_done = format->write(output.fd, (const struct report *const *)scan->reports.ptr,
                                 scan->reports.len, &options, err);
    return output_close(&output, is_done, err);
}

/* There is no verdict here: an inventory that is not whole is all that can go wrong. */
static int exit_code(const struct source_scan *scan)
{
    for (size_t i = 0; i < scan->reports.len; i++)
        if (!scan->reports.ptr[i]->is_complete &&
            scan->reports.ptr[i]->verdict != VERDICT_NOT_APPLICABLE)
            return EXIT_INCOMPLETE;
    return EXIT_DONE;
}

static int sbom_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct source_scan scan = {.sources = call->operands.ptr,
                               .n_sources = 1,
                               .required = SANDBOX_BASIC,
                               .is_quiet = cmd_has(call, "quiet")};
    bool is_done =
        output_check(call, &err) && source_scan_run(call, &scan, &err) && print(call, &scan, &err);
    int code = is_done ? exit_code(&scan) : cmd_fail(call, &err);
    if (is_done)
        source_scan_complain(call, &scan);
    source_scan_close(&scan);
    return code;
}

static const struct cmd_option sbom_options[] = {
    {.name = "format",
     .argument = "FORMAT",
     .choice = choice_sbom_format,
     .help = "of the list; default json",
     .say = cmd_say_sbom_formats},
    CMD_OPTION_OUTPUT,
    CMD_OPTIONS_REGISTRY,
    CMD_OPTION_QUIET,
    {0},
};
static const struct cmd_example sbom_examples[] = {
    {"plimsoll sbom oci:./build/image -o packages.json", "what is installed in an image"},
    {0},
};

const struct command command_sbom = {
    .name = "sbom",
    .summary = "list the packages of an image",
    .operands = "SOURCE",
    .min_operands = 1,
    .max_operands = 1,
    .about =
        "Reads the image's packages in a sandbox and writes them down. No database is needed, and "
        "nothing is judged: no status, no findings, no summary.",
    .options = sbom_options,
    .examples = sbom_examples,
    .check = sbom_check,
    .run = sbom_run,
};
