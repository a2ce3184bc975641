// SPDX-License-Identifier: Apache-2.0
// Others are told: a real receiver that checks the signature, a real SMTP server, a real registry.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import {
  alpineRoot, debianRoot, freePort, makeLayout, makeSecdb, must, push, registryId, request, startRegistry, startServer, tar, tempDir, until,
  updateDb, verdictOf,
} from './lib.mjs';

const HOOK_SECRET = 'hook secret';
const SECDB = {
  'v3.22': {
    openssl: { '3.5.4-r1': ['CVE-2025-0001', 'CVE-2025-0002'] },
    busybox: { '1.37.0-r20': ['CVE-2025-0003'] },
  },
};
const old = (more = []) => tar([...alpineRoot({ packages: [
  { name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }, { name: 'busybox', version: '1.37.0-r19' }, { name: 'apk-tools', version: '2.14.9-r3' }] }), ...more]);
const fixed = (more = []) => tar([...alpineRoot({ packages: [
  { name: 'libssl3', origin: 'openssl', version: '3.5.4-r1' }, { name: 'busybox', version: '1.37.0-r20' }, { name: 'zlib', version: '1.0-r0' }] }), ...more]);
const filler = (n) => [{ path: `filler${n}`, body: String(n) }];

/** Checks as docs/NOTIFICATIONS.md tells receivers to. */
function isSigned(headers, body, secret) {
  const mac = createHmac('sha256', secret).update(`${headers['x-plimsoll-timestamp']}.`).update(body).digest('hex');
  return headers['x-plimsoll-signature-256'] === `sha256=${mac}` && Math.abs(Date.now() / 1000 - headers['x-plimsoll-timestamp']) < 300;
}

/** A receiver; @answer(n, req): status, or { status, headers, after }. */
async function startReceiver(t, answer = () => 200) {
  const got = [];
  const server = http.createServer((req, res) => {
    const chunks = [];
    req.on('data', (d) => chunks.push(d));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      const one = { headers: req.headers, url: req.url, method: req.method, body: JSON.parse(body), signed: isSigned(req.headers, body, HOOK_SECRET), at: Date.now() };
      got.push(one);
      const a = answer(got.length, one);
      const { status, headers = {}, after = 0 } = typeof a === 'number' ? { status: a } : a;
      setTimeout(() => res.writeHead(status, headers).end('said the receiver'), after);
    });
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { got, url: `http://127.0.0.1:${server.address().port}/hook`, of: (kind) => got.filter((g) => g.body.type === `plimsoll.${kind}`) };
}

const hook = (receiver, more = '') => `  - { name: hook, url: "${receiver.url}", secret: "${HOOK_SECRET}", retry-base: 1${more && `, ${more}`} }`;

async function setUp(t, channels, extra = '') {
  const dir = tempDir(t);
  const port = await freePort();
  const server = await startServer(t, dir, {
    host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    extra: ['notify:', ...channels, extra].join('\n'),
  });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  return { dir, server, registry };
}

/** Nothing is on its way: all that was noted has been told or was none of ours. */
async function quiet(server) {
  await until(30000, 'the outbox to be empty', async () => {
    const { counts } = (await server.api('/plimsoll/v1/notify/messages')).body;
    return counts.queued === 0 && counts.sending === 0;
  }, () => server.child.text.slice(-3000));
}

const told = (server, receiver, kind, n) =>
  until(25000, `${n} × ${kind}`, () => receiver.of(kind).length >= n, () => JSON.stringify(receiver.got.map((g) => [g.body.type, g.body.subject])) + server.child.text.slice(-3000));

async function pushImage({ dir, registry }, name, layer, ref) {
  const image = makeLayout(path.join(dir, name), [{ tar: layer }]);
  push(image.layout, `${registry.host}/${ref}`);
  return image;
}

test('one push is one message, signed; healthy, re-tagged and rescanned images are none; a fix and a new advisory are one each', async (t) => {
  const receiver = await startReceiver(t);
  const all = await setUp(t, [hook(receiver)]);
  const { dir, server, registry } = all;

  const first = await pushImage(all, 'a', old(), 'team/app:1');
  await verdictOf(server, first.digest);
  await told(server, receiver, 'new-findings', 1);
  const [message] = receiver.got;
  assert.equal(message.signed, true, 'the signature is the body\'s');
  assert.equal(message.method, 'POST');
  assert.equal(message.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
  assert.equal(message.headers['plimsoll-delivery'], message.body.id);
  assert.equal(message.headers['plimsoll-event'], 'new-findings');
  assert.equal(message.body.specversion, '1.0');
  assert.equal(message.body.subject, 'lab/team/app:1');
  assert.equal(message.body.source, server.url);
  const { data } = message.body;
  assert.equal(data.summary, '3 new findings in lab/team/app:1 (3 not rated)');
  assert.deepEqual(data.findings.map((f) => [f.id, f.package, f.version, f.fixedVersion, f.severity]), [
    ['CVE-2025-0001', 'openssl', '3.5.4-r0', '3.5.4-r1', 'unknown'], ['CVE-2025-0002', 'openssl', '3.5.4-r0', '3.5.4-r1', 'unknown'],
    ['CVE-2025-0003', 'busybox', '1.37.0-r19', '1.37.0-r20', 'unknown']]);
  assert.equal(data.registry.id, registryId('lab'));
  assert.equal(data.images[0].reference, `${registry.host}/team/app@${first.digest}`);
  assert.deepEqual([data.images.length, data.images[0].tags, data.images[0].status], [1, ['1'], 'Unhealthy']);
  assert.match(data.commands[0], /apk .*(libssl3|busybox)/);
  const link = new URL(data.link);
  const shown = await server.api(link.pathname + link.search);
  assert.equal(shown.body.value[0].digest, first.digest, 'the link leads to the image');

  await pushImage(all, 'h', fixed(filler('h')), 'team/healthy:1').then((i) => verdictOf(server, i.digest));
  push(first.layout, `${registry.host}/team/app:again`);
  push(first.layout, `${registry.host}/team/app:1`);
  const again = await server.api('/plimsoll/v1/registries/lab/scan', { method: 'POST', body: { repository: 'team/app', reference: '1' } });
  assert.equal(again.status, 202);
  await verdictOf(server, first.digest);
  await quiet(server);

  const second = await pushImage(all, 'b', fixed(), 'team/app:1');
  await verdictOf(server, second.digest);
  await told(server, receiver, 'image-healthy', 1);
  assert.equal(receiver.of('image-healthy')[0].body.data.summary, 'lab/team/app:1 is healthy');
  assert.equal(receiver.of('image-healthy')[0].body.data.images[0].digest, second.digest);

  const later = makeSecdb(path.join(dir, 'later'), { 'v3.22': { ...SECDB['v3.22'], zlib: { '2.0-r0': ['CVE-2025-0009'] } } });
  updateDb(path.join(server.data, 'advisories'), `alpine-secdb=${later}`);
  await told(server, receiver, 'new-findings', 3);
  await quiet(server);
  const news = receiver.of('new-findings').slice(1).map((g) => [g.body.data.repository, g.body.data.findings.map((f) => f.id)]);
  assert.deepEqual(news.sort(), [['team/app', ['CVE-2025-0009']], ['team/healthy', ['CVE-2025-0009']]]);
  assert.equal(receiver.got.length, 4, 'nothing else was said');
  assert.equal(new Set(receiver.got.map((g) => g.body.id)).size, 4);
  const metrics = (await server.api('/metrics')).body;
  assert.match(metrics, /plimsoll_notifications_sent_total\{channel="hook",kind="new-findings"\} 3/);
  assert.match(metrics, /plimsoll_notifications_depth\{state="queued"\} 0/);
});

test('an index of several platforms is one message; the counts are of all of it, the list is bounded', async (t) => {
  const receiver = await startReceiver(t);
  const all = await setUp(t, [hook(receiver, 'severity: critical, repositories: ["multi/**"]')]);
  const { dir, server, registry } = all;
  const layout = path.join(dir, 'index');
  const blobs = path.join(layout, 'blobs/sha256');
  const manifests = ['amd64', 'arm64', 's390x'].map((architecture) => {
    const one = makeLayout(layout, [{ tar: old(filler(architecture)) }], { config: { architecture }, tag: architecture });
    return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: one.digest, size: fs.statSync(path.join(blobs, one.digest.slice(7))).size, platform: { os: 'linux', architecture } };
  });
  const put = makeLayout(layout, [{ tar: old() }]).put;
  const index = put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests })));
  fs.writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [
    { mediaType: 'application/vnd.oci.image.index.v1+json', ...index, annotations: { 'org.opencontainers.image.ref.name': 'x' } }] }));
  await pushImage(all, 'none-of-theirs', old(filler('n')), 'single/app:1');
  push(`${layout}:x`, `${registry.host}/multi/app:1`);
  await verdictOf(server, manifests[2].digest);
  await told(server, receiver, 'new-findings', 1);
  await quiet(server);
  assert.equal(receiver.got.length, 1);
  const { data } = receiver.got[0].body;
  assert.equal(data.summary, '3 new findings in lab/multi/app:1 (3 not rated), 3 images', 'not rated counts for every severity');
  assert.deepEqual(data.images.map((i) => i.platform).sort(), ['linux/amd64', 'linux/arm64', 'linux/s390x']);
  assert.deepEqual(data.findings.map((f) => f.images), [3, 3, 3]);
  assert.equal(data.digest, index.digest);
});

test('a flaky receiver gets it in the end, a gone one is left alone, a slow one does not keep others waiting for ever; the dead are requeued', async (t) => {
  const flaky = await startReceiver(t, (n) => (n <= 2 ? 500 : 200));
  const gone = await startReceiver(t, (n) => (n <= 1 ? 410 : 200));
  const busy = await startReceiver(t, (n) => (n <= 1 ? { status: 503, headers: { 'Retry-After': '3' } } : 200));
  const moved = await startReceiver(t, () => ({ status: 302, headers: { Location: flaky.url } }));
  const slow = await startReceiver(t, (n) => (n <= 1 ? { status: 200, after: 5000 } : 200));
  const names = { gone, busy, moved, slow };
  const all = await setUp(t, [hook(flaky), ...Object.entries(names).map(([name, r]) =>
    `  - { name: ${name}, url: "${r.url}", retry-base: 1, timeout: 2, headers: { X-Team: shipping } }`)]);
  const { server } = all;
  const image = await pushImage(all, 'a', old(), 'team/app:1');
  await verdictOf(server, image.digest);
  await told(server, flaky, 'new-findings', 3);
  await told(server, busy, 'new-findings', 2);
  await told(server, slow, 'new-findings', 2);
  await until(30000, 'the end of it', async () => {
    const { counts } = (await server.api('/plimsoll/v1/notify/messages')).body;
    return counts.queued + counts.sending === 0 && counts;
  }, () => server.child.text.slice(-3000));
  assert.equal(new Set(flaky.got.map((g) => g.body.id)).size, 1, 'the same message each time');
  assert.ok(flaky.got.every((g) => g.signed));
  assert.ok(busy.got[1].at - busy.got[0].at >= 2900, 'Retry-After is honoured');
  assert.equal(gone.got.length, 1, '410: no second try');
  assert.equal(moved.got.length, 3, 'a few tries, and the redirect is not followed');
  assert.equal(moved.got[0].headers['x-team'], 'shipping');
  assert.equal(moved.got[0].headers['x-plimsoll-signature-256'], undefined);
  const dead = (await server.api('/plimsoll/v1/notify/messages?state=dead')).body.value;
  assert.deepEqual(dead.map((m) => [m.channel, m.error]).sort(), [
    ['gone', 'the receiver answered 410: it wants no more: said the receiver'],
    ['moved', 'the receiver answered 302: redirects are not followed: said the receiver']]);
  const one = dead.find((m) => m.channel === 'gone');
  assert.equal((await server.api(`/plimsoll/v1/notify/messages/${one.id}/requeue`, { method: 'POST' })).status, 202);
  await told(server, gone, 'new-findings', 2);
  assert.equal(gone.got[1].body.id, one.message);
  await quiet(server);
  assert.equal((await server.api(`/plimsoll/v1/notify/messages/${one.id}/requeue`, { method: 'POST' })).status, 404, 'it is not dead any more');
  const metrics = (await server.api('/metrics')).body;
  assert.match(metrics, /plimsoll_notifications_dead_total\{channel="moved",kind="new-findings"\} 1/);
  assert.match(metrics, /plimsoll_notifications_retried_total\{channel="hook",kind="new-findings"\} 2/);
  const channels = (await server.api('/plimsoll/v1/notify/channels')).body.value;
  assert.deepEqual(channels.map((c) => [c.name, c.signed]), [['hook', true], ['gone', false], ['busy', false], ['moved', false], ['slow', false]]);
  assert.ok(!JSON.stringify(channels).includes(HOOK_SECRET) && !JSON.stringify(channels).includes('/hook'));
  const asked = (await server.api('/plimsoll/v1/notify/channels/hook/test', { method: 'POST' })).body;
  assert.deepEqual([asked.delivered, asked.status, asked.answer], [true, 200, 'said the receiver']);
  assert.equal(flaky.of('test').length, 1);
  assert.equal((await server.api('/plimsoll/v1/notify/channels/nobody/test', { method: 'POST' })).status, 404);
});

test('kill -9 between result and delivery: the message still comes, with the same id', async (t) => {
  let isUp = false;
  const receiver = await startReceiver(t, () => (isUp ? 200 : { status: 200, after: 60000 }));
  const all = await setUp(t, [hook(receiver, 'timeout: 50')]);
  const { server } = all;
  const image = await pushImage(all, 'a', old(), 'team/app:1');
  await verdictOf(server, image.digest);
  await told(server, receiver, 'new-findings', 1);
  await server.kill();
  isUp = true;
  await server.restart();
  await told(server, receiver, 'new-findings', 2);
  await quiet(server);
  assert.equal(receiver.got.length, 2);
  assert.equal(receiver.got[0].body.id, receiver.got[1].body.id);
  assert.deepEqual(receiver.got[0].body, receiver.got[1].body);
});

test('a scan that fails for good and a vulnerable image that is pulled are told', async (t) => {
  const receiver = await startReceiver(t);
  const all = await setUp(t, [hook(receiver, 'events: [scan-failed, pulled-vulnerable]')], 'attempts: 1');
  const { dir, server, registry } = all;
  const broken = makeLayout(path.join(dir, 'broken'), [{ tar: fixed(), diffId: 'sha256:' + '11'.repeat(32) }]);
  push(broken.layout, `${registry.host}/odd:1`);
  await told(server, receiver, 'scan-failed', 1);
  const { data } = receiver.got[0].body;
  assert.equal(data.summary, 'lab/odd:1 could not be scanned');
  assert.equal(data.digest, broken.digest);
  assert.ok(data.reason.length > 10, data.reason);
  const image = await pushImage(all, 'a', old(), 'team/app:1');
  await verdictOf(server, image.digest, { settled: false });
  await quiet(server);
  assert.equal(receiver.got.length, 1, 'new findings are none of this channel\'s');
  for (let i = 0; i < 2; i++) must('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${registry.host}/team/app:1`, `dir:${path.join(dir, `pulled${i}`)}`]);
  await told(server, receiver, 'pulled-vulnerable', 1);
  assert.match(receiver.got[1].body.data.summary, /^lab\/team\/app:1 was pulled lately and has 3 findings/);
  await quiet(server);
  assert.equal(receiver.got.length, 2, 'once a week, not once a pull');
});

test('a source that the firewall holds is told once', async (t) => {
  const receiver = await startReceiver(t);
  const dir = tempDir(t);
  const many = (from, n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`package-${from + i}`, { '1-r0': [`CVE-2025-${10000 + from + i}`] }]));
  const secdb = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': many(0, 200) });
  const server = await startServer(t, dir, { host: '127.0.0.1:1', feeds: [`alpine-secdb=${secdb}`],
    extra: ['feeds-interval: 2', 'sweep-interval: 0', 'notify:', hook(receiver)].join('\n') });
  await until(20000, 'the first generation', async () => (await server.api('/plimsoll/v1/status')).body.generation > 0, () => server.child.text.slice(-2000));
  makeSecdb(path.join(dir, 'secdb'), { 'v3.22': many(0, 600) });
  await told(server, receiver, 'source-held', 1);
  const { data } = receiver.got[0].body;
  assert.equal(data.source, 'alpine-secdb');
  assert.equal(data.summary, 'advisory source alpine-secdb is held back');
  assert.match(data.reason, /held/);
  assert.equal(data.registry, undefined);
  await quiet(server);
  assert.equal(receiver.got.length, 1);
});

test('mail: text and HTML, hostile names stay text, one Message-ID', async (t) => {
  const mails = [];
  let failures = 1;
  const smtp = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], logger: false,
    onAuth: (auth, session, done) => done(null, auth.username === 'robot' && auth.password === 'pass' ? { user: 'robot' } : null),
    onData(stream, session, done) {
      const chunks = [];
      stream.on('data', (d) => chunks.push(d));
      stream.on('end', () => {
        mails.push({ raw: Buffer.concat(chunks), envelope: session.envelope, user: session.user });
        done(failures-- > 0 ? Object.assign(new Error('come back later'), { responseCode: 451 }) : null);
      });
    },
  });
  await new Promise((r) => smtp.listen(0, '127.0.0.1', r));
  t.after(() => new Promise((r) => smtp.close(r)));
  const url = `smtp://127.0.0.1:${smtp.server.address().port}`;
  const hostile = 'evil<script>alert(1)</script>';
  const all = await setUp(t, [
    `  - { name: mail, kind: smtp, url: "${url}", starttls: false, username: robot, password: pass, retry-base: 1, from: plimsoll@ships.example, to: [ops@ships.example, sec@ships.example] }`,
    `  - { name: strict, kind: smtp, url: "${url}", retry-base: 1, attempts: 1, from: plimsoll@ships.example, to: [ops@ships.example] }`]);
  const { dir, server } = all;
  const feed = makeSecdb(path.join(dir, 'evil'), { 'v3.22': { [hostile]: { '9-r0': ['CVE-2025-0666'] } } });
  updateDb(path.join(server.data, 'advisories'), `alpine-secdb=${feed}`);
  const layer = tar(alpineRoot({ packages: [{ name: hostile, version: '1-r0' }] }));
  const image = await pushImage(all, 'a', layer, 'team/app:1');
  await verdictOf(server, image.digest);
  await until(30000, 'the mail', () => mails.length >= 2, () => server.child.text.slice(-3000));
  await quiet(server);
  assert.equal(mails.length, 2, '451 the first time, then once');
  assert.deepEqual(mails[1].envelope.rcptTo.map((r) => r.address), ['ops@ships.example', 'sec@ships.example']);
  assert.equal(mails[1].envelope.mailFrom.address, 'plimsoll@ships.example');
  assert.deepEqual(mails[0].raw, mails[1].raw, 'the same bytes, so the same Message-ID');
  const mail = await simpleParser(mails[1].raw);
  assert.match(mail.subject, /^\[Plimsoll\] 1 new finding in lab\/team\/app:1 \(1 not rated\)$/);
  assert.match(mail.messageId, /^<[0-9a-f-]{36}@ships\.example>$/);
  assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
  assert.match(mail.text, /CVE-2025-0666 +evil<script>/);
  assert.match(mail.text, new RegExp(image.digest));
  assert.ok(!mail.html.includes('<script'), 'no markup of theirs');
  assert.ok(mail.html.includes('evil&lt;script&gt;'));
  assert.ok(mails[1].raw.toString().split('\r\n').every((l) => l.length <= 998 && /^[\x09\x20-\x7e]*$/.test(l)));
  const dead = (await server.api('/plimsoll/v1/notify/messages?channel=strict')).body.value;
  assert.equal(dead[0].state, 'dead');
  assert.match(dead[0].error, /STARTTLS|TLS/i, 'no mail leaves without TLS unless it is asked for');
});
