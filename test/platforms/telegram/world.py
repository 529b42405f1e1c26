"""Users, chats and messages: what there is, as a user sees it, and as the Bot API shows it."""

import collections
import hashlib
import secrets
import time

from . import entities

START_MESSAGE_ID = 1
SUPERGROUP = -1000000000000
DRAFT_S = 30
ACTION_S = 5


class User:
    def __init__(self, user_id, facts):
        self.id, self.facts = user_id, {'first_name': f'User {user_id}', **facts}
        self.deactivated = False
        self.photos, self.audios = [], []   # of the profile

    def api(self):
        return {'id': self.id, 'is_bot': False, **self.facts}


class File:
    def __init__(self, kind, data, name, mime, size=None):
        self.data, self.name, self.mime = data, name, mime
        self.size = len(data) if size is None else size
        digest = hashlib.sha256(data + str((name, size)).encode()).hexdigest()
        self.unique_id = 'AQAD' + digest[:12]
        self.id = 'AgACAgIAAxk' + secrets.token_urlsafe(24)
        self.path = f'{kind}s/file_{digest[:6]}{"." + name.rpartition(".")[2] if "." in (name or "") else ""}'

    def ids(self):
        return {'file_id': self.id, 'file_unique_id': self.unique_id, 'file_size': self.size}


class Message:
    def __init__(self, chat, message_id, sender, date):
        self.chat, self.id, self.sender, self.date = chat, message_id, sender, date
        self.text, self.entities, self.caption = None, [], False
        self.extra = {}        # further fields as the API shows them: media, service messages
        self.reply_to = None   # a message id
        self.markup = None     # an inline keyboard
        self.thread = None
        self.edit_date, self.edits = None, []
        self.deleted = False
        self.reactions = {}    # who: [reaction]
        self.sent_at = time.time()

    @property
    def by_bot(self):
        return self.sender['is_bot']

    @property
    def service(self):
        return self.text is None and not any(name in self.extra for name in MEDIA)

    def root(self):
        """The message that the answers began with: it is no topic, and nothing can be sent to it as if it were."""
        message = self
        while message.reply_to in self.chat.messages:
            message = self.chat.messages[message.reply_to]
        return message.id

    def api(self, deep=True):
        found = {'message_id': self.id, 'from': self.sender, 'date': self.date, 'chat': self.chat.api()}
        if self.thread:
            found.update(message_thread_id=self.thread, is_topic_message=True)
        elif self.reply_to and self.chat.kind == 'supergroup':
            found['message_thread_id'] = self.root()
        if self.edit_date:
            found['edit_date'] = self.edit_date
        reply = self.chat.messages.get(self.reply_to)
        if deep and reply and not reply.deleted:
            found['reply_to_message'] = reply.api(deep=False)
        found.update(self.extra)
        if self.text is not None:
            found['caption' if self.caption else 'text'] = self.text
            if self.entities:
                found['caption_entities' if self.caption else 'entities'] = self.entities
        if self.markup:
            found['reply_markup'] = self.markup
        return found

    def shown(self):
        """As a user sees it, with its past."""
        buttons = [[{name: button[name] for name in ('text', 'callback_data', 'url') if name in button}
                    for button in row] for row in (self.markup or {}).get('inline_keyboard', [])]
        return {'message_id': self.id, 'by_bot': self.by_bot, 'from': self.sender['id'], 'text': self.text,
                'html': entities.html(self.text or '', self.entities), 'entities': self.entities,
                'reply_to': self.reply_to, 'thread': self.thread, 'buttons': buttons,
                'edited': bool(self.edit_date), 'edits': self.edits,
                'deleted': self.deleted, 'reactions': self.reactions, 'at': self.sent_at,
                'kind': next((name for name in MEDIA if name in self.extra), 'service' if self.service else 'text'),
                'extra': self.extra}


MEDIA = ('photo', 'document', 'audio', 'video', 'voice', 'sticker', 'animation', 'location', 'venue', 'contact',
         'dice', 'video_note', 'live_photo', 'paid_media', 'poll', 'checklist', 'rich_message', 'invoice', 'game')


class Chat:
    def __init__(self, chat_id, kind, facts):
        self.id, self.kind, self.facts = chat_id, kind, facts
        self.messages, self.next_id = {}, START_MESSAGE_ID
        self.drafts, self.actions = [], []
        self.status = 'member'       # of the bot: member, administrator, left, kicked
        self.blocked = False         # private: by its user
        self.started = kind != 'private'
        self.members = set()
        self.migrated_to = None
        self.muted = False
        self.pinned = []             # message ids, the latest last
        self.instance = str(secrets.randbits(62))
        self.about = {}              # what only getChat shows
        self.standing = {}           # user id: a ChatMember object of who is more or less than a member
        self.links, self.requests = {}, set()   # invite links; users who ask to be let in
        self.topics, self.gone_topics = {}, set()

    def api(self):
        return {'id': self.id, 'type': self.kind, **self.facts}

    def add(self, sender, date):
        message = Message(self, self.next_id, sender, date)
        self.messages[message.id] = message
        self.next_id += 1
        return message

    def get(self, message_id):
        """A message that is there and not deleted."""
        message = self.messages.get(message_id)
        return None if message is None or message.deleted else message

    def drop_topic(self, number):
        for message in self.messages.values():
            message.deleted = message.deleted or message.thread == number
        del self.topics[number]
        self.gone_topics.add(number)

    @property
    def words(self):
        return 'chat' if self.kind == 'private' else f'{self.kind} chat'

    def refuses(self):
        """Why the bot may not send here: (code, description), or None."""
        if self.migrated_to:
            return 400, 'Bad Request: group chat was upgraded to a supergroup chat'
        if self.blocked:
            return 403, 'Forbidden: bot was blocked by the user'
        if not self.started:
            return 403, "Forbidden: bot can't initiate conversation with a user"
        if self.status == 'kicked':
            return 403, f'Forbidden: bot was kicked from the {self.words}'
        if self.status == 'left':
            return 403, f'Forbidden: bot is not a member of the {self.words}'
        if self.muted:
            return 400, 'Bad Request: not enough rights to send text messages to the chat'
        return None

    def transcript(self, now):
        live = [draft for draft in self.drafts if not draft['over'] and draft['until'] > now]
        return {'chat': self.api(), 'messages': [message.shown() for message in self.messages.values()],
                'draft': live[-1]['text'] if live else None,
                'drafts': [{name: draft[name] for name in ('draft_id', 'text', 'at')} for draft in self.drafts],
                'typing': bool(self.actions and self.actions[-1]['until'] > now),
                'actions': [{name: action[name] for name in ('action', 'at')} for action in self.actions],
                'pinned': self.pinned, 'bot_status': 'blocked' if self.blocked else self.status,
                'migrated_to': self.migrated_to}


class World:
    def __init__(self, bot):
        self.bot = bot               # the bot as a User object of the API
        self.users, self.chats, self.files = {}, {}, {}
        self.queries = {}            # callback query id: its state
        self.kept = collections.defaultdict(dict)   # what the rarer methods keep, by topic
        self.skew = 0.0              # seconds that tests let pass at once

    def now(self):
        return time.monotonic() + self.skew

    def date(self):
        return int(time.time() + self.skew)

    def user(self, user_id, **facts):
        user = self.users.get(user_id)
        if user is None:
            user = self.users[user_id] = User(user_id, facts)
            self.chats[user_id] = Chat(user_id, 'private', {})
        user.facts.update(facts)
        self.chats[user_id].facts = {name: user.facts[name] for name in ('first_name', 'last_name', 'username')
                                     if name in user.facts}
        return user

    def group(self, chat_id, kind='group', **facts):
        chat = self.chats.get(chat_id)
        if chat is None:
            chat = self.chats[chat_id] = Chat(chat_id, kind, {'title': f'Group {abs(chat_id)}', **facts})
        chat.facts.update(facts)
        return chat

    def chat_named(self, given):
        """By number or @username; None: there is none."""
        if isinstance(given, str) and given.startswith('@'):
            public = [chat for chat in self.chats.values() if chat.kind != 'private']
            return next((chat for chat in public if chat.facts.get('username', '').lower() == given[1:].lower()), None)
        return self.chats.get(given)

    def keep(self, file):
        self.files[file.id] = file
        return file

    def member(self, chat, status, user=None):
        """A ChatMember object of the bot or a user."""
        found = {'status': status, 'user': user or {name: self.bot[name] for name in ('id', 'is_bot', 'first_name',
                                                                                     'username')}}
        if status == 'kicked':
            found['until_date'] = 0
        if status == 'administrator':
            found.update({name: False for name in (
                'can_be_edited', 'is_anonymous', 'can_restrict_members', 'can_promote_members', 'can_change_info',
                'can_post_stories', 'can_edit_stories', 'can_delete_stories')})
            found.update({name: True for name in ('can_manage_chat', 'can_delete_messages', 'can_manage_video_chats',
                                                  'can_invite_users')})
        return found

    def sender(self):
        return {name: self.bot[name] for name in ('id', 'is_bot', 'first_name', 'username')}
