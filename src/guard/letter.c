/* SPDX-License-Identifier: Apache-2.0 */
/* letter.c - what a message says, before it is JSON or mail: its findings in the order of every
 * report, each once however many platforms have it; counts; the first steps; one line for all. */
#include "guard/internal.h"

#include "base/map.h"
#include "http/http.h"

/* --- findings
 * --------------------------------------------------------------------------------------- */
struct counted {
    const struct finding *finding;
    size_t n_images;
};

static str finding_key(struct arena *arena, const struct finding *f)
{
    return arena_printf(arena, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, STR_ARG(f->id),
                        STR_ARG(f->package_name), STR_ARG(f->package_version), STR_ARG(f->type));
}

static bool gather(struct letter *l, const struct config_channel *channel, struct map *seen,
                   finding_refs *refs)
{
    for (size_t i = 0; i < l->telling->images.len; i++) {
        const findings *news = &l->telling->images.ptr[i].news;
        for (size_t k = 0; k < news->len; k++) {
            if (!channel_wants_finding(channel, &news->ptr[k]))
                continue;
            str key = finding_key(l->arena, &news->ptr[k]);
            void **at = key.ptr ? map_at(seen, key) : NULL;
            if (!at)
                return false;
            struct counted *known = *at;
            if (!known) {
                const struct finding **slot = vec_push(l->arena, refs);
                known = *at = arena_new(l->arena, struct counted);
                if (!slot || !known)
                    return false;
                known->finding = *slot = &news->ptr[k];
            }
            known->n_images++;
        }
    }
    return true;
}

static void count(struct letter *l, const struct finding *f)
{
    unsigned *const of[] = {
        [SEVERITY_UNKNOWN] = &l->counts.unknown, [SEVERITY_NONE] = &l->counts.low,
        [SEVERITY_LOW] = &l->counts.low,         [SEVERITY_MEDIUM] = &l->counts.medium,
        [SEVERITY_HIGH] = &l->counts.high,       [SEVERITY_CRITICAL] = &l->counts.critical};
    ++*of[f->severity <= SEVERITY_CRITICAL ? f->severity : SEVERITY_UNKNOWN];
    l->counts.patchable += f->is_patchable;
}

static bool list_findings(struct letter *l, const struct config_channel *channel)
{
    struct map seen;
    finding_refs refs = {0};
    map_init(&seen, l->arena);
    if (!gather(l, channel, &seen, &refs) || !assess_sort(l->arena, &refs))
        return false;
    for (size_t i = 0; i < refs.len; i++) {
        count(l, refs.ptr[i]);
        if (i >= LETTER_FINDINGS)
            continue;
        str key = finding_key(l->arena, refs.ptr[i]);
        const struct counted *known = key.ptr ? map_get(&seen, key) : NULL;
        struct letter_finding *slot = vec_push(l->arena, &l->findings);
        if (!known || !slot)
            return false;
        *slot = (struct letter_finding){refs.ptr[i], known->n_images};
    }
    l->n_findings = refs.len;
    return true;
}

/* --- the first steps of what to do
 * ------------------------------------------------------------------- */
static bool build_steps(struct arena *arena, const findings *all, strs *out)
{
    for (size_t i = 0; i < all->len; i++) {
        int layer = all->ptr[i].layer;
        while (layer >= 0 && layer < (int)LIMIT(LAYERS) && out->len <= (size_t)layer)
            if (!vec_push(arena, out))
                return false;
        if (layer >= 0 && (size_t)layer < out->len)
            out->ptr[layer] = all->ptr[i].remediation_step;
    }
    return true;
}

/* What package managers the image has is known by what the scan wrote: a command, or none. */
static struct remedy_tools tools_of(const struct told_image *image, struct distro *distro)
{
    const packages none = {0};
    *distro = (struct distro){.id = image->image.os_id, .version_id = image->image.os_version};
    struct remedy_tools tools = assess_tools(distro, &none);
    for (size_t i = 0; i < image->news.len && !tools.present; i++)
        if (image->news.ptr[i].remediation_command.len)
            tools.present = ~0U;
    return tools;
}

static bool add_step(struct letter *l, const struct plan_step *step)
{
    str text = step->command.len ? step->command : step->how;
    if (!text.len || l->steps.len >= LETTER_STEPS)
        return true;
    str *slot = vec_push(l->arena, &l->steps);
    return slot && (*slot = text).ptr;
}

/* Of the first image that has one: platforms of one push are mended alike. */
static bool list_steps(struct letter *l, const struct config_channel *channel)
{
    for (size_t i = 0; i < l->telling->images.len && !l->steps.len; i++) {
        const struct told_image *image = &l->telling->images.ptr[i];
        finding_refs refs = {0};
        struct distro distro;
        struct plan plan = {0};
        strs steps = {0};
        for (size_t k = 0; k < image->news.len; k++) {
            if (!channel_wants_finding(channel, &image->news.ptr[k]))
                continue;
            const struct finding **slot = vec_push(l->arena, &refs);
            if (!slot)
                return false;
            *slot = &image->news.ptr[k];
        }
        struct remedy_tools tools = tools_of(image, &distro);
        if (!refs.len)
            continue;
        if (!assess_sort(l->arena, &refs) || !build_steps(l->arena, &image->news, &steps) ||
            !assess_plan(l->arena, &refs, &tools, &steps, &plan))
            return false;
        for (size_t k = 0; k < plan.steps.len; k++)
            if (!add_step(l, &plan.steps.ptr[k]))
                return false;
    }
    return true;
}

/* --- words
 * ------------------------------------------------------------------------------------------ */
static str tag_of(const struct telling *t)
{
    if (t->tag.len || t->images.len != 1 || !t->images.ptr[0].image.tags.len)
        return t->tag;
    return t->images.ptr[0].image.tags.ptr[0];
}

static str digest_told(const struct telling *t)
{
    return t->digest.len || t->images.len != 1 ? t->digest : t->images.ptr[0].image.digest;
}

static str place_of(struct arena *arena, const struct telling *t)
{
    if (!t->registry)
        return t->digest;
    str tag = tag_of(t), id = digest_told(t);
    if (tag.len)
        return arena_printf(arena, STR_FMT "/" STR_FMT ":" STR_FMT, STR_ARG(t->registry->name),
                            STR_ARG(t->repository), STR_ARG(tag));
    return arena_printf(arena, STR_FMT "/" STR_FMT "%s" STR_FMT, STR_ARG(t->registry->name),
                        STR_ARG(t->repository), id.len ? "@" : "", STR_ARG(str_slice(id, 0, 19)));
}

static void say_counts(struct sb *out, const struct report_summary *c)
{
    const struct {
        unsigned n;
        const char *word;
    } parts[] = {{c->critical, "critical"},
                 {c->high, "high"},
                 {c->medium, "medium"},
                 {c->low, "low"},
                 {c->unknown, "not rated"}};
    const char *before = " (";
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (parts[i].n) {
            sb_addf(out, "%s%u %s", before, parts[i].n, parts[i].word);
            before = ", ";
        }
    if (*before == ',')
        sb_byte(out, ')');
}

static void say(struct sb *out, const struct letter *l)
{
    size_t n = l->n_findings, n_images = l->telling->images.len;
    const char *s = n == 1 ? "" : "s";
    switch (l->telling->what) {
    case TOLD_NEW_FINDINGS:
        sb_addf(out, "%zu new finding%s in " STR_FMT, n, s, STR_ARG(l->place));
        break;
    case TOLD_IMAGE_HEALTHY:
        sb_addf(out, STR_FMT " is healthy", STR_ARG(l->place));
        break;
    case TOLD_SCAN_FAILED:
        sb_addf(out, STR_FMT " could not be scanned", STR_ARG(l->place));
        break;
    case TOLD_PULLED_VULNERABLE:
        sb_addf(out, STR_FMT " was pulled lately and has %zu finding%s", STR_ARG(l->place), n, s);
        break;
    case TOLD_SOURCE_HELD:
        sb_addf(out, "advisory source " STR_FMT " is held back", STR_ARG(l->place));
        break;
    case TOLD_TEST:
    case TOLD_COUNT:
    default:
        sb_addf(out, "test message of channel " STR_FMT, STR_ARG(l->place));
        break;
    }
    say_counts(out, &l->counts);
    if (n_images > 1)
        sb_addf(out, ", %zu images", n_images);
}

static bool write_summary(struct letter *l, struct err *err)
{
    auto_sb text, clean;
    sb_init(&text, LIMIT(FIELD));
    sb_init(&clean, LIMIT(FIELD));
    say(&text, l);
    if (!sb_ok(&text, err))
        return false;
    report_text(&clean, sb_str(&text), 0);
    l->summary = sb_ok(&clean, err) ? arena_dup(l->arena, sb_str(&clean)) : STR_NONE;
    return l->summary.ptr || err_memory(err);
}

/* --- links
 * ------------------------------------------------------------------------------------------ */
static str origin_of(struct arena *arena, const struct config *config)
{
    str url = config->public_url;
    while (str_ends(url, STR("/")))
        url = str_slice(url, 0, url.len - 1);
    bool is_v6 = str_find_byte(config->listen_address, ':') < config->listen_address.len;
    if (url.len || !config->listen_port)
        return url;
    return arena_printf(arena, is_v6 ? "https://[" STR_FMT "]:%u" : "https://" STR_FMT ":%u",
                        STR_ARG(config->listen_address), config->listen_port);
}

str letter_link(const struct letter *l, str id)
{
    const struct telling *t = l->telling;
    if (!l->origin.len)
        return STR("");
    if (!t->registry)
        return arena_printf(l->arena, STR_FMT "/metrics", STR_ARG(l->origin));
    str registry = http_url_escape(l->arena, t->registry->name);
    str repository = http_url_escape(l->arena, t->repository);
    str escaped = http_url_escape(l->arena, id);
    if (!registry.ptr || !repository.ptr || !escaped.ptr)
        return STR_NONE;
    return arena_printf(l->arena,
                        STR_FMT "/plimsoll/v1/images?registry=" STR_FMT "&repository=" STR_FMT
                                "%s" STR_FMT,
                        STR_ARG(l->origin), STR_ARG(registry), STR_ARG(repository),
                        id.len ? "&digest=" : "", STR_ARG(escaped));
}

bool letter_write(struct arena *arena, const struct config *config,
                  const struct config_channel *channel, const struct telling *telling,
                  struct letter *out, struct err *err)
{
    *out = (struct letter){.arena = arena, .telling = telling};
    out->origin = origin_of(arena, config);
    out->place = place_of(arena, telling);
    if (!out->place.ptr || !list_findings(out, channel) || !list_steps(out, channel))
        return err_memory(err);
    return write_summary(out, err);
}
