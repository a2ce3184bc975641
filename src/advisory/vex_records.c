/* SPDX-License-Identifier: Apache-2.0 */
/* vex_records.c - statements of VEX as records: the rule stands in advisory.h.  A record is what
 * one document says of one vulnerability, called "<document>#<vulnerability>". */
#include "advisory/internal.h"
#include "base/num.h"

/* --- names
 * ------------------------------------------------------------------------------------------- */

static str qualifier(const struct purl *purl, const char *key)
{
    for (size_t i = 0; i < purl->qualifiers.len; i++) {
        if (str_eq(purl->qualifiers.ptr[i].key, str_from(key)))
            return purl->qualifiers.ptr[i].value;
    }
    return STR_NONE;
}

/* As OSV calls packages of the type: Maven with a colon, all others with a slash. */
static bool joined_name(struct arena *arena, const struct purl *purl, str *out, struct err *err)
{
    const char *between = str_eq(purl->type, STR("maven")) ? ":" : "/";
    *out = purl->ns.len ? arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(purl->ns), between,
                                       STR_ARG(purl->name))
                        : purl->name;
    return out->ptr ? true : err_memory(err);
}

/* "https://ghcr.io/a/b" → "ghcr.io/a/b"; "docker.io/x" is Docker's index. */
static str bare_repository(str url)
{
    str head, tail;
    if (str_cut(url, STR("://"), &head, &tail))
        url = tail;
    while (str_ends(url, STR("/")))
        url = str_slice(url, 0, url.len - 1);
    return url;
}

/* "ghcr.io/a/b:tag@sha256:…" */
static void reference_key(str product, str *ecosystem, str *name)
{
    str head, digest;
    *ecosystem = STR("VEX:other");
    *name = product;
    if (str_starts(product, STR("sha256:"))) {
        *ecosystem = STR("VEX:oci");
    } else if (str_cut(product, STR("@sha256:"), &head, &digest)) {
        size_t slash = str_rfind_byte(head, '/'), colon = str_rfind_byte(head, ':');
        *ecosystem = STR("VEX:oci");
        *name = bare_repository(colon < head.len && (slash == head.len || colon > slash)
                                    ? str_slice(head, 0, colon)
                                    : head);
    }
}

bool vex_product_key(str product, struct arena *arena, str *ecosystem, str *name, struct err *err)
{
    struct purl purl;
    struct err why = {0};
    if (!purl_parse(arena, product, PURL_ANY_CASE, &purl, &why)) {
        if (why.kind != ERR_FORMAT) {
            *err = why;
            return false;
        }
        reference_key(product, ecosystem, name);
        return true;
    }
    *ecosystem = arena_printf(arena, "VEX:" STR_FMT, STR_ARG(purl.type));
    bool is_image = str_eq(purl.type, STR("oci")) || str_eq(purl.type, STR("docker"));
    str repository = is_image ? bare_repository(qualifier(&purl, "repository_url")) : STR_NONE;
    if (is_image)
        *ecosystem = STR("VEX:oci");
    if (repository.len)
        *name = repository;
    else if (!joined_name(arena, &purl, name, err))
        return false;
    return ecosystem->ptr ? true : err_memory(err);
}

/* --- releases of distributions
 * --------------------------------------------------------------------------------- */

/* ID of the distribution, by the namespace of a purl where that differs. */
static str id_of(str ns)
{
    static const struct {
        const char *ns, *id;
    } rows[] = {{"redhat", "rhel"}, {"oracle", "ol"}, {"amazon", "amzn"}, {"suse", "sles"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_eq(ns, str_from(rows[i].ns)))
            return str_from(rows[i].id);
    }
    return ns;
}

/* "jammy", "esm-infra/focal", "debian-12", "alpine-3.18"; empty: it does not say, or not one that
 * we know. */
static bool release_of(struct arena *arena, const struct purl *purl, str *out, struct err *err)
{
    str text = qualifier(purl, "distro");
    struct distro distro = {.id = id_of(purl->ns)};
    size_t slash = str_rfind_byte(text, '/');
    if (slash < text.len)
        text = str_skip(text, slash + 1);
    distro.version_id = ubuntu_release(text);
    size_t dash = str_rfind_byte(text, '-');
    if (!distro.version_id.len && dash < text.len) {
        if (distro_find(str_slice(text, 0, dash)))
            distro.id = str_slice(text, 0, dash);
        distro.version_id = str_skip(text, dash + 1);
    }
    *out = distro_ecosystem(&distro, arena);
    return out->ptr ? true : err_memory(err);
}

static bool is_os_type(str type)
{
    return str_eq(type, STR("deb")) || str_eq(type, STR("apk")) || str_eq(type, STR("rpm"));
}

/* --- entries
 * ----------------------------------------------------------------------------------------- */

struct vex_record {
    struct record record;
    struct map entries; /* ecosystem, package, state, versions, symbols → itself */
};

struct vex_records {
    struct arena *arena;
    struct map by_vulnerability;
    struct err *err;
};

static bool describe(struct vex_records *r, const struct vex_statement *s, struct affected *out)
{
    static const enum fix_state states[] = {[VEX_UNDER_INVESTIGATION] = FIX_UNKNOWN,
                                            [VEX_NOT_AFFECTED] = FIX_NOT_AFFECTED,
                                            [VEX_AFFECTED] = FIX_AFFECTED,
                                            [VEX_FIXED] = FIX_NOT_AFFECTED};
    out->state = states[s->status];
    if (s->status == VEX_FIXED) {
        out->note = STR("fixed");
        return true;
    }
    str words = s->justification.len ? s->justification : STR_NONE;
    if (s->status == VEX_UNDER_INVESTIGATION)
        words = STR("under investigation");
    str text = str_slice(s->text, 0, 512);
    out->note = arena_printf(r->arena, STR_FMT "%s" STR_FMT, STR_ARG(words),
                             words.len && text.len ? ": " : "", STR_ARG(text));
    return out->note.ptr ? true : err_memory(r->err);
}

static bool add_entry(struct vex_records *r, struct vex_record *record,
                      const struct record_entry *fresh)
{
    auto_sb key;
    const struct affected *affected = &fresh->affected;
    sb_init(&key, 1 << 24);
    sb_blob(&key, fresh->ecosystem);
    sb_blob(&key, fresh->package);
    sb_byte(&key, (uint8_t)affected->state);
    sb_byte(&key, affected->is_binary);
    for (size_t i = 0; i < affected->versions.len; i++)
        sb_blob(&key, affected->versions.ptr[i]);
    sb_byte(&key, 0);
    for (size_t i = 0; i < affected->symbols.len; i++)
        sb_blob(&key, affected->symbols.ptr[i]);
    if (!sb_ok(&key, r->err))
        return false;
    if (map_get(&record->entries, sb_str(&key)))
        return true; /* the same of another architecture */
    str copy = arena_dup(r->arena, sb_str(&key));
    struct record_entry *slot = vec_push(r->arena, &record->record.entries);
    if (!copy.ptr || !slot || !map_put(&record->entries, copy, r))
        return err_memory(r->err);
    *slot = *fresh;
    return true;
}

static bool add_os_product(struct vex_records *r, struct vex_record *record,
                           const struct vex_statement *s, const struct purl *purl, str ecosystem)
{
    struct record_entry entry = {.ecosystem = ecosystem, .package = purl->name};
    str arch = qualifier(purl, "arch");
    entry.affected.is_binary =
        arch.len && !str_eq(arch, STR("source")) && !str_eq(arch, STR("src"));
    str version = purl->version, epoch = qualifier(purl, "epoch");
    if (epoch.len && version.len && !str_eq(epoch, STR("0")))
        version = arena_printf(r->arena, STR_FMT ":" STR_FMT, STR_ARG(epoch), STR_ARG(version));
    if (version.len && !version.ptr)
        return err_memory(r->err);
    return strs_push(r->arena, &entry.affected.versions, version, r->err) &&
           describe(r, s, &entry.affected) && add_entry(r, record, &entry);
}

static bool add_product(struct vex_records *r, struct vex_record *record,
                        const struct vex_statement *s, const struct vex_product *product)
{
    struct purl purl;
    struct err why = {0};
    struct record_entry entry = {0};
    str ecosystem;
    if (!product->id.len && !product->digest.len)
        return true;
    if (!product->subcomponents.len &&
        purl_parse(r->arena, product->id, PURL_ANY_CASE, &purl, &why) && is_os_type(purl.type)) {
        if (!release_of(r->arena, &purl, &ecosystem, r->err))
            return false;
        if (ecosystem.len)
            return add_os_product(r, record, s, &purl, ecosystem);
    }
    if (!vex_product_key(product->id.len ? product->id : product->digest, r->arena,
                         &entry.ecosystem, &entry.package, r->err))
        return false;
    entry.affected.symbols = product->subcomponents;
    return strs_push(r->arena, &entry.affected.versions, product->id, r->err) &&
           strs_push(r->arena, &entry.affected.versions, product->digest, r->err) &&
           describe(r, s, &entry.affected) && add_entry(r, record, &entry);
}

static struct vex_record *record_of(struct vex_records *r, const struct vex_statement *s, str name)
{
    void **slot = map_at(&r->by_vulnerability, s->vulnerability);
    struct vex_record *record = slot ? *slot : NULL;
    if (!slot || record)
        return record;
    record = arena_new(r->arena, struct vex_record);
    if (!record)
        return NULL;
    *slot = record;
    map_init(&record->entries, r->arena);
    struct advisory *a = &record->record.advisory;
    a->id = arena_printf(r->arena, STR_FMT "#" STR_FMT, STR_ARG(name), STR_ARG(s->vulnerability));
    a->title = s->author;
    a->description = s->text;
    a->published = a->modified = a->revision = s->timestamp;
    return a->id.ptr ? record : NULL;
}

bool vex_to_records(const vex_statements *statements, str name, struct arena *arena,
                    bool (*take)(void *ctx, const struct record *record, struct err *err),
                    void *ctx, struct err *err)
{
    struct vex_records r = {.arena = arena, .err = err};
    map_init(&r.by_vulnerability, arena);
    for (size_t i = 0; i < statements->len; i++) {
        const struct vex_statement *s = &statements->ptr[i];
        struct vex_record *record = record_of(&r, s, name);
        if (!record)
            return err_memory(err);
        strs *aliases = &record->record.advisory.aliases;
        if (!strs_push(arena, aliases, s->vulnerability, err))
            return false;
        for (size_t j = 0; j < s->aliases.len; j++) {
            if (!strs_push(arena, aliases, s->aliases.ptr[j], err))
                return false;
        }
        for (size_t j = 0; j < s->products.len; j++) {
            if (!add_product(&r, record, s, &s->products.ptr[j]))
                return false;
        }
    }
    for (size_t i = 0; i < r.by_vulnerability.len; i++) {
        const struct vex_record *record = r.by_vulnerability.entries[i].value;
        if (!take(ctx, &record->record, err))
            return false;
    }
    return true;
}
