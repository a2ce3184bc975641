// SPDX-License-Identifier: Apache-2.0
// What layers look like in the wild: compressions, odd names, whiteouts, several platforms, every kind of source.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import addFormatsModule from 'ajv-formats';
import Ajv2020Module from 'ajv/dist/2020.js';
import { alpineRoot, debianRoot, fs, gzip, makeLayout, makeSecdb, must, path, plimsoll, scan, tar, tempDir, updateDb, zstd, ROOT } from './lib.mjs';

const Ajv2020 = Ajv2020Module.default ?? Ajv2020Module;
const addFormats = addFormatsModule.default ?? addFormatsModule;

const root = alpineRoot({ packages: [{ name: 'musl', version: '1.2.5-r0' }, { name: 'openssl', version: '3.3.2-r0' }] });

function database(dir) {
  return updateDb(path.join(dir, 'db'), `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143'] } } })}`);
}
const names = (report) => report.packages.map((p) => p.name).sort();

test('a non-ASCII pax path, a gzip layer of several members and a zstd layer scan complete', (t) => {
  const dir = tempDir(t);
  const pax = tar([{ path: 'opt/grüße/日本語/naïve-💥.txt', body: 'x', pax: true }, { path: `deep/${'é'.repeat(90)}/f`, body: 'y', pax: true }]);
  const whole = tar(root);
  const members = Buffer.concat([whole.subarray(0, 700), whole.subarray(700, 1024), whole.subarray(1024)].map(gzip));
  const more = tar([{ path: 'usr/share/doc/x', body: 'x'.repeat(100000) }]);
  const image = makeLayout(path.join(dir, 'img'), [
    { tar: pax },
    { tar: whole, bytes: members },
    { tar: more, compress: zstd, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' },
    { tar: tar([{ path: 'plain', body: 'p' }]), compress: (b) => b, mediaType: 'application/vnd.oci.image.layer.v1.tar' },
  ]);
  const { report, code } = scan(image.ref, ['--db', database(dir)]);
  assert.equal(report.complete, true, JSON.stringify(report.notices));
  assert.equal(report.status, 'Unhealthy');
  assert.equal(code, 0);
  assert.deepEqual(names(report), ['musl', 'openssl']);
  assert.equal(report.packages[0].layer, report.image.layers[1].digest);
});

test('labels lie: a zstd layer called gzip is read by its magic bytes', (t) => {
  const dir = tempDir(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root), compress: zstd }]);
  assert.deepEqual(names(scan(image.ref, ['--db', database(dir)]).report), ['musl', 'openssl']);
});

test('whiteouts and opaque folders take packages away, a later layer upgrades them', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const upgraded = alpineRoot({ packages: [{ name: 'musl', version: '1.2.5-r0' }, { name: 'openssl', version: '3.3.2-r1' }] });
  const fixed = makeLayout(path.join(dir, 'fixed'), [{ tar: tar(root) }, { tar: tar(upgraded.slice(1)) }]);
  let { report } = scan(fixed.ref, ['--db', db]);
  assert.equal(report.status, 'Healthy', report.reason);
  const layerOf = Object.fromEntries(report.packages.map((p) => [p.name, report.image.layers.findIndex((l) => l.digest === p.layer)]));
  assert.deepEqual(layerOf, { musl: 0, openssl: 1 });
  const gone = makeLayout(path.join(dir, 'gone'), [{ tar: tar(root) }, { tar: tar([{ path: 'lib/apk/db/.wh.installed', body: '' }]) }]);
  assert.deepEqual(names(scan(gone.ref, ['--db', db]).report), []);
  const opaque = makeLayout(path.join(dir, 'opaque'), [{ tar: tar(root) }, { tar: tar([{ path: 'lib/apk/', dir: true }, { path: 'lib/apk/.wh..wh..opq', body: '' }]) }]);
  assert.deepEqual(names(scan(opaque.ref, ['--db', db]).report), []);
});

test('every kind of source gives the same packages', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }]);
  must('skopeo', ['copy', '--quiet', image.ref, `oci-archive:${dir}/a.oci.tar:latest`]);
  must('skopeo', ['copy', '--quiet', image.ref, `docker-archive:${dir}/a.docker.tar:x/y:latest`]);
  fs.mkdirSync(path.join(dir, 'root'));
  fs.writeFileSync(path.join(dir, 'flat.tar'), tar(root));
  must('tar', ['-xf', path.join(dir, 'flat.tar'), '-C', path.join(dir, 'root')]);
  const sources = [image.ref, `${dir}/img`, `oci-archive:${dir}/a.oci.tar`, `${dir}/a.oci.tar`, `docker-archive:${dir}/a.docker.tar`,
    `${dir}/a.docker.tar`, `dir:${dir}/root`, `${dir}/root`];
  for (const source of sources) {
    const { report } = scan(source, ['--db', db]);
    assert.deepEqual([source, names(report), report.status, report.findings.map((f) => f.id)], [source, ['musl', 'openssl'], 'Unhealthy', ['CVE-2024-9143']]);
  }
});

test('an index: --platform chooses one, --all-platforms takes each, attestations are left out', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const a = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }]);
  const b = makeLayout(path.join(dir, 'img'), [{ tar: tar(debianRoot({ packages: [{ name: 'bash', version: '5.2' }] })) }], { config: { architecture: 'arm64' } });
  const index = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: a.digest, size: sizeOf(dir, a.digest), platform: { os: 'linux', architecture: 'amd64' } },
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: b.digest, size: sizeOf(dir, b.digest), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
      { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: a.digest, size: sizeOf(dir, a.digest), platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
    ],
  }));
  const own = a.put(index);
  fs.writeFileSync(path.join(dir, 'img/index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', ...own, annotations: { 'org.opencontainers.image.ref.name': 'multi' } }] }));
  const ref = `oci:${dir}/img:multi`;
  assert.equal(scan(ref, ['--db', db, '--platform', 'linux/arm64']).report.image.platform, 'linux/arm64');
  const all = JSON.parse(plimsoll(['scan', ref, '--db', db, '--all-platforms', '--format', 'json', '--quiet']).stdout);
  assert.deepEqual(all.reports.map((r) => r.image.platform), ['linux/amd64', 'linux/arm64']);
  const none = plimsoll(['scan', ref, '--db', db, '--platform', 'linux/s390x']);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /linux\/amd64/);
});

const sizeOf = (dir, digest) => fs.statSync(path.join(dir, 'img/blobs/sha256', digest.slice(7))).size;

test('every report follows docs/report.schema.json', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const schema = JSON.parse(fs.readFileSync(path.join(ROOT, 'docs/report.schema.json')));
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  const validate = ajv.compile(schema);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }, { tar: tar([{ path: 'x', body: 'y' }]), diffId: 'sha256:' + '00'.repeat(32) }]);
  const outputs = [
    plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--quiet']).stdout,
    plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--quiet', '--all-platforms']).stdout,
    plimsoll(['sbom', makeLayout(path.join(dir, 'ok'), [{ tar: tar(root) }]).ref, '--format', 'json', '--quiet']).stdout,
  ];
  for (const output of outputs) assert.ok(validate(JSON.parse(output)), JSON.stringify(validate.errors, null, 1));
});

test('the same input gives the same bytes', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }]);
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' };
  const once = () => plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--quiet'], { env }).stdout;
  assert.equal(once(), once());
});
