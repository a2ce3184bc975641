/* SPDX-License-Identifier: Apache-2.0 */
/* oval.c - an OVAL 5 document (oval.mitre.org/language) as it stands: definitions with their
 * criteria, and the tests, objects, states and variables that these name.  It is read as a stream;
 * what is kept are the parts that speak of packages.  Not: what follows from them. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

enum { STACK = 64, CRITERIA_DEPTH = 32 };

struct oval_reading {
    struct arena *arena;
    struct oval_document *out;
    struct oval_definition *definition; /* that is open; NULL: none */
    struct oval_node *nodes[CRITERIA_DEPTH];
    size_t n_nodes;
    struct oval_test *test;
    struct oval_object *object;
    struct oval_state *state;
    strs *variable;
    struct oval_cve *cve;
    struct oval_resolution *resolution;
    str *into;  /* where the text of the open element goes; NULL: nobody wants it */
    strs *list; /* or one more item of this */
    struct sb text;
    bool is_title; /* <title> of the definition: the first counts */
};

static str local_name(str name)
{
    str prefix, own;
    return str_cut_byte(name, ':', &prefix, &own) ? own : name;
}

static str attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2) {
        if (str_eq(str_from(attributes[0]), str_from(name)))
            return str_from(attributes[1]);
    }
    return STR_NONE;
}

static bool keep(struct oval_reading *o, str from, str *to, struct err *err)
{
    *to = from.len ? arena_dup(o->arena, from) : STR_NONE;
    return to->ptr || !from.len ? true : err_memory(err);
}

static bool is(str name, const char *what) { return str_eq(name, str_from(what)); }

/* --- what tests name
 * ---------------------------------------------------------------------------------- */

static void *add_named(struct oval_reading *o, struct map *map, const char **attributes,
                       void *fresh, struct err *err)
{
    str id;
    if (!fresh || !keep(o, attribute(attributes, "id"), &id, err) || !map_put(map, id, fresh)) {
        err_memory(err);
        return NULL;
    }
    return fresh;
}

static enum oval_kind kind_of(str name)
{
    if (is(name, "rpminfo_test") || is(name, "dpkginfo_test"))
        return OVAL_PACKAGE;
    return is(name, "uname_test") ? OVAL_KERNEL : OVAL_OTHER;
}

static bool open_test(struct oval_reading *o, str name, const char **attributes, struct err *err)
{
    o->test = add_named(o, &o->out->tests, attributes, arena_new(o->arena, struct oval_test), err);
    if (o->test) {
        o->test->kind = kind_of(name);
        o->test->is_none = str_has(attribute(attributes, "check"), STR("none")) ||
                           str_has(attribute(attributes, "check_existence"), STR("none"));
    }
    return o->test != NULL;
}

static bool in_test(struct oval_reading *o, str name, const char **attributes, struct err *err)
{
    str ref = attribute(attributes, is(name, "object") ? "object_ref" : "state_ref");
    if (is(name, "object"))
        return keep(o, ref, &o->test->object, err);
    if (!is(name, "state"))
        return true;
    str copy;
    return keep(o, ref, &copy, err) && strs_push(o->arena, &o->test->states, copy, err);
}

static bool in_object(struct oval_reading *o, str name, const char **attributes, struct err *err)
{
    if (is(name, "name")) {
        o->list = &o->object->names;
        return keep(o, attribute(attributes, "var_ref"), &o->object->variable, err);
    }
    return true;
}

static bool in_state(struct oval_reading *o, str name, const char **attributes, struct err *err)
{
    struct oval_value *value = is(name, "evr")       ? &o->state->evr
                               : is(name, "arch")    ? &o->state->arch
                               : is(name, "version") ? &o->state->version
                                                     : NULL;
    if (!value) {
        o->state->has_other = true; /* a signature, a release, an operating system */
        return true;
    }
    o->into = &value->text;
    return keep(o, attribute(attributes, "operation"), &value->operation, err);
}

static bool open_section_item(struct oval_reading *o, str name, const char **attributes,
                              struct err *err)
{
    if (str_ends(name, STR("_test")))
        return open_test(o, name, attributes, err);
    if (str_ends(name, STR("_object"))) {
        o->object = add_named(o, &o->out->objects, attributes,
                              arena_new(o->arena, struct oval_object), err);
        return o->object != NULL;
    }
    if (str_ends(name, STR("_state"))) {
        o->state =
            add_named(o, &o->out->states, attributes, arena_new(o->arena, struct oval_state), err);
        return o->state != NULL;
    }
    if (str_ends(name, STR("_variable"))) {
        o->variable = add_named(o, &o->out->variables, attributes, arena_new(o->arena, strs), err);
        return o->variable != NULL;
    }
    return true;
}

/* --- definitions
 * -------------------------------------------------------------------------------------- */

static struct oval_node *add_node(struct oval_reading *o, struct err *err)
{
    struct oval_node *node = arena_new(o->arena, struct oval_node);
    struct oval_node *parent = o->n_nodes ? o->nodes[o->n_nodes - 1] : NULL;
    if (node && parent) {
        struct oval_node **slot = vec_push(o->arena, &parent->children);
        if (!slot)
            node = NULL;
        else
            *slot = node;
    } else if (node && !o->definition->criteria) {
        o->definition->criteria = node;
    }
    if (!node)
        err_memory(err);
    return node;
}

static bool open_criteria(struct oval_reading *o, const char **attributes, struct err *err)
{
    struct oval_node *node = add_node(o, err);
    if (!node)
        return false;
    if (o->n_nodes == CRITERIA_DEPTH)
        return err_set(err, ERR_LIMIT, "criteria nest deeper than %d", CRITERIA_DEPTH);
    node->kind = is(attribute(attributes, "operator"), "OR") ? OVAL_OR : OVAL_AND;
    node->is_negated = is(attribute(attributes, "negate"), "true");
    o->nodes[o->n_nodes++] = node;
    return true;
}

static bool open_criterion(struct oval_reading *o, const char **attributes, struct err *err)
{
    struct oval_node *node = add_node(o, err);
    if (!node)
        return false;
    node->kind = OVAL_CRITERION;
    node->is_negated = is(attribute(attributes, "negate"), "true");
    return keep(o, attribute(attributes, "test_ref"), &node->test, err) &&
           keep(o, attribute(attributes, "comment"), &node->comment, err);
}

static bool open_reference(struct oval_reading *o, const char **attributes, struct err *err)
{
    struct oval_reference *reference = vec_push(o->arena, &o->definition->references);
    if (!reference)
        return err_memory(err);
    return keep(o, attribute(attributes, "source"), &reference->source, err) &&
           keep(o, attribute(attributes, "ref_id"), &reference->id, err) &&
           keep(o, attribute(attributes, "ref_url"), &reference->url, err);
}

static bool open_cve(struct oval_reading *o, const char **attributes, struct err *err)
{
    o->cve = vec_push(o->arena, &o->definition->cves);
    if (!o->cve)
        return err_memory(err);
    o->into = &o->cve->id;
    return keep(o, attribute(attributes, "cvss3"), &o->cve->cvss3, err) &&
           keep(o, attribute(attributes, "cvss2"), &o->cve->cvss2, err) &&
           keep(o, attribute(attributes, "cwe"), &o->cve->cwe, err) &&
           keep(o, attribute(attributes, "impact"), &o->cve->impact, err);
}

static bool open_resolution(struct oval_reading *o, const char **attributes, struct err *err)
{
    o->resolution = vec_push(o->arena, &o->definition->resolutions);
    if (!o->resolution)
        return err_memory(err);
    return keep(o, attribute(attributes, "state"), &o->resolution->state, err);
}

/* Elements whose text is wanted, by name. */
static void want_text(struct oval_reading *o, str name)
{
    struct oval_definition *d = o->definition;
    if (is(name, "title") && !d->title.ptr)
        o->into = &d->title;
    else if (is(name, "description") && !d->description.ptr)
        o->into = &d->description;
    else if (is(name, "severity"))
        o->into = &d->severity;
    else if (is(name, "patchable"))
        o->into = &d->patchable;
    else if (is(name, "advisory_date") || is(name, "public_date"))
        o->into = &d->issued;
    else if (is(name, "platform"))
        o->list = &d->platforms;
    else if (is(name, "cpe"))
        o->list = &d->cpes;
    else if (is(name, "component") && o->resolution)
        o->list = &o->resolution->components;
}

static bool in_definition(struct oval_reading *o, str name, const char **attributes,
                          struct err *err)
{
    struct oval_definition *d = o->definition;
    if (is(name, "criteria"))
        return open_criteria(o, attributes, err);
    if (is(name, "criterion"))
        return open_criterion(o, attributes, err);
    if (is(name, "reference"))
        return open_reference(o, attributes, err);
    if (is(name, "cve"))
        return open_cve(o, attributes, err);
    if (is(name, "resolution"))
        return open_resolution(o, attributes, err);
    if (is(name, "issued"))
        return keep(o, attribute(attributes, "date"), &d->issued, err);
    if (is(name, "updated"))
        return keep(o, attribute(attributes, "date"), &d->updated, err);
    want_text(o, name);
    return true;
}

static bool open_definition(struct oval_reading *o, const char **attributes, struct err *err)
{
    o->definition = vec_push(o->arena, &o->out->definitions);
    if (!o->definition)
        return err_memory(err);
    o->n_nodes = 0;
    return keep(o, attribute(attributes, "id"), &o->definition->id, err) &&
           keep(o, attribute(attributes, "class"), &o->definition->class, err);
}

/* --- events
 * ------------------------------------------------------------------------------------------- */

static bool on_open(void *ctx, str full, const char **attributes, struct err *err)
{
    struct oval_reading *o = ctx;
    str name = local_name(full);
    o->into = NULL;
    o->list = NULL;
    sb_clear(&o->text);
    if (o->definition)
        return in_definition(o, name, attributes, err);
    if (o->test)
        return in_test(o, name, attributes, err);
    if (o->object)
        return in_object(o, name, attributes, err);
    if (o->state)
        return in_state(o, name, attributes, err);
    if (o->variable) {
        if (is(name, "value"))
            o->list = o->variable;
        return true;
    }
    if (is(name, "oval_definitions"))
        o->out->is_oval = true;
    if (is(name, "definition"))
        return open_definition(o, attributes, err);
    if (is(name, "timestamp"))
        o->into = &o->out->timestamp;
    return open_section_item(o, name, attributes, err);
}

static bool on_text(void *ctx, str text, struct err *err)
{
    struct oval_reading *o = ctx;
    (void)err;
    if (o->into || o->list)
        sb_add(&o->text, text);
    return true;
}

static bool end_text(struct oval_reading *o, struct err *err)
{
    str text;
    if (!o->into && !o->list)
        return true;
    if (!sb_ok(&o->text, err) || !keep(o, str_trim(sb_str(&o->text)), &text, err))
        return false;
    if (o->into)
        *o->into = text;
    else if (!strs_push(o->arena, o->list, text, err))
        return false;
    o->into = NULL;
    o->list = NULL;
    return true;
}

static bool on_close(void *ctx, str full, struct err *err)
{
    struct oval_reading *o = ctx;
    str name = local_name(full);
    if (!end_text(o, err))
        return false;
    if (is(name, "criteria") && o->n_nodes)
        o->n_nodes--;
    else if (is(name, "resolution"))
        o->resolution = NULL;
    else if (is(name, "definition"))
        o->definition = NULL;
    else if (str_ends(name, STR("_test")))
        o->test = NULL;
    else if (str_ends(name, STR("_object")))
        o->object = NULL;
    else if (str_ends(name, STR("_state")))
        o->state = NULL;
    else if (str_ends(name, STR("_variable")))
        o->variable = NULL;
    return true;
}

bool oval_parse(str text, struct arena *arena, struct oval_document *out, struct err *err)
{
    struct oval_reading reading = {.arena = arena, .out = out};
    struct xml_handler handler = {
        .open = on_open, .text = on_text, .close = on_close, .ctx = &reading};
    *out = (struct oval_document){0};
    map_init(&out->tests, arena);
    map_init(&out->objects, arena);
    map_init(&out->states, arena);
    map_init(&out->variables, arena);
    sb_init(&reading.text, LIMIT(FEED_RECORD));
    bool is_ok = xml_read(text, &handler, err);
    sb_fini(&reading.text);
    if (is_ok && !out->is_oval)
        return err_set(err, ERR_FORMAT, "not a document of OVAL definitions");
    return is_ok;
}
