#!/usr/bin/python3
# RUN: timeout=240
"""palaver status, metrics, sessions, agents, adapters, routes; and what holds for every command."""

import json
import os
import re
import signal
import subprocess
import unittest

from cli import (NOTHING, PALAVER, PARTLY, SECONDS, TIME, UNREACHABLE, USAGE, CliTest, become_nobody, route,
                 wait)
from wireclient import text_id


class Look(CliTest):
    def setUp(self):
        self.one = self.broker({'routes': [route('first', 'advisor', platform='web'), route('rest', 'other')]})

    def say(self, text='hello', session='1', state=None):
        """A message and its answer."""
        self.peers = getattr(self, 'peers', None) or (self.one.adapter(), self.one.worker(services=['advisor', 'tax']))
        adapter, worker = self.peers
        adapter.publish(text, session=session)
        worker.reply(worker.job()['lease'], f'you said {text}', state=state)
        return self.deliver(adapter)

    def test_status(self):
        self.say()
        row, = self.palaver(self.one, 'status').rows
        self.assertEqual((row['state'], row['counts']['sessions'], row['counts']['adapters'], row['counts']['agents']),
                         ('ready', 1, 1, 1))
        self.assertEqual([one['name'] for one in row['routes']], ['first', 'rest'])
        self.assertRegex(row['time'], TIME)
        text = self.palaver(self.one, 'status', '--table').out
        for words in ('version', 'pending events', 'first', 'closed', ' s\n', os.path.realpath(self.one.data)):
            self.assertIn(words, text)
        self.assertNotIn('kv keys', text)  # there is none

    def test_metrics(self):
        self.say()
        text = self.palaver(self.one, 'metrics').out
        self.assertIn('\npalaver_events_accepted_total 1\n', text)
        self.assertIn('# TYPE ', text)
        rows = self.palaver(self.one, 'metrics', '--json').rows
        values = {row['name']: row['value'] for row in rows if 'labels' not in row}
        self.assertEqual(values['palaver_events_accepted_total'], 1)
        roles = {row['labels']['role']: row['value'] for row in rows if row['name'] == 'palaver_peers'}
        self.assertEqual((roles['adapter'], roles['worker']), (1, 1))
        self.assertEqual(len(rows), sum(not line.startswith('#') for line in text.splitlines()))

    def test_a_metric_that_is_no_number(self):
        """A plugin may set it to what it likes."""
        text = 'palaver_plugin_level{adapter="a"} nan\npalaver_plugin_level{adapter="b"} -inf\nplain -1.5\n'
        fake = self.fake({'metrics': ('ok', {'text': text})})
        done = self.served(fake, self.call(fake, 'metrics', '--json'))
        self.assertEqual([row['value'] for row in done.rows], [None, None, -1.5])

    def test_sessions_list(self):
        for session in 'cab':
            self.say(session=session)
        rows = self.palaver(self.one, 'sessions', 'list').rows
        self.assertEqual([row['session_id'] for row in rows], ['web_a', 'web_b', 'web_c'])
        self.assertEqual((rows[0]['platform'], rows[0]['user_id'], rows[0]['message_count']), ('web', 'u1', 1))
        self.assertRegex(rows[0]['created'], TIME)
        some = self.palaver(self.one, 'sessions', 'list', '--limit', '1', '--after', 'web_a').rows
        self.assertEqual([row['session_id'] for row in some], ['web_b'])
        none = self.palaver(self.one, 'sessions', 'list', '--platform', 'slack', code=NOTHING)
        self.assertEqual((none.rows, none.err), ([], 'palaver: no open sessions pass the filters\n'))
        none = self.palaver(self.one, 'dead', 'list', '--table')
        self.assertEqual((none.out, none.err), ('', 'palaver: no dead letters\n'))
        done = self.palaver(self.one, 'sessions', 'list', '--table', '-n', '2')
        self.assertEqual(len(done.out.splitlines()), 3, done.out)
        self.assertIn('there are more: --after web_b', done.err)

    def test_sessions_list_names_the_letter_that_parks_one(self):
        one = self.broker({'routes': [route(on_dead='park')]})
        adapter, worker = one.adapter(), one.worker()
        adapter.publish('bad', session='held')
        adapter.publish('waits', session='held')
        worker.nack(worker.job()['lease'], permanent=True)
        number = one.letter()['number']
        self.round_trip(adapter, worker, 'hello', session='free')
        rows = self.palaver(one, 'sessions', 'list').rows
        self.assertEqual({row['session_id']: row['parked_by'] for row in rows}, {'web_free': 0, 'web_held': number})
        title, free, held = self.palaver(one, 'sessions', 'list', '--table').out.splitlines()
        end = title.index('PARKED BY') + len('PARKED BY')
        self.assertEqual((free[end - 9:end].strip(), held[end - 9:end].strip()), ('', str(number)))
        self.palaver(one, 'sessions', 'unpark', 'web_held')
        self.assertEqual({row['parked_by'] for row in self.palaver(one, 'sessions', 'list').rows}, {0})

    def test_sessions_are_paged(self):
        adapter, worker = self.one.adapter(), self.one.worker(credit=1000)
        for i in range(2500):
            adapter.publish('hello', session=f'{i:04}', user=f'u{i}')
        adapter.stored(2500)
        rows = self.palaver(self.one, 'sessions', 'list').rows
        self.assertEqual([row['session_id'] for row in rows], [f'web_{i:04}' for i in range(2500)])
        self.assertEqual(len(self.palaver(self.one, 'sessions', 'list', '-n', '1234').rows), 1234)
        worker.close()

    def test_sessions_show(self):
        self.say('one', state={'risk': 'low', 'timestamp': 5})
        self.say('two')
        row, = self.palaver(self.one, 'sessions', 'show', 'web_1').rows
        self.assertEqual([(turn['role'], turn['text']) for turn in row['history']],
                         [('user', 'one'), ('assistant', 'you said one'),
                          ('user', 'two'), ('assistant', 'you said two')])
        self.assertRegex(row['history'][0]['timestamp'], TIME)
        self.assertEqual(row['state'], {'risk': 'low', 'timestamp': 5})
        text = self.palaver(self.one, 'sessions', 'show', 'web_1', '--table').out
        self.assertIn('user\n    two\n', text)
        self.assertIn('{"risk":"low","timestamp":5}', text)
        done = self.palaver(self.one, 'sessions', 'show', 'web_2', code=NOTHING)
        self.assertIn('web_2', done.err)
        self.assertEqual(done.out, '')

    def test_what_people_write_does_nothing_to_a_terminal(self):
        self.say('\x1b[2J\x1b]0;owned\x07 \u202eabc')
        for mode in ('--table', '--json'):
            out = self.palaver(self.one, 'sessions', 'show', 'web_1', mode).out
            self.assertNotRegex(out, '[\x00-\x09\x0b-\x1f\x7f]')
        self.assertNotIn('\u202e', self.palaver(self.one, 'sessions', 'show', 'web_1', '--table').out)

    def test_sessions_reset(self):
        self.say(session='1')
        self.say(session='2')
        self.assertEqual(self.palaver(self.one, 'sessions', 'reset', 'web_1').rows,
                         [{'session_id': 'web_1', 'status': 'success'}])
        self.assertEqual([row['session_id'] for row in self.palaver(self.one, 'sessions', 'list').rows], ['web_2'])
        self.palaver(self.one, 'sessions', 'reset', 'web_1', code=NOTHING)
        done = self.palaver(self.one, 'sessions', 'reset', 'web_1', 'web_2', code=PARTLY)
        self.assertEqual([row['session_id'] for row in done.rows], ['web_2'])

    def test_a_session_with_something_pending_is_not_reset(self):
        adapter = self.one.adapter()
        adapter.publish('hello')
        adapter.stored()
        done = self.palaver(self.one, 'sessions', 'reset', 'web_1', code=PARTLY)
        self.assertIn('not done', done.err)
        self.assertEqual(len(self.palaver(self.one, 'sessions', 'list').rows), 1)

    def test_agents_adapters_routes(self):
        self.say()
        agent, = self.palaver(self.one, 'agents', 'list').rows
        self.assertEqual((agent['name'], agent['services'], agent['credit'], agent['pid'], agent['build']),
                         ('worker', ['advisor', 'tax'], 16, os.getpid(), 'test/1'))
        adapter, = self.palaver(self.one, 'adapters', 'list').rows
        self.assertEqual((adapter['name'], adapter['state'], adapter['waiting']), ('web', 'ready', 0))
        first, rest = self.palaver(self.one, 'routes', 'list').rows
        self.assertEqual((first['name'], first['service'], first['breaker'], first['workers']),
                         ('first', 'advisor', 'closed', 1))
        self.assertEqual((rest['service'], rest['workers']), ('other', 0))
        self.assertIn('advisor, tax', self.palaver(self.one, 'agents', 'list', '--table').out)
        self.peers[0].bye()
        wait(lambda: self.palaver(self.one, 'adapters', 'list').rows == [], 'the adapter is gone')

    def test_a_terminal_gets_tables_and_colours(self):
        self.say()
        out = self.on_terminal(self.one, 'sessions', 'list')
        self.assertIn('\x1b[1mSESSION', out)
        self.assertIn('web_1', out)
        for env in ({'NO_COLOR': '1'}, {'TERM': 'dumb'}):
            self.assertTrue(self.on_terminal(self.one, 'sessions', 'list', env=env).startswith('SESSION'))
        row = json.loads(self.on_terminal(self.one, 'sessions', 'list', '--json'))
        self.assertEqual(row['session_id'], 'web_1')

    def test_a_full_stdout_is_said(self):
        for command in ('status', 'metrics', 'routes list'):
            with open('/dev/full', 'w') as full:
                done = subprocess.run([PALAVER, *command.split(), '--run', self.one.run], stdout=full,
                                      stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
            self.assertEqual((done.returncode, done.stderr), (PARTLY, 'palaver: stdout: No space left on device\n'))


class Unreachable(CliTest):
    COMMANDS = (['status'], ['metrics'], ['send', 'hello'], ['sessions', 'list'], ['sessions', 'show', 'x'],
                ['sessions', 'reset', 'x'], ['dead', 'list'], ['dead', 'show', '1'], ['dead', 'replay', '1', '--yes'],
                ['dead', 'discard', '--all', '--yes'], ['agents', 'list'], ['adapters', 'list'], ['routes', 'list'],
                ['backup', '/nowhere/x'], ['bench'])

    def test_every_command_says_where_it_looked_and_how_to_point_elsewhere(self):
        nowhere = self.folder()
        for command in self.COMMANDS:
            done = self.palaver(None, *command, '--run', nowhere, code=UNREACHABLE)
            self.assertIn(nowhere, done.err)
            self.assertIn('--run', done.err)
            self.assertIn('$PALAVER_RUN', done.err)
            self.assertEqual(done.out, '')

    def test_without_a_directory_every_usual_place_is_named(self):
        home = self.folder()
        done = self.palaver(None, 'status', code=UNREACHABLE,
                            env={'HOME': home, 'XDG_RUNTIME_DIR': f'{home}/run', 'XDG_STATE_HOME': ''})
        for place in (f'{home}/run/palaver/', f'{home}/.local/state/palaver/run/', '/run/palaver/'):
            self.assertIn(f'{place}control.ipc', done.err)

    def test_a_usual_place_is_found(self):
        home = self.folder()
        self.broker(run=f'{home}/palaver')
        self.palaver(None, 'status', env={'XDG_RUNTIME_DIR': home})

    def test_the_option_wins_over_the_environment(self):
        broker = self.broker()
        self.palaver(None, 'status', '--run', broker.run, env={'PALAVER_RUN': '/nowhere'})

    def test_a_broker_that_was_killed(self):
        broker = self.broker()
        broker.kill()
        done = self.palaver(broker, 'status', code=UNREACHABLE)
        self.assertIn('nobody listens there any more', done.err)

    def test_a_broker_that_does_not_answer(self):
        broker = self.broker()
        broker.signal(signal.SIGSTOP)
        try:
            done = self.palaver(broker, 'status', '--timeout', '0.3', code=UNREACHABLE)
        finally:
            broker.signal(signal.SIGCONT)
        self.assertIn('no answer in time', done.err)

    def test_a_terminal_of_40_columns_holds_every_line_of_a_table(self):
        broker = self.broker({'fallback.general_error': ''})
        reason = 'the list of prices is missing since the provider closed'
        adapter, worker = broker.adapter(), broker.worker('a-worker-with-quite-a-name')
        event = adapter.publish('x', session='a_session_with_a_rather_long_name')[1]
        worker.nack(worker.job()['lease'], permanent=True, code='data_unavailable', reason=reason)
        wait(lambda: broker.ask('status')['counts']['dead'] == 1, 'the letter is dead')
        self.palaver(broker, 'routes', 'pause', 'default', '--why', reason)
        for words, title in ((['status'], 'NAME'), (['sessions', 'list'], 'SESSION'), (['dead', 'list'], 'NUMBER'),
                             (['dead', 'stats'], 'COUNT'), (['dead', 'show', '1'], 'TRY'), (['routes', 'list'], 'NAME'),
                             (['agents', 'list'], 'NAME'), (['events', 'list'], 'NUMBER'),
                             (['events', 'show', text_id(event)], '(AFTER|HOP)')):
            lines = self.on_terminal(broker, *words, columns=40, env={'NO_COLOR': '1'}).splitlines()
            table = [at for at, line in enumerate(lines) if re.match(rf' *{title}  ', line)]
            self.assertTrue(table, lines)
            for line in lines[table[0]:]:
                if not line:
                    break
                self.assertLessEqual(len(line), 40, f'{words}: {lines}')

    def test_another_user_is_not_let_in(self):
        if os.geteuid():
            self.skipTest('needs root')
        broker = self.broker()
        os.chmod(broker.folder, 0o755)
        done = subprocess.run([self.for_nobody(PALAVER), 'status', '--run', broker.run], preexec_fn=become_nobody,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn('Permission denied', done.stderr)

    def test_another_user_is_told_that_it_is_the_user(self):
        if os.geteuid():
            self.skipTest('needs root')
        home = self.folder()
        os.chmod(home, 0o755)
        self.broker(run=f'{home}/palaver')
        env = self.environment(None, {'XDG_RUNTIME_DIR': home, 'XDG_STATE_HOME': '', 'HOME': ''})
        done, doctor = (subprocess.run([self.for_nobody(PALAVER), command], preexec_fn=become_nobody, env=env,
                                       capture_output=True, text=True, timeout=SECONDS, check=False)
                        for command in ('status', 'doctor'))
        self.assertIn("run the doctor as the broker's user", doctor.stdout)
        self.assertEqual(done.returncode, UNREACHABLE)
        self.assertIn(f"{home}/palaver/control.ipc: permission denied; be the broker's user\n", done.stderr)
        self.assertNotIn('Is palaverd running?', done.stderr)

    def test_usage(self):
        for command, words in ((['stauts'], 'status perhaps'), (['dead'], 'list, show, stats, replay, discard'),
                               (['status', '--nope'], '--nope is no option\n  palaver status --help'),
                               (['dead', 'lisst'], 'dead lisst is no command; dead list perhaps?\n  palaver dead -'),
                               (['dead'], 'dead does one of: list, show'),
                               (['statsu'], 'status perhaps?\n  palaver --help'), ([], 'what is to be done'),
                               (['sessions', 'show'], 'needs SESSION'), (['dead', 'list', '--after', 'x'], '--after x'),
                               (['bench', '--broker', 'x'], '--broker needs --start'),
                               (['keys', 'new', '../x'], 'a name has')):
            done = self.palaver(None, *command, code=USAGE)
            self.assertIn(words, done.err)
            self.assertEqual(done.out, '')


if __name__ == '__main__':
    unittest.main()
