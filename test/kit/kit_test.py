#!/usr/bin/python3
# RUN: timeout=240
"""What the host does for every platform, with a plugin that asks for it in a running broker."""

import http.client
import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'system'))
from palaverd import BUILD, SECONDS, Broker, BrokerTest, route, wait  # noqa: E402
from compiled import compile_plugin  # noqa: E402
from ports import free_port  # noqa: E402


class KitTest(BrokerTest):
    def setUp(self):
        folder = self.folder()
        plugins = f'{folder}/plugins'
        os.mkdir(plugins, 0o755)
        compile_plugin(f'{HERE}/kit_plugin.txt', f'{plugins}/kit.so')
        self.port = free_port()
        self.broker = Broker(folder, {'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()],
                                      'adapters': {'kit': {'port': self.port}}}, options=('--plugins', plugins))
        self.addCleanup(self.broker.close)
        self.broker.start()
        self.up()

    def up(self):
        """The plugin listens, and the broker knows it."""
        wait(lambda: self.tries('get', 'nothing') == 'ok ', 'the plugin')

    def tries(self, *words):
        try:
            return self.ask(*words)
        except OSError:
            return None

    def ask(self, *words, body=None, seconds=SECONDS):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=seconds)
        try:
            connection.request('POST' if body else 'GET', '/' + '/'.join(map(str, words)), body)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def host_pid(self):
        found = subprocess.run(['pgrep', '-P', str(self.broker.process.pid), 'palaver-adapter'], capture_output=True,
                               text=True, check=False).stdout.split()
        return int(found[0]) if found else None

    def kill_host(self):
        pid = self.host_pid()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: self.host_pid() not in (None, pid), 'another host')
        self.up()


class KeyValueTest(KitTest):
    def test_values_are_kept_in_order(self):
        self.assertEqual(self.ask('put', 'b', 'two'), 'ok ')
        self.assertEqual(self.ask('put', 'a', 'one'), 'ok ')
        self.assertEqual(self.ask('put', 'b', 'three'), 'found ')
        self.assertEqual(self.ask('get', 'b'), 'found three')
        self.assertEqual(self.ask('list', ''), 'a=one\nb=three\n')
        self.assertEqual(self.ask('remove', 'a'), 'found ')
        self.assertEqual(self.ask('list', ''), 'b=three\n')
        self.assertIn('at least one byte', self.ask('get', ''))

    def test_a_list_of_many_pages(self):
        for number in range(600):
            self.ask('put', f'k{number:03}', number)
        self.assertEqual(self.ask('list', 'k').split(), [f'k{number:03}={number}' for number in range(600)])
        self.assertEqual(self.ask('list', 'k59').split(), [f'k59{number}=59{number}' for number in range(10)])

    def test_they_survive_both_processes(self):
        self.ask('put', 'cursor', '4711')
        self.kill_host()
        self.assertEqual(self.ask('get', 'cursor'), 'found 4711')
        self.broker.restart(crash=True)
        self.up()
        self.assertEqual(self.ask('get', 'cursor'), 'found 4711')


class BudgetTest(KitTest):
    def test_a_days_budget_survives_a_restart(self):
        self.ask('retry', 'gateway', 3)  # the first wait is long: what was kept is not known yet
        wait(lambda: self.ask('retry', 'free', 0) is not None, 'an answer')
        self.ask('get', 'x')  # behind it everything that was asked before has been answered
        self.assertLess(int(self.ask('retry', 'gateway', 3)), 10)
        self.ask('retry', 'gateway', 3)
        self.assertGreater(int(self.ask('retry', 'gateway', 3)), 3600 * 1000)
        self.ask('get', 'x')
        self.kill_host()
        self.ask('retry', 'gateway', 3)
        self.ask('get', 'x')
        self.assertGreater(int(self.ask('retry', 'gateway', 3)), 3600 * 1000)
        self.assertEqual(self.ask('list', ''), '')  # the plugin does not see the host's own keys


class OtherTest(KitTest):
    def test_rates(self):
        self.assertEqual([self.ask('rate', 'chat', 2) for _ in range(2)], ['0', '0'])
        self.assertGreater(int(self.ask('rate', 'chat', 2)), 20000)
        self.assertEqual(self.ask('rate', 'other', 2), '0')

    def test_text(self):
        self.assertEqual(self.ask('render', 2, 0, body='**a** < b'), '<b>a</b> &lt; b\n--\n')
        self.assertEqual(self.ask('render', 3, 12, body='**one two** three'), '**one two**\n--\nthree\n--\n')

    def test_metrics_reach_prometheus(self):
        self.ask('count', 'updates_total', 3)
        self.ask('count', 'updates_total', 4)
        self.ask('level', 'lag', 2.5)
        wait(lambda: 'palaver_plugin_updates_total{adapter="kit"} 7\n' in self.broker.ask('metrics')['text'],
             'the counter', 20)
        text = self.broker.ask('metrics')['text']
        self.assertIn('# TYPE palaver_plugin_updates_total counter\n', text)
        self.assertIn('palaver_plugin_lag{adapter="kit"} 2.5\n', text)

    def test_health_is_logged_once_a_change(self):
        for _ in range(3):
            self.ask('ill', 'token-refused')
        self.ask('well')
        self.ask('well')
        self.broker.wait_log('plugin.info', text='works again')
        self.assertEqual(len([line for line in self.broker.tail(200).splitlines() if 'token-refused' in line]), 1)


if __name__ == '__main__':
    unittest.main()
