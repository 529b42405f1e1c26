#!/usr/bin/python3
"""The runner counts right, ends what hangs, and leaves nothing behind."""

import importlib.machinery
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
RUN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'run')
loader = importlib.machinery.SourceFileLoader('run', RUN)
runner = importlib.util.module_from_spec(importlib.util.spec_from_loader('run', loader))
sys.modules['run'] = runner
loader.exec_module(runner)
runner.LEAVE_S = 1

CMOCKA = '''[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] two
'''


def shell(script, timeout=10.0):
    return runner.run(runner.Test('x', ['/bin/sh', '-c', script], timeout), '/nonexistent')


def wait(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {seconds} s: {what}')
        time.sleep(0.02)


def is_gone(pid):
    """It is no process any more, or one that nobody has waited for yet."""
    try:
        with open(f'/proc/{pid}/cmdline', encoding='ascii') as file:
            return not file.read()
    except (FileNotFoundError, ProcessLookupError):
        return True


class Runner(unittest.TestCase):
    def test_counts(self):
        for output, code, expected in [
                (CMOCKA, 1, (1, 1, 1)),
                (CMOCKA.replace('Running', 'Run') * 2, 1, (2, 2, 2)),
                ('12 passed, 0 failed\n', 0, (12, 0, 0)),
                ('1 passed, 0 failed\n3 passed, 2 failed, 4 skipped\n', 1, (3, 2, 4)),
                ('12 passed, 0 failed\n', 3, (12, 1, 0)),
                ('Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n', 1, (2, 2, 1)),
                ('Ran 5 tests in 0.1s\n\nOK\n', 0, (5, 0, 0)),
                ('ok 1 - a\nnot ok 2 - b\nok 3 # SKIP c\n', 1, (1, 1, 1)),
                ('hello\n', 0, (1, 0, 0)),
                ('hello\n', 1, (0, 1, 0)),
                ('', -11, (0, 1, 0))]:
            self.assertEqual(runner.count(output, code), expected, output)

    def test_a_program_that_hangs_is_ended(self):
        began = time.monotonic()
        result = shell('echo begun; sleep 60', 0.3)
        self.assertEqual((result.passed, result.failed), (0, 1))
        self.assertIn('no end after', result.why)
        self.assertIn('begun', result.output)
        self.assertLess(time.monotonic() - began, 20)

    def test_processes_left_behind_are_a_failure_and_are_ended(self):
        result = shell('sleep 60 & echo $!; echo 1 passed, 0 failed')
        self.assertEqual((result.passed, result.failed), (1, 1))
        self.assertIn('left processes', result.why)
        child = int(result.output.split()[0])
        wait(lambda: is_gone(child), f'{child} has ended')

    def test_a_crash_is_named(self):
        self.assertIn('SIGSEGV', shell('kill -SEGV $$').why)

    def test_each_test_has_a_folder_that_goes_away(self):
        result = shell('touch "$TMPDIR/file" && echo "$TMPDIR"')
        self.assertEqual(result.failed, 0)
        self.assertFalse(os.path.exists(result.output.strip()))

    def test_directives(self):
        with tempfile.NamedTemporaryFile('w', suffix='.py') as script:
            script.write('#!/usr/bin/python3\n# RUN: timeout=300 alone label=slow\n')
            script.flush()
            self.assertEqual(runner.directives(script.name), {'timeout': '300', 'alone': '', 'label': 'slow'})

    def test_the_table_of_the_quick_check_names_what_is_there(self):
        parts = runner.parts_by_test(os.path.join(runner.TOP, 'test', 'quick'))
        self.assertGreater(len(parts), 20)
        for name, chosen in parts.items():
            source = os.path.join(runner.TOP, name if name.endswith('.py') else f'{name}.c')
            self.assertTrue(os.path.isfile(source), name)
            self.assertTrue(chosen, name)
            with open(source, encoding='utf-8') as file:
                text = file.read()
            if not chosen[0].startswith('-'):
                for part in '.'.join(chosen).split('.'):
                    self.assertRegex(text, rf'\b(class|def) {part}\b', name)

    def test_the_quick_check_runs_the_named_parts(self):
        whole, part, none = (runner.Test(name, [name], 1) for name in ('whole', 'part', 'none'))
        quick = list(runner.only_quick([whole, part, none], {'part': ['A.x', 'B'], 'none': ['-']}))
        self.assertEqual([test.command for test in quick], [['whole'], ['part', 'A.x', 'B']])

    def test_a_signal_ends_all_that_runs_and_then_the_runner(self):
        with tempfile.TemporaryDirectory() as folder:
            self.make_tree(folder)
            for number in (signal.SIGINT, signal.SIGTERM):
                self.interrupt(folder, number)

    def make_tree(self, folder):
        """A tree with a copy of the runner and one test, which has a child in a session of its own."""
        os.makedirs(os.path.join(folder, 'test', 'one'))
        shutil.copy(RUN, os.path.join(folder, 'test', 'run'))
        with open(os.path.join(folder, 'test', 'one', 'long_test.py'), 'w', encoding='ascii') as script:
            script.write('import os, subprocess, sys, time\n'
                         'child = subprocess.Popen(["sleep", "300"], start_new_session=True)\n'
                         f'with open("{folder}/began.new", "w") as began:\n'
                         '    print(os.getpid(), child.pid, os.environ["TMPDIR"], file=began)\n'
                         f'os.rename("{folder}/began.new", "{folder}/began")\n'
                         'time.sleep(300)\n')

    def test_the_check_ends_also_when_what_it_runs_takes_the_signal_for_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            began = os.path.join(folder, 'began')
            os.mkdir(os.path.join(folder, 'tools'))
            shutil.copy(os.path.join(runner.TOP, 'tools', 'check'), os.path.join(folder, 'tools'))
            setup = os.path.join(folder, 'tools', 'setup')
            with open(setup, 'w', encoding='ascii') as script:
                script.write('#!/usr/bin/python3\nimport signal, sys\n'
                             'signal.signal(signal.SIGINT, lambda *_: sys.exit(2))\n'
                             f'open("{began}", "w").close()\nsignal.pause()\n')
            os.chmod(setup, 0o755)
            process = subprocess.Popen([os.path.join(folder, 'tools', 'check')], text=True, start_new_session=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       env={**os.environ, 'TMPDIR': folder})
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.kill)
            wait(lambda: os.path.exists(began), 'it has begun')
            os.killpg(process.pid, signal.SIGINT)
            output, _ = process.communicate(timeout=20)
            self.assertEqual(process.returncode, 130, output)
            self.assertNotIn('passed', output)
            self.assertEqual(sorted(os.listdir(folder)), ['began', 'tools'])

    def interrupt(self, folder, number):
        began = os.path.join(folder, 'began')
        process = subprocess.Popen([sys.executable, os.path.join(folder, 'test', 'run'), 'one/'], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        wait(lambda: os.path.exists(began), 'the test has begun')
        with open(began, encoding='ascii') as file:
            test, child, own = file.read().split()
        os.unlink(began)
        process.send_signal(number)
        output, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, -number, output)
        self.assertIn('interrupted: 1 of 1 tests', output)
        self.assertNotIn('passed', output)
        self.assertFalse(os.path.exists(own))
        for pid in (test, child):
            wait(lambda pid=pid: is_gone(pid), f'{pid} has ended')

    def test_the_cpu_of_a_test_is_that_of_all_its_processes(self):
        busy = f'{sys.executable} -c "import time\nwhile time.process_time() < 0.3: pass"'
        self.assertTrue(0.3 <= shell(f'{busy}; {busy} | cat').cpu - 0.3 < 30)


if __name__ == '__main__':
    unittest.main()
