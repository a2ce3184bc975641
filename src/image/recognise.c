/* SPDX-License-Identifier: Apache-2.0 */
/* recognise.c - what a bare file is.  Only names and sizes in tar headers are looked at, by our own
 * checked reader: whoever lists the archive for real does so in the sandbox. */
#include "image/internal.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/rd.h"

enum { BLOCK = 512 };

/* POSIX.1-1988 ustar: name[100] mode[8] uid[8] gid[8] size[12] mtime[12] chksum[8] type[1] … */
struct tar_header {
    str name;
    uint64_t size_bytes;
    bool is_end;
};

static str until_nul(str text) { return str_slice(text, 0, str_find_byte(text, '\0')); }

static bool read_octal(str text, uint64_t *out)
{
    *out = 0;
    text = str_trim(until_nul(text));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7' || *out >> 60)
            return false;
        *out = *out << 3 | (uint64_t)(text.ptr[i] - '0');
    }
    return true;
}

/* Octal digits, or (GNU) a big-endian number behind the byte 0x80. */
static bool read_size(str field, uint64_t *out)
{
    struct rd in;
    rd_init(&in, field);
    if (rd_peek(&in) != 0x80)
        return read_octal(field, out);
    rd_skip(&in, 4);
    *out = rd_u64be(&in);
    return *out <= INT64_MAX;
}

static uint64_t checksum(str block)
{
    uint64_t sum = 0;
    struct rd in;
    rd_init(&in, block);
    for (size_t i = 0; !rd_is_end(&in); i++) {
        uint8_t byte = rd_u8(&in);
        sum += i >= 148 && i < 156 ? ' ' : byte;
    }
    return sum;
}

static bool read_header(str block, struct tar_header *out)
{
    struct rd in;
    uint64_t stated = 0, sum = checksum(block);
    rd_init(&in, block);
    *out = (struct tar_header){.is_end = sum == 8 * ' '};
    out->name = until_nul(rd_bytes(&in, 100));
    rd_skip(&in, 24);
    if (!read_size(rd_bytes(&in, 12), &out->size_bytes))
        return false;
    rd_skip(&in, 12);
    return read_octal(rd_bytes(&in, 8), &stated) && (out->is_end || stated == sum);
}

static bool read_block(int fd, uint64_t at, char buf[static BLOCK], str *block)
{
    ssize_t n = pread(fd, buf, BLOCK, (off_t)at);
    *block = (str){buf, n > 0 ? (size_t)n : 0};
    return n == BLOCK;
}

static enum source_kind kind_of_tar(int fd)
{
    char buf[BLOCK];
    str block;
    struct tar_header header;
    uint64_t at = 0;
    bool is_docker = false;
    for (uint64_t n = 0; n < LIMIT(LAYER_FILES); n++) {
        if (!read_block(fd, at, buf, &block) || !read_header(block, &header) || header.is_end)
            break;
        str name = str_starts(header.name, STR("./")) ? str_skip(header.name, 2) : header.name;
        if (str_eq(name, STR("oci-layout")))
            return SOURCE_OCI_ARCHIVE;
        is_docker = is_docker || str_eq(name, STR("manifest.json"));
        at += BLOCK + (header.size_bytes + BLOCK - 1) / BLOCK * BLOCK;
        if (at > INT64_MAX - BLOCK)
            break;
    }
    return is_docker ? SOURCE_DOCKER_ARCHIVE : SOURCE_NONE;
}

static const struct magic_row {
    const char *bytes;
    size_t n;
} compressed[] = {{"\x1f\x8b", 2},
                  {"\x28\xb5\x2f\xfd", 4},
                  {"\xfd"
                   "7zXZ",
                   5},
                  {"BZh", 3}};

static bool is_compressed(str head)
{
    for (size_t i = 0; i < sizeof(compressed) / sizeof(compressed[0]); i++)
        if (str_starts(head, str_of(compressed[i].bytes, compressed[i].n)))
            return true;
    return false;
}

static bool is_sbom(str head)
{
    head = str_trim(head);
    if (str_starts(head, STR("\xef\xbb\xbf")))
        head = str_skip(head, 3);
    return str_starts(head, STR("{")) || str_starts(head, STR("<?xml")) ||
           str_starts(head, STR("SPDXVersion:"));
}

bool archive_recognise(struct arena *arena, str path, enum source_kind *out, struct err *err)
{
    const char *name = arena_cstr(arena, path);
    if (!name)
        return err_memory(err);
    auto_fd fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, ERR_IO, "%s", name);
    char buf[BLOCK];
    str head;
    *out = SOURCE_NONE;
    if (read_block(fd, 0, buf, &head))
        *out = kind_of_tar(fd);
    if (*out == SOURCE_NONE && is_compressed(head))
        *out = SOURCE_DOCKER_ARCHIVE; /* what else people compress; its entries decide */
    if (*out == SOURCE_NONE && is_sbom(head))
        *out = SOURCE_SBOM;
    if (*out != SOURCE_NONE)
        return true;
    return err_set(err, ERR_UNSUPPORTED,
                   "%s: not an image archive: neither manifest.json nor oci-layout is in it", name);
}

bool archive_is_compressed(int fd)
{
    char buf[BLOCK];
    str head;
    (void)read_block(fd, 0, buf, &head);
    return is_compressed(head);
}
