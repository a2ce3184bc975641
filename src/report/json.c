/* SPDX-License-Identifier: Apache-2.0 */
/* plimsoll.report/1: docs/report.schema.json.  What is not known is null, never an empty guess. */
#include "report/internal.h"

#include "base/clock.h"
#include "syntax/syntax.h"

struct json {
    struct out out;
    struct jw jw;
    struct arena arena; /* for label keys */
    const struct report_options *options;
};

__attribute__((always_inline)) static inline void text(struct jw *jw, const char *key, str value)
{
    if (value.len) {
        jw_kstr(jw, key, value);
        return;
    }
    jw_key(jw, key);
    jw_null(jw);
}

static void instant(struct jw *jw, const char *key, bool is_known, int64_t utc_s)
{
    char when[CLOCK_TEXT_SIZE];
    text(jw, key, is_known ? clock_print(utc_s, when) : STR_NONE);
}

static void hash_text(struct jw *jw, const char *key, const digest *value)
{
    char hex[DIGEST_TEXT_SIZE];
    text(jw, key, digest_is_none(value) ? STR_NONE : digest_print(value, hex));
}

static void list(struct json *json, const char *key, const strs *values)
{
    jw_key(&json->jw, key);
    jw_arr(&json->jw);
    for (size_t i = 0; i < values->len; i++) {
        jw_str(&json->jw, values->ptr[i]);
        out_piece(&json->out);
    }
    jw_arr_end(&json->jw);
}

static bool is_base_layer(const struct report *report, int layer)
{
    return layer >= 0 && (size_t)layer < report->layers.len && report->layers.ptr[layer].is_base;
}

/* The digest of the layer that brought it; null when that is not known. */
static void layer_digest(struct jw *jw, const struct report *report, int layer)
{
    static const digest none;
    bool is_known = layer >= 0 && (size_t)layer < report->layers.len;
    hash_text(jw, "layer", is_known ? &report->layers.ptr[layer].digest : &none);
}

static void write_engine(struct jw *jw)
{
    digest rules = report_engine_digest();
    jw_key(jw, "engine");
    jw_obj(jw);
    jw_kstr(jw, "name", STR("plimsoll"));
    jw_kstr(jw, "version", str_from(report_engine_version()));
    hash_text(jw, "digest", &rules);
    jw_obj_end(jw);
}

static void write_database(struct jw *jw, const struct report *report)
{
    jw_key(jw, "database");
    if (!report->has_database) {
        jw_null(jw);
        return;
    }
    jw_obj(jw);
    jw_kint(jw, "generation", (int64_t)report->generation);
    jw_key(jw, "sources");
    jw_arr(jw);
    for (size_t i = 0; i < report->n_sources; i++) {
        const struct source_state *source = &report->sources[i];
        jw_obj(jw);
        text(jw, "name", source->name);
        instant(jw, "fetchedAt", source->fetched_at != 0, source->fetched_at);
        jw_kint(jw, "recordCount", (int64_t)source->n_records);
        text(jw, "digest", source->digest);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void write_os(struct jw *jw, const struct report *report)
{
    jw_key(jw, "os");
    if (!report->distro.id.len) {
        jw_null(jw);
        return;
    }
    jw_obj(jw);
    text(jw, "id", report->distro.id);
    text(jw, "version", report->distro.version_id);
    text(jw, "codename", report->distro.codename);
    instant(jw, "endOfLife", report->has_end_of_life, report->end_of_life);
    jw_obj_end(jw);
}

static void write_layers(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "layers");
    jw_arr(jw);
    for (size_t i = 0; i < report->layers.len; i++) {
        const struct report_layer *layer = &report->layers.ptr[i];
        jw_obj(jw);
        hash_text(jw, "digest", &layer->digest);
        hash_text(jw, "diffId", &layer->diff_id);
        jw_key(jw, "size");
        if (layer->size_bytes == UINT64_MAX) /* nobody stated it */
            jw_null(jw);
        else
            jw_int(jw, (int64_t)layer->size_bytes);
        text(jw, "createdBy", layer->created_by);
        jw_kbool(jw, "base", layer->is_base);
        jw_obj_end(jw);
        out_piece(&json->out);
    }
    jw_arr_end(jw);
}

static void write_labels(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "labels");
    jw_obj(jw);
    for (size_t i = 0; i < report->labels.len; i++) {
        const char *key = arena_cstr(&json->arena, report->labels.ptr[i].key);
        json->out.sb.has_failed |= !key;
        if (key)
            jw_kstr(jw, key, report->labels.ptr[i].value);
        arena_reset(&json->arena);
        out_piece(&json->out);
    }
    jw_obj_end(jw);
}

static void write_image(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "image");
    jw_obj(jw);
    hash_text(jw, "digest", &report->digest);
    text(jw, "platform", report->platform);
    write_os(jw, report);
    write_layers(json, report);
    write_labels(json, report);
    jw_obj_end(jw);
}

static void write_coverage(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    const struct coverage *coverage = &report->coverage;
    jw_key(jw, "coverage");
    if (!coverage->is_measured) {
        jw_null(jw);
        return;
    }
    jw_obj(jw);
    jw_kint(jw, "executableBytes", (int64_t)coverage->executable_bytes);
    jw_kint(jw, "knownBytes", (int64_t)coverage->known_bytes);
    jw_kint(jw, "unownedCount", (int64_t)coverage->n_unowned);
    jw_key(jw, "unowned");
    jw_arr(jw);
    for (size_t i = 0; i < coverage->unowned.len; i++) {
        const struct unowned_file *file = &coverage->unowned.ptr[i];
        jw_obj(jw);
        jw_kstr(jw, "path", file->path);
        jw_kint(jw, "size", (int64_t)file->size_bytes);
        layer_digest(jw, report, file->layer);
        jw_obj_end(jw);
        out_piece(&json->out);
    }
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void write_package(struct json *json, const struct report *report, size_t i)
{
    struct jw *jw = &json->jw;
    const struct package *package = &report->packages.ptr[i];
    jw_obj(jw);
    text(jw, "purl", i < report->purls.len ? report->purls.ptr[i] : STR_NONE);
    jw_kstr(jw, "name", package->name);
    text(jw, "version", package->version);
    jw_kstr(jw, "type", package->type);
    text(jw, "arch", package->arch);
    jw_key(jw, "source");
    jw_obj(jw);
    text(jw, "name", package->source_name);
    text(jw, "version", package->source_version);
    jw_obj_end(jw);
    text(jw, "path", package->path);
    layer_digest(jw, report, package->layer);
    jw_kbool(jw, "base", is_base_layer(report, package->layer));
    list(json, "licenses", &package->licenses);
    jw_kstr(jw, "evidence",
            package->evidence == EVIDENCE_DECLARED ? STR("declared") : STR("installed"));
    text(jw, "ownedBy", package->owned_by);
    jw_obj_end(jw);
    out_piece(&json->out);
}

static void write_finding_package(struct json *json, const struct report *report,
                                  const struct finding *finding)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "package");
    jw_obj(jw);
    text(jw, "purl", finding->purl);
    jw_kstr(jw, "name", finding->package_name);
    text(jw, "version", finding->package_version);
    text(jw, "source", finding->class == CLASS_LANGUAGE ? STR_NONE : finding->package_name);
    list(json, "binaries", &finding->binaries);
    text(jw, "path", finding->path);
    layer_digest(jw, report, finding->layer);
    jw_kbool(jw, "base", finding->is_from_base);
    jw_obj_end(jw);
}

static void write_ratings(struct json *json, const struct finding *finding)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "cvss");
    jw_arr(jw);
    for (size_t i = 0; i < finding->cvss.len; i++) {
        const struct cvss *cvss = &finding->cvss.ptr[i];
        jw_obj(jw);
        text(jw, "version", cvss->version);
        text(jw, "vector", cvss->vector);
        jw_key(jw, "score");
        if (cvss->is_scored)
            jw_num(jw, cvss->score);
        else
            jw_null(jw);
        text(jw, "source", cvss->source);
        jw_obj_end(jw);
        out_piece(&json->out);
    }
    jw_arr_end(jw);
    jw_key(jw, "ratings");
    jw_arr(jw);
    for (size_t i = 0; i < finding->ratings.len; i++) {
        jw_obj(jw);
        text(jw, "source", finding->ratings.ptr[i].source);
        jw_kstr(jw, "severity", str_from(severity_name(finding->ratings.ptr[i].severity)));
        jw_obj_end(jw);
        out_piece(&json->out);
    }
    jw_arr_end(jw);
}

static void write_evidence(struct json *json, const struct finding *finding)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "evidence");
    jw_arr(jw);
    for (size_t i = 0; i < finding->evidence.len; i++) {
        const struct finding_evidence *evidence = &finding->evidence.ptr[i];
        jw_obj(jw);
        text(jw, "source", evidence->source);
        text(jw, "record", evidence->record);
        text(jw, "revision", evidence->revision);
        text(jw, "range", evidence->range);
        text(jw, "comparator", evidence->comparator);
        text(jw, "installed", evidence->installed);
        jw_kstr(jw, "state", str_from(fix_state_name(evidence->state)));
        text(jw, "note", evidence->note);
        jw_obj_end(jw);
        out_piece(&json->out);
    }
    jw_arr_end(jw);
}

static void write_finding(struct json *json, const struct report *report,
                          const struct finding *finding)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    jw_kstr(jw, "id", finding->id);
    list(json, "aliases", &finding->aliases);
    write_finding_package(json, report, finding);
    jw_kstr(jw, "class", str_from(finding_class_name(finding->class)));
    jw_kstr(jw, "fixState", str_from(fix_state_name(finding->fix_state)));
    text(jw, "fixedVersion", finding->fixed_version);
    jw_kbool(jw, "patchable", finding->is_patchable);
    jw_kstr(jw, "severity", str_from(severity_name(finding->severity)));
    text(jw, "ratedBy", finding->rated_by);
    text(jw, "ratingBasis", finding->rating_basis);
    write_ratings(json, finding);
    jw_kbool(jw, "kev", finding->is_kev);
    jw_key(jw, "epss");
    if (finding->epss > 0)
        jw_num(jw, finding->epss);
    else
        jw_null(jw);
    list(json, "cwes", &finding->cwes);
    text(jw, "category", finding->category);
    text(jw, "title", finding->title);
    text(jw, "description", finding->description);
    text(jw, "published", finding->published);
    text(jw, "modified", finding->modified);
    list(json, "references", &finding->references);
    jw_key(jw, "remediation");
    jw_obj(jw);
    text(jw, "text", finding->remediation_text);
    text(jw, "command", finding->remediation_command);
    text(jw, "step", finding->remediation_step);
    jw_obj_end(jw);
    write_evidence(json, finding);
    text(jw, "disabledBy", finding->disabled_by);
    text(jw, "disabledReason", finding->disabled_reason);
    jw_obj_end(jw);
    out_piece(&json->out);
}

static void write_findings(struct json *json, const struct report *report)
{
    jw_key(&json->jw, "findings");
    if (json->options->is_sbom) { /* nobody looked: not the same as none */
        jw_null(&json->jw);
        return;
    }
    jw_arr(&json->jw);
    for (size_t i = 0; i < report->findings.len; i++)
        if (report_place_of(&report->findings.ptr[i], &json->options->filter) != PLACE_HIDDEN)
            write_finding(json, report, &report->findings.ptr[i]);
    jw_arr_end(&json->jw);
}

static void write_summary(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    jw_key(jw, "summary");
    if (json->options->is_sbom) {
        jw_null(jw);
        return;
    }
    struct report_summary summary = report_summarize(report);
    jw_obj(jw);
    jw_kint(jw, "critical", summary.critical);
    jw_kint(jw, "high", summary.high);
    jw_kint(jw, "medium", summary.medium);
    jw_kint(jw, "low", summary.low);
    jw_kint(jw, "unknown", summary.unknown);
    jw_kint(jw, "patchable", summary.patchable);
    jw_kint(jw, "disabled", summary.disabled);
    jw_obj_end(jw);
}

static void write_ids(struct json *json, const char *key, const finding_refs *members)
{
    jw_key(&json->jw, key);
    jw_arr(&json->jw);
    for (size_t i = 0; i < members->len; i++) {
        if (i && str_eq(members->ptr[i]->id, members->ptr[i - 1]->id))
            continue; /* at another path */
        jw_str(&json->jw, members->ptr[i]->id);
        out_piece(&json->out);
    }
    jw_arr_end(&json->jw);
}

static void write_plan_package(struct json *json, const struct plan_package *package)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    jw_kstr(jw, "type", package->first->type);
    jw_kstr(jw, "name", package->first->package_name);
    text(jw, "version", package->first->package_version);
    text(jw, "fixedVersion", package->best->fixed_version);
    text(jw, "path", package->first->path);
    text(jw, "comesWith", package->parent);
    write_ids(json, "heals", &package->members);
    jw_obj_end(jw);
    out_piece(&json->out);
}

static void write_step(struct json *json, const struct report *report, const struct plan_step *step)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    layer_digest(jw, report, step->layer);
    jw_kbool(jw, "base", step->is_base);
    text(jw, "buildStep", step->build_step);
    text(jw, "manager", step->manager);
    text(jw, "folder", step->folder);
    text(jw, "command", step->command);
    text(jw, "how", step->how);
    jw_key(jw, "packages");
    jw_arr(jw);
    for (size_t i = 0; i < step->packages.len; i++)
        write_plan_package(json, &step->packages.ptr[i]);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void write_rest(struct json *json, const struct plan_rest *rest)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    jw_kstr(jw, "type", rest->first->type);
    jw_kstr(jw, "name", rest->first->package_name);
    text(jw, "version", rest->first->package_version);
    jw_kstr(jw, "fixState", str_from(fix_state_name(rest->first->fix_state)));
    jw_kstr(jw, "why", rest->why);
    write_ids(json, "ids", &rest->members);
    jw_obj_end(jw);
    out_piece(&json->out);
}

/* In the order of presentation, where the findings are in a stable one. */
static void write_plan(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    struct plan plan;
    struct arena arena;
    jw_key(jw, "plan");
    if (json->options->is_sbom) {
        jw_null(jw);
        return;
    }
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    if (!report_plan(&arena, report, &json->options->filter, &plan))
        json->out.sb.has_failed = true;
    jw_obj(jw);
    jw_key(jw, "steps");
    jw_arr(jw);
    for (size_t i = 0; i < plan.steps.len; i++)
        write_step(json, report, &plan.steps.ptr[i]);
    jw_arr_end(jw);
    jw_key(jw, "unhealed");
    jw_arr(jw);
    for (size_t i = 0; i < plan.unhealed.len; i++)
        write_rest(json, &plan.unhealed.ptr[i]);
    jw_arr_end(jw);
    jw_obj_end(jw);
    arena_fini(&arena);
}

static void write_notice(struct json *json, str kind, str path, str message)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    jw_kstr(jw, "kind", kind);
    text(jw, "path", path);
    jw_kstr(jw, "message", message);
    jw_obj_end(jw);
    out_piece(&json->out);
}

static void write_notices(struct json *json, const struct report *report)
{
    jw_key(&json->jw, "notices");
    jw_arr(&json->jw);
    for (size_t i = 0; i < report->notices.len; i++) {
        const struct notice *notice = &report->notices.ptr[i];
        write_notice(json, str_from(notice_kind_name(notice->kind)), notice->path, notice->message);
    }
    size_t n_hidden = report_count(report, &json->options->filter, PLACE_HIDDEN);
    if (n_hidden && !json->options->is_sbom) {
        char message[128];
        snprintf(message, sizeof(message),
                 "hidden: %zu findings, left out by --severity or --ignore-*; status and summary "
                 "count them",
                 n_hidden);
        write_notice(json, str_from(notice_kind_name(NOTICE_INFO)), STR_NONE, str_from(message));
    }
    jw_arr_end(&json->jw);
}

static void write_report(struct json *json, const struct report *report)
{
    struct jw *jw = &json->jw;
    jw_obj(jw);
    jw_kstr(jw, "schema", STR("plimsoll.report/1"));
    write_engine(jw);
    write_database(jw, report);
    jw_kstr(jw, "source", report->source);
    instant(jw, "scannedAt", true, report->scanned_at);
    write_image(json, report);
    text(jw, "status", json->options->is_sbom ? STR_NONE : str_from(verdict_name(report->verdict)));
    jw_kbool(jw, "complete", report->is_complete);
    text(jw, "reason", report->reason);
    write_coverage(json, report);
    jw_key(jw, "packages");
    jw_arr(jw);
    for (size_t i = 0; i < report->packages.len; i++)
        write_package(json, report, i);
    jw_arr_end(jw);
    write_findings(json, report);
    write_summary(json, report);
    write_plan(json, report);
    write_notices(json, report);
    jw_obj_end(jw);
}

static bool json_write(int fd, const struct report *const *reports, size_t n,
                       const struct report_options *options, struct err *err)
{
    struct json json = {.options = options};
    out_open(&json.out, fd, err);
    arena_init(&json.arena, LIMIT(CONFIG));
    jw_init(&json.jw, &json.out.sb, true);
    if (n != 1) {
        jw_obj(&json.jw);
        jw_kstr(&json.jw, "schema", STR("plimsoll.reports/1"));
        jw_key(&json.jw, "reports");
        jw_arr(&json.jw);
    }
    for (size_t i = 0; i < n; i++)
        write_report(&json, reports[i]);
    if (n != 1) {
        jw_arr_end(&json.jw);
        jw_obj_end(&json.jw);
    }
    sb_byte(&json.out.sb, '\n');
    arena_fini(&json.arena);
    return out_close(&json.out);
}

const struct report_format report_format_json = {
    .name = "json",
    .summary = "plimsoll.report/1, for programs",
    .is_sbom_too = true,
    .write = json_write,
};
