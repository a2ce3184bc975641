// SPDX-License-Identifier: Apache-2.0
// From findings to decisions: rules, base images, the plan, gates, the last line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alpineRoot, fs, makeLayout, makeSecdb, must, path, plimsoll, push, scan, startRegistry, tar, tempDir, updateDb } from './lib.mjs';

const tools = { name: 'apk-tools', version: '2.14.9-r0' };
const base = alpineRoot({ packages: [tools, { name: 'openssl', version: '3.3.2-r0' }] });
const own = alpineRoot({ packages: [tools, { name: 'openssl', version: '3.3.2-r0' }, { name: 'curl', version: '8.0.0-r0' }, { name: 'zlib', version: '1.0-r0' }] });

function database(dir) {
  return updateDb(path.join(dir, 'db'), `alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), {
    'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143'] }, curl: { '8.1.0-r0': ['CVE-2024-1000', 'CVE-2024-1001'], '8.2.0-r0': ['CVE-2024-1002'] }, zlib: { 0: [], '2.0-r0': ['CVE-2024-2000'] } },
  })}`);
}

function scene(t) {
  const dir = tempDir(t);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: tar(base), createdBy: 'ADD rootfs' }, { tar: tar(own.slice(1)), createdBy: 'RUN apk add curl zlib' }]);
  const below = makeLayout(path.join(dir, 'base'), [{ tar: tar(base), compress: (b) => b, mediaType: 'application/vnd.oci.image.layer.v1.tar' }]);
  return { dir, db: database(dir), image, below };
}

const ids = (report, wanted = () => true) => report.findings.filter(wanted).map((f) => f.id).sort();
const ALL = ['CVE-2024-1000', 'CVE-2024-1001', 'CVE-2024-1002', 'CVE-2024-2000', 'CVE-2024-9143'];

function write(dir, name, text) {
  const file = path.join(dir, name);
  fs.writeFileSync(file, text);
  return file;
}

test('rules disable findings before the verdict: counts, gate and status leave them out, the report keeps them', (t) => {
  const { dir, db, image } = scene(t);
  const rules = write(dir, 'rules.yaml', `rules:
  - name: curl-waits
    justification: the next release upgrades it
    expires: 2999-12-31
    criteria: { cve: [CVE-2024-1000, CVE-2024-1001, CVE-2024-1002] }
  - name: over
    justification: was only for last year
    expires: 2025-12-31
    criteria: { id: CVE-2024-2000 }
  - name: nothing
    justification: mistyped
    criteria: { id: CVE-1999-0001 }
  - name: elsewhere
    justification: about others
    scope: { repository: other/** }
    criteria: { patchable: true }
`);
  const { report, code } = scan(image.ref, ['--db', db, '--rules', rules]);
  assert.equal(code, 0);
  assert.deepEqual(ids(report), ALL);
  assert.deepEqual(ids(report, (f) => f.disabledBy), ALL.slice(0, 3));
  assert.ok(report.findings.every((f) => !f.disabledBy || (f.disabledBy === 'curl-waits' && f.disabledReason === 'the next release upgrades it')));
  assert.equal(report.summary.disabled, 3);
  assert.equal(report.summary.unknown, 2);
  assert.equal(report.status, 'Unhealthy');
  const notices = report.notices.map((n) => n.message).join('\n');
  assert.match(notices, /rule over ended at 2026-01-01T00:00:00Z and disables nothing; 1 finding of this image would fit it/);
  assert.match(notices, /rule nothing fits no finding of this image/);
  assert.match(notices, /1 rule is about other images/);
  const healed = report.plan.steps.flatMap((s) => s.packages.flatMap((p) => p.heals));
  assert.deepEqual(healed.sort(), ALL.slice(3), 'the plan is about what counts');
});

test('a list of ids with reasons: all disabled is Healthy, does not trip the gate, and is shown when asked for', (t) => {
  const { dir, db, image } = scene(t);
  const list = write(dir, '.plimsollignore', `# decided\n${ALL.map((id) => `${id} until 2999-01-01 looked at by us`).join('\n')}\n`);
  const { report, code } = scan(image.ref, ['--db', db, '--rules', list, '--fail-on', 'low']);
  assert.equal(report.status, 'Healthy', report.reason);
  assert.equal(code, 0);
  assert.equal(report.summary.disabled, 5);
  const table = plimsoll(['scan', image.ref, '--db', db, '--rules', list]);
  assert.doesNotMatch(table.stdout, /CVE-2024-1000/);
  assert.match(table.stdout, /disabled by rules or VEX: 5/);
  assert.match(table.stdout, /but 5 disabled findings · /);
  const shown = plimsoll(['scan', image.ref, '--db', db, '--rules', list, '--show-disabled']);
  assert.match(shown.stdout, /DISABLED +5 findings/);
  assert.match(shown.stdout, /CVE-2024-1000/);
  assert.match(shown.stdout, /looked at by us/);
  const why = plimsoll(['explain', image.ref, 'CVE-2024-1000', '--db', db, '--rules', list]);
  assert.match(why.stdout, /^CVE-2024-1000 in .*: disabled$/m);
  assert.match(why.stdout, /\.plimsollignore:2 \(looked at by us\)/);
});

test('a file of rules in the current folder is not read by itself', (t) => {
  const { dir, db, image } = scene(t);
  write(dir, '.plimsollignore', `${ALL[0]} by whoever opened the pull request\n`);
  const r = plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--quiet'], { cwd: dir });
  assert.equal(JSON.parse(r.stdout).summary.disabled, 0);
});

test('an error in a rules file: file, line, column; exit 2; no scan', (t) => {
  const { dir, db, image } = scene(t);
  const rules = write(dir, 'bad.yaml', 'rules:\n  - name: a\n    justification: b\n    criteria: { cves: CVE-2024-1000 }\n');
  const out = path.join(dir, 'report.json');
  const r = plimsoll(['scan', image.ref, '--db', db, '--rules', rules, '--format', 'json', '-o', out]);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /bad\.yaml:4:17: unknown key cves/);
  assert.equal(r.stdout, '');
  assert.ok(!fs.existsSync(out));
});

test('--base: the layers of another image, whatever their compression, are the base', (t) => {
  const { db, image, below } = scene(t);
  const { report } = scan(image.ref, ['--db', db, '--base', below.ref]);
  assert.deepEqual(report.image.layers.map((l) => l.base), [true, false]);
  const from = Object.fromEntries(report.findings.map((f) => [f.package.name, f.package.base]));
  assert.deepEqual(from, { curl: false, openssl: true, zlib: false });
  assert.ok(report.packages.every((p) => p.base === (p.layer === report.image.layers[0].digest)));
  assert.match(report.findings.find((f) => f.package.name === 'openssl').remediation.text, /comes with the base image/);
  const steps = report.plan.steps.map((s) => [s.base, s.manager, s.buildStep, s.packages.map((p) => `${p.name} ${p.version} ${p.fixedVersion}`)]);
  assert.deepEqual(steps.sort(), [
    [false, 'apk', 'RUN apk add curl zlib', ['curl 8.0.0-r0 8.2.0-r0', 'zlib 1.0-r0 2.0-r0']],
    [true, 'apk', 'ADD rootfs', ['openssl 3.3.2-r0 3.3.2-r1']],
  ]);
  assert.ok(report.notices.some((n) => n.message.includes(`the first 1 of 2 layers are the base image ${below.ref}`)));
});

test('--base: an image that it is not built on is said to be none; what has no layers is an error', (t) => {
  const { dir, db, image } = scene(t);
  const other = makeLayout(path.join(dir, 'other'), [{ tar: tar(alpineRoot({ packages: [tools] })) }]);
  const { report } = scan(image.ref, ['--db', db, '--base', other.ref]);
  assert.deepEqual(report.image.layers.map((l) => l.base), [false, false]);
  assert.ok(report.notices.some((n) => /none of the images given as base/.test(n.message)));
  const folder = plimsoll(['scan', image.ref, '--db', db, '--base', `dir:${dir}`]);
  assert.equal(folder.code, 3);
  assert.match(folder.stderr, /--base: .*a folder has no layers/);
});

test('--base: the longest of several counts, in a registry and in an archive too', async (t) => {
  const { dir, db, image, below } = scene(t);
  const registry = await startRegistry(t, dir);
  push(image.layout, `${registry.host}/shop/cart:1`);
  push(below.layout, `${registry.host}/base/alpine:3`);
  must('skopeo', ['copy', '--quiet', below.ref, `docker-archive:${dir}/base.tar:base/alpine:3`]);
  for (const source of [`${registry.host}/base/alpine:3`, `docker-archive:${dir}/base.tar`]) {
    const { report } = scan(`${registry.host}/shop/cart:1`, ['--db', db, '--plain-http', '--base', source]);
    assert.deepEqual(report.image.layers.map((l) => l.base), [true, false], source);
  }
  const { report } = scan(`${registry.host}/shop/cart:1`, ['--db', db, '--plain-http', '--base', below.ref, '--base', image.ref]);
  assert.deepEqual(report.image.layers.map((l) => l.base), [true, true]);
});

test('a rule with a scope is about the image in its registry', async (t) => {
  const { dir, db, image } = scene(t);
  const registry = await startRegistry(t, dir);
  push(image.layout, `${registry.host}/shop/cart:1`);
  const rules = (scope) => write(dir, 'scoped.yaml', `rules: [{name: s, justification: j, scope: ${scope}, criteria: {patchable: true}}]`);
  const disabled = (source, scope) => scan(source, ['--db', db, '--plain-http', '--rules', rules(scope)]).report.summary.disabled;
  const source = `${registry.host}/shop/cart:1`;
  const { digest } = scan(source, ['--db', db, '--plain-http']).report.image;
  assert.equal(disabled(source, `{registry: "${registry.host}", repository: "shop/*"}`), 5);
  assert.equal(disabled(source, '{registry: other.example}'), 0);
  assert.equal(disabled(source, `{digest: "${digest}"}`), 5);
  assert.equal(disabled(source, `{digest: "sha256:${'0'.repeat(64)}"}`), 0);
  assert.equal(disabled(image.ref, `{registry: "${registry.host}"}`), 0, 'a layout is in no registry');
});

test('the last line: on standard error for what is not a table, and why the exit code is 1', (t) => {
  const { dir, db, image } = scene(t);
  const json = plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--fail-on', 'high']);
  assert.equal(json.code, 1);
  assert.deepEqual(json.stderr.trim().split('\n'), [`Unhealthy: 5 findings, 5 with a fix · ${image.ref} linux/amd64`, '--fail-on high: 5 findings trip it']);
  const quiet = plimsoll(['scan', image.ref, '--db', db, '--format', 'json', '--fail-on', 'high', '--quiet']);
  assert.deepEqual([quiet.code, quiet.stderr], [1, '']);
  const table = plimsoll(['scan', image.ref, '--db', db]);
  assert.equal(table.stderr, '');
  assert.match(table.stdout.trim().split('\n').at(-1), /Unhealthy: 5 findings/);
  const file = plimsoll(['scan', image.ref, '--db', db, '-o', path.join(dir, 'table.txt')]);
  assert.match(file.stderr, /^Unhealthy: 5 findings/);
  const unrated = plimsoll(['scan', image.ref, '--db', db, '--fail-on', 'critical', '--ignore-unknown', '--quiet']);
  assert.equal(unrated.code, 0, 'nobody rated them, and that is ignored');
});
