// SPDX-License-Identifier: Apache-2.0
// What no notification tells: the server looks itself, at a real registry that sends none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alpineRoot, makeLayout, makeSecdb, path, push, startRegistry, startServer, tar, tempDir, until, verdictOf,
} from './lib.mjs';

const image = (dir, name) =>
  makeLayout(path.join(dir, name), [{ tar: tar([...alpineRoot(), { path: `marker-${name}`, body: name }]) }]);

const remove = async (host, repo, digest) => {
  const r = await fetch(`http://${host}/v2/${repo}/manifests/${digest}`, { method: 'DELETE' });
  assert.equal(r.status, 202);
};

const listed = async (server) =>
  Object.fromEntries((await server.api('/plimsoll/v1/images')).body.value.map((i) => [i.digest, i]));

test('a registry without notifications: found, moved, deleted', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir);
  const secdb = path.join(dir, 'secdb');
  makeSecdb(secdb, { 'v3.22': { busybox: { '1.37.0-r20': ['CVE-2025-0003'] } } });
  const [before, later, gone] = ['before', 'later', 'gone'].map((n) => image(dir, n));
  push(before.layout, `${registry.host}/team/app:1`);
  push(gone.layout, `${registry.host}/team/app:old`);
  push(gone.layout, `${registry.host}/alone:1`);
  const server = await startServer(t, dir, {
    host: registry.host, feeds: [`alpine-secdb=${secdb}`], extra: 'sweep-interval: 2',
  });
  for (const it of [before, gone]) await verdictOf(server, it.digest, { settled: false });

  // The tag moves: the former image is there still, without a name.
  push(later.layout, `${registry.host}/team/app:1`);
  await verdictOf(server, later.digest, { settled: false });
  await until(20000, 'the moved tag', async () => {
    const images = await listed(server);
    return images[later.digest].tags.includes('1') && images[before.digest].tags.length === 0;
  });

  // Deleted by digest, tag and all; and one in a repository of its own.
  await remove(registry.host, 'team/app', gone.digest);
  await remove(registry.host, 'team/app', before.digest);
  await remove(registry.host, 'alone', gone.digest);
  await until(30000, 'the deleted ones to go', async () => {
    const images = await listed(server);
    return !images[gone.digest] && !images[before.digest] && images[later.digest];
  }, () => server.child.text.slice(-3000));

  // And back again.
  push(gone.layout, `${registry.host}/team/app:back`);
  const back = await verdictOf(server, gone.digest, { settled: false });
  assert.deepEqual(back.tags, ['back']);
});

test('a registry without catalog: the repositories that the configuration lists', async (t) => {
  const dir = tempDir(t), registry = await startRegistry(t, dir);
  const secdb = path.join(dir, 'secdb');
  makeSecdb(secdb, { 'v3.22': { busybox: { '1.37.0-r20': ['CVE-2025-0003'] } } });
  const [one, two] = ['one', 'two'].map((n) => image(dir, n));
  push(one.layout, `${registry.host}/team/listed:1`);
  push(two.layout, `${registry.host}/team/other:1`);
  const server = await startServer(t, dir, {
    host: registry.host, feeds: [`alpine-secdb=${secdb}`],
    registry: 'repositories: [team/listed], sweep-interval: 1',
  });
  await verdictOf(server, one.digest, { settled: false });
  await until(20000, 'a second sweep', () => server.child.text.match(/registry swept/g)?.length >= 2);
  assert.equal((await listed(server))[two.digest], undefined);

  // Without a catalog, "no such repository" may mean "not for you": what is known stays.
  registry.child.kill('SIGTERM');
  await registry.child.ended;
  await startRegistry(t, path.join(dir, 'empty'), null, registry.port);
  await until(20000, 'a sweep of the other registry', () => /not shown to this account/.test(server.child.text));
  assert.ok((await listed(server))[one.digest]);
});
