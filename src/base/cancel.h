/* SPDX-License-Identifier: Apache-2.0 */
/* cancel.h - the wish that work may stop, and the time at which it must.
 * Threads: any may set or ask. */
#pragma once

#include <stdatomic.h>

#include "base/err.h"

struct cancel {
    atomic_bool is_wanted;
    int64_t deadline_mono_ms; /* clock_mono_ms(); 0: none */
};

static inline void cancel_want(struct cancel *cancel) { atomic_store(&cancel->is_wanted, true); }

/* True, with ERR_CANCELLED, when work should stop.  @cancel may be NULL: never. */
bool cancel_is(const struct cancel *cancel, struct err *err);
