// SPDX-License-Identifier: Apache-2.0
// Sign-in and roles, through the unmodified clients of Azure over HTTPS.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { GROUP, SUBSCRIPTION, makeSecdb, path, registryId, startServer, tempDir } from './lib.mjs';

const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const SECURITY_READER = '39bc4728-0917-49c7-9d2c-d95423bc2eb4';

async function setUp(t) {
  const dir = tempDir(t);
  const server = await startServer(t, dir, { host: '127.0.0.1:1', extra: 'sweep-interval: 0',
    feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } })}`] });
  const [, tenant] = /tenant: (\S+)/.exec(server.child.text);
  const [, id] = /client id: (\S+)/.exec(server.child.text);
  const [, secret] = /client secret[^:]*: (\S+)/.exec(server.child.text);
  return { server, tenant, id, secret };
}

/** A script in a process of its own, for a process reads its authorities once; it prints JSON. */
function client(server, login, body) {
  const script = `
    import { ClientSecretCredential } from '@azure/identity';
    import { SubscriptionClient } from '@azure/arm-resources-subscriptions';
    import { AuthorizationManagementClient } from '@azure/arm-authorization';
    import { ResourceManagementClient } from '@azure/arm-resources';
    import { SecurityCenter } from '@azure/arm-security';
    const [endpoint, tenant, id, secret] = ${JSON.stringify([server.url, login.tenant, login.id, login.secret])};
    const credential = new ClientSecretCredential(tenant, id, secret, { authorityHost: endpoint, disableInstanceDiscovery: true });
    const options = { endpoint };
    const all = async (pages) => { const out = []; for await (const one of pages) out.push(one); return out; };
    const fails = async (work) => { try { await work(); return null; } catch (e) { return { status: e.statusCode, code: e.code, name: e.name, message: e.message }; } };
    const out = {};
    ${body}
    console.log(JSON.stringify(out));`;
  const r = spawnSync(process.execPath, ['--input-type=module', '-e', script],
    { cwd: import.meta.dirname, encoding: 'utf8', env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca } });
  assert.equal(r.status, 0, r.stderr + server.child.text.slice(-2000));
  return JSON.parse(r.stdout);
}

test('@azure/identity signs in with the secret that the first start printed, and the clients work', async (t) => {
  const { server, ...login } = await setUp(t);
  const out = client(server, login, `
    out.token = (await credential.getToken('https://management.azure.com/.default')).token;
    const subscriptions = new SubscriptionClient(credential, options);
    out.subscriptions = await all(subscriptions.subscriptions.list());
    out.one = await subscriptions.subscriptions.get('${SUBSCRIPTION}');
    out.tenants = await all(subscriptions.tenants.list());
    out.locations = await all(subscriptions.subscriptions.listLocations('${SUBSCRIPTION}'));
    out.missing = await fails(() => subscriptions.subscriptions.get('00000000-0000-4000-8000-00000000abcd'));
    const security = new SecurityCenter(credential, '${SUBSCRIPTION}', options);
    out.assessments = await all(security.assessments.list('/subscriptions/${SUBSCRIPTION}'));`);
  assert.equal(out.token.split('.').length, 3);
  const claims = JSON.parse(Buffer.from(out.token.split('.')[1], 'base64url'));
  assert.equal(claims.tid, login.tenant);
  assert.equal(claims.appid, login.id);
  assert.deepEqual(out.subscriptions.map((s) => s.subscriptionId), [SUBSCRIPTION]);
  assert.equal(out.one.state, 'Enabled');
  assert.equal(out.tenants[0].tenantId, login.tenant);
  assert.ok(out.locations.length > 0);
  assert.deepEqual([out.missing.status, out.missing.code], [404, 'SubscriptionNotFound']);
  assert.ok(Array.isArray(out.assessments));
});

test('roles and assignments through @azure/arm-authorization, groups and providers through @azure/arm-resources', async (t) => {
  const { server, ...login } = await setUp(t);
  const made = (await server.api('/plimsoll/v1/principals', { method: 'POST', body: { displayName: 'analyst' } })).body;
  const out = client(server, login, `
    const auth = new AuthorizationManagementClient(credential, '${SUBSCRIPTION}', options);
    const scope = '${registryId('lab')}';
    out.roles = (await all(auth.roleDefinitions.list('/subscriptions/${SUBSCRIPTION}'))).map((r) => r.roleName);
    out.filtered = (await all(auth.roleDefinitions.list(scope, { filter: "roleName eq 'Security Reader'" }))).map((r) => r.name);
    out.made = await auth.roleAssignments.create(scope, '11111111-0000-4000-8000-000000000001', {
      roleDefinitionId: '/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/${SECURITY_READER}',
      principalId: '${made.objectId}', principalType: 'ServicePrincipal' });
    out.listed = await all(auth.roleAssignments.listForScope(scope, { filter: 'atScope()' }));
    out.twice = await fails(() => auth.roleAssignments.create(scope, '11111111-0000-4000-8000-000000000002', {
      roleDefinitionId: out.made.roleDefinitionId, principalId: '${made.objectId}' }));
    out.permissions = await all(auth.permissions.listForResourceGroup('${GROUP}'));
    const resources = new ResourceManagementClient(credential, '${SUBSCRIPTION}', options);
    out.group = await resources.resourceGroups.createOrUpdate('sdk-group', { location: 'eastus', tags: { a: 'b' } });
    out.groups = (await all(resources.resourceGroups.list())).map((g) => g.name).sort();
    out.exists = await resources.resourceGroups.checkExistence('sdk-group');
    await resources.resourceGroups.beginDeleteAndWait('sdk-group');
    out.gone = await resources.resourceGroups.checkExistence('sdk-group');
    out.resources = (await all(resources.resources.list({ filter: "resourceType eq 'Microsoft.ContainerRegistry/registries'" }))).map((r) => r.id);
    out.providers = (await all(resources.providers.list())).map((p) => p.namespace);
    out.registered = (await resources.providers.register('Microsoft.Security')).registrationState;`);
  assert.ok(out.roles.includes('Owner') && out.roles.includes('AcrPull'));
  assert.deepEqual(out.filtered, [SECURITY_READER]);
  assert.equal(out.made.principalId, made.objectId);
  assert.equal(out.made.scope, registryId('lab'));
  assert.ok(out.listed.some((a) => a.principalId === made.objectId));
  assert.deepEqual([out.twice.status, out.twice.code], [409, 'RoleAssignmentExists']);
  assert.deepEqual(out.permissions[0].actions, ['*']);
  assert.equal(out.group.location, 'eastus');
  assert.deepEqual(out.groups, [GROUP, 'sdk-group'].sort());
  assert.deepEqual([out.exists.body ?? out.exists, out.gone.body ?? out.gone], [true, false]);
  assert.deepEqual(out.resources, [registryId('lab')]);
  assert.ok(out.providers.includes('Microsoft.ContainerRegistry'));
  assert.equal(out.registered, 'Registered');

  // what the new principal may: read findings of that registry, and nothing else
  const analyst = { tenant: login.tenant, id: made.appId, secret: made.clientSecret };
  const seen = client(server, analyst, `
    const security = new SecurityCenter(credential, '${SUBSCRIPTION}', options);
    out.findings = await all(security.subAssessments.listAll('${registryId('lab')}'));
    out.assessments = await all(security.assessments.list('/subscriptions/${SUBSCRIPTION}'));
    const auth = new AuthorizationManagementClient(credential, '${SUBSCRIPTION}', options);
    out.write = await fails(() => auth.roleAssignments.create('/subscriptions/${SUBSCRIPTION}', '11111111-0000-4000-8000-000000000003', {
      roleDefinitionId: '${READER}', principalId: '${made.objectId}' }));
    const resources = new ResourceManagementClient(credential, '${SUBSCRIPTION}', options);
    out.group = await fails(() => resources.resourceGroups.createOrUpdate('mine', { location: 'eastus' }));`);
  assert.ok(Array.isArray(seen.findings) && Array.isArray(seen.assessments));
  assert.deepEqual([seen.write.status, seen.write.code], [403, 'AuthorizationFailed']);
  assert.deepEqual([seen.group.status, seen.group.code], [403, 'AuthorizationFailed']);
});

test('a wrong secret is told as Azure tells it; guessing is slowed down; time tells nothing', async (t) => {
  const { server, ...login } = await setUp(t);
  const out = client(server, { ...login, secret: 'plims_00000000~wrong' }, `
    out.wrong = await fails(() => credential.getToken('https://management.azure.com/.default'));`);
  assert.match(out.wrong.message, /AADSTS7000215/);
  const attempt = async (id, secret) => {
    const begun = process.hrtime.bigint();
    const r = await server.api(`/${login.tenant}/oauth2/v2.0/token`, { method: 'POST', token: '',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret, scope: 'x/.default' }).toString() });
    return { ...r, ms: Number(process.hrtime.bigint() - begun) / 1e6 };
  };
  const known = await attempt(login.id, 'plims_00000000~wrong');
  const unknown = await attempt('00000000-0000-4000-8000-000000000001', 'plims_00000000~wrong');
  assert.deepEqual([known.status, unknown.status], [401, 401]);
  assert.equal(known.body.error_description, unknown.body.error_description);
  let last;
  for (let i = 0; i < 12; i++) last = await attempt(login.id, 'plims_00000000~wrong');
  assert.equal(last.status, 429);
  assert.ok(Number(last.headers['retry-after']) >= 1);
  console.log(`# a wrong secret ${known.ms.toFixed(0)} ms, an unknown client ${unknown.ms.toFixed(0)} ms`);
});
