#!/usr/bin/python3
# RUN: timeout=900 variants=release label=slow
"""The commands of README.md work as pasted, in order, and print what the README says (lines that begin with #>).

They run in a home folder of their own, in a copy of the files that git knows, and on a free port.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ports import free_port  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# A check inside a check would not end.
LEFT_OUT = ('tools/check',)


def blocks(text):
    """(beside, script, expected) of each ```sh block; `beside`: it goes on while the others run."""
    for found in re.finditer(r'(<!-- in another terminal -->\n)?```sh\n(.*?)```', text, re.S):
        lines = found[2].splitlines(keepends=True)
        yield (found[1] is not None, ''.join(line for line in lines if not line.startswith(('#>', *LEFT_OUT))),
               [line[2:].strip() for line in lines if line.startswith('#>')])


class Readme(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix='h')
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.port = free_port()
        self.log = os.path.join(self.home, 'log')
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(('XDG_', 'PALAVER_'))}
        self.environment.update(HOME=self.home, BASH_ENV='/dev/null')
        self.tree = os.path.join(self.home, 'palaver')
        listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=TOP,
                                capture_output=True, check=True).stdout.decode().split('\0')
        for path in filter(None, listed):
            if os.path.isfile(os.path.join(TOP, path)):
                os.makedirs(os.path.join(self.tree, os.path.dirname(path)), exist_ok=True)
                shutil.copy2(os.path.join(TOP, path), os.path.join(self.tree, path))
        # What is built already need not be built again.
        shutil.copytree(os.path.join(TOP, 'build', 'release'), os.path.join(self.tree, 'build', 'release'),
                        symlinks=True, ignore=shutil.ignore_patterns('test', 'found'))

    def adapted(self, script):
        script = script.replace(':8080', f':{self.port}')
        return re.sub(r'^tools/quickstart\b', f'tools/quickstart --yes --port {self.port}', script, flags=re.M)

    def start(self, script):
        with open(self.log, 'wb') as log:
            child = subprocess.Popen(['bash', '-c', 'exec ' + script], cwd=self.tree, env=self.environment,
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        self.addCleanup(self.stop, child)
        deadline = time.monotonic() + 60
        while 'Ctrl-C stops it' not in self.logged():
            self.assertIsNone(child.poll(), self.logged())
            self.assertLess(time.monotonic(), deadline, self.logged())
            time.sleep(0.05)

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def logged(self):
        with open(self.log, errors='replace') as log:
            return log.read()

    def run_block(self, script, expected):
        # What a block leaves running in the background ends with it.
        done = subprocess.run(['bash', '-euc', 'trap \'kill $(jobs -p) 2>/dev/null || true\' EXIT\n' + script],
                              cwd=self.tree, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=600, check=False)
        self.assertEqual(done.returncode, 0, f'{script}\n{done.stdout}\n{done.stderr}')
        for words in expected:
            self.assertIn(words, done.stdout, script + done.stderr)

    def test_a_worker_is_short(self):
        with open(os.path.join(TOP, 'README.md')) as readme:
            text = readme.read()
        for name, most in (('hello.py', 10), ('hello.c', 30)):
            program = re.search(rf"cat >{re.escape(name)} <<'END'\n(.*?)^END$", text, re.S | re.M)
            self.assertIsNotNone(program, name)
            self.assertLessEqual(len(program[1].splitlines()), most, name)

    def test_the_commands_work_as_pasted(self):
        with open(os.path.join(TOP, 'README.md')) as readme:
            found = list(blocks(readme.read()))
        self.assertGreaterEqual(sum(bool(expected) for _, _, expected in found), 3)
        for beside, script, expected in found:
            if beside:
                self.start(self.adapted(script).strip())
            else:
                self.run_block(self.adapted(script), expected)


if __name__ == '__main__':
    unittest.main()
