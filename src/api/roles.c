/* SPDX-License-Identifier: Apache-2.0 */
/* roles.c - Azure's built-in roles by their ids, and what a role allows.
 * Actions compare without case; "*" stands for any run of characters, slashes too.  A role allows
 * what its actions name and its notActions do not. */
#include "api/internal.h"

#include "base/num.h"

#define ACR "Microsoft.ContainerRegistry/registries/"
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const nothing[] = {NULL};

static const struct role built_in[] = {
    {.id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
     .name = "Owner",
     .description = "Everything, and giving others access.",
     .actions = LIST("*"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
     .name = "Contributor",
     .description = "Everything but giving others access.",
     .actions = LIST("*"),
     .not_actions = LIST("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
                         "Microsoft.Authorization/elevateAccess/Action",
                         "Microsoft.Blueprint/blueprintAssignments/write",
                         "Microsoft.Blueprint/blueprintAssignments/delete",
                         "Microsoft.Compute/galleries/share/action"),
     .data_actions = nothing},
    {.id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
     .name = "Reader",
     .description = "Reading everything.",
     .actions = LIST("*/read"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "fb1c8493-542b-48eb-b624-b4c8fea62acd",
     .name = "Security Admin",
     .description = "Reading findings, and deciding about them: rules, plans.",
     .actions = LIST(
         "Microsoft.Authorization/*/read", "Microsoft.Authorization/policyAssignments/*",
         "Microsoft.Authorization/policyDefinitions/*",
         "Microsoft.Authorization/policyExemptions/*",
         "Microsoft.Authorization/policySetDefinitions/*", "Microsoft.Insights/alertRules/*",
         "Microsoft.Management/managementGroups/read",
         "Microsoft.operationalInsights/workspaces/*/read", "Microsoft.Resources/deployments/*",
         "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Security/*",
         "Microsoft.IoTSecurity/*", "Microsoft.IoTFirmwareDefense/*", "Microsoft.Support/*"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
     .name = "Security Reader",
     .description = "Reading findings and recommendations.",
     .actions = LIST("Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/read",
                     "Microsoft.operationalInsights/workspaces/*/read",
                     "Microsoft.Resources/deployments/*/read",
                     "Microsoft.Resources/subscriptions/resourceGroups/read",
                     "Microsoft.Security/*/read", "Microsoft.IoTSecurity/*/read",
                     "Microsoft.Support/*/read", "Microsoft.Management/managementGroups/read"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "612c2aa1-cb24-443b-ac28-3ab7272de6f5",
     .name = "Security Assessment Contributor",
     .description = "Pushing assessments.",
     .actions = LIST("Microsoft.Security/assessments/write"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "7f951dda-4ed3-4680-a7ca-43fe172d538d",
     .name = "AcrPull",
     .description = "Pulling from a registry.",
     .actions = LIST(ACR "pull/read"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "8311e382-0749-4cb8-b61a-304f252e45ec",
     .name = "AcrPush",
     .description = "Pushing to a registry, and pulling.",
     .actions = LIST(ACR "pull/read", ACR "push/write"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
     .name = "AcrDelete",
     .description = "Deleting from a registry.",
     .actions = LIST(ACR "artifacts/delete"),
     .not_actions = nothing,
     .data_actions = nothing},
    {.id = "6cef56e8-d556-48e5-a04f-b8e64114680f",
     .name = "AcrImageSigner",
     .description = "Signing images.",
     .actions = LIST(ACR "sign/write"),
     .not_actions = nothing,
     .data_actions = LIST(ACR "trustedCollections/write")},
    {.id = "cdda3590-29a3-44f6-95f2-9f980659eb04",
     .name = "AcrQuarantineReader",
     .description = "Pulling images that are in quarantine.",
     .actions = LIST(ACR "quarantine/read"),
     .not_actions = nothing,
     .data_actions = LIST(ACR "quarantinedArtifacts/read")},
    {.id = "c8d4ff99-41c3-41a8-9f60-21dfdad59608",
     .name = "AcrQuarantineWriter",
     .description = "Moving images into quarantine and out of it.",
     .actions = LIST(ACR "quarantine/read", ACR "quarantine/write"),
     .not_actions = nothing,
     .data_actions = LIST(ACR "quarantinedArtifacts/read", ACR "quarantinedArtifacts/write")},
};

const struct role *role_at(size_t i) { return i < ARRAY_LEN(built_in) ? &built_in[i] : NULL; }

const struct role *role_find(str id)
{
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++)
        if (str_eq_nocase(str_from(built_in[i].id), id))
            return &built_in[i];
    return NULL;
}

static char folded(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

/* The last star takes one more whenever what is behind it does not fit: no recursion. */
bool action_fits(str pattern, str action)
{
    size_t p = 0, a = 0, star = SIZE_MAX, taken = 0;
    while (a < action.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            taken = a;
        } else if (p < pattern.len && folded(pattern.ptr[p]) == folded(action.ptr[a])) {
            p++;
            a++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            a = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool any_fits(const char *const *patterns, str action)
{
    for (; *patterns; patterns++)
        if (action_fits(str_from(*patterns), action))
            return true;
    return false;
}

bool role_allows(const struct role *role, str action)
{
    return any_fits(role->actions, action) && !any_fits(role->not_actions, action);
}

const char *api_role_name(size_t i) { return role_at(i) ? role_at(i)->name : NULL; }

bool api_role_may(size_t i, const char *action)
{
    return role_at(i) && role_allows(role_at(i), str_from(action));
}
