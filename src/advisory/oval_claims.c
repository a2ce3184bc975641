/* SPDX-License-Identifier: Apache-2.0 */
/* oval_claims.c - what the criteria of a definition claim of packages.
 *
 * A tree of AND and OR over tests is walked once.  Tests that speak of the system (a platform, an
 * architecture, a module that is enabled) hold for all packages below the same AND; tests of one
 * package below one AND are the ends of one range.  Left out, since an installed package does not
 * tell: who signed it, whether a kernel is running, `negate`d tests and those that want none.
 * A test that the document lacks (excerpts do) is read by its comment: "X is earlier than V",
 * "X-V-R is installed", "P is installed", "Module M is enabled".  What no reading fits is counted.
 */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct context {
    strs platforms, arches;
    str module;
    bool is_ksplice;
};

struct walking {
    const struct oval_document *document;
    struct arena *arena;
    oval_claims *out;
    size_t n_unknown;
    struct err *err;
};

enum leaf_kind {
    LEAF_IGNORED,
    LEAF_UNKNOWN,
    LEAF_PLATFORM,
    LEAF_ARCH,
    LEAF_MODULE,
    LEAF_KSPLICE,
    LEAF_PACKAGE
};
struct leaf {
    enum leaf_kind kind;
    str text;   /* platform, module */
    strs names; /* of the package */
    strs arches;
    struct oval_value evr; /* empty: whatever the version */
    bool is_denied;        /* "is not affected" */
};

/* --- leaves
 * ------------------------------------------------------------------------------------------- */

static str between(str text, const char *before, const char *after)
{
    str head, tail;
    if (!str_cut(text, str_from(before), &head, &tail) || head.len)
        return STR_NONE;
    return str_ends(tail, str_from(after)) ? str_slice(tail, 0, tail.len - str_from(after).len)
                                           : STR_NONE;
}

static bool is_word(str text) { return text.len && str_find_byte(text, ' ') == text.len; }

/* "aarch64|ppc64le", "(aarch64|x86_64)" or one name; else every architecture. */
static bool add_arches(struct walking *w, str pattern, strs *out)
{
    str name;
    pattern = str_trim(pattern);
    if (str_starts(pattern, STR("(")) && str_ends(pattern, STR(")")))
        pattern = str_slice(pattern, 1, pattern.len - 1);
    size_t before = out->len;
    while (str_next(&pattern, '|', &name)) {
        struct rd in;
        bool is_plain = name.len > 0;
        for (rd_init(&in, name); !rd_is_end(&in);) {
            uint8_t c = rd_u8(&in);
            is_plain = is_plain && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
        }
        if (!is_plain) {
            out->len = before;
            return true;
        }
        if (!str_eq(name, STR("noarch")) && !strs_push(w->arena, out, name, w->err))
            return false;
    }
    return true;
}

/* "xerces-c is earlier than 0:3.1.1-7.el7_1" */
static bool leaf_by_comment(struct walking *w, str comment, struct leaf *out)
{
    str name, rest;
    struct redhat_package package;
    if (str_cut(comment, STR(" is earlier than "), &name, &rest) && is_word(name)) {
        out->kind = is_word(rest) ? LEAF_PACKAGE : LEAF_UNKNOWN;
        out->evr = (struct oval_value){.text = rest, .operation = STR("less than")};
        return strs_push(w->arena, &out->names, name, w->err);
    }
    if (str_cut(comment, STR(" is not affected"), &name, &rest) && is_word(name)) {
        out->kind = LEAF_PACKAGE;
        out->is_denied = true;
        return strs_push(w->arena, &out->names, name, w->err);
    }
    if (str_cut(comment, STR(" is affected"), &name, &rest) && is_word(name)) {
        out->kind = LEAF_PACKAGE;
        return strs_push(w->arena, &out->names, name, w->err);
    }
    if (str_has(comment, STR(" is signed with ")))
        return true;
    if (str_ends(comment, STR(" is ksplice-based"))) {
        out->kind = LEAF_KSPLICE;
        return true;
    }
    if (str_cut(comment, STR(" arch is "), &name, &rest)) {
        out->kind = LEAF_ARCH;
        return add_arches(w, rest, &out->arches);
    }
    out->text = str_ends(comment, STR(" is installed"))
                    ? str_slice(comment, 0, comment.len - STR(" is installed").len)
                    : STR_NONE;
    redhat_nevra(out->text, &package);
    if (is_word(out->text) && package.version.len) {
        out->kind = LEAF_PACKAGE;
        out->evr = (struct oval_value){.text = package.version, .operation = STR("less than")};
        return strs_push(w->arena, &out->names, package.name, w->err);
    }
    out->kind = out->text.len ? LEAF_PLATFORM : LEAF_UNKNOWN;
    return true;
}

static bool names_of(struct walking *w, const struct oval_test *test, strs *out)
{
    const struct oval_object *object = map_get(&w->document->objects, test->object);
    if (!object)
        return true;
    const strs *values =
        object->variable.len ? map_get(&w->document->variables, object->variable) : &object->names;
    for (size_t i = 0; values && i < values->len; i++) {
        if (!strs_push(w->arena, out, values->ptr[i], w->err))
            return false;
    }
    return true;
}

static bool is_operation(str operation)
{
    static const char *const known[] = {
        "", "equals", "less than", "less than or equal", "greater than", "greater than or equal"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(operation, str_from(known[i])))
            return true;
    }
    return false;
}

/* A test of a package whose object and states are here. */
static bool leaf_by_test(struct walking *w, const struct oval_test *test, str comment,
                         struct leaf *out)
{
    struct oval_value version = {0};
    bool has_other = false;
    if (!names_of(w, test, &out->names))
        return false;
    for (size_t i = 0; i < test->states.len; i++) {
        const struct oval_state *state = map_get(&w->document->states, test->states.ptr[i]);
        if (!state || (state->evr.text.len && !is_operation(state->evr.operation))) {
            *out = (struct leaf){0};
            return leaf_by_comment(w, comment, out);
        }
        if (state->evr.text.len)
            out->evr = state->evr;
        if (state->version.text.len)
            version = state->version;
        if (!add_arches(w, state->arch.text, &out->arches))
            return false;
        has_other |= state->has_other;
    }
    if (!out->names.len)
        return leaf_by_comment(w, comment, out);
    bool is_release = str_ends(out->names.ptr[0], STR("-release"));
    if (out->evr.text.len || !test->states.len) {
        out->kind = LEAF_PACKAGE;
    } else if (version.text.len && str_ends(comment, STR(" is not affected"))) {
        out->kind = LEAF_PACKAGE;
        out->is_denied = true;
    } else if (version.text.len || is_release) {
        out->kind = out->arches.len ? LEAF_ARCH : LEAF_PLATFORM;
        out->text = str_ends(comment, STR(" is installed"))
                        ? str_slice(comment, 0, comment.len - STR(" is installed").len)
                        : comment;
    } else if (str_has(comment, STR("ksplice"))) {
        out->kind = LEAF_KSPLICE;
    } else {
        out->kind = has_other ? LEAF_IGNORED : LEAF_UNKNOWN;
    }
    return true;
}

static bool read_leaf(struct walking *w, const struct oval_node *node, struct leaf *out)
{
    const struct oval_test *test = map_get(&w->document->tests, node->test);
    *out = (struct leaf){0};
    str module = between(node->comment, "Module ", " is enabled");
    if (module.len) {
        out->kind = LEAF_MODULE;
        out->text = module;
        return true;
    }
    if (node->is_negated || (test && (test->is_none || test->kind == OVAL_KERNEL)))
        return true;
    if (!test)
        return leaf_by_comment(w, node->comment, out);
    if (test->kind == OVAL_PACKAGE)
        return leaf_by_test(w, test, node->comment, out);
    if (str_ends(node->comment, STR(" is installed"))) {
        out->kind = LEAF_PLATFORM;
        out->text = str_slice(node->comment, 0, node->comment.len - STR(" is installed").len);
    }
    return true;
}

/* --- claims
 * ------------------------------------------------------------------------------------------- */

static str without_zero_epoch(str version)
{
    return str_starts(version, STR("0:")) ? str_skip(version, 2) : version;
}

/* One more end of a range. */
static void add_end(struct oval_claim *claim, const struct oval_value *evr)
{
    str version = without_zero_epoch(evr->text);
    if (str_eq(evr->operation, STR("less than")))
        claim->range.fixed = version;
    else if (str_eq(evr->operation, STR("less than or equal")))
        claim->range.last_affected = version;
    else if (str_starts(evr->operation, STR("greater than")))
        claim->range.introduced = str_eq(version, STR("0-0")) ? STR("0") : version;
    else
        claim->exact = version;
}

static struct oval_claim *claim_of(struct walking *w, const struct leaf *leaf, size_t from)
{
    for (size_t i = from; i < w->out->len; i++) {
        struct oval_claim *claim = &w->out->ptr[i];
        if (claim->names.len == leaf->names.len &&
            str_eq(claim->names.ptr[0], leaf->names.ptr[0]) && claim->is_denied == leaf->is_denied)
            return claim;
    }
    return NULL;
}

static bool add_claim(struct walking *w, const struct context *context, const struct leaf *leaf,
                      const struct oval_node *node, size_t from, bool is_and)
{
    struct oval_claim *claim = is_and ? claim_of(w, leaf, from) : NULL;
    if (!claim) {
        claim = vec_push(w->arena, w->out);
        if (!claim)
            return err_memory(w->err);
        claim->names = leaf->names;
        claim->platforms = context->platforms;
        claim->module = context->module;
        claim->is_ksplice = context->is_ksplice;
        claim->arches = leaf->arches.len ? leaf->arches : context->arches;
        claim->comment = node->comment;
        claim->is_denied = leaf->is_denied;
    }
    if (leaf->evr.text.len)
        add_end(claim, &leaf->evr);
    return true;
}

static bool extend(struct walking *w, strs *list, const strs *more)
{
    for (size_t i = 0; i < more->len; i++) {
        if (!strs_push(w->arena, list, more->ptr[i], w->err))
            return false;
    }
    return true;
}

/* Lists grow in copies: a context is shared by what lies below it. */
static bool fork_strs(struct walking *w, strs *list)
{
    strs copy = {0};
    if (!extend(w, &copy, list))
        return false;
    *list = copy;
    return true;
}

static bool apply(struct walking *w, const struct leaf *leaf, struct context *context)
{
    switch (leaf->kind) {
    case LEAF_PLATFORM:
        return strs_push(w->arena, &context->platforms, leaf->text, w->err);
    case LEAF_ARCH:
        return extend(w, &context->arches, &leaf->arches);
    case LEAF_MODULE:
        context->module = leaf->text;
        return true;
    case LEAF_KSPLICE:
        context->is_ksplice = true;
        return true;
    case LEAF_IGNORED:
    case LEAF_UNKNOWN:
    case LEAF_PACKAGE:
        break;
    }
    return true;
}

/* Does @node hold conditions and no package?  An OR of platforms is one condition. */
static bool is_condition(struct walking *w, const struct oval_node *node, bool *out, int depth)
{
    struct leaf leaf;
    *out = true;
    if (node->kind == OVAL_CRITERION) {
        if (!read_leaf(w, node, &leaf))
            return false;
        *out = leaf.kind != LEAF_PACKAGE && leaf.kind != LEAF_UNKNOWN;
        return true;
    }
    for (size_t i = 0; *out && i < node->children.len && depth < 4; i++) {
        if (!is_condition(w, node->children.ptr[i], out, depth + 1))
            return false;
    }
    return true;
}

static bool add_conditions(struct walking *w, const struct oval_node *node, struct context *context)
{
    struct leaf leaf;
    if (node->kind == OVAL_CRITERION)
        return read_leaf(w, node, &leaf) && apply(w, &leaf, context);
    for (size_t i = 0; i < node->children.len; i++) {
        if (!add_conditions(w, node->children.ptr[i], context))
            return false;
    }
    return true;
}

/* Trees are at most CRITERIA_DEPTH deep (oval.c). */
static bool walk(struct walking *w, const struct oval_node *node, struct context context,
                 size_t from, bool is_and)
{
    struct leaf leaf;
    bool is_one;
    if (node->kind == OVAL_CRITERION) {
        if (!read_leaf(w, node, &leaf))
            return false;
        w->n_unknown += leaf.kind == LEAF_UNKNOWN;
        return leaf.kind != LEAF_PACKAGE || add_claim(w, &context, &leaf, node, from, is_and);
    }
    if (node->is_negated)
        return true;
    bool is_own_and = node->kind == OVAL_AND;
    if (!fork_strs(w, &context.platforms) || !fork_strs(w, &context.arches))
        return false;
    for (size_t i = 0; is_own_and && i < node->children.len; i++) {
        const struct oval_node *child = node->children.ptr[i];
        if (!is_condition(w, child, &is_one, 0) ||
            (is_one && !child->is_negated && !add_conditions(w, child, &context)))
            return false;
    }
    size_t own_from = w->out->len;
    for (size_t i = 0; i < node->children.len; i++) {
        if (!walk(w, node->children.ptr[i], context, own_from, is_own_and))
            return false;
    }
    return true;
}

bool oval_claim(const struct oval_document *document, const struct oval_definition *definition,
                struct arena *arena, oval_claims *out, size_t *n_unknown, struct err *err)
{
    struct walking w = {.document = document, .arena = arena, .out = out, .err = err};
    struct context context = {0};
    out->len = 0;
    bool is_ok = !definition->criteria || walk(&w, definition->criteria, context, 0, true);
    *n_unknown = w.n_unknown;
    return is_ok;
}
