/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - names, manifests and configurations of container images, and where their bytes lie on
 * disk.  Not: registries (registry/), nor what is inside a layer (inventory/).
 * Follows: OCI image-spec 1.1 (manifest, index, config, layout), Docker image manifest v2 schema 2,
 * docker-save archives.  Media types are hints: what a document is, its content decides.
 * Owns: an image_source owns its files until image_source_close; all else lives in the arena given.
 * Threads: parsed values are read-only; a source serves one thread at a time, except blob(), whose
 * streams may be read by several. */
#pragma once

#include "codec/codec.h"
#include "model/model.h"

/* --- digests ------------------------------------------------------------------------------------
 */
typedef struct {
    enum hash_kind kind;
    uint8_t n; /* bytes used; 0: none */
    uint8_t bytes[HASH_MAX];
} digest;
enum { DIGEST_TEXT_SIZE = 8 + 2 * HASH_MAX };
/* "sha256:…" or "sha512:…", lower-case hexadecimal of the right length. */
NODISCARD bool digest_parse(str text, digest *out);
/* NUL-terminated too; empty for none. */
str digest_print(const digest *d, char out[static DIGEST_TEXT_SIZE]);
bool digest_eq(const digest *a, const digest *b);
digest digest_of(enum hash_kind kind, str bytes);
/* ERR_MISMATCH unless @bytes have the digest @want. */
NODISCARD bool digest_check(const digest *want, str bytes, struct err *err);
static inline bool digest_is_none(const digest *d) { return d->n == 0; }

/* --- references ---------------------------------------------------------------------------------
 */
enum source_kind {
    SOURCE_NONE,
    SOURCE_REGISTRY,       /* [docker://]HOST/REPO[:TAG|@DIGEST] */
    SOURCE_OCI_DIR,        /* oci:DIR[:TAG|@DIGEST] */
    SOURCE_OCI_ARCHIVE,    /* oci-archive:FILE[:TAG|@DIGEST] */
    SOURCE_DOCKER_ARCHIVE, /* docker-archive:FILE[:TAG] */
    SOURCE_DIR,            /* dir:ROOT */
    SOURCE_SBOM,           /* sbom:FILE */
};
struct reference {
    enum source_kind kind;
    str text; /* as given */
    str host; /* registry: "reg.example:5000" */
    str repository;
    str path; /* on disk */
    str tag;  /* registry default "latest" only when neither tag nor digest is given */
    digest digest;
};
/* A bare existing path is recognised by what it is: a folder with oci-layout, an archive with
 * manifest.json or oci-layout, any other folder as dir:.  Slices borrow from @arena. */
NODISCARD bool reference_parse(struct arena *arena, str text, struct reference *out,
                               struct err *err);

bool reference_is_tag(str text); /* [A-Za-z0-9_][A-Za-z0-9._-]{0,127} */

/* Registries whose API answers under another name than the one people write; NULL: an ordinary one.
 */
struct registry_row {
    const char *host;          /* "docker.io" */
    const char *api_host;      /* "registry-1.docker.io" */
    const char *single_prefix; /* "library/": put before a repository of one part */
    const char *auth_key;      /* in Docker's config.json */
};
const struct registry_row *registry_row_find(str host);

/* --- documents ----------------------------------------------------------------------------------
 */
struct platform {
    str os, arch, variant, os_version;
};
/* "linux/arm64", "linux/arm/v7", or "windows/amd64:10.0.17763". */
NODISCARD bool platform_parse(str text, struct platform *out);
str platform_print(struct arena *arena, const struct platform *platform);

struct descriptor {
    str media_type; /* may be empty */
    digest digest;  /* none only for the layer of dir:, which nobody knows before it was read */
    uint64_t size_bytes; /* UINT64_MAX when not stated */
    struct platform platform;
    str artifact_type;
    str ref_name;        /* org.opencontainers.image.ref.name */
    bool is_attestation; /* vnd.docker.reference.type, or platform unknown/unknown */
    bool is_foreign;     /* layer that registries do not distribute */
    str data;            /* embedded content, decoded; empty when none */
};
enum manifest_kind {
    MANIFEST_UNKNOWN,
    MANIFEST_IMAGE,
    MANIFEST_INDEX,
    MANIFEST_NOT_IMAGE, /* chart, signature, attestation, SBOM, empty config …: see reason */
};
typedef VEC(struct descriptor) descriptors;
struct manifest {
    enum manifest_kind kind;
    str reason; /* why it is not an image, in words for the user */
    str media_type, artifact_type;
    struct descriptor config;
    descriptors layers;
    descriptors children; /* of an index */
    digest subject;
};
/* JSON of a manifest or index.  ERR_FORMAT for what is neither, ERR_UNSUPPORTED for schema 1,
 * ERR_LIMIT above LIMIT_LAYERS or LIMIT_INDEX_CHILDREN. */
NODISCARD bool manifest_parse(struct arena *arena, str json, struct manifest *out, struct err *err);

struct history {
    str created_by, comment;
    bool is_empty_layer;
};
struct label {
    str key, value;
};
struct image_config {
    struct platform platform;
    str created;
    VEC(digest) diff_ids;
    VEC(struct history) history;
    VEC(struct label) labels; /* sorted by key */
};
NODISCARD bool image_config_parse(struct arena *arena, str json, struct image_config *out,
                                  struct err *err);
/* The build step that made layer @i: history entries with is_empty_layer are stepped over; empty
 * when the history does not say. */
str image_created_by(const struct image_config *config, size_t layer);

/* --- sources ------------------------------------------------------------------------------------
 */
struct blob {
    struct source from;
    void (*close)(struct blob *blob);
    void *ctx;
};
static inline void blob_close(struct blob *blob)
{
    if (blob->close)
        blob->close(blob);
    *blob = (struct blob){0};
}

struct image_source {
    const struct image_source_ops *ops;
};
struct image_source_ops {
    /* The manifest or index that @tag or @digest names (both empty: the only one there is, or the
     * default).  Its digest was verified against its bytes, and against @want when given.
     * ERR_NOT_FOUND names what is there instead. */
    bool (*manifest)(struct image_source *self, struct arena *arena, str tag, const digest *want,
                     str *bytes, digest *got, struct err *err);
    /* Stream a blob.  The caller verifies digest and size. */
    bool (*blob)(struct image_source *self, const struct descriptor *what, struct blob *out,
                 struct err *err);
    void (*close)(struct image_source *self);
    /* The manifests whose subject is @subject (OCI image-spec 1.1), appended to *out, at most
     * LIMIT_REFERRERS; each with its artifact type, as far as one is known.  @artifact_type empty:
     * of every type.  None is an answer.  NULL: a kind of source that keeps none. */
    bool (*referrers)(struct image_source *self, struct arena *arena, const digest *subject,
                      str artifact_type, descriptors *out, struct err *err);
};
/* Whole blob of at most @max bytes, checked against the digest and size of @what. */
NODISCARD bool blob_load(struct image_source *source, struct arena *arena,
                         const struct descriptor *what, size_t max, str *out, struct err *err);
static inline void image_source_close(struct image_source *source)
{
    if (source)
        source->ops->close(source);
}

/* --- referrers (distribution-spec 1.1, "Listing Referrers")
 * ------------------------------------------------------------------------------------------------
 */
/* "sha256-<hex>": the tag under which an index of them lies where nobody keeps a list. */
enum { REFERRERS_TAG_SIZE = DIGEST_TEXT_SIZE };
str referrers_tag(const digest *subject, char out[static REFERRERS_TAG_SIZE]);
/* The children of such an index, those of @artifact_type and of none that is told; empty: all.
 * ERR_LIMIT above LIMIT_REFERRERS. */
NODISCARD bool referrers_add(struct arena *arena, const struct manifest *index, str artifact_type,
                             descriptors *out, struct err *err);

/* One entry of an archive file, as the sandboxed lister found it. */
struct archive_entry {
    str path; /* cleaned: no leading "./" or "/" */
    str link; /* cleaned target of a symbolic or hard link, relative to the archive's root */
    enum entry_type type;
    uint64_t offset, size_bytes;
};
typedef VEC(struct archive_entry) archive_entries;

NODISCARD bool image_source_open_dir(const struct reference *ref, struct image_source **out,
                                     struct err *err); /* oci: */
/* oci-archive: and docker-archive: files are listed by the caller (in the sandbox), read by pread;
 * their entries, not their name, decide which of the two it is.  @entries is copied.  A compressed
 * archive has no offsets to read at: ERR_UNSUPPORTED, unless the caller unpacked it and gives the
 * path of that
 * (/proc/self/fd/N will do). */
bool archive_is_compressed(int fd);
NODISCARD bool image_source_open_archive(const struct reference *ref,
                                         const archive_entries *entries, struct image_source **out,
                                         struct err *err);
/* dir: one plain layer, streamed as a tar of what lies below the root: every path, and the bodies
 * of the files that @wants asks for; others have their size but no body (size 0 in the stream).  A
 * further name of a file whose body was streamed is a hard link to the first, @wants or not.
 * Entries in byte order of their paths, so the stream is the same for the same tree.  The manifest
 * has no digest (*got is none), its layer neither digest nor size, and the diff id is none: there
 * is nothing to verify.  Below the root, file systems of the types proc, sysfs, cgroup, devpts and
 * mqueue are empty folders; any other folder that cannot be read is an error.  @wants sees paths
 * without a leading "/" or "./". */
NODISCARD bool image_source_open_root(const struct reference *ref,
                                      bool (*wants)(void *ctx, const struct entry *entry),
                                      void *ctx, struct image_source **out, struct err *err);

/* --- from a source to images --------------------------------------------------------------------
 */
struct image {
    digest digest; /* of its manifest */
    digest index;  /* of the outermost index it was found in; none */
    struct platform platform;
    struct manifest manifest;
    struct image_config config;
    bool is_assessable; /* Linux, an image, and so on */
    bool is_broken;     /* could not be read: digest, index and stated platform are all we know */
    str reason;         /* when not assessable, or broken */
};
typedef VEC(struct image) images;

struct image_choice {
    struct platform platform; /* empty: the machine's own, linux */
    bool is_all;              /* every platform of an index */
};
/* Follow indexes (LIMIT_INDEX_DEPTH) to image manifests and read their configurations. Attestations
 * are left out.  With one platform asked for and none of that kind, ERR_NOT_FOUND lists what there
 * is.  A manifest that is no image, or not for Linux, is one image with is_assessable false.
 * With all platforms asked for, a child that cannot be read is one image with is_broken, as long
 * as another can be. */
NODISCARD bool image_resolve(struct image_source *source, struct arena *arena, str tag,
                             const digest *want, const struct image_choice *choice, images *out,
                             struct err *err);
