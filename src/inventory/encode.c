/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c - a layer's inventory as bytes.
 *
 *   version  u8
 *   entries, size  varint
 *   steps    n, then each: kind u8, order (from the last one's), path, [target of links]
 *   files    n, then each: path, order, detector's name, flags u8, [reason], [distro], [raw],
 *            owners, packages
 *     owners    n, then each: name, hashes n, then the gaps; diversions n,
 *               then each: name, u64, u64
 *     packages  n, then each: u16 (fields that the package before has too, and two flags), the
 *               other fields
 *   executables  executables.c
 *   notices  n, then each: kind u8, incomplete u8, path, message
 *
 * n and numbers are varints, strings a varint length with the bytes.  Nothing follows. */
#include "base/limits.h"
#include "inventory/inventory.h"

#include "inventory/internal.h"

enum { FILE_FAILED = 1, FILE_DISTRO = 2, FILE_RAW = 4, FILE_FLAGS = 7 };

/* The strings of a package in the order of the bits of `same`; licences are the last one.
 */
static const size_t fields[] = {
    offsetof(struct package, type),        offsetof(struct package, arch),
    offsetof(struct package, source_name), offsetof(struct package, source_version),
    offsetof(struct package, maintainer),  offsetof(struct package, name),
    offsetof(struct package, version),     offsetof(struct package, vendor),
    offsetof(struct package, modularity),
};
enum { N_FIELDS = 9, SAME_LICENSES = 1 << N_FIELDS };
/* Of other managers than the system's; named by a file, not installed. */
enum { IS_FOREIGN = 1 << 10, IS_DECLARED = 1 << 11, PACKAGE_BITS = 12 };

static str *field_at(struct package *package, size_t i)
{
    return (str *)(void *)((char *)package + fields[i]);
}

static str field_of(const struct package *package, size_t i)
{
    return *(const str *)(const void *)((const char *)package + fields[i]);
}

static bool same_licenses(const struct package *a, const struct package *b)
{
    if (a->licenses.len != b->licenses.len)
        return false;
    for (size_t i = 0; i < a->licenses.len; i++)
        if (!str_eq(a->licenses.ptr[i], b->licenses.ptr[i]))
            return false;
    return true;
}

static void put_package(struct sb *out, const struct package *package, const struct package *last)
{
    uint16_t same = 0;
    for (size_t i = 0; i < N_FIELDS; i++)
        if (str_eq(field_of(package, i), field_of(last, i)))
            same |= (uint16_t)(1u << i);
    if (same_licenses(package, last))
        same |= SAME_LICENSES;
    same |= (uint16_t)(package->is_os ? 0 : IS_FOREIGN);
    same |= (uint16_t)(package->evidence == EVIDENCE_DECLARED ? IS_DECLARED : 0);
    sb_byte(out, (uint8_t)same);
    sb_byte(out, (uint8_t)(same >> 8));
    for (size_t i = 0; i < N_FIELDS; i++)
        if (!(same >> i & 1))
            sb_blob(out, field_of(package, i));
    if (same & SAME_LICENSES)
        return;
    sb_varint(out, package->licenses.len);
    for (size_t i = 0; i < package->licenses.len; i++)
        sb_blob(out, package->licenses.ptr[i]);
}

static void put_distro(struct sb *out, const struct distro *distro)
{
    sb_blob(out, distro->id);
    sb_blob(out, distro->id_like);
    sb_blob(out, distro->version_id);
    sb_blob(out, distro->codename);
    sb_blob(out, distro->name);
}

static bool has_distro(const struct distro *d)
{
    return d->id.len || d->id_like.len || d->version_id.len || d->codename.len || d->name.len;
}

static void put_file(struct sb *out, const struct file_record *file)
{
    static const struct package none;
    bool has = has_distro(&file->distro);
    sb_blob(out, file->path);
    sb_varint(out, file->order);
    sb_blob(out, str_from(file->detector->name));
    sb_byte(out, (uint8_t)((file->is_failed ? FILE_FAILED : 0) | (has ? FILE_DISTRO : 0) |
                           (file->has_raw ? FILE_RAW : 0)));
    if (file->is_failed)
        sb_blob(out, file->reason);
    if (has)
        put_distro(out, &file->distro);
    if (file->has_raw)
        sb_blob(out, file->raw);
    owners_encode(file, out);
    sb_varint(out, file->packages.len);
    const struct package *last = &none;
    for (size_t i = 0; i < file->packages.len; i++) {
        put_package(out, &file->packages.ptr[i], last);
        last = &file->packages.ptr[i];
    }
}

static bool is_link(enum step_kind kind) { return kind == STEP_SYMLINK || kind == STEP_HARDLINK; }

bool layer_inventory_encode(const struct layer_inventory *layer, struct sb *out, struct err *err)
{
    sb_byte(out, INVENTORY_ENCODING);
    sb_varint(out, layer->n_entries);
    sb_varint(out, layer->size_bytes);
    sb_varint(out, layer->steps.len);
    uint64_t order = 0;
    for (size_t i = 0; i < layer->steps.len; i++) {
        const struct layer_step *step = &layer->steps.ptr[i];
        sb_byte(out, (uint8_t)step->kind);
        sb_varint(out, step->order - order);
        order = step->order;
        sb_blob(out, step->path);
        if (is_link(step->kind))
            sb_blob(out, step->target);
    }
    sb_varint(out, layer->files.len);
    for (size_t i = 0; i < layer->files.len; i++)
        put_file(out, &layer->files.ptr[i]);
    exec_encode(&layer->executables, out);
    sb_varint(out, layer->notices.len);
    for (size_t i = 0; i < layer->notices.len; i++) {
        const struct notice *notice = &layer->notices.ptr[i];
        sb_byte(out, (uint8_t)notice->kind);
        sb_byte(out, notice->is_incomplete);
        sb_blob(out, notice->path);
        sb_blob(out, notice->message);
    }
    return sb_ok(out, err);
}

/* --- and back --------------------------------------------------------------------------------- */
struct decode {
    struct rd in; /* over a copy in the arena: strings are slices of it */
    struct arena *arena;
    size_t n_packages, n_raw_bytes;
};

/* A pushed element, or the reader fails. */
#define push_or_fail(decode, vec)                                                                  \
    ({                                                                                             \
        __typeof__((vec)->ptr) new_ = vec_push((decode)->arena, (vec));                            \
        if (!new_)                                                                                 \
            rd_fail(&(decode)->in, ERR_MEMORY, "no memory left for it");                           \
        new_;                                                                                      \
    })

static bool is_clean_path(str path)
{
    str rest = path, name;
    while (str_next(&rest, '/', &name))
        if (name.len == 0 || str_eq(name, STR(".")) || str_eq(name, STR("..")))
            return false;
    return path.len > 0 && path.ptr[path.len - 1] != '/';
}

static str get_path(struct rd *in, bool may_be_root)
{
    str path = rd_blob(in, LIMIT(PATH));
    if (rd_is_ok(in) && !is_clean_path(path) && !(may_be_root && path.len == 0))
        rd_fail(in, ERR_FORMAT, "a path that is not clean");
    return path;
}

static uint8_t get_below(struct rd *in, uint8_t n, const char *what)
{
    uint8_t value = rd_u8(in);
    if (value >= n)
        rd_fail(in, ERR_FORMAT, "%s %u", what, value);
    return value;
}

static void get_steps(struct decode *decode, struct layer_inventory *out)
{
    struct rd *in = &decode->in;
    uint64_t order = 0;
    for (uint64_t n = rd_varint(in, LIMIT(LAYER_STEPS)); n && rd_is_ok(in); n--) {
        struct layer_step *step = push_or_fail(decode, &out->steps);
        if (!step)
            return;
        step->kind = get_below(in, STEP_KINDS, "step of kind");
        uint64_t gap = rd_varint(in, LIMIT(LAYER_FILES) - order);
        order += gap;
        step->order = order;
        if (gap == 0)
            rd_fail(in, ERR_FORMAT, "two steps of one entry");
        step->path = get_path(in, step->kind == STEP_OPAQUE);
        if (step->kind == STEP_HARDLINK)
            step->target = get_path(in, false);
        if (step->kind == STEP_SYMLINK)
            step->target = rd_blob(in, LIMIT(PATH));
    }
}

static void get_licenses(struct decode *decode, struct package *package)
{
    struct rd *in = &decode->in;
    for (uint64_t n = rd_varint(in, LIMIT(FIELD)); n && rd_is_ok(in); n--) {
        str *license = push_or_fail(decode, &package->licenses);
        if (license)
            *license = rd_blob(in, LIMIT(FIELD));
    }
}

static void get_package(struct decode *decode, struct file_record *file, str path)
{
    static const struct package none;
    struct rd *in = &decode->in;
    struct package *package = push_or_fail(decode, &file->packages);
    if (!package)
        return;
    const struct package *last = file->packages.len > 1 ? package - 1 : &none;
    uint16_t same = rd_u16le(in);
    *package =
        (struct package){.path = path,
                         .evidence = same & IS_DECLARED ? EVIDENCE_DECLARED : EVIDENCE_INSTALLED,
                         .is_os = !(same & IS_FOREIGN),
                         .layer = -1};
    if (same >> PACKAGE_BITS)
        rd_fail(in, ERR_FORMAT, "a package with unknown fields");
    for (size_t i = 0; i < N_FIELDS; i++) {
        *field_at(package, i) = same >> i & 1 ? field_of(last, i) : rd_blob(in, LIMIT(FIELD));
        if (rd_is_ok(in) && !(same >> i & 1) && str_eq(field_of(package, i), field_of(last, i)))
            rd_fail(in, ERR_FORMAT, "a field that is told twice");
    }
    if (same & SAME_LICENSES)
        package->licenses = last->licenses;
    else
        get_licenses(decode, package);
    if (rd_is_ok(in) && !(same & SAME_LICENSES) && same_licenses(package, last))
        rd_fail(in, ERR_FORMAT, "licences that are told twice");
    if (rd_is_ok(in) && last != &none && package_cmp_key(last, package) > 0)
        rd_fail(in, ERR_FORMAT, "packages out of order");
}

static void get_distro(struct rd *in, struct distro *distro)
{
    distro->id = rd_blob(in, LIMIT(FIELD));
    distro->id_like = rd_blob(in, LIMIT(FIELD));
    distro->version_id = rd_blob(in, LIMIT(FIELD));
    distro->codename = rd_blob(in, LIMIT(FIELD));
    distro->name = rd_blob(in, LIMIT(FIELD));
    if (rd_is_ok(in) && !has_distro(distro))
        rd_fail(in, ERR_FORMAT, "a distribution without a word");
}

static void get_raw(struct decode *decode, struct file_record *file)
{
    struct rd *in = &decode->in;
    file->has_raw = true;
    file->raw = rd_blob(in, LIMIT(DEFERRED) - decode->n_raw_bytes);
    decode->n_raw_bytes += file->raw.len;
    if (file->detector && !file->detector->side_suffix)
        rd_fail(in, ERR_FORMAT, "raw bytes of a file that needs none");
}

static void get_file(struct decode *decode, struct file_record *file)
{
    struct rd *in = &decode->in;
    file->path = get_path(in, false);
    file->order = rd_varint(in, LIMIT(LAYER_FILES));
    str name = rd_blob(in, LIMIT(FIELD));
    file->detector = detector_find(name);
    if (!file->detector)
        rd_fail(in, ERR_FORMAT, "detector \"%.*s\" is not known", STR_ARG(name));
    uint8_t flags = get_below(in, FILE_FLAGS + 1, "file with flags");
    file->is_failed = flags & FILE_FAILED;
    if (file->is_failed)
        file->reason = rd_blob(in, LIMIT(FIELD));
    str path = arena_printf(decode->arena, "/%.*s", STR_ARG(file->path));
    if (!path.ptr)
        rd_fail(in, ERR_MEMORY, "no memory left for it");
    file->distro.layer = -1;
    if (flags & FILE_DISTRO)
        get_distro(in, &file->distro);
    if (file->distro.id.len)
        file->distro.path = path;
    if (flags & FILE_RAW)
        get_raw(decode, file);
    owners_decode(decode->arena, in, file);
    for (uint64_t n = rd_varint(in, LIMIT(INVENTORY) - decode->n_packages); n && rd_is_ok(in);
         n--) {
        get_package(decode, file, path);
        decode->n_packages++;
    }
}

static void get_files(struct decode *decode, struct layer_inventory *out)
{
    struct rd *in = &decode->in;
    for (uint64_t n = rd_varint(in, LIMIT(LAYER_FILES)); n && rd_is_ok(in); n--) {
        struct file_record *file = push_or_fail(decode, &out->files);
        if (!file)
            return;
        get_file(decode, file);
        if (!rd_is_ok(in) || out->files.len == 1)
            continue;
        int c = str_cmp(file[-1].path, file->path);
        if (c > 0 || (c == 0 && file[-1].order >= file->order))
            rd_fail(in, ERR_FORMAT, "files out of order");
    }
}

static void get_notices(struct decode *decode, struct layer_inventory *out)
{
    struct rd *in = &decode->in;
    for (uint64_t n = rd_varint(in, LIMIT(LAYER_FILES)); n && rd_is_ok(in); n--) {
        struct notice *notice = push_or_fail(decode, &out->notices);
        if (!notice)
            return;
        notice->kind = get_below(in, NOTICE_UNSUPPORTED + 1, "notice of kind");
        notice->is_incomplete = get_below(in, 2, "notice with flag");
        notice->layer = -1;
        notice->path = rd_blob(in, LIMIT(FIELD));
        notice->message = rd_blob(in, LIMIT(FIELD));
    }
}

bool layer_inventory_decode(struct arena *arena, str bytes, struct layer_inventory *out,
                            struct err *err)
{
    str copy = arena_dup(arena, bytes);
    if (!copy.ptr)
        return err_memory(err);
    struct decode decode = {.arena = arena};
    struct rd *in = &decode.in;
    rd_init(in, copy);
    *out = (struct layer_inventory){0};
    unsigned version = rd_u8(in);
    if (rd_is_ok(in) && version != INVENTORY_ENCODING)
        rd_fail(in, ERR_UNSUPPORTED, "a layer inventory of format %u", version);
    out->n_entries = rd_varint(in, LIMIT(LAYER_FILES));
    out->size_bytes = rd_varint(in, UINT64_MAX);
    get_steps(&decode, out);
    get_files(&decode, out);
    exec_decode(arena, in, &out->executables);
    get_notices(&decode, out);
    if (rd_is_ok(in) && !rd_is_end(in))
        rd_fail(in, ERR_FORMAT, "%zu bytes too many", rd_left(in));
    return rd_ok(in, err) || err_wrap(err, "layer inventory");
}
