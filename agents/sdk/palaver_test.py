#!/usr/bin/python3
# RUN: timeout=60 variants=debug,release
"""What palaver.py does by itself; test/wire/conformance_test.py says how it speaks with a broker."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import msgpack
import zmq.auth

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import palaver  # noqa: E402

SECONDS = 30


class Workers(unittest.TestCase):
    def test_a_worker_that_has_ended_rings_nobody_elses_file(self):
        worker = palaver.Worker(endpoint='ipc:///nobody/listens/here', signals=False)
        worker.stop()
        worker.run(lambda job: 'never')
        pairs = [socket.socketpair() for _ in range(16)]      # they get the numbers of what was closed
        for end in (end for pair in pairs for end in pair):
            end.setblocking(False)
            self.addCleanup(end.close)
        worker.stop()
        for end in (end for pair in pairs for end in pair):
            with self.assertRaises(BlockingIOError):
                end.recv(1)

    def test_a_worker_that_is_gone_leaves_no_file_open(self):
        before = len(os.listdir('/proc/self/fd'))
        for _ in range(2):
            worker = palaver.Worker(endpoint='ipc:///nobody/listens/here', signals=False)
            worker.stop()
            worker.run(lambda job: 'never')
        idle = palaver.Worker()    # never run
        idle.stop()
        self.assertEqual(len(os.listdir('/proc/self/fd')), before)


class Keys(unittest.TestCase):
    def test_a_file_that_will_not_do_is_said_to_be_what_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            public, _ = zmq.auth.create_certificates(folder, 'both')
            _, opened = zmq.auth.create_certificates(folder, 'opened')
            os.chmod(opened, 0o640)
            empty = os.path.join(folder, 'empty')
            with open(empty, 'w', encoding='ascii'):
                pass
            for path, code, words in ((f'{folder}/none', 'NOENT', 'No such file or directory'),
                                      (folder, 'NOENT', 'Is a directory'), (public, 'SYNTAX', 'has no secret-key'),
                                      (empty, 'NOENT', 'No public key'),
                                      (opened, 'PERM', f'others may read it: chmod 600 {opened}')):
                worker = palaver.Worker(endpoint='tcp://127.0.0.1:9', cert=path, broker_cert=public, signals=False)
                with self.assertRaises(palaver.Refused) as refused:
                    worker.run(lambda job: 'never')
                self.assertEqual(refused.exception.code, code)
                self.assertIn(f'{path}: {words}', str(refused.exception))


class Signals(unittest.TestCase):
    def test_a_process_that_a_handler_has_made_ends_by_them_as_others_do(self):
        worker = palaver.Worker(endpoint='ipc:///nobody/listens/here')
        before = worker._catch_signals(worker.stop)
        try:
            for number in before:
                here, there = os.pipe()
                child = os.fork()
                if not child:
                    os.write(there, b'!')
                    time.sleep(SECONDS)
                    os._exit(7)
                os.read(here, 1)
                os.kill(child, number)
                for end in (here, there):
                    os.close(end)
                self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), -number)
        finally:
            for number, action in before.items():
                signal.signal(number, action)


class Main(unittest.TestCase):
    PROGRAM = """import palaver
palaver.main(palaver.Worker(name='hello', endpoint=%r%s), print)
"""

    def first_line(self, more='', endpoint='ipc:///nobody/listens/here'):
        """What it says while it looks for a broker, until it is stopped."""
        child = subprocess.Popen([sys.executable, '-c', self.PROGRAM % (endpoint, more)], text=True,
                                 stderr=subprocess.PIPE, cwd=os.path.dirname(os.path.abspath(__file__)))
        try:
            with child.stderr:
                return child.stderr.readline()
        finally:
            child.terminate()
            child.wait(20)

    def test_a_program_says_that_nobody_answers(self):
        self.assertEqual(self.first_line(), 'hello: no answer from ipc:///nobody/listens/here: trying again\n')

    def test_over_tcp_the_keys_may_be_why(self):
        with tempfile.TemporaryDirectory() as folder:
            public, secret = zmq.auth.create_certificates(folder, 'both')
            os.chmod(secret, 0o600)
            line = self.first_line(f', cert={secret!r}, broker_cert={public!r}', 'tcp://127.0.0.1:9')
        self.assertEqual(line, 'hello: no answer from tcp://127.0.0.1:9: trying again; who is not in its '
                               'keys/agents, or has a wrong broker.cert, gets none\n')

    def test_each_of_several_says_once_why_it_ends(self):
        program = """import palaver
palaver.main([palaver.Worker(name=name, endpoint='tcp://127.0.0.1:9') for name in ('one', 'two')], print)
"""
        ended = subprocess.run([sys.executable, '-c', program], text=True, capture_output=True, timeout=SECONDS,
                               cwd=os.path.dirname(os.path.abspath(__file__)))
        self.assertEqual(ended.returncode, 64)
        self.assertEqual(sorted(line[:9] for line in ended.stderr.splitlines()), ['one: tcp:', 'two: tcp:'])

    def test_a_log_of_its_own_is_used_instead(self):
        own = ", log=lambda line: __import__('sys').stderr.write(f'own {line}\\n')"
        self.assertEqual(self.first_line(own), 'own no answer from ipc:///nobody/listens/here: trying again\n')


class Failures(unittest.TestCase):
    def test_a_log_that_fails_ends_nobody(self):
        said = threading.Semaphore(0)

        def log(line):
            said.release()
            raise BrokenPipeError(line)
        worker = palaver.Worker(endpoint='ipc:///nobody/listens/here', signals=False, log=log)
        thread = threading.Thread(target=worker.run, args=(lambda job: 'never',), daemon=True)
        thread.start()
        for _ in range(2):      # it goes on trying
            self.assertTrue(said.acquire(timeout=SECONDS))
        worker.stop()
        thread.join(SECONDS)
        self.assertFalse(thread.is_alive())

    def test_a_connection_that_fails_ends_the_worker_with_the_reason(self):
        def fail():
            raise MemoryError('no room')
        ends = []

        def run():
            try:
                worker.run(lambda job: 'never')
            except palaver.Refused as failure:
                ends.append(str(failure))
        worker = palaver.Worker(endpoint='ipc:///nobody/listens/here', signals=False)
        worker._link._keep_time = fail
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(SECONDS)
        self.assertIn('MemoryError: no room', ''.join(ends))


ENVELOPE = {'id': b'0' * 16, 'type': 'chat.message', 'platform': 'web', 'session_id': 's', 'user_id': 'u'}


def new_job(worker, state=None):
    return palaver.Job(worker, [1, 1, 1000, ENVELOPE, b'\x80', [], msgpack.packb(state or {}), {}, None, None])


class State(unittest.TestCase):
    def test_a_tuple_is_a_key_also_when_it_comes_back(self):
        worker = palaver.Worker()
        for state in ({'board': {(1, 2): ['x']}}, {'deep': [{((1, 2), 3): 1}]}):
            self.assertEqual(new_job(worker, state).state, state)


    def test_what_is_nested_too_deeply_is_refused_where_it_is_given(self):
        def nested(levels, value=1, around=lambda inner: {'a': inner}):
            return nested(levels - 1, around(value), around) if levels else value
        job = new_job(palaver.Worker())
        job.set_state('key', nested(31))       # the state itself is a level
        for deep in (nested(32), [nested(31)], {nested(31, around=lambda inner: (inner,)): 1}):
            with self.assertRaisesRegex(ValueError, '32 levels'):
                job.set_state('key', deep)
            with self.assertRaisesRegex(ValueError, '32 levels'):
                job.reply({'response_text': 'x', 'metadata': deep})
            with self.assertRaisesRegex(ValueError, '32 levels'):
                job.call('other', 'x', state={'key': deep})
        self.assertEqual(job._changes, {'key': nested(31)})
        self.assertFalse(job.answered or job._calls)


class Handlers(unittest.TestCase):
    def test_one_that_was_cancelled_gives_its_job_back_and_ends_nothing(self):
        def fail(job):
            raise asyncio.CancelledError()

        async def fail_async(job):
            raise asyncio.CancelledError()
        for handler in (fail, fail_async):
            worker = palaver.Worker()
            worker._handler, worker._pid = handler, os.getpid()
            job = new_job(worker)
            if handler is fail:
                worker._handle([job])
            else:
                asyncio.run(worker._handle_async([job]))
            self.assertTrue(job.answered)


    def test_ctrl_c_is_what_ends_a_worker_that_leaves_signals_to_the_program(self):
        program = """import os, palaver, signal, sys, threading

class Log:
    def __call__(self, line):
        os.kill(os.getpid(), signal.SIGINT)

async def answer_async(job):
    pass

handler = answer_async if sys.argv[1:] else print
try:
    palaver.Worker(endpoint='ipc:///nobody/listens/here', signals=False, log=Log()).run(handler)
except KeyboardInterrupt:
    print(threading.active_count())
"""
        for arguments in ([], ['async']):
            ended = subprocess.run([sys.executable, '-c', program, *arguments], text=True, capture_output=True,
                                   timeout=SECONDS, cwd=os.path.dirname(os.path.abspath(__file__)))
            self.assertEqual((ended.stdout, ended.stderr), ('1\n', ''))


class Arguments(unittest.TestCase):
    def test_one_name_is_no_list_of_services(self):
        for wrong in ({'services': 'advisor'}, {'services': []}, {'services': ['a'], 'cache_keys': 'risk'}):
            with self.assertRaisesRegex(ValueError, 'lists of names'):
                palaver.Worker(**wrong)


class Calls(unittest.TestCase):
    def test_a_deadline_may_be_whatever_was_calculated(self):
        for given, said in ((2.7, 2), (-5, 0), (0.0, 0), (2**70, 2**53), (float('inf'), 2**53), (float('nan'), 0)):
            job = new_job(palaver.Worker())
            _, call = job._ask('other', 'x', lambda: None, given, (), None, None)
            options = msgpack.unpackb(call.frame[5:])[4]
            self.assertEqual((options, type(options['deadline_ms'])), ({'deadline_ms': said}, int))
            self.assertEqual(palaver.Nack(delay_ms=given).delay_ms, said)


class Steps(unittest.TestCase):
    def test_a_result_that_is_not_bytes_is_refused_in_words(self):
        job = new_job(palaver.Worker())
        for result in ('text', 5, None, ['x']):
            with self.assertRaisesRegex(TypeError, f'step fetch: its result is of type {type(result).__name__}'):
                job.step('fetch', lambda result=result: result)
        self.assertIsNone(job.saved_step('fetch'))


if __name__ == '__main__':
    unittest.main()
