#!/usr/bin/python3
# RUN: timeout=300
"""Which dead letters: filters combine, show masks, sessions are ended and let go on."""

import datetime
import json
import os
import signal
import stat
import unittest

from cli import NOTHING, OK, PARTLY, SILENT, USAGE, CliTest, route, wait
from wireclient import text_id


class Filters(CliTest):
    def start(self):
        """Four letters: two that fail alike, one of another platform's user, one that nobody knows about."""
        broker = self.broker(SILENT)
        web, slack = broker.adapter('web'), broker.adapter('slack', platform='slack')
        worker = broker.worker()
        ids = [web.publish('fund 4711 please', session='1', user='ann')[1],
               web.publish('fund 4712 please', session='2', user='bob')[1]]
        for text in ('no such fund 4711', 'no such fund 4712'):
            worker.nack(worker.job()['lease'], permanent=True, reason=text)
        ids.append(slack.publish('hello', session='3', user='cid')[1])
        worker.nack(worker.job()['lease'], permanent=True, reason='out of order', code='quota')
        web.publish('and?', session='4', user='dan')
        worker.reply(worker.job()['lease'], 'so it is')
        web.delivered(web.delivery()['delivery'], 'unknown', reason='the line went dead')
        letters = wait(lambda: len(broker.dead()) == 4 and broker.dead(), 'four dead letters')
        return broker, ids, letters

    def found(self, broker, *options, none=False):
        return [row['number'] for row in
                self.palaver(broker, 'dead', 'list', *options, code=NOTHING if none else OK).rows]

    def test_each_filter(self):
        broker, _, letters = self.start()
        one, two, three, four = [letter['number'] for letter in letters]
        for options, numbers in (
                (('--platform', 'web'), [one, two, four]), (('--platform', 'slack'), [three]),
                (('--adapter', 'slack'), [three]), (('--session', letters[1]['session_id']), [two]),
                (('--user', letters[0]['user_id']), [one]), (('--type', 'chat.response'), [four]),
                (('--reason', 'permanent'), [one, two, three]), (('--outcome', 'unknown'), [four]),
                (('--text', 'fund'), [one, two]), (('--text', 'nothing like it'), []),
                (('--route', letters[0]['route']), [one, two, three, four]), (('--attempts', '2'), []),
                (('--attempts', '1'), [one, two, three, four]), (('--since', '1h'), [one, two, three, four]),
                (('--until', '1h'), []), (('--since', '2020-01-01', '--until', '2020-01-02T00:00:00Z'), []),
                (('--reason', 'permanent', '--platform', 'web', '--text', '4712'), [two])):
            self.assertEqual(self.found(broker, *options, none=not numbers), numbers, options)
        self.assertEqual(self.found(broker, '--service', letters[0]['service']), [one, two, three, four])
        self.assertEqual(self.found(broker, '--service', 'nobody', none=True), [])
        for letter in letters:
            alike = [other['number'] for other in letters if other['fingerprint'] == letter['fingerprint']]
            self.assertEqual(self.found(broker, '--fingerprint', letter['fingerprint']), alike)
        for letter in letters:
            if letter['code']:
                self.assertIn(letter['number'], self.found(broker, '--code', letter['code']))

    def test_a_word_that_nothing_has_is_refused(self):
        broker = self.broker()
        for command, option, known in (
                ('dead list', '--reason',
                 'attempts, permanent, no_route, rejected, expired, refused, unknown, discarded'),
                ('dead stats', '--outcome', 'failed, rejected, expired, refused, unknown'),
                ('dead replay --yes', '--reason', 'attempts'), ('dead discard --yes', '--outcome', 'failed'),
                ('dead list', '--type', 'chat.message, chat.response'), ('events list', '--type', 'chat.message'),
                ('events list', '--outcome', 'pending, delivering, delivered'),
                ('tail', '--type', 'chat.message'), ('tail', '--what', 'accepted, merged, dispatched')):
            said = self.palaver(broker, *command.split(), option, 'daed', code=USAGE)
            self.assertEqual(said.out, '')
            self.assertIn(f'no {option[2:]} is named "daed"; there are: ', said.err)
            self.assertIn(known, said.err)

    def test_times_are_those_of_death(self):
        broker, _, letters = self.start()
        at = datetime.datetime.fromtimestamp(letters[2]['dead_us'] / 1e6, datetime.timezone.utc)
        since = at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
        self.assertEqual(self.found(broker, '--since', since), [letter['number'] for letter in letters[2:]])
        self.assertEqual(self.found(broker, '--until', since), [letter['number'] for letter in letters[:2]])
        self.palaver(broker, 'dead', 'list', '--since', 'yesterday', code=USAGE)

    def test_listings_never_show_bodies(self):
        broker, _, _ = self.start()
        for done in (self.palaver(broker, 'dead', 'list'), self.palaver(broker, 'dead', 'list', '--table')):
            self.assertNotIn('please', done.out)
            self.assertNotIn('so it is', done.out)

    def test_filters_choose_what_is_shown_replayed_and_discarded(self):
        broker, ids, _ = self.start()
        rows = self.palaver(broker, 'dead', 'show', '--text', '4712').rows
        self.assertEqual([row['body']['message_text'] for row in rows], ['fund 4712 please'])
        self.palaver(broker, 'dead', 'show', '--text', 'nothing like it', code=NOTHING)
        self.palaver(broker, 'dead', 'show', code=USAGE)
        self.palaver(broker, 'dead', 'replay', '1', '--platform', 'web', '--yes', code=USAGE)
        row, = self.palaver(broker, 'dead', 'replay', '--platform', 'slack', '--yes').rows
        self.assertEqual(row['replayed'], 1)
        worker = broker.worker()
        wait(lambda: broker.ask('status')['counts']['leases'], 'it is worked on')
        row, = self.palaver(broker, 'dead', 'discard', '--text', 'fund', '--yes', '--why', 'tried by hand').rows
        self.assertEqual(row['discarded'], 2)
        self.assertEqual([row['outcome'] for row in self.palaver(broker, 'dead', 'list').rows], ['unknown'])
        self.assertTrue(worker)
        self.palaver(broker, 'dead', 'discard', '--platform', 'nowhere', '--yes', code=NOTHING)
        self.assertTrue(ids)

    def test_an_id_is_looked_up(self):
        broker, ids, _ = self.start()
        row, = self.palaver(broker, 'dead', 'show', text_id(ids[1])).rows
        self.assertEqual(row['body']['message_text'], 'fund 4712 please')
        number = str(row['number'])
        self.assertEqual(len(self.palaver(broker, 'dead', 'show', text_id(ids[1]), number, number).rows), 1)


class Masks(CliTest):
    def test_what_is_secret_is_masked(self):
        broker = self.broker(SILENT)
        self.letters(broker, 1, text='my password: hunter2')
        for options in ((), ('--table',)):
            out = self.palaver(broker, 'dead', 'show', '--reason', 'permanent', *options).out
            self.assertIn('my password: ********', out)
            self.assertNotIn('hunter2', out)


class Export(CliTest):
    def test_two_into_one_file_do_not_mix(self):
        broker, folder = self.broker(SILENT), self.folder()
        self.letters(broker, 3000)
        for words in (('dead', 'export', f'{folder}/1', '--all'),
                      ('dead', 'replay', '--all', '--plan', f'{folder}/2')):
            path = next(word for word in words if word.startswith(folder))
            one = self.call(broker, *words)
            while one.running() and not one.writes_into(folder):
                pass
            one.process.send_signal(signal.SIGSTOP)
            self.assertFalse(os.path.exists(path), 'it was too quick')
            self.palaver(broker, *(word for word in words if word != '--all'), '--session', 'web_1')
            with open(path, encoding='utf-8') as file:
                second = file.read()
            one.process.send_signal(signal.SIGCONT)
            done = one.wait()
            with open(path, encoding='utf-8') as file:
                self.assertEqual(file.read(), second)
            self.assertEqual(done.code, PARTLY, done.err)
            self.assertIn(f'{path} exists already', done.err)
        self.assertEqual(sorted(os.listdir(folder)), ['1', '2'])

    def test_whole_letters_are_saved(self):
        broker, path = self.broker(SILENT), os.path.join(self.folder(), 'letters')
        ids = self.letters(broker, 3, text='my password: hunter2,')
        self.assertIn('3 dead letters are in', self.palaver(broker, 'dead', 'export', path, '--all').err)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, encoding='utf-8') as file:
            rows = [json.loads(line) for line in file]
        self.assertEqual([row['id'] for row in rows], [text_id(one) for one in ids])
        self.assertEqual(rows[1]['body']['message_text'], 'my password: hunter2, 1')
        self.assertGreater(len(rows[1].pop('row')), 100)  # what dead import puts back
        self.assertEqual(rows[1], json.loads(json.dumps(broker.letter(rows[1]['number']), default=str)))
        self.palaver(broker, 'dead', 'export', path, '--all', code=PARTLY)
        row, = self.palaver(broker, 'dead', 'export', '-', text_id(ids[2])).rows
        self.assertEqual(row['body']['message_text'], 'my password: hunter2, 2')
        for letters, words in ((('--text', 'nothing like it'), 'no dead letters pass the filters; nothing was written'),
                               (('99999',), '99999: there is no such dead letter')):
            done = self.palaver(broker, 'dead', 'export', path + '.2', *letters, code=NOTHING)
            self.assertEqual(done.err, f'palaver: {words}\n')
            self.assertFalse(os.path.exists(path + '.2'))
        self.palaver(broker, 'dead', 'export', '/nowhere/letters', '--all', code=PARTLY)
        self.palaver(broker, 'dead', 'export', path + '.3', code=USAGE)
        self.assertEqual(os.listdir(os.path.dirname(path)), ['letters'])


class Sessions(CliTest):
    def test_end(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker()
        self.round_trip(adapter, worker, 'hello')
        row, = self.palaver(broker, 'sessions', 'end', 'web_1').rows
        self.assertEqual(row, {'session_id': 'web_1', 'status': 'success'})
        wait(lambda: broker.logged('session.ended'), 'the log says so')
        self.palaver(broker, 'sessions', 'end', 'web_1', code=NOTHING)

    def test_unpark(self):
        broker = self.broker({**SILENT, 'routes': [route(on_dead='park')]})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('one', session='1')
        worker.nack(worker.job()['lease'], permanent=True, reason='no')
        wait(broker.dead, 'a dead letter')
        adapter.publish('two', session='1')
        adapter.expect('STORED')
        wait(lambda: broker.session('web_1')['parked_by'], 'it is parked')
        self.palaver(broker, 'sessions', 'unpark', 'web_1', '--who', 'ann')
        self.assertEqual(worker.job()['body']['message_text'], 'two')
        self.assertEqual(len(broker.dead()), 1)
        self.palaver(broker, 'sessions', 'unpark', 'web_9', code=NOTHING)


if __name__ == '__main__':
    unittest.main()
