"""A peer of the broker for system tests: frames by hand, from broker/wire/PROTOCOL.md.

A Peer is one DEALER socket. `expect` waits for a frame of a verb with a deadline; nothing here sleeps.
"""

import os
import struct
import time
import uuid

import msgpack
import zmq

HEAD = b'PV\x01\x00'
VERBS = {
    'HELLO': 1, 'WELCOME': 2, 'PING': 3, 'PONG': 4, 'BYE': 5, 'ERROR': 6, 'WHO': 7, 'CREDIT': 8,
    'PUBLISH': 10, 'STORED': 11, 'BUSY': 12, 'REJECTED': 13, 'DELIVER': 14, 'DELIVERED': 15, 'SETTLED': 16,
    'LIVE': 17, 'JOB': 20, 'REPLY': 21, 'COMMITTED': 22, 'NACK': 23, 'STEP': 24, 'STEP_SAVED': 25, 'CANCEL': 26,
    'CONTROL': 30, 'RESULT': 31,
}
NAMES = {number: name for name, number in VERBS.items()}


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def frame(verb, *args):
    """One frame: verb, length, and its arguments as msgpack values one behind the other in an array."""
    body = pack(list(args))
    return struct.pack('>BI', VERBS[verb], len(body)) + body


def frames(packet):
    """The (name, arguments) pairs of a packet."""
    assert packet[:2] == b'PV', packet[:8]
    at = 4
    while at < len(packet):
        verb, size = struct.unpack_from('>BI', packet, at)
        at += 5
        yield NAMES[verb], unpack(packet[at:at + size])
        at += size


def event_id(milliseconds=None):
    """A UUIDv7 as 16 bytes."""
    ms = int(time.time() * 1000) if milliseconds is None else milliseconds
    raw = bytearray(ms.to_bytes(6, 'big') + os.urandom(10))
    raw[6] = raw[6] & 0x0f | 0x70
    raw[8] = raw[8] & 0x3f | 0x80
    return bytes(raw)


class Peer:
    """One connection. `endpoint` is a socket path (ipc) or a whole endpoint."""

    def __init__(self, endpoint, context=None):
        self.socket = (context or zmq.Context.instance()).socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint if '://' in endpoint else f'ipc://{endpoint}')
        self.inbox = []

    def send(self, *encoded):
        self.socket.send(HEAD + b''.join(encoded))

    def send_raw(self, packet):
        self.socket.send(packet)

    def poll(self, seconds):
        if self.socket.poll(max(0, int(seconds * 1000))):
            self.inbox.extend(frames(self.socket.recv()))
            return True
        return False

    def next(self, seconds=10):
        """The next frame that is no heartbeat, or None."""
        until = time.monotonic() + seconds
        while True:
            while self.inbox:
                verb, args = self.inbox.pop(0)
                if verb == 'PING':
                    self.send(frame('PONG'))
                elif verb != 'PONG':
                    return verb, args
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.poll(min(left, 1))

    def expect(self, verb, seconds=10):
        """The arguments of the next frame of this verb; others before it are kept for later."""
        kept, until = [], time.monotonic() + seconds
        while True:
            got = self.next(until - time.monotonic())
            if got is None:
                self.inbox = kept + self.inbox
                raise AssertionError(f'no {verb} within {seconds} s; got {[name for name, _ in kept]}')
            if got[0] == verb:
                self.inbox = kept + self.inbox
                return got[1]
            kept.append(got)

    def close(self):
        self.socket.close()


class Adapter(Peer):
    def __init__(self, endpoint, name='test', platform=None, credit=64, deduplicates=False, incarnation=None,
                 holding=(), hello=True):
        super().__init__(endpoint)
        self.name, self.platform = name, platform or name
        self.incarnation = incarnation or os.urandom(16)
        self.seq = 0
        self.options = {'platform': self.platform, 'credit': credit, 'deduplicates': deduplicates,
                        'incarnation': self.incarnation, 'holding': list(holding)}
        if hello:
            self.hello()

    def hello(self):
        self.send(frame('HELLO', 'adapter', self.name, 'test/1', os.getpid(), self.options))
        return self.expect('WELCOME')

    def event(self, text, session='1', user='u1', platform_id=None, kind='chat.message', **more):
        envelope = {'id': event_id(), 'type': kind, 'platform': self.platform, 'adapter': self.name,
                    'session_id': f'{self.platform}_{session}', 'user_id': user,
                    'timestamp': int(time.time() * 1e6)}
        if platform_id:
            envelope['platform_id'] = platform_id
        return envelope, {'message_text': text, 'metadata': {}, **more}

    def publish(self, text, **options):
        envelope, body = self.event(text, **options)
        self.seq += 1
        self.send(frame('PUBLISH', self.seq, envelope, pack(body)))
        return self.seq, envelope['id']

    def delivered(self, delivery, outcome='sent', platform_id=None, retry_after_ms=None, reason=None):
        self.send(frame('DELIVERED', delivery, outcome, platform_id, retry_after_ms, reason))


class Worker(Peer):
    def __init__(self, endpoint, name='worker', services=('advisor',), credit=16, incarnation=None, holding=(),
                 hello=True, **options):
        super().__init__(endpoint)
        self.name = name
        self.incarnation = incarnation or os.urandom(16)
        self.options = {'services': list(services), 'credit': credit, 'incarnation': self.incarnation,
                        'holding': list(holding), **options}
        if hello:
            self.hello()

    def hello(self):
        self.send(frame('HELLO', 'agent', self.name, 'test/1', os.getpid(), self.options))
        return self.expect('WELCOME')

    def job(self, seconds=10):
        names = ('lease', 'attempt', 'deadline_ms', 'envelope', 'body', 'history', 'state', 'steps', 'batch')
        job = dict(zip(names, self.expect('JOB', seconds)))
        job['body'], job['state'] = unpack(job['body']), unpack(job['state'])
        return job

    def reply(self, lease, text, state=None, **more):
        options = {'state': pack(state)} if state is not None else None
        self.send(frame('REPLY', lease, pack({'response_text': text, **more}), options))

    def nack(self, lease, permanent=False, delay_ms=None, code='general_error', reason='no'):
        self.send(frame('NACK', lease, permanent, delay_ms, code, reason))


class Tool(Peer):
    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.request = 0
        self.send(frame('HELLO', 'tool', 'test', 'test/1', os.getpid(), {}))
        self.expect('WELCOME')

    def ask(self, command, seconds=10, **arguments):
        """(status, body) of a control command."""
        self.request += 1
        self.send(frame('CONTROL', self.request, command, arguments))
        _, _, status, body = self.expect('RESULT', seconds)
        return status, body


def text_id(raw):
    return str(uuid.UUID(bytes=raw))
