/* SPDX-License-Identifier: Apache-2.0 */
#include "detect.h"

DETECTOR_TEST(opkg_list)
