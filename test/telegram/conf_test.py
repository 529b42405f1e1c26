#!/usr/bin/python3
# RUN: timeout=60 variants=debug,release
"""conf/telegram.conf has every key of the adapter, with its meaning and its default.

    conf_test.py --write        writes it anew, from the key table of telegram.so
"""

import ctypes
import os
import sys
import textwrap
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('PALAVER_BUILD') or f'{TOP}/build/debug'
SAMPLE = f'{TOP}/conf/telegram.conf'
INT, BOOL, TEXT, SECRET = 1, 2, 3, 4
HEAD = '''\
# A broker with a bot on Telegram. Every key of the adapter is here, with its meaning and its default; without the #
# it is in force. plugins/telegram/README.md leads from @BotFather to the first answer.

adapters = {
    telegram = {
'''
TAIL = '''    };
};

routes = (
    {
        name = "default";
        service = "advisor";
    }
);
'''


class Key(ctypes.Structure):
    """pal_key_t"""
    _fields_ = [('name', ctypes.c_char_p), ('meaning', ctypes.c_char_p), ('text', ctypes.c_char_p),
                ('number', ctypes.c_int64), ('min', ctypes.c_int64), ('max', ctypes.c_int64), ('type', ctypes.c_int),
                ('reserved', ctypes.c_uint32)]


class Adapter(ctypes.Structure):
    """pal_adapter_t, as far as the keys."""
    _fields_ = [('abi', ctypes.c_uint32), ('size', ctypes.c_uint32), ('name', ctypes.c_char_p),
                ('version', ctypes.c_char_p), ('platform', ctypes.c_char_p), ('can', ctypes.c_uint64),
                ('markdown', ctypes.c_int), ('text_unit', ctypes.c_int), ('text_max', ctypes.c_uint32),
                ('credit', ctypes.c_uint32), ('keys', ctypes.POINTER(Key)), ('key_count', ctypes.c_uint32),
                ('key_size', ctypes.c_uint32)]


def entry(key):
    name, meaning = key.name.decode(), key.meaning.decode()
    line = {INT: f'# {name} = {key.number};', BOOL: f'# {name} = {str(bool(key.number)).lower()};',
            TEXT: f'# {name} = "{(key.text or b"").decode()}";', SECRET: f'{name} = "env:TELEGRAM_TOKEN";'}[key.type]
    if key.type == INT:
        meaning += f' ({key.min} to {key.max})'
    return '\n'.join(f'        {one}' for one in [*(f'# {words}' for words in textwrap.wrap(meaning, 92)), line]) + '\n'


def sample():
    adapter = Adapter.in_dll(ctypes.CDLL(f'{BUILD}/plugins/telegram.so'), 'palaver_adapter')
    assert adapter.key_size == ctypes.sizeof(Key), adapter.key_size
    return HEAD + '\n'.join(entry(adapter.keys[at]) for at in range(adapter.key_count)) + TAIL


class Conf(unittest.TestCase):
    def test_the_sample_is_that_of_the_plugin(self):
        with open(SAMPLE, encoding='utf-8') as file:
            self.assertEqual(file.read(), sample(), 'conf_test.py --write writes it anew')


if __name__ == '__main__':
    if sys.argv[1:] == ['--write']:
        with open(SAMPLE, 'w', encoding='utf-8') as file:
            file.write(sample())
    else:
        unittest.main()
