"""The whole chain for tests of the Telegram adapter: the fake Bot API server, a broker, the real host with
telegram.so, and a worker that answers by hand.

    class Some(ChainTest):
        def test_it(self):
            chain = self.chain(typing=False)
            chain.say('hello')
            chain.answer('good day')
            self.assertEqual(chain.texts(1), ['good day'])

At the end of a test the fake must have nothing to say against what it was asked.
"""

import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
# Behind everything else: the folders of test/ have names that others use too.
sys.path.append(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'system'))
from palaverd import BUILD, SECONDS, VARIANT, Broker, BrokerTest, route, wait  # noqa: E402
from platforms.telegram.server import Telegram  # noqa: E402
from ports import free_port  # noqa: E402
from wireclient import frame, pack  # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))
USER = 1001
# What most tests do not want to see in every text; it has tests of its own.
QUIET = {'compliance.on': False}
PLAIN = {'ai_notice': '', 'start_text': '', 'typing': False, 'stream': False}


class Chain:
    """`conf` are keys of the adapter, `broker_conf` those of the broker."""

    def __init__(self, test, telegram, broker_conf=None, start=True, **conf):
        self.test, self.tg = test, telegram
        self.folder = test.folder()
        self.plugins = f'{self.folder}/plugins'
        os.mkdir(self.plugins, 0o755)
        shutil.copy(f'{BUILD}/plugins/telegram.so', f'{self.plugins}/telegram.so')
        os.chmod(f'{self.plugins}/telegram.so', 0o755)
        self.adapter_conf = {'token': 'env:TELEGRAM_TOKEN', 'api_root': telegram.root, **PLAIN, **conf}
        self.broker = Broker(self.folder, {**QUIET, 'plugins.host': f'{BUILD}/bin/palaver-adapter', 'routes': [route()],
                                           'adapters': {'telegram': self.adapter_conf}, **(broker_conf or {})},
                             env={'TELEGRAM_TOKEN': telegram.token}, options=('--plugins', self.plugins))
        test.addCleanup(self.broker.close)
        self.worker = None
        if start:
            self.start()

    def start(self):
        self.broker.start()
        self.worker = self.broker.worker()
        return self

    # ---------------------------------------------------------------- users, agents, and what they see

    def say(self, text, **where):
        return self.tg.say(text, **where)

    def job(self, text=None):
        try:
            job = self.worker.job()
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.story()}') from None
        if text is not None:
            self.test.assertEqual(job['body'].get('message_text'), text)
        return job

    def reply(self, job, text, **body):
        self.worker.reply(job['lease'], text, **body)
        self.worker.expect('COMMITTED')

    def answer(self, text='an answer', **body):
        """Takes the next job and answers it; the job."""
        job = self.job()
        self.reply(job, text, **body)
        return job

    def live(self, job, kind, body):
        envelope = {**job['envelope'], 'id': os.urandom(16), 'type': kind, 'reply_to': job['envelope']['id']}
        envelope.pop('platform_id', None)
        self.worker.send(frame('LIVE', envelope, pack(body)))

    def delta(self, job, index, text):
        self.live(job, 'chat.delta', {'delta': text, 'index': index})

    def texts(self, count, chat=USER, seconds=SECONDS):
        """What the bot wrote in a chat, as soon as there is so much."""
        found = self.wait(lambda: (texts := self.seen(chat)) is not None and len(texts) >= count and texts,
                          f'{count} texts in {chat}', seconds)
        return found

    def seen(self, chat=USER):
        return self.tg.texts(chat) if any(one['id'] == chat for one in self.tg.chats()) else []

    def wait(self, condition, what, seconds=SECONDS):
        try:
            return wait(condition, what, seconds)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.story()}') from None

    def story(self):
        asked = '\n'.join(f"{one['at']} {one['method']} {one['params']} {one['status']} {one['description']}"
                          for one in self.tg.requests()[-12:])
        return f'{self.broker.tail(25)}\n{asked}'

    def asked(self, method, count=1, seconds=SECONDS):
        """The requests of a method, as soon as there are so many."""
        return self.wait(lambda: (found := self.tg.requests(method)) and len(found) >= count and found,
                         f'{count} of {method}', seconds)

    def params(self, method):
        return [one['params'] for one in self.tg.requests(method)]

    # ---------------------------------------------------------------- the host

    def host(self):
        """The adapter as the broker lists it, when it is ready."""
        return self.wait(lambda: next((item for item in self.broker.ask('adapters.list')['items']
                                       if item['name'] == 'telegram' and item['state'] == 'ready'), None), 'the host')

    def trouble(self, words, after=0):
        """The operator has read these words about the adapter."""
        return self.wait(lambda: any(line.get('id') == 'plugin.warn' and words in line.get('text', '')
                                     for line in self.broker.lines[after:]), words)

    def works(self):
        """The last that the operator read is no trouble."""
        def look():
            lines = [line['text'] for line in self.broker.lines
                     if (line.get('id') == 'plugin.warn' and 'Telegram wants' not in line['text'])
                     or line.get('text') == 'works again']
            return not lines or lines[-1] == 'works again'
        return self.wait(look, 'it works')

    def rest(self, seconds):
        """Lets time pass, for what must not happen meanwhile."""
        until = time.monotonic() + seconds
        wait(lambda: time.monotonic() > until, 'time passes', seconds + SECONDS)

    def settled(self):
        """Nothing is on its way to Telegram any more."""
        self.broker.wait_metric('outbox', 0)


class ChainTest(BrokerTest):
    limits = False

    def telegram(self, **options):
        telegram = Telegram(**{'limits': self.limits, **options})
        telegram.__enter__()
        self.addCleanup(telegram.__exit__, None, None, None)
        self.addCleanup(lambda: self.assertEqual(telegram.lints(), []))
        return telegram

    def chain(self, telegram=None, **conf):
        return Chain(self, telegram or self.telegram(), **conf)


class Agent:
    """A program as a worker of a chain."""

    def __init__(self, test, broker, *options, program='palaver-echo'):
        self.child = subprocess.Popen([f'{BUILD}/bin/{program}', '--endpoint', f'ipc://{broker.run}/agents.ipc',
                                       *options], stdin=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        test.addCleanup(self.end)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
