// SPDX-License-Identifier: Apache-2.0
// crash.test.mjs - the crash run in a small size; crash.soak.mjs is the whole of it.
import test from 'node:test';

import { crashRun } from './crash.mjs';

for (const engine of ['SQLite', 'PostgreSQL'])
  test(`60 images beside 12 kills on ${engine}`, (t) => crashRun(t, { engine, images: 60, kills: 12 }));
