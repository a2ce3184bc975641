// SPDX-License-Identifier: Apache-2.0
// real.mjs - Debian's docker-registry as it is run in earnest: basic authentication (htpasswd), tokens of a
// token server (the one thing here that is ours: 60 lines by distribution's token specification), TLS of a
// private authority, client certificates.
import crypto from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { freePort, fs, must, path, start, until } from '../lib.mjs';

/** A private authority below @dir: { ca, issue(name, { days, host, expired }) → { cert, key } }. */
export function makeAuthority(dir, name = 'ca') {
  const at = (file) => path.join(dir, file);
  fs.mkdirSync(dir, { recursive: true });
  const openssl = (...args) => must('openssl', args);
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', `/CN=${name}`,
    '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,digitalSignature');
  const issue = (who, { san = 'IP:127.0.0.1,DNS:localhost', days = '20', client = false } = {}) => {
    const ext = at(`${who}.ext`);
    fs.writeFileSync(ext, client ? 'extendedKeyUsage=clientAuth\n' : `subjectAltName=${san}\nextendedKeyUsage=serverAuth\n`);
    openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', `/CN=${who}`, '-keyout', at(`${who}.key`), '-out', at(`${who}.csr`));
    openssl('x509', '-req', '-in', at(`${who}.csr`), '-CA', at(`${name}.pem`), '-CAkey', at(`${name}.key`), '-CAcreateserial', '-days', days, '-extfile', ext, '-out', at(`${who}.pem`));
    return { cert: at(`${who}.pem`), key: at(`${who}.key`) };
  };
  return { ca: at(`${name}.pem`), issue };
}

/**
 * docker-registry with @config's lines in its file.  @tls: { cert, key, clientCa }.  @notify: { url, secret, ca }.
 * It is ready once it answers 200 or 401.
 */
export async function startReal(t, dir, { config = [], tls, notify, port } = {}) {
  port ??= await freePort();
  fs.mkdirSync(path.join(dir, 'registry'), { recursive: true });
  const lines = [
    'version: 0.1', 'log: { level: warn, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${dir}/registry }, delete: { enabled: true } }`,
    'http:', `  addr: "127.0.0.1:${port}"`,
    ...(tls ? ['  tls:', `    certificate: ${tls.cert}`, `    key: ${tls.key}`, ...(tls.clientCa ? [`    clientcas: [ ${tls.clientCa} ]`] : [])] : []),
    ...(notify ? ['notifications:', '  endpoints:', '    - name: plimsoll', `      url: ${notify.url}`, '      headers:',
      `        Authorization: [ "Bearer ${notify.secret}" ]`, '      timeout: 2s', '      threshold: 3', '      backoff: 200ms'] : []),
    ...config,
  ];
  const file = path.join(dir, `registry-${port}.yml`);
  fs.writeFileSync(file, lines.join('\n') + '\n');
  const child = start(t, 'docker-registry', ['serve', file], { env: { ...process.env, ...(notify?.ca ? { SSL_CERT_FILE: notify.ca } : {}) } });
  const answers = () => new Promise((resolve) => {
    const ask = (tls ? https : http).get({ port, host: '127.0.0.1', path: '/v2/', rejectUnauthorized: false }, (r) => { r.resume(); resolve(r.statusCode); });
    ask.on('error', (e) => resolve(/certificate|ECONNRESET|EPROTO/.test(`${e.code} ${e.message}`) && tls?.clientCa));
  });
  await until(15000, 'the registry', answers, () => child.text);
  return { host: `127.0.0.1:${port}`, port, child };
}

/** Lines of docker-registry's configuration for basic authentication of @user. */
export function basicAuth(dir, user, password) {
  fs.mkdirSync(dir, { recursive: true });
  const file = path.join(dir, 'htpasswd');
  must('htpasswd', ['-Bbc', file, user, password]);
  return ['auth:', '  htpasswd:', '    realm: lab', `    path: ${file}`];
}

const b64 = (x) => Buffer.from(x).toString('base64url');

/**
 * A token server by "Token Authentication Specification" of distribution: GET with basic credentials, the grant is the
 * intersection of what is asked for and @rights.  Gives { config: lines for docker-registry, asked: [scopes] }.
 */
export async function startTokenServer(t, dir, { user, password, rights = ['pull', 'push', 'delete', '*'], tls, lifetime = 60 }) {
  fs.mkdirSync(dir, { recursive: true });
  const key = path.join(dir, 'token.key'), cert = path.join(dir, 'token.pem');
  must('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=tokens', '-keyout', key, '-out', cert]);
  const x5c = fs.readFileSync(cert, 'utf8').replace(/-----[^-]+-----|\s/g, '');
  const asked = [];
  const sign = (scopes) => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((s) => {
      const [type, ...rest] = s.split(':'), actions = rest.pop().split(',');
      return { type, name: rest.join(':'), actions: actions.filter((a) => rights.includes(a)) };
    }).filter((a) => a.actions.length);
    const head = b64(JSON.stringify({ typ: 'JWT', alg: 'RS256', x5c: [x5c] }));
    const body = b64(JSON.stringify({ iss: 'lab-tokens', sub: user, aud: 'lab-registry', exp: now + lifetime, nbf: now - 10, iat: now, jti: crypto.randomUUID(), access }));
    return `${head}.${body}.${crypto.sign('sha256', Buffer.from(`${head}.${body}`), fs.readFileSync(key)).toString('base64url')}`;
  };
  const answer = (req, res) => {
    const url = new URL(req.url, 'http://x'), scopes = url.searchParams.getAll('scope').flatMap((s) => s.split(' ')).filter(Boolean);
    asked.push(...scopes);
    if (req.headers.authorization !== 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64'))
      return res.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    const token = sign(scopes);
    res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ token, access_token: token, expires_in: lifetime, issued_at: new Date().toISOString() }));
  };
  const server = tls ? https.createServer({ cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key) }, answer) : http.createServer(answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  const realm = `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}/token`;
  return { realm, asked, config: ['auth:', '  token:', `    realm: ${realm}`, '    service: lab-registry', '    issuer: lab-tokens', `    rootcertbundle: ${cert}`] };
}
