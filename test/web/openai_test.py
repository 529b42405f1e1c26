#!/usr/bin/python3
# RUN: timeout=200 variants=debug,release,asan
"""OpenAI's chat protocol through the whole chain."""

import json
import os
import shutil
import subprocess
import unittest
import urllib.parse

from gateway import WebTest, route, wait

URL, NOTES = '/v1/chat/completions', ['This is general information, not investment advice.',
                                      'You are talking to an automated assistant.']
OFFICIAL = """
const OpenAI = require(process.argv[2]);
(async () => {
  const client = new OpenAI({ baseURL: process.argv[1], apiKey: 'alpha', maxRetries: 0 });
  console.log((await client.models.list()).data.map((model) => model.id));
  const told = await client.chat.completions.create({ model: 'palaver', user: 'ann', messages: [
    { role: 'developer', content: 'be brief' }, { role: 'user', content: 'hello' }] });
  console.log(told.choices[0].message.content, told.usage.total_tokens > 0, told.choices[0].finish_reason);
  const stream = await client.chat.completions.create({ model: 'palaver', stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: [{ type: 'text', text: 'again' }] }] });
  let text = '', usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    usage = chunk.usage ?? usage;
  }
  console.log(text, usage.total_tokens > 0);
  await client.chat.completions.create({ model: 'other', messages: [{ role: 'user', content: 'x' }] })
    .catch((error) => console.log(error.constructor.name, error.code));
  await new OpenAI({ baseURL: process.argv[1], apiKey: 'wrong', maxRetries: 0 }).models.list()
    .catch((error) => console.log(error.constructor.name, error.code));
})();
"""


class OpenAI(WebTest):
    def request(self, text='hello', **more):
        return {'model': 'palaver', 'messages': [{'role': 'user', 'content': text}], **more}

    def chunks(self, stream):
        """The chunks up to [DONE], each held against the contract."""
        found = []
        while True:
            _, _, data = stream.next()
            if data == '[DONE]':
                return found
            stream.gateway.contract().message('CompletionChunk', data)
            found.append(data)

    def stream(self, web, **more):
        body = json.dumps(self.request(stream=True, **more))
        future = web.pool.submit(web.stream, URL, {'Content-Type': 'application/json'}, method='POST', body=body)
        return future

    def test_models(self):
        web = self.web(models='palaver special=/special')
        listed = web.ask('GET', '/v1/models').json['data']
        self.assertEqual([model['id'] for model in listed], ['palaver', 'special'])
        self.assertEqual(web.ask('GET', '/v1/models/special').json, listed[1])
        self.assertEqual(web.ask('GET', '/v1/models/none').json['error']['code'], 'model_not_found')
        waiting = web.later('POST', URL, self.request('do it', model='special'))
        self.assertEqual(web.answer('done')['body']['message_text'], '/special do it')
        self.assertEqual(web.wait(waiting).json['model'], 'special')

    def test_an_answer(self):
        web = self.web()
        messages = [{'role': 'system', 'content': 'be kind'}, {'role': 'developer', 'content': 'be brief'},
                    {'role': 'user', 'content': 'first'}, {'role': 'assistant', 'content': 'yes?'},
                    {'role': 'user', 'content': [{'type': 'text', 'text': 'second'},
                                                 {'type': 'image_url', 'image_url': {}},
                                                 {'type': 'text', 'text': 'part'}]}]
        waiting = web.later('POST', URL, {'model': 'palaver', 'messages': messages, 'user': 'ann', 'temperature': 0.1,
                                          'future': {'field': 1}})
        job = web.answer('an answer', metadata={'usage': {'input_tokens': 11, 'output_tokens': 3}})
        self.assertEqual(job['envelope']['session_id'], 'web_ann')
        self.assertEqual(job['body']['message_text'], 'second\npart')
        self.assertEqual([one['role'] for one in job['body']['metadata']['messages']],
                         ['system', 'developer', 'user', 'assistant'])
        told = web.wait(waiting).json
        self.assertEqual(told['choices'][0]['message']['content'], '\n\n'.join(['an answer', *NOTES]))
        self.assertEqual(told['usage'], {'prompt_tokens': 11, 'completion_tokens': 3, 'total_tokens': 14})
        self.assertEqual(told['palaver']['response_text'], 'an answer')
        for count in (2**63 - 1, -1):  # no agent has used so many: they are guessed
            waiting = web.later('POST', URL, self.request())
            web.answer('an answer', metadata={'usage': {'input_tokens': count, 'output_tokens': count}})
            usage = web.wait(waiting).json['usage']
            self.assertEqual(usage['completion_tokens'], 3)
            self.assertEqual(usage['total_tokens'], usage['prompt_tokens'] + 3)

    def test_who_names_no_user_has_a_conversation_of_his_own(self):
        web = self.web()
        for _ in range(2):
            web.later('POST', URL, self.request())
        first, second = web.answer(), web.answer()
        self.assertNotEqual(first['envelope']['session_id'], second['envelope']['session_id'])
        self.assertEqual(second['history'], [])

    def test_every_user_has_a_session_that_an_address_can_name(self):
        web = self.web()
        sessions = {'org/ann': 'org%2Fann', 'org%2Fann': 'org%252Fann', '.': '%2E', '..': '%2E%2E', '...': '...',
                    '/': '%2F', '100%': '100%25', 'jörg ?#&+"': 'jörg ?#&+"', 'a' * 180: 'a' * 180}
        for user, session in sessions.items():
            waiting = web.later('POST', URL, self.request(user=user))
            job = web.answer(f'to {user}')
            self.assertEqual((job['envelope']['session_id'], job['envelope']['user_id']), (f'web_{session}', user))
            self.assertEqual(web.wait(waiting).status, 200)
            shown = web.ask('GET', '/chat/session/' + urllib.parse.quote(session, safe=''))
            self.assertEqual((shown.status, shown.json.get('session_id')), (200, session))
        self.assertEqual(web.ask('POST', '/chat/session/org%252Fann/reset').status, 200)
        told = web.ask('POST', URL, self.request(user='/' * 61))
        self.assertEqual((told.status, 'user:' in told.json['error']['message']), (422, True))

    def test_every_key_of_who_names_no_user_is_his_own(self):
        web = self.web(api_keys='alpha chat a\nbeta chat b\n')
        first = []
        for word in ('alpha', 'beta'):
            for key in ('k', 'k/1', '..', 'k' * 119, 'k' * 255, 'k\xe9'):
                headers = {'Authorization': f'Bearer {word}', 'Idempotency-Key': key}
                waiting = web.later('POST', URL, self.request(), headers)
                job = web.answer(f'to {word} {key}')
                told = web.wait(waiting)
                again = web.ask('POST', URL, self.request(), headers)
                self.assertEqual((told.status, again.json['id']), (200, told.json['id']), key)
                first.append(job['envelope']['session_id'])
        self.assertEqual(len(set(first)), 12)

    def test_a_stream(self):
        web = self.web()
        opening = self.stream(web, stream_options={'include_usage': True})
        job = web.worker.job()
        stream = wait(lambda: opening.done() and opening.result(), 'the stream is open')
        for at, piece in enumerate(('one ', 'two "', '\n')):
            web.live(job, 'chat.delta', delta=piece, index=at)
        first = [stream.next()[2] for _ in range(4)]
        self.assertEqual(first[0]['choices'][0]['delta']['role'], 'assistant')
        self.assertEqual([chunk['choices'][0]['delta'].get('content') for chunk in first[1:]], ['one ', 'two "', '\n'])
        web.worker.reply(job['lease'], 'one two "\nthree')
        rest = self.chunks(stream)
        text = ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in rest if chunk['choices'])
        self.assertEqual(text, '\n\n'.join(['three', *NOTES]))
        self.assertEqual([chunk['choices'][0]['finish_reason'] for chunk in rest if chunk['choices']][-1], 'stop')
        self.assertEqual(rest[-1]['choices'], [])
        self.assertGreater(rest[-1]['usage']['total_tokens'], 0)

    def test_a_stream_whose_answer_became_another(self):
        web = self.web()
        opening = self.stream(web)
        job = web.worker.job()
        web.live(job, 'chat.delta', delta='draft', index=0)
        web.worker.reply(job['lease'], 'final')
        found = self.chunks(wait(lambda: opening.done() and opening.result(), 'the stream'))
        text = ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in found)
        self.assertIn(text, ('draft\n\n' + '\n\n'.join(['final', *NOTES]), '\n\n'.join(['final', *NOTES])))
        self.assertNotIn('usage', found[-1])

    def test_streams_of_merged_messages_grow_together(self):
        web = self.web(conf={'routes': [route(overlap='merge')]})
        self.stream(web, user='ann')
        first = web.worker.job()
        streams = []
        for merged in range(3):
            opening = self.stream(web, text=f'part {merged}', user='ann')
            streams.append(wait(lambda opening=opening: opening.done() and opening.result(), 'the stream is open'))
            web.broker.wait_metric('jobs_merged', merged)
        streams.pop().close()  # who leaves meanwhile takes nothing from the others
        web.worker.reply(first['lease'], 'to the first')
        job = web.worker.job()
        self.assertEqual(job['body']['message_text'], 'part 0\npart 1\npart 2')
        web.live(job, 'chat.delta', delta='to ', index=0)
        for stream in streams:
            deltas = [stream.next()[2]['choices'][0]['delta'] for _ in range(2)]
            self.assertEqual([delta['content'] for delta in deltas], ['', 'to '])
        web.worker.reply(job['lease'], 'to both')
        for stream in streams:
            text = ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in self.chunks(stream))
            self.assertEqual(text, '\n\n'.join(['both', *NOTES]))

    def test_a_newer_message_ends_the_answer_that_is_under_way(self):
        web = self.web(conf={'routes': [route(overlap='interrupt')]})
        opening = self.stream(web, user='ann')
        job = web.worker.job()
        stream = wait(lambda: opening.done() and opening.result(), 'the stream is open')
        web.live(job, 'chat.delta', delta='half', index=0)
        self.assertEqual([stream.next()[2]['choices'][0]['delta']['content'] for _ in range(2)], ['', 'half'])
        newer = self.stream(web, text='no, that', user='ann')
        error = stream.next()[2]['error']
        self.assertEqual(error['code'], 'interrupted')
        web.answer('there')
        found = self.chunks(wait(lambda: newer.done() and newer.result(), 'the stream'))
        self.assertIn('there', ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in found))

    def test_another_attempt_goes_on_where_it_says_the_same(self):
        web = self.web()
        for attempts, shown, answer, rest in (
                (('one two', 'one two three'), ['one two', ' three'], 'one two three', ''),
                (('one two', 'one', ' two thr', 'ee'), ['one two', ' thr', 'ee'], 'one two three', ''),
                (('one two', 'one else', ' more'), ['one two'], 'one two', ''),
                (('one two', 'one else', ' more'), ['one two'], 'one else', '\n\none else')):
            opening = self.stream(web)
            job = web.worker.job()
            stream = wait(lambda opening=opening: opening.done() and opening.result(), 'the stream is open')
            for at, piece in enumerate(attempts):
                web.live(job, 'chat.delta', delta=piece, index=max(0, at - 1))
            web.worker.reply(job['lease'], answer)
            found = [chunk['choices'][0]['delta'].get('content', '') for chunk in self.chunks(stream)]
            self.assertEqual(found[1:1 + len(shown)], shown, attempts)
            self.assertEqual(''.join(found[1 + len(shown):]), '\n\n'.join([rest, *NOTES]), attempts)

    def test_words_behind_a_gap_wait_for_the_whole_answer(self):
        web = self.web()
        opening = self.stream(web)
        job = web.worker.job()
        stream = wait(lambda: opening.done() and opening.result(), 'the stream is open')
        for at, piece in ((0, 'one '), (2, 'three ')):
            web.live(job, 'chat.delta', delta=piece, index=at)
        web.worker.reply(job['lease'], 'one two three')
        text = ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in self.chunks(stream))
        self.assertEqual(text, '\n\n'.join(['one two three', *NOTES]))

    def test_an_answer_that_is_told_again_cost_as_much(self):
        web = self.web()
        key = {'Idempotency-Key': 'once'}
        waiting = web.later('POST', URL, self.request(user='ann'), key)
        web.answer('an answer', metadata={'usage': {'input_tokens': 11, 'output_tokens': 3}})
        told = web.wait(waiting).json
        again = wait(lambda: (got := web.ask('POST', URL, self.request(user='ann'), key)).status == 200 and got,
                     'it is told again').json
        self.assertEqual((again['usage'], again['palaver']), (told['usage'], told['palaver']))

    def test_what_stands_behind_code_that_was_cut_off_is_not_code(self):
        web = self.web()
        for code, end in (('look:\n```c\nint x;', '\n```'), ('~~~~\n```\nx', '\n~~~~'), ('`a` and ```b```', '')):
            waiting = web.later('POST', URL, self.request())
            web.answer(code)
            told = web.wait(waiting).json
            self.assertEqual(told['choices'][0]['message']['content'], '\n\n'.join([code + end, *NOTES]))
        opening = self.stream(web)
        job = web.worker.job()
        stream = wait(lambda: opening.done() and opening.result(), 'the stream is open')
        web.live(job, 'chat.delta', delta='```\nint', index=0)
        first = [stream.next()[2] for _ in range(2)]
        self.assertEqual(first[1]['choices'][0]['delta']['content'], '```\nint')
        web.worker.reply(job['lease'], '```\nfloat')
        text = ''.join(chunk['choices'][0]['delta'].get('content', '') for chunk in self.chunks(stream))
        self.assertEqual(text, '\n```\n\n' + '\n\n'.join(['```\nfloat\n```', *NOTES]))

    def test_a_stream_that_is_late_says_so(self):
        web = self.web(timeout_s=1)
        opening = self.stream(web)
        web.worker.job()
        stream = wait(lambda: opening.done() and opening.result(), 'the stream')
        self.assertEqual(stream.next()[2]['choices'][0]['delta']['role'], 'assistant')
        self.assertEqual(stream.next()[2]['error']['code'], 'timeout')

    def test_errors_have_their_shape(self):
        web = self.web(api_keys='alpha\nops operate\n')
        for status, code, headers, body in [
                (401, 'invalid_api_key', {'Authorization': 'Bearer x'}, self.request()),
                (403, 'insufficient_scope', {'Authorization': 'Bearer ops'}, self.request()),
                (404, 'model_not_found', None, self.request(model='gpt')), (422, None, None, {'model': 'palaver'}),
                (422, None, None, self.request(n=2)), (422, None, None, self.request('')),
                (422, None, None, {'model': 'palaver', 'messages': [{'role': 'king', 'content': 'x'}]}),
                (422, None, None, self.request(user=7)), (400, None, None, '{')]:
            with self.subTest(body=str(body)[:60]):
                answer = web.ask('POST', URL, body, headers or {'Authorization': 'Bearer alpha'})
                self.assertEqual((answer.status, answer.json['error']['code']), (status, code))
        error = web.ask('POST', URL, self.request(model='gpt'), {'Authorization': 'Bearer alpha'}).json['error']
        self.assertEqual(error['param'], 'model')
        self.assertIn('there is no gpt', error['message'])
        self.assertIsNone(web.ask('POST', URL, '{', {'Authorization': 'Bearer alpha'}).json['error']['param'])
        self.assertIn('error', web.ask('GET', '/v1/nothing').json)

    def test_a_repeat_is_the_same_answer(self):
        web, key = self.web(), {'Idempotency-Key': 'k1'}
        waiting = web.later('POST', URL, self.request(), key)
        web.answer('once')
        first = web.wait(waiting).json
        again = web.wait(web.later('POST', URL, self.request(), key)).json
        self.assertEqual((again['id'], again['choices']), (first['id'], first['choices']))
        self.assertEqual(web.wait(web.later('POST', URL, self.request('else'), key)).status, 422)

    def test_with_the_official_client(self):
        package, node = os.environ.get('OPENAI_PACKAGE'), shutil.which('node')
        if not package or not node:
            self.skipTest('OPENAI_PACKAGE does not name the folder of the npm package openai, or there is no node')
        web = self.web(api_keys='alpha\n')
        child = subprocess.Popen([node, '-e', OFFICIAL, f'http://127.0.0.1:{web.port}/v1', package],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(child.kill)
        web.answer('hi')
        web.answer('hi again')
        told = child.communicate(timeout=60)[0].replace('\n\n', ' ')
        self.assertEqual(told.splitlines(), ["[ 'palaver' ]", f'hi {" ".join(NOTES)} true stop',
                                             f'hi again {" ".join(NOTES)} true', 'NotFoundError model_not_found',
                                             'AuthenticationError invalid_api_key'], told)


if __name__ == '__main__':
    unittest.main()
