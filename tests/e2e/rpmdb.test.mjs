// SPDX-License-Identifier: Apache-2.0
// Databases filled by Debian's own rpm with packages that rpmbuild makes here: installed, upgraded, erased, with
// a key, with a -wal left beside, and the same headers as Berkeley DB and ndb.  The oracle is `rpm -qa`.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { BINARY, fs, must, os, path, plimsoll, tempDir } from './lib.mjs';

const QUERY = ['NAME', 'EPOCH', 'VERSION', 'RELEASE', 'ARCH', 'SOURCERPM', 'VENDOR', 'LICENSE', 'MODULARITYLABEL'];
const LICENCES = ['MIT', 'GPL-2.0-or-later AND (BSD-3-Clause OR ISC)', 'GPLv2+ and „Freie“ Lizenz', 'ASL 2.0'];
const VENDORS = ['Müller & Söhne 株式会社', 'Example, Inc. <x@example.org>', ''];
const EPOCHS = ['', '0', '1', '12', '4294967294'];
const MODULES = ['', 'nodejs:18:8060020220523:ad008a3a', ''];
const SOURCES = [
  ['bash', '5.1.8', '9.el9'], ['java-1.8.0-openjdk', '1.8.0.432.b06', '2.el8'], ['gtk+2', '2.0~rc1', '1'], ['Upper_Case.dots', '3.0^git20240101', '0.1'],
  ['lib64-x', '1.0~beta^2', '4.module+el8.9.0+1+abc'], ['r', '0', '0'], ['tzdata', '2024a', '1.fc40'], ['cpp-1-2-3', '1_2', '3.el9_4.2'],
  ['kernel', '5.14.0', '427.el9'], ['perl', '5.32.1', '481.el9'], ['xml', '2.9.13', '6.el9_4'], ['z', '1.2.11', '40.el9'],
  ['nodejs', '18.20.4', '1.module_el8'], ['curl', '7.76.1', '29.el9_4.1'],
  ['python3.11', '3.11.7', '1.el9'], ['glib2', '2.68.4', '14.el9'], ['zstd', '1.5.1', '2~pre'],
];
const PARTS = ['', '-libs', '-devel', '-doc', '-common']; // binary packages of a source
const UPGRADED = SOURCES.slice(0, 5);

let built; // name → file, and name → file of its upgrade

/** A spec; every package has an executable script and some data. */
function spec([name, version, release], i, round) {
  const binaries = PARTS.map((part, p) => ({ part, name: name + part, n: i * PARTS.length + p }));
  const body = binaries.map(({ part, name: own, n }) => [
    ...(part ? [`%package -n ${own}`, ...(n % 4 === 1 ? [`Version: 9.${n}`] : []), ...(n % 2 ? ['BuildArch: noarch'] : [])] : []),
    `Summary: n° ${n} – größer`, `License: ${LICENCES[n % LICENCES.length]}`,
    ...(EPOCHS[n % EPOCHS.length] ? [`Epoch: ${EPOCHS[n % EPOCHS.length]}`] : []),
  ]);
  const files = ({ name: own }) => [`/usr/bin/${own}`, `/usr/share/${own}/data-ä`, `/usr/share/${own}/more`];
  const lines = [
    `Name: ${name}`, `Version: ${version}`, `Release: ${release}${round ? `.${round}` : ''}`, ...body[0],
    ...(VENDORS[i % 3] ? [`Vendor: ${VENDORS[i % 3]}`] : []), ...(MODULES[i % 3] ? [`ModularityLabel: ${MODULES[i % 3]}`] : []),
    'AutoReqProv: no', '%description', 'x'.repeat(round ? 5000 : 50),
    ...binaries.slice(1).flatMap((b, p) => [...body[p + 1], `%description -n ${b.name}`, 'y']),
    '%prep', '%build', '%install',
    ...binaries.flatMap((b) => files(b).map((f, k) => `install -D -m ${k ? 644 : 755} /dev/stdin '%{buildroot}${f}' <<'EOF'\n#!/bin/sh\necho ${b.name}\nEOF`)),
    ...binaries.flatMap((b) => [`%files -n ${b.name}`, ...files(b)]), ''];
  return lines.join('\n');
}

const DEFINES = (top) => ['_topdir ' + top, 'debug_package %{nil}', '_build_id_links none', '_binary_payload w1.gzdio', '_rpmfilename %%{NAME}.rpm',
  '__os_install_post %{nil}', 'vendor %{nil}'].flatMap((d) => ['--define', d]);

function build(dir, sources, round) {
  const top = path.join(dir, `round-${round}`);
  const specs = sources.map((source, i) => {
    const file = path.join(dir, `${source[0]}-${round}.spec`);
    fs.writeFileSync(file, spec(source, i, round).replace(/^Vendor: $/m, ''));
    return file;
  });
  must('rpmbuild', ['-bb', '--quiet', ...DEFINES(top), ...specs]);
  return new Map(fs.readdirSync(path.join(top, 'RPMS')).map((f) => [f.replace(/\.rpm$/, ''), path.join(top, 'RPMS', f)]));
}

function makeKey(dir) {
  const home = path.join(dir, 'gnupg'), file = path.join(dir, 'key.asc');
  fs.mkdirSync(home, { mode: 0o700 });
  const gpg = (...args) => must('gpg', ['--homedir', home, '--batch', '--quiet', ...args]);
  gpg('--passphrase', '', '--quick-generate-key', 'Test Key <key@example.org>', 'rsa2048', 'sign', 'never');
  gpg('--armor', '--output', file, '--export');
  must('gpgconf', ['--homedir', home, '--kill', 'all']);
  return file;
}

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-rpm-'));
process.on('exit', () => fs.rmSync(work, { recursive: true, force: true }));

before(() => {
  const started = Date.now();
  built = { first: build(work, SOURCES, 0), upgrade: build(work, UPGRADED, 1), key: makeKey(work) };
  console.log(`# ${built.first.size} + ${built.upgrade.size} rpms built in ${((Date.now() - started) / 1000).toFixed(1)} s`);
});

const folder = (root) => path.join(root, 'var/lib/rpm');
const backend = (db) => (fs.existsSync(path.join(db, 'Packages')) ? 'bdb_ro' : 'sqlite');
const rpm = (db, ...args) => must('rpm', ['--dbpath', db, '--define', `_db_backend ${backend(db)}`, ...args]);
const install = (db, how, files) => rpm(db, how, '--force-debian', '--justdb', '--nodeps', '--noscripts', '--replacefiles', ...files);

function makeRoot(dir) {
  const root = path.join(dir, 'root');
  for (const sub of ['etc', 'usr/bin', 'var/lib/rpm']) fs.mkdirSync(path.join(root, sub), { recursive: true });
  fs.writeFileSync(path.join(root, 'etc/os-release'), 'ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n');
  return root;
}

/** Packages come, change and go: what stays is in the database's pages beside what is free again. */
function fill(db) {
  const all = [...built.first.entries()];
  install(db, '-i', all.map(([, file]) => file));
  rpm(db, '--import', built.key);
  install(db, '-U', [...built.upgrade.entries()].filter(([name]) => name !== 'bash').map(([, file]) => file));
  install(db, '-i', [built.upgrade.get('bash')]); // beside the old one, as kernels are
  rpm(db, '-e', '--justdb', '--nodeps', '--noscripts', ...all.map(([name]) => name).filter((name) => /^(curl|z|perl)(-|$)/.test(name)));
}

const none = (value) => (value === '(none)' ? '' : value);

/** `rpm -qa`: an object a package, the keys apart. */
function queried(db) {
  const text = rpm(db, '-qa', '--qf', QUERY.map((tag) => `%{${tag}}`).join('\\t') + '\\n');
  const all = text.trimEnd().split('\n').map((line) => Object.fromEntries(line.split('\t').map((v, i) => [QUERY[i], none(v)])));
  return { packages: all.filter((p) => p.NAME !== 'gpg-pubkey'), keys: all.filter((p) => p.NAME === 'gpg-pubkey') };
}

const evr = (p) => `${Number(p.EPOCH) ? `${p.EPOCH}:` : ''}${p.VERSION}-${p.RELEASE}`;
/** A package as the report has it, in one line: the source's version tells its epoch only where it is the package's. */
const wanted = (p) => [p.NAME, evr(p), p.ARCH, p.SOURCERPM, p.LICENSE].join(' | ');
const found = (p) => [p.name, p.version, p.arch, `${p.source.name}-${p.source.version.replace(/^\d+:/, '')}.src.rpm`, p.licenses.join(', ')].join(' | ');

function inventory(root) {
  const r = plimsoll(['sbom', `dir:${root}`, '--format', 'json', '--quiet']);
  assert.equal(r.code, 0, r.stderr);
  const report = JSON.parse(r.stdout);
  assert.equal(report.complete, true, JSON.stringify(report.notices));
  return report;
}

function check(what, root, { packages, keys }) {
  const report = inventory(root);
  const want = packages.map(wanted).sort(), got = report.packages.map(found).sort();
  console.log(`# ${what}: packages exact ${got.filter((p) => want.includes(p)).length}/${want.length}, ${keys.length} key left out`);
  assert.deepEqual(got, want);
  assert.equal(keys.length, 1);
  for (const p of report.packages)
    assert.equal(p.purl.split(/[@?]/)[0], `pkg:rpm/rocky/${encodeURIComponent(p.name).replaceAll('%2B', '%2B')}`);
  return report;
}

/** Vendor and module label are not in the report: the test of the corpus compares them, over this folder. */
function checkAsCorpus(dir, items) {
  const manifest = items.map(({ kind, file, from, oracle, wal }) => {
    const to = path.join(dir, 'corpus', file);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(from, to);
    if (wal) fs.copyFileSync(`${from}-wal`, `${to}-wal`);
    const expected = [...oracle.packages, ...oracle.keys].map((p) => ({
      name: p.NAME, epoch: Number(p.EPOCH), version: p.VERSION, release: p.RELEASE, arch: p.ARCH, source_rpm: p.SOURCERPM, vendor: p.VENDOR, modularity: p.MODULARITYLABEL,
    }));
    return { kind, file, expected, ...(wal ? { with: [`${file}-wal`] } : {}) };
  });
  fs.writeFileSync(path.join(dir, 'corpus/MANIFEST.json'), JSON.stringify({ items: manifest }));
  const buildDir = path.dirname(BINARY);
  must('ninja', ['-C', buildDir, 'tests/unit/test_inventory_corpus']);
  const env = { ...process.env, TEST_SHARED: dir, LC_CTYPE: 'C.UTF-8' };
  const text = must(path.join(buildDir, 'tests/unit/test_inventory_corpus'), [], { env, stdio: 'pipe' });
  for (const kind of new Set(items.map((i) => i.kind))) {
    const n = items.filter((i) => i.kind === kind).length;
    assert.match(text, new RegExp(`${kind}: exact ${n}/total ${n}`), text);
  }
  console.log(`# vendor and module label: exact in ${items.length}/${items.length} databases`);
}

/**
 * As old releases keep it: a hash database that Berkeley DB's own tool writes, the package's number in the
 * database's byte order as key.  Each header comes twice, first a longer one: its pages become free again.
 */
function writeBdb(file, headers, config) {
  const hex = (bytes) => ` ${Buffer.from(bytes).toString('hex')}`;
  const u32 = (n) => { const b = Buffer.alloc(4); config.includes('db_lorder=4321') ? b.writeUInt32BE(n) : b.writeUInt32LE(n); return b; };
  const long = headers.map(({ hnum }) => [u32(hnum), Buffer.alloc(3000 + 40 * hnum, 'x')]);
  const last = [[u32(0), u32(1000)], ...headers.map(({ hnum, blob }) => [u32(hnum), blob])];
  const input = ['VERSION=3', 'format=bytevalue', 'type=hash', 'HEADER=END', ...[...long, ...last].flat().map(hex), 'DATA=END', ''].join('\n');
  must('db5.3_load', ['-t', 'hash', ...config.flatMap((c) => ['-c', c]), file], { input });
}

/** lib/backend/ndb/rpmpkg.c of rpm: slots, then blobs; those of erased packages stay without a slot. */
function writeNdb(file, headers, erased) {
  const slots = [], blobs = [];
  let block = 4096 / 16;
  const u32 = (...values) => { const b = Buffer.alloc(4 * values.length); values.forEach((v, i) => b.writeUInt32LE(v >>> 0, 4 * i)); return b; };
  for (const { hnum, blob } of headers) {
    let body = Buffer.concat([Buffer.from('BlbS'), u32(hnum, 7, blob.length), blob]);
    body = Buffer.concat([body, Buffer.alloc((16 - ((body.length + 12) % 16)) % 16)]);
    body = Buffer.concat([body, u32(adler32(body), blob.length), Buffer.from('BlbE')]);
    slots.push(Buffer.from('Slot'), erased.has(hnum) ? u32(0, 0, 0) : u32(hnum, block, body.length / 16));
    blobs.push(body);
    block += body.length / 16;
  }
  const head = Buffer.concat([Buffer.from('RpmP'), u32(0, 5, 1, headers.length + 1), Buffer.alloc(12)]);
  const table = Buffer.concat(slots);
  const free = Buffer.concat([Buffer.from('Slot'), u32(0, 0, 0)]);
  assert.ok(table.length <= 4096 - 32, 'one page of slots');
  fs.writeFileSync(file, Buffer.concat([head, table, ...Array((4096 - 32 - table.length) / 16).fill(free), ...blobs]));
}

function adler32(bytes) {
  let a = 1, b = 0;
  for (const byte of bytes) { a = (a + byte) % 65521; b = (b + a) % 65521; }
  return ((b << 16) | a) >>> 0;
}

function headersOf(file) {
  const db = new DatabaseSync(file, { readOnly: true });
  const rows = db.prepare('SELECT hnum, blob FROM Packages ORDER BY hnum').all();
  db.close();
  return rows.map(({ hnum, blob }) => ({ hnum, blob: Buffer.from(blob) }));
}

test('what Debian\'s rpm wrote: SQLite, a -wal left beside it, Berkeley DB, ndb; and who owns the files', (t) => {
  const dir = tempDir(t);
  const root = makeRoot(dir), db = folder(root), file = path.join(db, 'rpmdb.sqlite');
  fill(db);
  const oracle = queried(db);
  assert.ok(oracle.packages.length > 60, `${oracle.packages.length} packages`);
  for (const p of oracle.packages) fs.writeFileSync(path.join(root, 'usr/bin', p.NAME), `#!/bin/sh\necho ${p.NAME}\n`, { mode: 0o755 });
  fs.writeFileSync(path.join(root, 'usr/bin/curl'), '#!/bin/sh\necho erased\n', { mode: 0o755 });
  const { coverage } = check('sqlite', root, oracle);
  assert.deepEqual(coverage.unowned.map((u) => u.path), ['/usr/bin/curl']);

  // A reader holds the database open while rpm goes on: what it writes stays in the -wal.
  const later = makeRoot(path.join(dir, 'later'));
  const reader = new DatabaseSync(file);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM Packages').get();
  rpm(db, '-e', '--justdb', '--nodeps', '--noscripts', 'nodejs', 'nodejs-doc');
  install(db, '-i', [built.first.get('curl'), built.first.get('z-libs')]);
  const after = queried(db);
  for (const end of ['', '-wal']) fs.copyFileSync(file + end, path.join(folder(later), `rpmdb.sqlite${end}`));
  reader.exec('COMMIT');
  reader.close();
  assert.ok(fs.statSync(path.join(folder(later), 'rpmdb.sqlite-wal')).size > 4096);
  assert.notDeepEqual(after, oracle);
  check('sqlite with its -wal', later, after);

  // Berkeley DB, which Debian's rpm only reads.
  const bdbs = [];
  for (const config of [['db_pagesize=4096'], ['db_pagesize=512', 'db_lorder=4321'], ['db_pagesize=65536', 'h_ffactor=2']]) {
    const old = makeRoot(path.join(dir, `bdb-${bdbs.length}`)), from = path.join(folder(old), 'Packages');
    writeBdb(from, headersOf(file), config);
    const same = queried(folder(old));
    assert.deepEqual(same.packages.map(wanted).sort(), after.packages.map(wanted).sort(), 'rpm reads what was written');
    check(`bdb, ${config.join(', ')}`, old, same);
    bdbs.push({ kind: 'rpmdb-bdb', file: `rpm/bdb-${bdbs.length}/Packages`, from, oracle: same });
  }

  // Debian's rpm is built without ndb: the same headers, written after the format's own source.
  const ndb = makeRoot(path.join(dir, 'ndb')), packages = path.join(folder(ndb), 'Packages.db');
  const headers = headersOf(file), erased = new Set(headers.slice(10, 14).map((h) => h.hnum));
  writeNdb(packages, headers, erased);
  for (const h of headers.filter(({ hnum }) => !erased.has(hnum))) assert.ok(h.blob.length > 100);
  const gone = names(headers.filter(({ hnum }) => erased.has(hnum)));
  const kept = { packages: after.packages.filter((p) => !gone.includes(p.NAME)), keys: after.keys };
  check('ndb', ndb, kept);

  checkAsCorpus(path.join(dir, 'as-corpus'), [
    { kind: 'rpmdb-sqlite', file: 'rpm/as-closed/rpmdb.sqlite', from: file, oracle: after },
    { kind: 'rpmdb-sqlite', file: 'rpm/with-wal/rpmdb.sqlite', from: path.join(folder(later), 'rpmdb.sqlite'), oracle: after, wal: true },
    ...bdbs,
    { kind: 'rpmdb-ndb', file: 'rpm/ndb/Packages.db', from: packages, oracle: kept },
  ]);
});

/** NAME (tag 1000) of headers: il, dl, then the index of tag, type, offset, count. */
function names(headers) {
  return headers.map(({ blob }) => {
    const n = blob.readUInt32BE(0);
    for (let i = 0; i < n; i++)
      if (blob.readUInt32BE(8 + 16 * i) === 1000) {
        const from = 8 + 16 * n + blob.readUInt32BE(8 + 16 * i + 8);
        return blob.subarray(from, blob.indexOf(0, from)).toString();
      }
    throw new Error('a header without NAME');
  });
}
