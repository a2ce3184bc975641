/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

FUZZ_FEED("wolfi-secdb", ".", "security.json")
