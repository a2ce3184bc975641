/* SPDX-License-Identifier: Apache-2.0 */
/* database - microseconds of one advisory_db_open with a first look-up, median of 1,001.
 *     usage: database DIR */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "advisory/advisory.h"

enum { RUNS = 1001 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static double times[RUNS];
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < RUNS && argc == 2; i++) {
        struct err err = {0};
        struct advisory_db *db;
        affecteds list;
        double begin = now_us();
        if (!advisory_db_open(argv[1], &db, &err) ||
            !advisory_find(db, &arena, STR("Debian:12"), STR("openssl"), &list, &err)) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        times[i] = now_us() - begin;
        advisory_db_close(db);
        arena_reset(&arena);
    }
    qsort(times, RUNS, sizeof times[0], cmp);
    printf("%.1f\n", times[RUNS / 2]);
    arena_fini(&arena);
    return argc == 2 ? 0 : 2;
}
