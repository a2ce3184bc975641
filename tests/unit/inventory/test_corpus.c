/* SPDX-License-Identifier: Apache-2.0 */
/* Every item of the shared corpus that holds a package database or release file we read, or a layer
 * with one: placed where it would lie in an image, scanned as a layer, merged, compared. */
#include "../support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inventory/inventory.h"
#include "syntax/syntax.h"

#include "tar.h"

/* Where the expectation is not ours, and why. */
static const struct {
    const char *file, *why;
    bool is_incomplete; /* and we say so */
} others[] = {
    {"dpkg/osv-scalibr-noversion-e9e6c1",
     "an installed package without Version cannot be judged: told", true},
    {"dpkg/syft-doc-examples-6b9fe1", "packages without Version cannot be judged: told", true},
    {"dpkg/vcpkg-d8ad7cd2.status", "vcpkg's features are packages without Version: told", true},
    {"apk/trivy-633fe29a.installed", "a package without version cannot be judged: told", true},
    {"apk/trivy-712e9465.installed", "a package without version cannot be judged: told", true},
    {"images/derived-npm-app.layer.tar.gz", "language packages are no concern of these detectors",
     false},
    {"dpkg/osv-scalibr-noversion-622093",
     "an installed package without Version cannot be judged: told", true},
};

struct tally {
    const char *kind;
    int n_exact, n_other, n_total;
};
static const char *const kinds[] = {"dpkg-status",  "dpkg-status.d",     "apk-installed",
                                    "opkg-status",  "pacman-desc",       "portage-pf",
                                    "release-file", "alpine-minirootfs", "image-layer",
                                    "rpmdb-bdb",    "rpmdb-ndb",         "rpmdb-sqlite"};
enum { N_KINDS = 12 };

struct item {
    struct arena *arena;
    json_t *json;
    str file;
    struct image_inventory image;
};

static bool inflate_layer(struct item *item, struct layer_inventory *layer, struct err *err)
{
    char path[300];
    snprintf(path, sizeof(path), "corpus/%.*s", STR_ARG(item->file));
    int fd = open(test_shared_path(path), O_RDONLY | O_CLOEXEC);
    struct source_fd *from;
    struct decoder *decoder;
    assert_true(fd >= 0);
    assert_true(source_fd_open(&from, fd, err));
    assert_true(decoder_open(&decoder, source_from_fd(from), LIMIT(LAYER_INFLATED), err));
    bool ok = scan_source(item->arena, NULL, source_from_decoder(decoder), layer, err);
    decoder_close(decoder);
    source_fd_close(from);
    close(fd);
    return ok;
}

static bool place_file(struct item *item, struct layer_inventory *layer, struct err *err)
{
    char path[300];
    snprintf(path, sizeof(path), "corpus/%.*s", STR_ARG(item->file));
    auto_sb tar;
    sb_init(&tar, 16u << 20);
    str place = json_str(item->json, "place_as");
    if (str_starts(item->file, STR("rpm/")))
        place = arena_printf(item->arena, "var/lib/rpm%s", strrchr(path, '/'));
    tar_add(&tar, '0', place, STR_NONE, test_shared(item->arena, path));
    if (json_array_size(json_arr(item->json, "with"))) {
        size_t len = strlen(path);
        snprintf(path + len, sizeof(path) - len, "-wal");
        tar_add(&tar, '0', arena_printf(item->arena, STR_FMT "-wal", STR_ARG(place)), STR_NONE,
                test_shared(item->arena, path));
    }
    tar_end(&tar);
    return scan_tar(item->arena, sb_str(&tar), layer, err);
}

static bool scan_item(struct item *item, bool is_layer, struct err *err)
{
    struct layer_inventory *layer = arena_new(item->arena, struct layer_inventory);
    const struct layer_inventory *layers[] = {layer};
    return (is_layer ? inflate_layer(item, layer, err) : place_file(item, layer, err)) &&
           image_inventory_merge(item->arena, &combiner_here, layers, 1, &item->image, err);
}

/* What an item's expectation does not name is not compared. */
static bool is_wanted(const json_t *want, const char *key, str value)
{
    return !json_object_get(want, key) || str_eq(json_str(want, key), value);
}

static const struct package *find_package(const packages *in, const json_t *want)
{
    for (size_t i = 0; i < in->len; i++)
        if (str_eq(in->ptr[i].name, json_str(want, "name")) &&
            str_eq(in->ptr[i].version, json_str(want, "version")) &&
            is_wanted(want, "arch", in->ptr[i].arch))
            return &in->ptr[i];
    return NULL;
}

/* Where the database names no source, the items of pacman have an empty one; the model says that it
 * is the package itself. */
static bool same_source(const json_t *want, const struct package *package)
{
    const json_t *source = json_object_get(want, "source");
    bool is_none = source && json_str(want, "source").len == 0;
    return is_wanted(want, "source", is_none ? STR_NONE : package->source_name) &&
           (!is_none || str_eq(package->source_name, package->name)) &&
           is_wanted(want, "source_version", package->source_version);
}

static str evr_of(struct arena *arena, const json_t *want)
{
    json_int_t epoch = json_integer_value(json_object_get(want, "epoch"));
    str version = json_str(want, "version"), release = json_str(want, "release");
    if (!epoch)
        return arena_printf(arena, STR_FMT "-" STR_FMT, STR_ARG(version), STR_ARG(release));
    return arena_printf(arena, "%lld:" STR_FMT "-" STR_FMT, (long long)epoch, STR_ARG(version),
                        STR_ARG(release));
}

static bool is_rpm(const struct item *item, const struct package *package, const json_t *want)
{
    str source = package->source_version;
    str_cut_byte(source, ':', &source, &source);
    if (source.len == 0)
        source = package->source_version;
    str file = arena_printf(item->arena, STR_FMT "-" STR_FMT ".src.rpm",
                            STR_ARG(package->source_name), STR_ARG(source));
    return str_eq(package->name, json_str(want, "name")) &&
           str_eq(package->version, evr_of(item->arena, want)) &&
           str_eq(package->arch, json_str(want, "arch")) &&
           str_eq(file, json_str(want, "source_rpm")) &&
           str_eq(package->vendor, json_str(want, "vendor")) &&
           str_eq(package->modularity, json_str(want, "modularity"));
}

/* `rpm -qa` also lists the keys that rpm trusts; they are no packages. */
static size_t n_keys(const json_t *expected)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(expected); i++)
        n += str_eq(json_str(json_array_get(expected, i), "name"), STR("gpg-pubkey"));
    return n;
}

static bool same_rpms(const struct item *item)
{
    const json_t *expected = json_arr(item->json, "expected");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(expected); i++)
        for (size_t j = 0; j < item->image.packages.len; j++)
            if (is_rpm(item, &item->image.packages.ptr[j], json_array_get(expected, i))) {
                n++;
                break;
            }
    return n + n_keys(expected) == json_array_size(expected) && n == item->image.packages.len;
}

static bool same_packages(const struct item *item)
{
    const json_t *expected = json_arr(item->json, "expected");
    bool same = json_array_size(expected) == item->image.packages.len;
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *want = json_array_get(expected, i);
        const struct package *package = find_package(&item->image.packages, want);
        if (package && same_source(want, package))
            continue;
        same = false;
    }
    return same;
}

static bool same_distro(const struct distro *distro, const json_t *want)
{
    static const char *const names[] = {"ID", "ID_LIKE", "VERSION_ID", "VERSION_CODENAME"};
    const str values[] = {distro->id, distro->id_like, distro->version_id, distro->codename};
    for (size_t i = 0; i < 4; i++)
        if (json_object_get(want, names[i]) && !str_eq(json_str(want, names[i]), values[i]))
            return false;
    return true;
}

/* The text of a file that is no os-release holds what we must have cut out of it. */
static bool same_release(const struct item *item)
{
    const json_t *want = json_obj(item->json, "expected");
    const struct distro *distro = &item->image.distro;
    str text = json_str(want, "text"), id = json_str(want, "DISTRIB_ID");
    if (text.len && str_ends(item->file, STR("debian_version")))
        return str_eq(distro->id, STR("debian")) && str_starts(text, distro->version_id) &&
               distro->version_id.len;
    if (text.len)
        return str_eq(distro->name, text) && distro->id.len && distro->version_id.len &&
               str_has(text, distro->version_id);
    if (id.len)
        return str_eq_nocase(distro->id, id) &&
               str_eq(distro->version_id, json_str(want, "DISTRIB_RELEASE")) &&
               str_eq(distro->codename, json_str(want, "DISTRIB_CODENAME")) &&
               str_eq(distro->name, json_str(want, "DISTRIB_DESCRIPTION"));
    return distro->id.len && same_distro(distro, want);
}

static bool is_exact(const struct item *item, const char *kind)
{
    if (strcmp(kind, "release-file") == 0)
        return same_release(item) && item->image.is_complete;
    if (str_starts(str_from(kind), STR("rpm")))
        return same_rpms(item) &&
               (item->image.is_complete || str_has(item->file, STR("sqlite-nopackages-table")));
    json_t *os = json_obj(item->json, "os_release");
    return same_packages(item) && (!os || same_distro(&item->image.distro, os));
}

/* Exact, or another answer for a written reason. */
static bool check_item(struct item *item, struct tally *tally)
{
    bool is_layer =
        str_starts(item->file, STR("images/")) || str_starts(item->file, STR("alpine/"));
    struct err err = {0};
    if (!scan_item(item, is_layer, &err)) {
        print_message("%.*s: %s\n", STR_ARG(item->file), err.msg);
        return false;
    }
    if (is_exact(item, tally->kind)) {
        tally->n_exact++;
        return true;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (!str_eq(item->file, str_from(others[i].file)))
            continue;
        print_message("%.*s: other answer: %s\n", STR_ARG(item->file), others[i].why);
        tally->n_other++;
        return !others[i].is_incomplete || !item->image.is_complete;
    }
    print_message("%.*s: differs: %zu packages, distribution %.*s\n", STR_ARG(item->file),
                  item->image.packages.len, STR_ARG(item->image.distro.id));
    return false;
}

static void test_corpus__yields_what_is_expected(void **state)
{
    (void)state;
    test_need_shared("corpus/MANIFEST.json");
    struct arena arena;
    struct err err = {0};
    json_t *manifest;
    struct tally tallies[N_KINDS] = {0};
    int n_bad = 0;
    arena_init(&arena, 64u << 20);
    assert_ok(json_read(test_shared(&arena, "corpus/MANIFEST.json"), &manifest, &err), err);
    const json_t *items = json_arr(manifest, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        struct arena own;
        arena_init(&own, 256u << 20);
        struct item item = {.arena = &own, .json = json_array_get(items, i)};
        item.file = json_str(item.json, "file");
        for (size_t k = 0; k < N_KINDS; k++) {
            if (!str_eq(json_str(item.json, "kind"), str_from(kinds[k])))
                continue;
            tallies[k].kind = kinds[k];
            tallies[k].n_total++;
            n_bad += !check_item(&item, &tallies[k]);
        }
        arena_fini(&own);
    }
    for (size_t k = 0; k < N_KINDS; k++)
        print_message("%s: exact %d/total %d, %d with another answer for a reason\n", kinds[k],
                      tallies[k].n_exact, tallies[k].n_total, tallies[k].n_other);
    json_decref(manifest);
    arena_fini(&arena);
    assert_int_equal(n_bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_corpus__yields_what_is_expected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
