// SPDX-License-Identifier: Apache-2.0
// plimsoll scan of several sources at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpineRoot, makeLayout, makeSecdb, path, plimsoll, tar, tempDir, updateDb } from './lib.mjs';

function setUp(t) {
  const dir = tempDir(t), db = path.join(dir, 'db');
  updateDb(db, `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { busybox: { '1.37.0-r20': ['CVE-2025-0003'] } } })}`);
  const image = (name, version) => makeLayout(path.join(dir, name),
    [{ tar: tar([...alpineRoot({ packages: [{ name: 'busybox', version }] }), { path: `m-${name}`, body: name }]) }]).ref;
  const images = [];
  for (let i = 0; i < 12; i++) images.push(image(`i${i}`, i === 7 ? '1.37.0-r19' : '1.37.0-r20'));
  return { dir, db, images };
}

test('several sources: reports in their order, each as when scanned alone', (t) => {
  const { db, images } = setUp(t);
  const all = plimsoll(['scan', ...images, '--db', db, '--format', 'json', '--quiet']);
  assert.equal(all.code, 0, all.stderr);
  const { schema, reports } = JSON.parse(all.stdout);
  assert.equal(schema, 'plimsoll.reports/1');
  assert.deepEqual(reports.map((r) => r.source), images);
  const alone = JSON.parse(plimsoll(['scan', images[7], '--db', db, '--format', 'json', '--quiet']).stdout);
  assert.deepEqual({ ...reports[7], scannedAt: 0 }, { ...alone, scannedAt: 0 });
  assert.deepEqual(reports.map((r) => r.findings.length), images.map((_, i) => (i === 7 ? 1 : 0)));
});

test('one that fails does not keep the others from being reported; exit codes', (t) => {
  const { db, images } = setUp(t);
  const scan = (...args) => plimsoll(['scan', ...args, '--db', db, '--format', 'json', '--quiet']);
  const r = scan(images[0], 'oci:/absent/image', images[7]);
  assert.equal(r.code, 3);
  assert.match(r.stderr, /plimsoll: .*\/absent\/image/);
  assert.deepEqual(JSON.parse(r.stdout).reports.map((x) => x.source), [images[0], images[7]]);
  assert.equal(scan(images[0], images[7], '--fail-on', 'low').code, 1);
  assert.equal(scan(images[0], 'oci:/absent/image', images[7], '--fail-on', 'low').code, 1); // what was found is certain
  const none = scan('oci:/absent/a', 'oci:/absent/b');
  assert.equal(none.code, 3);
  assert.equal(none.stdout, '');
  assert.match(none.stderr, /absent\/a[^]*absent\/b/);
});

test('what cannot be is said before anything is scanned', (t) => {
  const { db, images } = setUp(t);
  const one = plimsoll(['scan', images[0], images[1], '--db', db, '--format', 'gitlab']);
  assert.equal(one.code, 2);
  assert.match(one.stderr, /--format gitlab describes one image/);
  const hosts = plimsoll(['scan', 'a.example/x', 'b.example/x', '--db', db, '--username', 'u', '--password-stdin'], { input: 'p' });
  assert.equal(hosts.code, 2);
  assert.match(hosts.stderr, /not all on one registry/);
});
