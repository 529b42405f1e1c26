"""A WebSocket client (RFC 6455) for tests: blocking, with a deadline for every wait."""

import base64
import hashlib
import os
import re
import socket
import struct
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import SECONDS  # noqa: E402

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    def __init__(self, status, head, body):
        super().__init__(f'{status}: {head}\r\n\r\n{body}')
        self.status, self.body = status, body


class Closed(Exception):
    def __init__(self, code, reason=''):
        super().__init__(f'{code} {reason}')
        self.code, self.reason = code, reason


class WebSocket:
    def __init__(self, host, port, path, headers=None, seconds=SECONDS):
        self.seconds, self.bytes = seconds, b''
        self.line = socket.create_connection((host, port), seconds)
        key = base64.b64encode(os.urandom(16)).decode()
        fields = {'Host': f'{host}:{port}', 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Key': key,
                  'Sec-WebSocket-Version': '13', **(headers or {})}
        lines = [f'GET {path} HTTP/1.1', *(f'{name}: {value}' for name, value in fields.items())]
        self.line.sendall(('\r\n'.join(lines) + '\r\n\r\n').encode())
        head = self.head(time.monotonic() + seconds)
        status = int(head.split(' ')[1])
        if status != 101:
            body = self.body(head, time.monotonic() + seconds)
            self.line.close()
            raise Refused(status, head, body)
        accept = base64.b64encode(hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest())
        assert f'sec-websocket-accept: {accept.decode()}'.lower() in head.lower(), head
        self.head_text = head

    def head(self, until):
        while b'\r\n\r\n' not in self.bytes:
            self.more(until)
        head, _, self.bytes = self.bytes.partition(b'\r\n\r\n')
        return head.decode('latin-1')

    def body(self, head, until):
        size = int(re.search(r'(?i)^content-length: (\d+)', head, re.M)[1])
        while len(self.bytes) < size:
            self.more(until)
        return self.bytes[:size].decode()

    def more(self, until):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError('nothing came')
        self.line.settimeout(left)
        piece = self.line.recv(65536)
        if not piece:
            raise Closed(0, 'the connection ended')
        self.bytes += piece

    def send(self, text, kind=TEXT, final=True):
        data, mask = text.encode() if isinstance(text, str) else text, os.urandom(4)
        size = len(data)
        head = struct.pack('!B', (0x80 if final else 0) | kind)
        if size < 126:
            head += struct.pack('!B', 0x80 | size)
        elif size < 65536:
            head += struct.pack('!BH', 0x80 | 126, size)
        else:
            head += struct.pack('!BQ', 0x80 | 127, size)
        repeated = (mask * (size // 4 + 1))[:size]
        masked = (int.from_bytes(data, 'big') ^ int.from_bytes(repeated, 'big')).to_bytes(size, 'big')
        self.line.settimeout(self.seconds)
        self.line.sendall(head + mask + masked)

    def frame(self, until):
        """(kind, payload) of the next frame; the gateway sends each message in one, or in pieces."""
        while True:
            if len(self.bytes) >= 2:
                size, at = self.bytes[1] & 127, 2
                if size == 126 and len(self.bytes) >= 4:
                    size, at = struct.unpack_from('!H', self.bytes, 2)[0], 4
                elif size == 127 and len(self.bytes) >= 10:
                    size, at = struct.unpack_from('!Q', self.bytes, 2)[0], 10
                if size < 126 or at > 2:
                    if len(self.bytes) >= at + size:
                        first, payload = self.bytes[0], self.bytes[at:at + size]
                        self.bytes = self.bytes[at + size:]
                        return first & 15, bool(first & 0x80), payload
            self.more(until)

    def receive(self, seconds=None):
        """The next message; pings are answered. Raises Closed with the peer's code."""
        until, whole = time.monotonic() + (seconds or self.seconds), b''
        while True:
            kind, final, payload = self.frame(until)
            if kind == PING:
                self.send(payload, PONG)
            elif kind == CLOSE:
                code = struct.unpack_from('!H', payload)[0] if len(payload) >= 2 else 1005
                try:
                    self.send(payload[:2], CLOSE)
                except OSError:
                    pass
                raise Closed(code, payload[2:].decode())
            elif kind != PONG:
                whole += payload
                if final:
                    return whole.decode()

    def close(self):
        self.line.close()
