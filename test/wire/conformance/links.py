"""The connection: introductions, heartbeats, brokers that restart, refuse or break the protocol, and the end."""

import itertools
import math
import signal
import struct
import time

import msgpack

from conformance.case import HEARTBEAT, reply, test
from peer import SECONDS, VERBS, at_best, check, frame, job, packet


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
violation('a lease that is a text is a violation', packet(frame('COMMITTED', [65537, 'x'])))
violation('a lease that is a map is a violation', packet(frame('COMMITTED', [{}])))
violation('bytes behind the arguments are a violation', head(VERBS['PING'], 2) + b'\x90\x90')
violation('what is no packet is a violation', b'hello')
violation('a job that is cut off is a violation', head(VERBS['JOB'], 5) + b'\x99\x01\xd4\xff\x00')
violation('a job with bytes behind its arguments is a violation',
          head(VERBS['JOB'], 22) + b'\x99\x01\x01\x01\x81\xd4\xff\x00\x00\xc4\x01\x80'
          b'\x90\xc4\x01\x80\x80\xc0\x90\x90\x90')
violation('a job without an envelope is a violation',
          packet(frame('JOB', 65537, 1, 1000, {'id': b'x'}, b'\x80', [], b'\x80', {}, None)))


@test()
def a_heartbeat_beyond_all_bounds_is_a_violation(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.welcome(peer, heartbeat_ms=2**63, timeout_ms=2**63)
    _, arguments = broker.expect('BYE')
    check('heartbeat_ms' in arguments[0], str(arguments))
    code, text = worker.exit()
    check(code == 76, f'exit code {code}: {text}')


@test(credit=2)
def a_later_minor_version_is_understood(broker, worker):
    peer, _ = broker.expect('HELLO')
    broker.send(peer, raw=packet(frame('WELCOME', '9', HEARTBEAT, {'later': {}}, 'more'), version=(1, 9)))
    broker.send(peer, raw=packet(job(65537, 'echo hi', more=({'x': 1.5}, b'')), version=(1, 9)))
    reply(broker, 65537, 'hi')


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
