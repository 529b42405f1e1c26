#!/usr/bin/python3
# RUN: timeout=240 variants=debug,release,asan
"""An online backup: taken while the broker works, and proved by starting a broker on it."""

import os
import shutil
import stat
import unittest

from palaverd import BrokerTest, wait


class Backup(BrokerTest):
    def restored(self, broker, folder):
        """Another broker, on a copy of the backup."""
        other = self.broker(start=False)
        shutil.copytree(folder, other.data)
        os.chmod(other.data, 0o700)
        return other.start()

    def test_a_broker_starts_on_the_copy_and_has_everything(self):
        broker = self.broker({'session.history_turns': 5})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('hello', session='s', platform_id='m1')
        worker.reply(worker.job()['lease'], 'an answer', state={'goal': 'house'})
        self.deliver(adapter)
        adapter.publish('dead', session='d')
        worker.nack(worker.job()['lease'], permanent=True, reason='no')
        self.deliver(adapter)
        worker.bye()
        adapter.publish('waits', session='w', platform_id='m2')
        adapter.expect('STORED')
        folder = f'{broker.folder}/backup'
        broker.ask('backup', dir=folder)
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        adapter.publish('after the backup', session='later')
        adapter.expect('STORED')
        before, letter = broker.session('web_s'), broker.letter()
        broker.kill()

        other = self.restored(broker, folder)
        self.assertEqual(other.session('web_s'), before)
        self.assertEqual(other.letter(), letter)
        self.assertEqual(other.try_ask('sessions.show', session='web_later')[0], 'NOENT')
        adapter, worker = other.adapter(), other.worker()
        self.assertEqual(worker.job()['body']['message_text'], 'waits')
        for known in ('m1', 'm2'):
            adapter.publish('a copy', platform_id=known)
            adapter.expect('STORED')
        self.assertEqual(other.metric('events_duplicate'), 2)
        other.ask('dead.replay', numbers=[letter['number']], who='me')
        self.assertEqual(worker.job()['body']['message_text'], 'dead')

    def test_the_copy_is_consistent_under_traffic(self):
        broker = self.broker()
        adapter, worker = broker.adapter(), broker.worker(credit=64)
        folders, done = [], 0
        for number in range(200):
            adapter.publish(f'{number}', session=str(number % 20), platform_id=str(number))
            job = worker.try_job()
            if job:
                worker.reply(job['lease'], 'done', state={'last': job['body']['message_text']})
                done += 1
            if number % 60 == 30:
                folders.append((f'{broker.folder}/backup{number}', number))
                broker.ask('backup', dir=folders[-1][0])
        adapter.stored(200)
        self.assertTrue(broker.running())
        for folder, number in folders:
            other = self.restored(broker, folder)
            items = other.ask('sessions.list', limit=1000)['items']
            counted = sum(item['message_count'] for item in items)
            self.assertLessEqual(counted, number + 1)
            self.assertGreater(counted, 0)
            for item in items:
                shown = other.session(item['session_id'])
                said = [turn for turn in shown['history'] if turn['role'] == 'user']
                self.assertEqual(shown['state'].get('last'), said[-1]['text'] if said else None)
            self.assertEqual(other.stop(), 0)

    def test_a_folder_that_exists_is_not_touched(self):
        broker = self.broker()
        folder = f'{broker.folder}/backup'
        os.mkdir(folder)
        status, body = broker.try_ask('backup', dir=folder)
        self.assertNotEqual(status, 'ok')
        self.assertIn('exists', body['text'])
        self.assertEqual(os.listdir(folder), [])
        broker.ask('backup', dir=f'{folder}2')

    def test_a_folder_that_cannot_be_made(self):
        broker = self.broker()
        status, body = broker.try_ask('backup', dir='/proc/nowhere/backup')
        self.assertNotEqual(status, 'ok')
        self.assertIn('/proc/nowhere/backup', body['text'])
        broker.adapter()

    def test_a_folder_within_the_data_is_refused_by_whatever_name(self):
        broker = self.broker()
        os.symlink(broker.data, f'{broker.folder}/elsewhere')
        os.mkdir(f'{broker.data}/below')
        before = sorted(os.listdir(broker.data))
        for folder in (f'{broker.data}/backup', f'{broker.data}/below/backup', f'{broker.folder}/elsewhere/backup',
                       f'{broker.folder}/elsewhere/below/../backup', f'{broker.data}/backup//'):
            status, body = broker.try_ask('backup', dir=folder)
            self.assertNotEqual(status, 'ok', folder)
            self.assertIn(f'is within the data directory {broker.data}', body['text'])
        self.assertEqual(sorted(os.listdir(broker.data)), before)
        self.assertEqual(os.listdir(f'{broker.data}/below'), [])
        broker.ask('backup', dir=f'{broker.data}-backup')

    def test_a_folder_may_end_with_slashes(self):
        broker = self.broker()
        broker.ask('backup', dir=f'{broker.folder}/backup//')
        self.assertIn('CURRENT', os.listdir(f'{broker.folder}/backup'))

    def test_two_at_once_both_get_an_answer(self):
        broker = self.broker()
        tools = [broker.tool(), broker.tool()]
        results = []
        for number, tool in enumerate(tools):
            tool.command('backup', dir=f'{broker.folder}/b{number}')
        for tool in tools:
            results.append(tool.result())
        self.assertIn('ok', [status for status, _ in results])
        self.assertLessEqual({status for status, _ in results}, {'ok', 'BUSY'})

    def test_a_backup_of_a_backup(self):
        broker = self.broker()
        adapter = broker.adapter()
        adapter.publish('hello')
        adapter.expect('STORED')
        broker.ask('backup', dir=f'{broker.folder}/one')
        other = self.restored(broker, f'{broker.folder}/one')
        other.ask('backup', dir=f'{other.folder}/two')
        last = self.restored(other, f'{other.folder}/two')
        wait(lambda: last.metric('pending_events') == 1, 'the event')


if __name__ == '__main__':
    unittest.main()
