/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - one message to one SMTP server (RFC 5321), by libcurl's easy interface. */
#include "http/http.h"

#include <curl/curl.h>
#include <string.h>

#include "base/num.h"
#include "http/internal.h"

enum { ADDRESS_MAX = 254, REPLY_MAX = 300 };

struct sending {
    str rest;        /* of the message, not yet sent */
    struct sb reply; /* the last line that the server said */
    const struct cancel *cancel;
    struct err fail;
    char curl_text[CURL_ERROR_SIZE];
};

/* What stands in an envelope and in headers without quoting: an atom each (RFC 5322 3.2.3), dots
 * between.  So nothing in it can begin another header, or another receiver. */
static bool is_address_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           str_find_byte(STR("!#$%&'*+-/=?^_`{|}~."), c) < 20;
}

bool http_mail_address(str text)
{
    str local, host;
    if (text.len > ADDRESS_MAX || !str_cut_byte(text, '@', &local, &host) || !local.len ||
        !host.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (i != local.len && !is_address_byte(text.ptr[i]))
            return false;
    return text.ptr[0] != '-' && text.ptr[0] != '.' && !str_ends(local, STR(".")) &&
           host.ptr[0] != '.' && host.ptr[0] != '-';
}

static size_t on_read(char *bytes, size_t size, size_t n, void *ctx)
{
    struct sending *s = ctx;
    size_t len = num_min(size * n, s->rest.len);
    memcpy(bytes, s->rest.ptr, len);
    s->rest = str_skip(s->rest, len);
    return len;
}

static size_t on_reply(char *bytes, size_t size, size_t n, void *ctx)
{
    struct sending *s = ctx;
    str line = str_trim(str_of(bytes, size * n));
    sb_clear(&s->reply);
    sb_add(&s->reply, str_slice(line, 0, REPLY_MAX));
    return size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct sending *s = ctx;
    (void)a, (void)b, (void)c, (void)d;
    return cancel_is(s->cancel, &s->fail);
}

static bool set_receivers(CURL *easy, const struct http_mail *mail, struct curl_slist **list,
                          struct err *err)
{
    char address[ADDRESS_MAX + 3];
    for (size_t i = 0; i < mail->n_to; i++) {
        if (!http_mail_address(mail->to[i]))
            return err_set(err, ERR_FORMAT, "no address of a receiver: " STR_FMT,
                           STR_ARG(mail->to[i]));
        snprintf(address, sizeof(address), "<" STR_FMT ">", STR_ARG(mail->to[i]));
        struct curl_slist *longer = curl_slist_append(*list, address);
        if (!longer)
            return err_memory(err);
        *list = longer;
    }
    if (!http_mail_address(mail->from))
        return err_set(err, ERR_FORMAT, "no address of a sender: " STR_FMT, STR_ARG(mail->from));
    snprintf(address, sizeof(address), "<" STR_FMT ">", STR_ARG(mail->from));
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, address);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, *list);
    return true;
}

static void set_security(CURL *easy, const struct http_mail *mail)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_USE_SSL,
                     (long)(mail->is_starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (mail->ca_file && *mail->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, mail->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (mail->username && *mail->username) {
        curl_easy_setopt(easy, CURLOPT_USERNAME, mail->username);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password ? mail->password : "");
    }
}

static void set_transport(CURL *easy, const struct http_mail *mail, struct sending *s)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)mail->timeout_s);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, s);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, s);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, s->curl_text);
}

static bool perform(CURL *easy, const struct http_mail *mail, struct sending *s, int *status,
                    struct err *err)
{
    long code = 0;
    if (curl_easy_setopt(easy, CURLOPT_URL, mail->url) != CURLE_OK)
        return err_memory(err);
    CURLcode result = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    *status = (int)code;
    if (result == CURLE_OK)
        return true;
    if (err_is(&s->fail)) {
        *err = s->fail;
        return false;
    }
    const char *why = s->curl_text[0] ? s->curl_text : curl_easy_strerror(result);
    bool has_reply = s->reply.len && code >= 400;
    return err_set(err, ERR_UNAVAILABLE, "%s: %s%s" STR_FMT, mail->url, why, has_reply ? ": " : "",
                   STR_ARG(has_reply ? sb_str(&s->reply) : STR_NONE));
}

bool http_mail_send(const struct http_mail *mail, struct arena *arena, int *status, str *reply,
                    struct err *err)
{
    struct sending s = {.rest = mail->message, .cancel = mail->cancel};
    struct curl_slist *receivers = NULL;
    *status = 0;
    if (!http_curl_ready(err))
        return false;
    CURL *easy = curl_easy_init();
    if (!easy)
        return err_memory(err);
    sb_init(&s.reply, REPLY_MAX + 1);
    set_transport(easy, mail, &s);
    set_security(easy, mail);
    bool is_ok = set_receivers(easy, mail, &receivers, err) && perform(easy, mail, &s, status, err);
    *reply = arena_dup(arena, sb_str(&s.reply));
    curl_easy_cleanup(easy);
    curl_slist_free_all(receivers);
    sb_fini(&s.reply);
    return is_ok && (reply->ptr || err_memory(err));
}
