/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - rules whose columns stand between bars. */
#pragma once

#include "support.h"

/* The next column of @row, trimmed; fails the test when there is none. */
static inline str column(str *row)
{
    str field;
    if (!str_next(row, '|', &field))
        fail_msg("a column is missing");
    return str_trim(field);
}
