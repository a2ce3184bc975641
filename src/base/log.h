/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - what an operator reads: one event a line on stderr, as text or JSON.
 * Values are quoted and escaped, so foreign bytes cannot forge a line.
 * Threads: any; one line is one write. */
#pragma once

#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

/* Any thread: it holds from the next line on.  Default: text, LOG_WARN. */
void log_configure(enum log_level level, bool is_json);
bool log_is_on(enum log_level level);

/* One event and its fields: log_event(LOG_INFO, "scan finished", LOG_STR("image", ref),
 * LOG_NUM("ms", n)). */
struct log_field {
    const char *key;
    bool is_number;
    str text;
    int64_t number;
};
#define LOG_STR(k, s) (&(const struct log_field){.key = (k), .text = (s)})
#define LOG_NUM(k, n)                                                                              \
    (&(const struct log_field){.key = (k), .is_number = true, .number = (int64_t)(n)})
#define LOG_ERR(e) LOG_STR("error", str_from((e)->msg))
#define log_event(...) log_event_(__VA_ARGS__, (const struct log_field *)NULL)
void log_event_(enum log_level level, const char *event, ...);
