#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""The advisor when Claude is down, slow, at a limit, over budget, refusing or confused: there is an answer, in time."""

import os
import time
import unittest

from advisor import PROFILE, AdvisorTest, answer, at_once, tool
from palaverd import QUICK, SECONDS, wait

SPEND = {'status': 429, 'error': {'type': 'rate_limit_error',
                                   'details': {'error_code': 'enforced_spend_limit_reached'}}}
LONG = 'It is a longer text that comes in many pieces. ' * 4


class Troubles(AdvisorTest):
    def without_model(self, reason, question=PROFILE, session='1'):
        """The offline advisor recommends, and says why it is him; its metadata."""
        body = self.ask(question, session=session)
        metadata = self.offline(body, reason)
        self.assertGreaterEqual(len(body['recommendations']), 3)
        self.assertTrue(0 < body['confidence'] <= 1)
        return metadata

    def test_errors_that_another_try_cannot_mend(self):
        rows = {401: 'key', 402: 'key', 403: 'key', 404: 'key', 400: 'bad_request', 413: 'context_window'}
        for status, reason in rows.items():
            with self.subTest(status):
                self.begin()
                self.fake.script({'status': status, 'times': 0})
                metadata = self.without_model(reason)
                self.assertEqual(len(self.fake.requests()), 1)
                self.assertEqual(metadata['request_ids'], [self.fake.requests()[0]['request_id']])

    def test_a_wrong_key_is_not_tried_again_and_again(self):
        self.begin(key='env:WRONG_KEY', workers=0)
        os.environ['WRONG_KEY'] = 'wrong'
        self.addCleanup(os.environ.pop, 'WRONG_KEY')
        self.advisor(key='env:WRONG_KEY')
        self.here(1)
        self.without_model('key')
        self.without_model('key', session='2')
        self.assertEqual(len(self.fake.requests()), 1)

    def test_what_may_be_tried_again_is(self):
        self.begin(retries=3)
        for status in (408, 409, 429, 500, 503, 529):
            with self.subTest(status):
                self.fake.reset()
                self.fake.script({'status': status, 'headers': {'retry-after-ms': 20}}, at_once('Here.'))
                self.assertIn('Here.', self.by_claude(self.ask('Hello?', session=str(status)))['response_text'])
                self.assertEqual(len(self.fake.requests()), 2)

    def test_bodies_that_are_no_json_and_errors_without_their_wrapping(self):
        self.begin(retries=0)
        self.fake.script({'status': 500, 'body': '<html>bad gateway</html>'})
        self.without_model('down')
        self.fake.script({'status': 500, 'body': '{"type": "api_error", "message": "oh"}'})
        self.without_model('down', session='2')

    def test_the_servers_word_about_another_try_wins(self):
        self.begin(retries=2)
        self.fake.script({'status': 500, 'headers': {'x-should-retry': 'false'}})
        self.without_model('down')
        self.assertEqual(len(self.fake.requests()), 1)
        self.fake.script({'status': 400, 'headers': {'x-should-retry': 'true', 'retry-after-ms': 10}}, at_once('Here.'))
        self.by_claude(self.ask('Hello?', session='2'))

    def test_a_spend_limit_is_never_tried_again(self):
        self.begin(retries=3)
        self.fake.script({**SPEND, 'times': 0, 'headers': {'x-should-retry': 'true'}})
        self.without_model('over_budget')
        self.assertEqual(len(self.fake.requests()), 1)

    def test_retry_after_is_kept_and_holds_everybody_back(self):
        self.begin(retries=2)
        self.fake.script({'status': 429, 'headers': {'retry-after': 1}})
        self.web.publish('Hello?', session='1')
        wait(lambda: self.fake.state()['refused'] == 1, 'the refusal')
        began = time.monotonic()
        self.web.publish('Hello?', session='2')
        for _ in range(2):
            self.web.delivered(self.web.delivery()['delivery'])
        self.assertGreater(time.monotonic() - began, 0.8)
        times = [one['at'] for one in self.fake.requests()]
        self.assertEqual(len(times), 3)
        self.assertGreater(times[1] - times[0], 0.95)

    def test_without_retry_after_it_waits_half_a_second_less_a_quarter(self):
        self.begin(retries=1)
        self.fake.script({'status': 529}, at_once('Here.'))
        self.by_claude(self.ask('Hello?'))
        first, second = (one['at'] for one in self.fake.requests())
        self.assertGreater(second - first, 0.36)
        self.assertLess(second - first, SECONDS)

    def test_limits_that_the_headers_tell_of_are_not_run_into(self):
        self.begin(retries=0)
        self.fake.limits(2, 2.0)
        self.by_claude(self.ask('Hello?', session='0'))
        began = time.monotonic()
        for number in range(3):
            self.web.publish('Hello?', session=str(number + 1))
        for _ in range(3):
            delivery = self.web.delivery()
            self.by_claude(delivery['body'])
            self.web.delivered(delivery['delivery'])
        self.assertGreater(time.monotonic() - began, 1.0)
        self.assertEqual(self.fake.state()['refused'], 0)

    def test_a_wait_that_is_too_long_is_not_begun(self):
        self.begin({'agents.deadline_ms': 1000 * SECONDS}, retries=2)
        self.fake.script({'status': 429, 'headers': {'retry-after': 2 * SECONDS}})
        began = time.monotonic()
        self.without_model('busy')
        self.without_model('busy', session='2')
        self.assertLess(time.monotonic() - began, SECONDS)
        self.assertEqual(len(self.fake.requests()), 1)

    def test_a_slow_first_word_is_given_up_in_time_and_the_request_cancelled(self):
        self.begin({'agents.deadline_ms': 3000}, retries=5)
        self.fake.script({'first_token_s': 30, 'times': 0})
        began = time.monotonic()
        metadata = self.without_model('slow')
        self.assertLess(time.monotonic() - began, 3)
        self.assertGreater(metadata['input_tokens'], 0)
        wait(lambda: self.fake.state()['in_flight'] == 0, 'the request ends')
        self.assertEqual(self.fake.state()['cut'], 1)
        self.assertEqual(self.palaver.metric('jobs_retried'), 0)

    def test_a_stream_that_falls_silent(self):
        self.begin(idle_ms=300, retries=0)
        self.fake.script({**at_once(LONG), 'token_s': 5})
        self.without_model('slow')

    def test_errors_and_cuts_in_the_middle_of_a_stream(self):
        self.begin(retries=1, breaker_failures=100)
        for session, bad in enumerate(({'error_after': 6}, {'cut_after': 6}, {'cut_after': 0},
                                       {'error_after': 3, 'error': {'type': 'api_error'}})):
            with self.subTest(bad):
                self.fake.reset()
                self.fake.script({**at_once(LONG), **bad}, at_once('Whole.'))
                self.assertIn('Whole.', self.by_claude(self.ask('Hello?', session=f'a{session}'))['response_text'])
                self.fake.script({**at_once(LONG), **bad, 'times': 2})
                self.without_model('down', session=f'b{session}')

    def test_what_was_said_before_a_cut_is_paid_for(self):
        self.begin(retries=0, breaker_failures=100)
        self.fake.script({**at_once(LONG * 10), 'piece': 40, 'cut_after': 33})     # behind 30 pieces
        metadata = self.without_model('down')
        self.assertGreater(metadata['output_tokens'], 100)
        self.assertLessEqual(metadata['output_tokens'], 30 * 40 // 4)

    def test_a_refusal_is_not_the_last_word(self):
        self.begin()
        self.fake.script({'content': [], 'stop_reason': 'refusal',
                          'stop_details': {'type': 'refusal', 'category': 'x'}})
        self.without_model('refused')

    def test_what_is_malformed_is_not_shown(self):
        self.begin()
        for session, text in enumerate(('Just words.', '{"answer": "no end', '{"answer": 7}', '[]', '{}',
                                        '{"answer": "a", "kind": "facts", "recommendations": [7]}')):
            with self.subTest(text):
                self.fake.script({'content': [{'text': text}], 'malformed': True})
                body = self.ask(PROFILE, session=str(session))
                self.offline(body, 'malformed')
                self.assertNotIn('no end', body['response_text'])

    def test_a_tool_that_does_not_exist_and_input_that_makes_no_sense(self):
        self.begin()
        self.fake.script({'malformed': True, 'content': [
            {'tool': 'dance', 'input': {}}, {'tool': 'project', 'input': {'amount': -1, 'symbols': 'x'}},
            {'tool': 'compare', 'input': {'symbols': [1, None]}}, {'tool': 'search', 'input': {'query': 7}}]},
            answer('So be it.', kind='other'))
        self.assertIn('So be it.', self.by_claude(self.ask('Hello?'))['response_text'])
        results = self.fake.requests()[1]['body']['messages'][-1]['content']
        self.assertEqual([one['is_error'] for one in results], [True, True, False, True])

    def test_nobody_listens_at_the_address(self):
        self.begin(retries=1)
        self.fake.stop()
        began = time.monotonic()
        self.without_model('down')
        self.assertLess(time.monotonic() - began, SECONDS)

    def test_the_breaker_opens_and_closes_again(self):
        self.begin(retries=0, breaker_failures=2, breaker_ms=700)
        self.fake.script({'status': 500, 'times': 2})
        for session in range(4):
            self.without_model('down', session=str(session))
        self.assertEqual(len(self.fake.requests()), 2)
        wait(lambda: self.ask('Hello?', session=str(time.time()))['metadata']['answered_by'] == 'claude', 'it closes')

    def test_without_a_key_it_says_nothing_about_a_model(self):
        self.begin(workers=0)
        self.advisor(env_key=None)
        self.here(1)
        body = self.ask(PROFILE)
        self.assertNotIn('metadata', body)
        self.assertGreaterEqual(len(body['recommendations']), 3)

    def test_settings_that_make_no_sense_are_refused_at_the_start(self):
        self.begin(workers=0)
        for settings, words in (({'model': ''}, 'model'), ({'base': 'http://example.org'}, 'https'),
                                ({'key': 'sk-plain'}, 'env:'), ({'retries': 99}, 'retries'),
                                ({'colour': 'blue'}, 'colour'), ({'cache_ttl': '2h'}, 'cache_ttl'),
                                ({'budget_file': '/no/such/folder/file'}, '/no/such/folder/file')):
            with self.subTest(settings):
                advisor = self.advisor(**settings)
                advisor.process.wait()
                advisor.reader.join()
                self.assertEqual(advisor.process.returncode, 78)
                self.assertIn(words, advisor.lines[-1])
                self.assertNotIn('sk-plain', advisor.lines[-1])


class Money(AdvisorTest):
    def test_a_session_does_not_cost_more_than_it_may(self):
        self.begin(session_usd=0.04, max_tokens=1000)
        spent, claude = 0.0, 0
        for _ in range(30):
            body = self.ask(PROFILE)
            spent += body['metadata']['cost_usd']
            if body['metadata']['answered_by'] == 'offline':
                self.offline(body, 'over_budget')
                break
            claude += 1
        self.assertGreater(claude, 0)
        self.assertEqual(body['metadata']['answered_by'], 'offline')
        self.assertLessEqual(spent, 0.04)
        self.by_claude(self.ask(PROFILE, session='2'))

    def test_a_day_does_not_cost_more_than_it_may_whoever_asks(self):
        self.begin(workers=2, day_usd=0.20, max_tokens=1000)
        self.fake.script(default={'usage': {'output_tokens': 1000}})
        answers = []
        for number in range(40):
            self.web.publish('Hello?', session=str(number))
        for _ in range(40):
            delivery = self.web.delivery()
            answers.append(delivery['body'])
            self.web.delivered(delivery['delivery'])
        paid = [body for body in answers if body['metadata']['answered_by'] == 'claude']
        self.assertTrue(0 < len(paid) < 40)
        self.assertEqual(len(paid), self.fake.state()['calls'])
        self.assertLessEqual(sum(body['metadata']['cost_usd'] for body in answers), 0.20)
        with open(f'{self.budgets}/budget', encoding='ascii') as file:
            words = file.read().split()
        self.assertEqual(int(words[3]), round(sum(body['metadata']['cost_usd'] for body in answers) * 1e6))
        self.assertEqual(int(words[7]), len(paid))

    def test_the_budget_outlives_the_worker(self):
        self.begin(QUICK, day_usd=0.04, max_tokens=1000)
        self.fake.script(default={'usage': {'output_tokens': 1000}})
        self.by_claude(self.ask('Hello?'))
        self.workers[0].kill()
        self.here(0)
        self.advisor(day_usd=0.04, max_tokens=1000, session_usd=0)
        self.here(1)
        reasons = {self.ask(PROFILE, session=str(number))['metadata'].get('reason') for number in range(3)}
        self.assertIn('over_budget', reasons)


class Taken(AdvisorTest):
    def test_a_newer_message_cancels_the_request(self):
        self.begin({'routes': [{'name': 'default', 'service': 'advisor', 'overlap': 'interrupt'}]})
        self.fake.script({'when': {'text': 'first'}, 'first_token_s': 30})
        self.web.publish('the first one')
        wait(lambda: self.fake.state()['in_flight'] == 1, 'the request')
        self.web.publish('the second one')
        self.by_claude(self.web.delivery()['body'])
        wait(lambda: self.fake.state()['cut'] == 1, 'the first request ends')


if __name__ == '__main__':
    unittest.main()
