/* SPDX-License-Identifier: Apache-2.0 */
/* updateinfo.c - updateinfo.xml of an rpm repository (createrepo_c, dnf), the repomd.xml that says
 * where it lies, and the RSS that lists bulletins by title. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct updateinfo_reading {
    struct arena *arena;
    struct updateinfo *out;
    struct update_notice *update; /* that is open; NULL: none */
    struct update_package *package;
    bool is_in_updateinfo; /* repomd.xml: the <data> of that type */
    str *into;
    struct sb text;
};

static bool is(str name, const char *what) { return str_eq(name, str_from(what)); }

static str attribute(const char **attributes, const char *name)
{
    for (; attributes[0]; attributes += 2) {
        if (str_eq(str_from(attributes[0]), str_from(name)))
            return str_from(attributes[1]);
    }
    return STR_NONE;
}

static bool keep(struct updateinfo_reading *u, str from, str *to, struct err *err)
{
    *to = from.len ? arena_dup(u->arena, from) : STR_NONE;
    return to->ptr || !from.len ? true : err_memory(err);
}

static bool open_reference(struct updateinfo_reading *u, const char **attributes, struct err *err)
{
    str id, url;
    if (!keep(u, attribute(attributes, "id"), &id, err) ||
        !keep(u, attribute(attributes, "href"), &url, err))
        return false;
    return strs_push(u->arena, cve_is(id) ? &u->update->cves : &u->update->related, id, err) &&
           strs_push(u->arena, &u->update->urls, url, err);
}

/* "1:2.2.21-1.18.amzn1"; no epoch 0. */
static bool open_package(struct updateinfo_reading *u, const char **attributes, struct err *err)
{
    str epoch = attribute(attributes, "epoch"), version = attribute(attributes, "version"),
        release = attribute(attributes, "release");
    bool has_epoch = epoch.len && !is(epoch, "0");
    u->package = vec_push(u->arena, &u->update->packages);
    if (!u->package)
        return err_memory(err);
    u->package->version = arena_printf(u->arena, STR_FMT "%s" STR_FMT "%s" STR_FMT,
                                       STR_ARG(has_epoch ? epoch : STR_NONE), has_epoch ? ":" : "",
                                       STR_ARG(version), release.len ? "-" : "", STR_ARG(release));
    if (!u->package->version.ptr)
        return err_memory(err);
    return keep(u, attribute(attributes, "name"), &u->package->name, err) &&
           keep(u, attribute(attributes, "arch"), &u->package->arch, err);
}

static bool in_update(struct updateinfo_reading *u, str name, const char **attributes,
                      struct err *err)
{
    struct update_notice *n = u->update;
    if (is(name, "id") || is(name, "guid"))
        u->into = is(name, "id") ? &n->id : &n->link;
    else if (is(name, "title") && !n->title.len)
        u->into = &n->title;
    else if (is(name, "severity"))
        u->into = &n->severity;
    else if (is(name, "description") && !n->description.len)
        u->into = &n->description;
    else if (is(name, "name") && !u->package)
        u->into = &n->collection;
    else if (is(name, "pubDate"))
        u->into = &n->issued;
    else if (is(name, "issued"))
        return keep(u, attribute(attributes, "date"), &n->issued, err);
    else if (is(name, "updated"))
        return keep(u, attribute(attributes, "date"), &n->updated, err);
    else if (is(name, "reference"))
        return open_reference(u, attributes, err);
    else if (is(name, "package"))
        return open_package(u, attributes, err);
    return true;
}

static bool on_open(void *ctx, str name, const char **attributes, struct err *err)
{
    struct updateinfo_reading *u = ctx;
    u->into = NULL;
    sb_clear(&u->text);
    if (u->update)
        return in_update(u, name, attributes, err);
    if (is(name, "updates"))
        u->out->kind = UPDATEINFO_UPDATES;
    else if (is(name, "rss"))
        u->out->kind = UPDATEINFO_RSS;
    else if (is(name, "repomd"))
        u->out->kind = UPDATEINFO_REPOMD;
    bool is_item = (u->out->kind == UPDATEINFO_UPDATES && is(name, "update")) ||
                   (u->out->kind == UPDATEINFO_RSS && is(name, "item"));
    if (is_item) {
        u->update = vec_push(u->arena, &u->out->notices);
        if (!u->update)
            return err_memory(err);
        return keep(u, attribute(attributes, "type"), &u->update->type, err);
    }
    if (is(name, "data"))
        u->is_in_updateinfo = is(attribute(attributes, "type"), "updateinfo");
    if (u->is_in_updateinfo && is(name, "location"))
        return keep(u, attribute(attributes, "href"), &u->out->location, err);
    if (u->is_in_updateinfo && is(name, "checksum") && is(attribute(attributes, "type"), "sha256"))
        u->into = &u->out->sha256;
    return true;
}

static bool on_text(void *ctx, str text, struct err *err)
{
    struct updateinfo_reading *u = ctx;
    (void)err;
    if (u->into)
        sb_add(&u->text, text);
    return true;
}

static bool on_close(void *ctx, str name, struct err *err)
{
    struct updateinfo_reading *u = ctx;
    if (u->into && (!sb_ok(&u->text, err) || !keep(u, str_trim(sb_str(&u->text)), u->into, err)))
        return false;
    u->into = NULL;
    if (is(name, "package"))
        u->package = NULL;
    if (is(name, "update") || is(name, "item"))
        u->update = NULL;
    return true;
}

bool updateinfo_parse(str text, struct arena *arena, struct updateinfo *out, struct err *err)
{
    struct updateinfo_reading reading = {.arena = arena, .out = out};
    struct xml_handler handler = {
        .open = on_open, .text = on_text, .close = on_close, .ctx = &reading};
    *out = (struct updateinfo){0};
    sb_init(&reading.text, LIMIT(FEED_RECORD));
    bool is_ok = xml_read(text, &handler, err);
    sb_fini(&reading.text);
    if (is_ok && out->kind == UPDATEINFO_NONE)
        return err_set(err, ERR_FORMAT, "neither updates nor bulletins nor a repository's index");
    return is_ok;
}
