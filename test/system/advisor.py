"""The advisor as a worker process between a real broker and a fake of the Messages API.

    class Some(AdvisorTest):
        def test_it(self):
            self.begin(retries=0)
            self.fake.script(tool('search', query='world stocks'), answer('VT covers the world.', VT='wide'))
            body = self.ask('I want to invest 10,000 USD for 20 years, medium risk')
"""

import os
import subprocess
import sys
import tempfile
import threading

import palaverd
from palaverd import BUILD, SECONDS, BrokerTest, wait

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'platforms', 'messages'))
import fake_messages  # noqa: E402

PROFILE = 'I want to invest 10,000 USD for 20 years with medium risk'


def tool(name, *more, **inputs):
    """The first message of the model: calls of tools. `more`: further (name, input) pairs."""
    calls = [(name, inputs), *more]
    return {'when': {'results': 0}, 'content': [{'tool': one, 'input': given} for one, given in calls]}


def said(text, kind='recommendation', risk=None, **why):
    """What the model says at the end."""
    return {'answer': text, 'kind': kind, 'risk_tolerance': risk,
            'recommendations': [{'symbol': symbol, 'why': words} for symbol, words in why.items()]}


def answer(text, kind='recommendation', risk=None, **why):
    return {'when': {'min_results': 1}, 'content': [{'json': said(text, kind, risk, **why)}]}


def at_once(text, kind='other', **more):
    """An answer without any tool."""
    return {'content': [{'json': said(text, kind)}], **more}


class Advisor:
    """A worker process, and what it says on stderr."""

    def __init__(self, endpoint, url, folder, env_key=fake_messages.KEY, options=(), **settings):
        given = {'base': url, 'budget_file': f'{folder}/budget', 'first_token_ms': 20000, **settings}
        command = [f'{BUILD}/bin/palaver-advisor', '--endpoint', endpoint, *options]
        for name, value in given.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command += ['--set', f'{name}={text}']
        env = {name: value for name, value in os.environ.items() if not name.startswith('ANTHROPIC_')}
        if env_key is not None:
            env['ANTHROPIC_API_KEY'] = env_key
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with self.process.stderr as stream:
            self.lines.extend(line.rstrip('\n') for line in stream)

    def close(self):
        """The end of a test; a sanitizer that looks for leaks gets the time to."""
        if palaverd.VARIANT == 'asan' and self.process.poll() is None:
            self.process.terminate()
            try:
                code = self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                code = 0
            assert code == 0, '\n'.join(self.lines[-60:])
        self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(SECONDS)

    def rss_mb(self):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS')) / 1024


class AdvisorTest(BrokerTest):
    def begin(self, conf=None, workers=1, **settings):
        self.fake = fake_messages.start(self)
        self.palaver = self.broker(conf)
        self.budgets = tempfile.mkdtemp(prefix='b', dir=self.palaver.folder)
        self.workers = [self.advisor(**settings) for _ in range(workers)]
        self.here(workers)
        self.web = self.palaver.adapter()

    def advisor(self, **settings):
        advisor = Advisor(f'ipc://{self.palaver.run}/agents.ipc', self.fake.url, self.budgets, **settings)
        self.addCleanup(advisor.close)
        return advisor

    def here(self, count):
        wait(lambda: len(self.palaver.ask('agents.list')['items']) == count, f'{count} workers')

    def ask(self, text, session='1', seconds=None):
        """The body of the answer."""
        self.web.publish(text, session=session)
        self.web.expect('STORED')
        delivery = self.web.delivery(seconds)
        self.web.delivered(delivery['delivery'])
        self.web.expect('SETTLED')
        return delivery['body']

    def by_claude(self, body):
        self.assertEqual(body.get('metadata', {}).get('answered_by'), 'claude', body)
        return body

    def offline(self, body, reason):
        """An answer of the offline advisor, which says why; its metadata."""
        metadata = body.get('metadata', {})
        self.assertEqual((metadata.get('answered_by'), metadata.get('reason')), ('offline', reason), body)
        self.assertTrue(body['response_text'].startswith('The ') or body['response_text'].startswith('This ')
                        or body['response_text'].startswith('What '), body['response_text'])
        return metadata

    def problems(self):
        return self.fake.state()['problems']


PATIENCE = palaverd.PATIENCE
