// SPDX-License-Identifier: Apache-2.0
// crash.soak.mjs - 500 distinct images pushed while server and workers are killed 100 times, on both stores.
import test from 'node:test';

import { crashRun } from './crash.mjs';

for (const engine of ['SQLite', 'PostgreSQL'])
  test(`500 images beside 100 kills on ${engine}`, (t) => crashRun(t, { engine, images: 500, kills: 100, seed: Number(process.env.SEED ?? 7) }));
