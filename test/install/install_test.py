#!/usr/bin/python3
# RUN: timeout=300 variants=release label=slow
"""What `scons install` leaves is whole: a worker and an adapter of somebody else build against it alone."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

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
                     'lib/python3/dist-packages/palaver.py', 'include/palaver/sdk/agent.h',
                     'include/palaver/sdk/adapter.h', 'share/doc/palaver/PROTOCOL.md', 'etc/palaver/palaver.conf'):
            self.assertTrue(os.path.exists(f'{self.prefix}/{path}'), path)

    def test_every_option_of_a_program_is_in_its_page(self):
        for program, page in (('bin/palaver-advisor', 'man1/palaver-advisor.1'), ('sbin/palaverd', 'man8/palaverd.8'),
                              ('libexec/palaver/palaver-adapter', 'man8/palaver-adapter.8')):
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

    def test_a_configuration_that_is_there_is_kept(self):
        conf = self.prefix + '/etc/palaver/palaver.conf'
        with open(conf, 'w') as file:
            file.write('// mine\n')
        run('scons', f'variant={VARIANT}', f'DESTDIR={self.root}', 'install')
        with open(conf) as file:
            self.assertEqual(file.read(), '// mine\n')
        self.assertTrue(os.path.exists(conf + '.new'))


if __name__ == '__main__':
    unittest.main()
