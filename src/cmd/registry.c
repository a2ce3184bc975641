/* SPDX-License-Identifier: Apache-2.0 */
/* registry check: what works with a registry, step by step, and what to do where it does not. */
#include "cmd/internal.h"
#include "syntax/syntax.h"

enum step_state { STEP_WORKS, STEP_FAILS, STEP_UNKNOWN };
struct step {
    const char *name;
    enum step_state state;
    str text;
    const char *remedy; /* may be NULL */
};
struct check {
    const struct cmd_call *call;
    struct reference ref; /* repository and tag may be empty */
    struct image_source *source;
    const struct registry_vendor *vendor;
    bool is_json, is_bad;
    VEC(struct step) steps;
    size_t n_names;
    str first; /* of the names just listed */
};

/* --- saying
 * ------------------------------------------------------------------------------------ */
static void print_step(const struct step *step)
{
    static const char *const marks[] = {
        [STEP_WORKS] = "✓", [STEP_FAILS] = "✗", [STEP_UNKNOWN] = "–"};
    auto_sb line;
    sb_init(&line, 16 << 10);
    sb_addf(&line, "  %s %-13s ", marks[step->state], step->name);
    report_text(&line, step->text, 0);
    if (step->remedy)
        sb_addf(&line, "\n                  → %s", step->remedy);
    sb_byte(&line, '\n');
    if (!line.has_failed)
        fwrite(line.ptr, 1, line.len, stdout);
    fflush(stdout);
}

static void say(struct check *c, enum step_state state, const char *name, str text,
                const char *remedy)
{
    struct step step = {name, state, arena_dup(c->call->arena, text), remedy};
    struct step *slot = vec_push(c->call->arena, &c->steps);
    if (slot)
        *slot = step;
    if (!c->is_json)
        print_step(&step);
}

static void say_good(struct check *c, const char *name, str text)
{
    say(c, STEP_WORKS, name, text, NULL);
}

static bool say_bad(struct check *c, const char *name, const struct err *err)
{
    c->is_bad = true;
    say(c, STEP_FAILS, name, str_from(err->msg), registry_remedy(c->source, err));
    return false;
}

static void print_json(const struct check *c)
{
    static const char *const words[] = {
        [STEP_WORKS] = "works", [STEP_FAILS] = "fails", [STEP_UNKNOWN] = "unknown"};
    struct jw jw;
    auto_sb out;
    sb_init(&out, LIMIT(HTTP_ANSWER));
    jw_init(&jw, &out, true);
    jw_obj(&jw);
    jw_kstr(&jw, "host", c->ref.host);
    jw_kstr(&jw, "kind", c->vendor ? str_from(c->vendor->name) : STR(""));
    jw_kbool(&jw, "works", !c->is_bad);
    jw_key(&jw, "steps");
    jw_arr(&jw);
    for (size_t i = 0; i < c->steps.len; i++) {
        const struct step *step = &c->steps.ptr[i];
        jw_obj(&jw);
        jw_kstr(&jw, "name", str_from(step->name));
        jw_kstr(&jw, "state", str_from(words[step->state]));
        jw_kstr(&jw, "text", step->text);
        if (step->remedy)
            jw_kstr(&jw, "remedy", str_from(step->remedy));
        jw_obj_end(&jw);
    }
    jw_arr_end(&jw);
    jw_obj_end(&jw);
    sb_byte(&out, '\n');
    if (!out.has_failed)
        fwrite(out.ptr, 1, out.len, stdout);
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
static void say_login(struct check *c, const struct registry_pong *pong)
{
    static const char *const logins[] = {
        [LOGIN_NONE] = "none asked for", [LOGIN_BASIC] = "basic", [LOGIN_BEARER] = "bearer token"};
    bool is_named = pong->login != LOGIN_NONE && !pong->is_anonymous;
    say_good(c, "login",
             arena_printf(c->call->arena, "%s%s" STR_FMT "%s" STR_FMT, logins[pong->login],
                          pong->login == LOGIN_NONE ? ""
                          : pong->is_anonymous      ? ", anonymous"
                          : pong->username.len      ? ", as "
                                                    : ", by an identity token",
                          STR_ARG(is_named ? pong->username : STR_NONE),
                          pong->realm.len ? ", from " : "", STR_ARG(pong->realm)));
}

static bool check_reach(struct check *c)
{
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
    say_login(c, &pong);
    c->vendor = registry_vendor_of(c->ref.host, pong.realm);
    say_good(c, "kind", str_from(c->vendor->name));
    return true;
}

/* Without one a server needs the names: no fault of the registry's. */
static void check_catalog(struct check *c)
{
    struct err err = {0};
    c->n_names = 0;
    if (!registry_each_repository(c->source, count_name, c, &err)) {
        say(c, STEP_UNKNOWN, "catalog", str_from(err.msg), c->vendor->catalog);
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

static bool check_manifest(struct check *c, struct manifest *out, digest *got)
{
    struct err err = {0};
    str json;
    char text[DIGEST_TEXT_SIZE];
    const digest *want = digest_is_none(&c->ref.digest) ? NULL : &c->ref.digest;
    if (!c->source->ops->manifest(c->source, c->call->arena, c->ref.tag, want, &json, got, &err) ||
        !manifest_parse(c->call->arena, json, out, &err))
        return say_bad(c, "manifest", &err);
    say_good(c, "manifest",
             arena_printf(c->call->arena, STR_FMT ":" STR_FMT " is %s", STR_ARG(c->ref.repository),
                          STR_ARG(c->ref.tag.len ? c->ref.tag : STR("")),
                          digest_print(got, text).ptr));
    return true;
}

static bool read_config(struct check *c, const struct manifest *manifest, struct sb *bytes,
                        struct err *err)
{
    struct blob blob = {0};
    str chunk;
    if (!c->source->ops->blob(c->source, &manifest->config, &blob, err))
        return false;
    enum next next = NEXT_END;
    while (!bytes->has_failed && (next = blob.from.read(blob.from.ctx, &chunk, err)) == NEXT_ITEM)
        sb_add(bytes, chunk);
    blob_close(&blob);
    return next != NEXT_ERR && sb_ok(bytes, err) &&
           digest_check(&manifest->config.digest, sb_str(bytes), err);
}

static void check_resume(struct check *c, const struct descriptor *blob)
{
    struct err err = {0};
    bool resumes = false;
    if (blob->size_bytes < 2 || blob->size_bytes == UINT64_MAX)
        return;
    if (!registry_resumes(c->source, blob, &resumes, &err))
        say(c, STEP_UNKNOWN, "resume", str_from(err.msg), NULL);
    else if (resumes)
        say_good(c, "resume", STR("a broken transfer goes on where it broke"));
    else
        say(c, STEP_UNKNOWN, "resume", STR("it knows no ranges: a broken transfer starts anew"),
            NULL);
}

/* The configuration, verified; of an index, that of its first image. */
static bool check_blob(struct check *c, const struct manifest *manifest)
{
    struct err err = {0};
    struct manifest child;
    str json;
    digest got;
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
    if (!read_config(c, manifest, &bytes, &err))
        return say_bad(c, "blob", &err);
    say_good(c, "blob", arena_printf(c->call->arena, "the configuration, %zu bytes", bytes.len));
    check_resume(c, &manifest->config);
    return true;
}

/* --- what a scan can do without
 * ------------------------------------------------------------------- */
static void check_referrers(struct check *c, const digest *subject)
{
    struct err err = {0};
    bool has_api = false;
    if (!registry_has_referrers(c->source, subject, &has_api, &err))
        say(c, STEP_UNKNOWN, "referrers", str_from(err.msg), NULL);
    else if (has_api)
        say_good(c, "referrers", STR("it lists them (distribution-spec 1.1)"));
    else
        say(c, STEP_UNKNOWN, "referrers",
            STR("it keeps no list: those under tags of before 1.1 are found"), NULL);
}

static const char *permit_word(enum registry_permit permit)
{
    return permit == PERMIT_YES ? "yes" : permit == PERMIT_NO ? "no" : "not told";
}

/* Nothing is deleted: it is asked what would be allowed. */
static void check_permits(struct check *c)
{
    struct err err = {0};
    struct registry_permits permits;
    if (!registry_permits_get(c->source, c->call->arena, &permits, &err)) {
        say(c, STEP_UNKNOWN, "permissions", str_from(err.msg), registry_remedy(c->source, &err));
        return;
    }
    say(c, permits.remove == PERMIT_YES ? STEP_WORKS : STEP_UNKNOWN, "permissions",
        arena_printf(c->call->arena, "pull %s, push %s, delete %s%s%s", permit_word(permits.pull),
                     permit_word(permits.push), permit_word(permits.remove),
                     *permits.how ? ", by " : "", permits.how),
        NULL);
}

static void say_hooks(struct check *c, const struct registry_hooks *hooks)
{
    str text = arena_printf(c->call->arena, "%zu enabled%s%s%s%s" STR_FMT, hooks->n_enabled,
                            hooks->has_push ? ", push" : "", hooks->has_pull ? ", pull" : "",
                            hooks->has_delete ? ", delete" : "", hooks->address.len ? ", to " : "",
                            STR_ARG(hooks->address));
    if (hooks->has_push && hooks->has_pull && hooks->has_delete)
        say_good(c, "notifications", text);
    else
        say(c, STEP_UNKNOWN, "notifications", text, c->vendor->events);
}

static void check_notifications(struct check *c)
{
    struct err err = {0};
    struct registry_hooks hooks = {0};
    if (str_eq(str_from(c->vendor->name), STR("Harbor")) &&
        !registry_hooks_get(c->source, c->call->arena, &hooks, &err))
        say(c, STEP_UNKNOWN, "notifications", str_from(err.msg), NULL);
    else if (hooks.is_told)
        say_hooks(c, &hooks);
    else
        say(c, STEP_UNKNOWN, "notifications", STR("it cannot be asked whom it tells"),
            c->vendor->events);
}

static void check_all(struct check *c)
{
    struct manifest manifest;
    digest got = {0};
    if (!check_reach(c))
        return;
    check_catalog(c);
    if (!c->ref.repository.len) {
        say(c, STEP_UNKNOWN, "pull", STR("not tried: name a repository, HOST/REPOSITORY[:TAG]"),
            NULL);
        return;
    }
    if (check_tags(c) && check_manifest(c, &manifest, &got)) {
        (void)check_blob(c, &manifest);
        check_referrers(c, &got);
    }
    check_permits(c);
    check_notifications(c);
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
    c.is_json = cmd_is_json(call);
    if (!registry_open(&c.ref, &config, &c.source, &err))
        return cmd_fail(call, &err);
    if (!c.is_json)
        printf(STR_FMT "\n", STR_ARG(c.ref.host));
    check_all(&c);
    if (c.is_json)
        print_json(&c);
    image_source_close(c.source);
    return c.is_bad ? EXIT_INCOMPLETE : EXIT_DONE;
}

static bool check_check(const struct cmd_call *call, struct err *err)
{
    if (!cmd_check_table_or_json(call, err))
        return false;
    return cmd_check_registry(call, err);
}

static const struct cmd_option check_options[] = {{.name = "format",
                                                   .argument = "FORMAT",
                                                   .help = "table (default) or json",
                                                   .choice = choice_table_or_json},
                                                  CMD_OPTIONS_REGISTRY,
                                                  {0}};
static const struct cmd_example check_examples[] = {
    {"plimsoll registry check registry.example:5000", "reach, login, catalog, and one pull"},
    {"plimsoll registry check harbor.example/team/app --format json",
     "for a machine: each step's state, text and remedy"},
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
        "can be pulled and go on after a break. Then what a scan can do without: whether referrers "
        "are listed, what the account may do (asked by a token's scope or the methods allowed), "
        "and "
        "whom the registry notifies, where it can be asked. Nothing is changed. A step that does "
        "not work says what to do. Exit code 3 when a step that a scan needs failed.",
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
