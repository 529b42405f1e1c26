#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The delivery contract, clauses 3.1 (accept) and 3.11 (flow), against a real broker."""

import signal
import time
import unittest

from palaverd import BrokerTest, World, wait
from wireclient import event_id, frame


class Accept(BrokerTest):
    def test_3_1_stored_waits_for_the_disk(self):
        world = World(self.folder())
        broker = self.broker(env=world.env())
        adapter = broker.adapter()
        adapter.publish('warm')
        adapter.expect('STORED')
        world.set(sync_s=0.5)
        begun = time.monotonic()
        adapter.publish('slow')
        adapter.expect('STORED')
        self.assertGreaterEqual(time.monotonic() - begun, 0.5)
        self.assertEqual(broker.metric('events_accepted'), 2)

    def test_3_1_what_is_stored_survives_kill_9(self):
        broker = self.broker()
        adapter = broker.adapter()
        texts = [f'message {number}' for number in range(50)]
        for number, text in enumerate(texts):
            adapter.publish(text, session=str(number % 7), platform_id=text)
        adapter.stored(50)
        broker.restart(crash=True)
        worker = broker.worker(credit=50)
        seen = []
        while len(seen) < 50:
            job = worker.job()
            seen.append(job['body']['message_text'])
            worker.reply(job['lease'], 'yes')
        self.assertEqual(sorted(seen), sorted(texts))

    def test_3_1_every_acknowledged_commit_was_synced(self):
        broker = self.broker()
        adapter = broker.adapter()
        before = broker.metrics()
        for number in range(5):
            adapter.publish(f'{number}')
            adapter.expect('STORED')
        after = broker.metrics()
        self.assertGreaterEqual(after['commit_syncs'] - before['commit_syncs'], 5)

    def test_3_1_second_copy_is_answered_and_dropped(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'first', platform_id='m1')
        seq, _ = adapter.publish('first', platform_id='m1')
        self.assertEqual(adapter.stored(), [seq])
        self.assertEqual(broker.metric('events_duplicate'), 1)
        job, _ = self.round_trip(adapter, worker, 'second', platform_id='m2')
        self.assertEqual(job['body']['message_text'], 'second')

    def test_3_1_second_copy_while_the_first_is_not_on_disk_yet(self):
        world = World(self.folder())
        broker = self.broker(env=world.env())
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'warm')
        world.set(sync_s=0.3)
        envelope, body = adapter.event('twice', platform_id='m1')
        begun = time.monotonic()
        seqs = {adapter.post(envelope, body), adapter.post(envelope, body)}
        self.assertEqual(set(adapter.stored(2)), seqs)
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)
        world.set()
        worker.job()
        self.assertEqual(broker.metric('events_accepted'), 2)

    def test_3_1_second_copy_is_dropped_after_restart_and_kill_9(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'first', platform_id='m1')
        for crash in (False, True):
            broker.restart(crash)
            adapter.hello()
            seq, _ = adapter.publish('first', platform_id='m1')
            self.assertEqual(adapter.stored(), [seq])
            self.assertEqual(broker.metric('events_duplicate'), 1)
            self.assertEqual(broker.metric('pending_events'), 0)

    def test_3_1_same_id_of_another_adapter_is_another_event(self):
        broker = self.broker()
        one, other = broker.adapter('one'), broker.adapter('other')
        for adapter in (one, other):
            adapter.publish('hello', platform_id='m1')
            adapter.expect('STORED')
        self.assertEqual(broker.metric('events_accepted'), 2)
        self.assertEqual(broker.metric('events_duplicate'), 0)

    def test_3_1_dedup_window(self):
        world = World(self.folder())
        broker = self.broker({'dedup.h': 1, 'session.idle_s': 100000, 'agents.timeout_ms': 600000}, env=world.env())
        adapter = broker.adapter()
        adapter.publish('first', platform_id='m1')
        adapter.expect('STORED')
        self.let_pass(world, 3000, adapter)
        adapter.publish('within the hour', platform_id='m1')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('events_duplicate'), 1)
        self.let_pass(world, 1000, adapter)
        broker.metrics()
        adapter.publish('an hour later', platform_id='m1')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('events_duplicate'), 1)
        self.assertEqual(broker.metric('events_accepted'), 2)

    def test_3_1_event_without_platform_id_is_never_a_copy(self):
        broker = self.broker()
        adapter = broker.adapter()
        event = event_id()
        for _ in range(2):
            adapter.publish('hello', event=event)
            adapter.expect('STORED')
        self.assertEqual(broker.metric('events_accepted'), 2)

    def test_3_1_a_failed_sync_is_never_acknowledged(self):
        world = World(self.folder())
        broker = self.broker(env=world.env())
        adapter = broker.adapter()
        adapter.publish('kept', platform_id='m1')
        adapter.expect('STORED')
        world.set(sync_errno=5)
        adapter.publish('lost', platform_id='m2')
        code = broker.wait_exit()
        self.assertEqual(code, 1, broker.tail())
        self.assertTrue(broker.logged('store.failed'), broker.tail())
        self.assertTrue(broker.logged('broker.failed'), broker.tail())
        adapter.quiet('STORED')
        world.set()
        broker.start()
        worker = broker.worker()
        self.assertEqual(worker.job()['body']['message_text'], 'kept')


class Flow(BrokerTest):
    def busy(self, conf, first, then, reason):
        """After `first` a further message gets BUSY with this reason, and is taken once there is room."""
        broker = self.broker(conf)
        adapter = broker.adapter(credit=0)
        for text, session in first:
            adapter.publish(text, session=session)
            adapter.expect('STORED')
        envelope, body = adapter.event(then[0], session=then[1], platform_id='late')
        seq = adapter.post(envelope, body)
        got, retry_ms, words = adapter.expect('BUSY')
        self.assertEqual(got, seq)
        self.assertGreater(retry_ms, 0)
        self.assertIn(reason, words)
        self.assertEqual(broker.metric('events_busy'), 1)
        self.assertEqual(broker.metric('events_accepted'), len(first))
        return broker, adapter, (envelope, body)

    def drain(self, broker, adapter, count):
        adapter.send(frame('CREDIT', 64))
        worker = broker.worker(credit=100)
        for _ in range(count):
            worker.reply(worker.job()['lease'], 'done')
            self.deliver(adapter)

    def test_3_11_busy_at_limits_pending(self):
        broker, adapter, late = self.busy({'limits.pending': 3}, [('a', '1'), ('b', '2'), ('c', '3')], ('d', '4'),
                                          'limits.pending')
        self.drain(broker, adapter, 3)
        seq = adapter.post(*late)
        self.assertEqual(adapter.stored(), [seq])

    def test_3_11_busy_at_limits_session_queue(self):
        broker, adapter, late = self.busy({'limits.session_queue': 2}, [('a', '1'), ('b', '1')], ('c', '1'),
                                          'limits.session_queue')
        adapter.publish('another session', session='2')
        adapter.expect('STORED')
        self.drain(broker, adapter, 3)
        adapter.post(*late)
        adapter.expect('STORED')

    def test_3_11_busy_at_limits_sessions(self):
        broker, adapter, _ = self.busy({'limits.sessions': 2}, [('a', '1'), ('b', '2')], ('c', '3'), 'limits.sessions')
        adapter.publish('an open session goes on', session='1')
        adapter.expect('STORED')
        self.drain(broker, adapter, 3)

    def test_3_11_busy_at_limits_pending_mb(self):
        texts = [('x' * 600000, '1'), ('y' * 600000, '2')]
        broker, adapter, _ = self.busy({'limits.pending_mb': 1, 'content.chars': 1000000}, texts, ('z', '3'),
                                       'limits.pending_mb')
        self.drain(broker, adapter, 2)

    def test_3_11_busy_at_dedup_max(self):
        broker = self.broker({'dedup.max': 1000})
        adapter, worker = broker.adapter(), broker.worker(credit=1000)
        for number in range(1000):
            adapter.publish('x', session=str(number), platform_id=f'm{number}')
        adapter.stored(1000)
        adapter.publish('y', platform_id='m1000')
        self.assertIn('dedup.max', adapter.expect('BUSY')[2])
        adapter.publish('a copy of what is known', platform_id='m1')
        adapter.expect('STORED')
        for _ in range(1000):
            worker.reply(worker.job()['lease'], 'done')

    def test_3_11_credit_bounds_what_a_worker_holds(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker(credit=2)
        for number in range(5):
            adapter.publish(f'{number}', session=str(number))
        adapter.stored(5)
        jobs = [worker.job(), worker.job()]
        worker.quiet('JOB')
        self.assertEqual(broker.metric('leases'), 2)
        worker.reply(jobs[0]['lease'], 'done')
        worker.job()
        worker.quiet('JOB')
        worker.send(frame('CREDIT', 4))
        worker.job()
        worker.job()
        self.assertEqual(broker.metric('leases'), 4)

    def test_3_11_credit_0_finishes_and_takes_no_more(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker(credit=4)
        adapter.publish('a', session='1')
        job = worker.job()
        worker.send(frame('CREDIT', 0))
        wait(lambda: broker.metric('credit') == 0, 'the credit is taken back')
        adapter.publish('b', session='2')
        adapter.stored(2)
        worker.quiet('JOB')
        worker.reply(job['lease'], 'done')
        worker.expect('COMMITTED')
        worker.quiet('JOB', 0.1)
        self.assertEqual(broker.worker('second').job()['body']['message_text'], 'b')

    def test_3_11_credit_bounds_what_an_adapter_holds(self):
        broker = self.broker()
        adapter, worker = broker.adapter(credit=1), broker.worker()
        for number in range(3):
            adapter.publish(f'{number}', session=str(number))
            worker.reply(worker.job()['lease'], 'done')
        for left in (2, 1, 0):
            delivery = adapter.delivery()
            adapter.quiet('DELIVER', 0.1)
            self.assertEqual(broker.metric('outbox'), left + 1)
            adapter.delivered(delivery['delivery'])
            adapter.expect('SETTLED')

    def test_3_11_draining_says_busy_and_finishes_what_is_held(self):
        broker = self.broker({'run.drain_s': 20})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('held', platform_id='m1')
        adapter.expect('STORED')
        job = worker.job()
        broker.signal(signal.SIGTERM)
        broker.wait_log('broker.stopping')
        adapter.publish('too late', session='2', platform_id='m2')
        self.assertIn('shutting down', adapter.expect('BUSY')[2])
        worker.reply(job['lease'], 'done')
        worker.expect('COMMITTED')
        self.deliver(adapter)
        self.assertEqual(broker.wait_exit(), 0)
        broker.start()
        self.assertEqual(broker.metric('pending_events'), 0)
        self.assertEqual(broker.metric('outbox'), 0)

    def test_3_11_an_adapter_that_is_away_makes_nothing_grow_beyond_limits(self):
        broker = self.broker({'limits.pending': 20})
        adapter, worker = broker.adapter(credit=0), broker.worker()
        taken = busy = 0
        for number in range(40):
            adapter.publish(f'{number}', session=str(number))
            verb, _ = adapter.next()
            if verb == 'BUSY':
                busy += 1
                continue
            taken += 1
            worker.reply(worker.job()['lease'], 'done')
            worker.expect('COMMITTED')
        self.assertEqual((taken, busy), (20, 20))
        self.assertEqual(broker.metric('outbox'), 20)

    def test_3_11_jobs_of_a_mebibyte_come_in_packets_that_the_wire_allows(self):
        broker = self.broker({'content.chars': 1000000})
        adapter = broker.adapter(credit=0)
        for number in range(12):
            adapter.publish('m' * 1000000, session=str(number))
        adapter.stored(12)
        worker = broker.worker(credit=64, socket={'maxmsgsize': 8388608})
        sessions = {worker.job()['envelope']['session_id'] for _ in range(12)}
        self.assertEqual(len(sessions), 12)


if __name__ == '__main__':
    unittest.main()
