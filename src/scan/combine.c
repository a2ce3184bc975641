/* SPDX-License-Identifier: Apache-2.0 */
/* combine.c - a database and the file beside it, read together by the analyser: for the merge,
 * which has both out of layers that were analysed alone. */
#include "scan/internal.h"

struct combining {
    struct scanner *scanner;
    const struct cancel *cancel;
};

static bool ask(struct channel *to, const struct file_record *main, str side, struct sb *answer,
                struct err *err)
{
    auto_sb head, middle;
    sb_init(&head, LIMIT(PATH) + LIMIT(FIELD));
    sb_init(&middle, 64);
    sb_blob(&head, str_from(main->detector->name));
    sb_blob(&head, main->path);
    sb_varint(&head, main->raw.len);
    sb_varint(&middle, side.len);
    return sb_ok(&head, err) && sb_ok(&middle, err) && channel_feed(to, sb_str(&head), err) &&
           channel_feed(to, main->raw, err) && channel_feed(to, sb_str(&middle), err) &&
           channel_feed(to, side, err) && channel_hear(to, answer, err);
}

/* The one file that the answer is about. */
static bool take(struct arena *arena, str bytes, const struct file_record *main,
                 struct file_record *out, struct err *err)
{
    struct layer_inventory told;
    struct rd in;
    rd_init(&in, bytes);
    if (!answer_begin(&in, err) || !layer_inventory_decode(arena, rd_rest(&in), &told, err))
        return false;
    if (told.files.len != 1 || told.files.ptr[0].detector != main->detector)
        return err_set(err, ERR_FORMAT, "an answer to another question");
    *out = told.files.ptr[0];
    return true;
}

static bool combine(void *ctx, struct arena *arena, const struct file_record *main, str side,
                    struct file_record *out, struct err *err)
{
    const struct combining *c = ctx;
    struct channel to;
    struct err why = {0};
    auto_sb answer;
    sb_init(&answer, LIMIT(FRAME));
    if (!channel_open(&to, c->scanner, REQUEST_COMBINE, c->cancel, err))
        return false;
    bool is_done = ask(&to, main, side, &answer, &why);
    if (channel_close(&to, is_done, &why) && take(arena, sb_str(&answer), main, out, &why))
        return true;
    if (why.kind == ERR_CANCELLED) {
        *err = why;
        return false;
    }
    /* Also what did not fit the analyser's memory: the file is told, the others go on. */
    str reason = arena_printf(arena, "with the file beside it: %s", why.msg);
    *out = (struct file_record){.detector = main->detector, .is_failed = true, .reason = reason};
    return reason.ptr || err_memory(err); /* what killed the analyser, or garbled its answer */
}

bool scan_merge(struct scanner *scanner, const struct cancel *cancel, struct arena *arena,
                const struct layer_inventory *const *layers, size_t n, struct image_inventory *out,
                struct err *err)
{
    struct combining combining = {scanner, cancel};
    const struct combiner combiner = {combine, &combining};
    return image_inventory_merge(arena, &combiner, layers, n, out, err);
}
