#!/usr/bin/python3
# RUN: timeout=240
"""palaver backup, restore, keys: what is copied is all there, and who has a key is let in."""

import fcntl
import os
import signal
import stat
import subprocess
import unittest

from cli import BUILD, PALAVER, PARTLY, QUICK, SECONDS, SILENT, USAGE, CliTest, wait
from palaverd import is_root
from ports import free_port


class Backup(CliTest):
    def test_a_broker_starts_from_a_backup(self):
        broker, folder = self.broker(SILENT), self.folder()
        ids = self.letters(broker, 5)
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'hello', session='kept', platform_id='m1')
        adapter.publish('waiting', session='pending')
        adapter.stored()
        row, = self.palaver(broker, 'backup', f'{folder}/copy').rows
        self.assertEqual(row['dir'], f'{folder}/copy')
        self.assertGreater(row['bytes'], 0)
        self.round_trip(adapter, worker, 'later', session='later')
        done = self.palaver(None, 'restore', f'{folder}/copy', '--data', f'{folder}/data')
        self.assertEqual(done.rows, [{'data': f'{folder}/data', 'bytes': row['bytes']}])
        self.assertEqual(stat.S_IMODE(os.stat(f'{folder}/data').st_mode), 0o700)

        other = self.broker({**SILENT, **QUICK}, data=f'{folder}/data')
        self.assertEqual(len(other.dead()), len(ids))
        self.assertEqual([turn['text'] for turn in other.session('web_kept')['history']], ['hello', 'an answer'])
        self.assertEqual(other.try_ask('sessions.show', session='web_later')[0], 'NOENT')
        worker = other.worker()
        self.assertEqual(worker.job()['body']['message_text'], 'waiting')
        again = other.adapter()
        again.publish('hello', session='kept', platform_id='m1')
        again.stored()
        self.assertEqual(other.metric('events_duplicate'), 1)

    def test_a_relative_path_is_that_of_the_caller(self):
        broker = self.broker()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder())
        self.palaver(broker, 'backup', 'copy')
        self.assertTrue(os.path.exists('copy/CURRENT'))

    def test_a_directory_that_exists_is_refused(self):
        broker, folder = self.broker(), self.folder()
        done = self.palaver(broker, 'backup', folder, code=PARTLY)
        self.assertIn(folder, done.err)
        self.assertEqual(os.listdir(folder), [])
        self.palaver(broker, 'backup', '/proc/no/such', code=PARTLY)

    def test_a_terminal_is_told_what_to_do_next(self):
        broker, folder = self.broker(), self.folder()
        self.assertIn(f'palaver restore {folder}/b', self.on_terminal(broker, 'backup', f'{folder}/b'))


class Restore(CliTest):
    def setUp(self):
        self.top = self.folder()
        self.copy = f'{self.top}/copy'
        broker = self.broker()
        self.palaver(broker, 'backup', self.copy)

    def test_never_into_the_backup_itself(self):
        link = f'{self.top}/link'
        os.symlink(self.copy, link)
        before = sorted(os.listdir(self.copy))
        for data in (f'{self.copy}/new', f'{link}/new', f'{self.copy}/a/b/new', f'{self.copy}/../link/new/'):
            done = self.palaver(None, 'restore', self.copy, '--data', data, code=PARTLY)
            self.assertIn('is within the backup', done.err)
        self.assertEqual(sorted(os.listdir(self.copy)), before)

    @unittest.skipUnless(is_root(), 'mounts')
    def test_disks_that_take_nothing(self):
        disk = f'{self.top}/disk'
        os.mkdir(disk)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', disk], check=True)
        self.addCleanup(subprocess.run, ['umount', disk], check=True)
        done = self.palaver(None, 'restore', self.copy, '--data', f'{disk}/data', code=PARTLY)
        self.assertIn('No space left', done.err)
        self.assertEqual(os.listdir(disk), [])
        said = self.palaver(self.broker(), 'backup', f'{disk}/copy', code=PARTLY).err
        self.assertIn(f'the backup {disk}/copy cannot be made', said)
        self.assertNotIn('start again', said)
        self.assertEqual(os.listdir(disk), [])
        subprocess.run(['mount', '-o', 'remount,ro', disk], check=True)
        done = self.palaver(None, 'restore', self.copy, '--data', f'{disk}/data', code=PARTLY)
        self.assertIn('Read-only file system', done.err)

    def test_only_into_an_empty_directory(self):
        full = self.folder()
        with open(f'{full}/mine', 'w', encoding='ascii') as file:
            file.write('precious')
        done = self.palaver(None, 'restore', self.copy, '--data', full, code=PARTLY)
        self.assertIn('is not empty', done.err)
        self.assertEqual(os.listdir(full), ['mine'])
        self.palaver(None, 'restore', self.copy, '--data', f'{full}/mine', code=PARTLY)
        empty = self.folder()
        self.palaver(None, 'restore', self.copy, '--data', f'{empty}/')
        self.assertIn('CURRENT', os.listdir(empty))
        self.assertEqual([name for name in os.listdir(os.path.dirname(empty)) if name.endswith('.restoring')], [])

    def test_the_data_of_a_running_broker_is_safe(self):
        broker = self.broker()
        self.palaver(None, 'restore', self.copy, '--data', broker.data, code=PARTLY)
        self.assertTrue(broker.running())

    def test_what_is_no_backup(self):
        done = self.palaver(None, 'restore', self.folder(), '--data', f'{self.top}/new', code=PARTLY)
        self.assertIn('is no backup', done.err)
        done = self.palaver(None, 'restore', f'{self.top}/none', '--data', f'{self.top}/new', code=PARTLY)
        self.assertIn(f'{self.top}/none: No such file or directory', done.err)
        self.assertFalse(os.path.exists(f'{self.top}/new'))

    def test_a_restore_that_fails_leaves_nothing_behind(self):
        big = f'{self.copy}/999999.sst'
        with open(big, 'wb') as file:
            file.truncate(64 << 20)
        command = 'ulimit -f 1024; trap "" XFSZ; exec "$@"'
        done = subprocess.run(['bash', '-c', command, 'bash', PALAVER, 'restore', self.copy, '--data',
                               f'{self.top}/new'], capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, PARTLY, done.stderr)
        self.assertIn('File too large', done.stderr)
        self.assertEqual([name for name in os.listdir(self.top) if name.startswith('new')], [])

    def test_two_at_once_do_not_mix(self):
        beside = f'{self.top}/new.restoring'
        os.mkdir(beside)
        for name in ('.restoring', 'half'):
            with open(f'{beside}/{name}', 'w', encoding='ascii') as file:
                file.write('half')
        other = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(other, fcntl.LOCK_EX)
        done = self.palaver(None, 'restore', self.copy, '--data', f'{self.top}/new', code=PARTLY)
        self.assertIn('another restore is at work', done.err)
        self.assertEqual(sorted(os.listdir(beside)), ['.restoring', 'half'])
        os.close(other)
        self.palaver(None, 'restore', self.copy, '--data', f'{self.top}/new')
        self.assertFalse(os.path.exists(beside))

    def test_what_a_killed_restore_left_is_replaced(self):
        with open(f'{self.copy}/half.sst', 'wb') as file:
            file.truncate(64 << 20)
        command = 'ulimit -c 0; ulimit -f 1024; exec "$@"'
        done = subprocess.run(['bash', '-c', command, 'bash', PALAVER, 'restore', self.copy, '--data',
                               f'{self.top}/new'], capture_output=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, -signal.SIGXFSZ, done.stderr)
        self.assertIn('half.sst', os.listdir(f'{self.top}/new.restoring'))
        os.unlink(f'{self.copy}/half.sst')
        self.palaver(None, 'restore', self.copy, '--data', f'{self.top}/new')
        self.assertNotIn('half.sst', os.listdir(f'{self.top}/new'))
        self.assertNotIn('.restoring', os.listdir(f'{self.top}/new'))
        self.assertFalse(os.path.exists(f'{self.top}/new.restoring'))

    def test_what_no_restore_has_left_is_kept(self):
        os.mkdir(f'{self.top}/new.restoring')
        with open(f'{self.top}/new.restoring/mine', 'w', encoding='ascii') as file:
            file.write('mine')
        done = self.palaver(None, 'restore', self.copy, '--data', f'{self.top}/new', code=PARTLY)
        self.assertIn(f'{self.top}/new.restoring is not empty, and what is in it is not of a restore', done.err)
        self.assertEqual(os.listdir(f'{self.top}/new.restoring'), ['mine'])
        self.assertFalse(os.path.exists(f'{self.top}/new'))

    def test_the_usual_data_directory(self):
        home = self.folder()
        self.palaver(None, 'restore', self.copy, env={'HOME': home, 'STATE_DIRECTORY': ''})
        self.assertIn('CURRENT', os.listdir(f'{home}/.local/state/palaver'))


class Keys(CliTest):
    @unittest.skipUnless(is_root(), 'mounts')
    def test_a_full_disk_leaves_no_half_of_a_pair(self):
        disk = self.folder()
        for size in (4, 8):
            subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}k', 'tmpfs', disk], check=True)
            try:
                done = self.palaver(None, 'keys', 'new', 'worker', '--keys', f'{disk}/keys', code=PARTLY)
                left = [name for _, _, names in os.walk(disk) for name in names]
                subprocess.run(['mount', '-o', 'remount,size=1m', disk], check=True)
                self.palaver(None, 'keys', 'new', 'worker', '--keys', f'{disk}/keys')
            finally:
                subprocess.run(['umount', disk], check=True)
            self.assertEqual(left, [])
            self.assertIn('nothing was made', done.err)

    def test_files_and_modes(self):
        keys = f'{self.folder()}/keys'
        row, = self.palaver(None, 'keys', 'new', 'broker', '--keys', keys).rows
        self.assertEqual((row['cert'], row['secret']), (f'{keys}/broker.cert', f'{keys}/broker.cert_secret'))
        self.assertEqual(len(row['public_key']), 40)
        self.palaver(None, 'keys', 'new', 'far-1', '--keys', keys)
        self.assertEqual(sorted(os.listdir(keys)),
                         ['agents', 'broker.cert', 'broker.cert_secret', 'far-1.cert', 'far-1.cert_secret'])
        self.assertEqual(os.listdir(f'{keys}/agents'), ['far-1.cert'])
        for name in ('broker', 'far-1'):
            self.assertEqual(stat.S_IMODE(os.stat(f'{keys}/{name}.cert_secret').st_mode), 0o600)
        with open(f'{keys}/agents/far-1.cert', encoding='ascii') as file:
            self.assertNotIn('secret-key', file.read())

    @unittest.skipUnless(is_root(), 'root alone makes what others may not read')
    def test_who_makes_them_for_another_user_is_told_so(self):
        keys = f'{self.folder()}/keys'
        done = self.palaver(None, 'keys', 'new', 'broker', '--keys', keys)
        self.assertIn(f'chown -R USER {keys}', done.err)

    def test_nothing_is_overwritten(self):
        keys = f'{self.folder()}/keys'
        self.palaver(None, 'keys', 'new', 'far', '--keys', keys)
        with open(f'{keys}/far.cert', encoding='ascii') as file:
            before = file.read()
        done = self.palaver(None, 'keys', 'new', 'far', '--keys', keys, code=PARTLY)
        self.assertIn('exists already', done.err)
        with open(f'{keys}/far.cert', encoding='ascii') as file:
            self.assertEqual(file.read(), before)

    def test_bad_names(self):
        for name in ('a/b', '..', '.hidden', 'x' * 65, 'a b'):
            self.palaver(None, 'keys', 'new', name, '--keys', self.folder(), code=USAGE)

    def test_a_directory_that_others_write_to_is_refused(self):
        folder = self.folder()
        os.chmod(folder, 0o777)
        self.assertIn('chmod', self.palaver(None, 'keys', 'new', 'a', '--keys', folder, code=PARTLY).err)
        os.chmod(folder, 0o700)
        os.mkdir(f'{folder}/agents')
        os.chmod(f'{folder}/agents', 0o777)
        done = self.palaver(None, 'keys', 'new', 'a', '--keys', folder, code=PARTLY)
        self.assertIn(f'{folder}/agents: others may write in it', done.err)
        self.assertEqual(os.listdir(folder), ['agents'])

    def test_an_agent_with_a_key_is_let_in_and_one_without_is_not(self):
        keys, port = f'{self.folder()}/keys', free_port()
        for name in ('broker', 'far', 'stranger'):
            self.palaver(None, 'keys', 'new', name, '--keys', keys)
        os.unlink(f'{keys}/agents/stranger.cert')
        broker = self.broker({'listen.agents': f'tcp://127.0.0.1:{port}', 'listen.keys': keys})

        def agent(name):
            env = {**os.environ, 'PALAVER_AGENTS': f'tcp://127.0.0.1:{port}',
                   'PALAVER_CERT': f'{keys}/{name}.cert_secret', 'PALAVER_BROKER_CERT': f'{keys}/broker.cert'}
            process = subprocess.Popen([os.path.join(BUILD, 'bin', 'palaver-echo'), '--services', 'advisor', '--name',
                                        name], env=env)

            def end():
                process.send_signal(signal.SIGKILL)
                process.wait(SECONDS)
            self.addCleanup(end)
        agent('stranger')
        agent('far')
        wait(lambda: broker.ask('agents.list')['items'], 'the agent with a key')
        self.assertEqual([one['name'] for one in broker.ask('agents.list')['items']], ['far'])
        row, = self.palaver(broker, 'send', 'from afar').rows
        self.assertEqual(row['body']['response_text'], 'from afar')


if __name__ == '__main__':
    unittest.main()
