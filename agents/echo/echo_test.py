#!/usr/bin/python3
"""What palaver-echo cannot take it refuses in words, instead of taking it for something else."""

import os
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('PALAVER_BUILD', os.path.join(TOP, 'build', 'debug'))
USAGE = 64


class EchoTest(unittest.TestCase):
    def test_options_that_mean_nothing(self):
        for options, words in (('--think soon', '--think soon: a whole number from 0'),
                               ('--threads -1', '--threads -1: a whole number'),
                               ('--credit 1e3', '--credit 1e3: a whole number'),
                               ('--history 201', '--history 201: a whole number from 0 to 200'),
                               ('--fail-rate 1.5', '--fail-rate 1.5: a number from 0 to 1'),
                               ('--fail-rate nan', '--fail-rate nan: a number from 0 to 1'),
                               ('--services a,b,c,d,e,f,g,h,i', '--services: at most 8'),
                               ('--loud', 'usage: palaver-echo'), ('more', 'usage: palaver-echo')):
            with self.subTest(options):
                done = subprocess.run([os.path.join(BUILD, 'bin', 'palaver-echo'), *options.split()],
                                      capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, done.stdout), (USAGE, ''))
                self.assertIn(words, done.stderr)


if __name__ == '__main__':
    unittest.main()
