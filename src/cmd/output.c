/* SPDX-License-Identifier: Apache-2.0 */
/* Where a report goes: standard output, a device, or a file that is replaced as a whole. */
#include "cmd/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

static bool is_written_in_place(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Before a scan that may take long. */
bool output_check(const struct cmd_call *call, struct err *err)
{
    str path = cmd_value(call, "output");
    size_t slash = str_rfind_byte(path, '/');
    if (!path.len || is_written_in_place(cmd_cstr(call, "output")))
        return true;
    const char *folder =
        slash == path.len ? "." : arena_cstr(call->arena, str_slice(path, 0, slash ? slash : 1));
    if (!folder)
        return err_memory(err);
    return access(folder, W_OK | X_OK) == 0 ||
           err_sys(err, ERR_IO, "%s: %s", cmd_cstr(call, "output"), folder);
}

bool output_open(const struct cmd_call *call, struct output *out, struct err *err)
{
    return output_open_path(call->arena, cmd_cstr(call, "output"), out, err);
}

bool output_open_path(struct arena *arena, const char *to, struct output *out, struct err *err)
{
    *out = (struct output){.fd = STDOUT_FILENO, .path = to};
    if (!out->path || strcmp(out->path, "-") == 0) {
        out->path = NULL;
        return true;
    }
    const char *path = out->path;
    int flags = O_WRONLY | O_CLOEXEC;
    if (!is_written_in_place(path)) {
        out->aside = arena_printf(arena, "%s.%ld.tmp", path, (long)getpid());
        if (!out->aside.ptr)
            return err_memory(err);
        path = out->aside.ptr;
        flags |= O_CREAT | O_EXCL;
    }
    out->fd = open(path, flags, 0666);
    if (out->fd < 0)
        return err_sys(err, ERR_IO, "%s", out->path);
    return true;
}

bool output_close(struct output *out, bool is_done, struct err *err)
{
    if (!out->path || out->fd < 0)
        return is_done;
    auto_fd fd = out->fd;
    out->fd = -1;
    if (!out->aside.len)
        return is_done;
    if (is_done && (fsync(fd) != 0 || rename(out->aside.ptr, out->path) != 0))
        is_done = err_sys(err, ERR_IO, "%s", out->path);
    if (!is_done)
        unlink(out->aside.ptr);
    return is_done;
}

struct terminal terminal_of(int fd)
{
    struct terminal terminal = {0};
    struct winsize size = {0};
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (!isatty(fd))
        return terminal;
    bool is_known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    terminal.width = is_known ? size.ws_col : 80;
    terminal.height = is_known ? size.ws_row : 24;
    terminal.is_colour = !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
    return terminal;
}
