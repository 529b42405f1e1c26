"""TCP ports for programs that have to be told one before they start.

The ports lie below those that the system gives to outgoing connections. While the process lives that asked for a
port, no other test gets it: a socket in the abstract namespace is the lock, which goes with its holder.
"""

import random
import socket

FIRST, LAST = 20000, 32000
locks = []


def lock(port):
    """False: another test has it."""
    one = socket.socket(socket.AF_UNIX)
    try:
        one.bind(f'\0palaver-test-port-{port}')
    except OSError:
        one.close()
        return False
    locks.append(one)
    return True


def usable(port):
    with socket.socket() as probe:
        # As programs bind: what lingers of an earlier connection is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            return False
    return True


def free_port():
    return next(port for port in random.sample(range(FIRST, LAST), LAST - FIRST) if lock(port) and usable(port))
