// SPDX-License-Identifier: Apache-2.0
// The advisory database on the command line: differences, verification, and its way to another machine,
// by a file and by a real registry.
import assert from 'node:assert/strict';
import test from 'node:test';

import { alpineRoot, fs, makeLayout, makeSecdb, path, plimsoll, run, scan, startRegistry, tar, tempDir, updateDb } from './lib.mjs';

const ids = (report) => report.findings.map((f) => `${f.id} ${f.package.name}`).sort();
const diff = (db, ...generations) => JSON.parse(plimsoll(['db', 'diff', '--db', db, '--format', 'json', ...generations]).stdout);

test('the same inventory against two generations differs exactly by db diff', (t) => {
  const dir = tempDir(t), db = path.join(dir, 'db'), feed = path.join(dir, 'feed');
  const layers = [{ tar: tar(alpineRoot({ packages: ['a', 'b', 'c', 'd'].map((name) => ({ name, version: '1.0-r0' })) })) }];
  const source = makeLayout(path.join(dir, 'image'), layers).ref;
  const both = [
    { a: { '2.0-r0': ['CVE-2024-1'] }, b: { '2.0-r0': ['CVE-2024-2'] }, c: { '2.0-r0': ['CVE-2024-3'] } },
    { a: { '2.0-r0': ['CVE-2024-1'] }, b: { '1.0-r0': ['CVE-2024-2'] }, d: { '3.0-r0': ['CVE-2024-4'] } },
  ];
  const found = both.map((packages) => {
    updateDb(db, `alpine-secdb=${makeSecdb(feed, { 'v3.22': packages })}`);
    return ids(scan(source, ['--db', db]).report);
  });
  assert.deepEqual(found, [['CVE-2024-1 a', 'CVE-2024-2 b', 'CVE-2024-3 c'], ['CVE-2024-1 a', 'CVE-2024-4 d']]);
  const changes = diff(db, '1', '2');
  assert.deepEqual(changes.packages, [
    { ecosystem: 'Alpine:v3.22', name: 'b', change: 'changed' },
    { ecosystem: 'Alpine:v3.22', name: 'c', change: 'removed' },
    { ecosystem: 'Alpine:v3.22', name: 'd', change: 'added' },
  ]);
  assert.deepEqual(changes.advisories.map((a) => `${a.id} ${a.change}`), ['CVE-2024-3 removed', 'CVE-2024-4 added'],
    'what CVE-2024-2 says of itself is the same');
  const moved = (a, b) => a.filter((x) => !b.includes(x)).map((x) => x.split(' ')[1]);
  const verdicts = [...moved(found[0], found[1]), ...moved(found[1], found[0])].sort();
  assert.deepEqual(verdicts, changes.packages.map((p) => p.name), 'each verdict that moved is of a package that the diff names');
  assert.deepEqual(diff(db), changes, 'without numbers: the last two');
  assert.match(plimsoll(['db', 'diff', '--db', db]).stdout, /^generation 1 -> 2\n/);
});

test('verify tells a whole database from a spoilt one', (t) => {
  const dir = tempDir(t), db = path.join(dir, 'db');
  updateDb(db, `alpine-secdb=${makeSecdb(path.join(dir, 'feed'), { 'v3.22': { a: { '2.0-r0': ['CVE-2024-1'] } } })}`);
  const whole = plimsoll(['db', 'verify', '--db', db]);
  assert.equal(whole.code, 0, whole.stderr);
  assert.match(whole.stdout, /^whole: 1 advisories, 1 statements on 1 packages/);
  const file = path.join(db, 'generations/000001/data.mdb');
  const bytes = fs.readFileSync(file);
  bytes[2 * 4096 + 100] ^= 1;
  fs.writeFileSync(file, bytes);
  const spoilt = plimsoll(['db', 'verify', '--db', db]);
  assert.equal(spoilt.code, 3);
  assert.match(spoilt.stderr, /not the bytes that were sealed/);
});

/** A database with one advisory, its key, and an image that the advisory is about. */
function prepare(t) {
  const dir = tempDir(t), db = path.join(dir, 'db'), key = path.join(dir, 'export.key'), file = path.join(dir, 'advisories.tar.zst');
  updateDb(db, `alpine-secdb=${makeSecdb(path.join(dir, 'feed'), { 'v3.22': { a: { '2.0-r0': ['CVE-2024-1'] } } })}`);
  const source = makeLayout(path.join(dir, 'image'), [{ tar: tar(alpineRoot({ packages: [{ name: 'a', version: '1.0-r0' }] })) }]).ref;
  return { dir, db, key, file, source, there: path.join(dir, 'there') };
}

test('a signed file carries the database, and nothing that was touched', (t) => {
  const { dir, db, key, file, source, there } = prepare(t);
  const made = plimsoll(['db', 'export', file, '--db', db, '--new-key', key]);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(fs.statSync(key).mode & 0o777, 0o600);
  assert.match(run('tar', ['--zstd', '-tf', file]).stdout, /^manifest.json\nsources\/alpine-secdb\/[0-9a-f]{64}\.records\n$/);
  const again = path.join(dir, 'again.tar.zst');
  assert.equal(plimsoll(['db', 'export', again, '--db', db, '--key', key]).code, 0);
  assert.deepEqual(fs.readFileSync(again), fs.readFileSync(file), 'the same database gives the same bytes');

  const taken = plimsoll(['db', 'import', file, '--db', there, '--key', `${key}.pub`]);
  assert.equal(taken.code, 0, taken.stderr);
  assert.deepEqual(ids(scan(source, ['--db', there]).report), ['CVE-2024-1 a']);
  assert.match(plimsoll(['db', 'import', file, '--db', there, '--key', `${key}.pub`]).stdout, /^unchanged/);

  const refuse = (bytes, words, trusted = `${key}.pub`, args = []) => {
    const bad = path.join(dir, 'bad.tar.zst'), none = path.join(dir, 'none');
    fs.writeFileSync(bad, bytes);
    const r = plimsoll(['db', 'import', bad, '--db', none, '--key', trusted, ...args]);
    assert.equal(r.code, 3, `${words}: ${r.stdout}`);
    assert.match(r.stderr, words);
    assert.equal(plimsoll(['db', 'status', '--db', none]).code, 3, 'nothing was published');
    fs.rmSync(none, { recursive: true, force: true });
  };
  const good = fs.readFileSync(file);
  for (const at of [60, 200, good.length >> 1, good.length - 20]) {
    const bytes = Buffer.from(good);
    bytes[at] ^= 1;
    refuse(bytes, /signed|signature|format|tar archive|zstd|checksum|not |JSON|expected/i);
  }
  refuse(good.subarray(0, good.length >> 1), /./);
  refuse(Buffer.from('PK\x03\x04 a zip'), /not an export/);
  const other = path.join(dir, 'other.key');
  assert.equal(plimsoll(['db', 'export', path.join(dir, 'x'), '--db', db, '--new-key', other]).code, 0);
  refuse(good, /no trusted key/, `${other}.pub`);
  assert.equal(plimsoll(['db', 'export', path.join(dir, 'y'), '--db', db, '--new-key', key]).code, 3, 'a key is never replaced');
});

test('an older export does not turn a database back', (t) => {
  const { dir, db, key, file, there } = prepare(t);
  assert.equal(plimsoll(['db', 'export', file, '--db', db, '--new-key', key]).code, 0);
  fs.cpSync(db, there, { recursive: true });
  const state = path.join(there, 'sources.json');
  fs.writeFileSync(state, fs.readFileSync(state, 'utf8').replace(/"fetchedAt": \d+/, `"fetchedAt": ${Math.floor(Date.now() / 1000) + 60}`));
  const refused = plimsoll(['db', 'import', file, '--db', there, '--key', `${key}.pub`]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /older than the one here/);
  assert.equal(plimsoll(['db', 'import', file, '--db', there, '--key', `${key}.pub`, '--older']).code, 0);
  assert.ok(dir);
});

test('a registry of one\'s own carries the database', async (t) => {
  const { dir, db, key, source, there } = prepare(t);
  const registry = await startRegistry(t, dir);
  const place = `docker://${registry.host}/plimsoll/advisories:latest`;
  const pushed = plimsoll(['db', 'export', place, '--db', db, '--new-key', key]);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.equal(plimsoll(['db', 'export', place, '--db', db, '--key', key]).code, 0, 'a second time: nothing new');
  const manifest = await (await fetch(`http://${registry.host}/v2/plimsoll/advisories/manifests/latest`,
    { headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } })).json();
  assert.equal(manifest.artifactType, 'application/vnd.plimsoll.advisories.v1');
  assert.equal(manifest.layers.length, 1);
  const pulled = plimsoll(['db', 'import', place, '--db', there, '--key', `${key}.pub`]);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.deepEqual(ids(scan(source, ['--db', there]).report), ['CVE-2024-1 a']);
  const missing = plimsoll(['db', 'import', `docker://${registry.host}/plimsoll/nothing:latest`, '--db', there, '--key', `${key}.pub`]);
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /no such repository or tag/);
});
