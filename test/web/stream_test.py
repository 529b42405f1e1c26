#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""WebSockets and server-sent events through the whole chain."""

import http.client
import json
import os
import signal
import socket
import unittest

from gateway import SECONDS, WebTest, wait, websocket


class Sockets(WebTest):
    def test_a_message_and_its_answer(self):
        web = self.web()
        sock = web.socket()
        self.assertEqual(sock.next(), {'type': 'hello', 'session_id': 's1', 'seq': 0})
        sock.send(type='chat.message', id='m1', message_text='hello', user_id='ann', metadata={'a': 1})
        stored = sock.next()
        self.assertEqual((stored['type'], stored['id']), ('stored', 'm1'))
        shown = sock.next()
        self.assertEqual((shown['type'], shown['id'], shown['user_id']), ('chat.message', stored['message_id'], 'ann'))
        job = web.worker.job()
        self.assertEqual(job['body']['metadata'], {'a': 1})
        web.live(job, 'chat.typing', active=True)
        self.assertEqual(sock.next()['type'], 'chat.typing')
        for at, piece in enumerate(('one ', 'two\n', '"three"')):
            web.live(job, 'chat.delta', delta=piece, index=at)
        self.assertEqual([sock.next()['delta'] for _ in range(3)], ['one ', 'two\n', '"three"'])
        web.worker.reply(job['lease'], 'one two\n"three"')
        answer = sock.next()
        self.assertEqual((answer['type'], answer['reply_to']), ('chat.response', stored['message_id']))
        self.assertGreater(answer['seq'], shown['seq'])

    def test_all_clients_of_a_session_see_all(self):
        web = self.web()
        socks, stream = [web.socket() for _ in range(5)], web.stream('/chat/session/s1/events')
        self.assertEqual(stream.next()[0], 'hello')
        other = web.socket('s2')
        for sock in (*socks, other):
            self.assertEqual(sock.next()['type'], 'hello')
        waiting = web.say('by request')
        web.answer('to all')
        answer = web.wait(waiting).json
        for sock in socks:
            self.assertEqual(sock.next()['message_text'], 'by request')
            self.assertEqual(sock.next(), answer)
        self.assertEqual(stream.next()[2]['message_text'], 'by request')
        name, number, data = stream.next()
        self.assertEqual((name, number, data), ('chat.response', str(answer['seq']), answer))
        other.send(type='ping')
        self.assertEqual(other.next(), {'type': 'pong'})

    def test_who_comes_back_gets_what_he_missed(self):
        web = self.web()
        answers = []
        for number in range(3):
            waiting = web.say(f'question {number}')
            web.answer(f'answer {number}')
            answers.append(web.wait(waiting).json)
        sock = web.socket(query=f'?after={answers[0]["seq"]}')
        self.assertEqual(sock.next()['seq'], answers[2]['seq'])
        self.assertEqual([sock.next()['seq'] for _ in range(4)][1::2], [answers[1]['seq'], answers[2]['seq']])
        sock.send(type='resume', after=answers[1]['seq'])
        self.assertEqual(sock.next()['message_text'], 'question 2')
        everything = web.socket(query='?after=0')
        self.assertEqual([everything.next()['type'] for _ in range(7)],
                         ['hello', *['chat.message', 'chat.response'] * 3])
        stream = web.stream('/chat/session/s1/events', {'Last-Event-ID': str(answers[1]['seq'])})
        self.assertEqual([stream.next()[0] for _ in range(3)], ['hello', 'chat.message', 'chat.response'])
        for after in ('x', '0' * 40):
            self.assertEqual(web.ask('GET', f'/chat/session/s1/events?after={after}').status, 400)
        self.assertEqual(web.stream('/chat/session/s1/events?after=1&after=2').status, 400)
        for last in ('x', '0' * 40):
            self.assertEqual(web.stream('/chat/session/s1/events', {'Last-Event-ID': last}).status, 400, last)
        for query, words in (('?after=x', 'after takes the `seq`'), (f'?after={"0" * 40}', 'after takes the `seq`'),
                             ('?after=1&after=2', 'after takes the `seq`'),
                             ('?user_id=u&user_id=v', 'user_id takes 1 to 255 bytes, once'),
                             (f'?user_id={"u" * 256}', 'user_id takes 1 to 255 bytes')):
            with self.assertRaises(websocket.Refused) as refused:
                web.socket(query=query)
            self.assertEqual(refused.exception.status, 400)
            self.assertIn(words, refused.exception.body)

    def test_a_gap_is_said(self):
        web = self.web()
        waiting = web.say('old')
        web.answer('old answer')
        first = web.wait(waiting).json['seq']
        for number in range(15):
            waiting = web.say(str(number))
            web.answer(str(number))
            web.wait(waiting)
        sock = web.socket(query=f'?after={first}')
        self.assertEqual(sock.next()['type'], 'hello')
        gap = sock.next()
        self.assertEqual((gap['type'], gap['after']), ('gap', first))
        self.assertGreater(sock.next()['seq'], gap['until'])
        stream = web.stream(f'/chat/session/s1/events?after={first}')
        self.assertEqual([stream.next()[0] for _ in range(2)], ['hello', 'gap'])

    def test_a_message_that_is_said_twice_is_done_once(self):
        web = self.web()
        sock = web.socket()
        sock.expect('hello')
        for _ in range(2):
            sock.send(type='chat.message', id='m1', message_text='once')
        job = web.answer('answered')
        told = [sock.next() for _ in range(4)]
        # The second copy comes while the first one is on its way to the disk, or when it is there.
        self.assertIn(sorted(one['type'] for one in told), (['chat.message', 'chat.response', 'problem', 'stored'],
                                                            ['chat.message', 'chat.response', 'stored', 'stored']))
        first = next(one for one in told if one['type'] == 'stored')
        sock.close()
        again = web.socket()
        again.expect('hello')
        again.send(type='chat.message', id='m1', message_text='once')
        second = again.next()
        self.assertEqual((second['type'], second['message_id']), ('stored', first['message_id']))
        self.assertEqual(job['body']['message_text'], 'once')
        web.worker.quiet('JOB')

    def test_over_a_crash_of_the_host(self):
        web = self.web()
        sock = web.socket()
        sock.expect('hello')
        sock.send(type='chat.message', id='m1', message_text='before')
        message = sock.expect('chat.message')
        job = web.worker.job()
        old = wait(web.pid, 'the host')
        os.kill(old, signal.SIGKILL)
        with self.assertRaises((websocket.Closed, OSError)):
            sock.next()
        wait(lambda: web.pid() not in (None, old), 'the next host')
        web.up()
        back = web.socket(query=f'?after={message["seq"]}')
        self.assertEqual([back.next()['type'] for _ in range(2)], ['hello', 'gap'])
        web.worker.reply(job['lease'], 'after')
        answer = back.expect('chat.response')
        self.assertGreater(answer['seq'], message['seq'])
        self.assertEqual(answer['response_text'], 'after')

    def test_messages_that_make_no_sense(self):
        web = self.web(message_rate=2)
        sock = web.socket()
        sock.expect('hello')
        for text, slug in [('{', 'not-json'), ('[]', 'not-json'), ('{}', 'invalid-message'),
                           ('{"type":"dance"}', 'invalid-message'),
                           ('{"type":"chat.message","id":"x","message_text":""}', 'invalid-message'),
                           ('{"type":"resume","after":-1}', 'invalid-message'),
                           ('{"type":"chat.action"}', 'invalid-message')]:
            sock.raw.send(text)
            problem = sock.next()
            self.assertEqual((problem['type'], problem['problem']['type']), ('problem', f'/problems/{slug}'), text)
        for text, words in (('{"type":', 'line 1'), ('{"type":"ping","a":"\\u0000"}', 'NUL'), ('[7]', 'no JSON object'),
                            ('{"type":"resume","after":99999999999999999999}', 'too big integer')):
            sock.raw.send(text)
            self.assertIn(words, sock.next()['problem']['detail'])
        for number in range(3):
            sock.send(type='chat.message', id=f'r{number}', message_text='hello')
        self.assertEqual(sock.expect('problem')['problem']['status'], 429)
        with self.assertRaises(websocket.Closed) as closed:
            for _ in range(30):
                sock.raw.send('{}')
            while True:
                sock.next()
        self.assertEqual(closed.exception.code, 4400)
        for data, kind, code in [(b'\x00\x01', websocket.BINARY, 1003), ('x' * 100000, websocket.TEXT, 1009)]:
            sock = web.socket()
            sock.expect('hello')
            with self.assertRaises(websocket.Closed) as closed:
                sock.raw.send(data, kind)
                while True:
                    sock.next()  # what was said in the session above may still come
            self.assertEqual(closed.exception.code, code)

    def test_an_action(self):
        web = self.web()
        sock = web.socket()
        sock.expect('hello')
        stream = web.stream('/chat/session/s1/events')
        sock.send(type='chat.action', action='choose', value='A')
        sock.expect('stored')
        for shown in (sock.expect('chat.action'), stream.expect('chat.action')[2],
                      web.stream('/chat/session/s1/events?after=0').expect('chat.action')[2]):
            self.assertEqual((shown['type'], shown['action'], shown['value'], shown['message_text']),
                             ('chat.action', 'choose', 'A', ''))
        job = web.worker.job()
        self.assertEqual((job['envelope']['type'], job['body']['action'], job['body']['value']),
                         ('chat.action', 'choose', 'A'))

    def test_a_reset_is_told(self):
        web = self.web()
        waiting, sock = web.say(), web.socket()
        web.answer()
        web.wait(waiting)
        self.assertEqual(web.ask('POST', '/chat/session/s1/reset').status, 200)
        sock.expect('session.reset')

    def test_a_stop_sends_all_away_in_order(self):
        web = self.web()
        sock, stream = web.socket(), web.stream('/chat/session/s1/events')
        sock.expect('hello')
        stream.expect('hello')
        os.kill(web.pid(), signal.SIGTERM)
        with self.assertRaises(websocket.Closed) as closed:
            sock.next()
        self.assertEqual(closed.exception.code, 1001)
        self.assertIsNone(stream.next())

    def test_a_client_that_does_not_read_is_cut_off(self):
        web = self.web(slow_kb=64)
        sock = web.socket()
        sock.expect('hello')
        sock.raw.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow = http.client.HTTPConnection('127.0.0.1', web.port, timeout=SECONDS)
        self.addCleanup(slow.close)
        slow.request('GET', '/chat/session/s1/events')
        for number in range(200):
            waiting = web.say(str(number), {'Prefer': 'respond-async'})
            web.answer('x' * 30000)
            web.wait(waiting)
        with self.assertRaises((websocket.Closed, OSError)) as closed:
            while True:
                sock.next()
        if isinstance(closed.exception, websocket.Closed):
            self.assertIn(closed.exception.code, (0, 4008))
        self.assertEqual(web.ask('GET', '/healthz').status, 200)


class Streams(WebTest):
    def test_events_as_the_standard_has_them(self):
        web = self.web()
        stream = web.stream('/chat/session/s1/events')
        self.assertEqual(stream.response.getheader('content-type'), 'text/event-stream')
        self.assertEqual(stream.response.getheader('cache-control'), 'no-store')
        self.assertEqual(stream.next(), ('hello', None, {'type': 'hello', 'session_id': 's1', 'seq': 0}))
        waiting = web.say('line one\nline two')
        name, number, data = stream.next()
        self.assertEqual((name, number), ('chat.message', str(data['seq'])))
        job = web.worker.job()
        web.live(job, 'chat.delta', delta='piece', index=0)
        self.assertEqual(stream.next()[:2], ('chat.delta', None))
        web.worker.reply(job['lease'], 'done\n\ndone')
        self.assertEqual(stream.next()[2]['response_text'], 'done\n\ndone')
        self.assertEqual(web.wait(waiting).json['response_text'], json.loads('"done\\n\\ndone"'))

    def test_a_comment_every_fifteen_seconds(self):
        web = self.web(worker=False)
        stream = web.stream('/chat/session/s1/events')
        stream.expect('hello')
        stream.line.sock.settimeout(20)
        self.assertEqual(stream.response.readline(), b': still here\n')


if __name__ == '__main__':
    unittest.main()
