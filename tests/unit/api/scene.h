/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - a whole server on loopback: guard, store, api, http; and a client that holds its token.
 * On PostgreSQL when TEST_POSTGRES says where one is. */
#pragma once

#include "../store/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "syntax/syntax.h"

#define SUB "11111111-2222-3333-4444-555555555555"
#define REG                                                                                        \
    "/subscriptions/" SUB "/resourceGroups/MyGroup/providers/Microsoft.ContainerRegistry/"         \
    "registries/Main"
#define KEY "dbd0cb49-b563-45e7-9724-889e799fa648"
#define SEC "/providers/Microsoft.Security/"
#define V "?api-version=2021-06-01"

struct scene {
    struct arena arena;
    struct err err;
    const char *dir;
    struct engine engine; /* of the store */
    struct config config;
    struct guard *guard;
    struct store *store;
    struct api *api;
    struct http_server *server;
    struct http_client *client;
    str token;
    struct store_registry registry;
    struct http_answer answer;
    json_t *json; /* of the last answer; NULL: none */
};

static inline void scene_config(struct scene *s, const char *key)
{
    s->config = (struct config){.data_dir = str_from(s->dir),
                                .database_dir = arena_printf(&s->arena, "%s/advisories", s->dir),
                                .store = str_from(s->engine.name),
                                .secret_key_file = arena_printf(&s->arena, "%s/secret.key", s->dir),
                                .assessment_key = str_from(key),
                                .max_attempts = 3,
                                .retry_base_s = 10,
                                .lease_s = 60,
                                .notification_secret = STR("hush"),
                                .limits = limits_default()};
    static const char *const names[] = {"Main", "other"};
    for (size_t i = 0; i < 2; i++) {
        struct config_registry *r = vec_push(&s->arena, &s->config.registries);
        *r = (struct config_registry){.name = str_from(names[i]),
                                      .subscription = STR(SUB),
                                      .resource_group = STR("MyGroup"),
                                      .host = STR("127.0.0.1:1"),
                                      .is_plain_http = true};
    }
}

static inline void scene_open_server(struct scene *s)
{
    struct api_spec spec = {.config = &s->config,
                            .guard = s->guard,
                            .store_path = guard_store_path(s->guard),
                            .key = guard_secret_key(s->guard)};
    assert_ok(api_open(&spec, &s->api, &s->err), s->err);
    struct http_server_spec server = {.address = STR("127.0.0.1"),
                                      .handler = api_handle,
                                      .lane_of = api_lane,
                                      .user = s->api,
                                      .max_body_of = api_max_body,
                                      .refusal = api_refusal};
    assert_ok(http_server_open(&server, &s->server, &s->err), s->err);
    assert_ok(http_client_open(&(struct http_client_spec){0}, &s->client, &s->err), s->err);
}

static inline struct scene *scene_open_key(const char *key)
{
    struct scene *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    arena_init(&s->arena, 256 * MIB);
    s->dir = test_mkdir(&s->arena);
    engine_open(&s->engine, &s->arena);
    scene_config(s, key);
    struct guard_spec guard = {.config = &s->config};
    assert_ok(guard_open(&guard, &s->guard, &s->err), s->err);
    assert_ok(store_open(guard_store_path(s->guard), STORE_RELAXED, &s->store, &s->err), s->err);
    assert_ok(store_registry_get(s->store, &s->arena, STR("main"), &s->registry, &s->err), s->err);
    assert_ok(store_token_create(s->store, &s->arena, STR("test"), 1, &s->token, &s->err), s->err);
    scene_open_server(s);
    return s;
}

static inline struct scene *scene_open(void) { return scene_open_key(""); }

static inline void scene_close(struct scene *s)
{
    json_decref(s->json);
    http_client_close(s->client);
    http_server_close(s->server, 5000);
    api_close(s->api);
    store_close(s->store);
    guard_close(s->guard);
    engine_close(&s->engine);
    test_rmdir(s->dir);
    arena_fini(&s->arena);
    free(s);
}

/* Fetches, parses the body when there is one, and gives the status. */
static inline int scene_call(struct scene *s, const char *method, const char *target, str body,
                             const char *authorization, const char *type)
{
    struct http_header headers[] = {{STR("Content-Type"), str_from(type)},
                                    {STR("x-ms-client-request-id"), STR("client-1")},
                                    {STR("Authorization"), str_from(authorization)}};
    str url =
        str_starts(str_from(target), STR("http"))
            ? str_from(target)
            : arena_printf(&s->arena, "http://127.0.0.1:%u%s", http_server_port(s->server), target);
    struct http_call call = {.method = method,
                             .url = url.ptr,
                             .headers = headers,
                             .n_headers = authorization ? 3 : 2,
                             .body = body};
    assert_ok(http_fetch(s->client, &call, &s->arena, 64 << 20, &s->answer, &s->err), s->err);
    json_decref(s->json);
    s->json = NULL;
    str content_type = http_header_get(&s->answer.headers, STR("Content-Type"));
    bool is_null = str_eq(s->answer.body, STR("null")); /* of a long-running operation */
    if (s->answer.body.len && !is_null && str_has(content_type, STR("json")))
        assert_ok(json_read(s->answer.body, &s->json, &s->err), s->err);
    return s->answer.status;
}

static inline int scene_get(struct scene *s, const char *target)
{
    const char *token = arena_printf(&s->arena, "Bearer " STR_FMT, STR_ARG(s->token)).ptr;
    return scene_call(s, "GET", target, STR_NONE, token, "application/json");
}

static inline int scene_post(struct scene *s, const char *target, const char *body)
{
    const char *token = arena_printf(&s->arena, "Bearer " STR_FMT, STR_ARG(s->token)).ptr;
    return scene_call(s, "POST", target, str_from(body), token, "application/json; charset=utf-8");
}

static inline int scene_send(struct scene *s, const char *method, const char *target,
                             const char *body, str token)
{
    const char *header = arena_printf(&s->arena, "Bearer " STR_FMT, STR_ARG(token)).ptr;
    return scene_call(s, method, target, str_from(body), header, "application/json");
}

/* As the owner. */
static inline int scene_say(struct scene *s, const char *method, const char *target,
                            const char *body)
{
    return scene_send(s, method, target, body, s->token);
}

/* Client credentials, as Azure's clients send them; the token of a 200. */
static inline int scene_login(struct scene *s, str tenant, str id, str secret, str *token)
{
    const char *target =
        arena_printf(&s->arena, "/" STR_FMT "/oauth2/v2.0/token", STR_ARG(tenant)).ptr;
    str form =
        arena_printf(&s->arena,
                     "grant_type=client_credentials&client_id=" STR_FMT "&client_secret=" STR_FMT
                     "&scope=https%%3A%%2F%%2Fmanagement.azure.com%%2F.default",
                     STR_ARG(id), STR_ARG(http_url_escape(&s->arena, secret)));
    int status = scene_call(s, "POST", target, form, NULL,
                            "application/x-www-form-urlencoded;charset=utf-8");
    const json_t *access = json_object_get(s->json, "access_token");
    *token = arena_dup(&s->arena, json_str_of(access));
    return status;
}

/* A principal with a role at a scope, and its access token. */
static inline str scene_principal(struct scene *s, const char *name, const char *role,
                                  const char *scope)
{
    static unsigned n; /* lint: mutable static, names of one test program */
    str token, id, secret, object;
    const char *body = arena_printf(&s->arena, "{\"displayName\":\"%s\"}", name).ptr;
    assert_int_equal(scene_send(s, "POST", "/plimsoll/v1/principals", body, s->token), 201);
    id = arena_dup(&s->arena, json_str(s->json, "appId"));
    object = arena_dup(&s->arena, json_str(s->json, "objectId"));
    secret = arena_dup(&s->arena, json_str(s->json, "clientSecret"));
    str tenant = arena_dup(&s->arena, json_str(s->json, "tenantId"));
    if (role) {
        const char *target = arena_printf(&s->arena,
                                          "%s/providers/Microsoft.Authorization/roleAssignments/"
                                          "00000000-0000-4000-8000-%012x?api-version=2022-04-01",
                                          scope, ++n)
                                 .ptr;
        body = arena_printf(&s->arena,
                            "{\"properties\":{\"roleDefinitionId\":\"/providers/"
                            "Microsoft.Authorization/roleDefinitions/%s\",\"principalId\":"
                            "\"" STR_FMT "\"}}",
                            role, STR_ARG(object))
                   .ptr;
        assert_int_equal(scene_send(s, "PUT", target, body, s->token), 201);
    }
    assert_int_equal(scene_login(s, tenant, id, secret, &token), 200);
    return token;
}

#define OWNER "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define CONTRIBUTOR "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define READER "acdd72a7-3385-48ef-bd42-f606fba81ae7"
#define SECURITY_ADMIN "fb1c8493-542b-48eb-b624-b4c8fea62acd"
#define SECURITY_READER "39bc4728-0917-49c7-9d2c-d95423bc2eb4"
#define ACR_PULL "7f951dda-4ed3-4680-a7ca-43fe172d538d"

/* A member by path: "properties.status.code"; digits index arrays. */
static inline const json_t *scene_at(const struct scene *s, const char *path)
{
    const json_t *at = s->json;
    str rest = str_from(path), part;
    while (at && str_next(&rest, '.', &part)) {
        uint64_t index;
        char key[64];
        snprintf(key, sizeof(key), STR_FMT, STR_ARG(part));
        at = json_is_array(at) && str_to_u64(part, 1 << 20, &index) ? json_array_get(at, index)
                                                                    : json_object_get(at, key);
    }
    return at;
}

static inline str scene_str(const struct scene *s, const char *path)
{
    return json_str_of(scene_at(s, path));
}

static inline void assert_error(struct scene *s, int status, int expected, const char *code)
{
    if (status != expected || !str_eq(scene_str(s, "error.code"), str_from(code)))
        fail_msg("is %d " STR_FMT ", expected %d %s", status, STR_ARG(s->answer.body), expected,
                 code);
    assert_true(scene_str(s, "error.message").len > 0);
    assert_str(http_header_get(&s->answer.headers, STR("Content-Type")),
               "application/json; charset=utf-8");
}

/* --- results in the store
 * ------------------------------------------------------------------------- */

static inline str digest_n(struct scene *s, unsigned n)
{
    return arena_printf(&s->arena, "sha256:%064x", n);
}

static inline void add_push(struct scene *s, unsigned image, const char *tag)
{
    struct event_counts counts;
    struct store_event event = {.id = digest_n(s, image),
                                .action = EVENT_PUSH,
                                .repository = STR("team/app"),
                                .digest = digest_n(s, image),
                                .tag = str_from(tag),
                                .at = 1700000000};
    assert_ok(store_events_add(s->store, s->registry.id, &event, 1, 1700000000, &counts, &s->err),
              s->err);
    assert_int_equal(counts.n_jobs, 1);
}

static inline void add_finding(struct scene *s, struct report *r, unsigned image, unsigned i)
{
    struct finding *f = vec_push(&s->arena, &r->findings);
    f->id = arena_printf(&s->arena, "CVE-2020-%u", i);
    f->name = arena_printf(&s->arena, "%08x-0000-8000-8000-%012x", i, image);
    f->package_name = STR("openssl");
    f->package_version = STR("3.0.11-1");
    f->type = STR("deb");
    f->purl = STR("pkg:deb/debian/openssl@3.0.11-1");
    f->category = STR("Debian");
    f->severity = i % 2 ? SEVERITY_CRITICAL : SEVERITY_UNKNOWN;
    f->fix_state = FIX_FIXED;
    f->fixed_version = STR("3.0.11-2");
    f->is_patchable = true;
    f->title = STR("A title");
    f->description = STR("A long text \"about\" it.");
    f->published = STR("2020-02-03");
    f->remediation_text = STR("Upgrade openssl to 3.0.11-2.");
    f->remediation_command = STR("apt-get install openssl=3.0.11-2");
    *vec_push(&s->arena, &f->aliases) = STR("DSA-4963");
    *vec_push(&s->arena, &f->references) = STR("https://www.debian.org/security/2021/dsa-4963");
    *vec_push(&s->arena, &f->cvss) =
        (struct cvss){.version = STR("3.1"),
                      .vector = STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
                      .score = 9.8,
                      .is_scored = true};
}

/* Push image number @image, then end its job with @n findings, or with @failure. */
static inline void add_image(struct scene *s, unsigned image, const char *tag, unsigned n,
                             const char *failure)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    add_push(s, image, tag);
    struct report *r = arena_new(&s->arena, struct report);
    struct job job;
    assert_true(digest_parse(digest_n(s, image), &r->digest));
    r->verdict = n ? VERDICT_UNHEALTHY : VERDICT_HEALTHY;
    r->is_complete = true;
    r->platform = STR("linux/amd64");
    r->distro = (struct distro){
        .id = STR("debian"), .version_id = STR("12"), .name = STR("Debian GNU/Linux 12")};
    r->scanned_at = 1700000050;
    for (unsigned i = 1; i <= n; i++)
        add_finding(s, r, image, i);
    struct lease_spec lease = {.kinds = kinds, .n_kinds = 1, .now = 1700000010, .lease_s = 60};
    assert_int_equal(store_job_lease(s->store, &s->arena, &lease, &job, &s->err), NEXT_ITEM);
    struct store_result result = {.report = r,
                                  .media_type = STR("application/vnd.oci.image.manifest.v1+json")};
    struct job_outcome outcome = {.end = failure ? JOB_END_FAILED : JOB_END_DONE,
                                  .error = str_from(failure),
                                  .results = &result,
                                  .n_results = failure ? 0 : 1,
                                  .generation = 7,
                                  .revision = 1,
                                  .now = 1700000060};
    assert_ok(store_job_finish(s->store, &job, &outcome, &s->err), s->err);
}
