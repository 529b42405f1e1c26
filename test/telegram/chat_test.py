#!/usr/bin/python3
# RUN: timeout=300 variants=debug,release,asan
"""Telegram, through the whole chain: what people write reaches the agents, and what these answer is shown."""

import os
import signal
import time
import unittest

from chain import TOP, USER, Agent, ChainTest, route, wait

GROUP = -2001
FORUM = -1009990002222
REACTIONS = {'routes': [route(types=['chat.message', 'chat.reaction'])]}
RISKY = {'name': 'World *ETF*', 'symbol': 'WLD', 'risk_level': 4, 'expected_return': '5.1 % a year',
         'why': 'broad_and cheap'}


class Private(ChainTest):
    def test_a_message_and_its_answer(self):
        chain = self.chain()
        said = chain.say('hello')
        job = chain.answer('good *day*')
        self.assertEqual((job['body']['message_text'], job['envelope']['session_id'], job['envelope']['user_id']),
                         ('hello', 'telegram_1001', '1001'))
        self.assertEqual(chain.texts(1), ['good day'])
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        chain.settled()
        message = chain.tg.transcript()['messages'][-1]
        self.assertEqual(message['entities'], [{'type': 'italic', 'offset': 5, 'length': 3}])

    def test_a_message_that_comes_twice_is_one(self):
        chain = self.chain()
        chain.tg.fault('getUpdates', 'duplicate', count=3)
        chain.tg.fault('getUpdates', 'reorder', count=3)
        for number in range(5):
            chain.say(f'number {number}')
        for number in range(5):
            self.assertEqual(chain.answer(f'answer {number}')['body']['message_text'], f'number {number}')
        self.assertEqual(chain.texts(5), [f'answer {number}' for number in range(5)])
        self.assertIsNone(chain.worker.try_job())

    def test_an_edit(self):
        chain = self.chain()
        said = chain.say('helo')
        chain.answer()
        chain.tg.edit(said['message_id'], 'hello')
        job = chain.answer('again')
        self.assertEqual((job['envelope']['type'], job['body']['message_text']), ('chat.edit', 'hello'))
        self.assertEqual(chain.texts(2), ['an answer', 'again'])

    def test_a_button(self):
        chain = self.chain()
        chain.say('hello')
        chain.answer('choose', metadata={'buttons': [
            {'label': 'Buy', 'action': 'buy', 'value': 'WLD'}, [{'label': 'No', 'action': 'no'},
                                                               {'label': 'Site', 'url': 'https://example.org/'}],
            {'label': 'too long', 'action': 'x' * 65}, {'action': 'no label'}]})
        chain.texts(1)
        message = chain.tg.transcript()['messages'][-1]
        rows = message['buttons']
        self.assertEqual([[one['text'] for one in row] for row in rows], [['Buy'], ['No', 'Site']])
        pressed = chain.tg.press(message['message_id'], 'Buy')
        job = chain.answer('bought')
        self.assertEqual((job['envelope']['type'], job['body']['action'], job['body']['value']),
                         ('chat.action', 'buy', 'WLD'))
        self.assertEqual(len(chain.asked('answerCallbackQuery')), 1)
        self.assertTrue(pressed)
        self.assertEqual(chain.texts(2)[1], 'bought')

    def test_a_reaction(self):
        chain = self.chain(broker_conf=REACTIONS)
        chain.say('hello')
        chain.answer()
        chain.texts(1)
        chain.tg.react(chain.tg.transcript()['messages'][-1]['message_id'], ['👍'])
        job = chain.answer('')
        self.assertEqual((job['envelope']['type'], job['body']['reaction']), ('chat.reaction', '👍'))

    def test_attachments_are_references(self):
        chain = self.chain()
        chain.tg.media('document', 'my report')
        job = chain.answer()
        file, = job['body']['attachments']
        self.assertEqual((job['body']['message_text'], file['kind'], file['name'], file['mime_type']),
                         ('my report', 'document', 'report.pdf', 'application/pdf'))
        self.assertTrue(file['file_id'])
        chain.tg.media('location')
        self.assertEqual(chain.answer()['body']['attachments'][0]['latitude'], 52.5)

    def test_recommendations_with_risk_and_return(self):
        chain = self.chain(broker_conf={'compliance.on': True})
        chain.say('/recommend')
        chain.answer('Look at these:', recommendations=[RISKY, {'name': 'b'}, {'name': 'c'}, {'name': 'd'}])
        text, = chain.texts(1)
        self.assertIn('Look at these:\n\n1. World *ETF* (WLD)\nRisk: 4 · Return: 5.1 % a year\nbroad_and cheap\n\n2. b',
                      text)
        self.assertIn('3. c', text)
        self.assertNotIn('4. d', text)
        for words in ('not', 'automated assistant'):
            self.assertIn(words, text)

    def test_an_answer_that_ends_within_code_does_not_take_the_rest_with_it(self):
        chain = self.chain()
        for number, (text, code) in enumerate((
                ('See:\n```python\nprint(1)', 'print(1)'), ('~~~~\n```\nx\n~~~', '```\nx\n~~~'),
                ('1. a\n\n   ```\n   x', 'x'), ('1. a\n\n   ```\n   x\n   ```', 'x'), ('  ```\nx\n```', 'x'))):
            chain.say('go')
            chain.answer(text, recommendations=[{'name': 'Fund', 'risk': 2}])
            shown = chain.texts(number + 1)[-1]
            self.assertTrue(shown.endswith(f'{code}\n\n1. Fund\nRisk: 2'), shown)

    def test_no_byte_ends_an_answer(self):
        chain = self.chain()
        chain.say('go')
        chain.answer('before\0after')
        self.assertEqual(chain.texts(1), ['beforeafter'])

    def test_the_advisor(self):
        chain = self.chain(start=False, broker_conf={'compliance.on': True}, typing=True, stream=True)
        chain.broker.start()
        Agent(self, chain.broker, '--catalogue', f'{TOP}/agents/advisor/catalogue.csv', program='palaver-advisor')
        chain.say('/recommend 10,000 USD for retirement in 20 years, medium risk')
        text, = chain.texts(1)
        for words in ('\n1. ', 'Risk: ', 'Return: ', 'Fee: '):
            self.assertIn(words, text)
        self.assertEqual(text.count('Return: '), 3)

    def test_commands_are_messages_that_routes_match(self):
        routes = [route('recommend', 'recommender', command='/recommend'), route()]
        chain = self.chain(broker_conf={'routes': routes})
        other = chain.broker.worker('other', services=['recommender'])
        chain.say('/recommend an ETF')
        job = other.job()
        self.assertEqual((job['body']['message_text'], job['body']['metadata']['command']),
                         ('/recommend an ETF', 'recommend'))
        other.reply(job['lease'], 'this one')
        self.assertEqual(chain.texts(1), ['this one'])

    def test_start_is_greeted_once_also_when_it_is_delivered_again(self):
        chain = self.chain(start_text='**Welcome!** Ask me.', ai_notice='I am a machine.')
        said = chain.say('/start')
        self.assertEqual(chain.texts(1), ['I am a machine.\n\nWelcome! Ask me.'])
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        chain.tg.update({'message': {'message_id': said['message_id'], 'date': int(time.time()),
                                     'text': '/start',
                                     'from': {'id': USER, 'is_bot': False, 'first_name': 'Ann'},
                                     'chat': {'id': USER, 'type': 'private', 'first_name': 'Ann'},
                                     'entities': [{'type': 'bot_command', 'offset': 0, 'length': 6}]}})
        chain.say('and now?')
        self.assertEqual(chain.answer('this')['body']['message_text'], 'and now?')
        self.assertEqual(chain.texts(2), ['I am a machine.\n\nWelcome! Ask me.', 'this'])

    def test_a_start_whose_greeting_kill_9_has_cut_off_goes_to_the_agents(self):
        chain = self.chain(start_text='Welcome!')
        chain.tg.fault('sendMessage', 'hang')
        host = chain.host()['pid']
        said = chain.say('/start')
        chain.asked('sendMessage')
        os.kill(host, signal.SIGKILL)
        self.assertEqual(chain.answer('good day')['body']['message_text'], '/start')
        self.assertEqual(chain.texts(1), ['good day'])
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))

    def test_a_start_with_a_payload_and_one_that_cannot_be_greeted_go_to_the_agents(self):
        chain = self.chain(start_text='Welcome!')
        chain.say('/start campaign7')
        self.assertEqual(chain.answer()['body']['message_text'], '/start campaign7')
        chain.tg.fault('sendMessage', 'flood', retry_after=1)
        chain.say('/start')
        self.assertEqual(chain.answer('good day')['body']['message_text'], '/start')
        self.assertEqual(chain.texts(2), ['an answer', 'good day'])

    def test_the_notice_comes_once_also_over_a_restart(self):
        chain = self.chain(ai_notice='I am a *machine*_.')
        chain.say('one')
        chain.answer('first')
        self.assertEqual(len(chain.texts(1)), 1)
        self.assertTrue(chain.texts(1)[0].endswith('\n\nfirst'), chain.texts(1))
        self.assertIn('machine', chain.texts(1)[0])
        chain.settled()
        chain.broker.restart()
        chain.worker = chain.broker.worker()
        chain.say('two')
        chain.answer('second')
        self.assertEqual(chain.texts(2)[1], 'second')

    def test_who_may_use_the_bot(self):
        chain = self.chain(allow=f'{USER} 1002', deny='1002, 1003')
        for user in (1003, 1002, 1004):
            said = chain.say('let me in', user=user)
        self.assertTrue(chain.tg.wait_confirmed(said['update_id']))
        chain.say('hello')
        self.assertEqual(chain.answer()['envelope']['user_id'], str(USER))
        chain.texts(1)
        self.assertIsNone(chain.worker.try_job())

    def test_quotes(self):
        chain = self.chain(quote='always')
        said = chain.say('hello')
        chain.answer()
        chain.texts(1)
        reply, = chain.params('sendMessage')
        self.assertEqual(reply['reply_parameters']['message_id'], said['message_id'])


class Groups(ChainTest):
    def test_only_what_is_meant_for_the_bot(self):
        chain = self.chain()
        chain.tg.group(GROUP)
        chain.say('nothing for you', chat=GROUP)
        asked = chain.say('@palaver_test_bot what is an ETF?', chat=GROUP)
        job = chain.answer('a fund')
        self.assertEqual((job['body']['message_text'], job['envelope']['session_id'], job['envelope']['user_id']),
                         ('what is an ETF?', f'telegram_{GROUP}', str(USER)))
        chain.texts(1, GROUP)
        answer = chain.tg.transcript(GROUP)['messages'][-1]
        self.assertEqual(chain.params('sendMessage')[0]['reply_parameters']['message_id'], asked['message_id'])
        chain.say('and an index?', chat=GROUP, reply_to=answer['message_id'])
        self.assertEqual(chain.answer()['body']['message_text'], 'and an index?')
        chain.say('/recommend@palaver_test_bot bonds', chat=GROUP)
        self.assertEqual(chain.answer()['body']['message_text'], '/recommend bonds')
        chain.say('/recommend@other_bot bonds', chat=GROUP)
        chain.say('/last', chat=GROUP)
        self.assertEqual(chain.answer()['body']['message_text'], '/last')
        chain.texts(4, GROUP)

    def test_all_when_conf_says_so(self):
        chain = self.chain(groups_hear_all=True)
        chain.tg.group(GROUP)
        chain.say('for everybody', chat=GROUP)
        self.assertEqual(chain.answer()['body']['message_text'], 'for everybody')

    def test_a_reaction_counts_only_under_a_message_of_ours(self):
        chain = self.chain(broker_conf=REACTIONS)
        chain.tg.group(GROUP, 'supergroup', bot='administrator')
        group = next(one['id'] for one in chain.tg.chats() if one['type'] == 'supergroup')
        other = chain.say('not for the bot', chat=group)
        chain.say('/ask', chat=group)
        chain.answer()
        chain.texts(1, group)
        ours = chain.tg.transcript(group)['messages'][-1]['message_id']
        chain.tg.react(other['message_id'], ['👎'], chat=group)
        chain.tg.react(ours, ['👍'], chat=group)
        job = chain.answer('')
        self.assertEqual((job['envelope']['type'], job['body']['reaction']), ('chat.reaction', '👍'))

    def test_a_group_that_becomes_a_supergroup_keeps_its_session(self):
        chain = self.chain()
        chain.tg.group(GROUP)
        chain.say('/one', chat=GROUP)
        job = chain.job('/one')
        new = chain.tg.upgrade(GROUP)
        chain.reply(job, 'to the old id')
        self.assertEqual(chain.texts(1, new), ['to the old id'])
        chain.say('/two', chat=new)
        job = chain.answer('second')
        self.assertEqual(job['envelope']['session_id'], f'telegram_{GROUP}')
        self.assertEqual(chain.texts(2, new), ['to the old id', 'second'])
        chain.settled()
        chain.broker.restart()
        chain.worker = chain.broker.worker()
        chain.say('/three', chat=new)
        self.assertEqual(chain.answer('third')['envelope']['session_id'], f'telegram_{GROUP}')
        self.assertEqual(chain.texts(3, new)[2], 'third')

    def test_a_move_that_only_the_answer_to_a_send_tells_of(self):
        chain = self.chain()
        chain.tg.group(GROUP)
        chain.say('/one', chat=GROUP)
        job = chain.job('/one')
        chain.tg.group(-1009990001111, 'supergroup')
        chain.tg.fault('sendMessage', 'error', description='Bad Request: group chat was upgraded to a supergroup chat',
                       parameters={'migrate_to_chat_id': -1009990001111}, chat=GROUP)
        chain.reply(job, 'found you')
        self.assertEqual(chain.texts(1, -1009990001111), ['found you'])

    def test_an_answer_stays_in_its_topic(self):
        chain = self.chain()
        chain.tg.group(-1009990002222, 'supergroup', is_forum=True)
        chain.say('/ask', chat=-1009990002222, thread=77)
        chain.answer('here')
        chain.texts(1, -1009990002222)
        self.assertEqual(chain.params('sendMessage')[0]['message_thread_id'], 77)

    def test_an_answer_to_an_answer_is_in_no_topic(self):
        """Telegram names a thread for it all the same, where nothing can be sent to."""
        chain = self.chain(typing=True)
        for group, forum in ((-1009990003333, False), (-1009990004444, True)):
            chain.tg.group(group, 'supergroup', is_forum=forum)
            chain.say('/one', chat=group)
            chain.answer('first')
            chain.texts(1, group)
            said = chain.say('and then?', chat=group, reply_to=chain.tg.transcript(group)['messages'][-1]['message_id'])
            job = chain.job('and then?')
            self.assertNotIn('thread_id', job['body']['metadata'])
            chain.wait(lambda group=group: chain.tg.transcript(group)['typing'], 'it types')
            chain.reply(job, 'second')
            self.assertEqual(chain.texts(2, group), ['first', 'second'])
            self.assertEqual(chain.tg.transcript(group)['messages'][-1]['reply_to'], said['message_id'])
        self.assertEqual([one['status'] for one in chain.tg.requests('sendMessage')], [200] * 4)

    def begin_in_topic(self, **conf):
        """A chain, a message in a topic as a job, and then another host, which remembers nothing of it."""
        chain = self.chain(**conf)
        chain.tg.group(FORUM, 'supergroup', is_forum=True)
        chain.say('/ask', chat=FORUM, thread=77)
        job = chain.job()
        self.kill(chain)
        return chain, job

    def kill(self, chain):
        host = chain.host()['pid']
        os.kill(host, signal.SIGKILL)
        chain.wait(lambda: chain.host()['pid'] != host, 'another host')

    def threads(self, chain):
        return [one['thread'] for one in chain.tg.transcript(FORUM)['messages']]

    def test_every_part_of_an_answer_stays_in_its_topic_after_kill_9(self):
        chain, job = self.begin_in_topic()
        chain.reply(job, 'a word ' * 900)
        chain.texts(2, FORUM, 30)
        self.assertEqual(self.threads(chain), [77, 77, 77])

    def test_an_answer_that_quotes_nothing_stays_in_its_topic_after_kill_9(self):
        chain, job = self.begin_in_topic(quote='never')
        chain.reply(job, 'here')
        chain.texts(1, FORUM, 30)
        self.assertEqual(self.threads(chain), [77, 77])

    def test_the_answer_to_a_button_stays_in_its_topic_after_kill_9(self):
        chain, job = self.begin_in_topic()
        chain.reply(job, 'choose', metadata={'buttons': [{'label': 'Buy', 'action': 'buy'}]})
        chain.texts(1, FORUM, 30)
        chain.settled()
        chain.tg.press(chain.tg.transcript(FORUM)['messages'][-1]['message_id'], 'Buy', chat=FORUM)
        job = chain.job()
        self.kill(chain)
        chain.reply(job, 'bought')
        chain.texts(2, FORUM, 30)
        self.assertEqual(self.threads(chain), [77, 77, 77])

    def test_an_answer_to_what_was_deleted_stays_in_its_topic(self):
        chain = self.chain()
        group = -1009990002222
        chain.tg.group(group, 'supergroup', is_forum=True)
        said = chain.say('/ask', chat=group, thread=77)
        job = chain.job()
        chain.tg.erase(said['message_id'], chat=group)
        chain.reply(job, 'here')
        chain.texts(1, group)
        self.assertEqual(chain.tg.transcript(group)['messages'][-1]['thread'], 77)

    def test_an_answer_whose_topic_is_gone_is_in_the_group(self):
        chain = self.chain()
        group = -1009990002222
        chain.tg.group(group, 'supergroup', is_forum=True)
        chain.say('/ask', chat=group, thread=77)
        job = chain.job()
        chain.tg.erase_topic(77, group)
        chain.reply(job, 'here')
        self.assertEqual(chain.texts(1, group), ['here'])

    def test_a_bot_that_was_thrown_out_is_refused(self):
        chain = self.chain()
        chain.tg.group(GROUP)
        chain.say('/one', chat=GROUP)
        job = chain.job('/one')
        chain.tg.status(GROUP, 'kicked')
        chain.reply(job, 'too late')
        letter = wait(lambda: chain.broker.dead() and chain.broker.letter(), 'a dead letter')
        self.assertIn('kicked', str(letter))


if __name__ == '__main__':
    unittest.main()
