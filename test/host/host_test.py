#!/usr/bin/python3
# RUN: timeout=180
"""palaver-adapter against a fake broker over a real ROUTER: the wire, and every way in which a plugin is bad."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
from fake_broker import Broker, deliver, frame  # noqa: E402
from cases import main  # noqa: E402
from compiled import compile_plugin  # noqa: E402
from patience import BUILD, SECONDS, VARIANT  # noqa: E402

HOST = os.environ.get('PALAVER_ADAPTER', os.path.join(BUILD, 'bin', 'palaver-adapter'))
PLUGINS = os.environ.get('PALAVER_PLUGINS', os.path.join(BUILD, 'plugins'))


class Place:
    """A folder of its own, a broker, and the hosts that a test starts."""

    def __init__(self, **broker):
        self.dir = tempfile.mkdtemp(prefix='host-')
        self.endpoint = f'ipc://{self.dir}/b.ipc'
        self.broker = Broker(self.endpoint, **broker)
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and os.path.exists(os.path.join(self.dir, 'log')):
            print(self.log()[-5000:])
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        self.broker.end()
        shutil.rmtree(self.dir, ignore_errors=True)

    def conf(self, text):
        path = os.path.join(self.dir, 'palaver.conf')
        with open(path, 'w') as out:
            out.write(text)
        return path

    def plugin(self, name, *flags, source='probe'):
        """The probe (or another source here), compiled with some flags, as NAME.so."""
        return compile_plugin(os.path.join(HERE, f'{source}_plugin.txt'), os.path.join(self.dir, name + '.so'), *flags)

    def start(self, plugin, *words, conf=None, environment=None, files=None):
        words = [HOST, '--plugin', plugin, '--broker', self.endpoint, *words]
        if conf:
            words += ['--conf', self.conf(conf)]

        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        child = subprocess.Popen(words, stderr=open(os.path.join(self.dir, 'log'), 'ab'), stdin=subprocess.DEVNULL,
                                 env={**os.environ, **(environment or {})}, preexec_fn=limit if files else None)
        self.children.append(child)
        return child

    def log(self):
        with open(os.path.join(self.dir, 'log')) as text:
            return text.read()

    def serve_until(self, condition, what):
        """The broker lives on until it is so."""
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, what
            self.broker.turn(0.05)

    def refused(self, plugin, code, words, **more):
        """It ends with this code, and one line that says why."""
        child = self.start(plugin, **more)
        got = child.wait(SECONDS)
        lines = [line for line in self.log().splitlines() if 'host.refused' in line]
        assert got == code, (got, self.log())
        assert len(lines) == 1 and words in lines[0], lines

    def loopback(self, **more):
        path = os.path.join(self.dir, 'l.sock')
        extra = ' '.join(f'{key} = {value};' for key, value in more.items())
        child = self.start(os.path.join(PLUGINS, 'loopback.so'),
                           conf=f'adapters = {{ loopback = {{ path = "{path}"; {extra} }}; }};')
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return child, Client(path)
            except OSError:
                assert time.monotonic() < deadline and child.poll() is None, self.log()
                time.sleep(0.01)


class Client:
    """A user of the loopback platform."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(SECONDS)
        self.lines = self.socket.makefile('r')

    def say(self, text, **more):
        message = {'conversation': 'c1', 'user_id': 'ann', 'message_text': text, **more}
        self.socket.sendall((json.dumps(message) + '\n').encode())

    def hear(self):
        return json.loads(self.lines.readline())


# ---------------------------------------------------------------------- the line to the broker

def hello_says_who_it_is():
    with Place() as place:
        place.start(place.plugin('probe'))
        role, name, build, pid, options = place.broker.expect('HELLO')
        assert (role, name, build, pid) == ('adapter', 'probe', '0.9', place.children[0].pid)
        assert options['platform'] == 'probe' and options['credit'] == 7 and options['deduplicates'] is True
        assert len(options['incarnation']) == 16 and options['holding'] == []


def publish_is_acknowledged_when_it_is_stored():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('hello', platform_id='m1')
        seq, envelope, body = place.broker.expect('PUBLISH')
        assert envelope['session_id'] == 'loopback_c1' and envelope['user_id'] == 'ann'
        assert envelope['platform'] == 'loopback' and envelope['platform_id'] == 'm1'
        assert envelope['type'] == 'chat.message' and len(envelope['id']) == 16 and envelope['id'][6] >> 4 == 7
        assert abs(envelope['timestamp'] / 1e6 - time.time()) < 60
        assert msgpack.unpackb(body) == {'message_text': 'hello'}
        client.socket.settimeout(0.2)
        try:
            early = client.socket.recv(100)
        except TimeoutError:
            early = b''
        assert early == b'', early
        client.socket.settimeout(SECONDS)
        place.broker.send(frame('STORED', [seq]))
        assert client.hear()['taken'] == 'stored'


def busy_and_rejected_reach_the_plugin():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('one')
        place.broker.send(frame('BUSY', place.broker.expect('PUBLISH')[0], 700, 'too much'))
        said = client.hear()
        assert (said['taken'], said['why']) == ('busy', 'too much')
        client.say('two')
        place.broker.send(frame('REJECTED', place.broker.expect('PUBLISH')[0], 'RANGE', 'no'))
        assert client.hear()['taken'] == 'rejected'


def what_is_malformed_never_leaves_the_host():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        for wrong, word in [({'conversation': ''}, 'conversation'), ({'user_id': ''}, 'user_id'),
                            ({'conversation': 'x' * 300}, 'session_id')]:
            client.say('hello', **wrong)
            said = client.hear()
            assert said['taken'] == 'rejected' and word in said['why'], said
        assert not [verb for verb, _ in place.broker.quiet(0.3) if verb == 'PUBLISH']


def frames_of_a_turn_share_a_packet():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        place.broker.reach()
        lines = ''.join(json.dumps({'conversation': 'c', 'user_id': 'u', 'message_text': str(at)}) + '\n'
                        for at in range(100))
        client.socket.sendall(lines.encode())
        for at in range(100):
            place.broker.expect('PUBLISH', lambda arguments, at=at: msgpack.unpackb(arguments[2])['message_text']
                                == str(at))
        packets = [packet for packet in place.broker.packets if packet[0][0] == 'PUBLISH']
        assert len(packets) <= 10, len(packets)


def unanswered_events_are_published_again_after_a_restart():
    with Place() as place:
        _, client = place.loopback()
        first = place.broker.expect('HELLO')
        for at in range(5):
            client.say(str(at), platform_id=f'm{at}')
        seqs = {}
        for _ in range(5):
            seq, envelope, _ = place.broker.expect('PUBLISH')
            seqs[envelope['platform_id']] = (seq, envelope['id'])
        place.broker.send(frame('STORED', [seqs['m1'][0]]))
        assert client.hear()['taken'] == 'stored'
        place.broker.restart()
        again = place.broker.expect('HELLO')
        assert again[4]['incarnation'] == first[4]['incarnation'] and again[3] == first[3]
        order = []
        for _ in range(4):
            seq, envelope, _ = place.broker.expect('PUBLISH')
            order.append(envelope['platform_id'])
            assert seqs[envelope['platform_id']] == (seq, envelope['id'])
        assert order == ['m0', 'm2', 'm3', 'm4'], order
        place.broker.send(frame('STORED', [seq for seq, _ in seqs.values()]))
        assert [client.hear()['taken'] for _ in range(4)] == ['stored'] * 4
        assert not [verb for verb, _ in place.broker.quiet(0.5) if verb == 'PUBLISH']


def events_wait_for_a_broker_that_is_not_there_yet():
    with Place() as place:
        place.broker.close()
        _, client = place.loopback(kept_max=3)
        for at in range(5):
            client.say(str(at))
        assert [client.hear()['taken'] for _ in range(2)] == ['busy'] * 2
        place.broker.restart()
        place.broker.expect('HELLO')
        seqs = [place.broker.expect('PUBLISH')[0] for _ in range(3)]
        place.broker.send(frame('STORED', seqs))
        assert [client.hear()['taken'] for _ in range(3)] == ['stored'] * 3


def who_is_answered_with_one_hello():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('hello')
        seq = place.broker.expect('PUBLISH')[0]
        place.broker.send(frame('WHO'), frame('WHO'), frame('WHO'))
        came = place.broker.quiet(0.5)
        assert [verb for verb, _ in came].count('HELLO') == 1, came
        assert [arguments[0] for verb, arguments in came if verb == 'PUBLISH'] == [seq]


def every_part_of_an_answer_reaches_the_plugin():
    with Place() as place:
        place.broker.results['sessions.show'] = ('ok', {'part': 1}, {'part': 2}, {'part': 3})
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'ask'))
        place.serve_until(lambda: 'more=0' in place.log(), 'the last part')
        told = [line.split('told ')[1][:22] for line in place.log().splitlines() if 'told ' in line]
        assert [line.split()[1] for line in told] == ['more=1', 'more=1', 'more=0'], told


def it_is_heard_from_at_every_heartbeat():
    with Place(heartbeat_ms=100) as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        heard = [time.monotonic()]
        for _ in range(10):
            place.broker.expect('PING')
            heard.append(time.monotonic())
        waits = sorted(after - before for before, after in zip(heard, heard[1:]))
        assert waits[len(waits) // 2] < 0.1, waits  # a busy machine delays one or another, not most of them
        place.broker.send(frame('PING'))
        place.broker.expect('PONG')


def a_silent_broker_is_left_for_a_new_connection():
    with Place(heartbeat_ms=50, timeout_ms=300) as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        peer = place.broker.peer
        place.broker.pongs = False
        place.broker.expect('HELLO')
        assert place.broker.peer != peer


def it_waits_for_its_name_and_gives_up_on_other_errors():
    with Place() as place:
        place.broker.welcomes = False
        child = place.start(place.plugin('probe'))
        for _ in range(3):
            place.broker.expect('HELLO')
            place.broker.send(frame('ERROR', 'NAME_IN_USE', 'another one is there', 'HELLO'))
        place.broker.expect('HELLO')
        place.broker.send(frame('ERROR', 'AUTH', 'you are not let in', 'HELLO'))
        assert child.wait(SECONDS) == 76
        assert 'you are not let in' in place.log()


def a_broker_of_another_version_is_named():
    with Place() as place:
        place.broker.welcomes = False
        child = place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        place.broker.socket.send_multipart([place.broker.peer, b'PV\x02\x00' + frame('WHO')])
        assert child.wait(SECONDS) == 76
        assert 'upgrade' in place.log(), place.log()


# ---------------------------------------------------------------------- deliveries

def four_outcomes():
    with Place() as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        expected = {1: ['sent', 'platform-1', None, None], 2: ['not_sent', None, 1500, 'slow down'],
                    3: ['refused', None, None, 'blocked by the user'], 4: ['unknown', None, None, 'the line went dead']}
        for number, outcome in expected.items():
            place.broker.send(deliver(number, outcome[0]))
            assert place.broker.expect('DELIVERED') == [number, *outcome]
        place.broker.send(frame('SETTLED', [1, 2, 3, 4]))
        assert not [verb for verb, _ in place.broker.quiet(0.3) if verb == 'DELIVERED']


def a_delivery_is_finished_once():
    with Place() as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'twice'))
        assert place.broker.expect('DELIVERED')[:3] == [1, 'sent', 'first']
        assert not [verb for verb, _ in place.broker.quiet(0.3) if verb == 'DELIVERED']
        place.broker.send(deliver(1, 'twice'))  # the same delivery again: the same answer
        assert place.broker.expect('DELIVERED')[:3] == [1, 'sent', 'first']


def a_reply_in_hand_takes_its_new_number():
    with Place() as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        held, refused = os.urandom(16), os.urandom(16)
        place.broker.send(deliver(1, 'hold', reply=held), deliver(2, 'refused', reply=refused))
        place.broker.expect('DELIVERED')
        place.broker.send(deliver(3, 'hold', reply=held), deliver(4, 'sent', reply=refused))
        assert place.broker.expect('DELIVERED')[:2] == [4, 'refused']  # its outcome, not a second try
        place.broker.restart()
        assert sorted(place.broker.expect('HELLO')[4]['holding']) == [3, 4]


def a_reply_that_was_sent_is_not_sent_again():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('hello')
        seq, envelope, _ = place.broker.expect('PUBLISH')
        place.broker.send(frame('STORED', [seq]))
        client.hear()
        reply = os.urandom(16)
        for number in (1, 2, 3):  # the third after its predecessors are settled
            place.broker.send(deliver(number, 'once', session='loopback_c1', reply_to=envelope['id'], reply=reply))
            got = place.broker.expect('DELIVERED')
            assert got[:2] == [number, 'sent'], got
            platform_id = got[2] if number == 1 else platform_id
            assert got[2] == platform_id and platform_id
            if number == 2:
                place.broker.send(frame('SETTLED', [1, 2]))
        place.broker.send(deliver(4, 'another', session='loopback_c1', reply_to=envelope['id']))
        assert [client.hear()['response_text'] for _ in range(2)] == ['once', 'another']


def it_logs_as_it_is_told():
    with Place() as place:
        place.start(place.plugin('probe'), '--log-format', 'text', '--log-level', 'warn')
        place.broker.expect('HELLO')
        place.broker.quiet(0.1)
        assert place.log() == '', place.log()
    with Place() as place:
        place.start(place.plugin('probe'), '--log-format', 'text')
        place.broker.expect('HELLO')
        assert 'host.open' in place.log() and '{"time"' not in place.log(), place.log()
    with Place() as place:
        assert place.start(place.plugin('probe'), '--log-format', 'yaml').wait(SECONDS) == 64


def unsettled_outcomes_are_repeated_and_held_ones_are_named():
    with Place() as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'sent'), deliver(2, 'hold'), deliver(3, 'refused'))
        assert {place.broker.expect('DELIVERED')[0] for _ in range(2)} == {1, 3}
        place.broker.send(frame('SETTLED', [3]))
        place.broker.reach()
        place.broker.restart()
        assert sorted(place.broker.expect('HELLO')[4]['holding']) == [1, 2]
        assert place.broker.expect('DELIVERED')[:2] == [1, 'sent']
        assert not [verb for verb, _ in place.broker.quiet(0.3) if verb == 'DELIVERED']


def a_reply_reaches_the_plugin_whole():
    with Place() as place:
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        body = {'response_text': 'echo', 'recommendations': [{'name': 'ä"\n', 'risk': 0.1}], 'confidence': 0.9,
                'sources': ['a'], 'big': 2**63, 'small': -5, 'none': None, 'raw': b'\x00\xff', 'yes': True}
        place.broker.send(deliver(1, **{'text': 'echo', **{key: value for key, value in body.items()
                                                          if key != 'response_text'}}))
        number, outcome, text, _, _ = place.broker.expect('DELIVERED')
        # A platform id is at most 255 bytes: what is longer is cut.
        assert outcome == 'sent' and len(text) <= 255
        assert text.startswith('{"response_text":"echo","recommendations":[{"name":"ä\\"\\n","risk":0.1}]'), text
        assert '"confidence":0.9,' in text and '"big":9223372036854775808,"small":-5,"none":null' in text, text
        assert '"raw":"AP8=","yes":true' in text, text


def an_answer_comes_back_to_the_client():
    with Place() as place:
        _, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('hello')
        seq, envelope, _ = place.broker.expect('PUBLISH')
        place.broker.send(frame('STORED', [seq]),
                          deliver(9, 'hi ann', session='loopback_c1', reply_to=envelope['id'], confidence=0.5))
        taken, answer = client.hear(), client.hear()
        assert answer['response_text'] == 'hi ann' and answer['confidence'] == 0.5
        assert answer['reply_to'] == taken['id'] and answer['conversation'] == 'c1'
        assert place.broker.expect('DELIVERED')[:2] == [9, 'sent']
        place.broker.send(deliver(10, 'for nobody', session='loopback_elsewhere'))
        assert place.broker.expect('DELIVERED')[:2] == [10, 'not_sent']


def a_hello_that_nobody_answers_is_said_again_on_another_connection():
    with Place() as place:
        place.broker.welcomes = False
        place.start(place.plugin('probe'))
        place.broker.expect('HELLO')
        first, begun = place.broker.peer, time.monotonic()
        place.broker.expect('HELLO')
        assert place.broker.peer != first and time.monotonic() - begun > 0.8
        place.broker.expect('HELLO')
        assert time.monotonic() - begun > 2.5  # the patience grows
        place.broker.welcomes = True
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'sent'))
        place.broker.expect('DELIVERED')


# ---------------------------------------------------------------------- what a broker leaves behind that dies

def supervised(place, plugin, *words):
    """A host as a supervisor starts it, and what it reads of it; closed, the host takes it for dead."""
    read, write = os.pipe()
    own = os.path.join(place.dir, 'own')
    os.makedirs(own, exist_ok=True)
    child = subprocess.Popen([HOST, '--plugin', plugin, '--broker', place.endpoint, '--dir', own, '--status-fd',
                              str(write), *words], pass_fds=[write], stderr=open(os.path.join(place.dir, 'log'), 'ab'))
    place.children.append(child)
    os.close(write)
    return child, read


def wills(place):
    return [name for name in os.listdir(os.path.join(place.dir, 'own')) if name.startswith('left-')]


def what_a_host_could_not_tell_its_successor_tells():
    with Place() as place:
        plugin = place.plugin('probe')
        child, status = supervised(place, plugin)
        first = place.broker.expect('HELLO')[4]['incarnation']
        place.broker.send(deliver(1, 'sent'), deliver(2, 'refused'), deliver(3, 'sent'))
        for _ in range(3):
            place.broker.expect('DELIVERED')
        place.broker.send(frame('SETTLED', [3]))
        place.broker.reach()
        place.broker.close()
        os.close(status)
        child.wait(SECONDS)  # it does not wait for a broker: what it knows is kept
        assert len(wills(place)) == 1 and 'host.orphaned' in place.log()
        place.broker.restart()
        child, status = supervised(place, plugin)
        hello = place.broker.expect('HELLO')[4]
        assert hello['incarnation'] == first and sorted(hello['holding']) == [1, 2] and hello['credit'] == 0, hello
        told = sorted(place.broker.expect('DELIVERED') for _ in range(2))
        assert told == [[1, 'sent', 'platform-1', None, None], [2, 'refused', None, None, 'blocked by the user']], told
        assert wills(place)  # not before it is settled
        place.broker.send(frame('SETTLED', [1, 2]))
        place.broker.expect('BYE')
        hello = place.broker.expect('HELLO')[4]
        assert hello['incarnation'] != first and hello['holding'] == [] and hello['credit'] == 7, hello
        assert not wills(place)
        os.close(status)


def a_host_that_holds_nothing_says_that_too():
    with Place() as place:
        plugin = place.plugin('probe')
        child, status = supervised(place, plugin)
        first = place.broker.expect('HELLO')[4]['incarnation']
        place.broker.reach()
        place.broker.close()
        os.close(status)
        child.wait(SECONDS)
        place.broker.restart()
        _, status = supervised(place, plugin)
        hello = place.broker.expect('HELLO')[4]
        assert hello['incarnation'] == first and hello['holding'] == []
        place.broker.expect('BYE')
        assert place.broker.expect('HELLO')[4]['incarnation'] != first
        os.close(status)


def one_process_speaks_for_an_adapter():
    with Place() as place:
        plugin = place.plugin('probe')
        old, status = supervised(place, plugin)
        first = place.broker.expect('HELLO')[4]['incarnation']
        place.broker.send(deliver(1, 'hold'))
        place.broker.reach()
        place.broker.restart()
        new, other = supervised(place, plugin)  # before the old one has noticed anything
        hello = place.broker.expect('HELLO')[4]
        assert hello['incarnation'] == first and hello['holding'] == [1]
        assert not [1 for verb, _ in place.broker.quiet(0.5) if verb == 'HELLO']
        place.serve_until(lambda: 'host.waits' in place.log(), 'the second one waits')
        old.send_signal(signal.SIGTERM)
        place.broker.expect('CREDIT')
        old.send_signal(signal.SIGTERM)
        told = place.broker.expect('DELIVERED')
        assert told[:2] == [1, 'unknown'] and 'stopped' in told[4], told  # it was asked to leave at once: it says so
        place.broker.send(frame('SETTLED', [1]))
        old.wait(SECONDS)
        assert place.broker.expect('HELLO')[4]['incarnation'] != first
        assert new.poll() is None
        os.close(status)
        os.close(other)


def a_will_that_cannot_be_read_is_removed():
    with Place() as place:
        os.mkdir(os.path.join(place.dir, 'own'))
        with open(os.path.join(place.dir, 'own', 'left-00000000'), 'wb') as file:
            file.write(b'\x93\x07nonsense')
        _, status = supervised(place, place.plugin('probe'))
        assert place.broker.expect('HELLO')[4]['credit'] == 7
        assert not wills(place) and 'host.will_broken' in place.log()
        os.close(status)


# ---------------------------------------------------------------------- isolation

FORBIDDEN = {
    'execve': 'EPERM', 'posix_spawn': 'EPERM', 'fork': 'EPERM', 'system': 'EPERM', 'ptrace': 'EPERM', 'kill': 'EPERM',
    'mount': 'EPERM', 'unshare': 'EPERM', 'bpf': 'EPERM', 'perf_event_open': 'EPERM', 'userfaultfd': 'EPERM',
    'io_uring_setup': 'EPERM', 'keyctl': 'EPERM', 'kexec_load': 'EPERM', 'init_module': 'EPERM', 'setuid': 'EPERM',
    'sethostname': 'EPERM', 'prlimit': 'EPERM', 'raw socket': 'EAFNOSUPPORT', 'netns socket': 'EAFNOSUPPORT',
    "neighbour's priority": 'EPERM', "user's priority": 'EPERM', "neighbour's scheduler": 'EPERM',
    "neighbour's affinity": 'EPERM', "neighbour's disk": 'EPERM',
    # Landlock:
    'read passwd': 'EACCES', 'read shadow': 'EACCES', 'read proc': 'EACCES', 'write tmp': 'EACCES',
    'write plugin': 'EACCES', 'read conf': 'EACCES', 'socket in tmp': 'EACCES'}
NEEDED = ['thread', 'resolve', 'listen', 'read hosts', 'read certificates', 'read named', 'write own', 'socket named',
          'signal self', 'own limit', 'own priority']
FOR_SANITIZERS = ['posix_spawn', 'system', 'fork', 'ptrace', 'read proc']  # they need it themselves


def tried(place):
    return dict(re.findall(r'tried ([^:"]+): ((?:refused )?\w+)', place.log()))


def a_plugin_cannot_do_what_no_adapter_needs():
    with Place() as place:
        plugin = place.plugin('forbidden', source='forbidden')
        named, hidden = os.path.join(place.dir, 'named'), os.path.join(place.dir, 'hidden')
        for path in (named, hidden):
            with open(path, 'w') as file:
                file.write('words')
        neighbour = place.start(place.plugin('probe'), '--broker', f'ipc://{place.dir}/none')
        place.serve_until(lambda: 'host.open' in place.log(), 'a neighbour that has given up its rights as well')
        conf = place.conf(f'adapters = {{ forbidden = {{ plugin = "{plugin}"; secret = "{hidden[1:]}"; '
                          f'named = "{named}"; socket = "{place.dir}/its.sock"; neighbour = {neighbour.pid}; }}; }};')
        _, status = supervised(place, plugin, '--conf', conf)
        place.broker.expect('HELLO')
        log, went = place.log(), tried(place)
        assert re.search(r'host.isolated.*"calls":"on', log) or 'not in this kernel' in log, log
        files = '"files":"on' in log
        for name, errno in FORBIDDEN.items():
            if (errno == 'EACCES' and not files) or (VARIANT in ('asan', 'tsan') and name in FOR_SANITIZERS):
                continue
            assert went[name] == f'refused {errno}', (name, went[name])
        for name in NEEDED:
            assert went[name] == 'done', (name, went[name])
        assert 'core limit 0' in log
        os.close(status)


def what_is_off_by_conf_is_said():
    with Place() as place:
        _, status = supervised(place, place.plugin('probe'), '--conf',
                               place.conf('adapters = { probe = { isolated = false; }; };'))
        place.broker.expect('HELLO')
        assert '"files":"off by conf","calls":"off by conf"' in place.log(), place.log()
        os.close(status)


def nothing_of_the_environment_and_of_other_adapters_is_left():
    with Place() as place:
        conf = place.conf('adapters = { probe = { does = "environment"; key = "env:PALAVER_TEST_SECRET"; };'
                          ' other = { key = "env:PALAVER_OTHER"; }; };')
        os.environ.update({'PALAVER_TEST_SECRET': 'hush', 'PALAVER_OTHER': 'hush-hush', 'PALAVER_MORE': 'more'})
        child, status = supervised(place, place.plugin('probe'), '--conf', conf)
        place.broker.expect('HELLO')
        assert 'PALAVER_TEST_SECRET is hidden, the key is hush' in place.log(), place.log()
        os.close(status)


def what_is_checked_is_not_run():
    def inspect(*words, conf):
        done = subprocess.run([HOST, '--plugin', plugin, *words, '--conf', place.conf(conf)], stdout=subprocess.PIPE,
                              text=True, check=False)
        return done.returncode, done.stdout

    with Place() as place:
        plugin = place.plugin('probe')
        assert inspect('--check-conf', conf='adapters = { probe = { does = "fail"; }; };') == (0, '')
        code, said = inspect('--check-conf', '--conf-name', '/etc/p.conf',
                             conf='adapters = { probe = {\n nummer = 4; }; };')
        assert code == 88 and said == '/etc/p.conf:2: adapters.probe.nummer: no such key; did you mean number?\n', said
        code, said = inspect('--print-keys', conf='adapters = { probe = { number = 4; key = "env:NOBODY"; }; };')
        assert code == 0 and '        # a number (1 to 9); default: 3\n        number = 4;\n' in said, said
        assert 'key = "env:NOBODY";' in said and '        # does = "serve";\n' in said, said
        plugin = place.plugin('newer', '-DPROBE_ABI=0x00070000')
        code, said = inspect('--check-conf', conf='')
        assert code == 86 and 'upgrade palaver' in said and said.count('\n') == 1, said


# ---------------------------------------------------------------------- ending

def hears(pid, number):
    """Is the signal caught, and let through?"""
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        masks = {name: int(value, 16) for name, value in re.findall(r'^Sig(Blk|Cgt):\s*(\w+)', file.read(), re.M)}
    bit = 1 << (number - 1)
    return bool(masks['Cgt'] & bit) and not masks['Blk'] & bit


def sigterm_drains_and_says_bye():
    with Place() as place:
        child, client = place.loopback()
        place.broker.expect('HELLO')
        client.say('last words')
        seq = place.broker.expect('PUBLISH')[0]
        child.send_signal(signal.SIGTERM)
        assert place.broker.expect('CREDIT') == [0]
        place.broker.quiet(0.3)
        assert child.poll() is None  # it waits for the answer
        place.broker.send(frame('STORED', [seq]))
        place.broker.expect('BYE')
        assert child.wait(SECONDS) == 0
        assert client.hear()['taken'] == 'stored'


def sigterm_does_not_end_what_drains_for_its_memory():
    with Place() as place:
        conf = 'adapters = { probe = { does = "grow"; memory_mb = 32; drain_s = 2; }; };'
        child = place.start(place.plugin('probe'), conf=conf)
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'hold'))
        assert place.broker.expect('CREDIT') == [0]
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert place.broker.expect('DELIVERED')[:2] == [1, 'unknown']
        assert time.monotonic() - began > 1
        place.broker.send(frame('SETTLED', [1]))
        place.serve_until(lambda: child.poll() is not None, 'it ends')
        assert child.poll() == 77


def sigterm_without_a_broker_ends_in_time():
    with Place() as place:
        place.broker.close()
        child, client = place.loopback(drain_s=1, kept_max=1)
        client.say('kept in vain')
        client.say('one too many')
        assert client.hear()['taken'] == 'busy'
        began = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(SECONDS) == 75
        assert time.monotonic() - began < 5
        place.broker.restart()


def a_plugin_that_grabs_signals_drains_all_the_same():
    for does, text in (('grab', 'hold'), ('serve', 'grab')):
        with Place() as place:
            conf = f'adapters = {{ probe = {{ does = "{does}"; drain_s = 0; }}; }};'
            child = place.start(place.plugin('probe'), conf=conf)
            place.broker.expect('HELLO')
            place.broker.send(deliver(1, text))  # neither is ever finished
            place.broker.send(deliver(2, 'sent'))
            assert place.broker.expect('DELIVERED')[:2] == [2, 'sent']
            if text == 'grab':
                place.serve_until(lambda child=child: hears(child.pid, signal.SIGTERM), 'it is put right')
            child.send_signal(signal.SIGTERM)
            assert place.broker.expect('DELIVERED')[:2] == [1, 'unknown']
            place.broker.send(frame('SETTLED', [1, 2]))
            place.serve_until(lambda child=child: child.poll() is not None, 'it ends')
            assert child.poll() == 0, (child.poll(), place.log())


def a_plugin_is_not_called_after_its_close():
    with Place() as place:
        child = place.start(place.plugin('probe'), conf='adapters = { probe = { does = "tick"; drain_s = 0; }; };')
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'hold'))  # its outcome, which nobody settles, keeps the loop for a while
        child.send_signal(signal.SIGTERM)
        assert place.broker.expect('DELIVERED')[:2] == [1, 'unknown']
        place.serve_until(lambda: child.poll() is not None, 'it ends')
        assert child.poll() == 75, (child.poll(), place.log())
    with Place() as place:
        child = place.start(place.plugin('probe'), conf='adapters = { probe = { does = "tick and fail"; }; };')
        assert child.wait(SECONDS) == 69, place.log()


def a_crash_ends_this_process_by_its_signal():
    with Place() as place:
        child = place.start(place.plugin('probe'), environment={'ASAN_OPTIONS': 'handle_segv=0'})
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'crash'))
        assert child.wait(SECONDS) == -signal.SIGSEGV


# ---------------------------------------------------------------------- bad plugins, bad conf

def refused_files():
    with Place() as place:
        place.refused(os.path.join(place.dir, 'missing.so'), 80, 'No such file')
    with Place() as place:
        os.symlink(place.plugin('probe'), os.path.join(place.dir, 'link.so'))
        place.refused(os.path.join(place.dir, 'link.so'), 80, 'symbolic link')
    with Place() as place:
        place.refused(place.dir, 80, 'regular file')
    with Place() as place:
        path = place.plugin('probe')
        os.chmod(path, 0o757)
        place.refused(path, 82, 'chmod go-w')
    with Place() as place:
        path = os.path.join(place.dir, 'text.so')
        with open(path, 'w') as out:
            out.write('#!/bin/sh\necho hello\n' * 20)
        place.refused(path, 83, 'not an ELF file')
    with Place() as place:
        path = place.plugin('cut')
        os.truncate(path, 20)
        place.refused(path, 83, 'not an ELF file')
    with Place() as place:
        path = place.plugin('foreign')
        with open(path, 'r+b') as file:
            file.seek(18)  # e_machine
            file.write((0xf7).to_bytes(2, 'little'))
        place.refused(path, 83, 'is built for another kind of machine: build it for this one')
    with Place() as place, socket.socket(socket.AF_UNIX) as its:
        its.bind(os.path.join(place.dir, 'socket.so'))
        place.refused(os.path.join(place.dir, 'socket.so'), 80, 'is not a regular file')
    if os.geteuid() == 0:
        with Place() as place:
            path = place.plugin('foreign')
            os.chown(path, 12345, 12345)
            place.refused(path, 81, 'belongs neither to root')


def refused_plugins():
    with Place() as place:
        library = os.path.join(place.dir, 'libnowhere.so')
        subprocess.run(['cc', '-shared', '-Wl,-soname,libnowhere.so', '-x', 'c', '/dev/null', '-o', library],
                       check=True)
        path = place.plugin('needs', '-Wl,--no-as-needed', '-x', 'none', library, '-x', 'c')
        os.unlink(library)
        place.refused(path, 84, f'{path}: libnowhere.so: cannot open shared object file: No such file or directory: '
                                'install that library, or link it into the plugin')
    with Place() as place:
        path = os.path.join(place.dir, 'program.so')
        subprocess.run(['cc', '-pie', '-x', 'c', '-', '-o', path], input=b'int main (void) { return 0; }', check=True)
        place.refused(path, 84, 'build it with -shared -fPIC')
    with Place() as place:
        place.refused(place.plugin('missing', '-DPROBE_MISSING'), 84, 'function_of_nobody')
    with Place() as place:
        place.refused(place.plugin('nameless', '-DPROBE_NAME=other_name'), 85, 'palaver_adapter')
    with Place() as place:
        place.refused(place.plugin('newer', '-DPROBE_ABI=0x00070000'), 86, 'ABI 7.0')
    with Place() as place:
        place.refused(place.plugin('small', '-DPROBE_SIZE=24'), 87, 'size')
    for flag, words in (('MARKDOWN=7', 'its markdown 7 is none'), ('MARKDOWN=-1', 'its markdown -1 is none'),
                        ('UNIT=3', 'its text_unit 3 is none'), ('CREDIT=1025', 'its credit 1025 is more than 1024'),
                        ('KEY="key"', 'conf key 2, key: there is one of this name already'),
                        ('KEY="files"', 'conf key 2, files: there is one of this name already')):
        with Place() as place:
            place.refused(place.plugin('odd', '-DPROBE_' + flag), 87, words)


def a_plugin_for_a_newer_minor_abi_runs_with_a_warning():
    with Place() as place:
        place.start(place.plugin('probe', '-DPROBE_ABI=0x0001ffff'))
        place.serve_until(lambda: 'host.open' in place.log(), 'the plugin is open')
        warned = [json.loads(line) for line in place.log().splitlines() if 'host.older' in line]
        assert [(line['level'], line['abi']) for line in warned] == [('warn', '1.65535')], warned
    with Place() as place:
        place.start(place.plugin('probe'))
        place.serve_until(lambda: 'host.open' in place.log(), 'the plugin is open')
        assert 'host.older' not in place.log()


def refused_conf():
    for text, words in [
            ('adapters = { probe = { does = "serve"; nummer = 4; }; };', 'palaver.conf:1: adapters.probe.nummer'),
            ('adapters = { probe = { nummer = 4; }; };', 'did you mean number?'),
            ('adapters = {\n probe = {\n number = 10; }; };', 'palaver.conf:3: adapters.probe.number: takes 1 to 9'),
            ('adapters = { probe = { number = "4"; }; };', 'takes a whole number'),
            ('adapters = { probe = { key = "open sesame"; }; };', 'env:NAME'),
            ('adapters = { probe = { key = "env:PALAVER_NOT_SET"; }; };', 'PALAVER_NOT_SET'),
            ('adapters = { probe = ', 'palaver.conf:1:')]:
        with Place() as place:
            place.refused(place.plugin('probe'), 88, words, conf=text)
            assert 'sesame' not in place.log()


def open_that_fails_says_why():
    with Place() as place:
        place.refused(place.plugin('probe'), 69, 'the platform of number 42 is closed today',
                      conf='adapters = { probe = { does = "fail"; }; };')


def descriptors_that_are_too_few_are_said():
    for files in (16, 63):
        with Place() as place:
            place.refused(place.plugin('probe'), 71, f'it may open {files} files, and needs 64 at least', files=files)
    with Place() as place:
        place.refused(place.plugin('probe'), 69, 'cannot listen on 127.0.0.1 port 0: Too many open files', files=64,
                      conf='adapters = { probe = { does = "hoard"; }; };')


def an_open_that_fails_leaves_nothing_to_the_next_one():
    with Place() as place:
        child = place.start(place.plugin('probe'), '--beside', conf='adapters = { probe = { does = "late"; }; };')
        place.broker.expect('HELLO')
        place.broker.send(deliver(1, 'sent'))
        assert place.broker.expect('DELIVERED')[:2] == [1, 'sent']
        place.broker.send(frame('SETTLED', [1]))
        child.send_signal(signal.SIGTERM)
        place.serve_until(lambda: child.poll() is not None, 'it ends')
        assert child.poll() == 0, (child.poll(), place.log())


def secrets_come_in_and_the_environment_stays_out():
    with Place() as place:
        place.start(place.plugin('probe'), environment={'PALAVER_TEST_SECRET': 'hush'},
                    conf='adapters = { probe = { does = "environment"; key = "env:PALAVER_TEST_SECRET"; }; };')
        place.broker.expect('HELLO')
        assert 'PALAVER_TEST_SECRET is hidden, the key is hush' in place.log(), place.log()


def the_supervisor_is_told():
    with Place() as place:
        read, write = os.pipe()
        words = [HOST, '--plugin', place.plugin('probe'), '--broker', place.endpoint, '--status-fd', str(write)]
        child = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
        place.children.append(child)
        os.close(write)
        place.broker.expect('HELLO')
        said = ''
        deadline = time.monotonic() + SECONDS
        while 'BEAT' not in said:
            assert time.monotonic() < deadline
            place.broker.quiet(0.1)
            os.set_blocking(read, False)
            try:
                said += os.read(read, 4096).decode()
            except BlockingIOError:
                pass
        assert said.split('\n')[:2] == ['OPEN probe 0.9', 'UP'], said
        with open(f'/proc/{child.pid}/status') as status:
            assert 'NoNewPrivs:\t1' in status.read()
        assert os.getpgid(child.pid) == child.pid
        os.close(read)  # who looked after it is gone: it drains and leaves
        place.broker.quiet(0.1)
        deadline = time.monotonic() + SECONDS
        while child.poll() is None:
            assert time.monotonic() < deadline
            place.broker.quiet(0.1)
        assert child.returncode == 0


TESTS = [hello_says_who_it_is, publish_is_acknowledged_when_it_is_stored, busy_and_rejected_reach_the_plugin,
         what_is_malformed_never_leaves_the_host, frames_of_a_turn_share_a_packet,
         unanswered_events_are_published_again_after_a_restart, events_wait_for_a_broker_that_is_not_there_yet,
         who_is_answered_with_one_hello, every_part_of_an_answer_reaches_the_plugin,
         it_is_heard_from_at_every_heartbeat,
         a_silent_broker_is_left_for_a_new_connection, it_waits_for_its_name_and_gives_up_on_other_errors,
         a_broker_of_another_version_is_named, four_outcomes, a_delivery_is_finished_once,
         a_reply_in_hand_takes_its_new_number, a_reply_that_was_sent_is_not_sent_again, it_logs_as_it_is_told,
         unsettled_outcomes_are_repeated_and_held_ones_are_named, a_reply_reaches_the_plugin_whole,
         an_answer_comes_back_to_the_client, a_hello_that_nobody_answers_is_said_again_on_another_connection,
         what_a_host_could_not_tell_its_successor_tells, a_host_that_holds_nothing_says_that_too,
         one_process_speaks_for_an_adapter, a_will_that_cannot_be_read_is_removed,
         a_plugin_cannot_do_what_no_adapter_needs, what_is_off_by_conf_is_said,
         nothing_of_the_environment_and_of_other_adapters_is_left, what_is_checked_is_not_run,
         sigterm_drains_and_says_bye,
         sigterm_without_a_broker_ends_in_time, a_plugin_that_grabs_signals_drains_all_the_same,
         a_plugin_is_not_called_after_its_close,
         a_crash_ends_this_process_by_its_signal, refused_files, refused_plugins,
         a_plugin_for_a_newer_minor_abi_runs_with_a_warning, refused_conf,
         open_that_fails_says_why, descriptors_that_are_too_few_are_said,
         an_open_that_fails_leaves_nothing_to_the_next_one,
         secrets_come_in_and_the_environment_stays_out, the_supervisor_is_told]
if VARIANT not in ('asan', 'tsan'):  # a sanitizer needs more memory than any limit
    TESTS.append(sigterm_does_not_end_what_drains_for_its_memory)


if __name__ == '__main__':
    sys.exit(main(TESTS))
