/* SPDX-License-Identifier: Apache-2.0 */
/* security.c - Microsoft.Security: sub-assessments (findings) and assessments (recommendations). */
#include "api/internal.h"

#include "base/num.h"

static const char DISPLAY_NAME[] =
    "Container registry images should have vulnerability findings resolved";

/* One key is published at a time. */
static bool check_key(struct api_call *call, str key, struct err *err)
{
    return str_eq_nocase(key, call->api->assessment_key) ||
           api_refuse(call, err, 404, "NotFound",
                      "The assessment '" STR_FMT "' was not found; this server publishes '" STR_FMT
                      "'.",
                      STR_ARG(key), STR_ARG(call->api->assessment_key));
}

/* --- sub-assessments
 * ------------------------------------------------------------------------------ */

/* A page goes out in pieces that share one piece's memory: what is written is not kept twice. */

static bool write_piece(struct api_call *call, struct arena *scratch,
                        const struct store_scope *scope, const struct store_page *page, str *next,
                        struct err *err)
{
    const struct image_filter all = {0};
    store_findings found = {0};
    struct arena *of_request = call->arena;
    if (!store_findings_list(call->store, scratch, scope, &all, page, &found, next, err))
        return api_page_error(call, err);
    call->arena = scratch;
    call->arm_id = STR_NONE;
    bool is_ok = true;
    for (size_t i = 0; is_ok && i < found.len; i++)
        is_ok = api_write_finding(call, &found.ptr[i], err);
    call->arena = of_request;
    call->arm_id = STR_NONE;
    *next = arena_dup(call->arena, *next);
    return is_ok && (next->ptr ? true : err_memory(err));
}

static bool write_findings(struct api_call *call, const struct store_scope *scope,
                           struct store_page page, str *next, struct err *err)
{
    struct arena scratch;
    bool is_ok = true;
    arena_init(&scratch, LIMIT(HTTP_ANSWER));
    for (size_t left = page.limit; is_ok && left; left -= page.limit) {
        page.limit = num_min(left, STORE_PIECE);
        is_ok = write_piece(call, &scratch, scope, &page, next, err);
        if (!is_ok || !next->len)
            break;
        page.after = *next;
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    return is_ok;
}

static bool list_findings(struct api_call *call, struct err *err)
{
    struct store_scope scope;
    struct store_page page;
    str next = STR("");
    if (!api_scope(call, call->req->params[0], &scope, err) || !api_page(call, &page, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    if (!write_findings(call, &scope, page, &next, err))
        return false;
    jw_arr_end(&call->jw);
    if (!api_next_link(call, next, err))
        return false;
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool list_findings_of_key(struct api_call *call, struct err *err)
{
    return check_key(call, call->req->params[1], err) && list_findings(call, err);
}

/* Whether there is such a scope is asked only of what was not found. */
static bool get_finding(struct api_call *call, struct err *err)
{
    struct store_scope scope;
    struct store_finding found = {0};
    str name = api_lower(call->arena, call->req->params[2]), key = call->req->params[1];
    if (!api_scope_asked(call, call->req->params[0], &scope, err))
        return false;
    if (str_eq_nocase(key, call->api->assessment_key)) {
        if (store_finding_get(call->store, call->arena, &scope, name, &found, err))
            return api_write_finding(call, &found, err) && api_done(call, 200, err);
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
    }
    return api_scope(call, call->req->params[0], &scope, err) && check_key(call, key, err) &&
           api_refuse(call, err, 404, "NotFound", "The sub-assessment '" STR_FMT "' was not found.",
                      STR_ARG(name));
}

/* --- assessments
 * ---------------------------------------------------------------------------------- */

struct expand {
    bool metadata, links;
};

/* "$expand=metadata,links": a comma list; what else stands there is left alone, as the service
 * does. */
static struct expand read_expand(const struct http_request *req)
{
    struct expand out = {0};
    str rest = http_request_query(req, STR("$expand")), word;
    while (str_next(&rest, ',', &word)) {
        out.metadata |= str_eq_nocase(str_trim(word), STR("metadata"));
        out.links |= str_eq_nocase(str_trim(word), STR("links"));
    }
    return out;
}

static void write_metadata(struct jw *jw)
{
    jw_key(jw, "metadata");
    jw_obj(jw);
    jw_kstr(jw, "displayName", str_from(DISPLAY_NAME));
    jw_kstr(jw, "assessmentType", STR("BuiltIn"));
    jw_kstr(jw, "policyDefinitionId",
            STR("/providers/Microsoft.Authorization/policyDefinitions/"
                "5f0f936f-2f01-4bf5-b6be-d423792fa562"));
    jw_kstr(jw, "description",
            STR("Images in the registry have packages with known vulnerabilities."));
    jw_kstr(jw, "remediationDescription",
            STR("Upgrade the packages that the findings name, rebuild the image and push it."));
    jw_key(jw, "categories");
    jw_arr(jw);
    jw_str(jw, STR("Compute"));
    jw_arr_end(jw);
    jw_kstr(jw, "severity", STR("High"));
    jw_kstr(jw, "userImpact", STR("Moderate"));
    jw_kstr(jw, "implementationEffort", STR("Moderate"));
    jw_kbool(jw, "preview", false);
    jw_obj_end(jw);
}

/* Where a person can look: until there is a portal, the resource itself. */
static bool write_links(struct api_call *call, str id)
{
    str link = arena_printf(call->arena, STR_FMT STR_FMT "?api-version=2021-06-01",
                            STR_ARG(api_origin(call)), STR_ARG(id));
    jw_key(&call->jw, "links");
    jw_obj(&call->jw);
    jw_kstr(&call->jw, "azurePortalUri", link);
    jw_obj_end(&call->jw);
    return link.ptr != NULL;
}

static str verdict_description(struct arena *arena, const struct store_assessment *a)
{
    if (a->healthy + a->unhealthy + a->not_applicable == 0)
        return STR("No image was scanned yet.");
    return arena_printf(
        arena,
        "%llu images unhealthy, %llu healthy, %llu not applicable, %llu not scanned; "
        "%llu findings.",
        (unsigned long long)a->unhealthy, (unsigned long long)a->healthy,
        (unsigned long long)a->not_applicable, (unsigned long long)a->unscanned,
        (unsigned long long)a->findings);
}

static str verdict_code(enum verdict verdict)
{
    if (verdict == VERDICT_HEALTHY || verdict == VERDICT_UNHEALTHY)
        return str_from(verdict_name(verdict));
    return STR("NotApplicable"); /* never Healthy for what is not known */
}

static void write_assessment_status(struct api_call *call, const struct store_assessment *a)
{
    struct jw *jw = &call->jw;
    jw_key(jw, "status");
    jw_obj(jw);
    jw_kstr(jw, "code", verdict_code(a->verdict));
    jw_kstr(jw, "description", verdict_description(call->arena, a));
    api_write_time(jw, "firstEvaluationDate", a->first_evaluated_at);
    api_write_time(jw, "statusChangeDate", a->status_changed_at);
    jw_obj_end(jw);
}

static bool write_assessment_properties(struct api_call *call, const struct store_assessment *a,
                                        str id, struct expand expand)
{
    struct jw *jw = &call->jw;
    str registry = store_registry_arm_id(call->arena, &a->registry);
    str link = arena_printf(call->arena, STR_FMT "/subAssessments", STR_ARG(id));
    jw_key(jw, "resourceDetails");
    jw_obj(jw);
    jw_kstr(jw, "source", STR("Azure"));
    jw_kstr(jw, "id", registry);
    jw_obj_end(jw);
    jw_kstr(jw, "displayName", str_from(DISPLAY_NAME));
    write_assessment_status(call, a);
    jw_key(jw, "additionalData");
    jw_obj(jw);
    jw_kstr(jw, "subAssessmentsLink", link);
    jw_obj_end(jw);
    if (expand.metadata)
        write_metadata(jw);
    return (!expand.links || write_links(call, id)) && registry.ptr && link.ptr;
}

static bool write_assessment(struct api_call *call, const struct store_assessment *a,
                             struct expand expand, struct err *err)
{
    struct jw *jw = &call->jw;
    str id = api_assessment_id(call, &a->registry);
    jw_obj(jw);
    jw_kstr(jw, "type", STR("Microsoft.Security/assessments"));
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", call->api->assessment_key);
    jw_key(jw, "properties");
    jw_obj(jw);
    bool is_ok = id.ptr && write_assessment_properties(call, a, id, expand);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return is_ok || err_memory(err);
}

static bool list_assessments(struct api_call *call, struct err *err)
{
    struct store_scope scope;
    store_assessments found = {0};
    if (!api_scope(call, call->req->params[0], &scope, err) ||
        !store_assessments_list(call->store, call->arena, &scope, &found, err))
        return false;
    jw_obj(&call->jw);
    jw_key(&call->jw, "value");
    jw_arr(&call->jw);
    for (size_t i = 0; i < found.len; i++)
        if (!write_assessment(call, &found.ptr[i], (struct expand){0}, err))
            return false;
    jw_arr_end(&call->jw);
    jw_obj_end(&call->jw);
    return api_done(call, 200, err);
}

static bool get_assessment(struct api_call *call, struct err *err)
{
    struct store_scope scope;
    store_assessments found = {0};
    if (!api_scope(call, call->req->params[0], &scope, err) ||
        !check_key(call, call->req->params[1], err))
        return false;
    if (scope.registry.len == 0)
        return api_refuse(call, err, 404, "NotFound",
                          "An assessment is asked of a registry, not of '/" STR_FMT "'.",
                          STR_ARG(call->req->params[0]));
    if (!store_assessments_list(call->store, call->arena, &scope, &found, err))
        return false;
    if (found.len == 0)
        return api_refuse(call, err, 404, "NotFound", "There is no assessment of '/" STR_FMT "'.",
                          STR_ARG(call->req->params[0]));
    return write_assessment(call, &found.ptr[0], read_expand(call->req), err) &&
           api_done(call, 200, err);
}

#define SECURITY "/{scope*}/providers/Microsoft.Security/"
#define READ(of, ...)                                                                              \
    API_OP(.action = "Microsoft.Security/" of "/read", .where = WHERE_PATH, .is_arm = true,        \
           __VA_ARGS__)
static const struct http_route routes[] = {
    {"GET", SECURITY "subAssessments", NULL,
     READ("assessments/subAssessments", .run = list_findings,
          .summary = "all findings below a scope", .is_list = true)},
    {"GET", SECURITY "assessments/{key}/subAssessments", NULL,
     READ("assessments/subAssessments", .run = list_findings_of_key,
          .summary = "findings of one recommendation", .is_list = true)},
    {"GET", SECURITY "assessments/{key}/subAssessments/{name}", NULL,
     READ("assessments/subAssessments", .run = get_finding, .summary = "one finding")},
    {"GET", SECURITY "assessments", NULL,
     READ("assessments", .run = list_assessments,
          .summary = "recommendations of the registries below a scope", .is_list = true)},
    {"GET", SECURITY "assessments/{key}", NULL,
     READ("assessments", .run = get_assessment, .summary = "the recommendation of one registry")},
};
API_RESOURCE(security, routes);
