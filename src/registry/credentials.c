/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/log.h"
#include "os/file.h"
#include "registry/internal.h"
#include "syntax/syntax.h"

/* Keys are "host", "https://host", or "https://host/v1/": what counts is the host. */
static bool is_key_of(str key, str host)
{
    const struct registry_row *row = registry_row_find(host);
    if (row && str_eq(key, str_from(row->auth_key)))
        return true;
    str rest;
    if (!str_cut(key, STR("://"), &rest, &key))
        key = rest;
    str name, path;
    str_cut_byte(key, '/', &name, &path);
    return str_eq_nocase(name, host);
}

static bool keep(struct arena *arena, str from, str *to, struct err *err)
{
    *to = arena_dup(arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool read_auth(struct arena *arena, const json_t *object, struct registry_credentials *out,
                      struct err *err)
{
    str auth = json_str(object, "auth"), decoded;
    if (!keep(arena, json_str(object, "username"), &out->username, err) ||
        !keep(arena, json_str(object, "password"), &out->password, err) ||
        !keep(arena, json_str(object, "identitytoken"), &out->identity_token, err))
        return false;
    if (str_is_empty(auth))
        return true;
    if (!base64_decode(arena, auth, &decoded) ||
        !str_cut_byte(decoded, ':', &out->username, &out->password))
        return err_set(err, ERR_FORMAT, "an auth that is not base64 of user:password");
    /* docker pads the secret with NULs when it rewrites the file */
    while (str_ends(out->password, str_of("\0", 1)))
        out->password.len--;
    return true;
}

bool registry_credentials_parse(struct arena *arena, str json, str host,
                                struct registry_credentials *out, struct err *err)
{
    *out = (struct registry_credentials){0};
    auto_json *root = NULL;
    if (!json_read(json, &root, err))
        return false;
    json_t *auths = json_obj(root, "auths"), *helpers = json_obj(root, "credHelpers");
    bool has_auth = false;
    for (void *it = json_object_iter(helpers); it; it = json_object_iter_next(helpers, it))
        out->has_helper = out->has_helper || is_key_of(str_from(json_object_iter_key(it)), host);
    for (void *it = json_object_iter(auths); it && !has_auth;
         it = json_object_iter_next(auths, it)) {
        if (!is_key_of(str_from(json_object_iter_key(it)), host))
            continue;
        if (!read_auth(arena, json_object_iter_value(it), out, err))
            return false;
        has_auth = !str_is_empty(out->username) || !str_is_empty(out->identity_token);
    }
    out->has_helper = !has_auth && (out->has_helper || !str_is_empty(json_str(root, "credsStore")));
    return true;
}

static const char *config_path(struct arena *arena)
{
    const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    if (dir && *dir)
        return arena_printf(arena, "%s/config.json", dir).ptr;
    return home && *home ? arena_printf(arena, "%s/.docker/config.json", home).ptr : NULL;
}

bool registry_credentials_load(struct arena *arena, str host, struct registry_credentials *out,
                               struct err *err)
{
    str text;
    const char *path = config_path(arena);
    *out = (struct registry_credentials){0};
    if (!path)
        return true;
    if (!file_read(arena, path, LIMIT(CONFIG_FILE), &text, err)) {
        bool is_absent = err->kind == ERR_NOT_FOUND;
        if (is_absent)
            *err = (struct err){0};
        return is_absent;
    }
    if (!registry_credentials_parse(arena, text, host, out, err))
        return err_wrap(err, "%s", path);
    if (out->has_helper)
        log_event(LOG_WARN,
                  "a credential helper is configured and not run: asking without credentials",
                  LOG_STR("registry", host), LOG_STR("file", str_from(path)));
    return true;
}
