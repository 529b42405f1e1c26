#!/usr/bin/python3
# RUN: timeout=1800 label=slow variants=release,debug
"""kill -9 of the tool, of the broker, or of both at random moments of a replay: the plan, applied again, finishes it.

    replay_crash_test.py [--rounds N] [--seed SEED]

A round has a broker, a worker in Python that writes down each job that it begins, some hundred dead letters, and a
plan for all of them. It is applied and killed a few times, then applied until everything is done. Every letter must
have come to the worker exactly once: an answer under way when the broker dies is kept by the worker, which says what it
holds. $CHECK_ROUNDS says how many rounds there are, at most 100; --seed repeats one.
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
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(HERE, '..', 'system')]
from palaverd import BUILD, PATIENCE, Broker, World, wait  # noqa: E402

PYTHON = '/usr/bin/python3'
LETTERS, SESSIONS = 400, 60
END_S = 60 * PATIENCE
CONF = {
    'agents.heartbeat_ms': 100, 'agents.timeout_ms': 5000, 'agents.backoff_ms': 5, 'agents.backoff_max_ms': 20,
    # Many kills are no fault of a letter or of a route, and nobody is told.
    'agents.attempts': 1000, 'breaker.threshold': 1000000, 'fallback.general_error': '', 'data.reflect_s': 1,
    'log.level': 'info', 'limits.session_queue': 100000,
}
WORKER = '''
import os
import sys
import palaver

def answer(job):
    with open(sys.argv[1], 'a') as file:
        file.write(job.envelope['id'].hex() + '\\n')
    return 'now'

palaver.main(palaver.Worker(name='clerk', services=['advisor'], credit=32), answer)
'''


class Round:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.folder = tempfile.mkdtemp(prefix='r')
        self.world = World(self.folder)
        self.broker = Broker(self.folder, CONF, env=self.world.env())
        self.seen, self.plan = f'{self.folder}/seen', f'{self.folder}/plan'
        self.worker, self.kills, self.before = None, collections.Counter(), 0

    def close(self):
        if self.worker:
            self.worker.kill()
            self.worker.wait()
        self.broker.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_letters(self):
        adapter, worker = self.broker.adapter(), self.broker.worker(credit=1000)
        for i in range(LETTERS):
            adapter.publish(f'bad {i}', session=str(i % SESSIONS))
        for _ in range(LETTERS):
            worker.nack(worker.job()['lease'], permanent=True, reason='no such fund')
        self.broker.wait_metric('dead', LETTERS, END_S)
        worker.bye()
        adapter.bye()

    def tool(self, *words):
        return subprocess.Popen([f'{BUILD}/bin/palaver', 'dead', 'replay', *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env={**os.environ, 'PALAVER_RUN': self.broker.run})

    def start_worker(self):
        env = {**os.environ, 'PALAVER_AGENTS': f'ipc://{self.broker.run}/agents.ipc', 'PYTHONPATH': f'{TOP}/agents/sdk'}
        self.worker = subprocess.Popen([PYTHON, '-c', WORKER, self.seen], env=env, stderr=subprocess.DEVNULL)
        wait(lambda: self.broker.ask('agents.list')['items'], 'the worker is there', END_S)

    def jobs(self):
        if not os.path.exists(self.seen):
            return []
        with open(self.seen, encoding='ascii') as file:
            return file.read().split()

    def kill(self, tool, victim):
        """At a random moment: some more letters have come to the worker, or some milliseconds later."""
        target = len(self.jobs()) + self.random.randrange(60)
        wait(lambda: len(self.jobs()) >= target or tool.poll() is not None, 'some are sent', END_S)
        moment = time.monotonic() + self.random.random() * 0.02
        wait(lambda: time.monotonic() > moment, 'some milliseconds', END_S)
        if victim != 'broker':
            tool.send_signal(signal.SIGKILL)
        if victim != 'tool':
            self.broker.restart(crash=True)
        tool.kill()
        tool.communicate()
        self.kills[victim] += 1

    def apply_to_the_end(self):
        for _ in range(20):
            tool = self.tool('--apply', self.plan)
            try:
                out, err = tool.communicate(timeout=END_S)
            finally:
                tool.kill()
            if tool.returncode == 0:
                return
        raise AssertionError(f'the plan does not come to its end: {out}\n{err}')

    def quiet(self):
        counts = self.broker.ask('status')['counts']
        return counts['leases'] == 0 and counts['pending_events'] == 0

    def run(self):
        self.broker.start()
        self.make_letters()
        made = self.tool('--all', '--plan', self.plan)
        assert made.wait(END_S) == 0, made.communicate()
        ids = {row['id'].replace('-', '') for row in self.broker.ask('dead.list', limit=1000)['items']}
        self.start_worker()
        self.world.set(sync_s=0.01)  # it takes its time, so that there is a middle
        for _ in range(self.random.randrange(1, 5)):
            self.kill(self.tool('--apply', self.plan), self.random.choice(('tool', 'broker', 'both')))
        self.world.set()
        self.apply_to_the_end()
        wait(self.quiet, 'everything is answered', END_S)
        times = collections.Counter(self.jobs())
        assert set(times) == ids, f'{len(ids - set(times))} letters never came, {len(set(times) - ids)} are strange'
        twice = [one for one, count in times.items() if count > 1]
        assert not twice, f'{len(twice)} letters came more than once, {twice[0]} {times[twice[0]]} times'
        assert self.broker.metric('dead') == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=min(100, int(os.environ.get('CHECK_ROUNDS') or 20)))
    parser.add_argument('--seed', type=int, default=None)
    choice = parser.parse_args()
    seeds = [choice.seed] if choice.seed is not None else [random.randrange(1 << 32) for _ in range(choice.rounds)]
    failed, kills = 0, collections.Counter()
    for seed in seeds:
        one = Round(seed)
        try:
            one.run()
            kills += one.kills
            print(f'ok seed {seed}: {dict(one.kills)}', flush=True)
        except AssertionError as problem:
            failed += 1
            print(f'not ok seed {seed}: {problem}\n{one.broker.tail(40)}', flush=True)
        finally:
            one.close()
    print(f'# {len(seeds)} rounds, {sum(kills.values())} kills: {dict(kills)}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
