/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - what a rule fits.  Unknown never fits: a finding that nobody rated is below no
 * severity, one without a CVSS v3 score is below none, an image whose repository is not known is in
 * no scope of repositories. */
#include "assess/assess.h"

#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/num.h"
#include "base/sb.h"

/* --- text
 * -----------------------------------------------------------------------------------------------
 */
static char fold(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

static bool has_part(str text, str part)
{
    if (part.len == 0 || part.len > text.len)
        return part.len == 0;
    char first = fold(part.ptr[0]);
    for (size_t i = 0; i <= text.len - part.len; i++)
        if (fold(text.ptr[i]) == first && str_eq_nocase(str_slice(text, i, i + part.len), part))
            return true;
    return false;
}

static bool is_among(const strs *list, str text)
{
    for (size_t i = 0; i < list->len; i++)
        if (str_eq_nocase(list->ptr[i], text))
            return true;
    return false;
}

/* A place to go back to: when what follows a star does not fit, the star takes one byte more. */
struct star {
    bool is_set;
    size_t pattern, text;
};

/* `?` is one byte, `*` any number, neither a '/' where @is_path; `**` any number of any.  Only the
 * last star of each kind can still help, so the time is bounded by length × length. */
static bool does_glob(str pattern, str text, bool is_path)
{
    struct star one = {0}, two = {0};
    size_t p = 0, t = 0;
    while (t < text.len || p < pattern.len) {
        bool is_slash = is_path && t < text.len && text.ptr[t] == '/';
        if (p < pattern.len && pattern.ptr[p] == '*') {
            bool is_two = !is_path || (p + 1 < pattern.len && pattern.ptr[p + 1] == '*');
            while (p < pattern.len && pattern.ptr[p] == '*')
                p++;
            *(is_two ? &two : &one) = (struct star){true, p, t};
            one.is_set = one.is_set && !is_two;
            continue;
        }
        if (t < text.len && p < pattern.len &&
            (fold(pattern.ptr[p]) == fold(text.ptr[t]) || (pattern.ptr[p] == '?' && !is_slash))) {
            p++;
            t++;
            continue;
        }
        if (one.is_set && one.text < text.len && text.ptr[one.text] != '/') {
            t = ++one.text;
            p = one.pattern;
        } else if (two.is_set && two.text < text.len) {
            t = ++two.text;
            p = two.pattern;
            one.is_set = false;
        } else {
            return false;
        }
    }
    return true;
}

bool assess_glob(str pattern, str text) { return does_glob(pattern, text, true); }

static bool does_glob_any(const strs *patterns, str text, bool is_path)
{
    for (size_t i = 0; i < patterns->len; i++)
        if (text.len && does_glob(patterns->ptr[i], text, is_path))
            return true;
    return false;
}

/* --- scope
 * ---------------------------------------------------------------------------------------------- */
/* An empty list asks for nothing; @text empty fits no list. */
static bool fits_text(const strs *wanted, str text)
{
    return wanted->len == 0 || (text.len && is_among(wanted, text));
}

static bool fits_one_of(const strs *wanted, const strs *have)
{
    bool fits = wanted->len == 0;
    for (size_t i = 0; i < have->len && !fits; i++)
        fits = is_among(wanted, have->ptr[i]);
    return fits;
}

static bool is_in_scope(const struct rule *rule, const struct rule_image *image)
{
    return fits_text(&rule->subscriptions, image->subscription) &&
           fits_text(&rule->resource_groups, image->resource_group) &&
           fits_one_of(&rule->registries, &image->registries) &&
           fits_one_of(&rule->digests, &image->digests) &&
           (rule->repositories.len == 0 ||
            does_glob_any(&rule->repositories, image->repository, true));
}

/* What an OS version may be called: PRETTY_NAME, "debian 12.5", "debian 12", "Debian:12". */
static bool name_os(struct arena *arena, const struct distro *distro, strs *out)
{
    str release = distro_release(distro, arena);
    const str names[] = {
        distro->name,
        arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(distro->id), STR_ARG(distro->version_id)),
        arena_printf(arena, STR_FMT " " STR_FMT, STR_ARG(distro->id), STR_ARG(release)),
        distro_ecosystem(distro, arena),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        str *slot = vec_push(arena, out);
        if (!slot)
            return false;
        *slot = str_trim(names[i]);
    }
    return true;
}

static bool is_os(const struct rule *rule, const strs *os_names)
{
    bool is = rule->os_versions.len == 0;
    for (size_t i = 0; i < os_names->len && !is; i++)
        is = does_glob_any(&rule->os_versions, os_names->ptr[i], false);
    return is;
}

/* --- criteria
 * ------------------------------------------------------------------------------------------- */
static bool is_named(const strs *wanted, const struct finding *f)
{
    return is_among(wanted, f->id) || fits_one_of(wanted, &f->aliases) ||
           (f->name.len && is_among(wanted, f->name));
}

static bool fits_check(const strs *parts, const struct finding *f)
{
    for (size_t i = 0; i < parts->len; i++)
        if (has_part(f->title, parts->ptr[i]))
            return true;
    return parts->len == 0;
}

/* Of several scores the highest counts. */
static bool is_cvss_below(const struct finding *f, double below)
{
    bool has_score = false;
    for (size_t i = 0; i < f->cvss.len; i++) {
        const struct cvss *cvss = &f->cvss.ptr[i];
        if (!cvss->is_scored || !str_starts(cvss->version, STR("3")))
            continue;
        if (cvss->score >= below)
            return false;
        has_score = true;
    }
    return has_score;
}

static bool is_severity_below(const struct finding *f, enum severity below)
{
    return f->severity != SEVERITY_UNKNOWN && f->severity < below;
}

/* What costs least is asked first. */
static bool does_fit(const struct rule *rule, const struct finding *f)
{
    return (rule->severity_below == SEVERITY_UNKNOWN ||
            is_severity_below(f, rule->severity_below)) &&
           (rule->patch == RULE_ANY || f->is_patchable == (rule->patch == RULE_PATCHABLE)) &&
           (!rule->has_cvss_below || is_cvss_below(f, rule->cvss_below)) &&
           (rule->ids.len == 0 || is_named(&rule->ids, f)) &&
           (rule->cves.len == 0 || is_among(&rule->cves, f->id) ||
            fits_one_of(&rule->cves, &f->aliases)) &&
           fits_text(&rule->categories, f->category) && fits_check(&rule->checks, f);
}

/* --- all rules over all findings: those that name ids are looked up by them
 * ----------------------------- */
struct rule_entry { /* a rule in a list */
    size_t rule;
    const struct rule_entry *next;
};
struct applying {
    struct arena *arena;
    const struct rules *rules;
    struct rule_outcome *outcomes;
    struct map by_id;                /* folded → list */
    const struct rule_entry *others; /* that name no id */
    size_t *seen;                    /* a rule: 1 + the finding it was asked about last */
    struct sb folded;
    size_t first; /* that applies to the finding at hand; SIZE_MAX: none */
};

static str folded(struct applying *a, str id)
{
    sb_clear(&a->folded);
    for (size_t i = 0; i < id.len; i++)
        sb_byte(&a->folded, (uint8_t)fold(id.ptr[i]));
    return sb_str(&a->folded);
}

static bool add_entry(struct applying *a, const struct rule_entry **list, size_t rule)
{
    struct rule_entry *entry = arena_new(a->arena, struct rule_entry);
    if (!entry)
        return false;
    *entry = (struct rule_entry){rule, *list};
    *list = entry;
    return true;
}

static bool index_ids(struct applying *a, const strs *ids, size_t rule)
{
    for (size_t i = 0; i < ids->len; i++) {
        str key = arena_dup(a->arena, folded(a, ids->ptr[i]));
        void **slot = key.ptr ? map_at(&a->by_id, key) : NULL;
        const struct rule_entry *list = slot ? *slot : NULL;
        if (!slot || !add_entry(a, &list, rule))
            return false;
        memcpy(slot, &list, sizeof(list)); /* the map's values are not const */
    }
    return true;
}

static bool index_rules(struct applying *a, const struct rule_image *image)
{
    strs os_names = {0};
    if (!name_os(a->arena, image->distro, &os_names))
        return false;
    for (size_t i = 0; i < a->rules->all.len; i++) {
        const struct rule *rule = &a->rules->all.ptr[i];
        a->outcomes[i].is_out_of_scope = !is_in_scope(rule, image) || !is_os(rule, &os_names);
        if (a->outcomes[i].is_out_of_scope)
            continue;
        const strs *ids = rule->ids.len ? &rule->ids : &rule->cves;
        if (ids->len ? !index_ids(a, ids, i) : !add_entry(a, &a->others, i))
            return false;
    }
    return true;
}

static void ask(struct applying *a, const struct rule_entry *list, const struct finding *f,
                size_t finding)
{
    for (; list; list = list->next) {
        if (a->seen[list->rule] == finding + 1)
            continue;
        a->seen[list->rule] = finding + 1;
        if (!does_fit(&a->rules->all.ptr[list->rule], f))
            continue;
        a->outcomes[list->rule].n_matched++;
        if (!a->outcomes[list->rule].is_expired && list->rule < a->first)
            a->first = list->rule;
    }
}

static void ask_by_id(struct applying *a, str id, const struct finding *f, size_t finding)
{
    if (id.len && a->by_id.len)
        ask(a, map_get(&a->by_id, folded(a, id)), f, finding);
}

static void judge(struct applying *a, struct finding *f, size_t finding)
{
    a->first = SIZE_MAX;
    ask_by_id(a, f->id, f, finding);
    ask_by_id(a, f->name, f, finding);
    for (size_t i = 0; i < f->aliases.len; i++)
        ask_by_id(a, f->aliases.ptr[i], f, finding);
    ask(a, a->others, f, finding);
    if (a->first == SIZE_MAX || f->disabled_by.len)
        return;
    f->disabled_by = a->rules->all.ptr[a->first].name;
    f->disabled_reason = a->rules->all.ptr[a->first].justification;
    a->outcomes[a->first].n_disabled++;
}

bool rules_apply(struct arena *arena, const struct rules *rules, const struct rule_image *image,
                 int64_t now_s, findings *all, struct rule_outcome *outcomes)
{
    struct applying a = {.arena = arena, .rules = rules, .outcomes = outcomes};
    map_init(&a.by_id, arena);
    sb_init(&a.folded, LIMIT(CONFIG_FILE));
    a.seen = arena_array(arena, size_t, rules->all.len + 1);
    for (size_t i = 0; i < rules->all.len; i++) {
        const struct rule *rule = &rules->all.ptr[i];
        outcomes[i] =
            (struct rule_outcome){.is_expired = rule->has_expiry && now_s >= rule->expires_at};
    }
    bool is_done = a.seen && index_rules(&a, image);
    for (size_t i = 0; is_done && i < all->len; i++)
        judge(&a, &all->ptr[i], i);
    sb_fini(&a.folded);
    return is_done;
}

/* --- what a reader must know
 * ------------------------------------------------------------------------------ */
enum { TOLD_MAX = 20 }; /* rules of one kind; the others are counted */

static bool tell(struct arena *arena, notices *to, const struct rule *rule, str message)
{
    str path = arena_printf(arena, STR_FMT ":%zu", STR_ARG(rule->file), rule->line);
    return path.ptr && message.ptr && notice_add(arena, to, NOTICE_INFO, false, path, message);
}

static bool tell_expired(struct arena *arena, notices *to, const struct rule *rule,
                         const struct rule_outcome *outcome)
{
    char when[CLOCK_TEXT_SIZE];
    str text = clock_print(rule->expires_at, when);
    return tell(arena, to, rule,
                arena_printf(arena,
                             "rule " STR_FMT " ended at " STR_FMT
                             " and disables nothing; %zu finding%s of this image would fit it",
                             STR_ARG(rule->name), STR_ARG(text), outcome->n_matched,
                             outcome->n_matched == 1 ? "" : "s"));
}

static bool tell_idle(struct arena *arena, notices *to, const struct rule *rule)
{
    return tell(
        arena, to, rule,
        arena_printf(arena, "rule " STR_FMT " fits no finding of this image", STR_ARG(rule->name)));
}

static bool tell_count(struct arena *arena, notices *to, size_t n, const char *one,
                       const char *many)
{
    str message = arena_printf(arena, "%zu %s", n, n == 1 ? one : many);
    return n == 0 || (message.ptr && notice_add(arena, to, NOTICE_INFO, false, STR_NONE, message));
}

bool rules_tell(struct arena *arena, const struct rules *rules, const struct rule_outcome *outcomes,
                notices *to)
{
    size_t n_idle = 0, n_elsewhere = 0;
    for (size_t i = 0; i < rules->all.len; i++) {
        const struct rule *rule = &rules->all.ptr[i];
        if (outcomes[i].is_expired) {
            if (!tell_expired(arena, to, rule, &outcomes[i]))
                return false;
        } else if (outcomes[i].is_out_of_scope) {
            n_elsewhere++;
        } else if (outcomes[i].n_matched == 0 && n_idle++ < TOLD_MAX) {
            if (!tell_idle(arena, to, rule))
                return false;
        }
    }
    return tell_count(arena, to, n_idle > TOLD_MAX ? n_idle - TOLD_MAX : 0,
                      "more rule fits no finding of this image",
                      "more rules fit no finding of this image") &&
           tell_count(arena, to, n_elsewhere, "rule is about other images",
                      "rules are about other images");
}
