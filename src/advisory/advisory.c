/* SPDX-License-Identifier: Apache-2.0 */
#include "advisory/advisory.h"

#include "base/num.h"

#define ROW(name) extern const struct feed feed_##name;
#include "advisory/feeds.inc"
#undef ROW

const struct feed *const *advisory_feeds(size_t *n)
{
    static const struct feed *const feeds[] = {
#define ROW(name) &feed_##name,
#include "advisory/feeds.inc"
#undef ROW
    };
    *n = ARRAY_LEN(feeds);
    return feeds;
}

const struct feed *advisory_feed_find(str name)
{
    size_t n;
    const struct feed *const *feeds = advisory_feeds(&n);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(name, str_from(feeds[i]->name)))
            return feeds[i];
    }
    return NULL;
}

const char *fix_state_name(enum fix_state state)
{
    static const char *const names[] = {
        [FIX_UNKNOWN] = "unknown",           [FIX_FIXED] = "fixed",
        [FIX_AFFECTED] = "affected",         [FIX_WILL_NOT_FIX] = "will-not-fix",
        [FIX_DEFERRED] = "deferred",         [FIX_END_OF_LIFE] = "end-of-life",
        [FIX_NOT_AFFECTED] = "not-affected",
    };
    return (size_t)state < ARRAY_LEN(names) ? names[state] : "unknown";
}
