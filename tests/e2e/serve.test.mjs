// SPDX-License-Identifier: Apache-2.0
// The whole path: a real client pushes to a real registry, which notifies; the image is scanned, and the
// unmodified Azure SDK reads the recommendation.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { test } from 'node:test';
import { ASSESSMENT, GROUP, SUBSCRIPTION, alpineRoot, fs, makeLayout, makeSecdb, must, path, push, registryId, startRegistry,
  startServer, tar, tempDir, until, updateDb, verdictOf, freePort } from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001', 'CVE-2025-0002'] }, busybox: { '1.37.0-r20': ['CVE-2025-0003'] } } };
const vulnerable = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }, { name: 'libcrypto3', origin: 'openssl', version: '3.5.4-r0' }, { name: 'busybox', version: '1.37.0-r19' }] });
const fixed = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r1' }, { name: 'busybox', version: '1.37.0-r20' }] });

/** A way to the registry on which blobs take @ms: time to be killed in. */
async function slowly(t, port, ms) {
  const proxy = http.createServer((req, res) => {
    const forward = () => req.pipe(http.request({ port, host: '127.0.0.1', path: req.url, method: req.method, headers: req.headers }, (r) => {
      res.writeHead(r.statusCode, r.headers);
      r.on('error', () => res.destroy()).pipe(res);
    }).on('error', () => res.destroy()));
    res.on('error', () => {});
    setTimeout(forward, /\/blobs\//.test(req.url) ? ms : 0);
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => { proxy.closeAllConnections(); proxy.close(); });
  return proxy.address().port;
}

async function setUp(t, delay = 0) {
  const dir = tempDir(t);
  const port = await freePort();
  const host = `127.0.0.1:${delay ? await slowly(t, port, delay) : port}`;
  const server = await startServer(t, dir, { host, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`] });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  return { dir, server, registry };
}

const QUERY = '?api-version=2019-01-01-preview';

test('push → notification → scan → sub-assessments and assessment, through @azure/arm-security', async (t) => {
  const { dir, server, registry } = await setUp(t);
  const bad = makeLayout(path.join(dir, 'bad'), [{ tar: tar(vulnerable) }]);
  const good = makeLayout(path.join(dir, 'good'), [{ tar: tar(fixed) }]);
  push(bad.layout, `${registry.host}/team/app:1`);
  push(good.layout, `${registry.host}/team/app:2`);
  const image = await verdictOf(server, bad.digest);
  assert.equal(image.status, 'Unhealthy');
  assert.equal(image.counts.findings, 3);
  assert.deepEqual(image.tags, ['1']);
  assert.equal((await verdictOf(server, good.digest)).status, 'Healthy');

  // the certificate authority of a process is read once, at its start: the SDK runs in one of its own
  const script = `
    import { SecurityCenter } from '@azure/arm-security';
    const token = { getToken: async () => ({ token: process.env.TOKEN, expiresOnTimestamp: Date.now() + 3600e3 }) };
    const client = new SecurityCenter(token, '${SUBSCRIPTION}', { endpoint: '${server.url}' });
    const out = { all: [], listed: [], below: [] };
    for await (const s of client.subAssessments.listAll('/subscriptions/${SUBSCRIPTION}')) out.all.push(s);
    for await (const s of client.subAssessments.list('${registryId('lab')}', '${ASSESSMENT}')) out.listed.push(s);
    out.one = await client.subAssessments.get('${registryId('lab')}', '${ASSESSMENT}', out.listed[0].name);
    out.assessment = await client.assessments.get('${registryId('lab')}', '${ASSESSMENT}', { expand: 'metadata' });
    for await (const a of client.assessments.list('/subscriptions/${SUBSCRIPTION}')) out.below.push(a);
    try { await client.subAssessments.get('${registryId('lab')}', '${ASSESSMENT}', 'nosuch'); } catch (e) { out.missing = { status: e.statusCode, code: e.code }; }
    console.log(JSON.stringify(out));`;
  const sdk = spawnSync(process.execPath, ['--input-type=module', '-e', script],
    { cwd: import.meta.dirname, encoding: 'utf8', env: { ...process.env, TOKEN: server.token, NODE_EXTRA_CA_CERTS: server.ca } });
  assert.equal(sdk.status, 0, sdk.stderr + server.child.text.slice(-2000));
  const out = JSON.parse(sdk.stdout);
  assert.equal(out.all.length, 3);
  assert.equal(out.listed.length, 3);
  assert.deepEqual(out.listed.map((s) => s.additionalData.cve[0].title).sort(), ['CVE-2025-0001', 'CVE-2025-0002', 'CVE-2025-0003']);
  for (const s of out.listed) {
    assert.equal(s.status.code, 'Unhealthy');
    assert.equal(s.status.severity, 'Medium', 'not rated reads Medium in the Qualys-era shape');
    assert.match(s.description, /severity not rated/);
    assert.equal(s.additionalData.assessedResourceType, 'ContainerRegistryVulnerability');
    assert.equal(s.additionalData.repositoryName, 'team/app');
    assert.equal(s.additionalData.imageDigest, bad.digest);
    assert.equal(s.additionalData.patchable, true);
    assert.equal(s.id.toLowerCase(), `${registryId('lab')}/providers/Microsoft.Security/assessments/${ASSESSMENT}/subAssessments/${s.name}`.toLowerCase());
    assert.ok(s.remediation.length > 10);
  }
  assert.equal(out.one.name, out.listed[0].name);
  assert.equal(out.assessment.status.code, 'Unhealthy');
  assert.equal(out.assessment.displayName, 'Container registry images should have vulnerability findings resolved');
  assert.equal(out.assessment.resourceDetails.source, 'Azure');
  assert.ok(out.assessment.metadata);
  assert.equal(out.below.length, 1);
  assert.equal(out.missing.status, 404);
});

test('paging: every finding once, absolute links, stable names', async (t) => {
  const { dir, server, registry } = await setUp(t);
  push(makeLayout(path.join(dir, 'a'), [{ tar: tar(vulnerable) }]).layout, `${registry.host}/a:1`);
  const other = makeLayout(path.join(dir, 'b'), [{ tar: tar([...vulnerable, { path: 'x', body: 'x' }]) }]);
  push(other.layout, `${registry.host}/b:1`);
  await verdictOf(server, other.digest);
  const names = [];
  let target = `/subscriptions/${SUBSCRIPTION}/resourcegroups/${GROUP}/providers/microsoft.security/subassessments${QUERY}&$top=2`;
  while (target) {
    const { status, body } = await server.api(target);
    assert.equal(status, 200);
    assert.ok(body.value.length <= 2);
    names.push(...body.value.map((s) => s.name));
    if (body.nextLink) assert.ok(body.nextLink.startsWith(`${server.url}/`), body.nextLink);
    target = body.nextLink?.slice(server.url.length);
  }
  assert.equal(names.length, 6);
  assert.equal(new Set(names).size, 6);
});

test('who may ask, and how', async (t) => {
  const { server } = await setUp(t);
  const path_ = `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Security/subAssessments`;
  const anonymous = await server.api(path_ + QUERY, { token: '' });
  assert.equal(anonymous.status, 401);
  assert.equal(anonymous.body.error.code, 'AuthenticationFailed');
  assert.match(anonymous.headers['www-authenticate'], /^Bearer /);
  assert.equal((await server.api(path_ + QUERY, { token: 'wrong' })).status, 401);
  const unversioned = await server.api(path_);
  assert.equal(unversioned.status, 400);
  assert.equal(unversioned.body.error.code, 'MissingApiVersionParameter');
  assert.equal((await server.api(path_ + '?api-version=yesterday')).body.error.code, 'InvalidApiVersionParameter');
  assert.equal((await server.api('//' + path_.slice(1) + QUERY)).status, 200, 'a doubled slash is how the SDK begins');
  const asked = await server.api('/notifications/lab', { method: 'POST', body: { events: [] }, token: 'wrong' });
  assert.equal(asked.status, 401);
  assert.equal((await server.api('/notifications/nosuch', { method: 'POST', body: { events: [] }, token: server.secret })).status, 401);
  const malformed = await server.api('/notifications/lab', { method: 'POST', body: '{"events": 7', token: server.secret });
  assert.equal(malformed.status, 400);
  const huge = await server.api('/notifications/lab', { method: 'POST', body: `{"events":[],"x":"${'y'.repeat(9 << 20)}"}`, token: server.secret }).catch((e) => ({ status: e.code }));
  assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(huge.status), String(huge.status));
});

test('kill -9 between notification and result: after a restart the result is there, once', async (t) => {
  const { dir, server, registry } = await setUp(t, 400);
  const digests = [];
  for (let round = 0; round < 5; round++) {
    const image = makeLayout(path.join(dir, `img${round}`), [{ tar: tar([...vulnerable, { path: `filler${round}`, body: 'x' }]) }]);
    digests.push(image.digest);
    push(image.layout, `${registry.host}/crash:${round}`);
    const job = await until(20000, 'the job to be known', async () => {
      const { body } = await server.api('/plimsoll/v1/jobs');
      return body.value?.find((j) => j.digest === image.digest);
    }, () => server.child.text.slice(-2000));
    await server.kill();
    assert.ok(['queued', 'running'].includes(job.state), `killed too late: the job was ${job.state}`);
    await server.restart();
  }
  for (const digest of digests) assert.equal((await verdictOf(server, digest)).status, 'Unhealthy');
  const { body } = await server.api(`${registryId('lab')}/providers/Microsoft.Security/assessments/${ASSESSMENT}/subAssessments${QUERY}&$top=1000`);
  const counts = {};
  for (const s of body.value) counts[s.properties.additionalData.imageDigest] = (counts[s.properties.additionalData.imageDigest] ?? 0) + 1;
  assert.deepEqual(counts, Object.fromEntries(digests.map((d) => [d, 3])));
  const jobs = (await server.api('/plimsoll/v1/jobs?$top=1000')).body.value.filter((j) => j.kind === 'scan');
  assert.equal(jobs.length, digests.length, 'one job an image');
});

test('an index is one image a platform; a deleted image leaves the results', async (t) => {
  const { dir, server, registry } = await setUp(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(vulnerable) }]);
  push(image.layout, `${registry.host}/gone:1`);
  await verdictOf(server, image.digest);
  must('curl', ['-fsS', '-X', 'DELETE', `http://${registry.host}/v2/gone/manifests/${image.digest}`]);
  await until(20000, 'the image to leave', async () => !(await server.api('/plimsoll/v1/images')).body.value.some((i) => i.digest === image.digest));
  const { body } = await server.api(`/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Security/subAssessments${QUERY}`);
  assert.deepEqual(body.value, []);
});

test('what cannot be read is never Healthy, and says so', async (t) => {
  const { dir, server, registry } = await setUp(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(fixed), diffId: 'sha256:' + '11'.repeat(32) }]);
  push(image.layout, `${registry.host}/odd:1`);
  const shown = await until(60000, 'a failure', async () => {
    const images = (await server.api('/plimsoll/v1/images')).body.value ?? [];
    const one = images.find((i) => i.digest === image.digest);
    return one && one.status !== 'Pending' && one;
  }, () => server.child.text.slice(-2000));
  assert.equal(shown.status, 'Failed');
  assert.ok(fs.existsSync(server.data));
});

test('configured limits hold in the server and in the analyser', async (t) => {
  const dir = tempDir(t);
  const port = await freePort();
  const server = await startServer(t, dir, { host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    extra: 'attempts: 1\nlimits: { layer-files: 50, events-body: 4096 }' });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const many = Array.from({ length: 60 }, (_, i) => ({ path: `f${i}`, body: '' }));
  const large = makeLayout(path.join(dir, 'large'), [{ tar: tar([...fixed, ...many]) }]);
  const small = makeLayout(path.join(dir, 'small'), [{ tar: tar(fixed) }]);
  push(large.layout, `${registry.host}/limits:large`);
  push(small.layout, `${registry.host}/limits:small`);
  assert.equal((await verdictOf(server, small.digest, { settled: false })).status, 'Healthy');
  const shown = await verdictOf(server, large.digest, { settled: false });
  assert.equal(shown.status, 'Failed');
  const huge = await server.api('/notifications/lab', { method: 'POST', body: `{"events":[],"x":"${'y'.repeat(5000)}"}`, token: server.secret });
  assert.equal(huge.status, 413);
});

test('a generation published by the command line beside the server re-matches what is stored, without a pull', async (t) => {
  const { dir, server, registry } = await setUp(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(fixed) }]);
  push(image.layout, `${registry.host}/later:1`);
  assert.equal((await verdictOf(server, image.digest)).status, 'Healthy');
  registry.child.kill('SIGKILL'); // whatever follows cannot have pulled
  await registry.child.ended;
  const later = makeSecdb(path.join(dir, 'later'), { 'v3.22': { openssl: { '3.5.4-r2': ['CVE-2025-0009'] } } });
  updateDb(path.join(server.data, 'advisories'), `alpine-secdb=${later}`);
  const shown = await until(20000, 'the new verdict', async () => {
    const one = (await server.api('/plimsoll/v1/images')).body.value.find((i) => i.digest === image.digest);
    return one.status === 'Unhealthy' && one;
  }, () => server.child.text.slice(-2000));
  assert.equal(shown.counts.findings, 1);
});

test('the base image is found among all that was scanned, at each scan; what is matched again keeps it', async (t) => {
  const { dir, server, registry } = await setUp(t);
  const below = { tar: tar(vulnerable) };
  const more = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }, { name: 'busybox', version: '1.37.0-r19' }, { name: 'zlib', version: '1.0-r0' }] });
  const base = makeLayout(path.join(dir, 'base'), [below]);
  const early = makeLayout(path.join(dir, 'early'), [below, { tar: tar(more.slice(1)) }]);
  const late = makeLayout(path.join(dir, 'late'), [below, { tar: tar([{ path: 'x', body: 'y' }]) }]);
  const fromBase = async (digest) => {
    const all = (await server.api(`${registryId('lab')}/providers/Microsoft.Security/assessments/${ASSESSMENT}/subAssessments${QUERY}&$top=1000`)).body.value;
    return all.filter((s) => s.properties.additionalData.imageDigest === digest).map((s) => s.properties.additionalData.plimsoll.fromBaseImage);
  };
  push(early.layout, `${registry.host}/shop/early:1`);
  await verdictOf(server, early.digest);
  assert.deepEqual(new Set(await fromBase(early.digest)), new Set([false]), 'nobody knows the base yet');
  push(base.layout, `${registry.host}/base/alpine:3`);
  await verdictOf(server, base.digest);
  push(late.layout, `${registry.host}/shop/late:1`);
  await verdictOf(server, late.digest);
  assert.deepEqual(new Set(await fromBase(late.digest)), new Set([true]));
  assert.deepEqual(new Set(await fromBase(base.digest)), new Set([false]), 'no image is its own base');
  const again = await server.api('/plimsoll/v1/registries/lab/scan', { method: 'POST', body: { repository: 'shop/early', reference: '1' } });
  assert.equal(again.status, 202);
  await until(20000, 'the next scan', async () => new Set(await fromBase(early.digest)).has(true), () => server.child.text.slice(-2000));
  const later = makeSecdb(path.join(dir, 'later'), { 'v3.22': { ...SECDB['v3.22'], zlib: { '2.0-r0': ['CVE-2025-0010'] } } });
  updateDb(path.join(server.data, 'advisories'), `alpine-secdb=${later}`);
  const known = await until(20000, 'the re-match', async () => {
    const all = await fromBase(early.digest);
    return all.length === 4 && all.includes(true) && all;
  }, () => server.child.text.slice(-2000));
  assert.equal(known.filter((x) => x).length, 3, 'what the base brought, and only that');
});
