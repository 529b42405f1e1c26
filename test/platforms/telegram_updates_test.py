#!/usr/bin/python3
# RUN: timeout=180 variants=debug,release
"""How the fake of Telegram's server brings updates: to who polls, and to a webhook."""

import http.server
import json
import os
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)
sys.dont_write_bytecode = True
# Last the folder of this file: its folders have the names of client libraries.
sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != HERE] + [TEST, HERE]
from telegram_client import Case, GROUP, USER  # noqa: E402


class UpdatesTest(Case):
    def ids(self, **values):
        return [one['update_id'] for one in self.bot.updates(**values)]

    def say(self, count):
        return [self.telegram.say(f'm{at}')['update_id'] for at in range(count)]

    def test_confirmed_by_a_larger_offset_only(self):
        ids = self.say(3)
        self.assertEqual(self.ids(), ids)
        self.assertEqual(self.ids(offset=ids[0]), ids)
        self.assertEqual(self.ids(offset=ids[1], limit=1), ids[1:2])
        self.assertEqual(self.ids(offset=ids[2] + 1, timeout=1), [])
        self.assertEqual(self.telegram.pending()['confirmed'], ids[2])

    def test_negative_offset_forgets_what_is_before(self):
        ids = self.say(4)
        self.assertEqual(self.ids(offset=-2), ids[2:])
        self.assertEqual(self.ids(offset=ids[2]), ids[2:])

    def test_long_poll_ends_with_the_first_update(self):
        started = time.monotonic()
        timer = threading.Timer(0.2, lambda: self.telegram.say('late'))
        timer.start()
        self.assertEqual(len(self.ids(timeout=50)), 1)
        self.assertLess(time.monotonic() - started, 40)
        timer.join()

    def test_the_same_offset_again_is_slowed(self):
        self.assertEqual(self.ids(), [])
        started = time.monotonic()
        self.assertEqual(self.ids(), [])
        self.assertGreater(time.monotonic() - started, 2.5)

    def test_allowed_updates_are_remembered(self):
        message = self.telegram.say('hi')['message_id']
        self.assertIsNone(self.telegram.react(message)['update_id'])
        self.bot.updates(allowed_updates=['message_reaction'])
        self.bot.updates(offset=100000002, timeout=1)
        self.assertIsNone(self.telegram.say('not heard')['update_id'])
        self.assertIsNotNone(self.telegram.react(message, [])['update_id'])
        got = self.bot.updates(offset=100000002)[0]['message_reaction']
        self.assertEqual((got['old_reaction'][0]['emoji'], got['new_reaction']), ('👍', []))
        self.bot.updates(allowed_updates=[])
        self.assertIsNone(self.telegram.react(message)['update_id'])

    def test_two_pollers(self):
        answers = []
        body = json.dumps({'timeout': 20}).encode()
        first = threading.Thread(target=lambda: answers.append(self.bot.post('getUpdates', body, 'application/json')))
        first.start()
        self.wait(lambda: self.telegram.pending()['polling'])
        second = threading.Thread(target=lambda: self.bot.post('getUpdates', body, 'application/json'))
        second.start()
        first.join(10)
        self.assertEqual(answers[0][0], 409)
        self.assertEqual(answers[0][1]['description'], 'Conflict: terminated by other getUpdates request; '
                         'make sure that only one bot instance is running')
        self.telegram.say('ends the second')
        second.join(10)

    def wait(self, true, seconds=10):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_kinds_of_updates(self):
        self.started()
        self.telegram.group(GROUP, title='Team')
        sent = self.bot.send('pick', reply_markup={'inline_keyboard': [[{'text': 'A', 'callback_data': 'a'}]]})
        message = self.telegram.say('@palaver_test_bot hi', chat=GROUP)['message_id']
        self.telegram.edit(message, 'changed', chat=GROUP)
        for kind in ('photo', 'document', 'voice', 'audio', 'video', 'sticker', 'location', 'contact'):
            self.telegram.media(kind, 'look' if kind == 'photo' else '')
        self.telegram.press(sent['message_id'], 'A')
        self.telegram.block()
        self.telegram.status(GROUP, 'kicked')
        updates = self.bot.updates()
        self.assertEqual([[*one][1] for one in updates],
                         ['message', 'edited_message', *['message'] * 8, 'callback_query', 'my_chat_member', 'message',
                          'my_chat_member'])
        self.assertEqual(updates[0]['message']['entities'], [{'type': 'mention', 'offset': 0, 'length': 17}])
        self.assertEqual(updates[10]['callback_query']['message']['reply_markup'], sent['reply_markup'])

    def test_duplicates_and_order(self):
        ids = self.say(3)
        self.telegram.fault('getUpdates', 'reorder')
        self.assertEqual(self.ids(), ids[::-1])
        self.telegram.fault('getUpdates', 'duplicate')
        self.assertEqual(self.ids(offset=ids[1]), [ids[0], *ids[1:], ids[2]])

    def test_privacy_mode(self):
        self.telegram.privacy()
        self.telegram.group(GROUP)
        own = self.bot.send(chat_id=GROUP)['message_id']
        heard = [self.telegram.say(text, chat=GROUP, **more)['update_id'] is not None for text, more in [
            ('hello', {}), ('/help', {}), ('hi @Palaver_Test_Bot', {}), ('yes', {'reply_to': own})]]
        self.assertEqual(heard, [False, True, True, True])


class Hook(http.server.BaseHTTPRequestHandler):
    """A bot's webhook: answers what `server.answers` holds next, else 200."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.got.append((self.headers.get('X-Telegram-Bot-Api-Secret-Token'), json.loads(body)))
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b'')
        self.send_response(status)
        for name, value in {**headers, 'Content-Length': len(answer)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class WebhookTest(Case):
    def setUp(self):
        super().setUp()
        self.hook = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)
        self.hook.got, self.hook.answers = [], []
        thread = threading.Thread(target=self.hook.serve_forever)
        thread.start()
        self.addCleanup(lambda: (self.hook.shutdown(), thread.join(), self.hook.server_close()))
        self.url = f'http://127.0.0.1:{self.hook.server_address[1]}/hook?x=1'
        self.telegram.webhook_pace(0.01)

    def arrived(self):
        return [one['message']['text'] for _, one in self.hook.got]

    def test_delivery(self):
        before = self.telegram.say('before')['update_id']
        status, answer = self.bot.ask('setWebhook', url=self.url, secret_token='s-E_1')
        self.assertEqual((status, answer['description']), (200, 'Webhook was set'))
        update = self.telegram.say('after')['update_id']
        self.assertTrue(self.telegram.wait_confirmed(before) and self.telegram.wait_confirmed(update))
        self.assertEqual(self.arrived(), ['before', 'after'])
        self.assertEqual({secret for secret, _ in self.hook.got}, {'s-E_1'})
        self.refused("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                     'webhook first', 'getUpdates', 409)
        self.assertEqual(self.bot.ask('deleteWebhook')[1]['description'], 'Webhook was deleted')
        self.assertEqual(self.bot.updates(), [])

    def test_what_is_refused(self):
        for words, values in [
                ('secret token contains unallowed characters', {'url': self.url, 'secret_token': 'a b'}),
                ('secret token is too long', {'url': self.url, 'secret_token': 'a' * 257}),
                ('invalid webhook URL specified', {'url': 'ftp://localhost/'}),
                ('bad webhook: IP address 192.0.2.1 is not on this machine', {'url': 'https://192.0.2.1/'})]:
            self.refused('Bad Request: ' + words, 'setWebhook', **values)
        self.telegram.fake.local = False
        self.refused('Bad Request: bad webhook: An HTTPS URL must be provided for webhook', 'setWebhook', url=self.url)

    def test_again_until_it_is_taken_and_in_order(self):
        self.bot.good('setWebhook', url=self.url)
        self.hook.answers = [(500, {}, b''), (503, {'Retry-After': 2}, b''), (410, {}, b'')]
        self.telegram.say('one')
        last = self.telegram.say('two')['update_id']
        other = self.telegram.say('elsewhere', user=9)['update_id']
        self.assertTrue(self.telegram.wait_confirmed(last) and self.telegram.wait_confirmed(other))
        self.assertEqual([text for text in self.arrived() if text in ('one', 'two')][-2:], ['one', 'two'])
        self.assertEqual(len(self.hook.got), 6)
        self.assertIn('Wrong response from the webhook: ', self.bot.good('getWebhookInfo')['last_error_message'])

    def test_answer_in_the_reply(self):
        self.bot.good('setWebhook', url=self.url)
        answer = json.dumps({'method': 'sendMessage', 'chat_id': USER, 'text': 'at once'}).encode()
        self.hook.answers = [(200, {'Content-Type': 'application/json'}, answer)]
        self.telegram.say('hi')
        self.assertEqual(self.telegram.wait(), ['at once'])
        logged = self.telegram.wait_requests('sendMessage')[0]
        self.assertEqual((logged['http'], logged['status']), ('webhook reply', 200))

    def test_nobody_there(self):
        self.bot.good('setWebhook', url='http://127.0.0.1:9/')
        self.telegram.say('hi')
        end = time.monotonic() + 10
        while self.bot.good('getWebhookInfo').get('last_error_message') != 'Connection refused':
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.assertEqual(self.bot.good('getWebhookInfo')['pending_update_count'], 1)


if __name__ == '__main__':
    unittest.main()
