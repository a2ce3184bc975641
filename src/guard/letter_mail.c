/* SPDX-License-Identifier: Apache-2.0 */
/* letter_mail.c - a message as mail: plain text and HTML of the same words (RFC 2045, 2046), every
 * part in base64, so that no foreign line can end a header, a part or the message. */
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "guard/internal.h"

enum { LINE_BYTES = 57, WORD_BYTES = 42, TEXT_MAX = 200 };

/* --- text
 * ------------------------------------------------------------------------------------------- */
static void add_clean(struct sb *out, str foreign) { report_text(out, foreign, TEXT_MAX); }

static void add_finding(struct sb *out, const struct letter_finding *one)
{
    const struct finding *f = one->finding;
    sb_addf(out, "  %-9s ", severity_name(f->severity));
    add_clean(out, f->id);
    sb_addc(out, f->is_kev ? " (exploited)  " : "  ");
    add_clean(out, f->package_name);
    sb_byte(out, ' ');
    add_clean(out, f->package_version);
    if (f->fixed_version.len) {
        sb_addc(out, " -> ");
        add_clean(out, f->fixed_version);
    }
    sb_byte(out, '\n');
}

static void add_images(struct sb *out, const struct letter *l)
{
    size_t n = l->telling->images.len;
    for (size_t i = 0; i < n && i < LETTER_IMAGES; i++) {
        const struct store_image *image = &l->telling->images.ptr[i].image;
        sb_addc(out, "  ");
        add_clean(out, l->telling->registry->host);
        sb_byte(out, '/');
        add_clean(out, image->repository);
        sb_byte(out, '@');
        add_clean(out, image->digest);
        for (size_t k = 0; k < image->tags.len; k++) {
            sb_addc(out, k ? ", " : "  ");
            add_clean(out, image->tags.ptr[k]);
        }
        sb_addf(out, "  %s", image->platform.len ? "" : "\n");
        if (image->platform.len) {
            add_clean(out, image->platform);
            sb_byte(out, '\n');
        }
    }
    if (n > LETTER_IMAGES)
        sb_addf(out, "  and %zu more\n", n - LETTER_IMAGES);
}

static void write_text(struct sb *out, const struct letter *l)
{
    const struct telling *t = l->telling;
    sb_add(out, l->summary);
    sb_addc(out, "\n");
    if (t->reason.len) {
        sb_addc(out, "\nWhy: ");
        add_clean(out, t->reason);
        sb_byte(out, '\n');
    }
    if (t->images.len) {
        sb_addc(out, "\nImages\n");
        add_images(out, l);
    }
    if (l->findings.len)
        sb_addc(out, "\nFindings\n");
    for (size_t i = 0; i < l->findings.len; i++)
        add_finding(out, &l->findings.ptr[i]);
    if (l->n_findings > l->findings.len)
        sb_addf(out, "  and %zu more\n", l->n_findings - l->findings.len);
    if (l->steps.len)
        sb_addc(out, "\nWhat to do\n");
    for (size_t i = 0; i < l->steps.len; i++) {
        sb_addc(out, "  ");
        add_clean(out, l->steps.ptr[i]);
        sb_byte(out, '\n');
    }
    str link = letter_link(l, t->digest);
    if (link.len)
        sb_addf(out, "\n" STR_FMT "\n", STR_ARG(link));
}

/* --- HTML: the same text, with its headings
 * ---------------------------------------------------------- */
static void add_escaped(struct sb *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            sb_addc(out, "&amp;");
            break;
        case '<':
            sb_addc(out, "&lt;");
            break;
        case '>':
            sb_addc(out, "&gt;");
            break;
        case '"':
            sb_addc(out, "&quot;");
            break;
        default:
            sb_byte(out, (uint8_t)text.ptr[i]);
        }
    }
}

static void write_line(struct sb *out, str line, bool *is_list)
{
    bool is_item = str_starts(line, STR("  "));
    if (is_item != *is_list)
        sb_addc(out, is_item ? "<pre>" : "</pre>\n");
    *is_list = is_item;
    bool is_link = str_starts(line, STR("https://")) || str_starts(line, STR("http://"));
    bool is_head = !is_item && !is_link && line.len && line.len < 12;
    if (!line.len)
        return;
    if (is_link) {
        sb_addc(out, "<p><a href=\"");
        add_escaped(out, line);
        sb_addc(out, "\">");
    } else if (!is_item) {
        sb_addc(out, is_head ? "<h3>" : "<p>");
    }
    add_escaped(out, is_item ? str_skip(line, 2) : line);
    sb_addc(out, is_link ? "</a></p>\n" : is_item ? "\n" : is_head ? "</h3>\n" : "</p>\n");
}

static void write_html(struct sb *out, str text)
{
    str line;
    bool is_list = false;
    sb_addc(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n");
    while (str_next(&text, '\n', &line))
        write_line(out, line, &is_list);
    sb_addc(out, is_list ? "</pre>\n</body></html>\n" : "</body></html>\n");
}

/* --- MIME
 * ------------------------------------------------------------------------------------------- */
static void add_base64(struct sb *out, str bytes, size_t n_a_line, const char *before,
                       const char *behind)
{
    char text[sodium_base64_ENCODED_LEN(LINE_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    for (str rest = bytes; rest.len;) {
        size_t n = rest.len < n_a_line ? rest.len : n_a_line;
        while (n < rest.len && n > 1 && ((unsigned char)rest.ptr[n] & 0xc0) == 0x80)
            n--; /* no character is cut: RFC 2047 5 */
        sodium_bin2base64(text, sizeof(text), (const unsigned char *)rest.ptr, n,
                          sodium_base64_VARIANT_ORIGINAL);
        sb_addf(out, "%s%s%s", before, text, behind);
        rest = str_skip(rest, n);
    }
}

static void add_part(struct sb *out, const char *boundary, const char *type, str bytes)
{
    sb_addf(out,
            "--%s\r\nContent-Type: %s; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n",
            boundary, type);
    for (str rest = bytes; rest.len; rest = str_skip(rest, LINE_BYTES))
        add_base64(out, str_slice(rest, 0, LINE_BYTES), LINE_BYTES, "", "\r\n");
    sb_addc(out, "\r\n");
}

/* From "Content-Type" on; what stands before it says the channel when it is sent. */
bool letter_mail(const struct letter *l, str id, str *out, struct err *err)
{
    auto_sb text, html, whole;
    char boundary[80];
    sb_init(&text, LIMIT(HTTP_BODY));
    sb_init(&html, LIMIT(HTTP_BODY) * 4);
    sb_init(&whole, LIMIT(HTTP_ANSWER));
    write_text(&text, l);
    if (!sb_ok(&text, err))
        return false;
    write_html(&html, sb_str(&text));
    if (!sb_ok(&html, err))
        return false;
    snprintf(boundary, sizeof(boundary), "=_" STR_FMT, STR_ARG(str_slice(id, 0, 60)));
    sb_addf(&whole, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
    add_part(&whole, boundary, "text/plain", sb_str(&text));
    add_part(&whole, boundary, "text/html", sb_str(&html));
    sb_addf(&whole, "--%s--\r\n", boundary);
    *out = sb_ok(&whole, err) ? arena_dup(l->arena, sb_str(&whole)) : STR_NONE;
    return out->ptr || err_memory(err);
}

static void add_date(struct sb *out, int64_t at)
{
    char text[64];
    time_t time = (time_t)at;
    struct tm tm;
    gmtime_r(&time, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
    sb_addf(out, "Date: %s\r\n", text);
}

/* Each encoded word is at most 75 characters (RFC 2047 2). */
bool letter_envelope(const struct config_channel *channel, const struct outbox_message *message,
                     struct arena *arena, str *out, struct err *err)
{
    auto_sb whole, subject;
    str local, host;
    str_cut_byte(channel->from, '@', &local, &host);
    sb_init(&whole, LIMIT(HTTP_ANSWER));
    sb_init(&subject, LIMIT(FIELD));
    sb_addf(&subject, "[Plimsoll] " STR_FMT, STR_ARG(message->subject));
    if (!sb_ok(&subject, err))
        return false;
    add_date(&whole, message->created_at);
    sb_addf(&whole, "From: Plimsoll <" STR_FMT ">\r\nTo: ", STR_ARG(channel->from));
    for (size_t i = 0; i < channel->to.len; i++)
        sb_addf(&whole, "%s<" STR_FMT ">", i ? ",\r\n " : "", STR_ARG(channel->to.ptr[i]));
    sb_addc(&whole, "\r\nSubject:");
    add_base64(&whole, sb_str(&subject), WORD_BYTES, " =?utf-8?B?", "?=\r\n");
    sb_addf(&whole,
            "Message-ID: <" STR_FMT "@" STR_FMT ">\r\nPlimsoll-Delivery: " STR_FMT "\r\n"
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n",
            STR_ARG(message->message), STR_ARG(host), STR_ARG(message->message));
    sb_add(&whole, message->body);
    *out = sb_ok(&whole, err) ? arena_dup(arena, sb_str(&whole)) : STR_NONE;
    return out->ptr || err_memory(err);
}
