// SPDX-License-Identifier: Apache-2.0
// fleet.mjs - what tests of several processes share: a registry that is far away, images pushed without a client, workers.
import http from 'node:http';

import { alpineRoot, BINARY, fs, gzip, path, sha256, start, tar, until } from './lib.mjs';

/** A registry's address that is @ms away: each request waits so long before it goes on. */
export async function farAway(t, port, ms) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const server = http.createServer((req, res) => {
    const headers = { ...req.headers };
    setTimeout(() => {
      const up = http.request({ host: '127.0.0.1', port, method: req.method, path: req.url, headers, agent }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
      });
      up.on('error', () => res.destroy());
      res.on('close', () => up.destroy());
      req.pipe(up);
    }, ms);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); agent.destroy(); });
  return `127.0.0.1:${server.address().port}`;
}

async function call(host, method, target, body, headers = {}) {
  const answer = await fetch(target.startsWith('http') ? target : `http://${host}${target}`, { method, body, headers, redirect: 'manual' });
  await answer.arrayBuffer();
  return answer;
}

async function pushBlob(host, repository, bytes) {
  const begun = await call(host, 'POST', `/v2/${repository}/blobs/uploads/`);
  const at = new URL(begun.headers.get('location'), `http://${host}`);
  at.searchParams.set('digest', sha256(bytes));
  const done = await call(host, 'PUT', at.href, bytes, { 'Content-Type': 'application/octet-stream' });
  if (done.status !== 201) throw new Error(`blob: ${done.status}`);
}

/** @n images, each with one file of its own above one root, pushed to @host; their digests. */
export async function pushMany(host, repository, n, { from = 0, root = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] }) } = {}) {
  const rootTar = tar(root), base = gzip(rootTar), digests = [];
  await pushBlob(host, repository, base);
  const one = async (i) => {
    const ownTar = tar([{ path: `n${i}`, body: String(i) }]), own = gzip(ownTar);
    const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [sha256(rootTar), sha256(ownTar)] } }));
    const describe = (bytes, kind) => ({ mediaType: `application/vnd.oci.image.${kind}`, digest: sha256(bytes), size: bytes.length });
    const manifest = Buffer.from(JSON.stringify({
      schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: describe(config, 'config.v1+json'),
      layers: [describe(base, 'layer.v1.tar+gzip'), describe(own, 'layer.v1.tar+gzip')],
    }));
    await pushBlob(host, repository, own);
    await pushBlob(host, repository, config);
    const put = await call(host, 'PUT', `/v2/${repository}/manifests/n${i}`, manifest, { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' });
    if (put.status !== 201) throw new Error(`manifest: ${put.status}`);
    digests[i - from] = sha256(manifest);
  };
  let next = from;
  await Promise.all(Array.from({ length: 4 }, async () => { while (next < from + n) await one(next++); }));
  return digests;
}

/** `plimsoll worker` for @server's store, with a data directory of its own below @dir. */
export async function startWorker(t, dir, server, { extra = '' } = {}) {
  const config = path.join(dir, 'worker.yaml');
  fs.mkdirSync(path.join(dir, 'data'), { recursive: true });
  const same = fs.readFileSync(server.config, 'utf8').split('\n').filter((line) => /^(store|database-directory|secret-key-file|sandbox|lease|retry-base):/.test(line));
  fs.writeFileSync(config, [`data-directory: ${dir}/data`, ...same, 'workers: 1', extra, ''].join('\n'));
  const child = start(t, BINARY, ['worker', '--config', config]);
  await until(20000, 'the worker', () => /working for/.test(child.text) || (child.exitCode !== null && 'dead'), () => child.text);
  if (child.exitCode !== null) throw new Error(child.text);
  return child;
}

/** Jobs of @kind, all pages, newest first. */
export async function jobsOf(server, kind) {
  const all = [];
  for (let target = '/plimsoll/v1/jobs?$top=1000'; target;) {
    const { body } = await server.api(target);
    all.push(...body.value.filter((job) => job.kind === kind));
    target = body.nextLink ? body.nextLink.slice(server.url.length) : null;
  }
  return all;
}

export const countsOf = async (server) => (await server.api('/plimsoll/v1/jobs?$top=1')).body.counts;
