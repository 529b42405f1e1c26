#!/usr/bin/python3
# RUN: timeout=180 variants=debug,release
"""Every method of the Bot API's contract on the fake: each called well and badly, each result of its type."""

import json
import os
import sys
import unittest

HERE = os.path.dirname(os.path.realpath(__file__))
TEST = os.path.dirname(HERE)
sys.dont_write_bytecode = True
sys.path[:] = [path for path in sys.path if os.path.realpath(path or '.') != HERE] + [TEST, HERE]
from platforms.telegram import contract, table  # noqa: E402
from telegram_client import Case, USER  # noqa: E402

ANN, CHANNEL, FORUM = 1002, -1000000000077, -1000000000088
PHOTO = {'type': 'photo', 'media': 'attach://file'}
STICKER = {'sticker': 'attach://file', 'format': 'static', 'emoji_list': ['👍']}
ARTICLE = {'type': 'article', 'id': '1', 'title': 't', 'input_message_content': {'message_text': 'x'}}
PRICES = [{'label': 'all', 'amount': 100}]
GONE = 'Bad Request: query is too old and response timeout expired or query ID is invalid'


class ContractCase(Case):
    def setUp(self):
        self.contract = contract.read()
        if self.contract is None:
            self.skipTest(f'{contract.PATH} is not there: set PALAVER_SHARED to the folder that holds contracts/')
        super().setUp()
        self.started()
        self.telegram.user(ANN)
        self.telegram.say('/start', user=ANN)
        self.group = self.telegram.group(-2001, 'supergroup', (USER, ANN), 'administrator')
        self.forum = self.telegram.group(FORUM, 'supergroup', (USER,), 'administrator', is_forum=True)
        self.channel = self.telegram.group(CHANNEL, 'channel', (USER,), 'administrator', title='News')
        self.called = set()

    def good(self, method, **values):
        self.called.add(method)
        return self.bot.good(method, **values)

    def upload(self, method, *files, **values):
        """A good call with files, each named as its part."""
        head = '--B\r\nContent-Disposition: form-data; name="%s"'
        lines = [(head % name + f'\r\n\r\n{one if isinstance(one, str) else json.dumps(one)}\r\n').encode()
                 for name, one in values.items()]
        lines += [(head % name + f'; filename="{name}.bin"\r\n\r\nbytes of {name}\r\n').encode() for name in files]
        status, answer = self.bot.post(method, b''.join(lines) + b'--B--\r\n', 'multipart/form-data; boundary=B')
        self.assertEqual(status, 200, answer)
        self.assertEqual(table.problems(answer['result'], table.METHODS[method].result), [], method)
        self.called.add(method)
        return answer['result']


class EveryMethodTest(ContractCase):
    def test_well(self):
        for topic in (self.bot_itself, self.messages, self.contents, self.edits, self.members, self.topics,
                      self.stickers, self.business, self.gifts, self.queries, self.payments, self.users):
            with self.subTest(topic.__name__):
                topic()
        self.assertEqual(self.telegram.lints(), [])
        for last in ('close', 'logOut'):
            self.good(last)
        self.assertEqual(set(self.contract['methods']) - self.called, set())

    def bot_itself(self):
        self.good('getMe')
        self.good('getUpdates', offset=-1)
        self.good('setWebhook', url='http://127.0.0.1:9/')
        self.good('getWebhookInfo')
        self.good('deleteWebhook', drop_pending_updates=True)
        self.good('setMyCommands', commands=[{'command': 'a', 'description': 'b'}])
        self.assertEqual(len(self.good('getMyCommands')), 1)
        self.good('deleteMyCommands')
        for name, word in [('Name', 'name'), ('Description', 'description'), ('ShortDescription', 'short_description')]:
            self.good('setMy' + name, **{word: 'x'})
            self.assertEqual(self.good('getMy' + name), {word: 'x'})
        self.good('setChatMenuButton', menu_button={'type': 'commands'})
        self.good('getChatMenuButton')
        bot = self.good('getMe')['id']
        self.upload('setMyProfilePhoto', 'file', photo={'type': 'static', 'photo': 'attach://file'})
        self.assertEqual(self.good('getUserProfilePhotos', user_id=bot)['total_count'], 1)
        self.good('removeMyProfilePhoto')
        self.assertEqual(self.good('getUserProfilePhotos', user_id=bot)['photos'], [])
        rights = {**self.good('getMyDefaultAdministratorRights'), 'can_delete_messages': True}
        self.good('setMyDefaultAdministratorRights', rights=rights)
        self.assertEqual(self.good('getMyDefaultAdministratorRights'), rights)
        managed = self.telegram.managed_bot()
        old = self.good('getManagedBotToken', user_id=managed)
        self.assertNotEqual(self.good('replaceManagedBotToken', user_id=managed), old)
        self.good('setManagedBotAccessSettings', user_id=managed, is_access_restricted=True, added_user_ids=[ANN])
        self.assertEqual(self.good('getManagedBotAccessSettings', user_id=managed)['added_users'][0]['id'], ANN)

    def messages(self):
        text = self.good('sendMessage', chat_id=USER, text='x')['message_id']
        self.good('sendMessageDraft', chat_id=USER, draft_id=1, text='x')
        for kind in ('photo', 'document', 'audio', 'video', 'animation', 'voice', 'sticker', 'video_note'):
            method = 'send' + ''.join(word.capitalize() for word in kind.split('_'))
            self.file = self.upload(method, kind, chat_id=USER)[kind]
        self.upload('sendMediaGroup', 'file', chat_id=USER, media=[PHOTO, PHOTO])
        self.good('sendLocation', chat_id=USER, latitude=1, longitude=2)
        self.good('sendVenue', chat_id=USER, latitude=1, longitude=2, title='t', address='a')
        self.good('sendContact', chat_id=USER, phone_number='+1', first_name='Ann')
        self.good('sendDice', chat_id=USER)
        self.good('sendChatAction', chat_id=USER, action='typing')
        for kind in ('forward', 'copy'):
            self.good(kind + 'Message', chat_id=self.group, from_chat_id=USER, message_id=text)
            self.good(kind + 'Messages', chat_id=self.group, from_chat_id=USER, message_ids=[text])
        self.good('pinChatMessage', chat_id=USER, message_id=text)
        self.assertEqual(self.good('getChat', chat_id=USER)['pinned_message']['message_id'], text)
        self.good('unpinChatMessage', chat_id=USER)
        self.good('unpinAllChatMessages', chat_id=USER)
        self.good('setMessageReaction', chat_id=USER, message_id=text, reaction=[{'type': 'emoji', 'emoji': '👍'}])
        self.good('editMessageText', chat_id=USER, message_id=text, text='y')
        markup = {'inline_keyboard': [[{'text': 'A', 'callback_data': 'a'}]]}
        self.good('editMessageReplyMarkup', chat_id=USER, message_id=text, reply_markup=markup)
        query = self.telegram.press(text, 'A')['query_id']
        self.good('answerCallbackQuery', callback_query_id=query)
        self.good('deleteMessage', chat_id=USER, message_id=text)
        self.good('deleteMessages', chat_id=USER, message_ids=[text])
        photo = self.upload('sendPhoto', 'photo', chat_id=USER)
        self.good('editMessageCaption', chat_id=USER, message_id=photo['message_id'], caption='c')
        self.good('getFile', file_id=photo['photo'][0]['file_id'])

    def contents(self):
        poll = self.good('sendPoll', chat_id=self.group, question='Which?', is_anonymous=False,
                         options=[{'text': 'a'}, {'text': 'b'}])
        self.telegram.vote(poll['message_id'], [1], ANN, self.group)
        stopped = self.good('stopPoll', chat_id=self.group, message_id=poll['message_id'])
        self.assertEqual((stopped['is_closed'], [one['voter_count'] for one in stopped['options']]), (True, [0, 1]))
        self.refused('Bad Request: poll has already been closed', 'stopPoll', chat_id=self.group,
                     message_id=poll['message_id'])
        self.refused('Bad Request: correct option must be specified', 'sendPoll', chat_id=USER, question='?',
                     type='quiz', options=[{'text': 'a'}])
        self.upload('sendLivePhoto', 'live_photo', 'photo', chat_id=USER)
        self.upload('sendPaidMedia', 'file', chat_id=USER, star_count=5, media=[PHOTO])
        connection = self.telegram.business()
        tasks = {'title': 'Do', 'tasks': [{'id': 1, 'text': 'a'}]}
        sent = self.good('sendChecklist', business_connection_id=connection, chat_id=USER, checklist=tasks)
        self.assertEqual(self.good('editMessageChecklist', business_connection_id=connection, chat_id=USER,
                                   message_id=sent['message_id'], checklist={**tasks, 'title': 'Done'}
                                   )['checklist']['title'], 'Done')
        rich = {'markdown': '# Head\n\nA *word*'}
        sent = self.good('sendRichMessage', chat_id=USER, rich_message=rich)['rich_message']
        self.assertEqual([one['text'] for one in sent['blocks']], ['Head', 'A word'])
        self.good('sendRichMessageDraft', chat_id=USER, draft_id=1, rich_message=rich)
        game = self.good('sendGame', chat_id=USER, game_short_name='chess')['message_id']
        self.good('setGameScore', user_id=ANN, score=7, chat_id=USER, message_id=game)
        self.refused('Bad Request: BOT_SCORE_NOT_MODIFIED', 'setGameScore', user_id=ANN, score=7, chat_id=USER,
                     message_id=game)
        self.assertEqual(self.good('getGameHighScores', user_id=ANN, chat_id=USER, message_id=game)[0]['score'], 7)

    def edits(self):
        photo = self.upload('sendPhoto', 'photo', chat_id=USER)['message_id']
        edited = self.upload('editMessageMedia', 'file', chat_id=USER, message_id=photo,
                             media={'type': 'video', 'media': 'attach://file', 'caption': 'now'})
        self.assertEqual(('photo' in edited, edited['caption']), (False, 'now'))
        place = self.good('sendLocation', chat_id=USER, latitude=1, longitude=2, live_period=900)['message_id']
        moved = self.good('editMessageLiveLocation', chat_id=USER, message_id=place, latitude=3, longitude=2)
        self.assertEqual(moved['location']['latitude'], 3)
        self.assertNotIn('live_period', self.good('stopMessageLiveLocation', chat_id=USER,
                                                  message_id=place)['location'])
        self.refused("Bad Request: message can't be edited", 'stopMessageLiveLocation', chat_id=USER, message_id=place)
        said = self.telegram.say('x', chat=self.group)['message_id']
        self.telegram.react(said, chat=self.group)
        self.good('deleteMessageReaction', chat_id=self.group, message_id=said, user_id=USER)
        self.assertEqual(self.telegram.transcript(self.group)['messages'][-1]['reactions'], {})
        self.good('deleteAllMessageReactions', chat_id=self.group, user_id=USER)
        for method in ('approveSuggestedPost', 'declineSuggestedPost'):
            post = self.telegram.suggest(chat=self.group)
            self.good(method, chat_id=self.group, message_id=post)
            self.refused('Bad Request: SUGGESTED_POST_INVALID', method, chat_id=self.group, message_id=post)

    def standing(self, user=ANN):
        return self.good('getChatMember', chat_id=self.group, user_id=user)

    def members(self):
        chat = {'chat_id': self.group}
        self.good('getChatMemberCount', **chat)
        self.good('promoteChatMember', **chat, user_id=ANN, can_delete_messages=True)
        self.good('setChatAdministratorCustomTitle', **chat, user_id=ANN, custom_title='Boss')
        self.assertEqual((self.standing()['can_delete_messages'], self.standing()['custom_title']), (True, 'Boss'))
        self.assertEqual(len(self.good('getChatAdministrators', **chat)), 2)
        self.good('promoteChatMember', **chat, user_id=ANN)
        self.good('setChatMemberTag', **chat, user_id=ANN, tag='new')
        self.assertEqual(self.standing()['tag'], 'new')
        self.good('restrictChatMember', **chat, user_id=ANN, permissions={'can_send_messages': True})
        self.assertEqual((self.standing()['status'], self.standing()['can_send_polls']), ('restricted', False))
        self.good('banChatMember', **chat, user_id=ANN)
        self.assertEqual(self.standing()['status'], 'kicked')
        self.good('unbanChatMember', **chat, user_id=ANN)
        self.assertEqual(self.standing()['status'], 'left')
        self.good('banChatSenderChat', **chat, sender_chat_id=self.channel)
        self.good('unbanChatSenderChat', **chat, sender_chat_id=self.channel)
        self.good('setChatPermissions', **chat, permissions={'can_send_polls': True})
        self.assertTrue(self.good('getChat', **chat)['permissions']['can_send_polls'])
        primary = self.good('exportChatInviteLink', **chat)
        self.assertEqual(self.good('getChat', **chat)['invite_link'], primary)
        link = self.good('createChatInviteLink', **chat, name='a')['invite_link']
        self.assertEqual(self.good('editChatInviteLink', **chat, invite_link=link, name='b')['name'], 'b')
        self.assertTrue(self.good('revokeChatInviteLink', **chat, invite_link=link)['is_revoked'])
        self.refused('Bad Request: INVITE_HASH_EXPIRED', 'editChatInviteLink', **chat, invite_link=link)
        paid = self.good('createChatSubscriptionInviteLink', chat_id=self.channel, subscription_period=2592000,
                         subscription_price=5)['invite_link']
        self.good('editChatSubscriptionInviteLink', chat_id=self.channel, invite_link=paid, name='c')
        self.telegram.knock(self.group, ANN)
        self.good('approveChatJoinRequest', **chat, user_id=ANN)
        self.assertEqual(self.standing()['status'], 'member')
        self.refused('Bad Request: HIDE_REQUESTER_MISSING', 'declineChatJoinRequest', **chat, user_id=ANN)
        self.telegram.knock(self.group, 77)
        self.good('declineChatJoinRequest', **chat, user_id=77)
        self.upload('setChatPhoto', 'photo', **chat)
        self.assertIn('photo', self.good('getChat', **chat))
        self.good('deleteChatPhoto', **chat)
        self.good('setChatTitle', **chat, title='New')
        self.good('setChatDescription', **chat, description='about')
        shown = self.good('getChat', **chat)
        self.assertEqual((shown['title'], shown['description'], 'photo' in shown), ('New', 'about', False))
        self.good('leaveChat', chat_id=self.telegram.group(-2005))

    def topics(self):
        chat = {'chat_id': self.forum}
        icon = self.good('getForumTopicIconStickers')[0]['custom_emoji_id']
        topic = self.good('createForumTopic', **chat, name='One', icon_custom_emoji_id=icon)['message_thread_id']
        one = {**chat, 'message_thread_id': topic}
        sent = self.good('sendMessage', **one, text='in it')
        self.assertEqual(sent['message_thread_id'], topic)
        self.good('pinChatMessage', **chat, message_id=sent['message_id'])
        self.good('unpinAllForumTopicMessages', **one)
        self.assertEqual(self.telegram.transcript(self.forum)['pinned'], [])
        self.good('editForumTopic', **one, name='Two')
        self.good('closeForumTopic', **one)
        self.refused('Bad Request: TOPIC_NOT_MODIFIED', 'closeForumTopic', **one)
        self.good('reopenForumTopic', **one)
        self.good('deleteForumTopic', **one)
        self.refused('Bad Request: message thread not found', 'sendMessage', **one, text='x')
        self.good('editGeneralForumTopic', **chat, name='All')
        for method in ('close', 'reopen', 'hide', 'unhide'):
            self.good(method + 'GeneralForumTopic', **chat)
        self.good('unpinAllGeneralForumTopicMessages', **chat)
        self.refused('Bad Request: the chat is not a forum', 'createForumTopic', chat_id=self.group, name='x')

    def stickers(self):
        name = 'cats_by_palaver_test_bot'
        mine = {'user_id': USER, 'name': name}
        file = self.upload('uploadStickerFile', 'sticker', user_id=USER, sticker_format='static')
        self.upload('createNewStickerSet', 'file', **mine, title='Cats', stickers=[STICKER], sticker_type='mask')
        self.refused('Bad Request: sticker set name is already occupied', 'createNewStickerSet', **mine, title='Cats',
                     stickers=[{**STICKER, 'sticker': file['file_id']}])
        self.good('addStickerToSet', **mine, sticker={**STICKER, 'sticker': file['file_id']})
        first, second = (one['file_id'] for one in self.good('getStickerSet', name=name)['stickers'])
        self.good('setStickerPositionInSet', sticker=second, position=0)
        self.good('setStickerEmojiList', sticker=second, emoji_list=['🔥'])
        self.good('setStickerKeywords', sticker=second, keywords=['cat'])
        self.good('setStickerMaskPosition', sticker=second, mask_position={
            'point': 'eyes', 'x_shift': 0, 'y_shift': 0, 'scale': 1})
        self.good('setStickerSetTitle', name=name, title='Dogs')
        self.upload('setStickerSetThumbnail', 'thumbnail', **mine, format='static')
        found = self.good('getStickerSet', name=name)
        shown = found['stickers'][0]
        self.assertEqual((found['title'], shown['emoji'], shown['mask_position']['point']), ('Dogs', '🔥', 'eyes'))
        self.assertEqual(self.good('sendSticker', chat_id=USER, sticker=second)['sticker']['set_name'], name)
        self.upload('replaceStickerInSet', 'file', **mine, old_sticker=second, sticker=STICKER)
        self.good('deleteStickerFromSet', sticker=first)
        self.assertEqual(len(self.good('getStickerSet', name=name)['stickers']), 1)
        self.good('setChatStickerSet', chat_id=self.group, sticker_set_name=name)
        self.assertEqual(self.good('getChat', chat_id=self.group)['sticker_set_name'], name)
        self.good('deleteChatStickerSet', chat_id=self.group)
        emoji = 'faces_by_palaver_test_bot'
        self.upload('createNewStickerSet', 'file', user_id=USER, name=emoji, title='Faces', stickers=[STICKER],
                    sticker_type='custom_emoji')
        wanted = self.good('getStickerSet', name=emoji)['stickers'][0]['custom_emoji_id']
        self.assertEqual(len(self.good('getCustomEmojiStickers', custom_emoji_ids=[wanted])), 1)
        self.good('setCustomEmojiStickerSetThumbnail', name=emoji, custom_emoji_id=wanted)
        self.good('deleteStickerSet', name=name)
        self.refused('Bad Request: STICKERSET_INVALID', 'getStickerSet', name=name)

    def business(self):
        one = {'business_connection_id': self.telegram.business()}
        kinds = dict.fromkeys(table.TYPES['AcceptedGiftTypes'].fields, True)
        for method, values in [('Name', {'first_name': 'Bea'}), ('Username', {'username': 'bea'}),
                               ('Bio', {'bio': 'here'}),
                               ('GiftSettings', {'show_gift_button': True, 'accepted_gift_types': kinds})]:
            self.good('setBusinessAccount' + method, **one, **values)
        self.assertEqual(self.good('getBusinessConnection', **one)['user']['first_name'], 'Bea')
        shown = self.good('getChat', chat_id=USER)
        self.assertEqual((shown['bio'], shown['username'], shown['accepted_gift_types']['unique_gifts']),
                         ('here', 'bea', True))
        self.upload('setBusinessAccountProfilePhoto', 'file', **one, photo={'type': 'static', 'photo': 'attach://file'})
        self.assertEqual(self.good('getUserProfilePhotos', user_id=USER)['total_count'], 1)
        self.good('removeBusinessAccountProfilePhoto', **one)
        said = self.telegram.say('x')['message_id']
        self.good('readBusinessMessage', **one, chat_id=USER, message_id=said)
        sent = self.good('sendRichMessage', **one, chat_id=USER, rich_message={'html': 'x'})['message_id']
        self.good('deleteBusinessMessages', **one, message_ids=[sent])
        content = {'type': 'photo', 'photo': 'attach://file'}
        story = self.upload('postStory', 'file', **one, content=content, active_period=86400)['id']
        self.upload('editStory', 'file', **one, story_id=story, content=content)
        again = self.good('repostStory', **one, from_chat_id=USER, from_story_id=story, active_period=86400)['id']
        self.good('deleteStory', **one, story_id=again)
        self.refused('Bad Request: STORY_ID_INVALID', 'deleteStory', **one, story_id=again)
        barred = self.telegram.business(can_edit_bio=False)
        self.refused('Forbidden: BOT_ACCESS_FORBIDDEN', 'setBusinessAccountBio', 403, business_connection_id=barred)

    def gifts(self):
        connection = self.telegram.business()
        one = {'business_connection_id': connection}
        gift = self.good('getAvailableGifts')['gifts'][0]
        self.refused('Bad Request: BALANCE_TOO_LOW', 'sendGift', user_id=USER, gift_id=gift['id'])
        self.telegram.allow(stars=2000)
        self.good('sendGift', user_id=USER, gift_id=gift['id'], text='for *you*', text_parse_mode='MarkdownV2')
        self.assertEqual(self.good('getMyStarBalance')['amount'], 2000 - gift['star_count'])
        first = self.good('getUserGifts', user_id=USER)['gifts'][0]
        self.assertEqual(first['text'], 'for you')
        other = self.telegram.gift()
        self.assertEqual(self.good('getBusinessAccountGifts', **one, limit=1)['next_offset'], '1')
        self.good('convertGiftToStars', **one, owned_gift_id=first['owned_gift_id'])
        self.good('upgradeGift', **one, owned_gift_id=other, star_count=50)
        self.assertEqual(self.good('getChatGifts', chat_id=USER)['gifts'][0]['type'], 'unique')
        self.good('transferGift', **one, owned_gift_id=other, new_owner_chat_id=ANN)
        self.assertEqual(self.good('getUserGifts', user_id=ANN)['total_count'], 1)
        before = self.good('getBusinessAccountStarBalance', **one)['amount']
        self.good('transferBusinessAccountStars', **one, star_count=10)
        self.assertEqual(self.good('getBusinessAccountStarBalance', **one)['amount'], before - 10)
        self.good('giftPremiumSubscription', user_id=ANN, month_count=3, star_count=1000)
        self.assertEqual(len(self.good('getStarTransactions')['transactions']), 3)

    def queries(self):
        inline = self.telegram.ask('inline_query')
        self.good('answerInlineQuery', inline_query_id=inline, results=[ARTICLE])
        self.refused(GONE, 'answerInlineQuery', inline_query_id=inline, results=[ARTICLE])
        self.good('answerWebAppQuery', web_app_query_id=self.telegram.ask('web_app'), result=ARTICLE)
        sent = self.good('answerGuestQuery', guest_query_id=self.telegram.ask('guest_message'), result=ARTICLE)
        self.assertIs(self.upload('editMessageMedia', 'file', inline_message_id=sent['inline_message_id'], media=PHOTO),
                      True)
        self.good('answerShippingQuery', shipping_query_id=self.telegram.ask('shipping_query'), ok=True,
                  shipping_options=[{'id': 'a', 'title': 'Post', 'prices': PRICES}])
        checkout = self.telegram.ask('pre_checkout_query')
        self.refused('Bad Request: ERROR_TEXT_EMPTY', 'answerPreCheckoutQuery', pre_checkout_query_id=checkout,
                     ok=False)
        self.good('answerPreCheckoutQuery', pre_checkout_query_id=checkout, ok=True)
        knock = self.telegram.knock(self.group, 78)
        self.good('sendChatJoinRequestWebApp', chat_join_request_query_id=knock, web_app_url='https://a.io/')
        self.good('answerChatJoinRequestQuery', chat_join_request_query_id=knock, result='approve')
        self.assertEqual(self.standing(78)['status'], 'member')
        self.good('savePreparedInlineMessage', user_id=USER, result=ARTICLE)
        self.good('savePreparedKeyboardButton', user_id=USER, button={'text': 'x', 'request_users': {'request_id': 1}})

    def payments(self):
        order = {'title': 't', 'description': 'd', 'payload': 'p', 'currency': 'XTR', 'prices': PRICES}
        self.assertEqual(self.good('sendInvoice', chat_id=USER, **order)['invoice']['total_amount'], 100)
        self.good('createInvoiceLink', **order)
        charge = {'user_id': USER, 'telegram_payment_charge_id': self.telegram.pay(subscription=True)}
        self.good('editUserStarSubscription', **charge, is_canceled=True)
        self.good('refundStarPayment', **charge)
        self.refused('Bad Request: CHARGE_ALREADY_REFUNDED', 'refundStarPayment', **charge)
        self.good('setPassportDataErrors', user_id=USER, errors=[{
            'source': 'unspecified', 'type': 'passport', 'element_hash': 'x', 'message': 'blurred'}])

    def users(self):
        self.telegram.profile(ANN)
        self.assertEqual(self.good('getUserProfileAudios', user_id=ANN)['total_count'], 1)
        icon = self.good('getForumTopicIconStickers')[0]['custom_emoji_id']
        status = {'user_id': ANN, 'emoji_status_custom_emoji_id': icon}
        self.refused("Bad Request: not enough rights to change the user's emoji status", 'setUserEmojiStatus', **status)
        self.telegram.allow(emoji_status=ANN, verifier=True, personal=[ANN, self.channel])
        self.good('setUserEmojiStatus', **status)
        self.assertEqual(self.good('getChat', chat_id=ANN)['emoji_status_custom_emoji_id'], icon)
        self.telegram.boost(self.group, ANN)
        self.assertEqual(len(self.good('getUserChatBoosts', chat_id=self.group, user_id=ANN)['boosts']), 1)
        self.good('sendMessage', chat_id=self.channel, text='news')
        self.assertEqual(self.good('getUserPersonalChatMessages', user_id=ANN, limit=1)[0]['text'], 'news')
        self.good('verifyUser', user_id=ANN, custom_description='known')
        self.good('removeUserVerification', user_id=ANN)
        self.good('verifyChat', chat_id=self.group)
        self.good('removeChatVerification', chat_id=self.group)


class BadParametersTest(ContractCase):
    """Each parameter of each method in turn: absent, of a wrong type, out of what the contract allows."""

    WRONG = {'Integer': [1], 'Float': [1], 'Boolean': [1], 'String': [1]}

    def setUp(self):
        super().setUp()
        self.file = self.upload('sendDocument', 'document', chat_id=USER)['document']['file_id']

    def sample(self, field, name):
        """A value of the right type, of something that is there."""
        known = {'chat_id': USER, 'from_chat_id': USER, 'user_id': USER, 'message_id': 1}
        if name in known or 'InputFile' in field.type:
            return known.get(name, self.file)
        made = contract.least(field)
        return made or 'x' if isinstance(made, str) else made

    def needed(self, method):
        return {name: self.sample(field, name) for name, field in table.METHODS[method].fields.items()
                if field.required}

    def test_absent(self):
        for method in sorted(contract.ADDED):
            for name, field in table.METHODS[method].fields.items():
                if field.required:
                    values = {one: value for one, value in self.needed(method).items() if one != name}
                    code, words, _ = self.bot.bad(method, **values)
                    self.assertEqual(code, 400, (method, name, words))

    def test_absent_is_said(self):
        for words, method, values in [
                ('chat_id is empty', 'sendPoll', {}),
                ('parameter "question" is required', 'sendPoll', {'chat_id': USER}),
                ('invalid user_id specified', 'banChatMember', {'chat_id': USER}),
                ('message identifier is not specified', 'stopPoll', {'chat_id': USER})]:
            self.refused('Bad Request: ' + words, method, **values)

    def test_of_a_wrong_type(self):
        for method, entry in table.METHODS.items():
            for name, field in entry.fields.items():
                kinds = table.split_type(field.type)
                if 'InputFile' in kinds:
                    continue
                wrong = self.WRONG.get(kinds[0], 7)
                code, words, _ = self.bot.bad(method, **{**self.needed(method), name: wrong})
                self.assertEqual((code, name in words or 'reply keyboard' in words or "can't parse" in words),
                                 (400, True), (method, name, words))

    def test_beyond_the_limits(self):
        beyond = {'length': lambda rule: 'x' * (rule.high + 1), 'bytes': lambda rule: 'ä' * (rule.high // 2 + 1),
                  'range': lambda rule: rule.high + 1, 'choice': lambda rule: type(rule.choices[0])(999)}
        tried = 0
        for method in sorted(contract.ADDED):
            for name, field in table.METHODS[method].fields.items():
                if field.rule and not field.rule.parsed and field.rule.what in beyond:
                    values = {**self.needed(method), name: beyond[field.rule.what](field.rule)}
                    code, words, _ = self.bot.bad(method, **values)
                    self.assertEqual(code, 400, (method, name))
                    tried += f'invalid {name} specified' in words
        self.assertGreater(tried, 40)

    def test_nowhere(self):
        for name, wrong, words in [
                ('chat_id', 5, 'chat not found'), ('user_id', 5, 'invalid user_id specified'),
                ('business_connection_id', 'nobody', 'business connection not found')]:
            for method in sorted(contract.ADDED):
                if name in table.METHODS[method].fields and 'ManagedBot' not in method:
                    self.refused('Bad Request: ' + words, method, **{**self.needed(method), name: wrong})

    def test_unknown_parameters_are_seen(self):
        for method in table.METHODS:
            if method not in ('close', 'logOut', 'getUpdates'):
                self.bot.ask(method, **self.needed(method), colour='red')
                self.assertIn(f'colour: {method} has no such parameter', self.telegram.lints())


if __name__ == '__main__':
    unittest.main()
