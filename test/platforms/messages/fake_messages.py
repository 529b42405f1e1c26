"""The fake Messages API as a process of a test.

    fake = fake_messages.start(self)          # ends with the test
    fake.script({'content': [{'text': 'hello'}]}, {'status': 529})
    fake.url, fake.state()['calls'], fake.requests()
"""

import http.client
import json
import os
import subprocess
import sys

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'server.py')
KEY = 'test-key'


class Fake:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, SERVER, '--port', '0'], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(':')[2])

    def post(self, path, body, headers=None):
        """(status, headers, body) of one request."""
        line = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        try:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            line.request('GET' if body is None else 'POST', path, None if body is None else data, headers or {})
            response = line.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            line.close()

    def tell(self, what, body=None):
        status, _, data = self.post(f'/control/{what}', body)
        assert status == 200, (what, data)
        return json.loads(data)

    def script(self, *scenarios, **more):
        return self.tell('script', {'scenarios': scenarios, **more})

    def reset(self):
        return self.tell('reset', {})

    def limits(self, requests, window_s):
        return self.tell('limits', {'requests': requests, 'window_s': window_s})

    def state(self):
        return self.tell('state')

    def requests(self):
        return self.tell('requests')['requests']

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start(test):
    fake = Fake()
    test.addCleanup(fake.stop)
    return fake
