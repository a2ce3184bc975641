/* SPDX-License-Identifier: Apache-2.0 */
/* apk.c - lib/apk/db/installed: records of lines "X:value", one letter a field, an empty line
 * behind each.  Behind a record's own fields follow its folders (F) and files (R); their fields (a,
 * M, Z) we pass over. */
#include "base/limits.h"
#include "inventory/internal.h"

struct record {
    str name, version, arch, license, origin, maintainer;
    size_t line;       /* of its first line */
    bool is_broken;    /* told already */
    bool has_anything; /* a line at all */
    uint64_t folder;   /* hash of that of the files that follow */
    bool has_owner;
};

static str *field_of(struct record *record, char letter)
{
    switch (letter) {
    case 'P':
        return &record->name;
    case 'V':
        return &record->version;
    case 'A':
        return &record->arch;
    case 'L':
        return &record->license;
    case 'o':
        return &record->origin;
    case 'm':
        return &record->maintainer;
    default:
        return NULL;
    }
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* F: folder, R: name of a file in it.  Files before the package's name are nobody's. */
static bool read_owned(struct arena *arena, struct file_record *file, struct record *record,
                       char letter, str value, struct err *err)
{
    if (letter == 'F')
        record->folder = path_hash_from(PATH_ROOT_HASH, value);
    if (letter != 'R' || record->name.len == 0)
        return true;
    if (!record->has_owner && !owner_begin(arena, file, record->name, err))
        return false;
    record->has_owner = true;
    return owner_add(arena, file, record->folder, value, err);
}

static void read_line(struct record *record, str line, size_t number, struct flaws *flaws)
{
    if (!record->has_anything)
        record->line = number;
    record->has_anything = true;
    if (record->is_broken)
        return;
    str letter, value;
    if (!str_cut_byte(line, ':', &letter, &value) || letter.len != 1 || !is_letter(letter.ptr[0])) {
        record->is_broken = true;
        flaws_add(flaws, number, "not a field \"X:value\"");
        return;
    }
    str *field = field_of(record, letter.ptr[0]);
    if (!field)
        return;
    if (field->ptr) {
        record->is_broken = true;
        flaws_add(flaws, number, "a second %c field in one record", letter.ptr[0]);
        return;
    }
    *field = value.ptr ? str_trim(value) : STR("");
    if (!field->ptr)
        *field = STR("");
}

static bool add_package(struct arena *arena, struct file_record *file, const struct record *record,
                        struct err *err)
{
    str origin = record->origin.len ? record->origin : record->name;
    struct package *package =
        record_package(arena, file, "apk", record->name, record->version, record->arch, err);
    if (!package)
        return false;
    package->source_version = package->version; /* one build, one version */
    return record_share(arena, file, offsetof(struct package, source_name), origin, err) &&
           record_share(arena, file, offsetof(struct package, maintainer), record->maintainer,
                        err) &&
           licenses_add(arena, package, record->license, err);
}

/* False only when there is no room for more (record_is_full). */
static bool end_record(struct arena *arena, struct file_record *file, struct record *record,
                       struct flaws *flaws, struct err *err)
{
    struct record done = *record;
    *record = (struct record){0};
    if (!done.has_anything || done.is_broken)
        return true;
    if (done.name.len == 0 || done.version.len == 0) {
        flaws_add(flaws, done.line, "a record without %s",
                  done.name.len ? "version (V)" : "name (P)");
        return true;
    }
    size_t n = file->packages.len;
    if (add_package(arena, file, &done, err))
        return true;
    if (record_is_full(file, err))
        return false;
    file->packages.len = n;
    flaws_add(flaws, done.line, "%s", err->msg);
    return true;
}

static bool apk_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                      struct err *err)
{
    (void)path;
    struct record record = {0};
    struct flaws flaws = {0};
    str line;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        if (line.len > 2 && line.ptr[1] == ':' && (line.ptr[0] == 'F' || line.ptr[0] == 'R')) {
            if (!read_owned(arena, file, &record, line.ptr[0], str_skip(line, 2), err))
                return false;
        }
        if (line.len)
            read_line(&record, line, in->line, &flaws);
        else if (!end_record(arena, file, &record, &flaws, err))
            return false;
    }
    if (!rd_ok(in, err)) /* an over-long line: what is behind it is not read, and that is told */
        return false;
    return end_record(arena, file, &record, &flaws, err) && flaws_ok(&flaws, err);
}

const struct detector detector_apk = {
    .name = "apk",
    .revision = 3,
    .summary = "installed Alpine packages: P (name), V (version), A (architecture), o (origin), "
               "L (licence), m (maintainer), and the files that they own (F, R)",
    .spec = "apk-package(5), apk(5): the installed database",
    .paths = PATHS("lib/apk/db/installed", "usr/lib/apk/db/installed"),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .owner_type = "apk",
    .parse = apk_parse,
};
