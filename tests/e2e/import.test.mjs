// SPDX-License-Identifier: Apache-2.0
// plimsoll import between real registries, and against a protocol fake that breaks.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import {
  alpineRoot, BINARY, fs, makeLayout, must, path, plimsoll, push, randomBytes, sha256, start, startRegistry, tar, tempDir,
} from './lib.mjs';

const manifestOf = async (host, repo, name) => {
  const r = await fetch(`http://${host}/v2/${repo}/manifests/${name}`, {
    headers: { Accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' },
  });
  const bytes = Buffer.from(await r.arrayBuffer());
  return { status: r.status, digest: sha256(bytes), type: r.headers.get('content-type') };
};

/** Two platforms and an attestation in one index; layers of some megabytes that do not compress. */
function makeIndex(dir) {
  const layer = (n) => ({ tar: tar([...alpineRoot(), { path: `data${n}`, body: randomBytes(3 << 20) }]) });
  const shared = layer(0);
  const one = makeLayout(dir, [shared, layer(1)], { tag: 'amd64' });
  const two = makeLayout(dir, [shared, layer(2)], { tag: 'arm64', config: { architecture: 'arm64' } });
  const attestation = one.put(Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}'));
  const empty = one.put(Buffer.from('{}'));
  const statement = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...empty },
    layers: [{ mediaType: 'application/vnd.in-toto+json', ...attestation }],
  }));
  const described = (digest, size, platform, annotations) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size, platform, annotations,
  });
  const size = (digest) => fs.statSync(path.join(dir, 'blobs/sha256', digest.slice(7))).size;
  const attested = one.put(statement);
  const index = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      described(one.digest, size(one.digest), { os: 'linux', architecture: 'amd64' }),
      described(two.digest, size(two.digest), { os: 'linux', architecture: 'arm64' }),
      described(attested.digest, attested.size, { os: 'unknown', architecture: 'unknown' }, {
        'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': one.digest,
      }),
    ],
  }));
  const top = one.put(index);
  fs.writeFileSync(path.join(dir, 'index.json'), JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', ...top,
      annotations: { 'org.opencontainers.image.ref.name': 'all' } }],
  }));
  return { ref: `oci:${dir}:all`, digest: top.digest, children: [one.digest, two.digest, attested.digest] };
}

const imported = (r) => {
  assert.equal(r.code, 0, r.stderr);
  const [, there, mounted, mib] = /(\d+) were there, (\d+) mounted, ([\d.]+) MiB/.exec(r.stdout);
  return { there: +there, mounted: +mounted, mib: +mib, text: r.stdout };
};

test('an index with platforms and an attestation: layout, registry, other registry', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, path.join(dir, 'a')), b = await startRegistry(t, path.join(dir, 'b'));
  const index = makeIndex(path.join(dir, 'layout'));
  const first = imported(plimsoll(['import', index.ref, `${a.host}/team/app:1`, '--also', 'latest']));
  assert.equal(first.there + first.mounted, 0);
  assert.ok(first.mib > 8.5 && first.mib < 9.5, first.text); // three layers: the shared one once
  for (const tag of ['1', 'latest']) {
    const got = await manifestOf(a.host, 'team/app', tag);
    assert.deepEqual([got.digest, got.type], [index.digest, 'application/vnd.oci.image.index.v1+json']);
  }
  const second = imported(plimsoll(['import', `${a.host}/team/app:1`, `${b.host}/copy/app`]));
  assert.ok(second.mib > 8.5);
  assert.equal((await manifestOf(b.host, 'copy/app', '1')).digest, index.digest); // the source's tag
  for (const child of index.children) assert.equal((await manifestOf(b.host, 'copy/app', child)).status, 200);
  // What was copied is what skopeo reads, whole.
  must('skopeo', ['copy', '--quiet', '--all', '--src-tls-verify=false', `docker://${b.host}/copy/app:1`, `oci:${dir}/back:all`]);
  const again = imported(plimsoll(['import', `${a.host}/team/app:1`, `${b.host}/copy/app:1`]));
  assert.deepEqual([again.mib, again.mounted], [0, 0]);
});

test('within one registry blobs are mounted', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, dir);
  const image = makeLayout(path.join(dir, 'l'), [{ tar: tar([{ path: 'x', body: randomBytes(1 << 20) }]) }]);
  push(image.layout, `${a.host}/one/app:1`);
  const r = imported(plimsoll(['import', `${a.host}/one/app:1`, `${a.host}/two/app:1`]));
  assert.deepEqual([r.mounted, r.mib], [2, 0]);
  assert.equal((await manifestOf(a.host, 'two/app', '1')).digest, image.digest);
});

test('a tag that names another image: refused before anything is sent, moved by --force', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, dir);
  const [one, two] = [1, 2].map((n) =>
    makeLayout(path.join(dir, `l${n}`), [{ tar: tar([{ path: `x${n}`, body: randomBytes(1000) }]) }]));
  imported(plimsoll(['import', one.ref, `${a.host}/app:1`]));
  const refused = plimsoll(['import', two.ref, `${a.host}/app:1`, '--also', 'free']);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /tag 1 names another image already\n.*--force/);
  assert.equal((await manifestOf(a.host, 'app', 'free')).status, 404);
  const blob = await fetch(`http://${a.host}/v2/app/blobs/${two.layers[0].digest}`, { method: 'HEAD' });
  assert.equal(blob.status, 404);
  imported(plimsoll(['import', one.ref, `${a.host}/app:1`])); // the same image is no conflict
  imported(plimsoll(['import', two.ref, `${a.host}/app:1`, '--force']));
  assert.equal((await manifestOf(a.host, 'app', '1')).digest, two.digest);
  imported(plimsoll(['import', one.ref, `${a.host}/quiet`, '--untagged']));
  assert.equal((await manifestOf(a.host, 'quiet', one.digest)).status, 200);
  assert.equal((await manifestOf(a.host, 'quiet', 'latest')).status, 404);
});

test('archives, compressed too', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, dir);
  const image = makeLayout(path.join(dir, 'l'), [{ tar: tar([{ path: 'x', body: 'y' }]) }]);
  must('tar', ['-C', path.join(dir, 'l'), '-czf', path.join(dir, 'image.tgz'), 'oci-layout', 'index.json', 'blobs']);
  imported(plimsoll(['import', `oci-archive:${dir}/image.tgz`, `${a.host}/app:2`]));
  assert.equal((await manifestOf(a.host, 'app', '2')).digest, image.digest);
  must('skopeo', ['copy', '--quiet', `oci:${image.layout}`, `docker-archive:${dir}/docker.tar:app:3`]);
  imported(plimsoll(['import', `docker-archive:${dir}/docker.tar`, `${a.host}/app:3`]));
  must('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${a.host}/app:3`, `dir:${dir}/out`]);
});

/** The same while this process answers as a server. */
async function plimsollBeside(t, args) {
  const child = start(t, BINARY, args);
  const { code } = await child.ended;
  return { code, stdout: child.text, stderr: child.text };
}

/** A registry that plays one image, and misbehaves once a rule says so: a protocol fake. */
async function fakeSource(t, image, folder, rules) {
  let asked = 0;
  const server = http.createServer((req, res) => {
    const name = req.url.split('/').pop();
    if (req.url.includes('/manifests/')) {
      const bytes = fs.readFileSync(path.join(folder, 'blobs/sha256', image.digest.slice(7)));
      return res.writeHead(200, { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' }).end(bytes);
    }
    if (!req.url.includes('/blobs/')) return res.writeHead(200).end('{}');
    let bytes = fs.readFileSync(path.join(folder, 'blobs/sha256', name.slice(7)));
    const from = +(/bytes=(\d+)-/.exec(req.headers.range ?? '')?.[1] ?? 0);
    if (name === image.layers[0].digest && rules.wrong) bytes = Buffer.from(bytes.map((b) => b ^ 1));
    res.writeHead(from ? 206 : 200, { 'Content-Length': bytes.length - from,
      ...(from ? { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}) });
    if (name === image.layers[0].digest && asked++ < (rules.cuts ?? 0))
      return res.write(bytes.subarray(from, from + 200000), () => res.destroy());
    res.end(bytes.subarray(from));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${server.address().port}`;
}

test('a source that breaks off is gone on with; one that lies is found out, and no tag is set', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, dir), folder = path.join(dir, 'l');
  const image = makeLayout(folder, [{ tar: tar([{ path: 'x', body: randomBytes(1 << 20) }]) }]);
  const breaking = await fakeSource(t, image, folder, { cuts: 3 });
  imported(await plimsollBeside(t, ['import', `${breaking}/app:1`, `${a.host}/app:1`, '--plain-http']));
  assert.equal((await manifestOf(a.host, 'app', '1')).digest, image.digest);
  const lying = await fakeSource(t, image, folder, { wrong: true });
  const r = await plimsollBeside(t, ['import', `${lying}/app:1`, `${a.host}/other:1`, '--plain-http']);
  assert.equal(r.code, 3);
  assert.match(r.stderr, /is not what its digest says/);
  assert.equal((await manifestOf(a.host, 'other', '1')).status, 404);
});

test('a destination that does not answer, and one that is full', async (t) => {
  const dir = tempDir(t);
  const image = makeLayout(path.join(dir, 'l'), [{ tar: tar([{ path: 'x', body: randomBytes(100) }]) }]);
  const down = plimsoll(['import', image.ref, '127.0.0.1:1/app:1']);
  assert.equal(down.code, 3);
  assert.match(down.stderr, /127\.0\.0\.1:1: /);
  const server = http.createServer((req, res) => {
    req.resume().on('end', () => {
      if (req.method === 'HEAD') return res.writeHead(404).end();
      if (req.method === 'POST') return res.writeHead(202, { Location: '/v2/app/blobs/uploads/1' }).end();
      res.writeHead(507).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const full = await plimsollBeside(t, ['import', image.ref, `127.0.0.1:${server.address().port}/app:1`, '--plain-http']);
  assert.equal(full.code, 3);
  assert.match(full.stderr, /answered 507/);
});

test('registry check: what works, step by step', async (t) => {
  const dir = tempDir(t), a = await startRegistry(t, dir);
  const image = makeLayout(path.join(dir, 'l'), [{ tar: tar([{ path: 'x', body: 'y' }]) }]);
  const empty = plimsoll(['registry', 'check', a.host]);
  assert.equal(empty.code, 0, empty.stdout);
  assert.match(empty.stdout, /✓ reach +plain http.*\n.*✓ login +none asked for\n.*✓ kind +CNCF Distribution.*\n.*✓ catalog +0 repositories\n.*– pull +not tried/);
  push(image.layout, `${a.host}/team/app:1`);
  for (const place of [a.host, `${a.host}/team/app`, `${a.host}/team/app:1`]) {
    const r = plimsoll(['registry', 'check', place]);
    assert.equal(r.code, 0, r.stdout);
    assert.match(r.stdout, /✓ tags +team\/app: 1 tags\n.*✓ manifest +team\/app:1 is sha256:/);
    assert.match(r.stdout, /✓ blob +the configuration, \d+ bytes\n.*✓ resume .*\n.*– referrers .*\n.*✓ permissions +pull yes, push yes, delete yes, by the methods/);
  }
  const absent = plimsoll(['registry', 'check', `${a.host}/team/app:2`]);
  assert.equal(absent.code, 3);
  assert.match(absent.stdout, /✗ manifest .*no such repository or tag/);
  const web = http.createServer((req, res) => res.writeHead(404).end());
  await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve));
  t.after(() => web.close());
  const none = await plimsollBeside(t, ['registry', 'check', `127.0.0.1:${web.address().port}`]);
  assert.equal(none.code, 3);
  assert.match(none.stdout, /✗ reach .*is no registry/);
});
