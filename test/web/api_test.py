#!/usr/bin/python3
# RUN: timeout=400 variants=debug,release,asan
"""The gateway's own API through the whole chain: a client, the host, the broker, an agent, and back."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

from gateway import BUILD, SECONDS, TOP, WebTest, make_certificate, route, wait, websocket

ASYNC = {'Prefer': 'respond-async'}
KEYS = '# who may what\nalpha-1\nbeta-2 chat,operate ops\n\ngamma-3 operate prometheus\n'


def listeners(port):
    with open('/proc/net/tcp', encoding='ascii') as table:
        return sum(line.split()[1].endswith(f':{port:04X}') and line.split()[3] == '0A' for line in table)


class Messages(WebTest):
    def test_an_answer_with_all_its_fields(self):
        web = self.web()
        waiting = web.say('Which fund?', metadata={'lang': 'en'}, timestamp='2026-01-31T12:00:00Z', platform='app')
        job = web.answer('This one.\n"Yes" </script>', recommendations=[{'name': 'A', 'risk': 2}], confidence=0.75,
                         sources=['catalogue'], processing_time=1.25, metadata={'model': 'x'})
        self.assertEqual(job['envelope']['session_id'], 'web_s1')
        self.assertEqual(job['body']['metadata'], {'lang': 'en', 'client_platform': 'app'})
        answer = web.wait(waiting)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json['response_text'], 'This one.\n"Yes" </script>')
        self.assertEqual(answer.json['recommendations'], [{'name': 'A', 'risk': 2}])
        self.assertEqual((answer.json['confidence'], answer.json['sources'], answer.json['processing_time']),
                         (0.75, ['catalogue'], 1.25))

    def test_a_message_that_an_operator_sets_aside_is_waited_for_no_longer(self):
        web = self.web()
        stream = web.stream('/chat/session/s1/events')
        held = web.say('first')
        job = web.worker.job()
        waiting = [web.say('second', {'Idempotency-Key': '2'}),
                   web.later('POST', '/v1/chat/completions',
                             {'model': 'palaver', 'user': 's2', 'messages': [{'role': 'user', 'content': 'x'}]})]
        wait(lambda: web.broker.ask('status')['counts']['pending_events'] == 3, 'they are there')
        other = web.worker.job()
        wait(lambda: web.broker.ask('events.discard', adapter='web', who='ops')['done'] == 1, 'one waits')
        told = web.wait(waiting[0])
        self.assertEqual((told.status, told.json['type']), (503, '/problems/set-aside'))
        self.assertEqual(stream.expect('chat.typing')[2]['ended'], 'discarded')
        web.worker.nack(other['lease'], delay_ms=600000)
        wait(lambda: web.broker.ask('events.discard', adapter='web', who='ops')['done'] == 1, 'and the other one')
        told = web.wait(waiting[1])
        self.assertEqual((told.status, told.json['error']['type']), (503, 'server_error'))
        web.worker.reply(job['lease'], 'an answer')
        self.assertEqual(web.wait(held).status, 200)
        letter = next(one for one in web.broker.ask('dead.list')['items'] if one['session_id'] == 'web_s1')
        web.broker.ask('dead.replay', numbers=[letter['number']], who='ops')
        web.answer('after all')
        again = wait(lambda: (got := web.wait(web.say('second', {'Idempotency-Key': '2'}))).status == 200 and got,
                     'it is kept')
        self.assertEqual(again.json['response_text'], 'after all')

    def merged(self, web):
        """A job under way, and requests whose messages are one: the second and the third of four."""
        held = web.say('first')
        job = web.worker.job()
        waiting = [web.say('second', {'Idempotency-Key': '2'})]
        wait(lambda: web.broker.ask('status')['counts']['pending_events'] == 2, 'it waits')
        waiting.append(web.say('third', {'Idempotency-Key': '3'}))
        web.broker.wait_metric('jobs_merged', 1)
        waiting.append(web.later('POST', '/v1/chat/completions', {
            'model': 'palaver', 'user': 's1', 'messages': [{'role': 'user', 'content': 'fourth'}]}))
        web.broker.wait_metric('jobs_merged', 2)
        return held, job, waiting

    def test_all_whose_messages_were_merged_have_the_answer(self):
        web = self.web(conf={'routes': [route(overlap='merge')]})
        stream = web.stream('/chat/session/s1/events')
        held, job, waiting = self.merged(web)
        told = stream.expect('chat.typing')[2]
        web.worker.reply(job['lease'], 'to the first')
        self.assertEqual(web.wait(held).json['response_text'], 'to the first')
        job = web.answer('to all')
        self.assertEqual(job['body']['message_text'], 'second\nthird\nfourth')
        second, third, fourth = [web.wait(one).json for one in waiting]
        self.assertEqual((second['response_text'], third), ('to all', second))
        self.assertTrue(fourth['choices'][0]['message']['content'].startswith('to all'))
        self.assertEqual(told['merged_into'], second['reply_to'])
        self.assertEqual([stream.expect('chat.response')[2]['response_text'] for _ in range(2)],
                         ['to the first', 'to all'])
        self.assertEqual(web.wait(web.say('third', {'Idempotency-Key': '3'})).json, second)

    def test_all_whose_messages_were_merged_hear_that_they_are_set_aside(self):
        web = self.web(conf={'routes': [route(overlap='merge')]})
        _, job, waiting = self.merged(web)
        wait(lambda: web.broker.ask('events.discard', adapter='web', who='ops')['done'] == 1, 'they wait')
        self.assertEqual([web.wait(one).status for one in waiting], [503, 503, 503])
        web.worker.reply(job['lease'], 'to the first')
        letter, = web.broker.ask('dead.list')['items']
        web.broker.ask('dead.replay', numbers=[letter['number']], who='ops')
        web.answer('after all')
        for text, key in (('second', '2'), ('third', '3')):
            again = web.wait(web.say(text, {'Idempotency-Key': key}))
            self.assertEqual((again.status, again.json['response_text']), (200, 'after all'))

    def test_a_merged_message_is_answered_over_kill_9(self):
        web = self.web(conf={'routes': [route(overlap='merge')]})
        _, job, _ = self.merged(web)
        pid = web.pid()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: web.pid() not in (None, pid), 'another process')
        web.up()
        web.worker.reply(job['lease'], 'to the first')
        web.answer('to all')
        again = wait(lambda: (got := web.wait(web.say('third', {'Idempotency-Key': '3'}))).status == 200 and got,
                     'it is kept')
        self.assertEqual(again.json['response_text'], 'to all')

    def interrupted(self, web):
        """A message whose place a newer one takes, and how who waits for it is told."""
        waiting = web.say('first', {'Idempotency-Key': '1'})
        web.worker.job()
        newer = web.say('second', {'Idempotency-Key': '2'})
        told = web.wait(waiting)
        self.assertEqual((told.status, told.json['type']), (410, '/problems/interrupted'))
        return told, newer

    def test_a_message_whose_place_a_newer_one_took_is_waited_for_no_longer(self):
        web = self.web(conf={'routes': [route(overlap='interrupt')]})
        stream = web.stream('/chat/session/s1/events')
        told, newer = self.interrupted(web)
        sign = stream.expect('chat.typing')[2]
        self.assertEqual(sign['ended'], 'interrupted')
        self.assertIn(sign['interrupted_by'], told.json['detail'])
        job = web.answer('to the second')
        self.assertEqual(job['body']['message_text'], 'second')
        answer = web.wait(newer).json
        self.assertEqual((answer['response_text'], answer['reply_to']), ('to the second', sign['interrupted_by']))
        again = web.wait(web.say('first', {'Idempotency-Key': '1'}))
        self.assertEqual((again.status, again.json['detail']), (410, told.json['detail']))

    def test_a_message_that_is_polled_says_which_one_took_its_place(self):
        web = self.web(conf={'routes': [route(overlap='interrupt')]})
        where = web.wait(web.say('first', ASYNC)).headers['Location']
        web.worker.job()
        newer = web.wait(web.say('second', ASYNC)).headers['Location']
        job = web.worker.job()
        told = wait(lambda: (got := web.ask('GET', where)).json['status'] != 'pending' and got, 'it has an end')
        expected = ('interrupted', None, newer.rpartition('/')[2])
        self.assertEqual((told.json['status'], told.json['response'], told.json['interrupted_by']), expected)
        self.assertIsNone(told.headers['Retry-After'])
        web.worker.reply(job['lease'], 'to the second')
        wait(lambda: web.ask('GET', newer).json['status'] == 'done', 'the newer one is answered')
        pid = web.pid()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: web.pid() not in (None, pid), 'another process')
        web.up()
        told = web.ask('GET', where).json
        self.assertEqual((told['status'], told['response'], told['interrupted_by']), expected)

    def test_what_was_merged_with_a_message_ends_with_it(self):
        web = self.web(conf={'routes': [route('stop', command='/stop', overlap='interrupt'), route(overlap='merge')]})
        _, job, waiting = self.merged(web)
        web.worker.reply(job['lease'], 'to the first')
        web.worker.job()
        newer = web.say('/stop that')
        self.assertEqual([web.wait(one).status for one in waiting], [410, 410, 410])
        web.answer('stopped')
        self.assertEqual(web.wait(newer).json['response_text'], 'stopped')

    def test_a_late_answer_comes_to_the_session_and_to_its_resource(self):
        web = self.web(timeout_s=1, timeout_text='It will come.')
        late = web.wait(web.say('slow'))
        self.assertEqual((late.status, late.json['detail']), (504, 'It will come.'))
        self.assertEqual(late.json['type'], '/problems/answer-late')
        where = late.headers['Location']
        self.assertEqual(web.ask('GET', where).json['status'], 'pending')
        web.answer('at last')
        done = wait(lambda: (told := web.ask('GET', where).json)['status'] == 'done' and told, 'it is answered')
        self.assertEqual(done['response']['response_text'], 'at last')
        shown = web.ask('GET', '/chat/session/s1')
        self.assertEqual(shown.json['session_id'], 's1')
        self.assertEqual([turn['text'] for turn in shown.json['history']], ['slow', 'at last'])

    def test_respond_async(self):
        web = self.web()
        taken = web.wait(web.say('later, please', ASYNC))
        self.assertEqual((taken.status, taken.json['status'], taken.headers['Preference-Applied']),
                         (202, 'pending', 'respond-async'))
        where = taken.headers['Location']
        self.assertEqual(web.ask('GET', where).headers['Retry-After'], '1')
        web.answer('here')
        wait(lambda: web.ask('GET', where).json['status'] == 'done', 'done')
        self.assertIsNone(web.ask('GET', where).headers['Retry-After'])
        web.wait(web.say('bad one', ASYNC))
        job = web.worker.job()
        web.worker.nack(job['lease'], permanent=True)
        where = f'/chat/message/{self.uuid(job)}'
        failed = wait(lambda: (told := web.ask('GET', where).json)['status'] == 'failed' and told, 'failed')
        self.assertTrue(failed['response']['metadata']['fallback'])
        self.assertEqual(web.ask('GET', '/chat/message/00000000-0000-7000-8000-000000000000').status, 404)

    def uuid(self, job):
        raw = job['envelope']['id'].hex()
        return '-'.join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))

    def test_prefer_wait_and_respond_async_together(self):
        web = self.web()
        self.assertEqual(web.wait(web.say('short', {'Prefer': 'wait=1'})).status, 504)
        self.assertEqual(web.wait(web.say('short', {'Prefer': 'respond-async, wait=1'}, session='s2')).status, 202)
        answered = web.say('in time', {'Prefer': 'respond-async; wait=20'}, session='s3')
        while web.answer('now')['body']['message_text'] != 'in time':
            pass
        self.assertEqual(web.wait(answered).status, 200)

    def test_a_text_with_a_nul_is_refused_in_words(self):
        told = self.web(worker=False).ask('POST', '/chat/message', {'session_id': 's1', 'user_id': 'u1',
                                                                          'message_text': 'a\0b'})
        self.assertEqual((told.status, told.json['type']), (400, '/problems/not-json'))
        self.assertIn('a text with a NUL', told.json['detail'])

    def test_a_session_is_shown_and_reset(self):
        web = self.web()
        self.assertEqual(web.ask('GET', '/chat/session/none').status, 404)
        waiting = web.say('hello')
        web.answer('hi')
        web.wait(waiting)
        self.assertEqual([turn['role'] for turn in web.ask('GET', '/chat/session/s1').json['history']],
                         ['user', 'assistant'])
        self.assertEqual(web.ask('POST', '/chat/session/s1/reset').json, {'status': 'success'})
        self.assertEqual(web.ask('GET', '/chat/session/s1').status, 404)
        self.assertEqual(web.ask('GET', '/chat/session/' + 'x' * 200).status, 404)

    def test_idempotency(self):
        web, key = self.web(), {'Idempotency-Key': 'k1'}
        first = web.say('once', key)
        job = web.worker.job()
        self.assertEqual(web.wait(web.say('once', key)).status, 409)
        self.assertEqual(web.wait(web.say('other', key)).status, 422)
        web.worker.reply(job['lease'], 'the answer')
        told = web.wait(first)
        again = web.wait(web.say('once', key))
        self.assertEqual((again.status, again.json), (200, told.json))
        self.assertEqual(web.wait(web.say('other', key)).json['type'], '/problems/key-reused')
        self.assertEqual(web.wait(web.say('once', {'Idempotency-Key': 'k' * 256})).status, 400)
        self.assertEqual(web.ask('GET', '/chat/session/s1').json['history'][-1]['text'], 'the answer')
        self.assertEqual(len(web.ask('GET', '/chat/session/s1').json['history']), 2)

    def test_a_body_in_chunks_and_times_of_many_clients(self):
        web = self.web()
        for time in ('2026-01-02T03:04:05.5', '2026-01-02 03:04:05.5Z', '2026-01-02T05:04:05.500+02:00', 1767323045.5,
                     1767323045500):
            message = {'session_id': 's', 'user_id': 'u', 'message_text': 'hello', 'timestamp': time}
            waiting = web.later('POST', '/chat/message', iter([json.dumps(message).encode()]))
            self.assertEqual(web.answer()['envelope']['timestamp'], 1767323045500000)
            self.assertEqual(web.wait(waiting).status, 200)

    def test_bad_requests(self):
        web = self.web()
        good = {'session_id': 's', 'user_id': 'u', 'message_text': 't'}
        form = {'Content-Type': 'text/plain'}
        for status, slug, body, headers in [
                (415, 'not-json-type', json.dumps(good), form), (400, 'not-json', '{', None),
                (422, 'invalid-message', '[1]', None), (422, 'invalid-message', {**good, 'session_id': ''}, None),
                (422, 'invalid-message', {**good, 'user_id': 'x' * 256}, None),
                (422, 'invalid-message', {**good, 'message_text': 7}, None),
                (422, 'invalid-message', {**good, 'session_id': 'a/b'}, None),
                (422, 'invalid-message', {**good, 'session_id': '.'}, None),
                (422, 'invalid-message', {**good, 'session_id': '..'}, None),
                (422, 'invalid-message', {**good, 'timestamp': 'yesterday'}, None),
                (422, 'invalid-message', {**good, 'metadata': []}, None)]:
            with self.subTest(slug=slug, body=str(body)[:40]):
                answer = web.ask('POST', '/chat/message', body, headers)
                self.assertEqual((answer.status, answer.json['type']), (status, f'/problems/{slug}'))
                self.assertEqual(web.ask('GET', answer.json['type']).json['status'], status)
        self.assertIn('line 2, column 3', web.ask('POST', '/chat/message', '{\n  x}').json['detail'])
        self.assertEqual(web.ask('GET', '/problems/none').status, 404)
        self.assertEqual(web.ask('GET', '/nowhere').status, 404)
        self.assertEqual(web.ask('DELETE', '/chat/message').headers['Allow'], 'POST, OPTIONS')
        self.assertEqual(web.ask('GET', '/chat/ws/s1').status, 426)


class Access(WebTest):
    def test_keys_and_scopes(self):
        web = self.web(api_keys=KEYS)
        session, metrics = ('GET', '/chat/session/none'), ('GET', '/metrics')
        for ask, headers, status in [
                (session, {}, 401), (session, {'X-Api-Key': 'alpha-1'}, 404),
                (session, {'Authorization': 'Bearer beta-2'}, 404), (session, {'X-Api-Key': 'gamma-3'}, 403),
                (session, {'Authorization': 'Bearer alpha-'}, 401), (session, {'Authorization': 'Basic alpha-1'}, 401),
                (session, {'X-Api-Key': '#'}, 401), (session, {'X-Api-Key': 'ops'}, 401),
                (metrics, {}, 401), (metrics, {'X-Api-Key': 'alpha-1'}, 403), (metrics, {'X-Api-Key': 'gamma-3'}, 200),
                (('GET', '/healthz'), {}, 200), (('GET', '/openapi.json'), {}, 200), (('GET', '/'), {}, 200)]:
            with self.subTest(ask=ask, headers=headers):
                self.assertEqual(web.ask(*ask, headers=headers).status, status)
        self.assertIn('Bearer', web.ask(*session).headers['WWW-Authenticate'])
        for headers, status, slug in [(None, 401, 'key-needed'), ({'X-Api-Key': 'gamma-3'}, 403, 'scope-needed'),
                                      ({'Sec-WebSocket-Protocol': 'palaver.v1, key.wrong'}, 401, 'key-needed')]:
            with self.assertRaises(websocket.Refused) as refused:
                web.socket(headers=headers)
            self.assertEqual((refused.exception.status, json.loads(refused.exception.body)['type']),
                             (status, f'/problems/{slug}'))
        web.socket(headers={'Sec-WebSocket-Protocol': 'palaver.v1, key.%61lph%61%2D1'}).expect('hello')
        other = web.socket(headers={'Sec-WebSocket-Protocol': 'palaver.v10, key.alpha-1'})
        self.assertNotIn('sec-websocket-protocol', other.raw.head_text.lower())
        sock = web.socket(headers={'Sec-WebSocket-Protocol': 'palaver.v1, key.alpha-1'})
        self.assertIn('sec-websocket-protocol: palaver.v1\r\n', sock.raw.head_text.lower() + '\r\n')
        self.assertEqual(sock.next()['type'], 'hello')

    def test_without_a_key_for_chat_all_may_chat_and_nobody_operates(self):
        web = self.web(api_keys='gamma-3 operate\n')
        self.assertEqual(web.ask('GET', '/chat/session/none').status, 404)
        self.assertEqual(web.ask('GET', '/metrics').status, 401)

    def test_metrics(self):
        web = self.web(api_keys='gamma-3 operate\n')
        waiting = web.say()
        web.answer()
        web.wait(waiting)
        text = web.ask('GET', '/metrics', headers={'X-Api-Key': 'gamma-3'}).body
        self.assertIn('palaver_web_requests_total{method="POST",path="/chat/message",status="200"} 1\n', text)
        self.assertIn('palaver_web_answer_seconds_count 1\n', text)
        self.assertIn('palaver_web_connected 1\n', text)

    def test_pages_of_other_sites(self):
        web = self.web(origins='https://a.example https://b.example')
        preflight = {'Origin': 'https://a.example', 'Access-Control-Request-Method': 'POST'}
        answer = web.ask('OPTIONS', '/chat/message', headers=preflight)
        self.assertEqual((answer.status, answer.headers['Access-Control-Allow-Origin']), (204, 'https://a.example'))
        self.assertIn('Idempotency-Key', answer.headers['Access-Control-Allow-Headers'])
        self.assertIn('POST', answer.headers['Access-Control-Allow-Methods'])
        self.assertEqual(answer.headers['Vary'], 'Origin')
        asked = 'authorization,content-type,x-stainless-lang,x-stainless-retry-count'  # by OpenAI's client in a page
        answer = web.ask('OPTIONS', '/v1/chat/completions',
                         headers={**preflight, 'Access-Control-Request-Headers': asked})
        self.assertEqual((answer.status, answer.headers['Access-Control-Allow-Headers']), (204, asked))
        stranger = web.ask('OPTIONS', '/chat/message', headers={**preflight, 'Origin': 'https://a.example.evil'})
        self.assertIsNone(stranger.headers['Access-Control-Allow-Origin'])
        shown = web.ask('GET', '/chat/session/none', headers={'Origin': 'https://b.example'})
        self.assertEqual(shown.headers['Access-Control-Allow-Origin'], 'https://b.example')
        self.assertIn('Location', shown.headers['Access-Control-Expose-Headers'])
        self.assertIsNone(web.ask('GET', '/healthz').headers['Access-Control-Allow-Origin'])
        with self.assertRaises(websocket.Refused) as refused:
            web.socket(headers={'Origin': 'https://evil.example'})
        self.assertEqual(refused.exception.status, 403)
        self.assertIn('origin-refused', refused.exception.body)
        label = 'x' * 63
        for name in (f'{label}.{label}.{label}.{label[:-2]}', 'x' * 2000):
            with self.assertRaises(websocket.Refused) as refused:
                web.socket(headers={'Origin': f'http://{name}:65535'})
            self.assertEqual(refused.exception.status, 403)
        waiting = web.say('hello')  # and no page ends a session: its browser does not ask before such a request
        web.answer('hello')
        web.wait(waiting)
        for origin, status in (('https://evil.example', 403), ('null', 403), ('https://b.example', 200)):
            answer = web.ask('POST', '/chat/session/s1/reset', headers={'Origin': origin})
            self.assertEqual(answer.status, status, origin)
        web.socket(headers={'Origin': 'https://b.example'}).expect('hello')
        web.socket(headers={'Origin': f'http://127.0.0.1:{web.port}'}).expect('hello')
        secure = {'Origin': f'https://127.0.0.1:{web.port}'}
        self.assertEqual(web.ask('POST', '/chat/session/s1/reset', headers=secure).status, 403)
        web.socket(headers={**secure, 'X-Forwarded-Proto': 'https'}).expect('hello')  # a proxy does TLS

    def test_names_of_others_are_refused_without_keys(self):
        """A page of evil.example whose name has been given the address 127.0.0.1 (DNS rebinding)."""
        web = self.web(hosts='chat.example')
        for host in ('evil.example', f'evil.example:{web.port}', '127.0.0.1.evil.example', 'x' * 250):
            for method, path in (('POST', '/chat/message'), ('GET', '/chat/session/s1'), ('GET', '/v1/models')):
                answer = web.ask(method, path, headers={'Host': host})
                self.assertEqual(answer.status, 421, (host, path, answer.body))
            with self.assertRaises(websocket.Refused) as refused:
                web.socket(headers={'Host': host, 'Origin': f'http://{host}'})
            self.assertEqual(refused.exception.status, 421)
            self.assertIn('name-unknown', refused.exception.body)
        for host in (f'127.0.0.1:{web.port}', f'localhost:{web.port}', f'[::1]:{web.port}', 'chat.example'):
            self.assertEqual(web.ask('GET', '/v1/models', headers={'Host': host}).status, 200, host)
        web = self.web(api_keys=KEYS)
        keyed = web.ask('GET', '/v1/models', headers={'Host': 'evil.example', 'X-Api-Key': 'alpha-1'})
        self.assertEqual(keyed.status, 200)

    def test_a_rate_of_messages(self):
        web = self.web(message_rate=3)
        for number in range(3):
            self.assertEqual(web.wait(web.say(str(number), ASYNC)).status, 202)
        refused = web.wait(web.say('4', ASYNC))
        self.assertEqual((refused.status, refused.json['type']), (429, '/problems/too-many-messages'))
        self.assertGreaterEqual(int(refused.headers['Retry-After']), 1)

    def test_a_page_reads_why_it_is_refused(self):
        post = b'POST /%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
        key = 'k' * 32
        site, large = b'Origin: https://a.example\r\n', b'X: ' + b'a' * 3000 + b'\r\n'
        cases = (
            (431, 'head-too-large', post % b'chat/message' + site + large + b'\r\n'),
            (431, 'head-too-large', post % b'chat/message' + large + site + b'\r\n'),
            (413, 'body-too-large', post % b'chat/message' + site + b'Content-Length: 300000\r\n\r\n'),
            (413, None, post % b'v1/chat/completions' + site + b'Content-Length: 300000\r\n\r\n'),
            (414, 'address-too-long', b'GET /a?' + b'a' * 2100 + b' HTTP/1.1\r\nHost: x\r\n' + site + b'\r\n'),
            (414, 'address-too-long', b'GET /a?' + b'a' * 2900 + b' HTTP/1.1\r\nHost: x\r\n' + site + b'\r\n'),
            (415, 'body-coded', post % b'chat/message' + site + b'Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n'),
            (400, 'not-http', post % b'chat/message' + site + b'Content-Length: x\r\n\r\n'),
            (501, 'not-served', b'BREW / HTTP/1.1\r\nHost: x\r\n' + site + b'\r\n'),
            (408, 'too-slow', post % b'chat/message' + site))
        for origins in ('https://a.example', 'https://b.example https://a.example', '*'):
            web = self.web(worker=False, header_kb=2, idle_s=1, origins=origins, api_keys=f'{key} operate ann\n')
            for status, slug, text in cases:
                with self.subTest(origins=origins, status=status, text=text[-40:]), \
                        socket.create_connection(('127.0.0.1', web.port), SECONDS) as line:
                    line.sendall(text)
                    answer = http.client.HTTPResponse(line)
                    answer.begin()
                    told = json.loads(answer.read())
                    allowed = '*' if origins == '*' else 'https://a.example'
                    self.assertEqual((answer.status, answer.headers['Access-Control-Allow-Origin']), (status, allowed))
                    self.assertEqual(told['type'] if slug else told['error']['type'],
                                     f'/problems/{slug}' if slug else 'invalid_request_error')
                    path = '/v1/' if not slug else '/'
                    web.contract().error(path, answer.headers['Content-Type'], status, json.dumps(told))
        preflight = {'Origin': 'https://a.example', 'Access-Control-Request-Method': 'GET'}
        for size in (2100, 9000):
            told = web.ask('OPTIONS', '/chat/session/s1?' + 'a' * size, headers=preflight)
            self.assertEqual((told.status, told.headers['Access-Control-Allow-Origin']), (204, '*'))
        self.assertIn('path="unknown",status="431"} 2', web.ask('GET', '/metrics', headers={'X-Api-Key': key}).body)

    def test_a_page_of_another_site_does_not_read_it(self):
        web = self.web(worker=False, header_kb=2, origins='https://b.example')
        for origin in ('https://evil.example', 'https://b.example.evil'):
            answer = web.ask('POST', '/chat/message', 'x' * 300000, {'Origin': origin})
            self.assertEqual((answer.status, answer.headers['Access-Control-Allow-Origin']), (413, None))
        plain = self.web(worker=False)
        answer = plain.ask('POST', '/chat/message', 'x' * 300000, {'Origin': 'https://b.example'})
        self.assertEqual((answer.status, answer.headers['Access-Control-Allow-Origin']), (413, None))

    def refused(self, web, text, step, later):
        """(status, problem) of what is sent in pieces, as the first request of a connection or a later one."""
        line = socket.create_connection(('127.0.0.1', web.port), SECONDS)
        if web.tls:
            line = web.tls.wrap_socket(line, server_hostname='127.0.0.1')
        with line:
            if later:
                line.sendall(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
                first = http.client.HTTPResponse(line)
                first.begin()
                self.assertEqual((first.status, first.read()), (200, b'{"status":"ok"}\n'))
            for at in range(0, len(text), step):
                line.sendall(text[at:at + step])
            answer = http.client.HTTPResponse(line)
            answer.begin()
            told = json.loads(answer.read())
            self.assertEqual(answer.getheader('Content-Type'), 'application/problem+json')
            self.assertEqual(line.recv(1), b'')  # it ends, and not with a reset
            return answer.status, told

    @unittest.skipUnless(shutil.which('openssl'), 'there is no openssl to make a certificate with')
    def test_a_head_that_is_refused_is_told_why(self):
        start = b'POST /chat/message HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
        for web in (self.web(worker=False, header_kb=2, idle_s=1),
                    self.web_over_tls(worker=False, header_kb=2, idle_s=1)):
            for text, status in ((start + b'X-Large: ' + b'a' * 70000 + b'\r\n\r\n', 431),
                                 (start + b'a:\r\n' * 300 + b'\r\n', 431), (start + b'no colon\r\n\r\n', 400),
                                 (b'GET /' + b'a' * 2100 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 414), (start, 408),
                                 (start + b'Content-Length: 300000\r\n\r\n' + b' ' * 300000, 413)):
                for step in (len(text), 1000):
                    for later in (False, True):
                        with self.subTest(text=text[-40:], step=step, later=later, tls=bool(web.tls)):
                            told = self.refused(web, text, step, later)
                            self.assertEqual((told[0], told[1]['status']), (status, status))
            self.assertEqual(web.ask('GET', '/healthz').status, 200)

    @unittest.skipUnless(shutil.which('openssl'), 'there is no openssl to make a certificate with')
    def test_tls(self):
        web = self.web_over_tls()
        waiting = web.say()
        web.answer('in secret')
        self.assertEqual(web.wait(waiting).json['response_text'], 'in secret')
        http_only = http.client.HTTPConnection('127.0.0.1', web.port, timeout=SECONDS)
        http_only.request('GET', '/healthz')
        refused = http_only.getresponse()
        self.assertEqual((refused.status, refused.getheader('content-type')), (400, 'application/problem+json'))
        self.assertIn('HTTPS', json.load(refused)['title'])

    @unittest.skipUnless(shutil.which('openssl'), 'there is no openssl to make a certificate with')
    def test_a_renewed_certificate_is_taken(self):
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        folder = self.folder()
        names = [f'{folder}/key.pem', f'{folder}/certificate.pem']
        trusted = make_certificate(names[1], names[0])
        web = self.web(worker=False, tls=trusted, port=port, tls_certificate=names[1], tls_key=names[0])

        def shown():
            return ssl.get_server_certificate(('127.0.0.1', port), timeout=SECONDS)
        for in_place in (False, True):
            before, old = web.pid(), shown()
            trusted = make_certificate(f'{names[1]}.new', f'{names[0]}.new')
            for name in names:
                if in_place:
                    shutil.copyfile(f'{name}.new', name)
                else:
                    os.rename(f'{name}.new', name)
            wait(lambda old=old: shown() != old, 'the new certificate')
            web.tls = trusted
            self.assertEqual(web.ask('GET', '/healthz').status, 200)
            wait(lambda before=before: web.pid() not in (None, before), 'the new process')
            self.assertEqual(web.broker.logged('adapter.renewed')[-1]['adapter'], 'web')

    def test_who_waits_is_answered_while_another_process_takes_over(self):
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        web = self.web(port=port)
        waiting, before = web.say('before'), web.pid()
        job = web.worker.job()
        since = len(web.broker.lines)
        web.broker.ask('adapters.reload', name='web')
        web.broker.wait_log('plugin.info', after=since, text=f'listening on http://127.0.0.1:{port}')
        web.worker.reply(job['lease'], 'from the old one')
        self.assertEqual(web.wait(waiting).json['response_text'], 'from the old one')
        self.assertEqual(web.broker.wait_log('adapter.left', after=since)['status'], 'exit 0')
        waiting = web.say('after')
        web.answer('from the new one')
        self.assertEqual(web.wait(waiting).json['response_text'], 'from the new one')
        self.assertNotIn(web.pid(), (None, before))

    def test_who_asks_in_the_last_moment_is_served_by_the_old_process(self):
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        web = self.web(port=port)
        line = http.client.HTTPConnection('127.0.0.1', port, timeout=SECONDS)
        self.addCleanup(line.close)
        line.request('GET', '/healthz')
        line.getresponse().read()
        waiting, since = web.say('one'), len(web.broker.lines)
        first = web.worker.job()
        web.broker.ask('adapters.reload', name='web')
        web.broker.wait_log('plugin.info', after=since, text=f'listening on http://127.0.0.1:{port}')
        wait(lambda: listeners(port) == 1, 'the old one listens no more')
        line.request('POST', '/chat/message', json.dumps({'session_id': 's2', 'user_id': 'u', 'message_text': 'two'}),
                     {'Content-Type': 'application/json'})
        web.worker.reply(web.worker.job()['lease'], 'to the second')
        answer = line.getresponse()
        self.assertEqual((answer.status, json.load(answer)['response_text']), (200, 'to the second'))
        self.assertEqual(answer.getheader('connection'), 'close')
        web.worker.reply(first['lease'], 'to the first')
        self.assertEqual(web.wait(waiting).json['response_text'], 'to the first')
        self.assertEqual(web.broker.wait_log('adapter.left', after=since)['status'], 'exit 0')

    def test_where_a_request_belongs(self):
        web = self.web()
        parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
        waiting = web.say(headers={'traceparent': parent, 'X-Request-Id': 'my-id-7'})
        job = web.answer()
        self.assertEqual(job['envelope']['traceparent'][:36], parent[:36])
        self.assertNotEqual(job['envelope']['traceparent'][36:52], parent[36:52])
        answer = web.wait(waiting)
        self.assertEqual(answer.headers['X-Request-Id'], 'my-id-7')
        self.assertEqual(answer.headers['Traceparent'], job['envelope']['traceparent'])
        for bad in ('00-' + '0' * 32 + '-b7ad6b7169203331-01', 'x', parent + '-more', 'ff' + parent[2:]):
            other = web.ask('GET', '/healthz', headers={'traceparent': bad, 'X-Request-Id': 'no blanks'})
            self.assertNotEqual(other.headers['Traceparent'][3:35], parent[3:35])
            self.assertNotEqual(other.headers['X-Request-Id'], 'no blanks')

    def test_localhost_is_an_address(self):
        web = self.web(worker=False, host='localhost')
        self.assertEqual(web.ask('GET', '/healthz').status, 200)
        web.broker.wait_log('plugin.info', text=f'listening on http://localhost:{web.port}')

    def test_a_secret_beside_a_conf_that_is_named_from_here(self):
        web = self.web(worker=False, from_here=True, api_keys='secret operate op\n')
        self.assertEqual(web.ask('GET', '/metrics', headers={'X-Api-Key': 'secret'}).status, 200)
        self.assertEqual(web.ask('GET', '/metrics').status, 401)

    def test_a_conf_that_is_wrong_is_refused_in_words(self):
        folder = self.folder()
        for keys, words in [('api_keys = "env:KEYS";', 'api_keys line 2'), ('models = "=x";', 'models:'),
                            ('tls_certificate = "x.pem";', 'give both'), ('origins = "chat.example";', 'origins:'),
                           ('origins = "https://a.example https://b.example/";', 'without a slash')]:
            with self.subTest(words=words):
                with open(f'{folder}/conf', 'w', encoding='ascii') as file:
                    file.write(f'adapters = {{ web = {{ port = 0; {keys} }}; }};')
                done = subprocess.run([f'{BUILD}/bin/palaver-adapter', '--plugin', f'{BUILD}/plugins/web.so', '--conf',
                                       f'{folder}/conf', '--broker', f'ipc://{folder}/none'], check=False, timeout=60,
                                      stderr=subprocess.PIPE, env={**os.environ, 'KEYS': 'a\nb all\n'})
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words, done.stderr.decode())


class Pages(WebTest):
    def test_the_page_and_its_parts(self):
        web = self.web(worker=False)
        page = web.ask('GET', '/')
        self.assertIn('text/html', page.headers['Content-Type'])
        policy = page.headers['Content-Security-Policy']
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn('unsafe', policy)
        again = web.ask('GET', '/', headers={'If-None-Match': page.headers['ETag']})
        self.assertEqual((again.status, again.body), (304, ''))
        for tags, status in (('*', 304), (' * ', 304), ('"other", ' + page.headers['ETag'], 304), ('"*"', 200),
                             ('"other"', 200)):
            self.assertEqual(web.ask('GET', '/', headers={'If-None-Match': tags}).status, status, tags)
        self.assertEqual(web.ask('HEAD', '/').headers['ETag'], page.headers['ETag'])

    def rows(self, name, macro):
        with open(os.path.join(TOP, 'plugins', 'web', name), encoding='ascii') as table:
            return [[word.strip() for word in line.split('(')[1].split(')')[0].replace('"', '').split(',')]
                    for line in table if line.startswith(f'{macro} (')]

    def test_the_document_is_whole(self):
        """Every path and scope of the route table is in openapi.json, and nothing else."""
        web = self.web(worker=False)
        document = web.contract().document
        wanted = {(row[1].lower(), row[2], row[3].lower()) for row in self.rows('route.def', 'ROUTE')}
        wanted |= {(row[1].lower(), row[2], 'operate') for row in self.rows('operate.def', 'OPERATE')}
        told = {(method, '*'.join(part.partition('}')[2] if at else part for at, part in enumerate(path.split('{'))),
                 operation['x-scope'])
                for path, methods in document['paths'].items() for method, operation in methods.items()}
        self.assertEqual(told - wanted, {('get', path, 'none') for path in ('/', '/console', '/openapi.json')})
        self.assertEqual(wanted - told, set())
        for path, methods in document['paths'].items():
            for operation in methods.values():
                self.assertEqual(operation.get('security') == [], operation['x-scope'] == 'none', path)


class Crash(WebTest):
    def kill(self, web):
        old = wait(web.pid, 'the host is there')
        os.kill(old, signal.SIGKILL)
        wait(lambda: web.pid() not in (None, old), 'the next host is there')
        web.up()

    def test_a_repeat_after_kill_9_of_the_host_gets_the_one_answer(self):
        web = self.web()
        for number, moment in enumerate(('before the answer', 'after the answer', 'before and after')):
            with self.subTest(moment):
                headers, text = {'Idempotency-Key': f'k{number}'}, f'pay once, {moment}'
                first = web.say(text, headers)
                job = web.worker.job()
                if moment != 'after the answer':
                    self.kill(web)
                web.worker.reply(job['lease'], f'done: {moment}')
                web.worker.expect('COMMITTED')
                if moment != 'before the answer':
                    wait(lambda: web.broker.metric('outbox') == 0, 'delivered')
                    self.kill(web)
                with self.assertRaises((OSError, http.client.HTTPException)) if moment != 'after the answer' \
                        else self.subTest():
                    web.wait(first)
                again = web.wait(web.say(text, headers), 3 * SECONDS)
                self.assertEqual((again.status, again.json['response_text']), (200, f'done: {moment}'))
                self.assertEqual(web.wait(web.say(text + '!', headers)).status, 422)
                web.worker.quiet('JOB')
        history = web.ask('GET', '/chat/session/s1').json['history']
        self.assertEqual(len(history), 6)
        self.assertEqual(web.broker.dead(), [])

    def test_a_resource_outlives_the_host(self):
        web = self.web()
        where = web.wait(web.say('later', ASYNC)).headers['Location']
        self.kill(web)
        self.assertEqual(web.ask('GET', where).json['status'], 'pending')
        web.answer('still here')
        told = wait(lambda: (told := web.ask('GET', where).json)['status'] == 'done' and told, 'done')
        self.assertEqual(told['response']['response_text'], 'still here')


if __name__ == '__main__':
    unittest.main()
