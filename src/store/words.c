/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

/* A word that is not known reads as the zero of its enumeration, which is the safe value. */
static const char *word_at(const char *const *words, size_t n, size_t i)
{
    return i < n && words[i] ? words[i] : words[0];
}

static size_t word_find(const char *const *words, size_t n, str text)
{
    for (size_t i = 0; i < n; i++)
        if (words[i] && str_eq(text, str_from(words[i])))
            return i;
    return 0;
}

#define WORDS(prefix, type, ...)                                                                   \
    static const char *const prefix##_words[] = {__VA_ARGS__};                                     \
    const char *word_##prefix(type value)                                                          \
    {                                                                                              \
        return word_at(prefix##_words, ARRAY_LEN(prefix##_words), (size_t)value);                  \
    }                                                                                              \
    type word_##prefix##_parse(str text)                                                           \
    {                                                                                              \
        return (type)word_find(prefix##_words, ARRAY_LEN(prefix##_words), text);                   \
    }

WORDS(verdict, enum verdict, [VERDICT_UNKNOWN] = "", [VERDICT_HEALTHY] = "healthy",
      [VERDICT_UNHEALTHY] = "unhealthy", [VERDICT_NOT_APPLICABLE] = "not-applicable")
WORDS(
    severity,
    enum severity, [SEVERITY_UNKNOWN] = "unknown", [SEVERITY_NONE] = "none", [SEVERITY_LOW] = "low",
    [SEVERITY_MEDIUM] = "medium", [SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical")
WORDS(fix, enum fix_state, [FIX_UNKNOWN] = "unknown", [FIX_FIXED] = "fixed",
      [FIX_AFFECTED] = "affected", [FIX_WILL_NOT_FIX] = "will-not-fix", [FIX_DEFERRED] = "deferred",
      [FIX_END_OF_LIFE] = "end-of-life", [FIX_NOT_AFFECTED] = "not-affected")
WORDS(class, enum finding_class, [CLASS_OS] = "os-package", [CLASS_LANGUAGE] = "language-package",
      [CLASS_KERNEL_HEADERS] = "kernel-headers")
WORDS(notice, enum notice_kind, [NOTICE_INFO] = "info", [NOTICE_UNREADABLE] = "unreadable",
      [NOTICE_LIMIT] = "limit", [NOTICE_VERSION] = "version", [NOTICE_SANDBOX] = "sandbox",
      [NOTICE_ADVISORY] = "advisory", [NOTICE_UNSUPPORTED] = "unsupported")

static const char *const kind_words[] = {
    [JOB_NONE] = "",           [JOB_SCAN] = "scan",   [JOB_REFRESH] = "refresh",
    [JOB_REMATCH] = "rematch", [JOB_SWEEP] = "sweep", [JOB_IMPORT] = "import",
    [JOB_RULES] = "rules"};
const char *job_kind_name(enum job_kind kind)
{
    return word_at(kind_words, ARRAY_LEN(kind_words), (size_t)kind);
}
enum job_kind word_job_kind_parse(str text)
{
    return (enum job_kind)word_find(kind_words, ARRAY_LEN(kind_words), text);
}

static const char *const state_words[] = {[JOB_ANY] = "",
                                          [JOB_QUEUED] = "queued",
                                          [JOB_LEASED] = "running",
                                          [JOB_DONE] = "done",
                                          [JOB_FAILED] = "failed",
                                          [JOB_DEAD] = "dead",
                                          [JOB_CANCELLED] = "cancelled"};
const char *job_state_name(enum job_state state)
{
    return word_at(state_words, ARRAY_LEN(state_words), (size_t)state);
}
bool job_state_parse(str text, enum job_state *out)
{
    *out = (enum job_state)word_find(state_words, ARRAY_LEN(state_words), text);
    return *out != JOB_ANY;
}
