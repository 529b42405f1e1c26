#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The delivery contract, clauses 3.3 (lease), 3.4 (ledger), 3.5 (commit) and 3.6 (steps), against a real broker."""

import os
import signal
import time
import unittest

from palaverd import PATIENCE, QUICK, SECONDS, BrokerTest, World, route, wait
from wireclient import frame, pack, unpack



class Lease(BrokerTest):
    def leased(self, conf=None, **options):
        """A broker, its adapter, the worker that has the only job, and the job."""
        broker = self.broker(conf)
        adapter, worker = broker.adapter(), broker.worker('first', **options)
        adapter.publish('hello')
        adapter.expect('STORED')
        return broker, adapter, worker, worker.job()

    def test_3_3_a_silent_worker_loses_its_lease(self):
        broker, _, worker, job = self.leased(QUICK)
        worker.beats = False
        other = broker.worker('second')
        again = other.job()
        self.assertEqual((again['attempt'], again['envelope']['id']), (2, job['envelope']['id']))
        line = broker.wait_log('event.retry')
        self.assertEqual((line['how'], line['attempt']), ('lease_expired', 1))
        self.assertEqual(broker.metric('leases_lost{why="silent"}'), 1)

    def test_3_3_a_slow_worker_that_beats_keeps_its_lease(self):
        broker, adapter, worker, job = self.leased(QUICK)
        other = broker.worker('second')
        until = time.monotonic() + 2 * QUICK['agents.timeout_ms'] / 1000
        while time.monotonic() < until:
            other.quiet('JOB', 0.1)
        worker.reply(job['lease'], 'slow')
        worker.expect('COMMITTED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'slow')

    def test_3_3_a_killed_worker_loses_its_lease_at_once(self):
        broker, _, worker, _ = self.leased({'agents.timeout_ms': 600000, 'agents.heartbeat_ms': 100})
        other = broker.worker('second')
        begun = time.monotonic()
        worker.close()
        self.assertEqual(other.job(SECONDS)['attempt'], 2)
        self.assertLess(time.monotonic() - begun, SECONDS)
        self.assertEqual(broker.wait_log('event.retry')['how'], 'worker_died')

    def test_3_3_bye_gives_back_without_a_charge(self):
        broker, _, worker, _ = self.leased({'agents.attempts': 2})
        for number in range(4):
            worker.bye('made room')
            worker = broker.worker(f'next{number}')
            worker.job()
        self.assertEqual({line['how'] for line in broker.logged('event.retry')}, {'left'})
        self.assertEqual(broker.dead(), [])

    def test_3_3_backoff_doubles_with_jitter(self):
        conf = {'agents.backoff_ms': 100, 'agents.backoff_max_ms': 300, 'agents.attempts': 5, 'breaker.threshold': 100}
        broker = self.broker(conf)
        adapter, worker = broker.adapter(), broker.worker(credit=64)
        sessions = 6
        for number in range(sessions):
            adapter.publish('x', session=str(number))
        ended, waits = {}, {attempt: [] for attempt in (2, 3, 4, 5)}
        for _ in range(5 * sessions):
            job = worker.job()
            session = job['envelope']['session_id']
            if job['attempt'] > 1:
                waits[job['attempt']].append(time.monotonic() - ended[session])
            ended[session] = time.monotonic()
            worker.nack(job['lease'])
        for attempt, least in ((2, 0.05), (3, 0.1), (4, 0.15), (5, 0.15)):
            self.assertGreaterEqual(min(waits[attempt]), least - 0.01, waits)
        said = [line['wait_ms'] for line in broker.logged('event.retry') if line['attempt'] == 4]
        self.assertTrue(all(150 <= wait <= 300 for wait in said), said)
        self.assertGreater(len(set(said)), 1, 'no jitter')

    def test_3_3_nack_may_ask_for_more_time(self):
        broker, _, worker, job = self.leased({'agents.backoff_max_ms': 5000})
        begun = time.monotonic()
        worker.nack(job['lease'], delay_ms=500)
        worker.job()
        self.assertGreaterEqual(time.monotonic() - begun, 0.49)
        self.assertEqual(broker.metric('nacks{kind="transient"}'), 1)

    def test_3_3_the_deadline_ends_a_job_that_hangs_while_the_heartbeat_goes_on(self):
        broker, _, worker, job = self.leased({'agents.deadline_ms': 400})
        self.assertLessEqual(job['deadline_ms'], 400)
        lease, code, _ = worker.expect('CANCEL')
        self.assertEqual((lease, code), (job['lease'], 'deadline'))
        self.assertEqual(worker.job()['attempt'], 2)
        self.assertEqual(broker.metric('leases_lost{why="deadline"}'), 1)

    def test_3_3_what_a_worker_hangs_on_goes_to_another_although_it_has_credit(self):
        broker, adapter, hangs, _ = self.leased({'agents.deadline_ms': 400})
        other = broker.worker('second')
        self.assertEqual(hangs.expect('CANCEL')[1], 'deadline')
        job = other.job()
        self.assertEqual(job['attempt'], 2)
        other.reply(job['lease'], 'an answer')
        other.expect('COMMITTED')
        self.deliver(adapter)
        adapter.publish('again')
        self.assertEqual(other.job()['attempt'], 1)
        self.assertFalse(hangs.came('JOB'))

    def test_3_3_what_a_worker_gives_back_goes_to_another_and_to_it_when_there_is_none(self):
        broker, _, first, job = self.leased()
        first.nack(job['lease'])
        self.assertEqual((job := first.job())['attempt'], 2)
        workers = [first, *(broker.worker(f'other{number}') for number in range(2))]
        holder = first
        for attempt in (3, 4):
            holder.nack(job['lease'])
            others = [worker for worker in workers if worker is not holder]
            holder = wait(lambda: next((worker for worker in others if worker.came('JOB')), None), 'another has it')
            self.assertEqual((job := holder.job())['attempt'], attempt)

    def test_3_3_the_deadline_is_of_the_route(self):
        broker, _, _, job = self.leased({'routes': [route(deadline_ms=7000)]})
        self.assertTrue(6000 < job['deadline_ms'] <= 7000, job['deadline_ms'])
        self.assertEqual(broker.metric('leases'), 1)

    def test_3_3_a_lease_outlives_the_broker(self):
        broker, adapter, worker, job = self.leased()
        broker.restart(crash=True)
        worker.options['holding'] = [job['lease']]
        worker.hello()
        adapter.hello()
        worker.quiet('CANCEL', 0.2)
        worker.reply(job['lease'], 'as if nothing had happened')
        worker.expect('COMMITTED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'as if nothing had happened')
        self.assertEqual(broker.metric('jobs_retried'), 0)

    def test_3_3_a_worker_that_connects_again_has_its_job_no_longer(self):
        """The deadline is a point of time: whoever comes back again and again would have a job for ever."""
        deadline_s = 2 * PATIENCE
        broker, _, worker, job = self.leased({'agents.attempts': 1, 'agents.deadline_ms': 1000 * deadline_s})
        begun = time.monotonic()
        for share in (0.3, 0.6):
            wait(lambda at=begun + share * deadline_s: time.monotonic() > at, 'a part of its time is over')
            worker = broker.worker('first', incarnation=worker.incarnation, holding=[job['lease']])
        claimed = time.monotonic()
        self.assertEqual(worker.expect('CANCEL')[:2], [job['lease'], 'deadline'])
        self.assertLess(time.monotonic() - claimed, 0.9 * deadline_s)
        self.assertEqual(broker.letter()['ledger'][0]['how'], 'deadline')

    def test_3_3_a_deadline_outlives_the_broker(self):
        deadline_s = 2 * PATIENCE
        broker, _, worker, job = self.leased({'agents.attempts': 1, 'agents.deadline_ms': 1000 * deadline_s})
        begun = time.monotonic()
        worker.options['holding'] = [job['lease']]
        wait(lambda: time.monotonic() > begun + 0.5 * deadline_s, 'half of its time is over')
        broker.restart(crash=True)
        worker.hello()
        claimed = time.monotonic()
        self.assertEqual(worker.expect('CANCEL')[:2], [job['lease'], 'deadline'])
        self.assertLess(time.monotonic() - claimed, 0.9 * deadline_s)

    def test_3_3_an_answer_that_is_ready_when_the_broker_comes_back_is_taken_after_the_deadline(self):
        broker, adapter, worker, job = self.leased({'agents.attempts': 1, 'agents.deadline_ms': 200})
        os.kill(broker.process.pid, signal.SIGSTOP)
        begun = time.monotonic()
        wait(lambda: time.monotonic() > begun + 0.3, 'its time is over')
        broker.restart(crash=True)
        worker.options['holding'] = [job['lease']]
        worker.hello()
        worker.reply(job['lease'], 'it was ready')
        worker.expect('COMMITTED')
        adapter.hello()
        self.assertEqual(self.deliver(adapter)['response_text'], 'it was ready')

    def test_3_3_a_lease_that_nobody_claims_is_free_after_the_timeout(self):
        broker, _, worker, _ = self.leased({**QUICK, 'agents.attempts': 1})
        worker.close()
        broker.restart(crash=True)
        job = broker.worker('second').job()
        self.assertEqual(job['attempt'], 2)
        self.assertEqual(broker.wait_log('event.retry')['how'], 'restart')

    def test_3_3_a_lease_that_its_worker_does_not_list_is_free_at_once(self):
        broker, _, worker, _ = self.leased({'agents.timeout_ms': 60000})
        broker.restart(crash=True)
        worker.hello()
        self.assertEqual(worker.job()['attempt'], 2)

    def test_3_3_a_lease_claimed_by_another_process_is_cancelled(self):
        broker, _, _, job = self.leased()
        broker.restart(crash=True)
        thief = broker.worker('thief', holding=[job['lease']])
        self.assertEqual(thief.expect('CANCEL')[:2], [job['lease'], 'not_leased'])


class Ledger(BrokerTest):
    def test_3_4_the_ledger_tells_every_attempt(self):
        broker = self.broker({**QUICK, 'agents.attempts': 4, 'agents.deadline_ms': 1000 * PATIENCE})
        adapter = broker.adapter()
        begun = time.time() * 1e6
        adapter.publish('hello')
        adapter.expect('STORED')
        one = broker.worker('one', build='build-1')
        one.nack(one.job()['lease'], code='data_unavailable', reason='no prices today')
        job = one.job()
        one.expect('CANCEL')
        one.bye()
        two = broker.worker('two', build='build-2')
        self.assertEqual(two.job()['attempt'], job['attempt'] + 1)
        two.close()
        three = broker.worker('three', build='build-3')
        three.nack(three.job()['lease'], permanent=True, code='llm_unavailable', reason='for good')
        letter = broker.letter()
        ledger = letter['ledger']
        self.assertEqual([(row['attempt'], row['how']) for row in ledger],
                         [(1, 'nack'), (2, 'deadline'), (3, 'worker_died'), (4, 'nack_final')])
        for row, who in zip(ledger, ('one build-1', 'one build-1', 'two build-2', 'three build-3')):
            self.assertEqual(row['who'], f'{who} pid {os.getpid()}')
            self.assertTrue(begun <= row['at_us'] <= row['ended_us'] <= time.time() * 1e6, row)
        self.assertEqual((ledger[0]['code'], ledger[0]['why']), ('data_unavailable', 'no prices today'))
        self.assertEqual((ledger[3]['code'], ledger[3]['why']), ('llm_unavailable', 'for good'))
        self.assertEqual((letter['attempts'], letter['reason'], letter['code']), (4, 'permanent', 'llm_unavailable'))

    def test_3_4_the_ledger_of_a_delivery_names_the_adapter(self):
        broker = self.broker({'delivery.attempts': 2})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'answer')
        adapter.delivered(adapter.delivery()['delivery'], 'not_sent', reason='502')
        adapter.delivered(adapter.delivery()['delivery'], 'refused', reason='the chat is gone')
        ledger = broker.letter()['ledger']
        self.assertEqual([(row['how'], row['why'], row['who']) for row in ledger],
                         [('not_sent', '502', f'web test/1 pid {os.getpid()}'),
                          ('refused', 'the chat is gone', f'web test/1 pid {os.getpid()}')])

    def test_3_4_an_attempt_is_on_disk_before_the_worker_has_the_job(self):
        world = World(self.folder())
        broker = self.broker(env=world.env())
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'warm')
        world.set(sync_s=0.4)
        begun = time.monotonic()
        adapter.publish('hello')
        job = worker.job()
        self.assertGreaterEqual(time.monotonic() - begun, 0.4)
        world.set()
        broker.restart(crash=True)
        worker.close()
        other = broker.worker('other', holding=[job['lease']])
        other.expect('CANCEL')

    def test_3_4_the_ledger_survives_kill_9(self):
        broker = self.broker({'agents.attempts': 3})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        for number in (1, 2):
            worker.nack(worker.job()['lease'], reason=f'no {number}')
        job = worker.job()
        broker.restart(crash=True)
        worker.options['holding'] = [job['lease']]
        worker.hello()
        worker.nack(job['lease'], reason='no 3')
        self.assertEqual([row['why'] for row in broker.letter()['ledger']], ['no 1', 'no 2', 'no 3'])


class Commit(BrokerTest):
    def test_3_5_reply_state_and_end_of_job_are_one_across_kill_9(self):
        """Killed around the reply at many points, it is all or nothing, and exactly one answer comes in the end."""
        world = World(self.folder())
        broker = self.broker({'agents.timeout_ms': 60000, 'delivery.timeout_ms': 60000}, env=world.env())
        adapter = broker.adapter(credit=0)
        worker = broker.worker()
        whole = nothing = 0
        for number in range(12):
            session = f'web_{number}'
            adapter.publish('hello', session=str(number), platform_id=str(number))
            adapter.expect('STORED')
            job = worker.job()
            world.set(sync_s=0.02 * (number % 2))
            worker.reply(job['lease'], f'answer {number}', state={'goal': number})
            if number % 3 == 0:
                worker.expect('COMMITTED')
            elif number % 3 == 1:
                worker.socket.poll(5)
            world.set()
            broker.restart(crash=True)
            shown = broker.session(session)
            done = shown['state'] == {'goal': number}
            if done:
                whole += 1
                self.assertEqual([turn['text'] for turn in shown['history']], ['hello', f'answer {number}'])
                self.assertEqual(broker.metric('outbox'), number + 1)
            else:
                nothing += 1
                self.assertNotEqual(number % 3, 0, 'COMMITTED, and lost')
                self.assertEqual((shown['state'], shown['history']), ({}, []))
                self.assertEqual(broker.metric('outbox'), number)
            adapter.hello()
            worker.options['holding'] = [job['lease']]
            worker.hello()
            worker.reply(job['lease'], f'answer {number}', state={'goal': number})
            self.assertEqual(worker.next()[0], 'CANCEL' if done else 'COMMITTED')
        self.assertGreater(whole, 3)
        adapter.send(frame('CREDIT', 64))
        answers = sorted(self.deliver(adapter)['response_text'] for _ in range(12))
        self.assertEqual(answers, sorted(f'answer {number}' for number in range(12)))
        adapter.quiet('DELIVER', 0.1)

    def test_3_5_an_answer_that_is_none_changes_nothing(self):
        broker = self.broker({'agents.attempts': 2})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        job = worker.job()
        worker.send(frame('REPLY', job['lease'], pack({'text': 'no response_text'}), {'state': pack({'a': 1})}))
        self.assertEqual(worker.expect('CANCEL')[0], job['lease'])
        job = worker.job()
        self.assertEqual((job['attempt'], job['state']), (2, {}))
        worker.reply(job['lease'], 'x', state={'big': 'x' * 100000})
        worker.expect('CANCEL')
        letter = broker.letter()
        self.assertEqual([row['how'] for row in letter['ledger']], ['bad_reply', 'bad_reply'])
        self.assertEqual(broker.session('web_1')['state'], {})

    def test_3_5_state_is_patched_key_by_key(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        for state in ({'goal': 'house', 'risk': 3}, {'risk': None, 'years': 10}):
            adapter.publish('hello')
            worker.reply(worker.job()['lease'], 'noted', state=state)
            worker.expect('COMMITTED')
            self.deliver(adapter)
        adapter.publish('hello')
        self.assertEqual(worker.job()['state'], {'goal': 'house', 'years': 10})


class Steps(BrokerTest):
    def test_3_6_a_redelivered_job_carries_its_steps(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker('one')
        adapter.publish('hello')
        job = worker.job()
        self.assertEqual(job['steps'], {})
        self.assertEqual(worker.step(job['lease'], 'fetch', pack({'price': 7})), [job['lease'], 'fetch'])
        worker.step(job['lease'], 'think', b'any bytes \xff')
        worker.close()
        job = broker.worker('two').job()
        self.assertEqual(unpack(job['steps']['fetch']), {'price': 7})
        self.assertEqual(job['steps']['think'], b'any bytes \xff')

    def test_3_6_steps_survive_kill_9(self):
        broker = self.broker(QUICK)
        adapter, worker = broker.adapter(), broker.worker('one')
        adapter.publish('hello')
        worker.step(worker.job()['lease'], 'paid', b'once')
        worker.close()
        broker.restart(crash=True)
        worker = broker.worker('two')
        job = worker.job()
        self.assertEqual(job['steps'], {'paid': b'once'})
        worker.nack(job['lease'])
        self.assertEqual(worker.job()['steps'], {'paid': b'once'})

    def test_3_6_steps_are_kept_through_dead_letter_and_replay(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        job = worker.job()
        worker.step(job['lease'], 'paid', b'once')
        worker.nack(job['lease'], permanent=True)
        letter = broker.letter()
        broker.ask('dead.replay', numbers=[letter['number']], who='me')
        self.assertEqual(worker.job()['steps'], {'paid': b'once'})

    def test_3_6_a_step_saved_again_replaces_the_earlier_result(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        job = worker.job()
        worker.step(job['lease'], 'draft', b'one')
        worker.step(job['lease'], 'draft', b'two')
        worker.nack(job['lease'])
        self.assertEqual(worker.job()['steps'], {'draft': b'two'})

    def test_3_6_too_many_steps_end_the_job_with_a_reason(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        job = worker.job()
        for number in range(257):
            worker.send(frame('STEP', job['lease'], f's{number}', b'x'))
        lease, _, reason = worker.expect('CANCEL')
        self.assertEqual(lease, job['lease'])
        self.assertIn('256', reason)
        self.assertIn('256', broker.letter()['why'])

    def test_3_6_steps_of_an_answered_job_are_gone(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello')
        job = worker.job()
        worker.step(job['lease'], 'paid', b'once')
        self.assertEqual(broker.metric('steps_saved'), 1)
        worker.reply(job['lease'], 'done')
        worker.expect('COMMITTED')
        worker.send(frame('STEP', job['lease'], 'late', b'x'))
        self.assertEqual(worker.expect('CANCEL')[:2], [job['lease'], 'finished'])
        self.deliver(adapter)
        adapter.publish('again')
        self.assertEqual(worker.job()['steps'], {})


if __name__ == '__main__':
    unittest.main()
