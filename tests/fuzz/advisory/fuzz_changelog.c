/* SPDX-License-Identifier: Apache-2.0 */
/* A Debian changelog, and the indexes of the archive, which come by the same road. */
#include "advisory/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_changelog(str text, struct sb *out)
{
    struct arena arena;
    struct changelog changelog;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    if (changelog_parse(text, STR("demo"), &arena, &changelog, &err)) {
        for (size_t i = 0; i < changelog.entries.len; i++) {
            const struct changelog_entry *entry = &changelog.entries.ptr[i];
            if (str_is_empty(entry->version))
                abort();
            sb_add(out, entry->version);
            sb_add(out, entry->distribution);
            for (size_t j = 0; j < entry->cves.len; j++) {
                if (!str_starts(entry->cves.ptr[j].id, STR("CVE-")) ||
                    entry->cves.ptr[j].id.len < 13)
                    abort();
                sb_add(out, entry->cves.ptr[j].line);
            }
        }
    }
    arena_fini(&arena);
}

static void read_indexes(str text, struct sb *out)
{
    struct arena arena;
    struct deb_release release;
    struct map map;
    struct err err = {0};
    arena_init(&arena, 64 << 20);
    if (deb_release_parse(text, &arena, &release, &err))
        sb_add(out, deb_release_hash(&release, STR("main/source/Sources.xz")));
    err = (struct err){0};
    map_init(&map, &arena);
    if (deb_sources_parse(text, &arena, &map, &err)) {
        for (size_t i = 0; i < map.len; i++) {
            str name, sum;
            bool is_diff;
            if (deb_source_file(map.entries[i].value, &name, &sum, &is_diff))
                sb_add(out, name);
            sb_add(out, deb_source_digest(map.entries[i].value));
        }
    }
    err = (struct err){0};
    map_init(&map, &arena);
    if (deb_packages_parse(text, &arena, &map, &err)) {
        for (size_t i = 0; i < map.len; i++)
            sb_add(out, ((const deb_binaries *)map.entries[i].value)->ptr[0].filename);
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_sb out;
    sb_init(&out, 64 << 20);
    read_changelog(str_of((const char *)data, size), &out);
    read_indexes(str_of((const char *)data, size), &out);
    return 0;
}
