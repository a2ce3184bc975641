/* SPDX-License-Identifier: Apache-2.0 */
/* reason.c - is a manifest a container image, and if not, what is it in words? */
#include "image/internal.h"

#include "base/num.h"

/* By prefix of a media type (of the config, of all layers, or the artifactType).  One row a kind of
 * artifact; the first fit counts, and no two prefixes overlap in meaning. */
static const struct artifact_row {
    const char *prefix, *name;
} artifact_rows[] = {
    {"application/vnd.cncf.helm.", "a Helm chart"},
    {"application/vnd.dev.cosign.simplesigning.", "a cosign signature"},
    {"application/vnd.dev.cosign.artifact.sig.", "a cosign signature"},
    {"application/vnd.dev.cosign.", "a cosign artifact"},
    {"application/vnd.dev.sigstore.bundle", "a Sigstore bundle"},
    {"application/vnd.cncf.notary.", "a Notary signature"},
    {"application/jose+json", "a Notary signature"},
    {"application/cose", "a Notary signature"},
    {"application/vnd.in-toto", "an attestation (in-toto)"},
    {"application/vnd.dsse.envelope", "an attestation (DSSE)"},
    {"application/vnd.cyclonedx", "an SBOM (CycloneDX)"},
    {"application/spdx", "an SBOM (SPDX)"},
    {"text/spdx", "an SBOM (SPDX)"},
    {"application/vnd.syft", "an SBOM (Syft)"},
    {"application/sarif", "a SARIF report"},
    {"application/vnd.oras.", "an ORAS artifact"},
    {"application/vnd.oci.artifact.", "an OCI artifact"},
    {"application/vnd.unknown.", "an ORAS artifact without a type"},
    {"application/vnd.wasm.", "a WebAssembly module"},
    {"application/wasm", "a WebAssembly module"},
    {"application/vnd.module.wasm.", "a WebAssembly module"},
    {"application/vnd.cncf.openpolicyagent.", "a policy bundle"},
    {"application/vnd.cncf.flux.", "a Flux bundle"},
    {"application/vnd.buildkit.cacheconfig.", "a build cache"},
    {"application/vnd.docker.plugin.", "a Docker plugin"},
    {"application/vnd.aquasec.trivy.", "a database of Trivy"},
    {"application/vnd.plimsoll.", "a database of Plimsoll"},
    {"application/vnd.ollama.", "a language model"},
    {"application/vnd.docker.ai.", "a language model"},
    {"application/vnd.cncf.model.", "a language model"},
    {"application/vnd.cnai.", "a language model"},
};

const char *artifact_name(str media_type)
{
    for (size_t i = 0; i < ARRAY_LEN(artifact_rows); i++)
        if (str_starts(media_type, str_from(artifact_rows[i].prefix)))
            return artifact_rows[i].name;
    return NULL;
}

static bool is_image_config(str media_type)
{
    /* Very old pushes called every blob an octet stream. */
    return str_is_empty(media_type) || str_eq(media_type, STR("application/octet-stream")) ||
           str_starts(media_type, STR("application/vnd.oci.image.config.")) ||
           str_starts(media_type, STR("application/vnd.docker.container.image."));
}

static bool is_empty_config(str media_type)
{
    return str_starts(media_type, STR("application/vnd.oci.empty."));
}

/* What all layers are, when they are all artifacts: an image with one layer too many of that kind
 * stays an image, and the layer an error. */
static const char *layers_name(const struct manifest *manifest)
{
    const char *name = NULL;
    for (size_t i = 0; i < manifest->layers.len; i++) {
        name = artifact_name(manifest->layers.ptr[i].media_type);
        if (!name)
            return NULL;
    }
    return name;
}

static bool set_reason(struct arena *arena, struct manifest *manifest, enum manifest_kind kind,
                       const char *name, str type)
{
    manifest->kind = kind;
    if (name)
        manifest->reason = arena_printf(arena, "%s, not a container image", name);
    else if (str_is_empty(type))
        manifest->reason = arena_printf(arena, "an artifact with an empty config, not a container "
                                               "image");
    else
        manifest->reason =
            arena_printf(arena, "an artifact of type %.*s, not a container image", STR_ARG(type));
    return manifest->reason.ptr != NULL;
}

bool manifest_judge(struct arena *arena, struct manifest *manifest)
{
    str config = manifest->config.media_type;
    const char *by_layers = layers_name(manifest);
    if (is_image_config(config) && !by_layers) {
        manifest->kind = MANIFEST_IMAGE;
        return true;
    }
    if (is_image_config(config))
        return set_reason(arena, manifest, MANIFEST_NOT_IMAGE, by_layers, STR_NONE);
    const char *by_type = artifact_name(manifest->artifact_type);
    if (is_empty_config(config))
        return set_reason(arena, manifest, MANIFEST_NOT_IMAGE, by_type ? by_type : by_layers,
                          manifest->artifact_type);
    const char *by_config = artifact_name(config);
    if (by_config || by_layers)
        return set_reason(arena, manifest, MANIFEST_NOT_IMAGE, by_layers ? by_layers : by_config,
                          STR_NONE);
    /* A label nobody knows: the config's bytes decide (image_resolve). */
    return set_reason(arena, manifest, MANIFEST_UNKNOWN, by_type, config);
}
