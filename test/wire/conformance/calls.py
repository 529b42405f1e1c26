"""Jobs that call another service."""

import msgpack

from conformance.case import HEARTBEAT, reply, test
from peer import check, frame, job, packet


def called(broker, lease, service='research', text='rates'):
    """The next frame is such a CALL: its peer and number."""
    peer, (of, number, to, body, options) = broker.expect('CALL')
    check((of, to, msgpack.unpackb(body)) == (lease, service, {'message_text': text}), f'{of} {to} {body!r}')
    check(options is None, str(options))
    return peer, number


def answer_call(broker, peer, lease, number, text):
    broker.send(peer, frame('ANSWER', lease, number, 'answer', msgpack.packb({'response_text': text}), None, None))


@test()
def calls_another_service_and_waits(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'call research rates'))
    peer, number = called(broker, 65537)
    broker.send(peer, frame('ANSWER', 65537, number + 1, 'answer', msgpack.packb({'response_text': 'not this'}), None,
                            None))
    broker.nothing(0.2)
    answer_call(broker, peer, 65537, number, 'three per cent')
    reply(broker, 65537, 'they said three per cent')
    broker.send(peer, job(131073, 'call deep y'))
    _, number = called(broker, 131073, 'deep', 'y')
    broker.send(peer, frame('ANSWER', 131073, number, 'nack', None, 'data_unavailable', 'no rates', 'later'))
    reply(broker, 131073, 'no: nack data_unavailable')


@test()
def heartbeats_go_on_while_a_call_waits(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'call research rates'))
    peer, number = called(broker, 65537)
    before = len(broker.pings)
    broker.nothing(0.6)
    check(len(broker.pings) - before >= 2, f'{len(broker.pings) - before} heartbeats in 0.6 s')
    answer_call(broker, peer, 65537, number, 'x')
    reply(broker, 65537, 'they said x')


@test()
def a_call_is_made_again_after_a_reconnect(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'call research rates'))
    peer, number = called(broker, 65537)
    broker.send(peer, frame('WHO'))
    _, hello = broker.expect('HELLO')
    check(hello[4]['holding'] == [65537], str(hello))
    broker.welcome(peer)
    peer, again = called(broker, 65537)
    check(again == number, 'another number')
    answer_call(broker, peer, 65537, number, 'y')
    reply(broker, 65537, 'they said y')


@test()
def a_call_is_ended_and_the_job_goes_on(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'hangup research rates'))
    peer, number = called(broker, 65537)
    _, arguments = broker.expect('CALL_CANCEL')
    check(arguments == [65537, number], f'{arguments} for call {number}')
    answer_call(broker, peer, 65537, number, 'it has crossed')
    peer, again = called(broker, 65537)
    check(again != number, 'the number of the call that was ended')
    broker.send(peer, frame('WHO'))     # the call that was ended is not made again
    broker.expect('HELLO')
    broker.welcome(peer)
    check(broker.expect('CALL_CANCEL')[1] == [65537, number], 'its end may be lost, and is not said again')
    peer, number = called(broker, 65537)
    check(number == again, f'call {number} is made again instead of {again}')
    answer_call(broker, peer, 65537, again, 'y')
    reply(broker, 65537, 'cancelled, they said y', commit=False)
    broker.send(peer, frame('WHO'))     # nor is the end, which stood in front of a call that was answered
    broker.expect('HELLO')
    broker.welcome(peer)
    reply(broker, 65537, 'cancelled, they said y')


@test()
def a_call_that_is_ended_while_the_broker_is_away_is_ended_when_it_is_back(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'outlive {broker.gate}'))
    peer, number = called(broker, 65537)
    broker.send(peer, frame('WHO'))
    broker.expect('HELLO')
    broker.open_gate()
    worker.says('a call was ended')
    for _ in range(2):      # it may be lost again
        broker.welcome(peer)
        peer, arguments = broker.expect('CALL_CANCEL')
        check(arguments == [65537, number], f'{arguments} for call {number}')
        broker.send(peer, frame('WHO'))
        broker.expect('HELLO')


@test()
def a_broker_that_cannot_end_a_call_is_not_asked_to(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, raw=packet(frame('WELCOME', '0.1.0', HEARTBEAT, {}), version=(1, 1)))
    broker.send(peer, raw=packet(job(65537, 'hangup research rates'), version=(1, 1)))
    called(broker, 65537)
    peer, again = called(broker, 65537)
    answer_call(broker, peer, 65537, again, 'z')
    reply(broker, 65537, 'cancelled, they said z')


@test()
def a_call_ends_with_its_job(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'call research rates'))
    peer, _ = called(broker, 65537)
    broker.send(peer, frame('CANCEL', 65537, 'interrupted', 'something newer'))
    worker.says('cancelled: interrupted')
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')


@test()
def a_call_inside_a_step_is_paid_for_once(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'ask'))
    peer, number = called(broker, 65537)
    answer_call(broker, peer, 65537, number, 'dear')
    _, arguments = broker.expect('STEP')
    check(arguments == [65537, 'research', b'dear'], str(arguments))
    broker.send(peer, frame('CANCEL', 65537, 'not_leased', ''))
    broker.send(peer, job(65538, 'ask', attempt=2, steps={'research': b'dear'}))
    reply(broker, 65538, 'dear')


@test()
def a_broker_that_knows_no_calls_is_named(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, raw=packet(frame('WELCOME', '0.1.0', HEARTBEAT, {}), version=(1, 0)))
    broker.send(peer, raw=packet(job(65537, 'call research rates'), version=(1, 0)))
    _, arguments = broker.expect('REPLY')
    check(msgpack.unpackb(arguments[1])['response_text'].startswith('no: '), str(arguments))
