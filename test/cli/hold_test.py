#!/usr/bin/python3
# RUN: timeout=240
"""palaver routes pause and resume, agents drain: what operators hold up; and a route that its breaker pauses."""

import os
import subprocess
import sys
import textwrap
import unittest

from cli import NOTHING, SECONDS, TIME, TOP, CliTest, route, wait
from palaverd import BUILD


class Hold(CliTest):
    def routes(self, broker):
        return {row['name']: row for row in self.palaver(broker, 'routes', 'list').rows}

    def paused_lines(self, broker):
        text = self.palaver(broker, 'status', '--table').out
        return [line for line in text.splitlines() if ' is paused since ' in line]

    def test_a_route_waits_until_it_is_resumed(self):
        broker = self.broker({'routes': [route('first', 'advisor', platform='web'), route('rest', 'advisor')]})
        adapter, worker = broker.adapter(), broker.worker()
        done = self.palaver(broker, 'routes', 'pause', 'first', '--who', 'ann', '--why', 'stale prices')
        self.assertEqual(done.rows, [{'route': 'first', 'status': 'success'}])
        for text in ('one', 'two', 'three'):
            adapter.publish(text, session=text)
        adapter.stored(3)
        worker.quiet('JOB')
        row = self.routes(broker)['first']
        self.assertEqual((row['paused_by'], row['why'], row['waiting']), ('ann', 'stale prices', 3))
        self.assertRegex(row['paused'], TIME)
        line, = self.paused_lines(broker)
        self.assertRegex(line, r'^route first is paused since \S+ by ann: stale prices; 3 events wait$')
        broker.restart(crash=True)
        self.assertEqual(len(self.paused_lines(broker)), 1)
        worker = broker.worker()
        self.palaver(broker, 'routes', 'resume', 'first', '--who', 'bob')
        self.assertEqual({worker.job()['body']['message_text'] for _ in range(3)}, {'one', 'two', 'three'})
        self.assertEqual(self.paused_lines(broker), [])
        broker.wait_log('route.resumed_by', route='first', who='bob')
        self.palaver(broker, 'routes', 'pause', 'none', code=NOTHING)

    def test_a_second_pause_is_told_of_the_first(self):
        broker = self.broker()
        self.palaver(broker, 'routes', 'pause', 'default', '--who', 'ann', '--why', 'stale prices')
        row, = self.palaver(broker, 'routes', 'pause', 'default', '--who', 'bob', '--why', 'an outage').rows
        self.assertEqual((row['status'], row['paused_by'], row['why']), ('unchanged', 'ann', 'stale prices'))
        self.assertRegex(row['paused'], TIME)
        done = self.palaver(broker, 'routes', 'pause', 'default', '--table')
        self.assertRegex(done.err, r'default is paused already, since \S+ by ann: stale prices; that stays on')
        self.palaver(broker, 'routes', 'resume', 'default')
        self.assertEqual(self.palaver(broker, 'routes', 'resume', 'default', '--table').err,
                         'palaver: default is not paused\n')

    def test_many_sessions_that_fail_alike_pause_the_route(self):
        """Poison is not an outage: events wait, one line says so, and a probe resumes the route."""
        broker = self.broker({'breaker.threshold': 3, 'breaker.open_s': 2, 'agents.attempts': 4})
        adapter, worker = broker.adapter(), broker.worker(credit=1)
        for i in range(6):
            adapter.publish('hello', session=str(i))
        adapter.stored(6)
        for _ in range(3):
            worker.nack(worker.job()['lease'], code='llm_unavailable', reason='overloaded')
        line, = wait(lambda: self.paused_lines(broker), 'the route is paused')
        self.assertRegex(line, r'^route default is paused since \S+ by breaker: nack:llm_unavailable; 6 events wait$')
        probe = worker.job()  # one event is tried when the time is over
        worker.quiet('JOB')
        worker.reply(probe['lease'], 'better')
        for _ in range(5):
            worker.reply(worker.job()['lease'], 'better')
        self.assertEqual(self.paused_lines(broker), [])
        self.assertEqual(broker.dead(), [])

    def test_resume_does_not_wait_for_the_probe(self):
        broker = self.broker({'breaker.threshold': 2, 'breaker.open_s': 3600})
        adapter, worker = broker.adapter(), broker.worker(credit=1)
        for i in range(4):
            adapter.publish('hello', session=str(i))
        for _ in range(2):
            worker.nack(worker.job()['lease'], code='llm_unavailable')
        wait(lambda: self.paused_lines(broker), 'the route is paused')
        worker.quiet('JOB')
        self.palaver(broker, 'routes', 'resume', 'default')
        for _ in range(4):
            worker.reply(worker.job()['lease'], 'better')

    def test_workers_are_drained(self):
        broker = self.broker()
        adapter, old = broker.adapter(), broker.worker('old')
        adapter.publish('hello', session='1')
        job = old.job()
        self.palaver(broker, 'agents', 'drain', 'old', '--who', 'ann')
        row, = self.palaver(broker, 'agents', 'list').rows
        self.assertEqual((row['state'], row['drained_by'], row['held']), ('draining', 'ann', 1))
        adapter.publish('another', session='2')
        old.quiet('JOB')
        new = broker.worker('new')
        new.reply(new.job()['lease'], 'hi')
        old.reply(job['lease'], 'done')
        self.assertEqual(old.expect('ERROR')[0], 'DRAINED')
        broker.wait_log('agent.drained', name='old', who='ann')
        self.palaver(broker, 'agents', 'drain', 'nobody', code=NOTHING)

    def ends(self, broker, process, name):
        """Drained, the worker's process ends as one that was stopped."""
        wait(lambda: any(row['name'] == name for row in self.palaver(broker, 'agents', 'list').rows), 'it is there')
        self.palaver(broker, 'agents', 'drain', name)
        self.assertEqual(process.wait(3 * SECONDS), 0)
        wait(lambda: not self.palaver(broker, 'agents', 'list').rows, 'it is gone')

    def start(self, broker, *command):
        env = {**os.environ, 'PALAVER_AGENTS': f'ipc://{broker.run}/agents.ipc', 'PYTHONPATH': f'{TOP}/agents/sdk'}
        process = subprocess.Popen(command, env=env)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_workers_in_c_and_python_end_when_they_are_drained(self):
        broker = self.broker()
        self.ends(broker, self.start(broker, f'{BUILD}/bin/palaver-echo', '--services', 'advisor'), 'echo')
        script = textwrap.dedent('''
            import palaver
            palaver.main(palaver.Worker(name='script', services=['advisor']), lambda job: job.text)''')
        self.ends(broker, self.start(broker, sys.executable, '-c', script), 'script')


if __name__ == '__main__':
    unittest.main()
