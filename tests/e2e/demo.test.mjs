// SPDX-License-Identifier: Apache-2.0
// `make demo` as it stands in the README: it shows the recommendation, stops what it started and exits 0.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT, path, run } from './lib.mjs';

test('the demo: push to recommendation against the real Debian archive', () => {
  const r = run(path.join(ROOT, 'scripts/demo'), [], { cwd: ROOT, env: { ...process.env, DEMO_IMAGES: path.join(ROOT, 'build/images') }, stdio: ['ignore', 'pipe', 'pipe'] });
  assert.equal(r.code, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /scan +done +shop\/frontend:plain/);
  assert.match(r.stdout, /refresh +done +debian-archive/);
  assert.match(r.stdout, /registry +harbour +Unhealthy/);
  assert.match(r.stdout, /shop\/frontend:plain +Unhealthy/);
  assert.match(r.stdout, /shop\/frontend:upgraded +Healthy/);
  assert.match(r.stdout, /CVE-\d{4}-\d+/, 'the changelogs were read');
  assert.match(r.stdout, /only-upgrade .*openssl/);
  assert.match(r.stdout, /before +Unhealthy, [1-9]\d* findings/);
  assert.match(r.stdout, /after +Healthy, 0 findings/);
  const left = run('pgrep', ['-f', path.join(ROOT, 'demo-run')]);
  assert.equal(left.stdout, '', 'something was left running');
});
