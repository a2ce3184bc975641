/* SPDX-License-Identifier: Apache-2.0 */
#include "os/signal.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

void signal_ignore_pipe(void) { signal(SIGPIPE, SIG_IGN); }

bool signal_open(int *fd, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    signal_ignore_pipe();
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return err_sys(err, ERR_IO, "blocking signals");
    *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd >= 0 || err_sys(err, ERR_IO, "signalfd");
}

int signal_wait(int fd, int timeout_ms)
{
    struct pollfd poller = {fd, POLLIN, 0};
    struct signalfd_siginfo info;
    if (poll(&poller, 1, timeout_ms) <= 0)
        return 0;
    return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}
