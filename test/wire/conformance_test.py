#!/usr/bin/python3
# RUN: timeout=240
"""Does a worker keep to PROTOCOL.md? Scripted frames over a real socket, the same for every language.

usage: conformance_test.py [--only WORD] [--worker NAME=COMMAND]...
Without --worker: the C worker of the build in $PALAVER_BUILD (else the newest one), and worker.py with plain and with
asyncio handlers."""

import argparse
import glob
import itertools
import math
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import time

import msgpack

from peer import Broker, SECONDS, Unexpected, VERBS, Worker, at_best, check, frame, job, packet

TESTS = []
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


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


@test(credit=3)
def says_who_it_is(broker, worker):
    _, (role, name, build, pid, options) = broker.expect('HELLO')
    check((role, name, build, pid) == ('agent', 'conformance', '7', worker.process.pid), f'{role} {name} {build} {pid}')
    check(options['services'] == ['one', 'two'], str(options))
    check(options['credit'] == 3 and options['history'] == 5, str(options))
    check(options['cache_keys'] == ['risk'], str(options))
    check(isinstance(options['incarnation'], bytes) and len(options['incarnation']) == 16, str(options))
    check(options.get('holding', []) == [] and options.get('batch') is None, str(options))
    broker.nothing(0.3)     # and nothing more before WELCOME


@test()
def answers(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'echo hello'))
    arguments = reply(broker, 65537, 'hello')
    check(arguments[2] is None or 'state' not in arguments[2], 'a state that nobody set')
    broker.send(peer, job(131073, 'envelope', attempt=3))
    reply(broker, 131073, 'web_42 Jörg 3 in time')


@test()
def sees_that_a_job_is_a_trial(broker, worker):
    peer, _ = broker.accept()
    options = {'trial': True, 'service': 'two', 'depth': 0, 'later': [1]}
    broker.send(peer, job(2**63 + 65537, 'trial', more=(options,)))
    reply(broker, 2**63 + 65537, 'trial two')
    for lease, more in ((65537, ()), (131073, (None,)), (196609, ({'trial': False},))):
        broker.send(peer, job(lease, 'trial', more=more))
        reply(broker, lease, 'event ')


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


@test()
def answers_ping_with_pong(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, frame('PING'))
    broker.expect('PONG')


@test()
def heartbeats_go_on_while_the_handler_blocks(broker, worker):
    peer, _ = broker.accept()
    leases = itertools.count(1)

    def longest_gap():
        lease, begun = next(leases) << 16 | 1, time.monotonic()
        broker.send(peer, job(lease, 'sleep 900'))
        reply(broker, lease, 'slept')
        check(time.monotonic() - begun >= 0.85, 'it did not sleep')
        beats = [begun] + [at for at in broker.pings if at > begun]
        return max(b - a for a, b in zip(beats, beats[1:])) if len(beats) >= 5 else math.inf

    at_best(longest_gap, 0.5)


@test()
def gives_back_what_it_cannot_do(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'nack llm_unavailable'))
    _, arguments = broker.expect('NACK')
    check(arguments[:5] == [65537, False, 250, 'llm_unavailable', 'asked'], str(arguments))
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [65537], str(again))
    broker.welcome(peer)
    _, arguments = broker.expect('NACK')    # kept until it is on disk
    broker.send(peer, frame('COMMITTED', [65537]))
    broker.send(peer, job(131073, 'no such command'))
    _, arguments = broker.expect('NACK')
    check(arguments[0] == 131073 and arguments[1] is False and arguments[3] == 'general_error', str(arguments))
    broker.send(peer, job(196609, 'echo still here'))
    reply(broker, 196609, 'still here')


@test()
def what_no_attempt_can_do_is_given_back_for_good(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'refuse data_unavailable'))
    _, arguments = broker.expect('NACK')
    check(arguments[:5] == [65537, True, None, 'data_unavailable', 'never'], str(arguments))


@test()
def a_bad_body_is_refused_and_a_second_answer_is_not_sent(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'bad'))
    reply(broker, 65537, 'refused')
    broker.nothing(0.2)


@test()
def saves_steps_and_waits_for_them(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'step'))
    _, arguments = broker.expect('STEP')
    check(arguments == [65537, 'fetch', b'paid 1'], str(arguments))
    broker.nothing(0.3)     # no reply before the step is saved
    broker.send(peer, frame('STEP_SAVED', 65537, 'fetch'))
    reply(broker, 65537, 'paid 1')


@test(languages=('asyncio',))
def each_of_two_steps_at_once_waits_for_its_own_disk(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'two'))
    said = [broker.expect('STEP')[1][1] for _ in range(2)]
    check(said == ['left', 'right'], str(said))
    broker.send(peer, frame('STEP_SAVED', 65537, 'right'))
    broker.nothing(0.3)     # the other one is not on disk
    broker.send(peer, frame('WHO'))
    broker.expect('HELLO')
    broker.welcome(peer)
    _, arguments = broker.expect('STEP')
    check(arguments == [65537, 'left', b'paid 1'], str(arguments))
    broker.nothing(0.3)     # what is on disk is not said again
    broker.send(peer, frame('STEP_SAVED', 65537, 'left'))
    reply(broker, 65537, 'paid 1, paid 2')


@test(languages=('asyncio',))
def what_would_hold_up_the_other_handlers_is_refused(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'holdup'))
    _, arguments = broker.expect('STEP')
    check(arguments == [65537, 'fetch', b'paid 1'], str(arguments))
    broker.send(peer, frame('STEP_SAVED', 65537, 'fetch'))
    instead = [f'job.{name}_async (...) instead' for name in ('step', 'save_step', 'call')]
    reply(broker, 65537, f'{b"paid 1"}, {instead}')


@test()
def a_redelivery_does_not_repeat_its_steps(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65538, 'step', attempt=2, steps={'other': b'x', 'fetch': b'paid by another'}))
    reply(broker, 65538, 'paid by another')


@test()
def reads_and_changes_the_state(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'state', state={'risk': 'low', 'old': 1}))
    arguments = reply(broker, 65537, 'low')
    changes = msgpack.unpackb(arguments[2]['state'])
    check(changes == {'seen': 'twice', 'old': None}, str(changes))


@test()
def reads_the_history(broker, worker):
    peer, _ = broker.accept()
    turns = [{'role': 'user', 'text': 'hi', 'timestamp': 1, 'later': 0},
             {'role': 'assistant', 'text': 'hällo', 'timestamp': 2}]
    broker.send(peer, job(65537, 'history', history=turns))
    reply(broker, 65537, 'user:hi|assistant:hällo|')


@test()
def streams_before_it_answers(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'live'))
    seen = []
    ids = set()
    for _ in range(3):
        _, (envelope, body) = broker.expect('LIVE')
        check(envelope['reply_to'] == bytes([1]) * 16, str(envelope))
        check(envelope['session_id'] == 'web_42' and envelope['platform'] == 'web', str(envelope))
        ids.add(envelope['id'])
        seen.append((envelope['type'], msgpack.unpackb(body)))
    check(len(ids) == 3 and all(len(identity) == 16 for identity in ids), str(ids))
    check(seen == [('chat.typing', {'active': True}), ('chat.delta', {'delta': 'one ', 'index': 0}),
                   ('chat.delta', {'delta': 'two', 'index': 1})], str(seen))
    reply(broker, 65537, 'one two')


@test()
def who_at_work_is_answered_with_what_it_holds(broker, worker):
    peer, first = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'))
    worker.says('at work')
    broker.send(peer, frame('WHO'), frame('WHO'))
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [65537], str(again))
    check(again[4]['incarnation'] == first[4]['incarnation'], 'another incarnation')
    broker.nothing(0.1)     # one HELLO, whatever the number of WHOs
    broker.welcome(peer)
    broker.open_gate()
    reply(broker, 65537, 'held')


@test()
def an_unanswered_reply_is_repeated(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'echo once'))
    reply(broker, 65537, 'once', commit=False)
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [65537], str(again))
    broker.welcome(peer)
    reply(broker, 65537, 'once')
    broker.nothing(0.1)
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [], str(again))


@test()
def an_answer_given_while_nobody_knows_us_comes_after_welcome(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'))
    worker.says('at work')
    broker.send(peer, frame('WHO'))
    broker.expect('HELLO')
    broker.open_gate()
    broker.nothing(0.5)
    broker.welcome(peer)
    reply(broker, 65537, 'held')
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')


@test()
def an_unsaved_step_is_repeated(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'step'))
    broker.expect('STEP')
    broker.send(peer, frame('WHO'))
    broker.expect('HELLO')
    broker.welcome(peer)
    _, arguments = broker.expect('STEP')
    check(arguments == [65537, 'fetch', b'paid 1'], str(arguments))
    broker.send(peer, frame('STEP_SAVED', 65537, 'fetch'))
    reply(broker, 65537, 'paid 1')


@test()
def a_broker_that_restarts_is_found_again(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'echo before'))
    reply(broker, 65537, 'before', commit=False)
    broker.unbind()
    broker.bind()
    until = time.monotonic() + SECONDS
    known = set()
    holding = None
    while holding is None and time.monotonic() < until:
        broker.silent = True
        parts = broker.router.recv_multipart() if broker.router.poll(1000) else None
        if parts and parts[1][4:5] == bytes([VERBS['HELLO']]):
            holding = msgpack.unpackb(parts[1][9:])[4]['holding']
            broker.silent = False
            broker.welcome(parts[0])
        elif parts and parts[0] not in known:
            known.add(parts[0])
            broker.send(parts[0], frame('WHO'))
    check(holding == [65537], f'holding {holding}')
    reply(broker, 65537, 'before')


@test()
def a_silent_broker_gets_a_new_connection(broker, worker):
    first, _ = broker.accept(timeout_ms=400)
    broker.silent = True
    second, hello = broker.expect('HELLO')
    check(second != first, 'the same connection')
    check(hello[4]['holding'] == [], str(hello))
    broker.silent = False
    broker.welcome(second)
    broker.send(second, job(65537, 'echo back'))
    reply(broker, 65537, 'back')


@test()
def a_hello_without_welcome_is_said_again_on_a_new_connection(broker, worker):
    first, _ = broker.expect('HELLO')
    begun = time.monotonic()
    second, _ = broker.expect('HELLO', 2.0)
    check(second != first, 'a second HELLO on the same connection')
    check(time.monotonic() - begun > 0.8, 'a broker that takes its time is not heard')
    third, _ = broker.expect('HELLO', 4.0)
    check(time.monotonic() - begun > 2.5, 'the patience does not grow')
    broker.welcome(third)
    broker.send(third, job(65537, 'echo hello'))
    reply(broker, 65537, 'hello')


@test()
def a_broker_that_says_bye_is_called_again_later(broker, worker):
    first, _ = broker.accept()
    begun = time.monotonic()
    broker.send(first, frame('BYE', 'restarting'))
    second, _ = broker.accept()
    check(second != first and time.monotonic() - begun >= 0.9, 'at once')
    broker.send(second, job(65537, 'echo again'))
    reply(broker, 65537, 'again')


@test()
def a_full_broker_is_called_again_later(broker, worker):
    first, _ = broker.expect('HELLO')
    begun = time.monotonic()
    broker.send(first, frame('ERROR', 'FULL', 'no place', 'HELLO'))
    second, _ = broker.accept()
    check(second != first and time.monotonic() - begun >= 0.9, 'at once')


@test()
def cancel_reaches_the_handler_and_its_answer_is_not_sent(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'wait'))
    broker.nothing(0.1)
    broker.send(peer, frame('CANCEL', 65537, 'interrupted', 'something newer'))
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')
    worker.says('cancelled: interrupted')
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [], str(again))


@test()
def the_deadline_reaches_the_handler(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'wait'))
    broker.nothing(0.1)
    broker.send(peer, frame('CANCEL', 65537, 'deadline', 'its time is over'))
    worker.says('cancelled: deadline')
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')


@test(languages=('asyncio',))
def cancel_ends_an_await(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'))
    worker.says('at work')
    broker.send(peer, frame('CANCEL', 65537, 'interrupted', ''))
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')
    check('a handler failed' not in worker.text(), worker.text())


@test(credit=3)
def cancel_takes_a_job_back_that_was_not_begun(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'), job(131073, 'echo never'), job(196609, 'echo third'))
    broker.send(peer, frame('CANCEL', 131073, 'deadline', ''), frame('PING'))
    broker.expect('PONG')
    broker.open_gate()
    reply(broker, 65537, 'held')
    reply(broker, 196609, 'third')
    broker.nothing(0.2)


@test()
def cancel_ends_the_wait_for_a_step(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'step'))
    broker.expect('STEP')
    broker.send(peer, frame('CANCEL', 65537, 'not_leased', ''))
    broker.send(peer, job(131073, 'echo next'))
    reply(broker, 131073, 'next')


@test()
def a_step_waits_no_longer_than_the_deadline(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'step', deadline_ms=300))
    broker.expect('STEP')
    _, arguments = broker.expect('NACK')
    check(arguments[0] == 65537 and arguments[3] == 'timeout', str(arguments))


@test(threads=3, credit=3)
def jobs_run_side_by_side(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, *(job(65536 * n + 1, f'hold {broker.gate}') for n in (1, 2, 3)))
    worker.says('at work', times=3)
    broker.open_gate()
    leases = {broker.expect('REPLY')[1][0] for _ in range(3)}
    check(leases == {65537, 131073, 196609}, str(leases))


@test(credit=64)
def answers_travel_together(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'echo warm'))
    reply(broker, 65537, 'warm')
    numbers = itertools.count(2)

    def packets():
        broker.packets = 0
        leases = [next(numbers) << 16 | 1 for _ in range(64)]
        broker.send(peer, *(job(lease, 'echo x') for lease in leases))
        got = [broker.expect('REPLY')[1][0] for _ in leases]
        check(got == leases, 'another order')
        broker.send(peer, frame('COMMITTED', leases))
        return broker.packets

    at_best(packets, 33)
    broker.send(peer, frame('WHO'))
    _, again = broker.expect('HELLO')
    check(again[4]['holding'] == [], str(again))


@test(credit=4, batch=4)
def batches_come_together(broker, worker):
    peer, hello = broker.accept()
    check(hello[4]['batch'] == {'size': 4, 'wait_ms': 50}, str(hello))
    parts = [job(65536 * n + 1, 'x', batch={'id': 9, 'index': n - 1, 'size': 3}) for n in (1, 2, 3)]
    broker.send(peer, parts[0])
    broker.send(peer, *parts[1:])
    for n in (1, 2, 3):
        reply(broker, 65536 * n + 1, 'batch of 3')
    broker.send(peer, job(65536 * 4 + 1, 'alone'))
    reply(broker, 65536 * 4 + 1, 'batch of 1')
    broker.send(peer, job(65536 * 5 + 1, 'x', batch={'id': 10, 'index': 0, 'size': 2}))
    reply(broker, 65536 * 5 + 1, 'batch of 1')   # the rest never came


@test()
def sigterm_when_idle_says_bye(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, frame('PING'))
    broker.expect('PONG')
    worker.signal()
    _, arguments = broker.expect('CREDIT')
    check(arguments == [0], str(arguments))
    broker.expect('BYE')
    code, text = worker.exit()
    check(code == 0, f'exit code {code}: {text}')


@test(credit=2)
def sigterm_at_work_finishes_first(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'), job(131073, 'echo waiting'))
    worker.says('at work')
    worker.signal()
    broker.expect('CREDIT')
    broker.open_gate()
    reply(broker, 65537, 'held', commit=False)
    reply(broker, 131073, 'waiting', commit=False)
    broker.nothing(0.3)     # not before the answers are on disk
    broker.send(peer, frame('COMMITTED', [65537, 131073]))
    broker.expect('BYE')
    code, text = worker.exit()
    check(code == 0, f'exit code {code}: {text}')


@test()
def a_second_sigterm_ends_it_at_once(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'))
    worker.says('at work')
    worker.signal()
    broker.expect('CREDIT')
    worker.signal()
    code, _ = worker.exit()
    check(code == -signal.SIGTERM, f'exit code {code}')


@test()
def another_major_version_is_named_and_the_exit_code_says_so(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, raw=packet(frame('ERROR', 'VERSION', 'we speak 2.0', 'HELLO'), version=(2, 0)))
    code, text = worker.exit()
    check(code == 76, f'exit code {code}: {text}')
    check('2.0' in text and '1.2' in text and 'upgrade' in text, text)


@test()
def a_refusal_is_printed_and_final(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, frame('ERROR', 'AUTH', 'this key may not do that', 'HELLO'))
    code, text = worker.exit()
    check(code == 77, f'exit code {code}: {text}')
    check('this key may not do that' in text, text)


@test()
def a_violation_by_the_broker_ends_it_even_at_work(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, f'hold {broker.gate}'))
    worker.says('at work')
    broker.send(peer, frame('ERROR', 'PROTOCOL', 'you said too much', 'STEP'))
    code, text = worker.exit()
    check(code == 76 and 'you said too much' in text, f'exit code {code}: {text}')


def violation(name, raw):
    def run(broker, worker):
        peer, _ = broker.accept()
        broker.send(peer, raw=raw)
        _, arguments = broker.expect('BYE')
        check(arguments[0], 'a BYE without a reason')
        code, text = worker.exit()
        check(code == 76, f'exit code {code}: {text}')
        check(len(text.splitlines()[-1]) > 10, text)
    run.__name__ = name
    test()(run)


def head(verb, size):
    return b'PV\1\1' + struct.pack('>BI', verb, size)


violation('an oversized frame is a violation', head(VERBS['WELCOME'], 4097) + b'\x93' + b'x' * 4096)
violation('a frame beyond its packet is a violation', head(VERBS['COMMITTED'], 100) + b'\x91\x90')
violation('half a head is a violation', b'PV\1\1\x03\0')
violation('an unknown verb is a violation', head(200, 1) + b'\x90')
violation('text that is not utf8 is a violation', head(VERBS['CANCEL'], 5) + b'\x93\x01\xa1\xff\xa0')
violation('too few arguments are a violation', head(VERBS['CANCEL'], 3) + b'\x92\x01\xa0')
violation('a wrong type is a violation', head(VERBS['COMMITTED'], 2) + b'\x91\x01')
violation('bytes behind the arguments are a violation', head(VERBS['PING'], 2) + b'\x90\x90')
violation('what is no packet is a violation', b'hello')
violation('a job without an envelope is a violation',
          packet(frame('JOB', 65537, 1, 1000, {'id': b'x'}, b'\x80', [], b'\x80', {}, None)))


@test(credit=2)
def a_later_minor_version_is_understood(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, raw=packet(frame('WELCOME', '9', HEARTBEAT, {'later': {}}, 'more'), version=(1, 9)))
    broker.send(peer, raw=packet(job(65537, 'echo hi', more=({'x': 1.5}, b'')), version=(1, 9)))
    reply(broker, 65537, 'hi')


HEARTBEAT = 200


class Both:
    """What a worker of two brokers is told about where they are."""

    def __init__(self, one, other):
        self.environment = {'PALAVER_AGENTS': f'{one.endpoint} {other.endpoint}'}


def for_two(run):
    """A worker of this broker and another one: (peer there, the other broker, peer at the other, worker)."""
    def with_two(broker, worker):
        broker.expect('HELLO')
        worker.process.kill()
        worker.process.wait()
        other = Broker()
        two = Worker(worker.process.args[:-3], Both(broker, other))
        try:
            run(broker, broker.accept()[0], other, other.accept()[0], two)
        except Unexpected as problem:
            raise Unexpected(f'{problem}: {two.text()}') from None
        finally:
            two.close()
            other.close()
    with_two.__name__ = run.__name__
    return with_two


@test()
@for_two
def jobs_of_two_brokers_are_answered_to_their_own(broker, peer, other, there, worker):
    broker.send(peer, job(65537, 'sleep 300'))
    other.send(there, job(65537, 'echo there'))      # the same lease: it is another broker's
    reply(other, 65537, 'there')
    reply(broker, 65537, 'slept')
    other.nothing(0.1)


@test()
@for_two
def a_broker_that_is_away_does_not_disturb_the_other(broker, peer, other, there, worker):
    other.unbind()
    for number in range(1, 4):
        broker.send(peer, job(number << 16 | 1, f'echo {number}'))
        reply(broker, number << 16 | 1, str(number))
    broker.nothing(2.5)     # the other one's silence is noticed
    other.bind()
    there, _ = other.accept()
    other.send(there, job(65537, 'echo back'))
    reply(other, 65537, 'back')


@test()
@for_two
def a_broker_that_refuses_ends_its_own_connection_alone(broker, peer, other, there, worker):
    other.send(there, frame('ERROR', 'AUTH', 'not this key', 'HELLO'))
    worker.says('not this key')
    broker.send(peer, job(65537, 'echo here'))
    reply(broker, 65537, 'here')
    worker.signal()
    broker.expect('CREDIT')
    broker.expect('BYE')
    code, text = worker.exit()
    check(code == 77, f'exit code {code}: {text}')


@test()
@for_two
def a_signal_drains_both(broker, peer, other, there, worker):
    for one, at in ((broker, peer), (other, there)):    # each has its WELCOME
        one.send(at, job(65537, 'echo ready'))
        reply(one, 65537, 'ready')
    worker.signal()
    for one in (broker, other):
        one.expect('CREDIT')
        one.expect('BYE')
    code, text = worker.exit()
    check(code == 0, f'exit code {code}: {text}')


@test()
def empty_packets_and_foreign_leases_are_passed_over(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, raw=packet())
    broker.send(peer, frame('COMMITTED', [1, 2, 3]), frame('CANCEL', 99, 'not_leased', ''),
                frame('STEP_SAVED', 5, 'x'))
    broker.send(peer, job(65537, 'echo fine'))
    reply(broker, 65537, 'fine')


@test(curve=True)
def other_machines_are_spoken_with_under_curve(broker, worker):
    peer, hello = broker.accept()
    check(worker.environment['PALAVER_AGENTS'].startswith('tcp://'), 'not over tcp')
    broker.send(peer, job(65537, 'echo far away'))
    reply(broker, 65537, 'far away')


@test(curve=True, without='PALAVER_BROKER_CERT')
def tcp_without_keys_is_refused_at_once(broker, worker):
    code, text = worker.exit()
    check(code == 64 and 'PALAVER_BROKER_CERT' in text, f'exit code {code}: {text}')


@test(languages=('python', 'asyncio'))
def an_exception_gives_the_job_back(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'raise oh'))
    _, arguments = broker.expect('NACK')
    check(arguments[0] == 65537 and arguments[1] is False and arguments[3] == 'general_error', str(arguments))
    check('KeyError' in arguments[4] and 'oh' in arguments[4], str(arguments))
    worker.says('a handler failed: KeyError')
    worker.says('raise KeyError (rest)')


@test(languages=('python', 'asyncio'))
def whatever_a_handler_raises_the_worker_lives(broker, worker):
    peer, _ = broker.accept()
    given = [('general_error', 'SystemExit: 3'), ('general_error', 'Mute'), ('general_error', 'ValueError: ?'),
             ('general_error', 'reason'), ('general_error', ''), ('timeout', 'later'), ('timeout', 'later'),
             ('timeout', 'later'), ('timeout', 'never')]
    delays = {5: 2500, 6: 0, 7: 2**53}
    for at, (code, words) in enumerate(given):
        broker.send(peer, job(65537 + at, f'odd {at}'))
        _, (lease, permanent, delay_ms, said, reason) = broker.expect('NACK')
        check((lease, permanent, said) == (65537 + at, at == 8, code) and words in reason, f'{at}: {said} {reason}')
        check(delay_ms == delays.get(at) and type(delay_ms) is type(delays.get(at)), f'{at}: {delay_ms}')
        broker.send(peer, frame('COMMITTED', [lease]))
    broker.send(peer, job(131073, 'echo fine'))
    reply(broker, 131073, 'fine')


@test(languages=('python', 'asyncio'))
def a_handler_that_forgets_to_await_hears_of_it(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'forgot'))
    check('no coroutine' in broker.expect('NACK')[1][4], 'the reason does not say what came instead of an answer')


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
