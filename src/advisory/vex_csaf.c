/* SPDX-License-Identifier: Apache-2.0 */
/* vex_csaf.c - statements of a CSAF document (profile 5, VEX; other profiles say the same with
 * less). A component within a product is a subcomponent of it.  What status, flag and impact are
 * the same for is one statement. */
#include "advisory/internal.h"
#include "base/num.h"

static const struct {
    const char *list;
    enum vex_status status;
} LISTS[] = {
    {"fixed", VEX_FIXED},
    {"first_fixed", VEX_FIXED},
    {"known_affected", VEX_AFFECTED},
    {"first_affected", VEX_AFFECTED},
    {"last_affected", VEX_AFFECTED},
    {"known_not_affected", VEX_NOT_AFFECTED},
    {"under_investigation", VEX_UNDER_INVESTIGATION},
};

static str name_of(const struct csaf_product *product)
{
    if (!product)
        return STR_NONE;
    if (product->purl.len)
        return product->purl;
    return product->cpe.len ? product->cpe : product->name;
}

static str text_of(const struct csaf_product *product, enum vex_status status)
{
    return status == VEX_NOT_AFFECTED ? product->impact : product->remedy_text;
}

/* The statement of @from on that says so; a new one. */
static struct vex_statement *statement_of(struct vex_reading *v, size_t from, str vulnerability,
                                          const strs *aliases, const struct csaf_product *product,
                                          enum vex_status status)
{
    str text = text_of(product, status);
    for (size_t i = v->out->len; i > from; i--) {
        struct vex_statement *old = &v->out->ptr[i - 1];
        if (old->status == status && str_eq(old->justification, product->flag) &&
            str_eq(old->text, text))
            return old;
    }
    struct vex_statement *fresh = vex_add(v);
    if (!fresh)
        return NULL;
    fresh->vulnerability = vulnerability;
    fresh->aliases = *aliases;
    fresh->status = status;
    fresh->justification = vex_own(v, product->flag);
    fresh->text = vex_own(v, text);
    return fresh;
}

static void add_product(struct vex_reading *v, const struct csaf_tree *tree,
                        const struct csaf_product *product, struct vex_statement *statement)
{
    struct vex_product *out = vex_add_product(v, statement);
    if (!out)
        return;
    out->id = vex_own(v, name_of(product->component.len ? csaf_platform(tree, product) : product));
    if (product->component.len)
        vex_push(v, &out->subcomponents, name_of(csaf_component(tree, product)));
}

static bool read_vulnerability(struct vex_reading *v, struct csaf_tree *tree, const json_t *item)
{
    const json_t *ids = json_arr(item, "ids"), *statuses = json_obj(item, "product_status");
    str name = vex_own(v, json_str(item, "cve"));
    strs aliases = {0};
    size_t from = v->out->len;
    for (size_t i = 0; i < json_array_size(ids); i++) {
        str id = json_str(json_array_get(ids, i), "text");
        if (!name.len)
            name = vex_own(v, id);
    }
    if (!name.len)
        return err_set(v->err, ERR_FORMAT, "a vulnerability without an id");
    csaf_facts(tree, item);
    for (size_t l = 0; l < ARRAY_LEN(LISTS) && !v->has_failed; l++) {
        const json_t *list = json_arr(statuses, LISTS[l].list);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const struct csaf_product *product =
                csaf_product(tree, json_str_of(json_array_get(list, i)));
            struct vex_statement *statement =
                product ? statement_of(v, from, name, &aliases, product, LISTS[l].status) : NULL;
            if (statement)
                add_product(v, tree, product, statement);
        }
    }
    return true;
}

bool vex_read_csaf(struct vex_reading *v, const json_t *root)
{
    struct csaf_tree tree;
    const json_t *document = json_obj(root, "document"), *tracking = json_obj(document, "tracking"),
                 *list = json_arr(root, "vulnerabilities");
    v->document = vex_own(v, json_str(tracking, "id"));
    v->author = vex_own(v, json_str(json_obj(document, "publisher"), "name"));
    v->timestamp = vex_own(v, json_str(tracking, "current_release_date"));
    if (!csaf_tree_read(root, v->arena, &tree, v->err))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_vulnerability(v, &tree, json_array_get(list, i)))
            return false;
    }
    return true;
}
