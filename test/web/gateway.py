"""The whole chain for tests of the web gateway: broker, host and web.so, with workers by hand or real ones.

    class Some(WebTest):
        def test_it(self):
            web = self.web(api_keys='env:KEYS')
            waiting = web.later('POST', '/chat/message', {...})
            job = web.worker.job()

Every response and every message that passes through here is held against the gateway's /openapi.json.
"""

import concurrent.futures
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'system'))

import websocket  # noqa: E402
from contract import Contract  # noqa: E402
from palaverd import BUILD, SECONDS, VARIANT, BrokerTest, route, wait  # noqa: E402
from wireclient import event_id, frame, pack  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
__all__ = ['BUILD', 'SECONDS', 'TOP', 'VARIANT', 'Answer', 'Gateway', 'Stream', 'WebTest', 'make_certificate', 'route',
           'wait', 'websocket']


def private(path, flags):
    return os.open(path, flags, 0o600)


def make_certificate(certificate, key):
    """The context of who trusts it."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost', '-addext',
                    'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
    return ssl.create_default_context(cafile=certificate)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f'{self.status} {self.body[:500]}'


class Stream:
    """Server-sent events: (name, id, data), as they come."""

    def __init__(self, gateway, path, headers=None, method='GET', body=None):
        self.gateway, self.path = gateway, path
        self.line = http.client.HTTPConnection('127.0.0.1', gateway.port, timeout=SECONDS)
        self.line.request(method, path, body, headers or {})
        self.response = self.line.getresponse()
        self.status = self.response.status
        self.comments = 0

    def next(self):
        name, number, data = 'message', None, []
        while True:
            line = self.response.readline().decode().rstrip('\n')
            if line.startswith(':'):
                self.comments += 1
            elif line.startswith('event: '):
                name = line[7:]
            elif line.startswith('id: '):
                number = line[4:]
            elif line.startswith('data: '):
                data.append(line[6:])
            elif not line and data:
                text = '\n'.join(data)
                if self.path.startswith('/operate/'):
                    self.gateway.contract().message('TailLines', json.loads(text))
                elif not self.path.startswith('/v1/'):
                    self.gateway.contract().message('Event', json.loads(text))
                return name, number, text if text == '[DONE]' else json.loads(text)
            elif not line and self.response.isclosed():
                return None

    def expect(self, name):
        while True:
            event = self.next()
            if event is None or event[0] == name:
                return event

    def close(self):
        self.line.close()


class Socket:
    """A WebSocket to a session; each message is held against the contract."""

    def __init__(self, gateway, path, headers=None):
        self.gateway = gateway
        self.raw = websocket.WebSocket('127.0.0.1', gateway.port, path, headers, SECONDS)

    def send(self, **message):
        self.gateway.contract().message('SocketIn', message)
        self.raw.send(json.dumps(message))

    def next(self, seconds=None):
        message = json.loads(self.raw.receive(seconds or SECONDS))
        self.gateway.contract().message('SocketOut', message)
        return message

    def expect(self, kind):
        while True:
            message = self.next()
            if message['type'] == kind:
                return message

    def close(self):
        self.raw.close()


class Gateway:
    def __init__(self, test, broker):
        self.test, self.broker = test, broker
        self.pool = concurrent.futures.ThreadPoolExecutor(80)
        self.found, self.port, self.worker, self.tls = None, 0, None, None

    def up(self):
        """Waits until it listens and the broker knows it: where it listens a new process tells a little later."""
        def look():
            ports = re.findall(r'listening on https?://\S+:(\d+)', '\n'.join(self.broker.raw))
            self.port = int(ports[-1]) if ports else 0
            return self.port and self.is_ready()
        wait(look, 'the gateway listens and is ready\n' + self.broker.tail())
        return self

    def is_ready(self):
        try:
            return self.ask('GET', '/readyz', hold=False).status == 200
        except OSError:
            return False

    def pid(self):
        return next((item['pid'] for item in self.broker.ask('adapters.list')['items'] if item['name'] == 'web'
                     and item['state'] == 'ready'), None)

    def contract(self):
        if self.found is None:
            self.found = Contract(self.ask('GET', '/openapi.json', hold=False).json)
        return self.found

    def ask(self, method, path, body=None, headers=None, hold=True, seconds=4 * SECONDS):
        line = (http.client.HTTPSConnection('127.0.0.1', self.port, timeout=seconds, context=self.tls) if self.tls
                else http.client.HTTPConnection('127.0.0.1', self.port, timeout=seconds))
        try:
            data = json.dumps(body) if isinstance(body, dict) else body
            kind = {'Content-Type': 'application/json'} if body is not None else {}
            line.request(method, path, data, {**kind, **(headers or {})})
            response = line.getresponse()
            answer = Answer(response.status, response.headers, response.read().decode())
        finally:
            line.close()
        if hold:
            self.contract().response(method, path, answer.status, answer.headers, answer.body)
        return answer

    def later(self, *words, **more):
        return self.pool.submit(self.ask, *words, **more)

    def say(self, text='hello', headers=None, session='s1', user='ann', **more):
        message = {'session_id': session, 'user_id': user, 'message_text': text, **more}
        return self.later('POST', '/chat/message', message, headers)

    def wait(self, future, seconds=SECONDS):
        wait(future.done, 'the client has its response', seconds)
        return future.result()

    def stream(self, path, headers=None, **more):
        stream = Stream(self, path, headers, **more)
        self.test.addCleanup(stream.close)
        return stream

    def socket(self, session='s1', query='', headers=None):
        sock = Socket(self, f'/chat/ws/{session}{query}', headers)
        self.test.addCleanup(sock.close)
        return sock

    def answer(self, text='an answer', **more):
        """Answers the next job, by hand; the job."""
        job = self.worker.job()
        self.worker.reply(job['lease'], text, **more)
        return job

    def live(self, job, kind, **body):
        """Streams something of an answer that is being written."""
        event = job['envelope']
        envelope = {'id': event_id(), 'type': kind, 'platform': event['platform'], 'session_id': event['session_id'],
                    'user_id': event['user_id'], 'timestamp': event['timestamp'], 'reply_to': event['id']}
        self.worker.send(frame('LIVE', envelope, pack(body)))


@unittest.skipIf(VARIANT == 'tsan', 'the host loads its plugin into a process of another variant')
class WebTest(BrokerTest):
    def web(self, worker=True, conf=None, api_keys=None, tls=None, from_here=False, **keys):
        """A gateway with these conf keys, and a worker that answers by hand. `from_here`: its paths are relative."""
        it = self.broker({'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()], 'log.format': 'json',
                          **(conf or {})}, start=False)
        plugins = f'{it.folder}/plugins'
        os.mkdir(plugins)
        shutil.copy(f'{BUILD}/plugins/web.so', f'{plugins}/web.so')
        os.chmod(f'{plugins}/web.so', 0o755)
        if api_keys:
            with open(f'{it.folder}/keys', 'w', encoding='ascii', opener=private) as file:
                file.write(api_keys)
            keys['api_keys'] = 'file:keys' if from_here else f'file:{it.folder}/keys'
        it.file = os.path.relpath(it.file) if from_here else it.file
        it.options = ['--plugins', plugins]
        it.write_conf({'adapters': {'web': {'port': 0, **keys}}})
        it.start()
        gateway = Gateway(self, it)
        gateway.tls = tls
        self.addCleanup(gateway.pool.shutdown, wait=False, cancel_futures=True)
        if worker:
            gateway.worker = it.worker(credit=256)
        return gateway.up()

    def web_over_tls(self, **conf):
        folder = self.folder()
        certificate, key = f'{folder}/certificate.pem', f'{folder}/key.pem'
        trusted = make_certificate(certificate, key)
        return self.web(tls=trusted, tls_certificate=certificate, tls_key=key, **conf)

    def agent(self, gateway, program, *words):
        """A real worker."""
        command = [f'{BUILD}/bin/{program}', '--endpoint', f'ipc://{gateway.broker.run}/agents.ipc', *words]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            child.kill()
            child.wait()
        self.addCleanup(end)
        wait(lambda: gateway.broker.ask('agents.list')['items'], 'a worker')
        return child
