// SPDX-License-Identifier: Apache-2.0
// The Alpine roots of the shared corpus, wrapped as OCI images by umoci, against alpine-secdb: once as it
// is, once with the newest branch's records offered as the root's own branch.  The oracle is plain parsing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARED, fs, must, needs, path, scan, tempDir, updateDb } from './lib.mjs';

const skip = needs('corpus/alpine') || needs('feeds/alpine-secdb');
const roots = skip ? [] : fs.readdirSync(path.join(SHARED, 'corpus/alpine')).filter((f) => f.endsWith('.tar.gz'));
const NEWEST = 'v3.11';

// --- apk-tools' order, for the versions that Alpine really uses: digits, letter, suffixes, revision ---
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];
function parse(version) {
  const m = /^(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:-r(\d+))?$/.exec(version);
  if (!m) throw new Error(`the oracle does not know the version ${version}`);
  const suffixes = [...m[3].matchAll(/_([a-z]+)(\d*)/g)].map(([, s, n]) => [SUFFIXES.indexOf(s), Number(n || 0)]);
  return { digits: m[1].split('.'), letter: m[2], suffixes, revision: Number(m[4] ?? 0) };
}
function cmpDigits(a, b) {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] === undefined) return -1;
    if (b[i] === undefined) return 1;
    const asText = i > 0 && (a[i][0] === '0' || b[i][0] === '0') && a[i] !== b[i];
    const c = asText ? (a[i] < b[i] ? -1 : 1) : Math.sign(Number(a[i]) - Number(b[i]));
    if (c) return c;
  }
  return 0;
}
function cmp(x, y) {
  const a = parse(x), b = parse(y);
  const c = cmpDigits(a.digits, b.digits) || (a.letter < b.letter ? -1 : a.letter > b.letter ? 1 : 0);
  if (c) return c;
  for (let i = 0; i < Math.max(a.suffixes.length, b.suffixes.length); i++) {
    const [s, n] = a.suffixes[i] ?? [4, 0], [t, o] = b.suffixes[i] ?? [4, 0];
    if (s !== t || n !== o) return Math.sign(s - t || n - o);
  }
  return Math.sign(a.revision - b.revision);
}

function installed(file) {
  const text = must('tar', ['-xzOf', file, './lib/apk/db/installed'], { encoding: 'utf8' });
  const out = new Map();
  for (const block of text.split('\n\n')) {
    const field = (k) => block.split('\n').find((l) => l.startsWith(`${k}:`))?.slice(2);
    if (field('P')) out.set(field('o') ?? field('P'), field('V'));
  }
  return out;
}

function expected(file, secdb) {
  const out = new Set();
  const packages = installed(file);
  for (const repo of ['main', 'community']) {
    const doc = JSON.parse(fs.readFileSync(path.join(secdb, `${repo}.json`)));
    for (const { pkg } of doc.packages) {
      const version = packages.get(pkg.name);
      if (!version) continue;
      for (const [fixed, ids] of Object.entries(pkg.secfixes))
        if (fixed !== '0' && cmp(version, fixed) < 0) for (const id of ids) out.add(`${pkg.name} ${id.split(/\s+/)[0]}`);
    }
  }
  return [...out].sort();
}

function wrap(dir, file) {
  const layout = path.join(dir, 'layout');
  must('umoci', ['init', '--layout', layout]);
  must('umoci', ['new', '--image', `${layout}:latest`]);
  fs.writeFileSync(path.join(dir, 'root.tar'), must('gzip', ['-dc', file], { encoding: 'buffer' }));
  must('umoci', ['raw', 'add-layer', '--image', `${layout}:latest`, path.join(dir, 'root.tar')]);
  return `oci:${layout}:latest`;
}

const found = (report) => [...new Set(report.findings.map((f) => `${f.package.name} ${f.id}`))].sort();
const branchOf = (file) => 'v' + /minirootfs-(\d+\.\d+)/.exec(file)[1];

for (const name of roots) {
  const file = path.join(SHARED, 'corpus/alpine', name);
  test(`${name}: alpine-secdb as it is`, { skip }, (t) => {
    const dir = tempDir(t);
    const db = updateDb(path.join(dir, 'db'), `alpine-secdb=${SHARED}/feeds/alpine-secdb`);
    const { report } = scan(wrap(dir, file), ['--db', db]);
    const own = path.join(SHARED, 'feeds/alpine-secdb', branchOf(name));
    const wanted = fs.existsSync(own) ? expected(file, own) : [];
    console.log(`# ${name}: findings exact ${wanted.length}/${wanted.length}`);
    assert.deepEqual(found(report), wanted);
    if (wanted.length === 0) assert.equal(report.status, 'NotApplicable', 'a branch without records, or past its end, is never Healthy');
  });

  test(`${name}: the newest branch's records offered as its own`, { skip }, (t) => {
    const dir = tempDir(t);
    const secdb = path.join(dir, 'secdb', branchOf(name));
    fs.mkdirSync(secdb, { recursive: true });
    for (const repo of ['main', 'community']) {
      const doc = JSON.parse(fs.readFileSync(path.join(SHARED, 'feeds/alpine-secdb', NEWEST, `${repo}.json`)));
      fs.writeFileSync(path.join(secdb, `${repo}.json`), JSON.stringify({ ...doc, distroversion: branchOf(name) }));
    }
    const db = updateDb(path.join(dir, 'db'), `alpine-secdb=${path.join(dir, 'secdb')}`);
    const { report } = scan(wrap(dir, file), ['--db', db]);
    const wanted = expected(file, secdb);
    console.log(`# ${name} with ${NEWEST}: findings exact ${found(report).filter((x) => wanted.includes(x)).length}/${wanted.length}`);
    assert.deepEqual(found(report), wanted);
  });
}

for (const name of roots) {
  const file = path.join(SHARED, 'corpus/alpine', name);
  test(`${name}: every branch's records, moved just above and just to what is installed`, { skip }, (t) => {
    const dir = tempDir(t);
    const branch = branchOf(name);
    const packages = installed(file);
    const secfixes = new Map();
    let turn = 0;
    for (const old of fs.readdirSync(path.join(SHARED, 'feeds/alpine-secdb')))
      for (const repo of ['main', 'community']) {
        const from = path.join(SHARED, 'feeds/alpine-secdb', old, `${repo}.json`);
        if (!fs.existsSync(from)) continue;
        for (const { pkg } of JSON.parse(fs.readFileSync(from)).packages) {
          const version = packages.get(pkg.name);
          if (!version) continue;
          const own = secfixes.get(pkg.name) ?? {};
          const next = version.replace(/-r(\d+)$/, (_, r) => `-r${Number(r) + 1}`);
          for (const ids of Object.values(pkg.secfixes)) {
            const to = turn++ % 3 === 0 ? version : next;
            own[to] = [...new Set([...(own[to] ?? []), ...ids])];
          }
          secfixes.set(pkg.name, own);
        }
      }
    const secdb = path.join(dir, 'secdb', branch);
    fs.mkdirSync(secdb, { recursive: true });
    for (const repo of ['main', 'community'])
      fs.writeFileSync(path.join(secdb, `${repo}.json`), JSON.stringify({ distroversion: branch, reponame: repo, archs: ['x86_64'],
        packages: repo === 'main' ? [...secfixes].map(([n, f]) => ({ pkg: { name: n, secfixes: f } })) : [] }));
    const db = updateDb(path.join(dir, 'db'), `alpine-secdb=${path.join(dir, 'secdb')}`);
    const { report } = scan(wrap(dir, file), ['--db', db]);
    const wanted = expected(file, secdb);
    console.log(`# ${name}: moved records: findings exact ${found(report).filter((x) => wanted.includes(x)).length}/${wanted.length}`);
    assert.ok(wanted.length >= 10, 'too few to prove anything');
    assert.deepEqual(found(report), wanted);
    assert.equal(report.status, 'Unhealthy');
  });
}

test('alpine roots', { skip }, () => assert.ok(roots.length >= 3));
