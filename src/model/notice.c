/* SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"
#include "model/model.h"

static const char *const names[] = {
    [NOTICE_INFO] = "info",
    [NOTICE_UNREADABLE] = "unreadable",
    [NOTICE_LIMIT] = "limit",
    [NOTICE_VERSION] = "version",
    [NOTICE_SANDBOX] = "sandbox",
    [NOTICE_ADVISORY] = "advisory",
    [NOTICE_UNSUPPORTED] = "unsupported",
};

const char *notice_kind_name(enum notice_kind kind)
{
    return (size_t)kind < ARRAY_LEN(names) ? names[kind] : names[NOTICE_INFO];
}

bool notice_add(struct arena *arena, notices *to, enum notice_kind kind, bool is_incomplete,
                str path, str message)
{
    str path_copy = arena_dup(arena, path), message_copy = arena_dup(arena, message);
    if (!path_copy.ptr || !message_copy.ptr)
        return false;
    struct notice *notice = vec_push(arena, to);
    if (!notice)
        return false;
    *notice = (struct notice){.kind = kind,
                              .is_incomplete = is_incomplete,
                              .layer = -1,
                              .path = path_copy,
                              .message = message_copy};
    return true;
}
