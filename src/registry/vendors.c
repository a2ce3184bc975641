/* SPDX-License-Identifier: Apache-2.0 */
/* vendors.c - whose registry it is: by its host where that is one service's, else by the path of
 * its token realm, which each product has of its own.  Nothing depends on it but advice. */
#include "base/num.h"
#include "registry/internal.h"

static const struct registry_vendor vendors[] = {
    {"Docker Hub", "docker.io", NULL,
     "Docker Hub has no catalog: list the repositories in `repositories:` of the registry's entry",
     "its webhooks are not read: the server looks by itself (`sweep-interval`)"},
    {"Microsoft Artifact Registry", "mcr.microsoft.com", NULL,
     "list the repositories in `repositories:`: its catalog is everybody's",
     "it sends none to others: the server looks by itself (`sweep-interval`)"},
    {"GitHub Container Registry", "ghcr.io", NULL,
     "it has no catalog: list the repositories in `repositories:` (OWNER/NAME)",
     "its webhooks are not read: the server looks by itself (`sweep-interval`)"},
    {"Quay", "quay.io", "/v2/auth",
     "the catalog wants a robot or OAuth token that may list; else name them in `repositories:`",
     "its notifications are not read: the server looks by itself (`sweep-interval`)"},
    {"Azure Container Registry", ".azurecr.io", "/oauth2/token",
     "the account needs the catalog's right: AcrPull by a role on the registry",
     "a webhook of the registry with actions push and delete"},
    {"Azure Container Registry, US Government", ".azurecr.us", NULL,
     "the account needs the catalog's right: AcrPull by a role on the registry",
     "a webhook of the registry with actions push and delete"},
    {"Azure Container Registry, China", ".azurecr.cn", NULL,
     "the account needs the catalog's right: AcrPull by a role on the registry",
     "a webhook of the registry with actions push and delete"},
    {"Harbor", NULL, "/service/token",
     "only a system robot or an administrator sees it; else name them in `repositories:`",
     "a webhook policy of each project: artifact pushed, pulled and deleted"},
    {"GitLab", "registry.gitlab.com", "/jwt/auth",
     "only an administrator sees it; name the projects' images in `repositories:`",
     "it has none for an image: the server looks by itself (`sweep-interval`)"},
    {"CNCF Distribution or an OCI registry", NULL, NULL,
     "the account may not list, or it is switched off; name them in `repositories:`",
     "an endpoint in its configuration: see Connecting in docs/OPERATIONS.md"},
};

const struct registry_vendor *registry_vendor_at(size_t i)
{
    return i < ARRAY_LEN(vendors) ? &vendors[i] : NULL;
}

static bool is_at(const struct registry_vendor *vendor, str host)
{
    str name, port;
    if (!vendor->host)
        return false;
    str_cut_byte(host, ':', &name, &port);
    str own = str_from(vendor->host);
    return str_starts(own, STR(".")) ? str_ends(name, own) : str_eq_nocase(name, own);
}

const struct registry_vendor *registry_vendor_of(str host, str realm)
{
    str scheme, realm_host, rest, path = STR_NONE, query;
    if (http_url_split(realm, &scheme, &realm_host, &rest))
        str_cut_byte(rest, '?', &path, &query);
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
        if (is_at(&vendors[i], host))
            return &vendors[i];
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++)
        if (vendors[i].realm && str_eq(path, str_from(vendors[i].realm)))
            return &vendors[i];
    return &vendors[ARRAY_LEN(vendors) - 1];
}
