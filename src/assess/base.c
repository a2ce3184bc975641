/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - which layers are the base image's.  Layers are told by their diff-ids: a registry may
 * have compressed the same layer anew, and its digest is then another one. */
#include "assess/assess.h"

#include "base/sb.h"

static bool begins_with(const digest *diff_ids, size_t n, const struct layer_chain *chain)
{
    if (chain->n > n)
        return false;
    for (size_t i = 0; i < chain->n; i++)
        if (digest_is_none(&chain->diff_ids[i]) || !digest_eq(&chain->diff_ids[i], &diff_ids[i]))
            return false;
    return true;
}

size_t assess_base(const digest *diff_ids, size_t n, const struct layer_chain *chains,
                   size_t n_chains, size_t *which)
{
    size_t longest = 0;
    for (size_t i = 0; i < n_chains; i++) {
        if (chains[i].n <= longest || !begins_with(diff_ids, n, &chains[i]))
            continue;
        longest = chains[i].n;
        if (which)
            *which = i;
    }
    return longest;
}

static digest chain_above(const digest *below, const digest *layer)
{
    char lower[DIGEST_TEXT_SIZE], upper[DIGEST_TEXT_SIZE];
    auto_sb text;
    sb_init(&text, (size_t)4 * DIGEST_TEXT_SIZE);
    sb_add(&text, digest_print(below, lower));
    sb_addc(&text, " ");
    sb_add(&text, digest_print(layer, upper));
    return text.has_failed ? (digest){0} : digest_of(HASH_SHA256, sb_str(&text));
}

void assess_chain_ids(const digest *diff_ids, size_t n, digest *out)
{
    for (size_t i = 0; i < n; i++) {
        bool is_known = !digest_is_none(&diff_ids[i]) && (i == 0 || !digest_is_none(&out[i - 1]));
        if (!is_known)
            out[i] = (digest){0};
        else
            out[i] = i ? chain_above(&out[i - 1], &diff_ids[i]) : diff_ids[0];
    }
}
