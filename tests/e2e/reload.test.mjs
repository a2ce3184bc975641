// SPDX-License-Identifier: Apache-2.0
// SIGHUP: configuration and certificate are read again; what is broken changes nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import {
  alpineRoot, freePort, GROUP, makeLayout, makeSecdb, must, push, request, startRegistry, startServer, SUBSCRIPTION, tar, tempDir, until, verdictOf,
} from './lib.mjs';

const vulnerable = tar(alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] }));
const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } };

function makeCertificate(dir, name) {
  const file = (what) => path.join(dir, `${name}.${what}`);
  must('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', file('key'), '-out', file('pem')]);
  return { cert: file('pem'), key: file('key') };
}

const nameServed = (port) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subject.CN);
    socket.end();
  });
  socket.on('error', reject);
});

const metric = async (server, name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await server.api('/metrics')).body)[1]);

async function setUp(t, extra) {
  const dir = tempDir(t);
  const port = await freePort();
  const server = await startServer(t, dir, {
    host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`], extra });
  const hup = async (text, word) => {
    const seen = server.child.text.length;
    fs.writeFileSync(server.config, text);
    server.child.kill('SIGHUP');
    await until(15000, `"${word}"`, () => server.child.text.slice(seen).includes(word), () => server.child.text.slice(seen));
    return server.child.text.slice(seen);
  };
  return { dir, port, server, hup, original: fs.readFileSync(server.config, 'utf8') };
}

test('a new certificate is served after SIGHUP while an old connection lives on', async (t) => {
  const { dir, server, hup, original } = await setUp(t);
  const own = fs.readFileSync(server.ca, 'utf8');
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: own });
  const ask = () => new Promise((resolve, reject) => {
    https.get(`${server.url}/healthz`, { agent }, (res) => {
      res.resume();
      res.on('end', () => resolve({ status: res.statusCode, reused: res.req.reusedSocket, port: res.req.socket.localPort }));
    }).on('error', reject);
  });
  const before = await ask();
  assert.equal(before.status, 200);
  const files = makeCertificate(dir, 'second');
  const text = original + `tls: { certificate: ${files.cert}, key: ${files.key} }\n`;
  let isOver = false;
  let n = 0;
  const failures = [];
  const load = (async () => { while (!isOver) { await nameServed(server.port).then(() => n++, (e) => failures.push(e.message)); } })();
  await hup(text, 'read again');
  assert.equal(await nameServed(server.port), 'second');
  const after = await ask();
  assert.deepEqual([after.status, after.reused, after.port], [200, true, before.port], 'the open connection goes on');
  server.ca = files.cert;
  const third = makeCertificate(dir, 'third');
  fs.copyFileSync(third.cert, files.cert);
  fs.copyFileSync(third.key, files.key);
  await hup(text, 'read again'); // the same file, other content
  assert.equal(await nameServed(server.port), 'third');
  assert.equal((await server.api('/plimsoll/v1/status')).status, 200);
  isOver = true;
  await load;
  assert.deepEqual(failures, [], 'nobody was refused meanwhile');
  assert.ok(n > 3);
  assert.equal((await ask()).status, 200);
  agent.destroy();
  fs.writeFileSync(files.key, fs.readFileSync(path.join(dir, 'second.key'), 'utf8').replace(/[A-Z]/g, 'Q'));
  const said = await hup(text, 'reload refused');
  assert.match(said, /certificate/);
  assert.equal(await nameServed(server.port), 'third', 'a key that is none changes nothing');
  assert.equal(await metric(server, 'plimsoll_config_reload_success'), 0);
});

test('a registry that a reload adds is guarded, its credentials change, and one that it takes out is not', async (t) => {
  const { dir, server, hup, original } = await setUp(t);
  const secondPort = await freePort();
  const notify = { url: `${server.url}/notifications/second`, secret: server.secret, ca: server.ca };
  const registry = await startRegistry(t, path.join(dir, 'second-registry'), notify, secondPort);
  const image = makeLayout(path.join(dir, 'img'), [{ tar: vulnerable }]);
  push(image.layout, `${registry.host}/early/app:1`); // refused: nobody knows this registry yet
  const asked = await request(server, '/notifications/second', { method: 'POST', body: { events: [] }, token: server.secret });
  assert.equal(asked.status, 401);
  const added = original.replace('registries:\n', `registries:\n  - { name: second, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${registry.host}", plain-http: true, sweep-interval: 2 }\n`);
  await hup(added, 'read again');
  assert.equal((await verdictOf(server, image.digest, { settled: false })).status, 'Unhealthy');
  const other = makeLayout(path.join(dir, 'img2'), [{ tar: Buffer.concat([vulnerable]), createdBy: 'another' }]);
  push(other.layout, `${registry.host}/late/app:1`);
  assert.equal((await verdictOf(server, other.digest, { settled: false })).status, 'Unhealthy');
  const at = await metric(server, 'plimsoll_config_last_reload_success_timestamp_seconds');
  assert.ok(Math.abs(Date.now() / 1000 - at) < 60);
  await hup(original.replace(server.secret, 'another-secret-of-them-all'), 'read again');
  for (const [name, secret, status] of [['second', server.secret, 401], ['second', 'another-secret-of-them-all', 401], ['lab', server.secret, 401], ['lab', 'another-secret-of-them-all', 202]])
    assert.equal((await request(server, `/notifications/${name}`, { method: 'POST', body: { events: [] }, token: secret })).status, status, `${name} ${secret}`);
});

test('a broken file keeps the former configuration and is named with its place; what needs a restart is named', async (t) => {
  const { server, hup, original } = await setUp(t);
  assert.equal(await metric(server, 'plimsoll_config_reload_success'), 1);
  const said = await hup(original + 'nonsense: 1\n', 'reload refused');
  const line = original.split('\n').length;
  assert.ok(said.includes(`plimsoll.yaml:${line}:1: unknown key nonsense`), said);
  assert.equal(await metric(server, 'plimsoll_config_reload_success'), 0);
  assert.equal((await request(server, '/notifications/lab', { method: 'POST', body: { events: [] }, token: server.secret })).status, 202);
  const moved = await hup(original.replace(/data-directory: .*/, 'data-directory: /elsewhere') + 'workers: 5\nlog: { level: debug }\nlimits: { events-body: 4096 }\n', 'read again');
  for (const key of ['data-directory', 'workers']) assert.match(moved, new RegExp(`restart to change it.*${key}`));
  assert.equal(await metric(server, 'plimsoll_config_reload_success'), 1);
  const huge = await request(server, '/notifications/lab', { method: 'POST', body: `{"events":[],"x":"${'y'.repeat(5000)}"}`, token: server.secret });
  assert.equal(huge.status, 413, 'limits hold from the reload on');
  await request(server, '/notifications/lab', { method: 'POST', body: { events: [] }, token: server.secret });
  await until(5000, 'a debug line', () => / debug /i.test(server.child.text), () => server.child.text.slice(-1000));
});
