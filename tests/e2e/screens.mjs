// SPDX-License-Identifier: Apache-2.0
// screens.mjs - terminal and page as pictures, of the scene that has all there is to show.
import { BINARY, fs, os, path, run } from './lib.mjs';
import { inTerminal, pageOf } from './terminal.mjs';
import { makeScene } from './scene.mjs';
import { openBrowser } from './browser.mjs';

const folder = process.argv[2];
const THEMES = {
  dark: { background: '#15181e', text: '#d7dae0', colours: ['#3b4048', '#f2777a', '#7fca7f', '#e8c26b', '#6ea8fe', '#c58af9', '#5fc7d0', '#ffffff'] },
  light: { background: '#ffffff', text: '#24292f', colours: ['#000000', '#b3261e', '#1f7a33', '#8a6100', '#1f5fbf', '#7a35b5', '#0f6f79', '#6b7280'] },
};

async function shoot(browser, html, file, size) {
  const context = await browser.newContext({ viewport: size, colorScheme: size.scheme, deviceScaleFactor: 1 });
  const page = await context.newPage();
  await (html.startsWith('file:') ? page.goto(html) : page.setContent(html));
  const target = html.startsWith('file:') ? page : page.locator('pre');
  await target.screenshot({ path: path.join(folder, file), ...(html.startsWith('file:') ? { fullPage: size.whole ?? false } : {}) });
  await context.close();
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'plimsoll-screens-'));
try {
  fs.mkdirSync(folder, { recursive: true });
  const scene = makeScene(dir);
  const browser = await openBrowser();
  for (const columns of [80, 200])
    for (const [name, theme] of Object.entries(THEMES)) {
      const { text } = inTerminal(BINARY, ['scan', 'oci:shop:1.4', '--db', scene.db, '--quiet'], { columns, rows: 120, cwd: dir });
      await shoot(browser, pageOf(text, columns, theme), `table-${columns}-${name}.png`, { width: columns * 9 + 60, height: 900 });
    }
  const report = path.join(dir, 'report.html');
  if (run(BINARY, ['scan', scene.ref, '--db', scene.db, '--format', 'html', '-o', report, '--quiet']).code === 0) {
    for (const scheme of ['light', 'dark'])
      await shoot(browser, `file://${report}`, `page-${scheme}.png`, { width: 1100, height: 1000, scheme });
    await shoot(browser, `file://${report}`, 'page-narrow.png', { width: 420, height: 900, scheme: 'light' });
  }
  await browser.close();
} finally {
  fs.rmSync(dir, { recursive: true, force: true });
}
