/* SPDX-License-Identifier: Apache-2.0 */
/* firewall.c - is the new state of a source believable?  A publisher's accident, or a mirror in the
 * wrong hands, shows as a source that moves too much at once: half its records gone, or the same
 * number about other packages.
 *
 * Compared are sets: (ecosystem, package, record) of statements, and CVEs of enrichments. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

/* A source of a few records moves by its nature. */
enum { LEAST = 100 };

typedef VEC(uint64_t) marks;

struct census {
    uint64_t n_records;
    marks marks; /* sorted */
};

/* FNV-1a: told apart are records of one source, not secrets. */
static uint64_t mark_of(str a, str b, str c)
{
    const str parts[] = {a, b, c};
    uint64_t mark = 0xcbf29ce484222325u;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t j = 0; j < parts[i].len; j++)
            mark = (mark ^ (unsigned char)parts[i].ptr[j]) * 0x100000001b3u;
        mark = (mark ^ 0x1ff) * 0x100000001b3u;
    }
    return mark;
}

static bool add(struct arena *arena, struct census *census, uint64_t mark, struct err *err)
{
    uint64_t *slot = vec_push(arena, &census->marks);
    if (!slot)
        return err_memory(err);
    *slot = mark;
    return true;
}

static bool count_record(struct arena *arena, struct census *census, struct rd *body,
                         struct err *err)
{
    struct record_frame frame;
    str ecosystem, package, statement;
    bool is_ok = record_frame_read(body, &frame);
    for (size_t i = 0; is_ok && i < frame.n_entries; i++) {
        is_ok = record_frame_entry(body, &ecosystem, &package, &statement) &&
                add(arena, census, mark_of(ecosystem, package, frame.id), err);
    }
    census->n_records++;
    return is_ok || (rd_ok(body, err) && err_memory(err));
}

static int cmp_marks(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static bool take(struct arena *arena, const char *path, struct census *census, struct err *err)
{
    struct records_file file;
    enum frame_kind kind;
    struct rd body;
    enum next next;
    if (!records_open(&file, path, err))
        return false;
    while ((next = records_next(&file, &kind, &body, err)) == NEXT_ITEM) {
        bool is_ok = true;
        if (kind == FRAME_RECORD)
            is_ok = count_record(arena, census, &body, err);
        if (kind == FRAME_ENRICHMENT) {
            census->n_records++;
            str cve = rd_blob(&body, LIMIT(FEED_RECORD));
            is_ok = add(arena, census, mark_of(cve, STR_NONE, STR_NONE), err);
        }
        if (!is_ok)
            break;
    }
    records_close(&file);
    vec_sort(&census->marks, cmp_marks);
    return next == NEXT_END ? true : err_wrap(err, "%s", path);
}

/* How many of @a are not in @b. */
static uint64_t missing(const marks *a, const marks *b)
{
    uint64_t n = 0;
    for (size_t i = 0, j = 0; i < a->len; i++) {
        while (j < b->len && b->ptr[j] < a->ptr[i])
            j++;
        n += j == b->len || b->ptr[j] != a->ptr[i];
    }
    return n;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static uint64_t distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

static bool compare(const struct census *before, const struct census *after, double most,
                    bool *is_held, struct err *err)
{
    uint64_t lost = missing(&before->marks, &after->marks),
             gained = missing(&after->marks, &before->marks);
    bool is_count = share(distance(before->n_records, after->n_records), before->n_records) > most;
    bool is_set = share(lost, before->marks.len) > most || share(gained, before->marks.len) > most;
    *is_held = is_count || is_set;
    if (!*is_held)
        return true;
    return err_set(
        err, ERR_MISMATCH,
        "held: %llu records became %llu, of %zu affected packages %llu went and %llu "
        "came, more than %.0f %% at once; if that is right: `plimsoll db update --accept`",
        (unsigned long long)before->n_records, (unsigned long long)after->n_records,
        before->marks.len, (unsigned long long)lost, (unsigned long long)gained, most * 100);
}

bool firewall_check(const char *before_path, const char *after_path, double most, bool *is_held,
                    struct err *err)
{
    struct census before = {0}, after = {0};
    struct arena arena;
    arena_init(&arena, 2 * GIB);
    bool is_ok = take(&arena, before_path, &before, err);
    if (is_ok && before.n_records >= LEAST)
        is_ok =
            take(&arena, after_path, &after, err) && compare(&before, &after, most, is_held, err);
    arena_fini(&arena);
    return is_ok;
}
