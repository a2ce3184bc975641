/* SPDX-License-Identifier: Apache-2.0 */
/* redhat_vex.c - one CSAF document of Red Hat: a VEX of one CVE, or an erratum (RHSA) of several.
 *
 * - Status `fixed`: affected below the version of the fixed package.  Where a source package was
 *   fixed, its binaries are not repeated; but a source with an epoch is spoken of by its binaries,
 *   since an installed package does not tell its source's epoch.  Several fixes of one package in
 *   one ecosystem and module: the highest counts, as each erratum asks for its own.
 * - `known_affected`: affected whatever the version; the remediation says whether a fix will come:
 *   "Affected", "Fix deferred", "Will not fix", "Out of support scope" (end of life).
 * - `known_not_affected`: with its flag as the note; silent where the same package was fixed or is
 *   affected.  `under_investigation`: a statement whose state is unknown.
 * - Severity is the threat "impact" of the product, Red Hat's own; scores are the document's.
 * - Not packages of ours, hence left out: container images (pkg:oci), pkg:generic, products without
 *   a component, and packages of debug symbols. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"

enum status { STATUS_FIXED, STATUS_AFFECTED, STATUS_NOT_AFFECTED, STATUS_UNKNOWN, N_STATUS };
static const char *const STATUS_NAMES[N_STATUS] = {
    [STATUS_FIXED] = "fixed",
    [STATUS_AFFECTED] = "known_affected",
    [STATUS_NOT_AFFECTED] = "known_not_affected",
    [STATUS_UNKNOWN] = "under_investigation",
};

struct vex_entry {
    struct record_entry entry;
    enum status status;
    str place; /* ecosystem, module: what its kin share */
    bool is_covered;
};

struct redhat_reading {
    struct arena *arena;
    struct csaf_tree tree;
    struct map ecosystems; /* platform id → struct ecosystem_name */
    struct map packages;   /* component id → struct redhat_package */
    struct map by_key;     /* place, name, kind, status → index + 1 */
    struct map facts;      /* what else is_covered asks; see cover() */
    VEC(struct vex_entry) entries;
    struct record *record;
    enum severity severity; /* of the vulnerability as a whole, else of the document */
    struct err *err;
};

struct ecosystem_name {
    str name;
};

/* --- products
 * ---------------------------------------------------------------------------------------- */

static bool ecosystem_of(struct redhat_reading *v, const struct csaf_product *platform, str *out)
{
    struct ecosystem_name *known = map_get(&v->ecosystems, platform->id);
    if (!known) {
        known = arena_new(v->arena, struct ecosystem_name);
        if (!known || !map_put(&v->ecosystems, platform->id, known))
            return err_memory(v->err);
        if (!redhat_ecosystem(v->arena, platform->cpe, &known->name, v->err))
            return false;
    }
    *out = known->name;
    return true;
}

static bool package_of(struct redhat_reading *v, const struct csaf_product *component,
                       struct redhat_package **out)
{
    *out = map_get(&v->packages, component->id);
    if (*out)
        return true;
    *out = arena_new(v->arena, struct redhat_package);
    if (!*out || !map_put(&v->packages, component->id, *out))
        return err_memory(v->err);
    if (str_is_empty(component->purl)) {
        redhat_nevra(component->id, *out);
        return true;
    }
    return redhat_purl(v->arena, component->purl, *out, v->err);
}

static bool is_debug(str name)
{
    return str_ends(name, STR("-debuginfo")) || str_ends(name, STR("-debugsource")) ||
           str_has(name, STR("-debuginfo-"));
}

/* --- entries
 * ----------------------------------------------------------------------------------------- */

static str first_line(str text)
{
    str line, rest;
    (void)str_cut_byte(text, '\n', &line, &rest);
    return str_slice(str_trim(line), 0, 160);
}

static bool flag_words(struct redhat_reading *v, str label, str *out)
{
    auto_sb words;
    struct rd in;
    sb_init(&words, 256);
    for (rd_init(&in, str_slice(label, 0, 128)); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        sb_byte(&words, c == '_' ? ' ' : c);
    }
    *out = arena_dup(v->arena, sb_str(&words));
    return out->ptr ? true : err_memory(v->err);
}

static bool describe(struct redhat_reading *v, const struct csaf_product *product,
                     enum status status, struct affected *out)
{
    out->severity = severity_word(product->impact);
    if (out->severity == SEVERITY_UNKNOWN)
        out->severity = v->severity;
    if (status == STATUS_FIXED)
        out->state = FIX_FIXED;
    else if (status == STATUS_NOT_AFFECTED)
        out->state = FIX_NOT_AFFECTED;
    else if (status == STATUS_UNKNOWN)
        out->state = FIX_UNKNOWN;
    else
        out->state = str_eq(product->remedy, STR("no_fix_planned")) &&
                             redhat_fix_state(product->remedy_text) == FIX_AFFECTED
                         ? FIX_WILL_NOT_FIX
                         : redhat_fix_state(product->remedy_text);
    if (status == STATUS_AFFECTED && out->state == FIX_NOT_AFFECTED)
        out->state = FIX_AFFECTED; /* the list it stands in weighs more than a text */
    if (status == STATUS_NOT_AFFECTED)
        return flag_words(v, product->flag, &out->note);
    if (status == STATUS_UNKNOWN)
        out->note = STR("under investigation");
    else if (status == STATUS_AFFECTED)
        out->note = first_line(product->remedy_text);
    return true;
}

static bool add_range(struct redhat_reading *v, struct affected *affected, enum status status,
                      str version)
{
    if (status == STATUS_FIXED && version.len)
        return redhat_add_fix(v->arena, affected, version, v->err);
    if (status == STATUS_NOT_AFFECTED || affected->ranges.len)
        return true;
    struct version_range *range = vec_push(v->arena, &affected->ranges);
    if (!range)
        return err_memory(v->err);
    range->introduced = STR("0");
    return true;
}

static struct vex_entry *entry_at(struct redhat_reading *v, str ecosystem,
                                  const struct redhat_package *package, enum status status)
{
    str place =
        arena_printf(v->arena, STR_FMT "\n" STR_FMT, STR_ARG(ecosystem), STR_ARG(package->module));
    str key = arena_printf(v->arena, STR_FMT "\n" STR_FMT "\n%d%d", STR_ARG(place),
                           STR_ARG(package->name), package->is_source, (int)status);
    void **slot = key.ptr && place.ptr ? map_at(&v->by_key, key) : NULL;
    if (!slot)
        return NULL;
    if (*slot)
        return &v->entries.ptr[(uintptr_t)*slot - 1];
    struct vex_entry *fresh = vec_push(v->arena, &v->entries);
    if (!fresh)
        return NULL;
    *slot = (void *)(uintptr_t)v->entries.len;
    fresh->status = status;
    fresh->place = place;
    fresh->entry = (struct record_entry){.ecosystem = ecosystem, .package = package->name};
    fresh->entry.affected.module = package->module;
    fresh->entry.affected.is_binary = !package->is_source;
    return fresh;
}

static bool add_product(struct redhat_reading *v, str id, enum status status)
{
    const struct csaf_product *product = csaf_product(&v->tree, id);
    if (!product || !product->component.len)
        return true;
    const struct csaf_product *component = csaf_component(&v->tree, product),
                              *platform = csaf_platform(&v->tree, product);
    struct redhat_package *package;
    str ecosystem = STR_NONE;
    if (!component || !platform)
        return true;
    if (!ecosystem_of(v, platform, &ecosystem) || !package_of(v, component, &package))
        return false;
    if (str_is_empty(ecosystem) || str_is_empty(package->name) || is_debug(package->name))
        return true;
    struct vex_entry *entry = entry_at(v, ecosystem, package, status);
    if (!entry)
        return err_memory(v->err);
    bool is_first = !entry->entry.affected.ranges.len;
    if (is_first && !describe(v, product, status, &entry->entry.affected))
        return false;
    if (package->arch.len && !str_eq(package->arch, STR("noarch")) &&
        !strs_push(v->arena, &entry->entry.affected.arches, package->arch, v->err))
        return false;
    return add_range(v, &entry->entry.affected, status, package->version);
}

/* --- what says the same twice
 * --------------------------------------------------------------------------------- */

static bool has_epoch(str version) { return str_find_byte(version, ':') < version.len; }

static str fixed_version(const struct vex_entry *entry)
{
    return entry->entry.affected.ranges.len ? entry->entry.affected.ranges.ptr[0].fixed : STR_NONE;
}

/* Keys of v->facts. */
static str fact(struct redhat_reading *v, const char *what, const struct vex_entry *entry, str more)
{
    return arena_printf(v->arena, "%s\n%d\n" STR_FMT "\n" STR_FMT, what, (int)entry->status,
                        STR_ARG(entry->place), STR_ARG(more));
}

static bool note_fact(struct redhat_reading *v, str key)
{
    return key.ptr && map_put(&v->facts, key, v) ? true : err_memory(v->err);
}

static bool note_facts(struct redhat_reading *v, const struct vex_entry *entry)
{
    bool is_source = !entry->entry.affected.is_binary;
    str version = fixed_version(entry);
    if (is_source &&
        !note_fact(v, fact(v, has_epoch(version) ? "epoch" : "source", entry, STR_NONE)))
        return false;
    return note_fact(
        v, fact(v, is_source ? "source" : "binary", entry, version.len ? version : STR("\n")));
}

static bool is_known(struct redhat_reading *v, str key)
{
    return key.ptr && map_get(&v->facts, key);
}

/* A denial is silent where the same name is affected or was fixed. */
static bool is_denied_wrongly(struct redhat_reading *v, const struct vex_entry *entry)
{
    for (int status = STATUS_FIXED; status <= STATUS_AFFECTED; status++) {
        for (int kind = 0; kind <= 1; kind++) {
            str key = arena_printf(v->arena, STR_FMT "\n" STR_FMT "\n%d%d", STR_ARG(entry->place),
                                   STR_ARG(entry->entry.package), kind, status);
            if (key.ptr && map_get(&v->by_key, key))
                return true;
        }
    }
    return false;
}

static bool is_covered(struct redhat_reading *v, const struct vex_entry *entry)
{
    const struct affected *affected = &entry->entry.affected;
    str version = fixed_version(entry);
    if (entry->status == STATUS_NOT_AFFECTED && is_denied_wrongly(v, entry))
        return true;
    if (!affected->is_binary) /* of a source with an epoch its binaries speak, if there are any */
        return has_epoch(version) && is_known(v, fact(v, "binary", entry, version));
    if (!version.len)
        return is_known(v, fact(v, "source", entry, STR("\n")));
    if (affected->module.len)
        return is_known(v, fact(v, "source", entry, STR_NONE)) &&
               !is_known(v, fact(v, "epoch", entry, STR_NONE));
    return !has_epoch(version) && is_known(v, fact(v, "source", entry, version));
}

/* Documents before 2025 name what is not fixed by its component, without an architecture. */
static bool is_component_name(struct redhat_reading *v, const struct vex_entry *entry)
{
    const struct affected *affected = &entry->entry.affected;
    return affected->is_binary && !affected->arches.len && !fixed_version(entry).len &&
           !is_known(v, fact(v, "source", entry, STR("\n")));
}

static bool keep_entries(struct redhat_reading *v)
{
    map_init(&v->facts, v->arena);
    for (size_t i = 0; i < v->entries.len; i++) {
        if (!note_facts(v, &v->entries.ptr[i]))
            return false;
    }
    for (size_t i = 0; i < v->entries.len; i++) {
        struct vex_entry *entry = &v->entries.ptr[i];
        if (is_covered(v, entry))
            continue;
        if (is_component_name(v, entry))
            entry->entry.affected.is_binary = false;
        if (!entry->entry.affected.is_binary)
            entry->entry.affected.arches.len = 0;
        struct record_entry *slot = vec_push(v->arena, &v->record->entries);
        if (!slot)
            return err_memory(v->err);
        *slot = entry->entry;
    }
    return true;
}

/* --- the record
 * ------------------------------------------------------------------------------------------ */

static bool add_scores(struct redhat_reading *v, const json_t *vulnerability)
{
    static const char *const keys[] = {"cvss_v4", "cvss_v3", "cvss_v2"};
    struct advisory *advisory = &v->record->advisory;
    const json_t *list = json_arr(vulnerability, "scores");
    strs seen = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
            str vector = json_str(json_obj(json_array_get(list, i), keys[k]), "vectorString");
            size_t before = seen.len;
            if (!strs_push(v->arena, &seen, vector, v->err))
                return false;
            if (seen.len > before &&
                !cvss_set(vec_push(v->arena, &advisory->cvss), vector, STR("redhat"), v->err))
                return false;
        }
    }
    return true;
}

/* "https://access.redhat.com/errata/RHSA-2023:5763" */
static str erratum_of(str url)
{
    size_t slash = str_rfind_byte(url, '/');
    str id = slash < url.len ? str_skip(url, slash + 1) : STR_NONE;
    bool is_one = str_starts(id, STR("RHSA-")) || str_starts(id, STR("RHBA-")) ||
                  str_starts(id, STR("RHEA-"));
    return is_one ? id : STR_NONE;
}

static bool add_urls(struct redhat_reading *v, const json_t *list)
{
    struct advisory *advisory = &v->record->advisory;
    for (size_t i = 0; i < json_array_size(list); i++) {
        str url = json_str(json_array_get(list, i), "url");
        if (!strs_push(v->arena, &advisory->references, url, v->err) ||
            !strs_push(v->arena, &advisory->related, erratum_of(url), v->err))
            return false;
    }
    return true;
}

/* A VEX is called as its CVE; what an erratum says of a CVE as both, so that it is of that one. */
static bool name_record(struct redhat_reading *v, const json_t *vulnerability, str document)
{
    struct advisory *advisory = &v->record->advisory;
    str cve = json_str(vulnerability, "cve");
    if (str_is_empty(cve))
        cve = json_str(json_array_get(json_arr(vulnerability, "ids"), 0), "text");
    if (str_is_empty(cve) || str_eq(cve, document)) {
        advisory->id = document;
        return true;
    }
    advisory->id = arena_printf(v->arena, STR_FMT "-" STR_FMT, STR_ARG(document), STR_ARG(cve));
    if (!advisory->id.ptr)
        return err_memory(v->err);
    return strs_push(v->arena, &advisory->aliases, cve, v->err) &&
           strs_push(v->arena, &advisory->related, document, v->err);
}

/* Of a vulnerability with one impact, that; an erratum's own is that of its worst. */
static enum severity severity_of(const json_t *vulnerability, const json_t *document)
{
    const json_t *threats = json_arr(vulnerability, "threats");
    for (size_t i = 0; i < json_array_size(threats); i++) {
        const json_t *threat = json_array_get(threats, i);
        enum severity severity = severity_word(json_str(threat, "details"));
        if (str_eq(json_str(threat, "category"), STR("impact")) && severity != SEVERITY_UNKNOWN)
            return severity;
    }
    return severity_word(json_str(json_obj(document, "aggregate_severity"), "text"));
}

static bool add_texts(struct redhat_reading *v, const json_t *vulnerability, const json_t *document)
{
    struct advisory *advisory = &v->record->advisory;
    const json_t *tracking = json_obj(document, "tracking"),
                 *notes = json_arr(vulnerability, "notes");
    enum severity severity =
        severity_word(json_str(json_obj(document, "aggregate_severity"), "text"));
    advisory->title = json_str(vulnerability, "title");
    if (str_is_empty(advisory->title))
        advisory->title = json_str(document, "title");
    advisory->description = csaf_note(notes, "description");
    if (str_is_empty(advisory->description))
        advisory->description = csaf_note(notes, "summary");
    advisory->published = json_str(vulnerability, "release_date");
    if (str_is_empty(advisory->published))
        advisory->published = json_str(tracking, "initial_release_date");
    advisory->modified = json_str(tracking, "current_release_date");
    advisory->revision = advisory->modified;
    if (severity != SEVERITY_UNKNOWN &&
        !rating_set(vec_push(v->arena, &advisory->ratings), STR("redhat"), severity, v->err))
        return false;
    return strs_push(v->arena, &advisory->cwes, json_str(json_obj(vulnerability, "cwe"), "id"),
                     v->err) &&
           add_urls(v, json_arr(vulnerability, "references")) &&
           add_urls(v, json_arr(vulnerability, "remediations"));
}

static bool read_vulnerability(struct redhat_reading *v, const json_t *vulnerability,
                               const json_t *document)
{
    str id = json_str(json_obj(document, "tracking"), "id");
    const json_t *statuses = json_obj(vulnerability, "product_status");
    map_init(&v->by_key, v->arena);
    v->entries.len = 0;
    v->severity = severity_of(vulnerability, document);
    csaf_facts(&v->tree, vulnerability);
    if (!name_record(v, vulnerability, id) || !add_texts(v, vulnerability, document) ||
        !add_scores(v, vulnerability))
        return false;
    for (int status = 0; status < N_STATUS; status++) {
        const json_t *ids = json_arr(statuses, STATUS_NAMES[status]);
        for (size_t i = 0; i < json_array_size(ids); i++) {
            if (!add_product(v, json_str_of(json_array_get(ids, i)), (enum status)status))
                return false;
        }
    }
    return keep_entries(v);
}

bool redhat_vex_parse(const json_t *root, struct arena *arena,
                      bool (*take)(void *ctx, const struct record *record, struct err *err),
                      void *ctx, struct err *err)
{
    struct redhat_reading v = {.arena = arena, .err = err};
    const json_t *document = json_obj(root, "document"), *list = json_arr(root, "vulnerabilities");
    if (str_is_empty(json_str(json_obj(document, "tracking"), "id")))
        return err_set(err, ERR_FORMAT, "not a CSAF document: no tracking id");
    map_init(&v.ecosystems, arena);
    map_init(&v.packages, arena);
    if (!csaf_tree_read(root, arena, &v.tree, err))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct record record = {0};
        v.record = &record;
        if (!read_vulnerability(&v, json_array_get(list, i), document) || !take(ctx, &record, err))
            return false;
    }
    return true;
}
