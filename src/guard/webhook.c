/* SPDX-License-Identifier: Apache-2.0 */
/* webhook.c - one message to one receiver, by HTTP or SMTP, and what its answer means:
 *
 *   2xx, 250            sent
 *   410                 dead: the receiver wants no more
 *   429, 503            again when Retry-After says, at most a day
 *   other 3xx, 4xx, 55x again a few times: a mistake of somebody's is perhaps mended, then dead
 *   all else            again with backoff, dead after `attempts`
 */
#include <sodium.h>

#include "base/clock.h"
#include "guard/internal.h"
#include "http/http.h"

enum { ANSWER_MAX = 64 << 10, ANSWER_SHOWN = 200, FEW_TRIES = 3, RETRY_AFTER_MAX_S = 86400 };

static const char *cstr_or_null(struct arena *arena, str text)
{
    return text.len ? arena_cstr(arena, text) : NULL;
}

/* --- the signature: HMAC-SHA256 of "TIMESTAMP.BODY", hexadecimal
 * --------------------------------- */
static str sign(struct arena *arena, str key, str timestamp, str body)
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.ptr, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)timestamp.ptr, timestamp.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.ptr, body.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    return arena_printf(arena, "sha256=%s", hex);
}

typedef VEC(struct http_header) headers;
static bool add_header(struct arena *arena, headers *to, str name, str value)
{
    struct http_header *slot = vec_push(arena, to);
    if (slot)
        *slot = (struct http_header){name, value};
    return slot && name.ptr && value.ptr;
}

static bool write_headers(struct arena *arena, const struct config_channel *c,
                          const struct outbox_message *m, headers *to)
{
    str now = arena_printf(arena, "%lld", (long long)clock_now_s());
    if (!add_header(arena, to, STR("Content-Type"),
                    STR("application/cloudevents+json; charset=utf-8")) ||
        !add_header(arena, to, STR("Plimsoll-Delivery"), m->message) ||
        !add_header(arena, to, STR("Plimsoll-Event"), m->kind) ||
        !add_header(arena, to, STR("X-Plimsoll-Timestamp"), now))
        return false;
    for (size_t i = 0; i < c->headers.len; i++)
        if (!add_header(arena, to, c->headers.ptr[i].name, c->headers.ptr[i].value))
            return false;
    return !c->secret.len || add_header(arena, to, STR("X-Plimsoll-Signature-256"),
                                        sign(arena, c->secret, now, m->body));
}

static void read_answer(const struct http_answer *answer, struct sent *out)
{
    str text = http_header_get(&answer->headers, STR("Retry-After"));
    uint64_t seconds = 0;
    int64_t at = 0, now = clock_now_s();
    out->status = answer->status;
    out->answer = str_slice(answer->body, 0, ANSWER_SHOWN);
    if (str_to_u64(text, UINT32_MAX, &seconds))
        out->retry_after_s = (int64_t)seconds;
    else if (text.len && clock_parse_rfc5322(text, &at) && at > now)
        out->retry_after_s = at - now;
    if (out->retry_after_s > RETRY_AFTER_MAX_S)
        out->retry_after_s = RETRY_AFTER_MAX_S;
}

/* What the receiver has to say is bounded, and of no interest beyond the first line. */
static bool post(const struct config_channel *c, const struct outbox_message *m,
                 const struct cancel *cancel, struct arena *arena, struct sent *out,
                 struct err *err)
{
    headers list = {0};
    struct http_client *client = NULL;
    struct http_answer answer;
    const struct http_client_spec spec = {.user_agent = "plimsoll",
                                          .ca_file = cstr_or_null(arena, c->ca_file),
                                          .stall_s = c->timeout_s,
                                          .connect_s = c->timeout_s,
                                          .cancel = cancel};
    if (!write_headers(arena, c, m, &list))
        return err_memory(err);
    if (!http_client_open(&spec, &client, err))
        return false;
    const struct http_call call = {.method = "POST",
                                   .url = arena_cstr(arena, c->url),
                                   .headers = list.ptr,
                                   .n_headers = list.len,
                                   .body = m->body};
    bool ok =
        call.url ? http_fetch(client, &call, arena, ANSWER_MAX, &answer, err) : err_memory(err);
    http_client_close(client);
    if (ok)
        read_answer(&answer, out);
    return ok;
}

static bool mail(const struct config_channel *c, const struct outbox_message *m,
                 const struct cancel *cancel, struct arena *arena, struct sent *out,
                 struct err *err)
{
    struct http_mail spec = {.url = arena_cstr(arena, c->url),
                             .ca_file = cstr_or_null(arena, c->ca_file),
                             .is_starttls = c->is_starttls,
                             .username = cstr_or_null(arena, c->username),
                             .password = cstr_or_null(arena, c->password),
                             .from = c->from,
                             .to = c->to.ptr,
                             .n_to = c->to.len,
                             .timeout_s = c->timeout_s,
                             .cancel = cancel};
    if (!spec.url)
        return err_memory(err);
    return letter_envelope(c, m, arena, &spec.message, err) &&
           http_mail_send(&spec, arena, &out->status, &out->answer, err);
}

/* --- what it means
 * ----------------------------------------------------------------------------------- */
static void judge(const struct config_channel *c, unsigned attempts, struct sent *s)
{
    bool is_mail = c->kind == CHANNEL_SMTP;
    bool is_patient = s->status == 429 || s->status == 503;
    bool is_mistake = is_mail ? s->status >= 500
                              : s->status >= 300 && s->status < 500 && s->status != 408 &&
                                    s->status != 425 && s->status != 429;
    unsigned max = is_mistake && c->max_attempts > FEW_TRIES ? FEW_TRIES : c->max_attempts;
    if (!s->error.len && s->status >= 200 && s->status < 300)
        s->end = OUTBOX_SENT;
    else if ((!is_mail && s->status == 410) || attempts >= max)
        s->end = OUTBOX_DEAD;
    else
        s->end = OUTBOX_QUEUED;
    s->is_down = s->end != OUTBOX_SENT && !is_mistake;
    if (!is_patient || is_mail)
        s->retry_after_s = 0;
}

static str describe(struct arena *arena, const struct sent *s)
{
    const char *hint = s->status == 410                      ? ": it wants no more"
                       : s->status >= 300 && s->status < 400 ? ": redirects are not followed"
                                                             : "";
    return arena_printf(arena, "the receiver answered %d%s%s" STR_FMT, s->status, hint,
                        s->answer.len ? ": " : "", STR_ARG(s->answer));
}

void channel_send(const struct config_channel *c, const struct outbox_message *m,
                  struct cancel *cancel, struct arena *arena, struct sent *out)
{
    struct err err = {0};
    *out = (struct sent){0};
    cancel->deadline_mono_ms = clock_mono_ms() + (int64_t)c->timeout_s * 1000;
    bool ok = c->kind == CHANNEL_SMTP ? mail(c, m, cancel, arena, out, &err)
                                      : post(c, m, cancel, arena, out, &err);
    bool is_late = err.kind == ERR_CANCELLED && clock_mono_ms() >= cancel->deadline_mono_ms;
    out->is_stopped = err.kind == ERR_CANCELLED && !is_late;
    if (is_late)
        out->error = arena_printf(arena, "no answer within %u seconds", c->timeout_s);
    else if (!ok)
        out->error = arena_dup(arena, str_from(err.msg));
    judge(c, m->attempts, out);
    if (ok && out->end != OUTBOX_SENT)
        out->error = describe(arena, out);
}
