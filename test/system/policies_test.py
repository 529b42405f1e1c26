#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Policies: rate limit, content, length, platforms, fallback texts, disclaimers, cache, micro-batching."""

import time
import unittest

from palaverd import SECONDS, BrokerTest, route, wait
from wireclient import frame

ADVICE = 'This is general information, not investment advice.'
RISK = 'The value of investments can fall as well as rise; you may get back less than you put in.'
NOTICE = 'You are talking to an automated assistant.'


class Policies(BrokerTest):
    def start(self, **conf):
        broker = self.broker(conf)
        return broker, broker.adapter(), broker.worker()


class RateLimit(Policies):
    def test_ten_in_a_minute_by_default(self):
        broker, adapter, worker = self.start(**{'rate_limit.on': True})
        for number in range(12):
            adapter.publish(f'{number}', session=str(number), user='eager')
        adapter.stored(12)
        jobs = [worker.job() for _ in range(10)]
        self.assertEqual([job['body']['message_text'] for job in jobs], [str(number) for number in range(10)])
        worker.quiet('JOB', 0.1)
        self.assertEqual(broker.metric('rate_limited'), 2)
        self.assertEqual([self.deliver(adapter)['metadata']['fallback'] for _ in range(2)], ['rate_limited'] * 2)
        self.assertEqual(len(broker.logged('event.refused', reason='rate_limited')), 2)
        self.assertEqual(broker.dead(), [])

    def test_it_is_per_user_and_platform(self):
        broker, web, worker = self.start(**{'rate_limit.on': True, 'rate_limit.messages': 1})
        slack = broker.adapter('slack')
        for adapter, user in ((web, 'ada'), (web, 'bob'), (slack, 'ada')):
            adapter.publish('hello', user=user, session=user)
            worker.job()
        web.publish('hello', user='ada', session='elsewhere')
        self.assertEqual(self.deliver(web)['metadata']['fallback'], 'rate_limited')

    def test_the_window_slides(self):
        conf = {'rate_limit.on': True, 'rate_limit.messages': 2, 'rate_limit.window_s': 1}
        broker, adapter, worker = self.start(**conf)
        worker.send(frame('CREDIT', 100))
        times, taken = {}, []
        until = time.monotonic() + 2 * SECONDS
        while len(taken) < 6 and time.monotonic() < until:
            published = time.monotonic()
            adapter.publish(f'{len(times)}', session=str(len(times)))
            adapter.expect('STORED')
            times[f'{len(times)}'] = published, time.monotonic()
            while job := worker.try_job():
                taken.append(job['body']['message_text'])
            adapter.quiet('BUSY', 0.05)
        self.assertEqual(len(taken), 6)
        for first, third in zip(taken, taken[2:]):
            self.assertGreaterEqual(times[third][1] - times[first][0], 1)
        self.assertGreater(broker.metric('rate_limited'), 0)

    def test_second_copies_do_not_count(self):
        broker, adapter, worker = self.start(**{'rate_limit.on': True, 'rate_limit.messages': 2})
        for _ in range(5):
            adapter.publish('hello', platform_id='m1')
        adapter.stored(5)
        adapter.publish('second', session='2')
        self.assertEqual({worker.job()['body']['message_text'] for _ in range(2)}, {'hello', 'second'})
        self.assertEqual(broker.metric('rate_limited'), 0)

    def test_off(self):
        broker, adapter, _ = self.start(**{'rate_limit.on': False})
        for number in range(30):
            adapter.publish('x', session=str(number))
        adapter.stored(30)
        self.assertEqual(broker.metric('rate_limited'), 0)


class Content(Policies):
    def rejected(self, broker, adapter, text, reason, counter):
        before = broker.metric(counter)
        adapter.publish(text)
        adapter.expect('STORED')
        body = self.deliver(adapter)
        self.assertEqual(body['metadata']['fallback'], 'rejected')
        self.assertEqual(broker.metric(counter), before + 1)
        self.assertEqual(broker.logged('event.refused')[-1]['reason'], reason)

    def test_the_default_rules(self):
        broker, adapter, worker = self.start()
        for text in ('<script src="x">', 'see <SCRIPT>alert(1)</SCRIPT>', 'go to JavaScript:alert(1)',
                     '<img onerror = "x">', 'onclick=1'):
            self.rejected(broker, adapter, text, 'content', 'content_rejected{reason="rule"}')
        letters = [broker.letter(item['number']) for item in broker.dead()]
        self.assertEqual([(one['reason'], one['outcome']) for one in letters], [('rejected', 'rejected')] * 5)
        self.assertEqual(letters[0]['why'], '<script.*?>')
        worker.quiet('JOB', 0.1)
        for text in ('what is a script?', 'on balance, x = 3', 'java'):
            job, _ = self.round_trip(adapter, worker, text)
            self.assertEqual(job['body']['message_text'], text)

    def test_a_match_has_a_limit(self):
        conf = {'content.rules': ['(a+)+$'], 'content.match_limit': 1000, 'content.chars': 100000}
        broker, adapter, _ = self.start(**conf)
        begun = time.monotonic()
        self.rejected(broker, adapter, 'a' * 5000 + 'b', 'match_limit', 'content_rejected{reason="rule"}')
        self.assertLess(time.monotonic() - begun, SECONDS)  # without it, longer than anybody waits

    def test_length_counts_characters(self):
        broker, adapter, worker = self.start(**{'content.chars': 10})
        self.round_trip(adapter, worker, 'ä€𝄞ä€𝄞ä€𝄞x')
        self.rejected(broker, adapter, 'ä€𝄞ä€𝄞ä€𝄞xy', 'length', 'content_rejected{reason="length"}')

    def test_allowed_platforms(self):
        broker, adapter, worker = self.start(**{'content.platforms': ['slack', 'telegram']})
        self.rejected(broker, adapter, 'hello', 'platform', 'content_rejected{reason="platform"}')
        self.round_trip(broker.adapter('slack'), worker, 'hello')

    def test_a_rejected_message_does_not_park_the_session(self):
        broker, adapter, worker = self.start(routes=[route(on_dead='park')])
        self.rejected(broker, adapter, '<script>', 'content', 'content_rejected{reason="rule"}')
        self.round_trip(adapter, worker, 'a good one')


class Fallback(Policies):
    def told(self, text, code='general_error', **conf):
        broker, adapter, worker = self.start(**conf)
        adapter.publish(text)
        worker.nack(worker.job()['lease'], permanent=True, code=code)
        body = self.deliver(adapter)
        broker.stop()
        return body

    def test_a_text_a_reason(self):
        for code, words in (('general_error', 'Something went wrong'), ('data_unavailable', 'The data needed'),
                            ('llm_unavailable', 'assistant is not available'), ('timeout', 'takes longer'),
                            ('nonsense', 'Something went wrong')):
            body = self.told('hello', code)
            self.assertIn(words, body['response_text'])
            self.assertEqual((body['recommendations'], body['confidence'], body['sources']), ([], 0, []))
            self.assertEqual(body['metadata']['fallback'], code if code != 'nonsense' else 'general_error')

    def test_extra_sentences_when_the_query_speaks_of_investment_or_risk(self):
        invest, risk = 'base an investment decision', 'carries risk'
        for text, has in (('hello', (False, False)), ('Which FUND should I buy?', (True, False)),
                          ('is that safe?', (False, True)), ('risk of my portfolio', (True, True)),
                          ('a refund, please', (False, False))):
            said = self.told(text)['response_text']
            self.assertEqual((invest in said, risk in said), has, (text, said))

    def test_texts_are_of_the_conf(self):
        body = self.told('hello', **{'fallback.general_error': 'Es ging etwas schief.'})
        self.assertEqual(body['response_text'], 'Es ging etwas schief.')

    def test_no_text_means_no_word(self):
        broker, adapter, worker = self.start(**{'fallback.general_error': ''})
        adapter.publish('hello')
        worker.nack(worker.job()['lease'], permanent=True)
        worker.expect('COMMITTED')
        adapter.quiet('DELIVER')
        self.assertEqual(len(broker.dead()), 1)

    def test_a_fallback_makes_no_turn_of_history(self):
        _, adapter, worker = self.start()
        adapter.publish('bad')
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        job, _ = self.round_trip(adapter, worker, 'good')
        self.assertEqual(job['history'], [])


class Compliance(Policies):
    def test_on_every_response(self):
        _, adapter, worker = self.start()
        _, body = self.round_trip(adapter, worker, 'hello')
        self.assertEqual((body['disclaimers'], body['compliance_version']), ([ADVICE, NOTICE], '1'))
        adapter.publish('bad')
        worker.nack(worker.job()['lease'], permanent=True)
        self.assertEqual(self.deliver(adapter)['disclaimers'], [ADVICE, NOTICE])

    def test_risk_disclosure_when_there_are_recommendations(self):
        _, adapter, worker = self.start()
        for recommendations, texts in (([], [ADVICE, NOTICE]), ([{'name': 'a fund'}], [ADVICE, RISK, NOTICE])):
            adapter.publish('hello')
            worker.reply(worker.job()['lease'], 'an answer', recommendations=recommendations)
            self.assertEqual(self.deliver(adapter)['disclaimers'], texts)

    def test_a_worker_cannot_forge_them(self):
        _, adapter, worker = self.start(**{'compliance.version': '2026-11'})
        adapter.publish('hello')
        worker.reply(worker.job()['lease'], 'an answer', disclaimers=['guaranteed profit'], compliance_version='99')
        body = self.deliver(adapter)
        self.assertEqual((body['disclaimers'], body['compliance_version']), ([ADVICE, NOTICE], '2026-11'))
        self.assertEqual(list(body).count('disclaimers'), 1)

    def test_off(self):
        _, adapter, worker = self.start(**{'compliance.on': False})
        _, body = self.round_trip(adapter, worker, 'hello')
        self.assertNotIn('disclaimers', body)

    def test_they_are_not_in_the_history(self):
        _, adapter, worker = self.start()
        self.round_trip(adapter, worker, 'hello')
        job, _ = self.round_trip(adapter, worker, 'again')
        self.assertEqual(job['history'][1]['text'], 'an answer')


class Cache(Policies):
    def cached(self, **conf):
        return self.start(routes=[route(cache=True)], **conf)

    def ask(self, adapter, worker, text, session, answer=None, state=None, **more):
        """(asked a worker, body of the answer)."""
        adapter.publish(text, session=session, **more)
        adapter.expect('STORED')
        got = wait(lambda: worker.try_job() or adapter.came('DELIVER'), 'a job or an answer')
        if got is not True:
            worker.reply(got['lease'], answer or 'an answer', state=state)
            worker.expect('COMMITTED')
        return got is not True, self.deliver(adapter)

    def test_a_hit_says_so(self):
        broker, adapter, worker = self.cached()
        asked, first = self.ask(adapter, worker, 'What is a fund?', 'a')
        self.assertTrue(asked)
        self.assertNotIn('cached', first.get('metadata', {}))
        asked, second = self.ask(adapter, worker, '  what IS a   fund? ', 'b')
        self.assertFalse(asked)
        self.assertEqual((second['response_text'], second['metadata']['cached']), ('an answer', True))
        self.assertEqual(second['disclaimers'], first['disclaimers'])
        self.assertEqual((broker.metric('cache_hits'), broker.metric('cache_misses'), broker.metric('cache_entries')),
                         (1, 1, 1))
        self.assertEqual([turn['text'] for turn in broker.session('web_b')['history']],
                         ['  what IS a   fund? ', 'an answer'])

    def test_off_unless_the_route_switches_it_on(self):
        _, adapter, worker = self.start()
        for session in 'ab':
            self.assertTrue(self.ask(adapter, worker, 'hello', session)[0])

    def test_bounded_by_the_state_that_the_agent_declares(self):
        broker, adapter, worker = self.cached()
        worker.bye()
        broker.wait_log('peer.gone')
        worker = broker.worker('careful', cache_keys=['risk'])
        self.ask(adapter, worker, 'set', 'a', state={'risk': 'low', 'name': 'Ada'})
        self.ask(adapter, worker, 'set it', 'b', state={'risk': 'low', 'name': 'Bob'})
        self.ask(adapter, worker, 'set that', 'c', state={'risk': 'high', 'name': 'Ada'})
        self.assertTrue(self.ask(adapter, worker, 'what now?', 'a', answer='for low')[0])
        asked, body = self.ask(adapter, worker, 'what now?', 'b')
        self.assertEqual((asked, body['response_text']), (False, 'for low'))
        asked, body = self.ask(adapter, worker, 'what now?', 'c', answer='for high')
        self.assertEqual((asked, body['response_text']), (True, 'for high'))

    def test_what_is_asked_of_a_picture_is_asked_anew(self):
        """The same words with another file are another question, and its answer is none to the words alone."""
        broker, adapter, worker = self.cached()
        for session, name in (('a', 'cat'), ('b', 'dog'), ('c', None)):
            more = {'attachments': [{'url': f'https://example.org/{name}.jpg'}] if name else []}
            asked, body = self.ask(adapter, worker, 'what is this?', session, answer=f'a {name}', **more)
            self.assertEqual((asked, body['response_text']), (True, f'a {name}'))
        self.assertEqual((broker.metric('cache_hits'), broker.metric('cache_entries')), (0, 1))

    def test_what_was_merged_with_a_picture_is_no_answer_to_its_words(self):
        broker, adapter, worker = self.start(routes=[route(cache=True, overlap='merge')])
        adapter.publish('wait')
        job = worker.job()
        adapter.publish('what is')
        adapter.publish('this?', attachments=[{'url': 'https://example.org/cat.jpg'}])
        adapter.stored(3)
        worker.reply(job['lease'], 'I wait')
        self.deliver(adapter)
        worker.reply(worker.job()['lease'], 'a cat')
        self.deliver(adapter)
        self.assertTrue(self.ask(adapter, worker, 'what is this?', 'b')[0])

    def test_it_expires(self):
        broker, adapter, worker = self.cached(**{'cache.ttl_s': 1})
        self.ask(adapter, worker, 'hello', 'a')
        until = time.monotonic() + 1.1
        while time.monotonic() < until:
            adapter.quiet('DELIVER', 0.1)
        self.assertTrue(self.ask(adapter, worker, 'hello', 'b')[0])
        self.assertEqual(broker.metric('cache_hits'), 0)

    def test_bounded_in_entries(self):
        broker, adapter, worker = self.cached(**{'cache.entries': 2})
        for number in range(4):
            self.ask(adapter, worker, f'question {number}', 'a')
        self.assertEqual(broker.metric('cache_entries'), 2)
        self.assertFalse(self.ask(adapter, worker, 'question 3', 'a')[0])
        self.assertTrue(self.ask(adapter, worker, 'question 0', 'a')[0])

    def test_an_answer_is_of_its_route(self):
        routes = [route('one', 'one', command='/one', cache=True), route('two', 'two', cache=True)]
        broker = self.broker({'routes': routes})
        adapter, one, two = broker.adapter(), broker.worker(services=['one']), broker.worker(services=['two'])
        self.ask(adapter, one, '/one hello', 'a')
        self.assertTrue(self.ask(adapter, two, 'hello', 'a')[0])

    def test_failures_are_not_cached(self):
        broker, adapter, worker = self.cached()
        adapter.publish('hello')
        worker.nack(worker.job()['lease'], permanent=True)
        self.deliver(adapter)
        self.assertTrue(self.ask(adapter, worker, 'hello', 'b')[0])
        self.assertEqual(broker.metric('cache_hits'), 0)


class Batching(Policies):
    def start_batch(self, size, wait_ms, credit=64):
        broker = self.broker()
        worker = broker.worker('batcher', credit=credit, batch={'size': size, 'wait_ms': wait_ms})
        return broker, broker.adapter(), worker

    def test_a_route_that_is_paused_has_its_events_back_from_a_batch_and_tries_one_alone(self):
        broker = self.broker({'breaker.threshold': 2, 'breaker.open_s': 1})
        adapter, batcher = broker.adapter(), broker.worker('batcher', batch={'size': 16, 'wait_ms': 60000})
        for session in 'ab':
            adapter.publish('hello', session=session)
        adapter.stored(2)
        single = broker.worker('single')
        for session in 'cdef':
            adapter.publish('hello', session=session)
        adapter.stored(4)
        leases = [single.job()['lease'] for _ in range(2)]
        single.send(*(frame('NACK', lease, False, None, 'general_error', 'no') for lease in leases))
        broker.wait_log('route.paused')
        single.bye()
        broker.wait_log('route.probing')
        self.assertEqual(batcher.job()['batch']['size'], 1)
        batcher.quiet('JOB')

    def test_a_full_batch_comes_at_once(self):
        _, adapter, worker = self.start_batch(4, 60000)
        for number in range(4):
            adapter.publish(f'{number}', session=str(number))
        jobs = [worker.job() for _ in range(4)]
        self.assertEqual([(job['batch']['index'], job['batch']['size']) for job in jobs], [(n, 4) for n in range(4)])
        self.assertEqual(len({job['batch']['id'] for job in jobs}), 1)
        for job in jobs:
            worker.reply(job['lease'], 'done')
            self.deliver(adapter)

    def test_a_batch_that_does_not_fill_waits_no_longer_than_it_may(self):
        _, adapter, worker = self.start_batch(10, 400)
        begun = time.monotonic()
        for number in range(3):
            adapter.publish(f'{number}', session=str(number))
        jobs = [worker.job() for _ in range(3)]
        self.assertGreaterEqual(time.monotonic() - begun, 0.39)
        self.assertEqual({job['batch']['size'] for job in jobs}, {3})

    def test_the_defaults_are_ten_and_a_second(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker('batcher', credit=64, batch={})
        for number in range(10):
            adapter.publish(f'{number}', session=str(number))
        self.assertEqual({worker.job()['batch']['size'] for _ in range(10)}, {10})
        begun = time.monotonic()
        adapter.publish('alone', session='alone')
        self.assertEqual(worker.job()['batch']['size'], 1)
        self.assertGreaterEqual(time.monotonic() - begun, 0.95)

    def test_credit_bounds_a_batch(self):
        _, adapter, worker = self.start_batch(10, 60000, credit=3)
        for number in range(5):
            adapter.publish(f'{number}', session=str(number))
        self.assertEqual({worker.job()['batch']['size'] for _ in range(3)}, {3})

    def test_one_session_gives_one_job_a_batch(self):
        _, adapter, worker = self.start_batch(3, 300)
        for number in range(3):
            adapter.publish(f'{number}')
        for number in range(3):
            job = worker.job()
            self.assertEqual((job['body']['message_text'], job['batch']['size']), (str(number), 1))
            worker.reply(job['lease'], 'done')

    def test_jobs_of_a_batch_are_answered_by_themselves(self):
        broker, adapter, worker = self.start_batch(2, 60000)
        for session in 'ab':
            adapter.publish(session, session=session)
        one, two = worker.job(), worker.job()
        worker.nack(two['lease'], permanent=True)
        worker.reply(one['lease'], 'done')
        texts = {self.deliver(adapter)['response_text'][:9] for _ in range(2)}
        self.assertEqual(texts, {'done', 'Something'})
        self.assertEqual(len(broker.dead()), 1)

    def test_what_is_gathered_goes_to_another_worker_when_this_one_leaves(self):
        broker, adapter, worker = self.start_batch(10, 60000)
        for session in 'ab':
            adapter.publish(session, session=session)
        adapter.stored(2)
        worker.bye()
        other = broker.worker('other')
        self.assertEqual({other.job()['attempt'] for _ in range(2)}, {1})

    def test_a_worker_without_batch_gets_none(self):
        _, adapter, worker = self.start()
        adapter.publish('hello')
        self.assertIsNone(worker.job()['batch'])


if __name__ == '__main__':
    unittest.main()
