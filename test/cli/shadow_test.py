#!/usr/bin/python3
# RUN: timeout=120
"""palaver dead replay --shadow: agents answer, and nothing happens."""

import json
import os
import time
import unittest

from cli import NOTHING, PARTLY, SILENT, UNREACHABLE, USAGE, CliTest, route, wait


class Shadow(CliTest):
    def start(self, count, **conf):
        broker = self.broker({**SILENT, **conf})
        self.letters(broker, count)
        return broker, [row['number'] for row in self.palaver(broker, 'dead', 'list').rows]

    def test_old_and_new_answers(self):
        broker, numbers = self.start(3)
        adapter, worker = broker.adapter(), broker.worker(credit=16)
        call = self.call(broker, 'dead', 'replay', '--all', '--shadow', '--yes')
        jobs = [worker.job() for _ in numbers]
        self.assertEqual([job['body']['message_text'] for job in jobs], ['bad 0', 'bad 1', 'bad 2'])
        self.assertTrue(all(job['options']['trial'] for job in jobs), jobs)
        worker.step(jobs[0]['lease'], 'dear', b'x')
        worker.reply(jobs[0]['lease'], 'good')
        worker.nack(jobs[1]['lease'], code='data_unavailable', reason='no such fund')
        worker.reply(jobs[2]['lease'], 'better')
        done = call.wait()
        rows = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual(done.code, PARTLY, done)
        self.assertEqual([(row['number'], row['outcome'], row['answer'], row['why']) for row in rows[:3]],
                         [(numbers[0], 'answer', 'good', ''), (numbers[1], 'nack', '', 'no such fund'),
                          (numbers[2], 'answer', 'better', '')])
        self.assertIn('worker test/1', rows[0]['who'])
        self.assertEqual({key: rows[3][key] for key in ('answered', 'failed', 'missing', 'skipped')},
                         {'answered': 2, 'failed': 1, 'missing': 0, 'skipped': 0})
        self.assertEqual([row['number'] for row in self.palaver(broker, 'dead', 'list').rows], numbers)
        self.assertFalse(adapter.came('DELIVER'))

    def test_its_table_fits_the_terminal(self):
        broker, numbers = self.start(2)
        worker = broker.worker(credit=16)
        for columns in (80, 40):
            call = self.terminal(broker, 'dead', 'replay', '--all', '--shadow', '--yes', columns=columns)
            worker.reply(worker.job()['lease'], 'long words, ' * 20)
            worker.nack(worker.job()['lease'], code='data_unavailable', reason='no such fund')
            done = call.wait()
            self.assertEqual(done.code, PARTLY, done.out)
            table = done.out[done.out.index('NUMBER'):done.out.index('\nanswered 1')]
            self.assertEqual([line for line in table.splitlines() if len(line) > columns], [], done.out)
            for word in (str(numbers[0]), 'NEW', 'long', 'no such fund'):
                self.assertIn(word, table)

    def test_another_service_and_another_text(self):
        routes = [route(), route(name='second', service='better')]
        broker, numbers = self.start(1, routes=routes)
        worker = broker.worker(services=['better'])
        call = self.call(broker, 'dead', 'replay', str(numbers[0]), '--shadow', '--to', 'better', '--set',
                         'message_text=corrected', '--yes')
        job = worker.job()
        self.assertEqual((job['body']['message_text'], job['options']['service']), ('corrected', 'better'))
        worker.reply(job['lease'], 'yes')
        self.assertEqual(call.wait().code, 0)

    def old(self, broker, worker):
        """What the person was told when the one letter died."""
        call = self.call(broker, 'dead', 'replay', '--all', '--shadow', '--yes')
        worker.reply(worker.job()['lease'], 'new')
        return call.wait().rows[0]['old']

    def test_what_was_told_of_a_letter_that_was_put_back(self):
        broker = self.broker({'agents.attempts': 1, 'fallback.llm_unavailable': 'Nobody is in.'})
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('fatal')
        worker.job()
        worker.close()
        wait(broker.dead, 'it dies')
        worker = broker.worker()
        self.assertEqual(self.old(broker, worker), 'Nobody is in.')
        path = os.path.join(self.folder(), 'letters.jsonl')
        self.palaver(broker, 'dead', 'export', path, '--all')
        self.palaver(broker, 'dead', 'discard', '--all', '--yes')
        self.palaver(broker, 'dead', 'import', path)
        self.assertEqual(self.old(broker, worker), 'Nobody is in.')

    def shadow_of_three(self, *options):
        """Three letters are tried, and an agent answers one of them."""
        broker, numbers = self.start(3)
        worker = broker.worker(credit=16)
        call = self.call(broker, 'dead', 'replay', '--all', '--shadow', '--yes', *options)
        jobs = [worker.job() for _ in numbers]
        worker.reply(jobs[1]['lease'], 'good')
        return broker, numbers, call

    def test_an_agent_that_is_slower_than_somebody_waits(self):
        broker, numbers, call = self.shadow_of_three('--timeout', '2')
        done = call.wait()
        self.assertEqual(done.code, PARTLY, done)
        rows = done.rows
        self.assertEqual([(row['number'], row['answer']) for row in rows[:-1]], [(numbers[1], 'good')])
        self.assertEqual((rows[-1]['answered'], rows[-1]['open'], rows[-1]['left']), (1, [numbers[0], numbers[2]], 0))
        self.assertIn(f'no agent has answered yet: {numbers[0]}, {numbers[2]}\n', done.err)
        wait(lambda: broker.ask('status')['counts']['trials'] == 0, 'the trials are given up')

    def test_what_comes_behind_a_slow_one_is_not_begun(self):
        broker, numbers = self.start(3)
        worker = broker.worker(credit=16)
        call = self.call(broker, 'dead', 'replay', '--all', '--shadow', '--concurrency', '2', '--timeout', '1',
                         '--table')
        for _ in range(2):
            worker.job()
        done = call.wait()
        self.assertEqual(done.code, PARTLY, done)
        self.assertIn('without an answer yet 2, not begun 1; nothing was sent', done.out)
        self.assertIn(f'{numbers[0]}, {numbers[1]}\n', done.err)

    def test_it_keeps_the_pace(self):
        broker, numbers = self.start(4)
        worker = broker.worker(credit=16)
        call = self.call(broker, 'dead', 'replay', '--all', '--shadow', '--rate', '2')
        begun = []
        for _ in numbers:
            lease = worker.job()['lease']
            begun.append(time.monotonic())
            worker.reply(lease, 'good')
        self.assertEqual(call.wait().code, 0)
        self.assertGreater(begun[-1] - begun[0], 1.2)

    def test_a_broker_that_dies_under_it(self):
        broker, numbers, call = self.shadow_of_three()
        wait(lambda: broker.ask('status')['counts']['trials'] == 2, 'one has been answered')
        broker.restart(crash=True)
        done = call.wait()
        self.assertEqual(done.code, UNREACHABLE, done)
        told = done.rows[-1]
        self.assertEqual(told['answered'] + len(told['open']), 3, told)
        self.assertLessEqual({numbers[0], numbers[2]}, set(told['open']))

    def test_a_dry_run_gives_agents_no_work(self):
        broker, _ = self.start(1)
        worker = broker.worker()
        self.assertIn('exclude each other', self.palaver(broker, 'dead', 'replay', '--all', '--shadow', '--dry-run',
                                                         code=USAGE).err)
        worker.quiet('JOB')

    def test_a_letter_that_is_gone(self):
        broker, _ = self.start(1)
        self.palaver(broker, 'dead', 'replay', '999999', '--shadow', '--yes', code=NOTHING)


if __name__ == '__main__':
    unittest.main()
