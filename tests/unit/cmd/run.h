/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - one command line in a child process: its exit code, and what it said. */
#pragma once

#include "../support.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/internal.h"

struct run {
    int code; /* 128 + signal when one ended it */
    str out, errors;
};

static inline str run_read(struct arena *arena, int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = arena_alloc(arena, (size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
    close(fd);
    return str_of(bytes, (size_t)size);
}

/* @args without the program's name, NULL at the end. */
static inline struct run run_command(struct arena *arena, const char *const *args)
{
    const char *argv[32] = {"plimsoll"};
    int argc = 1, status;
    for (; args[argc - 1]; argc++)
        argv[argc] = args[argc - 1];
    int out = memfd_create("out", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        int code = cmd_main(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return (struct run){
        .code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
        .out = run_read(arena, out),
        .errors = run_read(arena, errors),
    };
}
#define RUN(arena, ...) run_command((arena), (const char *const[]){__VA_ARGS__, NULL})
