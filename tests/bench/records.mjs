// SPDX-License-Identifier: Apache-2.0
// records.mjs - OSV bulk zips of any size, the same at every run: what the database is measured with.
// Sizes follow what osv.dev publishes: a summary, some hundred words, five references, one to eight
// packages of one range each; PyPI and Maven list their versions besides.
//     usage: records.mjs FOLDER COUNT
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

/** xorshift32: numbers that are the same everywhere. */
export function dice(seed) {
  let x = seed >>> 0 || 1;
  const next = () => ((x ^= x << 13), (x ^= x >>> 17), (x ^= x << 5), (x >>>= 0), x);
  return { below: (n) => next() % n, pick: (list) => list[next() % list.length] };
}

const WORDS = `a the of in to and is an attacker vulnerability allows remote arbitrary code execution via crafted
  request buffer overflow read write memory denial service user input validation before version fixed issue
  parser header library function server client when processing file path traversal injection cross site
  scripting authentication bypass information disclosure certain conditions local privileges escalation null
  pointer dereference use after free integer heap stack component affected package upgrade`.split(/\s+/);

const words = (d, n) => Array.from({ length: n }, () => d.pick(WORDS)).join(' ');

// ecosystem, share of all records, versions listed
const SHARES = [
  ['npm', 12, 0], ['PyPI', 12, 60], ['Maven', 12, 40], ['Go', 8, 0], ['crates.io', 3, 0], ['RubyGems', 3, 30], ['NuGet', 3, 10],
  ['Packagist', 5, 20], ['Debian:12', 14, 0], ['Ubuntu:22.04:LTS', 12, 0], ['AlmaLinux:9', 6, 0], ['Rocky Linux:9', 4, 0], ['Alpine:v3.20', 6, 0],
];

function version(d, ecosystem) {
  const plain = `${d.below(12)}.${d.below(30)}.${d.below(40)}`;
  if (ecosystem.startsWith('Debian') || ecosystem.startsWith('Ubuntu')) return `${plain}-${1 + d.below(5)}+deb12u${1 + d.below(9)}`;
  if (ecosystem.startsWith('Alma') || ecosystem.startsWith('Rocky')) return `0:${plain}-${1 + d.below(60)}.el9_${d.below(6)}`;
  return ecosystem.startsWith('Alpine') ? `${plain}-r${d.below(12)}` : plain;
}

function affected(d, ecosystem, nVersions) {
  const isSemver = ['npm', 'Go', 'crates.io'].includes(ecosystem);
  const entry = {
    package: { ecosystem, name: `${d.pick(WORDS)}-${d.pick(WORDS)}-${d.below(4000)}` },
    ranges: [{ type: isSemver ? 'SEMVER' : 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: version(d, ecosystem) }] }],
  };
  const [major, minor] = entry.ranges[0].events[1].fixed.split('.').map(Number);
  if (nVersions && major) /* what is listed lies below the fix, as publishers do it */
    entry.versions = Array.from({ length: 1 + d.below(2 * nVersions) }, () => `${d.below(major)}.${d.below(minor + 30)}.${d.below(40)}`);
  return entry;
}

function record(d, ecosystem, nVersions, i) {
  const cve = `CVE-${2010 + (i % 16)}-${10000 + i}`;
  const isOs = ecosystem.includes(':');
  return {
    schema_version: '1.6.0',
    id: isOs ? `${ecosystem.split(':')[0].toUpperCase().slice(0, 4)}-${cve}` : `GHSA-${i.toString(36).padStart(4, '0')}-${d.below(46656).toString(36)}-xxxx`,
    modified: '2026-11-01T00:00:00Z',
    published: '2026-10-01T00:00:00Z',
    [isOs ? 'upstream' : 'aliases']: [cve],
    summary: words(d, 10),
    details: words(d, 20 + d.below(160)),
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    affected: Array.from({ length: 1 + d.below(ecosystem.startsWith('Alma') || ecosystem.startsWith('Rocky') ? 14 : 3) }, () =>
      affected(d, ecosystem, nVersions)),
    references: Array.from({ length: 5 }, (_, n) => ({ type: 'WEB', url: `https://example.org/${d.pick(WORDS)}/${d.pick(WORDS)}/${i}/${n}` })),
    database_specific: { cwe_ids: ['CWE-79'], severity: d.pick(['LOW', 'MODERATE', 'HIGH', 'CRITICAL']) },
  };
}

/** A zip (APPNOTE 6.3, no zip64: at most 65,535 entries) of [name, text]. */
function zipOf(entries) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [name, text] of entries) {
    const raw = Buffer.from(text), body = zlib.deflateRawSync(raw, { level: 1 }), path_ = Buffer.from(name);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(zlib.crc32(raw), 10);
    fields.writeUInt32LE(body.length, 14);
    fields.writeUInt32LE(raw.length, 18);
    fields.writeUInt16LE(path_.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, path_]);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(20, 4);
    fields.copy(central, 6);
    central.writeUInt32LE(offset, 42);
    directory.push(central, path_);
    parts.push(local, body);
    offset += local.length + body.length;
  }
  const size = directory.reduce((n, b) => n + b.length, 0), end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** @count records below @folder, in zips of at most 20,000 each; made once. */
export function makeRecords(folder, count) {
  const mark = path.join(folder, '.count');
  if (fs.existsSync(mark) && fs.readFileSync(mark, 'utf8') === `${count}`) return;
  fs.rmSync(folder, { recursive: true, force: true });
  const d = dice(2021);
  let i = 0;
  for (const [ecosystem, share, nVersions] of SHARES) {
    for (let left = Math.round((count * share) / 100), part = 0; left > 0; left -= 20000, part++) {
      const entries = Array.from({ length: Math.min(left, 20000) }, () => {
        const r = record(d, ecosystem, nVersions, i++);
        return [`${r.id}-${i}.json`, JSON.stringify({ ...r, id: `${r.id}-${i}` })];
      });
      const home = path.join(folder, `${ecosystem.replaceAll(/[: ]/g, '-')}-${part}`);
      fs.mkdirSync(home, { recursive: true });
      fs.writeFileSync(path.join(home, 'all.zip'), zipOf(entries));
    }
  }
  fs.writeFileSync(mark, `${count}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) makeRecords(process.argv[2], Number(process.argv[3]));
