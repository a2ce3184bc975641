/* SPDX-License-Identifier: Apache-2.0 */
/* advice.c - what an operator can do about a registry that does not do what we need. */
#include "registry/internal.h"

static const char *of_failure(enum http_failure failure, bool is_plain_http)
{
    switch (failure) {
    case HTTP_FAILURE_NAME:
        return "check the name, and that this machine's DNS knows it";
    case HTTP_FAILURE_CONNECT:
        return "check the port, that it listens, and what lies between (firewall, proxy)";
    case HTTP_FAILURE_TLS:
        return "give its authority by --ca-file (ca-file), or have its certificate renewed; for "
               "HTTP without TLS --plain-http (plain-http)";
    case HTTP_FAILURE_TIMEOUT:
        return "what lies between lets the connection in and the answer not out, or it is busy: "
               "try "
               "again, or raise `timeout`";
    case HTTP_FAILURE_BROKEN:
        return is_plain_http ? "it may want HTTPS: leave --plain-http (plain-http) away"
                             : "something on the way ends connections: look at its log";
    case HTTP_FAILURE_NONE:
    case HTTP_FAILURE_OTHER:
    default:
        return NULL;
    }
}

const char *registry_remedy(struct image_source *registry, const struct err *err)
{
    struct registry *r = (struct registry *)registry;
    mtx_lock(&r->lock);
    enum http_failure failure = r->failure;
    bool is_plain_http = r->is_plain_http;
    mtx_unlock(&r->lock);
    bool is_known =
        r->credentials.username.len || r->credentials.identity_token.len || r->azure.client_id.len;
    if (err->kind == ERR_DENIED)
        return is_known ? "check user and password, and that this account may do it"
                        : "log in: --username and --password-stdin, or docker login";
    if (err->kind == ERR_NOT_FOUND)
        return "check the spelling; some registries say so too of what an account may not see";
    if (err->kind == ERR_UNSUPPORTED)
        return "check host and port: another service answers there";
    if (err->kind == ERR_MISMATCH)
        return "something on the way changes the bytes (a proxy, a cache), or its storage is "
               "damaged";
    return err->kind == ERR_UNAVAILABLE ? of_failure(failure, is_plain_http) : NULL;
}
