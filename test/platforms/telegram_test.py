#!/usr/bin/python3
# RUN: timeout=180 variants=debug,release
"""The fake of Telegram's server: its table, texts and protocol, and python-telegram-bot where that is installed."""

import http.client
import json
import os
import subprocess
import sys
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)
sys.dont_write_bytecode = True
# Last the folder of this file: its folders have the names of client libraries.
sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != HERE] + [TEST, HERE]
from platforms.telegram import contract, entities, table  # noqa: E402
from telegram_client import Case, USER  # noqa: E402


class TableTest(unittest.TestCase):
    def setUp(self):
        self.contract = contract.read()
        if self.contract is None:
            self.skipTest(f'{contract.PATH} is not there: set PALAVER_SHARED to the folder that holds contracts/')

    def same(self, name, entry, fields, whole):
        theirs = {one['name']: (one['required'], contract.type_of(one['types'])) for one in fields}
        ours = {one: (field.required, field.type) for one, field in entry.fields.items()}
        self.assertEqual(ours if whole else {one: ours[one] for one in ours if one in theirs},
                         theirs if whole else {one: theirs[one] for one in theirs if one in ours}, name)
        if not whole:
            self.assertLessEqual(set(ours), set(theirs), name)
            self.assertLessEqual({one for one, (needed, _) in theirs.items() if needed}, set(ours), name)

    def test_version(self):
        self.assertEqual(table.VERSION, self.contract['version'])

    def test_methods(self):
        for name, entry in table.METHODS.items():
            theirs = self.contract['methods'][name]
            self.same(name, entry, theirs.get('fields', []), True)
            self.assertEqual(entry.result, contract.type_of(theirs['returns']), name)

    def test_types(self):
        for name, entry in table.read(table.TYPES_TEXT).items():
            self.same(name, entry, self.contract['types'][name].get('fields', []), entry.whole)
        for name, some in table.unions(table.UNIONS_TEXT).items():
            self.assertLessEqual(set(some), set(self.contract['types'][name]['subtypes']), name)

    def test_updates(self):
        self.assertEqual(table.UPDATES, [one['name'] for one in self.contract['types']['Update']['fields'][1:]])


class TextTest(unittest.TestCase):
    def shown(self, text, mode):
        return entities.html(*entities.parse(text, mode))

    def wrong(self, text, mode):
        with self.assertRaises(entities.ParseError) as caught:
            entities.parse(text, mode)
        return str(caught.exception)

    def test_markdown(self):
        for text, html in [
                ('*a _b __c___*', '<b>a <i>b <u>c</u></i></b>'), ('~a~ ||b||', '<s>a</s> <tg-spoiler>b</tg-spoiler>'),
                ('[x *y*](https://a.io/?q=\\)1)', '<a href="https://a.io/?q=)1">x <b>y</b></a>'),
                ('`a*b\\`c`', '<code>a*b`c</code>'),
                ('```c\nx_y\n```', '<pre><code class="language-c">x_y</code></pre>'),
                ('>a\n>b\nc', '<blockquote>a\nb</blockquote>\nc'), ('1\\. \\-', '1. -'), ('[x](nowhere)', 'x'),
                ('>a\n>b||', '<blockquote expandable>a\nb</blockquote>'), ('  *a* \n', '<b>a</b>'), ('** a', 'a')]:
            self.assertEqual(self.shown(text, 'MarkdownV2'), html, text)

    def test_markdown_that_is_wrong(self):
        for char in '>#+-=|{}.!])(':
            self.assertEqual(self.wrong('a' + char, 'MarkdownV2'),
                             f"Character '{char}' is reserved and must be escaped with the preceding '\\'")
            self.assertEqual(entities.parse('a\\' + char, 'MarkdownV2')[0], 'a' + char)
        for text, words in [
                ('\U0001f3df _a', "Can't find end of Italic entity at byte offset 5"),
                ('ä*b _c', "Can't find end of Italic entity at byte offset 5"),
                ('[x](y', "Can't find end of a URL at byte offset 4"),
                ('a ```c\nd', "Can't find end of PreCode entity at byte offset 2"),
                ('>*a\n', "Can't find end of Bold entity at byte offset 1"),
                ('`a', "Can't find end of Code entity at byte offset 0")]:
            self.assertEqual(self.wrong(text, 'MarkdownV2'), words)

    def test_html(self):
        for text, html in [
                ('<b>a<i>b</i></b> &lt;&amp;&#65;&nbsp;', '<b>a<i>b</i></b> &lt;&amp;A&amp;nbsp;'),
                ('<a href="http://x.io">y</a>', '<a href="http://x.io/">y</a>'), ('<strong>a</>', '<b>a</b>'),
                ('<pre><code class="language-c">x</code></pre>', '<pre><code class="language-c">x</code></pre>'),
                ('<blockquote expandable>x</blockquote>', '<blockquote expandable>x</blockquote>'),
                ('<span class="tg-spoiler">x</span>', '<tg-spoiler>x</tg-spoiler>')]:
            self.assertEqual(self.shown(text, 'HTML'), html, text)
        for text, words in [
                ('ä<p>', 'Unsupported start tag "p" at byte offset 2'), ('</b>', 'Unexpected end tag at byte offset 0'),
                ('<b>x</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
                ('<b>', 'Can\'t find end tag corresponding to start tag "b"'),
                ('1 < 2 ', 'Unsupported start tag "" at byte offset 2'), ('<b', 'Unclosed start tag at byte offset 0')]:
            self.assertEqual(self.wrong(text, 'HTML'), words)

    def test_found_in_plain_text(self):
        text = '\U0001f600 /go@some_bot hi @ann see https://a.io/b, x@y.io #tag $USD a/b 1/2'
        found = [(one['type'], entities.part(text, one['offset'], one['length']))
                 for one in entities.parse(text, '')[1]]
        self.assertEqual(found, [('bot_command', '/go@some_bot'), ('mention', '@ann'), ('url', 'https://a.io/b'),
                                 ('email', 'x@y.io'), ('hashtag', '#tag'), ('cashtag', '$USD')])

    def test_the_old_markdown(self):
        self.assertEqual(self.shown('*a* _b_ `c` [d](http://e.io) f\\_g.', 'Markdown'),
                         '<b>a</b> <i>b</i> <code>c</code> <a href="http://e.io/">d</a> f_g.')
        self.assertEqual(self.wrong('a_b', 'markdown'), "Can't find end of the entity starting at byte offset 1")


class ProtocolTest(Case):
    def test_ways_to_give_parameters(self):
        self.started()
        form = urllib.parse.urlencode({'chat_id': USER, 'text': 'from a form'}).encode()
        self.assertEqual(self.bot.post('sendMessage', form, 'application/x-www-form-urlencoded')[0], 200)
        parts = b'--B\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n%d\r\n--B\r\nContent-Disposition: ' \
                b'form-data; name="text"\r\n\r\nfrom\r\nparts\r\n--B--\r\n' % USER
        self.assertEqual(self.bot.post('SENDMESSAGE', parts, 'multipart/form-data; boundary=B')[0], 200)
        query = f'/bot{self.bot.token}/sendmessage?chat_id={USER}&text=query'
        with urllib.request.urlopen(self.bot.root + query) as answer:
            self.assertTrue(json.load(answer)['ok'])
        self.bot.send('json', str(USER), reply_markup=json.dumps({'force_reply': True}), disable_notification='true')
        self.assertEqual(self.telegram.texts(), ['from a form', 'from\nparts', 'query', 'json'])
        self.assertEqual(self.telegram.lints(), [])

    def test_one_connection_for_many_requests(self):
        line = http.client.HTTPConnection('127.0.0.1', self.telegram.port, timeout=10)
        for _ in range(3):
            line.request('GET', f'/bot{self.bot.token}/getMe')
            self.assertTrue(json.loads(line.getresponse().read())['ok'])
        line.request('POST', f'/bot{self.bot.token}/getMe', body=iter([b'{', b'}']),
                     headers={'Content-Type': 'application/json'}, encode_chunked=True)
        self.assertTrue(json.loads(line.getresponse().read())['ok'])
        line.close()
        self.assertEqual(len({one['peer'] for one in self.telegram.requests('getMe')}), 1)

    def test_who_may_not(self):
        self.bot.token = '7000000001:AAother_other_other_other_other_other'
        self.refused('Unauthorized', 'getMe', 401)
        self.bot.token = 'nonsense'
        self.refused('Not Found', 'getMe', 404)
        self.bot.token = self.telegram.token
        self.refused('Not Found: method not found', 'getNothing', 404)
        status, answer = self.bot.post('getMe', b'{', 'application/json')
        self.assertEqual((status, answer['description']), (400, "Bad Request: can't parse JSON object"))

    def test_control_is_off_unless_asked_for(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(self.bot.root + '/control')
        caught.exception.close()
        self.assertEqual(caught.exception.code, 404)

    def test_lints(self):
        self.started()
        self.bot.send(colour='red', link_preview_options={'is_disabled': True, 'size': 3}, reply_to_message_id=1)
        self.bot.updates(allowed_updates=['messages'])
        self.assertEqual(self.telegram.lints(), [
            'colour: sendMessage has no such parameter', 'link_preview_options: LinkPreviewOptions has no field size',
            'reply_to_message_id: of an older API', 'allowed_updates: no such update: messages'])

    def test_types(self):
        self.started()
        self.refused('Bad Request: invalid message_id specified: it is not of type Integer', 'editMessageText',
                     chat_id=USER, message_id=[1], text='x')
        self.refused('Bad Request: invalid message_id specified', 'editMessageText', chat_id=USER,
                     message_id='x', text='x')
        self.refused("Bad Request: can't parse reply keyboard markup JSON object: not JSON", 'sendMessage',
                     chat_id=USER, text='x', reply_markup='{')
        self.assertIn('inline_keyboard', self.bot.bad('sendMessage', chat_id=USER, text='x', reply_markup={
            'inline_keyboard': [{'text': 'x'}]})[1])

    def test_slow_methods_do_not_hold_up_others(self):
        self.telegram.fault('getUpdates', 'hang')
        thread = threading.Thread(target=lambda: self.assertRaises(OSError, self.bot.ask, 'getUpdates', wait_s=1))
        thread.start()
        self.bot.good('getMe')
        thread.join()

    def test_closed(self):
        self.bot.good('close')
        self.assertEqual(self.bot.bad('getMe')[0], 429)
        self.bot.good('logOut')
        self.refused('Logged out', 'getMe')


class ControlTest(unittest.TestCase):
    def test_stand_alone(self):
        program = os.path.join(HERE, 'telegram', 'server.py')
        with subprocess.Popen([sys.executable, program, '--port', '0', '--control'], stdout=subprocess.PIPE) as child:
            try:
                said = json.loads(child.stdout.readline())
                self.check(said)
            finally:
                child.terminate()
                self.assertEqual(child.wait(10), 0)

    def check(self, said):
        def control(name, **arguments):
            with urllib.request.urlopen(said['control'] + '/' + name, json.dumps(arguments).encode()) as answer:
                return json.load(answer)['result']
        self.assertEqual(control('say', text='/start')['chat_id'], USER)
        with urllib.request.urlopen(f'{said["root"]}/bot{said["token"]}/sendMessage?chat_id={USER}&text=hi') as answer:
            self.assertTrue(json.load(answer)['ok'])
        self.assertEqual(control('wait', timeout_s=5), ['hi'])
        self.assertEqual(control('transcript')['messages'][1]['text'], 'hi')
        with urllib.request.urlopen(said['control']) as answer:
            self.assertIn('transcript', json.load(answer)['calls'])
        with self.assertRaises(urllib.error.HTTPError) as caught:
            control('_call')
        caught.exception.close()


def library():
    """python-telegram-bot in one of its versions, or None."""
    try:
        import telegram
        return telegram if hasattr(telegram, 'Bot') else None
    except ImportError:
        return None


class LibraryTest(Case):
    @unittest.skipUnless(library(), 'python-telegram-bot is not installed')
    def test_python_telegram_bot(self):
        command = [sys.executable, '-W', 'ignore', '-c', LIBRARY_BOT, self.telegram.root, self.telegram.token]
        with subprocess.Popen(command) as child:
            try:
                for text, answer in [('hello', 'echo: hello'), ('/start', 'welcome')]:
                    self.telegram.say(text)
                    count = len(self.telegram.texts()) + 1
                    self.assertEqual(self.telegram.wait(count=count)[-1], answer)
            finally:
                child.kill()


LIBRARY_BOT = '''
import asyncio, inspect, sys
import telegram

root, token = sys.argv[1:]
bot = telegram.Bot(token, base_url=root + '/bot')


async def value(found):
    return await found if inspect.isawaitable(found) else found


async def main():
    if hasattr(bot, 'initialize'):
        await bot.initialize()
    offset = 0
    while True:
        for update in await value(bot.get_updates(offset=offset, timeout=5)):
            offset = update.update_id + 1
            text = update.message.text
            await value(bot.send_message(update.message.chat_id, 'welcome' if text == '/start' else 'echo: ' + text))

asyncio.run(main())
'''


if __name__ == '__main__':
    unittest.main()
