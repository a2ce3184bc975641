// SPDX-License-Identifier: Apache-2.0
// terminal.mjs - run a command in a terminal of given columns (script(1)), and read what it shows: cells wide and
// styled, as far as a report goes.  What no report may send (any other sequence) is an error.
import { spawnSync } from 'node:child_process';

const quote = (word) => `'${String(word).replaceAll("'", `'\\''`)}'`;

/** What @command writes to a terminal, bytes as they are. */
export function inTerminal(command, args, { columns = 80, rows = 50, env = {}, cwd } = {}) {
  const line = `stty cols ${columns} rows ${rows}; exec ${[command, ...args].map(quote).join(' ')}`;
  const r = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', maxBuffer: 1 << 28, cwd, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_CTYPE: 'C.UTF-8', TERM: 'xterm-256color', ...env } });
  if (r.error) throw r.error;
  return { code: r.status, text: r.stdout.replaceAll('\r\n', '\n') };
}

/** Lines of spans: [{ text, bold, dim, colour }]. */
export function spansOf(text) {
  let style = {};
  return text.replace(/\n$/, '').split('\n').map((line) =>
    line.split(/(\u001b\[[0-9;]*m)/).flatMap((part) => {
      const sgr = /^\u001b\[([0-9;]*)m$/.exec(part);
      if (!sgr) {
        // eslint-disable-next-line no-control-regex
        if (/[\u0000-\u001f\u007f-\u009f]/.test(part)) throw new Error(`a control character in ${JSON.stringify(part)}`);
        return part ? [{ text: part, ...style }] : [];
      }
      for (const code of sgr[1].split(';').map(Number)) {
        if (code === 0) style = {};
        else if (code === 1) style = { ...style, bold: true };
        else if (code === 2) style = { ...style, dim: true };
        else if (code >= 30 && code <= 37) style = { ...style, colour: code - 30 };
        else throw new Error(`a colour that no report uses: ${sgr[1]}`);
      }
      return [];
    }));
}

// UAX #11: East Asian wide and fullwidth, pictures.
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns of a text: wide and combining characters counted as a terminal does. */
export function columnsOf(text) {
  let n = 0;
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text))
    n += WIDE.test(segment) ? 2 : 1;
  return n;
}

/** The screen as a page: @theme { background, text, colours: eight }. */
export function pageOf(text, columns, theme) {
  const escape = (s) => s.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
  const lines = spansOf(text).map((spans) => spans.map((s) => {
    const css = [s.bold && 'font-weight:bold', s.dim && 'opacity:.65', s.colour !== undefined && `color:${theme.colours[s.colour]}`].filter(Boolean).join(';');
    return css ? `<span style="${css}">${escape(s.text)}</span>` : escape(s.text);
  }).join(''));
  return `<!DOCTYPE html><meta charset="utf-8"><style>body{margin:0;background:${theme.background}}pre{display:inline-block;margin:0;padding:12px;width:${columns}ch;` +
    `font:14px/1.35 "DejaVu Sans Mono",monospace;color:${theme.text};background:${theme.background}}</style><pre>${lines.join('\n')}</pre>`;
}

/** Palettes as terminals ship them: GNOME's, light and dark, and xterm's, the hardest one. */
export const THEMES = {
  light: { background: '#ffffff', text: '#1e1e1e', colours: ['#171421', '#c01c28', '#26a269', '#a2734c', '#12488b', '#a347ba', '#2aa1b3', '#d0cfcc'] },
  dark: { background: '#1e1e1e', text: '#f0f0f0', colours: ['#171421', '#ed333b', '#57e389', '#ffce51', '#62a0ea', '#c061cb', '#5bc8af', '#d0cfcc'] },
};
