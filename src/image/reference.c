/* SPDX-License-Identifier: Apache-2.0 */
#include "image/internal.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/num.h"

/* --- registries with names of their own
 * ----------------------------------------------------------- */
static const struct registry_row registry_rows[] = {
    {.host = "docker.io",
     .api_host = "registry-1.docker.io",
     .single_prefix = "library/",
     .auth_key = "https://index.docker.io/v1/"},
    {.host = "index.docker.io",
     .api_host = "registry-1.docker.io",
     .single_prefix = "library/",
     .auth_key = "https://index.docker.io/v1/"},
};

const struct registry_row *registry_row_find(str host)
{
    for (size_t i = 0; i < ARRAY_LEN(registry_rows); i++)
        if (str_eq_nocase(host, str_from(registry_rows[i].host)))
            return &registry_rows[i];
    return NULL;
}

/* --- grammar: distribution/reference
 * --------------------------------------------------------------- */
static bool is_alnum_lower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
static bool is_word_char(char c) { return is_alnum_lower(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

/* [a-z0-9]+ separated by '.', '_', '__' or any number of '-' */
static bool is_component(str text)
{
    size_t run = 0; /* separators in a row */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_alnum_lower(c)) {
            run = 0;
            continue;
        }
        bool is_first = i == 0 || i + 1 == text.len;
        bool is_ok = c == '-'
                         ? run == 0 || text.ptr[i - 1] == '-'
                         : (c == '.' && run == 0) ||
                               (c == '_' && (run == 0 || (run == 1 && text.ptr[i - 1] == '_')));
        if (is_first || !is_ok)
            return false;
        run++;
    }
    return text.len > 0;
}

enum { REPOSITORY_MAX = 255, TAG_MAX = 128 };

static bool is_repository(str text)
{
    str rest = text, component;
    if (text.len == 0 || text.len > REPOSITORY_MAX)
        return false;
    while (str_next(&rest, '/', &component))
        if (!is_component(component))
            return false;
    return true;
}

bool reference_is_tag(str text)
{
    if (text.len == 0 || text.len > TAG_MAX || !is_word_char(text.ptr[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_word_char(text.ptr[i]) && text.ptr[i] != '.' && text.ptr[i] != '-')
            return false;
    return true;
}

static bool is_port(str text)
{
    uint64_t port = 0;
    return str_to_u64(text, 65535, &port) && port > 0;
}

static bool is_host_name(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_edge = i == 0 || i + 1 == text.len;
        bool is_inner = !is_edge && (c == '.' || c == '-' || c == '_');
        if (!is_inner && (!is_word_char(c) || c == '_'))
            return false;
    }
    return text.len > 0;
}

static bool is_host(str text)
{
    str name = text, port = STR_NONE;
    if (text.len > 255)
        return false;
    if (str_starts(text, STR("["))) { /* an IPv6 address */
        str inside, rest;
        if (!str_cut_byte(str_skip(text, 1), ']', &inside, &rest) || inside.len < 2)
            return false;
        for (size_t i = 0; i < inside.len; i++)
            if (!str_has(STR("0123456789abcdefABCDEF:."), str_slice(inside, i, i + 1)))
                return false;
        return str_is_empty(rest) || (str_starts(rest, STR(":")) && is_port(str_skip(rest, 1)));
    }
    bool has_port = str_cut_byte(text, ':', &name, &port);
    return is_host_name(name) && (!has_port || is_port(port));
}

static bool looks_like_host(str text)
{
    return str_find_byte(text, '.') < text.len || str_find_byte(text, ':') < text.len ||
           str_eq(text, STR("localhost"));
}

/* --- registry: [docker://]HOST/REPO[:TAG|@DIGEST]
 * --------------------------------------------------- */
static bool fail_without_host(str text, struct err *err)
{
    bool is_single = str_find_byte(text, '/') == text.len;
    return err_set(err, ERR_USAGE,
                   "\"%.*s\" names no registry: write the host too, as in docker.io/%s%.*s, or the "
                   "path of an image on disk",
                   STR_ARG(str_slice(text, 0, 60)), is_single ? "library/" : "",
                   STR_ARG(str_slice(text, 0, 60)));
}

static bool read_name(struct arena *arena, str name, struct reference *out, struct err *err)
{
    const struct registry_row *row = registry_row_find(out->host);
    if (!is_repository(name))
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is not a repository name: lower-case letters, digits, and . _ - "
                       "between them, parts separated by /",
                       STR_ARG(str_slice(name, 0, 80)));
    out->repository = name;
    if (!row || str_find_byte(name, '/') < name.len)
        return true;
    out->repository = arena_printf(arena, "%s%.*s", row->single_prefix, STR_ARG(name));
    return out->repository.ptr ? true : err_memory(err);
}

static bool parse_registry(struct arena *arena, str text, struct reference *out, struct err *err)
{
    str rest, digest_text, name, tag = STR_NONE;
    out->kind = SOURCE_REGISTRY;
    if (!str_cut_byte(text, '/', &out->host, &rest) || !looks_like_host(out->host))
        return fail_without_host(text, err);
    if (!is_host(out->host))
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a host",
                       STR_ARG(str_slice(out->host, 0, 80)));
    bool has_digest = str_cut_byte(rest, '@', &rest, &digest_text);
    if (has_digest && !digest_parse(digest_text, &out->digest))
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a digest: sha256: and 64 digits 0-9a-f",
                       STR_ARG(str_slice(digest_text, 0, 90)));
    bool has_tag = str_cut_byte(rest, ':', &name, &tag);
    if (has_tag && !reference_is_tag(tag))
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a tag", STR_ARG(str_slice(tag, 0, 80)));
    out->tag = has_tag || has_digest ? tag : STR("latest");
    return read_name(arena, name, out, err);
}

/* --- what lies at a path
 * ----------------------------------------------------------------------------- */
static bool stat_of(struct arena *arena, str path, struct stat *st)
{
    const char *name = arena_cstr(arena, path);
    return name && stat(name, st) == 0;
}

static bool exists(struct arena *arena, str path)
{
    struct stat st;
    return stat_of(arena, path, &st);
}

/* PATH[:TAG] or PATH[@DIGEST]: the longest front that exists is the path. */
static bool split_path(struct arena *arena, str text, struct reference *out, struct err *err)
{
    out->path = text;
    if (text.len > LIMIT(PATH))
        return err_set(err, ERR_USAGE, "a path of %zu bytes", text.len);
    if (str_is_empty(text))
        return err_set(err, ERR_USAGE, "a source without a path");
    str front = text, tag;
    if (exists(arena, text))
        return true;
    size_t at = str_rfind_byte(text, '@');
    if (at < text.len && digest_parse(str_skip(text, at + 1), &out->digest)) {
        out->path = str_slice(text, 0, at);
        return true;
    }
    out->digest = (digest){0};
    while ((at = str_rfind_byte(front, ':')) < front.len) {
        front = str_slice(front, 0, at);
        tag = str_skip(text, at + 1);
        if (!exists(arena, front) || str_is_empty(tag))
            continue;
        out->path = front;
        out->tag = tag;
        return true;
    }
    return true; /* not there: whoever opens it says so */
}

static bool recognise_dir(struct arena *arena, struct reference *out, struct err *err)
{
    str marker = arena_printf(arena, "%.*s/oci-layout", STR_ARG(out->path));
    if (!marker.ptr)
        return err_memory(err);
    out->kind = exists(arena, marker) ? SOURCE_OCI_DIR : SOURCE_DIR;
    if (out->kind == SOURCE_DIR && !str_is_empty(out->tag))
        return err_set(err, ERR_USAGE, "%.*s: a plain folder has no tags", STR_ARG(out->path));
    return true;
}

static bool recognise(struct arena *arena, struct reference *out, struct err *err)
{
    struct stat st;
    if (!stat_of(arena, out->path, &st))
        return err_set(err, ERR_NOT_FOUND, "%.*s: no such file or folder", STR_ARG(out->path));
    if (S_ISDIR(st.st_mode))
        return recognise_dir(arena, out, err);
    if (S_ISREG(st.st_mode))
        return archive_recognise(arena, out->path, &out->kind, err);
    return err_set(err, ERR_UNSUPPORTED, "%.*s: neither a file nor a folder", STR_ARG(out->path));
}

/* --- schemes
 * ------------------------------------------------------------------------------------------ */
static bool parse_plain(struct arena *arena, str text, struct reference *out, struct err *err)
{
    (void)arena;
    out->path = text;
    if (str_is_empty(text) || text.len > LIMIT(PATH))
        return err_set(err, ERR_USAGE, "a source without a path, or one of more than %llu bytes",
                       (unsigned long long)LIMIT(PATH));
    return true;
}

static const struct scheme_row {
    const char *prefix;
    enum source_kind kind;
    bool (*parse)(struct arena *arena, str text, struct reference *out, struct err *err);
} scheme_rows[] = {
    {"docker://", SOURCE_REGISTRY, parse_registry},
    {"oci:", SOURCE_OCI_DIR, split_path},
    {"oci-archive:", SOURCE_OCI_ARCHIVE, split_path},
    {"docker-archive:", SOURCE_DOCKER_ARCHIVE, split_path},
    {"dir:", SOURCE_DIR, parse_plain},
    {"sbom:", SOURCE_SBOM, parse_plain},
};

static bool parse_bare(struct arena *arena, str text, struct reference *out, struct err *err)
{
    if (!split_path(arena, text, out, err))
        return false;
    bool is_path = str_starts(text, STR("/")) || str_starts(text, STR("./")) ||
                   str_starts(text, STR("../")) || str_eq(text, STR(".")) ||
                   str_eq(text, STR(".."));
    if (is_path || exists(arena, out->path))
        return recognise(arena, out, err);
    size_t at = str_find(text, STR("://"));
    if (at < text.len)
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is not understood: write HOST/REPO[:TAG] without it",
                       STR_ARG(str_slice(text, 0, num_min(at + 3, 40))));
    out->path = STR_NONE;
    out->tag = STR_NONE;
    out->digest = (digest){0};
    return parse_registry(arena, text, out, err);
}

static bool is_printable(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

bool reference_parse(struct arena *arena, str text, struct reference *out, struct err *err)
{
    *out = (struct reference){0};
    if (str_is_empty(text) || !is_printable(text))
        return err_set(err, ERR_USAGE, "a source is needed, as in HOST/REPO:TAG or oci:DIR");
    if (text.len > 2 * LIMIT(PATH))
        return err_set(err, ERR_USAGE, "a source of %zu bytes", text.len);
    text = arena_dup(arena, text);
    if (!text.ptr)
        return err_memory(err);
    out->text = text;
    for (size_t i = 0; i < ARRAY_LEN(scheme_rows); i++) {
        str prefix = str_from(scheme_rows[i].prefix);
        if (!str_starts(text, prefix))
            continue;
        out->kind = scheme_rows[i].kind;
        return scheme_rows[i].parse(arena, str_skip(text, prefix.len), out, err);
    }
    return parse_bare(arena, text, out, err);
}
