"""A client of the fake of Telegram's server, and what its tests share: each test has a server of its own."""

import json
import unittest
import urllib.error
import urllib.request

from platforms.telegram import table
from platforms.telegram.server import Telegram

USER, GROUP = 1001, -2001


class Client:
    """A client as small as can be, on urllib."""

    def __init__(self, telegram):
        self.root, self.token = telegram.root, telegram.token

    def ask(self, method, wait_s=20, **values):
        """(HTTP status, answer)"""
        return self.post(method, json.dumps(values).encode(), 'application/json', wait_s)

    def post(self, method, body, kind, wait_s=20):
        request = urllib.request.Request(f'{self.root}/bot{self.token}/{method}', body, {'Content-Type': kind})
        try:
            with urllib.request.urlopen(request, timeout=wait_s) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def good(self, method, **values):
        status, answer = self.ask(method, **values)
        assert status == 200 and answer['ok'] is True, answer
        result = table.METHODS[method].result
        wrong = table.problems(answer['result'], result)
        assert not wrong, f'{method} gave {wrong}: {answer}'
        return answer['result']

    def bad(self, method, **values):
        """(code, description, parameters)"""
        status, answer = self.ask(method, **values)
        assert status == answer['error_code'] and answer['ok'] is False, answer
        return status, answer['description'], answer.get('parameters', {})

    def send(self, text='hello', chat_id=USER, **more):
        return self.good('sendMessage', chat_id=chat_id, text=text, **more)

    def updates(self, **values):
        return self.good('getUpdates', **values)


class Case(unittest.TestCase):
    OPTIONS = {'limits': False}

    def setUp(self):
        self.telegram = Telegram(**self.OPTIONS).__enter__()
        self.addCleanup(self.telegram.__exit__)
        self.bot = Client(self.telegram)

    def started(self):
        """A private chat that the user has begun, its first message confirmed."""
        self.telegram.say('/start')
        self.bot.updates(offset=self.bot.updates()[-1]['update_id'] + 1)

    def refused(self, words, method, code=400, **values):
        got = self.bot.bad(method, **values)
        self.assertEqual(got[:2], (code, words))
        return got[2]
