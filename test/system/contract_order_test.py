#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The delivery contract, clause 3.2 (order, stickiness, the four overlaps), against a real broker."""

import unittest

from palaverd import BrokerTest, route, wait
from wireclient import frame, text_id


class Order(BrokerTest):
    def test_3_2_one_at_a_time_in_the_order_accepted(self):
        broker = self.broker()
        adapter, workers = broker.adapter(), [broker.worker(f'w{number}', credit=8) for number in range(3)]
        for number in range(60):
            adapter.publish(f'{number // 3}', session=str(number % 3))
        adapter.stored(60)
        seen, held = {}, set()
        for _ in range(60):
            worker, job = wait(lambda: self.any_job(workers), 'a job')
            session = job['envelope']['session_id']
            self.assertNotIn(session, held)
            seen.setdefault(session, []).append(job['body']['message_text'])
            worker.reply(job['lease'], 'done')
        for session, texts in seen.items():
            self.assertEqual(texts, [str(number) for number in range(20)], session)

    def any_job(self, workers):
        for worker in workers:
            got = worker.try_job()
            if got:
                return worker, got
        return None

    def test_3_2_the_next_waits_for_the_answer_of_the_one_before(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('first')
        adapter.publish('second')
        adapter.stored(2)
        job = worker.job()
        worker.quiet('JOB')
        worker.reply(job['lease'], 'done')
        self.assertEqual(worker.job()['body']['message_text'], 'second')

    def test_3_2_order_survives_kill_9(self):
        broker = self.broker()
        adapter = broker.adapter()
        for number in range(10):
            adapter.publish(f'{number}')
        adapter.stored(10)
        worker = broker.worker()
        for number in range(10):
            job = worker.job()
            self.assertEqual(job['body']['message_text'], str(number))
            worker.reply(job['lease'], 'done')
            worker.expect('COMMITTED')
            if number % 3 == 1:
                broker.restart(crash=True)
                worker.hello()

    def test_3_2_a_failed_attempt_holds_later_events_back(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('first')
        adapter.publish('second')
        worker.nack(worker.job()['lease'], delay_ms=40)
        job = worker.job()
        self.assertEqual((job['body']['message_text'], job['attempt']), ('first', 2))

    def test_3_2_sessions_run_in_parallel(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker(credit=20)
        for number in range(20):
            adapter.publish('x', session=str(number))
        self.assertEqual(len({worker.job()['envelope']['session_id'] for _ in range(20)}), 20)

    def test_3_2_a_session_stays_with_its_worker(self):
        broker = self.broker()
        adapter = broker.adapter()
        workers = {name: broker.worker(name) for name in ('one', 'two', 'three')}
        served = {}
        for _ in range(5):
            for session in 'abcdef':
                adapter.publish('x', session=session)
                worker, job = wait(lambda: self.any_job(workers.values()), 'a job')
                served.setdefault(session, set()).add(worker.name)
                worker.reply(job['lease'], 'done')
                worker.expect('COMMITTED')
                self.deliver(adapter)
        self.assertEqual([len(names) for names in served.values()], [1] * 6, served)
        self.assertEqual({name for names in served.values() for name in names}, set(workers))

    def test_3_2_a_session_moves_when_its_worker_has_no_credit(self):
        broker = self.broker()
        adapter, one = broker.adapter(), broker.worker('one', credit=1)
        self.round_trip(adapter, one, 'first', session='a')
        two = broker.worker('two', credit=1)
        adapter.publish('busy with', session='b')
        worker, _ = wait(lambda: self.any_job([one, two]), 'a job')
        other = two if worker is one else one
        adapter.publish('second', session='a')
        self.assertEqual(other.job()['envelope']['session_id'], 'web_a')

    def test_3_2_replies_of_a_session_leave_one_at_a_time_in_order(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        for number in range(3):
            adapter.publish(f'{number}')
            worker.reply(worker.job()['lease'], f'answer {number}')
            worker.expect('COMMITTED')
        first = adapter.delivery()
        adapter.quiet('DELIVER', 0.1)
        adapter.delivered(first['delivery'], 'not_sent')
        texts = [self.deliver(adapter)['response_text'] for _ in range(3)]
        self.assertEqual(texts, ['answer 0', 'answer 1', 'answer 2'])


class Overlap(BrokerTest):
    def busy(self, overlap):
        """A session whose first message a worker has."""
        broker = self.broker({'routes': [route(overlap=overlap)]})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('first')
        adapter.expect('STORED')
        return broker, adapter, worker, worker.job()

    def test_3_2_overlap_queue(self):
        _, adapter, worker, job = self.busy('queue')
        adapter.publish('second')
        adapter.publish('third')
        adapter.stored(2)
        for text in ('second', 'third'):
            worker.reply(job['lease'], 'done')
            job = worker.job()
            self.assertEqual(job['body']['message_text'], text)

    def test_3_2_overlap_merge(self):
        broker, adapter, worker, job = self.busy('merge')
        ids = [adapter.publish(text, platform_id=text)[1] for text in ('second', 'third', 'fourth')]
        adapter.stored(3)
        worker.reply(job['lease'], 'done')
        job = worker.job()
        self.assertEqual(job['body']['message_text'], 'second\nthird\nfourth')
        self.assertEqual(job['envelope']['id'], ids[0])
        self.assertEqual(len(job['body']['metadata']['merged']), 2)
        worker.reply(job['lease'], 'to all three')
        worker.expect('COMMITTED')
        worker.quiet('JOB', 0.1)
        self.assertEqual(broker.metric('jobs_merged'), 2)
        self.assertEqual(broker.session('web_1')['message_count'], 4)
        adapter.publish('third', platform_id='third')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('events_duplicate'), 1)

    def test_3_2_overlap_merge_survives_kill_9(self):
        broker, adapter, worker, job = self.busy('merge')
        adapter.publish('second', platform_id='m2')
        adapter.publish('third', platform_id='m3')
        adapter.stored(2)
        broker.restart(crash=True)
        adapter.hello()
        worker.options['holding'] = [job['lease']]
        worker.hello()
        worker.reply(job['lease'], 'done')
        self.assertEqual(worker.job()['body']['message_text'], 'second\nthird')
        adapter.publish('third', platform_id='m3')
        adapter.expect('STORED')
        self.assertEqual(broker.metric('events_duplicate'), 1)

    def test_3_2_overlap_interrupt(self):
        broker, adapter, worker, job = self.busy('interrupt')
        newer = adapter.publish('second')[1]
        lease, code, reason = worker.expect('CANCEL')
        self.assertEqual((lease, code), (job['lease'], 'interrupted'))
        self.assertTrue(reason)
        second = worker.job()
        self.assertEqual(second['body']['message_text'], 'second')
        self.assertIn('first', [turn['text'] for turn in second['history']])
        worker.reply(job['lease'], 'too late')
        self.assertEqual(worker.expect('CANCEL')[0], job['lease'])
        worker.reply(second['lease'], 'the answer')
        self.assertEqual(self.deliver(adapter)['response_text'], 'the answer')
        adapter.quiet('DELIVER', 0.1)
        self.assertEqual(broker.metric('jobs_interrupted'), 1)
        shown, = broker.ask('events.show', id=text_id(job['envelope']['id']))['items']
        hop = next(hop for hop in shown['hops'] if hop['hop'] == 'superseded')
        self.assertEqual((shown['outcome'], hop['why']), ('superseded', f'interrupted by {text_id(newer)}'))
        self.assertEqual(broker.dead(), [])

    def test_3_2_overlap_reject(self):
        broker, adapter, worker, job = self.busy('reject')
        adapter.publish('second')
        adapter.expect('STORED')
        body = self.deliver(adapter)
        self.assertEqual(body['metadata']['fallback'], 'rejected')
        worker.reply(job['lease'], 'to the first')
        self.assertEqual(self.deliver(adapter)['response_text'], 'to the first')
        worker.quiet('JOB', 0.1)
        self.assertEqual(broker.metric('jobs_overlap_rejected'), 1)
        job, _ = self.round_trip(adapter, worker, 'third')
        self.assertEqual(job['body']['message_text'], 'third')

    def test_3_2_overlap_is_of_the_route(self):
        broker = self.broker({'routes': [route('fast', platform='slack', overlap='interrupt'), route()]})
        adapter, worker = broker.adapter('web'), broker.worker()
        adapter.publish('first')
        worker.job()
        adapter.publish('second')
        worker.quiet('CANCEL')

    def test_3_2_a_route_leads_to_its_service(self):
        routes = [route('recommend', 'experts', command='/recommend'), route('prices', 'prices', pattern='price of'),
                  route('vip', 'experts', session='web_vip*'), route()]
        broker = self.broker({'routes': routes})
        adapter = broker.adapter()
        workers = {name: broker.worker(name, services=[name]) for name in ('experts', 'prices', 'advisor')}
        for number, (text, session, service) in enumerate((
                ('/recommend something', '1', 'experts'), ('what is the PRICE OF gold', '2', 'prices'),
                ('hello', 'vip7', 'experts'), ('hello', '4', 'advisor'), ('/recommendation', '5', 'advisor'))):
            adapter.publish(text, session=session)
            adapter.expect('STORED')
            job = workers[service].job()
            self.assertEqual((job['body']['message_text'], number), (text, number))

    def test_3_2_a_worker_of_another_service_gets_nothing(self):
        broker = self.broker()
        adapter, other = broker.adapter(), broker.worker('other', services=['elsewhere'])
        adapter.publish('hello')
        adapter.expect('STORED')
        other.quiet('JOB')
        other.send(frame('CREDIT', 8))
        self.assertEqual(broker.worker().job()['body']['message_text'], 'hello')


if __name__ == '__main__':
    unittest.main()
