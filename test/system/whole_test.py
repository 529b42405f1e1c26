#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""The broker with its real neighbours: workers in C and Python, and a plugin in a host that the broker supervises."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest

from palaverd import BUILD, SECONDS, VARIANT, BrokerTest, route, wait

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON_WORKER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import palaver
def answer(job):
    job.typing()
    threading.Event().wait(float(sys.argv[3]))
    return job.text
palaver.main(palaver.Worker(endpoint=sys.argv[2], services=['advisor'], name='python'), answer)
"""


class Workers(BrokerTest):
    kinds = ('c', 'python')

    def agent(self, broker, kind, think=0.0):
        endpoint = f'ipc://{broker.run}/agents.ipc'
        if kind == 'c':
            command = [f'{BUILD}/bin/palaver-echo', '--endpoint', endpoint, '--services', 'advisor', '--name', 'c',
                       '--think', str(int(think * 1000))]
        else:
            command = [sys.executable, '-c', PYTHON_WORKER, f'{TOP}/agents/sdk', endpoint, str(think)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(self.end, child)
        return child

    def end(self, child):
        if child.poll() is None:
            child.kill()
        child.wait()
        child.stderr.close()

    def here(self, broker, count=1):
        wait(lambda: len(broker.ask('agents.list')['items']) == count, f'{count} workers')

    def each(self, conf=None, think=0.0):
        for kind in self.kinds:
            with self.subTest(worker=kind):
                broker = self.broker(conf)
                child = self.agent(broker, kind, think)
                self.here(broker)
                yield kind, broker, broker.adapter(), child

    def test_an_answer(self):
        for kind, broker, adapter, _ in self.each():
            adapter.publish(f'hello from {kind}')
            self.assertEqual(self.deliver(adapter)['response_text'], f'hello from {kind}')
            item = broker.ask('agents.list')['items'][0]
            self.assertEqual((item['name'], item['services']), (kind, ['advisor']))

    def test_a_job_outlives_kill_9_of_the_broker(self):
        for _, broker, adapter, _ in self.each(think=1.5):
            adapter.publish('slow', platform_id='m1')
            adapter.expect('STORED')
            adapter.expect('LIVE')
            broker.restart(crash=True)
            adapter.hello()
            self.assertEqual(self.deliver(adapter)['response_text'], 'slow')
            self.assertEqual((broker.metric('jobs_retried'), broker.dead()), (0, []))

    def test_a_worker_that_is_asked_to_stop_finishes_what_it_holds(self):
        for _, broker, adapter, child in self.each(think=0.5):
            adapter.publish('held')
            adapter.expect('STORED')
            adapter.expect('LIVE')  # it types: it is at work
            child.send_signal(signal.SIGTERM)
            self.assertEqual(self.deliver(adapter)['response_text'], 'held')
            self.assertEqual(wait(lambda: child.poll() is not None and [child.returncode], 'it ends'), [0])
            self.assertEqual(broker.wait_log('peer.gone', role='agent')['how'], 'left')

    def test_a_worker_that_is_killed_is_replaced(self):
        for kind, broker, adapter, child in self.each(think=0.5):
            adapter.publish('held')
            adapter.expect('STORED')
            adapter.expect('LIVE')
            child.kill()
            self.agent(broker, kind)
            self.assertEqual(self.deliver(adapter)['response_text'], 'held')
            self.assertEqual(broker.wait_log('event.retry')['attempt'], 1)

    def test_a_drain_waits_for_the_answer_and_the_worker_comes_back(self):
        for _, broker, adapter, _ in self.each({'run.drain_s': 60}, think=0.5):
            adapter.publish('held')
            adapter.expect('STORED')
            adapter.expect('LIVE')
            broker.signal(signal.SIGTERM)
            self.assertEqual(self.deliver(adapter)['response_text'], 'held')
            self.assertEqual(broker.wait_exit(), 0)
            broker.start()
            adapter.hello()
            adapter.publish('again')
            self.assertEqual(self.deliver(adapter)['response_text'], 'again')

    def test_every_message_is_answered_once_while_the_broker_is_killed_again_and_again(self):
        for kind, broker, adapter, _ in self.each(think=0.005):
            self.agent(broker, kind, 0.005)
            self.here(broker, 2)
            answers, unstored = {}, {}
            for number in range(60):
                envelope, body = adapter.event(f'{number}', session=str(number % 6), platform_id=str(number))
                unstored[adapter.post(envelope, body)] = (envelope, body)
                if number % 20 == 10:
                    broker.restart(crash=True)
                    self.come_back(adapter, unstored)
            until = time.monotonic() + 6 * SECONDS
            while len(answers) < 60 and time.monotonic() < until:
                verb, args = adapter.next(1) or ('nothing', None)
                if verb == 'STORED':
                    for seq in args[0]:
                        unstored.pop(seq, None)
                elif verb == 'DELIVER':
                    answers.setdefault(args[2]['reply_to'], set()).add(args[2]['id'])
                    adapter.delivered(args[0])
            self.assertEqual((len(answers), unstored, broker.dead()), (60, {}, []))
            self.assertEqual({len(ids) for ids in answers.values()}, {1})

    def come_back(self, adapter, unstored):
        """After a crash the adapter says again what was not answered."""
        adapter.hello()
        again = list(unstored.values())
        unstored.clear()
        unstored.update({adapter.post(envelope, body): (envelope, body) for envelope, body in again})


@unittest.skipIf(VARIANT == 'tsan', 'the host loads its plugin into a process of another variant')
class Plugins(BrokerTest):
    def start(self, **conf):
        """A broker with the loopback plugin in its directory, and a worker that answers by hand."""
        broker = self.broker({'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()], **conf}, start=False)
        self.plugins, self.socket = f'{broker.folder}/plugins', f'{broker.folder}/loopback.sock'
        os.mkdir(self.plugins)
        broker.options = ['--plugins', self.plugins]
        broker.write_conf({'adapters': {'loopback': {'path': self.socket}}})
        broker.start()
        return broker

    def drop_in(self, name='loopback'):
        shutil.copy(f'{BUILD}/plugins/{name}.so', f'{self.plugins}/.{name}.new')
        os.chmod(f'{self.plugins}/.{name}.new', 0o755)
        os.rename(f'{self.plugins}/.{name}.new', f'{self.plugins}/{name}.so')

    def hosts(self, broker):
        return {item['name']: item for item in broker.ask('adapters.list')['items'] if item['state'] == 'ready'}

    def connect(self):
        def look():
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(self.socket)
            except OSError:
                line.close()
                return None
            return line
        line = wait(look, 'the plugin listens')
        line.settimeout(SECONDS)
        self.addCleanup(line.close)
        return line.makefile('rw', encoding='utf-8')

    def say(self, line, text, platform_id):
        said = {'conversation': '42', 'user_id': 'ann', 'message_text': text, 'platform_id': platform_id}
        line.write(json.dumps(said) + '\n')
        line.flush()

    def test_a_plugin_that_is_dropped_in_works_at_once(self):
        broker = self.start()
        worker = broker.worker()
        self.drop_in()
        broker.wait_log('adapter.started')
        line = self.connect()
        wait(lambda: 'loopback' in self.hosts(broker), 'the adapter is there')
        self.say(line, 'hello', 'm1')
        self.assertEqual(json.loads(line.readline())['taken'], 'stored')
        job = worker.job()
        self.assertEqual((job['body']['message_text'], job['envelope']['session_id']), ('hello', 'loopback_42'))
        worker.reply(job['lease'], 'an answer')
        self.assertEqual(json.loads(line.readline())['response_text'], 'an answer')
        broker.wait_metric('outbox', 0)

    def test_a_host_that_is_killed_is_started_again(self):
        broker = self.start()
        worker = broker.worker()
        self.drop_in()
        first = wait(lambda: self.hosts(broker).get('loopback'), 'the adapter is there')['pid']
        os.kill(first, signal.SIGKILL)
        line = broker.wait_log('adapter.exited')
        self.assertIn('SIGKILL', line['status'])
        second = wait(lambda: (item := self.hosts(broker).get('loopback')) and item['pid'] != first and item, 'again')
        self.assertNotEqual(second['pid'], first)
        line = self.connect()
        self.say(line, 'hello', 'm1')
        self.assertEqual(json.loads(line.readline())['taken'], 'stored')
        worker.reply(worker.job()['lease'], 'an answer')
        self.assertEqual(json.loads(line.readline())['response_text'], 'an answer')

    def test_a_plugin_that_is_removed_leaves(self):
        broker = self.start()
        self.drop_in()
        pid = wait(lambda: self.hosts(broker).get('loopback'), 'the adapter is there')['pid']
        os.remove(f'{self.plugins}/loopback.so')
        wait(lambda: not self.hosts(broker), 'the adapter has left')
        wait(lambda: not os.path.exists(f'/proc/{pid}'), 'its process has ended')
        self.assertEqual(broker.wait_log('peer.gone', role='adapter')['how'], 'left')

    def test_a_bad_plugin_is_refused_in_one_line_and_the_rest_runs_on(self):
        broker = self.start()
        self.drop_in()
        wait(lambda: 'loopback' in self.hosts(broker), 'the adapter is there')
        with open(f'{self.plugins}/bad.so', 'w', encoding='ascii') as file:
            os.fchmod(file.fileno(), 0o755)
            file.write('this is no library')
        line = broker.wait_log('adapter.refused')
        self.assertIn('bad', line['file'])
        self.assertTrue(line['why'])
        self.assertIn('loopback', self.hosts(broker))

    def test_hosts_end_with_the_broker(self):
        broker = self.start()
        self.drop_in()
        pid = wait(lambda: self.hosts(broker).get('loopback'), 'the adapter is there')['pid']
        self.assertEqual(broker.stop(), 0)
        self.assertFalse(os.path.exists(f'/proc/{pid}'))

    def test_after_kill_9_of_the_broker_the_next_one_has_its_plugin(self):
        broker = self.start()
        worker = broker.worker()
        self.drop_in()
        old = wait(lambda: self.hosts(broker).get('loopback'), 'the adapter is there')['pid']
        line = self.connect()
        self.say(line, 'hello', 'm1')
        self.assertEqual(json.loads(line.readline())['taken'], 'stored')
        job = worker.job()
        broker.restart(crash=True)
        worker.options['holding'] = [job['lease']]
        worker.hello()
        wait(lambda: 'loopback' in self.hosts(broker), 'the adapter is there again')
        line = self.connect()
        self.say(line, 'after', 'm2')
        self.assertEqual(json.loads(line.readline())['taken'], 'stored')
        worker.reply(job['lease'], 'an answer')
        self.assertEqual(json.loads(line.readline())['response_text'], 'an answer')
        self.assertEqual(worker.job()['body']['message_text'], 'after')
        wait(lambda: not os.path.exists(f'/proc/{old}'), 'the host of the first broker has ended')


if __name__ == '__main__':
    unittest.main()
