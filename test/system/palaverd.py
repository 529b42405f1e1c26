"""A broker as a process, for system tests: started with a conf, watched through its log, stopped or killed.

    class Some(BrokerTest):
        def test_it(self):
            broker = self.broker({'agents.attempts': 2})
            adapter, worker = broker.adapter(), broker.worker()

Nothing here sleeps for luck: every wait is for a condition and has a deadline, and while it lasts the peers of the
test go on with their heartbeats. At the end of a test its broker must stop in order, with exit code 0.
"""

import json
import os
import pwd
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import wireclient
from patience import BUILD, PATIENCE, SECONDS, VARIANT

__all__ = ['BUILD', 'NOBODY', 'PATIENCE', 'PROGRAM', 'QUICK', 'SECONDS', 'VARIANT', 'Broker', 'BrokerTest', 'World',
           'become_nobody', 'conf_text', 'conf_value', 'is_root', 'limit_address_space', 'limit_file_size',
           'limit_files', 'limit_processes', 'route', 'wait']
PROGRAM = os.path.join(BUILD, 'bin', 'palaverd')
NOBODY = pwd.getpwnam('nobody')
# Between two looks: soon again at first, seldom while much is being waited for at once on this machine.
LOOK_S, LOOK_MAX_S = 0.002, 0.05
# Shorter than agents.timeout_ms at its most.
STEP_S = 500

CONF = {
    'agents.heartbeat_ms': 200, 'agents.timeout_ms': 60000, 'agents.backoff_ms': 20, 'agents.backoff_max_ms': 50,
    'delivery.backoff_ms': 20, 'delivery.backoff_max_ms': 50, 'rate_limit.on': False, 'run.drain_s': 0,
    'log.level': 'debug', 'log.format': 'json',
}
# Where it is of interest that somebody is gone: as soon as one that beats can bear on a busy machine. Elsewhere a peer
# of the test may be busy with something else for a while, and is not taken for dead.
QUICK = {'agents.timeout_ms': 1200 * PATIENCE, 'agents.heartbeat_ms': 150}


def conf_value(value):
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, dict):
        return '{ ' + ' '.join(f'{key} = {conf_value(one)};' for key, one in value.items()) + ' }'
    if isinstance(value, (list, tuple)):
        return '( ' + ', '.join(conf_value(one) for one in value) + ' )'
    return json.dumps(value, ensure_ascii=False)


def conf_text(keys):
    """libconfig's text for {'group.key': value, 'routes': [{...}]}."""
    groups = {}
    for path, value in keys.items():
        group, _, key = path.partition('.')
        if key:
            groups.setdefault(group, {})[key] = value
        else:
            groups[group] = value
    return ''.join(f'{group} = {conf_value(value)};\n' for group, value in groups.items())


def route(name='default', service='advisor', **keys):
    return {'name': name, 'service': service, **keys}


def wait(condition, what, seconds=SECONDS):
    """What `condition` returns as soon as that is true."""
    until, pause = time.monotonic() + seconds, LOOK_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f'not within {seconds} s: {what}')
        wireclient.beat()
        time.sleep(pause)
        pause = min(1.5 * pause, LOOK_MAX_S)


class World:
    """What world.so makes the broker see: see world_preload.c."""

    def __init__(self, folder):
        self.path = f'{folder}/world'
        self.set()

    def set(self, clock_s=0, sync_s=0.0, sync_errno=0, passed_s=0):
        self.passed_s = passed_s
        told = struct.pack('=4q', int(clock_s * 1e6), int(sync_s * 1e6), sync_errno, int(passed_s * 1e6))
        with open(self.path, 'r+b' if os.path.exists(self.path) else 'w+b') as file:
            file.write(told)

    def env(self):
        asan = os.environ.get('ASAN_OPTIONS', '')
        return {'LD_PRELOAD': os.path.join(BUILD, 'test/system/world.so'), 'PALAVER_WORLD': self.path,
                'ASAN_OPTIONS': f'{asan}:verify_asan_link_order=0'}


class Broker:
    def __init__(self, folder, conf=None, data=None, run=None, env=None, preexec=None, options=()):
        self.folder, self.program = folder, PROGRAM
        self.data, self.run = data or f'{folder}/data', run or f'{folder}/run'
        self.file = f'{folder}/palaver.conf'
        self.conf = {**CONF, **(conf or {})}
        self.env, self.preexec, self.options = {**os.environ, **(env or {})}, preexec, list(options)
        self.process, self.lines, self.raw, self.reader = None, [], [], None
        self.hearing, self.stream, self.rest = threading.Lock(), None, b''
        self.peers, self.asker = [], None
        self.write_conf()

    def write_conf(self, changes=None):
        self.conf.update(changes or {})
        with open(f'{self.file}.new', 'w', encoding='utf-8') as file:
            file.write(conf_text(self.conf))
        os.replace(f'{self.file}.new', self.file)

    # ---------------------------------------------------------------- the process

    def launch(self):
        """Starts it, without a word about success."""
        command = [self.program, '--conf', self.file, '--data', self.data, '--run', self.run, *self.options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=self.env, preexec_fn=self.preexec)
        self.lines, self.raw = [], []
        self.rest, self.stream = b'', self.process.stderr
        os.set_blocking(self.stream.fileno(), False)
        self.reader = threading.Thread(target=self.read, args=(self.stream,), daemon=True)
        self.reader.start()
        return self

    def start(self):
        self.launch()
        try:
            self.wait_log('broker.ready')
        except AssertionError:
            self.kill()
            raise
        return self

    def read(self, stream):
        look = select.poll()
        look.register(stream, select.POLLIN)
        while self.stream is stream:
            look.poll()
            self.hear()
        stream.close()

    def hear(self):
        """Takes the log as far as it is written. A frame that a test has got comes behind the log lines of what led to
        it: who asks for them does not wait for the thread."""
        with self.hearing:
            try:
                while self.stream and (piece := os.read(self.stream.fileno(), 1 << 16)):
                    *whole, self.rest = (self.rest + piece).split(b'\n')
                    self.note(whole)
                if self.stream:
                    self.note([self.rest] if self.rest else [])
                    self.stream = None
            except BlockingIOError:
                pass

    def note(self, lines):
        for raw in lines:
            text = raw.decode(errors='replace')
            self.raw.append(text)
            try:
                self.lines.append(json.loads(text))
            except ValueError:
                continue

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: what a crash leaves behind."""
        if self.running():
            self.process.kill()
        if self.process:
            self.process.wait()
            self.reader.join(SECONDS)
        self.forget_peers()

    def forget_peers(self):
        """Nobody beats into a socket that is gone."""
        self.asker = None
        for peer in self.peers:
            peer.ready = False

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, seconds=3 * SECONDS):
        wait(lambda: not self.running(), 'the broker ends\n' + self.tail(), seconds)
        self.reader.join(SECONDS)
        self.forget_peers()
        return self.process.returncode

    def stop(self):
        """SIGTERM, and its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait_exit()

    def restart(self, crash=False):
        if crash:
            self.kill()
        else:
            code = self.stop()
            assert code == 0, f'exit code {code}\n{self.tail()}'
        return self.start()

    def close(self):
        """The end of a test: its peers leave, and the broker has to stop in order."""
        try:
            if self.running():
                code = self.stop()
                assert code == 0, f'the broker ended with {code}\n{self.tail()}'
        finally:
            self.kill()
            for peer in self.peers:
                peer.close()

    def tail(self, lines=90):
        return '\n'.join(self.raw[-lines:])

    # ---------------------------------------------------------------- what it says

    def logged(self, log_id, after=0, **fields):
        """The log lines of this id with these fields, from line number `after` on."""
        self.hear()
        return [line for line in self.lines[after:] if line.get('id') == log_id
                and all(line.get(key) == value for key, value in fields.items())]

    def wait_log(self, log_id, seconds=SECONDS, after=0, **fields):
        def look():
            found = self.logged(log_id, after, **fields)
            if not found and not self.running():
                self.reader.join(SECONDS)
                found = self.logged(log_id, after, **fields)
                assert found, f'the broker ended with {self.process.returncode} before {log_id}\n{self.tail()}'
            return found
        return wait(look, f'log line {log_id} {fields}', seconds)[0]

    def mark(self):
        self.hear()
        return len(self.lines)

    def ask(self, command, **arguments):
        """The body of a control command that succeeds."""
        status, body = self.try_ask(command, **arguments)
        assert status == 'ok', (command, status, body)
        return body

    def try_ask(self, command, **arguments):
        if self.asker is None:
            self.asker = self.tool()
        return self.asker.ask(command, seconds=SECONDS, **arguments)

    def metrics(self):
        """{'name{labels}': number} without the prefix palaver_ and the suffix _total."""
        found = {}
        for line in self.ask('metrics')['text'].splitlines():
            match = re.match(r'palaver_(\w+?)(_total)?(\{.*\})? (\S+)$', line)
            if match and not line.startswith('#'):
                found[match[1] + (match[3] or '')] = float(match[4])
        return found

    def metric(self, name):
        return self.metrics()[name]

    def wait_metric(self, name, value, seconds=SECONDS):
        return wait(lambda: self.metric(name) == value, f'metric {name} is {value}', seconds)

    def dead(self):
        return self.ask('dead.list')['items']

    def letter(self, number=None):
        """One dead letter whole: this one, or the only one."""
        if number is None:
            items = wait(self.dead, 'a dead letter')
            assert len(items) == 1, items
            number = items[0]['number']
        return self.ask('dead.show', number=number)['items'][0]

    def session(self, name):
        return self.ask('sessions.show', session=name)

    def rss_mb(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return int(re.search(r'VmRSS:\s+(\d+)', file.read())[1]) / 1024

    # ---------------------------------------------------------------- its peers

    def keep(self, peer):
        self.peers.append(peer)
        return peer

    def adapter(self, name='web', **options):
        return self.keep(wireclient.Adapter(f'{self.run}/adapters.ipc', name, **options))

    def worker(self, name='worker', **options):
        return self.keep(wireclient.Worker(f'{self.run}/agents.ipc', name, **options))

    def tool(self):
        return self.keep(wireclient.Tool(f'{self.run}/control.ipc'))

    def peer(self, socket, **options):
        return self.keep(wireclient.Peer(f'{self.run}/{socket}.ipc', **options))


class BrokerTest(unittest.TestCase):
    def folder(self):
        folder = tempfile.mkdtemp(prefix='s')
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def for_nobody(self, *programs):
        """Copies that another user may run, and the path of the first: what was built may lie in a private home."""
        folder = tempfile.mkdtemp(dir='/tmp')
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        return [shutil.copy(program, folder) for program in programs][0]

    def broker(self, conf=None, start=True, **options):
        broker = Broker(self.folder(), conf, **options)
        self.addCleanup(broker.close)
        return broker.start() if start else broker

    def refused(self, broker, *words):
        """The broker does not start, and says why in a line with these words; that line."""
        broker.launch()
        code = broker.wait_exit()
        text = broker.tail()
        self.assertEqual(code, 1, text)
        for word in words:
            self.assertIn(word, text)
        return text

    def round_trip(self, adapter, worker, text, answer='an answer', session='1', **options):
        """One message, its job, its answer, delivered; (job, body of the answer)."""
        adapter.publish(text, session=session, **options)
        adapter.expect('STORED')
        job = worker.job()
        worker.reply(job['lease'], answer)
        worker.expect('COMMITTED')
        return job, self.deliver(adapter)

    def let_pass(self, world, seconds, *peers):
        """As if so much time had gone by, in steps in which no peer is silent for too long."""
        until_s = world.passed_s + seconds
        while world.passed_s < until_s:
            world.set(passed_s=min(world.passed_s + STEP_S, until_s))
            for peer in peers:
                peer.ping()
                wait(peer.heard, 'a sign of life')

    def deliver(self, adapter, seconds=None):
        """Takes one delivery and says that it was sent; its body."""
        delivery = adapter.delivery(seconds)
        adapter.delivered(delivery['delivery'])
        adapter.expect('SETTLED')
        return delivery['body']


def is_root():
    return os.geteuid() == 0


def become(user, group):
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)


def become_nobody():
    """For preexec."""
    become(NOBODY.pw_uid, NOBODY.pw_gid)


def limit_files(most):
    """For preexec: it may have so many open."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def limit_address_space(megabytes):
    """For preexec."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


def limit_processes(user, most):
    """For preexec: it belongs to `user`, who may have so many processes and threads."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
        become(user, user)
    return limit


def limit_file_size(size):
    """For preexec: writes beyond this fail, as on a full disk."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit
