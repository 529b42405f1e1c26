"""Who is in a group and what each may do; its invite links, its face, its topics."""

import secrets

from . import table
from .contract import make
from .more_methods import PHOTO_BYTES_MAX, bad
from .params import Upload

COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
GENERAL = 1


class Members:
    def managed(self, values):
        """The group of a request that only an administrator may ask."""
        chat = self.writable(values)
        if chat.kind == 'private':
            raise bad('method is available only for groups, supergroups and channels')
        if chat.status != 'administrator':
            raise bad('not enough rights')
        return chat

    def supergroup(self, values):
        chat = self.managed(values)
        if chat.kind == 'group':
            raise bad('method is available for supergroup and channel chats only')
        return chat

    def stand(self, chat, user_id, status, **facts):
        user = self.world.users[user_id].api()
        kind = {'restricted': 'ChatMemberRestricted', 'administrator': 'ChatMemberAdministrator',
                'kicked': 'ChatMemberBanned', 'member': 'ChatMemberMember'}[status]
        chat.standing[user_id] = make(kind, {**facts, 'status': status, 'user': user})
        self.fake.changed()
        return True

    # ------------------------------------------------------------ members

    def banChatMember(self, values):
        chat, user = self.managed(values), values['user_id']
        chat.members.discard(user)
        if values.get('revoke_messages'):
            for message in chat.messages.values():
                message.deleted = message.deleted or message.sender['id'] == user
        return self.stand(chat, user, 'kicked', until_date=values.get('until_date', 0))

    def unbanChatMember(self, values):
        chat, user = self.supergroup(values), values['user_id']
        banned = chat.standing.get(user, {}).get('status') == 'kicked'
        if banned:
            del chat.standing[user]
        elif not values.get('only_if_banned'):
            chat.members.discard(user)
            chat.standing.pop(user, None)
        return True

    def restrictChatMember(self, values):
        chat, user, given = self.supergroup(values), values['user_id'], values['permissions']
        if chat.standing.get(user, {}).get('status') == 'administrator':
            raise bad("user is an administrator of the chat")
        rights = {name: given.get(name, False) for name in permissions()}
        if all(rights.values()):
            chat.standing.pop(user, None)
            return True
        return self.stand(chat, user, 'restricted', is_member=user in chat.members,
                          until_date=values.get('until_date', 0), **rights)

    def promoteChatMember(self, values):
        chat, user = self.supergroup(values), values['user_id']
        rights = {name: one for name, one in values.items() if name.startswith('can_') or name == 'is_anonymous'}
        if not any(rights.values()):
            chat.standing.pop(user, None)
            return True
        if user not in chat.members:
            raise bad('USER_NOT_PARTICIPANT')
        return self.stand(chat, user, 'administrator', can_be_edited=True, **{**rights, 'can_manage_chat': True})

    def setChatAdministratorCustomTitle(self, values):
        chat = self.supergroup(values)
        member = chat.standing.get(values['user_id'], {})
        if member.get('status') != 'administrator':
            raise bad('user is not an administrator')
        member['custom_title'] = values['custom_title']
        return True

    def setChatMemberTag(self, values):
        chat, user = self.managed(values), values['user_id']
        if user not in chat.members:
            raise bad('USER_NOT_PARTICIPANT')
        if user not in chat.standing:
            self.stand(chat, user, 'member')
        if chat.standing[user]['status'] == 'administrator':
            raise bad('user is an administrator of the chat')
        chat.standing[user]['tag'] = values.get('tag', '')
        return True

    def banChatSenderChat(self, values):
        chat = self.supergroup(values)
        if self.world.chat_named(values['sender_chat_id']) is None:
            raise bad('sender chat not found')
        self.world.kept['banned_chats'][chat.id, values['sender_chat_id']] = True
        return True

    def unbanChatSenderChat(self, values):
        self.world.kept['banned_chats'].pop((self.supergroup(values).id, values['sender_chat_id']), None)
        return True

    def setChatPermissions(self, values):
        chat = self.managed(values)
        chat.about['permissions'] = {name: values['permissions'].get(name, False) for name in permissions()}
        return True

    # ------------------------------------------------------------ the ways in

    def link(self, chat, values, **facts):
        if values.get('expire_date', self.world.date() + 1) <= self.world.date():
            raise bad('EXPIRE_DATE_INVALID')
        if values.get('creates_join_request') and values.get('member_limit'):
            raise bad("member limit can't be specified for links requiring administrator approval")
        link = make('ChatInviteLink', {**values, 'invite_link': 'https://t.me/+' + secrets.token_urlsafe(12),
                                       'creator': self.world.sender(), **facts})
        chat.links[link['invite_link']] = link
        return link

    def link_of(self, values):
        link = self.managed(values).links.get(values['invite_link'])
        if link is None or link['is_revoked']:
            raise bad('INVITE_HASH_EXPIRED')
        return link

    def exportChatInviteLink(self, values):
        chat = self.managed(values)
        for link in chat.links.values():
            link['is_revoked'] = link['is_revoked'] or link['is_primary']
        chat.about['invite_link'] = self.link(chat, {}, is_primary=True)['invite_link']
        return chat.about['invite_link']

    def createChatInviteLink(self, values):
        return self.link(self.managed(values), values)

    def createChatSubscriptionInviteLink(self, values):
        chat = self.managed(values)
        if chat.kind != 'channel':
            raise bad('subscription links can be created in channel chats only')
        return self.link(chat, values)

    def editChatInviteLink(self, values):
        link = self.link_of(values)
        link.update({name: values[name] for name in ('name', 'expire_date', 'member_limit', 'creates_join_request')
                     if name in values})
        return link

    def editChatSubscriptionInviteLink(self, values):
        link = self.link_of(values)
        if 'subscription_price' not in link:
            raise bad('INVITE_HASH_EXPIRED')
        link['name'] = values.get('name', '')
        return link

    def revokeChatInviteLink(self, values):
        link = self.link_of(values)
        link['is_revoked'] = True
        return link

    def settle(self, chat, user, welcome):
        if user not in chat.requests:
            raise bad('HIDE_REQUESTER_MISSING')
        chat.requests.discard(user)
        if welcome:
            chat.members.add(user)
        return True

    def approveChatJoinRequest(self, values):
        return self.settle(self.managed(values), values['user_id'], True)

    def declineChatJoinRequest(self, values):
        return self.settle(self.managed(values), values['user_id'], False)

    # ------------------------------------------------------------ what a group looks like

    def announce(self, chat, **extra):
        message = chat.add(self.world.sender(), self.world.date())
        message.extra.update(extra)
        self.fake.changed()
        return message

    def setChatPhoto(self, values):
        chat, given = self.managed(values), values['photo']
        if not isinstance(given, Upload):
            raise bad('photo must be uploaded as an InputFile')
        file = self.file('photo', PHOTO_BYTES_MAX, given)
        chat.about['photo'] = {f'{size}_{name}': file.ids()[name] for size in ('small', 'big')
                               for name in ('file_id', 'file_unique_id')}
        self.announce(chat, new_chat_photo=self.media_fields('photo', file, {}))
        return True

    def deleteChatPhoto(self, values):
        chat = self.managed(values)
        if chat.about.pop('photo', None) is None:
            raise bad('CHAT_NOT_MODIFIED')
        self.announce(chat, delete_chat_photo=True)
        return True

    def setChatTitle(self, values):
        chat = self.managed(values)
        if chat.facts.get('title') == values['title']:
            raise bad('chat title is not modified')
        chat.facts['title'] = values['title']
        self.announce(chat, new_chat_title=values['title'])
        return True

    def setChatDescription(self, values):
        chat, text = self.managed(values), values.get('description', '')
        if chat.about.get('description', '') == text:
            raise bad('chat description is not modified')
        chat.about['description'] = text
        return True

    def setChatStickerSet(self, values):
        chat = self.supergroup(values)
        chat.about['sticker_set_name'] = self.set_named(values['sticker_set_name'])['name']
        return True

    def deleteChatStickerSet(self, values):
        self.supergroup(values).about.pop('sticker_set_name', None)
        return True

    # ------------------------------------------------------------ topics

    def forum(self, values):
        chat = self.writable(values)
        if not chat.facts.get('is_forum'):
            raise bad('the chat is not a forum')
        if chat.kind != 'private' and chat.status != 'administrator':
            raise bad('not enough rights to manage topics')
        return chat

    def topic(self, values, number=None):
        chat, number = self.forum(values), number or values['message_thread_id']
        if number == GENERAL:
            chat.topics.setdefault(GENERAL, {'name': 'General', 'closed': False, 'hidden': False})
        if number not in chat.topics:
            raise bad('message thread not found')
        return chat, chat.topics[number], number

    def createForumTopic(self, values):
        chat = self.forum(values)
        icon = {'name': values['name'], 'icon_color': values.get('icon_color', COLORS[0])}
        if values.get('icon_custom_emoji_id'):
            self.custom_emoji(values['icon_custom_emoji_id'])
            icon['icon_custom_emoji_id'] = values['icon_custom_emoji_id']
        message = self.announce(chat, forum_topic_created=icon, is_topic_message=True)
        message.thread = message.id
        chat.topics[message.id] = {**icon, 'closed': False, 'hidden': False}
        return {'message_thread_id': message.id, **icon}

    def set_topic(self, values, word, facts, number=None, **extra):
        """Changes a topic, and says so in it; `word` refuses what would change nothing."""
        chat, topic, number = self.topic(values, number)
        if all(topic.get(name) == one for name, one in facts.items()):
            raise bad(word)
        topic.update(facts)
        self.announce(chat, **extra).thread = number
        return True

    def editForumTopic(self, values):
        facts = {name: values[name] for name in ('name', 'icon_custom_emoji_id') if values.get(name)}
        if facts.get('icon_custom_emoji_id'):
            self.custom_emoji(facts['icon_custom_emoji_id'])
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', facts, forum_topic_edited=facts)

    def closeForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'closed': True}, forum_topic_closed={})

    def reopenForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'closed': False}, forum_topic_reopened={})

    def deleteForumTopic(self, values):
        chat, _, number = self.topic(values)
        chat.drop_topic(number)
        self.fake.changed()
        return True

    def unpin_topic(self, values, number=None):
        chat, _, number = self.topic(values, number)
        chat.pinned = [one for one in chat.pinned if (chat.messages[one].thread or GENERAL) != number]
        self.fake.changed()
        return True

    def unpinAllForumTopicMessages(self, values):
        return self.unpin_topic(values)

    def unpinAllGeneralForumTopicMessages(self, values):
        return self.unpin_topic(values, GENERAL)

    def editGeneralForumTopic(self, values):
        facts = {'name': values['name']}
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', facts, GENERAL, forum_topic_edited=facts)

    def closeGeneralForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'closed': True}, GENERAL, forum_topic_closed={})

    def reopenGeneralForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'closed': False}, GENERAL, forum_topic_reopened={})

    def hideGeneralForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'hidden': True, 'closed': True}, GENERAL,
                              general_forum_topic_hidden={})

    def unhideGeneralForumTopic(self, values):
        return self.set_topic(values, 'TOPIC_NOT_MODIFIED', {'hidden': False}, GENERAL,
                              general_forum_topic_unhidden={})


def permissions():
    """The names of what members may do."""
    return list(table.TYPES['ChatPermissions'].fields)
