#!/usr/bin/python3
# RUN: timeout=300 variants=release label=slow
"""What `scons install` leaves is whole: a worker and an adapter of somebody else build against it alone."""

import http.server
import json
import os
import queue
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VARIANT = os.path.basename(os.environ.get('PALAVER_BUILD', 'release'))

WORKER = '''#include "sdk/agent.h"

static void answer (plv_job_t *job, void *arg)
{
    (void) arg;
    plv_buf_t buf = {0};
    plv_mp_put_text (&buf, "seen");
    plv_buf_free (&buf);
    plv_job_reply_text (job, "hello", NULL);
}

int main (int argc, char **argv)
{
    (void) argv;
    plv_fail_t fail;
    return argc > 1 ? plv_agent_run (NULL, answer, NULL, &fail) : 0;
}
'''


HOOK_CONF = '''
plugins = {{ dir = "{folder}/plugins"; host = "{prefix}/libexec/palaver/palaver-adapter"; }};
adapters = {{ hook = {{ port = {port}; answers = "http://127.0.0.1:{answers}/"; }}; }};
routes = ( {{ name = "default"; service = "echo"; }} );
'''
SECONDS = 30


class Answers(http.server.BaseHTTPRequestHandler):
    """The platform's side of the hook: what it is sent."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.send_header('X-Message-Id', 'theirs')
        self.send_header('Content-Length', '0')
        self.end_headers()
        self.server.came.put((self.headers['X-User'], json.loads(body)['response_text']))

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def until(look, what):
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {SECONDS} s: {what()}')
        time.sleep(0.02)
    return found


def run(*command, **more):
    return subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True, **more).stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.root = os.path.join(cls.folder, 'root')
        run('scons', f'variant={VARIANT}', f'DESTDIR={cls.root}', 'install')
        cls.prefix = cls.root + '/usr/local'
        cls.flags = {**os.environ, 'PKG_CONFIG_PATH': cls.prefix + '/lib/pkgconfig', 'PKG_CONFIG_SYSROOT_DIR': cls.root}

    def config(self, *arguments):
        return run('pkg-config', *arguments, env=self.flags).split()

    def compile(self, source, target, *flags):
        path = os.path.join(self.folder, 'source.c')
        with open(path, 'w') as file:
            file.write(source)
        run('cc', '-std=c11', '-Wall', '-Wextra', '-Werror', path, '-o', os.path.join(self.folder, target), *flags)
        return os.path.join(self.folder, target)

    def test_everything_is_there(self):
        for path in ('sbin/palaverd', 'libexec/palaver/palaver-adapter', 'bin/palaver', 'bin/palaver-advisor',
                     'lib/palaver/plugins/web.so', 'lib/libpalaver-agent.a', 'lib/libpalaver-agent.so',
                     'lib/systemd/system/palaverd.service', 'lib/sysusers.d/palaver.conf',
                     'include/palaver/sdk/agent.h',
                     'share/palaver/sdk/README.md', 'share/palaver/loopback/loopback.c',
                     'include/palaver/sdk/adapter.h', 'share/doc/palaver/PROTOCOL.md', 'etc/palaver/palaver.conf'):
            self.assertTrue(os.path.exists(f'{self.prefix}/{path}'), path)

    def test_what_an_installed_page_links_to_is_installed(self):
        pages = [f'{folder}/{name}' for folder, _, names in os.walk(self.prefix) for name in names
                 if name.endswith('.md')]
        self.assertIn(f'{self.prefix}/share/doc/palaver/README.md', pages)
        links = []
        for page in pages:
            with open(page) as file:
                links += [(page, to) for to in re.findall(r'\]\(([^)#]+)', file.read()) if '://' not in to]
        self.assertGreater(len(links), 10)
        self.assertEqual([(page, to) for page, to in links
                          if not os.path.exists(os.path.join(os.path.dirname(page), to))], [])

    def test_the_python_that_debian_has_finds_the_module(self):
        paths = json.loads(run('/usr/bin/python3', '-Esc', 'import json, sys; print(json.dumps(sys.path))'))
        found = [path for path in paths if os.path.exists(f'{self.root}{path}/palaver.py')]
        self.assertEqual(len(found), 1, paths)

    def test_no_test_is_installed(self):
        found = [name for _, _, names in os.walk(self.root) for name in names if '_test' in name or 'fixture' in name]
        self.assertEqual(found, [])

    def test_every_option_of_a_program_is_in_its_page(self):
        folders = {'bin': 1, 'sbin': 8, 'libexec/palaver': 8}
        programs = [(f'{folder}/{name}', f'man{number}/{name}.{number}') for folder, number in folders.items()
                    for name in os.listdir(f'{self.prefix}/{folder}')]
        self.assertGreaterEqual(len(programs), 6)
        for program, page in programs:
            told = subprocess.run([f'{self.prefix}/{program}', '--help'], capture_output=True, text=True, check=True)
            with open(f'{self.prefix}/share/man/{page}') as file:
                text = file.read().replace('\\-', '-')
            options = set(re.findall(r'--[a-z][a-z-]*', told.stdout + told.stderr))
            self.assertGreater(len(options), 5, program)
            self.assertEqual([option for option in sorted(options) if option not in text], [], page)

    def test_units_know_their_places(self):
        with open(self.prefix + '/lib/systemd/system/palaverd.service') as unit:
            text = unit.read()
        self.assertIn('ExecStart=/usr/local/sbin/palaverd --conf /usr/local/etc/palaver/palaver.conf', text)
        self.assertNotRegex(text, '@[A-Z]+@')

    def test_a_worker_links_the_shared_library(self):
        worker = self.compile(WORKER, 'shared', *self.config('--cflags', '--libs', 'palaver-agent'))
        run(worker, env={**os.environ, 'LD_LIBRARY_PATH': self.prefix + '/lib'})

    def test_the_worker_of_the_readme_builds_as_it_says(self):
        with open(os.path.join(TOP, 'README.md')) as readme:
            program = re.search(r"cat >hello\.c <<'END'\n(.*?)^END$", readme.read(), re.S | re.M)
        worker = self.compile(program[1], 'hello', *self.config('--cflags', '--libs', 'palaver-agent'))
        done = subprocess.run([worker], capture_output=True, text=True, check=False, env={
            'LD_LIBRARY_PATH': self.prefix + '/lib', 'PALAVER_AGENTS': 'nonsense://'})
        self.assertEqual(done.returncode, 64, done.stderr)
        self.assertIn('nonsense://', done.stderr)

    def test_a_worker_links_the_static_library(self):
        run(self.compile(WORKER, 'static', *self.config('--cflags', 'palaver-agent'),
                         self.prefix + '/lib/libpalaver-agent.a',
                         *run('pkg-config', '--libs', 'libzmq', 'libsodium', 'libconfig').split(), '-lpthread'))

    def started(self, *command):
        with open(os.path.join(self.place, 'log'), 'ab') as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

        def end():
            child.terminate()
            child.wait(SECONDS)
        self.addCleanup(end)
        return child

    def platform(self):
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Answers)
        server.came = queue.Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def site(self, port, answers):
        """A running broker that was installed, with an empty plugin folder; its run directory."""
        self.place = tempfile.mkdtemp(prefix='s')
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        os.mkdir(f'{self.place}/plugins', 0o755)
        with open(f'{self.place}/conf', 'w') as conf:
            conf.write(HOOK_CONF.format(folder=self.place, prefix=self.prefix, port=port, answers=answers))
        self.started(f'{self.prefix}/sbin/palaverd', '--conf', f'{self.place}/conf', '--data', f'{self.place}/data',
                     '--run', f'{self.place}/run')
        until(lambda: os.path.exists(f'{self.place}/run/agents.ipc'), self.log)
        self.started(f'{self.prefix}/bin/palaver-echo', '--services', 'echo', '--endpoint',
                     f'ipc://{self.place}/run/agents.ipc')

    def log(self):
        with open(f'{self.place}/log', errors='replace') as log:
            return log.read()

    def adapters(self):
        told = run(f'{self.prefix}/bin/palaver', 'adapters', 'list', '--run', f'{self.place}/run')
        return {row['name']: row for row in map(json.loads, told.splitlines())}

    def test_the_example_of_a_plugin_talks_through_a_running_broker(self):
        with open(f'{TOP}/plugins/loopback/README.md') as text:
            readme = text.read()
        code, test = re.findall(r'^```c\n(.*?)^```', readme, re.S | re.M)
        command, testing = re.findall(r'^```sh\n(.*?)^```', readme, re.S | re.M)
        platform, port = self.platform(), free_port()
        self.site(port, platform.server_port)
        for name, text in (('hook', code), ('hook_test', test)):
            with open(f'{self.place}/{name}.c', 'w') as out:
                out.write(text)
        for line in (command, testing):
            subprocess.run(['sh', '-euc', line], cwd=self.place, env=self.flags, check=True)
        os.rename(f'{self.place}/hook.so', f'{self.place}/plugins/hook.so')
        until(lambda: self.adapters().get('hook', {}).get('state') == 'running',
              lambda: f'{self.adapters()} {self.log()}')

        def say(user, number, text):
            request = urllib.request.Request(f'http://127.0.0.1:{port}/', text.encode(),
                                             {'X-User': user, 'X-Message-Id': number})
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status
        self.assertEqual(say('ann', '1', 'hello'), 200)
        self.assertEqual(platform.came.get(timeout=SECONDS), ('ann', 'hello'))
        self.assertEqual(say('ann', '1', 'hello'), 200)  # a copy is taken and dropped
        self.assertEqual(say('bob', '2', 'and I'), 200)
        self.assertEqual(platform.came.get(timeout=SECONDS), ('bob', 'and I'))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            say('', '3', 'nobody')
        self.assertEqual(refused.exception.code, 400)
        refused.exception.close()
        self.assertTrue(platform.came.empty())

    def test_what_the_walk_through_names_is_there(self):
        with open(f'{TOP}/plugins/loopback/README.md') as text:
            walk = text.read().split('## ')[1]
        with open(f'{TOP}/plugins/loopback/loopback.c') as text:
            code = text.read()
        self.assertLessEqual(code.count('\n'), 200)
        with open(f'{self.prefix}/include/palaver/sdk/adapter.h') as text:
            code += text.read()
        names = {name.split('->')[-1] for name in re.findall(r'`((?:host->)?[A-Za-z_]+)`', walk)}
        self.assertGreater(len(names), 15)
        self.assertEqual([name for name in sorted(names) if not re.search(rf'\b{name}\b', code)], [])

    def test_a_configuration_that_is_there_is_kept(self):
        conf = self.prefix + '/etc/palaver/palaver.conf'
        with open(conf, 'w') as file:
            file.write('// mine\n')
        run('scons', f'variant={VARIANT}', f'DESTDIR={self.root}', 'install')
        with open(conf) as file:
            self.assertEqual(file.read(), '// mine\n')
        folder = os.path.dirname(conf)
        self.assertEqual([name for name in os.listdir(folder) if name.endswith('.new')], ['palaver.conf.new'])
        shutil.copy(conf + '.new', conf)
        run('scons', f'variant={VARIANT}', f'DESTDIR={self.root}', 'install')
        self.assertFalse(os.path.exists(conf + '.new'), 'it has nothing new any more')


if __name__ == '__main__':
    unittest.main()
