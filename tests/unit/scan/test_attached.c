/* SPDX-License-Identifier: Apache-2.0 */
/* VEX documents attached to an image, in a source that lies in memory. */
#include "support.h"

#include "base/limits.h"
#include "base/map.h"
#include "scan/internal.h"

#include <stdlib.h>

struct listed {
    digest subject; /* under which it is listed */
    struct descriptor what;
};

/* --- the source
 * ------------------------------------------------------------------------------------------ */
struct shelf {
    struct image_source base;
    struct arena arena;
    struct map blobs; /* printed digest → str */
    struct map tags;  /* tag → str */
    VEC(struct listed) listed;
    struct source_mem reading;
    size_t n_asked, n_filtered; /* lists; of which with a type */
    bool is_crowded;            /* a list without a type is too long */
    enum err_kind broken;       /* of the lists */
};

static str print(struct arena *arena, const digest *d)
{
    char text[DIGEST_TEXT_SIZE];
    return arena_dup(arena, digest_print(d, text));
}

static bool shelf_manifest(struct image_source *source, struct arena *arena, str tag,
                           const digest *want, str *bytes, digest *got, struct err *err)
{
    struct shelf *shelf = (struct shelf *)source;
    const str *found =
        want ? map_get(&shelf->blobs, print(arena, want)) : map_get(&shelf->tags, tag);
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "not on the shelf");
    *bytes = *found;
    *got = digest_of(HASH_SHA256, *found);
    return true;
}

static bool shelf_blob(struct image_source *source, const struct descriptor *what, struct blob *out,
                       struct err *err)
{
    struct shelf *shelf = (struct shelf *)source;
    const str *found = map_get(&shelf->blobs, print(&shelf->arena, &what->digest));
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "not on the shelf");
    *out = (struct blob){.from = source_from_mem(&shelf->reading, *found)};
    return true;
}

static bool shelf_referrers(struct image_source *source, struct arena *arena, const digest *subject,
                            str artifact_type, descriptors *out, struct err *err)
{
    struct shelf *shelf = (struct shelf *)source;
    struct manifest list = {.kind = MANIFEST_INDEX};
    for (size_t i = 0; i < shelf->listed.len; i++)
        if (digest_eq(&shelf->listed.ptr[i].subject, subject))
            *vec_push(arena, &list.children) = shelf->listed.ptr[i].what;
    shelf->n_asked++;
    shelf->n_filtered += artifact_type.len > 0;
    if (shelf->broken)
        return err_set(err, shelf->broken, "the line is dead");
    if (shelf->is_crowded && !artifact_type.len)
        return err_set(err, ERR_LIMIT, "too many");
    return referrers_add(arena, &list, artifact_type, out, err);
}

static void shelf_close(struct image_source *source) { (void)source; }
static const struct image_source_ops shelf_ops = {.manifest = shelf_manifest,
                                                  .blob = shelf_blob,
                                                  .close = shelf_close,
                                                  .referrers = shelf_referrers};

static digest put(struct shelf *shelf, str bytes)
{
    digest d = digest_of(HASH_SHA256, bytes);
    str *copy = arena_new(&shelf->arena, str);
    *copy = arena_dup(&shelf->arena, bytes);
    assert_true(map_put(&shelf->blobs, print(&shelf->arena, &d), copy));
    return d;
}

/* --- one world
 * -------------------------------------------------------------------------------------------- */
struct scene {
    struct shelf shelf;
    struct image image;
    struct attached_vex attached;
    notices told;
    struct err err;
    struct arena arena;
};

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    arena_init(&s->arena, 64 << 20);
    arena_init(&s->shelf.arena, 64 << 20);
    map_init(&s->shelf.blobs, &s->shelf.arena);
    map_init(&s->shelf.tags, &s->shelf.arena);
    s->shelf.base.ops = &shelf_ops;
    s->image.digest = digest_of(HASH_SHA256, STR("the image"));
    s->image.index = digest_of(HASH_SHA256, STR("its index"));
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    struct limits limits = limits_default();
    limits_set(&limits);
    arena_fini(&s->arena);
    arena_fini(&s->shelf.arena);
    free(s);
    return 0;
}

/* A manifest with one layer; its descriptor is listed under @type. */
static digest attach(struct scene *s, const digest *subject, const char *type, str document)
{
    struct arena *arena = &s->shelf.arena;
    digest layer = put(&s->shelf, document);
    str manifest = arena_printf(
        arena,
        "{\"schemaVersion\": 2, \"artifactType\": \"%s\", \"config\": {\"mediaType\": "
        "\"application/vnd.oci.empty.v1+json\", \"digest\": \"" STR_FMT "\"}, \"layers\": "
        "[{\"mediaType\": \"%s\", \"digest\": \"" STR_FMT "\", \"size\": %zu}], \"subject\": "
        "{\"digest\": \"" STR_FMT "\"}}",
        type, STR_ARG(print(arena, &layer)), type, STR_ARG(print(arena, &layer)), document.len,
        STR_ARG(print(arena, subject)));
    struct listed *slot = vec_push(arena, &s->shelf.listed);
    *slot = (struct listed){.subject = *subject,
                            .what = {.digest = put(&s->shelf, manifest),
                                     .size_bytes = UINT64_MAX,
                                     .artifact_type = str_from(type)}};
    return layer;
}

static str openvex(struct scene *s, const char *cve)
{
    return arena_printf(&s->shelf.arena,
                        "{\"@context\": \"https://openvex.dev/ns/v0.2.0\", \"@id\": \"%s\", "
                        "\"statements\": [{\"vulnerability\": {\"name\": \"%s\"}, \"products\": "
                        "[{\"@id\": \"pkg:npm/a\"}], \"status\": \"not_affected\"}]}",
                        cve, cve);
}

static bool read_attached(struct scene *s)
{
    return attached_vex_read(&s->shelf.base, &s->image, &s->arena, &s->attached, &s->told, &s->err);
}

static void expect_notice(const struct scene *s, enum notice_kind kind, const char *words)
{
    for (size_t i = 0; i < s->told.len; i++)
        if (s->told.ptr[i].kind == kind && str_has(s->told.ptr[i].message, str_from(words)))
            return;
    fail_msg("no notice \"%s\"", words);
}

#define OPENVEX "application/vnd.openvex+json"

/* --- what is read
 * ------------------------------------------------------------------------------------------- */
static void expect_document(const struct scene *s, size_t i, const digest *want)
{
    char text[DIGEST_TEXT_SIZE];
    assert_true(i < s->attached.documents.len);
    assert_true(str_eq(s->attached.documents.ptr[i].digest, digest_print(want, text)));
}

static void test_attached__documents_of_the_image_and_of_its_index(void **state)
{
    struct scene *s = *state;
    digest a = attach(s, &s->image.digest, OPENVEX, openvex(s, "CVE-2024-1"));
    digest b = attach(s, &s->image.index, OPENVEX, openvex(s, "CVE-2024-2"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 2);
    expect_document(s, 0, &a);
    expect_document(s, 1, &b);
    assert_true(str_eq(s->attached.documents.ptr[1].subject, print(&s->arena, &s->image.index)));
    assert_int_equal(s->attached.statements.len, 2);
    assert_str(s->attached.statements.ptr[0].vulnerability, "CVE-2024-1");
    assert_true(str_eq(s->attached.statements.ptr[0].document, print(&s->arena, &a)));
    assert_int_equal(s->told.len, 0);
    assert_int_equal(s->shelf.n_asked, 2);
}

static void test_attached__one_document_twice_is_one(void **state)
{
    struct scene *s = *state;
    attach(s, &s->image.digest, OPENVEX, openvex(s, "CVE-2024-1"));
    attach(s, &s->image.digest, "application/openvex+json", openvex(s, "CVE-2024-1"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 1);
}

static void test_attached__an_envelope_without_a_subject_says_nothing_of_the_image(void **state)
{
    struct scene *s = *state;
    attach(s, &s->image.digest, "application/vnd.in-toto+json",
           STR("{\"predicateType\": \"https://openvex.dev/ns\", \"predicate\": "
               "{\"statements\": []}}"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 0);
    attach(s, &s->image.digest, "application/vnd.in-toto+json",
           STR("{\"predicateType\": \"https://openvex.dev/ns\", \"predicate\": "
               "{\"statements\": [{\"vulnerability\": \"CVE-2024-1\", \"products\": "
               "[\"pkg:npm/a\"], \"status\": \"fixed\"}]}}"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 0);
    expect_notice(s, NOTICE_UNREADABLE, "an attestation that does not name this image");
}

static void test_attached__other_types_are_not_fetched(void **state)
{
    struct scene *s = *state;
    attach(s, &s->image.digest, "application/vnd.dev.cosign.artifact.sig.v1+json", STR("{"));
    attach(s, &s->image.digest, "application/spdx+json", STR("{"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->told.len, 1);
    expect_notice(s, NOTICE_INFO, "no document is attached");
}

/* --- limits and failures: told, and nothing is taken away
 * ------------------------------------------------------------------------------------------- */
static void limit(enum limit_id id, uint64_t value)
{
    struct limits limits = limits_default();
    limits.of[id] = value;
    limits_set(&limits);
}

static void test_attached__too_many_artifacts_are_cut_with_a_notice(void **state)
{
    struct scene *s = *state;
    limit(LIMIT_ID_VEX_DOCUMENTS, 2);
    for (int i = 0; i < 5; i++)
        attach(s, &s->image.digest, OPENVEX,
               openvex(s, arena_printf(&s->arena, "CVE-2024-%d", i).ptr));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 2);
    assert_int_equal(s->told.len, 1);
    expect_notice(s, NOTICE_LIMIT, "vex-documents: more than 2 artifacts");
}

static void test_attached__a_document_that_is_too_large_is_left_out(void **state)
{
    struct scene *s = *state;
    limit(LIMIT_ID_VEX_DOCUMENT, 64);
    attach(s, &s->image.digest, OPENVEX, openvex(s, "CVE-2024-1"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 0);
    expect_notice(s, NOTICE_LIMIT, "more than 64");
}

static void test_attached__statements_have_one_budget(void **state)
{
    struct scene *s = *state;
    digest first = attach(s, &s->image.digest, OPENVEX, openvex(s, "CVE-2024-1"));
    auto_sb text;
    sb_init(&text, 1 << 20);
    sb_addc(&text,
            "{\"@context\": \"https://openvex.dev/ns\", \"statements\": [{\"vulnerability\": "
            "\"CVE-2024-2\", \"status\": \"fixed\", \"products\": [\"x\"");
    for (int i = 0; i < 20000; i++)
        sb_addc(&text, ",\"x\"");
    sb_addc(&text, "]}]}");
    attach(s, &s->image.digest, OPENVEX, sb_str(&text));
    limit(LIMIT_ID_VEX_MEMORY, 512 << 10);
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 1);
    expect_document(s, 0, &first);
    expect_notice(s, NOTICE_LIMIT, "is left out");
}

static void test_attached__what_is_nested_too_deep_is_left_out(void **state)
{
    struct scene *s = *state;
    auto_sb text;
    sb_init(&text, 1 << 20);
    for (int i = 0; i < 100000; i++)
        sb_addc(&text, "[");
    attach(s, &s->image.digest, OPENVEX, sb_str(&text));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 0);
    assert_int_equal(s->told.len, 2);
}

static void test_attached__a_crowd_is_asked_by_type(void **state)
{
    struct scene *s = *state;
    s->shelf.is_crowded = true;
    s->image.index = (digest){0};
    attach(s, &s->image.digest, "application/spdx+json", STR("{}"));
    digest a = attach(s, &s->image.digest, OPENVEX, openvex(s, "CVE-2024-1"));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 1);
    expect_document(s, 0, &a);
    assert_int_equal(s->shelf.n_asked, s->shelf.n_filtered + 1);
    assert_int_equal(s->told.len, 0);
}

static void test_attached__a_dead_registry_is_a_notice_and_a_wish_to_stop_is_not(void **state)
{
    struct scene *s = *state;
    s->shelf.broken = ERR_UNAVAILABLE;
    assert_ok(read_attached(s), s->err);
    expect_notice(s, NOTICE_UNREADABLE, "the line is dead");
    s->shelf.broken = ERR_CANCELLED;
    assert_false(read_attached(s));
    assert_int_equal(s->err.kind, ERR_CANCELLED);
}

static void test_attached__a_tag_of_attestations(void **state)
{
    struct scene *s = *state;
    char tag[REFERRERS_TAG_SIZE];
    digest document = put(&s->shelf, STR("{\"payloadType\": \"application/vnd.in-toto+json\", "
                                         "\"payload\": \"no base64!\"}"));
    str *manifest = arena_new(&s->shelf.arena, str);
    *manifest =
        arena_printf(&s->shelf.arena,
                     "{\"config\": {\"digest\": \"" STR_FMT "\"}, \"layers\": [{\"mediaType\": "
                     "\"application/vnd.dsse.envelope.v1+json\", \"digest\": \"" STR_FMT "\"}]}",
                     STR_ARG(print(&s->arena, &document)), STR_ARG(print(&s->arena, &document)));
    str name = arena_printf(&s->shelf.arena, "%s.att", referrers_tag(&s->image.digest, tag).ptr);
    assert_true(map_put(&s->shelf.tags, name, manifest));
    assert_ok(read_attached(s), s->err);
    assert_int_equal(s->attached.documents.len, 0);
    expect_notice(s, NOTICE_UNREADABLE, "payload of its envelope is not base64");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_attached__documents_of_the_image_and_of_its_index),
        TEST(test_attached__one_document_twice_is_one),
        TEST(test_attached__an_envelope_without_a_subject_says_nothing_of_the_image),
        TEST(test_attached__other_types_are_not_fetched),
        TEST(test_attached__too_many_artifacts_are_cut_with_a_notice),
        TEST(test_attached__a_document_that_is_too_large_is_left_out),
        TEST(test_attached__statements_have_one_budget),
        TEST(test_attached__what_is_nested_too_deep_is_left_out),
        TEST(test_attached__a_crowd_is_asked_by_type),
        TEST(test_attached__a_dead_registry_is_a_notice_and_a_wish_to_stop_is_not),
        TEST(test_attached__a_tag_of_attestations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
