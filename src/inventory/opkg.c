/* SPDX-License-Identifier: Apache-2.0 */
/* opkg.c - usr/lib/opkg/status: stanzas like dpkg's, "want flag,flag status"; opkg-lede's and
 * Yocto's.  The control files beside it are opkg_control.c's. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

struct fields {
    str package, version, status, arch, source, license, maintainer;
    bool has_any;
};

static void read_fields(const struct stanza *stanza, struct fields *out)
{
    const struct {
        str name;
        str *value;
    } wanted[] = {
        {STR("Package"), &out->package},       {STR("Version"), &out->version},
        {STR("Status"), &out->status},         {STR("Architecture"), &out->arch},
        {STR("Source"), &out->source},         {STR("License"), &out->license},
        {STR("Maintainer"), &out->maintainer},
    };
    str source_name = STR_NONE;
    *out = (struct fields){0};
    for (size_t i = 0; i < stanza->fields.len; i++) {
        const struct stanza_field *field = &stanza->fields.ptr[i];
        if (str_eq_nocase(field->name, STR("SourceName")))
            source_name = str_trim(field->value);
        for (size_t w = 0; w < ARRAY_LEN(wanted); w++)
            if (str_eq_nocase(field->name, wanted[w].name)) {
                *wanted[w].value = str_trim(field->value); /* the last one, as opkg reads it */
                out->has_any = true;
            }
    }
    if (source_name.len)
        out->source = source_name;
}

/* What the third word says of the package's files: these states have them in place. */
static bool is_there(str state)
{
    static const char *const states[] = {"installed", "unpacked", "half-configured",
                                         "post-inst-failed", "removal-failed"};
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_eq(state, str_from(states[i])))
            return true;
    return false;
}

static bool third_word(str status, str *word)
{
    str want, flag;
    return str_cut_byte(status, ' ', &want, &status) &&
           str_cut_byte(str_trim(status), ' ', &flag, word) && (*word = str_trim(*word)).len &&
           str_find_byte(*word, ' ') == word->len;
}

/* Source is the package's folder in OpenWrt ("feeds/packages/libs/zstd"), the recipe in Yocto
 * ("busybox_1.36.1.bb"), and in old files a list of addresses, which names nothing. */
static str source_of(const struct fields *fields)
{
    str source = fields->source;
    if (str_has(source, STR("://")) || str_has(source, STR(" ")) || str_has(source, STR("\n")))
        return fields->package;
    source = path_base(source);
    if (str_ends(source, STR(".bb")))
        source = str_slice(source, 0, str_find_byte(source, '_'));
    if (str_ends(source, STR(".bb")))
        source = str_slice(source, 0, source.len - STR(".bb").len);
    return source.len ? source : fields->package;
}

static bool add_package(struct arena *arena, struct file_record *file, const struct fields *fields,
                        struct err *err)
{
    struct package *package =
        record_package(arena, file, "opkg", fields->package, fields->version, fields->arch, err);
    if (!package)
        return false;
    package->source_version = package->version; /* one build, one version */
    return record_share(arena, file, offsetof(struct package, source_name), source_of(fields),
                        err) &&
           record_share(arena, file, offsetof(struct package, maintainer), fields->maintainer,
                        err) &&
           licenses_add(arena, package, fields->license, err);
}

struct opkg {
    struct arena *arena;
    struct file_record *file;
    struct flaws flaws;
    bool is_control; /* one package's own file: no Status, it is there, so it is installed */
};

/* Whether the stanza is that of a package which is there, and whole. */
static bool is_installed(struct opkg *opkg, const struct fields *fields, size_t line)
{
    str state = STR_NONE;
    if (!fields->has_any) {
        flaws_add(&opkg->flaws, line, "a stanza without Package");
        return false;
    }
    if (!opkg->is_control && !third_word(fields->status, &state)) {
        flaws_add(&opkg->flaws, line,
                  fields->status.len ? "Status is not three words" : "no Status");
        return false;
    }
    if (!opkg->is_control && !is_there(state))
        return false; /* removed, or never there */
    if (fields->package.len && fields->version.len)
        return true;
    flaws_add(&opkg->flaws, line, "installed, but without %s",
              fields->package.len ? "Version" : "Package");
    return false;
}

/* False only when there is no room for more (record_is_full). */
static bool read_stanza(void *ctx, const struct stanza *stanza, struct err *err)
{
    struct opkg *opkg = ctx;
    struct fields fields;
    read_fields(stanza, &fields);
    if (stanza->fields.len == 0 || !is_installed(opkg, &fields, stanza->line))
        return true;
    size_t n = opkg->file->packages.len;
    if (add_package(opkg->arena, opkg->file, &fields, err))
        return true;
    if (record_is_full(opkg->file, err))
        return false;
    opkg->file->packages.len = n;
    flaws_add(&opkg->flaws, stanza->line, "%s", err->msg);
    *err = (struct err){0};
    return true;
}

bool opkg_read(struct arena *arena, struct rd *in, struct file_record *file, bool is_control,
               struct err *err)
{
    struct opkg opkg = {.arena = arena, .file = file, .is_control = is_control};
    return stanzas_read(in, &opkg.flaws, read_stanza, &opkg, err) && flaws_ok(&opkg.flaws, err);
}

static bool opkg_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                       struct err *err)
{
    (void)path;
    return opkg_read(arena, in, file, false, err);
}

const struct detector detector_opkg = {
    .name = "opkg",
    .revision = 1,
    .summary = "installed OpenWrt and Yocto packages: Package, Version, Status, Architecture, "
               "Source, SourceName, License, Maintainer",
    .spec = "opkg(1), opkg's status file; deb-control(5)",
    .paths = PATHS("usr/lib/opkg/status", "var/lib/opkg/status", "var/opkg/status"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .parse = opkg_parse,
};
