#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The wall clock jumps, by hours and in both directions: nothing is lost, and no wait ends early or never."""

import time
import unittest

from palaverd import SECONDS, BrokerTest, World
from wireclient import frame

HOUR = 3600


class Clock(BrokerTest):
    def start(self, **conf):
        self.world = World(self.folder())
        broker = self.broker(conf, env=self.world.env())
        return broker, broker.adapter(), broker.worker()

    def jump(self, broker, seconds):
        """The clock jumps, and the broker has seen it."""
        mark = broker.mark()
        self.world.set(clock_s=seconds)
        broker.ask('status')
        line = broker.wait_log('clock.jumped', after=mark)
        return line['by_ms']

    def test_a_jump_is_logged_with_its_size(self):
        broker, _, _ = self.start()
        self.assertAlmostEqual(self.jump(broker, 3 * HOUR), 3 * HOUR * 1000, delta=2000)
        self.assertAlmostEqual(self.jump(broker, -HOUR), -4 * HOUR * 1000, delta=2000)

    def test_a_lease_outlives_a_jump(self):
        for jump in (5 * HOUR, -5 * HOUR):
            broker, adapter, worker = self.start()
            adapter.publish('hello')
            job = worker.job()
            self.jump(broker, jump)
            worker.quiet('CANCEL')
            worker.reply(job['lease'], 'an answer')
            self.assertEqual(self.deliver(adapter)['response_text'], 'an answer')
            self.assertEqual(broker.dead(), [])

    def test_a_reply_that_waits_is_not_late_because_the_clock_jumped(self):
        broker, adapter, worker = self.start()
        adapter.send_credit(0)
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'an answer')
        worker.expect('COMMITTED')
        self.jump(broker, 48 * HOUR)
        adapter.send_credit(8)
        self.assertEqual(self.deliver(adapter)['response_text'], 'an answer')
        self.assertEqual(broker.dead(), [])

    def test_a_session_does_not_end_because_the_clock_jumped(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello')
        self.jump(broker, 48 * HOUR)
        adapter.quiet('DELIVER', 0.2)
        self.assertEqual(broker.metric('sessions'), 1)

    def test_a_backoff_ends_although_the_clock_went_back(self):
        broker, adapter, worker = self.start(**{'agents.backoff_ms': 300, 'agents.backoff_max_ms': 600})
        adapter.publish('hello')
        worker.nack(worker.job()['lease'])
        worker.expect('COMMITTED')
        self.jump(broker, -5 * HOUR)
        self.assertEqual(worker.job(5)['attempt'], 2)

    def test_a_backoff_ends_although_the_clock_went_back_across_a_restart(self):
        broker, adapter, worker = self.start(**{'agents.backoff_ms': 300, 'agents.backoff_max_ms': 600})
        adapter.publish('hello')
        worker.nack(worker.job()['lease'])
        worker.expect('COMMITTED')
        broker.kill()
        self.world.set(clock_s=-5 * HOUR)
        broker.start()
        worker.hello()
        self.assertEqual(worker.job(5)['attempt'], 2)

    def test_a_session_ends_although_the_clock_went_back(self):
        broker, adapter, worker = self.start(**{'session.idle_s': 1})
        self.round_trip(adapter, worker, 'hello')
        self.jump(broker, -5 * HOUR)
        broker.wait_log('session.ended')

    def test_durations_in_metrics_are_not_negative_or_huge(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        job = worker.job()
        self.jump(broker, 5 * HOUR)
        worker.reply(job['lease'], 'an answer')
        delivery = adapter.delivery()
        self.jump(broker, 10 * HOUR)
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        metrics = broker.metrics()
        for name in ('job_time', 'reply_to_delivered', 'stored_to_dispatch', 'accept_to_stored'):
            self.assertTrue(0 <= metrics[f'{name}_seconds_sum'] < 60, (name, metrics[f'{name}_seconds_sum']))

    def test_rate_limit_window_is_not_the_wall_clock(self):
        broker, adapter, _ = self.start(**{'rate_limit.on': True, 'rate_limit.messages': 2})
        for _ in range(2):
            adapter.publish('hello')
        adapter.stored(2)
        self.jump(broker, 5 * HOUR)
        adapter.publish('hello')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('rate_limited'), 1)

    def test_a_second_copy_is_known_after_a_jump_back(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello', platform_id='m1')
        self.jump(broker, -48 * HOUR)
        adapter.publish('hello', platform_id='m1')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('events_duplicate'), 1)

    def test_a_second_copy_is_known_after_a_jump_ahead(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello', platform_id='m1')
        self.jump(broker, 3 * 365 * 24 * HOUR)
        for number in range(3):  # turns, in which ids that have expired are dropped
            self.round_trip(adapter, worker, 'hello', platform_id=f'other{number}')
        for _ in range(2):
            adapter.publish('hello', platform_id='m1')
            adapter.expect('STORED')
            self.assertEqual(broker.metric('events_duplicate'), 1)
            broker.restart()
            adapter.hello()

    def test_a_deadline_ends_although_the_clock_went_back(self):
        broker, adapter, worker = self.start(**{'agents.deadline_ms': 700})
        adapter.publish('hello')
        job = worker.job()
        begun = time.monotonic()
        self.jump(broker, -5 * HOUR)
        self.assertEqual(worker.expect('CANCEL')[:2], [job['lease'], 'deadline'])
        self.assertLess(time.monotonic() - begun, SECONDS)

    def test_the_breaker_opens_again_by_the_monotonic_clock(self):
        broker, adapter, worker = self.start(**{'breaker.threshold': 2, 'breaker.open_s': 1})
        for session in 'ab':
            adapter.publish('hello', session=session)
        for _ in 'ab':
            worker.nack(worker.job()['lease'])
        broker.wait_log('route.paused')
        self.jump(broker, -5 * HOUR)
        broker.wait_log('route.probing')
        worker.send(frame('CREDIT', 8))
        worker.job()


if __name__ == '__main__':
    unittest.main()
