#!/usr/bin/python3
"""People who write to the plugin loopback.so, and to whom its platform is a socket that may go away at any moment.

    people.py SOCKET FILE SESSIONS WINDOW TOTAL

Each session is a person with a connection, who repeats what was not taken, in order, after each reconnect, and who has
at most WINDOW messages without an answer. FILE is that of adapter.py.
"""

import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from adapter import Platform, place_of, text_of  # noqa: E402

PAUSE_S = 0.05


class Person:
    def __init__(self, people, session):
        self.people, self.platform, self.session = people, people.platform, session
        self.socket, self.text, self.since = None, b'', 0
        self.waiting = set()    # without an answer
        self.unsaid = []        # numbers that are to be said on this connection
        self.said = []          # numbers in the order in which the plugin answers `taken`

    def connect(self):
        self.since = time.monotonic()
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(self.people.path)
        except OSError:
            self.leave()
            return
        self.text, self.said = b'', []
        wrote = [place[1] for place in self.platform.wrote if place[0] == self.session]
        # Whoever has nothing to repeat still has to say who is there.
        self.unsaid = [number for number in wrote if (self.session, number) not in self.platform.stored] or wrote[-1:]

    def leave(self):
        self.socket.close()
        self.socket, self.since = None, time.monotonic()

    def write(self):
        while self.people.may_write() and len(self.waiting) < self.people.window:
            number = self.platform.next.get(self.session, 1)
            self.platform.note('wrote', self.session, number, '00')
            self.waiting.add(number)
            self.unsaid.append(number)

    def speak(self):
        self.write()
        numbers, self.unsaid = self.unsaid, []
        try:
            for number in numbers:
                line = {'conversation': str(self.session), 'user_id': f'user{self.session}',
                        'message_text': text_of(self.session, number), 'platform_id': f'{self.session}-{number}'}
                self.socket.sendall((json.dumps(line) + '\n').encode())
                self.said.append(number)
        except OSError:
            # Nobody listens any more; what was said before is still to be read.
            while self.socket:
                self.hear()

    def taken(self, line):
        number = self.said.pop(0)
        place = self.session, number
        if line['taken'] == 'stored':
            if place not in self.platform.stored:
                self.platform.note('stored', *place)
        elif line['taken'] == 'busy':
            self.leave()    # and repeat it with all that is behind it
        else:
            self.platform.note('refused', json.dumps(line))

    def answered(self, line):
        session, number = place_of(line['response_text'])
        if session != self.session:
            self.platform.note('refused', f'session {self.session} was told {json.dumps(line)}')
        self.waiting.discard(number)
        self.platform.note('shown', session, number, line['reply_to'], line['response_text'])

    def hear(self):
        try:
            got = self.socket.recv(65536)
        except OSError:
            got = b''
        *lines, self.text = (self.text + got).split(b'\n')
        for line in map(json.loads, lines):
            if self.socket and 'taken' in line:
                self.taken(line)
            elif 'taken' not in line:
                self.answered(line)
        if not got and self.socket:
            self.leave()


class People:
    def __init__(self, path, file, sessions, window, total):
        self.path, self.window, self.total = path, int(window), int(total)
        self.platform = Platform(file)
        self.platform.note('up', os.getpid())
        self.persons = [Person(self, session) for session in range(int(sessions))]

    def may_write(self):
        return len(self.platform.wrote) < self.total and not self.platform.is_silent()

    def turn(self):
        for person in self.persons:
            if not person.socket and time.monotonic() - person.since > PAUSE_S:
                person.connect()
            if person.socket:
                person.speak()
        here = {person.socket: person for person in self.persons if person.socket}
        for ready in select.select(list(here), [], [], 0.02)[0]:
            here[ready].hear()


def main():
    people = People(*sys.argv[1:])
    while True:
        people.turn()


if __name__ == '__main__':
    main()
