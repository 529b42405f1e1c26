#!/usr/bin/python3
# RUN: timeout=1200 alone variants=release,debug label=release
"""The web and Telegram together, for a long time, with whatever goes wrong: every message is answered once, in order
in each chat, and memory stays flat.

$SOAK_S is the time in seconds: 600 under tools/check --nightly, else 30. $SOAK_RATE: messages a second, half of them
by each platform.
"""

import http.client
import json
import os
import random
import re
import shutil
import threading
import time
import unittest

from chain import BUILD, Agent, ChainTest, wait

SOAK_S = int(os.environ.get('SOAK_S') or (600 if os.environ.get('CHECK_MODE') == 'nightly' else 30))
RATE = int(os.environ.get('SOAK_RATE') or 200)
USERS, CLIENTS = 40, 16
FAULT_EVERY_S = 1.0
# What can be repeated, and what leaves an outcome that nobody knows.
FAULTS = (
    ('getUpdates', 'duplicate', {'count': 3}), ('getUpdates', 'reorder', {'count': 3}),
    ('getUpdates', 'cut_before', {}),
    ('getUpdates', 'cut_after', {}), ('getUpdates', 'server_error', {'status': 502}), ('getUpdates', 'garbage', {}),
    ('getUpdates', 'conflict', {}), ('getUpdates', 'flood', {'retry_after': 1}), ('sendMessage', 'flood', {
        'retry_after': 1}), ('sendMessage', 'slow', {'seconds': 0.3}), ('sendMessage', 'error', {
            'description': "Bad Request: can't parse entities: scripted"}), ('sendMessage', 'cut_after', {}),
    ('sendMessage', 'cut_before', {}), ('sendMessage', 'server_error', {'status': 500}),
)
GROWTH_MB, GROWTH = 12, 1.25


class WebUser(threading.Thread):
    """Says number after number in a session, and counts what is answered."""

    def __init__(self, port, name, stop, pause_s):
        super().__init__(daemon=True)
        self.port, self.session, self.stop, self.pause_s = port, name, stop, pause_s
        self.said, self.answered, self.wrong = 0, 0, []

    def run(self):
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        due = time.monotonic()
        while not self.stop.is_set():
            due += self.pause_s
            self.stop.wait(max(0, due - time.monotonic()))
            text = f'{self.session} {self.said}'
            self.said += 1
            try:
                line.request('POST', '/chat/message', json.dumps({
                    'platform': 'web', 'user_id': self.session, 'session_id': self.session, 'message_text': text}),
                    {'Content-Type': 'application/json'})
                answer = line.getresponse()
                body = json.loads(answer.read())
                if answer.status == 200 and body['response_text'] == text:
                    self.answered += 1
                else:
                    self.wrong.append((answer.status, text, body))
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append((text, repr(error)))
                line.close()
        line.close()


class Soak(ChainTest):
    def begin(self):
        chain = self.chain(start=False, messages_per_s=1000, chat_messages_per_s=1000, typing=True, stream=True)
        shutil.copy(f'{BUILD}/plugins/web.so', f'{chain.plugins}/web.so')
        os.chmod(f'{chain.plugins}/web.so', 0o755)
        chain.broker.write_conf({'adapters': {'telegram': chain.adapter_conf, 'web': {'port': 0}},
                                 'log.level': 'info'})
        chain.broker.start()
        Agent(self, chain.broker, '--services', 'advisor', '--threads', '8', '--credit', '64')
        port = wait(lambda: next((int(found[1]) for line in chain.broker.lines if (found := re.search(
            r'listening on http://\S+:(\d+)', line.get('text', '')))), None), 'the gateway listens')
        chain.asked('getUpdates')
        return chain, port

    def memory(self, chain):
        """MB of the broker and of each adapter."""
        pids = {'palaverd': chain.broker.process.pid}
        pids.update((item['name'], item['pid']) for item in chain.broker.ask('adapters.list')['items'])
        found = {}
        for name, pid in pids.items():
            with open(f'/proc/{pid}/status', encoding='ascii') as file:
                found[name] = int(re.search(r'VmRSS:\s+(\d+)', file.read())[1]) / 1024
        return found

    def talk(self, chain, seconds, said, chance):
        """Telegram's users write, and things go wrong."""
        begun = time.monotonic()
        due, fault_due = begun, begun + FAULT_EVERY_S
        while time.monotonic() - begun < seconds:
            user = 1000 + chance.randrange(USERS)
            chain.say(str(said.get(user, 0)), user=user)
            said[user] = said.get(user, 0) + 1
            due += 2 / RATE
            if time.monotonic() > fault_due:
                fault_due += FAULT_EVERY_S
                method, kind, more = chance.choice(FAULTS)
                chain.tg.fault(method, kind, **more)
            chain.rest(max(0, due - time.monotonic()))

    def unknown(self, chain):
        return int(chain.broker.metric('deliveries{outcome="unknown"}'))

    def check_telegram(self, chain, said):
        """Every number once and in order, or as many are missing as outcomes are unknown."""
        def balance():
            counts = chain.broker.ask('status')['counts']
            return {'pending': counts['pending_events'], 'outbox': counts['outbox'], 'dead': counts['dead'],
                    'unknown': self.unknown(chain),
                    'missing': {user: lost for user, count in said.items()
                                if (lost := count - len(set(chain.seen(user))))}}

        def is_done():
            left = balance()
            return not left['pending'] and not left['outbox'] and sum(left['missing'].values()) <= left['unknown']
        try:
            chain.wait(is_done, 'all are answered', 60)
        except AssertionError as error:
            raise AssertionError(f'{balance()}\n{error}') from None
        for user, count in said.items():
            numbers = [int(text) for text in chain.seen(user)]
            self.assertEqual(numbers, sorted(set(numbers)), user)
            self.assertLessEqual(set(numbers), set(range(count)))

    def test_soak(self):
        chain, port = self.begin()
        seed = int(os.environ.get('SOAK_SEED') or time.time())
        chance, said, stop = random.Random(seed), {}, threading.Event()
        users = [WebUser(port, f'w{number}', stop, CLIENTS * 2 / RATE) for number in range(CLIENTS)]
        for user in users:
            user.start()
        self.talk(chain, SOAK_S / 3, said, chance)
        before = self.memory(chain)
        self.talk(chain, SOAK_S * 2 / 3, said, chance)
        after = self.memory(chain)
        stop.set()
        for user in users:
            user.join(60)
        chain.tg.clear_faults()
        self.check_telegram(chain, said)
        self.assertEqual([user.wrong for user in users if user.wrong], [], f'seed {seed}')
        self.assertEqual([user.said for user in users], [user.answered for user in users])
        web, telegram = sum(user.said for user in users), sum(said.values())
        print(f'seed {seed}: {web} messages by the web, {telegram} by Telegram, '
              f'{(web + telegram) / SOAK_S:.0f} a second; '
              f'{self.unknown(chain)} outcomes unknown; MB {before} -> {after}')
        self.assertGreater((web + telegram) / SOAK_S, RATE * 0.8)
        for name, size in after.items():
            self.assertLess(size, before[name] * GROWTH + GROWTH_MB, name)


if __name__ == '__main__':
    unittest.main()
