// SPDX-License-Identifier: Apache-2.0
// tags.test.mjs - tags of a real registry move and go; what they named is still there, still counts, and its history is told.
import assert from 'node:assert/strict';
import test from 'node:test';

import { alpineRoot, freePort, makeSecdb, path, push, makeLayout, startRegistry, startServer, tar, tempDir, until, verdictOf } from './lib.mjs';
import { OCI, putImage, putManifest } from './push.mjs';

const root = (n, version = '3.5.4-r0') => [...alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version }] }), { path: 'n', body: n }];

test('push, re-push, re-tag, an index, delete: tags and their history', async (t) => {
  const dir = tempDir(t), port = await freePort();
  const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
  const server = await startServer(t, dir, { host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${feed}`], registry: 'sweep-interval: 0' });
  const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
  const get = async (target) => { const r = await server.api(`/plimsoll/v1/${target}`); assert.equal(r.status, 200, JSON.stringify(r.body)); return r.body; };
  const images = async (query = '') => (await get(`images?registry=lab${query}`)).value;
  const history = async (repo, tag) => (await get(`registries/lab/tags/${tag}?repository=${encodeURIComponent(repo)}`)).value.map((c) => (c.removed ? 'removed' : c.digest));
  const jobs = async () => (await get('jobs')).value.filter((j) => j.kind === 'scan').length;

  // With skopeo, twice: the second changes nothing.
  const layout = makeLayout(path.join(dir, 'one'), [{ tar: tar(root('1')) }]);
  push(layout.layout, `${registry.host}/team/app:latest`);
  const first = await verdictOf(server, layout.digest);
  assert.deepEqual([first.tags, first.untagged], [['latest'], false]);
  push(layout.layout, `${registry.host}/team/app:latest`);
  push(layout.layout, `${registry.host}/team/app:1.0`);
  await until(10000, 'the second tag', async () => (await images())[0].tags.length === 2);
  assert.equal(await jobs(), 1);
  assert.deepEqual(await history('team/app', 'latest'), [layout.digest]);

  // The tags move on; the image is there still.
  const second = await putImage(registry.host, 'team/app', root('2', '3.5.4-r1'), { tag: 'latest' });
  await putManifest(registry.host, 'team/app', JSON.parse(await (await fetch(`http://${registry.host}/v2/team/app/manifests/${second.digest}`, { headers: { Accept: OCI.manifest } })).text()), '1.0');
  await verdictOf(server, second.digest);
  const lost = await until(10000, 'the lost tags', async () => (await images('&untagged=true'))[0]);
  assert.deepEqual([lost.digest, lost.status, lost.untagged, lost.tags], [layout.digest, 'Unhealthy', true, []]);
  assert.deepEqual(await history('team/app', 'latest'), [second.digest, layout.digest]);
  assert.match((await server.api('/metrics')).body, /plimsoll_images\{state="unhealthy"\} 1/);

  // An index names its platforms, and so does its tag.
  const children = [await putImage(registry.host, 'team/multi', root('3')), await putImage(registry.host, 'team/multi', root('4', '3.5.4-r1'), { config: { architecture: 'arm64' } })];
  const index = await putManifest(registry.host, 'team/multi', { schemaVersion: 2, mediaType: OCI.index,
    manifests: children.map((c, i) => ({ ...c, platform: { os: 'linux', architecture: ['amd64', 'arm64'][i] } })) }, 'v1');
  const multi = await verdictOf(server, index.digest);
  assert.deepEqual([multi.isIndex, multi.status, multi.platforms, multi.counts.findings], [true, 'Unhealthy', { total: 2, assessed: 2 }, 1]);
  const tagged = await images('&tag=v1');
  assert.deepEqual(tagged.map((i) => i.digest).sort(), [index.digest, ...children.map((c) => c.digest)].sort());
  assert.deepEqual((await images('&tag=v1&status=Healthy')).map((i) => i.platform), ['linux/arm64']);

  // Deleted by digest: its tags went with it, the history stays.
  assert.equal((await fetch(`http://${registry.host}/v2/team/app/manifests/${second.digest}`, { method: 'DELETE' })).status, 202);
  await until(10000, 'the deletion', async () => !(await images()).some((i) => i.digest === second.digest));
  assert.deepEqual(await history('team/app', '1.0'), ['removed', second.digest, layout.digest]);
  assert.deepEqual((await get('registries/lab/tags')).value.map((r) => `${r.repository}:${r.tag}`), ['team/multi:v1']);
  const all = (await get('registries/lab/tags?removed=true&repository=team/app')).value;
  assert.deepEqual(all.map((r) => [r.tag, r.digest, Boolean(r.removedAt)]), [['1.0', undefined, true], ['latest', undefined, true]]);

  // And the bill: what was there was billed, once.
  const bill = await get(`billing?month=${new Date().toISOString().slice(0, 7)}`);
  assert.deepEqual(bill.value.map((e) => e.digest).sort(), [layout.digest, second.digest, ...children.map((c) => c.digest)].sort());
});
