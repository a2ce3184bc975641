/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/inventory.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/num.h"
#include "inventory/internal.h"

#define ROW(name) extern const struct detector detector_##name;
#include "inventory/detectors.inc"
#undef ROW

static const struct detector *const detectors[] = {
#define ROW(name) &detector_##name,
#include "inventory/detectors.inc"
#undef ROW
};

const struct detector *const *inventory_detectors(size_t *n)
{
    *n = ARRAY_LEN(detectors);
    return detectors;
}

const struct detector *detector_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(detectors); i++)
        if (str_eq(name, str_from(detectors[i]->name)))
            return detectors[i];
    return NULL;
}

/* FNV-1a: the same in every process, as stored keys must be. */
static uint64_t fnv_add(uint64_t hash, str s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t fnv_add_number(uint64_t hash, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++, number >>= 8)
        hash = (hash ^ (number & 0xff)) * 0x100000001b3u;
    return hash;
}

uint64_t inventory_revision(void)
{
    uint64_t sum = 0; /* a sum, so that the order of the table means nothing */
    for (size_t i = 0; i < ARRAY_LEN(detectors); i++) {
        uint64_t hash = fnv_add(0xcbf29ce484222325u, str_from(detectors[i]->name));
        sum += fnv_add_number(hash, detectors[i]->revision);
    }
    return fnv_add_number(sum, INVENTORY_ENCODING);
}

bool inventory_wants(const struct entry *entry)
{
    if (entry->type != ENTRY_FILE)
        return false;
    str path = entry->path;
    str base = path_base(path);
    if (exec_is_likely(base, entry->mode))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(detectors); i++) {
        for (const char *const *p = detectors[i]->paths; *p; p++) {
            str pattern = str_from(*p);
            str want = path_base(pattern);
            bool has_star = str_find_byte(want, '*') < want.len;
            if (!has_star && str_eq(want, base))
                return true;
            if (has_star && path_glob(want, base) &&
                path_glob(path_base(path_dir(pattern)), path_base(path_dir(path))))
                return true;
        }
    }
    return false;
}

int package_cmp_key(const struct package *a, const struct package *b)
{
    int c = str_cmp(a->type, b->type);
    c = c ? c : str_cmp(a->name, b->name);
    c = c ? c : str_cmp(a->version, b->version);
    return c ? c : str_cmp(a->arch, b->arch);
}

static str *field_of(struct package *package, size_t field)
{
    return (str *)(void *)((char *)package + field);
}

bool record_share(struct arena *arena, struct file_record *file, size_t field, str value,
                  struct err *err)
{
    struct package *last = &file->packages.ptr[file->packages.len - 1];
    str *to = field_of(last, field);
    if (value.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of more than %zu bytes", (size_t)LIMIT(FIELD));
    if (file->packages.len > 1 && str_eq(*field_of(last - 1, field), value)) {
        *to = *field_of(last - 1, field);
        return true;
    }
    *to = arena_dup(arena, value);
    return to->ptr || err_memory(err);
}

struct package *record_package(struct arena *arena, struct file_record *file, const char *type,
                               str name, str version, str arch, struct err *err)
{
    if (file->packages.len >= LIMIT(INVENTORY)) {
        err_set(err, ERR_LIMIT, "more than %zu packages", (size_t)LIMIT(INVENTORY));
        return NULL;
    }
    struct package *package = vec_push(arena, &file->packages);
    if (!package) {
        err_memory(err);
        return NULL;
    }
    *package = (struct package){
        .type = str_from(type), .evidence = EVIDENCE_INSTALLED, .is_os = true, .layer = -1};
    if (!record_share(arena, file, offsetof(struct package, name), name, err) ||
        !record_share(arena, file, offsetof(struct package, version), version, err) ||
        !record_share(arena, file, offsetof(struct package, arch), arch, err)) {
        file->packages.len--;
        return NULL;
    }
    return package;
}

bool record_is_full(const struct file_record *file, const struct err *err)
{
    return err->kind == ERR_MEMORY || file->packages.len >= LIMIT(INVENTORY);
}

void flaws_add(struct flaws *flaws, size_t line, const char *fmt, ...)
{
    if (flaws->n++)
        return;
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (line)
        err_set(&flaws->first, ERR_FORMAT, "line %zu: %s", line, why);
    else
        err_set(&flaws->first, ERR_FORMAT, "%s", why);
}

bool flaws_ok(const struct flaws *flaws, struct err *err)
{
    if (flaws->n == 0)
        return true;
    *err = flaws->first;
    if (flaws->n > 1)
        return err_set(err, flaws->first.kind, "%.150s, and %zu more", flaws->first.msg,
                       flaws->n - 1);
    return false;
}
