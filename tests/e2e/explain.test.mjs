// SPDX-License-Identifier: Apache-2.0
// `plimsoll explain`: why an image is affected by a vulnerability, or why not, on real images.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT, SHARED, alpineRoot, debianRoot, fs, makeLayout, needs, path, plimsoll, scan, tar, tempDir, updateDb } from './lib.mjs';

function explain(source, id, args) {
  const r = plimsoll(['explain', source, id, '--format', 'json', '--quiet', ...args]);
  if (!r.stdout) throw new Error(`explain ${source} ${id}: exit ${r.code}: ${r.stderr}`);
  return { code: r.code, ...JSON.parse(r.stdout) };
}

const kinds = (answer) => answer.explanations.map((e) => `${e.kind} ${e.package.name}`);

function record(dir, id, affected, more = {}) {
  fs.writeFileSync(path.join(dir, `${id}.json`), JSON.stringify({ id, modified: '2026-01-01T00:00:00Z', affected, ...more }));
}

const about = (ecosystem, name, ...events) => ({ package: { ecosystem, name }, ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, ...events] }] });

test('real images of Debian: both ways', { skip: needs('corpus/images/derived-debian-12-plain.docker.tar') }, (t) => {
  const dir = tempDir(t);
  const feed = `${SHARED}/feeds/debian-security-by-changelog/osv-debian-changelog`;
  const db = ['--db', updateDb(path.join(dir, 'db'), `osv=${feed}`, `alpine-secdb=${SHARED}/feeds/alpine-secdb`)];
  const plain = path.join(SHARED, 'corpus/images/derived-debian-12-plain.docker.tar');
  const upgraded = path.join(SHARED, 'corpus/images/derived-debian-12-upgraded.oci.tar');
  const before = scan(plain, db).report, after = new Set(scan(upgraded, db).report.findings.map((f) => `${f.package.name} ${f.id}`));
  const healed = before.findings.find((f) => !after.has(`${f.package.name} ${f.id}`));
  assert.ok(healed, 'the upgrade heals something');

  const yes = explain(plain, healed.id, db);
  assert.equal(yes.code, 0);
  assert.equal(yes.answer, 'affected');
  const reason = yes.explanations.find((e) => e.kind === 'affected' && e.package.name === healed.package.name);
  assert.equal(reason.comparator, 'dpkg');
  assert.equal(reason.trace, `${healed.package.version} < ${healed.fixedVersion}`);
  assert.equal(reason.package.layer, before.image.layers[0].digest);
  assert.equal(reason.package.path, '/var/lib/dpkg/status');
  assert.equal(reason.source, 'osv');
  assert.equal(reason.record, healed.evidence[0].record);
  assert.equal(reason.revision, healed.evidence[0].revision);

  const no = explain(upgraded, healed.id, db);
  assert.equal(no.answer, 'not-affected');
  const fixed = no.explanations.find((e) => e.kind === 'fixed' && e.package.name === healed.package.name);
  assert.match(fixed.trace, / >= /);

  // Every finding of the image is explained as such.
  for (const f of before.findings.slice(0, 40)) {
    const answer = explain(plain, f.id, db);
    assert.ok(answer.explanations.some((e) => e.kind === 'affected' && e.package.name === f.package.name), f.id);
  }

  const alpine = explain(plain, 'CVE-2019-1559', db); // openssl in Alpine's secdb
  assert.deepEqual(kinds(alpine), ['other-source openssl']);
  assert.equal(alpine.answer, 'not-affected');

  const nothing = explain(plain, 'cve-2099-0001', db);
  assert.equal(nothing.id, 'CVE-2099-0001');
  assert.equal(nothing.answer, 'no-record');

  const table = plimsoll(['explain', plain, healed.id, '--quiet', ...db]);
  assert.equal(table.code, 0);
  assert.match(table.stdout, new RegExp(`^${healed.id} in .*: affected\\n`));
  assert.match(table.stdout, /affected: dpkg: \S+ < \S+, fixed in \S+\n\s+by osv DEBIAN-CVE-\S+, revision /);
});

test('the demo\'s image against debian-archive', { skip: fs.existsSync(path.join(ROOT, 'build/images/db/current')) ? false : 'skipped: build/images is absent (make demo makes it)' }, () => {
  const db = ['--db', path.join(ROOT, 'build/images/db')];
  const source = `oci:${ROOT}/build/images/plain:latest`;
  const finding = scan(source, db).report.findings.find((f) => f.fixedVersion);
  const answer = explain(source, finding.id, db);
  assert.equal(answer.answer, 'affected');
  assert.ok(kinds(answer).includes(`affected ${finding.package.name}`));
});

test('every other reason', (t) => {
  const dir = tempDir(t);
  const feed = path.join(dir, 'feed');
  fs.mkdirSync(feed);
  record(feed, 'DEBIAN-CVE-2026-0001', [about('Debian:12', 'tiny', { fixed: '1.2-1' }), about('Debian:12', 'absent', { fixed: '9' })], { aliases: ['CVE-2026-0001'] });
  record(feed, 'DEBIAN-CVE-2026-0002', [about('Debian:13', 'tiny', { fixed: '9' })], { aliases: ['CVE-2026-0002'] });
  record(feed, 'DEBIAN-CVE-2026-0003', [about('Debian:12', 'tiny', { fixed: '9' })], { aliases: ['CVE-2026-0003'], withdrawn: '2026-02-01T00:00:00Z' });
  record(feed, 'DEBIAN-CVE-2026-0004', [about('Debian:12', 'odd', { fixed: '9' })], { aliases: ['CVE-2026-0004'] });
  record(feed, 'GHSA-aaaa-bbbb-cccc', [about('PyPI', 'tiny', { fixed: '9' })], { aliases: ['CVE-2026-0005'] });
  record(feed, 'DEBIAN-CVE-2026-0006', [{ package: { ecosystem: 'Debian:12', name: 'tiny' }, ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '3' }, { fixed: '4' }] }] }], { aliases: ['CVE-2026-0006'] });
  record(feed, 'DEBIAN-CVE-2026-0007', [about('Debian:12', 'nobody', { fixed: '9' })], { aliases: ['CVE-2026-0007'] });
  const db = ['--db', updateDb(path.join(dir, 'db'), `osv=${feed}`)];
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(debianRoot({ packages: [{ name: 'libtiny1', source: 'tiny', version: '1.2-1' }, { name: 'odd', version: '1_0' }] })) }]).ref;

  const ask = (id) => explain(image, id, db);
  const fixed = ask('CVE-2026-0001');
  assert.deepEqual(kinds(fixed), ['fixed tiny']);
  assert.equal(fixed.explanations[0].trace, '1.2-1 >= 1.2-1');
  assert.deepEqual(fixed.notInstalled, [{ ecosystem: 'Debian:12', name: 'absent' }]);
  assert.deepEqual(kinds(ask('CVE-2026-0002')), ['other-release tiny']);
  const withdrawn = ask('CVE-2026-0003');
  assert.deepEqual(kinds(withdrawn), ['withdrawn tiny']);
  assert.equal(withdrawn.explanations[0].note, '2026-02-01T00:00:00Z');
  const unknown = ask('CVE-2026-0004');
  assert.deepEqual(kinds(unknown), ['unknown odd']);
  assert.equal(unknown.answer, 'unknown');
  assert.equal(unknown.code, 3);
  assert.deepEqual(kinds(ask('GHSA-aaaa-bbbb-cccc')), ['other-source tiny']);
  assert.deepEqual(kinds(ask('CVE-2026-0005')), ['other-source tiny']); // by its alias
  assert.deepEqual(kinds(ask('CVE-2026-0006')), ['not-yet-affected tiny']);
  const absent = ask('CVE-2026-0007');
  assert.deepEqual(absent.explanations, []);
  assert.deepEqual(absent.notInstalled, [{ ecosystem: 'Debian:12', name: 'nobody' }]);

  const alpine = makeLayout(path.join(dir, 'alpine'), [{ tar: tar(alpineRoot({ packages: [{ name: 'tiny', version: '1.0-r0' }] })) }]).ref;
  const uncovered = explain(alpine, 'CVE-2026-0001', db);
  assert.equal(uncovered.covered, false);
  assert.equal(uncovered.answer, 'unknown'); // never "not affected" of a release without a source
});

test('--vex takes findings away, and says so', (t) => {
  const dir = tempDir(t);
  const feed = path.join(dir, 'feed');
  fs.mkdirSync(feed);
  record(feed, 'DEBIAN-CVE-2026-0001', [about('Debian:12', 'tiny', { fixed: '9' })], { aliases: ['CVE-2026-0001'] });
  record(feed, 'DEBIAN-CVE-2026-0002', [about('Debian:12', 'tiny', { fixed: '9' })], { aliases: ['CVE-2026-0002'] });
  const db = ['--db', updateDb(path.join(dir, 'db'), `osv=${feed}`)];
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(debianRoot({ packages: [{ name: 'libtiny1', source: 'tiny', version: '1.2-1' }] })) }]);
  const vex = (file, statements) => {
    fs.writeFileSync(path.join(dir, file), JSON.stringify({
      '@context': 'https://openvex.dev/ns/v0.2.0', '@id': `https://example.org/${file}`, author: 'A', timestamp: '2026-01-01T00:00:00Z', version: 1, statements,
    }));
    return ['--vex', path.join(dir, file)];
  };
  const denies = vex('a.json', [{ vulnerability: { name: 'CVE-2026-0001' }, products: [{ '@id': 'pkg:deb/debian/tiny' }], status: 'not_affected', justification: 'vulnerable_code_not_present' }]);
  const { report } = scan(image.ref, [...db, ...denies]);
  assert.deepEqual(report.findings.map((f) => [f.id, f.disabledBy]), [['CVE-2026-0001', 'vex:https://example.org/a.json'], ['CVE-2026-0002', null]]);
  assert.equal(report.findings[0].evidence[1].note, 'not_affected: vulnerable_code_not_present');
  assert.equal(report.summary.disabled, 1);
  assert.equal(report.summary.unknown, 1);
  assert.equal(report.status, 'Unhealthy');
  assert.deepEqual(kinds(explain(image.ref, 'CVE-2026-0001', [...db, ...denies])), ['vex tiny']);
  assert.deepEqual(kinds(explain(image.ref, 'CVE-2026-0002', [...db, ...denies])), ['affected tiny']);

  // The image itself as product, by its digest: nothing is left.
  const whole = vex('b.json', ['CVE-2026-0001', 'CVE-2026-0002'].map((name) => ({
    vulnerability: { name }, products: [{ '@id': `pkg:oci/img@${encodeURIComponent(image.digest)}`, hashes: { 'sha-256': image.digest.slice(7) } }], status: 'fixed',
  })));
  const healed = scan(image.ref, [...db, ...whole]).report;
  assert.equal(healed.status, 'Healthy');
  assert.equal(healed.summary.disabled, 2);
  assert.equal(scan(image.ref, [...db, ...whole, '--fail-on', 'low']).code, 0);
  assert.equal(scan(image.ref, [...db, '--fail-on', 'low']).code, 1);

  const broken = plimsoll(['scan', image.ref, ...db, '--vex', path.join(dir, 'none.json')]);
  assert.equal(broken.code, 3);
  assert.match(broken.stderr, /--vex .*none\.json/);
});
