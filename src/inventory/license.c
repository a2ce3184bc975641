/* SPDX-License-Identifier: Apache-2.0 */
/* license.c - the names in the licence expression of a package: SPDX's, and the lists of older
 * packages. */
#include "base/limits.h"
#include "inventory/internal.h"

/* '&' and '|' are Yocto's AND and OR. */
static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == '(' || c == ')' || c == '&' || c == '|';
}

/* The words of a licence expression: "MIT AND (BSD-2-Clause OR ISC)" has three; "WITH exception"
 * belongs to the one before.  Older records list words without AND. */
static bool next_license(str *rest, str *license)
{
    while (rest->len && is_between(rest->ptr[0]))
        *rest = str_skip(*rest, 1);
    size_t n = 0;
    while (n < rest->len && !is_between(rest->ptr[n]))
        n++;
    *license = str_slice(*rest, 0, n);
    *rest = str_skip(*rest, n);
    return n > 0;
}

bool licenses_add(struct arena *arena, struct package *package, str text, struct err *err)
{
    if (text.len > LIMIT(FIELD))
        return err_set(err, ERR_LIMIT, "a field of more than %zu bytes", (size_t)LIMIT(FIELD));
    str word;
    bool is_exception = false, has_exception = false; /* a licence has one */
    while (next_license(&text, &word)) {
        if (str_eq_nocase(word, STR("AND")) || str_eq_nocase(word, STR("OR")))
            continue;
        if (str_eq_nocase(word, STR("WITH")) && package->licenses.len && !has_exception) {
            is_exception = true;
            continue;
        }
        str *to = is_exception ? &package->licenses.ptr[package->licenses.len - 1]
                               : vec_push(arena, &package->licenses);
        if (!to)
            return err_memory(err);
        *to = is_exception ? arena_printf(arena, "%.*s WITH %.*s", STR_ARG(*to), STR_ARG(word))
                           : arena_dup(arena, word);
        if (!to->ptr)
            return err_memory(err);
        has_exception = is_exception;
        is_exception = false;
    }
    return true;
}
