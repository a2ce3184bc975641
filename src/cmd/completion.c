/* SPDX-License-Identifier: Apache-2.0 */
/* The shells' scripts ask `plimsoll completion --words`; what they know themselves is only how
 * their shell is told. */
#include "cmd/internal.h"

static const char bash[] =
    "# bash: source <(plimsoll completion bash)\n"
    "_plimsoll() {\n"
    "    local line hint= cur=\"${COMP_WORDS[COMP_CWORD]}\"\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :*) hint=${line#:} ;;\n"
    "        *) line=${line%%$'\\t'*}; COMPREPLY+=(\"${line#\"${cur%%[^=]*}\"}\") ;;\n"
    "        esac\n"
    "    done < <(plimsoll completion --words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "    [ \"$cur\" != = ] && [ \"$cur\" != : ] || cur=\n"
    "    case $hint in\n"
    "    file) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
    "\"$cur\") ;;\n"
    "    dir) compopt -o filenames; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "
    "\"$cur\") ;;\n"
    "    esac\n"
    "    case ${COMPREPLY[0]} in *[:/,]) compopt -o nospace ;; esac\n"
    "}\n"
    "complete -F _plimsoll plimsoll\n";

static const char zsh[] =
    "#compdef plimsoll\n"
    "# zsh: source <(plimsoll completion zsh), or save as _plimsoll in a folder of $fpath\n"
    "_plimsoll() {\n"
    "    local line hint=none\n"
    "    local -a given told open open_told\n"
    "    for line in \"${(@f)$(plimsoll completion --words -- \"${(@Q)words[2,CURRENT]}\" "
    "2>/dev/null)}\"; do\n"
    "        case $line in\n"
    "        :*) hint=${line#:} ;;\n"
    "        *[:/,]$'\\t'*|*[:/,]) open+=(\"${line%%$'\\t'*}\"); open_told+=(\"${line/$'\\t'/ -- "
    "}\") ;;\n"
    "        ?*) given+=(\"${line%%$'\\t'*}\"); told+=(\"${line/$'\\t'/ -- }\") ;;\n"
    "        esac\n"
    "    done\n"
    "    (( ${#given} )) && compadd -l -d told -a given\n"
    "    (( ${#open} )) && compadd -l -S '' -d open_told -a open\n"
    "    case $hint in\n"
    "    file) compset -P '*[=:]'; _files ;;\n"
    "    dir) compset -P '*='; _files -/ ;;\n"
    "    esac\n"
    "}\n"
    "if [[ $funcstack[1] = _plimsoll ]]; then _plimsoll \"$@\"; else compdef _plimsoll plimsoll; "
    "fi\n";

static const char fish[] =
    "# fish: plimsoll completion fish | source\n"
    "function __plimsoll_complete\n"
    "    set -l now \"$(commandline -ct)\"\n"
    "    set -l words (commandline -opc)[2..-1] $now\n"
    "    for line in (plimsoll completion --words -- $words 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':file' ':dir'\n"
    "                set -l before (string match -r '^(?:--[a-z-]+=|[a-z-]+:(?!//))' -- $now)\n"
    "                set -l rest (string replace -r '^(?:--[a-z-]+=|[a-z-]+:(?!//))' '' -- $now)\n"
    "                for path in (if test $line = ':dir'; __fish_complete_directories \"$rest\" "
    "''; else; __fish_complete_path \"$rest\" ''; end)\n"
    "                    echo \"$before$path\"\n"
    "                end\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c plimsoll -f -k -a '(__plimsoll_complete)'\n";

static const struct shell {
    const char *name, *script;
} shells[] = {{"bash", bash}, {"fish", fish}, {"zsh", zsh}};

static const struct shell *shell_of(const struct cmd_call *call)
{
    for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
        if (str_eq(call->operands.ptr[0], str_from(shells[i].name)))
            return &shells[i];
    return NULL;
}

static bool completion_check(const struct cmd_call *call, struct err *err)
{
    if (cmd_has(call, "words"))
        return true;
    if (call->operands.len == 0)
        return err_set(err, ERR_USAGE, "SHELL is missing: bash, fish or zsh");
    if (call->operands.len > 1)
        return err_set(err, ERR_USAGE, STR_FMT ": one argument too many",
                       STR_ARG(call->operands.ptr[1]));
    return shell_of(call) || err_set(err, ERR_USAGE, STR_FMT ": no shell, one of: bash, fish, zsh",
                                     STR_ARG(call->operands.ptr[0]));
}

/* A tab and what it means behind each word; at last what else the shell may offer. */
static int print_words(const struct cmd_call *call)
{
    static const char *const hints[] = {
        [COMPLETE_WORDS] = "", [COMPLETE_FILE] = ":file\n", [COMPLETE_DIR] = ":dir\n"};
    struct completion found;
    size_t n;
    const struct command *const *table = commands(&n);
    struct err err = {0};
    if (!cmd_complete(table, n, call->operands.ptr, call->operands.len, call->arena, &found)) {
        (void)err_memory(&err);
        return cmd_fail(call, &err);
    }
    for (size_t i = 0; i < found.candidates.len; i++) {
        const struct candidate *c = &found.candidates.ptr[i];
        printf(STR_FMT "%s%s\n", STR_ARG(c->word), c->about ? "\t" : "", c->about ? c->about : "");
    }
    fputs(hints[found.hint], stdout);
    return EXIT_DONE;
}

static int completion_run(const struct cmd_call *call)
{
    if (cmd_has(call, "words"))
        return print_words(call);
    const struct shell *shell = shell_of(call);
    if (shell)
        fputs(shell->script, stdout);
    return shell ? EXIT_DONE : EXIT_USAGE;
}

static const struct cmd_option completion_options[] = {
    {.name = "words",
     .help = "what may stand in place of the last of these words, with its meaning: what the "
             "scripts ask; `:file` and `:dir` stand for paths"},
    {0},
};
static const struct cmd_example completion_examples[] = {
    {"source <(plimsoll completion bash)", "in ~/.bashrc"},
    {"plimsoll completion zsh > ~/.zfunc/_plimsoll", "for zsh, with ~/.zfunc in $fpath"},
    {"plimsoll completion fish > ~/.config/fish/completions/plimsoll.fish", "for fish"},
    {0},
};

const struct command command_completion = {
    .name = "completion",
    .summary = "complete commands and options in a shell",
    .operands = "SHELL",
    .max_operands = 4096,
    .about =
        "Prints the script that lets bash, fish or zsh complete the commands, options and values "
        "of plimsoll.",
    .options = completion_options,
    .examples = completion_examples,
    .check = completion_check,
    .run = completion_run,
};
