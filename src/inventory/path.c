/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "inventory/internal.h"

#include <string.h>

str path_base(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.len ? str_skip(path, slash + 1) : path;
}

str path_dir(str path)
{
    size_t slash = str_rfind_byte(path, '/');
    return slash < path.len ? str_slice(path, 0, slash) : STR_NONE;
}

/* No component that has to go: most paths of most archives, but for a slash at the end. */
static bool is_clean(str path)
{
    char last = '/';
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        if (last == '/' && (c == '/' || c == '.'))
            return false;
        last = c;
    }
    return last != '/';
}

/* Add the components of @raw to the *len bytes in @room. */
static enum clean add_components(str raw, char *room, size_t *len)
{
    enum clean result = CLEAN_OK;
    str name;
    while (str_next(&raw, '/', &name)) {
        if (name.len == 0 || str_eq(name, STR(".")))
            continue;
        if (str_eq(name, STR(".."))) {
            *len = path_dir((str){room, *len}).len;
            result = CLEAN_CLIMBS;
            continue;
        }
        if (*len + 1 + name.len > LIMIT(PATH))
            return CLEAN_LONG;
        if (*len)
            room[(*len)++] = '/';
        memcpy(room + *len, name.ptr, name.len);
        *len += name.len;
    }
    return result;
}

enum clean path_clean(str raw, char *room, str *path)
{
    if (raw.len && raw.ptr[raw.len - 1] == '/')
        raw.len--;
    *path = raw;
    if (raw.len < LIMIT(PATH) && is_clean(raw))
        return CLEAN_OK;
    size_t len = 0;
    enum clean result = add_components(raw, room, &len);
    *path = (str){room, len};
    return result;
}

enum clean path_target(str path, str target, char *room, str *out)
{
    size_t len = 0;
    enum clean result = CLEAN_OK;
    if (!str_starts(target, STR("/")))
        result = add_components(path_dir(path), room, &len);
    if (result == CLEAN_OK)
        result = add_components(target, room, &len);
    *out = (str){room, len};
    return result;
}

bool path_glob(str pattern, str name)
{
    size_t p = 0, n = 0, star = pattern.len, from = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
            p++, n++;
        } else if (star < pattern.len) {
            p = star + 1; /* the last star takes one byte more */
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}
