"""What the tests of conformance share. A test is a function of a scripted broker and a worker."""

import msgpack

from peer import check, frame

TESTS = []
HEARTBEAT = 200     # milliseconds, of a broker that says nothing else


def test(**options):
    def add(function):
        TESTS.append((function.__name__.replace('_', ' '), function, options))
        return function
    return add


def reply(broker, lease, text, commit=True):
    peer, arguments = broker.expect('REPLY')
    check(arguments[0] == lease, f'lease {arguments[0]} instead of {lease}')
    body = msgpack.unpackb(arguments[1])
    check(body['response_text'] == text, f'{body["response_text"]!r} instead of {text!r}')
    if commit:
        broker.send(peer, frame('COMMITTED', [lease]))
    return arguments
