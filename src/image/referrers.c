/* SPDX-License-Identifier: Apache-2.0 */
/* referrers.c - what a list of referrers is, wherever it lies: an index whose children have the
 * image as their subject. */
#include "image/internal.h"

#include "base/limits.h"

#include <stdio.h>

str referrers_tag(const digest *subject, char out[static REFERRERS_TAG_SIZE])
{
    char text[DIGEST_TEXT_SIZE];
    str algorithm, hex;
    str_cut_byte(digest_print(subject, text), ':', &algorithm, &hex);
    int n = snprintf(out, REFERRERS_TAG_SIZE, "%.*s-%.*s", STR_ARG(algorithm), STR_ARG(hex));
    return str_of(out, n > 0 ? (size_t)n : 0);
}

bool referrers_add(struct arena *arena, const struct manifest *index, str artifact_type,
                   descriptors *out, struct err *err)
{
    if (index->kind != MANIFEST_INDEX)
        return err_set(err, ERR_FORMAT, "a list of referrers that is no index");
    for (size_t i = 0; i < index->children.len; i++) {
        const struct descriptor *child = &index->children.ptr[i];
        if (artifact_type.len && child->artifact_type.len &&
            !str_eq(child->artifact_type, artifact_type))
            continue;
        if (out->len >= LIMIT(REFERRERS))
            return err_set(err, ERR_LIMIT, "referrers: more than %llu manifests refer to it",
                           (unsigned long long)LIMIT(REFERRERS));
        struct descriptor *slot = vec_push(arena, out);
        if (!slot)
            return err_memory(err);
        *slot = *child;
    }
    return true;
}
