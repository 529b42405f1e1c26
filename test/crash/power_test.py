#!/usr/bin/python3
# RUN: timeout=1200 label=release variants=release,debug
"""The power goes while palaverd works: with data.sync = true nothing that it said is lost; with false something is.

    power_test.py [--rounds N] [--seed SEED]

powercut.so keeps what the disk would hold (see test/power), and the broker goes on from that. Its adapter loses power
with it; the platform does not, and the workers live on, as on another machine. The rounds with data.sync = false prove
that the test can see a loss.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from crash_test import Mode, Round  # noqa: E402
from palaverd import BUILD, SECONDS, wait  # noqa: E402
from verdict import Total, words  # noqa: E402

MODE = Mode('power', (), False, 'counter', False)
UNSYNCED_ROUNDS_MAX = 8
ANSWERS_MAX = 2000
SYNCS_MAX = 2500


class PowerRound(Round):
    def __init__(self, seed, sync):
        super().__init__(seed, MODE)
        self.broker.data = f'{self.folder}/disk/data'
        self.image = f'{self.folder}/image'
        # With sync the cut is at some sync, at that of a new directory too; without it there are hardly any.
        self.cut_at = self.random.choice([self.random.randrange(1, 40), self.random.randrange(1, SYNCS_MAX)])
        power = {'LD_PRELOAD': f'{BUILD}/test/power/powercut.so', 'POWER_DIR': f'{self.folder}/disk',
                 'POWER_IMAGE': self.image, 'POWER_CUT': str(self.cut_at if sync else 0),
                 'POWER_SEED': str(self.random.choice([0, seed + 1]))}
        self.sync = sync
        # What was delivered since the last sync is unknown as well, however much that is.
        self.credit = 0
        self.broker.env.update(power)
        self.broker.write_conf({'data.sync': sync})

    def rage(self):
        """Until the power goes; the verdict counts that as a kill."""
        if self.sync:
            wait(lambda: not self.broker.running(), 'the cut', 3 * SECONDS)
        else:
            answers = self.random.randrange(1, ANSWERS_MAX)
            wait(lambda: self.answers() >= answers, f'{answers} answers', 3 * SECONDS)
            self.broker.signal(signal.SIGUSR2)
        code = self.broker.wait_exit()
        assert code == -signal.SIGKILL, f'the broker ended with {code}\n{self.broker.tail()}'
        self.killed('broker')
        self.kill_child('platform', self.start_platform)
        self.said = sum(line.startswith(('stored', 'shown')) for line in self.lines(self.file))
        del self.broker.env['LD_PRELOAD']
        self.broker.data = f'{self.image}/data'
        self.broker.start()
        self.start_due(everything=True)
        before = self.answers()
        wait(lambda: self.answers() > before, 'it goes on')

    def answers(self):
        return sum(line.startswith('shown') for line in self.lines(self.file))

    def run(self):
        self.broker.launch()
        for number in range(2):
            self.start_worker(number)
        self.start_platform()
        self.rage()
        problem = ''
        try:
            self.drain()
        except AssertionError as late:
            problem = str(late)
        verdict = self.verdict()
        if problem:
            verdict.unexpected.append(problem)
        return verdict


def play(seed, sync):
    one = PowerRound(seed, sync)
    begun = time.monotonic()
    try:
        verdict = one.run()
        where = f'cut at sync {one.cut_at}' if sync else 'cut at any time'
        print(f'data.sync = {str(sync).lower()} (seed {seed}, {where}): {words(verdict.total())}; '
              f'{len(verdict.wrote)} messages, {one.said} words of the broker before the cut; '
              f'{time.monotonic() - begun:.1f} s', flush=True)
        if sync and not verdict.good():
            one.show(verdict)
        return verdict
    finally:
        one.end()
        shutil.rmtree(one.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=int(os.environ.get('CHECK_ROUNDS') or 20))
    parser.add_argument('--seed', type=int, help='of the first round; the next ones follow')
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 30)
    totals, failed = Total(0, 0, 0, 0), 0
    for number in range(options.rounds):
        verdict = play(seed + number, True)
        totals = Total(*(a + b for a, b in zip(totals, verdict.total())))
        failed += not verdict.good()
    print(f'in total, with data.sync = true: {words(totals)}')
    seen = any(play(seed + number, False).lost for number in range(UNSYNCED_ROUNDS_MAX))
    if not seen:
        print(f'not one of {UNSYNCED_ROUNDS_MAX} rounds with data.sync = false has lost anything: this test is blind')
    print(f'{options.rounds - failed + seen} passed, {failed + (not seen)} failed')
    return 1 if failed or not seen else 0


if __name__ == '__main__':
    sys.exit(main())
