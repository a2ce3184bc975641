/* SPDX-License-Identifier: Apache-2.0 */
/* busybox.c - bin/busybox where nothing else names the system: its banner, "BusyBox v1.36.1
 * (date)". The image made of it alone is no distribution, keeps no package database and no
 * advisories, so it gets a name and no release.  Its programs are hard links, of which tar stores
 * the first whole: that is "[" by the alphabet. */
#include "base/limits.h"
#include "inventory/internal.h"

enum { BANNER_MAX = 100 };

static size_t printable(str s)
{
    size_t n = 0;
    while (n < s.len && n < BANNER_MAX && s.ptr[n] >= ' ' && s.ptr[n] <= '~')
        n++;
    return n;
}

static bool busybox_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                          struct err *err)
{
    (void)path;
    str text = {(const char *)in->ptr, rd_left(in)};
    if (!str_starts(text, STR("\x7f"
                              "ELF")))
        return true; /* a script, or another program's "[": it says nothing */
    while (text.len) {
        text = str_skip(text, str_find(text, STR("BusyBox v")));
        str version = str_skip(text, STR("BusyBox v").len);
        if (version.len && version.ptr[0] >= '0' && version.ptr[0] <= '9')
            break;
        text = str_skip(text, 1);
    }
    str banner = str_slice(text, 0, printable(text)), rest;
    if (banner.len == 0)
        return true;
    str_cut_byte(banner, '(', &banner, &rest);
    file->distro.name = arena_dup(arena, str_trim(banner));
    file->distro.id = STR("busybox");
    return file->distro.name.ptr || err_memory(err);
}

const struct detector detector_busybox = {
    .name = "busybox",
    .revision = 1,
    .summary =
        "a system of BusyBox alone, where no release file names another; its version as name",
    .spec = "BusyBox, the banner of libbb/messages.c",
    .paths = PATHS("bin/busybox", "usr/bin/busybox", "sbin/busybox", "bin/["),
    .limit = LIMIT_ID_BUSYBOX,
    .release_rank = 9,
    .parse = busybox_parse,
};
