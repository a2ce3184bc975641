// SPDX-License-Identifier: Apache-2.0
// The image of `make demo`, scanned with the advisories that its own archive publishes, finds exactly what
// an independent reading of that archive finds; the upgraded one finds nothing and is Healthy.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ROOT, fs, must, path, plimsoll, scan } from './lib.mjs';
import { expectedFindings, installedSources } from './oracle-debian.mjs';

const images = path.join(ROOT, 'build/images');
const db = path.join(ROOT, 'build/images/db');

before(() => must(path.join(ROOT, 'scripts/make-images'), [images], { stdio: ['ignore', 'inherit', 'inherit'] }));

function unpack(name) {
  const root = path.join(images, `${name}.root`);
  fs.mkdirSync(root, { recursive: true });
  must('tar', ['-xf', path.join(images, `${name}.tar`), '-C', root, '--no-same-owner', './var/lib/dpkg']);
  return root;
}

function found(report) {
  const out = new Map();
  for (const f of report.findings) {
    if (!out.has(f.package.name)) out.set(f.package.name, new Set());
    out.get(f.package.name).add(f.id);
  }
  return out;
}

const flat = (map) => [...map].flatMap(([source, ids]) => [...ids].map((id) => `${source} ${id}`)).sort();

test('the plain image: exactly the sources older than bookworm-security, with the CVEs of the newer changelog entries', () => {
  const update = plimsoll(['db', 'update', '--db', db, '--feed', 'debian-archive', '--for', `oci:${images}/plain:latest`]);
  assert.equal(update.code, 0, update.stderr);
  const site = must(path.join(ROOT, 'scripts/mirror'), ['security']).trim();
  const arch = must('dpkg', ['--print-architecture']).trim();
  const expected = expectedFindings(unpack('plain'), site, 'bookworm-security', arch, path.join(images, 'cache'));
  const { report, code } = scan(`oci:${images}/plain:latest`, ['--db', db]);
  assert.equal(code, 0);
  const wanted = flat(expected), got = flat(found(report));
  console.log(`# sources ${expected.size}, findings exact ${got.filter((x) => wanted.includes(x)).length}/${wanted.length}`);
  assert.deepEqual(got, wanted);
  assert.ok(wanted.length > 0, 'a plain suite without any security update proves nothing');
  assert.equal(report.status, 'Unhealthy');
  assert.equal(report.complete, true);
});

test('the plain image: its packages are those of dpkg-query', () => {
  const { report } = scan(`oci:${images}/plain:latest`, ['--db', db]);
  const want = [...installedSources(path.join(images, 'plain.root'))].flatMap(([source, s]) => s.binaries.map((b) => `${b} ${source} ${s.version}`)).sort();
  const got = report.packages.map((p) => `${p.name} ${p.source.name} ${p.source.version}`).sort();
  assert.deepEqual(got, want);
});

test('the upgraded image is Healthy', () => {
  const update = plimsoll(['db', 'update', '--db', db, '--feed', 'debian-archive', '--for', `oci:${images}/upgraded:latest`]);
  assert.equal(update.code, 0, update.stderr);
  const { report, code } = scan(`oci:${images}/upgraded:latest`, ['--db', db]);
  assert.deepEqual(flat(found(report)), []);
  assert.equal(report.status, 'Healthy', report.reason);
  assert.equal(code, 0);
});

// The advice must work: what the report prints is what is run, in the image's own root, as a build step would.
test('the printed remediation, carried out in the plain image, heals what it says', (t) => {
  const before = scan(`oci:${images}/plain:latest`, ['--db', db]).report;
  const steps = before.plan.steps.filter((s) => s.command);
  assert.ok(steps.length > 0 && before.plan.unhealed.length === 0);
  const promised = new Set(steps.flatMap((s) => s.packages.flatMap((p) => p.heals.map((id) => `${p.name} ${id}`))));
  assert.deepEqual([...promised].sort(), flat(found(before)), 'the plan heals every finding');
  const root = path.join(images, 'healed.root');
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  must(path.join(ROOT, 'scripts/heal'), [path.join(images, 'plain.tar'), root, steps.map((s) => s.command).join(' && ')]);
  const { report } = scan(`dir:${root}`, ['--db', db]);
  const left = flat(found(report)).filter((x) => promised.has(x));
  console.log(`# promised ${promised.size}, left ${left.length}, commands ${steps.length}`);
  assert.deepEqual(left, []);
  assert.equal(report.complete, true);
  assert.equal(report.status, 'Healthy', report.reason);
});
