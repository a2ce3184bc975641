/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rd.h"

int64_t clock_now_s(void) { return (int64_t)time(NULL); }

int64_t clock_mono_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_stamp_s(void)
{
    uint64_t fixed;
    str text = str_from(getenv("SOURCE_DATE_EPOCH"));
    return str_to_u64(text, 253402300799U, &fixed) ? (int64_t)fixed : clock_now_s();
}

str clock_print(int64_t utc_s, char out[static CLOCK_TEXT_SIZE])
{
    time_t t = (time_t)utc_s;
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    size_t n = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return (str){out, n};
}

static bool number(struct rd *in, size_t digits, int min, int max, int *out)
{
    uint64_t value;
    if (!str_to_u64(rd_bytes(in, digits), (uint64_t)max, &value) || (int)value < min)
        return rd_fail(in, ERR_FORMAT, "not a number from %d to %d", min, max);
    *out = (int)value;
    return true;
}

static bool punct(struct rd *in, char c)
{
    return rd_u8(in) == (uint8_t)c || rd_fail(in, ERR_FORMAT, "expected '%c'", c);
}

static bool time_of_day(struct rd *in, struct tm *tm)
{
    return number(in, 2, 0, 23, &tm->tm_hour) && punct(in, ':') &&
           number(in, 2, 0, 59, &tm->tm_min) && punct(in, ':') && number(in, 2, 0, 60, &tm->tm_sec);
}

/* Z, UTC, GMT, or +hh:mm / +hhmm, as seconds east. */
static bool zone(struct rd *in, int *east_s)
{
    int hours = 0, minutes = 0;
    *east_s = 0;
    if (rd_take(in, STR("Z")) || rd_take(in, STR("z")) || rd_take(in, STR("UTC")) ||
        rd_take(in, STR("GMT")))
        return true;
    bool is_west = rd_peek(in) == '-';
    if (!is_west && rd_peek(in) != '+')
        return rd_fail(in, ERR_FORMAT, "no time zone");
    rd_skip(in, 1);
    if (!number(in, 2, 0, 23, &hours))
        return false;
    (void)rd_take(in, STR(":"));
    if (!number(in, 2, 0, 59, &minutes))
        return false;
    *east_s = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return true;
}

/* False for a day that its month does not have. */
static bool seconds_of(struct tm *tm, int year, int east_s, int64_t *utc_s)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (tm->tm_mday > days[tm->tm_mon] + (is_leap && tm->tm_mon == 1))
        return false;
    tm->tm_year = year - 1900;
    *utc_s = (int64_t)timegm(tm) - east_s;
    return true;
}

bool clock_parse(str text, int64_t *utc_s)
{
    struct rd in;
    struct tm tm = {0};
    int year = 0, month = 0, east_s = 0;
    rd_init(&in, text);
    if (!(number(&in, 4, 0, 9999, &year) && punct(&in, '-') && number(&in, 2, 1, 12, &month) &&
          punct(&in, '-') && number(&in, 2, 1, 31, &tm.tm_mday)))
        return false;
    if (!rd_is_end(&in)) {
        rd_skip(&in, 1); /* T, t or a space */
        if (!time_of_day(&in, &tm))
            return false;
        if (rd_take(&in, STR(".")))
            while (rd_peek(&in) >= '0' && rd_peek(&in) <= '9')
                rd_skip(&in, 1);
        if (!rd_is_end(&in) && !zone(&in, &east_s))
            return false;
    }
    if (!rd_is_ok(&in) || !rd_is_end(&in))
        return false;
    tm.tm_mon = month - 1;
    return seconds_of(&tm, year, east_s, utc_s);
}

bool clock_parse_rfc5322(str text, int64_t *utc_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct rd in;
    struct tm tm = {0};
    int year = 0, east_s = 0;
    str comma_head, rest;
    if (str_cut(text, STR(", "), &comma_head, &rest))
        text = rest;
    text = str_trim(text);
    rd_init(&in, text);
    size_t digits = str_find_byte(text, ' ') == 1 ? 1 : 2;
    if (!number(&in, digits, 1, 31, &tm.tm_mday) || !punct(&in, ' '))
        return false;
    str name = rd_bytes(&in, 3);
    size_t at = str_find(str_of(months, sizeof(months) - 1), name);
    if (name.len != 3 || at >= sizeof(months) - 1 || at % 3 != 0)
        return false;
    if (!punct(&in, ' ') || !number(&in, 4, 1900, 9999, &year) || !punct(&in, ' ') ||
        !time_of_day(&in, &tm) || !punct(&in, ' ') || !zone(&in, &east_s))
        return false;
    tm.tm_mon = (int)(at / 3);
    return seconds_of(&tm, year, east_s, utc_s);
}
