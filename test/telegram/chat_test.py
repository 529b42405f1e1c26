#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Telegram, through the whole chain: what people write reaches the agents, and what these answer is shown."""

import unittest

from chain import ChainTest


class Chat(ChainTest):
    def test_a_message_and_its_answer(self):
        chain = self.chain()
        said = chain.say('hello')
        job = chain.answer('good *day*')
        self.assertEqual((job['body']['message_text'], job['envelope']['session_id'], job['envelope']['user_id']),
                         ('hello', 'telegram_1001', '1001'))
        self.assertEqual(chain.texts(1), ['good day'])
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        chain.settled()


if __name__ == '__main__':
    unittest.main()
