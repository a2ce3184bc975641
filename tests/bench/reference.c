/* SPDX-License-Identifier: Apache-2.0 */
/* reference.c - the physical limit of a cold scan: inflate gzip layers with ISA-L, and what has to
 * be done with the bytes, on two cores, and nothing else. reference [--walk] [--no-hash] FILE.gz …
 * One thread reads and inflates; the other computes both hashes (compressed digest, diff-id) and,
 * with
 * --walk, goes from header to header of the tar.  Prints what it got, so that the work is real.
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
/* From header to header, checking each one's sum (POSIX pax, "ustar Interchange Format"). */
struct walk {
    uint8_t header[512];
    size_t n_header; /* bytes of it that are there */
    uint64_t skip;   /* of the body in hand, with its padding */
    uint64_t n_entries, n_bad, n_bytes;
};
struct ring {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct piece pieces[N];
    size_t head, tail;
    int is_ended, has_hashes, has_walk;
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

static uint64_t octal(const uint8_t *digits, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n && digits[i] >= '0' && digits[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(digits[i] - '0');
    return value;
}

static void on_header(struct walk *walk)
{
    uint64_t sum = 8 * ' ';
    for (size_t i = 0; i < sizeof(walk->header); i++)
        sum += i < 148 || i >= 156 ? walk->header[i] : 0;
    if (sum == 8 * ' ')
        return; /* the end marker's zeros */
    walk->n_bad += sum != octal(walk->header + 148, 8);
    walk->n_entries++;
    uint64_t size = octal(walk->header + 124, 12);
    walk->n_bytes += size;
    walk->skip = (size + 511) & ~(uint64_t)511;
}

static void walk_on(struct walk *walk, const uint8_t *bytes, size_t n)
{
    while (n) {
        size_t step = walk->skip < n ? (size_t)walk->skip : n;
        if (walk->skip == 0) {
            step = sizeof(walk->header) - walk->n_header;
            step = step < n ? step : n;
            memcpy(walk->header + walk->n_header, bytes, step);
            walk->n_header += step;
        } else {
            walk->skip -= step;
        }
        if (walk->n_header == sizeof(walk->header)) {
            walk->n_header = 0;
            on_header(walk);
        }
        bytes += step;
        n -= step;
    }
}

static void *read_all(void *arg)
{
    struct ring *ring = arg;
    struct walk walk = {.n_header = 0};
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
        if (ring->has_hashes) {
            EVP_DigestUpdate(compressed, piece->in, piece->n_in);
            EVP_DigestUpdate(inflated, piece->out, piece->n_out);
        }
        if (ring->has_walk)
            walk_on(&walk, piece->out, piece->n_out);
        pthread_mutex_lock(&ring->lock);
        ring->tail++;
        pthread_cond_signal(&ring->moved);
        pthread_mutex_unlock(&ring->lock);
    }
    if (ring->has_hashes) {
        print_hash(compressed);
        print_hash(inflated);
    }
    if (ring->has_walk)
        printf("%llu entries, %llu bytes, %llu bad\n", (unsigned long long)walk.n_entries,
               (unsigned long long)walk.n_bytes, (unsigned long long)walk.n_bad);
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

static int run(const char *path, int has_hashes, int has_walk)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return 1;
    uint8_t *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    struct ring ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
                        .moved = PTHREAD_COND_INITIALIZER,
                        .has_hashes = has_hashes,
                        .has_walk = has_walk};
    pthread_t reader;
    if (bytes == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < N; i++)
        ring.pieces[i].out = malloc(OUT_BYTES);
    pthread_create(&reader, NULL, read_all, &ring);
    int failed = inflate_all(&ring, bytes, (size_t)st.st_size);
    pthread_mutex_lock(&ring.lock);
    ring.is_ended = 1;
    pthread_cond_signal(&ring.moved);
    pthread_mutex_unlock(&ring.lock);
    pthread_join(reader, NULL);
    for (size_t i = 0; i < N; i++)
        free(ring.pieces[i].out);
    munmap(bytes, (size_t)st.st_size);
    close(fd);
    return failed;
}

int main(int argc, char **argv)
{
    int has_hashes = 1, has_walk = 0, failed = argc < 2;
    for (int i = 1; i < argc && !failed; i++) {
        if (strcmp(argv[i], "--no-hash") == 0)
            has_hashes = 0;
        else if (strcmp(argv[i], "--walk") == 0)
            has_walk = 1;
        else
            failed = run(argv[i], has_hashes, has_walk);
    }
    return failed;
}
