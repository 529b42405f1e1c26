#!/usr/bin/python3
# RUN: timeout=900 variants=release,asan
"""The simulator: seeds that must hold, and bugs that must be caught.

$CHECK_SEEDS says how many seeds (default 2000); the sanitizers get a tenth of them.
"""

import os
import subprocess
import sys

BUILD = os.environ.get('PALAVER_BUILD', 'build/release')
SEEDS = int(os.environ.get('CHECK_SEEDS', '2000'))
if not BUILD.rstrip('/').endswith('release'):
    SEEDS = max(200, SEEDS // 10)


def main():
    program = os.path.join(BUILD, 'test/sim/simulate')
    caught = subprocess.run([program, '--self-test'], stdout=subprocess.PIPE, text=True, check=False)
    print(caught.stdout, end='')
    held = subprocess.run([program, '--seeds', str(SEEDS)], stdout=subprocess.PIPE, text=True, check=False)
    print(held.stdout.replace(' passed, ', ' seeds held, ').replace(' failed', ' did not'), end='')
    print('ok every seed holds' if held.returncode == 0 else 'not ok every seed holds')
    return 1 if caught.returncode or held.returncode else 0


if __name__ == '__main__':
    sys.exit(main())
