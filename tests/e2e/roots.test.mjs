// SPDX-License-Identifier: Apache-2.0
// Real Debian roots of two releases: what is in them is what dpkg-query says, and nearly every executable byte
// belongs to a package; the rest is listed, each file with the reason why no package owns it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ROOT, fs, must, path, plimsoll, tempDir } from './lib.mjs';

const roots = path.join(ROOT, 'build/images/roots');
const FIELDS = '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}';
// dpkg(1), "Package states": where the files are in place
const IN_PLACE = ['installed', 'half-configured', 'triggers-awaited', 'triggers-pending'];
const ORDINALS = ['the first suite', 'the second suite'];
let suites = [];

before(() => (suites = must(path.join(ROOT, 'scripts/make-roots'), [roots], { stdio: ['ignore', 'pipe', 'inherit'] }).trim().split('\n')));

/** The root as a folder, without what only root may make. */
function unpack(t, suite) {
  const dir = path.join(tempDir(t), 'root');
  fs.mkdirSync(dir);
  must('tar', ['-xf', path.join(roots, `${suite}.tar`), '-C', dir, '--no-same-owner', '--exclude=./dev/*']);
  return dir;
}

function inventory(source) {
  const r = plimsoll(['sbom', source, '--format', 'json', '--quiet']);
  assert.equal(r.code, 0, r.stderr);
  const report = JSON.parse(r.stdout);
  assert.equal(report.complete, true, JSON.stringify(report.notices));
  return report;
}

const listed = (report) => report.packages.map((p) => [p.name, p.version, p.arch, p.source.name, p.source.version].join('\t')).sort();

/** What dpkg-query says of the root: lines like those of listed(), and how many it has in every state. */
function queried(root) {
  const lines = [], states = {};
  for (const line of must('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-W', '-f', `${FIELDS}\t\${db:Status-Want}\t\${db:Status-Status}\n`]).trim().split('\n')) {
    const fields = line.split('\t');
    const [want, status] = fields.splice(5);
    states[`${want} ${status}`] = (states[`${want} ${status}`] ?? 0) + 1;
    if (IN_PLACE.includes(status)) lines.push(fields.join('\t'));
  }
  return { lines: lines.sort(), states };
}

/** Why no package owns the file; nothing: nobody knows. */
function explain(root, file) {
  if (/\/stranger(\/|$)/.test(file)) return 'put there by hand after the installation';
  const diversions = fs.readFileSync(path.join(root, 'var/lib/dpkg/diversions'), 'utf8').split('\n');
  for (let i = 0; i + 2 < diversions.length; i += 3)
    if (diversions[i] === file && diversions[i + 2] === ':') return `the administrator's own: dpkg-divert moved the package's to ${diversions[i + 1]}`;
  const info = path.join(root, 'var/lib/dpkg/info');
  for (const script of fs.readdirSync(info).filter((f) => /\.(postinst|preinst|config)$/.test(f)))
    if (fs.readFileSync(path.join(info, script), 'utf8').includes(path.basename(file))) return `made by ${script}`;
  const removed = fs.readdirSync(info).find((f) => f.endsWith('.list') && fs.readFileSync(path.join(info, f), 'utf8').split('\n').includes(file));
  return removed && `stays of a package that was removed, not purged (${removed})`;
}

function checkCoverage(root, what, coverage) {
  const share = coverage.knownBytes / coverage.executableBytes;
  const reasons = new Map(coverage.unowned.map((u) => [u.path, explain(root, u.path)]));
  console.log(`# ${what}: coverage ${(share * 100).toFixed(3)} %, ${coverage.knownBytes} of ${coverage.executableBytes} executable bytes`);
  for (const u of coverage.unowned) console.log(`# ${what}: coverage lacks ${u.path} (${u.size} bytes): ${reasons.get(u.path) ?? 'NOT EXPLAINED'}`);
  assert.ok(share >= 0.99, `${what}: ${share}`);
  assert.equal(coverage.unownedCount, coverage.unowned.length);
  assert.deepEqual([...reasons].filter(([, reason]) => !reason), []);
  const own = ['/opt/stranger/elf', '/usr/bin/ts', '/usr/local/bin/stranger'];
  assert.deepEqual(own.filter((file) => !reasons.has(file)), [], 'what no package owns is listed');
  for (const owned of ['/opt/stranger/hard-link-to-perl', '/usr/bin/ts.distrib', '/usr/bin/parallel.moreutils', '/usr/bin/parallel'])
    assert.ok(!reasons.has(owned), `${owned} is of a package`);
}

for (const [i, which] of ORDINALS.entries()) {
  test(`${which}: its packages are those of dpkg-query, as a folder and as an image, and own its executables`, (t) => {
    const suite = suites[i];
    const root = unpack(t, suite);
    const { lines, states } = queried(root);
    assert.ok(lines.length >= 400, `${suite}: only ${lines.length} packages`);
    assert.equal(states['hold installed'], 1);
    assert.equal(states['deinstall config-files'], 1);
    for (const [what, source] of [['folder', `dir:${root}`], ['image', `oci:${path.join(roots, suite)}:latest`]]) {
      const report = inventory(source);
      const got = listed(report);
      console.log(`# ${suite}, ${what}: packages exact ${got.filter((p) => lines.includes(p)).length}/${lines.length}, ` +
        `${new Set(lines.map((l) => l.split('\t')[3])).size} sources, ${new Set(lines.map((l) => l.split('\t')[2])).size} architectures`);
      assert.deepEqual(got, lines);
      assert.equal(report.image.os.id, 'debian');
      checkCoverage(root, `${suite}, ${what}`, report.coverage);
    }
  });
}
