#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""SIGTERM drains and stops; systemd is told when the broker is ready, alive and stopping."""

import os
import signal
import socket
import time
import unittest

from palaverd import PATIENCE, QUICK, SECONDS, BrokerTest, World, wait
from wireclient import frame


class Drain(BrokerTest):
    def test_an_idle_broker_stops_at_once(self):
        broker = self.broker({'run.drain_s': 60})
        broker.adapter()
        broker.worker()
        begun = time.monotonic()
        self.assertEqual(broker.stop(), 0)
        self.assertLess(time.monotonic() - begun, SECONDS)
        self.assertEqual([line['id'] for line in broker.lines][-2:], ['broker.stopping', 'broker.stopped'])

    def test_sigint_is_the_same(self):
        broker = self.broker()
        broker.signal(signal.SIGINT)
        self.assertEqual(broker.wait_exit(), 0)
        self.assertTrue(broker.logged('broker.stopped'))

    def test_it_waits_for_what_workers_and_adapters_hold_and_starts_nothing_new(self):
        broker = self.broker({'run.drain_s': 60})
        adapter, worker = broker.adapter(), broker.worker(credit=1)
        adapter.publish('held', session='1')
        job = worker.job()
        adapter.publish('waits', session='2')
        adapter.stored(2)
        broker.signal(signal.SIGTERM)
        broker.wait_log('broker.stopping')
        self.assertEqual(broker.ask('status')['state'], 'stopping')
        worker.send_credit(8)
        worker.quiet('JOB')
        worker.reply(job['lease'], 'done')
        worker.expect('COMMITTED')
        self.deliver(adapter)
        self.assertEqual(broker.wait_exit(), 0)
        broker.start()
        worker.hello()
        self.assertEqual(worker.job()['body']['message_text'], 'waits')
        worker.bye()

    def test_a_drain_takes_no_longer_than_it_may(self):
        broker = self.broker({'run.drain_s': 1})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('held')
        job = worker.job()
        begun = time.monotonic()
        self.assertEqual(broker.stop(), 0)
        self.assertGreaterEqual(time.monotonic() - begun, 0.9)
        self.assertTrue(broker.logged('broker.drained'))
        broker.start()
        worker.options['holding'] = [job['lease']]
        worker.hello()
        adapter.hello()
        worker.reply(job['lease'], 'after the restart')
        worker.expect('COMMITTED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'after the restart')

    def test_peers_are_told_that_the_broker_stops(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        broker.signal(signal.SIGTERM)
        for peer in (adapter, worker):
            self.assertTrue(peer.expect('BYE'))
        self.assertEqual(broker.wait_exit(), 0)

    def test_after_a_clean_stop_nothing_is_replayed(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        for number in range(20):
            self.round_trip(adapter, worker, f'{number}', session=str(number))
        broker.restart()
        line = broker.wait_log('broker.read')
        self.assertEqual((line['replayed'], line['sessions']), (0, 20))
        broker.restart(crash=True)
        self.assertEqual(broker.wait_log('broker.read')['sessions'], 20)

    def test_the_last_acknowledgements_leave_before_the_end(self):
        world = World(self.folder())
        broker = self.broker({'run.drain_s': 60}, env=world.env())
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('held')
        job = worker.job()
        broker.signal(signal.SIGTERM)
        broker.wait_log('broker.stopping')
        world.set(sync_s=0.2)
        worker.reply(job['lease'], 'done')
        worker.expect('COMMITTED')
        delivery = adapter.delivery()
        adapter.delivered(delivery['delivery'])
        self.assertEqual(adapter.expect('SETTLED'), [[delivery['delivery']]])
        self.assertEqual(broker.wait_exit(), 0)


class Systemd(BrokerTest):
    def notified(self, watchdog_us=None):
        path = f'{self.folder()}/notify'
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.settimeout(SECONDS)
        env = {'NOTIFY_SOCKET': path}
        if watchdog_us:
            env['WATCHDOG_USEC'] = str(watchdog_us)
        return self.broker(env=env), listener

    def until(self, listener, word, seconds=SECONDS):
        end, said = time.monotonic() + seconds, []
        while time.monotonic() < end:
            said.append(listener.recv(4096).decode())
            if word in said[-1].splitlines():
                return said
        raise AssertionError(f'no {word} but {said}')

    def test_ready_and_stopping(self):
        broker, listener = self.notified()
        self.until(listener, 'READY=1')
        broker.adapter()
        broker.signal(signal.SIGTERM)
        self.until(listener, 'STOPPING=1')
        self.assertEqual(broker.wait_exit(), 0)

    def test_watchdog_from_the_loop(self):
        broker, listener = self.notified(watchdog_us=400000)
        self.until(listener, 'READY=1')
        stamps = []
        while len(stamps) < 4:
            self.until(listener, 'WATCHDOG=1')
            stamps.append(time.monotonic())
        for first, second in zip(stamps, stamps[1:]):
            self.assertLess(second - first, 0.4)
        os.kill(broker.process.pid, signal.SIGSTOP)
        listener.settimeout(0.5)
        try:
            with self.assertRaises(TimeoutError):
                for _ in range(5):
                    listener.recv(4096)
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)

    def test_without_systemd_nothing_is_missed(self):
        broker = self.broker(env={'NOTIFY_SOCKET': '/nowhere/notify'})
        self.assertEqual(broker.stop(), 0)


class Stopped(BrokerTest):
    def test_a_broker_that_is_stopped_and_goes_on_finds_its_peers_again(self):
        broker = self.broker({'agents.timeout_ms': 60000})
        adapter, worker = broker.adapter(), broker.worker()
        os.kill(broker.process.pid, signal.SIGSTOP)
        for number in range(50):
            adapter.publish(f'{number}', session=str(number % 5))
        os.kill(broker.process.pid, signal.SIGCONT)
        adapter.stored(50)
        worker.send(frame('CREDIT', 50))
        for _ in range(50):
            worker.reply(worker.job()['lease'], 'done')
            self.deliver(adapter)
        wait(lambda: broker.metric('pending_events') == 0, 'all done')

    def test_a_broker_that_was_stopped_hears_its_peers_before_it_calls_one_late_or_gone(self):
        """A machine that is paused, or given to others: deadlines pass, while what came in time waits unread."""
        timeout_s = 2 * PATIENCE
        broker = self.broker({'agents.heartbeat_ms': 250 * PATIENCE, 'agents.timeout_ms': 1000 * timeout_s,
                              'agents.deadline_ms': 1000 * timeout_s, 'delivery.timeout_ms': 1000 * timeout_s})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('first', session='1')
        worker.reply(worker.job()['lease'], 'the first answer')
        delivery = adapter.delivery()
        adapter.publish('second', session='2')
        job = worker.job()
        os.kill(broker.process.pid, signal.SIGSTOP)
        until = time.monotonic() + 2 * timeout_s
        try:
            adapter.delivered(delivery['delivery'])
            worker.reply(job['lease'], 'the second answer')
            wait(lambda: time.monotonic() > until, 'every deadline has passed')
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        adapter.expect('SETTLED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'the second answer')
        self.assertGreater(broker.wait_log('broker.stalled')['ms'], 1000 * timeout_s)
        metrics = broker.metrics()
        self.assertEqual([metrics[f'leases_lost{{why="{why}"}}'] for why in ('gone', 'silent', 'deadline')], [0, 0, 0])
        self.assertEqual(metrics['deliveries{outcome="unknown"}'], 0)
        self.assertEqual(broker.dead(), [])
        self.assertEqual(broker.logged('peer.gone'), [])

    def test_a_broker_that_was_stopped_within_a_turn_costs_no_peer(self):
        """The disk hangs, and the machine is paused meanwhile: neither is a sleep of the loop."""
        timeout_s, world = 2 * PATIENCE, World(self.folder())
        broker = self.broker({'agents.heartbeat_ms': 250 * PATIENCE, 'agents.timeout_ms': 1000 * timeout_s},
                             env=world.env())
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('first', session='1')
        adapter.stored()
        job = worker.job()
        until = time.monotonic() + 2 * timeout_s
        world.set(sync_s=timeout_s)
        adapter.publish('second', session='2')
        wait(lambda: time.monotonic() > until - timeout_s - timeout_s / 2, 'it waits for the disk')
        os.kill(broker.process.pid, signal.SIGSTOP)
        try:
            worker.reply(job['lease'], 'the first answer')
            wait(lambda: time.monotonic() > until, 'every deadline has passed')
            world.set()
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        self.assertEqual(self.deliver(adapter)['response_text'], 'the first answer')
        self.assertEqual(worker.job()['attempt'], 1)
        self.assertGreater(broker.wait_log('broker.stalled')['ms'], 1000 * timeout_s)
        self.assertEqual(broker.logged('peer.gone'), [])
        metrics = broker.metrics()
        self.assertEqual([metrics[f'leases_lost{{why="{why}"}}'] for why in ('gone', 'silent', 'deadline')], [0, 0, 0])

    def test_who_is_silent_after_a_stall_is_still_found_out(self):
        broker = self.broker({**QUICK})
        adapter, dumb, worker = broker.adapter(), broker.worker('dumb', credit=1), None
        adapter.publish('hello')
        dumb.job()
        dumb.beats = False
        worker = broker.worker('other')
        os.kill(broker.process.pid, signal.SIGSTOP)
        until = time.monotonic() + QUICK['agents.timeout_ms'] / 500
        try:
            wait(lambda: time.monotonic() > until, 'the time-out has passed')
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        self.assertEqual(worker.job()['attempt'], 2)
        self.assertEqual([line['name'] for line in broker.logged('peer.gone')], ['dumb'])


if __name__ == '__main__':
    unittest.main()
