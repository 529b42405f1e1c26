#!/usr/bin/python3
# RUN: timeout=240
"""palaver agents list: workers that live, that hang, and that have died."""

import signal
import unittest

from cli import PATIENCE, CliTest, wait


class Agents(CliTest):
    def agents(self, broker):
        return self.palaver(broker, 'agents', 'list').rows

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


if __name__ == '__main__':
    unittest.main()
