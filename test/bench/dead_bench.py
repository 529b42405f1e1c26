#!/usr/bin/python3
"""A broker with very many dead letters: how long questions about them take, how fast they are sent again, and what the
tool needs for it. Prints a line a measurement, with its bound, and ends with 1 when one is missed.

    test/bench/dead_bench.py [--letters 1000000] [--variant release] [--keep FOLDER]

The letters are messages that a rule of the configuration rejects, so that a million of them is made in a minute or two;
they are of 1000 users, 10000 sessions and a day. `--keep` leaves the data, and takes what it finds there.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORDS = ('casino', 'bonus', 'prize', 'voucher')
PACKET, WINDOW = 100, 4000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--letters', type=int, default=1000000)
    parser.add_argument('--variant', default='release')
    parser.add_argument('--keep', help='the folder of the data; default: one that is removed')
    parser.add_argument('--workers', type=int, default=2)
    return parser.parse_args()


ARGUMENTS = arguments()
os.environ.setdefault('PALAVER_BUILD', os.path.join(TOP, 'build', ARGUMENTS.variant))
sys.path.insert(0, os.path.join(TOP, 'test', 'system'))

from palaverd import Broker, wait  # noqa: E402
from wireclient import frame, pack  # noqa: E402

BIN = os.path.join(os.environ['PALAVER_BUILD'], 'bin')


class Report:
    def __init__(self):
        self.missed = 0

    def line(self, what, value, bound, unit, least=False):
        good = value >= bound if least else value <= bound
        self.missed += not good
        sign = 'at least' if least else 'at most'
        print(f'{"ok  " if good else "MISS"} {what:58} {value:12,.1f} {unit:10} {sign} {bound:,}', flush=True)


def launch(folder):
    """A line in the log for each letter would be the slowest of all, so there is none that says that it is ready."""
    conf = {'content.rules': list(WORDS), 'fallback.rejected': '', 'log.level': 'error', 'limits.sessions': 2000000,
            'agents.timeout_ms': 60000}
    broker = Broker(folder, conf).launch()
    wait(lambda: os.path.exists(f'{broker.run}/control.ipc'), 'the broker has its sockets', 120)
    return broker


def make_letters(broker, count):
    """Messages that are dead on arrival."""
    adapter, began, done = broker.adapter(), time.monotonic(), 0
    sent = 0
    while done < count:
        while sent < count and sent - done < WINDOW:
            frames = []
            for _ in range(min(PACKET, count - sent)):
                envelope, body = adapter.event(f'{WORDS[sent % 4]} number {sent}: come and win', user=f'u{sent % 1000}',
                                               session=str(sent % 10000))
                sent += 1
                frames.append(frame('PUBLISH', sent, envelope, pack(body)))
            adapter.send(*frames)
        done += len(adapter.expect('STORED', 60)[0])
    seconds = time.monotonic() - began
    print(f'     {count:,} letters made in {seconds:.0f} s', flush=True)
    adapter.bye()


def timed(function):
    began = time.monotonic()
    result = function()
    return time.monotonic() - began, result


def measure_questions(report, broker, count):
    item = broker.ask('dead.list', limit=1, after=0)['items'][0]
    rare = [('session', 'web_77'), ('user', 'u77'), ('platform', 'web'), ('platform', 'slack'), ('adapter', 'web'),
            ('type', 'chat.message'), ('type', 'chat.edit'), ('reason', 'rejected'), ('reason', 'attempts'),
            ('outcome', 'rejected'), ('outcome', 'unknown'), ('code', item['code']), ('code', 'none'),
            ('fingerprint', item['fingerprint']), ('since_us', item['dead_us']), ('until_us', 1), ('attempts', 1),
            ('route', item['route'] or 'none'), ('service', 'advisor')]
    worst, which = 0.0, ''
    for key, value in [('limit', 100), *rare]:
        seconds, _ = timed(lambda one={key: value}: broker.ask('dead.list', **one))
        if seconds > worst:
            worst, which = seconds, f'{key}={value}'
    report.line(f'dead list, first page, worst filter ({which})', worst * 1000, 200, 'ms')
    seconds, page = timed(lambda: broker.ask('dead.list', text='casino', limit=100))
    report.line(f'dead list --text, frequent ({len(page["items"])} found)', seconds * 1000, 200, 'ms')
    worst, pages, after, began = 0.0, 0, 0, time.monotonic()
    while True:
        seconds, page = timed(lambda: broker.ask('dead.list', text=f'number {count - 1}:', limit=100, after=after))
        worst, pages, after = max(worst, seconds), pages + 1, page['next']
        if not after:
            break
    print(f'     dead list --text of the last letter: {time.monotonic() - began:.1f} s in {pages} pages', flush=True)
    report.line('dead list --text, each page of that', worst * 1000, 200, 'ms')
    report.line('dead stats', timed(lambda: broker.ask('dead.stats'))[0] * 1000, 2000, 'ms')


def run_tool(broker, *words):
    """(seconds, megabytes at most) of a call; says what it took of the processor."""
    began = time.monotonic()
    process = subprocess.Popen([os.path.join(BIN, 'palaver'), *words], stdout=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, env={**os.environ, 'PALAVER_RUN': broker.run})
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (words, process.returncode)
    print(f'     {" ".join(words[:3])}: {usage.ru_utime + usage.ru_stime:.1f} s of processor time, '
          f'load {os.getloadavg()[0]:.1f}', flush=True)
    return time.monotonic() - began, usage.ru_maxrss / 1024


def measure_replay(report, broker, folder, count):
    plan = f'{folder}/plan'
    seconds, memory = run_tool(broker, 'dead', 'replay', '--all', '--plan', plan)
    report.line('dead replay --plan', seconds, 10, 's')
    report.line('its memory', memory, 100, 'MiB')
    workers = [subprocess.Popen([f'{BIN}/palaver-echo', '--services', 'advisor', '--credit', '512', '--threads', '1'],
                                env={**os.environ, 'PALAVER_AGENTS': f'ipc://{broker.run}/agents.ipc'})
               for _ in range(ARGUMENTS.workers)]
    try:
        seconds, memory = run_tool(broker, 'dead', 'replay', '--apply', plan, '--yes')
        report.line('dead replay --apply', count / seconds, 20000, 'letters/s', least=True)
        report.line('its memory', memory, 100, 'MiB')
        broker.forget_peers()  # this one has said nothing for long
        began = time.monotonic()
        while broker.metric('replies') < count and time.monotonic() - began < 60:
            time.sleep(0.2)
        report.line('letters that agents answered', broker.metric('replies'), count, 'letters', least=True)
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        folder = ARGUMENTS.keep or scratch
        os.makedirs(folder, exist_ok=True)
        broker = launch(folder)
        try:
            there = int(broker.metric('dead'))
            if there < ARGUMENTS.letters:
                make_letters(broker, ARGUMENTS.letters - there)
            print(f'     the broker has {broker.rss_mb():.0f} MB, load {os.getloadavg()[0]:.1f}', flush=True)
            measure_questions(report, broker, ARGUMENTS.letters)
            measure_replay(report, broker, scratch, ARGUMENTS.letters)
        finally:
            broker.close()
    print(f'{report.missed} missed; {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} s of processor time')
    return 1 if report.missed else 0


if __name__ == '__main__':
    sys.exit(main())
