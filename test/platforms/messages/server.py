#!/usr/bin/python3
"""A strict fake of Anthropic's Messages API, for tests on one machine: `server.py --port 0` prints its URL.

It takes POST /v1/messages and /v1/messages/count_tokens, GET /v1/models and /v1/models/ID (models.py), refuses what the
real one refuses (rules.py), and answers by a script (answers.py) or, without one, with something small that fits the
request. It is told and asked over HTTP too:

    POST /control/script  {"scenarios": [...], "default": {...}}   more scenarios; what is said when none fits
    POST /control/limits  {"requests": N, "window_s": S}           a real limit of requests: 429 beyond it
    POST /control/reset                                            forgets scripts, counts, limits and caches
    GET  /control/state                                            {"calls", "answered", "refused", "cut", "in_flight",
                                                                   "in_flight_max", "tokens", "problems"}
    GET  /control/requests                                         what came: [{"headers", "body", "status", ...}]

`calls` counts the requests for which a model would have worked and been paid; `cut` those that the client gave up.
`problems` are mistakes of the script.
"""

import argparse
import asyncio
import datetime
import json
import os
import time

import answers
import models
import rules
from refused import Refused

KEY = 'test-key'
COUNT_PATH = '/v1/messages/count_tokens'
REASONS = {200: 'OK', 400: 'Bad Request', 401: 'Unauthorized', 402: 'Payment Required', 403: 'Forbidden',
           404: 'Not Found', 405: 'Method Not Allowed', 408: 'Request Timeout', 409: 'Conflict',
           413: 'Content Too Large', 429: 'Too Many Requests', 500: 'Internal Server Error', 529: 'Overloaded'}
BODY_MOST = 32 * 1024 * 1024
REQUESTS_KEPT = 2000
PING_S = 1.0


class Cut(Exception):
    """The connection ends here, without another word."""


class Limits:
    """Requests in a window of time, and the headers that tell of it."""

    def __init__(self, requests=4000, window_s=60.0):
        self.requests, self.window_s = requests, window_s
        self.left, self.until = requests, time.time() + window_s

    def renew(self):
        if time.time() >= self.until:
            self.left, self.until = self.requests, time.time() + self.window_s

    def take(self):
        self.renew()
        if self.left <= 0:
            return False
        self.left -= 1
        return True

    def headers(self):
        reset = datetime.datetime.fromtimestamp(self.until, datetime.timezone.utc)
        reset = reset.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
        found = {'anthropic-ratelimit-requests-limit': self.requests,
                 'anthropic-ratelimit-requests-remaining': max(0, self.left),
                 'anthropic-ratelimit-requests-reset': reset}
        for kind in ('tokens', 'input-tokens', 'output-tokens'):
            name = f'anthropic-ratelimit-{kind}'
            found.update({f'{name}-limit': 4000000, f'{name}-remaining': 4000000, f'{name}-reset': reset})
        return found

    def wait_s(self):
        return max(0.0, self.until - time.time())


class Server:
    def __init__(self, key=KEY, log=None):
        self.key, self.log = key, log
        self.reset()

    def reset(self):
        self.script, self.issued, self.limits = answers.Script(), answers.Issued(), Limits()
        self.requests, self.problems = [], []
        self.counts = dict(calls=0, answered=0, refused=0, cut=0, in_flight=0, in_flight_max=0)
        self.tokens = {'input_tokens': 0, 'cache_creation_input_tokens': 0, 'cache_read_input_tokens': 0,
                       'output_tokens': 0}

    async def serve(self, host, port):
        self.server = await asyncio.start_server(self.connection, host, port, limit=1 << 20)
        return self.server.sockets[0].getsockname()[1]

    # ------------------------------------------------------------ HTTP

    async def connection(self, reader, writer):
        # A client that leaves ends its side first; the transport learns of it at the next write only.
        writer.gone = lambda: writer.transport.is_closing() or reader.at_eof()
        try:
            while await self.exchange(reader, writer):
                pass
        except (Cut, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            writer.transport.abort()
        finally:
            writer.close()

    async def exchange(self, reader, writer):
        line = await reader.readline()
        if not line.strip():
            return False
        method, path, _ = line.decode('latin-1').split(' ', 2)
        headers = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode('latin-1').partition(':')
            headers[name.strip().lower()] = value.strip()
        if headers.get('expect', '').lower() == '100-continue':
            writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = await self.read_body(reader, headers)
        path, _, query = path.partition('?')
        if path.startswith('/control/'):
            await self.control(method, path, body, writer)
        else:
            await self.api(method, path, query, headers, body, writer)
        return headers.get('connection', '').lower() != 'close'

    async def read_body(self, reader, headers):
        if headers.get('transfer-encoding', '').lower() != 'chunked':
            return await reader.readexactly(int(headers.get('content-length', 0)))
        body = b''
        while size := int((await reader.readline()).split(b';')[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body

    async def send(self, writer, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        head = {'content-type': 'application/json', 'content-length': len(data), **(headers or {})}
        writer.write(self.head(status, head) + data)
        await writer.drain()

    def head(self, status, headers):
        lines = [f'HTTP/1.1 {status} {REASONS.get(status, "Status")}']
        lines += [f'{name}: {value}' for name, value in headers.items() if value is not None]
        return ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')

    # ------------------------------------------------------------ control

    async def control(self, method, path, body, writer):
        told = json.loads(body or b'{}')
        what = path.removeprefix('/control/')
        if what == 'script':
            self.script.add(told.get('scenarios', []))
            self.script.default = told.get('default', self.script.default)
        elif what == 'limits':
            self.limits = Limits(**told)
        elif what == 'reset':
            self.reset()
        elif what == 'requests':
            await self.send(writer, 200, {'requests': self.requests})
            return
        elif what != 'state':
            await self.send(writer, 404, {'error': f'{method} {path}: no such thing'})
            return
        await self.send(writer, 200, {**self.counts, 'tokens': self.tokens, 'problems': self.problems,
                                      'pid': os.getpid()})

    # ------------------------------------------------------------ the API

    async def api(self, method, path, query, headers, body, writer):
        request_id = answers.new_id('req')
        record = {'headers': {name: value for name, value in headers.items()
                              if name not in ('x-api-key', 'authorization')},
                  'has_key': headers.get('x-api-key') == self.key, 'path': path, 'request_id': request_id,
                  'body': None, 'status': None, 'at': time.time()}
        self.requests = [*self.requests, record][-REQUESTS_KEPT:]
        self.counts['in_flight'] += 1
        self.counts['in_flight_max'] = max(self.counts['in_flight'], self.counts['in_flight_max'])
        more = {'request-id': request_id}
        try:
            version = self.admit(method, path, headers)
            if path.startswith(models.PATH):
                await self.send(writer, 200, models.answer(path, query), more)
                record['status'] = 200
                return
            request = self.read(path, headers, body, record, version)
            more.update(self.limits.headers())
            if request.counting:
                counted = {'input_tokens': rules.tokens_of(rules.plain(request.body))}
                await self.send(writer, 200, counted, more)
                record['status'] = 200
                return
            if not self.limits.take():
                raise Refused(429, 'rate_limit_error', 'This request would exceed your rate limit')
            more.update(self.limits.headers())
            await self.answer(request, record, more, writer)
        except Refused as error:
            record['status'] = error.status
            self.counts['refused'] += 1
            if error.status == 429:
                more.update({**self.limits.headers(), 'retry-after': int(self.limits.wait_s()) + 1,
                             'retry-after-ms': int(self.limits.wait_s() * 1000) + 1})
            told = self.error(error.kind, error.message, request_id, error.details)
            await self.send(writer, error.status, told, more)
        except (Cut, ConnectionError):
            self.counts['cut'] += 1
            record['cut'] = True
            raise
        finally:
            self.counts['in_flight'] -= 1
            record['seconds'] = time.time() - record['at']
            if self.log:
                self.log(f'{method} {path} {record["status"]} {request_id} {record["seconds"]:.3f} s')

    def error(self, kind, message, request_id, details=None):
        error = {'type': kind, 'message': message}
        if details:
            error['details'] = details
        return {'type': 'error', 'error': error, 'request_id': request_id}

    def admit(self, method, path, headers):
        """Is there such a path, and may this client use it? The version that it speaks."""
        listing = path == models.PATH or path.startswith(f'{models.PATH}/')
        if not listing and path not in ('/v1/messages', COUNT_PATH):
            raise Refused(404, 'not_found_error', f'Not found: {path}')
        if method != ('GET' if listing else 'POST'):
            raise Refused(405, 'invalid_request_error', 'Method Not Allowed')
        return rules.check_headers(headers, self.key)

    def read(self, path, headers, body, record, version):
        rules.check_type(headers)
        if len(body) > BODY_MOST:
            raise Refused(413, 'request_too_large', 'Request exceeds the maximum size')
        try:
            record['body'] = json.loads(body)
        except ValueError as error:
            raise Refused(400, 'invalid_request_error', f'The request body is not valid JSON: {error}') from error
        return rules.Request(record['body'], version, self.issued, counting=path == COUNT_PATH)

    async def answer(self, request, record, more, writer):
        scenario = self.script.choose(request)
        record['scenario'] = {key: value for key, value in scenario.items() if key in ('when', 'status', 'name')}
        more.update({name: value for name, value in scenario.get('headers', {}).items()})
        await self.pause(scenario.get('delay_s', 0), writer)
        if scenario.get('status', 200) != 200:
            await self.answer_error(scenario, record, more, writer)
            return
        try:
            message = answers.message_of(scenario, request, self.issued)
        except AssertionError as error:
            self.problems.append(str(error))
            await self.send(writer, 500, self.error('api_error', f'script: {error}', record['request_id']), more)
            return
        self.counts['calls'] += 1
        record['status'] = 200
        for name in self.tokens:
            self.tokens[name] += message['usage'].get(name) or 0
        if request.body.get('stream'):
            await self.stream(message, scenario, record, more, writer)
        else:
            await self.send(writer, 200, message, more)
        self.counts['answered'] += 1

    async def answer_error(self, scenario, record, more, writer):
        status, error = scenario['status'], scenario.get('error', {})
        kinds = {400: 'invalid_request_error', 401: 'authentication_error', 402: 'billing_error',
                 403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large', 429: 'rate_limit_error',
                 529: 'overloaded_error', 504: 'timeout_error'}
        body = self.error(error.get('type', kinds.get(status, 'api_error')), error.get('message', 'as the script says'),
                          record['request_id'], error.get('details'))
        record['status'] = status
        self.counts['refused'] += 1
        await self.send(writer, status, scenario['body'].encode() if 'body' in scenario else body, more)

    async def pause(self, seconds, writer, ping=None):
        """Waits, notices a client that leaves, and keeps a stream awake."""
        until = time.monotonic() + seconds
        pinged = time.monotonic()
        while (left := until - time.monotonic()) > 0:
            if writer.gone():
                raise Cut
            await asyncio.sleep(min(left, 0.05))
            if ping and time.monotonic() - pinged > PING_S:
                pinged = time.monotonic()
                await ping()

    async def stream(self, message, scenario, record, more, writer):
        writer.write(self.head(200, {'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache',
                                     'transfer-encoding': 'chunked', **more}))
        cut_after, error_after = scenario.get('cut_after'), scenario.get('error_after')

        async def put(event, data):
            encoded = answers.encode(event, data, scenario)
            size = scenario.get('split') or len(encoded)
            for at in range(0, len(encoded), size):
                if writer.gone():
                    raise Cut
                piece = encoded[at:at + size]
                writer.write(b'%x\r\n%b\r\n' % (len(piece), piece))
                if scenario.get('split'):
                    await asyncio.sleep(0)
            await writer.drain()

        waited = False
        for number, (event, data, token) in enumerate(answers.events_of(message, scenario)):
            if number == cut_after:
                await asyncio.sleep(0.01)
                raise Cut
            if number == error_after:
                error = scenario.get('error', {})
                await put('error', self.error(error.get('type', 'overloaded_error'),
                                              error.get('message', 'Overloaded'), record['request_id']))
                break
            if event == 'content_block_start' and not waited:
                waited = True
                await self.pause(scenario.get('first_token_s', 0), writer, lambda: put('ping', {'type': 'ping'}))
                record['first_token_at'] = time.time()
            await put(event, data)
            if token:
                await self.pause(scenario.get('token_s', 0), writer)
        writer.write(b'0\r\n\r\n')
        await writer.drain()


async def run(options):
    server = Server(options.key, print if options.verbose else None)
    port = await server.serve(options.host, options.port)
    if options.script:
        with open(options.script, encoding='utf-8') as file:
            told = json.load(file)
        server.script.add(told.get('scenarios', []))
        server.script.default = told.get('default', {})
    print(f'http://{options.host}:{port}', flush=True)
    await server.server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, default=0, help='0: any that is free')
    parser.add_argument('--key', default=KEY, help=f'the one that is accepted ({KEY})')
    parser.add_argument('--script', help='a file of scenarios, as /control/script takes them')
    parser.add_argument('--verbose', action='store_true', help='a line for each request')
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == '__main__':
    main()
