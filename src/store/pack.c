/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that are only ever read whole lie in one column as JSON: a person can read them, and so can
 * the query functions of either engine. */
#include "store/internal.h"
#include "syntax/syntax.h"

void pack_strs(struct sb *out, const strs *list)
{
    struct jw jw;
    if (!list->len)
        return;
    jw_init(&jw, out, false);
    jw_arr(&jw);
    for (size_t i = 0; i < list->len; i++)
        jw_str(&jw, list->ptr[i]);
    jw_arr_end(&jw);
}

/* Rows of texts: [["a","b"],…]; the columns are the packer's contract with its unpacker. */
static void pack_row(struct jw *jw, const str *cells, size_t n)
{
    jw_arr(jw);
    for (size_t i = 0; i < n; i++)
        jw_str(jw, cells[i]);
    jw_arr_end(jw);
}
#define PACK_ROW(jw, ...)                                                                          \
    pack_row((jw), (const str[]){__VA_ARGS__}, sizeof((const str[]){__VA_ARGS__}) / sizeof(str))

void pack_labels(struct sb *out, const struct report *report)
{
    struct jw jw;
    if (!report->labels.len)
        return;
    jw_init(&jw, out, false);
    jw_arr(&jw);
    for (size_t i = 0; i < report->labels.len; i++)
        PACK_ROW(&jw, report->labels.ptr[i].key, report->labels.ptr[i].value);
    jw_arr_end(&jw);
}

void pack_cvss(struct sb *out, const struct finding *finding)
{
    struct jw jw;
    if (!finding->cvss.len)
        return;
    jw_init(&jw, out, false);
    jw_arr(&jw);
    for (size_t i = 0; i < finding->cvss.len; i++) {
        const struct cvss *c = &finding->cvss.ptr[i];
        PACK_ROW(&jw, c->version, c->vector, c->source);
    }
    jw_arr_end(&jw);
}

void pack_ratings(struct sb *out, const struct finding *finding)
{
    struct jw jw;
    if (!finding->ratings.len)
        return;
    jw_init(&jw, out, false);
    jw_arr(&jw);
    for (size_t i = 0; i < finding->ratings.len; i++)
        PACK_ROW(&jw, finding->ratings.ptr[i].source,
                 str_from(word_severity(finding->ratings.ptr[i].severity)));
    jw_arr_end(&jw);
}

void pack_evidence(struct sb *out, const struct finding *finding)
{
    struct jw jw;
    if (!finding->evidence.len)
        return;
    jw_init(&jw, out, false);
    jw_arr(&jw);
    for (size_t i = 0; i < finding->evidence.len; i++) {
        const struct finding_evidence *e = &finding->evidence.ptr[i];
        PACK_ROW(&jw, e->source, e->record, e->revision, e->range, e->comparator, e->installed,
                 str_from(word_fix(e->state)), e->note);
    }
    jw_arr_end(&jw);
}

/* --- and back
 * ------------------------------------------------------------------------------------------- */
enum { CELLS_MAX = 8 };
typedef bool take_row(struct arena *arena, const str *cells, void *out);

/* Nearly all texts are as jw writes them when nothing is escaped: those are cut here.  False: it is
 * something else, for json_read. */
static bool cut_mark(str *rest, str mark)
{
    if (!str_starts(*rest, mark))
        return false;
    *rest = str_skip(*rest, mark.len);
    return true;
}

static bool cut_text(str *rest, str *out)
{
    if (!cut_mark(rest, STR("\"")))
        return false;
    size_t end = str_find_byte(*rest, '"');
    *out = str_slice(*rest, 0, end);
    bool is_plain = end < rest->len && str_find_byte(*out, '\\') == out->len;
    *rest = str_skip(*rest, end + 1);
    return is_plain;
}

static bool cut_cells(str *rest, str *cells, size_t n)
{
    if (!cut_mark(rest, STR("[")))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((i && !cut_mark(rest, STR(","))) || !cut_text(rest, &cells[i]))
            return false;
    return cut_mark(rest, STR("]"));
}

static bool are_plain_rows(str rest, size_t n_cells)
{
    str cells[CELLS_MAX];
    if (!cut_mark(&rest, STR("[")))
        return false;
    do
        if (!cut_cells(&rest, cells, n_cells))
            return false;
    while (cut_mark(&rest, STR(",")));
    return cut_mark(&rest, STR("]")) && rest.len == 0;
}

static bool take_plain_rows(struct arena *arena, str text, size_t n_cells, take_row *take,
                            void *out, struct err *err)
{
    str rest = arena_dup(arena, text), cells[CELLS_MAX] = {0};
    if (!rest.ptr)
        return err_memory(err);
    rest = str_skip(rest, 1);
    do
        if (!cut_cells(&rest, cells, n_cells) || !take(arena, cells, out))
            return err_memory(err);
    while (cut_mark(&rest, STR(",")));
    return true;
}

static bool take_plain_strs(struct arena *arena, str text, strs *out, bool *is_plain,
                            struct err *err)
{
    strs made = *out;
    str rest = arena_dup(arena, text), one;
    *is_plain = false;
    if (!rest.ptr)
        return err_memory(err);
    if (!cut_mark(&rest, STR("[")))
        return true;
    do {
        if (!cut_text(&rest, &one))
            return true;
        str *slot = vec_push(arena, &made);
        if (!slot)
            return err_memory(err);
        *slot = one;
    } while (cut_mark(&rest, STR(",")));
    *is_plain = cut_mark(&rest, STR("]")) && rest.len == 0;
    if (*is_plain)
        *out = made;
    return true;
}

static bool dup_cells(struct arena *arena, const json_t *row, str cells[static CELLS_MAX], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(cells[i] = arena_dup(arena, json_str_of(json_array_get(row, i)))).ptr)
            return false;
    return true;
}

static bool unpack_rows(struct arena *arena, str text, size_t n_cells, take_row *take, void *out,
                        struct err *err)
{
    auto_json *root = NULL;
    if (!text.len)
        return true;
    if (are_plain_rows(text, n_cells))
        return take_plain_rows(arena, text, n_cells, take, out, err);
    if (!json_read(text, &root, err))
        return err_wrap(err, "store: a list column");
    for (size_t i = 0; i < json_array_size(root); i++) {
        str cells[CELLS_MAX] = {0};
        if (!dup_cells(arena, json_array_get(root, i), cells, n_cells) || !take(arena, cells, out))
            return err_memory(err);
    }
    return true;
}

bool unpack_strs(struct arena *arena, str text, strs *out, struct err *err)
{
    auto_json *root = NULL;
    bool is_plain;
    if (!text.len)
        return true;
    if (!take_plain_strs(arena, text, out, &is_plain, err))
        return false;
    if (is_plain)
        return true;
    if (!json_read(text, &root, err))
        return err_wrap(err, "store: a list column");
    for (size_t i = 0; i < json_array_size(root); i++) {
        str *one = vec_push(arena, out);
        if (!one || !(*one = arena_dup(arena, json_str_of(json_array_get(root, i)))).ptr)
            return err_memory(err);
    }
    return true;
}

static bool take_label(struct arena *arena, const str *cells, void *out)
{
    struct report *report = out;
    struct label *label = vec_push(arena, &report->labels);
    if (label)
        *label = (struct label){cells[0], cells[1]};
    return label != NULL;
}

bool unpack_labels(struct arena *arena, str text, struct report *out, struct err *err)
{
    return unpack_rows(arena, text, 2, take_label, out, err);
}

/* The score is a function of the vector: computed again rather than rounded on disk. */
static bool take_cvss(struct arena *arena, const str *cells, void *out)
{
    struct finding *finding = out;
    struct err none;
    struct cvss *cvss = vec_push(arena, &finding->cvss);
    if (!cvss)
        return false;
    *cvss = (struct cvss){.version = cells[0], .vector = cells[1], .source = cells[2]};
    cvss->is_scored = cvss_score(cvss->vector, &cvss->score, &none);
    return true;
}

bool unpack_cvss(struct arena *arena, str text, struct finding *out, struct err *err)
{
    return unpack_rows(arena, text, 3, take_cvss, out, err);
}

static bool take_rating(struct arena *arena, const str *cells, void *out)
{
    struct finding *finding = out;
    struct rating *rating = vec_push(arena, &finding->ratings);
    if (rating)
        *rating = (struct rating){cells[0], word_severity_parse(cells[1])};
    return rating != NULL;
}

bool unpack_ratings(struct arena *arena, str text, struct finding *out, struct err *err)
{
    return unpack_rows(arena, text, 2, take_rating, out, err);
}

static bool take_evidence(struct arena *arena, const str *cells, void *out)
{
    struct finding *finding = out;
    struct finding_evidence *e = vec_push(arena, &finding->evidence);
    if (e)
        *e = (struct finding_evidence){
            .source = cells[0],
            .record = cells[1],
            .revision = cells[2],
            .range = cells[3],
            .comparator = cells[4],
            .installed = cells[5],
            .state = word_fix_parse(cells[6]), /* older rows have neither */
            .note = cells[7],
        };
    return e != NULL;
}

bool unpack_evidence(struct arena *arena, str text, struct finding *out, struct err *err)
{
    return unpack_rows(arena, text, 8, take_evidence, out, err);
}
