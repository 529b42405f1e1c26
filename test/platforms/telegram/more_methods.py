"""Methods that our own adapter does not use, and other clients do: media, albums, forwards, copies, pins, names."""

import secrets

from . import entities, table
from .params import ApiError

PHOTO_BYTES_MAX = 10 * 1024 * 1024
UPLOAD_BYTES_MAX = 50 * 1024 * 1024
# What a server finds out about a file, which ours does not look into.
FIELDS = {'audio': {'duration': 3}, 'video': {'duration': 3, 'width': 640, 'height': 360},
          'animation': {'duration': 3, 'width': 320, 'height': 240}, 'voice': {'duration': 3},
          'video_note': {'duration': 3, 'length': 240}, 'live_photo': {'duration': 3, 'width': 640, 'height': 360},
          'sticker': {'type': 'regular', 'width': 512, 'height': 512, 'is_animated': False, 'is_video': False}}
# What an album holds beside each other.
ALBUMS = ({'photo', 'video'}, {'document'}, {'audio'})
DICE = {'🎲': 6, '🎯': 6, '🎳': 6, '🏀': 5, '⚽': 5, '🎰': 64}
WORDS_MAX = {'name': 64, 'description': 512, 'short_description': 120}


def bad(words, **parameters):
    return ApiError(400, 'Bad Request: ' + words, **parameters)


def known(type_, value):
    """Without the fields that the type does not have: they were ignored."""
    return {name: one for name, one in value.items() if name in table.TYPES[type_].fields}


class MoreMethods:
    # ------------------------------------------------------------ media

    def sendAudio(self, values):
        return self.media('audio', UPLOAD_BYTES_MAX, values)

    def sendVideo(self, values):
        return self.media('video', UPLOAD_BYTES_MAX, values)

    def sendAnimation(self, values):
        return self.media('animation', UPLOAD_BYTES_MAX, values)

    def sendVoice(self, values):
        return self.media('voice', UPLOAD_BYTES_MAX, values)

    def sendSticker(self, values):
        return self.media('sticker', UPLOAD_BYTES_MAX, values)

    def sendMediaGroup(self, values):
        items = values.get('media', [])
        kinds = {one.get('type') for one in items}
        if not 2 <= len(items) <= 10:
            raise bad('group send failed: there must be from 2 to 10 media')
        if not any(kinds <= album for album in ALBUMS):
            raise bad("group send failed: these types of media can't be in one group")
        chat, group = self.writable(values), str(secrets.randbits(62))
        made = [(one, self.album_item(one, values.uploads)) for one in items]
        sent = []
        for one, (extra, text, found) in made:
            def fill(message, one=one, extra=extra, text=text, found=found):
                message.extra.update({one['type']: extra, 'media_group_id': group})
                if text:
                    message.text, message.entities, message.caption = text, found, True
            sent.append(self.post(chat, values, fill))
        return sent

    def album_item(self, one, uploads):
        text, found = self.formatted(one, 'caption', entities.CAPTION_MAX)
        given = one['media']
        if given.startswith('attach://'):
            given = uploads.get(given.removeprefix('attach://'))
            if given is None:
                raise bad(f'there is no {one["media"].removeprefix("attach://")} in the request')
        most = PHOTO_BYTES_MAX if one['type'] == 'photo' else UPLOAD_BYTES_MAX
        return self.media_fields(one['type'], self.file(one['type'], most, given), one), text, found

    def plain(self, values, kind, extra):
        """A message that is nothing but `extra`."""
        chat = self.writable(values)
        return self.post(chat, values, lambda message: message.extra.update({kind: extra}))

    def place(self, values):
        if not (-90 <= values.get('latitude', 100) <= 90 and -180 <= values.get('longitude', 200) <= 180):
            raise bad('wrong latitude or longitude specified')
        return known('Location', values)

    def sendLocation(self, values):
        return self.plain(values, 'location', self.place(values))

    def sendVenue(self, values):
        if not values.get('title') or not values.get('address'):
            raise bad('title and address of the venue must be non-empty')
        return self.plain(values, 'venue', {**known('Venue', values), 'location': self.place(values)})

    def sendContact(self, values):
        if not values.get('phone_number') or not values.get('first_name'):
            raise bad('phone number and first name must be non-empty')
        return self.plain(values, 'contact', known('Contact', values))

    def sendDice(self, values):
        emoji = values.get('emoji', '🎲').replace('\ufe0f', '')
        if emoji not in DICE:
            raise bad('wrong emoji specified')
        return self.plain(values, 'dice', {'emoji': emoji, 'value': 1 + secrets.randbelow(DICE[emoji])})

    def editMessageCaption(self, values):
        if values.get('inline_message_id'):
            raise bad('MESSAGE_ID_INVALID')
        text, found = self.formatted(values, 'caption', entities.CAPTION_MAX)
        chat, message = self.own(values, 'edit')
        markup = self.markup(values, inline_only=True)
        if not message.by_bot or not any(kind in message.extra for kind in ('photo', 'document', *FIELDS)):
            raise bad("message can't be edited" if not message.by_bot else 'there is no caption in the message to edit')
        if (message.text or '', message.entities, message.markup) == (text, found, markup):
            raise bad('message is not modified: specified new message content and reply markup are exactly the same '
                      'as a current content and reply markup of the message')
        self.paced(chat)
        message.edits.append({'text': message.text, 'until': self.world.date()})
        message.text, message.entities, message.caption = text or None, found, bool(text)
        message.markup, message.edit_date = markup, self.world.date()
        self.fake.changed()
        return message.api()

    # ------------------------------------------------------------ the same message elsewhere

    def source(self, values, message_id):
        chat = self.chat({'chat_id': values.get('from_chat_id')})
        message = chat.get(message_id)
        return message if message and not message.service else None

    def again(self, values, message, forwarded, caption=None):
        """A copy of a message in the chat of `values`; `caption`: (text, entities) in place of its own."""
        def fill(new):
            new.extra = {name: one for name, one in message.extra.items() if name != 'media_group_id'}
            new.text, new.entities, new.caption = message.text, message.entities, message.caption
            if caption and not forwarded and message.text != caption[0] and (message.caption or message.text is None):
                new.text, new.entities, new.caption = caption[0] or None, caption[1], bool(caption[0])
            if forwarded:
                new.extra['forward_origin'] = {'type': 'user', 'date': message.date, 'sender_user': message.sender}
        return self.post(self.writable(values), values, fill)

    def one_again(self, values, forwarded):
        what = 'forward' if forwarded else 'copy'
        caption = self.formatted(values, 'caption', entities.CAPTION_MAX) if 'caption' in values else None
        self.writable(values)
        message = self.source(values, values.get('message_id'))
        if message is None:
            raise bad(f'message to {what} not found')
        return self.again(values, message, forwarded, caption)

    def all_again(self, values, forwarded):
        wanted = values.get('message_ids', [])
        if not 1 <= len(wanted) <= 100 or sorted(set(wanted)) != wanted:
            raise bad('message identifiers must be 1 to 100, in strictly increasing order')
        found = [message for message in (self.source(values, one) for one in wanted) if message]
        if not found:
            raise bad('there are no messages to ' + ('forward' if forwarded else 'copy'))
        caption = ('', []) if values.get('remove_caption') else None
        return [{'message_id': self.again(values, one, forwarded, caption)['message_id']} for one in found]

    def forwardMessage(self, values):
        return self.one_again(values, True)

    def forwardMessages(self, values):
        return self.all_again(values, True)

    def copyMessage(self, values):
        return {'message_id': self.one_again(values, False)['message_id']}

    def copyMessages(self, values):
        return self.all_again(values, False)

    # ------------------------------------------------------------ pins

    def pinnable(self, values):
        chat = self.writable(values)
        if chat.kind != 'private' and chat.status != 'administrator':
            raise bad('not enough rights to manage pinned messages in the chat')
        return chat

    def pinChatMessage(self, values):
        chat = self.pinnable(values)
        message = chat.get(values.get('message_id'))
        if message is None:
            raise bad('message to pin not found')
        chat.pinned = [one for one in chat.pinned if one != message.id] + [message.id]
        self.fake.changed()
        return True

    def unpinChatMessage(self, values):
        chat = self.pinnable(values)
        wanted = values.get('message_id', chat.pinned[-1] if chat.pinned else None)
        if wanted not in chat.pinned:
            raise bad('message to unpin not found')
        chat.pinned.remove(wanted)
        self.fake.changed()
        return True

    def unpinAllChatMessages(self, values):
        self.pinnable(values).pinned.clear()
        self.fake.changed()
        return True

    # ------------------------------------------------------------ what is said of the bot

    def set_words(self, name, values):
        text = values.get(name, '')
        if entities.units(text) > WORDS_MAX[name]:
            raise bad(f'{name.upper()}_TOO_LONG' if name != 'name' else 'BOT_TITLE_INVALID')
        self.words[name, values.get('language_code', '')] = text
        return True

    def get_words(self, name, values):
        """In this language, else in the one for all."""
        standard = self.words.get((name, ''), '') or (self.world.bot['first_name'] if name == 'name' else '')
        return {name: self.words.get((name, values.get('language_code', '')), '') or standard}

    def setMyName(self, values):
        return self.set_words('name', values)

    def getMyName(self, values):
        return self.get_words('name', values)

    def setMyDescription(self, values):
        return self.set_words('description', values)

    def getMyDescription(self, values):
        return self.get_words('description', values)

    def setMyShortDescription(self, values):
        return self.set_words('short_description', values)

    def getMyShortDescription(self, values):
        return self.get_words('short_description', values)

    def setChatMenuButton(self, values):
        self.menus[values.get('chat_id')] = values.get('menu_button') or {'type': 'default'}
        return True

    def getChatMenuButton(self, values):
        found = self.menus.get(values.get('chat_id')) or self.menus.get(None) or {'type': 'commands'}
        return found if found['type'] != 'default' else {'type': 'commands'}
