#!/usr/bin/python3
# RUN: timeout=180
"""The web gateway in its real host, with a real HTTP client, against a fake broker."""

import concurrent.futures
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
from fake_broker import Broker, deliver, frame  # noqa: E402
from host_test import HOST, PLUGINS, main  # noqa: E402
from patience import SECONDS  # noqa: E402


class Gateway:
    def __init__(self, conf='', environment=None, port=0, beside=False):
        self.dir = tempfile.mkdtemp(prefix='web-')
        self.broker = Broker(f'ipc://{self.dir}/b.ipc')
        self.pool = concurrent.futures.ThreadPoolExecutor(80)
        self.child, self.port = self.start(conf, environment, port)

    def start(self, conf='', environment=None, port=0, words=()):
        path, log = os.path.join(self.dir, 'palaver.conf'), os.path.join(self.dir, f'log{time.monotonic_ns()}')
        with open(path, 'w') as out:
            out.write(f'adapters = {{ web = {{ port = {port}; {conf} }}; }};')
        child = subprocess.Popen([HOST, '--plugin', os.path.join(PLUGINS, 'web.so'), '--broker', self.broker.endpoint,
                                  '--conf', path, *words], stderr=open(log, 'wb'), stdin=subprocess.DEVNULL,
                                 env={**os.environ, **(environment or {})})
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r'listening on http://\S+:(\d+)', open(log).read())):
            assert time.monotonic() < deadline and child.poll() is None, open(log).read()
            time.sleep(0.01)
        return child, int(found[1])

    def __enter__(self):
        self.broker.expect('HELLO')
        if self.broker.welcomes:
            self.wait_ready()
        return self

    def wait_ready(self):
        """The gateway has read what it keeps in the broker: until then it refuses a request with an Idempotency-Key."""
        deadline = time.monotonic() + SECONDS
        while self.wait(self.later('GET', '/readyz'))[0] != 200:
            assert time.monotonic() < deadline, 'the gateway is not ready'

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.pool.shutdown(cancel_futures=True)
        self.broker.end()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, method, path, body=None, headers=None, timeout=SECONDS):
        """(status, headers, parsed body)"""
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        data = json.dumps(body) if isinstance(body, dict) else body
        line.request(method, path, data, {**({'Content-Type': 'application/json'} if body is not None else {}),
                                          **(headers or {})})
        answer = line.getresponse()
        text = answer.read()
        line.close()
        kind = answer.getheader('content-type') or ''
        return answer.status, answer, json.loads(text) if 'json' in kind and text else text

    def later(self, *words, **more):
        return self.pool.submit(self.ask, *words, **more)

    def say(self, text='hello', headers=None, **more):
        return self.later('POST', '/chat/message',
                          {'session_id': 's1', 'user_id': 'ann', 'message_text': text, **more}, headers)

    def first(self, key, seconds=20):
        """A message with a key; a gateway that has just started does not know yet which were used, and says so."""
        deadline = time.monotonic() + seconds
        while True:
            asked = self.say(headers=key)
            while not asked.done():
                self.broker.turn(0.02)
                if any(verb == 'PUBLISH' for verb, _ in self.broker.log):
                    return asked
            assert asked.result()[0] == 503 and time.monotonic() < deadline, asked.result()

    def taken(self):
        """The next message, stored: (envelope, body)"""
        seq, envelope, body = self.broker.expect('PUBLISH')
        self.broker.send(frame('STORED', [seq]))
        return envelope, msgpack.unpackb(body)

    def wait(self, future, seconds=SECONDS):
        """The broker lives on while a client waits."""
        deadline = time.monotonic() + seconds
        while not future.done():
            assert time.monotonic() < deadline, 'the client still waits'
            self.broker.turn(0.02)
        return future.result()


def a_message_is_answered():
    with Gateway() as web:
        asked = web.say('Which fund?', metadata={'lang': 'en'}, timestamp='2026-01-31T12:00:00.5+01:00', platform='app')
        envelope, body = web.taken()
        assert envelope['session_id'] == 'web_s1' and envelope['user_id'] == 'ann' and envelope['platform'] == 'web'
        assert envelope['timestamp'] == 1769857200500000
        assert body == {'message_text': 'Which fund?', 'metadata': {'lang': 'en', 'client_platform': 'app'}}
        web.broker.send(deliver(1, 'This one.\n"Yes"', session='web_s1', reply_to=envelope['id'],
                                recommendations=[{'name': 'A', 'risk': 2}], confidence=0.75, sources=['cat'],
                                processing_time=1.25, disclaimers=['no advice'], metadata={'model': 'x'}))
        status, _, answer = web.wait(asked)
        assert status == 200
        assert answer['response_text'] == 'This one.\n"Yes"' and answer['recommendations'] == [{'name': 'A', 'risk': 2}]
        assert (answer['confidence'], answer['sources'], answer['processing_time']) == (0.75, ['cat'], 1.25)
        assert answer['disclaimers'] == ['no advice'] and answer['metadata'] == {'model': 'x'}
        assert web.broker.expect('DELIVERED')[:2] == [1, 'sent']


def every_client_gets_its_own_answer():
    with Gateway() as web:
        asked = [web.say(f'question {at}', session_id=f's{at % 7}') for at in range(60)]
        taken = [web.taken() for _ in asked]
        for number, (envelope, body) in enumerate(reversed(taken)):
            web.broker.send(deliver(number, body['message_text'].replace('question', 'answer'),
                                    session=envelope['session_id'], reply_to=envelope['id']))
        for at, future in enumerate(asked):
            assert web.wait(future)[2]['response_text'] == f'answer {at}'


def a_late_answer_is_kept_in_the_session():
    with Gateway('timeout_s = 1; timeout_text = "It will come.";') as web:
        asked = web.say()
        envelope, _ = web.taken()
        status, answer, problem = web.wait(asked)
        assert status == 504 and problem['detail'] == 'It will come.' and problem['status'] == 504
        assert answer.getheader('content-type') == 'application/problem+json'
        assert web.wait(web.later('GET', '/chat/session/s1'))[0] == 404
        web.broker.send(deliver(1, 'Here.', session='web_s1', reply_to=envelope['id']))
        assert web.broker.expect('DELIVERED')[:2] == [1, 'sent']
        status, _, session = web.wait(web.later('GET', '/chat/session/s1'))
        assert status == 200 and [one['response_text'] for one in session['responses']] == ['Here.']


def a_session_is_the_brokers():
    shown = {'session_id': 'web_s1', 'history': [{'role': 'user', 'text': 'hello'}]}
    reset = ('POST', '/chat/session/s1/reset')
    with Gateway() as web:
        web.broker.results['sessions.show'] = ('ok', shown)
        told = {**shown, 'session_id': 's1'}  # under the name that its client gave it
        assert web.wait(web.later('GET', '/chat/session/s1'))[::2] == (200, told)
        asked = web.broker.expect('CONTROL', lambda control: control[1].startswith('sessions'))
        assert asked[1:] == ['sessions.show', {'session': 'web_s1'}]
        for status, body, code in (('ok', {'status': 'success'}, 200), ('NOENT', {'text': 'none'}, 200),
                                   ('BUSY', {'text': 'busy'}, 409), ('AUTH', {'text': 'no'}, 403)):
            web.broker.results['sessions.reset'] = (status, body)
            got, answer, told = web.wait(web.later(*reset))
            assert got == code, (status, got, told)
            assert answer.getheader('retry-after') == ('1' if status == 'BUSY' else None)
            assert code != 200 or told == {'status': 'success'}


def what_is_not_stored_is_not_promised():
    with Gateway('timeout_s = 1;') as web:
        asked = web.say()
        web.broker.expect('PUBLISH')
        status, answer, problem = web.wait(asked)
        assert status == 503 and answer.getheader('retry-after') == '1' and 'not taken' in problem['detail']


def busy_and_rejected():
    with Gateway() as web:
        asked = web.say()
        web.broker.send(frame('BUSY', web.broker.expect('PUBLISH')[0], 2500, 'too many events'))
        status, answer, problem = web.wait(asked)
        assert status == 503 and answer.getheader('retry-after') == '3' and problem['detail'] == 'too many events'
        asked = web.say()
        web.broker.send(frame('REJECTED', web.broker.expect('PUBLISH')[0], 'RANGE', 'too long'))
        assert web.wait(asked)[0] == 422


def bad_requests_get_a_clear_answer():
    good = {'session_id': 's', 'user_id': 'u', 'message_text': 't'}
    post = ('POST', '/chat/message')
    cases = [
        (404, 'nothing', ('GET', '/nowhere')), (405, 'method', ('GET', '/chat/message')),
        (415, 'application/json', (*post, 'a=b', {'Content-Type': 'application/x-www-form-urlencoded'})),
        (400, 'JSON', (*post, '{"a":')), (400, 'JSON', (*post, '')), (400, 'JSON', (*post, '[' * 5000)),
        (422, 'JSON object', (*post, '[1]')),
        (422, 'session_id', (*post, {**good, 'session_id': ''})),
        (422, 'session_id', (*post, {**good, 'session_id': 7})),
        (422, 'session_id', (*post, {**good, 'session_id': 'x' * 181})),
        (422, 'session_id', (*post, {**good, 'session_id': 'a\nb'})),
        (422, 'user_id', (*post, {'session_id': 's', 'message_text': 't'})),
        (422, 'message_text', (*post, {**good, 'message_text': ''})),
        (422, 'timestamp', (*post, {**good, 'timestamp': 'yesterday'})),
        (422, 'metadata', (*post, {**good, 'metadata': [1]})),
        (400, 'JSON', (*post, b'{"session_id":"s","user_id":"u","message_text":"\xff"}')),
        (413, None, (*post, {**good, 'message_text': 'x' * 300000})),
    ]
    with Gateway() as web:
        for status, word, request in cases:
            got, answer, problem = web.wait(web.later(*request))
            assert got == status, (request, got, problem)
            assert answer.getheader('content-type') == 'application/problem+json', request
            assert problem['status'] == status and (word is None or word in problem['detail']), (request, problem)
        assert not [verb for verb, _ in web.broker.quiet(0.2) if verb == 'PUBLISH']


def raw(web, text, seconds=SECONDS):
    with socket.create_connection(('127.0.0.1', web.port), seconds) as line:
        line.sendall(text)
        got = b''
        try:
            while piece := line.recv(65536):
                got += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return got


def broken_http_does_no_harm():
    with Gateway('idle_s = 1;') as web:
        for text in [b'\x00\x01\x02\x03\r\n\r\n', b'GET\r\n\r\n', b'GET /healthz HTTP/9.9\r\n\r\n', b'A' * 70000,
                     b'GET /healthz HTTP/1.1\r\nHost: x\r\nX: ' + b'y' * 70000 + b'\r\n\r\n',
                     b'POST /chat/message HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n',
                     b'POST /chat/message HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
                     b'POST /chat/message HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
                     b'5\r\nhello\r\n0\r\n\r\n',
                     b'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', b'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n',
                     b'GET /' + b'a' * 5000 + b' HTTP/1.1\r\nHost: x\r\n\r\n']:
            got = web.wait(web.pool.submit(raw, web, text))
            assert b' 200 ' not in got.split(b'\r\n')[0] or b'9.9' in text or b'%00' in text, (text[:80], got[:200])
            assert web.wait(web.later('GET', '/healthz'))[0] == 200, text[:80]
        assert web.child.poll() is None


def one_connection_serves_many_requests():
    with Gateway() as web:
        def many():
            line = http.client.HTTPConnection('127.0.0.1', web.port, timeout=SECONDS)
            statuses = []
            for _ in range(20):
                line.request('GET', '/healthz')
                answer = line.getresponse()
                answer.read()
                statuses.append(answer.status)
            line.request('POST', '/chat/message', json.dumps({'session_id': 's', 'user_id': 'u', 'message_text': 't'}),
                         {'Content-Type': 'application/json'})
            first = line.getresponse()
            first.read()
            line.request('GET', '/healthz')
            return statuses + [first.status, line.getresponse().status]
        asked = web.pool.submit(many)
        envelope, _ = web.taken()
        web.broker.send(deliver(1, 'a' * 200000, session='web_s', reply_to=envelope['id']))
        assert web.wait(asked) == [200] * 22


def idempotency_keys():
    key = {'Idempotency-Key': 'k1'}
    with Gateway() as web:
        first = web.first(key)
        envelope, _ = web.taken()
        assert web.wait(web.say(headers=key))[0] == 409
        assert web.wait(web.say('other', headers=key))[0] == 422
        web.broker.send(deliver(1, 'once', session='web_s1', reply_to=envelope['id']))
        assert web.wait(first)[2]['response_text'] == 'once'
        status, _, again = web.wait(web.say(headers=key))
        assert status == 200 and again['response_text'] == 'once'
        other = web.say(headers=key, session_id='s2')  # another session's key is another key
        second, _ = web.taken()
        assert second['platform_id'] != envelope['platform_id']
        web.broker.send(deliver(2, 'two', session='web_s2', reply_to=second['id']))
        assert web.wait(other)[2]['response_text'] == 'two'
        busy = {'Idempotency-Key': 'k2'}
        asked = web.say(headers=busy)  # what was not taken may be tried again with the same key
        seq, third, _ = web.broker.expect('PUBLISH')
        web.broker.send(frame('BUSY', seq, 10, 'later'))
        assert web.wait(asked)[0] == 503
        asked = web.say(headers=busy)
        fourth, _ = web.taken()
        assert fourth['platform_id'] == third['platform_id'] and fourth['id'] != third['id']
        web.broker.send(deliver(3, 'three', session='web_s1', reply_to=fourth['id']))
        assert web.wait(asked)[2]['response_text'] == 'three'


def a_client_that_hangs_up_costs_nothing():
    with Gateway() as web:
        line = socket.create_connection(('127.0.0.1', web.port))
        body = json.dumps({'session_id': 's9', 'user_id': 'u', 'message_text': 't'}).encode()
        line.sendall(b'POST /chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'
                     b'Content-Length: ' + str(len(body)).encode() + b'\r\n\r\n' + body)
        envelope, _ = web.taken()
        line.close()
        web.broker.quiet(0.2)
        web.broker.send(deliver(1, 'too late', session='web_s9', reply_to=envelope['id']))
        assert web.broker.expect('DELIVERED')[:2] == [1, 'sent']
        assert web.wait(web.later('GET', '/chat/session/s9'))[2]['responses'][0]['response_text'] == 'too late'


def keys_let_in():
    with Gateway('api_keys = "env:WEB_KEYS";', {'WEB_KEYS': 'alpha\nbeta'}) as web:
        for headers, status in [({}, 401), ({'X-Api-Key': 'gamma'}, 401), ({'Authorization': 'Bearer alph'}, 401),
                                ({'Authorization': 'Basic alpha'}, 401), ({'X-Api-Key': 'alpha'}, 404),
                                ({'Authorization': 'Bearer beta'}, 404)]:
            assert web.wait(web.later('GET', '/chat/session/none', headers=headers))[0] == status, headers
        assert web.wait(web.later('GET', '/healthz'))[0] == 200


def ready_means_that_the_broker_is_there():
    with Gateway() as web:
        deadline = time.monotonic() + SECONDS
        while web.wait(web.later('GET', '/readyz'))[0] != 200:
            assert time.monotonic() < deadline
    gateway = Gateway()
    gateway.broker.welcomes = False
    with gateway as web:
        assert web.wait(web.later('GET', '/readyz'))[0] == 503
        assert web.wait(web.later('GET', '/healthz'))[0] == 200


def a_port_in_use_is_named():
    with Gateway() as web:
        try:
            web.start(port=web.port)
            raise RuntimeError('it listens')
        except AssertionError as error:
            words = (f'cannot listen on 127.0.0.1 port {web.port}: Address already in use, by another program or '
                     'adapter: stop that one, or set another port')
            assert words in str(error), error


def a_successor_takes_the_port_over():
    with Gateway() as web:
        web.child.send_signal(signal.SIGUSR1)
        web.broker.welcomes = False  # its name is taken until the old one leaves
        newer, port = web.start(port=web.port, words=['--beside'])
        try:
            assert port == web.port
            web.child.send_signal(signal.SIGTERM)
            web.broker.expect('BYE')
            assert web.child.wait(SECONDS) == 0
            assert web.wait(web.later('GET', '/healthz'))[0] == 200
        finally:
            newer.kill()
            newer.wait()


def is_open(port):
    with socket.socket() as line:
        return line.connect_ex(('127.0.0.1', port)) == 0


def a_stop_lets_waiting_clients_finish():
    with Gateway() as web:
        asked = web.say()
        envelope, _ = web.taken()
        web.child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + SECONDS
        while is_open(web.port):
            assert time.monotonic() < deadline, 'it still listens'
            web.broker.turn(0.05)
        web.broker.send(deliver(1, 'just in time', session='web_s1', reply_to=envelope['id']))
        web.broker.expect('DELIVERED')  # and not CREDIT: the broker gives nothing to who has none
        web.broker.send(frame('SETTLED', [1]))
        assert web.wait(asked)[2]['response_text'] == 'just in time'
        assert web.broker.expect('CREDIT')[0] == 0
        web.broker.expect('BYE')
        assert web.child.wait(SECONDS) == 0


def who_asks_in_the_last_moment_is_served():
    """The broker was told already that no more is taken, and is told otherwise."""
    with Gateway() as web:
        line = http.client.HTTPConnection('127.0.0.1', web.port, timeout=SECONDS)
        web.wait(web.pool.submit(lambda: (line.request('GET', '/healthz'), line.getresponse().read())))
        gone = http.client.HTTPConnection('127.0.0.1', web.port, timeout=SECONDS)
        message = json.dumps({'session_id': 's1', 'user_id': 'u', 'message_text': 't'})
        gone.request('POST', '/chat/message', message, {'Content-Type': 'application/json'})
        kept = web.broker.expect('PUBLISH')[0]
        gone.close()
        web.child.send_signal(signal.SIGTERM)
        assert web.broker.expect('CREDIT')[0] == 0  # and stays, for the event is not stored yet
        line.request('POST', '/chat/message', message, {'Content-Type': 'application/json'})
        envelope, _ = web.taken()
        assert web.broker.expect('CREDIT')[0] > 0
        web.broker.send(frame('STORED', [kept]))
        web.broker.send(deliver(1, 'after all', session='web_s1', reply_to=envelope['id']))
        web.broker.expect('DELIVERED')
        web.broker.send(frame('SETTLED', [1]))
        assert json.load(web.wait(web.pool.submit(line.getresponse)))['response_text'] == 'after all'
        assert web.broker.expect('CREDIT')[0] == 0
        web.broker.expect('BYE')
        assert web.child.wait(SECONDS) == 0


TESTS = [a_message_is_answered, every_client_gets_its_own_answer, a_late_answer_is_kept_in_the_session,
         a_session_is_the_brokers, what_is_not_stored_is_not_promised, busy_and_rejected,
         bad_requests_get_a_clear_answer,
         broken_http_does_no_harm, one_connection_serves_many_requests, idempotency_keys,
         a_client_that_hangs_up_costs_nothing, keys_let_in, ready_means_that_the_broker_is_there,
         a_port_in_use_is_named, a_successor_takes_the_port_over, a_stop_lets_waiting_clients_finish,
         who_asks_in_the_last_moment_is_served]


if __name__ == '__main__':
    sys.exit(main(TESTS))
