/* SPDX-License-Identifier: Apache-2.0 */
/* CycloneDX 1.6 (ECMA-424), JSON: one image a document; its packages are components, its findings
 * vulnerabilities that name them.  Of an inventory alone: no vulnerabilities at all. */
#include "report/internal.h"

#include "base/num.h"

struct cyclonedx {
    struct doc doc;
    const struct report *report;
    struct package_index index;
    struct map licences; /* those that were read */
};

static inline void property(struct jw *jw, const char *name, str value)
{
    if (!value.len)
        return;
    jw_obj(jw);
    jw_kstr(jw, "name", str_from(name));
    jw_kstr(jw, "value", value);
    jw_obj_end(jw);
}

static void property_said(struct doc *doc, const char *name)
{
    jw_obj(&doc->jw);
    jw_kstr(&doc->jw, "name", str_from(name));
    doc_ksaid(doc, "value");
    jw_obj_end(&doc->jw);
    doc_piece(doc);
}

static void property_number(struct doc *doc, const char *name, uint64_t value)
{
    sb_addf(&doc->say, "%llu", (unsigned long long)value);
    property_said(doc, name);
}

/* --- metadata ------------------------------------------------------------------------------------
 */
static void write_tool(struct jw *jw)
{
    jw_key(jw, "tools");
    jw_obj(jw);
    jw_key(jw, "components");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "type", STR("application"));
    jw_kstr(jw, "name", STR("plimsoll"));
    jw_kstr(jw, "version", str_from(report_engine_version()));
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void say_image_ref(struct cyclonedx *c)
{
    sb_addc(&c->doc.say, "image:");
    say_image_purl(&c->doc.say, c->report);
}

static void write_image(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    const struct report *report = c->report;
    char hex[DIGEST_TEXT_SIZE];
    jw_key(jw, "component");
    jw_obj(jw);
    say_image_ref(c);
    doc_ksaid(&c->doc, "bom-ref");
    jw_kstr(jw, "type",
            digest_is_none(&report->digest) ? STR("operating-system") : STR("container"));
    jw_kstr(jw, "name", report->source.len ? report->source : STR("image"));
    jw_kstr_if(jw, "version", digest_print(&report->digest, hex));
    say_image_purl(&c->doc.say, report);
    doc_ksaid(&c->doc, "purl");
    jw_key(jw, "properties");
    jw_arr(jw);
    property(jw, "plimsoll:platform", report->platform);
    for (size_t i = 0; i < report->labels.len; i++) {
        sb_addc(&c->doc.say, "plimsoll:label:");
        sb_add(&c->doc.say, report->labels.ptr[i].key);
        jw_obj(jw);
        doc_ksaid(&c->doc, "name");
        jw_kstr(jw, "value", report->labels.ptr[i].value);
        jw_obj_end(jw);
        doc_piece(&c->doc);
    }
    for (size_t i = 0; i < report->layers.len; i++)
        property(jw, "plimsoll:layer", digest_print(&report->layers.ptr[i].digest, hex));
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static void write_notices(struct cyclonedx *c)
{
    for (size_t i = 0; i < c->report->notices.len; i++) {
        const struct notice *notice = &c->report->notices.ptr[i];
        sb_addf(&c->doc.say, "%s: ", notice_kind_name(notice->kind));
        sb_add(&c->doc.say, notice->path);
        sb_addc(&c->doc.say, notice->path.len ? ": " : "");
        sb_add(&c->doc.say, notice->message);
        property_said(&c->doc, "plimsoll:notice");
    }
}

static void write_judgement(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    const struct report *report = c->report;
    const struct report_filter *filter = &c->doc.options->filter;
    if (c->doc.options->is_sbom)
        return;
    property(jw, "plimsoll:status", str_from(verdict_name(report->verdict)));
    property(jw, "plimsoll:reason", report->reason);
    if (report->has_database)
        property_number(&c->doc, "plimsoll:database:generation", report->generation);
    if (say_hidden(&c->doc.say, report, filter))
        property_said(&c->doc, "plimsoll:notice");
    property_number(&c->doc, "plimsoll:disabled", report_count(report, filter, PLACE_DISABLED));
}

static void write_metadata(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    jw_key(jw, "metadata");
    jw_obj(jw);
    doc_instant(&c->doc, "timestamp", c->report->scanned_at);
    write_tool(jw);
    write_image(c);
    jw_key(jw, "properties");
    jw_arr(jw);
    property(jw, "plimsoll:complete", c->report->is_complete ? STR("true") : STR("false"));
    write_judgement(c);
    write_notices(c);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

/* --- components ----------------------------------------------------------------------------------
 */
/* The purl; "#2" and so on behind it where the same package is there several times. */
static void say_ref(struct cyclonedx *c, size_t i)
{
    const struct report *report = c->report;
    bool has_purl = i < report->purls.len && report->purls.ptr[i].len;
    if (has_purl)
        sb_add(&c->doc.say, report->purls.ptr[i]);
    else
        sb_addf(&c->doc.say, "package:%zu", i + 1);
    if (has_purl && c->index.nth[i])
        sb_addf(&c->doc.say, "#%u", c->index.nth[i] + 1);
}

static const struct licence *licence_of(struct cyclonedx *c, str text)
{
    static const struct licence other;
    const struct licence *licence = licence_known(&c->licences, text);
    c->doc.out.sb.has_failed |= !licence;
    return licence ? licence : &other;
}

static void write_licence(struct cyclonedx *c, str text)
{
    struct jw *jw = &c->doc.jw;
    const struct licence *licence = licence_of(c, text);
    jw_obj(jw);
    jw_key(jw, "license");
    jw_obj(jw);
    if (licence->kind == LICENCE_ID)
        jw_kstr(jw, "id", licence->text);
    else
        jw_kstr(jw, "name", text);
    jw_obj_end(jw);
    jw_obj_end(jw);
}

/* Several licences, or one expression: the schema takes no mixture. */
static void write_licences(struct cyclonedx *c, const struct package *package)
{
    struct jw *jw = &c->doc.jw;
    const strs *all = &package->licenses;
    if (!all->len)
        return;
    jw_key(jw, "licenses");
    jw_arr(jw);
    const struct licence *first = licence_of(c, all->ptr[0]);
    bool is_expression = all->len == 1 && first->kind == LICENCE_EXPRESSION;
    if (is_expression) {
        jw_obj(jw);
        jw_kstr(jw, "expression", first->text);
        jw_obj_end(jw);
    }
    for (size_t i = 0; i < all->len && !is_expression; i++)
        write_licence(c, all->ptr[i]);
    jw_arr_end(jw);
}

static void write_component_properties(struct cyclonedx *c, const struct package *package)
{
    struct jw *jw = &c->doc.jw;
    char hex[DIGEST_TEXT_SIZE];
    jw_key(jw, "properties");
    jw_arr(jw);
    property(jw, "plimsoll:type", package->type);
    property(jw, "plimsoll:source", package->source_name);
    property(jw, "plimsoll:source:version", package->source_version);
    property(jw, "plimsoll:path", package->path);
    property(jw, "plimsoll:evidence",
             package->evidence == EVIDENCE_DECLARED ? STR("declared") : STR("installed"));
    property(jw, "plimsoll:ownedBy", package->owned_by);
    if (package->layer >= 0 && (size_t)package->layer < c->report->layers.len)
        property(jw, "plimsoll:layer",
                 digest_print(&c->report->layers.ptr[package->layer].digest, hex));
    jw_arr_end(jw);
}

static void write_component(struct cyclonedx *c, size_t i)
{
    struct jw *jw = &c->doc.jw;
    const struct package *package = &c->report->packages.ptr[i];
    jw_obj(jw);
    say_ref(c, i);
    doc_ksaid(&c->doc, "bom-ref");
    jw_kstr(jw, "type", STR("library"));
    jw_kstr_if(jw, "publisher", package->maintainer.len ? package->maintainer : package->vendor);
    jw_kstr(jw, "name", package->name);
    jw_kstr_if(jw, "version", package->version);
    write_licences(c, package);
    jw_kstr_if(jw, "purl", i < c->report->purls.len ? c->report->purls.ptr[i] : STR_NONE);
    write_component_properties(c, package);
    jw_obj_end(jw);
    doc_piece(&c->doc);
}

static void write_components(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    jw_key(jw, "components");
    jw_arr(jw);
    for (size_t i = 0; i < c->report->packages.len; i++)
        write_component(c, i);
    jw_arr_end(jw);
}

/* Is the inventory whole?  The standard has a place for that. */
static void write_compositions(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    jw_key(jw, "compositions");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "aggregate", c->report->is_complete ? STR("unknown") : STR("incomplete"));
    jw_key(jw, "assemblies");
    jw_arr(jw);
    say_image_ref(c);
    doc_said(&c->doc);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
}

/* --- vulnerabilities -----------------------------------------------------------------------------
 */
static void write_source(struct jw *jw, str name)
{
    jw_key(jw, "source");
    jw_obj(jw);
    jw_kstr(jw, "name", name);
    jw_obj_end(jw);
}

static void write_ids(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    jw_kstr(jw, "id", f->id);
    str source = f->evidence.len ? f->evidence.ptr[0].source : STR_NONE;
    if (source.len)
        write_source(jw, source);
    jw_key(jw, "references");
    jw_arr(jw);
    for (size_t i = 0; i < f->aliases.len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "id", f->aliases.ptr[i]);
        jw_key(jw, "source");
        jw_obj(jw);
        say_id_url(&c->doc.say, f->aliases.ptr[i]);
        if (c->doc.say.len)
            doc_ksaid(&c->doc, "url");
        jw_obj_end(jw);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
}

static const char *method_of(str version)
{
    static const char *const rows[][2] = {
        {"2.0", "CVSSv2"}, {"3.0", "CVSSv3"}, {"3.1", "CVSSv31"}, {"4.0", "CVSSv4"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(version, str_from(rows[i][0])))
            return rows[i][1];
    return "other";
}

/* The one that counts comes first. */
static void write_ratings(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    jw_key(jw, "ratings");
    jw_arr(jw);
    jw_obj(jw);
    if (f->rated_by.len)
        write_source(jw, f->rated_by);
    jw_kstr(jw, "severity", str_from(severity_name(f->severity)));
    jw_kstr(jw, "method", STR("other"));
    jw_kstr_if(jw, "justification", f->rating_basis);
    jw_obj_end(jw);
    for (size_t i = 0; i < f->cvss.len; i++) {
        const struct cvss *cvss = &f->cvss.ptr[i];
        jw_obj(jw);
        if (cvss->source.len)
            write_source(jw, cvss->source);
        if (cvss->is_scored) {
            jw_key(jw, "score");
            jw_num(jw, cvss->score);
            jw_kstr(jw, "severity", str_from(severity_name(cvss_severity(cvss->score))));
        }
        jw_kstr(jw, "method", str_from(method_of(cvss->version)));
        jw_kstr_if(jw, "vector", cvss->vector);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
}

static void write_cwes(struct jw *jw, const struct finding *f)
{
    if (!f->cwes.len)
        return;
    jw_key(jw, "cwes");
    jw_arr(jw);
    for (size_t i = 0; i < f->cwes.len; i++) {
        uint64_t number;
        if (str_starts(f->cwes.ptr[i], STR("CWE-")) &&
            str_to_u64(str_skip(f->cwes.ptr[i], 4), INT32_MAX, &number) && number > 0)
            jw_int(jw, (int64_t)number);
    }
    jw_arr_end(jw);
}

static void write_texts(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    jw_kstr(jw, "description", finding_title(f));
    jw_kstr_if(jw, "detail", f->description);
    say_advice(&c->doc.say, f);
    doc_ksaid(&c->doc, "recommendation");
    jw_key(jw, "advisories");
    jw_arr(jw);
    for (size_t i = 0; i < f->references.len; i++) {
        if (!is_link(f->references.ptr[i]))
            continue;
        jw_obj(jw);
        doc_kuri(&c->doc, "url", f->references.ptr[i]);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
    doc_kdate(&c->doc, "published", f->published);
    doc_kdate(&c->doc, "updated", f->modified);
}

static const char *justification_of(str openvex)
{
    static const char *const rows[][2] = {
        {"component_not_present", "code_not_present"},
        {"vulnerable_code_not_present", "code_not_present"},
        {"vulnerable_code_not_in_execute_path", "code_not_reachable"},
        {"vulnerable_code_cannot_be_controlled_by_adversary", "requires_environment"},
        {"inline_mitigations_already_exist", "protected_by_mitigating_control"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(openvex, str_from(rows[i][0])))
            return rows[i][1];
    return NULL;
}

static void write_disabled(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    struct disabled why = disabled_why(f);
    const char *justification = justification_of(why.justification);
    jw_kstr(jw, "state", why.is_fixed ? STR("resolved") : STR("not_affected"));
    if (justification)
        jw_kstr(jw, "justification", str_from(justification));
    if (!why.is_vex) {
        jw_key(jw, "response");
        jw_arr(jw);
        jw_str(jw, STR("will_not_fix"));
        jw_arr_end(jw);
    }
    sb_add(&c->doc.say, f->disabled_by);
    if (why.is_vex) {
        sb_addc(&c->doc.say, ": ");
        sb_add(&c->doc.say, why.words);
    }
    doc_ksaid(&c->doc, "detail");
}

/* What is listed has no analysis: nobody made one. */
static void write_analysis(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    enum report_place place = report_place_of(f, &c->doc.options->filter);
    if (place != PLACE_DISABLED && place != PLACE_HEADERS)
        return;
    jw_key(jw, "analysis");
    jw_obj(jw);
    if (place == PLACE_DISABLED) {
        write_disabled(c, f);
    } else {
        jw_kstr(jw, "state", STR("in_triage"));
        jw_kstr(jw, "detail",
                STR("kernel headers: a class of their own, outside counts and gates"));
    }
    jw_obj_end(jw);
}

static void write_affected(struct cyclonedx *c, const struct finding *f)
{
    struct jw *jw = &c->doc.jw;
    jw_obj(jw);
    doc_ksaid(&c->doc, "ref");
    jw_key(jw, "versions");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "version", f->package_version);
    jw_kstr(jw, "status", f->disabled_by.len ? STR("unaffected") : STR("affected"));
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

/* Components by their references; the image, where no component is the one. */
static bool write_affects(struct cyclonedx *c, const struct finding *f)
{
    struct package_walk at = {0};
    size_t number;
    bool is_known = false;
    jw_key(&c->doc.jw, "affects");
    jw_arr(&c->doc.jw);
    while (package_index_next(&c->index, f, &at, &number)) {
        say_ref(c, number);
        write_affected(c, f);
        is_known = true;
    }
    if (!is_known) {
        say_image_ref(c);
        write_affected(c, f);
    }
    jw_arr_end(&c->doc.jw);
    return is_known;
}

/* What the components that it names say already is not said again. */
static void write_finding_properties(struct cyclonedx *c, const struct finding *f, bool is_known)
{
    struct jw *jw = &c->doc.jw;
    jw_key(jw, "properties");
    jw_arr(jw);
    property(jw, "plimsoll:class", str_from(finding_class_name(f->class)));
    property(jw, "plimsoll:package", f->package_name);
    property(jw, "plimsoll:purl", is_known ? STR_NONE : f->purl);
    property(jw, "plimsoll:path", is_known ? STR_NONE : f->path);
    property(jw, "plimsoll:fixState", str_from(fix_state_name(f->fix_state)));
    property(jw, "plimsoll:fixedVersion", f->fixed_version);
    property(jw, "plimsoll:command", f->remediation_command);
    property(jw, "plimsoll:disabledBy", f->disabled_by);
    if (f->is_kev)
        property(jw, "plimsoll:kev", STR("true"));
    if (f->epss > 0) {
        decimal_add(&c->doc.say, f->epss, 5);
        property_said(&c->doc, "plimsoll:epss");
    }
    jw_arr_end(jw);
}

static void write_vulnerability(struct cyclonedx *c, const struct finding *f, size_t number)
{
    struct jw *jw = &c->doc.jw;
    jw_obj(jw);
    sb_addc(&c->doc.say, "finding:");
    decimal_add(&c->doc.say, (double)number, 0);
    doc_ksaid(&c->doc, "bom-ref");
    write_ids(c, f);
    write_ratings(c, f);
    write_cwes(jw, f);
    write_texts(c, f);
    write_analysis(c, f);
    bool is_known = write_affects(c, f);
    write_finding_properties(c, f, is_known);
    jw_obj_end(jw);
    doc_piece(&c->doc);
}

static void write_vulnerabilities(struct cyclonedx *c)
{
    const findings *all = &c->report->findings;
    jw_key(&c->doc.jw, "vulnerabilities");
    jw_arr(&c->doc.jw);
    for (size_t i = 0; i < all->len; i++) {
        report_ahead(c->report, i);
        if (report_place_of(&all->ptr[i], &c->doc.options->filter) != PLACE_HIDDEN)
            write_vulnerability(c, &all->ptr[i], i + 1);
    }
    jw_arr_end(&c->doc.jw);
}

static void write_document(struct cyclonedx *c)
{
    struct jw *jw = &c->doc.jw;
    char uuid[UUID_TEXT_SIZE];
    str serial = doc_serial(&c->doc, STR("cyclonedx"), &c->report, 1, uuid);
    jw_obj(jw);
    jw_kstr(jw, "$schema", STR("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    jw_kstr(jw, "bomFormat", STR("CycloneDX"));
    jw_kstr(jw, "specVersion", STR("1.6"));
    sb_addc(&c->doc.say, "urn:uuid:");
    sb_add(&c->doc.say, serial);
    doc_ksaid(&c->doc, "serialNumber");
    jw_kint(jw, "version", 1);
    write_metadata(c);
    write_components(c);
    write_compositions(c);
    if (!c->doc.options->is_sbom)
        write_vulnerabilities(c);
    jw_obj_end(jw);
}

static bool cyclonedx_write(int fd, const struct report *const *reports, size_t n,
                            const struct report_options *options, struct err *err)
{
    struct cyclonedx c = {0};
    struct arena arena;
    if (!is_one_image("cyclonedx", n, err) || !doc_open(&c.doc, fd, options, err))
        return false;
    c.report = reports[0];
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    map_init(&c.licences, &arena);
    bool is_done = package_index_make(&arena, c.report, &c.index);
    if (is_done)
        write_document(&c);
    arena_fini(&arena);
    return doc_close(&c.doc) && (is_done || err_memory(err));
}

const struct report_format report_format_cyclonedx = {
    .name = "cyclonedx",
    .summary = "CycloneDX 1.6, JSON, of one image: components and vulnerabilities",
    .is_sbom_too = true,
    .is_single = true,
    .write = cyclonedx_write,
};
