// SPDX-License-Identifier: Apache-2.0
// api.mjs - the REST API over a million sub-assessments: pages, single gets, and both at once; see findings.c and gets.c.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { randomBytes, ROOT, request, startServer, tempDir } from '../e2e/lib.mjs';

const BUILD = path.join(ROOT, 'build');
const KEPT = path.join(BUILD, 'bench/api');
const KEY = 'dbd0cb49-b563-45e7-9724-889e799fa648';
const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
const SECURITY_READER = '39bc4728-0917-49c7-9d2c-d95423bc2eb4';
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/group0`;
export const REGISTRY = (n) => `/subscriptions/${SUBSCRIPTION}/resourceGroups/group${n % 4}/providers/Microsoft.ContainerRegistry/registries/registry${n}`;
const ALL = (scope) => `${scope}/providers/Microsoft.Security/subAssessments?api-version=2019-01-01-preview`;
const OF_KEY = (scope) => `${scope}/providers/Microsoft.Security/assessments/${KEY}/subAssessments?api-version=2019-01-01-preview`;
const ONE = (scope, name) => `${scope}/providers/Microsoft.Security/assessments/${KEY}/subAssessments/${name}?api-version=2019-01-01-preview`;

/** A principal with Security Reader at @scope: its access token. */
async function signedIn(server, name, scope) {
  const made = await server.api('/plimsoll/v1/principals', { method: 'POST', body: { displayName: name } });
  if (made.status !== 201) throw new Error(`principal: ${made.status} ${JSON.stringify(made.body)}`);
  const { appId, objectId, clientSecret, tenantId } = made.body;
  const id = [4, 2, 2, 2, 6].map((n) => randomBytes(n).toString('hex')).join('-');
  const role = await server.api(`${scope}/providers/Microsoft.Authorization/roleAssignments/${id}?api-version=2022-04-01`, {
    method: 'PUT', body: { properties: { roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${SECURITY_READER}`, principalId: objectId } },
  });
  if (role.status !== 201) throw new Error(`role: ${role.status} ${JSON.stringify(role.body)}`);
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: appId, client_secret: clientSecret, scope: 'https://management.azure.com/.default' });
  const login = await request(server, `/${tenantId}/oauth2/v2.0/token`, {
    method: 'POST', token: '', body: form.toString(), headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  if (login.status !== 200) throw new Error(`token: ${login.status} ${JSON.stringify(login.body)}`);
  return login.body.access_token;
}

/** A server over the million, somebody who reads all of a subscription and somebody who reads one small registry of it. */
export async function apiScene(t, conninfo) {
  const dir = tempDir(t), work = path.join(KEPT, 'work.db');
  fs.mkdirSync(KEPT, { recursive: true });
  for (const end of ['', '-wal', '-shm']) fs.rmSync(work + end, { force: true });
  const names = execFileSync(path.join(BUILD, 'tests/bench/findings'), [KEPT, conninfo || work], { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => { for (const end of ['', '-wal', '-shm']) fs.rmSync(work + end, { force: true }); });
  const store = conninfo || `sqlite:${work}`;
  const server = await startServer(t, dir, { host: '127.0.0.1:1', feeds: [`alpine-secdb=${dir}/none`], store, extra: 'sweep-interval: 0\nfeeds-interval: 0' });
  const all = names.trim().split('\n').map((line) => line.split(' '));
  const scene = { server, dir, n: 0 };
  scene.reader = await signedIn(server, 'reader', `/subscriptions/${SUBSCRIPTION}`);
  scene.limited = await signedIn(server, 'limited', REGISTRY(12));
  scene.paths = (list) => {
    const file = path.join(dir, `paths${scene.n++}`);
    fs.writeFileSync(file, list.join('\n') + '\n');
    return file;
  };
  const seen = all.filter(([registry]) => registry.includes(SUBSCRIPTION));
  for (let i = seen.length - 1; i > 0; i--) { // in no order
    const j = Math.floor(Math.random() * (i + 1));
    [seen[i], seen[j]] = [seen[j], seen[i]];
  }
  scene.singles = scene.paths(seen.map(([registry, name]) => ONE(registry, name)));
  return scene;
}

const numbers = (line) => {
  const [rate, median, p99, p999, slowest, bytes, cpu, bad] = line.split(' ').map(Number);
  return { rate, median, p99, p999, slowest, bytes, cpu, bad };
};

/** The load generator; with @endless: { stop }. */
export function gets(scene, token, file, n, more, endless = false) {
  const child = spawn(path.join(BUILD, 'tests/bench/gets'), [scene.server.port, scene.server.ca, token, file, n, more].map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (d) => (text += d));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const [line, middle, last, pages] = text.trim().split('\n');
      if (code === 0) resolve({ ...numbers(line), middle, last, pages: Number(pages) });
      else reject(new Error(`gets: exit ${code}: ${text}`));
    });
  });
  return endless ? { stop: () => { child.stdin.end(); return ended; } } : ended;
}

/** Bytes of resident memory of the server, without the files that it maps. */
export const rssOf = (pid) => Number(/RssAnon:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** Processor seconds of a process so far. */
export const cpuOf = (pid) => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** With the machine's noise: the middle of three. */
async function middle(measure, key) {
  const runs = [];
  for (let i = 0; i < 3; i++) runs.push(await measure());
  return runs.sort((a, b) => a[key] - b[key])[1];
}

async function pages(scene, name, row) {
  const all = `/subscriptions/${SUBSCRIPTION}`;
  const asked = [
    ['a subscription', scene.reader, ALL(all)], ['a group', scene.reader, ALL(GROUP)], ['a registry', scene.reader, ALL(REGISTRY(0))],
    ['a key', scene.reader, OF_KEY(all)], ['a subscription of which one registry may be read', scene.limited, ALL(all)],
  ];
  const first = [];
  for (const [of, token, url] of asked) first.push([of, (await middle(() => gets(scene, token, scene.paths([url]), 31, 1), 'median')).median]);
  first.sort((a, b) => b[1] - a[1]);
  row(`api_page_first-${name}`, first[0][1], 20, 'ms', `1,000 of a million, the slowest of ${first.length} scopes: ${first.map(([of, ms]) => `${ms.toFixed(1)} of ${of}`).join(', ')}; medians of 31`);
  const walk = await gets(scene, scene.reader, scene.paths([ALL(all)]), 'walk', 2000);
  const half = await middle(() => gets(scene, scene.reader, scene.paths([walk.middle]), 31, 1), 'median');
  row(`api_page_later-${name}`, half.median, 20, 'ms', `page ${Math.floor(walk.pages / 2) + 1} of ${walk.pages}, median of 31; all of them, one after the other: median ${walk.median.toFixed(1)}, p99 ${walk.p99.toFixed(1)}, slowest ${walk.slowest.toFixed(1)} ms`);
}

async function singles(scene, name, row) {
  const pid = scene.server.child.pid;
  await gets(scene, scene.reader, scene.singles, 20000, 32);
  const before = rssOf(pid), from = cpuOf(pid);
  const r = await gets(scene, scene.reader, scene.singles, 200000, 32);
  const grown = (rssOf(pid) - before) / 2 ** 20;
  row(`api_gets_per_s-${name}`, 1e6 / r.rate, 200, 'us', `${r.rate.toFixed(0)} a second of 200,000 by a principal, 32 connections on the same two processors: server ${(cpuOf(pid) - from).toFixed(1)} s, client ${r.cpu.toFixed(1)} s of processor time`);
  row(`api_gets_p99_ms-${name}`, r.p99, 20, 'ms', `median ${r.median.toFixed(1)}, p99.9 ${r.p999.toFixed(1)}, slowest ${r.slowest.toFixed(1)} ms`);
  row(`api_memory_growth-${name}`, Math.max(0, grown), 8, 'MiB', `from ${(before / 2 ** 20).toFixed(1)} MiB after 20,000 gets, over 200,000 more`);
}

/** Eight that ask for page after page, and single gets meanwhile. */
async function beside(scene, name, row) {
  const slow = gets(scene, scene.reader, scene.paths([ALL(`/subscriptions/${SUBSCRIPTION}`)]), 'until-eof', 8, true);
  await new Promise((r) => setTimeout(r, 1000));
  const r = await gets(scene, scene.reader, scene.singles, 10000, 8);
  const other = await slow.stop();
  row(`api_slow_beside_fast-${name}`, r.p99, 20, 'ms', `p99 of 10,000 single gets beside eight that read pages of 1,000 (${other.rate.toFixed(0)} a second); median ${r.median.toFixed(1)} ms, ${r.rate.toFixed(0)} a second`);
}

export async function api(t, name, conninfo, row) {
  const scene = await apiScene(t, conninfo);
  await pages(scene, name, row);
  await singles(scene, name, row);
  await beside(scene, name, row);
}

export { ALL, GROUP, KEY, OF_KEY, SUBSCRIPTION };
