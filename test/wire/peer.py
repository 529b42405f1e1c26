"""The broker's side of the wire, played by a script: a ROUTER, a codec and a worker process.

Written on its own, not with agents/sdk/palaver.py, so that a mistake there does not hide itself."""

import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

import msgpack
import zmq

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import SECONDS, at_best  # noqa: E402, F401

VERBS = dict(HELLO=1, WELCOME=2, PING=3, PONG=4, BYE=5, ERROR=6, WHO=7, CREDIT=8, LIVE=17, JOB=20,
             REPLY=21, COMMITTED=22, NACK=23, STEP=24, STEP_SAVED=25, CANCEL=26, CALL=27, ANSWER=28,
             CALL_CANCEL=29)
NAMES = {number: name for name, number in VERBS.items()}
HEARTBEAT_MS = 100
TIMEOUT_MS = 1000


class Unexpected(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Unexpected(text)


def frame(verb, *arguments):
    body = msgpack.packb(list(arguments), use_bin_type=True)
    return struct.pack('>BI', VERBS[verb], len(body)) + body


def packet(*frames, version=(1, 2)):
    return b'PV' + bytes(version) + b''.join(frames)


def envelope(number=1):
    return {'id': bytes([number]) * 16, 'type': 'chat.message', 'platform': 'web', 'session_id': 'web_42',
            'user_id': 'Jörg', 'timestamp': 1790000000000000 + number}


def job(lease, text, attempt=1, deadline_ms=10000, history=(), state=None, steps=None, batch=None, more=()):
    body = msgpack.packb({'message_text': text})
    return frame('JOB', lease, attempt, deadline_ms, envelope(), body, list(history),
                 msgpack.packb(state or {}), steps or {}, batch, *more)


def unpack(data):
    """The frames of a packet as (verb, arguments); strict about everything a peer sends."""
    check(data[:4] == b'PV\1\2', f'not a packet of version 1.2: {data[:8]!r}')
    at, frames = 4, []
    while at < len(data):
        check(len(data) - at >= 5, 'a frame without a whole head')
        number, size = struct.unpack_from('>BI', data, at)
        check(number in NAMES, f'verb {number}')
        check(len(data) - at - 5 >= size, 'a frame beyond its packet')
        arguments = msgpack.unpackb(data[at + 5:at + 5 + size], strict_map_key=False)
        check(isinstance(arguments, list), 'arguments that are no array')
        frames.append((NAMES[number], arguments))
        at += 5 + size
    return frames


class Broker:
    """A ROUTER that a script drives. Frames come one by one, PINGs are answered and counted."""

    def __init__(self, curve=False):
        self.dir = tempfile.mkdtemp(prefix='plv-wire-')
        self.endpoint = f'ipc://{self.dir}/agents.ipc'
        self.gate = f'{self.dir}/gate'     # "hold PATH" is at work until it is open
        self.keys = self.make_keys() if curve else {}
        self.environment = {}
        self.context = zmq.Context()
        self.router = None
        self.waiting = []   # (peer, verb, arguments)
        self.packets = 0
        self.pings = []     # when
        self.silent = False
        self.bind()

    def bind(self):
        self.router = self.context.socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        if not self.keys:
            self.router.bind(self.endpoint)
            self.environment['PALAVER_AGENTS'] = self.endpoint
            return
        self.router.curve_server = True
        self.router.curve_secretkey = self.keys['broker'][1]
        port = self.router.bind_to_random_port('tcp://127.0.0.1')
        self.environment = {'PALAVER_AGENTS': f'tcp://127.0.0.1:{port}', 'PALAVER_CERT': f'{self.dir}/worker_secret',
                            'PALAVER_BROKER_CERT': f'{self.dir}/broker'}

    def make_keys(self):
        """Key files as `palaver keys new` and czmq write them."""
        keys = {name: zmq.curve_keypair() for name in ('broker', 'worker')}
        for name, (public, secret) in keys.items():
            for path, more in ((name, ''), (f'{name}_secret', f'    secret-key = "{secret.decode()}"\n')):
                with open(f'{self.dir}/{path}', 'w') as file:
                    os.fchmod(file.fileno(), 0o600)
                    file.write(f'#   a test\nmetadata\n    name = "{name}"\ncurve\n'
                               f'    public-key = "{public.decode()}"\n{more}')
        return keys

    def unbind(self):
        self.router.close()
        self.waiting = []

    def close(self):
        if not self.router.closed:
            self.router.close()
        self.context.term()
        for name in os.listdir(self.dir):
            os.unlink(f'{self.dir}/{name}')
        os.rmdir(self.dir)

    def open_gate(self):
        open(self.gate, 'w').close()

    def send(self, peer, *frames, raw=None):
        self.router.send_multipart([peer, raw if raw is not None else packet(*frames)])

    def poll(self, seconds):
        """One packet into `waiting`; False when none came."""
        if not self.router.poll(max(0, int(seconds * 1000))):
            return False
        parts = self.router.recv_multipart()
        check(len(parts) == 2, f'a message of {len(parts) - 1} parts')
        self.packets += 1
        for verb, arguments in unpack(parts[1]):
            if verb == 'PING':
                self.pings.append(time.monotonic())
                if not self.silent:
                    self.send(parts[0], frame('PONG'))
            else:
                self.waiting.append((parts[0], verb, arguments))
        return True

    def next(self, seconds=SECONDS):
        """The next frame that is no PING."""
        until = time.monotonic() + seconds
        while not self.waiting:
            left = until - time.monotonic()
            check(left > 0 and (self.poll(left) or time.monotonic() < until), f'nothing came in {seconds} s')
        return self.waiting.pop(0)

    def expect(self, verb, seconds=SECONDS):
        peer, got, arguments = self.next(seconds)
        check(got == verb, f'{got} {arguments} instead of {verb}')
        return peer, arguments

    def nothing(self, seconds):
        """Nothing but PINGs for this long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.poll(until - time.monotonic())
            check(not self.waiting, f'{self.waiting[:1]} instead of nothing')

    def welcome(self, peer, heartbeat_ms=HEARTBEAT_MS, timeout_ms=TIMEOUT_MS):
        self.send(peer, frame('WELCOME', '0.1.0', heartbeat_ms, {'timeout_ms': timeout_ms, 'later': [1]}))

    def accept(self, **times):
        """HELLO and WELCOME; the peer and what it said."""
        peer, hello = self.expect('HELLO')
        self.welcome(peer, **times)
        return peer, hello


class Worker:
    def __init__(self, command, broker, threads=1, credit=1, batch=0):
        # Who reads it does not move who writes it.
        append = os.O_TMPFILE | os.O_RDWR | os.O_APPEND
        self.errors = open(os.open(tempfile.gettempdir(), append, 0o600), 'r+b')
        self.environment = broker.environment
        suppressions = f':suppressions={os.path.dirname(os.path.abspath(__file__))}/tsan.supp'
        environment = dict(os.environ, **broker.environment,
                           TSAN_OPTIONS=os.environ.get('TSAN_OPTIONS', '') + suppressions)
        self.process = subprocess.Popen([*command, str(threads), str(credit), str(batch)], env=environment,
                                        stdin=subprocess.DEVNULL, stderr=self.errors)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def exit(self, seconds=SECONDS):
        """The exit code and what stands on stderr."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Unexpected(f'still running after {seconds} s') from None
        return code, self.text()

    def says(self, words, seconds=SECONDS, times=1):
        """Waits until the words stand on stderr."""
        until = time.monotonic() + seconds
        while self.text().count(words) < times:
            check(time.monotonic() < until, f'{words!r} was not said')
            time.sleep(0.01)

    def text(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()
