/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments → call, by the declared options alone. */
#include "cmd/cmd.h"

#include <string.h>

#include "base/auto.h"
#include "base/num.h"

static const struct command *find_command(const struct command *const *table, size_t n, str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_from(table[i]->name), name))
            return table[i];
    return NULL;
}

static size_t count_subs(const struct command *const *subs)
{
    size_t n = 0;
    while (subs && subs[n])
        n++;
    return n;
}

static const struct cmd_option *find_option(const struct command *command, str name)
{
    for (const struct cmd_option *o = command->options; o && o->name; o++)
        if (str_eq(str_from(o->name), name))
            return o;
    return NULL;
}

static const struct cmd_option *find_letter(const struct command *command, char letter)
{
    for (const struct cmd_option *o = command->options; o && o->name; o++)
        if (o->letter && o->letter == letter)
            return o;
    return NULL;
}

/* Levenshtein, for words of at most 31 letters. */
static size_t distance(str a, str b)
{
    enum { MAX = 32 };
    size_t row[MAX];
    if (a.len >= MAX || b.len >= MAX)
        return MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t swap = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            row[j] = num_min(swap, num_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

static bool fail_option(const struct cmd_call *call, str dashes, str name, struct err *err)
{
    const struct cmd_option *best = NULL;
    size_t best_distance = 3;
    for (const struct cmd_option *o = call->command->options; o && o->name; o++) {
        size_t d = distance(name, str_from(o->name));
        if (name.len > 1 && d < best_distance) {
            best = o;
            best_distance = d;
        }
    }
    if (best)
        return err_set(err, ERR_USAGE, STR_FMT STR_FMT ": no such option; did you mean --%s?",
                       STR_ARG(dashes), STR_ARG(name), best->name);
    return err_set(err, ERR_USAGE, STR_FMT STR_FMT ": no such option", STR_ARG(dashes),
                   STR_ARG(name));
}

static bool add_value(struct cmd_call *call, const struct cmd_option *option, str text,
                      struct err *err)
{
    if (!option->is_repeatable && cmd_has(call, option->name))
        return err_set(err, ERR_USAGE, "--%s: given twice", option->name);
    struct cmd_value *value = vec_push(call->arena, &call->values);
    if (!value)
        return err_memory(err);
    *value = (struct cmd_value){.option = option, .text = text};
    return true;
}

struct args {
    const str *ptr;
    size_t len, at;
};

/* The option's argument: attached, or the next word. */
static bool take_value(struct cmd_call *call, const struct cmd_option *option, bool is_attached,
                       str attached, struct args *args, struct err *err)
{
    if (!option->argument) {
        if (is_attached)
            return err_set(err, ERR_USAGE, "--%s: takes no value", option->name);
        return add_value(call, option, STR_NONE, err);
    }
    if (is_attached)
        return add_value(call, option, attached, err);
    if (args->at == args->len)
        return err_set(err, ERR_USAGE, "--%s: needs a value: %s", option->name, option->argument);
    return add_value(call, option, args->ptr[args->at++], err);
}

static bool take_long(struct cmd_call *call, str word, struct args *args, struct err *err)
{
    str name, attached;
    bool is_attached = str_cut_byte(str_skip(word, 2), '=', &name, &attached);
    if (str_eq(name, STR("help")) && !is_attached) {
        call->wants_help = true;
        return true;
    }
    const struct cmd_option *option = find_option(call->command, name);
    if (!option)
        return fail_option(call, STR("--"), name, err);
    return take_value(call, option, is_attached, attached, args, err);
}

/* "-q", "-qo FILE", "-oFILE" */
static bool take_letters(struct cmd_call *call, str word, struct args *args, struct err *err)
{
    for (size_t i = 1; i < word.len; i++) {
        const struct cmd_option *option = find_letter(call->command, word.ptr[i]);
        if (!option && word.ptr[i] == 'h') {
            call->wants_help = true;
            continue;
        }
        if (!option)
            return fail_option(call, STR("-"), str_slice(word, i, i + 1), err);
        bool is_attached = option->argument && i + 1 < word.len;
        if (!take_value(call, option, is_attached, str_skip(word, i + 1), args, err))
            return false;
        if (is_attached)
            break;
    }
    return true;
}

static bool add_operand(struct cmd_call *call, str word, struct err *err)
{
    if (call->operands.len == call->command->max_operands && !call->wants_help)
        return err_set(err, ERR_USAGE, STR_FMT ": one argument too many", STR_ARG(word));
    str *operand = vec_push(call->arena, &call->operands);
    if (!operand)
        return err_memory(err);
    *operand = word;
    return true;
}

static bool take_words(struct cmd_call *call, struct args *args, struct err *err)
{
    bool are_operands = false;
    while (args->at < args->len) {
        str word = args->ptr[args->at++];
        bool is_done;
        if (!are_operands && str_eq(word, STR("--"))) {
            are_operands = true;
            continue;
        }
        if (!are_operands && str_starts(word, STR("--")))
            is_done = take_long(call, word, args, err);
        else if (!are_operands && word.len > 1 && word.ptr[0] == '-')
            is_done = take_letters(call, word, args, err);
        else
            is_done = add_operand(call, word, err);
        if (!is_done)
            return false;
    }
    return true;
}

static bool fail_command(const struct command *const *table, size_t n, str word, struct err *err)
{
    auto_free char *names = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&names, &size);
    for (size_t i = 0; out && i < n; i++)
        fprintf(out, "%s%s", i ? ", " : "", table[i]->name);
    if (out)
        fclose(out);
    if (!word.len)
        return err_set(err, ERR_USAGE, "no command given, one of: %s", names ? names : "");
    return err_set(err, ERR_USAGE, STR_FMT ": no such command, one of: %s", STR_ARG(word),
                   names ? names : "");
}

static bool is_help(str word) { return str_eq(word, STR("--help")) || str_eq(word, STR("-h")); }

/* Walk "db update" down the table. */
static bool take_command(const struct command *const *table, size_t n, struct cmd_call *call,
                         struct args *args, struct err *err)
{
    while (n) {
        str word = args->at < args->len ? args->ptr[args->at] : STR_NONE;
        if (is_help(word)) {
            call->wants_help = true;
            return true;
        }
        const struct command *found = find_command(table, n, word);
        if (!found)
            return fail_command(table, n, word, err);
        args->at++;
        call->command = found;
        call->path = call->path.len ? arena_printf(call->arena, STR_FMT " %s", STR_ARG(call->path),
                                                   found->name)
                                    : str_from(found->name);
        table = found->subs;
        n = count_subs(table);
    }
    return true;
}

/* "SOURCE..." asks for one at least. */
static bool fail_missing(const struct cmd_call *call, struct err *err)
{
    str operands = str_from(call->command->operands), name;
    str_cut(operands, STR("..."), &name, &operands);
    return err_set(err, ERR_USAGE, STR_FMT " is missing", STR_ARG(name));
}

bool cmd_parse(const struct command *const *table, size_t n_table, const str *args, size_t n_args,
               struct arena *arena, struct cmd_call *out, struct err *err)
{
    struct args rest = {.ptr = args, .len = n_args};
    *out = (struct cmd_call){.arena = arena};
    if (!take_command(table, n_table, out, &rest, err))
        return false;
    if (out->wants_help)
        return true;
    if (!take_words(out, &rest, err))
        return false;
    if (out->wants_help)
        return true;
    if (out->operands.len < out->command->min_operands)
        return fail_missing(out, err);
    return !out->command->check || out->command->check(out, err);
}

bool cmd_value_at(const struct cmd_call *call, const char *option, size_t i, str *out)
{
    for (size_t v = 0; v < call->values.len; v++) {
        const struct cmd_value *value = &call->values.ptr[v];
        if (strcmp(value->option->name, option) != 0)
            continue;
        if (i-- == 0) {
            *out = value->text;
            return true;
        }
    }
    return false;
}

bool cmd_has(const struct cmd_call *call, const char *option)
{
    str ignored;
    return cmd_value_at(call, option, 0, &ignored);
}

str cmd_value(const struct cmd_call *call, const char *option)
{
    str value = STR_NONE;
    for (size_t i = 0; cmd_value_at(call, option, i, &value); i++)
        continue;
    return value;
}

const char *cmd_cstr(const struct cmd_call *call, const char *option)
{
    return cmd_has(call, option) ? arena_cstr(call->arena, cmd_value(call, option)) : NULL;
}
