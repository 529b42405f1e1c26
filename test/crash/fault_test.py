#!/usr/bin/python3
# RUN: timeout=1500 label=slow variants=release,debug
"""Each allocation, each write and each sync that a round trip or a start reaches fails once, in a life of its own.

palaverd either goes on, or ends as documented with one clear line (71 without memory; 1 without disk, or without memory
for its conf); started again
without the fault it brings the round trip to its end: nothing acknowledged is lost, nothing is done twice.

    fault_test.py [--all]
"""

import argparse
import concurrent.futures
import errno
import functools
import os
import re
import shutil
import signal
import struct
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'system')]
from palaverd import BUILD, PROGRAM, SECONDS, Broker, route, wait  # noqa: E402
from wireclient import frame, unpack  # noqa: E402

FAULTY = f'{BUILD}/test/fault/palaverd_fault'
NO_MEMORY = re.compile(r'out of memory: \d+ bytes were asked for')
SYSTEM_SAYS = re.compile(r'No space left on device|Input/output error')
ENDS_S = 5 * SECONDS
STARTS = 60     # faults of a start that are tried, evenly spread, unless all are
LIVES = 4
CONF = {'agents.timeout_ms': 5000, 'log.level': 'info', 'routes': [route()]}


class Trip:
    """One message there and back; `resume` goes on behind a crash, as an adapter and a worker do."""

    def __init__(self, broker):
        self.broker = broker
        self.adapter, self.worker = broker.adapter(), broker.worker()
        self.envelope, self.body = self.adapter.event('a question', platform_id='m1')
        self.stored = self.committed = self.settled = False
        self.lease, self.reply = None, None
        self.delivery, self.shown = None, 0

    def begin(self):
        if not self.stored:
            self.adapter.post(self.envelope, self.body)
        if self.reply and not self.committed:
            self.worker.reply(self.lease, self.reply, {'seen': 1})
        if self.delivery and not self.settled:
            self.adapter.delivered(self.delivery)

    def resume(self):
        self.worker.options['holding'] = [self.lease] if self.reply and not self.committed else []
        self.adapter.options['holding'] = [self.delivery] if self.delivery and not self.settled else []
        self.worker.hello()
        self.adapter.hello()
        self.begin()

    def done(self):
        """True when all is said; handles what has come."""
        for peer in (self.adapter, self.worker):
            while peer.poll(0):
                pass
            inbox, peer.inbox = peer.inbox, []
            for verb, args in inbox:
                self.hear(peer, verb, args)
        return self.stored and self.committed and self.settled

    def hear(self, peer, verb, args):
        if verb == 'STORED':
            self.stored = True
        elif verb == 'JOB':
            self.committed = False
            self.lease, self.reply = args[0], 'an answer'
            self.worker.reply(self.lease, self.reply, {'seen': 1})
        elif verb == 'COMMITTED':
            self.committed = True
        elif verb == 'CANCEL' and args[0] == self.lease:
            # It was kept before the end, or the job comes again.
            self.committed = True
        elif verb == 'DELIVER':
            self.deliver(args)
        elif verb == 'SETTLED':
            self.settled = True
        elif verb == 'PING':
            peer.send(frame('PONG'))
        elif verb in ('ERROR', 'BUSY', 'REJECTED'):
            raise AssertionError(f'{verb} {args}')

    def deliver(self, args):
        assert not self.settled, 'a delivery that is settled'
        if args[0] != self.delivery:
            self.shown += 1
            assert unpack(args[3])['response_text'] == 'an answer', args
        self.delivery = args[0]
        self.adapter.delivered(self.delivery)

    def check(self):
        assert self.shown == 1, f'shown {self.shown} times'
        broker = self.broker
        metrics = broker.metrics()
        assert (metrics['pending_events'], metrics['outbox'], broker.dead()) == (0, 0, []), metrics
        session = broker.session(self.envelope['session_id'])
        assert session['state'] == {'seen': 1}, session
        assert [turn['text'] for turn in session['history']] == ['a question', 'an answer'], session


class Disk:
    """What disk.so makes of the disk: see disk_preload.c."""

    WRITES, SYNCS = 1, 2

    def __init__(self, folder, data):
        self.path, self.data = f'{folder}/disk', data
        with open(self.path, 'wb') as file:
            file.write(bytes(40))

    def order(self, calls, nth=0, error_number=0, once=True):
        with open(self.path, 'r+b') as file:
            file.write(struct.pack('=4q', nth, error_number, once, 0))
            file.flush()
            file.write(struct.pack('=q', calls))

    def met(self):
        with open(self.path, 'rb') as file:
            return struct.unpack('=5q', file.read())[3]

    def env(self):
        return {'LD_PRELOAD': f'{BUILD}/test/crash/disk.so', 'PALAVER_DISK': self.path, 'PALAVER_DISK_DIR': self.data}


class Case:
    """One life with a fault, and one without."""

    def __init__(self, reflects=False):
        self.folder = tempfile.mkdtemp(prefix='f')
        self.broker = Broker(self.folder, {**CONF, 'data.reflect_s': 1 if reflects else 3600})
        self.reflects, self.asker, self.asked, self.ask_at = reflects, None, False, 0
        self.disk = Disk(self.folder, self.broker.data)
        self.usual = dict(self.broker.env)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.broker.tail(20))
            self.broker.kill()
        self.broker.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def with_memory_fault(self, later=0, first=0):
        self.broker.program = FAULTY
        self.broker.env.update({'PALAVER_FAULT_LATER': str(later), 'PALAVER_FAULT_ALLOC': str(first)})

    def without_fault(self):
        self.broker.program, self.broker.env = PROGRAM, dict(self.usual)

    def arm_memory(self):
        self.broker.signal(signal.SIGUSR1)
        wait(lambda: 'armed' in self.broker.raw, 'armed')

    def allocations(self):
        self.broker.signal(signal.SIGUSR2)
        told = wait(lambda: [line for line in self.broker.raw if line.startswith('allocations ')], 'the count')
        return int(told[-1].split()[1])

    def ended(self, codes, kind):
        """The fault has ended it: with one of these codes, and one line that says why."""
        got = self.broker.wait_exit()
        said = [line for line in self.broker.raw if NO_MEMORY.fullmatch(line)]
        failed = self.broker.logged('broker.failed')
        other = [line for line in self.broker.raw if not line.startswith(('{', 'armed')) and line not in said]
        assert got in codes and not other, f'exit code {got}, {other}'
        if kind == 'memory' and got == 71:
            assert len(said) == 1 and not failed, self.broker.raw
        elif kind == 'memory':
            assert len(failed) == 1 and 'out of memory' in failed[0]['why'] and not said, self.broker.raw
        else:
            assert len(failed) == 1 and not said, self.broker.raw
            # The file or the directory, and what the system says.
            assert self.broker.data in failed[0]['why'] and SYSTEM_SAYS.search(failed[0]['why']), failed

    def reflected(self):
        """The views hold what has happened; a tool has asked for that."""
        if not self.asker:
            self.asker = self.broker.peer('control')
            self.asker.send(frame('HELLO', 'tool', 'test', 'test/1', os.getpid(), {}))
        while self.asker.poll(0):
            pass
        for verb, args in self.asker.inbox:
            if verb == 'RESULT':
                found = re.search(r'^palaver_reflections_total (\d+)', args[3]['text'], re.M)
                if found and int(found[1]) > 0:
                    return True
                self.asked = False
        if not self.asked and time.monotonic() > self.ask_at:
            self.asked, self.ask_at = True, time.monotonic() + 0.4
            self.asker.send(frame('CONTROL', 1, 'metrics', {}))
        self.asker.inbox = []
        return False

    def over(self, trip):
        return trip.done() and (not self.reflects or self.reflected())

    def finish(self, trip, codes, kind):
        """To the end of the round trip, over the end of the process if the fault is one; True if it was."""
        wait(lambda: not self.broker.running() or self.over(trip), 'the end of the trip, or of the broker', ENDS_S)
        ended = not self.broker.running()
        if ended:
            self.ended(codes, kind)
            self.without_fault()
            self.broker.start()
            trip.resume()
            wait(trip.done, 'the end of the round trip', ENDS_S)
        else:
            # The fault may still be ahead.
            self.broker.kill()
            self.without_fault()
            self.broker.start()
        trip.check()
        return ended


def trip_without_memory(nth):
    """(allocations that were met, whether it ended the broker). Views and metrics are part of the way."""
    with Case(reflects=True) as case:
        case.with_memory_fault(later=nth)
        case.broker.start()
        trip = Trip(case.broker)
        case.arm_memory()
        trip.begin()
        if nth:
            return None, case.finish(trip, (71,), 'memory')
        wait(lambda: case.over(trip), 'the round trip', ENDS_S)
        return case.allocations(), False


def trip_without_disk(nth, calls, error_number, once):
    with Case() as case:
        case.broker.env.update(case.disk.env())
        case.broker.start()
        trip = Trip(case.broker)
        case.disk.order(calls, nth, error_number, once)
        trip.begin()
        ended = case.finish(trip, (1,), 'disk')
        return case.disk.met(), ended


def half_way(case):
    """A broker that was killed with a question in it, whose answer was given but not delivered."""
    case.broker.start()
    trip = Trip(case.broker)
    trip.adapter.send(frame('CREDIT', 0))
    trip.begin()
    wait(lambda: (trip.done(), trip.stored and trip.committed)[1], 'stored and committed', ENDS_S)
    case.broker.kill()
    return trip


def restart_without(case, trip, codes, kind):
    """A start with a fault in it: True if that has ended it. Then one without, to the end of the round trip."""
    case.broker.launch()
    wait(lambda: case.broker.logged('broker.ready') or not case.broker.running(), 'ready, or the end', ENDS_S)
    ended = not case.broker.running()
    if ended:
        case.ended(codes, kind)
    else:
        case.broker.kill()
    case.without_fault()
    case.broker.start()
    trip.resume()
    wait(trip.done, 'the end of the round trip', ENDS_S)
    trip.check()
    return ended


def start_without_memory(nth):
    with Case() as case:
        trip = half_way(case)
        case.with_memory_fault(first=nth)
        if nth:
            return None, restart_without(case, trip, (71, 1), 'memory')
        case.broker.start()
        return case.allocations(), False


def start_without_disk(nth, calls, error_number, once):
    with Case() as case:
        trip = half_way(case)
        case.broker.env.update(case.disk.env())
        case.disk.order(calls, nth, error_number, once)
        ended = restart_without(case, trip, (1,), 'disk')
        return case.disk.met(), ended


def outcome(life):
    """(whether the fault ended the broker, None), or (False, what went wrong)."""
    try:
        return life.result()[1], None
    except (AssertionError, ValueError) as problem:
        return False, problem


class Tally:
    """A life mostly waits, for a disk or for a peer: some of them run side by side, each in a process."""

    def __init__(self, most, lives):
        self.passed = self.failed = 0
        self.most, self.lives = most, lives

    def go_through(self, what, body, least, spread=False, must_end=False):
        """Every fault that is reached, or `most` of them: 1 pass or failure each."""
        begun = time.monotonic()
        count = self.lives.submit(body, 0).result()[0]
        step = max(1, count // self.most) if spread else 1
        tried = list(range(1, count + 1, step))
        lives = [self.lives.submit(body, nth) for nth in tried]
        ended = failed = 0
        for nth, life in zip(tried, lives):
            killed, problem = outcome(life)
            ended += killed
            if problem:
                failed += 1
                print(f'not ok {what}, number {nth}: {problem}', flush=True)
        if count < least or (must_end and not ended):
            failed += 1
            print(f'not ok {what}: {count} reached, {ended} of them ended the broker: this test is blind')
        self.passed += len(tried) - failed
        self.failed += failed
        print(f'{what}: {count} reached, {len(tried)} tried, {ended} ended the broker, {failed} failed; '
              f'{time.monotonic() - begun:.1f} s', flush=True)


def go_through_all(tally):
    tally.go_through('round trip, allocations', trip_without_memory, 5, must_end=True)
    for calls, name in ((Disk.WRITES, 'write'), (Disk.SYNCS, 'sync')):
        for number, once, how in ((errno.EIO, True, 'fails once'), (errno.ENOSPC, False, 'finds the disk full')):
            fault = {'calls': calls, 'error_number': number, 'once': once}
            tally.go_through(f'round trip, a {name} {how}', functools.partial(trip_without_disk, **fault), 2,
                             must_end=True)
            tally.go_through(f'start, a {name} {how}', functools.partial(start_without_disk, **fault), 3,
                             spread=True, must_end=True)
    tally.go_through('start, allocations', start_without_memory, 50, spread=True, must_end=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--all', action='store_true', default=os.environ.get('CHECK_MODE') == 'nightly')
    most = 1 << 30 if parser.parse_args().all else STARTS
    with concurrent.futures.ProcessPoolExecutor(LIVES) as lives:
        tally = Tally(most, lives)
        go_through_all(tally)
    print(f'{tally.passed} passed, {tally.failed} failed')
    return 1 if tally.failed else 0


if __name__ == '__main__':
    sys.exit(main())
