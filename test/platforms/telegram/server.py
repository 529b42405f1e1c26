#!/usr/bin/python3
"""A strict fake of Telegram's Bot API server, on this machine only.

    server.py --port 0 --control      prints {"root": "http://127.0.0.1:PORT", "token": ..., "control": ...}

A client is given `root` in place of https://api.telegram.org. With --control, POST /control/NAME plays the users and
looks at what they see; GET /control lists what there is. In a test: `with Telegram() as telegram: telegram.say(...)`.
"""

import argparse
import asyncio
import inspect
import json
import os
import re
import signal
import sys
import threading
import time

if not __package__:
    # Behind everything else: the folders here have names that others use too.
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != here]
    sys.path.append(os.path.dirname(os.path.dirname(here)))

from platforms.telegram import faults, httpd, params, table  # noqa: E402
from platforms.telegram.control import Control  # noqa: E402
from platforms.telegram.inbox import Inbox  # noqa: E402
from platforms.telegram.limits import Limits  # noqa: E402
from platforms.telegram.methods import Methods, Result  # noqa: E402
from platforms.telegram.params import ApiError, Upload  # noqa: E402
from platforms.telegram.webhook import Webhook  # noqa: E402
from platforms.telegram.world import World  # noqa: E402

TOKEN = '7000000001:AAFakeFakeFakeFakeFakeFakeFakeFakeFak'
LOG_MAX = 200000


class Fake:
    def __init__(self, token=TOKEN, username='palaver_test_bot', control=False, local=True, privacy=False, limits=True):
        bot = {'id': int(token.split(':')[0]), 'is_bot': True, 'first_name': 'Palaver', 'username': username,
               'can_join_groups': True, 'can_read_all_group_messages': not privacy, 'supports_inline_queries': False,
               'supports_guest_queries': False, 'can_connect_to_business': False, 'has_main_web_app': False,
               'has_topics_enabled': False, 'allows_users_to_create_topics': False, 'can_manage_bots': False,
               'supports_join_request_queries': False}
        self.token, self.with_control, self.local, self.privacy = token, control, local, privacy
        self.world, self.faults, self.limits = World(bot), faults.Faults(), Limits(on=limits)
        self.inbox = Inbox(self.faults, self.world.now)
        self.webhook = Webhook(self)
        self.methods, self.control = Methods(self), Control(self)
        self.log, self.lints = [], []
        self.started, self.waiters = time.monotonic(), set()
        self.server = httpd.Server(self.handle)

    def seconds(self):
        """Since the start: the times of the log."""
        return round(time.monotonic() - self.started, 6)

    def lint(self, words):
        self.lints += words

    def changed(self):
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()

    async def change(self, timeout):
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.add(waiter)
        await asyncio.wait([waiter], timeout=timeout)

    # ------------------------------------------------------------ requests

    async def handle(self, request):
        if request.path == '/control' or request.path.startswith('/control/'):
            return await self.handle_control(request)
        found = re.fullmatch(r'/(file/)?bot([^/]*)/(.+)', request.path)
        if not found:
            return self.failure(ApiError(404, 'Not Found'))
        if not re.fullmatch(r'[1-9]\d{0,15}:[A-Za-z0-9_-]{20,80}', found[2]):
            return self.failure(ApiError(404, 'Not Found'))
        if found[2] != self.token:
            return self.failure(ApiError(401, 'Unauthorized'))
        if found[1]:
            return self.download(found[3])
        return await self.handle_method(request, found[3])

    def download(self, path):
        file = next((one for one in self.world.files.values() if one.path == path), None)
        if file is None:
            return self.failure(ApiError(404, 'Not Found: file not found'))
        return httpd.Response(200, file.data, 'application/octet-stream')

    async def handle_method(self, request, given):
        name = table.BY_LOWER.get(given.lower())
        entry = self.new_entry(name or given, request.method, request.content_type, (request.peer or ('', 0))[1])
        if name is None or request.method not in ('GET', 'POST'):
            self.lint([f'{given}: no such method here'])
            self.changed()
            return self.failure(ApiError(404, 'Not Found: method not found'), entry)
        try:
            raw = params.collect(request)
            entry['params'] = {one: repr(value) if isinstance(value, Upload) else value for one, value in raw.items()}
        except ApiError as error:
            return self.failure(error, entry)
        self.changed()
        return await self.scripted(name, raw, entry)

    async def scripted(self, name, raw, entry):
        """Carries a request out, unless a fault says otherwise."""
        chat = str(raw.get('chat_id', ''))
        fault = self.faults.take(name, int(chat) if re.fullmatch(r'-?\d+', chat) else None)
        entry['fault'] = fault.kind if fault else None
        try:
            if fault:
                await faults.before(fault)
            response = self.success(await self.run(name, raw), entry)
        except ApiError as error:
            response = self.failure(error, entry)
        except faults.Broken as broken:
            entry['status'] = broken.status
            return broken.response()
        finally:
            entry['took'] = round(self.seconds() - entry['at'], 6)
            self.changed()
        try:
            return await faults.after(fault, response) if fault else response
        except faults.Broken as broken:
            entry['status'] = broken.status
            return broken.response()

    async def run(self, name, raw):
        name = table.BY_LOWER.get(name.lower())
        if name is None:
            raise ApiError(404, 'Not Found: method not found')
        values, lints = params.convert(name, raw)
        self.lint(lints)
        return await self.methods.call(name, values)

    async def run_reply(self, name, raw):
        """A call in the answer of a webhook: nobody is told what became of it."""
        entry = self.new_entry(table.BY_LOWER.get(name, name), 'webhook reply')
        entry['params'] = raw
        try:
            self.success(await self.run(name, raw), entry)
        except ApiError as error:
            self.failure(error, entry)
        self.changed()

    def new_entry(self, method, http, content_type='', peer=0):
        entry = {'at': self.seconds(), 'method': method, 'http': http, 'content_type': content_type, 'peer': peer,
                 'params': {}, 'status': None, 'description': None, 'fault': None, 'took': None}
        self.log.append(entry)
        del self.log[:-LOG_MAX]
        return entry

    def success(self, result, entry):
        answer = {'ok': True, 'result': result}
        if isinstance(result, Result):
            answer = {'ok': True, 'result': result.value, 'description': result.description}
        entry['status'] = 200
        return httpd.Response.json(answer)

    def failure(self, error, entry=None):
        answer = {'ok': False, 'error_code': error.code, 'description': error.description}
        if error.parameters:
            answer['parameters'] = error.parameters
        if entry:
            entry['status'], entry['description'] = error.code, error.description
        wait = error.parameters.get('retry_after')
        return httpd.Response.json(answer, error.code, {'Retry-After': wait} if wait else {})

    # ------------------------------------------------------------ control over HTTP

    async def handle_control(self, request):
        if not self.with_control:
            return self.failure(ApiError(404, 'Not Found'))
        name = request.path.removeprefix('/control').strip('/')
        if not name:
            return httpd.Response.json({'calls': {one: describe(getattr(self.control, one))
                                                  for one in self.control._names()}})
        try:
            arguments = json.loads(request.body) if request.body.strip() else {}
            return httpd.Response.json({'ok': True, 'result': await self.control._call(name, arguments)})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return httpd.Response.json({'ok': False, 'description': f'{type(error).__name__}: {error}'}, 400)


def describe(function):
    return str(inspect.signature(function)) + ' ' + (function.__doc__ or '').strip()


class Telegram:
    """The fake in a thread of its own. Every function of control.Control is one of this: telegram.say ('hello')."""

    def __init__(self, port=0, **options):
        self.fake, self.wanted_port = Fake(**options), port
        self.token = self.fake.token
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.port = self.run(self.fake.server.start('127.0.0.1', self.wanted_port))
        self.root = f'http://127.0.0.1:{self.port}'
        return self

    def __exit__(self, *_):
        self.run(self.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def stop(self):
        self.fake.webhook.clear()
        await self.fake.server.stop()

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return lambda *given, **arguments: self.run(self.call(name, given, arguments))

    async def call(self, name, given, arguments):
        names = list(inspect.signature(getattr(self.fake.control, name)).parameters) if given else []
        return await self.fake.control._call(name, {**dict(zip(names, given)), **arguments})


async def serve(options):
    fake = Fake(options.token, options.username, options.control, not options.strict_webhook, options.privacy,
                not options.no_limits)
    port = await fake.server.start('127.0.0.1', options.port)
    root = f'http://127.0.0.1:{port}'
    print(json.dumps({'root': root, 'token': fake.token, 'bot': fake.world.bot['username'],
                      'control': root + '/control' if options.control else None}), flush=True)
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await end.wait()
    fake.webhook.clear()
    await fake.server.stop()


def main():
    parser = argparse.ArgumentParser(description='a strict fake of the Bot API server, on 127.0.0.1')
    parser.add_argument('--port', type=int, default=0, help='0: any that is free')
    parser.add_argument('--token', default=TOKEN)
    parser.add_argument('--username', default='palaver_test_bot', help='of the bot')
    parser.add_argument('--control', action='store_true', help='serve /control')
    parser.add_argument('--privacy', action='store_true', help='the bot has privacy mode on')
    parser.add_argument('--no-limits', action='store_true', help='as many messages a second as it likes')
    parser.add_argument('--strict-webhook', action='store_true', help='https and the four ports only')
    asyncio.run(serve(parser.parse_args()))


if __name__ == '__main__':
    main()
