/* SPDX-License-Identifier: Apache-2.0 */
/* rpm_header.c - one installed package: a header as all three rpm databases keep it.
 * RPM "Package format", "Header", without the magic (rpm's doc/manual/format.md, lib/header.c).
 *
 *   il, dl   u32 each: entries of the index, bytes of the store
 *   index    il times: tag, type, offset, count; u32 each
 *   store    dl bytes: big-endian numbers, strings that end in NUL
 *
 * What was added when the package was installed stands behind the immutable region's entries and
 * replaces what that has of the same tag. */
#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

enum {
    TYPE_CHAR = 1,
    TYPE_INT16 = 3,
    TYPE_INT32 = 4,
    TYPE_STRING = 6,
    TYPE_STRINGS = 8,
    TYPE_I18N = 9,
    ENTRY_BYTES = 16
};

struct field {
    uint32_t type, offset, count; /* type 0: not there */
};
enum field_id {
    FIELD_NAME,
    FIELD_VERSION,
    FIELD_RELEASE,
    FIELD_EPOCH,
    FIELD_VENDOR,
    FIELD_LICENSE,
    FIELD_ARCH,
    FIELD_SOURCERPM,
    FIELD_OLDFILENAMES,
    FIELD_FILESTATES,
    FIELD_FILEMODES,
    FIELD_FILEFLAGS,
    FIELD_DIRINDEXES,
    FIELD_BASENAMES,
    FIELD_DIRNAMES,
    FIELD_MODULARITY,
    N_FIELDS
};
static const struct {
    const char *name;
    uint32_t tag, type;
} wanted[N_FIELDS] = {
    [FIELD_NAME] = {"NAME", 1000, TYPE_STRING},
    [FIELD_VERSION] = {"VERSION", 1001, TYPE_STRING},
    [FIELD_RELEASE] = {"RELEASE", 1002, TYPE_STRING},
    [FIELD_EPOCH] = {"EPOCH", 1003, TYPE_INT32},
    [FIELD_VENDOR] = {"VENDOR", 1011, TYPE_STRING},
    [FIELD_LICENSE] = {"LICENSE", 1014, TYPE_STRING},
    [FIELD_ARCH] = {"ARCH", 1022, TYPE_STRING},
    [FIELD_SOURCERPM] = {"SOURCERPM", 1044, TYPE_STRING},
    [FIELD_OLDFILENAMES] = {"OLDFILENAMES", 1027, TYPE_STRINGS},
    [FIELD_FILESTATES] = {"FILESTATES", 1029, TYPE_CHAR},
    [FIELD_FILEMODES] = {"FILEMODES", 1030, TYPE_INT16},
    [FIELD_FILEFLAGS] = {"FILEFLAGS", 1037, TYPE_INT32},
    [FIELD_DIRINDEXES] = {"DIRINDEXES", 1116, TYPE_INT32},
    [FIELD_BASENAMES] = {"BASENAMES", 1117, TYPE_STRINGS},
    [FIELD_DIRNAMES] = {"DIRNAMES", 1118, TYPE_STRINGS},
    [FIELD_MODULARITY] = {"MODULARITYLABEL", 5096, TYPE_STRING},
};

struct header {
    struct field fields[N_FIELDS];
    str store;
    str text[N_FIELDS];
    uint32_t epoch;
};

/* --- the index -------------------------------------------------------------------------------- */
static void keep_entry(struct header *header, uint32_t tag, struct field field)
{
    for (size_t i = 0; i < N_FIELDS; i++)
        if (wanted[i].tag == tag)
            header->fields[i] = field;
}

static bool read_index(str blob, struct header *header, struct err *err)
{
    struct rd in;
    rd_init(&in, blob);
    uint64_t n = rd_u32be(&in), store_bytes = rd_u32be(&in);
    if (!rd_is_ok(&in) || n == 0 || 8 + n * ENTRY_BYTES + store_bytes != blob.len)
        return err_set(err, ERR_FORMAT, "header of %zu bytes: its lengths are others", blob.len);
    struct rd index = rd_sub(&in, (size_t)n * ENTRY_BYTES);
    while (!rd_is_end(&index)) {
        uint32_t tag = rd_u32be(&index);
        struct field field = {.type = rd_u32be(&index)};
        field.offset = rd_u32be(&index);
        field.count = rd_u32be(&index);
        keep_entry(header, tag, field);
    }
    header->store = rd_rest(&in);
    return true;
}

/* --- values ----------------------------------------------------------------------------------- */
static bool bad_field(enum field_id id, const char *why, struct err *err)
{
    return err_set(err, ERR_FORMAT, "tag %s %s", wanted[id].name, why);
}

/* The next string of @rest; false: it has no end. */
static bool next_string(str *rest, str *out)
{
    size_t end = str_find_byte(*rest, '\0');
    if (end == rest->len)
        return false;
    *out = str_slice(*rest, 0, end);
    *rest = str_skip(*rest, end + 1);
    return true;
}

/* An absent one is empty; of an I18NSTRING the first, which is the one of locale C. */
static bool read_text(struct header *header, enum field_id id, struct err *err)
{
    const struct field *field = &header->fields[id];
    if (field->type == 0)
        return true;
    if (field->type != TYPE_STRING && field->type != TYPE_I18N)
        return bad_field(id, "is no string", err);
    if (field->count == 0 || (field->type == TYPE_STRING && field->count != 1))
        return bad_field(id, "is not one string", err);
    str rest = str_skip(header->store, field->offset);
    return next_string(&rest, &header->text[id]) || bad_field(id, "leads out of the header", err);
}

/* Of that many bytes each. */
static struct rd numbers_of(const struct header *header, enum field_id id, size_t bytes)
{
    struct rd in;
    const struct field *field = &header->fields[id];
    rd_init(&in, str_skip(header->store, field->offset));
    size_t size = 0;
    if (!num_mul(field->count, bytes, &size))
        size = SIZE_MAX;
    return rd_sub(&in, size);
}

static bool read_epoch(struct header *header, struct err *err)
{
    const struct field *field = &header->fields[FIELD_EPOCH];
    if (field->type == 0)
        return true;
    struct rd in = numbers_of(header, FIELD_EPOCH, sizeof(uint32_t));
    header->epoch = rd_u32be(&in);
    if (field->type != TYPE_INT32 || field->count != 1)
        return bad_field(FIELD_EPOCH, "is not one number", err);
    return rd_is_ok(&in) || bad_field(FIELD_EPOCH, "leads out of the header", err);
}

static bool read_header(str blob, struct header *header, struct err *err)
{
    static const enum field_id texts[] = {FIELD_NAME,      FIELD_VERSION,   FIELD_RELEASE,
                                          FIELD_VENDOR,    FIELD_LICENSE,   FIELD_ARCH,
                                          FIELD_SOURCERPM, FIELD_MODULARITY};
    if (!read_index(blob, header, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!read_text(header, texts[i], err))
            return false;
    for (enum field_id id = FIELD_NAME; id <= FIELD_RELEASE; id++)
        if (header->text[id].len == 0)
            return bad_field(id, "is missing", err);
    return read_epoch(header, err);
}

/* --- the package ------------------------------------------------------------------------------ */
/* "name-version-release.src.rpm"; without one the package itself.  The file name tells no epoch: a
 * package of the source's own version and release has the source's. */
static void split_source(const struct header *header, str version, str *name, str *source_version)
{
    str file = header->text[FIELD_SOURCERPM], epoch, plain;
    *name = header->text[FIELD_NAME];
    *source_version = version;
    size_t end = str_rfind_byte(file, '.');
    size_t kind = str_rfind_byte(str_slice(file, 0, end), '.'); /* ".src" or ".nosrc" */
    if (kind >= end || !str_eq(str_skip(file, end), STR(".rpm")))
        return;
    str stem = str_slice(file, 0, kind);
    size_t release = str_rfind_byte(stem, '-');
    size_t start = str_rfind_byte(str_slice(stem, 0, release), '-');
    if (release == stem.len || start == release || start == 0)
        return;
    *name = str_slice(stem, 0, start);
    str evr = str_skip(stem, start + 1);
    bool has_epoch = header->epoch && str_cut_byte(version, ':', &epoch, &plain);
    if (!has_epoch || !str_eq(plain, evr))
        *source_version = evr;
}

static bool add_license(struct arena *arena, struct file_record *file, str text, struct err *err)
{
    if (text.len == 0)
        return true;
    if (text.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of more than %zu bytes", (size_t)LIMIT(FIELD));
    struct package *package = &file->packages.ptr[file->packages.len - 1];
    if (file->packages.len > 1 && package[-1].licenses.len &&
        str_eq(package[-1].licenses.ptr[0], text)) {
        package->licenses = package[-1].licenses;
        return true;
    }
    str *license = vec_push(arena, &package->licenses);
    if (license)
        *license = arena_dup(arena, text);
    return (license && license->ptr) || err_memory(err);
}

static bool add_package(struct arena *arena, struct file_record *file, const struct header *header,
                        struct err *err)
{
    auto_sb evr;
    sb_init(&evr, LIMIT(FIELD));
    if (header->epoch)
        sb_addf(&evr, "%u:", header->epoch);
    sb_add(&evr, header->text[FIELD_VERSION]);
    sb_byte(&evr, '-');
    sb_add(&evr, header->text[FIELD_RELEASE]);
    if (!sb_ok(&evr, err))
        return false;
    str version = sb_str(&evr), source, source_version;
    split_source(header, version, &source, &source_version);
    return record_package(arena, file, "rpm", header->text[FIELD_NAME], version,
                          header->text[FIELD_ARCH], err) &&
           record_share(arena, file, offsetof(struct package, source_name), source, err) &&
           record_share(arena, file, offsetof(struct package, source_version), source_version,
                        err) &&
           record_share(arena, file, offsetof(struct package, vendor), header->text[FIELD_VENDOR],
                        err) &&
           record_share(arena, file, offsetof(struct package, modularity),
                        header->text[FIELD_MODULARITY], err) &&
           add_license(arena, file, header->text[FIELD_LICENSE], err);
}

/* --- its files --------------------------------------------------------------------------------
 *
 * Folders are told once (DIRNAMES), files by their folder's number and their name; packages built
 * before rpm 4 have whole paths (OLDFILENAMES).  What was not put there by this package is not
 * its own: files of another state than normal (rpm's lib/rpmfiles.h: replaced by another
 * package's, left out, of another colour), and ghosts, which are only expected there.  Folders and
 * links own nothing. */
enum { FLAG_GHOST = 1 << 6, STATE_NORMAL = 0, MODE_TYPE = 0170000, MODE_FILE = 0100000 };

struct file_list {
    uint32_t n;
    str names; /* the strings from here on */
    bool has_folders;
    struct rd folders, states, modes, flags; /* a number each file, or none at all */
    bool has_states, has_modes, has_flags;
};

/* One number for each of the files, or the field is not there. */
static bool read_numbers(const struct header *header, enum field_id id, uint32_t n, size_t bytes,
                         struct rd *out, bool *has, struct err *err)
{
    const struct field *field = &header->fields[id];
    *has = field->type != 0;
    if (!*has)
        return true;
    if (field->type != wanted[id].type)
        return bad_field(id, "is no list of its numbers", err);
    if (field->count != n)
        return bad_field(id, "has another length than the files", err);
    *out = numbers_of(header, id, bytes);
    return rd_is_ok(out) || bad_field(id, "leads out of the header", err);
}

static bool read_list(const struct header *header, struct file_list *out, struct err *err)
{
    bool is_old = header->fields[FIELD_BASENAMES].type == 0;
    enum field_id id = is_old ? FIELD_OLDFILENAMES : FIELD_BASENAMES;
    const struct field *names = &header->fields[id];
    *out = (struct file_list){.n = names->count};
    if (names->type == 0 && header->fields[FIELD_DIRINDEXES].count)
        return bad_field(FIELD_DIRINDEXES, "has another length than the files", err);
    if (names->type == 0)
        return true; /* no files */
    if (names->type != TYPE_STRINGS)
        return bad_field(id, "is no list of strings", err);
    out->names = str_skip(header->store, names->offset);
    if (!is_old && header->fields[FIELD_DIRINDEXES].type == 0)
        return bad_field(FIELD_DIRINDEXES, "is missing", err);
    return (is_old || read_numbers(header, FIELD_DIRINDEXES, out->n, sizeof(uint32_t),
                                   &out->folders, &out->has_folders, err)) &&
           read_numbers(header, FIELD_FILESTATES, out->n, 1, &out->states, &out->has_states, err) &&
           read_numbers(header, FIELD_FILEMODES, out->n, sizeof(uint16_t), &out->modes,
                        &out->has_modes, err) &&
           read_numbers(header, FIELD_FILEFLAGS, out->n, sizeof(uint32_t), &out->flags,
                        &out->has_flags, err);
}

/* The hashes of its folders, into rpm->folders. */
static bool read_folders(struct rpm_reader *rpm, const struct header *header, struct err *err)
{
    const struct field *field = &header->fields[FIELD_DIRNAMES];
    str rest = str_skip(header->store, field->offset), one;
    rpm->folders.len = 0;
    if (field->type != TYPE_STRINGS)
        return field->type == 0 || bad_field(FIELD_DIRNAMES, "is no list of strings", err);
    for (uint32_t i = 0; i < field->count; i++) {
        if (!next_string(&rest, &one))
            return bad_field(FIELD_DIRNAMES, "leads out of the header", err);
        uint64_t *folder = vec_push(rpm->arena, &rpm->folders);
        if (!folder)
            return err_memory(err);
        *folder = path_hash_from(PATH_ROOT_HASH, one);
    }
    return true;
}

/* The next file's numbers: whether it is the package's own. */
static bool is_own(struct file_list *list)
{
    bool is = !list->has_states || rd_u8(&list->states) == STATE_NORMAL;
    is &= !list->has_modes || (rd_u16be(&list->modes) & MODE_TYPE) == MODE_FILE;
    is &= !list->has_flags || !(rd_u32be(&list->flags) & FLAG_GHOST);
    return is;
}

static bool add_files(struct rpm_reader *rpm, const struct header *header, struct err *err)
{
    struct file_list list;
    str name;
    if (!read_list(header, &list, err) || !read_folders(rpm, header, err) ||
        (list.n && !owner_begin(rpm->arena, rpm->file, header->text[FIELD_NAME], err)))
        return false;
    for (uint32_t i = 0; i < list.n; i++) {
        if (!next_string(&list.names, &name))
            return bad_field(list.has_folders ? FIELD_BASENAMES : FIELD_OLDFILENAMES,
                             "leads out of the header", err);
        uint64_t folder = PATH_ROOT_HASH;
        uint32_t index = list.has_folders ? rd_u32be(&list.folders) : 0;
        if (list.has_folders && index >= rpm->folders.len)
            return bad_field(FIELD_DIRINDEXES, "names a folder that is not there", err);
        if (list.has_folders)
            folder = rpm->folders.ptr[index];
        if (is_own(&list) && !owner_add(rpm->arena, rpm->file, folder, name, err))
            return false;
    }
    return true;
}

bool rpm_add_header(struct rpm_reader *rpm, uint32_t number, str blob, struct err *err)
{
    struct header header = {0};
    struct err why = {0};
    size_t n = rpm->file->packages.len;
    if (!read_header(blob, &header, &why)) {
        flaws_add(&rpm->flaws, 0, "header %u: %s", number, why.msg);
        return true;
    }
    if (str_eq(header.text[FIELD_NAME], STR("gpg-pubkey")))
        return true; /* a key that rpm trusts, no package */
    bool is_package = add_package(rpm->arena, rpm->file, &header, &why);
    if (!is_package)
        rpm->file->packages.len = n;
    if (is_package && add_files(rpm, &header, &why))
        return true;
    if (record_is_full(rpm->file, &why)) {
        *err = why;
        return false;
    }
    flaws_add(&rpm->flaws, 0, "header %u: %s", number, why.msg);
    return true;
}
