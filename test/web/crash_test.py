#!/usr/bin/python3
# RUN: timeout=600 variants=release label=slow
"""kill -9 of the gateway's host at random moments, while clients send messages and send them again until they are
answered: every message is done once, and everybody gets the one answer to it."""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'system'))
from palaverd import BUILD, SECONDS, BrokerTest, wait  # noqa: E402
from ports import free_port  # noqa: E402

ROUNDS = int(os.environ.get('CHECK_ROUNDS', 100))
CLIENTS, SEED = 4, 20260101


class Client(threading.Thread):
    """Sends one message after the other, each until it is answered."""

    def __init__(self, port, number, over):
        super().__init__(daemon=True)
        self.port, self.number, self.over = port, number, over
        self.sent, self.again, self.answers = 0, 0, []

    def run(self):
        while not self.over.is_set():
            self.sent += 1
            text = f'{self.number}-{self.sent}'
            tries = 0
            while (answer := self.ask(text)) is None:
                tries = 1
                time.sleep(0.01)
            self.again += tries
            self.answers.append((text, answer['response_text'], answer['id']))

    def ask(self, text):
        """The answer, or None: it is to be sent again."""
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=SECONDS)
        try:
            line.request('POST', '/chat/message', json.dumps({'session_id': f's{self.number}', 'user_id': 'u',
                                                              'message_text': text}),
                         {'Content-Type': 'application/json', 'Idempotency-Key': text})
            told = line.getresponse()
            body = told.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()
        assert told.status in (200, 409, 503), (told.status, body)
        return json.loads(body) if told.status == 200 else None


class Crash(BrokerTest):
    """The host is started by hand: the broker would wait longer each time before it starts one that dies."""

    def host(self, broker, port):
        log = f'{broker.folder}/web.log'
        with open(log, 'wb') as out:
            child = subprocess.Popen([f'{BUILD}/bin/palaver-adapter', '--plugin', f'{BUILD}/plugins/web.so', '--conf',
                                      f'{broker.folder}/web.conf', '--broker', f'ipc://{broker.run}/adapters.ipc'],
                                     stdin=subprocess.DEVNULL, stderr=out)

        def look():
            with open(log, encoding='utf-8') as text:
                return f'127.0.0.1:{port}' in text.read()
        wait(look, 'the host listens')
        return child

    def test_nothing_is_lost_and_nothing_done_twice(self):
        broker = self.broker({'session.history_turns': 64, 'log.level': 'info'})
        agent = subprocess.Popen([f'{BUILD}/bin/palaver-echo', '--endpoint', f'ipc://{broker.run}/agents.ipc',
                                  '--services', 'advisor', '--threads', '2', '--credit', '16', '--think', '3'],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (agent.kill(), agent.wait()))
        port = free_port()
        with open(f'{broker.folder}/web.conf', 'w', encoding='ascii') as file:
            file.write(f'adapters = {{ web = {{ port = {port}; }}; }};')
        dice, over = random.Random(SEED), threading.Event()
        clients = [Client(port, number, over) for number in range(CLIENTS)]
        child = self.host(broker, port)
        self.addCleanup(lambda: (child.kill(), child.wait()))
        for client in clients:
            client.start()
        for _ in range(ROUNDS):
            before = sum(len(client.answers) for client in clients)
            wait(lambda: sum(len(client.answers) for client in clients) > before + dice.random() * 8, 'answers go on')
            child.kill()
            child.wait()
            child = self.host(broker, port)
        over.set()
        wait(lambda: not any(client.is_alive() for client in clients), 'every message is answered', 60)
        for client in clients:
            texts = [text for text, answer, _ in client.answers if text == answer]
            self.assertEqual(texts, [f'{client.number}-{at + 1}' for at in range(client.sent)])
            self.assertEqual(len({number for _, _, number in client.answers}), client.sent)
        done = sum(client.sent for client in clients)
        again = sum(client.again for client in clients)
        print(f'{ROUNDS} kills, {done} messages, {again} of them sent again; seed {SEED}')
        self.assertEqual(sum(broker.session(f'web_s{at}')['message_count'] for at in range(CLIENTS)), done)
        self.assertEqual(broker.dead(), [])
        broker.wait_metric('outbox', 0)


if __name__ == '__main__':
    unittest.main()
