/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - between remedy.c and plan.c: one row a package manager. */
#pragma once

#include "assess/assess.h"
#include "base/sb.h"

struct tool {
    const char *name;     /* "apt" */
    const char *type;     /* purl type of the packages that it upgrades */
    const char *provider; /* the package that it is; NULL: a language's, which a build has */
    const char *command;  /* before the items; NULL: there is none, see hint */
    /* An item is written as before + name + between + version + behind; without a version when
     * between is NULL, and then behind follows the name. */
    const char *before, *between, *behind;
    const char *hint; /* words behind the text: what else has to be done */
    bool is_single;   /* one item a command */
    bool is_unnamed;  /* upgrades everything or nothing: no items */
};
/* Who upgrades the package of @finding; NULL: nobody that we know, or of an OS none that the image
 * has. */
const struct tool *remedy_tool(const struct remedy_tools *tools, const struct finding *finding);

/* Where an npm package lies.  All slices of its path. */
struct npm_place {
    str root;   /* of the project */
    str parent; /* the outermost package that it comes with; empty: none */
    bool is_global;
    bool is_pnpm; /* a store of pnpm: the tree does not say who wanted it */
};
struct npm_place npm_place_of(str path);
/* The folder of the project that a language package is of, or the program that it was built into;
 * the npm package that it comes with.
 */
str remedy_folder(const struct finding *finding);
str remedy_parent(const struct finding *finding);

/* One item for a command, or of an OS package one for each binary; nothing when a word is not safe
 * in a shell.  Gives how many were added; each has a space in front. */
size_t remedy_items(struct sb *out, const struct tool *tool, const struct finding *finding);
/* Would there be any?  Nothing is written. */
bool remedy_has_items(const struct tool *tool, const struct finding *finding);
/* What the command begins with, "npm install -g" for instance. */
const char *remedy_command(const struct tool *tool, const struct finding *finding);

/* The ordering of its versions, whether or not it can read them; NULL: not known. */
const struct version_scheme *remedy_scheme(const struct finding *finding);
