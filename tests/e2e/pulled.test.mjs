// SPDX-License-Identifier: Apache-2.0
// pulled.test.mjs - pulls as a real registry tells them: somebody's count, our own do not, and what is due is assessed again without pulling a layer.
import assert from 'node:assert/strict';
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';

import { alpineRoot, freePort, must, makeSecdb, path, startRegistry, startServer, tempDir, until, verdictOf } from './lib.mjs';
import { putImage } from './push.mjs';

/** A way to @port that notes what is asked for. */
async function listener(t, port) {
  const asked = [];
  const server = http.createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    const up = http.request({ port, host: '127.0.0.1', method: req.method, path: req.url, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    up.on('error', () => res.destroy());
    req.pipe(up);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { host: `127.0.0.1:${server.address().port}`, asked };
}

test('pulls, ours and others\', and the week after', async (t) => {
  const dir = tempDir(t), port = await freePort(), way = await listener(t, port);
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const server = await startServer(t, dir, { host: way.host, feeds: [`alpine-secdb=${feed}`], registry: 'sweep-interval: 0' });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const root = (n) => [...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] }), { path: 'n', body: n }];
  const [pulled, quiet] = [await putImage(registry.host, 'team/app', root('1'), { tag: 'pulled' }), await putImage(registry.host, 'team/app', root('2'), { tag: 'quiet' })];
  for (const it of [pulled, quiet]) await verdictOf(server, it.digest);
  const of = async (it) => (await server.api(`/plimsoll/v1/images?digest=${it.digest}`)).body.value[0];

  // Scans pulled both, through the registry's own notifications: nobody did.
  const ignored = async () => (await server.api('/metrics')).body.match(/plimsoll_notifications_total\{outcome="accepted"\} (\d+)/)[1];
  await until(10000, 'notifications of our own pulls', async () => Number(await ignored()) > 2);
  for (const it of [pulled, quiet]) assert.equal((await of(it)).lastPulled, undefined);

  const before = new Date();
  must('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${registry.host}/team/app:pulled`, `oci:${path.join(dir, 'out')}:x`]);
  const seen = await until(10000, 'the pull', async () => { const i = await of(pulled); return i.lastPulled && i.nextReassessment && i; });
  assert.ok(new Date(seen.lastPulled) >= new Date(Math.floor(before / 1000) * 1000));
  assert.ok(new Date(seen.nextReassessment) - before > 0 && new Date(seen.nextReassessment) - before <= 7 * 86400e3 + 1000);
  assert.equal((await of(quiet)).lastPulled, undefined);
  const since = `pulledSince=${new Date(before - 1000).toISOString()}`;
  assert.deepEqual((await server.api(`/plimsoll/v1/images?${since}`)).body.value.map((i) => i.digest), [pulled.digest]);
  assert.equal((await server.api('/plimsoll/v1/status')).body.recentlyPulled, 1);

  // The week passes, in the store of a server that is down: what was due an hour ago is assessed again, from what is known of its layers.
  server.child.kill('SIGTERM');
  await server.child.ended;
  const db = new DatabaseSync(path.join(server.data, 'plimsoll.db'));
  db.exec(`UPDATE images SET due_at = ${Math.floor(Date.now() / 1000) - 3600}, scanned_at = scanned_at - 604800 WHERE due_at > 0`);
  db.close();
  way.asked.length = 0;
  await server.restart();
  const again = await until(20000, 'the assessment', async () => { const i = await of(pulled); return new Date(i.scannedAt) > new Date(before) && i; }, () => server.child.text.slice(-3000));
  assert.equal(again.status, 'Unhealthy');
  assert.equal(again.lastPulled, seen.lastPulled); // it is no pull of somebody
  assert.ok(new Date(again.nextReassessment) > new Date());
  const jobs = (await server.api('/plimsoll/v1/jobs')).body.value.filter((j) => j.kind === 'scan');
  assert.deepEqual([jobs[0].digest, jobs[0].priority, jobs.length], [pulled.digest, 20, 3]);
  assert.match(server.child.text, /recently pulled images are assessed again/);
  const layers = way.asked.filter((line) => /blobs/.test(line));
  assert.ok(way.asked.some((line) => line.includes(`/manifests/${pulled.digest}`)));
  assert.ok(layers.length <= 1, `no layer is pulled, at most the configuration: ${way.asked.join(', ')}`);
  t.diagnostic(`assessed again with: ${way.asked.join(', ')}`);
});
