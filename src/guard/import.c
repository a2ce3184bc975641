/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - importImage (arm-api 7.2): an image of another registry is copied into one that is
 * guarded, every digest verified, and told as a push would be, so that it is scanned.  The job is
 * in the store and does everything again when its server was killed: what was copied is there, tags
 * that were set name what they shall. */
#include "base/clock.h"
#include "base/map.h"
#include "guard/internal.h"

enum { TARGETS_MAX = 100, ATTEMPTS_MAX = 3, POLL_MS = 1000, TIMEOUT_S = 60 };

/* --- the body
 * ------------------------------------------------------------------------------------------------
 */
static bool complain(struct err *err, const char *what)
{
    return err_set(err, ERR_USAGE, "%s", what);
}

/* "repo", "repo:tag", "repo@sha256:…", as written: no default tag. */
static bool read_image(struct arena *arena, str text, str *repository, str *tag, digest *name,
                       struct err *err)
{
    struct reference ref;
    struct err why = {0};
    str whole = arena_printf(arena, "docker://registry.example/" STR_FMT, STR_ARG(text));
    if (!whole.ptr)
        return err_memory(err);
    if (!text.len || !reference_parse(arena, whole, &ref, &why) ||
        !str_eq(ref.host, STR("registry.example")))
        return err_set(err, ERR_USAGE, "'" STR_FMT "' names no image", STR_ARG(text));
    bool has_tag = str_find_byte(text, ':') < text.len && digest_is_none(&ref.digest);
    *repository = ref.repository;
    *tag = has_tag ? ref.tag : STR("");
    *name = ref.digest;
    return true;
}

/* The last segment of ".../registries/NAME". */
static bool read_resource(struct arena *arena, str id, struct import_request *out, struct err *err)
{
    size_t slash = str_rfind_byte(id, '/');
    str before = str_slice(id, 0, slash < id.len ? slash : 0);
    str name = slash < id.len ? str_skip(id, slash + 1) : STR("");
    size_t kind = str_rfind_byte(before, '/');
    if (!name.len || kind >= before.len ||
        !str_eq_nocase(str_skip(before, kind + 1), STR("registries")))
        return complain(err, "source.resourceId: wants the id of a registry");
    out->from_id = arena_dup(arena, id);
    out->from_registry = arena_dup(arena, name);
    return (out->from_id.ptr && out->from_registry.ptr) || err_memory(err);
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

static bool read_host(struct arena *arena, str uri, str *out, struct err *err)
{
    str scheme, rest;
    if (str_cut(uri, STR("://"), &scheme, &rest))
        uri = str_eq_nocase(scheme, STR("https")) ? rest : STR("");
    while (str_ends(uri, STR("/")))
        uri.len--;
    if (!is_host(uri))
        return complain(err, "source.registryUri: wants the host of a registry, such as "
                             "mcr.microsoft.com");
    *out = arena_dup(arena, uri);
    return out->ptr || err_memory(err);
}

static bool read_source(struct arena *arena, const json_t *source, struct import_request *out,
                        struct err *err)
{
    str id = json_str(source, "resourceId"), uri = json_str(source, "registryUri");
    const json_t *credentials = json_obj(source, "credentials");
    if ((id.len > 0) == (uri.len > 0))
        return complain(err, "source: wants either resourceId or registryUri");
    if (credentials && id.len)
        return complain(err, "source.credentials: go with registryUri only");
    out->has_credentials = credentials != NULL;
    out->username = arena_dup(arena, json_str(credentials, "username"));
    out->password = arena_dup(arena, json_str(credentials, "password"));
    if (!out->username.ptr || !out->password.ptr)
        return err_memory(err);
    return (id.len ? read_resource(arena, id, out, err)
                   : read_host(arena, uri, &out->from_host, err)) &&
           read_image(arena, json_str(source, "sourceImage"), &out->repository, &out->tag,
                      &out->digest, err);
}

/* One target a repository; *target lives until the next call. */
static bool target_of(struct arena *arena, struct import_request *out, str repository,
                      struct import_target **target, struct err *err)
{
    for (size_t i = 0; i < out->targets.len; i++)
        if (str_eq(out->targets.ptr[i].repository, repository)) {
            *target = &out->targets.ptr[i];
            return true;
        }
    if (out->targets.len == TARGETS_MAX)
        return complain(err, "more than 100 target repositories");
    *target = vec_push(arena, &out->targets);
    if (!*target)
        return err_memory(err);
    (*target)->repository = repository;
    return true;
}

static bool read_target(struct arena *arena, const json_t *value, bool is_untagged,
                        struct import_request *out, struct err *err)
{
    str repository, tag;
    digest name;
    struct import_target *target;
    if (!read_image(arena, json_str_of(value), &repository, &tag, &name, err))
        return false;
    if (!digest_is_none(&name) || (is_untagged && tag.len))
        return complain(err, is_untagged ? "untaggedTargetRepositories: wants repositories"
                                         : "targetTags: wants REPOSITORY or REPOSITORY:TAG");
    if (!target_of(arena, out, repository, &target, err))
        return false;
    if (is_untagged)
        return true;
    str *slot = target->tags.len < TARGETS_MAX ? vec_push(arena, &target->tags) : NULL;
    if (!slot)
        return target->tags.len < TARGETS_MAX ? err_memory(err)
                                              : complain(err, "more than 100 tags of a repository");
    *slot = tag.len ? tag : out->tag.len ? out->tag : STR("latest");
    return true;
}

static bool read_targets(struct arena *arena, const json_t *body, const char *member,
                         bool is_untagged, struct import_request *out, struct err *err)
{
    const json_t *list = json_object_get(body, member);
    if (list && !json_is_array(list) && !json_is_null(list))
        return err_set(err, ERR_USAGE, "%s: wants a list", member);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_target(arena, json_array_get(list, i), is_untagged, out, err))
            return false;
    return true;
}

static bool read_mode(const json_t *body, bool *is_forced, struct err *err)
{
    str mode = json_str(body, "mode");
    *is_forced = str_eq_nocase(mode, STR("Force"));
    return mode.len == 0 || *is_forced || str_eq_nocase(mode, STR("NoForce")) ||
           complain(err, "mode: wants NoForce or Force");
}

bool import_read(struct arena *arena, str body, struct import_request *out, struct err *err)
{
    auto_json *root = NULL;
    *out = (struct import_request){0};
    if (!json_read(body, &root, err)) {
        err->kind = ERR_USAGE;
        return false;
    }
    if (!json_obj(root, "source"))
        return complain(err, "source: is missing");
    if (!read_source(arena, json_obj(root, "source"), out, err) ||
        !read_targets(arena, root, "targetTags", false, out, err) ||
        !read_targets(arena, root, "untaggedTargetRepositories", true, out, err) ||
        !read_mode(root, &out->is_forced, err))
        return false;
    if (!out->targets.len)
        return complain(err, "targetTags and untaggedTargetRepositories: neither names a target");
    if (digest_is_none(&out->digest) && !out->tag.len)
        out->tag = STR("latest");
    return true;
}

/* --- queueing
 * ------------------------------------------------------------------------------------------------
 */
/* The same body, its password a star. */
static bool without_password(struct arena *arena, str body, str *out, struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(body, &root, err))
        return false;
    json_t *credentials = json_obj(json_obj(root, "source"), "credentials");
    if (credentials && json_object_set_new(credentials, "password", json_string("*")) != 0)
        return err_memory(err);
    char *text = json_dumps(root, JSON_COMPACT);
    *out = text ? arena_dup(arena, str_from(text)) : STR_NONE;
    free(text);
    return out->ptr || err_memory(err);
}

bool guard_import(struct guard *guard, struct store *store, struct arena *arena,
                  const struct store_registry *to, str body, str operation, struct err *err)
{
    struct import_request request;
    struct store_import import = {.operation = operation, .registry_id = to->id};
    if (!import_read(arena, body, &request, err) ||
        !without_password(arena, body, &import.spec, err) ||
        !store_import_add(store, &guard->key, &import, request.targets.ptr[0].repository,
                          request.password, clock_now_s(), err))
        return false;
    guard_wake(guard);
    return true;
}

/* --- the work
 * ------------------------------------------------------------------------------------------------
 */
struct import {
    struct loop *loop;
    const struct job *job;
    struct store_import stored;
    struct import_request request;
    struct store_registry to;
    struct registry_config to_config;
    struct image_source *from;
    str from_host;
    digest digest; /* of what the source names now */
    str media_type;
    bool is_index;
    str code; /* of the failure, for ARM */
};

static bool fail(struct import *m, const char *code)
{
    m->code = str_from(code);
    return false;
}

static bool open_registered(struct import *m, struct registry_config *config, struct err *err)
{
    struct store_registry from;
    struct loop *loop = m->loop;
    if (!store_registry_get(loop->store, &loop->arena, m->request.from_registry, &from, err))
        return err->kind == ERR_NOT_FOUND ? fail(m, "ResourceNotFound") : false;
    m->from_host = from.host;
    return guard_reach(loop->guard, loop->store, &loop->arena, &from, config, err);
}

/* An ACR refresh token comes without a username, or with one of zeros. */
static bool open_foreign(struct import *m, struct registry_config *config, struct err *err)
{
    const struct import_request *r = &m->request;
    str password = STR("");
    m->from_host = r->from_host;
    *config = (struct registry_config){.host = r->from_host, .is_alone = true};
    if (r->has_credentials &&
        !store_import_password(m->loop->store, &m->loop->arena, &m->loop->guard->key, &m->stored,
                               &password, err))
        return false;
    if (r->has_credentials && !password.len)
        return err_set(err, ERR_USAGE,
                       "the source's password is no longer kept: ask for the import again");
    config->username = r->username;
    config->password = r->username.len ? password : STR("");
    config->identity_token = r->username.len ? STR("") : password;
    return true;
}

static bool reference_of(struct arena *arena, str host, str repository, struct reference *out,
                         struct err *err)
{
    str text =
        arena_printf(arena, "docker://" STR_FMT "/" STR_FMT, STR_ARG(host), STR_ARG(repository));
    return text.ptr ? reference_parse(arena, text, out, err) : err_memory(err);
}

static bool open_source(struct import *m, struct err *err)
{
    struct registry_config config;
    struct reference ref;
    if (!(m->request.from_registry.len ? open_registered(m, &config, err)
                                       : open_foreign(m, &config, err)))
        return false;
    config.cancel = &m->loop->slot->cancel;
    config.timeout_s = TIMEOUT_S;
    return reference_of(&m->loop->arena, m->from_host, m->request.repository, &ref, err) &&
           registry_open(&ref, &config, &m->from, err);
}

static bool open_target(struct import *m, str repository, struct image_source **out,
                        struct err *err)
{
    struct reference ref;
    struct registry_config config = m->to_config;
    config.cancel = &m->loop->slot->cancel;
    config.timeout_s = TIMEOUT_S;
    return reference_of(&m->loop->arena, m->to.host, repository, &ref, err) &&
           registry_open(&ref, &config, out, err);
}

/* What the tag names now is what is imported, also into the last target. */
static bool resolve(struct import *m, struct err *err)
{
    str bytes;
    const struct import_request *r = &m->request;
    const digest *want = digest_is_none(&r->digest) ? NULL : &r->digest;
    if (!m->from->ops->manifest(m->from, &m->loop->arena, r->tag, want, &bytes, &m->digest, err)) {
        if (err->kind == ERR_NOT_FOUND)
            m->code = STR("InvalidParameters");
        if (err->kind == ERR_DENIED)
            m->code = STR("LinkedAuthorizationFailed");
        return err_wrap(err, "source");
    }
    return true;
}

static bool check_tag(struct import *m, struct image_source *to, const struct import_target *target,
                      str tag, struct err *err)
{
    digest now;
    if (!registry_digest_of(to, tag, &now, err))
        return err_wrap(err, "target");
    if (digest_is_none(&now) || digest_eq(&now, &m->digest))
        return true;
    m->code = STR("Conflict");
    return err_set(err, ERR_CONFLICT,
                   "the tag " STR_FMT ":" STR_FMT
                   " exists already in the target registry: use mode Force to move it",
                   STR_ARG(target->repository), STR_ARG(tag));
}

/* Before anything is copied. */
static bool check_tags(struct import *m, struct err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && !m->request.is_forced && i < m->request.targets.len; i++) {
        const struct import_target *target = &m->request.targets.ptr[i];
        struct image_source *to = NULL;
        ok = open_target(m, target->repository, &to, err);
        for (size_t k = 0; ok && k < target->tags.len; k++)
            ok = check_tag(m, to, target, target->tags.ptr[k], err);
        image_source_close(to);
    }
    return ok;
}

static bool copy_to(struct import *m, size_t i, struct err *err)
{
    const struct import_target *target = &m->request.targets.ptr[i];
    struct image_source *to = NULL;
    struct copy_result result;
    bool is_same = str_eq_nocase(m->from_host, m->to.host);
    str mount = is_same ? m->request.repository
                : i     ? m->request.targets.ptr[0].repository
                        : STR_NONE;
    if (!open_target(m, target->repository, &to, err))
        return false;
    const struct copy_spec spec = {.from = m->from,
                                   .want = &m->digest,
                                   .to = to,
                                   .tags = target->tags.ptr,
                                   .n_tags = target->tags.len,
                                   .is_forced = m->request.is_forced,
                                   .mount_from = mount,
                                   .cancel = &m->loop->slot->cancel};
    bool ok = registry_copy(&spec, &m->loop->arena, &result, err);
    image_source_close(to);
    if (!ok)
        return err_wrap(err, STR_FMT, STR_ARG(target->repository));
    m->media_type = result.media_type;
    m->is_index = str_has(result.media_type, STR("manifest.list")) ||
                  str_has(result.media_type, STR("image.index"));
    return true;
}

/* --- and telling
 * ------------------------------------------------------------------------------------------------
 */
typedef VEC(struct store_event) store_events;

static bool add_event(struct import *m, store_events *to, str repository, str tag, str digest_text,
                      struct err *err)
{
    struct arena *arena = &m->loop->arena;
    struct store_event *event = vec_push(arena, to);
    str id = arena_printf(arena, "import:" STR_FMT ":%zu", STR_ARG(m->stored.operation), to->len);
    if (!event || !id.ptr)
        return err_memory(err);
    *event = (struct store_event){.id = id,
                                  .action = EVENT_IMPORT,
                                  .repository = repository,
                                  .digest = digest_text,
                                  .tag = tag,
                                  .media_type = m->media_type,
                                  .is_index = m->is_index,
                                  .at = clock_now_s()};
    return true;
}

static bool tell(struct import *m, struct err *err)
{
    store_events events = {0};
    struct event_counts counts;
    char text[DIGEST_TEXT_SIZE];
    str name = digest_print(&m->digest, text);
    for (size_t i = 0; i < m->request.targets.len; i++) {
        const struct import_target *target = &m->request.targets.ptr[i];
        if (!target->tags.len && !add_event(m, &events, target->repository, STR(""), name, err))
            return false;
        for (size_t k = 0; k < target->tags.len; k++)
            if (!add_event(m, &events, target->repository, target->tags.ptr[k], name, err))
                return false;
    }
    if (!store_events_add(m->loop->store, m->to.id, events.ptr, events.len, clock_now_s(), &counts,
                          err))
        return false;
    guard_wake(m->loop->guard);
    return true;
}

static bool import_all(struct import *m, struct err *err)
{
    struct loop *loop = m->loop;
    if (!store_import_get(loop->store, &loop->arena, m->job->digest, &m->stored, err) ||
        !import_read(&loop->arena, m->stored.spec, &m->request, err) ||
        !store_registry_get(loop->store, &loop->arena, m->job->registry, &m->to, err) ||
        !guard_reach(loop->guard, loop->store, &loop->arena, &m->to, &m->to_config, err) ||
        !open_source(m, err) || !resolve(m, err) || !check_tags(m, err))
        return false;
    for (size_t i = 0; i < m->request.targets.len; i++)
        if (!copy_to(m, i, err))
            return false;
    return tell(m, err);
}

/* ARM's words for what we have no better one for. */
static const char *code_of(enum err_kind kind)
{
    switch ((int)kind) {
    case ERR_CONFLICT:
        return "Conflict";
    case ERR_DENIED:
        return "LinkedAuthorizationFailed";
    case ERR_CANCELLED:
        return "Canceled";
    case ERR_UNAVAILABLE:
        return "ServiceUnavailable";
    default:
        return "InvalidParameters";
    }
}

/* A source that says no says it again; one that does not answer may. */
static void conclude(struct import *m, const struct err *why, struct job_outcome *out)
{
    struct err err = {0};
    bool is_passing = why->kind == ERR_UNAVAILABLE || why->kind == ERR_CANCELLED ||
                      why->kind == ERR_MEMORY || why->kind == ERR_IO;
    outcome_of_error(m->loop->guard, m->job, m->loop->slot, why, &m->loop->arena, out);
    if (out->end == JOB_END_RETRY && (!is_passing || m->job->attempts >= ATTEMPTS_MAX))
        out->end = is_passing ? JOB_END_DEAD : JOB_END_FAILED;
    if (out->end == JOB_END_DEAD && !is_passing)
        out->end = JOB_END_FAILED;
    str code = m->code.len ? m->code : str_from(code_of(why->kind));
    if (!store_import_fail(m->loop->store, m->job->digest, code, &err))
        log_event(LOG_WARN, "import", LOG_ERR(&err));
}

static void run_import(struct loop *loop, const struct job *job, struct job_outcome *out)
{
    struct import m = {.loop = loop, .job = job};
    struct err err = {0};
    log_event(LOG_INFO, "import starts", LOG_NUM("job", job->id),
              LOG_STR("registry", job->registry), LOG_STR("repository", job->repository),
              LOG_STR("operation", job->digest));
    out->end = JOB_END_DONE;
    if (!import_all(&m, &err))
        conclude(&m, &err, out);
    image_source_close(m.from);
}

void importer_work(struct loop *loop)
{
    static const enum job_kind kinds[] = {JOB_IMPORT};
    struct err err = {0};
    uint64_t limit_s = loop->guard->config->limits.of[LIMIT_ID_SCAN_TIME];
    while (!guard_is_stopping(loop->guard)) {
        uint64_t wakes = guard_wakes(loop->guard);
        if (!loop_step(loop, kinds, 1, limit_s, run_import))
            guard_sleep(loop->guard, wakes, POLL_MS);
        else if (!store_imports_tidy(loop->store, &err))
            log_event(LOG_WARN, "imports", LOG_ERR(&err));
    }
}
