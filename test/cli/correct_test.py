#!/usr/bin/python3
# RUN: timeout=120
"""palaver dead replay --set and --edit: a corrected copy takes the letter's place, and says which one it corrects."""

import os
import signal
import unittest

from cli import OK, PARTLY, SILENT, USAGE, CliTest, wait


class Correct(CliTest):
    def start(self, count=1, timeout_ms=10000):
        broker = self.broker({**SILENT, 'agents.timeout_ms': timeout_ms, 'agents.heartbeat_ms': timeout_ms // 5})
        ids = self.letters(broker, count)
        return broker, ids, [str(row['number']) for row in self.palaver(broker, 'dead', 'list').rows]

    def answered(self, broker, original):
        """The text that an agent gets, in an event of its own that names the original."""
        worker = broker.worker(credit=4)
        job = worker.job()
        self.assertNotEqual(job['envelope']['id'], original)
        self.assertEqual(job['body']['metadata']['copy_of'].replace('-', ''), original.hex())
        worker.reply(job['lease'], 'good')
        wait(lambda: not broker.ask('status')['counts']['pending_events'], 'it is answered')
        self.assertEqual(self.palaver(broker, 'dead', 'list').rows, [])
        return job['body']['message_text']

    def editor(self, script):
        path = f'{self.folder()}/editor'
        with open(path, 'w', encoding='ascii') as file:
            file.write(f'#!/bin/sh\n{script}\n')
        os.chmod(path, 0o755)
        return {'VISUAL': '', 'EDITOR': path}

    def test_set(self):
        broker, ids, numbers = self.start()
        self.palaver(broker, 'dead', 'replay', *numbers, '--set', 'message_text=better', '--yes')
        self.assertEqual(self.answered(broker, ids[0]), 'better')

    def test_an_empty_text_is_no_correction(self):
        broker, _, numbers = self.start()
        done = self.palaver(broker, 'dead', 'replay', *numbers, '--set', 'message_text=', '--yes', code=USAGE)
        self.assertIn('the text is empty', done.err)
        self.assertEqual([str(row['number']) for row in self.palaver(broker, 'dead', 'list').rows], numbers)

    def test_a_correction_that_is_too_large_is_called_so(self):
        broker = self.broker(SILENT)
        adapter, worker = broker.adapter(), broker.worker()
        adapter.publish('bad', metadata={'more': 'x' * 1000000})
        worker.nack(worker.job()['lease'], permanent=True)
        wait(broker.dead, 'the letter is dead')
        number = str(self.palaver(broker, 'dead', 'list').rows[0]['number'])
        correct = ('dead', 'replay', number, '--set', 'message_text=' + 'x' * 100000, '--yes')
        row, = self.palaver(broker, *correct, code=PARTLY).rows
        self.assertEqual((row['replayed'], row['kind'], row['size']), (0, 0, 1))
        self.assertIn('too large with this text 1', self.palaver(broker, *correct, '--table', code=PARTLY).out)

    def test_an_editor_gets_the_text_and_gives_another(self):
        broker, ids, numbers = self.start()
        self.palaver(broker, 'dead', 'replay', *numbers, '--edit', '--yes', env=self.editor('sed -i s/bad/good/ "$1"'))
        self.assertEqual(self.answered(broker, ids[0]), 'good 0')

    def slow_editor(self):
        """An editor that waits for a file, with the Ctrl-C that it takes as a key; and the folder for that."""
        folder = self.folder()
        return folder, self.editor(f'trap "" INT; touch {folder}/began\n'
                                   f'until [ -e {folder}/go ]; do sleep 0.02; done; echo better > "$1"')

    def go_on(self, folder):
        with open(f'{folder}/go', 'w', encoding='ascii'):
            pass

    def test_an_editor_takes_the_time_that_a_person_takes(self):
        broker, ids, numbers = self.start(timeout_ms=300)
        folder, env = self.slow_editor()
        call = self.call(broker, 'dead', 'replay', *numbers, '--edit', '--yes', env=env)
        wait(lambda: os.path.exists(f'{folder}/began'), 'the editor is there')
        wait(lambda: broker.logged('peer.gone', role='tool', how='lease_expired'), 'the broker has heard nothing')
        self.go_on(folder)
        done = call.wait()
        self.assertEqual((done.code, done.rows[0]['replayed']), (OK, 1), done.err)
        self.assertEqual(self.answered(broker, ids[0]), 'better')

    def test_ctrl_c_is_a_key_of_the_editor(self):
        broker, ids, numbers = self.start()
        folder, env = self.slow_editor()
        call = self.call(broker, 'dead', 'replay', *numbers, '--edit', '--yes', env=env, before=os.setsid)
        wait(lambda: os.path.exists(f'{folder}/began'), 'the editor is there')
        os.killpg(call.process.pid, signal.SIGINT)
        os.killpg(call.process.pid, signal.SIGINT)
        self.go_on(folder)
        done = call.wait()
        self.assertEqual(done.code, OK, done.err)
        self.assertEqual(self.answered(broker, ids[0]), 'better')

    def test_an_editor_that_changes_nothing_or_fails_sends_nothing(self):
        broker, _, numbers = self.start()
        for script, words in (('true', 'the text is as it was'), (': > "$1"', 'the text is empty'),
                              ('exit 3', 'failed'), ('printf "\\377" > "$1"', 'not UTF-8'),
                              ('printf "a\\000b" > "$1"', 'a NUL'), ('rm "$1"', 'cannot be read')):
            done = self.palaver(broker, 'dead', 'replay', *numbers, '--edit', '--yes', code=PARTLY,
                                env=self.editor(script))
            self.assertIn(words, done.err)
        done = self.palaver(broker, 'dead', 'replay', *numbers, '--edit', '--yes', code=PARTLY,
                            env={**self.editor('true'), 'TMPDIR': '/nowhere'})
        self.assertIn('/nowhere', done.err)
        self.assertEqual([str(row['number']) for row in self.palaver(broker, 'dead', 'list').rows], numbers)

    def test_one_letter_at_a_time(self):
        broker, _, numbers = self.start(2)
        done = self.palaver(broker, 'dead', 'replay', *numbers, '--edit', '--yes', code=USAGE)
        self.assertIn('--edit takes one letter, not 2', done.err)
        self.palaver(broker, 'dead', 'replay', *numbers, '--edit', '--set', 'message_text=x', '--yes', code=USAGE)


if __name__ == '__main__':
    unittest.main()
