/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - what time it is, and how time is written.  Not: calendars or zones; all is UTC. */
#pragma once

#include "base/err.h"

int64_t clock_now_s(void);   /* UTC seconds */
int64_t clock_mono_ms(void); /* for durations and deadlines only */

/* UTC seconds that a report is stamped with: SOURCE_DATE_EPOCH when set and a number, else now. */
int64_t clock_stamp_s(void);

enum { CLOCK_TEXT_SIZE = 32 };
/* "2026-11-24T06:04:37Z" into @out; gives it back. */
str clock_print(int64_t utc_s, char out[static CLOCK_TEXT_SIZE]);
/* RFC 3339 with Z or an offset, or a bare date; fractions are dropped. */
NODISCARD bool clock_parse(str text, int64_t *utc_s);
/* RFC 5322 as HTTP and Debian's Release files write it: "Tue, 24 Nov 2026 06:04:37 UTC". */
NODISCARD bool clock_parse_rfc5322(str text, int64_t *utc_s);
