// SPDX-License-Identifier: Apache-2.0
// scene.mjs - an image and advisories that show all that a report for people has to show: known exploited,
// fixed, postponed, ignored, a long tail, hostile names.  The vulnerabilities are
// real ones; their numbers are as their publishers stated them, shortened.
import { debianRoot, fs, makeLayout, path, tar, updateDb } from './lib.mjs';

/** Names that would move a cursor, load a picture, call somebody or compute something. */
export const HOSTILE = [
  '<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', '`**[click](javascript:alert(1))**`',
  '@someone/pkg#1', 'a|b||c', '=cmd()', '\u001b]0;owned\u0007', '\u202etxt.exe', 'www.evil.example', '日本語パッケージ', '&lt;b&gt;~~x~~',
];

const AV = { network: 'AV:N/AC:L/PR:N/UI:N/S:U', local: 'AV:L/AC:L/PR:N/UI:R/S:U' };
const cvss = (kind, impact) => `CVSS:3.1/${AV[kind]}/${impact}`;

// Source package → [installed, binaries…], and CVE → [fixed version or '' with the reason, title, CVSS vector].
const DEBIAN = {
  openssl: ['3.0.11-1~deb12u2', ['libssl3', 'openssl'], {
    'CVE-2024-5535': ['3.0.15-1~deb12u1', 'SSL_select_next_proto buffer overread', cvss('network', 'C:H/I:N/A:H')],
    'CVE-2024-4741': ['3.0.14-1~deb12u1', 'Use after free with SSL_free_buffers', cvss('network', 'C:N/I:N/A:H')],
    'CVE-2024-0727': ['3.0.13-1~deb12u1', 'PKCS12 decoding crashes', cvss('local', 'C:N/I:N/A:H')],
    'CVE-2023-5678': ['3.0.13-1~deb12u1', 'Excessive time spent in DH check', cvss('network', 'C:N/I:N/A:L')],
    'CVE-2024-9143': ['3.0.15-1~deb12u1', 'Low-level invalid GF(2^m) parameters', cvss('network', 'C:L/I:N/A:L')],
  }],
  curl: ['7.88.1-10+deb12u3', ['curl', 'libcurl4'], {
    'CVE-2023-38545': ['7.88.1-10+deb12u4', 'SOCKS5 heap buffer overflow', cvss('network', 'C:H/I:H/A:H')],
    'CVE-2023-38546': ['7.88.1-10+deb12u4', 'Cookie injection with none file', cvss('network', 'C:N/I:L/A:N')],
    'CVE-2023-46218': ['7.88.1-10+deb12u5', 'Cookie mixed case PSL bypass', cvss('network', 'C:L/I:L/A:N')],
    'CVE-2024-2379': ['', 'QUIC certificate check bypass with wolfSSL', cvss('network', 'C:L/I:L/A:N'), 'Minor issue', ''],
  }],
  glibc: ['2.36-9+deb12u1', ['libc6', 'libc-bin'], {
    'CVE-2023-4911': ['2.36-9+deb12u3', 'Looney Tunables: overflow in ld.so', cvss('local', 'C:H/I:H/A:H')],
    'CVE-2023-6246': ['2.36-9+deb12u4', 'Heap overflow in __vsyslog_internal', cvss('local', 'C:H/I:H/A:H')],
    'CVE-2024-2961': ['2.36-9+deb12u6', 'Out of bounds write in iconv', cvss('network', 'C:H/I:L/A:L')],
    'CVE-2019-1010022': ['', 'Stack guard protection bypass', cvss('network', 'C:H/I:H/A:H'), 'not a vulnerability by design', 'ignored'],
  }],
  'xz-utils': ['5.4.1-0.2', ['liblzma5', 'xz-utils'], {
    'CVE-2024-47611': ['', 'Argument injection on Windows', cvss('local', 'C:L/I:L/A:N'), 'Windows only', 'ignored'] }],
  zlib: ['1:1.2.13.dfsg-1', ['zlib1g'], {
    'CVE-2023-45853': ['', 'Integer overflow in MiniZip', cvss('network', 'C:H/I:H/A:H'), 'contrib/minizip is not built', 'ignored'] }],
  perl: ['5.36.0-7+deb12u1', ['perl-base'], {
    'CVE-2023-31484': ['', 'CPAN.pm does not verify TLS certificates', cvss('network', 'C:H/I:H/A:H'), 'Minor issue', 'postponed'],
    'CVE-2011-4116': ['', 'File::Temp insecure temporary file', cvss('local', 'C:N/I:L/A:N'), 'Minor issue', ''] }],
  tar: ['1.34+dfsg-1.2', ['tar'], { 'CVE-2005-2541': ['', 'No warning when extracting setuid files', cvss('network', 'C:H/I:H/A:H'), 'by design', 'ignored'] }],
  systemd: ['252.17-1~deb12u1', ['libsystemd0', 'libudev1'], {
    'CVE-2023-50387': ['252.23-1~deb12u1', 'DNSSEC verification: KeyTrap', cvss('network', 'C:N/I:N/A:H')],
    'CVE-2013-4392': ['', 'TOCTOU when updating file permissions', cvss('local', 'C:L/I:L/A:N'), 'Minor issue', ''] }],
  gnutls28: ['3.7.9-2', ['libgnutls30'], {
    'CVE-2023-5981': ['3.7.9-2+deb12u1', 'Timing side-channel in RSA-PSK', cvss('network', 'C:H/I:N/A:N')],
    'CVE-2024-0553': ['3.7.9-2+deb12u2', 'Incomplete fix of a timing side-channel', cvss('network', 'C:H/I:N/A:N')],
    'CVE-2011-3389': ['', 'BEAST attack on TLS 1.0', cvss('network', 'C:L/I:N/A:N'), 'mitigated by applications', 'ignored'] }],
  shadow: ['1:4.13+dfsg1-1', ['login', 'passwd'], {
    'CVE-2007-5686': ['', 'Permissive log files', cvss('local', 'C:L/I:N/A:N'), 'Minor issue', 'ignored'],
    'CVE-2023-29383': ['', 'Control characters in chfn', cvss('local', 'C:N/I:L/A:N'), 'Minor issue', ''] }],
  coreutils: ['9.1-1', ['coreutils'], { 'CVE-2016-2781': ['', 'chroot escape with --userspec', cvss('local', 'C:N/I:H/A:N'), 'Minor issue', 'ignored'] }],
  ncurses: ['6.4-4', ['libtinfo6', 'ncurses-base'], { 'CVE-2023-50495': ['', 'Segmentation fault in _nc_wrap_entry', cvss('local', 'C:N/I:N/A:L'), 'Minor issue', 'postponed'] }],
  pcre2: ['10.42-1', ['libpcre2-8-0'], {}],
  bash: ['5.2.15-2', ['bash'], {}],
  apt: ['2.6.1', ['apt', 'libapt-pkg6.0'], {}],
};

// What a step of its own installs on top.
const OWN = {
  git: ['1:2.39.2-1.1', ['git', 'git-man'], {
    'CVE-2024-32002': ['1:2.39.5-0+deb12u1', 'Recursive clones with submodules run code', 'CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:H/A:H'],
    'CVE-2024-32465': ['1:2.39.5-0+deb12u1', 'Protections for cloning untrusted repositories bypassed', cvss('local', 'C:H/I:H/A:H')],
    'CVE-2018-1000021': ['', 'Terminal escape sequences in server messages', cvss('local', 'C:L/I:L/A:N'), 'Minor issue', 'ignored'] }],
  openssh: ['1:9.2p1-2', ['openssh-client'], {
    'CVE-2023-38408': ['1:9.2p1-2+deb12u1', 'Remote code execution in ssh-agent through PKCS#11', cvss('network', 'C:H/I:H/A:H')],
    'CVE-2023-51385': ['1:9.2p1-2+deb12u2', 'Shell metacharacters in user or host names', cvss('network', 'C:L/I:L/A:N')],
    'CVE-2007-2243': ['', 'User enumeration with S/KEY', cvss('network', 'C:L/I:N/A:N'), 'Minor issue', 'ignored'] }],
};
for (let i = 1; i <= 24; i++) // a library with a long tail
  (OWN.imagemagick ??= ['8:6.9.11.60+dfsg-1.6', ['libmagickcore-6.q16-6', 'imagemagick'], {}])[2][`CVE-2023-${34000 + 137 * i}`] =
    [i % 3 ? '8:6.9.11.60+dfsg-1.6+deb12u1' : '', `Out of bounds read in coder ${i}`, cvss(i % 4 ? 'local' : 'network', i % 5 ? 'C:N/I:N/A:L' : 'C:H/I:N/A:H'), 'Minor issue', ''];

/** A package and a vulnerability for each hostile name, which stands wherever a publisher can write. */
const hostileRows = (names) => Object.fromEntries(names.map((name, i) =>
  [name, ['1.0-1', [name], { [`CVE-2026-${10001 + i}`]: [i % 2 ? '1.0-2' : '', `In ${name}`, cvss('network', 'C:H/I:N/A:N'), `note: ${name}`, ''] }]]));

const write = (file, value) => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
};

function debianFeed(dir, rows) {
  const tracker = {}, nvd = [];
  for (const [source, row] of Object.entries(rows)) {
    tracker[source] = { 'CVE-1999-0001': { releases: { bookworm: { status: 'resolved', fixed_version: '0', urgency: 'unimportant' } } } };
    for (const [id, [fixed, title, vector, nodsa, reason]] of Object.entries(row[2])) {
      const state = fixed ? { status: 'resolved', fixed_version: fixed } : { status: 'open', nodsa, nodsa_reason: reason };
      tracker[source][id] = { description: title, scope: 'remote', releases: { bookworm: { ...state, repositories: { bookworm: row[0] }, urgency: 'not yet assigned' } } };
      nvd.push({ cve: { id, sourceIdentifier: 'nvd@nist.gov', published: '2024-01-10T10:15:00.000', lastModified: '2025-11-03T22:16:00.000', vulnStatus: 'Analyzed',
        descriptions: [{ lang: 'en', value: `${title}. An attacker who can reach the affected code path may exploit it; see the references for versions, conditions and work-arounds.` }],
        metrics: { cvssMetricV31: [{ source: 'nvd@nist.gov', type: 'Primary', cvssData: { version: '3.1', vectorString: vector } }] },
        weaknesses: [{ source: 'nvd@nist.gov', type: 'Primary', description: [{ lang: 'en', value: 'CWE-787' }] }],
        references: [{ url: `https://advisories.example/${id}` }, { url: `javascript:alert(document.domain)//${source}` }] } });
    }
  }
  write(path.join(dir, 'debian-tracker/tracker.json'), tracker);
  write(path.join(dir, 'nvd/nvd.json'), { format: 'NVD_CVE', version: '2.0', vulnerabilities: nvd });
}

function sideFeeds(dir) {
  write(path.join(dir, 'kev/kev.csv'), ['cveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,requiredAction,dueDate,knownRansomwareCampaignUse,notes,cwes',
    'CVE-2023-4911,GNU,C Library,Looney Tunables,2023-11-21,Overflow,Upgrade,2023-12-12,Unknown,,CWE-122', ''].join('\n'));
  write(path.join(dir, 'epss/epss.csv'), ['#model_version:v2025.03.14,score_date:2026-11-23T00:00:00Z', 'cve,epss,percentile',
    'CVE-2023-4911,0.71220,0.98800', 'CVE-2023-38545,0.26310,0.96100', 'CVE-2024-2961,0.92810,0.99700', 'CVE-2024-5535,0.05120,0.89000',
    'CVE-2023-38408,0.74880,0.98900', 'CVE-2023-50387,0.41300,0.97200', 'CVE-2011-3389,0.03870,0.87000', 'CVE-2005-2541,0.03220,0.86000', ''].join('\n'));
}

const layerOf = (rows) =>
  tar(debianRoot({ packages: Object.entries(rows).flatMap(([source, [version, binaries]]) => binaries.map((name) => ({ name, version, ...(name === source ? {} : { source }) }))) }));

/** { ref, db, … }: an image "shop:1.4" below @dir and a database; @hostile: names of packages with a finding each. */
export function makeScene(dir, { hostile = [] } = {}) {
  const feeds = path.join(dir, 'feeds'), own = { ...OWN, ...hostileRows(hostile) };
  debianFeed(feeds, { ...DEBIAN, ...own });
  sideFeeds(feeds);
  const image = makeLayout(path.join(dir, 'shop'), [
    { tar: layerOf(DEBIAN), createdBy: '/bin/sh -c #(nop) ADD file:4b1be1de1a1e5aa608c688cad2824587262081866180d7368feb79d33ca05953 in / ' },
    { tar: layerOf({ ...DEBIAN, ...own }), createdBy: `RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends git openssh-client imagemagick # buildkit ${hostile.join(' ')}`.trim() },
  ], { tag: '1.4' });
  const db = updateDb(path.join(dir, 'db'), ...['debian-tracker', 'nvd', 'kev', 'epss'].map((name) => `${name}=${path.join(feeds, name)}`));
  return { ...image, db, dir };
}
