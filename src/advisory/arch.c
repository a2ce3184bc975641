/* SPDX-License-Identifier: Apache-2.0 */
/* arch.c - Arch Linux's security tracker: all.json (issues/all.json has the same form), a list of
 *
 *     { name: "AVG-652", packages, status, severity, type, affected, fixed, ticket, issues,
 *       advisories }
 *
 * A record is a group (AVG) or a single one of them by itself; its issues, CVEs, are its aliases,
 * one claim each.  `affected` is the version in which it was seen, not where it began: what is
 * older counts as affected too.
 *     Fixed            affected below `fixed`
 *     Testing          the same: the fix waits in the testing repositories, which the note says
 *     Vulnerable       affected; `fixed` is where it will be, if named
 *     Not affected     not affected
 *     Unknown          unknown, of every version: shown, as nobody said that it is not affected
 * The severity is Arch's own rating of the group.  Arch has one release, which it covers. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"
#include "syntax/syntax.h"

#define ARCH "Arch Linux"

struct arch {
    struct feed_reader *reader;
    struct map seen; /* groups */
    str document;
};

static bool set_state(struct arena *arena, str status, str fixed, struct affected *affected,
                      struct err *err)
{
    struct version_range range = {.introduced = STR("0"), .fixed = fixed};
    if (str_eq(status, STR("Not affected"))) {
        affected->state = FIX_NOT_AFFECTED;
        return true;
    }
    affected->state = FIX_UNKNOWN;
    if (!str_is_empty(fixed))
        affected->state = FIX_FIXED;
    else if (str_eq(status, STR("Vulnerable")) || str_eq(status, STR("Testing")))
        affected->state = FIX_AFFECTED;
    if (!str_eq(status, STR("Fixed")) && !str_eq(status, STR("Vulnerable")))
        affected->note = status;
    return range_add(arena, affected, range, err);
}

static bool add_packages(struct arena *arena, const json_t *group, struct record *record,
                         struct err *err)
{
    const json_t *list = json_arr(group, "packages");
    enum severity severity = SEVERITY_UNKNOWN;
    if (!severity_parse(json_str(group, "severity"), &severity))
        severity = SEVERITY_UNKNOWN;
    for (size_t i = 0; i < json_array_size(list); i++) {
        str package = json_str_of(json_array_get(list, i));
        if (str_is_empty(package))
            return err_set(err, ERR_FORMAT, "a package without a name");
        struct record_entry *entry = vec_push(arena, &record->entries);
        if (!entry)
            return err_memory(err);
        *entry = (struct record_entry){.ecosystem = STR(ARCH), .package = package};
        entry->affected.severity = severity;
        if (!set_state(arena, json_str(group, "status"), json_str(group, "fixed"), &entry->affected,
                       err))
            return false;
    }
    return list ? true : err_set(err, ERR_FORMAT, "no list of packages");
}

static bool add_links(struct arena *arena, const json_t *group, struct advisory *advisory,
                      struct err *err)
{
    static const char *const lists[] = {"issues", "advisories"};
    str group_url =
        arena_printf(arena, "https://security.archlinux.org/" STR_FMT, STR_ARG(advisory->id));
    if (!group_url.ptr)
        return err_memory(err);
    if (!strs_push(arena, &advisory->references, group_url, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        const json_t *list = json_arr(group, lists[i]);
        for (size_t j = 0; j < json_array_size(list); j++) {
            str id = json_str_of(json_array_get(list, j));
            /* an ASA is the announcement of the group, also a name of it */
            if (!strs_push(arena, &advisory->aliases, id, err))
                return false;
        }
    }
    return true;
}

bool arch_group_parse(const json_t *group, struct arena *arena, struct record *out, struct err *err)
{
    *out = (struct record){0};
    struct advisory *advisory = &out->advisory;
    advisory->id = json_str(group, "name");
    if (str_is_empty(advisory->id))
        return err_set(err, ERR_FORMAT, "a group without a name");
    advisory->title = json_str(group, "type");
    return add_links(arena, group, advisory, err) && add_packages(arena, group, out, err);
}

static bool add_group(struct arch *arch, struct arena *arena, const json_t *group, struct err *err)
{
    struct record record;
    struct err why = {0};
    if (!arch_group_parse(group, arena, &record, &why))
        return feed_broken(arch->reader, arch->document, record.advisory.id, &why, err);
    if (map_get(&arch->seen, record.advisory.id))
        return true;
    str id = arena_dup(arch->reader->arena, record.advisory.id);
    if (!id.ptr || !map_put(&arch->seen, id, arch))
        return err_memory(err);
    return feed_record(arch->reader, &record, err);
}

static bool take(void *ctx, struct arena *arena, str name, str text, struct err *err)
{
    struct arch *arch = ctx;
    auto_json *root = NULL;
    arch->document = name;
    if (!json_read(text, &root, err))
        return err_wrap(err, STR_FMT, STR_ARG(name));
    if (json_is_object(root))
        return add_group(arch, arena, root, err);
    for (size_t i = 0; i < json_array_size(root); i++) {
        if (!add_group(arch, arena, json_array_get(root, i), err))
            return false;
    }
    return json_is_array(root) || err_set(err, ERR_FORMAT, STR_FMT ": no list", STR_ARG(name));
}

static bool arch_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {".json", NULL};
    struct arch arch = {.reader = reader};
    struct documents spec = {
        .suffixes = suffixes, .max_bytes = LIMIT(FEED_RECORD), .take = take, .ctx = &arch};
    map_init(&arch.seen, reader->arena);
    if (!feed_documents(reader, feed_place(reader), &spec, err))
        return false;
    return arch.seen.len ? feed_covers(reader, STR(ARCH), err)
                         : err_set(err, ERR_FORMAT, STR_FMT ": not one group could be read",
                                   STR_ARG(reader->state->url));
}

const struct feed feed_arch = {
    .name = "arch",
    .summary = "Arch Linux: groups of vulnerabilities and what fixed them",
    .default_url = "https://security.archlinux.org/all.json",
    .licence = "none stated (published by Arch Linux for public use)",
    .cadence = "hourly",
    .read = arch_read,
};
