// SPDX-License-Identifier: Apache-2.0
// Every kind of registry, a row a vendor: checked, scanned from the command line, found and scanned by the server, told of
// by its notifications.  The vendors are protocol fakes (fakes/vendors.mjs) before a real docker-registry.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { VENDORS } from './fakes/vendors.mjs';
import {
  alpineRoot, BINARY, GROUP, makeLayout, makeSecdb, path, start, startRegistry, startServer, SUBSCRIPTION, request, tar, tempDir, until,
} from './lib.mjs';

const SECDB = { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } };
const TYPE = 'application/vnd.oci.image.manifest.v1+json';
const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/-$/, '');
const image = (dir, name, version) => makeLayout(path.join(dir, name), [{ tar: tar([...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version }] }), { path: 'm', body: name }]) }]);

async function beside(t, command, args, input = '') {
  const child = start(t, command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  const out = [];
  return { code: (await child.ended).code, text: child.text, out };
}
const pushBeside = async (t, layout, target) => {
  const r = await beside(t, 'skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}`, `docker://${target}`]);
  assert.equal(r.code, 0, r.text);
};

/** Its entry in the server's configuration. */
function entryOf(vendor, played) {
  const keys = { name: slug(vendor.name), subscription: SUBSCRIPTION, 'resource-group': GROUP, host: played.host, 'plain-http': true,
    ...(vendor.user ? { username: vendor.user, password: vendor.password } : {}),
    ...(vendor.principal ? { ...vendor.principal, authority: played.authority } : {}),
    ...(vendor.notify ? {} : { 'sweep-interval': 2 }) };
  const text = Object.entries(keys).map(([k, v]) => `${k}: ${JSON.stringify(v)}`).join(', ');
  return `  - { ${text}${vendor.listed ? ', repositories: [team/app, team/second, team/third]' : ''} }`;
}

test('every kind of registry: checked, scanned, found with paging, told by its notifications', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir);
  const bad = image(dir, 'bad', '3.5.4-r0'), good = image(dir, 'good', '3.5.4-r1');
  // Three repositories and three tags: two pages of two.
  for (const place of ['team/app:1', 'team/app:2', 'team/app:3', 'team/second:1']) await pushBeside(t, bad.layout, `${registry.host}/${place}`);
  await pushBeside(t, good.layout, `${registry.host}/team/third:1`);
  const played = {};
  for (const v of VENDORS) played[v.name] = await v.play(t, registry.port);
  const server = await startServer(t, dir, { host: registry.host, feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    extra: [...VENDORS.map((v) => entryOf(v, played[v.name])), 'workers: 4', 'sweep-interval: 600'].join('\n') });
  const imagesOf = async (v) => (await server.api(`/plimsoll/v1/images?registry=${slug(v.name)}&$top=1000`)).body.value ?? [];
  const rows = Object.fromEntries(VENDORS.map((v) => [v.name, {}]));

  // --- found by catalog (or the list that is configured) and scanned
  await until(60000, 'every registry to be swept and scanned', async () => {
    for (const v of VENDORS) {
      const found = await imagesOf(v);
      rows[v.name].found = found.filter((i) => ['Healthy', 'Unhealthy'].includes(i.status)).map((i) => `${i.repository} ${i.status} ${i.tags}`).sort();
    }
    return VENDORS.every((v) => rows[v.name].found.length === 3);
  }, () => JSON.stringify(rows, null, 1) + server.child.text.slice(-4000));
  for (const v of VENDORS) assert.deepEqual(rows[v.name].found, ['team/app Unhealthy 1,2,3', 'team/second Unhealthy 1', 'team/third Healthy 1'], v.name);

  // --- from the command line
  for (const v of VENDORS) {
    const login = v.user ? ['--username', v.user, '--password-stdin'] : [];
    if (v.principal) continue; // of a server's configuration only
    const db = path.join(server.data, 'advisories');
    const scanned = await beside(t, BINARY, ['scan', `${played[v.name].host}/team/app:1`, '--plain-http', '--db', db, '--format', 'json', '--quiet', ...login], v.password);
    const report = JSON.parse(scanned.text);
    assert.equal(report.image.digest, bad.digest, v.name);
    assert.equal(report.findings.length, 1, v.name);
    const checked = await beside(t, BINARY, ['registry', 'check', `${played[v.name].host}/team/app:1`, '--plain-http', '--format', 'json', ...login], v.password);
    assert.equal(checked.code, 0, `${v.name}: ${checked.text}`);
    const answer = JSON.parse(checked.text), steps = Object.fromEntries(answer.steps.map((s) => [s.name, s]));
    assert.match(answer.kind, v.kind, v.name);
    for (const name of ['reach', 'login', 'tags', 'manifest', 'blob', 'resume']) assert.equal(steps[name].state, 'works', `${v.name}: ${JSON.stringify(steps[name])}`);
    assert.match(steps.login.text, v.login ?? new RegExp(`^bearer token, as ${v.user.replace(/[$+]/g, '\\$&')}, from `), v.name);
    assert.equal(steps.catalog.state, v.catalog, `${v.name}: ${steps.catalog.text}`);
    if (v.catalog === 'unknown') assert.match(steps.catalog.remedy, /repositories/);
    assert.equal(steps.tags.text, 'team/app: 3 tags', v.name);
    assert.equal(steps.notifications.state, v.notifications === 'works' ? 'works' : 'unknown', v.name);
    rows[v.name].check = answer.steps.map((s) => `${s.name} ${s.state === 'works' ? '✓' : '–'}`).join(' ');
    if (!v.user) continue;
    const refused = await beside(t, BINARY, ['registry', 'check', `${played[v.name].host}/team/app:1`, '--plain-http', '--username', v.user, '--password-stdin'], 'wrong');
    assert.equal(refused.code, 3, v.name);
    assert.match(refused.text, /✗ login .*(refused the credentials|denied)[^\n]*\n +→ check user and password/, v.name);
  }

  // --- told of by its notifications, each in its own words; the others are looked at again
  for (const v of VENDORS) {
    for (const [i, build] of (v.notify ?? [null]).entries()) {
      const name = `${slug(v.name)}-${i}`, one = image(dir, name, '3.5.4-r1'), repository = 'team/app';
      await pushBeside(t, one.layout, `${registry.host}/${repository}:${name}`);
      const started = Date.now();
      if (build) {
        const { type, headers, body } = build({ repository, tag: name, digest: one.digest, mediaType: TYPE });
        const told = await request(server, `/notifications/${slug(v.name)}`, { method: 'POST', body, headers: { 'Content-Type': type, ...headers }, token: server.secret });
        assert.equal(told.status, 202, `${v.name}: ${JSON.stringify(told.body)}`);
      }
      await until(30000, `${v.name} to be told`, async () => (await imagesOf(v)).some((x) => x.digest === one.digest && x.status === 'Healthy'), () => server.child.text.slice(-3000));
      rows[v.name].told = `${build ? 'notification' : 'sweep'} → Healthy in ${Date.now() - started} ms`;
    }
  }
  for (const v of VENDORS) {
    v.check?.(played[v.name]);
    assert.equal(played[v.name].seen.leaked, 0, `${v.name}: Authorization went to the blob store`);
    t.diagnostic(`${v.name.padEnd(23)} 3 repositories by ${v.listed ? 'list' : 'catalog'}; ${rows[v.name].told}; ${rows[v.name].check ?? ''}`);
  }
});

test('a registry behind an HTTP proxy, and only there', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir), one = image(dir, 'one', '3.5.4-r1');
  await pushBeside(t, one.layout, `${registry.host}/team/app:1`);
  const asked = [];
  const proxy = http.createServer((req, res) => {
    const url = new URL(req.url);
    asked.push(url.host);
    req.pipe(http.request({ host: '127.0.0.1', port: registry.port, path: url.pathname + url.search, method: req.method, headers: req.headers }, (r) => { res.writeHead(r.statusCode, r.headers); r.pipe(res); }));
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => { proxy.closeAllConnections(); proxy.close(); });
  // The name is known to nobody but the proxy.
  const server = await startServer(t, dir, { host: 'registry.internal.invalid', feeds: [`alpine-secdb=${makeSecdb(path.join(dir, 'secdb'), SECDB)}`],
    registry: `proxy: "http://127.0.0.1:${proxy.address().port}"`,
    extra: `  - { name: direct, subscription: ${SUBSCRIPTION}, resource-group: ${GROUP}, host: "${registry.host}", plain-http: true }` });
  await until(30000, 'both to be scanned', async () => {
    const all = (await server.api('/plimsoll/v1/images')).body.value;
    return all.filter((i) => i.status === 'Healthy').length === 2;
  }, () => server.child.text.slice(-3000));
  assert.deepEqual([...new Set(asked)], ['registry.internal.invalid']);
});
