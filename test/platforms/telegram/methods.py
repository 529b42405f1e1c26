"""The methods of the Bot API. Each gets its values, checked and of the right types, and gives its result."""

import ipaddress
import re
import secrets
import socket
import urllib.parse

from . import contract, entities, table
from .account import Account
from .business import RIGHTS, Business
from .contents import Contents
from .faults import WEBHOOK_CONFLICT, flood
from .members import Members
from .more_methods import FIELDS, PHOTO_BYTES_MAX, UPLOAD_BYTES_MAX, MoreMethods, bad, known
from .params import ApiError, Upload
from .queries import Queries
from .stickers import Stickers
from .world import ACTION_S, DRAFT_S, File

FILE_BYTES_MAX = 20 * 1024 * 1024
DRAFTS_KEPT = 1000
QUERY_S = 60
EDIT_S = 48 * 3600
ACTIONS = {'typing', 'upload_photo', 'record_video', 'upload_video', 'record_voice', 'upload_voice', 'upload_document',
           'choose_sticker', 'find_location', 'record_video_note', 'upload_video_note'}
REACTIONS = set('❤👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡')
BUTTON_KINDS = ('url', 'callback_data', 'web_app', 'login_url', 'switch_inline_query',
                'switch_inline_query_current_chat', 'switch_inline_query_chosen_chat', 'copy_text', 'callback_game',
                'pay')
PORTS = (80, 88, 443, 8443)


class Result:
    """A result with a description beside it, as setWebhook gives it."""

    def __init__(self, value, description):
        self.value, self.description = value, description


class Methods(MoreMethods, Account, Business, Contents, Members, Queries, Stickers):
    def __init__(self, fake):
        self.fake, self.world, self.inbox = fake, fake.world, fake.inbox
        self.commands, self.words, self.menus = {}, {}, {}
        self.closed = ''

    async def call(self, name, values):
        if self.closed and name not in ('close', 'logOut'):
            raise ApiError(400, 'Logged out') if self.closed == 'logOut' else flood(600)
        if name in contract.ADDED:
            contract.check(name, values)
            self.look(name, values)
        result = getattr(self, name)(values)
        return await result if hasattr(result, '__await__') else result

    def look(self, name, values):
        """Whether what a request names is there: the chat, the user, the connection."""
        if 'chat_id' in values:
            self.chat(values)
        if 'business_connection_id' in values:
            self.connection(values, RIGHTS.get(name))
        if 'user_id' in values and 'ManagedBot' not in name and values['user_id'] not in self.world.users:
            raise bad('invalid user_id specified')

    # ------------------------------------------------------------ the bot

    def getMe(self, _):
        return self.world.bot

    def logOut(self, _):
        self.closed = 'logOut'
        return True

    def close(self, _):
        self.closed = 'close'
        return True

    def getUpdates(self, values):
        if self.fake.webhook.url:
            raise ApiError(409, WEBHOOK_CONFLICT)
        self.fake.lint(self.inbox.allow(values.get('allowed_updates')))
        if not 1 <= values.get('limit', 1) <= 100 or not 0 <= values.get('timeout', 0) <= 50:
            self.fake.lint(['getUpdates: limit is 1 to 100, timeout 0 to 50'])
        return self.inbox.get(values.get('offset', 0), values.get('limit', 100), values.get('timeout', 0))

    def setWebhook(self, values):
        url, secret = values.get('url', ''), values.get('secret_token', '')
        if not url:
            return self.deleteWebhook(values)
        if len(secret) > 256:
            raise bad('secret token is too long')
        if not re.fullmatch(r'[A-Za-z0-9_-]*', secret):
            raise bad('secret token contains unallowed characters')
        self.check_webhook(url)
        if values.get('drop_pending_updates'):
            self.inbox.drop_all()
        self.fake.lint(self.inbox.allow(values.get('allowed_updates')))
        same = self.fake.webhook.url == url and self.fake.webhook.secret == secret
        certificate = values.get('certificate')
        self.fake.webhook.set(url, secret, min(max(values.get('max_connections', 40), 1), 100),
                              certificate.data if isinstance(certificate, Upload) else b'')
        self.inbox.stop_poll('Conflict: terminated by setWebhook request')
        return Result(True, 'Webhook is already set' if same else 'Webhook was set')

    def check_webhook(self, url):
        address = urllib.parse.urlsplit(url)
        try:
            port = address.port or (443 if address.scheme == 'https' else 80)
        except ValueError as error:
            raise bad('invalid webhook URL specified') from error
        if not address.hostname or address.scheme not in ('http', 'https'):
            raise bad('invalid webhook URL specified')
        if not self.fake.local:
            if address.scheme != 'https':
                raise bad('bad webhook: An HTTPS URL must be provided for webhook')
            if port not in PORTS:
                raise bad('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443')
        try:
            ip = address.hostname if ':' in address.hostname else socket.gethostbyname(address.hostname)
        except OSError as error:
            raise bad('bad webhook: Failed to resolve host: Name or service not known') from error
        # A fake delivers on its own machine only.
        if not ipaddress.ip_address(ip).is_loopback:
            raise bad(f'bad webhook: IP address {ip} is not on this machine')

    def deleteWebhook(self, values):
        had = bool(self.fake.webhook.url)
        if values.get('drop_pending_updates'):
            self.inbox.drop_all()
        self.fake.webhook.clear()
        return Result(True, 'Webhook was deleted' if had else 'Webhook is already deleted')

    def getWebhookInfo(self, _):
        found = {**self.fake.webhook.info(), 'pending_update_count': len(self.inbox.waiting)}
        if self.inbox.allowed:
            found['allowed_updates'] = self.inbox.allowed
        return found

    # ------------------------------------------------------------ what every message needs

    def chat(self, values):
        given = values.get('chat_id')
        if given in (None, ''):
            raise bad('chat_id is empty')
        chat = self.world.chat_named(given)
        if chat is None:
            raise bad('chat not found')
        return chat

    def writable(self, values):
        chat = self.chat(values)
        refused = chat.refuses()
        if chat.kind == 'private' and self.world.users[chat.id].deactivated:
            refused = (403, 'Forbidden: user is deactivated')
        if refused:
            raise ApiError(*refused, **({'migrate_to_chat_id': chat.migrated_to} if chat.migrated_to else {}))
        return chat

    def paced(self, chat):
        wait = self.fake.limits.take(chat.id, self.world.now())
        if wait:
            raise flood(wait)

    def formatted(self, values, name='text', most=entities.TEXT_MAX):
        """(text, entities) of a text parameter. Telegram looks at the marks before it looks at the chat."""
        given = values.get('entities' if name == 'text' else 'caption_entities')
        mode = values.get('parse_mode', '')
        if mode.lower() == 'none':
            mode = ''
        try:
            text, found = entities.parse(values.get(name, ''), mode, given)
        except entities.ParseError as error:
            words = str(error)
            raise bad(words if words.startswith('unsupported') else "can't parse entities: " + words) from error
        if entities.units(text) > most:
            raise bad('message is too long' if name == 'text' else 'message caption is too long')
        return text, self.with_users(found)

    def with_users(self, found):
        out = []
        for one in found:
            if one['type'] == 'text_mention' and 'user' not in one:
                user = self.world.users.get(one.pop('user_id'))
                if user is None:
                    continue
                one['user'] = user.api()
            out.append(one)
        return out

    def markup(self, values, inline_only=False):
        """The inline keyboard that stays with the message; other keyboards leave nothing there."""
        markup = values.get('reply_markup')
        if not markup:
            return None
        if 'inline_keyboard' not in markup:
            if inline_only:
                raise bad('inline keyboard expected')
            return None
        rows = [[self.button(button) for button in row] for row in markup['inline_keyboard'] if row]
        if sum(map(len, rows)) > 100:
            raise bad('REPLY_MARKUP_TOO_LONG')
        return {'inline_keyboard': rows} if rows else None

    def button(self, button):
        kinds = [kind for kind in BUTTON_KINDS if kind in button]
        if not button['text'].strip():
            raise bad("can't parse inline keyboard button: Text buttons must be non-empty")
        if not kinds:
            raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if len(kinds) > 1:
            self.fake.lint([f'inline_keyboard: a button with {" and ".join(kinds)}'])
        if kinds[0] == 'callback_data' and not 1 <= len(button['callback_data'].encode()) <= 64:
            raise bad('BUTTON_DATA_INVALID')
        if kinds[0] == 'url' and not entities.good_url(button['url']):
            raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
        return known('InlineKeyboardButton', button)

    def reply(self, chat, values):
        """The id of the message that is answered; None: none, or one that is gone and may be."""
        given = values.get('reply_parameters') or {}
        wanted = given.get('message_id') or values.get('reply_to_message_id')
        if not wanted:
            return None
        if given.get('chat_id', chat.id) != chat.id or chat.get(wanted) is None or chat.get(wanted).service:
            free = given.get('allow_sending_without_reply') or values.get('allow_sending_without_reply')
            if free and not chat.facts.get('is_forum'):
                return None
            raise bad('message to be replied not found')
        if given.get('quote') and given['quote'] not in (chat.get(wanted).text or ''):
            raise bad('QUOTE_TEXT_INVALID')
        return wanted

    def topic_there(self, chat, values):
        number = values.get('message_thread_id')
        if number and chat.kind != 'private' and number not in chat.topics:
            raise bad('message thread not found')

    def post(self, chat, values, fill):
        """A new message of the bot; `fill (message)` gives it its content."""
        reply, markup = self.reply(chat, values), self.markup(values)
        self.topic_there(chat, values)
        self.paced(chat)
        message = chat.add(self.world.sender(), self.world.date())
        message.reply_to, message.markup = reply, markup
        if chat.facts.get('is_forum'):
            message.thread = values.get('message_thread_id')
        fill(message)
        for draft in chat.drafts:
            draft['over'] = True
        chat.actions = [{**action, 'until': 0} for action in chat.actions]
        self.fake.changed()
        return message.api()

    # ------------------------------------------------------------ messages

    def sendMessage(self, values):
        text, found = self.formatted(values)
        if not text:
            raise bad('message text is empty')
        chat = self.writable(values)

        def fill(message):
            message.text, message.entities = text, found
            if options := values.get('link_preview_options'):
                message.extra['link_preview_options'] = known('LinkPreviewOptions', options)
        return self.post(chat, values, fill)

    def sendMessageDraft(self, values):
        text, found = self.formatted(values)
        chat = self.writable(values)
        if chat.kind != 'private':
            raise bad('message drafts can be sent only to private chats')
        if values.get('draft_id', 0) == 0:
            raise bad('draft_id must be non-zero')
        now = self.world.now()
        for draft in chat.drafts:
            draft['over'] = draft['over'] or draft['draft_id'] != values['draft_id']
        chat.drafts.append({'draft_id': values['draft_id'], 'text': text, 'entities': found, 'at': self.world.date(),
                            'until': now + DRAFT_S, 'over': False})
        del chat.drafts[:-DRAFTS_KEPT]
        self.fake.changed()
        return True

    def media(self, kind, most, values):
        text, found = self.formatted(values, 'caption', entities.CAPTION_MAX)
        chat = self.writable(values)
        given = values.get(kind)
        if given in (None, ''):
            raise bad(f'there is no {kind} in the request')
        extra = self.media_fields(kind, self.file(kind, most, given), values)

        def fill(message):
            message.extra[kind] = extra
            if text:
                message.text, message.entities, message.caption = text, found, True
        return self.post(chat, values, fill)

    def media_fields(self, kind, file, values):
        ids = file.ids()
        if kind == 'photo':
            return [{**ids, 'width': 90, 'height': 60}, {**ids, 'width': 800, 'height': 533}]
        if file.id in self.world.kept['stickers']:
            return self.world.kept['stickers'][file.id]
        said = {'file_name': file.name, 'mime_type': file.mime, **FIELDS.get(kind, {}), **values}
        type_ = ''.join(word.capitalize() for word in kind.split('_'))
        return {**ids, **{name: said[name] for name in table.TYPES[type_].fields
                          if name not in ids and said.get(name) not in (None, '') and name != 'thumbnail'}}

    def file(self, kind, most, given):
        if isinstance(given, Upload):
            if not given.data:
                raise bad('file must be non-empty')
            if len(given.data) > most:
                raise ApiError(413, 'Request Entity Too Large')
            return self.world.keep(File(kind, given.data, given.name, given.mime))
        if given in self.world.files:
            return self.world.files[given]
        if re.match(r'https?://', given):
            raise bad('failed to get HTTP URL content')
        raise bad('wrong remote file identifier specified: Wrong character in the string')

    def sendPhoto(self, values):
        return self.media('photo', PHOTO_BYTES_MAX, values)

    def sendDocument(self, values):
        return self.media('document', UPLOAD_BYTES_MAX, values)

    def sendChatAction(self, values):
        chat = self.writable(values)
        if values.get('action') not in ACTIONS:
            raise bad('wrong parameter action in request')
        self.topic_there(chat, values)
        chat.actions.append({'action': values['action'], 'at': self.world.date(), 'until': self.world.now() + ACTION_S})
        del chat.actions[:-DRAFTS_KEPT]
        self.fake.changed()
        return True

    def own(self, values, what):
        """(chat, message) of a message of the bot that is to be changed."""
        if 'message_id' not in values:
            raise bad('message identifier is not specified')
        chat = self.writable(values)
        message = chat.get(values['message_id'])
        if message is None:
            raise bad(f'message to {what} not found')
        return chat, message

    def editMessageText(self, values):
        if values.get('inline_message_id'):
            raise bad('MESSAGE_ID_INVALID')
        text, found = self.formatted(values)
        if not text:
            raise bad('message text is empty')
        chat, message = self.own(values, 'edit')
        markup = self.markup(values, inline_only=True)
        if not message.by_bot:
            raise bad("message can't be edited")
        if message.text is None or message.caption:
            raise bad('there is no text in the message to edit')
        if (message.text, message.entities, message.markup) == (text, found, markup):
            raise bad('message is not modified: specified new message content and reply markup are exactly the same '
                      'as a current content and reply markup of the message')
        self.paced(chat)
        message.edits.append({'text': message.text, 'until': self.world.date()})
        message.text, message.entities, message.markup = text, found, markup
        message.edit_date = self.world.date()
        self.fake.changed()
        return message.api()

    def editMessageReplyMarkup(self, values):
        if values.get('inline_message_id'):
            raise bad('MESSAGE_ID_INVALID')
        chat, message = self.own(values, 'edit')
        markup = self.markup(values, inline_only=True)
        if not message.by_bot:
            raise bad("message can't be edited")
        if message.markup == markup:
            raise bad('message is not modified: specified new message content and reply markup are exactly the same '
                      'as a current content and reply markup of the message')
        self.paced(chat)
        message.markup, message.edit_date = markup, self.world.date()
        self.fake.changed()
        return message.api()

    def deleteMessage(self, values):
        chat, message = self.own(values, 'delete')
        may = message.by_bot or chat.kind == 'private' or chat.status == 'administrator'
        if not may or (message.by_bot and self.world.date() - message.date > EDIT_S):
            raise bad("message can't be deleted")
        message.deleted = True
        self.fake.changed()
        return True

    def deleteMessages(self, values):
        if not 1 <= len(values.get('message_ids', [])) <= 100:
            raise bad('message identifiers are not specified')
        chat = self.writable(values)
        for message_id in values['message_ids']:
            message = chat.get(message_id)
            if message and (message.by_bot or chat.kind == 'private' or chat.status == 'administrator'):
                message.deleted = True
        self.fake.changed()
        return True

    def setMessageReaction(self, values):
        _, message = self.own(values, 'react')
        wanted = values.get('reaction', [])
        if len(wanted) > 1:
            raise bad('REACTIONS_TOO_MANY')
        for one in wanted:
            if one['type'] == 'paid' or (one['type'] == 'emoji'
                                         and one['emoji'].replace('\ufe0f', '')[:1] not in REACTIONS):
                raise bad('REACTION_INVALID')
        message.reactions[self.world.bot['id']] = wanted
        self.fake.changed()
        return True

    def answerCallbackQuery(self, values):
        query = self.world.queries.get(values.get('callback_query_id'))
        if query is None or query['answer'] is not None or self.world.now() > query['until']:
            raise bad('query is too old and response timeout expired or query ID is invalid')
        if len(values.get('text', '')) > 200:
            raise bad('MESSAGE_TOO_LONG')
        query['answer'] = {name: values[name] for name in ('text', 'show_alert', 'url') if name in values}
        self.fake.changed()
        return True

    # ------------------------------------------------------------ looking things up

    def getFile(self, values):
        file = self.world.files.get(values.get('file_id', ''))
        if not values.get('file_id'):
            raise bad('file_id is not specified')
        if file is None:
            raise bad('wrong file_id or the file is temporarily unavailable')
        if file.size > FILE_BYTES_MAX:
            raise bad('file is too big')
        return {**file.ids(), 'file_path': file.path}

    def getChat(self, values):
        chat = self.chat(values)
        if chat.status in ('kicked', 'left') and not chat.migrated_to:
            raise ApiError(*chat.refuses())
        pinned = {'pinned_message': chat.messages[chat.pinned[-1]].api()} if chat.pinned else {}
        return {**chat.api(), 'accent_color_id': chat.id % 7, 'max_reaction_count': 11,
                'accepted_gift_types': {name: False for name in (
                    'unlimited_gifts', 'limited_gifts', 'unique_gifts', 'premium_subscription',
                    'gifts_from_channels')}, **pinned, **chat.about}

    def getChatMember(self, values):
        chat = self.chat(values)
        if values.get('user_id') == self.world.bot['id']:
            return self.world.member(chat, 'kicked' if chat.blocked else chat.status)
        user = self.world.users.get(values.get('user_id'))
        if user is None:
            raise bad('invalid user_id specified')
        if user.id in chat.standing:
            return {**chat.standing[user.id], 'user': user.api()}
        there = user.id in chat.members or user.id == chat.id
        return self.world.member(chat, 'member' if there else 'left', user.api())

    def getChatMemberCount(self, values):
        chat = self.chat(values)
        return 2 if chat.kind == 'private' else len(chat.members) + (chat.status in ('member', 'administrator'))

    def getChatAdministrators(self, values):
        chat = self.chat(values)
        if chat.kind == 'private':
            raise bad('there are no administrators in the private chat')
        bots = [self.world.member(chat, 'administrator')] if chat.status == 'administrator' else []
        return bots + [one for one in chat.standing.values() if one['status'] == 'administrator']

    def leaveChat(self, values):
        chat = self.writable(values)
        if chat.kind == 'private':
            raise bad("chat member status can't be changed in private chats")
        chat.status = 'left'
        return True

    def commands_key(self, values):
        scope = values.get('scope') or {'type': 'default'}
        return tuple(scope.items()), values.get('language_code', '')

    def setMyCommands(self, values):
        commands = values.get('commands', [])
        if len(commands) > 100:
            raise bad('BOT_COMMANDS_TOO_MUCH')
        for one in commands:
            if not re.fullmatch(r'/?[a-z0-9_]{1,32}', one['command']):
                raise bad('BOT_COMMAND_INVALID')
            if not 1 <= len(one['description']) <= 256:
                raise bad('BOT_COMMAND_DESCRIPTION_INVALID')
        self.commands[self.commands_key(values)] = [{**one, 'command': one['command'].lstrip('/')} for one in commands]
        return True

    def getMyCommands(self, values):
        return self.commands.get(self.commands_key(values), [])

    def deleteMyCommands(self, values):
        self.commands.pop(self.commands_key(values), None)
        return True


def new_query_id():
    return str(secrets.randbits(62))
