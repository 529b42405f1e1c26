#!/usr/bin/python3
# RUN: timeout=240
"""palaver events replay --shadow: past messages, answered again with the history of their time; nobody hears of it."""

import os
import signal
import stat
import time
import unittest
from html.parser import HTMLParser

from cli import NOTHING, OK, PARTLY, SECONDS, SILENT, UNREACHABLE, USAGE, CliTest, World, wait


class Page(HTMLParser):
    """The elements of a page, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


class Replay(CliTest):
    def start(self, texts=('one', 'two', 'three'), session='1'):
        broker = self.broker(SILENT)
        self.adapter, worker = broker.adapter(), broker.worker()
        for text in texts:
            self.round_trip(self.adapter, worker, text, f'old {text}', session=session)
        worker.bye()
        return broker

    def replay(self, broker, worker, answers, *options, code=0):
        """The call, while `worker` answers its trials by what the function says; (rows, jobs)."""
        call = self.call(broker, 'events', 'replay', '--since', '1h', '--to', 'advisor', '--shadow',
                         '--concurrency', '1', *options)
        jobs = []
        deadline = time.monotonic() + 6 * SECONDS
        while call.running() and time.monotonic() < deadline:
            try:
                job = worker.job(0.2)
            except AssertionError:  # none has come
                continue
            jobs.append(job)
            answer = answers(job['body']['message_text'])
            if answer is None:
                worker.nack(job['lease'], permanent=True, reason='cannot')
            else:
                worker.reply(job['lease'], answer)
        done = call.wait()
        self.assertEqual(done.code, code, done.out + done.err)
        return done.rows, jobs

    def test_old_and_new_answers_side_by_side(self):
        broker = self.start()
        before = broker.ask('status')['counts']
        worker = broker.worker('new', build='2.0')
        new = {'one': 'old one', 'two': 'something else', 'three': None}
        rows, jobs = self.replay(broker, worker, new.get, code=PARTLY)
        *rows, summary = rows
        self.assertEqual([(row['said'], row['old'], row['new'], row['verdict']) for row in rows],
                         [('one', 'old one', 'old one', 'same'), ('two', 'old two', 'something else', 'changed'),
                          ('three', 'old three', '', 'failed')])
        self.assertIn('cannot', rows[2]['why'])
        self.assertIn('new 2.0', rows[0]['who_new'])
        self.assertEqual({key: summary[key] for key in ('compared', 'same', 'changed', 'new', 'failed', 'whole')},
                         {'compared': 3, 'same': 1, 'changed': 1, 'new': 0, 'failed': 1, 'whole': True})
        self.assertEqual([[(turn['role'], turn['text']) for turn in job['history']] for job in jobs],
                         [[], [('user', 'one'), ('assistant', 'old one')],
                          [('user', 'one'), ('assistant', 'old one'), ('user', 'two'), ('assistant', 'old two')]])
        after = broker.ask('status')['counts']
        for key in ('pending_events', 'outbox', 'dead', 'sessions'):
            self.assertEqual(after[key], before[key], key)
        self.assertEqual(len(broker.session('web_1')['history']), 6)

    def test_the_history_begins_where_the_session_began(self):
        broker = self.start(('one', 'two'))
        broker.ask('sessions.end', session='web_1')
        worker = broker.worker()
        self.round_trip(self.adapter, worker, 'again', 'old again', session='1')
        self.round_trip(self.adapter, worker, 'other', 'old other', session='2')
        self.round_trip(self.adapter, worker, 'more', 'old more', session='1')
        _, jobs = self.replay(broker, worker, lambda text: f'old {text}', '--session', 'web_1')
        self.assertEqual([len(job['history']) for job in jobs], [0, 2, 0, 2])
        self.assertEqual([turn['text'] for turn in jobs[3]['history']], ['again', 'old again'])

    def stateful(self, broker, worker, texts, session='1'):
        """An agent that keeps the last text, and in `first` what it was told first; the worker stays."""
        for number, text in enumerate(texts):
            self.adapter.publish(text, session=session)
            self.adapter.expect('STORED')
            patch = {'last': text, **({'first': text, 'secret': 1} if number == 0 else {'secret': None})}
            worker.reply(worker.job()['lease'], f'old {text}', state=patch)
            worker.expect('COMMITTED')
            self.deliver(self.adapter)

    def test_the_state_is_that_of_then(self):
        broker = self.start(())
        worker = broker.worker()
        self.stateful(broker, worker, ['one', 'two', 'three'])
        broker.ask('sessions.end', session='web_1')
        self.stateful(broker, worker, ['four', 'five'])
        rows, jobs = self.replay(broker, worker, lambda text: f'old {text}')
        self.assertEqual([job['state'] for job in jobs],
                         [{}, {'last': 'one', 'first': 'one', 'secret': 1}, {'last': 'two', 'first': 'one'},
                          {}, {'last': 'four', 'first': 'four', 'secret': 1}])
        self.assertEqual([row['state'] for row in rows[:-1]], ['rebuilt'] * 5)
        self.assertEqual(rows[-1]['state_unsure'], 0)
        self.assertEqual(broker.session('web_1')['state'], {'last': 'five', 'first': 'four'})

    def test_a_state_that_is_not_certain_is_said_to_be(self):
        world = World(self.folder())
        world.set(clock_s=-10 * 86400)
        broker = self.broker({**SILENT, 'session.idle_s': 1000000, 'delivery.not_after_s': 1000000}, env=world.env())
        self.adapter, worker = broker.adapter(), broker.worker()
        self.stateful(broker, worker, ['one'])
        world.set()
        self.stateful(broker, worker, ['two', 'three'])
        rows, jobs = self.replay(broker, worker, lambda text: f'old {text}')
        now = {'last': 'three', 'first': 'two'}
        self.assertEqual([job['state'] for job in jobs], [now, now])
        self.assertEqual([row['state'] for row in rows[:-1]], ['current', 'current'])
        self.assertEqual(rows[-1]['state_unsure'], 2)
        # Of one that is over there is only what is in the journal.
        broker.ask('sessions.end', session='web_1')
        rows, jobs = self.replay(broker, worker, lambda text: f'old {text}')
        self.assertEqual([job['state'] for job in jobs], [{}, {'last': 'two', 'first': 'two', 'secret': 1}])
        self.assertEqual([row['state'] for row in rows[:-1]], ['partial', 'partial'])
        self.assertEqual(rows[-1]['state_unsure'], 2)

    def test_agents_that_keep_no_state(self):
        broker = self.start()
        rows, jobs = self.replay(broker, broker.worker(), lambda text: f'old {text}')
        self.assertEqual([job['state'] for job in jobs], [{}] * 3)
        self.assertEqual(([row['state'] for row in rows[:-1]], rows[-1]['state_unsure']), (['empty'] * 3, 0))

    def test_more_than_one_group(self):
        broker = self.start([f'text {i}' for i in range(70)])
        worker = broker.worker()
        rows, jobs = self.replay(broker, worker, lambda text: f'old {text}', '--rate', '1000')
        self.assertEqual(rows[-1]['same'], 70)
        self.assertEqual([row['said'] for row in rows[:-1]], [f'text {i}' for i in range(70)])
        # As many turns as the broker keeps for agents.
        self.assertEqual([len(job['history']) for job in jobs], [2 * min(i, 20) for i in range(70)])
        self.assertEqual(jobs[60]['history'][-1]['text'], 'old text 59')
        rows, _ = self.replay(broker, worker, lambda text: f'old {text}', '--limit', '40')
        self.assertEqual(rows[-1]['compared'], 40)

    def test_the_traffic_of_a_backup(self):
        broker, folder = self.start(), self.folder()
        self.palaver(broker, 'backup', f'{folder}/copy')
        other = self.broker(SILENT)
        worker = other.worker('new')
        rows, jobs = self.replay(other, worker, lambda text: f'old {text}', '--data', f'{folder}/copy',
                                 '--run', other.run)
        self.assertEqual((rows[-1]['same'], len(jobs[2]['history'])), (3, 4))
        self.assertEqual(other.ask('status')['counts']['sessions'], 0)
        self.assertTrue(broker.running())

    def test_its_table_fits_the_terminal(self):
        broker = self.start(('what is a bond? ' * 5,))
        worker = broker.worker()
        for columns in (80, 40):
            call = self.terminal(broker, 'events', 'replay', '--since', '1h', '--to', 'advisor', '--shadow',
                                 columns=columns)
            worker.reply(worker.job()['lease'], 'long words, ' * 20)
            done = call.wait()
            self.assertEqual(done.code, OK, done.out)
            table = done.out[done.out.index('NUMBER'):done.out.index('\ncompared 1')]
            self.assertEqual([line for line in table.splitlines() if len(line) > columns], [], done.out)
            self.assertIn('long', table)

    def test_a_page(self):
        hostile = '<script>alert(1)</script>"\'&<img src=x onerror=y>\u202e'
        broker, page = self.start(('a < b & "c"', 'password: hunter2')), f'{self.folder()}/page.html'
        worker = broker.worker('new')
        self.replay(broker, worker, lambda text: f'new {hostile}', '--html', page)
        self.assertEqual(stat.S_IMODE(os.stat(page).st_mode), 0o600)
        with open(page, encoding='utf-8') as file:
            text = file.read()
        parsed = Page(text)
        self.assertFalse({'script', 'img', 'link', 'iframe', 'a'}.intersection(parsed.tags))
        self.assertFalse([name for name, _ in parsed.attributes if name.startswith('on') or name in ('src', 'href')])
        self.assertIn(f'new {hostile[:-1]}\ufffd', parsed.texts)
        self.assertIn('a < b & "c"', parsed.texts)
        self.assertNotIn('hunter2', text)
        self.assertIn('prefers-color-scheme: dark', text)
        self.assertEqual(parsed.tags.count('article'), 2)
        self.palaver(broker, 'events', 'replay', '--since', '1h', '--to', 'advisor', '--shadow', '--html', page,
                     code=PARTLY)

    def half_a_page(self):
        """A call with one answer compared, and its page."""
        broker, page = self.start(), f'{self.folder()}/page.html'
        worker = broker.worker()
        call = self.call(broker, 'events', 'replay', '--since', '1h', '--to', 'advisor', '--shadow',
                         '--concurrency', '1', '--html', page)
        worker.reply(worker.job()['lease'], 'old one')
        worker.job()
        return page, call

    def test_a_call_that_is_killed_leaves_no_half_of_a_page(self):
        page, call = self.half_a_page()
        call.kill()
        self.assertEqual(os.listdir(os.path.dirname(page)), [])

    def test_an_interrupt_shows_what_there_is(self):
        page, call = self.half_a_page()
        call.process.send_signal(signal.SIGINT)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT, done.err)
        self.assertEqual((done.rows[-1]['compared'], done.rows[-1]['whole']), (1, False))
        with open(page, encoding='utf-8') as file:
            self.assertIn('did not come to the end', file.read())

    def test_a_broker_that_dies_under_it_is_not_called_a_wrong_one(self):
        broker = self.start()
        worker = broker.worker()
        call = self.call(broker, 'events', 'replay', '--since', '1h', '--to', 'advisor', '--shadow')
        worker.job()
        broker.restart(crash=True)
        done = call.wait()
        self.assertEqual(done.code, UNREACHABLE, done.err)
        self.assertFalse(done.rows[-1]['whole'])
        self.assertNotIn('Is palaverd running?', done.err)

    def test_words(self):
        broker = self.start()
        for options in ((), ('--shadow',), ('--shadow', '--since', '1h'), ('--since', '1h', '--to', 'advisor')):
            self.palaver(broker, 'events', 'replay', *options, code=USAGE)
        self.palaver(broker, 'events', 'replay', '--shadow', '--since', '1h', '--until', '50m', '--to', 'advisor',
                     code=NOTHING)
        text = self.palaver(broker, 'events', 'replay', '--shadow', '--since', '1h', '--to', 'nobody', '--table',
                            '--timeout', '0.2', code=PARTLY)
        self.assertIn('failed 3', text.out)
        wait(lambda: broker.ask('status')['counts']['pending_events'] == 0, 'nothing is pending')


if __name__ == '__main__':
    unittest.main()
