/* SPDX-License-Identifier: Apache-2.0 */
/* dpkg.c - var/lib/dpkg/status: deb-control(5) stanzas of what dpkg knows, and status.d/, where
 * images without dpkg (distroless) keep a stanza a package and checksum lists beside. */
#include "base/limits.h"
#include "inventory/internal.h"
#include "syntax/syntax.h"

enum { NAME_TOLD = 100 };

struct fields {
    str package, version, status, source, arch, maintainer;
    const char *twice; /* a field that a stanza has once, and this one more often */
};

static bool read_fields(const struct stanza *stanza, struct fields *out)
{
    const struct {
        str name;
        str *value;
    } wanted[] = {
        {STR("Package"), &out->package},   {STR("Version"), &out->version},
        {STR("Status"), &out->status},     {STR("Source"), &out->source},
        {STR("Architecture"), &out->arch}, {STR("Maintainer"), &out->maintainer},
    };
    bool has_any = false;
    *out = (struct fields){0};
    for (size_t i = 0; i < stanza->fields.len; i++) {
        const struct stanza_field *field = &stanza->fields.ptr[i];
        for (size_t w = 0; w < sizeof(wanted) / sizeof(*wanted); w++) {
            if (!str_eq_nocase(field->name, wanted[w].name))
                continue;
            if (wanted[w].value->ptr && !out->twice)
                out->twice = wanted[w].name.ptr;
            *wanted[w].value = field->value.ptr ? str_trim(field->value) : STR("");
            has_any = true;
        }
    }
    return has_any;
}

/* "want flag status": dpkg(1), "Package states".  False: not three words. */
static bool third_word(str status, str *word)
{
    str want, flag;
    status = str_trim(status);
    if (!str_cut_byte(status, ' ', &want, &status) ||
        !str_cut_byte(str_trim(status), ' ', &flag, word))
        return false;
    *word = str_trim(*word);
    return word->len && str_find_byte(*word, ' ') == word->len;
}

/* "name (version)", or the name with the binary package's version; none at all: the package itself.
 * Debian Policy 5.6.1. */
static void split_source(const struct fields *fields, str *name, str *version)
{
    str rest;
    bool has_version = str_cut_byte(fields->source, '(', name, &rest);
    *name = str_trim(*name);
    if (name->len == 0)
        *name = fields->package;
    *version = fields->version;
    str inside;
    if (has_version && str_cut_byte(rest, ')', &inside, &rest) && str_trim(inside).len)
        *version = str_trim(inside);
}

static bool add_package(struct arena *arena, struct file_record *file, const struct fields *fields,
                        struct err *err)
{
    str source, source_version;
    split_source(fields, &source, &source_version);
    if (!record_package(arena, file, "deb", fields->package, fields->version, fields->arch, err))
        return false;
    return record_share(arena, file, offsetof(struct package, source_name), source, err) &&
           record_share(arena, file, offsetof(struct package, source_version), source_version,
                        err) &&
           record_share(arena, file, offsetof(struct package, maintainer), fields->maintainer, err);
}

/* dpkg(1), "Package states": all its files are in place, whatever its scripts still have to do. */
static bool is_in_place(str state)
{
    return str_eq(state, STR("installed")) || str_eq(state, STR("half-configured")) ||
           str_eq(state, STR("triggers-awaited")) || str_eq(state, STR("triggers-pending"));
}

/* Files of it may be there, and nobody says that it works: no package, and no silence either. */
static bool is_half_there(str state)
{
    return str_eq(state, STR("unpacked")) || str_eq(state, STR("half-installed"));
}

struct dpkg {
    struct arena *arena; /* for packages */
    struct file_record *file;
    struct flaws flaws;
    bool is_status_d; /* no Status field: it is there, so it is installed */
};

/* One stanza.  False only when there is no room for more (record_is_full). */
static bool read_stanza(void *ctx, const struct stanza *stanza, struct err *err)
{
    struct dpkg *dpkg = ctx;
    struct fields fields;
    size_t line = stanza->line;
    if (!read_fields(stanza, &fields) && stanza->fields.len) {
        flaws_add(&dpkg->flaws, line, "a stanza without Package");
        return true;
    }
    str state = STR_NONE;
    if (fields.twice) {
        flaws_add(&dpkg->flaws, line, "two %s fields in one stanza", fields.twice);
        return true;
    }
    if (fields.status.ptr && !third_word(fields.status, &state)) {
        flaws_add(&dpkg->flaws, line, "Status is not three words");
        return true;
    }
    if (is_half_there(state))
        flaws_add(&dpkg->flaws, line, STR_FMT " is " STR_FMT ": not judged",
                  STR_ARG(str_slice(fields.package, 0, NAME_TOLD)), STR_ARG(state));
    if (fields.status.ptr ? !is_in_place(state) : !dpkg->is_status_d)
        return true; /* removed, or never there */
    if (fields.package.len == 0 || fields.version.len == 0) {
        flaws_add(&dpkg->flaws, line, "installed, but without %s",
                  fields.package.len ? "Version" : "Package");
        return true;
    }
    size_t n = dpkg->file->packages.len;
    if (add_package(dpkg->arena, dpkg->file, &fields, err))
        return true;
    if (record_is_full(dpkg->file, err))
        return false;
    dpkg->file->packages.len = n;
    flaws_add(&dpkg->flaws, line, "%s", err->msg);
    return true;
}

static bool dpkg_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                       struct err *err)
{
    str base = path_base(path);
    if (str_ends(path, STR(".md5sums"))) /* the checksum list beside a status.d stanza, md5sum(1) */
        return owner_begin(arena, file, str_slice(base, 0, base.len - STR(".md5sums").len), err) &&
               owner_read_list(arena, in, true, file, err);
    struct dpkg dpkg = {
        .arena = arena,
        .file = file,
        .is_status_d = str_eq(path_base(path_dir(path)), STR("status.d")),
    };
    return stanzas_read(in, &dpkg.flaws, read_stanza, &dpkg, err) && flaws_ok(&dpkg.flaws, err);
}

const struct detector detector_dpkg = {
    .name = "dpkg",
    .revision = 4,
    .summary =
        "installed Debian packages: Package, Version, Status, Source, Architecture, Maintainer; "
        "of status.d also the files that they own (.md5sums)",
    .spec = "dpkg(1), deb-control(5), Debian Policy 5.3 and 5.6, md5sum(1)",
    .paths = PATHS("var/lib/dpkg/status", "var/lib/dpkg/status.d/*"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .owner_type = "deb",
    .parse = dpkg_parse,
};
