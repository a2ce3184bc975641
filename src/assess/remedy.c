/* SPDX-License-Identifier: Apache-2.0 */
/* remedy.c - what to do about a finding: words, a command to paste, the build step that brought it.
 * Names come from the image and end up in a shell: a word that is not made of plain characters
 * only never gets into a command. */
#include "assess/assess.h"

#include "base/num.h"
#include "base/sb.h"

enum { TEXT_MAX = 64 << 10, NAMED_MAX = 8 };

/* --- words for a shell
 * ----------------------------------------------------------------------------- */
static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Begins with a letter or digit (not an option, nor one of apt's patterns), does not end with apt's
 * word for removal. */
static bool is_safe(str word, str also)
{
    if (word.len == 0 || word.ptr[word.len - 1] == '-' ||
        !(is_alnum(word.ptr[0]) || str_find_byte(also, word.ptr[0]) < also.len))
        return false;
    str allowed = STR(".+:~_-");
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        if (!is_alnum(c) && str_find_byte(allowed, c) == allowed.len &&
            str_find_byte(also, c) == also.len)
            return false;
    }
    return true;
}

/* --- operating systems: one row a package manager
 * --------------------------------------------------- */
struct manager_row {
    const char *name;
    const char *command;
    bool is_pinned;  /* takes 'name>=version', because binaries share their source's version */
    bool is_unnamed; /* upgrades everything or nothing */
};
static const struct manager_row managers[] = {
    {.name = "apk", .command = "apk add --no-cache --upgrade", .is_pinned = true},
    {.name = "apt", .command = "apt-get update && apt-get install -y --only-upgrade"},
    {.name = "dnf", .command = "dnf upgrade -y"},
    {.name = "opkg", .command = "opkg update && opkg upgrade"},
    {.name = "pacman", .command = "pacman -Syu --noconfirm", .is_unnamed = true},
    {.name = "tdnf", .command = "tdnf update -y"},
    {.name = "yum", .command = "yum update -y"},
    {.name = "zypper", .command = "zypper --non-interactive update"},
};

static const struct manager_row *manager_of(const struct distro *distro)
{
    const struct distro_row *row = distro_find(distro->id);
    for (size_t i = 0; row && i < ARRAY_LEN(managers); i++)
        if (str_eq(str_from(managers[i].name), str_from(row->manager)))
            return &managers[i];
    return NULL;
}

static void add_package(struct sb *out, const struct manager_row *manager, str name, str version)
{
    if (manager->is_pinned && is_safe(version, STR_NONE))
        sb_addf(out, " '" STR_FMT ">=" STR_FMT "'", STR_ARG(name), STR_ARG(version));
    else
        sb_addf(out, " " STR_FMT, STR_ARG(name));
}

static void os_command(struct sb *out, const struct finding *finding, const struct distro *distro)
{
    const struct manager_row *manager = manager_of(distro);
    if (!manager)
        return;
    size_t n_named = 0;
    for (size_t i = 0; i < finding->binaries.len; i++)
        n_named += is_safe(finding->binaries.ptr[i], STR_NONE);
    if (n_named == 0)
        return; /* nothing that could be named safely */
    sb_addc(out, manager->command);
    for (size_t i = 0; i < finding->binaries.len && !manager->is_unnamed; i++)
        if (is_safe(finding->binaries.ptr[i], STR_NONE))
            add_package(out, manager, finding->binaries.ptr[i], finding->fixed_version);
}

/* --- languages: one row a package type
 * -------------------------------------------------------------- */
static const struct language_row {
    const char *type, *before, *between, *behind;
} languages[] = {
    {"cargo", "cargo update -p '", "' --precise '", "'"},
    {"composer", "composer require '", ":>=", "'"},
    {"gem", "gem install '", "' -v '", "'"},
    {"golang", "go get '", "@v", "'"},
    {"npm", "npm install '", "@", "'"},
    {"nuget", "dotnet add package '", "' --version '", "'"},
    {"pypi", "pip install --upgrade '", ">=", "'"},
};

static void language_command(struct sb *out, const struct finding *finding)
{
    str name = finding->package_name, version = finding->fixed_version;
    if (str_eq(finding->type, STR("golang")) && str_starts(version, STR("v")))
        version = str_skip(version, 1);
    if (!is_safe(name, STR("@/")) || !is_safe(version, STR_NONE))
        return;
    for (size_t i = 0; i < ARRAY_LEN(languages); i++)
        if (str_eq(str_from(languages[i].type), finding->type))
            sb_addf(out, "%s" STR_FMT "%s" STR_FMT "%s", languages[i].before, STR_ARG(name),
                    languages[i].between, STR_ARG(version), languages[i].behind);
}

/* --- the words
 * --------------------------------------------------------------------------------------- */
/* Why there is no version to go to. */
static const char *const states[] = {
    [FIX_UNKNOWN] = "no fixed version is known",
    [FIX_FIXED] = "a fix is announced, but no version that has it",
    [FIX_AFFECTED] = "it is affected and there is no fix yet",
    [FIX_WILL_NOT_FIX] = "the publisher will not fix it",
    [FIX_DEFERRED] = "the publisher has deferred a fix",
    [FIX_END_OF_LIFE] = "the publisher no longer maintains it",
    [FIX_NOT_AFFECTED] = "the publisher says that it is not affected",
};

static bool is_named_like(const struct finding *finding)
{
    return finding->binaries.len == 0 ||
           (finding->binaries.len == 1 && str_eq(finding->binaries.ptr[0], finding->package_name));
}

static void add_binaries(struct sb *out, const struct finding *finding)
{
    if (is_named_like(finding))
        return;
    sb_addc(out, " (installed as ");
    for (size_t i = 0; i < finding->binaries.len && i < NAMED_MAX; i++)
        sb_addf(out, "%s" STR_FMT, i ? ", " : "", STR_ARG(finding->binaries.ptr[i]));
    if (finding->binaries.len > NAMED_MAX)
        sb_addf(out, " and %zu more", finding->binaries.len - NAMED_MAX);
    sb_addc(out, ")");
}

static void add_text(struct sb *out, const struct finding *finding, const struct distro *distro)
{
    enum fix_state state =
        (size_t)finding->fix_state < ARRAY_LEN(states) ? finding->fix_state : FIX_UNKNOWN;
    str by = distro->name.len ? distro->name : distro->id;
    sb_addf(out, STR_FMT " " STR_FMT, STR_ARG(finding->package_name),
            STR_ARG(finding->package_version));
    add_binaries(out, finding);
    if (finding->fixed_version.len)
        sb_addf(out,
                " is installed; " STR_FMT " is fixed in " STR_FMT
                ": upgrade to it or a newer version.",
                STR_ARG(finding->id), STR_ARG(finding->fixed_version));
    else
        sb_addf(out,
                " is installed; for " STR_FMT
                " %s. Remove the package if it is not needed, or watch for "
                "an update%s" STR_FMT ".",
                STR_ARG(finding->id), states[state], by.len ? " of " : "", STR_ARG(by));
    if (finding->is_from_base)
        sb_addc(
            out,
            " The package comes with the base image: rebuild on a newer one, or upgrade it in a "
            "step of your own.");
}

static bool keep(struct arena *arena, const struct sb *from, str *to)
{
    *to = arena_dup(arena, from->has_failed ? STR_NONE : sb_str(from));
    return to->ptr != NULL;
}

bool assess_remediate(struct arena *arena, struct finding *finding, const struct distro *distro,
                      str created_by)
{
    auto_sb text, command;
    sb_init(&text, TEXT_MAX);
    sb_init(&command, TEXT_MAX);
    add_text(&text, finding, distro);
    if (finding->fixed_version.len && finding->class == CLASS_LANGUAGE)
        language_command(&command, finding);
    else if (finding->fixed_version.len)
        os_command(&command, finding, distro);
    finding->remediation_step = arena_dup(arena, str_trim(created_by));
    return keep(arena, &text, &finding->remediation_text) &&
           keep(arena, &command, &finding->remediation_command) && finding->remediation_step.ptr;
}
