// SPDX-License-Identifier: Apache-2.0
// Completion in the real shells, and the pages for man(1) as mandoc reads them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { BINARY } from './lib.mjs';

let folder;
const env = { PATH: `${dirname(BINARY)}:${process.env.PATH}`, HOME: '/nonexistent', TERM: 'xterm', LC_ALL: 'C.UTF-8' };

before(() => {
    folder = mkdtempSync('/tmp/plimsoll-shell-');
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'images.tar'), '');
    writeFileSync(join(folder, 'other'), '');
});
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (program, args) => execFileSync(program, args, { cwd: folder, env, encoding: 'utf8' });

// What bash puts into COMPREPLY for a line, cut into words as readline does.
function bash(line) {
    const script = `source <(plimsoll completion bash)
        compopt() { :; }
        IFS=$'\\n' COMP_WORDS=(${line.split(/(?<=[=:])|(?=[=:])| /).map((w) => `'${w}'`).join(' ')})
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
        _plimsoll
        printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', ['-c', script]).split('\n').filter(Boolean).sort();
}

const fish = (line) => run('fish', ['--no-config', '-c', `plimsoll completion fish | source; complete -C '${line}'`])
    .split('\n').filter(Boolean).map((l) => l.split('\t')[0]).sort();

// zsh completes only where there is a line editor: one in a pseudo terminal, that prints what it adds.
function zsh(line) {
    const script = `zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z "autoload -Uz compinit; compinit -D -u; source <(plimsoll completion zsh)
            compadd() { local -a found; builtin compadd -O found \\"\\$@\\"; print -rl -- 'X:'\\\${^found} >> ${folder}/zsh.out; builtin compadd \\"\\$@\\"; }
            PS1=; bindkey '^I' complete-word; print READ''Y"
        zpty -r z seen '*READY*'
        zpty -w -n z $'${line}\\t'
        sleep 0.2; zpty -w z $'\\x15print DO''NE'; zpty -r z seen '*DONE*'
        cat ${folder}/zsh.out; rm -f ${folder}/zsh.out`;
    return run('zsh', ['-f', '-c', script]).split('\n').filter((l) => l.startsWith('X:')).map((l) => l.slice(2))
        .filter((w, i, all) => all.indexOf(w) === i).sort(); // _files adds in several goes
}

for (const [name, complete] of Object.entries({ bash, fish, zsh })) {
    test(`${name}: commands, options, values and paths`, () => {
        assert.deepEqual(complete('plimsoll sc'), ['scan']);
        assert.deepEqual(complete('plimsoll db ver'), ['verify']);
        assert.deepEqual(complete('plimsoll scan --ignore-'), ['--ignore-unfixed', '--ignore-unknown']);
        assert.deepEqual(complete('plimsoll db status --format '), ['json', 'table']);
        assert.deepEqual(complete('plimsoll scan --output oth').map((w) => w.replace(/ $/, '')), ['other']);
        assert.deepEqual(complete('plimsoll scan imag').map((w) => w.replace(/\/$/, '')).sort(), ['images', 'images.tar']);
    });
}
test('bash: behind an equals sign and a colon, where it cuts words', () => {
    assert.deepEqual(bash('plimsoll db status --format=j'), ['json']);
    assert.deepEqual(bash('plimsoll scan oci:imag'), ['images', 'images.tar']);
    assert.deepEqual(bash('plimsoll scan oc'), ['oci-archive:', 'oci:']);
});
test('fish and zsh: behind an equals sign and a colon, whole words', () => {
    assert.deepEqual(fish('plimsoll db status --format=j'), ['--format=json']);
    assert.deepEqual(fish('plimsoll scan oci:imag'), ['oci:images.tar', 'oci:images/']);
    assert.deepEqual(zsh('plimsoll db status --format=j'), ['--format=json']);
    assert.deepEqual(zsh('plimsoll scan oci:imag').map((w) => w.replace(/\/$/, '')), ['images', 'images.tar']);
});

test('pages for man(1): every command has one, and mandoc finds nothing to say', () => {
    const pages = join(folder, 'man');
    mkdirSync(pages);
    run('plimsoll', ['help', '--man', pages]);
    const names = run('ls', [pages]).trim().split('\n');
    for (const name of ['plimsoll.1', 'plimsoll-scan.1', 'plimsoll-db-update.1', 'plimsoll-completion.1'])
        assert.ok(names.includes(name), name);
    for (const name of names) {
        let said = '';
        try {
            said = run('mandoc', ['-Tlint', '-W', 'warning', join(pages, name)]);
        } catch (e) {
            said = e.stdout;
        }
        const lines = said.split('\n').filter((l) => l && !l.includes('missing date')); // none is known
        assert.deepEqual(lines, [], name);
    }
    const scan = run('mandoc', ['-Tascii', join(pages, 'plimsoll-scan.1')]).replace(/.\x08/g, '');
    assert.match(scan, /--fail-on SEVERITY/);
    assert.match(scan, /EXIT STATUS/);
});
