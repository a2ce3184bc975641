// SPDX-License-Identifier: Apache-2.0
// Done when 1: Debian's docker-registry and skopeo from end to end.  Each step's outcome is printed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicAuth, makeAuthority, startReal, startTokenServer } from './fakes/real.mjs';
import {
  alpineRoot, BINARY, freePort, fs, GROUP, makeLayout, makeSecdb, must, path, run, start, startServer, SUBSCRIPTION, tar, tempDir, until, verdictOf,
} from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } };
const root = (version, marker) => tar([...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version }] }), { path: 'marker', body: marker }]);
const image = (dir, name, version = '3.5.4-r0', more = {}) => makeLayout(path.join(dir, name), [{ tar: root(version, name) }], more);

/** An OCI layout with one index of @images: its ref for skopeo and its digest. */
function makeIndex(dir, images) {
  const top = path.join(dir, 'index');
  fs.cpSync(path.join(dir, images[0].name), top, { recursive: true });
  for (const i of images.slice(1)) fs.cpSync(path.join(dir, i.name, 'blobs'), path.join(top, 'blobs'), { recursive: true });
  const manifests = images.map((i) => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: i.digest,
    size: fs.statSync(path.join(top, 'blobs/sha256', i.digest.slice(7))).size, platform: { os: 'linux', architecture: i.arch } }));
  const bytes = JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests });
  const digest = 'sha256:' + must('sha256sum', [], { input: bytes }).slice(0, 64);
  fs.writeFileSync(path.join(top, 'blobs/sha256', digest.slice(7)), bytes);
  fs.writeFileSync(path.join(top, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: bytes.length,
    annotations: { 'org.opencontainers.image.ref.name': 'all' } }] }));
  return { layout: `${top}:all`, digest };
}

const skopeo = (from, to, creds) =>
  must('skopeo', ['copy', '--quiet', '--all', '--src-tls-verify=false', '--dest-tls-verify=false', ...(creds ? ['--dest-creds', creds] : []), from, to]);

test('push, re-push, re-tag, index, pull, delete, import; basic, token with TLS of a private authority, client certificate', async (t) => {
  const dir = tempDir(t), authority = makeAuthority(path.join(dir, 'pki')), secret = 'lab-secret';
  const port = await freePort(), ports = { lab: await freePort(), basic: await freePort(), tokens: await freePort(), certs: await freePort() };
  const notifyOf = (name) => ({ url: `https://127.0.0.1:${port}/notifications/${name}`, secret, ca: path.join(dir, 'data/tls-certificate.pem') });
  const entry = (name, more) => `  - { name: ${name}, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "127.0.0.1:${ports[name]}", notification-secret: ${secret}, ${more} }`;
  const client = authority.issue('client', { client: true }), tls = authority.issue('server');
  // The notified server first: its certificate is what the registries trust.
  const server = await startServer(t, dir, {
    host: `127.0.0.1:${ports.lab}`, port, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    registry: `notification-secret: ${secret}`,
    extra: [
      entry('basic', 'plain-http: true, username: ci, password: s3cret'),
      entry('tokens', `username: ci, password: s3cret, ca-file: ${authority.ca}`),
      entry('certs', `ca-file: ${authority.ca}, client-certificate-file: ${client.cert}, client-key-file: ${client.key}`),
      'sweep-interval: 0',
    ].join('\n'),
  });
  await startReal(t, path.join(dir, 'a'), { port: ports.lab, notify: notifyOf('lab') });
  await startReal(t, path.join(dir, 'b'), { port: ports.basic, notify: notifyOf('basic'), config: basicAuth(path.join(dir, 'b'), 'ci', 's3cret') });
  const tokens = await startTokenServer(t, path.join(dir, 'c'), { user: 'ci', password: 's3cret', tls });
  await startReal(t, path.join(dir, 'c'), { port: ports.tokens, notify: notifyOf('tokens'), tls, config: tokens.config });
  await startReal(t, path.join(dir, 'd'), { port: ports.certs, tls: { ...tls, clientCa: authority.ca } });
  const at = (name) => `127.0.0.1:${ports[name]}`;
  const log = () => server.child.text.slice(-3000);
  const step = (name, outcome) => t.diagnostic(`${name.padEnd(34)} ${outcome}`);
  const images = async (query = '') => (await server.api(`/plimsoll/v1/images?$top=1000${query}`)).body.value;
  const scans = async () => (await server.api('/plimsoll/v1/jobs?$top=1000')).body.value.filter((j) => j.kind === 'scan');

  // --- push
  const one = image(dir, 'one');
  skopeo(`oci:${one.layout}`, `docker://${at('lab')}/team/app:1`);
  const pushed = await verdictOf(server, one.digest);
  assert.deepEqual([pushed.status, pushed.tags], ['Unhealthy', ['1']]);
  step('push', `${pushed.status}, ${pushed.counts.findings} finding, tag 1`);

  // --- the same digest again: nothing to do
  const before = await scans();
  skopeo(`oci:${one.layout}`, `docker://${at('lab')}/team/app:1`);
  const again = image(dir, 'again', '3.5.4-r1'); // behind it in the same queue
  skopeo(`oci:${again.layout}`, `docker://${at('lab')}/team/app:2`);
  assert.equal((await verdictOf(server, again.digest)).status, 'Healthy');
  const after = await scans();
  assert.equal(after.filter((j) => j.digest === one.digest).length, before.filter((j) => j.digest === one.digest).length);
  step('re-push of the same digest', 'no second scan');

  // --- re-tag: the name moves, the image stays
  skopeo(`oci:${again.layout}`, `docker://${at('lab')}/team/app:1`);
  await until(20000, 'the moved tag', async () => {
    const all = Object.fromEntries((await images()).map((i) => [i.digest, i]));
    return all[again.digest].tags.length === 2 && all[one.digest].tags.length === 0;
  }, log);
  step('re-tag', 'tag 1 names the fixed image; the former is there untagged, Unhealthy');

  // --- an index: one image a platform
  const amd = { ...image(dir, 'amd'), name: 'amd', arch: 'amd64' };
  const arm = { ...image(dir, 'arm', '3.5.4-r1', { config: { architecture: 'arm64' } }), name: 'arm', arch: 'arm64' };
  const index = makeIndex(dir, [amd, arm]);
  skopeo(`oci:${index.layout}`, `docker://${at('lab')}/team/multi:all`);
  const [a, b] = [await verdictOf(server, amd.digest), await verdictOf(server, arm.digest)];
  assert.deepEqual([a.status, a.platform, a.index], ['Unhealthy', 'linux/amd64', index.digest]);
  assert.deepEqual([b.status, b.platform, b.index], ['Healthy', 'linux/arm64', index.digest]);
  assert.deepEqual([a.tags, b.tags], [['all'], ['all']]);
  step('multi-arch index', 'linux/amd64 Unhealthy, linux/arm64 Healthy, both under tag all');

  // --- a pull is seen; ours are not
  assert.ok(!(await images()).some((i) => i.lastPulled), 'our own pulls do not count');
  must('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${at('lab')}/team/app:2`, `oci:${dir}/pulled:x`]);
  await until(20000, 'the pull', async () => (await images()).find((i) => i.digest === again.digest).lastPulled, log);
  assert.deepEqual((await images()).filter((i) => i.lastPulled).map((i) => i.digest), [again.digest]);
  step('pull', 'lastPulled set by skopeo; none by our own pulls');

  // --- deleted by digest: it leaves the results
  must('skopeo', ['delete', '--tls-verify=false', `docker://${at('lab')}/team/app@${one.digest}`]);
  await until(20000, 'the deleted image to leave', async () => !(await images()).some((i) => i.digest === one.digest), log);
  step('delete', 'the image left the results');

  // --- basic authentication: a push there, and an import into it
  const two = image(dir, 'two');
  skopeo(`oci:${two.layout}`, `docker://${at('basic')}/team/app:1`, 'ci:s3cret');
  assert.equal((await verdictOf(server, two.digest)).status, 'Unhealthy');
  step('registry with basic auth', 'pushed, scanned: Unhealthy');

  // beside this process, which is the token server
  const beside = async (command, args, input) => {
    const child = start(t, command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.end(input ?? '');
    return { code: (await child.ended).code, text: child.text };
  };
  const plimsoll = (args, input) => beside(BINARY, args, input);
  const skopeoBeside = async (...args) => {
    const r = await beside('skopeo', ['copy', '--quiet', ...args]);
    assert.equal(r.code, 0, r.text);
  };
  const imported = await plimsoll(['import', `${at('lab')}/team/multi:all`, `${at('basic')}/copied/multi:all`, '--username', 'ci', '--password-stdin', '--plain-http'], 's3cret');
  assert.equal(imported.code, 0, imported.text);
  const copies = await until(20000, 'the imported images', async () => {
    const found = (await images('&registry=basic')).filter((i) => i.repository === 'copied/multi' && ['Healthy', 'Unhealthy'].includes(i.status) && !i.isIndex);
    return found.length === 2 && found;
  }, log);
  assert.deepEqual(copies.map((i) => [i.platform, i.status]).sort(), [['linux/amd64', 'Unhealthy'], ['linux/arm64', 'Healthy']]);
  step('import between two registries', 'index and both platforms copied, digests kept, scanned');

  const wrong = await plimsoll(['scan', `${at('basic')}/team/app:1`, '--plain-http', '--db', path.join(dir, 'data/advisories'), '--username', 'ci', '--password-stdin'], 'wrong');
  assert.equal(wrong.code, 3);
  assert.match(wrong.text, /denied \(401\)/);
  step('wrong password', 'denied (401), exit 3');

  // --- tokens, and TLS of a private authority
  const three = image(dir, 'three', '3.5.4-r1');
  await skopeoBeside('--dest-cert-dir', certDir(dir, authority.ca), '--dest-creds', 'ci:s3cret', `oci:${three.layout}`, `docker://${at('tokens')}/team/app:1`);
  assert.equal((await verdictOf(server, three.digest)).status, 'Healthy');
  assert.ok(tokens.asked.includes('repository:team/app:pull'), tokens.asked.join(' '));
  step('token auth, TLS of a private CA', 'pushed, scanned: Healthy');
  const checked = await plimsoll(['registry', 'check', `${at('tokens')}/team/app:1`, '--ca-file', authority.ca, '--username', 'ci', '--password-stdin', '--format', 'json'], 's3cret');
  assert.equal(checked.code, 0, checked.text);
  const steps = Object.fromEntries(JSON.parse(checked.text).steps.map((s) => [s.name, s]));
  assert.match(steps.login.text, /^bearer token, as ci, from https:/);
  assert.equal(steps.catalog.state, 'works');
  assert.match(steps.permissions.text, /pull yes, push yes, delete yes, by the token's scope/);
  step('registry check', `${Object.values(steps).map((s) => `${s.name} ${s.state}`).join(', ')}`);
  const stranger = await plimsoll(['registry', 'check', at('tokens')]);
  assert.equal(stranger.code, 3);
  assert.match(stranger.text, /✗ reach .*TLS: [^\n]*\n +→ give its authority by --ca-file/);
  step('the CA is not known', 'TLS failure with its remedy');

  // --- client certificate
  const four = image(dir, 'four', '3.5.4-r1');
  await skopeoBeside('--dest-cert-dir', certDir(dir, authority.ca, client), `oci:${four.layout}`, `docker://${at('certs')}/team/app:1`);
  const bare = await plimsoll(['scan', `${at('certs')}/team/app:1`, '--ca-file', authority.ca, '--db', path.join(dir, 'data/advisories')]);
  assert.equal(bare.code, 3);
  assert.match(bare.text, /TLS|closed the connection|certificate/);
  const queued = await server.api('/plimsoll/v1/registries/certs/scan', { method: 'POST', body: { repository: 'team/app', reference: '1' } });
  assert.ok(queued.status < 300, JSON.stringify(queued.body) + log());
  assert.equal((await verdictOf(server, four.digest)).status, 'Healthy');
  step('client certificate', 'without: TLS failure; with: scanned, Healthy');
  assert.ok(run('grep', ['-c', 's3cret', path.join(dir, 'data/plimsoll.db')]).code !== 0, 'credentials lie sealed in the store');
});

/** A folder of certificates as skopeo wants it. */
function certDir(dir, ca, client) {
  const out = fs.mkdtempSync(path.join(dir, 'certs-'));
  fs.copyFileSync(ca, path.join(out, 'ca.crt'));
  if (client) {
    fs.copyFileSync(client.cert, path.join(out, 'client.cert'));
    fs.copyFileSync(client.key, path.join(out, 'client.key'));
  }
  return out;
}
