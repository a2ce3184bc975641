// SPDX-License-Identifier: Apache-2.0
// Bad input: one line that names the thing, one that names the remedy, exit 3 (2 for usage), never Healthy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpineRoot, freePort, fs, gzip, makeLayout, makeSecdb, path, plimsoll, push, startRegistry, tar, tempDir, updateDb } from './lib.mjs';

const root = alpineRoot({ packages: [{ name: 'openssl', version: '3.3.2-r1' }] });
function database(dir) {
  return updateDb(path.join(dir, 'db'), `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143'] } } })}`);
}

/** A failed command: its code, two short lines on stderr, and no word of health. */
function refused(args, code, ...patterns) {
  const r = plimsoll(args);
  assert.equal(r.code, code, `${args.join(' ')}\n${r.stdout}${r.stderr}`);
  for (const pattern of patterns) assert.match(r.stderr + r.stdout, pattern);
  assert.doesNotMatch(r.stdout, /\bHealthy\b/);
  return r;
}

test('layers: truncated, corrupt, wrong digest', (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const whole = tar(root), packed = gzip(whole);
  const corrupt = Buffer.from(packed);
  corrupt[Math.floor(packed.length / 2)] ^= 0xff;
  const layers = {
    truncated: { tar: whole, bytes: packed.subarray(0, packed.length - 12) },
    corrupt: { tar: whole, bytes: corrupt },
    'wrong digest': { tar: whole, bytes: packed, digest: 'sha256:' + 'ab'.repeat(32) },
    'wrong diff-id': { tar: whole, bytes: packed, diffId: 'sha256:' + 'cd'.repeat(32) },
    'not a tar': { tar: Buffer.from('rubbish'.repeat(1000)), bytes: gzip(Buffer.from('rubbish'.repeat(1000))) },
  };
  for (const [name, layer] of Object.entries(layers)) {
    const image = makeLayout(path.join(dir, name.replaceAll(' ', '-')), [layer]);
    const r = refused(['scan', image.ref, '--db', db, '--format', 'json', '--quiet'], 3);
    const report = JSON.parse(r.stdout);
    assert.equal(report.status, 'Failed', name);
    assert.equal(report.complete, false, name);
    assert.match(report.notices[0].message, /layer 1/, name);
  }
});

test('what is not there: image, tag, manifest, host', async (t) => {
  const dir = tempDir(t);
  const db = database(dir);
  const registry = await startRegistry(t, dir);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }]);
  push(image.layout, `${registry.host}/team/app:1`);
  assert.equal(plimsoll(['scan', `${registry.host}/team/app:1`, '--db', db, '--quiet']).code, 0);
  refused(['scan', `${registry.host}/team/app:2`, '--db', db], 3, /team\/app/, /2/);
  refused(['scan', `${registry.host}/team/none:1`, '--db', db], 3, /none/);
  refused(['scan', `127.0.0.1:${await freePort()}/team/app:1`, '--db', db], 3, /refused|connect/i);
  refused(['scan', `oci:${dir}/img:nosuch`, '--db', db], 3, /nosuch/, /latest/);
  refused(['scan', `oci:${dir}/nowhere`, '--db', db], 3, /nowhere/);
  fs.writeFileSync(path.join(dir, 'img/index.json'), '{"manifests": 7}');
  refused(['scan', `oci:${dir}/img:latest`, '--db', db], 3);
  fs.writeFileSync(path.join(dir, 'not.tar'), 'not an archive');
  refused(['scan', `oci-archive:${dir}/not.tar`, '--db', db], 3, /not\.tar/);
});

test('databases: none, empty, of a newer format', (t) => {
  const dir = tempDir(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(root) }]);
  refused(['scan', image.ref, '--db', path.join(dir, 'nowhere')], 3, /db update/);
  fs.mkdirSync(path.join(dir, 'empty'));
  refused(['scan', image.ref, '--db', path.join(dir, 'empty')], 3, /db update/);
  const db = database(dir);
  const file = path.join(fs.realpathSync(path.join(db, 'current')), 'data.mdb');
  fs.chmodSync(file, 0o644);
  fs.writeFileSync(file, 'rubbish'.repeat(2000));
  refused(['scan', image.ref, '--db', db], 3, /database/);
});

test('usage: unknown option, command, format, severity, config key', (t) => {
  const dir = tempDir(t);
  refused(['scan'], 2, /SOURCE/);
  refused(['scan', '--nosuch', 'x'], 2, /nosuch/);
  refused(['nosuch'], 2, /nosuch/);
  refused(['scan', 'oci:x', '--format', 'nosuch'], 2, /json/);
  refused(['scan', 'oci:x', '--fail-on', 'nosuch'], 2, /nosuch/);
  fs.writeFileSync(path.join(dir, 'c.yaml'), 'listen:\n  port: 0\nnosuch-key: 1\n');
  refused(['serve', '--config', path.join(dir, 'c.yaml')], 2, /c\.yaml:3:1/, /nosuch-key/);
  refused(['serve', '--config', path.join(dir, 'missing.yaml')], 3, /missing\.yaml/);
});

test('nothing is left half-written', (t) => {
  const dir = tempDir(t);
  const out = path.join(dir, 'report.json');
  refused(['scan', `oci:${dir}/nowhere`, '-o', out], 3);
  assert.equal(fs.existsSync(out), false);
  refused(['db', 'update', '--db', path.join(dir, 'db'), '--feed', `alpine-secdb=${dir}/nowhere`], 3, /alpine-secdb/);
  assert.equal(fs.existsSync(path.join(dir, 'db/current')), false);
});
