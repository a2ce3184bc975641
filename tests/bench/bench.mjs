// SPDX-License-Identifier: Apache-2.0
// bench.mjs - each budget against its reference, measured in the same run.  One line a row:
//     bench: <name> <value> <budget> <ok|over>
// Times are medians of alternating runs (reference, ours, reference, …), given as a ratio; memory is the
// peak of the sum of PSS over all processes.   usage: bench.mjs [--runs N] [--only NAME]
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { alpineRoot, freePort, makeLayout, makeSecdb, push, startRegistry, startPostgres, startServer, tar, tempDir, verdictOf } from '../e2e/lib.mjs';
import { api } from './api.mjs';
import { makeImage } from './image.mjs';
import { makeRecords } from './records.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const BUILD = path.join(ROOT, 'build');
const BINARY = path.join(BUILD, 'plimsoll');
const REFERENCE = path.join(BUILD, 'tests/bench/reference');
const IMAGES = path.join(BUILD, 'images');
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : otherwise;
};
const RUNS = Number(option('runs', '11'));

const at = (values, part) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)];
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Sum of PSS, in bytes, of @pid and all below it; without @pid itself when it is but the shell. */
function pssOf(pid, isShell = false) {
  let total = 0;
  const due = [pid];
  while (due.length) {
    const p = due.pop();
    try {
      const m = /^Pss:\s+(\d+) kB/m.exec(isShell && p === pid ? '' : fs.readFileSync(`/proc/${p}/smaps_rollup`, 'utf8'));
      total += m ? Number(m[1]) * 1024 : 0;
      for (const task of fs.readdirSync(`/proc/${p}/task`))
        due.push(...fs.readFileSync(`/proc/${p}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
    } catch {
      // it ended meanwhile
    }
  }
  return total;
}

/** The second line of the shell's `times`: user and system time of what it waited for. */
function cpuOf(stderr) {
  const m = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(stderr);
  return m ? Number(m[1]) * 60 + Number(m[2]) + Number(m[3]) * 60 + Number(m[4]) : NaN;
}

/** Seconds of wall clock and of processor time; with @watch also the peak of PSS. */
function once(command, args, watch = false) {
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const child = spawn('sh', ['-c', '"$@" && times >&2', 'sh', command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '', peak = 0;
    const timer = watch ? setInterval(() => (peak = Math.max(peak, pssOf(child.pid, true))), 5) : null;
    child.stderr.on('data', (d) => (stderr += d));
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
      if (timer) clearInterval(timer);
      if (code === 0) resolve({ seconds, cpu: cpuOf(stderr), peak });
      else reject(new Error(`${command} ${args.join(' ')}: exit ${code}: ${stderr}`));
    });
  });
}

/** Alternate; the ratio of medians, of time and of processor time, and the quartiles of the pairs' ratios. */
async function against(reference, ours, runs = RUNS) {
  const a = [], b = [];
  await once(...reference);
  await once(...ours);
  for (let i = 0; i < runs; i++) {
    a.push(await once(...reference));
    b.push(await once(...ours));
  }
  const of = (list, key) => median(list.map((r) => r[key]));
  const pairs = b.map((r, i) => r.seconds / a[i].seconds);
  return {
    ratio: of(b, 'seconds') / of(a, 'seconds'), reference: of(a, 'seconds'), ours: of(b, 'seconds'),
    cpu: of(b, 'cpu') / of(a, 'cpu'), referenceCpu: of(a, 'cpu'), oursCpu: of(b, 'cpu'), quartiles: [at(pairs, 0.25), at(pairs, 0.75)],
  };
}

function row(name, value, budget, unit, note = '') {
  const isOk = value <= budget;
  console.log(`bench: ${name} ${value.toFixed(2)}${unit} ${budget}${unit} ${isOk ? 'ok' : 'over'}${note ? `   # ${note}` : ''}`);
}

const ms = (s) => `${(s * 1000).toFixed(0)} ms`;

function layersOf(layout) {
  const read = (digest) => path.join(layout, 'blobs/sha256', digest.slice(7));
  const index = JSON.parse(fs.readFileSync(path.join(layout, 'index.json')));
  return JSON.parse(fs.readFileSync(read(index.manifests[0].digest))).layers.map((l) => read(l.digest));
}

const benches = {
  async 'cold-scan'() {
    const args = ['scan', `oci:${IMAGES}/plain:latest`, '--db', `${IMAGES}/db`, '--format', 'json', '--quiet', '-o', '/dev/null'];
    const r = await against([REFERENCE, layersOf(`${IMAGES}/plain`)], [BINARY, args]);
    row('cold-scan', r.ratio, 1.25, 'x', `${ms(r.ours)} against ${ms(r.reference)}, medians of ${RUNS}`);
  },
  async 'scan-memory'() {
    const args = ['scan', `oci:${IMAGES}/plain:latest`, '--db', `${IMAGES}/db`, '--format', 'json', '--quiet', '-o', '/dev/null'];
    const peaks = [];
    for (let i = 0; i < 5; i++) peaks.push((await once(BINARY, args, 5)).peak);
    row('scan-memory', Math.max(...peaks) / 2 ** 20, 64, 'MiB', 'peak of PSS over all processes');
  },
};

// The inventory of 100,000 files and 1 GiB.  What the references are, and why there are two:
// docs/decisions/0007-what-an-inventory-is-measured-against.md.
const LARGE = path.join(BUILD, 'bench/large');
const LARGE_ARGS = ['sbom', `oci:${LARGE}:latest`, '--format', 'json', '--quiet', '-o', '/dev/null'];

Object.assign(benches, {
  async 'inventory-large-time'() {
    await makeImage(LARGE);
    const r = await against([REFERENCE, ['--walk', '--no-hash', ...layersOf(LARGE)]], [BINARY, LARGE_ARGS]);
    row('inventory-large-time', r.ratio, 1.15, 'x', `${ms(r.ours)} against ${ms(r.reference)} of inflate and tar walk, medians of ${RUNS}; quartiles of the pairs ${r.quartiles.map((q) => q.toFixed(2)).join(' and ')}`);
  },
  async 'inventory-large-cpu'() {
    await makeImage(LARGE);
    const r = await against([REFERENCE, ['--walk', ...layersOf(LARGE)]], [BINARY, LARGE_ARGS]);
    row('inventory-large-cpu', r.cpu, 1.25, 'x', `${ms(r.oursCpu)} of processor time against ${ms(r.referenceCpu)} of inflate, tar walk and both hashes, medians of ${RUNS}; by the clock ${r.ratio.toFixed(2)}x`);
  },
  async 'inventory-large-memory'() {
    await makeImage(LARGE);
    const peaks = [];
    for (let i = 0; i < 3; i++) peaks.push((await once(BINARY, LARGE_ARGS, true)).peak);
    row('inventory-large-memory', Math.max(...peaks) / 2 ** 20, 64, 'MiB', 'peak of PSS over all processes; no binary is buffered');
  },
});

/** Things to stop when a bench ends, as the tests' `t`. */
function scope() {
  const due = [];
  return { after: (f) => due.push(f), end: async () => { for (const f of due.reverse()) await f(); } };
}

Object.assign(benches, {
  async 'registry-scan'() {
    const t = scope();
    try {
      const dir = tempDir(t);
      const registry = await startRegistry(t, dir);
      push(`${IMAGES}/plain:latest`, `${registry.host}/bench:1`);
      const args = ['scan', `${registry.host}/bench:1`, '--db', `${IMAGES}/db`, '--format', 'json', '--quiet', '-o', '/dev/null'];
      const r = await against([REFERENCE, layersOf(`${IMAGES}/plain`)], [BINARY, args]);
      row('registry-scan', r.ratio, 1.5, 'x', `${ms(r.ours)} against ${ms(r.reference)}, medians of ${RUNS}`);
    } finally {
      await t.end();
    }
  },
  'push-to-recommendation': () => pushes('push-to-recommendation', 'idle-server', () => ''),
  'push-to-recommendation-postgresql': () =>
    pushes('push-to-recommendation-postgresql', 'idle-server-postgresql', async (t) => {
      const conninfo = await startPostgres(t, { fsync: true });
      if (!conninfo) throw new Error('PostgreSQL is not installed: scripts/deps test');
      return `postgres:${conninfo}`;
    }),
});

async function pushes(name, idle, storeOf) {
  const t = scope();
  try {
    const dir = tempDir(t);
    const port = await freePort();
    const store = await storeOf(t);
    const feed = makeSecdb(path.join(dir, 'secdb'), { 'v3.22': { openssl: { '3.5.4-r1': ['CVE-2025-0001'] } } });
    const server = await startServer(t, dir, { host: `127.0.0.1:${port}`, feeds: [`alpine-secdb=${feed}`], store });
    const registry = await startRegistry(t, dir, { url: server.notifyUrl, secret: server.secret, ca: server.ca }, port);
    const times = [];
    for (let i = 0; i < 200; i++) {
      const root = alpineRoot({ packages: [{ name: 'libssl3', origin: 'openssl', version: '3.5.4-r0' }] });
      const image = makeLayout(path.join(dir, `img${i}`), [{ tar: tar([...root, { path: `n${i}`, body: String(i) }]) }]);
      push(image.layout, `${registry.host}/bench:${i}`);
      const begin = process.hrtime.bigint();
      await verdictOf(server, image.digest, { settled: false });
      times.push(Number(process.hrtime.bigint() - begin) / 1e9);
    }
    times.sort((a, b) => a - b);
    row(name, times[Math.ceil(times.length * 0.99) - 1], 1.5, 's', `p99 of ${times.length}, from the end of the push; median ${ms(median(times))}`);
    await new Promise((r) => setTimeout(r, 2000));
    row(idle, pssOf(server.child.pid) / 2 ** 20, 40, 'MiB', 'PSS of server and zygote after those pushes');
  } finally {
    await t.end();
  }
}

/** Post @n notifications over @connections at once: { rate, median, p99 } in ms. */
function notify(url, secret, ca, n, connections, ...more) {
  const program = path.join(BUILD, 'tests/bench/notify');
  return new Promise((resolve, reject) => {
    const child = spawn(program, [url, secret, ca, String(n), String(connections), ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (d) => (text += d));
    child.on('error', reject);
    child.on('close', (code) => {
      const [rate, middle, p99, bad] = text.trim().split(' ').map(Number);
      if (code === 0) resolve({ rate, middle, p99 });
      else reject(new Error(`notify: exit ${code}, ${bad} not accepted`));
    });
  });
}

/** Each of an image never seen before; 2xx comes after the commit, on a store that waits for the disk.  2,000 a second are 500 us. */
async function notifications(name, storeOf) {
  const t = scope();
  try {
    const dir = tempDir(t), store = await storeOf(t);
    const server = await startServer(t, dir, { host: '127.0.0.1:1', feeds: [`alpine-secdb=${dir}/none`], store, extra: 'sweep-interval: 0\nfeeds-interval: 0' });
    const of = [server.secret, server.ca];
    const ceiling = await notify(`${server.url}/healthz`, ...of, 10000, 64, 'get');
    const alone = await notify(server.notifyUrl, ...of, 200, 1);
    const runs = [];
    for (let i = 0; i < 5; i++) runs.push(await notify(server.notifyUrl, ...of, 10000, 64));
    const rate = median(runs.map((r) => r.rate));
    const [, jobs] = /"queued":(\d+)/.exec(JSON.stringify((await server.api('/plimsoll/v1/jobs?$top=1')).body));
    if (Number(jobs) < 50200) throw new Error(`${jobs} jobs of 50200 notifications`);
    row(name, 1e6 / rate, 500, 'us', `${rate.toFixed(0)} a second kept durably, 64 connections, p99 ${median(runs.map((r) => r.p99)).toFixed(0)} ms, median of 5 runs of 10,000; one at a time ${alone.middle} ms; the same client gets ${ceiling.rate.toFixed(0)} health answers a second`);
  } finally {
    await t.end();
  }
}

Object.assign(benches, {
  notifications: () => notifications('notifications', () => ''),
  'notifications-postgresql': () => notifications('notifications-postgresql', async (t) => {
    const conninfo = await startPostgres(t, { fsync: true });
    if (!conninfo) throw new Error('PostgreSQL is not installed: scripts/deps test');
    return `postgres:${conninfo}`;
  }),
});

Object.assign(benches, {
  /** Half a million OSV records, those of ../shared and generated ones. */
  async compile() {
    const t = scope();
    try {
      const feed = path.join(BUILD, 'bench/osv'), shared = path.join(ROOT, '../shared/feeds/osv'), db = path.join(tempDir(t), 'db');
      makeRecords(path.join(feed, 'generated'), fs.existsSync(shared) ? 480000 : 500000);
      fs.rmSync(path.join(feed, 'real'), { force: true });
      if (fs.existsSync(shared)) fs.symlinkSync(shared, path.join(feed, 'real'));
      const { seconds, peak } = await once(BINARY, ['db', 'update', '--db', db, '--feed', `osv=${feed}`, '--quiet'], 100);
      const said = execFileSync(BINARY, ['db', 'verify', '--db', db], { encoding: 'utf8' });
      const [, records, statements] = /whole: (\d+) advisories, (\d+) statements/.exec(said).map(Number);
      const index = Number(/index ([\d.]+) MB/.exec(said)[1]) * 1e6;
      row('compile-time', seconds, 60, 's', `${records} advisories, ${statements} statements; one run`);
      row('compile-memory', peak / 2 ** 20, 1024, 'MiB', 'peak of PSS, mapped files included');
      row('index-size', index / statements, 250, ' bytes/statement', said.trim().split('\n')[1]);
      const opened = Number(execFileSync(path.join(BUILD, 'tests/bench/database'), [db], { encoding: 'utf8' }));
      row('database-open', opened / 1000, 1, 'ms', 'open and first look-up, median of 1,001');
    } finally {
      await t.end();
    }
  },
});

Object.assign(benches, {
  /** Processor time, so a busy machine does not count; the slowest ordering is the row's value. */
  async versions() {
    const run = spawnSync(path.join(BUILD, 'tests/bench/versions'), [path.join(ROOT, 'tests/data/version')], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`versions: exit ${run.status}: ${run.stderr}`);
    const costs = run.stdout.trim().split('\n').map((line) => line.split(' ')).map(([name, ns]) => ({ name, ns: Number(ns) }));
    costs.sort((a, b) => a.ns - b.ns);
    const slowest = costs[costs.length - 1], middle = costs[Math.floor(costs.length / 2)];
    row('versions', slowest.ns, 200, 'ns', `a comparison of ${slowest.name}, the slowest of ${costs.length}; median ${middle.ns} ns (${middle.name})`);
  },
});

/** 100,000 stored images; 1,000 package keys change that most of them hold.  See rematch.c. */
async function rematch(name, storeOf) {
  const t = scope();
  try {
    const store = await storeOf(t);
    const run = spawnSync(path.join(BUILD, 'tests/bench/rematch'), [path.join(BUILD, 'bench/rematch'), store], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`rematch: exit ${run.status}: ${run.stderr}`);
    const [seconds, cpu, byUnits, whole, rows, share, pushes, middle, slowest, alone] = run.stdout.trim().split(' ').map(Number);
    row(name, seconds, 5, 's', `${byUnits} images by units, ${whole} whole; ${rows} finding rows, ${share} % of the images changed; ${cpu} s of its own processor time`);
    row(`${name}-push`, slowest / 1000, 1.5, 's', `the slowest of ${pushes} pushes meanwhile; median ${middle} ms, alone ${alone} ms`);
  } finally {
    await t.end();
  }
}

Object.assign(benches, {
  'rematch-sqlite': () => rematch('rematch-sqlite', () => ''),
  'rematch-postgres': () =>
    rematch('rematch-postgres', async (t) => {
      const conninfo = await startPostgres(t, { fsync: true, buffers: '512MB' });
      if (!conninfo) throw new Error('PostgreSQL is not installed: scripts/deps test');
      return `postgres:${conninfo}`;
    }),
});

Object.assign(benches, {
  'api-sqlite': () => withScope((t) => api(t, 'sqlite', '', row)),
  'api-postgresql': () => withScope(async (t) => {
    const conninfo = await startPostgres(t, { fsync: true, buffers: '512MB' });
    if (!conninfo) throw new Error('PostgreSQL is not installed: scripts/deps test');
    await api(t, 'postgresql', `postgres:${conninfo}`, row);
  }),
});

async function withScope(run) {
  const t = scope();
  try {
    await run(t);
  } finally {
    await t.end();
  }
}

benches['match-rate'] = async () => {
  const rates = [];
  for (let i = 0; i < 5; i++) rates.push(Number.parseFloat(execFileSync(path.join(BUILD, 'tests/bench/match_rate'), ['2'], { encoding: 'utf8' })));
  row('match-rate', 1e6 / median(rates), 1, 'us', `a package instance and core, ${(median(rates) / 1e6).toFixed(2)} million a second, 500,000 records, median of 5`);
};

/** Every report of 100,000 findings: processor time, so a busy machine counts less; and the growth of memory from 10,000 on. */
benches.reports = async () => {
  const run = spawnSync(path.join(BUILD, 'tests/bench/reports'), [], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`reports: exit ${run.status}: ${run.stderr}`);
  for (const line of run.stdout.trim().split('\n')) {
    const [name, cpu, wall, mib, kib] = line.split(' ');
    row(`report-${name}`, Number(cpu) / 1000, 0.3, 's', `processor time for 100,000 findings, ${mib} MiB; ${wall} ms by the clock; medians of 5`);
    row(`report-${name}-memory`, Math.max(0, Number(kib)) / 1024, 12, 'MiB', 'growth of the peak from 10,000 to 100,000 findings');
  }
};

/** Processor time of one core: rules, order, remediation and plan of 100,000 findings, 1,020 rules. */
benches.assess = async () => {
  const ms = Number(execFileSync(path.join(BUILD, 'tests/bench/assess'), ['100000', '11'], { encoding: 'utf8' }));
  row('assess', ms / 1000, 0.3, 's', '100,000 findings to decisions: 1,020 rules, order, remediation, plan; median of 11');
};

const only = option('only', '');
for (const [name, bench] of Object.entries(benches)) if (!only || only === name) await bench();
