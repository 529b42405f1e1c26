#!/usr/bin/python3
# RUN: timeout=2400 label=release variants=release,debug
"""kill -9 of the broker, of adapters and of workers at random moments under load, and nothing is lost.

    crash_test.py [--rounds N] [--seed SEED]

A round has a broker, workers, and a platform whose memory no kill takes back (adapter.py; or the real host with
loopback.so, and people.py). When the killing is over everything is drained, compared by verdict.py, and compared once
more behind one more crash. $CHECK_ROUNDS says how many rounds there are; --seed repeats them.
"""

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'system')]
from palaverd import BUILD, PATIENCE, Broker, route, wait  # noqa: E402
from verdict import Total, Verdict, words  # noqa: E402

PYTHON = '/usr/bin/python3'
LOAD_S = 2.5
DRAIN_S = 40 * PATIENCE
SESSIONS, WINDOW, TOTAL = 24, 96, 20000
CREDIT = 32
WORKERS = 3

Mode = collections.namedtuple('Mode', 'name victims deduplicates worker host')
MODES = (
    Mode('all', ('broker', 'adapter', 'worker'), False, 'counter', False),
    Mode('host', ('broker', 'adapter', 'worker'), False, 'echo', True),
    # What a host has in hand when its broker dies is no secret: no outcome may be unknown here.
    Mode('host lives', ('broker',), False, 'echo', True),
    Mode('adapter lives', ('broker', 'worker'), False, 'echo', False),
    Mode('deduplicates', ('broker', 'adapter', 'worker'), True, 'counter', False),
)
CONF = {
    # Whoever is killed must be missed soon; whoever only waits for the processor must not.
    'agents.heartbeat_ms': 100, 'agents.timeout_ms': 2500, 'agents.backoff_ms': 5, 'agents.backoff_max_ms': 20,
    'delivery.backoff_ms': 5, 'delivery.backoff_max_ms': 20, 'log.level': 'info',
    # Many kills are no fault of a message or of a route.
    'agents.attempts': 1000, 'delivery.attempts': 1000, 'breaker.threshold': 1000000,
    'routes': [route()],
    # Everything that a restart reads: views and what is behind them.
    'data.reflect_s': 1, 'data.reflect_mb': 1,
}


class Round:
    def __init__(self, seed, mode):
        self.seed, self.mode, self.random = seed, mode, random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix='c')
        self.file, self.jobs = f'{self.folder}/platform', f'{self.folder}/jobs'
        self.children, self.kills, self.due = {}, [], []
        self.credit = 64 if mode.host else CREDIT
        conf, options = dict(CONF), ()
        if mode.host:
            os.mkdir(f'{self.folder}/plugins', 0o755)
            shutil.copy(f'{BUILD}/plugins/loopback.so', f'{self.folder}/plugins/loopback.so')
            conf['plugins.host'] = f'{BUILD}/bin/palaver-adapter'
            conf['adapters'] = {'loopback': {'path': f'{self.folder}/socket', 'drain_s': 2}}
            options = ('--plugins', f'{self.folder}/plugins')
        self.broker = Broker(self.folder, conf, options=options)

    # ---------------------------------------------------------------- its processes

    def spawn(self, name, *command):
        with open(f'{self.folder}/{name}.log', 'ab') as log:
            self.children[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_worker(self, number):
        endpoint = f'ipc://{self.broker.run}/agents.ipc'
        if self.mode.worker == 'counter':
            self.spawn(f'worker{number}', PYTHON, f'{HERE}/counter.py', endpoint, self.jobs)
        else:
            self.spawn(f'worker{number}', f'{BUILD}/bin/palaver-echo', '--endpoint', endpoint, '--services', 'advisor',
                       '--threads', '2', '--credit', '16')

    def start_platform(self):
        if self.mode.host:
            self.spawn('platform', PYTHON, f'{HERE}/people.py', f'{self.folder}/socket', self.file, str(SESSIONS), '4',
                       str(TOTAL))
        else:
            self.spawn('platform', PYTHON, f'{HERE}/adapter.py', f'ipc://{self.broker.run}/adapters.ipc', self.file,
                       'web', 'yes' if self.mode.deduplicates else 'no', str(SESSIONS), str(WINDOW), str(TOTAL),
                       str(self.seed))

    # ---------------------------------------------------------------- the killing

    def killed(self, who):
        self.kills.append((time.monotonic(), who))

    def kill_broker(self):
        self.broker.kill()
        self.killed('broker')
        while self.random.random() < 0.3:
            self.broker.launch()
            time.sleep(self.random.uniform(0, 0.1))
            self.broker.kill()
            self.killed('broker')
        self.broker.start()

    def kill_child(self, name, start):
        child = self.children.pop(name, None)
        if child:
            child.kill()
            child.wait()
            self.killed('adapter' if name == 'platform' else 'worker')
            self.due.append((time.monotonic() + self.random.uniform(0, 0.3), start))

    def kill_host(self):
        started = self.broker.logged('adapter.started')
        if started:
            try:
                os.kill(started[-1]['pid'], signal.SIGKILL)
            except ProcessLookupError:
                return
            self.killed('adapter')

    def kill_one(self):
        victim = self.random.choice(self.mode.victims)
        if victim == 'broker':
            self.kill_broker()
        elif victim == 'worker':
            number = self.random.randrange(WORKERS)
            self.kill_child(f'worker{number}', lambda: self.start_worker(number))
        elif self.mode.host:
            self.kill_host()
        else:
            self.kill_child('platform', self.start_platform)

    def start_due(self, everything=False):
        now = time.monotonic()
        due = [start for when, start in self.due if when <= now or everything]
        self.due = [one for one in self.due if one[0] > now and not everything]
        for start in due:
            start()

    def rage(self):
        until = time.monotonic() + LOAD_S
        while time.monotonic() < until:
            pause = time.monotonic() + self.random.uniform(0.01, 0.35)
            while time.monotonic() < pause:
                self.start_due()
                time.sleep(0.005)
            self.kill_one()
        self.start_due(everything=True)

    # ---------------------------------------------------------------- the end

    def lines(self, path):
        try:
            with open(path, encoding='utf-8') as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def all_stored(self):
        kinds = collections.Counter(line.partition(' ')[0] for line in self.lines(self.file))
        return kinds['wrote'] and kinds['wrote'] == kinds['stored']

    def is_idle(self):
        metrics = self.broker.metrics()
        return metrics['pending_events'] == 0 and metrics['outbox'] == 0

    def drain(self):
        wait(lambda: self.lines(self.file), 'a first message')
        with open(f'{self.file}.silent', 'w', encoding='ascii'):
            pass
        wait(lambda: self.all_stored() and self.is_idle(), 'everything is stored, answered and delivered', DRAIN_S)
        try:    # what is delivered has been written to people, who may still be reading it
            wait(lambda: not self.verdict().lost, 'everybody has read', 5)
        except AssertionError:
            pass    # the verdict says what is missing

    def letters(self):
        letters, after = [], 0
        while True:
            page = self.broker.ask('dead.list', after=after, limit=100)
            letters += [self.broker.letter(item['number']) for item in page['items']]
            if not page.get('next'):
                return letters
            after = page['next']

    def verdict(self):
        return Verdict(self.lines(self.file), self.letters(), self.kills, self.mode.deduplicates,
                       self.mode.worker == 'counter', self.lines(self.jobs), self.credit)

    def run(self):
        self.broker.start()
        for number in range(WORKERS):
            self.start_worker(number)
        self.start_platform()
        wait(lambda: any(line.startswith('shown') for line in self.lines(self.file)), 'a first answer')
        self.rage()
        problem = ''
        try:
            self.drain()
        except AssertionError as late:
            problem = str(late)
        first = self.verdict()
        self.broker.restart(crash=True)
        second = self.verdict()
        if problem:
            first.unexpected.append(problem)
        elif not self.is_idle() or second.total() != first.total() or len(first.dead) != len(second.dead):
            first.unexpected.append(f'another crash changes it: {words(second.total())}, {self.broker.metrics()}')
        for name, child in self.children.items():
            if child.poll() is not None:
                first.unexpected.append(f'{name} ended by itself with {child.returncode}')
        return first

    def end(self):
        for child in self.children.values():
            child.kill()
            child.wait()
        self.broker.close()

    def show(self, verdict):
        for what in ('lost', 'unexpected', 'duplicated'):
            for one in getattr(verdict, what)[:10]:
                print(f'  {what}: {one}')
                if isinstance(one, tuple):
                    session, number = one
                    print(*(f'    {line}' for line in self.lines(self.file)
                            if line.split()[2:4] == [str(session), str(number)]), sep='\n')
        print('  kills:', *(f'{when:.6f} {who}' for when, who in self.kills))
        for name in sorted(os.listdir(self.folder)):
            if name.endswith('.log'):
                print(*(f'  {name}: {line}' for line in self.lines(f'{self.folder}/{name}')[-5:]), sep='\n')
        print(self.broker.tail(20))


def play(number, seed):
    mode = MODES[seed % len(MODES)]
    one = Round(seed, mode)
    begun = time.monotonic()
    verdict = None
    try:
        verdict = one.run()
        killed = collections.Counter(who for _, who in verdict.kills)
        print(f'round {number} ({mode.name}, seed {seed}): {words(verdict.total())}; '
              f'{len(verdict.wrote)} messages, {len(verdict.dead)} of them unknown; '
              f'killed: {", ".join(f"{who} {times}" for who, times in sorted(killed.items()))}; '
              f'{time.monotonic() - begun:.1f} s', flush=True)
        if not verdict.good():
            one.show(verdict)
    finally:
        one.end()
        shutil.rmtree(one.folder, ignore_errors=True)
    return verdict


def check_the_check():
    """A verdict that finds nothing is worth nothing: one of each kind is planted."""
    lines = ['up 1 7', 'wrote 2 0 1 00', 'wrote 3 0 2 00', 'wrote 4 1 1 00', 'stored 5 0 1', 'stored 5 0 2',
             'shown 6 0 1 aa message 1 of session 0', 'shown 7 0 2 bb message 2 of session 0']
    answer = 'shown 8 1 1 cc message 1 of session 1'
    letter = {'type': 'chat.response', 'reason': 'unknown', 'outcome': 'unknown', 'ledger': [{'how': 'adapter_died'}],
              'body': {'response_text': 'message 1 of session 1'}}
    kill = [(4.5, 'adapter')]

    def expect(total, *args, **more):
        found = Verdict(*args, **more).total()
        assert found == Total(*total), (found, total)

    expect((0, 0, 0, 0), [*lines, answer], [], [])
    expect((0, 3, 0, 0), [*lines, answer], [], kill)
    expect((1, 0, 0, 0), lines, [], [])
    expect((0, 2, 0, 0), lines, [letter], kill)
    expect((1, 0, 1, 0), lines, [letter], [])
    expect((1, 2, 1, 0), lines, [letter], kill, deduplicates=True)
    expect((0, 0, 0, 1), [*lines, answer, answer], [], [])
    expect((0, 0, 1, 0), [*lines[:6], lines[7], lines[6], answer], [], [])
    expect((0, 0, 1, 0), [*lines, answer, 'shown 9 5 5 dd message 5 of session 5'], [], [])
    expect((0, 0, 3, 0), [*lines, answer], [], [], counted=True)
    expect((0, 0, 1, 0), [*lines, answer], [], [], jobs=['0 1', '0 1', '0 2', '0 1'])
    expect((0, 0, 1, 0), [*lines, 'taken 7.5 1 1 cc sent', 'up 7.6 8', 'taken 7.7 1 1 cc sent', answer], [], [])
    expect((0, 0, 0, 0), [*lines, 'taken 7.5 1 1 cc not_sent', 'up 7.6 8', 'taken 7.7 1 1 cc sent', answer], [], [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=int(os.environ.get('CHECK_ROUNDS') or 20))
    parser.add_argument('--seed', type=int, help='of the first round; the next ones follow')
    options = parser.parse_args()
    check_the_check()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 30)
    totals, failed = Total(0, 0, 0, 0), 0
    for number in range(options.rounds):
        verdict = play(number, seed + number)
        totals = Total(*(a + b for a, b in zip(totals, verdict.total())))
        failed += not verdict.good()
    print(f'in total: {words(totals)}')
    print(f'{options.rounds - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
