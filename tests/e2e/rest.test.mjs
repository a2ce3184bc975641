// SPDX-License-Identifier: Apache-2.0
// Registries, imports, rules and plans over REST, through the unmodified Azure SDKs, against real registries.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import { test } from 'node:test';
import { ASSESSMENT, GROUP, SUBSCRIPTION, alpineRoot, fs, makeLayout, makeSecdb, must, path, push, registryId, run, start, startRegistry,
  startServer, tar, tempDir, until, updateDb, verdictOf, freePort } from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001', 'CVE-2025-0002'] } } };
const root = (marker) => tar([...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] }),
  { path: `marker-${marker}`, body: marker }]);
const image = (dir, name) => makeLayout(path.join(dir, name), [{ tar: root(name) }]);
const OWN = '/plimsoll/v1';
const ARM = '?api-version=2025-11-01';

/** A script of the SDKs in a process of its own (the certificate authority is read once, at its start): its JSON. */
async function sdk(server, script) {
  const head = `
    import { ContainerRegistryManagementClient } from '@azure/arm-containerregistry';
    import { SecurityCenter } from '@azure/arm-security';
    const token = { getToken: async () => ({ token: process.env.TOKEN, expiresOnTimestamp: Date.now() + 3600e3 }) };
    const acr = new ContainerRegistryManagementClient(token, '${SUBSCRIPTION}', { endpoint: '${server.url}' });
    const security = new SecurityCenter(token, '${SUBSCRIPTION}', { endpoint: '${server.url}' });
    const all = async (pages) => { const out = []; for await (const one of pages) out.push(one); return out; };
    const refused = (promise) => promise.then(() => { throw new Error('was accepted'); }, (e) => ({ status: e.statusCode, code: e.code, message: e.message }));
    const out = await (async () => { ${script} })();
    console.log(JSON.stringify(out ?? null));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', head], {
    cwd: import.meta.dirname, env: { ...process.env, TOKEN: server.token, NODE_EXTRA_CA_CERTS: server.ca },
  });
  let stdout = '', stderr = '';
  child.stdout.on('data', (d) => (stdout += d));
  child.stderr.on('data', (d) => (stderr += d));
  const code = await new Promise((resolve) => child.on('exit', resolve));
  assert.equal(code, 0, `${stderr}\n${server.child.text.slice(-3000)}`);
  return JSON.parse(stdout);
}

/** A server whose configuration names "lab"; and a second real registry that notifies as "made". */
async function setUp(t) {
  const dir = tempDir(t), port = await freePort(), madePort = await freePort();
  const server = await startServer(t, dir, {
    host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`], extra: 'lease: 3',
  });
  const lab = await startRegistry(t, path.join(dir, 'lab'), { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const made = await startRegistry(t, path.join(dir, 'made'),
    { url: `${server.url}/notifications/madebyrest`, secret: 'its own secret', ca: server.ca }, madePort);
  return { dir, server, lab, made };
}

const CREATE = (host) => `acr.registries.beginCreateAndWait('${GROUP}', 'madebyrest', { location: 'eastus', sku: { name: 'Premium' },
  tags: { 'plimsoll-host': '${host}', 'plimsoll-plain-http': 'true', team: 'shop' } })`;

const findings = async (server, name) => (await server.api(`${registryId(name)}/providers/Microsoft.Security/subAssessments?api-version=2019-01-01-preview`)).body.value;
const jobs = async (server, query = '') => (await server.api(`${OWN}/jobs${query}`)).body;

test('a registry by the SDK: created, notified, scanned, listed, changed, deleted', async (t) => {
  const { dir, server, made } = await setUp(t);
  const before = image(dir, 'before'), pushed = image(dir, 'pushed');
  push(before.layout, `${made.host}/team/before:1`);
  const created = await sdk(server, `
    const made = await ${CREATE(made.host)};
    return { made, got: await acr.registries.get('${GROUP}', 'madebyrest'), listed: await all(acr.registries.list()),
      inGroup: await all(acr.registries.listByResourceGroup('${GROUP}')), usages: await acr.registries.listUsages('${GROUP}', 'madebyrest'),
      free: await acr.registries.checkNameAvailability({ name: 'madebyrest', type: 'Microsoft.ContainerRegistry/registries' }),
      other: await acr.registries.checkNameAvailability({ name: 'somethingelse', type: 'Microsoft.ContainerRegistry/registries' }),
      replications: await all(acr.replications.list('${GROUP}', 'madebyrest')),
      credentials: await refused(acr.registries.listCredentials('${GROUP}', 'madebyrest')),
      configured: await refused(acr.registries.beginUpdateAndWait('${GROUP}', 'lab', { tags: {} })),
      missing: await refused(acr.registries.get('${GROUP}', 'nosuchthing')) };`);
  assert.equal(created.made.provisioningState, 'Succeeded');
  assert.equal(created.made.id, registryId('madebyrest'));
  assert.equal(created.made.loginServer, made.host);
  assert.deepEqual(created.made.sku, { name: 'Premium', tier: 'Premium' });
  assert.equal(created.got.tags.team, 'shop');
  assert.equal(created.got.systemData.createdByType, 'Application');
  assert.deepEqual(created.listed.map((r) => r.name).sort(), ['lab', 'madebyrest']);
  assert.equal(created.inGroup.length, 2);
  assert.deepEqual(created.usages.value.map((u) => u.name), ['Size', 'Webhooks']);
  assert.deepEqual([created.free.nameAvailable, created.free.reason], [false, 'AlreadyExists']);
  assert.equal(created.other.nameAvailable, true);
  assert.deepEqual(created.replications, []);
  assert.equal(created.credentials.code, 'UnAuthorizedForCredentialOperations');
  assert.deepEqual([created.configured.status, created.configured.code], [409, 'Conflict']);
  assert.deepEqual([created.missing.status, created.missing.code], [404, 'ResourceNotFound']);

  // What was there is found by a sweep; what comes is told, with the registry's own secret.
  await verdictOf(server, before.digest, { settled: false });
  const patched = await server.api(`${registryId('madebyrest')}${ARM}`, { method: 'PATCH',
    body: { properties: { plimsoll: { notificationSecret: 'its own secret', password: 'never shown' } } } });
  assert.equal(patched.status, 200);
  assert.doesNotMatch(JSON.stringify(patched.body), /its own secret|never shown/);
  push(pushed.layout, `${made.host}/team/app:1`);
  assert.equal((await verdictOf(server, pushed.digest)).status, 'Unhealthy');
  assert.equal((await findings(server, 'madebyrest')).length, 4);
  const kept = fs.readFileSync(path.join(server.data, 'plimsoll.db'), 'latin1') + fs.readFileSync(path.join(server.data, 'plimsoll.db-wal'), 'latin1');
  assert.doesNotMatch(kept, /its own secret|never shown/);

  // The whole registry by hand, one image by hand; one job asked for.
  const whole = await server.api(`${OWN}/registries/madebyrest/scan`, { method: 'POST' });
  assert.deepEqual([whole.status, whole.body.jobs], [202, 3]);
  await until(20000, 'those scans', async () => ((c) => c.queued + c.running === 0)((await jobs(server)).counts));
  const one = (await jobs(server, '?registry=madebyrest')).value[0];
  assert.equal((await server.api(`${OWN}/jobs/${one.id}`)).body.id, one.id);
  assert.equal((await server.api(`${OWN}/jobs/${one.id}/cancel`, { method: 'POST' })).status, 409);

  await sdk(server, `await acr.registries.beginDeleteAndWait('${GROUP}', 'madebyrest'); await acr.registries.beginDeleteAndWait('${GROUP}', 'madebyrest');`);
  assert.equal((await server.api(`${registryId('madebyrest')}${ARM}`)).status, 404);
  const left = (await server.api(`${OWN}/images`)).body.value.map((i) => i.registry);
  assert.ok(!left.includes('madebyrest'));
  assert.ok((await jobs(server)).value.some((j) => j.registry === 'madebyrest')); // history stays
  const again = await sdk(server, `return (await ${CREATE(made.host)}).name;`);
  assert.equal(again, 'madebyrest');
  await verdictOf(server, pushed.digest, { settled: false }); // its sweep
});

test('a registry with TLS of a private authority and a password, all said over REST', async (t) => {
  const { dir, server } = await setUp(t);
  const port = await freePort(), host = `127.0.0.1:${port}`, own = path.join(dir, 'closed');
  fs.mkdirSync(own);
  const file = (name) => path.join(own, name);
  const openssl = (...args) => must('openssl', args, { cwd: own });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=private authority');
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=127.0.0.1');
  fs.writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'cert.pem');
  fs.writeFileSync(file('htpasswd'), must('htpasswd', ['-Bbn', 'robot', 'open sesame']));
  fs.writeFileSync(file('config.yml'), ['version: 0.1', 'log: { level: warn, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${own}/data } }`, `auth: { htpasswd: { realm: closed, path: ${file('htpasswd')} } }`,
    `http: { addr: "${host}", tls: { certificate: ${file('cert.pem')}, key: ${file('key.pem')} } }`, ''].join('\n'));
  const child = start(t, 'docker-registry', ['serve', file('config.yml')]);
  const it = image(dir, 'closed-image');
  await until(15000, 'the push', () => run('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', '--dest-creds', 'robot:open sesame',
    `oci:${it.layout}`, `docker://${host}/team/closed:1`]).code === 0, () => child.text);
  const body = { location: 'eastus', sku: { name: 'Basic' }, properties: { plimsoll: { host, username: 'robot', password: 'wrong', sweepIntervalSeconds: 3600 } } };
  const put = async (more) => {
    Object.assign(body.properties.plimsoll, more);
    assert.match(String((await server.api(`${registryId('closed')}${ARM}`, { method: 'PUT', body })).status), /^20[01]$/);
  };
  const failure = async () => (await jobs(server, '?registry=closed')).value.find((j) => j.kind === 'sweep')?.error;
  await put({});
  await until(20000, 'an unknown authority', async () => /TLS|certificate/i.test(await failure() ?? ''), () => server.child.text.slice(-2000));
  await put({ caCertificates: fs.readFileSync(file('ca.pem'), 'utf8') });
  await until(30000, 'a wrong password', () => /registry="closed".*denied \(401\)/.test(server.child.text), () => server.child.text.slice(-2000));
  await put({ password: 'open sesame' });
  assert.equal((await verdictOf(server, it.digest, { settled: false })).status, 'Unhealthy');
});

test('importImage by the SDK\'s poller: from a guarded registry, from a foreign one, NoForce, Force, and through a kill', async (t) => {
  const { dir, server, lab, made } = await setUp(t);
  const foreign = await startRegistry(t, path.join(dir, 'foreign'));
  const one = image(dir, 'one'), two = image(dir, 'two'), three = image(dir, 'three');
  push(one.layout, `${made.host}/base/os:1`);
  push(two.layout, `${foreign.host}/hub/two:latest`);
  push(three.layout, `${foreign.host}/hub/three:3`);
  const from = `{ resourceId: '${registryId('madebyrest')}', sourceImage: 'base/os:1' }`;
  const importing = (source, more) => `acr.registries.beginImportImageAndWait('${GROUP}', 'lab', { source: ${source}, ${more} })`;
  const answers = await sdk(server, `
    await ${CREATE(made.host)};
    await ${importing(from, "targetTags: ['mirror/os:1', 'mirror/os', 'other/os:x'], untaggedTargetRepositories: ['bare/os']")};
    await ${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/two' }`, "targetTags: ['mirror/two']")};
    await ${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/three@${three.digest}' }`, "targetTags: ['mirror/three:by-digest']")};
    return { conflict: await refused(${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/two' }`, "targetTags: ['mirror/os:1']")}),
      forced: await ${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/two' }`, "targetTags: ['forced/os:1'], mode: 'Force'")}.then(() => true),
      moved: await ${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/three:3' }`, "targetTags: ['forced/os:1'], mode: 'Force'")}.then(() => true),
      absent: await refused(${importing(`{ registryUri: '${foreign.host}', sourceImage: 'hub/nothing:1' }`, "targetTags: ['mirror/nothing']")}),
      both: await refused(${importing(`{ registryUri: 'x.example', resourceId: '${registryId('lab')}', sourceImage: 'a:1' }`, "targetTags: ['b:1']")}),
      unknown: await refused(${importing(`{ resourceId: '${registryId('nobody')}', sourceImage: 'a:1' }`, "targetTags: ['b:1']")}) };`);
  assert.deepEqual([answers.conflict.status, answers.conflict.code, answers.forced, answers.moved], [409, 'Conflict', true, true]);
  assert.match(answers.conflict.message, /mirror\/os:1 exists already/);
  assert.equal(answers.absent.code, 'InvalidParameters');
  assert.deepEqual([answers.both.status, answers.both.code], [400, 'InvalidParameters']);
  assert.deepEqual([answers.unknown.status, answers.unknown.code], [400, 'InvalidParameters']);
  const digestOf = async (name, tag) => (await fetch(`http://${lab.host}/v2/${name}/manifests/${tag}`,
    { headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' } })).headers.get('docker-content-digest');
  assert.equal(await digestOf('mirror/os', '1'), one.digest);
  assert.equal(await digestOf('other/os', 'x'), one.digest);
  assert.equal(await digestOf('bare/os', one.digest), one.digest);
  assert.equal(await digestOf('mirror/two', 'latest'), two.digest);
  assert.equal(await digestOf('mirror/three', 'by-digest'), three.digest);
  assert.equal(await digestOf('forced/os', '1'), three.digest);
  for (const it of [one, two, three]) assert.equal((await verdictOf(server, it.digest, { settled: false })).status, 'Unhealthy');
  const listed = (await server.api(`${OWN}/images?registry=lab`)).body.value.map((i) => `${i.repository}@${i.digest}`);
  assert.ok(listed.includes(`bare/os@${one.digest}`));

  // The operation is a job of the store: killed in between, it is done by the next server.
  const asked = await server.api(`${registryId('lab')}/importImage${ARM}`, { method: 'POST', body: {
    source: { registryUri: foreign.host, sourceImage: 'hub/two', credentials: { username: 'u', password: 'secret of the source' } },
    targetTags: ['after/kill:1'] } });
  assert.equal(asked.status, 202);
  assert.equal(asked.body, null);
  assert.equal(asked.headers['retry-after'], '1');
  assert.match(asked.headers.location, /\/operationResults\/registries-[0-9a-f-]{36}\?api-version=2025-11-01$/);
  await server.kill();
  await server.restart();
  const poll = asked.headers.location.slice(server.url.length);
  await until(30000, 'the import after the kill', async () => (await server.api(poll)).status === 200);
  assert.equal(await digestOf('after/kill', '1'), two.digest);
  const status = await server.api(poll.replace('operationResults', 'operationStatuses'));
  assert.equal(status.body.status, 'Succeeded');
  const kept = fs.readFileSync(path.join(server.data, 'plimsoll.db'), 'latin1') + fs.readFileSync(path.join(server.data, 'plimsoll.db-wal'), 'latin1');
  assert.doesNotMatch(kept, /secret of the source/);
});

test('a job that runs is cancelled: its worker lets go of a source that stalls, and is free for the next one', async (t) => {
  const { dir, server, lab } = await setUp(t);
  const foreign = await startRegistry(t, path.join(dir, 'foreign')), it = image(dir, 'it');
  push(it.layout, `${foreign.host}/hub/it:1`);
  const stall = http.createServer(() => {}); // takes every request, and says nothing
  await new Promise((resolve) => stall.listen(0, '127.0.0.1', resolve));
  t.after(() => { stall.closeAllConnections(); stall.close(); });
  const ask = async (host) => {
    const answer = await server.api(`${registryId('lab')}/importImage${ARM}`, { method: 'POST', body: {
      source: { registryUri: host, sourceImage: 'hub/it:1' }, targetTags: ['copied/it:1'] } });
    assert.equal(answer.status, 202);
    return answer.headers.location.slice(server.url.length);
  };
  const stuck = await ask(`127.0.0.1:${stall.address().port}`);
  const job = await until(10000, 'it to run', async () => (await jobs(server, '?state=running')).value.find((j) => j.kind === 'import'));
  const done = await ask(foreign.host);
  const cancelled = await server.api(`${OWN}/jobs/${job.id}/cancel`, { method: 'POST' });
  assert.deepEqual([cancelled.status, cancelled.body.state], [200, 'cancelled']);
  const answer = await server.api(stuck);
  assert.deepEqual([answer.status, answer.body.error.code], [409, 'Canceled']);
  await until(15000, 'the next one', async () => (await server.api(done)).status === 200, () => server.child.text.slice(-2000));
  assert.equal((await verdictOf(server, it.digest, { settled: false })).status, 'Unhealthy');
  assert.equal(lab.child.exitCode, null);
});

test('a rule takes a finding away at once, its end brings it back; new scans and new generations keep to it', async (t) => {
  const { dir, server, lab } = await setUp(t);
  const first = image(dir, 'first'), second = image(dir, 'second');
  push(first.layout, `${lab.host}/team/app:1`);
  await verdictOf(server, first.digest);
  const count = async () => (await findings(server, 'lab')).length;
  const state = async (digest) => (await server.api(`${OWN}/images?digest=${digest}`)).body.value[0];
  const assessment = async () => (await server.api(`${registryId('lab')}/providers/Microsoft.Security/assessments/${ASSESSMENT}?api-version=2021-06-01`)).body.properties.status.code;
  assert.equal(await count(), 2);

  const made = await server.api(`${OWN}/rules`, { method: 'POST', body: {
    name: 'accepted', justification: 'not reachable', criteria: { cve: 'CVE-2025-0001' } } });
  assert.deepEqual([made.status, made.body.state, made.body.createdBy.length > 0], [201, 'Enabled', true]);
  await until(10000, 'the finding to go', async () => (await count()) === 1);
  const one = await state(first.digest);
  assert.deepEqual([one.status, one.counts.findings, one.counts.disabled], ['Unhealthy', 1, 1]);

  const all = await server.api(`${OWN}/rules`, { method: 'POST', body: {
    name: 'whole team', justification: 'replaced in March', scope: { repository: 'team/**', registry: 'lab' }, criteria: { category: 'Alpine' } } });
  assert.equal(all.status, 201);
  await until(10000, 'all of them to go', async () => (await count()) === 0);
  assert.equal((await state(first.digest)).status, 'Healthy');
  assert.equal(await assessment(), 'Healthy');
  push(second.layout, `${lab.host}/team/app:2`);
  assert.equal((await verdictOf(server, second.digest)).status, 'Healthy');

  // A new generation is matched with the rules too.
  makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001', 'CVE-2025-0002', 'CVE-2025-0004'] } } });
  updateDb(path.join(server.data, 'advisories'), `alpine-secdb=${path.join(dir, 'secdb')}`);
  await until(20000, 'the new generation', async () => (await state(first.digest)).counts.disabled === 3);
  assert.equal(await count(), 0);

  assert.equal((await server.api(`${OWN}/rules/${all.body.id}`, { method: 'DELETE' })).status, 204);
  await until(10000, 'them to come back', async () => (await count()) === 4);
  assert.equal(await assessment(), 'Unhealthy');

  // One that ends by itself.
  const soon = new Date(Date.now() + 4000).toISOString();
  const brief = await server.api(`${OWN}/rules/${all.body.id}`, { method: 'PUT', body: {
    name: 'brief', justification: 'for a moment', expires: soon, criteria: { id: ['CVE-2025-0002', 'cve-2025-0004'] } } });
  assert.equal(brief.status, 201, JSON.stringify(brief.body));
  await until(10000, 'them to go again', async () => (await count()) === 0);
  await until(20000, 'its end', async () => (await server.api(`${OWN}/rules/${all.body.id}`)).body.state === 'Expired');
  await until(20000, 'them to be back', async () => (await count()) === 4);
  const history = (await server.api(`${OWN}/rules/${all.body.id}/history`)).body.value.map((h) => h.action);
  assert.deepEqual(history, ['create', 'delete', 'create', 'expire']);

  for (const [body, status] of [['{', 400], [{ name: 'x' }, 400], [{ name: 'x', justification: 'y', criteria: { colour: 'red' } }, 400],
    [{ name: 'accepted', justification: 'y', criteria: { cve: 'CVE-2025-0009' } }, 409], [[], 400]]) {
    const bad = await server.api(`${OWN}/rules`, { method: 'POST', body });
    assert.equal(bad.status, status, JSON.stringify(body));
    assert.ok(bad.body.error.code && bad.body.error.message);
  }
});

test('the plan: off, a push makes no job and no bill; on, the catalog is queued', async (t) => {
  const { dir, server, lab } = await setUp(t);
  const first = image(dir, 'first'), off = image(dir, 'off'), unheard = image(dir, 'unheard');
  push(first.layout, `${lab.host}/team/app:1`);
  await verdictOf(server, first.digest);
  const switched = await sdk(server, `
    const out = { before: await security.pricings.get('ContainerRegistry') };
    out.off = await security.pricings.update('ContainerRegistry', { pricingTier: 'Free' });
    out.list = (await security.pricings.list()).value.map((p) => [p.name, p.pricingTier]);
    out.nothing = await refused(security.pricings.get('Teapots'));
    return out;`);
  assert.equal(switched.before.pricingTier, 'Standard');
  assert.equal(switched.off.pricingTier, 'Free');
  assert.deepEqual(switched.list, [['ContainerRegistry', 'Free'], ['Containers', 'Free']]);
  assert.equal(switched.nothing.status, 404);

  const month = new Date().toISOString().slice(0, 7);
  const billed = async () => (await server.api(`${OWN}/billing?month=${month}`)).body.value.map((e) => e.digest);
  assert.deepEqual(await billed(), [first.digest]);
  const scans = async () => (await jobs(server)).value.filter((j) => j.kind === 'scan').length;
  const before = await scans();
  push(off.layout, `${lab.host}/team/app:2`);
  await until(10000, 'the event', async () => (await server.api(`${OWN}/images`)).body.value.some((i) => i.digest === off.digest));
  assert.equal(await scans(), before);
  assert.deepEqual(await billed(), [first.digest]);
  const byHand = await server.api(`${OWN}/registries/lab/scan`, { method: 'POST', body: {} });
  assert.deepEqual([byHand.status, byHand.body.error.code], [409, 'Conflict']);
  assert.equal((await findings(server, 'lab')).length, 2); // what was found stays readable
  assert.equal((await server.api(`${OWN}/images?digest=${off.digest}`)).body.value[0].status, 'Pending');

  // Meanwhile something comes that is not told: the sweep finds it.
  lab.child.kill('SIGTERM');
  await lab.child.ended;
  const silent = await startRegistry(t, path.join(dir, 'lab'), null, lab.port);
  push(unheard.layout, `${silent.host}/team/unheard:1`);
  await sdk(server, `await security.pricings.update('Containers', { pricingTier: 'standard' });`);
  assert.equal((await verdictOf(server, off.digest, { settled: false })).status, 'Unhealthy');
  assert.equal((await verdictOf(server, unheard.digest)).status, 'Unhealthy');
  assert.deepEqual((await billed()).sort(), [first, off, unheard].map((i) => i.digest).sort());
});

test('bad input: ARM\'s bodies and codes, and nothing is kept', async (t) => {
  const { server } = await setUp(t);
  const reg = registryId('bad1registry');
  const put = (body, options = {}) => server.api(`${options.path ?? reg}${ARM}`, { method: 'PUT', body, ...options });
  const good = { location: 'eastus', sku: { name: 'Basic' }, properties: { plimsoll: { host: 'reg.example:5000' } } };
  const cases = [
    [await put('{'), 400, 'InvalidRequestContent'], [await put([]), 400, 'InvalidRequestContent'],
    [await put({ sku: { name: 'Basic' } }), 400, 'LocationRequired'], [await put({ ...good, sku: { name: 'Huge' } }), 400, 'InvalidRequestContent'],
    [await put({ ...good, properties: { plimsoll: { host: 'https://reg.example' } } }), 400, 'InvalidRequestContent'],
    [await put({ ...good, tags: { 'plimsoll-host': 'a b' }, properties: {} }), 400, 'InvalidRequestContent'],
    [await put({ ...good, tags: { a: 1 } }), 400, 'InvalidRequestContent'],
    [await put(good, { path: registryId('a-b') }), 400, 'InvalidResourceName'],
    [await put(good, { path: registryId('lab') }), 409, 'Conflict'],
    [await put(good, { path: reg.replace(SUBSCRIPTION, 'nope') }), 400, 'InvalidSubscriptionId'],
    [await put(JSON.stringify(good), { headers: { 'Content-Type': 'text/plain' } }), 415, 'UnsupportedMediaType'],
    [await put(JSON.stringify({ ...good, x: 'y'.repeat(2 << 20) })), 413, 'RequestEntityTooLarge'],
    [await server.api(reg, { method: 'PUT', body: good }), 400, 'MissingApiVersionParameter'],
    [await server.api(`${reg}${ARM}`, { method: 'POST', body: {} }), 405, 'HttpMethodNotAllowed'],
    [await server.api(`${reg}/importImage${ARM}`, { method: 'POST', body: {} }), 404, 'ResourceNotFound'],
    [await server.api(`${registryId('lab')}/importImage${ARM}`, { method: 'POST', body: { source: { registryUri: 'a.example', sourceImage: 'b:1', credentials: {} }, targetTags: ['c:1'] } }), 400, 'InvalidParameters'],
    [await server.api(`${OWN}/jobs/99999`), 404, 'ResourceNotFound'], [await server.api(`${OWN}/jobs/x`), 400, 'InvalidParameter'],
  ];
  for (const [answer, status, code] of cases) {
    assert.deepEqual([answer.status, answer.body.error?.code], [status, code], JSON.stringify(answer.body));
    assert.ok(answer.body.error.message);
  }
  assert.equal((await server.api(`${reg}${ARM}`)).status, 404);
  const made = await put(good);
  assert.deepEqual([made.status, made.body.properties.plimsoll.host], [201, 'reg.example:5000']);
  assert.equal((await put(good)).status, 200);
  const elsewhere = await put(good, { path: reg.replace(GROUP, 'elsewhere') });
  assert.deepEqual([elsewhere.status, elsewhere.body.error.code], [409, 'AlreadyInUse']);
  const defaulted = await put({ location: 'westeurope', sku: { name: 'Standard' } }, { path: registryId('CloudOne') });
  assert.equal(defaulted.body.properties.loginServer, 'cloudone.azurecr.io');
});
