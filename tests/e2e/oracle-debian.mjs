// SPDX-License-Identifier: Apache-2.0
// oracle-debian.mjs - what a scan of a Debian image must find, computed with Debian's own tools and
// nothing of ours: dpkg-query reads the status, Packages says what bookworm-security has, dpkg compares
// versions, dpkg-parsechangelog cuts the changelog of the newer package.
import { execFileSync } from 'node:child_process';
import { fs, path, must } from './lib.mjs';

const MAX = 1 << 30;

function newer(a, b) {
  try {
    execFileSync('dpkg', ['--compare-versions', a, 'gt', b]);
    return true;
  } catch {
    return false;
  }
}

/** Source packages installed below @root: Map source -> { version, binaries }. */
export function installedSources(root) {
  const text = must('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-W',
    '-f', '${db:Status-Status}\t${source:Package}\t${source:Version}\t${binary:Package}\n']);
  const out = new Map();
  for (const line of text.trim().split('\n')) {
    const [state, source, version, binary] = line.split('\t');
    if (state !== 'installed') continue;
    if (!out.has(source)) out.set(source, { version, binaries: [] });
    out.get(source).binaries.push(binary.replace(/:.*/, ''));
  }
  return out;
}

function stanzas(text) {
  return text.split(/\n\n+/).filter(Boolean).map((block) => {
    const fields = {};
    for (const line of block.split('\n')) {
      const m = /^([A-Za-z0-9-]+): ?(.*)$/.exec(line);
      if (m) fields[m[1]] = m[2];
    }
    return fields;
  });
}

/** Newest version of each source in a suite, with its binary packages: Map source -> { version, debs }. */
export function suiteSources(site, suite, arch, cache) {
  const file = path.join(cache, `${suite}-Packages.xz`);
  must('curl', ['-fsSL', '--retry', '3', '-o', file, `${site}/dists/${suite}/main/binary-${arch}/Packages.xz`]);
  const out = new Map();
  for (const p of stanzas(must('xz', ['-dc', file], { maxBuffer: MAX }))) {
    const m = /^(\S+)(?: \((.*)\))?$/.exec(p.Source ?? p.Package);
    const version = m[2] ?? p.Version;
    const have = out.get(m[1]);
    if (!have || newer(version, have.version)) out.set(m[1], { version, debs: [p] });
    else if (have.version === version) have.debs.push(p);
  }
  return out;
}

/** The changelog as a binary package carries it, or null where its documentation is a link. */
function changelogOf(site, deb, source, cache) {
  const file = path.join(cache, path.basename(deb.Filename));
  if (!fs.existsSync(file)) must('curl', ['-fsSL', '--retry', '3', '-o', file, `${site}/${deb.Filename}`]);
  const dir = fs.mkdtempSync(path.join(cache, 'deb-'));
  must('sh', ['-c', `dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards './usr/share/doc/*' 2>/dev/null || true`, 'sh', file, dir]);
  const doc = path.join(dir, 'usr/share/doc', deb.Package);
  if (!fs.existsSync(doc) || fs.lstatSync(doc).isSymbolicLink()) return null;
  for (const name of ['changelog.Debian.gz', 'changelog.gz', 'changelog.Debian.amd64.gz']) {
    const gz = path.join(doc, name);
    if (!fs.existsSync(gz) || fs.lstatSync(gz).isSymbolicLink()) continue;
    const text = must('gzip', ['-dc', gz], { maxBuffer: MAX });
    if (text.startsWith(`${source} (`)) return text;
  }
  return null;
}

function readChangelog(site, entry, source, cache) {
  const bySize = [...entry.debs].sort((a, b) => Number(a.Size) - Number(b.Size));
  for (const deb of bySize) {
    const text = changelogOf(site, deb, source, cache);
    if (text) return text;
  }
  throw new Error(`no changelog of ${source} ${entry.version} in any of its packages`);
}

/** Map source -> Set of ids, for every source below @root that @suite has newer. */
export function expectedFindings(root, site, suite, arch, cache) {
  fs.mkdirSync(cache, { recursive: true });
  const security = suiteSources(site, suite, arch, cache);
  const expected = new Map();
  for (const [source, { version }] of installedSources(root)) {
    const entry = security.get(source);
    if (!entry || !newer(entry.version, version)) continue;
    const file = path.join(cache, `${source}.changelog`);
    fs.writeFileSync(file, readChangelog(site, entry, source, cache));
    const changes = must('dpkg-parsechangelog', ['-l', file, '--since', version, '--show-field', 'Changes'], { maxBuffer: MAX });
    const ids = new Set(changes.match(/CVE-\d{4}-\d{4,}/g) ?? []);
    if (ids.size === 0) ids.add(`DEBIAN-UPDATE-${source}-${entry.version}`);
    expected.set(source, ids);
  }
  return expected;
}
