/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: RFC 4180, UTF-8, a header, a row a finding.  A field that a spreadsheet would take for a
 * formula has an apostrophe before it. */
#include "report/internal.h"

#include "base/num.h"

struct csv {
    struct out out;
    struct sb say; /* one field */
    const struct report *report;
    const struct report_options *options;
    bool is_first; /* of its row */
};

/* OWASP's list: "=", "+", "-", "@", tab and carriage return, with their full-width twins. */
static bool is_formula(str text)
{
    static const char *const twins[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d",
                                        "\xef\xbc\xa0"};
    if (!text.len)
        return false;
    char c = text.ptr[0];
    if (c == '=' || c == '+' || c == '-' || c == '@' || c == '\t' || c == '\r' || c == '\n')
        return true;
    for (size_t i = 0; (unsigned char)text.ptr[0] > 0x7f && i < ARRAY_LEN(twins); i++)
        if (str_starts(text, str_from(twins[i])))
            return true;
    return false;
}

/* Bare: no need of quotes.  Literal: as it is within them. */
enum { IS_LITERAL = 1, IS_BARE = 3 };
static const uint8_t kinds[256] = {
    [' '] = IS_LITERAL, ['!'] = IS_BARE,         ['#' ... '+'] = IS_BARE,
    [','] = IS_LITERAL, ['-' ... '~'] = IS_BARE,
};
static uint8_t kind_at(str s, size_t at) { return kinds[(unsigned char)s.ptr[at]]; }

/* Within quotes: a quote is two; a control that is no line break is said in words. */
static void character(struct sb *out, str bytes, uint32_t c)
{
    if (!bytes.len)
        sb_add(out, STR("\xef\xbf\xbd"));
    else if (c == '"')
        sb_addc(out, "\"\"");
    else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        sb_addf(out, "\\x%02x", c);
    else if (is_hidden_control(c))
        sb_addf(out, "\\u%04x", c);
    else
        sb_add(out, bytes);
}

static void quoted(struct sb *out, str text)
{
    sb_addc(out, is_formula(text) ? "\"'" : "\"");
    for (size_t at = 0; at < text.len;) {
        size_t run = at;
        while (run < text.len && kind_at(text, run))
            run++;
        sb_add(out, str_slice(text, at, run));
        at = run;
        if (at == text.len)
            break;
        uint32_t c;
        size_t n = utf8_at(text, at, &c);
        character(out, str_slice(text, at, at + n), c);
        at += n ? n : 1;
    }
    sb_byte(out, '"');
}

static bool is_bare(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (kind_at(text, i) != IS_BARE)
            return false;
    return !is_formula(text);
}

static void field(struct csv *c, str text)
{
    struct sb *out = &c->out.sb;
    if (!c->is_first)
        sb_byte(out, ',');
    c->is_first = false;
    if (is_bare(text))
        sb_add(out, text);
    else
        quoted(out, text);
}

static void said(struct csv *c)
{
    field(c, sb_str(&c->say));
    c->out.sb.has_failed |= c->say.has_failed;
    sb_clear(&c->say);
}

static void list(struct csv *c, const strs *values)
{
    for (size_t i = 0; i < values->len; i++) {
        sb_addc(&c->say, i ? " " : "");
        sb_add(&c->say, values->ptr[i]);
    }
    said(c);
}

static void end_row(struct csv *c)
{
    sb_addc(&c->out.sb, "\r\n");
    c->is_first = true;
    out_piece(&c->out);
}

/* --- columns -------------------------------------------------------------------------------------
 */
static str place_word(const struct csv *c, const struct finding *f)
{
    switch (report_place_of(f, &c->options->filter)) {
    case PLACE_DISABLED:
        return STR("disabled");
    case PLACE_HEADERS:
        return STR("kernel-headers");
    case PLACE_HIDDEN: /* has no row */
    case PLACE_LISTED:
        break;
    }
    return STR("listed");
}

static void number(struct csv *c, bool is_known, double value, unsigned digits)
{
    if (is_known)
        decimal_add(&c->say, value, digits);
    said(c);
}

/* The score of the newest version that has one. */
static const struct cvss *best_cvss(const struct finding *f)
{
    const struct cvss *best = NULL;
    for (size_t i = 0; i < f->cvss.len; i++)
        if (f->cvss.ptr[i].is_scored &&
            (!best || str_cmp(f->cvss.ptr[i].version, best->version) > 0))
            best = &f->cvss.ptr[i];
    return best;
}

static void image_fields(struct csv *c)
{
    char hex[DIGEST_TEXT_SIZE];
    field(c, c->report->source);
    field(c, digest_print(&c->report->digest, hex));
    field(c, c->report->platform);
    field(c, str_from(verdict_name(c->report->verdict)));
    field(c, c->report->is_complete ? STR("true") : STR("false"));
}

static void package_fields(struct csv *c, const struct finding *f)
{
    char hex[DIGEST_TEXT_SIZE];
    bool has_layer = f->layer >= 0 && (size_t)f->layer < c->report->layers.len;
    field(c, f->package_name);
    field(c, f->package_version);
    field(c, f->type);
    field(c, f->purl);
    list(c, &f->binaries);
    field(c, f->path);
    field(c, has_layer ? digest_print(&c->report->layers.ptr[f->layer].digest, hex) : STR_NONE);
    field(c, f->is_from_base ? STR("true") : STR("false"));
}

static void judgement_fields(struct csv *c, const struct finding *f)
{
    const struct cvss *cvss = best_cvss(f);
    field(c, str_from(severity_name(f->severity)));
    field(c, f->rated_by);
    number(c, cvss != NULL, cvss ? cvss->score : 0, 1);
    field(c, cvss ? cvss->vector : STR_NONE);
    field(c, f->is_kev ? STR("true") : STR("false"));
    number(c, f->epss > 0, f->epss, 5);
    list(c, &f->cwes);
    field(c, str_from(finding_class_name(f->class)));
}

static void fix_fields(struct csv *c, const struct finding *f)
{
    field(c, str_from(fix_state_name(f->fix_state)));
    field(c, f->fixed_version);
    say_advice(&c->say, f);
    said(c);
    field(c, f->remediation_command);
    field(c, place_word(c, f));
    field(c, f->disabled_by);
    field(c, f->title);
    field(c, f->published);
    list(c, &f->references);
}

static void header(struct csv *c)
{
    static const char *const names[] = {
        "image",       "digest",    "platform",  "status",     "complete",    "id",      "aliases",
        "package",     "installed", "type",      "purl",       "binaries",    "path",    "layer",
        "base",        "severity",  "rated_by",  "cvss_score", "cvss_vector", "kev",     "epss",
        "cwes",        "class",     "fix_state", "fixed",      "advice",      "command", "place",
        "disabled_by", "title",     "published", "references"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        field(c, str_from(names[i]));
    end_row(c);
}

static void write_row(struct csv *c, const struct finding *f)
{
    image_fields(c);
    field(c, f->id);
    list(c, &f->aliases);
    package_fields(c, f);
    judgement_fields(c, f);
    fix_fields(c, f);
    end_row(c);
}

/* An image that was not judged, or not whole, and has no finding: said in a row of its own. */
static void write_shortfall(struct csv *c)
{
    enum { BEFORE_ADVICE = 20, BEHIND_PLACE = 4 }; /* columns of the header */
    if (!say_shortfall(&c->say, c->report))
        return;
    auto_sb why;
    sb_init(&why, c->say.max_bytes);
    sb_add(&why, sb_str(&c->say));
    sb_clear(&c->say);
    image_fields(c);
    for (int i = 0; i < BEFORE_ADVICE; i++)
        field(c, STR_NONE);
    field(c, sb_str(&why)); /* advice */
    field(c, STR_NONE);
    field(c, STR("scan"));
    for (int i = 0; i < BEHIND_PLACE; i++)
        field(c, STR_NONE);
    end_row(c);
}

static void write_report(struct csv *c)
{
    bool has_row = false;
    for (size_t i = 0; i < c->report->findings.len; i++) {
        const struct finding *f = &c->report->findings.ptr[i];
        if (report_place_of(f, &c->options->filter) == PLACE_HIDDEN)
            continue;
        write_row(c, f);
        has_row = true;
    }
    if (!has_row)
        write_shortfall(c);
}

static bool csv_write(int fd, const struct report *const *reports, size_t n,
                      const struct report_options *options, struct err *err)
{
    struct csv c = {.options = options, .is_first = true};
    out_open(&c.out, fd, err);
    sb_init(&c.say, c.out.sb.max_bytes);
    header(&c);
    for (size_t i = 0; i < n; i++) {
        c.report = reports[i];
        write_report(&c);
    }
    sb_fini(&c.say);
    return out_close(&c.out);
}

const struct report_format report_format_csv = {
    .name = "csv",
    .summary = "CSV (RFC 4180), a row a finding, for spreadsheets",
    .write = csv_write,
};
