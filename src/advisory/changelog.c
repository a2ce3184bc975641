/* SPDX-License-Identifier: Apache-2.0 */
/* changelog.c - deb-changelog(5):
 *
 *     source (version) distributions; key=value, …
 *       * text
 *      -- Maintainer <mail>  date
 *
 * Every changelog that dpkg accepts has such heads; what stands between them in old ones (vim
 * lines, free text) is no entry and is left out, as dpkg-parsechangelog does.  CVE ids are taken
 * where they stand in full. */
#include "advisory/internal.h"
#include "base/clock.h"
#include "base/limits.h"

enum { ENTRIES_MAX = 100000, CVES_MAX = 100000 };

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
}

struct head {
    str source, version, distribution, options;
};

static bool parse_head(str line, struct head *head)
{
    str rest, tail;
    struct rd in;
    if (!str_cut(line, STR(" ("), &head->source, &rest) || str_is_empty(head->source) ||
        !str_cut(rest, STR(") "), &head->version, &rest) || str_is_empty(head->version) ||
        !str_cut_byte(rest, ';', &head->distribution, &tail))
        return false;
    for (rd_init(&in, head->source); !rd_is_end(&in);) {
        if (!is_name_byte(rd_u8(&in)))
            return false;
    }
    for (rd_init(&in, head->version); !rd_is_end(&in);) {
        uint8_t c = rd_u8(&in);
        if (c <= ' ' || c == '(' || c == ')')
            return false;
    }
    head->distribution = str_trim(head->distribution);
    head->options = tail;
    return true;
}

static size_t count_digits(str s)
{
    struct rd in;
    size_t n = 0;
    for (rd_init(&in, s); rd_peek(&in) >= '0' && rd_peek(&in) <= '9'; n++)
        rd_skip(&in, 1);
    return n;
}

/* CVE-YYYY-NNNN, four digits or more; *rest is what follows it. */
static bool next_cve(str *rest, str *id)
{
    for (;;) {
        size_t at = str_find(*rest, STR("CVE-"));
        if (at == rest->len)
            return false;
        str from = str_skip(*rest, at), after = str_skip(from, 4);
        *rest = after;
        if (count_digits(str_slice(after, 0, 5)) != 4 || !str_starts(str_skip(after, 4), STR("-")))
            continue;
        size_t digits = count_digits(str_slice(str_skip(after, 5), 0, 20));
        if (digits < 4)
            continue;
        *id = str_slice(from, 0, 9 + digits);
        *rest = str_skip(from, 9 + digits);
        return true;
    }
}

static str without_bullet(str line)
{
    line = str_trim(line);
    if (str_starts(line, STR("* ")) || str_starts(line, STR("- ")) || str_starts(line, STR("+ ")))
        line = str_trim(str_skip(line, 2));
    return str_slice(line, 0, 300);
}

static bool add_cves(struct arena *arena, struct changelog_entry *entry, str line, struct rd *in)
{
    str rest = line, id;
    while (next_cve(&rest, &id)) {
        bool is_known = false;
        for (size_t i = 0; i < entry->cves.len && !is_known; i++)
            is_known = str_eq(entry->cves.ptr[i].id, id);
        if (is_known)
            continue;
        if (entry->cves.len >= CVES_MAX)
            return rd_fail(in, ERR_LIMIT, "more than %d ids in one entry", CVES_MAX);
        struct changelog_cve *cve = vec_push(arena, &entry->cves);
        if (!cve)
            return rd_fail(in, ERR_MEMORY, "an entry does not fit");
        *cve = (struct changelog_cve){.id = id, .line = without_bullet(line)};
    }
    return true;
}

static void read_date(struct changelog_entry *entry, str trailer)
{
    size_t at = str_find(trailer, STR(">  "));
    str date = at < trailer.len ? str_skip(trailer, at + 3) : STR_NONE;
    if (!clock_parse_rfc5322(date, &entry->date))
        entry->date = 0;
}

/* The entry that the lines behind this head belong to; NULL when they are nobody's: another name's
 * (whose versions mean nothing here), or a rebuild of a binary alone. */
static struct changelog_entry *begin(struct arena *arena, struct changelog *out,
                                     const struct head *head, str source, struct rd *in)
{
    if (!str_eq(head->source, source) || str_has(head->options, STR("binary-only=yes")))
        return NULL;
    if (out->entries.len >= ENTRIES_MAX) {
        rd_fail(in, ERR_LIMIT, "more than %d entries", ENTRIES_MAX);
        return NULL;
    }
    struct changelog_entry *entry = vec_push(arena, &out->entries);
    if (!entry)
        rd_fail(in, ERR_MEMORY, "the changelog does not fit");
    else
        *entry =
            (struct changelog_entry){.version = head->version, .distribution = head->distribution};
    return entry;
}

bool changelog_parse(str text, str source, struct arena *arena, struct changelog *out,
                     struct err *err)
{
    struct rd in;
    struct head head;
    struct changelog_entry *entry = NULL;
    bool has_head = false;
    str line;
    *out = (struct changelog){0};
    rd_init(&in, text);
    while (rd_line(&in, LIMIT(STANZA_LINE), &line)) {
        if (str_starts(line, STR(" -- "))) {
            if (entry)
                read_date(entry, line);
        } else if (str_starts(line, STR("  ")) || str_starts(line, STR("\t"))) {
            if (entry)
                add_cves(arena, entry, line, &in);
        } else if (parse_head(line, &head)) {
            has_head = true;
            entry = begin(arena, out, &head, source, &in);
        } else if (str_starts(line, STR("#")) && str_has(line, STR("changelog"))) {
            out->is_cut = true;
        }
    }
    if (rd_is_ok(&in) && !has_head)
        rd_fail(&in, ERR_FORMAT, "not a Debian changelog");
    return rd_ok(&in, err);
}
