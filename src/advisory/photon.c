/* SPDX-License-Identifier: Apache-2.0 */
/* photon.c - VMware's list of CVEs of each release of Photon OS: cve_data_photonX.Y.json,
 *
 *     [ { cve_id, pkg, cve_score, aff_ver: "all versions before V are vulnerable", res_ver: V,
 *         status } ]
 *
 * - V: affected below it; a CVE and package that stand twice are affected while any line says so,
 *   that is below the highest V.
 * - res_ver "NA" or none: not affected where aff_ver or status says so, affected without a fix
 * where it says that all versions are, else unknown; in the last two cases of every version.
 * - cve_score is a score of NVD's without its vector: kept as a rating, not as Photon's own.
 * - The release is in the file's name; a file called otherwise has lines of the release that their
 *   version ends with (".ph3"). */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"

static const uint64_t FILE_MEMORY = 1 * GIB;
static const char PREFIX[] = "cve_data_photon";

struct photon {
    struct feed_reader *reader;
    struct arena *arena;
    struct record_set records;
    struct map ecosystems;
};

/* --- releases
 * ----------------------------------------------------------------------------------------- */

/* ".../cve_data_photon3.0.json" → "3.0" */
static str release_of_file(str name)
{
    size_t slash = str_rfind_byte(name, '/');
    str last = slash < name.len ? str_skip(name, slash + 1) : name;
    size_t end = str_find(last, STR(".json"));
    if (!str_starts(last, str_from(PREFIX)) || end == last.len)
        return STR_NONE;
    return str_slice(last, sizeof PREFIX - 1, end);
}

/* "2.7-1.ph3" → "3" */
static str release_of_version(str version)
{
    uint64_t number;
    size_t dot = str_rfind_byte(version, '.');
    str tail = dot < version.len ? str_skip(version, dot + 1) : STR_NONE;
    str digits = str_skip(tail, 2);
    return str_starts(tail, STR("ph")) && str_to_u64(digits, 999, &number) ? digits : STR_NONE;
}

static bool ecosystem_of(struct photon *photon, str release, str *out, struct err *err)
{
    struct distro distro = {.id = STR("photon"), .version_id = release};
    if (str_find_byte(release, '.') == release.len)
        distro.version_id = arena_printf(photon->arena, STR_FMT ".0", STR_ARG(release));
    *out = distro.version_id.ptr ? distro_ecosystem(&distro, photon->arena) : STR_NONE;
    if (!out->ptr)
        return err_memory(err);
    if (str_is_empty(*out))
        return err_set(err, ERR_FORMAT, "a release \"" STR_FMT "\"", STR_ARG(release));
    return map_put(&photon->ecosystems, *out, photon) ? true : err_memory(err);
}

/* --- lines
 * -------------------------------------------------------------------------------------------- */

static bool is_version(str text)
{
    struct rd in;
    rd_init(&in, text);
    return rd_peek(&in) >= '0' && rd_peek(&in) <= '9';
}

static bool says_not_affected(str words, str status)
{
    return str_eq_nocase(status, STR("Not Affected")) || str_eq_nocase(words, STR("NA")) ||
           str_has(words, STR("not affected")) || str_has(words, STR("not vulnerable"));
}

static bool add_state(struct photon *photon, const json_t *line, struct affected *affected,
                      struct err *err)
{
    str fixed = str_trim(json_str(line, "res_ver")), words = str_trim(json_str(line, "aff_ver"));
    struct version_range range = {.introduced = STR("0")};
    if (is_version(fixed)) {
        if (affected->state != FIX_FIXED)
            affected->ranges.len = 0; /* it knows more than the lines before */
        affected->state = FIX_FIXED;
        range.fixed = arena_dup(photon->arena, fixed);
        return range.fixed.ptr ? range_add(photon->arena, affected, range, err) : err_memory(err);
    }
    if (affected->ranges.len)
        return true; /* another line knows more */
    if (says_not_affected(words, json_str(line, "status"))) {
        affected->state = FIX_NOT_AFFECTED;
        return true;
    }
    affected->state = str_starts(words, STR("all versions")) ? FIX_AFFECTED : FIX_UNKNOWN;
    affected->note = arena_dup(photon->arena, words);
    return affected->note.ptr ? range_add(photon->arena, affected, range, err) : err_memory(err);
}

static bool add_score(struct photon *photon, const json_t *line, struct advisory *advisory,
                      struct err *err)
{
    const json_t *score = json_object_get(line, "cve_score");
    if (!json_is_number(score) || advisory->ratings.len)
        return true;
    double value = json_number_value(score);
    if (!(value > 0 && value <= 10))
        return true; /* 0: nobody scored it */
    struct rating *rating = vec_push(photon->arena, &advisory->ratings);
    if (!rating)
        return err_memory(err);
    *rating = (struct rating){.source = STR("photon"), .severity = cvss_severity(value)};
    return true;
}

static bool add_line(struct photon *photon, str release, const json_t *line, struct err *err)
{
    str id = str_trim(json_str(line, "cve_id")), package = str_trim(json_str(line, "pkg"));
    str ecosystem;
    if (str_is_empty(id) || str_is_empty(package))
        return err_set(err, ERR_FORMAT, "a line without cve_id or pkg");
    if (str_is_empty(release))
        release = release_of_version(str_trim(json_str(line, "res_ver")));
    if (!ecosystem_of(photon, release, &ecosystem, err))
        return false;
    id = arena_dup(photon->arena, id);
    package = arena_dup(photon->arena, package);
    if (!id.ptr || !package.ptr)
        return err_memory(err);
    struct set_record *record = record_set_at(&photon->records, id, err);
    struct affected *affected =
        record ? record_set_entry(&photon->records, record, ecosystem, package, err) : NULL;
    return affected && add_score(photon, line, &record->record.advisory, err) &&
           add_state(photon, line, affected, err);
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct photon *photon = ctx;
    auto_json *root = NULL;
    (void)arena;
    if (!json_read(text, &root, err))
        return err_wrap(err, STR_FMT, STR_ARG(name));
    if (!json_is_array(root))
        return err_set(err, ERR_FORMAT, STR_FMT ": no list", STR_ARG(name));
    for (size_t i = 0; i < json_array_size(root); i++) {
        struct err why = {0};
        const json_t *line = json_array_get(root, i);
        if (!add_line(photon, release_of_file(name), line, &why) &&
            !feed_broken(photon->reader, name, json_str(line, "cve_id"), &why, err))
            return false;
    }
    return true;
}

/* --- places
 * ------------------------------------------------------------------------------------------ */

/* A server names its releases in photon_versions.json: { "branches": ["1.0", …] }. */
static bool read_server(struct photon *photon, str place, const struct documents *spec,
                        struct err *err)
{
    auto_json *root = NULL;
    str text;
    if (!feed_get(photon->reader, place, STR("photon_versions.json"), LIMIT(HTTP_BODY),
                  photon->arena, &text, err))
        return false;
    feed_seen(photon->reader, STR("photon_versions.json"), text);
    if (!json_read(text, &root, err))
        return err_wrap(err, "photon_versions.json");
    const json_t *branches = json_arr(root, "branches");
    for (size_t i = 0; i < json_array_size(branches); i++) {
        str branch = json_str_of(json_array_get(branches, i));
        str url = arena_printf(photon->arena, STR_FMT "/%s" STR_FMT ".json", STR_ARG(place), PREFIX,
                               STR_ARG(branch));
        if (!url.ptr)
            return err_memory(err);
        if (!feed_documents(photon->reader, url, spec, err))
            return false;
    }
    return true;
}

static bool write_all(struct photon *photon, struct err *err)
{
    if (!photon->records.by_id.len)
        return err_set(err, ERR_FORMAT, STR_FMT ": not one line could be read",
                       STR_ARG(photon->reader->state->url));
    for (size_t i = 0; i < photon->ecosystems.len; i++) {
        if (!feed_covers(photon->reader, photon->ecosystems.entries[i].key, err))
            return false;
    }
    return record_set_write(&photon->records, err);
}

static bool photon_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct arena arena;
    arena_init(&arena, FILE_MEMORY);
    struct photon photon = {.reader = reader, .arena = &arena};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = &photon};
    record_set_init(&photon.records, reader, &arena);
    map_init(&photon.ecosystems, &arena);
    str place = feed_place(reader);
    bool is_server = place_is_url(place) && !str_ends(place, STR(".json"));
    bool is_ok = (is_server ? read_server(&photon, place, &spec, err)
                            : feed_documents(reader, place, &spec, err)) &&
                 write_all(&photon, err);
    arena_fini(&arena);
    return is_ok;
}

const struct feed feed_photon = {
    .name = "photon",
    .summary = "Photon OS: which version of a package fixed what",
    .default_url = "https://packages.vmware.com/photon/photon_cve_metadata",
    .licence = "none stated (published by VMware for public use)",
    .cadence = "daily",
    .read = photon_read,
};
