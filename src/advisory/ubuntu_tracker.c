/* SPDX-License-Identifier: Apache-2.0 */
/* ubuntu_tracker.c - CVE files of the Ubuntu CVE tracker, as the tracker keeps them or as JSON.
 *
 *     Candidate: CVE-2024-10001
 *     Priority: medium
 *     jammy_curl: released (7.81.0-1ubuntu1.15)
 *     esm-infra/focal_curl: needed
 *
 * Packages are sources.  released (V): fixed in V.  needed, active, pending: affected.
 * needs-triage: nobody looked yet, so it stays unknown.  deferred; ignored: will not be fixed, or
 * the release has ended.  not-affected.  DNE: the release has no such package.  Extended support is
 * OSV's "Ubuntu:Pro:…"; upstream, devel and snaps are no release. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct tracker {
    struct arena *arena;
    struct record *record;
    enum severity severity;
    struct err *err;
};

/* "jammy", "esm-infra/focal", "trusty/esm". */
static bool ecosystem_of(struct tracker *t, str release, str *out)
{
    str a, b;
    *out = STR_NONE;
    bool has_part = str_cut_byte(release, '/', &a, &b);
    str codename = has_part && !ubuntu_release(a).len ? b : a;
    struct distro distro = {.id = STR("ubuntu"), .version_id = ubuntu_release(codename)};
    str part = !has_part ? STR_NONE : str_eq(codename, b) ? a : b;
    if (!distro.version_id.len)
        return true;
    str plain = distro_ecosystem(&distro, t->arena);
    if (!plain.ptr)
        return err_memory(t->err);
    *out = plain;
    if (part.len) {
        str name = str_starts(part, STR("esm")) ? STR("Pro") : part;
        *out = arena_printf(t->arena, "Ubuntu:" STR_FMT ":" STR_FMT, STR_ARG(name),
                            STR_ARG(str_skip(plain, STR("Ubuntu:").len)));
    }
    return out->ptr ? true : err_memory(t->err);
}

static enum fix_state state_of(str status, str note)
{
    if (str_eq(status, STR("released")))
        return FIX_FIXED;
    if (str_eq(status, STR("not-affected")))
        return FIX_NOT_AFFECTED;
    if (str_eq(status, STR("deferred")))
        return FIX_DEFERRED;
    if (str_eq(status, STR("ignored")))
        return str_has(note, STR("end of life")) || str_has(note, STR("end of standard support")) ||
                       str_has(note, STR("out of standard support"))
                   ? FIX_END_OF_LIFE
                   : FIX_WILL_NOT_FIX;
    return str_eq(status, STR("needs-triage")) ? FIX_UNKNOWN : FIX_AFFECTED;
}

static bool add_status(struct tracker *t, str release, str package, str status, str note,
                       enum severity severity)
{
    str ecosystem;
    if (str_eq(status, STR("DNE")) || !status.len || !package.len)
        return true;
    if (!ecosystem_of(t, release, &ecosystem))
        return false;
    if (!ecosystem.len)
        return true;
    struct record_entry *entry = vec_push(t->arena, &t->record->entries);
    if (!entry)
        return err_memory(t->err);
    struct affected *affected = &entry->affected;
    *entry = (struct record_entry){.ecosystem = ecosystem, .package = package};
    affected->state = state_of(status, note);
    affected->severity = severity;
    if (affected->state != FIX_FIXED)
        affected->note = note.len ? note : str_eq(status, STR("needs-triage")) ? status : STR_NONE;
    if (affected->state == FIX_NOT_AFFECTED || (affected->state == FIX_FIXED && !note.len))
        return true; /* fixed, but nobody wrote down where: cannot be compared */
    struct version_range *range = vec_push(t->arena, &affected->ranges);
    if (!range)
        return err_memory(t->err);
    *range = (struct version_range){.introduced = STR("0"),
                                    .fixed = affected->state == FIX_FIXED ? note : STR_NONE};
    return true;
}

/* --- JSON
 * -------------------------------------------------------------------------------------------- */

static bool add_patches(struct tracker *t, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *patch = json_array_get(list, i);
        enum severity own = severity_word(json_str(patch, "priority"));
        str release, package, status, note;
        /* the tree of JSON ends before the record does */
        release = arena_dup(t->arena, json_str(patch, "distro"));
        package = arena_dup(t->arena, json_str(patch, "package"));
        status = arena_dup(t->arena, json_str(patch, "status"));
        note = arena_dup(t->arena, json_str(patch, "version"));
        if (!release.ptr || !package.ptr || !status.ptr || !note.ptr)
            return err_memory(t->err);
        if (!add_status(t, release, package, status, note,
                        own == SEVERITY_UNKNOWN ? t->severity : own))
            return false;
    }
    return true;
}

static bool read_json(struct tracker *t, str text)
{
    auto_json *root = NULL;
    struct advisory *a = &t->record->advisory;
    if (!json_read(text, &root, t->err))
        return false;
    const json_t *urls = json_arr(root, "references");
    a->id = arena_dup(t->arena, json_str(root, "name"));
    a->description = arena_dup(t->arena, json_str(root, "description"));
    t->severity = severity_word(json_str(root, "priority"));
    if (!a->id.ptr || !a->description.ptr)
        return err_memory(t->err);
    for (size_t i = 0; i < json_array_size(urls); i++) {
        str url = arena_dup(t->arena, json_str_of(json_array_get(urls, i)));
        if (!url.ptr)
            return err_memory(t->err);
        if (!strs_push(t->arena, &a->references, url, t->err))
            return false;
    }
    return add_patches(t, json_arr(root, "patches")) &&
           add_patches(t, json_arr(root, "ignored_patches"));
}

/* --- the tracker's own text
 * --------------------------------------------------------------------------------- */

/* "released (7.81.0-1ubuntu1.15)" */
static void split_status(str text, str *status, str *note)
{
    str rest;
    *note = STR_NONE;
    if (str_cut(text, STR(" ("), status, &rest))
        *note = str_ends(rest, STR(")")) ? str_slice(rest, 0, rest.len - 1) : rest;
    *status = str_trim(*status);
}

/* "jammy_curl"; Patches_curl and Tags_curl begin with a capital. */
static bool is_status(str key)
{
    str release, package;
    return str_cut_byte(key, '_', &release, &package) && release.len && package.len &&
           release.ptr[0] >= 'a' && release.ptr[0] <= 'z';
}

static void set_field(struct tracker *t, str key, str value)
{
    struct advisory *a = &t->record->advisory;
    if (str_eq(key, STR("Candidate")))
        a->id = value;
    else if (str_eq(key, STR("PublicDate")))
        a->published = a->modified = a->revision = value;
    else if (str_eq(key, STR("Priority")))
        t->severity = severity_word(value);
}

static bool read_folded(struct tracker *t, str section, str line, struct sb *description)
{
    str text = str_trim(line);
    if (str_eq(section, STR("References")))
        return strs_push(t->arena, &t->record->advisory.references, text, t->err);
    if (str_eq(section, STR("Description")) && text.len) {
        if (description->len)
            sb_byte(description, '\n');
        sb_add(description, text);
    }
    return true;
}

/* Once for the fields, once for the states, which take the priority that may stand behind them. */
static bool read_lines(struct tracker *t, str text, bool wants_states, struct sb *description)
{
    struct rd in;
    str line, key, value, section = STR_NONE;
    rd_init(&in, text);
    while (rd_line(&in, LIMIT(FIELD), &line)) {
        if (!line.len || str_starts(line, STR("#")))
            continue;
        if (str_starts(line, STR(" "))) {
            if (!wants_states && !read_folded(t, section, line, description))
                return false;
            continue;
        }
        if (!str_cut_byte(line, ':', &key, &value))
            continue; /* prose of Notes that lost its indent says nothing of a release */
        section = key;
        if (!wants_states)
            set_field(t, key, str_trim(value));
        if (wants_states && is_status(key)) {
            str release, package, status, note;
            (void)str_cut_byte(key, '_', &release, &package);
            split_status(str_trim(value), &status, &note);
            if (!add_status(t, release, package, status, note, t->severity))
                return false;
        }
    }
    return rd_ok(&in, t->err);
}

static bool read_text(struct tracker *t, str text)
{
    auto_sb description;
    sb_init(&description, LIMIT(FIELD));
    if (!read_lines(t, text, false, &description) || !read_lines(t, text, true, &description) ||
        !sb_ok(&description, t->err))
        return false;
    t->record->advisory.description = arena_dup(t->arena, sb_str(&description));
    return t->record->advisory.description.ptr ? true : err_memory(t->err);
}

bool ubuntu_tracker_parse(str text, struct arena *arena, struct record *out, struct err *err)
{
    struct tracker t = {.arena = arena, .record = out, .err = err};
    *out = (struct record){0};
    bool is_ok = str_starts(str_trim(text), STR("{")) ? read_json(&t, text) : read_text(&t, text);
    if (!is_ok)
        return false;
    if (!cve_is(out->advisory.id))
        return err_set(err, ERR_FORMAT, "not a CVE of the tracker");
    return t.severity == SEVERITY_UNKNOWN ||
           rating_set(vec_push(arena, &out->advisory.ratings), STR("ubuntu"), t.severity, err);
}

static bool ubuntu_tracker_read(struct feed_reader *reader, struct err *err)
{
    static const char *const suffixes[] = {"", NULL}; /* the tracker's files have no ending */
    struct recording recording = {
        .reader = reader, .prefix = "CVE-", .parse_text = ubuntu_tracker_parse};
    return feed_record_documents(&recording, suffixes, err);
}

const struct feed feed_ubuntu_tracker = {
    .name = "ubuntu-tracker",
    .summary = "Ubuntu CVE tracker: states of every release, also of extended support",
    .default_url = "https://git.launchpad.net/ubuntu-cve-tracker/snapshot/"
                   "ubuntu-cve-tracker-master.tar.gz",
    .licence = "GPL-3.0",
    .cadence = "hourly",
    .is_named_only = true,
    .read = ubuntu_tracker_read,
};
