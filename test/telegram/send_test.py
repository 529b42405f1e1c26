#!/usr/bin/python3
# RUN: timeout=400 variants=debug,release,asan
"""Telegram, through the whole chain: what becomes of an answer when it is long, when Telegram refuses, is too fast,
breaks the line, or is not there."""

import os
import signal
import unittest

from chain import USER, ChainTest, wait

NOT_SENT = 'deliveries{outcome="not_sent"}'
LONG = '\n\n'.join(f'Paragraph {number}: ' + 'words and more words ' * 40 for number in range(11))


class Long(ChainTest):
    def begin(self, **conf):
        chain = self.chain(**conf)
        chain.say('tell me')
        return chain, chain.job('tell me')

    def whole(self, texts):
        return ' '.join(' '.join(texts).split())

    def test_a_long_answer_comes_in_parts(self):
        chain, job = self.begin()
        chain.reply(job, LONG, metadata={'buttons': [{'label': 'More', 'action': 'more'}]})
        texts = chain.texts(3)
        chain.settled()
        self.assertEqual(self.whole(chain.seen()), ' '.join(LONG.split()))
        self.assertTrue(all(len(text) <= 4096 for text in texts))
        self.assertEqual(['reply_markup' in one for one in chain.params('sendMessage')], [False, False, True])

    def test_a_part_without_anything_to_see_is_left_out(self):
        chain, job = self.begin()
        chain.reply(job, 'x' * 4096 + '\n\n\u00a0\n\n' + 'y' * 4096 + '\n\n\u3000')
        self.assertEqual(chain.texts(2), ['x' * 4096, 'y' * 4096])
        chain.settled()
        self.assertFalse(chain.broker.dead())

    def test_a_part_that_is_refused_is_named_and_a_replay_goes_on_with_it(self):
        chain, job = self.begin()
        chain.tg.fault('sendMessage', 'error', code=403, description='Forbidden: scripted', after=1)
        chain.reply(job, LONG)
        letter = wait(lambda: chain.broker.dead() and chain.broker.letter(), 'a dead letter')
        self.assertIn('part 2 of 3: 403 Forbidden: scripted', str(letter))
        chain.broker.ask('dead.replay', numbers=[letter['number']])
        chain.texts(3)
        chain.settled()
        self.assertEqual(self.whole(one for one in chain.seen() if 'Paragraph' in one), ' '.join(LONG.split()))

    def test_a_part_that_fails_for_now_is_the_first_one_of_the_next_attempt(self):
        chain, job = self.begin(ai_notice='A machine writes.')
        chain.tg.fault('sendMessage', 'error', code=420, description='FLOOD', after=1)
        chain.reply(job, LONG)
        chain.texts(3)
        chain.settled()
        self.assertEqual(self.whole(chain.seen()), 'A machine writes. ' + ' '.join(LONG.split()))
        self.assertEqual(len(chain.tg.requests('sendMessage')), 4)

    def test_after_kill_9_between_two_parts_a_replay_sends_the_missing_ones(self):
        chain, job = self.begin()
        chain.tg.fault('sendMessage', 'hang', after=1)
        host = chain.host()['pid']
        chain.reply(job, LONG)
        chain.asked('sendMessage', 2)
        os.kill(host, signal.SIGKILL)
        letter = wait(lambda: chain.broker.dead() and chain.broker.letter(), 'a dead letter', 30)
        self.assertIn('unknown', str(letter))
        chain.broker.ask('dead.replay', numbers=[letter['number']], allow_duplicates=True)
        chain.wait(lambda: self.whole(one for one in chain.seen() if 'Paragraph' in one) == ' '.join(LONG.split()),
                   'all parts, each once', 30)
        chain.settled()


class Outcomes(ChainTest):
    def after(self, kind, conf=None, **arguments):
        """An answer whose send meets a fault; (chain, job)."""
        chain = self.chain(**(conf or {}))
        chain.say('hello')
        job = chain.job('hello')
        chain.tg.fault('sendMessage', kind, **arguments)
        chain.reply(job, 'the **answer**')
        return chain

    def shown(self, chain, text='the answer', requests=2):
        self.assertEqual(chain.texts(1), [text])
        chain.settled()
        self.assertEqual((chain.seen(), len(chain.tg.requests('sendMessage')), chain.broker.dead()),
                         ([text], requests, []))

    def dead(self, chain, why, *words):
        letter = wait(lambda: chain.broker.dead() and chain.broker.letter(), 'a dead letter', 30)
        for word in (why, *words):
            self.assertIn(word, str(letter))

    def test_too_fast_for_a_moment_waits_here(self):
        chain = self.after('flood', retry_after=1)
        self.shown(chain)
        first, second = chain.tg.requests('sendMessage')
        self.assertGreaterEqual(second['at'] - first['at'], 1)
        self.assertEqual(chain.broker.metric(NOT_SENT), 0)

    def test_too_fast_for_long_is_left_to_the_broker(self):
        chain = self.after('flood', {'hold_s': 1}, retry_after=3)
        self.shown(chain)
        first, second = chain.tg.requests('sendMessage')
        self.assertGreaterEqual(second['at'] - first['at'], 3)
        self.assertEqual(chain.broker.metric(NOT_SENT), 1)

    def test_formatting_that_is_not_understood_is_left_out(self):
        chain = self.after('error', description="Bad Request: can't parse entities: scripted")
        self.shown(chain)
        self.assertNotIn('parse_mode', chain.params('sendMessage')[1])

    def test_buttons_that_are_not_taken_are_left_out(self):
        for button, requests in (({'label': 'Site', 'url': 'nowhere'}, 2), ({'label': ' \t', 'action': 'buy'}, 1),
                                 ({'label': 'Two words', 'url': 'https://example.org/two words'}, 1)):
            with self.subTest(button=button):
                chain = self.chain()
                chain.say('hello')
                chain.reply(chain.job(), 'an answer', metadata={'buttons': [[button]]})
                self.shown(chain, 'an answer', requests)

    def test_a_message_that_is_gone_is_answered_all_the_same(self):
        chain = self.after('error', {'quote': 'always'}, description='Bad Request: message to be replied not found')
        self.shown(chain)
        self.assertNotIn('reply_parameters', chain.params('sendMessage')[1])

    def test_a_line_that_broke_before_it_was_sent_is_unknown(self):
        self.dead(self.after('cut_before'), 'unknown')

    def test_a_line_that_broke_after_it_was_sent_is_unknown_and_not_sent_again(self):
        for kind in ('cut_after', 'cut_half', 'garbage', 'wrong_json'):
            with self.subTest(kind):
                chain = self.after(kind)
                self.dead(chain, 'unknown')
                self.assertEqual(chain.seen().count('the answer'), 1)

    def test_a_server_in_trouble_leaves_it_unknown(self):
        self.dead(self.after('server_error', status=502), 'unknown', '502')

    def test_a_server_that_is_slow_for_too_long(self):
        self.dead(self.after('hang', {'timeout_s': 1}), 'unknown')

    def test_a_user_who_has_blocked_the_bot(self):
        chain = self.chain()
        chain.say('hello')
        job = chain.job('hello')
        chain.tg.block()
        chain.reply(job, 'the answer')
        self.dead(chain, 'refused', 'blocked')

    def test_a_server_that_is_not_there_is_tried_again(self):
        chain = self.chain(broker_conf={'delivery.backoff_ms': 500, 'delivery.backoff_max_ms': 500})
        chain.say('hello')
        job = chain.job('hello')
        chain.tg.run(chain.tg.fake.server.stop())
        chain.reply(job, 'the answer')
        wait(lambda: chain.broker.metric(NOT_SENT) > 0, 'it is not sent')
        chain.tg.run(chain.tg.fake.server.start('127.0.0.1', chain.tg.port))
        chain.wait(lambda: chain.seen() == ['the answer'], 'it is sent', 60)
        self.assertEqual(chain.broker.dead(), [])


class Pace(ChainTest):
    limits = True

    def test_many_answers_stay_within_the_limits(self):
        chain = self.chain()
        for number in range(8):
            chain.say(f'{number}')
            chain.say(f'{number}', user=1002)
        for _ in range(16):
            job = chain.job()
            chain.reply(job, job['body']['message_text'])
        self.assertEqual(chain.texts(8, seconds=30), [str(number) for number in range(8)])
        self.assertEqual(chain.texts(8, 1002, seconds=30), [str(number) for number in range(8)])
        self.assertEqual([one['status'] for one in chain.tg.requests('sendMessage')], [200] * 16)

    def test_a_flood_in_two_chats_is_one_for_all(self):
        chain = self.chain()
        chain.tg.fault('sendMessage', 'flood', retry_after=3, chat=USER)
        chain.tg.fault('sendMessage', 'flood', retry_after=3, chat=1002)
        for user in (USER, 1002):
            chain.say('hello', user=user)
            chain.answer()
        chain.asked('sendMessage', 2)
        chain.say('hello', user=1003)
        chain.answer()
        for user in (USER, 1002, 1003):
            chain.texts(1, user)
        log = chain.tg.requests('sendMessage')
        self.assertEqual(len(log), 5)
        self.assertGreaterEqual(log[2]['at'] - log[1]['at'], 2.9)


if __name__ == '__main__':
    unittest.main()
