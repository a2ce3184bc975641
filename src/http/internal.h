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

/* client.c, for the pool: whether @client may serve @spec; what its connections depend on. */
bool http_client_fits(const struct http_client *client, const struct http_client_spec *spec);
void http_client_free(struct http_client *client);
/* pool.c: NULL when none fits. */
struct http_client *http_pool_take(struct http_pool *pool, const struct http_client_spec *spec);
void http_pool_give(struct http_pool *pool, struct http_client *client);
