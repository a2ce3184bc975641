/* SPDX-License-Identifier: Apache-2.0 */
/* apt_sources.c - sources.list(5): where this machine gets its packages. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "os/file.h"
#include "syntax/syntax.h"

static bool next_word(str *rest, str *word)
{
    *rest = str_trim(*rest);
    (void)str_cut_byte(*rest, ' ', word, rest);
    *word = str_trim(*word);
    return word->len > 0;
}

static bool add(struct arena *arena, str uri, str suite, apt_sources *out, struct err *err)
{
    str path = uri;
    if (str_starts(uri, STR("file:")))
        path = str_skip(uri, str_starts(uri, STR("file://")) ? 7 : 5);
    else if (!place_is_url(uri))
        return true; /* cdrom:, mirror+…: nothing that we can read */
    struct apt_source *source = vec_push(arena, out);
    if (!source)
        return err_memory(err);
    source->uri = arena_dup(arena, path);
    source->suite = arena_dup(arena, suite);
    return source->uri.ptr && source->suite.ptr ? true : err_memory(err);
}

/* deb [ option=value … ] uri suite component … */
static bool read_line(struct arena *arena, str line, apt_sources *out, struct err *err)
{
    str word, suite, options;
    if (!next_word(&line, &word) || (!str_eq(word, STR("deb")) && !str_eq(word, STR("deb-src"))))
        return true;
    if (str_starts(str_trim(line), STR("[")) && !str_cut_byte(line, ']', &options, &line))
        return true;
    if (!next_word(&line, &word) || !next_word(&line, &suite))
        return true;
    return add(arena, word, suite, out, err);
}

static bool read_list(struct arena *arena, str text, apt_sources *out, struct err *err)
{
    struct rd in;
    str line, rest;
    rd_init(&in, text);
    while (rd_line(&in, LIMIT(STANZA_LINE), &line)) {
        (void)str_cut_byte(line, '#', &line, &rest);
        if (!read_line(arena, line, out, err))
            return false;
    }
    return rd_ok(&in, err);
}

static bool read_stanza(struct arena *arena, const struct stanza *stanza, apt_sources *out,
                        struct err *err)
{
    str uris = stanza_get(stanza, STR("URIs")), uri;
    if (str_eq_nocase(stanza_get(stanza, STR("Enabled")), STR("no")) ||
        !str_has(stanza_get(stanza, STR("Types")), STR("deb")))
        return true;
    while (next_word(&uris, &uri)) {
        str suites = stanza_get(stanza, STR("Suites")), suite;
        while (next_word(&suites, &suite)) {
            if (!add(arena, uri, suite, out, err))
                return false;
        }
    }
    return true;
}

static bool read_deb822(struct arena *arena, str text, apt_sources *out, struct err *err)
{
    struct rd in;
    struct stanza stanza;
    rd_init(&in, text);
    while (stanza_read(&in, arena, &stanza) == NEXT_ITEM) {
        if (!read_stanza(arena, &stanza, out, err))
            return false;
    }
    return rd_ok(&in, err);
}

/* A file that APT itself could not read says nothing of where packages come from. */
static bool read_file(struct arena *arena, const char *path, apt_sources *out, struct err *err)
{
    struct err why = {0};
    str text;
    size_t before = out->len;
    if (!file_read(arena, path, LIMIT(CONFIG_FILE), &text, &why))
        return true;
    bool is_ok = str_ends(str_from(path), STR(".sources")) ? read_deb822(arena, text, out, &why)
                                                           : read_list(arena, text, out, &why);
    if (is_ok)
        return true;
    out->len = before;
    if (why.kind != ERR_MEMORY)
        return true;
    *err = why;
    return false;
}

bool apt_sources_load(const char *apt_dir, struct arena *arena, apt_sources *out, struct err *err)
{
    struct err absent = {0};
    str_vec names = {0};
    const char *list = arena_cstr(arena, arena_printf(arena, "%s/sources.list", apt_dir));
    const char *parts = arena_cstr(arena, arena_printf(arena, "%s/sources.list.d", apt_dir));
    if (!list || !parts)
        return err_memory(err);
    if (!read_file(arena, list, out, err))
        return false;
    if (!dir_list(arena, parts, &names, &absent))
        return true;
    for (size_t i = 0; i < names.len; i++) {
        if (!str_ends(names.ptr[i], STR(".list")) && !str_ends(names.ptr[i], STR(".sources")))
            continue;
        const char *path =
            arena_cstr(arena, arena_printf(arena, "%s/" STR_FMT, parts, STR_ARG(names.ptr[i])));
        if (!path)
            return err_memory(err);
        if (!read_file(arena, path, out, err))
            return false;
    }
    return true;
}
