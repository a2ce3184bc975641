/* SPDX-License-Identifier: Apache-2.0 */
/* The whole schema, as the steps that made it.  A released step never changes: a new one follows.
 * Enumerations are words (words.c), times UTC seconds with 0 for never, booleans 0 or 1. */
#include "store/internal.h"

static const char version_1[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);"

    "CREATE TABLE tokens (id {id}, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,"
    "  created_at BIGINT NOT NULL);"

    /* folded is the name in lower case: ARM compares so, and names are unique */
    "CREATE TABLE registries (id {id}, subscription TEXT NOT NULL, resource_group TEXT NOT NULL,"
    "  name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, host TEXT NOT NULL,"
    "  is_plain_http SMALLINT NOT NULL, created_at BIGINT NOT NULL, properties TEXT NOT NULL);"

    "CREATE TABLE repositories (id {id}, registry_id BIGINT NOT NULL REFERENCES registries (id),"
    "  name TEXT NOT NULL, first_seen BIGINT NOT NULL, UNIQUE (registry_id, name));"

    /* verdict '': none yet, or deleted.  An index has no verdict of its own; is_complete says that
     * every child got one.  failure: of the last attempt, beside a verdict that stands.
     * tried_generation: the last one matched against, also when nothing came of it. */
    "CREATE TABLE images (id {id}, registry_id BIGINT NOT NULL REFERENCES registries (id),"
    "  repository_id BIGINT NOT NULL REFERENCES repositories (id), digest TEXT NOT NULL,"
    "  is_index SMALLINT NOT NULL DEFAULT 0, media_type TEXT NOT NULL DEFAULT '',"
    "  platform TEXT NOT NULL DEFAULT '', os_id TEXT NOT NULL DEFAULT '',"
    "  os_version TEXT NOT NULL DEFAULT '', os_name TEXT NOT NULL DEFAULT '',"
    "  verdict TEXT NOT NULL DEFAULT '', is_complete SMALLINT NOT NULL DEFAULT 0,"
    "  reason TEXT NOT NULL DEFAULT '', failure TEXT NOT NULL DEFAULT '',"
    "  failed_at BIGINT NOT NULL DEFAULT 0, has_inventory SMALLINT NOT NULL DEFAULT 0,"
    "  generation BIGINT NOT NULL DEFAULT 0, tried_generation BIGINT NOT NULL DEFAULT 0,"
    "  source TEXT NOT NULL DEFAULT '',"
    "  labels TEXT NOT NULL DEFAULT '', size_bytes BIGINT NOT NULL DEFAULT 0,"
    "  n_critical BIGINT NOT NULL DEFAULT 0, n_high BIGINT NOT NULL DEFAULT 0,"
    "  n_medium BIGINT NOT NULL DEFAULT 0, n_low BIGINT NOT NULL DEFAULT 0,"
    "  n_unknown BIGINT NOT NULL DEFAULT 0, n_patchable BIGINT NOT NULL DEFAULT 0,"
    "  n_disabled BIGINT NOT NULL DEFAULT 0,"
    "  first_seen BIGINT NOT NULL, last_pushed BIGINT NOT NULL DEFAULT 0,"
    "  last_pulled BIGINT NOT NULL DEFAULT 0, scanned_at BIGINT NOT NULL DEFAULT 0,"
    "  deleted_at BIGINT NOT NULL DEFAULT 0, UNIQUE (repository_id, digest));"
    "CREATE INDEX images_by_verdict ON images (registry_id, verdict);"
    "CREATE INDEX images_in_order ON images (registry_id, id);"

    "CREATE TABLE index_children (index_id BIGINT NOT NULL REFERENCES images (id),"
    "  image_id BIGINT NOT NULL REFERENCES images (id), PRIMARY KEY (index_id, image_id));"
    "CREATE INDEX index_children_by_image ON index_children (image_id);"

    "CREATE TABLE image_layers (image_id BIGINT NOT NULL REFERENCES images (id),"
    "  position BIGINT NOT NULL, digest TEXT NOT NULL, diff_id TEXT NOT NULL,"
    "  size_bytes BIGINT NOT NULL, created_by TEXT NOT NULL, is_base SMALLINT NOT NULL,"
    "  PRIMARY KEY (image_id, position));"
    "CREATE TABLE image_notices (image_id BIGINT NOT NULL REFERENCES images (id),"
    "  position BIGINT NOT NULL, kind TEXT NOT NULL, is_incomplete SMALLINT NOT NULL,"
    "  layer BIGINT NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL,"
    "  PRIMARY KEY (image_id, position));"

    "CREATE TABLE tags (repository_id BIGINT NOT NULL REFERENCES repositories (id),"
    "  name TEXT NOT NULL, image_id BIGINT NOT NULL REFERENCES images (id), set_at BIGINT NOT NULL,"
    "  PRIMARY KEY (repository_id, name));"
    "CREATE INDEX tags_by_image ON tags (image_id);"
    "CREATE TABLE tag_history (id {id}, repository_id BIGINT NOT NULL REFERENCES repositories (id),"
    "  name TEXT NOT NULL, digest TEXT NOT NULL, at BIGINT NOT NULL);" /* digest '': removed */
    "CREATE INDEX tag_history_by_name ON tag_history (repository_id, name, id);"

    /* shared by every image that has the layer */
    "CREATE TABLE layer_inventories (digest TEXT NOT NULL, diff_id TEXT NOT NULL,"
    "  revision BIGINT NOT NULL, bytes {bytes} NOT NULL, stored_at BIGINT NOT NULL,"
    "  PRIMARY KEY (digest, diff_id, revision));"

    /* Text once: one row a state of an advisory.  Then once what it says about a package version: a
     * fact.  A finding is a row of ids and the place in its image. */
    "CREATE TABLE advisories (id {id}, hash TEXT NOT NULL UNIQUE, vulnerability TEXT NOT NULL,"
    "  title TEXT NOT NULL, description TEXT NOT NULL, published TEXT NOT NULL,"
    "  modified TEXT NOT NULL, category TEXT NOT NULL, is_kev SMALLINT NOT NULL,"
    "  epss {real} NOT NULL, aliases TEXT NOT NULL, links TEXT NOT NULL, cvss TEXT NOT NULL,"
    "  ratings TEXT NOT NULL);"
    "CREATE TABLE facts (id {id}, hash TEXT NOT NULL UNIQUE, advisory_id BIGINT NOT NULL,"
    "  class TEXT NOT NULL, type TEXT NOT NULL, purl TEXT NOT NULL, package_name TEXT NOT NULL,"
    "  package_version TEXT NOT NULL, binaries TEXT NOT NULL, fix_state TEXT NOT NULL,"
    "  fixed_version TEXT NOT NULL, is_patchable SMALLINT NOT NULL, severity TEXT NOT NULL,"
    "  evidence TEXT NOT NULL, remediation_text TEXT NOT NULL, remediation_command TEXT NOT NULL);"
    "CREATE TABLE findings (registry_id BIGINT NOT NULL, image_id BIGINT NOT NULL, name TEXT NOT "
    "NULL,"
    "  fact_id BIGINT NOT NULL, path TEXT NOT NULL, layer BIGINT NOT NULL,"
    "  is_from_base SMALLINT NOT NULL, step TEXT NOT NULL, disabled_by TEXT NOT NULL,"
    "  first_seen BIGINT NOT NULL, PRIMARY KEY (registry_id, image_id, name));"
    "CREATE INDEX findings_by_name ON findings (name);"

    "CREATE TABLE assessments (registry_id BIGINT PRIMARY KEY REFERENCES registries (id),"
    "  verdict TEXT NOT NULL, first_evaluated_at BIGINT NOT NULL, changed_at BIGINT NOT NULL);"

    "CREATE TABLE events (registry_id BIGINT NOT NULL REFERENCES registries (id), id TEXT NOT NULL,"
    "  action TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, tag TEXT NOT NULL,"
    "  at BIGINT NOT NULL, received_at BIGINT NOT NULL, PRIMARY KEY (registry_id, id));"
    "CREATE INDEX events_by_time ON events (received_at);"

    "CREATE TABLE jobs (id {id}, kind TEXT NOT NULL, state TEXT NOT NULL, registry_id BIGINT NOT "
    "NULL,"
    "  repository TEXT NOT NULL, digest TEXT NOT NULL, tag TEXT NOT NULL, priority BIGINT NOT NULL,"
    "  attempts BIGINT NOT NULL DEFAULT 0, deaths BIGINT NOT NULL DEFAULT 0,"
    "  created_at BIGINT NOT NULL, not_before BIGINT NOT NULL,"
    "  leased_until BIGINT NOT NULL DEFAULT 0, started_at BIGINT NOT NULL DEFAULT 0,"
    "  finished_at BIGINT NOT NULL DEFAULT 0, lease BIGINT NOT NULL DEFAULT 0,"
    "  is_again SMALLINT NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '');"
    "CREATE UNIQUE INDEX jobs_once ON jobs (kind, registry_id, repository, digest)"
    "  WHERE state IN ('queued', 'running');"
    "CREATE INDEX jobs_queue ON jobs (priority DESC, id) WHERE state = 'queued';"
    "CREATE INDEX jobs_by_state ON jobs (state, finished_at);"

    "CREATE TABLE wanted (ecosystem TEXT NOT NULL, source_name TEXT NOT NULL,"
    "  source_version TEXT NOT NULL, first_seen BIGINT NOT NULL,"
    "  PRIMARY KEY (ecosystem, source_name, source_version));";

/* What rated a finding, and its weaknesses; rows of before say nothing until they are matched
 * again. */
static const char version_2[] = "ALTER TABLE advisories ADD COLUMN cwes TEXT NOT NULL DEFAULT '';"
                                "ALTER TABLE facts ADD COLUMN rated_by TEXT NOT NULL DEFAULT '';"
                                "ALTER TABLE facts ADD COLUMN rating_basis TEXT NOT NULL"
                                "  DEFAULT '';";

/* chain: OCI ChainID of all layers, '' when a diff-id is not known.  An image whose chain is that
 * of the first layers of another one is its base. */
static const char version_3[] = "ALTER TABLE images ADD COLUMN chain TEXT NOT NULL DEFAULT '';"
                                "CREATE INDEX images_by_chain ON images (chain) WHERE chain <> '';";

/* The ledger: what is billed, once, whatever happens (append-only).  Secrets of registries:
 * sealed, secrets.c. */
static const char version_4[] =
    "CREATE TABLE ledger (subscription TEXT NOT NULL, digest TEXT NOT NULL,"
    "  registry TEXT NOT NULL, repository TEXT NOT NULL, at BIGINT NOT NULL,"
    "  PRIMARY KEY (subscription, digest));"
    "CREATE INDEX ledger_by_time ON ledger (at);"
    "CREATE TABLE secrets (registry_id BIGINT NOT NULL REFERENCES registries (id),"
    "  name TEXT NOT NULL, sealed {bytes} NOT NULL, changed_at BIGINT NOT NULL,"
    "  PRIMARY KEY (registry_id, name));";

/* due_at: when an image that was recently pulled is assessed again; 0: it was not. */
static const char version_9[] =
    "ALTER TABLE images ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;"
    "CREATE INDEX images_by_due ON images (due_at) WHERE due_at > 0;"
    "CREATE INDEX images_by_pull ON images (last_pulled) WHERE due_at = 0 AND last_pulled > 0;";

/* Subscriptions and groups that were made by themselves; those of registries are known by them.
 * Who may log in, with which secrets (argon2id), what tokens are signed with (sealed), who may do
 * what where, and who changed what. */
static const char version_10[] =
    "CREATE TABLE subscriptions (id TEXT PRIMARY KEY, name TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL);"
    "CREATE TABLE resource_groups (subscription TEXT NOT NULL, folded TEXT NOT NULL,"
    "  name TEXT NOT NULL, location TEXT NOT NULL, tags TEXT NOT NULL, created_at BIGINT NOT NULL,"
    "  PRIMARY KEY (subscription, folded));"
    "CREATE TABLE principals (object_id TEXT PRIMARY KEY, app_id TEXT NOT NULL UNIQUE,"
    "  name TEXT NOT NULL, is_disabled SMALLINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL,"
    "  created_by TEXT NOT NULL);"
    "CREATE TABLE principal_secrets (id {id}, object_id TEXT NOT NULL REFERENCES principals"
    "  (object_id), hint TEXT NOT NULL, hash TEXT NOT NULL, created_at BIGINT NOT NULL,"
    "  expires_at BIGINT NOT NULL);"
    "CREATE INDEX principal_secrets_by_principal ON principal_secrets (object_id);"
    "CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, sealed {bytes} NOT NULL,"
    "  public_pem TEXT NOT NULL, created_at BIGINT NOT NULL);"
    "CREATE TABLE role_assignments (name TEXT PRIMARY KEY, scope TEXT NOT NULL,"
    "  folded TEXT NOT NULL, role TEXT NOT NULL, principal TEXT NOT NULL,"
    "  principal_type TEXT NOT NULL, description TEXT NOT NULL, created_at BIGINT NOT NULL,"
    "  updated_at BIGINT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL,"
    "  UNIQUE (folded, role, principal));"
    "CREATE INDEX role_assignments_by_principal ON role_assignments (principal);"
    "CREATE TABLE role_definitions (name TEXT PRIMARY KEY, role_name TEXT NOT NULL,"
    "  description TEXT NOT NULL, permissions TEXT NOT NULL, scopes TEXT NOT NULL,"
    "  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, created_by TEXT NOT NULL,"
    "  updated_by TEXT NOT NULL);"
    "CREATE TABLE audit (id {id}, at BIGINT NOT NULL, principal TEXT NOT NULL,"
    "  method TEXT NOT NULL, path TEXT NOT NULL, status BIGINT NOT NULL, request TEXT NOT NULL,"
    "  address TEXT NOT NULL);"
    "CREATE INDEX audit_by_time ON audit (at);";

static const struct migration migrations[] = {
    {1, version_1}, {2, version_2}, {3, version_3},
    {4, version_4}, {9, version_9}, {10, version_10},
};

const struct migration *schema_migrations(size_t *n)
{
    *n = ARRAY_LEN(migrations);
    return migrations;
}

int store_schema_version(void) { return migrations[ARRAY_LEN(migrations) - 1].version; }
