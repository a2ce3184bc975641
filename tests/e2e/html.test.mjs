// SPDX-License-Identifier: Apache-2.0
// What people look at: the page in a real browser, the comment in a real Markdown renderer, the table in a real
// terminal.  Counts are those of the JSON report of the same scan, and hostile names are text everywhere.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import MarkdownIt from 'markdown-it';
import * as parse5 from 'parse5';
import { noBrowser, openBrowser, openPage } from './browser.mjs';
import { BINARY, debianRoot, fs, makeLayout, os, path, plimsoll, scan, tar } from './lib.mjs';
import { HOSTILE, makeScene } from './scene.mjs';
import { columnsOf, inTerminal, spansOf } from './terminal.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SEVERITIES = ['critical', 'high', 'medium', 'low', 'unknown'];
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-html-'));
let scene, report, page, comment;

const written = (format, args = [], source = scene.ref) => {
  const file = path.join(root, `${format}-${Math.random().toString(36).slice(2)}.${format}`);
  const r = plimsoll(['scan', source, '--db', scene.db, '--quiet', '--format', format, '-o', file, ...args]);
  assert.equal(r.code, 0, r.stderr);
  return file;
};

before(() => {
  scene = makeScene(root, { hostile: HOSTILE });
  report = scan(scene.ref, ['--db', scene.db]).report;
  page = written('html');
  comment = fs.readFileSync(written('markdown'), 'utf8');
});
after(() => fs.rmSync(root, { recursive: true, force: true }));

/** As report_text shows what it does not let pass. */
const shown = (text) => text.replace(/[\u0000-\u001f\u007f]/g, (c) => `\\x${c.codePointAt(0).toString(16).padStart(2, '0')}`).replace(/\u202e/g, '\\u202e');
/** The hostile names that came through the package database, as they are shown. */
const hostileFindings = () => report.findings.filter((f) => HOSTILE.includes(f.package.name));

test('the scene has hostile names to show', () => {
  assert.equal(new Set(hostileFindings().map((f) => f.package.name)).size, HOSTILE.length, hostileFindings().map((f) => f.package.name).join('\n'));
  assert.ok(report.findings.some((f) => f.kev) && report.findings.some((f) => f.epss > 0.5) && report.findings.some((f) => !f.patchable));
});

test('the page is HTML without one parse error, and names what it may run', () => {
  const errors = [];
  const text = fs.readFileSync(page, 'utf8');
  const document = parse5.parse(text, { onParseError: (e) => errors.push(`${e.code} at ${e.startLine}:${e.startCol}`), sourceCodeLocationInfo: true });
  assert.deepEqual(errors, []);
  const tags = {};
  const walk = (node) => {
    if (node.tagName) tags[node.tagName] = (tags[node.tagName] ?? 0) + 1;
    for (const a of node.attrs ?? []) {
      assert.ok(!a.name.startsWith('on') && !['src', 'style', 'srcset', 'action'].includes(a.name), `${node.tagName} ${a.name}`);
      if (a.name === 'href') assert.match(a.value, /^(#p?[\w-]+|https?:\/\/[^\s]+)$/);
    }
    for (const child of node.childNodes ?? []) walk(child);
  };
  walk(document);
  assert.equal(tags.script, 1);
  assert.equal(tags.style, 1);
  for (const none of ['img', 'iframe', 'link', 'object', 'b-o-l-d', 'base']) assert.equal(tags[none], undefined, none);
  assert.match(text, /default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; script-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'/);
});

describe('the page in a browser', { skip: noBrowser() }, () => {
  let browser;
  before(async () => { browser = await openBrowser(); });
  after(() => browser.close());

  test('nothing is fetched, nothing complains, hostile names are text', async () => {
    const p = await openPage(browser, page);
    await p.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
    assert.deepEqual(p.errors, []);
    assert.deepEqual(p.requests, [`file://${page}`]);
    const text = (await p.locator('body').innerText()).replace(/\s+/g, ' ');
    for (const name of HOSTILE) assert.ok(text.includes(shown(name).replace(/\s+/g, ' ')), name);
    const links = await p.locator('a[href^="http"]').evaluateAll((all) => all.map((a) => [a.target, a.protocol]));
    assert.ok(links.length > 0);
    for (const [target, protocol] of links) assert.ok(target === '' && /^https?:$/.test(protocol));
    assert.equal(await p.locator('meta[name=referrer]').getAttribute('content'), 'no-referrer');
    await p.context().close();
  });

  test('its counts are those of the JSON report', async () => {
    const p = await openPage(browser, page);
    for (const severity of SEVERITIES)
      assert.equal(Number(await p.locator(`td[data-n=${severity}]`).innerText()), report.summary[severity], severity);
    assert.equal(await p.locator('.findings .f').count(), report.findings.length);
    assert.equal(await p.locator('.f[data-kev]').count(), report.findings.filter((f) => f.kev).length);
    assert.equal(await p.locator('.f[data-fix]').count(), report.summary.patchable);
    assert.match(await p.locator('.verdict').innerText(), new RegExp(`Unhealthy ${report.findings.length} findings, ${report.summary.critical} critical, ${report.summary.high} high, ${report.summary.patchable} with a fix`));
    assert.equal(await p.locator('section:has(> h3[id$="-packages"]) tbody tr').count(), report.packages.length);
    const ids = await p.locator('.f .id').allTextContents();
    assert.deepEqual(ids.toSorted(), report.findings.map((f) => f.id).toSorted());
    assert.equal(ids[0], report.findings.find((f) => f.kev).id, 'known exploited comes first');
    await p.context().close();
  });

  test('the filter: text, severity, fixable, known exploited, and back; by keyboard', async () => {
    const p = await openPage(browser, page);
    const visible = () => p.locator('.findings:not([hidden]) > .f:not([hidden])').count();
    const settled = async (n, what) => {
      await p.waitForFunction((want) => document.querySelectorAll('.findings:not([hidden]) > .f:not([hidden])').length === want, n, { timeout: 5000 })
        .catch(async () => assert.equal(await visible(), n, what));
      const all = report.findings.length;
      assert.equal(await p.locator('#shown').innerText(), n === all ? `${n} findings shown` : `${n} of ${all} findings shown by the filter`);
    };
    const count = (f) => report.findings.filter(f).length;
    await settled(report.findings.length);
    await p.keyboard.press('/');
    await p.keyboard.type('openssl');
    await settled(count((f) => f.package.name === 'openssl'), 'text');
    await p.locator('button[type=reset]').press('Enter');
    await settled(report.findings.length);
    await p.locator('input[value=critical]').press('Space');
    await settled(report.summary.critical, 'critical');
    await p.locator('input[value=high]').press('Space');
    await settled(report.summary.critical + report.summary.high, 'critical and high');
    await p.locator('input[name=fixable]').press('Space');
    await settled(count((f) => f.patchable && ['critical', 'high'].includes(f.severity)), 'and fixable');
    await p.locator('input[name=kev]').press('Space');
    await settled(count((f) => f.kev), 'and known exploited');
    await p.locator('button[type=reset]').press('Enter');
    await settled(report.findings.length);
    const step = p.locator('.step .ids a').first();
    const target = (await step.getAttribute('href')).slice(1);
    await step.press('Enter');
    await p.waitForFunction((id) => document.getElementById(id).open, target);
    assert.deepEqual(p.errors, []);
    await p.context().close();
  });

  test('nobody is shut out: axe finds nothing, in light, dark, narrow; no sideways scrolling at 320 px', async () => {
    for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'light', viewport: { width: 320, height: 800 } }]) {
      const p = await openPage(browser, page, options);
      await p.evaluate(() => document.querySelectorAll('details').forEach((d, i) => { if (i < 20 || !d.matches('.f')) d.open = true; }));
      await p.evaluate(axe);
      const { violations } = await p.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | ')}`), [], JSON.stringify(options));
      const width = await p.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(width <= 0, `${width} px wider than the window`);
      await p.context().close();
    }
  });

  test('it says everything without its script', async () => {
    const p = await openPage(browser, page, { javaScriptEnabled: false });
    assert.equal(await p.locator('#filter').isVisible(), false);
    assert.equal(await p.locator('.f').count(), report.findings.length);
    const first = p.locator('.f').first();
    await first.locator('summary').click();
    assert.equal(await first.locator('dl').isVisible(), true);
    await p.context().close();
  });

  test('printing shows all, and no controls', async () => {
    const p = await openPage(browser, page);
    await p.emulateMedia({ media: 'print' });
    assert.equal(await p.locator('#filter').isVisible(), false);
    const hidden = await p.evaluate(() => Array.from(document.querySelectorAll('.f dl, section[aria-labelledby$="-packages"] table')).filter((e) => e.checkVisibility({ contentVisibilityAuto: true }) === false || e.getBoundingClientRect().height === 0).length);
    assert.equal(hidden, 0);
    const pdf = await p.pdf({ format: 'A4' });
    assert.ok(pdf.length > 20000 && pdf.subarray(0, 5).toString() === '%PDF-');
    await p.context().close();
  });

  test('several platforms: one file, a section each', async () => {
    const p = await openPage(browser, writtenIndex());
    assert.equal(await p.locator('nav a').count(), 2);
    assert.equal(await p.locator('main > section h2').count(), 2);
    await p.locator('nav a').nth(1).press('Enter');
    assert.match(p.url(), /#p2$/);
    assert.deepEqual(p.errors, []);
    const ids = await p.evaluate(() => Array.from(document.querySelectorAll('[id]')).map((e) => e.id));
    assert.equal(new Set(ids).size, ids.length, 'ids are unique');
    await p.context().close();
  });
});

/** An index of the scene's image and of one that has almost nothing, for another platform. */
function writtenIndex() {
  const dir = path.join(root, 'shop'), file = path.join(dir, 'index.json');
  const [first] = JSON.parse(fs.readFileSync(file, 'utf8')).manifests;
  const other = makeLayout(dir, [{ tar: tar(debianRoot({ packages: [{ name: 'bash', version: '5.2.15-2' }] })) }], { tag: 'small', config: { architecture: 'arm64' } });
  const [second] = JSON.parse(fs.readFileSync(file, 'utf8')).manifests;
  const describe = ({ mediaType, digest, size }, architecture) => ({ mediaType, digest, size, platform: { os: 'linux', architecture } });
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const blob = other.put(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [describe(first, 'amd64'), describe(second, 'arm64')] })));
  fs.writeFileSync(file, JSON.stringify({ schemaVersion: 2, manifests: [first, { mediaType, ...blob, annotations: { 'org.opencontainers.image.ref.name': 'both' } }] }));
  return written('html', ['--all-platforms'], `oci:${dir}:both`);
}

test('the comment: no element, link or mention comes out of a name', () => {
  assert.ok(comment.length <= 65000);
  const md = new MarkdownIt({ html: true, linkify: true });
  const outside = [], links = [], html = [], code = [];
  const visit = (tokens) => tokens.forEach((token) => {
    if (token.type === 'text') outside.push(token.content);
    if (token.type === 'link_open') links.push(token.attrGet('href'));
    if (token.type.startsWith('html')) html.push(token.content.trim());
    if (['code_inline', 'fence', 'code_block'].includes(token.type)) code.push(token.content);
    if (token.type === 'image') assert.fail(token.content);
    if (token.children) visit(token.children);
  });
  visit(md.parse(comment, {}));
  for (const link of links) assert.match(link, /^https:\/\/(www\.cve\.org\/CVERecord\?id=CVE-\d+-\d+|security-tracker\.debian\.org\/tracker\/[A-Z0-9-]+|github\.com\/advisories\/GHSA-[\w-]+)$/);
  for (const tag of html) assert.match(tag, /^(<details><summary>[\w ]+ \(\d+\)<\/summary>|<\/details>)$/);
  const text = outside.join('\n');
  for (const name of HOSTILE) {
    assert.ok(!text.includes(name), `${name} stands outside of code`);
    assert.ok(code.some((c) => c.includes(shown(name))), `${name} is not shown`);
  }
  assert.ok(!/[@#]\w|www\.|https?:/.test(text), text.match(/.{0,20}([@#]\w|www\.|https?:).{0,20}/)?.[0]);
});

test('the comment: the verdict is its first line, and its table has the counts of the JSON report', () => {
  const [first] = comment.split('\n');
  assert.equal(first, `### ✗ Unhealthy: ${report.findings.length} findings, ${report.summary.critical} critical, ${report.summary.high} high, ${report.summary.patchable} with a fix`);
  for (const severity of SEVERITIES.filter((s) => report.summary[s]))
    assert.match(comment, new RegExp(`\\| \\S+ ${severity} \\| ${report.summary[severity]} \\|`));
});

test('the table in a terminal: no line is wider, no control character but colours, NO_COLOR obeyed', () => {
  for (const columns of [40, 60, 80, 81, 120, 200])
    for (const args of [[], ['--details']]) {
      const { code, text } = inTerminal(BINARY, ['scan', scene.ref, '--db', scene.db, '--quiet', ...args], { columns });
      assert.equal(code, 0);
      for (const spans of spansOf(text)) {
        const line = spans.map((s) => s.text).join('');
        assert.ok(columnsOf(line) <= columns || columns < 80, `${columnsOf(line)} columns of ${columns}: ${line}`);
      }
      assert.ok(spansOf(text).flat().some((s) => s.colour !== undefined));
    }
  const plain = inTerminal(BINARY, ['scan', scene.ref, '--db', scene.db, '--quiet'], { env: { NO_COLOR: '1' } }).text;
  assert.ok(!plain.includes('\u001b'));
  for (const severity of ['critical', 'high']) assert.match(plain, new RegExp(`${report.summary[severity]} ${severity}`));
  assert.match(plain.trimEnd().split('\n').at(-1), /^✗ Unhealthy: /);
});

test('the table: --details names every finding, and without it nothing that is severe is missing', () => {
  const all = plimsoll(['scan', scene.ref, '--db', scene.db, '--quiet', '--details']).stdout;
  for (const f of report.findings) assert.ok(all.includes(f.id), f.id);
  const brief = plimsoll(['scan', scene.ref, '--db', scene.db, '--quiet']).stdout;
  for (const f of report.findings.filter((f) => ['critical', 'high'].includes(f.severity) || f.kev)) assert.ok(brief.includes(f.id), f.id);
});
