#!/usr/bin/python3
# RUN: timeout=600 alone label=slow variants=release
"""One adapter that crashes every second does not move another adapter's p99 by more than 20 %.

Windows with and without the crashing one take turns, so that what else happens on the machine falls on both alike; what
is compared is the median of the windows' p99. In each second it is started once and crashes once: left to its backoff
it would crash two or three times in some seconds and not at all in others. A minute of it with CHECK_MODE=nightly.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, 'test', 'system'))
from palaverd import BUILD, BrokerTest, route, wait  # noqa: E402

NIGHTLY = os.environ.get('CHECK_MODE') == 'nightly'
WINDOWS, WINDOW_S = (12, 5.0) if NIGHTLY else (5, 4.0)
PAUSE_S = 0.003
MOVES_MOST = 1.20
# Two windows of the same kind differ by this much on a quiet machine.
NOISE_S = 0.0005
ATTEMPTS = 3
# From its start to the end of that try: it crashes after 0.1 s, and its backoff begins with at least 0.19 s after that.
STOP_S = 0.25


class Neighbour(BrokerTest):
    def start(self):
        folder = self.folder()
        self.dir = f'{folder}/plugins'
        os.mkdir(self.dir, 0o755)
        shutil.copy(f'{BUILD}/plugins/loopback.so', self.dir)
        self.bad = f'{folder}/bad.so'
        subprocess.run(['cc', '-std=c11', '-D_GNU_SOURCE', '-fPIC', '-shared', '-x', 'c', '-I', f'{TOP}/plugins',
                        f'{HERE}/live_plugin.txt', '-o', self.bad], check=True)
        self.one = self.broker({
            'plugins.dir': self.dir, 'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()],
            'log.level': 'info', 'adapters': {'loopback': {'path': f'{folder}/its.sock'}, 'bad': {'does': 'crash'}}})
        echo = subprocess.Popen([f'{BUILD}/bin/palaver-echo', '--endpoint', f'ipc://{self.one.run}/agents.ipc',
                                 '--services', 'advisor'], stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (echo.kill(), echo.wait()))
        wait(lambda: os.path.exists(f'{folder}/its.sock'), 'the adapter')
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(f'{folder}/its.sock')
        self.addCleanup(self.line.close)
        self.text = self.line.makefile('r')
        self.number = 0
        for _ in range(200):
            self.round_trip()

    def round_trip(self):
        self.number += 1
        line = {'conversation': 'c', 'user_id': 'u', 'message_text': str(self.number), 'platform_id': str(self.number)}
        begun = time.perf_counter()
        self.line.sendall((json.dumps(line) + '\n').encode())
        while 'response_text' not in self.text.readline():
            continue
        return time.perf_counter() - begun

    def hosts(self):
        return {host['name']: host for host in self.one.ask('adapters.hosts')['items']}

    def window(self, crashes):
        """The p99 of a window; with `crashes`, the other plugin crashes in each second of it."""
        begun = time.monotonic()
        due = [(second + after, verb) for second in range(int(WINDOW_S) if crashes else 0)
               for after, verb in ((0.0, 'adapters.reload'), (STOP_S, 'adapters.stop'))]
        times = []
        while time.monotonic() < begun + WINDOW_S:
            times.append(self.round_trip())
            if due and time.monotonic() >= begun + due[0][0]:
                self.one.ask(due.pop(0)[1], name='bad')
            time.sleep(PAUSE_S)
        times.sort()
        return times[len(times) * 99 // 100]

    def compare(self):
        shutil.copy(self.bad, f'{self.dir}/bad.so')
        wait(lambda: 'bad' in self.hosts(), 'the crashing one')
        p99 = {False: [], True: []}
        for number in range(2 * WINDOWS):
            crashes = number % 2 == 1
            if not crashes:
                self.one.ask('adapters.stop', name='bad')
                wait(lambda: self.hosts()['bad']['state'] == 'stopped', 'quiet')
            p99[crashes].append(self.window(crashes))
        quiet, loud = (statistics.median(p99[crashes]) for crashes in (False, True))
        print(f'p99 {quiet * 1e3:.2f} ms alone, {loud * 1e3:.2f} ms beside one that crashes', flush=True)
        return quiet, loud

    def test_p99_of_the_other_adapter(self):
        self.start()
        for _ in range(ATTEMPTS):
            quiet, loud = self.compare()
            if loud <= quiet * MOVES_MOST + NOISE_S:
                break
        else:
            self.fail(f'p99 {quiet * 1e3:.2f} ms alone, {loud * 1e3:.2f} ms beside one that crashes')
        exits = self.one.logged('adapter.exited', adapter='bad')
        self.assertGreaterEqual(len([line for line in exits if 'SIGSEGV' in line['status']]), WINDOWS * WINDOW_S * 0.9)
        self.assertEqual(self.hosts()['loopback']['restarts'], 0)


if __name__ == '__main__':
    unittest.main()
