"""Jobs: answers, steps, state, history, deadlines, batches, and handlers that fail."""

import itertools
import struct

import msgpack

from conformance.case import reply, test
from peer import VERBS, at_best, check, envelope, frame, job


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


@test()
def a_step_is_waited_for_however_far_the_deadline_is(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'step', deadline_ms=2**64 - 1))
    broker.expect('STEP')
    broker.nothing(0.3)
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


# Values that are whole, and that not every language can hold: a time of a wrong length, and a map as a key.
ODD_VALUES = (b'\xd4\xff\x00', b'\xc7\x03\xff\x00\x00\x00', b'\x81\x80\x01')


def job_with(lease, odd, part):
    """A job one part of which has, under a key of its own, a value that is given packed."""
    def packed(value, name):
        plain = msgpack.packb(value)
        return bytes([plain[0] + 1]) + plain[1:] + b'\xa3odd' + odd if part == name else plain     # maps of few keys

    arguments = [msgpack.packb(one) for one in (lease, 1, 10000)] + [
        packed(envelope(), 'envelope'),
        msgpack.packb(packed({'message_text': 'echo odd'}, 'body')),
        b'\x91' + packed({'role': 'user', 'text': 'hi', 'timestamp': 1}, 'history'),
        msgpack.packb(packed({}, 'state')),
        b'\x80', b'\xc0']
    body = bytes([0x90 + len(arguments)]) + b''.join(arguments)
    return struct.pack('>BI', VERBS['JOB'], len(body)) + body


def fails_alone(part):
    def run(broker, worker):
        peer, _ = broker.accept()
        for at, odd in enumerate(ODD_VALUES):
            lease = 65537 + at
            broker.send(peer, job_with(lease, odd, part), job(131073 + at, 'echo next'))
            _, verb, arguments = broker.next()
            check(arguments[0] == lease, f'{odd}: {verb} {arguments}')
            if verb == 'NACK':
                check(arguments[1:4] == [True, None, 'general_error'], f'{odd}: {arguments}')
                check(f'the {part} of the job cannot be read' in arguments[4], f'{odd}: {arguments}')
            else:
                check(verb == 'REPLY' and msgpack.unpackb(arguments[1])['response_text'] == 'odd', f'{odd}: {verb}')
            broker.send(peer, frame('COMMITTED', [lease]))
            reply(broker, 131073 + at, 'next')
        broker.send(peer, frame('WHO'))
        _, again = broker.expect('HELLO')
        check(again[4]['holding'] == [], str(again))
    run.__name__ = f'a job whose {part} has what the language cannot hold fails alone'
    test(credit=2)(run)


for one in ('envelope', 'body', 'history', 'state'):
    fails_alone(one)


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
def a_long_piece_is_streamed_in_several(broker, worker):
    peer, _ = broker.accept()
    text = 'x' + 'é' * 50000 + '😀' * 30000
    broker.send(peer, job(65537, f'stream {text}'))
    said, verb = [], ''
    while verb != 'REPLY':
        _, verb, arguments = broker.next()
        if verb == 'LIVE':
            said.append(msgpack.unpackb(arguments[1]))
            check(len(arguments[1]) <= 60000, f'a piece of {len(arguments[1])} bytes')
    check(''.join(one['delta'] for one in said) == text, 'another text')
    check([one['index'] for one in said] == list(range(len(said))), str([one['index'] for one in said]))


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
             ('timeout', 'later'), ('timeout', 'never'), ('general_error', 'Stop: loop'),
             ('general_error', 'GeneratorExit')]
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
def a_process_that_a_handler_forks_is_no_second_worker(broker, worker):
    peer, _ = broker.accept()
    for at, (how, code) in enumerate((('exit', 7), ('raise', 1), ('return', 0))):
        broker.send(peer, job(65537 + at, f'fork {how}'))
        reply(broker, 65537 + at, f'it ended with {code}')
    worker.says('ZeroDivisionError')


@test(languages=('python', 'asyncio'))
def a_handler_that_forgets_to_await_hears_of_it(broker, worker):
    peer, _ = broker.accept()
    broker.send(peer, job(65537, 'forgot'))
    check('no coroutine' in broker.expect('NACK')[1][4], 'the reason does not say what came instead of an answer')
