/* SPDX-License-Identifier: Apache-2.0 */
/* ownership.c - which package says that a file is its own: lists of paths, kept as hashes.
 *
 * A path's hash is made component by component, so that it can be computed from a folder's hash and
 * a name: h(root) = 0, h(folder/name) = fold((h(folder) ^ A) * (name48 ^ B)), where name48 is 48
 * bits of a multiplicative hash of the name.  Nothing in it depends on process or machine.
 *
 * Collisions.  By chance: two names meet only within one folder (48 bits: 1,000 executables among
 * 100,000 names, 4 in a million million that a file is taken for another), two paths only in 64
 * bits (10,000 executables, a million listed paths: 5 in ten thousand million).  On purpose they
 * can be made, and gain nothing: whoever writes the image can as well write the path into the list;
 * ownership is what the image says of itself.
 *
 * Lists name files as their package was built; where links have since moved them (Debian lists
 * /bin/ls, and the file is usr/bin/ls), owned.c finds them. */
#include <endian.h>
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 wide = (unsigned __int128)a * b;
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

uint64_t path_name_hash(str name)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ name.len;
    for (size_t at = 0; at < name.len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, name.ptr + at, num_min(name.len - at, sizeof(word)));
        h = fold(h ^ le64toh(word) ^ 0xa0761d6478bd642fu, 0xe7037ed1a0b428dbu ^ (h << 1));
    }
    return fold(h, 0x8ebc6af09c88c6e3u) & 0xffffffffffffu;
}

uint64_t path_join_hash(uint64_t folder, uint64_t name)
{
    return fold(folder ^ 0x589965cc75374cc3u, name ^ 0x1d8e4e27c47d124fu);
}

uint64_t path_hash_from(uint64_t folder, str path)
{
    str name;
    while (str_next(&path, '/', &name))
        if (name.len && !str_eq(name, STR(".")))
            folder = path_join_hash(folder, path_name_hash(name));
    return folder;
}

bool owner_begin(struct arena *arena, struct file_record *file, str package, struct err *err)
{
    if (package.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of more than %zu bytes", (size_t)LIMIT(FIELD));
    struct file_owner *owner = vec_push(arena, &file->owners);
    if (!owner)
        return err_memory(err);
    owner->name = arena_dup(arena, package);
    return owner->name.ptr || err_memory(err);
}

bool owner_add(struct arena *arena, struct file_record *file, uint64_t folder, str path,
               struct err *err)
{
    struct file_owner *owner = &file->owners.ptr[file->owners.len - 1];
    if (file->n_owned >= LIMIT(OWNED_PATHS))
        return err_set(err, ERR_LIMIT, "more than %zu files (owned-paths)",
                       (size_t)LIMIT(OWNED_PATHS));
    uint64_t *hash = vec_push(arena, &owner->paths);
    if (!hash)
        return err_memory(err);
    *hash = path_hash_from(folder, path);
    file->n_owned++;
    return true;
}

static int cmp_hashes(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorted, each once. */
static size_t seal(uint64_t *hashes, size_t n)
{
    size_t n_kept = 0;
    if (n)
        qsort(hashes, n, sizeof(*hashes), cmp_hashes);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || hashes[i] != hashes[i - 1])
            hashes[n_kept++] = hashes[i];
    return n_kept;
}

void owners_seal(struct file_record *file)
{
    for (size_t i = 0; i < file->owners.len; i++) {
        struct file_owner *owner = &file->owners.ptr[i];
        file->n_owned -= owner->paths.len;
        owner->paths.len = seal(owner->paths.ptr, owner->paths.len);
        file->n_owned += owner->paths.len;
    }
}

/* --- lists ------------------------------------------------------------------------------------ */
bool owner_read_list(struct arena *arena, struct rd *in, bool is_md5sums, struct file_record *file,
                     struct err *err)
{
    str line, last = STR_NONE;
    while (rd_line(in, LIMIT(STANZA_LINE), &line)) {
        str sum, path = line;
        if (is_md5sums && (!str_cut_byte(line, ' ', &sum, &path) || path.len < 2))
            continue; /* no name: it owns nothing */
        path = is_md5sums ? str_skip(path, 1) : path;
        /* dpkg lists a folder before what is in it, and folders own nothing */
        bool is_inside =
            last.len && path.len > last.len && path.ptr[last.len] == '/' && str_starts(path, last);
        if (last.len && !is_inside && !owner_add(arena, file, PATH_ROOT_HASH, last, err))
            return false;
        last = path;
    }
    return (!last.len || owner_add(arena, file, PATH_ROOT_HASH, last, err)) && rd_ok(in, err);
}

bool owner_add_scripts(struct arena *arena, struct file_record *file, str path, str stem,
                       struct err *err)
{
    static const char *const ends[] = {"preinst", "postinst", "prerm", "postrm", "config"};
    uint64_t folder = path_hash_from(PATH_ROOT_HASH, path_dir(path));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        str script = arena_printf(arena, STR_FMT ".%s", STR_ARG(stem), ends[i]);
        if (!script.ptr)
            return err_memory(err);
        if (!owner_add(arena, file, folder, script, err))
            return false;
    }
    return true;
}

/* --- as bytes --------------------------------------------------------------------------------- */
/* n, then the gaps: varints. */
static void put_hashes(struct sb *out, const uint64_t *hashes, size_t n)
{
    uint64_t last = 0;
    sb_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        sb_varint(out, hashes[i] - last);
        last = hashes[i];
    }
}

void owners_encode(const struct file_record *file, struct sb *out)
{
    sb_varint(out, file->owners.len);
    for (size_t i = 0; i < file->owners.len; i++) {
        const struct file_owner *owner = &file->owners.ptr[i];
        sb_blob(out, owner->name);
        put_hashes(out, owner->paths.ptr, owner->paths.len);
    }
    sb_varint(out, file->diversions.len);
    for (size_t i = 0; i < file->diversions.len; i++) {
        sb_blob(out, file->diversions.ptr[i].by);
        sb_u64le(out, file->diversions.ptr[i].from);
        sb_u64le(out, file->diversions.ptr[i].to);
    }
}

static void get_hashes(struct arena *arena, struct rd *in, struct file_record *file,
                       struct file_owner *owner)
{
    uint64_t last = 0;
    for (uint64_t n = rd_varint(in, LIMIT(OWNED_PATHS) - file->n_owned); n && rd_is_ok(in); n--) {
        uint64_t gap = rd_varint(in, UINT64_MAX - last);
        uint64_t *to = vec_push(arena, &owner->paths);
        if (!to) {
            rd_fail(in, ERR_MEMORY, "no memory left for it");
            return;
        }
        if (gap == 0 && owner->paths.len > 1)
            rd_fail(in, ERR_FORMAT, "a file that is listed twice");
        *to = last += gap;
        file->n_owned++;
    }
}

static void get_diversions(struct arena *arena, struct rd *in, struct file_record *file)
{
    for (uint64_t n = rd_varint(in, LIMIT(OWNED_PATHS)); n && rd_is_ok(in); n--) {
        struct file_diversion *diversion = vec_push(arena, &file->diversions);
        if (!diversion) {
            rd_fail(in, ERR_MEMORY, "no memory left for it");
            return;
        }
        diversion->by = rd_blob(in, LIMIT(FIELD));
        diversion->from = rd_u64le(in);
        diversion->to = rd_u64le(in);
    }
}

void owners_decode(struct arena *arena, struct rd *in, struct file_record *file)
{
    for (uint64_t n = rd_varint(in, LIMIT(INVENTORY)); n && rd_is_ok(in); n--) {
        struct file_owner *owner = vec_push(arena, &file->owners);
        if (!owner) {
            rd_fail(in, ERR_MEMORY, "no memory left for it");
            return;
        }
        owner->name = rd_blob(in, LIMIT(FIELD));
        get_hashes(arena, in, file, owner);
    }
    get_diversions(arena, in, file);
}
