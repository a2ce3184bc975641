/* SPDX-License-Identifier: Apache-2.0 */
/* redhat_api.c - CVEs as Red Hat's security data API gives them, one document each; for mirrors of
 * it (the server itself lists no documents, and redhat-csaf says more).
 *
 * `affected_release`: fixed in that source package; a module's own build ("ruby:2.5-8010…") tells
 * no rpm's version, so whether it is installed stays unknown.  `package_state`: what will come. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct api_reading {
    struct arena *arena;
    struct record *record;
    struct map entries; /* ecosystem, package, module, fixed or not → index + 1 */
    enum severity severity;
    struct err *err;
};

static struct affected *entry_at(struct api_reading *a, str cpe, str package, str module,
                                 bool is_fixed)
{
    str ecosystem;
    if (!redhat_ecosystem(a->arena, cpe, &ecosystem, a->err))
        return NULL;
    if (!ecosystem.len)
        ecosystem = STR("Red Hat:other"); /* a product without a CPE: no system is called so */
    str key = arena_printf(a->arena, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%d", STR_ARG(ecosystem),
                           STR_ARG(package), STR_ARG(module), is_fixed);
    void **slot = key.ptr ? map_at(&a->entries, key) : NULL;
    if (slot && !*slot) {
        struct record_entry *entry = vec_push(a->arena, &a->record->entries);
        if (entry) {
            entry->ecosystem = ecosystem;
            entry->package = package;
            entry->affected.module = module;
            entry->affected.severity = a->severity;
            *slot = (void *)(uintptr_t)a->record->entries.len;
        }
    }
    if (!slot || !*slot) {
        err_memory(a->err);
        return NULL;
    }
    return &a->record->entries.ptr[(uintptr_t)*slot - 1].affected;
}

/* "ruby:2.5-8010020200207.abcd", and not "thunderbird-0:102.15.1-1.el7_9". */
static bool is_module_build(str text, str *name, str *stream)
{
    str rest;
    uint64_t epoch;
    if (!str_cut_byte(text, ':', name, &rest))
        return false;
    size_t dash = str_rfind_byte(*name, '-');
    if (dash < name->len && str_to_u64(str_skip(*name, dash + 1), UINT32_MAX, &epoch))
        return false;
    *stream = str_slice(text, 0, str_rfind_byte(text, '-'));
    return true;
}

static bool add_release(struct api_reading *a, const json_t *item)
{
    struct redhat_package package = {0};
    str text = json_str(item, "package"), stream = STR_NONE;
    if (!text.len || str_find_byte(text, '/') < text.len)
        return true; /* a product as a whole, or a container image */
    if (!is_module_build(text, &package.name, &stream))
        redhat_nevra(text, &package);
    struct affected *affected = entry_at(a, json_str(item, "cpe"), package.name, stream, true);
    if (!affected)
        return false;
    affected->state = FIX_FIXED;
    if (!strs_push(a->arena, &a->record->advisory.related, json_str(item, "advisory"), a->err))
        return false;
    return !package.version.len || redhat_add_fix(a->arena, affected, package.version, a->err);
}

/* "nodejs:18/nodejs" is a package of that stream. */
static bool add_state(struct api_reading *a, const json_t *item)
{
    str name = json_str(item, "package_name"), module, package;
    if (!str_cut_byte(name, '/', &module, &package) || str_find_byte(module, ':') == module.len) {
        package = name;
        module = STR_NONE;
    }
    if (!package.len)
        return true;
    struct affected *affected = entry_at(a, json_str(item, "cpe"), package, module, false);
    if (!affected)
        return false;
    affected->note = json_str(item, "fix_state");
    affected->state = redhat_fix_state(affected->note);
    if (affected->state == FIX_NOT_AFFECTED || affected->ranges.len)
        return true;
    struct version_range *range = vec_push(a->arena, &affected->ranges);
    if (!range)
        return err_memory(a->err);
    range->introduced = STR("0");
    return true;
}

static bool add_texts(struct api_reading *a, const json_t *root)
{
    struct advisory *advisory = &a->record->advisory;
    const json_t *details = json_arr(root, "details"), *urls = json_arr(root, "references");
    str vector = json_str(json_obj(root, "cvss3"), "cvss3_scoring_vector");
    str old = json_str(json_obj(root, "cvss"), "cvss_scoring_vector");
    advisory->id = json_str(root, "name");
    advisory->title = str_trim(json_str(json_obj(root, "bugzilla"), "description"));
    /* the last is Red Hat's own */
    advisory->description =
        str_trim(json_str_of(json_array_get(details, json_array_size(details) - 1)));
    advisory->published = advisory->modified = advisory->revision = json_str(root, "public_date");
    if (vector.len && !cvss_set(vec_push(a->arena, &advisory->cvss), vector, STR("redhat"), a->err))
        return false;
    if (old.len && !cvss_set(vec_push(a->arena, &advisory->cvss), old, STR("redhat"), a->err))
        return false;
    if (a->severity != SEVERITY_UNKNOWN &&
        !rating_set(vec_push(a->arena, &advisory->ratings), STR("redhat"), a->severity, a->err))
        return false;
    for (size_t i = 0; i < json_array_size(urls); i++) {
        str lines = json_str_of(json_array_get(urls, i)), line;
        while (str_next(&lines, '\n', &line)) {
            if (!strs_push(a->arena, &advisory->references, str_trim(line), a->err))
                return false;
        }
    }
    return strs_push(a->arena, &advisory->cwes, json_str(root, "cwe"), a->err);
}

bool redhat_api_parse(const json_t *root, struct arena *arena, struct record *out, struct err *err)
{
    struct api_reading a = {.arena = arena, .record = out, .err = err};
    const json_t *releases = json_arr(root, "affected_release"),
                 *states = json_arr(root, "package_state");
    *out = (struct record){0};
    if (!cve_is(json_str(root, "name")))
        return err_set(err, ERR_FORMAT, "not a CVE of the security data API: no name");
    map_init(&a.entries, arena);
    a.severity = severity_word(json_str(root, "threat_severity"));
    if (!add_texts(&a, root))
        return false;
    for (size_t i = 0; i < json_array_size(releases); i++) {
        if (!add_release(&a, json_array_get(releases, i)))
            return false;
    }
    for (size_t i = 0; i < json_array_size(states); i++) {
        if (!add_state(&a, json_array_get(states, i)))
            return false;
    }
    return true;
}

static bool redhat_api_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct recording recording = {.reader = reader, .parse_json = redhat_api_parse};
    if (str_is_empty(reader->place))
        return err_set(err, ERR_USAGE, "redhat-api reads a mirror: name its folder or archive");
    return feed_record_documents(&recording, suffixes, err);
}

const struct feed feed_redhat_api = {
    .name = "redhat-api",
    .summary = "Red Hat: CVEs of its security data API, from a folder or archive of them",
    .default_url = "none: a mirror's folder or archive",
    .licence = "CC-BY-4.0",
    .cadence = "daily",
    .is_named_only = true,
    .read = redhat_api_read,
};
