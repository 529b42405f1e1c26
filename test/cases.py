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
    wanted = sys.argv[1:] or [test.__name__ for test in tests]
    known = {test.__name__: test for test in tests}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f'no such test: {", ".join(unknown)}')
        return 2
    results = [passes(known[name]) for name in wanted]
    print(f'{results.count(True)} passed, {results.count(False)} failed')
    return 1 if False in results else 0
