/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - one scan from end to end: source → layers → inventory → findings → report; the only
 * folder that sees the pipeline.  Foreign bytes are parsed in the analyser, a sandboxed child per
 * layer; the parent only hashes them and validates what comes out. Owns: a scanner owns its zygote
 * until scanner_close. Threads: a scanner may run several scans at once, each with an arena of its
 * own. */
#pragma once

#include "os/sandbox.h"
#include "registry/registry.h"
#include "report/report.h"

struct scanner;
struct scanner_spec {
    enum sandbox_level required; /* refuse to start below it */
};
/* Starts the zygote: call it before the process has threads, open files it should not share, or
 * secrets in memory. */
NODISCARD bool scanner_open(const struct scanner_spec *spec, struct scanner **out, struct err *err);
void scanner_close(struct scanner *scanner);
enum sandbox_level scanner_level(const struct scanner *scanner);
const char *scanner_missing(const struct scanner *scanner); /* what keeps it below full */

/* Where layer inventories are kept between scans; both may be NULL.  Keyed by layer digest and
 * inventory_revision(). */
struct layer_cache {
    bool (*get)(void *ctx, struct arena *arena, const digest *layer, const digest *diff_id,
                str *bytes);
    void (*put)(void *ctx, const digest *layer, const digest *diff_id, str bytes);
    void *ctx;
};

struct scan_progress {
    void (*layer)(void *ctx, size_t layer, size_t n_layers, uint64_t done_bytes,
                  uint64_t total_bytes);
    void *ctx;
};

/* Known images whose layers may be the beginning of the scanned one's. */
struct scan_bases {
    layer_chains chains;
    /* One more way, for chains that are looked up: how many of the first layers are another
     * image's, fewer than @n.  NULL: none. */
    bool (*find)(void *ctx, const digest *diff_ids, size_t n, size_t *n_base, struct err *err);
    void *ctx;
};

struct scan_spec {
    struct reference reference;
    struct image_choice choice;
    const struct registry_config
        *registry;                /* credentials, CA; NULL: anonymous and Docker's config file */
    const struct advisory_db *db; /* NULL: inventory only */
    const vex_statements *vex;    /* that findings are held against; NULL: none */
    const struct rules *rules;    /* that disable findings; NULL: none */
    struct scan_bases bases;      /* images that this one may be built on */
    bool takes_attached_vex;      /* those that are attached to the image too, before these */
    struct layer_cache cache;
    struct scan_progress progress;
    const struct cancel *cancel;
};
typedef VEC(struct report *) reports;
/* One report per image that the source resolves to.  False when nothing can be said at all (no such
 * image, no connection, not a manifest); a layer that is broken gives a report with VERDICT_FAILED,
 * or Unhealthy when something was found. */
NODISCARD bool scan_run(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
                        reports *out, struct err *err);
/* What the image of spec->reference consists of, by manifest and configuration alone (no layer is
 * read): a chain for every image it resolves to.  ERR_UNSUPPORTED for what has no layers. */
NODISCARD bool scan_chains(struct scanner *scanner, const struct scan_spec *spec,
                           struct arena *arena, layer_chains *out, struct err *err);
/* The inventory of layers that are known: image_inventory_merge, with foreign bytes read in the
 * sandbox. */
NODISCARD bool scan_merge(struct scanner *scanner, const struct cancel *cancel, struct arena *arena,
                          const struct layer_inventory *const *layers, size_t n,
                          struct image_inventory *out, struct err *err);
/* The source that a reference names, as a scan opens it: compressed archives are inflated and
 * listed in the sandbox.  @registry as in scan_spec. */
NODISCARD bool scan_source_open(struct scanner *scanner, const struct reference *reference,
                                const struct registry_config *registry, struct arena *arena,
                                struct image_source **out, struct err *err);
/* Match and assess again what was stored: no layer is read.  @bases may be NULL. */
NODISCARD bool scan_rematch(const struct advisory_db *db, const struct image_inventory *inventory,
                            const struct scan_bases *bases, struct arena *arena,
                            struct report *report, struct err *err);
