/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h - a client of OCI registries (distribution-spec 1.1), and the notifications they send.
 * Not: what the images mean (image/).
 * Credentials are bound to their host: a redirect to another host, or a token realm that was not asked
 * for by the registry itself, never sees them.  Every request carries registry_user_agent(), by which
 * our own pulls are left out of pull statistics.
 * Owns: a source owns its connections until image_source_close.  Threads: one source, one thread;
 * blob streams have a connection of their own. */
#pragma once

#include "image/image.h"

struct registry_config {
    str host;              /* "reg.example:5000" */
    bool is_plain_http;    /* never for a host that was not configured so; loopback addresses may be tried */
    str username, password; /* basic, or traded for a bearer token */
    str identity_token;
    str ca_file, client_cert_file, client_key_file, proxy;
    uint32_t timeout_s; /* of one request without progress; 0: 60 */
};
const char *registry_user_agent(void); /* "plimsoll/0.1.0" */

/* @config may be NULL: anonymous, credentials from $DOCKER_CONFIG/config.json or ~/.docker/config.json
 * (auths only; helpers are a notice). */
NODISCARD bool registry_open(const struct reference *ref, const struct registry_config *config,
                             struct image_source **out, struct err *err);
