/* SPDX-License-Identifier: Apache-2.0 */
/* syntax.h - text in, a tree or events out, and text out again.  Not: what the text is about.
 * JSON: RFC 8259 by jansson.  YAML: 1.1 by libyaml, its JSON subset plus plain scalars.
 * Stanzas: deb-control(5).  XML: 1.0 by expat, without entities of its own.
 * Threads: one at a time per object; json_warm_up before there are several. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/rd.h"
#include "base/sb.h"
#include "base/vec.h"

/* --- JSON ------------------------------------------------------------------------------------ */
/* jansson takes its hash seed from /dev/urandom when the first object is made: let that be before
 * threads start and before a sandbox closes. */
void json_warm_up(void);
/* Parse one document, nothing behind it, nesting at most LIMIT_JSON_DEPTH, no duplicate keys.
 * *out is the caller's: json_decref.  Errors carry line and column. */
NODISCARD bool json_read(str text, json_t **out, struct err *err);
/* Gentle getters: a missing or wrongly typed member is empty, NULL or the default.  Borrowed. */
str json_str(const json_t *object, const char *key);
str json_str_of(const json_t *value);
json_t *json_obj(const json_t *object, const char *key); /* an object, or NULL */
json_t *json_arr(const json_t *object, const char *key); /* an array, or NULL */
int64_t json_int(const json_t *object, const char *key, int64_t otherwise);
bool json_flag(const json_t *object, const char *key, bool otherwise);
#define auto_json __attribute__((cleanup(json_drop))) json_t
void json_drop(json_t **value);

/* Write JSON in order, without a tree: names and values alternate, commas and indentation are kept
 * by the writer.  Invalid UTF-8 becomes U+FFFD.  A closing call too many is a bug. */
struct jw {
    struct sb *out; /* borrowed */
    unsigned depth;
    bool is_pretty;
    bool has_item[64]; /* per depth */
    bool is_after_key;
};
void jw_init(struct jw *jw, struct sb *out, bool is_pretty);
void jw_obj(struct jw *jw);
void jw_obj_end(struct jw *jw);
void jw_arr(struct jw *jw);
void jw_arr_end(struct jw *jw);
void jw_key_text(struct jw *jw, str key);
void jw_key_plain(struct jw *jw, str key); /* ours: nothing in it needs an escape */
static inline void jw_key(struct jw *jw, const char *key)
{
    str text = str_of(key, __builtin_strlen(key));
    if (__builtin_constant_p(text.len))
        jw_key_plain(jw, text);
    else
        jw_key_text(jw, text);
}
void jw_str(struct jw *jw, str value);
void jw_int(struct jw *jw, int64_t value);
/* The shortest text that reads back as the same number: 9.8, 0.00043, 10; null for NaN and
 * infinity. */
void jw_num(struct jw *jw, double value);
void jw_bool(struct jw *jw, bool value);
void jw_null(struct jw *jw);
/* key and value in one. */
void jw_member(struct jw *jw, str key, str value); /* the key is ours, as in jw_key_plain */
__attribute__((always_inline)) static inline void jw_kstr(struct jw *jw, const char *key, str value)
{
    str text = str_of(key, __builtin_strlen(key));
    if (__builtin_constant_p(text.len)) {
        jw_member(jw, text, value);
    } else {
        jw_key(jw, key);
        jw_str(jw, value);
    }
}
static inline void jw_kint(struct jw *jw, const char *key, int64_t value)
{
    jw_key(jw, key);
    jw_int(jw, value);
}
static inline void jw_kbool(struct jw *jw, const char *key, bool value)
{
    jw_key(jw, key);
    jw_bool(jw, value);
}
/* Only when the value is not empty. */
static inline void jw_kstr_if(struct jw *jw, const char *key, str value)
{
    if (value.len)
        jw_kstr(jw, key, value);
}

/* --- YAML ------------------------------------------------------------------------------------ */
enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };
struct yaml_pair;
struct yaml {
    enum yaml_kind kind;
    bool is_plain;       /* scalar without quotes */
    size_t line, column; /* from 1 */
    str text;            /* scalar */
    VEC(struct yaml *) items;
    VEC(struct yaml_pair) pairs; /* in order */
};
struct yaml_pair {
    struct yaml *key, *value;
};
/* One document into @arena.  Aliases are refused (they are how YAML bombs are made), duplicate keys
 * too; nesting at most LIMIT_JSON_DEPTH.  Errors carry line and column. */
NODISCARD bool yaml_read(struct arena *arena, str text, struct yaml **out, struct err *err);
struct yaml *yaml_get(const struct yaml *map, str key); /* NULL when absent or not a map */
str yaml_str(const struct yaml *map, str key);          /* empty when absent */

/* --- deb822 stanzas -------------------------------------------------------------------------- */
struct stanza_field {
    str name;
    str value; /* first line trimmed; continuation lines as they stand behind it, '\n' between */
};
struct stanza {
    VEC(struct stanza_field) fields;
    size_t line; /* of its first field */
};
/* The next stanza; its fields are slices of the input where the value is one line, and also where
 * it is folded (newlines inside).  Comment lines (#) are left out.  A line that is neither a field
 * nor a continuation fails the reader with its number.  @arena holds the field array; reset it as
 * you like between stanzas. */
NODISCARD enum next stanza_read(struct rd *in, struct arena *arena, struct stanza *stanza);
/* Case-insensitive; empty when absent. */
str stanza_get(const struct stanza *stanza, str name);

/* --- XML ------------------------------------------------------------------------------------- */
struct xml_handler {
    bool (*open)(void *ctx, str name, const char **attributes, struct err *err);
    bool (*text)(void *ctx, str text, struct err *err);
    bool (*close)(void *ctx, str name, struct err *err);
    void *ctx;
};
/* Depth at most LIMIT_XML_DEPTH; a DTD with entities is refused. */
NODISCARD bool xml_read(str text, const struct xml_handler *handler, struct err *err);
