#!/usr/bin/python3
# RUN: timeout=240
"""--data DIR: what a running broker would answer, from the data of a stopped one or a backup; nothing in it changes."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from cli import BUILD, PALAVER, PROGRAM, SECONDS, SILENT, UNREACHABLE, USAGE, CliTest, become_nobody, wait
from wireclient import text_id

LOOKS = (('sessions', 'list'), ('sessions', 'show', 'web_1'), ('dead', 'list'),
         ('dead', 'show', '--reason', 'permanent'),
         ('dead', 'stats'), ('dead', 'export', '-', '--all'), ('events', 'list'))


def snapshot(folder):
    """Every file and folder: its bytes, its mode, and when it was changed."""
    found = {}
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(top, name)
            status = os.lstat(path)
            digest = ''
            if name in files:
                with open(path, 'rb') as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
            found[path] = (status.st_mode, status.st_mtime_ns, status.st_ctime_ns, status.st_size, digest)
    return found


def command_of(pid):
    try:
        with open(f'/proc/{pid}/cmdline', encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


class Inspect(CliTest):
    def start(self):
        broker = self.broker(SILENT)
        self.ids = [text_id(one) for one in self.letters(broker, 3)]
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'hello', session='1')
        worker.bye()
        adapter.publish('waits', session='9')
        adapter.stored()
        return broker

    def look(self, broker, data, *words, **options):
        more = ('--data', data, '--conf', broker.file) if data else ()
        return self.palaver(None if data else broker, *words, *more, **options)

    def test_after_a_crash_all_is_as_it_was(self):
        broker = self.start()
        before = {words: self.look(broker, None, *words).rows for words in LOOKS}
        shown = self.look(broker, None, 'events', 'show', self.ids[1]).rows[0]
        broker.kill()
        files = snapshot(broker.data)
        for words in LOOKS:
            rows = self.look(broker, broker.data, *words).rows
            self.assertEqual(rows, before[words], words)
        row, = self.look(broker, broker.data, 'events', 'show', self.ids[1]).rows
        self.assertEqual((row['outcome'], row['body']), ('dead', shown['body']))
        status, = self.look(broker, broker.data, 'status').rows
        self.assertEqual((status['state'], status['counts']['dead'], status['counts']['pending_events']),
                         ('stopped', 3, 1))
        self.assertEqual(self.look(broker, broker.data, 'routes', 'list').rows[0]['name'], 'default')
        self.assertEqual(snapshot(broker.data), files)
        broker.start()
        self.assertEqual({words: self.look(broker, None, *words).rows for words in LOOKS}, before)
        worker = broker.worker()
        self.assertEqual(worker.job()['body']['message_text'], 'waits')

    def test_a_running_broker_is_noticed(self):
        broker = self.start()
        done = self.look(broker, broker.data, 'status', code=UNREACHABLE)
        self.assertIn(f'a broker runs on it (process {broker.process.pid})', done.err)
        self.assertTrue(broker.running())

    def test_a_backup(self):
        broker, folder = self.start(), self.folder()
        before = self.look(broker, None, 'dead', 'list').rows
        self.palaver(broker, 'backup', f'{folder}/copy')
        files = snapshot(f'{folder}/copy')
        self.assertEqual(self.look(broker, f'{folder}/copy', 'dead', 'list').rows, before)
        self.assertEqual(len(self.look(broker, f'{folder}/copy', 'events', 'list').rows), 5)
        self.assertEqual(snapshot(f'{folder}/copy'), files)

    def test_another_users_directory_that_cannot_be_written(self):
        if os.geteuid() != 0:
            self.skipTest('needs root')
        broker, folder = self.start(), tempfile.mkdtemp(dir='/tmp')
        self.addCleanup(shutil.rmtree, folder)
        before = self.look(broker, None, 'dead', 'list').rows
        broker.kill()
        os.chmod(folder, 0o755)
        shutil.copytree(broker.data, f'{folder}/data')
        for top, _, files in os.walk(f'{folder}/data'):
            os.chmod(top, 0o555)
            for name in files:
                os.chmod(os.path.join(top, name), 0o444)
        files = snapshot(f'{folder}/data')
        done = subprocess.run([self.for_nobody(PALAVER, PROGRAM), 'dead', 'list', '--data', f'{folder}/data',
                               '--json'], preexec_fn=become_nobody, capture_output=True, text=True, timeout=3 * SECONDS,
                              check=False, cwd='/', env={**os.environ, 'TMPDIR': '/tmp'})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), len(before))
        self.assertEqual(snapshot(f'{folder}/data'), files)

    def test_a_broker_that_is_not_there_is_named(self):
        done = subprocess.run([self.for_nobody(PALAVER), 'status', '--data', self.folder()], capture_output=True,
                              text=True, timeout=3 * SECONDS, check=False, env={**os.environ, 'PATH': '/nowhere'})
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertEqual(done.stderr, 'palaver: the broker did not start: palaverd is neither beside palaver, nor in '
                                      '../sbin from there, nor in PATH: No such file or directory\n')

    def test_data_that_cannot_be_read_is_refused_in_clear_words(self):
        broker, folder = self.start(), self.folder()
        broker.stop()
        done = self.look(broker, f'{folder}/none', 'status', code=UNREACHABLE)
        self.assertIn(f'{folder}/none', done.err)
        self.assertFalse(os.path.exists(f'{folder}/none'))
        self.assertIn('no Palaver data', self.look(broker, folder, 'status', code=UNREACHABLE).err)
        shutil.copytree(broker.data, f'{folder}/hurt')
        os.unlink(f'{folder}/hurt/CURRENT')
        self.assertIn('CURRENT', self.look(broker, f'{folder}/hurt', 'status', code=UNREACHABLE).err)
        subprocess.run([os.path.join(BUILD, 'test/system/newer_schema'), broker.data], check=True)
        self.assertIn('newer release', self.look(broker, broker.data, 'status', code=UNREACHABLE).err)

    def test_what_changes_something_takes_no_data(self):
        broker = self.start()
        broker.stop()
        for words in (('dead', 'replay', '--all', '--yes'), ('sessions', 'end', 'web_1'), ('agents', 'list')):
            self.palaver(None, *words, '--data', broker.data, code=USAGE)
        done = self.palaver(None, 'status', '--data', broker.data, '--run', broker.run, code=USAGE)
        self.assertIn('exclude each other', done.err)

    def test_nothing_is_left_behind(self):
        broker, folder = self.start(), self.folder()
        broker.stop()
        env = {'TMPDIR': folder}
        self.look(broker, broker.data, 'status', env=env)
        self.assertEqual(os.listdir(folder), [])
        call = self.call(None, 'events', 'list', '--data', broker.data, '--conf', broker.file, env=env)
        wait(lambda: os.listdir(folder), 'it has begun')
        call.process.send_signal(signal.SIGKILL)
        call.process.wait()

        def looking():
            return [pid for pid in os.listdir('/proc')
                    if pid.isdigit() and f'--inspect\0{broker.data}' in command_of(pid)]
        wait(lambda: not looking(), 'the broker that looks goes with who started it')


if __name__ == '__main__':
    unittest.main()
