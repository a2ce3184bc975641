/* SPDX-License-Identifier: Apache-2.0 */
/* principals.h - the store's second chapter: whose a server is (subscriptions, groups), who may log
 * in and with what, who may do what where, and who did.  Not: what a role allows, or what a token
 * is (api/).
 * Owns, threads, errors: as in store.h. */
#pragma once

#include "store/store.h"

/* --- subscriptions and resource groups
 * ------------------------------------------------------------------------------------------ */
struct store_subscription {
    str id;   /* UUID, lower case */
    str name; /* for people; its id when nobody named it */
};
typedef VEC(struct store_subscription) store_subscriptions;
/* Those that were made, those of registries and those in which a role is assigned; sorted by id. */
NODISCARD bool store_subscriptions_list(struct store *store, struct arena *arena,
                                        store_subscriptions *out, struct err *err);
NODISCARD bool store_subscription_put(struct store *store, str id, str name, int64_t now,
                                      struct err *err);
struct store_group {
    str subscription, name; /* as first written */
    str location, tags; /* tags: JSON; both empty for a group that is only known by a registry */
    int64_t created_at;
};
typedef VEC(struct store_group) store_groups;
/* Of one subscription, sorted by name. */
NODISCARD bool store_groups_list(struct store *store, struct arena *arena, str subscription,
                                 store_groups *out, struct err *err);
NODISCARD bool store_group_put(struct store *store, const struct store_group *group, int64_t now,
                               struct err *err);
/* ERR_CONFLICT while a registry is in it. */
NODISCARD bool store_group_delete(struct store *store, str subscription, str name, struct err *err);

/* --- who may do what: principals, their secrets, assignments of roles, the audit
 * ----------------------------------------------------------------------------- */
/* Rises, in the same commit, when a principal is disabled or deleted, a secret revoked, a role
 * assigned, taken away or changed: for who keeps what it read of these. */
NODISCARD bool store_access_revision(struct store *store, struct arena *arena, str *revision,
                                     struct err *err);
struct store_principal {
    str object_id, app_id; /* UUIDs: what assignments name, what a client logs in with */
    str name;
    bool is_disabled;
    int64_t created_at;
    str created_by;
};
typedef VEC(struct store_principal) store_principals;
/* ERR_CONFLICT when one of its ids is taken. */
NODISCARD bool store_principal_add(struct store *store, const struct store_principal *principal,
                                   int64_t now, struct err *err);
/* By either id; ERR_NOT_FOUND. */
NODISCARD bool store_principal_get(struct store *store, struct arena *arena, str id,
                                   struct store_principal *out, struct err *err);
/* Sorted by name. */
NODISCARD bool store_principals_list(struct store *store, struct arena *arena,
                                     store_principals *out, struct err *err);
NODISCARD bool store_principal_set_disabled(struct store *store, str object_id, bool is_disabled,
                                            struct err *err);
/* With its secrets and assignments; nothing when it is not there. */
NODISCARD bool store_principal_delete(struct store *store, str object_id, struct err *err);

struct store_principal_secret {
    int64_t id;
    str hint; /* its first characters, for people */
    str hash; /* libsodium's text of argon2id */
    int64_t created_at, expires_at;
};
typedef VEC(struct store_principal_secret) store_principal_secrets;
NODISCARD bool store_principal_secret_add(struct store *store, str object_id,
                                          struct store_principal_secret *secret, int64_t now,
                                          struct err *err);
NODISCARD bool store_principal_secrets_list(struct store *store, struct arena *arena, str object_id,
                                            store_principal_secrets *out, struct err *err);
NODISCARD bool store_principal_secret_delete(struct store *store, str object_id, int64_t id,
                                             bool *was_there, struct err *err);

/* What tokens are signed with; the private part is sealed. */
struct store_signing_key {
    str kid, private_pem, public_pem;
    int64_t created_at;
};
typedef VEC(struct store_signing_key) store_signing_keys;
/* Newest first. */
NODISCARD bool store_signing_keys_list(struct store *store, struct arena *arena,
                                       const struct secret_key *key, store_signing_keys *out,
                                       struct err *err);
/* Those older than @before go in the same commit.  ERR_CONFLICT when one younger than @unless is
 * there already: another server was first. */
NODISCARD bool store_signing_key_add(struct store *store, const struct secret_key *key,
                                     const struct store_signing_key *signing, int64_t unless,
                                     int64_t before, struct err *err);

struct store_assignment {
    str name;  /* UUID */
    str scope; /* "/", "/subscriptions/…": as it was given */
    str role;  /* UUID of the role's definition */
    str principal, principal_type, description;
    int64_t created_at, updated_at;
    str created_by, updated_by;
};
typedef VEC(struct store_assignment) store_assignments;
/* Made, or its description changed.  ERR_CONFLICT: the same principal has that role there under
 * another name, or the name is another assignment's. */
NODISCARD bool store_assignment_put(struct store *store, const struct store_assignment *assignment,
                                    int64_t now, bool *is_new, struct err *err);
NODISCARD bool store_assignment_get(struct store *store, struct arena *arena, str name,
                                    struct store_assignment *out, struct err *err);
/* Sorted by name; @principal empty: everybody's. */
NODISCARD bool store_assignments_list(struct store *store, struct arena *arena, str principal,
                                      store_assignments *out, struct err *err);
NODISCARD bool store_assignment_delete(struct store *store, str name, struct err *err);

/* A role that somebody made; permissions and scopes are JSON that the API wrote and reads. */
struct store_role {
    str name; /* UUID */
    str role_name, description, permissions, scopes;
    int64_t created_at, updated_at;
    str created_by, updated_by;
};
typedef VEC(struct store_role) store_roles;
NODISCARD bool store_role_put(struct store *store, const struct store_role *role, int64_t now,
                              struct err *err);
NODISCARD bool store_roles_list(struct store *store, struct arena *arena, store_roles *out,
                                struct err *err);
/* ERR_CONFLICT while it is assigned. */
NODISCARD bool store_role_delete(struct store *store, str name, struct err *err);

/* One row for every request that may change something, whatever became of it. */
struct store_audit {
    int64_t id, at;
    str principal, method, path, request, address;
    int status;
};
typedef VEC(struct store_audit) store_audits;
NODISCARD bool store_audit_add(struct store *store, const struct store_audit *entry,
                               struct err *err);
/* Newest first. */
NODISCARD bool store_audit_list(struct store *store, struct arena *arena,
                                const struct store_page *page, store_audits *out, str *next,
                                struct err *err);
