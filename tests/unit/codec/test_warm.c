/* SPDX-License-Identifier: Apache-2.0 */
/* After the warm-up no file is opened or asked for: a child under a filter that kills at it reads
 * one of each. */
#include "codec/codec.h"

#include <locale.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "support.h"

static void read_archive(struct arena *arena, bool is_zip, str bytes)
{
    struct source_mem mem;
    struct archive_reader *reader = NULL;
    struct entry entry;
    struct err err = {0};
    str body;
    if (!(is_zip ? archive_open_zip_mem(&reader, bytes, &err)
                 : archive_open(&reader, ARCHIVE_TAR, source_from_mem(&mem, bytes), &err)))
        _exit(3);
    enum next step;
    while ((step = archive_next(reader, &entry, &err)) == NEXT_ITEM)
        if (!archive_body(reader, arena, 1 << 20, &body, &err))
            _exit(4);
    archive_close(reader);
    if (step != NEXT_END)
        _exit(5);
}

static void close_files(void)
{
    static const int calls[] = {SCMP_SYS(open),       SCMP_SYS(openat), SCMP_SYS(stat),
                                SCMP_SYS(newfstatat), SCMP_SYS(access), SCMP_SYS(readlink)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, calls[i], 0) != 0)
            _exit(6);
    if (seccomp_load(filter) != 0)
        _exit(7);
}

/* Never returns: exits 0 when all went well, or is killed. */
static void run_child(struct arena *arena, const str files[static 6])
{
    struct err err = {0};
    setenv("TZ", "UTC0", 1);
    setlocale(LC_CTYPE, "C.UTF-8");
    if (!codec_warm_up(&err))
        _exit(2);
    close_files();
    read_archive(arena, false, files[0]);
    read_archive(arena, true, files[1]);
    for (size_t i = 2; i < 6; i++) {
        str out;
        if (!decode_whole(arena, files[i], 1 << 20, &out, &err))
            _exit(8);
    }
    for (int kind = HASH_SHA256; kind <= HASH_MD5; kind++) {
        uint8_t digest[HASH_MAX];
        struct hash *hash = NULL;
        if (hash_of((enum hash_kind)kind, files[0], digest) == 0 ||
            !hash_open(&hash, (enum hash_kind)kind, &err))
            _exit(9);
        hash_close(hash);
    }
    _exit(0);
}

static void test_warm__afterwards_no_file_is_touched(void **state)
{
    (void)state;
    if (PLIMSOLL_SANITIZED)
        skip(); /* sanitizers open files of their own */
    struct arena arena;
    arena_init(&arena, 8 << 20);
    const str files[6] = {
        test_data(&arena, "codec/archive/pax-names.tar"),
        test_data(&arena, "codec/archive/good.zip"),
        test_data(&arena, "codec/decoder/members.gz"),
        test_data(&arena, "codec/decoder/zstd.zst"),
        test_data(&arena, "codec/decoder/xz.xz"),
        test_data(&arena, "codec/decoder/bzip2.bz2"),
    };
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_child(&arena, files);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warm__afterwards_no_file_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
