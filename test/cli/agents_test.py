#!/usr/bin/python3
# RUN: timeout=240
"""palaver agents: workers that live, that hang, and that have died; drained ones, over restarts, and resumed."""

import os
import signal
import subprocess
import sys
import textwrap
import unittest

from cli import NOTHING, PATIENCE, SECONDS, TOP, CliTest, wait


class Agents(CliTest):
    def agents(self, broker):
        return self.palaver(broker, 'agents', 'list').rows

    def test_that_there_are_none_is_said(self):
        broker = self.broker()
        for command, words in (('agents list', 'no connected workers'), ('adapters list', 'no adapters')):
            said = self.palaver(broker, *command.split(), '--table')
            self.assertEqual((said.out, said.err), ('', f'palaver: {words}\n'))
            said = self.palaver(broker, *command.split())
            self.assertEqual((said.out, said.err), ('', ''))

    def agent(self, broker, state):
        """The only worker, as soon as it is listed in this state."""
        def look():
            rows = self.agents(broker)
            return len(rows) == 1 and rows[0]['state'] == state and rows[0]
        return wait(look, f'a worker that is {state}')

    def test_a_worker_that_hangs_is_silent(self):
        broker = self.broker({'agents.heartbeat_ms': 300 * PATIENCE})
        process = self.echo(broker)
        self.assertEqual(self.agent(broker, 'ready')['silent_s'], 0)
        process.send_signal(signal.SIGSTOP)
        row = self.agent(broker, 'silent')
        self.assertGreaterEqual(row['silent_s'], 1)
        self.assertEqual(row['name'], 'echo')
        table = self.palaver(broker, 'agents', 'list', '--table').out
        self.assertIn('SILENT S', table)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(self.agent(broker, 'ready')['silent_s'], 0)

    def test_a_worker_that_was_killed_is_gone_long_before_its_time_is_up(self):
        broker = self.broker({'agents.timeout_ms': 600000})
        process = self.echo(broker)
        self.agent(broker, 'ready')
        process.kill()
        wait(lambda: not self.agents(broker), 'the killed worker is not listed')
        broker.wait_log('peer.gone', name='echo', how='worker_died')

    def slow(self, broker):
        """A worker's process that answers a job once there is a file of the job's text."""
        script = textwrap.dedent('''
            import os
            import palaver
            from palaverd import wait

            def answer(job):
                wait(lambda: os.path.exists(job.text), job.text)
                return 'done'

            palaver.main(palaver.Worker(name='slow', services=['advisor'], credit=4), answer)''')
        env = {**os.environ, 'PALAVER_AGENTS': f'ipc://{broker.run}/agents.ipc',
               'PYTHONPATH': f'{TOP}/agents/sdk:{TOP}/test/system'}
        process = subprocess.Popen([sys.executable, '-c', script], env=env)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.agent(broker, 'ready')
        return process

    def held(self, broker, count):
        wait(lambda: [row['held'] for row in self.agents(broker)] == [count], f'a worker that holds {count}')

    def test_a_drained_worker_stays_drained_over_a_crash_of_the_broker(self):
        broker = self.broker()
        process, gate = self.slow(broker), f'{broker.folder}/gate'
        adapter = broker.adapter()
        adapter.publish(gate, session='1')
        self.held(broker, 1)
        self.palaver(broker, 'agents', 'drain', 'slow', '--who', 'ann')
        broker.restart(crash=True)
        row = self.agent(broker, 'draining')
        self.assertEqual((row['drained_by'], row['pid']), ('ann', process.pid))
        self.held(broker, 1)
        adapter = broker.adapter()
        adapter.publish(gate, session='2')
        adapter.stored()
        new = broker.worker('new')
        new.reply(new.job()['lease'], 'hi')
        self.deliver(adapter)
        with open(gate, 'w', encoding='ascii'):
            pass
        self.assertEqual(self.deliver(adapter)['response_text'], 'done')
        self.assertEqual(process.wait(3 * SECONDS), 0)

    def test_a_drained_worker_is_resumed(self):
        broker = self.broker()
        self.slow(broker)
        gate, adapter = f'{broker.folder}/gate', broker.adapter()
        self.palaver(broker, 'agents', 'resume', 'slow', code=NOTHING)
        adapter.publish(gate, session='1')
        self.held(broker, 1)
        self.palaver(broker, 'agents', 'drain', 'slow')
        adapter.publish(gate, session='2')
        adapter.stored(2)
        self.assertEqual(self.agent(broker, 'draining')['held'], 1)
        done = self.palaver(broker, 'agents', 'resume', 'slow', '--who', 'ann')
        self.assertEqual(done.rows, [{'name': 'slow', 'status': 'success'}])
        self.held(broker, 2)
        self.assertEqual(self.agent(broker, 'ready')['drained_by'], '')
        broker.wait_log('agent.resumed', name='slow', who='ann', count=1)
        with open(gate, 'w', encoding='ascii'):
            pass
        for _ in range(2):
            self.deliver(adapter)


if __name__ == '__main__':
    unittest.main()
