/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"

static const struct limit_row rows[] = {
#define X(name, key, value, unit, why) {key, unit, why, value},
    LIMITS(X)
#undef X
};

const struct limit_row *limit_row(enum limit_id id) { return &rows[id < LIMIT_COUNT ? id : 0]; }

struct limits limits_default(void)
{
    struct limits limits;
    for (int i = 0; i < LIMIT_COUNT; i++)
        limits.of[i] = rows[i].value;
    return limits;
}

#define X(name, key, value, unit, why) [LIMIT_ID_##name] = (value),
static struct limits now = {{LIMITS(X)}}; /* lint: mutable static, each of them atomic */
#undef X

const struct limits *limits_now(void) { return &now; }

void limits_set(const struct limits *limits)
{
    for (int i = 0; i < LIMIT_COUNT; i++)
        __atomic_store_n(&now.of[i], limits->of[i], __ATOMIC_RELAXED);
}
