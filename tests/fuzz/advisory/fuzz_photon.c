/* SPDX-License-Identifier: Apache-2.0 */
#include "feed.h"

FUZZ_FEED("photon", ".", "cve_data_photon4.0.json")
