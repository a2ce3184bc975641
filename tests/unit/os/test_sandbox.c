/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "os/file.h"
#include "os/sandbox.h"

/* What the child is asked to do. */
enum {
    ECHO,
    OPEN_FILE,
    OPEN_SOCKET,
    MAP_EXEC,
    KILL_PARENT,
    HOG_MEMORY,
    HANG,
    FORK,
    INTERRUPT_SELF
};

struct job {
    uint32_t request;
    int in_fd, out_fd;
};

static void warm_up(void) {}

static void *prepare(uint32_t request, int in_fd, int out_fd)
{
    static struct job job;
    job = (struct job){request, in_fd, out_fd};
    return &job;
}

static int echo(const struct job *job)
{
    char buf[256];
    ssize_t n;
    while ((n = read(job->in_fd, buf, sizeof(buf))) > 0)
        if (write(job->out_fd, buf, (size_t)n) != n)
            return 1;
    return n == 0 ? 0 : 1;
}

static int hog_memory(void)
{
    for (size_t i = 0; i < 64; i++)
        if (!malloc((size_t)64 << 20))
            return 7; /* the limit answered, as it should */
    return 0;
}

static int run(void *prepared)
{
    const struct job *job = prepared;
    switch (job->request) {
    case OPEN_FILE:
        return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : 9;
    case OPEN_SOCKET:
        return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 9;
    case MAP_EXEC:
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0) != MAP_FAILED
                   ? 0
                   : 9;
    case KILL_PARENT:
        return kill(getppid(), SIGTERM) == 0 ? 0 : 9;
    case HOG_MEMORY:
        return hog_memory();
    case HANG:
        return poll(NULL, 0, -1);
    case FORK:
        return fork() >= 0 ? 0 : 9;
    case INTERRUPT_SELF:
        return raise(SIGINT) == 0 ? 0 : 9;
    default:
        return echo(job);
    }
}

static const struct sandbox_spec spec = {.warm_up = warm_up, .prepare = prepare, .run = run};

static int start(void **state)
{
    struct err err = {0};
    struct sandbox *sandbox = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (!sandbox_start(&spec, &sandbox, &err)) {
        print_message("%s\n", err.msg);
        return -1;
    }
    *state = sandbox;
    return 0;
}

static int stop(void **state)
{
    sandbox_stop(*state);
    return 0;
}

static void test_sandbox__passes_bytes_through(void **state)
{
    struct err err = {0};
    struct sandbox_child child;
    char buf[16] = "";
    for (int i = 0; i < 50; i++) {
        size_t n;
        assert_ok(sandbox_spawn(*state, ECHO, &child, &err), err);
        assert_ok(fd_write(child.in_fd, STR("hello"), &err), err);
        assert_ok(fd_read(child.out_fd, buf, sizeof(buf), &n, &err), err);
        assert_int_equal(n, 5);
        assert_memory_equal(buf, "hello", 5);
        assert_ok(sandbox_child_end(&child, &err), err);
    }
}

static void expect_death(struct sandbox *sandbox, uint32_t request)
{
    struct err err = {0};
    struct sandbox_child child;
    char byte;
    size_t n;
    assert_ok(sandbox_spawn(sandbox, request, &child, &err), err);
    assert_ok(fd_read(child.out_fd, &byte, 1, &n, &err), err); /* its end */
    assert_false(sandbox_child_end(&child, &err));
    if (!PLIMSOLL_SANITIZED && request != HOG_MEMORY)
        assert_non_null(strstr(err.msg, "system call"));
}

static void test_sandbox__kills_what_reaches_out(void **state)
{
    static const uint32_t attempts[] = {OPEN_FILE, OPEN_SOCKET, MAP_EXEC, KILL_PARENT, FORK};
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++)
        if (!PLIMSOLL_SANITIZED || attempts[i] != MAP_EXEC)
            expect_death(*state, attempts[i]);
}

static void test_sandbox__holds_the_memory_limit(void **state)
{
    if (PLIMSOLL_SANITIZED)
        skip();
    expect_death(*state, HOG_MEMORY);
}

static void test_sandbox__kills_a_child_that_hangs(void **state)
{
    struct err err = {0};
    struct sandbox_child child;
    assert_ok(sandbox_spawn(*state, HANG, &child, &err), err);
    assert_false(sandbox_child_end(&child, &err));
    /* and goes on serving */
    test_sandbox__passes_bytes_through(state);
}

/* Where there is a user namespace to be had, forbid it process namespaces: the kernel shields the
 * first process of one from signals, so only without is our own shield seen. */
static void forbid_namespaces(void)
{
    int fd = unshare(CLONE_NEWUSER) == 0
                 ? open("/proc/sys/user/max_pid_namespaces", O_WRONLY | O_CLOEXEC)
                 : -1;
    if (fd >= 0 && write(fd, "0", 1) == 1)
        close(fd);
}

/* Ctrl-C at a terminal reaches the whole group; it is ours to decide what it means. */
static void test_sandbox__outlives_what_a_terminal_sends(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sandbox *sandbox = NULL;
    struct err err = {0};
    (void)state;
    pid_t pid = fork();
    if (pid == 0) { /* a group of its own, so that the test's runner hears nothing */
        forbid_namespaces();
        if (setpgid(0, 0) != 0 || !sandbox_start(&spec, &sandbox, &err))
            _exit(2);
        for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
            signal(signals[i], SIG_IGN);
            kill(0, signals[i]);
        }
        test_sandbox__passes_bytes_through((void **)&sandbox);
        sandbox_stop(sandbox);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* And a child of the zygote is not deaf: it ends as any process does. */
static void test_sandbox__children_hear_the_terminal(void **state)
{
    struct err err = {0};
    struct sandbox_child child;
    assert_ok(sandbox_spawn(*state, INTERRUPT_SELF, &child, &err), err);
    assert_false(sandbox_child_end(&child, &err));
    if (!strstr(err.msg, "INT"))
        fail_msg("%s", err.msg);
}

static void test_sandbox__says_its_level(void **state)
{
    enum sandbox_level level = sandbox_level(*state);
    assert_true(level == SANDBOX_FULL || level == SANDBOX_BASIC);
    assert_int_equal(level == SANDBOX_FULL, strlen(sandbox_missing(*state)) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox__passes_bytes_through),
        cmocka_unit_test(test_sandbox__kills_what_reaches_out),
        cmocka_unit_test(test_sandbox__holds_the_memory_limit),
        cmocka_unit_test(test_sandbox__kills_a_child_that_hangs),
        cmocka_unit_test(test_sandbox__outlives_what_a_terminal_sends),
        cmocka_unit_test(test_sandbox__children_hear_the_terminal),
        cmocka_unit_test(test_sandbox__says_its_level),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
