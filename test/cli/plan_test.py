#!/usr/bin/python3
# RUN: timeout=300
"""palaver dead replay --plan and --apply: what is written down is done, once, whoever is killed."""

import collections
import json
import os
import resource
import signal
import stat
import subprocess
import time
import unittest

from cli import NOTHING, PARTLY, SILENT, TIME, UNREACHABLE, USAGE, CliTest, wait
from palaverd import PATIENCE, World
from wireclient import text_id


class NewFiles(CliTest):
    def test_a_file_that_is_there_is_refused_whether_there_is_a_broker_or_not(self):
        path = os.path.join(self.folder(), 'kept')
        with open(path, 'w', encoding='utf-8'):
            pass
        for words in (('dead', 'replay', '--all', '--plan', path), ('dead', 'export', path, '--all'),
                      ('events', 'replay', '--shadow', '--to', 'advisor', '--since', '1h', '--html', path)):
            done = self.palaver(None, *words, env={'PALAVER_RUN': self.folder()}, code=PARTLY)
            self.assertEqual(done.err, f'palaver: {path} exists already; nothing was written\n')


class Plan(CliTest):
    def setUp(self):
        self.one = self.broker(SILENT)
        self.path = os.path.join(self.folder(), 'some.plan')

    def plan(self, *options, **more):
        return self.palaver(self.one, 'dead', 'replay', '--plan', self.path, *options, **more)

    def apply(self, *options, **more):
        return self.palaver(self.one, 'dead', 'replay', '--apply', self.path, *options, **more)

    def read(self):
        with open(self.path, encoding='utf-8') as file:
            return json.load(file)

    def answer(self, count):
        """Takes and answers this many jobs; their texts."""
        worker, texts = self.one.worker(), []
        for _ in range(count):
            job = worker.job()
            texts.append(job['body']['message_text'])
            worker.reply(job['lease'], 'now')
            worker.expect('COMMITTED')
        worker.bye()
        return texts

    def test_a_plan_says_everything(self):
        ids = self.letters(self.one, 3)
        row, = self.plan('--reason', 'permanent', '--text', 'bad', '--rate', '50', '--who', 'ann').rows
        self.assertEqual((row['entries'], row['unknown'], row['dry_run']), (3, 0, False))
        plan = self.read()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        self.assertEqual((plan['by'], plan['rate']), ('ann', 50))
        self.assertEqual(plan['filters'], {'reason': 'permanent', 'text': 'bad'})
        self.assertRegex(plan['made'], TIME)
        self.assertEqual(plan['hash'], row['hash'])
        self.assertEqual(plan['counts'], {'entries': 3, 'unknown': 0, 'kind': 0})
        self.assertEqual([entry['id'] for entry in plan['entries']], [text_id(one) for one in ids])
        for entry in plan['entries']:
            self.assertEqual((entry['attempts'], entry['type']), (1, 'chat.message'))
            self.assertRegex(entry['dead'], TIME)
        self.assertNotIn('bad 1', json.dumps(plan['entries']))
        self.assertEqual(len(self.one.dead()), 3)
        self.plan('--all', code=PARTLY)

    def test_it_is_applied_as_it_stands(self):
        self.letters(self.one, 4)
        self.plan('--all')
        self.letters_later()
        row, = self.apply().rows
        self.assertEqual((row['replayed'], row['before'], row['missing']), (4, 0, 0))
        self.assertEqual(self.answer(4), [f'bad {i}' for i in range(4)])
        self.assertEqual(len(self.one.dead()), 1)
        row, = self.apply().rows
        self.assertEqual((row['replayed'], row['before'], row['missing']), (0, 4, 0))
        self.assertEqual(len(self.one.dead()), 1)

    def letters_later(self):
        """One more letter, of which the plan knows nothing."""
        adapter, worker = self.one.adapter(), self.one.worker()
        adapter.publish('later', session='later')
        worker.nack(worker.job()['lease'], permanent=True)
        wait(lambda: len(self.one.dead()) > 1 and adapter, 'another dead letter')
        worker.bye()
        adapter.bye()

    def test_a_plan_that_was_changed_is_refused(self):
        self.letters(self.one, 2)
        self.plan('--all')
        with open(self.path, encoding='utf-8') as file:
            text = file.read()
        for changed in (text.replace('"attempts": 1', '"attempts": 2', 1), text[:-20], text + ' ',
                        text.replace('"by"', '"of"'), text.split('"skipped"')[0]):
            with open(self.path, 'w', encoding='utf-8') as file:
                file.write(changed)
            self.assertIn('hash is wrong', self.apply(code=PARTLY).err)
        with open(self.path, 'w', encoding='utf-8') as file:
            file.write('{}')
        self.assertIn('this is no plan', self.apply(code=PARTLY).err)
        self.assertEqual(len(self.one.dead()), 2)

    def test_a_dry_run_writes_and_sends_nothing(self):
        self.letters(self.one, 2)
        self.assertTrue(self.plan('--all', '--dry-run').rows[0]['dry_run'])
        self.assertFalse(os.path.exists(self.path))
        self.plan('--all')
        self.assertEqual(self.apply('--dry-run').rows[0]['replayed'], 2)
        self.assertFalse(os.path.exists(self.path + '.done'))
        self.assertEqual(len(self.one.dead()), 2)

    def test_a_plan_that_would_send_nothing_takes_no_name(self):
        self.assertFalse(self.plan('--all', code=NOTHING).rows[0]['written'])
        self.letters(self.one, 1)
        done = self.plan('--text', 'something else', '--table', code=NOTHING)
        self.assertEqual(done.out, 'there is nothing to send again\nno plan was written\n')
        self.assertEqual(os.listdir(os.path.dirname(self.path)), [])
        self.assertTrue(self.plan('--all').rows[0]['written'])

    def ends_while_it_writes(self, end, *arguments):
        """False: it was done before it could be ended."""
        folder = os.path.dirname(self.path)
        call = self.call(self.one, 'dead', *arguments)
        while call.running() and not call.writes_into(folder):
            pass
        end(call)
        if not os.path.exists(self.path):
            return True
        os.unlink(self.path)
        return False

    def test_a_call_that_ends_while_it_writes_leaves_no_file(self):
        def kill(call):
            call.kill()

        def interrupt(call):
            if call.running():
                call.process.send_signal(signal.SIGINT)
            call.wait()
        self.letters(self.one, 2000)
        for arguments in (('export', self.path, '--all'), ('replay', '--plan', self.path, '--all')):
            for end in (kill, interrupt):
                wait(lambda end=end, arguments=arguments: self.ends_while_it_writes(end, *arguments), 'it ends early')
                self.assertEqual(os.listdir(os.path.dirname(self.path)), [])

    def test_a_plan_is_looked_at_before_the_broker(self):
        nowhere = ('--run', self.folder())
        done = self.palaver(None, 'dead', 'replay', '--apply', '/nowhere/some.plan', *nowhere, code=PARTLY)
        self.assertEqual(done.err, 'palaver: /nowhere/some.plan: cannot be read: No such file or directory\n')
        self.letters(self.one, 1)
        self.plan('--all')
        self.palaver(None, 'dead', 'replay', '--apply', self.path, *nowhere, code=UNREACHABLE)
        self.assertFalse(os.path.exists(self.path + '.done'))

    def test_nothing_to_plan(self):
        self.plan('--all', code=NOTHING)
        self.apply('--text', 'x', code=USAGE)
        self.palaver(self.one, 'dead', 'replay', '--plan', '/nowhere/some.plan', '--all', code=PARTLY)
        self.palaver(self.one, 'dead', 'replay', '--apply', '/nowhere/some.plan', code=PARTLY)

    def test_letters_that_are_gone_are_counted(self):
        ids = self.letters(self.one, 3)
        self.plan('--all')
        self.palaver(self.one, 'dead', 'discard', text_id(ids[1]), '--yes')
        row, = self.apply(code=PARTLY).rows
        self.assertEqual((row['replayed'], row['missing']), (2, 1))

    def test_a_record_that_cannot_be_written_stops_it(self):
        """The disk is full after the line which says that the step has begun."""
        self.letters(self.one, 2)
        plan, = self.plan('--all').rows
        room = len(json.dumps({'plan': plan['hash']}) + '\n' + json.dumps({'begun': 0}) + '\n') + 10

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        done = self.apply(before=full, code=PARTLY)
        self.assertIn('what is done cannot be written', done.err)
        self.assertEqual(done.rows[0]['replayed'], 2)
        self.assertEqual(self.answer(2), ['bad 0', 'bad 1'])
        row, = self.apply().rows
        self.assertEqual((row['replayed'], row['before'], row['missing']), (0, 2, 0))

    def test_a_rate_is_kept(self):
        self.letters(self.one, 30)
        self.plan('--all', '--rate', '30', '--concurrency', '2')
        begun = time.monotonic()
        self.assertEqual(self.apply().rows[0]['replayed'], 30)
        self.assertGreater(time.monotonic() - begun, 0.8)

    def test_on_a_terminal(self):
        self.letters(self.one, 2)
        out = self.on_terminal(self.one, 'dead', 'replay', '--all', '--plan', self.path)
        self.assertIn('would send 2 letters again', out)
        self.assertIn(f'palaver dead replay --apply {self.path}', out)
        self.assertIn('replayed 2', self.on_terminal(self.one, 'dead', 'replay', '--apply', self.path))


class Killed(CliTest):
    """3000 letters of a plan go in steps of a few hundred."""
    COUNT = 3000

    def setUp(self):
        self.world = World(self.folder())
        # What a broker that was killed had given out is free again after this time.
        self.one = self.broker({**SILENT, 'agents.timeout_ms': 8000 * PATIENCE}, env=self.world.env())
        self.ids = self.letters(self.one, self.COUNT, sessions=self.COUNT)
        self.path = os.path.join(self.folder(), 'some.plan')
        self.palaver(self.one, 'dead', 'replay', '--all', '--plan', self.path)
        self.worker = self.one.worker(credit=5000)
        self.times = collections.Counter()

    def collect(self):
        while job := self.worker.try_job():
            self.times[job['envelope']['id']] += 1
            self.worker.reply(job['lease'], 'now')

    def collect_until_quiet(self):
        def quiet():
            self.collect()
            counts = self.one.ask('status')['counts']
            return counts['leases'] == 0 and counts['pending_events'] == 0
        wait(quiet, 'all that was sent again is answered')

    def apply(self):
        return self.call(self.one, 'dead', 'replay', '--apply', self.path)

    def finish(self):
        """Applies again until it is done: each letter was sent once."""
        for _ in range(20):
            call = self.apply()
            wait(lambda one=call: self.collect() or not one.running(), 'it ends', 60)
            done = call.wait()
            self.assertEqual(done.code, 0, done.err)
            row, = done.rows
            if row['replayed'] + row['before'] == self.COUNT:
                break
        self.collect_until_quiet()
        self.assertEqual(set(self.times), set(self.ids))
        self.assertEqual(set(self.times.values()), {1})
        self.assertEqual(self.one.dead(), [])

    def test_kill_9_of_the_tool_again_and_again(self):
        self.world.set(sync_s=0.02)
        for round_ in range(5):
            call = self.apply()
            target = len(self.times) + 100
            wait(lambda least=target, one=call: self.collect() or len(self.times) >= least or not one.running(),
                 'some are sent', 30)
            self.assertTrue(call.running() or round_ > 2, 'it was too quick')
            call.kill()
        self.world.set()
        self.finish()

    def test_ctrl_c(self):
        self.world.set(sync_s=0.02)
        call = self.apply()
        wait(lambda: self.collect() or len(self.times) > 100, 'some are sent', 30)
        call.process.send_signal(signal.SIGINT)
        wait(lambda: self.collect() or not call.running(), 'it stops', 30)
        done = call.wait()
        self.assertEqual(done.code, -signal.SIGINT, done.err)
        self.assertIn('the same command goes on', done.err)
        self.world.set()
        self.finish()

    def test_kill_9_of_the_broker(self):
        self.world.set(sync_s=0.02)
        call = self.apply()
        wait(lambda: self.collect() or len(self.times) > 100, 'some are sent', 30)
        self.one.restart(crash=True)
        call.wait()
        self.world.set()
        self.worker.close()
        self.worker = self.one.worker(credit=5000)
        for _ in range(2):
            call = self.apply()
            wait(lambda one=call: self.collect() or not one.running(), 'it ends', 60)
            call.wait()
        self.collect_until_quiet()
        # An answer that was under way when the broker was killed is not taken: its letter goes to an agent anew.
        self.assertEqual(set(self.times), set(self.ids))
        self.assertEqual(self.one.dead(), [])

    def test_two_operators_with_two_plans(self):
        other = self.path + '.other'
        self.palaver(self.one, 'dead', 'replay', '--all', '--plan', other)
        calls = [self.call(self.one, 'dead', 'replay', '--apply', path) for path in (self.path, other)]
        wait(lambda: self.collect() or not any(call.running() for call in calls), 'both end', 60)
        rows = [call.wait().rows[0] for call in calls]
        self.collect_until_quiet()
        self.assertEqual(sum(row['replayed'] for row in rows), self.COUNT, rows)
        self.assertEqual(set(self.times), set(self.ids))
        self.assertEqual(set(self.times.values()), {1})

    def test_one_plan_at_a_time(self):
        self.one.signal(signal.SIGSTOP)
        holder = subprocess.Popen(['flock', '--no-fork', f'{self.path}.done', 'sleep', '60'])
        try:
            wait(lambda: os.path.exists(f'{self.path}.done'), 'the record is held')
            self.one.signal(signal.SIGCONT)
            done = self.palaver(self.one, 'dead', 'replay', '--apply', self.path, code=PARTLY)
            self.assertIn('by another palaver', done.err)
        finally:
            holder.kill()
            holder.wait()


if __name__ == '__main__':
    unittest.main()
