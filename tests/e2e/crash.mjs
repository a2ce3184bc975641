// SPDX-License-Identifier: Apache-2.0
// crash.mjs - the crash run: distinct images are pushed to a real registry while what scans them is killed (SIGKILL) at any time, also while
// it starts.  Then every image must have its own result, the ledger one entry each, and no job may be left behind.
import assert from 'node:assert/strict';
import net from 'node:net';

import { BINARY, alpineRoot, freePort, fs, makeSecdb, path, plimsoll, start, startPostgres, startRegistry, startServer, tempDir, until } from './lib.mjs';
import { putImage } from './push.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const AWAY_MS = 900; // between two kills, on average
const LATENCY_MS = 40; // of the registry as the scanner sees it, so that many scans are under way when they are killed
const BURST = 5; // images at a time

/** Repeatable chance. */
function dice(seed) {
  let state = seed >>> 0;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

/** A process that is always there but for the moment after a kill. */
function keep(t, name, args) {
  const it = { name, kills: 0, text: '' };
  it.up = () => (it.child = start(t, BINARY, args));
  it.kill = async () => {
    it.child.kill('SIGKILL');
    const { signal, code } = await it.child.ended;
    assert.equal(signal, 'SIGKILL', `${name} ended by itself (${code}):\n${it.child.text.slice(-3000)}`);
    it.text += it.child.text;
    it.kills++;
    it.up();
  };
  return it;
}

/** The way to @port, and each request takes a while. */
async function slowly(t, port) {
  const server = net.createServer((client) => {
    const up = net.connect(port, '127.0.0.1');
    client.on('error', () => up.destroy());
    up.on('error', () => client.destroy());
    client.on('data', (bytes) => setTimeout(() => up.writable && up.write(bytes), LATENCY_MS));
    client.on('close', () => up.destroy());
    up.pipe(client);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${server.address().port}`;
}

/** Even ones are vulnerable. */
const push = (host, i) => putImage(host, `crash/app-${i % 7}`, [
  ...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: i % 2 ? '3.5.4-r1' : '3.5.4-r0' }] }),
  { path: 'etc/number', body: `${i}\n` }], { tag: `n${i}` });

async function pushAll(host, n, gapMs, chance) {
  const pushed = [];
  for (let i = 0; i < n; i += BURST) {
    const numbers = Array.from({ length: Math.min(BURST, n - i) }, (_, k) => i + k);
    pushed.push(...(await Promise.all(numbers.map((number) => push(host, number)))).map((m) => m.digest));
    await sleep(2 * BURST * gapMs * chance());
  }
  return pushed;
}

async function killAll(kept, n, chance) {
  for (let i = 0; i < n; i++) {
    await sleep(30 + 2 * (AWAY_MS - 30) * chance());
    await kept[Math.floor(chance() * kept.length)].kill();
  }
}

async function all(server, target) {
  const rows = [];
  for (let next = target; next;) {
    const { status, body } = await server.api(next);
    assert.equal(status, 200, JSON.stringify(body));
    rows.push(...body.value);
    next = body.nextLink?.slice(server.url.length);
  }
  return rows;
}

async function ledgerOf(server, from) {
  const months = new Set([from, new Date()].map((d) => d.toISOString().slice(0, 7)));
  return (await Promise.all([...months].map((m) => all(server, `/plimsoll/v1/billing?month=${m}`)))).flat();
}

/** The server's, with a data directory of its own. */
function workerConfig(dir, server, n) {
  const file = path.join(dir, `worker-${n}.yaml`);
  fs.writeFileSync(file, fs.readFileSync(server.config, 'utf8').replace(/^data-directory: .*$/m, `data-directory: ${dir}/worker-${n}`));
  return file;
}

/** Whether the commands of this program know one of that name. */
const has = (name) => plimsoll([name, '--help']).code === 0;

export async function crashRun(t, { engine, images, kills, seed = 7 }) {
  const conninfo = engine === 'PostgreSQL' ? await startPostgres(t) : null;
  if (engine === 'PostgreSQL' && !conninfo) return t.skip('PostgreSQL is not installed');
  const dir = tempDir(t), port = await freePort(), from = new Date(), chance = dice(seed);
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const server = await startServer(t, dir, { host: await slowly(t, port), feeds: [`alpine-secdb=${feed}`], store: conninfo ? `postgres:${conninfo}` : '',
    extra: `lease: 3\nsweep-interval: 4\nworkers: 2\ndatabase-directory: ${dir}/advisories\nsecret-key-file: ${dir}/secret.key` });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  await until(30000, 'the first generation', async () => (await server.api('/plimsoll/v1/status')).body.generation > 0);

  const kept = [keep(t, 'server', ['serve', '--config', server.config])];
  kept[0].child = server.child;
  if (conninfo && has('worker')) kept.push(...[1, 2].map((n) => keep(t, `worker ${n}`, ['worker', '--config', workerConfig(dir, server, n)])));
  for (const it of kept.slice(1)) it.up();
  const began = Date.now();
  const [pushed] = await Promise.all([pushAll(registry.host, images, (kills * AWAY_MS) / images * 0.9, chance), killAll(kept, kills, dice(seed + 1))]);
  const pushedIn = (Date.now() - began) / 1000;
  server.child = kept[0].child;
  const log = () => kept.map((it) => `--- ${it.name}\n${it.child.text.slice(-3000)}`).join('\n');
  await until(30000, 'the server', () => /listening on/.test(server.child.text), log);

  // Work that waits for its next try is done, and then nothing is left but a sweep now and then.
  const shown = await until(120000, 'every result', async () => {
    const rows = await all(server, '/plimsoll/v1/images?$top=1000');
    const open = (await all(server, '/plimsoll/v1/jobs?state=queued')).concat(await all(server, '/plimsoll/v1/jobs?state=running'));
    return rows.length >= images && rows.every((i) => i.status !== 'Pending') && !open.some((j) => j.kind === 'scan') && rows;
  }, log);
  const settledIn = (Date.now() - began) / 1000;
  const jobs = await all(server, '/plimsoll/v1/jobs?$top=1000'), entries = await ledgerOf(server, from);
  const of = new Map(shown.map((i) => [i.digest, i]));
  assert.equal(new Set(pushed).size, images);
  assert.equal(shown.length, images);
  for (const [i, digest] of pushed.entries()) {
    const image = of.get(digest);
    assert.ok(image, `image ${i} is not known`);
    assert.equal(image.status, i % 2 ? 'Healthy' : 'Unhealthy', `image ${i}: ${image.failure}`);
    assert.equal(image.counts.findings, i % 2 ? 0 : 1);
    assert.deepEqual(image.tags, [`n${i}`]);
  }
  assert.deepEqual(entries.map((e) => e.digest).sort(), [...pushed].sort(), 'one entry each in the ledger');
  const bad = jobs.filter((j) => ['dead', 'failed'].includes(j.state));
  assert.deepEqual(bad, [], 'no job is dead or failed');

  // What runs now is a sweep that is alive, and the store does not contradict itself.
  for (const job of await all(server, '/plimsoll/v1/jobs?state=running')) {
    assert.equal(job.kind, 'sweep');
    assert.ok(new Date(job.leasedUntil) > Date.now() - 1000, `job ${job.id} is stuck`);
  }
  server.child.kill('SIGTERM');
  const { code } = await server.child.ended;
  assert.equal(code, 0, log());
  const check = plimsoll(['store', 'check', '--config', server.config, '--quiet']);
  assert.match(check.stdout, /^whole: /, check.stdout + check.stderr);
  // What was being scanned when its server died.
  const interrupted = [...kept.map((it) => it.text + it.child.text).join('\n').matchAll(/(?:killed server are|lease ran out are) queued again.*jobs=(\d+)/g)].reduce((n, m) => n + Number(m[1]), 0);
  const scans = jobs.filter((j) => j.kind === 'scan');
  t.diagnostic(`${engine}: ${images} images pushed in ${pushedIn.toFixed(0)} s beside ${kills} kills (${kept.map((it) => `${it.name} ${it.kills}`).join(', ')}); `
    + `settled after ${settledIn.toFixed(0)} s: ${shown.length} results, ${entries.length} ledger entries, ${scans.length} scan jobs, ${interrupted} of them killed under way, `
    + `${bad.length} dead or failed, 0 stuck; store ${check.stdout.split(':')[0]}`);
}
