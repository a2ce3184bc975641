/* SPDX-License-Identifier: Apache-2.0 */
/* redhat_oval.c - Red Hat's OVAL v2, a file for each stream (v1 too).  Errata are of the products
 * that their CPEs name (redhat.c).  redhat-csaf says more and is newer; this one is for mirrors
 * that have nothing else.  Files of what is unfixed tell by their resolutions what will come. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

static bool ecosystems(struct arena *arena, const struct oval_place *place, strs *out,
                       struct err *err)
{
    const struct oval_definition *d = place->definition;
    str name;
    for (size_t i = 0; i < d->cpes.len; i++) {
        if (!redhat_ecosystem(arena, d->cpes.ptr[i], &name, err) ||
            !strs_push(arena, out, name, err))
            return false;
    }
    for (size_t i = 0; !d->cpes.len && i < d->platforms.len; i++) {
        str platform = d->platforms.ptr[i], prefix = STR("Red Hat Enterprise Linux ");
        if (!str_starts(platform, prefix))
            continue;
        name = arena_printf(arena, "Red Hat:enterprise_linux:" STR_FMT,
                            STR_ARG(str_skip(platform, prefix.len)));
        if (!name.ptr)
            return err_memory(err);
        if (!strs_push(arena, out, name, err))
            return false;
    }
    return true;
}

/* "RHEL8/rhel-8.oval.xml.bz2"; with what is not fixed yet, "rhel-8-including-unpatched.oval…". */
static bool is_release(str path, bool *has_unpatched)
{
    size_t slash = str_rfind_byte(path, '/');
    str name = slash < path.len ? str_skip(path, slash + 1) : path, stem, tail;
    str unpatched = STR("-including-unpatched");
    uint64_t release;
    if (!str_starts(name, STR("rhel-")) || !str_cut_byte(str_skip(name, 5), '.', &stem, &tail) ||
        !str_starts(tail, STR("oval.xml")))
        return false;
    *has_unpatched = str_ends(stem, unpatched);
    if (*has_unpatched)
        stem = str_slice(stem, 0, stem.len - unpatched.len);
    return str_to_u64(stem, 99, &release);
}

/* "<path>,<sha256>,<size>" a line: the plain releases, in the form that says more if it is there.
 */
static bool list(struct feed_reader *reader, str base, strs *out, struct err *err)
{
    struct rd in;
    strs plain = {0};
    str text, line, path, rest;
    bool has_unpatched;
    if (!feed_get(reader, base, STR("PULP_MANIFEST"), LIMIT(FEED_RECORD), reader->arena, &text,
                  err))
        return false;
    feed_seen(reader, STR("PULP_MANIFEST"), text);
    rd_init(&in, text);
    while (rd_line(&in, LIMIT(FIELD), &line)) {
        (void)str_cut_byte(line, ',', &path, &rest);
        if (is_release(path, &has_unpatched) &&
            !strs_push(reader->arena, has_unpatched ? out : &plain, path, err))
            return false;
    }
    if (!out->len)
        *out = plain;
    return rd_ok(&in, err) &&
           (out->len || err_set(err, ERR_FORMAT, "PULP_MANIFEST names no plain release"));
}

static bool redhat_oval_read(struct feed_reader *reader, struct err *err)
{
    static const struct oval_vendor vendor = {.ecosystems = ecosystems, .list = list};
    return oval_read(reader, &vendor, err);
}

const struct feed feed_redhat_oval = {
    .name = "redhat-oval",
    .summary = "Red Hat: errata of each release (OVAL v2)",
    .default_url = "https://security.access.redhat.com/data/oval/v2",
    .licence = "CC-BY-4.0",
    .cadence = "daily",
    .is_named_only = true,
    .read = redhat_oval_read,
};
