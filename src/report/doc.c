/* SPDX-License-Identifier: Apache-2.0 */
/* What the documents of other standards have in common: one buffer, derived names, sentences. */
#include "report/internal.h"

#include "base/clock.h"
#include "base/num.h"
#include "codec/codec.h"

bool doc_open(struct doc *doc, int fd, const struct report_options *options, struct err *err)
{
    *doc = (struct doc){.options = options};
    if (!hash_open(&doc->hash, HASH_SHA256, err))
        return false;
    out_open(&doc->out, fd, err);
    sb_init(&doc->say, 8 * LIMIT(FEED_RECORD));
    jw_init(&doc->jw, &doc->out.sb, false);
    return true;
}

/* Written close, for programs; yet an item a line, so that lines can be compared. */
void doc_piece(struct doc *doc)
{
    sb_byte(&doc->out.sb, '\n');
    out_piece(&doc->out);
}

bool doc_close(struct doc *doc)
{
    sb_byte(&doc->out.sb, '\n');
    sb_fini(&doc->say);
    hash_close(doc->hash);
    return out_close(&doc->out);
}

static void forget(struct doc *doc)
{
    doc->out.sb.has_failed |= doc->say.has_failed;
    sb_clear(&doc->say);
}

void doc_said(struct doc *doc)
{
    jw_str(&doc->jw, sb_str(&doc->say));
    forget(doc);
}

void doc_kuri(struct doc *doc, const char *key, str url)
{
    uri_add(&doc->say, url, URI_LINK);
    doc_ksaid(doc, key);
}

void doc_instant(struct doc *doc, const char *key, int64_t utc_s)
{
    char when[CLOCK_TEXT_SIZE];
    jw_kstr(&doc->jw, key, clock_print(utc_s, when));
}

void doc_kdate(struct doc *doc, const char *key, str text)
{
    int64_t utc_s;
    if (!clock_parse(text, &utc_s))
        return;
    if (text.len == 20 && str_ends(text, STR("Z"))) /* as we would print it */
        jw_kstr(&doc->jw, key, text);
    else
        doc_instant(doc, key, utc_s);
}

/* RFC 9562, 5.8: our own, from sha256. */
static str uuid_print(struct hash *hash, char out[static UUID_TEXT_SIZE])
{
    uint8_t bytes[HASH_MAX] = {0};
    char hex[2 * HASH_MAX + 1], *at = out;
    static const uint8_t lengths[] = {8, 4, 4, 4, 12};
    (void)hash_done(hash, bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    hex_print(bytes, 16, hex);
    for (size_t i = 0, from = 0; i < ARRAY_LEN(lengths); from += lengths[i++]) {
        if (i)
            *at++ = '-';
        memcpy(at, hex + from, lengths[i]);
        at += lengths[i];
    }
    *at = '\0';
    return str_of(out, (size_t)(at - out));
}

str doc_uuid(struct doc *doc, char out[static UUID_TEXT_SIZE])
{
    hash_add(doc->hash, sb_str(&doc->say));
    forget(doc);
    return uuid_print(doc->hash, out);
}

/* --- the document's name -------------------------------------------------------------------------
 */
static void mix(struct doc *doc)
{
    if (doc->say.len < 64 << 10)
        return;
    hash_add(doc->hash, sb_str(&doc->say));
    forget(doc);
}

static void mix_findings(struct doc *doc, const struct report *report)
{
    struct sb *say = &doc->say;
    for (size_t i = 0; i < report->findings.len; i++) {
        const struct finding *f = &report->findings.ptr[i];
        sb_blob(say, f->id);
        sb_blob(say, f->purl);
        sb_blob(say, f->path);
        sb_blob(say, f->fixed_version);
        sb_blob(say, f->disabled_by);
        sb_byte(say, (uint8_t)f->severity);
        sb_byte(say, (uint8_t)f->fix_state);
        mix(doc);
    }
}

static void mix_report(struct doc *doc, const struct report *report)
{
    struct sb *say = &doc->say;
    char text[DIGEST_TEXT_SIZE];
    sb_blob(say, digest_print(&report->digest, text));
    sb_blob(say, report->source);
    sb_blob(say, report->platform);
    sb_u64le(say, (uint64_t)report->scanned_at);
    sb_u64le(say, report->generation);
    sb_byte(say, (uint8_t)report->verdict);
    sb_byte(say, report->is_complete);
    for (size_t i = 0; i < report->packages.len; i++) {
        const struct package *package = &report->packages.ptr[i];
        sb_blob(say, i < report->purls.len ? report->purls.ptr[i] : STR_NONE);
        sb_blob(say, package->name);
        sb_blob(say, package->path);
        mix(doc);
    }
    if (!doc->options->is_sbom)
        mix_findings(doc, report);
}

str doc_serial(struct doc *doc, str format, const struct report *const *reports, size_t n,
               char out[static UUID_TEXT_SIZE])
{
    struct sb *say = &doc->say;
    char text[DIGEST_TEXT_SIZE];
    digest rules = report_engine_digest();
    sb_blob(say, format);
    sb_blob(say, digest_print(&rules, text));
    sb_byte(say, doc->options->is_sbom);
    sb_u32le(say, doc->options->filter.severities);
    sb_byte(say, doc->options->filter.hides_unfixed);
    sb_byte(say, doc->options->filter.hides_unknown);
    for (size_t i = 0; i < n; i++)
        mix_report(doc, reports[i]);
    return doc_uuid(doc, out);
}

void decimal_add(struct sb *out, double value, unsigned digits)
{
    char text[48], *at = text + sizeof(text);
    uint64_t whole = 0, ten = 1;
    for (unsigned i = 0; i < digits; i++)
        ten *= 10;
    if (value > 0 && value < 1e9)
        whole = (uint64_t)(value * (double)ten + 0.5);
    for (unsigned i = 0; i <= digits || whole; i++, whole /= 10) {
        if (i == digits && digits)
            *--at = '.';
        *--at = (char)('0' + whole % 10);
    }
    sb_add(out, str_of(at, (size_t)(text + sizeof(text) - at)));
}

/* --- sentences -----------------------------------------------------------------------------------
 */
void say_package(struct sb *out, const struct finding *finding)
{
    sb_add(out, finding->package_name);
    sb_byte(out, ' ');
    sb_add(out, finding->package_version);
    sb_addc(out, " (");
    sb_add(out, finding->type);
    sb_byte(out, ')');
}

str finding_title(const struct finding *finding)
{
    str line = finding->title, rest;
    if (!str_trim(line).len)
        (void)str_cut_byte(str_trim(finding->description), '\n', &line, &rest);
    return str_trim(line).len ? str_trim(line) : finding->id;
}

static const char *unfixed_words(enum fix_state state)
{
    switch (state) {
    case FIX_WILL_NOT_FIX:
        return "The publisher will not fix it.";
    case FIX_DEFERRED:
        return "The publisher has deferred a fix.";
    case FIX_END_OF_LIFE:
        return "No fix: its release has reached its end of life.";
    case FIX_NOT_AFFECTED:
        return "The publisher says that it is not affected.";
    case FIX_UNKNOWN:
    case FIX_FIXED:
    case FIX_AFFECTED:
        break;
    }
    return "No fixed version is known yet.";
}

void say_advice(struct sb *out, const struct finding *finding)
{
    size_t before = out->len;
    sb_add(out, finding->remediation_text);
    if (finding->is_patchable && !finding->remediation_text.len) {
        sb_addc(out, "Upgrade ");
        sb_add(out, finding->package_name);
        sb_addc(out, " to ");
        sb_add(out, finding->fixed_version);
        sb_addc(out, " or later.");
    }
    if (out->len == before)
        sb_addc(out, unfixed_words(finding->fix_state));
}

void say_id_url(struct sb *out, str id)
{
    const char *site = advisory_site(id);
    if (site) {
        sb_addc(out, site);
        sb_add(out, id);
    }
}

/* --- the image's names ---------------------------------------------------------------------------
 */
/* Without scheme, tag and digest. */
static str repository_of(str source)
{
    static const char *const schemes[] = {
        "docker://", "oci-archive:", "docker-archive:", "oci:", "dir:", "sbom:"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (str_starts(source, str_from(schemes[i])))
            source = str_skip(source, str_from(schemes[i]).len);
    source = str_slice(source, 0, str_find_byte(source, '@'));
    size_t slash = str_rfind_byte(source, '/'), colon = str_rfind_byte(source, ':');
    if (colon < source.len && (slash == source.len || colon > slash))
        source = str_slice(source, 0, colon);
    while (source.len && str_ends(source, STR("/")))
        source = str_slice(source, 0, source.len - 1);
    return source;
}

static bool is_of_registry(const struct report *report)
{
    return !str_starts(report->source, STR("oci:")) && !str_starts(report->source, STR("dir:")) &&
           !str_starts(report->source, STR("oci-archive:")) &&
           !str_starts(report->source, STR("docker-archive:")) &&
           !str_starts(report->source, STR("/")) && !str_starts(report->source, STR("."));
}

str image_name(const struct report *report)
{
    str repository = repository_of(report->source);
    size_t slash = str_rfind_byte(repository, '/');
    str name = slash < repository.len ? str_skip(repository, slash + 1) : repository;
    return name.len ? name : STR("image");
}

static void say_lower(struct sb *out, str text)
{
    size_t from = out->len;
    uri_add(out, text, URI_NAME);
    for (size_t i = from; i < out->len; i++)
        if (out->ptr[i] >= 'A' && out->ptr[i] <= 'Z' && !(i > from && out->ptr[i - 1] == '%') &&
            !(i > from + 1 && out->ptr[i - 2] == '%'))
            out->ptr[i] = (char)(out->ptr[i] - 'A' + 'a');
}

/* purl-types, oci: the name in lower case, the digest as version, the repository as qualifier. */
void say_image_purl(struct sb *out, const struct report *report)
{
    char text[DIGEST_TEXT_SIZE];
    str os, arch, variant;
    (void)str_cut_byte(report->platform, '/', &os, &arch);
    (void)str_cut_byte(arch, '/', &arch, &variant);
    if (digest_is_none(&report->digest)) {
        sb_addc(out, "pkg:generic/");
        uri_add(out, image_name(report), URI_NAME);
        return;
    }
    sb_addc(out, "pkg:oci/");
    say_lower(out, image_name(report));
    sb_byte(out, '@');
    uri_add(out, digest_print(&report->digest, text), URI_NAME);
    sb_addc(out, arch.len ? "?arch=" : "");
    uri_add(out, arch, URI_NAME);
    if (!is_of_registry(report))
        return;
    sb_addc(out, arch.len ? "&repository_url=" : "?repository_url=");
    uri_add(out, repository_of(report->source), URI_PATH);
}

/* --- what is not whole ---------------------------------------------------------------------------
 */
bool say_hidden(struct sb *out, const struct report *report, const struct report_filter *filter)
{
    size_t n = report_count(report, filter, PLACE_HIDDEN);
    if (n)
        sb_addf(out,
                "hidden: %zu finding%s, left out by --severity or --ignore-*; status and summary "
                "count them",
                n, n == 1 ? "" : "s");
    return n > 0;
}

bool say_shortfall(struct sb *out, const struct report *report)
{
    bool is_verdict = report->verdict == VERDICT_HEALTHY || report->verdict == VERDICT_UNHEALTHY;
    if (report->is_complete && is_verdict)
        return false;
    sb_addc(out, report->is_complete ? "" : "the scan is incomplete: ");
    sb_addc(out, verdict_name(report->verdict));
    if (report->reason.len) {
        sb_addc(out, ": ");
        sb_add(out, report->reason);
    }
    return true;
}

static str justification_of(str note, str *words)
{
    static const char *const all[] = {"component_not_present", "vulnerable_code_not_present",
                                      "vulnerable_code_not_in_execute_path",
                                      "vulnerable_code_cannot_be_controlled_by_adversary",
                                      "inline_mitigations_already_exist"};
    str head, tail;
    (void)str_cut(note, STR(": "), &head, &tail);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (!str_eq(head, str_from(all[i])))
            continue;
        *words = tail;
        return str_from(all[i]);
    }
    return STR_NONE;
}

/* The last statement of VEX counts: "not_affected: JUSTIFICATION: words" (match/vex.c). */
struct disabled disabled_why(const struct finding *finding)
{
    struct disabled why = {.is_vex = str_starts(finding->disabled_by, STR("vex:")),
                           .words = finding->disabled_by};
    for (size_t i = finding->evidence.len; why.is_vex && i-- > 0;) {
        const struct finding_evidence *evidence = &finding->evidence.ptr[i];
        str status, note;
        if (!str_eq(evidence->source, STR("vex")))
            continue;
        (void)str_cut(evidence->note, STR(": "), &status, &note);
        why.is_fixed = str_eq(status, STR("fixed"));
        why.justification = justification_of(note, &note);
        why.words = note.len ? note : finding->disabled_by;
        break;
    }
    return why;
}

bool is_one_image(const char *format, size_t n, struct err *err)
{
    return n == 1 || err_set(err, ERR_USAGE,
                             "--format %s describes one image, and these are %zu: choose one by "
                             "--platform, or a format that takes several",
                             format, n);
}
