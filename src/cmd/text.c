/* SPDX-License-Identifier: Apache-2.0 */
/* Help for the terminal and for docs/CLI.md, both from the declared options. */
#include "cmd/cmd.h"

#include <string.h>

#include "base/auto.h"
#include "base/sb.h"

enum { WIDTH = 80, HELP_COLUMN = 26 };

/* @text, wrapped at spaces, from @column on (where the cursor is) with @indent for the next lines.
 */
static void wrap(FILE *out, str text, size_t column, size_t indent)
{
    str word;
    bool is_first = true;
    while (str_next(&text, ' ', &word)) {
        if (!is_first && column + 1 + word.len > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!is_first) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, STR_FMT, STR_ARG(word));
        column += word.len;
        is_first = false;
    }
    fputc('\n', out);
}

/* "plimsoll scan SOURCE [--format FORMAT] …" */
static void synopsis(struct sb *out, str path, const struct command *command)
{
    sb_addf(out, "plimsoll " STR_FMT, STR_ARG(path));
    if (command->subs)
        sb_addc(out, " COMMAND");
    if (command->operands)
        sb_addf(out, command->min_operands ? " %s" : " [%s]", command->operands);
    for (const struct cmd_option *o = command->options; o && o->name; o++) {
        /* no-break space (0x1f here) inside the brackets, so that wrapping keeps them whole */
        sb_addf(out, " [%s%s%s%s]%s", o->letter ? "-" : "--",
                o->letter ? (const char[]){o->letter, '\0'} : o->name, o->argument ? "\x1f" : "",
                o->argument ? o->argument : "", o->is_repeatable ? "..." : "");
    }
}

static void print_synopsis(FILE *out, str path, const struct command *command)
{
    auto_free char *text = NULL;
    auto_sb line;
    size_t size = 0;
    sb_init(&line, 64 << 10);
    synopsis(&line, path, command);
    FILE *wrapped = open_memstream(&text, &size);
    if (!wrapped)
        return;
    wrap(wrapped, sb_str(&line), 7, 7 + 4);
    fclose(wrapped);
    for (char *c = text; *c; c++)
        if (*c == '\x1f')
            *c = ' ';
    fprintf(out, "Usage: %s", text);
}

static void print_paragraphs(FILE *out, const char *about)
{
    str rest = str_from(about), paragraph;
    while (rest.len) {
        str_cut(rest, STR("\n\n"), &paragraph, &rest);
        fputc('\n', out);
        wrap(out, paragraph, 0, 0);
    }
}

void cmd_option_help(const struct cmd_option *o, struct sb *out)
{
    sb_init(out, 64 << 10);
    sb_addc(out, o->help);
    if (o->say)
        o->say(out);
}

static void print_option(FILE *out, const struct cmd_option *o)
{
    char left[80];
    int n = snprintf(left, sizeof(left), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
                     o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                     o->argument ? " " : "", o->argument ? o->argument : "");
    fputs(left, out);
    if (n + 2 > HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - n, "");
    auto_sb help;
    cmd_option_help(o, &help);
    wrap(out, sb_str(&help), HELP_COLUMN, HELP_COLUMN);
}

static const struct cmd_option help_option = {.name = "help", .letter = 'h', .help = "this text"};

static void print_list(FILE *out, const struct command *const *table, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-12s %s\n", table[i]->name, table[i]->summary);
}

static size_t count_subs(const struct command *command)
{
    size_t n = 0;
    while (command->subs && command->subs[n])
        n++;
    return n;
}

void cmd_help(FILE *out, str path, const struct command *command)
{
    print_synopsis(out, path, command);
    print_paragraphs(out, command->about);
    if (command->subs) {
        fputs("\nCommands:\n", out);
        print_list(out, command->subs, count_subs(command));
    }
    fputs("\nOptions:\n", out);
    for (const struct cmd_option *o = command->options; o && o->name; o++)
        print_option(out, o);
    print_option(out, &help_option);
    if (command->examples)
        fputs("\nExamples:\n", out);
    for (const struct cmd_example *e = command->examples; e && e->line; e++)
        fprintf(out, "  # %s\n  %s\n", e->what, e->line);
}

static const char exits[] =
    "Exit codes: 0 done; 1 the --fail-on gate tripped; 2 usage; 3 could not be done, or not\n"
    "completely.\n";

void cmd_help_all(FILE *out, const struct command *const *table, size_t n_table)
{
    fputs("Usage: plimsoll COMMAND ...\n\n"
          "Plimsoll scans container images and says what has to be fixed.\n\nCommands:\n",
          out);
    print_list(out, table, n_table);
    fputs("\n`plimsoll COMMAND --help` explains one of them, with examples.\n", out);
    fputs(exits, out);
}

/* --- docs/CLI.md
 * ----------------------------------------------------------------------------------- */
/* Table cells: a bar would end one. */
static void markdown_cell(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '|')
            fputc('\\', out);
        fputc(*c, out);
    }
}

static void markdown_option(FILE *out, const struct cmd_option *o)
{
    fputs("| `", out);
    if (o->letter)
        fprintf(out, "-%c`, `", o->letter);
    fprintf(out, "--%s", o->name);
    if (o->argument) {
        fputc(' ', out);
        markdown_cell(out, o->argument);
    }
    fprintf(out, "`%s | ", o->is_repeatable ? " (repeatable)" : "");
    auto_sb help;
    cmd_option_help(o, &help);
    markdown_cell(out, help.ptr ? help.ptr : "");
    fputs(" |\n", out);
}

static void markdown_body(FILE *out, str path, const struct command *command)
{
    fprintf(out, "%s\n\n```\n", command->about);
    print_synopsis(out, path, command);
    fputs("```\n", out);
    if (command->options)
        fputs("\n| option | meaning |\n|---|---|\n", out);
    for (const struct cmd_option *o = command->options; o && o->name; o++)
        markdown_option(out, o);
    if (command->examples)
        fputs("\n```\n", out);
    for (const struct cmd_example *e = command->examples; e && e->line; e++)
        fprintf(out, "# %s\n%s\n", e->what, e->line);
    if (command->examples)
        fputs("```\n", out);
}

static void markdown_command(FILE *out, const struct command *command)
{
    fprintf(out, "\n## plimsoll %s\n\n", command->name);
    if (!command->subs) {
        markdown_body(out, str_from(command->name), command);
        return;
    }
    fprintf(out, "%s\n", command->about);
    for (size_t i = 0; i < count_subs(command); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s %s", command->name, command->subs[i]->name);
        fprintf(out, "\n### plimsoll %s\n\n", path);
        markdown_body(out, str_from(path), command->subs[i]);
    }
}

void cmd_help_markdown(FILE *out, const struct command *const *table, size_t n_table)
{
    fputs("# The command line\n\n"
          "Generated by `plimsoll help --markdown` from the option tables in `src/cmd/`; a test\n"
          "compares them.\n\n| command | what it does |\n|---|---|\n",
          out);
    for (size_t i = 0; i < n_table; i++)
        fprintf(out, "| [`%s`](#plimsoll-%s) | %s |\n", table[i]->name, table[i]->name,
                table[i]->summary);
    fprintf(out, "\n%s", exits);
    for (size_t i = 0; i < n_table; i++)
        markdown_command(out, table[i]);
}
