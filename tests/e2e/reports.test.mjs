// SPDX-License-Identifier: Apache-2.0
// Every machine-readable report of real scans, against the schema that its standard publishes and, where there
// is one, a second reader.  Where the schemas come from:
//   SARIF 2.1.0 (OASIS, errata 01)   npm @microsoft/jest-sarif, MIT: lib/schemas/sarif-2.1.0-rtm.5.json
//   CycloneDX 1.6, its JSF and the SPDX list of licences
//                                    npm @cyclonedx/cyclonedx-library, Apache-2.0: res/schema/, and its validator
//   SPDX 2.3, OpenVEX 0.2.0, GitLab 15.0.7, JUnit
//                                    tests/data/schemas/, written for these tests: no npm package carries them
// Second readers: the CycloneDX library's validator, spdx-expression-parse (MIT) for licences, our own VEX reader by
// --vex, xmllint for XML, a CSV parser of a few lines below.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import addFormatsModule from 'ajv-formats';
import AjvModule from 'ajv';
import Ajv2020Module from 'ajv/dist/2020.js';
import parseLicence from 'spdx-expression-parse';
import { BINARY, ROOT, alpineRoot, debianRoot, fs, makeLayout, makeSecdb, must, os, path, plimsoll, run, tar, updateDb } from './lib.mjs';

const require = createRequire(import.meta.url);
const Ajv = AjvModule.default ?? AjvModule, Ajv2020 = Ajv2020Module.default ?? Ajv2020Module;
const addFormats = addFormatsModule.default ?? addFormatsModule;
const packageFile = (name, file) => {
  for (const base of require.resolve.paths(name)) {
    const at = path.join(base, name, file);
    if (fs.existsSync(at)) return at;
  }
  throw new Error(`${name}: no ${file}`);
};
const load = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const own = (name) => path.join(ROOT, 'tests/data/schemas', name);
const cyclonedxSchema = (name) => load(packageFile('@cyclonedx/cyclonedx-library', `res/schema/${name}.SNAPSHOT.schema.json`));

/** Drafts before 2019 need the older ajv. */
function validator(schema, { isOld = false, refs = {}, unicodeRegExp = true } = {}) {
  const ajv = addFormats(new (isOld ? Ajv : Ajv2020)({ strict: false, allErrors: true, validateFormats: true, logger: false, unicodeRegExp }));
  ajv.addFormat('idn-email', true).addFormat('iri-reference', (s) => /^[^\s<>"{}|\\^`]*$/.test(s)); // beyond ajv-formats
  for (const [key, { $id, ...ref }] of Object.entries(refs)) ajv.addSchema(ref, `http://cyclonedx.org/schema/${key}.SNAPSHOT.schema.json`);
  const validate = ajv.compile(schema);
  return (value, what) => assert.ok(validate(value), `${what}: ${JSON.stringify(validate.errors?.slice(0, 5), null, 1)}`);
}
const valid = {
  sarif: validator((({ $schema, id, ...rest }) => rest)(load(packageFile('@microsoft/jest-sarif', 'lib/schemas/sarif-2.1.0-rtm.5.json'))), { isOld: true, unicodeRegExp: false }),
  cyclonedx: validator(cyclonedxSchema('bom-1.6'), { isOld: true, refs: { spdx: cyclonedxSchema('spdx'), 'jsf-0.82': cyclonedxSchema('jsf-0.82') } }),
  gitlab: validator(load(own('gitlab-container-scanning-15.0.7.json'))),
  spdx: validator(load(own('spdx-2.3.json'))),
  openvex: validator(load(own('openvex-0.2.0.json'))),
};

/** RFC 4180: rows of fields. */
function parseCsv(text) {
  const rows = [[]];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      for (at++; ; at++) {
        assert.ok(at < text.length, 'a quote that does not end');
        if (text[at] === '"' && text[at + 1] !== '"') break;
        if (text[at] === '"') at++;
        field += text[at];
      }
      at++;
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        assert.notEqual(text[at], '"');
        field += text[at++];
      }
    }
    rows.at(-1).push(field);
    if (text[at] === ',') at++;
    else {
      assert.equal(text.slice(at, at + 2), '\r\n');
      at += 2;
      if (at < text.length) rows.push([]);
    }
  }
  const [head, ...body] = rows;
  for (const row of body) assert.equal(row.length, head.length);
  return body.map((row) => Object.fromEntries(row.map((value, i) => [head[i], value])));
}

// --- images: what a scan must cope with ------------------------------------------------------------------------------
const EVIL = '=cmd|<b>&"x"[a](b){0}';
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-reports-'));
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
const images = {};
let db, vex;

function evilRoot() {
  const root = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.3.2-r0' }, { name: 'libcrypto3', origin: 'openssl', version: '3.3.2-r0' },
    { name: 'busybox', version: '1.36.1-r0' }, { name: EVIL, version: '1.0-r0' }, { name: 'musl', version: '1.2.5-r0' }] });
  root[1].body = root[1].body.replace(/o:openssl\n/g, 'o:openssl\nL:Apache-2.0\n').replace('o:musl\n', 'o:musl\nL:custom:"x"\n')
    .replace('o:busybox\n', 'o:busybox\nL:GPL-2.0-only OR (mit AND bsd-3-clause)\n');
  return root;
}

before(() => {
  const secdb = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.3.2-r1': ['CVE-2024-9143', 'CVE-2024-9999'] }, busybox: { '1.36.1-r9': ['CVE-2023-42366'] }, [EVIL]: { '2.0-r0': ['CVE-2024-6666', `${EVIL}-1`] } } });
  db = updateDb(path.join(dir, 'db'), `alpine-secdb=${secdb}`);
  const layer = (root) => ({ tar: tar(root), createdBy: `RUN x ${EVIL}\u001b[31m` });
  images.evil = makeLayout(path.join(dir, 'evil'), [layer(evilRoot())], { config: { config: { Labels: { [EVIL]: `${EVIL}\u001b[0m` } } } });
  images.healthy = makeLayout(path.join(dir, 'healthy'), [layer(alpineRoot({ packages: [{ name: 'musl', version: '1.2.5-r0' }] }))]);
  images.unknown = makeLayout(path.join(dir, 'unknown'), [layer(debianRoot({ packages: [{ name: 'bash', version: '5.2-1' }] }))]);
  images.broken = makeLayout(path.join(dir, 'broken'), [layer(alpineRoot({ packages: [{ name: 'musl', version: '1.2.5-r0' }] })),
    { tar: tar([{ path: 'x', body: 'y' }]), diffId: 'sha256:' + '00'.repeat(32) }]);
  vex = path.join(dir, 'vex.json');
  fs.writeFileSync(vex, JSON.stringify({ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'https://vendor.example/vex-1', author: 'vendor', timestamp: '2026-01-01T00:00:00Z', version: 1,
    statements: [{ vulnerability: { name: 'CVE-2023-42366' }, products: [{ '@id': images.evil.digest }], status: 'not_affected', justification: 'vulnerable_code_not_present' }] }));
  images.index = makeIndex(path.join(dir, 'evil'));
});

/** The layout's image as two platforms. */
function makeIndex(layout) {
  const manifest = JSON.parse(fs.readFileSync(path.join(layout, 'index.json'))).manifests[0];
  const other = makeLayout(layout, [{ tar: tar(evilRoot()) }], { config: { architecture: 'arm64' }, tag: 'arm' });
  const child = (digest, architecture) => ({ mediaType: manifest.mediaType, digest, size: fs.statSync(path.join(layout, 'blobs/sha256', digest.slice(7))).size, platform: { os: 'linux', architecture } });
  const index = other.put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [child(manifest.digest, 'amd64'), child(other.digest, 'arm64')] })));
  fs.writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest, { mediaType: 'application/vnd.oci.image.index.v1+json', ...index, annotations: { 'org.opencontainers.image.ref.name': 'multi' } }] }));
  return { ref: `oci:${layout}:multi` };
}

function report(format, source, ...args) {
  const platform = args.includes('--all-platforms') ? [] : ['--platform', 'linux/amd64'];
  const r = plimsoll(['scan', source, '--db', db, '--format', format, '--quiet', ...platform, ...args]);
  assert.ok(r.stdout.length > 0, `${format} of ${source}: exit ${r.code}: ${r.stderr}`);
  assert.doesNotMatch(r.stdout, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202e]/, `${format}: a control character`);
  return r.stdout;
}
const json = (format, source, ...args) => JSON.parse(report(format, source, ...args));
const cases = () => [
  ['evil', [images.evil.ref]], ['healthy', [images.healthy.ref]], ['not applicable', [images.unknown.ref]], ['broken', [images.broken.ref]],
  ['with VEX', [images.evil.ref, '--vex', vex]], ['filtered', [images.evil.ref, '--severity', 'critical']],
];
const findings = (...args) => json('json', images.evil.ref, ...args).findings;

for (const format of ['sarif', 'cyclonedx', 'gitlab', 'spdx'])
  test(`${format}: every report is valid`, () => {
    for (const [what, args] of cases()) valid[format](json(format, ...args), what);
  });

test('openvex: every report that says something is valid; one that has nothing to say has no statement', () => {
  for (const [what, args] of cases()) {
    const document = json('openvex', ...args);
    if (document.statements.length) valid.openvex(document, what);
    else valid.openvex({ ...document, statements: [{ vulnerability: { name: 'x' }, status: 'fixed' }] }, what);
    assert.equal(document.statements.length > 0, ['evil', 'with VEX'].includes(what), what);
  }
});

test('the same scan gives the same bytes in every format', () => {
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' };
  for (const format of ['csv', 'cyclonedx', 'gitlab', 'junit', 'openvex', 'sarif', 'spdx']) {
    const once = () => plimsoll(['scan', images.evil.ref, '--db', db, '--format', format, '--quiet', '--platform', 'linux/amd64'], { env }).stdout;
    assert.equal(once(), once(), format);
  }
});

test('sarif: a result a finding, suppressed by VEX, incomplete is said', () => {
  const { runs: [{ results, tool, invocations }] } = json('sarif', images.evil.ref, '--vex', vex);
  assert.equal(results.length, findings().length);
  for (const r of results) assert.equal(tool.driver.rules[r.ruleIndex].id, r.ruleId);
  assert.deepEqual(results.filter((r) => r.suppressions).map((r) => r.ruleId), ['CVE-2023-42366']);
  assert.match(results.find((r) => r.suppressions).suppressions[0].justification, /vendor\.example.*vulnerable_code_not_present/);
  assert.equal(invocations[0].executionSuccessful, true);
  assert.equal(json('sarif', images.broken.ref).runs[0].invocations[0].executionSuccessful, false);
  const hostile = results.find((r) => r.properties.purl.includes('cmd'));
  assert.ok(new URL(hostile.locations[0].physicalLocation.artifactLocation.uri, 'file:///').href);
});

test('sarif, spdx, openvex, junit and csv take every platform; cyclonedx and gitlab say that they take one', () => {
  const all = (format) => report(format, images.index.ref, '--all-platforms');
  const sarif = JSON.parse(all('sarif')), spdx = JSON.parse(all('spdx')), openvex = JSON.parse(all('openvex'));
  valid.sarif(sarif, 'index');
  valid.spdx(spdx, 'index');
  valid.openvex(openvex, 'index');
  assert.equal(sarif.runs.length, 2);
  assert.notEqual(sarif.runs[0].automationDetails.id, sarif.runs[1].automationDetails.id);
  assert.equal(spdx.relationships.filter((r) => r.relationshipType === 'DESCRIBES').length, 2);
  assert.equal(new Set(openvex.statements.map((s) => s.products[0]['@id'])).size, 2);
  assert.deepEqual([...new Set(parseCsv(all('csv')).map((r) => r.platform))], ['linux/amd64', 'linux/arm64']);
  assert.equal(all('junit').match(/<testsuite /g).length, 2);
  for (const format of ['cyclonedx', 'gitlab']) {
    const r = plimsoll(['scan', images.index.ref, '--db', db, '--format', format, '--quiet', '--all-platforms']);
    assert.equal(r.code, 2, format);
    assert.equal(r.stdout, '');
    assert.match(r.stderr, /describes one image, and these are 2: choose one by --platform/);
  }
});

test('cyclonedx: vulnerabilities name components of the document; the library validates it too', async () => {
  const { Spec, Validation } = await import('@cyclonedx/cyclonedx-library');
  for (const text of [report('cyclonedx', images.evil.ref, '--vex', vex), must(BINARY, ['sbom', images.evil.ref, '--format', 'cyclonedx', '--quiet'])]) {
    const bom = JSON.parse(text);
    valid.cyclonedx(bom, 'cyclonedx');
    assert.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text), null);
    const refs = bom.components.map((c) => c['bom-ref']);
    assert.equal(new Set(refs).size, refs.length);
    for (const v of bom.vulnerabilities ?? [])
      for (const a of v.affects) assert.ok(refs.includes(a.ref), `${v.id}: ${a.ref}`);
  }
  const bom = json('cyclonedx', images.evil.ref, '--vex', vex);
  const openssl = bom.vulnerabilities.find((v) => v.id === 'CVE-2024-9143');
  assert.deepEqual(openssl.affects.map((a) => a.ref.split('@')[0]), ['pkg:apk/alpine/libcrypto3', 'pkg:apk/alpine/libssl3']);
  assert.equal(bom.vulnerabilities.find((v) => v.id === 'CVE-2023-42366').analysis.state, 'not_affected');
  assert.equal(json('cyclonedx', images.broken.ref).compositions[0].aggregate, 'incomplete');
});

test('sbom: cyclonedx, spdx and json list the packages of the scan and judge nothing', () => {
  const names = json('json', images.evil.ref).packages.map((p) => p.name).sort();
  const sbom = (format) => JSON.parse(must(BINARY, ['sbom', images.evil.ref, '--format', format, '--quiet']));
  const cyclonedx = sbom('cyclonedx'), spdx = sbom('spdx');
  valid.cyclonedx(cyclonedx, 'sbom');
  valid.spdx(spdx, 'sbom');
  assert.deepEqual(cyclonedx.components.map((c) => c.name).sort(), names);
  assert.deepEqual(spdx.packages.slice(1).map((p) => p.name).sort(), names);
  assert.deepEqual(sbom('json').packages.map((p) => p.name).sort(), names);
  assert.equal(cyclonedx.vulnerabilities, undefined);
  assert.doesNotMatch(JSON.stringify(spdx), /"SECURITY"|status/);
  for (const format of ['sarif', 'csv', 'junit', 'gitlab', 'openvex'])
    assert.equal(plimsoll(['sbom', images.evil.ref, '--format', format]).code, 2, format);
});

test('licences are SPDX expressions, or references with their text', () => {
  const spdx = json('spdx', images.evil.ref), cyclonedx = json('cyclonedx', images.evil.ref);
  for (const p of spdx.packages) if (p.licenseDeclared !== 'NOASSERTION') parseLicence(p.licenseDeclared);
  const of = (name) => spdx.packages.find((p) => p.name === name).licenseDeclared;
  assert.equal(of('libssl3'), 'Apache-2.0');
  assert.equal(of('busybox'), 'NOASSERTION'); // the inventory keeps names, not how they combine
  assert.equal(spdx.packages.find((p) => p.name === 'busybox').licenseComments, 'all or any of: GPL-2.0-only, mit, bsd-3-clause');
  assert.match(of('musl'), /^LicenseRef-custom--x--[0-9a-f]{12}$/);
  assert.deepEqual(spdx.hasExtractedLicensingInfos.map((l) => [l.licenseId, l.extractedText]), [[of('musl'), 'custom:"x"']]);
  assert.deepEqual(cyclonedx.components.find((c) => c.name === 'libssl3').licenses, [{ license: { id: 'Apache-2.0' } }]);
  assert.deepEqual(cyclonedx.components.find((c) => c.name === 'busybox').licenses.map((l) => l.license.id), ['GPL-2.0-only', 'MIT', 'BSD-3-Clause']);
  assert.deepEqual(cyclonedx.components.find((c) => c.name === 'musl').licenses, [{ license: { name: 'custom:"x"' } }]);
});

test('our list of licences is the one that ships with the CycloneDX schemas', () => {
  const source = fs.readFileSync(path.join(ROOT, 'src/report/licence_ids.c'), 'utf8');
  assert.deepEqual([...source.matchAll(/"([^"/\n]+)"(?=,)/g)].map((m) => m[1]).sort(), [...cyclonedxSchema('spdx').enum].sort());
});

test('openvex: what it takes away is taken away again by --vex', () => {
  const first = path.join(dir, 'own.vex.json');
  fs.writeFileSync(first, report('openvex', images.evil.ref, '--vex', vex));
  const disabled = (list) => list.filter((f) => f.disabledBy).map((f) => f.id);
  assert.deepEqual(disabled(findings('--vex', first)), ['CVE-2023-42366']);
  const statement = load(first).statements.find((s) => s.vulnerability.name === 'CVE-2023-42366');
  assert.equal(statement.justification, 'vulnerable_code_not_present');
  assert.match(statement.products[0]['@id'], /^pkg:oci\/evil@sha256%3A/);
});

test('gitlab: a vulnerability a finding, the others counted', () => {
  const whole = json('gitlab', images.evil.ref);
  assert.equal(whole.vulnerabilities.length, findings().length);
  assert.equal(new Set(whole.vulnerabilities.map((v) => v.id)).size, whole.vulnerabilities.length);
  assert.deepEqual(new Set(whole.vulnerabilities.map((v) => v.severity)), new Set(['Unknown']));
  const filtered = json('gitlab', images.evil.ref, '--severity', 'critical', '--vex', vex);
  assert.equal(filtered.vulnerabilities.length, 0);
  const said = filtered.scan.messages.map((m) => m.value).join('\n');
  assert.match(said, /hidden: \d+ findings/);
  assert.match(said, /not listed: 1 disabled by rules or VEX/);
  assert.equal(json('gitlab', images.broken.ref).scan.status, 'failure');
});

test('junit: valid by the schema, a failure a finding', () => {
  for (const [what, args] of cases()) {
    const file = path.join(dir, 'junit.xml');
    fs.writeFileSync(file, report('junit', ...args));
    const r = run('xmllint', ['--noout', '--schema', own('junit.xsd'), file]);
    assert.equal(r.code, 0, `${what}: ${r.stderr}`);
  }
  const file = path.join(dir, 'junit.xml');
  const ask = (query, ...args) => {
    fs.writeFileSync(file, report('junit', ...args));
    return must('xmllint', ['--xpath', query, file]).trim();
  };
  assert.equal(Number(ask('count(//failure)', images.evil.ref)), findings().length);
  assert.equal(ask('string(//testcase[contains(@name, "cmd")]/@name)', images.evil.ref), `${EVIL} 1.0-r0`);
  assert.equal(Number(ask('count(//error)', images.broken.ref)), 1);
  assert.equal(Number(ask('count(//testcase[1]/skipped)', images.unknown.ref)), 1);
});

test('csv: a row a finding, and no field is a formula', () => {
  const rows = parseCsv(report('csv', images.evil.ref, '--vex', vex));
  assert.deepEqual(rows.map((r) => r.id.replace(/^'/, '')), findings().map((f) => f.id));
  for (const row of rows) for (const value of Object.values(row)) assert.doesNotMatch(value, /^[=+\-@\t\r]/);
  assert.ok(rows.some((r) => r.package === `'${EVIL}`));
  assert.deepEqual(rows.filter((r) => r.place === 'disabled').map((r) => r.id), ['CVE-2023-42366']);
  const [failed] = parseCsv(report('csv', images.broken.ref));
  assert.deepEqual([failed.place, failed.complete, failed.status], ['scan', 'false', 'Failed']);
});

test('--help names the formats of the table', () => {
  const support = plimsoll(['help', '--support']).stdout;
  const section = support.slice(support.indexOf('## Report formats'));
  const formats = [...section.matchAll(/^\| `(\w+)` \|.*\| (yes|no) \|$/gm)].map((m) => [m[1], m[2]]);
  assert.ok(formats.length >= 9);
  const help = plimsoll(['scan', '--help']).stdout.replace(/\s+/g, ' '), sbom = plimsoll(['sbom', '--help']).stdout.replace(/\s+/g, ' ');
  for (const [name, isSbom] of formats) {
    assert.match(help, new RegExp(`\\b${name}\\b`));
    assert.equal(new RegExp(`--format.*\\b${name}\\b`).test(sbom), isSbom === 'yes', name);
  }
});
