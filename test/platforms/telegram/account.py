"""The bot's own face and rights, the bots that it manages, and what it sees of users."""

import secrets

from .contract import make
from .more_methods import bad


class Account:
    def setMyProfilePhoto(self, values):
        self.world.kept['bot']['photo'] = self.profile_photo(values)
        return True

    def removeMyProfilePhoto(self, _):
        self.world.kept['bot'].pop('photo', None)
        return True

    def setMyDefaultAdministratorRights(self, values):
        rights = make('ChatAdministratorRights', values.get('rights') or {})
        self.world.kept['rights'][bool(values.get('for_channels'))] = rights
        return True

    def getMyDefaultAdministratorRights(self, values):
        return self.world.kept['rights'].get(bool(values.get('for_channels'))) or make('ChatAdministratorRights')

    # ------------------------------------------------------------ other bots

    def bot_of(self, values):
        found = self.world.kept['managed'].get(values['user_id'])
        if found is None:
            raise bad('BOT_INVALID')
        return found

    def getManagedBotToken(self, values):
        return self.bot_of(values)['token']

    def replaceManagedBotToken(self, values):
        bot = self.bot_of(values)
        bot['token'] = f'{values["user_id"]}:{secrets.token_urlsafe(26)}'
        return bot['token']

    def getManagedBotAccessSettings(self, values):
        settings = self.bot_of(values)['settings']
        users = [self.world.users[one].api() for one in settings['added_user_ids']]
        return {'is_access_restricted': settings['is_access_restricted'],
                **({'added_users': users} if settings['is_access_restricted'] else {})}

    def setManagedBotAccessSettings(self, values):
        bot, added = self.bot_of(values), values.get('added_user_ids', [])
        if any(one not in self.world.users for one in added):
            raise bad('invalid user_id specified')
        bot['settings'] = {'is_access_restricted': values['is_access_restricted'], 'added_user_ids': added}
        return True

    # ------------------------------------------------------------ users

    def getUserProfilePhotos(self, values):
        if values.get('user_id') == self.world.bot['id']:
            photos = [one for one in [self.world.kept['bot'].get('photo')] if one]
        elif values.get('user_id') in self.world.users:
            photos = self.world.users[values['user_id']].photos
        else:
            raise bad('invalid user_id specified')
        return {'total_count': len(photos), 'photos': self.page(photos, values)}

    def getUserProfileAudios(self, values):
        audios = self.world.users[values['user_id']].audios
        return {'total_count': len(audios), 'audios': self.page(audios, values)}

    def page(self, some, values):
        start = max(values.get('offset', 0), 0)
        return some[start:start + values.get('limit', 100)]

    def setUserEmojiStatus(self, values):
        if not self.world.kept['emoji_status'].get(values['user_id']):
            raise bad("not enough rights to change the user's emoji status")
        about = self.world.chats[values['user_id']].about
        about.pop('emoji_status_custom_emoji_id', None)
        if values.get('emoji_status_custom_emoji_id'):
            self.custom_emoji(values['emoji_status_custom_emoji_id'])
            about['emoji_status_custom_emoji_id'] = values['emoji_status_custom_emoji_id']
        return True

    def getUserChatBoosts(self, values):
        chat = self.managed(values)
        return {'boosts': self.world.kept['boosts'].get((chat.id, values['user_id']), [])}

    def getUserPersonalChatMessages(self, values):
        chat = self.world.chats.get(self.world.kept['personal'].get(values['user_id']))
        messages = [one.api() for one in chat.messages.values() if not one.deleted] if chat else []
        return messages[-values['limit']:]

    def verify(self, who, values=None):
        """Only organizations verify: a bot is one when the world says so."""
        if not self.world.kept['bot'].get('verifier'):
            raise bad('BOT_VERIFIER_FORBIDDEN')
        self.world.kept['verified'].pop(who, None)
        if values is not None:
            self.world.kept['verified'][who] = values.get('custom_description', '')
        return True

    def verifyUser(self, values):
        return self.verify(values['user_id'], values)

    def verifyChat(self, values):
        return self.verify(self.chat(values).id, values)

    def removeUserVerification(self, values):
        return self.verify(values['user_id'])

    def removeChatVerification(self, values):
        return self.verify(self.chat(values).id)
