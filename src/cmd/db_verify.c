/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the advisory database is what was written. */
#include "cmd/internal.h"

static int verify_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct advisory_size size;
    uint64_t generation = 0;
    const char *dir = cmd_db_dir(call, &err);
    if (call->operands.len && !str_to_u64(call->operands.ptr[0], UINT32_MAX, &generation))
        err_set(&err, ERR_USAGE, STR_FMT ": not the number of a generation",
                STR_ARG(call->operands.ptr[0]));
    if (!dir || err_is(&err) || !advisory_verify(dir, generation, cmd_cancel(), &size, &err))
        return cmd_fail(call, &err);
    printf("whole: %llu advisories, %llu statements on %llu packages, %llu on CVEs, %llu releases\n"
           "%.1f MB: index %.1f MB, texts %.1f MB packed\n",
           (unsigned long long)size.n_records, (unsigned long long)size.n_statements,
           (unsigned long long)size.n_packages, (unsigned long long)size.n_enrichments,
           (unsigned long long)size.n_ecosystems, (double)size.bytes / 1e6,
           (double)size.index_bytes / 1e6, (double)size.text_bytes / 1e6);
    return EXIT_DONE;
}

static const struct cmd_option options[] = {
    CMD_OPTION_DB,
    {0},
};
static const struct cmd_example examples[] = {
    {"plimsoll db verify", "the current generation"},
    {"plimsoll db verify 41", "one that is kept"},
    {0},
};
const struct command command_db_verify = {
    .name = "verify",
    .summary = "read every byte of the database",
    .operands = "[GENERATION]",
    .max_operands = 1,
    .about = "Compares the file with the digest that was sealed when it was made, and reads every "
             "statement and every text. Exit code 3 when anything is not as it was written.",
    .options = options,
    .examples = examples,
    .run = verify_run,
};
