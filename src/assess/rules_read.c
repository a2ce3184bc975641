/* SPDX-License-Identifier: Apache-2.0 */
/* rules_read.c - the two forms of a rules file: docs/RULES.md.  Nothing is guessed: an unknown key,
 * an empty list, a word that is none is an error with its place, because a rule that means
 * something else than was meant hides findings. */
#include "assess/assess.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "base/rd.h"
#include "syntax/syntax.h"

enum { NAME_MAX_BYTES = 200, DAY_S = 86400 };

struct reading {
    struct arena *arena;
    str file;
    struct rules *out;
    struct map names;
    struct err *err;
};

static bool complain_at(struct reading *in, size_t line, size_t column, const char *what, str word)
{
    return err_set(in->err, ERR_USAGE, STR_FMT ":%zu:%zu: %s" STR_FMT, STR_ARG(in->file),
                   line ? line : 1, column ? column : 1, what, STR_ARG(word));
}

static bool complain(struct reading *in, const struct yaml *at, const char *what, str word)
{
    return complain_at(in, at->line, at->column, what, word);
}

static bool keep(struct reading *in, str text, str *out)
{
    *out = arena_dup(in->arena, text);
    return out->ptr || err_memory(in->err);
}

/* --- values
 * --------------------------------------------------------------------------------------------- */
/* A day ends with its last second, an instant when it is there.  February has no 30th: what was
 * meant is not known. */
static bool parse_expiry(str text, int64_t *out)
{
    enum { DAY_BYTES = sizeof("2026-12-31") - 1 };
    char again[CLOCK_TEXT_SIZE];
    int64_t day;
    str date = str_slice(text, 0, DAY_BYTES);
    if (!clock_parse(date, &day) || !str_starts(clock_print(day, again), date) ||
        !clock_parse(text, out))
        return false;
    *out += text.len == DAY_BYTES ? DAY_S : 0;
    return true;
}

static bool is_cve(str text)
{
    str year, number;
    uint64_t ignored;
    return text.len > 4 && str_eq_nocase(str_slice(text, 0, 4), STR("CVE-")) &&
           str_cut_byte(str_skip(text, 4), '-', &year, &number) && year.len == 4 &&
           str_to_u64(year, 9999, &ignored) && number.len >= 4 &&
           str_to_u64(number, UINT32_MAX, &ignored);
}

/* As feeds name their records: letters, digits and a few more, with a hyphen in it. */
static bool is_id(str text)
{
    str allowed = STR("-_.:~+/");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && str_find_byte(allowed, c) == allowed.len)
            return false;
    }
    return text.len > 2 && str_find_byte(text, '-') < text.len && text.ptr[0] != '-';
}

static bool is_digest(str text)
{
    digest ignored;
    return digest_parse(text, &ignored);
}

/* "7", "6.5": at most 10, more than 0. */
static bool parse_score(str text, double *out)
{
    str whole, part;
    uint64_t units, tenths = 0;
    bool has_part = str_cut_byte(text, '.', &whole, &part);
    if (!str_to_u64(whole, 10, &units) ||
        (has_part && (part.len != 1 || !str_to_u64(part, 9, &tenths))))
        return false;
    *out = (double)(units * 10 + tenths) / 10.0;
    return *out > 0 && *out <= 10;
}

static bool parse_level(str text, enum severity *out)
{
    return severity_parse(text, out) && *out >= SEVERITY_LOW &&
           str_eq_nocase(text, str_from(severity_name(*out)));
}

static bool is_text(str text) { return str_trim(text).len > 0; }

/* --- one value of a key
 * --------------------------------------------------------------------------------- */
static bool read_score(struct reading *in, const struct yaml *value, struct rule *rule)
{
    rule->has_cvss_below = true;
    return (value->kind == YAML_SCALAR && parse_score(value->text, &rule->cvss_below)) ||
           complain(in, value, "cvss-below: wants a number above 0, at most 10, such as 7 or 6.5",
                    STR_NONE);
}

static bool read_level(struct reading *in, const struct yaml *value, struct rule *rule)
{
    return (value->kind == YAML_SCALAR && parse_level(value->text, &rule->severity_below)) ||
           complain(in, value, "severity-below: wants one of: critical, high, medium, low",
                    STR_NONE);
}

static bool read_patchable(struct reading *in, const struct yaml *value, struct rule *rule)
{
    bool is_yes = value->kind == YAML_SCALAR && str_eq(value->text, STR("true"));
    bool is_no = value->kind == YAML_SCALAR && str_eq(value->text, STR("false"));
    rule->patch = is_yes ? RULE_PATCHABLE : RULE_NOT_PATCHABLE;
    return is_yes || is_no || complain(in, value, "patchable: wants true or false", STR_NONE);
}

static bool read_expiry(struct reading *in, const struct yaml *value, struct rule *rule)
{
    rule->has_expiry = true;
    return (value->kind == YAML_SCALAR && parse_expiry(value->text, &rule->expires_at)) ||
           complain(in, value, "expires: wants a day (2026-12-31) or an instant (RFC 3339)",
                    STR_NONE);
}

static bool has_control(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
            return true;
    return false;
}

static bool read_name(struct reading *in, const struct yaml *value, struct rule *rule)
{
    str name = value->kind == YAML_SCALAR ? str_trim(value->text) : STR_NONE;
    if (!name.len || name.len > NAME_MAX_BYTES || has_control(name))
        return complain(in, value, "name: wants one line of at most 200 bytes", STR_NONE);
    if (str_starts(name, STR("vex:")))
        return complain(in, value, "name: \"vex:\" is how VEX documents are named", STR_NONE);
    return keep(in, name, &rule->name);
}

static bool read_justification(struct reading *in, const struct yaml *value, struct rule *rule)
{
    if (value->kind != YAML_SCALAR || !is_text(value->text))
        return complain(in, value, "justification: wants words that say why", STR_NONE);
    return keep(in, str_trim(value->text), &rule->justification);
}

/* --- keys
 * -----------------------------------------------------------------------------------------------
 */
struct key {
    const char *name;
    size_t list;                /* offset of the strs that it fills, when there is no read */
    bool (*is_value)(str text); /* of a list's values */
    const char *wants;
    bool (*read)(struct reading *in, const struct yaml *value, struct rule *rule);
};
#define LIST(member) .list = offsetof(struct rule, member)

static const struct key scope_keys[] = {
    {"digest", LIST(digests), is_digest, "a digest, sha256:…", NULL},
    {"registry", LIST(registries), is_text, "the name of a registry", NULL},
    {"repository", LIST(repositories), is_text, "a repository, or a glob such as shop/**", NULL},
    {"resource-group", LIST(resource_groups), is_text, "the name of a resource group", NULL},
    {"subscription", LIST(subscriptions), is_text, "the id of a subscription", NULL},
};
static const struct key criteria_keys[] = {
    {"category", LIST(categories), is_text, "a category, such as Debian or npm", NULL},
    {"cve", LIST(cves), is_cve, "a CVE, such as CVE-2024-1234", NULL},
    {"cvss-below", 0, NULL, NULL, read_score},
    {"id", LIST(ids), is_id, "the id of a finding", NULL},
    {"os-version", LIST(os_versions), is_text, "an OS version, such as \"debian 12\"", NULL},
    {"patchable", 0, NULL, NULL, read_patchable},
    {"security-check", LIST(checks), is_text, "a part of a title", NULL},
    {"severity-below", 0, NULL, NULL, read_level},
};

static bool add_value(struct reading *in, const struct key *key, const struct yaml *value,
                      strs *list)
{
    if (value->kind != YAML_SCALAR || !key->is_value(value->text))
        return err_set(in->err, ERR_USAGE, STR_FMT ":%zu:%zu: %s: wants %s", STR_ARG(in->file),
                       value->line, value->column, key->name, key->wants);
    str *slot = vec_push(in->arena, list);
    return slot ? keep(in, str_trim(value->text), slot) : err_memory(in->err);
}

static bool read_values(struct reading *in, const struct key *key, const struct yaml *value,
                        struct rule *rule)
{
    if (key->read)
        return key->read(in, value, rule);
    strs *list = (strs *)(void *)((char *)rule + key->list);
    if (value->kind != YAML_LIST)
        return add_value(in, key, value, list);
    if (value->items.len == 0) /* it would mean "any" */
        return complain(in, value, "an empty list: leave the key out, or name something", STR_NONE);
    for (size_t i = 0; i < value->items.len; i++)
        if (!add_value(in, key, value->items.ptr[i], list))
            return false;
    return true;
}

static const struct key *find_key(const struct key *keys, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_from(keys[i].name), name))
            return &keys[i];
    return NULL;
}

/* scope: or criteria: */
static bool read_section(struct reading *in, const struct yaml *map, const struct key *keys,
                         size_t n, struct rule *rule)
{
    if (map->kind != YAML_MAP || map->pairs.len == 0)
        return complain(in, map, "wants keys and values below it", STR_NONE);
    for (size_t i = 0; i < map->pairs.len; i++) {
        const struct yaml_pair *pair = &map->pairs.ptr[i];
        const struct key *key = find_key(keys, n, pair->key->text);
        if (!key)
            return complain(in, pair->key, "unknown key ", pair->key->text);
        if (!read_values(in, key, pair->value, rule))
            return false;
    }
    return true;
}

static bool read_scope(struct reading *in, const struct yaml *value, struct rule *rule)
{
    return read_section(in, value, scope_keys, ARRAY_LEN(scope_keys), rule);
}

static bool read_criteria(struct reading *in, const struct yaml *value, struct rule *rule)
{
    return read_section(in, value, criteria_keys, ARRAY_LEN(criteria_keys), rule);
}

static const struct key rule_keys[] = {
    {"criteria", 0, NULL, NULL, read_criteria},
    {"expires", 0, NULL, NULL, read_expiry},
    {"justification", 0, NULL, NULL, read_justification},
    {"name", 0, NULL, NULL, read_name},
    {"scope", 0, NULL, NULL, read_scope},
};

/* --- rules
 * ---------------------------------------------------------------------------------------------- */
static bool take(struct reading *in, const struct rule *rule)
{
    void **slot = map_at(&in->names, rule->name);
    if (!slot)
        return err_memory(in->err);
    if (*slot)
        return complain_at(in, rule->line, rule->column,
                           "there is a rule of that name already: ", rule->name);
    *slot = in; /* anything: the vec's elements move */
    struct rule *kept = vec_push(in->arena, &in->out->all);
    if (kept)
        *kept = *rule;
    return kept || err_memory(in->err);
}

static bool read_rule(struct reading *in, const struct yaml *map)
{
    struct rule rule = {.file = in->file, .line = map->line, .column = map->column};
    if (map->kind != YAML_MAP)
        return complain(in, map, "a rule wants name, justification and criteria", STR_NONE);
    for (size_t i = 0; i < map->pairs.len; i++) {
        const struct yaml_pair *pair = &map->pairs.ptr[i];
        const struct key *key = find_key(rule_keys, ARRAY_LEN(rule_keys), pair->key->text);
        if (!key)
            return complain(in, pair->key, "unknown key ", pair->key->text);
        if (!key->read(in, pair->value, &rule))
            return false;
    }
    if (!rule.name.len)
        return complain(in, map, "the rule has no name", STR_NONE);
    if (!rule.justification.len)
        return complain(in, map, "the rule has no justification: ", rule.name);
    if (!yaml_get(map, STR("criteria"))) /* it would disable everything */
        return complain(in, map, "the rule has no criteria: ", rule.name);
    return take(in, &rule);
}

/* "line 3 column 5: why" of the YAML reader → "FILE:3:5: why" */
static bool move_place(struct reading *in)
{
    struct err was = *in->err;
    str message = str_from(was.msg), line, column, why;
    if (was.kind == ERR_MEMORY || !str_starts(message, STR("line ")) ||
        !str_cut(str_skip(message, 5), STR(" column "), &line, &message) ||
        !str_cut(message, STR(": "), &column, &why))
        return err_wrap(in->err, STR_FMT, STR_ARG(in->file));
    return err_set(in->err, ERR_USAGE, STR_FMT ":" STR_FMT ":" STR_FMT ": " STR_FMT,
                   STR_ARG(in->file), STR_ARG(line), STR_ARG(column), STR_ARG(why));
}

static bool read_yaml(struct reading *in, str text)
{
    struct yaml *root;
    if (!yaml_read(in->arena, text, &root, in->err))
        return move_place(in);
    const struct yaml *list = yaml_get(root, STR("rules"));
    if (!list)
        return complain(in, root, "wants `rules:` and a list of them", STR_NONE);
    for (size_t i = 0; i < root->pairs.len; i++)
        if (!str_eq(root->pairs.ptr[i].key->text, STR("rules")))
            return complain(in, root->pairs.ptr[i].key, "unknown key ",
                            root->pairs.ptr[i].key->text);
    if (list->kind != YAML_LIST)
        return complain(in, list, "rules: wants a list", STR_NONE);
    for (size_t i = 0; i < list->items.len; i++)
        if (!read_rule(in, list->items.ptr[i]))
            return false;
    return true;
}

/* --- a list of ids
 * ---------------------------------------------------------------------------------------- */
static str cut_word(str *rest)
{
    size_t n = 0;
    *rest = str_trim(*rest);
    while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
        n++;
    str word = str_slice(*rest, 0, n);
    *rest = str_trim(str_skip(*rest, n));
    return word;
}

static size_t column_of(str line, str at) { return 1 + (size_t)(at.ptr - line.ptr); }

/* "ID [until YYYY-MM-DD] reason" */
static bool read_id_line(struct reading *in, str line, size_t number)
{
    str rest = line, id = cut_word(&rest), reason = rest, day;
    struct rule rule = {.file = in->file, .line = number, .column = column_of(line, id)};
    if (!is_id(id))
        return complain_at(in, number, rule.column,
                           "neither a rules file (`rules:`) nor an id such as CVE-2024-1234: ", id);
    if (str_eq(cut_word(&rest), STR("until"))) {
        day = cut_word(&rest);
        rule.has_expiry = true;
        if (!day.len || !parse_expiry(day, &rule.expires_at))
            return complain_at(in, number, column_of(line, day.len ? day : reason),
                               "until: wants a day such as 2026-12-31", STR_NONE);
        reason = rest;
    }
    if (!reason.len)
        return complain_at(in, number, rule.column, "no reason is given for ", id);
    str *slot = vec_push(in->arena, &rule.ids);
    rule.name = arena_printf(in->arena, STR_FMT ":%zu", STR_ARG(in->file), number);
    if (!slot || !rule.name.ptr)
        return err_memory(in->err);
    return keep(in, id, slot) && keep(in, reason, &rule.justification) && take(in, &rule);
}

static bool read_ids(struct reading *in, str text)
{
    struct rd lines;
    str line;
    rd_init(&lines, text);
    while (rd_line(&lines, LIMIT(FIELD), &line)) {
        str what = str_trim(line);
        if (what.len && what.ptr[0] != '#' && !read_id_line(in, line, lines.line))
            return false;
    }
    return rd_is_ok(&lines) ||
           complain_at(in, lines.line, 1, "the line is longer than the limit field", STR_NONE);
}

/* The first line that says something decides. */
static bool is_yaml(str text)
{
    static const char *const begins[] = {"rules:", "rules :", "\"rules\"", "{", "---", "%YAML"};
    str line;
    while (str_next(&text, '\n', &line)) {
        line = str_trim(line);
        if (!line.len || line.ptr[0] == '#')
            continue;
        for (size_t i = 0; i < ARRAY_LEN(begins); i++)
            if (str_starts(line, str_from(begins[i])))
                return true;
        return false;
    }
    return false;
}

bool rules_parse(struct arena *arena, str file, str text, struct rules *out, struct err *err)
{
    struct reading in = {.arena = arena, .file = arena_dup(arena, file), .out = out, .err = err};
    if (!in.file.ptr)
        return err_memory(err);
    map_init(&in.names, arena);
    for (size_t i = 0; i < out->all.len; i++)
        if (!map_put(&in.names, out->all.ptr[i].name, &in))
            return err_memory(err);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    return is_yaml(text) ? read_yaml(&in, text) : read_ids(&in, text);
}
