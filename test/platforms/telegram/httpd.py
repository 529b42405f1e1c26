"""A small HTTP/1.1 server and client connection on asyncio: keep-alive, chunked bodies, and lines that break."""

import asyncio
import gzip
import http
import json
import urllib.parse
import zlib

HEAD_BYTES_MAX = 65536
BODY_BYTES_MAX = 64 * 1024 * 1024


class BadRequest(Exception):
    """What came is not HTTP; `status` is what it gets."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


class Cut(Exception):
    """The line breaks, here and now; `partial` is what still leaves."""

    def __init__(self, partial=b''):
        super().__init__('cut')
        self.partial = partial


class Request:
    def __init__(self, method, target, headers, body, peer):
        self.method, self.headers, self.body, self.peer = method, headers, body, peer
        address = urllib.parse.urlsplit(target)
        self.path, self.query = urllib.parse.unquote(address.path), address.query

    @property
    def content_type(self):
        return self.headers.get('content-type', '').partition(';')[0].strip().lower()


class Response:
    def __init__(self, status=200, body=b'', content_type='application/json', headers=()):
        self.status, self.body, self.content_type, self.headers = status, body, content_type, dict(headers)

    @classmethod
    def json(cls, value, status=200, headers=()):
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), 'application/json', headers)

    def head(self, keep):
        try:
            reason = http.HTTPStatus(self.status).phrase
        except ValueError:
            reason = 'Unknown'
        lines = [f'HTTP/1.1 {self.status} {reason}', f'Content-Type: {self.content_type}',
                 f'Content-Length: {len(self.body)}', f'Connection: {"keep-alive" if keep else "close"}']
        lines += [f'{name}: {value}' for name, value in self.headers.items()]
        return '\r\n'.join(lines).encode() + b'\r\n\r\n'


async def read_head(reader):
    """(first line, headers), or None at the end of the connection."""
    try:
        head = await reader.readuntil(b'\r\n\r\n')
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise BadRequest(400, 'half a head') from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431, 'a head without an end') from error
    lines = head.decode('latin-1').lstrip('\r\n').split('\r\n')
    headers = {}
    for line in filter(None, lines[1:]):
        name, colon, value = line.partition(':')
        if not colon:
            raise BadRequest(400, 'a header without a colon')
        headers[name.strip().lower()] = value.strip()
    return lines[0], headers


async def read_body(reader, headers):
    if headers.get('transfer-encoding', '').lower() == 'chunked':
        body = await read_chunks(reader)
    else:
        try:
            size = int(headers.get('content-length', '0'))
        except ValueError as error:
            raise BadRequest(400, 'content-length is no number') from error
        if size > BODY_BYTES_MAX:
            raise BadRequest(413, 'too large')
        body = await reader.readexactly(size)
    packing = headers.get('content-encoding', '').lower()
    if packing == 'gzip':
        return gzip.decompress(body)
    return zlib.decompress(body) if packing == 'deflate' else body


async def read_chunks(reader):
    body = b''
    while True:
        size = int((await reader.readuntil(b'\r\n')).split(b';')[0], 16)
        if len(body) + size > BODY_BYTES_MAX:
            raise BadRequest(413, 'too large')
        body += await reader.readexactly(size)
        await reader.readuntil(b'\r\n')
        if size == 0:
            return body


class Server:
    """Calls `handler (Request) -> Response` for each request; the handler may raise Cut."""

    def __init__(self, handler):
        self.handler, self.server, self.tasks = handler, None, set()

    async def start(self, host, port):
        self.server = await asyncio.start_server(self.serve, host, port, limit=HEAD_BYTES_MAX)
        return self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while await self.serve_one(reader, writer):
                pass
        except Cut as cut:
            writer.write(cut.partial)
            if cut.partial:
                await writer.drain()
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            writer.transport.abort()
        finally:
            self.tasks.discard(task)
            writer.close()

    async def serve_one(self, reader, writer):
        """False: the connection is over."""
        try:
            head = await read_head(reader)
            if head is None:
                return False
            words = head[0].split(' ')
            if len(words) != 3 or not words[2].startswith('HTTP/1.'):
                raise BadRequest(400, 'no request line')
            if head[1].get('expect', '').lower() == '100-continue':
                writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')
            body = await read_body(reader, head[1])
        except BadRequest as error:
            writer.write(Response(error.status, str(error).encode(), 'text/plain').head(False) + str(error).encode())
            await writer.drain()
            return False
        keep = head[1].get('connection', '').lower() != 'close' and words[2] != 'HTTP/1.0'
        request = Request(words[0], words[1], head[1], body, writer.get_extra_info('peername'))
        response = await self.watched(request, reader)
        writer.write(response.head(keep) + (b'' if words[0] == 'HEAD' else response.body))
        await writer.drain()
        return keep

    async def watched(self, request, reader):
        """The handler's answer; it is cancelled when its client goes away meanwhile, as a long poll is."""
        work = asyncio.ensure_future(self.handler(request))
        try:
            while not work.done():
                await asyncio.wait([work], timeout=0.05)
                if reader.at_eof() and not work.done():
                    raise ConnectionResetError
            return work.result()
        finally:
            work.cancel()


async def post(url, body, headers, context=None, timeout=10):
    """(status, reason, headers, body) of one POST on a connection of its own."""
    address = urllib.parse.urlsplit(url)
    secure = address.scheme == 'https'
    port = address.port or (443 if secure else 80)
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection(address.hostname, port, ssl=context if secure else None), timeout)
    try:
        target = (address.path or '/') + ('?' + address.query if address.query else '')
        lines = [f'POST {target} HTTP/1.1', f'Host: {address.netloc}', 'Connection: close',
                 f'Content-Length: {len(body)}', *(f'{name}: {value}' for name, value in headers.items())]
        writer.write('\r\n'.join(lines).encode() + b'\r\n\r\n' + body)
        return await asyncio.wait_for(read_answer(reader), timeout)
    finally:
        writer.close()


async def read_answer(reader):
    head = await read_head(reader)
    if head is None:
        raise ConnectionResetError('closed without an answer')
    words = head[0].split(' ', 2)
    headers = head[1]
    if 'content-length' in headers or headers.get('transfer-encoding', '').lower() == 'chunked':
        body = await read_body(reader, headers)
    else:
        body = await reader.read()
    return int(words[1]), words[2] if len(words) > 2 else '', headers, body
