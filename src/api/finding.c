/* SPDX-License-Identifier: Apache-2.0 */
/* finding.c - one finding as a sub-assessment: the shape of the Qualys era, and the later one of
 * Microsoft Defender Vulnerability Management (MDVM).  The assessment's key decides. */
#include "api/internal.h"

#include "base/clock.h"

static const char MDVM_KEY[] = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5";

static bool is_mdvm(const struct api_call *call)
{
    return str_eq_nocase(call->api->assessment_key, str_from(MDVM_KEY));
}

/* Findings of one registry follow each other: its id is made once. */
static str arm_id(struct api_call *call, const struct store_registry *registry)
{
    if (!call->arm_id.ptr || call->arm_id_of != registry->id) {
        call->arm_id = store_registry_arm_id(call->arena, registry);
        call->arm_id_of = registry->id;
    }
    return call->arm_id;
}

str api_assessment_id(struct api_call *call, const struct store_registry *registry)
{
    str id = arm_id(call, registry);
    if (!id.ptr)
        return STR_NONE;
    return ARENA_JOIN(call->arena, id, STR("/providers/Microsoft.Security/assessments/"),
                      call->api->assessment_key);
}

void api_write_time(struct jw *jw, const char *key, int64_t utc_s)
{
    char text[CLOCK_TEXT_SIZE];
    if (utc_s > 0)
        jw_kstr(jw, key, clock_print(utc_s, text));
}

/* A feed's own date: clients parse it, so what is none is left out. */
static void write_date(struct jw *jw, const char *key, str text)
{
    int64_t utc_s;
    if (text.len && clock_parse(text, &utc_s))
        api_write_time(jw, key, utc_s);
}

/* --- texts
 * ---------------------------------------------------------------------------------------- */

/* Low, Medium and High are all that the older contract has: Critical reads High, Unknown Medium. */
static str severity_text(const struct api_call *call, enum severity severity)
{
    bool has_all = is_mdvm(call);
    switch (severity) {
    case SEVERITY_CRITICAL:
        return has_all ? STR("Critical") : STR("High");
    case SEVERITY_HIGH:
        return STR("High");
    case SEVERITY_MEDIUM:
        return STR("Medium");
    case SEVERITY_LOW:
    case SEVERITY_NONE:
        return STR("Low");
    case SEVERITY_UNKNOWN:
        break;
    }
    return has_all ? STR("Unknown") : STR("Medium");
}

static str display_name(struct arena *arena, const struct finding *f)
{
    if (f->title.len)
        return f->title;
    return ARENA_JOIN(arena, f->id, STR(" in "), f->package_name);
}

static str join(struct arena *arena, str head, const char *between, str tail)
{
    bool has_both = head.len && tail.len;
    return ARENA_JOIN(arena, head, has_both ? str_from(between) : STR_NONE, tail);
}

/* Whoever reads "Medium" must be able to see that nobody said so. */
static str description(struct arena *arena, const struct finding *f)
{
    str text = f->description.len ? f->description : display_name(arena, f);
    return f->severity == SEVERITY_UNKNOWN ? join(arena, text, " ", STR("(severity not rated)"))
                                           : text;
}

static str remediation(struct arena *arena, const struct finding *f)
{
    bool says_it = str_has(f->remediation_text, f->remediation_command);
    return join(arena, f->remediation_text, "\n", says_it ? STR_NONE : f->remediation_command);
}

static str impact(struct arena *arena, const struct finding *f)
{
    str exploited = f->is_kev ? STR("Known to be exploited. ") : STR_NONE;
    if (f->epss <= 0)
        return str_trim(exploited);
    return arena_printf(arena,
                        STR_FMT "EPSS %.3f: the probability of exploitation in the next 30 days.",
                        STR_ARG(exploited), f->epss);
}

/* --- lists
 * ---------------------------------------------------------------------------------------- */

static void write_link(struct jw *jw, str title, str link)
{
    jw_obj(jw);
    jw_kstr(jw, "title", title);
    jw_kstr(jw, "link", link);
    jw_obj_end(jw);
}

static bool write_cve(struct api_call *call, str id)
{
    if (!str_starts(id, STR("CVE-")))
        return true;
    str link = ARENA_JOIN(call->arena, STR("https://www.cve.org/CVERecord?id="), id);
    write_link(&call->jw, id, link);
    return link.ptr != NULL;
}

static bool write_cves(struct api_call *call, const struct finding *f)
{
    jw_key(&call->jw, "cve");
    jw_arr(&call->jw);
    bool is_ok = write_cve(call, f->id);
    for (size_t i = 0; i < f->aliases.len; i++)
        is_ok &= str_eq(f->aliases.ptr[i], f->id) || write_cve(call, f->aliases.ptr[i]);
    jw_arr_end(&call->jw);
    return is_ok;
}

/* ".../security/2021/dsa-4963" → "dsa-4963" */
static str last_part(str url)
{
    while (str_ends(url, STR("/")))
        url.len--;
    size_t slash = str_rfind_byte(url, '/');
    str last = str_skip(url, slash + 1);
    return last.len ? last : url;
}

static void write_references(struct jw *jw, const char *key, const struct finding *f)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (size_t i = 0; i < f->references.len; i++)
        write_link(jw, last_part(f->references.ptr[i]), f->references.ptr[i]);
    jw_arr_end(jw);
}

static void write_strs(struct jw *jw, const char *key, const strs *list)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (size_t i = 0; i < list->len; i++)
        jw_str(jw, list->ptr[i]);
    jw_arr_end(jw);
}

/* "2.0" and "3.0" are the only keys of the contract; 3.1 stands under "3.0". */
static const struct cvss *find_cvss(const struct finding *f, str major)
{
    for (size_t i = 0; i < f->cvss.len; i++)
        if (f->cvss.ptr[i].is_scored && str_starts(f->cvss.ptr[i].version, major))
            return &f->cvss.ptr[i];
    return NULL;
}

static void write_cvss(struct jw *jw, const struct finding *f, bool has_vector)
{
    static const char *const rows[][2] = {{"2.", "2.0"}, {"3.", "3.0"}};
    jw_key(jw, "cvss");
    jw_obj(jw);
    for (size_t i = 0; i < 2; i++) {
        const struct cvss *cvss = find_cvss(f, str_from(rows[i][0]));
        if (!cvss)
            continue;
        jw_key(jw, rows[i][1]);
        jw_obj(jw);
        jw_key(jw, "base");
        jw_num(jw, cvss->score);
        if (has_vector)
            jw_kstr_if(jw, "cvssVectorString", cvss->vector);
        jw_obj_end(jw);
    }
    jw_obj_end(jw);
}

/* --- additionalData
 * ------------------------------------------------------------------------------- */

/* What the contract has no place for, in both shapes under one name of our own. */
static void write_own(struct jw *jw, const struct store_finding *found)
{
    const struct finding *f = &found->finding;
    jw_key(jw, "plimsoll");
    jw_obj(jw);
    jw_kstr(jw, "severity", str_from(severity_name(f->severity)));
    jw_kstr(jw, "package", f->package_name);
    jw_kstr(jw, "installedVersion", f->package_version);
    jw_kstr_if(jw, "fixedVersion", f->fixed_version);
    jw_kstr(jw, "fixState", str_from(fix_state_name(f->fix_state)));
    jw_kstr_if(jw, "purl", f->purl);
    jw_kstr_if(jw, "path", f->path);
    jw_kstr_if(jw, "command", f->remediation_command);
    jw_kstr_if(jw, "step", f->remediation_step);
    jw_kstr_if(jw, "platform", found->platform);
    jw_kint(jw, "layer", f->layer);
    jw_kbool(jw, "fromBaseImage", f->is_from_base);
    jw_kbool(jw, "knownExploited", f->is_kev);
    jw_kint(jw, "generation", (int64_t)found->generation);
    write_strs(jw, "tags", &found->tags);
    jw_obj_end(jw);
}

static bool write_qualys(struct api_call *call, const struct store_finding *found)
{
    struct jw *jw = &call->jw;
    const struct finding *f = &found->finding;
    jw_kstr(jw, "assessedResourceType", STR("ContainerRegistryVulnerability"));
    jw_kstr(jw, "type", STR("Vulnerability"));
    jw_kbool(jw, "patchable", f->is_patchable);
    write_cvss(jw, f, false);
    bool is_ok = write_cves(call, f);
    write_date(jw, "publishedTime", f->published);
    write_references(jw, "vendorReferences", f);
    jw_kstr(jw, "repositoryName", found->repository);
    jw_kstr(jw, "imageDigest", found->digest);
    return is_ok;
}

static void write_vulnerability(struct api_call *call, const struct finding *f)
{
    struct jw *jw = &call->jw;
    const struct cvss *v3 = find_cvss(f, STR("3."));
    if (v3) {
        jw_key(jw, "cvssV30Score");
        jw_num(jw, v3->score);
    }
    jw_key(jw, "vulnerabilityDetails");
    jw_obj(jw);
    jw_kstr(jw, "cveId", f->id);
    jw_kstr(jw, "severity", severity_text(call, f->severity));
    write_date(jw, "publishedDate", f->published);
    write_date(jw, "lastModifiedDate", f->modified);
    write_cvss(jw, f, true);
    write_references(jw, "references", f);
    jw_key(jw, "workarounds");
    jw_arr(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void write_artifact(struct jw *jw, const struct store_finding *found)
{
    jw_key(jw, "artifactDetails");
    jw_obj(jw);
    jw_kstr(jw, "registryHost", found->registry.host);
    jw_kstr(jw, "repositoryName", found->repository);
    jw_kstr(jw, "digest", found->digest);
    write_strs(jw, "tags", &found->tags);
    jw_kstr(jw, "artifactType", STR("ContainerImage"));
    jw_kstr_if(jw, "mediaType", found->media_type);
    api_write_time(jw, "lastPushedToRegistryUTC", found->last_pushed);
    jw_obj_end(jw);
}

static str fix_status(const struct finding *f)
{
    if (f->is_patchable)
        return STR("FixAvailable");
    switch (f->fix_state) {
    case FIX_WILL_NOT_FIX:
    case FIX_END_OF_LIFE:
        return STR("WontFix");
    case FIX_DEFERRED:
        return STR("Scheduled");
    case FIX_AFFECTED:
        return STR("NoFixAvailable");
    case FIX_UNKNOWN:
    case FIX_FIXED:
    case FIX_NOT_AFFECTED:
        break;
    }
    return STR("Unknown");
}

static bool write_software(struct api_call *call, const struct store_finding *found)
{
    struct jw *jw = &call->jw;
    const struct finding *f = &found->finding;
    bool is_os = f->class != CLASS_LANGUAGE;
    str version = arena_printf(call->arena, STR_FMT "_linux_" STR_FMT, STR_ARG(found->os_id),
                               STR_ARG(found->os_version));
    jw_key(jw, "softwareDetails");
    jw_obj(jw);
    jw_kstr(jw, "category", is_os ? STR("OS") : STR("Language"));
    jw_kstr(jw, "language", is_os ? STR("") : f->category);
    jw_kstr(jw, "packageName", f->package_name);
    jw_kstr(jw, "vendor", is_os ? found->os_id : STR(""));
    jw_kstr(jw, "version", f->package_version);
    jw_kstr(jw, "fixedVersion", f->fixed_version);
    jw_kstr(jw, "fixStatus", fix_status(f));
    jw_key(jw, "evidence");
    jw_arr(jw);
    if (f->path.len)
        jw_str(jw, f->path);
    jw_arr_end(jw);
    jw_key(jw, "osDetails");
    jw_obj(jw);
    jw_kstr(jw, "osPlatform", STR("linux"));
    jw_kstr(jw, "osVersion", version);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return version.ptr != NULL;
}

static bool write_mdvm(struct api_call *call, const struct store_finding *found)
{
    jw_kstr(&call->jw, "assessedResourceType", STR("AzureContainerRegistryVulnerability"));
    write_vulnerability(call, &found->finding);
    write_artifact(&call->jw, found);
    return write_software(call, found);
}

/* --- the whole
 * ------------------------------------------------------------------------------------ */

/* MDVM's short form, and the one that the older contract's sample shows. */
static str image_id(struct api_call *call, const struct store_finding *found)
{
    if (is_mdvm(call))
        return ARENA_JOIN(call->arena, STR("/repositories/"), found->repository, STR("/images/"),
                          found->digest);
    str id = arm_id(call, &found->registry);
    if (!id.ptr)
        return STR_NONE;
    return ARENA_JOIN(call->arena, id, STR("/repository/"), found->repository, STR("/imageDigest/"),
                      found->digest);
}

static void write_status(struct api_call *call, const struct finding *f)
{
    struct jw *jw = &call->jw;
    jw_key(jw, "status");
    jw_obj(jw);
    jw_kstr(jw, "code", f->disabled_by.len ? STR("NotApplicable") : STR("Unhealthy"));
    jw_kstr(jw, "severity", severity_text(call, f->severity));
    jw_kstr(jw, "cause", f->disabled_by.len ? STR("Exempt by Rule") : STR(""));
    jw_kstr(jw, "description", f->disabled_by);
    jw_obj_end(jw);
}

static bool write_properties(struct api_call *call, const struct store_finding *found)
{
    struct jw *jw = &call->jw;
    const struct finding *f = &found->finding;
    str name = display_name(call->arena, f), text = description(call->arena, f);
    str fix = remediation(call->arena, f), resource = image_id(call, found);
    jw_kstr(jw, "id", f->id);
    jw_kstr(jw, "displayName", is_mdvm(call) ? f->id : name);
    jw_kstr(jw, "category", f->category);
    jw_kstr(jw, "impact", impact(call->arena, f));
    jw_kstr(jw, "description", text);
    jw_kstr(jw, "remediation", fix);
    api_write_time(jw, "timeGenerated", found->scanned_at);
    write_status(call, f);
    jw_key(jw, "resourceDetails");
    jw_obj(jw);
    jw_kstr(jw, "source", STR("Azure"));
    jw_kstr(jw, "id", resource);
    jw_obj_end(jw);
    jw_key(jw, "additionalData");
    jw_obj(jw);
    bool is_ok = is_mdvm(call) ? write_mdvm(call, found) : write_qualys(call, found);
    write_own(jw, found);
    jw_obj_end(jw);
    return is_ok && name.ptr && text.ptr && fix.ptr && resource.ptr;
}

bool api_write_finding(struct api_call *call, const struct store_finding *found, struct err *err)
{
    struct jw *jw = &call->jw;
    str id = api_assessment_id(call, &found->registry);
    if (id.ptr)
        id = ARENA_JOIN(call->arena, id, STR("/subAssessments/"), found->finding.name);
    jw_obj(jw);
    jw_kstr(jw, "type", STR("Microsoft.Security/assessments/subAssessments"));
    jw_kstr(jw, "id", id);
    jw_kstr(jw, "name", found->finding.name);
    jw_key(jw, "properties");
    jw_obj(jw);
    bool is_ok = write_properties(call, found);
    jw_obj_end(jw);
    jw_obj_end(jw);
    return (is_ok && id.ptr) || err_memory(err);
}
