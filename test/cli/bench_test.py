#!/usr/bin/python3
# RUN: timeout=240
"""palaver bench: it measures, it leaves nothing behind, and it never answers a person."""

import os
import signal
import unittest

from cli import PARTLY, QUICK, UNREACHABLE, USAGE, CliTest, route, wait

BENCH = ('bench', '--count', '300', '--outstanding', '16', '--workers', '2')


class Bench(CliTest):
    def check(self, row):
        self.assertEqual((row['round_trips'], row['outstanding']), (300, 16))
        self.assertGreater(row['rps'], 0)
        self.assertGreater(row['p50_ms'], 0)
        self.assertGreaterEqual(row['p99_ms'], row['p50_ms'])

    def own(self, folder, *more, **options):
        return self.palaver(None, *BENCH, '--start', *more, env={'TMPDIR': folder}, **options)

    def test_a_broker_of_its_own(self):
        folder = self.folder()
        row, = self.own(folder).rows
        self.check(row)
        self.assertEqual(row['workers'], 2)
        self.assertEqual(os.listdir(folder), [])

    def test_a_broker_that_does_not_start(self):
        folder = self.folder()
        done = self.own(folder, '--broker', '/bin/false', code=PARTLY)
        self.assertIn('did not start', done.err)
        done = self.own(folder, '--broker', '/no/such', code=PARTLY)
        self.assertIn('/no/such: No such file', done.err)
        self.assertEqual(os.listdir(folder), [])

    def test_ctrl_c_leaves_nothing_behind(self):
        folder = self.folder()
        call = self.call(None, 'bench', '--start', '--count', '10000000', env={'TMPDIR': folder})
        wait(lambda: any('control.ipc' in files for _, _, files in os.walk(folder)), 'its broker is there')
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT, done.err)
        self.assertIn('interrupted', done.err)
        self.assertEqual(os.listdir(folder), [])

    def test_on_a_running_broker_its_sessions_end_with_it(self):
        broker = self.broker({**QUICK, 'routes': [route('bench', 'bench', platform='bench'), route()]})
        row, = self.palaver(broker, *BENCH).rows
        self.check(row)
        self.assertEqual(broker.ask('sessions.list')['items'], [])
        wait(lambda: broker.ask('agents.list')['items'] == [], 'its workers are gone')
        self.assertIn('round trips/s', self.palaver(broker, *BENCH, '--table').out)

    def test_without_a_route_its_workers_stay_away(self):
        broker = self.broker()
        done = self.palaver(broker, *BENCH, code=USAGE)
        self.assertIn('platform = "bench"', done.err)
        self.assertEqual(broker.metric('events_accepted'), 0)

    def test_the_agents_that_are_there_answer(self):
        broker = self.broker()
        self.echo(broker, '--credit', '16')
        row, = self.palaver(broker, 'bench', '--count', '300', '--outstanding', '16', '--workers', '0').rows
        self.check(row)

    def test_nobody_answers(self):
        broker = self.broker()
        done = self.palaver(broker, 'bench', '--workers', '0', '--timeout', '0.5', code=PARTLY)
        first, second, third = done.err.splitlines()
        self.assertIn('0 of', first)
        self.assertIn('1 message of this run waits for an agent', second)
        self.assertIn('palaver sessions list --platform bench', third)
        self.assertEqual(broker.metric('events_accepted'), 1)  # and not one for each of its sessions
        self.echo(broker)
        self.palaver(broker, 'bench', '--workers', '0', '--count', '5')
        wait(lambda: broker.ask('status')['counts']['outbox'] == 0, 'the next bench takes what the first one left')

    def test_what_is_under_way_is_waited_for(self):
        broker = self.broker({**QUICK, 'routes': [route('bench', 'bench', platform='bench'), route()]})
        call = self.call(broker, 'bench', '--count', '1000000', '--outstanding', '64')
        wait(lambda: broker.metric('events_accepted') >= 200, 'it is under way')
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT)
        self.assertRegex(done.err, r'^palaver: interrupted; [0-9]+ of 1100000 round trips were made\n$')
        self.assertEqual(broker.ask('sessions.list')['items'], [])
        counts = broker.ask('status')['counts']
        self.assertEqual((counts['pending_events'], counts['outbox']), (0, 0))

    def test_a_broker_at_its_limits(self):
        broker = self.broker({**QUICK, 'limits.pending': 8,
                              'routes': [route('bench', 'bench', platform='bench'), route()]})
        done = self.palaver(broker, 'bench', '--count', '1000', '--outstanding', '64', code=PARTLY)
        self.assertRegex(done.err, r'^palaver: the broker is at its limits: [^\n]*\n$')
        self.assertEqual(broker.ask('sessions.list')['items'], [])
        counts = broker.ask('status')['counts']
        self.assertEqual((counts['pending_events'], counts['outbox']), (0, 0))

    def test_no_broker(self):
        self.palaver(None, *BENCH, '--run', self.folder(), code=UNREACHABLE)

    def test_it_leaves_no_process(self):
        folder = self.folder()
        self.own(folder)
        left = []
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as file:
                    line = file.read().decode(errors='replace')
            except OSError:
                continue
            if folder in line and int(pid) != os.getpid():
                left.append(line)
        self.assertEqual(left, [])


if __name__ == '__main__':
    unittest.main()
