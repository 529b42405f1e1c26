#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""A crew of real workers whose roles call each other, while workers and the broker are killed."""

import os
import signal
import subprocess
import sys
import unittest

from palaverd import BUILD, BrokerTest, route, wait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Service `front` calls `research`, once and for all: in a step. What is begun stands in a file; a message that begins
# with a word waits for a file of that name.
CREW = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
import palaver
folder, service = sys.argv[3:5]

def note(what):
    with open(os.path.join(folder, 'notes'), 'a') as file:
        file.write(what + chr(10))

def wait_for(name):
    until = time.monotonic() + 60
    while not os.path.exists(os.path.join(folder, name)) and time.monotonic() < until:
        time.sleep(0.01)

def answer(job):
    note(service)
    gate = job.text.split()[0]
    if service == 'research':
        assert job.service == 'research' and not job.trial and job.session_id == 'web_1'
        wait_for('research ' + gate)
        return 'rates'
    rates = job.step('research', lambda: job.call('research', job.text)['response_text'].encode()).decode()
    note('saved')
    wait_for('front ' + gate)
    return 'with ' + rates

palaver.main(palaver.Worker(endpoint=sys.argv[2], services=[service], name=service), answer)
"""


class Calls(BrokerTest):
    def setUp(self):
        self.place = self.folder()
        self.service = broker = self.broker({'routes': [route(service='front')], 'agents.deadline_ms': 60000})
        self.endpoint = f'ipc://{broker.run}/agents.ipc'
        self.adapter = broker.adapter()

    def crew(self, service):
        child = subprocess.Popen([sys.executable, '-c', CREW, f'{TOP}/agents/sdk', self.endpoint, self.place, service],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        return child

    def open(self, *gates):
        for gate in gates:
            with open(os.path.join(self.place, gate), 'w', encoding='utf-8'):
                pass

    def begun(self, what, times):
        def look():
            if not os.path.exists(os.path.join(self.place, 'notes')):
                return False
            with open(os.path.join(self.place, 'notes'), encoding='utf-8') as file:
                return file.read().splitlines().count(what) >= times
        wait(look, f'{what} has begun {times} times')

    def count(self, what):
        with open(os.path.join(self.place, 'notes'), encoding='utf-8') as file:
            return file.read().splitlines().count(what)

    def answered(self):
        self.assertEqual(self.deliver(self.adapter)['response_text'], 'with rates')
        wait(lambda: self.service.ask('status')['counts']['pending_events'] == 0, 'the end')
        counts = self.service.ask('status')['counts']
        self.assertEqual((counts['calls'], counts['leases'], counts['dead']), (0, 0, 0))

    def ask(self):
        self.adapter.publish('wait a moment', session='1')
        self.adapter.expect('STORED')

    def test_a_role_calls_another(self):
        self.open('research wait', 'front wait')
        self.crew('front'), self.crew('research')
        self.ask()
        self.answered()
        self.assertEqual((self.count('front'), self.count('research')), (1, 1))

    def test_the_one_that_is_called_dies(self):
        self.crew('front')
        first = self.crew('research')
        self.ask()
        self.begun('research', 1)
        first.kill()
        self.open('research wait', 'front wait')
        self.crew('research')
        self.answered()
        self.assertEqual((self.count('front'), self.count('research')), (1, 2))

    def test_the_broker_is_killed_during_a_call(self):
        self.crew('front'), self.crew('research')
        self.ask()
        self.begun('research', 1)
        self.service.restart(crash=True)
        self.open('research wait', 'front wait')
        self.adapter = self.service.adapter()
        self.answered()
        self.assertEqual(self.count('front'), 1)    # the job went on

    def test_what_is_saved_is_not_asked_again(self):
        front = self.crew('front')
        self.crew('research')
        self.open('research wait')
        self.ask()
        self.begun('saved', 1)
        self.service.restart(crash=True)
        self.adapter = self.service.adapter()
        wait(lambda: self.service.ask('status')['counts']['leases'] == 1, 'the job is claimed')
        front.kill()
        self.open('front wait')
        self.crew('front')
        self.answered()
        self.assertEqual(self.count('research'), 1)

    def caller(self, *command):
        """A broker, and a worker that does what messages say: see test/wire/worker.py."""
        broker = self.broker({'routes': [route(service='one')]})
        self.service, self.adapter = broker, broker.adapter()
        self.endpoint = f'ipc://{broker.run}/agents.ipc'
        child = subprocess.Popen([*command, '1', '1', '0'], stdin=subprocess.DEVNULL,
                                 env={**os.environ, 'PALAVER_AGENTS': self.endpoint}, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.send_signal(signal.SIGKILL), child.wait()))

    def test_a_call_is_ended_and_its_job_goes_on(self):
        python = ['/usr/bin/python3', f'{TOP}/test/wire/worker.py']
        for command in ([f'{BUILD}/test/wire/worker'], python, [*python, '--async']):
            with self.subTest(command):
                self.place = self.folder()
                self.caller(*command)
                self.crew('research')
                self.adapter.publish('hangup research slow', session='1')
                self.adapter.expect('STORED')
                self.service.wait_metric('calls{kind="call"}', 2)   # the first one is over
                self.open('research slow')
                self.assertEqual(self.deliver(self.adapter)['response_text'], 'cancelled, they said rates')
                wait(lambda: self.service.ask('status')['counts']['pending_events'] == 0, 'the end')
                counts = self.service.ask('status')['counts']
                self.assertEqual((counts['calls'], counts['leases'], counts['dead']), (0, 0, 0))

    def test_a_caller_in_c(self):
        self.caller(f'{BUILD}/test/wire/worker')
        self.open('research rates')
        self.crew('research')
        self.adapter.publish('ask', session='1')
        self.adapter.expect('STORED')
        self.assertEqual(self.deliver(self.adapter)['response_text'], 'rates')


if __name__ == '__main__':
    unittest.main()
