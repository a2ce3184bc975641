// SPDX-License-Identifier: Apache-2.0
// image.mjs - makeImage(DIR): an OCI layout of 100,000 files and 1 GiB in five gzip layers, for the rows inventory-large-*.
// Programs, libraries and texts are the machine's own (in order of their paths, so that their compression is
// real); names, sizes and package databases come from a seeded generator.  The same machine gives the same
// bytes.  Idempotent: an image that is there stays.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import zlib from 'node:zlib';

const N_FILES = 100_000, TOTAL = 2 ** 30, N_PACKAGES = 3_000;
const MIB = 2 ** 20;

/** xorshift32: numbers below @n. */
function makeRandom(seed) {
  let x = seed;
  return (n) => {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    return (x >>> 0) % n;
  };
}
const random = makeRandom(0x504c494d);
const WORDS = 'alpha bridge cargo delta engine frame gauge harbor index jetty keel ledger mast nautical ocean port quay rope stern tide union vessel wharf yard zenith core util data base node async parse stream'.split(' ');
const word = () => WORDS[random(WORDS.length)];
const pick = (list) => list[random(list.length)];

// --- the machine's files ------------------------------------------------------------------------------
function* walk(dir) {
  let entries;
  try {
    entries = fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return;
  }
  for (const e of entries) {
    const at = path.join(dir, e.name);
    if (e.isDirectory()) yield* walk(at);
    else if (e.isFile()) yield at;
  }
}

function headOf(file) {
  const fd = fs.openSync(file, 'r');
  const head = Buffer.alloc(4);
  fs.readSync(fd, head, 0, 4, 0);
  fs.closeSync(fd);
  return head.toString('latin1');
}

/** ELF files of at most 16 MiB; each is read when it is wanted, so memory stays small. */
function findPrograms() {
  const found = [];
  for (const dir of ['/usr/bin', '/usr/sbin', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'])
    for (const file of walk(dir)) {
      const size = fs.statSync(file).size;
      if (size > 4096 && size <= 16 * MIB && headOf(file) === '\x7fELF') found.push({ file, length: size });
      if (found.length >= 4000) return found;
    }
  return found;
}

/** 48 MiB of headers, modules and documents one behind the other, from which small files are cut. */
function readTexts() {
  const pieces = [];
  let size = 0;
  for (const dir of ['/usr/include', '/usr/lib/python3', '/usr/lib/python3.11', '/usr/share/perl', '/usr/share/doc', '/usr/share'])
    for (const file of walk(dir)) {
      if (!/\.(h|hpp|py|pm|pl|txt|json|js|xml|css|html)$|copyright$/.test(file)) continue;
      const bytes = fs.readFileSync(file).subarray(0, 256 << 10);
      pieces.push(bytes);
      size += bytes.length;
      if (size > 48 * MIB) return Buffer.concat(pieces);
    }
  return Buffer.concat(pieces);
}

// --- tar, OCI -----------------------------------------------------------------------------------------
function tarHeader(name, type, size, mode, link = '') {
  const h = Buffer.alloc(512);
  if (name.length > 100) throw new Error(`${name}: too long for this writer`);
  h.write(name, 0, 100);
  h.write(`${mode.toString(8).padStart(7, '0')}\0${'0'.repeat(7)}\0${'0'.repeat(7)}\0`, 100);
  h.write(`${size.toString(8).padStart(11, '0')}\0${(1_700_000_000).toString(8)}\0        ${type}`, 124);
  h.write(link, 157, 100);
  h.write('ustar\x0000root', 257);
  h.write('root', 297);
  let sum = 0;
  for (const byte of h) sum += byte;
  h.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return h;
}

/** Entries are collected, and written in the order in which a walk of the folders finds them, as builders do. */
class Layer {
  constructor(dir) {
    this.dir = dir;
    this.entries = [];
    this.size = this.n = 0;
  }
  /** @body: bytes, or one of findPrograms(). */
  add(name, body, mode = 0o644) {
    this.entries.push({ name, type: '0', body, mode });
    this.n++;
    this.size += body.length;
  }
  link(name, target) { this.entries.push({ name, type: '2', body: Buffer.alloc(0), mode: 0o777, target }); }

  addFolders() {
    const folders = new Set();
    for (const { name } of this.entries)
      for (let dir = path.dirname(name); dir !== '.' && !folders.has(dir); dir = path.dirname(dir)) folders.add(dir);
    for (const name of folders) this.entries.push({ name: `${name}/`, type: '5', body: Buffer.alloc(0), mode: 0o755 });
  }
  async write(createdBy) {
    this.addFolders();
    const key = ({ name }) => name.replaceAll('/', '\0');
    const sorted = this.entries.map((e) => [key(e), e]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, e]) => e);
    const file = path.join(this.dir, 'blobs/sha256', `${this.n}.tmp`);
    const hash = crypto.createHash('sha256'), diff = crypto.createHash('sha256'), gzip = zlib.createGzip({ level: 6 });
    gzip.on('data', (d) => hash.update(d));
    const out = gzip.pipe(fs.createWriteStream(file));
    for (const e of sorted) {
      const body = e.body.file ? fs.readFileSync(e.body.file) : e.body;
      const bytes = Buffer.concat([tarHeader(e.name, e.type, body.length, e.mode, e.target), body, Buffer.alloc(-body.length & 511)]);
      diff.update(bytes);
      if (!gzip.write(bytes)) await once(gzip, 'drain');
    }
    diff.update(Buffer.alloc(1024));
    gzip.end(Buffer.alloc(1024));
    await finished(out);
    const digest = hash.digest('hex'), size = fs.statSync(file).size;
    fs.renameSync(file, path.join(path.dirname(file), digest));
    return { digest: `sha256:${digest}`, size, diffId: `sha256:${diff.digest('hex')}`, createdBy };
  }
}

function writeImage(dir, layers) {
  const put = (value) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const hex = crypto.createHash('sha256').update(bytes).digest('hex');
    fs.writeFileSync(path.join(dir, 'blobs/sha256', hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = put({
    architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map((l) => l.diffId) },
    history: layers.map((l) => ({ created_by: l.createdBy })),
  });
  const manifest = put({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size })),
  });
  fs.writeFileSync(path.join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  fs.writeFileSync(path.join(dir, 'index.json'), JSON.stringify({
    schemaVersion: 2,
    manifests: [{
      mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest,
      annotations: { 'org.opencontainers.image.ref.name': 'latest' },
    }],
  }));
}

/** A zip of @n deflated members, as a jar is. */
function makeJar(bodies) {
  const local = [], central = [];
  let at = 0;
  bodies.forEach((body, i) => {
    const name = Buffer.from(i ? `org/example/${word()}/Class${i}.class` : 'META-INF/MANIFEST.MF');
    const packed = zlib.deflateRawSync(body);
    const fields = Buffer.alloc(26); // APPNOTE.TXT 4.3.7, from the version on
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(zlib.crc32(body), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(body.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(at, 10);
    local.push(Buffer.from('PK\x03\x04'), fields, name, packed);
    central.push(Buffer.from('PK\x01\x02\x14\x00'), fields, where, name);
    at += 4 + 26 + name.length + packed.length;
  });
  const index = Buffer.concat(central), end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(bodies.length, 8);
  end.writeUInt16LE(bodies.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, index, end]);
}

// --- what is in it ------------------------------------------------------------------------------------
class Maker {
  constructor(dir) {
    this.dir = dir;
    this.texts = readTexts();
    this.programs = findPrograms();
    this.nextProgram = 0;
    this.packages = [];
  }
  /** Most texts are small, a few are large; on average about 3 KiB. */
  text(scale = 1) {
    const size = Math.floor(scale * (random(100) < 90 ? 64 + random(4096) : 4096 + random(16384)));
    const from = random(Math.max(1, this.texts.length - size));
    return this.texts.subarray(from, from + size);
  }
  program() { return this.programs[this.nextProgram++ % this.programs.length]; }
  script() { return Buffer.concat([Buffer.from(pick(['#!/bin/sh\n', '#!/usr/bin/python3\n', '#!/usr/bin/perl\n'])), this.text()]); }

  /** Debian packages with their files and lists: @n_files in all, programs until @programBytes are in. */
  packagesInto(layer, nPackages, nFiles, programBytes) {
    let left = programBytes;
    const perPackage = Math.floor(nFiles / nPackages) - 4;
    for (let i = 0; i < nPackages; i++) {
      const name = `lib${word()}-${word()}${this.packages.length}`, listed = ['/.', '/usr'];
      const own = (file, body, mode) => {
        listed.push(`/${path.dirname(file)}`, `/${file}`);
        layer.add(file, body, mode);
      };
      const mine = Math.ceil(left / (nPackages - i));
      for (let size = 0; size < mine && left > 0;) {
        const body = this.program();
        const file = pick([`usr/bin/${name}-${word()}${size}`, `usr/lib/x86_64-linux-gnu/${name}.so.${size}`]);
        own(file, body, file.includes('/bin/') ? 0o755 : 0o644);
        size += body.length;
        left -= body.length;
      }
      if (random(3) === 0) own(`usr/bin/${name}-config`, this.script(), 0o755);
      own(`usr/share/doc/${name}/copyright`, this.text());
      const folders = Array.from({ length: 1 + random(4) }, () => `usr/${pick(['share', 'lib', 'include'])}/${name}/${word()}`);
      for (let k = 0; k < perPackage; k++)
        own(`${pick(folders)}/${word()}${k}.${pick(['h', 'py', 'pm', 'xml', 'txt'])}`, this.text());
      layer.add(`var/lib/dpkg/info/${name}.list`, Buffer.from([...new Set(listed)].join('\n') + '\n'));
      layer.add(`var/lib/dpkg/info/${name}.md5sums`, Buffer.from(listed.filter((f) => /\.|-/.test(f) && f !== '/.')
        .map((f) => `${crypto.createHash('md5').update(f).digest('hex')}  ${f.slice(1)}\n`).join('')));
      this.packages.push(name);
    }
    layer.add('var/lib/dpkg/status', Buffer.from(this.packages.map((p, i) => this.stanza(p, i)).join('\n')));
  }
  stanza(name, i) {
    return [`Package: ${name}`, 'Status: install ok installed', 'Priority: optional', 'Section: libs', `Installed-Size: ${100 + i}`,
      'Maintainer: Debian Example Maintainers <pkg-example@lists.example.org>', 'Architecture: amd64', 'Multi-Arch: same',
      ...(i % 3 ? [`Source: ${name.replace(/^lib/, '')}`] : []), `Version: 1.${i % 17}.${i % 7}-${1 + (i % 4)}+deb12u${i % 3}`,
      'Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.0), libstdc++6 (>= 11), zlib1g (>= 1:1.1.4)',
      `Description: example library number ${i}`, ' It has a long description that nobody reads, and which every',
      ' status file of every image carries about, paragraph after paragraph.', `Homepage: https://example.org/${name}`, ''].join('\n');
  }

  base() {
    const layer = new Layer(this.dir);
    for (const [name, to] of [['bin', 'usr/bin'], ['lib', 'usr/lib'], ['sbin', 'usr/sbin'], ['lib64', 'usr/lib64']])
      layer.link(name, to);
    layer.add('etc/debian_version', Buffer.from('12.9\n'));
    layer.add('usr/lib/os-release', Buffer.from('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n'));
    layer.link('etc/os-release', '../usr/lib/os-release');
    this.packagesInto(layer, N_PACKAGES * 0.4, 28_000, 240 * MIB);
    return layer;
  }
  install() {
    const layer = new Layer(this.dir);
    this.packagesInto(layer, N_PACKAGES * 0.6, 38_000, 370 * MIB);
    return layer;
  }
  modules(nFiles) {
    const layer = new Layer(this.dir);
    while (layer.n < nFiles) {
      const name = `srv/app/node_modules/${random(4) ? '' : `@${word()}/`}${word()}-${word()}${layer.n}`;
      layer.add(`${name}/package.json`, Buffer.from(JSON.stringify({ name: path.basename(name), version: `1.${random(9)}.${random(9)}`, license: 'MIT', main: 'index.js', description: word() }, null, 2)));
      layer.add(`${name}/index.js`, this.text());
      if (random(8) === 0) layer.add(`${name}/bin/${word()}.js`, Buffer.concat([Buffer.from('#!/usr/bin/env node\n'), this.text()]), 0o755);
      const folders = ['lib', 'dist', `test/${word()}`];
      for (let k = random(20); k > 0; k--) layer.add(`${name}/${pick(folders)}/${word()}${k}.${pick(['js', 'd.ts', 'map', 'json'])}`, this.text());
      if (random(8) === 0) layer.link(`srv/app/node_modules/.bin/${path.basename(name)}`, `../${path.basename(name)}/index.js`);
    }
    return layer;
  }
  /** Jars and large programs: what is left of the bytes. */
  application(bytes) {
    const layer = new Layer(this.dir);
    const large = (size) => {
      const pieces = [];
      for (let n = 0; n < size; n += pieces.at(-1).length) pieces.push(fs.readFileSync(this.program().file));
      return Buffer.concat(pieces);
    };
    layer.add('opt/app/bin/server', large(40 * MIB), 0o755);
    layer.add('opt/app/bin/tool', large(24 * MIB), 0o755);
    for (let i = 0; i < 400; i++)
      layer.add(`opt/app/conf/${word()}${i}.xml`, this.text());
    while (layer.size < bytes)
      layer.add(`opt/app/lib/${word()}-${layer.n}.jar`, makeJar(['Manifest-Version: 1.0\n', ...Array.from({ length: 20 + random(200) })].map((v, i) => (i ? this.text(1.5) : Buffer.from(v)))));
    return layer;
  }
  /** The last step replaces and deletes. */
  cleanup(nFiles) {
    const layer = new Layer(this.dir);
    for (let i = 0; i < 500; i++)
      layer.add(`usr/share/doc/.wh.${this.packages[i]}`, Buffer.alloc(0));
    for (let i = 0; layer.n < nFiles; i++)
      layer.add(`srv/app/static/${word()}/${word()}${i}.html`, this.text());
    return layer;
  }
}

async function make(dir) {
  const maker = new Maker(dir);
  const base = maker.base(), install = maker.install(), modules = maker.modules(28_000);
  const application = maker.application(TOTAL - base.size - install.size - modules.size - 12 * MIB);
  const cleanup = maker.cleanup(N_FILES - base.n - install.n - modules.n - application.n);
  const steps = ['ADD rootfs.tar /', 'RUN apt-get install -y …', 'RUN npm ci', 'COPY app /opt/app', 'RUN cleanup'];
  const all = [base, install, modules, application, cleanup];
  writeImage(dir, await Promise.all(all.map((layer, i) => layer.write(steps[i]))));
  const sum = (f) => all.reduce((n, l) => n + f(l), 0);
  return `${sum((l) => l.n)} files, ${(sum((l) => l.size) / MIB).toFixed(0)} MiB, ${maker.packages.length} packages, ${all.length} layers`;
}

export async function makeImage(dir) {
  if (fs.existsSync(dir)) return;
  fs.rmSync(`${dir}.tmp`, { recursive: true, force: true });
  fs.mkdirSync(path.join(`${dir}.tmp`, 'blobs/sha256'), { recursive: true });
  const told = await make(`${dir}.tmp`);
  fs.renameSync(`${dir}.tmp`, dir);
  console.error(`bench: made ${dir}: ${told}`);
}

if (process.argv[1] === import.meta.filename && process.argv[2]) await makeImage(process.argv[2]);
