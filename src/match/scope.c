/* SPDX-License-Identifier: Apache-2.0 */
/* scope.c - of which packages a statement speaks, whatever their version: architecture, module.
 *
 * A module is a set of rpm packages that live and are fixed together; streams of one module
 * (nodejs:18, nodejs:20) hold the same names at versions that must not be compared with each other.
 * A build for a module carries its mark in the release: 16.20.2-1.module_el8.9.0+3632+9b1ef4ac
 * (AlmaLinux, CentOS), 16.20.2-2.module+el8.9.0+19519+e25b965a (Red Hat, Rocky, Oracle).
 *
 *     statement                         package                       speaks of it
 *     of module M                       of stream M                   yes
 *     of module M                       of another, or of none        no
 *     of module M                       module build without a label  unknown: nobody can say
 *     of none, its versions marked      module build                  yes: the stream is not told
 *     of none, its versions marked      any other                     no
 *     of none, its versions unmarked    module build                  no
 *     of none, without any version      any                           yes */
#include "match/internal.h"

static bool is_any_arch(str arch)
{
    return arch.len == 0 || str_eq(arch, STR("noarch")) || str_eq(arch, STR("all")) ||
           str_eq(arch, STR("any"));
}

bool scope_has_arch(const struct affected *affected, const struct package *package)
{
    if (affected->arches.len == 0 || is_any_arch(package->arch))
        return true;
    for (size_t i = 0; i < affected->arches.len; i++)
        if (str_eq(affected->arches.ptr[i], package->arch))
            return true;
    return false;
}

str scope_stream(str modularity)
{
    str name, rest, stream, version;
    if (!str_cut_byte(modularity, ':', &name, &rest))
        return modularity;
    (void)str_cut_byte(rest, ':', &stream, &version);
    return str_slice(modularity, 0, name.len + 1 + stream.len);
}

static bool is_module_build(str version)
{
    return str_has(version, STR(".module_")) || str_has(version, STR(".module+"));
}

/* Does it name versions, and are they of module builds? */
static bool names_versions(const struct affected *affected, bool *is_marked)
{
    bool has_any = affected->versions.len > 0;
    *is_marked = false;
    for (size_t i = 0; i < affected->versions.len; i++)
        *is_marked = *is_marked || is_module_build(affected->versions.ptr[i]);
    for (size_t i = 0; i < affected->ranges.len; i++) {
        const struct version_range *range = &affected->ranges.ptr[i];
        has_any = has_any || range->fixed.len || range->last_affected.len;
        *is_marked =
            *is_marked || is_module_build(range->fixed) || is_module_build(range->last_affected);
    }
    return has_any;
}

enum applies scope_module(const struct affected *affected, const struct package *package)
{
    bool is_marked;
    if (!str_eq(package->type, STR("rpm")))
        return APPLIES_YES;
    bool is_modular = package->modularity.len || is_module_build(package->version);
    if (affected->module.len) {
        if (package->modularity.len == 0)
            return is_modular ? APPLIES_UNKNOWN : APPLIES_NO;
        return str_eq(scope_stream(package->modularity), affected->module) ? APPLIES_YES
                                                                           : APPLIES_NO;
    }
    if (!names_versions(affected, &is_marked))
        return APPLIES_YES;
    return is_marked == is_modular ? APPLIES_YES : APPLIES_NO;
}

enum applies scope_of(const struct affected *affected, const struct package *package)
{
    return scope_has_arch(affected, package) ? scope_module(affected, package) : APPLIES_NO;
}
