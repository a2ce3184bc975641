/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - what is known of a registry: one of the configuration as the file says, one that was
 * made over REST as "plimsoll" in its stored properties says:
 *
 *     {"plimsoll": {"host", "plainHttp", "username", "caCertificates", "clientCertificate",
 * "proxy", "repositories": […], "sweepIntervalSeconds"}}
 *
 * with "password", "clientKey" and "notificationSecret" sealed beside it (store/secrets.c). */
#include "base/clock.h"
#include "guard/internal.h"
#include "http/http.h"

enum { SWEEP_MAX_S = 31536000, PEM_MAX = 256 << 10, SECRET_MAX = 16 << 10 };

/* --- members
 * ------------------------------------------------------------------------------------------------
 */
static bool complain(struct err *err, const char *member, const char *wants)
{
    return err_set(err, ERR_USAGE, "properties.plimsoll.%s: wants %s", member, wants);
}

static bool keep(struct arena *arena, str text, str *out, struct err *err)
{
    *out = arena_dup(arena, text);
    return out->ptr || err_memory(err);
}

static bool is_line(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool is_host(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && !str_has(STR("-.:[]"), str_of(&c, 1)))
            return false;
    }
    return text.len > 0 && text.len <= 255;
}

static bool is_pem(str text)
{
    return text.len == 0 || (text.len <= PEM_MAX && str_has(text, STR("-----BEGIN ")) &&
                             str_find_byte(text, '\0') == text.len);
}

/* A password in it would be shown by every GET. */
static bool is_proxy(str text)
{
    str scheme, host, rest;
    return text.len == 0 ||
           (is_line(text) && text.len <= 1024 && http_url_split(text, &scheme, &host, &rest) &&
            (str_eq(scheme, STR("http")) || str_eq(scheme, STR("https"))) &&
            str_find_byte(text, '@') == text.len);
}

static bool is_username(str text) { return text.len <= 256 && is_line(text); }
static bool is_secret(str text) { return text.len <= SECRET_MAX && is_line(text); }

struct text_member {
    const char *name, *wants;
    bool (*is_value)(str text);
    size_t offset;
    size_t flag; /* of the bool that says it was said; 0: none */
};
#define AT(member) offsetof(struct registry_settings, member)
static const struct text_member texts[] = {
    {"host", "HOST or HOST:PORT, without scheme", is_host, AT(host), 0},
    {"username", "one line", is_username, AT(username), 0},
    {"caCertificates", "PEM", is_pem, AT(ca_pem), 0},
    {"clientCertificate", "PEM", is_pem, AT(client_cert_pem), 0},
    {"proxy", "an http or https URL without a password", is_proxy, AT(proxy), 0},
    {"password", "one line of at most 16 KiB", is_secret, AT(password), AT(has_password)},
    {"clientKey", "PEM", is_pem, AT(client_key_pem), AT(has_client_key)},
    {"notificationSecret", "one line of at most 16 KiB", is_secret, AT(notification_secret),
     AT(has_notification_secret)},
};

static bool read_text(struct arena *arena, const struct text_member *m, const json_t *value,
                      struct registry_settings *settings, struct err *err)
{
    str text = json_str_of(value);
    if ((!json_is_string(value) && !json_is_null(value)) || !m->is_value(text))
        return complain(err, m->name, m->wants);
    if (m->flag)
        *(bool *)(void *)((char *)settings + m->flag) = true;
    return keep(arena, text, (str *)(void *)((char *)settings + m->offset), err);
}

static bool read_repository(struct arena *arena, const json_t *value, strs *out, struct err *err)
{
    struct reference ref;
    struct err why = {0};
    str name = json_str_of(value), *slot = vec_push(arena, out);
    str text = arena_printf(arena, "docker://registry.example/" STR_FMT, STR_ARG(name));
    if (!slot || !text.ptr)
        return err_memory(err);
    if (!name.len || !reference_parse(arena, text, &ref, &why) || !str_eq(ref.repository, name))
        return complain(err, "repositories", "a list of names of repositories");
    *slot = ref.repository;
    return true;
}

static bool read_repositories(struct arena *arena, const json_t *value, strs *out, struct err *err)
{
    *out = (strs){0};
    if (!json_is_array(value) && !json_is_null(value))
        return complain(err, "repositories", "a list of names of repositories");
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!read_repository(arena, json_array_get(value, i), out, err))
            return false;
    return true;
}

static bool read_sweep(const json_t *value, uint32_t *out, struct err *err)
{
    json_int_t n = json_is_null(value) ? 0 : json_integer_value(value);
    *out = (uint32_t)n;
    return ((json_is_integer(value) || json_is_null(value)) && n >= 0 && n <= SWEEP_MAX_S) ||
           complain(err, "sweepIntervalSeconds", "a number of seconds, at most a year");
}

bool registry_settings_read(struct arena *arena, const json_t *object,
                            struct registry_settings *settings, struct err *err)
{
    const json_t *value;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if ((value = json_object_get(object, texts[i].name)) &&
            !read_text(arena, &texts[i], value, settings, err))
            return false;
    if ((value = json_object_get(object, "plainHttp"))) {
        settings->is_plain_http = json_is_true(value);
        if (!json_is_boolean(value) && !json_is_null(value))
            return complain(err, "plainHttp", "true or false");
    }
    if ((value = json_object_get(object, "repositories")) &&
        !read_repositories(arena, value, &settings->repositories, err))
        return false;
    return !(value = json_object_get(object, "sweepIntervalSeconds")) ||
           read_sweep(value, &settings->sweep_interval_s, err);
}

void registry_settings_write(struct jw *jw, const struct registry_settings *s)
{
    jw_obj(jw);
    jw_kstr(jw, "host", s->host);
    jw_kbool(jw, "plainHttp", s->is_plain_http);
    jw_kstr_if(jw, "username", s->username);
    jw_kstr_if(jw, "caCertificates", s->ca_pem);
    jw_kstr_if(jw, "clientCertificate", s->client_cert_pem);
    jw_kstr_if(jw, "proxy", s->proxy);
    jw_key(jw, "repositories");
    jw_arr(jw);
    for (size_t i = 0; i < s->repositories.len; i++)
        jw_str(jw, s->repositories.ptr[i]);
    jw_arr_end(jw);
    jw_kint(jw, "sweepIntervalSeconds", s->sweep_interval_s);
    jw_obj_end(jw);
}

bool registry_settings_of(struct arena *arena, const struct store_registry *registry,
                          struct registry_settings *out, struct err *err)
{
    auto_json *root = NULL;
    *out = (struct registry_settings){.host = registry->host,
                                      .is_plain_http = registry->is_plain_http};
    if (!registry->properties.len)
        return true;
    return json_read(registry->properties, &root, err) &&
           registry_settings_read(arena, json_obj(root, "plimsoll"), out, err);
}

/* --- as the guard uses them
 * ------------------------------------------------------------------------------------------------
 */
static void settings_of_config(const struct config_registry *c, struct registry_settings *out)
{
    *out = (struct registry_settings){.host = c->host,
                                      .is_plain_http = c->is_plain_http,
                                      .username = c->username,
                                      .repositories = c->repositories,
                                      .sweep_interval_s = c->sweep_interval_s};
}

bool registry_settings_any(struct guard *guard, struct arena *arena,
                           const struct store_registry *registry, struct registry_settings *out,
                           struct err *err)
{
    const struct config_registry *c = config_registry_find(guard->config, registry->name);
    if (!c)
        return registry_settings_of(arena, registry, out, err);
    settings_of_config(c, out);
    return true;
}

static bool secret(struct guard *guard, struct store *store, struct arena *arena, int64_t id,
                   const char *name, str *out, struct err *err)
{
    return store_secret_get(store, arena, &guard->key, id, name, out, err);
}

bool guard_keep_secrets(struct guard *guard, struct store *store, int64_t registry_id,
                        const struct registry_settings *settings, struct err *err)
{
    const struct {
        const char *name;
        bool is_said;
        str value;
    } all[] = {
        {SECRET_PASSWORD, settings->has_password, settings->password},
        {SECRET_CLIENT_KEY, settings->has_client_key, settings->client_key_pem},
        {SECRET_NOTIFICATION, settings->has_notification_secret, settings->notification_secret},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].is_said && !store_secret_set(store, &guard->key, registry_id, all[i].name,
                                                all[i].value, clock_now_s(), err))
            return false;
    return true;
}

/* --- who notifies
 * ------------------------------------------------------------------------------------------------
 */
static bool notifier_made(struct guard *guard, struct store *store, struct arena *arena, str name,
                          struct notifier *out, struct err *err)
{
    struct store_registry registry;
    struct registry_settings settings;
    str own = STR("");
    if (!store_registry_get(store, arena, name, &registry, err)) {
        bool is_absent = err->kind == ERR_NOT_FOUND;
        if (is_absent)
            *err = (struct err){0};
        return is_absent;
    }
    if (!registry.is_made)
        return true;
    if (!registry_settings_of(arena, &registry, &settings, err) ||
        !secret(guard, store, arena, registry.id, SECRET_NOTIFICATION, &own, err))
        return false;
    *out = (struct notifier){true, own.len ? own : out->secret, settings.username};
    return true;
}

bool notifier_of(struct guard *guard, struct arena *arena, str name, struct notifier *out,
                 struct err *err)
{
    struct store *store;
    const struct config_registry *c = config_registry_find(guard->config, name);
    *out = (struct notifier){.secret = guard->config->notification_secret};
    if (c) {
        *out = (struct notifier){
            true, c->notification_secret.len ? c->notification_secret : out->secret, c->username};
        return true;
    }
    if (!store_pool_take(guard->relaxed, &store, err))
        return false;
    bool ok = notifier_made(guard, store, arena, name, out, err);
    store_pool_give(guard->relaxed, store);
    return ok;
}
