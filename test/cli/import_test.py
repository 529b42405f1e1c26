#!/usr/bin/python3
# RUN: timeout=240
"""palaver dead import: what was saved comes back whole, once; and letters that go by age are saved first."""

import glob
import json
import os
import signal
import stat
import time
import unittest

from cli import NOTHING, PARTLY, SECONDS, SILENT, TIME, USAGE, CliTest, wait
from palaverd import PATIENCE, World
from wireclient import text_id

DAY = 24 * 3600
# What a sync takes of a disk that hangs.
SLOW_S = 4 * PATIENCE


class Import(CliTest):
    def start(self, count, conf=None, **options):
        broker = self.broker({**SILENT, **(conf or {})}, **options)
        return broker, self.letters(broker, count)

    def export(self, broker, *which):
        path = os.path.join(self.folder(), 'letters.jsonl')
        self.palaver(broker, 'dead', 'export', path, *(which or ['--all']))
        return path

    def imported(self, broker, path, *options, code=0, stdin=None):
        row, = self.palaver(broker, 'dead', 'import', path, *options, code=code, stdin=stdin).rows
        return row['imported'], row['there'], row['broken']

    def shown(self, broker):
        """Every letter whole, without what a replay adds."""
        return self.palaver(broker, 'dead', 'show', '--since', '2020-01-01').rows

    def test_export_discard_import_replay(self):
        broker, ids = self.start(250)
        before = self.shown(broker)
        path = self.export(broker)
        self.palaver(broker, 'dead', 'discard', '--all', '--yes')
        self.assertEqual(broker.dead(), [])
        self.assertEqual(self.imported(broker, path, '--dry-run'), (250, 0, 0))
        self.assertEqual(broker.dead(), [])
        self.assertEqual(self.imported(broker, path, '--who', 'ann'), (250, 0, 0))
        after = self.shown(broker)
        for row, old in zip(after, before, strict=True):
            *earlier, line = row['ledger']
            self.assertEqual({**row, 'ledger': earlier}, old)
            self.assertEqual((line['how'], line['who'], line['why'], line['code'], line['attempt']),
                             ('imported', 'ann', 'letters.jsonl', '', old['attempts']))
            self.assertRegex(line['at'], TIME)
            self.assertGreater(line['at'], old['dead'])
            self.assertEqual(line['ended'], line['at'])
        self.assertEqual(self.imported(broker, path), (0, 250, 0))
        broker.wait_log('dead.imported', who='ann')
        broker.restart(crash=True)
        self.assertEqual(self.shown(broker), after)
        hops = self.palaver(broker, 'events', 'show', text_id(ids[0])).rows[0]['hops']
        hops = [hop for hop in hops if hop['hop'] not in ('stored', 'settled')]
        self.assertEqual([hop['hop'] for hop in hops], ['accepted', 'dispatched', 'dead', 'discarded', 'imported'])
        self.assertEqual((hops[-1]['who'], hops[-1]['why']), ('ann', 'letters.jsonl'))
        worker = broker.worker(credit=300)
        self.palaver(broker, 'dead', 'replay', '--all', '--yes')
        seen = []
        for _ in range(250):
            job = worker.job()
            seen.append(job['envelope']['id'])
            worker.reply(job['lease'], 'better')
        self.assertEqual(sorted(seen), sorted(ids))
        self.assertEqual(broker.dead(), [])

    def test_the_way_of_a_letter_that_was_put_back_and_died_again(self):
        broker, ids = self.start(1)
        path = self.export(broker)
        self.palaver(broker, 'dead', 'discard', '--all', '--yes')
        self.assertEqual(self.imported(broker, path), (1, 0, 0))
        worker = broker.worker()
        self.palaver(broker, 'dead', 'replay', '--all', '--yes')
        worker.nack(worker.job()['lease'], permanent=True)
        broker.letter()
        hops = [hop['hop'] for hop in self.palaver(broker, 'events', 'show', text_id(ids[0])).rows[0]['hops']]
        self.assertEqual([hop for hop in hops if hop not in ('stored', 'settled', 'ended')],
                         ['accepted', 'dispatched', 'dead', 'discarded', 'imported',
                          'sent_again', 'dispatched', 'dead'])

    def test_a_letter_that_is_too_large_to_be_put_back_is_named(self):
        broker = self.broker(SILENT)
        adapter, worker = broker.adapter(), broker.worker()
        for text, more in (('small', {}), ('large', {'metadata': {'more': 'x' * 900000}})):
            adapter.publish(text, session=text, **more)
            lease = worker.job()['lease']
            for step in range(3 if more else 0):
                worker.step(lease, f'step {step}', b'x' * 250000)
            worker.nack(lease, permanent=True)
            worker.expect('COMMITTED')
        small, large = [row['number'] for row in self.palaver(broker, 'dead', 'list').rows]
        path = os.path.join(self.folder(), 'letters.jsonl')
        done = self.palaver(broker, 'dead', 'export', path, '--all', code=PARTLY)
        self.assertIn(f'letter {large} is too large to be put back', done.err)
        self.assertNotIn(f'letter {small} ', done.err)
        self.assertEqual(self.imported(broker, path, code=PARTLY), (0, 1, 1))

    def test_into_another_broker(self):
        broker, ids = self.start(3)
        path = self.export(broker)
        other, others = self.start(5)
        with open(path, encoding='utf-8') as file:
            self.assertEqual(self.imported(other, '-', '--who', 'ann', stdin=file.read()), (3, 0, 0))
        hops = self.palaver(other, 'events', 'show', text_id(ids[0])).rows[0]['hops']
        self.assertEqual([hop['hop'] for hop in hops], ['accepted', 'dispatched', 'ended', 'dead', 'imported'])
        self.assertEqual((hops[-1]['who'], hops[-1]['why']), ('ann', 'stdin'))
        self.assertEqual({row['id'] for row in self.palaver(other, 'dead', 'list').rows},
                         {text_id(one) for one in ids + others})

    def test_broken_lines_are_named_and_the_others_put_back(self):
        broker, _ = self.start(3)
        path = self.export(broker)
        self.palaver(broker, 'dead', 'discard', '--all', '--yes')
        with open(path, encoding='utf-8') as file:
            lines = file.read().splitlines()
        cut = json.loads(lines[1])
        cut['row'] = cut['row'][:40]
        bare = {key: value for key, value in json.loads(lines[1]).items() if key != 'row'}
        with open(path, 'w', encoding='utf-8') as file:
            lines = [lines[0], '{"number": ', json.dumps(bare), '', json.dumps(cut), lines[2], lines[2]]
            file.write('\n'.join(lines) + '\n')
        done = self.palaver(broker, 'dead', 'import', path, code=PARTLY)
        row, = done.rows
        self.assertEqual((row['imported'], row['there'], row['broken']), (2, 1, 3))
        for line, words in ((2, 'no JSON'), (3, 'no "row"'), (5, 'damaged')):
            self.assertIn(f'{path}:{line}: ', done.err)
            self.assertIn(words, done.err)
        self.assertEqual(len(broker.dead()), 2)

    def test_files_that_are_none(self):
        broker = self.broker()
        self.palaver(broker, 'dead', 'import', '/nonexistent', code=PARTLY)
        self.palaver(broker, 'dead', 'import', code=USAGE)
        self.assertEqual(self.imported(broker, '-', code=NOTHING, stdin='\n\n'), (0, 0, 0))

    def test_two_imports_at_the_same_moment(self):
        broker, ids = self.start(600)
        path = self.export(broker)
        self.palaver(broker, 'dead', 'discard', '--all', '--yes')
        calls = [self.call(broker, 'dead', 'import', path) for _ in range(2)]
        rows = [call.wait().rows[0] for call in calls]
        self.assertEqual(sum(row['imported'] for row in rows), 600)
        self.assertEqual(sum(row['there'] for row in rows), 600)
        listed = [row['id'] for row in self.palaver(broker, 'dead', 'list').rows]
        self.assertEqual(sorted(listed), sorted(text_id(one) for one in ids))

    def test_an_interrupt_while_another_import_is_waited_for(self):
        broker, _ = self.start(1)
        path = self.export(broker)
        fake = self.fake({'dead.import': ('BUSY', {'done': 0, 'there': 0, 'broken': [], 'retry_after_ms': 50})})
        call = self.call(fake, 'dead', 'import', path)
        for _ in range(2):
            fake.expect('CONTROL')
        call.process.send_signal(signal.SIGINT)
        done = self.served(fake, call)
        self.assertEqual(done.code, -signal.SIGINT)
        self.assertEqual(done.err, 'palaver: interrupted: what follows was not put back; the same command goes on with '
                         'it\n')

    def test_letters_that_go_by_age_are_warned_of_and_saved_first(self):
        world, folder = World(self.folder()), os.path.join(self.folder(), 'saved')
        broker, _ = self.start(4, {'dead.max_age_d': 3, 'dead.warn_h': 24, 'dead.export': folder}, env=world.env())
        world.set(passed_s=2 * DAY + 3600)
        broker.write_conf()
        broker.signal(signal.SIGHUP)
        broker.wait_metric('dead_expiring', 4)
        self.assertIn('4 dead letters will be thrown away soon', self.palaver(broker, 'status', '--table').out)
        broker.wait_log('dead.expiring', count=4)
        doctor = self.call(broker, 'doctor', '--table').wait()
        self.assertIn('will be thrown away soon', doctor.out)
        world.set(passed_s=3 * DAY + 2 * 3600)
        broker.signal(signal.SIGHUP)
        broker.wait_log('dead.kept')  # the directory is not there: they stay
        self.assertEqual(len(broker.dead()), 4)
        os.mkdir(folder)
        broker.signal(signal.SIGHUP)
        wait(lambda: not broker.dead(), 'they are gone', 3 * SECONDS)
        path, = glob.glob(f'{folder}/dead-*.jsonl')
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        broker.wait_log('dead.expired', count=4, file=path)
        self.assertEqual(broker.metric('dead_discarded{by="retention"}'), 4)
        self.assertEqual(self.imported(broker, path), (4, 0, 0))

    def warned(self):
        """A broker whose only dead letter goes into the folder when a day is over."""
        world, folder = World(self.folder()), self.folder()
        broker, _ = self.start(1, {'dead.max_age_d': 3, 'dead.warn_h': 24, 'dead.export': folder, 'data.sync': False},
                               env=world.env())
        world.set(passed_s=2 * DAY + 3600)
        broker.wait_log('dead.expiring')
        return world, folder, broker

    def saving(self, world, folder, broker, sync_s):
        """The file into which it is being saved, on a disk whose syncs take so long."""
        world.set(passed_s=3 * DAY + 2 * 3600, sync_s=sync_s)
        broker.signal(signal.SIGHUP)
        path, = wait(lambda: glob.glob(f'{folder}/dead-*.jsonl'), 'they are being saved', 3 * SECONDS)
        return path

    def test_a_disk_that_is_slow_to_save_them_keeps_nobody_waiting(self):
        world, folder, broker = self.warned()
        adapter = broker.adapter()
        self.addCleanup(world.set)
        self.saving(world, folder, broker, SLOW_S)
        began = time.monotonic()
        adapter.publish('hello')
        adapter.expect('STORED')
        broker.ask('status')
        self.assertLess(time.monotonic() - began, SLOW_S / 2)
        self.assertFalse(broker.logged('dead.expired'))
        world.set(passed_s=3 * DAY + 2 * 3600)
        broker.wait_log('dead.expired', count=1)
        self.assertEqual(broker.dead(), [])

    def test_a_broker_that_stops_while_they_are_saved_has_them_still(self):
        world, folder, broker = self.warned()
        path = self.saving(world, folder, broker, 1)
        self.assertEqual(broker.stop(), 0, broker.tail())
        world.set()
        broker.start()
        self.assertEqual(len(broker.dead()), 1)
        self.assertEqual(self.imported(broker, path), (0, 1, 0))


if __name__ == '__main__':
    unittest.main()
