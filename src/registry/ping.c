/* SPDX-License-Identifier: Apache-2.0 */
/* ping.c - is it a registry, and who are we to it (distribution-spec, "Determining support"). */
#include "registry/internal.h"

static enum registry_login login_of(struct registry *r)
{
    mtx_lock(&r->lock);
    str authorization = sb_str(&r->authorization);
    enum registry_login login = str_starts(authorization, STR("Bearer "))  ? LOGIN_BEARER
                                : str_starts(authorization, STR("Basic ")) ? LOGIN_BASIC
                                                                           : LOGIN_NONE;
    mtx_unlock(&r->lock);
    return login;
}

bool registry_ping(struct image_source *registry, struct arena *arena, struct registry_pong *out,
                   struct err *err)
{
    struct registry *r = (struct registry *)registry;
    const struct request request = {.path = STR("/v2/"), .max = LIMIT(MANIFEST)};
    struct reply reply;
    *out = (struct registry_pong){0};
    if (!registry_send(r, r->client, arena, &request, &reply, err))
        return false;
    int status = reply.answer.status;
    if (status == 404)
        return err_set(err, ERR_UNSUPPORTED, "%.*s: answers, but is no registry: it has no /v2/",
                       STR_ARG(r->api_host));
    if (status != 200)
        return registry_fail_status(r, status, "the API", STR("/v2/"), err);
    mtx_lock(&r->lock);
    out->is_plain_http = r->is_plain_http;
    mtx_unlock(&r->lock);
    out->login = login_of(r);
    out->is_anonymous = str_is_empty(r->credentials.username) &&
                        str_is_empty(r->credentials.identity_token) &&
                        str_is_empty(r->azure.client_id);
    out->username = r->azure.client_id.len ? r->azure.client_id : r->credentials.username;
    out->realm = r->realm;
    out->server = http_header_get(&reply.answer.headers, STR("Server"));
    return true;
}
