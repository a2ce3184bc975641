/* SPDX-License-Identifier: Apache-2.0 */
/* subscriptions.c - subscriptions, tenants, locations: what every client asks first.  Everybody
 * sees the subscriptions in which something is granted to them. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

static const struct {
    const char *name, *display, *geography, *longitude, *latitude;
} locations[] = {
    {"eastus", "East US", "United States", "-79.8164", "37.3719"},
    {"westeurope", "West Europe", "Europe", "4.9", "52.3667"},
    {"global", "Global", "Global", "0", "0"},
};

/* --- subscriptions
 * --------------------------------------------------------------------------------------------- */
static bool is_seen(struct api_call *call, str id)
{
    str scope = arena_printf(call->arena, "/subscriptions/" STR_FMT, STR_ARG(id));
    return scope.ptr && api_sees(call, scope);
}

static bool write_subscription(struct api_call *call, const struct store_subscription *s,
                               struct err *err)
{
    struct jw *jw = &call->jw;
    str id = arena_printf(call->arena, "/subscriptions/" STR_FMT, STR_ARG(s->id));
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "subscriptionId", s->id);
    jw_kstr(jw, "tenantId", call->api->tenant);
    jw_kstr(jw, "displayName", s->name);
    jw_kstr(jw, "state", STR("Enabled"));
    jw_kstr(jw, "authorizationSource", STR("RoleBased"));
    jw_key(jw, "subscriptionPolicies");
    jw_obj(jw);
    jw_kstr(jw, "locationPlacementId", STR("Public_2014-09-01"));
    jw_kstr(jw, "quotaId", STR("PayAsYouGo_2014-09-01"));
    jw_kstr(jw, "spendingLimit", STR("Off"));
    jw_obj_end(jw);
    jw_key(jw, "managedByTenants");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_key(jw, "tags");
    jw_obj(jw);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool list_subscriptions(struct api_call *call, struct err *err)
{
    store_subscriptions found = {0};
    int64_t n = 0;
    struct jw *jw = &call->jw;
    if (!store_subscriptions_list(call->store, call->arena, &found, err))
        return false;
    jw_obj(jw);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < found.len; i++) {
        if (!is_seen(call, found.ptr[i].id))
            continue;
        n++;
        if (!write_subscription(call, &found.ptr[i], err))
            return false;
    }
    jw_arr_end(jw);
    jw_key(jw, "count");
    jw_obj(jw);
    jw_kstr(jw, "type", STR("Total"));
    jw_kint(jw, "value", n);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

bool api_subscription(struct api_call *call, str id, struct store_subscription *out,
                      struct err *err)
{
    store_subscriptions found = {0};
    if (!api_is_uuid(id))
        return api_refuse(call, err, 400, "InvalidSubscriptionId",
                          "The provided subscription identifier '" STR_FMT "' is malformed.",
                          STR_ARG(id));
    if (!store_subscriptions_list(call->store, call->arena, &found, err))
        return false;
    for (size_t i = 0; i < found.len; i++) {
        *out = found.ptr[i];
        if (str_eq_nocase(out->id, id) && is_seen(call, out->id))
            return true;
    }
    return api_refuse(call, err, 404, "SubscriptionNotFound",
                      "The subscription '" STR_FMT "' could not be found.", STR_ARG(id));
}

static bool get_subscription(struct api_call *call, struct err *err)
{
    struct store_subscription found;
    return api_subscription(call, call->req->params[0], &found, err) &&
           write_subscription(call, &found, err) && api_done(call, 200, err);
}

static bool put_subscription(struct api_call *call, struct err *err)
{
    json_t *body = NULL;
    struct store_subscription found;
    str id = call->req->params[0];
    if (!api_is_uuid(id))
        return api_refuse(call, err, 400, "InvalidSubscriptionId",
                          "The provided subscription identifier '" STR_FMT "' is malformed.",
                          STR_ARG(id));
    if (!api_body(call, &body, err))
        return false;
    str name = arena_dup(call->arena, json_str(body, "displayName"));
    json_decref(body);
    if (!name.len)
        return api_refuse(call, err, 400, "InvalidRequestContent",
                          "The body needs \"displayName\".");
    return store_subscription_put(call->store, id, name, clock_now_s(), err) &&
           api_subscription(call, id, &found, err) && write_subscription(call, &found, err) &&
           api_done(call, 200, err);
}

/* --- locations, tenants
 * --------------------------------------------------------------------------------------- */
static void write_location(struct api_call *call, str subscription, size_t i)
{
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_kstr(jw, "id",
            arena_printf(call->arena, "/subscriptions/" STR_FMT "/locations/%s",
                         STR_ARG(subscription), locations[i].name));
    jw_kstr(jw, "name", str_from(locations[i].name));
    jw_kstr(jw, "type", STR("Region"));
    jw_kstr(jw, "displayName", str_from(locations[i].display));
    jw_kstr(jw, "regionalDisplayName", str_from(locations[i].display));
    jw_key(jw, "metadata");
    jw_obj(jw);
    jw_kstr(jw, "regionType", STR("Physical"));
    jw_kstr(jw, "regionCategory", STR("Recommended"));
    jw_kstr(jw, "geography", str_from(locations[i].geography));
    jw_kstr(jw, "geographyGroup", str_from(locations[i].geography));
    jw_kstr(jw, "longitude", str_from(locations[i].longitude));
    jw_kstr(jw, "latitude", str_from(locations[i].latitude));
    jw_kstr(jw, "physicalLocation", STR(""));
    jw_key(jw, "pairedRegion");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_obj_end(jw);
}

static bool list_locations(struct api_call *call, struct err *err)
{
    struct store_subscription found;
    if (!api_subscription(call, call->req->params[0], &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < ARRAY_LEN(locations); i++)
        write_location(call, found.id, i);
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool list_tenants(struct api_call *call, struct err *err)
{
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_key(jw, "value");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "id", arena_printf(call->arena, "/tenants/" STR_FMT, STR_ARG(call->api->tenant)));
    jw_kstr(jw, "tenantId", call->api->tenant);
    jw_kstr(jw, "tenantCategory", STR("Home"));
    jw_kstr(jw, "displayName", STR("Plimsoll"));
    jw_kstr(jw, "tenantType", STR("AAD"));
    jw_key(jw, "domains");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

static const struct http_route routes[] = {
    {"GET", "/subscriptions", NULL,
     API_OP(.run = list_subscriptions, .summary = "subscriptions that the caller sees",
            .is_arm = true)},
    {"GET", "/subscriptions/{subscription}", NULL,
     API_OP(.run = get_subscription, .summary = "one subscription", .is_arm = true)},
    {"PUT", "/plimsoll/v1/subscriptions/{subscription}", NULL,
     API_OP(.run = put_subscription, .action = "Microsoft.Resources/subscriptions/write",
            .summary = "make or name a subscription: {\"displayName\":…}")},
    {"GET", "/subscriptions/{subscription}/locations", NULL,
     API_OP(.run = list_locations, .summary = "regions, for clients that want one",
            .is_arm = true)},
    {"GET", "/tenants", NULL,
     API_OP(.run = list_tenants, .summary = "the tenant of this server", .is_arm = true)},
};
API_RESOURCE(subscriptions, routes);
