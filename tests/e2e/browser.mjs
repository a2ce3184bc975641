// SPDX-License-Identifier: Apache-2.0
// browser.mjs - Debian's chromium, without any way out: every request is seen, and none but the file's may be made.
import { chromium } from 'playwright-core';
import { fs } from './lib.mjs';

const EXECUTABLE = '/usr/bin/chromium';
/** The reason to skip, or false. */
export const noBrowser = () => (fs.existsSync(EXECUTABLE) ? false : 'skipped: no chromium (scripts/deps test installs it)');

export async function openBrowser(t) {
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  t?.after(() => browser.close());
  return browser;
}

/** A page that shows @file; page.requests and page.errors tell what it did beside. */
export async function openPage(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: false, ...options });
  const page = await context.newPage();
  page.requests = [];
  page.errors = [];
  await context.route('**/*', (route) => {
    const url = route.request().url();
    page.requests.push(url);
    return url === `file://${file}` ? route.continue() : route.abort();
  });
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && page.errors.push(m.text()));
  page.on('pageerror', (e) => page.errors.push(e.message));
  page.on('dialog', (d) => {
    page.errors.push(`dialog: ${d.message()}`);
    d.dismiss();
  });
  await page.goto(`file://${file}`);
  return page;
}
