#!/usr/bin/python3
# RUN: timeout=300
"""The host's HTTP client and WebSocket client against servers that are strict, slow, rude or gone."""

import contextlib
import gzip
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import websocket  # noqa: E402
from place import SECONDS, Place, main  # noqa: E402
from websocket import PING, TEXT, Closed, read_head  # noqa: E402

ANSWERED, UNSENT, LOST = '1', '2', '3'


class Server:
    """Hands every connection to `talk` in a thread of its own; what it raises is raised at the end."""

    def __init__(self, talk, tls=None, host='127.0.0.1'):
        self.talk, self.tls, self.error, self.connections = talk, tls, None, 0
        self.socket = socket.create_server((host, 0), backlog=500)
        self.port = self.socket.getsockname()[1]
        self.lines = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.socket.accept()
                self.connections += 1
                self.lines.append(line)
                threading.Thread(target=self.one, args=(line,), daemon=True).start()

    def one(self, line):
        try:
            line.settimeout(SECONDS)
            if self.tls:
                line = self.tls.wrap_socket(line, server_side=True)
                self.lines.append(line)
            self.talk(line)
        except (OSError, Closed):
            pass  # the other side has its reasons
        except Exception as error:
            self.error = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        for line in self.lines:
            line.close()
        if self.error:
            raise self.error


def read_request(line):
    """(first line, headers, body), held against the rules"""
    first, headers = read_head(line)
    assert first.endswith(' HTTP/1.1') and 'host' in headers, first
    body = b''
    if 'content-length' in headers:
        while len(body) < int(headers['content-length']):
            body += line.recv(65536)
    return first, headers, body


def silence(line, seconds=SECONDS):
    """Says nothing until the client leaves, or for this long."""
    select.select([line], [], [], seconds)


def deaf(line):
    """Reads nothing, and stays until the other side is gone."""
    poll = select.poll()
    poll.register(line, select.POLLRDHUP)
    poll.poll(SECONDS * 1000)


def answer(line, body=b'ok', status='200 OK', headers=''):
    line.sendall(f'HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n'.encode() + body)


def answers(**more):
    def talk(line):
        while True:
            read_request(line)
            answer(line, **more)
    return talk


def field(place, number, seconds=SECONDS):
    """ended, status, retry, type, test, reason, size, body of an answer"""
    return place.wait(rf'answer {number} ended=(\d) status=(\d+) retry=(\d+) type=(\S*) test=(.*?) reason=<(.*?)> '
                      r'size=(\d+) (.*)', seconds=seconds).groups()


def ask(place, server, path='/', words='', **more):
    number = place.order('/request?' + words, f'http://127.0.0.1:{server.port}{path}')
    return field(place, number, **more)


# ---------------------------------------------------------------- what is sent and what comes back

def a_request_goes_out_as_it_was_asked():
    seen = []

    def talk(line):
        while True:
            seen.append(read_request(line))
            answer(line, b'12345', headers='X-Test:  a value \r\nContent-Type: text/x\r\n')

    with Place() as place, Server(talk) as server:
        assert ask(place, server, '/a/b?c=d') == (ANSWERED, '200', '0', 'text/x', 'a value', '', '5', '12345')
        ask(place, server, '/p', 'body=some&token=secret&type=text/y')
        ask(place, server, '/m', 'method=PATCH')
        ask(place, server, '/d', 'method=DELETE')
        ask(place, server, '/parts', 'parts=2')
        (get, one, _), (post, two, body), (patch, three, _), (delete, _, _), (_, parts, form) = seen
        assert get == 'GET /a/b?c=d HTTP/1.1' and 'content-type' not in one and 'content-length' not in one
        assert one['user-agent'] == 'palaver' and 'gzip' in one['accept-encoding']
        assert post == 'POST /p HTTP/1.1' and body == b'some' and two['content-type'] == 'text/y'
        assert two['x-token'] == 'secret' and two['x-order'] == 'second' and 'expect' not in two
        assert patch == 'PATCH /m HTTP/1.1' and three['content-length'] == '0' and 'content-type' not in three
        assert delete == 'DELETE /d HTTP/1.1'
        border = parts['content-type'].removeprefix('multipart/form-data; boundary=').encode()
        assert form.count(b'--' + border) == 3 and form.endswith(b'--' + border + b'--\r\n')
        assert b'name="field"\r\n\r\na value\r\n' in form
        assert b'name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n\0\1\2\r\n--x\r\n' in form
        assert server.connections == 1  # kept and used again


def answers_come_back_whole():
    big = os.urandom(300000)

    def talk(line):
        while True:
            first, _, _ = read_request(line)
            path = first.split()[1]
            if path == '/gzip':
                packed = gzip.compress(b'unpacked ' * 1000)
                answer(line, packed, headers='Content-Encoding: gzip\r\n')
            elif path == '/chunks':
                line.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
                time.sleep(0.05)
                line.sendall(b'4\r\ndefg\r\n0\r\n\r\n')
            elif path == '/early':
                line.sendall(b'HTTP/1.1 103 Early Hints\r\nX-Test: early\r\n\r\n')
                answer(line, b'late')
            elif path == '/big':
                answer(line, big)
            elif path == '/redirect':
                answer(line, b'', '302 Found', 'Location: http://127.0.0.1:1/elsewhere\r\n')
            elif path == '/none':
                line.sendall(b'HTTP/1.1 204 No Content\r\n\r\n')
            elif path == '/teapot':
                answer(line, b'no', "418 I'm a teapot")

    with Place() as place, Server(talk) as server:
        assert ask(place, server, '/gzip')[6] == '9000'
        assert ask(place, server, '/chunks')[-1] == 'abcdefg'
        assert ask(place, server, '/early')[4:] == ('', '', '4', 'late')
        assert ask(place, server, '/big')[6] == '300000'
        assert ask(place, server, '/redirect')[:2] == (ANSWERED, '302')
        assert ask(place, server, '/none')[:2] == (ANSWERED, '204')
        assert ask(place, server, '/teapot')[:2] == (ANSWERED, '418')
        assert server.connections == 1


def retry_after_is_read():
    waits = iter(['7', 'x', time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(time.time() + 60))])

    def talk(line):
        while True:
            read_request(line)
            answer(line, b'', '429 Too Many Requests', f'Retry-After: {next(waits)}\r\n')

    with Place() as place, Server(talk) as server:
        assert ask(place, server)[1:3] == ('429', '7000')
        assert ask(place, server)[1:3] == ('429', '0')
        assert 50000 < int(ask(place, server)[2]) <= 60000


# ---------------------------------------------------------------- how it can end

def what_never_left_is_unsent():
    closed = socket.socket()
    closed.bind(('127.0.0.1', 0))  # taken, and nobody listens
    port = closed.getsockname()[1]
    full = socket.create_server(('127.0.0.1', 0), backlog=0)
    stuck = [socket.socket() for _ in range(3)]
    for one in stuck:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    with Place() as place:
        def unsent(url, words='', query=''):
            got = field(place, place.order('/request?' + query, url))
            assert got[0] == UNSENT and words in got[5].lower() and 'secret' not in got[5], got

        unsent(f'http://127.0.0.1:{port}/secret?secret', 'connect')
        unsent('http://nothing.invalid/secret', 'resolve')
        unsent('ftp://127.0.0.1/secret', 'not of http://')
        unsent('file:///etc/passwd', 'not of http://')
        unsent('nonsense', 'not of http://')
        unsent('', 'not of http://')
        unsent(f'http://127.0.0.1:{full.getsockname()[1]}/secret', 'timeout', 'connect_ms=300')
        unsent(f'http://127.0.0.1:{port}/', 'method', 'method=A:B')
    for one in (*stuck, full, closed):
        one.close()


def what_left_without_a_whole_answer_is_lost():
    def talk(line):
        first, _, body = read_request(line)
        path = first.split()[1]
        if path.startswith('/before'):
            pass
        elif path.startswith('/head'):
            line.sendall(b'HTTP/1.1 200 O')
        elif path.startswith('/body'):
            line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
        elif path.startswith('/chunk'):
            line.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf')
        elif path.startswith('/garbage'):
            line.sendall(b'\0\1\2 this is no HTTP\r\n\r\n' * 10)
        elif path.startswith('/zip'):
            answer(line, b'no gzip at all', headers='Content-Encoding: gzip\r\n')
        elif path.startswith('/slow'):
            silence(line)
        elif path.startswith('/drip'):
            line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
            for _ in range(30):
                line.sendall(b'x')
                time.sleep(0.1)
        elif path.startswith('/reset'):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        line.close()

    for path, words in (('before', ''), ('head', ''), ('body', ''), ('chunk', ''), ('garbage', ''), ('zip', ''),
                        ('slow', 'timeout_ms=300'), ('drip', 'timeout_ms=500'), ('reset', '')):
        with Place() as place, Server(talk) as server:
            got = ask(place, server, f'/{path}/secret?secret', words + '&body=once')
            assert got[0] == LOST and 'secret' not in got[5], (path, got)
            assert server.connections == 1, (path, 'it was sent twice')


def a_body_beyond_the_limit_is_lost():
    def talk(line):
        while True:
            first, _, _ = read_request(line)
            if 'bomb' in first:
                answer(line, gzip.compress(bytes(50 << 20)), headers='Content-Encoding: gzip\r\n')
            elif 'endless' in first:
                line.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
                while True:
                    line.sendall(b'x' * 65536)
            elif 'headers' in first:
                line.sendall(b'HTTP/1.1 200 OK\r\n' + b''.join(b'X-%d: %s\r\n' % (at, b'x' * 1000) for at in range(90)))
            else:
                answer(line, b'x' * 1000)

    with Place() as place, Server(talk) as server:
        assert ask(place, server, '/', 'max=1000')[6] == '1000'
        assert ask(place, server, '/', 'max=999')[0] == LOST
        before = place.memory()
        for path in ('/bomb', '/endless', '/headers'):
            got = ask(place, server, path)
            assert got[0] == LOST and 'larger' in got[5], got
        assert place.memory() - before < 10000
        assert ask(place, server)[0] == ANSWERED  # a large answer is no sign of trouble


def a_dead_connection_is_replaced_only_where_twice_is_fine():
    served = []

    def talk(line):
        served.append(read_request(line)[0])
        answer(line)
        with contextlib.suppress(OSError):
            served.append(read_request(line)[0])  # and closes without an answer
        line.shutdown(socket.SHUT_RDWR)

    with Place() as place, Server(talk) as server:
        assert ask(place, server, '/1')[0] == ANSWERED
        assert ask(place, server, '/2')[0] == ANSWERED  # sent again
        assert server.connections == 2 and [one.split()[1] for one in served] == ['/1', '/2', '/2']
        got = ask(place, server, '/3', 'body=once')
        assert got[0] == LOST, got
        assert [one.split()[1] for one in served] == ['/1', '/2', '/2', '/3']


def a_connection_that_was_closed_in_time_does_no_harm():
    closed = threading.Event()

    def talk(line):
        read_request(line)
        answer(line)
        line.close()
        closed.set()

    with Place() as place, Server(talk) as server:
        for _ in range(5):
            closed.clear()
            assert ask(place, server, '/', 'body=once')[0] == ANSWERED
            closed.wait(SECONDS)
            time.sleep(0.02)


def a_cancelled_request_is_not_answered():
    with Place() as place, Server(lambda line: (read_request(line), silence(line, 0.5), answer(line))) as server:
        place.order('/request?cancel=2', f'http://127.0.0.1:{server.port}/')
        place.order('/request?cancel=2', 'http://nothing.invalid/')
        place.order('/request?cancel=2', 'nonsense')
        number = place.order('/request', f'http://127.0.0.1:{server.port}/')
        field(place, number)
        assert len([one for one in place.events() if one.startswith('answer')]) == 1


def many_requests_go_out_in_order_and_bounded():
    lock, under_way, most, order = threading.Lock(), [0], [0], []

    def talk(line):
        while True:
            first, _, _ = read_request(line)
            with lock:
                order.append(first)
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            time.sleep(0.005)
            with lock:
                under_way[0] -= 1
            answer(line)

    with Place() as place, Server(talk) as server:
        last = place.order('/request?count=1000', f'http://127.0.0.1:{server.port}/')
        place.wait(f'answer {last} ')
        place.wait('answer .* ended=1', count=1000)
        assert most[0] <= 32 and server.connections <= 32, (most, server.connections)


def who_waits_for_too_long_is_unsent():
    came = []

    def talk(line):
        read_request(line)
        came.append(line)
        silence(line)

    with Place() as place, Server(talk) as server:
        place.order('/request?count=300&timeout_ms=1500', f'http://127.0.0.1:{server.port}/')
        place.wait('answer', count=300)
        ended = [line.split('ended=')[1][0] for line in place.events()]
        lost = ended.count(LOST)
        # Who gets the place of one that is over, just before its own time is, has been sent as well.
        assert lost >= 32 and ended.count(UNSENT) == 300 - lost >= 300 - 256, (ended.count(UNSENT), lost)
        until = time.monotonic() + SECONDS
        while len(came) < lost and time.monotonic() < until:
            time.sleep(0.01)
        assert len(came) >= lost, (len(came), lost)
        assert 'too many requests' in ' '.join(place.events())


def a_remote_that_fails_is_left_alone():
    statuses = iter(['500 Oh', '429 Slow', '500 Oh', '503 No', '502 Bad', '404 None'] + ['500 Oh'] * 5)

    def talk(line):
        while True:
            read_request(line)
            answer(line, b'', next(statuses))

    with Place() as place, Server(talk) as server:
        for _ in range(11):  # 4xx are answers, and break the row
            assert ask(place, server)[0] == ANSWERED
        got = ask(place, server, '/secret')
        assert got[0] == UNSENT and 'left alone' in got[5] and 'secret' not in got[5] and 20000 < int(got[2]) <= 30000
        with Server(answers()) as other:  # another port is another remote
            assert ask(place, other)[0] == ANSWERED


# ---------------------------------------------------------------- TLS

def certificates_are_checked():
    place = Place(tls=True)
    made = place.certificates
    place.environment = {'SSL_CERT_FILE': made.ca}
    known = made.server()
    with place, Server(answers(), tls=known) as good, Server(answers(), tls=made.server(other=True)) as other, \
            Server(lambda line: line.sendall(b'SSH-2.0-OpenSSH\r\n')) as rude:
        def get(url):
            return field(place, place.order('/request?body=x', url))

        assert get(f'https://localhost:{good.port}/')[:2] == (ANSWERED, '200')
        assert get(f'https://127.0.0.1:{good.port}/')[:2] == (ANSWERED, '200')
        got = get(f'https://localhost:{other.port}/secret')
        assert got[0] == UNSENT and 'certificate' in got[5] and 'secret' not in got[5], got
        assert get(f'https://127.0.0.1:{rude.port}/')[0] == UNSENT
        assert place.ask('POST', '/connect', f'wss://localhost:{other.port}/')[0] == 200
        place.wait(r'closed \d+ 0 ')
    with Place() as place, Server(answers(), tls=known) as good:  # an authority that nobody knows
        assert field(place, place.order('/request', f'https://localhost:{good.port}/'))[0] == UNSENT


HTTP_2 = """
const fs = require('fs');
let lines = 0;
const answer = (request, response) => {
    response.setHeader('X-Test', `${request.httpVersion} on ${lines}`);
    response.setHeader('Content-Length', 2);
    response.end('ok');
};
const server = require('http2').createSecureServer(
    { cert: fs.readFileSync(process.argv[1]), key: fs.readFileSync(process.argv[2]), allowHTTP1: true },
    (request, response) => {
        if (request.url != '/')  // RST_STREAM follows, for the request was not read
            return answer(request, response);
        request.resume();
        request.on('end', () => answer(request, response));
    });
server.on('secureConnection', () => lines++);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def http_2_is_spoken_where_the_server_does():
    """All requests on one connection; an answer that comes before the request was read is an answer."""
    place = Place(tls=True)
    made = place.certificates
    place.environment = {'SSL_CERT_FILE': made.ca}
    with place, subprocess.Popen(['node', '-e', HTTP_2, made.certificate, made.key], stdout=subprocess.PIPE) as server:
        try:
            url = f'https://localhost:{int(server.stdout.readline())}'
            for path in ['/'] * 3 + ['/early'] * 20:
                got = field(place, place.order('/request?body=x', url + path))
                assert (got[0], got[1], got[4], got[7]) == (ANSWERED, '200', '2.0 on 1', 'ok'), got
        finally:
            server.kill()


# ---------------------------------------------------------------- WebSockets

def connect(place, server, words='', path='/', scheme='ws', host='127.0.0.1'):
    return place.order('/connect?' + words, f'{scheme}://{host}:{server.port}{path}')


def a_socket_talks_both_ways():
    seen = []

    def talk(line):
        peer, path, headers = websocket.accept(line, protocol='second')
        seen.append((path, headers))
        peer.send('hello')
        peer.send(b'\0\1\2')
        peer.send('x' * 300000, fragments=5)
        peer.line.sendall(peer.frame(TEXT, b'one ', fin=False) + peer.frame(PING, b'there?') + peer.frame(0, b'two'))
        while True:
            message = peer.receive()
            peer.send(message)
            if message == 'bye':
                assert peer.pong == b'there?'
                peer.close(4009, 'session over')

    with Place() as place, Server(talk) as server:
        number = connect(place, server, 'protocol=second&token=t', '/gateway?v=10&encoding=json')
        place.wait(f'opened {number}$')
        place.wait(rf'message {number} text 5 hello$')
        place.wait(rf'message {number} binary 3 ')
        place.wait(rf'message {number} text 300000 xx')
        place.wait(rf'message {number} text 7 one two$')
        assert place.order(f'/send?socket={number}', 'éa'.encode()) == 1
        place.wait(f'message {number} text 3 éa')
        big = os.urandom(700000)
        assert place.order(f'/send?socket={number}&binary=1', big) == 1
        place.wait(f'message {number} binary 700000 ')
        place.order(f'/send?socket={number}', 'bye')
        place.wait(f'closed {number} 4009 session over$')
        assert place.order(f'/send?socket={number}', 'late') == 0
        path, headers = seen[0]
        assert path == '/gateway?v=10&encoding=json' and headers['x-token'] == 't'
        assert headers['host'] == f'127.0.0.1:{server.port}' and headers['sec-websocket-protocol'] == 'second'


def a_socket_over_tls():
    place = Place(tls=True)
    made = place.certificates
    place.environment = {'SSL_CERT_FILE': made.ca}

    def talk(line):
        peer, _, _ = websocket.accept(line)
        while True:
            peer.send(peer.receive())

    with place, Server(talk, tls=made.server()) as server:
        for host in ('localhost', '127.0.0.1'):
            number = connect(place, server, scheme='wss', host=host)
            place.wait(f'opened {number}$')
            place.order(f'/send?socket={number}', 'x' * 200000)
            place.wait(f'message {number} text 200000 ')
            place.order(f'/close?socket={number}&code=1000')
            place.wait(f'closed {number} 1000 ')


def the_plugin_closes():
    codes = []

    def talk(line):
        peer, _, _ = websocket.accept(line)
        try:
            peer.receive()
        except Closed as error:
            codes.append((error.code, error.reason))

    with Place() as place, Server(talk) as server:
        for code, sent in ((4000, 4000), (1000, 1000), (0, 1000), (1006, 1000)):
            number = connect(place, server)
            place.wait(f'opened {number}$')
            place.order(f'/close?socket={number}&code={code}', 'enough')
            place.wait(f'closed {number} {sent} enough')
            assert codes[-1] == (sent, 'enough')
    with Place() as place, Server(lambda line: (websocket.accept(line), deaf(line))) as server:
        number = connect(place, server)
        place.wait(f'opened {number}$')
        place.order(f'/close?socket={number}&code=4000')
        place.wait(f'closed {number} 0 no answer to the close')
        number = connect(place, server)
        place.order(f'/close?socket={number}&code=4000')  # maybe it is open by now
        place.wait(f'closed {number} ')
        assert len([one for one in place.events() if one.startswith('closed')]) == 2


def sockets_that_never_open_say_why():
    def handshake(**more):
        return Server(lambda line: websocket.accept(line, **more))

    with Place() as place:
        def refused(server, words, query=''):
            number = connect(place, server, query)
            closed = place.wait(rf'closed {number} (\d+) (.*)')
            assert closed[1] == '0' and words in closed[2], closed[0]

        with handshake(status=401) as server:
            refused(server, '401')
        with handshake(spoil=True) as server:
            refused(server, 'handshake')
        with handshake(protocol='unasked') as server:
            refused(server, '', 'protocol=asked')
        with Server(lambda line: read_head(line)) as server:
            refused(server, '')
        with Server(lambda line: line.sendall(b'\0\1 garbage\r\n\r\n' * 100)) as server:
            refused(server, '')
        with Server(deaf) as server:
            refused(server, 'in time', 'connect_ms=300')
        with socket.create_server(('127.0.0.1', 0)) as one:
            port = one.getsockname()[1]
        number = place.order('/connect', f'ws://127.0.0.1:{port}/')
        place.wait(f'closed {number} 0 no connection')
        for url in ('http://127.0.0.1/', 'ws://', 'nonsense', ''):
            number = place.order('/connect', url)
            place.wait(f'closed {number} 0 the URL is not of ws://')
        number = place.order('/connect', 'ws://nothing.invalid/')
        place.wait(f'closed {number} 0 ')
        assert 'opened' not in ' '.join(place.events())


def the_next_address_of_a_name_is_tried():
    def talk(line):
        peer, _, _ = websocket.accept(line)
        peer.receive()

    with Place() as place, Server(talk) as server:  # localhost is ::1 first, where nobody listens
        number = connect(place, server, host='localhost')
        place.wait(f'opened {number}$')


def a_server_that_breaks_the_protocol_is_closed():
    codes = []

    def sends(*frames):
        def talk(line):
            peer, _, _ = websocket.accept(line)
            line.sendall(b''.join(frame(peer) for frame in frames))
            try:
                peer.receive()
            except Closed as error:
                codes.append(error.code)
        return Server(talk)

    with Place() as place:
        def ends(code, *frames):
            with sends(*frames) as server:
                number = connect(place, server, 'max=1000')
                place.wait(f'closed {number} ')
                deadline = time.monotonic() + SECONDS
                while not codes and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert codes == [code], (codes, code)
                codes.clear()

        ends(1009, lambda peer: peer.frame(TEXT, b'x' * 1001))
        ends(1009, lambda peer: peer.frame(TEXT, b'x' * 600, fin=False), lambda peer: peer.frame(0, b'x' * 600))
        ends(1007, lambda peer: peer.frame(TEXT, b'\xff'))
        for frame in ((0, b'x'), (3, b'x'), (PING, b'x' * 126)):  # libwebsockets hangs up
            ends(1006, lambda peer, frame=frame: peer.frame(*frame))
        ends(1006, lambda peer: peer.frame(TEXT, b'x', rsv=2))


def a_cut_line_is_told():
    def talk(line):
        peer, path, _ = websocket.accept(line)
        peer.receive()
        if path == '/reset':
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        line.close()

    with Place() as place, Server(talk) as server:
        for path in ('/close', '/reset'):
            number = connect(place, server, path=path)
            place.wait(f'opened {number}$')
            place.order(f'/send?socket={number}', 'x')
            place.wait(f'closed {number} 0 the connection was lost')


def silent_servers_are_pinged_and_left():
    alive = []

    def talk(line):
        peer, path, _ = websocket.accept(line)
        if path == '/dead':
            deaf(line)
        try:
            alive.append(peer)
            peer.receive(9)
        except TimeoutError:
            pass

    with Place() as place, Server(talk) as server:
        dead, well = connect(place, server, 'ping_s=1', '/dead'), connect(place, server, 'ping_s=1', '/well')
        place.wait(f'closed {dead} 0 no answer to a ping')
        assert not [one for one in place.events() if one.startswith(f'closed {well}')]
        assert alive[0].pings >= 1


def a_slow_server_fills_the_buffer():
    go = threading.Event()

    def talk(line):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        peer, _, _ = websocket.accept(line)
        go.wait(SECONDS)
        got = 0
        while True:
            got += len(peer.receive())
            if got >= sent[0] * 900000:
                peer.send('all')

    sent = [0]
    with Place() as place, Server(talk) as server:
        number = connect(place, server)
        place.wait(f'opened {number}$')
        while place.order(f'/send?socket={number}', 'x' * 900000):
            sent[0] += 1
            assert sent[0] < 20
        assert 4 <= sent[0] and 0 < place.order(f'/waiting?socket={number}') <= 4 << 20
        go.set()
        place.wait(f'message {number} text 3 all')
        assert place.order(f'/send?socket={number}', 'again') == 1


def a_stop_in_the_middle_of_everything_is_clean():
    def talk(line):
        if b'Upgrade' in line.recv(4096, socket.MSG_PEEK):
            websocket.accept(line)
        deaf(line)

    with Place() as place, Server(talk) as server:
        place.order('/request?count=300', f'http://127.0.0.1:{server.port}/')
        place.order('/request?count=20', 'http://nothing.invalid/')
        for _ in range(20):
            connect(place, server)
        place.order('/connect', 'ws://nothing.invalid/')
        place.wait('opened', count=20)
        began = time.monotonic()
        place.child.terminate()
        assert place.child.wait(9) == 0, place.log()
        assert time.monotonic() - began < 6


TESTS = [a_request_goes_out_as_it_was_asked, answers_come_back_whole, retry_after_is_read, what_never_left_is_unsent,
         what_left_without_a_whole_answer_is_lost, a_body_beyond_the_limit_is_lost,
         a_dead_connection_is_replaced_only_where_twice_is_fine, a_connection_that_was_closed_in_time_does_no_harm,
         a_cancelled_request_is_not_answered, many_requests_go_out_in_order_and_bounded,
         who_waits_for_too_long_is_unsent, a_remote_that_fails_is_left_alone, certificates_are_checked,
         a_socket_talks_both_ways, a_socket_over_tls, the_plugin_closes, sockets_that_never_open_say_why,
         the_next_address_of_a_name_is_tried, a_server_that_breaks_the_protocol_is_closed, a_cut_line_is_told,
         silent_servers_are_pinged_and_left, a_slow_server_fills_the_buffer,
         a_stop_in_the_middle_of_everything_is_clean]
if shutil.which('node'):  # nothing else here speaks it
    TESTS.append(http_2_is_spoken_where_the_server_does)
else:
    print('http_2_is_spoken_where_the_server_does: skipped, node is not installed')

if __name__ == '__main__':
    sys.exit(main(TESTS))
