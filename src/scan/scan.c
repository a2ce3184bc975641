/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/scan.h"

#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/clock.h"
#include "scan/internal.h"

/* --- the scanner
 * ----------------------------------------------------------------------------------- */

bool scanner_open(const struct scanner_spec *spec, struct scanner **out, struct err *err)
{
    struct scanner *scanner = calloc(1, sizeof(*scanner));
    *out = NULL;
    if (!scanner)
        return err_memory(err);
    if (!sandbox_start(&analyser_spec, &scanner->sandbox, err)) {
        free(scanner);
        return false;
    }
    if (sandbox_level(scanner->sandbox) < spec->required) {
        err_set(err, ERR_SANDBOX, "the sandbox is %s, without %s; %s was asked for",
                sandbox_level_name(sandbox_level(scanner->sandbox)),
                sandbox_missing(scanner->sandbox), sandbox_level_name(spec->required));
        scanner_close(scanner);
        return false;
    }
    *out = scanner;
    return true;
}

void scanner_close(struct scanner *scanner)
{
    if (!scanner)
        return;
    sandbox_stop(scanner->sandbox);
    free(scanner);
}

enum sandbox_level scanner_level(const struct scanner *scanner)
{
    return sandbox_level(scanner->sandbox);
}
const char *scanner_missing(const struct scanner *scanner)
{
    return sandbox_missing(scanner->sandbox);
}

/* --- the source
 * ------------------------------------------------------------------------------------ */

static bool wants_body(void *ctx, const struct entry *entry)
{
    (void)ctx;
    return inventory_wants(entry);
}

/* @reference names what can be read in place: the archive, or what it inflates to. */
static bool open_plain_archive(struct scanner *scanner, const struct scan_spec *spec,
                               const struct reference *reference, struct arena *arena,
                               struct image_source **out, struct err *err)
{
    archive_entries entries = {0};
    const char *path = arena_cstr(arena, reference->path);
    if (!path)
        return err_memory(err);
    return archive_list(scanner, path, spec->cancel, arena, &entries, err) &&
           image_source_open_archive(reference, &entries, out, err);
}

static bool open_archive(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
                         struct image_source **out, struct err *err)
{
    struct reference plain = spec->reference;
    const char *path = arena_cstr(arena, spec->reference.path);
    if (!path)
        return err_memory(err);
    auto_fd file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return err_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", path);
    auto_fd inflated = -1;
    if (archive_is_compressed(file)) {
        if (!archive_inflate(scanner, file, spec->cancel, &inflated, err))
            return false;
        plain.path = arena_printf(arena, "/proc/self/fd/%d", inflated);
    }
    return open_plain_archive(scanner, spec, &plain, arena, out, err);
}

static bool open_source(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
                        struct image_source **out, struct err *err)
{
    switch (spec->reference.kind) {
    case SOURCE_REGISTRY:
        return registry_open(&spec->reference, spec->registry, out, err);
    case SOURCE_OCI_DIR:
        return image_source_open_dir(&spec->reference, out, err);
    case SOURCE_OCI_ARCHIVE:
    case SOURCE_DOCKER_ARCHIVE:
        return open_archive(scanner, spec, arena, out, err);
    case SOURCE_DIR:
        return image_source_open_root(&spec->reference, wants_body, NULL, out, err);
    case SOURCE_SBOM:
    case SOURCE_NONE:
        break;
    }
    return err_set(err, ERR_UNSUPPORTED, STR_FMT ": this kind of source cannot be scanned",
                   STR_ARG(spec->reference.text));
}

/* --- the report
 * ------------------------------------------------------------------------------------ */

static bool describe_layers(struct arena *arena, const struct image *image, struct report *report)
{
    for (size_t i = 0; i < image->manifest.layers.len; i++) {
        struct report_layer *layer = vec_push(arena, &report->layers);
        if (!layer)
            return false;
        const struct descriptor *what = &image->manifest.layers.ptr[i];
        layer->digest = what->digest;
        layer->size_bytes = what->size_bytes == UINT64_MAX ? 0 : what->size_bytes;
        layer->created_by = image_created_by(&image->config, i);
        if (i < image->config.diff_ids.len)
            layer->diff_id = image->config.diff_ids.ptr[i];
    }
    return true;
}

static bool describe(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
                     const struct image *image, struct report *report)
{
    report->source = spec->reference.text;
    report->scanned_at = clock_stamp_s();
    report->digest = image->digest;
    report->index = image->index;
    report->platform = platform_print(arena, &image->platform);
    report->sandbox = str_from(sandbox_level_name(scanner_level(scanner)));
    for (size_t i = 0; i < image->config.labels.len; i++) {
        struct label *label = vec_push(arena, &report->labels);
        if (!label)
            return false;
        *label = image->config.labels.ptr[i];
    }
    bool is_told = scanner_level(scanner) == SANDBOX_FULL ||
                   notice_add(arena, &report->notices, NOTICE_SANDBOX, false, STR_NONE,
                              arena_printf(arena, "the sandbox is basic: it lacks %s",
                                           scanner_missing(scanner)));
    return is_told && report->platform.ptr && describe_layers(arena, image, report);
}

static bool append_notices(struct arena *arena, notices *to, const notices *from)
{
    for (size_t i = 0; i < from->len; i++) {
        struct notice *notice = vec_push(arena, to);
        if (!notice)
            return false;
        *notice = from->ptr[i];
    }
    return true;
}

static size_t count_findings(const struct report *report)
{
    size_t n = 0;
    for (size_t i = 0; i < report->findings.len; i++)
        n += report->findings.ptr[i].class != CLASS_KERNEL_HEADERS &&
             report->findings.ptr[i].disabled_by.len == 0;
    return n;
}

static str created_by(const struct report *report, int layer)
{
    return layer >= 0 && (size_t)layer < report->layers.len ? report->layers.ptr[layer].created_by
                                                            : STR_NONE;
}

static bool describe_database(const struct advisory_db *db, struct report *report)
{
    report->has_database = db != NULL;
    if (db) {
        report->generation = advisory_db_generation(db);
        report->database = advisory_db_identity(db);
        report->n_sources = advisory_db_sources(db, &report->sources);
    }
    return true;
}

/* What VEX statements may call the image. */
static bool name_image(struct arena *arena, const struct reference *ref,
                       const struct report *report, struct vex_image *out)
{
    const digest *digests[] = {&report->digest, &report->index};
    str os, arch, host = ref->host;
    (void)str_cut_byte(report->platform, '/', &os, &arch);
    (void)str_cut_byte(arch, '/', &arch, &os);
    size_t slash = str_rfind_byte(ref->repository, '/');
    *out = (struct vex_image){
        .name =
            slash < ref->repository.len ? str_skip(ref->repository, slash + 1) : ref->repository,
        .repository = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(host), host.len ? "/" : "",
                                   STR_ARG(ref->repository)),
        .tag = ref->tag,
        .arch = arch};
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        char text[DIGEST_TEXT_SIZE];
        if (digest_is_none(digests[i]))
            continue;
        str *slot = vec_push(arena, &out->digests);
        if (!slot || !(*slot = arena_dup(arena, digest_print(digests[i], text))).ptr)
            return false;
    }
    return out->repository.ptr != NULL;
}

/* Where statements on an image come from besides the database. */
struct vex_sources {
    const struct reference *reference;
    const vex_statements *given;         /* NULL: none */
    const struct attached_vex *attached; /* NULL: nobody asked for them */
};

/* The reference that a stored report was made of; its parts are empty when it is none any more. */
static struct reference reference_of(struct arena *arena, const struct report *report)
{
    struct reference ref = {0};
    struct err ignored = {0};
    return reference_parse(arena, report->source, &ref, &ignored) ? ref : (struct reference){0};
}

static bool hold_against_given(const vex_statements *said, const struct vex_image *image,
                               const struct image_inventory *inventory, struct arena *arena,
                               struct report *report, struct err *err)
{
    size_t n = 0;
    if (!said || said->len == 0)
        return true;
    if (!vex_apply(arena, said, image, inventory, &report->findings, &n, err))
        return false;
    str message = arena_printf(arena, "VEX: %zu of %zu findings are taken away by %zu statements",
                               n, report->findings.len, said->len);
    return (message.ptr &&
            notice_add(arena, &report->notices, NOTICE_INFO, false, STR_NONE, message)) ||
           err_memory(err);
}

static bool hold_against_attached(const struct attached_vex *attached, str place,
                                  const struct vex_image *image,
                                  const struct image_inventory *inventory, struct arena *arena,
                                  struct report *report, struct err *err)
{
    size_t n = 0;
    return !attached ||
           (vex_apply(arena, &attached->statements, image, inventory, &report->findings, &n, err) &&
            attached_vex_tell(attached, place, &report->findings, arena, &report->notices, err));
}

/* VEX feeds, documents attached to the image, documents given by hand: the later has the last
 * word. */
static bool hold_against_vex(const struct advisory_db *db, const struct vex_sources *vex,
                             const struct image_inventory *inventory, struct arena *arena,
                             struct report *report, struct err *err)
{
    struct vex_image image;
    bool is_asked = vex && (vex->attached || (vex->given && vex->given->len));
    if (!is_asked && (!advisory_db_has_vex(db) || report->findings.len == 0))
        return true;
    struct reference ref = vex ? *vex->reference : reference_of(arena, report);
    if (!name_image(arena, &ref, report, &image))
        return err_memory(err);
    if (!match_vex_image(db, &image, inventory, arena, &report->findings, &report->notices, err))
        return false;
    return !vex ||
           (hold_against_attached(vex->attached, ref.text, &image, inventory, arena, report, err) &&
            hold_against_given(vex->given, &image, inventory, arena, report, err));
}

/* --- the base image
 * --------------------------------------------------------------------------------- */
static bool tell_base(struct arena *arena, const struct scan_bases *bases, size_t which,
                      size_t n_base, struct report *report)
{
    str message =
        n_base && which < bases->chains.len
            ? arena_printf(arena, "the first %zu of %zu layers are the base image " STR_FMT, n_base,
                           report->layers.len, STR_ARG(bases->chains.ptr[which].name))
            : arena_printf(arena, "none of the images given as base is what this one begins with");
    return message.ptr &&
           notice_add(arena, &report->notices, NOTICE_INFO, false, STR_NONE, message);
}

static bool find_base(const struct scan_bases *bases, struct arena *arena, struct report *report,
                      size_t *n_base, struct err *err)
{
    size_t n = report->layers.len, which = SIZE_MAX;
    digest *ids = arena_array(arena, digest, n + 1);
    if (!ids)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        ids[i] = report->layers.ptr[i].diff_id;
    *n_base = assess_base(ids, n, bases->chains.ptr, bases->chains.len, &which);
    size_t n_found = 0;
    if (bases->find && !bases->find(bases->ctx, ids, n, &n_found, err))
        return err_wrap(err, "base image");
    if (n_found > *n_base) {
        *n_base = n_found;
        return true;
    }
    return bases->chains.len == 0 || tell_base(arena, bases, which, *n_base, report) ||
           err_memory(err);
}

static bool mark_base(const struct scan_bases *bases, struct arena *arena, struct report *report,
                      struct err *err)
{
    size_t n_base = 0;
    if (bases && !find_base(bases, arena, report, &n_base, err))
        return false;
    report_set_base(report, n_base);
    return true;
}

/* --- rules
 * ------------------------------------------------------------------------------------------ */
static bool push_text(struct arena *arena, strs *to, str text)
{
    str *slot = text.len ? vec_push(arena, to) : NULL;
    if (slot)
        *slot = text;
    return slot || !text.len;
}

/* What an image is held against, besides the database. */
struct decisions {
    const struct reference *reference; /* of the source; NULL: of a stored report */
    const struct vex_sources *vex;     /* NULL: of a stored report */
    const struct rules *rules;         /* NULL: none */
    const struct scan_bases *bases;    /* NULL: none */
};

static bool hold_against_rules(const struct decisions *by, struct arena *arena,
                               struct report *report, struct err *err)
{
    const struct rules *rules = by->rules;
    if (!rules || rules->all.len == 0 || !by->reference)
        return true;
    struct vex_image named;
    struct rule_image image = {.repository = by->reference->repository, .distro = &report->distro};
    struct rule_outcome *outcomes = arena_array(arena, struct rule_outcome, rules->all.len);
    if (!outcomes || !name_image(arena, by->reference, report, &named) ||
        !push_text(arena, &image.registries, by->reference->host))
        return err_memory(err);
    image.digests = named.digests;
    return (rules_apply(arena, rules, &image, report->scanned_at, &report->findings, outcomes) &&
            rules_tell(arena, rules, outcomes, &report->notices)) ||
           err_memory(err);
}

static bool match_and_remediate(const struct advisory_db *db, const struct decisions *by,
                                const struct image_inventory *inventory, struct arena *arena,
                                struct report *report, struct match_result *matched,
                                struct err *err)
{
    if (!match_image(db, inventory, arena, matched, err))
        return false;
    report->findings = matched->findings;
    if (!hold_against_vex(db, by->vex, inventory, arena, report, err) ||
        !hold_against_rules(by, arena, report, err) || !mark_base(by->bases, arena, report, err))
        return false;
    struct remedy_tools tools = assess_tools(&inventory->distro, &inventory->packages);
    for (size_t i = 0; i < report->findings.len; i++) {
        struct finding *finding = &report->findings.ptr[i];
        if (!assess_remediate(arena, finding, &tools, created_by(report, finding->layer)))
            return err_memory(err);
    }
    return append_notices(arena, &report->notices, &matched->notices) || err_memory(err);
}

static bool describe_packages(struct arena *arena, const struct image_inventory *inventory,
                              struct report *report)
{
    report->distro = inventory->distro;
    report->packages = inventory->packages;
    report->coverage = inventory->coverage;
    report->has_end_of_life = distro_end_of_life(&inventory->distro, &report->end_of_life);
    report->is_end_of_life = distro_is_end_of_life(&inventory->distro, report->scanned_at);
    for (size_t i = 0; i < inventory->packages.len; i++) {
        str *purl = vec_push(arena, &report->purls);
        if (!purl || !(*purl = purl_of(arena, &inventory->packages.ptr[i], &inventory->distro)).ptr)
            return false;
    }
    return true;
}

/* With packages and notices in place: findings and verdict.  @db may be NULL: inventory only. */
static bool conclude(const struct advisory_db *db, const struct decisions *by,
                     const struct image_inventory *inventory, struct arena *arena,
                     struct report *report, struct err *err)
{
    struct match_result matched = {.is_complete = true};
    if (!describe_packages(arena, inventory, report))
        return err_memory(err);
    describe_database(db, report);
    if (db && !match_and_remediate(db, by, inventory, arena, report, &matched, err))
        return false;
    if (!db && !mark_base(by->bases, arena, report, err))
        return false;
    report->is_complete = report->is_complete && inventory->is_complete && matched.is_complete;
    struct verdict_input input = {
        .is_complete = report->is_complete,
        .is_identified = inventory->is_identified,
        .ground = matched.ground,
        .is_end_of_life = report->is_end_of_life,
        .n_findings = count_findings(report),
        .distro_name = inventory->distro.name.len ? inventory->distro.name : inventory->distro.id,
    };
    struct verdict_output verdict = assess_verdict(arena, &input);
    report->verdict = db ? verdict.verdict : VERDICT_UNKNOWN;
    report->reason = db ? verdict.reason : STR_NONE; /* nothing was judged */
    input.n_findings = 0;
    struct verdict_output clear = db ? assess_verdict(arena, &input) : (struct verdict_output){0};
    report->clear_verdict = clear.verdict;
    report->clear_reason = clear.reason;
    return true;
}

bool scan_rematch(const struct advisory_db *db, const struct image_inventory *inventory,
                  const struct scan_bases *bases, struct arena *arena, struct report *report,
                  struct err *err)
{
    const struct decisions by = {.bases = bases};
    report->findings = (findings){0};
    report->purls = (strs){0};
    return conclude(db, &by, inventory, arena, report, err);
}

/* --- one image
 * -------------------------------------------------------------------------------------- */

static bool refuse_image(struct arena *arena, const struct image *image, struct report *report)
{
    struct verdict_input input = {.not_assessable = image->reason, .is_complete = true};
    struct verdict_output verdict = assess_verdict(arena, &input);
    report->verdict = report->clear_verdict = verdict.verdict;
    report->reason = report->clear_reason = verdict.reason;
    report->is_complete = true;
    return true;
}

/* Another platform of the index could be read, this one not: no verdict but Failed. */
static bool fail_image(struct arena *arena, const struct image *image, struct report *report,
                       struct err *err)
{
    report->verdict = VERDICT_FAILED;
    report->reason = image->reason;
    report->is_complete = false;
    return notice_add(arena, &report->notices, NOTICE_UNREADABLE, true, STR_NONE, image->reason) ||
           err_memory(err);
}

static bool merge_layers(struct scanner *scanner, const struct cancel *cancel, struct arena *arena,
                         const struct layers_result *layers, size_t n, struct image_inventory *out,
                         struct err *err)
{
    struct layer_inventory *nothing = arena_new(arena, struct layer_inventory);
    if (!nothing)
        return err_memory(err);
    nothing->executables.is_cut = true; /* what it covers is not known either */
    for (size_t i = 0; i < n; i++)
        if (!layers->inventories[i])
            layers->inventories[i] = nothing; /* the scan is incomplete already */
    return scan_merge(scanner, cancel, arena, layers->inventories, n, out, err);
}

static bool scan_image(struct scanner *scanner, const struct scan_spec *spec,
                       struct image_source *source, const struct image *image, struct arena *arena,
                       struct report *report, struct err *err)
{
    struct layers_result layers = {0};
    struct attached_vex attached = {0};
    struct image_inventory *inventory = arena_new(arena, struct image_inventory);
    if (!inventory || !describe(scanner, spec, arena, image, report))
        return err_memory(err);
    if (image->is_broken)
        return fail_image(arena, image, report, err);
    if (!image->is_assessable)
        return refuse_image(arena, image, report);
    if (!layers_run(scanner, spec, source, image, arena, report, &layers, err) ||
        !merge_layers(scanner, spec->cancel, arena, &layers, image->manifest.layers.len, inventory,
                      err))
        return false;
    bool has_attached = spec->takes_attached_vex && spec->db;
    if (has_attached && !attached_vex_read(source, image, arena, &attached, &report->notices, err))
        return false;
    const struct vex_sources vex = {&spec->reference, spec->vex, has_attached ? &attached : NULL};
    const struct decisions by = {
        .reference = &spec->reference, .vex = &vex, .rules = spec->rules, .bases = &spec->bases};
    report->is_complete = layers.is_complete;
    return (append_notices(arena, &report->notices, &inventory->notices) || err_memory(err)) &&
           conclude(spec->db, &by, inventory, arena, report, err);
}

bool scan_run(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
              reports *out, struct err *err)
{
    struct image_source *source = NULL;
    images found = {0};
    *out = (reports){0};
    bool is_done =
        open_source(scanner, spec, arena, &source, err) &&
        image_resolve(source, arena, spec->reference.tag,
                      digest_is_none(&spec->reference.digest) ? NULL : &spec->reference.digest,
                      &spec->choice, &found, err);
    for (size_t i = 0; is_done && i < found.len; i++) {
        struct report *report = arena_new(arena, struct report);
        struct report **slot = report ? vec_push(arena, out) : NULL;
        if (!slot) {
            is_done = err_memory(err);
            break;
        }
        *slot = report;
        is_done = scan_image(scanner, spec, source, &found.ptr[i], arena, report, err);
    }
    image_source_close(source);
    return is_done || err_wrap(err, STR_FMT, STR_ARG(spec->reference.text));
}

/* --- what an image consists of
 * ---------------------------------------------------------------------- */
static bool add_chain(struct arena *arena, const struct image *image, str name, layer_chains *out)
{
    struct layer_chain *chain = vec_push(arena, out);
    if (!chain)
        return false;
    *chain = (struct layer_chain){
        .name = name, .diff_ids = image->config.diff_ids.ptr, .n = image->config.diff_ids.len};
    return true;
}

static bool add_chains(struct arena *arena, const images *found, str name, layer_chains *out,
                       struct err *err)
{
    size_t before = out->len;
    for (size_t i = 0; i < found->len; i++) {
        const struct image *image = &found->ptr[i];
        if (image->is_assessable && image->config.diff_ids.len &&
            !add_chain(arena, image, name, out))
            return err_memory(err);
    }
    return out->len > before ||
           err_set(err, ERR_UNSUPPORTED, "its configuration names no layers to compare with");
}

bool scan_chains(struct scanner *scanner, const struct scan_spec *spec, struct arena *arena,
                 layer_chains *out, struct err *err)
{
    struct image_source *source = NULL;
    images found = {0};
    const struct reference *reference = &spec->reference;
    if (reference->kind == SOURCE_DIR)
        return err_set(err, ERR_UNSUPPORTED, STR_FMT ": a folder has no layers",
                       STR_ARG(reference->text));
    bool is_done = open_source(scanner, spec, arena, &source, err) &&
                   image_resolve(source, arena, reference->tag,
                                 digest_is_none(&reference->digest) ? NULL : &reference->digest,
                                 &spec->choice, &found, err) &&
                   add_chains(arena, &found, reference->text, out, err);
    image_source_close(source);
    return is_done || err_wrap(err, STR_FMT, STR_ARG(reference->text));
}

bool scan_source_open(struct scanner *scanner, const struct reference *reference,
                      const struct registry_config *registry, struct arena *arena,
                      struct image_source **out, struct err *err)
{
    const struct scan_spec spec = {.reference = *reference,
                                   .registry = registry,
                                   .cancel = registry ? registry->cancel : NULL};
    return open_source(scanner, &spec, arena, out, err);
}
