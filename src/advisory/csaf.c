/* SPDX-License-Identifier: Apache-2.0 */
/* csaf.c - what a CSAF 2.0 document (OASIS, sections 3.2.2 and 3.2.3) says of its products: the
 * tree of products, their relationships, and what a vulnerability says of each.  Not: what a
 * vendor's products are in our words. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

enum { BRANCH_DEPTH = 64, PARTS_DEPTH = 4 };

struct csaf_product *csaf_product(const struct csaf_tree *tree, str id)
{
    return map_get(&tree->products, id);
}

static bool add_product(struct csaf_tree *tree, const json_t *product, str component, str platform,
                        struct err *err)
{
    const json_t *names = json_obj(product, "product_identification_helper"),
                 *purls = json_arr(names, "purls"); /* CSAF 2.1 */
    str id = json_str(product, "product_id");
    if (str_is_empty(id))
        return true; /* the schema forbids it, and nothing can refer to it */
    struct csaf_product *own = arena_new(tree->arena, struct csaf_product);
    if (!own || !map_put(&tree->products, id, own))
        return err_memory(err);
    *own = (struct csaf_product){.id = id,
                                 .name = json_str(product, "name"),
                                 .purl = json_str(names, "purl"),
                                 .cpe = json_str(names, "cpe"),
                                 .component = component,
                                 .platform = platform};
    if (str_is_empty(own->purl))
        own->purl = json_str_of(json_array_get(purls, 0));
    return true;
}

static bool add_branches(struct csaf_tree *tree, const json_t *branches, int depth, struct err *err)
{
    if (depth > BRANCH_DEPTH)
        return err_set(err, ERR_LIMIT, "branches nest deeper than %d", BRANCH_DEPTH);
    for (size_t i = 0; i < json_array_size(branches); i++) {
        const json_t *branch = json_array_get(branches, i), *product = json_obj(branch, "product");
        if (product && !add_product(tree, product, STR_NONE, STR_NONE, err))
            return false;
        if (!add_branches(tree, json_arr(branch, "branches"), depth + 1, err))
            return false;
    }
    return true;
}

bool csaf_tree_read(const json_t *root, struct arena *arena, struct csaf_tree *out, struct err *err)
{
    const json_t *tree = json_obj(root, "product_tree"),
                 *alone = json_arr(tree, "full_product_names"),
                 *relations = json_arr(tree, "relationships"),
                 *groups = json_arr(tree, "product_groups");
    out->arena = arena;
    map_init(&out->products, arena);
    map_init(&out->groups, arena);
    if (!add_branches(out, json_arr(tree, "branches"), 0, err))
        return false;
    for (size_t i = 0; i < json_array_size(alone); i++) {
        if (!add_product(out, json_array_get(alone, i), STR_NONE, STR_NONE, err))
            return false;
    }
    for (size_t i = 0; i < json_array_size(relations); i++) {
        const json_t *relation = json_array_get(relations, i);
        if (!add_product(out, json_obj(relation, "full_product_name"),
                         json_str(relation, "product_reference"),
                         json_str(relation, "relates_to_product_reference"), err))
            return false;
    }
    for (size_t i = 0; i < json_array_size(groups); i++) {
        json_t *group = json_array_get(groups, i), *ids = json_arr(group, "product_ids");
        if (ids && !map_put(&out->groups, json_str(group, "group_id"), ids))
            return err_memory(err);
    }
    return true;
}

const struct csaf_product *csaf_component(const struct csaf_tree *tree,
                                          const struct csaf_product *product)
{
    for (int i = 0; product && product->component.len && i < PARTS_DEPTH; i++)
        product = csaf_product(tree, product->component);
    return product;
}

const struct csaf_product *csaf_platform(const struct csaf_tree *tree,
                                         const struct csaf_product *product)
{
    for (int i = 0; product && product->platform.len && i < PARTS_DEPTH; i++)
        product = csaf_product(tree, product->platform);
    return product;
}

/* --- what a vulnerability says of them
 * ----------------------------------------------------------------------- */

typedef void set_fact(struct csaf_product *product, const json_t *item);

static void set_each(const struct csaf_tree *tree, const json_t *ids, const json_t *item,
                     set_fact *set)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        struct csaf_product *product = csaf_product(tree, json_str_of(json_array_get(ids, i)));
        if (product)
            set(product, item);
    }
}

static void set_all(const struct csaf_tree *tree, const json_t *list, set_fact *set)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *groups = json_arr(item, "group_ids");
        if (!groups && !json_arr(item, "product_ids")) /* of the vulnerability as a whole */
            for (size_t j = 0; j < tree->products.len; j++)
                set(tree->products.entries[j].value, item);
        set_each(tree, json_arr(item, "product_ids"), item, set);
        for (size_t j = 0; j < json_array_size(groups); j++)
            set_each(tree, map_get(&tree->groups, json_str_of(json_array_get(groups, j))), item,
                     set);
    }
}

static void set_flag(struct csaf_product *product, const json_t *item)
{
    product->flag = json_str(item, "label");
}

static void set_impact(struct csaf_product *product, const json_t *item)
{
    if (str_eq(json_str(item, "category"), STR("impact")))
        product->impact = json_str(item, "details");
}

/* What will come, not what to do meanwhile. */
static void set_remedy(struct csaf_product *product, const json_t *item)
{
    str category = json_str(item, "category");
    if (str_eq(category, STR("workaround")) || str_eq(category, STR("mitigation")))
        return;
    product->remedy = category;
    product->remedy_text = json_str(item, "details");
}

void csaf_facts(struct csaf_tree *tree, const json_t *vulnerability)
{
    for (size_t i = 0; i < tree->products.len; i++) {
        struct csaf_product *product = tree->products.entries[i].value;
        product->flag = product->impact = product->remedy = product->remedy_text = STR_NONE;
    }
    set_all(tree, json_arr(vulnerability, "flags"), set_flag);
    set_all(tree, json_arr(vulnerability, "threats"), set_impact);
    set_all(tree, json_arr(vulnerability, "remediations"), set_remedy);
}

str csaf_note(const json_t *notes, const char *category)
{
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const json_t *note = json_array_get(notes, i);
        if (str_eq(json_str(note, "category"), str_from(category)))
            return json_str(note, "text");
    }
    return STR_NONE;
}
