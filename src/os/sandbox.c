/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/limits.h"
#include "base/num.h"
#include "os/lock.h"

enum {
    MAX_CHILDREN = 256,
    FD_IN = 3, /* where a child finds its pipes */
    FD_OUT = 4,
    EXIT_LOCK = 125, /* a lock did not hold: nothing was parsed */
    PIPE_BYTES = 1 << 20,
};

struct sandbox {
    int control; /* our end of the socket pair */
    pid_t zygote;
    enum sandbox_level level;
    char missing[160];
};

/* What the zygote says once it is ready. */
struct hello {
    enum sandbox_level level;
    char missing[160];
};

/* What the parent asks of the zygote, beside three descriptors. */
struct order {
    uint32_t request;
    struct limits limits; /* as configured after the zygote was made */
};

struct slot {
    pid_t pid;
    int status_fd;
};

/* --- in the child
 * --------------------------------------------------------------------------------- */

_Noreturn static void child_main(const struct sandbox_spec *spec, uint32_t request,
                                 bool has_landlock)
{
    struct err err = {0};
    bool is_locked = lock_limits(LIMIT(ANALYSER_MEMORY), LIMIT(ANALYSER_CPU), &err) &&
                     lock_privileges(&err) && (!has_landlock || lock_landlock(&err));
    void *prepared = is_locked ? spec->prepare(request, FD_IN, FD_OUT) : NULL;
    if (!prepared || !lock_syscalls(&err))
        _exit(EXIT_LOCK);
    _exit(spec->run(prepared));
}

/* Only the two pipes and the null device stay open: stderr too could carry escapes to a terminal.
 */
static bool keep_pipes(int in_fd, int out_fd)
{
    int in_high = fcntl(in_fd, F_DUPFD, 16), out_high = fcntl(out_fd, F_DUPFD, 16);
    return in_high >= 0 && out_high >= 0 && dup2(in_high, FD_IN) == FD_IN &&
           dup2(out_high, FD_OUT) == FD_OUT && syscall(SYS_close_range, FD_OUT + 1, ~0U, 0) == 0;
}

/* --- in the zygote
 * -------------------------------------------------------------------------------- */

struct zygote {
    const struct sandbox_spec *spec;
    int control, signals;
    bool has_landlock;
    struct slot slots[MAX_CHILDREN];
    size_t n;
};

/* What a terminal sends to the whole foreground group, and a supervisor to the whole unit.  The
 * parent decides what it means; the zygote ends when its socket does. */
static const int terminal_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void spawn_child(struct zygote *z, const struct order *order, const int fds[3])
{
    pid_t pid = z->n < MAX_CHILDREN ? fork() : -1;
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        for (size_t i = 0; i < ARRAY_LEN(terminal_signals); i++)
            signal(terminal_signals[i], SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!keep_pipes(fds[0], fds[1]))
            _exit(EXIT_LOCK);
        limits_set(&order->limits);
        child_main(z->spec, order->request, z->has_landlock);
    }
    close(fds[0]);
    close(fds[1]);
    if (pid < 0) {
        close(fds[2]); /* ends without a status: the parent reads "did not start" */
        return;
    }
    z->slots[z->n++] = (struct slot){pid, fds[2]};
}

/* One request: its number and three descriptors.  False when the parent is gone. */
static bool serve_request(struct zygote *z)
{
    struct order order;
    struct iovec iov = {&order, sizeof(order)};
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(z->control, &msg, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR)
        return true;
    struct cmsghdr *head = n == (ssize_t)sizeof(order) ? CMSG_FIRSTHDR(&msg) : NULL;
    if (!head || head->cmsg_len != CMSG_LEN(3 * sizeof(int)))
        return false;
    int fds[3];
    memcpy(fds, CMSG_DATA(head), sizeof(fds));
    spawn_child(z, &order, fds);
    return true;
}

static void reap_children(struct zygote *z)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (size_t i = 0; i < z->n; i++) {
            if (z->slots[i].pid != pid)
                continue;
            if (write(z->slots[i].status_fd, &status, sizeof(status)) < 0)
                status = 0; /* nobody waits for it any more */
            close(z->slots[i].status_fd);
            z->slots[i] = z->slots[--z->n];
            break;
        }
}

_Noreturn static void zygote_loop(struct zygote *z)
{
    struct pollfd polls[2 + MAX_CHILDREN];
    struct signalfd_siginfo info;
    for (;;) {
        polls[0] = (struct pollfd){z->control, POLLIN, 0};
        polls[1] = (struct pollfd){z->signals, POLLIN, 0};
        for (size_t i = 0; i < z->n; i++)
            polls[2 + i] = (struct pollfd){z->slots[i].status_fd, 0, 0};
        size_t n = z->n;
        if (poll(polls, 2 + n, -1) < 0 && errno != EINTR)
            _exit(1);
        /* nobody reads the status any more: the answer is not wanted */
        for (size_t i = 0; i < n; i++)
            if (polls[2 + i].revents & (POLLERR | POLLHUP))
                kill(z->slots[i].pid, SIGKILL);
        if (polls[1].revents && read(z->signals, &info, sizeof(info)) > 0)
            reap_children(z);
        if (polls[0].revents && !serve_request(z))
            _exit(0);
    }
}

static bool null_stdio(void)
{
    auto_fd null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return false;
    return dup2(null_fd, 0) == 0 && dup2(null_fd, 1) == 1 &&
           (PLIMSOLL_SANITIZED || dup2(null_fd, 2) == 2);
}

static void *prove(uint32_t request, int in_fd, int out_fd)
{
    (void)request, (void)in_fd;
    return out_fd == FD_OUT ? (void *)(uintptr_t)1 : NULL;
}

static int end_well(void *prepared) { return prepared ? 0 : 1; }

/* Lock a child in before anybody relies on it: what the kernel, or whoever confines us, refuses
 * shows now and not at the first image. */
static bool can_lock(const struct zygote *z)
{
    static const struct sandbox_spec probe = {.prepare = prove, .run = end_well};
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        child_main(&probe, 0, z->has_landlock);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void lacks(struct hello *hello, const char *what)
{
    size_t used = strlen(hello->missing);
    hello->level = SANDBOX_BASIC;
    snprintf(hello->missing + used, sizeof(hello->missing) - used, "%s%s", used ? ", " : "", what);
}

_Noreturn static void zygote_main(const struct sandbox_spec *spec, int control, bool has_namespaces)
{
    struct zygote z = {.spec = spec, .has_landlock = lock_landlock_abi() > 0};
    struct hello hello = {.level = SANDBOX_FULL};
    struct err err = {0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a parent that no longer waits must not end us */
    for (size_t i = 0; i < ARRAY_LEN(terminal_signals); i++)
        signal(terminal_signals[i], SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "plimsoll-zygote");
    z.control = dup2(control, FD_IN);
    if (!null_stdio() || syscall(SYS_close_range, FD_IN + 1, ~0U, 0) != 0)
        _exit(1);
    z.signals = signalfd(-1, &set, SFD_CLOEXEC);
    spec->warm_up();
    if (!has_namespaces)
        lacks(&hello, "namespaces");
    else if (!lock_root(&err))
        lacks(&hello, "an empty root");
    if (!z.has_landlock)
        lacks(&hello, "Landlock");
    if (!can_lock(&z))
        hello = (struct hello){.level = SANDBOX_NONE, .missing = "seccomp or its own limits"};
    if (z.signals < 0 || write(z.control, &hello, sizeof(hello)) != (ssize_t)sizeof(hello))
        _exit(1);
    zygote_loop(&z);
}

/* --- in the parent
 * -------------------------------------------------------------------------------- */

const char *sandbox_level_name(enum sandbox_level level)
{
    static const char *const names[] = {"none", "basic", "full"};
    return names[(unsigned)level < ARRAY_LEN(names) ? level : 0];
}

static void write_map(const char *path, const char *text)
{
    auto_fd fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        return; /* without a map we are nobody, which is enough to go on */
}

/* The namespaces hold whoever we are: with a user namespace when the kernel lets everybody, without
 * one when we are root.  fork() last: weaker, and said so. */
static pid_t fork_zygote(bool *has_namespaces)
{
    static const unsigned long all =
        CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
    static const unsigned long tries[] = {all | CLONE_NEWUSER, all};
    char uid_map[32], gid_map[32];
    snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
    snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
    *has_namespaces = true;
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        pid_t pid = (pid_t)syscall(SYS_clone, tries[i] | SIGCHLD, NULL, NULL, NULL, NULL);
        if (pid == 0 && i == 0) {
            write_map("/proc/self/setgroups", "deny");
            write_map("/proc/self/uid_map", uid_map);
            write_map("/proc/self/gid_map", gid_map);
        }
        if (pid >= 0)
            return pid;
    }
    *has_namespaces = false;
    return fork();
}

/* The parent's own path to a full start: hello within ten seconds, or it is dead. */
static bool hear_hello(struct sandbox *sandbox, struct err *err)
{
    struct hello hello;
    struct pollfd poller = {sandbox->control, POLLIN, 0};
    if (poll(&poller, 1, 10000) <= 0 ||
        read(sandbox->control, &hello, sizeof(hello)) != (ssize_t)sizeof(hello))
        return err_set(err, ERR_SANDBOX, "the sandbox did not start");
    sandbox->level = hello.level;
    memcpy(sandbox->missing, hello.missing, sizeof(sandbox->missing));
    return hello.level != SANDBOX_NONE ||
           err_set(err, ERR_SANDBOX, "nothing can be isolated here: a child without %s",
                   hello.missing);
}

bool sandbox_start(const struct sandbox_spec *spec, struct sandbox **out, struct err *err)
{
    int pair[2];
    bool has_namespaces;
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
    *out = NULL;
    if (!sandbox)
        return err_memory(err);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        free(sandbox);
        return err_sys(err, ERR_SANDBOX, "socketpair");
    }
    fflush(NULL); /* the zygote must not write our buffers a second time */
    sandbox->control = pair[0];
    sandbox->zygote = fork_zygote(&has_namespaces);
    if (sandbox->zygote == 0)
        zygote_main(spec, pair[1], has_namespaces);
    close(pair[1]);
    if (sandbox->zygote < 0)
        err_sys(err, ERR_SANDBOX, "fork");
    else if (hear_hello(sandbox, err)) {
        *out = sandbox;
        return true;
    }
    sandbox_stop(sandbox);
    return false;
}

void sandbox_stop(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    close(sandbox->control);
    if (sandbox->zygote > 0) {
        kill(sandbox->zygote, SIGKILL); /* and with it, as init of its namespace, every child */
        while (waitpid(sandbox->zygote, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    free(sandbox);
}

enum sandbox_level sandbox_level(const struct sandbox *sandbox) { return sandbox->level; }
const char *sandbox_missing(const struct sandbox *sandbox) { return sandbox->missing; }

static bool send_request(int control, uint32_t request, const int fds[3], struct err *err)
{
    struct order order = {request, *limits_now()};
    struct iovec iov = {&order, sizeof(order)};
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(3 * sizeof(int))];
    } space = {0};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &space, .msg_controllen = sizeof(space)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(3 * sizeof(int));
    memcpy(CMSG_DATA(head), fds, 3 * sizeof(int));
    return sendmsg(control, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(order) ||
           err_sys(err, ERR_SANDBOX, "the sandbox is gone");
}

static void close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

bool sandbox_spawn(struct sandbox *sandbox, uint32_t request, struct sandbox_child *out,
                   struct err *err)
{
    int fds[6] = {-1, -1, -1, -1, -1, -1}; /* read and write end of in, out, status */
    *out = (struct sandbox_child){-1, -1, -1};
    for (size_t i = 0; i < 3; i++)
        if (pipe2(fds + 2 * i, O_CLOEXEC) != 0) {
            err_sys(err, ERR_IO, "pipe");
            close_all(fds, 6);
            return false;
        }
    fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer switches; a smaller pipe works too */
    const int theirs[3] = {fds[0], fds[3], fds[5]};
    bool is_sent = send_request(sandbox->control, request, theirs, err);
    close(fds[0]);
    close(fds[3]);
    close(fds[5]);
    *out = (struct sandbox_child){.in_fd = fds[1], .out_fd = fds[2], .status_fd = fds[4]};
    if (is_sent)
        return true;
    const int ours[3] = {fds[1], fds[2], fds[4]};
    close_all((int[3]){ours[0], ours[1], ours[2]}, 3);
    *out = (struct sandbox_child){-1, -1, -1};
    return false;
}

static bool say_how_it_ended(int status, struct err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOCK)
        return err_set(err, ERR_SANDBOX, "the analyser could not lock itself in");
    if (WIFEXITED(status))
        return err_set(err, ERR_SANDBOX, "the analyser ended with code %d", WEXITSTATUS(status));
    int sig = WTERMSIG(status);
    if (sig == SIGSYS)
        return err_set(err, ERR_SANDBOX,
                       "the analyser was killed: it made a system call it may not");
    if (sig == SIGXCPU || sig == SIGKILL)
        return err_set(err, ERR_LIMIT, "the analyser was killed: processor time or memory used up");
    return err_set(err, ERR_SANDBOX, "the analyser was killed by signal %d (%s)", sig,
                   sigabbrev_np(sig));
}

bool sandbox_child_end(struct sandbox_child *child, struct err *err)
{
    int status = 0;
    ssize_t n = 0;
    if (child->in_fd >= 0)
        close(child->in_fd);
    if (child->out_fd >= 0)
        close(child->out_fd); /* a child that still writes ends by SIGPIPE */
    if (child->status_fd >= 0) {
        struct pollfd poller = {child->status_fd, POLLIN, 0};
        if (poll(&poller, 1, 2000) > 0)
            n = read(child->status_fd, &status, sizeof(status));
        close(child->status_fd); /* the zygote kills what still runs */
    }
    bool is_known = child->status_fd >= 0 && n == (ssize_t)sizeof(status);
    *child = (struct sandbox_child){-1, -1, -1};
    if (!is_known)
        return err_set(err, ERR_SANDBOX, "the analyser did not start or did not end");
    return say_how_it_ended(status, err);
}
