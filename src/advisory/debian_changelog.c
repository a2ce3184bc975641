/* SPDX-License-Identifier: Apache-2.0 */
/* debian_changelog.c - getting debian/changelog out of what an archive offers. */
#include "advisory/internal.h"
#include "base/limits.h"

/* --- tar within a decoder within …
 * --------------------------------------------------------------------- */

static str clean(str path)
{
    while (str_starts(path, STR("./")))
        path = str_skip(path, 2);
    return path;
}

/* "debian/changelog", in a native tar below one folder. */
static bool is_changelog(str path, str unused)
{
    str folder, below;
    (void)unused;
    path = clean(path);
    return str_eq(path, STR("debian/changelog")) ||
           (str_cut_byte(path, '/', &folder, &below) && str_eq(below, STR("debian/changelog")));
}

static str doc_file(str path, str package)
{
    path = clean(path);
    if (!str_starts(path, STR("usr/share/doc/")))
        return STR_NONE;
    path = str_skip(path, STR("usr/share/doc/").len);
    return str_starts(path, package) && str_starts(str_skip(path, package.len), STR("/"))
               ? str_skip(path, package.len + 1)
               : STR_NONE;
}

/* changelog.Debian.gz, or changelog.gz of a native package; upstream's changelog.gz has no Debian
 * heads and is refused by whoever parses it. */
static bool is_doc_changelog(str path, str package)
{
    str file = doc_file(path, package);
    return str_eq(file, STR("changelog.Debian.gz")) || str_eq(file, STR("changelog.Debian"));
}

static bool is_native_doc_changelog(str path, str package)
{
    str file = doc_file(path, package);
    return str_eq(file, STR("changelog.gz")) || str_eq(file, STR("changelog"));
}

struct want {
    bool (*is_best)(str path, str package);
    bool (*is_second)(str path, str package); /* taken when no best comes; NULL: none */
    str package;
};

static bool take(struct archive_reader *tar, struct arena *arena, str *out, struct err *err)
{
    str body;
    return archive_body(tar, arena, LIMIT(CHANGELOG), &body, err) &&
           decode_whole(arena, body, LIMIT(CHANGELOG), out, err);
}

static bool find_in_tar(struct source from, const struct want *want, struct arena *arena, str *out,
                        struct err *err)
{
    struct decoder *decoder = NULL;
    struct archive_reader *tar = NULL;
    struct entry entry;
    enum next next = NEXT_ERR;
    bool has_best = false, has_second = false, is_ok;
    is_ok = decoder_open(&decoder, from, LIMIT(FEED_FILE), err) &&
            archive_open(&tar, ARCHIVE_TAR, source_from_decoder(decoder), err);
    while (is_ok && !has_best && (next = archive_next(tar, &entry, err)) == NEXT_ITEM) {
        if (entry.type != ENTRY_FILE)
            continue;
        if (want->is_best(entry.path, want->package))
            has_best = is_ok = take(tar, arena, out, err);
        else if (!has_second && want->is_second && want->is_second(entry.path, want->package))
            has_second = is_ok = take(tar, arena, out, err);
    }
    if (is_ok && !has_best && next == NEXT_ERR)
        is_ok = false;
    archive_close(tar);
    decoder_close(decoder);
    if (is_ok && !has_best && !has_second)
        return err_set(err, ERR_NOT_FOUND, "it holds no changelog");
    return is_ok;
}

/* --- .diff.gz
 * ---------------------------------------------------------------------------------------------- */

/* A changelog made by the diff is a hunk of added lines only; a changed one needs the original too.
 */
static bool take_added(struct rd *in, struct arena *arena, str *out, struct err *err)
{
    str line;
    auto_sb text;
    sb_init(&text, LIMIT(CHANGELOG));
    if (!rd_line(in, LIMIT(STANZA_LINE), &line) || !str_starts(line, STR("@@ -0,0 +1")))
        return err_set(err, ERR_NOT_FOUND, "the diff changes a changelog of the original");
    while (rd_peek(in) == '+' && rd_line(in, LIMIT(STANZA_LINE), &line)) {
        sb_add(&text, str_skip(line, 1));
        sb_byte(&text, '\n');
    }
    if (!rd_ok(in, err) || !sb_ok(&text, err))
        return false;
    *out = arena_dup(arena, sb_str(&text));
    return out->ptr ? true : err_memory(err);
}

static bool find_in_diff(str diff, struct arena *arena, str *out, struct err *err)
{
    struct rd in;
    str line, name, rest;
    rd_init(&in, diff);
    while (rd_line(&in, LIMIT(STANZA_LINE), &line)) {
        if (!str_starts(line, STR("+++ ")))
            continue;
        (void)str_cut_byte(str_skip(line, 4), '\t', &name, &rest);
        if (is_changelog(str_trim(name), STR_NONE))
            return take_added(&in, arena, out, err);
    }
    return rd_ok(&in, err) ? err_set(err, ERR_NOT_FOUND, "the diff holds no changelog") : false;
}

bool changelog_of_source(str archive, bool is_diff, struct arena *arena, str *out, struct err *err)
{
    const struct want want = {.is_best = is_changelog};
    struct source_mem state;
    str diff;
    if (!is_diff)
        return find_in_tar(source_from_mem(&state, archive), &want, arena, out, err);
    return decode_whole(arena, archive, LIMIT(CHANGELOG_ARCHIVE), &diff, err) &&
           find_in_diff(diff, arena, out, err);
}

/* --- .deb: ar of debian-binary, control.tar.*, data.tar.*
 * ---------------------------------------------------- */

static enum next read_entry(void *ctx, str *chunk, struct err *err)
{
    return archive_data(ctx, chunk, err);
}

bool changelog_of_deb(str archive, str package, struct arena *arena, str *out, struct err *err)
{
    const struct want want = {
        .is_best = is_doc_changelog, .is_second = is_native_doc_changelog, .package = package};
    struct source_mem state;
    struct archive_reader *ar = NULL;
    struct entry entry;
    enum next next;
    if (!archive_open(&ar, ARCHIVE_AR, source_from_mem(&state, archive), err))
        return false;
    while ((next = archive_next(ar, &entry, err)) == NEXT_ITEM) {
        if (str_starts(entry.path, STR("data.tar")))
            break;
    }
    bool is_ok = false;
    if (next == NEXT_ITEM)
        is_ok = find_in_tar((struct source){.read = read_entry, .ctx = ar}, &want, arena, out, err);
    else if (next == NEXT_END)
        is_ok = err_set(err, ERR_FORMAT, "a .deb without data.tar");
    archive_close(ar);
    return is_ok;
}
