/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds.h"

static void parse(struct arena *arena, str text, vex_statements *out)
{
    struct err err = {0};
    assert_ok(vex_parse(text, arena, out, &err), err);
}

static void test_vex__openvex(void **state)
{
    (void)state;
    struct arena arena;
    vex_statements list;
    arena_init(&arena, 1 << 22);
    parse(&arena, test_data(&arena, "advisory/openvex.json"), &list);
    assert_int_equal(list.len, 4);
    const struct vex_statement *s = &list.ptr[0];
    assert_str(s->vulnerability, "CVE-2024-10001");
    assert_int_equal(s->aliases.len, 1); /* a URL is none */
    assert_int_equal(s->status, VEX_NOT_AFFECTED);
    assert_str(s->justification, "vulnerable_code_not_present");
    assert_str(s->text, "we do not call it");
    assert_str(s->author, "Demo Ltd.");
    assert_str(s->timestamp, "2024-02-01T00:00:00Z");
    assert_int_equal(s->products.len, 4);
    assert_str(s->products.ptr[0].subcomponents.ptr[1], "pkg:golang/example.com/lib@v1.0.0");
    assert_str(s->products.ptr[2].id, "pkg:maven/org.demo/app@2.0");
    assert_str(s->products.ptr[3].digest, "sha256:abcdef");
    assert_int_equal(list.ptr[1].status, VEX_FIXED);
    assert_str(list.ptr[1].timestamp, "2024-01-01T00:00:00Z");
    assert_str(list.ptr[2].text, "update");
    assert_int_equal(list.ptr[3].status, VEX_UNDER_INVESTIGATION);
    arena_fini(&arena);
}

static void test_vex__an_attestation_holds_one(void **state)
{
    (void)state;
    struct arena arena;
    vex_statements list;
    arena_init(&arena, 1 << 20);
    parse(&arena,
          STR("{\"_type\": \"https://in-toto.io/Statement/v1\", \"predicateType\": "
              "\"https://openvex.dev/ns/v0.2.0\", \"predicate\": {\"author\": \"a\", "
              "\"statements\": [{\"vulnerability\": \"CVE-2024-10001\", \"products\": "
              "[\"pkg:npm/a@1\"], \"subcomponents\": [\"pkg:npm/b@2\"], \"status\": \"fixed\"}]}}"),
          &list);
    assert_int_equal(list.len, 1); /* in the words of 0.0.1 */
    assert_str(list.ptr[0].vulnerability, "CVE-2024-10001");
    assert_str(list.ptr[0].products.ptr[0].id, "pkg:npm/a@1");
    assert_str(list.ptr[0].products.ptr[0].subcomponents.ptr[0], "pkg:npm/b@2");
    arena_fini(&arena);
}

/* {"predicateType": "https://openvex.dev/ns", "subject": [{"name": "a", "digest": {"sha256":
 * "abc"}}], "predicate": {"@id": "x", "statements": [{"vulnerability": "CVE-2024-10001",
 * "products": ["pkg:npm/a@1"], "status": "fixed"}]}} */
#define STATEMENT_BASE64                                                                           \
    "eyJwcmVkaWNhdGVUeXBlIjogImh0dHBzOi8vb3BlbnZleC5kZXYvbnMiLCAic3ViamVjdCI6IFt7Im5hbWUiOi"       \
    "AiYSIsICJkaWdlc3QiOiB7InNoYTI1NiI6ICJhYmMifX1dLCAicHJlZGljYXRlIjogeyJAaWQiOiAieCIsICJz"       \
    "dGF0ZW1lbnRzIjogW3sidnVsbmVyYWJpbGl0eSI6ICJDVkUtMjAyNC0xMDAwMSIsICJwcm9kdWN0cyI6IFsicG"       \
    "tnOm5wbS9hQDEiXSwgInN0YXR1cyI6ICJmaXhlZCJ9XX19"

static void test_vex__envelopes_are_opened_once(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"payloadType\": \"application/vnd.in-toto+json\", \"payload\": \"" STATEMENT_BASE64
        "\"}",
        "{\"dsseEnvelope\": {\"payloadType\": \"application/vnd.in-toto+json\", \"payload\": "
        "\"" STATEMENT_BASE64 "\"}}"};
    struct arena arena;
    struct err err = {0};
    struct vex_document document;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(vex_document_parse(str_from(good[i]), &arena, &document, &err), err);
        assert_true(document.is_in_envelope && document.is_attestation);
        assert_int_equal(document.statements.len, 1);
        assert_int_equal(document.statements.ptr[0].status, VEX_FIXED);
        assert_str(document.id, "x");
        assert_int_equal(document.subjects.len, 1);
        assert_str(document.subjects.ptr[0], "sha256:abc");
    }
    /* an envelope within an envelope is not opened: {"payload": "e30=", "payloadType": "x"} */
    assert_false(
        vex_document_parse(STR("{\"payloadType\": \"application/vnd.in-toto+json\", \"payload\": "
                               "\"eyJwYXlsb2FkIjogImUzMD0iLCAicGF5bG9hZFR5cGUiOiAieCJ9\"}"),
                           &arena, &document, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    err = (struct err){0};
    assert_false(vex_document_parse(STR("{\"payloadType\": \"text/plain\", \"payload\": \"e30=\"}"),
                                    &arena, &document, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    err = (struct err){0};
    assert_false(vex_document_parse(
        STR("{\"payloadType\": \"application/vnd.in-toto+json\", \"payload\": \"e3\"}"), &arena,
        &document, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    arena_fini(&arena);
}

static void test_vex__cyclonedx(void **state)
{
    (void)state;
    struct arena arena;
    vex_statements list;
    arena_init(&arena, 1 << 22);
    parse(&arena, test_data(&arena, "advisory/cyclonedx-vex.json"), &list);
    assert_int_equal(list.len, 5); /* one without analysis says nothing */
    const struct vex_statement *s = &list.ptr[0];
    assert_int_equal(s->status, VEX_NOT_AFFECTED);
    assert_str(s->justification, "vulnerable_code_not_in_execute_path");
    assert_str(s->aliases.ptr[0], "GHSA-aaaa-bbbb-cccc");
    assert_int_equal(s->products.len, 2);
    assert_str(s->products.ptr[0].id, "pkg:oci/app?repository_url=ghcr.io/demo/app");
    assert_str(s->products.ptr[1].subcomponents.ptr[0], "pkg:npm/inner@2.0.0");
    s = &list.ptr[1];
    assert_int_equal(s->status, VEX_AFFECTED);
    assert_int_equal(s->products.ptr[0].subcomponents.len, 0); /* the product itself */
    assert_str(s->products.ptr[1].subcomponents.ptr[0], "pkg:npm/other@3.0.0");
    assert_int_equal(list.ptr[2].status, VEX_AFFECTED);
    assert_str(list.ptr[2].products.ptr[0].subcomponents.ptr[0], "pkg:npm/lib@1.0.0");
    assert_int_equal(list.ptr[3].status, VEX_NOT_AFFECTED);
    assert_str(list.ptr[3].products.ptr[0].subcomponents.ptr[0], "pkg:npm/lib@1.0.1");
    assert_int_equal(list.ptr[4].status, VEX_FIXED);
    arena_fini(&arena);
}

static void test_vex__csaf(void **state)
{
    (void)state;
    struct arena arena;
    vex_statements list;
    arena_init(&arena, 1 << 22);
    parse(&arena, test_data(&arena, "advisory/csaf.json"), &list);
    size_t n[4] = {0};
    for (size_t i = 0; i < list.len; i++) {
        n[list.ptr[i].status] += list.ptr[i].products.len;
        assert_str(list.ptr[i].vulnerability, "CVE-2024-77777");
        assert_str(list.ptr[i].author, "Demo");
    }
    assert_int_equal(n[VEX_FIXED], 9);
    assert_int_equal(n[VEX_AFFECTED], 2);
    assert_int_equal(n[VEX_NOT_AFFECTED], 2);
    assert_int_equal(n[VEX_UNDER_INVESTIGATION], 1);
    for (size_t i = 0; i < list.len; i++) {
        if (list.ptr[i].status == VEX_NOT_AFFECTED) {
            assert_str(list.ptr[i].justification, "component_not_present");
            assert_str(list.ptr[i].products.ptr[0].id, "cpe:/o:redhat:enterprise_linux:6");
        }
    }
    arena_fini(&arena);
}

static void test_vex__what_is_none_says_so(void **state)
{
    (void)state;
    struct arena arena;
    vex_statements list;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    assert_false(vex_parse(STR("{\"a\": 1}"), &arena, &list, &err));
    assert_int_equal(err.kind, ERR_UNSUPPORTED);
    assert_false(vex_parse(STR("{"), &arena, &list, &err));
    assert_int_equal(err.kind, ERR_FORMAT);
    assert_false(vex_parse(STR("{\"@context\": \"https://openvex.dev/ns\", \"statements\": "
                               "[{\"vulnerability\": \"CVE-2024-10001\", \"status\": \"fine\"}]}"),
                           &arena, &list, &err));
    assert_int_equal(err.kind, ERR_FORMAT); /* never taken for "not affected" */
    arena_fini(&arena);
}

static void test_vex__products_have_keys(void **state)
{
    (void)state;
    static const struct {
        const char *product, *ecosystem, *name;
    } rows[] = {
        {"pkg:oci/app@sha256%3Aabc?repository_url=ghcr.io%2Fdemo%2Fapp", "VEX:oci",
         "ghcr.io/demo/app"},
        {"pkg:oci/app?repository_url=https://ghcr.io/demo/app/", "VEX:oci", "ghcr.io/demo/app"},
        {"pkg:oci/app", "VEX:oci", "app"},
        {"ghcr.io/demo/app:1.0@sha256:abc", "VEX:oci", "ghcr.io/demo/app"},
        {"localhost:5000/app@sha256:abc", "VEX:oci", "localhost:5000/app"},
        {"sha256:abc", "VEX:oci", "sha256:abc"},
        {"pkg:golang/example.com/app@v1.0", "VEX:golang", "example.com/app"},
        {"pkg:maven/org.demo/app@2.0", "VEX:maven", "org.demo:app"},
        {"pkg:npm/%40a/b", "VEX:npm", "@a/b"},
        {"cpe:/o:demo:os:1", "VEX:other", "cpe:/o:demo:os:1"},
    };
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        str ecosystem, name;
        assert_ok(vex_product_key(str_from(rows[i].product), &arena, &ecosystem, &name, &err), err);
        assert_str(ecosystem, rows[i].ecosystem);
        assert_str(name, rows[i].name);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vex__openvex),
        cmocka_unit_test(test_vex__an_attestation_holds_one),
        cmocka_unit_test(test_vex__envelopes_are_opened_once),
        cmocka_unit_test(test_vex__cyclonedx),
        cmocka_unit_test(test_vex__csaf),
        cmocka_unit_test(test_vex__what_is_none_says_so),
        cmocka_unit_test(test_vex__products_have_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
