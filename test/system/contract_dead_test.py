#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""The delivery contract, clauses 3.8 (dead letter), 3.9 (poison is not an outage) and 3.10 (replay)."""

import unittest

from palaverd import QUICK, BrokerTest, route, wait
from wireclient import frame, text_id


class DeadLetter(BrokerTest):
    def setUp(self):
        self.conf = {'agents.attempts': 3, 'breaker.threshold': 100}

    def start(self, **conf):
        broker = self.broker({**self.conf, **conf})
        return broker, broker.adapter(), broker.worker()

    def kill_one(self, adapter, worker, text='bad', session='1', **nack):
        """A message that a worker gives back for good; its id."""
        _, event = adapter.publish(text, session=session)
        adapter.expect('STORED')
        worker.nack(worker.job()['lease'], permanent=True, **nack)
        return event

    def test_3_8_after_max_attempts(self):
        broker, adapter, worker = self.start()
        _, event = adapter.publish('hello', platform_id='m1', attachments=[{'name': 'a.pdf'}])
        for _ in range(3):
            worker.nack(worker.job()['lease'], code='data_unavailable', reason='no prices')
        letter = broker.letter()
        self.assertEqual((letter['reason'], letter['attempts'], letter['code'], letter['why']),
                         ('attempts', 3, 'data_unavailable', 'no prices'))
        self.assertEqual((letter['id'], letter['session_id'], letter['user_id'], letter['adapter'], letter['route']),
                         (text_id(event), 'web_1', 'u1', 'web', 'default'))
        self.assertEqual(letter['body'], {'message_text': 'hello', 'metadata': {}, 'attachments': [{'name': 'a.pdf'}]})
        self.assertLessEqual(letter['accepted_us'], letter['ledger'][0]['at_us'])
        self.assertLessEqual(letter['ledger'][0]['ended_us'], letter['dead_us'])
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'data_unavailable')
        self.assertEqual(broker.metric('dead_letters{kind="event"}'), 1)

    def test_3_8_attempts_are_of_the_route(self):
        broker, adapter, worker = self.start(routes=[route(attempts=1)])
        adapter.publish('hello')
        worker.nack(worker.job()['lease'])
        self.assertEqual(broker.letter()['attempts'], 1)

    def test_3_8_at_once_for_a_permanent_failure(self):
        broker, adapter, worker = self.start()
        self.kill_one(adapter, worker, code='llm_unavailable', reason='no such model')
        letter = broker.letter()
        self.assertEqual((letter['reason'], letter['attempts']), ('permanent', 1))
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'llm_unavailable')
        self.assertEqual(broker.logged('event.dead')[0]['reason'], 'permanent')

    def test_3_8_the_user_is_told_once(self):
        broker, adapter, worker = self.start()
        event = self.kill_one(adapter, worker)
        delivery = adapter.delivery()
        self.assertEqual(delivery['envelope']['reply_to'], event)
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        for _ in range(2):
            number = wait(broker.dead, 'a dead letter')[0]['number']
            broker.ask('dead.replay', numbers=[number], who='me')
            worker.nack(worker.job()['lease'], permanent=True)
            worker.expect('COMMITTED')
        wait(broker.dead, 'a dead letter')
        adapter.quiet('DELIVER')
        self.assertEqual(broker.metric('fallbacks'), 1)

    def test_3_8_large_dead_letters_are_listed_to_the_last(self):
        broker, adapter, _ = self.start(**{'limits.body_kb': 1024})
        for number in range(12):
            adapter.publish('x' * 900000, session=str(number))
            adapter.expect('STORED')
        found, body = [], {'next': 0}
        while body['next'] is not None:
            body = broker.ask('dead.list', after=body['next'])
            found += [item['number'] for item in body['items']]
        self.assertEqual(len(set(found)), 12)

    def test_3_8_a_restart_does_not_forget_the_attempts_of_the_route(self):
        broker, adapter, worker = self.start(**{'agents.attempts': 1, **QUICK,
                                                'routes': [route(attempts=3)]})
        adapter.publish('hello')
        worker.nack(worker.job()['lease'])
        worker.job()
        broker.restart(crash=True)
        adapter.hello()
        worker = broker.worker('other')
        self.assertEqual(worker.job()['attempt'], 3)
        self.assertEqual(broker.dead(), [])

    def test_3_8_skip_goes_on_with_the_session(self):
        broker, adapter, worker = self.start()
        adapter.publish('bad')
        adapter.publish('good')
        worker.nack(worker.job()['lease'], permanent=True)
        job = worker.job()
        self.assertEqual(job['body']['message_text'], 'good')
        self.assertEqual(broker.session('web_1')['parked_by'], 0)

    def park(self):
        broker, adapter, worker = self.start(routes=[route(on_dead='park')])
        adapter.publish('bad')
        adapter.publish('later')
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        return broker, adapter, worker, wait(broker.dead, 'a dead letter')[0]['number']

    def test_3_8_park_holds_later_events_of_the_session_alone(self):
        broker, adapter, worker, number = self.park()
        worker.quiet('JOB')
        self.assertEqual(broker.session('web_1')['parked_by'], number)
        adapter.publish('elsewhere', session='2')
        self.assertEqual(worker.job()['body']['message_text'], 'elsewhere')

    def test_3_8_park_survives_kill_9_and_ends_with_a_replay(self):
        broker, adapter, worker, number = self.park()
        broker.restart(crash=True)
        adapter.hello()
        worker.hello()
        worker.quiet('JOB')
        broker.ask('dead.replay', numbers=[number], who='me')
        for text in ('bad', 'later'):
            job = worker.job()
            self.assertEqual(job['body']['message_text'], text)
            worker.reply(job['lease'], 'now it works')
            worker.expect('COMMITTED')
            self.deliver(adapter)

    def test_3_8_park_ends_with_a_discard(self):
        broker, _, worker, number = self.park()
        broker.ask('dead.discard', numbers=[number], who='me', reason='spam')
        self.assertEqual(worker.job()['body']['message_text'], 'later')
        self.assertEqual(broker.dead(), [])

    def test_3_8_dead_letters_survive_kill_9(self):
        broker, adapter, worker = self.start()
        for number in range(5):
            self.kill_one(adapter, worker, f'bad {number}', session=str(number), reason=f'because {number}')
            worker.expect('COMMITTED')
        items = wait(lambda: len(broker.dead()) == 5 and broker.dead(), '5 letters')
        before = [broker.letter(item['number']) for item in items]
        broker.restart(crash=True)
        self.assertEqual([broker.letter(item['number']) for item in broker.dead()], before)
        self.assertEqual(broker.metric('dead'), 5)
        broker.restart()
        self.assertEqual(broker.metric('dead'), 5)

    def test_3_8_the_list_comes_in_pages(self):
        broker, adapter, worker = self.start()
        for number in range(7):
            self.kill_one(adapter, worker, str(number), session=str(number))
            worker.expect('COMMITTED')
        seen, after = [], 0
        while after is not None:
            page = broker.ask('dead.list', after=after, limit=3)
            seen += [item['session_id'] for item in page['items']]
            self.assertLessEqual(len(page['items']), 3)
            after = page['next']
        self.assertEqual(seen, [f'web_{number}' for number in range(7)])

    def test_3_8_no_route(self):
        broker, adapter, _ = self.start(routes=[route(platform='slack')])
        adapter.publish('hello')
        adapter.expect('STORED')
        self.assertEqual(broker.letter()['reason'], 'no_route')
        self.assertEqual(self.deliver(adapter)['metadata']['fallback'], 'general_error')

    def test_3_8_a_reaction_that_no_route_wants_is_no_dead_letter(self):
        broker, adapter, _ = self.start()
        for kind, body in (('chat.reaction', {'reaction': 'up'}), ('delivery.receipt', {'status': 'read'})):
            envelope, _ = adapter.event('', kind=kind)
            adapter.post(envelope, body)
            adapter.expect('STORED')
        adapter.quiet('DELIVER')
        self.assertEqual(broker.dead(), [])
        self.assertEqual(broker.metric('events_unwanted'), 2)

    def test_3_8_a_discarded_letter_is_gone_once(self):
        broker, adapter, worker = self.start()
        for session in '12':
            self.kill_one(adapter, worker, session=session)
            worker.expect('COMMITTED')
        one, two = [item['number'] for item in wait(lambda: len(broker.dead()) == 2 and broker.dead(), '2 letters')]
        broker.ask('dead.discard', numbers=[one, one], who='me', reason='spam')
        self.assertEqual([item['number'] for item in broker.dead()], [two])
        self.assertEqual(broker.metric('dead'), 1)
        self.assertEqual(broker.try_ask('dead.discard', numbers=[one], who='me', reason='spam')[0], 'NOENT')


class Outage(BrokerTest):
    def start(self, **conf):
        broker = self.broker({'agents.attempts': 3, 'breaker.threshold': 3, 'breaker.open_s': 1, **conf})
        return broker, broker.adapter(), broker.worker(credit=64)

    def breaker(self, broker):
        return broker.ask('routes.list')['items'][0]

    def pause(self, broker, adapter, worker):
        """Three sessions fail alike; all of them, and one that comes later, wait."""
        for session in 'abc':
            adapter.publish('hello', session=session)
        for _ in 'abc':
            worker.nack(worker.job()['lease'], code='llm_unavailable', reason='529')
        broker.wait_log('route.paused')

    def test_3_9_many_sessions_that_fail_alike_pause_the_route(self):
        broker, adapter, worker = self.start(**{'breaker.open_s': 60})
        self.pause(broker, adapter, worker)
        adapter.publish('later', session='d')
        adapter.stored(4)
        worker.quiet('JOB')
        shown = self.breaker(broker)
        self.assertEqual(shown['breaker'], 'open')
        self.assertIn('llm_unavailable', shown['why'])
        self.assertEqual(broker.dead(), [])
        self.assertEqual(broker.metric('pending_events'), 4)
        self.assertEqual(broker.metric('routes_paused'), 1)
        adapter.quiet('DELIVER', 0.1)

    def test_3_9_a_poison_message_pauses_nothing(self):
        broker, adapter, worker = self.start(**{'agents.attempts': 10})
        adapter.publish('poison', session='a')
        for _ in range(10):
            worker.nack(worker.job()['lease'], reason='cannot read it')
        self.assertEqual(broker.letter()['attempts'], 10)
        self.assertEqual(self.breaker(broker)['breaker'], 'closed')
        self.deliver(adapter)
        self.round_trip(adapter, worker, 'others go on', session='b')
        self.assertEqual(broker.logged('route.paused'), [])

    def test_3_9_failures_that_differ_pause_nothing(self):
        broker, adapter, worker = self.start()
        for session in 'abc':
            adapter.publish('hello', session=session)
        for code in ('llm_unavailable', 'data_unavailable', 'timeout'):
            worker.nack(worker.job()['lease'], code=code, delay_ms=40)
        worker.job()
        self.assertEqual(self.breaker(broker)['breaker'], 'closed')

    def test_3_9_a_success_between_pauses_nothing(self):
        broker, adapter, worker = self.start()
        for number, session in enumerate('abcde'):
            adapter.publish('hello', session=session)
            lease = worker.job()['lease']
            if number % 2:
                worker.reply(lease, 'fine')
            else:
                worker.nack(lease, delay_ms=50, code='llm_unavailable')
            worker.expect('COMMITTED')
        self.assertEqual(broker.logged('route.paused'), [])

    def test_3_9_half_open_lets_one_probe_out(self):
        broker, adapter, worker = self.start()
        self.pause(broker, adapter, worker)
        job = worker.job()
        self.assertEqual(self.breaker(broker)['breaker'], 'half-open')
        worker.quiet('JOB')
        mark = broker.mark()
        worker.nack(job['lease'], code='llm_unavailable')
        broker.wait_log('route.paused', after=mark)
        worker.quiet('JOB', 0.5)
        worker.job()
        self.assertEqual(broker.dead(), [])

    def test_3_9_half_open_lets_one_probe_out_to_a_worker_that_takes_batches(self):
        broker = self.broker({'breaker.threshold': 1, 'breaker.open_s': 1})
        adapter, worker = broker.adapter(), broker.worker(batch={'size': 10, 'wait_ms': 300})
        adapter.publish('fails')
        worker.nack(worker.job()['lease'], code='llm_unavailable')
        broker.wait_log('route.paused')
        for session in range(2, 6):
            adapter.publish('waits', session=str(session))
        worker.job()
        worker.quiet('JOB', 0.6)

    def test_3_9_a_probe_that_succeeds_resumes_the_route(self):
        broker, adapter, worker = self.start()
        self.pause(broker, adapter, worker)
        for number in range(3):
            job = worker.job()
            worker.reply(job['lease'], 'back again')
            if number == 0:
                broker.wait_log('route.resumed')
        self.assertEqual(len([self.deliver(adapter) for _ in range(3)]), 3)
        self.assertEqual(self.breaker(broker)['breaker'], 'closed')
        self.assertEqual(broker.metric('routes_paused'), 0)

    def test_3_9_a_probe_whose_worker_dies_does_not_wedge_the_route(self):
        broker, adapter, worker = self.start(**{**QUICK})
        self.pause(broker, adapter, worker)
        worker.job()
        worker.close()
        other = broker.worker('other')
        for _ in range(3):
            other.reply(other.job()['lease'], 'fine')
            other.expect('COMMITTED')

    def test_3_9_failures_while_paused_are_not_charged(self):
        broker, adapter, worker = self.start(**{'agents.attempts': 2})
        self.pause(broker, adapter, worker)
        for _ in range(3):
            mark = broker.mark()
            worker.nack(worker.job()['lease'], code='llm_unavailable')
            broker.wait_log('route.paused', after=mark)
        self.assertEqual(broker.dead(), [])

    def test_3_9_other_routes_go_on(self):
        routes = [route('left', 'one', command='/left'), route('right', 'two')]
        broker, adapter, _ = self.start(routes=routes, **{'breaker.open_s': 60})
        left, right = broker.worker('left', services=['one']), broker.worker('right', services=['two'])
        for session in 'abc':
            adapter.publish('/left', session=session)
            left.nack(left.job()['lease'])
        broker.wait_log('route.paused', route='left')
        self.round_trip(adapter, right, 'hello', session='d')

    def test_3_9_no_worker_at_all_is_no_failure(self):
        broker = self.broker()
        adapter = broker.adapter()
        for session in 'abcdef':
            adapter.publish('hello', session=session)
        adapter.stored(6)
        adapter.quiet('DELIVER')
        self.assertEqual((broker.dead(), broker.metric('pending_events')), ([], 6))


class Replay(BrokerTest):
    def start(self, **conf):
        broker = self.broker({'agents.attempts': 2, 'breaker.threshold': 100, **conf})
        return broker, broker.adapter(), broker.worker()

    def kill(self, broker, adapter, worker, texts, session='1'):
        """Makes dead letters of these; their numbers, in order, and the ids of the events."""
        ids, before = [], {item['number'] for item in broker.dead()}
        for text in texts:
            ids.append(adapter.publish(text, session=session, platform_id=f'{session}-{text}')[1])
            worker.nack(worker.job()['lease'], permanent=True, reason=f'not {text}')
            self.deliver(adapter)
        numbers = [item['number'] for item in broker.dead() if item['number'] not in before]
        self.assertEqual(len(numbers), len(texts))
        return numbers, ids

    def test_3_10_same_event_id_new_attempt_ledger_kept(self):
        broker, adapter, worker = self.start()
        numbers, ids = self.kill(broker, adapter, worker, ['a'])
        body = broker.ask('dead.replay', numbers=numbers, who='olga')
        self.assertEqual((body['done'], body['missing']), (1, 0))
        self.assertEqual(broker.dead(), [])
        job = worker.job()
        self.assertEqual((job['envelope']['id'], job['attempt'], job['body']['message_text']), (ids[0], 2, 'a'))
        worker.nack(job['lease'], permanent=True, reason='still not')
        letter = broker.letter()
        self.assertEqual(letter['number'], numbers[0])
        self.assertEqual([row['why'] for row in letter['ledger'] if row['how'] == 'nack_final'], ['not a', 'still not'])

    def test_3_10_the_replay_is_recorded_in_the_ledger(self):
        broker, adapter, worker = self.start()
        numbers, _ = self.kill(broker, adapter, worker, ['a'])
        broker.ask('dead.replay', numbers=numbers, who='olga')
        self.assertEqual(broker.wait_log('event.replayed')['who'], 'olga')
        worker.nack(worker.job()['lease'], permanent=True)
        ledger = broker.letter()['ledger']
        self.assertEqual([row['how'] for row in ledger], ['nack_final', 'replayed', 'nack_final'])
        self.assertEqual(ledger[1]['who'], 'olga')
        broker.restart(crash=True)
        self.assertEqual(broker.letter()['ledger'], ledger)

    def test_3_10_original_order_within_a_session(self):
        broker, adapter, worker = self.start()
        numbers, _ = self.kill(broker, adapter, worker, ['a', 'b', 'c'])
        self.assertEqual(broker.ask('dead.replay', numbers=list(reversed(numbers)), who='me')['done'], 3)
        texts = []
        for _ in numbers:
            job = worker.job()
            texts.append(job['body']['message_text'])
            worker.reply(job['lease'], 'done')
            worker.expect('COMMITTED')
            self.deliver(adapter)
        self.assertEqual(texts, ['a', 'b', 'c'])

    def test_3_10_before_what_came_later(self):
        broker, adapter, worker = self.start()
        numbers, _ = self.kill(broker, adapter, worker, ['a'])
        adapter.publish('b')
        adapter.publish('c')
        first = worker.job()
        adapter.stored(2)
        broker.ask('dead.replay', numbers=numbers, who='me')
        worker.reply(first['lease'], 'done')
        self.assertEqual(worker.job()['body']['message_text'], 'a')

    def test_3_10_idempotent(self):
        broker, adapter, worker = self.start()
        numbers, _ = self.kill(broker, adapter, worker, ['a'])
        body = broker.ask('dead.replay', numbers=numbers * 3, who='me')
        self.assertEqual((body['done'], body['missing']), (1, 0))
        self.assertEqual(broker.try_ask('dead.replay', numbers=numbers, who='me')[0], 'NOENT')
        worker.reply(worker.job()['lease'], 'done')
        worker.expect('COMMITTED')
        self.assertEqual(self.deliver(adapter)['response_text'], 'done')
        worker.quiet('JOB')
        self.assertEqual(broker.try_ask('dead.replay', numbers=numbers, who='me')[0], 'NOENT')
        self.assertEqual(broker.metric('replays'), 1)

    def test_3_10_two_operators_at_the_same_moment(self):
        broker, adapter, worker = self.start()
        numbers, _ = self.kill(broker, adapter, worker, ['a', 'b'])
        tool = broker.tool()
        asked = {'numbers': numbers[:1], 'who': 'me', 'reason': 'spam'}
        tool.send(frame('CONTROL', 1, 'dead.discard', asked), frame('CONTROL', 2, 'dead.replay', asked),
                  frame('CONTROL', 3, 'dead.discard', asked))
        answers = sorted((tool.result() for _ in range(3)), key=lambda answer: answer[0])
        self.assertEqual([(status, body['done'], body['missing']) for status, body in answers],
                         [('NOENT', 0, 1), ('NOENT', 0, 1), ('ok', 1, 0)])
        self.assertIn('text', answers[0][1])
        worker.quiet('JOB')
        self.assertEqual((broker.metric('dead'), len(broker.dead())), (1, 1))

    def test_3_10_survives_kill_9(self):
        broker, adapter, worker = self.start()
        numbers, ids = self.kill(broker, adapter, worker, ['a', 'b'])
        worker.send_credit(0)
        broker.ask('dead.replay', numbers=numbers[:1], who='me')
        broker.restart(crash=True)
        adapter.hello()
        worker.hello()
        job = worker.job()
        self.assertEqual(job['envelope']['id'], ids[0])
        self.assertEqual([item['number'] for item in broker.dead()], numbers[1:])
        self.assertEqual(broker.metric('dead'), 1)

    def test_3_10_paced_by_the_credit_of_workers(self):
        broker, adapter, worker = self.start()
        numbers = []
        for session in 'abcd':
            numbers += self.kill(broker, adapter, worker, ['x'], session)[0]
        worker.send_credit(2)
        broker.ask('dead.replay', numbers=numbers, who='me')
        worker.job()
        worker.job()
        worker.quiet('JOB')
        self.assertEqual(broker.metric('leases'), 2)

    def test_3_10_a_dead_reply_is_delivered_again(self):
        broker, adapter, worker = self.start()
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'the answer')
        adapter.delivered(adapter.delivery()['delivery'], 'refused', reason='blocked')
        number = wait(broker.dead, 'a dead letter')[0]['number']
        broker.ask('dead.replay', numbers=[number], who='me')
        delivery = adapter.delivery()
        self.assertEqual((delivery['attempt'], delivery['body']['response_text']), (2, 'the answer'))
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        worker.quiet('JOB', 0.1)
        self.assertEqual(broker.dead(), [])

    def test_3_10_into_a_session_that_has_ended(self):
        broker, adapter, worker = self.start()
        numbers, ids = self.kill(broker, adapter, worker, ['a'])
        broker.ask('sessions.reset', session='web_1')
        broker.ask('dead.replay', numbers=numbers, who='me')
        job = worker.job()
        self.assertEqual((job['envelope']['id'], job['envelope']['session_id']), (ids[0], 'web_1'))

    def test_3_10_an_unknown_number_is_said(self):
        broker, _, _ = self.start()
        for command in ('dead.replay', 'dead.discard'):
            self.assertEqual(broker.try_ask(command, numbers=[4711], who='me', reason='')[0], 'NOENT')
            self.assertEqual(broker.try_ask(command, numbers=[], who='me', reason='')[0], 'ARG')
        self.assertEqual(broker.try_ask('dead.show', number=4711)[0], 'NOENT')


if __name__ == '__main__':
    unittest.main()
