/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c - whom a Harbor notifies (its API v2.0: GET /projects/{name}/webhook/policies; the name
 * is the repository's first part).  Others keep that to themselves, or behind another login. */
#include "registry/internal.h"

static bool keep_address(struct arena *arena, const json_t *policy, struct registry_hooks *out,
                         struct err *err)
{
    const json_t *targets = json_arr(policy, "targets");
    if (out->address.len || !json_array_size(targets))
        return true;
    out->address = arena_dup(arena, json_str(json_array_get(targets, 0), "address"));
    return out->address.ptr || err_memory(err);
}

static bool read_policy(struct arena *arena, const json_t *policy, struct registry_hooks *out,
                        struct err *err)
{
    const json_t *types = json_arr(policy, "event_types");
    if (!json_flag(policy, "enabled", false))
        return true;
    out->n_enabled++;
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *word = json_string_value(json_array_get(types, i));
        str type = word ? str_from(word) : STR_NONE;
        out->has_push |= str_eq(type, STR("PUSH_ARTIFACT"));
        out->has_pull |= str_eq(type, STR("PULL_ARTIFACT"));
        out->has_delete |= str_eq(type, STR("DELETE_ARTIFACT"));
    }
    return keep_address(arena, policy, out, err);
}

bool registry_hooks_get(struct image_source *registry, struct arena *arena,
                        struct registry_hooks *out, struct err *err)
{
    struct registry *r = (struct registry *)registry;
    struct request request = {.is_anonymous = true, .max = LIMIT(MANIFEST)};
    struct reply reply;
    struct err ignored = {0};
    auto_json *root = NULL;
    str project, rest;
    *out = (struct registry_hooks){.address = STR("")};
    str_cut_byte(r->ref.repository, '/', &project, &rest);
    request.path = arena_printf(arena, "/api/v2.0/projects/" STR_FMT "/webhook/policies",
                                STR_ARG(http_url_escape(arena, project)));
    if (!request.path.ptr)
        return err_memory(err);
    if (!registry_basic(r, arena, &request.authorization, &ignored))
        return true; /* it tells only its members */
    if (!registry_send(r, r->client, arena, &request, &reply, err))
        return false;
    if (reply.answer.status != 200 || !json_read(reply.answer.body, &root, &ignored) ||
        !json_is_array(root))
        return true;
    out->is_told = true;
    for (size_t i = 0; i < json_array_size(root); i++)
        if (!read_policy(arena, json_array_get(root, i), out, err))
            return false;
    return true;
}
