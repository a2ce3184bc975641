/* SPDX-License-Identifier: Apache-2.0 */
/* rpm_sqlite.c - rpmdb.sqlite: headers in the table Packages(hnum INTEGER PRIMARY KEY, blob BLOB)
 * of an SQLite database, rpm's lib/backend/sqlite.c; and rpmdb.sqlite-wal beside it, whose
 * committed pages replace the database's. */
#include "base/limits.h"
#include "inventory/internal.h"

enum { COLUMN_BLOB = 1 };

static bool on_row(void *context, int64_t number, str record, struct err *err)
{
    struct rpm_reader *rpm = context;
    struct sqlite_value blob;
    if (sqlite_column(record, COLUMN_BLOB, &blob) && blob.type == SQLITE_BYTES)
        return rpm_add_header(rpm, (uint32_t)number, blob.bytes, err);
    flaws_add(&rpm->flaws, 0, "row %lld of Packages holds no header", (long long)number);
    return true;
}

static bool read_tables(struct rpm_reader *rpm, struct sqlite *db, struct err *err)
{
    uint32_t root;
    if (!sqlite_find_table(db, STR("Packages"), &root, err))
        return false;
    if (root == 0)
        flaws_add(&rpm->flaws, 0, "no table Packages");
    return root == 0 || sqlite_each_row(db, root, on_row, rpm, err);
}

static bool read_database(struct rpm_reader *rpm, str bytes, str wal, struct err *err)
{
    struct arena scratch;
    struct sqlite db = {.cancel = rpm->cancel, .flaws = &rpm->flaws};
    arena_init(&scratch, LIMIT(PACKAGE_DB) / 64 + MIB);
    bool ok = sqlite_open(&scratch, bytes, wal, &db, err) && read_tables(rpm, &db, err);
    arena_fini(&scratch);
    return ok && flaws_ok(&rpm->flaws, err);
}

static bool rpm_sqlite_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                             struct err *err)
{
    struct rpm_reader rpm = {.arena = arena, .file = file, .cancel = in->cancel};
    if (cancel_is(in->cancel, err))
        return false;
    str bytes = rd_rest(in);
    if (bytes.len == 0 || str_ends(path, STR("-wal")))
        return true; /* an empty file is an empty database; a -wal says something only beside one */
    return read_database(&rpm, bytes, STR_NONE, err);
}

static bool rpm_sqlite_combine(struct arena *arena, str bytes, str wal, struct file_record *file,
                               struct err *err)
{
    struct rpm_reader rpm = {.arena = arena, .file = file};
    return read_database(&rpm, bytes, wal, err) || err_wrap(err, "with its -wal");
}

const struct detector detector_rpm_sqlite = {
    .name = "rpm_sqlite",
    .revision = 2,
    .summary =
        "installed RPM packages in an SQLite database and its -wal: name, epoch, version, "
        "release, arch, source RPM, vendor, licence, modularity label, and the files that they own",
    .spec = "SQLite database file format, rpm lib/backend/sqlite.c, RPM package format (header)",
    .paths = PATHS(RPM_PATHS("rpmdb.sqlite"), RPM_PATHS("rpmdb.sqlite-wal")),
    .limit = LIMIT_ID_PACKAGE_DB,
    .is_os_database = true,
    .owner_type = "rpm",
    .parse = rpm_sqlite_parse,
    .side_suffix = "-wal",
    .combine = rpm_sqlite_combine,
};
