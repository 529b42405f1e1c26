#!/usr/bin/python3
# RUN: timeout=240
"""Ctrl-C, a terminal that is closed, a pipe that nobody reads: no command pretends that it has done everything."""

import fcntl
import json
import os
import re
import signal
import subprocess
import unittest

from cli import OK, PALAVER, SECONDS, SILENT, CliTest, World, wait

F_SETPIPE_SZ, PIPE_BYTES = 1031, 4096


def is_blocked(pid, call):
    """It sleeps in the system call of the kernel that begins like this."""
    with open(f'/proc/{pid}/wchan', encoding='ascii') as file:
        return call in file.read()


class Interrupt(CliTest):
    def piped(self, broker, *arguments, env=None):
        """A call whose output goes into a small pipe, and waits there."""
        process = subprocess.Popen([PALAVER, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment(broker and broker.run, env))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        fcntl.fcntl(process.stdout.fileno(), F_SETPIPE_SZ, PIPE_BYTES)
        return process

    def stopped(self, broker):
        broker.signal(signal.SIGSTOP)
        self.addCleanup(broker.signal, signal.SIGCONT)

    def test_what_only_looks_ends_by_the_signal(self):
        broker = self.broker({**SILENT, 'agents.timeout_ms': 600000})
        self.letters(broker, 2)
        self.stopped(broker)
        for words in (('dead', 'list'), ('dead', 'show', '1'), ('events', 'list'), ('events', 'show', '1'),
                      ('sessions', 'list'), ('dead', 'stats')):
            call = self.call(broker, *words, '--timeout', '600')
            wait(lambda pid=call.process.pid: len(os.listdir(f'/proc/{pid}/task')) > 1, 'it has a connection')
            call.process.send_signal(signal.SIGINT)
            done = call.wait()
            self.assertEqual((done.code, done.out), (-signal.SIGINT, ''), words)

    def test_a_list_of_data_that_is_cut_short_says_so(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 1200)
        broker.stop()
        for words in (('dead', 'list'), ('events', 'list'), ('dead', 'show', '--reason', 'permanent')):
            process = self.piped(None, *words, '--data', broker.data, '--conf', broker.file, env={'TMPDIR': folder})
            wait(lambda pid=process.pid: is_blocked(pid, 'pipe_w'), 'the pipe is full')
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SECONDS)
            rows = [json.loads(line) for line in out.decode().splitlines()]
            self.assertLess(len(rows), 1200, words)
            self.assertEqual(process.returncode, -signal.SIGINT, (words, err))
            self.assertEqual(err.decode().count('interrupted'), 1, (words, err))
            self.assertEqual(os.listdir(folder), [])

    def test_whoever_reads_no_more_leaves_nothing_behind(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 1200)
        broker.stop()
        process = self.piped(None, 'dead', 'list', '--data', broker.data, '--conf', broker.file, env={'TMPDIR': folder})
        self.assertIn(b'"number"', process.stdout.readline())
        process.stdout.close()
        self.assertEqual(process.stderr.read(), b'')
        self.assertEqual(process.wait(SECONDS), -signal.SIGPIPE)
        self.assertEqual(os.listdir(folder), [])

    def test_a_closed_terminal_leaves_nothing_behind(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 1200)
        broker.stop()
        process = self.piped(None, 'dead', 'list', '--data', broker.data, '--conf', broker.file, env={'TMPDIR': folder})
        wait(lambda: is_blocked(process.pid, 'pipe_w'), 'the pipe is full')
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, -signal.SIGHUP)
        self.assertEqual(os.listdir(folder), [])

    def test_a_signal_that_is_ignored_stays_so(self):
        def ignore():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        broker = self.broker()
        call = self.call(broker, 'tail', '--lines', '1', before=ignore)
        wait(lambda: broker.metric('tails'), 'it listens')
        with open(f'/proc/{call.process.pid}/status', encoding='ascii') as file:
            ignored = int(re.search(r'^SigIgn:\s*(\w+)$', file.read(), re.M)[1], 16)
        for number in (signal.SIGINT, signal.SIGHUP):
            self.assertTrue(ignored >> number - 1 & 1, number)
        broker.adapter().publish('hello')
        call.wait()

    def test_a_pager_may_be_read_slowly(self):
        broker = self.broker({**SILENT, 'agents.timeout_ms': 300, 'agents.heartbeat_ms': 60})
        self.letters(broker, 3200)
        for words in (('dead', 'list'), ('events', 'list', '--type', 'chat.message')):
            before = len(broker.lines)
            process = self.piped(broker, *words)
            wait(lambda since=before: broker.logged('peer.gone', since, role='tool', how='lease_expired'),
                 'the broker has heard nothing')
            out, err = process.communicate(timeout=SECONDS)
            self.assertEqual((process.returncode, len(out.splitlines())), (OK, 3200), err)

    def test_tail_ends_with_a_whole_line(self):
        broker = self.broker()
        adapter = broker.adapter()
        process = self.piped(broker, 'tail', '--texts')
        wait(lambda: broker.metric('tails'), 'it listens')
        for number in range(100):
            adapter.publish(f'{number} ' + 100 * 'x')
        wait(lambda: is_blocked(process.pid, 'pipe_w'), 'the pipe is full')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual((process.returncode, err), (OK, b''))
        self.assertGreater(len([json.loads(line) for line in out.decode().splitlines()]), 10)

    def test_a_trial_is_given_up_at_once_with_what_there_is(self):
        broker = self.broker({**SILENT, 'agents.timeout_ms': 600000})
        self.letters(broker, 3)
        worker = broker.worker(credit=1)
        call = self.call(broker, 'dead', 'replay', '--shadow', '1', '2', '3', '--timeout', '600')
        worker.reply(worker.job()['lease'], 'an answer')
        worker.job()
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT, done.err)
        self.assertIn('interrupted', done.err)
        self.assertEqual(done.rows[-1]['answered'], 1)

    def test_a_backup_that_the_broker_goes_on_with(self):
        folder = self.folder()
        world = World(folder)
        broker = self.broker(env=world.env())
        world.set(sync_s=2)
        call = self.call(broker, 'backup', f'{folder}/copy')
        wait(lambda: os.path.exists(f'{folder}/copy.partial'), 'it is under way')
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertFalse(os.path.exists(f'{folder}/copy'), 'it was too quick')
        world.set()
        self.assertEqual((done.code, done.err), (-signal.SIGINT, 'palaver: interrupted, but the broker goes on: '
                                                 f'{folder}/copy is there when it is whole\n'))
        wait(lambda: os.path.exists(f'{folder}/copy/CURRENT'), 'it is whole')

    def test_what_was_put_back_before_is_told(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 3)
        self.palaver(broker, 'dead', 'export', f'{folder}/saved', '--all')
        reader, writer = os.pipe()
        process = subprocess.Popen([PALAVER, 'dead', 'import', '-'], stdin=reader, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=self.environment(broker.run, None))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        os.close(reader)
        self.addCleanup(os.close, writer)
        with open(f'{folder}/saved', 'rb') as saved:
            os.write(writer, saved.read())
        wait(lambda: is_blocked(process.pid, 'pipe_r'), 'it has read that')
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(json.loads(out)['there'], 3)
        self.assertEqual(err.decode(), 'palaver: interrupted: what follows was not put back; the same command goes on '
                         'with it\n')


if __name__ == '__main__':
    unittest.main()
