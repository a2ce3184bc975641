/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of image/ share: checked JSON, files in a folder or an archive,
 * choice. */
#pragma once

#include "base/map.h"
#include "image/image.h"
#include "syntax/syntax.h"

/* Whether @object has a member that equals one of @keys but for its case.  Decoders written in Go
 * take "Layers" for "layers" (the last one wins), so such a document means two things to two
 * readers. */
bool json_has_case_twin(json_t *object, const char *const *keys, size_t n);
/* A member copied into @arena; false: the arena is used up. */
NODISCARD bool json_keep(struct arena *arena, const json_t *object, const char *key, str *out);
NODISCARD bool platform_read(struct arena *arena, const json_t *object, struct platform *out);

/* A document that a source of ours made for dir: may leave out what nobody can know before the
 * stream was read: digest and size of the layer, and its diff id. */
enum parse_flags { PARSE_FOREIGN, PARSE_OWN };
NODISCARD bool manifest_parse_as(enum parse_flags flags, struct arena *arena, str json,
                                 struct manifest *out, struct err *err);
NODISCARD bool image_config_parse_as(enum parse_flags flags, struct arena *arena, str json,
                                     struct image_config *out, struct err *err);

/* reason.c: what an artifact with this media type is, in words; NULL when it may be an image's. */
const char *artifact_name(str media_type);
/* Fill kind and reason of a manifest whose descriptors were read. */
NODISCARD bool manifest_judge(struct arena *arena, struct manifest *manifest);

/* platform.c: linux on this machine; 0 when @have cannot run as @wanted, else higher is better. */
struct platform platform_own(void);
int platform_fit(const struct platform *wanted, const struct platform *have);

/* recognise.c: what kind of source a file is, by its first bytes and the names in it. */
NODISCARD bool archive_recognise(struct arena *arena, str path, enum source_kind *out,
                                 struct err *err);

/* files.c: a folder, or the entries of an archive file, by path. */
struct extent {
    int fd;
    bool is_owned; /* fd is to be closed */
    uint64_t offset, size_bytes;
};
struct files {
    int fd; /* of the folder or the archive */
    bool is_archive;
    uint64_t size_bytes; /* of the archive */
    struct map entries;  /* path → struct archive_entry */
    str path;            /* for messages */
};
NODISCARD bool files_open_dir(struct files *files, struct arena *arena, str path, struct err *err);
NODISCARD bool files_open_archive(struct files *files, struct arena *arena, str path,
                                  const archive_entries *entries, struct err *err);
void files_close(struct files *files);
bool files_has(const struct files *files, const char *path);
NODISCARD bool files_find(const struct files *files, const char *path, struct extent *out,
                          struct err *err);
void extent_close(struct extent *extent);
NODISCARD bool extent_read(struct extent *extent, struct arena *arena, size_t max, str *out,
                           struct err *err);
/* Find and read whole; more than @max is ERR_LIMIT. */
NODISCARD bool files_read(const struct files *files, struct arena *arena, const char *path,
                          size_t max, str *out, struct err *err);
/* Stream; takes over the extent. */
NODISCARD bool extent_blob(struct extent *extent, struct blob *out, struct err *err);
NODISCARD bool blob_from_bytes(str bytes, struct blob *out, struct err *err);

/* layout.c, docker.c: sources over files, which they take over. */
NODISCARD bool layout_open(struct files *files, struct arena *arena, const struct reference *ref,
                           struct image_source **out, struct err *err);
NODISCARD bool docker_archive_open(struct files *files, struct arena *arena,
                                   const struct reference *ref, struct image_source **out,
                                   struct err *err);
