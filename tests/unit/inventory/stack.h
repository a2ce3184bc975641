/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h - for tests: random stacks of layers, and a plain file system that flattens them.
 *
 * The file system is a flat list of paths, unlike the tree of the merge: what they have in common
 * is only the rules that both were written from.  Dice are a generator with a seed, or a fuzzer's
 * bytes. */
#pragma once

#include "bodies.h"

static inline size_t copy_into(char *out, size_t size, const char *from)
{
    size_t len = strlen(from);
    if (len >= size)
        abort();
    memcpy(out, from, len + 1);
    return len;
}

/* --- operations: the entries of a layer ---------------------------------------------------------
 */
enum op_kind {
    OP_FILE,
    OP_JUNK,
    OP_DIR,
    OP_SYMLINK,
    OP_HARDLINK,
    OP_WHITEOUT,
    OP_OPAQUE,
    OP_EXEC, /* body: its size */
    OP_LIST, /* of files that a package owns; body: which */
};
struct op {
    enum op_kind kind;
    char path[200], target[200];
    int body; /* >= 0: number of a body; see body_text */
};
enum { STACK_LAYERS = 6, STACK_OPS = 14, STACK_EXECS = 12, STACK_SYSTEMS = 12 };
struct stack {
    struct op ops[STACK_LAYERS][STACK_OPS + STACK_EXECS + STACK_SYSTEMS];
    int n_ops[STACK_LAYERS], n_layers;
};

static const char *const known_folders[] = {
    "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/status.d", "lib", "lib/apk", "lib/apk/db",
    "usr", "usr/lib", "usr/lib/apk",  "usr/lib/apk/db",        "etc",
};
/* never replaced by what is not a folder: no layer would tell */
static const char *const odd_folders[] = {"opt", "opt/dpkg", "opt/apk", "opt/db", "srv"};
static const char *const links_to_known[] = {"srv/lib", "srv/root"};

static inline void database_path(struct dice *dice, struct op *op)
{
    static const char *const dpkg[] = {"var/lib/dpkg/status", "var/lib/dpkg/status", "opt/status",
                                       "opt/dpkg/status", "srv/lib/dpkg/status"};
    static const char *const apk[] = {"lib/apk/db/installed", "usr/lib/apk/db/installed",
                                      "opt/db/installed", "opt/apk/db/installed",
                                      "srv/lib/apk/db/installed"};
    static const char *const os[] = {"etc/os-release", "usr/lib/os-release", "opt/os-release",
                                     "srv/root/etc/os-release"};
    static const char *const one[] = {"var/lib/dpkg/status.d/%c", "opt/dpkg/status.d/%c"};
    enum body_kind kind = (enum body_kind)roll(dice, BODY_OLD_KINDS);
    const char *from = kind == BODY_DPKG  ? PICK(dice, dpkg)
                       : kind == BODY_APK ? PICK(dice, apk)
                       : kind == BODY_OS  ? PICK(dice, os)
                                          : PICK(dice, one);
    print_into(op->path, sizeof(op->path), "%s", from);
    char *letter = strchr(op->path, '%');
    if (letter) {
        letter[0] = (char)('p' + roll(dice, 3)); /* names of exec_paths would not be kept */
        letter[1] = '\0';
    }
    op->body = body_make(dice, kind);
}

/* From the folder of @path up to the root and down to @to, or absolute. */
static inline void relative(struct dice *dice, const char *path, const char *to, char *out,
                            size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    if (roll(dice, 3) == 0)
        len += (size_t)print_into(out, size, "/");
    else
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
            len += (size_t)print_into(out + len, size - len, "../");
    print_into(out + len, size - len, "%s", to);
}

static inline void make_symlink(struct dice *dice, struct op *op)
{
    struct op to = {0};
    char target[200];
    op->kind = OP_SYMLINK;
    if (roll(dice, 3) == 0) { /* of a file */
        database_path(dice, op);
        database_path(dice, &to);
        relative(dice, op->path, to.path, op->target, sizeof(op->target));
        return;
    }
    if (roll(dice, 4) == 0) {
        print_into(op->path, sizeof(op->path), "%s", PICK(dice, links_to_known));
        print_into(target, sizeof(target), "%s",
                   strcmp(op->path, "srv/root") == 0 ? "" : PICK(dice, known_folders));
    } else {
        print_into(op->path, sizeof(op->path), "%s", PICK(dice, known_folders));
        print_into(target, sizeof(target), "%s",
                   roll(dice, 2) ? PICK(dice, known_folders) : PICK(dice, odd_folders));
    }
    relative(dice, op->path, target, op->target, sizeof(op->target));
    if (op->target[0] == '\0')
        print_into(op->target, sizeof(op->target), ".");
}

static inline const char *any_folder(struct dice *dice)
{
    return roll(dice, 3) ? PICK(dice, known_folders) : PICK(dice, odd_folders);
}

static inline void make_op(struct dice *dice, struct op *op)
{
    struct op other = {0};
    *op = (struct op){.body = -1};
    switch (roll(dice, 20)) {
    case 0:
    case 1:
        op->kind = OP_WHITEOUT;
        if (roll(dice, 2))
            database_path(dice, op);
        else
            print_into(op->path, sizeof(op->path), "%s", any_folder(dice));
        return;
    case 2:
        op->kind = OP_OPAQUE;
        print_into(op->path, sizeof(op->path), "%s", any_folder(dice));
        return;
    case 3:
    case 4:
        op->kind = OP_DIR;
        print_into(op->path, sizeof(op->path), "%s",
                   roll(dice, 5) ? any_folder(dice) : PICK(dice, links_to_known));
        return;
    case 5:
        op->kind = OP_JUNK;
        if (roll(dice, 2))
            print_into(op->path, sizeof(op->path), "%s", PICK(dice, known_folders));
        else
            print_into(op->path, sizeof(op->path), "%s/junk", any_folder(dice));
        return;
    case 6:
    case 7:
    case 8:
        make_symlink(dice, op);
        return;
    case 9:
        op->kind = OP_HARDLINK;
        database_path(dice, op);
        database_path(dice, &other);
        memcpy(op->target, other.path, sizeof(op->target));
        return;
    default:
        op->kind = OP_FILE;
        database_path(dice, op);
    }
}

/* --- executables --- */
static inline void make_exec_op(struct dice *dice, struct op *op)
{
    *op = (struct op){.kind = OP_EXEC, .body = 3 + (int)roll(dice, 60)};
    print_into(op->path, sizeof(op->path), "%s", PICK(dice, exec_paths));
    switch (roll(dice, 16)) {
    case 0:
        op->kind = OP_JUNK;
        return;
    case 1:
        op->kind = OP_HARDLINK;
        print_into(op->target, sizeof(op->target), "%s", PICK(dice, exec_paths));
        return;
    case 2:
        op->kind = OP_WHITEOUT;
        return;
    case 3:
        op->kind = OP_OPAQUE;
        *strrchr(op->path, '/') = '\0';
        return;
    case 4:
        op->kind = roll(dice, 2) ? OP_DIR : OP_WHITEOUT;
        *strrchr(op->path, '/') = '\0';
        return;
    case 5:
        op->kind = OP_SYMLINK; /* at the root */
        print_into(op->path, sizeof(op->path), "bin");
        relative(dice, "bin", roll(dice, 2) ? "usr/bin" : "opt/app", op->target,
                 sizeof(op->target));
        return;
    case 6:
        op->kind = OP_JUNK; /* a file where others have a folder */
        print_into(op->path, sizeof(op->path), "%s", roll(dice, 2) ? "srv/x" : "bin");
        return;
    case 7:
    case 8:
        op->kind = OP_LIST;
        print_into(op->path, sizeof(op->path), "%s/info/pkg%u.list",
                   roll(dice, 4) ? "var/lib/dpkg" : "opt/dpkg", roll(dice, N_PACKAGES));
        op->body = list_make(roll(dice, 256) << 3 | roll(dice, 8), LIST_PLAIN);
        return;
    default:
        return;
    }
}

static inline void insert_op(struct stack *stack, int layer, int at, const struct op *op)
{
    struct op *ops = stack->ops[layer];
    memmove(ops + at + 1, ops + at, (size_t)(stack->n_ops[layer] - at) * sizeof(*ops));
    ops[at] = *op;
    stack->n_ops[layer]++;
}

/* Among the others, from dice of their own: a fuzzer's old bytes mean the stacks that they did. */
static inline void stack_add_execs(struct dice *dice, struct stack *stack)
{
    for (int l = 0; l < stack->n_layers; l++) {
        int n = (int)roll(dice, STACK_EXECS - 1);
        for (int i = 0; i < n; i++) {
            struct op op;
            int at = (int)roll(dice, (unsigned)stack->n_ops[l] + 1);
            make_exec_op(dice, &op);
            insert_op(stack, l, at, &op);
        }
        if (roll(dice, 4) == 1) { /* a link to a folder, of its layer or of any */
            const struct op folder = {.kind = OP_DIR, .path = "opt/app", .body = -1};
            const struct op link = {
                .kind = OP_SYMLINK, .path = "opt/now", .target = "app", .body = -1};
            insert_op(stack, l, 0, &link);
            if (l % 2 == 0)
                insert_op(stack, l, 0, &folder);
        }
    }
}

/* --- the other package managers --- */
struct system {
    const char *folders[6]; /* where the database is; the last ones are odd places for links */
    const char *links[4];   /* of those that may be a link, and to which */
    const char *files[4];   /* in a folder; of a package "%s" is its folder or name */
    enum body_kind kinds[4];
    enum list_kind list;
    const char *list_file;
};
static const struct system systems[] = {
    {{"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm", "opt/rpm"},
     {"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm", "opt/rpm"},
     {"Packages.db", "Packages", "rpmdb.sqlite", "rpmdb.sqlite-wal"},
     {BODY_NDB, BODY_BDB, BODY_SQLITE, BODY_WAL},
     LIST_PLAIN,
     NULL},
    {{"var/lib/pacman/local", "opt/local"},
     {"var/lib/pacman/local", "opt/local"},
     {"%s-1/desc"},
     {BODY_PACMAN},
     LIST_PACMAN,
     "%s-1/files"},
    {{"var/db/pkg/app", "opt/vdb/app"},
     {"var/db/pkg/app", "opt/vdb/app"},
     {"%s/PF"},
     {BODY_PORTAGE},
     LIST_PORTAGE,
     "%s/CONTENTS"},
    {{"usr/lib/opkg", "var/lib/opkg", "opt/opkg"},
     {"usr/lib/opkg", "var/lib/opkg", "opt/opkg"},
     {"status"},
     {BODY_OPKG},
     LIST_PLAIN,
     "info/%s.list"},
    {{"var/lib/dpkg", "opt/dpkg"},
     {"var/lib/dpkg", "opt/dpkg"},
     {"status"},
     {BODY_DPKG},
     LIST_MD5SUMS,
     "info/%s.md5sums"},
};

static inline int n_given(const char *const *names, int max)
{
    int n = 0;
    while (n < max && names[n])
        n++;
    return n;
}

/* "%s" becomes the package: with its version where that is part of a folder's name. */
static inline void fill_name(struct op *op, const char *folder, const char *form, int package,
                             int version)
{
    char name[20];
    bool is_folder = strstr(form, "%s.") == NULL;
    print_into(name, sizeof(name), is_folder ? "pkg%d-%d" : "pkg%d", package, version);
    const char *at = strstr(form, "%s");
    print_into(op->path, sizeof(op->path), "%s/%.*s%s%s", folder,
               at ? (int)(at - form) : (int)strlen(form), form, at ? name : "", at ? at + 2 : "");
}

static inline void system_file(struct dice *dice, const struct system *system, struct op *op,
                               int file)
{
    const char *folder = system->folders[roll(dice, (unsigned)n_given(system->folders, 6))];
    op->body = body_make(dice, system->kinds[file]);
    fill_name(op, folder, system->files[file], body_one(op->body), body_one_version(op->body));
}

static inline void make_system_op(struct dice *dice, const struct system *system, struct op *op)
{
    struct op other = {0};
    int n_files = n_given(system->files, 4), n_links = n_given(system->links, 4);
    int file = (int)roll(dice, (unsigned)n_files);
    const char *folder = system->folders[roll(dice, (unsigned)n_given(system->folders, 6))];
    *op = (struct op){.kind = OP_FILE, .body = -1};
    switch (roll(dice, 24)) {
    case 1:
        op->kind = OP_WHITEOUT;
        system_file(dice, system, op, file);
        return;
    case 2: /* of a folder */
        op->kind = roll(dice, 2) ? OP_WHITEOUT : OP_OPAQUE;
        print_into(op->path, sizeof(op->path), "%s", folder);
        return;
    case 3:
        op->kind = OP_DIR;
        print_into(op->path, sizeof(op->path), "%s", folder);
        return;
    case 4: /* a file where others have a folder; not at odd places, of which no layer tells */
        op->kind = OP_JUNK;
        print_into(op->path, sizeof(op->path), "%s", system->folders[0]);
        return;
    case 5:
    case 6: { /* never from an odd place */
        int from = (int)roll(dice, (unsigned)n_links - 1);
        int to = (from + 1 + (int)roll(dice, (unsigned)n_links - 1)) % n_links;
        op->kind = OP_SYMLINK;
        print_into(op->path, sizeof(op->path), "%s", system->links[from]);
        relative(dice, op->path, system->links[to], op->target, sizeof(op->target));
        return;
    }
    case 7:
    case 8:
        op->kind = OP_HARDLINK;
        system_file(dice, system, &other, file);
        memcpy(op->target, other.path, sizeof(op->target));
        system_file(dice, system, op, file);
        return;
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
        if (system->list_file) {
            op->kind = OP_LIST;
            fill_name(op, folder, system->list_file, (int)roll(dice, N_PACKAGES),
                      1 + (int)roll(dice, 2));
            op->body = list_make(roll(dice, 256) << 3 | roll(dice, 8), system->list);
            return;
        }
        break;
    default:
        break;
    }
    system_file(dice, system, op, file);
}

/* Among the others too.  A stack has one of them, or none; a database outweighs the others, so that
 * there is something to own. */
static inline void stack_add_systems(struct dice *dice, struct stack *stack)
{
    unsigned which = roll(dice, sizeof(systems) / sizeof(*systems) + 1);
    for (int l = 0; l < stack->n_layers && which; l++) {
        int n = (int)roll(dice, STACK_SYSTEMS + 1);
        for (int i = 0; i < n; i++) {
            struct op op;
            int at = (int)roll(dice, (unsigned)stack->n_ops[l] + 1);
            make_system_op(dice, &systems[which - 1], &op);
            insert_op(stack, l, at, &op);
        }
    }
}

static inline void stack_make(struct dice *dice, struct stack *stack)
{
    stack->n_layers = 1 + (int)roll(dice, STACK_LAYERS);
    for (int l = 0; l < stack->n_layers; l++) {
        stack->n_ops[l] = 1 + (int)roll(dice, STACK_OPS);
        for (int i = 0; i < stack->n_ops[l]; i++)
            make_op(dice, &stack->ops[l][i]);
    }
    stack_add_execs(dice, stack);
    stack_add_systems(dice, stack);
}

static inline void stack_print(const struct stack *stack)
{
    static const char *const kinds[] = {"file",     "junk",   "folder", "symlink", "hardlink",
                                        "whiteout", "opaque", "exec",   "list"};
    for (int l = 0; l < stack->n_layers; l++)
        for (int i = 0; i < stack->n_ops[l]; i++)
            fprintf(stderr, "  layer %d: %s %s %s\n", l, kinds[stack->ops[l][i].kind],
                    stack->ops[l][i].path, stack->ops[l][i].target);
}

static inline void op_to_tar(const struct op *op, struct sb *body, struct sb *tar)
{
    static const char types[] = {'0', '0', '5', '2', '1', '0', '0', '0', '0'};
    char path[220];
    const char *slash = strrchr(op->path, '/');
    int dir_len = slash ? (int)(slash + 1 - op->path) : 0;
    sb_clear(body);
    sb_add(body, STR("junk"));
    if (op->kind == OP_FILE)
        body_text(op->body, body);
    if (op->kind == OP_LIST)
        list_text(op->body, body);
    if (op->kind == OP_EXEC)
        sb_clear(body), sb_addf(body, "#!%*s", op->body - 2, "x");
    if (op->kind != OP_FILE && op->kind != OP_JUNK && op->kind != OP_LIST && op->kind != OP_EXEC)
        sb_clear(body), body->len = 0;
    if (op->kind == OP_WHITEOUT)
        print_into(path, sizeof(path), "%.*s.wh.%s", dir_len, op->path, op->path + dir_len);
    else if (op->kind == OP_OPAQUE)
        print_into(path, sizeof(path), "%s/.wh..wh..opq", op->path);
    else
        print_into(path, sizeof(path), "%s%s", op->path, op->kind == OP_DIR ? "/" : "");
    tar_add(tar, types[op->kind], str_from(path), str_from(op->target), sb_str(body));
}

/* --- the plain file system ---------------------------------------------------------------------
 */
enum { FS_NODES = 400, FS_PATH = 240, FS_REST = 4096, FS_HOPS = 40, BODY_UNKNOWN = -2 };
struct fs_node {
    char path[FS_PATH];
    size_t len;         /* of the path */
    enum op_kind kind;  /* OP_FILE, OP_JUNK, OP_DIR, OP_SYMLINK */
    const char *target; /* borrowed from the stack */
    int body, layer;
    int file, born; /* of executables: number of the inode, and layer that made it */
};
struct fs {
    int n_files;
    struct fs_node nodes[FS_NODES];
    int n;
};

static inline void fs_copy(struct fs *to, const struct fs *from)
{
    to->n = from ? from->n : 0;
    to->n_files = from ? from->n_files : 0;
    for (int i = 0; i < to->n; i++)
        to->nodes[i] = from->nodes[i];
}

static inline struct fs_node *fs_get(struct fs *fs, const char *path)
{
    size_t len = strlen(path);
    for (int i = 0; i < fs->n; i++)
        if (fs->nodes[i].len == len && memcmp(fs->nodes[i].path, path, len) == 0)
            return &fs->nodes[i];
    return NULL;
}

static inline bool fs_is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return len == 0 || (strncmp(path, dir, len) == 0 && path[len] == '/');
}

static inline void fs_drop(struct fs *fs, int i) { fs->nodes[i] = fs->nodes[--fs->n]; }

static inline void fs_remove(struct fs *fs, const char *path)
{
    char copy[FS_PATH];
    copy_into(copy, sizeof(copy), path);
    for (int i = fs->n - 1; i >= 0; i--)
        if (strcmp(fs->nodes[i].path, copy) == 0 || fs_is_below(fs->nodes[i].path, copy))
            fs_drop(fs, i);
}

static inline struct fs_node *fs_put(struct fs *fs, const char *path, enum op_kind kind, int layer)
{
    struct fs_node *old = fs_get(fs, path);
    if (old && old->kind == OP_DIR && kind == OP_DIR) {
        old->layer = layer;
        return old;
    }
    fs_remove(fs, path);
    if (fs->n == FS_NODES)
        abort();
    struct fs_node *node = &fs->nodes[fs->n++];
    *node = (struct fs_node){.kind = kind, .body = -1, .layer = layer, .target = ""};
    node->len = copy_into(node->path, sizeof(node->path), path);
    return node;
}

/* @dir "/" @name in @out; the root is empty. */
static inline size_t join_into(char *out, size_t size, const char *dir, const char *name)
{
    size_t len = copy_into(out, size, dir);
    if (len)
        len += copy_into(out + len, size - len, "/");
    return len + copy_into(out + len, size - len, name);
}

/* The real path of folder @path; with @make, missing ones come into being and files give way. */
static inline bool fs_resolve(struct fs *fs, const char *path, bool make, int layer, char *out)
{
    char rooms[2][FS_REST], joined[FS_PATH], name[FS_PATH];
    const char *rest = path;
    int hops = 0;
    out[0] = '\0';
    while (rest[0]) {
        size_t len = strcspn(rest, "/");
        if (len >= sizeof(name))
            abort();
        memcpy(name, rest, len);
        name[len] = '\0';
        rest += len + (rest[len] == '/');
        if (name[0] == '\0' || strcmp(name, ".") == 0)
            continue;
        if (strcmp(name, "..") == 0) {
            char *slash = strrchr(out, '/');
            *(slash ? slash : out) = '\0';
            continue;
        }
        join_into(joined, sizeof(joined), out, name);
        struct fs_node *node = fs_get(fs, joined);
        if (node && node->kind == OP_SYMLINK) {
            if (++hops > FS_HOPS)
                return false;
            join_into(rooms[hops % 2], sizeof(rooms[0]), node->target, rest);
            rest = rooms[hops % 2];
            if (node->target[0] == '/')
                out[0] = '\0';
            continue;
        }
        if (!node || node->kind != OP_DIR) {
            if (!make)
                return false;
            fs_put(fs, joined, OP_DIR, layer);
        }
        copy_into(out, FS_PATH, joined);
    }
    return true;
}

/* Folders of @path resolved, its last name kept. */
static inline bool fs_place(struct fs *fs, const char *path, bool make, int layer, char *out)
{
    char dir[FS_PATH], real[FS_PATH];
    copy_into(dir, sizeof(dir), path);
    char *slash = strrchr(dir, '/');
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    *(slash ? slash : dir) = '\0';
    if (!fs_resolve(fs, dir, make, layer, real))
        return false;
    join_into(out, FS_PATH, real, base);
    return true;
}

/* What lower layers put at @path (unless only inside it) and below goes, but for folders that hold
 * something of this layer. */
static inline void fs_whiteout(struct fs *fs, const char *path, bool only_inside, int layer)
{
    for (int i = fs->n - 1; i >= 0; i--) {
        struct fs_node *node = &fs->nodes[i];
        bool is_it = strcmp(node->path, path) == 0;
        if ((!is_it || only_inside) && !(fs_is_below(node->path, path) && !is_it))
            continue;
        bool stays = node->layer == layer;
        for (int j = 0; j < fs->n; j++)
            if (node->kind == OP_DIR && fs->nodes[j].layer == layer &&
                fs_is_below(fs->nodes[j].path, node->path) && fs->nodes[j].path[0])
                stays = true;
        if (!stays)
            fs_drop(fs, i);
    }
}

static inline void fs_apply(struct fs *fs, const struct op *op, int layer)
{
    char path[FS_PATH], other[FS_PATH];
    struct fs_node found = {.kind = OP_FILE, .body = BODY_UNKNOWN, .target = ""};
    if (op->kind == OP_WHITEOUT || op->kind == OP_OPAQUE) {
        bool is_opaque = op->kind == OP_OPAQUE;
        if (is_opaque ? fs_resolve(fs, op->path, false, layer, path)
                      : fs_place(fs, op->path, false, layer, path))
            fs_whiteout(fs, path, is_opaque, layer);
        return;
    }
    if (op->kind == OP_HARDLINK && fs_place(fs, op->target, false, layer, other)) {
        struct fs_node *node = fs_get(fs, other);
        if (node && node->kind != OP_DIR)
            found = *node;
    }
    if (!fs_place(fs, op->path, true, layer, path))
        return; /* links in a circle: nobody can extract it */
    if (op->kind == OP_HARDLINK && found.body != BODY_UNKNOWN && strcmp(path, other) == 0)
        return;
    struct fs_node *node = fs_put(fs, path, op->kind == OP_HARDLINK ? found.kind : op->kind, layer);
    node->body = op->kind == OP_HARDLINK ? found.body : op->body;
    node->file = op->kind == OP_HARDLINK ? found.file : ++fs->n_files;
    node->born = op->kind == OP_HARDLINK ? found.born : layer;
    node->target = op->kind == OP_HARDLINK ? found.target : op->target;
}

static inline int fs_cmp(const void *a, const void *b)
{
    const struct fs_node *const *x = a, *const *y = b;
    return strcmp((*x)->path, (*y)->path);
}

/* As one layer; a hard link to nowhere becomes a device, which nobody can read either.  The number
 * of its entries. */
static inline int fs_to_tar(const struct fs *fs, struct sb *body, struct sb *tar)
{
    const struct fs_node *sorted[FS_NODES];
    for (int i = 0; i < fs->n; i++)
        sorted[i] = &fs->nodes[i];
    qsort(sorted, (size_t)fs->n, sizeof(*sorted), fs_cmp);
    for (int i = 0; i < fs->n; i++) {
        struct op op = {.kind = sorted[i]->kind, .body = sorted[i]->body};
        copy_into(op.path, sizeof(op.path), sorted[i]->path);
        copy_into(op.target, sizeof(op.target), sorted[i]->target);
        for (int j = 0; j < i && op.kind == OP_EXEC; j++)
            if (sorted[j]->kind == OP_EXEC && sorted[j]->file == sorted[i]->file) {
                op.kind = OP_HARDLINK; /* one file under two names */
                copy_into(op.target, sizeof(op.target), sorted[j]->path);
            }
        if (sorted[i]->body == BODY_UNKNOWN)
            tar_add(tar, '3', str_from(op.path), STR_NONE, STR_NONE);
        else
            op_to_tar(&op, body, tar);
    }
    return fs->n;
}
