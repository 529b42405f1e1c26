"""More of what users do, and what the world holds, for the rarer methods: control.Control has these too."""

import secrets

from .contract import make
from .business import RIGHTS

USER = 1001
QUERY_S = 60
SHIPPING = {'country_code': 'DE', 'state': '', 'city': 'Berlin', 'street_line1': 'Weg 1', 'street_line2': '',
            'post_code': '10115'}


class People:
    def business(self, user=USER, stars=1000, enabled=True, **rights):
        """A user connects the bot to the own account, with all rights but those given as false; the id of it."""
        who = self._world.user(user)
        found = {'id': secrets.token_urlsafe(12), 'user': who.api(), 'user_chat_id': user, 'date': self._world.date(),
                 'rights': {**dict.fromkeys(RIGHTS.values(), True), **rights}, 'is_enabled': enabled}
        self._world.kept['connections'][found['id']] = found
        self._world.kept['stars'][found['id']] = stars
        self._fake.inbox.push('business_connection', found, user)
        return found['id']

    def ask(self, kind, user=USER, chat=None, **fields):
        """An inline_query, shipping_query, pre_checkout_query, guest_message or web_app question; its id."""
        who, number = self._world.user(user), str(secrets.randbits(62))
        self._world.kept['asked'][number] = {'kind': kind, 'answer': None, 'user': user, 'chat': chat,
                                             'until': self._world.now() + QUERY_S}
        if kind == 'guest_message':
            message = self._new(user, chat)
            message.text, message.extra['guest_query_id'] = fields.get('text', 'hi'), number
            self._fake.inbox.push(kind, message.api(), message.chat.id)
        elif kind != 'web_app':
            type_ = {'inline_query': 'InlineQuery', 'shipping_query': 'ShippingQuery',
                     'pre_checkout_query': 'PreCheckoutQuery'}[kind]
            body = make(type_, {'query': '', 'currency': 'XTR', 'shipping_address': SHIPPING, **fields, 'id': number,
                                'from': who.api()})
            self._fake.inbox.push(kind, body, user)
        return number

    def asked(self, query_id):
        """What became of a question: {"kind", "answer": null or the parameters, ...}."""
        return self._world.kept['asked'][query_id]

    def knock(self, chat, user=USER):
        """A user asks to be let into a group; the id of the query."""
        who, place, number = self._world.user(user), self._world.chats[chat], str(secrets.randbits(62))
        place.requests.add(user)
        self._world.kept['asked'][number] = {'kind': 'chat_join_request', 'answer': None, 'user': user, 'chat': chat,
                                             'until': self._world.now() + QUERY_S}
        self._fake.inbox.push('chat_join_request', {'chat': place.api(), 'from': who.api(), 'user_chat_id': user,
                                                    'date': self._world.date(), 'query_id': number}, chat)
        return number

    def vote(self, message_id, options=(0,), user=USER, chat=None):
        """A user votes in a poll."""
        who, place = self._chat(user, chat)
        poll, voters = place.get(message_id).extra['poll'], self._world.kept['votes']
        for at in voters.get((poll['id'], user), ()):
            poll['options'][at]['voter_count'] -= 1
        poll['total_voter_count'] += (poll['id'], user) not in voters
        voters[poll['id'], user] = list(options)
        for at in options:
            poll['options'][at]['voter_count'] += 1
        self._fake.inbox.push('poll', poll, place.id)
        if not poll['is_anonymous']:
            self._fake.inbox.push('poll_answer', {
                'poll_id': poll['id'], 'user': who.api(), 'option_ids': list(options),
                'option_persistent_ids': [poll['options'][at]['persistent_id'] for at in options]}, place.id)
        self._fake.changed()

    def pay(self, amount=100, user=USER, payload='order', subscription=False):
        """A user has paid in stars; the id of the charge."""
        charge, message = secrets.token_urlsafe(16), self._new(user, None)
        message.extra['successful_payment'] = {
            'currency': 'XTR', 'total_amount': amount, 'invoice_payload': payload,
            'telegram_payment_charge_id': charge, 'provider_payment_charge_id': ''}
        self._world.kept['charges'][charge] = {'user': user, 'amount': amount, 'refunded': False,
                                               'subscription': subscription}
        self._fake.methods.earn(amount)
        self._fake.methods.booked(amount, self._world.users[user], True, charge, transaction_type='invoice_payment',
                                  invoice_payload=payload)
        self._told(message)
        return charge

    def gift(self, gift_id=None, user=USER):
        """A user has been given a gift; its id."""
        gifts = self._fake.methods.getAvailableGifts(None)['gifts']
        gift = next(one for one in gifts if gift_id in (None, one['id']))
        return self._fake.methods.give(user, gift, {})['owned_gift_id']

    def suggest(self, text='an idea', user=USER, chat=None):
        """A user suggests a post in a channel's direct messages; the id of the message."""
        message = self._new(user, chat)
        message.text, message.extra['suggested_post_info'] = text, {'state': 'pending'}
        return self._told(message)['message_id']

    def managed_bot(self, id=8000000001, user=USER, username='managed_bot'):
        """A bot that a user made with the help of this one."""
        bot = {'id': id, 'is_bot': True, 'first_name': 'Managed', 'username': username}
        self._world.kept['managed'][id] = {'token': f'{id}:{secrets.token_urlsafe(26)}', 'settings': {
            'is_access_restricted': False, 'added_user_ids': []}}
        self._fake.inbox.push('managed_bot', {'user': self._world.user(user).api(), 'bot': bot}, user)
        return id

    def allow(self, emoji_status=None, verifier=None, personal=None, stars=None):
        """What the bot may: change a user's emoji status, verify, see a user's channel ([user, chat]); its stars."""
        if emoji_status is not None:
            self._world.kept['emoji_status'][emoji_status] = True
        if verifier is not None:
            self._world.kept['bot']['verifier'] = verifier
        if personal is not None:
            self._world.kept['personal'][personal[0]] = personal[1]
        if stars is not None:
            self._world.kept['stars']['bot'] = stars

    def boost(self, chat, user=USER):
        """A user boosts a group."""
        now = self._world.date()
        boost = {'boost_id': secrets.token_hex(8), 'add_date': now, 'expiration_date': now + 30 * 86400,
                 'source': {'source': 'premium', 'user': self._world.user(user).api()}}
        self._world.kept['boosts'].setdefault((chat, user), []).append(boost)
        self._fake.inbox.push('chat_boost', {'chat': self._world.chats[chat].api(), 'boost': boost}, chat)

    def profile(self, user=USER):
        """A user shows a photo and an audio in the profile."""
        who = self._world.user(user)
        who.photos.insert(0, self._file_fields('photo', None, None, None, None, {}))
        who.audios.insert(0, self._file_fields('audio', None, None, None, None, {}))
