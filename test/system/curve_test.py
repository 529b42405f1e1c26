#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""Agents on other machines: TCP with CURVE, off by default, and only for keys that are let in."""

import os
import subprocess
import unittest

import zmq

from palaverd import BUILD, NOBODY, PROGRAM, BrokerTest, become_nobody, is_root, wait
from ports import free_port
from wireclient import Worker, frame

BROKER = """#   made by a test
metadata
    name = "broker"
curve
    public-key = "{}"
    secret-key = "{}"
"""


def cert(path, public, secret=None):
    text = BROKER.format(public, secret) if secret else f'metadata\ncurve\n    public-key = "{public}"\n'
    with open(path, 'w', encoding='ascii') as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


class Curve(BrokerTest):
    def setUp(self):
        self.public, self.secret = (key.decode() for key in zmq.curve_keypair())
        self.allowed = zmq.curve_keypair()
        self.stranger = zmq.curve_keypair()

    def start(self, start=True):
        broker = self.broker(start=False)
        self.keys = f'{broker.folder}/keys'
        os.makedirs(f'{self.keys}/agents')
        cert(f'{self.keys}/broker.cert_secret', self.public, self.secret)
        cert(f'{self.keys}/agents/one.cert', self.allowed[0].decode())
        self.endpoint = f'tcp://127.0.0.1:{free_port()}'
        broker.write_conf({'listen.agents': self.endpoint})
        return broker.start() if start else broker

    def remote(self, broker, keys, server=None, hello=True):
        options = {'curve_publickey': keys[0], 'curve_secretkey': keys[1],
                   'curve_serverkey': (server or self.public).encode()} if keys else {}
        return broker.keep(Worker(self.endpoint, 'remote', socket=options, hello=hello))

    def not_let_in(self, peer):
        peer.send(frame('HELLO', 'agent', 'remote', 'b', 1, {'services': ['advisor'], 'credit': 4}))
        self.assertIsNone(peer.next(0.7))

    def test_off_by_default(self):
        broker = self.broker()
        with open(f'/proc/{broker.process.pid}/net/tcp', encoding='ascii') as tcp:
            listening = {line.split()[9] for line in tcp if line.split()[3] == '0A'}
        mine = set()
        for fd in os.listdir(f'/proc/{broker.process.pid}/fd'):
            link = os.readlink(f'/proc/{broker.process.pid}/fd/{fd}')
            if link.startswith('socket:['):
                mine.add(link[8:-1])
        self.assertEqual(mine & listening, set())

    def test_a_key_that_is_let_in_works(self):
        broker = self.start()
        adapter, worker = broker.adapter(), self.remote(broker, self.allowed)
        job, body = self.round_trip(adapter, worker, 'hello from afar')
        self.assertEqual((job['body']['message_text'], body['response_text']), ('hello from afar', 'an answer'))

    def test_a_key_that_is_not_known_is_not_let_in(self):
        broker = self.start()
        adapter = broker.adapter()
        adapter.publish('secret')
        adapter.expect('STORED')
        self.not_let_in(self.remote(broker, self.stranger, hello=False))
        self.assertEqual(broker.metric('leases'), 0)
        self.assertEqual(broker.metric('peers{role="worker"}'), 0)

    def test_without_curve_nobody_is_let_in(self):
        broker = self.start()
        self.not_let_in(self.remote(broker, None, hello=False))
        self.remote(broker, self.allowed)

    def test_a_wrong_server_key_does_not_connect(self):
        broker = self.start()
        self.not_let_in(self.remote(broker, self.allowed, zmq.curve_keypair()[0].decode(), hello=False))

    def test_a_worker_that_is_not_let_in_says_what_may_be_why(self):
        broker = self.start()
        own, its = f'{broker.folder}/own', f'{broker.folder}/its'
        cert(own, *(key.decode() for key in self.stranger))
        cert(its, self.public)
        worker = subprocess.Popen([f'{BUILD}/bin/palaver-exec', '--endpoint', self.endpoint, '--cert', own,
                                   '--broker-cert', its, '--', 'cat'], stderr=subprocess.PIPE, text=True)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.terminate)
        with worker.stderr:
            self.assertIn('who is not in its keys/agents', worker.stderr.readline())

    def test_a_key_that_is_added_later_is_let_in_without_a_restart(self):
        broker = self.start()
        cert(f'{self.keys}/agents/two.cert', self.stranger[0].decode())
        def try_it():
            peer = self.remote(broker, self.stranger, hello=False)
            peer.send(frame('HELLO', 'agent', 'remote', 'b', 1, {'services': ['advisor'], 'credit': 4}))
            return peer.next(0.5)
        self.assertEqual(wait(try_it, 'the new key is let in')[0], 'WELCOME')

    def test_who_is_connected_by_a_key_that_is_taken_away_is_cut_off(self):
        """A stolen key is of no use any more, whatever its connection says: it gets no job, and its answer counts for
        nothing."""
        broker = self.start()
        cert(f'{self.keys}/agents/two.cert', self.stranger[0].decode())
        adapter, other = broker.adapter(), self.remote(broker, self.stranger)
        thief = self.remote(broker, self.allowed)
        adapter.publish('a secret')
        adapter.publish('another', session='2')
        adapter.stored(2)
        first, second = thief.job(), other.job()
        os.unlink(f'{self.keys}/agents/one.cert')
        self.assertEqual(broker.wait_log('peer.barred')['key'], self.allowed[0].decode())
        again = other.job()
        self.assertEqual((again['envelope']['id'], again['attempt']), (first['envelope']['id'], 2))
        thief.reply(first['lease'], 'forged')
        self.not_let_in(thief)
        self.not_let_in(self.remote(broker, self.allowed, hello=False))
        for job in (second, again):
            other.reply(job['lease'], 'from the other')
            self.assertEqual(self.deliver(adapter)['response_text'], 'from the other')
        self.assertEqual(broker.metric('peers{role="worker"}'), 1)

    def test_a_key_that_is_put_back_is_let_in_again(self):
        broker = self.start()
        adapter, worker = broker.adapter(), self.remote(broker, self.allowed)
        path = f'{self.keys}/agents/one.cert'
        os.rename(path, f'{self.keys}/one.cert')
        broker.wait_log('peer.barred')
        os.rename(f'{self.keys}/one.cert', path)
        def try_it():
            worker.send(frame('HELLO', 'agent', 'remote', 'b', 1, worker.options))
            return worker.next(0.5)
        self.assertEqual(wait(try_it, 'it is let in again')[0], 'WELCOME')
        worker.ready = True
        self.round_trip(adapter, worker, 'hello')

    def test_only_agents_are_let_in(self):
        broker = self.start()
        for role in ('adapter', 'tool'):
            peer = self.remote(broker, self.allowed, hello=False)
            peer.send(frame('HELLO', role, 'remote', 'b', 1, {}))
            self.assertEqual(peer.expect('ERROR')[0], 'AUTH')

    def test_a_remote_agent_survives_a_restart_of_the_broker(self):
        broker = self.start()
        adapter, worker = broker.adapter(), self.remote(broker, self.allowed)
        adapter.publish('hello')
        job = worker.job()
        broker.restart(crash=True)
        adapter.hello()
        worker.options['holding'] = [job['lease']]
        worker.hello()
        worker.reply(job['lease'], 'still here')
        self.assertEqual(self.deliver(adapter)['response_text'], 'still here')

    def test_no_certificate(self):
        broker = self.start(start=False)
        os.remove(f'{self.keys}/broker.cert_secret')
        self.refused(broker, 'broker.cert_secret', 'palaver keys new')

    def test_a_secret_that_others_may_read(self):
        broker = self.start(start=False)
        os.chmod(f'{self.keys}/broker.cert_secret', 0o644)
        self.refused(broker, 'broker.cert_secret', 'chmod 600')

    @unittest.skipUnless(is_root(), 'takes a second user')
    def test_keys_that_the_user_of_the_broker_may_not_read(self):
        """`palaver keys` was called as root; what it made is root's alone."""
        for path, mode in (('broker.cert_secret', 0o600), ('agents', 0o700), ('', 0o700)):
            broker = self.start(start=False)
            parent = os.path.dirname(broker.folder)
            os.chmod(parent, os.stat(parent).st_mode & 0o7777 | 0o011)
            os.chown(broker.folder, NOBODY.pw_uid, NOBODY.pw_gid)
            for folder, _, names in os.walk(self.keys):
                os.chmod(folder, 0o755)
                for name in names:
                    os.chown(f'{folder}/{name}', NOBODY.pw_uid, NOBODY.pw_gid)
            os.chown(f'{self.keys}/{path}', 0, 0)
            os.chmod(f'{self.keys}/{path}', mode)
            broker.preexec, broker.program = become_nobody, self.for_nobody(PROGRAM)
            self.refused(broker, 'may not read it', f'chown -R nobody {self.keys}')

    def test_a_certificate_that_is_none(self):
        broker = self.start(start=False)
        with open(f'{self.keys}/broker.cert_secret', 'w', encoding='ascii') as file:
            file.write('hello')
        self.refused(broker, 'broker.cert_secret', 'certificate')

    def test_an_address_that_is_none(self):
        broker = self.start(start=False)
        for address in ('127.0.0.1:99', 'ipc:///tmp/x', 'tcp://', 'tcp://nowhere.invalid:1', 'tcp://127.0.0.1'):
            broker.write_conf({'listen.agents': address})
            self.refused(broker, 'listen.agents' if 'nowhere' not in address else address)


if __name__ == '__main__':
    unittest.main()
