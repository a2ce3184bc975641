// SPDX-License-Identifier: Apache-2.0
// A damaged file of each detector, through the whole pipeline: it is told with its path and a reason, the scan
// is never Healthy, and the package of another database in the same layer is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT, alpineRoot, debianRoot, fs, makeLayout, makeSecdb, path, scan, tar, tempDir, updateDb } from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143'] } } };
const KIB = 1024, MIB = 1024 * KIB;
// Those whose fixtures have no broken one: more than is read of such a file, or of one line of it.
const TOO_LARGE = {
  busybox: 16 * MIB + 1, debian_version: 64 * KIB + 1, name_release: 64 * KIB + 1,
  dpkg_list: MIB + 2, opkg_list: MIB + 2, pacman_files: MIB + 2,
};

/** The table itself, so that a new detector is tried, too. */
function detectors() {
  const names = /^detectors = \[\n([^]*?)^\]/m.exec(fs.readFileSync(path.join(ROOT, 'src/inventory/meson.build'), 'utf8'))[1];
  return [...names.matchAll(/'(\w+)'/g)].map((m) => m[1]);
}

/** The first case of the detector's fixtures that expects a reason; null: there is none. */
function brokenCase(name) {
  const text = fs.readFileSync(path.join(ROOT, `tests/data/inventory/${name}.cases`), 'utf8');
  for (const one of text.split(/^=== /m).slice(1)) {
    const [, title, file, input, expected] = /^(.*): (.*)\n([^]*?)^---.*\n([^]*)$/m.exec(one);
    if (!/^! /m.test(expected)) continue;
    const from = /^@(.*)\n$/.exec(input);
    return { title, file, body: from ? fs.readFileSync(path.join(ROOT, 'tests/data', from[1])) : input };
  }
  return null;
}

const source = (name) => fs.readFileSync(path.join(ROOT, `src/inventory/${name}.c`), 'utf8');

function damaged(name) {
  const found = brokenCase(name);
  if (found) return found;
  assert.ok(TOO_LARGE[name], `${name}: no case of its fixtures is broken`);
  const file = /PATHS\("([^"]+)"/.exec(source(name))[1].replace('*', 'some-1-1');
  return { title: 'too large', file, body: Buffer.alloc(TOO_LARGE[name], 'x') };
}

function setUp(t) {
  const dir = tempDir(t);
  const db = updateDb(path.join(dir, 'db'), `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`);
  return (name, entries) => scan(makeLayout(path.join(dir, name), [{ tar: tar(entries) }]).ref, ['--db', db]);
}

for (const name of detectors())
  test(`${name}: a broken file, and the others are there`, (t) => {
    const scanEntries = setUp(t);
    const { file, body } = damaged(name);
    const isRelease = /\.release_rank = /.test(source(name)), isDatabase = /\.is_os_database = true/.test(source(name));
    const witness = { name: 'openssl', version: '3.3.2-r1' };
    const root = (name === 'apk' ? debianRoot({ packages: [witness] }) : alpineRoot({ packages: [witness] }))
      .filter((e) => !isRelease || e.path !== 'etc/os-release');
    const { report, code } = scanEntries('img', [{ path: file, body }, ...root]);
    assert.ok(report.packages.some((p) => p.name === 'openssl' && p.version === witness.version));
    const notice = report.notices.find((n) => n.path === `/${file}`);
    assert.ok(notice?.message, JSON.stringify(report.notices));
    if (!isRelease && !isDatabase) { // a list of files: it costs coverage, no package
      assert.equal(report.status, 'Healthy', report.reason);
      return;
    }
    assert.equal(report.complete, false);
    assert.equal(report.status, 'Failed', report.reason);
    assert.equal(code, 3);
  });

test('what is found beside a broken database is found', (t) => {
  const scanEntries = setUp(t);
  const { file, body } = damaged('dpkg');
  const root = alpineRoot({ packages: [{ name: 'openssl', version: '3.3.2-r0' }] });
  const { report, code } = scanEntries('img', [{ path: file, body }, ...root]);
  assert.equal(report.status, 'Unhealthy');
  assert.equal(report.complete, false);
  assert.equal(report.findings[0].id, 'CVE-2024-9143');
  assert.equal(code, 3);
});
