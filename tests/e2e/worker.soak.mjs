// SPDX-License-Identifier: Apache-2.0
// worker.soak.mjs - four workers share 1,000 images of a registry that is 200 ms away.
import test from 'node:test';

import { run } from './worker-run.mjs';

test('four workers share 1,000 images', (t) => run(t, { nOne: 60, nFour: 1000, nFrozen: 40, least: 3.5 }));
