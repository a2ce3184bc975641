// SPDX-License-Identifier: Apache-2.0
// leader.test.mjs - two servers on one PostgreSQL: one schedules; it is killed, then frozen, and the other goes on; nothing twice.
import assert from 'node:assert/strict';
import test from 'node:test';

import { jobsOf } from './fleet.mjs';
import { fs, makeSecdb, path, startPostgres, startServer, tempDir, until } from './lib.mjs';

const INTERVAL_S = 3;

const isLeader = async (server) => (await server.api('/plimsoll/v1/status')).body.leader;

/** Jobs of a kind that is due every INTERVAL_S: none sooner after the one before. */
async function assertOnce(server, kind) {
  const at = (await jobsOf(server, kind)).map((job) => Date.parse(job.createdAt) / 1000).sort((a, b) => a - b);
  const gaps = at.slice(1).map((s, i) => s - at[i]);
  assert.ok(gaps.every((gap) => gap >= INTERVAL_S), `${kind}: ${gaps}`);
  return at.length;
}

test('of two servers one leads; killed or frozen, the other follows within seconds', async (t) => {
  const conninfo = await startPostgres(t);
  if (!conninfo) return t.skip('PostgreSQL is not installed');
  const dir = tempDir(t), other = path.join(dir, 'other');
  fs.mkdirSync(other);
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const same = { host: '127.0.0.1:1', feeds: [`alpine-secdb=${feed}`], store: `postgres:${conninfo}`, registry: `sweep-interval: ${INTERVAL_S}`,
    extra: `lease: 6\nworkers: 0\nfeeds-interval: ${INTERVAL_S}\nattempts: 1\ndatabase-directory: ${dir}/advisories\nsecret-key-file: ${dir}/secret.key` };
  const first = await startServer(t, dir, same);
  await until(10000, 'the first to lead', () => isLeader(first), () => first.child.text);
  const second = await startServer(t, other, same);
  second.token = first.token;
  await new Promise((r) => setTimeout(r, 2 * INTERVAL_S * 1000));
  assert.equal(await isLeader(first), true);
  assert.equal(await isLeader(second), false);
  assert.match((await first.api('/metrics')).body, /^plimsoll_leader 1$/m);
  assert.match((await second.api('/metrics')).body, /^plimsoll_leader 0$/m);

  let begun = Date.now();
  await first.kill();
  await until(15000, 'the second to lead', () => isLeader(second), () => second.child.text);
  const afterKill = (Date.now() - begun) / 1000;

  await first.restart();
  await new Promise((r) => setTimeout(r, 2000));
  assert.equal(await isLeader(first), false); // who came back does not push the other aside
  begun = Date.now();
  second.child.kill('SIGSTOP');
  t.after(() => second.child.kill('SIGCONT'));
  await until(15000, 'the first to lead again', () => isLeader(first), () => first.child.text);
  const afterFreeze = (Date.now() - begun) / 1000;
  await new Promise((r) => setTimeout(r, INTERVAL_S * 1000));
  second.child.kill('SIGCONT');
  await until(10000, 'the second to find out', async () => !(await isLeader(second)), () => second.child.text);
  assert.equal(await isLeader(first), true);

  begun = Date.now();
  first.child.kill('SIGTERM'); // in order: nobody waits for a lease to run out
  await first.child.ended;
  const ended = Date.now();
  await until(10000, 'the second to lead at last', () => isLeader(second), () => second.child.text);
  const afterEnd = (Date.now() - ended) / 1000;
  await new Promise((r) => setTimeout(r, INTERVAL_S * 1000));
  const n = { refresh: await assertOnce(second, 'refresh'), sweep: await assertOnce(second, 'sweep') };
  console.log(`# leader: another after kill -9 in ${afterKill.toFixed(1)} s, after a freeze in ${afterFreeze.toFixed(1)} s, after an orderly end in ${afterEnd.toFixed(1)} s; ${n.refresh} refreshes and ${n.sweep} sweeps, none twice`);
  assert.ok(n.refresh >= 4 && n.sweep >= 4);
});
