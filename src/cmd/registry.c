/* SPDX-License-Identifier: Apache-2.0 */
/* registry check: what works with a registry, step by step, and what to do where it does not. */
#include "cmd/internal.h"

struct check {
    const struct cmd_call *call;
    struct reference ref; /* repository and tag may be empty */
    struct image_source *source;
    bool is_bad;
    size_t n_names;
    str first; /* of the names just listed */
};

static void say(struct check *c, const char *mark, const char *step, str text)
{
    auto_sb line;
    (void)c;
    sb_init(&line, 16 << 10);
    sb_addf(&line, "  %s %-10s ", mark, step);
    report_text(&line, text, 0);
    sb_byte(&line, '\n');
    if (!line.has_failed)
        fwrite(line.ptr, 1, line.len, stdout);
}

static void say_good(struct check *c, const char *step, str text) { say(c, "✓", step, text); }

static bool say_bad(struct check *c, const char *step, const struct err *err)
{
    c->is_bad = true;
    say(c, "✗", step, str_from(err->msg));
    return false;
}

static bool count_name(void *ctx, str name, struct err *err)
{
    struct check *c = ctx;
    if (c->n_names++ == 0)
        c->first = arena_dup(c->call->arena, name);
    return c->first.ptr ? true : err_memory(err);
}

/* --- the steps
 * ------------------------------------------------------------------------------------ */
static bool check_reach(struct check *c)
{
    static const char *const logins[] = {
        [LOGIN_NONE] = "none asked for", [LOGIN_BASIC] = "basic", [LOGIN_BEARER] = "bearer token"};
    struct registry_pong pong;
    struct err err = {0};
    if (!registry_ping(c->source, c->call->arena, &pong, &err))
        return say_bad(c, err.kind == ERR_DENIED ? "login" : "reach", &err);
    say_good(c, "reach",
             arena_printf(c->call->arena, "%s%s" STR_FMT,
                          pong.is_plain_http ? "plain http: anybody on the way can read and change "
                                               "what is pulled"
                                             : "https",
                          pong.server.len ? ", " : "", STR_ARG(pong.server)));
    say_good(c, "login",
             arena_printf(c->call->arena, "%s%s" STR_FMT, logins[pong.login],
                          pong.login == LOGIN_NONE ? ""
                          : pong.is_anonymous      ? ", anonymous"
                                                   : ", as ",
                          STR_ARG(pong.is_anonymous ? STR_NONE : pong.username)));
    return true;
}

/* Without one a server needs the names: no fault of the registry's. */
static void check_catalog(struct check *c)
{
    struct err err = {0};
    c->n_names = 0;
    if (!registry_each_repository(c->source, count_name, c, &err)) {
        say(c, "–", "catalog", str_from(err.msg));
        say(c, " ", "", STR("a server then needs `repositories:` in the registry's entry"));
        return;
    }
    say_good(c, "catalog", arena_printf(c->call->arena, "%zu repositories", c->n_names));
    if (!c->ref.repository.len && c->n_names)
        c->ref.repository = c->first;
}

static bool check_tags(struct check *c)
{
    struct err err = {0};
    bool is_there;
    c->n_names = 0;
    if (!registry_turn_to(c->source, c->ref.repository, &err) ||
        !registry_each_tag(c->source, count_name, c, &is_there, &err))
        return say_bad(c, "tags", &err);
    say_good(
        c, "tags",
        arena_printf(c->call->arena, STR_FMT ": %zu tags", STR_ARG(c->ref.repository), c->n_names));
    if (!c->ref.tag.len && digest_is_none(&c->ref.digest) && c->n_names)
        c->ref.tag = c->first;
    return c->ref.tag.len || !digest_is_none(&c->ref.digest);
}

static bool check_manifest(struct check *c, struct manifest *out)
{
    struct err err = {0};
    str json;
    digest got;
    char text[DIGEST_TEXT_SIZE];
    const digest *want = digest_is_none(&c->ref.digest) ? NULL : &c->ref.digest;
    if (!c->source->ops->manifest(c->source, c->call->arena, c->ref.tag, want, &json, &got, &err) ||
        !manifest_parse(c->call->arena, json, out, &err))
        return say_bad(c, "manifest", &err);
    say_good(c, "manifest",
             arena_printf(c->call->arena, STR_FMT ":" STR_FMT " is %s", STR_ARG(c->ref.repository),
                          STR_ARG(c->ref.tag.len ? c->ref.tag : STR("")),
                          digest_print(&got, text).ptr));
    return true;
}

/* The configuration, verified; of an index, that of its first image. */
static bool check_blob(struct check *c, const struct manifest *manifest)
{
    struct err err = {0};
    struct manifest child;
    str json, chunk;
    digest got;
    struct blob blob = {0};
    auto_sb bytes;
    sb_init(&bytes, LIMIT(MANIFEST)); /* however much the registry sends */
    if (manifest->kind == MANIFEST_INDEX && manifest->children.len) {
        if (!c->source->ops->manifest(c->source, c->call->arena, STR_NONE,
                                      &manifest->children.ptr[0].digest, &json, &got, &err) ||
            !manifest_parse(c->call->arena, json, &child, &err))
            return say_bad(c, "blob", &err);
        manifest = &child;
    }
    if (digest_is_none(&manifest->config.digest))
        return true;
    if (!c->source->ops->blob(c->source, &manifest->config, &blob, &err))
        return say_bad(c, "blob", &err);
    enum next next = NEXT_END;
    while (!bytes.has_failed && (next = blob.from.read(blob.from.ctx, &chunk, &err)) == NEXT_ITEM)
        sb_add(&bytes, chunk);
    blob_close(&blob);
    if (next == NEXT_ERR || !sb_ok(&bytes, &err) ||
        !digest_check(&manifest->config.digest, sb_str(&bytes), &err))
        return say_bad(c, "blob", &err);
    say_good(c, "blob", arena_printf(c->call->arena, "the configuration, %zu bytes", bytes.len));
    return true;
}

static void check_all(struct check *c)
{
    struct manifest manifest;
    if (!check_reach(c))
        return;
    check_catalog(c);
    if (!c->ref.repository.len) {
        say(c, "–", "pull", STR("not tried: name a repository, HOST/REPOSITORY[:TAG]"));
        return;
    }
    if (check_tags(c) && check_manifest(c, &manifest))
        (void)check_blob(c, &manifest);
}

/* --- the command
 * ---------------------------------------------------------------------------------- */
static bool read_place(const struct cmd_call *call, struct reference *out, struct err *err)
{
    str place = call->operands.ptr[0], host, rest;
    if (str_starts(place, STR("docker://")))
        place = str_skip(place, 9);
    if (str_find_byte(place, '/') < place.len) {
        str text = arena_printf(call->arena, "docker://" STR_FMT, STR_ARG(place));
        bool has_tag = str_find_byte(str_skip(place, str_rfind_byte(place, '/')), ':') <
                       str_skip(place, str_rfind_byte(place, '/')).len;
        if (!text.ptr || !reference_parse(call->arena, text, out, err))
            return text.ptr ? false : err_memory(err);
        if (!has_tag)
            out->tag = STR_NONE;
        return true;
    }
    /* a host alone goes through the parser with a repository that is dropped again */
    str text = arena_printf(call->arena, "docker://" STR_FMT "/x", STR_ARG(place));
    if (!text.ptr || !reference_parse(call->arena, text, out, err))
        return text.ptr ? err_wrap(err, STR_FMT, STR_ARG(place)) : err_memory(err);
    str_cut_byte(place, '/', &host, &rest);
    out->repository = out->tag = STR_NONE;
    return true;
}

static int check_run(const struct cmd_call *call)
{
    struct check c = {.call = call};
    struct registry_config config;
    struct err err = {0};
    if (!read_place(call, &c.ref, &err) || !cmd_registry_config(call, &c.ref, &config, &err))
        return cmd_fail(call, &err);
    config.cancel = cmd_cancel();
    bool is_ours = config.username.len || config.is_plain_http || config.ca_file.len;
    if (!registry_open(&c.ref, is_ours ? &config : NULL, &c.source, &err))
        return cmd_fail(call, &err);
    printf(STR_FMT "\n", STR_ARG(c.ref.host));
    check_all(&c);
    image_source_close(c.source);
    return c.is_bad ? EXIT_INCOMPLETE : EXIT_DONE;
}

static bool check_check(const struct cmd_call *call, struct err *err)
{
    return cmd_check_registry(call, err);
}

static const struct cmd_option check_options[] = {CMD_OPTIONS_REGISTRY, {0}};
static const struct cmd_example check_examples[] = {
    {"plimsoll registry check registry.example:5000", "reach, login, catalog, and one pull"},
    {"plimsoll registry check registry.example/team/app:1.4 --ca-file ca.pem",
     "that image, behind a private authority"},
    {0},
};
static const struct command command_check = {
    .name = "check",
    .summary = "try a registry step by step",
    .operands = "HOST[/REPOSITORY[:TAG]]",
    .min_operands = 1,
    .max_operands = 1,
    .about =
        "Says what works with a registry: whether it is reached and by what, who we are to it, "
        "whether it lists its repositories, and whether an image's manifest and configuration "
        "can be pulled. Nothing is changed. Exit code 3 when a step that a scan needs failed.",
    .options = check_options,
    .examples = check_examples,
    .check = check_check,
    .run = check_run,
};

static const struct command *const subs[] = {&command_check, NULL};
const struct command command_registry = {
    .name = "registry",
    .summary = "try a registry",
    .about = "What concerns registries as a whole.",
    .subs = subs,
};
