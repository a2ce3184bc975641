/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - every ceiling on hostile input, and nowhere else.
 * One row a limit: name, value, unit, why.  Crossing one is ERR_LIMIT with the limit's name, never
 * a crash, a hang or a silent cut. */
#pragma once

#include <stdint.h>

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

/* X(NAME, configuration key, value, unit, why) */
#define LIMITS(X)                                                                                  \
    X(MANIFEST, "manifest", 4 * MIB, "bytes", "a manifest or index is read whole")                 \
    X(CONFIG, "config", 8 * MIB, "bytes", "an image configuration is read whole")                  \
    X(LAYERS, "layers", 512, "layers", "an image of more is not one that runs")                    \
    X(INDEX_DEPTH, "index-depth", 4, "levels", "an index may name an index")                       \
    X(INDEX_CHILDREN, "index-children", 1024, "manifests", "platforms of one index")               \
    X(REFERRERS, "referrers", 1024, "manifests", "that refer to one image")                        \
    X(VEX_DOCUMENTS, "vex-documents", 64, "artifacts", "attached to an image, looked at for VEX")  \
    X(VEX_DOCUMENT, "vex-document", 8 * MIB, "bytes", "one VEX document attached to an image")     \
    X(VEX_MEMORY, "vex-memory", 64 * MIB, "bytes", "statements of all of them")                    \
    X(HISTORY, "history", 16384, "steps", "build steps that a configuration tells of")             \
    X(EVENTS, "events", 10000, "events", "events of one notification")                             \
    X(LAYER_INFLATED, "layer-inflated", 64 * GIB, "bytes", "a bomb must end")                      \
    X(LAYER_RATIO, "layer-ratio", 1000, "times", "a bomb must end early")                          \
    X(LAYER_RATIO_FREE, "layer-ratio-free", 64 * MIB, "bytes", "small layers may be all zeroes")   \
    X(ZSTD_WINDOW, "zstd-window", 128 * MIB, "bytes", "what a zstd frame may ask us to remember")  \
    X(XZ_MEMORY, "xz-memory", 256 * MIB, "bytes", "what an xz stream may ask us to hold")          \
    X(LAYER_FILES, "layer-files", 10000000, "entries", "entries of one layer")                     \
    X(PATH, "path", 4096, "bytes", "PATH_MAX of Linux")                                            \
    X(WALKED_NAMES, "walked-names", 100000000, "names",                                            \
      "of paths that are followed to merge an image's layers")                                     \
    X(SYMLINK_HOPS, "symlink-hops", 40, "links", "MAXSYMLINKS of Linux")                           \
    X(PACKAGE_DB, "package-db", 512 * MIB, "bytes", "one package database file")                   \
    X(RELEASE_FILE, "release-file", 64 * KIB, "bytes", "os-release and its kin")                   \
    X(BUSYBOX, "busybox", 16 * MIB, "bytes", "a busybox binary, read for its banner")              \
    X(BUFFERED_BINARY, "buffered-binary", 512 * MIB, "bytes", "a binary or jar held in memory")    \
    X(JAR_NESTING, "jar-nesting", 8, "levels", "jars within jars")                                 \
    X(NAMES, "names", 1000000, "names", "repositories of a registry, tags of a repository")        \
    X(DEFERRED, "deferred", 16 * MIB, "bytes", "files of a layer that wait for another layer")     \
    X(RPM_HEADER, "rpm-header", 64 * MIB, "bytes", "one package's header in an rpm database")      \
    X(BTREE_DEPTH, "btree-depth", 20, "levels", "what SQLite follows")                             \
    X(ANALYSER_MEMORY, "analyser-memory", 1536 * MIB, "bytes", "address space of one analyser")    \
    X(ANALYSER_CPU, "analyser-cpu", 20 * 60ULL, "seconds", "processor time of one analyser")       \
    X(FRAME, "frame", 768 * MIB, "bytes", "one message of the analyser")                           \
    X(INVENTORY, "inventory", 1000000, "packages", "packages of one image")                        \
    X(LAYER_STEPS, "layer-steps", 1000000, "facts",                                                \
      "whiteouts, links and folders kept of a layer")                                              \
    X(COVERED_FILES, "covered-files", 2000000, "entries", "files of a layer for the coverage")     \
    X(HARD_LINKS, "hard-links", 250000, "files",                                                   \
      "of a folder, with several names, that are met as one file")                                 \
    X(OWNED_PATHS, "owned-paths", 4000000, "paths", "files that one package database lists")       \
    X(FOLDER_NAMES, "folder-names", 16, "names", "paths to a folder through links, for ownership") \
    X(JOINED_NAMES, "joined-names", 10000000, "names", "of folders above links, for ownership")    \
    X(UNOWNED_FILES, "unowned-files", 1000, "files", "executables of no package that are listed")  \
    X(STRAY_FILES, "stray-files", 10000, "files", "database-named files of a layer in odd places") \
    X(STANZA_LINE, "stanza-line", 1 * MIB, "bytes", "one line of a package database")              \
    X(FIELD, "field", 64 * KIB, "bytes", "one field that we keep")                                 \
    X(JSON_DEPTH, "json-depth", 128, "levels", "nesting of a JSON or YAML document")               \
    X(XML_DEPTH, "xml-depth", 256, "levels", "nesting of an XML document")                         \
    X(HTTP_HEADER, "http-header", 64 * KIB, "bytes", "all headers of one request")                 \
    X(HTTP_BODY, "http-body", 1 * MIB, "bytes", "body of one request")                             \
    X(HTTP_DISCARD, "http-discard", 8 * MIB, "bytes",                                              \
      "of a too large body, read so that 413 arrives")                                             \
    X(HTTP_SPEED, "http-speed", 1 * KIB, "bytes", "a second; slower for a minute is a stall")      \
    X(REGISTRY_TRIES, "registry-tries", 4, "tries", "of one request to a busy registry")           \
    X(REGISTRY_WAIT, "registry-wait", 30, "seconds", "waited between two of them")                 \
    X(HTTP_SEGMENTS, "http-segments", 256, "segments", "segments of one request's path")           \
    X(HTTP_CONNECTIONS, "http-connections", 768, "connections", "clients served at one time")      \
    X(EVENTS_BODY, "events-body", 8 * MIB, "bytes", "body of one notification")                    \
    X(HTTP_ANSWER, "http-answer", 64 * MIB, "bytes", "an answer that is read whole")               \
    X(CONFIG_FILE, "config-file", 1 * MIB, "bytes", "our own configuration file")                  \
    X(FEED_FILE, "feed-file", 2 * GIB, "bytes", "one file of an advisory feed, inflated")          \
    X(FEED_ARCHIVE, "feed-archive", 64 * GIB, "bytes", "a tar of an advisory feed, inflated")      \
    X(FEED_DOCUMENT, "feed-document", 512 * MIB, "bytes", "one document that is a whole feed")     \
    X(FEED_RECORD, "feed-record", 64 * MIB, "bytes", "one advisory record or index")               \
    X(FEED_RECORDS, "feed-records", 10000000, "records", "records of one source")                  \
    X(CHANGELOG, "changelog", 64 * MIB, "bytes", "one changelog, inflated")                        \
    X(CHANGELOG_ARCHIVE, "changelog-archive", 256 * MIB, "bytes", "the archive that holds it")     \
    X(RANGE_BOUNDS, "range-bounds", 4096, "bounds", "bounds of one range of versions")             \
    X(COMMENT, "comment", 65000, "characters", "a Markdown report: what a pull request takes")     \
    X(KQL_TEXT, "kql-text", 64 * KIB, "bytes", "text of one query")                                \
    X(KQL_NESTING, "kql-nesting", 256, "levels", "nesting of one query")                           \
    X(KQL_MEMORY, "kql-memory", 512 * MIB, "bytes", "memory of one query")                         \
    X(KQL_TIME, "kql-time", 30, "seconds", "time of one query")                                    \
    X(SCAN_TIME, "scan-time", 40 * 60ULL, "seconds", "one scan, from job to result")               \
    X(SCAN_MEMORY, "scan-memory", 1 * GIB, "bytes", "what one scan may hold in the parent")

enum limit_id {
#define X(name, key, value, unit, why) LIMIT_ID_##name,
    LIMITS(X)
#undef X
        LIMIT_COUNT
};

struct limits {
    uint64_t of[LIMIT_COUNT];
};

struct limit_row {
    const char *key, *unit, *why;
    uint64_t value;
};

const struct limit_row *limit_row(enum limit_id id);
/* All defaults. */
struct limits limits_default(void);

/* The ceilings of this process: the defaults until limits_set, which is called before there are
 * threads (a configuration), in a process that serves one request (the analyser), or when a
 * configuration is read again: then each holds for what is measured from now on. */
const struct limits *limits_now(void);
void limits_set(const struct limits *limits);
#define LIMIT(name) (__atomic_load_n(&limits_now()->of[LIMIT_ID_##name], __ATOMIC_RELAXED))
