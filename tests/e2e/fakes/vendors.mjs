// SPDX-License-Identifier: Apache-2.0
// vendors.mjs - PROTOCOL FAKES, not the products: each plays one vendor's challenge, token exchange, listing, paging,
// redirects and notifications as its public documentation tells them.  Manifests and blobs come from a real
// docker-registry behind it, so that what is pulled is real.
import crypto from 'node:crypto';
import http from 'node:http';

const b64 = (x) => Buffer.from(x).toString('base64');
const basic = (user, password) => `Basic ${b64(`${user}:${password}`)}`;
const json = (res, status, body, headers = {}) => res.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
const unauthorized = (res, challenge) => json(res, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required', detail: null }] },
  { 'WWW-Authenticate': challenge, 'Docker-Distribution-Api-Version': 'registry/2.0' });

async function listen(t, handler) {
  const server = http.createServer((req, res) => {
    res.on('error', () => {});
    const url = new URL(req.url, 'http://x');
    const parts = [];
    req.on('data', (d) => parts.push(d)).on('end', () => handler(req, res, url, Buffer.concat(parts)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `127.0.0.1:${server.address().port}`;
}

const proxy = (upstream, req, res, headers = req.headers) => {
  const ask = http.request({ host: '127.0.0.1', port: upstream, path: req.url, method: req.method, headers }, (r) => {
    res.writeHead(r.statusCode, r.headers);
    r.on('error', () => res.destroy()).pipe(res);
  });
  ask.on('error', () => res.destroy());
  ask.end();
};

/** Tokens that say what they are for; who has one and for what. */
class Tokens {
  known = new Map();
  issue(scopes, rights) {
    const access = scopes.filter(Boolean).map((s) => {
      const [type, ...rest] = s.split(':'), actions = rest.pop().split(',');
      return { type, name: rest.join(':'), actions: actions.filter((a) => rights(type, rest.join(':'), a)) };
    }).filter((a) => a.actions.length);
    const token = `${b64('{"alg":"none"}')}.${Buffer.from(JSON.stringify({ access, jti: crypto.randomUUID() })).toString('base64url')}.fake`;
    this.known.set(`Bearer ${token}`, access);
    return token;
  }
  allows(header, type, name, action) {
    return this.known.get(header ?? '')?.some((a) => a.type === type && a.name === name && a.actions.includes(action)) ?? false;
  }
  has(header) { return this.known.has(header ?? ''); }
}

/** What a request to /v2/ needs: { type, name, action }, or null for the base. */
function needOf(url) {
  if (url.pathname === '/v2/') return null;
  if (url.pathname === '/v2/_catalog') return { type: 'registry', name: 'catalog', action: '*' };
  return { type: 'repository', name: /^\/v2\/(.*)\/(manifests|blobs|tags|referrers)\//.exec(url.pathname)?.[1] ?? '', action: 'pull' };
}

/** The catalog or a tag list in pages of @size by Link, as RFC 8288 and the distribution-spec have it. */
async function paged(upstream, res, url, size, member) {
  const all = (await (await fetch(`http://127.0.0.1:${upstream}${url.pathname}?n=1000`)).json());
  const names = (all[member] ?? []).sort().filter((n) => n > (url.searchParams.get('last') ?? '')), page = names.slice(0, size);
  const next = names.length > size ? { Link: `<${url.pathname}?last=${encodeURIComponent(page.at(-1))}&n=${size}>; rel="next"` } : {};
  json(res, 200, { ...all, [member]: page }, next);
}

/**
 * A registry with bearer tokens. @v: { service, realm(authHost) , challenge(need, realm), catalog: bool, redirects, ... }.
 */
async function bearerRegistry(t, upstream, v) {
  const tokens = new Tokens(), seen = { scopes: [], tokens: 0, blobs: 0, leaked: 0, limited: 0 };
  // Blob stores sign their addresses; with an Authorization beside the signature they refuse, as S3 and Azure do.
  const store = v.redirects && await listen(t, (req, res, url) => {
    if (req.headers.authorization) { seen.leaked++; return res.writeHead(400).end(); }
    if (url.searchParams.get('sig') !== 'signed') return res.writeHead(403).end();
    seen.blobs++;
    proxy(upstream, { url: url.pathname, method: req.method }, res, req.headers.range ? { range: req.headers.range } : {});
  });
  const grant = (req, res, url) => {
    const scopes = url.searchParams.getAll('scope').flatMap((s) => s.split(' '));
    seen.tokens++;
    seen.scopes.push(...scopes);
    if (url.searchParams.get('service') !== v.service) return json(res, 400, {});
    if (req.headers.authorization ? req.headers.authorization !== basic(v.user, v.password) : !v.isPublic) return json(res, 401, v.refusal ?? { errors: [{ code: 'UNAUTHORIZED' }] });
    json(res, 200, v.answer(tokens.issue(scopes, (type, name, action) => (type === 'registry' ? v.catalog : action === 'pull' || (v.isWriter ?? false)))));
  };
  const authHost = v.authElsewhere ? await listen(t, (req, res, url) => (url.pathname === v.tokenPath ? grant(req, res, url) : res.writeHead(404).end())) : null;
  let host = '';
  host = await listen(t, (req, res, url, body) => {
    if (url.pathname === v.tokenPath && !authHost) return grant(req, res, url);
    if (v.other?.(req, res, url, { tokens, seen, body, host })) return;
    if (!url.pathname.startsWith('/v2/')) return res.writeHead(404).end();
    const need = needOf(url), realm = `http://${authHost ?? host}${v.tokenPath}`;
    const isIn = need ? tokens.allows(req.headers.authorization, need.type, need.name, need.action) : tokens.has(req.headers.authorization);
    if (!isIn) return unauthorized(res, v.challenge(realm, need && `${need.type}:${need.name}:${need.action}`));
    if (!need) return json(res, 200, {}, v.headers);
    if (need.type === 'registry') return paged(upstream, res, url, 2, 'repositories');
    if (/\/tags\/list$/.test(url.pathname)) return paged(upstream, res, url, 2, 'tags');
    if (v.limit?.(req, res, url, seen)) return;
    if (store && /\/blobs\//.test(url.pathname) && req.method === 'GET') return res.writeHead(307, { Location: `http://${store}${url.pathname}?sig=signed` }).end();
    proxy(upstream, req, res);
  });
  return { host, seen, tokens };
}

const envelope = (image) => ({ type: 'application/vnd.docker.distribution.events.v1+json', body: { events: [{ id: crypto.randomUUID(), timestamp: new Date().toISOString(), action: 'push',
  target: { mediaType: image.mediaType, digest: image.digest, size: 1, length: 1, repository: image.repository, tag: image.tag }, request: { id: 'x', method: 'PUT', useragent: 'skopeo' } }] } });

/** Docker Hub: docs.docker.com/docker-hub/usage/pulls/ (rate limit headers, 429), docs.docker.com/reference/api/registry/auth/
 * (auth.docker.io/token), no catalog. */
const dockerHub = {
  name: 'Docker Hub', kind: /CNCF Distribution/, user: 'jane', password: 'dckr_pat_x', catalog: 'unknown', listed: true, notifications: 'none',
  play: async (t, upstream) => {
    const limit = (req, res, url, seen) => {
      const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600', 'docker-ratelimit-source': '192.0.2.1' };
      if (!/\/manifests\//.test(url.pathname) || seen.limited) return false;
      seen.limited++;
      json(res, 429, { errors: [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }] }, { ...headers, 'Retry-After': '1' });
      return true;
    };
    return bearerRegistry(t, upstream, { service: 'registry.docker.io', tokenPath: '/token', authElsewhere: true, user: 'jane', password: 'dckr_pat_x', isPublic: true, catalog: false,
      redirects: true, limit, answer: (token) => ({ token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() }),
      challenge: (realm, scope) => `Bearer realm="${realm}",service="registry.docker.io"${scope ? `,scope="${scope}"` : ''}` });
  },
  check: (played) => { if (!played.seen.limited) throw new Error('the rate limit was never met'); },
};

/** Microsoft Artifact Registry: github.com/microsoft/containerregistry (client firewall rules: data endpoints; anonymous; catalog). */
const mcr = {
  name: 'MCR', kind: /CNCF Distribution/, catalog: 'works', notifications: 'none', login: /none asked for/,
  play: async (t, upstream) => {
    const seen = { blobs: 0, leaked: 0, scopes: [] };
    const data = await listen(t, (req, res, url) => { seen.blobs++; proxy(upstream, { url: url.pathname, method: req.method }, res, req.headers.range ? { range: req.headers.range } : {}); });
    const host = await listen(t, (req, res, url) => {
      if (url.pathname === '/v2/_catalog') return paged(upstream, res, url, 2, 'repositories');
      if (/\/blobs\//.test(url.pathname) && req.method === 'GET') return res.writeHead(307, { Location: `http://${data}${url.pathname}?P1=x` }).end();
      proxy(upstream, req, res);
    });
    return { host, seen };
  },
};

/** Harbor: goharbor.io/docs (robot accounts "robot$project+name", webhook payloads Default and CloudEvents), its API v2.0 (webhook
 * policies); token service at /service/token with service "harbor-registry". */
const harborEvent = (image) => ({ resources: [{ digest: image.digest, tag: image.tag, resource_url: `harbor.example/${image.repository}:${image.tag}` }],
  repository: { date_created: 1700000000, name: image.repository.split('/').pop(), namespace: 'team', repo_full_name: image.repository, repo_type: 'private' } });
const harbor = {
  name: 'Harbor', kind: /^Harbor$/, user: 'robot$team+ci', password: 'hrbr', catalog: 'works', notifications: 'works',
  play: (t, upstream) => bearerRegistry(t, upstream, { service: 'harbor-registry', tokenPath: '/service/token', user: 'robot$team+ci', password: 'hrbr', catalog: true,
    answer: (token) => ({ token, access_token: '', expires_in: 1800, issued_at: new Date().toISOString() }),
    challenge: (realm, scope) => `Bearer realm="${realm}",service="harbor-registry"${scope ? `,scope="${scope}"` : ''}`,
    other: (req, res, url) => {
      if (url.pathname !== '/api/v2.0/projects/team/webhook/policies') return false;
      if (req.headers.authorization !== basic('robot$team+ci', 'hrbr')) return json(res, 401, {}), true;
      json(res, 200, [{ id: 1, name: 'plimsoll', enabled: true, event_types: ['PUSH_ARTIFACT', 'PULL_ARTIFACT', 'DELETE_ARTIFACT'],
        targets: [{ type: 'http', address: 'https://plimsoll.example/notifications/harbor', payload_format: 'Default' }] }]);
      return true;
    } }),
  notify: [
    (image) => ({ type: 'application/json', body: { type: 'PUSH_ARTIFACT', occur_at: Math.floor(Date.now() / 1000), operator: 'jane', event_data: harborEvent(image) } }),
    (image) => ({ type: 'application/cloudevents+json', body: { specversion: '1.0', id: crypto.randomUUID(), source: '/projects/1/webhook/policies/1', type: 'harbor.artifact.pushed',
      datacontenttype: 'application/json', time: new Date().toISOString(), data: harborEvent(image), operator: 'jane' } }),
  ],
};

/** zot: zotregistry.dev (htpasswd: basic; events: CloudEvents, binary mode by its HTTP sink). */
const zot = {
  name: 'zot', kind: /CNCF Distribution/, user: 'ci', password: 'zotpw', catalog: 'works', notifications: 'none', login: /^basic, as ci/,
  play: async (t, upstream) => {
    const seen = { scopes: [], leaked: 0 };
    const host = await listen(t, (req, res, url) => {
      if (req.headers.authorization !== basic('ci', 'zotpw')) return unauthorized(res, 'Basic realm="Authorization Required"');
      if (url.pathname === '/v2/_catalog') return paged(upstream, res, url, 2, 'repositories');
      proxy(upstream, req, res);
    });
    return { host, seen };
  },
  notify: [(image) => ({ type: 'application/json', headers: { 'Ce-Specversion': '1.0', 'Ce-Id': crypto.randomUUID(), 'Ce-Source': 'zot', 'Ce-Type': 'zotregistry.image.updated', 'Ce-Time': new Date().toISOString() },
    body: { name: image.repository, reference: image.tag, digest: image.digest, mediaType: image.mediaType, manifest: '{}' } })],
};

/** GitHub: docs.github.com "Working with the Container registry" (token by personal access token); no catalog. */
const ghcr = {
  name: 'GHCR', kind: /CNCF Distribution/, user: 'octocat', password: 'ghp_x', catalog: 'unknown', listed: true, notifications: 'none',
  play: (t, upstream) => bearerRegistry(t, upstream, { service: 'ghcr.io', tokenPath: '/token', user: 'octocat', password: 'ghp_x', catalog: false, redirects: true,
    answer: (token) => ({ token }), // no expires_in: 60 seconds
    challenge: (realm, scope) => `Bearer realm="${realm}",service="ghcr.io",scope="${scope ?? 'repository:user/image:pull'}"` }),
};

/** Quay: docs.projectquay.io (robot accounts "org+name"; /v2/auth). */
const quay = {
  name: 'Quay', kind: /^Quay$/, user: 'team+ci', password: 'QUAYTOKEN', catalog: 'works', notifications: 'none',
  play: (t, upstream) => bearerRegistry(t, upstream, { service: 'quay.io', tokenPath: '/v2/auth', user: 'team+ci', password: 'QUAYTOKEN', catalog: true, redirects: true,
    answer: (token) => ({ token }), challenge: (realm, scope) => `Bearer realm="${realm}",service="quay.io"${scope ? `,scope="${scope}"` : ''}` }),
};

/** GitLab: docs.gitlab.com "Authenticate with the container registry", its registry's token service /jwt/auth on the GitLab host,
 * service "container_registry", tokens of five minutes; the catalog is for administrators. */
const gitlab = {
  name: 'GitLab', kind: /^GitLab$/, user: 'deploy-1', password: 'gldt-x', catalog: 'unknown', listed: true, notifications: 'none',
  play: (t, upstream) => bearerRegistry(t, upstream, { service: 'container_registry', tokenPath: '/jwt/auth', authElsewhere: true, user: 'deploy-1', password: 'gldt-x', catalog: false, redirects: true,
    refusal: { errors: [{ code: 'DENIED', message: 'HTTP Basic: Access denied' }] },
    answer: (token) => ({ token, expires_in: 300, issued_at: new Date().toISOString() }),
    challenge: (realm, scope) => `Bearer realm="${realm}",service="container_registry"${scope ? `,scope="${scope}"` : ''}` }),
};

/** Azure Container Registry: learn.microsoft.com (authentication options: admin user, service principal; webhook schema); its AAD-OAuth
 * document (/oauth2/exchange, /oauth2/token). */
function acr(how) {
  const isPrincipal = how === 'service principal';
  const service = 'team.azurecr.example';
  return {
    name: `ACR, ${how}`, kind: /^Azure Container Registry$/, catalog: 'works', notifications: 'none',
    ...(isPrincipal ? { principal: { tenant: 'contoso.example', 'client-id': 'app-1', 'client-secret': 's3cret&more' } } : { user: 'team', password: 'adminpw' }),
    play: async (t, upstream) => {
      const entra = await listen(t, (req, res, url, body) => {
        const form = new URLSearchParams(body.toString());
        if (url.pathname !== '/contoso.example/oauth2/v2.0/token' || form.get('grant_type') !== 'client_credentials') return json(res, 404, {});
        if (form.get('client_id') !== 'app-1' || form.get('client_secret') !== 's3cret&more') return json(res, 401, { error: 'invalid_client', error_description: 'AADSTS7000215' });
        json(res, 200, { token_type: 'Bearer', expires_in: 3599, access_token: `entra for ${form.get('scope')}` });
      });
      const played = await bearerRegistry(t, upstream, { service, tokenPath: '/oauth2/token-by-get', user: 'team', password: 'adminpw', catalog: true, redirects: true, isWriter: true, answer: () => ({}),
        challenge: (realm, scope) => `Bearer realm="${realm.replace('-by-get', '')}",service="${service}"${scope ? `,scope="${scope}"` : ''}`,
        other: (req, res, url, { tokens, seen, body }) => {
          const form = new URLSearchParams(body.toString()), rights = () => true;
          if (url.pathname === '/oauth2/exchange') {
            const isOk = form.get('grant_type') === 'access_token' && form.get('service') === service && form.get('tenant') === 'contoso.example' && form.get('access_token') === 'entra for https://management.azure.com/.default';
            seen.exchanges = (seen.exchanges ?? 0) + 1;
            return json(res, isOk ? 200 : 401, isOk ? { refresh_token: 'refresh-1' } : { errors: [{ code: 'UNAUTHORIZED', message: 'no' }] }), true;
          }
          if (url.pathname !== '/oauth2/token') return false;
          const isForm = req.method === 'POST';
          const isOk = isForm ? form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === 'refresh-1' : req.headers.authorization === basic('team', 'adminpw');
          const scopes = (isForm ? form : url.searchParams).getAll('scope').flatMap((s) => s.split(' '));
          seen.scopes.push(...scopes);
          return isOk ? json(res, 200, { access_token: tokens.issue(scopes, rights) }) : unauthorized(res, 'Bearer error="invalid_token"'), true;
        } });
      return { ...played, authority: `http://${entra}` };
    },
    check: (played) => { if (isPrincipal && !(played.seen.exchanges > 0)) throw new Error('nothing was exchanged'); },
    notify: [(image) => ({ type: 'application/json', body: { id: crypto.randomUUID(), timestamp: new Date().toISOString().replace('Z', '456789Z'), action: 'push',
      target: { mediaType: image.mediaType, size: 1024, digest: image.digest, length: 1024, repository: image.repository, tag: image.tag },
      request: { id: crypto.randomUUID(), host: service, method: 'PUT', useragent: 'docker/24.0' } } })],
  };
}

/** CNCF Distribution with its own envelope, plainly: the yardstick (its real self is in registry.test.mjs). */
const distribution = {
  name: 'Distribution', kind: /CNCF Distribution/, catalog: 'works', notifications: 'none', login: /none asked for/,
  play: async (t, upstream) => ({ host: `127.0.0.1:${upstream}`, seen: { leaked: 0, scopes: [] } }),
  notify: [envelope],
};

export const VENDORS = [distribution, dockerHub, mcr, harbor, zot, ghcr, quay, gitlab, acr('admin user'), acr('service principal')];
