// SPDX-License-Identifier: Apache-2.0
// screens.mjs - pictures of what people look at: the table in terminals, the page in a browser.
// usage: screens.mjs FOLDER [terminal|page]…   PLIMSOLL names another binary (an older one, to compare).
import { openBrowser, openPage } from './browser.mjs';
import { BINARY, fs, os, path, plimsoll, zlib } from './lib.mjs';
import { makeScene } from './scene.mjs';
import { THEMES, inTerminal, pageOf } from './terminal.mjs';

const [folder, ...wanted] = process.argv.slice(2);
const wants = (what) => wanted.length === 0 || wanted.includes(what);
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'screens-'));
fs.mkdirSync(folder, { recursive: true });
const scene = makeScene(root);
const browser = await openBrowser();

// A picture of text has few colours: as many as a palette holds, and nothing filtered, is a third of the bytes.
async function save(name, png) {
  const page = await browser.newPage();
  const { width, height, base64 } = await page.evaluate(async (data) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const bytes = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    let text = '';
    for (let i = 0; i < bytes.length; i += 30000) text += String.fromCharCode(...bytes.subarray(i, i + 30000));
    return { width: bitmap.width, height: bitmap.height, base64: btoa(text) };
  }, png.toString('base64'));
  await page.close();
  fs.writeFileSync(path.join(folder, `${name}.png`), indexed(width, height, Buffer.from(base64, 'base64')));
}

function indexed(width, height, rgba) {
  const key = (i) => (rgba[i] >> 4 << 8) | (rgba[i + 1] >> 4 << 4) | (rgba[i + 2] >> 4);
  const seen = new Map();
  for (let i = 0; i < rgba.length; i += 4) {
    const entry = seen.get(key(i)) ?? { n: 0, exact: new Map() };
    const exact = rgba.readUIntBE(i, 3);
    entry.n++;
    entry.exact.set(exact, (entry.exact.get(exact) ?? 0) + 1);
    seen.set(key(i), entry);
  }
  const colours = [...seen].sort((a, b) => b[1].n - a[1].n).slice(0, 256)
    .map(([k, e]) => ({ k, rgb: [...e.exact].sort((a, b) => b[1] - a[1])[0][0] }));
  const index = new Map(colours.map((c, i) => [c.k, i]));
  const nearest = (i) => {
    let best = 0, least = Infinity;
    colours.forEach(({ rgb }, c) => {
      const d = (rgba[i] - (rgb >> 16)) ** 2 + (rgba[i + 1] - (rgb >> 8 & 255)) ** 2 + (rgba[i + 2] - (rgb & 255)) ** 2;
      if (d < least) [best, least] = [c, d];
    });
    return best;
  };
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = 4 * (y * width + x), k = key(i);
      if (!index.has(k)) index.set(k, nearest(i));
      rows[y * (width + 1) + 1 + x] = index.get(k);
    }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(data.length + 12);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(zlib.crc32(body), data.length + 8);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  const palette = Buffer.concat(colours.map(({ rgb }) => Buffer.from([rgb >> 16, rgb >> 8 & 255, rgb & 255])));
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('PLTE', palette), chunk('IDAT', zlib.deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}

async function terminal(name, columns, theme, args = []) {
  const { text } = inTerminal(BINARY, ['scan', 'oci:shop:1.4', '--db', scene.db, '--quiet', ...args], { columns, cwd: root });
  const file = path.join(root, 'terminal.html');
  fs.writeFileSync(file, pageOf(text, columns, THEMES[theme]));
  const page = await openPage(browser, file, { viewport: { width: 400, height: 300 } });
  await save(name, await page.locator('pre').screenshot());
  await page.context().close();
}

async function report(file, name, options, act = async () => {}) {
  const page = await openPage(browser, file, options);
  await act(page);
  await save(name, await page.screenshot());
  await page.context().close();
}

if (wants('terminal'))
  for (const [columns, theme] of [[80, 'light'], [80, 'dark'], [200, 'light'], [200, 'dark']])
    await terminal(`terminal-${columns}-${theme}`, columns, theme);

if (wants('page')) {
  const file = path.join(root, 'report.html');
  plimsoll(['scan', 'oci:shop:1.4', '--db', scene.db, '--quiet', '--format', 'html', '-o', file], { cwd: root });
  const desktop = { viewport: { width: 1100, height: 900 } };
  await report(file, 'page-desktop', desktop);
  await report(file, 'page-dark', { ...desktop, colorScheme: 'dark' });
  await report(file, 'page-narrow', { viewport: { width: 360, height: 900 } });
  await report(file, 'page-findings', { viewport: { width: 1100, height: 700 } }, async (page) => {
    await page.evaluate(() => { document.querySelector('.f').open = true; document.getElementById('filter').scrollIntoView(); });
  });
  const printed = await openPage(browser, file);
  await printed.pdf({ path: path.join(root, 'report.pdf'), format: 'A4', margin: { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' } });
  await printed.context().close();
  await report(file, 'page-print', { viewport: { width: 794, height: 1100 } }, (page) => page.emulateMedia({ media: 'print' }));
  console.log(`${path.join(root, 'report.pdf')}: ${fs.statSync(path.join(root, 'report.pdf')).size} bytes`);
}
await browser.close();
fs.rmSync(root, { recursive: true, force: true });
