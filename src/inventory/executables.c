/* SPDX-License-Identifier: Apache-2.0 */
/* executables.c - the log of a layer for the coverage: what is executable by its first bytes, and
 * which names other entries take.
 *
 *   is_cut u8
 *   runs   n, then each: is_entry u8, order (from the last one's), folder (bytes shared with the
 *          last one's, the others), n, then entries: kind u8, and by kind
 *            not       name 48 bits
 *            file      name, size
 *            symlink   name 48 bits, target
 *            hard link name, target
 *
 * Numbers are varints, strings a varint length with the bytes. */
#include <string.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

static bool is_archive_name(str name)
{
    static const char *const ends[] = {".jar", ".war", ".ear"};
    for (size_t i = 0; i < ARRAY_LEN(ends) && name.len > 4; i++)
        if (str_eq_nocase(str_skip(name, name.len - 4), str_from(ends[i])))
            return true;
    return false;
}

bool exec_is_likely(str name, uint32_t mode)
{
    return (mode & 0111) || str_ends(name, STR(".so")) || str_has(name, STR(".so.")) ||
           str_ends(name, STR(".ko")) || is_archive_name(name);
}

/* elf(5); execve(2), "Interpreter scripts"; APPNOTE.TXT 4.3.7.  What an interpreter compiled for
 * itself (.pyc) is none: it is the package's module, and nobody executes it. */
static bool is_executable(str head, str name)
{
    return str_starts(head, STR("\177ELF")) || str_starts(head, STR("#!")) ||
           (str_starts(head, STR("PK\3\4")) && is_archive_name(name));
}

void exec_see(struct exec_scan *scan, str body)
{
    scan->n_head = num_min(body.len, sizeof(scan->head));
    if (scan->n_head)
        memcpy(scan->head, body.ptr, scan->n_head);
    scan->has_head = true;
}

/* --- the log ---------------------------------------------------------------------------------- */
static struct exec_run *begin_run(struct exec_scan *scan, struct arena *arena, str folder,
                                  uint64_t order)
{
    struct exec_run *run = vec_push(arena, &scan->log.runs);
    str copy = arena_dup(arena, folder);
    if (!run || !copy.ptr)
        return NULL;
    *run = (struct exec_run){.folder = copy, .order = order};
    scan->is_broken_off = false;
    return run;
}

/* The run of the folder; NULL: no memory. */
static struct exec_run *run_of(struct exec_scan *scan, struct arena *arena, str folder,
                               uint64_t order)
{
    struct exec_log *log = &scan->log;
    if (log->runs.len && !scan->is_broken_off &&
        str_eq(log->runs.ptr[log->runs.len - 1].folder, folder))
        return &log->runs.ptr[log->runs.len - 1];
    return begin_run(scan, arena, folder, order);
}

/* False when the log is full; what it holds is of no use then. */
static bool has_room(struct exec_log *log)
{
    if (log->is_cut || log->entries.len + log->runs.len >= LIMIT(COVERED_FILES))
        *log = (struct exec_log){.is_cut = true};
    return !log->is_cut;
}

bool exec_entry(struct exec_scan *scan, struct arena *arena, enum exec_kind kind, str path,
                str target, uint64_t order, struct err *err)
{
    struct exec_log *log = &scan->log;
    if (!has_room(log))
        return true;
    str base = path_base(path);
    struct exec_run *run =
        run_of(scan, arena, str_slice(path, 0, path.len - base.len - (base.len < path.len)), order);
    struct exec_entry *entry = run ? vec_push(arena, &log->entries) : NULL;
    if (!entry)
        return err_memory(err);
    run->n_entries++;
    *entry = (struct exec_entry){.name = path_name_hash(base), .kind = kind};
    if (kind == EXEC_NOT)
        return true;
    entry->detail = (uint32_t)log->details.len;
    struct exec_detail *detail = vec_push(arena, &log->details);
    if (!detail)
        return err_memory(err);
    *detail =
        (struct exec_detail){.name = arena_dup(arena, base), .target = arena_dup(arena, target)};
    return (detail->name.ptr && detail->target.ptr) || err_memory(err);
}

bool exec_folder(struct exec_scan *scan, struct arena *arena, str path, uint64_t order,
                 struct err *err)
{
    if (!has_room(&scan->log))
        return true;
    struct exec_run *run = begin_run(scan, arena, path, order);
    if (!run)
        return err_memory(err);
    run->is_entry = true;
    return true;
}

/* Only the first piece of the body is looked at; the reader skips the others. */
bool exec_file(struct exec_scan *scan, struct arena *arena, const struct entry *entry, str path,
               uint64_t order, struct archive_reader *archive, struct err *err)
{
    if (scan->log.is_cut)
        return true;
    str head = STR_NONE;
    if (scan->has_head)
        head = str_of(scan->head, scan->n_head);
    else if (archive && entry->size_bytes > 2 && archive_data(archive, &head, err) == NEXT_ERR)
        return false;
    scan->has_head = false;
    bool is_file = is_executable(head, path);
    if (!exec_entry(scan, arena, is_file ? EXEC_FILE : EXEC_NOT, path, STR_NONE, order, err))
        return false;
    if (is_file && !scan->log.is_cut)
        scan->log.details.ptr[scan->log.details.len - 1].size_bytes =
            num_min(entry->size_bytes, INT64_MAX);
    return true;
}

/* --- as bytes --------------------------------------------------------------------------------- */
static void put_hash(struct sb *out, uint64_t hash)
{
    sb_u32le(out, (uint32_t)hash);
    sb_byte(out, (uint8_t)(hash >> 32));
    sb_byte(out, (uint8_t)(hash >> 40));
}

static void put_entry(struct sb *out, const struct exec_log *log, const struct exec_entry *entry)
{
    static const struct exec_detail none;
    const struct exec_detail *detail =
        entry->kind == EXEC_NOT ? &none : &log->details.ptr[entry->detail];
    bool has_name = entry->kind == EXEC_FILE || entry->kind == EXEC_HARDLINK;
    sb_byte(out, (uint8_t)entry->kind);
    if (has_name)
        sb_blob(out, detail->name);
    else
        put_hash(out, entry->name);
    if (entry->kind == EXEC_FILE)
        sb_varint(out, detail->size_bytes);
    if (entry->kind == EXEC_SYMLINK || entry->kind == EXEC_HARDLINK)
        sb_blob(out, detail->target);
}

static size_t n_shared(str a, str b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

void exec_encode(const struct exec_log *log, struct sb *out)
{
    str folder = STR_NONE;
    uint64_t order = 0;
    size_t at = 0;
    sb_byte(out, log->is_cut);
    sb_varint(out, log->runs.len);
    for (size_t r = 0; r < log->runs.len; r++) {
        const struct exec_run *run = &log->runs.ptr[r];
        size_t shared = n_shared(folder, run->folder);
        sb_byte(out, run->is_entry);
        sb_varint(out, run->order - order);
        sb_varint(out, shared);
        sb_blob(out, str_skip(run->folder, shared));
        sb_varint(out, run->n_entries);
        for (size_t i = 0; i < run->n_entries; i++)
            put_entry(out, log, &log->entries.ptr[at++]);
        folder = run->folder;
        order = run->order;
    }
}

static uint64_t get_hash(struct rd *in)
{
    uint64_t low = rd_u32le(in);
    return low | (uint64_t)rd_u16le(in) << 32;
}

static bool is_name(str name)
{
    return name.len && str_find_byte(name, '/') == name.len && !str_eq(name, STR(".")) &&
           !str_eq(name, STR(".."));
}

static void get_entry(struct arena *arena, struct rd *in, struct exec_log *out)
{
    struct exec_entry *entry = vec_push(arena, &out->entries);
    struct exec_detail detail = {0};
    unsigned kind = rd_u8(in);
    if (!entry || kind >= EXEC_KINDS) {
        rd_fail(in, entry ? ERR_FORMAT : ERR_MEMORY, "executable of kind %u", kind);
        return;
    }
    bool has_name = kind == EXEC_FILE || kind == EXEC_HARDLINK;
    *entry = (struct exec_entry){.kind = kind, .detail = (uint32_t)out->details.len};
    if (has_name)
        detail.name = rd_blob(in, LIMIT(PATH));
    entry->name = has_name ? path_name_hash(detail.name) : get_hash(in);
    if (has_name && rd_is_ok(in) && !is_name(detail.name))
        rd_fail(in, ERR_FORMAT, "a name that is none");
    if (kind == EXEC_NOT) {
        entry->detail = 0;
        return;
    }
    if (kind == EXEC_FILE)
        detail.size_bytes = rd_varint(in, INT64_MAX);
    else
        detail.target = rd_blob(in, LIMIT(PATH));
    struct exec_detail *to = vec_push(arena, &out->details);
    if (!to)
        rd_fail(in, ERR_MEMORY, "no memory left for it");
    else
        *to = detail;
}

/* The folder in the arena: what it shares with the last one's, and the others. */
static str get_folder(struct arena *arena, struct rd *in, str last)
{
    size_t shared = (size_t)rd_varint(in, last.len);
    str rest = rd_blob(in, LIMIT(PATH) - shared);
    str folder = {arena_alloc(arena, shared + rest.len + 1), shared + rest.len};
    if (!folder.ptr) {
        rd_fail(in, ERR_MEMORY, "no memory left for it");
        return STR_NONE;
    }
    char *to = (char *)(uintptr_t)folder.ptr;
    if (shared)
        memcpy(to, last.ptr, shared);
    if (rest.len)
        memcpy(to + shared, rest.ptr, rest.len);
    str names = folder, name;
    while (folder.len && str_next(&names, '/', &name))
        if (!is_name(name))
            rd_fail(in, ERR_FORMAT, "a folder that is not clean");
    if (folder.len && folder.ptr[folder.len - 1] == '/')
        rd_fail(in, ERR_FORMAT, "a folder that is not clean");
    return folder;
}

void exec_decode(struct arena *arena, struct rd *in, struct exec_log *out)
{
    str folder = STR_NONE;
    uint64_t order = 0;
    unsigned is_cut = rd_u8(in);
    out->is_cut = is_cut;
    for (uint64_t n = rd_varint(in, LIMIT(COVERED_FILES)); n && rd_is_ok(in); n--) {
        struct exec_run *run = vec_push(arena, &out->runs);
        unsigned is_entry = rd_u8(in);
        if (!run || is_entry > 1 || is_cut) {
            rd_fail(in, run ? ERR_FORMAT : ERR_MEMORY, "a run of executables of kind %u", is_entry);
            return;
        }
        order += rd_varint(in, LIMIT(LAYER_FILES) - order);
        folder = get_folder(arena, in, folder);
        *run = (struct exec_run){.folder = folder, .order = order, .is_entry = is_entry};
        if (is_entry && rd_is_ok(in) && folder.len == 0)
            rd_fail(in, ERR_FORMAT, "the root as an entry");
        uint64_t n_entries = rd_varint(in, LIMIT(COVERED_FILES) - out->entries.len);
        for (; run->n_entries < n_entries && rd_is_ok(in); run->n_entries++)
            get_entry(arena, in, out);
    }
    if (is_cut > 1)
        rd_fail(in, ERR_FORMAT, "executables with flag %u", is_cut);
}
