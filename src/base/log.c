/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/sb.h"

static _Atomic(enum log_level) min_level = LOG_WARN; /* lint: mutable static, set by a reload */
static atomic_bool is_json_lines;                    /* lint: mutable static, set by a reload */

void log_configure(enum log_level level, bool is_json)
{
    min_level = level;
    is_json_lines = is_json;
}

bool log_is_on(enum log_level level) { return level >= min_level; }

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

/* JSON string rules also serve the text form: a value never breaks out of its quotes. */
static void add_quoted(struct sb *out, str s)
{
    sb_byte(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\')
            sb_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            sb_addf(out, "\\u%04x", c);
        else
            sb_byte(out, c);
    }
    sb_byte(out, '"');
}

static void add_field(struct sb *out, const struct log_field *field)
{
    sb_addf(out, is_json_lines ? ",\"%s\":" : " %s=", field->key);
    if (field->is_number)
        sb_addf(out, "%lld", (long long)field->number);
    else
        add_quoted(out, field->text);
}

void log_event_(enum log_level level, const char *event, ...)
{
    if (level < min_level)
        return;
    auto_sb line;
    char when[CLOCK_TEXT_SIZE];
    sb_init(&line, 16 << 10);
    clock_print(clock_now_s(), when);
    sb_addf(&line, is_json_lines ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":" : "%s %-5s ",
            when, level_names[level]);
    if (is_json_lines)
        add_quoted(&line, str_from(event));
    else
        sb_addc(&line, event);
    va_list ap;
    va_start(ap, event);
    for (const struct log_field *f; (f = va_arg(ap, const struct log_field *));)
        add_field(&line, f);
    va_end(ap);
    sb_addc(&line, is_json_lines ? "}\n" : "\n");
    if (line.ptr && write(STDERR_FILENO, line.ptr, line.len) < 0)
        return; /* a log that cannot be written has nowhere to say so */
}
