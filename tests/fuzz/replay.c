/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - feed every file below the directory given (of whose names begin with "PREFIX.") to the
 * fuzz target, whole, and prefixes of the small ones, so that a crash once found stays found
 * without a fuzzer. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WHOLE_MAX = 4 << 20, PREFIX_MAX = 4096, PREFIXES = 128 };

static const char *wanted; /* lint: mutable static, nftw() hands nothing over */

static int is_wanted(const char *name)
{
    size_t len = wanted ? strlen(wanted) : 0;
    return !wanted || (strncmp(name, wanted, len) == 0 && name[len] == '.');
}

static int replay(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    if (flag != FTW_F || st->st_size > WHOLE_MAX || !is_wanted(path + ftw->base))
        return 0;
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc((size_t)st->st_size + 1);
    if (!file || !bytes)
        abort();
    size_t n = fread(bytes, 1, (size_t)st->st_size, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, n);
    for (size_t prefix = 0; n <= PREFIX_MAX && prefix < n; prefix += 1 + n / PREFIXES) {
        /* an exact-size copy, so that a read behind the end is seen by the sanitizer */
        uint8_t *copy = malloc(prefix ? prefix : 1);
        if (!copy)
            abort();
        for (size_t i = 0; i < prefix; i++)
            copy[i] = bytes[i];
        LLVMFuzzerTestOneInput(copy, prefix);
        free(copy);
    }
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    wanted = argc > 2 ? argv[2] : NULL;
    return argc < 2 || nftw(argv[1], replay, 16, FTW_PHYS);
}
