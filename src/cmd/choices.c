/* SPDX-License-Identifier: Apache-2.0 */
/* choices.c - the words that an option takes, for the shells' completion. */
#include "base/num.h"
#include "cmd/internal.h"

#define CHOICES(name, ...)                                                                         \
    const char *name(size_t i)                                                                     \
    {                                                                                              \
        static const char *const words[] = {__VA_ARGS__};                                          \
        return i < ARRAY_LEN(words) ? words[i] : NULL;                                             \
    }

CHOICES(choice_table_or_json, "table", "json")
CHOICES(choice_table_json_or_csv, "table", "json", "csv")
CHOICES(choice_severity, "critical", "high", "medium", "low", "none", "unknown")
CHOICES(choice_sandbox, "full", "basic")
CHOICES(choice_platform, "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "linux/ppc64le",
        "linux/s390x", "linux/riscv64")

const char *choice_report_format(size_t i)
{
    size_t n;
    const struct report_format *const *all = report_formats(&n);
    return i < n ? all[i]->name : NULL;
}

const char *choice_sbom_format(size_t i)
{
    size_t n;
    const struct report_format *const *all = report_formats(&n);
    for (size_t at = 0; at < n; at++)
        if (all[at]->is_sbom_too && i-- == 0)
            return all[at]->name;
    return NULL;
}

const char *choice_feed(size_t i)
{
    size_t n;
    const struct feed *const *all = advisory_feeds(&n);
    return i < n ? all[i]->name : NULL;
}
