// SPDX-License-Identifier: Apache-2.0
// lib.mjs - what the end-to-end tests share: the binary, a real registry, images made byte by byte.
// Everything runs on loopback, below one temporary directory a test, and is stopped by pid.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BINARY = process.env.PLIMSOLL ?? path.join(ROOT, 'build/plimsoll');
export const SHARED = path.resolve(ROOT, '../shared');

/** The reason to skip, or false: `{ skip: needs('corpus/alpine') }`. */
export function needs(shared) {
  return fs.existsSync(path.join(SHARED, shared)) ? false : `skipped: ../shared/${shared} is absent`;
}

/** A directory that goes with the test. */
export function tempDir(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-e2e-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Run to the end: { code, stdout, stderr }. */
export function run(command, args, options = {}) {
  const r = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, ...options });
  if (r.error) throw r.error;
  return { code: r.status ?? 128, stdout: r.stdout, stderr: r.stderr };
}

export function must(command, args, options) {
  const r = run(command, args, options);
  if (r.code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${r.code}\n${r.stderr}${r.stdout}`);
  return r.stdout;
}

export function plimsoll(args, options) {
  return run(BINARY, args, options);
}

/** `plimsoll scan … --format json`, parsed; one report. */
export function scan(source, args = []) {
  const r = plimsoll(['scan', source, '--format', 'json', '--quiet', ...args]);
  if (!r.stdout) throw new Error(`scan ${source}: exit ${r.code}: ${r.stderr}`);
  return { code: r.code, stderr: r.stderr, report: JSON.parse(r.stdout) };
}

export async function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Start a process that a test stops; its output is kept for the error message. */
export function start(t, command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.text = '';
  child.stdout.on('data', (d) => (child.text += d));
  child.stderr.on('data', (d) => (child.text += d));
  child.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await child.ended;
    clearTimeout(timer);
  });
  return child;
}

/** Ask again until it is true (or an answer), at most @ms; throws with what @describe says. */
export async function until(ms, what, ask, describe = () => '') {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}\n${describe()}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

// --- a real registry ---------------------------------------------------------------------------------

/** Debian's docker-registry with files below @dir; @notify: { url, secret } or nothing. */
export async function startRegistry(t, dir, notify, port) {
  port ??= await freePort();
  fs.mkdirSync(path.join(dir, 'registry'), { recursive: true });
  const config = [
    'version: 0.1',
    'log: { level: warn, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${dir}/registry }, delete: { enabled: true } }`,
    `http: { addr: "127.0.0.1:${port}" }`,
  ];
  if (notify)
    config.push(
      'notifications:', '  endpoints:', '    - name: plimsoll', `      url: ${notify.url}`,
      '      headers:', `        Authorization: [ "Bearer ${notify.secret}" ]`,
      '      timeout: 2s', '      threshold: 3', '      backoff: 200ms');
  const file = path.join(dir, `registry-${port}.yml`);
  fs.writeFileSync(file, config.join('\n') + '\n');
  const env = { ...process.env, ...(notify?.ca ? { SSL_CERT_FILE: notify.ca } : {}) };
  const child = start(t, 'docker-registry', ['serve', file], { env });
  await until(15000, 'the registry', () => fetch(`http://127.0.0.1:${port}/v2/`).then((r) => r.ok, () => false),
    () => child.text);
  return { host: `127.0.0.1:${port}`, port, child };
}

/** A private PostgreSQL on a socket: its conninfo; null when it is not installed.  @fsync: as on a real disk. */
export async function startPostgres(t, { fsync = false, buffers = '32MB' } = {}) {
  const child = start(t, path.join(ROOT, 'tests/with-postgres'), ['--hold'], { env: { ...process.env, FSYNC: fsync ? 'on' : 'off', SHARED_BUFFERS: buffers } });
  await until(60000, 'PostgreSQL', () => /reach: /.test(child.text) || child.exitCode !== null, () => child.text);
  if (child.exitCode === 77) return null;
  if (child.exitCode !== null) throw new Error(child.text);
  return /reach: (.*)/.exec(child.text)[1];
}

export function push(layoutRef, target) {
  must('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', '--all', `oci:${layoutRef}`, `docker://${target}`]);
}

// --- images, byte by byte ------------------------------------------------------------------------------

export const sha256 = (bytes) => 'sha256:' + createHash('sha256').update(bytes).digest('hex');

function octal(value, width) {
  return value.toString(8).padStart(width - 1, '0') + '\0';
}

function header(name, type, size, link = '', mode = 0o644) {
  const block = Buffer.alloc(512);
  Buffer.from(name).copy(block, 0, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write('        ', 148);
  block.write(type, 156);
  Buffer.from(link).copy(block, 157, 0, 100);
  block.write('ustar\u000000', 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(octal(sum, 7) + ' ', 148);
  return block;
}

const pad = (bytes) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

function paxRecord(key, value) {
  const body = Buffer.from(` ${key}=${value}\n`);
  let n = body.length + 1;
  while (String(n).length + body.length !== n) n = String(n).length + body.length;
  return Buffer.concat([Buffer.from(String(n)), body]);
}

/**
 * A tar of entries: { path, body } | { path, dir: true } | { path, link } | { path, hard }, and
 * `pax: true` to give the path in a pax header.
 */
export function tar(entries) {
  const parts = [];
  for (const e of entries) {
    const body = Buffer.from(e.body ?? '');
    const type = e.dir ? '5' : e.link ? '2' : e.hard ? '1' : '0';
    if (e.pax) {
      const record = paxRecord('path', e.path);
      parts.push(header('pax', 'x', record.length), pad(record));
    }
    parts.push(header(e.pax ? 'short' : e.path, type, body.length, e.link ?? e.hard, e.dir ? 0o755 : e.mode), pad(body));
  }
  parts.push(Buffer.alloc(1024));
  return Buffer.concat(parts);
}

export const gzip = (bytes) => zlib.gzipSync(bytes);
export const zstd = (bytes) => spawnSync('zstd', ['-q', '-c'], { input: bytes, maxBuffer: 1 << 30 }).stdout;

/**
 * An OCI layout at @dir with one image. @layers: [{ tar, compress?, bytes?, mediaType?, digest? }].
 * @overrides change config or manifest before they are written.
 */
export function makeLayout(dir, layers, { config = {}, manifest = {}, tag = 'latest', platform } = {}) {
  const blobs = path.join(dir, 'blobs/sha256');
  fs.mkdirSync(blobs, { recursive: true });
  const put = (bytes, digest = sha256(bytes)) => {
    fs.writeFileSync(path.join(blobs, digest.slice(7)), bytes);
    return { digest, size: bytes.length };
  };
  const described = layers.map((l) => {
    const bytes = l.bytes ?? (l.compress ?? gzip)(l.tar);
    return { mediaType: l.mediaType ?? 'application/vnd.oci.image.layer.v1.tar+gzip', ...put(bytes, l.digest) };
  });
  const configBytes = Buffer.from(JSON.stringify({
    architecture: 'amd64', os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.diffId ?? sha256(l.tar)) },
    history: layers.map((l, i) => ({ created_by: l.createdBy ?? `RUN step ${i + 1}` })),
    ...config,
  }));
  const manifestBytes = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...put(configBytes) },
    layers: described, ...manifest,
  }));
  const own = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...put(manifestBytes) };
  fs.writeFileSync(path.join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  fs.writeFileSync(path.join(dir, 'index.json'), JSON.stringify({
    schemaVersion: 2,
    manifests: [{ ...own, ...(platform ? { platform } : {}), annotations: { 'org.opencontainers.image.ref.name': tag } }],
  }));
  return { ref: `oci:${dir}:${tag}`, layout: `${dir}:${tag}`, digest: own.digest, layers: described, put };
}

export function debianRoot({ version = '12', packages = [], id = 'debian' } = {}) {
  const status = packages.map((p) =>
    [`Package: ${p.name}`, 'Status: install ok installed', `Architecture: ${p.arch ?? 'amd64'}`,
      ...(p.source ? [`Source: ${p.source}`] : []), `Version: ${p.version}`, 'Maintainer: A <a@example.org>', '', ''].join('\n')).join('');
  return [
    { path: 'etc/', dir: true },
    { path: 'etc/os-release', body: `ID=${id}\nVERSION_ID="${version}"\nPRETTY_NAME="${id} ${version}"\n` },
    { path: 'var/lib/dpkg/status', body: status },
  ];
}

export function alpineRoot({ version = '3.22.2', packages = [] } = {}) {
  const installed = packages.map((p) => `P:${p.name}\nV:${p.version}\nA:x86_64\no:${p.origin ?? p.name}\n\n`).join('');
  return [
    { path: 'etc/os-release', body: `ID=alpine\nVERSION_ID=${version}\nPRETTY_NAME="Alpine Linux v${version}"\n` },
    { path: 'lib/apk/db/installed', body: installed },
  ];
}

// --- a small advisory database ---------------------------------------------------------------------------

/** An alpine-secdb folder: { 'v3.22': { openssl: { '3.3.2-r0': ['CVE-2024-1'] } } }. */
export function makeSecdb(dir, branches) {
  for (const [branch, packages] of Object.entries(branches)) {
    fs.mkdirSync(path.join(dir, branch), { recursive: true });
    for (const repo of ['main', 'community'])
      fs.writeFileSync(path.join(dir, branch, `${repo}.json`), JSON.stringify({
        apkurl: '{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk',
        archs: ['x86_64'], reponame: repo, urlprefix: 'https://mirror.example', distroversion: branch,
        packages: repo === 'community' ? [] : Object.entries(packages).map(([name, secfixes]) => ({ pkg: { name, secfixes } })),
      }));
  }
  return dir;
}

export function updateDb(db, ...feeds) {
  const r = plimsoll(['db', 'update', '--db', db, '--quiet', ...feeds.flatMap((f) => ['--feed', f])]);
  if (r.code !== 0) throw new Error(`db update: exit ${r.code}: ${r.stderr}`);
  return db;
}

// --- the server -------------------------------------------------------------------------------------------

export const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
export const GROUP = 'guarded';
export const ASSESSMENT = 'dbd0cb49-b563-45e7-9724-889e799fa648';
export const registryId = (name) =>
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/${GROUP}/providers/Microsoft.ContainerRegistry/registries/${name}`;

export { randomBytes, createHash, fs, os, path, zlib, spawn };

/**
 * `plimsoll serve` with one registry named "lab" at @host; @registry: more of its keys.  Gives { url, token, ca, secret, notifyUrl, api,
 * config, restart }; api(path) fetches JSON with the token.
 */
export async function startServer(t, dir, { host, feeds = [], port, extra = '', registry = '', store = '' }) {
  port ??= await freePort();
  const secret = randomBytes(16).toString('hex');
  const data = path.join(dir, 'data');
  const config = path.join(dir, 'plimsoll.yaml');
  fs.mkdirSync(data, { recursive: true });
  fs.writeFileSync(config, [
    `listen: { address: 127.0.0.1, port: ${port} }`,
    `data-directory: ${data}`, `store: ${JSON.stringify(store)}`,
    `feeds: [${feeds.map((f) => JSON.stringify(f)).join(', ')}]`,
    'retry-base: 1', 'refresh-pause: 1', 'sandbox: basic',
    `notification: { secret: ${secret} }`,
    'registries:', `  - { name: lab, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${host}", plain-http: true${registry && `, ${registry}`} }`,
    extra, ''].join('\n'));
  const server = { url: `https://127.0.0.1:${port}`, secret, config, data, port, notifyUrl: `https://127.0.0.1:${port}/notifications/lab` };
  const up = async () => {
    server.child = start(t, BINARY, ['serve', '--config', config]);
    await until(20000, 'the server', () => /listening on/.test(server.child.text) || (server.child.exitCode !== null && 'dead'), () => server.child.text);
    const m = /token[^:]*: (\S+)/.exec(server.child.text);
    if (m) server.token = m[1];
    if (server.child.exitCode !== null) throw new Error(server.child.text);
  };
  await up();
  server.ca = path.join(data, 'tls-certificate.pem');
  server.restart = up;
  server.kill = async () => {
    server.child.kill('SIGKILL');
    await server.child.ended;
  };
  server.api = (target, options = {}) => request(server, target, options);
  return server;
}

/** HTTPS with the server's own certificate as only authority: { status, headers, body }. */
export function request(server, target, { method = 'GET', body, headers = {}, token = server.token } = {}) {
  return new Promise((resolve, reject) => {
    const req = https.request(server.url + target, {
      method, ca: fs.readFileSync(server.ca),
      headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers },
    }, (res) => {
      let text = '';
      res.on('data', (d) => (text += d));
      res.on('end', () => {
        let parsed = text;
        try { parsed = JSON.parse(text); } catch { /* not JSON: as it is */ }
        resolve({ status: res.statusCode, headers: res.headers, body: parsed });
      });
    });
    req.on('error', reject);
    if (body) req.write(typeof body === 'string' ? body : JSON.stringify(body));
    req.end();
  });
}

/** The image as the server shows it, once it has a verdict; and nothing is left to do when @settled. */
export async function verdictOf(server, digest, { ms = 60000, settled = true } = {}) {
  return until(ms, `a verdict for ${digest}`, async () => {
    const images = (await server.api('/plimsoll/v1/images')).body.value ?? [];
    const image = images.find((i) => i.digest === digest);
    if (!image || image.status === 'Pending') return false;
    if (!settled) return image;
    const { counts } = (await server.api('/plimsoll/v1/jobs')).body;
    return counts.queued + counts.running === 0 && image;
  }, () => server.child.text.slice(-4000));
}
