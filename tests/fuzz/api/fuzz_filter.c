/* SPDX-License-Identifier: Apache-2.0 */
/* $filter of a request: whatever is taken reads back, and nothing is read beyond. */
#include "api/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"roleName",  "tagName",      "tagValue",
                                        "atScope()", "assignedTo()", NULL};
    struct arena arena;
    struct err err = {0};
    filter_terms terms = {0};
    struct http_request req = {0};
    arena_init(&arena, MIB);
    req.arena = &arena;
    struct http_query *query = vec_push(&arena, &req.query);
    if (query) {
        *query = (struct http_query){STR("$filter"), str_of((const char *)data, size)};
        struct api_call call = {.arena = &arena, .req = &req};
        bool is_taken = api_filter(&call, names, &terms, &err);
        size_t sum = 0;
        for (size_t i = 0; is_taken && i < terms.len; i++) {
            for (size_t k = 0; k < terms.ptr[i].name.len; k++)
                sum += (unsigned char)terms.ptr[i].name.ptr[k];
            for (size_t k = 0; k < terms.ptr[i].value.len; k++)
                sum += (unsigned char)terms.ptr[i].value.ptr[k];
        }
        if (is_taken)
            sum += api_has_tag(STR("{\"a\":\"b\"}"), &terms);
        if (is_taken && terms.len && !sum)
            abort(); /* a term has a name */
    }
    arena_fini(&arena);
    return 0;
}
