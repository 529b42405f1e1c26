#!/usr/bin/python3
# RUN: timeout=300
"""Every example of the man page works as it is printed, in a folder of its own, on a broker with dead letters."""

import os
import re
import shlex
import signal
import subprocess
import unittest

from cli import PALAVER, SECONDS, SILENT, TOP, CliTest, wait
from palaverd import BUILD

# No adapter is configured here, doctor may well find that the machine lacks something, and no letter speaks of a
# casino: none was exported.
OTHER_ENDINGS = {'palaver adapters reload web': (3, 1), 'palaver doctor': (1,), 'palaver dead import': (1,)}


def examples():
    with open(f'{TOP}/tools/palaver/man/palaver.1', encoding='utf-8') as file:
        section = file.read().split('.SH EXAMPLES')[1].split('.SH')[0]
    return [line.replace('\\-', '-').replace('\\&', '').removeprefix('.B ') for line in section.splitlines()
            if re.match(r'(\.B )?palaver ', line)]


class Examples(CliTest):
    def test_each(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 3)
        self.echo(broker)
        lines = examples()
        self.assertGreater(len(lines), 10)
        for line in lines:
            here = line.replace('/etc/palaver/', f'{TOP}/conf/').replace('/var/', f'{folder}/var/')
            if line.startswith('palaver backup'):
                os.makedirs(f'{folder}/var/backups/palaver')
            env = {**self.environment(broker.run, {}), 'PATH': f'{BUILD}/bin:{os.environ["PATH"]}', 'USER': 'me'}
            words = [PALAVER, *shlex.split(here)[1:]]
            process = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
            try:
                if line.startswith('palaver tail'):
                    broker.wait_metric('tails', 1)
                    process.send_signal(signal.SIGINT)
                wait(lambda one=process: one.poll() is not None, line, 6 * SECONDS)
            finally:
                process.kill()
                out = process.communicate()[0]
            allowed = {0}.union(*(codes for begin, codes in OTHER_ENDINGS.items() if line.startswith(begin)))
            if '--text casino' in line or line.endswith('--all --yes') or ' list --' in line \
                    or line.startswith('palaver events discard'):
                allowed.add(3)  # nothing is left to do, or none is like it here
            if ' stats ' in line and broker.try_ask('dead.stats')[0] != 'ok':
                allowed.add(1)
            self.assertIn(process.returncode, allowed, f'{line}\n{out}')


if __name__ == '__main__':
    unittest.main()
