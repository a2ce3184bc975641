/* SPDX-License-Identifier: Apache-2.0 */
/* raw_server.h - a loopback server that says exactly the bytes that a test wants, right or wrong.
 * One thread, one connection at a time. */
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct raw_server;
/* Answer one request head; true keeps the connection. */
typedef bool raw_answer(struct raw_server *server, int fd, const char *head);

struct raw_server {
    raw_answer *answer;
    const void *ctx;
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    atomic_int n_connections, n_requests;
    atomic_bool is_over;
    atomic_int client_fd; /* of the connection that is served; -1: none */
    pthread_mutex_t lock; /* guards last_head and last_body */
    char last_head[8192];
    char last_body[256];
    char seen[8192]; /* what raw_head and raw_body gave; of the test's thread */
};

static inline const char *raw_look(struct raw_server *s, const char *text)
{
    pthread_mutex_lock(&s->lock);
    snprintf(s->seen, sizeof(s->seen), "%s", text);
    pthread_mutex_unlock(&s->lock);
    return s->seen;
}

static inline const char *raw_head(struct raw_server *s) { return raw_look(s, s->last_head); }
static inline const char *raw_body(struct raw_server *s) { return raw_look(s, s->last_body); }

static inline void raw_write(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        bytes += done;
        n -= (size_t)done;
    }
}

static inline void raw_say(int fd, const char *text) { raw_write(fd, text, strlen(text)); }

/* Head and, when it names a length, the body behind it. */
static inline bool raw_read_request(struct raw_server *s, int fd, char head[static 8192])
{
    size_t n = 0;
    char *end = NULL, body[256] = "";
    while (!end && n + 1 < 8192) {
        ssize_t got = recv(fd, head + n, 8191 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (!end)
        return false;
    size_t have = n - (size_t)(end + 4 - head), want = 0;
    const char *length = strstr(head, "Content-Length: ");
    if (length)
        want = (size_t)strtoul(length + 16, NULL, 10);
    snprintf(body, sizeof(body), "%s", end + 4);
    while (have < want && have < 255) {
        ssize_t got = recv(fd, body + have, 255 - have, 0);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    end[4] = '\0';
    pthread_mutex_lock(&s->lock);
    snprintf(s->last_head, sizeof(s->last_head), "%s", head);
    snprintf(s->last_body, sizeof(s->last_body), "%s", body);
    pthread_mutex_unlock(&s->lock);
    return true;
}

static inline void *raw_run(void *ctx)
{
    struct raw_server *s = ctx;
    char head[8192];
    for (;;) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        if (atomic_load(&s->is_over)) {
            close(fd);
            return NULL;
        }
        atomic_store(&s->client_fd, fd);
        atomic_fetch_add(&s->n_connections, 1);
        while (raw_read_request(s, fd, head)) {
            atomic_fetch_add(&s->n_requests, 1);
            if (!s->answer(s, fd, head))
                break;
        }
        atomic_store(&s->client_fd, -1);
        close(fd);
    }
}

static inline void raw_open(struct raw_server *s, raw_answer *answer, const void *ctx)
{
    *s = (struct raw_server){
        .answer = answer, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER, .client_fd = -1};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listen_fd >= 0);
    assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->listen_fd, 16), 0);
    assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, raw_run, s), 0);
}

static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* A connection that somebody keeps alive ends here. */
static inline void raw_close(struct raw_server *s)
{
    atomic_store(&s->is_over, true);
    int kept = atomic_load(&s->client_fd);
    if (kept >= 0)
        shutdown(kept, SHUT_RDWR);
    close(raw_connect(s->port)); /* wakes accept */
    pthread_join(s->thread, NULL);
    close(s->listen_fd);
}
