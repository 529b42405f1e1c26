#!/usr/bin/python3
"""Help and man pages say what there is, and nothing else."""

import glob
import itertools
import os
import re
import shutil
import subprocess
import unittest

from cli import BUILD, PALAVER, SECONDS, TOP

PAGES = f'{TOP}/tools/palaver/man'
COMPLETION = f'{TOP}/tools/palaver/completion'


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True, **options).stdout


def listed(text, title='Commands'):
    """The names in a section of --help."""
    section = text.split(f'\n{title}:\n')[1].split('\n\n')[0]
    return re.findall(r'^  ((?:[a-z]+ ?){1,2}?)(?= [A-Z\[]|  |$)', section, re.M)


class Help(unittest.TestCase):
    def commands(self):
        return [name.strip() for name in listed(output(PALAVER, '--help'))]

    def test_every_command_has_help_that_names_its_options(self):
        commands = self.commands()
        self.assertGreaterEqual(len(commands), 17)
        for command in commands:
            text = output(PALAVER, *command.split(), '--help')
            self.assertTrue(text.startswith(f'usage: palaver {command}'), text)
            self.assertIn('--json', text)
        for line in output(PALAVER, '--help').splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_groups_have_help(self):
        self.assertIn('dead replay', output(PALAVER, 'dead', '--help'))
        self.assertNotIn('sessions', output(PALAVER, 'dead', '--help'))

    def test_version(self):
        self.assertRegex(output(PALAVER, '--version'), r'^palaver \d+\.\d+\.\d+')

    def test_hidden_generation_is_what_is_checked_in(self):
        for what, path in (('man', f'{PAGES}/palaver.1'), ('bash', f'{COMPLETION}/palaver'),
                           ('zsh', f'{COMPLETION}/_palaver'), ('fish', f'{COMPLETION}/palaver.fish')):
            with open(path, encoding='utf-8') as file:
                self.assertEqual(output(PALAVER, 'generate', what), file.read(), path)
        self.assertNotIn('generate', output(PALAVER, '--help'))


class Pages(unittest.TestCase):
    def pages(self):
        """The paths of all man pages, also of the one that is made when it is installed."""
        made = os.path.join(BUILD, 'man', 'palaver.conf.5')
        os.makedirs(os.path.dirname(made), exist_ok=True)
        with open(made, 'w', encoding='utf-8') as file:
            file.write(output(PALAVER, 'generate', 'conf'))
        written = (glob.glob(f'{TOP}/{place}/*.[1-8]') for top in ('agents', 'broker', 'plugins', 'tools')
                   for place in (f'{top}/*', f'{top}/*/man'))
        return [made, *itertools.chain.from_iterable(written)]

    def test_roff_has_no_complaints(self):
        if not shutil.which('groff'):
            self.skipTest('groff is not installed')
        for path in self.pages():
            done = subprocess.run(['groff', '-ww', '-man', '-z', '-Tutf8', path], capture_output=True, text=True,
                                  timeout=SECONDS, check=True)
            self.assertEqual(done.stderr, '', path)

    def test_mandoc_has_no_complaints(self):
        if not shutil.which('mandoc'):
            self.skipTest('mandoc is not installed')
        for path in self.pages():
            done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', path], capture_output=True, text=True,
                                  timeout=SECONDS, check=False)
            self.assertEqual(done.stdout + done.stderr, '', path)

    def test_all_pages_have_one_date(self):
        dates = set()
        for path in self.pages():
            with open(path, encoding='utf-8') as file:
                dates |= set(re.findall(r'^\.TH \S+ \d (\S+)', file.read(), re.M))
        self.assertEqual(len(dates), 1, dates)
        self.assertRegex(dates.pop(), r'^20\d\d-\d\d-\d\d$')

    def test_the_page_of_palaverd_has_the_options_of_its_help(self):
        with open(f'{PAGES}/palaverd.8', encoding='utf-8') as file:
            page = file.read().replace('\\-', '-')
        options = set(re.findall(r'--[a-z-]+', output(os.path.join(BUILD, 'bin', 'palaverd'), '--help')))
        self.assertEqual(options, set(re.findall(r'--[a-z-]+', page)))

    def test_the_page_of_the_configuration_has_every_key(self):
        page = output(PALAVER, 'generate', 'conf')
        text = output(os.path.join(BUILD, 'bin', 'palaverd'), '--conf', f'{TOP}/conf/palaver.conf', '--print-conf')
        group = ''
        for line in text.splitlines():
            opened, key = re.match(r'(\w+) = \{', line), re.match(r'    (\w+) = ', line)
            group = opened[1] if opened else group
            if key and group not in ('adapters', 'routes'):
                self.assertIn(f'\n.B {group}.{key[1]}\n', page)


if __name__ == '__main__':
    unittest.main()
