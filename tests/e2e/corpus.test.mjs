// SPDX-License-Identifier: Apache-2.0
// Every image of the shared corpus through the binary: its packages, and where the corpus states them its
// findings against the Debian-by-changelog feed and alpine-secdb: nothing missing, nothing more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARED, fs, makeLayout, needs, path, plimsoll, tempDir, updateDb, zlib } from './lib.mjs';

const skip = needs('corpus/MANIFEST.json');
const items = skip ? [] : JSON.parse(fs.readFileSync(path.join(SHARED, 'corpus/MANIFEST.json'))).items
  .filter((i) => /^(image-(docker-archive|oci-archive|oci-layout)|alpine-minirootfs)$/.test(i.kind) && Array.isArray(i.expected));

// Items with an answer of our own, and why.
const OTHERWISE = {
  'images/osv-scalibr-empty.tar': 'no image: neither manifest.json nor oci-layout is in it',
  'images/oci/trivy-test_invalid_oci_image.oci/': 'a blob that the manifest names is not there',
};

function expectedFindings(item) {
  if (item.expected_secdb_findings) return item.expected_secdb_findings.map((f) => `${f.source} ${f.id}`);
  if (!item.expected_findings) return null;
  const file = path.join(SHARED, 'feeds/debian-security-by-changelog/findings', path.basename(item.expected_findings));
  const [head, ...rows] = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map((l) => l.split('\t'));
  return rows.map((r) => `${r[head.indexOf('source')]} ${r[head.indexOf('cve')]}`);
}

const share = (part, whole) => (whole ? part / whole : 1).toFixed(4);

/** A root file system alone becomes the one layer of an image. */
function sourceOf(dir, item) {
  const file = path.join(SHARED, 'corpus', item.file);
  if (item.kind !== 'alpine-minirootfs') return file;
  return makeLayout(path.join(dir, path.basename(file)), [{ tar: zlib.gunzipSync(fs.readFileSync(file)) }]).ref;
}

test('the images of the corpus', { skip }, async (t) => {
  const dir = tempDir(t);
  const db = updateDb(path.join(dir, 'db'), `osv=${SHARED}/feeds/debian-security-by-changelog/osv-debian-changelog`, `alpine-secdb=${SHARED}/feeds/alpine-secdb`);
  let exact = 0;
  const feeds = { Debian: { items: 0, expected: 0, found: 0, right: 0 }, Alpine: { items: 0, expected: 0, found: 0, right: 0 } };
  for (const item of items)
    await t.test(item.file, () => {
      const r = plimsoll(['scan', sourceOf(dir, item), '--db', db, '--format', 'json', '--quiet', '--all-platforms']);
      if (OTHERWISE[item.file]) {
        assert.equal(r.code, 3, OTHERWISE[item.file]);
        return;
      }
      assert.ok(r.stdout, r.stderr);
      const doc = JSON.parse(r.stdout);
      const report = doc.reports ? doc.reports[0] : doc;
      assert.deepEqual(report.packages.map((p) => `${p.name} ${p.version}`).sort(), item.expected.map((p) => `${p.name} ${p.version}`).sort());
      const wanted = expectedFindings(item);
      if (wanted) {
        const found = report.findings.map((f) => `${f.package.name} ${f.id}`).sort();
        const expected = [...new Set(wanted)].sort();
        const feed = item.expected_secdb_findings ? feeds.Alpine : feeds.Debian;
        feed.items++;
        feed.expected += expected.length;
        feed.found += found.length;
        feed.right += found.filter((f) => expected.includes(f)).length;
        assert.deepEqual(found, expected);
      }
      if (report.status === 'Healthy') assert.deepEqual(report.findings, []);
      exact++;
    });
  console.log(`# images exact ${exact}/${items.length - Object.keys(OTHERWISE).length}`);
  for (const [name, f] of Object.entries(feeds))
    console.log(`# ${name}: ${f.items} items, ${f.right} of ${f.expected} findings, precision ${share(f.right, f.found)}, recall ${share(f.right, f.expected)}`);
});
