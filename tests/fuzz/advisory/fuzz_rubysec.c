/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

FUZZ_FEED("rubysec", "gems/demo", "CVE-2099-0001.yml")
