/* SPDX-License-Identifier: Apache-2.0 */
/* os_release.c - etc/os-release: assignments as a shell reads them, without expansion:
 * os-release(5). lsb_release.c reads its file by the same rules. */
#include "base/limits.h"
#include "inventory/internal.h"

static bool is_name_byte(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_name(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_byte((unsigned char)s.ptr[i]))
            return false;
    return s.len && !(s.ptr[0] >= '0' && s.ptr[0] <= '9');
}

static bool is_space(unsigned char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Inside "…": a backslash takes the special meaning from $ ` " \ and joins lines; before anything
 * else it stands for itself (POSIX shell, 2.2.3). */
static void read_double(struct rd *in, struct sb *value)
{
    for (;;) {
        if (rd_is_end(in)) {
            rd_fail(in, ERR_FORMAT, "a double quote that is not closed");
            return;
        }
        unsigned char c = rd_u8(in);
        if (c == '"')
            return;
        if (c != '\\' || rd_is_end(in)) {
            sb_byte(value, c);
            continue;
        }
        unsigned char next = rd_u8(in);
        if (next == '\n')
            continue;
        if (next != '$' && next != '`' && next != '"' && next != '\\')
            sb_byte(value, '\\');
        sb_byte(value, next);
    }
}

static void read_single(struct rd *in, struct sb *value)
{
    for (;;) {
        if (rd_is_end(in)) {
            rd_fail(in, ERR_FORMAT, "a single quote that is not closed");
            return;
        }
        unsigned char c = rd_u8(in);
        if (c == '\'')
            return;
        sb_byte(value, c);
    }
}

/* Up to the end of the line.  Quoted pieces may touch; white space inside is kept and at the end
 * dropped, as systemd does, though a shell would see a command there. */
static void read_value(struct rd *in, struct sb *value)
{
    size_t keep = 0; /* bytes that are not white space at the end */
    while (!rd_is_end(in)) {
        unsigned char c = rd_u8(in);
        if (c == '\n')
            break;
        if (c == '"') {
            read_double(in, value);
        } else if (c == '\'') {
            read_single(in, value);
        } else if (c == '\\' && !rd_is_end(in)) {
            c = rd_u8(in);
            if (c == '\n')
                continue;
            sb_byte(value, c);
        } else {
            if (is_space(c) && value->len == 0)
                continue;
            sb_byte(value, c);
            if (is_space(c))
                continue;
        }
        keep = value->len;
    }
    if (!value->has_failed)
        value->len = keep;
}

enum next assignment_read(struct rd *in, struct arena *arena, struct assignment *out, size_t *n_odd)
{
    while (!rd_is_end(in)) {
        str rest = {(const char *)in->ptr, rd_left(in)};
        str line = str_slice(rest, 0, str_find_byte(rest, '\n'));
        str name, tail;
        str bare = str_trim(line);
        if (!str_cut_byte(line, '=', &name, &tail) || !is_name(str_trim(name))) {
            *n_odd += bare.len && bare.ptr[0] != '#';
            rd_skip(in, line.len + (line.len < rest.len));
            continue;
        }
        rd_skip(in, name.len + 1);
        auto_sb value;
        sb_init(&value, LIMIT(FIELD));
        read_value(in, &value);
        if (!rd_is_ok(in))
            return NEXT_ERR;
        if (value.has_failed) {
            rd_fail(in, ERR_LIMIT, "a value of more than %zu bytes", (size_t)LIMIT(FIELD));
            return NEXT_ERR;
        }
        *out = (struct assignment){str_trim(name), arena_dup(arena, sb_str(&value))};
        if (out->value.ptr)
            return NEXT_ITEM;
        err_memory(&in->err);
        return NEXT_ERR;
    }
    return rd_is_ok(in) ? NEXT_END : NEXT_ERR;
}

static bool os_release_parse(struct arena *arena, str path, struct rd *in, struct file_record *file,
                             struct err *err)
{
    (void)path;
    struct distro *distro = &file->distro;
    const struct {
        str name;
        str *value;
    } wanted[] = {
        {STR("ID"), &distro->id},
        {STR("ID_LIKE"), &distro->id_like},
        {STR("VERSION_ID"), &distro->version_id},
        {STR("VERSION_CODENAME"), &distro->codename},
        {STR("PRETTY_NAME"), &distro->name},
    };
    struct assignment assignment;
    size_t n_odd = 0;
    enum next next;
    while ((next = assignment_read(in, arena, &assignment, &n_odd)) == NEXT_ITEM)
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
            if (str_eq(assignment.name, wanted[i].name))
                *wanted[i].value = assignment.value; /* the last one wins, as in a shell */
    if (next == NEXT_ERR)
        return rd_ok(in, err);
    if (distro->id.len == 0 && n_odd)
        return err_set(err, ERR_FORMAT, "no ID, and %zu lines that are no assignment", n_odd);
    return true; /* without ID it says nothing: another file may */
}

const struct detector detector_os_release = {
    .name = "os_release",
    .revision = 1,
    .summary = "the distribution: ID, ID_LIKE, VERSION_ID, VERSION_CODENAME, PRETTY_NAME",
    .spec = "os-release(5)",
    .paths = PATHS("etc/os-release", "usr/lib/os-release"),
    .limit = LIMIT_ID_RELEASE_FILE,
    .release_rank = 1,
    .parse = os_release_parse,
};
