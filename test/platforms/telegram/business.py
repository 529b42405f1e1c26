"""Accounts of people that a bot serves (business connections), their stories, and gifts of stars."""

import secrets

from . import entities
from .contract import make
from .more_methods import PHOTO_BYTES_MAX, UPLOAD_BYTES_MAX, bad
from .params import ApiError, Upload

# The right that a method needs of its connection.
RIGHTS = {
    'readBusinessMessage': 'can_read_messages', 'deleteBusinessMessages': 'can_delete_all_messages',
    'setBusinessAccountName': 'can_edit_name', 'setBusinessAccountUsername': 'can_edit_username',
    'setBusinessAccountBio': 'can_edit_bio', 'setBusinessAccountProfilePhoto': 'can_edit_profile_photo',
    'removeBusinessAccountProfilePhoto': 'can_edit_profile_photo',
    'setBusinessAccountGiftSettings': 'can_change_gift_settings',
    'getBusinessAccountStarBalance': 'can_view_gifts_and_stars', 'getBusinessAccountGifts': 'can_view_gifts_and_stars',
    'transferBusinessAccountStars': 'can_transfer_stars', 'convertGiftToStars': 'can_convert_gifts_to_stars',
    'upgradeGift': 'can_transfer_and_upgrade_gifts', 'transferGift': 'can_transfer_and_upgrade_gifts',
    'postStory': 'can_manage_stories', 'repostStory': 'can_manage_stories', 'editStory': 'can_manage_stories',
    'deleteStory': 'can_manage_stories', 'sendChecklist': 'can_reply', 'editMessageChecklist': 'can_reply'}
GIFTS = {'5170145012310081615': (15, '💝'), '5170233102089322756': (25, '🧸')}
PREMIUM_STARS = {3: 1000, 6: 1500, 12: 2500}
EXCLUDES = {'exclude_unsaved': lambda one: not one.get('is_saved'), 'exclude_saved': lambda one: one.get('is_saved'),
            'exclude_unlimited': lambda one: one['type'] == 'regular',
            'exclude_unique': lambda one: one['type'] == 'unique'}
UPGRADE_STARS = 50


class Business:
    def connection(self, values, right=None):
        """The connection that a request names, if it is there and allows what is asked."""
        found = self.world.kept['connections'].get(values.get('business_connection_id'))
        if found is None or (right and not found['is_enabled']):
            raise bad('business connection not found')
        if right and not found['rights'].get(right):
            raise ApiError(403, 'Forbidden: BOT_ACCESS_FORBIDDEN')
        return found

    def account(self, values):
        """The user whose account it is."""
        return self.world.users[self.connection(values)['user_chat_id']]

    def getBusinessConnection(self, values):
        found = self.connection(values)
        return {**found, 'user': self.account(values).api()}

    def readBusinessMessage(self, values):
        message = self.world.chats[values['chat_id']].get(values['message_id'])
        if message is None:
            raise bad('message not found')
        self.world.kept['read'][values['chat_id']] = message.id
        return True

    def deleteBusinessMessages(self, values):
        found = [message for chat in self.world.chats.values() for message in chat.messages.values()
                 if message.id in values['message_ids']
                 and message.extra.get('business_connection_id') == values['business_connection_id']]
        if not found:
            raise bad('message to delete not found')
        for message in found:
            message.deleted = True
        self.fake.changed()
        return True

    # ------------------------------------------------------------ what the account says of itself

    def account_facts(self, values, *names):
        user = self.account(values)
        self.world.user(user.id, **{name: values.get(name, '') for name in names})
        for name in names:
            if not values.get(name):
                user.facts.pop(name, None)
        return True

    def setBusinessAccountName(self, values):
        return self.account_facts(values, 'first_name', 'last_name')

    def setBusinessAccountUsername(self, values):
        return self.account_facts(values, 'username')

    def setBusinessAccountBio(self, values):
        self.world.chats[self.account(values).id].about['bio'] = values.get('bio', '')
        return True

    def profile_photo(self, values):
        given = values['photo']
        name = 'photo' if given['type'] == 'static' else 'animation'
        part = self.part(given[name], values.uploads)
        if not isinstance(part, Upload):
            raise bad('profile photo must be uploaded as a new file')
        return self.media_fields('photo', self.file(name, PHOTO_BYTES_MAX, part), {})

    def setBusinessAccountProfilePhoto(self, values):
        self.account(values).photos.insert(0, self.profile_photo(values))
        return True

    def removeBusinessAccountProfilePhoto(self, values):
        photos = self.account(values).photos
        if not photos:
            raise bad('PHOTO_ID_INVALID')
        del photos[0]
        return True

    def setBusinessAccountGiftSettings(self, values):
        self.world.chats[self.account(values).id].about['accepted_gift_types'] = values['accepted_gift_types']
        return True

    # ------------------------------------------------------------ stories

    def story_content(self, values):
        given = values['content']
        kind = given['type']
        part = self.part(given[kind], values.uploads)
        if not isinstance(part, Upload):
            raise bad('story content must be uploaded as a new file')
        self.formatted(values, 'caption', 2 * entities.CAPTION_MAX)
        return self.item({**given, 'media': given[kind]}, values.uploads)

    def new_story(self, values, content):
        user = self.account(values)
        stories = self.world.kept['stories'].setdefault(user.id, {})
        number = max(stories, default=0) + 1
        stories[number] = content
        return {'chat': self.world.chats[user.id].api(), 'id': number}

    def story(self, user_id, number):
        stories = self.world.kept['stories'].get(user_id, {})
        if number not in stories:
            raise bad('STORY_ID_INVALID')
        return stories

    def postStory(self, values):
        return self.new_story(values, self.story_content(values))

    def repostStory(self, values):
        stories = self.story(values['from_chat_id'], values['from_story_id'])
        return self.new_story(values, stories[values['from_story_id']])

    def editStory(self, values):
        content, user = self.story_content(values), self.account(values)
        self.story(user.id, values['story_id'])[values['story_id']] = content
        return {'chat': self.world.chats[user.id].api(), 'id': values['story_id']}

    def deleteStory(self, values):
        del self.story(self.account(values).id, values['story_id'])[values['story_id']]
        return True

    # ------------------------------------------------------------ stars and gifts

    def spend(self, stars, whose='bot'):
        balance = self.world.kept['stars']
        if balance.get(whose, 0) < stars:
            raise bad('BALANCE_TOO_LOW')
        balance[whose] -= stars

    def earn(self, stars, whose='bot'):
        self.world.kept['stars'][whose] = self.world.kept['stars'].get(whose, 0) + stars

    def booked(self, amount, user=None, incoming=False, id_=None, **more):
        """A line of the bot's account of stars."""
        partner = make('TransactionPartnerUser', {'user': user.api(), **more}) if user else {'type': 'other'}
        line = {'id': id_ or secrets.token_hex(12), 'amount': amount, 'date': self.world.date(),
                'source' if incoming else 'receiver': partner}
        self.world.kept['transactions'].setdefault('bot', []).append(line)

    def gift(self, gift_id):
        stars, emoji = GIFTS[gift_id]
        file = self.file('sticker', UPLOAD_BYTES_MAX, Upload(f'{gift_id}.tgs', 'application/x-tgsticker',
                                                             emoji.encode()))
        return make('Gift', {'id': gift_id, 'star_count': stars, 'upgrade_star_count': UPGRADE_STARS,
                             'sticker': make('Sticker', {**file.ids(), 'type': 'regular', 'width': 512, 'height': 512,
                                                         'is_animated': True, 'emoji': emoji})})

    def getAvailableGifts(self, _):
        if not self.world.kept['gifts']:
            self.world.kept['gifts'] = {one: self.gift(one) for one in GIFTS}
        return {'gifts': list(self.world.kept['gifts'].values())}

    def sendGift(self, values):
        if ('user_id' in values) == ('chat_id' in values):
            raise bad('exactly one of user_id and chat_id must be specified')
        gifts = {one['id']: one for one in self.getAvailableGifts(values)['gifts']}
        if values['gift_id'] not in gifts:
            raise bad('STARGIFT_INVALID')
        words, gift = self.marked('sendGift', 'text', values), gifts[values['gift_id']]
        owner = values['user_id'] if 'user_id' in values else self.chat(values).id
        self.spend(gift['star_count'] + (UPGRADE_STARS if values.get('pay_for_upgrade') else 0))
        self.give(owner, gift, words, values.get('pay_for_upgrade'))
        self.booked(gift['star_count'], self.world.users.get(owner), transaction_type='gift_purchase', gift=gift)
        return True

    def give(self, owner, gift, words, upgrade=False):
        owned = make('OwnedGiftRegular', {
            'type': 'regular', 'gift': gift, 'owned_gift_id': secrets.token_hex(8), 'send_date': self.world.date(),
            'sender_user': self.world.sender(), 'text': words.get('text'), 'entities': words.get('text_entities'),
            'convert_star_count': gift['star_count'] * 85 // 100, 'can_be_upgraded': True, 'is_saved': True,
            'prepaid_upgrade_star_count': UPGRADE_STARS if upgrade else None})
        self.world.kept['owned'].setdefault(owner, []).append(owned)
        return owned

    def gifts_of(self, owner, values):
        found = [one for one in self.world.kept['owned'].get(owner, [])
                 if not any(values.get(name) and test(one) for name, test in EXCLUDES.items())]
        if values.get('sort_by_price'):
            found.sort(key=lambda one: -one['gift'].get('star_count', 0))
        offset = values.get('offset') or '0'
        if not offset.isdigit():
            raise bad('invalid offset specified')
        end = int(offset) + values.get('limit', 100)
        return {'total_count': len(found), 'gifts': found[int(offset):end],
                **({'next_offset': str(end)} if end < len(found) else {})}

    def getUserGifts(self, values):
        return self.gifts_of(values['user_id'], values)

    def getChatGifts(self, values):
        return self.gifts_of(self.chat(values).id, values)

    def getBusinessAccountGifts(self, values):
        return self.gifts_of(self.account(values).id, values)

    def owned_gift(self, values):
        """(the gifts of the account, the place of the one that is named)"""
        gifts = self.world.kept['owned'].get(self.account(values).id, [])
        for at, one in enumerate(gifts):
            if one['owned_gift_id'] == values['owned_gift_id']:
                return gifts, at
        raise bad('STARGIFT_NOT_FOUND')

    def convertGiftToStars(self, values):
        gifts, at = self.owned_gift(values)
        if gifts[at]['type'] != 'regular':
            raise bad('STARGIFT_CONVERT_UNAVAILABLE')
        self.earn(gifts.pop(at)['convert_star_count'], values['business_connection_id'])
        return True

    def upgradeGift(self, values):
        gifts, at = self.owned_gift(values)
        old = gifts[at]
        if old['type'] != 'regular':
            raise bad('STARGIFT_ALREADY_UPGRADED')
        price = 0 if 'prepaid_upgrade_star_count' in old else UPGRADE_STARS
        if values.get('star_count', 0) != price:
            raise bad('STARGIFT_UPGRADE_PRICE_INVALID')
        self.spend(price, values['business_connection_id'])
        gifts[at] = make('OwnedGiftUnique', {**old, 'type': 'unique', 'can_be_transferred': True, 'gift': make(
            'UniqueGift', {'gift_id': old['gift']['id'], 'base_name': 'Gift', 'name': 'Gift-1', 'number': 1,
                           'model': {'name': 'Plain', 'sticker': old['gift']['sticker'], 'rarity_per_mille': 10},
                           'symbol': {'name': 'Dot', 'sticker': old['gift']['sticker'], 'rarity_per_mille': 10}})})
        return True

    def transferGift(self, values):
        gifts, at = self.owned_gift(values)
        if gifts[at]['type'] != 'unique':
            raise bad('STARGIFT_NOT_UNIQUE')
        if values['new_owner_chat_id'] not in self.world.chats:
            raise bad('chat not found')
        self.spend(values.get('star_count', 0), values['business_connection_id'])
        self.world.kept['owned'].setdefault(values['new_owner_chat_id'], []).append(gifts.pop(at))
        return True

    def giftPremiumSubscription(self, values):
        self.marked('giftPremiumSubscription', 'text', values)
        if values['star_count'] != PREMIUM_STARS[values['month_count']]:
            raise bad('PREMIUM_GIFT_PRICE_INVALID')
        self.spend(values['star_count'])
        user = self.world.user(values['user_id'], is_premium=True)
        self.booked(values['star_count'], user, transaction_type='premium_purchase',
                    premium_subscription_duration=values['month_count'])
        return True

    def getBusinessAccountStarBalance(self, values):
        return {'amount': self.world.kept['stars'].get(values['business_connection_id'], 0)}

    def transferBusinessAccountStars(self, values):
        self.spend(values['star_count'], values['business_connection_id'])
        self.earn(values['star_count'])
        self.booked(values['star_count'], self.account(values), True, transaction_type='business_account_transfer')
        return True

    def getMyStarBalance(self, _):
        return {'amount': self.world.kept['stars'].get('bot', 0)}

    def getStarTransactions(self, values):
        lines = self.world.kept['transactions'].get('bot', [])
        start = values.get('offset', 0)
        return {'transactions': lines[start:start + values.get('limit', 100)]}
