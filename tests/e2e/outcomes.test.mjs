// SPDX-License-Identifier: Apache-2.0
// outcomes.test.mjs - what becomes of what is pushed, image or not: its verdict, its reason, and whether it is billed.  And a scan that
// takes too long.
import assert from 'node:assert/strict';
import http from 'node:http';
import test from 'node:test';

import { GROUP, SUBSCRIPTION, alpineRoot, freePort, fs, gzip, makeSecdb, must, path, plimsoll, sha256, startRegistry, startServer, tar, tempDir, until } from './lib.mjs';
import { OCI, putArtifact, putImage, putManifest } from './push.mjs';

const SCAN_TIME = 5;
const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } };
const root = (version) => alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version }] });

/** A real static program. */
function staticProgram(dir) {
  fs.writeFileSync(path.join(dir, 'hello.c'), 'int main(void) { return 0; }\n');
  must('gcc', ['-static', '-Os', '-o', path.join(dir, 'hello'), path.join(dir, 'hello.c')]);
  return { path: 'hello', body: fs.readFileSync(path.join(dir, 'hello')), mode: 0o755 };
}

/** [what, what is pushed, status, reason, billed] */
function outcomes(host, program) {
  const repo = 'team/app';
  const image = (entries, options) => () => putImage(host, repo, entries, options);
  const windows = { config: { os: 'windows', 'os.version': '10.0.20348.1' } };
  const annotation = { 'vnd.docker.reference.type': 'attestation-manifest' };
  const described = [program, { path: 'etc/os-release', body: 'ID=alpine\nVERSION_ID=3.22.2\n' },
    { path: 'lib/apk/db/installed', body: 'P:libssl3\nV:3.5.4-r0\nA:x86_64\no:openssl\n\n' }];
  return [
    ['an image, nothing found', image(root('3.5.4-r1'), { tag: 'healthy' }), 'Healthy', null, true],
    ['an image, something found', image(root('3.5.4-r0'), { tag: 'unhealthy' }), 'Unhealthy', null, true],
    ['a Windows image', image([{ path: 'Files/x', body: 'x' }], { tag: 'windows', ...windows }), 'NotApplicable', /Windows/, false],
    ['a Helm chart', () => putArtifact(host, repo, 'application/vnd.cncf.helm.config.v1+json',
      [['application/vnd.cncf.helm.chart.content.v1.tar+gzip', gzip(tar([{ path: 'x/Chart.yaml', body: 'name: x\n' }]))]], { tag: 'chart' }),
    'NotApplicable', /a Helm chart/, false],
    ['a cosign signature', () => putArtifact(host, repo, OCI.config,
      [['application/vnd.dev.cosign.simplesigning.v1+json', '{"critical":{}}']], { tag: `sha256-${'0'.repeat(64)}.sig` }), 'NotApplicable', /a cosign signature/, false],
    ['a Notary signature', () => putArtifact(host, repo, 'application/vnd.cncf.notary.signature', [['application/jose+json', '{"payload":""}']]), 'NotApplicable', /a Notary signature/, false],
    ['an attestation', () => putArtifact(host, repo, OCI.config, [['application/vnd.in-toto+json', '{"_type":"https://in-toto.io/Statement/v1"}']]), 'NotApplicable', /an attestation/, false],
    ['an SBOM', () => putArtifact(host, repo, 'application/vnd.oci.empty.v1+json', [['application/spdx+json', '{}']], { artifactType: 'application/spdx+json' }), 'NotApplicable', /an SBOM/, false],
    ['an artifact of a type nobody knows', () => putArtifact(host, repo, 'application/vnd.example.thing.v1+json', [['application/vnd.example.part', 'x']]), 'NotApplicable', /vnd\.example\.thing/, false],
    ['scratch with nothing in it', image([], { tag: 'empty' }), 'NotApplicable', /neither a distribution nor a package/, false],
    ['scratch with a file', image([{ path: 'motd', body: 'hello' }], { tag: 'file' }), 'NotApplicable', /neither a distribution nor a package/, false],
    ['scratch with a static program that nothing names', image([program], { tag: 'static' }), 'NotApplicable', /neither a distribution nor a package/, false],
    ['scratch with a static program and what it was made of', image(described, { tag: 'described' }), 'Unhealthy', null, true],
    ['a release that no feed covers', image(alpineRoot({ version: '3.19.1', packages: [{ name: 'musl', version: '1.2.4-r2' }] }), { tag: 'uncovered' }), 'NotApplicable', /3\.19/, false],
    ['an index: Linux, Windows and an attestation', async () => {
      const platform = (os) => ({ os, architecture: os === 'unknown' ? 'unknown' : 'amd64' });
      const linux = await putImage(host, 'team/multi', root('3.5.4-r0'));
      const win = await putImage(host, 'team/multi', [{ path: 'Files/y', body: 'y' }], windows);
      const attestation = await putArtifact(host, 'team/multi', OCI.config, [['application/vnd.in-toto+json', '{"n":2}']]);
      return putManifest(host, 'team/multi', { schemaVersion: 2, mediaType: OCI.index, manifests: [
        { ...linux, platform: platform('linux') }, { ...win, platform: platform('windows') },
        { ...attestation, platform: platform('unknown'), annotations: { ...annotation, 'vnd.docker.reference.digest': linux.digest } }] }, 'multi');
    }, 'Unhealthy', null, false], // its Linux image is billed, under its own digest
    ['an index with nothing but Windows', async () => {
      const win = await putImage(host, 'team/win', [{ path: 'Files/z', body: 'z' }], windows);
      return putManifest(host, 'team/win', { schemaVersion: 2, mediaType: OCI.index, manifests: [{ ...win, platform: { os: 'windows', architecture: 'amd64' } }] }, 'win');
    }, 'NotApplicable', /Windows/, false],
  ];
}

/** A registry whose one layer comes a few bytes at a time, for ever. */
async function drippingRegistry(t) {
  const layer = gzip(tar(root('3.5.4-r0'))), noise = Buffer.alloc(8 << 20, 7);
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [sha256(tar(root('3.5.4-r0')))] } }));
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI.manifest,
    config: { mediaType: OCI.config, digest: sha256(config), size: config.length },
    layers: [{ mediaType: OCI.layer, digest: sha256(layer), size: noise.length }] }));
  const timers = new Set(), server = http.createServer((req, res) => {
    if (req.url.includes('/manifests/')) return res.writeHead(200, { 'Content-Type': OCI.manifest, 'Content-Length': manifest.length, 'Docker-Content-Digest': sha256(manifest) }).end(req.method === 'HEAD' ? '' : manifest);
    if (req.url.endsWith(sha256(config))) return res.writeHead(200, { 'Content-Length': config.length }).end(config);
    if (!req.url.includes('/blobs/')) return res.writeHead(200, { 'Content-Length': 2 }).end('{}');
    res.writeHead(200, { 'Content-Length': noise.length });
    res.write(layer.subarray(0, 64));
    const timer = setInterval(() => res.write(noise.subarray(0, 2000)), 50);
    timers.add(timer);
    res.on('close', () => clearInterval(timer));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { for (const timer of timers) clearInterval(timer); server.closeAllConnections(); server.close(); });
  return { host: `127.0.0.1:${server.address().port}`, digest: sha256(manifest) };
}

async function ledger(server) {
  const month = new Date().toISOString().slice(0, 7);
  const { status, body } = await server.api(`/plimsoll/v1/billing?month=${month}`);
  assert.equal(status, 200);
  assert.equal(body.images, body.value.length);
  return body.value.map((e) => e.digest);
}

const imageOf = async (server, digest) => (await server.api(`/plimsoll/v1/images?digest=${digest}`)).body.value[0];

test('every kind of thing: its verdict, its reason, its bill', async (t) => {
  const dir = tempDir(t), port = await freePort();
  const feed = makeSecdb(path.join(dir, 'secdb'), SECDB);
  const server = await startServer(t, dir, { host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${feed}`] });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const rows = outcomes(registry.host, staticProgram(dir)), pushed = [];
  for (const row of rows) pushed.push(await row[1]());
  await until(60000, 'every verdict', async () => {
    const { counts } = (await server.api('/plimsoll/v1/jobs')).body;
    const images = await Promise.all(pushed.map((p) => imageOf(server, p.digest)));
    return counts.queued + counts.running === 0 && images.every((i) => i && i.status !== 'Pending');
  }, () => server.child.text.slice(-4000));
  const billed = await ledger(server);
  for (const [i, [what, , status, reason, isBilled]] of rows.entries()) {
    const image = await imageOf(server, pushed[i].digest);
    t.diagnostic(`${what}: ${image.status}${image.reason ? `, ${image.reason}` : ''}${image.failure ? `, ${image.failure}` : ''}, ${billed.includes(image.digest) ? 'billed' : 'not billed'}`);
    assert.equal(image.status, status, `${what}: ${image.failure ?? ''}`);
    assert.match(image.reason ?? '', reason ?? /^$/, what);
    assert.equal(image.failure, undefined, what);
    assert.equal(billed.includes(image.digest), isBilled, what);
  }
  assert.equal(new Set(billed).size, billed.length);

  // The index has two images; the attestation is none of its platforms.
  const multi = await imageOf(server, pushed[rows.findIndex((r) => /Linux, Windows/.test(r[0]))].digest);
  assert.deepEqual(multi.platforms, { total: 2, assessed: 2 });
  assert.equal(multi.counts.findings, 1);
  assert.equal(multi.untagged, false);
  const child = (await server.api('/plimsoll/v1/images?tag=multi&status=Unhealthy')).body.value.find((i) => !i.isIndex);
  assert.equal(child.index, multi.digest);
  // The same layers as an image that was scanned first: the digest is another one, and billed.
  assert.ok(billed.includes(child.digest));

  // A second tag and a rescan: nothing new on the bill.
  await putImage(registry.host, 'team/app', root('3.5.4-r1'), { tag: 'again' });
  const again = await server.api('/plimsoll/v1/registries/lab/scan', { method: 'POST', body: { repository: 'team/app', reference: 'again' } });
  assert.equal(again.status, 202);
  await until(30000, 'the rescan', async () => (await server.api('/plimsoll/v1/jobs')).body.counts.queued + (await server.api('/plimsoll/v1/jobs')).body.counts.running === 0);
  assert.deepEqual((await ledger(server)).sort(), billed.sort());
  assert.deepEqual((await imageOf(server, pushed[0].digest)).tags, ['again', 'healthy']);

  // On the command line it is the same.
  const csv = plimsoll(['billing', '--month', new Date().toISOString().slice(0, 7), '--config', server.config, '--format', 'csv']);
  assert.equal(csv.code, 0, csv.stderr);
  assert.equal(csv.stdout.trimEnd().split('\n').length, 1 + billed.length);
});

test(`a scan that takes longer than ${SCAN_TIME} seconds`, async (t) => {
  const dir = tempDir(t), slow = await drippingRegistry(t);
  const feed = makeSecdb(path.join(dir, 'secdb'), SECDB);
  const server = await startServer(t, dir, { host: '127.0.0.1:1', feeds: [`alpine-secdb=${feed}`], registry: 'sweep-interval: 0',
    extra: `  - { name: slow, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${slow.host}", plain-http: true }\nsweep-interval: 0\nattempts: 2\nlimits: { scan-time: ${SCAN_TIME} }` });
  const event = { id: 'e1', action: 'push', target: { mediaType: OCI.manifest, digest: slow.digest, repository: 'a', tag: 'v1' } };
  const told = await server.api('/notifications/slow', { method: 'POST', token: server.secret, body: { events: [event] } });
  assert.equal(told.status, 202, JSON.stringify(told.body));
  const started = Date.now();
  const job = await until(60000, 'the last attempt', async () => (await server.api('/plimsoll/v1/jobs?state=dead')).body.value.find((j) => j.kind === 'scan'), () => server.child.text.slice(-3000));
  const took = (Date.now() - started) / 1000;
  assert.equal(job.attempts, 2);
  assert.match(job.error, new RegExp(`longer than ${SCAN_TIME} seconds`));
  assert.ok(took >= 2 * SCAN_TIME && took < 4 * SCAN_TIME + 5, `${took} s`);
  const images = (await server.api('/plimsoll/v1/images?registry=slow')).body.value;
  assert.deepEqual(images.map((i) => i.status), ['Failed']);
  assert.match(images[0].failure, /longer than/);
  assert.deepEqual(await ledger(server), []);
  t.diagnostic(`dead after ${job.attempts} attempts in ${took.toFixed(1)} s: ${job.error}; not billed`);
});
