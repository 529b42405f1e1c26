"""Updates on their way to the bot's webhook: in order within a chat, again after a failure, until a 2xx comes."""

import asyncio
import collections
import json
import random
import ssl
import urllib.parse

from . import httpd

RETRY_AFTER_MAX_S = 3600
DELAY_MAX_S = 60
GONE_S = 23 * 3600
#   what an answer in the webhook's own reply may not call
NOT_IN_REPLY = ('setwebhook', 'deletewebhook', 'close', 'logout')


class Webhook:
    def __init__(self, fake):
        self.fake = fake
        self.pace = 1.0            # tests make the backoff shorter
        self.url, self.secret, self.certificate, self.most = '', '', b'', 40
        self.queues, self.workers = {}, {}
        self.log = []              # every delivery: {update_id, at, status or error}
        self.clear()

    def clear(self):
        self.url, self.secret, self.certificate = '', '', b''
        self.error, self.error_date, self.gone_since = '', 0, None
        for worker in self.workers.values():
            worker.cancel()
        self.queues, self.workers = {}, {}
        self.fake.inbox.on_new = None

    def set(self, url, secret, most, certificate):
        self.clear()
        self.url, self.secret, self.most, self.certificate = url, secret, most, certificate
        self.room = asyncio.Semaphore(most)
        self.fake.inbox.on_new = self.add
        for update, chat_id in list(self.fake.inbox.waiting.values()):
            self.add(update, chat_id)

    def info(self):
        found = {'url': self.url, 'has_custom_certificate': bool(self.certificate)}
        if self.url:
            found.update(max_connections=self.most, ip_address='127.0.0.1')
        if self.error:
            found.update(last_error_date=self.error_date, last_error_message=self.error)
        return found

    def add(self, update, chat_id):
        queue = self.queues.setdefault(chat_id, collections.deque())
        fault = self.fake.faults.take('webhook', kinds=('duplicate', 'reorder'))
        if fault and fault.kind == 'reorder' and queue:
            queue.appendleft(update)
        else:
            queue.append(update)
        if fault and fault.kind == 'duplicate':
            queue.append(update)
        if chat_id not in self.workers or self.workers[chat_id].done():
            self.workers[chat_id] = asyncio.ensure_future(self.work(queue))

    async def work(self, queue):
        while queue:
            update, delay, failures = queue[0], 1, 0
            while True:
                async with self.room:
                    retry_after = await self.deliver(update)
                if retry_after is None:
                    break
                wait = min(retry_after, RETRY_AFTER_MAX_S)
                if not retry_after and failures:
                    delay = min(delay * 2, random.randint(DELAY_MAX_S, 2 * DELAY_MAX_S))
                    wait = delay
                failures += 1
                await asyncio.sleep(wait * self.pace)
            queue.remove(update)
            self.fake.inbox.forget(update['update_id'])
            self.fake.changed()

    async def deliver(self, update):
        """None: it was taken; else after how many seconds the bot wants it again (0: it did not say)."""
        headers = {'Content-Type': 'application/json', 'Accept-Encoding': 'gzip, deflate'}
        if self.secret:
            headers['X-Telegram-Bot-Api-Secret-Token'] = self.secret
        entry = {'update_id': update['update_id'], 'at': self.fake.seconds()}
        self.log.append(entry)
        try:
            body = json.dumps(update, ensure_ascii=False).encode()
            status, reason, answered, body = await httpd.post(self.url, body, headers, self.context())
        except ConnectionRefusedError:
            return self.failed(entry, 'Connection refused')
        except asyncio.TimeoutError:
            return self.failed(entry, 'Read timeout expired')
        except ssl.SSLError as error:
            return self.failed(entry, f'SSL error {{{error.reason}}}')
        except (OSError, EOFError, ValueError, httpd.BadRequest):
            return self.failed(entry, 'Webhook connection closed')
        entry['status'] = status
        if not 200 <= status <= 299:
            return self.refused(entry, status, reason, answered)
        self.gone_since = None
        await self.answer(answered, body)
        return None

    def refused(self, entry, status, reason, headers):
        now = self.fake.world.now()
        self.gone_since = (self.gone_since or now) if status == 410 else None
        wait = self.failed(entry, f'Wrong response from the webhook: {status} {reason}')
        if self.gone_since and now - self.gone_since > GONE_S:
            self.clear()
        return int(headers['retry-after']) if headers.get('retry-after', '').isdigit() else wait

    def failed(self, entry, words):
        entry['error'], self.error, self.error_date = words, words, self.fake.world.date()
        return 0

    def context(self):
        if not self.url.startswith('https'):
            return None
        context = ssl.create_default_context()
        if self.certificate:
            context.load_verify_locations(cadata=self.certificate.decode())
        return context

    async def answer(self, headers, body):
        """The reply may hold one call of a method; its result is never told."""
        kind = headers.get('content-type', '').partition(';')[0].strip().lower()
        try:
            if kind == 'application/json':
                raw = json.loads(body) if body.strip() else {}
            else:
                raw = dict(urllib.parse.parse_qsl(body.decode('utf-8', 'replace')))
        except ValueError:
            return
        name = str(raw.pop('method', '')).lower() if isinstance(raw, dict) else ''
        if name and name not in NOT_IN_REPLY and not name.startswith('get'):
            await self.fake.run_reply(name, raw)
