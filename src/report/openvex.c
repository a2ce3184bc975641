/* SPDX-License-Identifier: Apache-2.0 */
/* OpenVEX 0.2.0: what rules and VEX took away is not affected (or fixed), what is listed is
 * affected, kernel headers are under investigation.  A statement a finding, each about the image
 * and within it the package. */
#include "report/internal.h"

#include "base/num.h"

struct openvex {
    struct doc doc;
    const struct report *report;
    const struct finding *last; /* the statement before this one was about */
};

/* --- what it is about ----------------------------------------------------------------------------
 */
static void write_hash(struct openvex *v)
{
    char text[DIGEST_TEXT_SIZE];
    str hex = digest_print(&v->report->digest, text);
    if (!str_starts(hex, STR("sha256:")))
        return;
    jw_key(&v->doc.jw, "hashes");
    jw_obj(&v->doc.jw);
    jw_kstr(&v->doc.jw, "sha-256", str_skip(hex, 7));
    jw_obj_end(&v->doc.jw);
}

/* An @id is a URI: a purl is one, whatever somebody named the package. */
static void write_products(struct openvex *v, const struct finding *f)
{
    struct jw *jw = &v->doc.jw;
    jw_key(jw, "products");
    jw_arr(jw);
    jw_obj(jw);
    say_image_purl(&v->doc.say, v->report);
    doc_ksaid(&v->doc, "@id");
    write_hash(v);
    jw_key(jw, "subcomponents");
    jw_arr(jw);
    jw_obj(jw);
    doc_kuri(&v->doc, "@id", f->purl);
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
}

/* Names each once: the standard wants a set. */
static void write_vulnerability(struct openvex *v, const struct finding *f)
{
    struct jw *jw = &v->doc.jw;
    jw_key(jw, "vulnerability");
    jw_obj(jw);
    jw_kstr(jw, "name", f->id);
    if (f->aliases.len) {
        jw_key(jw, "aliases");
        jw_arr(jw);
        for (size_t i = 0; i < f->aliases.len; i++) {
            bool is_again = false;
            for (size_t j = 0; j < i && !is_again; j++)
                is_again = str_eq(f->aliases.ptr[i], f->aliases.ptr[j]);
            if (!is_again)
                jw_str(jw, f->aliases.ptr[i]);
        }
        jw_arr_end(jw);
    }
    jw_obj_end(jw);
}

/* --- what is said --------------------------------------------------------------------------------
 */
/* Either a justification or an impact statement: the schema takes no two. */
static void write_disabled(struct openvex *v, const struct finding *f)
{
    struct jw *jw = &v->doc.jw;
    struct disabled why = disabled_why(f);
    if (why.is_fixed) {
        jw_kstr(jw, "status", STR("fixed"));
        jw_kstr(jw, "status_notes", f->disabled_by);
        return;
    }
    jw_kstr(jw, "status", STR("not_affected"));
    if (why.justification.len) {
        jw_kstr(jw, "justification", why.justification);
        sb_add(&v->doc.say, f->disabled_by);
        sb_addc(&v->doc.say, ": ");
        sb_add(&v->doc.say, why.words);
        doc_ksaid(&v->doc, "status_notes");
        return;
    }
    jw_kstr(jw, "impact_statement", why.words);
    if (why.is_vex)
        jw_kstr(jw, "status_notes", f->disabled_by);
}

static void write_affected(struct openvex *v, const struct finding *f)
{
    struct jw *jw = &v->doc.jw;
    jw_kstr(jw, "status", STR("affected"));
    sb_addf(&v->doc.say, "severity %s, %s", severity_name(f->severity),
            fix_state_name(f->fix_state));
    sb_addc(&v->doc.say, f->is_kev ? ", known to be exploited" : "");
    doc_ksaid(&v->doc, "status_notes");
    say_advice(&v->doc.say, f);
    if (f->remediation_command.len) {
        sb_addc(&v->doc.say, " Command: ");
        sb_add(&v->doc.say, f->remediation_command);
    }
    doc_ksaid(&v->doc, "action_statement");
}

static void write_status(struct openvex *v, const struct finding *f)
{
    struct jw *jw = &v->doc.jw;
    switch (report_place_of(f, &v->doc.options->filter)) {
    case PLACE_DISABLED:
        write_disabled(v, f);
        return;
    case PLACE_HEADERS:
        jw_kstr(jw, "status", STR("under_investigation"));
        jw_kstr(jw, "status_notes",
                STR("kernel headers: whether the kernel that runs is "
                    "affected, the image does not say"));
        return;
    case PLACE_LISTED:
    case PLACE_HIDDEN: /* never asked for */
        break;
    }
    write_affected(v, f);
}

/* The same package at several places is one statement. */
static bool is_said(const struct openvex *v, const struct finding *f)
{
    return v->last && str_eq(v->last->id, f->id) && str_eq(v->last->purl, f->purl) &&
           str_eq(v->last->disabled_by, f->disabled_by) && v->last->class == f->class &&
           v->last->severity == f->severity;
}

static void write_statements(struct openvex *v)
{
    struct jw *jw = &v->doc.jw;
    v->last = NULL;
    for (size_t i = 0; i < v->report->findings.len; i++) {
        const struct finding *f = &v->report->findings.ptr[i];
        if (report_place_of(f, &v->doc.options->filter) == PLACE_HIDDEN || is_said(v, f))
            continue;
        jw_obj(jw);
        write_vulnerability(v, f);
        write_products(v, f);
        write_status(v, f);
        jw_obj_end(jw);
        doc_piece(&v->doc);
        v->last = f;
    }
}

/* The one place where the standard lets a tool speak: what is not whole, what is not listed. */
static void write_tooling(struct openvex *v, const struct report *const *reports, size_t n)
{
    struct sb *say = &v->doc.say;
    auto_sb text;
    sb_init(&text, 8 * LIMIT(FIELD));
    sb_addf(say, "plimsoll %s", report_engine_version());
    for (size_t i = 0; i < n; i++) {
        sb_addc(say, "; ");
        sb_add(say, reports[i]->source);
        sb_addc(say, reports[i]->platform.len ? " " : "");
        sb_add(say, reports[i]->platform);
        sb_addf(say, ": status %s, %s", verdict_name(reports[i]->verdict),
                reports[i]->is_complete ? "complete" : "incomplete");
        sb_addc(say, reports[i]->reason.len ? ", " : "");
        sb_add(say, reports[i]->reason);
        sb_clear(&text);
        if (say_hidden(&text, reports[i], &v->doc.options->filter)) {
            sb_addc(say, "; ");
            sb_add(say, sb_str(&text));
        }
    }
    doc_ksaid(&v->doc, "tooling");
}

static bool openvex_write(int fd, const struct report *const *reports, size_t n,
                          const struct report_options *options, struct err *err)
{
    struct openvex v = {0};
    char uuid[UUID_TEXT_SIZE];
    if (!doc_open(&v.doc, fd, options, err))
        return false;
    struct jw *jw = &v.doc.jw;
    str serial = doc_serial(&v.doc, STR("openvex"), reports, n, uuid);
    jw_obj(jw);
    jw_kstr(jw, "@context", STR("https://openvex.dev/ns/v0.2.0"));
    sb_addc(&v.doc.say, "urn:uuid:");
    sb_add(&v.doc.say, serial);
    doc_ksaid(&v.doc, "@id");
    jw_kstr(jw, "author", STR("Plimsoll"));
    jw_kstr(jw, "role", STR("image scanner, with the rules of whoever ran it"));
    doc_instant(&v.doc, "timestamp", n ? reports[0]->scanned_at : 0);
    jw_kint(jw, "version", 1);
    write_tooling(&v, reports, n);
    jw_key(jw, "statements");
    jw_arr(jw);
    for (size_t i = 0; i < n; i++) {
        v.report = reports[i];
        write_statements(&v);
    }
    jw_arr_end(jw);
    jw_obj_end(jw);
    return doc_close(&v.doc);
}

const struct report_format report_format_openvex = {
    .name = "openvex",
    .summary = "OpenVEX 0.2.0: what rules and VEX took away, and what is affected",
    .write = openvex_write,
};
