#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Where two features meet: batches and drains, parks and idle ends, pauses and replays, retention and old events."""

import signal
import time
import unittest

from palaverd import BrokerTest, World, route, wait
from wireclient import frame, pack


class Gathered(BrokerTest):
    def start(self, wait_ms=60000, size=3, **conf):
        broker = self.broker(conf)
        worker = broker.worker('batcher', credit=64, batch={'size': size, 'wait_ms': wait_ms})
        return broker, broker.adapter(), worker

    def test_credit_0_gives_back_what_was_gathered(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        adapter.expect('STORED')
        worker.send_credit(0)
        self.assertEqual(broker.worker('other').job()['attempt'], 1)
        worker.quiet('JOB', 0.1)

    def test_a_drain_does_not_start_what_was_gathered(self):
        broker, adapter, worker = self.start(wait_ms=700, **{'run.drain_s': 60})
        holder = broker.worker('holder', services=['other'])
        broker.write_conf({'routes': [route('other', 'other', command='/other'), route()]})
        broker.signal(signal.SIGHUP)
        broker.wait_log('conf.reloaded')
        adapter.publish('/other', session='h')
        job = holder.job()
        adapter.publish('gathered', session='g')
        adapter.stored(2)
        broker.signal(signal.SIGTERM)
        broker.wait_log('broker.stopping')
        worker.quiet('JOB', 1.2)
        holder.reply(job['lease'], 'done')
        self.deliver(adapter)
        self.assertEqual(broker.wait_exit(), 0)
        broker.start()
        worker.hello()
        self.assertEqual(worker.job()['attempt'], 1)
        worker.bye()

    def test_kill_9_while_gathering(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        adapter.expect('STORED')
        broker.restart(crash=True)
        worker.close()
        self.assertEqual(broker.worker('other').job()['attempt'], 1)

    def test_a_second_message_of_a_gathered_session(self):
        for overlap in ('queue', 'merge', 'interrupt'):
            broker, adapter, worker = self.start(size=2, routes=[route(overlap=overlap)])
            for text in ('first', 'second'):
                adapter.publish(text, session='a')
            adapter.publish('other', session='b')
            adapter.stored(3)
            texts = []
            while len('\n'.join(texts).split('\n')) < 3 or not texts:
                job = worker.job()
                texts.append(job['body']['message_text'])
                worker.reply(job['lease'], 'done')
                worker.expect('COMMITTED')
                if len(texts) == 2:
                    adapter.publish('fill', session='c')
            self.assertEqual(broker.dead(), [])
            joined = '\n'.join(texts).split('\n')
            self.assertLess(joined.index('first'), joined.index('second') if 'second' in joined else 99)

    def test_a_worker_that_dies_in_a_batch_gives_back_each_job(self):
        broker, adapter, worker = self.start()
        for session in 'abc':
            adapter.publish('hello', session=session)
        jobs = [worker.job() for _ in range(3)]
        worker.reply(jobs[1]['lease'], 'done')
        worker.expect('COMMITTED')
        worker.close()
        other = broker.worker('other')
        again = {other.job(30)['envelope']['session_id'] for _ in range(2)}
        self.assertEqual(again, {job['envelope']['session_id'] for job in (jobs[0], jobs[2])})


class Meetings(BrokerTest):
    def start(self, **conf):
        broker = self.broker(conf)
        return broker, broker.adapter(), broker.worker()

    def dead_one(self, broker, adapter, worker, session='1', text='bad'):
        before = {item['number'] for item in broker.dead()}
        adapter.publish(text, session=session)
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        return next(item['number'] for item in broker.dead() if item['number'] not in before)

    def test_a_parked_session_does_not_end_before_its_letter_is_dealt_with(self):
        broker, adapter, worker = self.start(routes=[route(on_dead='park')], **{'session.idle_s': 1})
        number = self.dead_one(broker, adapter, worker)
        adapter.quiet('DELIVER', 1.5)
        self.assertEqual(broker.session('web_1')['parked_by'], number)
        self.assertEqual(broker.try_ask('sessions.reset', session='web_1')[0], 'BUSY')
        broker.ask('dead.discard', numbers=[number], who='me', reason='spam')
        broker.wait_log('session.ended')

    def test_a_second_letter_in_a_parked_session_cannot_come_and_a_replay_frees_in_order(self):
        broker, adapter, worker = self.start(routes=[route(on_dead='park')])
        first = self.dead_one(broker, adapter, worker)
        for text in ('second', 'third'):
            adapter.publish(text)
        adapter.stored(3)
        broker.ask('dead.replay', numbers=[first], who='me')
        worker.nack(worker.job()['lease'], permanent=True)
        wait(lambda: broker.dead(), 'it is dead again')
        worker.quiet('JOB', 0.2)
        broker.ask('dead.discard', numbers=[first], who='me', reason='hopeless')
        for text in ('second', 'third'):
            job = worker.job()
            self.assertEqual(job['body']['message_text'], text)
            worker.reply(job['lease'], 'done')
            worker.expect('COMMITTED')
            self.deliver(adapter)

    def test_a_replay_waits_while_the_route_is_paused(self):
        broker, adapter, worker = self.start(**{'breaker.threshold': 2, 'breaker.open_s': 1})
        number = self.dead_one(broker, adapter, worker, session='x')
        for session in 'yz':
            adapter.publish('bad', session=session)
            worker.nack(worker.job()['lease'], delay_ms=50)
        broker.wait_log('route.paused')
        broker.ask('dead.replay', numbers=[number], who='me')
        worker.quiet('JOB', 0.3)
        jobs = [worker.job()]
        worker.reply(jobs[0]['lease'], 'done')
        jobs += [worker.job(), worker.job()]
        self.assertEqual({job['envelope']['session_id'] for job in jobs}, {'web_x', 'web_y', 'web_z'})

    def test_a_rate_limited_message_of_a_busy_session_disturbs_nothing(self):
        broker, adapter, worker = self.start(**{'rate_limit.on': True, 'rate_limit.messages': 1})
        adapter.publish('first')
        job = worker.job()
        adapter.publish('second')
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'rate_limited')
        worker.reply(job['lease'], 'done')
        self.assertEqual(self.deliver(adapter)['response_text'], 'done')
        self.assertEqual(broker.session('web_1')['pending'], 0)

    def test_actions_and_edits_reach_an_agent(self):
        _, adapter, worker = self.start()
        for kind, body in (('chat.action', {'action': 'buy', 'value': '7'}), ('chat.edit', {'message_text': 'better'})):
            envelope, _ = adapter.event('', kind=kind)
            adapter.post(envelope, body)
            adapter.expect('STORED')
            job = worker.job()
            self.assertEqual((job['envelope']['type'], job['body']), (kind, body))
            worker.reply(job['lease'], 'done')
            worker.expect('COMMITTED')
            self.deliver(adapter)
        envelope, _ = adapter.event('', kind='chat.action')
        adapter.post(envelope, {'action': 'bad'})
        worker.nack(worker.job()['lease'], permanent=True)
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'general_error')

    def test_a_worker_of_several_services(self):
        routes = [route('left', 'one', command='/left'), route('right', 'two')]
        broker = self.broker({'routes': routes})
        adapter, worker = broker.adapter(), broker.worker(services=['one', 'two'], credit=2)
        for number, text in enumerate(('/left', 'right', '/left', 'right')):
            adapter.publish(text, session=str(number))
        adapter.stored(4)
        jobs = [worker.job(), worker.job()]
        worker.quiet('JOB', 0.1)
        for job in jobs:
            worker.reply(job['lease'], 'done')
        self.assertEqual(len([worker.job() for _ in range(2)]), 2)

    def test_lanes_of_one_service_take_turns(self):
        routes = [route('loud', 'both', command='/loud'), route('quiet', 'both')]
        broker = self.broker({'routes': routes})
        adapter = broker.adapter()
        for number in range(20):
            adapter.publish('/loud', session=f'loud{number}')
        adapter.publish('quiet', session='quiet')
        adapter.stored(21)
        worker, seen = broker.worker(services=['both'], credit=1), []
        while 'quiet' not in seen:
            job = worker.job()
            seen.append(job['body']['message_text'])
            worker.reply(job['lease'], 'done')
        self.assertLessEqual(len(seen), 4, 'a route with much to do starves another')

    def test_workers_share_the_load(self):
        broker = self.broker()
        adapter, workers = broker.adapter(), [broker.worker(f'w{number}', credit=8) for number in range(4)]
        for number in range(32):
            adapter.publish('x', session=str(number))
        adapter.stored(32)
        broker.wait_metric('leases', 32)
        for worker in workers:
            self.assertEqual(len([worker.job() for _ in range(8)]), 8)

    def test_a_body_is_passed_on_byte_for_byte(self):
        _, adapter, worker = self.start()
        body = b'\xde\x00\x02\xd9\x0cmessage_text\xda\x00\x02hi\xa8metadata'
        body += b'\xdf\x00\x00\x00\x01\xa1x\xcf\0\0\0\0\0\0\0\x01'
        envelope, _ = adapter.event('')
        envelope['traceparent'] = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
        envelope['more'] = {'kept': True}
        adapter.post(envelope, body)
        frames = worker.expect('JOB')
        self.assertEqual((frames[3], frames[4]), (envelope, body))
        worker.reply(frames[0], 'done')
        self.assertEqual(adapter.delivery()['envelope']['traceparent'], envelope['traceparent'])

    def test_many_frames_in_one_packet(self):
        broker, adapter, worker = self.start()
        worker.send_credit(100)
        frames = []
        for number in range(100):
            envelope, body = adapter.event(f'{number}', session=str(number))
            frames.append(frame('PUBLISH', number + 1, envelope, pack(body)))
        adapter.send(*frames)
        self.assertEqual(sorted(adapter.stored(100)), list(range(1, 101)))
        leases = [worker.job()['lease'] for _ in range(100)]
        worker.send(*[frame('REPLY', lease, pack({'response_text': 'x'}), None) for lease in leases])
        committed = []
        while len(committed) < 100:
            committed += worker.expect('COMMITTED')[0]
        self.assertEqual(sorted(committed), sorted(leases))
        self.assertEqual(broker.metric('replies'), 100)


class Retention(BrokerTest):
    def test_old_traffic_goes_and_what_is_pending_or_dead_stays(self):
        world = World(self.folder())
        conf = {'data.retain_h': 1, 'data.reflect_s': 1, 'session.idle_s': 1000000, 'delivery.not_after_s': 1000000,
                'agents.deadline_ms': 10000000, 'agents.timeout_ms': 600000}
        broker = self.broker(conf, env=world.env())
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('old and pending', session='pending')
        adapter.expect('STORED')
        pending = worker.job()
        adapter.publish('old and dead', session='dead')
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        for number in range(80):
            self.round_trip(adapter, worker, f'{number}', session=str(number % 5), platform_id=str(number))
        self.let_pass(world, 7200, adapter, worker)
        adapter.publish('two hours later', session='later')
        adapter.stored()
        worker.reply(worker.job()['lease'], 'an answer')
        self.deliver(adapter)
        broker.restart()
        line = broker.wait_log('journal.dropped')
        self.assertEqual(line['why'], 'age')
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            broker.ask('status')
        self.assertGreater(len(broker.logged('journal.dropped')), 1)
        for crash in (True, False):
            broker.restart(crash)
            self.assertEqual([item['session_id'] for item in broker.dead()], ['web_dead'])
            self.assertEqual(broker.metric('pending_events'), 1)
            self.assertEqual(len(broker.session('web_3')['history']), 32)
            adapter.hello()
            adapter.publish('79', platform_id='79')
            adapter.expect('STORED')
            self.assertEqual(broker.metric('events_duplicate'), 1)
        worker.options['holding'] = [pending['lease']]
        worker.hello()
        worker.reply(pending['lease'], 'at last')
        self.assertEqual(self.deliver(adapter)['response_text'], 'at last')


if __name__ == '__main__':
    unittest.main()
