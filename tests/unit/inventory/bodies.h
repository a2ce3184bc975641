/* SPDX-License-Identifier: Apache-2.0 */
/* bodies.h - for tests: dice, and the bodies of the files that random stacks are made of.  A body
 * is a number that says all: its kind, the packages in it with their versions, and their files. */
#pragma once

#include <stdarg.h>

#include "rpmdb.h"
#include "tar.h"

struct dice {
    const uint8_t *data;
    size_t left;
    uint64_t state;
};

static inline unsigned roll(struct dice *dice, unsigned n)
{
    if (dice->data) {
        if (dice->left == 0)
            return 0;
        dice->left--;
        return *dice->data++ % n;
    }
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (unsigned)((dice->state >> 20) % n);
}

/* snprintf() that never cuts. */
PRINTF(3, 4)
static inline int print_into(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out, size, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= size)
        abort();
    return n;
}

#define PICK(dice, array) ((array)[roll((dice), sizeof(array) / sizeof(*(array)))])

enum { N_PACKAGES = 5 };

/* --- executables, which packages may own ------------------------------------------------------ */
static const char *const exec_paths[] = {"usr/bin/a", "usr/bin/b", "bin/a",    "bin/b",
                                         "opt/app/a", "opt/now/a", "lib/a",    "usr/lib/a",
                                         "srv/x/y/a", "srv/x/b",   "lib/apk/a"};
enum { N_EXEC_PATHS = sizeof(exec_paths) / sizeof(*exec_paths) };

/* --- databases -------------------------------------------------------------------------------- */
enum body_kind {
    BODY_DPKG,
    BODY_APK,
    BODY_ONE,
    BODY_OS,
    BODY_OLD_KINDS, /* the dice that choose among these are older than the others */
    BODY_NDB = BODY_OLD_KINDS,
    BODY_BDB,
    BODY_SQLITE,
    BODY_WAL,
    BODY_PACMAN,
    BODY_PORTAGE,
    BODY_OPKG,
    BODY_KINDS
};
static const char *const body_types[BODY_KINDS] = {"deb", "apk", "deb",  "",       "rpm", "rpm",
                                                   "rpm", "rpm", "alpm", "ebuild", "opkg"};

/* For each package a digit: absent, or its version. */
static inline int body_make(struct dice *dice, enum body_kind kind)
{
    int value = 0;
    for (int i = 0; i < N_PACKAGES; i++)
        value = value * 3 + (int)roll(dice, 3);
    return value * BODY_KINDS + (int)kind;
}

static inline enum body_kind body_kind(int body) { return (enum body_kind)(body % BODY_KINDS); }

/* A file of one package: the first one only, always there. */
static inline bool body_is_of_one(int body)
{
    enum body_kind kind = body_kind(body);
    return kind == BODY_ONE || kind == BODY_PACMAN || kind == BODY_PORTAGE;
}
static inline int body_one(int body) { return body / BODY_KINDS % N_PACKAGES; }
static inline int body_one_version(int body) { return 1 + body / BODY_KINDS % 2; }

/* 0: not in it; else its version */
static inline int body_version(int body, int package)
{
    int value = body / BODY_KINDS;
    if (body < 0)
        return 0;
    if (body_is_of_one(body))
        return package == body_one(body) ? body_one_version(body) : 0;
    for (int i = 0; i < package; i++)
        value /= 3;
    return body_kind(body) == BODY_OS ? 0 : value % 3;
}

/* Which of exec_paths the package lists in the database itself; ghosts are not its own. */
static inline void body_files(int body, int package, int files[2], int *ghost)
{
    int seed = package * 3 + body_version(body, package) * 5 + body / BODY_KINDS % 7;
    files[0] = seed % N_EXEC_PATHS;
    files[1] = (seed + 4) % N_EXEC_PATHS;
    *ghost = (seed + 7) % N_EXEC_PATHS;
}
static inline bool body_has_files(int body)
{
    enum body_kind kind = body_kind(body);
    return body >= 0 && (kind == BODY_APK || (kind >= BODY_NDB && kind <= BODY_WAL));
}

static inline void rpm_text(int body, struct sb *out)
{
    struct rpm_headers headers = {0};
    for (int i = 0; i < N_PACKAGES; i++) {
        char name[8], version[8], paths[3][40];
        int listed[2], ghost;
        if (!body_version(body, i))
            continue;
        body_files(body, i, listed, &ghost);
        print_into(name, sizeof(name), "pkg%d", i);
        print_into(version, sizeof(version), "%d", body_version(body, i));
        print_into(paths[0], sizeof(paths[0]), "/%s", exec_paths[listed[0]]);
        print_into(paths[1], sizeof(paths[1]), "/%s", exec_paths[listed[1]]);
        print_into(paths[2], sizeof(paths[2]), "/%s", exec_paths[ghost]);
        struct rpm_files files[] = {{paths[0], false}, {paths[1], false}, {paths[2], true}};
        rpm_headers_add(&headers, str_from(name), str_from(version), files, 3);
    }
    static void (*const makers[])(const struct rpm_headers *headers, struct sb *out) = {
        rpm_to_ndb, rpm_to_bdb, rpm_to_sqlite, rpm_to_wal};
    makers[body_kind(body) - BODY_NDB](&headers, out);
    rpm_headers_free(&headers);
}

static inline void apk_files(int body, int package, struct sb *out)
{
    int files[2], ghost;
    body_files(body, package, files, &ghost);
    for (int f = 0; f < 2; f++) {
        str path = str_from(exec_paths[files[f]]);
        size_t slash = str_rfind_byte(path, '/');
        sb_addf(out, "F:" STR_FMT "\nR:" STR_FMT "\n", STR_ARG(str_slice(path, 0, slash)),
                STR_ARG(str_skip(path, slash + 1)));
    }
}

static inline void package_text(int body, int package, struct sb *out)
{
    int version = body_version(body, package);
    enum body_kind kind = body_kind(body);
    if (kind == BODY_APK) {
        sb_addf(out, "C:Q1\nP:pkg%d\nV:%d\nA:x\no:src\n", package, version);
        apk_files(body, package, out);
        sb_addc(out, "\n");
    } else if (kind == BODY_PACMAN) {
        sb_addf(out, "%%NAME%%\npkg%d\n\n%%VERSION%%\n%d-1\n", package, version);
    } else if (kind == BODY_PORTAGE) {
        sb_addf(out, "pkg%d-%d\n", package, version);
    } else {
        sb_addf(out, "Package: pkg%d\n%sVersion: %d\n\n", package,
                kind == BODY_ONE ? "" : "Status: install ok installed\n", version);
    }
}

static inline void body_text(int body, struct sb *out)
{
    enum body_kind kind = body_kind(body);
    int value = body / BODY_KINDS;
    sb_clear(out);
    if (kind >= BODY_NDB && kind <= BODY_WAL) {
        rpm_text(body, out);
        return;
    }
    for (int i = 0; i < N_PACKAGES; i++)
        if (body_version(body, i))
            package_text(body, i, out);
    if (kind == BODY_OS && value % 4)
        sb_addf(out, "ID=%s\nVERSION_ID=%d\n", value % 2 ? "debian" : "alpine", value % 5);
    sb_add(out, STR(""));
}

/* --- lists of files: a bit each path, and the form ----------------------------------------------
 */
enum list_kind { LIST_PLAIN, LIST_MD5SUMS, LIST_PACMAN, LIST_PORTAGE, LIST_KINDS };
static inline int list_make(unsigned mask, enum list_kind kind)
{
    return (int)(mask * LIST_KINDS + (unsigned)kind);
}
static inline bool list_has(int body, size_t path)
{
    return (unsigned)body / LIST_KINDS >> path & 1;
}

static inline void list_text(int body, struct sb *out)
{
    static const struct {
        const char *head, *before, *behind;
    } forms[LIST_KINDS] = {
        [LIST_PLAIN] = {"/.\n", "/", "\n"},
        [LIST_MD5SUMS] = {"", "d41d8cd98f00b204e9800998ecf8427e  ", "\n"},
        [LIST_PACMAN] = {"%FILES%\nusr/\n", "", "\n"},
        [LIST_PORTAGE] = {"dir /usr\n", "obj /", " d41d8cd98f00b204e9800998ecf8427e 17\n"},
    };
    int kind = body % LIST_KINDS;
    sb_clear(out);
    sb_addc(out, forms[kind].head);
    for (size_t i = 0; i < N_EXEC_PATHS; i++)
        if (list_has(body, i)) {
            sb_addc(out, forms[kind].before);
            sb_addc(out, exec_paths[i]);
            sb_addc(out, forms[kind].behind);
        }
    sb_add(out, STR(""));
}
