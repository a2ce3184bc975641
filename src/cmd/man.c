/* SPDX-License-Identifier: Apache-2.0 */
/* man.c - pages for man(1), in the macros of man(7), from the declared options. */
#include <errno.h>
#include <string.h>

#include "base/auto.h"
#include "cmd/internal.h"

/* Text that roff takes as it is; no line begins with a control character. */
static void roff(FILE *out, const char *text)
{
    bool is_start = true;
    for (const char *c = text; *c; c++) {
        if (is_start && (*c == '.' || *c == '\''))
            fputs("\\&", out);
        if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else
            fputc(*c, out);
        is_start = *c == '\n';
    }
}

/* What stands in backticks is bold. */
static void prose(FILE *out, str text)
{
    bool is_code = false;
    str part;
    while (str_next(&text, '`', &part)) {
        char copy[8192];
        snprintf(copy, sizeof(copy), STR_FMT, STR_ARG(part));
        if (is_code)
            fputs("\\fB", out);
        roff(out, copy);
        if (is_code)
            fputs("\\fR", out);
        is_code = !is_code;
    }
    fputc('\n', out);
}

static void heading(FILE *out, const char *name, str path, const char *summary)
{
    fprintf(out, ".\\\" Made by `plimsoll help --man`.\n.TH \"");
    for (const char *c = name; *c; c++)
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    fprintf(out, "\" \"1\" \"\" \"plimsoll %s\" \"Plimsoll\"\n.SH NAME\n", report_engine_version());
    roff(out, name);
    fputs(" \\- ", out);
    roff(out, summary);
    fputs("\n.SH SYNOPSIS\n.B plimsoll\n", out);
    fprintf(out, STR_FMT "\n", STR_ARG(path));
}

static void option(FILE *out, const struct cmd_option *o)
{
    fputs(".TP\n", out);
    if (o->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    roff(out, o->name);
    fputs("\\fR", out);
    if (o->argument) {
        fputs(" \\fI", out);
        roff(out, o->argument);
        fputs("\\fR", out);
    }
    fputs(o->is_repeatable ? " (repeatable)\n" : "\n", out);
    auto_sb help;
    cmd_option_help(o, &help);
    prose(out, sb_str(&help));
}

static void paragraphs(FILE *out, const char *about)
{
    str rest = str_from(about), paragraph;
    while (rest.len) {
        str_cut(rest, STR("\n\n"), &paragraph, &rest);
        prose(out, paragraph);
        fputs(rest.len ? ".PP\n" : "", out);
    }
}

static void see_also(FILE *out, str path, const struct command *const *table, size_t n)
{
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < n; i++) {
        fputs(".TP\n\\fBplimsoll\\-", out);
        if (path.len) {
            char copy[128];
            snprintf(copy, sizeof(copy), STR_FMT "-", STR_ARG(path));
            roff(out, copy);
        }
        roff(out, table[i]->name);
        fputs("\\fR(1)\n", out);
        prose(out, str_from(table[i]->summary));
    }
}

static size_t count_subs(const struct command *const *subs)
{
    size_t n = 0;
    while (subs && subs[n])
        n++;
    return n;
}

static const char exits[] = ".SH EXIT STATUS\n"
                            ".TP\n0\nDone.\n.TP\n1\nThe \\fB\\-\\-fail\\-on\\fR gate tripped.\n"
                            ".TP\n2\nUsage.\n.TP\n3\nIt could not be done, or not completely.\n";

static void name_of(str path, char *out, size_t size)
{
    snprintf(out, size, "plimsoll-" STR_FMT, STR_ARG(path));
    for (char *c = out; *c; c++)
        if (*c == ' ')
            *c = '-';
}

void cmd_man(FILE *out, str path, const struct command *command)
{
    char name[128];
    name_of(path, name, sizeof(name));
    heading(out, name, path, command->summary);
    if (command->subs)
        fputs(".I COMMAND\n", out);
    if (command->options)
        fputs("[\\fIOPTION\\fR]...\\&\n", out);
    if (command->operands) {
        fprintf(out, command->min_operands ? "\\fI" : "[\\fI");
        roff(out, command->operands);
        fprintf(out, command->min_operands ? "\\fR\n" : "\\fR]\n");
    }
    fputs(".SH DESCRIPTION\n", out);
    paragraphs(out, command->about);
    if (command->subs)
        see_also(out, path, command->subs, count_subs(command->subs));
    if (command->options)
        fputs(".SH OPTIONS\n", out);
    for (const struct cmd_option *o = command->options; o && o->name; o++)
        option(out, o);
    if (!command->subs)
        fputs(exits, out);
    if (command->examples)
        fputs(".SH EXAMPLES\n", out);
    for (const struct cmd_example *e = command->examples; e && e->line; e++) {
        fputs(e == command->examples ? "" : ".PP\n", out);
        prose(out, str_from(e->what));
        fputs(".PP\n.nf\n.RS\n", out);
        roff(out, e->line);
        fputs("\n.RE\n.fi\n", out);
    }
    fputs(".SH SEE ALSO\n\\fBplimsoll\\fR(1)\n", out);
}

static void man_all(FILE *out, const struct command *const *table, size_t n)
{
    heading(out, "plimsoll", STR_NONE, "scan container images and say what has to be fixed");
    fputs(".I COMMAND\n[\\fIOPTION\\fR]...\\&\n.SH DESCRIPTION\n"
          "Plimsoll scans container images in a sandbox for known vulnerabilities, and guards "
          "registries.\n",
          out);
    see_also(out, STR_NONE, table, n);
    fputs(exits, out);
}

/* --- into a folder
 * -------------------------------------------------------------------------------- */
static bool write_page(const char *dir, str path, const struct command *command,
                       const struct command *const *table, size_t n, struct err *err)
{
    char name[128] = "plimsoll", file[4096];
    if (command)
        name_of(path, name, sizeof(name));
    snprintf(file, sizeof(file), "%s/%s.1", dir, name);
    FILE *out = fopen(file, "we");
    if (!out)
        return err_sys(err, ERR_IO, "%s", file);
    if (command)
        cmd_man(out, path, command);
    else
        man_all(out, table, n);
    bool is_written = !ferror(out);
    return (fclose(out) == 0 && is_written) || err_sys(err, ERR_IO, "%s", file);
}

static bool write_pages(const char *dir, str above, const struct command *const *table, size_t n,
                        struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof(path), STR_FMT "%s%s", STR_ARG(above), above.len ? " " : "",
                 table[i]->name);
        if (!write_page(dir, str_from(path), table[i], NULL, 0, err) ||
            !write_pages(dir, str_from(path), table[i]->subs, count_subs(table[i]->subs), err))
            return false;
    }
    return true;
}

bool cmd_man_pages(const char *dir, const struct command *const *table, size_t n_table,
                   struct err *err)
{
    return write_page(dir, STR_NONE, NULL, table, n_table, err) &&
           write_pages(dir, STR_NONE, table, n_table, err);
}
