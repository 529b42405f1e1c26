#!/usr/bin/python3
# RUN: timeout=240
"""Does a worker keep to PROTOCOL.md? Scripted frames over a real socket, the same for every language.

usage: conformance_test.py [--only WORD] [--worker NAME=COMMAND]...
Without --worker: the C worker of the build in $PALAVER_BUILD (else the newest one), and worker.py with plain and with
asyncio handlers."""

import argparse
import glob
import os
import re
import shlex
import subprocess
import sys

from conformance import calls, jobs, links, several  # noqa: F401: each enters its tests into the table
from conformance.case import TESTS
from peer import Broker, Unexpected, Worker

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def run_one(name, function, options, command):
    broker = Broker(options.pop('curve', False))
    broker.environment.pop(options.pop('without', ''), None)
    worker = Worker(command, broker, **options)
    try:
        function(broker, worker)
        return None
    except Unexpected as problem:
        words = str(problem)
    except Exception as problem:
        words = f'{type(problem).__name__}: {problem}'
    finally:
        said = worker.text()
        worker.close()
        broker.close()
    return words + (f'\n#   it said: {said.strip()}' if said.strip() else '')


def standard_workers():
    build = os.environ.get('PALAVER_BUILD', f'{TOP}/build/*')
    built = sorted(glob.glob(f'{build}/test/wire/worker'), key=os.path.getmtime)
    workers = {'python': ['/usr/bin/python3', f'{HERE}/worker.py'],
               'asyncio': ['/usr/bin/python3', f'{HERE}/worker.py', '--async']}
    if built:
        workers = {'c': [built[-1]], **workers}
    else:
        print(f'not ok c: there is no {build}/test/wire/worker: build it with scons')
    return workers


def run_each(workers, only):
    """Each language in a process of its own, all at once."""
    runs = [subprocess.Popen([sys.executable, __file__, '--only', only, '--worker', f'{name}={shlex.join(command)}'],
                             stdout=subprocess.PIPE, text=True) for name, command in workers.items()]
    counts = [0, 0]
    for run in runs:
        *lines, last = run.communicate()[0].splitlines() or ['']
        print(*lines, sep='\n', flush=True)
        numbers = re.fullmatch(r'(\d+) passed, (\d+) failed', last)
        if not numbers:
            print(f'not ok: {shlex.join(run.args)} ended with {run.returncode}: {last}')
        for at in range(2):
            counts[at] += int(numbers[at + 1]) if numbers else at
    return counts


def main():
    options = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    options.add_argument('--only', default='', help='the tests that have one of these words in their name: WORD,WORD')
    options.add_argument('--worker', action='append', default=[], metavar='NAME=COMMAND')
    chosen = options.parse_args()
    workers = {name: shlex.split(command) for name, _, command in (text.partition('=') for text in chosen.worker)}
    workers = workers or standard_workers()
    passed = failed = 0
    if len(workers) > 1:
        passed, failed = run_each(workers, chosen.only)
        workers = {}
    for language, command in workers.items():
        for name, function, settings in TESTS:
            wanted = any(word in name for word in chosen.only.split(','))
            if not wanted or language not in settings.get('languages', (language,)):
                continue
            problem = run_one(name, function, {key: settings[key] for key in settings if key != 'languages'}, command)
            if problem:
                failed += 1
                print(f'not ok {language}: {name}\n#   {problem}', flush=True)
            else:
                passed += 1
                print(f'ok {language}: {name}', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed or not passed else 0


if __name__ == '__main__':
    sys.exit(main())
