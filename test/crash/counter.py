#!/usr/bin/python3
"""A worker that counts the messages of each session in the session's state, to be killed at any moment.

    counter.py ENDPOINT FILE

Its answer is the message, and behind it the count: with every change of the state kept together with its answer, or
not at all, the count is always the message's number. Each job is one line of FILE: SESSION N.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'agents', 'sdk'))
import palaver  # noqa: E402

JOBS = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def answer(job):
    words = job.text.split()
    os.write(JOBS, f'{words[4]} {words[1]}\n'.encode())
    count = job.state.get('count', 0) + 1
    if count % 16 == 0:
        seen = job.step('look', lambda: b'%d' % count)
        assert seen == b'%d' % count, (seen, count)
    job.set_state('count', count)
    return f'{job.text} counted {count}'


if __name__ == '__main__':
    palaver.main(palaver.Worker(endpoint=sys.argv[1], services=['advisor'], name='counter', credit=16), answer)
