"""The net plugin in its real host, and certificates that are made on the spot."""

import http.client
import os
import re
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(HERE))
from cases import main  # noqa: E402
from compiled import compile_plugin  # noqa: E402
from patience import BUILD, SECONDS  # noqa: E402

HOST = os.environ.get('PALAVER_ADAPTER', os.path.join(BUILD, 'bin', 'palaver-adapter'))


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, **more)


class Certificates:
    """An authority in `ca`, a server's certificate and key signed by it, and one that expired."""

    def __init__(self, folder):
        self.folder = folder
        self.ca, self.ca_key = self.path('ca.pem'), self.path('ca.key')
        run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days',
            '2', '-subj', '/CN=Test authority', '-keyout', self.ca_key, '-out', self.ca)
        self.certificate, self.key = self.issue('server', 'DNS:localhost,IP:127.0.0.1', '2')
        self.other, self.other_key = self.issue('other', 'DNS:elsewhere.example', '2')

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, names, days):
        certificate, key, request, more = (self.path(f'{name}.{end}') for end in ('pem', 'key', 'csr', 'ext'))
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj',
            f'/CN={name}', '-keyout', key, '-out', request)
        with open(more, 'w') as out:
            out.write(f'subjectAltName={names}\n')
        run('openssl', 'x509', '-req', '-in', request, '-CA', self.ca, '-CAkey', self.ca_key, '-CAcreateserial',
            '-days', days, '-extfile', more, '-out', certificate)
        return certificate, key

    def client(self):
        return ssl.create_default_context(cafile=self.ca)

    def server(self, other=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(self.other, self.other_key) if other else (self.certificate, self.key))
        return context


class Place:
    """A host with the plugin; no broker is there, and none is needed."""

    def __init__(self, tls=False, environment=None, flags=(), **conf):
        self.dir = tempfile.mkdtemp(prefix='net-')
        self.certificates = Certificates(self.dir) if tls else None
        self.tls = None
        if tls == 'listener':
            conf = {'certificate': self.certificates.certificate, 'key': self.certificates.key, **conf}
            self.tls = self.certificates.client()
        self.conf, self.environment, self.flags = conf, environment or {}, flags

    def __enter__(self):
        self.start()
        return self

    def start(self):
        plugin, path = os.path.join(self.dir, 'net.so'), os.path.join(self.dir, 'palaver.conf')
        compile_plugin(os.path.join(HERE, 'net_plugin.txt'), plugin, *self.flags)
        with open(path, 'w') as out:
            words = ' '.join(f'{key} = {value};' if isinstance(value, int) else f'{key} = "{value}";'
                             for key, value in self.conf.items())
            out.write(f'adapters = {{ net = {{ {words} drain_s = 5; }}; }};')
        self.log_path = os.path.join(self.dir, 'log')
        self.child = subprocess.Popen([HOST, '--plugin', plugin, '--broker', f'ipc://{self.dir}/none.ipc', '--conf',
                                       path], stderr=open(self.log_path, 'wb'), stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL,
                                      env={**os.environ, **self.environment})
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r'listening on port (\d+)', self.log())):
            if time.monotonic() > deadline or self.child.poll() is not None:
                raise AssertionError(self.log())
            time.sleep(0.01)
        self.port = int(found[1])

    def __exit__(self, *_):
        if getattr(self, 'child', None) and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise
        log = self.log()
        shutil.rmtree(self.dir, ignore_errors=True)
        assert 'Sanitizer' not in log and 'runtime error' not in log, log

    def log(self):
        with open(self.log_path) as text:
            return text.read()

    def line(self, timeout=SECONDS):
        if self.tls:
            return http.client.HTTPSConnection('localhost', self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        """(status, answer, bytes)"""
        line = self.line()
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        data = answer.read()
        line.close()
        return answer.status, answer, data

    def order(self, path, body=''):
        status, _, data = self.ask('POST', path, body)
        assert status == 200, (status, data)
        return int(data)

    def events(self):
        return self.ask('GET', '/events')[2].decode('utf-8', 'replace').splitlines()

    def wait(self, pattern, count=1, seconds=SECONDS):
        """The match of the event that is awaited, or the list of the first `count` of them."""
        deadline = time.monotonic() + seconds
        while True:
            found = [match for line in self.events() if (match := re.match(pattern, line))]
            if len(found) >= count:
                return found[0] if count == 1 else found
            assert time.monotonic() < deadline, (pattern, self.events()[-20:], self.log()[-2000:])
            time.sleep(0.02)

    def cpu_s(self):
        """What it has used so far."""
        with open(f'/proc/{self.child.pid}/stat') as text:
            words = text.read().rpartition(')')[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')

    def memory(self):
        """Resident KiB."""
        with open(f'/proc/{self.child.pid}/status') as text:
            return int(re.search(r'VmRSS:\s+(\d+)', text.read())[1])


def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
