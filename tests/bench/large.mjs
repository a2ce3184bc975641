// SPDX-License-Identifier: Apache-2.0
// large.mjs - an OCI layout of one image of 100,000 files and 1 GB in five gzip layers, the same at
// every run: a Debian of 3,000 packages with their file lists, programs, libraries, scripts, texts, jars.
//     usage: large.mjs FOLDER
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';

import { dice } from './records.mjs';

const PACKAGES = 3000;

/** Bytes that gzip makes about three times smaller, as it does of programs. */
function quarry(d) {
  const bytes = Buffer.alloc(8 << 20);
  for (let at = 0; at < bytes.length; at += 16) {
    if (d.below(3)) bytes.copy(bytes, at, Math.max(0, at - 16 * (1 + d.below(1000))), at);
    else for (let i = 0; i < 16; i += 4) bytes.writeUInt32LE(d.below(0xffffffff), at + i);
  }
  return bytes;
}

const ELF = Buffer.from('7f454c4602010100000000000000000003003e0001000000', 'hex');
const START = { elf: ELF, jar: Buffer.from('PK\x03\x04'), script: Buffer.from('#!/bin/sh\n'), text: Buffer.alloc(0) };
function body(d, stone, kind, size) {
  const from = d.below(1 << 20);
  return Buffer.concat([START[kind], stone.subarray(from, from + size)]);
}
// kind, how many, mean size, folder, end of name, mode
const KINDS = [
  ['text', 62000, 3000, 'usr/share/doc', '.txt', 0o644], ['text', 24000, 6000, 'usr/lib/python3/dist-packages', '.py', 0o644],
  ['elf', 4000, 70000, 'usr/bin', '', 0o755], ['elf', 3000, 90000, 'usr/lib/x86_64-linux-gnu', '.so.1', 0o644],
  ['elf', 30, 4 << 20, 'usr/lib/x86_64-linux-gnu', '.so.9', 0o644], ['script', 2500, 2000, 'usr/sbin', '', 0o755], ['jar', 20, 2 << 20, 'usr/share/java', '.jar', 0o644],
];

function header(name, size, type, mode) {
  const h = Buffer.alloc(512);
  h.write(name, 0, 100, 'latin1');
  h.write(mode.toString(8).padStart(7, '0'), 100);
  h.write('0000000\0' + '0000000', 108);
  h.write(size.toString(8).padStart(11, '0'), 124);
  h.write('00000000000', 136);
  h.write('        ', 148);
  h.write(type, 156);
  h.write('ustar\0' + '00', 257);
  h.write(h.reduce((n, b) => n + b, 0).toString(8).padStart(6, '0') + '\0 ', 148);
  return h;
}

/** One layer, streamed: { digest, size, diffId }. */
function layerWriter(blobs) {
  const raw = createHash('sha256'), packed = createHash('sha256');
  const aside = path.join(blobs, `layer-${process.hrtime.bigint()}`), out = fs.openSync(aside, 'w');
  let pending = [], pendingSize = 0, size = 0;
  const deflate = () => {
    // members of 16 MB: gzip allows any number, and every reader must read them all
    const bytes = zlib.gzipSync(Buffer.concat(pending), { level: 4 });
    packed.update(bytes);
    fs.writeSync(out, bytes);
    size += bytes.length;
    pending = [];
    pendingSize = 0;
  };
  const add = (bytes) => {
    raw.update(bytes);
    pending.push(bytes);
    pendingSize += bytes.length;
    if (pendingSize > 16 << 20) deflate();
  };
  const entry = (name, bytes, mode = 0o644) => {
    add(header(name, bytes.length, '0', mode));
    add(bytes);
    if (bytes.length % 512) add(Buffer.alloc(512 - (bytes.length % 512)));
  };
  const end = () => {
    add(Buffer.alloc(1024));
    deflate();
    fs.closeSync(out);
    const digest = `sha256:${packed.digest('hex')}`;
    fs.renameSync(aside, path.join(blobs, digest.slice(7)));
    return { digest, size, diffId: `sha256:${raw.digest('hex')}` };
  };
  return { entry, end };
}

export function makeLarge(folder) {
  if (fs.existsSync(path.join(folder, 'index.json'))) return;
  fs.rmSync(folder, { recursive: true, force: true });
  const blobs = path.join(folder, 'blobs/sha256');
  fs.mkdirSync(blobs, { recursive: true });
  const d = dice(1000), stone = quarry(d), lists = Array.from({ length: PACKAGES }, () => []);
  const writers = Array.from({ length: 5 }, () => layerWriter(blobs));
  writers[0].entry('etc/os-release', Buffer.from('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12"\n'));
  let n = 0;
  for (const [kind, count, mean, home, end, mode] of KINDS)
    for (let i = 0; i < count; i++, n++) {
      const name = `${home}/${(i % 97).toString(36)}/${kind}-${i}${end}`;
      if (n % 50) lists[n % PACKAGES].push(`/${name}`); // one file in fifty belongs to nobody
      writers[1 + (n % 4)].entry(name, body(d, stone, kind, (mean >> 1) + d.below(mean)), mode);
    }
  const status = lists.map((_, i) => [
    `Package: package-${i}`, 'Status: install ok installed', 'Priority: optional', 'Section: libs', 'Installed-Size: 100',
    'Maintainer: Maintainers <maintainers@example.org>', 'Architecture: amd64', `Source: source-${i >> 1}`, `Version: 1.${i}-1`,
    'Depends: libc6 (>= 2.36)', 'Description: a package', ' of the large image', ''].join('\n')).join('\n');
  for (let i = 0; i < PACKAGES; i++) writers[0].entry(`var/lib/dpkg/info/package-${i}.list`, Buffer.from('/.\n' + lists[i].join('\n') + '\n'));
  writers[0].entry('var/lib/dpkg/status', Buffer.from(status));
  const layers = writers.map((w) => w.end());
  const put = (value) => {
    const bytes = Buffer.from(JSON.stringify(value)), digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    fs.writeFileSync(path.join(blobs, digest.slice(7)), bytes);
    return { digest, size: bytes.length };
  };
  const config = put({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map((l) => l.diffId) }, history: layers.map(() => ({ created_by: 'RUN install' })) });
  const manifest = put({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size })),
  });
  fs.writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  fs.writeFileSync(path.join(folder, 'index.json'), JSON.stringify({
    schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }],
  }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) makeLarge(process.argv[2]);
