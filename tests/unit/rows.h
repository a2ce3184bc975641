/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - rules whose columns stand between bars. */
#pragma once

#include "support.h"

/* The next column of @row, trimmed; empty behind the last. */
static inline str column(str *row)
{
    str field = STR_NONE;
    if (!str_next(row, '|', &field))
        return STR_NONE;
    return str_trim(field);
}
