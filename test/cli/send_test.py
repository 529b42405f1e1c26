#!/usr/bin/python3
# RUN: timeout=240
"""palaver send: an adapter of one message."""

import os
import signal
import unittest

from cli import PARTLY, TIME, USAGE, UUID, CliTest, wait


class Send(CliTest):
    def test_the_answer_is_printed_and_acknowledged(self):
        broker = self.broker()
        self.echo(broker)
        row, = self.palaver(broker, 'send', 'hello', 'there', '--session', 'cli_me', '--user', 'me').rows
        self.assertEqual((row['body']['response_text'], row['session_id'], row['user_id']),
                         ('hello there', 'cli_me', 'me'))
        self.assertEqual((row['platform'], row['type']), ('cli', 'chat.response'))
        self.assertRegex(row['id'], UUID)
        self.assertRegex(row['reply_to'], UUID)
        self.assertRegex(row['timestamp'], TIME)
        self.assertTrue(row['body']['disclaimers'])
        self.assertEqual(broker.metric('deliveries{outcome="sent"}'), 1)
        self.assertEqual(broker.ask('status')['counts']['outbox'], 0)
        self.assertEqual(broker.ask('adapters.list')['items'], [])  # it is gone, and nothing waits for it

    def test_on_a_terminal_it_is_text(self):
        broker = self.broker()
        self.echo(broker)
        out = self.on_terminal(broker, 'send', 'hello')
        self.assertTrue(out.startswith('hello\n'), out)
        self.assertIn('not investment advice', out)

    def test_what_is_no_text_is_not_sent_in_part(self):
        broker = self.broker()
        for text, words in (('a\0b', 'there is a NUL'), ('\n', 'the text is empty'), ('', 'the text is empty')):
            self.assertIn(words, self.palaver(broker, 'send', '-', stdin=text, code=USAGE).err)
        folder = os.open('/', os.O_RDONLY)
        self.addCleanup(os.close, folder)
        done = self.palaver(broker, 'send', '-', before=lambda: os.dup2(folder, 0), code=USAGE)
        self.assertIn('Is a directory', done.err)
        self.assertEqual(broker.metric('events_accepted'), 0)

    def test_stdin_and_platform(self):
        broker = self.broker()
        self.echo(broker)
        row, = self.palaver(broker, 'send', '-', '--platform', 'web', '--user', 'u', stdin='two\nlines\n').rows
        self.assertEqual((row['body']['response_text'], row['session_id'], row['platform']),
                         ('two\nlines', 'web_u', 'web'))

    def test_one_conversation(self):
        broker = self.broker()
        self.echo(broker)
        for text in ('one', 'two'):
            self.palaver(broker, 'send', text, '-s', 'cli_x')
        self.assertEqual([turn['text'] for turn in broker.session('cli_x')['history']], ['one', 'one', 'two', 'two'])

    def test_nothing_to_say(self):
        for text in ('', b'a\xff'.decode(errors='surrogateescape')):
            self.palaver(None, 'send', text, code=USAGE)

    def test_an_answer_that_nobody_waited_for_comes_with_the_next(self):
        broker = self.broker()
        done = self.palaver(broker, 'send', 'first', '--timeout', '0.5', '-s', 'cli_1', code=PARTLY)
        self.assertRegex(done.err, 'kept as ' + UUID.pattern)
        self.echo(broker)
        wait(lambda: broker.ask('status')['counts']['outbox'] == 1, 'the answer waits')
        done = self.palaver(broker, 'send', 'second', '-s', 'cli_2')
        self.assertEqual([row['body']['response_text'] for row in done.rows], ['second'])
        self.assertIn('an answer to an earlier message was waiting: first', done.err)
        wait(lambda: broker.ask('status')['counts']['outbox'] == 0, 'both are delivered')

    def test_several_at_a_time(self):
        broker = self.broker()
        calls = [self.call(broker, 'send', f'text {i}', '-s', f'cli_{i}') for i in range(5)]
        wait(lambda: broker.ask('status')['counts']['adapters'] == 5, 'all have their own name')
        self.assertEqual({one['name'] for one in broker.ask('adapters.list')['items']},
                         {'cli', 'cli-2', 'cli-3', 'cli-4', 'cli-5'})
        self.echo(broker)
        for i, call in enumerate(calls):
            self.assertEqual(call.wait().rows[0]['body']['response_text'], f'text {i}')

    def test_a_name_that_is_taken(self):
        broker = self.broker()
        broker.adapter('cli')
        self.echo(broker)
        self.palaver(broker, 'send', 'hello')
        done = self.palaver(broker, 'send', 'hello', '--adapter', 'cli', code=PARTLY)
        self.assertIn('cli', done.err)

    def test_a_message_that_is_refused(self):
        broker = self.broker()
        row, = self.palaver(broker, 'send', '<script>x</script>').rows
        self.assertEqual(row['body']['metadata']['fallback'], 'rejected')
        done = self.palaver(broker, 'send', 'x', '-u', 'u' * 300, '-s', 'x', code=PARTLY)
        self.assertIn('user_id has 300 bytes', done.err)

    def test_the_broker_is_killed_and_comes_back_in_the_middle(self):
        broker = self.broker()
        call = self.call(broker, 'send', 'hello', '-s', 'cli_1')
        wait(lambda: broker.ask('sessions.list')['items'], 'it is stored')
        broker.restart(crash=True)
        self.echo(broker)
        done = call.wait()
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(done.rows[0]['body']['response_text'], 'hello')
        self.assertEqual(len(broker.session('cli_1')['history']), 2)

    def test_busy_is_waited_out(self):
        broker = self.broker({'limits.pending': 1})
        worker = broker.worker()
        first = self.call(broker, 'send', 'one', '-s', 'cli_1')
        job = worker.job()
        second = self.call(broker, 'send', 'two', '-s', 'cli_2')
        wait(lambda: broker.metric('events_busy') >= 1, 'the second is told to wait')
        worker.reply(job['lease'], 'first answer')
        job = worker.job()
        worker.reply(job['lease'], 'second answer')
        self.assertEqual(first.wait().rows[0]['body']['response_text'], 'first answer')
        self.assertEqual(second.wait().rows[0]['body']['response_text'], 'second answer')

    def test_ctrl_c(self):
        broker = self.broker()
        call = self.call(broker, 'send', 'hello')
        wait(lambda: broker.ask('sessions.list')['items'], 'it is stored')
        call.process.send_signal(signal.SIGINT)
        self.assertEqual(call.wait().code, -signal.SIGINT)


if __name__ == '__main__':
    unittest.main()
