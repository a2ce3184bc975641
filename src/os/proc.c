/* SPDX-License-Identifier: Apache-2.0 */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/sb.h"

enum { IN, OUT, ERRORS, N_PIPES };

struct run {
    pid_t pid;
    int fds[N_PIPES]; /* our ends; -1 when closed */
    str input;
    struct sb out, errors;
    int64_t deadline_mono_ms;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool spawn(struct run *run, const char *const *argv, int theirs[N_PIPES], struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    char path[512];
    const char *env_path = getenv("PATH");
    snprintf(path, sizeof(path), "PATH=%s", env_path ? env_path : "/usr/bin:/bin");
    char locale[] = "LC_ALL=C";
    char *env[] = {path, locale, NULL};

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    for (int i = 0; i < N_PIPES; i++)
        posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    /* posix_spawn takes char *const[] for history's sake and changes nothing */
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    int failed = posix_spawnp(&run->pid, argv[0], &actions, &attr, args.out, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    if (!failed)
        return true;
    errno = failed;
    return err_sys(err, failed == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s", argv[0]);
}

static bool open_pipes(struct run *run, int theirs[N_PIPES], struct err *err)
{
    for (int i = 0; i < N_PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return err_sys(err, ERR_IO, "pipe");
        run->fds[i] = ends[i == IN ? 1 : 0];
        theirs[i] = ends[i == IN ? 0 : 1];
        fcntl(run->fds[i], F_SETFL, O_NONBLOCK);
    }
    return true;
}

static void feed(struct run *run)
{
    ssize_t n = write(run->fds[IN], run->input.ptr, run->input.len);
    if (n > 0)
        run->input = str_skip(run->input, (size_t)n);
    if (run->input.len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&run->fds[IN]);
}

static void drain(int *fd, struct sb *into)
{
    char chunk[16 << 10];
    ssize_t n = read(*fd, chunk, sizeof(chunk));
    if (n > 0)
        sb_add(into, (str){chunk, (size_t)n});
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(fd);
}

static bool pump(struct run *run, const char *name, struct err *err)
{
    while (run->fds[OUT] >= 0 || run->fds[ERRORS] >= 0) {
        struct pollfd polls[N_PIPES] = {
            {run->fds[IN], POLLOUT, 0}, {run->fds[OUT], POLLIN, 0}, {run->fds[ERRORS], POLLIN, 0}};
        int64_t left = run->deadline_mono_ms - clock_mono_ms();
        if (left <= 0)
            return err_set(err, ERR_CANCELLED, "%s: did not end in time", name);
        if (poll(polls, N_PIPES, (int)left) < 0 && errno != EINTR)
            return err_sys(err, ERR_IO, "poll");
        if (polls[IN].revents)
            feed(run);
        if (polls[OUT].revents)
            drain(&run->fds[OUT], &run->out);
        if (polls[ERRORS].revents)
            drain(&run->fds[ERRORS], &run->errors);
        if (run->out.has_failed)
            return err_set(err, ERR_LIMIT, "%s: prints more than %zu bytes", name,
                           run->out.max_bytes);
    }
    return true;
}

static int reap(struct run *run, bool is_killed)
{
    int status = 0;
    if (run->pid <= 0)
        return 0;
    if (is_killed)
        kill(run->pid, SIGKILL);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool keep_output(struct run *run, struct arena *arena, struct proc_result *out,
                        struct err *err)
{
    out->out = arena_dup(arena, sb_str(&run->out));
    out->errors = arena_dup(arena, sb_str(&run->errors));
    return (out->out.ptr && out->errors.ptr) || err_memory(err);
}

bool proc_run(const char *const *argv, str input, size_t max, unsigned timeout_s,
              struct arena *arena, struct proc_result *out, struct err *err)
{
    struct run run = {.fds = {-1, -1, -1}, .input = input};
    int theirs[N_PIPES] = {-1, -1, -1};
    *out = (struct proc_result){0};
    sb_init(&run.out, max);
    sb_init(&run.errors, 16 << 10);
    run.deadline_mono_ms = clock_mono_ms() + (int64_t)timeout_s * 1000;

    bool is_done = open_pipes(&run, theirs, err) && spawn(&run, argv, theirs, err);
    for (int i = 0; i < N_PIPES; i++)
        close_end(&theirs[i]);
    if (is_done && input.len == 0)
        close_end(&run.fds[IN]);
    is_done = is_done && pump(&run, argv[0], err);
    for (int i = 0; i < N_PIPES; i++)
        close_end(&run.fds[i]);
    out->exit_code = reap(&run, !is_done);
    is_done = is_done && keep_output(&run, arena, out, err);
    sb_fini(&run.out);
    sb_fini(&run.errors);
    return is_done;
}
