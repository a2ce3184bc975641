/* SPDX-License-Identifier: Apache-2.0 */
/* oval_feed.c - records from OVAL definitions, the same way for every vendor (struct oval_vendor).
 *
 * A definition of one CVE is a record with that id.  One that stands for an erratum of several is
 * a record called as the erratum, whose aliases are the CVEs: each gets its own finding (match/
 * never glues them together).  Where the vendor rates the CVEs of an erratum one by one (Red Hat),
 * there is a record for each: "RHSA-2020:0330-CVE-2019-1". */
#include <sys/stat.h>

#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

/* One record while it is made. */
struct oval_record {
    struct record record;
    struct map entries; /* printed key → index + 1 */
    struct sb key;
    struct arena *arena;
};

struct oval_reader {
    struct feed_reader *reader;
    const struct oval_vendor *vendor;
    struct map covered;
    struct map seen; /* names of documents, compression taken off: mirrors hold both forms */
    uint64_t n_records;
    size_t n_unknown;
    struct arena scratch; /* of one definition: a kernel's has thousands of statements */
};

/* --- names and texts
 * --------------------------------------------------------------------------------- */

static bool add_cves(struct arena *arena, const struct oval_definition *d, strs *out,
                     struct err *err)
{
    for (size_t i = 0; i < d->cves.len; i++) {
        if (!strs_push(arena, out, cve_first(d->cves.ptr[i].id), err))
            return false;
    }
    for (size_t i = 0; i < d->references.len; i++) {
        if (!strs_push(arena, out, cve_first(d->references.ptr[i].id), err))
            return false;
    }
    return out->len || strs_push(arena, out, cve_first(d->title), err);
}

/* "RHSA-2019:1708: ansible security …" → "RHSA-2019:1708" */
static str first_word(str title)
{
    str rest = str_trim(title), word = STR_NONE;
    (void)str_next(&rest, ' ', &word);
    while (str_ends(word, STR(":")))
        word = str_slice(word, 0, word.len - 1);
    return word;
}

static str vector_of(str scored)
{
    str score, vector;
    return str_cut_byte(scored, '/', &score, &vector) ? vector : STR_NONE;
}

static bool add_score(struct arena *arena, struct advisory *a, str scored, str source,
                      struct err *err)
{
    str vector = vector_of(scored);
    for (size_t i = 0; i < a->cvss.len; i++) {
        if (str_eq(a->cvss.ptr[i].vector, vector))
            return true;
    }
    return !vector.len || cvss_set(vec_push(arena, &a->cvss), vector, source, err);
}

/* Of one CVE, or of all when @cve is empty. */
static bool add_ratings(struct oval_reader *r, struct arena *arena, const struct oval_definition *d,
                        str cve, struct advisory *a, enum severity *severity, struct err *err)
{
    str source = str_from(r->reader->feed->name);
    *severity = severity_word(d->severity);
    for (size_t i = 0; i < d->cves.len; i++) {
        const struct oval_cve *item = &d->cves.ptr[i];
        if (cve.len && !str_eq(cve_first(item->id), cve))
            continue;
        enum severity own = severity_word(item->impact);
        if (cve.len && own != SEVERITY_UNKNOWN)
            *severity = own;
        if (!add_score(arena, a, item->cvss3, source, err) ||
            !add_score(arena, a, item->cvss2, source, err))
            return false;
        str cwes = item->cwe, cwe;
        while (str_next(&cwes, '|', &cwe)) {
            if (str_starts(cwe, STR("CWE-")) && !strs_push(arena, &a->cwes, cwe, err))
                return false;
        }
    }
    return *severity == SEVERITY_UNKNOWN ||
           rating_set(vec_push(arena, &a->ratings), source, *severity, err);
}

static bool add_texts(struct arena *arena, const struct oval_document *document,
                      const struct oval_definition *d, struct advisory *a, struct err *err)
{
    a->title = str_trim(d->title);
    a->description = d->description;
    a->published = d->issued;
    a->modified = d->updated.len ? d->updated : d->issued;
    a->revision = a->modified.len ? a->modified : document->timestamp;
    for (size_t i = 0; i < d->references.len; i++) {
        if (!strs_push(arena, &a->references, d->references.ptr[i].url, err))
            return false;
    }
    return true;
}

/* --- statements
 * ------------------------------------------------------------------------------------ */

static enum fix_state state_of(const struct oval_definition *d, const struct oval_claim *claim,
                               str name)
{
    if (claim->is_denied || str_eq_nocase(d->patchable, STR("not applicable")))
        return FIX_NOT_AFFECTED;
    for (size_t i = 0; i < d->resolutions.len; i++) {
        const struct oval_resolution *resolution = &d->resolutions.ptr[i];
        for (size_t j = 0; j < resolution->components.len; j++) {
            if (str_eq(resolution->components.ptr[j], name))
                return redhat_fix_state(resolution->state);
        }
    }
    if (str_has(claim->comment, STR("decision has been made to defer")))
        return FIX_DEFERRED;
    if (str_has(claim->comment, STR("decision has been made to ignore")))
        return FIX_WILL_NOT_FIX;
    bool is_pending = str_has(claim->comment, STR("pending publication"));
    return claim->range.fixed.len && !is_pending ? FIX_FIXED : FIX_AFFECTED;
}

/* "(note: '0.4-3')" is the version, which the range says already. */
static str note_of(const struct oval_claim *claim, enum fix_state state)
{
    str head, note, tail;
    if (state == FIX_FIXED || !str_cut(claim->comment, STR("(note: '"), &head, &note))
        return STR_NONE;
    (void)str_cut(note, STR("')"), &note, &tail);
    return note;
}

/* What two entries must share for their architectures to join. */
static bool print_key(const struct record_entry *entry, struct sb *key, struct err *err)
{
    const struct affected *affected = &entry->affected;
    sb_clear(key);
    sb_blob(key, entry->ecosystem);
    sb_blob(key, entry->package);
    sb_blob(key, affected->module);
    sb_byte(key, (uint8_t)affected->state);
    for (size_t i = 0; i < affected->versions.len; i++)
        sb_blob(key, affected->versions.ptr[i]);
    sb_byte(key, 0);
    for (size_t i = 0; i < affected->ranges.len; i++) {
        sb_blob(key, affected->ranges.ptr[i].introduced);
        sb_blob(key, affected->ranges.ptr[i].fixed);
        sb_blob(key, affected->ranges.ptr[i].last_affected);
    }
    return sb_ok(key, err);
}

/* The same of another architecture, or of all: no architecture named is all of them. */
static bool join(struct arena *arena, struct affected *old, const struct affected *fresh,
                 struct err *err)
{
    if (!old->arches.len || !fresh->arches.len)
        old->arches.len = 0;
    for (size_t j = 0; old->arches.len && j < fresh->arches.len; j++) {
        if (!strs_push(arena, &old->arches, fresh->arches.ptr[j], err))
            return false;
    }
    return true;
}

static bool add_entry(struct oval_record *to, const struct record_entry *fresh, struct err *err)
{
    struct arena *arena = to->arena;
    if (!print_key(fresh, &to->key, err))
        return false;
    uintptr_t at = (uintptr_t)map_get(&to->entries, sb_str(&to->key));
    if (at)
        return join(arena, &to->record.entries.ptr[at - 1].affected, &fresh->affected, err);
    str key = arena_dup(arena, sb_str(&to->key));
    struct record_entry *slot = vec_push(arena, &to->record.entries);
    if (!slot || !key.ptr || !map_put(&to->entries, key, (void *)(uintptr_t)to->record.entries.len))
        return err_memory(err);
    *slot = *fresh;
    slot->affected.arches = (strs){0};
    for (size_t i = 0; i < fresh->affected.arches.len; i++) {
        if (!strs_push(arena, &slot->affected.arches, fresh->affected.arches.ptr[i], err))
            return false;
    }
    return true;
}

static bool set_versions(struct arena *arena, const struct oval_claim *claim,
                         struct affected *affected, struct err *err)
{
    if (affected->state == FIX_NOT_AFFECTED && !claim->range.fixed.len &&
        !claim->range.last_affected.len)
        return true;
    if (claim->exact.len)
        return strs_push(arena, &affected->versions, claim->exact, err);
    struct version_range *range = vec_push(arena, &affected->ranges);
    if (!range)
        return err_memory(err);
    *range = claim->range;
    if (!range->introduced.len)
        range->introduced = STR("0");
    return true;
}

/* What is built apart, and never meets the plain package's versions. */
static bool suffix_of(struct arena *arena, const struct oval_claim *claim, str *ecosystem,
                      struct err *err)
{
    const char *suffix = claim->is_ksplice || str_has(claim->range.fixed, STR("ksplice"))
                             ? "ksplice"
                         : str_has(claim->range.fixed, STR("_fips")) ? "fips"
                                                                     : NULL;
    if (suffix)
        *ecosystem = arena_printf(arena, STR_FMT ":%s", STR_ARG(*ecosystem), suffix);
    return ecosystem->ptr ? true : err_memory(err);
}

static bool add_statements(struct oval_reader *r, struct oval_record *to, str name,
                           const struct oval_definition *d, const struct oval_claim *claim,
                           enum severity severity, struct err *err)
{
    strs ecosystems = {0};
    struct arena *arena = to->arena;
    struct oval_place place = {.name = name, .definition = d, .claim = claim};
    if (!r->vendor->ecosystems(arena, &place, &ecosystems, err))
        return false;
    for (size_t i = 0; i < ecosystems.len; i++) {
        for (size_t j = 0; j < claim->names.len; j++) {
            struct record_entry entry = {.ecosystem = ecosystems.ptr[i],
                                         .package = claim->names.ptr[j]};
            struct affected *affected = &entry.affected;
            affected->state = state_of(d, claim, entry.package);
            affected->severity = severity;
            affected->arches = claim->arches;
            affected->module = claim->module;
            affected->note = note_of(claim, affected->state);
            affected->is_binary = !r->vendor->names_sources;
            if (!suffix_of(arena, claim, &entry.ecosystem, err) ||
                !set_versions(arena, claim, affected, err) || !add_entry(to, &entry, err))
                return false;
        }
    }
    return true;
}

/* --- records
 * --------------------------------------------------------------------------------------- */

static bool cover(struct oval_reader *r, const struct record *record, struct err *err)
{
    for (size_t i = 0; i < record->entries.len; i++) {
        str ecosystem = record->entries.ptr[i].ecosystem;
        if (map_get(&r->covered, ecosystem))
            continue;
        str copy = arena_dup(r->reader->arena, ecosystem);
        if (!copy.ptr || !map_put(&r->covered, copy, r))
            return err_memory(err);
    }
    return true;
}

static bool fill_record(struct oval_reader *r, struct oval_record *to, str name,
                        const struct oval_document *document, const struct oval_definition *d,
                        const oval_claims *claims, const strs *cves, struct err *err)
{
    struct advisory *advisory = &to->record.advisory;
    enum severity severity;
    str one = cves->len == 1 ? cves->ptr[0] : STR_NONE;
    if (!add_texts(to->arena, document, d, advisory, err) ||
        !add_ratings(r, to->arena, d, one, advisory, &severity, err))
        return false;
    for (size_t i = 0; i < cves->len; i++) {
        if (!str_eq(cves->ptr[i], advisory->id) &&
            !strs_push(to->arena, &advisory->aliases, cves->ptr[i], err))
            return false;
    }
    for (size_t i = 0; i < claims->len; i++) {
        if (!add_statements(r, to, name, d, &claims->ptr[i], severity, err))
            return false;
    }
    return true;
}

static bool add_record(struct oval_reader *r, struct arena *arena, str name,
                       const struct oval_document *document, const struct oval_definition *d,
                       const oval_claims *claims, str id, const strs *cves, struct err *err)
{
    struct oval_record to = {.record.advisory.id = id, .arena = arena};
    map_init(&to.entries, arena);
    sb_init(&to.key, LIMIT(FIELD) * 4);
    bool is_ok = fill_record(r, &to, name, document, d, claims, cves, err) &&
                 cover(r, &to.record, err) && feed_record(r->reader, &to.record, err);
    sb_fini(&to.key);
    r->n_records += is_ok;
    return is_ok;
}

static bool is_rated_singly(const struct oval_definition *d)
{
    for (size_t i = 0; i < d->cves.len; i++) {
        if (d->cves.ptr[i].impact.len || d->cves.ptr[i].cvss3.len || d->cves.ptr[i].cvss2.len)
            return d->cves.len > 1;
    }
    return false;
}

static bool add_definition(struct oval_reader *r, struct arena *arena, str name,
                           const struct oval_document *document, const struct oval_definition *d,
                           struct err *err)
{
    oval_claims claims = {0};
    strs cves = {0};
    size_t n_unknown;
    str id = STR_NONE;
    if (str_eq(d->class, STR("inventory")) || str_eq(d->class, STR("miscellaneous")))
        return true;
    if (!oval_claim(document, d, arena, &claims, &n_unknown, err) ||
        !add_cves(arena, d, &cves, err))
        return false;
    r->n_unknown += n_unknown;
    bool is_erratum = str_eq(d->class, STR("patch"));
    if (!is_erratum && cves.len == 1)
        id = cves.ptr[0];
    else if (!r->vendor->name)
        id = first_word(d->title);
    else if (!r->vendor->name(arena, d, first_word(d->title), &id, err))
        return false;
    if (!id.len)
        id = d->id;
    if (!is_rated_singly(d) || cves.len < 2)
        return add_record(r, arena, name, document, d, &claims, id, &cves, err);
    for (size_t i = 0; i < cves.len; i++) {
        strs one = {.ptr = &cves.ptr[i], .len = 1};
        str own = arena_printf(arena, STR_FMT "-" STR_FMT, STR_ARG(id), STR_ARG(cves.ptr[i]));
        if (!own.ptr)
            return err_memory(err);
        if (!add_record(r, arena, name, document, d, &claims, own, &one, err))
            return false;
    }
    return true;
}

static bool is_new(struct oval_reader *r, str name, bool *out, struct err *err)
{
    static const char *const compressions[] = {".bz2", ".gz", ".xz", ".zst"};
    for (size_t i = 0; i < ARRAY_LEN(compressions); i++) {
        str suffix = str_from(compressions[i]);
        if (str_ends(name, suffix))
            name = str_slice(name, 0, name.len - suffix.len);
    }
    *out = !map_get(&r->seen, name);
    str copy = arena_dup(r->reader->arena, name);
    return copy.ptr && map_put(&r->seen, copy, r) ? true : err_memory(err);
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct oval_reader *r = ctx;
    struct oval_document document;
    struct err why = {0};
    bool is_first;
    r->n_unknown = 0;
    if (!is_new(r, name, &is_first, err))
        return false;
    if (!is_first)
        return true;
    if (!oval_parse(text, arena, &document, &why))
        return feed_broken(r->reader, name, STR_NONE, &why, err);
    for (size_t i = 0; i < document.definitions.len; i++) {
        const struct oval_definition *d = &document.definitions.ptr[i];
        why = (struct err){0};
        arena_reset(&r->scratch);
        if (!add_definition(r, &r->scratch, name, &document, d, &why) &&
            !feed_broken(r->reader, name, d->id, &why, err))
            return false;
        if (i % 256 == 0 && cancel_is(r->reader->spec->cancel, err))
            return false;
    }
    return !r->n_unknown ||
           feed_notice(r->reader, NOTICE_ADVISORY, name, err,
                       "%zu criteria were not understood and are left out", r->n_unknown);
}

/* --- places
 * ---------------------------------------------------------------------------------------- */

static bool is_file(str place)
{
    return str_ends(place, STR(".xml")) || str_ends(place, STR(".bz2")) ||
           str_ends(place, STR(".gz")) || str_ends(place, STR(".xz")) ||
           str_ends(place, STR(".zip"));
}

static bool add_documents(struct oval_reader *r, str place, struct err *err)
{
    static const char *const suffixes[] = {".xml", NULL};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_FILE), .take = take, .ctx = r};
    return feed_documents(r->reader, place, &spec, err);
}

/* A server of files whose names the vendor's row lists; one that it lacks is a notice. */
static bool add_server(struct oval_reader *r, str base, struct err *err)
{
    size_t n_read = 0;
    strs files = {0};
    if (!r->vendor->list(r->reader, base, &files, err))
        return false;
    for (size_t i = 0; i < files.len; i++) {
        str url = arena_printf(r->reader->arena, STR_FMT "/" STR_FMT, STR_ARG(base),
                               STR_ARG(files.ptr[i]));
        if (!url.ptr)
            return err_memory(err);
        if (add_documents(r, url, err)) {
            n_read++;
            continue;
        }
        if (err->kind != ERR_NOT_FOUND)
            return false;
        *err = (struct err){0};
        if (!feed_notice(r->reader, NOTICE_ADVISORY, files.ptr[i], err, "not there"))
            return false;
    }
    return n_read ? true
                  : err_set(err, ERR_NOT_FOUND, STR_FMT ": not one of %zu files is there",
                            STR_ARG(base), files.len);
}

bool oval_list_fixed(struct arena *arena, const char *const *names, strs *out, struct err *err)
{
    for (; *names; names++) {
        if (!strs_push(arena, out, str_from(*names), err))
            return false;
    }
    return true;
}

bool oval_read(struct feed_reader *reader, const struct oval_vendor *vendor, struct err *err)
{
    struct oval_reader r = {.reader = reader, .vendor = vendor};
    str place = feed_place(reader);
    map_init(&r.covered, reader->arena);
    map_init(&r.seen, reader->arena);
    arena_init(&r.scratch, 1 * GIB);
    bool is_ok = place_is_url(place) && !is_file(place) ? add_server(&r, place, err)
                                                        : add_documents(&r, place, err);
    if (is_ok && !r.n_records)
        is_ok =
            err_set(err, ERR_FORMAT, STR_FMT ": not one definition could be read", STR_ARG(place));
    arena_fini(&r.scratch);
    for (size_t i = 0; is_ok && i < r.covered.len; i++)
        is_ok = feed_covers(reader, r.covered.entries[i].key, err);
    return is_ok;
}
