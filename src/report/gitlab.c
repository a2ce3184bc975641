/* SPDX-License-Identifier: Apache-2.0 */
/* GitLab's container scanning report, schema 15.0.7: one image a document. */
#include "report/internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"

/* maxLength of the schema, in characters; bytes are never fewer. */
enum {
    NAME_MAX_BYTES = 255,
    SOLUTION_MAX_BYTES = 7000,
    TEXT_MAX_BYTES = 1048576,
    VECTORS_MAX = 10
};

static const char *severity_word(enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
        return "Critical";
    case SEVERITY_HIGH:
        return "High";
    case SEVERITY_MEDIUM:
        return "Medium";
    case SEVERITY_LOW:
        return "Low";
    case SEVERITY_NONE:
        return "Info";
    case SEVERITY_UNKNOWN:
        break;
    }
    return "Unknown";
}

/* At most @max bytes of what was said, cut between characters and with "…" when cut. */
static void ksaid_at_most(struct doc *doc, const char *key, size_t max)
{
    struct sb *say = &doc->say;
    if (say->len > max && !say->has_failed) {
        say->len = max - 3;
        while (say->len && ((unsigned char)say->ptr[say->len] & 0xc0) == 0x80)
            say->len--;
        while (say->len && say->ptr[say->len - 1] == '\\') /* half of an escape */
            say->len--;
        sb_addc(say, "…");
    }
    doc_ksaid(doc, key);
}

/* "2026-11-24T06:04:37": no zone. */
static void instant(struct doc *doc, const char *key, int64_t utc_s)
{
    char when[CLOCK_TEXT_SIZE];
    jw_kstr(&doc->jw, key, str_slice(clock_print(utc_s, when), 0, 19));
}

static void tool(struct jw *jw, const char *key)
{
    jw_key(jw, key);
    jw_obj(jw);
    jw_kstr(jw, "id", STR("plimsoll"));
    jw_kstr(jw, "name", STR("Plimsoll"));
    jw_key(jw, "vendor");
    jw_obj(jw);
    jw_kstr(jw, "name", STR("Plimsoll"));
    jw_obj_end(jw);
    jw_kstr(jw, "version", str_from(report_engine_version()));
    jw_obj_end(jw);
}

static void message_said(struct doc *doc, const char *level)
{
    jw_obj(&doc->jw);
    jw_kstr(&doc->jw, "level", str_from(level));
    doc_ksaid(doc, "value");
    jw_obj_end(&doc->jw);
    doc_piece(doc);
}

static void say_apart(struct doc *doc, const struct report *report)
{
    size_t n_disabled = report_count(report, &doc->options->filter, PLACE_DISABLED);
    size_t n_headers = report_count(report, &doc->options->filter, PLACE_HEADERS);
    if (n_disabled) {
        sb_addf(&doc->say, "not listed: %zu disabled by rules or VEX", n_disabled);
        message_said(doc, "info");
    }
    if (n_headers) {
        sb_addf(&doc->say, "not listed: %zu of kernel headers, a class of their own", n_headers);
        message_said(doc, "info");
    }
}

static void write_messages(struct doc *doc, const struct report *report)
{
    jw_key(&doc->jw, "messages");
    jw_arr(&doc->jw);
    if (say_shortfall(&doc->say, report))
        message_said(doc, report->is_complete ? "warn" : "fatal");
    if (say_hidden(&doc->say, report, &doc->options->filter))
        message_said(doc, "info");
    say_apart(doc, report);
    for (size_t i = 0; i < report->notices.len; i++) {
        const struct notice *notice = &report->notices.ptr[i];
        sb_addf(&doc->say, "%s: ", notice_kind_name(notice->kind));
        sb_add(&doc->say, notice->path);
        sb_addc(&doc->say, notice->path.len ? ": " : "");
        sb_add(&doc->say, notice->message);
        message_said(doc, notice->is_incomplete || notice->kind != NOTICE_INFO ? "warn" : "info");
    }
    jw_arr_end(&doc->jw);
}

static void write_scan(struct doc *doc, const struct report *report)
{
    struct jw *jw = &doc->jw;
    bool is_whole = report->is_complete && report->verdict != VERDICT_FAILED &&
                    report->verdict != VERDICT_UNKNOWN;
    jw_key(jw, "scan");
    jw_obj(jw);
    tool(jw, "analyzer");
    tool(jw, "scanner");
    jw_kstr(jw, "type", STR("container_scanning"));
    instant(doc, "start_time", report->scanned_at);
    instant(doc, "end_time", report->scanned_at);
    jw_kstr(jw, "status", is_whole ? STR("success") : STR("failure"));
    write_messages(doc, report);
    jw_obj_end(jw);
}

/* --- one vulnerability ---------------------------------------------------------------------------
 */
static const char *id_type(str id)
{
    static const char *const rows[][2] = {{"CVE-", "cve"},   {"GHSA-", "ghsa"}, {"DSA-", "dsa"},
                                          {"DLA-", "dla"},   {"USN-", "usn"},   {"RHSA-", "rhsa"},
                                          {"ELSA-", "elsa"}, {"CWE-", "cwe"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_starts(id, str_from(rows[i][0])))
            return rows[i][1];
    return "plimsoll";
}

static void write_identifier(struct doc *doc, str id)
{
    struct jw *jw = &doc->jw;
    str value = id.len ? id : STR("unnamed");
    jw_obj(jw);
    jw_kstr(jw, "type", str_from(id_type(id)));
    jw_kstr(jw, "name", value);
    jw_kstr(jw, "value", str_starts(id, STR("CWE-")) ? str_skip(id, 4) : value);
    say_id_url(&doc->say, id);
    if (doc->say.len)
        doc_ksaid(doc, "url");
    jw_obj_end(jw);
}

static void write_identifiers(struct doc *doc, const struct finding *f)
{
    jw_key(&doc->jw, "identifiers");
    jw_arr(&doc->jw);
    write_identifier(doc, f->id);
    for (size_t i = 0; i < f->aliases.len; i++)
        if (f->aliases.ptr[i].len)
            write_identifier(doc, f->aliases.ptr[i]);
    for (size_t i = 0; i < f->cwes.len; i++)
        if (f->cwes.ptr[i].len > 4)
            write_identifier(doc, f->cwes.ptr[i]);
    jw_arr_end(&doc->jw);
}

static void write_links(struct doc *doc, const struct finding *f)
{
    jw_key(&doc->jw, "links");
    jw_arr(&doc->jw);
    for (size_t i = 0; i < f->references.len; i++) {
        if (!is_link(f->references.ptr[i]))
            continue;
        jw_obj(&doc->jw);
        doc_kuri(doc, "url", f->references.ptr[i]);
        jw_obj_end(&doc->jw);
    }
    jw_arr_end(&doc->jw);
}

/* The schema knows the vectors of CVSS 2.0 and 3.x that it can spell. */
static bool is_vector(const struct cvss *cvss)
{
    bool is_known = str_eq(cvss->version, STR("2.0")) || str_starts(cvss->version, STR("3."));
    return is_known && cvss->is_scored && cvss->source.len && cvss->vector.len >= 26 &&
           cvss->vector.len <= 128;
}

static void write_vectors(struct doc *doc, const struct finding *f)
{
    struct jw *jw = &doc->jw;
    size_t n = 0;
    for (size_t i = 0; i < f->cvss.len && n < VECTORS_MAX; i++) {
        if (!is_vector(&f->cvss.ptr[i]))
            continue;
        if (n++ == 0) {
            jw_key(jw, "cvss_vectors");
            jw_arr(jw);
        }
        jw_obj(jw);
        jw_kstr(jw, "vendor", f->cvss.ptr[i].source);
        jw_kstr(jw, "vector", f->cvss.ptr[i].vector);
        jw_obj_end(jw);
    }
    if (n)
        jw_arr_end(jw);
}

static void detail(struct jw *jw, const char *key, const char *name, str value)
{
    if (!value.len)
        return;
    jw_key(jw, key);
    jw_obj(jw);
    jw_kstr(jw, "name", str_from(name));
    jw_kstr(jw, "type", STR("text"));
    jw_kstr(jw, "value", value);
    jw_obj_end(jw);
}

static void code(struct jw *jw, const char *key, const char *name, str value)
{
    if (!value.len)
        return;
    jw_key(jw, key);
    jw_obj(jw);
    jw_kstr(jw, "name", str_from(name));
    jw_kstr(jw, "type", STR("code"));
    jw_kstr(jw, "lang", STR("shell"));
    jw_kstr(jw, "value", value);
    jw_obj_end(jw);
}

static void write_details(struct doc *doc, const struct report *report, const struct finding *f)
{
    struct jw *jw = &doc->jw;
    jw_key(jw, "details");
    jw_obj(jw);
    detail(jw, "installed_version", "Installed version", f->package_version);
    detail(jw, "fixed_version", "Fixed version", f->fixed_version);
    detail(jw, "fix_state", "Fix state", str_from(fix_state_name(f->fix_state)));
    code(jw, "command", "Command", f->remediation_command);
    detail(jw, "path", "Found in", f->path);
    detail(jw, "purl", "Package URL", f->purl);
    detail(jw, "platform", "Platform", report->platform);
    detail(jw, "rated_by", "Severity rated by", f->rated_by);
    if (f->is_kev)
        detail(jw, "known_exploited", "Known exploited", STR("listed by CISA"));
    if (f->epss > 0) {
        decimal_add(&doc->say, f->epss, 5);
        detail(jw, "epss", "EPSS", sb_str(&doc->say));
        sb_clear(&doc->say);
    }
    jw_obj_end(jw);
}

static void write_location(struct doc *doc, const struct report *report, const struct finding *f)
{
    struct jw *jw = &doc->jw;
    const struct distro *distro = &report->distro;
    jw_key(jw, "location");
    jw_obj(jw);
    jw_key(jw, "dependency");
    jw_obj(jw);
    jw_key(jw, "package");
    jw_obj(jw);
    jw_kstr(jw, "name", f->package_name);
    jw_obj_end(jw);
    jw_kstr(jw, "version", f->package_version);
    jw_obj_end(jw);
    sb_add(&doc->say, distro->id.len ? distro->id : STR("unknown"));
    sb_addc(&doc->say, distro->id.len && distro->version_id.len ? ":" : "");
    sb_add(&doc->say, distro->id.len ? distro->version_id : STR_NONE);
    doc_ksaid(doc, "operating_system");
    jw_kstr(jw, "image", report->source.len ? report->source : STR("image"));
    jw_obj_end(jw);
}

/* Over what the finding is about, never where it lies among the others. */
static void write_id(struct doc *doc, const struct report *report, const struct finding *f)
{
    char uuid[UUID_TEXT_SIZE], hex[DIGEST_TEXT_SIZE];
    sb_blob(&doc->say, STR("gitlab"));
    sb_blob(&doc->say, digest_print(&report->digest, hex));
    sb_blob(&doc->say, report->source);
    sb_blob(&doc->say, f->purl);
    sb_blob(&doc->say, f->path);
    sb_blob(&doc->say, f->id);
    jw_kstr(&doc->jw, "id", doc_uuid(doc, uuid));
}

/* GitLab shows names and solutions as they are, and descriptions as Markdown. */
static void write_texts(struct doc *doc, const struct finding *f)
{
    struct sb *say = &doc->say;
    str title = finding_title(f);
    sb_add(say, f->id);
    if (!str_eq(title, f->id)) {
        sb_addc(say, ": ");
        sb_add(say, title);
    }
    ksaid_at_most(doc, "name", NAME_MAX_BYTES);
    markdown_add(say, f->description.len ? f->description : title);
    ksaid_at_most(doc, "description", TEXT_MAX_BYTES);
    jw_kstr(&doc->jw, "severity", str_from(severity_word(f->severity)));
    say_advice(say, f);
    ksaid_at_most(doc, "solution", SOLUTION_MAX_BYTES);
}

static void write_vulnerability(struct doc *doc, const struct report *report,
                                const struct finding *f)
{
    jw_obj(&doc->jw);
    write_id(doc, report, f);
    write_texts(doc, f);
    write_identifiers(doc, f);
    write_vectors(doc, f);
    write_links(doc, f);
    write_details(doc, report, f);
    write_location(doc, report, f);
    jw_obj_end(&doc->jw);
    doc_piece(doc);
}

static bool gitlab_write(int fd, const struct report *const *reports, size_t n,
                         const struct report_options *options, struct err *err)
{
    struct doc doc;
    if (!is_one_image("gitlab", n, err) || !doc_open(&doc, fd, options, err))
        return false;
    const struct report *report = reports[0];
    jw_obj(&doc.jw);
    jw_kstr(&doc.jw, "version", STR("15.0.7"));
    jw_kstr(&doc.jw, "schema",
            STR("https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/"
                "v15.0.7/dist/container-scanning-report-format.json"));
    write_scan(&doc, report);
    jw_key(&doc.jw, "vulnerabilities");
    jw_arr(&doc.jw);
    for (size_t i = 0; i < report->findings.len; i++) {
        report_ahead(report, i);
        if (report_place_of(&report->findings.ptr[i], &options->filter) == PLACE_LISTED)
            write_vulnerability(&doc, report, &report->findings.ptr[i]);
    }
    jw_arr_end(&doc.jw);
    jw_key(&doc.jw, "remediations"); /* they are patches for git, and there are none */
    jw_arr(&doc.jw);
    jw_arr_end(&doc.jw);
    jw_obj_end(&doc.jw);
    return doc_close(&doc);
}

const struct report_format report_format_gitlab = {
    .name = "gitlab",
    .summary = "GitLab's container scanning report 15.0.7, of one image",
    .is_single = true,
    .write = gitlab_write,
};
