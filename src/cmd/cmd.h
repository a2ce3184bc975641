/* SPDX-License-Identifier: Apache-2.0 */
/* cmd.h - the command line: one command per file, one row each in a table that meson makes.
 * A row declares its options; parsing, `--help` and docs/CLI.md all follow from it.
 * Not: any work of its own (that is scan/, advisory/, report/).
 * Owns: a call owns nothing; its strings borrow from argv and from its arena.
 * Threads: the main one. */
#pragma once

#include <stdio.h>

#include "base/sb.h"
#include "base/vec.h"

struct cmd_option {
    const char *name;     /* "format": written --format */
    char letter;          /* 'o': written -o; 0: none */
    const char *argument; /* "FILE"; NULL: a flag */
    const char *help;     /* one sentence or two, no full stop */
    bool is_repeatable;
    /* The @i-th word that it may be, for completion; NULL behind the last.  NULL: any, and FILE or
     * DIR in @argument are completed as such. */
    const char *(*choice)(size_t i);
    bool is_list; /* of choices, separated by commas */
    /* Adds to @help what a table says: never a list written twice.  NULL: nothing. */
    void (*say)(struct sb *out);
};
/* The help of an option, with what a table adds to it: sb_fini it. */
void cmd_option_help(const struct cmd_option *option, struct sb *out);
struct cmd_example {
    const char *line, *what;
};

struct cmd_call;
struct command {
    const char *name;
    const char *summary;  /* half a line */
    const char *operands; /* "SOURCE"; NULL: none */
    unsigned min_operands, max_operands;
    const char *about;                  /* paragraphs, separated by an empty line */
    const struct cmd_option *options;   /* ends with a zeroed row; NULL: none but --help */
    const struct cmd_example *examples; /* ends with a zeroed row; NULL: none */
    const struct command *const *subs;  /* ends with NULL; then the rest but the texts is empty */
    /* What the table cannot say: values and combinations; ERR_USAGE.  NULL: nothing. */
    bool (*check)(const struct cmd_call *call, struct err *err);
    /* Gives the exit code. */
    int (*run)(const struct cmd_call *call);
};

/* Exit codes (DESIGN 11). */
enum { EXIT_DONE = 0, EXIT_GATE = 1, EXIT_USAGE = 2, EXIT_INCOMPLETE = 3 };

struct cmd_value {
    const struct cmd_option *option;
    str text; /* empty for a flag */
};
struct cmd_call {
    struct arena *arena; /* for the whole run */
    const struct command *command;
    str path; /* "db update" */
    VEC(struct cmd_value) values;
    VEC(str) operands;
    bool wants_help;
};

/* All commands, sorted by name. */
const struct command *const *commands(size_t *n);

/* Arguments without the program's name → the call.  Options and operands may mix; "--" ends
 * options;
 * --name=value and --name value, -ovalue and -o value.  ERR_USAGE names the argument.  out->command
 * and out->path say how far it came even on failure. */
NODISCARD bool cmd_parse(const struct command *const *table, size_t n_table, const str *args,
                         size_t n_args, struct arena *arena, struct cmd_call *out, struct err *err);
/* Parse, help or run; errors are said on stderr.  Gives the exit code. */
int cmd_main(int argc, const char *const *argv);

/* The last value given; empty when none was. */
str cmd_value(const struct cmd_call *call, const char *option);
bool cmd_has(const struct cmd_call *call, const char *option);
/* The @i-th value of a repeatable option; false when there are not that many. */
bool cmd_value_at(const struct cmd_call *call, const char *option, size_t i, str *out);
/* For libc's door: NULL when the option was not given (or the arena is used up). */
const char *cmd_cstr(const struct cmd_call *call, const char *option);

/* Two lines on stderr: what, where, why; and what to do.  Gives the exit code of the error's kind.
 */
int cmd_fail(const struct cmd_call *call, const struct err *err);
/* The same with a remedy of its own. */
int cmd_fail_with(const struct cmd_call *call, const struct err *err, const char *remedy);

/* What may stand where the last of @words (without the program's name) is being typed. */
enum complete_hint { COMPLETE_WORDS, COMPLETE_FILE, COMPLETE_DIR };
struct completion {
    VEC(struct candidate {
        str word;
        const char *about; /* may be NULL */
    })
    candidates;              /* that begin as the last word does */
    enum complete_hint hint; /* paths as well */
};
NODISCARD bool cmd_complete(const struct command *const *table, size_t n_table, const str *words,
                            size_t n_words, struct arena *arena, struct completion *out);

/* Help of one command, of all of them, and docs/CLI.md. */
void cmd_help(FILE *out, str path, const struct command *command);
void cmd_help_all(FILE *out, const struct command *const *table, size_t n_table);
void cmd_help_markdown(FILE *out, const struct command *const *table, size_t n_table);
/* Pages for man(1), named plimsoll.1 and plimsoll-COMMAND.1: one, or all into the folder @dir. */
void cmd_man(FILE *out, str path, const struct command *command);
NODISCARD bool cmd_man_pages(const char *dir, const struct command *const *table, size_t n_table,
                             struct err *err);
/* docs/support.md, docs/limits.md and docs/errors.md: from the tables of the folders below. */
void cmd_help_support(FILE *out);
void cmd_help_limits(FILE *out);
void cmd_help_errors(FILE *out);
void cmd_help_metrics(FILE *out); /* docs/metrics.md */
void cmd_help_routes(FILE *out);  /* docs/routes.md */
