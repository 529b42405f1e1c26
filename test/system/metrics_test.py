#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Metrics: one for each step of the contract, in the Prometheus text format, and true."""

import os
import re
import unittest

from palaverd import BrokerTest, wait

STEPS = ('accept_to_stored', 'stored_to_dispatch', 'job_time', 'reply_to_delivered', 'commit_time')


class Metrics(BrokerTest):
    def start(self, **conf):
        broker = self.broker(conf)
        return broker, broker.adapter(), broker.worker()

    def test_the_text_is_well_formed(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello')
        kinds, seen = {}, set()
        for line in broker.ask('metrics')['text'].splitlines():
            if line.startswith('# TYPE '):
                _, _, name, kind = line.split(' ')
                self.assertNotIn(name, kinds, 'a type is said once')
                kinds[name] = kind
                continue
            if line.startswith('# HELP '):
                self.assertTrue(line.split(' ', 3)[3])
                continue
            match = re.fullmatch(r'(palaver_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (-?[0-9.e+-]+|\+Inf)', line)
            self.assertTrue(match, line)
            name = re.sub(r'_(bucket|sum|count)$', '', match[1]) if match[1] not in kinds else match[1]
            self.assertIn(name, kinds, line)
            key = match[1] + (match[2] or '')
            self.assertNotIn(key, seen, 'a series is there once')
            seen.add(key)
        self.assertEqual({kind for kind in kinds.values()}, {'counter', 'gauge', 'histogram'})
        self.assertGreater(len(kinds), 40)

    def test_a_round_trip_is_counted_at_each_step(self):
        broker, adapter, worker = self.start()
        for number in range(10):
            self.round_trip(adapter, worker, 'hello', session=str(number), platform_id=str(number))
        metrics = broker.metrics()
        for name in ('events_accepted', 'jobs_dispatched', 'replies', 'deliveries{outcome="sent"}', 'sessions_created',
                     'sessions', 'dedup_ids'):
            self.assertEqual(metrics[name], 10, name)
        for name in ('events_duplicate', 'jobs_retried', 'pending_events', 'outbox', 'leases', 'dead', 'pending_bytes'):
            self.assertEqual(metrics[name], 0, name)
        for name in STEPS[:4]:
            self.assertEqual(metrics[f'{name}_seconds_count'], 10, name)
            self.assertTrue(0 <= metrics[f'{name}_seconds_sum'] < 10, name)
        self.assertEqual(metrics['events_per_commit_sum'], 10)
        self.assertGreaterEqual(metrics['commits'], metrics['commit_syncs'])
        self.assertGreater(metrics['commit_bytes'], 1000)
        self.assertEqual((metrics['peers{role="adapter"}'], metrics['peers{role="worker"}']), (1, 1))

    def test_histograms_are_cumulative(self):
        broker, adapter, worker = self.start()
        for number in range(5):
            self.round_trip(adapter, worker, 'hello', session=str(number))
        text = broker.ask('metrics')['text']
        for name in STEPS:
            rows = re.findall(rf'palaver_{name}_seconds_bucket{{le="([^"]+)"}} (\d+)', text)
            counts = [int(count) for _, count in rows]
            bounds = [float(bound) for bound, _ in rows]
            self.assertEqual(counts, sorted(counts))
            self.assertEqual(bounds, sorted(bounds))
            self.assertEqual(rows[-1][0], '+Inf')
            self.assertEqual(counts[-1], int(re.search(rf'palaver_{name}_seconds_count (\d+)', text)[1]))

    def test_gauges_rise_and_fall(self):
        broker, adapter, worker = self.start()
        adapter.publish('x' * 1000)
        job = worker.job()
        metrics = broker.metrics()
        self.assertEqual((metrics['pending_events'], metrics['leases'], metrics['outbox']), (1, 1, 0))
        self.assertGreater(metrics['pending_bytes'], 1000)
        worker.reply(job['lease'], 'done')
        delivery = adapter.delivery()
        metrics = broker.metrics()
        self.assertEqual((metrics['pending_events'], metrics['leases'], metrics['outbox']), (0, 0, 1))
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        metrics = broker.metrics()
        self.assertEqual((metrics['outbox'], metrics['pending_bytes']), (0, 0))

    def test_gauges_are_true_after_kill_9(self):
        broker, adapter, worker = self.start()
        adapter.publish('dead', session='d', platform_id='d')
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        adapter.publish('waits', session='w', platform_id='w')
        worker.job()
        adapter.publish('replied', session='r', platform_id='r')
        adapter.send_credit(0)
        worker.reply(worker.job()['lease'], 'done')
        worker.expect('COMMITTED')
        before = broker.metrics()
        for crash in (True, False):
            broker.restart(crash)
            after = broker.metrics()
            for name in ('pending_events', 'outbox', 'sessions', 'dead', 'dedup_ids', 'pending_bytes'):
                self.assertEqual(after[name], before[name], name)
        self.assertEqual((before['pending_events'], before['outbox'], before['sessions'], before['dead']), (1, 1, 3, 1))

    def test_steps_saved_and_their_gauge(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        job = worker.job()
        worker.step(job['lease'], 'a', b'x')
        worker.step(job['lease'], 'b', b'x')
        metrics = broker.metrics()
        self.assertEqual((metrics['steps_saved'], metrics['steps']), (2, 2))
        worker.reply(job['lease'], 'done')
        self.deliver(adapter)
        self.assertEqual(broker.metric('steps'), 0)

    def test_credit_is_what_workers_would_take_right_now(self):
        broker, adapter, worker = self.start()
        self.assertEqual(broker.metric('credit'), 16)
        adapter.publish('hello')
        job = worker.job()
        self.assertEqual(broker.metric('credit'), 15)
        worker.reply(job['lease'], 'done')
        self.deliver(adapter)
        other = broker.worker('other', credit=4)
        self.assertEqual(broker.metric('credit'), 20)
        other.bye()
        wait(lambda: broker.metric('credit') == 16, 'its credit is gone')

    def test_group_commit_makes_fewer_commits_than_events(self):
        broker, adapter, _ = self.start()
        for number in range(500):
            adapter.publish('x', session=str(number % 10))
        adapter.stored(500)
        metrics = broker.metrics()
        self.assertLess(metrics['commits'], 300)
        self.assertEqual(metrics['events_per_commit_sum'], 500)

    def busy_polls(self, **conf):
        broker, adapter, worker = self.start(**conf)
        for number in range(20):
            self.round_trip(adapter, worker, 'hello', platform_id=str(number))
        metrics = broker.metrics()
        return sum(metrics[f'busy_polls{{result="{result}"}}'] for result in ('found', 'nothing'))

    @unittest.skipIf(len(os.sched_getaffinity(0)) == 1, 'there is one processor')
    def test_the_loop_looks_for_more_before_it_sleeps(self):
        self.assertGreater(self.busy_polls(), 0)

    def test_the_loop_sleeps_at_once_when_it_is_told_to(self):
        self.assertEqual(self.busy_polls(run={'busy_poll_us': 0}), 0)

    def test_status_agrees(self):
        broker, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello')
        status, metrics = broker.ask('status'), broker.metrics()
        self.assertEqual(status['state'], 'ready')
        for name in ('sessions', 'outbox', 'pending_events', 'dead'):
            self.assertEqual(status['counts'][name], metrics[name], name)
        self.assertEqual((status['counts']['adapters'], status['counts']['agents']), (1, 1))
        self.assertEqual([(row['name'], row['breaker'], row['workers']) for row in status['routes']],
                         [('default', 'closed', 1)])


if __name__ == '__main__':
    unittest.main()
