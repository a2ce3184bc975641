/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of http/ share. */
#pragma once

#include "http/http.h"

/* RFC 9110 5.1 and 5.5: a token; a value without control characters. */
bool http_is_token(str name);
bool http_is_field_value(str value);
/* libcurl's global state, once. */
NODISCARD bool http_curl_ready(struct err *err);

/* Raw request target → target, path, query of @req, in its arena.  "//a" is a path, never a host;
 * an absolute-form target loses scheme and host.  ERR_FORMAT: no path, a control character, a
 * broken or zero escape in the path. */
NODISCARD bool http_target_parse(str raw, struct http_request *req, struct err *err);
