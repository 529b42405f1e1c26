#!/usr/bin/python3
# RUN: timeout=240
"""palaver doctor: each thing that is wrong is found, named, and told how to mend."""

import json
import os
import signal
import socket
import subprocess
import unittest

from cli import BUILD, OK, PALAVER, PARTLY, SECONDS, CliTest, become_nobody, wait


class Doctor(CliTest):
    def doctor(self, broker=None, conf=None, data=None, code=OK, env=None):
        folder = self.folder()
        path = f'{folder}/palaver.conf'
        with open(path, 'w') as file:
            file.write(conf or '')
        arguments = ['doctor', '--conf', path, '--data', data or (broker.data if broker else folder)]
        done = self.palaver(broker, *arguments, code=code, env={'PALAVER_RUN': f'{folder}/none', **(env or {})}
                            if not broker else env)
        found = {}
        for row in done.rows:
            found.setdefault(row['check'], []).append(row)
        return found

    def one(self, found, check, result, *words):
        rows = [row for row in found[check] if row['result'] == result]
        self.assertTrue(rows, found[check])
        for word in words:
            self.assertIn(word, rows[0]['found'] + rows[0]['advice'])

    def test_a_broker_that_is_well(self):
        broker = self.broker()
        broker.worker()
        found = self.doctor(broker)
        for check in ('conf', 'data', 'sync', 'sockets', 'broker', 'routes', 'letters'):
            self.one(found, check, 'ok')

    def test_a_configuration_that_is_not_there_has_no_line_to_correct(self):
        rows = self.palaver(None, 'doctor', '--conf', '/no/such.conf', code=PARTLY).rows
        found = {row['check']: row for row in rows}['conf']
        self.assertEqual(found['found'], '/no/such.conf: cannot be read: No such file or directory')
        self.assertEqual(found['advice'], 'name one that is there: --conf FILE')

    def test_a_broker_that_does_not_answer(self):
        broker = self.broker()
        broker.signal(signal.SIGSTOP)
        self.addCleanup(broker.signal, signal.SIGCONT)
        rows = self.palaver(broker, 'doctor', '--timeout', '0.5', code=PARTLY).rows
        found = {row['check']: row for row in rows}['broker']
        self.assertEqual(found['found'], 'it does not answer within 0.5 s')

    def test_a_stranger_is_not_told_that_nothing_runs(self):
        if os.geteuid():
            self.skipTest('needs root')
        tool = self.for_nobody(PALAVER)
        folder = os.path.dirname(tool)
        os.makedirs(f'{folder}/closed/data')
        os.makedirs(f'{folder}/closed/keys')
        os.chmod(f'{folder}/closed', 0o700)
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            with open(f'{folder}/palaver.conf', 'w') as file:
                file.write(f'listen = {{ agents = "tcp://127.0.0.1:{taken.getsockname()[1]}"; keys = "closed/keys"; }};'
                           f'data = {{ dir = "{folder}/closed/data"; }};')
            broker = self.broker()
            os.chmod(broker.folder, 0o755)
            done = subprocess.run([tool, 'doctor', '--conf', f'{folder}/palaver.conf', '--run', broker.run],
                                  preexec_fn=become_nobody, capture_output=True, text=True, timeout=SECONDS,
                                  check=False)
        found = {}
        for row in map(json.loads, done.stdout.splitlines()):
            found.setdefault(row['check'], []).append(row)
        user = "run the doctor as the broker's user"
        self.one(found, 'sockets', 'problem', 'Permission denied', user)
        self.one(found, 'broker', 'skipped', 'this user may not ask it', user)
        self.one(found, 'data', 'problem', 'Permission denied', user)
        self.one(found, 'keys', 'skipped', 'Permission denied', user)
        self.one(found, 'listen', 'skipped', 'was not asked')

    def test_keys_of_root_are_a_problem_of_the_brokers_user(self):
        if os.geteuid():
            self.skipTest('needs root')
        tool = self.for_nobody(PALAVER)
        folder = os.path.dirname(tool)
        self.palaver(None, 'keys', 'new', 'broker', '--keys', f'{folder}/keys')
        with open(f'{folder}/palaver.conf', 'w') as file:
            file.write('listen = { agents = "tcp://127.0.0.1:1"; };')
        done = subprocess.run([tool, 'doctor', '--conf', f'{folder}/palaver.conf', '--data', f'{folder}/none', '--run',
                               f'{folder}/none'], preexec_fn=become_nobody, capture_output=True, text=True,
                              timeout=SECONDS, check=False)
        found = {'keys': [row for row in map(json.loads, done.stdout.splitlines()) if row['check'] == 'keys']}
        self.one(found, 'keys', 'problem', f'{folder}/keys: Permission denied', "chown -R it to the broker's user")

    def test_it_looks_where_the_broker_does(self):
        broker = self.broker()
        found = {row['check']: row for row in self.palaver(broker, 'doctor').rows if row['check'] != 'adapters'}
        self.assertTrue(found['conf']['found'].startswith(os.path.realpath(broker.file)), found['conf'])
        self.assertEqual(found['data']['found'], os.path.realpath(broker.data))

    def test_an_adapter_that_is_refused(self):
        plugins = self.folder()
        with open(f'{plugins}/bad.so', 'w') as file:
            file.write('no library')
        broker = self.broker({'plugins.dir': plugins, 'plugins.host': f'{BUILD}/bin/palaver-adapter'})
        wait(lambda: [host for host in broker.ask('adapters.hosts')['items'] if host['state'] == 'refused'], 'refused')
        found = self.palaver(broker, 'doctor', code=PARTLY)
        rows = {row['found']: row for row in found.rows if row['check'] == 'adapters'}
        self.assertEqual(rows.pop(plugins)['result'], 'ok')
        (words, row), = rows.items()
        self.assertEqual(row['result'], 'problem')
        self.assertTrue(words.startswith('bad: refused: ') and 'ELF' in words, words)

    def test_no_broker(self):
        found = self.doctor()
        self.one(found, 'sockets', 'warning', 'palaverd')
        self.one(found, 'broker', 'skipped')

    def test_a_wrong_conf_is_named_with_its_line(self):
        found = self.doctor(conf='log = { level = "debug"; };\nsession = { idel_s = 3; };\n', code=PARTLY)
        self.one(found, 'conf', 'problem', 'palaver.conf:2', 'idel_s', 'idle_s')

    def test_a_place_for_letters_that_go(self):
        conf = f'dead = {{ max = 10; export = "{self.folder()}/none"; }};'
        self.one(self.doctor(conf=conf, code=PARTLY), 'conf', 'problem', 'dead.export', 'make it')

    def test_sync_switched_off(self):
        self.one(self.doctor(conf='data = { sync = false; };'), 'conf', 'warning', 'power cut')

    def test_data_that_others_may_read(self):
        folder = self.folder()
        os.chmod(folder, 0o755)
        self.one(self.doctor(data=folder, code=PARTLY), 'data', 'problem', '0755', 'chmod 700')

    def test_keys_that_others_may_read(self):
        folder = self.folder()
        empty = f'listen = {{ agents = "tcp://127.0.0.1:1"; keys = "{self.folder()}"; }};'
        self.one(self.doctor(conf=empty, code=PARTLY), 'keys', 'problem', 'no broker.cert_secret', 'keys new broker')
        self.palaver(None, 'keys', 'new', 'broker', '--keys', folder)
        conf = f'listen = {{ agents = "tcp://127.0.0.1:1"; keys = "{folder}"; }};'
        none = f'listen = {{ agents = "tcp://127.0.0.1:1"; keys = "{folder}/none"; }};'
        self.one(self.doctor(conf=none, code=PARTLY), 'keys', 'problem', 'cannot be read', f'--keys {folder}/none')
        self.one(self.doctor(conf=conf, code=PARTLY if os.geteuid() else OK), 'keys', 'ok', '1 secret key')
        os.chmod(f'{folder}/broker.cert_secret', 0o644)
        self.one(self.doctor(conf=conf, code=PARTLY), 'keys', 'problem', '1 of 1', 'chmod 600')

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            conf = f'listen = {{ agents = "tcp://127.0.0.1:{taken.getsockname()[1]}"; keys = "/tmp"; }};'
            self.one(self.doctor(conf=conf, code=PARTLY), 'listen', 'problem', 'Address already in use')

    def test_a_disk_too_small_for_what_it_may_keep(self):
        self.one(self.doctor(conf='data = { retain_mb = 100000000; };'), 'space', 'warning', 'data.retain_mb')

    def test_more_pending_than_memory(self):
        self.one(self.doctor(conf='limits = { pending_mb = 1000000; };'), 'memory', 'warning', 'limits.pending_mb')

    def test_a_route_without_workers_and_a_dead_letter(self):
        broker = self.broker({'fallback.general_error': ''})
        self.letters(broker)
        wait(lambda: not broker.ask('agents.list')['items'], 'the worker is gone')
        found = self.doctor(broker)
        self.one(found, 'routes', 'warning', 'no worker serves advisor')
        self.one(found, 'letters', 'warning', '1 dead letter', 'palaver dead list')
        broker.adapter().publish('waits', session='other')
        broker.wait_metric('events_accepted', 2)
        self.one(self.doctor(broker, code=PARTLY), 'routes', 'problem', '1 event waits')

    def test_a_route_that_is_paused(self):
        broker = self.broker({'breaker.threshold': 1, 'fallback.general_error': '', 'agents.attempts': 1})
        worker = broker.worker()
        broker.adapter().publish('x')
        worker.nack(worker.job()['lease'], reason='no prices')
        wait(lambda: broker.ask('status')['routes'][0]['breaker'] != 'closed', 'the route is paused')
        self.one(self.doctor(broker, code=PARTLY), 'routes', 'problem', 'paused')

    def test_a_route_that_an_operator_has_paused(self):
        broker = self.broker()
        for why, words in ((None, 'default is paused by ann'), ('an outage', 'default is paused by ann: an outage')):
            broker.ask('routes.pause', route='default', who='ann', **({'reason': why} if why else {}))
            found, = self.doctor(broker)['routes']
            self.assertEqual(found['found'], words)
            broker.ask('routes.resume', route='default')

    def test_a_terminal_gets_a_table_and_a_sum(self):
        broker = self.broker()
        broker.worker()
        text = self.on_terminal(broker, 'doctor', '--data', broker.data)
        self.assertIn('WHAT TO DO', text)
        self.assertIn('0 problems', text)


if __name__ == '__main__':
    unittest.main()
