// SPDX-License-Identifier: Apache-2.0
// VEX documents that are attached to an image (`--vex oci`): in an OCI layout, in Debian's docker-registry (which has no
// referrers API: the tags of before it), and over the API itself, which a protocol fake on loopback plays.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { BINARY, alpineRoot, fs, makeLayout, makeSecdb, must, path, plimsoll, push, sha256, spawn, startRegistry, startServer, tar, tempDir, until, updateDb, verdictOf } from './lib.mjs';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json', INDEX = 'application/vnd.oci.image.index.v1+json';
const EMPTY = Buffer.from('{}');

/** Scan without blocking this process, which may be the registry. */
function scan(source, args) {
  return new Promise((resolve) => {
    const child = spawn(BINARY, ['scan', source, '--format', 'json', '--quiet', ...args]);
    let stdout = '', stderr = '';
    child.stdout.on('data', (d) => (stdout += d));
    child.stderr.on('data', (d) => (stderr += d));
    child.on('exit', (code) => {
      assert.ok(stdout, stderr);
      resolve({ code, stderr, report: JSON.parse(stdout) });
    });
  });
}

function openvex(status, cve, product, more = {}) {
  return { '@context': 'https://openvex.dev/ns/v0.2.0', '@id': `https://example.org/vex/${cve}`, author: 'Example', timestamp: '2026-01-01T00:00:00Z',
    version: 1, statements: [{ vulnerability: { name: cve }, products: [{ '@id': product }], status, justification: status === 'not_affected' ? 'vulnerable_code_not_present' : undefined }], ...more };
}

const openssl = 'pkg:apk/alpine/openssl';
const json = (value) => Buffer.from(JSON.stringify(value));
const statement = (predicate, digest, predicateType = 'https://openvex.dev/ns/v0.2.0') =>
  ({ _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'x', digest: { sha256: digest.slice(7) } }], predicateType, predicate });
const dsse = (value) => json({ payloadType: 'application/vnd.in-toto+json', payload: json(value).toString('base64'), signatures: [{ sig: 'bm90IG9uZQ==' }] });

/** An artifact of one layer: { manifest, digest, type, blobs }. */
function artifact(subject, artifactType, bytes, layerType = artifactType) {
  const layer = { mediaType: layerType, digest: sha256(bytes), size: bytes.length };
  const manifest = json({ schemaVersion: 2, mediaType: MANIFEST, ...(artifactType ? { artifactType } : {}),
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: sha256(EMPTY), size: EMPTY.length }, layers: [layer],
    ...(subject ? { subject: { mediaType: MANIFEST, digest: subject, size: 1 } } : {}) });
  return { manifest, digest: sha256(manifest), type: artifactType, document: layer.digest, blobs: [EMPTY, bytes] };
}
const describe = (a) => ({ mediaType: MANIFEST, digest: a.digest, size: a.manifest.length, ...(a.type ? { artifactType: a.type } : {}) });

function attachToLayout(dir, ...artifacts) {
  const file = path.join(dir, 'index.json'), index = JSON.parse(fs.readFileSync(file));
  for (const a of artifacts) {
    for (const bytes of [a.manifest, ...a.blobs]) fs.writeFileSync(path.join(dir, 'blobs/sha256', sha256(bytes).slice(7)), bytes);
    index.manifests.push({ ...describe(a), ...(a.tag ? { annotations: { 'org.opencontainers.image.ref.name': a.tag } } : {}) });
  }
  fs.writeFileSync(file, JSON.stringify(index));
}

/** An image with two CVEs in openssl and one in zlib, and a database that knows them. */
function world(t) {
  const dir = tempDir(t);
  const secdb = makeSecdb(path.join(dir, 'feed'), { 'v3.22': {
    openssl: { '3.3.2-r1': ['CVE-2024-0001', 'CVE-2024-0002'] }, zlib: { '1.3.1-r9': ['CVE-2024-0003'] } } });
  const db = ['--db', updateDb(path.join(dir, 'db'), `alpine-secdb=${secdb}`)];
  const packages = [{ name: 'libssl3', version: '3.3.2-r0', origin: 'openssl' }, { name: 'zlib', version: '1.3.1-r0' }];
  const image = makeLayout(path.join(dir, 'image'), [{ tar: tar(alpineRoot({ packages })) }], { tag: 'v1' });
  return { dir, db, image, layoutDir: path.join(dir, 'image') };
}

const disabled = (report) => Object.fromEntries(report.findings.filter((f) => f.disabledBy).map((f) => [f.id, f.disabledBy]));
const notices = (report) => report.notices.map((n) => n.message).filter((m) => m.startsWith('VEX'));

test('an OCI layout: documents whose subject is the image', async (t) => {
  const { db, image, layoutDir, dir } = world(t);
  assert.deepEqual(notices((await scan(image.ref, [...db, '--vex', 'oci'])).report), ['VEX: no document is attached to the image']);

  const good = artifact(image.digest, 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0001', openssl)));
  const foreign = artifact('sha256:' + '1'.repeat(64), 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0003', 'pkg:apk/alpine/zlib')));
  const broken = artifact(image.digest, 'application/openvex+json', Buffer.from('{"@context": "https://openvex.dev/ns", "statements": [{]}'));
  const sbom = artifact(image.digest, 'application/vnd.cyclonedx+json', json({ bomFormat: 'CycloneDX', specVersion: '1.6', components: [] }));
  const provenance = artifact(image.digest, 'application/vnd.in-toto+json', json(statement({}, image.digest, 'https://slsa.dev/provenance/v1')));
  const bundle = artifact(image.digest, 'application/vnd.dev.sigstore.bundle.v0.3+json', json({ mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    dsseEnvelope: JSON.parse(dsse(statement(openvex('fixed', 'CVE-2024-0002', openssl), image.digest))) }));
  attachToLayout(layoutDir, good, foreign, broken, sbom, provenance, bundle);

  const none = (await scan(image.ref, db)).report;
  assert.deepEqual(disabled(none), {}, 'nobody asked');
  assert.deepEqual(notices(none), []);

  const { report } = await scan(image.ref, [...db, '--vex', 'oci']);
  assert.deepEqual(disabled(report), { 'CVE-2024-0001': `vex:${good.document}`, 'CVE-2024-0002': `vex:${bundle.document}` });
  const told = notices(report);
  assert.equal(told.length, 3);
  assert.match(told.join('\n'), new RegExp(`document ${broken.document} is left out: `));
  assert.match(told.join('\n'), new RegExp(`document ${good.document} \\(https://example.org/vex/CVE-2024-0001\\), attached to ${image.digest} in oci:.*: 1 statements take 1 of 3 findings away; it is not signed`));
  assert.match(told.join('\n'), new RegExp(`document ${bundle.document} .* take 1 of 3 findings away; its signature was not verified`));
  const evidence = report.findings.find((f) => f.id === 'CVE-2024-0001').evidence.at(-1);
  assert.equal(evidence.record, good.document);
  assert.equal(evidence.note, 'not_affected: vulnerable_code_not_present');
  assert.equal(report.complete, true);

  // explain tells the same; a document given by hand has the last word; a file may be called oci.
  const answer = JSON.parse(plimsoll(['explain', image.ref, 'CVE-2024-0001', '--format', 'json', '--quiet', ...db, '--vex', 'oci']).stdout);
  assert.deepEqual(answer.explanations.map((e) => e.kind), ['vex']);
  fs.writeFileSync(path.join(dir, 'oci'), JSON.stringify(openvex('affected', 'CVE-2024-0001', openssl)));
  const both = await scan(image.ref, [...db, '--vex', 'oci', '--vex', path.join(dir, 'oci')]);
  assert.deepEqual(Object.keys(disabled(both.report)), ['CVE-2024-0002']);

  // The same as an archive, whose entries the sandbox lists.
  const archive = path.join(dir, 'image.tar');
  must('tar', ['-C', layoutDir, '-cf', archive, '.']);
  assert.deepEqual(Object.keys(disabled((await scan(`oci-archive:${archive}:v1`, [...db, '--vex', 'oci'])).report)).sort(), ['CVE-2024-0001', 'CVE-2024-0002']);
  assert.deepEqual(notices((await scan(`dir:${path.join(dir, 'feed')}`, [...db, '--vex', 'oci'])).report),
    ['VEX: nothing can be attached to this kind of source']);
});

async function put(host, repository, name, bytes, type) {
  const r = await fetch(`http://${host}/v2/${repository}/manifests/${name}`, { method: 'PUT', body: bytes, headers: { 'Content-Type': type } });
  assert.equal(r.status, 201, await r.text());
}

async function putBlob(host, repository, bytes) {
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const url = new URL(begun.headers.get('Location'), `http://${host}`);
  url.searchParams.set('digest', sha256(bytes));
  const r = await fetch(url, { method: 'PUT', body: bytes, headers: { 'Content-Type': 'application/octet-stream' } });
  assert.equal(r.status, 201, await r.text());
}

test('a registry without the API: the tags of before it', async (t) => {
  const { db, image, dir } = world(t);
  const registry = await startRegistry(t, dir);
  const repository = 'team/app', source = `${registry.host}/${repository}:v1`;
  push(image.layout, source);
  const args = [...db, '--plain-http', '--vex', 'oci'];
  assert.equal((await fetch(`http://${registry.host}/v2/${repository}/referrers/${image.digest}`)).status, 404);
  assert.deepEqual(notices((await scan(source, args)).report), ['VEX: no document is attached to the image']);

  const good = artifact(image.digest, 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0001', openssl)));
  const liar = artifact('sha256:' + '1'.repeat(64), 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0003', 'pkg:apk/alpine/zlib')));
  const attested = artifact(null, undefined, dsse(statement(openvex('not_affected', 'CVE-2024-0002', openssl), image.digest)), 'application/vnd.dsse.envelope.v1+json');
  const copied = dsse(statement(openvex('not_affected', 'CVE-2024-0003', 'pkg:apk/alpine/zlib'), 'sha256:' + '2'.repeat(64)));
  for (const a of [good, liar, attested]) for (const bytes of a.blobs) await putBlob(registry.host, repository, bytes);
  for (const a of [good, liar]) await put(registry.host, repository, a.digest, a.manifest, MANIFEST);
  const tag = image.digest.replace(':', '-');
  await put(registry.host, repository, tag, json({ schemaVersion: 2, mediaType: INDEX, manifests: [describe(good), describe(liar)] }), INDEX);
  // cosign's: every layer an envelope, one of them copied from another image
  await putBlob(registry.host, repository, copied);
  const att = JSON.parse(attested.manifest);
  att.layers.push({ mediaType: 'application/vnd.dsse.envelope.v1+json', digest: sha256(copied), size: copied.length });
  await put(registry.host, repository, `${tag}.att`, json(att), MANIFEST);

  const { report } = await scan(source, args);
  assert.deepEqual(disabled(report), { 'CVE-2024-0001': `vex:${good.document}`, 'CVE-2024-0002': `vex:${attested.document}` });
  const told = notices(report).join('\n');
  assert.match(told, new RegExp(`artifact ${liar.digest} is left out: it is listed as attached to the image and does not say so`));
  assert.match(told, new RegExp(`document ${sha256(copied)} is left out: it is an attestation that does not name this image`));
  assert.match(told, new RegExp(`document ${good.document} .*, attached to ${image.digest} in ${registry.host}/${repository}:v1: `));
});

/** A protocol fake of distribution-spec 1.1: pages of one referrer each, and the filter when @filters. */
function fakeRegistry(t, { layoutDir, image, artifacts, filters }) {
  const asked = [];
  const blob = (digest) => {
    for (const a of artifacts) for (const bytes of [a.manifest, ...a.blobs]) if (sha256(bytes) === digest) return bytes;
    const file = path.join(layoutDir, 'blobs/sha256', digest.slice(7));
    return fs.existsSync(file) ? fs.readFileSync(file) : null;
  };
  const server = http.createServer((req, res) => {
    const url = new URL(req.url, 'http://x'), part = url.pathname.split('/');
    asked.push(req.url);
    const digest = part.at(-1) === 'v1' ? image.digest : part.at(-1);
    if (part.at(-2) === 'referrers') {
      const type = url.searchParams.get('artifactType'), at = Number(url.searchParams.get('at') ?? 0);
      let list = artifacts.filter((a) => digest === image.digest && (!filters || !type || a.type === type));
      const headers = { 'Content-Type': INDEX, ...(filters && type ? { 'OCI-Filters-Applied': 'artifactType' } : {}) };
      if (at + 1 < list.length) headers.Link = `<${url.pathname}?at=${at + 1}>; rel="next"`;
      res.writeHead(200, headers).end(json({ schemaVersion: 2, mediaType: INDEX, manifests: list.slice(at, at + 1).map(describe) }));
      return;
    }
    const bytes = blob(digest);
    res.writeHead(bytes ? 200 : 404, { 'Content-Type': part.at(-2) === 'manifests' ? MANIFEST : 'application/octet-stream' }).end(bytes ?? '{}');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => {
    t.after(() => server.close());
    resolve({ host: `127.0.0.1:${server.address().port}`, asked });
  }));
}

test('the referrers API, played by a protocol fake', async (t) => {
  const { db, image, layoutDir } = world(t);
  const artifacts = [
    artifact(image.digest, 'application/vnd.dev.cosign.artifact.sig.v1+json', Buffer.from('a signature')),
    artifact(image.digest, 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0001', openssl))),
    artifact(image.digest, 'application/csaf+json', json({ document: { csaf_version: '2.0', category: 'csaf_vex', tracking: { id: 'EX-1', current_release_date: '2026-01-01T00:00:00Z' }, publisher: { name: 'Example' } },
      product_tree: { full_product_names: [{ product_id: 'p', name: 'openssl', product_identification_helper: { purl: openssl } }] },
      vulnerabilities: [{ cve: 'CVE-2024-0002', product_status: { known_not_affected: ['p'] }, flags: [{ label: 'component_not_present', product_ids: ['p'] }] }] })),
  ];
  const fake = await fakeRegistry(t, { layoutDir, image, artifacts, filters: true });
  const { report } = await scan(`${fake.host}/team/app:v1`, [...db, '--plain-http', '--vex', 'oci']);
  assert.deepEqual(disabled(report), { 'CVE-2024-0001': `vex:${artifacts[1].document}`, 'CVE-2024-0002': `vex:${artifacts[2].document}` });
  assert.equal(fake.asked.filter((u) => u.includes('/referrers/')).length, 3, 'all pages, once');
  assert.ok(!fake.asked.some((u) => u.includes(artifacts[0].digest)), 'a signature is not fetched');
  assert.equal(report.status, 'Unhealthy');
});

test('a registry that lists a document and does not have it: a notice, and nothing is taken away', async (t) => {
  const { db, image, layoutDir } = world(t);
  const good = artifact(image.digest, 'application/vnd.openvex+json', json(openvex('not_affected', 'CVE-2024-0001', openssl)));
  const fake = await fakeRegistry(t, { layoutDir, image, artifacts: [{ ...good, blobs: [] }], filters: false });
  const { report } = await scan(`${fake.host}/team/app:v1`, [...db, '--plain-http', '--vex', 'oci']);
  assert.deepEqual(disabled(report), {});
  assert.match(notices(report).join('\n'), new RegExp(`document ${good.document} is left out: `));
  assert.equal(report.complete, true);
});

test('a VEX feed of the database: an image by its repository, a package by its name', async (t) => {
  const { dir, image } = world(t);
  const registry = await startRegistry(t, dir);
  const repository = 'team/app', source = `${registry.host}/${repository}:v1`;
  push(image.layout, source);
  const hub = path.join(dir, 'hub');
  fs.mkdirSync(hub);
  const product = (name, more = '') => `pkg:oci/app?repository_url=${encodeURIComponent(`${registry.host}/${name}`)}${more}`;
  const write = (name, doc) => fs.writeFileSync(path.join(hub, name), JSON.stringify(doc));
  write('own.json', openvex('not_affected', 'CVE-2024-0001', product(repository)));
  write('other.json', openvex('not_affected', 'CVE-2024-0002', product('team/other')));
  write('tag.json', openvex('not_affected', 'CVE-2024-0003', product(repository, '&tag=v2')));
  const db = ['--db', updateDb(path.join(dir, 'db2'), `alpine-secdb=${path.join(dir, 'feed')}`, `vexhub=${hub}`)];
  const { report } = await scan(source, [...db, '--plain-http']);
  assert.deepEqual(disabled(report), { 'CVE-2024-0001': 'vex:own.json#CVE-2024-0001' });
  assert.deepEqual(notices(report), ['VEX: 1 of 3 findings are taken away by statements of the advisory database, first CVE-2024-0001 of openssl by vex:own.json#CVE-2024-0001']);
  const evidence = report.findings.find((f) => f.id === 'CVE-2024-0001').evidence.at(-1);
  assert.equal(evidence.source, 'vexhub');
  // the same image elsewhere is not the product
  assert.deepEqual(disabled((await scan(image.ref, db)).report), {});
  const answer = JSON.parse(plimsoll(['explain', source, 'CVE-2024-0001', '--format', 'json', '--quiet', '--plain-http', ...db]).stdout);
  assert.deepEqual(answer.explanations.map((e) => `${e.kind} ${e.source}`), ['vex alpine-secdb', 'not-affected vexhub']);
});

test('a server: a VEX feed counts at the first scan, and at a re-match without a pull', async (t) => {
  const { dir, image } = world(t);
  const registry = await startRegistry(t, dir);
  const hub = path.join(dir, 'hub'), secdb = `alpine-secdb=${path.join(dir, 'feed')}`;
  const product = `pkg:oci/app?repository_url=${encodeURIComponent(`${registry.host}/team/app`)}`;
  fs.mkdirSync(hub);
  fs.writeFileSync(path.join(hub, 'a.json'), JSON.stringify(openvex('not_affected', 'CVE-2024-0001', product)));
  const server = await startServer(t, dir, { host: registry.host, feeds: [secdb, `vexhub=${hub}`] });
  push(image.layout, `${registry.host}/team/app:v1`);
  await server.api('/plimsoll/v1/registries/lab/scan', { method: 'POST', body: { repository: 'team/app', reference: 'v1' } });
  assert.deepEqual((await verdictOf(server, image.digest)).counts.findings, 2);
  registry.child.kill('SIGKILL'); // whatever follows cannot have pulled
  await registry.child.ended;
  fs.writeFileSync(path.join(hub, 'b.json'), JSON.stringify(openvex('not_affected', 'CVE-2024-0003', product)));
  updateDb(path.join(server.data, 'advisories'), secdb, `vexhub=${hub}`);
  await until(20000, 'the re-match', async () => (await server.api('/plimsoll/v1/images')).body.value.find((i) => i.digest === image.digest).counts.findings === 1,
    () => server.child.text.slice(-2000));
});
