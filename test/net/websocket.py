"""A strict WebSocket peer (RFC 6455) on blocking sockets, for either side; written from the RFC alone."""

import base64
import hashlib
import os
import socket
import ssl
import struct
import sys
import time

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from patience import SECONDS  # noqa: E402

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


class Violation(Exception):
    """The other side broke the protocol."""


class Closed(Exception):
    def __init__(self, code, reason=''):
        super().__init__(f'closed with {code} {reason}')
        self.code, self.reason = code, reason


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def read_head(line):
    """(first line, {lower-case name: value})"""
    head = b''
    while not head.endswith(b'\r\n\r\n'):
        byte = line.recv(1)
        if not byte:
            raise ConnectionResetError('closed within a head: ' + repr(head))
        head += byte
    first, *rest = head.decode('latin-1').split('\r\n')[:-2]
    pairs = [one.split(':', 1) for one in rest]
    return first, {name.lower(): value.strip() for name, value in pairs}


class Peer:
    """An open WebSocket. `masks`: we are the client."""

    def __init__(self, line, masks):
        self.line, self.masks, self.pings = line, masks, 0
        self.answers_pings = True

    def frame(self, opcode, data=b'', fin=True, rsv=0, mask=None, size=None):
        mask = self.masks if mask is None else mask
        size = len(data) if size is None else size
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        flag = 0x80 if mask else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 65536:
            head += bytes([flag | 126]) + struct.pack('>H', size)
        else:
            head += bytes([flag | 127]) + struct.pack('>Q', size)
        if mask:
            key = os.urandom(4)
            head += key
            whole = int.from_bytes((key * (len(data) // 4 + 1))[:len(data)], 'big')
            data = (int.from_bytes(data, 'big') ^ whole).to_bytes(len(data), 'big') if data else b''
        return head + data

    def send(self, data, fragments=1):
        opcode = TEXT if isinstance(data, str) else BINARY
        data = data.encode() if isinstance(data, str) else data
        step = max(1, -(-len(data) // fragments))
        pieces = [data[at:at + step] for at in range(0, len(data), step)] or [b'']
        for at, piece in enumerate(pieces):
            self.line.sendall(self.frame(CONTINUATION if at else opcode, piece, fin=at == len(pieces) - 1))

    def exactly(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.line.recv(min(size - len(data), 1 << 16))
            if not piece:
                raise Closed(1006, f'after {len(data)} of {size} bytes')
            data += piece
        return bytes(data)

    def read_frame(self):
        first, second = self.exactly(2)
        opcode, size = first & 15, second & 127
        if first & 0x70:
            raise Violation('reserved bits')
        if bool(second & 0x80) == self.masks:
            raise Violation('masked' if self.masks else 'not masked')
        if size == 126:
            size = struct.unpack('>H', self.exactly(2))[0]
            if size < 126:
                raise Violation('a length that is not the shortest')
        elif size == 127:
            size = struct.unpack('>Q', self.exactly(8))[0]
            if size < 65536:
                raise Violation('a length that is not the shortest')
        if opcode >= 8 and (size > 125 or not first & 0x80):
            raise Violation('a control frame that is long or fragmented')
        key = self.exactly(4) if second & 0x80 else None
        data = self.exactly(size)
        if key:
            data = bytes(byte ^ key[at & 3] for at, byte in enumerate(data))
        return bool(first & 0x80), opcode, data

    def receive(self, timeout=SECONDS):
        """The next message, str or bytes. Pings are answered; a close is answered and raised."""
        self.line.settimeout(timeout)
        kind, data = None, b''
        while True:
            fin, opcode, piece = self.read_frame()
            if opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.line.sendall(self.frame(PONG, piece))
            elif opcode == PONG:
                self.pong = piece
            elif opcode == CLOSE:
                self.on_close(piece)
            elif opcode in (TEXT, BINARY) and kind is None or opcode == CONTINUATION and kind is not None:
                kind = kind or opcode
                data += piece
                if fin:
                    return data.decode() if kind == TEXT else data
            else:
                raise Violation(f'opcode {opcode} here')

    def on_close(self, piece):
        if len(piece) == 1:
            raise Violation('a close with half a code')
        code = struct.unpack('>H', piece[:2])[0] if piece else 1005
        if code in (1004, 1005, 1006, 1015) and piece or code < 1000:
            raise Violation(f'close code {code}')
        try:
            self.line.sendall(self.frame(CLOSE, piece[:2]))
        except OSError:
            pass
        raise Closed(code, piece[2:].decode())

    def close(self, code=1000, reason=''):
        """Says goodbye and waits for the answer: its code."""
        self.line.sendall(self.frame(CLOSE, struct.pack('>H', code) + reason.encode()))
        while True:
            fin, opcode, piece = self.read_frame()
            if opcode == CLOSE:
                self.line.close()
                return struct.unpack('>H', piece[:2])[0] if piece else 1005


def connect(port, path='/socket', protocols=None, headers='', tls=None, host='127.0.0.1', receive_bytes=None,
            early=b''):
    """A client's side of the handshake: (Peer, headers), or (status, headers) when it is refused."""
    line = socket.socket()
    if receive_bytes:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    line.settimeout(SECONDS)
    line.connect((host, port))
    if tls:
        line = tls.wrap_socket(line, server_hostname='localhost')
    key = base64.b64encode(os.urandom(16)).decode()
    asked = f'Sec-WebSocket-Protocol: {protocols}\r\n' if protocols else ''
    line.sendall((f'GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                  f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{asked}{headers}\r\n').encode() + early)
    first, got = read_head(line)
    status = int(first.split()[1])
    if status != 101:
        line.close()
        return status, got
    assert got['upgrade'].lower() == 'websocket' and 'upgrade' in got['connection'].lower()
    assert got['sec-websocket-accept'] == accept_of(key)
    assert 'sec-websocket-extensions' not in got
    return Peer(line, True), got


def accept(line, protocol=None, status=None, spoil=False):
    """A server's side: (Peer, path, headers)."""
    line.settimeout(SECONDS)
    first, got = read_head(line)
    method, path, version = first.split()
    assert (method, version) == ('GET', 'HTTP/1.1'), first
    assert got['upgrade'].lower() == 'websocket' and 'upgrade' in got['connection'].lower(), got
    assert got['sec-websocket-version'] == '13' and len(base64.b64decode(got['sec-websocket-key'])) == 16
    if status:
        line.sendall(f'HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno'.encode())
        return None, path, got
    answer = accept_of('wrong' if spoil else got['sec-websocket-key'])
    chosen = f'Sec-WebSocket-Protocol: {protocol}\r\n' if protocol else ''
    line.sendall((f'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                  f'Sec-WebSocket-Accept: {answer}\r\n{chosen}\r\n').encode())
    return Peer(line, False), path, got
