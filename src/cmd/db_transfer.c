/* SPDX-License-Identifier: Apache-2.0 */
/* The advisory database on its way to a machine without a connection: as a file, or as an OCI
 * artifact (image-spec 1.1, "Guidelines for Artifact Usage") in a registry of one's own. */
#include "cmd/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "os/file.h"
#include "syntax/syntax.h"

#define ARTIFACT_TYPE "application/vnd.plimsoll.advisories.v1"
#define LAYER_TYPE ARTIFACT_TYPE "+tar+zstd"
#define EMPTY_TYPE "application/vnd.oci.empty.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"

static bool is_registry(str place) { return str_starts(place, STR("docker://")); }

static bool open_registry(const struct cmd_call *call, struct image_source **out, struct err *err)
{
    struct reference *ref = arena_new(call->arena, struct reference);
    struct registry_config config;
    if (!ref)
        return err_memory(err);
    return reference_parse(call->arena, call->operands.ptr[0], ref, err) &&
           cmd_registry_config(call, ref, &config, err) && registry_open(ref, &config, out, err);
}

/* A file without a name, for what goes to or comes from a registry. */
static int nameless_file(const struct cmd_call *call, const char *dir, struct err *err)
{
    const char *path =
        arena_cstr(call->arena, arena_printf(call->arena, "%s/transfer-XXXXXX", dir));
    char *name = path ? strdup(path) : NULL;
    int fd = name ? mkostemp(name, O_CLOEXEC) : -1;
    if (fd < 0)
        err_sys(err, ERR_IO, "%s", dir);
    else
        (void)unlink(name);
    free(name);
    return fd;
}

/* --- export
 * ------------------------------------------------------------------------------------------- */

static void print_descriptor(struct jw *jw, const char *type, str bytes)
{
    char text[DIGEST_TEXT_SIZE];
    digest name = digest_of(HASH_SHA256, bytes);
    jw_obj(jw);
    jw_kstr(jw, "mediaType", str_from(type));
    jw_kstr(jw, "digest", digest_print(&name, text));
    jw_kint(jw, "size", (int64_t)bytes.len);
    jw_obj_end(jw);
}

static bool print_manifest(str layer, str config, struct sb *out, struct err *err)
{
    struct jw jw;
    char when[CLOCK_TEXT_SIZE];
    jw_init(&jw, out, false);
    jw_obj(&jw);
    jw_kint(&jw, "schemaVersion", 2);
    jw_kstr(&jw, "mediaType", STR(MANIFEST_TYPE));
    jw_kstr(&jw, "artifactType", STR(ARTIFACT_TYPE));
    jw_key(&jw, "config");
    print_descriptor(&jw, EMPTY_TYPE, config);
    jw_key(&jw, "layers");
    jw_arr(&jw);
    print_descriptor(&jw, LAYER_TYPE, layer);
    jw_arr_end(&jw);
    jw_key(&jw, "annotations");
    jw_obj(&jw);
    jw_kstr(&jw, "org.opencontainers.image.created", clock_print(clock_stamp_s(), when));
    jw_kstr(&jw, "org.opencontainers.image.title", STR("advisories.tar.zst"));
    jw_obj_end(&jw);
    jw_obj_end(&jw);
    return sb_ok(out, err);
}

static bool push(struct image_source *registry, str layer, struct err *err)
{
    str config = STR("{}");
    digest layer_name = digest_of(HASH_SHA256, layer), config_name = digest_of(HASH_SHA256, config);
    auto_sb manifest;
    sb_init(&manifest, LIMIT(MANIFEST));
    return print_manifest(layer, config, &manifest, err) &&
           registry_push_blob(registry, config, &config_name, err) &&
           registry_push_blob(registry, layer, &layer_name, err) &&
           registry_push_manifest(registry, sb_str(&manifest), MANIFEST_TYPE, err);
}

static bool push_file(const struct cmd_call *call, int fd, struct err *err)
{
    struct image_source *registry = NULL;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "export");
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_sys(err, ERR_IO, "export");
    bool is_ok =
        open_registry(call, &registry, err) && push(registry, str_of(map, (size_t)st.st_size), err);
    image_source_close(registry);
    munmap(map, (size_t)st.st_size);
    return is_ok;
}

static bool load_key(const struct cmd_call *call, struct signing_key *key, struct err *err)
{
    const char *fresh = cmd_cstr(call, "new-key"), *path = cmd_cstr(call, "key");
    if (fresh && !signing_key_make(fresh, err))
        return false;
    return signing_key_load(fresh ? fresh : path, key, err);
}

static bool export(const struct cmd_call *call, struct err *err)
{
    struct signing_key key;
    str place = call->operands.ptr[0];
    const char *dir = cmd_db_dir(call, err);
    if (!dir || !load_key(call, &key, err))
        return false;
    if (is_registry(place)) {
        auto_fd fd = nameless_file(call, dir, err);
        return fd >= 0 && advisory_export(dir, fd, &key, cmd_cancel(), err) &&
               push_file(call, fd, err);
    }
    struct output output;
    const char *path = arena_cstr(call->arena, place);
    if (!path || !output_open_path(call->arena, path, &output, err))
        return path ? false : err_memory(err);
    return output_close(&output, advisory_export(dir, output.fd, &key, cmd_cancel(), err), err);
}

static int export_run(const struct cmd_call *call)
{
    struct err err = {0};
    if (!export(call, &err))
        return cmd_fail(call, &err);
    if (!str_eq(call->operands.ptr[0], STR("-")))
        printf("exported to " STR_FMT "\n", STR_ARG(call->operands.ptr[0]));
    return EXIT_DONE;
}

static bool export_check(const struct cmd_call *call, struct err *err)
{
    if (cmd_has(call, "key") == cmd_has(call, "new-key"))
        return err_set(err, ERR_USAGE, "name the key that signs: --key FILE, or --new-key FILE");
    return cmd_check_registry(call, err);
}

static const struct cmd_option export_options[] = {
    CMD_OPTION_DB,
    {.name = "key", .argument = "FILE", .help = "sign with this secret key"},
    {.name = "new-key",
     .argument = "FILE",
     .help = "make a pair first: the secret key in FILE, the public one in FILE.pub"},
    CMD_OPTIONS_REGISTRY,
    {0},
};
static const struct cmd_example export_examples[] = {
    {"plimsoll db export advisories.tar.zst --new-key export.key", "the first time"},
    {"plimsoll db export docker://registry.example/plimsoll/advisories:latest --key export.key",
     "into a registry of one's own"},
    {0},
};
const struct command command_db_export = {
    .name = "export",
    .summary = "write the sources into one signed file, or a registry",
    .operands = "FILE|docker://HOST/REPO[:TAG]",
    .min_operands = 1,
    .max_operands = 1,
    .about = "The last good state of every source, compressed with zstd and signed with an Ed25519 "
             "key. `-` is standard output. Carry the file, or let the other machine pull it, and "
             "give it the public key by another way.",
    .options = export_options,
    .examples = export_examples,
    .check = export_check,
    .run = export_run,
};

/* --- import
 * ------------------------------------------------------------------------------------------- */

static bool pull_layer(struct image_source *registry, const struct descriptor *layer, int fd,
                       struct err *err)
{
    struct blob blob = {0};
    str chunk;
    uint8_t sum[HASH_MAX];
    struct hash *hash = NULL;
    enum next next = NEXT_ERR;
    if (!hash_open(&hash, HASH_SHA256, err))
        return false;
    if (registry->ops->blob(registry, layer, &blob, err)) {
        while ((next = blob.from.read(blob.from.ctx, &chunk, err)) == NEXT_ITEM) {
            hash_add(hash, chunk);
            if (!fd_write(fd, chunk, err))
                break;
        }
    }
    blob_close(&blob);
    size_t n = hash_done(hash, sum);
    hash_close(hash);
    if (next != NEXT_END)
        return false;
    return layer->digest.n == n && memcmp(layer->digest.bytes, sum, n) == 0
               ? true
               : err_set(err, ERR_MISMATCH, "the artifact is not what its manifest names");
}

static bool pull(const struct cmd_call *call, int fd, struct err *err)
{
    struct image_source *registry = NULL;
    struct manifest manifest;
    digest name;
    str json;
    bool is_ok =
        open_registry(call, &registry, err) &&
        registry->ops->manifest(registry, call->arena, STR_NONE, NULL, &json, &name, err) &&
        manifest_parse(call->arena, json, &manifest, err);
    if (is_ok &&
        (manifest.layers.len != 1 || !str_eq(manifest.layers.ptr[0].media_type, STR(LAYER_TYPE))))
        is_ok = err_set(err, ERR_UNSUPPORTED, STR_FMT ": not an artifact of `plimsoll db export`",
                        STR_ARG(call->operands.ptr[0]));
    is_ok = is_ok && pull_layer(registry, &manifest.layers.ptr[0], fd, err);
    image_source_close(registry);
    return is_ok;
}

typedef VEC(struct trusted_key) trusted_keys;

static bool load_trusted(const struct cmd_call *call, trusted_keys *out, struct err *err)
{
    str path;
    for (size_t i = 0; cmd_value_at(call, "key", i, &path); i++) {
        struct trusted_key *slot = vec_push(call->arena, out);
        const char *file = arena_cstr(call->arena, path);
        if (!slot || !file)
            return err_memory(err);
        if (!trusted_key_load(file, slot, err))
            return false;
    }
    return true;
}

static int open_import(const struct cmd_call *call, const char *dir, struct err *err)
{
    str place = call->operands.ptr[0];
    if (!is_registry(place)) {
        const char *path = arena_cstr(call->arena, place);
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
            err_sys(err, ERR_NOT_FOUND, STR_FMT, STR_ARG(place));
        return fd;
    }
    int fd = dir_make(dir, err) ? nameless_file(call, dir, err) : -1;
    if (fd >= 0 && pull(call, fd, err))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int import_run(const struct cmd_call *call)
{
    struct err err = {0};
    struct update_result result = {0};
    trusted_keys keys = {0};
    const char *dir = cmd_db_dir(call, &err);
    if (!dir || !load_trusted(call, &keys, &err))
        return cmd_fail(call, &err);
    auto_fd fd = open_import(call, dir, &err);
    const struct import_spec spec = {.dir = dir,
                                     .fd = fd,
                                     .keys = keys.ptr,
                                     .n_keys = keys.len,
                                     .takes_older = cmd_has(call, "older"),
                                     .cancel = cmd_cancel()};
    if (fd < 0 || !advisory_import(&spec, &result, &err))
        return cmd_fail(call, &err);
    printf("%s generation %llu in %s\n",
           result.is_new ? "published" : "unchanged:", (unsigned long long)result.generation, dir);
    return EXIT_DONE;
}

static bool import_check(const struct cmd_call *call, struct err *err)
{
    if (!cmd_has(call, "key"))
        return err_set(err, ERR_USAGE, "--key is missing: the public key of who exported it");
    return cmd_check_registry(call, err);
}

static const struct cmd_option import_options[] = {
    CMD_OPTION_DB,
    {.name = "key",
     .argument = "FILE",
     .help = "a public key that is trusted",
     .is_repeatable = true},
    {.name = "older", .help = "take sources that are older than those here, too"},
    CMD_OPTIONS_REGISTRY,
    {0},
};
static const struct cmd_example import_examples[] = {
    {"plimsoll db import advisories.tar.zst --key export.key.pub", "from a file"},
    {"plimsoll db import docker://registry.example/plimsoll/advisories:latest --key export.key.pub",
     "from a registry"},
    {0},
};
const struct command command_db_import = {
    .name = "import",
    .summary = "take over what `db export` wrote",
    .operands = "FILE|docker://HOST/REPO[:TAG]",
    .min_operands = 1,
    .max_operands = 1,
    .about = "Verifies the signature and every digest, then compiles a generation of what it holds "
             "and of the sources here that it does not hold. Nothing changes unless all of it is "
             "good.",
    .options = import_options,
    .examples = import_examples,
    .check = import_check,
    .run = import_run,
};
