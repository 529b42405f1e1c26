"""Tests that are functions: each is run, whatever became of the others; `ok` or `not ok` for each, and the sum.

Names on the command line choose among them."""

import sys
import traceback


def passes(test):
    try:
        test()
    except Exception as error:  # whatever it is, the other tests run
        print(f'not ok {test.__name__}: {type(error).__name__}: {error}')
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        return False
    print(f'ok {test.__name__}', flush=True)
    return True


def main(tests):
    results = [passes(test) for test in tests if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]]
    print(f'{results.count(True)} passed, {results.count(False)} failed')
    return 1 if False in results else 0
