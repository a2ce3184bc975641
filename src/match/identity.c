/* SPDX-License-Identifier: Apache-2.0 */
/* identity.c - which claims on a package are about the same vulnerability.
 *
 * The canonical id is the CVE.  A record that is about one CVE, by its id or among its aliases,
 * belongs to it; one that names several (a DSA) belongs to each, and never glues them together: two
 * GHSA with different CVEs stay apart, whatever list names both.  A record without a CVE takes
 * those of the records it shares a name with; where there are none, records that share names are
 * one vulnerability, called by its smallest GHSA, else by its smallest record id. */
#include "match/internal.h"

#include "base/map.h"
#include "base/num.h"

#include <stdlib.h>

static bool is_number(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

static bool is_cve(str id)
{
    str year, number;
    return str_starts(id, STR("CVE-")) && str_cut_byte(str_skip(id, 4), '-', &year, &number) &&
           is_number(year) && is_number(number);
}

str identity_cve(str id)
{
    size_t at = str_find(id, STR("-CVE-"));
    str inner = at < id.len ? str_skip(id, at + 1) : id; /* DEBIAN-CVE-2024-1 */
    return is_cve(inner) ? inner : STR_NONE;
}

struct names {
    const struct claim *claim;
    strs cves;     /* of the record itself */
    size_t parent; /* of those without: union-find */
};
struct union_state {
    struct arena *arena;
    struct names *all;
    size_t n;
    struct map cves_of; /* name → strs: CVEs of the records that bear it */
    struct map bearer;  /* name → struct names without CVE that bears it */
    link_list *out;
};

static bool add_unique(struct arena *arena, strs *to, str s)
{
    for (size_t i = 0; i < to->len; i++)
        if (str_eq(to->ptr[i], s))
            return true;
    str *slot = vec_push(arena, to);
    if (slot)
        *slot = s;
    return slot != NULL;
}

/* Name @i of a record: its id, then its aliases. */
static str name_of(const struct advisory *advisory, size_t i)
{
    return i == 0 ? advisory->id : advisory->aliases.ptr[i - 1];
}
static size_t n_names(const struct advisory *advisory) { return advisory->aliases.len + 1; }

static bool find_cves(struct union_state *u, struct names *names)
{
    const struct advisory *advisory = names->claim->advisory;
    for (size_t i = 0; i < n_names(advisory); i++) {
        str cve = identity_cve(name_of(advisory, i));
        if (cve.len && !add_unique(u->arena, &names->cves, cve))
            return false;
        if (i == 0 && cve.len)
            return true; /* its own id is a CVE: it is about that one */
    }
    return true;
}

/* Every name of a record with CVEs leads to them. */
static bool publish_cves(struct union_state *u, const struct names *names)
{
    const struct advisory *advisory = names->claim->advisory;
    for (size_t i = 0; i < n_names(advisory); i++) {
        str name = name_of(advisory, i);
        if (identity_cve(name).len)
            continue;
        void **slot = map_at(&u->cves_of, name);
        if (slot && !*slot)
            *slot = arena_new(u->arena, strs);
        if (!slot || !*slot)
            return false;
        for (size_t j = 0; j < names->cves.len; j++)
            if (!add_unique(u->arena, *slot, names->cves.ptr[j]))
                return false;
    }
    return true;
}

static size_t root_of(struct union_state *u, size_t i)
{
    while (u->all[i].parent != i) {
        u->all[i].parent = u->all[u->all[i].parent].parent;
        i = u->all[i].parent;
    }
    return i;
}

static bool unite(struct union_state *u, size_t at)
{
    const struct advisory *advisory = u->all[at].claim->advisory;
    for (size_t i = 0; i < n_names(advisory); i++) {
        void **slot = map_at(&u->bearer, name_of(advisory, i));
        if (!slot)
            return false;
        if (!*slot)
            *slot = &u->all[at];
        size_t a = root_of(u, at), b = root_of(u, (size_t)((struct names *)*slot - u->all));
        u->all[a > b ? a : b].parent = a < b ? a : b;
    }
    return true;
}

static bool add_link(struct union_state *u, str id, const struct claim *claim)
{
    struct link *link = vec_push(u->arena, u->out);
    if (link)
        *link = (struct link){.id = id, .claim = claim};
    return link != NULL;
}

static bool link_all(struct union_state *u, const strs *cves, const struct claim *claim)
{
    for (size_t i = 0; i < cves->len; i++)
        if (!add_link(u, cves->ptr[i], claim))
            return false;
    return true;
}

static bool adopt(struct union_state *u, const struct names *names, strs *to)
{
    const struct advisory *advisory = names->claim->advisory;
    for (size_t i = 0; i < n_names(advisory); i++) {
        const strs *cves = map_get(&u->cves_of, name_of(advisory, i));
        for (size_t j = 0; cves && j < cves->len; j++)
            if (!add_unique(u->arena, to, cves->ptr[j]))
                return false;
    }
    return true;
}

static str smaller(str a, str b) { return a.len == 0 || (b.len && str_cmp(b, a) < 0) ? b : a; }

/* What the records united with @root are called, and the CVEs that any of them adopts. */
static bool call_component(struct union_state *u, size_t root, str *name, strs *cves)
{
    str ghsa = STR_NONE, own = STR_NONE;
    for (size_t i = 0; i < u->n; i++) {
        const struct advisory *advisory = u->all[i].claim->advisory;
        if (u->all[i].cves.len || root_of(u, i) != root)
            continue;
        own = smaller(own, advisory->id);
        for (size_t j = 0; j < n_names(advisory); j++)
            if (str_starts(name_of(advisory, j), STR("GHSA-")))
                ghsa = smaller(ghsa, name_of(advisory, j));
        if (!adopt(u, &u->all[i], cves))
            return false;
    }
    *name = ghsa.len ? ghsa : own;
    return true;
}

static bool link_nameless(struct union_state *u, size_t at)
{
    strs cves = {0};
    str name;
    if (!adopt(u, &u->all[at], &cves))
        return false;
    if (cves.len)
        return link_all(u, &cves, u->all[at].claim);
    if (!call_component(u, root_of(u, at), &name, &cves))
        return false;
    return cves.len ? link_all(u, &cves, u->all[at].claim) : add_link(u, name, u->all[at].claim);
}

static int cmp_links(const void *pa, const void *pb)
{
    const struct link *a = pa, *b = pb;
    const struct claim *ca = a->claim, *cb = b->claim;
    int sign = str_cmp(a->id, b->id);
    if (!sign)
        sign = (int)cb->is_own - (int)ca->is_own;
    if (!sign)
        sign = str_cmp(ca->affected->source, cb->affected->source);
    if (!sign)
        sign = str_cmp(ca->advisory->id, cb->advisory->id);
    if (!sign && ca->package && cb->package)
        sign = str_cmp(ca->package->name, cb->package->name);
    if (!sign)
        sign = (ca->package != NULL) - (cb->package != NULL);
    return sign ? sign : (ca > cb) - (ca < cb); /* claims lie in the order of the database */
}

bool identify(struct arena *arena, const claims *all, link_list *out)
{
    struct union_state u = {.arena = arena, .n = all->len, .out = out};
    u.all = arena_array(arena, struct names, all->len + 1);
    if (!u.all)
        return false;
    map_init(&u.cves_of, arena);
    map_init(&u.bearer, arena);
    for (size_t i = 0; i < u.n; i++) {
        u.all[i] = (struct names){.claim = &all->ptr[i], .parent = i};
        if (!find_cves(&u, &u.all[i]))
            return false;
    }
    for (size_t i = 0; i < u.n; i++)
        if (!(u.all[i].cves.len ? publish_cves(&u, &u.all[i]) : unite(&u, i)))
            return false;
    for (size_t i = 0; i < u.n; i++)
        if (!(u.all[i].cves.len ? link_all(&u, &u.all[i].cves, u.all[i].claim)
                                : link_nameless(&u, i)))
            return false;
    vec_sort(out, cmp_links);
    return true;
}
