/* SPDX-License-Identifier: Apache-2.0 */
/* billing.c - the ledger of a month: what is billed, once a subscription and digest. */
#include "api/internal.h"

#include "base/num.h"

static void write_total(struct jw *jw, const struct ledger_total *total)
{
    jw_obj(jw);
    jw_kstr(jw, "subscription", total->subscription);
    jw_kstr(jw, "registry", total->registry);
    jw_kint(jw, "images", (int64_t)total->n);
    jw_obj_end(jw);
}

static void write_entry(struct jw *jw, const struct ledger_entry *entry)
{
    jw_obj(jw);
    jw_kstr(jw, "subscription", entry->subscription);
    jw_kstr(jw, "registry", entry->registry);
    jw_kstr(jw, "repository", entry->repository);
    jw_kstr(jw, "digest", entry->digest);
    api_write_time(jw, "at", entry->at);
    jw_obj_end(jw);
}

static void write_totals(struct jw *jw, const store_ledger_totals *totals)
{
    uint64_t n = 0;
    for (size_t i = 0; i < totals->len; i++)
        n += totals->ptr[i].n;
    jw_kint(jw, "images", (int64_t)n);
    jw_key(jw, "totals");
    jw_arr(jw);
    for (size_t i = 0; i < totals->len; i++)
        write_total(jw, &totals->ptr[i]);
    jw_arr_end(jw);
}

static bool write_month(struct api_call *call, str month, const store_ledger_totals *totals,
                        const store_ledger *entries, str next, struct err *err)
{
    struct jw *jw = &call->jw;
    jw_obj(jw);
    jw_kstr(jw, "month", month);
    write_totals(jw, totals);
    jw_key(jw, "value");
    jw_arr(jw);
    for (size_t i = 0; i < entries->len; i++)
        write_entry(jw, &entries->ptr[i]);
    jw_arr_end(jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(jw);
    return api_done(call, 200, err);
}

static bool get_billing(struct api_call *call, struct err *err)
{
    struct ledger_span span;
    struct store_page page;
    store_ledger_totals totals = {0};
    store_ledger entries = {0};
    str month = http_request_query(call->req, STR("month")), next = STR_NONE;
    if (!ledger_month_parse(month, &span))
        return api_refuse(call, err, 400, "InvalidParameter",
                          "month is '" STR_FMT "': expected a month as 2026-11.", STR_ARG(month));
    if (!api_page(call, &page, err) ||
        !store_ledger_sum(call->store, call->arena, &span, &totals, err))
        return false;
    if (!store_ledger_list(call->store, call->arena, &span, &page, &entries, &next, err))
        return api_page_error(call, err);
    return write_month(call, month, &totals, &entries, next, err);
}

static const struct http_route routes[] = {
    {"GET", "/plimsoll/v1/billing", NULL,
     API_OP(.run = get_billing, .action = "Microsoft.Security/plimsoll/billing/read",
            .summary = "the ledger of ?month=2026-11 (UTC): totals a registry, and its entries")},
};
API_RESOURCE(billing, routes);
