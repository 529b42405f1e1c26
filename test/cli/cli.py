"""The tool `palaver` as a process, for tests: off a terminal, or on one of its own.

While it runs, the peers of the test go on with their heartbeats (see test/system/palaverd.py).
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios

for name in ('host', 'system'):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name))

import fake_broker  # noqa: E402
from palaverd import (BUILD, PATIENCE, PROGRAM, QUICK, SECONDS, BrokerTest, World, become_nobody,  # noqa: E402
                      route, wait)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PALAVER = os.path.join(BUILD, 'bin', 'palaver')
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}')
TIME = re.compile(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z')
OK, PARTLY, USAGE, NOTHING, UNREACHABLE = range(5)


@dataclasses.dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def rows(self):
        """Each line of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


class Call:
    """One call that runs; its stdin is empty, its output goes into files."""

    def __init__(self, arguments, env, stdin=None, before=None):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.stdin = tempfile.TemporaryFile()
        self.stdin.write((stdin or '').encode())
        self.stdin.seek(0)
        self.process = subprocess.Popen([PALAVER, *arguments], stdin=self.stdin, stdout=self.out, stderr=self.err,
                                        env=env, preexec_fn=before)

    def writes_into(self, folder):
        """Whether it has a file of this folder open, with a name or without one."""
        files = f'/proc/{self.process.pid}/fd'
        with contextlib.suppress(OSError):
            return any(os.readlink(f'{files}/{name}').startswith(f'{folder}/') for name in os.listdir(files))
        return False

    def running(self):
        return self.process.poll() is None

    def wait(self, seconds=3 * SECONDS):
        try:
            wait(lambda: not self.running(), 'palaver ends', seconds)
        except AssertionError:
            self.kill()
            raise
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode())
        for file in (self.out, self.err, self.stdin):
            file.close()
        return Done(self.process.returncode, *texts)

    def kill(self):
        """kill -9, and what it has said until then."""
        if self.running():
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for file in (self.out, self.err, self.stdin):
            file.close()


class Terminal:
    """One call on a terminal of its own, `columns` wide. `job`: it can be suspended, as by a shell."""

    def __init__(self, arguments, env, columns=200, job=False):
        self.fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('4H', 50, columns, 0, 0))
        self.process = subprocess.Popen([PALAVER, *arguments], stdin=inner, stdout=inner, stderr=inner, env=env,
                                        start_new_session=not job, process_group=0 if job else None)
        os.close(inner)
        self.output = ''

    def read(self):
        """True at the end."""
        if not select.select([self.fd], [], [], 0)[0]:
            return False
        try:
            self.output += os.read(self.fd, 65536).decode(errors='replace').replace('\r\n', '\n')
        except OSError:
            return True
        return False

    def read_until(self, text):
        def look():
            assert not self.read() or text in self.output, f'it ended before "{text}": {self.output}'
            return text in self.output
        wait(look, f'"{text}" on the terminal')

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self):
        wait(self.read, 'palaver ends')
        os.close(self.fd)
        return Done(self.process.wait(SECONDS), self.output, '')

    def kill(self):
        """What a test that failed leaves behind: a command that goes on for ever."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class CliTest(BrokerTest):
    maxDiff = None

    def environment(self, run, env):
        clean = {key: value for key, value in os.environ.items() if key not in ('NO_COLOR', 'PALAVER_RUN')}
        return {**clean, 'TERM': 'xterm', **({'PALAVER_RUN': run} if run else {}), **(env or {})}

    def call(self, broker, *arguments, env=None, stdin=None, before=None):
        """A call under way; `before` is called in its process first."""
        call = Call(arguments, self.environment(broker and broker.run, env), stdin, before)
        self.addCleanup(call.kill)
        return call

    def palaver(self, broker, *arguments, code=OK, **options):
        done = self.call(broker, *arguments, **options).wait()
        self.assertEqual(done.code, code, f'palaver {" ".join(arguments)}\n{done.out[:2000]}{done.err[-4000:]}')
        return done

    def terminal(self, broker, *arguments, env=None, **options):
        terminal = Terminal(arguments, self.environment(broker and broker.run, env), **options)
        self.addCleanup(terminal.kill)
        return terminal

    def on_terminal(self, broker, *arguments, code=OK, **options):
        done = self.terminal(broker, *arguments, **options).wait()
        self.assertEqual(done.code, code, done.out)
        return done.out

    def fake(self, results):
        """A broker that is none, and says to each command what stands in `results`: (status, body)."""
        fake = fake_broker.Broker(f'ipc://{self.folder()}/control.ipc')
        self.addCleanup(fake.end)
        fake.results, fake.run = results, os.path.dirname(fake.endpoint.removeprefix('ipc://'))
        return fake

    def served(self, fake, call):
        """How the call ends to which this one answers."""
        wait(lambda: fake.turn(0.05) or not call.running(), 'palaver ends')
        return call.wait()

    def echo(self, broker, *options):
        """A worker process that answers everything with its own text."""
        process = subprocess.Popen([os.path.join(BUILD, 'bin', 'palaver-echo'), '--services', 'advisor', *options],
                                   env={**os.environ, 'PALAVER_AGENTS': f'ipc://{broker.run}/agents.ipc'})

        def end():
            process.terminate()
            process.wait(SECONDS)
        self.addCleanup(end)
        wait(lambda: broker.ask('agents.list')['items'], 'the worker is there')
        return process

    def letters(self, broker, count=1, text='bad', sessions=10):
        """This many dead letters; the ids of their events, oldest first."""
        adapter, worker = broker.adapter(), broker.worker(credit=1000)
        ids = [adapter.publish(f'{text} {i}', session=str(i % sessions))[1] for i in range(count)]
        for _ in range(count):
            worker.nack(worker.job()['lease'], permanent=True, reason='no such fund')
        wait(lambda: broker.ask('status')['counts']['dead'] == count, f'{count} dead letters')
        worker.bye()
        adapter.bye()
        return ids


# Nobody is told, and no route is paused: only the dead letters are of interest.
SILENT = {'fallback.general_error': '', 'breaker.threshold': 1000000, 'limits.session_queue': 100000}
__all__ = ['BUILD', 'CliTest', 'NOTHING', 'OK', 'PALAVER', 'PARTLY', 'PATIENCE', 'QUICK', 'SECONDS', 'SILENT', 'TIME',
           'TOP', 'UNREACHABLE', 'USAGE', 'UUID', 'World', 'route', 'wait']
