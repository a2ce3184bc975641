/* SPDX-License-Identifier: Apache-2.0 */
/* notify - posts a registry's notifications over keep-alive HTTPS, each with one push of an image
 * that was never seen, and prints: accepted a second, median and p99 in ms, how many were not
 * accepted. usage: notify URL SECRET CA-FILE REQUESTS CONNECTIONS [get]   (get: GET URL, what the
 * client can do) */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/sb.h"

struct conn {
    CURL *easy;
    char body[1024];
    double from_s;
};
struct load {
    const char *url, *secret, *ca;
    size_t n, n_sent, n_done, n_bad;
    bool is_get;
    CURLM *multi;
    struct curl_slist *headers;
    double *took_ms;
    unsigned run;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * n;
}

static void send_next(struct load *l, struct conn *c)
{
    size_t i = l->n_sent++;
    if (!l->is_get) {
        snprintf(
            c->body, sizeof(c->body),
            "{\"events\":[{\"id\":\"%x-%zu\",\"timestamp\":\"2026-11-24T12:00:00Z\",\"action\":"
            "\"push\",\"target\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
            "\"digest\":\"sha256:%08x%056zx\",\"repository\":\"team/app%zu\",\"tag\":\"v%zu\"},"
            "\"request\":{\"id\":\"r\",\"useragent\":\"docker/24\"}}]}",
            l->run, i, l->run, i, i % 50, i);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(c->body));
    }
    c->from_s = now_s();
    curl_multi_add_handle(l->multi, c->easy);
}

static void open_conn(struct load *l, struct conn *c)
{
    c->easy = curl_easy_init();
    curl_easy_setopt(c->easy, CURLOPT_URL, l->url);
    curl_easy_setopt(c->easy, CURLOPT_CAINFO, l->ca);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, l->headers);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, 60L);
}

static void take_done(struct load *l)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
        struct conn *c;
        long status = 0;
        if (m->msg != CURLMSG_DONE)
            continue;
        CURL *easy = m->easy_handle;
        CURLcode code = m->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(l->multi, easy);
        l->took_ms[l->n_done++] = (now_s() - c->from_s) * 1000;
        if (code != CURLE_OK || status / 100 != 2) {
            if (!l->n_bad++)
                fprintf(stderr, "%s, status %ld\n", curl_easy_strerror(code), status);
        }
        if (l->n_sent < l->n)
            send_next(l, c);
    }
}

static int cmp_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double run(struct load *l, struct conn *conns, size_t n_conns)
{
    double from = now_s();
    for (size_t i = 0; i < n_conns && l->n_sent < l->n; i++)
        send_next(l, &conns[i]);
    while (l->n_done < l->n) {
        int n;
        curl_multi_perform(l->multi, &n);
        take_done(l);
        if (l->n_done < l->n)
            curl_multi_poll(l->multi, NULL, 0, 100, NULL);
    }
    return now_s() - from;
}

int main(int argc, char **argv)
{
    uint64_t n = 0, n_conns = 0;
    char line[512];
    if (argc < 6 || !str_to_u64(str_from(argv[4]), 10000000, &n) ||
        !str_to_u64(str_from(argv[5]), 4096, &n_conns) || !n || !n_conns)
        return 2;
    curl_global_init(CURL_GLOBAL_ALL);
    struct load l = {.url = argv[1],
                     .secret = argv[2],
                     .ca = argv[3],
                     .n = n,
                     .is_get = argc > 6,
                     .multi = curl_multi_init(),
                     .took_ms = calloc(n, sizeof(double)),
                     .run = (unsigned)clock_now_s()};
    struct conn *conns = calloc(n_conns, sizeof(*conns));
    if (!conns || !l.took_ms)
        return 2;
    snprintf(line, sizeof(line), "Authorization: Bearer %s", l.secret);
    l.headers = curl_slist_append(NULL, line);
    l.headers = curl_slist_append(l.headers, "Content-Type: application/json");
    l.headers = curl_slist_append(l.headers, "Expect:");
    curl_multi_setopt(l.multi, CURLMOPT_MAXCONNECTS, (long)n_conns);
    for (size_t i = 0; i < n_conns; i++)
        open_conn(&l, &conns[i]);
    double took_s = run(&l, conns, n_conns);
    qsort(l.took_ms, n, sizeof(double), cmp_double);
    printf("%.0f %.1f %.1f %zu\n", (double)(n - l.n_bad) / took_s, l.took_ms[n / 2],
           l.took_ms[n * 99 / 100], l.n_bad);
    for (size_t i = 0; i < n_conns; i++)
        curl_easy_cleanup(conns[i].easy);
    curl_multi_cleanup(l.multi);
    curl_slist_free_all(l.headers);
    curl_global_cleanup();
    free(conns);
    free(l.took_ms);
    return l.n_bad ? 1 : 0;
}
