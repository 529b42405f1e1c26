"""What a platform knows (the file of adapter.py or people.py) against what the broker says: nothing may be missing.

    lost        a message that was written, and was neither answered nor became a dead letter of unknown outcome
    recovered   a message that was under way when something was killed, and was answered afterwards
    unexpected  an answer that nobody waits for, in the wrong place or out of order; a dead letter without a reason; a
                count that is not the message's number: a state that was kept without its answer, or the other way
    duplicated  an answer that was shown more than once
"""

import collections

from adapter import place_of

Total = collections.namedtuple('Total', 'lost recovered unexpected duplicated')


class Verdict:
    """`letters`: dead letters whole. `kills`: (time, who). `deduplicates`, `counted`: what the round is made of."""

    def __init__(self, lines, letters, kills, deduplicates=False, counted=False, jobs=(), credit=0):
        self.kills, self.deduplicates, self.counted = kills, deduplicates, counted
        self.wrote, self.stored, self.shown, self.unknown = {}, set(), {}, set()
        self.lost, self.recovered, self.unexpected, self.duplicated = [], [], [], []
        self.last, self.hands, self.process = {}, {}, 0
        for line in lines:
            kind, when, *words = line.split(' ')
            getattr(self, f'take_{kind}')(float(when), words)
        self.dead = [letter for letter in letters if self.take_letter(letter)]
        died = sum(who == 'adapter' for _, who in kills)
        if credit and len(self.died) > died * credit:
            self.unexpected.append(f'{len(self.died)} replies died with an adapter that was killed {died} times')
        self.take_jobs(jobs)
        self.settle()

    # ---------------------------------------------------------------- the lines

    died = ()

    def take_up(self, _, words):
        self.process = words[0]

    def take_wrote(self, when, words):
        self.wrote[int(words[0]), int(words[1])] = when

    def take_stored(self, _, words):
        self.stored.add((int(words[0]), int(words[1])))

    def take_taken(self, _, words):
        """What one process had in hand no other may get, unless it is known that it did not go out."""
        place, outcome = (int(words[0]), int(words[1])), words[3]
        before = self.hands.get(place)
        if before and before[0] != self.process and before[1] != 'not_sent' and not self.deduplicates:
            self.unexpected.append(f'the answer to {place} was given to one process ({before[1]}), then to another')
        self.hands[place] = self.process, outcome
        if outcome == 'unknown':
            self.unknown.add(place)

    def take_again(self, _, words):
        if not self.deduplicates:
            self.unexpected.append(f'a copy: {words}')

    def take_refused(self, _, words):
        self.unexpected.append(' '.join(words))

    def take_shown(self, when, words):
        place, text = (int(words[0]), int(words[1])), ' '.join(words[3:])
        if place not in self.wrote:
            self.unexpected.append(f'an answer to {place}, which nobody wrote')
        if place in self.shown:
            self.duplicated.append(place)
            return
        self.shown[place] = when
        if place[1] < self.last.get(place[0], 0):
            self.unexpected.append(f'the answer to {place} was shown behind that to number {self.last[place[0]]}')
        self.last[place[0]] = place[1]
        if self.counted and not text.endswith(f' counted {place[1]}'):
            self.unexpected.append(f'{place}: {text!r}')

    # ---------------------------------------------------------------- the rest

    def take_letter(self, letter):
        """True: its outcome is unknown, for a reason that this round has."""
        text = letter['body'].get('response_text', '')
        how = letter['ledger'][-1]['how'] if letter['ledger'] else ''
        if letter['type'] != 'chat.response' or letter['reason'] != 'unknown' or letter['outcome'] != 'unknown':
            self.unexpected.append(f'dead letter {letter}')
            return False
        place = place_of(text)
        letter['place'] = place
        if how == 'adapter_died' and any(who == 'adapter' for _, who in self.kills) and not self.deduplicates:
            self.died = [*self.died, place]
        elif how != 'unknown' or place not in self.unknown or self.deduplicates:
            self.unexpected.append(f'dead letter {letter}')
            return False
        return True

    def take_jobs(self, jobs):
        """Jobs of one session in the order in which they were begun: again, or the next one, never an earlier one."""
        last = {}
        for line in jobs:
            session, number = (int(word) for word in line.split())
            if number not in (last.get(session, 0), last.get(session, 0) + 1):
                self.unexpected.append(f'session {session}: job {number} behind job {last.get(session, 0)}')
            last[session] = number

    def settle(self):
        dead = {letter['place'] for letter in self.dead}
        for place, wrote in self.wrote.items():
            shown = self.shown.get(place)
            if shown is None and place not in dead:
                self.lost.append(place)
            elif shown is not None and any(wrote < when < shown for when, _ in self.kills):
                self.recovered.append(place)

    def total(self):
        return Total(len(self.lost), len(self.recovered), len(self.unexpected), len(self.duplicated))

    def good(self):
        return not self.lost and not self.unexpected and not self.duplicated


def words(total):
    return f'lost {total.lost} / recovered {total.recovered} / unexpected {total.unexpected} / ' \
           f'duplicated {total.duplicated}'
