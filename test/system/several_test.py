#!/usr/bin/python3
# RUN: timeout=120 variants=debug,release,asan
"""One worker process works for two brokers: neither disturbs the other, be it killed, away, or back."""

import os
import signal
import subprocess
import unittest

from palaverd import BUILD, BrokerTest, route, wait
from patience import TOP

PYTHON = ['/usr/bin/python3', f'{TOP}/test/wire/worker.py']


class Several(BrokerTest):
    """The worker does what a message says, for each broker with two threads and a credit of four."""

    def begin(self, command):
        conf = {'routes': [route(service='one')], 'agents.deadline_ms': 60000}
        self.first, self.second = self.broker(conf), self.broker(conf)
        self.at_first, self.at_second = self.first.adapter(), self.second.adapter()
        endpoints = ' '.join(f'ipc://{broker.run}/agents.ipc' for broker in (self.first, self.second))
        self.said = open(os.path.join(self.folder(), 'said'), 'a+', encoding='utf-8')
        self.addCleanup(self.said.close)
        self.worker = subprocess.Popen([*command, '2', '4', '0'], env={**os.environ, 'PALAVER_AGENTS': endpoints},
                                       stdin=subprocess.DEVNULL, stderr=self.said)
        self.addCleanup(self.end_worker)
        for broker in (self.first, self.second):
            self.here(broker)

    def end_worker(self):
        self.worker.kill()
        self.worker.wait()

    def here(self, broker, count=1):
        wait(lambda: len(broker.ask('agents.list')['items']) == count, f'{count} workers at {broker.run}')

    def text(self):
        self.said.seek(0)
        return self.said.read()

    def answers(self, adapter, *texts):
        """What comes back for messages of as many sessions, in any order."""
        for text in texts:
            adapter.publish(text, session=text)
        adapter.stored(len(texts))
        return sorted(self.deliver(adapter)['response_text'] for _ in texts)

    def both_answer(self, what):
        numbers = [f'{what} {number}' for number in range(5)]
        for adapter, name in ((self.at_first, 'first'), (self.at_second, 'second')):
            self.assertEqual(self.answers(adapter, *(f'echo {name} {one}' for one in numbers)),
                             [f'{name} {one}' for one in numbers], self.text())

    def at_work(self, *adapters):
        """A handler is at work for each of them, until the gate is opened that is returned."""
        gate, before = os.path.join(self.folder(), 'gate'), self.text().count('at work')
        for adapter in adapters:
            adapter.publish(f'hold {gate}', session='long')
            adapter.stored()
        wait(lambda: self.text().count('at work') == before + len(adapters), 'the handlers are at work')
        return lambda: open(gate, 'w').close()

    def one_dies_and_comes_back(self):
        open_gate = self.at_work(self.at_first)
        self.first.kill()
        for number in range(20):
            self.assertEqual(self.answers(self.at_second, f'echo meanwhile {number}'), [f'meanwhile {number}'])
        self.assertEqual(self.second.dead(), [])
        self.first.start()
        self.at_first.hello()
        self.here(self.first)
        open_gate()
        self.assertEqual(self.deliver(self.at_first)['response_text'], 'held', self.text())

    def a_signal_drains_both(self):
        open_gate = self.at_work(self.at_first, self.at_second)
        self.worker.send_signal(signal.SIGTERM)
        open_gate()
        for adapter in (self.at_first, self.at_second):
            self.assertEqual(self.deliver(adapter)['response_text'], 'held')
        wait(lambda: self.worker.poll() is not None, 'the worker leaves')
        self.assertEqual(self.worker.returncode, 0, self.text())
        for broker, adapter in ((self.first, self.at_first), (self.second, self.at_second)):
            self.here(broker, 0)
            counts = broker.ask('status')['counts']
            self.assertEqual((counts['leases'], counts['dead']), (0, 0))
            adapter.quiet('DELIVER', 0)

    def story(self, command):
        self.begin(command)
        self.both_answer('before')
        self.one_dies_and_comes_back()
        self.both_answer('after')
        self.a_signal_drains_both()

    def test_a_worker_in_c(self):
        self.story([f'{BUILD}/test/wire/worker'])

    def test_a_worker_in_python(self):
        self.story(PYTHON)

    def test_a_worker_in_python_with_asyncio(self):
        self.story([*PYTHON, '--async'])


if __name__ == '__main__':
    unittest.main()
