#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""What is wrong with the place, the disk or the configuration is said in one line, and nothing acknowledged is lost."""

import glob
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest

from palaverd import (BUILD, NOBODY, PROGRAM, VARIANT, BrokerTest, World, become_nobody, is_root, limit_address_space,
                      limit_file_size, limit_files, limit_processes, route, wait)


def run_broker(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False, **options)


class DataDirectory(BrokerTest):
    def test_a_missing_one_is_made_private(self):
        broker = self.broker(start=False)
        broker.data = f'{broker.folder}/a/b/c'
        broker.start()
        self.assertEqual(stat.S_IMODE(os.stat(broker.data).st_mode), 0o700)

    def test_one_that_cannot_be_made(self):
        broker = self.broker(start=False, data='/proc/nowhere/data')
        self.refused(broker, 'data directory', '/proc/nowhere/data', 'cannot be made')

    def test_one_that_is_a_file(self):
        broker = self.broker(start=False)
        with open(broker.data, 'w', encoding='ascii') as file:
            file.write('x')
        self.refused(broker, broker.data)

    @unittest.skipUnless(is_root(), 'needs root')
    def test_one_that_belongs_to_someone_else(self):
        broker = self.broker(start=False)
        os.mkdir(broker.data, 0o700)
        os.chown(broker.data, NOBODY.pw_uid, NOBODY.pw_gid)
        self.refused(broker, 'belongs to nobody', 'root', 'chown')

    def test_one_that_others_may_read(self):
        broker = self.broker(start=False)
        os.mkdir(broker.data)
        os.chmod(broker.data, 0o755)
        self.refused(broker, 'open to other users', 'chmod 700')

    @unittest.skipUnless(is_root() and VARIANT != 'tsan', 'needs root')
    def test_one_that_is_read_only(self):
        os.chmod(tempfile.gettempdir(), os.stat(tempfile.gettempdir()).st_mode | 0o011)  # others come through
        broker = self.broker(start=False, preexec=become_nobody)
        broker.program = self.for_nobody(PROGRAM)
        os.mkdir(broker.data, 0o500)
        for path in (broker.folder, broker.data, broker.file):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        self.refused(broker, broker.data, 'not writable')

    @unittest.skipUnless(is_root(), 'needs root')
    def test_a_read_only_file_system(self):
        broker = self.broker()
        broker.stop()
        if subprocess.run(['mount', '--bind', '-o', 'ro', broker.data, broker.data], check=False,
                          capture_output=True).returncode:
            self.skipTest('no mounts here')
        try:
            subprocess.run(['mount', '-o', 'remount,ro,bind', broker.data], check=True)
            self.refused(broker, broker.data, 'not writable', 'Read-only file system')
        finally:
            subprocess.run(['umount', broker.data], check=True)

    def test_a_second_broker_on_the_same_data(self):
        first = self.broker()
        second = self.broker(start=False, data=first.data)
        self.refused(second, first.data, f'in use by process {first.process.pid}', 'stop it')
        adapter = first.adapter()
        adapter.publish('the first lives on')
        adapter.expect('STORED')

    def test_a_newer_schema(self):
        broker = self.broker()
        broker.stop()
        subprocess.run([os.path.join(BUILD, 'test/system/newer_schema'), broker.data], check=True)
        self.refused(broker, broker.data, 'newer release', 'schema 3', 'install that release')

    def test_a_journal_that_ends_within_a_write(self):
        """Its end cannot be told from that of a power cut: it is cut off, and said."""
        broker = self.broker()
        adapter = broker.adapter()
        for number in range(3):
            adapter.publish(f'message {number}', session=str(number))
            adapter.stored()
        broker.kill()
        adapter.close()
        journal = sorted(glob.glob(f'{broker.data}/journal/*.journal'))[-1]
        with open(journal, 'r+b') as file:
            at = file.read().rindex(b'message 2')
            file.seek(at)
            file.write(b'M')
        broker.start()
        said = broker.wait_log('journal.torn')
        self.assertRegex(said['place'], rf'^{re.escape(journal)} at byte [0-9]+$')
        self.assertEqual(broker.metric('pending_events'), 2)

    def test_a_damaged_file(self):
        broker = self.broker()
        adapter = broker.adapter()
        for number in range(50):
            adapter.publish('x' * 1000, session=str(number))
        adapter.stored(50)
        broker.stop()
        adapter.close()
        tables = sorted(name for name in os.listdir(broker.data) if name.endswith('.sst'))
        wanted = max(tables, key=lambda name: os.path.getsize(f'{broker.data}/{name}'), default=None)
        target = f'{broker.data}/{wanted or "CURRENT"}'
        with open(target, 'r+b') as file:
            size = os.path.getsize(target)
            file.write(os.urandom(min(size, 4096)))
        self.refused(broker, broker.data, 'backup')


class RunDirectory(BrokerTest):
    def test_it_is_private(self):
        broker = self.broker()
        self.assertEqual(stat.S_IMODE(os.stat(broker.run).st_mode), 0o700)
        for name in ('adapters', 'agents', 'control'):
            self.assertEqual(stat.S_IMODE(os.stat(f'{broker.run}/{name}.ipc').st_mode), 0o600)

    def test_sockets_in_use(self):
        first = self.broker()
        second = self.broker(start=False, run=first.run)
        self.refused(second, first.run, 'another broker')
        first.adapter()

    def test_sockets_that_a_crash_left_behind_are_no_obstacle(self):
        broker = self.broker()
        broker.restart(crash=True)
        broker.adapter()

    def test_a_path_too_long_for_a_socket(self):
        broker = self.broker(start=False)
        broker.run = f'{broker.folder}/{"r" * 90}'
        self.refused(broker, 'too long', '--run')

    def test_one_that_others_may_enter(self):
        broker = self.broker(start=False)
        os.mkdir(broker.run)
        os.chmod(broker.run, 0o755)
        self.refused(broker, broker.run, 'chmod 700')

    def test_a_port_in_use(self):
        broker = self.broker(start=False)
        keys = f'{broker.folder}/keys'
        os.makedirs(f'{keys}/agents')
        with open(f'{keys}/broker.cert_secret', 'w', encoding='ascii') as file:
            os.fchmod(file.fileno(), 0o600)
            file.write('metadata\ncurve\n    public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"\n'
                       '    secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"\n')
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            port = other.getsockname()[1]
            broker.write_conf({'listen.agents': f'tcp://127.0.0.1:{port}', 'listen.keys': keys})
            self.refused(broker, f'tcp://127.0.0.1:{port}', 'in use')


class Conf(BrokerTest):
    def check(self, text, *words):
        """--check-conf refuses this conf with these words, and so does a start."""
        file = f'{self.folder()}/palaver.conf'
        with open(file, 'w', encoding='utf-8') as conf:
            conf.write(text)
        for arguments in (['--check-conf'], ['--data', f'{self.folder()}/data']):
            done = run_broker('--conf', file, *arguments)
            self.assertEqual(done.returncode, 1, done)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            for word in (file, *words):
                self.assertIn(word, done.stderr)

    def test_an_unknown_key_is_refused_with_file_line_and_nearest_name(self):
        self.check('run = { drain_s = 3; };\nagents = {\n    deadlin_ms = 500;\n};\n', ':3:', 'agents.deadlin_ms',
                   'did you mean', 'deadline_ms')

    def test_an_unknown_group(self):
        self.check('agent = { deadline_ms = 500; };\n', ':1:', 'agents')

    def test_a_value_of_the_wrong_type(self):
        self.check('agents = {\n  deadline_ms = "soon"; };\n', ':2:', 'agents.deadline_ms')

    def test_a_value_out_of_range(self):
        self.check('agents = { attempts = 0; };\n', ':1:', 'agents.attempts', '1')

    def test_a_syntax_error(self):
        self.check('agents = {\n  attempts = ;\n};\n', ':2:')

    def test_a_rule_that_is_no_regular_expression(self):
        self.check('log = { level = "info"; };\ncontent = {\n  rules = [ "(" ]; };\n', ':3:', 'content.rules')

    def test_routes(self):
        self.check('routes = ( { name = "a"; } );\n', 'service')
        self.check('routes = ( { name = "a"; service = "b"; overlapp = "queue"; } );\n', ':1:', 'overlap')
        self.check('routes = ( { name = "a"; service = "b"; overlap = "sometimes"; } );\n', 'queue', 'merge')
        self.check('routes = (\n { name = "c"; service = "b"; },\n { name = "a"; service = "b"; pattern = "["; } );\n',
                   ':3:', 'routes[1]', 'pattern')
        self.check('routes = (\n { name = "a"; service = "b"; types = [ "chat.mesage" ]; } );\n', ':2:', 'chat.mesage')

    def test_a_file_that_is_not_there(self):
        done = run_broker('--conf', '/nowhere/palaver.conf', '--check-conf')
        self.assertEqual(done.returncode, 1)
        self.assertIn('/nowhere/palaver.conf', done.stderr)

    def test_a_good_one(self):
        broker = self.broker({'routes': [route()]}, start=False)
        done = run_broker('--conf', broker.file, '--check-conf')
        self.assertEqual((done.returncode, done.stdout), (0, f'{broker.file}: valid\n'))

    def test_what_is_printed_can_be_read_again(self):
        broker = self.broker({'agents.attempts': 7}, start=False)
        printed = run_broker('--conf', broker.file, '--print-conf')
        self.assertEqual(printed.returncode, 0)
        self.assertIn('attempts = 7;', printed.stdout)
        with open(broker.file, 'w', encoding='utf-8') as conf:
            conf.write(printed.stdout)
        again = run_broker('--conf', broker.file, '--print-conf')
        self.assertEqual(again.stdout, printed.stdout)

    def test_the_command_line(self):
        self.assertEqual(run_broker('--nonsense').returncode, 2)
        self.assertEqual(run_broker('one', 'two').returncode, 2)
        self.assertEqual(run_broker('--help').returncode, 0)
        self.assertRegex(run_broker('--version').stdout, r'^palaverd \d+\.\d+\.\d+')


class Descriptors(BrokerTest):
    def test_a_log_that_leads_nowhere_is_not_written_into_the_data(self):
        """Whoever starts it may have closed the three that every program begins with."""
        broker = self.broker(start=False, preexec=lambda: os.closerange(0, 3)).launch()
        adapter = broker.adapter()
        adapter.publish('hello')
        adapter.expect('STORED')
        self.assertEqual({os.readlink(f'/proc/{broker.process.pid}/fd/{number}') for number in range(3)}, {'/dev/null'})
        with open(f'{broker.data}/palaver.lock', encoding='ascii') as lock:
            self.assertEqual(lock.read(), f'{broker.process.pid}\n')


    def test_too_few_are_said_to_be_so(self):
        """Wherever it would come to its end with them."""
        for most in (8, 28, 127):
            with self.subTest(most=most):
                self.refused(self.broker(start=False, preexec=limit_files(most)), f'open {most} files',
                             'raise the limit on open files')
        self.broker(start=False, preexec=limit_files(128)).start()

    @unittest.skipIf(VARIANT in ('asan', 'tsan'), 'sanitizers take more than there is')
    def test_too_little_address_space(self):
        """Wherever the libraries would come to their end in it: they take it for their threads."""
        for megabytes in (90, 120, 200, 220, 511):
            with self.subTest(megabytes=megabytes):
                self.refused(self.broker(start=False, preexec=limit_address_space(megabytes)),
                             f'{megabytes} MB of address space', 'ulimit -v')
        broker = self.broker(start=False, preexec=limit_address_space(512)).start()
        self.round_trip(broker.adapter(), broker.worker(), 'hello')

    @unittest.skipUnless(is_root(), 'the limit counts all that a user runs: this one runs nothing else')
    def test_too_few_threads(self):
        """Wherever the libraries would come to their end with them."""
        program, stranger = self.for_nobody(PROGRAM), 700000 + os.getpid()
        folder = os.path.dirname(program)
        os.chown(folder, stranger, stranger)
        for most in (1, 4, 8, 16):
            with self.subTest(most=most):
                done = subprocess.run([program, '--data', f'{folder}/data', '--run', f'{folder}/run'],
                                      preexec_fn=limit_processes(stranger, most), capture_output=True, text=True,
                                      timeout=60, check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(f'may start {most - 1} threads', done.stderr)
                self.assertIn('ulimit -u', done.stderr)

    def test_connections_that_would_take_all_are_closed(self):
        """libzmq would end the process, and the store could open no file."""
        broker = self.broker(start=False, preexec=limit_files(256)).start()
        adapter, worker = broker.adapter(), broker.worker()
        lines = [socket.socket(socket.AF_UNIX) for _ in range(400)]
        self.addCleanup(lambda: [line.close() for line in lines])
        for line in lines:
            line.connect(f'{broker.run}/agents.ipc')
        line = broker.wait_log('peers.turned_away')
        self.assertLess(line['most'], 256)
        self.assertLess(len(os.listdir(f'/proc/{broker.process.pid}/fd')), 256 - 8)
        self.round_trip(adapter, worker, 'hello')
        for line in lines:
            line.close()
        wait(lambda: len(os.listdir(f'/proc/{broker.process.pid}/fd')) < 128, 'room')
        self.round_trip(broker.adapter(name='later'), worker, 'hello again')


class Disk(BrokerTest):
    def fill(self, broker):
        """Publishes until the broker stops; the texts that were acknowledged."""
        adapter, kept, number = broker.adapter(credit=0), [], 0
        while broker.running() and number < 4000:
            number += 1
            seq, _ = adapter.publish(f'{number} ' + 'x' * 20000, session=str(number % 10), platform_id=str(number))
            got = wait(lambda: adapter.next(0.05) or not broker.running(), 'an answer or the end')
            if got is True:
                break
            self.assertEqual(got, ('STORED', [[seq]]))
            kept.append(number)
        self.assertEqual(broker.wait_exit(), 1, broker.tail())
        self.assertTrue(broker.logged('store.failed'))
        self.assertTrue(broker.logged('broker.failed'))
        adapter.close()
        return kept, '\n'.join(broker.raw)

    def all_there(self, broker, kept):
        broker.start()
        worker, seen = broker.worker(credit=64), []
        self.assertGreaterEqual(broker.metric('pending_events'), len(kept))
        for _ in range(int(broker.metric('pending_events'))):
            job = worker.job()
            seen.append(int(job['body']['message_text'].split()[0]))
            worker.reply(job['lease'], 'x')
        self.assertEqual(set(kept) - set(seen), set(), 'acknowledged, and lost')

    def test_a_file_size_limit_is_a_full_disk(self):
        broker = self.broker({'content.chars': 100000}, start=False, preexec=limit_file_size(2 * 1024 * 1024))
        kept, text = self.fill(broker.start())
        self.assertIn('ulimit -f', text)
        self.assertGreater(len(kept), 20)
        broker.preexec = None
        self.all_there(broker, kept)

    @unittest.skipUnless(is_root(), 'needs root')
    def test_a_full_disk(self):
        disk = f'{self.folder()}/disk'
        os.mkdir(disk)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', disk], check=False,
                          capture_output=True).returncode:
            self.skipTest('no mounts here')
        self.addCleanup(subprocess.run, ['umount', disk], check=True)
        broker = self.broker({'content.chars': 100000}, start=False, data=f'{disk}/data')
        kept, text = self.fill(broker.start())
        self.assertIn('free some space', text)
        self.assertGreater(len(kept), 20)
        saved = f'{broker.folder}/saved'
        shutil.copytree(broker.data, saved)
        os.chmod(saved, 0o700)
        broker.data = saved
        self.all_there(broker, kept)

    def test_a_last_sync_that_fails(self):
        """Without data.sync a stop brings to disk what was acknowledged before."""
        world = World(self.folder())
        broker = self.broker({'data.sync': False}, env=world.env())
        adapter = broker.adapter()
        world.set(sync_errno=5)
        adapter.publish('not on disk')
        adapter.expect('STORED')
        self.assertEqual(broker.stop(), 1)
        line = broker.logged('store.failed')[0]
        self.assertIn(broker.data, line['why'])
        self.assertFalse(broker.logged('broker.stopped'))

    def test_a_sync_that_fails(self):
        world = World(self.folder())
        broker = self.broker(env=world.env())
        adapter = broker.adapter()
        adapter.publish('kept')
        adapter.expect('STORED')
        world.set(sync_errno=5)
        adapter.publish('not kept')
        self.assertEqual(broker.wait_exit(), 1)
        adapter.quiet('STORED', 0.1)
        line = broker.logged('store.failed')[0]
        self.assertEqual(line['level'], 'error')
        self.assertIn(broker.data, line['why'])


if __name__ == '__main__':
    unittest.main()
