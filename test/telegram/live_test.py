#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""Telegram, through the whole chain: what a chat shows before the answer is there: typing, drafts, edits."""

import os
import signal
import unittest

from chain import USER, ChainTest, route

GROUP = -2001


class Typing(ChainTest):
    def test_it_shows_until_the_answer_comes(self):
        chain = self.chain(typing=True)
        chain.say('hello')
        job = chain.job()
        first, second = chain.asked('sendChatAction', 2)[:2]
        self.assertEqual(first['params'], {'chat_id': USER, 'action': 'typing'})
        self.assertTrue(3.9 <= second['at'] - first['at'] <= 5, (first, second))
        chain.reply(job, 'here')
        chain.texts(1)
        chain.settled()
        count = len(chain.tg.requests('sendChatAction'))
        chain.rest(4.5)  # longer than until the next one would come
        self.assertEqual(len(chain.tg.requests('sendChatAction')), count)

    def test_what_a_newer_message_has_replaced_is_not_waited_for(self):
        chain = self.chain(typing=True, broker_conf={'routes': [route(overlap='interrupt')]})
        chain.say('one')
        chain.job('one')
        chain.say('two')
        chain.worker.expect('CANCEL')
        chain.reply(chain.job('two'), 'here')
        self.assertEqual(chain.texts(1), ['here'])
        chain.settled()
        count = len(chain.tg.requests('sendChatAction'))
        chain.rest(4.5)  # longer than until the next one would come
        self.assertEqual(len(chain.tg.requests('sendChatAction')), count)

    def test_what_was_merged_with_a_message_is_answered_with_it(self):
        chain = self.chain(typing=True, broker_conf={'routes': [route(overlap='merge')]})
        chain.say('one')
        job = chain.job('one')
        chain.say('two')
        chain.say('three')
        chain.broker.wait_metric('jobs_merged', 1)
        chain.reply(job, 'to one')
        self.assertEqual(chain.texts(1), ['to one'])
        job = chain.job('two\nthree')
        count = len(chain.tg.requests('sendChatAction'))
        chain.asked('sendChatAction', count + 1)  # it goes on for what waits
        chain.reply(job, 'to both')
        self.assertEqual(chain.texts(2), ['to one', 'to both'])
        chain.settled()
        count = len(chain.tg.requests('sendChatAction'))
        chain.rest(4.5)  # longer than until the next one would come
        self.assertEqual(len(chain.tg.requests('sendChatAction')), count)

    def test_an_agent_can_stop_it_and_start_it(self):
        chain = self.chain(typing=True)
        chain.say('hello')
        job = chain.job()
        chain.asked('sendChatAction', 1)
        chain.live(job, 'chat.typing', {'active': False})
        chain.live(job, 'chat.typing', {'active': True})
        chain.asked('sendChatAction', 2)
        chain.reply(job, 'here')
        chain.texts(1)

    def test_it_ends_by_itself(self):
        chain = self.chain(typing=True, typing_s=5)
        chain.say('hello')
        job = chain.job()
        chain.asked('sendChatAction', 2)
        chain.rest(6)  # longer than until the third one would come
        self.assertEqual(len(chain.tg.requests('sendChatAction')), 2)
        chain.reply(job, 'here')
        chain.texts(1)


class Drafts(ChainTest):
    def begin(self, chat=None, **conf):
        chain = self.chain(stream=True, **conf)
        if chat:
            chain.tg.group(chat)
        chain.say('/hello' if chat else 'hello', chat=chat)
        return chain, chain.job()

    def words(self, chain, job, count, pause=0.05):
        for index in range(count):
            chain.delta(job, index, f'word{index} ')
            chain.rest(pause)  # as a model writes

    def test_a_draft_grows_and_becomes_the_answer(self):
        chain, job = self.begin()
        self.words(chain, job, 50)
        drafts = chain.asked('sendMessageDraft', 3)
        times = [one['at'] for one in drafts]
        self.assertTrue(all(later - sooner >= 0.95 for sooner, later in zip(times, times[1:])), times)
        self.assertEqual(len({one['params']['draft_id'] for one in drafts}), 1)
        self.assertTrue(drafts[-1]['params']['text'].startswith('word0 word1'))
        chain.reply(job, 'the whole answer')
        self.assertEqual(chain.texts(1), ['the whole answer'])
        chain.settled()
        self.assertIsNone(chain.tg.transcript()['draft'])

    def test_words_that_are_missing_end_the_draft_not_the_answer(self):
        chain, job = self.begin()
        chain.delta(job, 0, 'one ')
        chain.asked('sendMessageDraft')
        chain.delta(job, 2, 'three ')
        chain.delta(job, 3, 'four ')
        chain.reply(job, 'one two three four')
        self.assertEqual(chain.texts(1), ['one two three four'])
        self.assertEqual([one['text'] for one in chain.params('sendMessageDraft')], ['one'])

    def test_a_piece_may_be_empty(self):
        chain, job = self.begin()
        host = chain.host()['pid']
        chain.delta(job, 0, '')
        chain.delta(job, 1, 'one ')
        self.assertEqual(chain.asked('sendMessageDraft')[0]['params']['text'], 'one')
        chain.reply(job, 'one two')
        self.assertEqual(chain.texts(1), ['one two'])
        self.assertEqual(chain.host()['pid'], host)

    def test_a_draft_longer_than_a_message_shows_its_end(self):
        chain, job = self.begin()
        for index in range(3):
            chain.delta(job, index, 'more words ' * 300 + f'end{index} ')
        chain.wait(lambda: any(one['text'].endswith('end2') for one in chain.params('sendMessageDraft')), 'the end')
        chain.reply(job, 'short')
        self.assertEqual(chain.texts(1), ['short'])

    def test_a_flood_on_a_draft_does_not_cost_the_answer(self):
        chain, job = self.begin()
        chain.tg.fault('sendMessageDraft', 'flood', retry_after=2)
        chain.delta(job, 0, 'one ')
        flood, = chain.asked('sendMessageDraft')
        chain.delta(job, 1, 'two ')
        chain.reply(job, 'one two three')
        self.assertEqual(chain.texts(1), ['one two three'])
        self.assertGreaterEqual(chain.tg.requests('sendMessage')[0]['at'] - flood['at'], 2)
        chain.settled()

    def test_a_server_that_knows_no_drafts_is_no_trouble(self):
        chain, job = self.begin()
        chain.tg.fault('sendMessageDraft', 'error', code=404, description='Not Found: method not found', count=9)
        chain.delta(job, 0, 'one ')
        chain.asked('sendMessageDraft')
        chain.delta(job, 1, 'two ')
        chain.reply(job, 'one two three')
        self.assertEqual(chain.texts(1), ['one two three'])
        self.assertEqual(len(chain.params('sendMessageDraft')), 1)
        self.assertEqual([line['text'] for line in chain.broker.lines if line.get('id') == 'plugin.warn'], [])

    def test_an_answer_waits_for_a_draft_that_is_slow(self):
        chain, job = self.begin()
        chain.tg.fault('sendMessageDraft', 'slow', seconds=1)
        chain.delta(job, 0, 'one ')
        chain.asked('sendMessageDraft')
        chain.reply(job, 'one two')
        self.assertEqual(chain.texts(1), ['one two'])
        self.assertIsNone(chain.tg.transcript()['draft'])
        methods = [one['method'] for one in chain.tg.requests() if one['method'].startswith('sendM')]
        self.assertEqual(methods, ['sendMessageDraft', 'sendMessage'])

    def test_in_a_group_a_message_is_edited_into_the_answer(self):
        chain, job = self.begin(GROUP, edit_ms=1000)
        self.words(chain, job, 80)
        edits = chain.asked('editMessageText', 2)
        self.assertGreaterEqual(edits[1]['at'] - edits[0]['at'], 0.95)
        chain.reply(job, 'the **whole** answer')
        chain.wait(lambda: chain.seen(GROUP) == ['the whole answer'], 'one message, whole')
        chain.settled()
        self.assertEqual(len(chain.tg.requests('sendMessage')), 1)
        self.assertIn('reply_parameters', chain.params('sendMessage')[0])

    def test_a_message_whose_number_is_not_told_is_not_written_again_and_again(self):
        chain, job = self.begin(GROUP, edit_ms=1000)
        chain.tg.fault('sendMessage', 'wrong_json', body={'ok': True, 'result': True}, count=9)
        self.words(chain, job, 80)
        chain.reply(job, 'the whole answer')
        chain.settled()
        self.assertEqual(len(chain.seen(GROUP)), 2)
        self.assertEqual(chain.seen(GROUP)[1], 'the whole answer')

    def test_after_a_move_no_other_message_is_edited(self):
        """In the supergroup messages are counted anew: the number of the streamed one is another's."""
        chain = self.chain(stream=True, start_text='Welcome!')
        chain.tg.group(GROUP)
        chain.say('not for the bot', chat=GROUP)
        chain.say('/ask', chat=GROUP)
        job = chain.job()
        chain.delta(job, 0, 'one two')
        chain.texts(1, GROUP)
        new = chain.tg.upgrade(GROUP)
        chain.say('/start', chat=new)
        self.assertEqual(chain.texts(1, new), ['Welcome!'])
        numbers = [[one['message_id'] for one in chain.tg.transcript(chat)['messages'] if one['by_bot']]
                   for chat in (GROUP, new)]
        self.assertEqual(numbers[0], numbers[1])
        chain.reply(job, 'one two three')
        self.assertEqual(chain.texts(2, new), ['Welcome!', 'one two three'])

    def test_words_stay_in_the_topic_that_they_answer(self):
        chain, group = self.chain(stream=True, typing=True), -1009990002222
        chain.tg.group(group, 'supergroup', is_forum=True)
        chain.say('/ask', chat=group, thread=77)
        job = chain.job()
        chain.delta(job, 0, 'one two')
        said = chain.say('/other', chat=group, thread=88)
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        self.assertEqual(chain.texts(1, group), ['one two'])
        chain.reply(job, 'one two three')
        chain.wait(lambda: chain.seen(group) == ['one two three'], 'it is whole')
        self.assertEqual([one['thread'] for one in chain.tg.transcript(group)['messages'] if one['by_bot']], [77])

    def test_words_that_are_refused_are_not_sent_again_without_more(self):
        chain, job = self.begin(GROUP, edit_ms=1000)
        chain.delta(job, 0, 'one ')
        chain.texts(1, GROUP)
        chain.tg.fault('editMessageText', 'error',
                       description="Bad Request: can't parse entities: ENTITY_TEXTURL_INVALID")
        chain.delta(job, 1, 'two ')
        chain.asked('editMessageText')
        chain.rest(2.5)  # longer than until two more would have come
        self.assertEqual(len(chain.params('editMessageText')), 1)
        chain.delta(job, 2, 'three ')
        chain.wait(lambda: chain.seen(GROUP) == ['one two three'], 'more words are shown')
        chain.reply(job, 'the whole answer')
        chain.wait(lambda: chain.seen(GROUP) == ['the whole answer'], 'one message, whole')

    def test_edits_that_are_limited_still_end_in_the_whole_answer(self):
        for kind, more in (('flood', {'retry_after': 1}), ('cut_after', {}), ('error', {
                'description': "Bad Request: message can't be edited"})):
            with self.subTest(kind):
                chain, job = self.begin(GROUP, edit_ms=1000)
                self.words(chain, job, 40)
                chain.asked('sendMessage')
                chain.tg.fault('editMessageText', kind, count=2, **more)
                chain.reply(job, 'the whole answer')
                chain.wait(lambda chain=chain: chain.seen(GROUP)[-1:] == ['the whole answer'], 'it is whole', 20)
                chain.settled()

    def test_an_answer_in_a_group_that_comes_soon_comes_in_one_piece(self):
        chain, job = self.begin(GROUP)
        chain.delta(job, 0, 'one ')
        chain.reply(job, 'one two')
        self.assertEqual(chain.texts(1, GROUP), ['one two'])
        self.assertEqual(chain.tg.requests('editMessageText'), [])

    def test_a_streamed_message_longer_than_one_goes_on_in_the_next(self):
        chain, job = self.begin(GROUP, edit_ms=1000)
        text = '\n\n'.join(f'Paragraph {number}: ' + 'more words ' * 90 for number in range(7))
        chain.delta(job, 0, text[:2000])
        chain.asked('sendMessage')
        chain.delta(job, 1, text[2000:])
        chain.reply(job, text)
        texts = chain.texts(2, GROUP)
        chain.settled()
        self.assertEqual(' '.join(' '.join(chain.seen(GROUP)).split()), ' '.join(text.split()))
        self.assertEqual(len(texts), 2)

    def test_after_kill_9_the_message_is_still_edited_into_the_answer(self):
        chain, job = self.begin(GROUP, edit_ms=1000)
        chain.delta(job, 0, 'one ')
        chain.texts(1, GROUP)
        chain.asked('sendMessage')
        host = chain.host()['pid']
        os.kill(host, signal.SIGKILL)
        chain.wait(lambda: chain.host()['pid'] != host, 'another host')
        chain.reply(job, 'one two')
        chain.wait(lambda: chain.seen(GROUP) == ['one two'], 'one message, whole', 20)


if __name__ == '__main__':
    unittest.main()
