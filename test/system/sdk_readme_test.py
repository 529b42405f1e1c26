#!/usr/bin/python3
# RUN: timeout=120
"""Each program of agents/sdk/README.md answers as it says there, and every name in its table exists."""

import os
import re
import subprocess
import unittest

from palaverd import BUILD, VARIANT, BrokerTest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def text_of(path):
    with open(f'{TOP}/{path}', encoding='utf-8') as file:
        return file.read()


README = text_of('agents/sdk/README.md')


SANITIZERS = {'asan': ['-fsanitize=address,undefined'], 'tsan': ['-fsanitize=thread']}


class Programs(BrokerTest):
    def save(self, path, program):
        with open(path, 'w', encoding='utf-8') as file:
            file.write(program)
        return path

    def start_program(self, broker, *command, stderr=subprocess.DEVNULL):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr, text=True, env={
            **os.environ, 'PYTHONPATH': f'{TOP}/agents/sdk', 'PALAVER_AGENTS': f'ipc://{broker.run}/agents.ipc'})
        self.addCleanup(self.end_program, child)
        return child

    def end_program(self, child):
        child.terminate()
        self.assertEqual(child.wait(20), 0)
        if child.stderr:
            child.stderr.close()

    def test_each_answers_as_it_says(self):
        programs = re.findall(r'^```python\n(.*?)^#> (.*?)\n```$', README, re.S | re.M)
        self.assertGreaterEqual(len(programs), 6)
        self.assertEqual(len(programs), README.count('```python'))
        for program, expected in programs:
            with self.subTest(expected):
                self.assertLessEqual(len(program.splitlines()), 12)
                broker = self.broker()
                self.start_program(broker, '/usr/bin/python3', self.save(f'{broker.folder}/agent.py', program))
                adapter = broker.adapter()
                adapter.publish('hello')
                self.assertEqual(self.deliver(adapter)['response_text'], expected)

    def test_the_one_in_c_answers_as_it_says(self):
        (program, expected), = re.findall(r'^```c\n(.*?)^//> (.*?)\n```$', README, re.S | re.M)
        broker = self.broker()
        libraries = subprocess.run(['pkg-config', '--libs', 'libzmq', 'libsodium', 'libconfig', 'jansson'], check=True,
                                   stdout=subprocess.PIPE, text=True).stdout.split()
        source, agent = self.save(f'{broker.folder}/agent.c', program), f'{broker.folder}/agent'
        subprocess.run(['cc', '-std=c11', '-Wall', '-Wextra', '-Werror', *SANITIZERS.get(VARIANT, []),
                        '-I', f'{TOP}/agents', '-I', f'{TOP}/broker', source, f'{BUILD}/lib/libpalaver-agent.a',
                        *libraries, '-lpthread', '-o', agent], check=True)
        child = self.start_program(broker, agent, stderr=subprocess.PIPE)
        self.assertEqual(child.stderr.readline().split(',')[0], f'advisor: connected to ipc://{broker.run}/agents.ipc')
        adapter = broker.adapter()
        adapter.publish('hello')
        self.assertEqual(self.deliver(adapter)['response_text'], expected)


class Names(unittest.TestCase):
    def test_every_name_of_the_table_exists(self):
        header, python = text_of('agents/sdk/agent.h'), text_of('agents/sdk/palaver.py')
        rows = re.findall(r'^\| (.*?) \| (.*?) \|$', README, re.M)[2:]
        self.assertGreater(len(rows), 8)
        for left, right in rows:
            for name in re.findall(r'`(plv_\w+)`', right):
                self.assertIn(name, header)
            prefix = 'plv_job'
            for name in re.findall(r'`(_\w+)`', right):
                self.assertIn(prefix + name, header)
            for name in re.findall(r'`(?:job|worker)?\.?(\w+)`', left):
                self.assertRegex(python, rf'\b{name}\b')


if __name__ == '__main__':
    unittest.main()
