#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""Telegram, through the whole chain: how updates come, by polling and by webhook, and what the operator reads when
they do not."""

import http.client
import json
import signal
import unittest

from chain import ChainTest, free_port, wait

FULL = {'limits.session_queue': 1}


class Polling(ChainTest):
    def test_an_update_is_confirmed_only_when_it_is_stored(self):
        chain = self.chain(start=False)
        chain.broker.start()
        chain.asked('getUpdates')
        chain.broker.signal(signal.SIGSTOP)
        said = chain.say('hello')
        wait(lambda: chain.tg.requests('getUpdates')[0]['status'] == 200, 'the update is read')
        self.assertFalse(chain.tg.wait_confirmed(said['update_id'], timeout_s=0.5))
        chain.broker.signal(signal.SIGCONT)
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        self.assertEqual(len([one for one in chain.tg.requests('getUpdates') if one['status'] is None]), 1)

    def test_busy_stops_polling_and_nothing_is_lost(self):
        chain = self.chain(broker_conf=FULL)
        chain.say('first')
        job = chain.job('first')
        for number in range(4):
            said = chain.say(f'number {number}')
        self.assertFalse(chain.tg.wait_confirmed(said['update_id'], timeout_s=1.5))
        chain.reply(job, 'first')
        for number in range(4):
            self.assertEqual(chain.answer(f'{number}')['body']['message_text'], f'number {number}')
        self.assertEqual(chain.texts(5, seconds=30), ['first', '0', '1', '2', '3'])
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))

    def test_what_it_asks_for(self):
        chain = self.chain(poll_s=7)
        first = chain.asked('getUpdates')[0]['params']
        self.assertEqual((first['timeout'], 'message_reaction' in first['allowed_updates'], 'offset' in first),
                         (7, True, False))

    def test_a_line_that_breaks_is_taken_up_again(self):
        for kind in ('cut_before', 'cut_after', 'cut_half', 'garbage', 'server_error', 'flood'):
            with self.subTest(kind):
                chain = self.chain()
                chain.tg.fault('getUpdates', kind, count=2, retry_after=1)
                chain.say('hello')
                chain.answer()
                self.assertEqual(chain.texts(1, seconds=30), ['an answer'])
                chain.works()

    def test_the_two_conflicts_are_told_apart(self):
        chain = self.chain()
        chain.asked('getUpdates')
        chain.tg.fault('getUpdates', 'conflict', count=3, which='poll')
        chain.say('wake')
        chain.answer()
        chain.trouble('another process polls')
        chain.works()
        chain.tg.fault('getUpdates', 'conflict', count=3, which='webhook')
        chain.say('wake')
        chain.answer()
        chain.trouble('a webhook is set')
        chain.works()

    def test_a_token_that_is_refused_is_said_and_asked_seldom(self):
        telegram = self.telegram()
        chain = self.chain(telegram, start=False)
        chain.broker.env['TELEGRAM_TOKEN'] = '7000000001:BBFakeFakeFakeFakeFakeFakeFakeFakeFak'
        chain.broker.start()
        chain.trouble('does not take the token')

    def test_a_token_that_is_none_is_refused_at_once(self):
        chain = self.chain(start=False)
        chain.broker.env['TELEGRAM_TOKEN'] = 'a b c'
        chain.broker.start()
        wait(lambda: 'not one of @BotFather' in chain.broker.tail(), 'a line that says so')
        self.assertNotIn('a b c', chain.broker.tail())

    def test_no_secret_is_in_the_log(self):
        chain = self.chain()
        chain.tg.fault('getUpdates', 'cut_before', count=2)
        chain.tg.fault('sendMessage', 'cut_before')
        chain.say('a text of a user')
        chain.answer()
        wait(chain.broker.dead, 'a dead letter')
        self.assertNotIn(chain.tg.token.split(':')[1], chain.broker.tail(10000))
        self.assertNotIn('a text of a user', chain.broker.tail(10000))

    def test_members_are_logged_and_confirmed(self):
        chain = self.chain()
        chain.tg.group(-2001)
        chain.say('hello')
        chain.answer()
        gone = chain.tg.status(-2001, 'left')
        self.assertTrue(chain.tg.wait_confirmed(gone['update_id']))


class Webhook(ChainTest):
    def hook(self, **conf):
        port = free_port()
        return self.chain(mode='webhook', webhook_port=port, webhook_url=f'http://127.0.0.1:{port}/tg/hook', **conf)

    def ready(self, chain):
        chain.tg.webhook_pace(0.02)
        return chain.asked('setWebhook')[0]['params']

    def post(self, chain, secret, path='/tg/hook', method='POST'):
        port = chain.adapter_conf['webhook_port']
        line = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
        headers = {'Content-Type': 'application/json'}
        if secret is not None:
            headers['X-Telegram-Bot-Api-Secret-Token'] = secret
        line.request(method, path, json.dumps({'update_id': 5}), headers)
        status = line.getresponse().status
        line.close()
        return status

    def test_a_message_and_its_answer(self):
        chain = self.hook()
        params = self.ready(chain)
        self.assertGreaterEqual(len(params['secret_token']), 32)
        chain.say('hello')
        self.assertEqual(chain.answer()['body']['message_text'], 'hello')
        self.assertEqual(chain.texts(1), ['an answer'])
        self.assertEqual(chain.tg.requests('getUpdates'), [])

    def test_strangers_are_not_let_in(self):
        chain = self.hook()
        secret = self.ready(chain)['secret_token']
        chain.works()
        self.assertEqual([self.post(chain, None), self.post(chain, 'x' + secret[1:]), self.post(chain, secret[:-1]),
                          self.post(chain, secret, '/'), self.post(chain, secret, method='GET'),
                          self.post(chain, secret)], [401, 401, 401, 404, 405, 200])

    def test_the_secret_is_kept(self):
        chain = self.hook()
        secret = self.ready(chain)['secret_token']
        chain.broker.restart()
        self.assertEqual(chain.asked('setWebhook', 2)[1]['params']['secret_token'], secret)

    def test_busy_is_503_and_nothing_is_lost(self):
        chain = self.hook(broker_conf=FULL)
        self.ready(chain)
        chain.say('first')
        job = chain.job('first')
        for number in range(3):
            chain.say(f'number {number}')
        busy = chain.wait(lambda: [one for one in chain.tg.deliveries() if one.get('status') == 503], '503')
        self.assertTrue(busy)
        chain.reply(job, 'first')
        for number in range(3):
            self.assertEqual(chain.answer(f'{number}')['body']['message_text'], f'number {number}')
        self.assertEqual(chain.texts(4), ['first', '0', '1', '2'])

    def test_back_to_polling_the_webhook_is_deleted(self):
        chain = self.hook()
        self.ready(chain)
        chain.say('one')
        chain.answer()
        chain.texts(1)
        chain.settled()
        chain.broker.stop()
        chain.say('while nobody was there')
        chain.adapter_conf['mode'] = 'polling'
        chain.broker.write_conf({'adapters': {'telegram': chain.adapter_conf}})
        chain.broker.start()
        chain.worker = chain.broker.worker()
        self.assertEqual(chain.answer('two')['body']['message_text'], 'while nobody was there')
        chain.asked('deleteWebhook')


if __name__ == '__main__':
    unittest.main()
