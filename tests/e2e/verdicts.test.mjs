// SPDX-License-Identifier: Apache-2.0
// Every cell of the verdict table (DESIGN 6), each reached by a real image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpineRoot, fs, gzip, makeLayout, makeSecdb, path, scan, sha256, tar, tempDir, updateDb } from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143'] } }, 'v3.10': {} };
const healthy = alpineRoot({ packages: [{ name: 'openssl', version: '3.3.2-r1' }] });
const vulnerable = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.3.2-r0' }] });

function setUp(t) {
  const dir = tempDir(t);
  const db = updateDb(path.join(dir, 'db'), `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`);
  return { dir, scanLayout: (name, layers, options) => scan(makeLayout(path.join(dir, name), layers, options).ref, ['--db', db]) };
}

function broken(entries) {
  const good = tar(entries);
  const bytes = gzip(good);
  return { tar: good, bytes: bytes.subarray(0, bytes.length - 9) };
}

const cases = [
  ['complete, nothing found: Healthy', () => [[{ tar: tar(healthy) }]], 'Healthy', true, 0],
  ['complete, something found: Unhealthy', () => [[{ tar: tar(vulnerable) }]], 'Unhealthy', true, 0],
  ['incomplete, nothing found: Failed', () => [[{ tar: tar(healthy) }, broken([{ path: 'x', body: 'y'.repeat(4096) }])]], 'Failed', false, 3],
  ['incomplete, something found: Unhealthy with notices', () => [[{ tar: tar(vulnerable) }, broken([{ path: 'x', body: 'z'.repeat(4096) }])]], 'Unhealthy', false, 3],
  ['Windows: NotApplicable', () => [[{ tar: tar([{ path: 'Files/x', body: 'x' }]) }], { config: { os: 'windows', 'os.version': '10.0.17763.1' } }], 'NotApplicable', true, 0, /Windows/i],
  ['not an image (a chart): NotApplicable', (put) => [[{ tar: tar([{ path: 'Chart.yaml', body: 'name: x' }]), mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip' }],
    { manifest: { config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: sha256(Buffer.from('{}')), size: 2 } } }], 'NotApplicable', true, 0, /chart/i],
  ['nothing identified: NotApplicable', () => [[{ tar: tar([{ path: 'app', body: 'static' }]) }]], 'NotApplicable', true, 0, /nothing|identif/i],
  ['a known release without its package database: NotApplicable', () => [[{ tar: tar(healthy) }, { tar: tar([{ path: 'lib/apk/db/.wh.installed', body: '' }]) }]], 'NotApplicable', true, 0, /no package database/],
  ['a known release with an empty package database: NotApplicable', () => [[{ tar: tar(alpineRoot({ packages: [] })) }]], 'NotApplicable', true, 0, /no package database/],
  ['a release the database does not know: NotApplicable', () => [[{ tar: tar(alpineRoot({ version: '3.19.1', packages: [{ name: 'openssl', version: '3.1.4-r0' }] })) }]], 'NotApplicable', true, 0, /3\.19/],
  ['a distribution nobody knows: NotApplicable', () => [[{ tar: tar([{ path: 'etc/os-release', body: 'ID=nosuch\nVERSION_ID=1\n' }]) }]], 'NotApplicable', true, 0, /nosuch/],
  ['end of life, nothing found: NotApplicable', () => [[{ tar: tar(alpineRoot({ version: '3.10.9', packages: [{ name: 'musl', version: '1.1.22-r4' }] })) }]], 'NotApplicable', true, 0, /end of life/i],
];

for (const [name, make, status, complete, code, reason] of cases)
  test(name, (t) => {
    const { dir, scanLayout } = setUp(t);
    const [layers, options] = make();
    if (options?.manifest) {
      fs.mkdirSync(path.join(dir, 'img/blobs/sha256'), { recursive: true });
      fs.writeFileSync(path.join(dir, 'img/blobs/sha256', options.manifest.config.digest.slice(7)), '{}');
    }
    const result = scanLayout('img', layers, options);
    assert.equal(result.report.status, status, JSON.stringify(result.report.notices) + result.report.reason);
    assert.equal(result.report.complete, complete);
    assert.equal(result.code, code);
    if (reason) assert.match(result.report.reason, reason);
    if (status === 'Healthy') assert.deepEqual(result.report.findings, []);
    if (!complete) assert.ok(result.report.notices.length > 0);
  });
