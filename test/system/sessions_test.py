#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Sessions: created, remembered across stops and crashes, ended when idle or reset."""

import time
import unittest

from palaverd import BrokerTest, wait


class Sessions(BrokerTest):
    def start(self, **conf):
        broker = self.broker(conf)
        return broker, broker.adapter(), broker.worker()

    def test_created_with_the_first_event(self):
        broker, adapter, worker = self.start()
        begun = time.time() * 1e6
        self.round_trip(adapter, worker, 'hello', session='77', user='ada')
        line = broker.wait_log('session.created')
        self.assertEqual((line['session'], line['platform']), ('web_77', 'web'))
        shown = broker.session('web_77')
        self.assertEqual((shown['user_id'], shown['platform'], shown['message_count'], shown['pending']),
                         ('ada', 'web', 1, 0))
        self.assertTrue(begun <= shown['created_us'] <= shown['active_us'] <= time.time() * 1e6)
        self.round_trip(adapter, worker, 'again', session='77')
        self.assertEqual(broker.metric('sessions_created'), 1)

    def test_idle_end_with_duration_and_message_count(self):
        broker, adapter, worker = self.start(**{'session.idle_s': 2})
        self.round_trip(adapter, worker, 'one')
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            adapter.quiet('DELIVER', 0.1)
        self.round_trip(adapter, worker, 'two')
        line = broker.wait_log('session.ended')
        self.assertEqual((line['session'], line['why'], line['message_count']), ('web_1', 'idle', 2))
        self.assertIn(line['duration_s'], (1, 2))
        self.assertEqual(broker.metric('sessions'), 0)
        self.assertEqual(broker.metric('sessions_ended'), 1)
        job, _ = self.round_trip(adapter, worker, 'three')
        self.assertEqual((job['history'], job['state']), ([], {}))

    def test_a_session_with_something_pending_does_not_end(self):
        broker, adapter, worker = self.start(**{'session.idle_s': 1})
        adapter.publish('hello')
        job = worker.job()
        until = time.monotonic() + 2.2
        while time.monotonic() < until:
            worker.quiet('CANCEL', 0.1)
        self.assertEqual(broker.logged('session.ended'), [])
        worker.reply(job['lease'], 'slow')
        self.deliver(adapter)
        broker.wait_log('session.ended')

    def test_reset(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'hi', state={'goal': 'house'})
        self.deliver(adapter)
        self.assertEqual(broker.ask('sessions.reset', session='web_1'), {'status': 'success'})
        line = broker.wait_log('session.ended')
        self.assertEqual((line['why'], line['message_count']), ('reset', 1))
        self.assertEqual(broker.try_ask('sessions.show', session='web_1')[0], 'NOENT')
        self.assertEqual(broker.try_ask('sessions.reset', session='web_1')[0], 'NOENT')
        job, _ = self.round_trip(adapter, worker, 'hello again')
        self.assertEqual((job['history'], job['state']), ([], {}))

    def test_reset_of_a_busy_session_is_refused(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        job = worker.job()
        status, body = broker.try_ask('sessions.reset', session='web_1')
        self.assertEqual(status, 'BUSY')
        self.assertIn('nothing was changed', body['text'])
        worker.reply(job['lease'], 'hi')
        self.deliver(adapter)
        broker.ask('sessions.reset', session='web_1')

    def test_reset_survives_kill_9(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello')
        broker.ask('sessions.reset', session='web_1')
        broker.restart(crash=True)
        self.assertEqual(broker.metric('sessions'), 0)

    def test_history_is_what_was_said_oldest_first(self):
        broker, adapter, worker = self.start()
        for number in range(3):
            job, _ = self.round_trip(adapter, worker, f'question {number}', f'answer {number}')
        self.assertEqual([(turn['role'], turn['text']) for turn in job['history']],
                         [('user', 'question 0'), ('assistant', 'answer 0'), ('user', 'question 1'),
                          ('assistant', 'answer 1')])
        stamps = [turn['timestamp'] for turn in job['history']]
        self.assertEqual(stamps, sorted(stamps))
        self.assertEqual(len(broker.session('web_1')['history']), 6)

    def test_history_has_20_turns(self):
        broker, adapter, worker = self.start()
        for number in range(24):
            job, _ = self.round_trip(adapter, worker, f'q{number}', f'a{number}')
        self.assertEqual(len(job['history']), 40)
        self.assertEqual(job['history'][0]['text'], 'q3')
        for crash in (False, True):
            broker.restart(crash)
            adapter.hello()
            worker.hello()
            number += 1
            job, _ = self.round_trip(adapter, worker, f'q{number}', f'a{number}')
            self.assertEqual([turn['text'] for turn in job['history'] if turn['role'] == 'user'],
                             [f'q{before}' for before in range(number - 20, number)])

    def test_history_by_conf_and_by_worker(self):
        broker, adapter, worker = self.start(**{'session.history_turns': 3})
        few, none = broker.worker('few', services=['few'], history=1), None
        for number in range(5):
            job, _ = self.round_trip(adapter, worker, f'q{number}')
        self.assertEqual(len(job['history']), 6)
        worker.bye()
        few.bye()
        broker.wait_log('peer.gone', name='few')
        few = broker.worker('few', history=1)
        job, _ = self.round_trip(adapter, few, 'q5')
        self.assertEqual([turn['text'] for turn in job['history']], ['q4', 'an answer'])
        few.bye()
        wait(lambda: len(broker.logged('peer.gone', name='few')) == 2, 'few has left')
        none = broker.worker('none', history=0)
        job, _ = self.round_trip(adapter, none, 'q6')
        self.assertEqual(job['history'], [])

    def test_history_off(self):
        _, adapter, worker = self.start(**{'session.history_turns': 0})
        for number in range(3):
            job, _ = self.round_trip(adapter, worker, f'q{number}')
        self.assertEqual(job['history'], [])

    def test_state_is_kept_across_restart_and_kill_9(self):
        broker, adapter, worker = self.start()
        state = {'goal': 'house', 'risk': 3, 'nested': {'list': [1, 2.5, None, True, 'text', b'bytes']}}
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'noted', state=state)
        self.deliver(adapter)
        for crash in (True, False, True):
            broker.restart(crash)
            adapter.hello()
            worker.hello()
            self.assertEqual(broker.session('web_1')['state'], state)
            job, _ = self.round_trip(adapter, worker, 'again')
            self.assertEqual(job['state'], state)

    def test_state_is_of_one_session(self):
        _, adapter, worker = self.start()
        adapter.publish('hello', session='a')
        worker.reply(worker.job()['lease'], 'noted', state={'mine': 1})
        self.deliver(adapter)
        job, _ = self.round_trip(adapter, worker, 'hello', session='b')
        self.assertEqual(job['state'], {})

    def test_state_has_a_limit_that_is_said(self):
        broker, adapter, worker = self.start(**{'session.state_kb': 1, 'agents.attempts': 1})
        adapter.publish('hello')
        job = worker.job()
        worker.reply(job['lease'], 'noted', state={'big': 'x' * 2000})
        lease, code, reason = worker.expect('CANCEL')
        self.assertEqual((lease, code), (job['lease'], 'bad_reply'))
        self.assertIn('1024', reason)
        self.assertIn('1024', broker.letter()['why'])

    def test_idle_time_goes_on_across_a_restart(self):
        broker, adapter, worker = self.start(**{'session.idle_s': 2})
        self.round_trip(adapter, worker, 'hello')
        broker.restart(crash=True)
        broker.wait_log('session.ended')
        self.assertEqual(broker.logged('session.ended')[0]['message_count'], 1)

    def test_list_in_pages_and_by_platform(self):
        broker, web, worker = self.start()
        slack = broker.adapter('slack')
        for number in range(25):
            web.publish('x', session=f'{number:02}')
        slack.publish('x', session='99')
        web.stored(25)
        slack.stored()
        seen, after = [], ''
        while after is not None:
            page = broker.ask('sessions.list', after=after, limit=10)
            seen += [item['session_id'] for item in page['items']]
            after = page['next']
        self.assertEqual(seen, ['slack_99'] + [f'web_{number:02}' for number in range(25)])
        items = broker.ask('sessions.list', platform='slack')['items']
        self.assertEqual([item['session_id'] for item in items], ['slack_99'])
        worker.bye()

    def test_a_thousand_sessions_survive_kill_9(self):
        broker, adapter, worker = self.start(**{'limits.sessions': 2000})
        worker.send_credit(1000)
        for number in range(1000):
            adapter.publish('hello', session=str(number))
        adapter.send_credit(1000)
        adapter.stored(1000)
        for number in range(1000):
            job = worker.job()
            worker.reply(job['lease'], 'noted', state={'number': job['envelope']['session_id']})
        for number in range(1000):
            adapter.delivered(adapter.delivery()['delivery'])
        broker.wait_metric('outbox', 0)
        broker.restart(crash=True)
        self.assertEqual(broker.metric('sessions'), 1000)
        for number in (0, 500, 999):
            shown = broker.session(f'web_{number}')
            self.assertEqual((shown['state'], shown['message_count']), ({'number': f'web_{number}'}, 1))


if __name__ == '__main__':
    unittest.main()
