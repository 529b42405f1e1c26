#!/usr/bin/python3
"""Does what the message's text says, for the conformance suite; worker.c does the same.

usage: worker.py [--async] THREADS CREDIT BATCH"""

import asyncio
import os
import sys
import threading
import time

TOP = os.path.join (os.path.dirname (os.path.abspath (__file__)), '..', '..')
sys.path[:0] = [os.path.join (TOP, 'agents', 'sdk'), os.path.join (TOP, 'test', 'system')]

import palaver  # noqa: E402
from palaverd import SECONDS, wait  # noqa: E402

paid = 0


def think (seconds):
    """What a handler's slow work looks like from outside: it does not return, and looks at nothing."""
    until = time.monotonic () + seconds
    while time.monotonic () < until:
        time.sleep (max (0, until - time.monotonic ()))


async def think_async (seconds):
    until = time.monotonic () + seconds
    while time.monotonic () < until:
        await asyncio.sleep (max (0, until - time.monotonic ()))


class Mute (Exception):
    def __str__ (self):
        raise KeyError ('no words')


class Stop (BaseException):
    """What a library ends its own loop with, beneath everything that catches Exception."""


# What a handler that means well may raise.
ODD = [SystemExit (3), Mute (), ValueError (chr (0xd800)), palaver.Nack ('general_error', KeyError ('reason')),
       palaver.Nack ('general_error', None), palaver.Nack ('timeout', 'later', delay_ms=2.5e3),
       palaver.Nack ('timeout', 'later', delay_ms=-1), palaver.Nack ('timeout', 'later', delay_ms=2**70),
       palaver.Nack ('timeout', 'never', permanent=1), Stop ('loop'), GeneratorExit ()]


def pay ():
    global paid
    paid += 1
    return f'paid {paid}'.encode ()


async def pay_async ():
    return pay ()


def bad (job):
    try:
        job.reply ({})
        raise SystemExit ('a body without response_text was taken')
    except ValueError:
        job.reply ('refused')
    try:
        job.reply ('twice')
        raise SystemExit ('a second answer was taken')
    except ValueError:
        pass


def live (job):
    job.typing ()
    job.delta ('one ')
    job.delta ('two')
    return 'one two'


def stream (job, text):
    job.delta (text)
    return 'streamed'


def state (job):
    job.set_state ('seen', 'once')
    job.set_state ('seen', 'twice')
    job.set_state ('old', None)
    return job.state.get ('risk', '')


def at_work (path):
    """Says that it is at work, which it is until there is a file of this name."""
    print ('at work', file=sys.stderr, flush=True)
    return lambda: os.path.exists (path)


def cancelled (job):
    print (f'cancelled: {job.cancelled}', file=sys.stderr, flush=True)
    return 'too late'


def common (job):
    """What does not wait."""
    command, _, rest = job.text.partition (' ')
    if command == 'nack':
        raise palaver.Nack (rest, 'asked', delay_ms=250)
    if command == 'refuse':
        raise palaver.Nack (rest, 'never', permanent=True)
    if command == 'echo':
        return rest
    if command == 'history':
        return ''.join (f'{turn.role}:{turn.text}|' for turn in job.history)
    if command == 'envelope':
        return f'{job.session_id} {job.user_id} {job.attempt} {"in time" if job.left_s > 0 else "late"}'
    if command == 'trial':
        return f'{"trial" if job.trial else "event"} {job.service}'
    if command == 'stream':
        return stream (job, rest)
    if command == 'raise':
        raise KeyError (rest)
    if command == 'forgot':
        return answer_async (job)       # nobody awaits it
    if command == 'fork':
        return fork ({'exit': lambda: sys.exit (7), 'raise': lambda: 1 // 0, 'return': lambda: None}[rest])
    if command == 'odd':
        raise ODD[int (rest)]
    return {'bad': bad, 'live': live, 'state': state}.get (command, lambda job: None) (job)


def outcome (failure):
    return f'no: {failure.outcome} {failure.code}'


def fork (end):
    """A process that a handler makes and that comes back out of it, as one that knows no better."""
    pid = os.fork ()
    if not pid:
        end ()
        return 'never heard'
    return f'it ended with {os.waitstatus_to_exitcode (os.waitpid (pid, 0)[1])}'


def call (job, rest):
    service, _, text = rest.partition (' ')
    try:
        return 'they said ' + job.call (service, text)['response_text']
    except palaver.CallFailed as failure:
        return outcome (failure)
    except palaver.Cancelled:
        return cancelled (job)


async def call_async (job, rest):
    service, _, text = rest.partition (' ')
    try:
        return 'they said ' + (await job.call_async (service, text))['response_text']
    except palaver.CallFailed as failure:
        return outcome (failure)
    except asyncio.CancelledError:
        cancelled (job)
        raise


def hang_up (job, rest):
    """The first call is ended from another thread as soon as it is under way; the second one is made in its place."""
    service, _, text = rest.partition (' ')

    thread = threading.Thread (target=wait, args=(job.cancel_calls, 'a call to end'))
    thread.start ()
    try:
        return 'not ended: ' + job.call (service, text)['response_text']
    except palaver.CallFailed as failure:
        thread.join ()
        return f'{failure.outcome}, {call (job, rest)}'


def wait_cancelled (job):
    wait (lambda: job.cancelled, 'the end of the job')
    return cancelled (job)


def outlive (job, path):
    """A call that is ended once there is a file of this name, and a job that goes on until it is taken back."""
    def end ():
        wait (lambda: os.path.exists (path), 'the gate is open')
        job.cancel_calls ()

    thread = threading.Thread (target=end)
    thread.start ()
    call (job, 'research rates')
    thread.join ()
    print ('a call was ended', file=sys.stderr, flush=True)
    return wait_cancelled (job)


async def outlive_async (job, path):
    asked = asyncio.ensure_future (job.call_async ('research', 'rates'))
    async with asyncio.timeout (SECONDS):
        while not os.path.exists (path):
            await asyncio.sleep (0.01)
    asked.cancel ()
    await asyncio.wait ([asked])
    print ('a call was ended', file=sys.stderr, flush=True)
    await asyncio.Event ().wait ()


async def hold_up (job):
    """What would stop the others is refused before anything is done; in a thread of its own it holds nobody up."""
    refused = []
    waits = (lambda: job.step ('fetch', pay), lambda: job.save_step ('fetch', b''), lambda: job.call ('two', ''))
    for wait_for in waits:
        try:
            wait_for ()
        except RuntimeError as problem:
            refused.append (str (problem).split ('await ')[1])
    return f'{await asyncio.to_thread (job.step, "fetch", pay)}, {refused}'


async def hang_up_async (job, rest):
    service, _, text = rest.partition (' ')
    try:
        return 'not ended: ' + (await asyncio.wait_for (job.call_async (service, text), 0.02))['response_text']
    except asyncio.TimeoutError:
        return f'cancelled, {await call_async (job, rest)}'


async def two_steps (job):
    results = await asyncio.gather (*(job.step_async (name, pay_async) for name in ('left', 'right')))
    return ', '.join (sorted (result.decode () for result in results))


async def ask_async (job):
    return (await job.call_async ('research', 'rates'))['response_text'].encode ()


def answer (job):
    command, _, rest = job.text.partition (' ')
    if command == 'sleep':
        think (int (rest) / 1000)
        return 'slept'
    if command == 'hold':
        is_open = at_work (rest)
        wait (lambda: is_open () or job.cancelled, 'the gate is open')
        return 'held'
    if command == 'step':
        return job.step ('fetch', pay).decode ()
    if command == 'call':
        return call (job, rest)
    if command == 'hangup':
        return hang_up (job, rest)
    if command == 'ask':
        return job.step ('research', lambda: job.call ('research', 'rates')['response_text'].encode ()).decode ()
    if command == 'outlive':
        return outlive (job, rest)
    if command == 'wait':
        return wait_cancelled (job)
    return common (job)


async def answer_async (job):
    command, _, rest = job.text.partition (' ')
    if command == 'sleep':
        await think_async (int (rest) / 1000)
        return 'slept'
    if command == 'hold':
        is_open = at_work (rest)
        async with asyncio.timeout (SECONDS):
            while not is_open ():
                await asyncio.sleep (0.01)
        return 'held'
    if command == 'step':
        return (await job.step_async ('fetch', pay_async)).decode ()
    if command == 'holdup':
        return await hold_up (job)
    if command == 'two':
        return await two_steps (job)
    if command == 'call':
        return await call_async (job, rest)
    if command == 'hangup':
        return await hang_up_async (job, rest)
    if command == 'outlive':
        return await outlive_async (job, rest)
    if command == 'ask':
        return (await job.step_async ('research', lambda: ask_async (job))).decode ()
    if command == 'wait':
        try:
            await asyncio.Event ().wait ()
        except asyncio.CancelledError:
            return cancelled (job)
    return common (job)


def answer_batch (jobs):
    for job in jobs:
        job.reply (f'batch of {len (jobs)}')


class AnswerBatch:
    """A handler may be an object, too."""

    async def __call__ (self, jobs):
        answer_batch (jobs)


def main ():
    threads, credit, batch = (int (text) for text in sys.argv[-3:])
    handlers = (answer_async, AnswerBatch ()) if '--async' in sys.argv else (answer, answer_batch)
    workers = [palaver.Worker (endpoint=endpoint, name='conformance', build='7', services=['one', 'two'],
                               cache_keys=['risk'], threads=threads, credit=credit, history=5,
                               batch={'size': batch, 'wait_ms': 50} if batch else None,
                               log=lambda line: print (f'worker: {line}', file=sys.stderr, flush=True))
               for endpoint in os.environ['PALAVER_AGENTS'].split ()]
    palaver.main (workers if len (workers) > 1 else workers[0], handlers[bool (batch)])


if __name__ == '__main__':
    main ()
