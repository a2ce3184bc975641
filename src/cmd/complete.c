/* SPDX-License-Identifier: Apache-2.0 */
/* complete.c - what may be typed next, by the declared options alone: one answer for every shell.
 */
#include <string.h>

#include "cmd/cmd.h"

struct typing {
    struct arena *arena;
    const struct command *const *table; /* commands that may come; NULL: none */
    size_t n_table;
    const struct command *command; /* as far as it is known */
    const struct cmd_option *open; /* whose argument the next word is */
    VEC(const struct cmd_option *) given;
    size_t n_operands;
    bool are_operands; /* behind "--" */
    bool has_failed;
    struct completion *out;
};

/* --- the words before
 * ----------------------------------------------------------------------------- */
static size_t count_commands(const struct command *const *subs)
{
    size_t n = 0;
    while (subs && subs[n])
        n++;
    return n;
}

static void enter_command(struct typing *t, str word)
{
    const struct command *found = NULL;
    for (size_t i = 0; i < t->n_table && !found; i++)
        if (str_eq(str_from(t->table[i]->name), word))
            found = t->table[i];
    t->command = found;
    t->table = found ? found->subs : NULL;
    t->n_table = count_commands(t->table);
    t->has_failed |= !found;
}

static const struct cmd_option *option_of(const struct typing *t, str word)
{
    for (const struct cmd_option *o = t->command ? t->command->options : NULL; o && o->name; o++) {
        bool is_long = str_starts(word, STR("--")) && str_eq(str_skip(word, 2), str_from(o->name));
        bool is_letter =
            o->letter && word.len == 2 && word.ptr[0] == '-' && word.ptr[1] == o->letter;
        if (is_long || is_letter)
            return o;
    }
    return NULL;
}

static void note_given(struct typing *t, const struct cmd_option *option)
{
    const struct cmd_option **slot = option ? vec_push(t->arena, &t->given) : NULL;
    if (slot)
        *slot = option;
}

/* bash cuts words at "=" and ":", which are then words of their own: the one says nothing, the
 * other that the operand goes on. */
static void pass(struct typing *t, str word)
{
    str name, value;
    if (t->open) {
        if (!str_eq(word, STR("=")))
            t->open = NULL;
    } else if (t->n_table) {
        enter_command(t, word);
    } else if (!t->are_operands && str_eq(word, STR("--"))) {
        t->are_operands = true;
    } else if (!t->are_operands && word.len > 1 && word.ptr[0] == '-') {
        bool has_value = str_cut_byte(word, '=', &name, &value);
        const struct cmd_option *option = option_of(t, name);
        note_given(t, option);
        if (option && option->argument && !has_value)
            t->open = option;
    } else if (str_eq(word, STR(":")) && t->n_operands) {
        t->n_operands--;
    } else {
        t->n_operands++;
    }
}

/* --- the word that is being typed
 * ----------------------------------------------------------------- */
/* @before, then @word, if that begins as @partial does. */
static void offer(struct typing *t, str before, str word, str partial, const char *about)
{
    if (!str_starts(word, partial))
        return;
    struct candidate *slot = vec_push(t->arena, &t->out->candidates);
    str whole =
        before.len ? arena_printf(t->arena, STR_FMT STR_FMT, STR_ARG(before), STR_ARG(word)) : word;
    if (slot)
        *slot = (struct candidate){whole, about};
    t->has_failed |= !slot || !whole.ptr;
}

static enum complete_hint hint_of(const char *argument)
{
    if (strstr(argument, "FILE"))
        return COMPLETE_FILE;
    return strstr(argument, "DIR") ? COMPLETE_DIR : COMPLETE_WORDS;
}

static const char *const schemes[][2] = {
    {"docker://", "an image in a registry"},  {"oci:", "an OCI layout"},
    {"oci-archive:", "an OCI archive"},       {"docker-archive:", "what docker save wrote"},
    {"dir:", "an unpacked root file system"},
};

static void offer_source(struct typing *t, str partial)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        offer(t, STR_NONE, str_from(schemes[i][0]), partial, schemes[i][1]);
    t->out->hint = COMPLETE_FILE; /* behind a scheme too: the shells complete after the colon */
}

/* @before is what of the word stands already: "--severity=high,". */
static void offer_argument(struct typing *t, const struct cmd_option *option, str before,
                           str partial)
{
    if (!option->choice && strstr(option->argument, "SOURCE")) {
        offer_source(t, partial);
        return;
    }
    t->out->hint = hint_of(option->argument);
    size_t comma = str_rfind_byte(partial, ',');
    if (option->is_list && comma < partial.len) {
        before = str_of(before.len ? before.ptr : partial.ptr, before.len + comma + 1);
        partial = str_skip(partial, comma + 1);
    }
    for (size_t i = 0; option->choice && option->choice(i); i++)
        offer(t, before, str_from(option->choice(i)), partial, NULL);
}

static bool is_given(const struct typing *t, const struct cmd_option *option)
{
    for (size_t i = 0; i < t->given.len; i++)
        if (t->given.ptr[i] == option)
            return !option->is_repeatable;
    return false;
}

static void offer_options(struct typing *t, str partial)
{
    str name, value;
    if (str_cut_byte(partial, '=', &name, &value)) {
        const struct cmd_option *option = option_of(t, name);
        if (option && option->argument)
            offer_argument(t, option, str_of(partial.ptr, name.len + 1), value);
        return;
    }
    for (const struct cmd_option *o = t->command->options; o && o->name; o++) {
        str word = arena_printf(t->arena, "--%s", o->name);
        if (!is_given(t, o))
            offer(t, STR_NONE, word, partial, o->help);
    }
    offer(t, STR_NONE, STR("--help"), partial, "explain the command");
}

static void offer_operand(struct typing *t, str partial)
{
    const char *operands = t->command->operands;
    if (!operands || t->n_operands >= t->command->max_operands)
        return;
    if (strncmp(operands, "SOURCE", 6) == 0 && (t->n_operands == 0 || t->command->max_operands > 2))
        offer_source(t, partial);
    else if (t->n_operands == 0)
        t->out->hint = hint_of(operands);
}

bool cmd_complete(const struct command *const *table, size_t n_table, const str *words,
                  size_t n_words, struct arena *arena, struct completion *out)
{
    struct typing t = {.arena = arena, .table = table, .n_table = n_table, .out = out};
    str partial = n_words ? words[n_words - 1] : STR_NONE;
    *out = (struct completion){0};
    for (size_t i = 0; i + 1 < n_words; i++)
        pass(&t, words[i]);
    if (str_eq(partial, STR(":")) && t.n_operands) {
        t.n_operands--;
        partial = STR_NONE;
    }
    if (t.has_failed)
        return true; /* no such command: nothing is known of what follows */
    if (t.open && str_eq(partial, STR("=")))
        partial = STR_NONE;
    if (t.open) {
        offer_argument(&t, t.open, STR_NONE, partial);
    } else if (t.n_table) {
        for (size_t i = 0; i < t.n_table; i++)
            offer(&t, STR_NONE, str_from(t.table[i]->name), partial, t.table[i]->summary);
        offer(&t, STR_NONE, STR("--help"), partial, "explain the commands");
    } else if (!t.are_operands && partial.len && partial.ptr[0] == '-') {
        offer_options(&t, partial);
    } else {
        offer_operand(&t, partial);
    }
    return !t.has_failed;
}
