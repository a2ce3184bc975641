// SPDX-License-Identifier: Apache-2.0
// push.mjs - blobs and manifests straight into a registry, by HTTP: what no client would make, and many of them in little time.
import { gzip, sha256, tar } from './lib.mjs';

export const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

async function must(what, response, status) {
  if (response.status !== status) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
  return response;
}

/** A blob in one piece: its descriptor without media type. */
export async function putBlob(host, repo, bytes) {
  const digest = sha256(bytes);
  const opened = await must(`open an upload in ${repo}`, await fetch(`http://${host}/v2/${repo}/blobs/uploads/`, { method: 'POST' }), 202);
  const place = new URL(opened.headers.get('location'), `http://${host}`);
  place.searchParams.set('digest', digest);
  await must(`upload into ${repo}`, await fetch(place, { method: 'PUT', body: bytes, headers: { 'Content-Type': 'application/octet-stream' } }), 201);
  return { digest, size: bytes.length };
}

/** A manifest or an index under @reference (a tag, or nothing: its digest): its descriptor. */
export async function putManifest(host, repo, manifest, reference) {
  const bytes = Buffer.from(JSON.stringify(manifest)), digest = sha256(bytes);
  await must(`push ${repo}:${reference ?? digest}`, await fetch(`http://${host}/v2/${repo}/manifests/${reference ?? digest}`,
    { method: 'PUT', body: bytes, headers: { 'Content-Type': manifest.mediaType } }), 201);
  return { mediaType: manifest.mediaType, digest, size: bytes.length };
}

/** An image of one layer with these entries: { digest, size, mediaType }.  @base: a layer's descriptor and diff-id below it, already there. */
export async function putImage(host, repo, entries, { tag, config = {}, manifest = {}, base } = {}) {
  const layer = tar(entries);
  const own = { mediaType: OCI.layer, ...(await putBlob(host, repo, gzip(layer))) };
  const layers = base ? [base.layer, own] : [own];
  const diffIds = base ? [base.diffId, sha256(layer)] : [sha256(layer)];
  const blob = await putBlob(host, repo, Buffer.from(JSON.stringify(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds }, ...config })));
  return putManifest(host, repo, { schemaVersion: 2, mediaType: OCI.manifest, config: { mediaType: OCI.config, ...blob }, layers, ...manifest }, tag);
}

/** What is no image: a config of @type, and one layer each of @layers: [[mediaType, bytes], …]. */
export async function putArtifact(host, repo, type, layers, { tag, ...more } = {}) {
  const config = { mediaType: type, ...(await putBlob(host, repo, Buffer.from('{}'))) };
  const described = [];
  for (const [mediaType, bytes] of layers) described.push({ mediaType, ...(await putBlob(host, repo, Buffer.from(bytes))) });
  return putManifest(host, repo, { schemaVersion: 2, mediaType: OCI.manifest, config, layers: described, ...more }, tag);
}
