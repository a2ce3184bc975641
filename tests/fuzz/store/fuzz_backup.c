/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a backup.  Whatever is taken is whole, and gives the same bytes when it is backed up
 * and restored again. */
#include <sys/mman.h>
#include <unistd.h>

#include "os/file.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool restore(struct store *store, str bytes)
{
    struct store_counts counts;
    struct err err = {0};
    int fd = memfd_create("backup", MFD_CLOEXEC);
    bool ok = fd >= 0 && fd_write(fd, bytes, &err) && lseek(fd, 0, SEEK_SET) == 0 &&
              store_restore(store, fd, true, NULL, &counts, &err);
    close(fd);
    return ok;
}

static str backup(struct arena *arena, struct store *store)
{
    struct store_counts counts;
    struct err err = {0};
    str out = STR("");
    int fd = memfd_create("backup", MFD_CLOEXEC);
    if (fd < 0 || !store_backup(store, fd, NULL, &counts, &err) || lseek(fd, 0, SEEK_SET) != 0 ||
        !file_read_fd(arena, fd, 64 << 20, &out, &err))
        __builtin_trap();
    close(fd);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store *store; /* lint: mutable static, making its tables takes longer than all */
    struct arena arena;
    struct err err = {0};
    if (!store && !store_open(":memory:", STORE_RELAXED, &store, &err))
        __builtin_trap();
    arena_init(&arena, 128 << 20);
    if (restore(store, (str){(const char *)data, size})) {
        str first = backup(&arena, store);
        if (!restore(store, first) || !str_eq(backup(&arena, store), first))
            __builtin_trap();
    }
    arena_fini(&arena);
    return 0;
}
