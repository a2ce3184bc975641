// SPDX-License-Identifier: Apache-2.0
// Every image of the shared corpus through the binary: its packages, and where the corpus states them its
// findings against the Debian-by-changelog feed and alpine-secdb: nothing missing, nothing more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARED, fs, needs, path, plimsoll, tempDir, updateDb } from './lib.mjs';

const skip = needs('corpus/MANIFEST.json');
const items = skip ? [] : JSON.parse(fs.readFileSync(path.join(SHARED, 'corpus/MANIFEST.json'))).items
  .filter((i) => /^image-(docker-archive|oci-archive|oci-layout)$/.test(i.kind) && Array.isArray(i.expected));

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

test('the images of the corpus', { skip }, async (t) => {
  const dir = tempDir(t);
  const db = updateDb(path.join(dir, 'db'), `osv=${SHARED}/feeds/debian-security-by-changelog/osv-debian-changelog`, `alpine-secdb=${SHARED}/feeds/alpine-secdb`);
  let exact = 0, findings = 0;
  for (const item of items)
    await t.test(item.file, () => {
      const r = plimsoll(['scan', path.join(SHARED, 'corpus', item.file), '--db', db, '--format', 'json', '--quiet', '--all-platforms']);
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
        assert.deepEqual(report.findings.map((f) => `${f.package.name} ${f.id}`).sort(), [...new Set(wanted)].sort());
        findings += wanted.length;
      }
      if (report.status === 'Healthy') assert.deepEqual(report.findings, []);
      exact++;
    });
  console.log(`# images exact ${exact}/${items.length - Object.keys(OTHERWISE).length}, findings ${findings}`);
});
