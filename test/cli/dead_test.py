#!/usr/bin/python3
# RUN: timeout=300
"""palaver dead list, show, replay, discard: nothing is sent twice, whoever is killed."""

import collections
import signal
import unittest

from cli import NOTHING, PARTLY, SILENT, TIME, UNREACHABLE, USAGE, CliTest, wait
from palaverd import PATIENCE, World
from wireclient import text_id


def report(replayed=0, **counts):
    zero = dict.fromkeys(('before', 'missing', 'unknown', 'changed', 'kind', 'size'), 0)
    return {'replayed': replayed, **zero, 'dry_run': False, **counts}


class Dead(CliTest):
    def start(self, count, **options):
        broker = self.broker(SILENT)
        return broker, self.letters(broker, count, **options)

    def numbers(self, broker):
        return [row['number'] for row in self.palaver(broker, 'dead', 'list').rows]

    def test_list(self):
        broker, ids = self.start(3)
        rows = self.palaver(broker, 'dead', 'list').rows
        self.assertEqual([row['id'] for row in rows], [text_id(one) for one in ids])
        self.assertEqual((rows[0]['reason'], rows[0]['outcome'], rows[0]['why'], rows[0]['attempts']),
                         ('permanent', 'failed', 'no such fund', 1))
        self.assertRegex(rows[0]['dead'], TIME)
        self.assertNotIn('body', rows[0])
        text = self.palaver(broker, 'dead', 'list', '--table', '-n', '2')
        self.assertEqual(len(text.out.splitlines()), 3)
        self.assertIn(f'there are more: --after {rows[1]["number"]}', text.err)
        after = self.palaver(broker, 'dead', 'list', '--after', str(rows[1]['number'])).rows
        self.assertEqual([row['number'] for row in after], [rows[2]['number']])

    def test_list_is_paged(self):
        broker, ids = self.start(2300)
        rows = self.palaver(broker, 'dead', 'list').rows
        self.assertEqual([row['id'] for row in rows], [text_id(one) for one in ids])
        self.assertEqual(len(self.palaver(broker, 'dead', 'list', '-n', '1500').rows), 1500)
        self.assertEqual(self.on_terminal(broker, 'dead', 'list').count('no such fund'), 100)

    def test_an_empty_list_is_no_failure(self):
        done = self.palaver(self.broker(), 'dead', 'list')
        self.assertEqual((done.out, done.err), ('', ''))

    def test_show_by_number_and_by_id(self):
        broker, ids = self.start(3)
        number = self.numbers(broker)[1]
        for name in (str(number), text_id(ids[1]), text_id(ids[1]).upper()):
            row, = self.palaver(broker, 'dead', 'show', name).rows
            self.assertEqual((row['number'], row['id'], row['body']['message_text']),
                             (number, text_id(ids[1]), 'bad 1'))
            self.assertEqual([(one['attempt'], one['how'], one['why']) for one in row['ledger']],
                             [(1, 'nack_final', 'no such fund')])
            self.assertRegex(row['ledger'][0]['at'], TIME)
        text = self.palaver(broker, 'dead', 'show', str(number), '--table').out
        for words in ('no such fund', '"message_text":"bad 1"', 'nack_final', text_id(ids[1])):
            self.assertIn(words, text)
        done = self.palaver(broker, 'dead', 'show', str(number), '999999', code=PARTLY)
        self.assertEqual(len(done.rows), 1)
        self.assertIn('999999: there is no such dead letter', done.err)
        self.palaver(broker, 'dead', 'show', '999999', code=NOTHING)
        self.palaver(broker, 'dead', 'show', 'seven', code=USAGE)

    def test_replay_some(self):
        broker, ids = self.start(4)
        numbers = self.numbers(broker)
        done = self.palaver(broker, 'dead', 'replay', text_id(ids[2]), str(numbers[0]), '--yes', '--who', 'ann')
        self.assertEqual(done.rows, [report(2)])
        worker = broker.worker()
        jobs = [worker.job() for _ in range(2)]
        self.assertEqual([job['envelope']['id'] for job in jobs], [ids[0], ids[2]])
        self.assertEqual([job['attempt'] for job in jobs], [2, 2])
        for job in jobs:
            worker.reply(job['lease'], 'now')
        self.assertEqual(self.numbers(broker), [numbers[1], numbers[3]])
        self.assertEqual(broker.logged('event.replayed')[0]['who'], 'ann')

    def test_replay_keeps_the_order_within_a_session(self):
        broker, ids = self.start(6, sessions=2)
        self.palaver(broker, 'dead', 'replay', '--all', '--yes')
        worker, order = broker.worker(), collections.defaultdict(list)
        for _ in range(6):
            job = worker.job()
            order[job['envelope']['session_id']].append(job['envelope']['id'])
            worker.reply(job['lease'], 'now')
        self.assertEqual(dict(order), {'web_0': ids[0::2], 'web_1': ids[1::2]})

    def test_it_needs_to_know_which(self):
        broker, _ = self.start(1)
        for verb in ('replay', 'discard'):
            self.assertIn('--all', self.palaver(broker, 'dead', verb, '--yes', code=USAGE).err)
            self.palaver(broker, 'dead', verb, '1', '--all', '--yes', code=USAGE)
            self.palaver(broker, 'dead', verb, '999999', '--yes', code=NOTHING)
        self.assertEqual(len(self.numbers(broker)), 1)

    def test_off_a_terminal_nothing_is_asked(self):
        broker, _ = self.start(2)
        for verb in ('replay', 'discard'):
            done = self.palaver(broker, 'dead', verb, '--all', code=USAGE, stdin='y\n')
            self.assertIn('say --yes', done.err)
        self.assertEqual(len(self.numbers(broker)), 2)

    def test_a_dry_run_does_nothing(self):
        broker, _ = self.start(2)
        done = self.palaver(broker, 'dead', 'replay', '--all', '--dry-run')
        self.assertEqual(done.rows[0], report(2, dry_run=True))
        self.assertEqual(self.palaver(broker, 'dead', 'discard', '--all', '--dry-run').rows[0]['discarded'], 2)
        self.assertEqual(len(self.numbers(broker)), 2)

    def test_a_person_may_think_before_the_answer(self):
        broker = self.broker({**SILENT, 'agents.timeout_ms': 300, 'agents.heartbeat_ms': 60})
        self.letters(broker, 2)
        terminal = self.terminal(broker, 'dead', 'discard', '--all')
        terminal.read_until('[y/N] ')
        wait(lambda: broker.logged('peer.gone', role='tool', how='lease_expired'), 'the broker has heard nothing')
        terminal.type('Yes\n')
        done = terminal.wait()
        self.assertEqual(done.code, 0, done.out)
        self.assertIn('discarded 2, missing 0', done.out)

    def test_a_terminal_is_asked(self):
        broker, _ = self.start(2)
        for answer in ('n\n', '\n', '\x04'):
            terminal = self.terminal(broker, 'dead', 'discard', '--all')
            terminal.read_until('throw away 2 dead letters? [y/N] ')
            terminal.type(answer)
            self.assertEqual(terminal.wait().code, PARTLY)
        self.assertEqual(len(self.numbers(broker)), 2)
        terminal = self.terminal(broker, 'dead', 'discard', '--all')
        terminal.read_until('[y/N] ')
        terminal.type('y\n')
        done = terminal.wait()
        self.assertEqual(done.code, 0, done.out)
        self.assertIn('discarded 2', done.out)
        self.assertEqual(self.numbers(broker), [])

    def test_a_dumb_terminal_gets_nothing_but_text(self):
        broker, _ = self.start(2)
        text = self.on_terminal(broker, 'dead', 'discard', '--all', '--yes', env={'TERM': 'dumb'})
        self.assertEqual(text, 'discarded 2, missing 0\n')

    def test_discard(self):
        broker, ids = self.start(3)
        row, = self.palaver(broker, 'dead', 'discard', text_id(ids[1]), '--yes', '--why', 'spam').rows
        self.assertEqual((row['discarded'], row['missing']), (1, 0))
        self.assertEqual([row['id'] for row in self.palaver(broker, 'dead', 'list').rows],
                         [text_id(ids[0]), text_id(ids[2])])
        broker.restart(crash=True)
        self.assertEqual(len(self.numbers(broker)), 2)

    def test_unknown_outcomes_are_left_out(self):
        broker = self.broker(SILENT)
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'an answer')
        adapter.delivered(adapter.delivery()['delivery'], 'unknown', reason='the line went dead')
        letter, = wait(broker.dead, 'a dead reply')
        done = self.palaver(broker, 'dead', 'replay', '--all', '--yes', code=PARTLY)
        self.assertEqual(done.rows[0], report(unknown=1))
        self.palaver(broker, 'dead', 'replay', str(letter['number']), '--yes', code=PARTLY)
        self.assertEqual(len(broker.dead()), 1)
        self.palaver(broker, 'dead', 'replay', '--all', '--yes', '--allow-duplicates')
        self.assertEqual(adapter.delivery()['body']['response_text'], 'an answer')


class Killed(CliTest):
    """3000 letters go in steps of a few hundred. Each is sent once, whatever happens to the tool."""
    COUNT = 3000

    def setUp(self):
        self.world = World(self.folder())
        # What a broker that was killed had given out is free again after this time.
        self.one = self.broker({**SILENT, 'agents.timeout_ms': 8000 * PATIENCE}, env=self.world.env())
        self.ids = self.letters(self.one, self.COUNT, sessions=self.COUNT)
        self.worker = self.one.worker(credit=5000)
        self.times = collections.Counter()

    def collect(self):
        """Answers every job that has come."""
        while job := self.worker.try_job():
            self.times[job['envelope']['id']] += 1
            self.worker.reply(job['lease'], 'now')

    def collect_until_quiet(self):
        def quiet():
            self.collect()
            counts = self.one.ask('status')['counts']
            return counts['leases'] == 0 and counts['pending_events'] == 0
        wait(quiet, 'all that was sent again is answered')

    def replay_until_the_middle(self):
        """A replay under way, and the broker stopped as soon as the first letters have gone out. The disk is slow: a
        step takes its time."""
        self.world.set(sync_s=0.1)
        call = self.call(self.one, 'dead', 'replay', '--all', '--yes')

        def begun():
            self.worker.poll(0)
            return any(verb == 'JOB' for verb, _ in self.worker.inbox)
        wait(begun, 'the first letters are sent again')
        self.one.signal(signal.SIGSTOP)
        self.assertTrue(call.running(), 'it was too quick')
        self.world.set()
        return call

    def finish(self):
        """Replays until there is nothing; each letter was sent once."""
        self.collect_until_quiet()
        left = len(self.palaver(self.one, 'dead', 'list').rows)
        self.assertGreater(left, 0, 'it was not in the middle')
        self.assertEqual(left + len(self.times), self.COUNT)
        self.assertEqual(self.palaver(self.one, 'dead', 'replay', '--all', '--yes').rows[0]['replayed'], left)
        self.collect_until_quiet()
        self.assertEqual(set(self.times), set(self.ids))
        self.assertEqual(set(self.times.values()), {1})
        self.palaver(self.one, 'dead', 'replay', '--all', '--yes', code=NOTHING)

    def test_kill_9_in_the_middle_of_a_replay(self):
        call = self.replay_until_the_middle()
        call.kill()
        self.one.signal(signal.SIGCONT)
        self.finish()

    def test_ctrl_c_in_the_middle_of_a_replay(self):
        call = self.replay_until_the_middle()
        call.process.send_signal(signal.SIGINT)
        self.one.signal(signal.SIGCONT)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT)
        self.assertIn('the same command goes on with them', done.err)
        self.assertGreater(done.rows[0]['replayed'], 0)
        self.finish()

    def test_the_broker_is_killed_in_the_middle_of_a_replay(self):
        call = self.replay_until_the_middle()
        self.one.restart(crash=True)
        done = call.wait()
        self.assertIn(done.code, (PARTLY, UNREACHABLE))
        self.assertNotIn('Is palaverd running?', done.err)
        self.worker.close()
        # What was sent and not answered goes out anew: that is the broker's word about a worker that is gone.
        self.worker = self.one.worker(credit=5000)
        self.collect_until_quiet()
        self.palaver(self.one, 'dead', 'replay', '--all', '--yes')
        self.collect_until_quiet()
        self.assertEqual(set(self.times), set(self.ids))
        self.assertEqual(set(self.times.values()), {1})

    def test_two_operators_at_once(self):
        calls = [self.call(self.one, 'dead', 'replay', '--all', '--yes') for _ in range(2)]
        rows = [call.wait().rows for call in calls]
        self.collect_until_quiet()
        replayed = sum(row['replayed'] for one in rows for row in one)
        self.assertEqual(replayed, self.COUNT)
        self.assertEqual(set(self.times.values()), {1})
        self.assertEqual(len(self.times), self.COUNT)


if __name__ == '__main__':
    unittest.main()
