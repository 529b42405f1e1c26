#!/usr/bin/python3
# RUN: timeout=240
"""palaver tail: what happens, as it happens."""

import json
import os
import re
import signal
import unittest

from cli import NOTHING, PARTLY, QUICK, TIME, UNREACHABLE, USAGE, CliTest, wait
from wireclient import frame, pack, text_id


class Tail(CliTest):
    def begin(self, broker, *options, tails=1):
        """A tail that is shown what happens from now on."""
        call = self.call(broker, 'tail', *options)
        broker.wait_metric('tails', tails)
        return call

    def read(self, call, count):
        """The first `count` lines of a tail under way."""
        def look():
            lines = os.pread(call.out.fileno(), 1 << 24, 0).decode().splitlines()
            return len(lines) >= count and [json.loads(line) for line in lines[:count]]
        return wait(look, f'{count} lines')

    def test_the_life_of_a_message(self):
        broker = self.broker()
        call = self.begin(broker)
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'my token: opensesame', session='1')
        rows = self.read(call, 5)
        self.assertEqual([row['what'] for row in rows],
                         ['accepted', 'dispatched', 'answered', 'delivering', 'delivered'])
        self.assertEqual({row['session_id'] for row in rows}, {'web_1'})
        self.assertEqual([row['who'].split()[0] for row in rows if 'who' in row], ['worker', 'web'])
        self.assertEqual(rows[2]['reply_id'], rows[4]['id'])
        self.assertRegex(rows[0]['at'], TIME)
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, 0, done.err)
        self.assertNotIn('opensesame', done.out)
        self.assertNotIn('an answer', done.out)
        broker.wait_metric('tails', 0)

    def test_live_text_is_shown_to_who_asks_for_it(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        plain = self.begin(broker, '-C', '3')
        live = self.begin(broker, '--live', '-C', '3', tails=2)
        _, event = adapter.publish('a question', session='1')
        job = worker.job()
        envelope = {**job['envelope'], 'id': os.urandom(16), 'type': 'chat.delta', 'reply_to': event}
        envelope.pop('platform_id', None)
        worker.send(frame('LIVE', envelope, pack({'delta': 'so', 'index': 0})))
        rows = live.wait().rows
        self.assertEqual([row['what'] for row in rows], ['accepted', 'dispatched', 'live'])
        self.assertEqual((rows[2]['type'], rows[2]['session_id']), ('chat.delta', 'web_1'))
        worker.reply(job['lease'], 'so it is')
        self.assertEqual([row['what'] for row in plain.wait().rows], ['accepted', 'dispatched', 'answered'])

    def test_filters_and_texts(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        one = self.begin(broker, '--session', 'web_2', '--texts', '-C', '2')
        dead = self.begin(broker, '--what', 'dead', '-C', '1', tails=2)
        self.round_trip(adapter, worker, 'of another session', session='1')
        adapter.publish('my password: hunter2', session='2')
        worker.nack(worker.job()['lease'], permanent=True, reason='no such fund')
        rows = one.wait().rows
        self.assertEqual([(row['what'], row['text']) for row in rows],
                         [('accepted', 'my password: ********'), ('dispatched', 'my password: ********')])
        row, = dead.wait().rows
        self.assertEqual((row['reason'], row['why'], row['session_id']), ('permanent', 'no such fund', 'web_2'))
        self.assertNotIn('text', row)

    def test_one_message_by_its_id(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        event = text_id(adapter.publish('hello', session='1')[1])
        adapter.stored()
        call = self.begin(broker, '--id', event, '-C', '3')
        adapter.publish('another', session='2')
        for _ in range(2):
            worker.reply(worker.job()['lease'], 'hi')
        for _ in range(2):
            self.deliver(adapter)
        rows = call.wait().rows
        self.assertEqual([row['what'] for row in rows], ['answered', 'delivering', 'delivered'])
        self.assertTrue(all(event in (row['id'], row.get('reply_to')) for row in rows))
        self.palaver(broker, 'tail', '--id', 'nonsense', code=USAGE)

    def test_a_line_an_event_on_a_terminal(self):
        broker = self.broker()
        adapter = broker.adapter()
        terminal = self.terminal(broker, 'tail', '--texts', '-C', '1', columns=300)
        broker.wait_metric('tails', 1)
        adapter.publish('two\nlines \033[2J', session='1')
        done = terminal.wait()
        self.assertEqual(done.code, 0)
        line, = done.out.splitlines()
        self.assertTrue(line.startswith('\033[36m') and line.endswith('\033[0m'), line)
        self.assertNotIn('\033[2J', line)
        self.assertRegex(line, re.compile(r'accepted +web_1 +chat\.message .* two lines'))

    def test_how_it_ends(self):
        broker = self.broker()
        self.palaver(broker, 'tail', '--timeout', '0.2')
        self.palaver(broker, 'tail', '--timeout', '0.2', '-C', '1', code=NOTHING)
        call = self.begin(broker, '--timeout', '2', '-C', '3')
        broker.adapter().publish('hello')
        done = call.wait()
        self.assertEqual((done.code, len(done.rows)), (PARTLY, 1))
        self.assertIn('1 of 3 lines came in time', done.err)
        self.palaver(broker, 'tail', '-C', '0', code=USAGE)
        broker.stop()
        self.palaver(broker, 'tail', code=UNREACHABLE)

    def words(self, call, text):
        """What the tail said on stderr, as soon as this is in it."""
        def look():
            said = os.pread(call.err.fileno(), 1 << 20, 0).decode()
            self.assertTrue(call.running(), said)
            return text in said and said
        return wait(look, f'"{text}" on stderr')

    def over_a_restart(self, crash):
        broker = self.broker(QUICK)
        call = self.begin(broker)
        broker.adapter().publish('before', session='1')
        self.read(call, 1)
        broker.restart(crash=crash)
        said = self.words(call, 'connected again')
        self.assertIn('connecting again', said)
        broker.adapter('other').publish('behind', session='2')
        rows = self.read(call, 3)
        self.assertEqual([row['what'] for row in rows], ['accepted', 'lost', 'accepted'])
        self.assertEqual(rows[2]['session_id'], 'other_2')
        self.assertRegex(rows[1]['since'], TIME)
        self.assertLessEqual(rows[0]['at'], rows[1]['at'])
        self.assertLess(rows[1]['since'], rows[1]['at'])
        # the command that it names shows what came meanwhile
        since = re.search(r'palaver (events list --since \S+)`', said)[1]
        listed = self.palaver(broker, *since.split()).rows
        self.assertIn('other_2', [row['session_id'] for row in listed])
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, 0, done.err)

    def test_it_goes_on_when_the_broker_has_started_again(self):
        self.over_a_restart(crash=False)

    def test_it_goes_on_when_the_broker_has_crashed(self):
        self.over_a_restart(crash=True)

    def test_it_goes_on_when_a_broker_that_hung_is_there_again(self):
        broker = self.broker({**QUICK, 'agents.timeout_ms': 1000})
        call = self.begin(broker)
        broker.signal(signal.SIGSTOP)
        self.words(call, 'silent')
        broker.signal(signal.SIGCONT)
        self.words(call, 'connected again')
        broker.adapter().publish('behind', session='1')
        self.assertEqual([row['what'] for row in self.read(call, 2)], ['lost', 'accepted'])

    def test_how_it_ends_while_the_broker_is_away(self):
        broker = self.broker()
        one, other = self.begin(broker), self.begin(broker, '--timeout', '4', tails=2)
        terminal = self.terminal(broker, 'tail')
        broker.wait_metric('tails', 3)
        broker.stop()
        self.words(one, 'connecting again')
        terminal.read_until('the broker stops: connecting again')
        one.process.send_signal(signal.SIGINT)
        terminal.process.send_signal(signal.SIGINT)
        for call in (one, terminal):
            self.assertEqual(call.wait().code, 0)
        done = other.wait()
        self.assertEqual(done.code, UNREACHABLE)
        self.assertIn('did not come back', done.err)

    def test_a_tail_that_does_not_read_loses_lines_and_slows_nobody(self):
        broker = self.broker({'agents.timeout_ms': 120000})
        adapter, worker = broker.adapter(), broker.worker(credit=64)
        call = self.begin(broker)
        call.process.send_signal(signal.SIGSTOP)
        before = broker.rss_mb()
        for _ in range(40):
            for i in range(100):
                adapter.publish('hello', session=str(i))
            adapter.stored(100)
            for _ in range(100):
                worker.reply(worker.job()['lease'], 'hi')
        broker.wait_metric('replies', 4000)
        lost = broker.metric('tail_lines_lost')
        self.assertGreater(lost, 4000)
        self.assertLess(broker.rss_mb() - before, 64)
        call.process.send_signal(signal.SIGCONT)
        rows = wait(lambda: self.until_gap(call), 'a gap')
        self.assertEqual(rows[-1]['lines'], lost)
        self.assertEqual(len(rows) - 1, 4096 + 2048)

    def until_gap(self, call):
        rows = [json.loads(line) for line in os.pread(call.out.fileno(), 1 << 26, 0).decode().splitlines()
                if line.endswith('}')]
        return rows if rows and rows[-1]['what'] == 'lost' else None


if __name__ == '__main__':
    unittest.main()
