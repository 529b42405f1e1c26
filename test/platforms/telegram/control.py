"""What a test does to the fake: users act, things go wrong, and what came of it is looked at.

Every public function takes and gives JSON values: the same ones are the Python API (server.Telegram) and the HTTP
one (POST /control/NAME with a JSON object of arguments). `user` defaults to 1001, `chat` to that user's private chat.
"""

import asyncio
import base64
import copy
import inspect

from . import entities
from .faults import KINDS
from .methods import QUERY_S, new_query_id
from .people import People
from .world import SUPERGROUP, File

USER = 1001
MIMES = {'photo': 'image/jpeg', 'document': 'application/pdf', 'voice': 'audio/ogg', 'audio': 'audio/mpeg',
         'video': 'video/mp4', 'sticker': 'image/webp'}
NAMES = {'document': 'report.pdf', 'audio': 'song.mp3', 'video': 'film.mp4'}


class Control(People):
    def __init__(self, fake):
        self._fake, self._world = fake, fake.world

    async def _call(self, name, arguments):
        function = None if name.startswith('_') else getattr(self, name, None)
        if function is None:
            raise ValueError(f'no such call: {name}; there are {", ".join(self._names())}')
        result = function(**arguments)
        return copy.deepcopy(await result if inspect.isawaitable(result) else result)

    def _names(self):
        return sorted(name for name in dir(self) if not name.startswith('_'))

    # ------------------------------------------------------------ who and where

    def user(self, id=USER, **facts):
        """Makes or changes a user; one who never wrote to the bot cannot be written to."""
        return self._world.user(id, **facts).api()

    def group(self, chat=-2001, kind='group', members=(USER,), bot='member', **facts):
        """Makes a group with the bot in it (or changes one), without an update; `bot` is its status there."""
        if kind == 'supergroup' and chat > SUPERGROUP:
            chat = SUPERGROUP - abs(chat)
        found = self._world.group(chat, kind, **facts)
        found.members.update(members)
        found.status = bot
        for member in members:
            self._world.user(member)
        return found.id

    def forget(self):
        """Empties the transcript of every chat, the log of requests, and the faults that are left."""
        for chat in self._world.chats.values():
            chat.messages, chat.drafts, chat.actions = {}, [], []
        self._fake.log.clear()
        self._fake.lints.clear()
        self._fake.faults.pending.clear()

    # ------------------------------------------------------------ users act

    def _chat(self, user, chat):
        who = self._world.user(user)
        place = self._world.chats[user if chat is None else chat]
        if place.kind == 'private':
            place.started, place.blocked = True, False
        else:
            place.members.add(user)
        return who, place

    def _new(self, user, chat, reply_to=None, thread=None):
        who, place = self._chat(user, chat)
        message = place.add(who.api(), self._world.date())
        message.reply_to, message.thread = reply_to, thread
        if thread and thread not in place.gone_topics:
            place.topics.setdefault(thread, {'name': f'Topic {thread}', 'closed': False, 'hidden': False})
        return message

    def _told(self, message, kind='message'):
        update = self._fake.inbox.push(kind, message.api(), message.chat.id) if self._hears(message) else None
        self._fake.changed()
        return {'message_id': message.id, 'update_id': update, 'chat_id': message.chat.id}

    def _hears(self, message):
        """With privacy mode a bot in a group hears commands, its name, answers to itself, and service messages."""
        chat, text = message.chat, message.text or ''
        if chat.kind == 'private' or message.service:
            return True
        if chat.status not in ('member', 'administrator'):
            return False
        answered = chat.messages.get(message.reply_to)
        name = '@' + self._world.bot['username'].lower()
        return not self._fake.privacy or chat.status == 'administrator' or bool(answered and answered.by_bot) \
            or any(one['type'] == 'bot_command' or (one['type'] == 'mention' and entities.part(
                text, one['offset'], one['length']).lower() == name) for one in message.entities)

    def say(self, text, user=USER, chat=None, reply_to=None, entities_=None, thread=None):
        """A text, a command (`/start`), a mention: links and commands in it are found as Telegram finds them."""
        message = self._new(user, chat, reply_to, thread)
        message.text, message.entities = entities.parse(text, '', entities_)
        return self._told(message)

    def media(self, kind='photo', caption='', user=USER, chat=None, reply_to=None, data=None, size=None, name=None,
              mime=None, group=None, fields=None):
        """A photo, document, voice, audio, video, sticker, location or contact; `data` is base64, `size` may lie."""
        message = self._new(user, chat, reply_to)
        if kind == 'location':
            message.extra[kind] = {'latitude': 52.5, 'longitude': 13.4, **(fields or {})}
        elif kind == 'contact':
            message.extra[kind] = {'phone_number': '+4930123', 'first_name': 'Ann', **(fields or {})}
        else:
            message.extra[kind] = self._file_fields(kind, data, size, name, mime, fields or {})
        if group:
            message.extra['media_group_id'] = group
        if caption:
            message.text, message.entities = entities.parse(caption, '')
            message.caption = True
        return self._told(message)

    def _file_fields(self, kind, data, size, name, mime, fields):
        content = base64.b64decode(data) if data is not None else b'%' + kind.encode() * 20
        file = self._world.keep(File(kind, content, name or NAMES.get(kind, ''), mime or MIMES[kind], size))
        ids = file.ids()
        if kind == 'photo':
            small = self._world.keep(File(kind, content[:10], '', mime or MIMES[kind]))
            return [{**small.ids(), 'width': 90, 'height': 60}, {**ids, 'width': 1280, 'height': 853, **fields}]
        more = {'voice': {'duration': 3}, 'audio': {'duration': 3, 'file_name': file.name},
                'video': {'duration': 3, 'width': 640, 'height': 360, 'file_name': file.name},
                'document': {'file_name': file.name},
                'sticker': {'type': 'regular', 'width': 512, 'height': 512, 'is_animated': False, 'is_video': False,
                            'emoji': '👍'}}[kind]
        return {**ids, **more, **({} if kind == 'sticker' else {'mime_type': file.mime}), **fields}

    def edit(self, message_id, text, user=USER, chat=None):
        """A user changes a message of theirs."""
        message = self._world.chats[user if chat is None else chat].messages[message_id]
        message.edits.append({'text': message.text, 'until': self._world.date()})
        message.text, message.entities = entities.parse(text, '')
        message.edit_date = self._world.date()
        return self._told(message, 'edited_message')

    def erase(self, message_id, user=USER, chat=None):
        """A user deletes a message: bots are told nothing."""
        self._world.chats[user if chat is None else chat].messages[message_id].deleted = True
        self._fake.changed()

    def erase_topic(self, thread, chat):
        """An administrator deletes a topic, and with it what is in it: bots are told nothing."""
        self._world.chats[chat].drop_topic(thread)
        self._fake.changed()

    def press(self, message_id, button, user=USER, chat=None):
        """Presses the button with this text or callback data under a message; gives the id of the query."""
        who, place = self._chat(user, chat)
        message = place.get(message_id)
        rows = (message.markup or {}).get('inline_keyboard', [])
        data = next((one['callback_data'] for row in rows for one in row
                     if 'callback_data' in one and button in (one['text'], one['callback_data'])), None)
        if data is None:
            raise ValueError(f'message {message_id} has no button {button}')
        query = new_query_id()
        self._world.queries[query] = {'answer': None, 'until': self._world.now() + QUERY_S, 'chat': place.id,
                                      'data': data}
        update = self._fake.inbox.push('callback_query', {
            'id': query, 'from': who.api(), 'message': message.api(), 'chat_instance': place.instance, 'data': data},
            place.id)
        return {'query_id': query, 'update_id': update, 'chat_id': place.id}

    def query(self, query_id):
        """What the bot answered to a press: {"answer": null or {"text", ...}, ...}."""
        return {name: self._world.queries[query_id][name] for name in ('answer', 'chat', 'data')}

    def react(self, message_id, emoji=('👍',), user=USER, chat=None):
        """A reaction (an empty list takes it back). In groups only bots that are administrators hear of it."""
        who, place = self._chat(user, chat)
        message = place.get(message_id)
        old, new = message.reactions.get(user, []), [{'type': 'emoji', 'emoji': one} for one in emoji]
        message.reactions[user] = new
        update = None
        if place.kind == 'private' or place.status == 'administrator':
            update = self._fake.inbox.push('message_reaction', {
                'chat': place.api(), 'message_id': message_id, 'user': who.api(), 'date': self._world.date(),
                'old_reaction': old, 'new_reaction': new}, place.id)
        self._fake.changed()
        return {'update_id': update, 'chat_id': place.id}

    def block(self, user=USER, blocked=True):
        """The user blocks (or unblocks) the bot."""
        who, place = self._chat(user, None)
        place.blocked = blocked
        return self._status(place, who, 'member' if blocked else 'kicked', 'kicked' if blocked else 'member')

    def deactivate(self, user=USER):
        """The user's account is deleted."""
        self._world.user(user).deactivated = True

    def mute(self, chat, muted=True):
        """The bot may not write in a group any more."""
        self._world.chats[chat].muted = muted

    def status(self, chat, status, user=USER):
        """The bot becomes member, administrator, left or kicked in a group, by this user."""
        who, place = self._chat(user, chat)
        before, place.status = place.status, status
        joined = before in ('left', 'kicked') and status in ('member', 'administrator')
        if joined or status in ('left', 'kicked'):
            message = place.add(who.api(), self._world.date())
            bot = self._world.sender()
            message.extra.update({'new_chat_members': [bot]} if joined else {'left_chat_member': bot})
            self._told(message)
        return self._status(place, who, before, status)

    def _status(self, place, who, before, after):
        update = self._fake.inbox.push('my_chat_member', {
            'chat': place.api(), 'from': who.api(), 'date': self._world.date(),
            'old_chat_member': self._world.member(place, before),
            'new_chat_member': self._world.member(place, after)}, place.id)
        self._fake.changed()
        return {'update_id': update, 'chat_id': place.id}

    def upgrade(self, chat, user=USER):
        """A group becomes a supergroup, with another id: both tell of it. Gives the new id."""
        who, old = self._chat(user, chat)
        new = self._world.group(SUPERGROUP - abs(chat) - 1000000000, 'supergroup', **old.facts)
        new.members, new.status = set(old.members), old.status
        gone = old.add(who.api(), self._world.date())
        gone.extra['migrate_to_chat_id'] = new.id
        self._told(gone)
        old.migrated_to = new.id
        born = new.add(who.api(), self._world.date())
        born.extra['migrate_from_chat_id'] = old.id
        self._told(born)
        return new.id

    def update(self, update, chat=0):
        """Any update, as it is: {"message": {...}}; its update_id is added."""
        (kind, body), = update.items()
        return self._fake.inbox.push(kind, body, chat)

    # ------------------------------------------------------------ what goes wrong

    def fault(self, method, kind, count=1, after=0, chat=None, **arguments):
        """Adds a fault for `count` requests of a method (`*`: any), the first `after` left alone; see faults()."""
        self._fake.faults.add(method, kind, count=count, after=after, chat=chat, **arguments)

    def faults(self):
        """The kinds there are, what is still to come, and what has happened."""
        return {'kinds': KINDS, 'pending': [one.show() for one in self._fake.faults.pending],
                'used': [one.show() for one in self._fake.faults.used]}

    def clear_faults(self):
        self._fake.faults.pending.clear()

    def limits(self, **values):
        """Changes limits (on, chat_per_s, chat_burst, group_per_min, all_per_s) and gives them all."""
        return self._fake.limits.set(**values)

    def advance(self, seconds):
        """Lets time pass for limits, drafts and buttons."""
        self._world.skew += seconds
        self._fake.changed()

    def privacy(self, on=True):
        """Privacy mode: see _hears."""
        self._fake.privacy = on
        self._world.bot['can_read_all_group_messages'] = not on

    def webhook_pace(self, factor):
        """Waits between tries of the webhook become this much longer; 0.01 in tests."""
        self._fake.webhook.pace = factor

    # ------------------------------------------------------------ what came of it

    def transcript(self, chat=USER):
        """A chat as its user sees it: messages with their past, buttons, reply, draft, typing."""
        return self._world.chats[chat].transcript(self._world.now())

    def texts(self, chat=USER):
        """The bot's texts in a chat that are still there, in order."""
        return [message.text for message in self._world.chats[chat].messages.values()
                if message.by_bot and not message.deleted and message.text is not None]

    def chats(self):
        return [chat.api() for chat in self._world.chats.values()]

    def requests(self, method=None, since=0):
        """What the bot asked, with times: the log of all requests, or of one method."""
        return [entry for entry in self._fake.log[since:] if method in (None, entry['method'])]

    def deliveries(self):
        """Every try of the webhook."""
        return self._fake.webhook.log

    def lints(self):
        """What the bot sent that Telegram passes over in silence: unknown parameters, odd values."""
        return self._fake.lints

    def pending(self):
        """What waits for the bot: {"count", "update_ids", "confirmed", "allowed_updates"}."""
        inbox = self._fake.inbox
        return {'count': len(inbox.waiting), 'update_ids': list(inbox.waiting), 'confirmed': inbox.confirmed,
                'allowed_updates': inbox.allowed, 'polling': inbox.poll is not None}

    async def wait(self, chat=USER, count=1, timeout_s=10):
        """Waits until the bot has `count` texts in a chat; gives them, or fewer when time is over."""
        await self._until(lambda: chat in self._world.chats and len(self.texts(chat)) >= count, timeout_s)
        return self.texts(chat) if chat in self._world.chats else []

    async def wait_confirmed(self, update_id, timeout_s=10):
        """Waits until the bot has confirmed an update; False when it did not."""
        return await self._until(lambda: self._fake.inbox.confirmed >= update_id
                                 and update_id not in self._fake.inbox.waiting, timeout_s)

    async def wait_requests(self, method, count=1, timeout_s=10):
        """Waits until the bot has asked `method` so often; gives the log."""
        await self._until(lambda: len(self.requests(method)) >= count, timeout_s)
        return self.requests(method)

    async def _until(self, true, timeout_s):
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while not true():
            left = end - loop.time()
            if left <= 0:
                return False
            await self._fake.change(left)
        return True
