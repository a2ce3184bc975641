/* SPDX-License-Identifier: Apache-2.0 */
/* spare.c - packages that two files of one package manager know: the database's entry stays, with
 * what only the other one says. */
#include "inventory/internal.h"

static bool put(struct arena *arena, struct map *map, struct package *package, str *key)
{
    *key = arena_printf(arena, STR_FMT ":" STR_FMT, STR_ARG(package->type), STR_ARG(package->name));
    return key->ptr && (package->is_spare || map_put(map, *key, package));
}

/* A source that is only the package's own name is none. */
static void complete(struct package *package, const struct package *spare)
{
    if (!str_eq(package->version, spare->version))
        return; /* a leftover of another version */
    if (str_eq(package->source_name, package->name))
        package->source_name = spare->source_name;
    if (package->maintainer.len == 0)
        package->maintainer = spare->maintainer;
    if (package->licenses.len == 0)
        package->licenses = spare->licenses;
}

bool spare_drop(struct arena *arena, packages *all, struct err *err)
{
    struct map known;
    bool has_spare = false;
    for (size_t i = 0; i < all->len; i++)
        has_spare |= all->ptr[i].is_spare;
    if (!has_spare)
        return true;
    str *keys = arena_array(arena, str, all->len);
    map_init(&known, arena);
    for (size_t i = 0; i < all->len; i++)
        if (!keys || !put(arena, &known, &all->ptr[i], &keys[i]))
            return err_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < all->len; i++) {
        struct package *same = all->ptr[i].is_spare ? map_get(&known, keys[i]) : NULL;
        if (same)
            complete(same, &all->ptr[i]);
    }
    for (size_t i = 0; i < all->len; i++)
        if (!all->ptr[i].is_spare || !map_get(&known, keys[i]))
            all->ptr[n++] = all->ptr[i];
    all->len = n;
    return true;
}
