#!/usr/bin/python3
# RUN: timeout=300 variants=release label=slow alone
"""tools/quickstart: the demo answers, a second start is quick and remembers, Ctrl-C leaves nothing behind."""

import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import BUILD  # noqa: E402
from ports import free_port  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS_OF_SECOND_START = 3


def running(folder):
    """Processes that name this data folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                line = file.read().replace(b'\0', b' ').decode(errors='replace')
        except OSError:
            continue
        if folder in line and int(pid) != os.getpid():
            found.append(line)
    return found


class Terminal:
    """The command on a terminal of its own, as a person runs it."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(TOP)
            os.execv(command[0], command)
        self.output = ''

    def read_until(self, text, seconds):
        deadline = time.monotonic() + seconds
        while text not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f'no "{text}" within {seconds} s in:\n{self.output}')
            try:
                self.output += os.read(self.fd, 65536).decode(errors='replace')
            except OSError:
                raise AssertionError(f'it ended before "{text}":\n{self.output}') from None

    def press_ctrl_c(self):
        os.write(self.fd, b'\x03')

    def wait(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.output += os.read(self.fd, 65536).decode(errors='replace')
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f'no end within {seconds} s:\n{self.output}')

    def end(self):
        """Whatever went wrong: nothing stays. Its children end with it."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


class Quickstart(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix='q')
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        self.port = free_port()
        self.command = [f'{TOP}/tools/quickstart', '--yes', '--data', self.data, '--port', str(self.port)]

    def run_it(self, *options, **more):
        return subprocess.run([f'{TOP}/tools/quickstart', '--yes', *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=240, check=False, **more)

    def demo(self):
        return self.run_it('--data', self.data, '--port', str(self.port), '--demo')

    def test_the_demo_answers_and_ends(self):
        folder, name = os.path.split(self.data)
        done = self.run_it('--data', name, '--port', str(self.port), '--demo', cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f'Everything is kept in {self.data}.', done.stdout)
        self.assertEqual(done.stdout.count('You: '), done.stdout.count('Palaver: '))
        self.assertGreaterEqual(done.stdout.count('Palaver: '), 3, done.stdout)
        self.assertEqual(running(self.data), [])

    def test_a_second_start_is_quick_and_remembers_and_ctrl_c_ends_it(self):
        self.assertEqual(self.demo().returncode, 0)
        begun = time.monotonic()
        terminal = Terminal(*self.command)
        self.addCleanup(terminal.end)
        terminal.read_until('Ctrl-C stops it', 30)
        self.assertLess(time.monotonic() - begun, SECONDS_OF_SECOND_START)
        # The demo's session knows since the first start that the money is for ten years.
        question = {'session_id': 'demo', 'user_id': 'demo', 'message_text': 'Which bond funds suit me?'}
        answer = subprocess.run(['curl', '-fsS', f'http://127.0.0.1:{self.port}/chat/message', '-H',
                                 'Content-Type: application/json', '-d', json.dumps(question)],
                                capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertIn('10 years', json.loads(answer)['response_text'])
        self.assertTrue(json.loads(answer)['recommendations'])
        terminal.press_ctrl_c()
        self.assertEqual(terminal.wait(20), 0, terminal.output)
        self.assertEqual(running(self.data), [])

    def advisors(self):
        """The pids of those that are ready."""
        listed = subprocess.run([f'{BUILD}/bin/palaver', 'agents', 'list', '--run', f'{self.data}/run'], timeout=30,
                                capture_output=True, text=True, check=False).stdout
        return {agent['pid'] for agent in map(json.loads, listed.splitlines()) if agent['state'] == 'ready'}

    def two_others(self, than, terminal):
        deadline = time.monotonic() + 30
        while len(found := self.advisors()) != 2 or found & than:
            self.assertLess(time.monotonic(), deadline, (found, than, terminal.output))
            time.sleep(0.1)
        return found

    def test_workers_that_die_together_are_both_replaced(self):
        self.assertEqual(self.demo().returncode, 0)
        terminal = Terminal(*self.command)
        self.addCleanup(terminal.end)
        terminal.read_until('Ctrl-C stops it', 30)
        pids = self.two_others(set(), terminal)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        self.two_others(pids, terminal)
        terminal.press_ctrl_c()
        self.assertEqual(terminal.wait(20), 0, terminal.output)

    def test_what_makes_no_sense_is_said_before_anything_is_built(self):
        for options, words in ((['--port', 'abc'], '--port needs a number from 1 to 65535'),
                               (['--port', '65536'], '65535'), (['--port'], '65535'),
                               (['--data'], '--data needs a directory'), (['-x'], '-x: what is')):
            done = self.run_it(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ''))
            self.assertIn(words, done.stderr)
        done = self.run_it('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('--data DIR', done.stdout)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as other:
            other.bind(('127.0.0.1', self.port))
            other.listen()
            done = self.demo()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'port {self.port} is in use', done.stderr)
        self.assertEqual(running(self.data), [])


if __name__ == '__main__':
    unittest.main()
