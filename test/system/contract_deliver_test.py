#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The delivery contract, clause 3.7 (deliver), against a real broker."""

import os
import resource
import time
import unittest

from palaverd import QUICK, BrokerTest, World, route
from wireclient import frame, pack, text_id



class Deliver(BrokerTest):
    def answered(self, conf=None, text='an answer', env=None, **options):
        """A broker, an adapter and a worker, and one answer on its way."""
        broker = self.broker(conf, env=env)
        adapter, worker = broker.adapter(**options), broker.worker()
        _, event = adapter.publish('hello', platform_id='m1')
        worker.reply(worker.job()['lease'], text)
        worker.expect('COMMITTED')
        self.event = event
        return broker, adapter, worker

    def test_3_7_sent(self):
        broker, adapter, _ = self.answered()
        delivery = adapter.delivery()
        envelope = delivery['envelope']
        self.assertEqual((envelope['type'], envelope['reply_to'], envelope['session_id'], envelope['user_id']),
                         ('chat.response', self.event, 'web_1', 'u1'))
        self.assertEqual((delivery['attempt'], delivery['body']['response_text']), (1, 'an answer'))
        adapter.delivered(delivery['delivery'], 'sent', 'p77')
        self.assertEqual(adapter.expect('SETTLED'), [[delivery['delivery']]])
        adapter.quiet('DELIVER', 0.1)
        self.assertEqual(broker.metric('outbox'), 0)
        self.assertEqual(broker.metric('deliveries{outcome="sent"}'), 1)

    def test_3_7_not_sent_is_tried_again(self):
        broker, adapter, _ = self.answered()
        for attempt in (1, 2, 3):
            delivery = adapter.delivery()
            self.assertEqual(delivery['attempt'], attempt)
            adapter.delivered(delivery['delivery'], 'not_sent', reason='502')
            adapter.expect('SETTLED')
        self.deliver(adapter)
        self.assertEqual(broker.dead(), [])
        self.assertEqual(broker.metric('deliveries{outcome="not_sent"}'), 3)

    def test_3_7_retry_after_is_honoured(self):
        _, adapter, _ = self.answered()
        first = adapter.delivery()
        begun = time.monotonic()
        adapter.delivered(first['delivery'], 'not_sent', retry_after_ms=600)
        adapter.delivery()
        self.assertGreaterEqual(time.monotonic() - begun, 0.59)

    def test_3_7_retry_after_is_honoured_across_kill_9(self):
        broker, adapter, _ = self.answered({'delivery.backoff_max_ms': 5000})
        begun = time.monotonic()
        adapter.delivered(adapter.delivery()['delivery'], 'not_sent', retry_after_ms=1500)
        adapter.expect('SETTLED')
        broker.restart(crash=True)
        adapter.hello()
        adapter.delivery()
        self.assertGreaterEqual(time.monotonic() - begun, 1.4)

    def test_3_7_not_sent_ends_as_dead_letter(self):
        broker, adapter, _ = self.answered({'delivery.attempts': 3})
        for _ in range(3):
            adapter.delivered(adapter.delivery()['delivery'], 'not_sent', reason='502')
        letter = broker.letter()
        self.assertEqual((letter['type'], letter['reason'], letter['why']), ('chat.response', 'attempts', '502'))
        self.assertEqual(len(letter['ledger']), 3)
        adapter.quiet('DELIVER', 0.1)

    def test_3_7_refused_is_permanent(self):
        broker, adapter, worker = self.answered()
        adapter.delivered(adapter.delivery()['delivery'], 'refused', reason='403: blocked by the user')
        adapter.expect('SETTLED')
        letter = broker.letter()
        self.assertEqual((letter['reason'], letter['why']), ('refused', '403: blocked by the user'))
        self.assertEqual(letter['body']['response_text'], 'an answer')
        self.assertEqual([row['how'] for row in letter['ledger']], ['refused'])
        self.assertEqual(broker.metric('deliveries{outcome="refused"}'), 1)
        self.round_trip(adapter, worker, 'the session goes on')

    def test_3_7_unknown_without_deduplicates_is_a_dead_letter_that_says_so(self):
        broker, adapter, _ = self.answered()
        adapter.delivered(adapter.delivery()['delivery'], 'unknown', reason='the line went dead')
        adapter.expect('SETTLED')
        letter = broker.letter()
        self.assertEqual((letter['reason'], letter['outcome'], letter['why']),
                         ('unknown', 'unknown', 'the line went dead'))
        adapter.quiet('DELIVER', 0.1)

    def test_3_7_unknown_with_deduplicates_is_tried_again(self):
        broker, adapter, _ = self.answered(deduplicates=True)
        first = adapter.delivery()
        adapter.delivered(first['delivery'], 'unknown')
        second = adapter.delivery()
        self.assertEqual(second['envelope']['id'], first['envelope']['id'], 'the nonce of the platform')
        adapter.delivered(second['delivery'])
        adapter.expect('SETTLED')
        self.assertEqual(broker.dead(), [])

    def test_3_7_no_word_in_time_is_unknown(self):
        broker, adapter, _ = self.answered({'delivery.timeout_ms': 300})
        delivery = adapter.delivery()
        self.assertEqual(broker.letter()['reason'], 'unknown')
        adapter.delivered(delivery['delivery'])
        self.assertEqual(adapter.expect('SETTLED'), [[delivery['delivery']]])
        self.assertEqual(len(broker.dead()), 1)

    def test_3_7_an_adapter_that_dies_with_the_reply_in_hand_leaves_it_unknown(self):
        broker, adapter, _ = self.answered(QUICK)
        adapter.delivery()
        adapter.close()
        letter = broker.letter()
        self.assertEqual((letter['reason'], [row['how'] for row in letter['ledger']]), ('unknown', ['adapter_died']))

    def test_3_7_an_adapter_that_dies_and_deduplicates_gets_it_again(self):
        broker, adapter, _ = self.answered(QUICK, deduplicates=True)
        first = adapter.delivery()
        adapter.close()
        broker.wait_log('peer.gone')
        adapter = broker.adapter(deduplicates=True)
        self.assertEqual(adapter.delivery()['envelope']['id'], first['envelope']['id'])
        self.assertEqual(broker.dead(), [])

    def test_3_7_an_adapter_that_leaves_in_order_gives_it_back(self):
        broker, adapter, _ = self.answered()
        adapter.delivery()
        adapter.bye()
        broker.wait_log('peer.gone')
        adapter = broker.adapter()
        self.assertEqual(adapter.delivery()['attempt'], 2)
        self.assertEqual(broker.dead(), [])

    def test_3_7_a_delivery_outlives_the_broker(self):
        broker, adapter, _ = self.answered()
        delivery = adapter.delivery()
        broker.restart(crash=True)
        adapter.options['holding'] = [delivery['delivery']]
        adapter.hello()
        adapter.quiet('DELIVER', 0.2)
        adapter.delivered(delivery['delivery'])
        self.assertEqual(adapter.expect('SETTLED'), [[delivery['delivery']]])
        self.assertEqual((broker.metric('outbox'), broker.dead()), (0, []))

    def test_3_7_a_delivery_that_never_arrived_is_sent_again_after_a_crash(self):
        broker, adapter, _ = self.answered()
        first = adapter.delivery()
        broker.restart(crash=True)
        adapter.hello()
        again = adapter.delivery()
        self.assertEqual(again['envelope']['id'], first['envelope']['id'])
        self.assertEqual(broker.dead(), [])

    def test_3_7_crash_of_broker_and_adapter_is_unknown(self):
        broker, adapter, _ = self.answered(QUICK)
        adapter.delivery()
        adapter.close()
        broker.restart(crash=True)
        broker.adapter()
        self.assertEqual(broker.letter()['reason'], 'unknown')

    def test_3_7_the_outcome_is_on_disk_before_settled(self):
        world = World(self.folder())
        broker, adapter, _ = self.answered(env=world.env())
        delivery = adapter.delivery()
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        broker.restart(crash=True)
        adapter.hello()
        adapter.quiet('DELIVER', 0.2)
        self.assertEqual(broker.metric('outbox'), 0)

    def test_3_7_a_reply_waits_for_its_adapter(self):
        broker, adapter, _ = self.answered(credit=0)
        adapter.bye()
        broker.wait_log('peer.gone')
        items = broker.ask('adapters.list')['items']
        self.assertEqual([(item['name'], item['state'], item['waiting']) for item in items], [('web', 'away', 1)])
        broker.restart(crash=True)
        self.assertEqual(self.deliver(broker.adapter())['response_text'], 'an answer')

    def test_3_7_a_late_reply_is_dropped(self):
        broker, adapter, worker = self.answered({'routes': [route(not_after_s=1)]}, credit=0)
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            adapter.quiet('DELIVER', 0.1)
        adapter.send(frame('CREDIT', 8))
        letter = broker.letter()
        self.assertEqual((letter['reason'], letter['outcome'], letter['code']), ('expired', 'expired', 'late'))
        adapter.quiet('DELIVER', 0.1)
        self.assertEqual(broker.metric('deliveries_late'), 1)
        self.round_trip(adapter, worker, 'the session goes on')

    def test_3_7_thousands_of_late_replies_of_one_session_die_one_by_one(self):
        def small_stack():
            resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
        broker = self.broker({'rate_limit.on': True, 'rate_limit.messages': 1, 'rate_limit.window_s': 86400,
                              'delivery.not_after_s': 1, 'routes': [route()], 'log.level': 'error'},
                             start=False, preexec=small_stack)
        broker.launch()
        adapter, count = broker.adapter(credit=1), 10000
        for number in range(count):
            adapter.publish('again')
            if number % 500 == 499:
                adapter.stored(500)
        first = adapter.delivery()
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            adapter.quiet('DELIVER', 0.1)
        adapter.delivered(first['delivery'])
        adapter.expect('SETTLED')
        broker.wait_metric('outbox', 0)
        self.assertEqual(broker.metric('dead'), count - 2)  # the first message waits for a worker

    def test_3_7_a_late_reply_is_marked(self):
        broker, adapter, _ = self.answered({'routes': [route(not_after_s=1)], 'delivery.late': 'mark'}, credit=0)
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            adapter.quiet('DELIVER', 0.1)
        adapter.send(frame('CREDIT', 8))
        body = self.deliver(adapter)
        self.assertEqual((body['metadata']['late'], body['response_text']), (True, 'an answer'))
        self.assertEqual(broker.dead(), [])

    def test_3_7_a_reply_in_time_is_not_marked(self):
        _, adapter, _ = self.answered({'delivery.late': 'mark'})
        self.assertNotIn('late', self.deliver(adapter).get('metadata', {}))

    def test_3_7_the_id_of_a_reply_is_stable_and_its_own(self):
        _, adapter, worker = self.answered()
        ids = set()
        for number in range(3):
            delivery = adapter.delivery()
            ids.add(text_id(delivery['envelope']['id']))
            adapter.delivered(delivery['delivery'])
            adapter.expect('SETTLED')
            adapter.publish(f'{number}')
            worker.reply(worker.job()['lease'], 'x')
        self.assertEqual(len(ids), 3)
        self.assertNotIn(text_id(self.event), ids)

    def test_3_7_an_outcome_of_another_process_of_the_same_name_changes_nothing(self):
        broker, adapter, _ = self.answered({'agents.timeout_ms': 5000})
        delivery = adapter.delivery()
        other = broker.adapter('other')
        other.delivered(delivery['delivery'])
        other.expect('SETTLED')
        self.assertEqual(broker.metric('outbox'), 1)
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        self.assertEqual(broker.metric('outbox'), 0)

    def test_3_7_an_outcome_that_is_no_word_of_the_table_is_a_violation(self):
        broker, adapter, _ = self.answered()
        adapter.delivered(adapter.delivery()['delivery'], 'perhaps')
        code, text, verb = adapter.expect('ERROR')
        self.assertEqual((code, verb), ('PROTOCOL', 'DELIVERED'))
        self.assertIn('not_sent', text)
        self.assertEqual(broker.metric('outbox'), 1)

    def test_3_7_live_text_reaches_the_adapter_and_is_never_stored(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        _, event = adapter.publish('hello')
        job = worker.job()
        commits = broker.metric('commits')
        envelope = {**job['envelope'], 'id': os.urandom(16), 'type': 'chat.delta', 'reply_to': event}
        envelope.pop('adapter')
        delta = pack({'delta': 'hi', 'index': 0})
        worker.send(frame('LIVE', envelope, delta))
        got, body = adapter.expect('LIVE')
        self.assertEqual((got['session_id'], got['reply_to'], body), ('web_1', event, delta))
        self.assertEqual(broker.metric('commits'), commits)


if __name__ == '__main__':
    unittest.main()
