/* SPDX-License-Identifier: Apache-2.0 */
/* letter_json.c - a message as a CloudEvent 1.0, structured mode: docs/NOTIFICATIONS.md is its
 * contract. */
#include "base/clock.h"
#include "guard/internal.h"
#include "syntax/syntax.h"

static void write_counts(struct jw *jw, const char *key, const struct report_summary *c)
{
    jw_key(jw, key);
    jw_obj(jw);
    jw_kint(jw, "critical", c->critical);
    jw_kint(jw, "high", c->high);
    jw_kint(jw, "medium", c->medium);
    jw_kint(jw, "low", c->low);
    jw_kint(jw, "unknown", c->unknown);
    jw_kint(jw, "patchable", c->patchable);
    jw_obj_end(jw);
}

static void write_texts(struct jw *jw, const char *key, const strs *list)
{
    jw_key(jw, key);
    jw_arr(jw);
    for (size_t i = 0; i < list->len; i++)
        jw_str(jw, list->ptr[i]);
    jw_arr_end(jw);
}

static void write_registry(struct jw *jw, const struct letter *l)
{
    const struct store_registry *r = l->telling->registry;
    if (!r)
        return;
    jw_key(jw, "registry");
    jw_obj(jw);
    jw_kstr(jw, "name", r->name);
    jw_kstr(jw, "host", r->host);
    jw_kstr(jw, "id", store_registry_arm_id(l->arena, r));
    jw_obj_end(jw);
    jw_kstr(jw, "repository", l->telling->repository);
    jw_kstr_if(jw, "digest", l->telling->digest);
    jw_kstr_if(jw, "tag", l->telling->tag);
}

static void write_image(struct jw *jw, const struct letter *l, const struct told_image *told)
{
    const struct store_image *image = &told->image;
    jw_obj(jw);
    jw_kstr(jw, "digest", image->digest);
    jw_kstr(jw, "reference",
            arena_printf(l->arena, STR_FMT "/" STR_FMT "@" STR_FMT,
                         STR_ARG(l->telling->registry->host), STR_ARG(image->repository),
                         STR_ARG(image->digest)));
    jw_kstr_if(jw, "index", image->index);
    jw_kstr_if(jw, "platform", image->platform);
    write_texts(jw, "tags", &image->tags);
    jw_kstr(jw, "status", str_from(verdict_name(image->verdict)));
    write_counts(jw, "counts", &image->counts);
    jw_kstr_if(jw, "link", letter_link(l, image->digest));
    jw_obj_end(jw);
}

static void write_images(struct jw *jw, const struct letter *l)
{
    size_t n = l->telling->images.len, n_shown = n < LETTER_IMAGES ? n : LETTER_IMAGES;
    jw_key(jw, "images");
    jw_arr(jw);
    for (size_t i = 0; i < n_shown; i++)
        write_image(jw, l, &l->telling->images.ptr[i]);
    jw_arr_end(jw);
    jw_kint(jw, "imagesOmitted", (int64_t)(n - n_shown));
}

static void write_finding(struct jw *jw, const struct letter_finding *one)
{
    const struct finding *f = one->finding;
    jw_obj(jw);
    jw_kstr(jw, "id", f->id);
    jw_kstr(jw, "name", f->name);
    jw_kstr(jw, "severity", str_from(severity_name(f->severity)));
    jw_kstr(jw, "package", f->package_name);
    jw_kstr(jw, "version", f->package_version);
    jw_kstr_if(jw, "fixedVersion", f->fixed_version);
    jw_kbool(jw, "patchable", f->is_patchable);
    jw_kbool(jw, "knownExploited", f->is_kev);
    jw_kstr_if(jw, "title", f->title);
    jw_kint(jw, "images", (int64_t)one->n_images);
    jw_obj_end(jw);
}

static void write_findings(struct jw *jw, const struct letter *l)
{
    jw_key(jw, "findings");
    jw_arr(jw);
    for (size_t i = 0; i < l->findings.len; i++)
        write_finding(jw, &l->findings.ptr[i]);
    jw_arr_end(jw);
    jw_kint(jw, "findingsOmitted", (int64_t)(l->n_findings - l->findings.len));
    write_counts(jw, "counts", &l->counts);
    write_texts(jw, "commands", &l->steps);
}

static void write_data(struct jw *jw, const struct letter *l)
{
    const struct telling *t = l->telling;
    jw_obj(jw);
    jw_kstr(jw, "summary", l->summary);
    write_registry(jw, l);
    if (t->what == TOLD_SOURCE_HELD)
        jw_kstr(jw, "source", t->digest);
    jw_kstr_if(jw, "reason", t->reason);
    if (t->images.len)
        write_images(jw, l);
    if (l->n_findings)
        write_findings(jw, l);
    jw_kstr_if(jw, "link", letter_link(l, t->digest));
    jw_obj_end(jw);
}

bool letter_json(const struct letter *l, str id, str *out, struct err *err)
{
    auto_sb text;
    struct jw jw;
    char when[CLOCK_TEXT_SIZE];
    sb_init(&text, LIMIT(HTTP_ANSWER));
    jw_init(&jw, &text, false);
    jw_obj(&jw);
    jw_kstr(&jw, "specversion", STR("1.0"));
    jw_kstr(&jw, "id", id);
    jw_kstr(&jw, "source", l->origin.len ? l->origin : STR("urn:plimsoll"));
    jw_kstr(&jw, "type", arena_printf(l->arena, "plimsoll.%s", told_name(l->telling->what)));
    jw_kstr(&jw, "subject", l->place);
    jw_kstr(&jw, "time", clock_print(l->telling->at, when));
    jw_kstr(&jw, "datacontenttype", STR("application/json"));
    jw_key(&jw, "data");
    write_data(&jw, l);
    jw_obj_end(&jw);
    *out = sb_ok(&text, err) ? arena_dup(l->arena, sb_str(&text)) : STR_NONE;
    return out->ptr || err_memory(err);
}
