/* SPDX-License-Identifier: Apache-2.0 */
/* remedy.c - what to do about a finding: words, a command to paste, the build step that brought it.
 * Names come from the image and end up in a shell: a word that is not made of plain characters
 * only never gets into a command, nor one that its package manager would read as something else
 * (a file, an address, an option). */
#include "assess/internal.h"

#include "base/num.h"

enum { TEXT_MAX = 64 << 10, NAMED_MAX = 8 };

/* --- words for a shell
 * ----------------------------------------------------------------------------- */
static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Begins with a letter or digit: neither an option, nor a path, nor one of apt's patterns. */
static bool is_word(str word, str also)
{
    if (word.len == 0 || !is_alnum(word.ptr[0]))
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (!is_alnum(word.ptr[i]) && str_find_byte(also, word.ptr[i]) == also.len)
            return false;
    return true;
}

/* Does not end with apt's word for removal. */
static bool is_os_word(str word)
{
    return is_word(word, STR(".+:~_-")) && word.ptr[word.len - 1] != '-';
}

static bool is_version(str word) { return is_word(word, STR(".+_-")); }

/* "name", or "@scope/name": npm takes "a/b" for a repository on GitHub. */
static bool is_npm_name(str name)
{
    str scope, rest = name;
    if (str_starts(name, STR("@")) &&
        (!str_cut_byte(str_skip(name, 1), '/', &scope, &rest) || !is_word(scope, STR("._-"))))
        return false;
    return is_word(rest, STR("._-"));
}

/* Two words and what stands between them. */
static bool is_pair(str name, char between)
{
    str head, tail;
    return str_cut_byte(name, between, &head, &tail) && is_word(head, STR("._-")) &&
           is_word(tail, STR("._-"));
}

static bool is_path_name(str name)
{
    return is_word(name, STR("./_-~")) && !str_has(name, STR("..")) && !str_has(name, STR("//"));
}

static bool is_name(str type, str name)
{
    if (str_eq(type, STR("npm")))
        return is_npm_name(name);
    if (str_eq(type, STR("golang")) || str_eq(type, STR("swift")))
        return is_path_name(name);
    if (str_eq(type, STR("composer")))
        return is_pair(name, '/');
    if (str_eq(type, STR("maven")))
        return is_pair(name, ':');
    return is_word(name, STR("._-"));
}

/* --- one row a package manager
 * ---------------------------------------------------------------------
 * Of several that an image has, its distribution's own counts, else the first here. */
static const struct tool rows[] = {
    {.name = "apt",
     .type = "deb",
     .provider = "apt",
     .command = "apt-get update && apt-get install -y --only-upgrade"},
    {.name = "apk",
     .type = "apk",
     .provider = "apk-tools",
     .command = "apk add --no-cache --upgrade",
     .before = "'",
     .between = ">=", /* binaries share their source's version */
     .behind = "'"},
    {.name = "dnf", .type = "rpm", .provider = "dnf", .command = "dnf upgrade -y"},
    {.name = "dnf", .type = "rpm", .provider = "dnf5", .command = "dnf upgrade -y"},
    {.name = "tdnf", .type = "rpm", .provider = "tdnf", .command = "tdnf update -y"},
    {.name = "yum", .type = "rpm", .provider = "yum", .command = "yum update -y"},
    {.name = "microdnf", .type = "rpm", .provider = "microdnf", .command = "microdnf update -y"},
    {.name = "zypper",
     .type = "rpm",
     .provider = "zypper",
     .command = "zypper --non-interactive update"},
    {.name = "pacman",
     .type = "alpm",
     .provider = "pacman",
     .command = "pacman -Syu --noconfirm",
     .is_unnamed = true}, /* Arch does not support partial upgrades */
    {.name = "opkg", .type = "opkg", .provider = "opkg", .command = "opkg update && opkg upgrade"},
    {.name = "emerge",
     .type = "ebuild",
     .provider = "sys-apps/portage",
     .command = "emerge --sync && emerge --oneshot",
     .before = "'>=",
     .between = "-",
     .behind = "'"},

    {.name = "npm",
     .type = "npm",
     .command = "npm install",
     .before = "'",
     .between = "@",
     .behind = "'"},
    {.name = "pip",
     .type = "pypi",
     .command = "pip install --upgrade",
     .before = "'",
     .between = ">=",
     .behind = "'"},
    {.name = "gem",
     .type = "gem",
     .command = "gem install",
     .before = "'",
     .between = ":",
     .behind = "'"},
    {.name = "go",
     .type = "golang",
     .command = "go get",
     .before = "'",
     .between = "@v",
     .behind = "'",
     .hint = "Then build the program again."},
    {.name = "cargo",
     .type = "cargo",
     .command = "cargo update",
     .before = "-p '",
     .between = "' --precise '",
     .behind = "'",
     .hint = "Then build the program again.",
     .is_single = true},
    {.name = "composer",
     .type = "composer",
     .command = "composer require",
     .before = "'",
     .between = ":>=",
     .behind = "'"},
    {.name = "dotnet",
     .type = "nuget",
     .command = "dotnet add package",
     .before = "'",
     .between = "' --version '",
     .behind = "'",
     .hint = "Then publish the program again.",
     .is_single = true},
    {.name = "maven",
     .type = "maven",
     .command = "mvn versions:use-dep-version",
     .before = "-Dincludes='",
     .between = "' -DdepVersion='",
     .behind = "'",
     .hint = "With Gradle, set the version of these coordinates, by a constraint where it comes "
             "with another dependency. Then build the program again.",
     .is_single = true},
    {.name = "mix",
     .type = "hex",
     .command = "mix deps.update",
     .before = "'",
     .behind = "'",
     .hint = "Where mix.exs asks for an older one, raise it there first."},
    {.name = "pub",
     .type = "pub",
     .command = "dart pub upgrade",
     .before = "'",
     .behind = "'",
     .hint = "Where pubspec.yaml asks for an older one, raise it there first."},
    {.name = "swift",
     .type = "swift",
     .command = "swift package update",
     .is_unnamed = true,
     .hint = "Where Package.swift asks for an older one, raise it there first."},
    {.name = "conan",
     .type = "conan",
     .hint = "Require that version in the conanfile, then build the program again."},
};

/* --- what the image has
 * ------------------------------------------------------------------------------ */
struct remedy_tools assess_tools(const struct distro *distro, const packages *installed)
{
    struct remedy_tools tools = {.distro = distro, .row = distro_find(distro->id)};
    for (size_t i = 0; i < installed->len; i++) {
        const struct package *package = &installed->ptr[i];
        for (size_t t = 0; package->is_os && t < ARRAY_LEN(rows); t++)
            if (rows[t].provider && str_eq(package->name, str_from(rows[t].provider)) &&
                str_eq(package->type, str_from(rows[t].type)))
                tools.present |= 1U << t;
    }
    return tools;
}

static bool is_usable(const struct remedy_tools *tools, size_t i, str type)
{
    return str_eq(str_from(rows[i].type), type) && (!rows[i].provider || tools->present >> i & 1);
}

const struct tool *remedy_tool(const struct remedy_tools *tools, const struct finding *finding)
{
    const struct distro_row *distro = tools->row;
    const struct tool *first = NULL;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!is_usable(tools, i, finding->type))
            continue;
        if (distro && str_eq(str_from(rows[i].name), str_from(distro->manager)))
            return &rows[i];
        first = first ? first : &rows[i];
    }
    return first;
}

/* --- npm: a tree of folders
 * ---------------------------------------------------------------------------- */
#define MODULES STR("/node_modules/")

/* "a/package.json" → "a", "@s/a/lib" → "@s/a" */
static str first_package(str path)
{
    str head, rest;
    if (!str_cut_byte(path, '/', &head, &rest) || !str_starts(path, STR("@")))
        return head;
    str_cut_byte(rest, '/', &rest, &(str){0});
    return str_slice(path, 0, head.len + 1 + rest.len);
}

struct npm_place npm_place_of(str path)
{
    struct npm_place place = {0};
    str inside;
    if (!str_cut(path, MODULES, &place.root, &inside))
        return (struct npm_place){.root = str_slice(path, 0, str_rfind_byte(path, '/'))};
    place.is_pnpm = str_starts(inside, STR(".pnpm/"));
    place.is_global = str_ends(place.root, STR("usr/lib")) ||
                      str_ends(place.root, STR("usr/local/lib")) ||
                      str_ends(place.root, STR("opt/lib"));
    if (str_has(inside, MODULES) && !place.is_pnpm)
        place.parent = first_package(inside);
    return place;
}

static bool is_npm(const struct finding *finding) { return str_eq(finding->type, STR("npm")); }

str remedy_parent(const struct finding *finding)
{
    return is_npm(finding) ? npm_place_of(finding->path).parent : STR_NONE;
}

str remedy_folder(const struct finding *finding)
{
    str path = finding->path;
    if (finding->class != CLASS_LANGUAGE)
        return STR_NONE;
    if (is_npm(finding))
        return npm_place_of(path).root;
    bool is_program = str_eq(finding->type, STR("golang")) || str_eq(finding->type, STR("cargo"));
    return is_program ? path : str_slice(path, 0, str_rfind_byte(path, '/'));
}

/* --- commands
 * ------------------------------------------------------------------------------------------- */
/* @out: NULL when they are only counted. */
static void add_item(struct sb *out, const struct tool *tool, str name, str version)
{
    if (!out)
        return;
    bool is_versioned = tool->between && version.len, is_wrapped = !tool->between || is_versioned;
    sb_addc(out, " ");
    if (tool->before && is_wrapped)
        sb_addc(out, tool->before);
    sb_add(out, name);
    if (is_versioned) {
        sb_addc(out, tool->between);
        sb_add(out, version);
    }
    if (tool->behind && is_wrapped)
        sb_addc(out, tool->behind);
}

/* A version that is not safe is left out where the manager then takes the newest. */
static size_t os_items(struct sb *out, const struct tool *tool, const struct finding *finding)
{
    size_t n = 0;
    str version = is_os_word(finding->fixed_version) ? finding->fixed_version : STR_NONE;
    if (str_eq(finding->type, STR("ebuild"))) {
        if (!is_pair(finding->package_name, '/') || !version.len)
            return 0;
        add_item(out, tool, finding->package_name, version);
        return 1;
    }
    for (size_t i = 0; i < finding->binaries.len; i++) {
        if (!is_os_word(finding->binaries.ptr[i]))
            continue;
        n++;
        if (!tool->is_unnamed)
            add_item(out, tool, finding->binaries.ptr[i], version);
    }
    return n;
}

static bool is_go_itself(const struct finding *finding)
{
    return str_eq(finding->type, STR("golang")) &&
           (str_eq(finding->package_name, STR("stdlib")) ||
            str_eq(finding->package_name, STR("toolchain")));
}

size_t remedy_items(struct sb *out, const struct tool *tool, const struct finding *finding)
{
    str name = finding->package_name, version = finding->fixed_version;
    if (tool->provider)
        return os_items(out, tool, finding);
    if (is_npm(finding)) {
        struct npm_place place = npm_place_of(finding->path);
        if (place.parent.len || place.is_pnpm)
            return 0;
    }
    if (str_eq(finding->type, STR("golang")) && str_starts(version, STR("v")))
        version = str_skip(version, 1);
    if (is_go_itself(finding) || !is_name(finding->type, name) || !is_version(version))
        return 0;
    if (!tool->is_unnamed)
        add_item(out, tool, name, version);
    return 1;
}

bool remedy_has_items(const struct tool *tool, const struct finding *finding)
{
    if (!tool->provider || str_eq(finding->type, STR("ebuild")))
        return remedy_items(NULL, tool, finding) > 0;
    for (size_t i = 0; i < finding->binaries.len; i++)
        if (is_os_word(finding->binaries.ptr[i]))
            return true;
    return false;
}

const char *remedy_command(const struct tool *tool, const struct finding *finding)
{
    return is_npm(finding) && npm_place_of(finding->path).is_global ? "npm install -g"
                                                                    : tool->command;
}

static void add_command(struct sb *out, const struct tool *tool, const struct finding *finding)
{
    auto_sb items;
    sb_init(&items, TEXT_MAX);
    if (!tool || !tool->command || remedy_items(&items, tool, finding) == 0 || items.has_failed)
        return;
    sb_addc(out, remedy_command(tool, finding));
    sb_add(out, sb_str(&items));
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

const char *assess_state_words(enum fix_state state)
{
    return states[(size_t)state < ARRAY_LEN(states) ? state : FIX_UNKNOWN];
}

const struct version_scheme *remedy_scheme(const struct finding *finding)
{
    const struct version_scheme *scheme =
        finding->evidence.len ? version_find(finding->evidence.ptr[0].comparator) : NULL;
    return scheme ? scheme : purl_type_scheme(finding->type);
}

const struct version_scheme *assess_fix_scheme(const struct finding *finding)
{
    const struct version_scheme *scheme = remedy_scheme(finding);
    return scheme && scheme->is_valid(finding->fixed_version) ? scheme : NULL;
}

static str comparator_of(const struct finding *finding)
{
    return finding->evidence.len ? finding->evidence.ptr[0].comparator : STR_NONE;
}

const struct version_scheme *assess_fix_scheme_next(struct fix_ordering *ordering,
                                                    const struct finding *finding)
{
    const struct finding *last = ordering->last;
    if (!last || !str_eq(last->type, finding->type) ||
        !str_eq(comparator_of(last), comparator_of(finding)))
        ordering->scheme = remedy_scheme(finding);
    ordering->last = finding;
    const struct version_scheme *scheme = ordering->scheme;
    return scheme && scheme->is_valid(finding->fixed_version) ? scheme : NULL;
}

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

/* What the text has to say beside "upgrade". */
static void add_hint(struct sb *out, const struct tool *tool, const struct finding *finding)
{
    str parent = remedy_parent(finding);
    if (parent.len)
        sb_addf(out,
                " It comes with " STR_FMT " in " STR_FMT
                "/node_modules: upgrade that to a release that brings it, or override it.",
                STR_ARG(parent), STR_ARG(remedy_folder(finding)));
    else if (is_npm(finding) && npm_place_of(finding->path).is_pnpm)
        sb_addc(out, " pnpm keeps it: upgrade the dependency that wants it, or override it.");
    else if (is_go_itself(finding))
        sb_addc(out, " Build the program again with that release of Go.");
    else if (!tool && finding->class != CLASS_LANGUAGE)
        sb_addc(out, finding->is_from_base
                         ? " The image has no package manager that could do it."
                         : " The image has no package manager that could do it: build it again "
                           "from newer packages.");
    else if (tool && tool->hint)
        sb_addf(out, " %s", tool->hint);
}

static void add_text(struct sb *out, const struct finding *finding, const struct distro *distro,
                     const struct tool *tool)
{
    sb_add(out, finding->package_name);
    sb_addc(out, " ");
    sb_add(out, finding->package_version);
    add_binaries(out, finding);
    if (finding->fixed_version.len) {
        sb_addc(out, " is installed; ");
        sb_add(out, finding->id);
        sb_addc(out, " is fixed in ");
        sb_add(out, finding->fixed_version);
        sb_addc(out, ": upgrade to it or a newer version.");
        add_hint(out, tool, finding);
    } else {
        str by = distro->name.len ? distro->name : distro->id;
        sb_addc(out, " is installed; for ");
        sb_add(out, finding->id);
        sb_addc(out, " ");
        sb_addc(out, assess_state_words(finding->fix_state));
        sb_addc(out, ". Remove the package if it is not needed, or watch for an update");
        sb_addc(out, by.len ? " of " : "");
        sb_add(out, by);
        sb_addc(out, ".");
    }
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

bool assess_remediate(struct arena *arena, struct finding *finding,
                      const struct remedy_tools *tools, str created_by)
{
    auto_sb text, command;
    sb_init(&text, TEXT_MAX);
    sb_init(&command, TEXT_MAX);
    const struct tool *tool = remedy_tool(tools, finding);
    add_text(&text, finding, tools->distro, tool);
    if (finding->fixed_version.len)
        add_command(&command, tool, finding);
    finding->remediation_step = arena_dup(arena, str_trim(created_by));
    return keep(arena, &text, &finding->remediation_text) &&
           keep(arena, &command, &finding->remediation_command) && finding->remediation_step.ptr;
}
