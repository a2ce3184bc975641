/* SPDX-License-Identifier: Apache-2.0 */
/* auto.h - release at the end of the scope, and take() to hand over. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void auto_close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
static inline void auto_close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}
static inline void auto_free_ptr(void *ptr) { free(*(void **)ptr); }

#define auto_fd __attribute__((cleanup(auto_close_fd))) int
#define auto_file __attribute__((cleanup(auto_close_file))) FILE *
#define auto_free __attribute__((cleanup(auto_free_ptr)))

static inline int take_fd(int *fd)
{
    int out = *fd;
    *fd = -1;
    return out;
}
