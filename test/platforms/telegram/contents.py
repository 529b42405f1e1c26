"""Messages that are more than text and a file: polls, checklists, paid and rich messages, invoices, games; and what
changes them later."""

import re
import secrets

from . import entities
from .contract import make, most
from .more_methods import FIELDS, PHOTO_BYTES_MAX, UPLOAD_BYTES_MAX, bad, known
from .world import DRAFT_S

SAME = ('message is not modified: specified new message content and reply markup are exactly the same '
        'as a current content and reply markup of the message')
POLL_MEDIA = ('animation', 'audio', 'document', 'live_photo', 'photo', 'sticker', 'video')


class Contents:
    def marked(self, method, name, values):
        """{name: text, name_entities: [...]} of a text parameter with marks of its own; {} when there is none."""
        text, found = self.formatted({
            'text': values.get(name) or '', 'parse_mode': values.get(name + '_parse_mode', ''),
            'entities': values.get(name + '_entities')}, most=most(method, name))
        return {**({name: text} if text else {}), **({name + '_entities': found} if found else {})}

    def deliver(self, values, **extra):
        """A message with these fields, and the caption of the request."""
        text, found = self.formatted(values, 'caption', entities.CAPTION_MAX)
        chat = self.writable(values)
        if values.get('business_connection_id'):
            extra['business_connection_id'] = values['business_connection_id']

        def fill(message):
            message.extra.update(extra)
            if text:
                message.text, message.entities, message.caption = text, found, True
        return self.post(chat, values, fill)

    def changed_to(self, message, **extra):
        """Puts these fields in the place of a message's own; None takes one away."""
        message.extra = {name: one for name, one in {**message.extra, **extra}.items() if one is not None}
        message.edit_date = self.world.date()
        self.fake.changed()
        return message.api()

    def target(self, values, kind=None, words="message can't be edited"):
        """The message of the bot that a request changes; True: an inline message, of which nobody sees more here."""
        if values.get('inline_message_id'):
            if values['inline_message_id'] not in self.world.kept['inline']:
                raise bad('MESSAGE_ID_INVALID')
            return True
        _, message = self.own(values, 'edit')
        if not message.by_bot or (kind and kind not in message.extra):
            raise bad(words)
        return message

    # ------------------------------------------------------------ media

    def sendVideoNote(self, values):
        return self.media('video_note', UPLOAD_BYTES_MAX, values)

    def sendLivePhoto(self, values):
        return self.deliver(values, live_photo=self.live_photo(values, values.get('live_photo'), values.get('photo')))

    def live_photo(self, values, video, still):
        fields = {name: one for name, one in values.items() if name != 'photo'}
        made = self.media_fields('live_photo', self.file('live_photo', PHOTO_BYTES_MAX, video), fields)
        return {**made, 'photo': self.media_fields('photo', self.file('photo', PHOTO_BYTES_MAX, still), {})}

    def item(self, one, uploads):
        """The fields of a media object: {its type: what a message shows of it}."""
        kind = one['type']
        if kind == 'live_photo':
            return {kind: self.live_photo(one, *(self.part(one[name], uploads) for name in ('media', 'photo')))}
        if kind in ('location', 'venue'):
            return {kind: known('Location', one) if kind == 'location' else
                    {**known('Venue', one), 'location': known('Location', one)}}
        if kind == 'link':
            return {kind: make('Link', one)}
        size = PHOTO_BYTES_MAX if kind == 'photo' else UPLOAD_BYTES_MAX
        return {kind: self.media_fields(kind, self.file(kind, size, self.part(one['media'], uploads)), one)}

    def part(self, given, uploads):
        name = given.removeprefix('attach://')
        if given != name and name not in uploads:
            raise bad(f'there is no {name} in the request')
        return uploads[name] if given != name else given

    def sendPaidMedia(self, values):
        if not values['media']:
            raise bad('there must be from 1 to 10 media')
        items = [{'type': one['type'], **self.item(one, values.uploads)} for one in values['media']]
        return self.deliver(values, paid_media={'star_count': values['star_count'], 'paid_media': items})

    def editMessageMedia(self, values):
        message, media, markup = self.target(values), values['media'], self.markup(values, inline_only=True)
        text, found = self.formatted(media, 'caption', entities.CAPTION_MAX)
        item = self.item(media, values.uploads)
        if message is True:
            return True
        if message.text is not None and not message.caption:
            raise bad('there is no media in the message to edit')
        message.text, message.entities, message.caption, message.markup = text or None, found, bool(text), markup
        return self.changed_to(message, **{**dict.fromkeys(('photo', 'document', *FIELDS)), **item})

    def moved(self, values, place):
        message, markup = self.target(values), self.markup(values, inline_only=True)
        if message is True:
            return True
        old = message.extra.get('location', {})
        if 'live_period' not in old or message.date + old['live_period'] < self.world.date():
            raise bad("message can't be edited")
        new = place(old)
        if (new, markup) == (old, message.markup):
            raise bad(SAME)
        message.markup = markup
        return self.changed_to(message, location=new)

    def editMessageLiveLocation(self, values):
        place = self.place(values)
        return self.moved(values, lambda old: {'live_period': old['live_period'], **place})

    def stopMessageLiveLocation(self, values):
        return self.moved(values, lambda old: {name: one for name, one in old.items() if name in (
            'latitude', 'longitude', 'horizontal_accuracy')})

    # ------------------------------------------------------------ polls and checklists

    def sendPoll(self, values):
        quiz, right = values.get('type') == 'quiz', values.get('correct_option_ids')
        chat, count = self.writable(values), len(values['options'])
        if quiz and not right:
            raise bad('correct option must be specified')
        if right and (not quiz or sorted(set(right)) != right or not 0 <= right[0] <= right[-1] < count):
            raise bad('wrong correct option ID specified')
        if 'open_period' in values and 'close_date' in values:
            raise bad("open_period and close_date can't be used together")
        if chat.kind != 'channel' and (values.get('members_only') or values.get('country_codes')):
            raise bad('polls can be limited in channel chats only')
        if 'close_date' in values and not 5 <= values['close_date'] - self.world.date() <= 2628000:
            raise bad('close_date must be 5 to 2628000 seconds in the future')
        poll = make('Poll', {
            'is_anonymous': True, 'type': 'regular', 'allows_revoting': not quiz, 'is_closed': False, **values,
            'id': str(secrets.randbits(62)), **{name: None for name in ('question_entities', 'media')},
            **self.poll_media(values, 'media', values.uploads),
            **self.poll_media(values, 'explanation_media', values.uploads),
            **self.marked('sendPoll', 'question', values), **self.marked('sendPoll', 'explanation', values),
            **self.marked('sendPoll', 'description', values),
            'options': [self.option(one, values.uploads) for one in values['options']]})
        return self.deliver({name: one for name, one in values.items() if name != 'entities'}, poll=poll)

    def option(self, given, uploads):
        text, found = self.formatted({'text': given['text'], 'parse_mode': given.get('text_parse_mode', ''),
                                      'entities': given.get('text_entities')}, most=100)
        return make('PollOption', {'persistent_id': secrets.token_hex(8), 'text': text, 'text_entities': found or None,
                                   **self.poll_media(given, 'media', uploads)})

    def poll_media(self, given, name, uploads):
        return {name: self.item(given[name], uploads)} if given.get(name) else {}

    def stopPoll(self, values):
        _, message = self.own(values, 'stop')
        poll, markup = message.extra.get('poll'), self.markup(values, inline_only=True)
        if poll is None or not message.by_bot:
            raise bad('message with poll to stop not found' if poll is None else "poll can't be stopped")
        if poll['is_closed']:
            raise bad('poll has already been closed')
        message.markup = markup
        self.changed_to(message, poll={**poll, 'is_closed': True})
        return message.extra['poll']

    def checklist(self, given):
        if len({one['id'] for one in given['tasks']}) != len(given['tasks']):
            raise bad('checklist task identifiers must be unique')

        def text(one, name, limit):
            words, found = self.formatted({'text': one[name], 'parse_mode': one.get('parse_mode', ''),
                                           'entities': one.get(name + '_entities')}, most=limit)
            return {name: words, **({name + '_entities': found} if found else {})}
        tasks = [{'id': one['id'], **text(one, 'text', 100)} for one in given['tasks']]
        return make('Checklist', {**given, 'title_entities': None, **text(given, 'title', 255), 'tasks': tasks})

    def sendChecklist(self, values):
        return self.deliver(values, checklist=self.checklist(values['checklist']))

    def editMessageChecklist(self, values):
        message = self.target(values, 'checklist')
        new, markup = self.checklist(values['checklist']), self.markup(values, inline_only=True)
        if (new, markup) == (message.extra['checklist'], message.markup):
            raise bad(SAME)
        message.markup = markup
        return self.changed_to(message, checklist=new)

    # ------------------------------------------------------------ rich messages

    def rich(self, given):
        """Each part between empty lines becomes a paragraph, without its marks: this server does not set type."""
        if ('html' in given) == ('markdown' in given):
            raise bad('exactly one of html and markdown must be specified')
        text = re.sub(r'<[^>]*>', '', given['html']) if 'html' in given else re.sub(r'[*_~`#]', '', given['markdown'])
        parts = [part.strip() for part in re.split(r'\n\s*\n', text) if part.strip()]
        if not parts:
            raise bad('message text is empty')
        return make('RichMessage', {'is_rtl': given.get('is_rtl'),
                                    'blocks': [{'type': 'paragraph', 'text': part} for part in parts]})

    def sendRichMessage(self, values):
        return self.deliver(values, rich_message=self.rich(values['rich_message']))

    def sendRichMessageDraft(self, values):
        blocks, chat = self.rich(values['rich_message'])['blocks'], self.writable(values)
        if chat.kind != 'private' or not values['draft_id']:
            raise bad('message drafts can be sent only to private chats' if chat.kind != 'private'
                      else 'draft_id must be non-zero')
        chat.drafts.append({'draft_id': values['draft_id'], 'text': '\n\n'.join(one['text'] for one in blocks),
                            'entities': [], 'at': self.world.date(), 'until': self.world.now() + DRAFT_S,
                            'over': False})
        self.fake.changed()
        return True

    # ------------------------------------------------------------ games

    def sendGame(self, values):
        if not re.fullmatch(r'\w{3,}', values['game_short_name']):
            raise bad('wrong game short name specified')
        return self.deliver(values, game=make('Game', {'title': values['game_short_name']}))

    def scores(self, values):
        """(the message or True, {user id: score} of its game)"""
        message = self.target(values, 'game', 'message must be a game')
        place = values['inline_message_id'] if message is True else (message.chat.id, message.id)
        return message, self.world.kept['scores'].setdefault(place, {})

    def setGameScore(self, values):
        message, scores = self.scores(values)
        if values['score'] < 0:
            raise bad('USER_SCORE_INVALID')
        if values['score'] <= scores.get(values['user_id'], -1) and not values.get('force'):
            raise bad('BOT_SCORE_NOT_MODIFIED')
        scores[values['user_id']] = values['score']
        return True if message is True else message.api()

    def getGameHighScores(self, values):
        ranked = sorted(self.scores(values)[1].items(), key=lambda one: -one[1])
        return [{'position': at, 'user': self.world.users[user].api(), 'score': score}
                for at, (user, score) in enumerate(ranked, 1)]

    # ------------------------------------------------------------ what others did to messages

    def forget_reactions(self, values, messages):
        if ('user_id' in values) == ('actor_chat_id' in values):
            raise bad('exactly one of user_id and actor_chat_id must be specified')
        who = values.get('user_id', values.get('actor_chat_id'))
        for message in messages:
            message.reactions.pop(who, None)
        self.fake.changed()
        return True

    def deleteMessageReaction(self, values):
        chat = self.managed(values)
        message = chat.get(values['message_id'])
        if message is None:
            raise bad('message not found')
        return self.forget_reactions(values, [message])

    def deleteAllMessageReactions(self, values):
        return self.forget_reactions(values, self.managed(values).messages.values())

    def suggested(self, values, state, **more):
        _, message = self.own(values, 'approve' if state == 'approved' else 'decline')
        info = message.extra.get('suggested_post_info')
        if info is None or info['state'] != 'pending':
            raise bad('SUGGESTED_POST_INVALID')
        self.changed_to(message, suggested_post_info={**info, 'state': state, **more})
        return True

    def approveSuggestedPost(self, values):
        when = values.get('send_date', self.world.date())
        if when > self.world.date() + 2678400:
            raise bad('SCHEDULE_DATE_TOO_LATE')
        return self.suggested(values, 'approved', send_date=when)

    def declineSuggestedPost(self, values):
        return self.suggested(values, 'declined')
