/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - feed every file below the directories given to the fuzz target, whole, and every
 * prefixes of the small ones, so that a crash once found stays found without a fuzzer. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WHOLE_MAX = 4 << 20, PREFIX_MAX = 4096, PREFIXES = 128 };

static int replay(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)ftw;
    if (flag != FTW_F || st->st_size > WHOLE_MAX)
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
    for (int i = 1; i < argc; i++)
        nftw(argv[i], replay, 16, FTW_PHYS);
    return 0;
}
