"""The wire of a Palaver worker: packets, frames, and the checks of what goes into them; see broker/wire/PROTOCOL.md.

For palaver.py, which stands beside this file and is what a worker imports."""

from __future__ import annotations

import os
import re
import struct
import uuid
from typing import Any, Dict, Iterator, List, Optional, Tuple

import msgpack

MAJOR, MINOR = 1, 1
PACKET_BYTES_MAX = 8388608
PACKET_BYTES_FULL = 32768
BODY_BYTES_MAX = 1048576
STATE_BYTES_MAX = 262144
STEP_BYTES_MAX = 262144
NAME_BYTES_MAX = 64
KEY_BYTES_MAX = 255
CALL_BYTES_MAX = 2621440
REASON_BYTES_MAX = 1024
LIVE_BYTES_MAX = 65536
DEPTH_MAX = 32

NUMBERS = {'HELLO': 1, 'PING': 3, 'PONG': 4, 'BYE': 5, 'CREDIT': 8, 'LIVE': 17, 'REPLY': 21, 'NACK': 23, 'STEP': 24,
           'CALL': 27}

# What a broker may say to a worker: name, largest body, argument types, whether only after WELCOME.
FROM_BROKER = {
    2: ('WELCOME', 4096, 'sum', False),
    3: ('PING', 16, '', True),
    4: ('PONG', 16, '', True),
    5: ('BYE', 2048, 's', False),
    6: ('ERROR', 2048, 'sss', False),
    7: ('WHO', 16, '', False),
    17: ('LIVE', 65536, 'mb', True),
    20: ('JOB', 4194304, 'uuumbabmMM', True),
    22: ('COMMITTED', 1048576, 'a', True),
    25: ('STEP_SAVED', 256, 'us', True),
    26: ('CANCEL', 2048, 'uss', True),
    28: ('ANSWER', 2097152, 'uusBSS', True),
}
EXIT_CODES = {'ARG': 64, 'NOMEM': 71, 'VERSION': 76, 'PROTOCOL': 76, 'AUTH': 77, 'PERM': 77}

Body = Dict[str, Any]


class Refused (Exception):
    """The worker cannot go on: `code` is an error's name, the text is for a person."""

    def __init__ (self, code: str, text: str) -> None:
        super ().__init__ (text)
        self.code = code

    @property
    def exit_code (self) -> int:
        return EXIT_CODES.get (self.code, 69)


def pack (value: Any) -> bytes:
    packed: bytes = msgpack.packb (value, use_bin_type=True)
    return packed


def unpack (data: bytes) -> Any:
    return msgpack.unpackb (data, strict_map_key=False)


def frame (verb: str, *arguments: Any) -> bytes:
    body = pack (list (arguments))
    return struct.pack ('>BI', NUMBERS[verb], len (body)) + body


def has_kind (kind: str, value: Any) -> bool:
    if kind.isupper ():
        return value is None or has_kind (kind.lower (), value)
    if kind == 'u':
        return isinstance (value, int) and not isinstance (value, bool) and value >= 0
    return isinstance (value, {'t': bool, 's': str, 'b': bytes, 'm': dict, 'a': list}[kind])


def parse (packet: bytes) -> Iterator[Tuple[str, List[Any], bool]]:
    """The frames of a packet: name, arguments, whether only after WELCOME. Refused when it is none."""
    if len (packet) < 4 or packet[:2] != b'PV':
        raise Refused ('PROTOCOL', f'not a packet: {len (packet)} bytes that do not begin with "PV" and a version')
    if packet[2] != MAJOR:
        who = 'this worker' if packet[2] > MAJOR else 'the broker'
        raise Refused ('VERSION', f'the broker speaks wire version {packet[2]}.{packet[3]} and this worker '
                                  f'{MAJOR}.{MINOR}: upgrade {who}')
    at = 4
    while at < len (packet):
        if len (packet) - at < 5:
            raise Refused ('PROTOCOL', f'frame at byte {at}: its head is cut off')
        number, size = struct.unpack_from ('>BI', packet, at)
        if number not in FROM_BROKER:
            raise Refused ('PROTOCOL', f'frame at byte {at}: a broker does not say verb {number} to a worker')
        name, most, kinds, late = FROM_BROKER[number]
        if size > most or size > len (packet) - at - 5:
            raise Refused ('PROTOCOL', f'frame at byte {at}: {name} of {size} bytes')
        try:
            arguments = unpack (packet[at + 5:at + 5 + size])
        except Exception as problem:
            raise Refused ('PROTOCOL', f'frame at byte {at}: {name}: {problem}') from None
        least = len (kinds.rstrip ('UTSBMA'))
        if not isinstance (arguments, list) or len (arguments) < least:
            raise Refused ('PROTOCOL', f'frame at byte {at}: {name} needs an array of {least} arguments')
        arguments += [None] * (len (kinds) - len (arguments))
        for index, kind in enumerate (kinds):
            if not has_kind (kind, arguments[index]):
                raise Refused ('PROTOCOL', f'frame at byte {at}: {name}: argument {index + 1} has the wrong type')
        yield name, arguments, late
        at += 5 + size


def depth (value: Any, left: int = DEPTH_MAX) -> bool:
    if isinstance (value, (list, tuple)):
        return left > 0 and all (depth (item, left - 1) for item in value)
    if isinstance (value, dict):
        return left > 0 and all (depth (item, left - 1) for item in value.values ())
    return True


def check_text (text: str, what: str, most: int = NAME_BYTES_MAX) -> str:
    if not isinstance (text, str) or not 0 < len (text.encode ()) <= most:
        raise ValueError (f'{what} must be 1 to {most} bytes of UTF-8')
    return text


def check_name (text: str, what: str) -> str:
    if not isinstance (text, str) or not re.fullmatch (r'[a-zA-Z0-9._-]{1,64}', text):
        raise ValueError (f'{what} is called {text!r}: a name has 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes '
                          'and underscores')
    return text


def uuid7 (now_us: int) -> bytes:
    random_bits = uuid.uuid4 ().int
    value = (now_us // 1000 & (1 << 48) - 1) << 80 | random_bits & (1 << 80) - 1
    return (value & ~(0xf << 76) | 0x7 << 76).to_bytes (16, 'big')


def read_keys (path: str, secret: bool) -> Tuple[bytes, Optional[bytes]]:
    import zmq.auth
    try:
        public, private = zmq.auth.load_certificate (path)
    except (OSError, ValueError) as problem:
        raise Refused ('NOENT', f'{path}: {problem}') from None
    if secret and not private:
        raise Refused ('SYNTAX', f'{path}: has no secret-key; make one with: palaver keys new NAME')
    return public, private


def default_endpoint () -> str:
    run = os.environ.get ('XDG_RUNTIME_DIR')
    endpoint = os.environ.get ('PALAVER_AGENTS') or (run and f'ipc://{run}/palaver/agents.ipc')
    if not endpoint:
        raise Refused ('ARG', 'no endpoint: give one, or set PALAVER_AGENTS')
    return endpoint
