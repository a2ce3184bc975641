/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include "base/clock.h"

bool cancel_is(const struct cancel *cancel, struct err *err)
{
    if (!cancel)
        return false;
    if (atomic_load_explicit(&cancel->is_wanted, memory_order_relaxed)) {
        err_set(err, ERR_CANCELLED, "stopped on request");
        return true;
    }
    if (cancel->deadline_mono_ms && clock_mono_ms() > cancel->deadline_mono_ms) {
        err_set(err, ERR_CANCELLED, "the deadline has passed");
        return true;
    }
    return false;
}
