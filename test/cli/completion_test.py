#!/usr/bin/python3
"""What the shells offer is what there is. They are the real ones; one that is not installed is left out."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from cli import SECONDS, TOP

FOLDER = f'{TOP}/tools/palaver/completion'
VERBS = {'list', 'show', 'stats', 'replay', 'discard', 'export', 'import'}
SHOW = '\x07'  # Ctrl-G writes the line as it is
READY = 'rea%s' % 'dy'  # what is typed must not look like it


def read_until(terminal, pattern):
    seen, deadline = '', time.monotonic() + SECONDS
    while not (found := re.search(pattern, seen)):
        if not select.select([terminal], [], [], deadline - time.monotonic())[0]:
            raise AssertionError(f'no {pattern} within {SECONDS} s: {seen}')
        seen += os.read(terminal, 65536).decode(errors='replace')
    return found[1]


class OnTerminal(unittest.TestCase):
    """An interactive shell in an empty directory."""

    def start(self, setup, *shell):
        self.here = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.here)
        child, self.terminal = pty.fork()
        if child == 0:
            os.chdir(self.here)
            os.execvpe(shell[0], shell, {'PATH': os.environ['PATH'], 'HOME': self.here, 'TERM': 'dumb'})
        self.addCleanup(os.close, self.terminal)
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        os.write(self.terminal, f'{setup}; printf "rea%s\\n" dy\n'.encode())
        read_until(self.terminal, f'({READY})\r?\n')

    def typed(self, line):
        """The line when Tab is pressed at its end."""
        os.write(self.terminal, f'{line}\t{SHOW}'.encode())
        told = read_until(self.terminal, r'\{([^{}]*)\}\r?\n')
        os.write(self.terminal, b'\x15')  # and away with it
        return told

    def check_what_all_shells_do(self):
        for folder in ('way', 'a folder'):
            os.mkdir(f'{self.here}/{folder}')
        for name in ('way/letters.jsonl', 'new plan'):
            with open(f'{self.here}/{name}', 'w'):
                pass
        for line, whole in (
                ('palaver dea', 'palaver dead '),
                ('palaver dead imp', 'palaver dead import '),
                ('palaver status --ver', 'palaver status --version '),
                ('palaver --ver', 'palaver --version '),
                ('palaver dead --ver', 'palaver dead --version '),
                ('palaver dead replay 12 --allow', 'palaver dead replay 12 --allow-duplicates '),
                ('palaver --run way sessions unp', 'palaver --run way sessions unpark '),
                ('palaver sessions -n 5 unp', 'palaver sessions -n 5 unpark '),
                ('palaver --run wa', 'palaver --run way/'),
                ('palaver backup wa', 'palaver backup way/'),
                ('palaver backup a', r'palaver backup a\ folder/'),
                ('palaver dead replay --plan new', r'palaver dead replay --plan new\ plan '),
                ('palaver dead import way/le', 'palaver dead import way/letters.jsonl '),
                ('palaver status --yes', 'palaver status --yes'),
                ('palaver dead list --limit wa', 'palaver dead list --limit wa'),
                ('palaver gen', 'palaver gen')):
            with self.subTest(line):
                self.assertEqual(self.typed(line), whole)


class Bash(OnTerminal):
    def test_on_a_terminal(self):
        self.start(f'source {FOLDER}/palaver; '
                   '''bind -x '"\\C-g": printf "{%s}\\n" "$READLINE_LINE"' ''', 'bash', '--norc', '-i')
        self.check_what_all_shells_do()
        self.assertEqual(self.typed('palaver status --run=wa'), 'palaver status --run=way/')
        self.assertEqual(self.typed('palaver --run=way sessions unp'), 'palaver --run=way sessions unpark ')

    def offers(self, *words):
        script = f'source {FOLDER}/palaver; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _palaver; ' \
                 'printf "%s\\n" "${COMPREPLY[@]}"'
        return set(subprocess.run(['bash', '-c', script, 'bash', 'palaver', *words], timeout=SECONDS, check=True,
                                  stdout=subprocess.PIPE, text=True).stdout.split())

    def test_offers(self):
        self.assertEqual(self.offers('dead', ''), VERBS)
        self.assertEqual(self.offers('sessions', 're'), {'reset'})
        self.assertIn('status', self.offers(''))
        self.assertNotIn('generate', self.offers(''))

    def test_shellcheck_has_no_complaints(self):
        if not shutil.which('shellcheck'):
            self.skipTest('shellcheck is not installed')
        done = subprocess.run(['shellcheck', '-s', 'bash', f'{FOLDER}/palaver'], timeout=SECONDS, check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ''))


@unittest.skipUnless(shutil.which('zsh'), 'zsh is not installed')
class Zsh(OnTerminal):
    def test_on_a_terminal(self):
        self.start(f'fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -D -u; PS1=; setopt no_beep; '
                   '''show () { print -r -- "{$BUFFER}" }; zle -N show; bindkey '^G' show''', 'zsh', '-f', '-i')
        self.check_what_all_shells_do()
        self.assertEqual(self.typed('palaver status --run=wa'), 'palaver status --run=way/')
        self.assertEqual(self.typed('palaver --run=way sessions unp'), 'palaver --run=way sessions unpark ')


@unittest.skipUnless(shutil.which('fish'), 'fish is not installed')
class Fish(unittest.TestCase):
    def offers(self, line):
        """What fish offers at the end of the line."""
        script = f'source {FOLDER}/palaver.fish; complete -C "$argv[1]"'
        done = subprocess.run(['fish', '--no-config', '-c', script, line], timeout=SECONDS, check=True,
                              capture_output=True, text=True)
        return {offer.split('\t')[0] for offer in done.stdout.splitlines()}

    def test_offers(self):
        self.assertEqual(self.offers('palaver dea'), {'dead'})
        self.assertEqual(self.offers('palaver dead '), VERBS)
        self.assertEqual(self.offers('palaver --run /x sessions re'), {'reset'})
        self.assertEqual(self.offers('palaver dead replay 12 --allow'), {'--allow-duplicates'})
        self.assertEqual(self.offers('palaver --js'), {'--json'})
        self.assertEqual(self.offers('palaver dead --js'), {'--json'})
        self.assertEqual(self.offers('palaver status --yes'), set())
        self.assertEqual(self.offers('palaver dead list --limit '), set())
        self.assertIn('/proc/', self.offers('palaver status --run /pro'))
        self.assertIn('/proc/', self.offers('palaver backup /pro'))
        self.assertEqual(self.offers(f'palaver dead import {TOP}/READ'), {f'{TOP}/README.md'})
        self.assertNotIn('generate', self.offers('palaver '))


if __name__ == '__main__':
    unittest.main()
