/* SPDX-License-Identifier: Apache-2.0 */
#include "syntax/syntax.h"

#include <yaml.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/num.h"

/* A list or map that is open. */
struct frame {
    struct yaml *node;
    struct yaml *key; /* waits for its value */
    struct map keys;
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct err *err;
    struct yaml *root;
    size_t depth;
    struct frame *frames; /* LIMIT_JSON_DEPTH of them */
};

static bool bad_at(struct reader *reader, enum err_kind kind, const yaml_mark_t *mark,
                   const char *why)
{
    return err_set(reader->err, kind, "line %zu column %zu: %s", mark->line + 1, mark->column + 1,
                   why);
}

static bool parser_failed(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return err_memory(reader->err);
    const yaml_mark_t *mark = &parser->problem_mark;
    return bad_at(reader, ERR_FORMAT, mark, parser->problem ? parser->problem : "not YAML");
}

static struct yaml *add_node(struct reader *reader, enum yaml_kind kind, const yaml_mark_t *mark)
{
    struct yaml *node = arena_new(reader->arena, struct yaml);
    if (!node) {
        err_memory(reader->err);
        return NULL;
    }
    node->kind = kind;
    node->line = mark->line + 1;
    node->column = mark->column + 1;
    return node;
}

static bool add_pair(struct reader *reader, struct frame *frame, struct yaml *value)
{
    struct yaml_pair *pair = vec_push(reader->arena, &frame->node->pairs);
    if (!pair)
        return err_memory(reader->err);
    *pair = (struct yaml_pair){frame->key, value};
    frame->key = NULL;
    return true;
}

static bool add_key(struct reader *reader, struct frame *frame, struct yaml *key,
                    const yaml_mark_t *mark)
{
    if (key->kind != YAML_SCALAR && key->kind != YAML_NULL)
        return bad_at(reader, ERR_FORMAT, mark, "a key that is not a scalar");
    void **seen = map_at(&frame->keys, key->text);
    if (!seen)
        return err_memory(reader->err);
    if (*seen)
        return bad_at(reader, ERR_FORMAT, mark, "a key that was there before");
    *seen = frame->key = key;
    return true;
}

/* Put a node where it belongs: into the open list or map, or at the root. */
static bool place(struct reader *reader, struct yaml *node, const yaml_mark_t *mark)
{
    if (reader->depth == 0) {
        reader->root = node;
        return true;
    }
    struct frame *frame = &reader->frames[reader->depth - 1];
    if (frame->node->kind == YAML_MAP)
        return frame->key ? add_pair(reader, frame, node) : add_key(reader, frame, node, mark);
    struct yaml **item = vec_push(reader->arena, &frame->node->items);
    if (!item)
        return err_memory(reader->err);
    *item = node;
    return true;
}

static bool open_node(struct reader *reader, enum yaml_kind kind, const yaml_mark_t *mark)
{
    struct yaml *node = add_node(reader, kind, mark);
    if (!node || !place(reader, node, mark))
        return false;
    if (reader->depth == LIMIT(JSON_DEPTH))
        return bad_at(reader, ERR_LIMIT, mark, "nested deeper than the limit json-depth");
    struct frame *frame = &reader->frames[reader->depth++];
    *frame = (struct frame){.node = node};
    map_init(&frame->keys, reader->arena);
    return true;
}

/* The core schema's words for nothing (YAML 1.1, the null type). */
static bool is_null(str text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(text, str_from(words[i])))
            return true;
    return false;
}

static bool add_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct yaml *node = add_node(reader, YAML_SCALAR, &event->start_mark);
    if (!node)
        return false;
    str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    node->text = arena_dup(reader->arena, text);
    if (!node->text.ptr)
        return err_memory(reader->err);
    node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
    if (node->is_plain && is_null(node->text))
        node->kind = YAML_NULL;
    return place(reader, node, &event->start_mark);
}

static bool take_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return bad_at(reader, ERR_FORMAT, &event->start_mark, "aliases are refused");
    case YAML_SCALAR_EVENT:
        return add_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(reader, YAML_LIST, &event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return open_node(reader, YAML_MAP, &event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        reader->depth--;
        return true;
    case YAML_DOCUMENT_START_EVENT:
        return !reader->root || bad_at(reader, ERR_FORMAT, &event->start_mark, "a second document");
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    default:
        return true;
    }
}

static bool read_events(struct reader *reader)
{
    bool is_end = false;
    while (!is_end) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event))
            return parser_failed(reader);
        is_end = event.type == YAML_STREAM_END_EVENT;
        bool is_taken = take_event(reader, &event);
        yaml_event_delete(&event);
        if (!is_taken)
            return false;
    }
    return true;
}

bool yaml_read(struct arena *arena, str text, struct yaml **out, struct err *err)
{
    struct reader *reader = arena_new(arena, struct reader);
    if (!reader || !(reader->frames = arena_array(arena, struct frame, LIMIT(JSON_DEPTH))))
        return err_memory(err);
    reader->arena = arena;
    reader->err = err;
    if (!yaml_parser_initialize(&reader->parser))
        return err_memory(err);
    yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)(text.ptr ? text.ptr : ""),
                                 text.len);
    bool is_read = read_events(reader);
    yaml_parser_delete(&reader->parser);
    if (is_read && !reader->root) /* no document at all */
        reader->root = add_node(reader, YAML_NULL, &(yaml_mark_t){0});
    *out = reader->root;
    return is_read && reader->root;
}

struct yaml *yaml_get(const struct yaml *map, str key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->pairs.len; i++)
        if (str_eq(map->pairs.ptr[i].key->text, key))
            return map->pairs.ptr[i].value;
    return NULL;
}

str yaml_str(const struct yaml *map, str key)
{
    const struct yaml *value = yaml_get(map, key);
    return value && value->kind == YAML_SCALAR ? value->text : STR_NONE;
}
