/* SPDX-License-Identifier: Apache-2.0 */
/* debian_index.c - Release, Sources and Packages of an APT archive
 * (wiki.debian.org/DebianRepository/Format). */
#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"
#include "version/version.h"

static const uint64_t STANZA_MEMORY = 64 * MIB;

static bool next_word(str *rest, str *word)
{
    *rest = str_trim(*rest);
    (void)str_cut_byte(*rest, ' ', word, rest);
    return word->len > 0;
}

/* "a b c", three words, no more. */
static bool three_words(str line, str *a, str *b, str *c)
{
    str more;
    return next_word(&line, a) && next_word(&line, b) && next_word(&line, c) &&
           !next_word(&line, &more);
}

/* --- Release
 * -------------------------------------------------------------------------------------------- */

static bool add_hashes(struct arena *arena, str value, struct deb_release *out, struct err *err)
{
    str line, sum, size, path;
    while (str_next(&value, '\n', &line)) {
        if (str_is_empty(str_trim(line)))
            continue;
        if (!three_words(line, &sum, &size, &path) || sum.len != 64)
            return err_set(err, ERR_FORMAT, "Release: a line of SHA256 that is none: " STR_FMT,
                           STR_ARG(line));
        str *first = vec_push(arena, &out->hashes);
        if (first)
            *first = path;
        str *second = vec_push(arena, &out->hashes);
        if (!first || !second)
            return err_memory(err);
        *second = sum;
    }
    return true;
}

static bool read_date(const struct stanza *stanza, str name, int64_t *out, struct err *err)
{
    str value = stanza_get(stanza, name);
    *out = 0;
    if (str_is_empty(value) || clock_parse_rfc5322(value, out))
        return true;
    return err_set(err, ERR_FORMAT, "Release: " STR_FMT " does not parse: " STR_FMT, STR_ARG(name),
                   STR_ARG(value));
}

bool deb_release_parse(str text, struct arena *arena, struct deb_release *out, struct err *err)
{
    struct rd in;
    struct stanza stanza;
    str word;
    *out = (struct deb_release){0};
    rd_init(&in, text);
    enum next next = stanza_read(&in, arena, &stanza);
    if (!rd_ok(&in, err))
        return err_wrap(err, "Release");
    if (next != NEXT_ITEM)
        return err_set(err, ERR_FORMAT, "Release: empty");
    out->codename = stanza_get(&stanza, STR("Codename"));
    out->label = stanza_get(&stanza, STR("Label"));
    out->has_by_hash = str_eq_nocase(stanza_get(&stanza, STR("Acquire-By-Hash")), STR("yes"));
    str architectures = stanza_get(&stanza, STR("Architectures"));
    while (next_word(&architectures, &word)) {
        str *slot = vec_push(arena, &out->architectures);
        if (!slot)
            return err_memory(err);
        *slot = word;
    }
    return read_date(&stanza, STR("Date"), &out->date, err) &&
           read_date(&stanza, STR("Valid-Until"), &out->valid_until, err) &&
           add_hashes(arena, stanza_get(&stanza, STR("SHA256")), out, err);
}

str deb_release_hash(const struct deb_release *release, str path)
{
    for (size_t i = 0; i + 1 < release->hashes.len; i += 2) {
        if (str_eq(release->hashes.ptr[i], path))
            return release->hashes.ptr[i + 1];
    }
    return STR_NONE;
}

/* --- Sources
 * ---------------------------------------------------------------------------------------------- */

static bool keep(struct arena *arena, str from, str *to, struct err *err)
{
    *to = arena_dup(arena, from);
    return to->ptr ? true : err_memory(err);
}

static bool is_newer(str a, str b, struct err *err)
{
    const struct version_scheme *dpkg = version_find(STR("dpkg"));
    enum version_order order = dpkg ? dpkg->cmp(a, b) : VERSION_UNKNOWN;
    if (order == VERSION_UNKNOWN)
        return err_set(err, ERR_FORMAT,
                       "versions that cannot be compared: " STR_FMT " and " STR_FMT, STR_ARG(a),
                       STR_ARG(b));
    return order == VERSION_GREATER;
}

static bool add_source(const struct stanza *stanza, struct arena *arena, struct map *by_name,
                       struct err *err)
{
    str name = stanza_get(stanza, STR("Package")), version = stanza_get(stanza, STR("Version"));
    if (str_is_empty(name) || str_is_empty(version))
        return err_set(err, ERR_FORMAT, "a source without a name or version");
    struct deb_source *source = map_get(by_name, name);
    if (source && !is_newer(version, source->version, err))
        return !err_is(err);
    if (!source) {
        if (!(source = arena_new(arena, struct deb_source)) ||
            !keep(arena, name, &source->name, err) || !map_put(by_name, source->name, source))
            return err_memory(err);
    }
    return keep(arena, version, &source->version, err) &&
           keep(arena, stanza_get(stanza, STR("Directory")), &source->directory, err) &&
           keep(arena, stanza_get(stanza, STR("Format")), &source->format, err) &&
           keep(arena, stanza_get(stanza, STR("Checksums-Sha256")), &source->checksums, err);
}

typedef bool each_stanza(const struct stanza *stanza, struct arena *arena, struct map *to,
                         struct err *err);

static bool for_each(str text, each_stanza *add, struct arena *arena, struct map *to,
                     struct err *err)
{
    struct rd in;
    struct arena scratch;
    struct stanza stanza;
    bool is_ok = true;
    rd_init(&in, text);
    arena_init(&scratch, STANZA_MEMORY);
    while (is_ok && stanza_read(&in, &scratch, &stanza) == NEXT_ITEM) {
        is_ok = add(&stanza, arena, to, err);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    return is_ok && rd_ok(&in, err);
}

bool deb_sources_parse(str text, struct arena *arena, struct map *by_name, struct err *err)
{
    return for_each(text, add_source, arena, by_name, err) ? true : err_wrap(err, "Sources");
}

static bool find_file(const struct deb_source *source, str infix, str *name, str *sha256)
{
    str rest = source->checksums, line, sum, size, file;
    while (str_next(&rest, '\n', &line)) {
        if (!three_words(line, &sum, &size, &file) || str_find_byte(file, '/') < file.len ||
            str_ends(file, STR(".asc")) || !str_has(file, infix) || str_has(file, STR(".orig")))
            continue;
        *name = file;
        *sha256 = sum;
        return true;
    }
    return false;
}

bool deb_source_file(const struct deb_source *source, str *name, str *sha256, bool *is_diff)
{
    *is_diff = false;
    if (find_file(source, STR(".debian.tar."), name, sha256))
        return true;
    *is_diff = true;
    if (find_file(source, STR(".diff.gz"), name, sha256))
        return true;
    *is_diff = false;
    return find_file(source, STR(".tar."), name, sha256);
}

str deb_source_digest(const struct deb_source *source)
{
    str name, sum;
    return find_file(source, STR(".dsc"), &name, &sum) ? sum : STR_NONE;
}

/* --- Packages
 * ------------------------------------------------------------------------------------------------
 */

/* "Source: name (version)", each part absent when it equals the package's own. */
static void source_of(const struct stanza *stanza, str *name, str *version)
{
    str field = stanza_get(stanza, STR("Source")), tail;
    *name = stanza_get(stanza, STR("Package"));
    *version = stanza_get(stanza, STR("Version"));
    if (str_is_empty(field))
        return;
    if (str_cut(field, STR(" ("), name, &tail))
        (void)str_cut_byte(tail, ')', version, &tail);
}

/* Kept in order of size by insertion: a source has few binaries. */
static bool insert(struct arena *arena, deb_binaries *list, struct deb_binary binary,
                   struct err *err)
{
    if (!vec_push(arena, list))
        return err_memory(err);
    size_t at = list->len - 1;
    for (; at > 0 && list->ptr[at - 1].size > binary.size; at--)
        list->ptr[at] = list->ptr[at - 1];
    list->ptr[at] = binary;
    return true;
}

static bool add_binary(const struct stanza *stanza, struct arena *arena, struct map *by_source,
                       struct err *err)
{
    struct deb_binary binary;
    str name, version;
    source_of(stanza, &name, &version);
    if (!str_to_u64(stanza_get(stanza, STR("Size")), UINT64_MAX, &binary.size))
        return true; /* cannot be fetched with a known size; another binary may serve */
    str key = arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(name), STR_ARG(version));
    void **slot = key.ptr ? map_at(by_source, key) : NULL;
    if (slot && !*slot)
        *slot = arena_new(arena, deb_binaries);
    if (!slot || !*slot)
        return err_memory(err);
    return keep(arena, stanza_get(stanza, STR("Package")), &binary.package, err) &&
           keep(arena, stanza_get(stanza, STR("Filename")), &binary.filename, err) &&
           keep(arena, stanza_get(stanza, STR("SHA256")), &binary.sha256, err) &&
           insert(arena, *slot, binary, err);
}

bool deb_packages_parse(str text, struct arena *arena, struct map *by_source, struct err *err)
{
    return for_each(text, add_binary, arena, by_source, err) ? true : err_wrap(err, "Packages");
}
