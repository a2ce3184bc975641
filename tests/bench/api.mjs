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

export { ALL, GROUP, KEY, OF_KEY, SUBSCRIPTION };
