/* SPDX-License-Identifier: Apache-2.0 */
/* SARIF 2.1.0 (OASIS): a run an image, a rule an id, a result a finding. */
#include "report/internal.h"

#include "base/clock.h"
#include "base/num.h"

struct sarif {
    struct doc doc;
    const struct report *report;
    const struct finding **by_id; /* sorted: id, then as the report has them */
    uint32_t *rule_of;            /* of finding i */
    struct sb text;               /* a message before it is escaped */
};

/* --- texts ---------------------------------------------------------------------------------------
 */
/* 3.11.5 and 3.11.6: brackets and backslashes make links, braces are placeholders. */
static const bool is_markup[256] = {
    ['['] = true, [']'] = true, ['\\'] = true, ['{'] = true, ['}'] = true};

static inline void message(struct sarif *s, const char *key, str text)
{
    struct sb *say = &s->doc.say;
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_markup[(unsigned char)c])
            continue;
        sb_add(say, str_slice(text, from, i));
        sb_byte(say, (uint8_t)(c == '{' || c == '}' ? c : '\\'));
        from = i;
    }
    jw_key(&s->doc.jw, key);
    jw_obj(&s->doc.jw);
    if (from == 0 && !say->len) { /* as it stands */
        jw_kstr(&s->doc.jw, "text", text);
    } else {
        sb_add(say, str_skip(text, from));
        doc_ksaid(&s->doc, "text");
    }
    jw_obj_end(&s->doc.jw);
}

static const char *level_word(enum severity severity)
{
    switch (severity) {
    case SEVERITY_CRITICAL:
    case SEVERITY_HIGH:
        return "error";
    case SEVERITY_LOW:
    case SEVERITY_NONE:
        return "note";
    case SEVERITY_MEDIUM:
    case SEVERITY_UNKNOWN:
        break;
    }
    return "warning";
}

/* What code scanning sorts by: the score of the rating's own severity, so that both say the same;
 * nothing for what nobody rated. */
static void security_severity(struct sarif *s, const struct finding *f)
{
    static const double middles[] = {[SEVERITY_NONE] = 0.0,
                                     [SEVERITY_LOW] = 2.0,
                                     [SEVERITY_MEDIUM] = 5.5,
                                     [SEVERITY_HIGH] = 8.0,
                                     [SEVERITY_CRITICAL] = 9.5};
    if (f->severity == SEVERITY_UNKNOWN)
        return;
    double score = middles[f->severity];
    for (size_t i = f->cvss.len; i-- > 0;)
        if (f->cvss.ptr[i].is_scored && cvss_severity(f->cvss.ptr[i].score) == f->severity)
            score = f->cvss.ptr[i].score;
    decimal_add(&s->doc.say, score, 1);
    doc_ksaid(&s->doc, "security-severity");
}

/* --- rules ---------------------------------------------------------------------------------------
 */
static void markdown_line(struct sb *out, const char *name, str value)
{
    if (!value.len)
        return;
    sb_addc(out, "\n- **");
    sb_addc(out, name);
    sb_addc(out, "**: ");
    markdown_add(out, value);
}

static void say_help_markdown(struct sb *out, const struct finding *f)
{
    sb_addc(out, "**");
    markdown_add(out, f->id);
    sb_addc(out, "** ");
    markdown_add(out, finding_title(f));
    sb_addc(out, "\n\n");
    markdown_add(out, f->description.len ? f->description : STR("No description was published."));
    sb_addc(out, "\n");
    markdown_line(out, "Severity", str_from(severity_name(f->severity)));
    markdown_line(out, "Rated by", f->rated_by);
    markdown_line(out, "Published", f->published);
    if (f->is_kev)
        sb_addc(out, "\n- **Known to be exploited** (CISA KEV)");
    for (size_t i = 0; i < f->aliases.len; i++)
        markdown_line(out, "Alias", f->aliases.ptr[i]);
    for (size_t i = 0; i < f->references.len; i++)
        markdown_line(out, "Reference", f->references.ptr[i]);
    sb_byte(out, '\n');
}

static void say_help_text(struct sb *out, const struct finding *f)
{
    sb_add(out, f->id);
    sb_addc(out, ": ");
    sb_add(out, finding_title(f));
    sb_addc(out, "\nSeverity: ");
    sb_addc(out, severity_name(f->severity));
    sb_addc(out, f->is_kev ? "\nKnown to be exploited (CISA KEV)" : "");
    for (size_t i = 0; i < f->references.len; i++) {
        sb_byte(out, '\n');
        sb_add(out, f->references.ptr[i]);
    }
}

static void write_tags(struct sarif *s, const struct finding *f)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "tags");
    jw_arr(jw);
    jw_str(jw, STR("security"));
    jw_str(jw, STR("vulnerability"));
    for (size_t i = 0; i < f->cwes.len; i++) { /* as code scanning names weaknesses */
        str cwe = f->cwes.ptr[i];
        sb_addc(&s->doc.say, "external/cwe/cwe-");
        sb_add(&s->doc.say, str_starts(cwe, STR("CWE-")) ? str_skip(cwe, 4) : cwe);
        doc_said(&s->doc);
    }
    if (f->is_kev)
        jw_str(jw, STR("known-exploited"));
    jw_arr_end(jw);
}

static void write_help_uri(struct sarif *s, const struct finding *f)
{
    say_id_url(&s->doc.say, f->id);
    if (s->doc.say.len) {
        doc_ksaid(&s->doc, "helpUri");
        return;
    }
    for (size_t i = 0; i < f->references.len; i++) {
        if (!is_link(f->references.ptr[i]))
            continue;
        doc_kuri(&s->doc, "helpUri", f->references.ptr[i]);
        return;
    }
}

static void write_rule(struct sarif *s, const struct finding *f)
{
    struct jw *jw = &s->doc.jw;
    jw_obj(jw);
    jw_kstr(jw, "id", f->id);
    message(s, "shortDescription", finding_title(f));
    message(s, "fullDescription", f->description.len ? f->description : finding_title(f));
    write_help_uri(s, f);
    jw_key(jw, "help");
    jw_obj(jw);
    say_help_text(&s->doc.say, f);
    doc_ksaid(&s->doc, "text");
    say_help_markdown(&s->doc.say, f);
    doc_ksaid(&s->doc, "markdown");
    jw_obj_end(jw);
    jw_key(jw, "defaultConfiguration");
    jw_obj(jw);
    jw_kstr(jw, "level", str_from(level_word(f->severity)));
    jw_obj_end(jw);
    jw_key(jw, "properties");
    jw_obj(jw);
    write_tags(s, f);
    jw_kstr(jw, "precision", STR("very-high"));
    security_severity(s, f);
    jw_kstr(jw, "severity", str_from(severity_name(f->severity)));
    jw_obj_end(jw);
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

static bool is_shown(const struct sarif *s, const struct finding *f)
{
    return report_place_of(f, &s->doc.options->filter) != PLACE_HIDDEN;
}

static str id_of(const struct finding *f) { return f->id; }

static void write_rules(struct sarif *s)
{
    const struct report *report = s->report;
    uint32_t n_rules = 0;
    const struct finding *last = NULL;
    jw_key(&s->doc.jw, "rules");
    jw_arr(&s->doc.jw);
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *f = s->by_id[i];
        if (!is_shown(s, f))
            continue;
        if (!last || !str_eq(last->id, f->id)) {
            write_rule(s, f);
            n_rules++;
        }
        last = f;
        s->rule_of[f - report->findings.ptr] = n_rules - 1;
    }
    jw_arr_end(&s->doc.jw);
}

static void write_tool(struct sarif *s)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "tool");
    jw_obj(jw);
    jw_key(jw, "driver");
    jw_obj(jw);
    jw_kstr(jw, "name", STR("Plimsoll"));
    jw_kstr(jw, "version", str_from(report_engine_version()));
    jw_kstr(jw, "semanticVersion", str_from(report_engine_version()));
    write_rules(s);
    jw_obj_end(jw);
    jw_obj_end(jw);
}

/* --- invocation ----------------------------------------------------------------------------------
 */
/* 3.4: relative to the image's root, escaped. */
static void artifact_location(struct sarif *s, str path)
{
    struct jw *jw = &s->doc.jw;
    while (str_starts(path, STR("/")))
        path = str_skip(path, 1);
    jw_key(jw, "artifactLocation");
    jw_obj(jw);
    uri_add(&s->doc.say, path, URI_PATH);
    doc_ksaid(&s->doc, "uri");
    jw_kstr(jw, "uriBaseId", STR("ROOTFS"));
    jw_obj_end(jw);
}

static void notification(struct sarif *s, const char *level, str kind, str path, str text)
{
    struct jw *jw = &s->doc.jw;
    jw_obj(jw);
    jw_kstr(jw, "level", str_from(level));
    jw_key(jw, "descriptor");
    jw_obj(jw);
    jw_kstr(jw, "id", kind);
    jw_obj_end(jw);
    message(s, "message", text);
    if (path.len) {
        jw_key(jw, "locations");
        jw_arr(jw);
        jw_obj(jw);
        jw_key(jw, "physicalLocation");
        jw_obj(jw);
        artifact_location(s, path);
        jw_obj_end(jw);
        jw_obj_end(jw);
        jw_arr_end(jw);
    }
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

static void write_notifications(struct sarif *s)
{
    const struct report *report = s->report;
    auto_sb text;
    sb_init(&text, 8 * LIMIT(FIELD));
    jw_key(&s->doc.jw, "toolExecutionNotifications");
    jw_arr(&s->doc.jw);
    if (say_shortfall(&text, report))
        notification(s, report->is_complete ? "warning" : "error", STR("verdict"), STR_NONE,
                     sb_str(&text));
    sb_clear(&text);
    if (say_hidden(&text, report, &s->doc.options->filter))
        notification(s, "note", STR("hidden"), STR_NONE, sb_str(&text));
    for (size_t i = 0; i < report->notices.len; i++) {
        const struct notice *n = &report->notices.ptr[i];
        const char *level = n->is_incomplete         ? "error"
                            : n->kind == NOTICE_INFO ? "note"
                                                     : "warning";
        notification(s, level, str_from(notice_kind_name(n->kind)), n->path, n->message);
    }
    jw_arr_end(&s->doc.jw);
}

static void write_invocation(struct sarif *s)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "invocations");
    jw_arr(jw);
    jw_obj(jw);
    jw_kbool(jw, "executionSuccessful",
             s->report->is_complete && s->report->verdict != VERDICT_FAILED &&
                 s->report->verdict != VERDICT_UNKNOWN);
    doc_instant(&s->doc, "endTimeUtc", s->report->scanned_at);
    write_notifications(s);
    jw_obj_end(jw);
    jw_arr_end(jw);
}

/* --- results -------------------------------------------------------------------------------------
 */
static void write_locations(struct sarif *s, const struct finding *f)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "locations");
    jw_arr(jw);
    jw_obj(jw);
    jw_key(jw, "physicalLocation");
    jw_obj(jw);
    artifact_location(s, f->path.len ? f->path : image_name(s->report));
    jw_key(jw, "region"); /* code scanning wants one */
    jw_obj(jw);
    jw_kint(jw, "startLine", 1);
    jw_obj_end(jw);
    jw_obj_end(jw);
    jw_key(jw, "logicalLocations");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "name", f->package_name);
    jw_kstr(jw, "fullyQualifiedName", f->purl);
    jw_kstr(jw, "kind", STR("package"));
    jw_obj_end(jw);
    jw_arr_end(jw);
    jw_obj_end(jw);
    jw_arr_end(jw);
}

/* Package and id, and nothing that moves: no path, no version, no layer.  In words, so that two
 * never share one. */
static void write_fingerprints(struct sarif *s, const struct finding *f)
{
    struct sb *say = &s->doc.say;
    static const char *const keys[] = {"plimsollFinding/v1", "primaryLocationLineHash"};
    jw_key(&s->doc.jw, "partialFingerprints");
    jw_obj(&s->doc.jw);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        uri_add(say, f->type, URI_NAME);
        sb_byte(say, '/');
        uri_add(say, f->package_name, URI_NAME);
        sb_byte(say, '/');
        uri_add(say, f->id, URI_NAME);
        doc_ksaid(&s->doc, keys[i]);
    }
    jw_obj_end(&s->doc.jw);
}

static void write_suppressions(struct sarif *s, const struct finding *f)
{
    struct jw *jw = &s->doc.jw;
    struct disabled why = disabled_why(f);
    jw_key(jw, "suppressions");
    jw_arr(jw);
    jw_obj(jw);
    jw_kstr(jw, "kind", STR("external"));
    jw_kstr(jw, "status", STR("accepted"));
    sb_add(&s->doc.say, f->disabled_by);
    if (why.is_vex) {
        sb_addc(&s->doc.say, why.is_fixed ? ": fixed" : ": not affected");
        sb_addc(&s->doc.say, why.justification.len ? ": " : "");
        sb_add(&s->doc.say, why.justification);
        sb_addc(&s->doc.say, ": ");
        sb_add(&s->doc.say, why.words);
    }
    doc_ksaid(&s->doc, "justification");
    jw_obj_end(jw);
    jw_arr_end(jw);
}

static void write_properties(struct sarif *s, const struct finding *f)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "severity", str_from(severity_name(f->severity)));
    security_severity(s, f);
    jw_kstr(jw, "class", str_from(finding_class_name(f->class)));
    jw_kstr(jw, "purl", f->purl);
    jw_kstr(jw, "installedVersion", f->package_version);
    jw_kstr_if(jw, "fixedVersion", f->fixed_version);
    jw_kstr(jw, "fixState", str_from(fix_state_name(f->fix_state)));
    jw_kstr_if(jw, "remediationCommand", f->remediation_command);
    if (f->is_kev)
        jw_kbool(jw, "knownExploited", true);
    if (f->epss > 0) {
        jw_key(jw, "epss");
        jw_num(jw, f->epss);
    }
    jw_obj_end(jw);
}

static void write_result(struct sarif *s, const struct finding *f, uint32_t rule)
{
    struct jw *jw = &s->doc.jw;
    struct sb *say = &s->text;
    bool is_headers = f->class == CLASS_KERNEL_HEADERS; /* 3.27.9: informational has no level */
    jw_obj(jw);
    jw_kstr(jw, "ruleId", f->id);
    jw_kint(jw, "ruleIndex", rule);
    jw_kstr(jw, "kind", is_headers ? STR("informational") : STR("fail"));
    jw_kstr(jw, "level", is_headers ? STR("none") : str_from(level_word(f->severity)));
    say_package(say, f);
    sb_addc(say, ": ");
    sb_add(say, finding_title(f));
    sb_addc(say, ". ");
    say_advice(say, f);
    message(s, "message", sb_str(say));
    s->doc.out.sb.has_failed |= say->has_failed;
    sb_clear(say);
    write_locations(s, f);
    write_fingerprints(s, f);
    if (f->disabled_by.len)
        write_suppressions(s, f);
    write_properties(s, f);
    jw_obj_end(jw);
    doc_piece(&s->doc);
}

static void write_results(struct sarif *s)
{
    jw_key(&s->doc.jw, "results");
    jw_arr(&s->doc.jw);
    for (size_t i = 0; i < s->report->findings.len; i++)
        if (is_shown(s, &s->report->findings.ptr[i]))
            write_result(s, &s->report->findings.ptr[i], s->rule_of[i]);
    jw_arr_end(&s->doc.jw);
}

/* --- runs ----------------------------------------------------------------------------------------
 */
static void write_automation(struct sarif *s)
{
    struct jw *jw = &s->doc.jw;
    jw_key(jw, "automationDetails");
    jw_obj(jw);
    sb_addc(&s->doc.say, "plimsoll/");
    sb_add(&s->doc.say, image_name(s->report));
    sb_byte(&s->doc.say, '/');
    sb_add(&s->doc.say, s->report->platform);
    doc_ksaid(&s->doc, "id");
    jw_obj_end(jw);
    jw_key(jw, "originalUriBaseIds");
    jw_obj(jw);
    jw_key(jw, "ROOTFS");
    jw_obj(jw);
    jw_key(jw, "description");
    jw_obj(jw);
    jw_kstr(jw, "text", STR("the root of the image's file system"));
    jw_obj_end(jw);
    jw_obj_end(jw);
    jw_obj_end(jw);
}

static void write_run_properties(struct sarif *s)
{
    struct jw *jw = &s->doc.jw;
    const struct report *report = s->report;
    struct report_summary summary = report_summarize(report);
    char hex[DIGEST_TEXT_SIZE], uuid[UUID_TEXT_SIZE];
    str serial = doc_serial(&s->doc, STR("sarif"), &s->report, 1, uuid);
    jw_key(jw, "properties");
    jw_obj(jw);
    jw_kstr(jw, "serial", serial); /* a guid of the schema is of version 1 to 5 */
    jw_kstr(jw, "source", report->source);
    jw_kstr_if(jw, "digest", digest_print(&report->digest, hex));
    jw_kstr_if(jw, "platform", report->platform);
    jw_kstr_if(jw, "operatingSystem", report->distro.name);
    jw_kstr(jw, "status", str_from(verdict_name(report->verdict)));
    jw_kbool(jw, "complete", report->is_complete);
    jw_kstr_if(jw, "reason", report->reason);
    if (report->has_database)
        jw_kint(jw, "databaseGeneration", (int64_t)report->generation);
    jw_kint(jw, "critical", summary.critical);
    jw_kint(jw, "high", summary.high);
    jw_kint(jw, "medium", summary.medium);
    jw_kint(jw, "low", summary.low);
    jw_kint(jw, "unknown", summary.unknown);
    jw_kint(jw, "disabled", summary.disabled);
    jw_obj_end(jw);
}

static bool write_run(struct sarif *s, struct arena *arena)
{
    size_t n = s->report->findings.len;
    s->rule_of = arena_array(arena, uint32_t, n + 1);
    if (!s->rule_of || n > UINT32_MAX || !findings_sorted(arena, s->report, id_of, NULL, &s->by_id))
        return false;
    jw_obj(&s->doc.jw);
    write_tool(s);
    write_automation(s);
    write_invocation(s);
    write_results(s);
    jw_kstr(&s->doc.jw, "columnKind", STR("unicodeCodePoints"));
    write_run_properties(s);
    jw_obj_end(&s->doc.jw);
    return true;
}

static bool sarif_write(int fd, const struct report *const *reports, size_t n,
                        const struct report_options *options, struct err *err)
{
    struct sarif s = {0};
    struct arena arena;
    bool is_done = true;
    if (!doc_open(&s.doc, fd, options, err))
        return false;
    arena_init(&arena, LIMIT(SCAN_MEMORY));
    sb_init(&s.text, s.doc.say.max_bytes);
    jw_obj(&s.doc.jw);
    jw_kstr(&s.doc.jw, "$schema", STR("https://json.schemastore.org/sarif-2.1.0.json"));
    jw_kstr(&s.doc.jw, "version", STR("2.1.0"));
    jw_key(&s.doc.jw, "runs");
    jw_arr(&s.doc.jw);
    for (size_t i = 0; i < n && is_done; i++) {
        s.report = reports[i];
        is_done = write_run(&s, &arena);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    sb_fini(&s.text);
    jw_arr_end(&s.doc.jw);
    jw_obj_end(&s.doc.jw);
    return doc_close(&s.doc) && (is_done || err_memory(err));
}

const struct report_format report_format_sarif = {
    .name = "sarif",
    .summary = "SARIF 2.1.0, for code scanning",
    .write = sarif_write,
};
