/* SPDX-License-Identifier: Apache-2.0 */
/* wolfi_secdb.c - Wolfi's and Chainguard's security.json: Alpine's form, one file, no releases.
 *
 * One vulnerability stands in a version's list under up to three names, each an item of its own:
 *
 *     "1.2.3-r1": ["CGA-8c28-…", "CGA-vhr6-…", "CVE-2024-1", "CVE-2024-2", "GHSA-…", "GHSA-…"]
 *
 * A CGA id is of one package and one vulnerability.  Which names belong together is said only where
 * a list has one of each; what is learned there (this GHSA is that CVE) holds in the other lists,
 * and by elimination more is learned.  From a list follow
 * - one CGA, one vulnerability: record CGA, with the others as its aliases;
 * - several: a record for each CVE, with the GHSA that are known to be it; a further GHSA only
 *   where there are more CGA than CVE, else it is one of those CVEs' and a claim of its own would
 *   count it twice.  The CGA ids are the statement's note. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

static const uint64_t FILE_MEMORY = 2 * GIB;
enum { PASSES = 4 };

struct group { /* one version of one package */
    str package, version, text;
    strs cgas, cves, ghsas, others;
};
struct wolfi {
    struct feed_reader *reader;
    struct arena *arena;
    struct secdb_set set;
    struct map groups; /* package NUL version → struct group */
    struct map known;  /* GHSA → str: the CVE that it is */
    str ecosystem;
    uint64_t n_files;
};

/* --- lists
 * -------------------------------------------------------------------------------------------- */

static bool add_id(struct wolfi *wolfi, struct group *group, str id, struct err *err)
{
    strs *list = str_starts(id, STR("CGA-"))    ? &group->cgas
                 : str_starts(id, STR("CVE-"))  ? &group->cves
                 : str_starts(id, STR("GHSA-")) ? &group->ghsas
                                                : &group->others;
    return strs_push(wolfi->arena, list, id, err);
}

static bool add_fix(struct wolfi *wolfi, const struct secdb_fix *fix, struct err *err)
{
    str key = arena_printf(wolfi->arena, STR_FMT "\n" STR_FMT, STR_ARG(fix->package),
                           STR_ARG(fix->version));
    void **slot = key.ptr ? map_at(&wolfi->groups, key) : NULL;
    if (slot && !*slot)
        *slot = arena_new(wolfi->arena, struct group);
    if (!slot || !*slot)
        return err_memory(err);
    struct group *group = *slot;
    group->package = fix->package;
    group->version = fix->version;
    if (str_is_empty(group->text))
        group->text = fix->text;
    bool is_ok = add_id(wolfi, group, fix->id, err);
    for (size_t i = 0; is_ok && i < fix->others.len; i++)
        is_ok = add_id(wolfi, group, fix->others.ptr[i], err);
    return is_ok;
}

static bool add_text(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct wolfi *wolfi = ctx;
    struct secdb secdb;
    struct err why = {0};
    (void)arena; /* the set outlives it */
    if (!secdb_parse(text, false, wolfi->arena, &secdb, &why))
        return feed_broken(wolfi->reader, name, STR_NONE, &why, err);
    for (size_t i = 0; i < secdb.broken.len; i++) {
        if (!feed_notice(wolfi->reader, NOTICE_ADVISORY, name, err, "not read: " STR_FMT,
                         STR_ARG(secdb.broken.ptr[i])))
            return false;
    }
    for (size_t i = 0; i < secdb.fixes.len; i++) {
        if (!add_fix(wolfi, &secdb.fixes.ptr[i], err))
            return false;
    }
    wolfi->n_files++;
    return true;
}

/* --- who is who
 * --------------------------------------------------------------------------------------- */

static bool has(const strs *list, str value)
{
    for (size_t i = 0; i < list->len; i++) {
        if (str_eq(list->ptr[i], value))
            return true;
    }
    return false;
}

/* The CVE that @ghsa is known to be, when this list names it. */
static str cve_of(const struct wolfi *wolfi, const struct group *group, str ghsa)
{
    const str *cve = map_get(&wolfi->known, ghsa);
    return cve && has(&group->cves, *cve) ? *cve : STR_NONE;
}

static bool is_taken(const struct wolfi *wolfi, const struct group *group, str cve)
{
    for (size_t i = 0; i < group->ghsas.len; i++) {
        if (str_eq(cve_of(wolfi, group, group->ghsas.ptr[i]), cve))
            return true;
    }
    return false;
}

/* As many CGA as CVE as GHSA, and all but one of each pair known: the last two are a pair. */
static bool learn(struct wolfi *wolfi, const struct group *group, bool *is_new, struct err *err)
{
    str ghsa = STR_NONE, cve = STR_NONE;
    size_t n_ghsas = 0, n_cves = 0;
    if (!group->cgas.len || group->cgas.len != group->cves.len ||
        group->cves.len != group->ghsas.len)
        return true;
    for (size_t i = 0; i < group->cves.len; i++) {
        if (str_is_empty(cve_of(wolfi, group, group->ghsas.ptr[i]))) {
            ghsa = group->ghsas.ptr[i];
            n_ghsas++;
        }
        if (!is_taken(wolfi, group, group->cves.ptr[i])) {
            cve = group->cves.ptr[i];
            n_cves++;
        }
    }
    if (n_ghsas != 1 || n_cves != 1 || map_get(&wolfi->known, ghsa))
        return true;
    str *slot = arena_new(wolfi->arena, str);
    if (!slot || !map_put(&wolfi->known, ghsa, slot))
        return err_memory(err);
    *slot = cve;
    return *is_new = true;
}

static bool learn_all(struct wolfi *wolfi, struct err *err)
{
    bool is_new = true;
    for (int pass = 0; is_new && pass < PASSES; pass++) {
        is_new = false;
        for (size_t i = 0; i < wolfi->groups.len; i++) {
            if (!learn(wolfi, wolfi->groups.entries[i].value, &is_new, err))
                return false;
        }
    }
    return true;
}

/* --- records
 * ------------------------------------------------------------------------------------------ */

static bool join(struct arena *arena, const strs *list, str *out, struct err *err)
{
    auto_sb words;
    sb_init(&words, LIMIT(FIELD));
    for (size_t i = 0; i < list->len; i++)
        sb_addf(&words, "%s" STR_FMT, i ? ", " : "", STR_ARG(list->ptr[i]));
    *out = arena_dup(arena, sb_str(&words));
    return sb_ok(&words, err) && (out->ptr || err_memory(err));
}

static bool emit(struct wolfi *wolfi, const struct group *group, str id, const strs *aliases,
                 str note, struct err *err)
{
    struct secdb_fix fix = {.package = group->package,
                            .version = group->version,
                            .id = id,
                            .text = group->text,
                            .note = note};
    if (aliases)
        fix.aliases = *aliases;
    return secdb_set_add(&wolfi->set, wolfi->ecosystem, &fix, err);
}

/* One CGA with at most one name of each other kind. */
static bool emit_one(struct wolfi *wolfi, const struct group *group, struct err *err)
{
    strs aliases = {0};
    bool is_ok = true;
    for (size_t i = 0; is_ok && i < group->cves.len; i++)
        is_ok = strs_push(wolfi->arena, &aliases, group->cves.ptr[i], err);
    for (size_t i = 0; is_ok && i < group->ghsas.len; i++)
        is_ok = strs_push(wolfi->arena, &aliases, group->ghsas.ptr[i], err);
    return is_ok && emit(wolfi, group, group->cgas.ptr[0], &aliases, STR_NONE, err);
}

static bool emit_cve(struct wolfi *wolfi, const struct group *group, str cve, str note,
                     struct err *err)
{
    strs aliases = {0};
    for (size_t i = 0; i < group->ghsas.len; i++) {
        str ghsa = group->ghsas.ptr[i];
        bool is_it = str_eq(cve_of(wolfi, group, ghsa), cve) ||
                     (group->cgas.len == 1 && group->cves.len == 1);
        if (is_it && !strs_push(wolfi->arena, &aliases, ghsa, err))
            return false;
    }
    return emit(wolfi, group, cve, &aliases, note, err);
}

static bool emit_many(struct wolfi *wolfi, const struct group *group, struct err *err)
{
    size_t n = group->cves.len;
    bool has_more = !group->cgas.len || group->cgas.len > n, is_ok;
    str note;
    is_ok = join(wolfi->arena, &group->cgas, &note, err);
    for (size_t i = 0; is_ok && i < group->cves.len; i++)
        is_ok = emit_cve(wolfi, group, group->cves.ptr[i], note, err);
    for (size_t i = 0; is_ok && has_more && i < group->ghsas.len; i++) {
        if (!str_is_empty(cve_of(wolfi, group, group->ghsas.ptr[i])))
            continue;
        is_ok = emit(wolfi, group, group->ghsas.ptr[i], NULL, note, err);
        n++;
    }
    /* more ids of their own than names of others: some have no other name */
    for (size_t i = 0; is_ok && group->cgas.len > n && i < group->cgas.len; i++)
        is_ok = emit(wolfi, group, group->cgas.ptr[i], NULL, STR_NONE, err);
    return is_ok;
}

static bool emit_group(struct wolfi *wolfi, const struct group *group, struct err *err)
{
    bool is_one = group->cgas.len == 1 && group->cves.len <= 1 && group->ghsas.len <= 1;
    bool is_ok = is_one ? emit_one(wolfi, group, err) : emit_many(wolfi, group, err);
    for (size_t i = 0; is_ok && i < group->others.len; i++)
        is_ok = emit(wolfi, group, group->others.ptr[i], NULL, STR_NONE, err);
    return is_ok;
}

static bool write_all(struct wolfi *wolfi, struct err *err)
{
    if (!learn_all(wolfi, err))
        return false;
    for (size_t i = 0; i < wolfi->groups.len; i++) {
        if (!emit_group(wolfi, wolfi->groups.entries[i].value, err))
            return false;
    }
    return secdb_set_write(&wolfi->set, err) && feed_covers(wolfi->reader, wolfi->ecosystem, err);
}

bool wolfi_form_read(struct feed_reader *reader, str ecosystem, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct arena arena;
    arena_init(&arena, FILE_MEMORY);
    struct wolfi wolfi = {.reader = reader, .arena = &arena, .ecosystem = ecosystem};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = add_text, .ctx = &wolfi};
    secdb_set_init(&wolfi.set, reader, &arena);
    map_init(&wolfi.groups, &arena);
    map_init(&wolfi.known, &arena);
    str place = feed_place(reader);
    bool is_ok = feed_documents(reader, place, &spec, err);
    if (is_ok && !wolfi.n_files)
        is_ok = err_set(err, ERR_FORMAT, STR_FMT ": no file of it could be read", STR_ARG(place));
    is_ok = is_ok && write_all(&wolfi, err);
    arena_fini(&arena);
    return is_ok;
}

static bool wolfi_secdb_read(struct feed_reader *reader, struct err *err)
{
    return wolfi_form_read(reader, STR("Wolfi"), err);
}

const struct feed feed_wolfi_secdb = {
    .name = "wolfi-secdb",
    .summary = "Wolfi: which version of a package fixed what",
    .default_url = "https://packages.wolfi.dev/os/security.json",
    .licence = "as Chainguard states (Apache-2.0 until 2025, later CC-BY-NC-ND-4.0)",
    .cadence = "hourly",
    .read = wolfi_secdb_read,
};
