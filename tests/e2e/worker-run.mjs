// SPDX-License-Identifier: Apache-2.0
// worker-run.mjs - workers share the images of a registry that is 200 ms away: how fast, each once, also when one is frozen.
import assert from 'node:assert/strict';

import { countsOf, farAway, jobsOf, pushMany, startWorker } from './fleet.mjs';
import { freePort, fs, makeSecdb, path, plimsoll, request, startPostgres, startRegistry, startServer, tempDir, until } from './lib.mjs';

const LATENCY_MS = 200;

/** Scans a second, from the first that ended to the last of @n. */
async function rate(server, before, n, ms) {
  const done = async () => (await countsOf(server)).done - before;
  const first = await until(60000, 'the first result', async () => { const k = await done(); return k > 0 && { k, at: Date.now() }; }, () => server.child.text.slice(-2000));
  const last = await until(ms, `${n} results`, async () => (await done()) >= n && { at: Date.now() }, () => server.child.text.slice(-2000));
  return (n - first.k) / ((last.at - first.at) / 1000);
}

const endsOf = (child) => [...child.text.matchAll(/job ended .*digest="(sha256:[0-9a-f]+)" end="done"/g)].map((m) => m[1]);

/**
 * @nOne images for one worker, @nFour for four, at least @least times as fast; then @nFrozen, in the middle of which one is frozen.
 */
export async function run(t, { nOne, nFour, nFrozen, least }) {
  const conninfo = await startPostgres(t);
  if (!conninfo) return t.skip('PostgreSQL is not installed');
  const dir = tempDir(t), port = await freePort();
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const host = await farAway(t, port, LATENCY_MS);
  const server = await startServer(t, dir, { host, feeds: [`alpine-secdb=${feed}`], store: `postgres:${conninfo}`, registry: 'sweep-interval: 0',
    extra: `workers: 0\nlease: 3\nsweep-interval: 0\nfeeds-interval: 0\ndatabase-directory: ${dir}/advisories\nsecret-key-file: ${dir}/secret.key` });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  await until(30000, 'a generation', async () => (await server.api('/plimsoll/v1/status')).body.newestGeneration > 0, () => server.child.text);
  const queued = (n) => until(120000, `${n} queued`, async () => (await countsOf(server)).queued >= n, () => server.child.text.slice(-2000));
  const base = (await countsOf(server)).done;

  await pushMany(registry.host, 'app', nOne);
  await queued(nOne);
  const one = await startWorker(t, path.join(dir, 'w0'), server, { extra: 'worker: { address: 127.0.0.1, port: 0 }' });
  const alone = await rate(server, base, nOne, nOne * 3000 + 30000);
  const probe = { url: /http:\/\/[\d.:]+/.exec(one.text)[0] };
  assert.equal((await fetch(`${probe.url}/healthz`)).status, 200);
  assert.match(await (await fetch(`${probe.url}/metrics`)).text(), /^plimsoll_leader 0$/m);
  assert.equal((await fetch(`${probe.url}/plimsoll/v1/images`)).status, 404);
  one.kill('SIGTERM');
  assert.equal((await one.ended).code, 0);

  await pushMany(registry.host, 'app', nFour, { from: nOne });
  await queued(nFour);
  const four = await Promise.all([1, 2, 3, 4].map((i) => startWorker(t, path.join(dir, `w${i}`), server)));
  const together = await rate(server, base + nOne, nFour, nFour * 2000 + 60000);
  console.log(`# workers: ${nFour} images, ${LATENCY_MS} ms away: one ${alone.toFixed(2)}/s, four ${together.toFixed(2)}/s, ${(together / alone).toFixed(2)} x`);
  assert.ok(together >= least * alone, `${together} is less than ${least} x ${alone}`);

  // one is frozen in the middle of a scan: what it held moves, and what it says late is refused
  const digests = await pushMany(registry.host, 'app', nFrozen, { from: nOne + nFour });
  const frozen = four[0];
  const isScanning = () => frozen.text.lastIndexOf('scan starts') > frozen.text.lastIndexOf('job ended');
  await until(30000, 'a scan by the first', isScanning, () => frozen.text);
  frozen.kill('SIGSTOP');
  t.after(() => frozen.kill('SIGCONT'));
  const begun = Date.now();
  await until(120000, 'all results', async () => { const c = await countsOf(server); return c.done - base >= nOne + nFour + nFrozen && c.queued + c.running === 0; }, () => server.child.text.slice(-2000));
  const moved = Date.now() - begun;
  frozen.kill('SIGCONT');
  await until(20000, 'the late answer', () => /the lease is no longer ours/.test(frozen.text), () => frozen.text.slice(-2000));
  await until(20000, 'work for who was frozen', async () => !isScanning() || /the end of a job was not stored/.test(frozen.text), () => frozen.text.slice(-2000));
  console.log(`# frozen: its job moved, all ${nFrozen} done after ${(moved / 1000).toFixed(1)} s, its late answer refused`);

  const ends = [one, ...four].flatMap(endsOf), n = nOne + nFour + nFrozen;
  assert.equal(ends.length, n);
  assert.equal(new Set(ends).size, n);
  for (const d of digests) assert.ok(ends.includes(d));
  const jobs = await jobsOf(server, 'scan');
  assert.equal(jobs.length, n);
  assert.ok(jobs.every((job) => job.state === 'done' && job.attempts === 1));
  console.log(`# recorded: ${n} images, ${ends.length} results by ${four.length + 1} workers, none twice`);
  assert.match(plimsoll(['store', 'check', '--config', server.config]).stdout, /^whole: /);
}
