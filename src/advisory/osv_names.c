/* SPDX-License-Identifier: Apache-2.0 */
/* osv_names.c - what OSV's records call things, and what ours are called.
 *
 *     OSV's ecosystem                                     asked for as (model/distro.c)
 *     Red Hat:enterprise_linux:9::baseos                  Red Hat:enterprise_linux:9
 *     Red Hat:rhel_eus:9.2::baseos                        Red Hat:rhel_eus:9.2, which nothing asks
 *     SUSE:Linux Enterprise Module for Basesystem 15 SP5  its own, and server, SAP, desktop 15 SP5
 *     SUSE:Linux Enterprise Server 15 SP3-LTSS            its own, and the server without LTSS
 *     Ubuntu:Pro:14.04:LTS                                Ubuntu:14.04:LTS (osv_record.c)
 *     Azure Linux:3                                       Azure Linux:3.0
 *     Maven:https://repo.example.org/                     Maven: a jar does not say whence it came
 *
 * A system does not say which modules it draws from, and who has no long-term support is affected
 * by what only that fixed. */
#include "advisory/internal.h"
#include "base/num.h"

static bool add(struct arena *arena, str name, strs *out, struct err *err)
{
    return name.ptr ? strs_push(arena, out, name, err) : err_memory(err);
}

/* What stands behind "Red Hat:" is the end of a CPE. */
static bool add_redhat(struct arena *arena, str product, strs *out, struct err *err)
{
    str name, cpe = arena_printf(arena, "cpe:/a:redhat:" STR_FMT, STR_ARG(product));
    if (!cpe.ptr)
        return err_memory(err);
    return redhat_ecosystem(arena, cpe, &name, err) && add(arena, name, out, err);
}

/* --- SUSE
 * -------------------------------------------------------------------------------------------- */

/* "Basesystem 15 SP5" → "15 SP5": from the first word that is a number. */
static str version_of(str text)
{
    str rest = text, word;
    uint64_t number;
    while (str_next(&rest, ' ', &word)) {
        size_t n_left = rest.len + (rest.len ? 1 : 0) + word.len;
        if (str_to_u64(word, 99, &number))
            return str_skip(text, text.len - n_left);
    }
    return STR_NONE;
}

static bool add_suse(struct arena *arena, str product, strs *out, struct err *err)
{
    static const char *const systems[] = {"Linux Enterprise Server ",
                                          "Linux Enterprise Server for SAP Applications ",
                                          "Linux Enterprise Desktop "};
    str module = STR("Linux Enterprise Module for "), ltss = STR("-LTSS");
    if (str_ends(product, ltss))
        return add(arena,
                   arena_printf(arena, "SUSE:" STR_FMT,
                                STR_ARG(str_slice(product, 0, product.len - ltss.len))),
                   out, err);
    str version =
        str_starts(product, module) ? version_of(str_skip(product, module.len)) : STR_NONE;
    for (size_t i = 0; version.len && i < ARRAY_LEN(systems); i++) {
        if (!add(arena, arena_printf(arena, "SUSE:%s" STR_FMT, systems[i], STR_ARG(version)), out,
                 err))
            return false;
    }
    return true;
}

/* --- all
 * --------------------------------------------------------------------------------------------- */

bool osv_ecosystems(str ecosystem, struct arena *arena, strs *out, struct err *err)
{
    str head, tail;
    bool has_tail = str_cut_byte(ecosystem, ':', &head, &tail);
    if (has_tail && str_eq(head, STR("Red Hat")))
        return add_redhat(arena, tail, out, err);
    if (has_tail && str_eq(head, STR("Maven")))
        return add(arena, head, out, err);
    if (has_tail && str_eq(head, STR("Azure Linux")) && str_find_byte(tail, '.') == tail.len)
        return add(arena, arena_printf(arena, STR_FMT ".0", STR_ARG(ecosystem)), out, err);
    if (!add(arena, arena_dup(arena, ecosystem), out, err))
        return false;
    return !str_eq(head, STR("SUSE")) || add_suse(arena, tail, out, err);
}

bool osv_is_distribution(str ecosystem)
{
    size_t n;
    str head, tail;
    const struct distro_row *rows = distro_rows(&n);
    (void)str_cut_byte(ecosystem, ':', &head, &tail);
    for (size_t i = 0; i < n; i++) {
        if (str_starts(str_from(rows[i].ecosystem), head) &&
            (rows[i].ecosystem[head.len] == '\0' || rows[i].ecosystem[head.len] == ':'))
            return true;
    }
    return str_eq(head, STR("Alpaquita")) || str_eq(head, STR("Echo")) ||
           str_eq(head, STR("BellSoft Hardened Containers")) || str_eq(head, STR("Mageia")) ||
           str_eq(head, STR("openEuler"));
}

bool osv_is_bug_fix(str id)
{
    /* AlmaLinux, Rocky, Red Hat, Oracle; bug fixes and enhancements */
    static const char *const prefixes[] = {"ALBA-", "ALEA-", "RLBA-", "RLEA-",
                                           "RHBA-", "RHEA-", "ELBA-", "ELEA-"};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (str_starts(id, str_from(prefixes[i])))
            return true;
    }
    return false;
}

/* "nodejs:18" in "Important: nodejs:18 security update": a colon with something on both sides. */
str osv_module(str title)
{
    str rest = title, word, found = STR_NONE, name, stream, rest_of_it;
    while (str_next(&rest, ' ', &word)) {
        while (str_starts(word, STR("(")))
            word = str_skip(word, 1);
        while (str_ends(word, STR(",")) || str_ends(word, STR(")")))
            word = str_slice(word, 0, word.len - 1);
        if (!str_cut_byte(word, ':', &name, &stream) || !name.len || !stream.len ||
            str_starts(stream, STR("/")) || str_find_byte(stream, ':') < stream.len)
            continue;
        if (found.len)
            return STR_NONE; /* two modules: it does not say which of them has which package */
        (void)str_cut_byte(stream, '/', &stream, &rest_of_it); /* "httpd:2.4/mod_http2" */
        found = str_slice(word, 0, name.len + 1 + stream.len);
    }
    return found;
}
