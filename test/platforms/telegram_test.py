#!/usr/bin/python3
# RUN: timeout=180 variants=debug,release
"""The fake of Telegram's server, with a client of its own, and with python-telegram-bot where that is installed."""

import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)
sys.dont_write_bytecode = True
# Not the folder of this file: its folders have the names of client libraries.
sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != HERE] + [TEST]
from platforms.telegram import contract, entities, methods, table  # noqa: E402
from platforms.telegram.server import Telegram  # noqa: E402

USER, GROUP = 1001, -2001


class Client:
    """A client as small as can be, on urllib."""

    def __init__(self, telegram):
        self.root, self.token = telegram.root, telegram.token

    def ask(self, method, wait_s=20, **values):
        """(HTTP status, answer)"""
        return self.post(method, json.dumps(values).encode(), 'application/json', wait_s)

    def post(self, method, body, kind, wait_s=20):
        request = urllib.request.Request(f'{self.root}/bot{self.token}/{method}', body, {'Content-Type': kind})
        try:
            with urllib.request.urlopen(request, timeout=wait_s) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def good(self, method, **values):
        status, answer = self.ask(method, **values)
        assert status == 200 and answer['ok'] is True, answer
        result = table.METHODS[method].result
        wrong = table.problems(answer['result'], result)
        assert not wrong, f'{method} gave {wrong}: {answer}'
        return answer['result']

    def bad(self, method, **values):
        """(code, description, parameters)"""
        status, answer = self.ask(method, **values)
        assert status == answer['error_code'] and answer['ok'] is False, answer
        return status, answer['description'], answer.get('parameters', {})

    def send(self, text='hello', chat_id=USER, **more):
        return self.good('sendMessage', chat_id=chat_id, text=text, **more)

    def updates(self, **values):
        return self.good('getUpdates', **values)


class Case(unittest.TestCase):
    OPTIONS = {'limits': False}

    def setUp(self):
        self.telegram = Telegram(**self.OPTIONS).__enter__()
        self.addCleanup(self.telegram.__exit__)
        self.bot = Client(self.telegram)

    def started(self):
        """A private chat that the user has begun, its first message confirmed."""
        self.telegram.say('/start')
        self.bot.updates(offset=self.bot.updates()[-1]['update_id'] + 1)

    def refused(self, words, method, code=400, **values):
        got = self.bot.bad(method, **values)
        self.assertEqual(got[:2], (code, words))
        return got[2]


class TableTest(unittest.TestCase):
    def setUp(self):
        self.contract = contract.read()
        if self.contract is None:
            self.skipTest('the machine-readable contract of the Bot API is not beside this checkout')

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


class UpdatesTest(Case):
    def ids(self, **values):
        return [one['update_id'] for one in self.bot.updates(**values)]

    def say(self, count):
        return [self.telegram.say(f'm{at}')['update_id'] for at in range(count)]

    def test_confirmed_by_a_larger_offset_only(self):
        ids = self.say(3)
        self.assertEqual(self.ids(), ids)
        self.assertEqual(self.ids(offset=ids[0]), ids)
        self.assertEqual(self.ids(offset=ids[1], limit=1), ids[1:2])
        self.assertEqual(self.ids(offset=ids[2] + 1, timeout=1), [])
        self.assertEqual(self.telegram.pending()['confirmed'], ids[2])

    def test_negative_offset_forgets_what_is_before(self):
        ids = self.say(4)
        self.assertEqual(self.ids(offset=-2), ids[2:])
        self.assertEqual(self.ids(offset=ids[2]), ids[2:])

    def test_long_poll_ends_with_the_first_update(self):
        started = time.monotonic()
        timer = threading.Timer(0.2, lambda: self.telegram.say('late'))
        timer.start()
        self.assertEqual(len(self.ids(timeout=50)), 1)
        self.assertLess(time.monotonic() - started, 40)
        timer.join()

    def test_the_same_offset_again_is_slowed(self):
        self.assertEqual(self.ids(), [])
        started = time.monotonic()
        self.assertEqual(self.ids(), [])
        self.assertGreater(time.monotonic() - started, 2.5)

    def test_allowed_updates_are_remembered(self):
        message = self.telegram.say('hi')['message_id']
        self.assertIsNone(self.telegram.react(message)['update_id'])
        self.bot.updates(allowed_updates=['message_reaction'])
        self.bot.updates(offset=100000002, timeout=1)
        self.assertIsNone(self.telegram.say('not heard')['update_id'])
        self.assertIsNotNone(self.telegram.react(message, [])['update_id'])
        got = self.bot.updates(offset=100000002)[0]['message_reaction']
        self.assertEqual((got['old_reaction'][0]['emoji'], got['new_reaction']), ('👍', []))
        self.bot.updates(allowed_updates=[])
        self.assertIsNone(self.telegram.react(message)['update_id'])

    def test_two_pollers(self):
        answers = []
        body = json.dumps({'timeout': 20}).encode()
        first = threading.Thread(target=lambda: answers.append(self.bot.post('getUpdates', body, 'application/json')))
        first.start()
        self.wait(lambda: self.telegram.pending()['polling'])
        second = threading.Thread(target=lambda: self.bot.post('getUpdates', body, 'application/json'))
        second.start()
        first.join(10)
        self.assertEqual(answers[0][0], 409)
        self.assertEqual(answers[0][1]['description'], 'Conflict: terminated by other getUpdates request; '
                         'make sure that only one bot instance is running')
        self.telegram.say('ends the second')
        second.join(10)

    def wait(self, true, seconds=10):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def test_kinds_of_updates(self):
        self.started()
        self.telegram.group(GROUP, title='Team')
        sent = self.bot.send('pick', reply_markup={'inline_keyboard': [[{'text': 'A', 'callback_data': 'a'}]]})
        message = self.telegram.say('@palaver_test_bot hi', chat=GROUP)['message_id']
        self.telegram.edit(message, 'changed', chat=GROUP)
        for kind in ('photo', 'document', 'voice', 'audio', 'video', 'sticker', 'location', 'contact'):
            self.telegram.media(kind, 'look' if kind == 'photo' else '')
        self.telegram.press(sent['message_id'], 'A')
        self.telegram.block()
        self.telegram.status(GROUP, 'kicked')
        updates = self.bot.updates()
        self.assertEqual([[*one][1] for one in updates],
                         ['message', 'edited_message', *['message'] * 8, 'callback_query', 'my_chat_member', 'message',
                          'my_chat_member'])
        self.assertEqual(updates[0]['message']['entities'], [{'type': 'mention', 'offset': 0, 'length': 17}])
        self.assertEqual(updates[10]['callback_query']['message']['reply_markup'], sent['reply_markup'])

    def test_duplicates_and_order(self):
        ids = self.say(3)
        self.telegram.fault('getUpdates', 'reorder')
        self.assertEqual(self.ids(), ids[::-1])
        self.telegram.fault('getUpdates', 'duplicate')
        self.assertEqual(self.ids(offset=ids[1]), [ids[0], *ids[1:], ids[2]])

    def test_privacy_mode(self):
        self.telegram.privacy()
        self.telegram.group(GROUP)
        own = self.bot.send(chat_id=GROUP)['message_id']
        heard = [self.telegram.say(text, chat=GROUP, **more)['update_id'] is not None for text, more in [
            ('hello', {}), ('/help', {}), ('hi @Palaver_Test_Bot', {}), ('yes', {'reply_to': own})]]
        self.assertEqual(heard, [False, True, True, True])


class SendTest(Case):
    def setUp(self):
        super().setUp()
        self.started()

    def test_formatted_text(self):
        sent = self.bot.send('*\U0001f600 x* [y](https://a.io)', parse_mode='markdownv2')
        self.assertEqual(sent['text'], '\U0001f600 x y')
        self.assertEqual(sent['entities'], [{'type': 'bold', 'offset': 0, 'length': 4},
                                            {'type': 'text_link', 'offset': 5, 'length': 1, 'url': 'https://a.io/'}])
        sent = self.bot.send(' ab ', entities=[{'type': 'bold', 'offset': 2, 'length': 2}])
        self.assertEqual(sent['entities'], [{'type': 'bold', 'offset': 1, 'length': 1}])

    def test_limits_of_text(self):
        self.bot.send('x' * 4096)
        self.bot.send('*' + 'x' * 4096 + '*', parse_mode='MarkdownV2')
        self.refused('Bad Request: message is too long', 'sendMessage', chat_id=USER, text='x' * 4097)
        self.refused('Bad Request: message is too long', 'sendMessage', chat_id=USER, text='\U0001f600' * 2049)
        for text in ('', ' \n', '**'):
            self.refused('Bad Request: message text is empty', 'sendMessage', chat_id=USER, text=text,
                         **({'parse_mode': 'MarkdownV2'} if '*' in text else {}))
        self.refused('Bad Request: unsupported parse_mode', 'sendMessage', chat_id=USER, text='x', parse_mode='XML')
        self.refused("Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the "
                     "preceding '\\'", 'sendMessage', chat_id=5, text='a.', parse_mode='MarkdownV2')

    def test_places_that_cannot_be_written_to(self):
        self.refused('Bad Request: chat not found', 'sendMessage', chat_id=5, text='x')
        self.refused('Bad Request: chat not found', 'sendMessage', chat_id='@nobody', text='x')
        self.refused('Bad Request: chat_id is empty', 'sendMessage', text='x')
        self.telegram.user(7)
        self.refused("Forbidden: bot can't initiate conversation with a user", 'sendMessage', 403, chat_id=7, text='x')
        self.telegram.block()
        self.refused('Forbidden: bot was blocked by the user', 'sendMessage', 403, chat_id=USER, text='x')
        self.telegram.deactivate()
        self.refused('Forbidden: user is deactivated', 'sendMessage', 403, chat_id=USER, text='x')
        self.telegram.group(GROUP)
        self.telegram.status(GROUP, 'kicked')
        self.refused('Forbidden: bot was kicked from the group chat', 'sendMessage', 403, chat_id=GROUP, text='x')
        self.telegram.status(GROUP, 'member')
        self.telegram.mute(GROUP)
        self.refused('Bad Request: not enough rights to send text messages to the chat', 'sendMessage', chat_id=GROUP,
                     text='x')

    def test_group_that_became_a_supergroup(self):
        self.telegram.group(GROUP)
        new = self.telegram.upgrade(GROUP)
        told = self.refused('Bad Request: group chat was upgraded to a supergroup chat', 'sendMessage', chat_id=GROUP,
                            text='x')
        self.assertEqual(told, {'migrate_to_chat_id': new})
        self.assertLess(new, -2 ** 32)
        self.bot.send(chat_id=new)
        messages = [one['message'] for one in self.bot.updates() if 'message' in one]
        self.assertEqual((messages[-2]['migrate_to_chat_id'], messages[-1]['migrate_from_chat_id']), (new, GROUP))

    def test_replies(self):
        asked = self.telegram.say('why?')['message_id']
        sent = self.bot.send(reply_parameters={'message_id': asked})
        self.assertEqual(sent['reply_to_message']['text'], 'why?')
        self.telegram.erase(asked)
        self.refused('Bad Request: message to be replied not found', 'sendMessage', chat_id=USER, text='x',
                     reply_parameters={'message_id': asked})
        sent = self.bot.send(reply_parameters={'message_id': asked, 'allow_sending_without_reply': True})
        self.assertNotIn('reply_to_message', sent)

    def test_buttons(self):
        def with_button(**button):
            return {'chat_id': USER, 'text': 'x', 'reply_markup': {'inline_keyboard': [[{'text': 'A', **button}]]}}
        sent = self.bot.good('sendMessage', **with_button(callback_data='ä' * 32))
        for data in ('', 'x' * 65, 'ä' * 33):
            self.refused('Bad Request: BUTTON_DATA_INVALID', 'sendMessage', **with_button(callback_data=data))
        self.refused("Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline "
                     'keyboard', 'sendMessage', **with_button())
        query = self.telegram.press(sent['message_id'], 'A')['query_id']
        self.refused('Bad Request: MESSAGE_TOO_LONG', 'answerCallbackQuery', callback_query_id=query, text='x' * 201)
        self.bot.good('answerCallbackQuery', callback_query_id=query, text='x' * 200)
        self.assertEqual(self.telegram.query(query)['answer'], {'text': 'x' * 200})
        old = self.telegram.press(sent['message_id'], 'A')['query_id']
        self.telegram.advance(61)
        for stale in (query, old, '17'):
            self.refused('Bad Request: query is too old and response timeout expired or query ID is invalid',
                         'answerCallbackQuery', callback_query_id=stale)

    def test_edits(self):
        sent = self.bot.send('one')['message_id']
        self.assertEqual(self.bot.good('editMessageText', chat_id=USER, message_id=sent, text='two')['text'], 'two')
        self.refused('Bad Request: message is not modified: specified new message content and reply markup are exactly '
                     'the same as a current content and reply markup of the message', 'editMessageText', chat_id=USER,
                     message_id=sent, text=' two ')
        self.refused('Bad Request: message to edit not found', 'editMessageText', chat_id=USER, message_id=99, text='x')
        self.refused("Bad Request: message can't be edited", 'editMessageText', chat_id=USER, message_id=1, text='x')
        shown = self.telegram.transcript()['messages'][-1]
        self.assertEqual((shown['text'], shown['edited']), ('two', True))
        self.assertEqual([one['text'] for one in shown['edits']], ['one'])
        self.bot.good('deleteMessage', chat_id=USER, message_id=sent)
        self.refused('Bad Request: message to delete not found', 'deleteMessage', chat_id=USER, message_id=sent)
        self.assertEqual(self.telegram.texts(), [])

    def test_drafts(self):
        self.bot.good('sendMessageDraft', chat_id=USER, draft_id=1, text='so *far*', parse_mode='MarkdownV2')
        self.assertEqual(self.telegram.transcript()['draft'], 'so far')
        self.telegram.advance(31)
        self.assertIsNone(self.telegram.transcript()['draft'])
        self.bot.good('sendMessageDraft', chat_id=USER, draft_id=1, text='so far, and')
        self.bot.send('whole')
        self.assertIsNone(self.telegram.transcript()['draft'])
        self.assertEqual([one['text'] for one in self.telegram.transcript()['drafts']], ['so far', 'so far, and'])
        self.assertEqual(self.bot.bad('sendMessageDraft', chat_id=USER, draft_id=0, text='x')[0], 400)
        self.telegram.group(GROUP)
        self.assertEqual(self.bot.bad('sendMessageDraft', chat_id=GROUP, draft_id=1, text='x')[0], 400)

    def test_typing(self):
        self.bot.good('sendChatAction', chat_id=USER, action='typing')
        self.assertTrue(self.telegram.transcript()['typing'])
        self.telegram.advance(6)
        self.assertFalse(self.telegram.transcript()['typing'])
        self.refused('Bad Request: wrong parameter action in request', 'sendChatAction', chat_id=USER,
                     action='thinking')

    def test_files(self):
        part = b'--B\r\nContent-Disposition: form-data; name='
        body = part + b'"chat_id"\r\n\r\n%d\r\n' % USER + part + \
            b'"document"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n\x00\r\nbytes\r\n--B--\r\n'
        status, answer = self.bot.post('sendDocument', body, 'multipart/form-data; boundary=B')
        self.assertEqual((status, answer['result']['document']['file_name']), (200, 'a.txt'))
        found = self.bot.good('getFile', file_id=answer['result']['document']['file_id'])
        with urllib.request.urlopen(f'{self.bot.root}/file/bot{self.bot.token}/{found["file_path"]}') as file:
            self.assertEqual(file.read(), b'\x00\r\nbytes')
        same = answer['result']['document']['file_id']
        again = self.bot.good('sendDocument', chat_id=USER, document=same, caption='x')
        self.assertEqual(again['caption'], 'x')
        self.telegram.media('video', size=21 * 1024 * 1024)
        big = self.bot.updates()[-1]['message']['video']['file_id']
        self.refused('Bad Request: file is too big', 'getFile', file_id=big)
        self.refused('Bad Request: wrong file_id or the file is temporarily unavailable', 'getFile', file_id='x')

    def test_commands_reactions_and_chats(self):
        self.bot.good('setMyCommands', commands=[{'command': 'start', 'description': 'begin'}])
        self.assertEqual(self.bot.good('getMyCommands'), [{'command': 'start', 'description': 'begin'}])
        self.refused('Bad Request: BOT_COMMAND_INVALID', 'setMyCommands',
                     commands=[{'command': 'Go!', 'description': 'x'}])
        self.bot.good('setMessageReaction', chat_id=USER, message_id=1, reaction=[{'type': 'emoji', 'emoji': '👍'}])
        self.refused('Bad Request: REACTION_INVALID', 'setMessageReaction', chat_id=USER, message_id=1,
                     reaction=[{'type': 'emoji', 'emoji': 'x'}])
        self.assertEqual(self.bot.good('getChat', chat_id=USER)['type'], 'private')
        self.assertEqual(self.bot.good('getChatMember', chat_id=USER, user_id=self.bot.good('getMe')['id'])['status'],
                         'member')


class OtherMethodsTest(Case):
    """What our own adapter does not use, and clients of others do."""

    def setUp(self):
        super().setUp()
        self.started()

    def upload(self, method, name, data=b'bytes', **fields):
        values = {'chat_id': USER, **fields}
        lines = [b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
            field.encode(), (value if isinstance(value, str) else json.dumps(value)).encode())
            for field, value in values.items()]
        lines += [b'--B\r\nContent-Disposition: form-data; name="%s"; filename="f.bin"\r\n\r\n%s\r\n' % (
            one.encode(), data) for one in name.split()]
        return self.bot.post(method, b''.join(lines) + b'--B--\r\n', 'multipart/form-data; boundary=B')

    def test_every_method_of_the_table_is_there(self):
        for name in table.METHODS:
            self.assertTrue(callable(getattr(methods.Methods, name, None)), name)

    def test_media(self):
        for kind in ('audio', 'video', 'animation', 'voice', 'sticker'):
            with self.subTest(kind):
                status, answer = self.upload('send' + kind.capitalize(), kind, duration=9)
                self.assertEqual(status, 200, answer)
                found = answer['result'][kind]
                self.assertEqual(table.problems(found, kind.capitalize()), [])
                self.assertEqual(found.get('duration', 9), 9)
                self.assertEqual(self.telegram.transcript()['messages'][-1]['kind'], kind)
        self.assertEqual(self.upload('sendVoice', 'audio')[1]['description'],
                         'Bad Request: there is no voice in the request')

    def test_albums(self):
        items = [{'type': 'photo', 'media': 'attach://one', 'caption': '<b>x</b>', 'parse_mode': 'HTML'},
                 {'type': 'video', 'media': 'attach://two'}]
        status, answer = self.upload('sendMediaGroup', 'one two', media=items)
        self.assertEqual(status, 200, answer)
        first, second = answer['result']
        self.assertEqual((first['caption'], first['caption_entities'][0]['type']), ('x', 'bold'))
        self.assertEqual(first['media_group_id'], second['media_group_id'])
        words = {'Bad Request: there is no two in the request': (items, 'one'),
                 'Bad Request: group send failed: there must be from 2 to 10 media': (items[:1], 'one'),
                 "Bad Request: group send failed: these types of media can't be in one group":
                     ([items[0], {'type': 'document', 'media': 'attach://two'}], 'one two')}
        for description, (media, files) in words.items():
            self.assertEqual(self.upload('sendMediaGroup', files, media=media)[1]['description'], description)
        self.assertEqual(len(self.telegram.transcript()['messages']), 3)

    def test_places_contacts_and_dice(self):
        self.assertEqual(self.bot.good('sendLocation', chat_id=USER, latitude=1.5, longitude=2)['location'],
                         {'latitude': 1.5, 'longitude': 2})
        venue = self.bot.good('sendVenue', chat_id=USER, latitude=1, longitude=2, title='t', address='a')['venue']
        self.assertEqual(table.problems(venue, 'Venue'), [])
        self.bot.good('sendContact', chat_id=USER, phone_number='+1', first_name='Ann')
        self.assertLessEqual(self.bot.good('sendDice', chat_id=USER, emoji='🏀')['dice']['value'], 5)
        self.refused('Bad Request: wrong emoji specified', 'sendDice', chat_id=USER, emoji='x')
        self.refused('Bad Request: wrong latitude or longitude specified', 'sendLocation', chat_id=USER, latitude=91,
                     longitude=0)

    def test_forwards_and_copies(self):
        self.telegram.group(GROUP)
        sent = self.bot.send('original')['message_id']
        forwarded = self.bot.good('forwardMessage', chat_id=GROUP, from_chat_id=USER, message_id=sent)
        self.assertEqual((forwarded['text'], forwarded['forward_origin']['type']), ('original', 'user'))
        copied = self.bot.good('copyMessage', chat_id=GROUP, from_chat_id=USER, message_id=sent)
        self.assertEqual(list(copied), ['message_id'])
        self.assertEqual(self.telegram.texts(GROUP), ['original', 'original'])
        found = self.bot.good('copyMessages', chat_id=GROUP, from_chat_id=USER, message_ids=[sent, sent + 500])
        self.assertEqual(len(found), 1)
        self.refused('Bad Request: message to forward not found', 'forwardMessage', chat_id=GROUP, from_chat_id=USER,
                     message_id=999)
        self.refused('Bad Request: there are no messages to forward', 'forwardMessages', chat_id=GROUP,
                     from_chat_id=USER, message_ids=[998, 999])

    def test_captions_are_changed(self):
        photo = self.upload('sendPhoto', 'photo', caption='old')[1]['result']['message_id']
        edited = self.bot.good('editMessageCaption', chat_id=USER, message_id=photo, caption='new')
        self.assertEqual(edited['caption'], 'new')
        text = self.bot.send('text')['message_id']
        self.refused('Bad Request: there is no caption in the message to edit', 'editMessageCaption', chat_id=USER,
                     message_id=text, caption='x')

    def test_pins(self):
        first, second = self.bot.send('1')['message_id'], self.bot.send('2')['message_id']
        for one in (first, second):
            self.bot.good('pinChatMessage', chat_id=USER, message_id=one)
        self.bot.good('unpinChatMessage', chat_id=USER)
        self.assertEqual(self.telegram.transcript()['pinned'], [first])
        self.bot.good('unpinAllChatMessages', chat_id=USER)
        self.refused('Bad Request: message to unpin not found', 'unpinChatMessage', chat_id=USER, message_id=first)
        self.telegram.group(GROUP)
        sent = self.bot.send('3', chat_id=GROUP)['message_id']
        self.refused('Bad Request: not enough rights to manage pinned messages in the chat', 'pinChatMessage',
                     chat_id=GROUP, message_id=sent)

    def test_keyboards_beside_the_inline_one(self):
        for markup in ({'keyboard': [['Yes', {'text': 'No'}]]}, {'remove_keyboard': True}, {'force_reply': True}):
            self.assertNotIn('reply_markup', self.bot.good('sendMessage', chat_id=USER, text='x', reply_markup=markup))
        self.assertEqual(self.telegram.lints(), [])

    def test_what_is_said_of_the_bot(self):
        self.assertEqual(self.bot.good('getMyName'), {'name': 'Palaver'})
        self.bot.good('setMyName', name='Ratgeber', language_code='de')
        self.assertEqual(self.bot.good('getMyName', language_code='de'), {'name': 'Ratgeber'})
        self.assertEqual(self.bot.good('getMyName', language_code='fr'), {'name': 'Palaver'})
        self.bot.good('setMyDescription', description='answers')
        self.assertEqual(self.bot.good('getMyDescription'), {'description': 'answers'})
        self.assertEqual(self.bot.good('getMyShortDescription'), {'short_description': ''})
        self.refused('Bad Request: DESCRIPTION_TOO_LONG', 'setMyDescription', description='x' * 513)
        self.bot.good('setChatMenuButton', menu_button={'type': 'commands'})
        self.assertEqual(self.bot.good('getChatMenuButton', chat_id=USER), {'type': 'commands'})
        self.assertEqual(self.bot.good('getUserProfilePhotos', user_id=USER)['total_count'], 0)


class LimitsTest(Case):
    OPTIONS = {}

    def test_pace_of_a_chat(self):
        self.started()
        self.telegram.limits(chat_burst=3)
        sent = [self.bot.ask('sendMessage', chat_id=USER, text='x')[0] for _ in range(4)]
        self.assertEqual(sent, [200, 200, 200, 429])
        code, words, parameters = self.bot.bad('sendMessage', chat_id=USER, text='x')
        self.assertEqual((code, words, parameters), (429, 'Too Many Requests: retry after 1', {'retry_after': 1}))
        self.telegram.advance(1)
        self.bot.send()

    def test_pace_of_a_group_counts_edits(self):
        self.telegram.group(GROUP)
        first = self.bot.send('0', chat_id=GROUP)['message_id']
        for at in range(1, 20):
            self.telegram.advance(1.5)
            self.bot.good('editMessageText', chat_id=GROUP, message_id=first, text=str(at))
        self.telegram.advance(1.5)
        told = self.bot.bad('editMessageText', chat_id=GROUP, message_id=first, text='x')[2]
        self.assertGreater(told['retry_after'], 25)
        self.telegram.limits(on=False)
        self.bot.good('editMessageText', chat_id=GROUP, message_id=first, text='x')

    def test_pace_of_all(self):
        for user in range(1, 32):
            self.telegram.say('hi', user=user)
        self.telegram.limits(all_per_s=30)
        codes = [self.bot.ask('sendMessage', chat_id=user, text='x')[0] for user in range(1, 32)]
        self.assertEqual(codes.count(429), 1)


class FaultsTest(Case):
    def setUp(self):
        super().setUp()
        self.started()

    def test_answers_that_are_wrong(self):
        self.telegram.fault('sendMessage', 'flood', retry_after=7)
        self.telegram.fault('sendMessage', 'error', code=400, description='Bad Request: odd')
        self.telegram.fault('sendMessage', 'conflict', which='webhook')
        self.assertEqual(self.bot.bad('sendMessage', chat_id=USER, text='x'),
                         (429, 'Too Many Requests: retry after 7', {'retry_after': 7}))
        self.refused('Bad Request: odd', 'sendMessage', chat_id=USER, text='x')
        self.assertEqual(self.bot.bad('sendMessage', chat_id=USER, text='x')[0], 409)
        self.assertEqual(self.telegram.texts(), [])
        self.bot.send('x')

    def raw(self):
        """(status, bytes) of one sendMessage, or the error's name."""
        line = http.client.HTTPConnection('127.0.0.1', self.telegram.port, timeout=5)
        try:
            line.request('POST', f'/bot{self.bot.token}/sendMessage', json.dumps({'chat_id': USER, 'text': 'x'}),
                         {'Content-Type': 'application/json'})
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__, b''
        finally:
            line.close()

    def test_lines_that_break(self):
        for kind, texts in [('cut_before', 0), ('cut_after', 1), ('cut_half', 2)]:
            self.telegram.fault('sendMessage', kind)
            self.assertIn(self.raw()[0], ('RemoteDisconnected', 'ConnectionResetError', 'IncompleteRead'), kind)
            self.assertEqual(len(self.telegram.texts()), texts, kind)

    def test_bodies_that_are_wrong(self):
        for kind, more, status, texts in [
                ('garbage', {}, 200, 1), ('wrong_json', {}, 200, 2), ('server_error', {}, 502, 2),
                ('server_error', {'when': 'after', 'status': 504}, 504, 3)]:
            self.telegram.fault('sendMessage', kind, **more)
            self.assertEqual(self.raw()[0], status, kind)
            self.assertEqual(len(self.telegram.texts()), texts, kind)

    def test_slow_and_for_one_chat_only(self):
        self.telegram.say('hi', user=8)
        self.telegram.fault('*', 'slow', seconds=0.3, chat=USER, after=1)
        times = [self.took(8), self.took(USER), self.took(USER), self.took(USER)]
        self.assertEqual([took >= 0.3 for took in times], [False, False, True, False])
        self.assertEqual([one['kind'] for one in self.telegram.faults()['used']], ['slow'])

    def took(self, chat):
        started = time.monotonic()
        self.bot.send(chat_id=chat)
        return time.monotonic() - started


class Hook(http.server.BaseHTTPRequestHandler):
    """A bot's webhook: answers what `server.answers` holds next, else 200."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.got.append((self.headers.get('X-Telegram-Bot-Api-Secret-Token'), json.loads(body)))
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b'')
        self.send_response(status)
        for name, value in {**headers, 'Content-Length': len(answer)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class WebhookTest(Case):
    def setUp(self):
        super().setUp()
        self.hook = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Hook)
        self.hook.got, self.hook.answers = [], []
        thread = threading.Thread(target=self.hook.serve_forever)
        thread.start()
        self.addCleanup(lambda: (self.hook.shutdown(), thread.join(), self.hook.server_close()))
        self.url = f'http://127.0.0.1:{self.hook.server_address[1]}/hook?x=1'
        self.telegram.webhook_pace(0.01)

    def arrived(self):
        return [one['message']['text'] for _, one in self.hook.got]

    def test_delivery(self):
        before = self.telegram.say('before')['update_id']
        status, answer = self.bot.ask('setWebhook', url=self.url, secret_token='s-E_1')
        self.assertEqual((status, answer['description']), (200, 'Webhook was set'))
        update = self.telegram.say('after')['update_id']
        self.assertTrue(self.telegram.wait_confirmed(before) and self.telegram.wait_confirmed(update))
        self.assertEqual(self.arrived(), ['before', 'after'])
        self.assertEqual({secret for secret, _ in self.hook.got}, {'s-E_1'})
        self.refused("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                     'webhook first', 'getUpdates', 409)
        self.assertEqual(self.bot.ask('deleteWebhook')[1]['description'], 'Webhook was deleted')
        self.assertEqual(self.bot.updates(), [])

    def test_what_is_refused(self):
        for words, values in [
                ('secret token contains unallowed characters', {'url': self.url, 'secret_token': 'a b'}),
                ('secret token is too long', {'url': self.url, 'secret_token': 'a' * 257}),
                ('invalid webhook URL specified', {'url': 'ftp://localhost/'}),
                ('bad webhook: IP address 192.0.2.1 is not on this machine', {'url': 'https://192.0.2.1/'})]:
            self.refused('Bad Request: ' + words, 'setWebhook', **values)
        self.telegram.fake.local = False
        self.refused('Bad Request: bad webhook: An HTTPS URL must be provided for webhook', 'setWebhook', url=self.url)

    def test_again_until_it_is_taken_and_in_order(self):
        self.bot.good('setWebhook', url=self.url)
        self.hook.answers = [(500, {}, b''), (503, {'Retry-After': 2}, b''), (410, {}, b'')]
        self.telegram.say('one')
        last = self.telegram.say('two')['update_id']
        other = self.telegram.say('elsewhere', user=9)['update_id']
        self.assertTrue(self.telegram.wait_confirmed(last) and self.telegram.wait_confirmed(other))
        self.assertEqual([text for text in self.arrived() if text in ('one', 'two')][-2:], ['one', 'two'])
        self.assertEqual(len(self.hook.got), 6)
        self.assertIn('Wrong response from the webhook: ', self.bot.good('getWebhookInfo')['last_error_message'])

    def test_answer_in_the_reply(self):
        self.bot.good('setWebhook', url=self.url)
        answer = json.dumps({'method': 'sendMessage', 'chat_id': USER, 'text': 'at once'}).encode()
        self.hook.answers = [(200, {'Content-Type': 'application/json'}, answer)]
        self.telegram.say('hi')
        self.assertEqual(self.telegram.wait(), ['at once'])
        logged = self.telegram.wait_requests('sendMessage')[0]
        self.assertEqual((logged['http'], logged['status']), ('webhook reply', 200))

    def test_nobody_there(self):
        self.bot.good('setWebhook', url='http://127.0.0.1:9/')
        self.telegram.say('hi')
        end = time.monotonic() + 10
        while self.bot.good('getWebhookInfo').get('last_error_message') != 'Connection refused':
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.assertEqual(self.bot.good('getWebhookInfo')['pending_update_count'], 1)


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
