/* SPDX-License-Identifier: Apache-2.0 */
/* gets.c - GETs over keep-alive TLS, one at a time a connection, by OpenSSL alone: what a client
 * can cost little, since it shares the processors with the server.
 *     usage: gets PORT CA-FILE TOKEN PATHS-FILE REQUESTS CONNECTIONS
 * takes the paths of the file in turn, and prints: answers a second, median, p99, p99.9 and slowest
 * in ms, bytes of the median answer, its own processor seconds, answers other than 200
 *     usage: gets PORT CA-FILE TOKEN PATHS-FILE walk PAGES
 * follows "nextLink" from the first path, and prints the same over the pages; then the paths of the
 * middle page and of the last one, and how many there were
 *     usage: gets PORT CA-FILE TOKEN PATHS-FILE until-eof CONNECTIONS
 * asks until its standard input ends */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sb.h"

enum {
    CONNECTIONS_MAX = 1024,
    REQUESTS_MAX = 10000000,
    READ = 64 * 1024,
    EVENTS = 64,
    ANSWER_MAX = 256 << 20
};

struct conn {
    int fd;
    SSL *ssl;
    struct sb in;
    size_t head, length; /* of the answer; head 0: not seen */
    double from_s;
};
struct load {
    uint16_t port;
    const char *token;
    SSL_CTX *ctx;
    char **paths;
    size_t n_paths, n, n_sent, n_done, n_bad, at;
    bool is_endless;
    double *took_ms;
    size_t *sizes;
    int epoll;
    struct conn conns[CONNECTIONS_MAX];
};

static void die(const char *what)
{
    fprintf(stderr, "gets: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* --- a connection
 * ------------------------------------------------------------------------------------------------------
 */
static void conn_open(struct load *l, struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(l->port)};
    int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    c->ssl = SSL_new(l->ctx);
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set1_host(c->ssl, "localhost") != 1 ||
        SSL_connect(c->ssl) != 1)
        die("TLS");
    sb_init(&c->in, ANSWER_MAX);
}

static void send_path(struct load *l, struct conn *c, const char *path)
{
    static char text[16384]; /* lint: mutable static, one thread */
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nAuthorization: Bearer %s\r\n"
                     "Accept: application/json\r\n\r\n",
                     path, l->port, l->token);
    if (n < 0 || (size_t)n >= sizeof(text))
        die("a path is too long");
    sb_clear(&c->in);
    c->head = c->length = 0;
    c->from_s = now_s();
    if (SSL_write(c->ssl, text, n) != n) /* it fits the socket's buffer */
        die("write");
    l->n_sent++;
}

static void send_next(struct load *l, struct conn *c)
{
    send_path(l, c, l->paths[l->at++ % l->n_paths]);
}

static void read_head(struct conn *c)
{
    str all = sb_str(&c->in);
    size_t end = str_find(all, STR("\r\n\r\n"));
    if (end == all.len)
        return;
    str line, rest = str_slice(all, 0, end), name, value;
    uint64_t length = 0;
    while (str_next(&rest, '\n', &line))
        if (str_cut_byte(line, ':', &name, &value) && str_eq_nocase(name, STR("Content-Length")) &&
            !str_to_u64(str_trim(value), UINT32_MAX, &length))
            die("Content-Length");
    c->head = end + 4;
    c->length = length;
}

/* True when the whole answer is there. */
static bool receive(struct conn *c)
{
    for (;;) {
        char *to = sb_room(&c->in, READ);
        if (!to)
            die("an answer is too long");
        int n = SSL_read(c->ssl, to, READ);
        if (n <= 0) {
            if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
                return false;
            die("the connection ended");
        }
        sb_filled(&c->in, to + n);
        if (!c->head)
            read_head(c);
        if (c->head && c->in.len >= c->head + c->length)
            return true;
    }
}

static void note(struct load *l, struct conn *c)
{
    if (!str_starts(sb_str(&c->in), STR("HTTP/1.1 200 ")) && !l->n_bad++)
        fprintf(stderr, "gets: " STR_FMT "\n", STR_ARG(str_slice(sb_str(&c->in), 0, c->in.len)));
    if (l->n_done < l->n) {
        l->took_ms[l->n_done] = (now_s() - c->from_s) * 1000;
        l->sizes[l->n_done] = c->length;
    }
    l->n_done++;
}

/* --- many at once
 * ---------------------------------------------------------------------------------------------------
 */
static void start_all(struct load *l, size_t n_conns)
{
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < n_conns; i++) {
        struct conn *c = &l->conns[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        conn_open(l, c);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event);
    }
}

static bool is_input_over(void)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    char byte;
    return poll(&in, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

static void run(struct load *l, size_t n_conns)
{
    struct epoll_event events[EVENTS];
    for (size_t i = 0; i < n_conns; i++)
        send_next(l, &l->conns[i]);
    while (l->is_endless || l->n_done < l->n) {
        int n = epoll_wait(l->epoll, events, EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (!receive(c))
                continue;
            note(l, c);
            if (l->is_endless || l->n_sent < l->n)
                send_next(l, c);
        }
        if (l->is_endless && is_input_over())
            return;
    }
}

/* --- page after page
 * -------------------------------------------------------------------------------------------------
 */
static char *next_path(const struct conn *c)
{
    str body = str_skip(sb_str(&c->in), c->head), mark = STR("\"nextLink\":\"");
    size_t from = body.len > 4096 ? body.len - 4096 : 0;
    str tail = str_skip(body, from);
    size_t at = str_find(tail, mark);
    if (at == tail.len)
        return NULL;
    str url = str_skip(tail, at + mark.len);
    url = str_slice(url, 0, str_find_byte(url, '"'));
    url = str_skip(url, sizeof("https://") - 1);
    url = str_skip(url, str_find_byte(url, '/'));
    return strndup(url.ptr, url.len);
}

static void walk(struct load *l)
{
    struct conn *c = &l->conns[0];
    char *path = l->paths[0];
    l->paths = calloc(l->n + 2, sizeof(*l->paths));
    if (!l->paths)
        die("memory");
    conn_open(l, c);
    for (; path && l->n_done < l->n; path = next_path(c)) {
        l->paths[l->n_done] = path;
        send_path(l, c, path);
        while (!receive(c))
            ;
        note(l, c);
    }
    l->n = l->n_done;
}

/* --- all of it
 * -------------------------------------------------------------------------------------------------------
 */
static int cmp_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void read_paths(struct load *l, const char *name)
{
    FILE *file = fopen(name, "r");
    char *line = NULL;
    size_t cap = 0, room = 0;
    if (!file)
        die(name);
    for (ssize_t n; (n = getline(&line, &cap, file)) > 0;) {
        if (l->n_paths + 2 > room)
            l->paths = realloc(l->paths, (room = room * 2 + 64) * sizeof(*l->paths));
        l->paths[l->n_paths++] = strndup(line, (size_t)n - (line[n - 1] == '\n'));
    }
    free(line);
    fclose(file);
    if (!l->n_paths)
        die("no path");
}

static void print(struct load *l, double took_s, double used_s)
{
    size_t n = l->n;
    size_t size = n ? l->sizes[n / 2] : 0;
    qsort(l->took_ms, n, sizeof(double), cmp_double);
    printf("%.0f %.3f %.3f %.3f %.3f %zu %.2f %zu\n", (double)l->n_done / took_s,
           n ? l->took_ms[n / 2] : 0, n ? l->took_ms[n * 99 / 100] : 0,
           n ? l->took_ms[n * 999 / 1000] : 0, n ? l->took_ms[n - 1] : 0, size, used_s, l->n_bad);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof(*l));
    uint64_t port = 0, n = 0, n_conns = 1;
    bool is_walk = argc > 5 && strcmp(argv[5], "walk") == 0;
    bool is_endless = argc > 5 && strcmp(argv[5], "until-eof") == 0;
    if (!l || argc < 7 || !str_to_u64(str_from(argv[1]), UINT16_MAX, &port) ||
        (!is_endless && !str_to_u64(str_from(argv[is_walk ? 6 : 5]), REQUESTS_MAX, &n)) ||
        (!is_walk && !str_to_u64(str_from(argv[6]), CONNECTIONS_MAX, &n_conns)) || !n_conns) {
        fprintf(stderr, "usage: gets PORT CA TOKEN PATHS REQUESTS CONNECTIONS\n");
        return 2;
    }
    l->port = (uint16_t)port;
    l->token = argv[3];
    l->n = n;
    l->is_endless = is_endless;
    l->took_ms = calloc(n + 1, sizeof(*l->took_ms));
    l->sizes = calloc(n + 1, sizeof(*l->sizes));
    l->ctx = SSL_CTX_new(TLS_client_method());
    if (!l->took_ms || !l->sizes || !l->ctx ||
        SSL_CTX_load_verify_locations(l->ctx, argv[2], NULL) != 1)
        die("CA");
    SSL_CTX_set_verify(l->ctx, SSL_VERIFY_PEER, NULL);
    read_paths(l, argv[4]);
    if (!is_walk)
        start_all(l, n_conns);
    double from = now_s(), used = cpu_s();
    if (is_walk)
        walk(l);
    else
        run(l, n_conns);
    print(l, now_s() - from, cpu_s() - used);
    if (is_walk)
        printf("%s\n%s\n%zu\n", l->paths[l->n / 2], l->paths[l->n - 1], l->n);
    return l->n_bad ? 1 : 0;
}
