#!/usr/bin/python3
# RUN: timeout=400
"""Real .so files in the plugin directory of a running broker: every way in which they come, change, fail and go."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TOP, 'test', 'system'), os.path.join(TOP, 'test', 'cli')]
from palaverd import BUILD, PATIENCE, VARIANT, BrokerTest, is_root, route, wait  # noqa: E402
from compiled import compile_plugin  # noqa: E402
from patience import at_best  # noqa: E402

CLI = f'{BUILD}/bin/palaver'
SANITIZED = VARIANT in ('asan', 'tsan')
# What one that is well may take to finish what it has in hand.
LEAVE_S = 15


def cpu_ticks(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        return int(file.read().rpartition(')')[2].split()[11])


class Place(BrokerTest):
    """A broker that watches a directory, and what can be dropped into it."""

    def place(self, **conf):
        self.top = self.folder()
        self.dir, self.made = f'{self.top}/plugins', f'{self.top}/made'
        os.mkdir(self.dir, 0o755)
        os.mkdir(self.made)
        keys = {'plugins.dir': self.dir, 'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()],
                'plugins.hang_s': 2 * PATIENCE, **conf}
        self.started = self.broker(keys, env={'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':handle_segv=0',
                                              'LIVE_SECRET': 'hush'})
        return self.started

    def make(self, *flags):
        """A compiled plugin; the same flags give the same file."""
        path = f'{self.made}/{abs(hash(flags))}.so'
        if not os.path.exists(path):
            compile_plugin(f'{HERE}/live_plugin.txt', path, *flags)
        return path

    def drop(self, name, *flags):
        """Into the directory, whole, as mv does."""
        path = f'{self.dir}/{name}.so'
        shutil.copy(self.make(*flags), f'{path}.part')
        os.rename(f'{path}.part', path)
        return path

    def hosts(self):
        return {host['name']: host for host in self.started.ask('adapters.hosts')['items']}

    def host(self, name, **fields):
        """Its row, as soon as it is so."""
        def look():
            row = self.hosts().get(name)
            return row if row and all(row[key] == value for key, value in fields.items()) else None
        try:
            return wait(look, f'{name} {fields}')
        except AssertionError:
            raise AssertionError(f'{name} {fields}: {self.hosts()}\n{self.started.tail(30)}') from None

    def palaver(self, *words, code=0):
        done = subprocess.run([CLI, *words, '--run', self.started.run], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def refused(self, name, *words):
        """Refused, with one line in the log that says why and what to do."""
        row = self.host(name, state='refused')
        self.started.wait_log('adapter.refused', file=name)
        lines = self.started.logged('adapter.refused', file=name)
        self.assertEqual(len(lines), 1, lines)
        for word in words:
            self.assertIn(word, row['last'])
            self.assertIn(word, lines[0]['why'])
        self.assertNotIn('\n', row['last'])
        self.assertNotIn(f'{self.started.run}/plugins', row['last'])  # where the copy is says nothing to anybody


class Live(Place):
    # ---------------------------------------------------------------- files that come and go

    def test_a_new_file_is_live_within_a_second(self):
        self.place()
        self.drop('warm')
        self.host('warm', state='running')
        self.make()
        names = iter(['late', 'later', 'latest'])

        def drop():
            name, began = next(names), time.monotonic()
            self.drop(name)
            self.host(name, state='running')
            return time.monotonic() - began
        at_best(drop, 1.0 * PATIENCE, times=3)
        row = self.host('late', state='running')
        self.assertEqual((row['platform'], row['version'], row['restarts'], row['last']), ('live', '1', 0, ''))
        self.assertGreater(row['pid'], 0)

    def test_one_that_the_configuration_switches_off_is_not_there(self):
        broker = self.place(**{'plugins.off': ['two']})
        self.drop('two')
        self.drop('one')
        self.host('one', state='running')
        self.assertEqual(list(self.hosts()), ['one'])
        self.assertIn('"two" is named in plugins.off', self.palaver('adapters', 'start', 'two', code=3))
        broker.write_conf({'plugins.off': ['one']})
        broker.signal(signal.SIGHUP)
        self.host('two', state='running')
        wait(lambda: list(self.hosts()) == ['two'], 'one has left')

    def test_a_replaced_file_takes_over_and_the_old_one_leaves_in_order(self):
        broker = self.place()
        self.drop('web')
        old = self.host('web', state='running')
        self.drop('web', '-DLIVE_VERSION="2"')
        new = self.host('web', state='running', version='2')
        self.assertNotEqual(new['pid'], old['pid'])
        left = broker.wait_log('adapter.left', adapter='web')
        self.assertEqual(left['status'], 'exit 0')
        self.assertFalse(os.path.exists(f'/proc/{old["pid"]}'))

    def test_the_old_one_stays_when_the_new_one_fails(self):
        self.place()
        self.drop('web')
        old = self.host('web', state='running')
        for flags, words in ((['-DLIVE_ABI=0x00070000'], 'upgrade palaver'), (['-DLIVE_MISSING'], 'function_of_nobody'),
                             (['-DLIVE_SYMBOL=another'], 'palaver_adapter')):
            self.drop('web', *flags)
            wait(lambda words=words: words in self.hosts()['web']['last'], words)
            row = self.hosts()['web']
            self.assertEqual((row['pid'], row['state']), (old['pid'], 'running'))
        self.drop('web', '-DLIVE_VERSION="3"')
        self.assertNotEqual(self.host('web', version='3', state='running')['pid'], old['pid'])

    def test_the_new_one_says_that_it_waits_until_the_old_one_has_finished(self):
        broker = self.place(adapters={'web': {'does': 'hold', 'drain_s': 3 * PATIENCE}})
        self.drop('web')
        old = self.host('web', state='running')
        worker = broker.worker()
        worker.reply(worker.job()['lease'], 'an answer')
        worker.expect('COMMITTED')
        wait(lambda: json.loads(self.palaver('adapters', 'list', '--json'))['held'] == 1, 'it has the answer in hand')
        self.drop('web', '-DLIVE_VERSION="2"')
        row = self.host('web', state='starting', version='2')
        self.assertRegex(row['why'], f'^waits until process {old["pid"]} has finished what it has in hand: '
                                     r'\d+ s at most \(drain_s\)$')
        self.assertIn(row['why'][:30], self.palaver('adapters', 'list', '--table'))
        self.assertEqual(self.host('web', state='running', version='2')['why'], '')

    def test_a_removed_file_is_drained_and_gone(self):
        broker = self.place()
        path = self.drop('web')
        pid = self.host('web', state='running')['pid']
        os.unlink(path)
        wait(lambda: 'web' not in self.hosts(), 'it is forgotten')
        self.assertEqual(broker.wait_log('adapter.left', adapter='web')['status'], 'exit 0')
        self.assertFalse(os.path.exists(f'/proc/{pid}'))

    # ---------------------------------------------------------------- files that are refused

    def test_what_cannot_be_trusted_or_loaded_is_refused_in_one_line(self):
        self.place()
        with open(f'{self.dir}/text.so', 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\necho hello\n' * 20)
        os.chmod(f'{self.dir}/text.so', 0o755)
        self.refused('text', 'is not an ELF file', 'copy the plugin again')
        with open(self.make(), 'rb') as whole, open(f'{self.dir}/.half', 'wb') as file:
            file.write(whole.read(os.path.getsize(self.make()) // 4))
        os.rename(f'{self.dir}/.half', f'{self.dir}/half.so')
        self.refused('half', 'is cut off', 'copy the plugin again')
        path = self.drop('open')
        self.host('open', state='running')
        os.chmod(path, 0o777)
        wait(lambda: 'chmod go-w' in self.hosts()['open']['last'], 'it is no longer trusted')
        self.drop('newer', '-DLIVE_ABI=0x00070000')
        self.refused('newer', 'ABI 7.0', 'upgrade palaver')
        self.drop('nameless', '-DLIVE_SYMBOL=another')
        self.refused('nameless', 'has no descriptor', 'export a const pal_adapter_t')
        self.drop('missing', '-DLIVE_MISSING')
        self.refused('missing', 'undefined symbol: function_of_nobody')
        if is_root():
            shutil.copy(self.make(), f'{self.made}/foreign.part')
            os.chown(f'{self.made}/foreign.part', 12345, 12345)
            os.rename(f'{self.made}/foreign.part', f'{self.dir}/foreign.so')
            self.refused('foreign', 'belongs neither to root nor to the broker', 'chown')
        os.symlink(self.make(), f'{self.dir}/link.so')
        self.refused('link', 'symbolic link')
        for name in ('MyBot', 'my.bot', 'x' * 65, 'm\u00fcller', 'two\nlines', 'x' * 63 + '\u00e9'):
            path = self.drop(name)
            name = re.sub('[^ -~]', '?', name.encode().decode('latin-1'))
            self.refused(name[:64], f'{name}.so', 'small letters, digits, - and _, at most 64', 'rename it')
            os.rename(path, f'{self.dir}/bot.so')
            self.host('bot', state='running')
            wait(lambda name=name: name[:64] not in self.hosts(), 'it is another one')
            os.unlink(f'{self.dir}/bot.so')
            wait(lambda: 'bot' not in self.hosts(), 'it is gone')
        self.drop('.hidden')
        self.drop('last')
        self.host('last', state='running')
        self.assertNotIn('.hidden', self.hosts())

    def test_a_host_that_is_not_there(self):
        self.place(**{'plugins.host': '/nowhere/palaver-adapter'})
        self.drop('web')
        self.refused('web', '/nowhere/palaver-adapter', 'No such file', 'plugins.host')

    def test_an_unknown_key_is_refused_with_its_line_until_it_is_right(self):
        broker = self.place(adapters={'web': {'nummer': 4}})
        self.drop('web')
        self.refused('web', f'{broker.file}:', 'adapters.web.nummer', 'did you mean number?')
        broker.write_conf({'adapters': {'web': {'number': 4}}})
        broker.signal(1)
        self.host('web', state='running')

    # ---------------------------------------------------------------- plugins that fail

    def test_open_that_fails_is_tried_again_and_says_why(self):
        self.place(adapters={'web': {'does': 'fail'}})
        self.drop('web')
        row = self.host('web', state='restarting')
        self.assertIn('the platform is closed today', row['last'])
        self.assertIsNotNone(row['next_s'])

    def test_a_crash_names_its_signal_and_other_adapters_do_not_notice(self):
        broker = self.place(adapters={'bad': {'does': 'crash'}})
        self.drop('good')
        pid = self.host('good', state='running')['pid']
        self.drop('bad')
        row = wait(lambda: self.hosts().get('bad', {}).get('restarts', 0) >= 2 and self.hosts()['bad'],
                   'it is started again')
        self.assertIn('SIGSEGV', row['last'])
        self.assertEqual(self.hosts()['good']['pid'], pid)
        out = self.palaver('status', '--table')
        self.assertRegex(out, r'bad +\w+ .*SIGSEGV \(Segmentation fault\)')
        self.assertRegex(out, r'good +running')
        status = json.loads(self.palaver('status'))
        self.assertEqual(sorted(row['name'] for row in status['adapters']), ['bad', 'good'])
        self.assertGreaterEqual(len(broker.logged('adapter.exited', adapter='bad')), 2)

    def test_the_name_of_one_that_crashed_is_free_when_the_next_one_comes(self):
        broker = self.place(**{'agents.heartbeat_ms': 10000}, adapters={'bad': {'does': 'crash'}})
        self.drop('bad')
        wait(lambda: len(broker.logged('host.up', adapter='bad')) >= 3, 'the third one is up')
        self.assertEqual([line['text'] for line in broker.logged('host.trouble', adapter='bad')], [])

    def test_trouble_in_any_bytes_is_shown_as_far_as_it_can_be_read(self):
        self.place(adapters={'web': {'does': 'ill'}})
        self.drop('web')
        row = self.host('web', state='degraded')
        self.assertRegex(row['why'], '^J[?]rg says €{60,}$')
        self.assertEqual(json.loads(self.palaver('adapters', 'list', '--json'))['why'], row['why'])

    def test_a_plugin_that_ends_its_process_is_told_apart(self):
        self.place(adapters={'bad': {'does': 'exit'}})
        self.drop('bad')
        wait(lambda: self.hosts().get('bad', {}).get('restarts', 0) >= 1, 'it is started again')
        self.assertEqual(self.hosts()['bad']['last'], 'exit 9: the plugin ended its process, which is not for it to do')

    def test_a_plugin_that_writes_too_much_is_cut_short_and_goes_on(self):
        broker = self.place(adapters={'bad': {'does': 'chatter'}})
        self.drop('bad')
        wait(lambda: sum(line['lines'] for line in broker.logged('plugin.warn') if 'left out' in line['text']) > 1000,
             'it says how much was left out')
        self.assertLess(len(broker.logged('plugin.info', text='chatter')), 5000)
        self.host('bad', state='running', restarts=0)

    def test_a_callback_that_does_not_return_is_killed_and_said(self):
        self.place(adapters={'bad': {'does': 'spin'}})
        self.drop('good')
        pid = self.host('good', state='running')['pid']
        self.drop('bad')
        wait(lambda: 'does not return' in self.hosts().get('bad', {}).get('last', ''), 'it is killed')
        self.assertIn('SIGKILL', self.hosts()['bad']['last'])
        self.assertIn(f'{2000 * PATIENCE} ms', self.hosts()['bad']['last'])
        self.assertEqual(self.hosts()['good']['pid'], pid)

    def test_one_that_stands_still_does_not_keep_its_successor_waiting(self):
        broker = self.place(adapters={'block': {'does': 'block'}, 'spin': {'does': 'spin'}})
        self.drop('block')
        self.drop('spin')
        self.host('block', state='starting')
        spins = self.host('spin', state='running')
        wait(lambda: cpu_ticks(spins['pid']) > 20, 'it spins')
        began = time.monotonic()
        self.drop('block', '-DLIVE_MENDED', '-DLIVE_VERSION="2"')
        self.drop('spin', '-DLIVE_MENDED', '-DLIVE_VERSION="2"')
        self.host('block', state='running', version='2')
        self.host('spin', state='running', version='2')
        self.assertLess(time.monotonic() - began, LEAVE_S)
        self.assertIn('did not leave in time', broker.wait_log('adapter.left', adapter='block')['status'])
        ends = broker.logged('adapter.left', adapter='spin') + broker.logged('adapter.exited', adapter='spin')
        self.assertIn(f'said nothing for {2000 * PATIENCE} ms', ends[0]['status'])

    @unittest.skipIf(SANITIZED, 'a sanitizer needs more memory than any limit')
    def test_a_leak_ends_at_its_limit_and_says_so(self):
        self.place(adapters={'bad': {'does': 'leak', 'memory_mb': 64, 'drain_s': 0}})
        self.drop('bad')
        wait(lambda: 'memory_mb = 64' in self.hosts().get('bad', {}).get('last', ''), 'it is at its limit')
        self.assertRegex(self.hosts()['bad']['last'], r'exit 77: it uses \d+ MB of memory, more than '
                                                      r'adapters.bad.memory_mb = 64: it leaks, or needs more')

    def test_a_flood_is_told_to_wait_and_others_go_on(self):
        broker = self.place(adapters={'bad': {'does': 'flood', 'kept_max': 500}})
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'before', session='a')
        worker.close()
        self.drop('bad')
        over = wait(lambda: [line for line in broker.logged('plugin.info') if 'flood is over' in line['text']],
                    'each of 30000 is answered', 30 * PATIENCE)[0]['text'].split()
        stored, busy, rejected = int(over[4]), int(over[6]), int(over[8])
        self.assertEqual((stored + busy, rejected), (30000, 0))
        self.assertGreater(busy, 0)
        self.assertEqual(broker.metric('events_accepted'), stored + 1)

        def publish():
            begun = time.monotonic()
            adapter.publish('after', session='b')
            adapter.expect('STORED')
            return time.monotonic() - begun
        at_best(publish, 1.0 * PATIENCE)
        self.host('bad', state='running', restarts=0)

    # ---------------------------------------------------------------- an operator

    def test_stop_start_and_reload(self):
        broker = self.place()
        self.drop('web')
        first = self.host('web', state='running')
        self.assertIn('web', self.palaver('adapters', 'stop', 'web'))
        self.assertEqual(self.host('web', state='stopped')['pid'], 0)
        broker.signal(1)
        broker.wait_log('adapter.unwanted', adapter='web')
        self.assertEqual(self.hosts()['web']['state'], 'stopped')
        self.assertIn('web is started', self.palaver('adapters', 'start', 'web', '--table'))
        second = self.hosts()['web']
        self.assertEqual(second['state'], 'running')
        self.assertNotEqual(second['pid'], first['pid'])
        self.assertIn('web is replaced', self.palaver('adapters', 'reload', 'web', '--table'))
        third = self.hosts()['web']
        self.assertEqual((third['state'], third['restarts']), ('running', 0))
        self.assertNotIn(third['pid'], (0, second['pid']))
        self.assertEqual(json.loads(self.palaver('adapters', 'start', 'web')),
                         {'name': 'web', 'status': 'success', 'pid': third['pid']})
        self.assertEqual(self.hosts()['web']['pid'], third['pid'])
        self.assertIn('did you mean web?', self.palaver('adapters', 'stop', 'wep', code=3))
        table = self.palaver('adapters', 'list', '--table')
        self.assertRegex(table, r'web +running +live +1 ')
        row, = [json.loads(line) for line in self.palaver('adapters', 'list').splitlines()]
        self.assertEqual((row['name'], row['state'], row['credit'], row['in_per_min']), ('web', 'running', 64, 0))

    def test_a_reload_reads_the_configuration_of_that_adapter_again(self):
        broker = self.place(adapters={'web': {'number': 4}})
        self.drop('web')
        self.drop('other')
        web, other = (self.host(name, state='running') for name in ('web', 'other'))
        broker.write_conf({'adapters': {'web': {'number': 4, 'does': 'fail'}}})
        said = self.palaver('adapters', 'reload', 'web', 'other', code=1)
        self.assertRegex(said, 'web is not replaced: .*the platform is closed today; the one before goes on')
        self.assertIn('"other"', said)
        self.assertEqual(self.hosts()['web']['pid'], web['pid'])
        other = self.hosts()['other']
        self.assertIn('web', self.palaver('adapters', 'start', 'web'))  # it runs: what failed was the reload
        broker.write_conf({'adapters': {'web': {'numbr': 4}}})
        self.assertIn('did you mean number?', self.palaver('adapters', 'reload', 'web', code=1))
        broker.write_conf({'agents.atempts': 3})
        said = self.palaver('adapters', 'reload', 'web', code=1)
        for word in (broker.file, 'agents.atempts', 'did you mean'):
            self.assertIn(word, said)
        del broker.conf['agents.atempts']
        broker.write_conf({'adapters': {'web': {'number': 5}}})
        self.palaver('adapters', 'reload', 'web')
        self.assertNotIn(self.host('web', state='running')['pid'], (0, web['pid']))
        self.assertEqual(self.host('other', state='running')['pid'], other['pid'])

    def test_one_that_cannot_be_started_says_why_and_whether_it_is_tried_again(self):
        broker = self.place(adapters={'web': {'numbr': 4}})
        self.drop('web')
        self.host('web', state='refused')
        self.assertRegex(self.palaver('adapters', 'start', 'web', code=1),
                         r'web is not started: .*did you mean number\?')
        broker.write_conf({'adapters': {'web': {'does': 'fail'}}})
        self.assertRegex(self.palaver('adapters', 'reload', 'web', code=1),
                         'web is not replaced: .*the platform is closed today; it is tried again')

    def test_a_reload_that_takes_too_long_is_no_success(self):
        self.place(adapters={'web': {'does': 'block'}})
        self.drop('web')
        self.host('web', state='starting')
        said = self.palaver('adapters', 'reload', 'web', '--timeout', '1', code=1)
        self.assertIn('web is not replaced within 1 s; palaver adapters list shows how it goes', said)

    def test_one_that_is_stopped_while_it_is_replaced_is_not_replaced(self):
        self.place(adapters={'web': {'does': 'block'}})
        self.drop('web')
        self.host('web', state='starting')
        reload = subprocess.Popen([CLI, 'adapters', 'reload', 'web', '--run', self.started.run],
                                  stderr=subprocess.PIPE, text=True)
        wait(lambda: self.hosts()['web']['asked'] == 'under way', 'it is being replaced')
        self.palaver('adapters', 'stop', 'web')
        self.assertIn('web is not replaced: it was stopped meanwhile', reload.communicate(timeout=30 * PATIENCE)[1])
        self.assertEqual(reload.returncode, 1)

    def test_the_table_shows_the_whole_of_what_went_wrong(self):
        self.place(adapters={'web': {'key': 'file:' + 'x' * 100}})
        self.drop('web')
        row = self.host('web', state='refused')
        self.assertIn('x' * 100, row['last'])
        self.assertIn(row['last'], self.palaver('adapters', 'list', '--table'))

    def test_a_host_sees_its_own_part_of_the_conf_and_no_other_secret(self):
        broker = self.place(adapters={'web': {'key': 'env:LIVE_SECRET'}, 'other': {'key': 'env:LIVE_OTHER'}})
        self.drop('web')
        pid = self.host('web', state='running')['pid']
        with open(f'{broker.run}/plugins/web/conf', encoding='utf-8') as file:
            text = file.read()
        self.assertIn('LIVE_SECRET', text)
        self.assertNotIn('other', text)
        with open(f'/proc/{pid}/status', encoding='ascii') as file:
            status = file.read()
        self.assertIn('NoNewPrivs:\t1', status)
        self.assertIn('Seccomp:\t2', status)
        self.assertIn('CapEff:\t0000000000000400' if is_root() else 'CapEff:\t0000000000000000', status)
        line = broker.logged('host.isolated', adapter='web')[0]
        self.assertTrue(line['calls'].startswith('on'), line)

    @unittest.skipUnless(is_root(), 'only root can become somebody else')
    def test_hosts_of_a_broker_that_is_root_run_as_the_user_of_its_conf(self):
        broker = self.place(**{'plugins.user': 'nobody'})
        os.chmod(broker.folder, 0o711)
        self.drop('web')
        self.host('web', state='running')
        line = wait(lambda: [line for line in broker.logged('plugin.info') if 'user ' in line['text']], 'its user')[0]
        self.assertEqual(line['text'], 'user 65534 of 65534 in a directory of 65534')
        self.assertEqual(broker.logged('host.isolated')[0]['user'], 'nobody')

    def test_a_broker_that_fails_leaves_its_hosts_the_time_to_end_in_order(self):
        broker = self.place()
        self.drop('web')
        pid = self.host('web', state='running')['pid']
        broker.kill()
        wait(lambda: not os.path.exists(f'/proc/{pid}'), 'the host has ended by itself')
        self.assertEqual(len([name for name in os.listdir(f'{broker.run}/plugins/web') if name.startswith('left-')]), 1,
                         broker.tail(12))
        broker.start()
        self.host('web', state='running')
        broker.wait_log('host.will_done', adapter='web')


class Conf(Place):
    """palaverd --check-conf and --print-conf know the keys of the plugins."""

    def palaverd(self, mode, code=0, **conf):
        broker = self.place(**conf)
        broker.stop()
        self.drop('web')
        self.drop('old', '-DLIVE_ABI=0x00070000')
        self.drop('Odd')
        done = subprocess.run([f'{BUILD}/bin/palaverd', '--conf', broker.file, mode], capture_output=True, text=True,
                              check=False, env={**os.environ, 'LIVE_SECRET': 'hush'}, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return broker, done

    def test_a_wrong_key_is_named_with_its_line(self):
        broker, done = self.palaverd('--check-conf', 1, adapters={'web': {'number': 4, 'numbr': 5}})
        self.assertRegex(done.stderr, rf'palaverd: {broker.file}:\d+: adapters.web.numbr: '
                                      r'no such key; did you mean number\?\n')
        self.assertNotIn('hush', done.stdout + done.stderr)

    def test_a_wrong_value_and_a_missing_secret_are_named(self):
        _, done = self.palaverd('--check-conf', 1, adapters={'web': {'number': 12}})
        self.assertIn('adapters.web.number: takes 1 to 9', done.stderr)
        _, done = self.palaverd('--check-conf', 1, adapters={'web': {'key': 'env:LIVE_NOT_SET'}})
        self.assertIn('LIVE_NOT_SET is not set', done.stderr)

    def test_what_cannot_be_checked_is_said(self):
        broker, done = self.palaverd('--check-conf', adapters={'web': {'key': 'env:LIVE_SECRET'}, 'wep': {'number': 1}})
        self.assertEqual(done.stdout, f'{broker.file}: valid\n')
        self.assertIn(f'adapters.wep: not checked: {self.dir} has no plugin wep.so; did you mean web?', done.stderr)
        self.assertIn('adapters.old: not checked, its plugin would be refused', done.stderr)
        self.assertRegex(done.stderr, r'adapters.Odd: not checked: Odd.so: .*: rename it')
        _, done = self.palaverd('--check-conf', **{'plugins.off': ['wbe', 'web']})
        self.assertEqual([line for line in done.stderr.splitlines() if 'plugins.off' in line],
                         [f'plugins.off: {self.dir} has no plugin wbe.so; did you mean web?'])

    def test_every_key_is_printed_and_what_is_printed_is_the_same_conf(self):
        broker, done = self.palaverd('--print-conf', adapters={'web': {'number': 4, 'key': 'env:LIVE_SECRET'},
                                                               'wep': {'deep': ({'a': 1},)}})
        self.assertIn('        # a number (1 to 9); default: 3\n        number = 4;\n', done.stdout)
        self.assertIn('        # does = "serve";\n', done.stdout)
        self.assertIn('key = "env:LIVE_SECRET";', done.stdout)
        self.assertIn('    wep = { deep = ( { a = 1;} );};\n', done.stdout)
        self.assertNotIn('hush', done.stdout)
        with open(broker.file, 'w', encoding='utf-8') as file:
            file.write(done.stdout)
        again = subprocess.run([f'{BUILD}/bin/palaverd', '--conf', broker.file, '--print-conf'], capture_output=True,
                               text=True, check=False)
        self.assertEqual(again.stdout, done.stdout)

    def test_a_plugin_whose_constructors_hang_is_killed(self):
        self.place().stop()
        for name, first in (('hang', ''), ('mute', 'close (1); ')):
            source = f'{self.made}/{name}.c'
            with open(source, 'w', encoding='ascii') as file:
                file.write('#include <unistd.h>\n__attribute__ ((constructor)) static void hang (void) '
                           f'{{ {first}for (volatile int a = 0;; a++) ; }}\n')
            subprocess.run(['cc', '-shared', '-fPIC', source, '-o', f'{self.dir}/{name}.so'], check=True)
            os.chmod(f'{self.dir}/{name}.so', 0o755)
        done = subprocess.run([f'{BUILD}/bin/palaverd', '--conf', self.started.file, '--check-conf'],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ('hang', 'mute'):
            self.assertRegex(done.stderr, rf'{name}\.so: its constructors did not return within 5000 ms: killed')


if __name__ == '__main__':
    unittest.main()
