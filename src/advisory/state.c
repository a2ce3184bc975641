/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - sources.json: what `db status` says of each source, kept apart from the generations, so
 * that a look that found nothing new makes none. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "os/file.h"
#include "syntax/syntax.h"

enum { STATE_FORMAT = 1 };

static const char *state_path(const char *dir, struct arena *arena)
{
    return arena_cstr(arena, arena_printf(arena, "%s/sources.json", dir));
}

struct known_source *known_find(const known_sources *known, str name)
{
    for (size_t i = 0; i < known->len; i++) {
        if (str_eq(known->ptr[i].state.name, name))
            return &known->ptr[i];
    }
    return NULL;
}

static void print_notices(struct jw *jw, const notices *list)
{
    jw_key(jw, "notices");
    jw_arr(jw);
    for (size_t i = 0; i < list->len; i++) {
        jw_obj(jw);
        jw_kstr(jw, "kind", str_from(notice_kind_name(list->ptr[i].kind)));
        jw_kstr_if(jw, "path", list->ptr[i].path);
        jw_kstr(jw, "message", list->ptr[i].message);
        jw_obj_end(jw);
    }
    jw_arr_end(jw);
}

static void print_source(struct jw *jw, const struct known_source *source)
{
    const struct source_state *state = &source->state;
    jw_obj(jw);
    jw_kstr(jw, "name", state->name);
    jw_kstr(jw, "place", source->place);
    jw_kstr(jw, "url", state->url);
    jw_kint(jw, "fetchedAt", state->fetched_at);
    jw_kint(jw, "validUntil", state->valid_until);
    jw_kint(jw, "recordCount", (int64_t)state->n_records);
    jw_kstr(jw, "digest", state->digest);
    jw_kstr(jw, "compiled", source->compiled);
    jw_kstr(jw, "error", state->error);
    jw_kbool(jw, "held", state->is_held);
    jw_kstr(jw, "licence", state->licence);
    print_notices(jw, &state->notices);
    jw_obj_end(jw);
}

bool known_print(const known_sources *known, struct sb *out, struct err *err)
{
    struct jw jw;
    jw_init(&jw, out, true);
    jw_obj(&jw);
    jw_kint(&jw, "format", STATE_FORMAT);
    jw_key(&jw, "sources");
    jw_arr(&jw);
    for (size_t i = 0; i < known->len; i++)
        print_source(&jw, &known->ptr[i]);
    jw_arr_end(&jw);
    jw_obj_end(&jw);
    return sb_ok(out, err);
}

bool known_save(const char *dir, const known_sources *known, struct err *err)
{
    struct arena arena;
    auto_sb text;
    sb_init(&text, LIMIT(FEED_RECORD));
    arena_init(&arena, 64 * KIB);
    const char *path = state_path(dir, &arena);
    bool is_ok = path ? known_print(known, &text, err) && file_save(path, sb_str(&text), 0644, err)
                      : err_memory(err);
    arena_fini(&arena);
    return is_ok;
}

static enum notice_kind kind_named(str name)
{
    for (int kind = NOTICE_INFO; kind <= NOTICE_UNSUPPORTED; kind++) {
        if (str_eq(name, str_from(notice_kind_name((enum notice_kind)kind))))
            return (enum notice_kind)kind;
    }
    return NOTICE_INFO;
}

static bool dup_into(struct arena *arena, const json_t *object, const char *key, str *out)
{
    *out = arena_dup(arena, json_str(object, key));
    return out->ptr != NULL;
}

static bool read_source(const json_t *object, struct arena *arena, struct known_source *out)
{
    struct source_state *state = &out->state;
    state->fetched_at = json_int(object, "fetchedAt", 0);
    state->is_held = json_flag(object, "held", false);
    state->valid_until = json_int(object, "validUntil", 0);
    state->n_records = (uint64_t)json_int(object, "recordCount", 0);
    const json_t *list = json_arr(object, "notices");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *notice = json_array_get(list, i);
        if (!notice_add(arena, &state->notices, kind_named(json_str(notice, "kind")), false,
                        json_str(notice, "path"), json_str(notice, "message")))
            return false;
    }
    return dup_into(arena, object, "name", &state->name) &&
           dup_into(arena, object, "place", &out->place) &&
           dup_into(arena, object, "url", &state->url) &&
           dup_into(arena, object, "digest", &state->digest) &&
           dup_into(arena, object, "compiled", &out->compiled) &&
           dup_into(arena, object, "error", &state->error) &&
           dup_into(arena, object, "licence", &state->licence);
}

bool known_parse(str text, struct arena *arena, known_sources *out, struct err *err)
{
    auto_json *root = NULL;
    if (!json_read(text, &root, err))
        return false;
    if (json_int(root, "format", 0) != STATE_FORMAT)
        return err_set(err, ERR_UNSUPPORTED, "of another version of this program");
    const json_t *list = json_arr(root, "sources");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct known_source *source = vec_push(arena, out);
        if (!source || !read_source(json_array_get(list, i), arena, source))
            return err_memory(err);
    }
    return true;
}

bool advisory_sources(const char *dir, struct arena *arena, source_states *out, struct err *err)
{
    known_sources known = {0};
    if (!known_load(dir, arena, &known, err))
        return false;
    for (size_t i = 0; i < known.len; i++) {
        struct source_state *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = known.ptr[i].state;
    }
    return true;
}

bool known_load(const char *dir, struct arena *arena, known_sources *out, struct err *err)
{
    struct arena text_arena;
    str text;
    arena_init(&text_arena, 2 * LIMIT(FEED_RECORD));
    const char *path = state_path(dir, &text_arena);
    bool is_ok =
        path ? file_read(&text_arena, path, LIMIT(FEED_RECORD), &text, err) : err_memory(err);
    bool is_absent = !is_ok && err->kind == ERR_NOT_FOUND;
    if (is_absent)
        *err = (struct err){0};
    if (is_ok)
        is_ok = known_parse(text, arena, out, err) || err_wrap(err, "%s", path);
    arena_fini(&text_arena);
    return is_ok || is_absent;
}
