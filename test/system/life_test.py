#!/usr/bin/python3
# RUN: timeout=120 variants=debug,release,asan
"""session.created and session.ended reach a real worker, and nobody else."""

import json
import os
import subprocess
import sys
import unittest

from palaverd import BrokerTest, route, wait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORKER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import palaver
def answer(job):
    kind = job.envelope['type']
    print(json.dumps([kind, job.session_id, job.body, len(job.history), job.state]), flush=True)
    if kind == 'session.created':
        job.set_state('greeted', True)
        return 'welcome' if job.session_id.endswith('polite') else ''
    return 'an answer' if kind == 'chat.message' else ''
palaver.main(palaver.Worker(endpoint=sys.argv[2], services=['advisor'], name='python'), answer)
"""
TYPES = ['chat.message', 'session.created', 'session.ended']


class Life(BrokerTest):
    def start(self, **conf):
        broker = self.broker({'routes': [route(types=TYPES)], **conf})
        self.seen = open(os.path.join(self.folder(), 'seen'), 'a+')
        self.addCleanup(self.seen.close)
        child = subprocess.Popen([sys.executable, '-c', WORKER, f'{TOP}/agents/sdk', f'ipc://{broker.run}/agents.ipc'],
                                 stdin=subprocess.DEVNULL, stdout=self.seen, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        wait(lambda: len(broker.ask('agents.list')['items']) == 1, 'the worker')
        return broker, broker.adapter()

    def jobs(self, count):
        def look():
            self.seen.seek(0)
            lines = self.seen.read().splitlines()
            return lines if len(lines) >= count else None
        return [json.loads(line) for line in wait(look, f'{count} jobs')]

    def test_a_whole_session(self):
        broker, adapter = self.start(**{'session.idle_s': 2})
        for text in ('one', 'two'):
            adapter.publish(text, user='ann')
            self.assertEqual(self.deliver(adapter)['response_text'], 'an answer')
        broker.wait_metric('sessions', 0)
        jobs = self.jobs(4)
        self.assertEqual([job[0] for job in jobs],
                         ['session.created', 'chat.message', 'chat.message', 'session.ended'])
        self.assertEqual(jobs[0][1:], ['web_1', {'user_id': 'ann', 'platform': 'web'}, 0, {}])
        self.assertEqual(jobs[1][4], {'greeted': True})
        ended = jobs[3]
        self.assertEqual((ended[2]['message_count'], ended[3], ended[4]), (2, 4, {'greeted': True}))
        self.assertIsInstance(ended[2]['duration'], float)
        self.assertTrue(0 < ended[2]['duration'] < 2)
        self.assertEqual((broker.metric('sessions_created'), broker.metric('sessions_ended')), (1, 1))
        self.assertEqual(broker.dead(), [])

    def test_a_greeting_and_an_end_by_an_operator(self):
        broker, adapter = self.start()
        adapter.publish('hello', session='polite')
        self.assertEqual(self.deliver(adapter)['response_text'], 'welcome')
        self.deliver(adapter)
        broker.wait_metric('outbox', 0)
        broker.ask('sessions.end', session='web_polite')
        self.assertEqual([job[0] for job in self.jobs(3)], ['session.created', 'chat.message', 'session.ended'])
        broker.wait_metric('sessions', 0)
        self.assertEqual(broker.logged('session.ended')[0]['why'], 'operator')

    def test_kill_9_while_the_end_waits(self):
        broker, adapter = self.start()
        adapter.publish('hello')
        self.deliver(adapter)
        broker.wait_metric('outbox', 0)
        broker.ask('sessions.reset', session='web_1')
        broker.restart(crash=True)
        adapter.hello()
        broker.wait_metric('sessions', 0)
        self.assertEqual({job[0] for job in self.jobs(3)}, set(TYPES))


if __name__ == '__main__':
    unittest.main()
