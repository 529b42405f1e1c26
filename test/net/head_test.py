#!/usr/bin/python3
# RUN: timeout=300
"""The heads of requests that the listener refuses, and those that it takes: on plain and TLS connections, as the first
request and as a later one, whole and bit by bit. Each refusal is an answer in words that its client can read."""

import contextlib
import http.client
import json
import os
import random
import select
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from place import SECONDS, Place, main  # noqa: E402

GOOD = b'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'
START = b'GET /hello HTTP/1.1\r\nHost: x\r\n'

#   what is sent, the status, a word of the answer
REFUSED = [
    (START + b'X-Large: ' + b'a' * 70000 + b'\r\n\r\n', 431, 'too large'),
    (START + b''.join(b'X-%d: %s\r\n' % (at, b'b' * 100) for at in range(200)) + b'\r\n', 431, 'too large'),
    (START + b'Accept: text/html\r\n' * 400 + b'\r\n', 431, 'too'),
    (START + b'A:\r\n' * 300 + b'\r\n', 431, 'too many'),
    (b'GET /' + b'a' * 20000 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 414, 'address'),
    (b'GET /hello?' + b'a' * 2100 + b' HTTP/1.1\r\nHost: x\r\n\r\n', 414, 'address'),
    (START + b'no colon here\r\n\r\n', 400, 'colon'),
    (START + b': no name\r\n\r\n', 400, 'name'),
    (START + b'Blank before : colon\r\n\r\n', 400, 'name'),
    (START + b'Folded: one\r\n two\r\n\r\n', 400, 'second line'),
    (START + b'X: one\rtwo\r\n\r\n', 400, 'control'),
    (START + b'X: one\0two\r\n\r\n', 400, 'NUL'),
    (START + b'Content-Length: 1\r\nContent-Length: 1\r\n\r\nx', 400, 'content-length'),
    (START + b'Content-Length: +1\r\n\r\nx', 400, 'content-length'),
    (START + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'either'),
    (b'GET /hello\r\n\r\n', 400, 'first line'),
    (b'GET /hello HTTP/1.1 more\r\nHost: x\r\n\r\n', 400, 'first line'),
    (b'GET /hello you HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'percent-encoded'),
    (b'GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n', 400, ''),
    (b'GET /a/../b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'path'),
    (b'GET /a/%2e%2e/b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'path'),
    (b'GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'path'),
    (b'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n', 400, '%'),
    (b'BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n', 501, 'method'),
    (b'GET /hello HTTP/3.0\r\nHost: x\r\n\r\n', 505, 'HTTP/1.1'),
]

TAKEN = [
    GOOD,
    b'\r\n\r\n' + GOOD,
    b'GET /hello HTTP/1.1\nHost: x\n\n',
    START + b'X: 1\r\nX:\r\nA:b\r\n\r\n',
    START + b'A:\r\n' * 200 + b'\r\n',
    START + b'Accept: text/html\r\n' * 200 + b'\r\n',
    b'GET /hello?' + b'a&' * 1000 + b' HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET http://x/hello HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET /%68ello HTTP/1.1\r\nHost: x\r\n\r\n',
]


def line_to(place):
    line = socket.create_connection(('127.0.0.1', place.port))
    line.settimeout(SECONDS)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return place.tls.wrap_socket(line, server_hostname='localhost') if place.tls else line


def answer_of(line):
    answer = http.client.HTTPResponse(line)
    answer.begin()
    return answer, answer.read()


def is_refused(line, status, word):
    """It is a problem in words, after which the connection ends without a reset."""
    answer, data = answer_of(line)
    assert answer.status == status, (answer.status, data)
    assert answer.getheader('content-type') == 'application/problem+json'
    assert answer.getheader('connection') == 'close'
    problem = json.loads(data)
    assert problem['status'] == status and word in problem['title'], (word, problem)
    assert line.recv(1) == b''


def pieces_of(text, cut):
    """Whole, byte by byte, in pieces of 1000, or in those that a seed makes."""
    if cut == 'seeded':
        dice = random.Random(len(text))
        cuts = sorted(dice.randrange(len(text)) for _ in range(min(40, len(text))))
        return [text[at:to] for at, to in zip([0, *cuts], [*cuts, len(text)]) if at < to]
    step = {'whole': len(text), 'bytes': 1, 'thousands': 1000}[cut]
    return [text[at:at + step] for at in range(0, len(text), step)]


def every_way(place):
    """(connection, how to cut): first and later requests, each cut in all ways."""
    for cut in ('whole', 'thousands', 'seeded', 'bytes'):
        for later in (False, True):
            with line_to(place) as line:
                if later:
                    line.sendall(GOOD)
                    assert answer_of(line)[0].status == 200
                yield line, cut


def refuses(place):
    for text, status, word in REFUSED:
        for line, cut in every_way(place):
            if cut == 'bytes' and len(text) > 4000:
                continue  # thousands say the same in less time
            try:
                for piece in pieces_of(text, cut):
                    line.sendall(piece)
            except (BrokenPipeError, ConnectionResetError) as error:
                raise AssertionError(f'{text[:40]} {cut}: {error}') from error
            is_refused(line, status, word)
    assert place.ask('GET', '/hello')[0] == 200


def bad_heads_are_refused_in_words():
    with Place() as place:
        refuses(place)


def bad_heads_are_refused_in_words_over_tls():
    with Place(tls='listener') as place:
        refuses(place)


def good_heads_are_taken_however_they_come():
    for tls in (None, 'listener'):
        with Place(tls=tls) as place:
            for text in TAKEN:
                for line, cut in every_way(place):
                    for piece in pieces_of(text, cut):
                        line.sendall(piece)
                    answer, data = answer_of(line)
                    assert (answer.status, data) == (200, b'hello'), (text[:60], cut, data)
                    line.sendall(GOOD)
                    assert answer_of(line)[0].status == 200


def a_refusal_is_said_at_once():
    """The line that is wrong is enough: nobody waits for the end of the head."""
    with Place() as place:
        for text, status, word in ((START + b'no colon here\r\n', 400, 'colon'),
                                   (b'BREW / HTTP/1.1\r\n', 501, 'method'),
                                   (b'\x16\x03\x01', 400, 'HTTPS'), (b'\x80', 400, 'first line'),
                                   (START + b'X: ' + b'a' * 8192, 431, 'too large')):
            with line_to(place) as line:
                line.sendall(text)
                is_refused(line, status, word)


def a_plugin_of_an_older_abi_has_no_words():
    with Place(flags=('-DNET_ABI=0x00010002',)) as place:
        with line_to(place) as line:
            line.sendall(START + b'no colon here\r\n')
            is_refused(line, 400, 'colon')
        assert place.ask('GET', '/hello')[0] == 200


def who_has_connected_when_the_host_stops_is_served():
    """Over TLS the request comes later than its connection."""
    with Place(tls='listener') as place:
        with socket.create_connection(('127.0.0.1', place.port), SECONDS) as late:
            assert place.ask('GET', '/hello')[0] == 200  # and so the host has had its turn
            place.child.terminate()
            with place.tls.wrap_socket(late, server_hostname='localhost') as line:
                line.sendall(GOOD)
                assert answer_of(line)[0].status == 200
            place.child.wait(SECONDS)


def who_is_slow_is_told():
    for tls in (None, 'listener'):
        with Place(tls=tls, idle_s=1) as place, line_to(place) as stuck, line_to(place) as trickle:
            stuck.sendall(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12')
            trickle.sendall(b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n12')
            for later in (False, True):
                body = b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12'
                for text, word in ((START, 'head'), (body, None)):
                    with line_to(place) as line:
                        if later:
                            line.sendall(GOOD)
                            assert answer_of(line)[0].status == 200
                        began = time.monotonic()
                        for byte in text:
                            line.sendall(bytes([byte]))
                        if word:
                            is_refused(line, 408, word)
                            assert 0.5 < time.monotonic() - began
                        else:  # a body has longer than a head that begins behind it
                            with line_to(place) as witness:
                                witness.sendall(START)
                                is_refused(witness, 408, 'head')
                            line.sendall(b'3456789')
                            assert answer_of(line)[1] == b'123456789'
            with line_to(place) as line:
                assert line.recv(1) == b''  # who says nothing is told nothing
            deadline = time.monotonic() + SECONDS
            while not select.select([trickle], [], [], 0.2)[0]:
                assert time.monotonic() < deadline
                trickle.sendall(b'a')
            is_refused(trickle, 408, 'body')
            is_refused(stuck, 408, 'body')


def who_says_goodbye_within_a_request_is_told():
    with Place() as place:
        for text in (START, b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12'):
            with line_to(place) as line:
                line.sendall(text)
                line.shutdown(socket.SHUT_WR)
                is_refused(line, 400, 'ends before')
        with line_to(place) as line:
            line.sendall(GOOD)
            line.shutdown(socket.SHUT_WR)
            assert answer_of(line)[1] == b'hello'


def who_never_stops_is_cut():
    """A client that sends on and on behind a refusal is listened to for a bounded size."""
    with Place() as place, line_to(place) as line:
        before, sent = place.memory(), 0
        try:
            line.sendall(START + b'X: ')
            while sent < 1 << 30:
                line.sendall(b'a' * 65536)
                sent += 65536
        except ConnectionError:
            pass
        assert (1 << 20) < sent < 1 << 26, sent
        assert place.memory() - before < 4000
    with Place() as place, line_to(place) as line:  # and for a bounded time
        line.sendall(START + b'no colon\r\n')
        is_refused(line, 400, 'colon')
        deadline, hung_up = time.monotonic() + SECONDS, select.poll()
        hung_up.register(line, 0)
        with contextlib.suppress(ConnectionError):
            while not hung_up.poll(100):
                assert time.monotonic() < deadline, 'it is listened to for ever'
                line.sendall(b'a')


def plain_http_is_told_that_tls_is_spoken():
    with Place(tls='listener') as place, socket.create_connection(('127.0.0.1', place.port)) as line:
        line.settimeout(SECONDS)
        line.sendall(GOOD)
        is_refused(line, 400, 'HTTPS')


def pieces_at_random_change_nothing():
    """Many requests on one connection, cut at random, are as many answers in their order."""
    for tls in (None, 'listener'):
        with Place(tls=tls) as place:
            for seed in range(20):
                dice = random.Random(seed)
                requests, wanted = b'', []
                for at in range(30):
                    body = bytes(dice.randrange(256) for _ in range(dice.choice((0, 1, 10, 3000))))
                    if dice.randrange(2):
                        chunks = [body[at:at + 700] for at in range(0, len(body), 700)]
                        coded = b''.join(b'%x\r\n%s\r\n' % (len(one), one) for one in chunks) + b'0\r\n\r\n'
                        requests += b'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n' + coded
                    else:
                        requests += b'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % len(body) + body
                    wanted.append(body)
                with line_to(place) as line:
                    at = 0
                    while at < len(requests):
                        size = dice.choice((1, 2, 50, 1000, 20000))
                        line.sendall(requests[at:at + size])
                        at += size
                    reader = line.makefile('rb')
                    for body in wanted:
                        head = b''
                        while not head.endswith(b'\r\n\r\n'):
                            head += reader.readline() or b'\r\n\r\n'
                        assert head.startswith(b'HTTP/1.1 200 '), (seed, head)
                        assert b'content-length: %d\r\n' % len(body) in head, (seed, head)
                        assert reader.read(len(body)) == body, seed
                    reader.close()


TESTS = [bad_heads_are_refused_in_words, bad_heads_are_refused_in_words_over_tls,
         good_heads_are_taken_however_they_come, a_refusal_is_said_at_once, who_is_slow_is_told,
         who_says_goodbye_within_a_request_is_told, who_never_stops_is_cut, plain_http_is_told_that_tls_is_spoken,
         pieces_at_random_change_nothing, a_plugin_of_an_older_abi_has_no_words,
         who_has_connected_when_the_host_stops_is_served]

if __name__ == '__main__':
    sys.exit(main(TESTS))
