/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - the physical limit of a cold scan: inflate gzip layers with ISA-L and compute both
 * hashes (compressed digest, diff-id) on two cores, and nothing else.
 *     reference FILE.gz …
 * One thread reads and inflates; the other hashes.  Prints both hashes, so that the work is real.
 */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N = 8, OUT_BYTES = 256 << 10, IN_BYTES = 256 << 10 };

struct piece {
    const uint8_t *in;
    size_t n_in; /* compressed bytes behind this piece */
    uint8_t *out;
    size_t n_out;
};
struct ring {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct piece pieces[N];
    size_t head, tail;
    int is_ended;
};

static void publish(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    ring->head++;
    pthread_cond_signal(&ring->moved);
    pthread_mutex_unlock(&ring->lock);
}

static struct piece *wait_free(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    while (ring->head - ring->tail == N)
        pthread_cond_wait(&ring->moved, &ring->lock);
    struct piece *piece = &ring->pieces[ring->head % N];
    pthread_mutex_unlock(&ring->lock);
    return piece;
}

static void print_hash(EVP_MD_CTX *ctx)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_DigestFinal_ex(ctx, out, &n);
    for (unsigned i = 0; i < n; i++)
        printf("%02x", out[i]);
    printf("\n");
}

static void *hash_all(void *arg)
{
    struct ring *ring = arg;
    EVP_MD_CTX *compressed = EVP_MD_CTX_new(), *inflated = EVP_MD_CTX_new();
    EVP_DigestInit_ex(compressed, EVP_sha256(), NULL);
    EVP_DigestInit_ex(inflated, EVP_sha256(), NULL);
    for (;;) {
        pthread_mutex_lock(&ring->lock);
        while (ring->head == ring->tail && !ring->is_ended)
            pthread_cond_wait(&ring->moved, &ring->lock);
        int is_over = ring->head == ring->tail;
        struct piece *piece = &ring->pieces[ring->tail % N];
        pthread_mutex_unlock(&ring->lock);
        if (is_over)
            break;
        EVP_DigestUpdate(compressed, piece->in, piece->n_in);
        EVP_DigestUpdate(inflated, piece->out, piece->n_out);
        pthread_mutex_lock(&ring->lock);
        ring->tail++;
        pthread_cond_signal(&ring->moved);
        pthread_mutex_unlock(&ring->lock);
    }
    print_hash(compressed);
    print_hash(inflated);
    EVP_MD_CTX_free(compressed);
    EVP_MD_CTX_free(inflated);
    return NULL;
}

/* Inflate until the input is used up; several members reset the state. */
static int inflate_all(struct ring *ring, const uint8_t *bytes, size_t size)
{
    static struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    state.next_in = (uint8_t *)(uintptr_t)bytes;
    size_t left = size;
    while (left || state.avail_in) {
        struct piece *piece = wait_free(ring);
        uint32_t given = left < IN_BYTES ? (uint32_t)left : IN_BYTES;
        if (state.avail_in == 0) {
            state.avail_in = given;
            left -= given;
        }
        const uint8_t *before = state.next_in;
        state.next_out = piece->out;
        state.avail_out = OUT_BYTES;
        if (isal_inflate(&state) != ISAL_DECOMP_OK)
            return 1;
        piece->in = before;
        piece->n_in = (size_t)(state.next_in - before);
        piece->n_out = OUT_BYTES - state.avail_out;
        publish(ring);
        if (state.block_state == ISAL_BLOCK_FINISH) {
            uint8_t *next = state.next_in;
            uint32_t avail = state.avail_in;
            isal_inflate_reset(&state);
            state.crc_flag = ISAL_GZIP;
            state.next_in = next;
            state.avail_in = avail;
        }
    }
    return 0;
}

static int run(const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return 1;
    uint8_t *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    struct ring ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    pthread_t hasher;
    if (bytes == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < N; i++)
        ring.pieces[i].out = malloc(OUT_BYTES);
    pthread_create(&hasher, NULL, hash_all, &ring);
    int failed = inflate_all(&ring, bytes, (size_t)st.st_size);
    pthread_mutex_lock(&ring.lock);
    ring.is_ended = 1;
    pthread_cond_signal(&ring.moved);
    pthread_mutex_unlock(&ring.lock);
    pthread_join(hasher, NULL);
    for (size_t i = 0; i < N; i++)
        free(ring.pieces[i].out);
    munmap(bytes, (size_t)st.st_size);
    close(fd);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc && !failed; i++)
        failed = run(argv[i]);
    return failed;
}
