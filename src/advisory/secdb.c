/* SPDX-License-Identifier: Apache-2.0 */
/* secdb.c - a security database file of Alpine's form (Wolfi and Chainguard use it too), JSON or
 * YAML:
 *
 *     { distroversion, reponame, packages: [ { pkg: { name, secfixes: { VERSION: [ ITEM, … ] } } }
 * ] }
 *
 * An ITEM is words: ids, and at times remarks ("CVE-2017-2616 (+ regression fix)"). */
#include "advisory/internal.h"
#include "syntax/syntax.h"

struct parsing {
    struct arena *arena;
    struct secdb *out;
    struct err *err;
};

static bool keep(struct parsing *p, str from, str *to)
{
    *to = arena_dup(p->arena, from);
    return to->ptr ? true : err_memory(p->err);
}

static bool broken(struct parsing *p, str package, str version, str what)
{
    str *slot = vec_push(p->arena, &p->out->broken);
    if (!slot)
        return err_memory(p->err);
    *slot = arena_printf(p->arena, STR_FMT " " STR_FMT ": " STR_FMT, STR_ARG(package),
                         STR_ARG(version), STR_ARG(what));
    return slot->ptr ? true : err_memory(p->err);
}

/* CVE-2018-1, XSA-297, TALOS-2017-0488: a word in capitals, a hyphen, a digit somewhere; GHSA and
 * CGA may do without a digit. */
static bool is_id(str word)
{
    struct rd in;
    bool has_letter = false, has_dash = false, has_digit = false;
    for (rd_init(&in, word); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        bool is_upper = c >= 'A' && c <= 'Z', is_digit = c >= '0' && c <= '9';
        if (!has_dash && !is_upper && c != '-' && c != '_' && !(has_letter && is_digit))
            return false;
        has_letter |= is_upper;
        has_dash |= has_letter && (c == '-' || c == '_');
        has_digit |= has_dash && is_digit;
    }
    return has_digit ||
           (has_dash && (str_starts(word, STR("GHSA-")) || str_starts(word, STR("CGA-"))));
}

static bool next_word(str *rest, str *word)
{
    while (str_next(rest, ' ', word)) {
        if (!str_is_empty(*word))
            return true;
    }
    return false;
}

/* "CVE_2018-1" and "CVE 2018-1" are typing errors that stand in the data. */
static bool repair(struct parsing *p, str item, str *out)
{
    if (str_starts(item, STR("CVE_")) || str_starts(item, STR("CVE ")))
        item = arena_printf(p->arena, "CVE-" STR_FMT, STR_ARG(str_trim(str_skip(item, 4))));
    *out = item;
    return item.ptr ? true : err_memory(p->err);
}

/* The first word is the id, also when it looks odd: it is what the publisher calls it.  A further
 * CVE is a vulnerability of its own; other further ids are names of the first. */
static bool add_item(struct parsing *p, str package, str version, str item)
{
    str rest, word, first = STR_NONE;
    struct secdb_fix *fix = NULL;
    size_t n_remarks = 0;
    item = str_trim(item);
    if (!repair(p, item, &rest))
        return false;
    while (next_word(&rest, &word)) {
        if (!fix || (is_id(word) && str_starts(word, STR("CVE-")))) {
            if (!fix && !is_id(word) && !str_has(word, STR("-")))
                return broken(p, package, version, item);
            fix = vec_push(p->arena, &p->out->fixes);
            if (!fix)
                return err_memory(p->err);
            *fix = (struct secdb_fix){.package = package, .version = version};
            if (!keep(p, word, &fix->id))
                return false;
            first = str_is_empty(first) ? fix->id : first;
        } else if (is_id(word)) {
            str *other = vec_push(p->arena, &fix->others);
            if (!other)
                return err_memory(p->err);
            if (!keep(p, word, other))
                return false;
        } else {
            n_remarks++;
        }
    }
    if (!fix)
        return broken(p, package, version, STR("an empty item"));
    return n_remarks ? keep(p, item, &fix->text) : true;
}

/* --- JSON
 * ------------------------------------------------------------------------------------------- */

static bool json_package(struct parsing *p, const json_t *object)
{
    const json_t *pkg = json_obj(object, "pkg");
    const char *version_key;
    json_t *items, *fixes = json_object_get(pkg, "secfixes");
    str name;
    if (str_is_empty(json_str(pkg, "name")))
        return broken(p, STR("packages"), STR_NONE, STR("a package without a name"));
    if (!keep(p, json_str(pkg, "name"), &name))
        return false;
    if (!json_is_object(fixes))
        return !fixes || json_is_null(fixes) || broken(p, name, STR("secfixes"), STR("not a map"));
    json_object_foreach(fixes, version_key, items)
    {
        str version;
        if (!keep(p, str_from(version_key), &version))
            return false;
        if (!json_is_array(items) && !json_is_null(items) &&
            !broken(p, name, version, STR("not a list")))
            return false;
        for (size_t i = 0; i < json_array_size(items); i++) {
            const json_t *item = json_array_get(items, i);
            bool is_ok = json_is_string(item)
                             ? add_item(p, name, version, json_str_of(item))
                             : broken(p, name, version, STR("an item that is no text"));
            if (!is_ok)
                return false;
        }
    }
    return true;
}

static bool read_json(struct parsing *p, str text)
{
    auto_json *root = NULL;
    if (!json_read(text, &root, p->err))
        return false;
    const json_t *list = json_arr(root, "packages");
    const json_t *value = json_object_get(root, "packages");
    if (!list && !(json_is_object(root) && json_is_null(value)))
        return err_set(p->err, ERR_FORMAT, "no list of packages");
    if (!keep(p, json_str(root, "distroversion"), &p->out->branch) ||
        !keep(p, json_str(root, "reponame"), &p->out->repo))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_package(p, json_array_get(list, i)))
            return false;
    }
    return true;
}

/* --- YAML
 * ------------------------------------------------------------------------------------------- */

static bool yaml_package(struct parsing *p, const struct yaml *object)
{
    const struct yaml *pkg = yaml_get(object, STR("pkg"));
    const struct yaml *fixes = pkg ? yaml_get(pkg, STR("secfixes")) : NULL;
    str name = pkg ? yaml_str(pkg, STR("name")) : STR_NONE;
    if (str_is_empty(name))
        return broken(p, STR("packages"), STR_NONE, STR("a package without a name"));
    if (fixes && fixes->kind != YAML_MAP && fixes->kind != YAML_NULL)
        return broken(p, name, STR("secfixes"), STR("not a map"));
    for (size_t i = 0; fixes && i < fixes->pairs.len; i++) {
        str version = fixes->pairs.ptr[i].key->text;
        const struct yaml *items = fixes->pairs.ptr[i].value;
        if (items->kind != YAML_LIST && items->kind != YAML_NULL &&
            !broken(p, name, version, STR("not a list")))
            return false;
        for (size_t j = 0; j < items->items.len; j++) {
            const struct yaml *item = items->items.ptr[j];
            bool is_ok = item->kind == YAML_SCALAR
                             ? add_item(p, name, version, item->text)
                             : broken(p, name, version, STR("an item that is no text"));
            if (!is_ok)
                return false;
        }
    }
    return true;
}

static bool read_yaml(struct parsing *p, str text)
{
    struct yaml *root;
    if (!yaml_read(p->arena, text, &root, p->err))
        return false;
    const struct yaml *list = yaml_get(root, STR("packages"));
    if (!list || (list->kind != YAML_LIST && list->kind != YAML_NULL))
        return err_set(p->err, ERR_FORMAT, "no list of packages");
    p->out->branch = yaml_str(root, STR("distroversion"));
    p->out->repo = yaml_str(root, STR("reponame"));
    for (size_t i = 0; i < list->items.len; i++) {
        if (!yaml_package(p, list->items.ptr[i]))
            return false;
    }
    return true;
}

bool secdb_parse(str text, bool is_yaml, struct arena *arena, struct secdb *out, struct err *err)
{
    *out = (struct secdb){0};
    struct parsing parsing = {.arena = arena, .out = out, .err = err};
    return is_yaml ? read_yaml(&parsing, text) : read_json(&parsing, text);
}
