#!/usr/bin/python3
# RUN: timeout=180 variants=debug,release
"""What a bot can do on the fake of Telegram's server, how fast, and what may go wrong."""

import http.client
import json
import os
import sys
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)
sys.dont_write_bytecode = True
# Last the folder of this file: its folders have the names of client libraries.
sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != HERE] + [TEST, HERE]
from platforms.telegram import methods, table  # noqa: E402
from telegram_client import Case, GROUP, USER  # noqa: E402


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
        for text in ('', ' \n', '**', '\u00a0', '\u200b\u3000 \ufeff', '*\u2003*\U000e0041'):
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


if __name__ == '__main__':
    unittest.main()
