/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - which part of the inventory a path means, and which page of it. */
#include "api/internal.h"

#include <sodium.h>

#include "base/num.h"

enum { TOKEN_MAX = 1024 };

bool api_is_uuid(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (is_dash ? c != '-' : !is_hex)
            return false;
    }
    return text.len == 36;
}

bool api_subscription_id(struct api_call *call, str *out, struct err *err)
{
    *out = call->req->params[0];
    return api_is_uuid(*out) ||
           api_refuse(call, err, 400, "InvalidSubscriptionId",
                      "The provided subscription identifier '" STR_FMT "' is malformed.",
                      STR_ARG(*out));
}

str api_lower(struct arena *arena, str text)
{
    char *out = arena_alloc(arena, text.len + 1);
    if (!out)
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++)
        out[i] =
            text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] | 0x20) : text.ptr[i];
    return str_of(out, text.len);
}

/* --- scope
 * ---------------------------------------------------------------------------------------- */

/* Take "name/value" from the front; false, with nothing taken, when it is another name. */
static bool take(str *rest, str name, str *value)
{
    str head, tail, v;
    str_cut_byte(*rest, '/', &head, &tail);
    if (!str_eq_nocase(head, name))
        return false;
    str_cut_byte(tail, '/', &v, rest);
    *value = v;
    return v.len > 0;
}

bool api_scope_parse(str text, struct store_scope *out)
{
    str type;
    *out = (struct store_scope){0};
    if (!take(&text, STR("subscriptions"), &out->subscription))
        return false;
    if (text.len == 0)
        return true;
    if (!take(&text, STR("resourceGroups"), &out->resource_group))
        return false;
    if (text.len == 0)
        return true;
    return take(&text, STR("providers"), &type) &&
           str_eq_nocase(type, STR("Microsoft.ContainerRegistry")) &&
           take(&text, STR("registries"), &out->registry) && text.len == 0;
}

static bool exists(struct api_call *call, const struct store_scope *scope, bool *out,
                   struct err *err)
{
    store_registries found = {0};
    if (!store_registries_list(call->store, call->arena, scope, &found, err))
        return false;
    *out = found.len > 0;
    return true;
}

/* Name the outermost part that is not there. */
static bool refuse_missing(struct api_call *call, const struct store_scope *scope, struct err *err)
{
    struct store_scope outer = {.subscription = scope->subscription};
    bool is_there = false;
    if (!exists(call, &outer, &is_there, err))
        return false;
    if (!is_there)
        return api_refuse(call, err, 404, "SubscriptionNotFound",
                          "The subscription '" STR_FMT "' could not be found.",
                          STR_ARG(scope->subscription));
    outer.resource_group = scope->resource_group;
    if (!exists(call, &outer, &is_there, err))
        return false;
    if (!is_there)
        return api_refuse(call, err, 404, "ResourceGroupNotFound",
                          "Resource group '" STR_FMT "' could not be found.",
                          STR_ARG(scope->resource_group));
    return api_refuse(call, err, 404, "ResourceNotFound",
                      "The registry '" STR_FMT "' was not found.", STR_ARG(scope->registry));
}

bool api_scope_asked(struct api_call *call, str text, struct store_scope *out, struct err *err)
{
    if (!api_scope_parse(text, out))
        return api_refuse(call, err, 404, "ResourceNotFound",
                          "'/" STR_FMT "' is no subscription, resource group or registry.",
                          STR_ARG(text));
    if (!api_is_uuid(out->subscription))
        return api_refuse(call, err, 400, "InvalidSubscriptionId",
                          "The provided subscription identifier '" STR_FMT "' is malformed.",
                          STR_ARG(out->subscription));
    str scope = ARENA_JOIN(call->arena, STR("/"), text);
    scope = scope.ptr ? api_lower(call->arena, scope) : scope;
    return scope.ptr ? api_within(call, scope, out, err) : err_memory(err);
}

bool api_scope(struct api_call *call, str text, struct store_scope *out, struct err *err)
{
    bool is_there = false;
    if (!api_scope_asked(call, text, out, err))
        return false;
    struct store_scope whole = *out;
    whole.is_limited = false;
    if (!exists(call, &whole, &is_there, err))
        return false;
    return is_there || refuse_missing(call, &whole, err);
}

bool api_registry(struct api_call *call, struct store_registry *out, struct err *err)
{
    str name = http_request_query(call->req, STR("registry"));
    *out = (struct store_registry){0};
    return name.len == 0 || store_registry_get(call->store, call->arena, name, out, err);
}

bool api_flag(struct api_call *call, const char *name, bool *out, struct err *err)
{
    str text = http_request_query(call->req, str_from(name));
    *out = str_eq_nocase(text, STR("true"));
    return text.len == 0 || *out || str_eq_nocase(text, STR("false")) ||
           api_refuse(call, err, 400, "InvalidParameter",
                      "%s is '" STR_FMT "': expected true or false.", name, STR_ARG(text));
}

/* --- pages
 * ---------------------------------------------------------------------------------------- */

static bool decode_token(struct arena *arena, str text, str *out)
{
    size_t n = 0;
    unsigned char *bytes = text.len <= TOKEN_MAX ? arena_alloc(arena, text.len + 1) : NULL;
    if (!bytes || sodium_base642bin(bytes, text.len + 1, text.ptr, text.len, NULL, &n, NULL,
                                    sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    *out = str_of((const char *)bytes, n);
    return n > 0;
}

static str encode_token(struct arena *arena, str token)
{
    size_t room = sodium_base64_encoded_len(token.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = arena_alloc(arena, room);
    if (!text)
        return STR_NONE;
    sodium_bin2base64(text, room, (const unsigned char *)token.ptr, token.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return str_of(text, room - 1);
}

static bool refuse_token(struct api_call *call, struct err *err)
{
    return api_refuse(call, err, 400, "InvalidSkipToken", "The $skipToken is not one of ours.");
}

bool api_page(struct api_call *call, struct store_page *out, struct err *err)
{
    str top = http_request_query(call->req, STR("$top"));
    str token = http_request_query(call->req, STR("$skipToken"));
    uint64_t limit = STORE_PAGE_MAX;
    if (top.len && (!str_to_u64(top, UINT64_MAX, &limit) || limit == 0))
        return api_refuse(call, err, 400, "InvalidParameter",
                          "$top is '" STR_FMT "': expected a number from 1.", STR_ARG(top));
    *out = (struct store_page){.limit = num_min(limit, STORE_PAGE_MAX)};
    return token.len == 0 || decode_token(call->arena, token, &out->after) ||
           refuse_token(call, err);
}

bool api_page_error(struct api_call *call, struct err *err)
{
    bool is_token =
        err->kind == ERR_FORMAT && http_request_query(call->req, STR("$skipToken")).len > 0;
    return is_token ? refuse_token(call, err) : false;
}

/* '$' stays readable in keys; the value goes out as it would come in. */
static bool add_pair(struct api_call *call, struct sb *url, str key, str value)
{
    if (str_starts(key, STR("$"))) {
        sb_addc(url, "$");
        key = str_skip(key, 1);
    }
    str name = http_url_escape(call->arena, key), text = http_url_escape(call->arena, value);
    sb_add(url, name);
    sb_addc(url, "=");
    sb_add(url, text);
    return name.ptr && text.ptr;
}

bool api_next_link(struct api_call *call, str next, struct err *err)
{
    const struct http_request *req = call->req;
    if (next.len == 0)
        return true;
    auto_sb url;
    sb_init(&url, LIMIT(HTTP_HEADER) * 4);
    sb_add(&url, api_origin(call));
    sb_add(&url, req->path);
    sb_addc(&url, "?");
    bool is_ok = true;
    for (size_t i = 0; i < req->query.len; i++) {
        const struct http_query *query = &req->query.ptr[i];
        if (str_eq_nocase(query->key, STR("$skipToken")))
            continue;
        is_ok &= add_pair(call, &url, query->key, query->value);
        sb_addc(&url, "&");
    }
    str token = encode_token(call->arena, next);
    is_ok &= token.ptr && add_pair(call, &url, STR("$skipToken"), token);
    if (!is_ok)
        return err_memory(err);
    jw_kstr(&call->jw, "nextLink", sb_str(&url));
    return sb_ok(&url, err);
}
