// SPDX-License-Identifier: Apache-2.0
// Done when 3, the fault run: each fault between the server and a real registry, and of its store.  For each: how it
// is named, whether it is tried again or is over, that nothing became Healthy, and that all is well once it ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deafWay, FAULTS, faultyWay, tlsWay } from './fakes/faults.mjs';
import { makeAuthority } from './fakes/real.mjs';
import {
  alpineRoot, BINARY, freePort, fs, GROUP, makeLayout, makeSecdb, must, path, ROOT, run, start, startRegistry, startServer, SUBSCRIPTION,
  request, tar, tempDir, until, zlib,
} from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } };
const image = (dir, name) => makeLayout(path.join(dir, name), [{ tar: tar([...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r1' }] }),
  { path: 'marker', body: `${name} `.repeat(4000) + Math.random() }]), compress: (b) => zlib.gzipSync(b, { level: 0 }) }]); // long enough to be cut and to drip

/** fault → what the job says, and whether it is tried again while the fault lasts. */
const EXPECTED = {
  '401': [/asks for a user and password/, 'retried'],
  '403': [/denied \(403\)/, 'retried'],
  '404': [/no such repository or tag/, 'retried'],
  '429': [/too many requests/, 'retried'],
  '500': [/answered 500/, 'retried'],
  '502, an HTML page': [/answered 502/, 'retried'],
  'an HTML page with 200': [/digest/, 'retried'],
  'stall': [/timeout/, 'retried'],
  'stall within a blob': [/timeout/, 'retried'],
  'slow drip': [/timeout/, 'retried'],
  'truncated blob': [/ended after/, 'retried'],
  'wrong digest: a blob': [/digest|not what/, 'retried'],
  'wrong digest: the manifest': [/digest/, 'retried'],
  'connection reset': [/reset|closed the connection/i, 'retried'],
  'closed without an answer': [/closed the connection/, 'retried'],
  'redirect loop': [/more than 8 redirects/, 'retried'],
  'token server speaks nonsense': [/token/, 'retried'],
  'oversized manifest': [/longer than \d+ bytes/, 'failed'],
  'TLS: unknown authority': [/TLS: .*issuer/, 'retried'],
  'TLS: expired certificate': [/TLS: .*expired/, 'retried'],
  'TLS: another name': [/TLS: .*(no alternative|subject name)/, 'retried'],
  'connection refused': [/connection refused/i, 'retried'],
  'no such host': [/no such host/, 'retried'],
};

/** One after the other, beside this process: it reads what the registry logs, which waits otherwise. */
async function pushBeside(t, layout, target) {
  const child = start(t, 'skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}`, `docker://${target}`]);
  assert.equal((await child.ended).code, 0, child.text);
}

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/-$/, '');

/** The ways: { name: { host, entry: more of its configuration, heal } }. */
async function makeWays(t, dir, upstream) {
  const ways = {};
  for (const name of Object.keys(FAULTS)) ways[name] = { ...await faultyWay(t, name, upstream), entry: 'plain-http: true' };
  const good = makeAuthority(path.join(dir, 'good')), other = makeAuthority(path.join(dir, 'other'), 'stranger');
  const load = ({ cert, key }) => ({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
  const fine = load(good.issue('fine'));
  const tls = {
    'TLS: unknown authority': load(other.issue('server')),
    'TLS: expired certificate': load(expired(good)),
    'TLS: another name': load(good.issue('elsewhere', { san: 'DNS:elsewhere.example' })),
  };
  for (const [name, certificate] of Object.entries(tls)) {
    const way = await tlsWay(t, certificate, upstream);
    ways[name] = { host: way.host, entry: `ca-file: ${good.ca}`, heal: () => way.heal(fine) };
  }
  ways['connection refused'] = { ...await deafWay(t, await freePort(), upstream), entry: 'plain-http: true' };
  ways['no such host'] = { host: 'registry.invalid', entry: '' }; // ends when the name is mended: not here
  return ways;
}

/** One that ended yesterday. */
function expired(authority) {
  const out = authority.issue('old');
  const dir = path.dirname(out.cert), ext = path.join(dir, 'old.ext');
  fs.writeFileSync(path.join(dir, 'index.txt'), '');
  fs.writeFileSync(path.join(dir, 'ca.cnf'), `[ca]\ndefault_ca=x\n[x]\ndatabase=${dir}/index.txt\nnew_certs_dir=${dir}\nserial=${dir}/old.srl\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`);
  must('openssl', ['ca', '-batch', '-config', path.join(dir, 'ca.cnf'), '-cert', authority.ca, '-keyfile', authority.ca.replace(/pem$/, 'key'), '-create_serial',
    '-startdate', '20200101000000Z', '-enddate', '20200201000000Z', '-extfile', ext, '-in', path.join(dir, 'old.csr'), '-out', out.cert, '-notext']);
  return out;
}

const pushEvent = (repository, digest, id = `${Math.random()}`) => ({ events: [{ id, timestamp: new Date().toISOString(), action: 'push',
  target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, repository, tag: '1' }, request: { method: 'PUT', useragent: 'skopeo' } }] });

test('every fault between us and a registry: named, tried again or over, never Healthy, well again when it ends', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir), ways = await makeWays(t, dir, registry.port);
  const names = Object.keys(EXPECTED);
  assert.deepEqual(Object.keys(ways).sort(), [...names].sort());
  const images = {};
  for (const name of names) {
    images[name] = image(dir, slug(name));
    await pushBeside(t, images[name].layout, `${registry.host}/${slug(name)}:1`);
  }
  const server = await startServer(t, dir, {
    host: registry.host, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    extra: [...names.map((n) => `  - { name: ${slug(n)}, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${ways[n].host}", timeout: 2${ways[n].entry && `, ${ways[n].entry}`} }`),
      'sweep-interval: 0', 'workers: 8', 'attempts: 50', 'limits: { registry-tries: 2, registry-wait: 1 }'].join('\n'),
  });
  for (const n of names) {
    const told = await server.api(`/notifications/${slug(n)}`, { method: 'POST', body: pushEvent(slug(n), images[n].digest), token: server.secret });
    assert.ok(told.status < 300, `${n}: ${told.status} ${JSON.stringify(told.body)}`);
  }
  const jobs = async () => {
    const all = (await server.api('/plimsoll/v1/jobs?$top=1000')).body.value.filter((j) => j.kind === 'scan');
    return Object.fromEntries(names.map((n) => [n, all.filter((j) => j.registry === slug(n))])); // newest first
  };
  const imageOf = async (n) => (await server.api(`/plimsoll/v1/images?registry=${slug(n)}`)).body.value?.[0];

  // While the faults last: each has failed at least once, with its name.
  const seen = {};
  await until(60000, 'every fault to be met', async () => {
    const now = await jobs();
    for (const n of names) {
      const job = now[n][0];
      const isOver = job && ['failed', 'dead'].includes(job.state);
      if (!seen[n] && job?.error && (isOver || job.state === 'queued' || job.attempts > 1))
        seen[n] = { error: job.error.replace(/^\S+@sha256:[0-9a-f]+: /, ''), outcome: isOver ? job.state : 'retried', attempts: job.attempts, status: (await imageOf(n))?.status };
    }
    return names.every((n) => seen[n]);
  }, () => `not yet: ${names.filter((n) => !seen[n])}\n${server.child.text.slice(-4000)}`);
  for (const n of names) {
    assert.match(seen[n].error, EXPECTED[n][0], n);
    assert.equal(seen[n].outcome, EXPECTED[n][1], n);
    assert.ok(['Pending', 'Failed'].includes(seen[n].status), `${n}: ${seen[n].status}`);
  }

  // Retry-After is minded, by the request and by the job: no two tries of one registry within three seconds.
  const { times } = ways['429'];
  for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] >= 2900, `429: asked again after ${times[i] - times[i - 1]} ms`);

  // They end.
  for (const n of names) await ways[n].heal?.();
  // What is over (a missing image after three tries, a manifest beyond the limit) comes back by hand.
  const atTheEnd = await jobs();
  for (const n of names.filter((x) => ['failed', 'dead'].includes(atTheEnd[x][0].state))) {
    const queued = await server.api(`/plimsoll/v1/registries/${slug(n)}/scan`, { method: 'POST', body: { repository: slug(n), reference: images[n].digest } });
    assert.ok(queued.status < 300, `${n}: ${JSON.stringify(queued.body)}`);
  }
  const healed = names.filter((n) => ways[n].heal);
  const after = {};
  await until(90000, 'all to be well again', async () => {
    for (const n of healed) after[n] = (await imageOf(n))?.status;
    return healed.every((n) => after[n] === 'Healthy');
  }, () => JSON.stringify(after) + server.child.text.slice(-3000));
  const left = await imageOf('no such host');
  assert.ok(['Pending', 'Failed'].includes(left.status));

  const row = (...cells) => t.diagnostic([cells[0].padEnd(29), cells[1].padEnd(9), cells[2].padEnd(8), cells[3].padEnd(9), cells[4]].join(' '));
  row('fault', 'outcome', 'image', 'after', 'named');
  for (const n of names) row(n, seen[n].outcome, seen[n].status, after[n] ?? '–', seen[n].error.slice(0, 110));
});

test('what stays wrong is put aside as dead and taken up by the next sweep, or failed for good and comes back by hand', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir);
  const kinds = { '401': 'dead', '500': 'dead', 'wrong digest: a blob': 'dead', '404': 'dead', 'oversized manifest': 'failed' }, names = Object.keys(kinds);
  const ways = {}, images = {};
  for (const n of names) {
    ways[n] = await faultyWay(t, n, registry.port);
    images[n] = image(dir, slug(n));
    await pushBeside(t, images[n].layout, `${registry.host}/${slug(n)}:1`);
  }
  const server = await startServer(t, dir, {
    host: registry.host, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    registry: 'repositories: [nothing/here]', // a layer that is known is not fetched: no way around the faults
    extra: [...names.map((n) => `  - { name: ${slug(n)}, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${ways[n].host}", plain-http: true, repositories: [${JSON.stringify(slug(n))}] }`),
      'sweep-interval: 15', 'workers: 4', 'attempts: 3', 'limits: { registry-tries: 1 }'].join('\n'),
  });
  for (const n of names) await server.api(`/notifications/${slug(n)}`, { method: 'POST', body: pushEvent(slug(n), images[n].digest), token: server.secret });
  const jobOf = async (n) => (await server.api(`/plimsoll/v1/jobs?registry=${slug(n)}`)).body.value.filter((j) => j.kind === 'scan')[0];
  const ended = {};
  await until(60000, 'all to be over', async () => {
    for (const n of names.filter((x) => !ended[x])) {
      const job = await jobOf(n);
      if (['dead', 'failed'].includes(job?.state)) ended[n] = job;
    }
    return names.every((n) => ended[n]);
  }, () => JSON.stringify(ended) + server.child.text.slice(-2000));
  for (const n of names) {
    assert.equal(ended[n].state, kinds[n], n);
    const [shown] = (await server.api(`/plimsoll/v1/images?registry=${slug(n)}`)).body.value;
    assert.equal(shown.status, 'Failed', n);
    assert.ok(shown.failure.length > 5);
    t.diagnostic(`${n.padEnd(29)} ${ended[n].state.padEnd(7)} after ${ended[n].attempts} attempts: ${ended[n].error.replace(/^\S+@sha256:[0-9a-f]+: /, '').slice(0, 110)}`);
  }
  for (const n of names) {
    ways[n].heal();
    if (kinds[n] === 'dead') continue; // the next sweep sees that the registry answers
    const queued = await server.api(`/plimsoll/v1/registries/${slug(n)}/scan`, { method: 'POST', body: { repository: slug(n), reference: '1' } });
    assert.ok(queued.status < 300, `${n}: ${JSON.stringify(queued.body)}`);
  }
  await until(60000, 'all to be well again', async () => {
    const all = await Promise.all(names.map(async (n) => (await server.api(`/plimsoll/v1/images?registry=${slug(n)}`)).body.value[0].status));
    return all.every((s) => s === 'Healthy');
  }, () => server.child.text.slice(-3000));
});

// --- the store ------------------------------------------------------------------------------------------------

const post = (server, body) => request(server, '/notifications/lab', { method: 'POST', body, token: server.secret }).catch((e) => ({ status: e.code }));
const digestOf = (n) => `sha256:${String(n).padStart(64, '0')}`;

/** Until one is refused: how many were acknowledged before. */
async function postUntilRefused(server, repository, max = 4000) {
  for (let n = 0; n < max; n++) {
    const events = Array.from({ length: 20 }, (_, i) => pushEvent(repository, digestOf(n * 20 + i)).events[0]);
    const told = await post(server, { events });
    if (told.status >= 300 || typeof told.status !== 'number') return { n: n * 20, status: told.status };
  }
  return { n: max * 20, status: 0 };
}

const inNamespace = run('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs /mnt']).code === 0;

test('the store is full: 503, and nothing is acknowledged that is not kept', { skip: inNamespace ? false : 'skipped: no user namespaces' }, async (t) => {
  const dir = tempDir(t), data = path.join(dir, 'data'), port = await freePort(), secret = 'x'.repeat(20), config = path.join(dir, 'plimsoll.yaml');
  fs.mkdirSync(data);
  fs.writeFileSync(config, [`listen: { port: ${port} }`, `data-directory: ${data}`, 'feeds: ["alpine-secdb=/nonexistent"]', 'sandbox: basic', `notification: { secret: ${secret} }`,
    'registries:', `  - { name: lab, subscription: ${SUBSCRIPTION}, host: "127.0.0.1:1", plain-http: true }`, 'sweep-interval: 0', ''].join('\n'));
  const child = start(t, 'unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=6m tmpfs ${data} && exec ${BINARY} serve --config ${config}`]);
  await until(20000, 'the server', () => /listening on/.test(child.text) || (child.exitCode !== null && 'dead'), () => child.text);
  assert.equal(child.exitCode, null, child.text);
  const inside = (name) => `/proc/${child.pid}/root${data}/${name}`;
  const ca = path.join(dir, 'ca.pem');
  fs.copyFileSync(inside('tls-certificate.pem'), ca);
  const server = { url: `https://127.0.0.1:${port}`, ca, secret, token: /token[^:]*: (\S+)/.exec(child.text)[1] };
  const { n, status } = await postUntilRefused(server, 'full');
  assert.equal(status, 503);
  assert.ok(n > 0);
  const health = await request(server, '/healthz');
  t.diagnostic(`store full: 503 after ${n} events; healthz ${health.status}`);
  // What twenty events do not fit into may hold a few single ones.
  let single = 0, last = 202;
  while (last === 202 && single < 500) {
    last = (await post(server, pushEvent('full', digestOf(900000 + single), `single${single}`))).status;
    if (last === 202) single++;
  }
  assert.equal(last, 503);
  // Room again: the sender's repetition is taken, and what was acknowledged is there.
  const more = run('nsenter', ['--target', String(child.pid), '--user', '--mount', '--preserve-credentials', 'mount', '-o', 'remount,size=64m', data]);
  assert.equal(more.code, 0, more.stderr);
  await until(10000, 'the repetition to be taken', async () => (await post(server, pushEvent('full', digestOf(999999), 'late'))).status === 202, () => child.text.slice(-1500));
  const { counts } = (await request(server, '/plimsoll/v1/jobs')).body;
  const total = Object.values(counts).reduce((a, b) => a + b);
  const acknowledged = n + single + 1;
  assert.ok(total >= acknowledged, `${total} jobs of ${acknowledged} acknowledged events`);
  t.diagnostic(`room again: 202; ${total} jobs for ${acknowledged} acknowledged events`);
});

test('PostgreSQL is gone: 503; back again: accepted, and nothing was lost', async (t) => {
  const holder = start(t, path.join(ROOT, 'tests/with-postgres'), ['--hold'], { env: { ...process.env, FSYNC: 'off' } });
  await until(60000, 'PostgreSQL', () => /reach: /.test(holder.text) || holder.exitCode !== null, () => holder.text);
  if (holder.exitCode === 77) return t.skip('skipped: PostgreSQL is not installed');
  const conninfo = /reach: (.*)/.exec(holder.text)[1], cluster = /host=(\S+)/.exec(conninfo)[1] + '/data';
  const dir = tempDir(t), server = await startServer(t, dir, { host: '127.0.0.1:1', store: `postgres:${conninfo}`, feeds: [], extra: 'sweep-interval: 0' });
  const tell = (id) => post(server, pushEvent('gone', digestOf(id), `e${id}`));
  assert.equal((await tell(1)).status, 202);
  const pid = +fs.readFileSync(path.join(cluster, 'postmaster.pid'), 'utf8').split('\n')[0];
  const command = [...fs.readFileSync(path.join(cluster, 'postmaster.opts'), 'utf8').matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2]);
  process.kill(pid, 'SIGINT');
  await until(20000, 'PostgreSQL to end', () => !fs.existsSync(path.join(cluster, 'postmaster.pid')));
  const refused = await tell(2);
  assert.equal(refused.status, 503);
  t.diagnostic(`PostgreSQL gone: ${refused.status}; healthz ${(await request(server, '/healthz')).status}`);
  const owner = fs.statSync(cluster);
  start(t, command[0], command.slice(1), { uid: owner.uid, gid: owner.gid, cwd: path.dirname(cluster) });
  await until(20000, 'the repetition to be taken', async () => (await tell(2)).status === 202, () => server.child.text.slice(-2000));
  const jobs = (await server.api('/plimsoll/v1/jobs')).body.value.filter((j) => j.repository === 'gone');
  assert.deepEqual(jobs.map((j) => j.digest).sort(), [digestOf(1), digestOf(2)]);
  assert.equal(server.child.exitCode, null, 'the server lives');
  t.diagnostic(`PostgreSQL back: 202; ${jobs.length} jobs for 2 acknowledged events`);
});
