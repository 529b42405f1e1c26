#!/usr/bin/python3
"""palaver top: it lives, it fits, and it leaves the terminal as it was."""

import fcntl
import os
import re
import signal
import struct
import termios
import unittest

from cli import SECONDS, UNREACHABLE, USAGE, CliTest, wait

ENTER, LEAVE = '\033[?1049h', '\033[?1049l'


class Top(CliTest):
    def begin(self, broker, columns=80, rows=24, env=None):
        terminal = self.terminal(broker, 'top', columns=columns, env=env)
        self.resize(terminal, columns, rows)
        terminal.read_until('q: quit')
        return terminal

    def resize(self, terminal, columns, rows):
        fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack('4H', rows, columns, 0, 0))
        terminal.process.send_signal(signal.SIGWINCH)

    def pictures(self, terminal):
        """Each picture as lines, without what only colours and cursors mean."""
        return [re.sub(r'\033\[[0-9;?]*[A-Za-z]', '', one).split('\n') for one in terminal.output.split('\033[H')[1:]]

    def lasts(self, terminal):
        return termios.tcgetattr(terminal.fd)[3]

    def test_it_shows_what_there_is_and_ends_with_q(self):
        broker = self.broker()
        adapter, worker = broker.adapter('shop'), broker.worker('expert')
        terminal = self.begin(broker)
        for i in range(5):
            self.round_trip(adapter, worker, f'hello {i}')
        for words in ('p50/p99', 'accepted', 'shop', 'expert', 'default', 'routes', 'agents'):
            terminal.read_until(words)
        terminal.type('q')
        done = terminal.wait()
        self.assertEqual(done.code, 0, done.out)
        self.assertIn(ENTER, done.out)
        self.assertTrue(done.out.rstrip().endswith(LEAVE), done.out[-40:])

    def test_more_workers_than_a_page_of_the_broker_has(self):
        class Pages(dict):
            def get(self, command, default):
                self[command].append(self[command].pop(0))
                return self[command][-1]

        worker = {'name': 'crowd', 'state': 'ready', 'held': 0}
        fake = self.fake(Pages({
            'metrics': [('ok', {'text': ''})], 'status': [('ok', {'version': '1', 'state': 'running', 'routes': []})],
            'adapters.list': [('ok', {'items': [], 'next': None})],
            'agents.list': [('ok', {'items': [worker] * 1000, 'next': 1000}),
                            ('ok', {'items': [worker], 'next': None})]}))
        terminal = self.terminal(fake, 'top', columns=80)

        def look():
            fake.turn(0.05)
            terminal.read()
            return 'q: quit' in terminal.output
        wait(look, 'the first picture')
        self.assertRegex(self.pictures(terminal)[0][7], r'^agents +1001')
        terminal.type('q')
        wait(lambda: fake.turn(0.05) or terminal.read(), 'it ends')

    def test_no_line_is_wider_and_no_picture_higher_than_the_terminal(self):
        broker = self.broker()
        for i in range(30):
            broker.adapter(f'adapter-with-a-long-name-{i}')
        for env in ({'NO_COLOR': '1'}, {}):
            terminal = self.begin(broker, env=env)
            terminal.type('\033[B\033[6~')
            self.resize(terminal, 40, 10)
            count = len(self.pictures(terminal))
            wait(lambda on=terminal, least=count + 3: on.read() or len(self.pictures(on)) >= least,
                 'some more pictures')
            terminal.type('q')
            terminal.wait()
            self.assertEqual('\033[1m' in terminal.output, not env)
            for lines in self.pictures(terminal)[-2:-1]:
                self.assertLessEqual(len(lines), 10, lines)
                for line in lines:
                    self.assertLessEqual(len(line.rstrip('\r')), 40, line)

    def test_signals_give_the_terminal_back(self):
        broker = self.broker()
        for number in (signal.SIGINT, signal.SIGTERM):
            terminal = self.terminal(broker, 'top')
            before = self.lasts(terminal) | termios.ECHO | termios.ICANON
            terminal.read_until('q: quit')
            self.assertFalse(self.lasts(terminal) & termios.ECHO)
            terminal.process.send_signal(number)
            terminal.read_until(LEAVE)
            terminal.process.wait(10)
            self.assertEqual(self.lasts(terminal), before)
            self.assertEqual(terminal.process.returncode, 0)

    def test_it_can_be_suspended(self):
        broker = self.broker()
        terminal = self.terminal(broker, 'top', job=True)
        before = self.lasts(terminal) | termios.ECHO | termios.ICANON
        terminal.read_until('q: quit')
        terminal.process.send_signal(signal.SIGTSTP)
        stopped = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        wait(lambda: terminal.read() or os.waitid(os.P_PID, terminal.process.pid, stopped),
             'it is suspended')
        terminal.read_until(LEAVE)
        self.assertEqual(self.lasts(terminal), before)
        terminal.output = ''
        terminal.process.send_signal(signal.SIGCONT)
        terminal.read_until(ENTER)
        terminal.read_until('q: quit')
        self.assertFalse(self.lasts(terminal) & termios.ECHO)
        terminal.type('q')
        self.assertEqual(terminal.wait().code, 0)
        self.assertTrue(terminal.output.rstrip().endswith(LEAVE), terminal.output[-40:])

    def test_a_broker_that_goes_away(self):
        broker = self.broker()
        terminal = self.begin(broker)
        broker.kill()
        terminal.read_until(LEAVE)
        done = terminal.wait()
        self.assertEqual(done.code, UNREACHABLE)
        # What the other screen shows is gone with it.
        self.assertIn('palaver: ', done.out.split(LEAVE)[1])

    def test_it_ends_at_once_while_the_broker_does_not_answer(self):
        broker = self.broker({'agents.timeout_ms': 600000})
        for end in (lambda terminal: terminal.process.send_signal(signal.SIGINT),
                    lambda terminal: terminal.type('q')):
            terminal = self.terminal(broker, 'top', '--timeout', '600')
            before = self.lasts(terminal) | termios.ECHO | termios.ICANON
            terminal.read_until('q: quit')
            broker.signal(signal.SIGSTOP)
            self.addCleanup(broker.signal, signal.SIGCONT)
            count = len(self.pictures(terminal))
            # The pause between two pictures is over when there is no more of them.
            self.assertRaises(AssertionError, wait, lambda: terminal.read() or len(self.pictures(terminal)) > count,
                              'a picture', 1.5)
            end(terminal)
            terminal.read_until(LEAVE)
            terminal.process.wait(SECONDS)
            broker.signal(signal.SIGCONT)
            self.assertEqual(self.lasts(terminal), before)
            self.assertEqual(terminal.process.returncode, 0)

    def test_it_needs_a_terminal(self):
        broker = self.broker()
        self.assertIn('needs a terminal', self.palaver(broker, 'top', code=USAGE).err)
        self.assertIn('not a dumb one', self.on_terminal(broker, 'top', env={'TERM': 'dumb'}, code=USAGE))


if __name__ == '__main__':
    unittest.main()
