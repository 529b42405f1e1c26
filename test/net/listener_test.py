#!/usr/bin/python3
# RUN: timeout=300
"""The host's listener with real clients: answers, streams, WebSockets, TLS, and clients that misbehave."""

import base64
import concurrent.futures
import contextlib
import http.client
import os
import re
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import websocket  # noqa: E402
from place import HOST, SECONDS, Place, main, many_files, run  # noqa: E402
from websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Closed, connect  # noqa: E402


def closed_with(peer, timeout=SECONDS):
    """The code that it is closed with; messages before are let by."""
    try:
        while True:
            peer.receive(timeout)
    except Closed as error:
        return error.code
    except ConnectionResetError:
        return 1006


def number_of(place):
    return int(place.wait(r'opened (\d+)')[1])


# ---------------------------------------------------------------- answers and streams

def a_request_is_answered():
    with Place() as place:
        assert place.ask('GET', '/hello')[::2] == (200, b'hello')
        body = os.urandom(1 << 20)
        assert place.ask('POST', '/echo', body)[::2] == (200, body)
        assert place.ask('POST', '/echo', b'x' * ((1 << 20) + 1))[0] == 413
        assert place.ask('POST', '/echo', b'x' * (5 << 20))[0] == 413
        status, answer, data = place.ask('HEAD', '/hello')
        assert (status, data, answer.getheader('content-length')) == (200, b'', '5')
        line = place.line()
        for at in range(50):
            line.request('POST', '/echo', str(at))
            assert line.getresponse().read() == str(at).encode()


def odd_answers_end_their_own_request_alone():
    with Place() as place:
        line = place.line()
        for given, sent in ((0, 500), (100, 500), (199, 500), (600, 500), (2**32 - 1, 500), (204, 204), (299, 299)):
            line.request('GET', f'/odd?status={given}')
            answer = line.getresponse()
            assert (answer.status, answer.read()) == (sent, b'' if sent == 204 else b'odd'), (given, answer.status)
            assert answer.getheader('transfer-encoding') is None
            line.request('GET', '/hello')
            assert line.getresponse().read() == b'hello'


def pipelined_requests_are_answered_in_order():
    def ask(place, requests, count):
        with socket.create_connection(('127.0.0.1', place.port)) as line:
            line.settimeout(SECONDS)
            line.sendall(requests)
            got = b''
            while len(re.findall(rb'x-call: ?\d+\r\n\r\n.', got)) < count and (piece := line.recv(4096)):
                got += piece
            return re.findall(rb'x-call: ?(\d+)\r\n\r\n(hello|.)', got)

    with Place() as place:
        calls = ask(place, b'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n' * 30, 30)
        assert len(calls) == 30 and [int(call) for call, _ in calls] == list(range(1, 31))
        post = b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n'
        got = [body for _, body in ask(place, b''.join(post + b'%d' % at for at in range(9)), 9)]
        assert got == [b'%d' % at for at in range(9)]
        assert place.ask('GET', '/hello')[0] == 200


def the_next_request_may_come_with_the_last_byte_of_an_answer():
    def talk(place):
        line = place.line()
        for at in range(300):
            body = b'%06d' % at * (5000 if at % 2 else 1700)
            line.request('POST', '/echo', body)
            answer = line.getresponse()
            assert (answer.status, answer.read()) == (200, body), at
        line.close()

    with Place() as place:
        # Several at once: the host has something else to do between the last byte and what it does then.
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(talk, place) for _ in range(4)]:
                done.result()


INTERIM = b'HTTP/1.1 100 Continue\r\n\r\n'  # asks who has said all whether somebody still listens


def a_request_that_waits_costs_nothing():
    def used():
        with open(f'/proc/{place.child.pid}/stat') as text:
            words = text.read().split()
        return int(words[13]) + int(words[14])

    with Place() as place:
        line = socket.create_connection(('127.0.0.1', place.port))
        line.sendall(b'GET /never HTTP/1.1\r\nHost: x\r\n\r\n' * 2)
        half = socket.create_connection(('127.0.0.1', place.port))
        half.sendall(b'GET /never HTTP/1.1\r\nHost: x\r\n\r\n')
        stream, _, call = begin(place)
        stream.send(b'GET /never HTTP/1.1\r\n')
        place.events()
        half.settimeout(SECONDS)
        half.shutdown(socket.SHUT_WR)
        before = used()
        assert half.recv(4096) == INTERIM
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            time.sleep(0.1)
        assert used() - before < 30, 'the loop turns in circles'
        line.close()
        place.wait('gone')
        half.close()  # it is asked again whether it is still there
        place.wait('gone', count=2)


def who_has_said_all_is_answered(tls=False):
    with Place(tls=tls and 'listener', body_bytes_max=9000000) as place:
        def ask(request, room=None):
            line = socket.socket()
            if room:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
            line.settimeout(SECONDS)
            line.connect(('127.0.0.1', place.port))
            line = place.tls.wrap_socket(line, server_hostname='localhost') if tls else line
            line.sendall(request)
            socket.socket.shutdown(line, socket.SHUT_WR)
            return line

        never = b'GET /never HTTP/1.1\r\nHost: x\r\n\r\n'
        with ask(never) as line:
            assert line.recv(4096) == INTERIM
            assert place.order('/answer?call=1', 'late') == 1
            assert answer_of(line)[::2] == (200, b'late')
            assert tls or line.recv(1) == b''  # over TLS it has not said that it ends
        body = os.urandom(8000000)
        echo = b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % len(body) + body
        with contextlib.ExitStack() as others, ask(echo, 4096) as line:
            for _ in range(4):  # while the kernel has room for less, whether anybody is there is looked for so often
                assert others.enter_context(ask(never)).recv(4096) == INTERIM
            assert answer_of(line)[::2] == (200, body)
            assert not [one for one in place.events() if one.startswith('gone')]


def who_has_said_all_is_answered_over_tls():
    who_has_said_all_is_answered(tls=True)


def begin(place, line=None):
    line = line or place.line()
    line.request('GET', '/stream')
    answer = line.getresponse()
    return line, answer, int(answer.getheader('x-call'))


def a_stream_is_written_piece_by_piece():
    with Place() as place:
        line, answer, call = begin(place)
        assert answer.getheader('transfer-encoding') == 'chunked'
        assert answer.getheader('content-type') == 'text/event-stream'
        assert answer.read1() == b'data: first\n\n'
        for at in range(20):
            assert place.order(f'/write?call={call}', f'data: {at}\n\n') == 1
            assert answer.read1() == f'data: {at}\n\n'.encode()
        assert place.order(f'/write?call={call}', '') == 1  # nothing, and no end either
        place.order(f'/end?call={call}')
        assert answer.read() == b''
        assert place.order(f'/write?call={call}', 'more') == 0
        line.request('GET', '/hello')  # the connection goes on
        assert line.getresponse().read() == b'hello'
        assert not [one for one in place.events() if one.startswith('gone')]


def an_old_client_gets_the_stream_without_chunks():
    with Place() as place, socket.create_connection(('127.0.0.1', place.port)) as line:
        line.settimeout(SECONDS)
        line.sendall(b'GET /stream HTTP/1.0\r\n\r\n')
        got = b''
        while b'data: first\n\n' not in got:
            got += line.recv(4096)
        assert b'chunked' not in got
        call = int(re.search(rb'x-call: ?(\d+)', got)[1])
        place.order(f'/write?call={call}', 'second')
        place.order(f'/end?call={call}')
        while piece := line.recv(4096):
            got += piece
        assert got.endswith(b'\r\n\r\ndata: first\n\nsecond')


def the_head_of_a_stream_is_all_of_it():
    with Place() as place:
        line = place.line()
        line.request('HEAD', '/stream')
        answer = line.getresponse()
        call = answer.getheader('x-call')
        assert (answer.status, answer.read()) == (200, b'')
        line.request('GET', '/hello')  # the connection goes on
        assert line.getresponse().read() == b'hello'
        place.wait(f'gone {call}$')
        assert place.order(f'/write?call={call}', 'x') == 0


def who_leaves_a_stream_or_a_request_is_gone():
    with Place() as place:
        line, answer, call = begin(place)
        answer.close()
        line.close()
        place.wait(f'gone {call}$')
        assert place.order(f'/write?call={call}', 'x') == 0
        with socket.create_connection(('127.0.0.1', place.port)) as line:
            line.sendall(b'GET /never HTTP/1.1\r\nHost: x\r\n\r\n')
            place.events()
        place.wait('gone', count=2)


def a_slow_reader_of_a_stream_is_cut():
    with Place(out_bytes_max=100000) as place:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(('127.0.0.1', place.port))
        line.sendall(b'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
        call = int(re.search(rb'x-call: ?(\d+)', line.recv(4096))[1])
        before, written = place.memory(), 0
        while place.order(f'/write?call={call}', 'x' * 60000):
            written += 1
            assert written < 400, 'it is never cut'
        place.wait(f'gone {call}$')
        assert place.memory() - before < 20000
        line.close()


def slow_stream(place):
    """A connection that takes little, and the number of its stream."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(SECONDS)
    line.connect(('127.0.0.1', place.port))
    line.sendall(b'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
    head = b''
    while b'first\n\n' not in head:
        head += line.recv(4096)
    return line, int(re.search(rb'x-call: ?(\d+)', head)[1])


def what_a_reader_who_never_has_all_has_taken_is_not_kept():
    with Place(out_bytes_max=16000000, body_bytes_max=1000000) as place:
        line, call = slow_stream(place)
        for _ in range(12):  # the kernel has room for half of it
            assert place.order(f'/write?call={call}', 'x' * 1000000)
        before = place.memory()
        for _ in range(150):
            left = 1000000
            while left:
                left -= len(line.recv(min(left, 1 << 20)))
            assert place.order(f'/write?call={call}', 'x' * 1000000)
        assert place.memory() - before < 60000, (before, place.memory())
        line.close()


def who_takes_nothing_is_cut_however_much_is_added():
    with Place(out_bytes_max=32000000, body_bytes_max=1000000) as place:
        line, call = slow_stream(place)
        for _ in range(16):
            assert place.order(f'/write?call={call}', 'x' * 1000000)
        until = time.monotonic() + 20 + SECONDS
        while place.order(f'/write?call={call}', 'x'):
            assert time.monotonic() < until, 'it is never cut'
            time.sleep(0.5)  # more often than every 20 s, for which nothing may be taken
        place.wait(f'gone {call}$')
        line.close()


def answer_of(line):
    """(status, answer, bytes) of the next answer on a raw connection."""
    answer = http.client.HTTPResponse(line)
    answer.begin()
    return answer.status, answer, answer.read()


def an_offer_of_http_2_is_let_by():
    offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n'
    head = f'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n{offer}\r\n'.encode()
    with Place() as place:
        for pieces in ((head + b'first',), (head, b'first')):
            with socket.create_connection(('127.0.0.1', place.port)) as line:
                line.settimeout(SECONDS)
                for _ in range(3):  # and the connection goes on
                    for piece in pieces:
                        line.sendall(piece)
                    assert answer_of(line)[::2] == (200, b'first')


def exchanged(place, *pieces):
    """All that comes back for these pieces, each a packet of its own."""
    with socket.create_connection(('127.0.0.1', place.port)) as line:
        line.settimeout(SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            line.sendall(piece)
        got = b''
        while piece := line.recv(4096):
            got += piece
        return got


def a_body_may_come_in_chunks():
    head = b'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n'
    body = b'5\r\nfirst\r\n7;x=y\r\n, later\r\n0\r\nX-Sum: 1\r\n\r\n'
    with Place(body_bytes_max=1000) as place:
        with socket.create_connection(('127.0.0.1', place.port)) as line:
            line.settimeout(SECONDS)
            for pieces in ([head + body], [head, body], [head + body[:7], body[7:20], body[20:-1], body[-1:]],
                           [head.replace(b'POST', b'DELETE') + body]):
                for piece in pieces:
                    line.sendall(piece)
                assert answer_of(line)[::2] == (200, b'first, later')
            line.sendall((head + body) * 3)
            got = b''
            while got.count(b'first, later') < 3:
                got += line.recv(4096)
            assert got.count(b'HTTP/1.1 200 ') == 3
        for wrong, status in ((b'x\r\n', 400), (b'3\r\nfirst\r\n', 400), (b'3e9\r\n' + b'x' * 1001, 413)):
            got = exchanged(place, head, wrong)
            assert b' %d ' % status in got, (wrong[:20], got)
        assert place.ask('GET', '/hello')[0] == 200


def who_waits_for_leave_to_send_gets_it():
    head = b'POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: '
    with Place(body_bytes_max=1000) as place, socket.create_connection(('127.0.0.1', place.port)) as line:
        line.settimeout(SECONDS)
        line.sendall(head + b'5\r\n\r\n')
        assert line.recv(4096) == b'HTTP/1.1 100 Continue\r\n\r\n'
        line.sendall(b'first')
        got = line.recv(4096)
        assert got.startswith(b'HTTP/1.1 200 ') and got.endswith(b'first'), got
        line.sendall(head + b'1001\r\n\r\n')
        got = b''
        while piece := line.recv(4096):
            got += piece
        assert got.startswith(b'HTTP/1.1 413 ') and b'connection: close' in got, got


def a_request_names_one_host():
    with Place() as place:
        for hosts, status in ((b'', 400), (b'Host:\r\n', 400), (b'Host: x\r\nHost: y\r\n', 400),
                              (b'Host: x\r\nAccept: */*\r\nHost: x\r\n', 400), (b'Host: x\r\n', 200)):
            with socket.create_connection(('127.0.0.1', place.port)) as line:
                line.settimeout(SECONDS)
                line.sendall(b'GET /hello HTTP/1.1\r\n' + hosts + b'\r\n')
                got = line.recv(4096)
            assert got.startswith(b'HTTP/1.1 %d ' % status), (hosts, got)
            assert status == 200 or b'host header' in got, got
        with socket.create_connection(('127.0.0.1', place.port)) as line:
            line.settimeout(SECONDS)
            line.sendall(b'GET /hello HTTP/1.0\r\n\r\n')
            assert b' 200 ' in line.recv(4096)


def a_coded_body_is_not_taken_for_text():
    with Place() as place:
        line = place.line()
        for coding, status in (('gzip', 415), ('identity', 200), ('br, gzip', 415), ('x' * 40, 415), ('Identity', 200)):
            line.request('POST', '/echo', b'\x1f\x8b' * 5000, {'Content-Encoding': coding})
            answer = line.getresponse()
            data = answer.read()
            assert answer.status == status, (coding, answer.status)
            if status == 415:
                assert answer.getheader('accept-encoding') == 'identity'
                assert answer.getheader('content-type') == 'application/problem+json'
                assert b'content-encoding' in data
            else:
                assert data == b'\x1f\x8b' * 5000
        assert place.ask('POST', '/echo', iter([b'a', b'b']), {'Content-Encoding': 'gzip'})[0] == 415
        assert place.ask('GET', '/hello', headers={'Content-Encoding': 'gzip'})[0] == 200


def callbacks_may_be_absent():
    with Place() as place, socket.create_server(('127.0.0.1', 0)) as server:
        server.settimeout(SECONDS)
        assert place.order('/nobody', f'http://127.0.0.1:{server.getsockname()[1]}/') == 0
        line, _ = server.accept()
        with line:
            assert line.recv(4096).startswith(b'GET / ')
            line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')
            # The client that nobody listens to is served until its answer is whole, and the host goes on.
            place.ask('POST', '/request?method=GET', f'http://127.0.0.1:{place.port}/hello')
            place.wait('answer 1 ended=1 status=200')
        assert place.child.poll() is None and place.ask('GET', '/hello')[0] == 200


def bad_http_is_answered_and_does_no_harm():
    with Place() as place:
        for head, status in ((b'GET /../etc HTTP/1.1', None), (b'BREW / HTTP/1.1', 501), (b'GET / HTTP/9.9', 505),
                             (b'POST /echo HTTP/1.1\r\nContent-Length: x', 400),
                             (b'POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked', 501),
                             (b'POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked', 400),
                             (b'POST /echo HTTP/1.1\r\nContent-Length: 3\r\nExpect: wonders', 417),
                             (b'GET /' + b'a' * 2100 + b' HTTP/1.1', 414), (b'GET /' + b'a' * 20000, 414),
                             (b'GET /hello HTTP/1.1\r\nX: ' + b'a' * 20000, 431), (b'GET /%zz HTTP/1.1', 400),
                             (b'GET http://x/hello HTTP/1.1', 200), (b'PRI * HTTP/2.0', 505),
                             (b'\x16\x03\x01\x00\xa0', 400)):
            with socket.create_connection(('127.0.0.1', place.port)) as line:
                line.settimeout(SECONDS)
                try:
                    line.sendall(head + b'\r\nHost: x\r\n\r\n')
                    got = line.recv(4096)
                except ConnectionError:
                    got = b''
                assert status is None or b' %d ' % status in got, (head[:40], got)
        assert place.ask('GET', '/hello')[0] == 200


# ---------------------------------------------------------------- WebSockets

def messages_of_every_size_come_back():
    with Place(message_bytes_max=2000000, out_bytes_max=4000000) as place:
        peer, _ = connect(place.port)
        for size in (0, 1, 125, 126, 127, 4095, 4096, 4097, 65535, 65536, 1000000):
            for fragments in (1, 2, 7):
                text, data = 'é' * (size // 2) + 'x' * (size % 2), os.urandom(size)
                peer.send(text, fragments=fragments) if fragments == 1 else peer.send(data, fragments)
                assert peer.receive() == (text if fragments == 1 else data), (size, fragments)
        assert peer.close(4321, 'enough') == 4321
        place.wait('gone')


def who_does_not_wait_for_the_handshake_does_no_harm():
    with Place() as place:
        for count in (5, 40, 400):
            early = b''.join(websocket.Peer(None, True).frame(TEXT, b'early %d' % at) for at in range(count))
            try:
                peer, _ = connect(place.port, early=early)
                assert [peer.receive() for _ in range(count)] == [f'early {at}' for at in range(count)]
            except (Closed, ConnectionResetError):
                assert count > 5
        assert place.ask('GET', '/hello')[0] == 200


def control_frames_go_between_fragments():
    with Place() as place:
        peer, _ = connect(place.port)
        peer.line.sendall(peer.frame(TEXT, b'one ', fin=False) + peer.frame(PING, b'are you there')
                          + peer.frame(CONTINUATION, b'two ', fin=False) + peer.frame(PONG, b'unasked')
                          + peer.frame(CONTINUATION, b'three'))
        assert peer.receive() == 'one two three' and peer.pong == b'are you there'


def a_byte_at_a_time_is_fine():
    with Place() as place:
        peer, _ = connect(place.port)
        for byte in peer.frame(TEXT, 'grüß'.encode() * 40):
            peer.line.sendall(bytes([byte]))
        assert peer.receive() == 'grüß' * 40


def the_subprotocol_is_the_plugins_choice():
    with Place() as place:
        assert 'sec-websocket-protocol' not in connect(place.port)[1]
        assert 'sec-websocket-protocol' not in connect(place.port, protocols='first, second')[1]
        for asked in ('second', 'first, second', 'first,second,third'):
            peer, got = connect(place.port, '/socket?protocol=second', protocols=asked)
            assert got['sec-websocket-protocol'] == 'second'
            peer.send('hello')
            assert peer.receive() == 'hello'
        place.wait('asked .* first,second,third')
        _, got = connect(place.port, '/socket?protocol=second', protocols=','.join(['long'] * 200 + ['second']))
        assert got['sec-websocket-protocol'] == 'second'


def bad_handshakes_are_refused_in_words():
    good = {'Host': 'x', 'Upgrade': 'websocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': base64.b64encode(b'x' * 16).decode()}

    def shake(place, method='GET', **change):
        headers = {**good, **{name.replace('_', '-'): value for name, value in change.items()}}
        line = place.line()
        line.putrequest(method, '/socket', skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                line.putheader(name, value)
        line.endheaders()
        answer = line.getresponse()
        answer.read()
        line.close()
        return answer

    with Place() as place:
        assert connect(place.port, '/nowhere')[0] == 404
        assert connect(place.port, headers='Origin: https://evil.example\r\n')[0] == 403
        old = shake(place, Sec_WebSocket_Version='8')
        assert old.status == 426 and old.getheader('sec-websocket-version') == '13'
        assert (old.getheader('connection'), old.getheader('upgrade')) == ('upgrade, close', 'websocket')
        assert shake(place, Sec_WebSocket_Key=None).status == 400
        assert shake(place, Sec_WebSocket_Key='short').status == 400
        assert shake(place, Connection='keep-alive').status == 400
        assert shake(place, method='POST').status == 400
        assert shake(place).status == 101
        assert place.ask('GET', '/hello')[0] == 200


def who_breaks_the_protocol_is_told_the_code():
    def ends(*frames, then=1002):
        peer, _ = connect(place.port)
        peer.line.sendall(b''.join(frame(peer) for frame in frames))
        code = closed_with(peer)
        assert code == then, (code, then)

    with Place(message_bytes_max=1000) as place:
        ends(lambda peer: peer.frame(TEXT, b'\xff\xfe'), then=1007)
        ends(lambda peer: peer.frame(TEXT, 'é'.encode()[:1]), then=1007)
        ends(lambda peer: peer.frame(TEXT, b'\xed\xa0\x80'), then=1007)
        ends(lambda peer: peer.frame(TEXT, b'x' * 1001), then=1009)
        ends(lambda peer: peer.frame(TEXT, b'x' * 600, fin=False), lambda peer: peer.frame(0, b'x' * 600), then=1009)
        ends(lambda peer: peer.frame(BINARY, b'', size=1 << 40), lambda peer: b'more', then=1009)
        ends(lambda peer: peer.frame(CONTINUATION, b'x'))
        ends(lambda peer: peer.frame(TEXT, b'x', fin=False), lambda peer: peer.frame(TEXT, b'y'))
        ends(lambda peer: peer.frame(3, b'x'))
        ends(lambda peer: peer.frame(TEXT, b'x', rsv=4))
        ends(lambda peer: peer.frame(PING, b'x', fin=False))
        ends(lambda peer: peer.frame(PING, b'x' * 126), then=1006)
        peer, _ = connect(place.port)
        peer.send('é' * 500)  # exactly the limit
        assert peer.receive() == 'é' * 500
        peer.line.sendall(peer.frame(TEXT, 'é'.encode()[:1], fin=False) + peer.frame(0, 'é'.encode()[1:]))
        assert peer.receive() == 'é'  # a character may be cut between fragments
        assert len([one for one in place.events() if one.startswith('gone')]) == 12


def garbage_does_no_harm():
    with Place() as place:
        for seed in range(40):
            peer, _ = connect(place.port)
            bytes_ = b''.join(struct.pack('<Q', (seed * 2654435761 + at * 40503) * 6364136223846793005 % (1 << 64))
                              for at in range(200))
            try:
                peer.line.sendall(bytes_)
                peer.line.shutdown(socket.SHUT_WR)
                while peer.line.recv(4096):
                    pass
            except ConnectionError:
                pass
            peer.line.close()
        place.wait('gone', count=40)


def the_plugin_closes_with_a_code():
    with Place() as place:
        for code, seen in ((4001, 4001), (1000, 1000), (1001, 1001), (0, 1000), (1005, 1000), (1006, 1000), (77, 1000)):
            peer, _ = connect(place.port)
            socket_ = int([one for one in place.events() if one.startswith('opened')][-1].split()[1])
            place.order(f'/close?socket={socket_}&code={code}', 'it is time')
            try:
                peer.receive()
                raise AssertionError('not closed')
            except Closed as error:
                assert (error.code, error.reason) == (seen, 'it is time')
            assert place.order(f'/send?socket={socket_}', 'late') == 0
            place.wait(f'gone {socket_}$')
        for said, seen in (('x' + '\u00e4' * 100, 'x' + '\u00e4' * 61), (b'good\xffbad', 'good'), (b'\xff', '')):
            peer, _ = connect(place.port)
            number = int([one for one in place.events() if one.startswith('opened')][-1].split()[1])
            place.order(f'/close?socket={number}&code=4000', said.encode() if isinstance(said, str) else said)
            try:
                peer.receive()
                raise AssertionError('not closed')
            except Closed as error:
                assert (error.code, error.reason) == (4000, seen), error
            place.wait(f'gone {number}$')


def what_waits_goes_out_before_the_close():
    with Place(out_bytes_max=8000000) as place:
        peer, _ = connect(place.port, receive_bytes=4096)
        peer.send('!flood 50 100000')
        place.wait('sent 50')
        number = number_of(place)
        assert place.order(f'/waiting?socket={number}') > 1000000
        place.order(f'/close?socket={number}&code=4000')
        got = 0
        try:
            while True:
                got += len(peer.receive())
        except Closed as error:
            assert error.code == 4000
        assert got == 5000000
        place.wait(f'gone {number}$')


def a_peer_that_does_not_answer_a_close_is_cut():
    with Place() as place:
        peer, _ = connect(place.port)
        number = number_of(place)
        began = time.monotonic()
        place.order(f'/close?socket={number}&code=4000')
        place.wait(f'gone {number}$')
        assert time.monotonic() - began > 3


def a_slow_client_is_closed_with_4008():
    with Place(out_bytes_max=200000) as place:
        peer, _ = connect(place.port, receive_bytes=4096)
        before = place.memory()
        peer.send('!flood 10000 10000')
        sent = int(place.wait(r'sent (\d+)')[1])
        assert 20 <= sent < 200, sent  # what the kernel takes, and the limit
        number = number_of(place)
        assert place.order(f'/send?socket={number}', 'more') == 0
        assert place.memory() - before < 8000
        assert closed_with(peer) == 4008  # it reads at last
        place.wait(f'gone {number}$')
        peer, _ = connect(place.port, receive_bytes=4096)
        peer.send('!flood 10000 10000')  # and this one never does
        place.wait('gone', count=2)


def drained_says_that_all_has_gone():
    with Place(out_bytes_max=8000000) as place:
        peer, _ = connect(place.port, receive_bytes=4096)
        peer.send('!flood 30 100000')
        place.wait('sent 30')
        assert 'drained' not in ' '.join(place.events())
        for _ in range(30):
            assert len(peer.receive()) == 100000
        place.wait(f'drained {number_of(place)}')
        assert place.order(f'/waiting?socket={number_of(place)}') == 0


def the_silent_are_pinged_and_the_dead_are_cut():
    with Place(ping_s=1) as place:
        alive, _ = connect(place.port)
        dead, _ = connect(place.port)
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            if select.select([alive.line], [], [], 0.1)[0]:
                try:
                    alive.receive(0.2)
                except TimeoutError:
                    pass
        assert alive.pings >= 2
        place.wait('gone')
        alive.send('still here')
        assert alive.receive() == 'still here'
        assert len([one for one in place.events() if one.startswith('gone')]) == 1


def closing_the_door_leaves_sockets_open():
    with Place() as place:
        peer, _ = connect(place.port)
        place.ask('GET', '/stop-listening')
        peer.send('hello')
        assert peer.receive() == 'hello'
        try:
            socket.create_connection(('127.0.0.1', place.port), 2).close()
            raise AssertionError('the door is open')
        except ConnectionRefusedError:
            pass
        place.child.terminate()
        assert place.child.wait(SECONDS) == 0, place.log()
        assert closed_with(peer) == 1006


# ---------------------------------------------------------------- TLS

def everything_works_over_tls():
    with Place(tls='listener', out_bytes_max=4000000) as place:
        assert place.ask('GET', '/hello')[::2] == (200, b'hello')
        body = os.urandom(1 << 20)
        assert place.ask('POST', '/echo', body)[::2] == (200, body)
        _, answer, call = begin(place)
        place.order(f'/write?call={call}', 'x')
        assert answer.read1() == b'data: first\n\n' and answer.read1() == b'x'
        peer, _ = connect(place.port, tls=place.tls)
        peer.send('x' * 60000)
        assert peer.receive() == 'x' * 60000
        peer.send('!flood 20 100000')
        assert [len(peer.receive()) for _ in range(20)] == [100000] * 20
        assert peer.close() == 1000
        with socket.create_connection(('127.0.0.1', place.port)) as plain:
            plain.settimeout(SECONDS)
            plain.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
            try:
                assert b'hello' not in plain.recv(100)
            except ConnectionError:
                pass
        with socket.create_connection(('127.0.0.1', place.port)) as half:
            half.sendall(b'\x16\x03\x01\x02\x00\x01')  # a hello that never ends
            assert place.ask('GET', '/hello')[0] == 200


def a_socket_over_tls_is_like_any_other():
    with Place(tls='listener', out_bytes_max=200000, message_bytes_max=200000, ping_s=1) as place:
        def opened(**more):
            peer, got = connect(place.port, tls=place.tls, **more)
            return peer, int([one for one in place.events() if one.startswith('opened')][-1].split()[1]), got

        early = websocket.Peer(None, True).frame(TEXT, b'early')
        peer, number, got = opened(path='/socket?protocol=second', protocols='first, second', early=early)
        assert got['sec-websocket-protocol'] == 'second' and peer.receive() == 'early'
        for byte in peer.frame(TEXT, 'grüß'.encode() * 40):
            peer.line.sendall(bytes([byte]))
        assert peer.receive() == 'grüß' * 40
        for size in (0, 1, 16384, 65536, 200000):
            data = os.urandom(size)
            peer.send(data, fragments=3)
            assert peer.receive() == data
        place.order(f'/close?socket={number}&code=4001', 'it is time')
        try:
            peer.receive()
            raise AssertionError('not closed')
        except Closed as error:
            assert (error.code, error.reason) == (4001, 'it is time')
        assert peer.line.recv(1) == b''
        place.wait(f'gone {number}$')

        peer, number, _ = opened()  # leaves without a word
        peer.line.close()
        place.wait(f'gone {number}$')

        peer, number, _ = opened()  # breaks the protocol
        peer.line.sendall(peer.frame(3, b'x'))
        assert closed_with(peer) == 1002
        place.wait(f'gone {number}$')

        peer, number, _ = opened(receive_bytes=4096)  # does not read, and then does
        before = place.memory()
        peer.send('!flood 10000 10000')
        place.wait(r'sent \d+')
        assert place.order(f'/send?socket={number}', 'more') == 0
        assert place.memory() - before < 8000
        assert closed_with(peer) == 4008
        place.wait(f'gone {number}$')

        peer, number, _ = opened()  # answers no pings
        place.wait(f'gone {number}$')
        assert len(os.listdir(f'/proc/{place.child.pid}/fd')) < 40


def a_certificate_that_is_no_good_is_named():
    def refused(words, **conf):
        place.conf = conf
        try:
            place.start()
        except AssertionError:
            assert words in place.log() and place.child.wait(SECONDS) != 0, place.log()
            return
        raise AssertionError('it listens: ' + words)

    place = Place(tls=True)
    made = place.certificates
    good = {'certificate': made.certificate, 'key': made.key}
    empty, locked = made.path('empty.pem'), made.path('locked.key')
    open(empty, 'w').close()
    run('openssl', 'ec', '-in', made.key, '-aes256', '-passout', 'pass:secret', '-out', locked)
    try:
        refused('cannot read the TLS certificate /nowhere/a.pem: No such file',
                **{**good, 'certificate': '/nowhere/a.pem'})
        refused('cannot read the TLS key /nowhere/a.key', **{**good, 'key': '/nowhere/a.key'})
        refused(f'{empty} holds no certificate', **{**good, 'certificate': empty})
        refused(f'{empty} holds no key', **{**good, 'key': empty})
        refused(f'{locked} holds no key in PEM form, or one with a password', **{**good, 'key': locked})
        refused(f'the key in {made.other_key} does not belong', **{**good, 'key': made.other_key})
        refused('there is only', certificate=made.certificate)
    finally:
        place.__exit__()


# ---------------------------------------------------------------- many

def more_connections_than_allowed_wait():
    with Place(connections_max=20) as place:
        lines = [socket.create_connection(('127.0.0.1', place.port)) for _ in range(20)]
        for line in lines:
            line.sendall(b'GET ')
        late = socket.create_connection(('127.0.0.1', place.port))
        late.sendall(b'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')
        assert not select.select([late], [], [], 0.5)[0]
        lines.pop().close()
        assert select.select([late], [], [], SECONDS)[0]
        assert b'200' in late.recv(4096)
        for line in lines:
            line.close()


def who_waits_for_room_costs_nothing():
    hello = b'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'
    with Place(connections_max=1) as place:
        lines = []
        for _ in range(15):
            lines.append(socket.create_connection(('127.0.0.1', place.port), SECONDS))
            lines[-1].sendall(hello)
        used = 0
        while len(lines) > 1:
            line = lines.pop(0)  # the next one is let in when this one has gone
            assert b'200' in line.recv(4096)
            before = place.cpu_s()
            time.sleep(0.2)  # the span of which the cost is taken
            used += place.cpu_s() - before
            line.close()
        assert used < 0.4, used
        lines.pop().close()


def thousands_of_idle_sockets_are_cheap():
    sanitized = b'__asan' in run('nm', '-D', HOST).stdout
    count = min(10000, many_files() - 200) if not sanitized else 500
    with Place(connections_max=count + 50, ping_s=600) as place:  # who opens them answers no pings meanwhile
        assert place.ask('GET', '/hello')[0] == 200
        before, began = place.memory(), time.monotonic()
        peers = [connect(place.port)[0] for _ in range(count)]
        took, after = time.monotonic() - began, place.memory()
        print(f'# {count} sockets in {took:.1f} s: {after} KiB in all, {(after - before) / count:.1f} KiB each')
        assert sanitized or after < 200 * 1024 and (after - before) / count < 15
        times = []
        for at in range(300):
            peer, began = peers[at * 31 % count], time.perf_counter()
            peer.line.sendall(peer.frame(TEXT, b'hello'))
            assert peer.receive() == 'hello'
            times.append(time.perf_counter() - began)
        times.sort()
        print(f'# a round trip among them: p50 {times[150] * 1e6:.0f} us, p99 {times[297] * 1e6:.0f} us')
        assert sanitized or times[30] < 0.001  # a busy machine delays most of them, not each
        line = place.line()
        times = []
        for _ in range(300):
            began = time.perf_counter()
            line.request('GET', '/hello')
            line.getresponse().read()
            times.append(time.perf_counter() - began)
        times.sort()
        print(f'# a request among them: p50 {times[150] * 1e6:.0f} us')
        for peer in peers:
            peer.line.close()
        place.wait('gone', count=count)


TESTS = [a_request_is_answered, odd_answers_end_their_own_request_alone,
         pipelined_requests_are_answered_in_order,
         the_next_request_may_come_with_the_last_byte_of_an_answer,
         a_request_that_waits_costs_nothing, who_has_said_all_is_answered, who_has_said_all_is_answered_over_tls,
         a_stream_is_written_piece_by_piece,
         an_old_client_gets_the_stream_without_chunks, the_head_of_a_stream_is_all_of_it,
         who_leaves_a_stream_or_a_request_is_gone,
         a_slow_reader_of_a_stream_is_cut, what_a_reader_who_never_has_all_has_taken_is_not_kept,
         who_takes_nothing_is_cut_however_much_is_added, an_offer_of_http_2_is_let_by, a_body_may_come_in_chunks,
         who_waits_for_leave_to_send_gets_it, a_request_names_one_host, a_coded_body_is_not_taken_for_text,
         callbacks_may_be_absent,
         bad_http_is_answered_and_does_no_harm,
         messages_of_every_size_come_back,
         who_does_not_wait_for_the_handshake_does_no_harm, control_frames_go_between_fragments,
         a_byte_at_a_time_is_fine,
         the_subprotocol_is_the_plugins_choice, bad_handshakes_are_refused_in_words,
         who_breaks_the_protocol_is_told_the_code, garbage_does_no_harm, the_plugin_closes_with_a_code,
         what_waits_goes_out_before_the_close, a_peer_that_does_not_answer_a_close_is_cut,
         a_slow_client_is_closed_with_4008, drained_says_that_all_has_gone,
         the_silent_are_pinged_and_the_dead_are_cut, closing_the_door_leaves_sockets_open, everything_works_over_tls,
         a_socket_over_tls_is_like_any_other, a_certificate_that_is_no_good_is_named,
         more_connections_than_allowed_wait, who_waits_for_room_costs_nothing, thousands_of_idle_sockets_are_cheap]

if __name__ == '__main__':
    sys.exit(main(TESTS))
