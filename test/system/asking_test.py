#!/usr/bin/python3
# RUN: timeout=180
"""Adapters ask about the sessions of their own platform, and the web gateway shows and resets them."""

import concurrent.futures
import http.client
import json
import os
import re
import signal
import subprocess
import unittest

from palaverd import BUILD, SECONDS, BrokerTest, wait
from wireclient import frame


class Asking(BrokerTest):
    def setUp(self):
        self.it = self.broker()
        self.adapter, self.worker = self.it.adapter(), self.it.worker()

    def ask(self, adapter, command, **arguments):
        adapter.send(frame('CONTROL', 7, command, arguments))
        request, more, status, body = adapter.expect('RESULT')
        self.assertEqual((request, more), (7, False))
        return status, body

    def test_a_session_of_its_own_platform(self):
        self.round_trip(self.adapter, self.worker, 'hello', 'hi')
        status, body = self.ask(self.adapter, 'sessions.show', session='web_1')
        self.assertEqual((status, body['session_id'], [turn['text'] for turn in body['history']]),
                         ('ok', 'web_1', ['hello', 'hi']))
        self.assertEqual(self.ask(self.adapter, 'sessions.reset', session='web_1'), ('ok', {'status': 'success'}))
        self.assertEqual(self.ask(self.adapter, 'sessions.show', session='web_1')[0], 'NOENT')

    def test_a_second_adapter_of_the_platform_asks_too(self):
        self.round_trip(self.adapter, self.worker, 'hello')
        other = self.it.adapter('web-2', platform='web')
        self.assertEqual(self.ask(other, 'sessions.show', session='web_1')[0], 'ok')

    def test_a_session_of_another_platform_is_as_one_that_is_not_there(self):
        self.round_trip(self.adapter, self.worker, 'hello')
        stranger = self.it.adapter('slack')
        for command in ('sessions.show', 'sessions.reset'):
            there, absent = (self.ask(stranger, command, session=name) for name in ('web_1', 'web_2'))
            self.assertEqual((there[0], absent[0]), ('NOENT', 'NOENT'))
            self.assertEqual(there[1]['text'].replace('web_1', 'web_2'), absent[1]['text'])
        self.assertEqual(self.it.session('web_1')['message_count'], 1)

    def test_everything_else_is_not_for_adapters(self):
        for command in ('status', 'metrics', 'sessions.list', 'dead.list', 'dead.show', 'dead.replay', 'dead.discard',
                        'agents.list', 'adapters.list', 'routes.list', 'backup', 'nonsense'):
            status, body = self.ask(self.adapter, command)
            self.assertEqual(status, 'AUTH', command)
            self.assertIn('sessions.show, sessions.reset', body['text'])
        self.round_trip(self.adapter, self.worker, 'it is still connected')


class Keeping(BrokerTest):
    """Values that adapters keep with the broker."""

    def ask(self, adapter, command, **arguments):
        adapter.send(frame('CONTROL', 8, command, arguments))
        return adapter.expect('RESULT')[2:]

    def test_what_was_answered_survives_kill_9(self):
        broker = self.broker()
        web, slack = broker.adapter(), broker.adapter('slack')
        self.assertEqual(self.ask(web, 'kv.get', key='cursor'), ['ok', {'found': False}])
        self.assertEqual(self.ask(web, 'kv.put', key='cursor', value=b'\x00\xff'), ['ok', {'found': False}])
        self.assertEqual(self.ask(web, 'kv.put', key=b'\xff\x00', value='text'), ['ok', {'found': False}])
        self.assertEqual(self.ask(slack, 'kv.put', key='cursor', value='other'), ['ok', {'found': False}])
        self.assertEqual(self.ask(slack, 'kv.delete', key='cursor'), ['ok', {'found': True}])
        broker.restart(crash=True)
        web.hello()
        slack.hello()
        self.assertEqual(self.ask(web, 'kv.get', key='cursor'), ['ok', {'found': True, 'value': b'\x00\xff'}])
        self.assertEqual(self.ask(slack, 'kv.get', key='cursor'), ['ok', {'found': False}])
        self.assertEqual(self.ask(web, 'kv.list', values=True),
                         ['ok', {'items': [{'key': b'cursor', 'bytes': 2, 'value': b'\x00\xff'},
                                           {'key': b'\xff\x00', 'bytes': 4, 'value': b'text'}], 'next': None}])
        self.assertEqual(broker.ask('kv.list', adapter='web', limit=1),
                         {'items': [{'key': b'cursor', 'bytes': 2}], 'next': b'cursor'})

    def test_limits_are_said_and_nothing_is_changed(self):
        broker = self.broker()
        web = broker.adapter()
        for arguments, status, words in (({'key': 'k', 'value': b'x' * 65537}, 'RANGE', '65536'),
                                         ({'key': 'k' * 256, 'value': b''}, 'ARG', '255'),
                                         ({'key': '', 'value': b''}, 'ARG', '255'),
                                         ({'key': 'k'}, 'ARG', 'value')):
            said, body = self.ask(web, 'kv.put', **arguments)
            self.assertEqual(said, status)
            self.assertIn(words, body['text'])
        self.assertEqual(broker.ask('kv.list', adapter='web'), {'items': [], 'next': None})
        self.assertEqual(broker.try_ask('kv.list')[0], 'ARG')


class Web(BrokerTest):
    """The real web gateway, connected by hand so that the broker can go without it."""

    def setUp(self):
        self.it = self.broker()
        self.worker = self.it.worker()
        conf, log = f'{self.it.folder}/web.conf', f'{self.it.folder}/web.log'
        with open(conf, 'w', encoding='ascii') as file:
            file.write('adapters = { web = { port = 0; }; };')
        words = [f'{BUILD}/bin/palaver-adapter', '--plugin', f'{BUILD}/plugins/web.so', '--conf', conf, '--broker',
                 f'ipc://{self.it.run}/adapters.ipc']
        self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=open(log, 'wb'))
        self.addCleanup(self.end)
        self.pool = concurrent.futures.ThreadPoolExecutor(4)
        self.port = int(wait(lambda: re.search(r'listening on http://\S+:(\d+)', open(log).read()), 'web listens')[1])

    def end(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.pool.shutdown()

    def ask(self, method, path, body=None):
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=SECONDS)
        headers = {'Content-Type': 'application/json'} if body else {}
        line.request(method, path, json.dumps(body) if body else None, headers)
        answer = line.getresponse()
        text = answer.read()
        line.close()
        return answer.status, answer, json.loads(text)

    def say(self, text):
        return self.pool.submit(self.ask, 'POST', '/chat/message',
                                {'session_id': 's', 'user_id': 'ann', 'message_text': text})

    def round(self, text, answer):
        said = self.say(text)
        self.worker.reply(self.worker.job()['lease'], answer)
        self.assertEqual(wait(lambda: said.done() and said.result(), 'an answer')[0], 200)

    def session(self):
        return self.ask('GET', '/chat/session/s')

    def test_history_outlives_the_broker(self):
        self.round('hello', 'hi')
        self.it.restart(crash=True)
        self.it.wait_log('peer.welcome', name='web')
        self.worker.hello()
        status, _, shown = wait(lambda: (got := self.session())[0] == 200 and 'history' in got[2] and got,
                                'the history')
        self.assertEqual([(turn['role'], turn['text']) for turn in shown['history']],
                         [('user', 'hello'), ('assistant', 'hi')])
        self.assertEqual((shown['platform'], shown['user_id'], shown['message_count']), ('web', 'ann', 1))

    def test_reset(self):
        self.round('hello', 'hi')
        wait(lambda: self.it.session('web_s')['pending'] == 0, 'nothing is pending')
        status, _, body = self.ask('POST', '/chat/session/s/reset')
        self.assertEqual((status, body), (200, {'status': 'success'}))
        self.assertEqual(self.session()[0], 404)
        self.it.wait_log('session.ended', session='web_s', why='reset')

    def test_a_session_that_is_worked_on_is_not_reset(self):
        said = self.say('hello')
        job = self.worker.job()
        status, answer, problem = self.ask('POST', '/chat/session/s/reset')
        self.assertEqual((status, answer.getheader('retry-after')), (409, '1'), problem)
        self.worker.reply(job['lease'], 'hi')
        self.assertEqual(wait(lambda: said.done() and said.result(), 'an answer')[2]['response_text'], 'hi')
        wait(lambda: self.ask('POST', '/chat/session/s/reset')[0] == 200, 'the reset')


if __name__ == '__main__':
    unittest.main()
