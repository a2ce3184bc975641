// SPDX-License-Identifier: Apache-2.0
// store.test.mjs - a server on PostgreSQL: what is pushed is judged, also after kill -9; its store is whole, is backed up while
// it runs, and goes on in SQLite.
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';

import { alpineRoot, freePort, fs, makeLayout, makeSecdb, must, path, plimsoll, push, startPostgres, startRegistry, startServer, tar, tempDir, until, verdictOf } from './lib.mjs';

const image = (dir, name) => makeLayout(path.join(dir, name), [{ tar: tar([...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] }), { path: name, body: name }]) }]);

test('push → verdict on PostgreSQL, through kill -9; check, backup and the way to SQLite', async (t) => {
  const conninfo = await startPostgres(t);
  if (!conninfo) return t.skip('PostgreSQL is not installed');
  const dir = tempDir(t), port = await freePort(), backup = path.join(dir, 'backup');
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const server = await startServer(t, dir, { host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${feed}`], store: `postgres:${conninfo}`, registry: 'username: somebody, password: correct-horse', extra: 'lease: 3' });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const first = image(dir, 'one'), second = image(dir, 'two');
  push(first.layout, `${registry.host}/app:1`);
  assert.equal((await verdictOf(server, first.digest)).status, 'Unhealthy');

  await server.kill();
  push(second.layout, `${registry.host}/app:2`); // the registry sends it again once the server is back
  await server.restart();
  assert.equal((await verdictOf(server, second.digest)).status, 'Unhealthy');
  assert.ok(!fs.existsSync(path.join(server.data, 'plimsoll.db')));

  const of = ['--config', server.config];
  assert.match(plimsoll(['store', 'check', ...of]).stdout, /^whole: /);
  assert.equal(plimsoll(['store', 'backup', backup, ...of]).code, 0); // the server runs on
  assert.equal((await server.api('/healthz')).status, 200);
  const clear = must('zstd', ['-dc', backup], { encoding: 'latin1' });
  assert.ok(clear.includes(first.digest) && !clear.includes('correct-horse') && !server.child.text.includes('correct-horse'));
  assert.equal(fs.statSync(path.join(server.data, 'secret.key')).mode & 0o777, 0o600);

  const refused = plimsoll(['store', 'restore', backup, ...of, '--force']);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /a server runs on it/);
  server.child.kill('SIGTERM');
  await server.child.ended;
  const moved = plimsoll(['store', 'migrate', ...of, '--to', `sqlite:${server.data}/plimsoll.db`]);
  assert.equal(moved.code, 0, moved.stderr);
  assert.match(moved.stdout, /copied and compared/);
  fs.writeFileSync(server.config, fs.readFileSync(server.config, 'utf8').replace(/^store: .*$/m, 'store: ""'));
  await server.restart();
  const images = (await server.api('/plimsoll/v1/images')).body.value;
  assert.deepEqual(images.map((i) => i.digest).sort(), [first.digest, second.digest].sort());
  assert.match(plimsoll(['store', 'check', ...of]).stdout, /^whole: /);
});

/** A registry's address whose answers wait while it is held. */
async function gate(t, port) {
  const held = [], open = new Set(), at = { isHeld: false, n: 0 };
  const server = net.createServer((client) => {
    at.n++;
    open.add(client.on('close', () => open.delete(client)));
    const through = () => {
      const up = net.connect(port, '127.0.0.1');
      client.on('error', () => up.destroy());
      up.on('error', () => client.destroy());
      client.pipe(up).pipe(client);
    };
    if (at.isHeld) held.push(through);
    else through();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.close(); for (const f of held.splice(0)) f(); });
  at.host = `127.0.0.1:${server.address().port}`;
  at.hold = () => { at.isHeld = true; for (const client of open) client.destroy(); }; // those that are kept alive too
  at.open = () => { at.isHeld = false; for (const f of held.splice(0)) f(); };
  return at;
}

test('two servers on one PostgreSQL: what a frozen one held moves to the other, and its late answer is refused', async (t) => {
  const conninfo = await startPostgres(t);
  if (!conninfo) return t.skip('PostgreSQL is not installed');
  const dir = tempDir(t), port = await freePort(), other = path.join(dir, 'other');
  fs.mkdirSync(other);
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const door = await gate(t, port);
  const same = { host: door.host, feeds: [`alpine-secdb=${feed}`], store: `postgres:${conninfo}`, registry: 'sweep-interval: 0',
    extra: `lease: 3\nworkers: 1\ndatabase-directory: ${dir}/advisories\nsecret-key-file: ${dir}/secret.key` };
  const first = await startServer(t, dir, same);
  const registry = await startRegistry(t, dir, { url: first.notifyUrl, secret: first.secret, ca: first.ca }, port);
  const warm = image(dir, 'warm'), held = image(dir, 'held');
  push(warm.layout, `${registry.host}/app:1`);
  await verdictOf(first, warm.digest);

  door.hold();
  const before = door.n;
  push(held.layout, `${registry.host}/app:2`);
  await until(20000, 'the first server to ask for the image', () => door.n > before, () => first.child.text);
  first.child.kill('SIGSTOP');
  t.after(() => first.child.kill('SIGCONT'));
  const second = await startServer(t, other, same);
  assert.equal(second.token, undefined); // the store has one already
  second.token = first.token;
  door.open();
  assert.equal((await verdictOf(second, held.digest)).status, 'Unhealthy');
  assert.match(second.child.text, /jobs whose lease ran out are queued again/);

  first.child.kill('SIGCONT');
  await until(20000, 'the late answer', () => /the lease is no longer ours/.test(first.child.text), () => first.child.text);
  const { value } = (await first.api('/plimsoll/v1/images')).body;
  assert.equal(value.length, 2);
  assert.match(plimsoll(['store', 'check', '--config', first.config]).stdout, /^whole: /);

  // what one is told of, the other begins at once
  const third = image(dir, 'third');
  push(third.layout, `${registry.host}/app:3`);
  assert.equal((await verdictOf(second, third.digest)).status, 'Unhealthy');
});
