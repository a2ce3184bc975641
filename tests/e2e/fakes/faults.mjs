// SPDX-License-Identifier: Apache-2.0
// faults.mjs - a way to a real registry on which everything can go wrong: one proxy a fault, healed when told.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

const isManifest = (req) => /\/manifests\//.test(req.url);
const isBlob = (req) => /\/blobs\//.test(req.url);

function forward(req, res, upstream, change) {
  const ask = http.request({ port: upstream, host: '127.0.0.1', path: req.url, method: req.method, headers: req.headers }, (r) => {
    // of blobs only layers are hit: configurations are small
    if (change && (isManifest(req) || +r.headers['content-length'] > 1000)) return change(r, res);
    res.writeHead(r.statusCode, r.headers);
    r.on('error', () => res.destroy()).pipe(res);
  });
  ask.on('error', () => res.destroy());
  req.pipe(ask);
}

const whole = (r, then) => {
  const parts = [];
  r.on('data', (d) => parts.push(d)).on('end', () => then(Buffer.concat(parts)));
};
/** Send what upstream says with its body changed. */
const changed = (edit) => (r, res) => whole(r, (body) => {
  const bytes = edit(body), { 'content-length': _, ...headers } = r.headers;
  res.writeHead(r.statusCode, { ...headers, 'content-length': bytes.length }).end(bytes);
});
const flip = (body) => {
  const bytes = Buffer.from(body);
  bytes[bytes.length >> 1] ^= 1;
  return bytes;
};
const refuse = (status, headers = {}) => (req, res) => res.writeHead(status, headers).end('{"errors":[]}');

/** What a faulty way does with a request that @concerns: (req, res, upstream) => void. */
export const FAULTS = {
  '401': { concerns: isManifest, act: refuse(401, { 'WWW-Authenticate': 'Basic realm="lab"' }) },
  '403': { concerns: isManifest, act: refuse(403) },
  '404': { concerns: isManifest, act: refuse(404) },
  '429': { concerns: isManifest, act: refuse(429, { 'Retry-After': '3' }) },
  '500': { concerns: isManifest, act: refuse(500) },
  '502, an HTML page': { concerns: isManifest, act: (req, res) => res.writeHead(502, { 'Content-Type': 'text/html' }).end('<html>') },
  'an HTML page with 200': { concerns: isManifest, act: (req, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>please log in</html>') },
  'stall': { concerns: isManifest, act: () => {} },
  'stall within a blob': { concerns: isBlob, act: (req, res, upstream) => forward(req, res, upstream, (r, out) => whole(r, (body) => {
    out.writeHead(r.statusCode, r.headers);
    out.write(body.subarray(0, body.length >> 1));
  })) },
  'slow drip': { concerns: isBlob, act: (req, res, upstream) => forward(req, res, upstream, (r, out) => whole(r, (body) => {
    out.writeHead(r.statusCode, r.headers);
    let i = 0;
    const timer = setInterval(() => (i < body.length ? out.write(body.subarray(i, ++i)) : out.end()), 100);
    out.on('close', () => clearInterval(timer));
  })) },
  'truncated blob': { concerns: isBlob, act: (req, res, upstream) => forward(req, res, upstream, (r, out) => whole(r, (body) => {
    out.writeHead(r.statusCode, r.headers);
    out.write(body.subarray(0, body.length >> 1), () => out.destroy());
  })) },
  'wrong digest: a blob': { concerns: isBlob, act: (req, res, upstream) => forward(req, res, upstream, changed(flip)) },
  'wrong digest: the manifest': { concerns: isManifest, act: (req, res, upstream) => forward(req, res, upstream, changed(flip)) },
  'connection reset': { concerns: () => true, act: (req, res) => req.socket.resetAndDestroy() },
  'closed without an answer': { concerns: () => true, act: (req, res) => req.socket.destroy() },
  'redirect loop': { concerns: isManifest, act: (req, res) => res.writeHead(307, { Location: req.url }).end() },
  'token server speaks nonsense': { concerns: isManifest, act: (req, res, upstream, port) => res.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://127.0.0.1:${port}/nonsense",service="x"` }).end() },
  'oversized manifest': { concerns: isManifest, act: (req, res) => res.writeHead(200, { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' }).end(Buffer.alloc(5 << 20, 0x20)) },
};

/** A healed way is a plain one. */
export async function faultyWay(t, name, upstream) {
  const { concerns, act } = FAULTS[name];
  const way = { isFaulty: true, asked: 0, times: [] };
  const server = http.createServer((req, res) => {
    res.on('error', () => {});
    if (req.url === '/nonsense' || req.url.startsWith('/nonsense?')) return res.writeHead(200).end('<html>maintenance</html>');
    if (!way.isFaulty || !concerns(req)) return forward(req, res, upstream);
    way.asked++;
    way.times.push(Date.now());
    act(req, res, upstream, way.port);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  way.port = server.address().port;
  way.host = `127.0.0.1:${way.port}`;
  way.heal = () => { way.isFaulty = false; server.closeAllConnections(); };
  return way;
}

/** TLS before a real registry; heal(certificate) shows another one. */
export async function tlsWay(t, certificate, upstream) {
  const server = https.createServer(certificate, (req, res) => { res.on('error', () => {}); forward(req, res, upstream); });
  server.on('tlsClientError', () => {});
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { host: `127.0.0.1:${server.address().port}`, heal: (other) => { server.closeAllConnections(); server.setSecureContext(other); } };
}

/** A port on which nobody listens, until @listen: then it is a plain way. */
export async function deafWay(t, port, upstream) {
  return { host: `127.0.0.1:${port}`, heal: async () => {
    const server = net.createServer((a) => {
      const b = net.connect(upstream, '127.0.0.1');
      a.pipe(b).pipe(a);
      a.on('error', () => b.destroy());
      b.on('error', () => a.destroy());
    });
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    t.after(() => server.close());
  } };
}
