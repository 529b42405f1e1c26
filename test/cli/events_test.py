#!/usr/bin/python3
# RUN: timeout=240
"""palaver events show, list, discard: what has been, station by station, whatever became of it."""

import re
import unittest

from cli import NOTHING, OK, PARTLY, SILENT, TIME, USAGE, CliTest, route, wait
from wireclient import text_id


class Events(CliTest):
    def start(self, count=3):
        """Round trips in sessions of their own; the ids of their events."""
        broker = self.broker(SILENT)
        adapter, worker = broker.adapter(), broker.worker()
        jobs = [self.round_trip(adapter, worker, f'message {i}', f'answer {i}', session=str(i))[0]
                for i in range(count)]
        return broker, [text_id(job['envelope']['id']) for job in jobs]

    def test_one_event_by_its_id_its_answers_id_and_its_number(self):
        broker, ids = self.start()
        row, = self.palaver(broker, 'events', 'show', ids[1]).rows
        self.assertEqual((row['id'], row['outcome'], row['session_id'], row['attempts']),
                         (ids[1], 'delivered', 'web_1', 1))
        self.assertEqual((row['body']['message_text'], row['answer']['response_text']), ('message 1', 'answer 1'))
        hops = [hop['hop'] for hop in row['hops']]
        self.assertEqual([hop for hop in hops if hop not in ('stored', 'settled')],
                         ['accepted', 'dispatched', 'answered', 'delivering', 'delivered'])
        self.assertEqual(hops[-1], 'settled')
        self.assertIn('stored', hops)
        self.assertIn('worker', row['hops'][1]['who'])
        for hop in row['hops']:
            self.assertRegex(hop['at'], TIME)
            self.assertGreaterEqual(hop['after_ms'], 0)
        for name in (row['reply_id'], str(row['number']), str(row['reply']), ids[1].upper()):
            self.assertEqual(self.palaver(broker, 'events', 'show', name).rows, [row])

    def test_a_timeline_on_a_terminal(self):
        broker, ids = self.start()
        text = self.on_terminal(broker, 'events', 'show', ids[0])
        for words in ('timeline', 'accepted', 'dispatched', 'to worker', '"message_text":"message 0"', 'settled'):
            self.assertIn(words, text)
        self.assertTrue(re.search(r'\+\d+\.\d\d ms +settled', text), text)

    def test_what_is_not_there(self):
        broker, ids = self.start()
        gone = '018f0000-0000-7000-8000-000000000000'
        done = self.palaver(broker, 'events', 'show', ids[0], gone, code=PARTLY)
        self.assertEqual(len(done.rows), 1)
        self.assertIn(gone, done.err)
        self.assertIn('data.retain_h', done.err)
        self.palaver(broker, 'events', 'show', '999999', code=NOTHING)
        self.palaver(broker, 'events', 'show', 'seven', code=USAGE)
        self.palaver(broker, 'events', 'show', code=USAGE)

    def test_dead_letters_and_after_a_restart(self):
        broker = self.broker(SILENT)
        ids = self.letters(broker, 2)
        for crash in (False, True):
            row, = self.palaver(broker, 'events', 'show', text_id(ids[0])).rows
            self.assertEqual(row['outcome'], 'dead')
            self.assertEqual([hop['hop'] for hop in row['hops'] if hop['hop'] not in ('stored', 'settled')],
                             ['accepted', 'dispatched', 'dead'])
            self.assertIn('no such fund', [hop.get('why') for hop in row['hops']])
            if not crash:
                broker.restart(crash=True)
        self.palaver(broker, 'dead', 'replay', '--all', '--yes', '--who', 'ann')
        worker = broker.worker()
        for _ in ids:
            worker.reply(worker.job()['lease'], 'at last')
        wait(lambda: broker.ask('status')['counts']['pending_events'] == 0, 'all are answered')
        row, = self.palaver(broker, 'events', 'show', text_id(ids[0])).rows
        self.assertEqual((row['outcome'], row['attempts']), ('delivering', 2))
        self.assertIn(('sent_again', 'ann'), [(hop['hop'], hop.get('who')) for hop in row['hops']])

    def test_what_operators_did_is_by_them(self):
        broker = self.broker(SILENT)
        ids = self.letters(broker, 1)
        path = f'{self.folder()}/letters.jsonl'
        self.palaver(broker, 'dead', 'export', path, '--all')
        self.palaver(broker, 'dead', 'discard', '--all', '--yes', '--who', 'ann', '--why', 'spam')
        self.palaver(broker, 'dead', 'import', path, '--who', 'bob')
        self.palaver(broker, 'dead', 'replay', '--all', '--yes', '--who', 'eve')
        text = self.palaver(broker, 'events', 'show', text_id(ids[0]), '--table').out
        for hop, words in (('discarded', 'by ann, spam'), ('imported', 'by bob'), ('sent_again', 'by eve')):
            self.assertRegex(text, rf'(?m)^.* {hop} .*{words}')

    def test_list(self):
        broker, ids = self.start(5)
        adapter = broker.adapter('other', platform='slack')
        adapter.publish('waits', session='9', user='ann')
        adapter.stored()
        rows = self.palaver(broker, 'events', 'list').rows
        self.assertEqual([row['id'] for row in rows[:5]], ids)
        self.assertEqual([row['outcome'] for row in rows], ['delivered'] * 5 + ['pending'])
        self.assertNotIn('body', rows[0])
        for options, count in ((('--outcome', 'pending'), 1), (('--user', 'ann'), 1), (('--session', 'web_2'), 1),
                               (('--type', 'chat.message'), 6), (('--type', 'chat.action'), 0), (('--since', '1h'), 6),
                               (('--until', '1h'), 0), (('-n', '2'), 2), (('--after', str(rows[3]['number'])), 2)):
            done = self.palaver(broker, 'events', 'list', *options, code=OK if count else NOTHING)
            self.assertEqual(len(done.rows), count, options)
        text = self.palaver(broker, 'events', 'list', '--table', '-n', '2')
        self.assertEqual(len(text.out.splitlines()), 3)
        self.assertIn(f'there are more: --after {rows[1]["number"]}', text.err)
        self.palaver(broker, 'events', 'list', '--after', 'x', code=USAGE)
        self.palaver(broker, 'events', 'list', '--since', 'soon', code=USAGE)


class Discard(CliTest):
    """palaver events discard: what waits becomes a dead letter, which can be sent again; nothing is lost."""

    def pending(self, broker):
        metrics = broker.metrics()
        return metrics['pending_events'], metrics['outbox']

    def test_of_a_route_but_not_what_a_worker_has(self):
        broker = self.broker({'routes': [route('slow', 'advisor', command='/slow'), route('rest', 'other')]})
        adapter, worker = broker.adapter(), broker.worker(credit=1)
        for i in range(6):
            adapter.publish(f'/slow {i}', session=str(i % 3))
        adapter.publish('stays', session='9')
        adapter.stored(7)
        job = worker.job()
        dry = self.palaver(broker, 'events', 'discard', '--route', 'slow', '--dry-run')
        self.assertEqual((dry.rows, self.pending(broker)), ([{'discarded': 5, 'in_hand': 1}], (7, 0)))
        self.palaver(broker, 'events', 'discard', '--route', 'slow', code=USAGE)
        done = self.palaver(broker, 'events', 'discard', '--route', 'slow', '--yes', '--why', 'flood', '--who', 'ops')
        self.assertEqual((done.rows, self.pending(broker)), ([{'discarded': 5, 'in_hand': 1}], (2, 0)))
        letters = self.palaver(broker, 'dead', 'list', '--reason', 'discarded').rows
        self.assertEqual(len(letters), 5)
        whole = self.palaver(broker, 'dead', 'show', str(letters[0]['number'])).rows[0]
        self.assertIn('by ops: flood', str(whole))
        worker.reply(job['lease'], 'an answer')
        self.assertEqual(self.deliver(adapter)['response_text'], 'an answer')
        adapter.quiet('DELIVER')  # nobody is told anything of the others
        broker.restart(crash=True)
        self.assertEqual((self.pending(broker), len(broker.dead())), ((1, 0), 5))
        adapter.hello()
        worker.hello()
        self.palaver(broker, 'dead', 'replay', '--all', '--yes')
        for _ in range(5):
            worker.reply(worker.job()['lease'], 'later')
            self.assertEqual(self.deliver(adapter)['response_text'], 'later')

    def test_of_an_adapter_that_is_gone_its_replies_too(self):
        broker = self.broker()
        web, other, worker = broker.adapter('web', credit=0), broker.adapter('other'), broker.worker()
        for number in range(3):
            web.publish('hello', session=str(number))
            worker.reply(worker.job()['lease'], 'an answer')
        web.publish('hello', session='0')
        job = worker.job()
        web.close()
        broker.wait_log('peer.gone', name='web')
        other.publish('hello')
        kept = worker.job()
        done = self.palaver(broker, 'events', 'discard', '--adapter', 'web', '--yes')
        self.assertEqual(done.rows, [{'discarded': 3, 'in_hand': 1}])
        for one in (job, kept):
            worker.reply(one['lease'], 'goes on')
        self.assertEqual(self.deliver(other)['response_text'], 'goes on')
        self.assertEqual([row['reason'] for row in self.palaver(broker, 'dead', 'list').rows], ['discarded'] * 3)
        wait(lambda: self.pending(broker) == (0, 1), 'the last answer waits for its adapter')

    def test_of_a_session_and_a_parked_one_goes_on(self):
        broker = self.broker({'routes': [route(on_dead='park')]})
        adapter, worker = broker.adapter(), broker.worker()
        for text in ('bad', 'one', 'two'):
            adapter.publish(text, session='1')
        adapter.publish('mine', session='2')
        jobs = {job['body']['message_text']: job for job in (worker.job(), worker.job())}
        worker.nack(jobs['bad']['lease'], permanent=True)
        self.deliver(adapter)
        wait(broker.dead, 'it is parked')
        done = self.palaver(broker, 'events', 'discard', '--session', 'web_1', '--yes')
        self.assertEqual(done.rows, [{'discarded': 2, 'in_hand': 0}])
        self.palaver(broker, 'sessions', 'unpark', 'web_1')
        adapter.publish('three', session='1')
        self.assertEqual(worker.job()['body']['message_text'], 'three')
        self.palaver(broker, 'events', 'discard', '--session', 'nobody', '--yes', code=NOTHING)
        self.palaver(broker, 'events', 'discard', '--yes', code=USAGE)

    def test_more_than_one_step(self):
        broker = self.broker()
        adapter = broker.adapter()
        for number in range(1300):
            adapter.publish('hello', session=str(number % 7))
        adapter.stored(1300)
        done = self.palaver(broker, 'events', 'discard', '--adapter', 'web', '--yes')
        self.assertEqual((done.rows, self.pending(broker)), ([{'discarded': 1300, 'in_hand': 0}], (0, 0)))
        worker = broker.worker()
        worker.quiet('JOB')
        self.round_trip(adapter, worker, 'and it goes on', session='3')


if __name__ == '__main__':
    unittest.main()
