"""The broker's side of the wire over a real ROUTER, written from broker/wire/PROTOCOL.md."""

import os
import struct
import sys
import time
import uuid

import msgpack
import zmq

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import SECONDS  # noqa: E402

VERBS = {'HELLO': 1, 'WELCOME': 2, 'PING': 3, 'PONG': 4, 'BYE': 5, 'ERROR': 6, 'WHO': 7, 'CREDIT': 8,
         'PUBLISH': 10, 'STORED': 11, 'BUSY': 12, 'REJECTED': 13, 'DELIVER': 14, 'DELIVERED': 15, 'SETTLED': 16,
         'LIVE': 17, 'CONTROL': 30, 'RESULT': 31}
NAMES = {number: name for name, number in VERBS.items()}
HEAD = b'PV\x01\x00'


def frame(verb, *arguments):
    body = msgpack.packb(list(arguments), use_bin_type=True)
    return struct.pack('>BI', VERBS[verb], len(body)) + body


def frames(packet):
    assert packet[:3] == HEAD[:3], packet[:4]
    at, found = 4, []
    while at < len(packet):
        verb, size = struct.unpack_from('>BI', packet, at)
        at += 5
        found.append((NAMES[verb], msgpack.unpackb(packet[at:at + size], raw=False, strict_map_key=False)))
        at += size
    assert at == len(packet)
    return found


class Broker:
    """One peer at a time; `log` holds every frame that came, in order."""

    def __init__(self, endpoint, heartbeat_ms=200, timeout_ms=SECONDS * 1000):
        self.endpoint, self.heartbeat_ms, self.timeout_ms = endpoint, heartbeat_ms, timeout_ms
        self.context = zmq.Context()
        self.welcomes = True
        self.pongs = True
        self.results = {}  # command: (status, body); AUTH for what is not in it
        self.log, self.packets, self.peer = [], [], None
        self.open()

    def open(self):
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.socket.bind(self.endpoint)
        self.known = set()

    def close(self):
        self.socket.close()

    def restart(self):
        """A new process with nothing in memory, at the same address."""
        self.close()
        path = self.endpoint.removeprefix('ipc://')
        if os.path.exists(path):
            os.unlink(path)
        self.open()

    def end(self):
        self.close()
        self.context.term()

    def send(self, *packed, peer=None):
        self.socket.send_multipart([peer or self.peer, HEAD + b''.join(packed)])

    def answer(self, *packed, peer=None):
        """To what has just come; who left without waiting for it, as one does that ends, is not told."""
        try:
            self.send(*packed, peer=peer)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise

    def turn(self, wait_s):
        """Reads one packet, if one comes."""
        if not self.socket.poll(max(0, int(wait_s * 1000))):
            return
        peer, packet = self.socket.recv_multipart()
        found = frames(packet)
        self.packets.append(found)
        for verb, arguments in found:
            if verb == 'HELLO':
                self.known.add(peer)
                self.peer = peer
                if self.welcomes:
                    self.answer(frame('WELCOME', 'fake', self.heartbeat_ms, {'timeout_ms': self.timeout_ms}))
            elif peer not in self.known:
                self.answer(frame('WHO'), peer=peer)
                break
            elif verb == 'PING' and self.pongs:
                self.answer(frame('PONG'))
            elif verb == 'CONTROL':
                status, *parts = self.results.get(arguments[1], ('AUTH', {'text': 'not you'}))
                for part, body in enumerate(parts, 1):
                    self.answer(frame('RESULT', arguments[0], part < len(parts), status, body))
            self.log.append((verb, arguments))

    def expect(self, verb, matches=lambda arguments: True, within=SECONDS):
        """The next frame of this verb that matches; earlier frames are passed over."""
        deadline = time.monotonic() + within
        while True:
            while self.log:
                name, arguments = self.log.pop(0)
                if name == verb and matches(arguments):
                    return arguments
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f'no {verb} within {within} s')
            self.turn(min(left, 0.1))

    def reach(self):
        """The peer has read all that was sent to it until now."""
        self.send(frame('PING'))
        self.expect('PONG')

    def quiet(self, seconds):
        """Serves for a while and returns what came."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.turn(min(0.05, max(0.0, deadline - time.monotonic())))
        came, self.log = self.log, []
        return came


def envelope(session='probe_c1', reply_to=None, **more):
    """A chat.response's."""
    fields = {'id': uuid.uuid4().bytes, 'type': 'chat.response', 'platform': session.split('_')[0],
              'session_id': session, 'user_id': 'ann', 'timestamp': time.time_ns() // 1000, **more}
    if reply_to:
        fields['reply_to'] = reply_to
    return fields


def deliver(number, text, attempt=1, session='probe_c1', reply_to=None, reply=None, **body):
    """`reply`: the id of the reply; a new one when it is None."""
    packed = msgpack.packb({'response_text': text, **body}, use_bin_type=True)
    return frame('DELIVER', number, attempt, envelope(session, reply_to, **({'id': reply} if reply else {})), packed)
