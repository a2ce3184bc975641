/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

static int version_run(const struct cmd_call *call)
{
    (void)call;
    char hex[DIGEST_TEXT_SIZE];
    digest rules = report_engine_digest();
    printf("plimsoll %s\nengine " STR_FMT "\n", report_engine_version(),
           STR_ARG(digest_print(&rules, hex)));
    return EXIT_DONE;
}

const struct command command_version = {
    .name = "version",
    .summary = "say which version this is",
    .about =
        "Prints the version, and the digest of the engine's rules that every report carries: two "
        "reports with the same digest were made by the same rules.",
    .run = version_run,
};
