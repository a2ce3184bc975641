/* SPDX-License-Identifier: Apache-2.0 */
/* debian_codenames.c - from a release's name to its ecosystem.  sid never has a number, so no image
 * of it is judged by Debian's statements: what a source says of sid is left out.  The testing
 * release is called by its codename, which has the number that it will be released with. */
#include "advisory/internal.h"
#include "base/num.h"

static const struct {
    const char *codename, *ecosystem;
} NAMES[] = {
    {"potato", "Debian:2.2"},  {"woody", "Debian:3.0"},
    {"sarge", "Debian:3.1"},   {"etch", "Debian:4"},
    {"lenny", "Debian:5"},     {"squeeze", "Debian:6"},
    {"wheezy", "Debian:7"},    {"jessie", "Debian:8"},
    {"stretch", "Debian:9"},   {"buster", "Debian:10"},
    {"bullseye", "Debian:11"}, {"bookworm", "Debian:12"},
    {"trixie", "Debian:13"},   {"forky", "Debian:14"},
    {"duke", "Debian:15"},     {"sid", NULL},
    {"experimental", NULL},
};

static size_t find(str codename)
{
    size_t i = 0;
    while (i < ARRAY_LEN(NAMES) && !str_eq(str_from(NAMES[i].codename), codename))
        i++;
    return i;
}

str debian_ecosystem(str codename)
{
    size_t i = find(codename);
    return i < ARRAY_LEN(NAMES) ? str_from(NAMES[i].ecosystem) : STR_NONE;
}

bool debian_codename_is_known(str codename) { return find(codename) < ARRAY_LEN(NAMES); }
