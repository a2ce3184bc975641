/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX 2.3, JSON: a package an image, a package each package that it contains; findings are
 * security references of the packages that they are about. */
#include "report/internal.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "codec/codec.h"

struct spdx {
    struct doc doc;
    struct arena arena;
    const struct report *report;
    size_t image; /* its number from 1 */
    struct package_index index;
    const struct finding **by_name;
    struct map licences; /* texts that are no expression, each once */
    bool has_memory;
};

static void say_id(struct spdx *s, size_t package)
{
    sb_addc(&s->doc.say, "SPDXRef-Image-");
    decimal_add(&s->doc.say, (double)s->image, 0);
    if (!package)
        return;
    sb_addc(&s->doc.say, "-Package-");
    decimal_add(&s->doc.say, (double)package, 0);
}

static void annotate(struct spdx *s)
{
    struct jw *jw = &s->doc.jw;
    jw_obj(jw);
    doc_instant(&s->doc, "annotationDate", s->report->scanned_at);
    jw_kstr(jw, "annotationType", STR("OTHER"));
    doc_ksaid(&s->doc, "comment");
    sb_addf(&s->doc.say, "Tool: plimsoll-%s", report_engine_version());
    doc_ksaid(&s->doc, "annotator");
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

/* --- licences ------------------------------------------------------------------------------------
 */
/* idstring: letters, digits, "." and "-"; the digest keeps apart what looks alike then. */
static void say_licence_ref(struct sb *out, str text)
{
    uint8_t bytes[HASH_MAX] = {0};
    char hex[2 * HASH_MAX + 1];
    (void)hash_of(HASH_SHA256, text, bytes);
    hex_print(bytes, 6, hex);
    sb_addc(out, "LicenseRef-");
    for (size_t i = 0; i < text.len && i < 40; i++) {
        char c = text.ptr[i];
        bool is_fit =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
        sb_byte(out, (uint8_t)(is_fit ? c : '-'));
    }
    sb_byte(out, '-');
    sb_addc(out, hex);
}

static void write_licence(struct spdx *s, str text)
{
    struct sb *say = &s->doc.say;
    if (licence_read(text, say) == LICENCE_OTHER) {
        say_licence_ref(say, text);
        s->has_memory &= map_put(&s->licences, text, s);
    }
    doc_ksaid(&s->doc, "licenseDeclared");
}

/* The inventory knows names, not whether all of several apply or any: nobody asserts what is not
 * known.
 */
static void write_licences(struct spdx *s, const struct package *package)
{
    struct jw *jw = &s->doc.jw;
    const strs *names = &package->licenses;
    jw_kstr(jw, "licenseConcluded", STR("NOASSERTION"));
    if (names->len == 1 && str_trim(names->ptr[0]).len) {
        write_licence(s, names->ptr[0]);
        return;
    }
    jw_kstr(jw, "licenseDeclared", STR("NOASSERTION"));
    if (names->len < 2)
        return;
    sb_addc(&s->doc.say, "all or any of: ");
    for (size_t i = 0; i < names->len; i++) {
        sb_addc(&s->doc.say, i ? ", " : "");
        sb_add(&s->doc.say, names->ptr[i]);
    }
    doc_ksaid(&s->doc, "licenseComments");
}

static void write_extracted(struct spdx *s)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "hasExtractedLicensingInfos");
    jw_arr(jw);
    for (size_t i = 0; i < s->licences.len; i++) {
        str text = s->licences.entries[i].key;
        jw_obj(jw);
        say_licence_ref(&s->doc.say, text);
        doc_ksaid(&s->doc, "licenseId");
        jw_kstr(jw, "extractedText", text);
        jw_kstr(jw, "comment", STR("as the package's own database names it"));
        jw_obj_end(jw);
        doc_piece(&s->doc);
    }
    jw_arr_end(jw);
}

/* --- external references -------------------------------------------------------------------------
 */
static void write_ref(struct spdx *s, const char *category, const char *type, str comment)
{
    struct jw *jw = &s->doc.jw;
    jw_obj(jw);
    jw_kstr(jw, "referenceCategory", str_from(category));
    jw_kstr(jw, "referenceType", str_from(type));
    doc_ksaid(&s->doc, "referenceLocator");
    jw_kstr_if(jw, "comment", comment);
    jw_obj_end(jw);
}

/* Where people read about it; else a name in the form of a URI. */
static void say_advisory(struct sb *out, const struct finding *f)
{
    size_t before = out->len;
    say_id_url(out, f->id);
    if (out->len > before)
        return;
    sb_addc(out, "urn:plimsoll:advisory:");
    uri_add(out, f->id, URI_NAME);
}

static void write_finding(struct spdx *s, const struct finding *f)
{
    struct sb comment;
    enum report_place place = report_place_of(f, &s->doc.options->filter);
    if (place == PLACE_HIDDEN)
        return;
    sb_init(&comment, s->doc.say.max_bytes);
    sb_add(&comment, f->id);
    sb_addf(&comment, "; severity %s; %s", severity_name(f->severity),
            fix_state_name(f->fix_state));
    sb_addc(&comment, f->fixed_version.len ? " in " : "");
    sb_add(&comment, f->fixed_version);
    sb_addc(&comment, place == PLACE_DISABLED  ? "; disabled: "
                      : place == PLACE_HEADERS ? "; kernel headers, outside counts"
                                               : "");
    sb_add(&comment, f->disabled_by);
    say_advisory(&s->doc.say, f);
    write_ref(s, "SECURITY", "advisory", sb_str(&comment));
    s->doc.out.sb.has_failed |= comment.has_failed;
    sb_fini(&comment);
    doc_piece(&s->doc);
}

static str name_of(const struct finding *f) { return f->package_name; }

/* Findings whose package is called @name, in order of the report. */
static size_t first_named(const struct spdx *s, str name)
{
    size_t from = 0, to = s->report->findings.len;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_cmp(s->by_name[middle]->package_name, name) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void write_security(struct spdx *s, const struct package *package)
{
    str names[] = {package->source_name, package->name};
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        if (k && str_eq(names[0], names[1]))
            return;
        for (size_t i = first_named(s, names[k]); i < s->report->findings.len; i++) {
            if (!str_eq(s->by_name[i]->package_name, names[k]))
                break;
            if (finding_is_about(s->by_name[i], package))
                write_finding(s, s->by_name[i]);
        }
    }
}

/* --- packages ------------------------------------------------------------------------------------
 */
static void write_head(struct spdx *s, size_t package, str name, str version)
{
    struct jw *jw = &s->doc.jw;
    jw_kstr(jw, "name", name.len ? name : STR("unnamed"));
    say_id(s, package);
    doc_ksaid(&s->doc, "SPDXID");
    jw_kstr_if(jw, "versionInfo", version);
    jw_kstr(jw, "downloadLocation", STR("NOASSERTION"));
    jw_kbool(jw, "filesAnalyzed", false);
    jw_kstr(jw, "copyrightText", STR("NOASSERTION"));
}

static void write_supplier(struct spdx *s, const struct package *package)
{
    str who = package->vendor.len ? package->vendor : package->maintainer;
    if (!who.len)
        return;
    sb_addc(&s->doc.say, "Organization: ");
    sb_add(&s->doc.say, who);
    doc_ksaid(&s->doc, "supplier");
}

static void write_package(struct spdx *s, size_t i)
{
    struct jw *jw = &s->doc.jw;
    const struct package *package = &s->report->packages.ptr[i];
    jw_obj(jw);
    write_head(s, i + 1, package->name, package->version);
    write_supplier(s, package);
    write_licences(s, package);
    if (package->source_name.len) {
        sb_addc(&s->doc.say, "built from ");
        sb_add(&s->doc.say, package->source_name);
        sb_byte(&s->doc.say, ' ');
        sb_add(&s->doc.say, package->source_version);
        doc_ksaid(&s->doc, "sourceInfo");
    }
    sb_addc(&s->doc.say, package->evidence == EVIDENCE_DECLARED ? "declared" : "installed");
    sb_addc(&s->doc.say, package->path.len ? ", by " : "");
    sb_add(&s->doc.say, package->path);
    doc_ksaid(&s->doc, "comment");
    jw_key(jw, "externalRefs");
    jw_arr(jw);
    if (i < s->report->purls.len && s->report->purls.ptr[i].len) {
        sb_add(&s->doc.say, s->report->purls.ptr[i]);
        write_ref(s, "PACKAGE-MANAGER", "purl", STR_NONE);
    }
    if (!s->doc.options->is_sbom)
        write_security(s, package);
    jw_arr_end(jw);
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

static void write_verdict(struct spdx *s)
{
    struct sb *say = &s->doc.say;
    sb_addf(say, "platform " STR_FMT "; %s", STR_ARG(s->report->platform),
            s->report->is_complete ? "complete" : "incomplete");
    if (!s->doc.options->is_sbom) {
        sb_addf(say, "; status %s", verdict_name(s->report->verdict));
        sb_addc(say, s->report->reason.len ? ": " : "");
        sb_add(say, s->report->reason);
    }
    doc_ksaid(&s->doc, "comment");
}

static void write_image_annotations(struct spdx *s)
{
    jw_key(&s->doc.jw, "annotations");
    jw_arr(&s->doc.jw);
    if (!s->doc.options->is_sbom && say_hidden(&s->doc.say, s->report, &s->doc.options->filter))
        annotate(s);
    for (size_t i = 0; i < s->report->notices.len; i++) {
        const struct notice *notice = &s->report->notices.ptr[i];
        sb_addf(&s->doc.say, "%s%s: ", notice->is_incomplete ? "incomplete: " : "",
                notice_kind_name(notice->kind));
        sb_add(&s->doc.say, notice->path);
        sb_addc(&s->doc.say, notice->path.len ? ": " : "");
        sb_add(&s->doc.say, notice->message);
        annotate(s);
    }
    jw_arr_end(&s->doc.jw);
}

static void write_image(struct spdx *s)
{
    struct jw *jw = &s->doc.jw;
    const struct report *report = s->report;
    char hex[DIGEST_TEXT_SIZE];
    jw_obj(jw);
    write_head(s, 0, report->source, digest_print(&report->digest, hex));
    jw_kstr(jw, "licenseConcluded", STR("NOASSERTION"));
    jw_kstr(jw, "licenseDeclared", STR("NOASSERTION"));
    jw_kstr(jw, "primaryPackagePurpose", STR("CONTAINER"));
    write_verdict(s);
    write_image_annotations(s);
    jw_key(jw, "externalRefs");
    jw_arr(jw);
    say_image_purl(&s->doc.say, report);
    write_ref(s, "PACKAGE-MANAGER", "purl", STR_NONE);
    for (size_t i = 0; i < report->findings.len && !s->doc.options->is_sbom; i++)
        if (!package_index_has(&s->index, &report->findings.ptr[i]))
            write_finding(s, &report->findings.ptr[i]);
    jw_arr_end(jw);
    jw_obj_end(jw);
}

static bool write_packages(struct spdx *s, const struct report *const *reports, size_t n)
{
    jw_key(&s->doc.jw, "packages");
    jw_arr(&s->doc.jw);
    for (size_t k = 0; k < n; k++) {
        s->report = reports[k];
        s->image = k + 1;
        if (!findings_sorted(&s->arena, s->report, name_of, NULL, &s->by_name) ||
            !package_index_make(&s->arena, s->report, &s->index))
            return false;
        write_image(s);
        for (size_t i = 0; i < s->report->packages.len; i++)
            write_package(s, i);
    }
    jw_arr_end(&s->doc.jw);
    return s->has_memory;
}

static void write_relation(struct spdx *s, const char *type, size_t package)
{
    struct jw *jw = &s->doc.jw;
    jw_obj(jw);
    if (package) {
        say_id(s, 0);
        doc_ksaid(&s->doc, "spdxElementId");
    } else {
        jw_kstr(jw, "spdxElementId", STR("SPDXRef-DOCUMENT"));
    }
    jw_kstr(jw, "relationshipType", str_from(type));
    say_id(s, package);
    doc_ksaid(&s->doc, "relatedSpdxElement");
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

static void write_relations(struct spdx *s, const struct report *const *reports, size_t n)
{
    jw_key(&s->doc.jw, "relationships");
    jw_arr(&s->doc.jw);
    for (size_t k = 0; k < n; k++) {
        s->image = k + 1;
        write_relation(s, "DESCRIBES", 0);
        for (size_t i = 0; i < reports[k]->packages.len; i++)
            write_relation(s, "CONTAINS", i + 1);
    }
    jw_arr_end(&s->doc.jw);
}

static void write_creation(struct spdx *s, const struct report *const *reports, size_t n)
{
    struct jw *jw = &s->doc.jw;
    char uuid[UUID_TEXT_SIZE];
    str name = n ? reports[0]->source : STR_NONE;
    str serial = doc_serial(&s->doc, STR("spdx"), reports, n, uuid);
    jw_kstr(jw, "spdxVersion", STR("SPDX-2.3"));
    jw_kstr(jw, "dataLicense", STR("CC0-1.0"));
    jw_kstr(jw, "SPDXID", STR("SPDXRef-DOCUMENT"));
    jw_kstr(jw, "name", name.len ? name : STR("image"));
    sb_addc(&s->doc.say, "https://spdx.org/spdxdocs/plimsoll-");
    uri_add(&s->doc.say, n ? image_name(reports[0]) : STR("image"), URI_NAME);
    sb_byte(&s->doc.say, '-');
    sb_add(&s->doc.say, serial);
    doc_ksaid(&s->doc, "documentNamespace");
    jw_key(jw, "creationInfo");
    jw_obj(jw);
    doc_instant(&s->doc, "created", n ? reports[0]->scanned_at : 0);
    jw_key(jw, "creators");
    jw_arr(jw);
    sb_addf(&s->doc.say, "Tool: plimsoll-%s", report_engine_version());
    doc_said(&s->doc);
    jw_arr_end(jw);
    jw_kstr(jw, "licenseListVersion", STR("3.29"));
    jw_obj_end(jw);
}

static bool spdx_write(int fd, const struct report *const *reports, size_t n,
                       const struct report_options *options, struct err *err)
{
    struct spdx s = {.has_memory = true};
    if (!doc_open(&s.doc, fd, options, err))
        return false;
    arena_init(&s.arena, LIMIT(SCAN_MEMORY));
    map_init(&s.licences, &s.arena);
    jw_obj(&s.doc.jw);
    write_creation(&s, reports, n);
    bool is_done = write_packages(&s, reports, n);
    if (is_done) {
        write_extracted(&s);
        write_relations(&s, reports, n);
        jw_obj_end(&s.doc.jw);
    }
    arena_fini(&s.arena);
    return doc_close(&s.doc) && (is_done || err_memory(err));
}

const struct report_format report_format_spdx = {
    .name = "spdx",
    .summary = "SPDX 2.3, JSON: packages, their licences, and advisories about them",
    .is_sbom_too = true,
    .write = spdx_write,
};
