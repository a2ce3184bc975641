/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of http/ share. */
#pragma once

#include "http/http.h"

/* RFC 9110 5.1 and 5.5: a token; a value without control characters. */
bool http_is_token(str name);
bool http_is_field_value(str value);
