/* SPDX-License-Identifier: Apache-2.0 */
/* debian_list.c - data/DSA/list and data/DLA/list of Debian's security tracker:
 *
 *     [10 Nov 2022] DSA-5276-1 pixman - security update
 *             {CVE-2022-44638}
 *             [bullseye] - pixman 0.40.0-1.1~deb11u1
 *             [sarge] - mozilla <not-affected> (vulnerable code not present)
 *             NOTE: …
 *
 * Old entries have spaces for tabs, a second dash ("--"), several lines of ids. */
#include "advisory/internal.h"
#include "base/limits.h"
#include "base/num.h"

struct parsing {
    struct arena *arena;
    struct err *err;
    struct debian_list *out;
};

static bool broken(struct parsing *p, size_t line, str what, const char *why)
{
    str *slot = vec_push(p->arena, &p->out->broken);
    if (!slot)
        return err_memory(p->err);
    *slot = arena_printf(p->arena, "line %zu: %s: " STR_FMT, line, why, STR_ARG(what));
    return slot->ptr ? true : err_memory(p->err);
}

static str next_word(str *rest)
{
    str word = STR_NONE;
    while (str_is_empty(word) && str_next(rest, ' ', &word)) {
    }
    return word;
}

/* "10 Nov 2022" → "2022-11-10T00:00:00Z"; empty when it is no date. */
static bool print_date(struct parsing *p, str text, str *out)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t day, year;
    size_t month = 0;
    str rest = text, d = next_word(&rest), m = next_word(&rest), y = next_word(&rest);
    *out = STR_NONE;
    while (month < ARRAY_LEN(months) && !str_eq(m, str_from(months[month])))
        month++;
    if (!str_to_u64(d, 31, &day) || !str_to_u64(y, 9999, &year) || month == ARRAY_LEN(months))
        return true;
    *out = arena_printf(p->arena, "%04u-%02u-%02uT00:00:00Z", (unsigned)year, (unsigned)month + 1,
                        (unsigned)day);
    return out->ptr ? true : err_memory(p->err);
}

/* "[date] ID words" */
static bool add_header(struct parsing *p, size_t number, str line)
{
    str date, rest, id;
    if (!str_cut_byte(str_skip(line, 1), ']', &date, &rest))
        return broken(p, number, line, "a date without its end");
    str words = str_trim(rest);
    (void)str_cut_byte(words, ' ', &id, &rest);
    if (!str_starts(id, STR("DSA-")) && !str_starts(id, STR("DLA-")) &&
        !str_starts(id, STR("DTSA-")))
        return broken(p, number, line, "neither DSA nor DLA");
    struct debian_notice *notice = vec_push(p->arena, &p->out->notices);
    if (!notice)
        return err_memory(p->err);
    *notice = (struct debian_notice){.id = id, .title = words, .line = number};
    return print_date(p, date, &notice->published);
}

static bool add_ids(struct parsing *p, struct debian_notice *notice, size_t number, str line)
{
    str ids, rest;
    if (!str_cut_byte(str_skip(line, 1), '}', &ids, &rest))
        return broken(p, number, line, "ids without their end");
    for (;;) {
        str id = next_word(&ids);
        if (str_is_empty(id))
            return true;
        if (!strs_push(p->arena, &notice->ids, id, p->err))
            return false;
    }
}

/* "[bullseye] - pixman 0.40.0-1.1~deb11u1 (words)"; without a codename it is of sid. */
static bool add_fix(struct parsing *p, struct debian_notice *notice, size_t number, str line)
{
    str codename = STR("sid"), rest = line;
    if (str_starts(line, STR("[")) && !str_cut_byte(str_skip(line, 1), ']', &codename, &rest))
        return broken(p, number, line, "a release without its end");
    rest = str_trim(rest);
    str dash = next_word(&rest), package = next_word(&rest), version = next_word(&rest);
    if (!str_eq(dash, STR("-")) || str_is_empty(package) || str_is_empty(version))
        return broken(p, number, line, "no package and version");
    struct debian_fix *fix = vec_push(p->arena, &notice->fixes);
    if (!fix)
        return err_memory(p->err);
    str words = str_trim(rest);
    if (str_starts(words, STR("(")) && str_ends(words, STR(")")))
        words = str_slice(words, 1, words.len - 1);
    *fix = (struct debian_fix){codename, package, version, words};
    return true;
}

static bool add_line(struct parsing *p, size_t number, str line)
{
    struct debian_notice *notice =
        p->out->notices.len ? &p->out->notices.ptr[p->out->notices.len - 1] : NULL;
    bool is_indented = str_starts(line, STR(" ")) || str_starts(line, STR("\t"));
    str words = str_trim(line);
    if (str_is_empty(words))
        return true;
    if (!is_indented && str_starts(line, STR("[")))
        return add_header(p, number, words);
    if (!is_indented || !notice)
        return broken(p, number, words, "not understood");
    if (str_starts(words, STR("{")))
        return add_ids(p, notice, number, words);
    if (str_starts(words, STR("[")) || str_starts(words, STR("- ")))
        return add_fix(p, notice, number, words);
    /* NOTE and TODO are for people; "RESERVED", "NOT-FOR-US" and the like say nothing of a package
     */
    bool is_remark = str_starts(words, STR("NOTE")) || str_starts(words, STR("TODO")) ||
                     str_starts(words, STR("RESERVED")) || str_starts(words, STR("REJECTED")) ||
                     str_starts(words, STR("NOT-FOR-US"));
    return is_remark || broken(p, number, words, "not understood");
}

bool debian_list_parse(str text, struct arena *arena, struct debian_list *out, struct err *err)
{
    struct rd in;
    str line;
    *out = (struct debian_list){0};
    struct parsing parsing = {.arena = arena, .err = err, .out = out};
    rd_init(&in, text);
    while (rd_line(&in, LIMIT(STANZA_LINE), &line)) {
        if (!add_line(&parsing, in.line, line))
            return false;
    }
    return rd_ok(&in, err);
}
