// SPDX-License-Identifier: Apache-2.0
// worker.test.mjs - workers on one PostgreSQL, in small (few images, so a slow one weighs more); worker.soak.mjs has the full size
// and the full measure.
import assert from 'node:assert/strict';
import test from 'node:test';

import { fs, path, plimsoll, tempDir } from './lib.mjs';
import { run } from './worker-run.mjs';

test('four workers share what a far registry has, each image once; a frozen one loses its job', (t) => run(t, { nOne: 12, nFour: 52, nFrozen: 12, least: 3 }));

test('a worker refuses a store that is a file', (t) => {
  const dir = tempDir(t), config = path.join(dir, 'c.yaml');
  fs.writeFileSync(config, `data-directory: ${dir}\nsandbox: basic\n`);
  const r = plimsoll(['worker', '--config', config]);
  assert.equal(r.code, 2);
  assert.match(r.stderr, /plimsoll\.db is a file of one machine.*set store:/);
});
