/* SPDX-License-Identifier: Apache-2.0 */
/* custom.c - roles that somebody made: from JSON of a request into the store, and back. */
#include "api/internal.h"

enum { ACTIONS_MAX = 2048 };

/* A list of texts, ended by NULL; NULL: not one. */
static const char *const *read_list(struct arena *arena, const json_t *list)
{
    size_t n = json_array_size(list);
    if ((list && !json_is_array(list)) || n > ACTIONS_MAX)
        return NULL;
    const char **out = arena_array(arena, const char *, n + 1);
    for (size_t i = 0; out && i < n; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item))
            return NULL;
        out[i] = arena_cstr(arena, str_of(json_string_value(item), json_string_length(item)));
        if (!out[i])
            return NULL;
    }
    if (out)
        out[n] = NULL;
    return out;
}

bool role_read_permissions(struct arena *arena, const json_t *permissions, struct role *out)
{
    const json_t *one = json_array_get(permissions, 0);
    if (json_array_size(permissions) != 1 || !json_is_object(one))
        return false;
    out->actions = read_list(arena, json_object_get(one, "actions"));
    out->not_actions = read_list(arena, json_object_get(one, "notActions"));
    out->data_actions = read_list(arena, json_object_get(one, "dataActions"));
    return out->actions && out->not_actions && out->data_actions;
}

static bool role_of(struct arena *arena, const struct store_role *made, struct role *out,
                    struct err *err)
{
    json_t *permissions = NULL;
    if (!json_read(made->permissions, &permissions, err))
        return err_wrap(err, "role " STR_FMT, STR_ARG(made->name));
    *out = (struct role){.id = arena_cstr(arena, made->name),
                         .name = arena_cstr(arena, made->role_name),
                         .description = arena_cstr(arena, made->description),
                         .made = made};
    bool ok = role_read_permissions(arena, permissions, out);
    json_decref(permissions);
    if (!ok)
        return err_set(err, ERR_FORMAT, "role " STR_FMT ": its permissions are damaged",
                       STR_ARG(made->name));
    return out->id && out->name && out->description ? true : err_memory(err);
}

bool roles_load(struct api_call *call, roles *out, struct err *err)
{
    store_roles made = {0};
    if (!store_roles_list(call->store, call->arena, &made, err))
        return false;
    for (size_t i = 0; i < made.len; i++) {
        struct role *one = vec_push(call->arena, out);
        if (!one)
            return err_memory(err);
        if (!role_of(call->arena, &made.ptr[i], one, err))
            return false;
    }
    return true;
}
