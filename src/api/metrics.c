/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - /metrics for Prometheus (text format 0.0.4): one row a metric, its samples written by
 * the row's function. */
#include "api/internal.h"

#include "base/clock.h"
#include "base/num.h"

struct scrape {
    struct api_call *call;
    struct sb *out;
    const char *name; /* of the metric */
    struct guard_status status;
    struct guard_metrics work;
    struct job_counts jobs;
    struct store_image_counts images;
    struct pulled_status pulled;
    int64_t now;
};

/* --- samples
 * -------------------------------------------------------------------------------------- */
/* A label's value: backslash, quote and line feed are escaped. */
static void add_label(struct sb *out, const char *name, str value)
{
    sb_addf(out, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '\n')
            sb_addc(out, "\\n");
        else if (value.ptr[i] == '\\' || value.ptr[i] == '"')
            sb_addf(out, "\\%c", value.ptr[i]);
        else
            sb_byte(out, (uint8_t)value.ptr[i]);
    }
    sb_byte(out, '"');
}

static void sample(struct scrape *s, const char *suffix, const char *label, str value,
                   double number)
{
    sb_addf(s->out, "%s%s", s->name, suffix);
    if (label) {
        sb_byte(s->out, '{');
        add_label(s->out, label, value);
        sb_byte(s->out, '}');
    }
    sb_addf(s->out, " %.15g\n", number);
}

static void plain(struct scrape *s, double number) { sample(s, "", NULL, STR_NONE, number); }

static void build_info(struct scrape *s)
{
    sample(s, "", "version", str_from(report_engine_version()), 1);
}

static void generation(struct scrape *s) { plain(s, (double)s->status.generation); }
static void scanning(struct scrape *s) { plain(s, s->status.is_scanning); }

static void notifications(struct scrape *s)
{
    sample(s, "", "outcome", STR("accepted"), (double)s->status.notifications_accepted);
    sample(s, "", "outcome", STR("refused"), (double)s->status.notifications_refused);
}

static void queue_depth(struct scrape *s)
{
    sample(s, "", "state", STR("queued"), (double)s->jobs.queued);
    sample(s, "", "state", STR("running"), (double)s->jobs.leased);
    sample(s, "", "state", STR("dead"), (double)s->jobs.dead);
    sample(s, "", "state", STR("failed"), (double)s->jobs.failed);
}

static void jobs_ended(struct scrape *s)
{
    sample(s, "", "end", STR("done"), (double)s->work.jobs.done);
    sample(s, "", "end", STR("retry"), (double)s->work.jobs.retried);
    sample(s, "", "end", STR("failed"), (double)s->work.jobs.failed);
    sample(s, "", "end", STR("dead"), (double)s->work.jobs.dead);
    sample(s, "", "end", STR("given-back"), (double)s->work.jobs.given_back);
}

static void scan_duration(struct scrape *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SCAN_BUCKETS; i++) {
        char bound[32] = "+Inf";
        sum += s->work.scans_in[i];
        if (i < SCAN_BUCKETS - 1)
            snprintf(bound, sizeof(bound), "%g", guard_scan_bounds_s[i]);
        sample(s, "_bucket", "le", str_from(bound), (double)sum);
    }
    sample(s, "_sum", NULL, STR_NONE, (double)s->work.scan_ms / 1000);
    sample(s, "_count", NULL, STR_NONE, (double)sum);
}

static void image_states(struct scrape *s)
{
    sample(s, "", "state", STR("healthy"), (double)s->images.healthy);
    sample(s, "", "state", STR("unhealthy"), (double)s->images.unhealthy);
    sample(s, "", "state", STR("not-applicable"), (double)s->images.not_applicable);
    sample(s, "", "state", STR("pending"), (double)s->images.pending);
    sample(s, "", "state", STR("failed"), (double)s->images.failed);
}

static void recently_pulled(struct scrape *s) { plain(s, (double)s->pulled.n_images); }

/* How late the next one is; those that wait for their time are not. */
static void pulled_lag(struct scrape *s)
{
    bool is_late = s->pulled.next_at && s->pulled.next_at < s->now;
    plain(s, is_late ? (double)(s->now - s->pulled.next_at) : 0);
}

static void rematch_lag(struct scrape *s) { plain(s, (double)s->work.rematch_lag_ms / 1000); }
static void rematches(struct scrape *s) { plain(s, (double)s->work.rematches); }

static void source_age(struct scrape *s)
{
    for (size_t i = 0; i < s->work.sources.len; i++) {
        const struct source_state *source = &s->work.sources.ptr[i];
        sample(s, "", "source", source->name, (double)(s->now - source->fetched_at));
    }
}

static void source_records(struct scrape *s)
{
    for (size_t i = 0; i < s->work.sources.len; i++)
        sample(s, "", "source", s->work.sources.ptr[i].name,
               (double)s->work.sources.ptr[i].n_records);
}

static void source_failed(struct scrape *s)
{
    for (size_t i = 0; i < s->work.sources.len; i++)
        sample(s, "", "source", s->work.sources.ptr[i].name, s->work.sources.ptr[i].error.len > 0);
}

static void source_held(struct scrape *s)
{
    for (size_t i = 0; i < s->work.sources.len; i++)
        sample(s, "", "source", s->work.sources.ptr[i].name, s->work.sources.ptr[i].is_held);
}

static const struct metric {
    struct api_metric row;
    void (*collect)(struct scrape *s);
} metrics[] = {
    {{"plimsoll_build_info", "gauge", "1; its label is the version"}, build_info},
    {{"plimsoll_scanning", "gauge", "1 while jobs are run and there is an advisory database"},
     scanning},
    {{"plimsoll_advisory_generation", "gauge", "the advisory database's generation; 0: none yet"},
     generation},
    {{"plimsoll_advisory_source_age_seconds", "gauge", "since the source was last fetched"},
     source_age},
    {{"plimsoll_advisory_source_records", "gauge", "records of the source's last good state"},
     source_records},
    {{"plimsoll_advisory_source_failed", "gauge", "1: the last update kept the former state"},
     source_failed},
    {{"plimsoll_advisory_source_held", "gauge", "1: held back, because it moved too much at once"},
     source_held},
    {{"plimsoll_notifications_total", "counter", "notifications of registries since the start"},
     notifications},
    {{"plimsoll_queue_depth", "gauge", "jobs in the store"}, queue_depth},
    {{"plimsoll_jobs_total", "counter", "attempts that ended since the start"}, jobs_ended},
    {{"plimsoll_scan_duration_seconds", "histogram", "scans that ended with a result"},
     scan_duration},
    {{"plimsoll_images", "gauge", "images that are there, indexes not counted"}, image_states},
    {{"plimsoll_recently_pulled_images", "gauge",
      "images that are assessed again every week, as they were pulled within 30 days"},
     recently_pulled},
    {{"plimsoll_reassessment_lag_seconds", "gauge",
      "by which the next of them is late; 0: none is"},
     pulled_lag},
    {{"plimsoll_rematches_total", "counter", "re-matches of all images since the start"},
     rematches},
    {{"plimsoll_rematch_lag_seconds", "gauge",
      "from the last new generation until every image was matched with it"},
     rematch_lag},
};

const struct api_metric *api_metric_at(size_t i)
{
    return i < ARRAY_LEN(metrics) ? &metrics[i].row : NULL;
}

/* --- the answer
 * ----------------------------------------------------------------------------------- */
static bool collect(struct scrape *s, struct err *err)
{
    struct guard *guard = s->call->api->guard;
    if (guard)
        guard_status_get(guard, &s->status);
    return (!guard || guard_metrics_get(guard, s->call->arena, &s->work, err)) &&
           store_jobs_count(s->call->store, &s->jobs, err) &&
           store_images_count(s->call->store, &s->images, err) &&
           store_pulled_status(s->call->store, &s->pulled, err);
}

static bool get_metrics(struct api_call *call, struct err *err)
{
    struct scrape s = {.call = call, .out = &call->res->body, .now = clock_now_s()};
    if (!collect(&s, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        const struct api_metric *row = &metrics[i].row;
        s.name = row->name;
        sb_addf(s.out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name, row->type);
        metrics[i].collect(&s);
    }
    return api_done_as(call, 200, "text/plain; version=0.0.4; charset=utf-8", err);
}

static const struct http_route routes[] = {
    {"GET", "/metrics", NULL,
     API_OP(.run = get_metrics, .action = "Microsoft.Security/plimsoll/metrics/read",
            .summary = "counters and gauges for Prometheus")},
};
API_RESOURCE(metrics, routes);
