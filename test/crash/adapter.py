#!/usr/bin/python3
"""A platform and its adapter in one process, to be killed at any moment.

    adapter.py ENDPOINT FILE NAME DEDUPLICATES SESSIONS WINDOW TOTAL SEED

Publishes messages of the sessions 0 to SESSIONS-1, at most WINDOW of them without an answer, until there is a file
FILE.silent or there are TOTAL of them. FILE is what the platform knows: it outlives the process, is only ever
appended to, and each line is written before what it stands for is said to anybody. See verdict.py for what is
made of it.

    up PID                      a process begins; what was published and not stored is published again
    wrote SESSION N EVENT       a person wrote message N of a session
    stored SESSION N            the broker has it
    taken SESSION N ID OUTCOME  a delivery came to hand; what the platform says to it
    shown SESSION N ID TEXT     the platform has shown this answer
    again SESSION N ID          the platform has recognised an answer that it has shown
    refused WORDS               something that must not happen

The second word of each line is the time (CLOCK_MONOTONIC), which is the same for all processes.
"""

import os
import random
import sys
import time

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
from wireclient import HEAD, event_id, frame, frames, pack, unpack  # noqa: E402

NEW, HELLO, READY = range(3)
# A HELLO that a broker took along into its death is repeated long before the next one gives us up.
BEAT_S, WELCOME_S, SILENCE_S, PAUSE_S = 0.1, 0.7, 4, 0.05
CREDIT = 32


def text_of(session, number):
    return f'message {number} of session {session}'


def place_of(text):
    """(session, number) of a text that was made by text_of, whatever stands behind it."""
    words = text.split()
    return int(words[4]), int(words[1])


class Platform:
    """FILE: what was written, and which of it is stored, answered and shown."""

    def __init__(self, path):
        self.wrote, self.stored, self.shown, self.next = {}, set(), set(), {}
        self.path = path
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                self.take(line.split())

    def take(self, words):
        kind, place = words[0], tuple(int(word) for word in words[2:4] if word.isdigit())
        if kind == 'wrote':
            self.wrote[place] = bytes.fromhex(words[4])
            self.next[place[0]] = place[1] + 1
        elif kind == 'stored':
            self.stored.add(place)
        elif kind == 'shown':
            self.shown.add(words[4])

    def is_silent(self):
        return os.path.exists(f'{self.path}.silent')

    def note(self, kind, *words):
        line = f'{kind} {time.monotonic():.6f} {" ".join(str(word) for word in words)}\n'
        os.write(self.file, line.encode())
        self.take(line.split())


class Adapter:
    def __init__(self, endpoint, path, name, deduplicates, sessions, window, total, seed):
        self.endpoint, self.name, self.deduplicates = endpoint, name, deduplicates == 'yes'
        self.sessions, self.window, self.left = int(sessions), int(window), int(total)
        self.random = random.Random(f'{seed} {os.getpid()}')
        self.platform = Platform(path)
        self.left -= len(self.platform.wrote)
        self.incarnation = os.urandom(16)
        self.seq = 0
        self.asked = {}     # seq: place; without an answer of the broker
        self.said = {}      # delivery: the DELIVERED frame, until it is SETTLED
        self.later = []     # (time, delivery, frame): in hand
        self.out = []
        self.state, self.socket, self.since, self.heard, self.beaten = NEW, None, 0, 0, 0
        self.waiting = set()    # written by this process, and without an answer
        self.platform.note('up', os.getpid())

    # ---------------------------------------------------------------- the line

    def open(self):
        if self.socket:
            self.socket.close()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl, self.socket.reconnect_ivl_max = 20, 100
        self.socket.connect(self.endpoint)
        self.hello()

    def hello(self):
        holding = [*self.said, *(delivery for _, delivery, _ in self.later)]
        options = {'platform': self.name, 'credit': CREDIT, 'deduplicates': self.deduplicates,
                   'incarnation': self.incarnation, 'holding': holding}
        self.out = [frame('HELLO', 'adapter', self.name, 'crash/1', os.getpid(), options)]
        self.state, self.since = HELLO, time.monotonic()

    def welcomed(self):
        """What is unanswered is said again, in order."""
        self.state = READY
        self.asked = {}
        for place in self.platform.wrote:
            if place not in self.platform.stored:
                self.publish(place)
        self.out += self.said.values()

    def flush(self):
        if self.out:
            try:
                self.socket.send(HEAD + b''.join(self.out), zmq.DONTWAIT)
            except zmq.Again:
                return
            self.out, self.beaten = [], time.monotonic()

    # ---------------------------------------------------------------- what people write

    def publish(self, place):
        session, number = place
        envelope = {'id': self.platform.wrote[place], 'type': 'chat.message', 'platform': self.name,
                    'adapter': self.name, 'session_id': f'{self.name}_{session}', 'user_id': f'user{session}',
                    'timestamp': int(time.time() * 1e6), 'platform_id': f'{session}-{number}'}
        self.seq += 1
        self.asked[self.seq] = place
        self.out.append(frame('PUBLISH', self.seq, envelope, pack({'message_text': text_of(session, number)})))

    def talk(self):
        if self.platform.is_silent():
            return
        while self.left > 0 and len(self.waiting) < self.window:
            session = self.random.randrange(self.sessions)
            place = session, self.platform.next.get(session, 1)
            self.platform.note('wrote', *place, event_id().hex())
            self.publish(place)
            self.waiting.add(place)
            self.left -= 1

    # ---------------------------------------------------------------- what the broker says

    def deliver(self, delivery, envelope, body):
        """A platform that answers soon, or late, or not at all; one that deduplicates may leave it open."""
        if delivery in self.said:
            self.out.append(self.said[delivery])
            return
        if any(delivery == held for _, held, _ in self.later):
            return
        text = unpack(body)['response_text']
        session, number = place_of(text)
        name = envelope['id'].hex()
        dice = self.random.random()
        outcome = 'not_sent' if dice < 0.02 else 'unknown' if dice < 0.03 else 'sent'
        self.platform.note('taken', session, number, name, outcome)
        if outcome != 'not_sent':
            self.waiting.discard((session, number))
        if envelope['session_id'] != f'{self.name}_{session}' \
                or envelope['reply_to'] != self.platform.wrote.get((session, number)):
            self.platform.note('refused', f'the answer {text!r} is for {envelope["session_id"]}')
        due = time.monotonic() + (0 if self.random.random() < 0.7 else self.random.uniform(0, 0.02))
        show = outcome == 'sent' or (outcome == 'unknown' and self.random.random() < 0.5)
        self.later.append((due, delivery, (outcome, show, session, number, name, text)))

    def send_due(self):
        now = time.monotonic()
        due = [held for held in self.later if held[0] <= now]
        self.later = [held for held in self.later if held[0] > now]
        for _, delivery, (outcome, show, session, number, name, text) in due:
            if show and self.deduplicates and name in self.platform.shown:
                self.platform.note('again', session, number, name)
            elif show:
                self.platform.note('shown', session, number, name, text)
            platform_id = name if outcome == 'sent' else None
            self.said[delivery] = frame('DELIVERED', delivery, outcome, platform_id, None, None)
            if self.state == READY:
                self.out.append(self.said[delivery])

    def hear(self, verb, args):
        self.heard = time.monotonic()
        if verb == 'WELCOME':
            self.welcomed()
        elif verb == 'WHO':
            if self.state == READY:
                self.hello()
        elif verb == 'ERROR':
            if args[0] != 'NAME_IN_USE':
                self.platform.note('refused', *args)
            self.state, self.since = NEW, time.monotonic()
        elif self.state != READY:
            return
        elif verb == 'STORED':
            for seq in args[0]:
                place = self.asked.pop(seq, None)
                if place and place not in self.platform.stored:
                    self.platform.note('stored', *place)
        elif verb == 'DELIVER':
            self.deliver(args[0], args[2], args[3])
        elif verb == 'SETTLED':
            for delivery in args[0]:
                self.said.pop(delivery, None)
        elif verb == 'PING':
            self.out.append(frame('PONG'))
        elif verb not in ('PONG', 'LIVE'):
            self.platform.note('refused', verb, args)

    # ---------------------------------------------------------------- the loop

    def keep_time(self):
        now = time.monotonic()
        if self.state == NEW and now - self.since > PAUSE_S:
            self.open()
        elif self.state == HELLO and now - self.since > WELCOME_S:
            self.open()
        elif self.state == READY and now - self.heard > SILENCE_S:
            self.open()
        elif self.state == READY and now - self.beaten > BEAT_S:
            self.out.append(frame('PING'))

    def turn(self):
        self.keep_time()
        if self.state == READY:
            self.talk()
        self.send_due()
        if self.state != NEW:
            self.flush()
        if self.socket.poll(2 if self.later else 20):
            self.read()

    def read(self):
        try:
            while True:
                for verb, args in frames(self.socket.recv(zmq.DONTWAIT)):
                    self.hear(verb, args)
        except zmq.Again:
            pass


def main():
    adapter = Adapter(*sys.argv[1:])
    while True:
        adapter.turn()


if __name__ == '__main__':
    main()
