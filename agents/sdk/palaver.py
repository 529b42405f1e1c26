"""A Palaver worker in Python: one file, on pyzmq and msgpack, written from broker/wire/PROTOCOL.md.

    import palaver

    def answer (job):
        return 'You said: ' + job.text

    palaver.main (palaver.Worker (name='hello', services=['advisor']), answer)

A handler gets a Job and returns a text, the body of a chat.response (a dict with `response_text`), or None after it has
called job.reply or job.nack itself. It may raise Nack; any other exception gives the job back as general_error.
A handler that is `async def` runs on an event loop in the calling thread, up to `threads` of them at a time, and awaits
job.step_async and job.call_async: job.step and job.call would hold up the others, and are refused there. With `batch`
the handler gets a list of jobs, and each is answered with job.reply or job.nack.

The connection has a thread of its own: a handler that blocks does not stop the heartbeats (as long as it lets other
Python threads run). While the broker is away handlers go on, and their answers are kept and delivered later.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import inspect
import os
import random
import re
import signal
import struct
import sys
import threading
import time
import traceback
import uuid
from typing import Any, Awaitable, Callable, Deque, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Union

import msgpack
import zmq.auth

__all__ = ['Worker', 'Job', 'Turn', 'Nack', 'Cancelled', 'CallFailed', 'Refused', 'run', 'main']

MAJOR, MINOR = 1, 2
PACKET_BYTES_MAX, PACKET_BYTES_FULL = 8388608, 32768
BODY_BYTES_MAX, CALL_BYTES_MAX, REASON_BYTES_MAX = 1048576, 2621440, 1024
STATE_BYTES_MAX = STEP_BYTES_MAX = 262144
NAME_BYTES_MAX, KEY_BYTES_MAX, DEPTH_MAX = 64, 255, 32
LIVE_BYTES_MAX, LIVE_BACKLOG, DELTA_CHARACTERS = 65536, 1000, 8192

NUMBERS = {'HELLO': 1, 'PING': 3, 'PONG': 4, 'BYE': 5, 'CREDIT': 8, 'LIVE': 17, 'REPLY': 21, 'NACK': 23, 'STEP': 24,
           'CALL': 27, 'CALL_CANCEL': 29}

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
    22: ('COMMITTED', 1048576, 'n', True),
    25: ('STEP_SAVED', 256, 'us', True),
    26: ('CANCEL', 2048, 'uss', True),
    28: ('ANSWER', 2097152, 'uusBSS', True),
}

EXIT_CODES = {'ARG': 64, 'NOMEM': 71, 'VERSION': 76, 'PROTOCOL': 76, 'AUTH': 77, 'PERM': 77}

WELCOME_WAIT_S, WELCOME_WAIT_MAX_S = 1.0, 8.0  # doubles: a HELLO may have gone to a broker that died with it
DRAIN_WAIT_S, BATCH_PATIENCE_S, QUICK_S = 10.0, 0.25, 0.001
BYE_PAUSE_S, PAUSE_MAX_S, HOUR_MS, FAR_MS = 1.0, 30.0, 3600000, 2**40   # far: what a wait can still be told
MINOR_OF_CALLS, MINOR_OF_CALL_CANCEL = 1, 2

NACK_CODES = ('general_error', 'data_unavailable', 'llm_unavailable', 'timeout')

Body = Dict[str, Any]
Answer = Union[str, Body, None]
Handler = Callable[[Any], Union[Answer, Awaitable[Answer]]]

_pack: Callable[[Any], bytes] = msgpack.packb


class Refused (Exception):
    """The worker cannot go on: `code` is an error's name, the text is for a person."""

    def __init__ (self, code: str, text: str) -> None:
        super ().__init__ (text)
        self.code = code

    @property
    def exit_code (self) -> int:
        return EXIT_CODES.get (self.code, 69)


def _words (given: Any) -> str:
    """Of whatever stands for a reason, as UTF-8 that is short enough. It never fails: it is about a failure."""
    try:
        text = '' if given is None else str (given)
    except Exception:
        text = f'a {type (given).__name__} that cannot say what it is'
    return text.encode ('utf-8', 'replace')[:REASON_BYTES_MAX].decode ('utf-8', 'ignore')


class Nack (Exception):
    """Raised by a handler that could not: `code` chooses the text that the user gets when no attempt is left."""

    def __init__ (self, code: str = 'general_error', reason: str = '', *, delay_ms: Optional[int] = None,
                  permanent: bool = False) -> None:
        if code not in NACK_CODES:
            raise ValueError (f'{code} is not one of {", ".join (NACK_CODES)}')
        self.code, self.reason, self.permanent = code, _words (reason), bool (permanent)
        self.delay_ms = None if delay_ms is None else int (max (0, min (delay_ms, 2**53)))
        super ().__init__ (self.reason or code)


class Cancelled (Exception):
    """The broker has taken the job back; `code` says why."""

    def __init__ (self, code: str) -> None:
        super ().__init__ (f'the job was taken back: {code}')
        self.code = code


class CallFailed (Exception):
    """A call to another service had no answer. `outcome`: nack, bad_reply, timeout, unserved, lost, busy, refused
    or cancelled (by `cancel_calls`); `code` and `reason`: what that agent, or the broker, said."""

    def __init__ (self, outcome: str, code: str = '', reason: str = '') -> None:
        super ().__init__ (f'the call ended with {outcome}: {reason or code}')
        self.outcome, self.code, self.reason = outcome, code, reason


class _Call:
    """A call under way: kept until its answer is there."""

    def __init__ (self, frame: bytes, wake: Callable[[], Any]) -> None:
        self.frame, self.wake = frame, wake
        self.verdict: Optional[Tuple[str, Optional[bytes], str, str]] = None

    def end (self, outcome: str, body: Optional[bytes], code: Optional[str], reason: Optional[str]) -> None:
        self.verdict = (outcome, body, code or '', reason or '')
        self.wake ()


class _Step:
    """A step under way: kept until the broker has it on disk."""

    def __init__ (self, name: str, result: bytes, frame: bytes, wake: Callable[[], Any]) -> None:
        self.name, self.result, self.frame, self.wake = name, result, frame, wake
        self.saved = False


class Turn (collections.namedtuple ('Turn', 'role text timestamp')):
    """One message of the history: role 'user' or 'assistant', its text, microseconds since 1970."""


def _key (given: Any) -> Any:
    return tuple (map (_key, given)) if isinstance (given, list) else given


def _unpack (data: bytes) -> Any:
    try:
        return msgpack.unpackb (data, strict_map_key=False)
    except TypeError:       # a key is an array, which a tuple has become
        return msgpack.unpackb (data, strict_map_key=False,
                                object_pairs_hook=lambda pairs: {_key (key): value for key, value in pairs})


def _unpack_part (data: bytes) -> Any:
    """Of a job. In place of what Python cannot hold (an extension of a wrong length, a map as a key) the problem."""
    try:
        return _unpack (data)
    except Exception as problem:
        return problem


def _unpack_job (data: bytes) -> Any:
    """Its arguments, each by itself when they cannot be unpacked together: what is wrong with one is not the frame."""
    with contextlib.suppress (Exception):
        return _unpack (data)
    cut, arguments = msgpack.Unpacker (), []
    cut.feed (data)
    for _ in range (cut.read_array_header ()):
        begin = cut.tell ()
        cut.skip ()
        arguments.append (_unpack_part (data[begin:cut.tell ()]))
    if cut.tell () < len (data):
        raise ValueError ('bytes behind its arguments')
    return arguments


def _frame (verb: str, *arguments: Any) -> bytes:
    body = _pack (list (arguments))
    return struct.pack ('>BI', NUMBERS[verb], len (body)) + body


def _has_kind (kind: str, value: Any) -> bool:
    if kind.isupper ():
        return value is None or _has_kind (kind.lower (), value)
    if kind == 'n':     # an array of unsigned numbers
        return isinstance (value, list) and all (_has_kind ('u', one) for one in value)
    if kind == 'u':
        return isinstance (value, int) and not isinstance (value, bool) and value >= 0
    return isinstance (value, {'s': str, 'b': bytes, 'm': (dict, Exception), 'a': (list, Exception)}[kind])


def _parse (packet: bytes) -> Iterator[Tuple[str, List[Any], bool]]:
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
            arguments = (_unpack_job if name == 'JOB' else _unpack) (packet[at + 5:at + 5 + size])
        except Exception as problem:
            raise Refused ('PROTOCOL', f'frame at byte {at}: {name}: {problem}') from None
        least = len (kinds.rstrip ('UTSBMA'))
        if not isinstance (arguments, list) or len (arguments) < least:
            raise Refused ('PROTOCOL', f'frame at byte {at}: {name} needs an array of {least} arguments')
        arguments += [None] * (len (kinds) - len (arguments))
        for index, kind in enumerate (kinds):
            if not _has_kind (kind, arguments[index]):
                raise Refused ('PROTOCOL', f'frame at byte {at}: {name}: argument {index + 1} has the wrong type')
        yield name, arguments, late
        at += 5 + size


def _is_flat (value: Any, left: int = DEPTH_MAX) -> bool:
    items = [*value, *value.values ()] if isinstance (value, dict) else value
    return not isinstance (value, (list, tuple, dict)) or left > 0 and all (_is_flat (item, left - 1) for item in items)


def _packed (value: Any, what: str, most: int) -> bytes:
    packed = _pack (value) if _is_flat (value) else b''
    if not 0 < len (packed) <= most:
        raise ValueError (f'{what} has at most {most} bytes, and at most {DEPTH_MAX} levels')
    return packed


def _check_text (text: str, what: str, most: int = NAME_BYTES_MAX) -> str:
    if not isinstance (text, str) or not 0 < len (text.encode ()) <= most:
        raise ValueError (f'{what} must be 1 to {most} bytes of UTF-8')
    return text


def _check_name (text: str, what: str) -> str:
    if not isinstance (text, str) or not re.fullmatch (r'[a-zA-Z0-9._-]{1,64}', text):
        raise ValueError (f'{what} is called {text!r}: a name has 1 to {NAME_BYTES_MAX} letters, digits, dots, dashes '
                          'and underscores')
    return text


def _uuid7 (now_us: int) -> bytes:
    value = (now_us // 1000 & (1 << 48) - 1) << 80 | uuid.uuid4 ().int & (1 << 80) - 1
    return (value & ~(0xf << 76) | 0x7 << 76).to_bytes (16, 'big')


def _read_keys (path: str, secret: bool) -> Tuple[bytes, bytes]:
    try:
        with open (path, 'rb') as file:     # zmq calls one that is not there invalid
            info, (public, private) = os.fstat (file.fileno ()), zmq.auth.load_certificate (path)
    except (OSError, ValueError) as problem:
        code = 'PERM' if isinstance (problem, PermissionError) else 'NOENT'
        raise Refused (code, f'{path}: {getattr (problem, "strerror", None) or problem}') from None
    if secret and not private:
        raise Refused ('SYNTAX', f'{path}: has no secret-key; make one with: palaver keys new NAME')
    if secret and info.st_uid == os.geteuid () and info.st_mode & 0o077:    # another user's is theirs to close
        raise Refused ('PERM', f'{path}: others may read it: chmod 600 {path}')
    return public, private or b''


def _default_endpoint () -> str:
    run = os.environ.get ('XDG_RUNTIME_DIR')
    endpoint = os.environ.get ('PALAVER_AGENTS') or (run and f'ipc://{run}/palaver/agents.ipc')
    if not endpoint:
        raise Refused ('ARG', 'no endpoint: give one, or set PALAVER_AGENTS')
    return endpoint


class Job:
    """One attempt at an event. Belongs to its handler until that returns."""

    def __init__ (self, worker: 'Worker', arguments: List[Any]) -> None:
        lease, attempt, deadline_ms, envelope, body, history, state, steps, batch, options = arguments[:10]
        self._worker, self._lease = worker, lease
        self._begun, self._deltas = 0.0, 0
        self._arrived = time.monotonic ()
        self._deadline = self._arrived + min (deadline_ms, FAR_MS) / 1000
        self._changes: Body = {}
        self._interrupt: Optional[Callable[[], Any]] = None     # ends the `await` of a handler that is async
        # Below with the worker's lock held.
        self._running = self._over = False
        self.answered = False       #: by reply or nack
        self._kept: Optional[bytes] = None
        self._unsaved: List[_Step] = []
        self._calls: Dict[int, _Call] = {}
        self._called = 0
        self._ended: Dict[int, int] = {}    # calls that were ended, and how many there were then
        self._cancel: Optional[str] = None
        self.attempt: int = attempt                 #: 1, 2, ...
        body, state = _unpack_part (body), _unpack_part (state or b'\x80')
        parts = {'envelope': envelope, 'body': body, 'history': history, 'state': state, 'steps': steps, 'batch': batch,
                 'options': options}
        self._flaw = next ((_words (f'the {part} of the job cannot be read: {type (problem).__name__}: {problem}')
                            for part, problem in parts.items () if isinstance (problem, Exception)), '')
        if self._flaw:
            return      # no handler gets it
        self._steps: Dict[str, bytes] = dict (steps)
        self.batch: Body = batch or {}
        self.trial: bool = (options or {}).get ('trial') is True    #: only an operator sees it: do nothing in the world
        self.service: str = str ((options or {}).get ('service') or '')     #: which one is asked; '': an event
        self.envelope: Body = envelope              #: id, type, platform, session_id, ...
        self.body: Body = body                      #: message_text, metadata, attachments
        self.state: Body = state                    #: the session's state, as it was
        texts = [envelope.get (key) for key in ('session_id', 'user_id', 'platform', 'type')]
        if len (envelope.get ('id') or b'') != 16 or not all (isinstance (text, str) for text in texts) or not all (
                isinstance (turn, dict) for turn in history):
            raise Refused ('PROTOCOL', 'JOB: its envelope or its history is not whole')
        self.history: List[Turn] = [Turn (turn.get ('role', ''), turn.get ('text', ''), turn.get ('timestamp', 0))
                                    for turn in history]
        self.session_id, self.user_id, self.platform = texts[:3]

    @property
    def text (self) -> str:
        """message_text, or an empty text."""
        text = self.body.get ('message_text')
        return text if isinstance (text, str) else ''

    @property
    def left_s (self) -> float:
        """Seconds until the job's deadline; negative behind it."""
        return float (self._deadline - time.monotonic ())

    @property
    def cancelled (self) -> str:
        """Why the broker took the job back (its deadline, a newer message), or ''. A long handler looks now and
        then and returns; one that is `async def` is cancelled at its `await`."""
        return self._cancel or ''

    def set_state (self, key: str, value: Any) -> None:
        """Kept together with the reply, or not at all. None removes the key."""
        changes = {**self._changes, _check_text (key, 'a state key', KEY_BYTES_MAX): value}
        _packed (changes, 'a state', STATE_BYTES_MAX)
        self._changes = changes

    def reply (self, answer: Union[str, Body]) -> None:
        """A text, or the body of a chat.response. Returns when it is on its way; it is repeated until the broker has
        it on disk. ValueError: no such body, or answered before."""
        body = {'response_text': answer} if isinstance (answer, str) else answer
        if not isinstance (body, dict) or not isinstance (body.get ('response_text'), str):
            raise ValueError (f'a response is a text, or a dict with response_text, and no {type (answer).__name__}')
        said = _packed (body, 'a response', BODY_BYTES_MAX)
        self._finish (_frame ('REPLY', self._lease, said, {'state': _pack (self._changes)} if self._changes else None))

    def nack (self, code: str = 'general_error', reason: str = '', *, delay_ms: Optional[int] = None,
              permanent: bool = False) -> None:
        """I could not: try again, after `delay_ms` if that is given, or never."""
        self._nack (Nack (code, reason, delay_ms=delay_ms, permanent=permanent))

    def _nack (self, given: Nack) -> None:
        self._finish (_frame ('NACK', self._lease, given.permanent, given.delay_ms, given.code, given.reason))

    def _finish (self, frame: bytes) -> None:
        with self._worker._lock:
            if self.answered:
                raise ValueError ('the job is answered already')
            self.answered, self._kept = True, frame
            self._worker._put (self, frame)
            if time.monotonic () - self._begun >= QUICK_S:
                self._worker._wake ()

    def _may_wait (self, name: str) -> None:
        """One `async def` handler that waits without `await` holds up all others, perhaps the one that it waits for."""
        if self._worker._loop_thread == threading.get_ident ():
            raise RuntimeError (f'job.{name} would hold up every job of a handler that is async def: '
                                f'await job.{name}_async (...) instead')

    def _wait_for (self, is_done: Callable[[], bool]) -> None:
        """With the worker's lock held. Or until the job's end: who waits sees that nothing has come."""
        while not is_done () and self._cancel is None and not self._over and self.left_s > 0:
            self._worker._saved.wait (self.left_s)

    async def _until (self, event: asyncio.Event, give_up: Callable[[], Any]) -> None:
        """Or until the deadline: who waits sees that nothing has come. `give_up` is for a task that is cancelled."""
        try:
            await asyncio.wait_for (event.wait (), max (0, self.left_s))
        except asyncio.TimeoutError:
            pass
        except asyncio.CancelledError:
            with self._worker._lock:
                give_up ()
            raise

    def saved_step (self, name: str) -> Optional[bytes]:
        """The result that this attempt or an earlier one has saved."""
        return self._steps.get (name)

    def save_step (self, name: str, result: bytes) -> None:
        """Returns when the result is on the broker's disk. Cancelled; TimeoutError at the job's deadline."""
        self._may_wait ('save_step')
        step = self._begin_step (name, result, self._worker._saved.notify_all)
        with self._worker._lock:
            self._wait_for (lambda: step.saved)
            self._end_step (step)

    async def save_step_async (self, name: str, result: bytes) -> None:
        """The same for a handler that is `async def`; several may be under way at once."""
        loop, saved = asyncio.get_running_loop (), asyncio.Event ()
        step = self._begin_step (name, result, lambda: loop.call_soon_threadsafe (saved.set))
        await self._until (saved, lambda: self._forget_step (step))
        with self._worker._lock:
            self._end_step (step)

    def _begin_step (self, name: str, result: bytes, wake: Callable[[], Any]) -> _Step:
        _check_text (name, "a step's name")
        if not isinstance (result, (bytes, bytearray, memoryview)):
            raise TypeError (f'step {name}: its result is of type {type (result).__name__}, and has to be bytes: '
                             'encode a text, pack a value')
        if len (result) > STEP_BYTES_MAX:
            raise ValueError (f'step {name}: {len (result)} bytes, and {STEP_BYTES_MAX} are allowed')
        with self._worker._lock:
            step = _Step (name, bytes (result), _frame ('STEP', self._lease, name, bytes (result)), wake)
            self._unsaved.append (step)
            self._worker._put (self, step.frame)
            self._worker._wake ()
        return step

    # With the worker's lock held.

    def _forget_step (self, step: _Step) -> None:
        if step in self._unsaved:
            self._unsaved.remove (step)

    def _step_saved (self, name: str) -> None:
        """Of two steps of one name the first that was said is confirmed first."""
        step = next ((step for step in self._unsaved if step.name == name), None)
        if step:
            self._unsaved.remove (step)
            step.saved = True
            step.wake ()

    def _end_step (self, step: _Step) -> None:
        self._forget_step (step)
        if self._cancel is not None:
            raise Cancelled (self._cancel)
        if not step.saved:
            raise TimeoutError (f'step {step.name}: not saved before the job\'s deadline')
        self._steps[step.name] = step.result

    def step (self, name: str, work: Callable[[], bytes]) -> bytes:
        """A step that is paid for once: the saved result, or what `work` returns, once that is on disk."""
        self._may_wait ('step')
        if name not in self._steps:
            self.save_step (name, work ())
        return self._steps[name]

    async def step_async (self, name: str, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """The same for a handler that is `async def`."""
        if name not in self._steps:
            await self.save_step_async (name, await work ())
        return self._steps[name]

    def call (self, service: str, message: Union[str, Body], *, deadline_ms: Optional[int] = None,
              history: Sequence[Turn] = (), state: Optional[Body] = None, traceparent: Optional[str] = None) -> Body:
        """Asks another service, and returns the body of its answer (response_text, ...). `message`: a text, or the body
        of a chat.message. `history`, `state`: what that agent is told that the session remembers. CallFailed: there is
        no answer; Cancelled: this job was taken back, and with it the call. A restart of the broker makes the call
        again; what it said is paid for once in a step: job.call (...)['response_text'].encode () as the step's work."""
        self._may_wait ('call')
        number, call = self._ask (service, message, self._worker._saved.notify_all, deadline_ms, history, state,
                                  traceparent)
        with self._worker._lock:
            self._wait_for (lambda: call.verdict is not None)
            return self._heard (number, call)

    async def call_async (self, service: str, message: Union[str, Body], *, deadline_ms: Optional[int] = None,
                          history: Sequence[Turn] = (), state: Optional[Body] = None,
                          traceparent: Optional[str] = None) -> Body:
        """The same for a handler that is `async def`; several may be under way at once. A task that awaits it and is
        cancelled (asyncio.wait_for, a race that another call has won) ends its call, and the job goes on."""
        loop, heard = asyncio.get_running_loop (), asyncio.Event ()
        number, call = self._ask (service, message, lambda: loop.call_soon_threadsafe (heard.set), deadline_ms, history,
                                  state, traceparent)
        await self._until (heard, lambda: self._hang_up (number))
        with self._worker._lock:
            return self._heard (number, call)

    def cancel_calls (self) -> int:
        """Ends the calls that are under way, from any thread while the handler runs: each raises CallFailed with the
        outcome `cancelled`, the job goes on, and whoever worked on them is told that nobody waits. How many it were."""
        with self._worker._lock:
            calls = [(number, call) for number, call in self._calls.items () if call.verdict is None]
            for number, call in calls:
                self._hang_up (number)
                call.end ('cancelled', None, None, 'this worker has ended the call')
            return len (calls)

    def _hang_up (self, number: int) -> None:
        """With the lock held. That is kept: on a connection that is lost it may not arrive."""
        call = self._calls.pop (number, None)
        if call and call.verdict is None:
            self._ended[number] = self._called
            self._worker._put_end (self, number)
            self._worker._wake ()

    def _call_answered (self, number: int, outcome: str, *said: Any) -> None:
        """With the lock held. The broker has read what stood in front of the call: the ends of others."""
        call = self._calls.get (number)
        if call and call.verdict is None:
            self._ended = {ended: called for ended, called in self._ended.items () if called >= number}
            call.end (outcome, *said)

    def _ask (self, service: str, message: Union[str, Body], wake: Callable[[], Any], deadline_ms: Optional[int],
              history: Sequence[Turn], state: Optional[Body], traceparent: Optional[str]) -> Tuple[int, _Call]:
        body = {'message_text': message} if isinstance (message, str) else message
        if not isinstance (body, dict) or not isinstance (body.get ('message_text'), str):
            raise ValueError ('a message is a text, or a dict with message_text')
        given = {'deadline_ms': None if deadline_ms is None else int (max (0, min (deadline_ms, 2**53))),
                 'traceparent': traceparent, 'history': [turn._asdict () for turn in history] or None,
                 'state': None if state is None else _packed (state, 'a state', CALL_BYTES_MAX)}
        options = {key: value for key, value in given.items () if value is not None}
        packed = _packed (body, 'a message', BODY_BYTES_MAX)
        worker = self._worker
        with worker._lock:
            number = self._called = self._called + 1
            frame = _frame ('CALL', self._lease, number, _check_name (service, 'a service'), packed, options or None)
            if len (frame) - 5 > CALL_BYTES_MAX:
                raise ValueError (f'a call has at most {CALL_BYTES_MAX} bytes')
            call = self._calls[number] = _Call (frame, wake)
            worker._put_call (self, call)
            worker._wake ()
        return number, call

    def _heard (self, number: int, call: _Call) -> Body:
        self._calls.pop (number, None)
        if self._cancel is not None:
            raise Cancelled (self._cancel)
        outcome, body, code, why = call.verdict or ('timeout', None, 'timeout', "no answer before the job's deadline")
        if outcome != 'answer':
            raise CallFailed (outcome, code, why)
        try:
            answer: Body = _unpack (body or b'')
        except Exception as problem:
            raise CallFailed ('bad_reply', 'MSGPACK', str (problem)) from None
        return answer

    def delta (self, text: str) -> None:
        """The next piece of the answer, live: lost when nobody listens. One that is long goes out in several."""
        for at in range (0, len (text) or 1, DELTA_CHARACTERS):
            self._live ('chat.delta', {'delta': text[at:at + DELTA_CHARACTERS], 'index': self._deltas})
            self._deltas += 1

    def typing (self, active: bool = True) -> None:
        self._live ('chat.typing', {'active': active})

    def _live (self, kind: str, body: Body) -> None:
        now_us = time.time_ns () // 1000
        envelope = dict (self.envelope, id=_uuid7 (now_us), type=kind, timestamp=now_us, reply_to=self.envelope['id'])
        envelope.pop ('platform_id', None)
        frame = _frame ('LIVE', envelope, _pack (body))
        if len (frame) - 5 > LIVE_BYTES_MAX:
            raise ValueError (f'a live event has at most {LIVE_BYTES_MAX} bytes')
        with self._worker._lock:
            if len (self._worker._out) < LIVE_BACKLOG:
                self._worker._put (self, frame)
                self._worker._wake ()


class Worker:
    """Takes jobs from a broker and answers them. Runs once.

    endpoint      default: $PALAVER_AGENTS, else ipc://$XDG_RUNTIME_DIR/palaver/agents.ipc
    services      what this worker serves
    name, build   shown in every tool, kept in the ledger
    threads       handlers at a time: threads, or tasks when the handler is `async def`
    credit        jobs held at a time, waiting ones included; at least `threads`
    history       turns of the session that a job brings; None: all that the broker keeps
    batch         {'size': 10, 'wait_ms': 1000}: the handler gets lists of jobs
    cache_keys    keys of the session's state that the answers depend on
    cert, broker_cert   key files for tcp://; default: $PALAVER_CERT, $PALAVER_BROKER_CERT
    signals       SIGTERM and SIGINT finish what is at hand and stop; only in the main thread
    log           gets a line when something happens on the connection or a handler fails; by default stderr in main
    """

    def __init__ (self, *, endpoint: Optional[str] = None, services: Sequence[str] = ('advisor',), name: str = 'agent',
                  build: str = 'unknown', threads: int = 1, credit: int = 0, history: Optional[int] = None,
                  batch: Optional[Mapping[str, int]] = None, cache_keys: Sequence[str] = (),
                  cert: Optional[str] = None, broker_cert: Optional[str] = None, signals: bool = True,
                  log: Optional[Callable[[str], None]] = None) -> None:
        if isinstance (services, str) or isinstance (cache_keys, str) or not services:
            raise ValueError (f'services and cache_keys are lists of names, not {services!r} and {cache_keys!r}')
        self._endpoint, self._certs = endpoint or '', (cert, broker_cert)
        self._keys: Optional[Tuple[bytes, ...]] = None
        self._name, self._build = _check_name (name, 'the worker'), _check_text (build, 'build')
        self._threads = max (1, threads)
        self._batch = dict (batch) if batch else None
        self._signals = signals
        self._is_silent, self._listener = log is None, log or (lambda line: None)
        self._options: Body = {'services': [_check_name (text, 'a service') for text in services],
                               'credit': max (credit, self._threads, (batch or {}).get ('size', 1)),
                               'incarnation': os.urandom (16)}
        given = {'cache_keys': list (cache_keys) or None, 'history': None if history is None else max (0, history),
                 'batch': batch and {'size': batch['size'], 'wait_ms': batch.get ('wait_ms', 1000)} or None}
        self._options.update ((key, value) for key, value in given.items () if value is not None)
        self._handler: Handler = lambda job: None
        self._ran, self._pid, self._loop_thread = False, 0, 0   # that thread: where handlers that are `async def` run

        self._lock = threading.Lock ()
        self._work = threading.Condition (self._lock)
        self._saved = threading.Condition (self._lock)
        self._waiting: Deque[Job] = collections.deque ()
        self._held: Dict[int, Job] = {}
        self._out: List[bytes] = []
        self._running = 0
        self._ready = self._asleep = self._over = self._stop = False
        self._failure: Optional[Refused] = None
        self._notify: Callable[[], None] = lambda: self._work.notify ()
        self._link = _Link (self)

    def _load_keys (self, cert: Optional[str], broker_cert: Optional[str]) -> Optional[Tuple[bytes, ...]]:
        if not self._endpoint.startswith ('tcp://'):
            return None
        own, broker = cert or os.environ.get ('PALAVER_CERT'), broker_cert or os.environ.get ('PALAVER_BROKER_CERT')
        if not own or not broker:
            raise Refused ('ARG', f'{self._endpoint} needs keys: set PALAVER_CERT and PALAVER_BROKER_CERT to key files')
        return (*_read_keys (own, True), _read_keys (broker, False)[0])

    def _log (self, line: str) -> None:
        with contextlib.suppress (Exception):       # where nobody reads stderr any more, say
            self._listener (line)

    def stop (self) -> None:
        """Takes no more jobs, finishes those at hand, and lets `run` return. From any thread or signal handler."""
        self._stop = True
        self._link.ring ()

    def run (self, handler: Handler) -> None:
        """Works until `stop`, SIGTERM, SIGINT, or until an operator drains it. Refused: the broker does not want it."""
        if self._ran:
            raise RuntimeError ('a worker runs once')
        self._ran, self._pid, self._handler = True, os.getpid (), handler
        self._endpoint = self._endpoint or _default_endpoint ()
        self._keys = self._load_keys (*self._certs)
        before = self._catch_signals (self.stop)
        thread = threading.Thread (target=self._link.run, name='palaver-link', daemon=True)
        try:
            if any (map (inspect.iscoroutinefunction, (handler, getattr (handler, '__call__', None)))):
                asyncio.run (self._run_async (thread))
            else:
                thread.start ()
                self._run_threads ()
        finally:
            self._end (None)
            thread.join ()
            for number, action in before.items ():
                signal.signal (number, action)
        if self._failure:
            raise self._failure

    def _catch_signals (self, stop: Callable[[], None]) -> Dict[int, Any]:
        """The first one drains; the second ends the program as if we were not there."""
        if not self._signals or threading.current_thread () is not threading.main_thread ():
            return {}
        numbers, pid = (signal.SIGTERM, signal.SIGINT), os.getpid ()

        def first (given: int, _: Any) -> None:
            for number in numbers:
                signal.signal (number, signal.SIG_DFL)
            stop () if os.getpid () == pid else os.kill (os.getpid (), given)   # what a handler has forked
        return {number: signal.signal (number, first) for number in numbers}

    def _end (self, failure: Optional[Refused]) -> None:
        with self._lock:
            if self._over:
                return
            self._over, self._failure = True, failure
            for job in list (self._held.values ()):
                self._cancel_job (job, 'shutdown')
            self._work.notify_all ()
            self._notify ()
            self._wake ()

    # With the lock held.

    def _wake (self) -> None:
        if self._asleep:
            self._asleep = False
            self._link.ring ()

    def _put (self, job: Job, frame: bytes) -> None:
        """On a ready connection; else it is said after the next WELCOME, for it is kept with its job."""
        if self._ready and job._cancel is None:
            self._out.append (frame)

    def _put_call (self, job: Job, call: _Call) -> None:
        if self._ready and self._link._minor < MINOR_OF_CALLS:
            call.end ('refused', None, 'VERSION', 'the broker is of a version that knows no calls: upgrade it')
        else:
            self._put (job, call.frame)

    def _put_end (self, job: Job, number: int) -> None:
        """Of a call. A broker that does not know the verb ends the call with its job."""
        if self._link._minor >= MINOR_OF_CALL_CANCEL and not job.answered:
            self._put (job, _frame ('CALL_CANCEL', job._lease, number))

    def _cancel_job (self, job: Job, code: str) -> None:
        job._cancel = job._cancel or code
        waiting, job._unsaved = [*job._calls.values (), *job._unsaved], []
        for one in waiting if self._batch else ():  # else what interrupts the handler ends its `await`
            one.wake ()
        if job._running:
            self._saved.notify_all ()
            if job._interrupt:
                job._interrupt ()
        else:
            self._forget (job)

    def _forget (self, job: Job) -> None:
        self._held.pop (job._lease, None)
        if job in self._waiting:
            self._waiting.remove (job)

    def _take (self) -> Tuple[List[Job], Optional[float]]:
        """The next jobs, or none and how long to wait at most: for a moment, until a batch is whole."""
        if self._over or not self._waiting:
            return [], None
        first = self._waiting[0]
        size, jobs = first.batch.get ('size', 1), [first]
        if self._batch and size > 1:
            jobs = [job for job in self._waiting if job.batch.get ('id') == first.batch.get ('id')]
            patience = first._arrived + BATCH_PATIENCE_S - time.monotonic ()
            if len (jobs) < size and patience > 0:
                return [], patience
        for job in jobs:
            self._waiting.remove (job)
            job._running, job._begun = True, time.monotonic ()
        self._running += 1
        return jobs, None

    def _done (self, jobs: List[Job], quick: bool) -> None:
        self._running -= 1
        for job in jobs:
            job._running = False
            if job._cancel is not None or job._over:
                self._forget (job)
        # A quick handler with more to do answers for all of it together.
        if not quick or not self._waiting:
            self._wake ()

    # The handlers.

    def _end_copy (self, problem: Optional[BaseException] = None) -> None:
        """What a handler has forked is no worker, although it has come back here: it ends."""
        if os.getpid () != self._pid:
            code = getattr (problem, 'code', 1) if problem else 0
            if problem and not isinstance (problem, SystemExit):
                traceback.print_exception (type (problem), problem, problem.__traceback__)
            sys.stdout.flush ()
            os._exit (code if isinstance (code, int) else int (code is not None))

    def _settle (self, jobs: List[Job], answer: Answer) -> None:
        """What a handler returned becomes an answer, unless it gave one itself."""
        self._end_copy ()
        if not self._batch and answer is not None and not jobs[0].answered:
            jobs[0].reply (answer)
        for job in jobs:
            if not job.answered:
                job.nack ('general_error', 'the handler returned without an answer')

    def _give_back (self, jobs: List[Job], problem: BaseException) -> None:
        self._end_copy (problem)
        if isinstance (problem, KeyboardInterrupt):
            raise problem
        if isinstance (problem, asyncio.CancelledError) and all (job.cancelled for job in jobs):
            return
        words = f'{type (problem).__name__}: {_words (problem)}'
        given = problem if isinstance (problem, Nack) else Nack (
            'timeout' if isinstance (problem, TimeoutError) else 'general_error', words)
        for job in jobs:
            if not job.answered and not job.cancelled:
                job._nack (given)
        if not isinstance (problem, (Nack, Cancelled)):
            self._log (f'a handler failed: {words}')
            for line in ''.join (traceback.format_tb (problem.__traceback__)).splitlines ():
                self._log (line)

    @contextlib.contextmanager
    def _at_work (self, jobs: List[Job], quick_s: float) -> Iterator[None]:
        """Whatever a handler raises is no reason for the worker to end, but Ctrl-C."""
        begun = time.monotonic ()
        try:
            yield
        except BaseException as problem:
            self._give_back (jobs, problem)
        finally:
            with self._lock:
                self._done (jobs, time.monotonic () - begun < quick_s)

    def _handle (self, jobs: List[Job]) -> None:
        with self._at_work (jobs, QUICK_S):
            self._settle (jobs, self._handler (jobs if self._batch else jobs[0]))   # type: ignore[arg-type]

    def _work_off (self) -> None:
        while not self._over:
            with self._lock:
                jobs, patience = self._take ()
                if not jobs and not self._over:
                    self._work.wait (patience)
            if jobs:
                self._handle (jobs)

    def _run_threads (self) -> None:
        threads = [threading.Thread (target=self._work_off, name=f'palaver-{index}', daemon=True)
                   for index in range (1, self._threads)]
        for thread in threads:
            thread.start ()
        self._work_off ()
        for thread in threads:
            thread.join ()

    async def _handle_async (self, jobs: List[Job]) -> None:
        self._let_interrupt (jobs)
        with self._at_work (jobs, 0):
            self._settle (jobs, await self._handler (jobs if self._batch else jobs[0]))     # type: ignore[misc]

    def _let_interrupt (self, jobs: List[Job]) -> None:
        """This task is cancelled once all of its jobs are."""
        task, loop = asyncio.current_task (), asyncio.get_running_loop ()

        def interrupt () -> None:
            if task and all (job._cancel is not None for job in jobs):
                loop.call_soon_threadsafe (task.cancel)
        with self._lock:
            for job in jobs:
                job._interrupt = interrupt
            interrupt ()

    async def _run_async (self, thread: threading.Thread) -> None:
        loop, arrived = asyncio.get_running_loop (), asyncio.Event ()
        self._loop_thread = threading.get_ident ()
        self._notify = lambda: loop.call_soon_threadsafe (arrived.set)      # type: ignore[assignment]
        thread.start ()
        tasks: Set['asyncio.Future[None]'] = set ()
        try:
            while not self._over:
                with self._lock:
                    jobs, patience = self._take () if len (tasks) < self._threads else ([], None)
                if jobs:
                    task = asyncio.ensure_future (self._handle_async (jobs))
                    tasks.add (task)
                    task.add_done_callback (tasks.discard)
                    task.add_done_callback (lambda done: arrived.set ())
                    continue
                with contextlib.suppress (asyncio.TimeoutError):
                    await asyncio.wait_for (arrived.wait (), patience)
                    arrived.clear ()
            await asyncio.gather (*tasks, return_exceptions=True)
        finally:
            with self._lock:        # nobody must call into a loop that is closed
                self._notify = lambda: None


class _Link:
    """The connection: one DEALER, owned by one thread. States: new, introduced (HELLO said), ready."""

    def __init__ (self, worker: Worker) -> None:
        self._worker = worker
        self._context: Any = None       # while `run` runs, as the two files of the bell
        self._socket: Optional['zmq.Socket[bytes]'] = None
        self._state, self._hellos, self._minor = 'new', 0, 0    # the last one: of the broker's wire version
        self._heartbeat, self._timeout, self._welcome_wait, self._nap = 2.0, 10.0, WELCOME_WAIT_S, QUICK_S
        self._heard = self._said = self._hello_at = self._reopen_at = self._pinged = self._pause = self._drained = 0.0
        self._drain_said = self._blocked = False
        # What wakes the poll. A signal handler may ring while its own thread does, hence the kind of lock.
        self._bell = threading.RLock ()
        self._reader = self._writer = -1

    def ring (self) -> None:
        with self._bell:        # the number of a file that is closed is soon that of another one
            with contextlib.suppress (BlockingIOError):     # it is ringing already
                if self._writer >= 0:
                    os.write (self._writer, b'!')

    def run (self) -> None:
        worker = self._worker
        with self._bell:
            self._reader, self._writer = os.pipe2 (os.O_NONBLOCK | os.O_CLOEXEC)
        self._context = zmq.Context ()
        try:
            self._open ()
            while not worker._over:
                self._turn ()
        except Refused as failure:
            self._say (_frame ('BYE', str (failure)[:500]))
            worker._end (failure)
        except Exception as problem:
            code = 'ARG' if isinstance (problem, zmq.ZMQError) else 'IO'
            worker._end (Refused (code, f'{worker._endpoint}: {type (problem).__name__}: {_words (problem)}'))
        finally:
            if self._socket is not None:
                self._socket.close (1000)
            self._context.term ()
            with self._bell:
                os.close (self._reader)
                os.close (self._writer)
                self._reader = self._writer = -1

    def _open (self) -> None:
        worker = self._worker
        self._socket = self._context.socket (zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.RECONNECT_IVL, 100), (zmq.RECONNECT_IVL_MAX, 5000),
                              (zmq.MAXMSGSIZE, PACKET_BYTES_MAX), (zmq.IPV6, 1)):
            self._socket.setsockopt (option, value)
        if worker._keys:
            self._socket.curve_publickey, self._socket.curve_secretkey, self._socket.curve_serverkey = worker._keys
        self._socket.connect (worker._endpoint)
        self._blocked = False
        self._hello ()

    def _reopen (self, pause: float) -> None:
        """A new connection after 1 to 1.5 times `pause`: many workers do not come back at once."""
        with self._worker._lock:
            self._worker._ready = False
            self._worker._out.clear ()
        self._state = 'new'
        if self._socket is not None:
            self._socket.close (0)
            self._socket = None
        self._reopen_at = time.monotonic () + pause * random.uniform (1, 1.5)

    def _say (self, *frames: bytes) -> None:
        """What the link itself says: little, and never waiting for other things."""
        self._said = time.monotonic ()
        if self._socket is None:
            return
        with contextlib.suppress (zmq.Again):   # the other side does not read, and silence will end the connection
            self._socket.send (b'PV' + bytes ((MAJOR, MINOR)) + b''.join (frames), zmq.DONTWAIT)

    def _hello (self) -> None:
        worker = self._worker
        options = dict (worker._options)
        if self._hellos:
            with worker._lock:
                options['holding'] = [lease for lease, job in worker._held.items () if job._cancel is None]
        self._say (_frame ('HELLO', 'agent', worker._name, worker._build, os.getpid (), options))
        self._state, self._hello_at = 'introduced', self._said
        self._hellos += 1
        self._drain_said = False

    def _welcomed (self, broker: str, heartbeat_ms: int, options: Body) -> None:
        gone_ms = options.get ('timeout_ms', 5 * heartbeat_ms)
        if not _has_kind ('u', gone_ms) or gone_ms > 10 * HOUR_MS or not 0 < heartbeat_ms <= min (gone_ms, HOUR_MS):
            raise Refused ('PROTOCOL', f'WELCOME: no sense in heartbeat_ms {heartbeat_ms}, timeout_ms {gone_ms}')
        self._heartbeat, self._timeout = heartbeat_ms / 1000, gone_ms / 1000
        self._state, self._pause, self._welcome_wait = 'ready', 0.0, WELCOME_WAIT_S
        worker = self._worker
        worker._ready = True
        worker._out.clear ()
        for job in list (worker._held.values ()):
            for step in job._unsaved:
                worker._put (job, step.frame)
            for number in job._ended:
                worker._put_end (job, number)
            for call in list (job._calls.values ()):
                worker._put_call (job, call)
            if job._kept:
                worker._put (job, job._kept)
        worker._log (f'connected to {worker._endpoint}, broker {broker}')

    def _frames (self, packet: bytes) -> Tuple[str, float]:
        """What a packet asks for: 'hello', 'pong', 'reopen' after a pause, or nothing."""
        wish, pause = '', 0.0
        for name, arguments, late in list (_parse (packet)):
            if wish in ('hello', 'reopen') or (late and self._state != 'ready'):
                continue
            if name == 'WELCOME' and self._state == 'introduced':
                self._minor = packet[3]
                self._welcomed (*arguments[:3])
            elif name == 'WHO' and self._state == 'ready':
                self._worker._log ('the broker does not know us: introducing ourselves again')
                wish, self._state, self._worker._ready = 'hello', 'new', False
            elif name == 'BYE':
                self._worker._log (f'the broker leaves: {arguments[0]}')
                wish, pause = 'reopen', BYE_PAUSE_S
            elif name == 'ERROR' and arguments[0] == 'DRAINED':
                self._worker._log (f'the broker lets us go: {arguments[1]}')
                self._worker.stop ()
            elif name == 'ERROR':
                wish, pause = 'reopen', self._error (*arguments[:2])
            elif name == 'PING':
                wish = 'pong'
            else:
                self._job_frame (name, arguments)
        return wish, pause

    def _error (self, code: str, text: str) -> float:
        if code not in ('BUSY', 'FULL'):
            raise Refused (code, f'the broker refused us: {text} ({code})')
        self._worker._log (f'the broker has no place: {text}')
        self._pause = min (self._pause * 2 or BYE_PAUSE_S, PAUSE_MAX_S)
        return self._pause

    def _job_frame (self, name: str, arguments: List[Any]) -> None:
        worker = self._worker
        if name == 'JOB' and arguments[0] not in worker._held:
            job = Job (worker, arguments)
            worker._held[job._lease] = job
            if job._flaw:
                worker._log (job._flaw)
                job.answered, job._kept = True, _frame ('NACK', job._lease, True, None, 'general_error', job._flaw)
                worker._put (job, job._kept)
                return
            worker._waiting.append (job)
            self._nap = QUICK_S
            worker._notify ()
        elif name == 'COMMITTED':
            for done in filter (None, map (worker._held.get, arguments[0])):
                done._over = True
                if not done._running:
                    worker._forget (done)
        elif name == 'STEP_SAVED' and arguments[0] in worker._held:
            worker._held[arguments[0]]._step_saved (arguments[1])
        elif name == 'ANSWER' and arguments[0] in worker._held:
            worker._held[arguments[0]]._call_answered (*arguments[1:6])
        elif name == 'CANCEL' and arguments[0] in worker._held:
            worker._log (f'a job was taken back: {arguments[1]}: {arguments[2]}')
            worker._cancel_job (worker._held[arguments[0]], arguments[1])

    def _read (self) -> None:
        for _ in range (64):
            if self._socket is None:
                return
            try:
                packet = self._socket.recv (zmq.DONTWAIT)
            except zmq.Again:
                return
            self._heard = time.monotonic ()
            with self._worker._lock:
                wish, pause = self._frames (packet)
            if wish == 'hello':
                self._hello ()
            elif wish == 'reopen':
                self._reopen (pause)
            elif wish == 'pong':
                self._say (_frame ('PONG'))

    def _flush (self) -> None:
        """All frames that are ready, in as few packets as hold them."""
        with self._worker._lock:
            if not self._worker._ready or self._socket is None:
                return
            out = self._worker._out
            while out:
                size, count = 4, 0
                while count < len (out) and (not count or size + len (out[count]) <= PACKET_BYTES_FULL):
                    size += len (out[count])
                    count += 1
                try:
                    self._socket.send (b'PV' + bytes ((MAJOR, MINOR)) + b''.join (out[:count]), zmq.DONTWAIT)
                except zmq.Again:
                    self._blocked = True
                    return
                del out[:count]
                self._said = time.monotonic ()

    def _keep_time (self) -> None:
        now = time.monotonic ()
        if self._socket is None:
            if now >= self._reopen_at:
                self._open ()
        elif self._state == 'ready' and now - self._heard > self._timeout:
            self._worker._log ('the broker is silent: connecting anew')
            self._reopen (0.1)
        elif self._state == 'introduced' and now - self._hello_at > self._welcome_wait:
            self._worker._log (f'no answer from {self._worker._endpoint}: trying again' + (
                '; who is not in its keys/agents, or has a wrong broker.cert, gets none' if self._worker._keys else ''))
            self._welcome_wait = min (self._welcome_wait * 2, WELCOME_WAIT_MAX_S)
            self._reopen (0.1)
        elif self._state == 'ready' and now >= self._ping_at ():
            self._say (_frame ('PING'))
            self._pinged = self._said

    def _ping_at (self) -> float:
        """A sign of life when we said nothing for a heartbeat, and a question when we heard nothing."""
        return min (self._said, max (self._heard, self._pinged)) + self._heartbeat

    def _next (self) -> float:
        if self._socket is None:
            return self._reopen_at
        if self._state == 'introduced':
            return self._hello_at + self._welcome_wait
        return min (self._ping_at (), self._heard + self._timeout)

    def _patience (self) -> float:
        """While handlers are busy the poll wakes now and then, to send what a quick handler left to be sent with
        others: after 1 ms, 2 ms, 4 ms ..."""
        worker = self._worker
        wait = self._next () - time.monotonic ()
        with worker._lock:
            if worker._ready and worker._out and not self._blocked:
                return 0
            worker._asleep = True
            if worker._running or worker._waiting:
                self._nap *= 2
                wait = min (wait, self._nap)
            else:
                self._nap = QUICK_S / 2
        return max (0, min (wait, 0.1) if worker._stop else wait)

    def _turn (self) -> None:
        poller = zmq.Poller ()
        poller.register (self._reader, zmq.POLLIN)
        if self._socket is not None:
            poller.register (self._socket, zmq.POLLIN | (zmq.POLLOUT if self._blocked else 0))
        poller.poll (int (self._patience () * 1000 + 0.999))
        self._blocked = False
        with self._worker._lock:
            self._worker._asleep = False
        with contextlib.suppress (BlockingIOError):
            os.read (self._reader, 4096)
        self._read ()
        self._flush ()
        self._keep_time ()
        if self._worker._stop:
            self._drain ()

    def _drain (self) -> None:
        """CREDIT 0 once, then BYE when nothing is held any more, or when the broker did not commit in time."""
        worker = self._worker
        if self._state == 'ready' and not self._drain_said:
            self._drain_said = True
            self._say (_frame ('CREDIT', 0))
        now = time.monotonic ()
        with worker._lock:
            working, left = bool (worker._running or worker._waiting), bool (worker._held)
        if working or not self._drained:
            self._drained = 0.0 if working else now
        if working or (left and now - self._drained < DRAIN_WAIT_S):
            return
        self._flush ()
        self._say (_frame ('BYE', 'done'))
        worker._end (Refused ('TIMEOUT', 'the broker did not confirm the last answers: others will get those jobs')
                     if left else None)


def run (workers: Sequence[Worker], handler: Handler) -> None:
    """Works for several brokers: a worker for each, with its own endpoint, connection, `threads` and `credit`, so that
    one that is away takes nothing from the others; a job is answered to the broker that it came from. Until all have
    ended; SIGTERM and SIGINT drain all. One that its broker does not want ends alone: logged, and raised at the end."""
    failures: List[Exception] = []

    def run_one (worker: Worker) -> None:
        try:
            worker.run (handler)
        except Exception as problem:
            worker._log (str (problem))
            failures.append (problem)

    def stop () -> None:
        for worker in workers:
            worker.stop ()
    before = workers[0]._catch_signals (stop) if workers else {}
    threads = [threading.Thread (target=run_one, args=(worker,), name='palaver-worker') for worker in workers]
    for thread in threads:
        thread.start ()
    for thread in threads:
        thread.join ()      # a signal is handled meanwhile
    for number, action in before.items ():
        signal.signal (number, action)
    if failures:
        raise failures[0]


def main (worker: Union[Worker, Sequence[Worker]], handler: Handler) -> None:
    """Runs the worker, or one for each of several brokers, and ends the program: exit code 0 after an orderly stop,
    else after sysexits.h. Those that have no log write it to stderr: it shows why nothing is answered."""
    workers = [worker] if isinstance (worker, Worker) else list (worker)
    for mute in (one for one in workers if one._is_silent):
        mute._listener = lambda line, name=mute._name: print (f'{name}: {line}\n', end='', file=sys.stderr, flush=True)
    try:
        workers[0].run (handler) if len (workers) == 1 else run (workers, handler)
    except Refused as problem:
        if len (workers) == 1:      # of several each has said it
            print (f'{workers[0]._name}: {problem}', file=sys.stderr)
        sys.exit (problem.exit_code)
    sys.exit (0)
