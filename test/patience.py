"""How long tests wait for what must come: one notion for all of them.

A deadline ends the test of a broken program; it never measures a working one. So it is long enough for a machine on
which much else runs, and longer still with sanitizers. What a test is about (a time-out of the product, a pace) is
said in the test itself, never with SECONDS.
"""

import os

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get('PALAVER_BUILD') or os.path.join(TOP, 'build', 'debug')
VARIANT = os.path.basename(BUILD)
# How much slower a program is than one without sanitizers.
PATIENCE = 3 if VARIANT in ('asan', 'tsan') else 1
SECONDS = 30 * PATIENCE


def at_best(measure, limit, times=5):
    """What is measured is below the limit in one of a few rounds: a busy machine delays one round or
    another, a slow program is slow in each of them."""
    took = []
    while len(took) < times:
        took.append(measure())
        if took[-1] < limit:
            return took[-1]
    raise AssertionError(f'not below {limit} in {times} rounds: {", ".join(f"{one:.3f}" for one in took)}')
