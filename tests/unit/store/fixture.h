/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a fresh store with one registry, and the short ways to push, lease, scan and look. */
#pragma once

#include "engine.h"

struct fixture {
    struct arena arena;
    struct engine engine;
    struct store *store;
    struct store_registry registry;
    int64_t now;
};

static struct err err; /* of the call before */

static inline void open_it(struct fixture *f)
{
    assert_ok(store_open(f->engine.name, STORE_RELAXED, &f->store, &err), err);
}

static inline void reopen(struct fixture *f)
{
    store_close(f->store);
    open_it(f);
}

static inline struct store_registry registry_named(const char *name)
{
    return (struct store_registry){.subscription = STR("11111111-2222-3333-4444-555555555555"),
                                   .resource_group = STR("Group"),
                                   .name = str_from(name),
                                   .host = STR("reg.example:5000")};
}

static inline int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    arena_init(&f->arena, 64 << 20);
    engine_open(&f->engine, &f->arena);
    f->now = 1000000;
    open_it(f);
    f->registry = registry_named("Main");
    assert_ok(store_registry_put(f->store, &f->registry, f->now, &err), err);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    engine_close(&f->engine);
    arena_fini(&f->arena);
    test_free(f);
    return 0;
}

/* "sha256:" and 64 digits made of @n. */
static inline str digest_n(struct fixture *f, unsigned n)
{
    return arena_printf(&f->arena, "sha256:%064x", n);
}

static inline struct store_event push(struct fixture *f, const char *id, unsigned image,
                                      const char *tag)
{
    return (struct store_event){.id = str_from(id),
                                .action = EVENT_PUSH,
                                .repository = STR("team/app"),
                                .digest = digest_n(f, image),
                                .tag = str_from(tag),
                                .at = f->now};
}

static inline struct event_counts add(struct fixture *f, const struct store_event *events, size_t n)
{
    struct event_counts counts;
    assert_ok(store_events_add(f->store, f->registry.id, events, n, f->now, &counts, &err), err);
    return counts;
}

static inline bool try_lease(struct fixture *f, struct job *job)
{
    static const enum job_kind kinds[] = {JOB_SCAN};
    const struct lease_spec spec = {.kinds = kinds, .n_kinds = 1, .now = f->now, .lease_s = 60};
    enum next next = store_job_lease(f->store, &f->arena, &spec, job, &err);
    assert_int_not_equal(next, NEXT_ERR);
    return next == NEXT_ITEM;
}

static inline struct job lease(struct fixture *f)
{
    struct job job;
    assert_true(try_lease(f, &job));
    return job;
}

static inline struct job job_get(struct fixture *f, int64_t id)
{
    struct job job;
    assert_ok(store_job_get(f->store, &f->arena, id, &job, &err), err);
    return job;
}

/* A report with findings CVE-2020-<from> … , named after image and number. */
static inline struct report *report_of(struct fixture *f, unsigned image, unsigned from, unsigned n)
{
    struct report *r = arena_new(&f->arena, struct report);
    assert_true(digest_parse(digest_n(f, image), &r->digest));
    r->verdict = n ? VERDICT_UNHEALTHY : VERDICT_HEALTHY;
    r->is_complete = true;
    r->platform = STR("linux/amd64");
    r->distro = (struct distro){.id = STR("debian"), .version_id = STR("12")};
    struct report_layer *layer = vec_push(&f->arena, &r->layers);
    assert_true(digest_parse(digest_n(f, 900), &layer->digest));
    assert_true(digest_parse(digest_n(f, 901), &layer->diff_id));
    layer->size_bytes = 4096;
    layer->created_by = STR("ADD rootfs");
    for (unsigned i = from; i < from + n; i++) {
        struct finding *x = vec_push(&f->arena, &r->findings);
        x->id = arena_printf(&f->arena, "CVE-2020-%u", i);
        x->name = arena_printf(&f->arena, "%08x-0000-8000-8000-%012x", i, image);
        x->package_name = STR("openssl");
        x->package_version = STR("3.0.11-1");
        x->purl = STR("pkg:deb/debian/openssl@3.0.11-1");
        x->severity = i % 2 ? SEVERITY_HIGH : SEVERITY_UNKNOWN;
        x->rated_by = STR("debian-tracker");
        x->rating_basis = STR("own rating");
        *vec_push(&f->arena, &x->cwes) = STR("CWE-79");
        *vec_push(&f->arena, &x->cwes) = STR("CWE-125");
        x->fix_state = FIX_FIXED;
        x->fixed_version = STR("3.0.11-2");
        x->is_patchable = true;
        x->description = STR("A long text about it.");
        x->remediation_text = STR("Upgrade openssl.");
        *vec_push(&f->arena, &x->aliases) = arena_printf(&f->arena, "DSA-%u \"quoted\"", i);
        *vec_push(&f->arena, &x->cvss) = (struct cvss){
            .version = STR("3.1"), .vector = STR("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")};
        *vec_push(&f->arena, &x->evidence) = (struct finding_evidence){
            .source = STR("osv"), .record = x->id, .range = STR("< 3.0.11-2")};
    }
    return r;
}

static inline bool finish(struct fixture *f, const struct job *job, struct report *report,
                          enum job_end end)
{
    struct store_result result = {.report = report};
    const struct job_outcome outcome = {.end = end,
                                        .error =
                                            end == JOB_END_DONE ? STR("") : STR("no route to host"),
                                        .not_before = f->now + 30,
                                        .results = &result,
                                        .n_results = report ? 1 : 0,
                                        .generation = 7,
                                        .revision = 3,
                                        .now = f->now};
    return store_job_finish(f->store, job, &outcome, &err);
}

static inline void scan_image(struct fixture *f, unsigned image, struct report *report)
{
    char id[32];
    snprintf(id, sizeof(id), "scan-%u-%lld", image, (long long)f->now);
    struct store_event event = push(f, id, image, "");
    add(f, &event, 1);
    struct job job = lease(f);
    assert_ok(finish(f, &job, report, JOB_END_DONE), err);
}

static inline store_findings findings_all(struct fixture *f, size_t limit, str *next, str after)
{
    store_findings out = {0};
    const struct store_scope scope = {0};
    const struct store_page page = {after, limit};
    assert_ok(store_findings_list(f->store, &f->arena, &scope, NULL, &page, &out, next, &err), err);
    return out;
}

static inline size_t count_findings(struct fixture *f)
{
    str next;
    return findings_all(f, 1000, &next, STR("")).len;
}

static inline struct store_assessment assessment(struct fixture *f)
{
    store_assessments all = {0};
    const struct store_scope scope = {.registry = STR("MAIN")};
    assert_ok(store_assessments_list(f->store, &f->arena, &scope, &all, &err), err);
    assert_int_equal(all.len, 1);
    return all.ptr[0];
}

static inline store_images images_all(struct fixture *f)
{
    store_images out = {0};
    str next;
    const struct store_scope scope = {0};
    assert_ok(store_images_list(f->store, &f->arena, &scope, NULL, NULL, &out, &next, &err), err);
    return out;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
