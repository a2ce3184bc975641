/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - Microsoft.Security/pricings: whether the registries of a subscription are guarded.
 * ContainerRegistry and its successor Containers are one switch. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

static const char *const names[] = {"ContainerRegistry", "Containers"};

static const char *name_of(str asked)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(asked, str_from(names[i])))
            return names[i];
    return NULL;
}

static bool read_name(struct api_call *call, str *subscription, const char **name, struct err *err)
{
    *name = name_of(call->req->params[1]);
    return api_subscription_id(call, subscription, err) &&
           (*name || api_refuse(call, err, 404, "NotFound",
                                "There is no plan '" STR_FMT "': ContainerRegistry and Containers.",
                                STR_ARG(call->req->params[1])));
}

static bool write_plan(struct api_call *call, str subscription, const char *name,
                       const struct store_plan *plan, struct err *err)
{
    struct jw *jw = &call->jw;
    str id = arena_printf(call->arena,
                          "/subscriptions/" STR_FMT "/providers/Microsoft.Security/pricings/%s",
                          STR_ARG(subscription), name);
    if (!id.ptr)
        return err_memory(err);
    jw_obj(jw);
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", str_from(name));
    jw_kstr(jw, "type", STR("Microsoft.Security/pricings"));
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "pricingTier", plan->is_off ? STR("Free") : STR("Standard"));
    jw_kstr(jw, "freeTrialRemainingTime", STR("PT0S"));
    if (!plan->is_off)
        api_write_time(jw, "enablementTime", plan->changed_at);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return true;
}

static bool list_plans(struct api_call *call, struct err *err)
{
    str subscription;
    struct store_plan plan;
    if (!api_subscription_id(call, &subscription, err) ||
        !store_plan_get(call->store, call->arena, subscription, &plan, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!write_plan(call, subscription, names[i], &plan, err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool show(struct api_call *call, str subscription, const char *name, struct err *err)
{
    struct store_plan plan;
    return store_plan_get(call->store, call->arena, subscription, &plan, err) &&
           write_plan(call, subscription, name, &plan, err) && api_done(call, 200, err);
}

static bool get_plan(struct api_call *call, struct err *err)
{
    str subscription;
    const char *name;
    return read_name(call, &subscription, &name, err) && show(call, subscription, name, err);
}

static bool read_tier(struct api_call *call, bool *is_off, struct err *err)
{
    auto_json *body = NULL;
    if (!api_body(call, &body, err))
        return false;
    str tier = json_str(json_obj(body, "properties"), "pricingTier");
    *is_off = str_eq_nocase(tier, STR("Free"));
    return *is_off || str_eq_nocase(tier, STR("Standard")) ||
           api_refuse(call, err, 400, "InvalidParameter",
                      "properties.pricingTier is '" STR_FMT "': expected Standard or Free.",
                      STR_ARG(tier));
}

static bool put_plan(struct api_call *call, struct err *err)
{
    str subscription;
    const char *name;
    bool is_off = false;
    size_t n_jobs = 0;
    struct guard_status status = {0};
    struct guard *guard = call->api->guard;
    if (!read_name(call, &subscription, &name, err) || !read_tier(call, &is_off, err))
        return false;
    if (guard)
        guard_status_get(guard, &status);
    if (!store_plan_set(call->store, subscription, is_off, status.generation, call->caller.name,
                        clock_now_s(), &n_jobs, err))
        return false;
    if (guard)
        guard_wake(guard);
    return show(call, subscription, name, err);
}

#define PRICINGS "/subscriptions/{subscription}/providers/Microsoft.Security/pricings"
#define OP(what, ...)                                                                              \
    API_OP(.action = "Microsoft.Security/pricings/" what, .where = WHERE_PATH, .is_arm = true,     \
           __VA_ARGS__)
static const struct http_route routes[] = {
    {"GET", PRICINGS, NULL, OP("read", .run = list_plans, .summary = "the plans")},
    {"GET", PRICINGS "/{plan}", NULL,
     OP("read", .run = get_plan, .summary = "whether a subscription's registries are guarded")},
    {"PUT", PRICINGS "/{plan}", NULL,
     OP("write", .run = put_plan, .summary = "guard them (Standard), or not (Free)")},
};
API_RESOURCE(plans, routes);
