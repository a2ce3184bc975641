/* SPDX-License-Identifier: Apache-2.0 */
/* fake.h - a loopback server that gives the n-th request the n-th reply and keeps what it was
 * asked. One connection, one request.  A connection that begins like TLS is closed and not counted.
 */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAKE_MAX = 16, FAKE_HEAD = 16384 };

struct fake {
    int fd;
    uint16_t port;
    pthread_t thread;
    str replies[FAKE_MAX]; /* set before the request comes */
    size_t n_replies;
    char heads[FAKE_MAX][FAKE_HEAD]; /* with the body behind the empty line */
    atomic_size_t n_asked;
    atomic_bool is_over;
};

static inline size_t fake_body_length(const char *head)
{
    const char *length = strstr(head, "Content-Length: ");
    return length ? (size_t)strtoul(length + 16, NULL, 10) : 0;
}

static inline bool fake_read(int fd, char *head)
{
    size_t n = 0;
    while (n + 1 < FAKE_HEAD) {
        ssize_t got = recv(fd, head + n, FAKE_HEAD - 1 - n, 0);
        if (got <= 0 || head[0] == 0x16)
            return false;
        n += (size_t)got;
        head[n] = '\0';
        const char *end = strstr(head, "\r\n\r\n");
        if (end && n >= (size_t)(end + 4 - head) + fake_body_length(head))
            return true;
    }
    return false;
}

static inline void fake_serve(struct fake *fake, int fd)
{
    char head[FAKE_HEAD] = {0};
    if (!fake_read(fd, head))
        return;
    size_t at = atomic_load(&fake->n_asked);
    str reply = at < fake->n_replies ? fake->replies[at]
                                     : STR("HTTP/1.1 500 Unexpected\r\nContent-Length: 0\r\n\r\n");
    if (at < FAKE_MAX)
        memcpy(fake->heads[at], head, sizeof(head));
    atomic_fetch_add(&fake->n_asked, 1);
    while (reply.len) {
        ssize_t done = send(fd, reply.ptr, reply.len, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        reply = str_skip(reply, (size_t)done);
    }
    shutdown(fd, SHUT_WR);
    char rest[256];
    while (recv(fd, rest, sizeof(rest), 0) > 0)
        continue;
}

static inline void *fake_run(void *ctx)
{
    struct fake *fake = ctx;
    for (;;) {
        int fd = accept4(fake->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && !atomic_load(&fake->is_over))
            fake_serve(fake, fd);
        if (fd >= 0)
            close(fd);
        if (atomic_load(&fake->is_over))
            return NULL;
    }
}

static inline int fake_bind(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static inline struct fake *fake_open(void)
{
    struct fake *fake = calloc(1, sizeof(*fake));
    assert_non_null(fake);
    fake->fd = fake_bind(&fake->port);
    assert_int_equal(listen(fake->fd, 16), 0);
    assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
    return fake;
}

static inline void fake_close(struct fake *fake)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(fake->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    atomic_store(&fake->is_over, true);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0) /* wakes accept */
        shutdown(fake->fd, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fd);
    close(fake->fd);
    free(fake);
}
