"""A peer of the broker for system tests: frames by hand, from broker/wire/PROTOCOL.md.

A Peer is one DEALER socket. `expect` waits for a frame of a verb with a deadline; nothing here sleeps. While one
peer waits, all others go on with their heartbeats, but for those whose `beats` is False: they are silent.
"""

import os
import struct
import sys
import time
import uuid

import msgpack
import zmq

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import SECONDS  # noqa: E402

HEAD = b'PV\x01\x01'
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


PEERS = []
BEAT_S = 0.1


def beat():
    """A heartbeat of every peer whose turn it is."""
    now = time.monotonic()
    for peer in PEERS:
        if peer.beats and peer.ready and now - peer.beaten > BEAT_S:
            peer.beaten = now
            peer.ping()


class Peer:
    """One connection. `endpoint` is a socket path (ipc) or a whole endpoint; `options` are set on the socket."""

    def __init__(self, endpoint, **options):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.socket.connect(endpoint if '://' in endpoint else f'ipc://{endpoint}')
        self.inbox = []
        self.ready, self.beats, self.beaten, self.unanswered = False, True, 0, 0
        PEERS.append(self)

    def send(self, *encoded):
        self.socket.send(HEAD + b''.join(encoded))

    def send_raw(self, packet):
        self.socket.send(packet)

    def ping(self):
        self.unanswered += 1
        self.send(frame('PING'))

    def heard(self):
        """Whether the broker has read each PING of this connection."""
        while self.poll(0):
            pass
        return self.unanswered == 0

    def poll(self, seconds):
        if self.socket.poll(max(0, int(seconds * 1000))):
            came = list(frames(self.socket.recv()))
            self.unanswered -= sum(verb == 'PONG' for verb, _ in came)
            self.inbox.extend(came)
            return True
        return False

    def next(self, seconds=SECONDS):
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
            beat()
            self.poll(min(left, BEAT_S))

    def expect(self, verb, seconds=None):
        """The arguments of the next frame of this verb; others before it are kept for later."""
        seconds = SECONDS if seconds is None else seconds
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

    def came(self, verb):
        """Whether a frame of this verb has come already. A heartbeat is no answer."""
        while self.poll(0):
            pass
        return any(name == verb for name, _ in self.inbox)

    def send_credit(self, credit):
        self.send(frame('CREDIT', credit))

    def quiet(self, verb, seconds=0.3):
        """No frame of this verb comes for a while."""
        try:
            got = self.expect(verb, seconds)
        except AssertionError:
            return
        raise AssertionError(f'{verb} {got}, but none was due')

    def introduce(self, *hello):
        """HELLO, until WELCOME. What came before belongs to an earlier connection, and is forgotten."""
        self.inbox = []
        self.send(frame('HELLO', *hello))
        before, until = [], time.monotonic() + SECONDS
        while not self.ready:
            verb, args = self.next(until - time.monotonic()) or ('nothing', [])
            if verb in ('nothing', 'ERROR'):
                raise AssertionError(f'no WELCOME but {verb} {args} after {before}')
            before.append(verb)
            self.ready = verb == 'WELCOME'
        self.unanswered = 0
        self.welcome = args
        return args

    def close(self):
        """Without a word, as a process that dies."""
        if self in PEERS:
            PEERS.remove(self)
            self.socket.close()

    def bye(self, reason='done'):
        """In an orderly way."""
        self.send(frame('BYE', reason))
        self.socket.linger = 1000
        self.close()


class Adapter(Peer):
    def __init__(self, endpoint, name='test', platform=None, credit=64, deduplicates=False, incarnation=None,
                 holding=(), hello=True, socket=None):
        super().__init__(endpoint, **(socket or {}))
        self.name, self.platform = name, platform or name
        self.incarnation = incarnation or os.urandom(16)
        self.seq = 0
        self.options = {'platform': self.platform, 'credit': credit, 'deduplicates': deduplicates,
                        'incarnation': self.incarnation, 'holding': list(holding)}
        if hello:
            self.hello()

    def hello(self):
        self.ready = False
        return self.introduce('adapter', self.name, 'test/1', os.getpid(), self.options)

    def event(self, text, session='1', user='u1', platform_id=None, kind='chat.message', event=None, **more):
        envelope = {'id': event or event_id(), 'type': kind, 'platform': self.platform, 'adapter': self.name,
                    'session_id': f'{self.platform}_{session}', 'user_id': user,
                    'timestamp': int(time.time() * 1e6)}
        if platform_id:
            envelope['platform_id'] = platform_id
        return envelope, {'message_text': text, 'metadata': {}, **more}

    def publish(self, text, **options):
        envelope, body = self.event(text, **options)
        return self.post(envelope, body), envelope['id']

    def post(self, envelope, body):
        self.seq += 1
        self.send(frame('PUBLISH', self.seq, envelope, body if isinstance(body, bytes) else pack(body)))
        return self.seq

    def stored(self, count=1, seconds=None):
        """The seqs of the next STOREDs, until there are `count` of them."""
        seqs = []
        while len(seqs) < count:
            seqs += self.expect('STORED', seconds)[0]
        return seqs

    def delivery(self, seconds=None):
        delivery = dict(zip(('delivery', 'attempt', 'envelope', 'body'), self.expect('DELIVER', seconds)))
        delivery['body'] = unpack(delivery['body'])
        return delivery

    def delivered(self, delivery, outcome='sent', platform_id=None, retry_after_ms=None, reason=None):
        self.send(frame('DELIVERED', delivery, outcome, platform_id, retry_after_ms, reason))


class Worker(Peer):
    def __init__(self, endpoint, name='worker', services=('advisor',), credit=16, incarnation=None, holding=(),
                 hello=True, build='test/1', socket=None, **options):
        super().__init__(endpoint, **(socket or {}))
        self.name, self.build = name, build
        self.incarnation = incarnation or os.urandom(16)
        self.options = {'services': list(services), 'credit': credit, 'incarnation': self.incarnation,
                        'holding': list(holding), **options}
        if hello:
            self.hello()

    def hello(self):
        self.ready = False
        return self.introduce('agent', self.name, self.build, os.getpid(), self.options)

    def job(self, seconds=None):
        names = ('lease', 'attempt', 'deadline_ms', 'envelope', 'body', 'history', 'state', 'steps', 'batch', 'options')
        job = dict(zip(names, self.expect('JOB', seconds)))
        job['body'], job['state'] = unpack(job['body']), unpack(job['state'])
        return job

    def try_job(self):
        """A job that has come already, or None."""
        return self.job() if self.came('JOB') else None

    def reply(self, lease, text, state=None, **more):
        options = {'state': pack(state)} if state is not None else None
        self.send(frame('REPLY', lease, pack({'response_text': text, **more}), options))

    def step(self, lease, name, result):
        self.send(frame('STEP', lease, name, result))
        return self.expect('STEP_SAVED')

    def nack(self, lease, permanent=False, delay_ms=None, code='general_error', reason='no'):
        self.send(frame('NACK', lease, permanent, delay_ms, code, reason))


class Tool(Peer):
    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.request = 0
        self.introduce('tool', 'test', 'test/1', os.getpid(), {})

    def ask(self, command, seconds=None, **arguments):
        """(status, body) of a control command."""
        self.command(command, **arguments)
        return self.result(seconds)

    def command(self, command, **arguments):
        self.request += 1
        self.send(frame('CONTROL', self.request, command, arguments))

    def result(self, seconds=None):
        _, _, status, body = self.expect('RESULT', seconds)
        return status, body


def text_id(raw):
    return str(uuid.UUID(bytes=raw))
