/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - what one comparison costs in each ordering, in nanoseconds:
 *     versions DIR        a line an ordering: name, nanoseconds, pairs
 * The pairs are the rules of DIR/<name>.txt, odd ones included; a run lasts a tenth of a second,
 * and the best of five counts. */
#include "version/version.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PAIRS_MAX = 256, FILE_MAX = 64 << 10, RUNS = 5 };
#define RUN_S 0.1

struct pairs {
    str a[PAIRS_MAX], b[PAIRS_MAX];
    size_t n;
    char text[FILE_MAX];
};

static void take_line(struct pairs *pairs, str line)
{
    str a, op, b;
    bool is_rule = str_cut_byte(line, ' ', &a, &op) && str_cut_byte(op, ' ', &op, &b);
    if (!is_rule || op.len != 1 || line.ptr[0] == '#' || pairs->n == PAIRS_MAX)
        return;
    pairs->a[pairs->n] = a;
    pairs->b[pairs->n++] = b;
}

static bool read_pairs(struct pairs *pairs, const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.txt", dir, name);
    FILE *in = fopen(path, "re");
    pairs->n = 0;
    if (!in)
        return false;
    str rest = {pairs->text, fread(pairs->text, 1, FILE_MAX, in)}, line;
    fclose(in);
    while (str_next(&rest, '\n', &line))
        take_line(pairs, line);
    return pairs->n > 0;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double run(const struct version_scheme *scheme, const struct pairs *pairs)
{
    size_t done = 0;
    volatile unsigned sum = 0; /* or the compiler would see that nobody asks */
    double begin = now_s(), spent = 0;
    for (; spent < RUN_S; spent = now_s() - begin)
        for (size_t round = 0; round < 64; round++, done += pairs->n)
            for (size_t i = 0; i < pairs->n; i++)
                sum = sum + scheme->cmp(pairs->a[i], pairs->b[i]);
    return spent / (double)done * 1e9;
}

int main(int argc, char **argv)
{
    static struct pairs pairs;
    size_t n;
    const struct version_scheme *const *all = version_schemes(&n);
    for (size_t i = 0; argc == 2 && i < n; i++) {
        if (!read_pairs(&pairs, argv[1], all[i]->name))
            return 1;
        double best = run(all[i], &pairs);
        for (int k = 1; k < RUNS; k++) {
            double spent = run(all[i], &pairs);
            best = spent < best ? spent : best;
        }
        printf("%s %.1f %zu\n", all[i]->name, best, pairs.n);
    }
    return argc == 2 ? 0 : 1;
}
