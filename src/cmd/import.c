/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/internal.h"

struct import {
    struct reference from, to;
    strs tags; /* to set */
    struct progress progress;
    struct copy_result result;
};

static bool read_destination(const struct cmd_call *call, struct reference *out, struct err *err)
{
    str place = call->operands.ptr[1];
    if (!str_starts(place, STR("docker://")))
        place = arena_printf(call->arena, "docker://" STR_FMT, STR_ARG(place));
    if (!place.ptr)
        return err_memory(err);
    if (!reference_parse(call->arena, place, out, err))
        return err_wrap(err, "DST");
    return digest_is_none(&out->digest) ||
           err_set(err, ERR_USAGE,
                   STR_FMT ": a destination has a tag, the digest follows from what "
                           "is copied",
                   STR_ARG(call->operands.ptr[1]));
}

/* Whether the user wrote a tag: reference_parse fills in "latest". */
static bool has_tag(str text)
{
    size_t slash = str_rfind_byte(text, '/');
    str name = slash < text.len ? str_skip(text, slash + 1) : text;
    return str_find_byte(name, ':') < name.len;
}

static bool add_tag(struct import *import, struct arena *arena, str tag, struct err *err)
{
    str *slot = vec_push(arena, &import->tags);
    if (slot)
        *slot = tag;
    return slot ? true : err_memory(err);
}

static bool read_tags(const struct cmd_call *call, struct import *import, struct err *err)
{
    str tag;
    if (cmd_has(call, "untagged"))
        return true;
    bool is_named = has_tag(call->operands.ptr[1]) || !import->from.tag.len;
    if (!add_tag(import, call->arena, is_named ? import->to.tag : import->from.tag, err))
        return false;
    for (size_t i = 0; cmd_value_at(call, "also", i, &tag); i++)
        if (!add_tag(import, call->arena, tag, err))
            return false;
    return true;
}

static bool import_check(const struct cmd_call *call, struct err *err)
{
    str tag;
    if (cmd_has(call, "untagged") && (cmd_has(call, "also") || cmd_has(call, "force")))
        return err_set(err, ERR_USAGE,
                       "--untagged: sets no tag, so there is none to add or to move");
    for (size_t i = 0; cmd_value_at(call, "also", i, &tag); i++)
        if (!reference_is_tag(tag))
            return err_set(err, ERR_USAGE, "--also " STR_FMT ": no tag", STR_ARG(tag));
    return cmd_check_registry(call, err);
}

static void show(void *ctx, const struct copy_progress *now)
{
    struct import *import = ctx;
    char what[64];
    snprintf(what, sizeof(what), "%zu of %zu blobs", now->n_done, now->n_blobs);
    progress_feed(&import->progress, STR("copying"), str_from(what), now->done_bytes,
                  now->total_bytes);
}

static bool open_from(const struct cmd_call *call, const struct import *import,
                      struct scanner *scanner, struct registry_config *config,
                      struct image_source **out, struct err *err)
{
    *config = (struct registry_config){.is_plain_http = cmd_has(call, "plain-http"),
                                       .ca_file = cmd_value(call, "ca-file"),
                                       .client_cert_file = cmd_value(call, "client-certificate"),
                                       .client_key_file = cmd_value(call, "client-key"),
                                       .cancel = cmd_cancel()};
    return scan_source_open(scanner, &import->from, config, call->arena, out, err);
}

static bool copy(const struct cmd_call *call, struct import *import, struct image_source *from,
                 struct image_source *to, struct err *err)
{
    bool is_same =
        import->from.kind == SOURCE_REGISTRY && str_eq_nocase(import->from.host, import->to.host);
    const struct copy_spec spec = {
        .from = from,
        .tag = import->from.tag,
        .want = digest_is_none(&import->from.digest) ? NULL : &import->from.digest,
        .to = to,
        .tags = import->tags.ptr,
        .n_tags = import->tags.len,
        .is_forced = cmd_has(call, "force"),
        .mount_from = is_same ? import->from.repository : STR_NONE,
        .progress = show,
        .progress_ctx = import,
        .cancel = cmd_cancel(),
    };
    progress_open(&import->progress, cmd_has(call, "quiet"));
    bool is_done = registry_copy(&spec, call->arena, &import->result, err);
    progress_close(&import->progress);
    return is_done;
}

static bool run(const struct cmd_call *call, struct import *import, struct scanner *scanner,
                struct err *err)
{
    struct image_source *from = NULL, *to = NULL;
    struct registry_config from_config = {0}, to_config = {0};
    bool is_done = open_from(call, import, scanner, &from_config, &from, err) &&
                   cmd_registry_config(call, &import->to, &to_config, err);
    to_config.cancel = cmd_cancel();
    is_done = is_done && registry_open(&import->to, &to_config, &to, err) &&
              copy(call, import, from, to, err);
    image_source_close(from);
    image_source_close(to);
    return is_done;
}

static void print(const struct import *import)
{
    char text[DIGEST_TEXT_SIZE];
    const struct copy_result *r = &import->result;
    printf("imported " STR_FMT "/" STR_FMT "@%s", STR_ARG(import->to.host),
           STR_ARG(import->to.repository), digest_print(&r->digest, text).ptr);
    for (size_t i = 0; i < import->tags.len; i++)
        printf("%s" STR_FMT, i ? ", " : " as ", STR_ARG(import->tags.ptr[i]));
    printf("\n  %zu manifest%s, %zu blobs: %zu were there, %zu mounted, %.1f MiB copied\n",
           r->n_manifests, r->n_manifests == 1 ? "" : "s", r->n_blobs, r->n_there, r->n_mounted,
           (double)r->moved_bytes / (double)MIB);
}

static int import_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct import import = {0};
    struct scanner *scanner = NULL;
    bool is_done = reference_parse(call->arena, call->operands.ptr[0], &import.from, &err) &&
                   read_destination(call, &import.to, &err) && read_tags(call, &import, &err) &&
                   scanner_open(&(struct scanner_spec){.required = SANDBOX_BASIC}, &scanner, &err);
    if (is_done && import.from.kind == SOURCE_DIR)
        is_done = err_set(&err, ERR_UNSUPPORTED, STR_FMT ": a folder is no image",
                          STR_ARG(import.from.text));
    is_done = is_done && run(call, &import, scanner, &err);
    scanner_close(scanner);
    if (is_done) {
        print(&import);
        return EXIT_DONE;
    }
    return err.kind == ERR_CONFLICT
               ? cmd_fail_with(call, &err, "nothing was sent; --force moves the tag")
               : cmd_fail(call, &err);
}

static const struct cmd_option import_options[] = {
    {.name = "also",
     .argument = "TAG",
     .help = "set this tag too; may be given several times",
     .is_repeatable = true},
    {.name = "untagged", .help = "set no tag: the image can be pulled by its digest only"},
    {.name = "force", .help = "move a tag that names another image"},
    CMD_OPTIONS_REGISTRY,
    CMD_OPTION_QUIET,
    {0},
};
static const struct cmd_example import_examples[] = {
    {"plimsoll import docker.io/library/debian:12 registry.example/base/debian:12",
     "a base image into one's own registry"},
    {"plimsoll import oci:./build/image registry.example/shop/cart:1.4 --also latest",
     "what was built, under two tags"},
    {0},
};

const struct command command_import = {
    .name = "import",
    .summary = "copy an image into a registry",
    .operands = "SOURCE DST",
    .min_operands = 2,
    .max_operands = 2,
    .about =
        "Copies an image, or an index with all its platforms, attestations and signatures, into a "
        "registry. Every digest is verified; blobs that the registry has are not sent, and within "
        "one registry they are mounted. A tag that names another image already is left alone, and "
        "nothing is sent, unless --force is given.\n\n"
        "SOURCE is what `plimsoll scan` takes, but no folder; DST is [docker://]HOST/REPO[:TAG], "
        "without a tag that of SOURCE. --username and --password-stdin are for the destination; "
        "the "
        "source's credentials come from Docker's config.json. --ca-file and --plain-http are for "
        "both.\n\n"
        "A registry that is guarded is scanned by its server when the copy arrives.",
    .options = import_options,
    .examples = import_examples,
    .check = import_check,
    .run = import_run,
};
